//! Diff2Lip (Mukhopadhyay et al. 2023, section 3): the noise in the lower half of a face, given the upper half, another
//! picture of the person and the sound; judged by the noise itself, by the variance of the next step, and by the picture
//! recovered from the noise: its difference, its looks, and five in a row by a lip-sync expert and a discriminator.

use super::crops::{Clips, Framing, Look, mouth, signed, sound, stream};
use super::judges::{Judges, in_a_row};
use super::mouths::{self, DISTANCES, each, listened, other_moment, shape, told};
use super::sheet::sheet;
use super::syncnet::LOOK;
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::denoising::{Times, mean_square, spread, weighed};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{DType, Device, Tensor};
use lipsmith_base::Random;
use lipsmith_nets::diff2lip::{Config, Diff2Lip, blend, lower_half_mask};
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::ops::Precision;
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Sampler as Steps, Schedule};
use lipsmith_nets::unet::Rhythm;
use lipsmith_nets::zoo::Network;
use std::collections::HashMap;
use std::sync::Arc;

/// By how many pictures the sound that goes with one lies before it: one in the published scripts; a draft hears at once.
pub(crate) fn late(config: &Config) -> usize {
    usize::from(config.draft.is_none())
}

/// Pictures in an examination, and on its sheet.
const EXAMINED: usize = 16;
const SHOWN: usize = 8;

/// Weights of the losses beside that of the noise, whose own is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// Of the squared difference of the recovered picture. With a weight of 1, the paper's, both together are the
    /// loss of the velocity (Salimans & Ho 2022), which is alike at all times.
    pub picture: f64,
    /// Of the variational term, in bits.
    pub variance: f64,
    /// Of the expert's verdict on sync, if there is one.
    pub sync: f64,
    /// Of the looks, by LPIPS or by what the expert feels.
    pub looks: f64,
    /// Of the discriminator's verdict on five pictures in a row, if there is one.
    pub adversary: f64,
    /// How much more a pixel around the lips counts than any other.
    pub lips: f32,
    /// The share of the windows whose style is not heard but told: that of the true mouth, see [`told`].
    pub told: f64,
}

impl Balance {
    pub fn published() -> Balance {
        Balance { picture: 1.0, variance: 1.0, sync: 0.1, looks: 0.25, adversary: 0.5, lips: 0.0, told: 0.0 }
    }
}

/// How a run is made beyond what its losses weigh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    /// Windows a step, and the parts in which they are gone through: less memory, the same gradient.
    pub batch: usize,
    pub parts: usize,
    /// What the moving average of the weights keeps of itself in a step.
    pub average: f64,
    /// Steps of sampling in examinations.
    pub steps: usize,
}

pub struct Generator {
    config: Config,
    learner: Learner,
    judges: Judges,
    balance: Balance,
    manner: Manner,
    process: Schedule,
    /// `[1, 1, s, s]`.
    mask: Tensor,
    sampler: Arc<Sampler>,
    exam: Windows,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    manner: Manner,
    /// Pictures a window.
    length: usize,
    balance: Balance,
    side: usize,
    late: usize,
    /// Of the process.
    steps: usize,
}

/// n windows of t pictures each, `[n·t, …]`.
pub struct Windows {
    /// `[n·t, 3, s, s]`: red, green, blue in [-1, 1].
    clean: Tensor,
    reference: Tensor,
    /// The same for all pictures of a window, as in sampling.
    noise: Tensor,
    /// What stands for the masked half in the condition: noise of its own.
    veil: Tensor,
    times: Vec<usize>,
    /// `[n·t, 1, s, s]`: what a pixel counts; 0 in the upper half.
    counts: Tensor,
    /// `[n·t, 80, 16]`.
    sounds: Tensor,
    /// `[n, 1, 80, 16]`: as the expert hears a window.
    witness: Tensor,
    /// `[n·t, distances]`: what the true mouth does.
    shapes: Tensor,
    /// `[n·t, 1]`: 1 where the style is told.
    told: Tensor,
    length: usize,
}

/// A loss by its name, and what it weighs.
type Loss = (&'static str, Tensor, f64);

impl Generator {
    /// Continues from `weights`. Without judges who look at five pictures a window is a single one.
    pub fn new(
        set: &Set,
        weights: Weights,
        judges: Judges,
        balance: Balance,
        manner: Manner,
        settings: Settings,
        device: &Device,
    ) -> Result<Generator, TrainError> {
        let config = Config::of_checkpoint(&weights.builder())?;
        let in_a_row = judges.expert.is_some() || judges.adversary.is_some();
        let length = if in_a_row { LOOK } else { 1 };
        let side = config.image_size;
        let examined = Clips::of(set, Split::Validation, length.max(2))?;
        let late = late(&config);
        let mut drawing = Drawing::new(side, length, late, [0.0, 1.0]);
        for (item, (clip, first)) in examined.fixed(EXAMINED / length.min(2)).into_iter().enumerate() {
            let framing = Framing::PLAIN;
            drawing.add(clip, first, &Look::plain(), [framing; 2], &mut stream(0, 0, item));
        }
        let windows = drawing.windows;
        Ok(Generator {
            learner: Learner::new(weights, settings, Some(manner.average))?,
            judges,
            balance,
            manner,
            process: config.process()?,
            mask: lower_half_mask(side, &Tensor::zeros(1, DType::F32, device)?)?,
            sampler: Arc::new(Sampler {
                clips: Clips::of(set, Split::Train, length.max(2))?,
                manner,
                length,
                balance,
                side,
                late,
                steps: config.process()?.len(),
            }),
            exam: drawing.finish(vec![0; windows], &vec![0.0; windows], &mut Noise::new(7))?,
            device: device.clone(),
            config,
        })
    }

    /// The losses of a part of a batch, and the recovered pictures with the upper halves of the true ones.
    fn losses(&self, windows: &Windows) -> Result<(Vec<Loss>, Tensor), TrainError> {
        let balance = &self.balance;
        let network = Diff2Lip::new(&self.config, &self.learner.builder()?)?;
        let mut losses = Vec::new();
        let hear = || network.listen(&windows.sounds);
        let (said, ear) =
            listened(balance.told, &windows.told, true_words(&self.config, &windows.shapes)?, hear)?;
        losses.extend(ear.map(|ear| ("ear", ear, 1.0)));
        let times = Times::new(&self.process, &windows.times, &self.device)?;
        let x = times.noisy(&windows.clean, &windows.noise)?;
        let at: Vec<f32> = windows.times.iter().map(|&t| t as f32).collect();
        let given = network.condition(&said, &windows.clean, &windows.reference, &windows.veil)?;
        let made = network.forward_at(&x, &at, &given)?;
        let (eps, between) = (made.narrow(1, 0, 3)?, made.narrow(1, 3, 3)?);
        losses.push(("noise", mean_square(&eps, &windows.noise, &windows.counts)?, 1.0));
        let recovered = times.recovered(&x, &eps)?;
        // The published form recovers pictures from almost pure noise with hundredfold errors.
        let recovered = if self.config.patch > 1 { recovered } else { recovered.clamp(-1f32, 1f32)? };
        if balance.picture > 0.0 {
            let apart = mean_square(&recovered, &windows.clean, &windows.counts)?;
            losses.push(("picture", apart, balance.picture));
        }
        if balance.variance > 0.0 {
            let bits = times.variational(&windows.clean, &x, &eps, &between)?;
            losses.push(("variance", weighed(&bits, &windows.counts)?, balance.variance));
        }
        let whole = blend(&self.mask, &recovered, &windows.clean)?;
        self.judged(&mut losses, &whole, windows)?;
        Ok((losses, whole))
    }

    /// What the judges say of pictures.
    fn judged(&self, losses: &mut Vec<Loss>, whole: &Tensor, windows: &Windows) -> Result<(), TrainError> {
        let Balance { sync, looks, adversary: turned, .. } = self.balance;
        if looks > 0.0
            && let Some((name, apart)) = self.judges.looks(whole, &windows.clean)?
        {
            losses.push((name, apart, looks));
        }
        if windows.length != LOOK {
            return Ok(());
        }
        let lower = in_a_row(whole)?;
        if sync > 0.0
            && let Some(loss) = self.judges.sync(&lower, &windows.witness)?
        {
            losses.push(("sync", loss, sync));
        }
        if let Some(adversary) = &self.judges.adversary {
            losses.push(("fooled", adversary.fooled(&lower)?, turned));
        }
        Ok(())
    }

    /// The expert's loss of pictures.
    fn sync(&self, whole: &Tensor, windows: &Windows) -> Result<Option<f64>, TrainError> {
        if windows.length != LOOK {
            return Ok(None);
        }
        let loss = self.judges.sync(&in_a_row(whole)?, &windows.witness)?;
        Ok(loss.map(|loss| loss.to_scalar::<f32>()).transpose()?.map(f64::from))
    }

    /// The weighed sum of a part of a batch's losses, each of which is added to its score.
    fn total(&self, losses: Vec<Loss>, share: f64, scores: &mut Scores) -> Result<Tensor, TrainError> {
        let mut sum = Tensor::zeros((), DType::F32, &self.device)?;
        for (name, loss, weight) in losses {
            let number = share * f64::from(loss.to_scalar::<f32>()?);
            match scores.iter_mut().find(|(other, _)| *other == name) {
                Some((_, total)) => *total += number,
                None => scores.push((name, number)),
            }
            sum = (sum + (loss * (weight * share))?)?;
        }
        Ok(sum)
    }
}

/// What an ear that hears perfectly would say of mouths, `[n, distances]`.
pub(crate) fn true_words(config: &Config, shapes: &Tensor) -> Result<Tensor, TrainError> {
    let ear = if config.draft.is_some() { Network::Wav2Lip } else { Network::Diff2Lip };
    Ok(told(ear, shapes, config.said_channels())?)
}

/// A way from noise to a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    pub sampler: Steps,
    pub steps: usize,
    pub precision: Precision,
    /// Steps from one that walks all levels of the U-Net to the next; see [`Rhythm`].
    pub inner_every: usize,
}

impl Sampling {
    /// As the published scripts go, in so many steps.
    pub fn ddim(steps: usize) -> Sampling {
        Sampling { sampler: Steps::Ddim, steps, precision: Precision::Full, inner_every: 1 }
    }
}

/// Pictures made from nothing but noise, as dubbing makes them. `clean`: `[n, 3, s, s]`, of which the upper halves are
/// seen, and `reference`, red, green and blue in [-1, 1]; `said`: [`Diff2Lip::listen`] of the sounds → `[n, 3, s, s]`.
pub(crate) fn sample(
    network: &Diff2Lip,
    clean: &Tensor,
    reference: &Tensor,
    said: &Tensor,
    sampling: &Sampling,
) -> Result<Tensor, TrainError> {
    sampling.precision.within(|| sampled(network, clean, reference, said, sampling))
}

fn sampled(
    network: &Diff2Lip,
    clean: &Tensor,
    reference: &Tensor,
    said: &Tensor,
    sampling: &Sampling,
) -> Result<Tensor, TrainError> {
    let Sampling { sampler, steps, inner_every, .. } = *sampling;
    let (n, _, side, _) = clean.dims4()?;
    let noise = Noise::new(7).draw(&[1, 3, side, side], clean.device())?.repeat((n, 1, 1, 1))?;
    let given = network.condition(&said.detach(), clean, reference, &noise)?;
    let schedule = sampler.schedule(&network.config.process()?, steps)?;
    let start = network.begin(&schedule, &noise, &given)?;
    let mut rhythm = Rhythm::new(inner_every);
    let hooks = Hooks {
        network: &mut |x, t| network.forward_through(&x.detach(), &[t as f32], &given, rhythm.step()),
        should_stop: &mut |_| false,
        noise: &mut |x| Ok(x.zeros_like()?),
        known: None,
    };
    let made = sampler.sample(&schedule, &start, 0.0, hooks)?;
    Ok(blend(&given.mask, &made, clean)?)
}

impl Recipe for Generator {
    type Batch = Vec<Windows>;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Vec<Windows>, TrainError> {
        let Sampler { clips, manner, length, balance, side, late, steps } = &**sampler;
        let parts = manner.parts.clamp(1, manner.batch);
        let all = spread(manner.batch, stream(seed, step, manner.batch).unit(), *steps);
        (0..parts)
            .map(|part| {
                let items = part * manner.batch / parts..(part + 1) * manner.batch / parts;
                let mut drawing = Drawing::new(*side, *length, *late, [1.0, 1.0 + balance.lips]);
                let (mut times, mut told) = (Vec::new(), Vec::new());
                for item in items {
                    let mut random = stream(seed, step, item);
                    let (clip, first) = clips.pick(&mut random);
                    let look = Look::random(&mut random);
                    let framing = Framing::random(&mut random);
                    let of_reference = framing.shaken(&mut random);
                    drawing.add(clip, first, &look, [framing, of_reference], &mut random);
                    times.push(all[item]);
                    told.push(mouths::draw(&mut random, balance.told));
                }
                drawing.finish(times, &told, &mut Noise::new(super::mixed(seed, step, part)))
            })
            .collect()
    }

    fn learn(&mut self, batch: Vec<Windows>) -> Result<Scores, TrainError> {
        let all: usize = batch.iter().map(|part| part.times.len()).sum();
        let mut scores: Scores = Vec::new();
        let (mut sum, mut of_judge) = (None, None);
        for part in &batch {
            let share = part.times.len() as f64 / all.max(1) as f64;
            let windows = part.to_device(&self.device)?;
            let (losses, whole) = self.losses(&windows)?;
            let loss = self.total(losses, share, &mut scores)?;
            sum = Some(self.learner.gather(sum, loss.backward()?)?);
            if let Some(adversary) = &self.judges.adversary {
                let [filmed, made] =
                    adversary.losses(&in_a_row(&windows.clean)?, &in_a_row(&whole.detach())?)?;
                let losses = vec![("filmed", filmed, 0.5), ("made", made, 0.5)];
                let loss = self.total(losses, share, &mut scores)?;
                of_judge = Some(adversary.gather(of_judge, loss.backward()?)?);
            }
        }
        if let Some(grads) = &sum {
            scores.push(("gradient", self.learner.step(grads)?));
        }
        if let Some((adversary, grads)) = self.judges.adversary.as_mut().zip(of_judge) {
            adversary.step(&grads)?;
        }
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = Diff2Lip::new(&self.config, &self.learner.averaged_builder(&self.device)?)?;
        let exam = self.exam.to_device(&self.device)?;
        let n = exam.clean.dim(0)?;
        let sampling = Sampling::ddim(self.manner.steps);
        let paint = |said: &Tensor| sample(&network, &exam.clean, &exam.reference, said, &sampling);
        let by_sound = paint(&network.listen(&exam.sounds)?)?;
        // What the sound is worth: the same pictures with the sound of the next window.
        let next = |t: &Tensor| {
            let parts = [t.narrow(0, exam.length, n - exam.length)?, t.narrow(0, 0, exam.length)?];
            Tensor::cat(&parts, 0)
        };
        let by_other = paint(&network.listen(&next(&exam.sounds)?)?)?;
        let apart = |made: &Tensor, counts: &Tensor| -> Result<f64, TrainError> {
            let apart = weighed(&(made - &exam.clean)?.abs()?.affine(0.5, 0.0)?, counts)?;
            Ok(f64::from(apart.to_scalar::<f32>()?))
        };
        let lower = self.mask.broadcast_as(exam.counts.shape())?.contiguous()?;
        let mut judged = apart(&by_sound, &exam.counts)?;
        let mut scores = vec![
            ("picture", apart(&by_sound, &lower)?),
            ("lips", judged),
            ("lips_of_other_sound", apart(&by_other, &exam.counts)?),
        ];
        let mut rows =
            vec![blend(&self.mask, &exam.clean.zeros_like()?, &exam.clean)?, exam.reference.clone()];
        rows.extend([by_sound.clone(), exam.clean.clone(), by_other]);
        if self.balance.told > 0.0 {
            let by_mouth = paint(&true_words(&self.config, &exam.shapes)?)?;
            let lips = apart(&by_mouth, &exam.counts)?;
            scores.push(("lips_of_true_mouth", lips));
            rows.push(by_mouth);
            judged = if self.balance.told >= 1.0 { lips } else { judged };
        }
        for (name, seen) in [("sync", &by_sound), ("sync_of_truth", &exam.clean)] {
            scores.extend(self.sync(seen, &exam)?.map(|loss| (name, loss)));
        }
        let rows = rows.iter().map(|row| row.affine(0.5, 0.5)).collect::<Result<Vec<_>, _>>()?;
        Ok(Exam { scores, judged, picture: sheet(&rows, SHOWN)? })
    }

    fn learner(&self) -> &Learner {
        &self.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.learner
    }

    fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let mut state = self.learner.state("")?;
        if let Some(adversary) = &self.judges.adversary {
            state.extend(adversary.state()?);
        }
        Ok(state)
    }

    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.learner.restore("", state)?;
        match &mut self.judges.adversary {
            Some(adversary) => adversary.restore(state),
            None => Ok(()),
        }
    }
}

impl Windows {
    fn to_device(&self, device: &Device) -> Result<Windows, TrainError> {
        let moved = |t: &Tensor| t.to_device(device);
        Ok(Windows {
            clean: moved(&self.clean)?,
            reference: moved(&self.reference)?,
            noise: moved(&self.noise)?,
            veil: moved(&self.veil)?,
            times: self.times.clone(),
            counts: moved(&self.counts)?,
            sounds: moved(&self.sounds)?,
            witness: moved(&self.witness)?,
            shapes: moved(&self.shapes)?,
            told: moved(&self.told)?,
            length: self.length,
        })
    }
}

struct Drawing {
    side: usize,
    length: usize,
    late: usize,
    /// What a pixel of the lower half counts, and one around the lips.
    counting: [f32; 2],
    windows: usize,
    clean: Vec<f32>,
    reference: Vec<f32>,
    counts: Vec<f32>,
    sounds: Vec<f32>,
    witness: Vec<f32>,
    shapes: Vec<f32>,
}

impl Drawing {
    fn new(side: usize, length: usize, late: usize, counting: [f32; 2]) -> Drawing {
        let (clean, reference, counts, sounds, witness, shapes) = Default::default();
        Drawing {
            side,
            length,
            late,
            counting,
            windows: 0,
            clean,
            reference,
            counts,
            sounds,
            witness,
            shapes,
        }
    }

    fn add(&mut self, clip: &Clip, first: usize, look: &Look, framings: [Framing; 2], random: &mut Random) {
        let [framing, of_reference] = framings;
        let side = self.side;
        let other = other_moment(random, clip.frames, first, self.length);
        for frame in first..first + self.length {
            signed(clip, frame, look, framing, side, &mut self.clean);
            signed(clip, other, look, of_reference, side, &mut self.reference);
            let [x0, y0, x1, y1] = mouth(clip, frame, look, framing, side);
            let [elsewhere, lips] = self.counting;
            self.counts.extend((0..side * side).map(|i| match (i % side, i / side) {
                (_, y) if y < side / 2 => 0.0,
                (x, y) if (x0..x1).contains(&x) && (y0..y1).contains(&y) => lips,
                _ => elsewhere,
            }));
            sound(clip, frame.saturating_sub(self.late), &look.room, &mut self.sounds);
            self.shapes.extend(shape(clip, frame));
        }
        sound(clip, first, &look.room, &mut self.witness);
        self.windows += 1;
    }

    /// A time and whether its style is told for each window.
    fn finish(self, times: Vec<usize>, told: &[f32], noise: &mut Noise) -> Result<Windows, TrainError> {
        let (side, length, n) = (self.side, self.length, self.windows * self.length);
        let tensor = |values, channels| Tensor::from_vec(values, (n, channels, side, side), &Device::Cpu);
        // The same for all pictures of a window.
        let spread = |t: Tensor| {
            let dims = [self.windows, length, 3, side, side];
            t.unsqueeze(1)?.broadcast_as(&dims[..])?.reshape((n, 3, side, side))?.contiguous()
        };
        let mut draw = || noise.draw(&[self.windows, 3, side, side], &Device::Cpu);
        let (own, veil) = (draw()?, draw()?);
        Ok(Windows {
            clean: tensor(self.clean, 3)?,
            reference: tensor(self.reference, 3)?,
            noise: spread(own)?,
            veil: spread(veil)?,
            times: times.into_iter().flat_map(|t| vec![t; length]).collect(),
            counts: tensor(self.counts, 1)?,
            sounds: Tensor::from_vec(self.sounds, (n, BANDS, WINDOW), &Device::Cpu)?,
            witness: Tensor::from_vec(self.witness, (self.windows, 1, BANDS, WINDOW), &Device::Cpu)?,
            shapes: Tensor::from_vec(self.shapes, (n, DISTANCES.len()), &Device::Cpu)?,
            told: Tensor::from_vec(each(told, length), (n, 1), &Device::Cpu)?,
            length,
        })
    }
}
