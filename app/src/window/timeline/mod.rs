use crate::window::ctx::Ctx;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let _ = (ui, ctx);
}
