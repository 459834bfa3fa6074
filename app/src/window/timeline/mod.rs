//! The timeline: film, faces, voices and lines over time. What is drawn comes from the project and the news; what the
//! pointer does there goes out as edits. Everything that can be calculated without a screen is (`axis`, `layout`, `hit`,
//! `snap`, `drag`, `ruler`), and tested so.

mod axis;
mod clips;
mod cues;
mod drag;
mod faces;
mod heads;
mod hit;
mod layout;
mod lines;
mod menu;
mod nodes;
mod paint;
mod pointer;
mod ruler;
mod select;
mod snap;
#[cfg(test)]
pub mod tests;
mod thumbs;

use crate::window::ctx::Ctx;
use axis::Axis;
use egui::{Rect, Sense, vec2};
use heads::{Named, Writing};
use hit::Ground;
use layout::{Lane, Layout};
use lines::{Lines, States};
use lipsmith_base::Time;
use pointer::Press;
use thumbs::Thumbs;

/// What the timeline remembers from frame to frame, besides how it is looked at.
#[derive(Clone, Default)]
struct Held {
    lines: Lines,
    states: States,
    thumbs: Thumbs,
    press: Option<Press>,
    writing: Option<Writing>,
    playhead: Time,
}

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let area = ui.available_rect_before_wrap();
    if area.width() < 200.0 || area.height() < 60.0 {
        return;
    }
    let id = egui::Id::unique("timeline");
    let mut held: Held = ui.data_mut(|data| data.remove_temp(id)).unwrap_or_default();
    held.lines.follow(ctx.project);
    held.states.follow(ctx);
    let takes_of = ctx.session.selection.cues.first().copied();
    let takes_of = takes_of.filter(|_| ctx.session.selection.cues.len() == 1);
    let layout = Layout::new(area, ctx.project, &held.lines, takes_of, &mut ctx.session.timeline.scroll);
    let playhead = ctx.playing.unwrap_or(ctx.session.playhead);
    let axis = look(ui, ctx, &layout, area, &mut held, playhead);

    let canvas = ui.interact(layout.canvas(), id.with("canvas"), Sense::click_and_drag());
    canvas.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Group, true, ctx.text("panel-timeline")));
    let lines = std::mem::take(&mut held.lines);
    let marks = [ctx.session.mark_in, ctx.session.mark_out];
    let ground = Ground { project: ctx.project, lines: &lines, layout: &layout, axis, marks };
    pointer::handle(ui, ctx, &ground, &mut held, &canvas);
    let ghost = pointer::drop_from_pool(ui, ctx, &ground, &canvas);
    draw(ui, ctx, &ground, &mut held, playhead, ghost);
    for hit in nodes::show(ui, ctx, &ground, &mut held.states, playhead) {
        select::click(&mut ctx.session.selection, hit, false);
    }
    menu::show(ui, ctx, &ground, &canvas);
    write_in_place(ui, ctx, &ground, &mut held.writing);
    heads::corner(ui, ctx, &layout);
    heads::show(ui, ctx, &layout, &mut held.writing);

    held.thumbs.ask(ctx, ui.input(|i| i.time), Lane::Picture.height(&lines) * ui.pixels_per_point());
    if held.states.behind {
        ui.ctx().request_repaint();
    }
    held.lines = lines;
    ui.data_mut(|data| data.insert_temp(id, held));
}

/// The stretch of time that is in sight from now on.
fn look(ui: &egui::Ui, ctx: &mut Ctx, layout: &Layout, area: Rect, held: &mut Held, playhead: Time) -> Axis {
    let canvas = layout.canvas();
    let mut axis = Axis::new(canvas.left(), canvas.width(), &ctx.session.timeline);
    if ctx.session.timeline.fit {
        axis = axis.fitting(ctx.project.duration());
        ctx.session.timeline.fit = false;
        axis.keep(&mut ctx.session.timeline);
        ctx.session.timeline.fitted = Some((ctx.session.timeline.from, ctx.session.timeline.scale));
    }
    axis = pointer::navigate(ui, ctx, axis, canvas, area, layout.overflow);
    if playhead != held.playhead && held.press.is_none() {
        axis = axis.showing(playhead);
    }
    held.playhead = playhead;
    axis.keep(&mut ctx.session.timeline);
    axis
}

fn draw(ui: &egui::Ui, ctx: &Ctx, ground: &Ground, held: &mut Held, playhead: Time, ghost: Option<Rect>) {
    let layout = ground.layout;
    let painter = ui.painter_at(layout.canvas());
    paint::lanes(&painter, ctx, ground);
    for row in layout.seen() {
        match row.lane {
            Lane::Picture | Lane::Original | Lane::Voice(_) => {
                clips::show(&painter, ctx, ground, row, &mut held.thumbs);
            }
            Lane::Person(id) => faces::show(&painter, ctx, ground, row, id),
            Lane::Cues => cues::show(&painter, ctx, ground, row, &mut held.states),
            Lane::Take(cue, take) => cues::take(&painter, ctx, ground, row, cue, take),
        }
    }
    if let Some(ghost) = ghost {
        paint::marquee(&painter.with_clip_rect(layout.lanes), ctx, ghost);
    }
    paint::ruler(&painter, ctx, ground);
    paint::markers(&painter, ctx, ground);
    paint::marks(&painter, ctx, ground);
    if let Some(press) = &held.press {
        if let Some(at) = press.guide {
            paint::guide(&painter, ctx, ground, at);
        }
        let pointer = ui.input(|i| i.pointer.interact_pos());
        if let Some(area) = pointer.and_then(|pointer| press.marquee(ground, pointer)) {
            paint::marquee(&painter, ctx, area);
        }
    }
    paint::playhead(&painter, ctx, ground, playhead);
}

/// The text of a line or the name of a marker, written where it stands.
fn write_in_place(ui: &mut egui::Ui, ctx: &mut Ctx, ground: &Ground, writing: &mut Option<Writing>) {
    let lanes = ground.layout.lanes;
    let rect = match writing.as_ref().map(|writing| writing.what) {
        Some(Named::Cue(id)) => ground.project.cues.get(&id).and_then(|cue| {
            let row = ground.layout.row(Lane::Cues)?;
            let line = ground.lines.within(cue.range).find(|line| line.id == id)?;
            let rect = hit::cue_rect(ground.rect(row, line.range), line.row);
            let left = rect.left().clamp(lanes.left(), (lanes.right() - 240.0).max(lanes.left()));
            Some(Rect::from_min_size(
                egui::pos2(left, rect.top()),
                vec2(rect.width().clamp(240.0, 600.0), 24.0),
            ))
        }),
        Some(Named::Marker(id)) => ground.project.markers.get(&id).map(|marker| {
            let x = ground.axis.x(marker.at).clamp(lanes.left(), (lanes.right() - 160.0).max(lanes.left()));
            Rect::from_min_size(egui::pos2(x, ground.layout.markers.top() - 3.0), vec2(160.0, 22.0))
        }),
        _ => return,
    };
    match rect {
        Some(rect) => heads::write(ui, ctx, writing, rect),
        None => *writing = None,
    }
}
