//! The film around what is looked at, decoded while nothing else is to do and kept roughly. Where key pictures are far apart
//! the wanted one takes long to decode; until it is there, its rough one is shown.

use super::rough::{self, Rough};
use lipsmith_base::Picture;
use lipsmith_media::{MediaError, ReadOptions, VideoReader};
use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};

const KEPT_BYTES: usize = 256 << 20;
/// The longest ways from a key picture for which it is done: shorter ones nobody waits for, longer ones never end.
const WAYS: RangeInclusive<u64> = 26..=1_500;

#[derive(Default)]
pub struct Around {
    film: Option<Surroundings>,
}

struct Surroundings {
    path: PathBuf,
    /// `None` once it went wrong: what is looked at itself says why.
    reader: Option<VideoReader>,
    /// `None` for one that cannot be decoded.
    kept: BTreeMap<u64, Option<Rough>>,
    /// What is to be kept.
    wanted: Range<u64>,
    /// Where it is filled from.
    centre: u64,
}

impl Around {
    /// What is looked at now.
    pub fn look(&mut self, path: &Path, index: u64) {
        match &mut self.film {
            Some(film) if film.path == path => film.centre = index,
            _ => {
                let path = path.to_path_buf();
                // Opened when there is time for it.
                let (reader, kept) = (None, BTreeMap::new());
                self.film = Some(Surroundings { path, reader, kept, wanted: 0..u64::MAX, centre: index });
            }
        }
    }

    pub fn picture(&self, path: &Path, index: u64) -> Option<Picture> {
        let film = self.film.as_ref().filter(|film| film.path == path)?;
        film.kept.get(&index)?.as_ref()?.picture()
    }

    /// Decodes one picture more; `false` when nothing lacks.
    pub fn fill(&mut self) -> bool {
        let Some(film) = &mut self.film else { return false };
        if film.wanted.is_empty() {
            return false;
        }
        match film.fill() {
            Ok(more) => more,
            Err(_) => {
                (film.reader, film.wanted) = (None, 0..0);
                false
            }
        }
    }
}

impl Surroundings {
    fn fill(&mut self) -> Result<bool, MediaError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(VideoReader::open(&self.path, &ReadOptions::default())?),
        };
        let video = reader.video();
        if !WAYS.contains(&reader.longest_way()) {
            self.wanted = 0..0;
            return Ok(false);
        }
        let room = (KEPT_BYTES / rough::bytes(video.format, video.width, video.height)) as u64;
        // More is looked at ahead than behind.
        let first = self.centre.saturating_sub(room / 3);
        self.wanted = first..(first + room).min(video.frames);
        let kept = &self.kept;
        let lacking = |mut range: Range<u64>| range.find(|index| !kept.contains_key(index));
        let from = reader.key_before(self.centre.min(video.frames.saturating_sub(1))).max(first);
        let ahead = lacking(from..self.wanted.end);
        let Some(next) = ahead.or_else(|| {
            // Of what lies behind the nearest, as far as it is decoded in one go.
            let near = (first..from).rev().find(|index| !kept.contains_key(index))?;
            lacking(reader.key_before(near).max(first)..near + 1)
        }) else {
            return Ok(false);
        };
        let position = reader.position();
        if position > next || reader.key_before(next) > position {
            reader.seek_key(reader.times().start(next))?;
        }
        let got =
            if reader.position() < next { reader.skip()?.map(|_| None) } else { reader.next()?.map(Some) };
        match got {
            Some(Some(frame)) => {
                // What was passed over cannot be decoded.
                (next..frame.index).for_each(|lost| drop(self.kept.insert(lost, None)));
                self.kept.insert(frame.index, Some(Rough::of(&frame.picture)));
                // Of what was around before, as much as there is room for: people come back.
                while self.kept.len() as u64 > room {
                    let ends = [self.kept.first_key_value(), self.kept.last_key_value()];
                    let far = ends.into_iter().flatten().map(|(index, _)| *index);
                    let Some(far) = far.max_by_key(|index| index.abs_diff(self.centre)) else { break };
                    self.kept.remove(&far);
                }
            }
            Some(None) => {}
            None => drop(self.kept.insert(next, None)),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{ColourSpec, FrameRate, PixelFormat};
    use lipsmith_media::{MovieWriter, Profile, Timing, VideoSpec, synthetic};

    const FRAMES: u64 = 130;

    /// Key pictures are 60 apart; each picture has its number burnt in.
    fn film(path: &Path) {
        let rate = FrameRate::FPS_25;
        let (format, colour) = (PixelFormat::I420, ColourSpec::BT709);
        let (width, height) = (128, 64);
        let timing = Timing::constant(rate);
        let spec = VideoSpec { width, height, format, colour, pixel_aspect: (1, 1), timing };
        let mut writer = MovieWriter::create(path, Profile::H264Mp4, spec, None).expect("a writer");
        for number in 0..FRAMES {
            let picture = synthetic::picture(number, width, height, format, colour).expect("a picture");
            let start = rate.frame_start(number as i64);
            writer.write_picture(&picture, start, rate.frame_duration()).expect("written");
        }
        writer.finish().expect("finished");
    }

    #[test]
    fn all_pictures_around_are_there_each_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film.mp4");
        film(&path);
        let mut around = Around::default();
        assert!(!around.fill(), "nothing is looked at");
        around.look(&path, 70);
        assert!(around.picture(&path, 70).is_none());
        let mut steps = 0;
        while around.fill() {
            steps += 1;
            // Somebody looks elsewhere meanwhile.
            if steps == 20 {
                around.look(&path, 3);
            }
            assert!(steps < 3 * FRAMES, "it does not end");
        }
        for index in 0..FRAMES {
            let picture = around.picture(&path, index).expect("a picture");
            assert_eq!(synthetic::number_in(&picture), index);
        }
        around.look(&folder.path().join("another.mp4"), 0);
        assert!(!around.fill() && around.picture(&path, 70).is_none());
    }
}
