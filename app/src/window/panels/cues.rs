//! The lines of dialogue in order: who says what when, and how far each is.

use crate::window::command::Command;
use crate::window::ctx::Ctx;
use crate::window::status::{self, LineState};
use crate::window::widgets::{empty, named};
use lipsmith_project::CueId;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::NewCue, "");
        ctx.button(ui, Command::ImportScript, "");
        ctx.button(ui, Command::RenderAll, "");
    });
    ui.separator();
    if ctx.project.cues.is_empty() {
        return empty(ui, ctx, "cues-empty");
    }
    let mut order: Vec<_> = ctx.project.cues.iter().map(|(id, cue)| (cue.range.start(), *id)).collect();
    order.sort();
    let height = ui.text_style_height(&egui::TextStyle::Body) * 2.0 + 10.0;
    egui::ScrollArea::vertical().auto_shrink(false).show_rows(ui, height, order.len(), |ui, rows| {
        for (_, id) in &order[rows] {
            line(ui, ctx, *id, height);
        }
    });
}

fn line(ui: &mut egui::Ui, ctx: &mut Ctx, id: CueId, height: f32) {
    let Some(cue) = ctx.project.cues.get(&id) else { return };
    let state = status::of_line(ctx.project, id, cue, ctx.news);
    let selected = ctx.session.selection.cues.contains(&id);
    let character = cue.character.and_then(|id| ctx.project.characters.get(&id));
    let who = character.map_or_else(|| ctx.text("cue-nobody"), |character| character.name.clone());
    let start = ctx.timecode(cue.range.start());
    let words = if cue.text.is_empty() { ctx.text("cue-no-text") } else { cue.text.clone() };

    let (rect, response) =
        ui.allocate_exact_size(egui::vec2(ui.available_width(), height - 4.0), egui::Sense::click());
    let told = format!("{start} {who}: {words}. {}", ctx.text(state.key()));
    let response = named(response, egui::Role::ListItem, &told).on_hover_text(state_words(ctx, &state));
    let painter = ui.painter_at(rect);
    let fill = if selected {
        ctx.theme.accent.gamma_multiply(0.35)
    } else if response.hovered() {
        ctx.theme.hover
    } else {
        ctx.theme.raised
    };
    painter.rect_filled(rect, 3.0, fill);
    let bar = rect.with_max_x(rect.left() + 4.0);
    painter.rect_filled(bar, 2.0, character.map_or(ctx.theme.faint, |c| ctx.theme.person(c.colour)));
    let font = egui::FontId::proportional(12.5);
    let small = egui::FontId::monospace(10.5);
    let left = rect.left() + 10.0;
    let sign = painter.text(
        rect.right_center() - egui::vec2(8.0, 0.0),
        egui::Align2::RIGHT_CENTER,
        state.sign(),
        font.clone(),
        colour(ctx, &state),
    );
    let room = painter.with_clip_rect(rect.with_max_x(sign.left() - 6.0));
    let top = rect.top() + 4.0;
    let head = format!("{start}  {who}");
    let mut head = egui::text::LayoutJob::simple_singleline(head, small, ctx.theme.faint);
    head.wrap = egui::text::TextWrapping::truncate_at_width(sign.left() - 6.0 - left);
    room.galley(egui::pos2(left, top), ui.painter().layout_job(head), ctx.theme.faint);
    let words = words.lines().next().unwrap_or_default().to_owned();
    let mut words = egui::text::LayoutJob::simple_singleline(words, font, ctx.theme.text);
    words.wrap = egui::text::TextWrapping::truncate_at_width(sign.left() - 6.0 - left);
    let words = ui.painter().layout_job(words);
    let place = egui::pos2(left, rect.bottom() - 4.0 - words.size().y);
    room.galley(place, words, ctx.theme.text);
    if response.clicked() {
        if ui.input(|i| i.modifiers.command) {
            if !ctx.session.selection.cues.remove(&id) {
                ctx.session.selection.cues.insert(id);
            }
        } else {
            ctx.session.selection.only_cue(id);
            ctx.seek(cue.range.start());
        }
    }
    if response.double_clicked() {
        ctx.command(Command::PlayAround);
    }
    response.context_menu(|ui| {
        ctx.session.selection.only_cue(id);
        for command in [Command::Render, Command::RenderDraft, Command::SyncOrLeave, Command::Delete] {
            if ui.button(ctx.words.command(command)).clicked() {
                ctx.command(command);
                ui.close();
            }
        }
    });
    ui.add_space(4.0 - ui.spacing().item_spacing.y);
}

pub fn state_words(ctx: &Ctx, state: &LineState) -> String {
    match state {
        LineState::Failed(why) => format!("{}: {why}", ctx.text(state.key())),
        LineState::Rendering(share) => format!("{} {:.0} %", ctx.text(state.key()), share * 100.0),
        _ => ctx.text(state.key()),
    }
}

pub fn colour(ctx: &Ctx, state: &LineState) -> egui::Color32 {
    match state {
        LineState::Excluded => ctx.theme.excluded,
        LineState::Empty | LineState::Waiting => ctx.theme.warning,
        LineState::Rendering(_) | LineState::Draft => ctx.theme.draft,
        LineState::Failed(_) => ctx.theme.failure,
        LineState::Stale | LineState::Lost => ctx.theme.stale,
        LineState::Rendered => ctx.theme.success,
    }
}
