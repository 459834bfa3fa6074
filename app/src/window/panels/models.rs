use super::empty;
use crate::window::ctx::Ctx;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    empty(ui, ctx, "panel-models");
}
