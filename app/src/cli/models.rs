//! `lipsmith models`: which weights are installed, taking in a checkpoint, looking into one.

use super::{Failure, Output, Session};
use clap::{Args, Subcommand};
use lipsmith_engine::EngineError;
use lipsmith_engine::models::{self, FamilyState, Model, Pace, Registry, Report};
use lipsmith_engine::train::{self, TRAINABLE};
use serde_json::json;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct Models {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Subcommand)]
enum Action {
    /// What is installed, and what each family still needs
    List,
    /// Take in a published checkpoint of any container; nothing in it is executed
    Import { file: PathBuf },
    /// Write a network that was trained here in half precision, as networks are shipped
    Export {
        #[arg(value_parser = TRAINABLE)]
        network: String,
        file: PathBuf,
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
        /// Terms under which it is given on [default: those that the file tells, of what it learned from]
        #[arg(long)]
        terms: Option<String>,
    },
    /// Say what a file is and whether it is whole; writes nothing
    Verify { file: PathBuf },
}

impl Models {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let mut registry = Registry::open(&session.paths.data).map_err(EngineError::from)?;
        match self.action {
            Action::List => {
                let installed: Vec<_> = registry.models().collect();
                let families = registry.families();
                let event = json!({"installed": installed, "families": families});
                session.report.result(event, || list(&installed, &families));
            }
            Action::Import { file } => {
                let model =
                    registry.import(&file, &session.report, &session.cancel).map_err(EngineError::from)?;
                session.report.result(json!(model), || {
                    format!("{}: {}\n  terms: {}", file.display(), describe(&model), model.licence)
                });
            }
            Action::Export { network, file, out, terms } => {
                train::export(&network, &file, &out, terms.as_deref())?;
                session.report.result(json!({"file": out}), || format!("{} is written", out.display()));
            }
            Action::Verify { file } => {
                let found =
                    models::verify(&file, &session.report, &session.cancel).map_err(EngineError::from)?;
                session.report.result(json!(found), || verdict(&found));
                if !found.is_sound() {
                    return Err(Failure::Unsound(format!(
                        "{} cannot be used: {}",
                        file.display(),
                        found.defects.join("; ")
                    )));
                }
            }
        }
        Ok(())
    }
}

fn describe(model: &Model) -> String {
    let published =
        model.published.as_deref().map_or(String::new(), |name| format!(", the published {name}"));
    format!("{} ({}){published}, {} MB", model.network, model.variant, model.bytes / 1_000_000)
}

fn list(installed: &[&Model], families: &[FamilyState]) -> String {
    let mut text = String::new();
    for model in installed {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n  terms: {}", describe(model), model.licence);
    }
    if installed.is_empty() {
        text.push_str("No weights are installed. The family rewrite needs none.\n");
    }
    for family in families {
        let state = if family.is_ready() { "ready".to_string() } else { missing(family) };
        let _ = writeln!(text, "{:16} {state}", family.family);
        let pace = family.pace.map(|pace| match pace {
            Pace::Film => "about film speed",
            Pace::Steady => "below a second a frame",
            Pace::Slow => "many seconds a frame",
        });
        let facts = pace.map(String::from).into_iter().chain(family.licence.clone());
        let facts = facts.collect::<Vec<_>>().join("; ");
        if !facts.is_empty() {
            let _ = writeln!(text, "{:16} {facts}", "");
        }
    }
    text.trim_end().to_string()
}

fn missing(family: &FamilyState) -> String {
    let lacks = family.lacks.iter().map(|lack| match lack.files.as_slice() {
        [] => lack.title.to_string(),
        files => format!("{} ({})", lack.title, files.join(" or ")),
    });
    format!("needs {}", lacks.collect::<Vec<_>>().join(", "))
}

fn verdict(report: &Report) -> String {
    let network = report.network.map_or("unknown network".to_string(), |network| network.to_string());
    let variant = report.variant.as_deref().unwrap_or("-");
    let published = report.published.unwrap_or("not a published file that is known by its digest");
    format!(
        "{}: {network} ({variant})\n  container: {}, {} tensors, {} of them the network's\n  SHA-256: {} ({published})\n  terms: {}",
        report.path.display(),
        report.container,
        report.tensors,
        report.used,
        report.sha256,
        report.licence.as_deref().unwrap_or("-")
    )
}
