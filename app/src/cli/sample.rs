//! `lipsmith sample`: how the sample in `resources/sample` was made.

use super::{Failure, Output, Session};
use clap::{Args, Subcommand};
use lipsmith_engine::{EngineError, sample};
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub struct Sample {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Subcommand)]
enum Action {
    /// Render the talking presenter and the line to dub him with
    Render {
        /// Folder for the files
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
    },
}

impl Sample {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let Action::Render { out } = self.action;
        sample::render_sample(&out, &session.report, &session.cancel).map_err(EngineError::from)?;
        session.report.result(json!({"folder": out}), || format!("The sample is in {}", out.display()));
        Ok(())
    }
}
