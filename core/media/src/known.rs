//! Scans of files that were looked through before. A scan reads the whole file; the viewer, the mixer and the
//! waveform all open the same films, again and again, and must not wait for it each time, nor in each session.

use crate::error::MediaError;
use crate::scan::{self, Scan};
use crate::shelf::{self, Shelf};
use gstreamer as gst;
use lipsmith_base::{Cancel, Digest};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, SystemTime};

/// A file as it lies on disk: written again, it is another one.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

/// Held while the file is being looked through, so that whoever wants it meanwhile waits rather than reads too.
type Slot = Arc<Mutex<Option<Scan>>>;

/// A long film's times are a megabyte or two.
const KEPT: usize = 32;

static KNOWN: Known = Known::new();

/// As [`scan::scan`], at once for a file that has not changed since.
pub(crate) fn scan(path: &Path, patience: Duration, cancel: &Cancel) -> Result<Scan, MediaError> {
    KNOWN.scan(path, patience, cancel)
}

/// From now on what is learnt by looking through a whole file is kept on `shelf`, and looked for there first.
pub fn keep_scans_on(shelf: Arc<dyn Shelf>) {
    KNOWN.keep_on(shelf);
}

struct Known {
    /// Most recently used last.
    slots: Mutex<Vec<(Identity, Slot)>>,
    shelf: Mutex<Option<Arc<dyn Shelf>>>,
}

impl Known {
    const fn new() -> Known {
        Known { slots: Mutex::new(Vec::new()), shelf: Mutex::new(None) }
    }

    fn keep_on(&self, shelf: Arc<dyn Shelf>) {
        *lock(&self.shelf) = Some(shelf);
    }

    fn scan(&self, path: &Path, patience: Duration, cancel: &Cancel) -> Result<Scan, MediaError> {
        let Some(identity) = Identity::of(path) else { return scan::scan(path, patience, cancel) };
        let slot = self.slot_of(&identity);
        loop {
            if cancel.is_cancelled() {
                return Err(MediaError::Cancelled);
            }
            let mut held = match slot.try_lock() {
                Ok(held) => held,
                // Whoever panicked had not finished.
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
            };
            if let Some(known) = &*held {
                return Ok(known.clone());
            }
            let scan = match self.fetch(&identity) {
                Some(kept) => kept,
                None => {
                    let fresh = scan::scan(path, patience, cancel)?;
                    self.keep(&identity, &fresh);
                    fresh
                }
            };
            *held = Some(scan.clone());
            return Ok(scan);
        }
    }

    fn slot_of(&self, identity: &Identity) -> Slot {
        let mut known = lock(&self.slots);
        let found = known.iter().position(|(kept, _)| kept == identity);
        let entry = found.map_or_else(|| (identity.clone(), Slot::default()), |at| known.remove(at));
        let slot = entry.1.clone();
        known.push(entry);
        let surplus = known.len().saturating_sub(KEPT);
        known.drain(..surplus);
        slot
    }

    fn fetch(&self, identity: &Identity) -> Option<Scan> {
        let shelf = lock(&self.shelf).clone()?;
        shelf::decode(&shelf.fetch(identity.name()?)?)
    }

    fn keep(&self, identity: &Identity, scan: &Scan) {
        let Some(shelf) = lock(&self.shelf).clone() else { return };
        // A file that grew meanwhile is not the one that was looked through.
        let same = Identity::of(&identity.path).as_ref() == Some(identity);
        if let (true, Some(name), Some(bytes)) = (same, identity.name(), shelf::encode(scan)) {
            shelf.keep(name, &bytes);
        }
    }
}

impl Identity {
    fn of(path: &Path) -> Option<Identity> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Identity {
            path: path.to_path_buf(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }

    /// Under which its scan is kept: another GStreamer may find other streams in the same file. Starts GStreamer.
    fn name(&self) -> Option<Digest> {
        gst::init().ok()?;
        let path = std::path::absolute(&self.path).ok()?;
        let modified = self.modified?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
        let (version, gstreamer) = (shelf::VERSION, gst::version());
        let words = format!("scan {version} {gstreamer:?} {} {modified} {path:?}", self.length);
        Some(Digest::of(words.as_bytes()))
    }
}

/// A poisoned lock only means that another thread has panicked; what it had put there is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MovieWriter, PROFILES, Timing, VideoSpec, synthetic};
    use lipsmith_base::{ColourSpec, FrameRate, PixelFormat};
    use std::collections::BTreeMap;
    use std::fs::{self, File};

    #[derive(Default)]
    struct Memory(Mutex<BTreeMap<Digest, Vec<u8>>>);

    impl Shelf for Memory {
        fn fetch(&self, name: Digest) -> Option<Vec<u8>> {
            lock(&self.0).get(&name).cloned()
        }
        fn keep(&self, name: Digest, bytes: &[u8]) {
            lock(&self.0).insert(name, bytes.to_vec());
        }
    }

    /// A session of its own: it knows only what is on the shelf.
    fn session(shelf: Option<&Arc<Memory>>, film: &Path) -> Result<Scan, MediaError> {
        let known = Known::new();
        if let Some(shelf) = shelf {
            known.keep_on(shelf.clone());
        }
        known.scan(film, Duration::from_secs(30), &Cancel::new())
    }

    fn write_film(path: &Path) {
        let (rate, format, colour) = (FrameRate::FPS_25, PixelFormat::I420, ColourSpec::BT709);
        let timing = Timing::Constant { rate };
        let spec = VideoSpec { width: 64, height: 32, format, colour, pixel_aspect: (1, 1), timing };
        let mut writer = MovieWriter::create(path, PROFILES[0], spec, None).expect("created");
        for number in 0..10 {
            let picture = synthetic::picture(number as u64, 64, 32, format, colour).expect("a picture");
            writer.write_picture(&picture, rate.frame_start(number), rate.frame_duration()).expect("written");
        }
        writer.finish().expect("finished");
    }

    /// Nothing can be learnt from the file any more, but it looks untouched.
    fn blank(film: &Path) {
        let metadata = fs::metadata(film).expect("a file");
        fs::write(film, vec![0; metadata.len() as usize]).expect("written");
        touch(film, metadata.modified().expect("a time"));
    }

    fn touch(film: &Path, modified: SystemTime) {
        let file = File::options().write(true).open(film).expect("opened");
        file.set_modified(modified).expect("touched");
    }

    #[test]
    fn the_next_session_does_not_look_through_the_file_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (film, shelf) = (folder.path().join("film.mp4"), Arc::<Memory>::default());
        write_film(&film);
        let first = session(Some(&shelf), &film).expect("looked through");
        blank(&film);
        assert!(session(None, &film).is_err(), "the file itself tells nothing any more");

        let second = session(Some(&shelf), &film).expect("known");
        let shown = |scan: &Scan| scan.video.as_ref().and_then(|video| video.shown.clone());
        assert_eq!(shown(&first).map(|times| times.len()), Some(10));
        assert_eq!(shown(&first), shown(&second));
        let caps = |scan: &Scan| scan.video.as_ref().map(|video| video.caps.clone());
        assert_eq!(caps(&first), caps(&second));
        assert_eq!(shelf::encode(&first), shelf::encode(&second));

        touch(&film, SystemTime::now() + Duration::from_secs(5));
        assert!(session(Some(&shelf), &film).is_err(), "a file written since is another one");
    }

    #[test]
    fn broken_bytes_are_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (film, shelf) = (folder.path().join("film.mp4"), Arc::<Memory>::default());
        write_film(&film);
        session(Some(&shelf), &film).expect("looked through");
        let whole = lock(&shelf.0).clone();
        for cut in [0, 63, 64, 100] {
            lock(&shelf.0).values_mut().for_each(|bytes| bytes.truncate(cut));
            session(Some(&shelf), &film).expect("looked through again");
            assert_eq!(*lock(&shelf.0), whole, "cut to {cut} bytes");
        }
        lock(&shelf.0).values_mut().for_each(|bytes| bytes[200] ^= 1);
        session(Some(&shelf), &film).expect("looked through again");
        assert_eq!(*lock(&shelf.0), whole);
    }
}
