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
    /// Opened when there is time for it.
    reader: Option<VideoReader>,
    /// Pictures are soon there without, or it went wrong: what is looked at itself says why.
    spared: bool,
    /// `None` for one that cannot be decoded.
    kept: BTreeMap<u64, Option<Rough>>,
    /// What is looked at.
    centre: u64,
}

impl Around {
    /// What is looked at now.
    pub fn look(&mut self, path: &Path, index: u64) {
        match &mut self.film {
            Some(film) if film.path == path => film.centre = index,
            _ => {
                let (path, kept) = (path.to_path_buf(), BTreeMap::new());
                self.film = Some(Surroundings { path, reader: None, spared: false, kept, centre: index });
            }
        }
    }

    pub fn picture(&self, path: &Path, index: u64) -> Option<Picture> {
        let film = self.film.as_ref().filter(|film| film.path == path)?;
        film.kept.get(&index)?.as_ref()?.picture()
    }

    /// Decodes one picture more; `false` when nothing lacks.
    pub fn fill(&mut self) -> bool {
        self.fill_within(KEPT_BYTES)
    }

    fn fill_within(&mut self, bytes: usize) -> bool {
        let Some(film) = self.film.as_mut().filter(|film| !film.spared) else { return false };
        film.fill(bytes).unwrap_or_else(|_| {
            (film.reader, film.spared) = (None, true);
            false
        })
    }
}

impl Surroundings {
    fn fill(&mut self, bytes: usize) -> Result<bool, MediaError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let reader = VideoReader::open(&self.path, &ReadOptions::default())?;
                self.spared = !WAYS.contains(&reader.longest_way());
                if self.spared {
                    return Ok(false);
                }
                self.reader.insert(reader)
            }
        };
        let video = reader.video();
        let room = (bytes / rough::bytes(video.format, video.width, video.height)) as u64;
        // More is looked at ahead than behind.
        let first = self.centre.saturating_sub(room / 3);
        let wanted = first..(first + room).min(video.frames);
        let kept = &self.kept;
        let lacking = |mut range: Range<u64>| range.find(|index| !kept.contains_key(index));
        let from = reader.key_before(self.centre.min(video.frames.saturating_sub(1))).max(first);
        let Some(next) = lacking(from..wanted.end).or_else(|| {
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
        if reader.position() < next {
            if reader.skip()?.is_none() {
                self.kept.insert(next, None);
            }
            return Ok(true);
        }
        let frame = reader.next()?;
        // What was passed over cannot be decoded.
        let there = frame.as_ref().map_or(next + 1, |frame| frame.index);
        (next..there).for_each(|lost| drop(self.kept.insert(lost, None)));
        if let Some(frame) = frame {
            self.kept.insert(frame.index, Some(Rough::of(&frame.picture)));
        }
        // Of what was around before as much as there is room for: people come back. What is wanted now all has room.
        while self.kept.len() as u64 > room {
            let ends = [self.kept.first_key_value(), self.kept.last_key_value()];
            let outside = ends.into_iter().flatten().map(|(index, _)| *index).filter(|i| !wanted.contains(i));
            let Some(far) = outside.max_by_key(|index| index.abs_diff(self.centre)) else { break };
            self.kept.remove(&far);
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
    #[test]
    fn where_there_is_no_room_for_all_it_ends_with_what_is_near() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("film.mp4");
        film(&path);
        let bytes = 60 * rough::bytes(PixelFormat::I420, 128, 64);
        let mut around = Around::default();
        // Going on by less than the room: what lies behind is as near as what is wanted ahead.
        for centre in [20, 45, 70, 10, 129] {
            around.look(&path, centre);
            let mut steps = 0;
            while around.fill_within(bytes) {
                steps += 1;
                assert!(steps < 3 * FRAMES, "it does not end");
            }
            for index in centre.saturating_sub(20)..(centre + 40).min(FRAMES) {
                let picture = around.picture(&path, index).expect("a picture");
                assert_eq!(synthetic::number_in(&picture), index);
            }
            let kept = (0..FRAMES).filter(|index| around.picture(&path, *index).is_some()).count();
            assert!(kept <= 60, "{kept} kept");
        }
    }
}
