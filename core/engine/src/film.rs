//! A film read frame by number: onwards where that is near, by seeking where it is not.

use crate::error::EngineError;
use lipsmith_base::{Cancel, Picture};
use lipsmith_media::{Frame, ReadOptions, VideoInfo, VideoReader};
use std::path::Path;

/// Pictures held while they are worked on side by side: as many as keep a desktop's cores busy, few enough for 8K.
pub const AT_ONCE: usize = 4;

/// Reading that stops when the job is cancelled.
pub fn reading(cancel: &Cancel) -> ReadOptions {
    ReadOptions { cancel: cancel.clone(), ..ReadOptions::default() }
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
