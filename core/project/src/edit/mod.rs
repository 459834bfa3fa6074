//! Edits: what a person can do to a project, as values, and the one pure function that does it.
//!
//! A new thing gets the number [`Project::next_id`] has before the edit (several new things count on from there),
//! so whoever asks for it knows its name beforehand. Nothing checks values in advance: an edit whose outcome
//! would break an invariant of [`Project::check`] is refused in that invariant's words.

mod cast;
mod clips;
mod cues;
mod media;
mod takes;
mod tracks;

pub use cast::CastEdit;
pub use clips::{ClipEdit, Edge, Ripple};
pub(crate) use cues::COLOURS;
pub use cues::{CueEdit, ScriptLine};
pub use media::MediaEdit;
pub use takes::TakeEdit;
pub use tracks::TrackEdit;

use crate::check::Violation;
use crate::project::{Project, Settings};
use lipsmith_base::{FrameRate, Time};

#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    Clip(ClipEdit),
    Track(TrackEdit),
    Cue(CueEdit),
    Take(TakeEdit),
    Media(MediaEdit),
    Cast(CastEdit),
    Rename(String),
    Settings(Settings),
    /// Frame rate and labels; clips and cues keep their times.
    Labels {
        rate: FrameRate,
        drop_frame: bool,
        start: Time,
    },
    /// All or none, as one step.
    Several {
        label: String,
        edits: Vec<Edit>,
    },
}

/// Why an edit is refused; the project is as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("{what} {id} does not exist (any more); select another")]
    Missing { what: &'static str, id: u64 },
    #[error("track '{0}' is locked; unlock it first")]
    Locked(String),
    #[error("media '{0}' is used in the project; remove its clips, faces and references first")]
    InUse(String),
    #[error("{0}")]
    Pointless(&'static str),
    #[error("that would leave the project unsound: {0}")]
    Unsound(Violation),
}

impl Edit {
    pub fn apply(&self, before: &Project) -> Result<Project, EditError> {
        let mut project = before.clone();
        self.change(&mut project)?;
        match project.check().into_iter().next() {
            Some(violation) => Err(EditError::Unsound(violation)),
            None => Ok(project),
        }
    }

    /// What the History panel shows.
    pub fn label(&self) -> String {
        match self {
            Edit::Clip(edit) => edit.label(),
            Edit::Track(edit) => edit.label(),
            Edit::Cue(edit) => edit.label(),
            Edit::Take(edit) => edit.label(),
            Edit::Media(edit) => edit.label(),
            Edit::Cast(edit) => edit.label(),
            Edit::Rename(_) => "Rename project",
            Edit::Settings(_) => "Change settings",
            Edit::Labels { .. } => "Change timecode",
            Edit::Several { label, .. } => label,
        }
        .to_string()
    }

    fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match self {
            Edit::Clip(edit) => edit.change(project),
            Edit::Track(edit) => edit.change(project),
            Edit::Cue(edit) => edit.change(project),
            Edit::Take(edit) => edit.change(project),
            Edit::Media(edit) => edit.change(project),
            Edit::Cast(edit) => edit.change(project),
            Edit::Rename(name) => {
                project.name.clone_from(name);
                Ok(())
            }
            Edit::Settings(settings) => {
                project.settings.clone_from(settings);
                Ok(())
            }
            Edit::Labels { rate, drop_frame, start } => {
                let sequence = &mut project.sequence;
                (sequence.rate, sequence.drop_frame, sequence.start) = (*rate, *drop_frame, *start);
                Ok(())
            }
            Edit::Several { edits, .. } => edits.iter().try_for_each(|edit| edit.change(project)),
        }
    }
}

macro_rules! into_edit {
    ($($area:ident($edit:ty)),+) => {$(
        impl From<$edit> for Edit {
            fn from(edit: $edit) -> Edit {
                Edit::$area(edit)
            }
        }
    )+};
}
into_edit!(Clip(ClipEdit), Track(TrackEdit), Cue(CueEdit), Take(TakeEdit), Media(MediaEdit), Cast(CastEdit));

/// The thing, or that it is missing.
fn found<T>(thing: Option<T>, what: &'static str, id: impl Into<u64>) -> Result<T, EditError> {
    thing.ok_or(EditError::Missing { what, id: id.into() })
}
