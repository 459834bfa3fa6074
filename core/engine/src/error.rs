//! What can stop a job. Lower errors keep their words; what is added names the file and the way out.

use crate::models::ModelsError;
use crate::sample::SampleError;
use lipsmith_base::Cancelled;
use lipsmith_lipsync::LipsyncError;
use lipsmith_media::MediaError;
use lipsmith_nets::NetsError;
use lipsmith_train::TrainError;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cancelled")]
    Cancelled,
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Lipsync(LipsyncError),
    #[error(transparent)]
    Models(ModelsError),
    /// Its own words name the checkpoint's file.
    #[error(transparent)]
    Network(NetsError),
    #[error(transparent)]
    Sample(SampleError),
    #[error(transparent)]
    Train(TrainError),
    /// What was asked for does not fit the material: the caller asked, so the caller can change it.
    #[error("{0}")]
    Request(String),
    #[error("cannot {doing} {}: {source}{}", path.display(), hint(source))]
    File { doing: &'static str, path: PathBuf, source: io::Error },
}

impl EngineError {
    /// For `map_err`: names what was being done to which file.
    pub fn file(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> EngineError {
        move |source| EngineError::File { doing, path: path.as_ref().to_path_buf(), source }
    }
}

impl From<Cancelled> for EngineError {
    fn from(_: Cancelled) -> EngineError {
        EngineError::Cancelled
    }
}

impl From<ModelsError> for EngineError {
    fn from(error: ModelsError) -> EngineError {
        match error {
            ModelsError::Cancelled => EngineError::Cancelled,
            other => EngineError::Models(other),
        }
    }
}

impl From<SampleError> for EngineError {
    fn from(error: SampleError) -> EngineError {
        match error {
            SampleError::Cancelled(_) => EngineError::Cancelled,
            other => EngineError::Sample(other),
        }
    }
}

impl From<LipsyncError> for EngineError {
    fn from(error: LipsyncError) -> EngineError {
        match error {
            LipsyncError::Cancelled(_) => EngineError::Cancelled,
            other => EngineError::Lipsync(other),
        }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull => {
            "; free some space or set LIPSMITH_CACHE to a folder on another disk, then run again: finished chunks are kept"
        }
        io::ErrorKind::PermissionDenied => "; choose a folder you may write to",
        io::ErrorKind::NotFound => "; check the path",
        _ => "",
    }
}
