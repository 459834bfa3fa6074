//! Every step since the project was opened; a click goes back or forth to it.

use crate::window::ctx::{Act, Ctx};

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let (count, at) = (ctx.history.steps().len(), ctx.history.at());
    let height = ui.text_style_height(&egui::TextStyle::Body) + 4.0;
    let rows = egui::ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true);
    rows.show_rows(ui, height, count, |ui, range| {
        for step in range {
            let label = &ctx.history.steps()[step].label;
            let text = egui::RichText::new(format!("{}  {label}", step + 1));
            // Steps that were undone wait to be redone.
            let text = if step > at { text.color(ctx.theme.faint).italics() } else { text };
            if ui.selectable_label(step == at, text).clicked() {
                ctx.act(Act::Jump(step));
            }
        }
    });
}
