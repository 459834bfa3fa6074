//! Small pieces that several panels use.

use super::ctx::Ctx;
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
