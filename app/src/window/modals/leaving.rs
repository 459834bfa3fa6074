//! Beginnings and ends: what is not saved, what a crash left, the first steps.

use super::buttons;
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx, Dialog};
use crate::window::dialogs::Leaving;
use lipsmith_engine::desk::Request;
use std::time::{SystemTime, UNIX_EPOCH};

/// Room for a recovery's two buttons, in the longest of the languages.
const BUTTONS: f32 = 240.0;

pub fn unsaved(ui: &mut egui::Ui, view: &mut Ctx, leaving: &Leaving) -> bool {
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

pub fn recovery(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading(view.text("recovery-title"));
    ui.label(view.text("recovery-words"));
    let mut done = view.news.recoverable.is_empty();
    for left in view.news.recoverable.clone() {
        ui.separator();
        ui.horizontal(|ui| {
            let of = left.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            let room = (ui.available_width() - BUTTONS).max(120.0);
            ui.vertical(|ui| {
                ui.set_max_width(room);
                ui.label(&left.name);
                let minutes = minutes_since(left.written);
                let when = view.words.with("recovery-when", &[("minutes", minutes.into())]);
                let of = if of.is_empty() { when } else { format!("{of}  {when}") };
                ui.add(egui::Label::new(egui::RichText::new(of).color(view.theme.faint)).wrap());
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if ui.button(view.text("recovery-discard")).clicked() {
                    view.act(Act::Ask(Request::Forget(left.journal.clone())));
                    view.act(Act::Forgotten(left.journal.clone()));
                    done |= view.news.recoverable.len() == 1;
                }
                if ui.button(view.text("recovery-open")).clicked() {
                    // What is open may hold edits of its own.
                    view.act(Act::Open(Dialog::Unsaved(Leaving::Recover(left.journal.clone()))));
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

/// `written` in seconds since 1970.
fn minutes_since(written: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    now.saturating_sub(written) / 60
}

pub fn first_steps(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
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
