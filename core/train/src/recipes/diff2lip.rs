//! Diff2Lip (Mukhopadhyay et al. 2023, section 3): the noise in the lower half of a face, given the upper half, another
//! picture of the person and the sound; judged by the noise itself, by the picture recovered from it, by the variance
//! of the next step and by a lip-sync expert that looks at five recovered pictures in a row.

use super::crops::{Clips, Framing, Look, below, mouth, picture, sound, stream};
use super::ear::{DISTANCES, shape};
use super::sheet::sheet;
use super::syncnet::LOOK;
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::denoising::{Times, mean_square, scaled, weighed};
use crate::learner::Learner;
use crate::losses::{agreement, sync};
use crate::optim::Settings;
use crate::speaker::math::Random;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_nets::diff2lip::{Condition, Config, Diff2Lip, blend, lower_half_mask, masked_face};
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Sampler as Steps, Schedule, betas};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::wav2lip::FACE;
use std::collections::HashMap;
use std::sync::Arc;

/// A picture is heard with the sound of the one before it, as in the published scripts.
pub(super) const LATE: usize = 1;
const STEPS: usize = 1000;
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
    /// Of the expert's verdict.
    pub sync: f64,
    /// How much more a pixel around the lips counts than any other.
    pub lips: f32,
    /// The share of the windows whose style is not heard but told: that of the true mouth, see [`told`]. With more
    /// than none the ear learns to say the same.
    pub told: f64,
}

impl Balance {
    pub fn published() -> Balance {
        Balance { picture: 1.0, variance: 1.0, sync: 0.1, lips: 0.0, told: 0.0 }
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
    network: Diff2Lip,
    config: Config,
    learner: Learner,
    expert: Option<SyncNetColor>,
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

/// The style of mouths whose distances are known, `[n, distances]` → `[n, embedding]`: each distance along a
/// direction of its own, fixed for ever, so that it needs no weights in the network's file.
pub(super) fn told(shapes: &Tensor, config: &Config) -> Result<Tensor, TrainError> {
    let embedding = config.unet.embedding_channels();
    let mut random = Random::new(0x6d6f_7574);
    let values: Vec<f32> = (0..DISTANCES.len() * embedding).map(|_| random.within(-0.6, 0.6)).collect();
    let directions = Tensor::from_vec(values, (DISTANCES.len(), embedding), shapes.device())?;
    Ok(shapes.matmul(&directions)?)
}

impl Generator {
    /// Continues from `weights`. Without an expert a window is a single picture, since nothing looks at five.
    pub fn new(
        set: &Set,
        weights: Weights,
        expert: Option<SyncNetColor>,
        balance: Balance,
        manner: Manner,
        settings: Settings,
        device: &Device,
    ) -> Result<Generator, TrainError> {
        let config = Config::of_checkpoint(&weights.builder())?;
        let length = if expert.is_some() { LOOK } else { 1 };
        let side = config.image_size;
        let examined = Clips::of(set, Split::Validation, length.max(2))?;
        let mut drawing = Drawing::new(side, length, [0.0, 1.0]);
        for (item, (clip, first)) in examined.fixed(EXAMINED / length.min(2)).into_iter().enumerate() {
            let framing = Framing::PLAIN;
            drawing.add(clip, first, &Look::plain(), [framing; 2], &mut stream(0, 0, item));
        }
        let windows = drawing.windows;
        Ok(Generator {
            network: Diff2Lip::new(&config, &weights.builder())?,
            learner: Learner::new(weights, settings, manner.average)?,
            expert,
            balance,
            manner,
            process: Schedule::new(betas::linear(STEPS))?,
            mask: lower_half_mask(side, &Tensor::zeros(1, candle_core::DType::F32, device)?)?,
            sampler: Arc::new(Sampler {
                clips: Clips::of(set, Split::Train, length.max(2))?,
                manner,
                length,
                balance,
                side,
            }),
            exam: drawing.finish(vec![0; windows], &vec![0.0; windows], &mut Noise::new(7))?,
            device: device.clone(),
            config,
        })
    }

    fn given(&self, windows: &Windows, style: Tensor) -> Result<Condition, TrainError> {
        Ok(Condition {
            face: masked_face(&windows.clean, &self.mask, &windows.veil)?,
            mask: self.mask.clone(),
            reference: windows.reference.clone(),
            style,
        })
    }

    /// The losses of a part of a batch, each with what it weighs.
    fn losses(&self, windows: &Windows) -> Result<Vec<(&'static str, Tensor, f64)>, TrainError> {
        let Balance { picture, variance, sync, told: share, .. } = self.balance;
        let mut losses = Vec::new();
        let truth = told(&windows.shapes, &self.config)?;
        let style = if share < 1.0 {
            let heard = self.network.style(&windows.sounds)?;
            if share > 0.0 {
                losses.push(("ear", (&heard - &truth)?.sqr()?.mean_all()?, 1.0));
            }
            // Where it is told, what is heard does not count.
            let heard = heard.broadcast_mul(&windows.told.affine(-1.0, 1.0)?)?;
            (heard + truth.broadcast_mul(&windows.told)?)?
        } else {
            truth
        };
        let times = Times::new(&self.process, &windows.times, &self.device)?;
        let x = times.noisy(&windows.clean, &windows.noise)?;
        let at: Vec<f32> = windows.times.iter().map(|&t| t as f32).collect();
        let made = self.network.forward_at(&x, &at, &self.given(windows, style)?)?;
        let (eps, between) = (made.narrow(1, 0, 3)?, made.narrow(1, 3, 3)?);
        losses.push(("noise", mean_square(&eps, &windows.noise, &windows.counts)?, 1.0));
        let recovered = times.recovered(&x, &eps)?;
        // The published form recovers pictures from almost pure noise with hundredfold errors.
        let recovered = if self.config.patch > 1 { recovered } else { recovered.clamp(-1f32, 1f32)? };
        if picture > 0.0 {
            losses.push(("picture", mean_square(&recovered, &windows.clean, &windows.counts)?, picture));
        }
        if variance > 0.0 {
            let bits = times.variational(&windows.clean, &x, &eps, &between)?;
            losses.push(("variance", weighed(&bits, &windows.counts)?, variance));
        }
        if sync > 0.0
            && let Some(expert) = &self.expert
        {
            let seen = blend(&self.mask, &recovered, &windows.clean)?;
            losses.push(("sync", self.sync(expert, &seen, windows)?, sync));
        }
        Ok(losses)
    }

    /// The expert's loss of pictures.
    fn sync(&self, expert: &SyncNetColor, seen: &Tensor, windows: &Windows) -> Result<Tensor, TrainError> {
        let faces = expert.faces(&as_expert_sees(seen)?)?;
        let sounds = expert.sound(&windows.witness)?;
        Ok(sync(&agreement(&faces, &sounds)?, true)?)
    }

    /// Pictures made from nothing but noise, in [-1, 1].
    fn sample(&self, network: &Diff2Lip, windows: &Windows, style: Tensor) -> Result<Tensor, TrainError> {
        let n = windows.clean.dim(0)?;
        let side = self.config.image_size;
        let start = Noise::new(7).draw(&[1, 3, side, side], &self.device)?.repeat((n, 1, 1, 1))?;
        let given = Condition {
            face: masked_face(&windows.clean, &self.mask, &start)?,
            ..self.given(windows, style.detach())?
        };
        let hooks = Hooks {
            network: &mut |x, t| network.forward(&x.detach(), t as f32, &given),
            should_stop: &mut |_| false,
            noise: &mut |x| Ok(x.zeros_like()?),
            known: None,
        };
        let schedule = Steps::Ddim.schedule(&self.process, self.manner.steps)?;
        let made = Steps::Ddim.sample(&schedule, &start, 0.0, hooks)?;
        Ok(blend(&self.mask, &made, &windows.clean)?)
    }
}

/// Windows of five pictures `[n·5, 3, s, s]` in [-1, 1] → `[n, 15, 48, 96]`.
fn as_expert_sees(pictures: &Tensor) -> Result<Tensor, TrainError> {
    let n = pictures.dim(0)? / LOOK;
    let turned = Tensor::new(&[2u32, 1, 0], pictures.device())?;
    let bgr = pictures.index_select(&turned, 1)?.affine(0.5, 0.5)?;
    let lower = scaled(&bgr, FACE)?.narrow(2, FACE / 2, FACE / 2)?.contiguous()?;
    Ok(lower.reshape((n, 3 * LOOK, FACE / 2, FACE))?)
}

impl Recipe for Generator {
    type Batch = Vec<Windows>;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Vec<Windows>, TrainError> {
        let Sampler { clips, manner, length, balance, side } = &**sampler;
        let parts = manner.parts.clamp(1, manner.batch);
        // Times spread evenly over the batch (Kingma et al. 2021): each alone is still uniform.
        let offset = stream(seed, step, manner.batch).unit();
        (0..parts)
            .map(|part| {
                let items = part * manner.batch / parts..(part + 1) * manner.batch / parts;
                let mut drawing = Drawing::new(*side, *length, [1.0, 1.0 + balance.lips]);
                let (mut times, mut told) = (Vec::new(), Vec::new());
                for item in items {
                    let mut random = stream(seed, step, item);
                    let (clip, first) = clips.pick(&mut random);
                    let look = Look::random(&mut random);
                    let framing = Framing::random(&mut random);
                    let of_reference = framing.shaken(&mut random);
                    drawing.add(clip, first, &look, [framing, of_reference], &mut random);
                    let share = (item as f32 / manner.batch as f32 + offset).fract();
                    times.push(((share * STEPS as f32) as usize).min(STEPS - 1));
                    told.push(f32::from(u8::from(f64::from(random.unit()) < balance.told)));
                }
                let mixed = (seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part as u64) >> 8;
                drawing.finish(times, &told, &mut Noise::new(mixed as u32))
            })
            .collect()
    }

    fn learn(&mut self, batch: Vec<Windows>) -> Result<Scores, TrainError> {
        let all: usize = batch.iter().map(|part| part.times.len()).sum();
        let mut scores: Scores = Vec::new();
        let mut sum = None;
        for part in &batch {
            let share = part.times.len() as f64 / all.max(1) as f64;
            let losses = self.losses(&part.to_device(&self.device)?)?;
            let mut loss = Tensor::zeros((), candle_core::DType::F32, &self.device)?;
            for (i, (name, value, weight)) in losses.into_iter().enumerate() {
                let number = share * f64::from(value.to_scalar::<f32>()?);
                match scores.get_mut(i) {
                    Some((_, total)) => *total += number,
                    None => scores.push((name, number)),
                }
                loss = (loss + (value * (weight * share))?)?;
            }
            sum = Some(self.learner.gather(sum, loss.backward()?)?);
        }
        if let Some(grads) = &sum {
            scores.push(("gradient", self.learner.step(grads)?));
        }
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = Diff2Lip::new(&self.config, &self.learner.averaged_builder(&self.device))?;
        let exam = self.exam.to_device(&self.device)?;
        let n = exam.clean.dim(0)?;
        let by_sound = self.sample(&network, &exam, network.style(&exam.sounds)?)?;
        // What the sound is worth: the same pictures with the sound of the next window.
        let next = |t: &Tensor| {
            let parts = [t.narrow(0, exam.length, n - exam.length)?, t.narrow(0, 0, exam.length)?];
            Tensor::cat(&parts, 0)
        };
        let by_other = self.sample(&network, &exam, network.style(&next(&exam.sounds)?)?)?;
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
            let by_mouth = self.sample(&network, &exam, told(&exam.shapes, &self.config)?)?;
            let lips = apart(&by_mouth, &exam.counts)?;
            scores.push(("lips_of_true_mouth", lips));
            rows.push(by_mouth);
            judged = if self.balance.told >= 1.0 { lips } else { judged };
        }
        if let Some(expert) = &self.expert {
            for (name, seen) in [("sync", &by_sound), ("sync_of_truth", &exam.clean)] {
                scores.push((name, f64::from(self.sync(expert, seen, &exam)?.to_scalar::<f32>()?)));
            }
        }
        let rows = rows.iter().map(|row| row.affine(0.5, 0.5)).collect::<Result<Vec<_>, _>>()?;
        Ok(Exam { scores, judged, picture: Some(sheet(&rows, SHOWN)?) })
    }

    fn network(&self) -> Vec<(String, Tensor)> {
        self.learner.averaged()
    }

    fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        self.learner.state()
    }

    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.learner.restore(state)
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
    fn new(side: usize, length: usize, counting: [f32; 2]) -> Drawing {
        let (clean, reference, counts, sounds, witness, shapes) = Default::default();
        Drawing { side, length, counting, windows: 0, clean, reference, counts, sounds, witness, shapes }
    }

    fn add(&mut self, clip: &Clip, first: usize, look: &Look, framings: [Framing; 2], random: &mut Random) {
        let [framing, of_reference] = framings;
        let side = self.side;
        // Another moment of the clip: the network must not find the answer in it.
        let other = below(random, clip.frames - self.length);
        let other = if other < first { other } else { other + self.length };
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
            sound(clip, frame.saturating_sub(LATE), &mut self.sounds);
            self.shapes.extend(shape(clip, frame));
        }
        sound(clip, first, &mut self.witness);
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
        let each = |values: &[f32]| values.iter().flat_map(|v| vec![*v; length]).collect::<Vec<_>>();
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
            told: Tensor::from_vec(each(told), (n, 1), &Device::Cpu)?,
            length,
        })
    }
}

/// A picture as red, green and blue planes in [-1, 1], appended.
fn signed(clip: &Clip, frame: usize, look: &Look, framing: Framing, side: usize, out: &mut Vec<f32>) {
    let begin = out.len();
    picture(clip, frame, look, framing, side, 0..side, out);
    let planes = &mut out[begin..];
    planes.iter_mut().for_each(|v| *v = 2.0 * *v - 1.0);
    // Blue comes first.
    let (blue, rest) = planes.split_at_mut(side * side);
    blue.swap_with_slice(&mut rest[side * side..]);
}
