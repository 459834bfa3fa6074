//! ffmpeg, as another program that makes and reads films.
// Each test file takes what it needs of this.
#![allow(dead_code)]

use lipsmith_base::{ColourSpec, FrameRate, PixelFormat};
use lipsmith_media::synthetic::picture;
use lipsmith_media::{MovieWriter, Profile, Timing, VideoSpec};
use std::path::{Path, PathBuf};
use std::process::Command;

fn run(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]).args(arguments);
    let output = command.output().expect("ffmpeg, which packaging/setup installs");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Converts `from` into `to`; `how` are options between spaces.
pub fn ffmpeg(from: &Path, how: &str, to: &Path) {
    let (from, to) = (from.to_string_lossy(), to.to_string_lossy());
    let arguments = [&["-i", &*from], &how.split_whitespace().collect::<Vec<_>>()[..], &[&*to]].concat();
    run(&arguments);
}

/// Sound out of ffmpeg's own `generator`.
pub fn tone(generator: &str, how: &str, to: &Path) {
    let to = to.to_string_lossy();
    let how: Vec<&str> = how.split_whitespace().collect();
    run(&[&["-f", "lavfi", "-i", generator], &how[..], &[&*to]].concat());
}

/// All pictures of a film as ffmpeg reads them, raw.
pub fn truth(film: &Path, format: &str) -> Vec<u8> {
    run(&[
        "-i",
        &film.to_string_lossy(),
        "-f",
        "rawvideo",
        "-fps_mode",
        "passthrough",
        "-pix_fmt",
        format,
        "-",
    ])
}

/// All sound of a film as ffmpeg reads it, in its own channels, as f32; what is missing at the start is silence.
pub fn heard(film: &Path, rate: u32) -> Vec<f32> {
    let (film, rate) = (film.to_string_lossy(), rate.to_string());
    let bytes =
        run(&["-i", &film, "-vn", "-af", "aresample=async=1:first_pts=0", "-ar", &rate, "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Seconds by which the first picture lies behind the start of what [`heard`] gives.
pub fn picture_start(film: &Path) -> f64 {
    let probe = |section: &str| {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-select_streams", "v:0", "-show_entries", section, "-of", "csv=p=0"]);
        let output = command.arg(film).output().expect("ffprobe, which packaging/setup installs");
        String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').parse::<f64>().expect("a time")
    };
    probe("stream=start_time") - probe("format=start_time")
}

/// A lossless film of numbered pictures, 128×96 at 25 a second.
pub fn source(folder: &Path, pictures: u64) -> PathBuf {
    let path = folder.join("source.mkv");
    let (format, colour, rate) = (PixelFormat::I420, ColourSpec::BT709, FrameRate::FPS_25);
    let timing = Timing::constant(rate);
    let spec = VideoSpec { width: 128, height: 96, format, colour, pixel_aspect: (1, 1), timing };
    let mut writer = MovieWriter::create(&path, Profile::Ffv1Mkv, spec, None).expect("create");
    for number in 0..pictures {
        let drawn = picture(number, 128, 96, format, colour).expect("a picture");
        writer.write_picture(&drawn, rate.frame_start(number as i64), rate.frame_duration()).expect("write");
    }
    writer.finish().expect("finish");
    path
}
