//! `lipsmith score`.

use super::film::DetectorName;
use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::dub::FaceChoice;
use lipsmith_engine::score::{self, ScoreRequest};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Score {
    /// The film whose lips are judged
    film: PathBuf,
    /// The sound to judge them by, from the film's start on [default: the film's own]
    #[arg(long, value_name = "FILE")]
    voice: Option<PathBuf>,
    /// The film before it was dubbed: how far are picture, face and mouth from it
    #[arg(long, value_name = "ORIGINAL")]
    against: Option<PathBuf>,
    /// A set (`lipsmith dataset`) of true faces: how far are the film's from them as a crowd (FID, by the imported weights of
    /// Inception)
    #[arg(long, value_name = "SET")]
    set: Option<PathBuf>,
    /// A script (.srt, .vtt, .csv, .edl) whose lines are scored one by one
    #[arg(long, value_name = "SCRIPT")]
    lines: Option<PathBuf>,
    /// Whose lips: a number from `lipsmith track`, or auto for the most prominent person
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    face: String,
    /// What finds the faces
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    /// Weights of SyncNet v2 or of a lip-sync expert [default: the imported ones, else the compact one that the
    /// program carries]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// auto, cpu, cuda or metal
    #[arg(long, default_value = "auto")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

impl Score {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let request = ScoreRequest {
            face: face_choice(&self.face)?,
            film: self.film,
            voice: self.voice,
            against: self.against,
            set: self.set,
            lines: self.lines,
            detector: self.detector.into(),
            checkpoint: self.checkpoint,
            device: self.device,
        };
        let scored = score::score(&session.paths, &request, &session.report, &session.cancel)?;
        session.report.result(json!(scored), || scored.to_string());
        Ok(())
    }
}

/// `auto`, or a person's number.
pub fn face_choice(text: &str) -> Result<FaceChoice, Failure> {
    match text {
        "auto" => Ok(FaceChoice::Auto),
        number => number.parse().map(FaceChoice::Person).map_err(|_| {
            Failure::Usage(format!("--face {number}: give auto or a number from `lipsmith track`"))
        }),
    }
}
