//! Cutting: the same edits for film on the picture track and for voices on theirs.

use super::{EditError, found};
use crate::cue::Cue;
use crate::id::{ClipId, MediaId, TrackId};
use crate::project::Project;
use crate::sequence::{Clip, Track};
use lipsmith_base::{Time, TimeRange};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Times are sequence times unless said otherwise. Where a clip comes to lie it replaces what was there.
#[derive(Clone, Debug, PartialEq)]
pub enum ClipEdit {
    /// Lays a stretch of media (`source`: media time) down at `at`. Rippling, it inserts: what lies under `at` is
    /// split and makes room.
    Place {
        track: TrackId,
        media: MediaId,
        source: TimeRange,
        at: Time,
        ripple: Ripple,
    },
    /// Takes a clip up and lays it down elsewhere. Inserting, it leaves no gap behind and makes room where it goes;
    /// what lies on other tracks stays where it is.
    Move {
        clip: ClipId,
        track: TrackId,
        to: Time,
        insert: bool,
    },
    /// Puts one end of a clip to a time. Unless it ripples, a neighbour in the way refuses it.
    Trim {
        clip: ClipId,
        edge: Edge,
        to: Time,
        ripple: Ripple,
    },
    /// Shows what lies `by` later in the media, in the same place.
    Slip {
        clip: ClipId,
        by: Time,
    },
    /// Makes two clips of one; the second gets the new number.
    Split {
        clip: ClipId,
        at: Time,
    },
    /// Leaves a gap unless it ripples.
    Remove {
        clip: ClipId,
        ripple: Ripple,
    },
    /// Removes the gap that a time lies in.
    CloseGap {
        track: TrackId,
        at: Time,
        ripple: Ripple,
    },
    Gain {
        clip: ClipId,
        gain_db: f32,
    },
    Fade {
        clip: ClipId,
        fade_in: Time,
        fade_out: Time,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Head,
    Tail,
}

/// What follows when a clip grows, shrinks, comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ripple {
    Off,
    /// The rest of the clip's own track.
    Track,
    /// All tracks that are not locked, cues and markers: picture and voices stay in sync.
    All,
}

impl ClipEdit {
    pub(super) fn label(&self) -> &str {
        match self {
            ClipEdit::Place { ripple: Ripple::Off, .. } => "Overwrite clip",
            ClipEdit::Place { .. } => "Insert clip",
            ClipEdit::Move { .. } => "Move clip",
            ClipEdit::Trim { ripple: Ripple::Off, .. } => "Trim clip",
            ClipEdit::Trim { .. } => "Ripple trim",
            ClipEdit::Slip { .. } => "Slip clip",
            ClipEdit::Split { .. } => "Split clip",
            ClipEdit::Remove { ripple: Ripple::Off, .. } => "Delete clip",
            ClipEdit::Remove { .. } => "Ripple delete",
            ClipEdit::CloseGap { .. } => "Close gap",
            ClipEdit::Gain { .. } => "Change gain",
            ClipEdit::Fade { .. } => "Change fades",
        }
    }

    pub(super) fn change(&self, project: &mut Project) -> Result<(), EditError> {
        match *self {
            ClipEdit::Place { track, media, source, at, ripple } => {
                let clip = Clip::new(project.fresh(), media, at, source);
                lay(project, track, clip, ripple)?;
            }
            ClipEdit::Move { clip, track, to, insert } => {
                let (from, clip) = take_up(project, clip)?;
                let hole = clip.range();
                let ripple = if insert { Ripple::Track } else { Ripple::Off };
                if insert {
                    close(project, from, hole, ripple);
                }
                let start = if insert && from == track { after_removal(hole, to) } else { to };
                lay(project, track, Clip { start, ..clip }, ripple)?;
            }
            ClipEdit::Trim { clip, edge, to, ripple } => trim(project, clip, edge, to, ripple)?,
            ClipEdit::Slip { clip, by } => {
                let (track, index) = open_track(project, clip)?;
                let clip = &mut track.clips[index];
                clip.source = clip.source.shifted(by);
            }
            ClipEdit::Split { clip, at } => {
                let mut next_id = project.next_id;
                let (track, index) = open_track(project, clip)?;
                if at <= track.clips[index].start || at >= track.clips[index].end() {
                    return Err(EditError::Pointless(
                        "a clip is split inside it; move the playhead onto the clip",
                    ));
                }
                split(&mut track.clips, at, &mut next_id);
                project.next_id = next_id;
            }
            ClipEdit::Remove { clip, ripple } => {
                let (track, clip) = take_up(project, clip)?;
                if ripple != Ripple::Off {
                    close(project, track, clip.range(), ripple);
                }
            }
            ClipEdit::CloseGap { track, at, ripple } => {
                let gap = gap_at(unlocked(project, track)?, at).ok_or(EditError::Pointless(
                    "there is no gap to close here; put the playhead between two clips",
                ))?;
                close(project, track, gap, if ripple == Ripple::Off { Ripple::Track } else { ripple });
            }
            ClipEdit::Gain { clip, gain_db } => {
                let (track, index) = open_track(project, clip)?;
                track.clips[index].gain_db = gain_db;
            }
            ClipEdit::Fade { clip, fade_in, fade_out } => {
                let (track, index) = open_track(project, clip)?;
                let clip = &mut track.clips[index];
                (clip.fade_in, clip.fade_out) = (fade_in, fade_out);
            }
        }
        forget_lost_voices(project);
        Ok(())
    }
}

/// Growing with a ripple makes room and then takes it; shrinking with one trims and then closes the hole.
fn trim(project: &mut Project, id: ClipId, edge: Edge, to: Time, ripple: Ripple) -> Result<(), EditError> {
    let (track, index) = open_track(project, id)?;
    let (track, old) = (track.id, track.clips[index].range());
    let (from, left) = match edge {
        Edge::Head => (old.start(), TimeRange::new(to, old.end())),
        Edge::Tail => (old.end(), TimeRange::new(old.start(), to)),
    };
    if left.is_empty() {
        return Err(EditError::Pointless("nothing would be left of the clip; delete it instead"));
    }
    let between = TimeRange::new(from.min(to), from.max(to));
    let room_made = ripple != Ripple::Off && left.duration() > old.duration();
    if room_made {
        open(project, track, from, between.duration(), ripple);
    }
    let (open_track, index) = open_track(project, id)?;
    let clip = &mut open_track.clips[index];
    let source = clip.source;
    (clip.start, clip.source) = match edge {
        Edge::Head => {
            let start = if room_made { from } else { to };
            (start, TimeRange::new(source.start() + (to - from), source.end()))
        }
        Edge::Tail => (clip.start, TimeRange::new(source.start(), source.end() + (to - from))),
    };
    clip.fit_fades();
    if ripple != Ripple::Off && !room_made {
        close(project, track, between, ripple);
    }
    Ok(())
}

/// Puts a clip onto a track, over what is there or, rippling, between.
fn lay(project: &mut Project, track: TrackId, clip: Clip, ripple: Ripple) -> Result<(), EditError> {
    let mut next_id = project.next_id;
    let clips = &mut unlocked(project, track)?.clips;
    if ripple == Ripple::Off {
        lift(clips, clip.range(), &mut next_id);
    } else {
        split(clips, clip.start, &mut next_id);
    }
    project.next_id = next_id;
    if ripple != Ripple::Off {
        open(project, track, clip.start, clip.duration(), ripple);
    }
    let clips = &mut unlocked(project, track)?.clips;
    clips.insert(clips.partition_point(|other| other.start <= clip.start), clip);
    Ok(())
}

fn take_up(project: &mut Project, id: ClipId) -> Result<(TrackId, Clip), EditError> {
    let (track, index) = open_track(project, id)?;
    Ok((track.id, track.clips.remove(index)))
}

/// Moves what begins at or after `at` on by `by`.
fn open(project: &mut Project, track: TrackId, at: Time, by: Time, ripple: Ripple) {
    for track in rippling(project, track, ripple).filter(|track| track.end() > at) {
        let clips = &mut Arc::make_mut(track).clips;
        clips.iter_mut().filter(|clip| clip.start >= at).for_each(|clip| clip.start += by);
    }
    if ripple == Ripple::All {
        let start = |time| if time >= at { time + by } else { time };
        let end = |time| if time > at { time + by } else { time };
        retime(project, at, |range| TimeRange::new(start(range.start()), end(range.end())));
    }
}

/// Cuts `hole` out and moves what is behind it up.
fn close(project: &mut Project, track: TrackId, hole: TimeRange, ripple: Ripple) {
    let mut next_id = project.next_id;
    for track in rippling(project, track, ripple).filter(|track| track.end() > hole.start()) {
        let clips = &mut Arc::make_mut(track).clips;
        lift(clips, hole, &mut next_id);
        clips
            .iter_mut()
            .filter(|clip| clip.start >= hole.end())
            .for_each(|clip| clip.start -= hole.duration());
    }
    project.next_id = next_id;
    if ripple == Ripple::All {
        let map = |time| after_removal(hole, time);
        retime(project, hole.start(), |range| TimeRange::new(map(range.start()), map(range.end())));
    }
}

/// The tracks that a ripple reaches.
fn rippling(project: &mut Project, track: TrackId, ripple: Ripple) -> impl Iterator<Item = &mut Arc<Track>> {
    let reached =
        move |other: &&mut Arc<Track>| other.id == track || (ripple == Ripple::All && !other.locked);
    project.sequence.tracks_mut().filter(reached)
}

/// Where a time comes to lie when `hole` is cut out.
fn after_removal(hole: TimeRange, time: Time) -> Time {
    if time <= hole.start() { time } else { hole.start().max(time - hole.duration()) }
}

/// Lets cues and markers from `from` on follow a ripple; lines of which nothing is left go.
fn retime(project: &mut Project, from: Time, map: impl Fn(TimeRange) -> TimeRange) {
    if project.cues.values().any(|cue| cue.range.end() > from) {
        let cues = Arc::make_mut(&mut project.cues);
        for cue in cues.values_mut().filter(|cue| cue.range.end() > from) {
            let range = map(cue.range);
            Arc::make_mut(cue).retime(range, &map);
        }
        cues.retain(|_, cue| !cue.range.is_empty());
    }
    if project.markers.values().any(|marker| marker.at >= from) {
        for marker in Arc::make_mut(&mut project.markers).values_mut() {
            marker.at = map(TimeRange::new(marker.at, marker.at)).start();
        }
    }
}

/// Clears `range`. Clips that reach into it are trimmed; of one that spans it, the part behind gets a new number.
fn lift(clips: &mut Vec<Clip>, range: TimeRange, next_id: &mut u64) {
    let mut kept = Vec::with_capacity(clips.len() + 1);
    for clip in clips.drain(..) {
        if !clip.range().overlaps(range) {
            kept.push(clip);
            continue;
        }
        let before = clip.part(TimeRange::new(clip.start, range.start()));
        let mut behind = clip.part(TimeRange::new(range.end(), clip.end()));
        if let (Some(_), Some(behind)) = (&before, &mut behind) {
            behind.id = ClipId(take_number(next_id));
        }
        kept.extend(before.into_iter().chain(behind));
    }
    *clips = kept;
}

/// Cuts the clip that spans `at`, if one does; the part behind gets a new number.
fn split(clips: &mut Vec<Clip>, at: Time, next_id: &mut u64) {
    let Some(index) = clips.iter().position(|clip| clip.start < at && at < clip.end()) else { return };
    let whole = &clips[index];
    let before = whole.part(TimeRange::new(whole.start, at));
    let behind = whole
        .part(TimeRange::new(at, whole.end()))
        .map(|clip| Clip { id: ClipId(take_number(next_id)), ..clip });
    clips.splice(index..=index, before.into_iter().chain(behind));
}

fn take_number(next_id: &mut u64) -> u64 {
    let number = *next_id;
    *next_id = number.saturating_add(1);
    number
}

/// The gap before a clip that `at` lies in.
fn gap_at(track: &Track, at: Time) -> Option<TimeRange> {
    let next = track.clips.partition_point(|clip| clip.end() <= at);
    let end = track.clips.get(next)?.start;
    let start = next.checked_sub(1).and_then(|i| track.clips.get(i)).map_or(Time::ZERO, Clip::end);
    Some(TimeRange::new(start, end)).filter(|gap| gap.contains(at))
}

/// A cue whose voice was cut away or moved to the picture track has none.
pub(super) fn forget_lost_voices(project: &mut Project) {
    let voices: BTreeSet<ClipId> =
        project.sequence.voices.iter().flat_map(|track| track.clips.iter().map(|clip| clip.id)).collect();
    let lost = |cue: &Cue| cue.voice.is_some_and(|voice| !voices.contains(&voice));
    if project.cues.values().any(|cue| lost(cue)) {
        for cue in Arc::make_mut(&mut project.cues).values_mut().filter(|cue| lost(cue)) {
            Arc::make_mut(cue).voice = None;
        }
    }
}

/// A track whose clips may be changed.
fn unlocked(project: &mut Project, id: TrackId) -> Result<&mut Track, EditError> {
    let track = found(project.sequence.tracks_mut().find(|track| track.id == id), "track", id.0)?;
    if track.locked { Err(EditError::Locked(track.name.clone())) } else { Ok(Arc::make_mut(track)) }
}

/// The track of a clip that may be changed, and where on it the clip is.
fn open_track(project: &mut Project, id: ClipId) -> Result<(&mut Track, usize), EditError> {
    let at = |track: &Arc<Track>| track.clips.iter().position(|clip| clip.id == id);
    let place = project.sequence.tracks().find_map(|track| Some((track.id, at(track)?)));
    let (track, index) = found(place, "clip", id.0)?;
    Ok((unlocked(project, track)?, index))
}

impl Clip {
    /// The part of it that covers a range of the sequence; its fades stay at the ends that were not cut. `None` for
    /// an empty range.
    fn part(&self, range: TimeRange) -> Option<Clip> {
        let fade_in = if range.start() == self.start { self.fade_in } else { Time::ZERO };
        let fade_out = if range.end() == self.end() { self.fade_out } else { Time::ZERO };
        let source = range.shifted(self.offset());
        let mut part = Clip { start: range.start(), source, fade_in, fade_out, ..self.clone() };
        part.fit_fades();
        (!range.is_empty()).then_some(part)
    }

    /// Shortens the fades to what the clip has room for.
    fn fit_fades(&mut self) {
        self.fade_in = self.fade_in.min(self.duration());
        self.fade_out = self.fade_out.min(self.duration() - self.fade_in);
    }
}
