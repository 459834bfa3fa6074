//! The takes of a line: which is seen, what they are called, how good they are.

use super::cues::state_words;
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use crate::window::session::Compare;
use crate::window::status;
use crate::window::widgets::{empty, icon, text_field};
use lipsmith_engine::desk::{Request, Side};
use lipsmith_project::edit::TakeEdit;
use lipsmith_project::{Cue, CueId, Take, TakeId};

/// The most stars.
const STARS: u8 = 5;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let Some((id, cue)) = ctx.cue().and_then(|id| Some((id, ctx.project.cues.get(&id)?.clone()))) else {
        return empty(ui, ctx, "takes-no-line");
    };
    let state = status::of_line(ctx.project, id, &cue, ctx.news);
    ui.add(egui::Label::new(format!("{} {}", state.sign(), state_words(ctx, &state))).wrap());
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::Render, "");
        ctx.button(ui, Command::RenderDraft, "");
        ctx.button(ui, Command::TestFrame, "");
    });
    ui.separator();
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        if ui.radio(cue.chosen.is_none(), ctx.text("take-original")).clicked() {
            ctx.edit(TakeEdit::Choose { cue: id, take: None });
        }
        for (number, (take, of)) in cue.takes.iter().enumerate() {
            ui.push_id(take.0, |ui| row(ui, ctx, id, &cue, number, *take, of));
        }
        comps(ui, ctx, id, &cue);
        tested(ui, ctx, id);
    });
}

fn row(ui: &mut egui::Ui, ctx: &mut Ctx, cue: CueId, line: &Cue, number: usize, id: TakeId, take: &Take) {
    ui.separator();
    ui.horizontal(|ui| {
        let chosen = line.chosen == Some(id);
        let sign = format!("{}", number + 1);
        if ui.radio(chosen, sign).on_hover_text(ctx.text("take-choose")).clicked() {
            ctx.edit(TakeEdit::Choose { cue, take: Some(id) });
        }
        let buttons = 84.0;
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - buttons).max(60.0));
            let name =
                text_field(ui, ui.scope_id().with("name"), &take.name, &ctx.text("take-rename"), false);
            name.into_iter().for_each(|name| ctx.edit(TakeEdit::Rename { cue, take: id, name }));
        });
        if icon(ui, "◧", &ctx.text("take-compare"), true).clicked() {
            ctx.session.viewer.compare = Compare::Wipe;
            ctx.session.viewer.sides = [Side::Dub, Side::Take(cue, id)];
        }
        if icon(ui, "✖", &ctx.text("take-delete"), true).clicked() {
            ctx.edit(TakeEdit::Remove { cue, take: id });
        }
    });
    ui.horizontal_wrapped(|ui| {
        for star in 1..=STARS {
            let values = [("stars", star.into())];
            let name = ctx.words.with("take-rate", &values);
            let sign = if star <= take.rating { "★" } else { "☆" };
            if icon(ui, sign, &name, true).clicked() {
                let rating = if take.rating == star { star - 1 } else { star };
                ctx.edit(TakeEdit::Rate { cue, take: id, rating });
            }
        }
        ui.colored_label(ctx.theme.faint, manner(ctx, cue, id, take));
    });
}

/// How it was made and whether it still fits the line.
fn manner(ctx: &Ctx, cue: CueId, id: TakeId, take: &Take) -> String {
    let method = take.parts.first().map(|part| part.method.clone()).unwrap_or_default();
    let mut text = method.family.clone();
    if super::inspector::is_diffusion(&method.family) {
        let halved = if method.in_betweens { " ½" } else { "" };
        let rough = if method.half_precision { " ~" } else { "" };
        let skipped =
            if method.inner_every > 1 { format!(" ⁄{}", method.inner_every) } else { String::new() };
        text += &format!(" {}×{}{skipped} #{}{halved}{rough}", method.sampler, method.steps, method.seed);
    }
    let done: u64 = take.parts.iter().filter_map(|p| ctx.news.takes.get(&p.key())).map(|r| r.done).sum();
    let total: u64 = take.parts.iter().filter_map(|p| ctx.news.takes.get(&p.key())).map(|r| r.total).sum();
    if !status::take_is_whole(take, ctx.news) {
        text += &format!("  {done}/{total}");
    }
    if ctx.project.is_stale(cue, id, &ctx.news.knows.known()) {
        text += &format!("  ↻ {}", ctx.text("state-stale"));
    }
    text
}

/// Where another take is seen than the chosen one.
fn comps(ui: &mut egui::Ui, ctx: &mut Ctx, cue: CueId, line: &Cue) {
    if line.takes.len() < 2 {
        return;
    }
    ui.separator();
    ctx.button(ui, Command::CompTake, "").on_hover_text(ctx.text("comp-how"));
    for span in &line.comp {
        ui.horizontal(|ui| {
            let name = line.takes.get(&span.take).map_or("?", |take| take.name.as_str());
            let range = span.range.shifted(line.range.start());
            ui.label(format!("{} – {}  {name}", ctx.timecode(range.start()), ctx.timecode(range.end())));
            if icon(ui, "✖", &ctx.text("comp-remove"), true).clicked() {
                ctx.edit(TakeEdit::Comp { cue, range: span.range, take: None });
            }
        });
    }
}

/// The last test of one frame.
fn tested(ui: &mut egui::Ui, ctx: &mut Ctx, cue: CueId) {
    let Some((_, at, picture)) = ctx.news.tested.as_ref().filter(|(of, ..)| *of == cue) else { return };
    ui.separator();
    let at = *at;
    ui.label(format!("{} {}", ctx.text("take-tested"), ctx.timecode(at)));
    let size = picture.size_vec2();
    let width = ui.available_width().min(size.x);
    let shown = ui.image((picture.id(), egui::vec2(width, width * size.y / size.x.max(1.0))));
    if shown.interact(egui::Sense::click()).clicked() {
        ctx.seek(at);
    }
    if ui.button(ctx.text("take-test-again")).clicked() {
        ctx.act(Act::Ask(Request::Test { cue, at }));
    }
}
