//! How long work tells of itself and is told to stop. The worker calls down into a [`Sink`]; it never
//! knows who listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A step of a job: `done` of `total` units (frames, chunks, bytes) of `stage`.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub stage: &'static str,
    pub done: u64,
    /// `None` while the amount is not known.
    pub total: Option<u64>,
}

/// Receives progress; called from the worker's thread, so it must be quick.
pub trait Sink: Send + Sync {
    fn progress(&self, progress: Progress);
    /// Something a person should know that does not stop the work.
    fn note(&self, text: String);
    /// A note that must not be missed: what is made will not be what was hoped for.
    fn doubt(&self, text: String) {
        self.note(text);
    }
}

/// Listens to nothing.
impl Sink for () {
    fn progress(&self, _: Progress) {}
    fn note(&self, _: String) {}
}

/// A flag shared by whoever may stop the work and whoever does it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Cancel {
    pub fn new() -> Cancel {
        Cancel::default()
    }
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    /// To be asked at least several times a second: `cancel.check()?`.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}
