//! A dub by `rewrite` without its encoder: `cargo bench --workspace --bench dub`. The faces are found beforehand. Other
//! files come by `LIPSMITH_FILM` and `LIPSMITH_VOICE`, how often it is done by `LIPSMITH_ROUNDS`.

use lipsmith_base::{Cancel, TimeRange};
use lipsmith_engine::cache::Cache;
use lipsmith_engine::dub::{DubRequest, FaceChoice, render};
use lipsmith_engine::export::Pictures;
use lipsmith_engine::{Detector, Method, Original, PROFILES, Paths, Time};
use std::path::{Path, PathBuf};
use std::time::Instant;

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
    for round in 0..=rounds {
        // Another seed names another take; what was found of the faces is kept from the first round.
        let request = DubRequest {
            film: film.clone(),
            voice: voice.clone(),
            output: folder.path().join("film.mkv"),
            at: None,
            ranges: Vec::new(),
            detector: Detector::default(),
            face: FaceChoice::Auto,
            reference: None,
            method: Method { seed: round, ..Method::default() },
            checkpoint: None,
            device: "cpu".into(),
            profile: PROFILES[0],
            original: Original::Mute,
            matte: None,
            actor_footage: Vec::new(),
        };
        let begun = Instant::now();
        let rendered = render(&paths, &request, &(), &Cancel::new()).expect("rendered");
        let lines = begun.elapsed().as_secs_f64();
        let cue = rendered.project.cues.values().next().expect("a line").range;
        let range = TimeRange::new(Time::ZERO, cue.end());
        let (cache, cancel) = (Cache::new(&paths.cache), Cancel::new());
        let mut pictures = Pictures::open(&rendered.project, range, cache, &cancel).expect("opened");
        let mut frames = 0;
        loop {
            match pictures.next_few(false, &cancel).expect("composed").len() {
                0 => break,
                some => frames += some,
            }
        }
        let whole = begun.elapsed().as_secs_f64();
        let rate = |seconds: f64| frames as f64 / seconds;
        if round > 0 {
            println!(
                "{frames} frames: rewrite {:.1} fps, decode and paste {:.1} fps, together {:.1} fps",
                rate(lines),
                rate(whole - lines),
                rate(whole)
            );
        }
    }
}
