//! What networks learn from: data sets, losses, loops, and the procedural speaker.

pub mod dataset;
pub mod error;
pub mod speaker;

pub use error::TrainError;
