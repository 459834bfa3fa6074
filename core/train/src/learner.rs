//! A network that learns: its weights, their optimiser and their moving average.

use crate::TrainError;
use crate::optim::{Adam, Average, Settings};
use crate::weights::Weights;
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use std::collections::HashMap;

pub struct Learner {
    pub weights: Weights,
    /// What learns instead of the weights, see [`Settings::rank`].
    corrections: Option<Weights>,
    adam: Adam,
    /// Of a network that is used; a judge that only helps it to learn has none.
    average: Option<Average>,
}

impl Learner {
    /// `decay`: what the moving average, if there is to be one, keeps of itself in a step.
    pub fn new(weights: Weights, settings: Settings, decay: Option<f64>) -> Result<Learner, TrainError> {
        let corrections = settings.rank.map(|rank| weights.corrections(rank, 1)).transpose()?;
        let learned = corrections.as_ref().unwrap_or(&weights);
        let average = decay.map(|decay| Average::new(learned, decay)).transpose()?;
        Ok(Learner { adam: Adam::new(learned, settings)?, average, corrections, weights })
    }

    /// What the optimiser moves.
    fn learned(&self) -> &Weights {
        self.corrections.as_ref().unwrap_or(&self.weights)
    }

    /// What the network is built of anew for every step: whatever building computes from the weights (joined
    /// matrices, corrections) has a gradient then, and is never stale.
    pub fn builder(&self) -> Result<VarBuilder<'static>, TrainError> {
        let Some(corrections) = &self.corrections else { return Ok(self.weights.builder()) };
        let by =
            corrections.vars().iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
        Ok(built(self.weights.corrected(&by)?, corrections.device()))
    }

    /// Answers the gradients' length before clipping.
    pub fn step(&mut self, grads: &GradStore) -> Result<f64, TrainError> {
        let learned = self.corrections.as_ref().unwrap_or(&self.weights);
        let length = self.adam.step(learned, grads)?;
        if let Some(average) = &mut self.average {
            average.follow(learned)?;
        }
        Ok(length)
    }

    /// Adds the gradients of one part of a batch to those of the parts before it.
    pub fn gather(&self, sum: Option<GradStore>, mut part: GradStore) -> Result<GradStore, TrainError> {
        let Some(sum) = sum else { return Ok(part) };
        for (_, var) in self.learned().vars() {
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

    /// Averaged weights under the network's own names, corrections merged into them; those of the last step where there
    /// is no average.
    pub fn averaged(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let learned = self.learned();
        let now = || {
            let vars = learned.vars().iter();
            vars.map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect()
        };
        let averaged = self.average.as_ref().map_or_else(now, |average| average.named(learned));
        match &self.corrections {
            None => Ok(averaged),
            Some(_) => self.weights.corrected(&averaged.into_iter().collect()),
        }
    }

    pub fn averaged_builder(&self, device: &Device) -> Result<VarBuilder<'static>, TrainError> {
        Ok(built(self.averaged()?, device.clone()))
    }

    /// All that the next step depends on, each name behind `prefix`.
    pub fn state(&self, prefix: &str) -> Result<Vec<(String, Tensor)>, TrainError> {
        let mut state = Vec::new();
        for (part, weights) in self.parts() {
            let named = weights.vars().iter();
            state
                .extend(named.map(|(name, var)| (format!("{prefix}{part}{name}"), var.as_detached_tensor())));
        }
        state.extend(self.adam.state(&format!("{prefix}adam."), self.learned())?);
        if let Some(average) = &self.average {
            state.extend(average.state(&format!("{prefix}average."), self.learned())?);
        }
        Ok(state)
    }

    pub fn restore(&mut self, prefix: &str, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        for (part, weights) in self.parts() {
            weights.restore(&format!("{prefix}{part}"), state)?;
        }
        let learned = self.corrections.as_ref().unwrap_or(&self.weights);
        self.adam.restore(&format!("{prefix}adam."), learned, state)?;
        match &mut self.average {
            Some(average) => average.restore(&format!("{prefix}average."), learned, state),
            None => Ok(()),
        }
    }

    fn parts(&self) -> impl Iterator<Item = (&'static str, &Weights)> {
        let corrections = self.corrections.as_ref().map(|corrections| ("corrections.", corrections));
        std::iter::once(("weights.", &self.weights)).chain(corrections)
    }
}

fn built(tensors: Vec<(String, Tensor)>, device: Device) -> VarBuilder<'static> {
    VarBuilder::from_tensors(tensors.into_iter().collect(), DType::F32, &device)
}
