//! The media pool: what films and voices the project knows, and which are not where they were.

use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx, Dialog};
use crate::window::dialogs::Wish;
use crate::window::widgets::{empty, named};
use lipsmith_base::Time;
use lipsmith_engine::desk::Request;
use lipsmith_project::edit::MediaEdit;
use lipsmith_project::{Media, MediaId};

const THUMB: egui::Vec2 = egui::vec2(72.0, 40.0);
/// Pixels of a thumbnail's height, for sharp screens too.
const THUMB_PIXELS: usize = 80;

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    ui.horizontal_wrapped(|ui| {
        ctx.button(ui, Command::Import, "");
        if !ctx.news.offline.is_empty() {
            ctx.button(ui, Command::Relink, "");
        }
    });
    ui.separator();
    if ctx.project.media.is_empty() {
        return empty(ui, ctx, "media-empty");
    }
    let media: Vec<_> = ctx.project.media.iter().map(|(id, media)| (*id, media.clone())).collect();
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (id, media) in media {
            ui.push_id(id.0, |ui| row(ui, ctx, id, &media));
        }
    });
}

fn row(ui: &mut egui::Ui, ctx: &mut Ctx, id: MediaId, media: &Media) {
    let offline = ctx.news.offline.contains(&id);
    let drag = ui.dnd_drag_source(ui.scope_id().with("drag"), id, |ui| {
        ui.horizontal(|ui| {
            picture(ui, ctx, id, media);
            ui.vertical(|ui| {
                ui.add(egui::Label::new(&media.name).truncate().selectable(false));
                let words = egui::RichText::new(describe(ctx, media)).color(ctx.theme.faint).size(11.0);
                ui.add(egui::Label::new(words).truncate().selectable(false));
                if offline {
                    ui.colored_label(ctx.theme.warning, format!("⚠ {}", ctx.text("media-offline")));
                }
            });
        });
    });
    let told = format!("{} {}", media.name, describe(ctx, media));
    let response =
        named(drag.response, egui::Role::ListItem, &told).on_hover_text(media.path.display().to_string());
    response.context_menu(|ui| {
        if ui.button(ctx.text("media-lay-down")).clicked() {
            ctx.act(Act::Bring(vec![media.path.clone()]));
            ui.close();
        }
        if ui.button(ctx.words.command(Command::Relink)).clicked() {
            ctx.act(Act::Open(Dialog::Path(Wish::Relink(id))));
            ui.close();
        }
        if ui.button(ctx.text("media-remove")).clicked() {
            ctx.edit(MediaEdit::Remove(id));
            ui.close();
        }
    });
    ui.separator();
}

fn picture(ui: &mut egui::Ui, ctx: &mut Ctx, id: MediaId, media: &Media) {
    let (rect, _) = ui.allocate_exact_size(THUMB, egui::Sense::hover());
    ui.painter().rect_filled(rect, 2.0, ctx.theme.ground);
    if media.video.is_none() {
        ui.painter().text(
            rect.center(),
            egui::Align2::CENTER_CENTER,
            "♪",
            egui::FontId::proportional(18.0),
            ctx.theme.faint,
        );
        return;
    }
    match ctx.news.thumb(media.fingerprint, Time::ZERO) {
        Some(texture) => {
            let size = texture.size_vec2();
            let scale = (rect.width() / size.x).min(rect.height() / size.y);
            let fitted = egui::Rect::from_center_size(rect.center(), size * scale);
            let whole = egui::Rect::from_min_max(egui::Pos2::ZERO, egui::pos2(1.0, 1.0));
            ui.painter().image(texture.id(), fitted, whole, egui::Color32::WHITE);
        }
        None => {
            // Asked for once, and again when the answer was lost to a newer question.
            let asked = ui.scope_id().with("asked");
            let now = ui.input(|i| i.time);
            let last: Option<f64> = ui.data(|data| data.get_temp(asked));
            if last.is_none_or(|last| now - last > 2.0) && !ctx.news.offline.contains(&id) {
                ui.data_mut(|data| data.insert_temp(asked, now));
                ctx.act(Act::Ask(Request::Thumbs {
                    film: media.clone(),
                    times: vec![Time::ZERO],
                    height: THUMB_PIXELS,
                }));
            }
        }
    }
}

fn describe(ctx: &Ctx, media: &Media) -> String {
    let mut words = ctx.project.sequence.labels().format(media.duration);
    if let Some(video) = media.video {
        words += &format!("  {}×{}  {} fps", video.width, video.height, video.rate);
    }
    if let Some(sound) = media.sound {
        words += &format!("  {} kHz {}ch", f64::from(sound.rate) / 1000.0, sound.channels);
    }
    words
}
