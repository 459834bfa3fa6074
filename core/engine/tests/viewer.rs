//! The desk as the window uses it: films made here, shown and played.

use lipsmith_base::{ColourSpec, FrameRate, PixelFormat, Time, TimeRange};
use lipsmith_engine::desk::{Desk, Event, Frame, Likeness, Request, Screen, Show, Side};
use lipsmith_engine::{Original, Paths, material, media_info};
use lipsmith_media::{AudioSpec, MovieWriter, PROFILES, Timing, VideoSpec, synthetic};
use lipsmith_project::{Dub, Project, Settings};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: (usize, usize) = (256, 128);
const FRAMES: u64 = 100;

/// Four seconds at 25 frames a second, each with its number burnt in, and a tone.
fn film(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let profile = PROFILES.into_iter().find(|p| p.extension() == "mp4").expect("an MP4 profile");
    let (width, height) = SIZE;
    let rate = FrameRate::FPS_25;
    let video = VideoSpec {
        width,
        height,
        format: PixelFormat::I420,
        colour: ColourSpec::BT709,
        pixel_aspect: (1, 1),
        timing: Timing::constant(rate),
    };
    let sound = AudioSpec { rate: 48_000, channels: 2 };
    let mut writer = MovieWriter::create(&path, profile, video, Some(sound)).expect("a writer");
    for number in 0..FRAMES {
        let picture =
            synthetic::picture(number, width, height, video.format, video.colour).expect("a picture");
        writer
            .write_picture(&picture, rate.frame_start(number as i64), rate.frame_duration())
            .expect("written");
        writer.write_audio(&synthetic::tone(48_000, 2, number * 1_920, 1_920, 440.0)).expect("written");
    }
    writer.finish().expect("finished");
    path
}

/// The film from the start of the sequence, its own sound as the voice.
fn project(film_path: &Path) -> Arc<Project> {
    let info = media_info(film_path).expect("a film");
    let media = material::pool_entry(film_path, &info).expect("read");
    let project = Project::for_dub(Dub {
        film: media.clone(),
        voice: media,
        at: Time::ZERO,
        ranges: vec![TimeRange::new(Time::from_units(1, 1), Time::from_units(2, 1))],
        person: 1,
        reference: None,
        footage: Vec::new(),
        settings: Settings { original: Original::Keep, ..Settings::default() },
    });
    Arc::new(project.expect("a project"))
}

struct Room {
    desk: Desk,
    _folder: tempfile::TempDir,
    film: PathBuf,
}

fn room() -> Room {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
    let film = film(folder.path(), "film.mp4");
    let desk = Desk::start(paths, || {});
    desk.send(Request::Project { project: project(&film), settled: None, unsaved: true });
    Room { desk, _folder: folder, film }
}

impl Room {
    fn wait<T>(&self, what: &str, mut look: impl FnMut(&Desk) -> Option<T>) -> T {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(found) = look(&self.desk) {
                return found;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("{what} does not come");
    }

    fn show(&self, at: Time, sides: &[Side], fit: (usize, usize)) -> Frame {
        self.desk.send(Request::Show(Show { at, sides: sides.to_vec(), fit }));
        self.wait("the frame", |desk| {
            desk.frame().filter(|frame| frame.at == at && frame.likeness == Likeness::Exact)
        })
    }
}

fn time(frame: u64) -> Time {
    FrameRate::FPS_25.frame_start(frame as i64)
}

/// The number burnt into the top of the picture.
fn number(screen: &Screen) -> u64 {
    let row = screen.height / 16;
    (0..16).fold(0, |number, bit| {
        let x = (2 * bit + 1) * screen.width / 32;
        number << 1 | u64::from(screen.rgba[4 * (row * screen.width + x) + 1] > 127)
    })
}

#[test]
fn any_frame_is_shown_at_the_size_that_is_of_use() {
    let room = room();
    for frame in [0, 60, 61, 59, 3, 99, 42, 41, 40] {
        let shown = room.show(time(frame), &[Side::Dub], SIZE);
        assert_eq!(number(&shown.sides[0]), frame);
        assert_eq!((shown.film, shown.notes.len()), (SIZE, 0));
    }
    let small = room.show(time(77), &[Side::Film, Side::Matte, Side::Difference], (128, 1_000));
    let sizes: Vec<_> = small.sides.iter().map(|side| (side.width, side.height)).collect();
    assert_eq!(sizes, [(128, 64); 3]);
    assert_eq!(number(&small.sides[0]), 77);
    let dark = |screen: &Screen| screen.rgba.chunks_exact(4).all(|p| p[..3].iter().all(|v| *v < 3));
    assert!(dark(&small.sides[1]) && dark(&small.sides[2]), "no take lies over the film");
}

#[test]
fn only_the_newest_wish_is_answered() {
    let room = room();
    for frame in 0..FRAMES {
        room.desk.send(Request::Show(Show { at: time(frame), sides: vec![Side::Film], fit: SIZE }));
    }
    let mut answers = 0;
    let last = room.wait("the newest", |desk| {
        let frame = desk.frame()?;
        answers += 1;
        (frame.at == time(FRAMES - 1) && frame.likeness == Likeness::Exact).then_some(frame)
    });
    assert_eq!(number(&last.sides[0]), FRAMES - 1);
    assert!(answers < FRAMES / 2, "{answers} frames were drawn");
}

#[test]
fn a_missing_film_is_black_and_said() {
    let room = room();
    room.show(time(1), &[Side::Dub], SIZE);
    let moved = room.film.with_extension("moved");
    std::fs::rename(&room.film, &moved).expect("moved");
    let mut away = Project::clone(&project(&moved));
    let id = *away.media.keys().next().expect("a film");
    Arc::make_mut(&mut away.media)
        .entry(id)
        .and_modify(|media| media.path = room.film.with_extension("gone"));
    room.desk.send(Request::Project { project: Arc::new(away), settled: None, unsaved: true });
    let shown = room.show(time(5), &[Side::Dub], SIZE);
    assert!(shown.sides.is_empty(), "no picture of a film that is not there");
    assert!(shown.notes[0].contains("film.gone"), "{:?}", shown.notes);
}

#[test]
fn playing_keeps_to_the_clock_and_stops() {
    let room = room();
    room.show(Time::ZERO, &[Side::Dub], SIZE);
    room.desk.send(Request::Play { from: time(10), speed: 1.0, within: None });
    let mut loudest = 0.0f32;
    let mut seen = Vec::new();
    room.wait("one second of playing", |desk| {
        if let Some(frame) = desk.frame() {
            assert_eq!(number(&frame.sides[0]), number_at(frame.at));
            seen.push(number_at(frame.at));
        }
        loudest = loudest.max(desk.levels()[0]);
        desk.playing().filter(|at| *at >= time(35))
    });
    assert!(seen.is_sorted() && seen.first() == Some(&10), "{seen:?}");
    assert!(loudest > 0.3, "the tone is heard: {loudest}");
    room.desk.send(Request::Stop);
    room.wait("the stop", |desk| desk.playing().is_none().then_some(()));
    // The end of the film ends the playing.
    room.desk.send(Request::Play { from: time(90), speed: 1.0, within: None });
    room.wait("playing", |desk| desk.playing());
    room.wait("the end", |desk| desk.playing().is_none().then_some(()));
}

#[test]
fn other_speeds_and_loops_run_without_sound() {
    let room = room();
    room.show(Time::ZERO, &[Side::Dub], SIZE);
    let within = Some(TimeRange::new(time(20), time(30)));
    room.desk.send(Request::Play { from: time(25), speed: -2.0, within });
    let mut seen = std::collections::BTreeSet::new();
    room.wait("a round", |desk| {
        let frame = desk.frame()?;
        assert_eq!(number(&frame.sides[0]), number_at(frame.at));
        seen.insert(number_at(frame.at));
        (seen.len() >= 5 && seen.iter().any(|f| *f > 25)).then_some(())
    });
    assert!(seen.iter().all(|frame| (20..30).contains(frame)), "{seen:?}");
    room.desk.send(Request::Play { from: time(5), speed: -1.0, within: None });
    room.wait("playing", |desk| desk.playing().filter(|at| *at < time(5)));
    room.wait("the start of the film", |desk| desk.playing().is_none().then_some(()));
}

fn number_at(at: Time) -> u64 {
    FrameRate::FPS_25.frame_at(at) as u64
}

#[test]
fn what_is_played_tells_of_a_missing_loudspeaker_once() {
    let room = room();
    room.desk.send(Request::Scrub(time(7)));
    room.desk.send(Request::Play { from: Time::ZERO, speed: 1.0, within: None });
    room.wait("playing", |desk| desk.playing());
    room.desk.send(Request::Stop);
    let told: Vec<_> = room
        .desk
        .events()
        .filter_map(|event| match event {
            Event::Told { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    assert!(told.iter().filter(|text| text.contains("sound device")).count() <= 1, "{told:?}");
}

#[test]
fn waveforms_and_thumbnails_come_and_are_kept() {
    let room = room();
    let film = project(&room.film).media.values().next().expect("a film").clone();
    let mut told = 0;
    let peaks = room.wait("the waveform", |desk| {
        desk.events().find_map(|event| match event {
            Event::Peaks { media, peaks } if media == film.fingerprint => Some(peaks),
            _ => None,
        })
    });
    let whole = TimeRange::new(Time::ZERO, time(FRAMES));
    for [low, high] in peaks.columns(whole, 50).into_iter().take(49) {
        assert!((-0.6..-0.4).contains(&low) && (0.4..0.6).contains(&high), "{low} {high}");
    }
    let times: Vec<_> = [10, 50, 90].map(time).into();
    let ask = || room.desk.send(Request::Thumbs { film: film.clone(), times: times.clone(), height: 64 });
    ask();
    room.wait("the thumbnails", |desk| {
        for event in desk.events() {
            if let Event::Thumb { at, image, .. } = event {
                assert_eq!((image.width, image.height), (128, 64));
                // Twenty frames before will do when they stand forty apart.
                let far = number_at(at) - number(&image);
                assert!(far <= 20, "{far} frames before the right one");
                told += 1;
            }
        }
        (told == 3).then_some(())
    });
    std::fs::remove_file(&room.film).expect("removed");
    ask();
    room.wait("what was kept", |desk| {
        told += desk.events().filter(|event| matches!(event, Event::Thumb { .. })).count();
        (told == 6).then_some(())
    });
}
