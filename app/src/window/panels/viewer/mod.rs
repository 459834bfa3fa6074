//! The picture: dub, film or both, with the people's boxes over it.

mod faces;
mod handles;
#[cfg(test)]
mod tests;

use crate::window::command::Command;
use crate::window::ctx::Ctx;
use crate::window::news::Shown;
use crate::window::session::{Compare, ViewerLook};
use crate::window::widgets::named;
use egui::{Align2, Color32, FontId, Rect, Sense, Stroke, StrokeKind, pos2, vec2};
use lipsmith_engine::desk::{FaceBox, Likeness, Side};

/// The most pixels asked for while the picture is fitted: more than a screen shows are of no use.
const FITTED: (usize, usize) = (1920, 1080);
/// Sides of the action and the title area, of the picture's (SMPTE ST 2046-1).
const SAFE: [f32; 2] = [0.93, 0.90];

/// The pixels that the present look can use.
pub fn fit(look: &ViewerLook) -> (usize, usize) {
    match look.zoom {
        // Looked at closely, the film's own pixels count.
        Some(zoom) if zoom > 0.6 => (8192, 8192),
        _ => FITTED,
    }
}

pub fn show(ui: &mut egui::Ui, ctx: &mut Ctx) {
    // In a narrow panel the tools take a second row rather than being cut off.
    let frame = egui::Frame::new().fill(ctx.theme.panel).inner_margin(egui::Margin::symmetric(4, 3));
    let tools = egui::Panel::bottom("viewer tools").frame(frame).show_separator_line(false);
    let height =
        tools.show(ui, |ui| ui.horizontal_wrapped(|ui| toolbar(ui, ctx)).response.rect.height()).inner;
    // A panel takes its height from the frame before: without another frame a new second row would stay hidden.
    let known = egui::Id::unique("height of the viewer tools");
    if ui.data(|data| data.get_temp::<f32>(known)) != Some(height) {
        ui.data_mut(|data| data.insert_temp(known, height));
        ui.ctx().request_repaint();
    }
    stage(ui, ctx);
}

fn toolbar(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let playing = ctx.playing.is_some();
    ctx.button(ui, Command::ToStart, "|◀");
    ctx.button(ui, Command::StepBack, "‹");
    ctx.button(ui, Command::PlayStop, if playing { "■" } else { "▶" });
    ctx.button(ui, Command::StepForward, "›");
    ctx.button(ui, Command::ToEnd, "▶|");
    let looping = ctx.session.looping;
    toggle(ui, ctx, Command::Loop, "⟲", looping);
    ui.separator();
    let now = ctx.timecode(ctx.playing.unwrap_or(ctx.session.playhead));
    let hint = ctx.words.command(Command::EnterTimecode);
    let clock =
        ui.add(egui::Button::new(egui::RichText::new(&now).monospace()).frame(false)).on_hover_text(&hint);
    let clock = named(clock, egui::Role::Button, &format!("{hint} {now}"));
    if clock.clicked() {
        ctx.command(Command::EnterTimecode);
    }
    if playing && ctx.session.speed != 1.0 {
        ui.label(format!("{}×", ctx.session.speed));
    }
    ui.separator();
    let look = ctx.session.viewer.clone();
    toggle(ui, ctx, Command::Wipe, "◧", look.compare == Compare::Wipe);
    toggle(ui, ctx, Command::SideBySide, "◫", look.compare == Compare::SideBySide);
    toggle(ui, ctx, Command::Difference, "∆", look.sides[0] == Side::Difference);
    toggle(ui, ctx, Command::Matte, "◐", look.sides[0] == Side::Matte);
    ui.separator();
    toggle(ui, ctx, Command::Boxes, "☺", look.boxes);
    toggle(ui, ctx, Command::SafeAreas, "▣", look.safe_areas);
    toggle(ui, ctx, Command::BurnIn, "TC", look.burn_in);
    ui.separator();
    let fit = ctx.text("viewer-fit");
    toggle(ui, ctx, Command::ViewFit, &fit, look.zoom.is_none());
    toggle(ui, ctx, Command::ViewOne, "1:1", look.zoom == Some(1.0));
    ui.separator();
    // Last: they come and go with comparing, and the buttons must not move away under the pointer.
    sides(ui, ctx);
}

fn toggle(ui: &mut egui::Ui, ctx: &mut Ctx, command: Command, icon: &str, on: bool) {
    let name = ctx.words.command(command);
    let keys = ctx.keymap.short(command);
    let hint = if keys.is_empty() { name.clone() } else { format!("{name}  ({keys})") };
    let button = ui.selectable_label(on, icon).on_hover_text(hint);
    button.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, &name));
    if button.clicked() {
        ctx.command(command);
    }
}

/// What is seen on the one and, when comparing, on the other side.
fn sides(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let cue = ctx.cue().and_then(|id| Some((id, ctx.project.cues.get(&id)?)));
    let mut choices = vec![(Side::Dub, ctx.text("side-dub")), (Side::Film, ctx.text("side-film"))];
    if let Some((id, cue)) = cue {
        choices.extend(cue.takes.iter().map(|(take, of)| (Side::Take(id, *take), of.name.clone())));
    }
    let shown = if ctx.session.viewer.compare == Compare::Alone { 1 } else { 2 };
    for at in 0..shown {
        let now = ctx.session.viewer.sides[at];
        let name = match now {
            Side::Difference => ctx.words.command(Command::Difference),
            Side::Matte => ctx.words.command(Command::Matte),
            other => {
                choices.iter().find(|(side, _)| *side == other).map_or("—".into(), |(_, name)| name.clone())
            }
        };
        let label = ctx.text(if at == 0 { "viewer-side-a" } else { "viewer-side-b" });
        let menu = egui::ComboBox::from_id_salt(("side", at)).selected_text(&name).width(86.0);
        let response = menu.show_ui(ui, |ui| {
            for (side, name) in &choices {
                ui.selectable_value(&mut ctx.session.viewer.sides[at], *side, name);
            }
        });
        let told = format!("{label}: {name}");
        named(response.response, egui::Role::ComboBox, &told);
    }
}

/// Where a picture lies on the screen.
#[derive(Clone, Copy)]
struct Placed {
    rect: Rect,
    /// Film pixels across the rectangle.
    film: (usize, usize),
}

impl Placed {
    fn point(self, at: lipsmith_base::Point) -> egui::Pos2 {
        let x = at.x / self.film.0.max(1) as f32;
        let y = at.y / self.film.1.max(1) as f32;
        self.rect.min + vec2(x * self.rect.width(), y * self.rect.height())
    }

    /// The other way round.
    fn film_point(self, at: egui::Pos2) -> lipsmith_base::Point {
        let share = (at - self.rect.min) / self.rect.size();
        lipsmith_base::Point::new(share.x * self.film.0 as f32, share.y * self.film.1 as f32)
    }

    fn rect_of(self, face: &FaceBox) -> Rect {
        let (min, max) = ((face.rect.x0, face.rect.y0), (face.rect.x1, face.rect.y1));
        Rect::from_two_pos(
            self.point(lipsmith_base::Point::new(min.0, min.1)),
            self.point(lipsmith_base::Point::new(max.0, max.1)),
        )
    }
}

fn stage(ui: &mut egui::Ui, ctx: &mut Ctx) {
    let area = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(area, Sense::click_and_drag());
    let painter = ui.painter_at(area);
    painter.rect_filled(area, 0.0, Color32::BLACK);
    let name = format!("{} {}", ctx.text("panel-viewer"), ctx.timecode(ctx.session.playhead));
    let response = named(response, egui::Role::Image, &name);
    let shown = ctx.news.frame.as_ref().filter(|shown| !shown.sides.is_empty() && shown.frame.film.0 > 0);
    let Some(shown) = shown else {
        let font = FontId::proportional(15.0);
        let layout = painter.layout(nothing_shown(ctx), font, ctx.theme.faint, area.width() - 16.0);
        let place = Align2::CENTER_CENTER.anchor_size(area.center(), layout.size());
        painter.galley(place.min, layout, ctx.theme.faint);
        return;
    };
    let compare = ctx.session.viewer.compare;
    let halves = match (compare, shown.sides.len()) {
        (Compare::SideBySide, 2) => {
            let (left, right) = area.split_left_right_at_fraction(0.5);
            vec![left.with_max_x(left.right() - 1.0), right.with_min_x(right.left() + 1.0)]
        }
        _ => vec![area],
    };
    let places: Vec<_> =
        halves.iter().map(|half| place(*half, shown, &ctx.session.viewer, ui.pixels_per_point())).collect();
    paint_pictures(&painter, ctx, shown, &halves, &places);
    for (half, placed) in halves.iter().zip(&places) {
        let painter = ui.painter_at(*half);
        overlays(&painter, ctx, shown, *placed);
    }
    for (at, note) in shown.frame.notes.iter().enumerate() {
        let place = area.left_bottom() + vec2(8.0, -8.0 - 18.0 * at as f32);
        let words = painter.layout_no_wrap(note.clone(), FontId::proportional(12.0), ctx.theme.warning);
        let ground = Align2::LEFT_BOTTOM.anchor_size(place, words.size());
        painter.rect_filled(ground.expand2(vec2(4.0, 1.0)), 2.0, Color32::from_black_alpha(170));
        painter.galley(ground.min, words, ctx.theme.warning);
    }
    let boxes: Vec<_> =
        shown.frame.faces.iter().map(|face| (face.clone(), places[0].rect_of(face))).collect();
    let (first, film_width) = (places[0], shown.frame.film.0 as f32);
    let still = shown.frame.likeness == Likeness::Exact && ctx.playing.is_none();
    if ctx.session.viewer.boxes {
        faces::point_at(ui, ctx, &response, &boxes);
        if still && let Some((face, _)) = boxes.into_iter().find(|(face, _)| handles::fit(ctx, face)) {
            handles::show(ui, ctx, &response, first, face);
        }
    }
    move_about(ui, ctx, &response, first, film_width);
}

/// Why there is no picture: no film at all, none here, one that cannot be read, or one that is on its way.
fn nothing_shown(ctx: &Ctx) -> String {
    let at = ctx.playing.unwrap_or(ctx.session.playhead);
    let notes = ctx.news.frame.as_ref().map_or(&[][..], |shown| &shown.frame.notes);
    if ctx.project.sequence.picture.clips.is_empty() {
        ctx.text("viewer-empty")
    } else if ctx.project.picture_at(at).is_none() {
        ctx.text("viewer-no-picture")
    } else if notes.is_empty() {
        ctx.text("viewer-loading")
    } else {
        notes.join("\n")
    }
}

/// Fitted, or with the chosen film pixel in the middle.
fn place(area: Rect, shown: &Shown, look: &ViewerLook, pixels_per_point: f32) -> Placed {
    let film = shown.frame.film;
    let (width, height) = (film.0 as f32, film.1 as f32);
    let scale = match look.zoom {
        Some(zoom) => zoom / pixels_per_point,
        None => (area.width() / width).min(area.height() / height),
    };
    let size = vec2(width * scale, height * scale);
    let centre = if look.zoom.is_some() { look.centre } else { [0.5, 0.5] };
    let min = area.center() - vec2(size.x * centre[0], size.y * centre[1]);
    Placed { rect: Rect::from_min_size(min, size), film }
}

fn paint_pictures(painter: &egui::Painter, ctx: &Ctx, shown: &Shown, halves: &[Rect], places: &[Placed]) {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    let look = &ctx.session.viewer;
    match (look.compare, shown.sides.as_slice()) {
        (Compare::SideBySide, [a, b]) => {
            for ((texture, half), placed) in [a, b].into_iter().zip(halves).zip(places) {
                painter.with_clip_rect(*half).image(texture.id(), placed.rect, whole, Color32::WHITE);
            }
        }
        (Compare::Wipe, [a, b]) => {
            let rect = places[0].rect;
            let edge = rect.left() + rect.width() * look.wipe;
            let clip = painter.clip_rect();
            painter.with_clip_rect(clip.with_max_x(edge)).image(a.id(), rect, whole, Color32::WHITE);
            painter.with_clip_rect(clip.with_min_x(edge)).image(b.id(), rect, whole, Color32::WHITE);
            painter.vline(edge, rect.y_range(), Stroke::new(1.5, ctx.theme.selection));
            let grip = Rect::from_center_size(pos2(edge, rect.bottom() - 14.0), vec2(10.0, 18.0));
            painter.rect_filled(grip, 3.0, ctx.theme.selection);
        }
        (_, [a, ..]) => {
            painter.image(a.id(), places[0].rect, whole, Color32::WHITE);
        }
        _ => {}
    }
}

fn overlays(painter: &egui::Painter, ctx: &Ctx, shown: &Shown, placed: Placed) {
    let look = &ctx.session.viewer;
    if look.boxes {
        for face in &shown.frame.faces {
            faces::paint(painter, ctx, face, placed);
        }
    }
    if look.safe_areas {
        for share in SAFE {
            let area = Rect::from_center_size(placed.rect.center(), placed.rect.size() * share);
            painter.rect_stroke(
                area,
                0.0,
                Stroke::new(1.0, Color32::from_white_alpha(110)),
                StrokeKind::Middle,
            );
        }
        let centre = placed.rect.center();
        let thin = Stroke::new(1.0, Color32::from_white_alpha(110));
        painter.line_segment([centre - vec2(8.0, 0.0), centre + vec2(8.0, 0.0)], thin);
        painter.line_segment([centre - vec2(0.0, 8.0), centre + vec2(0.0, 8.0)], thin);
    }
    if look.burn_in {
        let text = ctx.timecode(shown.frame.at);
        let at = placed.rect.center_bottom() - vec2(0.0, 10.0);
        let font = FontId::monospace((placed.rect.height() / 22.0).clamp(12.0, 32.0));
        let galley = painter.layout_no_wrap(text, font, Color32::WHITE);
        let ground = Align2::CENTER_BOTTOM.anchor_size(at, galley.size()).expand(4.0);
        painter.rect_filled(ground, 2.0, Color32::from_black_alpha(170));
        painter.galley(ground.min + vec2(4.0, 4.0), galley, Color32::WHITE);
    }
}

/// Wipe, wheel and drag.
fn move_about(ui: &egui::Ui, ctx: &mut Ctx, response: &egui::Response, placed: Placed, film_width: f32) {
    let look = &mut ctx.session.viewer;
    if response.dragged() && look.compare == Compare::Wipe && look.zoom.is_none() {
        if let Some(pointer) = response.interact_pointer_pos() {
            look.wipe = ((pointer.x - placed.rect.left()) / placed.rect.width()).clamp(0.0, 1.0);
        }
    } else if response.dragged() && look.zoom.is_some() {
        let by = response.drag_delta();
        look.centre[0] = (look.centre[0] - by.x / placed.rect.width()).clamp(0.0, 1.0);
        look.centre[1] = (look.centre[1] - by.y / placed.rect.height()).clamp(0.0, 1.0);
    }
    let wheel = if response.hovered() { ui.input(|i| i.smooth_scroll_delta().y) } else { 0.0 };
    if wheel != 0.0
        && let Some(pointer) = response.hover_pos()
    {
        let now = placed.rect.width() * ui.pixels_per_point() / film_width.max(1.0);
        let zoom = (now * (wheel / 400.0).exp()).clamp(0.05, 16.0);
        // The film pixel under the pointer stays there.
        let under = (pointer - placed.rect.min) / placed.rect.size();
        let grown = placed.rect.size() * (zoom / now);
        let centre = response.rect.center() - pointer;
        look.centre =
            [(under.x + centre.x / grown.x).clamp(0.0, 1.0), (under.y + centre.y / grown.y).clamp(0.0, 1.0)];
        look.zoom = Some(zoom);
    }
}
