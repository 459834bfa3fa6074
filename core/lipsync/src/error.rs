//! What can go wrong while a face is found or made to speak.

use lipsmith_base::Cancelled;

#[derive(Debug, thiserror::Error)]
pub enum LipsyncError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device ran out of memory: the caller may try a smaller batch.
    #[error("{device} ran out of memory")]
    OutOfMemory { device: String },
    /// The recipe lacks something: names it, says why and what to do.
    #[error("{0}")]
    Unfit(String),
    #[error("network: {0}")]
    Network(String),
}
