//! What this is and what it runs on, to be read and to be sent along when something does not work.

use super::buttons;
use crate::window::ctx::Ctx;
use lipsmith_engine::Paths;

/// What does not change while the window is open.
pub struct About {
    /// What draws the window.
    pub drawing: String,
    pub paths: Paths,
}

pub fn about(ui: &mut egui::Ui, view: &mut Ctx) -> bool {
    ui.heading("Lipsmith");
    ui.label(view.text("about-what"));
    ui.add_space(6.0);
    let report = report(view);
    egui::Grid::new("report").num_columns(2).spacing([16.0, 4.0]).show(ui, |ui| {
        for (what, is) in &report {
            ui.label(what);
            ui.add(egui::Label::new(is).wrap());
            ui.end_row();
        }
    });
    match buttons(ui, &[view.text("close"), view.text("about-copy")]) {
        Some(1) => {
            let lines = report.iter().map(|(what, is)| format!("{what}: {is}"));
            ui.ctx().copy_text(lines.collect::<Vec<_>>().join("\n"));
            false
        }
        pressed => pressed.is_some(),
    }
}

fn report(view: &Ctx) -> Vec<(String, String)> {
    let About { drawing, paths } = view.about;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let system = format!("{} {}, {threads} ×", std::env::consts::OS, std::env::consts::ARCH);
    let state = |family: &lipsmith_engine::models::FamilyState| {
        format!("{} {}", family.family, if family.is_ready() { "✔" } else { "–" })
    };
    let families: Vec<_> = view.news.families.iter().map(state).collect();
    let device = &view.news.knows.device;
    vec![
        (view.text("about-version"), env!("CARGO_PKG_VERSION").into()),
        (view.text("about-system"), system),
        (view.text("status-device"), if device.is_empty() { "CPU".into() } else { device.clone() }),
        (view.text("about-drawing"), drawing.clone()),
        ("GStreamer".into(), lipsmith_engine::media_version()),
        (view.text("models-families"), families.join("  ")),
        (view.text("about-data"), paths.data.display().to_string()),
        (view.text("about-cache"), paths.cache.display().to_string()),
    ]
}
