//! How quickly the desk answers the window: `cargo bench --workspace --bench desk`. A film other than the sample
//! footage comes by `LIPSMITH_FILM`, a long one for the waveform by `LIPSMITH_LONG`, seconds of playing by
//! `LIPSMITH_SECONDS`.

use lipsmith_base::{FrameRate, Time, TimeRange};
use lipsmith_engine::desk::{Desk, Event, Frame, Likeness, Request, Show, Side};
use lipsmith_engine::{Paths, material, media_info};
use lipsmith_project::edit::{ClipEdit, Edit, MediaEdit, Ripple};
use lipsmith_project::{MediaId, Project};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const FIT: (usize, usize) = (1280, 720);

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/footage/video");
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let film =
        named("LIPSMITH_FILM").unwrap_or(root.join("grid_two_speakers_12s_25fps_1920x1080_derived.mp4"));
    if !film.exists() {
        println!("SKIPPED: {} is absent", film.display());
        return;
    }
    let seconds = named("LIPSMITH_SECONDS").and_then(|s| s.to_str()?.parse().ok()).unwrap_or(60);
    let bench = Bench::new();
    bench.film(&film, seconds);
    if let Some(long) = named("LIPSMITH_LONG") {
        bench.waveform(&long);
    }
}

struct Bench {
    desk: Desk,
    woken: mpsc::Receiver<()>,
    _folder: tempfile::TempDir,
}

/// Made with its clip, from the start of the sequence.
fn project(path: &Path) -> Project {
    let info = media_info(path).expect("a film");
    let media = material::pool_entry(path, &info).expect("read");
    let rate = media.video.map_or(FrameRate::FPS_25, |video| video.rate);
    let whole = TimeRange::new(Time::ZERO, media.duration);
    let empty = Project::new("bench", rate);
    let (id, track) = (MediaId(empty.next_id), empty.sequence.picture.id);
    let place = ClipEdit::Place { track, media: id, source: whole, at: Time::ZERO, ripple: Ripple::Off };
    let added = Edit::from(MediaEdit::Add(media)).apply(&empty).expect("added");
    Edit::from(place).apply(&added).expect("placed")
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
        let (wake, woken) = mpsc::channel();
        let desk = Desk::start(paths, move || {
            // Whoever does not listen any more needs no waking.
            let _ = wake.send(());
        });
        Bench { desk, woken, _folder: folder }
    }

    fn frame(&self) -> Frame {
        loop {
            if let Some(frame) = self.desk.frame() {
                return frame;
            }
            let _ = self.woken.recv_timeout(Duration::from_secs(5));
        }
    }

    fn show(&self, at: Time) {
        self.desk.send(Request::Show(Show { at, sides: vec![Side::Dub], fit: FIT }));
    }

    fn film(&self, path: &Path, seconds: u64) {
        let project = Arc::new(project(path));
        let (length, rate) = (project.duration(), project.sequence.rate);
        println!("{}: {length}, {rate} frames a second, shown at {FIT:?}", path.display());
        let begun = Instant::now();
        self.desk.send(Request::Project { project, settled: None, unsaved: true });
        self.show(Time::ZERO);
        self.frame();
        println!("first picture: {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
        // The waveform is made meanwhile, and what is around is decoded; scrubbing while it is would measure both.
        std::thread::sleep(Duration::from_secs(8));

        let (mut some, mut right, mut exact) = (Vec::new(), Vec::new(), Vec::new());
        let frames = rate.frame_at(length);
        for i in 0..100 {
            let at = rate.frame_start((i * 7_919 + 13) % frames);
            let begun = Instant::now();
            self.show(at);
            let (mut first, mut is_right) = (None, None);
            loop {
                let frame = self.frame();
                if frame.at == at {
                    first.get_or_insert_with(|| begun.elapsed());
                    if frame.likeness != Likeness::Near {
                        is_right.get_or_insert_with(|| begun.elapsed());
                    }
                    if frame.likeness == Likeness::Exact {
                        break;
                    }
                }
            }
            some.extend(first);
            right.extend(is_right);
            exact.push(begun.elapsed());
        }
        told("scrub, some frame", &mut some);
        told("scrub, the right frame, if roughly", &mut right);
        told("scrub, the exact frame", &mut exact);

        let mut back = Vec::new();
        for frame in (frames / 2 - 60..frames / 2).rev() {
            let begun = Instant::now();
            self.show(rate.frame_start(frame));
            while self.frame().likeness != Likeness::Exact {}
            back.push(begun.elapsed());
        }
        told("step backwards", &mut back);

        let mut starts = Vec::new();
        for i in 0..20 {
            let begun = Instant::now();
            self.desk.send(Request::Play { from: rate.frame_start(i * 11), speed: 1.0, within: None });
            while self.desk.playing().is_none() {
                std::thread::sleep(Duration::from_micros(500));
            }
            starts.push(begun.elapsed());
            self.desk.send(Request::Stop);
            while self.desk.playing().is_some() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        told("play start", &mut starts);
        self.play(length, seconds);
    }

    fn play(&self, length: Time, seconds: u64) {
        let within = Some(TimeRange::new(Time::ZERO, length));
        self.desk.send(Request::Play { from: Time::ZERO, speed: 1.0, within });
        let begun = Instant::now();
        let mut offsets = Vec::new();
        while begun.elapsed() < Duration::from_secs(seconds) {
            let frame = self.frame();
            if let Some(now) = self.desk.playing() {
                offsets.push((now - frame.at).secs_f64() * 1e3);
            }
        }
        let dropped = self.desk.dropped();
        self.desk.send(Request::Stop);
        // Where the range begins again, the clock may be a round ahead of the frame.
        offsets.retain(|offset| offset.abs() < length.secs_f64() * 500.0);
        offsets.sort_by(f64::total_cmp);
        let at = |share: f64| offsets[((offsets.len() - 1) as f64 * share) as usize];
        println!(
            "played {seconds} s: {} frames shown, {dropped} dropped; picture behind sound {:.1} ms (median), {:.1} to {:.1} (1 % to 99 %), {:.1} to {:.1} (all)",
            offsets.len(),
            at(0.5),
            at(0.01),
            at(0.99),
            at(0.0),
            at(1.0)
        );
    }

    fn waveform(&self, path: &Path) {
        let project = project(path);
        println!("{}: {}", path.display(), project.duration());
        // The film's own waveform is not the one that is waited for.
        self.desk.events().for_each(drop);
        let begun = Instant::now();
        self.desk.send(Request::Project { project: Arc::new(project), settled: None, unsaved: true });
        let mut first = None;
        let mut last = Instant::now();
        // Finer ones come every few seconds until it is done.
        while last.elapsed() < Duration::from_secs(8) {
            for event in self.desk.events() {
                if let Event::Peaks { .. } = event {
                    last = Instant::now();
                    first.get_or_insert_with(|| begun.elapsed());
                }
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        println!("waveform: coarse after {first:.2?}, finest after {:.2?}", last - begun);
    }
}

fn told(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what}: {:.0} ms median, {:.0} ms p95, {:.0} ms worst of {}",
        at(0.5),
        at(0.95),
        at(1.0),
        times.len()
    );
}
