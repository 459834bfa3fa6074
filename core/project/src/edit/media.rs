//! The media pool.

use super::{EditError, found};
use crate::cue::Cue;
use crate::id::MediaId;
use crate::media::Media;
use crate::project::Project;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum MediaEdit {
    Add(Media),
    Rename {
        media: MediaId,
        name: String,
    },
    /// The file is now this one; its name in the pool stays. Refused when a clip or a face would reach outside it.
    Relink {
        media: MediaId,
        to: Media,
    },
    /// Refused while it is used.
    Remove(MediaId),
}

impl MediaEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            MediaEdit::Add(_) => "Add media",
            MediaEdit::Rename { .. } => "Rename media",
            MediaEdit::Relink { .. } => "Relink media",
            MediaEdit::Remove(_) => "Remove media",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            MediaEdit::Add(media) => {
                let id = project.fresh();
                Arc::make_mut(&mut project.media).insert(id, media.clone());
            }
            MediaEdit::Rename { media, name } => media_mut(project, *media)?.name.clone_from(name),
            MediaEdit::Relink { media, to } => {
                let media = media_mut(project, *media)?;
                *media = Media { name: std::mem::take(&mut media.name), ..to.clone() };
            }
            MediaEdit::Remove(id) => {
                let media = found(project.media.get(id), "media", id.0)?;
                if is_used(project, *id) {
                    return Err(EditError::InUse(media.name.clone()));
                }
                Arc::make_mut(&mut project.media).remove(id);
                let named = |cue: &Cue| cue.faces.iter().any(|place| place.media == *id);
                if project.cues.values().any(|cue| named(cue)) {
                    let cues = Arc::make_mut(&mut project.cues).values_mut();
                    for cue in cues.filter(|cue| named(cue)) {
                        Arc::make_mut(cue).faces.retain(|place| place.media != *id);
                    }
                }
            }
        }
        Ok(())
    }
}

fn is_used(project: &Project, id: MediaId) -> bool {
    project.sequence.tracks().any(|track| track.clips.iter().any(|clip| clip.media == id))
        || project.characters.values().any(|character| {
            character.faces.iter().any(|face| face.media == id)
                || character.references.iter().any(|key| key.media == id)
                || character.footage.iter().any(|(media, _)| *media == id)
        })
}

fn media_mut(project: &mut Project, id: MediaId) -> Result<&mut Media, EditError> {
    found(Arc::make_mut(&mut project.media).get_mut(&id), "media", id.0)
}
