//! What lies below what: the ruler and the markers stand, the lanes below them scroll.

use super::lines::Lines;
use egui::{Pos2, Rect, pos2, vec2};
use lipsmith_project::{CharacterId, CueId, Project, TakeId, TrackId};

/// Width of the track heads.
const HEADS: f32 = 164.0;
const RULER: f32 = 24.0;
const MARKERS: f32 = 16.0;
/// Height of a line's render bar.
pub const BAR: f32 = 5.0;
pub const CUE_ROW: f32 = 30.0;
const GAP: f32 = 2.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Thumbnails and cuts.
    Picture,
    /// Where a person's face is to be seen.
    Person(CharacterId),
    /// The film's own sound: the picture track's clips once more.
    Original,
    Voice(TrackId),
    Cues,
    /// One of the takes of the selected line.
    Take(CueId, TakeId),
}

impl Lane {
    pub fn height(self, lines: &Lines) -> f32 {
        match self {
            Lane::Picture => 54.0,
            Lane::Person(_) => 16.0,
            Lane::Original => 36.0,
            Lane::Voice(_) => 48.0,
            Lane::Cues => CUE_ROW * lines.rows as f32,
            Lane::Take(..) => 18.0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub lane: Lane,
    /// Screen y.
    pub top: f32,
    pub bottom: f32,
}

/// All rectangles in screen points.
#[derive(Clone, Debug)]
pub struct Layout {
    pub corner: Rect,
    pub ruler: Rect,
    pub markers: Rect,
    pub heads: Rect,
    /// The part in which lanes scroll.
    pub lanes: Rect,
    pub rows: Vec<Row>,
    /// How far the lanes can be scrolled.
    pub overflow: f32,
}

impl Layout {
    /// `takes_of`: the line whose takes are laid out below the lines.
    pub fn new(
        area: Rect,
        project: &Project,
        lines: &Lines,
        takes_of: Option<CueId>,
        scroll: &mut f32,
    ) -> Layout {
        let left = (area.left() + HEADS).min(area.right());
        let top = (area.top() + RULER + MARKERS).min(area.bottom());
        let lanes = Rect::from_min_max(pos2(left, top), area.max);
        let order = order(project, takes_of);
        let height: f32 = order.iter().map(|lane| lane.height(lines) + GAP).sum();
        let overflow = (height - lanes.height()).max(0.0);
        *scroll = scroll.clamp(0.0, overflow);
        let mut y = top - *scroll;
        let rows = order.into_iter().map(|lane| {
            let row = Row { lane, top: y, bottom: y + lane.height(lines) };
            y = row.bottom + GAP;
            row
        });
        Layout {
            corner: Rect::from_min_max(area.min, pos2(left, top)),
            ruler: Rect::from_min_size(pos2(left, area.top()), vec2(lanes.width(), RULER)),
            markers: Rect::from_min_max(pos2(left, area.top() + RULER), pos2(area.right(), top)),
            heads: Rect::from_min_max(pos2(area.left(), top), pos2(left, area.bottom())),
            rows: rows.collect(),
            lanes,
            overflow,
        }
    }

    /// All but the heads: what has a time.
    pub fn canvas(&self) -> Rect {
        self.ruler.union(self.markers).union(self.lanes)
    }

    pub fn row_at(&self, y: f32) -> Option<&Row> {
        let inside = self.lanes.y_range().contains(y);
        self.rows.iter().find(|row| inside && row.top <= y && y < row.bottom)
    }

    pub fn row(&self, lane: Lane) -> Option<&Row> {
        self.rows.iter().find(|row| row.lane == lane)
    }

    /// The rows of which something is to be seen.
    pub fn seen(&self) -> impl Iterator<Item = &Row> {
        let range = self.lanes.y_range();
        self.rows.iter().filter(move |row| row.bottom > range.min && row.top < range.max)
    }

    /// Which row of overlapping lines a place is in.
    pub fn cue_row(row: &Row, at: Pos2) -> usize {
        ((at.y - row.top) / CUE_ROW).max(0.0) as usize
    }
}

fn order(project: &Project, takes_of: Option<CueId>) -> Vec<Lane> {
    let mut order = vec![Lane::Picture];
    let seen = project.characters.iter().filter(|(_, character)| !character.faces.is_empty());
    order.extend(seen.map(|(id, _)| Lane::Person(*id)));
    order.push(Lane::Original);
    order.extend(project.sequence.voices.iter().map(|track| Lane::Voice(track.id)));
    order.push(Lane::Cues);
    let cue = takes_of.and_then(|id| Some((id, project.cues.get(&id)?)));
    order.extend(
        cue.into_iter().flat_map(|(id, cue)| cue.takes.keys().map(move |take| Lane::Take(id, *take))),
    );
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::FrameRate;

    #[test]
    fn lanes_lie_below_each_other_and_scroll_within_bounds() {
        let project = Project::new("p", FrameRate::FPS_25);
        let lines = Lines::of(&project);
        let area = Rect::from_min_size(pos2(10.0, 20.0), vec2(800.0, 120.0));
        let mut scroll = 1e9;
        let layout = Layout::new(area, &project, &lines, None, &mut scroll);
        assert_eq!(scroll, layout.overflow);
        assert!(layout.rows.windows(2).all(|pair| pair[0].bottom <= pair[1].top));
        assert!((layout.rows.last().expect("lanes").bottom - area.bottom()).abs() < GAP + 0.01);
        let mut scroll = -5.0;
        let layout = Layout::new(area, &project, &lines, None, &mut scroll);
        assert_eq!(layout.row_at(layout.lanes.top() + 1.0).map(|row| row.lane), Some(Lane::Picture));
        assert_eq!(layout.row_at(layout.ruler.top() + 1.0), None, "the ruler is no lane");
    }
}
