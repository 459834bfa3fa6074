//! The job of training a network: settings in, a run's folder out. What is learned how stands in `lipsmith_train`.

use crate::error::EngineError;
use candle_core::{DType, Device};
use lipsmith_base::{Cancel, Sink};
use lipsmith_nets::device;
use lipsmith_nets::diff2lip::Config;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::zoo::{self, Network, Variant};
use lipsmith_train::TrainError;
use lipsmith_train::dataset::Set;
use lipsmith_train::optim::Settings;
use lipsmith_train::recipes::diff2lip::{self, Manner};
use lipsmith_train::recipes::diff2lip_ear;
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
pub const TRAINABLE: [&str; 5] = ["wav2lip", "wav2lip-ear", "lipsync-expert", "diff2lip", "diff2lip-ear"];
/// Generators whose audio encoder alone learns.
const EARS: [&str; 2] = ["wav2lip-ear", "diff2lip-ear"];

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
    // What came later is left out of `run.json` where it is not given: earlier runs go on.
    /// A generator's painting half alone learns, from true mouths.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub led: bool,
    /// Gradients longer than this are shortened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// What the moving average of the weights keeps of itself in a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Of a network that paints by denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffusion: Option<Diffusion>,
}

/// Settings of a network that paints by denoising.
#[derive(Clone, Debug, Serialize)]
pub struct Diffusion {
    /// Pixels of a fresh network's pictures, and residual blocks of each of its levels.
    pub side: usize,
    pub depth: usize,
    /// A network whose ear is taken over.
    pub ear: Option<PathBuf>,
    /// The share of windows whose style is told by the true mouth.
    pub told: f64,
    /// Weights of the recovered picture and of the variance.
    pub picture: f64,
    pub variance: f64,
    /// Parts in which a batch is gone through.
    pub parts: usize,
    /// Sampling steps in examinations.
    pub sampling: usize,
}

impl Default for Diffusion {
    fn default() -> Self {
        let diff2lip::Balance { picture, variance, told, .. } = diff2lip::Balance::published();
        Self { side: 96, depth: 1, ear: None, told, picture, variance, parts: 1, sampling: 8 }
    }
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
    let settings = Settings { rate: training.rate, clip: training.clip, ..Settings::default() };
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
    let batch = training.batch;
    match training.network.as_str() {
        "lipsync-expert" => {
            let mut recipe = SyncNet::new(&set, weights, batch, settings, &device)?;
            return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
        }
        "wav2lip-ear" => {
            let mut recipe = Ear::new(&set, weights, batch, settings, &device)?;
            return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
        }
        "diff2lip-ear" => {
            let mut recipe = diff2lip_ear::Ear::new(&set, weights, batch, settings, &device)?;
            return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
        }
        _ => {}
    }
    let expert = training.expert.as_deref().map(|file| expert(file, &device)).transpose()?;
    if network == Network::Diff2Lip {
        let Diffusion { told, picture, variance, parts, sampling, .. } =
            training.diffusion.clone().unwrap_or_default();
        let sync = training.sync.unwrap_or(diff2lip::Balance::published().sync);
        let balance = diff2lip::Balance { picture, variance, sync, lips: training.lips, told };
        let average = training.average.unwrap_or(0.999);
        let manner = Manner { batch, parts, average, steps: sampling };
        let settings = Settings { clip: training.clip.or(Some(1.0)), ..settings };
        let mut recipe = diff2lip::Generator::new(&set, weights, expert, balance, manner, settings, &device)?;
        return Ok(trainer::run(&mut recipe, &run, sink, cancel)?);
    }
    let quality = training.quality.map(|width| {
        // Another stream than the generator's.
        Weights::fresh(Network::QualityDiscriminator, width, training.seed ^ 1, &device)
    });
    let published = Balance::published(quality.is_some());
    let balance = Balance {
        sync: training.sync.unwrap_or(published.sync),
        lips: training.lips,
        led: training.led,
        ..published
    };
    let judges = Judges { expert, quality: quality.transpose()? };
    let mut recipe = Generator::new(&set, weights, judges, training.batch, balance, settings, &device)?;
    Ok(trainer::run(&mut recipe, &run, sink, cancel)?)
}

/// The network of a trainable thing.
fn trained(name: &str) -> Result<Network, EngineError> {
    let network = Network::by_name(name.strip_suffix("-ear").unwrap_or(name));
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
    let generates = [Network::Wav2Lip, Network::Diff2Lip].contains(&network);
    if training.led && training.network != "wav2lip" {
        return refuse(format!("--led is for wav2lip; {} has --told or nothing to paint", training.network));
    }
    if (!generates || EARS.contains(&training.network.as_str())) && of_generators {
        return refuse(format!(
            "--expert, --sync and --quality judge a generator; {} is none",
            training.network
        ));
    }
    if training.quality.is_some() && network == Network::Diff2Lip {
        return refuse("--quality judges wav2lip".into());
    }
    if training.clip.is_some_and(|clip| !(clip > 0.0 && clip.is_finite())) {
        return refuse("--clip: give the greatest length of a gradient, above 0, usually 1".into());
    }
    if training.average.is_some_and(|kept| !(0.0..1.0).contains(&kept)) {
        return refuse("--average: give 0 to below 1, usually 0.999".into());
    }
    if let Some(Diffusion { side, depth, told, picture, variance, parts, sampling, .. }) = &training.diffusion
    {
        if !(side.is_multiple_of(16) && (32..=512).contains(side)) || !(1..=8).contains(depth) {
            return refuse("--side: give 32 to 512 pixels, a multiple of 16; --depth: 1 to 8 blocks".into());
        }
        if ![told, picture, variance].into_iter().all(|w| w.is_finite() && *w >= 0.0) || *told > 1.0 {
            return refuse("--told: give 0 to 1; --picture and --variance: a weight from 0".into());
        }
        if !(1..=training.batch).contains(parts) || !(1..=1000).contains(sampling) {
            return refuse("--parts: give 1 to --batch; --sampling: 1 to 1000 steps".into());
        }
    }
    if training.sync.is_some() && training.expert.is_none() {
        return refuse("--sync weighs the verdict of an expert: name one with --expert FILE".into());
    }
    Ok(())
}

fn weights(training: &Training, network: Network, device: &Device) -> Result<Weights, EngineError> {
    let diffusion = training.diffusion.clone().unwrap_or_default();
    let weights = match (&training.from, training.width) {
        (Some(_), Some(_)) => {
            return Err(EngineError::Request(
                "--width is of a fresh network: leave it out with --from".into(),
            ));
        }
        (Some(file), None) => Weights::load(file, network, device)?,
        (None, width) if network == Network::Diff2Lip => {
            let width = width.unwrap_or(64);
            if !width.is_multiple_of(32) {
                return Err(EngineError::Request(format!("--width {width}: give a multiple of 32")));
            }
            let config = Config::compact(diffusion.side, width, diffusion.depth);
            Weights::made(network, Variant::Diff2Lip(config), training.seed, device)?
        }
        (None, width) => {
            let published = if network == Network::LipsyncExpert { 32 } else { 16 };
            Weights::fresh(network, width.unwrap_or(published), training.seed, device)?
        }
    };
    if let Some(file) = &diffusion.ear {
        weights
            .adopt(&Weights::load(file, network, device)?, &["audio_encoder.", "audio_encoder_to_style."])?;
    }
    Ok(weights)
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
