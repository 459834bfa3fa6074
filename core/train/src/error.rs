//! What can go wrong in training and in making training material.

use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(
        "cannot speak: libespeak-ng.so.1 is not installed ({cause}); install the package libespeak-ng1 \
         (Debian, Ubuntu) or espeak-ng"
    )]
    NoSpeechLibrary { cause: String },
    #[error(
        "libespeak-ng.so.1 cannot be used: it has no function {name} ({cause}); install espeak-ng 1.50 or newer"
    )]
    SpeechLibraryTooOld { name: &'static str, cause: String },
    #[error(
        "espeak-ng cannot start (code {code}): its voice data is missing; install the package espeak-ng-data"
    )]
    NoSpeechData { code: i32 },
    #[error("espeak-ng has no voice '{voice}'; `espeak-ng --voices` lists the installed ones")]
    NoVoice { voice: String },
    #[error("espeak-ng cannot speak '{text}' (code {code})")]
    Unspeakable { text: String, code: i32 },
    #[error("'{text}' gives no sound: write words of the voice's language")]
    Silent { text: String },
    #[error("cannot {doing} {}: {source}; check the path, its rights and the room on the disk", .path.display())]
    File { doing: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{} holds no training clips; make a set with `lipsmith dataset`", .folder.display())]
    EmptySet { folder: PathBuf },
    #[error(
        "{} has pictures of {one} and of {other} pixels; a set has one size: write the other into another folder",
        .folder.display()
    )]
    MixedSides { folder: PathBuf, one: usize, other: usize },
    #[error("another process is adding to {}; wait for it or stop it", .folder.display())]
    SetInUse { folder: PathBuf },
    #[error("{} is damaged: {cause}; delete it and make the set again: the other shards are kept", .path.display())]
    Shard { path: PathBuf, cause: String },
    #[error(
        "the clip '{name}' of {frames} frames does not fit the set: it is empty, a double, or not {side} pixels wide"
    )]
    Record { name: String, frames: usize, side: usize },
    #[error("cancelled")]
    Cancelled,
}

impl TrainError {
    /// For `map_err`: what was being done to which file.
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
        let path = path.to_path_buf();
        move |source| TrainError::File { doing, path, source }
    }
}
