//! Results on disk, each named by the digest of what made it. Whatever is here may be deleted at any
//! moment: it will be made again.

pub mod chunk;
pub mod scans;
pub mod spool;

use crate::error::EngineError;
use lipsmith_base::Digest;
use std::fs;
use std::path::{Path, PathBuf};

/// The cache folder.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    pub fn new(root: impl Into<PathBuf>) -> Cache {
        Cache { root: root.into() }
    }

    /// Folder of one result; made when something is written.
    pub fn folder(&self, kind: &str, key: Digest) -> PathBuf {
        self.root.join(kind).join(key.hex())
    }
}

/// The bytes of a cached file; `None` when it is not there. Whoever reads must treat broken bytes as absent,
/// since a disk may have been pulled.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, EngineError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EngineError::File { doing: "read", path: path.to_path_buf(), source }),
    }
}
