//! What networks learn from: data sets, losses, loops, and the procedural speaker.

pub mod dataset;
pub mod denoising;
pub mod error;
mod learner;
pub mod losses;
pub mod measure;
pub mod optim;
mod plot;
pub mod proof;
pub mod recipes;
pub mod speaker;
mod state;
#[cfg(test)]
mod testing;
pub mod trainer;
pub mod weights;

pub use error::TrainError;
