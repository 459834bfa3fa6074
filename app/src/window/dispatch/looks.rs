//! How the viewer looks at the picture.

use super::Dispatch;
use crate::window::session::Compare;
use lipsmith_engine::desk::Side;

impl Dispatch<'_> {
    pub(super) fn look(&mut self, compare: Compare, sides: [Side; 2]) {
        let viewer = &mut self.session.viewer;
        let again = viewer.compare == compare && viewer.sides[0] == sides[0];
        // A second press goes back to the dub.
        (viewer.compare, viewer.sides) =
            if again { (Compare::Alone, [Side::Dub, Side::Film]) } else { (compare, sides) };
    }

    pub(super) fn compare(&mut self, compare: Compare) {
        let viewer = &mut self.session.viewer;
        viewer.compare = if viewer.compare == compare { Compare::Alone } else { compare };
        if viewer.sides[0] == viewer.sides[1] || matches!(viewer.sides[0], Side::Difference | Side::Matte) {
            viewer.sides = [Side::Dub, Side::Film];
        }
    }

    pub(super) fn view_zoom(&mut self, factor: f32) {
        let viewer = &mut self.session.viewer;
        viewer.zoom = Some((viewer.zoom.unwrap_or(0.5) * factor).clamp(0.05, 16.0));
    }
}
