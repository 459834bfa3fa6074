//! Films that other programs make: every codec and container that is promised, rotation, fields, pixel shapes,
//! stills. ffmpeg makes them, and ffmpeg's own reading of them is what ours is held against.

mod ffmpeg;

use ffmpeg::{ffmpeg, source, truth};
use lipsmith_base::{Chroma, FrameRate, PixelFormat, Plane, Time};
use lipsmith_media::synthetic::number_in;
use lipsmith_media::{AudioReader, Frame, MediaError, ReadOptions, VideoReader, probe};
use std::path::Path;

const PICTURES: u64 = 30;

fn read(path: &Path) -> (VideoReader, Vec<Frame>) {
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("open");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().expect("next") {
        frames.push(frame);
    }
    (reader, frames)
}

/// The samples as ffmpeg writes them raw: plane after plane, 16-bit ones little-endian.
fn bytes(frame: &Frame) -> Vec<u8> {
    let plane = |plane: &Plane| match plane {
        Plane::U8(samples) => samples.clone(),
        Plane::U16(samples) => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
    };
    frame.picture.planes().iter().flat_map(plane).collect()
}

/// Largest difference of any 8-bit sample of any picture from ffmpeg's reading.
fn furthest(path: &Path, frames: &[Frame], format: &str) -> u8 {
    let ours: Vec<u8> = frames.iter().flat_map(bytes).collect();
    let theirs = truth(path, format);
    assert_eq!(ours.len(), theirs.len(), "{}", path.display());
    ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn every_codec_in_every_container() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), PICTURES);
    let (c420, c422) = (Chroma::C420, Chroma::C422);
    // How it is made; format, chroma and depth; how far two decoders may differ (MPEG-1 and -2 leave the cosine
    // transform's rounding open).
    #[rustfmt::skip]
    let cases: [(&str, &str, &str, Chroma, u8, u8); 17] = [
        ("h264.mp4", "-c:v libx264 -preset veryfast", "yuv420p", c420, 8, 0),
        ("h264.ts", "-c:v libx264 -preset veryfast", "yuv420p", c420, 8, 0),
        ("h264-422-10.mov", "-c:v libx264 -preset veryfast -pix_fmt yuv422p10le", "yuv422p10le", c422, 10, 0),
        ("hevc.mp4", "-c:v libx265 -preset ultrafast -tag:v hvc1", "yuv420p", c420, 8, 0),
        ("hevc-10.mkv", "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le", "yuv420p10le", c420, 10, 0),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8", "yuv420p", c420, 8, 0),
        ("av1.mp4", "-c:v libaom-av1 -cpu-used 8 -usage realtime", "yuv420p", c420, 8, 0),
        ("av1.mkv", "-c:v libaom-av1 -cpu-used 8 -usage realtime", "yuv420p", c420, 8, 0),
        ("av1-10.webm", "-c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt yuv420p10le", "yuv420p10le", c420, 10, 0),
        ("mpeg2.ts", "-c:v mpeg2video -q:v 2 -bf 2", "yuv420p", c420, 8, 1),
        ("mpeg2.mpg", "-c:v mpeg2video -q:v 2 -bf 2", "yuv420p", c420, 8, 1),
        ("mpeg2.mov", "-c:v mpeg2video -q:v 2", "yuv420p", c420, 8, 1),
        ("mpeg1.mpg", "-c:v mpeg1video -q:v 2 -bf 2", "yuv420p", c420, 8, 1),
        ("prores.mov", "-c:v prores_ks -profile:v 3", "yuv422p10le", c422, 10, 0),
        ("mjpeg.mov", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", "yuvj420p", c420, 8, 0),
        ("mjpeg.mkv", "-c:v mjpeg -q:v 2 -pix_fmt yuvj422p", "yuvj422p", c422, 8, 0),
        ("mjpeg.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", "yuvj420p", c420, 8, 0),
    ];
    for (name, how, format, chroma, depth, slack) in cases {
        let path = folder.path().join(name);
        ffmpeg(&film, how, &path);
        let (mut reader, frames) = read(&path);
        let video = reader.video().clone();
        println!("{name}: {} {:?} {:?}", video.codec, video.format, reader.notes());
        assert_eq!(video.format, PixelFormat { chroma, depth }, "{name}");
        assert_eq!((video.frames, frames.len() as u64), (PICTURES, PICTURES), "{name}");
        for (n, frame) in frames.iter().enumerate() {
            assert_eq!((frame.index, number_in(&frame.picture)), (n as u64, n as u64), "{name}");
            assert_eq!(frame.pts, FrameRate::FPS_25.frame_start(n as i64), "{name}");
        }
        assert_eq!(frames.last().map(|f| f.pts + f.duration), Some(Time::from_units(30, 25)), "{name}");
        assert!(furthest(&path, &frames, format) <= slack, "{name}: {}", furthest(&path, &frames, format));
        for target in [21, 4, 29] {
            reader.seek(FrameRate::FPS_25.frame_start(target)).expect("seek");
            let frame = reader.next().expect("next").expect("a picture");
            assert_eq!(number_in(&frame.picture), target as u64, "{name}");
            reader.seek_key(FrameRate::FPS_25.frame_start(target)).expect("seek");
            reader.pass_to(target as u64);
            let frame =
                std::iter::from_fn(|| reader.next().expect("next")).find(|f| f.index >= target as u64);
            let frame = frame.expect("a picture");
            let found = (frame.index, number_in(&frame.picture));
            assert_eq!(found, (target as u64, target as u64), "{name}: passed over");
        }
    }
}

#[test]
fn turned_films_stand_upright() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 5);
    let flat = folder.path().join("flat.mp4");
    // Uneven pixels, so that their turning shows.
    ffmpeg(&film, "-c:v libx264 -preset veryfast -vf setsar=16/15", &flat);
    for turn in [90_u16, 180, 270] {
        let path = folder.path().join(format!("{turn}.mp4"));
        ffmpeg(&flat, &format!("-c copy -metadata:s:v rotate={turn}"), &path);
        let (reader, frames) = read(&path);
        let video = reader.video();
        let upright = turn == 180;
        assert_eq!(video.coded, (128, 96), "{turn}");
        assert_eq!((video.width, video.height), if upright { (128, 96) } else { (96, 128) }, "{turn}");
        assert_eq!(video.pixel_aspect, if upright { (16, 15) } else { (15, 16) }, "{turn}");
        // ffmpeg's tag counts the other way round.
        assert_eq!(video.rotation, 360 - turn);
        // ffmpeg turns by itself when it reads.
        assert_eq!(furthest(&path, &frames, "yuv420p"), 0, "{turn}");
    }
}

#[test]
fn pixels_that_are_not_square_are_told_and_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 5);
    let cases = [
        ("x264.mp4", "-c:v libx264 -preset veryfast -vf setsar=16/15", (16, 15)),
        ("x264.mkv", "-c:v libx264 -preset veryfast -vf setsar=8/9", (8, 9)),
        ("prores.mov", "-c:v prores_ks -vf setsar=4/3", (4, 3)),
        // MPEG-2 tells the picture's shape instead: 16:9 of 128×96.
        ("mpeg2.mpg", "-c:v mpeg2video -q:v 2 -aspect 16:9", (4, 3)),
    ];
    for (name, how, aspect) in cases {
        let path = folder.path().join(name);
        ffmpeg(&film, how, &path);
        let video = probe(&path).expect(name).video.expect(name);
        assert_eq!(video.pixel_aspect, aspect, "{name}");
        assert_eq!((video.width, video.height), (128, 96), "{name}");
        assert_eq!(video.display, (128 * aspect.0 as usize / aspect.1 as usize, 96), "{name}");
    }
}

#[test]
fn woven_fields_are_told_and_left_woven() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 10);
    let cases = [
        ("mpeg2.ts", "-c:v mpeg2video -q:v 2 -flags +ilme+ildct -top 1", 1),
        ("mpeg2.mpg", "-c:v mpeg2video -q:v 2 -flags +ilme+ildct -top 0", 1),
        ("x264.mp4", "-c:v libx264 -preset veryfast -flags +ilme+ildct -x264-params interlaced=1:tff=1", 0),
        ("prores.mov", "-c:v prores_ks -flags +ilme+ildct -top 1", 0),
    ];
    for (name, how, slack) in cases {
        let path = folder.path().join(name);
        ffmpeg(&film, how, &path);
        let (reader, frames) = read(&path);
        assert!(reader.video().interlaced, "{name}");
        assert!(
            reader.notes().iter().any(|note| note.contains("interlaced")),
            "{name}: {:?}",
            reader.notes()
        );
        let numbers: Vec<u64> = frames.iter().map(|frame| number_in(&frame.picture)).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>(), "{name}");
        let format = if name.starts_with("prores") { "yuv422p10le" } else { "yuv420p" };
        assert!(furthest(&path, &frames, format) <= slack, "{name}");
    }
    let (reader, _) = read(&film);
    assert!(!reader.video().interlaced);
}

#[test]
fn raw_pictures_lose_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 3);
    for (layout, planar) in [("yuyv422", "yuv422p"), ("uyvy422", "yuv422p"), ("yuv420p", "yuv420p")] {
        let path = folder.path().join(format!("{layout}.avi"));
        ffmpeg(&film, &format!("-c:v rawvideo -pix_fmt {layout}"), &path);
        let (_, frames) = read(&path);
        assert_eq!(frames.len(), 3, "{layout}");
        assert_eq!(furthest(&path, &frames, planar), 0, "{layout}");
    }
}

#[test]
fn stills_of_every_kind() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 8);
    // The last of eight pictures, so that an empty one would show.
    #[rustfmt::skip]
    let cases = [
        ("png", "-pix_fmt rgb24", Chroma::Gbr, 8), ("alpha.png", "-pix_fmt rgba", Chroma::Gbr, 8),
        ("grey.png", "-pix_fmt gray", Chroma::C420, 8), ("bmp", "-pix_fmt bgr24", Chroma::Gbr, 8),
        ("tiff", "-pix_fmt rgb24", Chroma::Gbr, 8), ("jpg", "-q:v 2 -pix_fmt yuvj420p", Chroma::C420, 8),
        ("444.jpg", "-q:v 2 -pix_fmt yuvj444p", Chroma::C444, 8), ("webp", "-lossless 1", Chroma::Gbr, 8),
    ];
    for (name, how, chroma, depth) in cases {
        let path = folder.path().join(format!("still.{name}"));
        ffmpeg(&film, &format!("-vf select=eq(n\\,7) -frames:v 1 {how}"), &path);
        let (reader, frames) = read(&path);
        assert!(reader.info().still && reader.info().duration == Time::ZERO, "{name}");
        assert_eq!(frames.len(), 1, "{name}");
        assert_eq!(number_in(&frames[0].picture), 7, "{name}");
        assert_eq!(frames[0].picture.format(), PixelFormat { chroma, depth }, "{name}");
        let sound = AudioReader::open(&path, 16_000, None, &ReadOptions::default());
        assert!(matches!(sound.err(), Some(MediaError::NoSound { .. })), "{name}");
    }
}

/// A camera held upright writes the picture lying, and how to turn it into the EXIF block.
#[test]
fn photographs_stand_upright() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 1);
    let lying = folder.path().join("lying.jpg");
    ffmpeg(&film, "-vf transpose=cclock -frames:v 1 -q:v 2 -pix_fmt yuvj444p", &lying);
    let bytes = std::fs::read(&lying).expect("read");
    // APP1, "Exif", a little-endian TIFF of one tag: orientation (0x0112), one short, 6 = turn by 90° clockwise.
    let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let path = folder.path().join("photograph.jpg");
    std::fs::write(&path, [&bytes[..2], exif, &bytes[2..]].concat()).expect("write");
    let (reader, frames) = read(&path);
    assert_eq!(reader.video().rotation, 90);
    assert_eq!((frames[0].picture.width(), frames[0].picture.height()), (128, 96));
    assert_eq!(number_in(&frames[0].picture), 0);
}
