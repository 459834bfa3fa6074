//! Decoding and encoding speed at 1080p; frames per second stand in divan's `items/s` column.
//! `cargo bench -p lipsmith-media`. `LIPSMITH_FILM=FILE` decodes that film instead of a synthetic one.

use divan::counter::ItemsCount;
use lipsmith_base::{ColourSpec, FrameRate, Picture, PixelFormat};
use lipsmith_media::{
    MovieWriter, PROFILES, Profile, ReadOptions, Timing, VideoReader, VideoSpec, synthetic,
};
use std::path::{Path, PathBuf};

const FRAMES: u64 = 48;
const SPEC: VideoSpec = VideoSpec {
    width: 1920,
    height: 1080,
    format: PixelFormat::I420,
    colour: ColourSpec::BT709,
    pixel_aspect: (1, 1),
    timing: Timing::Constant { rate: FrameRate::FPS_25 },
};

fn main() {
    divan::main();
}

fn pictures() -> Vec<Picture> {
    let draw = |number| synthetic::picture(number, SPEC.width, SPEC.height, SPEC.format, SPEC.colour);
    (0..FRAMES).filter_map(draw).collect()
}

fn write(path: &Path, profile: Profile, pictures: &[Picture]) {
    let mut writer = MovieWriter::create(path, profile, SPEC, None).expect("create");
    for (i, picture) in pictures.iter().enumerate() {
        let rate = FrameRate::FPS_25;
        writer.write_picture(picture, rate.frame_start(i as i64), rate.frame_duration()).expect("write");
    }
    writer.finish().expect("finish");
}

fn read(path: &Path) -> u64 {
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("open");
    let mut frames = 0;
    while let Some(frame) = reader.next().expect("next") {
        divan::black_box(frame);
        frames += 1;
    }
    frames
}

#[divan::bench(args = PROFILES.map(Profile::name), sample_count = 3)]
fn encode(bencher: divan::Bencher, profile: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let (profile, pictures) = (Profile::from_name(profile).expect("a profile"), pictures());
    let path = folder.path().join("film");
    bencher.counter(ItemsCount::new(FRAMES)).bench_local(|| write(&path, profile, &pictures));
}

#[divan::bench(args = PROFILES.map(Profile::name), sample_count = 3)]
fn decode(bencher: divan::Bencher, profile: &str) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("film");
    let film = match std::env::var_os("LIPSMITH_FILM") {
        Some(film) => PathBuf::from(film),
        None => {
            write(&path, Profile::from_name(profile).expect("a profile"), &pictures());
            path
        }
    };
    let frames = read(&film);
    bencher.counter(ItemsCount::new(frames)).bench_local(|| read(&film));
}
