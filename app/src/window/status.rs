//! How far a line is: what the render bar, the list of lines and the next-unsynced command go by.

use super::news::News;
use lipsmith_engine::desk::JobState;
use lipsmith_project::{Cue, CueId, Project, Take, TakeSpec, Treatment};

#[derive(Clone, Debug, PartialEq)]
pub enum LineState {
    /// The picture stays as it is.
    Excluded,
    /// Nothing was rendered.
    Empty,
    Waiting,
    /// 0..=1.
    Rendering(f32),
    Failed(String),
    /// Fewer steps than the line asks for.
    Draft,
    /// The line was changed since.
    Stale,
    /// The cache has lost it; rendering makes the same again.
    Lost,
    Rendered,
}

impl LineState {
    /// Its words in the languages' files.
    pub fn key(&self) -> &'static str {
        match self {
            LineState::Excluded => "state-excluded",
            LineState::Empty => "state-empty",
            LineState::Waiting => "state-waiting",
            LineState::Rendering(_) => "state-rendering",
            LineState::Failed(_) => "state-failed",
            LineState::Draft => "state-draft",
            LineState::Stale => "state-stale",
            LineState::Lost => "state-lost",
            LineState::Rendered => "state-rendered",
        }
    }

    /// A sign of its own, so that nobody needs to tell colours.
    pub fn sign(&self) -> &'static str {
        match self {
            LineState::Excluded => "⊘",
            LineState::Empty => "○",
            LineState::Waiting => "◔",
            LineState::Rendering(_) => "◑",
            LineState::Failed(_) => "✖",
            LineState::Draft => "◇",
            LineState::Stale => "↻",
            LineState::Lost => "?",
            LineState::Rendered => "✔",
        }
    }

    pub fn needs_rendering(&self) -> bool {
        matches!(self, LineState::Empty | LineState::Failed(_) | LineState::Stale | LineState::Lost)
    }
}

pub fn of_line(project: &Project, id: CueId, cue: &Cue, news: &News) -> LineState {
    if cue.treatment == Treatment::Leave {
        return LineState::Excluded;
    }
    let job = news.render_job(id);
    match job.map(|job| &job.state) {
        Some(JobState::Waiting) => return LineState::Waiting,
        Some(JobState::Running) => {
            // What comes before counts other things than the line's frames.
            let job = job.filter(|job| job.stage == lipsmith_engine::take::STAGE);
            let job_share = |done: u64, total: u64| done as f32 / total.max(1) as f32;
            let share = job.and_then(|job| Some(job_share(job.done, job.total?)));
            return LineState::Rendering(share.unwrap_or(0.0));
        }
        _ => {}
    }
    let Some((take_id, take)) = cue.chosen.and_then(|id| Some((id, cue.takes.get(&id)?))) else {
        return match job.map(|job| &job.state) {
            Some(JobState::Failed(why)) => LineState::Failed(why.clone()),
            _ => LineState::Empty,
        };
    };
    let whole = take_is_whole(take, news);
    if !whole && let Some(JobState::Failed(why)) = job.map(|job| &job.state) {
        return LineState::Failed(why.clone());
    }
    let stale = project.is_stale(id, take_id, &news.knows.known());
    match (whole, stale) {
        (true, true) if is_draft(project, cue, take) => LineState::Draft,
        (_, true) => LineState::Stale,
        (true, false) => LineState::Rendered,
        (false, false) => LineState::Lost,
    }
}

/// Whether all of a take's pictures are in the cache.
pub fn take_is_whole(take: &Take, news: &News) -> bool {
    take.parts.iter().all(|part| {
        news.takes.get(&part.key()).is_some_and(|ready| ready.done == ready.total && ready.total > 0)
    })
}

/// Made by the line's own family in fewer or lesser steps or with less precision, whatever the sampler.
pub fn is_draft(project: &Project, cue: &Cue, take: &Take) -> bool {
    let wanted = project.method(cue);
    take.parts.iter().all(|TakeSpec { method, .. }| {
        let rougher =
            method.half_precision && !wanted.half_precision || method.inner_every > wanted.inner_every;
        method.family == wanted.family && (method.steps < wanted.steps || rougher)
    })
}
