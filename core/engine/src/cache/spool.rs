//! The planned pictures of the actor, collected on disk in one reading of the footage and read back one by
//! one: a line's sources are never all in memory.

use super::chunk::{quantise, restore};
use crate::error::EngineError;
use lipsmith_base::Rgb;
use lipsmith_lipsync::LipsyncError;
use lipsmith_lipsync::families::SourceImages;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Deleted when dropped.
pub struct Spool {
    path: PathBuf,
    file: Mutex<File>,
    /// Where picture `i` begins and its size; `None` until it was put.
    entries: Vec<Option<(u64, usize, usize)>>,
    end: u64,
}

impl Spool {
    /// Room for `count` pictures in a new file at `path`.
    pub fn create(path: &Path, count: usize) -> Result<Spool, EngineError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(EngineError::file("make the folder", folder))?;
        }
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let file = file.map_err(EngineError::file("create", path))?;
        Ok(Spool { path: path.to_path_buf(), file: Mutex::new(file), entries: vec![None; count], end: 0 })
    }

    pub fn put(&mut self, index: usize, image: &Rgb) -> Result<(), EngineError> {
        let bytes: Vec<u8> =
            image.pixels().iter().flatten().flat_map(|&v| quantise(v).to_le_bytes()).collect();
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))
            .and_then(|_| file.write_all(&bytes))
            .map_err(EngineError::file("write", &self.path))?;
        self.entries[index] = Some((self.end, image.width(), image.height()));
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn read(&self, index: usize) -> Result<Rgb, String> {
        let (start, width, height) =
            self.entries.get(index).copied().flatten().ok_or("it was not found in the footage")?;
        let mut bytes = vec![0; width * height * 6];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|e| e.to_string())?;
        drop(file);
        let value = |at: &[u8]| restore(u16::from_le_bytes([at[0], at[1]]));
        let pixels =
            bytes.chunks_exact(6).map(|p| [value(&p[0..]), value(&p[2..]), value(&p[4..])]).collect();
        Rgb::from_pixels(width, height, pixels).ok_or_else(|| "its size is wrong".into())
    }
}

impl SourceImages for Spool {
    fn image(&self, index: usize) -> Result<Rgb, LipsyncError> {
        self.read(index).map_err(|why| {
            let path = self.path.display();
            LipsyncError::Unfit(format!(
                "picture {index} of the actor cannot be had from {path}: {why}; run again"
            ))
        })
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A spool left behind costs disk space only, and the next run truncates it.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_by_number_and_the_file_goes_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep").join("spool");
        let mut spool = Spool::create(&path, 3).expect("created");
        let mut image = Rgb::black(3, 2);
        image.set(1, 1, [0.25, 0.5, 1.0]);
        spool.put(2, &image).expect("put");
        spool.put(0, &Rgb::black(1, 1)).expect("put");
        let back = spool.image(2).expect("there");
        assert!((back.get(1, 1)[0] - 0.25).abs() < 1e-4 && back.width() == 3);
        assert!(spool.image(1).is_err() && spool.image(9).is_err());
        drop(spool);
        assert!(!path.exists());
    }
}
