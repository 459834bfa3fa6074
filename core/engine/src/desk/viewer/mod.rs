//! The lane that shows frames and plays. A frame that was asked for is looked for step by step, so that a newer wish
//! ends the older one's search; while it is far off, a neighbour is shown. Playing keeps to the clock of the sound,
//! which has a thread of its own, and shows what the picture thread has ready.

mod around;
mod convert;
mod draw;
mod faces;
mod films;
mod pictures;
mod rough;
mod sound;

use super::event::{Frame, Likeness, Weight};
use super::port::{Course, Port};
use super::precedence::first;
use super::request::{Request, Show};
use crate::cache::Cache;
use crate::compose::{self, Plan, Takes};
use crate::paths::Paths;
use around::Around;
use draw::{Shot, draw};
use faces::Faces;
use films::{BEHIND, Films, Step};
use lipsmith_base::{FrameRate, Picture, Time, TimeRange};
use lipsmith_project::{Media, Project};
use pictures::{Pictures, Wish};
use sound::{Order, Sound};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

pub(super) use convert::{fitted, to_screen};

pub fn run(paths: Paths, port: Port, inbox: Receiver<Request>) {
    let project = Arc::new(Project::new("", FrameRate::FPS_25));
    let sound = Sound::start(port.clone(), project.clone());
    let stage = Stage::new(&paths);
    let backlog = VecDeque::new();
    let (show, wanted, playing) = (None, false, None);
    let around = Around::default();
    Viewer { port, inbox, backlog, project, show, wanted, sound, paths, stage, around, playing }.run();
}

/// What frames are made from; the picture thread has it while it plays.
struct Stage {
    films: Films,
    takes: Takes,
    faces: Faces,
}

impl Stage {
    fn new(paths: &Paths) -> Stage {
        let (takes, faces) = (Takes::new(Cache::new(&paths.cache)), Faces::new(paths.clone()));
        Stage { films: Films::default(), takes, faces }
    }
}

struct Viewer {
    port: Port,
    inbox: Receiver<Request>,
    /// Came while a frame was looked for.
    backlog: VecDeque<Request>,
    project: Arc<Project>,
    /// What the window looks at.
    show: Option<Show>,
    /// It has not been shown yet.
    wanted: bool,
    sound: Sound,
    paths: Paths,
    /// An empty one while the picture thread has it.
    stage: Stage,
    around: Around,
    playing: Option<Playing>,
}

struct Playing {
    pictures: Pictures,
    course: Course,
    /// No sound keeps the clock.
    by_hand: bool,
    /// The clock has been seen running.
    begun: bool,
}

/// While playing, how often the inbox and the clock are looked at.
const TICK: Duration = Duration::from_millis(4);

impl Viewer {
    fn run(&mut self) {
        while self.listen() {
            if self.playing.is_some() {
                self.play_on();
            } else if std::mem::take(&mut self.wanted) {
                self.look();
            }
        }
        self.stop();
    }

    /// Takes in what was asked for; while nothing is, fills what is around, then waits. `false` when it is over.
    fn listen(&mut self) -> bool {
        let first = match self.backlog.pop_front() {
            Some(request) => Ok(request),
            None if self.playing.is_some() => self.inbox.recv_timeout(TICK),
            None if self.wanted || self.around.fill() => self.inbox.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
            None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match first {
            Ok(request) => self.take(request) && self.listen_on(),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// Takes in the rest of what has been asked for.
    fn listen_on(&mut self) -> bool {
        while let Some(request) = self.backlog.pop_front().or_else(|| self.inbox.try_recv().ok()) {
            if !self.take(request) {
                return false;
            }
        }
        true
    }

    /// Whether anything has been asked for that makes the frame being looked for the wrong one.
    fn outdated(&mut self) -> bool {
        while let Ok(request) = self.inbox.try_recv() {
            match request {
                Request::Scrub(at) => self.sound.order(Order::Scrub(at)),
                Request::Volume(gain) => self.sound.order(Order::Volume(gain)),
                other => self.backlog.push_back(other),
            }
        }
        use Request::{Close, Play, Project, Show};
        self.backlog.iter().any(|r| matches!(r, Show(_) | Project { .. } | Play { .. } | Close))
    }

    fn take(&mut self, request: Request) -> bool {
        match request {
            Request::Project { project, .. } => {
                self.project = project.clone();
                self.sound.order(Order::Project(project));
                self.wanted = self.show.is_some();
                self.steer();
            }
            Request::Show(show) => {
                self.show = Some(show);
                self.wanted = true;
                self.steer();
            }
            Request::Play { from, speed, within } => self.play(from, speed, within),
            Request::Stop => self.stop(),
            Request::Scrub(at) => self.sound.order(Order::Scrub(at)),
            Request::Volume(gain) => self.sound.order(Order::Volume(gain)),
            Request::Close => return false,
            _ => {}
        }
        true
    }

    /// Finds and shows what the window looks at, unless it looks elsewhere meanwhile.
    fn look(&mut self) {
        let Some(show) = self.show.clone() else { return };
        match self.search(&show) {
            Some(frame) => self.port.show(frame),
            None => self.wanted = true,
        }
    }

    /// `None` when something newer was asked for.
    fn search(&mut self, show: &Show) -> Option<Frame> {
        let project = self.project.clone();
        let Some((plan, path)) = plan(&project, show.at) else { return Some(empty(show.at, Vec::new())) };
        let mut aimed = false;
        // Whether it has been shown roughly, once that was tried.
        let mut roughly = None;
        loop {
            let film = match self.stage.films.film(&path) {
                Ok(film) => film,
                Err(why) => return Some(empty(show.at, vec![why])),
            };
            let index = film.index_at(plan.film_time);
            if roughly.is_none() {
                self.around.look(&path, index);
                if let Some(picture) = film.kept(index) {
                    return Some(present(&mut self.stage, &project, show, &plan, index, &picture));
                }
                let rough = self.around.picture(&path, index);
                roughly = Some(rough.is_some());
                if let Some(picture) = rough {
                    let frame = present(&mut self.stage, &project, show, &plan, index, &picture);
                    self.port.show(Frame { likeness: Likeness::Rough, ..frame });
                    continue;
                }
            }
            let step = if aimed { Ok(()) } else { film.aim(index, BEHIND) };
            match step.and_then(|()| film.step(index, BEHIND)) {
                Ok(Step::On) => {}
                Ok(Step::Near(_)) if roughly == Some(true) => {}
                Ok(Step::Near(picture)) => {
                    let frame = present(&mut self.stage, &project, show, &plan, index, &picture);
                    self.port.show(Frame { likeness: Likeness::Near, ..frame });
                }
                Ok(Step::There(picture)) => {
                    return Some(present(&mut self.stage, &project, show, &plan, index, &picture));
                }
                Ok(Step::Gone) => {
                    let note = format!("picture {index} of {} cannot be decoded", path.display());
                    return Some(empty(show.at, vec![note]));
                }
                Err(error) => return Some(empty(show.at, vec![self.stage.films.fail(&path, &error)])),
            }
            aimed = true;
            if self.outdated() {
                return None;
            }
        }
    }

    fn play(&mut self, from: Time, speed: f64, within: Option<TimeRange>) {
        self.stop();
        if !(speed.is_finite() && speed != 0.0) {
            return;
        }
        let within = within.filter(|range| !range.is_empty());
        let from = match within {
            Some(range) if !range.contains(from) => range.start(),
            _ => from,
        };
        let course = Course { from, backwards: speed < 0.0, within };
        let by_hand = speed != 1.0;
        self.port.shared.clock.forget_dropped();
        if by_hand {
            self.port.shared.clock.run(course, Time::ZERO, speed.abs());
        } else {
            self.sound.order(Order::Play(course));
        }
        let stage = std::mem::replace(&mut self.stage, Stage::new(&self.paths));
        match Pictures::start(stage, &self.port, course, speed.abs(), self.wish()) {
            Ok(pictures) => self.playing = Some(Playing { pictures, course, by_hand, begun: by_hand }),
            Err(error) => {
                self.port
                    .say(Weight::Failed, format!("playing needs a thread: {error}; close other programs"));
                self.stop();
            }
        }
    }

    fn wish(&self) -> Wish {
        Wish { project: self.project.clone(), show: self.show.clone() }
    }

    /// Shows what is due, and ends when the clock has.
    fn play_on(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        let clock = &self.port.shared.clock;
        playing.begun |= clock.ran().is_some();
        if let Some(frame) = playing.pictures.due(clock) {
            self.port.show(frame);
        }
        let over = match clock.now() {
            None => playing.begun,
            Some(at) if playing.by_hand && playing.course.within.is_none() => {
                at < Time::ZERO || at >= self.project.duration()
            }
            Some(_) => false,
        };
        if over {
            self.stop();
        }
    }

    fn steer(&mut self) {
        if let Some(playing) = &self.playing {
            playing.pictures.wish(self.wish());
        }
    }

    fn stop(&mut self) {
        self.sound.order(Order::Stop);
        self.port.shared.clock.stop();
        self.port.shared.levels.set([0.0, 0.0]);
        let Some(playing) = self.playing.take() else { return };
        match playing.pictures.stop() {
            Some(stage) => self.stage = stage,
            None => self.port.say(Weight::Failed, "playing broke off: a fault in the program"),
        }
        // What is seen stays until the window looks elsewhere.
        self.wanted = false;
    }
}

/// What is to be seen, and the film's file.
fn plan(project: &Project, at: Time) -> Option<(Plan, PathBuf)> {
    let plan = compose::plan(project, at)?;
    let path = project.media.get(&plan.media)?.path.clone();
    Some((plan, path))
}

fn empty(at: Time, notes: Vec<String>) -> Frame {
    Frame { at, likeness: Likeness::Exact, sides: Vec::new(), faces: Vec::new(), film: (0, 0), notes }
}

fn present(
    stage: &mut Stage,
    project: &Project,
    show: &Show,
    plan: &Plan,
    frame: u64,
    picture: &Picture,
) -> Frame {
    let pixels = |media: &Media| media.video.map(|v| (v.width as usize, v.height as usize));
    let film = (picture.width(), picture.height());
    let display = project.media.get(&plan.media).and_then(pixels).unwrap_or(film);
    let shot = Shot { project, at: show.at, plan, frame, picture, display };
    let (sides, notes) = first(|| draw(&shot, &show.sides, show.fit, &mut stage.takes));
    let media = project.media.get(&plan.media);
    let faces = media.map_or(Vec::new(), |media| stage.faces.at(project, show.at, plan.media, media, frame));
    Frame { at: show.at, likeness: Likeness::Exact, sides, faces, film, notes }
}
