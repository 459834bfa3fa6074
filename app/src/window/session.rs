//! How the editor looks at the project: where the playhead is, what is selected, what the viewer compares. Nothing
//! here is part of the project, and nothing is undone.

use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::desk::Side;
use lipsmith_project::{CharacterId, ClipId, CueId, MarkerId, Project};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub struct Session {
    /// Sequence time; on a frame.
    pub playhead: Time,
    pub mark_in: Option<Time>,
    pub mark_out: Option<Time>,
    pub looping: bool,
    /// Film speeds per second of watching, as J K L set it; 0 while stopped.
    pub speed: f64,
    /// What playing goes round in.
    pub within: Option<TimeRange>,
    pub selection: Selection,
    pub viewer: ViewerLook,
    pub timeline: TimelineLook,
}

/// What the next command works on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub clips: BTreeSet<ClipId>,
    pub cues: BTreeSet<CueId>,
    pub markers: BTreeSet<MarkerId>,
    pub character: Option<CharacterId>,
}

#[derive(Clone, Debug)]
pub struct ViewerLook {
    pub compare: Compare,
    /// What is compared with what; the first alone when nothing is compared.
    pub sides: [Side; 2],
    /// Where the wipe's edge is, 0..=1 of the picture's width.
    pub wipe: f32,
    /// Screen points per film pixel; `None` fits the picture into the panel.
    pub zoom: Option<f32>,
    /// Film pixel in the middle of the panel when zoomed, 0..=1 of width and height.
    pub centre: [f32; 2],
    pub boxes: bool,
    pub safe_areas: bool,
    pub burn_in: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Alone,
    Wipe,
    SideBySide,
}

#[derive(Clone, Debug)]
pub struct TimelineLook {
    /// Sequence time at the left edge.
    pub from: Time,
    /// Seconds per screen point.
    pub scale: f64,
    /// Screen points of lanes that are scrolled away above.
    pub scroll: f32,
    pub snap: bool,
    /// Set to show everything at the next drawing.
    pub fit: bool,
    /// `from` and `scale` as they then were: while they stay, everything is to stay in sight.
    pub fitted: Option<(Time, f64)>,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            playhead: Time::ZERO,
            mark_in: None,
            mark_out: None,
            looping: false,
            speed: 0.0,
            within: None,
            selection: Selection::default(),
            viewer: ViewerLook {
                compare: Compare::Alone,
                sides: [Side::Dub, Side::Film],
                wipe: 0.5,
                zoom: None,
                centre: [0.5, 0.5],
                boxes: true,
                safe_areas: false,
                burn_in: false,
            },
            timeline: TimelineLook {
                from: Time::ZERO,
                scale: 0.02,
                scroll: 0.0,
                snap: true,
                fit: true,
                fitted: None,
            },
        }
    }
}

impl Session {
    /// The marked range; an end that is not marked is the sequence's. `None` without marks.
    pub fn marked(&self, project: &Project) -> Option<TimeRange> {
        if self.mark_in.is_none() && self.mark_out.is_none() {
            return None;
        }
        let range = TimeRange::new(
            self.mark_in.unwrap_or(Time::ZERO),
            self.mark_out.unwrap_or_else(|| project.duration()),
        );
        (!range.is_empty()).then_some(range)
    }

    /// The line that commands mean: the selected one, else the one under the playhead.
    pub fn cue(&self, project: &Project) -> Option<CueId> {
        let selected = self.selection.cues.first().copied().filter(|id| project.cues.contains_key(id));
        selected.or_else(|| {
            let frame = project.sequence.rate.frame_duration();
            let here = TimeRange::with_duration(self.playhead, frame);
            project.cues_in(here).first().map(|(id, _)| *id)
        })
    }

    /// Forgets what is not in the project any more.
    pub fn tidy(&mut self, project: &Project) {
        self.selection.cues.retain(|id| project.cues.contains_key(id));
        self.selection.markers.retain(|id| project.markers.contains_key(id));
        if !self.selection.clips.is_empty() {
            let clips: BTreeSet<_> =
                project.sequence.tracks().flat_map(|track| track.clips.iter().map(|clip| clip.id)).collect();
            self.selection.clips.retain(|id| clips.contains(id));
        }
        self.selection.character = self.selection.character.filter(|id| project.characters.contains_key(id));
    }
}

impl Selection {
    pub fn only_cue(&mut self, cue: CueId) {
        *self = Selection { cues: BTreeSet::from([cue]), ..Selection::default() };
    }
}
