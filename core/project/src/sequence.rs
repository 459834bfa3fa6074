//! The cut: a picture track and voice tracks, all of clips placed in sequence time.
//!
//! A clip holds its own start rather than following from the clips before it. A ripple then moves every later
//! start, but picture and voice are one kind of track with one set of edits, a clip is found by bisection, and
//! clips, cues and markers all speak the same time. (OTIO lays items end to end with gap items instead.)

use crate::id::{ClipId, MediaId, TrackId};
use lipsmith_base::time::FLICKS;
use lipsmith_base::{FrameRate, Time, TimeRange, Timecode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// No time in a project lies further from zero; leaves room to calculate without overflow.
pub const LONGEST: Time = Time(1000 * 3600 * FLICKS);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequence {
    pub rate: FrameRate,
    /// Label the frames with drop-frame numbers (29.97 and 59.94 only).
    pub drop_frame: bool,
    /// What the timecode shows at sequence time zero; an hour by custom.
    pub start: Time,
    /// Film clips; their sound is the original sound.
    pub picture: Arc<Track>,
    /// The dubbed voices, top to bottom.
    pub voices: Vec<Arc<Track>>,
}

impl Sequence {
    /// How frames of this sequence are labelled.
    pub fn labels(&self) -> Timecode {
        if self.drop_frame { Timecode::drop_where_usual(self.rate) } else { Timecode::non_drop(self.rate) }
    }

    /// The picture track first.
    pub fn tracks(&self) -> impl Iterator<Item = &Arc<Track>> {
        std::iter::once(&self.picture).chain(&self.voices)
    }

    pub(crate) fn tracks_mut(&mut self) -> impl Iterator<Item = &mut Arc<Track>> {
        std::iter::once(&mut self.picture).chain(&mut self.voices)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    pub id: TrackId,
    pub name: String,
    pub gain_db: f32,
    pub muted: bool,
    /// While any track is soloed only soloed ones are heard.
    pub solo: bool,
    /// Clips cannot be edited and ripples pass by.
    pub locked: bool,
    /// By start, without overlap.
    pub clips: Vec<Clip>,
}

impl Track {
    pub fn new(id: TrackId, name: impl Into<String>) -> Track {
        let name = name.into();
        Track { id, name, gain_db: 0.0, muted: false, solo: false, locked: false, clips: Vec::new() }
    }

    /// End of the last clip.
    pub fn end(&self) -> Time {
        self.clips.last().map_or(Time::ZERO, Clip::end)
    }

    pub fn clip_at(&self, time: Time) -> Option<&Clip> {
        let after = self.clips.partition_point(|clip| clip.start <= time);
        self.clips[..after].last().filter(|clip| time < clip.end())
    }

    /// The clips that share time with `range`.
    pub fn clips_in(&self, range: TimeRange) -> &[Clip] {
        let from = self.clips.partition_point(|clip| clip.end() <= range.start());
        let to = self.clips.partition_point(|clip| clip.start < range.end());
        &self.clips[from.min(to)..to]
    }
}

/// A stretch of a media file laid into the sequence, unstretched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clip {
    pub id: ClipId,
    pub media: MediaId,
    /// Sequence time.
    pub start: Time,
    /// Media time; not empty, inside the media.
    pub source: TimeRange,
    /// Of its sound, as are the fades; these together last no longer than the clip.
    pub gain_db: f32,
    pub fade_in: Time,
    pub fade_out: Time,
}

impl Clip {
    pub fn new(id: ClipId, media: MediaId, start: Time, source: TimeRange) -> Clip {
        Clip { id, media, start, source, gain_db: 0.0, fade_in: Time::ZERO, fade_out: Time::ZERO }
    }

    pub fn duration(&self) -> Time {
        self.source.duration()
    }

    pub fn end(&self) -> Time {
        self.start + self.duration()
    }

    /// Sequence time it covers.
    pub fn range(&self) -> TimeRange {
        TimeRange::with_duration(self.start, self.duration())
    }

    /// Media time minus sequence time.
    pub fn offset(&self) -> Time {
        self.source.start() - self.start
    }
}
