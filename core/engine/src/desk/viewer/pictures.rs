//! The pictures of a playing, made ahead of their time on a thread of their own. Those that would come too late are
//! not made at all; the clock waits for nobody.

use super::films::BEHIND;
use super::{Stage, empty, plan, present};
use crate::desk::event::Frame;
use crate::desk::port::{Clock, Course, Port};
use crate::desk::request::Show;
use lipsmith_base::{Cancel, Time};
use lipsmith_project::Project;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Frames made ahead: what a seek at a cut may take.
const AHEAD: usize = 6;
/// A frame is shown so much before its time, for the window to draw it.
const EARLY: Time = Time(lipsmith_base::time::FLICKS / 250);

/// What is played, and how it is looked at; may change on the way.
#[derive(Clone)]
pub struct Wish {
    pub project: Arc<Project>,
    pub show: Option<Show>,
}

struct Ready {
    /// How much of the sequence runs before it is due.
    due: Time,
    frame: Frame,
}

pub struct Pictures {
    ready: Receiver<Ready>,
    next: Option<Ready>,
    begun: bool,
    wish: Arc<Mutex<Wish>>,
    cancel: Cancel,
    thread: JoinHandle<Stage>,
}

impl Pictures {
    /// # Errors
    /// When no thread can be had; the stage is lost with it.
    pub fn start(
        stage: Stage,
        port: &Port,
        course: Course,
        speed: f64,
        wish: Wish,
    ) -> std::io::Result<Pictures> {
        let (send, ready) = sync_channel(AHEAD);
        let (wish, cancel) = (Arc::new(Mutex::new(wish)), Cancel::new());
        let stride = (speed.round() as i64).max(1);
        let maker =
            Maker { port: port.clone(), course, stride, wish: wish.clone(), cancel: cancel.clone(), send };
        let thread = std::thread::Builder::new().name("pictures".into()).spawn(move || maker.run(stage))?;
        Ok(Pictures { ready, next: None, begun: false, wish, cancel, thread })
    }

    pub fn wish(&self, wish: Wish) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// The frame to be shown now, if it is not shown yet. The very first does not wait for the clock.
    pub fn due(&mut self, clock: &Clock) -> Option<Frame> {
        let ran = clock.ran();
        let mut frame = None;
        loop {
            self.next = self.next.take().or_else(|| self.ready.try_recv().ok());
            let due = |next: &Ready| ran.map_or(!self.begun, |ran| next.due <= ran + EARLY);
            let Some(next) = self.next.take_if(|next| due(next)) else { return frame };
            self.begun = true;
            if frame.replace(next.frame).is_some() {
                clock.drop_frames(1);
            }
        }
    }

    /// The stage back; `None` if the thread has panicked.
    pub fn stop(self) -> Option<Stage> {
        self.cancel.cancel();
        // It may be waiting for room.
        drop(self.ready);
        self.thread.join().ok()
    }
}

struct Maker {
    port: Port,
    course: Course,
    /// Frames of the sequence from one picture to the next.
    stride: i64,
    wish: Arc<Mutex<Wish>>,
    cancel: Cancel,
    send: SyncSender<Ready>,
}

impl Maker {
    fn run(self, mut stage: Stage) -> Stage {
        let clock = &self.port.shared.clock;
        let (mut at, mut ran) = (self.course.from, Time::ZERO);
        while !self.cancel.is_cancelled() {
            let wish = self.wish.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let behind_end = !self.course.backwards && at >= wish.project.duration();
            if behind_end && self.course.within.is_none() || at < Time::ZERO {
                break;
            }
            let (next, length) = self.next(&wish.project, at);
            if clock.ran().is_some_and(|now| ran + length <= now) {
                clock.drop_frames(1);
            } else {
                let frame = self.make(&mut stage, &wish, at);
                if self.send.send(Ready { due: ran, frame }).is_err() {
                    break;
                }
            }
            (at, ran) = (next, ran + length);
        }
        stage
    }

    /// Where the next picture is taken, and how much of the sequence runs until then.
    fn next(&self, project: &Project, at: Time) -> (Time, Time) {
        let rate = project.sequence.rate;
        let frame = rate.frame_at(at);
        match (self.course.backwards, self.course.within) {
            (false, within) => {
                let next = rate.frame_start(frame.saturating_add(self.stride));
                match within {
                    Some(range) if next >= range.end() => (range.start(), range.end() - at),
                    _ => (next, next - at),
                }
            }
            (true, within) => {
                // The last moment of the frame before.
                let next = rate.frame_start(frame.saturating_sub(self.stride - 1)) - Time(1);
                match within {
                    Some(range) if next < range.start() => {
                        (range.end() - Time(1), at - range.start() + Time(1))
                    }
                    _ => (next, at - next),
                }
            }
        }
    }

    fn make(&self, stage: &mut Stage, wish: &Wish, at: Time) -> Frame {
        let Some(show) = &wish.show else { return empty(at, Vec::new()) };
        let show = Show { at, ..show.clone() };
        let Some((plan, path)) = plan(&wish.project, at) else { return empty(at, Vec::new()) };
        let film = match stage.films.film(&path) {
            Ok(film) => film,
            Err(why) => return empty(at, vec![why]),
        };
        let index = film.index_at(plan.film_time);
        let behind = if self.course.backwards { film.behind_when_backwards() } else { BEHIND };
        match film.picture(index, behind) {
            Ok(Some(picture)) => present(stage, &wish.project, &show, &plan, index, &picture),
            Ok(None) => empty(at, vec![format!("picture {index} of {} cannot be decoded", path.display())]),
            Err(error) => empty(at, vec![stage.films.fail(&path, &error)]),
        }
    }
}
