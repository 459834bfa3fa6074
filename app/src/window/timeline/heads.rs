//! The lanes' heads: names, and for tracks mute, solo, lock and gain.

use super::layout::{Lane, Layout, Row};
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use egui::{Align2, FontId, Rect, RichText, Role, Sense, UiBuilder, WidgetInfo, pos2, vec2};
use lipsmith_project::edit::{CastEdit, CueEdit, TakeEdit, TrackEdit};
use lipsmith_project::{CueId, Edit, MarkerId, Track, TrackId};

/// A name that is being written.
#[derive(Clone, Debug, PartialEq)]
pub struct Writing {
    pub what: Named,
    pub text: String,
    /// It has had the keyboard.
    pub begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Named {
    Track(TrackId),
    Marker(MarkerId),
    /// The text of a line.
    Cue(CueId),
}

impl Writing {
    pub fn new(what: Named, text: &str) -> Option<Writing> {
        Some(Writing { what, text: text.to_string(), begun: false })
    }

    fn edit(self, ctx: &Ctx) -> Option<Edit> {
        match self.what {
            Named::Track(track) => Some(TrackEdit::Rename { track, name: self.text }.into()),
            Named::Cue(cue) => Some(CueEdit::Text { cue, text: self.text }.into()),
            Named::Marker(id) => {
                let mut marker = ctx.project.markers.get(&id)?.clone();
                marker.name = self.text;
                Some(CastEdit::SetMarker(id, marker).into())
            }
        }
    }
}

/// A field over the thing itself. Enter or a click elsewhere keeps what was written, Escape does not.
pub fn write(ui: &mut egui::Ui, ctx: &mut Ctx, writing: &mut Option<Writing>, rect: Rect) {
    let Some(now) = writing else { return };
    let field = egui::TextEdit::singleline(&mut now.text).font(FontId::proportional(12.0));
    let response = ui.put(rect, field);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, ctx.text("timeline-rename")));
    if !now.begun {
        response.request_focus();
        now.begun = true;
        return;
    }
    if response.lost_focus() {
        let kept = !ui.input(|i| i.key_down(egui::Key::Escape));
        let edit = writing.take().filter(|_| kept).and_then(|writing| writing.edit(ctx));
        edit.into_iter().for_each(|edit| ctx.edit(edit));
    }
}

/// Above the heads: where the playhead is, and the timeline's own switches.
pub fn corner(ui: &mut egui::Ui, ctx: &mut Ctx, layout: &Layout) {
    let rect = layout.corner;
    ui.painter().rect_filled(rect, 0.0, ctx.theme.raised);
    let now = ctx.timecode(ctx.playing.unwrap_or(ctx.session.playhead));
    let font = FontId::monospace(12.0);
    ui.painter().text(rect.min + vec2(6.0, 3.0), Align2::LEFT_TOP, now, font, ctx.theme.text);
    let tools = rect.with_min_y(rect.top() + 18.0).shrink2(vec2(4.0, 1.0));
    ui.scope_builder(UiBuilder::new().max_rect(tools).id_salt("corner"), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding = vec2(4.0, 1.0);
        ui.horizontal_centered(|ui| {
            let name = ctx.words.command(Command::Snap);
            if switch(ui, ctx, &name, &name, ctx.session.timeline.snap) {
                ctx.command(Command::Snap);
            }
            let fit = ctx.text("viewer-fit");
            ctx.button(ui, Command::ZoomAll, &fit);
            ctx.button(ui, Command::ZoomOut, "−");
            ctx.button(ui, Command::ZoomIn, "+");
        });
    });
}

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx, layout: &Layout, writing: &mut Option<Writing>) {
    ui.painter().rect_filled(layout.heads, 0.0, ctx.theme.ground);
    let seen: Vec<Row> = layout.seen().copied().collect();
    for row in seen {
        let rect = Rect::from_x_y_ranges(layout.heads.x_range(), row.top..=row.bottom)
            .with_max_x(layout.heads.right() - 2.0);
        let builder = UiBuilder::new().max_rect(rect).id_salt(("head", row.lane));
        ui.scope_builder(builder, |ui| {
            ui.set_clip_rect(rect.intersect(layout.heads));
            ui.painter().rect_filled(rect, 0.0, ctx.theme.raised);
            head(ui, ctx, row.lane, rect.shrink2(vec2(5.0, 1.0)), writing);
        });
    }
}

fn head(ui: &mut egui::Ui, ctx: &mut Ctx, lane: Lane, rect: Rect, writing: &mut Option<Writing>) {
    let sequence = &ctx.project.sequence;
    match lane {
        Lane::Picture => {
            let track = sequence.picture.clone();
            let (top, below) = rect.split_top_bottom_at_y(rect.top() + 18.0);
            name(ui, ctx, &track, top, writing);
            row_of(ui, below, "lock", |ui| lock(ui, ctx, &track));
        }
        Lane::Original => {
            let track = sequence.picture.clone();
            let (top, below) = rect.split_top_bottom_at_y(rect.top() + 14.0);
            label(ui, ctx, &ctx.text("timeline-original"), top);
            row_of(ui, below, "sound", |ui| sound(ui, ctx, &track));
        }
        Lane::Voice(id) => {
            let Some(track) = sequence.voices.iter().find(|track| track.id == id).cloned() else { return };
            let (top, below) = rect.split_top_bottom_at_y(rect.top() + 20.0);
            name(ui, ctx, &track, top, writing);
            row_of(ui, below, "sound", |ui| {
                sound(ui, ctx, &track);
                lock(ui, ctx, &track);
            });
        }
        Lane::Person(id) => {
            let Some(person) = ctx.project.characters.get(&id) else { return };
            let colour = ctx.theme.person(person.colour);
            ui.painter().circle_filled(pos2(rect.left() + 5.0, rect.center().y), 4.0, colour);
            label(ui, ctx, &person.name, rect.with_min_x(rect.left() + 14.0));
            let response = ui.interact(rect, ui.scope_id().with("person"), Sense::click());
            let selected = ctx.session.selection.character == Some(id);
            response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &person.name));
            if response.clicked() {
                ctx.session.selection.character = Some(id);
            }
            if selected {
                let stroke = egui::Stroke::new(1.0, ctx.theme.selection);
                ui.painter().rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
            }
        }
        Lane::Cues => label(ui, ctx, &ctx.text("timeline-lines"), rect.with_max_y(rect.top() + 22.0)),
        Lane::Take(cue, id) => {
            let Some(line) = ctx.project.cues.get(&cue) else { return };
            let Some(take) = line.takes.get(&id) else { return };
            let chosen = line.chosen == Some(id);
            let radio = egui::RadioButton::new(chosen, RichText::new(&take.name).size(10.5));
            row_of(ui, rect, "take", |ui| {
                if ui.add(radio).clicked() {
                    ctx.edit(TakeEdit::Choose { cue, take: Some(id) });
                }
            });
        }
    }
}

fn row_of(ui: &mut egui::Ui, rect: Rect, salt: &str, show: impl FnOnce(&mut egui::Ui)) {
    ui.scope_builder(UiBuilder::new().max_rect(rect).id_salt(salt), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        ui.spacing_mut().button_padding = vec2(4.0, 0.0);
        ui.spacing_mut().interact_size.y = 16.0;
        ui.horizontal(show);
    });
}

fn label(ui: &egui::Ui, ctx: &Ctx, words: &str, rect: Rect) {
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let at = pos2(rect.left(), rect.center().y);
    painter.text(at, Align2::LEFT_CENTER, words, FontId::proportional(11.0), ctx.theme.faint);
}

/// A track's name; a double click writes another.
fn name(ui: &mut egui::Ui, ctx: &mut Ctx, track: &Track, rect: Rect, writing: &mut Option<Writing>) {
    if writing.as_ref().is_some_and(|writing| writing.what == Named::Track(track.id)) {
        return write(ui, ctx, writing, rect);
    }
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let at = pos2(rect.left(), rect.center().y);
    painter.text(at, Align2::LEFT_CENTER, &track.name, FontId::proportional(12.0), ctx.theme.text);
    let response = ui.interact(rect, ui.scope_id().with("name"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &track.name));
    if response.double_clicked() || (response.clicked() && !response.clicked_by(egui::PointerButton::Primary))
    {
        *writing = Writing::new(Named::Track(track.id), &track.name);
    }
    response.on_hover_text(ctx.text("timeline-rename-hint"));
}

fn sound(ui: &mut egui::Ui, ctx: &mut Ctx, track: &Track) {
    let id = track.id;
    let named = |ctx: &Ctx, key: &str| ctx.words.with(key, &[("track", track.name.as_str().into())]);
    let words = named(ctx, "timeline-mute");
    if switch(ui, ctx, "M", &words, track.muted) {
        ctx.edit(TrackEdit::Mute { track: id, muted: !track.muted });
    }
    let words = named(ctx, "timeline-solo");
    if switch(ui, ctx, "S", &words, track.solo) {
        ctx.edit(TrackEdit::Solo { track: id, solo: !track.solo });
    }
    let words = named(ctx, "timeline-gain");
    let mut gain_db = track.gain_db;
    let field =
        egui::DragValue::new(&mut gain_db).speed(0.1).range(-96.0..=24.0).fixed_decimals(1).suffix(" dB");
    let response = ui.add_sized(vec2(56.0, 16.0), field);
    response.widget_info(|| WidgetInfo {
        value: Some(f64::from(gain_db)),
        ..WidgetInfo::labeled(Role::SpinButton, true, &words)
    });
    if response.dragged() && response.changed() {
        ctx.drag(TrackEdit::Gain { track: id, gain_db });
    } else if response.drag_stopped() {
        ctx.act(Act::Release);
    } else if response.changed() {
        ctx.edit(TrackEdit::Gain { track: id, gain_db });
    }
    response.on_hover_text(words);
}

fn lock(ui: &mut egui::Ui, ctx: &mut Ctx, track: &Track) {
    let words = ctx.words.with("timeline-lock", &[("track", track.name.as_str().into())]);
    if switch(ui, ctx, "L", &words, track.locked) {
        ctx.edit(TrackEdit::Lock { track: track.id, locked: !track.locked });
    }
}

/// A small button that is on or off; true when it was clicked.
fn switch(ui: &mut egui::Ui, ctx: &Ctx, sign: &str, words: &str, on: bool) -> bool {
    let colour = if on { ctx.theme.on_accent } else { ctx.theme.text };
    let fill = if on { ctx.theme.accent } else { ctx.theme.panel };
    let button = egui::Button::new(RichText::new(sign).size(11.0).color(colour)).fill(fill);
    let response = ui.add(button.min_size(vec2(18.0, 16.0)));
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, words));
    response.on_hover_text(words).clicked()
}
