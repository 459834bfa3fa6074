//! The media pool: what is known of a file without opening it, so that a project is whole while its media is
//! offline.

use lipsmith_base::{Digest, FrameRate, Time};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// What the editor calls it; the file's name at first.
    pub name: String,
    /// Where it was last seen.
    pub path: PathBuf,
    /// Names the contents: how a moved file is recognised and what takes are keyed by.
    pub fingerprint: Digest,
    /// Positive.
    pub duration: Time,
    /// `None` for pure sound.
    pub video: Option<Video>,
    /// `None` for silent film.
    pub sound: Option<Sound>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Video {
    /// Nominal; frames of a film with variable rate have their own times.
    pub rate: FrameRate,
    /// Displayed size in pixels, rotation and pixel aspect applied.
    pub width: u32,
    pub height: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Samples per second and channel.
    pub rate: u32,
    pub channels: u16,
}
