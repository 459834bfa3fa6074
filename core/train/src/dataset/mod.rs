//! A set of clips to learn from: people speaking, cut to their faces, with what is heard and where the face's
//! points lie. A folder of a few large safetensors files (shards), which are mapped into memory and never read
//! whole; a set grows by adding shards, so a broken run loses at most the one that was being gathered.

mod procedural;
mod shard;
mod writer;

use crate::TrainError;
use lipsmith_nets::mel::BANDS;
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use procedural::{Procedural, VALIDATION, make};
pub use writer::{Record, Writer};

/// Pictures a second of every clip.
pub const PICTURES: u32 = 25;
/// Points of a face, in the usual 68-point layout.
pub const POINTS: usize = 68;
/// The lips' points follow all others.
pub const LIPS: usize = 48;

/// Networks learn from one part and are judged by the other; no person is in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    Train,
    Validation,
}

/// One person speaking without a cut, [`PICTURES`] a second. The large parts lie in the mapped file.
#[derive(Clone, Debug)]
pub struct Clip {
    pub name: String,
    pub person: u32,
    pub split: Split,
    /// Pixels of the square pictures.
    pub side: usize,
    pub frames: usize,
    map: Arc<Mmap>,
    faces: Range<usize>,
    mel: Range<usize>,
    landmarks: Range<usize>,
    sound: Range<usize>,
}

impl Clip {
    /// `frames × 3 × side × side`, gamma-coded; red, green, blue.
    pub fn faces(&self) -> &[u8] {
        &self.map[self.faces.clone()]
    }
    /// `3 × side × side`. `frame` below [`Clip::frames`].
    pub fn face(&self, frame: usize) -> &[u8] {
        let size = 3 * self.side * self.side;
        &self.faces()[frame * size..(frame + 1) * size]
    }
    /// The whole clip as [`lipsmith_nets::mel`] hears it, 80 frames a second in -4..=4. Frame 0 is the beginning
    /// of the first picture; a picture's window begins at `lipsmith_nets::mel::start(picture, (25, 1))`.
    pub fn mel(&self) -> &[[f32; BANDS]] {
        numbers::<f32>(&self.map[self.mel.clone()]).as_chunks().0
    }
    /// In pixels of the crop, `frames` long.
    pub fn landmarks(&self) -> &[[[f32; 2]; POINTS]] {
        numbers::<[f32; 2]>(&self.map[self.landmarks.clone()]).as_chunks().0
    }
    /// Whether all points are known; of some faces only the box is.
    pub fn has_points(&self) -> bool {
        self.landmarks().as_flattened().as_flattened().iter().all(|v| v.is_finite())
    }
    /// 16 kHz, one channel, as long as the pictures.
    pub fn sound(&self) -> &[i16] {
        numbers(&self.map[self.sound.clone()])
    }
}

/// Opening has checked that they are aligned and whole.
fn numbers<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> &[T] {
    bytemuck::cast_slice(bytes)
}

/// What a set holds, as `set.json` in its folder tells people and scripts. The shards are the truth.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub side: usize,
    pub clips: usize,
    pub frames: usize,
    pub hours: f64,
    pub people: usize,
    pub validation_people: usize,
    pub validation_frames: usize,
}

/// An open set. Shards added by a [`Writer`] after opening are seen by the next `open`.
#[derive(Debug)]
pub struct Set {
    side: usize,
    clips: Vec<Clip>,
}

impl Set {
    /// Maps every shard of the folder and reads their tables.
    pub fn open(folder: &Path) -> Result<Set, TrainError> {
        let mut clips: Vec<Clip> = Vec::new();
        for path in shards(folder)? {
            clips.extend(shard::read(&path)?);
        }
        let side = match clips.first() {
            Some(first) => first.side,
            None => return Err(TrainError::EmptySet { folder: folder.into() }),
        };
        if let Some(other) = clips.iter().find(|c| c.side != side) {
            return Err(TrainError::MixedSides { folder: folder.into(), one: side, other: other.side });
        }
        Ok(Set { side, clips })
    }

    /// Several sets as one; nobody is in two of them.
    ///
    /// # Errors
    /// As [`Set::open`], and when their pictures are not of one size.
    pub fn open_all(folders: &[PathBuf]) -> Result<Set, TrainError> {
        let Some((first, others)) = folders.split_first() else {
            return Err(TrainError::EmptySet { folder: PathBuf::new() });
        };
        let mut whole = Set::open(first)?;
        for folder in others {
            let set = Set::open(folder)?;
            if set.side != whole.side {
                let (folder, one, other) = (folder.clone(), whole.side, set.side);
                return Err(TrainError::MixedSides { folder, one, other });
            }
            // Sets number their people by themselves.
            let taken: BTreeSet<u32> = whole.clips.iter().map(|clip| clip.person).collect();
            let mut free = (0..).filter(|number| !taken.contains(number));
            let mut numbers = BTreeMap::new();
            for mut clip in set.clips {
                clip.person = *numbers.entry(clip.person).or_insert_with(|| free.next().unwrap_or_default());
                whole.clips.push(clip);
            }
        }
        Ok(whole)
    }

    /// Pixels of the pictures, the same for all clips.
    pub fn side(&self) -> usize {
        self.side
    }
    pub fn clips(&self) -> &[Clip] {
        &self.clips
    }
    pub fn split(&self, split: Split) -> impl Iterator<Item = &Clip> {
        self.clips.iter().filter(move |clip| clip.split == split)
    }

    pub fn counts(&self) -> Counts {
        let frames: usize = self.clips.iter().map(|c| c.frames).sum();
        let people =
            |clips: &mut dyn Iterator<Item = &Clip>| clips.map(|c| c.person).collect::<BTreeSet<u32>>().len();
        Counts {
            side: self.side,
            clips: self.clips.len(),
            frames,
            hours: frames as f64 / f64::from(PICTURES) / 3600.0,
            people: people(&mut self.clips.iter()),
            validation_people: people(&mut self.split(Split::Validation)),
            validation_frames: self.split(Split::Validation).map(|c| c.frames).sum(),
        }
    }
}

/// The whole shards of a folder in the order of their numbers.
fn shards(folder: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let listing = std::fs::read_dir(folder).map_err(TrainError::file("read the folder", folder))?;
    let mut found = Vec::new();
    for entry in listing {
        let path = entry.map_err(TrainError::file("read the folder", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("shard-") && name.ends_with(".safetensors") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
