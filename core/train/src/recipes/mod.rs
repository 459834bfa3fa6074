//! What is trained on what, a network a file, behind one trait that the trainer's loop drives.

pub(crate) mod crops;
pub mod diff2lip;
pub mod difftalk;
pub mod diffused_heads;
pub mod ear;
pub mod judges;
pub(crate) mod mouths;
pub(crate) mod rooms;
pub(crate) mod sheet;
pub mod syncnet;
pub mod vq;
pub mod wav2lip;

use crate::TrainError;
use crate::learner::Learner;
use candle_core::Tensor;
use std::collections::HashMap;

/// Named numbers of a step or an examination, in a fixed order.
pub type Scores = Vec<(&'static str, f64)>;

/// A look at people whom the network has not learned from.
pub struct Exam {
    pub scores: Scores,
    /// What decides whether it is better than before; smaller is better.
    pub judged: f64,
    /// A PNG for people.
    pub picture: Vec<u8>,
}

pub trait Recipe {
    type Batch: Send;
    type Sampler: Send;

    /// What makes the batches, on a thread of its own.
    fn sampler(&self) -> Self::Sampler;
    /// Batch number `step` of the run with this seed: nothing else decides what is in it.
    fn batch(sampler: &Self::Sampler, seed: u64, step: u64) -> Result<Self::Batch, TrainError>;
    /// One step of the optimiser(s). Where a score is not finite the weights are spoilt.
    fn learn(&mut self, batch: Self::Batch) -> Result<Scores, TrainError>;
    fn examine(&mut self) -> Result<Exam, TrainError>;
    /// The network that learns.
    fn learner(&self) -> &Learner;
    fn learner_mut(&mut self) -> &mut Learner;

    /// The network to be used: averaged weights under its own names.
    fn network(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        self.learner().averaged()
    }
    /// All that the next step depends on; more than the learner's where others learn beside it.
    fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        self.learner().state("")
    }
    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        self.learner_mut().restore("", state)
    }
}

fn scalar(loss: &Tensor) -> Result<f64, TrainError> {
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// A seed of the noise of a part of a step.
fn mixed(seed: u64, step: u64, part: usize) -> u32 {
    ((seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ part as u64) >> 8) as u32
}
