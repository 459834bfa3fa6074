//! What is written comes back: every profile, every usual rate, every format that it carries; pictures, their
//! numbers and times, sound and its place.

use lipsmith_base::{Chroma, ColourSpec, FrameRate, Matrix, Picture, PixelFormat, Time};
use lipsmith_media::synthetic::{number_in, picture, tone};
use lipsmith_media::{
    AudioSpec, MovieWriter, PROFILES, Profile, ReadOptions, Timing, VideoReader, VideoSpec,
};
use std::path::Path;

const SIZE: (usize, usize) = (128, 64);
const I420: PixelFormat = PixelFormat::I420;

fn rate(num: u32, den: u32) -> FrameRate {
    FrameRate::new(num, den).expect("positive")
}

fn spec(format: PixelFormat, colour: ColourSpec, timing: Timing) -> VideoSpec {
    VideoSpec { width: SIZE.0, height: SIZE.1, format, colour, pixel_aspect: (1, 1), timing }
}

fn drawn(number: u64, format: PixelFormat, colour: ColourSpec) -> Picture {
    picture(number, SIZE.0, SIZE.1, format, colour).expect("a picture")
}

/// Writes pictures 0.. at `starts` (the last entry is the end) and a tone beside them.
fn write(
    path: &Path,
    profile: Profile,
    spec: VideoSpec,
    starts: &[Time],
    sound: Option<AudioSpec>,
) -> Vec<String> {
    let mut writer = MovieWriter::create(path, profile, spec, sound).expect("create");
    let mut written = 0;
    for (number, pair) in starts.windows(2).enumerate() {
        let picture = drawn(number as u64, spec.format, spec.colour);
        writer.write_picture(&picture, pair[0], pair[1] - pair[0]).expect("picture");
        if let Some(sound) = sound {
            let end = pair[1].round_units(i64::from(sound.rate)) as u64;
            let block = tone(sound.rate, sound.channels, written, (end - written) as usize, 440.0);
            writer.write_audio(&block).expect("sound");
            written = end;
        }
    }
    let notes = writer.notes().to_vec();
    writer.finish().expect("finish");
    notes
}

fn constant(rate: FrameRate, count: i64) -> Vec<Time> {
    (0..=count).map(|i| rate.frame_start(i)).collect()
}

fn read(path: &Path) -> (VideoReader, Vec<lipsmith_media::Frame>) {
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("open");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().expect("next") {
        frames.push(frame);
    }
    (reader, frames)
}

fn check_times(what: &str, path: &Path, starts: &[Time]) {
    let (reader, frames) = read(path);
    assert_eq!(reader.notes(), &[] as &[String], "{what}");
    let times: Vec<Time> =
        frames.iter().map(|f| f.pts).chain(frames.last().map(|f| f.pts + f.duration)).collect();
    assert_eq!(times.len(), starts.len(), "{what}: {:?}", reader.video().timing);
    for (i, (got, wanted)) in times.iter().zip(starts).enumerate() {
        assert_eq!(got, wanted, "{what}: start of {i}, {:?}", reader.video().timing);
    }
    for (i, frame) in frames.iter().enumerate() {
        assert_eq!((frame.index, number_in(&frame.picture)), (i as u64, i as u64), "{what}");
    }
}

#[test]
fn every_rate_survives_every_profile() {
    let folder = tempfile::tempdir().expect("folder");
    let rates = [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1)]
        .map(|(n, d)| rate(n, d));
    for profile in PROFILES {
        for rate in rates {
            let path = folder.path().join(format!("{}.{}", rate.num(), profile.extension()));
            let starts = constant(rate, 40);
            let sound = Some(AudioSpec { rate: 48_000, channels: 2 });
            write(&path, profile, spec(I420, ColourSpec::BT709, Timing::constant(rate)), &starts, sound);
            check_times(&format!("{} {rate}", profile.name()), &path, &starts);
            let (reader, _) = read(&path);
            assert_eq!(reader.video().timing, Timing::constant(rate), "{} {rate}", profile.name());
        }
    }
}

#[test]
fn a_variable_rate_survives_every_profile() {
    let folder = tempfile::tempdir().expect("folder");
    for base in [rate(30, 1), rate(24000, 1001)] {
        let mut starts: Vec<Time> =
            (0..60).filter(|i| i % 7 != 3 && i % 5 != 1).map(|i| base.frame_start(i)).collect();
        starts.push(base.frame_start(61));
        let timing = Timing::Variable { mean: 22.0, base };
        for profile in PROFILES {
            let path = folder.path().join(format!("vfr{}.{}", base.num(), profile.extension()));
            write(&path, profile, spec(I420, ColourSpec::BT709, timing), &starts, None);
            check_times(&format!("{} VFR {base}", profile.name()), &path, &starts);
        }
    }
}

#[test]
fn lossless_means_every_bit_of_every_format() {
    let folder = tempfile::tempdir().expect("folder");
    let colours = [
        ColourSpec::BT709,
        ColourSpec { matrix: Matrix::Bt601, full_range: true, transfer: 6, primaries: 6, chroma_left: true },
        ColourSpec {
            matrix: Matrix::Bt2020,
            full_range: false,
            transfer: 16,
            primaries: 9,
            chroma_left: true,
        },
    ];
    for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Gbr] {
        for depth in [8, 10, 12] {
            for colour in colours {
                let format = PixelFormat { chroma, depth };
                let colour = if chroma == Chroma::Gbr {
                    ColourSpec { full_range: true, ..ColourSpec::SRGB }
                } else {
                    colour
                };
                let path = folder.path().join("lossless.mkv");
                let timing = Timing::constant(FrameRate::FPS_25);
                let notes = write(
                    &path,
                    Profile::Ffv1Mkv,
                    spec(format, colour, timing),
                    &constant(FrameRate::FPS_25, 5),
                    None,
                );
                assert_eq!(notes, [] as [String; 0], "{format:?}");
                let (reader, frames) = read(&path);
                assert_eq!(reader.video().colour, colour, "{format:?}");
                assert_eq!(frames.len(), 5, "{format:?}");
                for (i, frame) in frames.iter().enumerate() {
                    assert_eq!(
                        frame.picture.planes(),
                        drawn(i as u64, format, colour).planes(),
                        "{format:?}"
                    );
                }
            }
        }
    }
}
