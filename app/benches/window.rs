//! What the window costs in a two-hour project of 5,000 clips and 1,000 lines, and how soon it answers:
//! `cargo bench --workspace --bench window`. The whole window is run as eframe runs it, by events, without a screen:
//! `UI` is all that it does in a frame, `triangles` what egui makes of its shapes, `pixels` how long a graphics processor,
//! or software in its place, takes to fill 1600×960 of them and hand them back. The media are the sample's.

// The window is the program's own; a program has no library to link.
#[allow(dead_code, unused_imports)]
#[path = "../src/window/mod.rs"]
mod window;

use egui::{
    Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, RawInput, Rect, TouchPhase,
    ViewportCommand, pos2, vec2,
};
use egui_kittest::TestRenderer;
use egui_kittest::wgpu::WgpuTestRenderer;
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::{Paths, material, media_info};
use lipsmith_project::edit::{CastEdit, MediaEdit, TrackEdit};
use lipsmith_project::{
    Character, Clip, ClipId, Cue, CueId, Edit, FaceBinding, MediaId, Project, Track, file,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Two hours of film: 2,000 clips of the picture, 1,000 on each of three voice tracks, a line over each of the first's.
const PICTURES: i64 = 2_000;
const VOICES: i64 = 1_000;
const TWO_HOURS: i64 = 7_200;
/// Measured of each.
const FRAMES: usize = 200;
/// Over the timeline, with the layout to begin with.
const OVER_TIMELINE: Pos2 = pos2(900.0, 800.0);

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
    let scene = folder.path().join("feature.lipsmith");
    let project = feature();
    println!(
        "{} clips, {} lines",
        project.sequence.tracks().map(|t| t.clips.len()).sum::<usize>(),
        project.cues.len()
    );
    std::fs::write(&scene, file::write(&project).expect("written")).expect("written");

    let mut screen = Screen::open(&paths, scene);
    screen.rest();
    screen.measure("still", |_| Vec::new());
    screen.measure("pointer over the timeline", |n| vec![moved(n)]);
    screen.measure("wheel: zoom in and out", |n| {
        vec![moved(0), wheel(if n % 40 < 20 { 60.0 } else { -60.0 }, true)]
    });
    screen.measure("wheel: scroll an hour in sight", |_| vec![moved(0), wheel(40.0, false)]);
    screen.keys("step by frames", &[Key::ArrowRight]);
    screen.keys("mark in, mark out", &[Key::I, Key::O]);

    // Renders all lines, one after the other, until the program ends.
    screen.press(Key::Enter, Modifiers::COMMAND);
    screen.rest();
    println!("while lines render:");
    screen.measure("still", |_| Vec::new());
    screen.measure("pointer over the timeline", |n| vec![moved(n)]);
    screen.measure("wheel: zoom in and out", |n| {
        vec![moved(0), wheel(if n % 40 < 20 { 60.0 } else { -60.0 }, true)]
    });
    screen.keys("step by frames", &[Key::ArrowRight]);
    screen.press(Key::Period, Modifiers::COMMAND);
}

fn moved(n: usize) -> Event {
    Event::PointerMoved(OVER_TIMELINE + vec2((n % 50) as f32 * 6.0, (n % 20) as f32))
}

fn wheel(by: f32, zooms: bool) -> Event {
    let modifiers = if zooms { Modifiers::COMMAND } else { Modifiers::NONE };
    let delta = if zooms { vec2(0.0, by) } else { vec2(-by, 0.0) };
    let (unit, phase, source) = (MouseWheelUnit::Point, TouchPhase::Move, MouseWheelSource::Unknown);
    Event::MouseWheel { unit, delta, phase, source, modifiers }
}

/// Built from its parts: by edits it would take a check for each.
fn feature() -> Project {
    let sample = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../resources/sample").join(name);
        let path = path.canonicalize().expect("the sample");
        material::pool_entry(&path, &media_info(&path).expect("a film")).expect("read")
    };
    let (film, voice) = (sample("presenter.mp4"), sample("line.wav"));
    let rate = film.video.expect("pictures").rate;
    let apply = |project: &Project, edit: Edit| edit.apply(project).expect("sound");
    let mut project = Project::new("feature", rate);
    let (film_id, length) = (MediaId(project.next_id), film.duration);
    project = apply(&project, MediaEdit::Add(film).into());
    let voice_id = MediaId(project.next_id);
    project = apply(&project, MediaEdit::Add(voice).into());
    for name in ["Voice 2", "Voice 3"] {
        project = apply(&project, TrackEdit::Add { name: name.into() }.into());
    }
    let mut presenter = Character::new("Presenter", [200, 120, 90]);
    let range = TimeRange::new(Time::ZERO, length);
    presenter.faces.push(FaceBinding { media: film_id, range, person: 1 });
    let speaker = project.next_id;
    project = apply(&project, CastEdit::AddCharacter(presenter).into());

    let mut next = project.next_id;
    let mut lay = |track: &mut Arc<Track>, media, count: i64, long: i64| {
        let every = rate.frame_at(Time::from_units(TWO_HOURS, 1)) / count;
        let clips = (0..count).map(|n| {
            next += 1;
            let source = TimeRange::with_duration(rate.frame_start(n % 24), rate.frame_start(long));
            Clip::new(ClipId(next - 1), media, rate.frame_start(n * every), source)
        });
        Arc::make_mut(track).clips = clips.collect();
    };
    lay(&mut project.sequence.picture, film_id, PICTURES, 86);
    for track in &mut project.sequence.voices {
        lay(track, voice_id, VOICES, 96);
    }
    let mut cues = BTreeMap::new();
    for (n, clip) in project.sequence.voices[0].clips.iter().enumerate() {
        let mut cue = Cue::new(clip.range(), format!("Line number {n}"));
        (cue.voice, cue.character) = (Some(clip.id), Some(lipsmith_project::CharacterId(speaker)));
        cues.insert(CueId(next), Arc::new(cue));
        next += 1;
    }
    (project.cues, project.next_id) = (Arc::new(cues), next);
    assert_eq!(project.check(), []);
    project
}

struct Screen {
    ctx: egui::Context,
    window: window::Window,
    frame: eframe::Frame,
    begun: Instant,
    painter: Option<WgpuTestRenderer>,
    title: String,
}

/// What one frame took.
struct Took {
    ui: Duration,
    triangles: Duration,
    /// Its pictures are others than before.
    pictured: bool,
}

impl Screen {
    fn open(paths: &Paths, scene: PathBuf) -> Screen {
        let ctx = egui::Context::default();
        let begun = Instant::now();
        let window = window::Window::new(&ctx, paths.clone(), vec![scene], String::new()).expect("whole");
        // Without a graphics processor, nor software in its place, the library panics.
        let painter = std::panic::catch_unwind(WgpuTestRenderer::new).ok();
        let frame = eframe::Frame::_new_kittest();
        let mut screen = Screen { ctx, window, frame, begun, painter, title: String::new() };
        screen.begun = Instant::now();
        while !screen.title.contains("feature") {
            screen.run(Vec::new());
        }
        println!("open: {:.0} ms to the project's first frame", screen.begun.elapsed().as_secs_f64() * 1e3);
        screen
    }

    fn run(&mut self, events: Vec<Event>) -> (Took, egui::FullOutput) {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1600.0, 960.0))),
            time: Some(self.begun.elapsed().as_secs_f64()),
            focused: true,
            events,
            ..RawInput::default()
        };
        let (window, frame) = (&mut self.window, &mut self.frame);
        let begun = Instant::now();
        let output = self.ctx.run_ui(input, |ui| eframe::App::ui(window, ui, frame));
        let ui = begun.elapsed();
        let begun = Instant::now();
        let triangles = self.ctx.tessellate(output.shapes.clone(), 1.0);
        let took = Took { ui, triangles: begun.elapsed(), pictured: !output.textures_delta.set.is_empty() };
        assert!(!triangles.is_empty());
        let commands = output.viewport_output.values().flat_map(|viewport| &viewport.commands);
        for command in commands {
            if let ViewportCommand::Title(title) = command {
                self.title.clone_from(title);
            }
        }
        if let Some(painter) = &mut self.painter {
            painter.handle_delta(&mut output.textures_delta.clone());
        }
        (took, output)
    }

    /// Lets what has been begun come in.
    fn rest(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(8) {
            self.run(Vec::new());
            std::thread::sleep(Duration::from_millis(16));
        }
    }

    fn press(&mut self, key: Key, modifiers: Modifiers) -> Took {
        let event = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.run(vec![event(true), event(false)]).0
    }

    fn measure(&mut self, what: &str, events: impl Fn(usize) -> Vec<Event>) {
        let (mut ui, mut triangles, mut pixels) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..FRAMES {
            let (took, output) = self.run(events(n));
            ui.push(took.ui);
            triangles.push(took.triangles);
            if let Some(painter) = self.painter.as_mut().filter(|_| n % 20 == 0) {
                let begun = Instant::now();
                let image = painter.render(&self.ctx, &output);
                assert!(image.is_ok_and(|image| image.width() == 1600));
                pixels.push(begun.elapsed());
            }
            // As often as a screen asks.
            std::thread::sleep(Duration::from_millis(8));
        }
        println!(
            "{what:<32} UI {}   triangles {}   pixels {}",
            told(&mut ui),
            told(&mut triangles),
            told(&mut pixels)
        );
    }

    /// From a key to the frame that shows what it did, and, for steps, to the first frame with any new texture: the film's
    /// picture or new letters, which are not told apart.
    fn keys(&mut self, what: &str, keys: &[Key]) {
        let (mut reaction, mut picture) = (Vec::new(), Vec::new());
        for n in 0..60 {
            let begun = Instant::now();
            let mut took = self.press(keys[n % keys.len()], Modifiers::NONE);
            reaction.push(begun.elapsed());
            let steps = keys.contains(&Key::ArrowRight);
            while steps && !took.pictured && begun.elapsed() < Duration::from_secs(2) {
                std::thread::sleep(Duration::from_millis(1));
                took = self.run(Vec::new()).0;
            }
            if steps {
                picture.push(begun.elapsed());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!("{what:<32} reaction {}   picture {}", told(&mut reaction), told(&mut picture));
    }
}

/// Median, 95th percentile and the longest.
fn told(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    if times.is_empty() {
        "–".into()
    } else {
        format!("{:.1} ({:.1}, {:.1}) ms", at(0.5), at(0.95), at(1.0))
    }
}
