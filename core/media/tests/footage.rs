//! Every clip of the shared footage is read to its end and from random places.

use lipsmith_base::{PixelFormat, Plane, Time};
use lipsmith_media::{AudioReader, Frame, MediaError, ReadOptions, Timing, VideoReader, probe};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// `None` (after saying so) where the footage is not at hand.
fn footage(test: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("LIPSMITH_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"));
    let folder = shared.join("footage");
    if folder.join("MANIFEST.tsv").is_file() {
        return Some(folder);
    }
    println!("SKIPPED: {test}: no footage at {}", folder.display());
    None
}

struct Clip {
    name: &'static str,
    /// Exact rate, or the grid of a variable one.
    rate: (u32, u32),
    variable: bool,
    /// As another reader (ffprobe, minus what edit lists hide) counts them.
    pictures: u64,
    size: (usize, usize),
    sound: Option<(u32, u16)>,
}

const fn clip(
    name: &'static str,
    rate: (u32, u32),
    pictures: u64,
    size: (usize, usize),
    sound: Option<(u32, u16)>,
) -> Clip {
    Clip { name, rate, variable: false, pictures, size, sound }
}

const CD: Option<(u32, u16)> = Some((44_100, 2));
const FILM: Option<(u32, u16)> = Some((48_000, 2));

const CLIPS: [Clip; 15] = [
    clip("crowd_walking_4s_25fps_1920x1080.mp4", (25, 1), 105, (1920, 1080), FILM),
    clip("foreman_12s_25fps_cif_silent.mp4", (25, 1), 299, (352, 288), None),
    clip("foreman_12s_cif_annexb.264", (25, 1), 299, (352, 288), None),
    // Trimmed by an edit list: 482 of 712 pictures are shown, with a hole before the last.
    Clip { variable: true, ..clip("franck_20s_24fps_288p_silent.mp4", (24, 1), 482, (360, 288), None) },
    clip("grid_s1_36s_25fps_288p.mp4", (25, 1), 900, (360, 288), CD),
    clip("grid_s1_3s_damaged_gop_mpeg1.mpg", (25, 1), 75, (360, 288), CD),
    clip("grid_s1_3s_mpeg1.mpg", (25, 1), 75, (360, 288), CD),
    clip("grid_two_speakers_12s_25fps_1920x1080_derived.mp4", (25, 1), 300, (1920, 1080), CD),
    // Cut without re-encoding: one picture is missing before the last.
    Clip {
        variable: true,
        ..clip("interview_two_faces_40s_2997fps_480x360.mp4", (30_000, 1001), 1201, (480, 360), CD)
    },
    clip("latentsync_demo1_woman_10s_25fps_1080x1920_hevc.mp4", (25, 1), 250, (1080, 1920), CD),
    clip("latentsync_demo2_21s_23976fps_1920x1080_derived.mp4", (24_000, 1001), 502, (1920, 1080), FILM),
    clip("latentsync_demo2_man_20s_25fps_1080x1920_hevc.mp4", (25, 1), 502, (1080, 1920), CD),
    clip("liveportrait_d3_headturns_12s_30fps_512_silent.mp4", (30, 1), 354, (512, 512), CD),
    clip("liveportrait_s18_woman_9s_30fps_720p_silent.mp4", (30, 1), 282, (1280, 720), None),
    Clip { variable: true, ..clip("retalking_1_man_6s_vfr_700.mp4", (30, 1), 135, (700, 700), CD) },
];

/// Tells pictures apart.
fn digest(frame: &Frame) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    for plane in frame.picture.planes() {
        match plane {
            Plane::U8(samples) => samples.hash(&mut hasher),
            Plane::U16(samples) => samples.hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[test]
fn every_clip_reads_to_its_end_and_from_anywhere() {
    let Some(folder) = footage("every_clip_reads_to_its_end_and_from_anywhere") else { return };
    for clip in CLIPS {
        let name = clip.name;
        let mut reader =
            VideoReader::open(&folder.join("video").join(name), &ReadOptions::default()).expect(name);
        let video = reader.video().clone();
        assert_eq!(
            (video.width, video.height, video.frames),
            (clip.size.0, clip.size.1, clip.pictures),
            "{name}"
        );
        let base: (u32, u32) = video.timing.base().into();
        assert_eq!(base, clip.rate, "{name}");
        assert_eq!(matches!(video.timing, Timing::Variable { .. }), clip.variable, "{name}");
        let sound = reader.info().audio.as_ref().map(|a| (a.rate, a.channels));
        assert_eq!(sound, clip.sound, "{name}");

        let mut digests = Vec::new();
        while let Some(frame) = reader.next().expect(name) {
            assert_eq!(frame.index, digests.len() as u64, "{name}");
            assert_eq!(frame.pts, video.times.start(frame.index), "{name}");
            digests.push(digest(&frame));
        }
        assert_eq!(digests.len() as u64, clip.pictures, "{name}");

        let last = clip.pictures - 1;
        // Far, back, a step on, a step back, near, the ends; in the middle and at the edges of a picture.
        let targets = [last * 2 / 3, last / 5, last / 5 + 1, last / 5, last / 5 + 9, last, 0, last / 2];
        for (i, target) in targets.into_iter().enumerate() {
            let within = [Time::ZERO, video.times.duration(target) - Time(1)][i % 2];
            reader.seek(video.times.start(target) + within).expect(name);
            for index in target..(target + 2).min(clip.pictures) {
                let frame = reader.next().expect(name).expect(name);
                assert_eq!(frame.index, index, "{name}, sought {target}");
                assert!(
                    digest(&frame) == digests[index as usize],
                    "{name}: picture {index} differs after a seek"
                );
            }
        }
        reader.seek(video.times.end()).expect(name);
        assert!(reader.next().expect(name).is_none(), "{name}");

        // Passing over what is not wanted changes no picture that is.
        for target in [last * 3 / 4, last / 3, last] {
            reader.seek_key(video.times.start(target)).expect(name);
            reader.pass_to(target);
            let frame = loop {
                let frame = reader.next().expect(name).expect(name);
                if frame.index >= target {
                    break frame;
                }
                assert!(digest(&frame) == digests[frame.index as usize], "{name}: picture {}", frame.index);
            };
            assert_eq!(frame.index, target, "{name}, passed over");
            assert!(digest(&frame) == digests[target as usize], "{name}: picture {target} was passed to");
        }
        let bridged = reader.notes().iter().filter(|note| note.contains("could not be decoded")).count();
        assert_eq!(bridged, 0, "{name}: {:?}", reader.notes());
    }
}

#[test]
fn every_sound_reads_to_its_end_and_from_anywhere() {
    let Some(folder) = footage("every_sound_reads_to_its_end_and_from_anywhere") else { return };
    let options = ReadOptions::default();
    let clips =
        CLIPS.iter().filter(|clip| clip.sound.is_some()).map(|clip| folder.join("video").join(clip.name));
    let dubs = std::fs::read_dir(folder.join("dub")).expect("dub").map(|entry| entry.expect("entry").path());
    for path in clips.chain(dubs) {
        let name = path.display();
        let info = probe(&path).expect("probe").audio.expect("sound");
        let whole =
            AudioReader::open(&path, 16_000, Some(1), &options).expect("open").read_all().expect("read");
        let off = (whole.duration() - info.duration).secs_f64();
        assert!(off.abs() < 0.001, "{name}: {off} s longer than the container says");

        // At the file's own rate a seek gives the same samples.
        let open = || AudioReader::open(&path, info.rate, None, &options).expect("open");
        let whole = open().read_all().expect("read");
        let mut reader = open();
        for part in [0.6, 0.25, 0.3] {
            let at = (whole.frames() as f64 * part) as usize;
            reader.seek(Time::from_units(at as i64, i64::from(info.rate))).expect("seek");
            let block = reader.next().expect("next").expect("a block");
            // AAC fills some bands with noise drawn anew each time, and one clip's own times jump by a sample midway
            // (which is followed after a seek, and not worth a gap before it).
            let channels = usize::from(info.channels);
            let distance = |shift: usize| {
                let there = &whole.samples[(at + shift - 2) * channels..];
                block.samples.iter().zip(there).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
            };
            let nearest = (0..5).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).expect("five");
            let power: f32 = block.samples.iter().map(|v| v * v).sum();
            assert!(
                distance(nearest) <= 0.02 * power + 1e-6,
                "{name}: {} of {power} off at {at}",
                distance(nearest)
            );
            assert!(nearest.abs_diff(2) <= 1 || power < 1e-3, "{name}: {nearest} instead of 2 at {at}");
        }
    }
}

#[test]
fn stills_are_read() {
    let Some(folder) = footage("stills_are_read") else { return };
    for (name, size) in [("astronaut_512.png", (512, 512)), ("cisco_two_people_320x180.png", (320, 180))] {
        let path = folder.join("photo").join(name);
        let info = probe(&path).expect(name);
        assert!(info.still && info.duration == Time::ZERO, "{name}");
        let mut reader = VideoReader::open(&path, &ReadOptions::default()).expect(name);
        let frame = reader.next().expect(name).expect("a picture");
        assert_eq!((frame.picture.width(), frame.picture.height()), size, "{name}");
        assert_eq!((frame.index, frame.pts, frame.duration), (0, Time::ZERO, Time::ZERO), "{name}");
        assert_eq!(frame.picture.format(), PixelFormat::GBR8, "{name}");
        assert!(reader.next().expect(name).is_none());
        let sound = AudioReader::open(&path, 16_000, None, &ReadOptions::default());
        assert!(matches!(sound.err(), Some(MediaError::NoSound { .. })), "{name}");
    }
}
