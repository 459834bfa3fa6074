//! Networks' weights: what is installed, under which licence, what each family needs, and what a file is.

use crate::window::ctx::{Act, Ctx, Dialog};
use crate::window::dialogs::Wish;
use crate::window::widgets::{self, icon};
use lipsmith_engine::desk::Request;
use lipsmith_engine::models::{Model, Report};

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    ui.horizontal_wrapped(|ui| {
        if ui.button(ctx.text("models-import")).clicked() {
            ctx.act(Act::Open(Dialog::Path(Wish::ImportModel)));
        }
        if ui.button(ctx.text("models-identify")).clicked() {
            ctx.act(Act::Open(Dialog::Path(Wish::Identify)));
        }
    });
    ui.separator();
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        identified(ui, ctx);
        ui.strong(ctx.text("models-families"));
        for family in &ctx.news.families {
            let (sign, colour) =
                if family.is_ready() { ("✔", ctx.theme.success) } else { ("○", ctx.theme.faint) };
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(colour, sign);
                ui.label(family.title);
            });
            let pace = family.pace.map(|pace| widgets::pace(ctx, pace));
            let facts: Vec<_> = pace.into_iter().chain(family.licence.clone()).collect();
            let facts = egui::RichText::new(facts.join(" · ")).color(ctx.theme.faint).size(11.0);
            ui.add(egui::Label::new(facts).wrap());
            for lack in &family.lacks {
                let values = [("network", lack.title.into()), ("files", lack.files.join(", ").into())];
                let words =
                    egui::RichText::new(ctx.words.with("models-lacks", &values)).color(ctx.theme.faint);
                ui.add(egui::Label::new(words).wrap());
            }
        }
        ui.separator();
        ui.strong(ctx.text("models-installed"));
        if ctx.news.models.is_empty() {
            let words = egui::RichText::new(ctx.text("models-none")).color(ctx.theme.faint);
            ui.add(egui::Label::new(words).wrap());
        }
        for model in ctx.news.models.clone() {
            ui.push_id(&model.sha256, |ui| installed(ui, ctx, &model));
        }
    });
}

fn installed(ui: &mut egui::Ui, ctx: &mut Ctx, model: &Model) {
    let title = model.published.clone().unwrap_or_else(|| model.variant.clone());
    ui.horizontal(|ui| {
        ui.scope(|ui| {
            ui.set_max_width((ui.available_width() - 30.0).max(60.0));
            ui.add(egui::Label::new(format!("{}  {title}", model.network.name())).truncate());
        });
        if icon(ui, "✖", &ctx.text("models-remove"), true).clicked() {
            ctx.act(Act::Ask(Request::RemoveModel { sha256: model.sha256.clone() }));
        }
    });
    let megabytes = model.bytes as f64 / 1e6;
    let digest = model.sha256.get(..16).unwrap_or(&model.sha256);
    let facts = format!("{megabytes:.0} MB   SHA-256 {digest}…\n{}", model.licence);
    let facts = egui::RichText::new(facts).color(ctx.theme.faint).size(11.0);
    ui.add(egui::Label::new(facts).wrap()).on_hover_text(format!(
        "{}\n{}",
        model.sha256,
        model.origin.display()
    ));
}

/// The answer to "what is this file?".
fn identified(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let Some((path, report)) = &ctx.news.identified else { return };
    egui::Frame::group(ui.style()).show(ui, |ui| {
        ui.strong(path.file_name().unwrap_or_default().to_string_lossy());
        match report {
            Ok(report) => ui.add(egui::Label::new(describe(ctx, report)).wrap()),
            Err(why) => ui.add(egui::Label::new(egui::RichText::new(why).color(ctx.theme.failure)).wrap()),
        };
    });
    ui.separator();
}

fn describe(ctx: &Ctx, report: &Report) -> String {
    let network =
        report.network.map_or_else(|| ctx.text("models-unknown"), |network| network.name().to_string());
    let mut words = format!("{network}  {}\n{}", report.variant.as_deref().unwrap_or(""), report.container);
    words += &format!("\n{} / {} tensors, {:.0} MB", report.used, report.tensors, report.bytes as f64 / 1e6);
    if let Some(published) = report.published {
        words += &format!("\n{published}");
    }
    if let Some(licence) = &report.licence {
        words += &format!("\n{licence}");
    }
    for defect in &report.defects {
        words += &format!("\n⚠ {defect}");
    }
    words
}
