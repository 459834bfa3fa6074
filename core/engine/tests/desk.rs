//! The desk's jobs on real footage: what an editor asks for comes, in events, and can be stopped.
#![allow(clippy::unwrap_used)]

use lipsmith_base::{FrameRate, Time, TimeRange};
use lipsmith_engine::desk::{Desk, Event, Export, Job, JobKind, JobState, Ready, Request, TakeKey};
use lipsmith_engine::material::pool_entry;
use lipsmith_engine::score::is_as_judged;
use lipsmith_engine::{Paths, Profile, media_info};
use lipsmith_media::{ReadOptions, VideoReader};
use lipsmith_nets::procedural;
use lipsmith_project::edit::{ClipEdit, CueEdit, TakeEdit};
use lipsmith_project::{CueId, Dub, Edit, Media, Project, Settings, TakeSpec};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, SystemTime};

/// A desk with folders of its own; everything it told is kept.
struct Bench {
    folder: tempfile::TempDir,
    desk: Desk,
    woken: mpsc::Receiver<()>,
    told: Vec<Event>,
    /// How many of them have been waited for.
    seen: usize,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
        let installed = Paths::of_user().unwrap().face_models();
        if installed.is_dir() {
            std::fs::create_dir_all(paths.data.join("models")).unwrap();
            std::os::unix::fs::symlink(installed, paths.face_models()).unwrap();
        }
        let (wake, woken) = mpsc::channel();
        let desk = Desk::start(paths, move || {
            // A test that is over needs no waking.
            let _ = wake.send(());
        });
        Bench { folder, desk, woken, told: Vec::new(), seen: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn show(&self, project: &Project) {
        self.desk.send(Request::Project { project: Arc::new(project.clone()), settled: None, unsaved: true });
    }

    /// The next thing told that `pick` takes.
    fn wait<T>(&mut self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        loop {
            self.told.extend(self.desk.events());
            while let Some(event) = self.told.get(self.seen) {
                self.seen += 1;
                if let Some(found) = pick(event) {
                    return found;
                }
                if let Event::Told { text, .. } = event {
                    println!("{text}");
                }
            }
            self.woken.recv_timeout(Duration::from_secs(120)).unwrap_or_else(|_| panic!("no {what} came"));
        }
    }

    /// Waits for the end of a job.
    fn ended(&mut self, which: impl Fn(&JobKind) -> bool) -> Job {
        self.wait("end of a job", |event| {
            let mut jobs = jobs(event).iter();
            let ended = |job: &&Job| !matches!(job.state, JobState::Waiting | JobState::Running);
            jobs.rfind(|job| which(&job.kind)).filter(ended).cloned()
        })
    }

    /// How a take grew, so far.
    fn growth(&self, key: TakeKey) -> Vec<Ready> {
        let ready = |event: &Event| match event {
            Event::Takes(takes) => takes.get(&key).copied(),
            _ => None,
        };
        self.told.iter().filter_map(ready).collect()
    }
}

fn jobs(event: &Event) -> &[Job] {
    match event {
        Event::Jobs(jobs) => jobs,
        _ => &[],
    }
}

fn shared(test: &str, file: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("LIPSMITH_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = shared.join("footage").join(file);
    if path.exists() {
        return Some(path);
    }
    println!("SKIPPED: {test}: {} is absent", path.display());
    None
}

fn media(path: &Path) -> Media {
    pool_entry(path, &media_info(path).unwrap()).unwrap()
}

/// Three seconds of film with a line over most of it.
fn line(test: &str) -> Option<(Project, CueId)> {
    let film = media(&shared(test, "video/grid_s1_3s_mpeg1.mpg")?);
    let voice = media(&shared(test, "dub/fr_june_demo-congrats.wav")?);
    let ranges = vec![TimeRange::new(Time::from_units(1, 5), Time::from_units(13, 5))];
    let (at, settings) = (ranges[0].start(), Settings::default());
    let dub = Dub { film, voice, at, ranges, person: 1, reference: None, footage: Vec::new(), settings };
    let project = Project::for_dub(dub).unwrap();
    let cue = *project.cues.keys().next().unwrap();
    Some((project, cue))
}

fn parts_begun(event: &Event) -> Option<Vec<TakeSpec>> {
    match event {
        Event::Begun { parts, .. } => Some(parts.clone()),
        _ => None,
    }
}

fn is_render(kind: &JobKind) -> bool {
    matches!(kind, JobKind::Render { .. })
}

#[test]
fn a_line_is_rendered_tested_advised_on_and_exported() {
    let Some((mut project, cue)) = line("a_line_is_rendered_tested_advised_on_and_exported") else { return };
    let mut bench = Bench::new();
    bench.show(&project);
    // Asked for before the film is analysed: the analysis comes first by itself.
    bench.desk.send(Request::Render { cue, draft: false });
    let (film, faces) = bench.wait("faces", |event| match event {
        Event::Faces { film, faces } if faces.key.is_some() => Some((*film, faces.clone())),
        _ => None,
    });
    assert!(project.media.values().any(|media| media.fingerprint == film && media.video.is_some()));
    let seen = faces.people[0].spans.iter().map(|(range, _)| range.duration().0).sum::<i64>();
    assert_eq!(Time(seen), faces.shots[0].duration(), "spans cover the shot");
    let parts = bench.wait("begin", parts_begun);
    assert_eq!(parts[0].analysis, faces.key.unwrap());
    assert_eq!(bench.ended(is_render).state, JobState::Done);
    let key = parts[0].key();
    let growth = bench.growth(key);
    assert!(growth.windows(2).all(|pair| pair[0].done <= pair[1].done), "{growth:?}");
    assert_eq!(
        (growth.first().map(|r| r.done), growth.last()),
        (Some(0), Some(&Ready { done: 60, total: 60 }))
    );
    assert!(growth.len() >= 3, "chunk by chunk: {growth:?}");

    project = Edit::from(TakeEdit::Add { cue, name: "A".into(), parts }).apply(&project).unwrap();
    bench.show(&project);
    bench.desk.send(Request::Test { cue, at: Time::from_units(1, 1) });
    let image = bench.wait("test", |event| match event {
        Event::Tested { image, .. } => Some(image.clone()),
        _ => None,
    });
    assert_eq!(image.rgba.len(), 4 * image.width * image.height);
    bench.desk.send(Request::Advise { cue });
    let advice = bench.wait("advice", |event| match event {
        Event::Advice { pictures, .. } => Some(pictures.iter().map(|p| (p.at, p.score)).collect::<Vec<_>>()),
        _ => None,
    });
    assert!(advice.len() > 1 && advice.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{advice:?}");

    let (output, matte) = (bench.path("out.mkv"), bench.path("matte.mkv"));
    let range = Some(TimeRange::new(Time::from_units(2, 5), Time::from_units(12, 5)));
    let order = Export {
        project: Arc::new(project),
        output: output.clone(),
        profile: Profile::Ffv1Mkv,
        range,
        original: None,
        matte: Some(matte.clone()),
    };
    bench.desk.send(Request::Export(order));
    let frames = bench.wait("film", |event| match event {
        Event::Exported { frames, .. } => Some(*frames),
        _ => None,
    });
    assert_eq!(frames, 50);
    for path in [output, matte] {
        let mut film = VideoReader::open(&path, &ReadOptions::default()).unwrap();
        assert_eq!(std::iter::from_fn(|| film.next().unwrap()).count(), 50, "{}", path.display());
    }
}

#[test]
fn a_cancelled_render_keeps_its_chunks_and_goes_on() {
    let Some((project, cue)) = line("a_cancelled_render_keeps_its_chunks_and_goes_on") else { return };
    let mut bench = Bench::new();
    bench.show(&project);
    bench.desk.send(Request::Render { cue, draft: false });
    let running = bench.wait("running render", |event| {
        jobs(event)
            .iter()
            .find(|job| is_render(&job.kind) && job.state == JobState::Running)
            .map(|job| job.id)
    });
    let grown = |event: &Event| match event {
        Event::Takes(takes) => takes.values().find(|ready| ready.done > 0).copied(),
        _ => None,
    };
    let first = bench.wait("chunk", grown);
    assert!(first.done < first.total);
    bench.desk.send(Request::Cancel(running));
    assert_eq!(bench.ended(is_render).state, JobState::Cancelled);
    let kept = chunks(&bench.path("cache"));
    assert!(!kept.is_empty());
    bench.desk.send(Request::Render { cue, draft: false });
    // The first job's end is still among what is told.
    let again = bench.wait("end of the second render", |event| {
        let mut later = jobs(event).iter().filter(|job| is_render(&job.kind) && job.id > running);
        later.find(|job| !matches!(job.state, JobState::Waiting | JobState::Running)).cloned()
    });
    assert_eq!(again.state, JobState::Done);
    let whole = chunks(&bench.path("cache"));
    assert!(whole.len() > kept.len(), "{whole:?}");
    for (chunk, written) in kept {
        assert_eq!(whole.get(&chunk), Some(&written), "{} was rendered twice", chunk.display());
    }
}

/// The chunks of takes under `folder`, and when each was written.
fn chunks(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(chunks(&path));
        } else if path.extension().is_some_and(|ending| ending == "chunk") {
            found.insert(path, entry.metadata().unwrap().modified().unwrap());
        }
    }
    found
}

/// A judge that is narrow and knows nothing, but judges.
fn narrow_judge(path: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/syncnet_v2/small");
    let weights = procedural::weights(&golden).unwrap();
    candle_core::safetensors::save(&weights, path).unwrap();
}

#[test]
fn a_line_is_judged_as_it_is_seen_and_heard() {
    let Some((project, cue)) = line("a_line_is_judged_as_it_is_seen_and_heard") else { return };
    let mut bench = Bench::new();
    bench.show(&project);
    let judge = |event: &Event| match event {
        Event::Knows(knows) => Some(knows.judge.clone()),
        _ => None,
    };
    let carried = bench.wait("knowledge", judge);
    if carried.is_none() {
        bench.desk.send(Request::Score { cue });
        let failed = bench.ended(|kind| matches!(kind, JobKind::Score(_)));
        assert!(
            matches!(&failed.state, JobState::Failed(why) if why.contains("models import")),
            "{failed:?}"
        );
    }
    let weights = bench.path("syncnet.safetensors");
    narrow_judge(&weights);
    bench.desk.send(Request::ImportModel(weights));
    let named = bench.wait("judge", |event| judge(event).filter(|judge| *judge != carried));
    assert!(named.as_deref().is_some_and(|name| name.contains("SyncNet")), "{named:?}");

    let scored = |event: &Event| match event {
        Event::Scored { project, score, .. } => Some((project.clone(), score.clone())),
        _ => None,
    };
    bench.desk.send(Request::Score { cue });
    let (judged, score) = bench.wait("score", scored);
    assert_eq!(Some(score.judge.title), named.as_deref());
    // Sixty pictures have fifty-five windows.
    assert_eq!(score.whole.map(|whole| whole.windows), Some(55));
    let ranges: Vec<_> = score.fits.iter().map(|fit| fit.range).collect();
    assert!(ranges.windows(2).all(|pair| pair[0].end() == pair[1].start()), "{ranges:?}");
    let length = project.cues[&cue].range.duration();
    assert_eq!((ranges[0].start(), ranges[ranges.len() - 1].end()), (Time::ZERO, length));

    assert!(is_as_judged(&judged, &project, cue));
    let text = Edit::from(CueEdit::Text { cue, text: "other words".into() }).apply(&project).unwrap();
    assert!(is_as_judged(&judged, &text, cue), "the words are not seen");
    let (_, voice) = project.clip(project.cues[&cue].voice.unwrap()).unwrap();
    let (clip, track) = (voice.id, project.sequence.voices[0].id);
    let to = voice.start + Time::from_units(1, 5);
    let moved = Edit::from(ClipEdit::Move { clip, track, to, insert: false }).apply(&project).unwrap();
    assert!(!is_as_judged(&judged, &moved, cue), "the voice lies elsewhere");
    bench.show(&moved);
    bench.desk.send(Request::Score { cue });
    let (_, other) = bench.wait("score", scored);
    assert_ne!(other.fits, score.fits, "and is judged where it lies");
}

#[test]
fn what_cannot_be_done_says_why() {
    let Some((project, cue)) = line("what_cannot_be_done_says_why") else { return };
    let mut bench = Bench::new();
    let unbound = Edit::from(CueEdit::Bind { cue, character: None }).apply(&project).unwrap();
    bench.show(&unbound);
    bench.desk.send(Request::Render { cue, draft: false });
    let failed = bench.ended(is_render);
    assert!(
        matches!(&failed.state, JobState::Failed(why) if why.contains("bind it to a person")),
        "{failed:?}"
    );

    let film = project.media.values().find(|media| media.video.is_some()).unwrap().path.clone();
    let order = |output: &Path| {
        let (project, output) = (Arc::new(project.clone()), output.to_path_buf());
        let profile = Profile::H264Mp4;
        Request::Export(Export { project, output, profile, range: None, original: None, matte: None })
    };
    let mut refusal = |output: &Path| {
        bench.desk.send(order(output));
        bench.ended(|kind| matches!(kind, JobKind::Export(path) if path == output)).state
    };
    let source = refusal(&film);
    assert!(matches!(&source, JobState::Failed(why) if why.contains("one of the sources")), "{source:?}");
    let nowhere = refusal(Path::new("/nowhere/film.mp4"));
    assert!(matches!(&nowhere, JobState::Failed(why) if why.contains("does not exist")), "{nowhere:?}");
    assert_eq!(project.sequence.rate, FrameRate::FPS_25);
}
