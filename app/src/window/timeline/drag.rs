//! Gestures: where the pointer has gone since it was pressed, as an edit of the project as it was then.

use super::hit::{Hit, Part, gain_per_point};
use super::layout::Lane;
use super::snap::Snap;
use crate::window::session::Selection;
use egui::Modifiers;
use lipsmith_base::{Time, TimeRange};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, Ripple, TakeEdit};
use lipsmith_project::{Clip, ClipId, CueId, Edit, MarkerId, MediaId, Project, TakeId, Track};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    Scrub,
    /// The in or out mark.
    Mark(Edge),
    Marker(MarkerId),
    /// The selection, taken at this clip or line.
    MoveClip(ClipId),
    MoveCue(CueId),
    Trim(ClipId, Edge),
    /// The clip's ripple goes through all tracks.
    RippleTrim(ClipId, Edge),
    TrimCue(CueId, Edge),
    /// Other media in the same place.
    Slip(ClipId),
    Fade(ClipId, Edge),
    Gain(ClipId),
    /// Paints a take over a part of its line.
    Comp(CueId, TakeId),
    Marquee,
}

/// Where the pointer is and was.
#[derive(Clone, Copy, Debug)]
pub struct Motion {
    pub pressed: Time,
    pub now: Time,
    /// Points upwards since the press.
    pub up: f32,
    /// Height of the lane it was pressed in.
    pub height: f32,
    /// Where the pointer is.
    pub lane: Option<Lane>,
    /// Ctrl, or Cmd: inserts, or goes finely.
    pub command: bool,
}

/// What a gesture comes to, and the time to which something sticks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    pub edit: Option<Edit>,
    pub guide: Option<Time>,
}

/// What dragging from here means.
pub fn begin(hit: Hit, modifiers: Modifiers) -> Gesture {
    match hit {
        Hit::Ruler => Gesture::Scrub,
        Hit::Mark(edge) => Gesture::Mark(edge),
        Hit::Marker(id) => Gesture::Marker(id),
        Hit::Clip(id, Part::Body) if modifiers.alt => Gesture::Slip(id),
        Hit::Clip(id, Part::Body) => Gesture::MoveClip(id),
        Hit::Clip(id, Part::End(edge)) if modifiers.command => Gesture::RippleTrim(id, edge),
        Hit::Clip(id, Part::End(edge)) => Gesture::Trim(id, edge),
        Hit::Clip(id, Part::Fade(edge)) => Gesture::Fade(id, edge),
        Hit::Clip(id, Part::Gain) => Gesture::Gain(id),
        Hit::Cue(id, Part::End(edge)) => Gesture::TrimCue(id, edge),
        Hit::Cue(id, _) => Gesture::MoveCue(id),
        Hit::Take(cue, take) => Gesture::Comp(cue, take),
        Hit::Person(_) | Hit::Empty => Gesture::Marquee,
    }
}

impl Gesture {
    /// What the gesture makes of `base`, the project before it. Scrubbing, marks and the marquee edit nothing.
    pub fn outcome(self, base: &Project, selection: &Selection, motion: &Motion, snap: &Snap) -> Outcome {
        let found = match self {
            Gesture::MoveClip(_) | Gesture::MoveCue(_) => self.moved(base, selection, motion, snap),
            Gesture::Trim(id, edge) => trim(base, selection, id, edge, Ripple::Off, motion, snap),
            Gesture::RippleTrim(id, edge) => trim(base, selection, id, edge, Ripple::All, motion, snap),
            Gesture::TrimCue(id, edge) => trim_cue(base, id, edge, motion, snap),
            Gesture::Slip(id) => slip(base, selection, id, motion, snap),
            Gesture::Fade(id, edge) => fade(base, id, edge, motion, snap),
            Gesture::Gain(id) => gain(base, selection, id, motion, snap),
            Gesture::Marker(id) => marker(base, id, motion, snap),
            Gesture::Comp(cue, take) => comp(base, cue, take, motion, snap),
            Gesture::Scrub | Gesture::Mark(_) | Gesture::Marquee => None,
        };
        found.unwrap_or_default()
    }

    fn moved(self, base: &Project, selection: &Selection, motion: &Motion, snap: &Snap) -> Option<Outcome> {
        let clips = open_clips(base, |clip| selection.clips.contains(&clip.id));
        let insert = motion.command && clips.len() == 1 && selection.cues.is_empty();
        // A voice takes its lines along, but for where it makes itself room.
        let voices = if insert { BTreeSet::new() } else { clips.iter().map(|(_, clip)| clip.id).collect() };
        let cues: BTreeMap<_, _> = (selection.cues.iter())
            .filter_map(|id| Some((*id, base.cues.get(id)?.range)))
            .chain(base.spoken_by(&voices).map(|(id, cue)| (id, cue.range)))
            .collect();
        let taken = match self {
            Gesture::MoveClip(id) => clips.iter().find(|(_, clip)| clip.id == id)?.1.range(),
            Gesture::MoveCue(id) => *cues.get(&id)?,
            _ => return None,
        };
        let ranges = || clips.iter().map(|(_, clip)| clip.range()).chain(cues.values().copied());
        let first = ranges().map(|range| range.start()).min()?;
        let last = ranges().map(|range| range.end()).max()?;
        let whole = !cues.is_empty() || clips.iter().any(|(index, _)| *index == 0);
        let edges = [taken.start(), taken.end(), first, last];
        let (by, guide) = snap.shift(&edges, (motion.now - motion.pressed).max(-first), whole);
        let by = by.max(-first);

        let down = self.tracks_down(base, &clips, motion.lane);
        let tracks: Vec<_> = base.sequence.tracks().collect();
        let mut ordered = clips;
        // Whatever is in front moves first, so that nothing of the selection is laid over the rest of it.
        ordered.sort_by_key(|(index, clip)| {
            let row = *index as isize * -down.signum();
            (row, if by > Time::ZERO { -clip.start } else { clip.start })
        });
        let mut edits = Vec::with_capacity(ordered.len() + cues.len());
        for (index, clip) in &ordered {
            let to = if *index == 0 { 0 } else { index.checked_add_signed(down)? };
            let track = tracks.get(to)?.id;
            edits.push(ClipEdit::Move { clip: clip.id, track, to: clip.start + by, insert }.into());
        }
        edits.extend(
            cues.iter().map(|(cue, range)| CueEdit::Move { cue: *cue, range: range.shifted(by) }.into()),
        );
        Some(Outcome { edit: several("Move", edits), guide })
    }

    /// By how many voice tracks the selection goes down, as far as it all stays on open ones.
    fn tracks_down(self, base: &Project, clips: &[(usize, &Clip)], lane: Option<Lane>) -> isize {
        let Gesture::MoveClip(id) = self else { return 0 };
        let Some(Lane::Voice(track)) = lane else { return 0 };
        let taken = clips.iter().find(|(_, clip)| clip.id == id).map_or(0, |(index, _)| *index);
        let target = base.sequence.voices.iter().position(|voice| voice.id == track).map_or(0, |at| at + 1);
        if taken == 0 || target == 0 {
            return 0;
        }
        let down = target as isize - taken as isize;
        let open = |index: usize| {
            let voice = index.checked_add_signed(down - 1).and_then(|at| base.sequence.voices.get(at));
            voice.is_some_and(|voice| !voice.locked)
        };
        let voices = || clips.iter().filter(|(index, _)| *index > 0);
        if voices().all(|(index, _)| *index as isize + down > 0 && open(*index)) { down } else { 0 }
    }
}

fn trim(
    base: &Project,
    selection: &Selection,
    id: ClipId,
    edge: Edge,
    ripple: Ripple,
    motion: &Motion,
    snap: &Snap,
) -> Option<Outcome> {
    let together = ripple == Ripple::Off && selection.clips.contains(&id);
    let clips = open_clips(base, |clip| clip.id == id || (together && selection.clips.contains(&clip.id)));
    let end = |clip: &Clip| if edge == Edge::Head { clip.start } else { clip.end() };
    let (index, taken) = *clips.iter().find(|(_, clip)| clip.id == id)?;
    let (by, guide) = snap.shift(&[end(taken)], motion.now - motion.pressed, index == 0);
    let bounds = clips.iter().map(|(index, clip)| room(base, *index, clip, edge, ripple));
    let [least, most] = bounds.reduce(|a, b| [a[0].max(b[0]), a[1].min(b[1])])?;
    let kept = by.clamp(least.min(Time::ZERO), most.max(Time::ZERO));
    let edits = clips
        .iter()
        .map(|(_, clip)| ClipEdit::Trim { clip: clip.id, edge, to: end(clip) + kept, ripple }.into());
    Some(Outcome { edit: several("Trim", edits.collect()), guide: guide.filter(|_| kept == by) })
}

/// How far an edge can go to both sides before media, neighbour or the clip itself ends.
fn room(base: &Project, track: usize, clip: &Clip, edge: Edge, ripple: Ripple) -> [Time; 2] {
    let frame = base.sequence.rate.frame_duration();
    let inward = (clip.duration() - frame).max(Time::ZERO);
    let clips = base.sequence.tracks().nth(track).map_or(&[][..], |track| &track.clips);
    let at = clips.partition_point(|other| other.start < clip.start);
    match edge {
        Edge::Head => {
            let before = at.checked_sub(1).and_then(|at| clips.get(at)).map_or(Time::ZERO, Clip::end);
            let gap = if ripple == Ripple::Off { clip.start - before } else { Time::MAX };
            [-clip.source.start().min(gap), inward]
        }
        Edge::Tail => {
            let media = base.media.get(&clip.media).map_or(clip.source.end(), |media| media.duration);
            let next = clips.get(at + 1).filter(|_| ripple == Ripple::Off);
            let gap = next.map_or(Time::MAX, |next| next.start - clip.end());
            [-inward, (media - clip.source.end()).min(gap)]
        }
    }
}

fn trim_cue(base: &Project, id: CueId, edge: Edge, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let range = base.cues.get(&id)?.range;
    let frame = base.sequence.rate.frame_duration();
    let (old, least, most) = match edge {
        Edge::Head => (range.start(), Time::ZERO, range.end() - frame),
        Edge::Tail => (range.end(), range.start() + frame, Time::MAX),
    };
    let (by, guide) = snap.shift(&[old], motion.now - motion.pressed, true);
    let to = (old + by).clamp(least, most.max(least));
    let range = match edge {
        Edge::Head => TimeRange::new(to, range.end()),
        Edge::Tail => TimeRange::new(range.start(), to),
    };
    Some(Outcome {
        edit: Some(CueEdit::Move { cue: id, range }.into()),
        guide: guide.filter(|_| to == old + by),
    })
}

/// Dragging to the right shows earlier media.
fn slip(base: &Project, selection: &Selection, id: ClipId, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let clips = open_clips(base, |clip| clip.id == id || both(selection, id, clip));
    let whole = clips.iter().any(|(index, _)| *index == 0);
    let asked = motion.pressed - motion.now;
    let by = if whole || snap.on { snap.frame(asked) } else { asked };
    let bounds = clips.iter().map(|(_, clip)| {
        let media = base.media.get(&clip.media).map_or(clip.source.end(), |media| media.duration);
        [-clip.source.start(), media - clip.source.end()]
    });
    let [least, most] = bounds.reduce(|a, b| [a[0].max(b[0]), a[1].min(b[1])])?;
    let by = by.clamp(least, most.max(least));
    let edits = clips.iter().map(|(_, clip)| ClipEdit::Slip { clip: clip.id, by }.into());
    Some(Outcome { edit: several("Slip", edits.collect()), guide: None })
}

fn fade(base: &Project, id: ClipId, edge: Edge, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let (_, clip) = *open_clips(base, |clip| clip.id == id).first()?;
    let (at, guide) = snap.time(motion.now, false);
    let (fade_in, fade_out) = match edge {
        Edge::Head => ((at - clip.start).min(clip.duration() - clip.fade_out), clip.fade_out),
        Edge::Tail => (clip.fade_in, (clip.end() - at).min(clip.duration() - clip.fade_in)),
    };
    let (fade_in, fade_out) = (fade_in.max(Time::ZERO), fade_out.max(Time::ZERO));
    Some(Outcome { edit: Some(ClipEdit::Fade { clip: id, fade_in, fade_out }.into()), guide })
}

fn gain(base: &Project, selection: &Selection, id: ClipId, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let fine = if motion.command { 0.2 } else { 1.0 };
    let by = motion.up * gain_per_point(motion.height) * fine;
    let louder = |db: f32| {
        let db = ((db + by) * 10.0).round() / 10.0;
        // Unchanged sound is what people look for.
        let db = if snap.on && !motion.command && db.abs() < 0.8 { 0.0 } else { db };
        db.clamp(-96.0, 24.0)
    };
    let clips = open_clips(base, |clip| clip.id == id || both(selection, id, clip));
    let edits =
        clips.iter().map(|(_, clip)| ClipEdit::Gain { clip: clip.id, gain_db: louder(clip.gain_db) }.into());
    Some(Outcome { edit: several("Change gain", edits.collect()), guide: None })
}

fn marker(base: &Project, id: MarkerId, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let mut marker = base.markers.get(&id)?.clone();
    let (by, guide) = snap.shift(&[marker.at], motion.now - motion.pressed, true);
    marker.at = (marker.at + by).max(Time::ZERO);
    Some(Outcome { edit: Some(CastEdit::SetMarker(id, marker).into()), guide })
}

fn comp(base: &Project, cue: CueId, take: TakeId, motion: &Motion, snap: &Snap) -> Option<Outcome> {
    let line = base.cues.get(&cue)?;
    let (from, _) = snap.time(motion.pressed.min(motion.now), true);
    let (to, guide) = snap.time(motion.pressed.max(motion.now), true);
    let range = TimeRange::new(from, to).intersect(line.rendered()).shifted(-line.range.start());
    let edit = TakeEdit::Comp { cue, range, take: Some(take) };
    (!range.is_empty()).then(|| Outcome { edit: Some(edit.into()), guide })
}

/// Media from the pool, let go over a lane. `None` where it cannot lie.
pub fn drop_media(
    base: &Project,
    media: MediaId,
    lane: Option<Lane>,
    at: Time,
    ripple: Ripple,
    new_track: &str,
) -> Option<Edit> {
    use lipsmith_project::TrackId;
    use lipsmith_project::edit::TrackEdit;
    let known = base.media.get(&media)?;
    let source = TimeRange::new(Time::ZERO, known.duration);
    let place = |track| ClipEdit::Place { track, media, source, at: at.max(Time::ZERO), ripple }.into();
    match lane {
        Some(Lane::Picture | Lane::Original | Lane::Person(_)) => {
            known.video.map(|_| place(base.sequence.picture.id))
        }
        _ if known.sound.is_none() => None,
        Some(Lane::Voice(track)) => Some(place(track)),
        _ => Some(Edit::Several {
            label: "Place clip".into(),
            edits: vec![TrackEdit::Add { name: new_track.into() }.into(), place(TrackId(base.next_id))],
        }),
    }
}

/// Clips on open tracks, with the number of their track: 0 is the picture.
fn open_clips(base: &Project, wanted: impl Fn(&Clip) -> bool) -> Vec<(usize, &Clip)> {
    let open = |(_, track): &(usize, &Track)| !track.locked;
    let tracks = base.sequence.tracks().map(|track| &**track).enumerate().filter(open);
    let clips = tracks.flat_map(|(index, track)| track.clips.iter().map(move |clip| (index, clip)));
    clips.filter(|(_, clip)| wanted(clip)).collect()
}

/// Whether a clip goes along with the one that was taken.
fn both(selection: &Selection, taken: ClipId, clip: &Clip) -> bool {
    selection.clips.contains(&taken) && selection.clips.contains(&clip.id)
}

/// One edit keeps its own name.
fn several(label: &str, mut edits: Vec<Edit>) -> Option<Edit> {
    match edits.len() {
        0 => None,
        1 => edits.pop(),
        _ => Some(Edit::Several { label: label.into(), edits }),
    }
}
