//! The job of training a network: settings in, a run's folder out. What is learned how stands in `lipsmith_train`.

use crate::error::EngineError;
use candle_core::{DType, Device};
use lipsmith_base::{Cancel, Sink};
use lipsmith_nets::device;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::zoo::{self, Network};
use lipsmith_train::TrainError;
use lipsmith_train::dataset::Set;
use lipsmith_train::optim::Settings;
use lipsmith_train::recipes::ear::Ear;
use lipsmith_train::recipes::syncnet::SyncNet;
use lipsmith_train::recipes::wav2lip::{Balance, Generator, Judges};
use lipsmith_train::trainer::{self, Run};
use lipsmith_train::weights::Weights;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use lipsmith_train::trainer::Outcome;

/// What can be trained, as the command line says it.
pub const TRAINABLE: [&str; 3] = ["wav2lip", "wav2lip-ear", "lipsync-expert"];
/// A generator whose audio encoder alone learns.
const EAR: &str = "wav2lip-ear";

/// Everything that decides what a run becomes; kept in its `run.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    pub network: String,
    pub data: PathBuf,
    /// Windows a step.
    pub batch: usize,
    pub rate: f64,
    pub seed: u64,
    /// Channels of the first layer of a fresh network; those of the published one by default.
    pub width: Option<usize>,
    /// Weights to begin with instead of fresh ones.
    pub from: Option<PathBuf>,
    /// The lip-sync expert that judges a generator.
    pub expert: Option<PathBuf>,
    /// What the expert's verdict counts; the published weight by default.
    pub sync: Option<f64>,
    /// A visual quality discriminator of this width learns beside a generator.
    pub quality: Option<usize>,
    /// How much more the pixels around the lips count.
    pub lips: f32,
}

/// How long a run goes on and where; may change when it is resumed.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub folder: PathBuf,
    pub steps: u64,
    pub save_every: u64,
    pub examine_every: u64,
    pub patience: Option<u32>,
    pub resume: bool,
    pub device: String,
}

/// Trains until the steps are done, nothing gets better, or `cancel`; what was reached is in the folder.
///
/// # Errors
/// Settings that do not fit the network or the data, files that cannot be used, a loss that is no number.
pub fn train(
    training: &Training,
    schedule: &Schedule,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Outcome, EngineError> {
    let network = trained(&training.network)?;
    check(training, schedule, network)?;
    let device =
        device::open(&schedule.device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
    let set = Set::open(&training.data)?;
    let counts = set.counts();
    sink.note(format!(
        "{}: {} clips of {} people, {:.2} h, of these {} people for validation",
        training.data.display(),
        counts.clips,
        counts.people,
        counts.hours,
        counts.validation_people
    ));
    let weights = weights(training, network, &device)?;
    sink.note(format!("{network}: {:.2} million numbers", weights.parameters() as f64 / 1e6));
    let settings = Settings { rate: training.rate, ..Settings::default() };
    let words = words(training, &weights);
    let run = Run {
        folder: schedule.folder.clone(),
        steps: schedule.steps,
        seed: training.seed,
        save_every: schedule.save_every,
        examine_every: schedule.examine_every,
        patience: schedule.patience,
        resume: schedule.resume,
        words,
        settings: serde_json::json!(training),
    };
    if network == Network::LipsyncExpert {
        let mut recipe = SyncNet::new(&set, weights, training.batch, settings, &device)?;
        return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
    }
    if training.network == EAR {
        let mut recipe = Ear::new(&set, weights, training.batch, settings, &device)?;
        return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
    }
    let expert = training.expert.as_deref().map(|file| expert(file, &device)).transpose()?;
    let quality = training.quality.map(|width| {
        // Another stream than the generator's.
        Weights::fresh(Network::QualityDiscriminator, width, training.seed ^ 1, &device)
    });
    let published = Balance::published(quality.is_some());
    let balance = Balance { sync: training.sync.unwrap_or(published.sync), lips: training.lips, ..published };
    let judges = Judges { expert, quality: quality.transpose()? };
    let mut recipe = Generator::new(&set, weights, judges, training.batch, balance, settings, &device)?;
    Ok(trainer::run(&mut recipe, &run, sink, cancel)?)
}

/// The network of a trainable thing.
fn trained(name: &str) -> Result<Network, EngineError> {
    let network = Network::by_name(if name == EAR { "wav2lip" } else { name });
    network.filter(|_| TRAINABLE.contains(&name)).ok_or_else(|| {
        EngineError::Request(format!("{name} is not trained here; choose {}", TRAINABLE.join(" or ")))
    })
}

fn check(training: &Training, schedule: &Schedule, network: Network) -> Result<(), EngineError> {
    let refuse = |words: String| Err(EngineError::Request(words));
    if !(1..=1024).contains(&training.batch) {
        return refuse(format!("--batch {}: give 1 to 1024 windows a step", training.batch));
    }
    if !(training.rate > 0.0 && training.rate <= 1.0) {
        return refuse(format!(
            "--lr {}: give a learning rate above 0, usually 0.0001 to 0.001",
            training.rate
        ));
    }
    if training.width.is_some_and(|width| !(1..=256).contains(&width)) {
        return refuse("--width: give 1 to 256 channels of the first layer".into());
    }
    if schedule.steps == 0 || schedule.save_every == 0 || schedule.examine_every == 0 {
        return refuse("--steps, --save-every and --examine-every count from 1".into());
    }
    let of_generators = training.expert.is_some() || training.quality.is_some() || training.sync.is_some();
    if (network != Network::Wav2Lip || training.network == EAR) && of_generators {
        return refuse(format!(
            "--expert, --sync and --quality judge a generator; {} is none",
            training.network
        ));
    }
    if training.sync.is_some() && training.expert.is_none() {
        return refuse("--sync weighs the verdict of an expert: name one with --expert FILE".into());
    }
    Ok(())
}

fn weights(training: &Training, network: Network, device: &Device) -> Result<Weights, EngineError> {
    match (&training.from, training.width) {
        (Some(_), Some(_)) => {
            Err(EngineError::Request("--width is of a fresh network: leave it out with --from".into()))
        }
        (Some(file), None) => Ok(Weights::load(file, network, device)?),
        (None, width) => {
            let published = if network == Network::LipsyncExpert { 32 } else { 16 };
            Ok(Weights::fresh(network, width.unwrap_or(published), training.seed, device)?)
        }
    }
}

/// What the networks say of themselves: on what they learned, from what they began, and whose terms hold.
fn words(training: &Training, weights: &Weights) -> HashMap<String, String> {
    let Training { data, network, .. } = training;
    let mut licence = format!("trained here on {}: the terms of that footage", data.display());
    let mut ancestry = format!("{network} trained by lipsmith on {}", data.display());
    if let Some(from) = &training.from {
        let before = |word: &str| weights.words().get(word).cloned();
        let network = weights.network().about();
        licence +=
            &format!("; and of what it began from: {}", before("licence").unwrap_or(network.licence.clone()));
        ancestry += &format!(", from {}", before("ancestry").unwrap_or(from.display().to_string()));
    }
    HashMap::from([("licence".into(), licence), ("ancestry".into(), ancestry)])
}

/// Writes a trained network in half precision, as networks are shipped.
///
/// # Errors
/// A file that is no network trained here, or a place that cannot be written.
pub fn export(network: &str, file: &Path, out: &Path) -> Result<(), EngineError> {
    Ok(Weights::load(file, trained(network)?, &Device::Cpu)?.export(out)?)
}

/// An expert that stands still.
pub(crate) fn expert(file: &Path, device: &Device) -> Result<SyncNetColor, EngineError> {
    let (checkpoint, found) = zoo::open(file, Network::LipsyncExpert).map_err(EngineError::Network)?;
    let weights = checkpoint.var_builder(&found.prefix, DType::F32, device);
    let network =
        syncnet_color::Config::of_checkpoint(&weights).and_then(|c| SyncNetColor::new(&c, &weights));
    network.map_err(EngineError::Network)
}

impl From<TrainError> for EngineError {
    fn from(error: TrainError) -> EngineError {
        match error {
            TrainError::Cancelled => EngineError::Cancelled,
            other => EngineError::Train(other),
        }
    }
}
