//! Teaching a network the actor of a film: which network to begin with, how much of it may change, how long.

use super::{Typed, buttons};
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use crate::window::widgets::{named, row};
use lipsmith_engine::desk::{Lesson, Request};
use lipsmith_engine::{FAMILIES, Family};
use lipsmith_project::MediaId;

/// Rank of the corrections where the network itself stays as it is.
const RANK: usize = 8;

/// What is chosen in the dialog.
#[derive(Clone, Debug)]
pub struct Wanted {
    base: &'static str,
    corrections: bool,
    steps: u64,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted { base: "lipsmith-w", corrections: false, steps: 2_000 }
    }
}

pub fn learn(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, media: MediaId) -> bool {
    ui.heading(view.words.command(Command::Learn));
    let film = view.project.media.get(&media);
    let (name, path) = film.map(|film| (film.name.clone(), film.path.clone())).unwrap_or_default();
    ui.add(egui::Label::new(view.words.with("learn-what", &[("film", name.into())])).wrap());
    let wanted = &mut typed.lesson;
    egui::Grid::new("learn").num_columns(2).spacing([12.0, 8.0]).show(ui, |ui| {
        row(ui, &view.text("learn-base"), |ui| {
            let menu = egui::ComboBox::from_id_salt("base").selected_text(wanted.base).show_ui(ui, |ui| {
                for family in FAMILIES.iter().filter(|family| teachable(view, family)) {
                    ui.selectable_value(&mut wanted.base, family.name, family.name);
                }
            });
            named(
                menu.response,
                egui::Role::ComboBox,
                &format!("{}: {}", view.text("learn-base"), wanted.base),
            );
        });
        row(ui, &view.text("learn-reach"), |ui| {
            ui.radio_value(&mut wanted.corrections, false, view.text("learn-whole"));
            ui.radio_value(&mut wanted.corrections, true, view.text("learn-corrections"));
        });
        row(ui, &view.text("learn-steps"), |ui| {
            let field = ui.add(egui::DragValue::new(&mut wanted.steps).range(100..=100_000).speed(50));
            named(field, egui::Role::SpinButton, &view.text("learn-steps"));
        });
    });
    let hint = egui::RichText::new(view.text("learn-hint")).color(view.theme.faint);
    ui.add(egui::Label::new(hint).wrap());
    match buttons(ui, &[view.text("learn-do"), view.text("cancel")]) {
        Some(0) => {
            let Wanted { base, corrections, steps } = *wanted;
            let adapter = corrections.then_some(RANK);
            view.act(Act::Ask(Request::Learn(Lesson { film: path, base: base.into(), adapter, steps })));
            true
        }
        Some(_) => true,
        None => false,
    }
}

/// Generators that learn by pictures and sound alone, and whose weights are there.
fn teachable(view: &Ctx, family: &Family) -> bool {
    let state = view.news.families.iter().find(|state| state.family == family.name);
    matches!(family.network, Some("wav2lip" | "diff2lip")) && state.is_none_or(|state| state.is_ready())
}
