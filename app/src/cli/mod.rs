//! The command line: arguments in, engine jobs, words or JSON lines out. Without a command it opens the window.

mod compare;
mod dataset;
mod dub;
mod film;
mod finetune;
mod manual;
mod models;
mod proof;
mod report;
mod sample;
mod score;
mod talk;
mod train;

use crate::window::{self, Drawing};
use clap::{Args, Parser, Subcommand};
use lipsmith_engine::{Cancel, EngineError, Paths};
use report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

/// Dubs films: makes the actor's lips speak the new line.
#[derive(Parser)]
#[command(name = "lipsmith", version, max_term_width = 100, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// A project, or films and voices, to open in the window
    files: Vec<PathBuf>,
    /// What draws the window; glow is OpenGL, for machines without a graphics processor
    #[arg(long, value_enum, default_value_t, env = "LIPSMITH_DRAWING")]
    drawing: Drawing,
    /// Begun by a Lipsmith that has crashed
    #[arg(long, hide = true)]
    after_crash: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a media file is
    Probe(film::Probe),
    /// Find the shots and the people of a film
    Track(film::Track),
    /// Make the actor of a film speak a voice
    Dub(Box<dub::Dub>),
    /// Several families on one line side by side, with scores
    Compare(Box<compare::Compare>),
    /// Make a talking head of one picture and a voice
    Talk(Box<talk::Talk>),
    /// Measure lip-sync, and how far a film is from what it was made of
    Score(score::Score),
    /// Networks' weights: what is installed, import a checkpoint, check one
    Models(models::Models),
    /// Teach a network from a set of clips
    Train(Box<train::Train>),
    /// Teach a network one actor, from the film's own faces and original speech
    Finetune(Box<finetune::FinetuneArgs>),
    /// Sets of clips to train networks on
    Dataset(dataset::Dataset),
    /// Judge networks on people they have never seen
    Proof(proof::Proof),
    /// The sample that Lipsmith brings along
    Sample(sample::Sample),
    /// Print the manual's page of keyboard shortcuts
    #[command(hide = true)]
    Manual(manual::Manual),
}

#[derive(Args)]
struct Output {
    /// Print one JSON event a line on standard output instead of words
    #[arg(long, global = true)]
    json: bool,
}

/// A command's failure: arguments that do not fit the material end with 2, anything else with 1.
enum Failure {
    Usage(String),
    /// The file that was looked into is of no use.
    Unsound(String),
    Engine(EngineError),
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Failure {
        match error {
            EngineError::Request(words) => Failure::Usage(words),
            other => Failure::Engine(other),
        }
    }
}

/// What every command gets.
struct Session {
    paths: Paths,
    report: Report,
    cancel: Cancel,
}

/// Parses the arguments, runs the command and says how it ended.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command else { return open_window(cli) };
    let json = match &command {
        Command::Probe(args) => args.output.json,
        Command::Track(args) => args.output.json,
        Command::Dub(args) => args.output.json,
        Command::Compare(args) => args.output.json,
        Command::Talk(args) => args.output.json,
        Command::Score(args) => args.output.json,
        Command::Models(args) => args.output.json,
        Command::Train(args) => args.output.json,
        Command::Finetune(args) => args.output.json,
        Command::Dataset(args) => args.output.json,
        Command::Proof(args) => args.output.json,
        Command::Sample(args) => args.output.json,
        Command::Manual(_) => false,
    };
    let report = Report::new(json);
    let ended = session(report.clone()).and_then(|session| match command {
        Command::Probe(args) => args.run(&session),
        Command::Track(args) => args.run(&session),
        Command::Dub(args) => args.run(&session),
        Command::Compare(args) => args.run(&session),
        Command::Talk(args) => args.run(&session),
        Command::Score(args) => args.run(&session),
        Command::Models(args) => args.run(&session),
        Command::Train(args) => args.run(&session),
        Command::Finetune(args) => args.run(&session),
        Command::Dataset(args) => args.run(&session),
        Command::Proof(args) => args.run(&session),
        Command::Sample(args) => args.run(&session),
        Command::Manual(args) => args.run(&session),
    });
    report.close();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Engine(EngineError::Cancelled)) => {
            report.failure("cancelled; what was finished is kept, and the same command goes on from there");
            ExitCode::from(130)
        }
        Err(Failure::Usage(words)) => {
            report.failure(&words);
            ExitCode::from(2)
        }
        Err(failure @ (Failure::Unsound(_) | Failure::Engine(_))) => {
            report.failure(&match failure {
                Failure::Engine(error) => error.to_string(),
                Failure::Unsound(words) | Failure::Usage(words) => words,
            });
            ExitCode::FAILURE
        }
    }
}

fn open_window(Cli { files, drawing, after_crash, .. }: Cli) -> ExitCode {
    let ended = folders().map_err(|e| e.to_string());
    match ended.and_then(|paths| window::run(paths, files, drawing, after_crash)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            Report::new(false).failure(&words);
            ExitCode::FAILURE
        }
    }
}

fn folders() -> Result<Paths, EngineError> {
    let paths = Paths::of_user()?;
    lipsmith_engine::keep_scans(&paths);
    Ok(paths)
}

fn session(report: Report) -> Result<Session, Failure> {
    let paths = folders()?;
    let cancel = Cancel::new();
    let asked = cancel.clone();
    ctrlc::set_handler(move || {
        // Asked twice: whoever waits does not want to wait any longer.
        if asked.is_cancelled() {
            std::process::exit(130);
        }
        asked.cancel();
    })
    .map_err(|e| Failure::Usage(format!("cannot listen for Ctrl-C: {e}")))?;
    Ok(Session { paths, report, cancel })
}
