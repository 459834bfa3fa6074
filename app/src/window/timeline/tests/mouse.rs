//! Gestures that are found by where the pointer is on a clip, and media that are dragged in.

use super::panel::{World, drag_by, harness, small};
use crate::window::ctx::Ctx;
use crate::window::panels;
use egui::{Modifiers, Pos2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lipsmith_base::Time;
use lipsmith_project::Edit;
use lipsmith_project::edit::ClipEdit;

/// The voice's clip as it now is.
fn voice(harness: &Harness<World>) -> lipsmith_project::Clip {
    harness.state().clip(1)
}

fn last_step(harness: &Harness<World>) -> (usize, String) {
    let steps = harness.state().history.steps();
    (steps.len(), steps.last().map(|step| step.label.clone()).unwrap_or_default())
}

fn rect(harness: &Harness<World>) -> egui::Rect {
    harness.get_by_label_contains("Clip voice.wav").rect()
}

#[test]
fn an_upper_corner_fades() {
    let mut harness = harness(small());
    let (clip, range) = (rect(&harness), voice(&harness).range());
    drag_by(&mut harness, clip.left_top() + vec2(1.0, 3.0), vec2(120.0, 0.0));
    let faded = voice(&harness);
    assert!(faded.fade_in > Time::ZERO && faded.fade_out == Time::ZERO, "{}", faded.fade_in);
    assert_eq!(faded.range(), range, "nothing is trimmed");
    assert_eq!(last_step(&harness), (2, "Change fades".into()));
    // The corner has gone along: from there it is taken back.
    drag_by(&mut harness, clip.left_top() + vec2(121.0, 3.0), vec2(-200.0, 0.0));
    assert_eq!(voice(&harness).fade_in, Time::ZERO);
    drag_by(&mut harness, clip.right_top() + vec2(-1.0, 3.0), vec2(-90.0, 0.0));
    assert!(voice(&harness).fade_out > Time::ZERO);
    let before = voice(&harness);
    drag_by(&mut harness, clip.right_top() + vec2(-91.0, 3.0), vec2(-clip.width(), 0.0));
    assert!(voice(&harness).fade_out <= before.duration(), "no longer than the clip");
}

#[test]
fn the_line_across_a_clip_is_its_gain() {
    let mut harness = harness(small());
    let clip = rect(&harness);
    // Where 0 dB is, between -36 dB below and +12 dB above.
    let line = |gain: f32| egui::lerp(clip.bottom() - 3.0..=clip.top() + 3.0, (gain + 36.0) / 48.0);
    drag_by(&mut harness, pos2(clip.center().x, line(0.0)), vec2(0.0, 14.0));
    let quiet = voice(&harness).gain_db;
    assert!((-36.0..-3.0).contains(&quiet), "{quiet} dB");
    assert_eq!(last_step(&harness).0, 2);
    drag_by(&mut harness, pos2(clip.center().x, line(quiet)), vec2(0.0, line(0.0) - line(quiet) + 0.5));
    assert_eq!(voice(&harness).gain_db, 0.0, "it sticks to 0 dB");
}

#[test]
fn alt_slips_what_is_in_a_clip() {
    // Four seconds from the middle of the voice, so that there is something on both sides.
    let project = small();
    let id = project.sequence.voices[0].clips[0].id;
    let project = Edit::from(ClipEdit::Slip { clip: id, by: Time::from_secs_f64(3.0) }).apply(&project);
    let mut harness = harness(project.expect("sound"));
    let before = voice(&harness);
    harness.event(egui::Event::ModifiersChanged(Modifiers::ALT));
    let body = pos2(rect(&harness).center().x, rect(&harness).bottom() - 6.0);
    drag_by(&mut harness, body, vec2(60.0, 0.0));
    let slipped = voice(&harness);
    assert_eq!(
        (slipped.start, slipped.duration()),
        (before.start, before.duration()),
        "it stays where it is"
    );
    assert!(slipped.source.start() < before.source.start(), "dragged to the right, earlier sound is heard");
    assert_eq!(last_step(&harness), (2, "Slip clip".into()));
}

/// The pool above the timeline.
fn pool_and_timeline(ui: &mut egui::Ui, ctx: &mut Ctx) {
    egui::Panel::top("pool").exact_size(150.0).show(ui, |ui| panels::media::show(ui, ctx));
    super::super::show(ui, ctx);
}

#[test]
fn media_dragged_from_the_pool_lie_where_they_are_dropped() {
    let mut harness = harness(small());
    harness.state_mut().draw = pool_and_timeline;
    harness.run();
    let source = harness.get_by_label_contains("voice.wav 00").rect().center();
    let target: Pos2 = rect(&harness).right_center() + vec2(90.0, 0.0);
    drag_by(&mut harness, source, target - source);
    let project = harness.state().history.project().clone();
    let clips = &project.sequence.voices[0].clips;
    assert_eq!(clips.len(), 2, "{clips:?}");
    assert!(clips[1].start >= clips[0].end());
    // Sound cannot lie on the picture: nothing happens, and it is said.
    let picture = harness.get_by_label_contains("Clip film.mov").rect();
    let steps = last_step(&harness).0;
    drag_by(&mut harness, source, picture.center() - source);
    assert_eq!(last_step(&harness).0, steps);
    assert_eq!(harness.state().said, ["timeline-cannot-lie"]);
}
