//! What edits and questions cost in a two-hour project of 5,000 clips and 1,000 cues. `cargo bench -p
//! lipsmith-project` prints milliseconds a call.

use lipsmith_base::{Digest, FrameRate, Time, TimeRange};
use lipsmith_project::edit::{ClipEdit, CueEdit, Edge, MediaEdit, Ripple};
use lipsmith_project::{ClipId, Edit, History, Media, MediaId, Project, Sound, Video, file};
use std::hint::black_box;
use std::time::Instant;

const FPS: FrameRate = FrameRate::FPS_25;
const CLIPS: i64 = 5_000;
const CUES: i64 = 1_000;
/// 1.44 s: two hours of them.
const FRAMES: i64 = 36;

fn main() {
    let project = feature();
    let clip = |n: i64| ClipId(4 + 2 * n as u64);
    let apply = |edit: Edit| move |project: &Project| drop(black_box(edit.apply(project).expect("sound")));
    let trim = |ripple| ClipEdit::Trim {
        clip: clip(20),
        edge: Edge::Tail,
        to: FPS.frame_start(20 * FRAMES + 30),
        ripple,
    };
    time("check", &project, |project| drop(black_box(project.check())));
    time(
        "text of a cue",
        &project,
        apply(CueEdit::Text { cue: *project.cues.keys().next().expect("a cue"), text: "x".into() }.into()),
    );
    time("trim", &project, apply(trim(Ripple::Off).into()));
    time("ripple trim of everything", &project, apply(trim(Ripple::All).into()));
    time("what is on screen", &project, |project| {
        drop(black_box(project.layers_at(FPS.frame_start(CLIPS * FRAMES / 2))))
    });
    time("write", &project, |project| drop(black_box(file::write(project).expect("written"))));
    let bytes = file::write(&project).expect("written");
    time("read", &project, |_| drop(black_box(file::read(&bytes).expect("read"))));
    println!("{:<28}{:>9.3} MB", "file", bytes.len() as f64 / 1e6);
    time("500 edits, then 500 undone", &project, |project| {
        let mut history = History::new(project.clone(), "Open");
        for n in 0..500 {
            history.apply(&ClipEdit::Slip { clip: clip(n), by: FPS.frame_start(1) }.into()).expect("sound");
        }
        while history.undo() {}
    });
}

fn time(what: &str, project: &Project, call: impl Fn(&Project)) {
    let begin = Instant::now();
    let mut calls = 0;
    while calls < 3 || begin.elapsed().as_millis() < 300 {
        call(project);
        calls += 1;
    }
    println!("{what:<28}{:>9.3} ms", begin.elapsed().as_secs_f64() * 1e3 / f64::from(calls));
}

/// Built by hand from its parts: through edits it would take a check for each.
fn feature() -> Project {
    let media = Media {
        name: "reel.mov".into(),
        path: "/footage/reel.mov".into(),
        fingerprint: Digest::of(b"reel"),
        duration: FPS.frame_start(CLIPS * FRAMES * 2),
        video: Some(Video { rate: FPS, width: 1920, height: 1080 }),
        sound: Some(Sound { rate: 48_000, channels: 2 }),
    };
    let mut edits = vec![Edit::from(MediaEdit::Add(media))];
    let empty = Project::new("feature", FPS);
    let (picture, voices) = (empty.sequence.picture.id, empty.sequence.voices[0].id);
    for n in 0..CLIPS {
        let at = FPS.frame_start(n * FRAMES);
        let source = TimeRange::with_duration(at + at, FPS.frame_start(FRAMES));
        for track in [picture, voices] {
            edits.push(ClipEdit::Place { track, media: MediaId(3), source, at, ripple: Ripple::Off }.into());
        }
    }
    let gap = CLIPS / CUES * FRAMES;
    for n in 0..CUES {
        let range = TimeRange::with_duration(FPS.frame_start(n * gap), FPS.frame_start(gap - 1));
        edits.push(CueEdit::Add { range, text: format!("Line {n}"), character: None, voice: None }.into());
    }
    let project = Edit::Several { label: "Feature".into(), edits }.apply(&empty).expect("sound");
    assert!(project.duration() > Time::ZERO);
    project
}
