//! A network that learns: its weights, their optimiser and their moving average.

use crate::TrainError;
use crate::optim::{Adam, Average, Settings};
use crate::weights::Weights;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;

pub(crate) struct Learner {
    pub weights: Weights,
    adam: Adam,
    average: Average,
}

impl Learner {
    /// `decay`: what the moving average keeps of itself in a step.
    pub fn new(weights: Weights, settings: Settings, decay: f64) -> Result<Learner, TrainError> {
        Ok(Learner { adam: Adam::new(&weights, settings)?, average: Average::new(&weights, decay)?, weights })
    }

    /// Answers the gradients' length before clipping.
    pub fn step(&mut self, grads: &GradStore) -> Result<f64, TrainError> {
        let length = self.adam.step(&self.weights, grads)?;
        self.average.follow(&self.weights)?;
        Ok(length)
    }

    /// Adds the gradients of one part of a batch to those of the parts before it.
    pub fn gather(&self, sum: Option<GradStore>, mut part: GradStore) -> Result<GradStore, TrainError> {
        let Some(sum) = sum else { return Ok(part) };
        for (_, var) in self.weights.vars() {
            if let Some(before) = sum.get(var) {
                let both = match part.get(var) {
                    Some(grad) => (grad.detach() + before.detach())?,
                    None => before.clone(),
                };
                part.insert(var, both);
            }
        }
        Ok(part)
    }

    /// Averaged weights under the network's own names.
    pub fn averaged(&self) -> Vec<(String, Tensor)> {
        self.average.named(&self.weights)
    }

    pub fn averaged_builder(&self, device: &Device) -> VarBuilder<'static> {
        VarBuilder::from_tensors(self.averaged().into_iter().collect(), DType::F32, device)
    }

    pub fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let named = self.weights.vars().iter();
        let mut state: Vec<_> =
            named.map(|(name, var)| (format!("weights.{name}"), var.as_detached_tensor())).collect();
        state.extend(self.adam.state("adam.", &self.weights)?);
        state.extend(self.average.state("average.", &self.weights)?);
        Ok(state)
    }

    pub fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.weights.restore("weights.", state)?;
        self.adam.restore("adam.", &self.weights, state)?;
        self.average.restore("average.", &self.weights, state)
    }
}
