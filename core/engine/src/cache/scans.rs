//! What was learnt by looking through whole media files, kept so that a long film opens at once in the next session.

use crate::cache::{self, Cache};
use crate::files::write_atomically;
use crate::paths::Paths;
use lipsmith_base::Digest;
use lipsmith_media::Shelf;
use std::path::PathBuf;
use std::sync::Arc;

/// Keeps scans in the cache from now on; to be called once, before the first file is opened.
pub fn keep_scans(paths: &Paths) {
    lipsmith_media::keep_scans_on(Arc::new(Scans(Cache::new(&paths.cache))));
}

struct Scans(Cache);

impl Scans {
    fn path(&self, name: Digest) -> PathBuf {
        self.0.folder("scans", name).with_extension("json")
    }
}

impl Shelf for Scans {
    fn fetch(&self, name: Digest) -> Option<Vec<u8>> {
        cache::read(&self.path(name)).ok()?
    }

    /// Whoever opens a film must not fail because the cache cannot be written; jobs that need it say so.
    fn keep(&self, name: Digest, bytes: &[u8]) {
        let _ = write_atomically(&self.path(name), bytes);
    }
}
