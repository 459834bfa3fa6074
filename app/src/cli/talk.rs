//! `lipsmith talk`.

use super::film::DetectorName;
use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::export::profile_for;
use lipsmith_engine::talk::{self, TalkRequest};
use lipsmith_engine::{Method, PROFILES};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Talk {
    /// The photo: a still picture that shows a face from the front
    photo: PathBuf,
    /// The voice: any sound file, or a film with sound
    voice: PathBuf,
    /// The finished film
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// Which of several faces talks, counted from the left
    #[arg(long, value_name = "N")]
    face: Option<usize>,
    /// What finds the face
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    /// Weights of Diffused Heads' U-Net [default: the imported ones]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// ddpm (as published), ddim, dpm++ or unipc
    #[arg(long, default_value = "ddpm")]
    sampler: String,
    /// Denoising steps
    #[arg(long, value_name = "N", default_value_t = 100)]
    steps: u32,
    /// Seed of the noise
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// Every N frames the head is reminded of the photo, so that it does not drift away from it
    #[arg(long, value_name = "N")]
    stabilise: Option<usize>,
    /// Pixels of the film's side
    #[arg(long, value_name = "N", default_value_t = 256)]
    size: usize,
    /// auto, cpu, cuda or metal
    #[arg(long, default_value = "auto")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

impl Talk {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let profile = profile_for(&self.out).ok_or_else(|| {
            let known = PROFILES.iter().map(|p| p.extension()).collect::<Vec<_>>().join(", ");
            Failure::Usage(format!("{}: its ending names no film format ({known})", self.out.display()))
        })?;
        let request = TalkRequest {
            photo: self.photo,
            voice: self.voice,
            output: self.out,
            face: self.face,
            detector: self.detector.into(),
            method: Method {
                family: "diffused-heads".into(),
                sampler: self.sampler,
                steps: self.steps,
                seed: self.seed,
                ..Method::default()
            },
            checkpoint: self.checkpoint,
            device: self.device,
            steady: self.stabilise,
            size: self.size,
            profile,
        };
        let done = talk::talk(&session.paths, &request, &session.report, &session.cancel)?;
        session.report.result(json!(done), || done.to_string());
        Ok(())
    }
}
