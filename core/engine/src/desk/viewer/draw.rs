//! What the window asked to see, drawn: the frame function's own pictures, turned into pixels.

use super::convert::{difference, fitted, to_screen};
use crate::compose::{self, Laid, Layer, Plan, Takes};
use crate::desk::event::Screen;
use crate::desk::request::Side;
use lipsmith_base::{Picture, Time};
use lipsmith_project::Project;

/// A film frame, and where it is seen.
pub struct Shot<'a> {
    pub project: &'a Project,
    /// Sequence time.
    pub at: Time,
    pub plan: &'a Plan,
    /// The film's frame number.
    pub frame: u64,
    pub picture: &'a Picture,
    /// Size on square pixels.
    pub display: (usize, usize),
}

/// The sides of a frame, and why one shows less than was asked for.
pub fn draw(
    shot: &Shot,
    sides: &[Side],
    fit: (usize, usize),
    takes: &mut Takes,
) -> (Vec<Screen>, Vec<String>) {
    let size = fitted(shot.display, fit);
    let mut notes = Vec::new();
    let mut screens = Vec::with_capacity(sides.len());
    for side in sides {
        let film = || to_screen(shot.picture, size);
        let dub = |laid: &[Laid]| match laid {
            [] => film(),
            laid => to_screen(&compose::frame_at(shot.picture.clone(), laid), size),
        };
        screens.push(match side {
            Side::Film => film(),
            Side::Dub => dub(&lay(&shot.plan.layers, shot.frame, takes, &mut notes)),
            Side::Take(cue, take) => {
                let kept = shot.project.cues.get(cue).and_then(|cue| cue.takes.get(take));
                let parts = kept.map_or(&[][..], |take| &take.parts);
                let alone = compose::plan_of_take(shot.project, shot.at, *cue, parts);
                let layers = alone.map(|plan| plan.layers).unwrap_or_default();
                dub(&lay(&layers, shot.frame, takes, &mut notes))
            }
            Side::Difference => {
                let laid = lay(&shot.plan.layers, shot.frame, takes, &mut notes);
                difference(&film(), &dub(&laid))
            }
            Side::Matte => {
                let laid = lay(&shot.plan.layers, shot.frame, takes, &mut notes);
                to_screen(&compose::matte_at(shot.picture, &laid), size)
            }
        });
    }
    notes.sort();
    notes.dedup();
    (screens, notes)
}

/// What is there of the layers; of what is not, a note.
fn lay(layers: &[Layer], frame: u64, takes: &mut Takes, notes: &mut Vec<String>) -> Vec<Laid> {
    let laid = layers.iter().filter_map(|layer| match takes.laid(layer, frame) {
        Ok(laid) => laid,
        Err(_) => {
            // Still growing, or thrown away; the render bar tells which.
            notes.push("not rendered yet".into());
            None
        }
    });
    laid.collect()
}
