//! What is trained on what, a network a file, behind one trait that the trainer's loop drives.

pub(crate) mod crops;
pub mod diff2lip;
pub mod diff2lip_ear;
pub mod ear;
mod sheet;
pub mod syncnet;
pub mod wav2lip;

use crate::TrainError;
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
    pub picture: Option<Vec<u8>>,
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
    /// The network to be used: averaged weights under its own names.
    fn network(&self) -> Vec<(String, Tensor)>;
    /// All that the next step depends on.
    fn state(&self) -> Result<Vec<(String, Tensor)>, TrainError>;
    fn restore(&mut self, state: &HashMap<String, Tensor>) -> Result<(), TrainError>;
}
