//! Names of things in a project. All kinds count from one counter ([`crate::Project::next_id`]), so a number
//! names one thing and is never used again, not even after the thing is gone.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl From<u64> for $name {
            fn from(number: u64) -> $name {
                $name(number)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A file in the media pool.
    MediaId
    /// The picture track or a voice track.
    TrackId
    /// A clip on any track.
    ClipId
    /// A person of the story.
    CharacterId
    /// A line of dialogue.
    CueId
    /// A take of a line.
    TakeId
    MarkerId
}
