//! A finished film: frames from [`compose`](crate::compose), sound from [`mix`](crate::mix), in step, into the writer.

use crate::compose::{self, Laid};
use crate::error::EngineError;
use crate::film::{AT_ONCE, reading};
use crate::mix::Mixer;
use crate::take::TakeReader;
use lipsmith_base::{Cancel, Progress, Sink, Time};
use lipsmith_media::{Frame, MovieWriter, PROFILES, Profile, VideoInfo, VideoReader, VideoSpec};
use rayon::prelude::*;
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
        let mut writer = MovieWriter::create(self.output, self.profile, video, sound)?;
        let mut matte = match self.matte {
            Some((path, profile)) => Some(MovieWriter::create(path, profile, video, None)?),
            None => None,
        };
        for note in writer.notes() {
            sink.note(note.clone());
        }
        let mut written = Written { frames: 0, duration: Time::ZERO };
        let mut heard = Time::ZERO;
        loop {
            let frames = self.read(&mut reader, cancel)?;
            if frames.is_empty() {
                break;
            }
            // The frame function is pure: several frames at once, written in their order.
            let composed: Vec<_> = frames
                .into_par_iter()
                .map(|(frame, laid)| {
                    let matte = matte.is_some().then(|| compose::matte_at(&frame.picture, &laid));
                    (matte, compose::frame_at(frame.picture, &laid), frame.pts, frame.duration)
                })
                .collect();
            for (white, picture, pts, duration) in composed {
                cancel.check()?;
                if let (Some(matte), Some(white)) = (&mut matte, white) {
                    matte.write_picture(&white, pts, duration)?;
                }
                writer.write_picture(&picture, pts, duration)?;
                written = Written { frames: written.frames + 1, duration: pts + duration };
                while heard < written.duration {
                    let Some(block) = self.mixer.as_mut().map(|m| m.next(BLOCK)).transpose()?.flatten()
                    else {
                        break;
                    };
                    heard += block.duration();
                    writer.write_audio(&block)?;
                }
                sink.progress(Progress { stage: "export", done: written.frames, total: Some(total) });
            }
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

    /// The next few frames and what is laid over them; none at the film's end.
    fn read(
        &mut self,
        reader: &mut VideoReader,
        cancel: &Cancel,
    ) -> Result<Vec<(Frame, Vec<Laid>)>, EngineError> {
        let mut frames = Vec::with_capacity(AT_ONCE);
        while frames.len() < AT_ONCE {
            cancel.check()?;
            let Some(frame) = reader.next()? else { break };
            let laid = compose::laid_at(frame.index, &mut self.takes)?;
            frames.push((frame, laid));
        }
        Ok(frames)
    }
}
