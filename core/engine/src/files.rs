//! Whole files written so that a reader sees the old or the new one, never a half: temporary name, sync, rename.

use crate::error::EngineError;
use lipsmith_base::Digest;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Replaces `path` by `bytes` atomically, making its folder when missing.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), EngineError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(EngineError::file("make the folder", folder))?;
    }
    let temporary = temporary_beside(path);
    let write = || {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        // The half-written file is of no use to anybody; that it could not be removed adds nothing to the cause.
        let _ = fs::remove_file(&temporary);
        EngineError::File { doing: "write", path: path.to_path_buf(), source }
    })
}

/// A name in the same folder (so that renaming stays on one disk) that no other process uses.
fn temporary_beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.tmp", std::process::id()))
}

/// Bytes taken at each of [`SAMPLES`] places of a large file.
const SAMPLE_BYTES: u64 = 1 << 20;
const SAMPLES: u64 = 8;

/// Names a media file by its contents. Up to 8 MiB every byte counts; of a larger file its length and eight
/// stretches spread from the first to the last byte, so that a two-hour film is known in milliseconds.
pub fn fingerprint(path: &Path) -> Result<Digest, EngineError> {
    let mut file = File::open(path).map_err(EngineError::file("open", path))?;
    let length = file.metadata().map_err(EngineError::file("read", path))?.len();
    let mut hasher = blake3::Hasher::new();
    hasher.update(&length.to_le_bytes());
    let mut take = |start: u64, count: u64| -> std::io::Result<()> {
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&file).take(count).read_to_end(&mut bytes)?;
        hasher.update(&bytes);
        Ok(())
    };
    let read = if length <= SAMPLE_BYTES * SAMPLES {
        take(0, length)
    } else {
        (0..SAMPLES).try_for_each(|i| take((length - SAMPLE_BYTES) * i / (SAMPLES - 1), SAMPLE_BYTES))
    };
    read.map_err(EngineError::file("read", path))?;
    Ok(Digest::from_bytes(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_at_the_end_of_a_large_file_changes_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("film");
        let mut bytes = vec![7u8; 20 << 20];
        write_atomically(&path, &bytes).expect("written");
        let before = fingerprint(&path).expect("read");
        *bytes.last_mut().expect("not empty") = 8;
        write_atomically(&path, &bytes).expect("written");
        assert_ne!(before, fingerprint(&path).expect("read"));
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = fingerprint(Path::new("/nowhere/film.mov")).expect_err("missing").to_string();
        assert!(error.contains("/nowhere/film.mov") && error.contains("check the path"), "{error}");
    }
}
