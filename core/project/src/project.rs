//! The project: everything the editor intends, in one value that is cheap to clone.

use crate::cue::Cue;
use crate::file::Unknown;
use crate::id::{CharacterId, CueId, MarkerId, MediaId, TrackId};
use crate::media::Media;
use crate::sequence::{Sequence, Track};
use crate::take::Method;
use lipsmith_base::{FrameRate, Time, TimeRange};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts that an edit does not touch are shared between the values before and after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    pub name: String,
    /// The number that the next new thing gets; greater than every number in use.
    pub next_id: u64,
    pub media: Arc<BTreeMap<MediaId, Media>>,
    pub sequence: Sequence,
    pub characters: Arc<BTreeMap<CharacterId, Character>>,
    pub cues: Arc<BTreeMap<CueId, Arc<Cue>>>,
    pub markers: Arc<BTreeMap<MarkerId, Marker>>,
    pub settings: Settings,
    /// What a file said that this version does not know; written back when the project is saved.
    #[serde(skip)]
    pub(crate) unknown: Option<Arc<Unknown>>,
}

/// A person of the story, and where the analysis of each film sees the actor's face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Character {
    pub name: String,
    /// sRGB.
    pub colour: [u8; 3],
    pub faces: Vec<FaceBinding>,
    /// Chosen reference pictures.
    pub references: Vec<Reference>,
    /// Other films of the same actor, with the person's number in each.
    pub footage: Vec<(MediaId, u32)>,
}

/// In this stretch of this film the character is person number `person` of the film's face analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaceBinding {
    pub media: MediaId,
    /// Media time: the whole film, or one shot. A character's stretches of one film do not overlap.
    pub range: TimeRange,
    pub person: u32,
}

/// From media time `from` on, until the next key, families that look at a reference see the actor at `picture`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    pub media: MediaId,
    pub from: Time,
    pub picture: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Sequence time.
    pub at: Time,
    pub name: String,
    /// sRGB.
    pub colour: [u8; 3],
}

/// What holds for the whole project until a line says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub method: Method,
    pub original: Original,
}

/// What becomes of the original sound under a dubbed line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Original {
    #[default]
    Mute,
    Duck,
    Keep,
}

impl Project {
    /// Empty, with one voice track.
    pub fn new(name: impl Into<String>, rate: FrameRate) -> Project {
        Project {
            name: name.into(),
            next_id: 3,
            media: Arc::default(),
            sequence: Sequence {
                rate,
                drop_frame: false,
                start: Time::ZERO,
                picture: Arc::new(Track::new(TrackId(1), "Picture")),
                voices: vec![Arc::new(Track::new(TrackId(2), "Voice 1"))],
            },
            characters: Arc::default(),
            cues: Arc::default(),
            markers: Arc::default(),
            settings: Settings::default(),
            unknown: None,
        }
    }

    pub(crate) fn fresh<Id: From<u64>>(&mut self) -> Id {
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        Id::from(id)
    }
}

impl Character {
    pub fn new(name: impl Into<String>, colour: [u8; 3]) -> Character {
        let name = name.into();
        Character { name, colour, faces: Vec::new(), references: Vec::new(), footage: Vec::new() }
    }
}
