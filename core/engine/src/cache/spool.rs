//! The pictures that a stretch of a take is made from, collected on disk in one reading of the footage and read
//! back one by one: a line's pictures are never all in memory. Kept in the film's own samples, so that nothing
//! is lost and little is written; they are resampled when they are read.

use crate::error::EngineError;
use lipsmith_base::{Affine, ColourSpec, Picture, PixelFormat, Plane, Point, Rect, Rgb};
use lipsmith_lipsync::LipsyncError;
use lipsmith_lipsync::families::{Crop, SourceImages};
use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Deleted when dropped.
pub struct Spool {
    path: PathBuf,
    file: Mutex<File>,
    /// `None` until the picture was put.
    entries: Vec<Option<Entry>>,
    end: u64,
}

/// Where in the file a part of a picture begins, what its samples are, and the crop to be made of it.
#[derive(Clone, Copy)]
struct Entry {
    start: u64,
    width: usize,
    height: usize,
    format: PixelFormat,
    colour: ColourSpec,
    crop: Crop,
}

impl Spool {
    /// Room for `count` crops in a new file at `path`.
    pub fn create(path: &Path, count: usize) -> Result<Spool, EngineError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(EngineError::file("make the folder", folder))?;
        }
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path);
        let file = file.map_err(EngineError::file("create", path))?;
        Ok(Spool { path: path.to_path_buf(), file: Mutex::new(file), entries: vec![None; count], end: 0 })
    }

    /// Keeps of `picture` what `crop` shows, as number `index`.
    pub fn put(&mut self, index: usize, picture: &Picture, crop: Crop) -> Result<(), EngineError> {
        let Crop { map, width, height } = crop;
        let corners = [(0, 0), (width, 0), (0, height), (width, height)];
        let corners = corners.map(|(x, y)| map.apply(Point::new(x as f32, y as f32)));
        // What the resampling of the crop's rim reads: its kernel's reach, and a chroma sample more.
        let reach = 2.0 * map.a.hypot(map.d).max(map.b.hypot(map.e)) + 4.0;
        let seen = Rect::around(corners).unwrap_or_default().grown(reach, reach);
        let (part, x, y) = picture.window(seen);
        let bytes = part.planes().each_ref().map(bytes_of).concat();
        let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.end))
            .and_then(|_| file.write_all(&bytes))
            .map_err(EngineError::file("write", &self.path))?;
        let shift = Affine { c: -(x as f32), f: -(y as f32), ..Affine::IDENTITY };
        self.entries[index] = Some(Entry {
            start: self.end,
            width: part.width(),
            height: part.height(),
            format: part.format(),
            colour: part.colour(),
            crop: Crop { map: map.then(shift), ..crop },
        });
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Whether number `index` was put.
    pub fn holds(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(Option::is_some)
    }

    /// Number `index` is the same crop as number `known`, if that was put.
    pub fn put_again(&mut self, index: usize, known: usize) {
        self.entries[index] = self.entries[known];
    }

    /// `None` when it was never put.
    pub fn get(&self, index: usize) -> Result<Option<Rgb>, EngineError> {
        let Some(entry) = self.entries.get(index).copied().flatten() else { return Ok(None) };
        let Entry { start, width, height, format, colour, crop } = entry;
        let sizes = [0, 1, 2].map(|plane| {
            let (w, h) = format.plane_size(plane, width, height);
            w * h * if format.depth == 8 { 1 } else { 2 }
        });
        let mut bytes = vec![0; sizes.iter().sum()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(EngineError::file("read", &self.path))?;
        drop(file);
        let mut rest = bytes.as_slice();
        let planes = sizes.map(|size| {
            let (plane, after) = rest.split_at(size);
            rest = after;
            match format.depth {
                8 => Plane::U8(plane.to_vec()),
                _ => Plane::U16(plane.chunks_exact(2).map(|v| u16::from_le_bytes([v[0], v[1]])).collect()),
            }
        });
        let picture = Picture::new(format, width, height, colour, planes);
        Ok(picture.ok().map(|picture| picture.sample(crop.map, crop.width, crop.height)))
    }
}

fn bytes_of(plane: &Plane) -> Cow<'_, [u8]> {
    match plane {
        Plane::U8(samples) => samples.into(),
        Plane::U16(samples) => samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

impl SourceImages for Spool {
    fn image(&self, index: usize) -> Result<Rgb, LipsyncError> {
        let image = match self.get(index) {
            Ok(Some(image)) => return Ok(image),
            Ok(None) => "it was not found in the footage; run again".to_string(),
            Err(error) => error.to_string(),
        };
        Err(LipsyncError::Unfit(format!("picture {index} of the actor cannot be had: {image}")))
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
    use lipsmith_base::Chroma;

    #[test]
    fn crops_come_back_by_number_and_the_file_goes_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep").join("spool");
        let mut spool = Spool::create(&path, 4).expect("created");
        let mut image = Rgb::black(60, 50);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            *pixel = [(i % 60) as f32 / 60.0, (i / 60) as f32 / 50.0, 0.4];
        }
        for depth in [8, 10] {
            let format = PixelFormat { chroma: Chroma::C420, depth };
            let picture = Picture::from_rgb(&image, format, ColourSpec::BT709);
            let shift = Affine { c: 21.0, f: 17.0, ..Affine::IDENTITY };
            let turn = Affine { a: 1.4, b: 0.3, c: 15.2, d: -0.3, e: 1.4, f: 11.7 };
            for (index, map) in [(2, shift), (0, turn)] {
                let crop = Crop { map, width: 12, height: 11 };
                spool.put(index, &picture, crop).expect("put");
                let (back, whole) = (spool.image(index).expect("there"), picture.sample(map, 12, 11));
                for (a, b) in back.pixels().iter().flatten().zip(whole.pixels().iter().flatten()) {
                    assert!((a - b).abs() < 1e-4, "{depth} {map:?}: {a} {b}");
                }
            }
        }
        spool.put_again(3, 2);
        assert_eq!(spool.image(3).expect("there"), spool.image(2).expect("there"));
        assert!(spool.image(1).is_err() && spool.image(9).is_err());
        drop(spool);
        assert!(!path.exists());
    }
}
