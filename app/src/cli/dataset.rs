//! `lipsmith dataset`: sets to train on, from nobody and from films.

use super::{Failure, Output, Session};
use clap::{Args, Subcommand};
use lipsmith_engine::dataset::{self, Build, Procedural};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Dataset {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Subcommand)]
enum Action {
    /// Make people who do not exist speak: licence-free, with the truth of every frame
    Speaker {
        /// Folder of the set; what is in it already stays
        #[arg(short, long, value_name = "SET")]
        out: PathBuf,
        /// How many people
        #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=0xf_ffff))]
        people: u32,
        /// Length of each person's clip
        #[arg(long, default_value_t = 6.0, value_parser = seconds)]
        seconds: f64,
        /// Pixels of the square pictures
        #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(32..=1024))]
        side: u32,
        /// Another seed is other people
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=0xfff))]
        seed: u64,
        /// Share of people who speak by flite (English, voices cut from recordings) instead of by espeak-ng, 0 to 1
        #[arg(long, default_value_t = 0.0, value_parser = share)]
        flite: f32,
    },
    /// Cut the faces of films, with their sound
    Build {
        /// Films of one subfolder show the same person; films right in the folder different people
        #[arg(value_name = "FOLDER")]
        films: PathBuf,
        /// Folder of the set; what is in it already stays
        #[arg(short, long, value_name = "SET")]
        out: PathBuf,
        /// All films show one person
        #[arg(long)]
        same_person: bool,
        /// A film to keep for validation; may be given several times
        #[arg(long, value_name = "FILM")]
        validation: Vec<PathBuf>,
        /// Pixels of the square pictures
        #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(32..=1024))]
        side: u32,
    },
}

/// A clip is a second at least, and is held in memory.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (1.0..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds, 1 to 600".into()),
    }
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("a share, 0 to 1".into()),
    }
}

impl Dataset {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let Session { paths, report, cancel } = session;
        match self.action {
            Action::Speaker { out, people, seconds, side, seed, flite } => {
                let frames = (seconds * 25.0).round() as usize;
                let plan = Procedural { people, frames, side: side as usize, seed, flite };
                let counts = dataset::speaker(&out, &plan, report, cancel)?;
                report.result(json!(counts), || {
                    format!(
                        "{} holds {} people, {} pictures, {:.2} hours",
                        out.display(),
                        counts.people,
                        counts.frames,
                        counts.hours
                    )
                });
            }
            Action::Build { films, out, same_person, validation, side } => {
                let build = Build { films, actor: false, same_person, validation, side: side as usize };
                // No expert that judges the sync is in the house yet; when it is, it examines here.
                let examine = |_: &_| Ok(());
                let built = dataset::build(paths, &out, &build, &examine, report, cancel)?;
                report.result(json!(built), || built.to_string());
            }
        }
        Ok(())
    }
}
