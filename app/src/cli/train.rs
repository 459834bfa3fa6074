//! `lipsmith train`: teaches a network from a set of clips; stops, resumes and reports like every job.

use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::train::{self, Diffusion, Schedule, TRAINABLE, Training};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Train {
    /// Which network
    #[arg(value_parser = TRAINABLE)]
    network: String,
    /// Folder of a set to learn from; may be given several times
    #[arg(long, value_name = "SET", required = true)]
    data: Vec<PathBuf>,
    /// Folder of the run: its state, networks, curve and pictures
    #[arg(short, long, value_name = "RUN")]
    out: PathBuf,
    /// Steps in all, those before a --resume counted in
    #[arg(long, default_value_t = 100_000)]
    steps: u64,
    /// Windows a step; published: 16 for wav2lip, 64 for lipsync-expert
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Learning rate
    #[arg(long, default_value_t = 1e-4)]
    lr: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Channels of a fresh network's first layer; published: 16 for wav2lip, 32 for lipsync-expert
    #[arg(long)]
    width: Option<usize>,
    /// Begin with these weights instead of fresh ones
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Lip-sync expert that judges a generator
    #[arg(long, value_name = "FILE")]
    expert: Option<PathBuf>,
    /// What the expert's verdict counts beside the picture's, 0 to 1
    #[arg(long, value_name = "WEIGHT")]
    sync: Option<f64>,
    /// A discriminator of this width learns beside a generator: of single pictures for wav2lip, of five in a row for
    /// diff2lip
    #[arg(long, value_name = "WIDTH")]
    quality: Option<usize>,
    /// How much more pixels around the lips count than others
    #[arg(long, default_value_t = 0.0)]
    lips: f32,
    /// Share of windows whose mouth the truth tells a generator instead of the sound, 0 to 1. Between them the ear
    /// learns from it; at 1 it rests, to be taught by wav2lip-ear or diff2lip-ear. For lipsync-expert: how much of its
    /// loss is what each tower says by itself of the mouth's true motion, a beginning from which the published loss
    /// goes on
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    told: f64,
    /// Let wav2lip warp its reference where that shows what is wanted, and paint only the rest: sharp pictures from a small
    /// network. A network of --from that only paints begins to warp; one that warps goes on with it
    #[arg(long)]
    warp: bool,
    /// Shorten gradients longer than this; 1 by default for diff2lip
    #[arg(long, value_name = "LENGTH")]
    clip: Option<f64>,
    /// What the moving average of the weights keeps of itself in a step
    #[arg(long, value_name = "SHARE")]
    average: Option<f64>,
    /// Learn only corrections of this rank to the weights of --from instead of all of them
    #[arg(long, value_name = "RANK", requires = "from")]
    adapter: Option<usize>,
    /// Take steps at half precision: quicker where the processor has a matrix unit (AMX)
    #[arg(long)]
    half_precision: bool,
    #[command(flatten)]
    diffusion: Painter,
    /// Write the state after so many steps
    #[arg(long, default_value_t = 500)]
    save_every: u64,
    /// Examine unseen people after so many steps
    #[arg(long, default_value_t = 1000)]
    examine_every: u64,
    /// Stop when so many examinations in a row brought nothing better
    #[arg(long)]
    patience: Option<u32>,
    /// Go on from the run's state
    #[arg(long)]
    resume: bool,
    /// cpu, cuda, metal, with :N for the Nth
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

/// Settings of the networks that paint by denoising, and of vq, which serves one
#[derive(Args)]
#[command(next_help_heading = "Networks that denoise")]
struct Painter {
    /// Pixels of the pictures of a fresh diff2lip [default: 96], of vq and difftalk [default: 256]
    #[arg(long)]
    side: Option<usize>,
    /// Residual blocks of each level of a fresh network
    #[arg(long, default_value_t = Diffusion::default().depth)]
    depth: usize,
    /// Take over the ear of this network (`train diff2lip-ear`); for diffused-heads its sound encoder, which stands still
    #[arg(long, value_name = "FILE")]
    ear: Option<PathBuf>,
    /// A wav2lip that listens for a fresh diff2lip and makes its references: a compact network that finishes its pictures
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "ear", "side"])]
    draft: Option<PathBuf>,
    /// The autoencoder in whose latent space difftalk paints (`train vq`)
    #[arg(long, value_name = "FILE")]
    first_stage: Option<PathBuf>,
    /// What the recovered picture counts beside the noise; the paper's losses without it and without --expert, --looks
    /// and --quality are the noise's alone
    #[arg(long, value_name = "WEIGHT", default_value_t = Diffusion::default().picture)]
    picture: f64,
    /// What the variational term counts
    #[arg(long, value_name = "WEIGHT", default_value_t = Diffusion::default().variance)]
    variance: f64,
    /// LPIPS' weights, by which looks are judged: `lpips.LPIPS(net="alex").state_dict()` as a file, or "vgg"
    #[arg(long, value_name = "FILE")]
    lpips: Option<PathBuf>,
    /// What the recovered pictures' looks count: by LPIPS if given, else by the expert's features [default: 0.25 with
    /// --lpips, else 0]
    #[arg(long, value_name = "WEIGHT")]
    looks: Option<f64>,
    /// What the verdict of the discriminator (--quality) counts [default: 0.5]
    #[arg(long, value_name = "WEIGHT")]
    adversary: Option<f64>,
    /// Go through a batch in so many parts: less memory, the same step
    #[arg(long, default_value_t = Diffusion::default().parts)]
    parts: usize,
    /// Denoising steps in examinations
    #[arg(long, value_name = "STEPS", default_value_t = Diffusion::default().sampling)]
    sampling: usize,
}

impl Train {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let Painter {
            side,
            depth,
            ear,
            draft,
            first_stage,
            picture,
            variance,
            lpips,
            looks,
            adversary,
            parts,
            sampling,
        } = self.diffusion;
        let diffusion = Diffusion::of(&self.network).map(|usual| Diffusion {
            side: side.unwrap_or(usual.side),
            depth,
            ear,
            draft,
            first_stage,
            picture,
            variance,
            lpips,
            looks,
            adversary,
            parts,
            sampling,
        });
        let training = Training {
            clip: self.clip,
            average: self.average,
            adapter: self.adapter,
            half_precision: self.half_precision,
            diffusion,
            network: self.network,
            data: self.data,
            batch: self.batch,
            rate: self.lr,
            seed: self.seed,
            width: self.width,
            from: self.from,
            expert: self.expert,
            sync: self.sync,
            quality: self.quality,
            lips: self.lips,
            told: self.told,
            warp: self.warp,
        };
        let schedule = Schedule {
            folder: self.out,
            steps: self.steps,
            save_every: self.save_every,
            examine_every: self.examine_every,
            patience: self.patience,
            resume: self.resume,
            device: self.device,
        };
        let outcome = train::train(&training, &schedule, &session.report, &session.cancel)?;
        session.report.result(json!(outcome), || {
            let best = outcome
                .best
                .map_or(String::new(), |best| format!(", best {best:.4} at step {}", outcome.best_step));
            format!("{} steps{best}: {}", outcome.step, outcome.network.display())
        });
        Ok(())
    }
}
