//! What can go wrong in training and in making training material.

use lipsmith_nets::NetsError;
use lipsmith_nets::zoo::Network;
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
    #[error("flite cannot be run ({cause}); install the package flite, or make the set without --flite")]
    NoFlite { cause: String },
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
    #[error(
        "{network} is not trained here; trained are wav2lip, diff2lip, lipsync-expert, diffused-heads, difftalk, its \
         first stage and discriminators"
    )]
    NotTrained { network: Network },
    #[error("the set has no clip of more than {} pictures in its part '{split}'; add people or longer takes", 2 * .length)]
    TooFewClips { split: String, length: usize },
    #[error(
        "this diff2lip hears by its draft's ear: teach that one, with `train wav2lip-ear`, and make a new draft of it"
    )]
    NoEar,
    #[error("the saved state lacks {lack}: it belongs to another training; start anew in another folder")]
    State { lack: String },
    #[error("{} is damaged: {cause}; start anew in another folder, from the network that was saved", .path.display())]
    DamagedState { path: PathBuf, cause: String },
    #[error("{} already holds a training; go on with --resume, or name another folder", .folder.display())]
    RunExists { folder: PathBuf },
    #[error(
        "{} was begun with other settings (see its run.json); resume with the same, or name another folder",
        .folder.display()
    )]
    OtherSettings { folder: PathBuf },
    #[error(
        "training diverged: at step {step} '{name}' is no number; {} keeps the state of step {saved}: go on from \
         its network.safetensors with a lower --lr",
        .folder.display()
    )]
    Diverged { step: u64, saved: u64, name: &'static str, folder: PathBuf },
    #[error("the thread that makes the batches has stopped; its message above says why")]
    Batches,
    #[error("tensors cannot be written as safetensors: {cause}")]
    Format { cause: String },
    #[error("cancelled")]
    Cancelled,
    #[error("{0}")]
    Network(#[from] NetsError),
    #[error("while computing: {0}")]
    Compute(#[from] candle_core::Error),
}

impl TrainError {
    /// For `map_err`: what was being done to which file.
    pub fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> TrainError {
        let path = path.to_path_buf();
        move |source| TrainError::File { doing, path, source }
    }
}
