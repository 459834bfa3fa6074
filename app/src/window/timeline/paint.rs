//! What is drawn over and above all lanes: the ruler, marks, markers, guide and playhead; and the patterns that say
//! without colour what colours say.

use super::hit::Ground;
use super::ruler;
use crate::window::ctx::Ctx;
use egui::{Align2, Color32, FontId, Mesh, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};
use lipsmith_base::Time;

/// How a stretch is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    Solid,
    /// Lines rising to the right.
    Hatch,
    /// Lines both ways.
    Cross,
    Dashes,
    Dots,
    /// An empty frame.
    Outline,
}

pub fn fill(painter: &Painter, rect: Rect, pattern: Pattern, colour: Color32) {
    let seen = rect.intersect(painter.clip_rect().expand(1.0));
    if !seen.is_positive() {
        return;
    }
    match pattern {
        Pattern::Solid => drop(painter.rect_filled(seen, 0.0, colour)),
        Pattern::Outline => {
            let line = rect.shrink(0.5);
            painter.rect_stroke(line, 0.0, Stroke::new(1.0, colour), StrokeKind::Middle);
        }
        Pattern::Dashes => pieces(painter, rect, seen, colour, 9.0, 6.0),
        Pattern::Dots => pieces(painter, rect, seen, colour, 5.0, 2.0),
        Pattern::Hatch => hatch(painter, rect, seen, colour, false),
        Pattern::Cross => {
            hatch(painter, rect, seen, colour, false);
            hatch(painter, rect, seen, colour, true);
        }
    }
}

/// Pieces of `long` points every `every` points, counted from the left edge so that they stand still.
fn pieces(painter: &Painter, rect: Rect, seen: Rect, colour: Color32, every: f32, long: f32) {
    let mut mesh = Mesh::default();
    let mut x = rect.left() + ((seen.left() - rect.left()) / every).floor() * every;
    while x < seen.right() {
        let piece = Rect::from_x_y_ranges(x..=x + long, rect.y_range()).intersect(seen);
        if piece.is_positive() {
            mesh.add_colored_rect(piece, colour);
        }
        x += every;
    }
    painter.add(mesh);
}

fn hatch(painter: &Painter, rect: Rect, seen: Rect, colour: Color32, falling: bool) {
    let height = rect.height();
    let step = (height * 0.6).clamp(4.0, 8.0);
    let inside = painter.with_clip_rect(seen.intersect(painter.clip_rect()));
    let mut x = rect.left() + ((seen.left() - height - rect.left()) / step).floor() * step;
    while x < seen.right() {
        let (low, high) = if falling { (x + height, x) } else { (x, x + height) };
        inside.line_segment([pos2(low, rect.bottom()), pos2(high, rect.top())], Stroke::new(1.0, colour));
        x += step;
    }
}

/// A text that is cut off where its place ends.
pub fn text(painter: &Painter, rect: Rect, at: Pos2, text: &str, size: f32, colour: Color32) {
    let inside = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    inside.text(at, Align2::LEFT_TOP, text, FontId::proportional(size), colour);
}

pub fn ruler(painter: &Painter, ctx: &Ctx, ground: &Ground) {
    let rect = ground.layout.ruler;
    let theme = ctx.theme;
    let painter = painter.with_clip_rect(rect);
    painter.rect_filled(rect, 0.0, theme.raised);
    let sequence = &ctx.project.sequence;
    for tick in ruler::ticks(&ground.axis, sequence.labels(), sequence.start) {
        let x = ground.axis.x(tick.at);
        let height = if tick.label.is_some() { rect.height() } else { 5.0 };
        painter.vline(x, rect.bottom() - height..=rect.bottom(), Stroke::new(1.0, theme.edge));
        if let Some(label) = tick.label {
            let font = FontId::monospace(10.0);
            painter.text(pos2(x + 4.0, rect.top() + 2.0), Align2::LEFT_TOP, label, font, theme.faint);
        }
    }
}

/// The marked range, in the ruler and as a veil over what lies outside.
pub fn marks(painter: &Painter, ctx: &Ctx, ground: &Ground) {
    let Some(range) = ctx.session.marked(ctx.project) else { return };
    let axis = ground.axis;
    let canvas = ground.layout.canvas();
    let (left, right) = (axis.x(range.start()), axis.x(range.end()));
    let ruler = ground.layout.ruler;
    let band = Rect::from_x_y_ranges(left..=right, ruler.bottom() - 6.0..=ruler.bottom());
    painter.with_clip_rect(ruler).rect_filled(band, 0.0, ctx.theme.accent);
    let veil = Color32::from_black_alpha(70);
    let lanes = ground.layout.lanes;
    for outside in [lanes.left()..=left, right..=lanes.right()] {
        let rect = Rect::from_x_y_ranges(outside, lanes.y_range()).intersect(lanes);
        if rect.is_positive() {
            painter.rect_filled(rect, 0.0, veil);
        }
    }
    for (at, outward) in [(ctx.session.mark_in, 1.0), (ctx.session.mark_out, -1.0)] {
        let Some(x) = at.map(|at| axis.x(at)).filter(|x| canvas.x_range().contains(*x)) else { continue };
        painter.vline(x, canvas.y_range(), Stroke::new(1.0, ctx.theme.accent));
        let bracket = Rect::from_two_pos(pos2(x, ruler.center().y), pos2(x + 4.0 * outward, ruler.bottom()));
        painter.rect_filled(bracket, 0.0, ctx.theme.accent);
    }
}

pub fn markers(painter: &Painter, ctx: &Ctx, ground: &Ground) {
    let rect = ground.layout.markers;
    painter.rect_filled(rect, 0.0, ctx.theme.panel);
    let lanes = ground.layout.lanes;
    let painter = painter.with_clip_rect(rect.union(lanes));
    for (id, marker) in ctx.project.markers.iter() {
        let x = ground.axis.x(marker.at);
        if x < rect.left() - 120.0 || x > rect.right() {
            continue;
        }
        let colour = ctx.theme.person(marker.colour);
        let selected = ctx.session.selection.markers.contains(id);
        let (top, low) = (rect.top() + 2.0, rect.bottom() - 1.0);
        let flag = vec![
            pos2(x - 5.0, top),
            pos2(x + 5.0, top),
            pos2(x + 5.0, low - 4.0),
            pos2(x, low),
            pos2(x - 5.0, low - 4.0),
        ];
        let stroke = Stroke::new(if selected { 2.0 } else { 0.0 }, ctx.theme.selection);
        painter.add(Shape::convex_polygon(flag, colour, stroke));
        painter.text(
            pos2(x + 8.0, rect.top() + 1.0),
            Align2::LEFT_TOP,
            &marker.name,
            FontId::proportional(10.5),
            ctx.theme.text,
        );
        let line = Stroke::new(1.0, colour.gamma_multiply(0.5));
        painter.add(Shape::dashed_line(&[pos2(x, lanes.top()), pos2(x, lanes.bottom())], line, 3.0, 5.0));
    }
}

/// Where something sticks.
pub fn guide(painter: &Painter, ctx: &Ctx, ground: &Ground, at: Time) {
    let x = ground.axis.x(at);
    let stroke = Stroke::new(1.5, ctx.theme.selection);
    painter.add(Shape::dashed_line(
        &[pos2(x, ground.layout.ruler.top()), pos2(x, ground.layout.lanes.bottom())],
        stroke,
        6.0,
        3.0,
    ));
}

pub fn playhead(painter: &Painter, ctx: &Ctx, ground: &Ground, at: Time) {
    let x = ground.axis.x(at);
    let ruler = ground.layout.ruler;
    if x < ruler.left() - 8.0 || x > ruler.right() + 8.0 {
        return;
    }
    let painter = painter.with_clip_rect(ground.layout.canvas());
    let colour = ctx.theme.playhead;
    painter.vline(x, ruler.top()..=ground.layout.lanes.bottom(), Stroke::new(1.0, colour));
    let top = ruler.top();
    let head = vec![
        pos2(x - 6.0, top),
        pos2(x + 6.0, top),
        pos2(x + 6.0, top + 7.0),
        pos2(x, top + 13.0),
        pos2(x - 6.0, top + 7.0),
    ];
    painter.add(Shape::convex_polygon(head, colour, Stroke::NONE));
}

pub fn marquee(painter: &Painter, ctx: &Ctx, area: Rect) {
    painter.rect(
        area,
        0.0,
        ctx.theme.selection.gamma_multiply(0.12),
        Stroke::new(1.0, ctx.theme.selection),
        StrokeKind::Middle,
    );
}

/// Lowest and highest sample of each point from `left` on, around the middle of `rect`.
pub fn waveform(mesh: &mut Mesh, rect: Rect, left: f32, columns: &[[f32; 2]], gain: f32, colour: Color32) {
    let (middle, half) = (rect.center().y, rect.height() / 2.0);
    mesh.reserve_vertices(columns.len() * 4);
    mesh.reserve_triangles(columns.len() * 2);
    for (at, [low, high]) in columns.iter().enumerate() {
        let x = left + at as f32;
        let top = middle - (high * gain).clamp(-1.0, 1.0) * half;
        let bottom = middle - (low * gain).clamp(-1.0, 1.0) * half;
        // Silence is a hair.
        let bottom = bottom.max(top + 0.8);
        mesh.add_colored_rect(Rect::from_min_max(pos2(x, top), pos2(x + 1.0, bottom)), colour);
    }
}

/// The lanes' ground, a line between them.
pub fn lanes(painter: &Painter, ctx: &Ctx, ground: &Ground) {
    let lanes = ground.layout.lanes;
    painter.rect_filled(lanes, 0.0, ctx.theme.ground);
    let painter = painter.with_clip_rect(lanes);
    for row in ground.layout.seen() {
        let rect = Rect::from_x_y_ranges(lanes.x_range(), row.top..=row.bottom);
        painter.rect_filled(rect, 0.0, ctx.theme.panel);
        if ground.track(row.lane).is_some_and(|track| track.locked) {
            fill(&painter, rect, Pattern::Hatch, ctx.theme.raised);
        }
    }
}

/// A small caption on a ground of its own, so that it can be read on pictures.
pub fn caption(painter: &Painter, rect: Rect, words: &str, ctx: &Ctx, ground: Color32) {
    let at = pos2(rect.left().max(painter.clip_rect().left()) + 4.0, rect.top() + 2.0);
    let inside = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
    let galley = inside.layout_no_wrap(words.to_string(), FontId::proportional(10.5), ctx.theme.text);
    let behind = Rect::from_min_size(at - vec2(4.0, 2.0), galley.size() + vec2(8.0, 3.0));
    inside.rect_filled(behind, 0.0, ground);
    inside.galley(at, galley, ctx.theme.text);
}

/// Around what the keyboard is on.
pub fn focus(painter: &Painter, rect: Rect, colour: Color32) {
    painter.rect_stroke(rect.shrink(2.0), 2.0, Stroke::new(1.0, colour), StrokeKind::Middle);
}
