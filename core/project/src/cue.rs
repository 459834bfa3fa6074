//! A line of dialogue and its takes.

use crate::id::{CharacterId, ClipId, MediaId, TakeId};
use crate::take::{FaceKey, Method, TakeSpec};
use lipsmith_base::{Rect, Time, TimeRange};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// Sequence time; not empty.
    pub range: TimeRange,
    pub text: String,
    /// Who speaks.
    pub character: Option<CharacterId>,
    /// The clip on a voice track that is to be seen spoken.
    pub voice: Option<ClipId>,
    pub treatment: Treatment,
    /// Rendered beyond both ends of the line, to cross-fade in.
    pub handles: Time,
    /// How its takes are made; `None` as the project's settings say.
    pub method: Option<Method>,
    pub takes: BTreeMap<TakeId, Take>,
    /// The take that is seen; `None` shows the film as it is.
    pub chosen: Option<TakeId>,
    /// Where another take than the chosen one is seen; by start, without overlap.
    pub comp: Vec<CompSpan>,
    /// Where the editor has put the speaker's face because tracking is off; by film and time, one each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faces: Vec<FacePlace>,
}

/// At time `at` of a film the speaker's face is in `rect`, in pixels of the film. Between such places, and from the
/// first and last on within their shot, the tracked face is corrected as much as they say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FacePlace {
    pub media: MediaId,
    pub at: Time,
    pub rect: Rect,
}

/// What is to become of the mouth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    Sync,
    /// Off-screen, from behind, or good as it is: the film's own picture stays.
    Leave,
}

/// What was, or is to be, rendered for a line. Its pictures are in the cache, named by the parts' keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Take {
    pub name: String,
    /// Stars, 0..=5; 0 is not rated.
    pub rating: u8,
    /// One for each stretch of film under the line, in sequence order; never empty.
    pub parts: Vec<TakeSpec>,
}

/// A stretch of a line that shows a certain take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompSpan {
    /// Counted from the start of the line; may reach into its handles.
    pub range: TimeRange,
    pub take: TakeId,
}

impl Cue {
    /// A line to be synced, without takes.
    pub fn new(range: TimeRange, text: impl Into<String>) -> Cue {
        Cue {
            range,
            text: text.into(),
            character: None,
            voice: None,
            treatment: Treatment::Sync,
            handles: Time::ZERO,
            method: None,
            takes: BTreeMap::new(),
            chosen: None,
            comp: Vec::new(),
            faces: Vec::new(),
        }
    }

    /// Sequence time that is rendered: the line and its handles.
    pub fn rendered(&self) -> TimeRange {
        TimeRange::new((self.range.start() - self.handles).max(Time::ZERO), self.range.end() + self.handles)
    }

    /// The take seen at a sequence time; `None` outside the line, where it is left, and before one is chosen.
    pub fn take_at(&self, time: Time) -> Option<&Take> {
        if self.treatment == Treatment::Leave || !self.rendered().contains(time) {
            return None;
        }
        let offset = time - self.range.start();
        let comped = self.comp.iter().find(|span| span.range.contains(offset)).map(|span| span.take);
        self.takes.get(&comped.or(self.chosen)?)
    }

    /// How much of a take is seen at a sequence time, 0..=1: all of it in the line, a straight fade in its handles.
    pub fn opacity_at(&self, time: Time) -> f32 {
        let outside = (self.range.start() - time).max(time - self.range.end());
        if outside <= Time::ZERO {
            return 1.0;
        }
        if outside >= self.handles {
            0.0
        } else {
            1.0 - (outside.secs_f64() / self.handles.secs_f64()) as f32
        }
    }

    /// Where the editor has put the face in a stretch of film.
    pub fn faces_in(&self, media: MediaId, film: TimeRange) -> Vec<FaceKey> {
        let inside = self.faces.iter().filter(|place| place.media == media && film.contains(place.at));
        inside.map(|place| FaceKey { at: place.at, rect: place.rect }).collect()
    }

    /// Moves or trims the line. Comp spans go along when it is moved; when it is trimmed they stay where they
    /// are in the film and lose what falls outside.
    pub(crate) fn set_range(&mut self, range: TimeRange) {
        let moved = range.duration() == self.range.duration();
        let by = if moved { range.start() - self.range.start() } else { Time::ZERO };
        self.retime(range, |span| span.shifted(by));
    }

    /// Puts the line to `range` and each comp span, in sequence time, to where `map` says; clipped to the line.
    pub(crate) fn retime(&mut self, range: TimeRange, map: impl Fn(TimeRange) -> TimeRange) {
        let old_start = self.range.start();
        self.range = range;
        let room = self.comp_room();
        for span in &mut self.comp {
            span.range = map(span.range.shifted(old_start)).shifted(-range.start()).intersect(room);
        }
        self.comp.retain(|span| !span.range.is_empty());
    }

    /// Where comp spans may lie.
    pub(crate) fn comp_room(&self) -> TimeRange {
        TimeRange::new(-self.handles, self.range.duration() + self.handles)
    }
}
