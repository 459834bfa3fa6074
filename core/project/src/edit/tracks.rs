//! Tracks and their heads.

use super::clips::forget_lost_voices;
use super::{EditError, found};
use crate::id::TrackId;
use crate::project::Project;
use crate::sequence::Track;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum TrackEdit {
    /// A voice track below the others.
    Add {
        name: String,
    },
    /// A voice track with all its clips.
    Remove(TrackId),
    /// Puts a voice track to a place among the voice tracks, counted from the top.
    Reorder {
        track: TrackId,
        to: usize,
    },
    Rename {
        track: TrackId,
        name: String,
    },
    Gain {
        track: TrackId,
        gain_db: f32,
    },
    Mute {
        track: TrackId,
        muted: bool,
    },
    Solo {
        track: TrackId,
        solo: bool,
    },
    Lock {
        track: TrackId,
        locked: bool,
    },
}

impl TrackEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            TrackEdit::Add { .. } => "Add voice track",
            TrackEdit::Remove(_) => "Delete voice track",
            TrackEdit::Reorder { .. } => "Reorder tracks",
            TrackEdit::Rename { .. } => "Rename track",
            TrackEdit::Gain { .. } => "Change track gain",
            TrackEdit::Mute { muted: true, .. } => "Mute track",
            TrackEdit::Mute { .. } => "Unmute track",
            TrackEdit::Solo { solo: true, .. } => "Solo track",
            TrackEdit::Solo { .. } => "End solo",
            TrackEdit::Lock { locked: true, .. } => "Lock track",
            TrackEdit::Lock { .. } => "Unlock track",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            TrackEdit::Add { name } => {
                let track = Track::new(project.fresh(), name);
                project.sequence.voices.push(Arc::new(track));
            }
            TrackEdit::Remove(id) => {
                let index = voice_track(project, *id)?;
                let track = project.sequence.voices.remove(index);
                if track.locked {
                    return Err(EditError::Locked(track.name.clone()));
                }
                forget_lost_voices(project);
            }
            TrackEdit::Reorder { track, to } => {
                let index = voice_track(project, *track)?;
                let voices = &mut project.sequence.voices;
                let track = voices.remove(index);
                voices.insert((*to).min(voices.len()), track);
            }
            TrackEdit::Rename { track, name } => head(project, *track)?.name.clone_from(name),
            TrackEdit::Gain { track, gain_db } => head(project, *track)?.gain_db = *gain_db,
            TrackEdit::Mute { track, muted } => head(project, *track)?.muted = *muted,
            TrackEdit::Solo { track, solo } => head(project, *track)?.solo = *solo,
            TrackEdit::Lock { track, locked } => head(project, *track)?.locked = *locked,
        }
        Ok(())
    }
}

fn voice_track(project: &Project, id: TrackId) -> Result<usize, EditError> {
    found(project.sequence.voices.iter().position(|track| track.id == id), "voice track", id.0)
}

/// A track's head can be changed while its clips are locked.
fn head(project: &mut Project, id: TrackId) -> Result<&mut Track, EditError> {
    found(project.sequence.tracks_mut().find(|track| track.id == id), "track", id.0).map(Arc::make_mut)
}
