//! Recipes that make a face speak: faces, speech, families. Images and samples in, patches out; no media
//! files, no project, no cache.

pub mod between;
pub mod blend;
pub mod colour;
pub mod error;
pub mod face;
pub mod families;
pub mod judge;
pub mod metrics;
pub mod mouth;
pub mod score;
pub mod speech;
pub mod talk;

pub use error::LipsyncError;
pub use face::{Face, Landmarks, Pose};
pub use families::{FAMILIES, Family, Recipe};
pub use speech::Speech;
