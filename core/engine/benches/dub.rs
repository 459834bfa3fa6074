//! What a dub by `rewrite` is made of, each part by itself: `cargo bench --workspace --bench dub` prints a line `name, seconds of
//! film, seconds` each, of several rounds the quickest. The faces are found beforehand. Other files come by `LIPSMITH_FILM` and
//! `LIPSMITH_VOICE`, how often it is done by `LIPSMITH_ROUNDS`.

use lipsmith_base::{Cancel, PixelFormat, TimeRange};
use lipsmith_engine::cache::Cache;
use lipsmith_engine::dub::{DubRequest, FaceChoice, render};
use lipsmith_engine::export::Pictures;
use lipsmith_engine::{Detector, Method, Original, PROFILES, Paths, Time, media_info};
use lipsmith_media::{Frame, MovieWriter, ReadOptions, VideoReader, VideoSpec};
use lipsmith_project::Project;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Pictures that are encoded, held while they are.
const ENCODED: usize = 100;

fn main() {
    let footage = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/footage");
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let film = footage.join("video/latentsync_demo2_21s_23976fps_1920x1080_derived.mp4");
    let film = named("LIPSMITH_FILM").unwrap_or(film);
    let voice = named("LIPSMITH_VOICE").unwrap_or(footage.join("dub/de_kerstin_0965.flac"));
    let rounds = named("LIPSMITH_ROUNDS").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(3);
    if !film.exists() || !voice.exists() {
        println!("SKIPPED: {} or {} is absent", film.display(), voice.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let data = Paths::of_user().map_or(folder.path().join("data"), |paths| paths.data);
    let paths = Paths { data, cache: folder.path().join("cache") };
    let some: Vec<Frame> = frames(&film).take(ENCODED).collect();
    let mut parts: Vec<(&str, f64, f64)> = Vec::new();
    for round in 0..=rounds {
        // Another seed names another take; what was found of the faces is kept from the first round.
        let request = request(&film, &voice, folder.path(), round);
        let rendered = || render(&paths, &request, &(), &Cancel::new()).expect("rendered");
        let (rewrite, dub) = timed(rendered);
        // All pictures are in the cache, and only that is found out.
        let (cached, _) = timed(rendered);
        let cue = dub.project.cues.values().next().expect("a line").range;
        let range = TimeRange::new(Time::ZERO, cue.end());
        let (compose, count) = timed(|| compose(&dub.project, range, &paths));
        let (decode, _) = timed(|| frames(&film).take(count).count());
        let (encode, ()) = timed(|| encode(&folder.path().join("film.mp4"), &film, &some));
        let (whole, part) = (range.duration().secs_f64(), range.duration().secs_f64() / count as f64);
        let times = [
            ("rewrite", whole, rewrite),
            ("cached_line", whole, cached),
            ("compose", whole, compose),
            ("decode", whole, decode),
            ("encode", part * some.len() as f64, encode),
        ];
        for (name, length, seconds) in times.into_iter().filter(|_| round > 0) {
            match parts.iter_mut().find(|(other, ..)| *other == name) {
                Some((.., least)) => *least = least.min(seconds),
                None => parts.push((name, length, seconds)),
            }
        }
    }
    for (name, length, seconds) in parts {
        println!("{name} {length:.3} {seconds:.4}");
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = Instant::now();
    let made = work();
    (begun.elapsed().as_secs_f64(), made)
}

fn request(film: &Path, voice: &Path, folder: &Path, seed: u64) -> DubRequest {
    DubRequest {
        film: film.into(),
        voice: voice.into(),
        output: folder.join("film.mkv"),
        at: None,
        ranges: Vec::new(),
        detector: Detector::default(),
        face: FaceChoice::Auto,
        reference: None,
        any_family: false,
        method: Method { seed, ..Method::default() },
        checkpoint: None,
        device: "cpu".into(),
        profile: PROFILES[0],
        original: Original::Mute,
        matte: None,
        actor_footage: Vec::new(),
    }
}

/// Decodes, reads the patches from the cache and pastes them; returns the frames' number.
fn compose(project: &Project, range: TimeRange, paths: &Paths) -> usize {
    let cancel = Cancel::new();
    let mut pictures = Pictures::open(project, range, Cache::new(&paths.cache), &cancel).expect("opened");
    let few = || match pictures.next_few(false, &cancel).expect("composed").len() {
        0 => None,
        some => Some(some),
    };
    std::iter::from_fn(few).sum()
}

fn frames(film: &Path) -> impl Iterator<Item = Frame> {
    let mut reader = VideoReader::open(film, &ReadOptions::default()).expect("opened");
    std::iter::from_fn(move || reader.next().expect("decoded"))
}

/// As exports are unless something else is chosen.
fn encode(to: &Path, like: &Path, frames: &[Frame]) {
    let info = media_info(like).expect("a film").video.expect("pictures");
    let spec = VideoSpec {
        width: info.width,
        height: info.height,
        format: PixelFormat::I420,
        colour: info.colour,
        pixel_aspect: info.pixel_aspect,
        timing: info.timing,
    };
    let mut writer = MovieWriter::create(to, PROFILES[0], spec, None).expect("created");
    for frame in frames {
        writer.write_picture(&frame.picture, frame.pts, frame.duration).expect("written");
    }
    writer.finish().expect("finished");
}
