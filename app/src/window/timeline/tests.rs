//! The timeline as text: a sketch, a gesture, the sketch it comes to; and the panel itself, driven by its names and
//! looked at.

mod mouse;
pub mod panel;
mod pictures;
mod sketch;

use super::drag::{Gesture, Motion, begin, drop_media};
use super::hit::{Hit, Part};
use super::layout::Lane;
use super::snap::Snap;
use crate::window::session::Selection;
use egui::Modifiers;
use lipsmith_base::{FrameRate, Time};
use lipsmith_project::Edit;
use lipsmith_project::edit::{CueEdit, Edge, Ripple};
use sketch::{Scene, secs};

/// Where a gesture goes, in seconds and, for voices, in tracks counted from 1.
struct Go {
    from: f64,
    to: f64,
    track: Option<usize>,
    up: f32,
    command: bool,
    targets: &'static [f64],
}

fn go(from: f64, to: f64) -> Go {
    Go { from, to, track: None, up: 0.0, command: false, targets: &[] }
}

/// The scene after a gesture by the clips or lines with these letters.
fn after(scene: &Scene, selected: &str, gesture: Gesture, go: Go) -> String {
    let outcome = outcome(scene, selected, gesture, &go);
    let edit = outcome.expect("the gesture edits");
    let project = edit.apply(&scene.project).unwrap_or_else(|e| panic!("{edit:?}: {e}"));
    scene.of(&project)
}

fn outcome(scene: &Scene, selected: &str, gesture: Gesture, go: &Go) -> Option<Edit> {
    let mut selection = Selection::default();
    for letter in selected.chars() {
        selection.clips.extend(scene.clip(letter));
        selection.cues.extend(scene.cue(letter));
    }
    let lane = go.track.map(|at| Lane::Voice(scene.project.sequence.voices[at - 1].id));
    let motion = Motion {
        pressed: secs(go.from),
        now: secs(go.to),
        up: go.up,
        height: 54.0,
        lane,
        command: go.command,
    };
    let targets: Vec<_> = go.targets.iter().map(|at| secs(*at)).collect();
    let snap = Snap { on: !targets.is_empty(), rate: FrameRate::FPS_25, reach: secs(0.3), targets };
    gesture.outcome(&scene.project, &selection, &motion, &snap).edit
}

#[test]
fn a_clip_moves_and_replaces_what_was_there() {
    let scene = Scene::new(&["V1 [A--][B--]...."]);
    let gesture = Gesture::MoveClip(scene.clip('A').expect("A"));
    assert_eq!(after(&scene, "A", gesture, go(1.0, 3.0)), "V1 ..[A--][B]");
    assert_eq!(after(&scene, "A", gesture, go(1.0, 11.0)), "V1 .....[B--][A--]");
    assert_eq!(after(&scene, "A", gesture, go(1.0, -50.0)), "V1 [A--][B--]", "not before zero");
}

#[test]
fn with_ctrl_it_is_inserted() {
    let scene = Scene::new(&["V1 [A--][B-][C-]"]);
    let gesture = Gesture::MoveClip(scene.clip('A').expect("A"));
    let inserted = after(&scene, "A", gesture, Go { command: true, ..go(0.0, 9.0) });
    assert_eq!(inserted, "V1 [B-][A--][C-]");
}

#[test]
fn several_move_together_and_spare_each_other() {
    let scene = Scene::new(&["V1 [A--][B--]....", "V2 .[C-].........", "C  ..(d-)......."]);
    let gesture = Gesture::MoveClip(scene.clip('B').expect("B"));
    let moved = after(&scene, "ABCd", gesture, go(6.0, 8.0));
    assert_eq!(moved, "V1 ..[A--][B--]\nV2 ...[C-]\nC  ....(d-)");
    let scene = Scene::new(&["V1 ..[A--][B--]"]);
    let gesture = Gesture::MoveClip(scene.clip('B').expect("B"));
    assert_eq!(after(&scene, "AB", gesture, go(8.0, 6.0)), "V1 [A--][B--]");
    let back = after(&scene, "AB", gesture, go(8.0, 1.0));
    assert_eq!(back, "V1 [A--][B--]", "the first stops at zero, and the rest with it");
}

#[test]
fn a_voice_takes_its_line_along() {
    let mut scene = Scene::new(&["V1 [A--]......", "C  (d-)......"]);
    let (voice, line) = (scene.clip('A').expect("A"), scene.cue('d').expect("d"));
    let bound = Edit::from(CueEdit::Voice { cue: line, voice: Some(voice) });
    scene.project = bound.apply(&scene.project).expect("bound");
    let gesture = Gesture::MoveClip(voice);
    assert_eq!(after(&scene, "A", gesture, go(1.0, 3.0)), "V1 ..[A--]\nC  ..(d-)");
    assert_eq!(after(&scene, "Ad", gesture, go(1.0, 3.0)), "V1 ..[A--]\nC  ..(d-)", "once");
    let alone = after(&scene, "d", Gesture::MoveCue(line), go(1.0, 3.0));
    assert_eq!(alone, "V1 [A--]\nC  ..(d-)");
}

#[test]
fn a_clip_changes_its_track_unless_that_is_locked() {
    let scene = Scene::new(&["V1 [A--]......", "V2 ...........", "V3 [C-]......."]);
    let gesture = Gesture::MoveClip(scene.clip('A').expect("A"));
    let down = after(&scene, "A", gesture, Go { track: Some(2), ..go(1.0, 2.0) });
    assert_eq!(down, "V1 \nV2 .[A--]\nV3 [C-]");
    // The selection would leave the voice tracks: it goes along in time only.
    let both = after(&scene, "AC", gesture, Go { track: Some(2), ..go(1.0, 2.0) });
    assert_eq!(both, "V1 .[A--]\nV2 \nV3 .[C-]");
    let locked = scene.locked(2);
    let kept = after(&locked, "A", gesture, Go { track: Some(2), ..go(1.0, 2.0) });
    assert_eq!(kept, "V1 .[A--]\nV2 \nV3 [C-]");
}

#[test]
fn what_is_locked_does_not_move() {
    let scene = Scene::new(&["V1 [A--]......"]).locked(1);
    let gesture = Gesture::MoveClip(scene.clip('A').expect("A"));
    assert_eq!(outcome(&scene, "A", gesture, &go(1.0, 2.0)), None);
}

#[test]
fn a_trim_stops_at_neighbour_media_and_its_own_end() {
    let scene = Scene::new(&["V1 [A--]..[B--].."]);
    let trim = |letter, edge| Gesture::Trim(scene.clip(letter).expect("there"), edge);
    assert_eq!(after(&scene, "", trim('A', Edge::Tail), go(5.0, 6.0)), "V1 [A---].[B--]");
    assert_eq!(after(&scene, "", trim('A', Edge::Tail), go(5.0, 60.0)), "V1 [A----][B--]");
    assert_eq!(after(&scene, "", trim('B', Edge::Head), go(7.0, 0.0)), "V1 [A--][B----]");
    assert_eq!(after(&scene, "", trim('B', Edge::Head), go(7.0, 9.0)), "V1 [A--]....[B]");
    // Never to nothing: a frame stays.
    let gone = outcome(&scene, "", trim('B', Edge::Head), &go(7.0, 90.0)).expect("trims");
    let project = gone.apply(&scene.project).expect("sound");
    let (_, clip) = project.clip(scene.clip('B').expect("B")).expect("there");
    assert_eq!(clip.duration(), FrameRate::FPS_25.frame_duration());
}

#[test]
fn selected_clips_are_trimmed_together() {
    let scene = Scene::new(&["V1 [A--]......", "V2 [B----]...."]);
    let gesture = Gesture::Trim(scene.clip('A').expect("A"), Edge::Tail);
    assert_eq!(after(&scene, "AB", gesture, go(5.0, 7.0)), "V1 [A----]\nV2 [B------]");
    assert_eq!(after(&scene, "B", gesture, go(5.0, 7.0)), "V1 [A----]\nV2 [B----]");
}

#[test]
fn a_ripple_trim_takes_everything_along() {
    let scene = Scene::new(&["P  [A---][B---]", "V1 ......[C--]..", "C  .......(d)..."]);
    let gesture = Gesture::RippleTrim(scene.clip('A').expect("A"), Edge::Tail);
    let shorter = after(&scene, "", gesture, go(6.0, 4.0));
    assert_eq!(shorter, "P  [A-][B---]\nV1 ....[C--]\nC  .....(d)");
    let longer = after(&scene, "", gesture, go(6.0, 7.0));
    assert_eq!(longer, "P  [A----][B---]\nV1 .......[C--]\nC  ........(d)");
}

#[test]
fn a_slip_shows_other_media_in_the_same_place() {
    let scene = Scene::new(&["V1 ...[A--]"]);
    let id = scene.clip('A').expect("A");
    let source = |edit: Edit| {
        let project = edit.apply(&scene.project).expect("sound");
        assert_eq!(scene.of(&project), "V1 ...[A--]");
        project.clip(id).expect("there").1.source
    };
    let before = scene.project.clip(id).expect("there").1.source;
    let slipped = source(outcome(&scene, "", Gesture::Slip(id), &go(4.0, 6.0)).expect("slips"));
    assert_eq!(slipped, before.shifted(secs(-2.0)));
    let farthest = source(outcome(&scene, "", Gesture::Slip(id), &go(4.0, 500.0)).expect("slips"));
    assert_eq!(farthest.start(), Time::ZERO);
}

#[test]
fn edges_stick_to_what_is_near() {
    let scene = Scene::new(&["V1 [A--]........"]);
    let gesture = Gesture::MoveClip(scene.clip('A').expect("A"));
    let near = after(&scene, "A", gesture, Go { targets: &[8.0], ..go(1.0, 4.2) });
    assert_eq!(near, "V1 ...[A--]", "the tail comes to 8");
    let trim = Gesture::Trim(scene.clip('A').expect("A"), Edge::Tail);
    let trimmed = after(&scene, "", trim, Go { targets: &[7.0], ..go(5.1, 6.9) });
    assert_eq!(trimmed, "V1 [A----]");
}

#[test]
fn lines_move_and_are_trimmed() {
    let scene = Scene::new(&["C  ..(a--)...."]);
    let id = scene.cue('a').expect("a");
    assert_eq!(after(&scene, "a", Gesture::MoveCue(id), go(3.0, 5.0)), "C  ....(a--)");
    assert_eq!(after(&scene, "a", Gesture::TrimCue(id, Edge::Head), go(2.0, 0.0)), "C  (a----)");
    assert_eq!(after(&scene, "a", Gesture::TrimCue(id, Edge::Tail), go(7.0, 5.0)), "C  ..(a)");
}

#[test]
fn fades_meet_and_gain_goes_by_points() {
    let scene = Scene::new(&["V1 [A------]"]);
    let id = scene.clip('A').expect("A");
    let clip = |project: &lipsmith_project::Project| project.clip(id).expect("there").1.clone();
    let edit = outcome(&scene, "", Gesture::Fade(id, Edge::Head), &go(0.0, 7.0)).expect("fades");
    let mut faded = scene.clone();
    faded.project = edit.apply(&scene.project).expect("sound");
    assert_eq!(clip(&faded.project).fade_in, secs(7.0));
    let edit = outcome(&faded, "", Gesture::Fade(id, Edge::Tail), &go(9.0, 0.0)).expect("fades");
    assert_eq!(clip(&edit.apply(&faded.project).expect("sound")).fade_out, secs(2.0));
    let louder = outcome(&scene, "", Gesture::Gain(id), &Go { up: 6.0, ..go(4.0, 4.0) }).expect("gains");
    assert_eq!(clip(&louder.apply(&scene.project).expect("sound")).gain_db, 6.0);
    let most = outcome(&scene, "", Gesture::Gain(id), &Go { up: 9e9, ..go(4.0, 4.0) }).expect("gains");
    assert_eq!(clip(&most.apply(&scene.project).expect("sound")).gain_db, 24.0);
}

#[test]
fn what_a_press_means() {
    let id = Scene::new(&["V1 [A--]"]).clip('A').expect("A");
    let (none, ctrl, alt) = (Modifiers::NONE, Modifiers::COMMAND, Modifiers::ALT);
    assert_eq!(begin(Hit::Clip(id, Part::Body), none), Gesture::MoveClip(id));
    assert_eq!(begin(Hit::Clip(id, Part::Body), alt), Gesture::Slip(id));
    assert_eq!(begin(Hit::Clip(id, Part::End(Edge::Head)), ctrl), Gesture::RippleTrim(id, Edge::Head));
    assert_eq!(begin(Hit::Empty, none), Gesture::Marquee);
}

#[test]
fn media_are_dropped_where_they_can_lie() {
    let scene = Scene::new(&["P  ........", "V1 ........"]);
    let (film, voice) = scene.media();
    let lane = Some(Lane::Voice(scene.project.sequence.voices[0].id));
    let dropped = |media, lane| drop_media(&scene.project, media, lane, secs(2.0), Ripple::Off, "Voice 2");
    assert_eq!(dropped(voice, Some(Lane::Picture)), None, "a voice is no picture");
    for (media, lane) in [(film, Some(Lane::Picture)), (film, lane), (voice, lane), (voice, None)] {
        let edit = dropped(media, lane).expect("lies");
        let project = edit.apply(&scene.project).expect("sound");
        assert_eq!(project.sequence.tracks().map(|track| track.clips.len()).sum::<usize>(), 1);
        assert_eq!(project.sequence.voices.len(), if lane.is_none() { 2 } else { 1 });
    }
}

#[test]
fn a_swipe_over_a_take_shows_it_there() {
    let scene = Scene::new(&["C  ..(a---)"]);
    let id = scene.cue('a').expect("a");
    let (scene, takes) = scene.with_takes(id, 2);
    let comped = |from, to, take| {
        let edit = outcome(&scene, "", Gesture::Comp(id, take), &go(from, to))?;
        let project = edit.apply(&scene.project).expect("sound");
        let shown = |second: f64| project.cues[&id].take_at(secs(second)).map(|take| take.name.clone());
        Some((shown(2.5), shown(4.5), shown(6.5)))
    };
    let name = |number: usize| Some(format!("Take {number}"));
    // The newest take is the chosen one.
    assert_eq!(comped(6.0, 4.0, takes[0]), Some((name(2), name(1), name(2))), "also backwards");
    assert_eq!(comped(5.0, 500.0, takes[0]), Some((name(2), name(2), name(1))), "not beyond the line");
    assert_eq!(comped(4.0, 4.0, takes[0]), None);
}
