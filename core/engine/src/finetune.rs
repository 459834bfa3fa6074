//! Fine-tuning to an actor: a set cut from the film's own face track and original speech, a network that begins with
//! known weights, and the result among the installed models, with its ancestry and terms.

use crate::dataset::{self, Build, Built};
use crate::error::EngineError;
use crate::models::{Model, Registry};
use crate::paths::Paths;
use crate::shipped;
use crate::train::{self, Diffusion, Outcome, Schedule, Training};
use lipsmith_base::{Cancel, Sink};
use lipsmith_lipsync::FAMILIES;
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::wav2lip::FACE;
use lipsmith_nets::zoo::{self, Network, Variant};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to learn from whom.
#[derive(Clone, Debug)]
pub struct Finetune {
    /// A film, or a folder of films, in which the actor is who is seen most.
    pub film: PathBuf,
    /// Films of the actor that are not learned from but judged by; else the last stretch of each is.
    pub held_out: Vec<PathBuf>,
    /// A file, or the name of a family whose weights are installed.
    pub base: String,
    pub expert: Option<PathBuf>,
    pub batch: usize,
    pub rate: f64,
    pub seed: u64,
    /// How much more the pixels around the lips count.
    pub lips: f32,
    /// Only corrections of this rank to the weights learn.
    pub adapter: Option<usize>,
    /// See [`Training`].
    pub half_precision: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Finetuned {
    pub set: Built,
    pub outcome: Outcome,
    pub model: Model,
}

/// Builds the set in the schedule's folder, trains there, and installs the best network.
///
/// # Errors
/// A base that is no generator or is not installed, a film that gives nothing to learn from or to judge by, and what
/// [`train::train`] says. Whatever was reached stays in the folder; resumed, it goes on.
pub fn finetune(
    paths: &Paths,
    wanted: &Finetune,
    schedule: &Schedule,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Finetuned, EngineError> {
    let (from, network, side) = base(paths, &wanted.base)?;
    sink.note(format!("begins with {} ({network})", from.display()));
    let data = schedule.folder.join("set");
    std::fs::create_dir_all(&data).map_err(EngineError::file("make the folder", &data))?;
    let build = Build {
        films: wanted.film.clone(),
        actor: true,
        same_person: true,
        validation: wanted.held_out.clone(),
        side,
    };
    let set = dataset::build(paths, &data, &build, &|_| Ok(()), sink, cancel)?;
    if set.counts.validation_frames == 0 || set.counts.validation_frames == set.counts.frames {
        return Err(EngineError::Request(format!(
            "{} shows the actor in one stretch of at most ten seconds: there is nothing to learn from and yet to judge \
             by; give a longer film, or another one of the actor with --held-out FILM",
            wanted.film.display()
        )));
    }
    let diffusion = (network == Network::Diff2Lip).then(Diffusion::default);
    let training = Training {
        network: network.name().into(),
        data: vec![data],
        batch: wanted.batch,
        rate: wanted.rate,
        seed: wanted.seed,
        width: None,
        from: Some(from),
        expert: wanted.expert.clone(),
        sync: None,
        quality: None,
        lips: wanted.lips,
        told: 0.0,
        warp: false,
        clip: None,
        average: None,
        adapter: wanted.adapter,
        half_precision: wanted.half_precision,
        diffusion,
    };
    // Cancelled while the set was being built there is nothing to resume yet.
    let resume = schedule.resume && schedule.folder.join("run.json").exists();
    let schedule = Schedule { resume, ..schedule.clone() };
    let outcome = train::train(&training, &schedule, sink, cancel)?;
    let model = Registry::open(&paths.data)?.import(&outcome.network, sink, cancel)?;
    Ok(Finetuned { set, outcome, model })
}

/// The weights to begin with, their network, and the side of its pictures.
fn base(paths: &Paths, name: &str) -> Result<(PathBuf, Network, usize), EngineError> {
    let file = match FAMILIES.iter().find(|family| family.name == name) {
        None => PathBuf::from(name),
        Some(family) => {
            let carried = if family.shipped { shipped::weights(name, &paths.data)? } else { None };
            let registry = Registry::open(&paths.data)?;
            let installed = || family.network.and_then(|network| registry.installed(network));
            carried.or_else(installed).ok_or_else(|| {
                EngineError::Request(format!(
                    "--base {name}: no weights of it are installed; import them, or give a checkpoint's file"
                ))
            })?
        }
    };
    let (network, side) = generator(&file)?;
    Ok((file, network, side))
}

/// The network in a file that can be taught an actor, and the side of its pictures.
pub fn generator(file: &Path) -> Result<(Network, usize), EngineError> {
    let checkpoint = Checkpoint::open(file).map_err(|e| EngineError::Network(e.into()))?;
    let found = zoo::recognise(&checkpoint);
    match found.as_ref().map(|found| (found.network, &found.variant)) {
        Ok((Network::Wav2Lip, _)) => Ok((Network::Wav2Lip, FACE)),
        Ok((Network::Diff2Lip, Variant::Diff2Lip(config))) => Ok((Network::Diff2Lip, config.image_size)),
        Ok((other, _)) => Err(EngineError::Request(format!(
            "{} is {}, which is not fine-tuned here; give a checkpoint of wav2lip or diff2lip",
            file.display(),
            other.about().title
        ))),
        Err(words) => Err(EngineError::Request(format!("{}: {words}", file.display()))),
    }
}
