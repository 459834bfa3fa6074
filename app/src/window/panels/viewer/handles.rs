//! What can be taken hold of in the picture: the box of the line's speaker where tracking is off, and how far and how
//! softly the mask reaches. A drag is one step, given up by Esc.

use super::Placed;
use crate::window::ctx::{Act, Ctx};
use egui::{Color32, CursorIcon, Pos2, Rect, Sense, Stroke, StrokeKind, WidgetInfo, vec2};
use lipsmith_base::{Point, Rect as FilmRect, Time};
use lipsmith_engine::desk::FaceBox;
use lipsmith_project::edit::CueEdit;
use lipsmith_project::{CueId, Edit, FacePlace, MediaId, Method, Preset, Reach};

/// Side of a handle, and of what can be hit of it, in points.
const SIZE: f32 = 8.0;
const HIT: f32 = 15.0;
/// A box is at least so many film pixels wide and high.
const LEAST: f32 = 8.0;
/// Of a mask's softness, in distances between the eyes.
const FEATHER: (f32, f32) = (0.15, 0.5);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Handle {
    /// The box: a corner (left or right, top or bottom), or all of it.
    Corner(bool, bool),
    Move,
    /// The mask.
    Up,
    Down,
    Left,
    Right,
    Feather,
}

const BOX: [Handle; 5] = [
    Handle::Corner(false, false),
    Handle::Corner(true, false),
    Handle::Corner(false, true),
    Handle::Corner(true, true),
    Handle::Move,
];
const MASK: [Handle; 5] = [Handle::Up, Handle::Down, Handle::Left, Handle::Right, Handle::Feather];

/// A handle that is held: how all was when it was taken.
#[derive(Clone)]
struct Grip {
    handle: Handle,
    from: Point,
    face: FaceBox,
    line: CueId,
    method: Method,
    /// Of the film.
    at: (MediaId, Time),
    abandoned: bool,
}

/// Whether a face is the one that has handles: the speaker's of the line that commands mean.
pub fn fit(ctx: &Ctx, face: &FaceBox) -> bool {
    face.line.is_some() && face.line == ctx.cue()
}

pub fn show(ui: &egui::Ui, ctx: &mut Ctx, stage: &egui::Response, placed: Placed, face: FaceBox) {
    let Some(line) = face.line else { return };
    let Some(cue) = ctx.project.cues.get(&line) else { return };
    let Some((clip, film_time)) = ctx.project.picture_at(ctx.session.playhead) else { return };
    let method = cue.method.clone().unwrap_or_else(|| ctx.project.settings.method.clone());
    let at = (clip.media, film_time);
    let colour = ctx.theme.selection;
    let painter = ui.painter_at(stage.rect);
    let ground = Ground { placed, face: &face };
    // The published scripts overwrite the whole box.
    let masked = method.preset == Preset::Film || method.family == "rewrite";
    if masked {
        let around = |outline: &[Point]| {
            let closed = outline.iter().chain(outline.first());
            closed.map(|p| placed.point(*p)).collect::<Vec<_>>()
        };
        let (outer, inner) = (around(&face.outline), around(&ground.softened()));
        // Dark below, to be seen on light skin.
        painter.add(egui::Shape::line(outer.clone(), Stroke::new(3.0, Color32::from_black_alpha(90))));
        painter.extend(egui::Shape::dashed_line(&outer, Stroke::new(1.2, colour), 5.0, 3.0));
        painter.extend(egui::Shape::dashed_line(
            &inner,
            Stroke::new(1.0, Color32::from_white_alpha(120)),
            2.0,
            4.0,
        ));
    }
    let id = stage.id.with("handle");
    let mut grip: Option<Grip> = ui.data(|data| data.get_temp(id));
    let handles = BOX.into_iter().chain(MASK.into_iter().filter(|_| masked));
    for handle in handles {
        let Some(centre) = ground.place(handle).map(|p| placed.point(p)) else { continue };
        let rect = Rect::from_center_size(centre, vec2(HIT, HIT)).intersect(stage.rect);
        if !rect.is_positive() {
            continue;
        }
        let response = ui.interact(rect, id.with(format!("{handle:?}")), Sense::drag());
        let name = name(ctx, handle);
        let value = value(&method, handle);
        response.widget_info(|| match value {
            Some(value) => WidgetInfo::slider(true, f64::from(value), &name),
            None => WidgetInfo::labeled(egui::Role::Button, true, &name),
        });
        let hot = response.hovered() || response.dragged();
        paint(&painter, handle, centre, if hot { Color32::WHITE } else { colour }, face.placed);
        if hot {
            ui.ctx().set_cursor_icon(cursor(handle));
        }
        if response.drag_started()
            && let Some(pointer) = ui.input(|i| i.pointer.press_origin())
        {
            let (from, face, method) = (placed.film_point(pointer), face.clone(), method.clone());
            grip = Some(Grip { handle, from, face, line, method, at, abandoned: false });
        }
        let Some(held) = grip.as_mut().filter(|held| held.handle == handle) else { continue };
        // Esc ends the drag by itself.
        if !held.abandoned && ui.input(|i| i.key_pressed(egui::Key::Escape)) {
            held.abandoned = true;
            ctx.act(Act::Abandon);
        }
        if response.dragged()
            && !held.abandoned
            && let Some(pointer) = response.interact_pointer_pos()
        {
            ctx.drag(held.edit(placed.film_point(pointer)));
        }
        if response.drag_stopped() {
            if !held.abandoned {
                ctx.act(Act::Release);
            }
            grip = None;
        }
        if !response.dragged() {
            response.on_hover_text(match value {
                Some(value) => format!("{name}: {:.0} %", 100.0 * value),
                None => name,
            });
        }
    }
    ui.data_mut(|data| match grip {
        Some(grip) => drop(data.insert_temp(id, grip)),
        None => data.remove::<Grip>(id),
    });
}

impl Grip {
    /// What comes of the handle being at `to`, in film pixels.
    fn edit(&self, to: Point) -> Edit {
        match self.handle {
            Handle::Corner(..) | Handle::Move => {
                let (media, at) = self.at;
                let rect = boxed(self.handle, self.face.rect, self.from, to);
                CueEdit::PlaceFace { cue: self.line, place: FacePlace { media, at, rect } }.into()
            }
            _ => {
                let method = masked(self.handle, &self.face, &self.method, self.from, to);
                let edit = CueEdit::Method { cue: self.line, method: Some(method) };
                Edit::Several { label: "Change mask".into(), edits: vec![edit.into()] }
            }
        }
    }
}

/// The box once what was taken hold of at `from` is at `to`.
fn boxed(handle: Handle, rect: FilmRect, from: Point, to: Point) -> FilmRect {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let FilmRect { mut x0, mut y0, mut x1, mut y1 } = rect;
    match handle {
        Handle::Corner(right, bottom) => {
            if right {
                x1 = (x1 + dx).max(x0 + LEAST);
            } else {
                x0 = (x0 + dx).min(x1 - LEAST);
            }
            if bottom {
                y1 = (y1 + dy).max(y0 + LEAST);
            } else {
                y0 = (y0 + dy).min(y1 - LEAST);
            }
        }
        _ => (x0, x1, y0, y1) = (x0 + dx, x1 + dx, y0 + dy, y1 + dy),
    }
    FilmRect::new(x0, y0, x1, y1)
}

/// The method once what was taken hold of at `from` is at `to`.
fn masked(handle: Handle, face: &FaceBox, method: &Method, from: Point, to: Point) -> Method {
    let Some(inverse) = face.map.inverse() else { return method.clone() };
    let (from, to, mouth) = (inverse.apply(from), inverse.apply(to), inverse.apply(face.mouth));
    // In proportion to how far the handle is from the mouth.
    let stretched = |now: f32, from: f32, to: f32| {
        let factor = if from.abs() > 1e-3 { to / from } else { 1.0 };
        (now * factor.max(0.0)).clamp(Reach::LEAST, Reach::MOST)
    };
    let Reach { up, side, down } = method.reach;
    let reach = match handle {
        Handle::Up => Reach { up: stretched(up, from.y - mouth.y, to.y - mouth.y), side, down },
        Handle::Down => Reach { up, side, down: stretched(down, from.y - mouth.y, to.y - mouth.y) },
        Handle::Left | Handle::Right => {
            Reach { up, side: stretched(side, from.x - mouth.x, to.x - mouth.x), down }
        }
        _ => method.reach,
    };
    let feather = match handle {
        Handle::Feather => Some((method.feather.unwrap_or(FEATHER.0) + from.y - to.y).clamp(0.0, FEATHER.1)),
        _ => method.feather,
    };
    Method { reach, feather, ..method.clone() }
}

/// Where things are on a face.
struct Ground<'a> {
    placed: Placed,
    face: &'a FaceBox,
}

impl Ground<'_> {
    /// In film pixels; `None` when the face is too small for all its handles.
    fn place(&self, handle: Handle) -> Option<Point> {
        let FilmRect { x0, y0, x1, y1 } = self.face.rect;
        match handle {
            Handle::Corner(right, bottom) => {
                return Some(Point::new(if right { x1 } else { x0 }, if bottom { y1 } else { y0 }));
            }
            Handle::Move if self.width() >= 4.0 * HIT => return Some(Point::new((x0 + x1) / 2.0, y0)),
            _ => {}
        }
        let inverse = self.face.map.inverse()?;
        if handle == Handle::Move || self.width() < 5.0 * HIT || self.face.outline.is_empty() {
            return None;
        }
        let mouth = inverse.apply(self.face.mouth);
        let around = FilmRect::around(self.face.outline.iter().map(|p| inverse.apply(*p)))?;
        let feather = self.face.feather / self.face.map.scale().max(1e-6);
        let at = match handle {
            Handle::Up => Point::new(mouth.x, around.y0),
            Handle::Down => Point::new(mouth.x, around.y1),
            Handle::Left => Point::new(around.x0, mouth.y),
            Handle::Right => Point::new(around.x1, mouth.y),
            _ => Point::new(mouth.x, (around.y1 - feather).max(mouth.y)),
        };
        Some(self.face.map.apply(at))
    }

    /// Of the box, in points.
    fn width(&self) -> f32 {
        let at = |x| self.placed.point(Point::new(x, 0.0)).x;
        at(self.face.rect.x1) - at(self.face.rect.x0)
    }

    /// The line inside the outline where the mask is full.
    fn softened(&self) -> Vec<Point> {
        let mouth = self.face.mouth;
        let inwards = |p: &Point| p.lerp(mouth, (self.face.feather / p.distance(mouth).max(1e-3)).min(1.0));
        self.face.outline.iter().map(inwards).collect()
    }
}

fn paint(painter: &egui::Painter, handle: Handle, at: Pos2, colour: Color32, placed: bool) {
    let ground = Color32::from_black_alpha(150);
    let edge = Stroke::new(1.5, colour);
    let square = Rect::from_center_size(at, vec2(SIZE, SIZE));
    match handle {
        Handle::Feather => {
            painter.circle(at, SIZE / 2.0, ground, edge);
        }
        Handle::Move => {
            let bar = Rect::from_center_size(at, vec2(3.0 * SIZE, SIZE - 2.0));
            painter.rect(bar, 3.0, if placed { colour } else { ground }, edge, StrokeKind::Middle);
        }
        Handle::Corner(..) => {
            painter.rect(square, 0.0, if placed { colour } else { ground }, edge, StrokeKind::Middle);
        }
        _ => {
            let [up, down] = [vec2(0.0, -SIZE * 0.7), vec2(0.0, SIZE * 0.7)];
            let [left, right] = [vec2(-SIZE * 0.7, 0.0), vec2(SIZE * 0.7, 0.0)];
            let diamond = vec![at + up, at + right, at + down, at + left];
            painter.add(egui::Shape::convex_polygon(diamond, ground, edge));
        }
    }
}

fn cursor(handle: Handle) -> CursorIcon {
    match handle {
        Handle::Corner(right, bottom) if right == bottom => CursorIcon::ResizeNwSe,
        Handle::Corner(..) => CursorIcon::ResizeNeSw,
        Handle::Move => CursorIcon::Move,
        Handle::Left | Handle::Right => CursorIcon::ResizeHorizontal,
        Handle::Up | Handle::Down | Handle::Feather => CursorIcon::ResizeVertical,
    }
}

fn name(ctx: &Ctx, handle: Handle) -> String {
    ctx.text(match handle {
        Handle::Corner(..) => "handle-corner",
        Handle::Move => "handle-move",
        Handle::Up => "reach-up",
        Handle::Down => "reach-down",
        Handle::Left | Handle::Right => "reach-side",
        Handle::Feather => "method-feather",
    })
}

/// As a share, for what has one.
fn value(method: &Method, handle: Handle) -> Option<f32> {
    match handle {
        Handle::Corner(..) | Handle::Move => None,
        Handle::Up => Some(method.reach.up),
        Handle::Down => Some(method.reach.down),
        Handle::Left | Handle::Right => Some(method.reach.side),
        Handle::Feather => Some(method.feather.unwrap_or(FEATHER.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Affine;

    fn face() -> FaceBox {
        // Eyes 100 pixels apart, the middle between them at (500, 300).
        let map = Affine { a: 100.0, c: 500.0, e: 100.0, f: 300.0, ..Affine::IDENTITY };
        FaceBox {
            media: MediaId(1),
            person: 1,
            rect: FilmRect::new(400.0, 200.0, 600.0, 500.0),
            interpolated: false,
            line: None,
            placed: false,
            outline: Vec::new(),
            feather: 15.0,
            mouth: Point::new(500.0, 420.0),
            map,
        }
    }

    #[test]
    fn a_corner_moves_alone_and_never_past_the_other() {
        let rect = face().rect;
        let pull = |handle, dx, dy| boxed(handle, rect, Point::default(), Point::new(dx, dy));
        assert_eq!(pull(Handle::Corner(true, false), 30.0, -20.0), FilmRect::new(400.0, 180.0, 630.0, 500.0));
        assert_eq!(pull(Handle::Corner(false, true), 900.0, 0.0), FilmRect::new(592.0, 200.0, 600.0, 500.0));
        assert_eq!(pull(Handle::Move, 5.0, 6.0), FilmRect::new(405.0, 206.0, 605.0, 506.0));
    }

    #[test]
    fn the_mask_follows_its_handle_within_its_limits() {
        let method = Method::default();
        let pull = |handle, from: (f32, f32), to: (f32, f32)| {
            masked(handle, &face(), &method, Point::new(from.0, from.1), Point::new(to.0, to.1))
        };
        let down = pull(Handle::Down, (500.0, 480.0), (520.0, 492.0));
        assert!((down.reach.down - 1.2).abs() < 1e-4 && down.reach.up == 1.0, "{:?}", down.reach);
        let side = pull(Handle::Left, (420.0, 420.0), (300.0, 420.0));
        assert_eq!(side.reach.side, Reach::MOST);
        let over = pull(Handle::Up, (500.0, 380.0), (500.0, 480.0));
        assert_eq!(over.reach.up, Reach::LEAST, "the other side of the mouth");
        let soft = pull(Handle::Feather, (500.0, 470.0), (500.0, 460.0));
        assert!(soft.feather.is_some_and(|f| (f - 0.25).abs() < 1e-4), "{:?}", soft.feather);
    }
}
