//! Wav2Lip's generator (Prajwal et al. 2020, sections 3.2 to 3.4): the lower half of a face from the upper half,
//! another picture of the person and the sound; judged by the picture itself, by a lip-sync expert that stands
//! still, and, if wanted, by a visual quality discriminator that learns beside it.

use super::crops::{self, Clips, Framing, Look, count, mouth, picture, sound, stream};
use super::judges::Judges;
use super::mouths::{self, DISTANCES, listened, other_moment, shape, told};
use super::sheet::sheet;
use super::syncnet::LOOK;
use super::{Exam, Recipe, Scores, scalar};
use crate::TrainError;
use crate::dataset::{Clip, LIPS, POINTS, Set, Split};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_base::Random;
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::wav2lip::{Config, FACE, Painted, Warp, Wav2Lip};
use lipsmith_nets::zoo::Network;
use std::collections::HashMap;
use std::sync::Arc;

/// Weights of the losses, and whose word they are counted on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// Of the expert's verdict, once it has been switched on.
    pub sync: f64,
    /// Of the discriminator's verdict.
    pub quality: f64,
    /// How much more a pixel around the lips counts than any other in the reconstruction: 0 is the paper's loss.
    pub lips: f32,
    /// The share of the windows whose mouth is not heard but told: that of the truth, see [`told`].
    pub told: f64,
}

impl Balance {
    /// The paper's: 0.03 and 0.07 with a discriminator, 0.01 without.
    pub fn published(with_discriminator: bool) -> Balance {
        match with_discriminator {
            true => Balance { sync: 0.03, quality: 0.07, lips: 0.0, told: 0.0 },
            false => Balance { sync: 0.01, quality: 0.0, lips: 0.0, told: 0.0 },
        }
    }
}

/// The expert's verdict counts from the examination on in which its loss is below this: before, it would only
/// disturb.
const SWITCH: f64 = 0.75;
/// Where a network fetches the points of the face from counts so much a pixel that it is beside: pictures alone lead a warp
/// only from near by.
const POINTED: f64 = 0.02;
/// How much more a point of the lips counts than any other: all move with the head, these alone with the words.
const SPEAKING: f32 = 4.0;
/// How much more what shows between the lips counts than what is around them: few pixels, but those that say that a mouth is
/// open, and the only ones that a warp cannot fetch.
const BETWEEN: f32 = 3.0;
/// What a warping network paints is to be like the truth by itself, so that it is there when an open mouth needs what the
/// reference does not show.
const PAINTED: f64 = 0.3;
const EXAMINED: usize = 24;
/// Examples in the picture of an examination.
const SHOWN: usize = 8;

pub struct Generator {
    learner: Learner,
    judges: Judges,
    balance: Balance,
    /// Whether the expert's verdict counts yet.
    switched: bool,
    config: Config,
    sampler: Arc<Sampler>,
    exam: Windows,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    /// Windows a batch and pictures a window.
    batch: usize,
    length: usize,
    balance: Balance,
}

impl Sampler {
    /// Where mouths are told, of two windows the one whose mouth does more: most of speech is all but closed, and what opens
    /// it is to be learned.
    fn pick(&self, random: &mut Random) -> (&Clip, usize) {
        let one = self.clips.pick(random);
        if self.balance.told <= 0.0 {
            return one;
        }
        let other = self.clips.pick(random);
        let done =
            |(clip, first): (&Clip, usize)| -> f32 { shape(clip, first).iter().map(|d| d.abs()).sum() };
        if done(other) > done(one) { other } else { one }
    }
}

/// n windows of t pictures each.
pub struct Windows {
    /// `[n·t, 6, 96, 96]`: the picture with its lower half black, a reference.
    faces: Tensor,
    /// `[n·t, 3, 96, 96]`.
    truth: Tensor,
    /// `[n·t, 1, 96, 96]`: what a pixel counts.
    counts: Tensor,
    /// `[n·t, 1, 80, 16]`.
    sounds: Tensor,
    /// `[n·t, distances]`: what each mouth does.
    shapes: Tensor,
    /// `[n·t, 1]`: 1 where the mouth is told.
    told: Tensor,
    /// Pixels at which points of the face lie, `[n·t, 2, 68]`, their number in both rows; how far from there they lie in
    /// the reference, right and down; and what each counts, 0 outside the picture, `[n·t, 1, 68]`.
    points: Tensor,
    moves: Tensor,
    worth: Tensor,
    /// Pictures a window.
    length: usize,
}

impl Generator {
    /// Continues from `weights`. Without an expert a window is a single picture, since nothing looks at five.
    pub fn new(
        set: &Set,
        weights: Weights,
        judges: Judges,
        batch: usize,
        balance: Balance,
        settings: Settings,
        device: &Device,
    ) -> Result<Generator, TrainError> {
        let length = if judges.expert.is_some() { LOOK } else { 1 };
        let examined = Clips::of(set, Split::Validation, LOOK)?;
        let mut drawing = Drawing::new(LOOK, [0.0, 1.0, 1.0]);
        for (item, (clip, first)) in examined.fixed(EXAMINED).into_iter().enumerate() {
            let framing = Framing::PLAIN;
            drawing.add(clip, first, &Look::plain(), framing, framing, &mut stream(0, 0, item));
            drawing.told.push(0.0);
        }
        Ok(Generator {
            config: Config::of_checkpoint(&weights.frozen())?,
            learner: Learner::new(weights, settings, Some(0.999))?,
            judges,
            balance,
            switched: false,
            sampler: Arc::new(Sampler {
                clips: Clips::of(set, Split::Train, length.max(2))?,
                batch,
                length,
                balance,
            }),
            exam: drawing.windows()?,
            device: device.clone(),
        })
    }

    /// The embeddings of true mouths, `[n, 32·width]`.
    fn truth(&self, windows: &Windows) -> Result<Tensor, TrainError> {
        Ok(told(Network::Wav2Lip, &windows.shapes, self.config.embedding_channels())?)
    }

    /// The expert's loss of made pictures.
    fn sync(&self, made: &Tensor, windows: &Windows) -> Result<Option<Tensor>, TrainError> {
        if windows.length != LOOK {
            return Ok(None);
        }
        let n = made.dim(0)? / LOOK;
        // A window's sound is that of its first picture.
        let sounds = windows.sounds.reshape((n, LOOK, BANDS, WINDOW))?.narrow(1, 0, 1)?.contiguous()?;
        self.judges.sync(&lower(made)?.reshape((n, 3 * LOOK, FACE / 2, FACE))?, &sounds)
    }
}

fn lower(faces: &Tensor) -> Result<Tensor, TrainError> {
    Ok(faces.narrow(2, FACE / 2, FACE / 2)?.contiguous()?)
}

/// Embeddings as the painter takes them, `[n, c]` → `[n, c, 1, 1]`.
fn placed(embeddings: &Tensor) -> Result<Tensor, TrainError> {
    Ok(embeddings.unsqueeze(2)?.unsqueeze(3)?)
}

impl Recipe for Generator {
    type Batch = Windows;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Windows, TrainError> {
        let around = 1.0 + sampler.balance.lips;
        let mut drawing = Drawing::new(sampler.length, [1.0, around, BETWEEN * around]);
        for item in 0..sampler.batch {
            let mut random = stream(seed, step, item);
            let (clip, first) = sampler.pick(&mut random);
            let look = Look::random(&mut random);
            let framing = Framing::random(&mut random);
            let of_reference = framing.shaken(&mut random);
            drawing.add(clip, first, &look, framing, of_reference, &mut random);
            drawing.told.push(mouths::draw(&mut random, sampler.balance.told));
        }
        drawing.windows()
    }

    fn learn(&mut self, batch: Windows) -> Result<Scores, TrainError> {
        let batch = batch.to_device(&self.device)?;
        let network = Wav2Lip::trainable(&self.config, &self.learner.builder()?)?;
        let hear = || Ok(network.audio_embedding(&batch.sounds)?.flatten_from(1)?);
        let (given, ear) = listened(self.balance.told, &batch.told, self.truth(&batch)?, hear)?;
        let painted = network.paint(placed(&given)?, &batch.faces)?;
        let made = painted.picture;
        let picture = batch.difference(&made, &batch.counts)?;
        let mut scores = vec![("picture", scalar(&picture)?)];
        let sync_weight = if self.switched { self.balance.sync } else { 0.0 };
        let quality_weight = if self.judges.adversary.is_some() { self.balance.quality } else { 0.0 };
        let mut loss = (picture * (1.0 - sync_weight - quality_weight))?;
        if let Some(Warp { flow, painted, .. }) = &painted.warp {
            let beside = batch.beside(flow)?;
            let painted = batch.difference(painted, &batch.counts)?;
            scores.extend([("points", scalar(&beside)?), ("painted", scalar(&painted)?)]);
            loss = ((loss + (beside * POINTED)?)? + (painted * PAINTED)?)?;
        }
        if let Some(ear) = ear {
            scores.push(("ear", scalar(&ear)?));
            loss = (loss + ear)?;
        }
        if self.switched
            && let Some(sync) = self.sync(&made, &batch)?
        {
            scores.push(("sync", scalar(&sync)?));
            loss = (loss + (sync * sync_weight)?)?;
        }
        if let Some(adversary) = &self.judges.adversary {
            let fooled = adversary.fooled(&lower(&made)?)?;
            scores.push(("fooled", scalar(&fooled)?));
            loss = (loss + (fooled * quality_weight)?)?;
        }
        scores.push(("gradient", self.learner.step(&loss.backward()?)?));
        if let Some(adversary) = &mut self.judges.adversary {
            let [filmed, made] = adversary.losses(&lower(&batch.truth)?, &lower(&made)?)?;
            scores.extend([("filmed", scalar(&filmed)?), ("made", scalar(&made)?)]);
            adversary.step(&((filmed + made)? * 0.5)?.backward()?)?;
        }
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = Wav2Lip::new(&self.config, &self.learner.averaged_builder(&self.device)?)?;
        let exam = self.exam.to_device(&self.device)?;
        let made = network.forward(&exam.sounds, &exam.faces)?;
        // What the sound is worth: the same pictures with the sound of the next person.
        let n = exam.sounds.dim(0)?;
        let others =
            Tensor::cat(&[exam.sounds.narrow(0, LOOK, n - LOOK)?, exam.sounds.narrow(0, 0, LOOK)?], 0)?;
        let deaf = network.forward(&others.contiguous()?, &exam.faces)?;
        let Painted { picture: told, warp } = network.paint(placed(&self.truth(&exam)?)?, &exam.faces)?;
        let everywhere = exam.counts.ones_like()?;
        // Of films whose faces are boxes without points nobody knows where the lips are.
        let around = if scalar(&exam.counts.sum_all()?)? > 0.0 { &exam.counts } else { &everywhere };
        let lips = scalar(&exam.difference(&made, around)?)?;
        let of_true_mouth = scalar(&exam.difference(&told, around)?)?;
        let mut scores = vec![
            ("picture", scalar(&exam.difference(&made, &everywhere)?)?),
            ("lips", lips),
            ("lips_of_other_sound", scalar(&exam.difference(&deaf, around)?)?),
            ("lips_of_true_mouth", of_true_mouth),
        ];
        if let Some(Warp { flow, .. }) = warp {
            scores.push(("points", scalar(&exam.beside(&flow)?)?));
        }
        if let Some(sync) = self.sync(&made, &exam)? {
            let sync = scalar(&sync)?;
            self.switched |= sync < SWITCH;
            let of_truth = self.sync(&exam.truth, &exam)?.map_or(Ok(0.0), |sync| scalar(&sync))?;
            scores.extend([("sync", sync), ("sync_of_truth", of_truth)]);
        }
        let judged = if self.balance.told >= 1.0 { of_true_mouth } else { lips };
        Ok(Exam { scores, judged, picture: exam.sheet([&made, &told])? })
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
        state.push(("switched".into(), Tensor::new(&[i64::from(self.switched)], &Device::Cpu)?));
        Ok(state)
    }

    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.learner.restore("", state)?;
        if let Some(adversary) = &mut self.judges.adversary {
            adversary.restore(state)?;
        }
        let switched = state.get("switched").ok_or_else(|| TrainError::State { lack: "switched".into() })?;
        self.switched = switched.to_vec1::<i64>()?.first() == Some(&1);
        Ok(())
    }
}

impl Windows {
    fn to_device(&self, device: &Device) -> Result<Windows, TrainError> {
        let moved = |t: &Tensor| t.to_device(device);
        Ok(Windows {
            faces: moved(&self.faces)?,
            truth: moved(&self.truth)?,
            counts: moved(&self.counts)?,
            sounds: moved(&self.sounds)?,
            shapes: moved(&self.shapes)?,
            told: moved(&self.told)?,
            points: moved(&self.points)?,
            moves: moved(&self.moves)?,
            worth: moved(&self.worth)?,
            length: self.length,
        })
    }

    /// Mean of |made − truth| over the pixels that count, by what they count.
    fn difference(&self, made: &Tensor, counts: &Tensor) -> Result<Tensor, TrainError> {
        let all = (counts.sum_all()? * 3.0)?;
        let apart = (made - &self.truth)?.abs()?.broadcast_mul(counts)?;
        Ok(apart.sum_all()?.div(&all)?)
    }

    /// How many pixels beside the points of the face a flow leads, on average.
    fn beside(&self, flow: &Tensor) -> Result<Tensor, TrainError> {
        let there = flow.contiguous()?.flatten_from(2)?.gather(&self.points, 2)?;
        let apart = (there - &self.moves)?.abs()?.broadcast_mul(&self.worth)?;
        let all = (self.worth.sum_all()? * 2.0)?.maximum(1.0)?;
        Ok(apart.sum_all()?.div(&all)?)
    }

    /// Side by side: input, reference, what was made, truth, what else was made; the middle picture of some windows.
    fn sheet(&self, [by_sound, by_mouth]: [&Tensor; 2]) -> Result<Vec<u8>, TrainError> {
        let n = (self.truth.dim(0)? / self.length) as u32;
        let middles: Vec<u32> =
            (0..n).map(|window| window * self.length as u32 + self.length as u32 / 2).collect();
        let middles = Tensor::new(middles, self.truth.device())?;
        let turned = Tensor::new(&[2u32, 1, 0], self.truth.device())?;
        let row = |bgr: &Tensor| bgr.contiguous()?.index_select(&middles, 0)?.index_select(&turned, 1);
        let [input, reference] = [0, 3].map(|first| self.faces.narrow(1, first, 3));
        sheet(&[row(&input?)?, row(&reference?)?, row(by_sound)?, row(&self.truth)?, row(by_mouth)?], SHOWN)
    }
}

struct Drawing {
    length: usize,
    /// What a pixel elsewhere counts, one around the lips, and one between them.
    counting: [f32; 3],
    faces: Vec<f32>,
    truth: Vec<f32>,
    counts: Vec<f32>,
    sounds: Vec<f32>,
    shapes: Vec<f32>,
    /// Of each window.
    told: Vec<f32>,
    points: Vec<u32>,
    moves: Vec<f32>,
    worth: Vec<f32>,
}

impl Drawing {
    fn new(length: usize, counting: [f32; 3]) -> Drawing {
        let (faces, truth, counts, sounds, shapes, told) = Default::default();
        let (points, moves, worth) = Default::default();
        Drawing { length, counting, faces, truth, counts, sounds, shapes, told, points, moves, worth }
    }

    fn add(
        &mut self,
        clip: &Clip,
        first: usize,
        look: &Look,
        framing: Framing,
        of_reference: Framing,
        random: &mut Random,
    ) {
        let window = first..first + self.length;
        let other = other_moment(random, clip.frames, first, self.length);
        for frame in window {
            let begin = self.truth.len();
            picture(clip, frame, look, framing, FACE, 0..FACE, &mut self.truth);
            for plane in self.truth[begin..].chunks_exact(FACE * FACE) {
                self.faces.extend_from_slice(&plane[..FACE * FACE / 2]);
                self.faces.resize(self.faces.len() + FACE * FACE / 2, 0.0);
            }
            picture(clip, other, look, of_reference, FACE, 0..FACE, &mut self.faces);
            let [elsewhere, around, between] = self.counting;
            let begin = self.counts.len();
            count(mouth(clip, frame, look, framing, FACE), FACE, around, elsewhere, &mut self.counts);
            for pixel in crops::between_lips(clip, frame, look, framing, FACE) {
                self.counts[begin + pixel] = between;
            }
            sound(clip, frame, &look.room, &mut self.sounds);
            self.shapes.extend(shape(clip, frame));
            let at = |frame: usize, framing| {
                clip.landmarks()[frame].map(|point| crops::placed(point, clip, look, framing, FACE))
            };
            self.follow(&at(frame, framing), &at(other, of_reference));
        }
    }

    /// Points in the picture and in the reference.
    fn follow(&mut self, here: &[[f32; 2]; POINTS], there: &[[f32; 2]; POINTS]) {
        let inside = |&[x, y]: &[f32; 2]| (0.0..FACE as f32).contains(&x) && (0.0..FACE as f32).contains(&y);
        let pixel = |point: &[f32; 2]| match inside(point) {
            true => point[1] as u32 * FACE as u32 + point[0] as u32,
            false => 0,
        };
        for axis in [0, 1] {
            self.points.extend(here.iter().map(pixel));
            // Of a face that only a box is known of no point is inside, and none counts.
            let moved = here.iter().zip(there).map(|(here, there)| there[axis] - here[axis]);
            self.moves.extend(moved.map(|way| if way.is_finite() { way } else { 0.0 }));
        }
        let both = here.iter().zip(there).enumerate();
        self.worth.extend(both.map(|(point, (here, there))| match inside(here) && inside(there) {
            true if point >= LIPS => SPEAKING,
            true => 1.0,
            false => 0.0,
        }));
    }

    fn windows(self) -> Result<Windows, TrainError> {
        let n = self.truth.len() / (3 * FACE * FACE);
        let tensor = |values, channels| Tensor::from_vec(values, (n, channels, FACE, FACE), &Device::Cpu);
        Ok(Windows {
            faces: tensor(self.faces, 6)?,
            truth: tensor(self.truth, 3)?,
            counts: tensor(self.counts, 1)?,
            sounds: Tensor::from_vec(self.sounds, (n, 1, BANDS, WINDOW), &Device::Cpu)?,
            shapes: Tensor::from_vec(self.shapes, (n, DISTANCES.len()), &Device::Cpu)?,
            told: Tensor::from_vec(mouths::each(&self.told, self.length), (n, 1), &Device::Cpu)?,
            points: Tensor::from_vec(self.points, (n, 2, POINTS), &Device::Cpu)?,
            moves: Tensor::from_vec(self.moves, (n, 2, POINTS), &Device::Cpu)?,
            worth: Tensor::from_vec(self.worth, (n, 1, POINTS), &Device::Cpu)?,
            length: self.length,
        })
    }
}
