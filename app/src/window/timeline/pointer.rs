//! The pointer on the canvas: presses become gestures or clicks, the wheel zooms, pans and scrolls.

use super::axis::Axis;
use super::drag::{self, Gesture, Motion, Outcome};
use super::heads::{Named, Writing};
use super::hit::{Ground, Hit, Part};
use super::snap::Snap;
use super::{Held, select};
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use crate::window::session::Selection;
use egui::{CursorIcon, Modifiers, PointerButton, Pos2, Rect};
use lipsmith_base::Time;
use lipsmith_project::edit::{Edge, Ripple, TakeEdit};
use lipsmith_project::{Edit, MediaId};

/// Points the pointer goes before a press becomes a drag.
const DECIDED: f32 = 4.0;

/// A button that is down.
#[derive(Clone, Debug)]
pub struct Press {
    hit: Hit,
    gesture: Gesture,
    at: Pos2,
    time: Time,
    height: f32,
    add: bool,
    /// It was not selected before.
    fresh: bool,
    /// The selection before the press.
    before: Selection,
    begun: bool,
    abandoned: bool,
    last: Option<Edit>,
    /// Sticks to something.
    pub guide: Option<Time>,
}

impl Press {
    /// The rectangle being drawn.
    pub fn marquee(&self, ground: &Ground, pointer: Pos2) -> Option<Rect> {
        let drawn = self.gesture == Gesture::Marquee && self.begun && !self.abandoned;
        let from = egui::pos2(ground.axis.x(self.time), self.at.y);
        drawn.then(|| Rect::from_two_pos(from, pointer).intersect(ground.layout.lanes))
    }
}

pub fn handle(ui: &egui::Ui, ctx: &mut Ctx, ground: &Ground, held: &mut Held, canvas: &egui::Response) {
    let (pointer, pressed, released, modifiers) = ui.input(|i| {
        let p = &i.pointer;
        (p.interact_pos(), p.primary_pressed(), p.primary_released(), i.modifiers)
    });
    // A click so quick that the button is up again never shows as down.
    let quick = pressed && released && ui.rect_contains_pointer(canvas.rect);
    if pressed && (canvas.is_pointer_button_down_on() || quick) {
        held.press = pointer.and_then(|at| press(ctx, ground, at, modifiers));
    }
    let Some(mut now) = held.press.take() else {
        return hover(ui, ground, canvas, modifiers);
    };
    if let Some(pointer) = pointer {
        let far = pointer.distance(now.at) > DECIDED;
        now.begun |= far
            && matches!(
                now.hit,
                Hit::Clip(..) | Hit::Cue(..) | Hit::Marker(_) | Hit::Take(..) | Hit::Person(_) | Hit::Empty
            );
        if now.begun && !now.abandoned {
            if ui.input(|i| i.key_down(egui::Key::Escape)) {
                abandon(ctx, &mut now);
            } else {
                follow(ui, ctx, ground, &mut now, pointer, modifiers);
            }
        }
    }
    if ui.input(|i| i.pointer.primary_down()) {
        held.press = Some(now);
        return;
    }
    if now.begun {
        ctx.act(Act::Release);
    } else if !now.abandoned {
        let double = ui.input(|i| i.pointer.button_double_clicked(PointerButton::Primary));
        click(ctx, now, double, &mut held.writing);
    }
}

fn press(ctx: &mut Ctx, ground: &Ground, at: Pos2, modifiers: Modifiers) -> Option<Press> {
    let hit = ground.hit(at)?;
    let add = modifiers.shift || modifiers.command;
    let before = ctx.session.selection.clone();
    // A ripple trim is asked for by Ctrl and selects nothing more.
    let handle = matches!(hit, Hit::Clip(_, part) | Hit::Cue(_, part) if part != Part::Body);
    select::press(&mut ctx.session.selection, hit, add && !handle);
    let fresh = ctx.session.selection != before;
    let row = ground.layout.row_at(at.y);
    let gesture = drag::begin(hit, modifiers);
    Some(Press {
        hit,
        gesture,
        at,
        time: ground.axis.time(at.x),
        height: row.map_or(1.0, |row| row.bottom - row.top),
        add,
        fresh,
        before,
        begun: matches!(gesture, Gesture::Scrub | Gesture::Mark(_)),
        abandoned: false,
        last: None,
        guide: None,
    })
}

/// What the gesture comes to where the pointer is now.
fn follow(
    ui: &egui::Ui,
    ctx: &mut Ctx,
    ground: &Ground,
    now: &mut Press,
    pointer: Pos2,
    modifiers: Modifiers,
) {
    let suspended = modifiers.shift || (modifiers.alt && !matches!(now.gesture, Gesture::Slip(_)));
    let scrubbing = now.gesture == Gesture::Scrub;
    let moving = match now.gesture {
        Gesture::MoveClip(_) | Gesture::MoveCue(_) => ctx.session.selection.clone(),
        Gesture::Marker(id) => Selection { markers: [id].into(), ..Selection::default() },
        Gesture::TrimCue(id, _) => Selection { cues: [id].into(), ..Selection::default() },
        Gesture::Trim(id, _) | Gesture::RippleTrim(id, _) => {
            let mut clips = ctx.session.selection.clips.clone();
            clips.insert(id);
            Selection { clips, ..Selection::default() }
        }
        _ => Selection::default(),
    };
    let playhead = (!scrubbing).then_some(ctx.session.playhead);
    let snap = Snap::new(ground, ctx.news, &moving, playhead, ctx.session.timeline.snap && !suspended);
    let at = ground.axis.time(pointer.x).max(Time::ZERO);
    match now.gesture {
        Gesture::Scrub => {
            let (to, guide) = snap.time(at, false);
            // Between the frames it is the frame under the pointer that is meant.
            let to = if guide.is_some() { to } else { at };
            now.guide = guide;
            let rate = ctx.project.sequence.rate;
            if rate.frame_at(to) != rate.frame_at(ctx.session.playhead) {
                ctx.act(Act::Seek { to, scrub: true });
            }
        }
        Gesture::Mark(edge) => {
            let (to, guide) = snap.time(at, true);
            now.guide = guide;
            let session = &mut ctx.session;
            match edge {
                Edge::Head if session.mark_out.is_none_or(|out| to < out) => session.mark_in = Some(to),
                Edge::Tail if session.mark_in.is_none_or(|start| start < to) => session.mark_out = Some(to),
                _ => {}
            }
        }
        Gesture::Marquee => {
            if let Some(area) = now.marquee(ground, pointer) {
                let touched = ground.touched(area);
                ctx.session.selection = select::marquee(&now.before, touched, now.add);
            }
        }
        gesture => {
            let motion = Motion {
                pressed: now.time,
                now: ground.axis.time(pointer.x),
                up: now.at.y - pointer.y,
                height: now.height,
                lane: ground.layout.row_at(pointer.y).map(|row| row.lane),
                command: modifiers.command,
            };
            let base = &ctx.history.steps()[ctx.history.at()].project;
            let Outcome { edit, guide } = gesture.outcome(base, &ctx.session.selection, &motion, &snap);
            now.guide = guide;
            if let Some(edit) = edit
                && now.last.as_ref() != Some(&edit)
            {
                now.last = Some(edit.clone());
                ctx.drag(edit);
            }
        }
    }
    scroll_along(ui, ctx, ground, pointer);
    ui.ctx().set_cursor_icon(cursor(now.gesture, true));
}

/// Where the pointer leaves the canvas, the view goes after it.
fn scroll_along(ui: &egui::Ui, ctx: &mut Ctx, ground: &Ground, pointer: Pos2) {
    let lanes = ground.layout.lanes;
    let over = (pointer.x - lanes.right()).max(0.0) - (lanes.left() - pointer.x).max(0.0);
    if over != 0.0 {
        let step = (over * 8.0 * ui.input(|i| i.stable_dt.min(0.1))).clamp(-60.0, 60.0);
        ground.axis.panned(step).keep(&mut ctx.session.timeline);
        ui.ctx().request_repaint();
    }
}

fn abandon(ctx: &mut Ctx, now: &mut Press) {
    now.abandoned = true;
    now.begun = false;
    now.guide = None;
    if now.gesture == Gesture::Marquee {
        ctx.session.selection = now.before.clone();
    }
    ctx.act(Act::Abandon);
    // Escape has meant the gesture and not the selection.
    ctx.acts.retain(|act| !matches!(act, Act::Do(Command::SelectNone)));
}

fn click(ctx: &mut Ctx, now: Press, double: bool, writing: &mut Option<Writing>) {
    match now.hit {
        Hit::Take(cue, take) => ctx.edit(TakeEdit::Choose { cue, take: Some(take) }),
        Hit::Cue(id, _) if double => {
            let text = ctx.project.cues.get(&id).map(|cue| cue.text.clone());
            *writing = text.and_then(|text| Writing::new(Named::Cue(id), &text));
        }
        Hit::Marker(id) if double => {
            let name = ctx.project.markers.get(&id).map(|marker| marker.name.clone());
            *writing = name.and_then(|name| Writing::new(Named::Marker(id), &name));
        }
        // The press has added it already.
        hit if !(now.add && now.fresh) => select::click(&mut ctx.session.selection, hit, now.add),
        _ => {}
    }
}

fn hover(ui: &egui::Ui, ground: &Ground, canvas: &egui::Response, modifiers: Modifiers) {
    let over = ui.input(|i| i.pointer.hover_pos()).filter(|_| ui.rect_contains_pointer(canvas.rect));
    if let Some(hit) = over.and_then(|at| ground.hit(at)) {
        ui.ctx().set_cursor_icon(cursor(drag::begin(hit, modifiers), false));
    }
}

fn cursor(gesture: Gesture, dragging: bool) -> CursorIcon {
    match gesture {
        Gesture::Trim(..) | Gesture::TrimCue(..) | Gesture::Mark(_) => CursorIcon::ResizeHorizontal,
        Gesture::RippleTrim(..) => CursorIcon::ResizeColumn,
        Gesture::Slip(_) => CursorIcon::AllScroll,
        Gesture::Fade(..) => CursorIcon::ResizeNeSw,
        Gesture::Gain(_) => CursorIcon::ResizeVertical,
        Gesture::Comp(..) => CursorIcon::Crosshair,
        Gesture::MoveClip(_) | Gesture::MoveCue(_) | Gesture::Marker(_) if dragging => CursorIcon::Grabbing,
        _ => CursorIcon::Default,
    }
}

/// Zooms, pans and scrolls as the wheel, a pinch or the middle button ask for.
pub fn navigate(ui: &egui::Ui, ctx: &mut Ctx, axis: Axis, canvas: Rect, whole: Rect, overflow: f32) -> Axis {
    let over = ui.rect_contains_pointer(whole);
    let (pointer, zoom, scroll, alt, middle) = ui.input(|i| {
        let dragged = if i.pointer.middle_down() { i.pointer.delta() } else { egui::Vec2::ZERO };
        (i.pointer.hover_pos(), i.zoom_delta(), i.smooth_scroll_delta(), i.modifiers.alt, dragged)
    });
    let Some(pointer) = pointer.filter(|_| over) else { return axis };
    let about = pointer.x.clamp(canvas.left(), canvas.right());
    let look = &mut ctx.session.timeline;
    let mut axis = axis;
    if zoom != 1.0 {
        axis = axis.zoomed(about, f64::from(zoom));
    } else if alt {
        axis = axis.zoomed(about, f64::from((scroll.y + scroll.x) / 200.0).exp());
    } else {
        // Where nothing can be scrolled the wheel goes along the film.
        let (along, down) = if overflow > 0.0 { (scroll.x, scroll.y) } else { (scroll.x + scroll.y, 0.0) };
        axis = if along == 0.0 { axis } else { axis.panned(-along) };
        look.scroll -= down;
    }
    if middle != egui::Vec2::ZERO {
        axis = axis.panned(-middle.x);
        look.scroll -= middle.y;
    }
    axis
}

/// Media dragged here from the pool. Gives back where it would lie, to be drawn.
pub fn drop_from_pool(
    ui: &egui::Ui,
    ctx: &mut Ctx,
    ground: &Ground,
    canvas: &egui::Response,
) -> Option<Rect> {
    let media = *canvas.dnd_hover_payload::<MediaId>()?;
    let pointer = ui.input(|i| i.pointer.interact_pos())?;
    let command = ui.input(|i| i.modifiers.command);
    let row = ground.layout.row_at(pointer.y);
    let playhead = Some(ctx.session.playhead);
    let snap = Snap::new(ground, ctx.news, &Selection::default(), playhead, ctx.session.timeline.snap);
    let (at, _) = snap.time(ground.axis.time(pointer.x), true);
    let ripple = if command { Ripple::All } else { Ripple::Off };
    let name = ctx.words.numbered("track-voice", ctx.project.sequence.voices.len() + 1);
    let edit = drag::drop_media(ctx.project, media, row.map(|row| row.lane), at, ripple, &name);
    if canvas.dnd_release_payload::<MediaId>().is_some() {
        match edit {
            Some(edit) => ctx.edit(edit),
            None => ctx.act(Act::Say("timeline-cannot-lie")),
        }
        return None;
    }
    edit?;
    let duration = ctx.project.media.get(&media)?.duration;
    let row = row.or(ground.layout.rows.last())?;
    Some(ground.rect(row, lipsmith_base::TimeRange::with_duration(at, duration)))
}
