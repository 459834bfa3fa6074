//! What is being done in the background, in which order, and what became of it.

use crate::window::ctx::{Act, Ctx};
use crate::window::widgets::{empty, icon, named};
use lipsmith_engine::desk::{Job, JobKind, JobState, Request};

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    if ctx.news.jobs.is_empty() {
        return empty(ui, ctx, "jobs-empty");
    }
    if ui.button(ctx.text("jobs-clear")).clicked() {
        ctx.act(Act::Ask(Request::ClearJobs));
    }
    let jobs = ctx.news.jobs.clone();
    let waiting: Vec<_> =
        jobs.iter().filter(|job| job.state == JobState::Waiting).map(|job| job.id).collect();
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for job in &jobs {
            let place = waiting.iter().position(|id| *id == job.id);
            row(ui, ctx, job, place, waiting.len());
        }
    });
}

fn row(ui: &mut egui::Ui, ctx: &mut Ctx, job: &Job, place: Option<usize>, waiting: usize) {
    let (sign, colour) = match &job.state {
        JobState::Waiting => ("◔", ctx.theme.faint),
        JobState::Running => ("▶", ctx.theme.accent),
        JobState::Done => ("✔", ctx.theme.success),
        JobState::Cancelled => ("⊘", ctx.theme.faint),
        JobState::Failed(_) => ("⚠", ctx.theme.failure),
    };
    ui.push_id(job.id.0, |ui| {
        ui.horizontal(|ui| {
            ui.colored_label(colour, sign);
            let buttons = if place.is_some() { 90.0 } else { 28.0 };
            let room = (ui.available_width() - buttons).max(40.0);
            ui.scope(|ui| {
                ui.set_max_width(room);
                ui.add(egui::Label::new(title(ctx, job)).truncate());
            });
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if matches!(job.state, JobState::Waiting | JobState::Running)
                    && icon(ui, "✖", &ctx.text("job-cancel"), true).clicked()
                {
                    ctx.act(Act::Ask(Request::Cancel(job.id)));
                }
                if let Some(place) = place {
                    if icon(ui, "⬇", &ctx.text("job-later"), place + 1 < waiting).clicked() {
                        ctx.act(Act::Ask(Request::Reorder { job: job.id, to: place + 1 }));
                    }
                    if icon(ui, "⬆", &ctx.text("job-sooner"), place > 0).clicked() {
                        ctx.act(Act::Ask(Request::Reorder { job: job.id, to: place - 1 }));
                    }
                }
            });
        });
        match &job.state {
            JobState::Running => {
                let share = job.total.map_or(0.0, |total| job.done as f32 / total.max(1) as f32);
                ui.add(egui::ProgressBar::new(share).text(progress(job)));
            }
            JobState::Failed(why) => {
                ui.add(egui::Label::new(egui::RichText::new(why).color(ctx.theme.failure)).wrap());
            }
            _ => {}
        }
        lesson(ui, ctx, job);
        ui.separator();
    });
}

/// How a network that is being taught gets on.
fn lesson(ui: &mut egui::Ui, ctx: &Ctx, job: &Job) {
    let Some(pictures) = ctx.news.lessons.get(&job.id) else { return };
    for (picture, key) in pictures.iter().zip(["lesson-curve", "lesson-picture"]) {
        let size = picture.size_vec2();
        let size = size * (ui.available_width() / size.x.max(1.0)).min(1.0);
        let image = egui::Image::new(picture).fit_to_exact_size(size);
        named(ui.add(image), egui::Role::Image, &ctx.text(key)).on_hover_text(ctx.text(key));
    }
}

/// What is done to what.
pub fn title(ctx: &Ctx, job: &Job) -> String {
    let key = match job.kind {
        JobKind::Analyse(_) => "job-analyse",
        JobKind::Render { .. } => "job-render",
        JobKind::Test(_) => "job-test",
        JobKind::Advise(_) => "job-advise",
        JobKind::Score(_) => "job-score",
        JobKind::Export(_) => "job-export",
        JobKind::ImportModel(_) => "job-import-model",
        JobKind::Learn(_) => "job-learn",
        JobKind::Talk(_) => "job-talk",
    };
    ctx.words.with(key, &[("what", job.title.as_str().into())])
}

/// Stage, frames, rate and remaining time.
pub fn progress(job: &Job) -> String {
    let mut text = job.stage.to_string();
    if let Some(total) = job.total {
        text += &format!(" {}/{total}", job.done);
    }
    if let Some(rate) = job.rate {
        text += &format!("  {rate:.1}/s");
    }
    if let Some(seconds) = job.remaining {
        let seconds = seconds.ceil().max(0.0) as u64;
        text += &format!("  {}:{:02}", seconds / 60, seconds % 60);
    }
    text
}
