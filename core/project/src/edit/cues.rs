//! Lines of dialogue.

use super::{EditError, found};
use crate::cue::{Cue, FacePlace, Treatment};
use crate::id::{CharacterId, ClipId, CueId, MediaId, TakeId};
use crate::project::{Character, Project};
use crate::take::Method;
use lipsmith_base::{Time, TimeRange};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum CueEdit {
    Add {
        range: TimeRange,
        text: String,
        character: Option<CharacterId>,
        voice: Option<ClipId>,
    },
    Remove(CueId),
    /// Moves or trims a line.
    Move {
        cue: CueId,
        range: TimeRange,
    },
    /// Makes two lines of one, each with all of its takes.
    Split {
        cue: CueId,
        at: Time,
    },
    Text {
        cue: CueId,
        text: String,
    },
    Bind {
        cue: CueId,
        character: Option<CharacterId>,
    },
    Voice {
        cue: CueId,
        voice: Option<ClipId>,
    },
    Treat {
        cue: CueId,
        treatment: Treatment,
    },
    Handles {
        cue: CueId,
        handles: Time,
    },
    /// `None` goes by the project's settings.
    Method {
        cue: CueId,
        method: Option<Method>,
    },
    /// Says where the speaker's face is at a time of a film.
    PlaceFace {
        cue: CueId,
        place: FacePlace,
    },
    /// Leaves the speaker's face to tracking again: at a time of a film, or everywhere in the line.
    TrackFace {
        cue: CueId,
        at: Option<(MediaId, Time)>,
    },
    /// Adds a script's lines. Speakers are found by name, whatever the case, or become new characters.
    Import(Vec<ScriptLine>),
}

/// A line as a script has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptLine {
    /// Sequence time.
    pub range: TimeRange,
    pub speaker: Option<String>,
    pub text: String,
}

impl CueEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            CueEdit::Add { .. } => "Add line",
            CueEdit::Remove(_) => "Delete line",
            CueEdit::Move { .. } => "Move line",
            CueEdit::Split { .. } => "Split line",
            CueEdit::Text { .. } => "Change text",
            CueEdit::Bind { .. } => "Change speaker",
            CueEdit::Voice { .. } => "Change voice",
            CueEdit::Treat { treatment: Treatment::Sync, .. } => "Sync line",
            CueEdit::Treat { .. } => "Leave line",
            CueEdit::Handles { .. } => "Change handles",
            CueEdit::Method { .. } => "Change method",
            CueEdit::PlaceFace { .. } => "Correct face",
            CueEdit::TrackFace { .. } => "Track face",
            CueEdit::Import(_) => "Import script",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            CueEdit::Add { range, text, character, voice } => {
                let cue = Cue { character: *character, voice: *voice, ..Cue::new(*range, text) };
                add(project, cue);
            }
            CueEdit::Remove(id) => {
                let removed = Arc::make_mut(&mut project.cues).remove(id);
                found(removed, "line", id.0)?;
            }
            CueEdit::Move { cue, range } => cue_mut(project, *cue)?.set_range(*range),
            CueEdit::Split { cue, at } => split(project, *cue, *at)?,
            CueEdit::Text { cue, text } => cue_mut(project, *cue)?.text.clone_from(text),
            CueEdit::Bind { cue, character } => cue_mut(project, *cue)?.character = *character,
            CueEdit::Voice { cue, voice } => cue_mut(project, *cue)?.voice = *voice,
            CueEdit::Treat { cue, treatment } => cue_mut(project, *cue)?.treatment = *treatment,
            CueEdit::Handles { cue, handles } => {
                let cue = cue_mut(project, *cue)?;
                cue.handles = *handles;
                cue.set_range(cue.range);
            }
            CueEdit::Method { cue, method } => cue_mut(project, *cue)?.method.clone_from(method),
            CueEdit::PlaceFace { cue, place } => {
                let faces = &mut cue_mut(project, *cue)?.faces;
                faces.retain(|old| (old.media, old.at) != (place.media, place.at));
                let later = faces.partition_point(|old| (old.media, old.at) < (place.media, place.at));
                faces.insert(later, *place);
            }
            CueEdit::TrackFace { cue, at } => {
                let faces = &mut cue_mut(project, *cue)?.faces;
                faces.retain(|place| at.is_some_and(|at| at != (place.media, place.at)));
            }
            CueEdit::Import(lines) => {
                if lines.is_empty() {
                    return Err(EditError::Pointless("the script has no lines"));
                }
                for line in lines {
                    let character = line.speaker.as_ref().map(|name| speaker(project, name));
                    add(project, Cue { character, ..Cue::new(line.range, &line.text) });
                }
            }
        }
        Ok(())
    }
}

fn add(project: &mut Project, cue: Cue) {
    let id = project.fresh();
    Arc::make_mut(&mut project.cues).insert(id, Arc::new(cue));
}

/// The earlier half keeps the line's number.
fn split(project: &mut Project, id: CueId, at: Time) -> Result<(), EditError> {
    let whole = found(project.cues.get(&id), "line", id.0)?.clone();
    let (start, end) = (whole.range.start(), whole.range.end());
    if at <= start || at >= end {
        return Err(EditError::Pointless("a line is split inside it; move the playhead onto the line"));
    }
    let renamed: BTreeMap<TakeId, TakeId> = whole.takes.keys().map(|take| (*take, project.fresh())).collect();
    let mut behind = (*whole).clone();
    behind.set_range(TimeRange::new(at, end));
    behind.takes = whole.takes.iter().map(|(id, take)| (renamed[id], take.clone())).collect();
    behind.chosen = behind.chosen.map(|take| renamed[&take]);
    behind.comp.iter_mut().for_each(|span| span.take = renamed[&span.take]);
    // Where its voice was split too, the later half is spoken by the later one.
    let goes_on = |voice: ClipId| {
        let track = project.sequence.voices.iter().find(|track| track.clips.iter().any(|c| c.id == voice))?;
        Some(track.clip_at(at)?.id)
    };
    behind.voice = behind.voice.map(|voice| goes_on(voice).unwrap_or(voice));
    cue_mut(project, id)?.set_range(TimeRange::new(start, at));
    add(project, behind);
    Ok(())
}

/// The character of that name; a new one, in a colour of its own, if there is none.
fn speaker(project: &mut Project, name: &str) -> CharacterId {
    let same = |known: &Character| known.name.to_lowercase() == name.to_lowercase();
    if let Some((id, _)) = project.characters.iter().find(|(_, known)| same(known)) {
        return *id;
    }
    let id = project.fresh();
    let colour = COLOURS[project.characters.len() % COLOURS.len()];
    Arc::make_mut(&mut project.characters).insert(id, Character::new(name, colour));
    id
}

/// Told apart also by the colour-blind: the qualitative set of Okabe and Ito, without black.
pub(crate) const COLOURS: [[u8; 3]; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
];

pub(super) fn cue_mut(project: &mut Project, id: CueId) -> Result<&mut Cue, EditError> {
    // Looked up first: a refused edit should not have copied the map.
    found(project.cues.get(&id), "line", id.0)?;
    found(Arc::make_mut(&mut project.cues).get_mut(&id), "line", id.0).map(Arc::make_mut)
}
