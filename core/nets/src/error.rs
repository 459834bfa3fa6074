//! Why loading or running a network failed, in words a person can act on.

use std::path::{Path, PathBuf};

use candle_core::{Error as CandleError, Shape};

pub type Result<T, E = NetsError> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum NetsError {
    /// The tensor library or the device refused an operation.
    #[error("the tensor library failed: {0}")]
    Candle(#[from] CandleError),

    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },

    /// The file is damaged, hostile, or of a kind that is not read. `reason` names the byte or the key.
    #[error("{} is not a usable checkpoint: {reason}", file.display())]
    BadCheckpoint { file: PathBuf, reason: String },

    #[error("the checkpoint lacks the tensor `{key}`: it is of another network, or incomplete")]
    MissingKey { key: String },

    #[error(
        "the tensor `{key}` has shape {found:?} where this network needs {expected:?}: \
         the checkpoint is of another network or another size of it"
    )]
    ShapeMismatch { key: String, expected: Vec<usize>, found: Vec<usize> },

    /// A value from outside (a configuration, a sampler setting, an input's size) makes no sense here.
    #[error("{0}")]
    Invalid(String),

    #[error("cancelled")]
    Cancelled,
}

impl NetsError {
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub fn bad_checkpoint(file: &Path, reason: impl Into<String>) -> Self {
        Self::BadCheckpoint { file: file.to_owned(), reason: reason.into() }
    }

    /// Gives a failed look-up of `key` in a `VarBuilder` its name, which Candle's own message may lack.
    pub(crate) fn lookup(key: String, error: CandleError) -> Self {
        match error {
            CandleError::CannotFindTensor { .. } => Self::MissingKey { key },
            CandleError::UnexpectedShape { expected, got, .. } => {
                Self::ShapeMismatch { key, expected: dims(&expected), found: dims(&got) }
            }
            CandleError::WithBacktrace { inner, .. } | CandleError::WithPath { inner, .. } => {
                Self::lookup(key, *inner)
            }
            other => Self::Candle(other),
        }
    }

    /// Whether a smaller batch may succeed where this failed.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Candle(error) if {
            let text = error.to_string().to_ascii_lowercase();
            text.contains("out_of_memory") || text.contains("out of memory")
        })
    }
}

fn dims(shape: &Shape) -> Vec<usize> {
    shape.dims().to_vec()
}
