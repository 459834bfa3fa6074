//! `lipsmith compare`.

use super::film::DetectorName;
use super::score::face_choice;
use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::compare::{self, CompareRequest};
use lipsmith_engine::export::profile_for;
use lipsmith_engine::{Method, PROFILES, Timecode, media_info};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Compare {
    /// The film
    film: PathBuf,
    /// The dubbed voice
    voice: PathBuf,
    /// The families, with commas between them; each needs its weights
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    families: Vec<String>,
    /// The sheet: a film; a contact sheet (.png) and a table (.md) are written beside it
    #[arg(short, long, value_name = "OUT")]
    out: PathBuf,
    /// Where the voice begins, as for `lipsmith dub`
    #[arg(long, value_name = "TC")]
    at: Option<String>,
    /// What finds the faces
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    /// Who speaks: a number from `lipsmith track`, or auto for the most prominent person
    #[arg(long, value_name = "auto|N", default_value = "auto")]
    face: String,
    /// ddim, ddpm, dpm++ or unipc, for diffusion families
    #[arg(long, default_value = "ddim")]
    sampler: String,
    /// Denoising steps, for diffusion families
    #[arg(long, value_name = "N", default_value_t = 25)]
    steps: u32,
    /// Seed of the initial noise, for diffusion families
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
    /// auto, cpu, cuda or metal
    #[arg(long, default_value = "auto")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

impl Compare {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let profile = profile_for(&self.out).ok_or_else(|| {
            let known = PROFILES.iter().map(|p| p.extension()).collect::<Vec<_>>().join(", ");
            Failure::Usage(format!("{}: its ending names no film format ({known})", self.out.display()))
        })?;
        let info = media_info(&self.film)?;
        let labels = info.video.map(|video| Timecode::non_drop(video.timing.base()));
        let labels =
            labels.ok_or_else(|| Failure::Usage(format!("{} has no picture", self.film.display())))?;
        let at = self.at.as_deref().map(|text| labels.parse(text)).transpose();
        let method = |family: &String| Method {
            family: family.trim().to_string(),
            sampler: self.sampler.clone(),
            steps: self.steps,
            seed: self.seed,
            ..Method::default()
        };
        let request = CompareRequest {
            methods: self.families.iter().map(method).collect(),
            at: at.map_err(|e| Failure::Usage(e.to_string()))?,
            face: face_choice(&self.face)?,
            film: self.film,
            voice: self.voice,
            output: self.out,
            profile,
            ranges: Vec::new(),
            detector: self.detector.into(),
            device: self.device,
        };
        let done = compare::compare(&session.paths, &request, &session.report, &session.cancel)?;
        session.report.result(json!(done), || done.to_string());
        Ok(())
    }
}
