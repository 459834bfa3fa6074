//! Why a checkpoint cannot be used. Every message names the file, and the byte or the key at fault.

use std::fmt;
use std::path::PathBuf;

use crate::NetsError;

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },

    /// Nothing of a checkpoint is in the file; `what` says what it looks like and what to do.
    #[error("{} is not a checkpoint: {what}", path.display())]
    NotACheckpoint { path: PathBuf, what: String },

    /// The container breaks its own rules: truncated, altered, or made to harm.
    #[error("{} cannot be read: at {place}: {reason}; a fresh copy of the file may help", path.display())]
    Damaged { path: PathBuf, place: String, reason: String },

    #[error("{} has no tensor '{key}'{}", path.display(), closest(similar))]
    MissingKey { path: PathBuf, key: String, similar: Option<String> },

    #[error("'{key}' in {} cannot be put on the device: {source}", path.display())]
    Tensor { path: PathBuf, key: String, source: Box<candle_core::Error> },
}

pub type Result<T, E = CheckpointError> = std::result::Result<T, E>;

fn closest(similar: &Option<String>) -> String {
    similar.as_ref().map_or(String::new(), |key| format!("; the nearest is '{key}'"))
}

impl From<CheckpointError> for NetsError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Io { path, source } => NetsError::Io { path, source },
            CheckpointError::NotACheckpoint { path, what } => {
                NetsError::BadCheckpoint { file: path, reason: what }
            }
            CheckpointError::Damaged { path, place, reason } => {
                NetsError::BadCheckpoint { file: path, reason: format!("at {place}: {reason}") }
            }
            CheckpointError::MissingKey { key, .. } => NetsError::MissingKey { key },
            CheckpointError::Tensor { source, .. } => NetsError::Candle(*source),
        }
    }
}

/// What the readers of the containers answer, which do not know the file's name.
#[derive(Debug)]
pub(super) struct Fault {
    /// `None`: the file as a whole is of another kind.
    place: Option<String>,
    reason: String,
}

impl Fault {
    pub fn at_byte(offset: usize, reason: impl Into<String>) -> Fault {
        Fault { place: Some(format!("byte {offset}")), reason: reason.into() }
    }
    pub fn at_key(key: impl fmt::Display, reason: impl Into<String>) -> Fault {
        Fault { place: Some(format!("the key '{key}'")), reason: reason.into() }
    }
    /// Not a checkpoint that is read; `what` says what it is and what to do.
    pub fn another_kind(what: impl Into<String>) -> Fault {
        Fault { place: None, reason: what.into() }
    }
    /// The byte is one of a member inside the file.
    pub fn within(self, member: &str) -> Fault {
        Fault { place: self.place.map(|place| format!("{place} of its part '{member}'")), ..self }
    }
    pub fn in_file(self, path: impl Into<PathBuf>) -> CheckpointError {
        let (path, reason) = (path.into(), self.reason);
        match self.place {
            Some(place) => CheckpointError::Damaged { path, place, reason },
            None => CheckpointError::NotACheckpoint { path, what: reason },
        }
    }
}
