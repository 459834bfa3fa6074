//! Diff2Lip's ear alone, before the rest: from 0.2 s of sound to the style that the true mouth would have, see
//! [`told`]. A sound costs a small part of a picture, so that the painter, who has learned from true mouths in the
//! meantime, finds an ear that speaks his language.

use super::crops::{Clips, stream};
use super::diff2lip::{LATE, told};
use super::ear::{Heard, Sampler, heard};
use super::{Exam, Recipe, Scores};
use crate::TrainError;
use crate::dataset::{Set, Split};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_nets::diff2lip::{Config, Diff2Lip};
use std::collections::HashMap;
use std::sync::Arc;

const EXAMINED: usize = 128;

pub struct Ear {
    network: Diff2Lip,
    config: Config,
    learner: Learner,
    sampler: Arc<Sampler>,
    exam: Heard,
    device: Device,
}

impl Ear {
    pub fn new(
        set: &Set,
        weights: Weights,
        batch: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Ear, TrainError> {
        let config = Config::of_checkpoint(&weights.builder())?;
        let exam = Clips::of(set, Split::Validation, 2)?;
        Ok(Ear {
            network: Diff2Lip::new(&config, &weights.builder())?,
            config,
            learner: Learner::new(weights, settings, 0.998)?,
            sampler: Arc::new(Sampler { clips: Clips::of(set, Split::Train, 2)?, batch }),
            exam: heard(exam.fixed(EXAMINED).into_iter(), LATE)?,
            device: device.clone(),
        })
    }

    /// Mean squared error.
    fn apart(&self, network: &Diff2Lip, heard: &Heard) -> Result<Tensor, TrainError> {
        let style = network.style(&heard.sounds.squeeze(1)?.to_device(&self.device)?)?;
        Ok((style - told(&heard.shapes.to_device(&self.device)?, &self.config)?)?.sqr()?.mean_all()?)
    }
}

impl Recipe for Ear {
    type Batch = Heard;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Heard, TrainError> {
        heard((0..sampler.batch).map(|item| sampler.clips.pick(&mut stream(seed, step, item))), LATE)
    }

    fn learn(&mut self, batch: Heard) -> Result<Scores, TrainError> {
        let loss = self.apart(&self.network, &batch)?;
        let length = self.learner.step(&loss.backward()?)?;
        Ok(vec![("loss", f64::from(loss.to_scalar::<f32>()?)), ("gradient", length)])
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = Diff2Lip::new(&self.config, &self.learner.averaged_builder(&self.device))?;
        let loss = f64::from(self.apart(&network, &self.exam)?.to_scalar::<f32>()?);
        // Against a deaf one, who always says the mean.
        let truth = told(&self.exam.shapes, &self.config)?;
        let spread = f64::from(truth.sqr()?.mean_all()?.to_scalar::<f32>()?);
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
