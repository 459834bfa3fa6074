//! The list of jobs: who is next, who runs, and what the window is told of it. Each worker takes from its own lane,
//! one job at a time; nobody here knows what the work is.

use crate::desk::event::{Event, Job, JobId, JobKind, JobState};
use crate::desk::port::Port;
use crate::rate::Rate;
use lipsmith_base::{Cancel, Progress};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress is told at most this often.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// Ended jobs that stay on the list; older ones leave it by themselves.
const KEPT: usize = 200;

/// Whose turn does not wait for whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Following faces. Gives way to lines.
    Faces,
    /// Whatever an editor waits for at a line.
    Lines,
    /// Whole files in and out.
    Files,
    /// Teaching networks. Gives way to lines.
    Lessons,
}

pub const LANES: [Lane; 4] = [Lane::Faces, Lane::Lines, Lane::Files, Lane::Lessons];

/// A job to be put on the list.
pub struct Order<W> {
    pub lane: Lane,
    pub kind: JobKind,
    pub title: String,
    pub work: W,
    /// Before those that wait already.
    pub urgent: bool,
}

/// A job in a worker's hands.
pub struct Ticket<W> {
    pub id: JobId,
    pub title: String,
    pub work: Arc<W>,
    pub cancel: Cancel,
}

pub struct Queue<W> {
    port: Port,
    state: Mutex<State<W>>,
    changed: Condvar,
}

struct State<W> {
    entries: Vec<Entry<W>>,
    last: u64,
    told: Option<Instant>,
    closed: bool,
}

struct Entry<W> {
    job: Job,
    lane: Lane,
    work: Arc<W>,
    cancel: Cancel,
    rate: Rate,
}

impl<W> Entry<W> {
    fn waits(&self) -> bool {
        self.job.state == JobState::Waiting
    }
    fn runs(&self) -> bool {
        self.job.state == JobState::Running
    }
    fn has_failed(&self) -> bool {
        matches!(self.job.state, JobState::Failed(_))
    }
    fn has_ended(&self) -> bool {
        !self.waits() && !self.runs()
    }
}

impl<W> Queue<W> {
    pub fn new(port: Port) -> Queue<W> {
        let state = State { entries: Vec::new(), last: 0, told: None, closed: false };
        Queue { port, state: Mutex::new(state), changed: Condvar::new() }
    }

    pub fn add(&self, order: Order<W>) -> JobId {
        self.put(order, JobState::Waiting)
    }

    /// Lists a job that cannot even begin.
    pub fn add_failed(&self, order: Order<W>, why: String) {
        self.put(order, JobState::Failed(why));
    }

    fn put(&self, order: Order<W>, how: JobState) -> JobId {
        let mut state = self.lock();
        state.last += 1;
        let id = JobId(state.last);
        let Order { lane, kind, title, work, urgent } = order;
        // Whoever asks again knows of the failure; what becomes of it now counts.
        state.entries.retain(|e| !(e.has_failed() && e.job.kind.is_for_the_same(&kind)));
        let job =
            Job { id, kind, title, state: how, stage: "", done: 0, total: None, rate: None, remaining: None };
        let entry = Entry { job, lane, work: Arc::new(work), cancel: Cancel::new(), rate: Rate::default() };
        let first = state.entries.iter().position(Entry::waits).filter(|_| urgent);
        let place = first.unwrap_or(state.entries.len());
        state.entries.insert(place, entry);
        self.tell(&mut state);
        id
    }

    /// The next job of a lane that is `ready`, as soon as there is one; `None` when the queue is closed.
    pub fn next(&self, lane: Lane, ready: impl Fn(&W) -> bool) -> Option<Ticket<W>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let mine = |e: &&mut Entry<W>| e.waits() && e.lane == lane && ready(&e.work);
            if let Some(entry) = state.entries.iter_mut().find(mine) {
                entry.job.state = JobState::Running;
                let ticket = Ticket {
                    id: entry.job.id,
                    title: entry.job.title.clone(),
                    work: entry.work.clone(),
                    cancel: entry.cancel.clone(),
                };
                self.tell(&mut state);
                return Some(ticket);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Something that jobs wait for has come.
    pub fn wake(&self) {
        // The lock: a worker that is just looking must not miss it.
        let _state = self.lock();
        self.changed.notify_all();
    }

    pub fn progress(&self, id: JobId, progress: &Progress) {
        let mut state = self.lock();
        let now = Instant::now();
        let Some(entry) = state.entries.iter_mut().find(|e| e.job.id == id) else { return };
        entry.rate.note(now, progress);
        let job = &mut entry.job;
        (job.stage, job.done, job.total) = (progress.stage, progress.done, progress.total);
        (job.rate, job.remaining) = (entry.rate.per_second(), entry.rate.remaining());
        if state.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY) {
            self.tell(&mut state);
        }
    }

    /// More is known now of what a job makes.
    pub fn specify(&self, id: JobId, kind: JobKind) {
        let mut state = self.lock();
        if let Some(entry) = state.entries.iter_mut().find(|e| e.job.id == id) {
            entry.job.kind = kind;
        }
        self.tell(&mut state);
    }

    pub fn end(&self, id: JobId, how: JobState) {
        let mut state = self.lock();
        if let Some(entry) = state.entries.iter_mut().find(|e| e.job.id == id) {
            entry.job.state = how;
            (entry.job.rate, entry.job.remaining) = (None, None);
        }
        let surplus = state.entries.iter().filter(|e| e.has_ended()).count().saturating_sub(KEPT);
        for _ in 0..surplus {
            if let Some(oldest) = state.entries.iter().position(Entry::has_ended) {
                state.entries.remove(oldest);
            }
        }
        self.tell(&mut state);
        self.changed.notify_all();
    }

    /// Takes a waiting job off, stops a running one; the job's work, if it was waiting.
    pub fn cancel(&self, id: JobId) -> Option<Arc<W>> {
        let mut state = self.lock();
        let entry = state.entries.iter_mut().find(|e| e.job.id == id && !e.has_ended())?;
        entry.cancel.cancel();
        let waiting = entry.waits().then(|| entry.work.clone());
        if waiting.is_some() {
            entry.job.state = JobState::Cancelled;
            self.tell(&mut state);
        }
        self.changed.notify_all();
        waiting
    }

    /// Ends waiting jobs that can never run.
    pub fn fail(&self, which: impl Fn(&W) -> bool, why: &str) {
        let mut state = self.lock();
        for entry in state.entries.iter_mut().filter(|e| e.waits() && which(&e.work)) {
            entry.job.state = JobState::Failed(why.to_string());
        }
        self.tell(&mut state);
    }

    /// Whether a job that has not ended is such a one.
    pub fn any(&self, which: impl Fn(&W) -> bool) -> bool {
        self.lock().entries.iter().any(|e| !e.has_ended() && which(&e.work))
    }

    /// Puts waiting jobs before all others that wait.
    pub fn prefer(&self, which: impl Fn(&W) -> bool) {
        let mut state = self.lock();
        // Stable: the order among the preferred ones, and among the others, stays.
        state.entries.sort_by_key(|e| (e.waits(), e.waits() && !which(&e.work)));
        self.tell(&mut state);
    }

    /// Puts a waiting job to place `to` among those that wait.
    pub fn reorder(&self, id: JobId, to: usize) {
        let mut state = self.lock();
        let Some(from) = state.entries.iter().position(|e| e.job.id == id && e.waits()) else { return };
        let entry = state.entries.remove(from);
        let waiting = state.entries.iter().enumerate().filter(|(_, e)| e.waits());
        let place = waiting.map(|(place, _)| place).nth(to).unwrap_or(state.entries.len());
        state.entries.insert(place, entry);
        self.tell(&mut state);
    }

    /// Takes ended jobs off the list.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.entries.retain(|e| !e.has_ended());
        self.tell(&mut state);
    }

    /// Holds a running job up while a job of `lane` runs.
    pub fn give_way(&self, id: JobId, lane: Lane) {
        let mut state = self.lock();
        let mut paused = false;
        loop {
            let busy = !state.closed && state.entries.iter().any(|e| e.lane == lane && e.runs());
            let Some(entry) = state.entries.iter_mut().find(|e| e.job.id == id) else { return };
            if !busy || entry.cancel.is_cancelled() {
                return;
            }
            if !std::mem::replace(&mut paused, true) {
                entry.rate = Rate::default();
                (entry.job.stage, entry.job.rate, entry.job.remaining) = ("paused", None, None);
                self.tell(&mut state);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Stops what runs and gives out nothing more.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.entries.iter().for_each(|e| e.cancel.cancel());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Under the lock, so that the window hears of changes in their order.
    fn tell(&self, state: &mut State<W>) {
        state.told = Some(Instant::now());
        self.port.tell(Event::Jobs(state.entries.iter().map(|e| e.job.clone()).collect()));
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Bench {
        queue: Queue<&'static str>,
        events: mpsc::Receiver<Event>,
    }

    impl Bench {
        fn new() -> Bench {
            let (send, events) = mpsc::channel();
            let port = Port::new(send, Arc::new(|| ()), Arc::default());
            Bench { queue: Queue::new(port), events }
        }

        fn add(&self, lane: Lane, name: &'static str) -> JobId {
            let kind = JobKind::ImportModel(name.into());
            self.queue.add(Order { lane, kind, title: name.into(), work: name, urgent: false })
        }

        fn run(&self, lane: Lane) -> &'static str {
            let ticket = self.queue.next(lane, |_| true).expect("open");
            self.queue.end(ticket.id, JobState::Done);
            *ticket.work
        }

        /// The list as told last.
        fn told(&self) -> Vec<Job> {
            let lists = self.events.try_iter().filter_map(|event| match event {
                Event::Jobs(jobs) => Some(jobs),
                _ => None,
            });
            lists.last().expect("told")
        }
    }

    #[test]
    fn waiting_jobs_run_in_the_order_they_are_put_into() {
        let bench = Bench::new();
        let ids = ["a", "b", "c", "d"].map(|name| bench.add(Lane::Lines, name));
        bench.queue.reorder(ids[3], 0);
        bench.queue.reorder(ids[0], 2);
        bench.queue.cancel(ids[1]);
        let titles = |jobs: &[Job]| jobs.iter().map(|job| job.title.clone()).collect::<Vec<_>>();
        assert_eq!(titles(&bench.told()), ["d", "b", "a", "c"]);
        assert_eq!([(); 3].map(|()| bench.run(Lane::Lines)), ["d", "a", "c"]);
        let told = bench.told();
        assert_eq!(told.iter().filter(|job| job.state == JobState::Cancelled).count(), 1);
        bench.queue.clear();
        assert!(bench.told().is_empty());
    }

    #[test]
    fn a_failure_leaves_the_list_when_the_same_is_asked_for_again() {
        let bench = Bench::new();
        let render = |cue, takes| Order {
            lane: Lane::Lines,
            kind: JobKind::Render { cue: lipsmith_project::CueId(cue), takes },
            title: "line".into(),
            work: "line",
            urgent: false,
        };
        for cue in [1, 2] {
            bench.queue.add_failed(render(cue, Vec::new()), "no voice".into());
        }
        bench.queue.add(render(1, vec![lipsmith_base::Digest::of(b"take")]));
        let failed = |job: &Job| matches!(job.state, JobState::Failed(_));
        let left: Vec<_> = bench.told().into_iter().map(|job| (failed(&job), job.kind)).collect();
        let told = |cue: u64, kind: &JobKind| matches!(kind, JobKind::Render { cue: of, .. } if of.0 == cue);
        assert!(matches!(&left[..], [(true, a), (false, b)] if told(2, a) && told(1, b)), "{left:?}");
        bench.run(Lane::Lines);
        assert_eq!(bench.told().iter().filter(|job| failed(job)).count(), 1, "the other line's");
    }

    #[test]
    fn lanes_do_not_wait_for_each_other_and_a_job_waits_for_what_it_needs() {
        let bench = Bench::new();
        bench.add(Lane::Lines, "needs faces");
        bench.add(Lane::Lines, "ready");
        bench.add(Lane::Files, "export");
        let line = bench.queue.next(Lane::Lines, |work| *work == "ready").expect("open");
        assert_eq!(*line.work, "ready");
        assert_eq!(bench.run(Lane::Files), "export");
        assert_eq!(bench.told().iter().filter(|job| job.state == JobState::Running).count(), 1);
    }

    #[test]
    fn faces_give_way_to_lines_until_they_end() {
        let bench = Bench::new();
        let faces = bench.add(Lane::Faces, "faces");
        bench.add(Lane::Lines, "line");
        bench.queue.next(Lane::Faces, |_| true).expect("open");
        let line = bench.queue.next(Lane::Lines, |_| true).expect("open");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| bench.queue.give_way(faces, Lane::Lines));
            let paused = || bench.told().iter().any(|job| job.stage == "paused");
            while !paused() {
                std::thread::yield_now();
                bench.queue.wake();
                bench.queue.prefer(|_| false);
            }
            assert!(!waiting.is_finished());
            bench.queue.end(line.id, JobState::Done);
        });
    }

    #[test]
    fn closing_stops_those_who_run_and_those_who_wait() {
        let bench = Bench::new();
        bench.add(Lane::Lines, "line");
        let line = bench.queue.next(Lane::Lines, |_| true).expect("open");
        std::thread::scope(|scope| {
            let idle = scope.spawn(|| bench.queue.next(Lane::Lines, |_| true).is_none());
            bench.queue.close();
            assert!(idle.join().expect("no panic") && line.cancel.is_cancelled());
        });
    }
}
