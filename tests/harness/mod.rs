//! Runs the built program as a person would, in folders of its own.
// Each test file takes what it needs of this.
#![allow(dead_code)]

use lipsmith_base::{ColourSpec, FrameRate, PixelFormat};
use lipsmith_media::{AudioSpec, MovieWriter, Profile, Timing, VideoSpec, synthetic};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A place for one test's data, cache and outputs; gone when dropped.
pub struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with these arguments, ready to run. Face models come from the machine, if they are there.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lipsmith"));
        command.args(arguments).env("LIPSMITH_CACHE", self.path("cache")).env("LIPSMITH_DATA", self.data());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs and expects success; the result event of `--json`.
    pub fn result(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a JSON event"));
        events.rev().find(|event| event["event"] == "result").expect("a result event")
    }

    /// Data folder of its own, with the machine's face models linked in.
    fn data(&self) -> PathBuf {
        let data = self.path("data");
        let faces = installed_face_models();
        if faces.is_dir() && !data.exists() {
            std::fs::create_dir_all(data.join("models")).expect("a folder");
            std::os::unix::fs::symlink(faces, data.join("models/faces")).expect("a link");
        }
        data
    }
}

fn installed_face_models() -> PathBuf {
    let home = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let data = home("LIPSMITH_DATA")
        .or_else(|| home("XDG_DATA_HOME").map(|d| d.join("lipsmith")))
        .or_else(|| home("HOME").map(|d| d.join(".local/share/lipsmith")));
    data.unwrap_or_default().join("models/faces")
}

/// Top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A file of `../shared`, or `None` after saying that the test is skipped.
pub fn shared(test: &str, path: &str) -> Option<String> {
    let shared = std::env::var_os("LIPSMITH_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = shared.join(path);
    if file.exists() {
        return Some(file.to_string_lossy().into_owned());
    }
    println!("SKIPPED: {test}: {} is absent", file.display());
    None
}

/// A film of bars at 25 frames a second, 320×180, with or without a tone.
pub fn write_film(path: &Path, frames: u64, with_sound: bool) {
    let (format, colour) = (PixelFormat::I420, ColourSpec::BT709);
    let timing = Timing::constant(FrameRate::FPS_25);
    let video = VideoSpec { width: 320, height: 180, format, colour, pixel_aspect: (1, 1), timing };
    let sound = AudioSpec { rate: 48_000, channels: 2 };
    let mut writer =
        MovieWriter::create(path, Profile::H264Mp4, video, with_sound.then_some(sound)).expect("a film");
    for n in 0..frames {
        let picture = synthetic::picture(n, 320, 180, format, colour).expect("a picture");
        let start = FrameRate::FPS_25.frame_start(n as i64);
        writer.write_picture(&picture, start, FrameRate::FPS_25.frame_duration()).expect("written");
        if with_sound {
            writer.write_audio(&synthetic::tone(48_000, 2, n * 1920, 1920, 440.0)).expect("written");
        }
    }
    writer.finish().expect("finished");
}

/// A mono WAV file of a tone.
pub fn write_voice(path: &Path, seconds: f64) {
    let tone = synthetic::tone(16_000, 1, 0, (seconds * 16_000.0) as usize, 220.0);
    std::fs::write(path, synthetic::wav(&tone)).expect("written");
}
