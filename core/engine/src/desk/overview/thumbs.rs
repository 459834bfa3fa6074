//! Thumbnails: of the newest call only, one at a time. Where they stand far apart the nearest key picture does.

use crate::desk::event::{Event, Screen, Weight};
use crate::desk::port::Port;
use crate::desk::viewer::{fitted, to_screen};
use crate::error::EngineError;
use lipsmith_base::{Digest, Time};
use lipsmith_media::{ReadOptions, VideoReader};
use lipsmith_project::Media;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// Thumbnails kept.
const KEPT_BYTES: usize = 64 << 20;
/// A wide film's thumbnail is no wider than this many times its height.
const WIDEST: usize = 4;

#[derive(Default)]
pub struct Thumbs {
    wanted: VecDeque<Wanted>,
    reader: Option<(PathBuf, VideoReader)>,
    kept: BTreeMap<Key, Screen>,
    bytes: usize,
}

type Key = (Digest, Time, usize);

struct Wanted {
    path: PathBuf,
    key: Key,
    /// A picture so far before the time will do.
    slack: Time,
}

impl Thumbs {
    pub fn done(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Forgets what is still to be made and wants these instead; tells at once of those that are kept.
    pub fn want(&mut self, medium: &Media, times: &[Time], height: usize, port: &Port) {
        self.wanted.clear();
        if medium.video.is_none() {
            return;
        }
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        let gaps = sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > Time::ZERO);
        let slack = Time(gaps.min().unwrap_or(Time::ZERO).0 / 2);
        for at in times {
            let film = medium.fingerprint;
            let key = (film, *at, height);
            match self.kept.get(&key) {
                Some(image) => port.tell(Event::Thumb { film, at: *at, image: image.clone() }),
                None => self.wanted.push_back(Wanted { path: medium.path.clone(), key, slack }),
            }
        }
    }

    pub fn make_one(&mut self, port: &Port) {
        let Some(wanted) = self.wanted.pop_front() else { return };
        let (film, at, _) = wanted.key;
        match self.picture(&wanted) {
            Ok(Some(image)) => {
                self.keep(wanted.key, image.clone());
                port.tell(Event::Thumb { film, at, image });
            }
            Ok(None) => {}
            Err(error) => {
                // The others of this film would fail for the same reason.
                self.wanted.clear();
                self.reader = None;
                port.say(Weight::Note, format!("no thumbnails: {error}"));
            }
        }
    }

    /// `None` where the film cannot be decoded.
    fn picture(&mut self, wanted: &Wanted) -> Result<Option<Screen>, EngineError> {
        let (_, at, height) = wanted.key;
        let (path, mut reader) = match self.reader.take().filter(|(path, _)| *path == wanted.path) {
            Some(open) => open,
            None => (wanted.path.clone(), VideoReader::open(&wanted.path, &ReadOptions::default())?),
        };
        let times = reader.times();
        let index = times.index_at(at).min(times.count().saturating_sub(1));
        let key = reader.key_before(index);
        if at - times.start(key) <= wanted.slack {
            reader.seek_key(at)?;
        } else {
            reader.seek(reader.times().start(index))?;
        }
        let frame = reader.next()?;
        let size = fitted(reader.video().display, (WIDEST * height, height));
        self.reader = Some((path, reader));
        Ok(frame.map(|frame| to_screen(&frame.picture, size)))
    }

    fn keep(&mut self, key: Key, image: Screen) {
        if self.bytes > KEPT_BYTES {
            // Whoever still looks at them asks again.
            self.kept.clear();
            self.bytes = 0;
        }
        self.bytes += image.rgba.len();
        self.kept.insert(key, image);
    }
}
