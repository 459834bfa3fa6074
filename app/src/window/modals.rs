//! Windows over the window: each a function that draws itself and says whether it stays open.

use super::command::{Command, Menu};
use super::ctx::{Act, Ctx, Dialog};
use super::dialogs::{Leaving, Wish};
use super::keymap::PRESETS;
use super::widgets::{named, row};
use super::words::LANGUAGES;
use egui::{Key, Modal};
use lipsmith_base::Time;
use lipsmith_engine::desk::{Export, Request};
use lipsmith_engine::{Original, PROFILES, Profile};
use std::path::PathBuf;
use std::sync::Arc;

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
    let modal = Modal::new(egui::Id::unique("dialog")).show(ctx, |ui| {
        ui.set_max_width((ctx.content_rect().width() - 80.0).min(640.0));
        match &open {
            Dialog::Palette => palette(ui, view, typed, fresh),
            Dialog::Settings => settings(ui, view),
            Dialog::Shortcuts => shortcuts(ui, view),
            Dialog::About => about(ui, view),
            Dialog::Export => export(ui, view, typed, fresh),
            Dialog::Timecode => timecode(ui, view, typed, fresh),
            Dialog::Path(wish) => path(ui, view, typed, wish, fresh),
            Dialog::Unsaved(leaving) => unsaved(ui, view, leaving),
            Dialog::Recovery => recovery(ui, view),
            Dialog::FirstSteps => first_steps(ui, view),
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
    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
        for (at, label) in labels.iter().enumerate() {
            if ui.button(label).clicked() {
                pressed = Some(at);
            }
        }
    });
    pressed
}

fn palette(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, fresh: bool) -> bool {
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

/// How well a name fits what was typed: its letters in order, sooner and closer together is better.
fn fit(name: &str, typed: &str) -> Option<usize> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut at = 0;
    let mut cost = 0;
    for wanted in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let skipped = name[at..].iter().position(|c| *c == wanted)?;
        cost += skipped;
        at += skipped + 1;
    }
    Some(cost)
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

fn about(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading("Lipsmith");
    ui.label(view.words.with("about-version", &[("version", env!("CARGO_PKG_VERSION").into())]));
    ui.label(format!("{}: {}", view.text("status-device"), view.news.knows.device));
    ui.label(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    ui.label(view.text("about-what"));
    buttons(ui, &[view.text("close")]).is_some()
}

fn export(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, fresh: bool) -> bool {
    ui.heading(view.words.command(Command::Export));
    let marked = view.session.marked(view.project);
    let mut marked_only = marked.is_some() && typed.marked_only.unwrap_or(true);
    let profile = typed.profile.unwrap_or(PROFILES[0]);
    egui::Grid::new("export").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        row(ui, &view.text("export-profile"), |ui| {
            let menu =
                egui::ComboBox::from_id_salt("profile").selected_text(profile.name()).show_ui(ui, |ui| {
                    for choice in PROFILES {
                        ui.selectable_value(&mut typed.profile, Some(choice), choice.name());
                    }
                });
            let told = format!("{}: {}", view.text("export-profile"), profile.name());
            named(menu.response, egui::Role::ComboBox, &told);
        });
        let name = format!("{}.{}", view.project.name, profile.extension());
        row(ui, &view.text("export-file"), |ui| {
            let field = file_field(ui, view, &mut typed.output, "export-file", Wish::ExportTo(name));
            if fresh {
                field.request_focus();
            }
        });
        let name = format!("{} matte.{}", view.project.name, profile.extension());
        row(ui, &view.text("export-matte"), |ui| {
            file_field(ui, view, &mut typed.matte, "export-matte", Wish::ExportMatte(name));
        });
        row(ui, &view.text("export-range"), |ui| {
            let mut choice = ui.radio_value(&mut marked_only, false, view.text("export-all"));
            let label = match marked {
                Some(range) => {
                    format!("{} – {}", view.timecode(range.start()), view.timecode(range.end()))
                }
                None => view.text("export-no-marks"),
            };
            choice |=
                ui.add_enabled_ui(marked.is_some(), |ui| ui.radio_value(&mut marked_only, true, label)).inner;
            if choice.clicked() {
                typed.marked_only = Some(marked_only);
            }
        });
        row(ui, &view.text("project-original"), |ui| {
            let now = typed.original.unwrap_or(view.project.settings.original);
            for (original, key) in [
                (Original::Mute, "original-mute"),
                (Original::Duck, "original-duck"),
                (Original::Keep, "original-keep"),
            ] {
                if ui.radio(now == original, view.text(key)).clicked() {
                    typed.original = Some(original);
                }
            }
        });
    });
    let typed_path = typed.output.trim();
    let problem = if view.project.duration() <= Time::ZERO {
        Some("export-nothing")
    } else if typed_path.is_empty() {
        Some("export-name-it")
    } else {
        None
    };
    if let Some(key) = problem {
        ui.colored_label(view.theme.warning, view.text(key));
    }
    match buttons(ui, &[view.text("export-do"), view.text("cancel")]) {
        Some(0) if problem.is_none() => {
            let mut output = expand(typed_path);
            if output.extension().is_none() {
                output.set_extension(profile.extension());
            }
            let matte = Some(typed.matte.trim()).filter(|text| !text.is_empty()).map(expand);
            view.act(Act::Ask(Request::Export(Export {
                project: Arc::new(view.project.clone()),
                output,
                profile,
                range: marked.filter(|_| marked_only),
                original: typed.original,
                matte,
            })));
            true
        }
        Some(1) => true,
        _ => false,
    }
}

fn file_field(ui: &mut egui::Ui, view: &mut Ctx, text: &mut String, key: &str, wish: Wish) -> egui::Response {
    let field = ui.add(egui::TextEdit::singleline(text).desired_width(320.0));
    let field = named(field, egui::Role::TextInput, &view.text(key));
    if ui.button("…").on_hover_text(view.text("dialog-choose")).clicked() {
        view.act(Act::Open(Dialog::Path(wish)));
    }
    field
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
    ui.heading(view.text(if wish.saves() { "path-save" } else { "path-open" }));
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

fn unsaved(ui: &mut egui::Ui, view: &mut Ctx, leaving: &Leaving) -> bool {
    ui.heading(view.text("unsaved-title"));
    ui.label(view.words.with("unsaved-words", &[("name", view.project.name.as_str().into())]));
    match buttons(ui, &[view.text("unsaved-save"), view.text("cancel"), view.text("unsaved-discard")]) {
        Some(0) => {
            view.act(Act::SaveThen(leaving.clone()));
            true
        }
        Some(2) => {
            view.act(Act::Leave(leaving.clone()));
            true
        }
        pressed => pressed.is_some(),
    }
}

fn recovery(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading(view.text("recovery-title"));
    ui.label(view.text("recovery-words"));
    let mut done = view.news.recoverable.is_empty();
    for left in view.news.recoverable.clone() {
        ui.separator();
        ui.horizontal(|ui| {
            let of = left.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            ui.vertical(|ui| {
                ui.label(&left.name);
                ui.colored_label(view.theme.faint, of);
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button(view.text("recovery-discard")).clicked() {
                    view.act(Act::Ask(Request::Forget(left.journal.clone())));
                    view.act(Act::Forgotten(left.journal.clone()));
                    done |= view.news.recoverable.len() == 1;
                }
                if ui.button(view.text("recovery-open")).clicked() {
                    view.act(Act::Ask(Request::Recover(left.journal.clone())));
                    view.act(Act::Forgotten(left.journal.clone()));
                    done = true;
                }
            });
        });
    }
    if buttons(ui, &[view.text("recovery-later")]).is_some() {
        for left in &view.news.recoverable {
            view.acts.push(Act::Forgotten(left.journal.clone()));
        }
        done = true;
    }
    done
}

fn first_steps(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading(view.text("first-title"));
    for (number, key) in ["first-1", "first-2", "first-3"].into_iter().enumerate() {
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            ui.colored_label(view.theme.accent, egui::RichText::new(format!("{}", number + 1)).size(22.0));
            ui.add(egui::Label::new(view.text(key)).wrap());
        });
    }
    match buttons(
        ui,
        &[view.words.command(Command::OpenSample), view.words.command(Command::Import), view.text("close")],
    ) {
        Some(0) => {
            view.command(Command::OpenSample);
            true
        }
        Some(1) => {
            view.command(Command::Import);
            true
        }
        pressed => pressed.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_by_letters_in_order() {
        assert!(fit("Render line", "rl").is_some());
        assert!(fit("Render line", "line").is_some_and(|cost| cost > 0));
        assert!(fit("Render line", "lr").is_none());
        assert!(fit("Split", "spl") < fit("Show splits", "spl"));
    }
}
