//! `lipsmith proof`: what networks are worth on people whom they have never seen, and families on films.

use super::film::DetectorName;
use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::proof::{self, FilmsProof};
use lipsmith_engine::recipe::REWRITE;
use lipsmith_engine::{EngineError, Method, finetune};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Proof {
    /// Folder of a set, whose validation people judge; or films, two at least, in which one person speaks: they are dubbed
    /// with their own voices and with one another's
    #[arg(required = true)]
    set: Vec<PathBuf>,
    /// On films: the families to judge, with commas between them
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "rewrite,lipsmith-w")]
    families: Vec<String>,
    /// On films: what finds the faces
    #[arg(long, value_enum, default_value_t = DetectorName::Auto)]
    detector: DetectorName,
    /// A checkpoint of Wav2Lip or Diff2Lip to judge; may be given several times
    #[arg(long, value_name = "FILE")]
    network: Vec<PathBuf>,
    /// How Diff2Lip's pictures are sampled, as unipc:10:half; half rounds as a draft does, inner=N walks the inner levels of
    /// the network in every N-th step only. Given several times, the first is what the others are set beside
    #[arg(long, value_name = proof::Proof::SAMPLING, default_value = "ddim:8")]
    sampling: Vec<String>,
    /// Let mouths do so many times what a network of ours hears; on films, so many times what they do there anyway
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    emphasis: f64,
    /// Judge networks of ours also told the true mouths: what painting is worth without the ear
    #[arg(long)]
    told: bool,
    /// Lip-sync expert that judges whether lips and sound agree
    #[arg(long, value_name = "FILE")]
    expert: Option<PathBuf>,
    /// Clips, at most
    #[arg(long, default_value_t = 20)]
    clips: usize,
    /// Write a PNG with examples: the film, then each method with another voice
    #[arg(long, value_name = "FILE")]
    pictures: Option<PathBuf>,
    /// cpu, cuda, metal, with :N for the Nth
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

impl Proof {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        match &self.set[..] {
            [set] if set.is_dir() => self.on_set(session),
            _ => self.on_films(session),
        }
    }

    fn on_set(mut self, session: &Session) -> Result<(), Failure> {
        let set = self.set.remove(0);
        let Proof { network, sampling, emphasis, told, expert, clips, pictures, device, .. } = self;
        let wanted = proof::Proof {
            set,
            networks: network,
            sampling,
            emphasis,
            told,
            expert,
            clips,
            pictures,
            device,
        };
        let table = proof::proof(&session.paths, &wanted, &session.report, &session.cancel)?;
        session.report.result(json!(table), || table.to_string());
        Ok(())
    }

    fn on_films(self, session: &Session) -> Result<(), Failure> {
        let of = |family: &str| Method {
            family: family.trim().into(),
            emphasis: self.emphasis as f32,
            ..Method::default()
        };
        // What shows the film's own mouths does not hear.
        let families = self.families.iter().map(|family| match of(family) {
            method if method.family == REWRITE => (Method { emphasis: 1.0, ..method }, None),
            method => (method, None),
        });
        let networks = self.network.iter().map(|file| {
            let (network, _) = finetune::generator(file)?;
            Ok((of(network.name()), Some(file.clone())))
        });
        let methods = families.map(Ok).chain(networks).collect::<Result<Vec<_>, EngineError>>()?;
        let (films, detector, device) = (self.set, self.detector.into(), self.device);
        let wanted = FilmsProof { films, methods, detector, device };
        let table = proof::films_proof(&session.paths, &wanted, &session.report, &session.cancel)?;
        session.report.result(json!(table), || table.to_string());
        Ok(())
    }
}
