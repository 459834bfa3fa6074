//! Everything that was told, the newest at the end.

use crate::window::ctx::Ctx;
use crate::window::widgets::empty;
use lipsmith_engine::desk::Weight;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    if ctx.news.log.is_empty() {
        return empty(ui, ctx, "log-empty");
    }
    egui::ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
        for (weight, text) in &ctx.news.log {
            let (sign, colour) = match weight {
                Weight::Note => ("·", ctx.theme.faint),
                Weight::Done => ("✔", ctx.theme.success),
                Weight::Failed => ("⚠", ctx.theme.failure),
            };
            let line = egui::RichText::new(format!("{sign} {text}")).color(colour);
            ui.add(egui::Label::new(line).wrap().selectable(true));
        }
    });
}
