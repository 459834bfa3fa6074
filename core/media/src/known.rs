//! Scans of files that were looked through before. A scan reads the whole file; the viewer, the mixer and the
//! waveform all open the same films, again and again, and must not wait for it each time.

use crate::error::MediaError;
use crate::scan::{self, Scan};
use lipsmith_base::Cancel;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
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

/// Most recently used last.
static KNOWN: Mutex<Vec<(Identity, Slot)>> = Mutex::new(Vec::new());

/// A long film's times are a megabyte or two.
const KEPT: usize = 32;

/// As [`scan::scan`], at once for a file that has not changed since.
pub(crate) fn scan(path: &Path, patience: Duration, cancel: &Cancel) -> Result<Scan, MediaError> {
    let Ok(metadata) = std::fs::metadata(path) else { return scan::scan(path, patience, cancel) };
    let identity =
        Identity { path: path.to_path_buf(), length: metadata.len(), modified: metadata.modified().ok() };
    let slot = slot_of(identity);
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
        let fresh = scan::scan(path, patience, cancel)?;
        *held = Some(fresh.clone());
        return Ok(fresh);
    }
}

fn slot_of(identity: Identity) -> Slot {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known.iter().position(|(kept, _)| *kept == identity);
    let entry = found.map_or_else(|| (identity, Slot::default()), |at| known.remove(at));
    let slot = entry.1.clone();
    known.push(entry);
    let surplus = known.len().saturating_sub(KEPT);
    known.drain(..surplus);
    slot
}
