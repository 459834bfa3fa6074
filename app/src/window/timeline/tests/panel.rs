//! The panel as a screen reader sees it, and dragged by the pointer.

use super::sketch::{film_and_voice, secs};
use crate::window::ctx::{Act, Ctx};
use crate::window::keymap::Keymap;
use crate::window::modals::About;
use crate::window::news::News;
use crate::window::session::Session;
use crate::window::settings::Settings;
use crate::window::theme::Theme;
use crate::window::words::Words;
use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use lipsmith_base::{FrameRate, Time, TimeRange};
use lipsmith_engine::desk::{FilmFaces, PersonSeen, Seen};
use lipsmith_engine::{Paths, Peaks};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Ripple, TrackEdit};
use lipsmith_project::{Character, ClipId, Cue, Edit, FaceBinding, History, Marker, MediaId, Project};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The window without its desk.
pub struct World {
    pub history: History,
    pub session: Session,
    pub news: News,
    settings: Settings,
    words: Words,
    keymap: Keymap,
    theme: Theme,
    about: About,
    seeks: Vec<Time>,
    /// Keys of messages.
    pub said: Vec<&'static str>,
    /// The timeline, if nothing else is wanted.
    pub draw: fn(&mut egui::Ui, &mut Ctx),
}

impl World {
    pub fn new(project: Project) -> World {
        World {
            history: History::new(project, "test"),
            session: Session::default(),
            news: News::default(),
            settings: Settings::default(),
            words: Words::of("en"),
            keymap: Keymap::new("Premiere", None).expect("reads"),
            theme: Theme::dark().expect("whole"),
            about: About {
                drawing: String::new(),
                paths: Paths { data: PathBuf::new(), cache: PathBuf::new() },
            },
            seeks: Vec::new(),
            said: Vec::new(),
            draw: super::super::show,
        }
    }

    pub fn show(&mut self, ui: &mut egui::Ui) {
        let mut acts = Vec::new();
        let project = self.history.project().clone();
        let mut ctx = Ctx {
            project: &project,
            history: &self.history,
            session: &mut self.session,
            news: &self.news,
            settings: &mut self.settings,
            words: &self.words,
            keymap: &self.keymap,
            theme: &self.theme,
            about: &self.about,
            acts: &mut acts,
            playing: None,
            levels: [0.0; 2],
        };
        (self.draw)(ui, &mut ctx);
        for act in acts {
            match act {
                Act::Edit(edit) => self.history.apply(&edit).expect("sound"),
                Act::Drag(edit) => self.history.drag(&edit).unwrap_or_default(),
                Act::Release => self.history.release(),
                Act::Abandon => self.history.abandon(),
                Act::Seek { to, .. } => {
                    self.session.playhead = to;
                    self.seeks.push(to);
                }
                Act::Say(key) => self.said.push(key),
                _ => {}
            }
        }
    }

    pub fn clip(&self, number: usize) -> lipsmith_project::Clip {
        let project = self.history.project();
        project.sequence.tracks().nth(number).expect("a track").clips[0].clone()
    }
}

fn apply(project: &Project, edit: impl Into<Edit>) -> Project {
    edit.into().apply(project).expect("sound")
}

/// Ten seconds of film, four of voice, a line and a marker.
pub fn small() -> Project {
    let mut project = film_and_voice(&Project::new("p", FrameRate::FPS_25), 10);
    let ids: Vec<MediaId> = project.media.keys().copied().collect();
    let (picture, voice) = (project.sequence.picture.id, project.sequence.voices[0].id);
    let ripple = Ripple::Off;
    for (track, media, to, at) in [(picture, ids[0], 10.0, 0.0), (voice, ids[1], 4.0, 2.0)] {
        let source = TimeRange::new(Time::ZERO, secs(to));
        project = apply(&project, ClipEdit::Place { track, media, source, at: secs(at), ripple });
    }
    let range = TimeRange::new(secs(2.0), secs(6.0));
    let text = "Hello there".to_string();
    project = apply(&project, CueEdit::Add { range, text, character: None, voice: None });
    let marker = Marker { at: secs(8.0), name: "Door".into(), colour: [200, 100, 50] };
    apply(&project, CastEdit::AddMarker(marker))
}

pub fn harness(project: Project) -> Harness<'static, World> {
    let world = World::new(project);
    let mut harness = Harness::builder()
        .with_size(vec2(1200.0, 420.0))
        // Quick enough for a double click.
        .with_step_dt(1.0 / 60.0)
        // The program itself has the fonts of the system.
        .allow_missing_glyphs()
        .build_ui_state(|ui, world: &mut World| world.show(ui), world);
    harness.run();
    harness
}

fn drag(harness: &mut Harness<World>, from: Pos2, by: f32) {
    drag_by(harness, from, vec2(by, 0.0));
}

pub fn drag_by(harness: &mut Harness<World>, from: Pos2, by: Vec2) {
    press(harness, from, by);
    harness.drop_at(from + by);
    harness.run();
}

fn press(harness: &mut Harness<World>, from: Pos2, by: Vec2) {
    harness.hover_at(from);
    harness.run();
    harness.drag_at(from);
    harness.run();
    for part in 1..=4 {
        harness.hover_at(from + by * (part as f32 / 4.0));
        harness.run();
    }
}

#[test]
fn everything_in_sight_has_a_name() {
    let harness = harness(small());
    harness.get_by_label("Clip film.mov, 00:00:00:00 to 00:00:10:00");
    harness.get_by_label("Clip voice.wav, 00:00:02:00 to 00:00:06:00");
    harness.get_by_label_contains("Hello there");
    harness.get_by_label("Marker Door, 00:00:08:00");
    harness.get_by_label("Playhead 00:00:00:00");
    harness.get_by_role_and_label(Role::CheckBox, "Mute Voice 1");
}

#[test]
fn dragging_a_clip_moves_it() {
    let mut harness = harness(small());
    let before = harness.state().clip(1);
    let at = harness.get_by_label_contains("Clip voice.wav").rect().center();
    drag(&mut harness, at, 200.0);
    let after = harness.state().clip(1);
    assert!(after.start > before.start + secs(1.0), "{} to {}", before.start, after.start);
    assert_eq!(after.source, before.source);
    let steps = harness.state().history.steps();
    assert_eq!(steps.len(), 2, "one gesture is one step");
    assert_eq!(steps[1].label, "Move clip");
}

#[test]
fn dragging_an_edge_trims_it() {
    let mut harness = harness(small());
    let rect = harness.get_by_label_contains("Clip voice.wav").rect();
    drag(&mut harness, egui::pos2(rect.right() - 2.0, rect.center().y), -100.0);
    let clip = harness.state().clip(1);
    assert_eq!(clip.start, secs(2.0));
    assert!(clip.duration() < secs(3.5) && clip.duration() > secs(2.0), "{}", clip.duration());
}

#[test]
fn escape_abandons_a_drag() {
    let mut harness = harness(small());
    let before = harness.state().clip(1);
    let at = harness.get_by_label_contains("Clip voice.wav").rect().center();
    press(&mut harness, at, vec2(200.0, 0.0));
    assert_ne!(harness.state().clip(1).start, before.start, "it is dragged");
    harness.key_down(Key::Escape);
    harness.run();
    assert_eq!(harness.state().clip(1).start, before.start);
    harness.hover_at(at + vec2(300.0, 0.0));
    harness.key_up(Key::Escape);
    harness.run();
    harness.drop_at(at + vec2(300.0, 0.0));
    harness.run();
    assert_eq!(harness.state().history.steps().len(), 1, "nothing happened");
}

#[test]
fn clicks_select_and_shift_adds() {
    let mut harness = harness(small());
    harness.get_by_label_contains("Clip voice.wav").click();
    harness.run();
    assert_eq!(harness.state().session.selection.clips.len(), 1);
    harness.get_by_label_contains("Clip film.mov").click_modifiers(Modifiers::SHIFT);
    harness.run();
    assert_eq!(harness.state().session.selection.clips.len(), 2);
    harness.get_by_label_contains("Clip film.mov").click_modifiers(Modifiers::SHIFT);
    harness.run();
    assert_eq!(harness.state().session.selection.clips.len(), 1);
    harness.get_by_label_contains("Hello there").click();
    harness.run();
    let selection = &harness.state().session.selection;
    assert_eq!((selection.clips.len(), selection.cues.len()), (0, 1));
}

#[test]
fn the_ruler_seeks_and_a_track_is_renamed() {
    let mut harness = harness(small());
    let playhead = harness.get_by_label("Playhead 00:00:00:00").rect().center();
    harness.hover_at(playhead + vec2(300.0, 0.0));
    harness.run();
    harness.drag_at(playhead + vec2(300.0, 0.0));
    harness.run();
    harness.drop_at(playhead + vec2(300.0, 0.0));
    harness.run();
    assert_eq!(harness.state().seeks.len(), 1);
    assert!(harness.state().session.playhead > secs(2.0));
    harness.get_by_label("Voice 1").click_accesskit();
    harness.run();
    harness.get_by_role(Role::TextInput).type_text(" Anna");
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().history.project().sequence.voices[0].name, "Voice 1 Anna");
}

#[test]
fn a_marquee_selects_what_it_touches() {
    let mut harness = harness(small());
    let voice = harness.get_by_label_contains("Clip voice.wav").rect();
    let line = harness.get_by_label_contains("Hello there").rect();
    let from = voice.right_top() + vec2(60.0, 4.0);
    let to = line.right_bottom() - vec2(20.0, 4.0);
    harness.hover_at(from);
    harness.drag_at(from);
    harness.run();
    harness.hover_at(to);
    harness.run();
    harness.drop_at(to);
    harness.run();
    let selection = &harness.state().session.selection;
    assert_eq!((selection.clips.len(), selection.cues.len()), (1, 1));
    assert_eq!(harness.state().history.steps().len(), 1);
}

#[test]
fn the_wheel_zooms_about_the_cursor() {
    let mut harness = harness(small());
    let at = harness.get_by_label_contains("Clip voice.wav").rect().center();
    let edge = |harness: &Harness<World>| {
        let rect = harness.get_by_label_contains("Clip voice.wav").rect();
        (rect.left() - at.x) / rect.width()
    };
    let (before, scale) = (edge(&harness), harness.state().session.timeline.scale);
    harness.hover_at(at);
    harness.run();
    harness.event(egui::Event::Zoom(1.4));
    harness.run();
    let zoomed = harness.state().session.timeline.scale;
    assert!((scale / zoomed - 1.4).abs() < 0.01, "{scale} to {zoomed}");
    assert!((edge(&harness) - before).abs() < 0.01, "what was under the cursor has moved");
}

/// Two hours: 2,000 film clips, three voice tracks of 1,000 each, 1,000 lines, four people.
fn long() -> World {
    let mut project = film_and_voice(&Project::new("long", FrameRate::FPS_25), 7200);
    let ids: Vec<MediaId> = project.media.keys().copied().collect();
    for name in ["Voice 2", "Voice 3"] {
        project = apply(&project, TrackEdit::Add { name: name.into() });
    }
    for person in 0..4u32 {
        let mut character = Character::new(format!("Person {person}"), [200, 60 * person as u8, 90]);
        let range = TimeRange::new(Time::ZERO, secs(7200.0));
        character.faces.push(FaceBinding { media: ids[0], range, person });
        project = apply(&project, CastEdit::AddCharacter(character));
    }
    let characters: Vec<_> = project.characters.keys().copied().collect();
    let mut next = project.next_id;
    let mut clips = |media, count: usize, every: f64, long: f64| -> Vec<_> {
        let clips = (0..count).map(|at| {
            next += 1;
            let source = TimeRange::with_duration(secs(at as f64 * every), secs(long));
            lipsmith_project::Clip::new(ClipId(next - 1), media, secs(at as f64 * every), source)
        });
        clips.collect()
    };
    Arc::make_mut(&mut project.sequence.picture).clips = clips(ids[0], 2000, 3.6, 3.6);
    for track in &mut project.sequence.voices {
        Arc::make_mut(track).clips = clips(ids[1], 1000, 7.2, 4.0);
    }
    let voices: Vec<_> =
        project.sequence.voices[0].clips.iter().map(|clip| (clip.id, clip.range())).collect();
    let mut cues = std::collections::BTreeMap::new();
    for (at, (voice, range)) in voices.into_iter().enumerate() {
        let mut cue = Cue::new(range, format!("Line number {at}"));
        cue.voice = Some(voice);
        cue.character = Some(characters[at % 4]);
        cues.insert(lipsmith_project::CueId(next), Arc::new(cue));
        next += 1;
    }
    project.cues = Arc::new(cues);
    project.next_id = next;
    assert!(project.check().is_empty());
    let mut world = World::new(project);
    let spans = (0..3000).map(|at| {
        let seen = [Seen::Well, Seen::Small, Seen::Turned, Seen::Lost][at % 4];
        (TimeRange::with_duration(secs(at as f64 * 2.4), secs(2.0)), seen)
    });
    let spans: Vec<_> = spans.collect();
    let people = (0..4).map(|person| PersonSeen { person, spans: spans.clone() }).collect();
    let shots = (0..1500).map(|at| TimeRange::with_duration(secs(at as f64 * 4.8), secs(4.8))).collect();
    let faces = Arc::new(FilmFaces { key: None, shots, people });
    let prints: Vec<_> = ids.iter().map(|id| world.history.project().media[id].fingerprint).collect();
    world.news.faces.insert(prints[0], faces);
    let samples = (0..7200 * 187).map(|at: i32| [-(at % 90) as i8, (at % 77) as i8]).collect();
    let peaks = Arc::new(Peaks::new(48_000, samples));
    prints.iter().for_each(|print| drop(world.news.peaks.insert(*print, peaks.clone())));
    world
}

/// `cargo test --release --workspace --bin lipsmith -- --ignored --nocapture long_film`
#[test]
#[ignore = "prints times"]
fn a_long_film_is_drawn_in_time() {
    let mut world = long();
    let ctx = egui::Context::default();
    ctx.enable_accesskit();
    world.theme.apply(&ctx);
    let input = || egui::RawInput {
        screen_rect: Some(egui::Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 380.0))),
        ..egui::RawInput::default()
    };
    world.session.timeline.fit = true;
    for (name, scale) in [("all of it", 0.0), ("an hour", 2.5), ("ten minutes", 0.42), ("a minute", 0.04)] {
        if scale > 0.0 {
            world.session.timeline.scale = scale;
        }
        let mut drawn = Vec::new();
        let mut tessellated = Vec::new();
        for frame in 0..60 {
            world.session.timeline.from = secs(frame as f64 * 0.3);
            let begun = Instant::now();
            let output = ctx.run_ui(input(), |ui| world.show(ui));
            drawn.push(begun.elapsed().as_secs_f64() * 1e3);
            let begun = Instant::now();
            let shapes = ctx.tessellate(output.shapes, 1.0);
            tessellated.push(begun.elapsed().as_secs_f64() * 1e3);
            assert!(!shapes.is_empty());
        }
        let middle = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            (times[times.len() / 2], times[times.len() - 2])
        };
        let ((drawn, worst), (triangles, _)) = (middle(&mut drawn), middle(&mut tessellated));
        println!("{name}: {drawn:.2} ms ({worst:.2} at worst), triangles {triangles:.2} ms");
    }
}
