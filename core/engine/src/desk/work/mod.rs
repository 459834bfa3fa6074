//! The jobs. One thread listens and never works; behind it one follows faces, one renders lines, one reads and writes
//! whole files, one teaches networks, each a job at a time, and one looks things up that need no place on the list.
//! Faces and lessons give way to lines, so that these are waited for the least; a film may be written beside them.

mod advise;
mod analyse;
mod faces;
mod findings;
mod learn;
mod line;
mod models;
mod queue;
mod stock;

use super::event::{Event, JobId, JobKind, JobState, Weight};
use super::port::Port;
use super::precedence::stand_back;
use super::request::{Export, Lesson, Request, Talking};
use crate::error::EngineError;
use crate::export;
use crate::paths::Paths;
use crate::take::Held;
use findings::Findings;
use line::Task;
use lipsmith_base::{Cancel, Digest, Progress, Sink};
use lipsmith_project::{CueId, Media, MediaId, Project};
use queue::{LANES, Lane, Order, Queue, Ticket};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a job does.
enum Work {
    Analyse(Media),
    Line {
        cue: CueId,
        /// As it was when the job was asked for.
        project: Arc<Project>,
        task: Task,
        /// Fingerprints of the films that must be analysed before.
        needs: BTreeSet<Digest>,
    },
    Export(Box<Export>),
    ImportModel(PathBuf),
    Learn(Lesson),
    Talk(Box<Talking>),
}

impl Work {
    fn needs(&self) -> Option<&BTreeSet<Digest>> {
        match self {
            Work::Line { needs, .. } => Some(needs),
            _ => None,
        }
    }
}

/// What is looked up beside the jobs.
enum Errand {
    /// Takes a film's analysis from the cache, or puts its making on the list.
    Recall(MediaId, Media),
    Identify(PathBuf),
    Close,
}

/// What the threads share. Whoever holds the findings must not ask the queue, which asks them.
struct Shop {
    paths: Paths,
    port: Port,
    queue: Queue<Work>,
    findings: Mutex<Findings>,
    errands: Sender<Errand>,
    closing: Cancel,
}

pub fn run(paths: Paths, port: Port, inbox: Receiver<Request>) {
    let (errands, errand_inbox) = mpsc::channel();
    let shop = Shop {
        queue: Queue::new(port.clone()),
        findings: Mutex::new(Findings::new(&paths, port.clone())),
        closing: Cancel::new(),
        paths,
        port,
        errands,
    };
    let shop = &shop;
    std::thread::scope(|scope| {
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        let mut started = vec![named("errands").spawn_scoped(scope, || shop.run_errands(errand_inbox))];
        for lane in LANES {
            let name = format!("{lane:?}").to_lowercase();
            started.push(named(&name).spawn_scoped(scope, move || shop.work(lane)));
        }
        if let Some(error) = started.into_iter().find_map(Result::err) {
            shop.port
                .say(Weight::Failed, format!("jobs cannot run: {error}; close other programs and restart"));
        }
        shop.listen(inbox);
        shop.closing.cancel();
        shop.queue.close();
        // The thread may never have started.
        let _ = shop.errands.send(Errand::Close);
    });
}

impl Shop {
    fn listen(&self, inbox: Receiver<Request>) {
        self.tell_models();
        self.use_device("auto");
        while let Ok(first) = inbox.recv() {
            let mut newest = None;
            for request in std::iter::once(first).chain(inbox.try_iter()) {
                match request {
                    Request::Close => return,
                    // While something is dragged only the last of many counts.
                    Request::Project { project, .. } => newest = Some(project),
                    other => {
                        newest.take().into_iter().for_each(|project| self.follow(project));
                        self.answer(other);
                    }
                }
            }
            newest.into_iter().for_each(|project| self.follow(project));
        }
    }

    fn answer(&self, request: Request) {
        match request {
            // The window forgets what it was told of another project.
            Request::Open(_) | Request::OpenSample | Request::Recover(_) => self.findings().tell_again(),
            Request::Render { cue, draft } => self.ask(cue, Task::Render { draft }),
            Request::Test { cue, at } => self.ask(cue, Task::Test { at }),
            Request::Advise { cue } => self.ask(cue, Task::Advise),
            Request::Score { cue } => self.ask(cue, Task::Score),
            Request::Export(order) => {
                let (kind, name) = (JobKind::Export(order.output.clone()), file_name(&order.output));
                self.order(Lane::Files, kind, name, Work::Export(Box::new(order)), false);
            }
            Request::ImportModel(file) => {
                let (kind, name) = (JobKind::ImportModel(file.clone()), file_name(&file));
                self.order(Lane::Files, kind, name, Work::ImportModel(file), true);
            }
            Request::Learn(lesson) => {
                let (kind, name) = (JobKind::Learn(lesson.film.clone()), file_name(&lesson.film));
                self.order(Lane::Lessons, kind, name, Work::Learn(lesson), false);
            }
            Request::Talk(talking) => {
                let (kind, name) = (JobKind::Talk(talking.output.clone()), file_name(&talking.photo));
                self.order(Lane::Lines, kind, name, Work::Talk(Box::new(talking)), false);
            }
            Request::Cancel(job) => self.cancel(job),
            Request::Reorder { job, to } => self.queue.reorder(job, to),
            Request::ClearJobs => self.queue.clear(),
            Request::Device(name) => self.use_device(&name),
            Request::Identify(path) => self.errand(Errand::Identify(path)),
            Request::RemoveModel { sha256 } => self.remove_model(&sha256),
            _ => {}
        }
    }

    fn order(&self, lane: Lane, kind: JobKind, title: String, work: Work, urgent: bool) -> JobId {
        self.queue.add(Order { lane, kind, title, work, urgent })
    }

    fn cancel(&self, job: JobId) {
        if let Some(work) = self.queue.cancel(job) {
            self.give_up(&work, "was cancelled");
        }
    }

    /// A worker's life.
    fn work(&self, lane: Lane) {
        stand_back();
        // Lines of one film are mostly made from the same footage.
        let mut held = Held::default();
        let ready = |work: &Work| work.needs().is_none_or(|films| self.findings().has_analysed(films));
        while let Some(ticket) = self.queue.next(lane, ready) {
            let done = catch_unwind(AssertUnwindSafe(|| self.carry_out(&ticket, &mut held)));
            let done = done.unwrap_or_else(|_| {
                let words = "something is wrong inside Lipsmith, which goes on; please report what was done";
                Err(EngineError::Request(words.into()))
            });
            let state = match done {
                Ok(()) => JobState::Done,
                Err(EngineError::Cancelled) => JobState::Cancelled,
                Err(_) if ticket.cancel.is_cancelled() => JobState::Cancelled,
                Err(error) => JobState::Failed(error.to_string()),
            };
            match &state {
                JobState::Failed(why) => {
                    self.port.say(Weight::Failed, format!("{}: {why}", ticket.title));
                    self.give_up(&ticket.work, "failed");
                }
                JobState::Cancelled => self.give_up(&ticket.work, "was cancelled"),
                _ => {}
            }
            self.queue.end(ticket.id, state);
        }
    }

    fn carry_out(&self, ticket: &Ticket<Work>, held: &mut Held) -> Result<(), EngineError> {
        let sink = JobSink { shop: self, id: ticket.id };
        let cancel = &ticket.cancel;
        match &*ticket.work {
            Work::Analyse(media) => self.analyse(ticket.id, media, cancel),
            Work::Line { cue, project, task, .. } => match task {
                Task::Render { draft } => self.render(ticket, project, *cue, *draft, held),
                Task::Begun { parts } => self.render_parts(ticket, project, parts, held),
                Task::Test { at } => self.test(project, *cue, *at, held, cancel),
                Task::Advise => self.advise(project, *cue, &sink, cancel),
                Task::Score => self.score(project, *cue, &sink, cancel),
            },
            Work::Export(order) => {
                let written = export::export(&self.paths, order, &sink, cancel);
                // What was found to be missing must not count as rendered.
                let written = written.inspect_err(|_| self.findings().count_again())?;
                let output = order.output.clone();
                self.port.tell(Event::Exported { output, frames: written.frames });
                Ok(())
            }
            Work::ImportModel(file) => self.import_model(file, &sink, cancel),
            Work::Learn(lesson) => self.learn(ticket.id, lesson, cancel),
            Work::Talk(talking) => self.talk(talking, &sink, cancel),
        }
    }

    /// Tells those who waited for work that nothing came of it.
    fn give_up(&self, work: &Work, how: &str) {
        if let Work::Analyse(media) = work {
            let waits = |other: &Work| other.needs().is_some_and(|films| films.contains(&media.fingerprint));
            let name = &media.name;
            self.queue.fail(waits, &format!("the face analysis of '{name}' {how}; ask for the line again"));
        }
    }

    fn run_errands(&self, inbox: Receiver<Errand>) {
        for errand in inbox {
            match errand {
                Errand::Close => return,
                Errand::Recall(id, media) => self.recall(id, &media),
                Errand::Identify(path) => self.identify(path),
            }
        }
    }

    fn errand(&self, errand: Errand) {
        // Nobody is left to do it only when all is closing.
        let _ = self.errands.send(errand);
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Tells of one job.
struct JobSink<'a> {
    shop: &'a Shop,
    id: JobId,
}

impl Sink for JobSink<'_> {
    fn progress(&self, progress: Progress) {
        self.shop.queue.progress(self.id, &progress);
    }
    fn note(&self, text: String) {
        self.shop.port.say(Weight::Note, text);
    }
    fn doubt(&self, text: String) {
        self.shop.port.say(Weight::Failed, text);
    }
}
