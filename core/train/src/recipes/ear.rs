//! The generator's audio encoder alone: from 0.2 s of sound to the embedding that stands for what the mouth does then,
//! with points of the face as the truth. A sound's window costs a fiftieth of a picture's. The generator's painting
//! half learns from the same embeddings of true mouths ([`embedding`]), so that neither half waits for the other:
//! together they otherwise learn for a long time to paint a mean mouth before they begin to listen.

use super::crops::{Clips, sound, stream};
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::speaker::math::Random;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::wav2lip::{Config, Wav2Lip};
use std::collections::HashMap;
use std::sync::Arc;

/// Pairs of points (68-point layout) whose distances say what a mouth does: three across the inner lips, one across
/// the outer, the widths of both.
pub(super) const DISTANCES: [(usize, usize); 6] =
    [(61, 67), (62, 66), (63, 65), (51, 57), (48, 54), (60, 64)];
/// Outer corners of the eyes: the measure of all distances.
const EYES: (usize, usize) = (36, 45);
/// Brings the distances' changes, a few hundredths of that of the eyes, to about 1.
const SCALE: f32 = 15.0;
const EXAMINED: usize = 512;

pub struct Ear {
    network: Wav2Lip,
    learner: Learner,
    sampler: Arc<Sampler>,
    exam: Heard,
    device: Device,
}

pub struct Sampler {
    pub(super) clips: Clips,
    pub(super) batch: usize,
}

/// `sounds`: `[n, 1, 80, 16]`; `shapes`: `[n, distances]`.
pub struct Heard {
    pub(super) sounds: Tensor,
    pub(super) shapes: Tensor,
}

impl Ear {
    pub fn new(
        set: &Set,
        weights: Weights,
        batch: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Ear, TrainError> {
        let config = Config { width: weights.channels() };
        let exam = heard(Clips::of(set, Split::Validation, 2)?.fixed(EXAMINED).into_iter(), 0)?;
        Ok(Ear {
            network: Wav2Lip::trainable(&config, &weights.builder())?,
            learner: Learner::new(weights, settings, 0.998)?,
            sampler: Arc::new(Sampler { clips: Clips::of(set, Split::Train, 2)?, batch }),
            exam,
            device: device.clone(),
        })
    }

    /// Mean squared error.
    fn apart(&self, network: &Wav2Lip, heard: &Heard) -> Result<Tensor, TrainError> {
        let embedding = network.audio_embedding(&heard.sounds.to_device(&self.device)?)?;
        let mouths =
            self::embedding(&heard.shapes.to_device(&self.device)?, self.learner.weights.channels())?;
        Ok((embedding - mouths)?.sqr()?.mean_all()?)
    }
}

impl Recipe for Ear {
    type Batch = Heard;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Heard, TrainError> {
        heard((0..sampler.batch).map(|item| sampler.clips.pick(&mut stream(seed, step, item))), 0)
    }

    fn learn(&mut self, batch: Heard) -> Result<Scores, TrainError> {
        let loss = self.apart(&self.network, &batch)?;
        let length = self.learner.step(&loss.backward()?)?;
        Ok(vec![("loss", f64::from(loss.to_scalar::<f32>()?)), ("gradient", length)])
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let vb = self.learner.averaged_builder(&self.device);
        let network = Wav2Lip::new(&Config { width: self.learner.weights.channels() }, &vb)?;
        let loss = f64::from(self.apart(&network, &self.exam)?.to_scalar::<f32>()?);
        // Against a deaf ear, which always says the mean.
        let mouths = embedding(&self.exam.shapes, self.learner.weights.channels())?;
        let apart = mouths.broadcast_sub(&mouths.mean_keepdim(0)?)?;
        let spread = f64::from(apart.sqr()?.mean_all()?.to_scalar::<f32>()?);
        let scores = vec![("loss", loss), ("explained", 1.0 - loss / spread.max(f64::MIN_POSITIVE))];
        Ok(Exam { scores, judged: loss, picture: None })
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

/// `late`: each picture is given the sound of so many pictures before it.
pub(super) fn heard<'a>(
    windows: impl Iterator<Item = (&'a Clip, usize)>,
    late: usize,
) -> Result<Heard, TrainError> {
    let (mut sounds, mut shapes, mut n) = (Vec::new(), Vec::new(), 0);
    for (clip, frame) in windows {
        sound(clip, frame.saturating_sub(late), &mut sounds);
        shapes.extend(shape(clip, frame));
        n += 1;
    }
    Ok(Heard {
        sounds: Tensor::from_vec(sounds, (n, 1, BANDS, WINDOW), &Device::Cpu)?,
        shapes: Tensor::from_vec(shapes, (n, DISTANCES.len()), &Device::Cpu)?,
    })
}

/// What an ear that hears perfectly would say of mouths, `[n, distances]` → `[n, 32·width, 1, 1]`: a fixed mixture
/// that differs from channel to channel, cut at zero as the encoder's own output is. The painter learns to read it
/// like any other.
pub(super) fn embedding(shapes: &Tensor, width: usize) -> Result<Tensor, TrainError> {
    let (n, channels) = (shapes.dim(0)?, 32 * width);
    let mut random = Random::new(0xea5);
    let mut fixed = |rows: usize| {
        let values = (0..rows * channels).map(|_| random.within(-1.0, 1.0)).collect();
        Tensor::from_vec(values, (rows, channels), shapes.device())
    };
    let (mixture, offset) = (fixed(DISTANCES.len())?, fixed(1)?);
    let mouths = shapes.matmul(&mixture)?.broadcast_add(&offset)?.relu()?;
    Ok(mouths.reshape((n, channels, 1, 1))?)
}

/// How far the mouth's distances are from this person's usual ones, which sound cannot tell.
pub(super) fn shape(clip: &Clip, frame: usize) -> [f32; DISTANCES.len()] {
    let of = |frame: usize| -> [f32; DISTANCES.len()] {
        let points = &clip.landmarks()[frame];
        let between = |(a, b): (usize, usize)| {
            let ([ax, ay], [bx, by]): ([f32; 2], [f32; 2]) = (points[a], points[b]);
            (ax - bx).hypot(ay - by)
        };
        let measure = between(EYES).max(1.0);
        DISTANCES.map(|pair| between(pair) / measure)
    };
    let mut usual = [0f32; DISTANCES.len()];
    let every = (clip.frames / 25).max(1);
    let sampled: Vec<_> = (0..clip.frames).step_by(every).map(of).collect();
    for distances in &sampled {
        usual.iter_mut().zip(distances).for_each(|(sum, d)| *sum += d / sampled.len() as f32);
    }
    let here = of(frame);
    // Of a face that only a box is known of: the usual mouth.
    std::array::from_fn(|i| Some(SCALE * (here[i] - usual[i])).filter(|d| d.is_finite()).unwrap_or(0.0))
}
