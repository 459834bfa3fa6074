//! A generator's ear alone: from 0.2 s of sound to what its painting half is told of the mouth then ([`told`]). A sound
//! costs a small part of a picture, so that the painter, who has learned from true mouths in the meantime, finds an ear
//! that speaks his language.

use super::crops::{Clips, sound, stream};
use super::mouths::{DISTANCES, shape, told};
use super::rooms::Room;
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::plot::{ORANGE, Panel, Series, plot};
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::diff2lip::{self, Diff2Lip};
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::wav2lip::{self, Wav2Lip};
use lipsmith_nets::zoo::Network;
use std::sync::Arc;

const EXAMINED: usize = 256;
/// Channels in an examination's picture.
const SHOWN: usize = 9;

pub struct Ear {
    learner: Learner,
    sampler: Arc<Sampler>,
    exam: Heard,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    batch: usize,
    late: usize,
}

/// `sounds`: `[n, 1, 80, 16]`; `shapes`: `[n, distances]`.
pub struct Heard {
    sounds: Tensor,
    shapes: Tensor,
}

impl Ear {
    /// Continues from the weights of a Wav2Lip or Diff2Lip; `batch` sounds a step.
    pub fn new(
        set: &Set,
        weights: Weights,
        batch: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Ear, TrainError> {
        let late = match weights.network() {
            Network::Diff2Lip => {
                let config = diff2lip::Config::of_checkpoint(&weights.frozen())?;
                if config.draft.is_some() {
                    return Err(TrainError::NoEar);
                }
                super::diff2lip::late(&config)
            }
            _ => 0,
        };
        let exam = Clips::of(set, Split::Validation, 2)?;
        Ok(Ear {
            learner: Learner::new(weights, settings, Some(0.998))?,
            sampler: Arc::new(Sampler { clips: Clips::of(set, Split::Train, 2)?, batch, late }),
            exam: heard(exam.fixed(EXAMINED).into_iter().map(|window| (window, Room::plain())), late)?,
            device: device.clone(),
        })
    }

    /// What an ear says and what is true, `[n, channels]`. `learns`: it is told by the batch's own statistics, and its
    /// running ones follow.
    fn compare(&self, vb: &VarBuilder, learns: bool, heard: &Heard) -> Result<(Tensor, Tensor), TrainError> {
        let sounds = heard.sounds.to_device(&self.device)?;
        let network = self.learner.weights.network();
        let said = match network {
            Network::Diff2Lip => {
                let config = diff2lip::Config::of_checkpoint(vb)?;
                Diff2Lip::new(&config, vb)?.listen(&sounds.squeeze(1)?)?
            }
            _ => {
                let config = wav2lip::Config::of_checkpoint(vb)?;
                let network = if learns { Wav2Lip::trainable } else { Wav2Lip::new };
                network(&config, vb)?.audio_embedding(&sounds)?.flatten_from(1)?
            }
        };
        let truth = told(network, &heard.shapes.to_device(&self.device)?, said.dim(1)?)?;
        Ok((said, truth))
    }
}

/// Mean squared error.
fn apart(said: &Tensor, truth: &Tensor) -> Result<Tensor, TrainError> {
    Ok(said.broadcast_sub(truth)?.sqr()?.mean_all()?)
}

/// What is said beside what is true, for some channels: with a perfect ear all dots lie on a line.
fn picture(said: &Tensor, truth: &Tensor) -> Result<Vec<u8>, TrainError> {
    let columns = |t: &Tensor| t.t()?.to_vec2::<f32>();
    let (said, truth) = (columns(said)?, columns(truth)?);
    let panel = |(channel, (said, truth)): (usize, (&Vec<f32>, &Vec<f32>))| {
        let points = truth.iter().zip(said).map(|(&x, &y)| [f64::from(x), f64::from(y)]).collect();
        let dots = Series { ink: ORANGE, points, joined: false };
        Panel { title: format!("true / said, channel {channel}"), series: vec![dots] }
    };
    plot(&said.iter().zip(&truth).enumerate().take(SHOWN).map(panel).collect::<Vec<_>>())
}

impl Recipe for Ear {
    type Batch = Heard;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Heard, TrainError> {
        let Sampler { clips, batch, late } = &**sampler;
        let draw = |item| {
            let mut random = stream(seed, step, item);
            (clips.pick(&mut random), Room::random(&mut random))
        };
        heard((0..*batch).map(draw), *late)
    }

    fn learn(&mut self, batch: Heard) -> Result<Scores, TrainError> {
        let (said, truth) = self.compare(&self.learner.builder()?, true, &batch)?;
        let loss = apart(&said, &truth)?;
        let length = self.learner.step(&loss.backward()?)?;
        Ok(vec![("loss", f64::from(loss.to_scalar::<f32>()?)), ("gradient", length)])
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let (said, truth) = self.compare(&self.learner.averaged_builder(&self.device)?, false, &self.exam)?;
        let loss = f64::from(apart(&said, &truth)?.to_scalar::<f32>()?);
        // Against a deaf ear, which always says the mean.
        let spread = f64::from(apart(&truth, &truth.mean_keepdim(0)?)?.to_scalar::<f32>()?);
        let scores = vec![("loss", loss), ("explained", 1.0 - loss / spread.max(f64::MIN_POSITIVE))];
        Ok(Exam { scores, judged: loss, picture: picture(&said, &truth)? })
    }

    fn learner(&self) -> &Learner {
        &self.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.learner
    }
}

/// `late`: each picture is given the sound of so many pictures before it.
fn heard<'a>(
    windows: impl Iterator<Item = ((&'a Clip, usize), Room)>,
    late: usize,
) -> Result<Heard, TrainError> {
    let (mut sounds, mut shapes, mut n) = (Vec::new(), Vec::new(), 0);
    for ((clip, frame), room) in windows {
        sound(clip, frame.saturating_sub(late), &room, &mut sounds);
        shapes.extend(shape(clip, frame));
        n += 1;
    }
    Ok(Heard {
        sounds: Tensor::from_vec(sounds, (n, 1, BANDS, WINDOW), &Device::Cpu)?,
        shapes: Tensor::from_vec(shapes, (n, DISTANCES.len()), &Device::Cpu)?,
    })
}
