//! Small pieces that several panels use.

use super::ctx::Ctx;
use super::theme::Theme;
use super::words::Words;
use lipsmith_engine::models::Pace;

/// Tells assistive technology what a response is: its role and name.
pub fn named(response: egui::Response, role: egui::Role, name: &str) -> egui::Response {
    let enabled = response.enabled();
    response.widget_info(|| egui::WidgetInfo::labeled(role, enabled, name));
    response
}

/// A button that shows a sign and says a name.
pub fn icon(ui: &mut egui::Ui, sign: &str, name: &str, possible: bool) -> egui::Response {
    let button = ui.add_enabled(possible, egui::Button::new(sign).small()).on_hover_text(name);
    named(button, egui::Role::Button, name)
}

/// A caption and its control on one line of a two-column grid.
pub fn row(ui: &mut egui::Ui, caption: &str, add: impl FnOnce(&mut egui::Ui)) {
    ui.label(caption);
    ui.horizontal_wrapped(|ui| add(ui));
    ui.end_row();
}

/// A text that is kept when the field is left or Enter is pressed, and given up by Esc. While it is being written it
/// lives in egui's memory, so that the project gets one step and not one for each letter.
pub fn text_field(ui: &mut egui::Ui, id: egui::Id, now: &str, name: &str, multiline: bool) -> Option<String> {
    let mut text: String = ui.data_mut(|data| data.get_temp(id)).unwrap_or_else(|| now.to_string());
    let field = if multiline {
        egui::TextEdit::multiline(&mut text).desired_rows(2)
    } else {
        egui::TextEdit::singleline(&mut text)
    };
    let response = ui.add(field.id(id).desired_width(f32::INFINITY)).on_hover_text(name);
    let response = named(response, egui::Role::TextInput, name);
    if response.has_focus() {
        if ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            text = now.to_string();
            response.surrender_focus();
        }
        ui.data_mut(|data| data.insert_temp(id, text));
        return None;
    }
    ui.data_mut(|data| data.remove::<String>(id));
    (response.lost_focus() && text != now).then_some(text)
}

/// A panel with nothing in it says what would fill it.
pub fn empty(ui: &mut egui::Ui, ctx: &Ctx, key: &str) {
    ui.add_space(8.0);
    ui.vertical_centered(|ui| ui.colored_label(ctx.theme.faint, ctx.text(key)));
}

/// How fast a family is, in words.
pub fn pace(ctx: &Ctx, pace: Pace) -> String {
    ctx.text(match pace {
        Pace::Film => "pace-film",
        Pace::Steady => "pace-steady",
        Pace::Slow => "pace-slow",
    })
}

/// What will happen to files that are held over the window.
pub fn drop_sign(ctx: &egui::Context, theme: &Theme, words: &Words) {
    if ctx.input(|i| i.raw.hovered_files.is_empty()) {
        return;
    }
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop sign"));
    let (painter, window) = (ctx.layer_painter(layer), ctx.content_rect());
    painter.rect_filled(window, 0.0, theme.ground.gamma_multiply(0.7));
    let edge = egui::Stroke::new(2.0, theme.accent);
    painter.rect_stroke(window.shrink(6.0), 6.0, edge, egui::StrokeKind::Inside);
    let font = egui::FontId::proportional(22.0);
    painter.text(
        window.center(),
        egui::Align2::CENTER_CENTER,
        words.text("drop-to-import"),
        font,
        theme.text,
    );
}
