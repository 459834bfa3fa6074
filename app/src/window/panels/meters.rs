//! How loud it is: peaks left and right on a decibel scale, and the loudspeaker's volume.

use crate::window::ctx::Ctx;
use egui::{Color32, Rect, pos2, vec2};

/// The scale's lower end.
const FLOOR_DB: f32 = -60.0;
/// From here on it is red.
const HOT_DB: f32 = -6.0;

/// Where there is no room for both, the meters stay and the volume goes.
const NARROW: f32 = 58.0;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let name = ctx.text("meters-volume");
    let size = ui.available_size();
    if size.x < NARROW {
        return bars(ui, ctx, size);
    }
    ui.horizontal(|ui| {
        bars(ui, ctx, vec2(size.x - 34.0, size.y));
        ui.spacing_mut().slider_width = (size.y - 8.0).max(40.0);
        let volume = egui::Slider::new(&mut ctx.settings.volume, 0.0..=1.0).vertical().show_value(false);
        let slider = ui.add(volume).on_hover_text(&name);
        slider.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, &name));
    });
}

fn bars(ui: &mut egui::Ui, ctx: &Ctx, size: egui::Vec2) {
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    let db = ctx.levels.map(|peak| 20.0 * peak.max(1e-4).log10());
    let told = format!("{} {:.0} / {:.0} dB", ctx.text("panel-meters"), db[0], db[1]);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &told));
    let painter = ui.painter_at(rect);
    let y = |db: f32| egui::remap_clamp(db, FLOOR_DB..=0.0, rect.bottom()..=rect.top());
    let width = (rect.width() / 2.0 - 2.0).max(4.0);
    for (side, db) in db.into_iter().enumerate() {
        let x = rect.left() + side as f32 * (width + 3.0);
        let column = |from: f32, to: f32| Rect::from_min_max(pos2(x, to), pos2(x + width, from));
        painter.rect_filled(column(rect.bottom(), rect.top()), 1.0, ctx.theme.ground);
        painter.rect_filled(column(rect.bottom(), y(db.min(HOT_DB))), 1.0, ctx.theme.success);
        if db > HOT_DB {
            painter.rect_filled(column(y(HOT_DB), y(db)), 1.0, ctx.theme.failure);
        }
    }
    for mark in [-6, -12, -18, -24, -36, -48] {
        let at = y(mark as f32);
        painter.hline(rect.x_range(), at, egui::Stroke::new(1.0, Color32::from_white_alpha(24)));
        let font = egui::FontId::proportional(9.0);
        painter.text(pos2(rect.center().x, at), egui::Align2::CENTER_CENTER, mark, font, ctx.theme.faint);
    }
}
