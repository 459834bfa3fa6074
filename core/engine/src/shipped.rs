//! Networks of our own that the program carries. Their weights are laid out in the data folder when they are first
//! wanted, so that everything else sees a file like any other.

use crate::error::EngineError;
use crate::files::write_atomically;
use std::fs;
use std::path::{Path, PathBuf};

/// A family of `FAMILIES` and its weights; how they were made stands beside them.
const WEIGHTS: &[(&str, &[u8])] =
    &[("lipsmith-w", include_bytes!("../../../resources/models/lipsmith-w.safetensors"))];

/// The weights of a family that ships with the program; `None` for the others.
///
/// # Errors
/// The data folder cannot be written.
pub fn weights(family: &str, data: &Path) -> Result<Option<PathBuf>, EngineError> {
    let Some((name, bytes)) = WEIGHTS.iter().find(|(name, _)| *name == family) else { return Ok(None) };
    // Another version of the program carries other weights.
    let digest = blake3::hash(bytes).to_hex();
    let path = data.join("models/shipped").join(format!("{name}-{}.safetensors", &digest[..12]));
    if fs::read(&path).ok().as_deref() != Some(*bytes) {
        write_atomically(&path, bytes)?;
    }
    Ok(Some(path))
}
