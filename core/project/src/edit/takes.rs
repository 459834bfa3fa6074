//! Takes of a line: kept, chosen, rated, comped.

use super::cues::cue_mut;
use super::{EditError, found};
use crate::cue::{CompSpan, Take};
use crate::id::{CueId, TakeId};
use crate::project::Project;
use crate::take::TakeSpec;
use lipsmith_base::TimeRange;

#[derive(Clone, Debug, PartialEq)]
pub enum TakeEdit {
    /// Keeps what was made and chooses it. Parts that are the same as a kept take's choose that one instead.
    Add {
        cue: CueId,
        name: String,
        parts: Vec<TakeSpec>,
    },
    /// Also ends its comp spans.
    Remove {
        cue: CueId,
        take: TakeId,
    },
    /// `None` shows the film as it is.
    Choose {
        cue: CueId,
        take: Option<TakeId>,
    },
    Rename {
        cue: CueId,
        take: TakeId,
        name: String,
    },
    Rate {
        cue: CueId,
        take: TakeId,
        rating: u8,
    },
    /// Shows `take` over a span of the line (counted from its start), whatever was comped there before; `None`
    /// goes back to the chosen take.
    Comp {
        cue: CueId,
        range: TimeRange,
        take: Option<TakeId>,
    },
}

impl TakeEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            TakeEdit::Add { .. } => "Add take",
            TakeEdit::Remove { .. } => "Delete take",
            TakeEdit::Choose { take: Some(_), .. } => "Choose take",
            TakeEdit::Choose { .. } => "Show original",
            TakeEdit::Rename { .. } => "Rename take",
            TakeEdit::Rate { .. } => "Rate take",
            TakeEdit::Comp { .. } => "Comp takes",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            TakeEdit::Add { cue, name, parts } => {
                let same = found(project.cues.get(cue), "line", cue.0)?
                    .takes
                    .iter()
                    .find(|(_, take)| take.parts == *parts);
                let id = same.map(|(id, _)| *id).unwrap_or_else(|| TakeId(project.next_id));
                let cue = cue_mut(project, *cue)?;
                cue.chosen = Some(id);
                let known = cue.takes.contains_key(&id);
                if !known {
                    cue.takes.insert(id, Take { name: name.clone(), rating: 0, parts: parts.clone() });
                    project.fresh::<TakeId>();
                }
            }
            TakeEdit::Remove { cue, take } => {
                let cue = cue_mut(project, *cue)?;
                found(cue.takes.remove(take), "take", take.0)?;
                cue.chosen = cue.chosen.filter(|chosen| chosen != take);
                cue.comp.retain(|span| span.take != *take);
            }
            TakeEdit::Choose { cue, take } => cue_mut(project, *cue)?.chosen = *take,
            TakeEdit::Rename { cue, take, name } => take_mut(project, *cue, *take)?.name.clone_from(name),
            TakeEdit::Rate { cue, take, rating } => take_mut(project, *cue, *take)?.rating = *rating,
            TakeEdit::Comp { cue, range, take } => {
                let cue = cue_mut(project, *cue)?;
                let beside = |span: &CompSpan| {
                    let before = TimeRange::new(span.range.start(), span.range.end().min(range.start()));
                    let behind = TimeRange::new(span.range.start().max(range.end()), span.range.end());
                    [before, behind].map(|range| CompSpan { range, take: span.take })
                };
                let mut comp: Vec<_> = cue.comp.iter().flat_map(beside).collect();
                comp.extend(take.map(|take| CompSpan { range: range.intersect(cue.comp_room()), take }));
                comp.retain(|span| !span.range.is_empty());
                comp.sort_by_key(|span| span.range);
                cue.comp = comp;
            }
        }
        Ok(())
    }
}

fn take_mut(project: &mut Project, cue: CueId, take: TakeId) -> Result<&mut Take, EditError> {
    found(cue_mut(project, cue)?.takes.get_mut(&take), "take", take.0)
}
