//! The project is a value: what the editor intends, and pure functions that edit it. No files, no threads, no
//! media, no networks; every function is total or says in words why it refuses.

mod check;
mod cue;
mod dub;
pub mod edit;
pub mod file;
pub mod history;
mod id;
pub mod interchange;
mod media;
mod project;
mod query;
mod sequence;
mod take;

pub use check::Violation;
pub use cue::{CompSpan, Cue, FacePlace, Take, Treatment};
pub use dub::Dub;
pub use edit::{Edit, EditError};
pub use history::History;
pub use id::{CharacterId, ClipId, CueId, MarkerId, MediaId, TakeId, TrackId};
pub use media::{Media, Sound, Video};
pub use project::{Character, FaceBinding, Marker, Original, Project, Reference, Settings};
pub use query::{Known, Layer, NoTake, Stretch};
pub use sequence::{Clip, LONGEST, Sequence, Track};
pub use take::{FaceKey, Footage, Method, Preset, Reach, ReferenceKey, TakeSpec};
