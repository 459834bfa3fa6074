//! The desk: what the editor's window talks to. Requests go down, events come up, a wake-up callback is the only
//! call upwards. Four named threads stand behind it, each with blocking code and an inbox:
//!
//! - `disk` opens, saves and journals projects, looks at files and models;
//! - `viewer` shows frames and plays, with the sound as its clock;
//! - `overview` makes waveforms and thumbnails;
//! - `work` does the jobs, one heavy one at a time, in an order that can be changed.

mod disk;
pub mod event;
mod overview;
mod port;
mod precedence;
pub mod request;
mod viewer;
mod welcome;
mod work;

pub use event::*;
pub use port::{Clock, Levels};
pub use request::{Export, Lesson, Request, Show, Side, TakeKey, Talking};

use crate::paths::Paths;
use lipsmith_base::Time;
use port::{Port, Shared};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

pub struct Desk {
    lanes: [Sender<Request>; 4],
    events: Receiver<Event>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Desk {
    /// `wake` is called from the desk's threads whenever there is something new to look at; it must only make the
    /// window look.
    pub fn start(paths: Paths, wake: impl Fn() + Send + Sync + 'static) -> Desk {
        precedence::let_work_stand_back();
        let (tell, events) = mpsc::channel();
        let shared = Arc::<Shared>::default();
        let port = Port::new(tell, Arc::new(wake), shared.clone());
        let mut threads = Vec::new();
        let mut lane = |name: &str, run: fn(Paths, Port, Receiver<Request>)| {
            let (send, inbox) = mpsc::channel();
            let (paths, port) = (paths.clone(), port.clone());
            let thread = std::thread::Builder::new().name(name.into()).spawn(move || run(paths, port, inbox));
            // Without threads there is no window either: the inbox stays closed and requests go nowhere.
            threads.extend(thread.ok());
            send
        };
        let lanes = [
            lane("disk", disk::run),
            lane("viewer", viewer::run),
            lane("overview", overview::run),
            lane("work", work::run),
        ];
        Desk { lanes, events, shared, threads }
    }

    /// What the window kept in an earlier session; read before there is a window.
    pub fn kept(paths: &Paths, name: &str) -> Option<Vec<u8>> {
        std::fs::read(disk::kept_path(paths, name)).ok()
    }

    /// Never waits. A lane takes what concerns it; the project concerns all.
    pub fn send(&self, request: Request) {
        for lane in &self.lanes {
            // A lane that is gone has told why.
            let _ = lane.send(request.clone());
        }
    }

    /// What has happened since the last call.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.events.try_iter()
    }

    /// The newest frame, once.
    pub fn frame(&self) -> Option<Frame> {
        self.shared.frame.lock().ok()?.take()
    }

    /// Sequence time of the sound now heard; `None` while stopped.
    pub fn playing(&self) -> Option<Time> {
        self.shared.clock.now()
    }

    /// Peaks of the sound now heard, left and right, 0..=1.
    pub fn levels(&self) -> [f32; 2] {
        self.shared.levels.read()
    }

    /// Frames that came too late to be shown since playing began.
    pub fn dropped(&self) -> u64 {
        self.shared.clock.dropped()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // A window that crashed has not ended well: its journal is what is left of it.
        if !std::thread::panicking() {
            self.send(Request::Close);
        }
        self.lanes = std::array::from_fn(|_| mpsc::channel().0);
        for thread in self.threads.drain(..) {
            // A panic there has been told of.
            let _ = thread.join();
        }
    }
}
