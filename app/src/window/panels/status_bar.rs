//! The line at the bottom: where we are, what renders and on what, whether all is saved.

use crate::window::ctx::{Act, Ctx};
use crate::window::widgets::icon;
use lipsmith_engine::desk::{JobState, Request};

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    ui.horizontal(|ui| {
        let sequence = &ctx.project.sequence;
        ui.monospace(ctx.timecode(ctx.playing.unwrap_or(ctx.session.playhead)));
        ui.separator();
        ui.label(sequence.labels().to_string());
        ui.separator();
        let device = &ctx.news.knows.device;
        ui.label(if device.is_empty() { "CPU" } else { device }).on_hover_text(ctx.text("status-device"));
        ui.separator();
        let saved = if ctx.history.is_dirty() { "status-unsaved" } else { "status-saved" };
        ui.label(ctx.text(saved));
        if !ctx.news.offline.is_empty() {
            ui.separator();
            let values = [("count", ctx.news.offline.len().into())];
            ui.colored_label(ctx.theme.warning, ctx.words.with("status-offline", &values));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| running(ui, ctx));
    });
}

/// The running job, with its estimate and a way to stop it.
fn running(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let Some(job) = ctx.news.jobs.iter().find(|job| job.state == JobState::Running).cloned() else {
        ui.colored_label(ctx.theme.faint, ctx.text("status-idle"));
        return;
    };
    if icon(ui, "✖", &ctx.text("job-cancel"), true).clicked() {
        ctx.act(Act::Ask(Request::Cancel(job.id)));
    }
    let share = job.total.map(|total| job.done as f32 / total.max(1) as f32);
    ui.add(
        egui::ProgressBar::new(share.unwrap_or(0.0)).desired_width(230.0).text(super::jobs::progress(&job)),
    );
    let waiting = ctx.news.jobs.iter().filter(|job| job.state == JobState::Waiting).count();
    let more = if waiting > 0 { format!("  (+{waiting})") } else { String::new() };
    ui.label(format!("{}{more}", super::jobs::title(ctx, &job)));
}
