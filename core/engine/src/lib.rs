//! What the application talks to. The command line calls the jobs of this crate on its own thread and hands them
//! a [`Sink`] to tell of progress and a [`Cancel`] to be stopped by; nothing here knows who is listening.
//!
//! A dub, from file to file: [`analysis`] (shots, people; cached) → [`take`] (patches, chunk by chunk; cached) →
//! [`compose`] (THE frame function) and [`mix`] → [`export`].

pub mod analysis;
pub mod cache;
pub mod compare;
pub mod compose;
pub mod dataset;
pub mod desk;
pub mod detector;
pub mod dub;
pub mod error;
pub mod export;
pub mod files;
pub mod film;
pub mod finetune;
mod letters;
pub mod material;
pub mod mix;
pub mod models;
pub mod paths;
pub mod proof;
pub mod rate;
pub mod recipe;
pub mod sample;
pub mod score;
pub mod shipped;
pub mod take;
pub mod talk;
pub mod track;
pub mod train;
pub mod trial;

pub use cache::scans::keep_scans;
pub use detector::Detector;
pub use error::EngineError;
pub use lipsmith_base::{Cancel, Progress, Sink, Time, TimeRange, Timecode};
pub use lipsmith_lipsync::{FAMILIES, Family};
pub use lipsmith_media::{AudioInfo, MediaInfo, PROFILES, Peaks, Profile, Timing, VideoInfo};
pub use lipsmith_project::{Method, Original, Preset};
pub use paths::Paths;
pub use recipe::SAMPLERS;

use std::path::Path;

/// Version of what reads and writes films, for people.
pub fn media_version() -> String {
    lipsmith_media::version()
}

/// What a media file is.
pub fn media_info(path: &Path) -> Result<MediaInfo, EngineError> {
    Ok(lipsmith_media::probe(path)?)
}
