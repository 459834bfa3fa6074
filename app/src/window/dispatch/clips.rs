//! Commands on clips and on whatever is selected.

use super::Dispatch;
use lipsmith_base::{Time, TimeRange};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, Ripple};
use lipsmith_project::{Clip, ClipId, Cue, CueId, Edit, Project, Track, TrackId};
use std::collections::{BTreeMap, BTreeSet};

/// What was cut or copied: clips with their tracks, at their distance from the first, and lines without takes.
#[derive(Clone, Debug, Default)]
pub struct Clipboard {
    clips: Vec<(TrackId, Clip)>,
    cues: Vec<Cue>,
}

impl Clipboard {
    /// For other programs: the lines' words, else the clips' names. Never empty: the system tells of a paste only where
    /// its own clipboard holds something.
    pub fn text(&self, project: &Project) -> String {
        let words = self.cues.iter().map(|cue| cue.text.as_str());
        let media = self.clips.iter().filter_map(|(_, clip)| project.media.get(&clip.media));
        let names = media.map(|media| media.name.as_str());
        let parts: Vec<_> = if self.cues.is_empty() { names.collect() } else { words.collect() };
        let text = parts.join("\n");
        if text.is_empty() { "Lipsmith".into() } else { text }
    }
}

/// Edits that follow from each other: what is made by one is named by the next.
struct Pasting {
    after: Project,
    edits: Vec<Edit>,
}

impl Pasting {
    fn add(&mut self, edit: impl Into<Edit>) {
        let edit = edit.into();
        // What cannot be done is told of when all is done in earnest.
        self.after = edit.apply(&self.after).unwrap_or_else(|_| self.after.clone());
        self.edits.push(edit);
    }

    fn clip(&mut self, track: TrackId, copied: &Clip, by: Time) -> ClipId {
        let clip = ClipId(self.after.next_id);
        let Clip { media, source, start, gain_db, fade_in, fade_out, .. } = *copied;
        self.add(ClipEdit::Place { track, media, source, at: start + by, ripple: Ripple::Off });
        if gain_db != 0.0 {
            self.add(ClipEdit::Gain { clip, gain_db });
        }
        if fade_in + fade_out > Time::ZERO {
            self.add(ClipEdit::Fade { clip, fade_in, fade_out });
        }
        clip
    }

    fn cue(&mut self, copied: &Cue, by: Time, voice: Option<ClipId>) {
        let cue = CueId(self.after.next_id);
        let character = copied.character.filter(|id| self.after.characters.contains_key(id));
        let (range, text) = (copied.range.shifted(by), copied.text.clone());
        self.add(CueEdit::Add { range, text, character, voice });
        let fresh = Cue::new(range, "");
        if copied.treatment != fresh.treatment {
            self.add(CueEdit::Treat { cue, treatment: copied.treatment });
        }
        if copied.handles != fresh.handles {
            self.add(CueEdit::Handles { cue, handles: copied.handles });
        }
        if copied.method.is_some() {
            self.add(CueEdit::Method { cue, method: copied.method.clone() });
        }
    }
}

impl Dispatch<'_> {
    /// Selected clips that are not locked, with their tracks.
    pub(super) fn selected(&self) -> Vec<(&Track, &Clip)> {
        let tracks = self.project.sequence.tracks().filter(|track| !track.locked);
        let clips = tracks.flat_map(|track| track.clips.iter().map(move |clip| (&**track, clip)));
        clips.filter(|(_, clip)| self.session.selection.clips.contains(&clip.id)).collect()
    }

    pub(super) fn selected_range(&self) -> Option<TimeRange> {
        let clips = self.selected().into_iter().map(|(_, clip)| clip.range());
        let cues = self.session.selection.cues.iter().filter_map(|id| Some(self.project.cues.get(id)?.range));
        let ranges: Vec<_> = clips.chain(cues).collect();
        let start = ranges.iter().map(|range| range.start()).min()?;
        let end = ranges.iter().map(|range| range.end()).max()?;
        Some(TimeRange::new(start, end))
    }

    pub(super) fn selected_end(&self) -> Option<Time> {
        self.selected_range().map(TimeRange::end)
    }

    pub(super) fn select_all(&mut self) {
        let clips = self.project.sequence.tracks().flat_map(|track| track.clips.iter().map(|clip| clip.id));
        self.session.selection.clips = clips.collect();
        self.session.selection.cues = self.project.cues.keys().copied().collect();
        self.session.selection.markers = self.project.markers.keys().copied().collect();
    }

    pub(super) fn copy(&mut self) {
        let clips: Vec<_> =
            self.selected().into_iter().map(|(track, clip)| (track.id, clip.clone())).collect();
        let cues = self.session.selection.cues.iter().filter_map(|id| self.project.cues.get(id));
        let cues: Vec<_> = cues.map(|cue| (**cue).clone()).collect();
        if !clips.is_empty() || !cues.is_empty() {
            *self.clipboard = Clipboard { clips, cues };
        }
    }

    pub(super) fn paste(&mut self) {
        let Clipboard { clips, cues } = self.clipboard.clone();
        let starts = clips.iter().map(|(_, clip)| clip.start).chain(cues.iter().map(|cue| cue.range.start()));
        let Some(first) = starts.min() else { return };
        let by = self.now() - first;
        let here =
            |track: &TrackId| self.project.sequence.tracks().any(|known| known.id == *track && !known.locked);
        let mut pasting = Pasting { after: self.project.clone(), edits: Vec::new() };
        let mut copies = BTreeMap::new();
        for (track, clip) in &clips {
            if here(track) && self.project.media.contains_key(&clip.media) {
                copies.insert(clip.id, pasting.clip(*track, clip, by));
            }
        }
        for cue in &cues {
            pasting.cue(cue, by, cue.voice.and_then(|voice| copies.get(&voice).copied()));
        }
        self.several("Paste", pasting.edits);
    }

    pub(super) fn delete(&mut self, ripple: Ripple, label: &str) {
        // From the end, so that a ripple does not move what is still to go.
        let mut clips = self.selected();
        clips.sort_by_key(|(_, clip)| std::cmp::Reverse(clip.start));
        let clips = clips.into_iter().map(|(_, clip)| Edit::from(ClipEdit::Remove { clip: clip.id, ripple }));
        let cues = self.session.selection.cues.iter().map(|cue| Edit::from(CueEdit::Remove(*cue)));
        let markers = self.session.selection.markers.iter().map(|id| Edit::from(CastEdit::RemoveMarker(*id)));
        let edits: Vec<_> = clips.chain(cues).chain(markers).collect();
        self.several(label, edits);
    }

    /// Edits the selected clips and lines that the playhead is in; without any, all clips that it is in and that are not locked.
    pub(super) fn at_playhead(
        &mut self,
        label: &str,
        of_clip: impl Fn(&Clip) -> Edit,
        of_line: impl Fn(CueId, &Cue) -> Option<Edit>,
    ) {
        let at = self.now();
        let spans = |range: TimeRange| range.start() < at && at < range.end();
        let inside = |clip: &Clip| spans(clip.range());
        let mut clips: Vec<_> = self.selected().into_iter().filter(|(_, clip)| inside(clip)).collect();
        let lines = self.session.selection.cues.iter().filter_map(|id| {
            let cue = self.project.cues.get(id).filter(|cue| spans(cue.range))?;
            of_line(*id, cue)
        });
        let lines: Vec<_> = lines.collect();
        if clips.is_empty() && lines.is_empty() {
            let tracks = self.project.sequence.tracks().filter(|track| !track.locked);
            clips = tracks.filter_map(|track| Some((&**track, track.clip_at(at)?))).collect();
            clips.retain(|(_, clip)| inside(clip));
        }
        // A line's voice first: its halves are then spoken by those of the voice.
        let edits = clips.into_iter().map(|(_, clip)| of_clip(clip)).chain(lines).collect();
        self.several(label, edits);
    }

    /// A ripple is of clips alone.
    pub(super) fn trim(&mut self, edge: Edge, ripple: Ripple) {
        let to = self.now();
        self.at_playhead(
            "Trim",
            |clip| ClipEdit::Trim { clip: clip.id, edge, to, ripple }.into(),
            |cue, line| {
                let range = match edge {
                    Edge::Head => TimeRange::new(to, line.range.end()),
                    Edge::Tail => TimeRange::new(line.range.start(), to),
                };
                (ripple == Ripple::Off).then(|| CueEdit::Move { cue, range }.into())
            },
        );
    }

    pub(super) fn nudge(&mut self, frames: i64) {
        let rate = self.project.sequence.rate;
        let by = crate::window::sync::frames(rate, frames);
        let mut clips = self.selected();
        let voices = clips.iter().map(|(_, clip)| clip.id).collect();
        // The one in front makes room for the next.
        clips.sort_by_key(|(_, clip)| if frames < 0 { clip.start } else { -clip.start });
        let clips = clips.into_iter().map(|(track, clip)| {
            Edit::from(ClipEdit::Move { clip: clip.id, track: track.id, to: clip.start + by, insert: false })
        });
        let spoken = self.project.spoken_by(&voices).map(|(id, _)| id);
        let cues: BTreeSet<_> = self.session.selection.cues.iter().copied().chain(spoken).collect();
        let cues = cues.into_iter().filter_map(|cue| {
            let range = self.project.cues.get(&cue)?.range.shifted(by);
            Some(Edit::from(CueEdit::Move { cue, range }))
        });
        let edits: Vec<_> = clips.chain(cues).collect();
        self.several("Nudge", edits);
    }

    /// About the playhead.
    pub(super) fn zoom(&mut self, factor: f64) {
        let look = &mut self.session.timeline;
        let offset = (self.session.playhead - look.from).secs_f64();
        let scale = (look.scale * factor).clamp(1e-5, 60.0);
        let kept = offset * scale / look.scale;
        look.from = (self.session.playhead - Time::from_secs_f64(kept)).max(Time::ZERO);
        look.scale = scale;
    }
}
