//! `lipsmith proof`: what networks are worth on people whom they have never seen.

use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::proof;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Proof {
    /// Folder of the set; its validation people judge
    set: PathBuf,
    /// A checkpoint of Wav2Lip or Diff2Lip to judge; may be given several times
    #[arg(long, value_name = "FILE")]
    network: Vec<PathBuf>,
    /// How Diff2Lip's pictures are sampled, as unipc:10:half; half rounds as a draft does, inner=N walks the inner levels of
    /// the network in every N-th step only. Given several times, the first is what the others are set beside
    #[arg(long, value_name = proof::Proof::SAMPLING, default_value = "ddim:8")]
    sampling: Vec<String>,
    /// Let mouths do so many times what a network of ours hears
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
        let Proof { set, network, sampling, emphasis, told, expert, clips, pictures, device, .. } = self;
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
}
