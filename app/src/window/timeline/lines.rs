//! The lines of dialogue in the order of the timeline, and how far each is: found once per change of the project or
//! the news, not once per frame.

use crate::window::ctx::Ctx;
use crate::window::status::{self, LineState};
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::desk::{JobState, Knowledge};
use lipsmith_project::{Cue, CueId, Project};
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// States looked up anew in one frame; the rest follow in the next ones.
const LOOKED_UP: usize = 100;
/// Lines that overlap are put below each other in at most so many rows.
pub const ROWS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub id: CueId,
    /// Sequence time.
    pub range: TimeRange,
    pub row: usize,
}

/// Lines by start.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    of: Arc<BTreeMap<CueId, Arc<Cue>>>,
    lines: Vec<Line>,
    /// The latest end of all lines up to this one.
    reach: Vec<Time>,
    pub rows: usize,
}

impl Lines {
    pub fn of(project: &Project) -> Lines {
        let mut lines: Vec<_> =
            project.cues.iter().map(|(id, cue)| Line { id: *id, range: cue.range, row: 0 }).collect();
        lines.sort_by_key(|line| (line.range.start(), line.id));
        let mut ends = [Time::ZERO; ROWS];
        let mut reach = Vec::with_capacity(lines.len());
        let mut latest = Time::ZERO;
        for line in &mut lines {
            // The first free row, or the one that is free soonest.
            let free = ends.iter().position(|end| *end <= line.range.start());
            line.row = free.unwrap_or_else(|| (0..ROWS).min_by_key(|row| ends[*row]).unwrap_or(0));
            ends[line.row] = line.range.end();
            latest = latest.max(line.range.end());
            reach.push(latest);
        }
        let rows = lines.iter().map(|line| line.row + 1).max().unwrap_or(1);
        Lines { of: project.cues.clone(), lines, reach, rows }
    }

    /// Brought up to date when the lines are others.
    pub fn follow(&mut self, project: &Project) {
        if !Arc::ptr_eq(&self.of, &project.cues) || self.rows == 0 {
            *self = Lines::of(project);
        }
    }

    /// Those that share time with `range`, by start.
    pub fn within(&self, range: TimeRange) -> impl Iterator<Item = &Line> {
        let from = self.reach.partition_point(|end| *end <= range.start());
        let to = self.lines.partition_point(|line| line.range.start() < range.end());
        self.lines[from.min(to)..to].iter().filter(move |line| line.range.overlaps(range))
    }
}

/// How far the lines are, as last looked up.
#[derive(Clone, Debug, Default)]
pub struct States {
    project: Option<Arc<Project>>,
    knows: Option<Arc<Knowledge>>,
    news: u64,
    /// Counts the changes of all that a state depends on.
    age: u64,
    states: HashMap<CueId, (u64, LineState)>,
    left: usize,
    /// Some could not be looked up yet.
    pub behind: bool,
}

impl States {
    /// To be called once a frame.
    pub fn follow(&mut self, ctx: &Ctx) {
        let project = ctx.history.project();
        let news = stamp(ctx);
        let same = self.project.as_ref().is_some_and(|of| Arc::ptr_eq(of, project))
            && self.knows.as_ref().is_some_and(|of| Arc::ptr_eq(of, &ctx.news.knows))
            && self.news == news;
        if !same {
            self.project = Some(project.clone());
            self.knows = Some(ctx.news.knows.clone());
            self.news = news;
            self.age += 1;
            self.states.retain(|id, _| project.cues.contains_key(id));
        }
        self.left = LOOKED_UP;
        self.behind = false;
    }

    /// `None` until it is looked up for the first time.
    pub fn of(&mut self, ctx: &Ctx, id: CueId) -> Option<&LineState> {
        let known = self.states.get(&id).is_some_and(|(age, _)| *age == self.age);
        if !known && self.left > 0 {
            let cue = ctx.project.cues.get(&id)?;
            self.left -= 1;
            self.states.insert(id, (self.age, status::of_line(ctx.project, id, cue, ctx.news)));
        } else if !known {
            self.behind = true;
        }
        self.states.get(&id).map(|(_, state)| state)
    }
}

/// Differs when jobs or takes have gone on.
fn stamp(ctx: &Ctx) -> u64 {
    let mut hasher = DefaultHasher::new();
    for job in &ctx.news.jobs {
        let state = match job.state {
            JobState::Waiting => 0,
            JobState::Running => 1,
            JobState::Done => 2,
            JobState::Cancelled => 3,
            JobState::Failed(_) => 4u8,
        };
        (job.id.0, state, job.done).hash(&mut hasher);
    }
    ctx.news.takes.len().hash(&mut hasher);
    ctx.news.takes.values().map(|ready| ready.done).sum::<u64>().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::FrameRate;
    use lipsmith_project::Edit;
    use lipsmith_project::edit::CueEdit;

    fn secs(from: i64, to: i64) -> TimeRange {
        TimeRange::new(Time::from_units(from, 1), Time::from_units(to, 1))
    }

    #[test]
    fn lines_are_found_by_range_and_lie_apart() {
        let mut project = Project::new("p", FrameRate::FPS_25);
        let ranges: Vec<_> = (0..60).map(|i| secs(i * 7 % 50, i * 7 % 50 + 1 + i % 9)).collect();
        for range in &ranges {
            let edit = CueEdit::Add { range: *range, text: String::new(), character: None, voice: None };
            project = Edit::from(edit).apply(&project).expect("sound");
        }
        let lines = Lines::of(&project);
        for from in 0..60 {
            let asked = secs(from, from + 3);
            let found: Vec<_> = lines.within(asked).map(|line| line.range).collect();
            let mut wanted: Vec<_> = ranges.iter().copied().filter(|range| range.overlaps(asked)).collect();
            wanted.sort_by_key(|range| range.start());
            assert_eq!(found.len(), wanted.len());
            assert!(wanted.iter().all(|range| found.contains(range)));
        }
        assert_eq!(lines.rows, ROWS);
    }

    #[test]
    fn two_speakers_at_once_take_two_rows() {
        let mut project = Project::new("p", FrameRate::FPS_25);
        for range in [secs(0, 2), secs(1, 3), secs(2, 4)] {
            let edit = CueEdit::Add { range, text: String::new(), character: None, voice: None };
            project = Edit::from(edit).apply(&project).expect("sound");
        }
        let lines = Lines::of(&project);
        let rows: Vec<_> = lines.within(secs(0, 9)).map(|line| line.row).collect();
        assert_eq!(rows, [0, 1, 0]);
        assert_eq!(lines.rows, 2);
    }
}
