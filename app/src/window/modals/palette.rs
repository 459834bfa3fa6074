//! Every command, found by a few letters of its name.

use super::Typed;
use crate::window::command::Command;
use crate::window::ctx::Ctx;
use crate::window::widgets::named;
use egui::Key;

pub fn palette(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, fresh: bool) -> bool {
    ui.set_min_width(460.0);
    let hint = view.text("palette-hint");
    let field =
        ui.add(egui::TextEdit::singleline(&mut typed.text).hint_text(&hint).desired_width(f32::INFINITY));
    let field = named(field, egui::Role::SearchInput, &hint);
    if fresh {
        field.request_focus();
    }
    let mut found: Vec<_> = Command::ALL
        .iter()
        .filter_map(|command| Some((fit(&view.words.command(*command), &typed.text)?, *command)))
        .collect();
    found.sort_by_key(|(fit, command)| (*fit, *command));
    if field.changed() {
        typed.row = 0;
    }
    let last = found.len().saturating_sub(1);
    ui.input(|i| {
        if i.key_pressed(Key::ArrowDown) {
            typed.row = (typed.row + 1).min(last);
        }
        if i.key_pressed(Key::ArrowUp) {
            typed.row = typed.row.saturating_sub(1);
        }
    });
    let mut chosen = None;
    egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        for (at, (_, command)) in found.iter().enumerate() {
            let menu = view.text(command.menu().key());
            let label = format!("{menu}: {}", view.words.command(*command));
            let button =
                egui::Button::selectable(at == typed.row, label).shortcut_text(view.keymap.short(*command));
            let button = ui.add_sized([ui.available_width(), 22.0], button);
            if at == typed.row && ui.input(|i| i.key_pressed(Key::ArrowDown) || i.key_pressed(Key::ArrowUp)) {
                button.scroll_to_me(None);
            }
            if button.clicked() {
                chosen = Some(*command);
            }
        }
    });
    if ui.input(|i| i.key_pressed(Key::Enter)) {
        chosen = found.get(typed.row).map(|(_, command)| *command);
    }
    if let Some(command) = chosen {
        view.command(command);
    }
    chosen.is_some()
}

/// How well a name fits what was typed: its letters in order, sooner and closer together is better; of two that fit alike the
/// shorter, which has less that was not typed.
fn fit(name: &str, typed: &str) -> Option<(usize, usize)> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut at = 0;
    let mut cost = 0;
    for wanted in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let skipped = name[at..].iter().position(|c| *c == wanted)?;
        cost += skipped;
        at += skipped + 1;
    }
    Some((cost, name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_by_letters_in_order() {
        assert!(fit("Render line", "rl").is_some());
        assert!(fit("Render line", "line").is_some_and(|(cost, _)| cost > 0));
        assert!(fit("Render line", "lr").is_none());
        assert!(fit("Split", "spl") < fit("Show splits", "spl"));
        assert!(fit("Export film", "export") < fit("Export lines as a script", "export"));
    }
}
