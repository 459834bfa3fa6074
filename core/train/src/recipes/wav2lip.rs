//! Wav2Lip's generator (Prajwal et al. 2020, sections 3.2 to 3.4): the lower half of a face from the upper half,
//! another picture of the person and the sound; judged by the picture itself, by a lip-sync expert that stands
//! still, and, if wanted, by a visual quality discriminator that learns beside it.

use super::crops::{Clips, Framing, Look, below, mouth, picture, sound, stream};
use super::ear::{DISTANCES, embedding, shape};
use super::syncnet::LOOK;
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::losses::{agreement, sync, verdict};
use crate::optim::{Adam, Average, Settings};
use crate::speaker::math::Random;
use crate::weights::Weights;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::disc_qual::{self, QualityDiscriminator};
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::wav2lip::{Config, FACE, Wav2Lip};
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
    /// The mouth to paint is told by the truth instead of by the ear, which rests meanwhile.
    pub led: bool,
}

impl Balance {
    /// The paper's: 0.03 and 0.07 with a discriminator, 0.01 without.
    pub fn published(with_discriminator: bool) -> Balance {
        match with_discriminator {
            true => Balance { sync: 0.03, quality: 0.07, lips: 0.0, led: false },
            false => Balance { sync: 0.01, quality: 0.0, lips: 0.0, led: false },
        }
    }
}

/// Who judges the pictures beside the truth.
#[derive(Default)]
pub struct Judges {
    /// Stands still.
    pub expert: Option<SyncNetColor>,
    /// A discriminator's, which learns beside the generator.
    pub quality: Option<Weights>,
}

/// The expert's verdict counts from the examination on in which its loss is below this: before, it would only
/// disturb.
const SWITCH: f64 = 0.75;
const EXAMINED: usize = 24;
/// Examples in the picture of an examination.
const SHOWN: usize = 8;

pub struct Generator {
    network: Wav2Lip,
    weights: Weights,
    adam: Adam,
    average: Average,
    expert: Option<SyncNetColor>,
    discriminator: Option<Discriminator>,
    balance: Balance,
    /// Whether the expert's verdict counts yet.
    switched: bool,
    sampler: Arc<Sampler>,
    exam: Windows,
    device: Device,
}

struct Discriminator {
    config: disc_qual::Config,
    network: QualityDiscriminator,
    weights: Weights,
    adam: Adam,
}

pub struct Sampler {
    clips: Clips,
    /// Windows a batch and pictures a window.
    batch: usize,
    length: usize,
    lips: f32,
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
        let config = Config { width: weights.channels() };
        let Judges { expert, quality } = judges;
        let length = if expert.is_some() { LOOK } else { 1 };
        let discriminator = quality.map(|weights| {
            let config = disc_qual::Config { width: weights.channels() };
            let network = QualityDiscriminator::new(&config, &weights.builder())?;
            let settings = Settings { betas: [0.5, 0.999], ..settings };
            Ok::<_, TrainError>(Discriminator {
                config,
                network,
                adam: Adam::new(&weights, settings)?,
                weights,
            })
        });
        let examined = Clips::of(set, Split::Validation, LOOK)?;
        let mut drawing = Drawing::new(LOOK, [0.0, 1.0]);
        for (item, (clip, first)) in examined.fixed(EXAMINED).into_iter().enumerate() {
            let framing = Framing::PLAIN;
            drawing.add(clip, first, &Look::plain(), framing, framing, &mut stream(0, 0, item));
        }
        Ok(Generator {
            network: Wav2Lip::trainable(&config, &weights.builder())?,
            adam: Adam::new(&weights, settings)?,
            average: Average::new(&weights, 0.999)?,
            expert,
            discriminator: discriminator.transpose()?,
            balance,
            switched: false,
            sampler: Arc::new(Sampler {
                clips: Clips::of(set, Split::Train, length.max(2))?,
                batch,
                length,
                lips: balance.lips,
            }),
            exam: drawing.windows()?,
            device: device.clone(),
            weights,
        })
    }

    /// The expert's loss of made pictures.
    fn sync(&self, made: &Tensor, windows: &Windows) -> Result<Option<Tensor>, TrainError> {
        let Some(expert) = self.expert.as_ref().filter(|_| windows.length == LOOK) else { return Ok(None) };
        let n = made.dim(0)? / LOOK;
        let lower = made.narrow(2, FACE / 2, FACE / 2)?.contiguous()?;
        let faces = expert.faces(&lower.reshape((n, 3 * LOOK, FACE / 2, FACE))?)?;
        // A window's sound is that of its first picture.
        let sounds = windows.sounds.reshape((n, LOOK, BANDS, WINDOW))?.narrow(1, 0, 1)?.contiguous()?;
        let sounds = expert.sound(&sounds.to_device(&self.device)?)?;
        Ok(Some(sync(&agreement(&faces, &sounds)?, true)?))
    }
}

impl Recipe for Generator {
    type Batch = Windows;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Windows, TrainError> {
        let mut drawing = Drawing::new(sampler.length, [1.0, 1.0 + sampler.lips]);
        for item in 0..sampler.batch {
            let mut random = stream(seed, step, item);
            let (clip, first) = sampler.clips.pick(&mut random);
            let look = Look::random(&mut random);
            let framing = Framing::random(&mut random);
            let of_reference = framing.shaken(&mut random);
            drawing.add(clip, first, &look, framing, of_reference, &mut random);
        }
        drawing.windows()
    }

    fn learn(&mut self, batch: Windows) -> Result<Scores, TrainError> {
        let batch = batch.to_device(&self.device)?;
        let made = match self.balance.led {
            true => self.network.paint(embedding(&batch.shapes, self.weights.channels())?, &batch.faces)?,
            false => self.network.forward(&batch.sounds, &batch.faces)?,
        };
        let picture = batch.difference(&made, &batch.counts)?;
        let mut scores = vec![("picture", scalar(&picture)?)];
        let sync_weight = if self.switched { self.balance.sync } else { 0.0 };
        let quality_weight = if self.discriminator.is_some() { self.balance.quality } else { 0.0 };
        let mut loss = (picture * (1.0 - sync_weight - quality_weight))?;
        if self.switched
            && let Some(sync) = self.sync(&made, &batch)?
        {
            scores.push(("sync", scalar(&sync)?));
            loss = (loss + (sync * sync_weight)?)?;
        }
        if let Some(judge) = &self.discriminator {
            // Its weights stand still here.
            let still = QualityDiscriminator::new(&judge.config, &judge.weights.frozen())?;
            let fooled = verdict(&still.forward(&made)?, true)?;
            scores.push(("fooled", scalar(&fooled)?));
            loss = (loss + (fooled * quality_weight)?)?;
        }
        scores.push(("gradient", self.adam.step(&self.weights, &loss.backward()?)?));
        self.average.follow(&self.weights)?;
        if let Some(judge) = &mut self.discriminator {
            let filmed = verdict(&judge.network.forward(&batch.truth)?, true)?;
            let made = verdict(&judge.network.forward(&made.detach())?, false)?;
            scores.extend([("filmed", scalar(&filmed)?), ("made", scalar(&made)?)]);
            judge.adam.step(&judge.weights, &((filmed + made)? * 0.5)?.backward()?)?;
        }
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let averaged: HashMap<_, _> = self.average.named(&self.weights).into_iter().collect();
        let vb = VarBuilder::from_tensors(averaged, DType::F32, &self.device);
        let network = Wav2Lip::new(&Config { width: self.weights.channels() }, &vb)?;
        let exam = self.exam.to_device(&self.device)?;
        let made = network.forward(&exam.sounds, &exam.faces)?;
        // What the sound is worth: the same pictures with the sound of the next person.
        let n = exam.sounds.dim(0)?;
        let others =
            Tensor::cat(&[exam.sounds.narrow(0, LOOK, n - LOOK)?, exam.sounds.narrow(0, 0, LOOK)?], 0)?;
        let deaf = network.forward(&others.contiguous()?, &exam.faces)?;
        let told = network.paint(embedding(&exam.shapes, self.weights.channels())?, &exam.faces)?;
        let everywhere = exam.counts.ones_like()?;
        let lips = scalar(&exam.difference(&made, &exam.counts)?)?;
        let of_true_mouth = scalar(&exam.difference(&told, &exam.counts)?)?;
        let mut scores = vec![
            ("picture", scalar(&exam.difference(&made, &everywhere)?)?),
            ("lips", lips),
            ("lips_of_other_sound", scalar(&exam.difference(&deaf, &exam.counts)?)?),
            ("lips_of_true_mouth", of_true_mouth),
        ];
        if let Some(sync) = self.sync(&made, &exam)? {
            let sync = scalar(&sync)?;
            self.switched |= sync < SWITCH;
            let of_truth = self.sync(&exam.truth, &exam)?.map_or(Ok(0.0), |sync| scalar(&sync))?;
            scores.extend([("sync", sync), ("sync_of_truth", of_truth)]);
        }
        let judged = if self.balance.led { of_true_mouth } else { lips };
        Ok(Exam { scores, judged, picture: Some(sheet(&exam, &[&made, &told])?) })
    }

    fn network(&self) -> Vec<(String, Tensor)> {
        self.average.named(&self.weights)
    }

    fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let named = |weights: &Weights, prefix: &'static str| -> Vec<(String, Tensor)> {
            let vars = weights.vars().iter();
            vars.map(|(name, var)| (format!("{prefix}{name}"), var.as_detached_tensor())).collect()
        };
        let mut state = named(&self.weights, "weights.");
        state.extend(self.adam.state("adam.", &self.weights)?);
        state.extend(self.average.state("average.", &self.weights)?);
        if let Some(judge) = &self.discriminator {
            state.extend(named(&judge.weights, "judge."));
            state.extend(judge.adam.state("judge_adam.", &judge.weights)?);
        }
        state.push(("switched".into(), Tensor::new(&[i64::from(self.switched)], &Device::Cpu)?));
        Ok(state)
    }

    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.weights.restore("weights.", state)?;
        self.adam.restore("adam.", &self.weights, state)?;
        self.average.restore("average.", &self.weights, state)?;
        if let Some(judge) = &mut self.discriminator {
            judge.weights.restore("judge.", state)?;
            judge.adam.restore("judge_adam.", &judge.weights, state)?;
        }
        let switched = state.get("switched").ok_or_else(|| TrainError::State { lack: "switched".into() })?;
        self.switched = switched.to_vec1::<i64>()?.first() == Some(&1);
        Ok(())
    }
}

fn scalar(loss: &Tensor) -> Result<f64, TrainError> {
    Ok(f64::from(loss.to_scalar::<f32>()?))
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
            length: self.length,
        })
    }

    /// Mean of |made − truth| over the pixels that count, by what they count.
    fn difference(&self, made: &Tensor, counts: &Tensor) -> Result<Tensor, TrainError> {
        let all = (counts.sum_all()? * 3.0)?;
        let apart = (made - &self.truth)?.abs()?.broadcast_mul(counts)?;
        Ok(apart.sum_all()?.div(&all)?)
    }
}

/// A sheet of examples side by side: input, reference, what was made, truth.
fn sheet(windows: &Windows, made: &[&Tensor]) -> Result<Vec<u8>, TrainError> {
    let mut rows = vec![windows.faces.narrow(1, 0, 3)?, windows.faces.narrow(1, 3, 3)?];
    rows.extend(made.iter().map(|&made| made.clone()));
    rows.insert(3, windows.truth.clone());
    let n = windows.truth.dim(0)?;
    let shown = SHOWN.min(n);
    let (width, height) = (shown * FACE, rows.len() * FACE);
    let mut bytes = vec![0u8; 3 * width * height];
    for (row, pictures) in rows.iter().enumerate() {
        for column in 0..shown {
            // One of each window, the middle one.
            let at = (column * (n / shown) + windows.length / 2).min(n - 1);
            let planes = pictures.get(at)?.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
            for (i, value) in planes.iter().enumerate() {
                // Planes are blue, green, red.
                let (colour, y, x) = (2 - i / (FACE * FACE), i / FACE % FACE, i % FACE);
                bytes[((row * FACE + y) * width + column * FACE + x) * 3 + colour] =
                    (value * 255.0).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
    png(width, height, &bytes).map_err(|e| TrainError::Format { cause: e.to_string() })
}

pub(crate) fn png(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(file)
}

struct Drawing {
    length: usize,
    /// What a pixel elsewhere counts, and what one around the lips counts.
    counting: [f32; 2],
    faces: Vec<f32>,
    truth: Vec<f32>,
    counts: Vec<f32>,
    sounds: Vec<f32>,
    shapes: Vec<f32>,
}

impl Drawing {
    fn new(length: usize, counting: [f32; 2]) -> Drawing {
        let (faces, truth, counts, sounds, shapes) = Default::default();
        Drawing { length, counting, faces, truth, counts, sounds, shapes }
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
        // Another moment of the clip: the network must not find the answer in it.
        let other = below(random, clip.frames - self.length);
        let other = if other < window.start { other } else { other + self.length };
        for frame in window {
            let begin = self.truth.len();
            picture(clip, frame, look, framing, FACE, 0..FACE, &mut self.truth);
            for plane in self.truth[begin..].chunks_exact(FACE * FACE) {
                self.faces.extend_from_slice(&plane[..FACE * FACE / 2]);
                self.faces.resize(self.faces.len() + FACE * FACE / 2, 0.0);
            }
            picture(clip, other, look, of_reference, FACE, 0..FACE, &mut self.faces);
            self.count(mouth(clip, frame, look, framing, FACE));
            sound(clip, frame, &mut self.sounds);
            self.shapes.extend(shape(clip, frame));
        }
    }

    fn count(&mut self, [x0, y0, x1, y1]: [usize; 4]) {
        let [elsewhere, lips] = self.counting;
        let inside = |x, y| (x0..x1).contains(&x) && (y0..y1).contains(&y);
        let pixels = (0..FACE * FACE).map(|i| if inside(i % FACE, i / FACE) { lips } else { elsewhere });
        self.counts.extend(pixels);
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
            length: self.length,
        })
    }
}
