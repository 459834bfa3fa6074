//! A film read frame by number: onwards where that is near, by seeking where it is not.

use crate::error::EngineError;
use lipsmith_base::{Cancel, Digest, Picture};
use lipsmith_media::{Frame, MediaInfo, ReadOptions, VideoInfo, VideoReader};
use lipsmith_project::{Media, Sound, Video};
use std::path::{Path, PathBuf};

/// Pictures held while they are worked on side by side: as many as keep a desktop's cores busy, few enough for 8K.
pub const AT_ONCE: usize = 4;

/// Reading that stops when the job is cancelled.
pub fn reading(cancel: &Cancel) -> ReadOptions {
    ReadOptions { cancel: cancel.clone(), ..ReadOptions::default() }
}

/// A probed file as the media pool keeps it.
pub fn pool_entry(name: String, path: PathBuf, fingerprint: Digest, info: &MediaInfo) -> Media {
    let pixels = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Media {
        name,
        path,
        fingerprint,
        // Sound that goes on behind the last picture is not part of the film.
        duration: info.video.as_ref().map_or(info.duration, |video| video.duration),
        video: info.video.as_ref().map(|video| Video {
            rate: video.timing.base(),
            width: pixels(video.display.0),
            height: pixels(video.display.1),
        }),
        sound: info.audio.as_ref().map(|audio| Sound { rate: audio.rate, channels: audio.channels }),
    }
}

pub struct FilmReader {
    reader: VideoReader,
    /// The frame last decoded.
    last: Option<Frame>,
}

impl FilmReader {
    pub fn open(path: &Path, cancel: &Cancel) -> Result<FilmReader, EngineError> {
        Ok(FilmReader { reader: VideoReader::open(path, &reading(cancel))?, last: None })
    }

    /// What the film's pictures are like.
    pub fn video(&self) -> &VideoInfo {
        self.reader.video()
    }

    /// Frame `index`; `None` when there is none or it cannot be decoded.
    pub fn picture(&mut self, index: u64) -> Result<Option<Picture>, EngineError> {
        if self.last.as_ref().is_none_or(|frame| frame.index != index) {
            let start = self.reader.times().start(index);
            self.reader.seek(start)?;
            self.last = self.reader.next()?;
        }
        Ok(self.last.as_ref().filter(|frame| frame.index == index).map(|frame| frame.picture.clone()))
    }
}
