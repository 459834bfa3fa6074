//! What a screen reader and the Tab key find: every clip, line, marker and the playhead that is in sight, with its name
//! and place. The same words stand in the tooltips.

use super::hit::{Ground, Hit, Part, cue_rect};
use super::layout::Lane;
use super::lines::States;
use super::{faces, paint};
use crate::window::command::Command;
use crate::window::ctx::Ctx;
use crate::window::status::LineState;
use crate::window::sync;
use egui::accesskit::Action;
use egui::{EventFilter, Rect, Role, Sense, WidgetInfo, pos2, vec2};
use lipsmith_base::{Time, TimeRange};
use lipsmith_project::{Clip, CueId};

/// Narrower things come into being when the editor zooms in.
const NARROWEST: f32 = 6.0;
/// Arrows move the playhead and not the focus.
const KEYS: EventFilter =
    EventFilter { tab: false, horizontal_arrows: true, vertical_arrows: true, escape: false };

/// Gives back what was activated or reached without the pointer.
pub fn show(ui: &egui::Ui, ctx: &mut Ctx, ground: &Ground, states: &mut States, playhead: Time) -> Vec<Hit> {
    let mut reached = Vec::new();
    for row in ground.layout.seen() {
        match row.lane {
            Lane::Picture | Lane::Voice(_) => {
                let track = ground.track(row.lane);
                let clips = track.map_or(&[][..], |track| track.clips_in(ground.axis.visible()));
                for clip in clips {
                    let rect = ground.rect(row, clip.range());
                    let selected = ctx.session.selection.clips.contains(&clip.id);
                    let words = || clip_words(ctx, clip);
                    let id = ("clip", clip.id.0);
                    if node(ui, ground, rect, id, selected, words) {
                        reached.push(Hit::Clip(clip.id, Part::Body));
                    }
                }
            }
            Lane::Cues => {
                for line in ground.lines.within(ground.axis.visible()) {
                    let rect = cue_rect(ground.rect(row, line.range), line.row);
                    let selected = ctx.session.selection.cues.contains(&line.id);
                    let state = states.of(ctx, line.id);
                    let words = || cue_words(ctx, line.id, state);
                    if node(ui, ground, rect, ("cue", line.id.0), selected, words) {
                        reached.push(Hit::Cue(line.id, Part::Body));
                    }
                }
            }
            Lane::Take(cue, take) => {
                let Some(line) = ctx.project.cues.get(&cue) else { continue };
                let Some(kept) = line.takes.get(&take) else { continue };
                let rect = ground.rect(row, line.rendered());
                let words = || ctx.words.with("timeline-take", &[("name", kept.name.as_str().into())]);
                if node(ui, ground, rect, ("take", take.0), line.chosen == Some(take), words) {
                    reached.push(Hit::Take(cue, take));
                }
            }
            Lane::Person(id) => {
                let lane = Rect::from_x_y_ranges(ground.layout.lanes.x_range(), row.top..=row.bottom);
                let rect = lane.intersect(ground.layout.lanes);
                let response = ui.interact(rect, ui.scope_id().with(("person", id.0)), Sense::hover());
                response.on_hover_ui_at_pointer(|ui| {
                    let at = ui.ctx().pointer_hover_pos().map(|pointer| ground.axis.time(pointer.x));
                    let seen = at.and_then(|at| faces::seen_at(ctx, id, at));
                    ui.label(ctx.text(seen.map_or("timeline-face-none", faces::key)));
                });
            }
            Lane::Original => {}
        }
    }
    markers(ui, ctx, ground, &mut reached);
    head(ui, ctx, ground, playhead);
    reached
}

/// True when it was reached or activated by other means than the pointer.
fn node(
    ui: &egui::Ui,
    ground: &Ground,
    rect: Rect,
    id: (&str, u64),
    selected: bool,
    words: impl Fn() -> String,
) -> bool {
    let rect = rect.intersect(ground.layout.lanes);
    if rect.width() < NARROWEST || rect.height() <= 0.0 {
        return false;
    }
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, words()));
    if response.has_focus() {
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, KEYS));
        paint::focus(&ui.painter_at(ground.layout.lanes), rect, ui.visuals().selection.stroke.color);
    }
    let other = response.clicked() && !response.clicked_by(egui::PointerButton::Primary);
    let reached = other || response.gained_focus();
    explain(response, words);
    reached
}

/// A tooltip, unless something is being dragged over it.
fn explain(response: egui::Response, words: impl Fn() -> String) {
    if !response.ctx.input(|i| i.pointer.any_down()) {
        response.on_hover_ui(|ui| drop(ui.label(words())));
    }
}

fn markers(ui: &egui::Ui, ctx: &Ctx, ground: &Ground, reached: &mut Vec<Hit>) {
    let lane = ground.layout.markers;
    for (id, marker) in ctx.project.markers.iter() {
        let x = ground.axis.x(marker.at);
        if !lane.x_range().contains(x) {
            continue;
        }
        let rect = Rect::from_center_size(pos2(x, lane.center().y), vec2(12.0, lane.height()));
        let response = ui.interact(rect, ui.scope_id().with(("marker", id.0)), Sense::click());
        let words = || {
            let values = [("name", marker.name.as_str().into()), ("at", ctx.timecode(marker.at).into())];
            ctx.words.with("timeline-marker", &values)
        };
        let selected = ctx.session.selection.markers.contains(id);
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, words()));
        if response.clicked() && !response.clicked_by(egui::PointerButton::Primary) || response.gained_focus()
        {
            reached.push(Hit::Marker(*id));
        }
        explain(response, words);
    }
}

fn head(ui: &egui::Ui, ctx: &mut Ctx, ground: &Ground, at: Time) {
    let ruler = ground.layout.ruler;
    let x = ground.axis.x(at).clamp(ruler.left(), ruler.right());
    let rect = Rect::from_center_size(pos2(x, ruler.top() + 7.0), vec2(12.0, 14.0));
    let id = ui.scope_id().with("playhead");
    let response = ui.interact(rect, id, Sense::focusable_noninteractive());
    let name = ctx.words.with("timeline-playhead", &[("at", ctx.timecode(at).into())]);
    response.widget_info(|| WidgetInfo::slider(true, at.secs_f64(), &name));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.add_action(Action::Increment);
        node.add_action(Action::Decrement);
    });
    for (action, command) in
        [(Action::Increment, Command::StepForward), (Action::Decrement, Command::StepBack)]
    {
        for _ in 0..ui.input(|i| i.num_accesskit_action_requests(id, action)) {
            ctx.command(command);
        }
    }
}

fn clip_words(ctx: &Ctx, clip: &Clip) -> String {
    let name = ctx.project.media.get(&clip.media).map_or("?", |media| media.name.as_str());
    let (from, to) = places(ctx, clip.range());
    let key = if ctx.news.offline.contains(&clip.media) { "timeline-clip-offline" } else { "timeline-clip" };
    ctx.words.with(key, &[("name", name.into()), ("from", from.into()), ("to", to.into())])
}

fn cue_words(ctx: &Ctx, id: CueId, state: Option<&LineState>) -> String {
    let Some(cue) = ctx.project.cues.get(&id) else { return String::new() };
    let speaker = cue.character.and_then(|id| ctx.project.characters.get(&id));
    let (from, to) = places(ctx, cue.range);
    let text = match speaker {
        Some(speaker) => format!("{}: {}", speaker.name, cue.text),
        None => cue.text.clone(),
    };
    let mut state_words = state.map_or(String::new(), |state| ctx.text(state.key()));
    if let Some(LineState::Failed(why)) = state {
        state_words = format!("{state_words}: {why}");
    }
    if let Some(sync) = sync::words(ctx, id) {
        state_words = format!("{state_words}; {sync}");
    }
    let values =
        [("text", text.into()), ("from", from.into()), ("to", to.into()), ("state", state_words.into())];
    ctx.words.with("timeline-cue", &values)
}

fn places(ctx: &Ctx, range: TimeRange) -> (String, String) {
    (ctx.timecode(range.start()), ctx.timecode(range.end()))
}
