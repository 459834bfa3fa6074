//! One lane a person: where the face can be dubbed, and where it is too small, turned away or lost.

use super::hit::Ground;
use super::layout::Row;
use super::paint::{self, Pattern};
use crate::window::ctx::Ctx;
use egui::{Color32, Painter, Rect};
use lipsmith_base::TimeRange;
use lipsmith_engine::desk::Seen;
use lipsmith_project::{CharacterId, Clip};

/// Shortest stretch that is drawn by itself, in points.
const SHORTEST: f32 = 1.0;

/// In the languages' files.
pub fn key(seen: Seen) -> &'static str {
    match seen {
        Seen::Well => "timeline-face-well",
        Seen::Small => "timeline-face-small",
        Seen::Turned => "timeline-face-turned",
        Seen::Lost => "timeline-face-lost",
    }
}

pub fn show(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, character: CharacterId) {
    let Some(colour) = ctx.project.characters.get(&character).map(|of| ctx.theme.person(of.colour)) else {
        return;
    };
    let painter = painter.with_clip_rect(ground.layout.lanes);
    for clip in ctx.project.sequence.picture.clips_in(ground.axis.visible()) {
        let mut drawn_to = f32::NEG_INFINITY;
        each_stretch(ctx, ground.axis.visible(), clip, character, |range, seen| {
            let rect = ground.rect(row, range);
            if rect.right() - drawn_to < SHORTEST {
                return;
            }
            let rect = rect.with_min_x(rect.left().max(drawn_to)).shrink2(egui::vec2(0.0, 2.0));
            drawn_to = rect.right();
            stretch(&painter, ctx, rect, seen, colour);
        });
    }
}

/// What is to be read where the pointer is.
pub fn seen_at(ctx: &Ctx, character: CharacterId, at: lipsmith_base::Time) -> Option<Seen> {
    let clip = ctx.project.sequence.picture.clip_at(at)?;
    let mut found = None;
    each_stretch(ctx, TimeRange::new(at, at + lipsmith_base::Time(1)), clip, character, |_, seen| {
        found = Some(seen);
    });
    found
}

/// The stretches of a clip where the person is in the shot, in sequence time.
fn each_stretch(
    ctx: &Ctx,
    visible: TimeRange,
    clip: &Clip,
    character: CharacterId,
    mut each: impl FnMut(TimeRange, Seen),
) {
    let Some(faces) = ctx.news.faces_in(ctx.project, clip) else { return };
    let Some(character) = ctx.project.characters.get(&character) else { return };
    let film = visible.shifted(clip.offset()).intersect(clip.source);
    for (bound, person) in character.faces_in(clip.media, film) {
        let Some(person) = faces.people.iter().find(|of| of.person == person) else { continue };
        let from = person.spans.partition_point(|(span, _)| span.end() <= bound.start());
        for (span, seen) in person.spans[from..].iter().take_while(|(span, _)| span.start() < bound.end()) {
            each(span.intersect(bound).shifted(-clip.offset()), *seen);
        }
    }
}

fn stretch(painter: &Painter, ctx: &Ctx, rect: Rect, seen: Seen, colour: Color32) {
    let faint = colour.gamma_multiply(0.55);
    match seen {
        Seen::Well => paint::fill(painter, rect, Pattern::Solid, colour),
        // A low bar: little to see.
        Seen::Small => paint::fill(painter, rect.with_min_y(rect.center().y + 1.0), Pattern::Dots, colour),
        Seen::Turned => {
            paint::fill(painter, rect, Pattern::Solid, colour.gamma_multiply(0.18));
            paint::fill(painter, rect, Pattern::Hatch, faint);
        }
        Seen::Lost => paint::fill(painter, rect, Pattern::Outline, ctx.theme.failure.gamma_multiply(0.8)),
    }
}
