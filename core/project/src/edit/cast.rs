//! Characters with their faces, and markers: small values that are replaced whole.

use super::{EditError, found};
use crate::id::{CharacterId, MarkerId};
use crate::project::{Character, Marker, Project};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum CastEdit {
    AddCharacter(Character),
    /// Name, colour, faces, references or footage.
    SetCharacter(CharacterId, Character),
    /// The character's lines stay, spoken by nobody.
    RemoveCharacter(CharacterId),
    AddMarker(Marker),
    SetMarker(MarkerId, Marker),
    RemoveMarker(MarkerId),
}

impl CastEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            CastEdit::AddCharacter(_) => "Add person",
            CastEdit::SetCharacter(..) => "Change person",
            CastEdit::RemoveCharacter(_) => "Delete person",
            CastEdit::AddMarker(_) => "Add marker",
            CastEdit::SetMarker(..) => "Change marker",
            CastEdit::RemoveMarker(_) => "Delete marker",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            CastEdit::AddCharacter(character) => {
                let id = project.fresh();
                Arc::make_mut(&mut project.characters).insert(id, character.clone());
            }
            CastEdit::SetCharacter(id, character) => {
                let old = Arc::make_mut(&mut project.characters).get_mut(id);
                found(old, "person", id.0)?.clone_from(character);
            }
            CastEdit::RemoveCharacter(id) => {
                found(Arc::make_mut(&mut project.characters).remove(id), "person", id.0)?;
                let cues = Arc::make_mut(&mut project.cues).values_mut();
                for cue in cues.filter(|cue| cue.character == Some(*id)) {
                    Arc::make_mut(cue).character = None;
                }
            }
            CastEdit::AddMarker(marker) => {
                let id = project.fresh();
                Arc::make_mut(&mut project.markers).insert(id, marker.clone());
            }
            CastEdit::SetMarker(id, marker) => {
                let old = Arc::make_mut(&mut project.markers).get_mut(id);
                found(old, "marker", id.0)?.clone_from(marker);
            }
            CastEdit::RemoveMarker(id) => {
                found(Arc::make_mut(&mut project.markers).remove(id), "marker", id.0)?;
            }
        }
        Ok(())
    }
}
