//! The people in the picture: whose face is where, who plays whom.

use super::Placed;
use crate::window::command::Command;
use crate::window::ctx::{Act, Ctx};
use crate::window::widgets::named;
use egui::{Color32, FontId, Rect, Sense, Stroke, StrokeKind, vec2};
use lipsmith_engine::desk::FaceBox;
use lipsmith_project::edit::{CastEdit, CueEdit};
use lipsmith_project::{CharacterId, CueId, FaceBinding};

/// Who plays a person of a film, at the playhead.
fn character_of(ctx: &Ctx, face: &FaceBox) -> Option<CharacterId> {
    let film_time = ctx.project.picture_at(ctx.session.playhead).map(|(_, time)| time);
    let plays = |binding: &FaceBinding| {
        binding.media == face.media
            && binding.person == face.person
            && film_time.is_none_or(|time| binding.range.contains(time))
    };
    ctx.project.characters.iter().find(|(_, c)| c.faces.iter().any(plays)).map(|(id, _)| *id)
}

pub fn paint(painter: &egui::Painter, ctx: &Ctx, face: &FaceBox, placed: Placed) {
    let rect = placed.rect_of(face);
    let id = character_of(ctx, face);
    let character = id.and_then(|id| ctx.project.characters.get(&id));
    let colour = character.map_or(ctx.theme.faint, |c| ctx.theme.person(c.colour));
    let selected = id.is_some() && ctx.session.selection.character == id;
    let width = if selected { 2.5 } else { 1.2 };
    if face.interpolated {
        // Not seen here, only known from before and after.
        let corners =
            [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
        painter.extend(egui::Shape::dashed_line(&corners, Stroke::new(width, colour), 6.0, 5.0));
    } else {
        painter.rect_stroke(rect, 2.0, Stroke::new(width, colour), StrokeKind::Middle);
    }
    let mut name =
        character.map_or_else(|| format!("{} {}", ctx.text("person"), face.person), |c| c.name.clone());
    if face.placed {
        name.push_str(" ◆");
    }
    let galley = painter.layout_no_wrap(name, FontId::proportional(12.0), Color32::BLACK);
    let label = Rect::from_min_size(
        rect.left_top() - vec2(0.0, galley.size().y + 3.0),
        galley.size() + vec2(8.0, 2.0),
    );
    painter.rect_filled(label, 2.0, colour);
    painter.galley(label.min + vec2(4.0, 1.0), galley, Color32::BLACK);
}

/// A click takes the person; the menu binds them.
pub fn point_at(ui: &mut egui::Ui, ctx: &mut Ctx, response: &egui::Response, boxes: &[(FaceBox, Rect)]) {
    for (at, (face, rect)) in boxes.iter().enumerate() {
        let target =
            ui.interact(rect.intersect(response.rect), response.id.with(("face", at)), Sense::click());
        let id = character_of(ctx, face);
        let name = id.and_then(|id| ctx.project.characters.get(&id)).map(|c| c.name.clone());
        let name = name.unwrap_or_else(|| format!("{} {}", ctx.text("person"), face.person));
        let target = named(target, egui::Role::Button, &name);
        if target.clicked() {
            ctx.session.selection.character = id;
        }
        target.context_menu(|ui| binding_menu(ui, ctx, face));
    }
}

fn binding_menu(ui: &mut egui::Ui, ctx: &mut Ctx, face: &FaceBox) {
    if let Some(line) = face.line {
        corrections(ui, ctx, face, line);
    }
    ui.label(ctx.text("face-is"));
    let characters: Vec<_> = ctx.project.characters.iter().map(|(id, c)| (*id, c.clone())).collect();
    let duration = ctx.project.media.get(&face.media).map(|media| media.duration);
    let Some(duration) = duration else { return };
    let now = character_of(ctx, face);
    for (id, mut character) in characters {
        if ui.radio(now == Some(id), &character.name).clicked() {
            let range = lipsmith_base::TimeRange::new(lipsmith_base::Time::ZERO, duration);
            // One person of a film at a time plays a character; whoever played this person before does so no more.
            let mut edits = Vec::new();
            if let Some((old, of)) = now.and_then(|old| Some((old, ctx.project.characters.get(&old)?))) {
                let mut of = of.clone();
                of.faces.retain(|f| f.media != face.media || f.person != face.person);
                edits.push(CastEdit::SetCharacter(old, of).into());
            }
            character.faces.retain(|f| f.media != face.media);
            character.faces.push(FaceBinding { media: face.media, range, person: face.person });
            edits.push(CastEdit::SetCharacter(id, character).into());
            ctx.act(Act::Edit(lipsmith_project::Edit::Several { label: "Bind face".into(), edits }));
            ui.close();
        }
    }
}

/// Leaves a face that the editor has put right to tracking again.
fn corrections(ui: &mut egui::Ui, ctx: &mut Ctx, face: &FaceBox, line: CueId) {
    let places = ctx.project.cues.get(&line).map_or(&[][..], |cue| &cue.faces);
    if places.is_empty() {
        return;
    }
    let here = ctx.project.picture_at(ctx.session.playhead).map(|(_, film_time)| film_time);
    let here =
        here.and_then(|here| places.iter().find(|place| place.media == face.media && place.at == here));
    if let Some(at) = here.map(|place| (place.media, place.at))
        && ui.button(ctx.text("face-track-here")).clicked()
    {
        ctx.edit(CueEdit::TrackFace { cue: line, at: Some(at) });
        ui.close();
    }
    if ui.button(ctx.words.command(Command::TrackFace)).clicked() {
        ctx.edit(CueEdit::TrackFace { cue: line, at: None });
        ui.close();
    }
    ui.separator();
}
