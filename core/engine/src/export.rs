//! A finished film: frames from [`compose`](crate::compose), sound from [`mix`](crate::mix), in step, into the writer.

use crate::compose;
use crate::error::EngineError;
use crate::film::reading;
use crate::mix::Mixer;
use crate::take::TakeReader;
use lipsmith_base::{Cancel, Progress, Sink, Time};
use lipsmith_media::{MovieWriter, PROFILES, Profile, VideoInfo, VideoReader, VideoSpec};
use std::path::Path;

/// The profile that a file's ending stands for, the most usual first.
pub fn profile_for(path: &Path) -> Option<Profile> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    PROFILES.into_iter().find(|profile| profile.extension() == ending)
}

/// Pictures like those of a film.
pub fn like(video: &VideoInfo) -> VideoSpec {
    let &VideoInfo { width, height, format, colour, pixel_aspect, timing, .. } = video;
    VideoSpec { width, height, format, colour, pixel_aspect, timing }
}

/// Sample frames mixed at a time.
const BLOCK: usize = 4_096;

pub struct Movie<'a> {
    pub film: &'a Path,
    pub takes: Vec<TakeReader>,
    pub mixer: Option<Mixer>,
    pub profile: Profile,
    pub output: &'a Path,
    pub matte: Option<(&'a Path, Profile)>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub frames: u64,
    /// End of the last frame.
    pub duration: Time,
}

impl Movie<'_> {
    /// Writes the whole film. Nothing is left at the output's path unless all of it was written.
    pub fn write(mut self, sink: &dyn Sink, cancel: &Cancel) -> Result<Written, EngineError> {
        let mut reader = VideoReader::open(self.film, &reading(cancel))?;
        let total = reader.times().count();
        let video = like(reader.video());
        let sound = self.mixer.as_ref().map(Mixer::spec);
        let mut writer = MovieWriter::create(self.output, self.profile, video.clone(), sound)?;
        let mut matte = match self.matte {
            Some((path, profile)) => Some(MovieWriter::create(path, profile, video, None)?),
            None => None,
        };
        for note in writer.notes() {
            sink.note(note.clone());
        }
        let mut written = Written { frames: 0, duration: Time::ZERO };
        let mut heard = Time::ZERO;
        while let Some(frame) = reader.next()? {
            cancel.check()?;
            if let Some(matte) = &mut matte {
                let picture = compose::matte_at(&frame.picture, frame.index, &mut self.takes)?;
                matte.write_picture(&picture, frame.pts, frame.duration)?;
            }
            let picture = compose::frame_at(frame.picture, frame.index, &mut self.takes)?;
            writer.write_picture(&picture, frame.pts, frame.duration)?;
            written = Written { frames: written.frames + 1, duration: frame.pts + frame.duration };
            while heard < written.duration {
                let Some(block) = self.mixer.as_mut().map(|m| m.next(BLOCK)).transpose()?.flatten() else {
                    break;
                };
                heard += block.duration();
                writer.write_audio(&block)?;
            }
            sink.progress(Progress { stage: "export", done: written.frames, total: Some(total) });
        }
        while let Some(block) = self.mixer.as_mut().map(|m| m.next(BLOCK)).transpose()?.flatten() {
            writer.write_audio(&block)?;
        }
        // The matte first: when its disk is full, no finished film stands beside a missing matte.
        if let Some(matte) = matte {
            matte.finish()?;
        }
        writer.finish()?;
        Ok(written)
    }
}
