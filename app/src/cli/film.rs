//! `lipsmith probe` and `lipsmith track`: what a film is and who is in it.

use super::{Failure, Output, Session};
use clap::{Args, ValueEnum};
use lipsmith_engine::{AudioInfo, Detector, MediaInfo, Timing, VideoInfo, media_info, track};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Probe {
    film: PathBuf,
    #[command(flatten)]
    pub output: Output,
}

impl Probe {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let info = media_info(&self.film)?;
        session.report.result(json!(info), || words(&info));
        Ok(())
    }
}

#[derive(Args)]
pub struct Track {
    film: PathBuf,
    /// Write the film with the faces drawn in
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    /// What finds the faces
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum DetectorName {
    /// The best that is installed
    Auto,
    /// MediaPipe's detector and mesh, the standard
    Mediapipe,
    /// S³FD, if its weights were imported: thorough and slow
    S3fd,
    /// The one inside the program: boxes only
    Rustface,
}

impl From<DetectorName> for Detector {
    fn from(name: DetectorName) -> Detector {
        match name {
            DetectorName::Auto => Detector::Auto,
            DetectorName::Mediapipe => Detector::MediaPipe,
            DetectorName::S3fd => Detector::S3fd,
            DetectorName::Rustface => Detector::Rustface,
        }
    }
}

impl Track {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let Session { paths, report, cancel } = session;
        let found = track::track(paths, &self.film, self.detector.into(), report, cancel)?;
        if let Some(overlay) = &self.overlay {
            track::write_overlay(&self.film, &found, overlay, &session.report, &session.cancel)?;
        }
        let people = found.summary();
        session.report.result(json!(people), || people.to_string());
        Ok(())
    }
}

fn words(info: &MediaInfo) -> String {
    let mut lines =
        vec![format!("{}: {}, {:.3} s", info.path.display(), info.container, info.duration.secs_f64())];
    lines.extend(info.video.as_ref().map(picture));
    lines.extend(info.audio.as_ref().map(sound));
    lines.extend(info.notes.iter().map(|note| format!("  note: {note}")));
    lines.join("\n")
}

fn picture(video: &VideoInfo) -> String {
    let VideoInfo { codec, width, height, frames, .. } = video;
    let rate = match video.timing {
        Timing::Constant { rate } => format!("{rate} fps"),
        Timing::Variable { mean, .. } => format!("variable, {mean:.3} fps on average"),
    };
    let mut text = format!("  picture: {codec}, {width}×{height}, {rate}, {frames} frames");
    let format = video.format;
    text += &format!(", {:?} {} bit", format.chroma, format.depth);
    let colour = video.colour;
    text += &format!(", {:?} {} range", colour.matrix, if colour.full_range { "full" } else { "video" });
    if video.rotation != 0 {
        text += &format!(", turned upright by {}°", video.rotation);
    }
    if video.pixel_aspect != (1, 1) {
        text += &format!(", pixels {}:{}", video.pixel_aspect.0, video.pixel_aspect.1);
    }
    if video.interlaced {
        text += ", interlaced";
    }
    text
}

fn sound(audio: &AudioInfo) -> String {
    let AudioInfo { codec, rate, layout, duration, .. } = audio;
    format!("  sound: {codec}, {rate} Hz, {layout}, {:.3} s", duration.secs_f64())
}
