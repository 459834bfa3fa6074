//! Networks of our own that the program carries. Their weights are laid out in the data folder when they are first
//! wanted, so that everything else sees a file like any other.

use crate::error::EngineError;
use crate::files::write_atomically;
use std::fs;
use std::path::{Path, PathBuf};

/// Name and bytes of each file of weights in `resources/models`; how they were made stands beside them.
const WEIGHTS: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// Our own lip-sync expert, which judges where nobody has imported a better one.
pub const EXPERT: &str = "lipsmith-expert";

/// Our own compact generator, whose ear judges where there is no expert.
pub const GENERATOR: &str = "lipsmith-w";

/// The weights of this name that the program carries; `None` where it carries none.
///
/// # Errors
/// The data folder cannot be written.
pub fn weights(name: &str, data: &Path) -> Result<Option<PathBuf>, EngineError> {
    let Some((_, bytes)) = WEIGHTS.iter().find(|(carried, _)| *carried == name) else { return Ok(None) };
    // Another version of the program carries other weights.
    let digest = blake3::hash(bytes).to_hex();
    let path = data.join("models/shipped").join(format!("{name}-{}.safetensors", &digest[..12]));
    if fs::read(&path).ok().as_deref() != Some(*bytes) {
        write_atomically(&path, bytes)?;
    }
    Ok(Some(path))
}
