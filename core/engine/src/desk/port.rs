//! How the desk's threads reach the window: events and a wake-up, one slot for the newest frame, and two things that
//! change too often for events.

use super::event::{Event, Frame, Weight};
use lipsmith_base::{Time, TimeRange};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

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

/// Where playing is. Whoever keeps it (the sound, or the machine's own clock where none is heard) says now and then
/// how far it has come; in between it is reckoned.
#[derive(Default)]
pub struct Clock {
    run: Mutex<Option<Run>>,
    dropped: AtomicU64,
}

/// A playing on its way.
#[derive(Clone, Copy, Debug)]
struct Run {
    course: Course,
    speed: f64,
    /// How far it had come, and when.
    ran: Time,
    since: Instant,
}

/// The way that a playing takes through the sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    pub from: Time,
    pub backwards: bool,
    /// Gone round in, once it is reached; not empty.
    pub within: Option<TimeRange>,
}

impl Course {
    /// Where in the sequence it is after `ran` of it.
    pub fn at(&self, ran: Time) -> Time {
        let Course { from, backwards, within } = *self;
        let straight = if backwards { from - ran } else { from + ran };
        let Some(range) = within else { return straight };
        let round = |offset: Time| Time(offset.0.rem_euclid(range.duration().0.max(1)));
        match backwards {
            false if straight >= range.end() => range.start() + round(straight - range.start()),
            true if straight < range.start() => range.start() + round(straight - range.start()),
            _ => straight,
        }
    }
}

impl Clock {
    /// Sequence time; `None` while stopped.
    pub fn now(&self) -> Option<Time> {
        self.read().map(|(course, ran)| course.at(ran))
    }

    /// How much of the sequence has been played since the start, rounds counted; `None` while stopped.
    pub fn ran(&self) -> Option<Time> {
        self.read().map(|(_, ran)| ran)
    }

    fn read(&self) -> Option<(Course, Time)> {
        let run = *self.run.lock().unwrap_or_else(PoisonError::into_inner);
        run.map(|run| {
            let on = Time::from_secs_f64(run.since.elapsed().as_secs_f64() * run.speed);
            (run.course, run.ran + on)
        })
    }

    /// Has come `ran` far on `course` and goes on at `speed` (positive).
    pub fn run(&self, course: Course, ran: Time, speed: f64) {
        let run = Run { course, speed, ran, since: Instant::now() };
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    pub fn stop(&self) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = None;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_goes_round_in_its_range() {
        let range = TimeRange::new(Time(100), Time(150));
        let on = Course { from: Time(90), backwards: false, within: Some(range) };
        let places: Vec<_> = [0, 10, 59, 60, 109, 110, 260].map(|ran| on.at(Time(ran)).0).into();
        assert_eq!(places, [90, 100, 149, 100, 149, 100, 100]);
        let back = Course { from: Time(120), backwards: true, within: Some(range) };
        let places: Vec<_> = [0, 20, 21, 70, 71].map(|ran| back.at(Time(ran)).0).into();
        assert_eq!(places, [120, 100, 149, 100, 149]);
        assert_eq!(Course { within: None, ..back }.at(Time(130)), Time(-10));
    }

    #[test]
    fn a_clock_stands_until_it_runs() {
        let clock = Clock::default();
        assert_eq!(clock.now(), None);
        let course = Course { from: Time(1_000), backwards: false, within: None };
        clock.run(course, Time(500), 0.0);
        assert_eq!((clock.now(), clock.ran()), (Some(Time(1_500)), Some(Time(500))));
        clock.stop();
        assert_eq!(clock.now(), None);
    }
}
