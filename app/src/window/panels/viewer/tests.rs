//! The handles over the picture, worked by the mouse.

use crate::window::news::Shown;
use crate::window::timeline::tests::panel::{World, drag_by, harness, small};
use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lipsmith_base::{Affine, Point, Rect, Time};
use lipsmith_engine::desk::{FaceBox, Frame, Likeness};
use lipsmith_project::edit::{CastEdit, CueEdit};
use lipsmith_project::{Character, CharacterId, Cue, Edit, FaceBinding, Reach};

/// A line with its speaker's face in the picture.
fn faced() -> Harness<'static, World> {
    let mut project = small();
    let (cue, line) = project.cues.iter().next().map(|(id, cue)| (*id, cue.clone())).expect("a line");
    let media = *project.media.keys().next().expect("a film");
    let range = lipsmith_base::TimeRange::new(Time::ZERO, project.media[&media].duration);
    let mut character = Character::new("Ann", [200, 100, 50]);
    character.faces.push(FaceBinding { media, range, person: 1 });
    let id = CharacterId(project.next_id);
    for edit in
        [Edit::from(CastEdit::AddCharacter(character)), CueEdit::Bind { cue, character: Some(id) }.into()]
    {
        project = edit.apply(&project).expect("sound");
    }
    let mut harness = harness(project);
    let texture = harness.ctx.load_texture("film", egui::ColorImage::example(), Default::default());
    let world = harness.state_mut();
    world.draw = super::show;
    world.session.playhead = line.range.start();
    world.session.selection.only_cue(cue);
    let map = Affine { a: 80.0, c: 320.0, e: 80.0, f: 140.0, ..Affine::IDENTITY };
    let face = FaceBox {
        media,
        person: 1,
        rect: Rect::new(220.0, 60.0, 420.0, 300.0),
        interpolated: false,
        line: Some(cue),
        placed: false,
        outline: [(-0.9, 0.8), (0.0, 1.8), (0.9, 0.8)].map(|(x, y)| map.apply(Point::new(x, y))).to_vec(),
        feather: 12.0,
        mouth: map.apply(Point::new(0.0, 1.2)),
        map,
    };
    let frame = Frame {
        at: world.session.playhead,
        likeness: Likeness::Exact,
        sides: Vec::new(),
        faces: vec![face],
        film: (640, 360),
        notes: Vec::new(),
    };
    world.news.frame = Some(Shown { frame, sides: vec![texture] });
    harness.run();
    harness
}

fn line(harness: &Harness<World>) -> Cue {
    let project = harness.state().history.project();
    (**project.cues.values().next().expect("a line")).clone()
}

fn last(harness: &Harness<World>) -> (usize, String) {
    let steps = harness.state().history.steps();
    (steps.len(), steps.last().map(|step| step.label.clone()).unwrap_or_default())
}

#[test]
fn dragging_the_chin_widens_the_mask_in_one_step() {
    let mut harness = faced();
    let chin = harness.get_by_label("Mask towards the chin").rect().center();
    drag_by(&mut harness, chin, vec2(0.0, 12.0));
    let reach = line(&harness).method.expect("its own").reach;
    assert!(reach.down > 1.05 && reach.up == 1.0 && reach.side == 1.0, "{reach:?}");
    assert_eq!(last(&harness), (2, "Change mask".into()));
    assert!(harness.state_mut().history.undo());
    assert_eq!(line(&harness).method, None);
}

#[test]
fn dragging_the_softness_inwards_softens() {
    let mut harness = faced();
    let soft = harness.get_by_label("Feather").rect().center();
    drag_by(&mut harness, soft, vec2(0.0, -10.0));
    let method = line(&harness).method.expect("its own");
    assert!(method.feather.is_some_and(|feather| feather > 0.16), "{:?}", method.feather);
    assert_eq!(method.reach, Reach::USUAL);
}

#[test]
fn a_dragged_corner_is_a_corrected_face_and_escape_takes_it_back() {
    let mut harness = faced();
    let corners: Vec<_> =
        harness.get_all_by_label("Corner of the face").map(|node| node.rect().center()).collect();
    assert_eq!(corners.len(), 4);
    harness.hover_at(corners[3]);
    harness.run();
    harness.drag_at(corners[3]);
    harness.run();
    harness.hover_at(corners[3] + vec2(30.0, 30.0));
    harness.run();
    assert_eq!(line(&harness).faces.len(), 1, "seen while it is dragged");
    harness.key_press(Key::Escape);
    harness.run();
    harness.drop_at(corners[3] + vec2(30.0, 30.0));
    harness.run();
    assert_eq!((line(&harness).faces.len(), last(&harness).0), (0, 1));

    drag_by(&mut harness, corners[3], vec2(30.0, 20.0));
    let place = line(&harness).faces[0];
    assert!(place.rect.x1 > 430.0 && place.rect.y1 > 305.0, "{:?}", place.rect);
    assert_eq!((place.rect.x0, place.rect.y0), (220.0, 60.0));
    assert_eq!(last(&harness), (2, "Correct face".into()));
}
