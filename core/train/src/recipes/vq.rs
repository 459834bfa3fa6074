//! The first stage of latent diffusion (Rombach et al. 2022, section 3.1, after Esser et al. 2021): pictures through a
//! narrow latent picture made of the entries of a code book, and back; judged by the difference, by the looks where
//! LPIPS' weights were given, and by how far latent pictures and codes are apart. The papers' patch discriminator is
//! left out: without it the pictures are softer.

use super::crops::{Clips, Framing, Look, signed, stream};
use super::sheet::sheet;
use super::{Exam, Recipe, Scores, scalar};
use crate::TrainError;
use crate::dataset::{Set, Split};
use crate::learner::Learner;
use crate::losses::l1;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_nets::lpips::{Backbone, Lpips};
use lipsmith_nets::vq::{Config, Vq};
use lipsmith_nets::zoo::Variant;
use std::sync::Arc;

/// What the encoder's way to the codes counts beside the codes' way to it (van den Oord et al. 2017).
const COMMITMENT: f64 = 0.25;
const EXAMINED: usize = 16;
const SHOWN: usize = 8;

pub struct Autoencoder {
    learner: Learner,
    config: Config,
    lpips: Option<Lpips>,
    sampler: Arc<Sampler>,
    /// `[n, 3, s, s]`, red, green and blue in [-1, 1].
    exam: Tensor,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    batch: usize,
    side: usize,
}

impl Autoencoder {
    /// Continues from `weights`, with pictures of `side` pixels.
    pub fn new(
        set: &Set,
        weights: Weights,
        lpips: Option<Lpips>,
        batch: usize,
        side: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Autoencoder, TrainError> {
        let Variant::FirstStage(config) = weights.variant().clone() else {
            return Err(TrainError::NotTrained { network: weights.network() });
        };
        let mut planes = Vec::new();
        for (clip, frame) in Clips::of(set, Split::Validation, 1)?.fixed(EXAMINED) {
            signed(clip, frame, &Look::plain(), Framing::PLAIN, side, &mut planes);
        }
        Ok(Autoencoder {
            learner: Learner::new(weights, settings, Some(0.999))?,
            config,
            lpips,
            sampler: Arc::new(Sampler { clips: Clips::of(set, Split::Train, 1)?, batch, side }),
            exam: Tensor::from_vec(planes, (EXAMINED, 3, side, side), &Device::Cpu)?,
            device: device.clone(),
        })
    }
}

impl Recipe for Autoencoder {
    type Batch = Tensor;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Tensor, TrainError> {
        let Sampler { clips, batch, side } = &**sampler;
        let mut planes = Vec::new();
        for item in 0..*batch {
            let mut random = stream(seed, step, item);
            let (clip, frame) = clips.pick(&mut random);
            let look = Look::random(&mut random);
            signed(clip, frame, &look, Framing::random(&mut random), *side, &mut planes);
        }
        Ok(Tensor::from_vec(planes, (*batch, 3, *side, *side), &Device::Cpu)?)
    }

    fn learn(&mut self, batch: Tensor) -> Result<Scores, TrainError> {
        let truth = batch.to_device(&self.device)?;
        let (made, [to_latent, to_codes]) =
            Vq::new(&self.config, &self.learner.builder()?)?.trained(&truth)?;
        let picture = l1(&made, &truth)?;
        let mut scores = vec![("picture", scalar(&picture)?), ("codes", scalar(&to_latent)?)];
        let mut loss = ((picture + to_latent)? + (to_codes * COMMITMENT)?)?;
        if let Some(lpips) = &self.lpips {
            let looks = lpips.forward(&made, &truth)?.mean_all()?;
            let name = if lpips.backbone == Backbone::Alex { "lpips_alex" } else { "lpips_vgg" };
            scores.push((name, scalar(&looks)?));
            loss = (loss + looks)?;
        }
        scores.push(("gradient", self.learner.step(&loss.backward()?)?));
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = Vq::new(&self.config, &self.learner.averaged_builder(&self.device)?)?;
        let truth = self.exam.to_device(&self.device)?;
        let made = network.decode(&network.encode(&truth)?)?;
        let picture = scalar(&l1(&made, &truth)?)?;
        let rows = [truth, made.clamp(-1f32, 1f32)?].map(|row| row.affine(0.5, 0.5)?.to_device(&Device::Cpu));
        let rows = rows.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Exam { scores: vec![("picture", picture)], judged: picture, picture: sheet(&rows, SHOWN)? })
    }

    fn learner(&self) -> &Learner {
        &self.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.learner
    }
}
