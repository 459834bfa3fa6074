//! Clips in their lanes: film as a strip of pictures, sound as a waveform with its gain and fades.

use super::hit::{Ground, HANDLE, gain_y};
use super::layout::{Lane, Row};
use super::paint::{self, Pattern};
use super::thumbs::Thumbs;
use crate::window::ctx::Ctx;
use egui::{Color32, Mesh, Painter, Rect, Shape, Stroke, StrokeKind, pos2};
use lipsmith_base::TimeRange;
use lipsmith_project::Clip;

/// Narrower clips run together into one block: there are thousands of them when all of a film is in sight.
const THIN: f32 = 3.0;
/// From this width on a clip has its name.
const NAMED: f32 = 34.0;
/// Shot changes nearer to each other than this are not drawn.
const CROWDED: f32 = 5.0;
/// What is left of the colours of a track that is muted, or not among the soloed.
const UNHEARD: f32 = 0.4;

pub fn show(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, thumbs: &mut Thumbs) {
    let Some(track) = ground.track(row.lane) else { return };
    let painter = painter.with_clip_rect(ground.layout.lanes);
    let film = row.lane == Lane::Picture;
    let colour = if film || row.lane == Lane::Original { ctx.theme.film_clip } else { ctx.theme.voice_clip };
    let heard = film || ctx.project.heard().any(|heard| heard.id == track.id);
    let [colour, ink] = [colour, ctx.theme.waveform]
        .map(|colour| if heard { colour } else { colour.gamma_multiply(UNHEARD) });
    let mut run: Option<Rect> = None;
    let mut blocks = Mesh::default();
    let mut waves = Mesh::default();
    let mut wide = Vec::new();
    for clip in track.clips_in(ground.axis.visible()) {
        let rect = ground.rect(row, clip.range());
        if rect.width() >= THIN {
            wide.push((clip, rect));
            continue;
        }
        let rect = rect.with_max_x(rect.right().max(rect.left() + 1.0));
        match &mut run {
            Some(run) if rect.left() - run.right() < 1.0 => run.max.x = run.max.x.max(rect.right()),
            other => {
                other.replace(rect).into_iter().for_each(|done| blocks.add_colored_rect(done, colour));
            }
        }
    }
    run.into_iter().for_each(|done| blocks.add_colored_rect(done, colour));
    painter.add(blocks);
    for (clip, rect) in &wide {
        painter.rect_filled(rect.intersect(ground.layout.lanes.expand(2.0)), 2.0, colour);
        if film {
            thumbs.strip(&painter, ctx, ground, clip, *rect);
        } else {
            wave(&mut waves, ctx, ground, clip, *rect, ink);
        }
    }
    painter.add(waves);
    for (clip, rect) in &wide {
        over(&painter, ctx, ground, row, clip, *rect, colour);
    }
    if film {
        shot_changes(&painter, ctx, ground, row);
    }
}

fn wave(mesh: &mut Mesh, ctx: &Ctx, ground: &Ground, clip: &Clip, rect: Rect, ink: Color32) {
    let media = ctx.project.media.get(&clip.media);
    let Some(peaks) = media.and_then(|media| ctx.news.peaks.get(&media.fingerprint)) else { return };
    let lanes = ground.layout.lanes;
    let (left, right) = (rect.left().max(lanes.left()), rect.right().min(lanes.right()));
    let columns = (right - left).floor().max(0.0) as usize;
    if columns == 0 {
        return;
    }
    let range = TimeRange::new(ground.axis.time(left), ground.axis.time(left + columns as f32));
    let columns = peaks.columns(range.shifted(clip.offset()), columns);
    let gain = 10f32.powf(clip.gain_db / 20.0);
    paint::waveform(mesh, rect.shrink2(egui::vec2(0.0, 3.0)), left, &columns, gain, ink);
}

/// Name, edge, fades, gain and what is wrong.
fn over(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, clip: &Clip, rect: Rect, colour: Color32) {
    if ctx.news.offline.contains(&clip.media) {
        paint::fill(painter, rect, Pattern::Hatch, ctx.theme.failure);
    }
    if rect.width() >= NAMED && row.lane != Lane::Original {
        let media = ctx.project.media.get(&clip.media);
        let name = media.map_or("?", |media| media.name.as_str());
        if ctx.news.offline.contains(&clip.media) {
            let words = format!("{name} — {}", ctx.text("timeline-offline"));
            paint::caption(painter, rect, &words, ctx, colour);
        } else {
            paint::caption(painter, rect, name, ctx, colour.gamma_multiply(0.85));
        }
    }
    // Above the name, which lies where the handle of a fade is.
    if row.lane != Lane::Picture {
        sound(painter, ctx, ground, row, clip, rect);
    }
    let selected = ctx.session.selection.clips.contains(&clip.id);
    let (width, line) = if selected { (2.0, ctx.theme.selection) } else { (1.0, ctx.theme.ground) };
    painter.rect_stroke(rect, 2.0, Stroke::new(width, line), StrokeKind::Inside);
}

/// Fades as the part that is lost, gain as a line, and handles where the pointer is.
fn sound(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, clip: &Clip, rect: Rect) {
    let axis = ground.axis;
    let lost = Color32::from_black_alpha(110);
    let fade_in = axis.x(clip.start + clip.fade_in);
    let fade_out = axis.x(clip.end() - clip.fade_out);
    if fade_in > rect.left() {
        let corner = vec![rect.left_top(), pos2(fade_in, rect.top()), rect.left_bottom()];
        painter.add(Shape::convex_polygon(corner, lost, Stroke::NONE));
        painter
            .line_segment([rect.left_bottom(), pos2(fade_in, rect.top())], Stroke::new(1.0, ctx.theme.text));
    }
    if fade_out < rect.right() {
        let corner = vec![rect.right_top(), rect.right_bottom(), pos2(fade_out, rect.top())];
        painter.add(Shape::convex_polygon(corner, lost, Stroke::NONE));
        painter.line_segment(
            [rect.right_bottom(), pos2(fade_out, rect.top())],
            Stroke::new(1.0, ctx.theme.text),
        );
    }
    let hovered = painter.ctx().pointer_hover_pos().is_some_and(|pointer| rect.contains(pointer));
    let selected = ctx.session.selection.clips.contains(&clip.id);
    if clip.gain_db != 0.0 || hovered || selected {
        let y = gain_y(row, clip.gain_db);
        let span = egui::Rangef::new(rect.left(), rect.right());
        painter.hline(span, y, Stroke::new(1.0, ctx.theme.selection.gamma_multiply(0.8)));
        if rect.width() > 80.0 && clip.gain_db != 0.0 {
            let words = format!("{:+.1} dB", clip.gain_db);
            let at = pos2(rect.right() - 52.0, (y + 1.0).min(rect.bottom() - 14.0));
            paint::text(painter, rect, at, &words, 10.0, ctx.theme.selection);
        }
    }
    if hovered && rect.width() > HANDLE * 3.0 {
        for x in [fade_in, fade_out] {
            let x = x.clamp(rect.left() + HANDLE / 2.0, rect.right() - HANDLE / 2.0);
            painter.circle_filled(pos2(x, rect.top() + HANDLE / 2.0), 3.5, ctx.theme.selection);
        }
    }
}

/// Where the film cuts inside its clips.
fn shot_changes(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row) {
    let mut last = f32::NEG_INFINITY;
    let stroke = Stroke::new(1.0, ctx.theme.text.gamma_multiply(0.7));
    for clip in ground.project.sequence.picture.clips_in(ground.axis.visible()) {
        let Some(faces) = ctx.news.faces_in(ground.project, clip) else { continue };
        let film = ground.axis.visible().shifted(clip.offset()).intersect(clip.source);
        let from = faces.shots.partition_point(|shot| shot.start() <= film.start());
        for shot in faces.shots[from..].iter().take_while(|shot| shot.start() < film.end()) {
            let x = ground.axis.x(shot.start() - clip.offset());
            if x - last < CROWDED {
                continue;
            }
            last = x;
            painter.vline(x, row.bottom - 12.0..=row.bottom, stroke);
            let notch = vec![pos2(x - 3.0, row.bottom), pos2(x + 3.0, row.bottom), pos2(x, row.bottom - 5.0)];
            painter.add(Shape::convex_polygon(notch, ctx.theme.text, Stroke::NONE));
        }
    }
}
