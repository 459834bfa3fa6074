//! What is under the pointer.

use super::axis::Axis;
use super::layout::{CUE_ROW, Lane, Layout, Row};
use super::lines::Lines;
use crate::window::session::Selection;
use egui::{Pos2, Rect};
use lipsmith_base::{Time, TimeRange};
use lipsmith_project::edit::Edge;
use lipsmith_project::{CharacterId, Clip, ClipId, CueId, MarkerId, Project, TakeId, Track};

/// An edge is caught within so many points.
const REACH: f32 = 5.0;
/// Side of a fade's handle.
pub const HANDLE: f32 = 9.0;
/// Below this width a clip is only moved.
const WIDE: f32 = 24.0;
/// Gains that a lane shows from bottom to top; beyond them the line stays at the border.
const GAINS: [f32; 2] = [-36.0, 12.0];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hit {
    Ruler,
    /// The handle of the in or out mark.
    Mark(Edge),
    Marker(MarkerId),
    Clip(ClipId, Part),
    Cue(CueId, Part),
    Take(CueId, TakeId),
    Person(CharacterId),
    /// A lane where nothing lies.
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    Body,
    End(Edge),
    Fade(Edge),
    Gain,
}

/// All that places things on the screen.
pub struct Ground<'a> {
    pub project: &'a Project,
    pub lines: &'a Lines,
    pub layout: &'a Layout,
    pub axis: Axis,
    /// In and out.
    pub marks: [Option<Time>; 2],
}

impl<'a> Ground<'a> {
    pub fn track(&self, lane: Lane) -> Option<&'a Track> {
        let sequence = &self.project.sequence;
        match lane {
            Lane::Picture | Lane::Original => Some(&sequence.picture),
            Lane::Voice(id) => sequence.voices.iter().find(|track| track.id == id).map(|track| &**track),
            _ => None,
        }
    }

    /// Where a stretch of time lies in a row; may reach beyond the screen.
    pub fn rect(&self, row: &Row, range: TimeRange) -> Rect {
        let x = self.axis.x(range.start())..=self.axis.x(range.end());
        Rect::from_x_y_ranges(x, row.top..=row.bottom)
    }

    /// `None` outside of the canvas.
    pub fn hit(&self, at: Pos2) -> Option<Hit> {
        if self.layout.ruler.contains(at) {
            return Some(self.in_ruler(at));
        }
        if self.layout.markers.contains(at) {
            return Some(self.in_markers(at));
        }
        if !self.layout.lanes.contains(at) {
            return None;
        }
        let Some(row) = self.layout.row_at(at.y) else { return Some(Hit::Empty) };
        let found = match row.lane {
            Lane::Picture | Lane::Original | Lane::Voice(_) => self.in_track(row, at),
            Lane::Cues => self.in_cues(row, at),
            Lane::Take(cue, take) => {
                let line = self.project.cues.get(&cue).map(|cue| cue.rendered());
                line.filter(|range| range.contains(self.axis.time(at.x))).map(|_| Hit::Take(cue, take))
            }
            Lane::Person(id) => Some(Hit::Person(id)),
        };
        Some(found.unwrap_or(Hit::Empty))
    }

    fn in_ruler(&self, at: Pos2) -> Hit {
        let near = |mark: Option<Time>| mark.is_some_and(|time| (self.axis.x(time) - at.x).abs() <= REACH);
        // Only the lower half: the upper always seeks.
        let low = at.y > self.layout.ruler.center().y;
        match self.marks.map(near) {
            [true, _] if low => Hit::Mark(Edge::Head),
            [_, true] if low => Hit::Mark(Edge::Tail),
            _ => Hit::Ruler,
        }
    }

    fn in_markers(&self, at: Pos2) -> Hit {
        let distance = |time: Time| (self.axis.x(time) - at.x).abs();
        let near = self.project.markers.iter().filter(|(_, marker)| distance(marker.at) <= REACH + 2.0);
        let nearest = near.min_by(|a, b| distance(a.1.at).total_cmp(&distance(b.1.at)));
        nearest.map_or(Hit::Ruler, |(id, _)| Hit::Marker(*id))
    }

    fn in_track(&self, row: &Row, at: Pos2) -> Option<Hit> {
        // A little wider than the point, so that edges are caught from outside too.
        let around = TimeRange::new(self.axis.time(at.x - REACH), self.axis.time(at.x + REACH) + Time(1));
        let clips = self.track(row.lane)?.clips_in(around);
        let inside = clips.iter().find(|clip| clip.range().contains(self.axis.time(at.x)));
        let clip = inside.or_else(|| {
            let gap = |clip: &&Clip| {
                let rect = self.rect(row, clip.range());
                (rect.left() - at.x).abs().min((rect.right() - at.x).abs())
            };
            clips.iter().min_by(|a, b| gap(a).total_cmp(&gap(b)))
        })?;
        Some(Hit::Clip(clip.id, self.part(row, clip, at)))
    }

    fn part(&self, row: &Row, clip: &Clip, at: Pos2) -> Part {
        let rect = self.rect(row, clip.range());
        if rect.width() < WIDE {
            return Part::Body;
        }
        if row.lane != Lane::Picture && at.y < row.top + HANDLE {
            let fades = [(Edge::Head, clip.start + clip.fade_in), (Edge::Tail, clip.end() - clip.fade_out)];
            let near = |(_, time): &(Edge, Time)| (self.axis.x(*time) - at.x).abs() <= HANDLE * 0.7;
            if let Some((edge, _)) = fades.into_iter().find(near) {
                return Part::Fade(edge);
            }
        }
        if row.lane != Lane::Original {
            if at.x - rect.left() <= REACH {
                return Part::End(Edge::Head);
            }
            if rect.right() - at.x <= REACH {
                return Part::End(Edge::Tail);
            }
        }
        let on_line = (gain_y(row, clip.gain_db) - at.y).abs() <= 3.0;
        if row.lane != Lane::Picture && on_line { Part::Gain } else { Part::Body }
    }

    fn in_cues(&self, row: &Row, at: Pos2) -> Option<Hit> {
        let around = TimeRange::new(self.axis.time(at.x - REACH), self.axis.time(at.x + REACH) + Time(1));
        let level = Layout::cue_row(row, at);
        let gap = |range: TimeRange| {
            let (left, right) = (self.axis.x(range.start()), self.axis.x(range.end()));
            (left - at.x).max(at.x - right).max(0.0)
        };
        let near = self.lines.within(around).filter(|line| line.row == level);
        let line = near.min_by(|a, b| gap(a.range).total_cmp(&gap(b.range)))?;
        let rect = self.rect(row, line.range);
        let part = if rect.width() < WIDE {
            Part::Body
        } else if at.x - rect.left() <= REACH {
            Part::End(Edge::Head)
        } else if rect.right() - at.x <= REACH {
            Part::End(Edge::Tail)
        } else {
            Part::Body
        };
        Some(Hit::Cue(line.id, part))
    }

    /// Clips and lines that a rectangle drawn by hand touches.
    pub fn touched(&self, area: Rect) -> Selection {
        let range =
            TimeRange::new(self.axis.time(area.left()), self.axis.time(area.right()).max(Time(1)) + Time(1));
        let mut selection = Selection::default();
        for row in self.layout.rows.iter().filter(|row| row.top < area.bottom() && area.top() < row.bottom) {
            match row.lane {
                Lane::Cues => {
                    let rows =
                        Layout::cue_row(row, area.left_top())..=Layout::cue_row(row, area.left_bottom());
                    let lines = self.lines.within(range).filter(|line| rows.contains(&line.row));
                    selection.cues.extend(lines.map(|line| line.id));
                }
                lane => {
                    let clips = self.track(lane).map_or(&[][..], |track| track.clips_in(range));
                    selection.clips.extend(clips.iter().map(|clip| clip.id));
                }
            }
        }
        selection
    }
}

/// Where in a lane the line of a gain is.
pub fn gain_y(row: &Row, gain_db: f32) -> f32 {
    let share = (gain_db.clamp(GAINS[0], GAINS[1]) - GAINS[0]) / (GAINS[1] - GAINS[0]);
    egui::lerp(row.bottom - 3.0..=row.top + 3.0, share)
}

/// Decibels that a lane of this height shows per point.
pub fn gain_per_point(height: f32) -> f32 {
    (GAINS[1] - GAINS[0]) / (height - 6.0).max(1.0)
}

/// Where in the lane of lines a row is.
pub fn cue_rect(rect: Rect, row: usize) -> Rect {
    let top = rect.top() + CUE_ROW * row as f32;
    Rect::from_x_y_ranges(rect.x_range(), top..=top + CUE_ROW - 2.0)
}
