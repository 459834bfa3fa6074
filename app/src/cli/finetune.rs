//! `lipsmith finetune`: teaches a network one actor, from the film itself.

use super::{Failure, Output, Session};
use clap::Args;
use lipsmith_engine::finetune::{self, Finetune};
use lipsmith_engine::train::Schedule;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct FinetuneArgs {
    /// A film, or a folder of films, of the actor: who is seen most
    film: PathBuf,
    /// What to begin with: a checkpoint's file, or a family whose weights are there (lipsmith-w, wav2lip, diff2lip)
    #[arg(long, value_name = "FILE|FAMILY", default_value = "lipsmith-w")]
    base: String,
    /// Folder of the run: its set, state, networks, curve and pictures
    #[arg(short, long, value_name = "RUN")]
    out: PathBuf,
    /// A film of the actor to judge by instead of the last stretch of each; may be given several times
    #[arg(long, value_name = "FILM")]
    held_out: Vec<PathBuf>,
    /// Steps in all, those before a --resume counted in
    #[arg(long, default_value_t = 2000)]
    steps: u64,
    /// Windows a step
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Learning rate
    #[arg(long, default_value_t = 1e-4)]
    lr: f64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lip-sync expert that judges beside the picture
    #[arg(long, value_name = "FILE")]
    expert: Option<PathBuf>,
    /// How much more pixels around the lips count than others
    #[arg(long, default_value_t = 2.0)]
    lips: f32,
    /// Learn only corrections of this rank to the weights, usually 4 to 16, instead of all of them
    #[arg(long, value_name = "RANK")]
    adapter: Option<usize>,
    /// Take steps at half precision: quicker where the processor has a matrix unit (AMX)
    #[arg(long)]
    half_precision: bool,
    /// Examine and save after so many steps
    #[arg(long, default_value_t = 200)]
    examine_every: u64,
    /// Stop when so many examinations in a row brought nothing better
    #[arg(long, default_value_t = 3)]
    patience: u32,
    /// Go on from the run's state
    #[arg(long)]
    resume: bool,
    /// cpu, cuda, metal, with :N for the Nth
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    pub output: Output,
}

impl FinetuneArgs {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let wanted = Finetune {
            film: self.film,
            held_out: self.held_out,
            base: self.base,
            expert: self.expert,
            batch: self.batch,
            rate: self.lr,
            seed: self.seed,
            lips: self.lips,
            adapter: self.adapter,
            half_precision: self.half_precision,
        };
        let schedule = Schedule {
            folder: self.out,
            steps: self.steps,
            save_every: self.examine_every,
            examine_every: self.examine_every,
            patience: Some(self.patience),
            resume: self.resume,
            device: self.device,
        };
        let done = finetune::finetune(&session.paths, &wanted, &schedule, &session.report, &session.cancel)?;
        session.report.result(json!(done), || {
            let outcome = &done.outcome;
            let best = outcome
                .best
                .map_or(String::new(), |best| format!(", best {best:.4} at step {}", outcome.best_step));
            format!("{}\n{} steps{best}\ninstalled as {}", done.set, outcome.step, done.model.file)
        });
        Ok(())
    }
}
