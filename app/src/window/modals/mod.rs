//! Windows over the window: each a function that draws itself and says whether it stays open.

mod about;
mod export;
mod learn;
mod leaving;
mod palette;

pub use about::About;

use super::command::{Command, Menu};
use super::ctx::{Act, Ctx, Dialog};
use super::dialogs::Wish;
use super::keymap::PRESETS;
use super::widgets::{named, row};
use super::words::LANGUAGES;
use egui::{Key, Modal};
use lipsmith_engine::{Original, Profile};
use std::path::PathBuf;

/// What is typed into the open dialog.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub text: String,
    /// The palette's or a list's chosen row.
    pub row: usize,
    pub output: String,
    pub matte: String,
    profile: Option<Profile>,
    /// `None` exports what is marked, if anything is.
    marked_only: Option<bool>,
    original: Option<Original>,
    lesson: learn::Wanted,
    /// The dialog has just been opened.
    fresh: Option<Dialog>,
}

pub fn show(ctx: &egui::Context, dialog: &mut Option<Dialog>, typed: &mut Typed, view: &mut Ctx) {
    let Some(open) = dialog.clone() else {
        typed.fresh = None;
        return;
    };
    let fresh = typed.fresh.as_ref() != Some(&open);
    if fresh {
        (typed.text, typed.row) = (String::new(), 0);
        typed.fresh = Some(open.clone());
    }
    // Each kind keeps a size of its own.
    let id = egui::Id::unique(("dialog", std::mem::discriminant(&open)));
    let modal = Modal::new(id).show(ctx, |ui| {
        ui.set_max_width((ctx.content_rect().width() - 80.0).min(640.0));
        match &open {
            Dialog::Palette => palette::palette(ui, view, typed, fresh),
            Dialog::Settings => settings(ui, view),
            Dialog::Shortcuts => shortcuts(ui, view),
            Dialog::About => about::about(ui, view),
            Dialog::Export => export::export(ui, view, typed, fresh),
            Dialog::Learn(media) => learn::learn(ui, view, typed, *media),
            Dialog::Timecode => timecode(ui, view, typed, fresh),
            Dialog::Path(wish) => path(ui, view, typed, wish, fresh),
            Dialog::Unsaved(wish) => leaving::unsaved(ui, view, wish),
            Dialog::Recovery => leaving::recovery(ui, view),
            Dialog::FirstSteps => leaving::first_steps(ui, view),
        }
    });
    // Recovery is answered, not dismissed: Esc must not throw work away or hide it.
    let dismissed = modal.should_close() && open != Dialog::Recovery;
    if modal.inner || dismissed {
        // A dialog may have opened the next one.
        if dialog.as_ref() == Some(&open) {
            *dialog = None;
        }
        view.settings.first_steps_seen |= open == Dialog::FirstSteps;
    }
}

/// The row of buttons at a dialog's end; the first is what Enter means, unless it means the control that has the
/// focus. Which was pressed.
fn buttons(ui: &mut egui::Ui, labels: &[String]) -> Option<usize> {
    ui.separator();
    // A line of text gives the focus up at Enter.
    let free = ui.memory(|memory| memory.focused().is_none());
    let mut pressed = (free && ui.input(|i| i.key_pressed(Key::Enter))).then_some(0);
    let row = egui::vec2(ui.available_width(), ui.spacing().interact_size.y);
    ui.allocate_ui_with_layout(row, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        for (at, label) in labels.iter().enumerate() {
            if ui.button(label).clicked() {
                pressed = Some(at);
            }
        }
    });
    pressed
}

fn settings(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading(view.words.command(Command::Settings));
    egui::Grid::new("settings").num_columns(2).spacing([16.0, 8.0]).show(ui, |ui| {
        row(ui, &view.text("settings-language"), |ui| {
            let now = view.settings.language();
            let name =
                LANGUAGES.iter().find(|(code, ..)| *code == now).map_or("English", |(_, name, _)| name);
            let menu = egui::ComboBox::from_id_salt("language").selected_text(name).show_ui(ui, |ui| {
                for (code, name, _) in LANGUAGES {
                    ui.selectable_value(&mut view.settings.language, code.to_string(), name);
                }
            });
            named(
                menu.response,
                egui::Role::ComboBox,
                &format!("{}: {name}", view.text("settings-language")),
            );
        });
        row(ui, &view.text("settings-keymap"), |ui| {
            let now = view.settings.keymap.clone();
            let menu = egui::ComboBox::from_id_salt("keymap").selected_text(&now).show_ui(ui, |ui| {
                for (name, _) in PRESETS {
                    ui.selectable_value(&mut view.settings.keymap, name.to_string(), name);
                }
            });
            named(menu.response, egui::Role::ComboBox, &format!("{}: {now}", view.text("settings-keymap")));
        });
        row(ui, &view.text("settings-scale"), |ui| {
            for percent in [80, 100, 125, 150, 200] {
                let scale = percent as f32 / 100.0;
                let on = (view.settings.scale - scale).abs() < 0.01;
                if ui.selectable_label(on, format!("{percent} %")).clicked() {
                    view.settings.scale = scale;
                }
            }
        });
        row(ui, &view.text("settings-device"), |ui| {
            for name in ["auto", "cpu", "cuda", "metal"] {
                if ui.selectable_label(view.settings.device == name, name).clicked() {
                    view.settings.device = name.into();
                }
            }
        });
    });
    buttons(ui, &[view.text("close")]).is_some()
}

fn shortcuts(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading(view.words.command(Command::Shortcuts));
    egui::ScrollArea::vertical().max_height(460.0).show(ui, |ui| {
        for menu in Menu::ALL {
            ui.add_space(6.0);
            ui.strong(view.text(menu.key()));
            egui::Grid::new(menu.key()).num_columns(2).min_col_width(220.0).striped(true).show(ui, |ui| {
                for command in menu.commands() {
                    let keys = view.keymap.label(command);
                    if !keys.is_empty() {
                        ui.label(view.words.command(command));
                        ui.monospace(keys);
                        ui.end_row();
                    }
                }
            });
        }
    });
    buttons(ui, &[view.text("close")]).is_some()
}

/// A typed path, with the home folder's sign understood.
fn expand(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(text),
    }
}

fn timecode(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, fresh: bool) -> bool {
    ui.heading(view.words.command(Command::EnterTimecode));
    let field = ui.add(egui::TextEdit::singleline(&mut typed.text).font(egui::TextStyle::Monospace));
    let field = named(field, egui::Role::TextInput, &view.text("timecode-field"));
    if fresh {
        field.request_focus();
    }
    ui.colored_label(view.theme.faint, view.text("timecode-hint"));
    let sequence = &view.project.sequence;
    let now = view.playing.unwrap_or(view.session.playhead);
    let entered = (!typed.text.trim().is_empty())
        .then(|| sequence.labels().enter(&typed.text, now + sequence.start).map(|at| at - sequence.start));
    if let Some(Err(why)) = &entered {
        ui.colored_label(view.theme.warning, why.to_string());
    }
    match (entered, buttons(ui, &[view.text("go"), view.text("cancel")])) {
        (Some(Ok(at)), Some(0)) => {
            view.seek(at);
            true
        }
        (_, Some(1)) => true,
        _ => false,
    }
}

fn path(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, wish: &Wish, fresh: bool) -> bool {
    ui.heading(view.text(wish.title()));
    let why = egui::RichText::new(view.text("path-why")).color(view.theme.faint);
    ui.add(egui::Label::new(why).wrap());
    if fresh {
        typed.text = wish.suggestion(&view.project.name);
    }
    let field = ui.add(egui::TextEdit::singleline(&mut typed.text).desired_width(480.0));
    let field = named(field, egui::Role::TextInput, &view.text("path-field"));
    if fresh {
        field.request_focus();
    }
    match buttons(ui, &[view.text("ok"), view.text("cancel")]) {
        Some(1) => true,
        Some(0) if !typed.text.trim().is_empty() => {
            let paths = typed.text.trim().split('\n').map(expand).collect();
            view.act(Act::Grant(wish.clone(), paths));
            true
        }
        _ => false,
    }
}
