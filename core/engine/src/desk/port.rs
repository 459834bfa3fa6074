//! How the desk's threads reach the window: events and a wake-up, one slot for the newest frame, and two things that
//! change too often for events.

use super::event::{Event, Frame, Weight};
use lipsmith_base::Time;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub struct Port {
    events: Sender<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
    pub shared: Arc<Shared>,
}

#[derive(Default)]
pub struct Shared {
    pub frame: Mutex<Option<Frame>>,
    pub clock: Clock,
    pub levels: Levels,
}

impl Port {
    pub fn new(events: Sender<Event>, wake: Arc<dyn Fn() + Send + Sync>, shared: Arc<Shared>) -> Port {
        Port { events, wake, shared }
    }

    pub fn tell(&self, event: Event) {
        // A window that is gone needs no news.
        let _ = self.events.send(event);
        (self.wake)();
    }

    pub fn say(&self, weight: Weight, text: impl Into<String>) {
        self.tell(Event::Told { weight, text: text.into() });
    }

    /// Replaces a frame that nobody has taken.
    pub fn show(&self, frame: Frame) {
        if let Ok(mut slot) = self.shared.frame.lock() {
            *slot = Some(frame);
        }
        (self.wake)();
    }
}

/// Where playing is.
pub struct Clock {
    at: AtomicI64,
    dropped: AtomicU64,
}

const STOPPED: i64 = i64::MIN;

impl Default for Clock {
    fn default() -> Clock {
        Clock { at: AtomicI64::new(STOPPED), dropped: AtomicU64::new(0) }
    }
}

impl Clock {
    pub fn now(&self) -> Option<Time> {
        let at = self.at.load(Ordering::Acquire);
        (at != STOPPED).then_some(Time(at))
    }
    pub fn set(&self, at: Option<Time>) {
        self.at.store(at.map_or(STOPPED, |t| t.0), Ordering::Release);
    }
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
    pub fn drop_frames(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }
    pub fn forget_dropped(&self) {
        self.dropped.store(0, Ordering::Relaxed);
    }
}

/// Peaks of what is heard, left and right.
#[derive(Default)]
pub struct Levels([AtomicU32; 2]);

impl Levels {
    pub fn read(&self) -> [f32; 2] {
        [0, 1].map(|side| f32::from_bits(self.0[side].load(Ordering::Relaxed)))
    }
    pub fn set(&self, peaks: [f32; 2]) {
        for (level, peak) in self.0.iter().zip(peaks) {
            level.store(peak.to_bits(), Ordering::Relaxed);
        }
    }
}
