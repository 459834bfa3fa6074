//! A session that is killed at any moment: at most a second of editing is lost, finished chunks are used again, and no
//! half film stands where a film was wanted. The test's own program, started again, is the session.
#![allow(clippy::unwrap_used)]

use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::cache::Cache;
use lipsmith_engine::desk::{Desk, Event, Export, Job, JobKind, JobState, Recovery, Request, Weight};
use lipsmith_engine::files::write_atomically;
use lipsmith_engine::material::pool_entry;
use lipsmith_engine::take::Layout;
use lipsmith_engine::{Paths, Profile, media_info};
use lipsmith_media::{MovieWriter, ReadOptions, VideoReader, VideoSpec};
use lipsmith_project::edit::{CastEdit, TakeEdit};
use lipsmith_project::{Dub, Edit, Marker, Project, Settings, TakeSpec, file};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant, SystemTime};

/// Killed while only edited, while a line is rendered, while a film is exported.
const EDITING: usize = 34;
const RENDERING: usize = 8;
const EXPORTING: usize = 8;
/// What a crash may cost.
const MOST_LOST: Duration = Duration::from_secs(1);
/// From the first edit to the end of a session that is only edited.
const LONGEST: Duration = Duration::from_millis(2_500);
/// Between two edits; quicker than anybody.
const PACE: Duration = Duration::from_millis(12);
/// Edits between two savings.
const SAVE_EVERY: u64 = 37;
/// Frames of the film.
const FRAMES: u64 = 96;

const ROLE: &str = "LIPSMITH_TEST_SESSION";

/// The folders and files of one trial.
#[derive(Clone)]
struct Place {
    folder: PathBuf,
    cache: PathBuf,
}

impl Place {
    fn paths(&self) -> Paths {
        Paths { data: self.folder.join("data"), cache: self.cache.clone() }
    }
    fn begin(&self) -> PathBuf {
        self.folder.join("begin.lipsmith")
    }
    fn saved(&self) -> PathBuf {
        self.folder.join("saved.lipsmith")
    }
    fn film(&self) -> PathBuf {
        self.folder.join("out.mp4")
    }
}

/// A desk, and the waiting for what it tells.
struct Talk {
    desk: Desk,
    woken: mpsc::Receiver<()>,
}

impl Talk {
    fn start(place: &Place) -> Talk {
        let paths = place.paths();
        let installed = Paths::of_user().unwrap().face_models();
        if installed.is_dir() && !paths.face_models().exists() {
            std::fs::create_dir_all(paths.data.join("models")).unwrap();
            std::os::unix::fs::symlink(installed, paths.face_models()).unwrap();
        }
        let (wake, woken) = mpsc::channel();
        // A session that is over needs no waking.
        let desk = Desk::start(paths, move || {
            let _ = wake.send(());
        });
        Talk { desk, woken }
    }

    fn wait<T>(&self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = self.desk.events().find_map(&mut pick) {
                return found;
            }
            self.woken.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no {what} came"));
        }
    }

    /// Waits for a job that must succeed; how long its frames took.
    fn finished(&self, which: impl Fn(&JobKind) -> bool) -> Duration {
        let mut begun = Instant::now();
        let job = self.wait("end of a job", |event| {
            let Event::Jobs(jobs) = event else { return None };
            let job = jobs.into_iter().rfind(|job| which(&job.kind))?;
            if job.done == 0 {
                begun = Instant::now();
            }
            (!matches!(job.state, JobState::Waiting | JobState::Running)).then_some(job)
        });
        assert_eq!(job.state, JobState::Done);
        begun.elapsed()
    }

    /// The journals that a session finds when it starts.
    fn left(&self) -> Vec<Recovery> {
        // The desk answers in order: what it found it has told before this answer.
        self.desk.send(Request::Import(vec!["/nowhere".into()]));
        let mut left = Vec::new();
        self.wait("answer", |event| match event {
            Event::Recoverable(journals) => {
                left = journals;
                None
            }
            Event::Imported { .. } => Some(()),
            _ => None,
        });
        left
    }

    fn recover(&self, journal: PathBuf) -> Project {
        self.desk.send(Request::Recover(journal));
        self.wait("recovered project", |event| match event {
            Event::Opened { project, dirty, .. } => {
                assert!(dirty, "what was recovered is not saved");
                Some(*project)
            }
            Event::Told { weight: Weight::Failed, text } => panic!("{text}"),
            _ => None,
        })
    }
}

fn is_render(kind: &JobKind) -> bool {
    matches!(kind, JobKind::Render { .. })
}

fn is_export(kind: &JobKind) -> bool {
    matches!(kind, JobKind::Export(_))
}

/// A render or an export has its first frame.
fn is_at_work(job: &Job) -> bool {
    (is_render(&job.kind) || is_export(&job.kind)) && job.done > 0
}

/// The session that is killed: edits as long as it lives, and says each edit that it has handed over.
#[test]
fn session() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let role = role.to_string_lossy().into_owned();
    let (role, folders) = role.split_once('|').unwrap();
    let (folder, cache) = folders.split_once('|').unwrap();
    let place = Place { folder: folder.into(), cache: cache.into() };
    let mut project = file::read(&std::fs::read(place.begin()).unwrap()).unwrap();
    let talk = Talk::start(&place);
    let send = |project: &Project, settled| {
        let (project, settled) = (Arc::new(project.clone()), Some(settled));
        talk.desk.send(Request::Project { project, settled, unsaved: true });
    };
    send(&project, 0);
    let cue = project.cues.keys().next().copied();
    match (role, cue) {
        ("render", Some(cue)) => talk.desk.send(Request::Render { cue, draft: false }),
        ("export", _) => talk.desk.send(Request::Export(order(&project, &place))),
        _ => {}
    }
    for edit in 1.. {
        project = marked(&project, edit);
        for event in talk.desk.events() {
            match event {
                Event::Begun { cue, parts, .. } => {
                    let add = TakeEdit::Add { cue, name: "A".into(), parts };
                    project = Edit::from(add).apply(&project).unwrap();
                }
                Event::Jobs(jobs) if jobs.iter().any(is_at_work) => println!("\nat work"),
                Event::Takes(takes) if takes.values().any(|take| take.done > 0) => println!("\na chunk"),
                _ => {}
            }
        }
        send(&project, edit);
        if edit % SAVE_EVERY == 0 {
            let (path, project) = (place.saved(), Arc::new(project.clone()));
            talk.desk.send(Request::Save { path, project, revision: edit });
        }
        println!("\nsent {edit}");
        std::thread::sleep(PACE);
    }
}

fn marked(project: &Project, edit: u64) -> Project {
    let marker = Marker { at: Time(edit as i64), name: format!("{edit}"), colour: [1, 2, 3] };
    Edit::from(CastEdit::AddMarker(marker)).apply(project).unwrap()
}

fn order(project: &Project, place: &Place) -> Export {
    let (project, output) = (Arc::new(project.clone()), place.film());
    Export { project, output, profile: Profile::H264Mp4, range: None, original: None, matte: None }
}

/// How many edits a killed session had handed over: a second before its end, and at its end.
#[derive(Clone, Copy)]
struct Sent {
    due: u64,
    all: u64,
}

/// Starts a session and kills it `after` it has said `first`.
fn kill(role: &str, place: &Place, first: &str, after: Duration) -> Sent {
    let role_words = format!("{role}|{}|{}", place.folder.display(), place.cache.display());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "session", "--nocapture", "--test-threads=1"])
        .env(ROLE, role_words)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // The parent may have heard enough.
            let _ = tell.send((Instant::now(), line));
        }
    });
    let mut sent = Vec::new();
    let mut hear = |until: Option<Instant>| {
        let patience =
            until.map_or(Duration::from_secs(60), |at| at.saturating_duration_since(Instant::now()));
        let (when, line) = told.recv_timeout(patience).ok()?;
        if let Some(edit) = line.strip_prefix("sent ").and_then(|edit| edit.parse::<u64>().ok()) {
            sent.push((when, edit));
        }
        Some(line)
    };
    while hear(None).expect("the session lives") != first {}
    let end = Instant::now() + after;
    while hear(Some(end)).is_some() {}
    child.kill().unwrap();
    let killed = Instant::now();
    child.wait().unwrap();
    reader.join().unwrap();
    let due = sent.iter().filter(|(when, _)| killed.saturating_duration_since(*when) >= MOST_LOST);
    let due = due.map(|(_, edit)| *edit).max().unwrap_or(0);
    Sent { due, all: sent.last().map_or(0, |(_, edit)| *edit) }
}

/// The next session: opens what the last one left, in its journal or in its file, and finds all edits that are due.
fn reopen(place: &Place, sent: Sent, moment: &str) -> (Talk, Project) {
    let begin = file::read(&std::fs::read(place.begin()).unwrap()).unwrap();
    let talk = Talk::start(place);
    let saved = std::fs::read(place.saved()).ok().map(|bytes| file::read(&bytes).unwrap());
    let left = talk.left();
    assert!(left.len() <= 1, "{moment}: {left:?}");
    let recovered = left.into_iter().next().map(|left| {
        if saved.is_some() {
            assert!(left.path.is_none_or(|path| path == place.saved()), "{moment}: another project's file");
        }
        talk.recover(left.journal)
    });
    let edits = |project: &Project| project.markers.len() as u64;
    let project = recovered.into_iter().chain(saved).max_by_key(edits).unwrap_or(begin);
    assert_eq!(project.check(), [], "{moment}");
    println!("{moment}: {} of {} edits are there, {} are due", edits(&project), sent.all, sent.due);
    assert!(edits(&project) >= sent.due, "{moment}: more than {MOST_LOST:?} is lost");
    // None is missing in between.
    let names: Vec<_> = project.markers.values().map(|marker| marker.name.parse::<u64>().unwrap()).collect();
    assert!(names.iter().copied().eq(1..=edits(&project)), "{moment}: {names:?}");
    (talk, project)
}

/// A random part.
fn part_of(whole: Duration) -> Duration {
    let random = std::hash::RandomState::new().build_hasher().finish();
    whole.mul_f64(random as f64 / u64::MAX as f64)
}

/// The system may hold a killed program's lock until it has taken its memory back.
#[test]
fn a_journal_whose_lock_lingers_is_offered_once_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().into(), cache: folder.path().join("cache") };
    let begin = Project::new("Begin", lipsmith_base::FrameRate::FPS_25);
    write_atomically(&place.begin(), &file::write(&begin).unwrap()).unwrap();
    kill("edit", &place, "sent 1", Duration::from_millis(300));
    let sessions = place.paths().data.join("sessions");
    let files = std::fs::read_dir(&sessions).unwrap().map(|entry| entry.unwrap().path());
    let lock = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "lock")).unwrap();
    let held = std::fs::File::open(&lock).unwrap();
    held.lock().unwrap();

    let talk = Talk::start(&place);
    assert_eq!(talk.left(), [], "while the lock is held its session seems to live");
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(!talk.desk.events().any(|event| matches!(event, Event::Recoverable(_))), "still held");
    held.unlock().unwrap();
    let left = talk.wait("offer", |event| match event {
        Event::Recoverable(left) => Some(left),
        _ => None,
    });
    assert_eq!(left.len(), 1);
    let project = talk.recover(left[0].journal.clone());
    assert!(!project.markers.is_empty(), "what was edited is there");
    assert!(!left[0].journal.exists() && !lock.exists(), "both are cleared away");
}

#[test]
fn a_session_killed_while_edited_loses_a_second_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let mut begin = Project::new("Begin", lipsmith_base::FrameRate::FPS_25);
    begin.settings = Settings::default();
    let trial = |number: usize| {
        let folder = folder.path().join(number.to_string());
        let place = Place { cache: folder.join("cache"), folder };
        write_atomically(&place.begin(), &file::write(&begin).unwrap()).unwrap();
        let after = part_of(LONGEST);
        let moment = format!("killed {after:?} after its first edit");
        let sent = kill("edit", &place, "sent 1", after);
        let (talk, project) = reopen(&place, sent, &moment);
        drop((talk, project));
        assert_eq!(Talk::start(&place).left(), [], "{moment}: a session that ended well leaves nothing");
    };
    let trial = &trial;
    // Four at a time: they mostly wait.
    std::thread::scope(|scope| {
        for lane in 0..4 {
            scope.spawn(move || (lane..EDITING).step_by(4).for_each(trial));
        }
    });
}

/// The sample's first seconds and its line, analysed and rendered once.
struct Shoot {
    _folder: tempfile::TempDir,
    place: Place,
    film: PathBuf,
    /// The line's take is in the cache.
    rendered: Project,
    /// From the first frame of the render and of an export to the last.
    rendering: Duration,
    exporting: Duration,
}

fn shoot() -> Shoot {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { folder: folder.path().join("first"), cache: folder.path().join("cache") };
    let film = folder.path().join("film.mp4");
    write_film(&film);
    let project = line(&film, FRAMES);
    let talk = Talk::start(&place);
    let (parts, rendering) = render(&talk, &project);
    let cue = *project.cues.keys().next().unwrap();
    let rendered = Edit::from(TakeEdit::Add { cue, name: "A".into(), parts }).apply(&project).unwrap();
    talk.desk.send(Request::Export(order(&rendered, &place)));
    let exporting = talk.finished(is_export);
    drop(talk);
    Shoot { _folder: folder, place, film, rendered, rendering, exporting }
}

impl Shoot {
    /// Folders of one trial, which share the cache.
    fn trial(&self, name: &str, begin: &Project) -> Place {
        let place = Place { folder: self.place.folder.with_file_name(name), cache: self.place.cache.clone() };
        write_atomically(&place.begin(), &file::write(begin).unwrap()).unwrap();
        place
    }
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../resources/sample").join(name)
}

fn write_film(path: &Path) {
    let mut reader = VideoReader::open(&sample("presenter.mp4"), &ReadOptions::default()).unwrap();
    let info = reader.info().video.clone().unwrap();
    let spec = VideoSpec {
        width: info.width,
        height: info.height,
        format: info.format,
        colour: info.colour,
        pixel_aspect: info.pixel_aspect,
        timing: info.timing,
    };
    let mut writer = MovieWriter::create(path, Profile::H264Mp4, spec, None).unwrap();
    for _ in 0..FRAMES {
        let frame = reader.next().unwrap().unwrap();
        writer.write_picture(&frame.picture, frame.pts, frame.duration).unwrap();
    }
    writer.finish().unwrap();
}

/// A line over the film's first `frames`.
fn line(film: &Path, frames: u64) -> Project {
    let media = |path: &Path| pool_entry(path, &media_info(path).unwrap()).unwrap();
    let (film, voice) = (media(film), media(&sample("line.wav")));
    let end = film.video.unwrap().rate.frame_start(frames as i64);
    let ranges = vec![TimeRange::new(Time::ZERO, end)];
    let (reference, footage, settings) = (None, Vec::new(), Settings::default());
    let dub = Dub { film, voice, at: Time::ZERO, ranges, person: 1, reference, footage, settings };
    Project::for_dub(dub).unwrap()
}

/// Renders the only line; what was rendered, and how long its frames took.
fn render(talk: &Talk, project: &Project) -> (Vec<TakeSpec>, Duration) {
    let shown = Request::Project { project: Arc::new(project.clone()), settled: None, unsaved: true };
    talk.desk.send(shown);
    talk.desk.send(Request::Render { cue: *project.cues.keys().next().unwrap(), draft: false });
    let parts = talk.wait("take", |event| match event {
        Event::Begun { parts, .. } => Some(parts),
        _ => None,
    });
    (parts, talk.finished(is_render))
}

fn chunks(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let chunks = entries.filter(|path| path.extension().is_some_and(|e| e == "chunk"));
    chunks.map(|path| (path.clone(), path.metadata().unwrap().modified().unwrap())).collect()
}

/// All takes' chunks.
fn all_chunks(cache: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let takes = std::fs::read_dir(cache.join("takes")).into_iter().flatten().flatten();
    takes.flat_map(|take| chunks(&take.path())).collect()
}

fn killed_while_rendering(shoot: &Shoot) {
    let mut kept = 0;
    for number in 0..RENDERING {
        // A line of its own length is a take of its own.
        let place = shoot.trial(&format!("render {number}"), &line(&shoot.film, FRAMES - 1 - number as u64));
        // One of them in any case with something that is finished.
        let first = if number == 0 { "a chunk" } else { "at work" };
        let after = if number == 0 { Duration::ZERO } else { part_of(shoot.rendering) };
        let moment = format!("killed {after:?} after '{first}' of {:?}", shoot.rendering);
        let earlier = all_chunks(&place.cache);
        let sent = kill("render", &place, first, after);
        let mut left = all_chunks(&place.cache);
        left.retain(|path, _| !earlier.contains_key(path));
        kept += left.len();
        let (talk, project) = reopen(&place, sent, &moment);
        for part in render(&talk, &project).0 {
            let folder = Cache::new(&place.cache).folder("takes", part.key());
            let layout = Layout::kept(&folder).unwrap().unwrap();
            assert_eq!(layout.ready(&folder), layout.frames(), "{moment}");
            let now = chunks(&folder);
            for (path, time) in left.iter().filter(|(path, _)| path.starts_with(&folder)) {
                assert_eq!(now.get(path), Some(time), "{moment}: {} was made again", path.display());
            }
        }
    }
    println!("{kept} chunks were kept");
    assert!(kept > 0, "none was killed after a chunk");
}

fn killed_while_exporting(shoot: &Shoot) {
    let mut unfinished = 0;
    for number in 0..EXPORTING {
        let place = shoot.trial(&format!("export {number}"), &shoot.rendered);
        let after = if number == 0 { Duration::ZERO } else { part_of(shoot.exporting) };
        let moment = format!("killed {after:?} after the first frame of {:?}", shoot.exporting);
        let sent = kill("export", &place, "at work", after);
        let whole = |path: &Path| media_info(path).unwrap().video.unwrap().frames;
        if place.film().exists() {
            assert_eq!(whole(&place.film()), FRAMES, "{moment}: half a film");
        } else {
            unfinished += 1;
        }
        let (talk, project) = reopen(&place, sent, &moment);
        if number == 0 {
            talk.desk.send(Request::Export(order(&project, &place)));
            talk.finished(is_export);
            assert_eq!(whole(&place.film()), FRAMES);
        }
    }
    println!("{unfinished} of {EXPORTING} exports were killed before their end");
    assert!(unfinished > 0, "none was killed before its end");
}

#[test]
fn a_session_killed_at_work_goes_on_from_its_chunks_and_leaves_no_half_film() {
    let shoot = shoot();
    killed_while_rendering(&shoot);
    killed_while_exporting(&shoot);
}
