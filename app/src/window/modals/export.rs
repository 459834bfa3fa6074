//! What is written, as what, and where.

use super::{Typed, buttons, expand};
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx, Dialog};
use crate::window::dialogs::Wish;
use crate::window::widgets::{named, row};
use lipsmith_base::Time;
use lipsmith_engine::desk::{Export, Request};
use lipsmith_engine::{Original, PROFILES, Profile};
use lipsmith_project::Project;
use std::sync::Arc;

/// Where the dub goes unless somebody says otherwise; empty without a film.
fn beside_film(project: &Project, profile: Profile) -> String {
    let film = project.sequence.picture.clips.first().and_then(|clip| project.media.get(&clip.media));
    let beside = film.and_then(|film| {
        let stem = film.path.file_stem()?.to_string_lossy();
        Some(film.path.with_file_name(format!("{stem}-dub.{}", profile.extension())))
    });
    beside.map_or_else(String::new, |path| path.display().to_string())
}

pub fn export(ui: &mut egui::Ui, view: &mut Ctx, typed: &mut Typed, fresh: bool) -> bool {
    ui.heading(view.words.command(Command::Export));
    let marked = view.session.marked(view.project);
    let mut marked_only = marked.is_some() && typed.marked_only.unwrap_or(true);
    let profile = typed.profile.unwrap_or(PROFILES[0]);
    // What was proposed changes its ending with the format; what somebody has typed stays.
    let proposed = PROFILES.iter().any(|known| beside_film(view.project, *known) == typed.output);
    if proposed || fresh && typed.output.is_empty() {
        typed.output = beside_film(view.project, profile);
    }
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
