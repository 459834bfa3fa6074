//! Films held open for looking at, each with the pictures around the one last seen: scrubbing, stepping and playing
//! backwards find most of what they want there.

use crate::error::EngineError;
use lipsmith_base::{Picture, PixelFormat, Time};
use lipsmith_media::{ReadOptions, VideoInfo, VideoReader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Each holds a decoder.
const OPEN_FILMS: usize = 4;
/// Decoded pictures kept, all films together.
const KEPT_BYTES: usize = 256 << 20;
/// Going on so many pictures is quicker than a seek to a key picture behind them.
const NEAR: u64 = 12;
/// Pictures before the wanted one that are kept for stepping back.
pub const BEHIND: u64 = 10;
/// A film that could not be opened is tried again after this time: disks come back.
const AGAIN: Duration = Duration::from_secs(2);

#[derive(Default)]
pub struct Films {
    /// Most recently used last.
    open: Vec<Film>,
    failed: BTreeMap<PathBuf, (Instant, String)>,
}

impl Films {
    /// # Errors
    /// Why it cannot be opened, in words for people.
    pub fn film(&mut self, path: &Path) -> Result<&mut Film, String> {
        if let Some((when, why)) = self.failed.get(path)
            && when.elapsed() < AGAIN
        {
            return Err(why.clone());
        }
        let film = match self.open.iter().position(|film| film.path == path) {
            Some(at) => self.open.remove(at),
            None => Film::open(path).map_err(|error| self.fail(path, &error))?,
        };
        if self.open.len() >= OPEN_FILMS {
            self.open.remove(0);
        }
        // What others keep makes room for what is looked at now.
        self.open.iter_mut().for_each(|other| other.kept.clear());
        self.open.push(film);
        self.open.last_mut().ok_or_else(String::new)
    }

    /// Closes a film that went wrong while it was read.
    pub fn fail(&mut self, path: &Path, error: &EngineError) -> String {
        self.open.retain(|film| film.path != path);
        self.failed.insert(path.to_path_buf(), (Instant::now(), error.to_string()));
        error.to_string()
    }
}

pub struct Film {
    path: PathBuf,
    reader: VideoReader,
    kept: BTreeMap<u64, Picture>,
    /// Most pictures kept.
    room: usize,
    /// The next picture may be far from the wanted one.
    landed: bool,
}

/// What a step towards a picture came to.
pub enum Step {
    There(Picture),
    /// Another one, from which the wanted one is still some way off.
    Near(Picture),
    On,
    /// The file ends, or cannot be decoded there.
    Gone,
}

impl Film {
    fn open(path: &Path) -> Result<Film, EngineError> {
        let reader = VideoReader::open(path, &ReadOptions::default())?;
        let room = KEPT_BYTES / bytes_of(reader.video());
        Ok(Film {
            path: path.to_path_buf(),
            reader,
            kept: BTreeMap::new(),
            room: room.clamp(4, 256),
            landed: false,
        })
    }

    /// Number of the picture on screen at a film time; the last one behind the end.
    pub fn index_at(&self, time: Time) -> u64 {
        let times = self.reader.times();
        times.index_at(time).min(times.count().saturating_sub(1))
    }

    pub fn kept(&self, index: u64) -> Option<Picture> {
        self.kept.get(&index).cloned()
    }

    /// Makes ready for [`Film::step`] towards `index`, with `behind` pictures before it: by going on, or from a key
    /// picture.
    pub fn aim(&mut self, index: u64, behind: u64) -> Result<(), EngineError> {
        let next = self.reader.position();
        let ahead = index.checked_sub(next);
        let key = self.reader.key_before(index);
        if ahead.is_some_and(|ahead| ahead <= NEAR || key <= next) {
            self.landed = ahead > Some(2 * NEAR);
        } else {
            self.landed = true;
            self.reader.seek_key(self.reader.times().start(index))?;
        }
        self.reader.pass_to(index.saturating_sub(behind));
        Ok(())
    }

    /// Decodes one picture on the way to `index`; those less than `behind` before it are kept.
    pub fn step(&mut self, index: u64, behind: u64) -> Result<Step, EngineError> {
        let landed = std::mem::take(&mut self.landed);
        let next = self.reader.position();
        if !landed && next + behind < index {
            return Ok(if self.reader.skip()?.is_none() { Step::Gone } else { Step::On });
        }
        let Some(frame) = self.reader.next()? else { return Ok(Step::Gone) };
        self.keep(frame.index, frame.picture.clone(), index);
        Ok(match frame.index.cmp(&index) {
            std::cmp::Ordering::Equal => Step::There(frame.picture),
            std::cmp::Ordering::Less if landed => Step::Near(frame.picture),
            std::cmp::Ordering::Less => Step::On,
            // A container whose key pictures are not where it says is entered exactly, which takes longer.
            std::cmp::Ordering::Greater if landed => {
                self.reader.seek(self.reader.times().start(index))?;
                Step::On
            }
            std::cmp::Ordering::Greater => Step::Gone,
        })
    }

    /// The picture `index`, however long it takes; `None` when it cannot be decoded.
    pub fn picture(&mut self, index: u64, behind: u64) -> Result<Option<Picture>, EngineError> {
        if let Some(kept) = self.kept(index) {
            return Ok(Some(kept));
        }
        self.aim(index, behind)?;
        loop {
            match self.step(index, behind)? {
                Step::There(picture) => return Ok(Some(picture)),
                Step::Near(_) | Step::On => {}
                Step::Gone => return Ok(None),
            }
        }
    }

    /// How many pictures before one are worth keeping when it goes backwards.
    pub fn behind_when_backwards(&self) -> u64 {
        (self.room as u64 / 2).min(40)
    }

    fn keep(&mut self, index: u64, picture: Picture, around: u64) {
        self.kept.insert(index, picture);
        while self.kept.len() > self.room {
            let first = self.kept.first_key_value().map_or(around, |(first, _)| *first);
            let last = self.kept.last_key_value().map_or(around, |(last, _)| *last);
            let far = if first.abs_diff(around) > last.abs_diff(around) { first } else { last };
            self.kept.remove(&far);
        }
    }
}

fn bytes_of(video: &VideoInfo) -> usize {
    let sample = if video.format.depth > 8 { 2 } else { 1 };
    let plane = |plane| {
        let (w, h) = PixelFormat::plane_size(video.format, plane, video.width, video.height);
        w * h
    };
    (0..3).map(plane).sum::<usize>().max(1) * sample
}
