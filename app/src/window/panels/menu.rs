//! The menu bar, made from the list of commands.

use crate::window::command::{Command, Menu};
use crate::window::ctx::{Act, Ctx, Dialog};
use crate::window::dialogs::Leaving;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    egui::MenuBar::new().ui(ui, |ui| {
        for menu in Menu::ALL {
            ui.menu_button(ctx.text(menu.key()), |ui| {
                for command in menu.commands() {
                    item(ui, ctx, command);
                    if command == Command::OpenSample {
                        recent(ui, ctx);
                    }
                }
            });
        }
    });
}

fn item(ui: &mut egui::Ui, ctx: &mut Ctx, command: Command) {
    let button = egui::Button::new(ctx.words.command(command)).shortcut_text(ctx.keymap.short(command));
    let possible = match command {
        Command::Undo => ctx.history.at() > 0,
        Command::Redo => ctx.history.at() + 1 < ctx.history.steps().len(),
        _ => true,
    };
    if ui.add_enabled(possible, button).clicked() {
        ctx.command(command);
        ui.close();
    }
}

fn recent(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let recent = ctx.settings.recent.clone();
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button(ctx.text("menu-recent"), |ui| {
            for path in recent {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                if ui.button(name).on_hover_text(path.display().to_string()).clicked() {
                    ctx.act(Act::Open(Dialog::Unsaved(Leaving::Open(path))));
                    ui.close();
                }
            }
        });
    });
}
