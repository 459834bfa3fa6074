//! The job of training a network: settings in, a run's folder out. What is learned how stands in `lipsmith_train`.

use crate::error::EngineError;
use candle_core::{DType, Device};
use lipsmith_base::{Cancel, Sink};
use lipsmith_nets::device;
use lipsmith_nets::diff2lip::Config;
use lipsmith_nets::disc_qual;
use lipsmith_nets::lpips::Lpips;
use lipsmith_nets::ops::Precision;
use lipsmith_nets::sound_gru::SoundGru;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::zoo::{self, Network, Variant};
use lipsmith_nets::{unet, vq, wav2lip};
use lipsmith_train::TrainError;
use lipsmith_train::dataset::Set;
use lipsmith_train::optim::Settings;
use lipsmith_train::recipes::diff2lip::{self, Manner};
use lipsmith_train::recipes::difftalk;
use lipsmith_train::recipes::diffused_heads;
use lipsmith_train::recipes::ear::Ear;
use lipsmith_train::recipes::judges::{Adversary, Judges};
use lipsmith_train::recipes::syncnet::{LOOK, SyncNet};
use lipsmith_train::recipes::vq::Autoencoder;
use lipsmith_train::recipes::wav2lip::{Balance, Generator};
use lipsmith_train::trainer::{self, Run};
use lipsmith_train::weights::Weights;
use serde::{Serialize, Serializer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

pub use lipsmith_train::trainer::Outcome;

/// What can be trained, as the command line says it.
pub const TRAINABLE: [&str; 8] = [
    "wav2lip",
    "wav2lip-ear",
    "lipsync-expert",
    "diff2lip",
    "diff2lip-ear",
    "diffused-heads",
    "vq",
    "difftalk",
];
/// Generators whose audio encoder alone learns.
const EARS: [&str; 2] = ["wav2lip-ear", "diff2lip-ear"];

/// Everything that decides what a run becomes; kept in its `run.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    pub network: String,
    /// Sets, all of whose clips are learned from. One alone stands in `run.json` as it did when there could be no more.
    #[serde(serialize_with = "one_or_many")]
    pub data: Vec<PathBuf>,
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
    /// A discriminator of this width learns beside a generator: of single pictures for wav2lip, of five in a row for
    /// diff2lip.
    pub quality: Option<usize>,
    /// How much more the pixels around the lips count.
    pub lips: f32,
    // What came later is left out of `run.json` where it is not given: earlier runs go on.
    /// Of a generator the share of windows whose mouth is told by the truth instead of heard; at 1 the painting half
    /// learns alone. Of the expert: see [`SyncNet::new`].
    #[serde(skip_serializing_if = "is_zero")]
    pub told: f64,
    /// A wav2lip is to warp its reference where that shows what is wanted, not to paint all of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warp: bool,
    /// Gradients longer than this are shortened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// What the moving average of the weights keeps of itself in a step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<f64>,
    /// Only corrections of this rank to the weights learn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<usize>,
    /// Steps are taken at half precision; examinations and weights stay whole.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub half_precision: bool,
    /// Of a network that paints by denoising.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diffusion: Option<Diffusion>,
}

impl Training {
    /// Where its data lies, for people.
    fn sets(&self) -> String {
        self.data.iter().map(|set| set.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn one_or_many<S: Serializer>(sets: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
    match sets {
        [one] => one.serialize(to),
        many => many.serialize(to),
    }
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

/// Settings of a network that paints by denoising.
#[derive(Clone, Debug, Serialize)]
pub struct Diffusion {
    /// Pixels of the pictures, and residual blocks of each level of a fresh network.
    pub side: usize,
    pub depth: usize,
    /// A network whose ear is taken over; the sound encoder of diffused-heads, which has been taught before.
    pub ear: Option<PathBuf>,
    /// A wav2lip that listens for a fresh diff2lip and makes its references, which it learns to finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<PathBuf>,
    /// The autoencoder in whose latent space difftalk paints (`train vq`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_stage: Option<PathBuf>,
    /// Weights of the recovered picture and of the variance.
    pub picture: f64,
    pub variance: f64,
    /// LPIPS' weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lpips: Option<PathBuf>,
    /// What the looks count: by LPIPS if it is given, else by what the expert feels. By default the published weight
    /// with LPIPS, and nothing without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<f64>,
    /// What the discriminator's verdict counts; the published weight by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversary: Option<f64>,
    /// Parts in which a batch is gone through.
    pub parts: usize,
    /// Sampling steps in examinations.
    pub sampling: usize,
}

impl Default for Diffusion {
    fn default() -> Self {
        let diff2lip::Balance { picture, variance, .. } = diff2lip::Balance::published();
        Self {
            side: 96,
            depth: 1,
            ear: None,
            draft: None,
            first_stage: None,
            picture,
            variance,
            lpips: None,
            looks: None,
            adversary: None,
            parts: 1,
            sampling: 8,
        }
    }
}

impl Diffusion {
    /// Of a network that is trained here by this name; `None` for one that does not denoise nor serve one that does.
    pub fn of(network: &str) -> Option<Diffusion> {
        let side = match network {
            "diff2lip" | "diff2lip-ear" => 96,
            "diffused-heads" => HEAD,
            "vq" | "difftalk" => 256,
            _ => return None,
        };
        Some(Diffusion { side, ..Diffusion::default() })
    }
}

/// Pixels of the pictures of diffused-heads, which its files do not tell.
const HEAD: usize = 128;

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
    let set = Set::open_all(&training.data)?;
    let counts = set.counts();
    sink.note(format!(
        "{}: {} clips of {} people, {:.2} h, of these {} people for validation",
        training.sets(),
        counts.clips,
        counts.people,
        counts.hours,
        counts.validation_people
    ));
    let weights = weights(training, network, &device)?;
    sink.note(format!("{network}: {:.2} million numbers", weights.parameters() as f64 / 1e6));
    let settings =
        Settings { rate: training.rate, clip: training.clip, rank: training.adapter, ..Settings::default() };
    let words = words(training, &weights);
    let run = Run {
        folder: schedule.folder.clone(),
        steps: schedule.steps,
        seed: training.seed,
        save_every: schedule.save_every,
        examine_every: schedule.examine_every,
        patience: schedule.patience,
        resume: schedule.resume,
        precision: if training.half_precision { Precision::Half } else { Precision::Full },
        words,
        settings: serde_json::json!(training),
    };
    let Training { batch, .. } = *training;
    let diffusion = training.diffusion.clone().unwrap_or_default();
    let ended = match training.network.as_str() {
        "lipsync-expert" => {
            let mut recipe = SyncNet::new(&set, weights, batch, training.told, settings, &device)?;
            trainer::run(&mut recipe, &run, sink, cancel)
        }
        "wav2lip-ear" | "diff2lip-ear" => {
            trainer::run(&mut Ear::new(&set, weights, batch, settings, &device)?, &run, sink, cancel)
        }
        "diffused-heads" => {
            let mut recipe = heads(&diffusion, &set, weights, batch, settings, &device)?;
            trainer::run(&mut recipe, &run, sink, cancel)
        }
        "vq" => {
            let lpips = diffusion.lpips.as_deref().map(|file| lpips(file, &device)).transpose()?;
            let side = diffusion.side;
            let mut recipe = Autoencoder::new(&set, weights, lpips, batch, side, settings, &device)?;
            trainer::run(&mut recipe, &run, sink, cancel)
        }
        "difftalk" => {
            let side = diffusion.side;
            let mut recipe = difftalk::Generator::new(&set, weights, batch, side, settings, &device)?;
            trainer::run(&mut recipe, &run, sink, cancel)
        }
        "diff2lip" => {
            let mut recipe = painter(training, diffusion, &set, weights, settings, &device, sink)?;
            trainer::run(&mut recipe, &run, sink, cancel)
        }
        _ => trainer::run(&mut generator(training, &set, weights, settings, &device)?, &run, sink, cancel),
    };
    Ok(ended?)
}

/// Wav2Lip's generator with its judges.
fn generator(
    training: &Training,
    set: &Set,
    weights: Weights,
    settings: Settings,
    device: &Device,
) -> Result<Generator, EngineError> {
    let expert = training.expert.as_deref().map(|file| expert(file, device)).transpose()?;
    let adversary = adversary(training, 1, settings, device)?;
    let published = Balance::published(adversary.is_some());
    let balance = Balance {
        sync: training.sync.unwrap_or(published.sync),
        lips: training.lips,
        told: training.told,
        ..published
    };
    let judges = Judges { expert, lpips: None, adversary };
    Ok(Generator::new(set, weights, judges, training.batch, balance, settings, device)?)
}

/// Diff2Lip's with its own.
fn painter(
    training: &Training,
    diffusion: Diffusion,
    set: &Set,
    weights: Weights,
    settings: Settings,
    device: &Device,
    sink: &dyn Sink,
) -> Result<diff2lip::Generator, EngineError> {
    let Diffusion { picture, variance, parts, sampling: steps, .. } = diffusion;
    let judges = Judges {
        expert: training.expert.as_deref().map(|file| expert(file, device)).transpose()?,
        lpips: diffusion.lpips.map(|file| lpips(&file, device)).transpose()?,
        adversary: adversary(training, LOOK, settings, device)?,
    };
    let published = diff2lip::Balance::published();
    let by_lpips = if judges.lpips.is_some() { published.looks } else { 0.0 };
    let looks = diffusion.looks.unwrap_or(by_lpips);
    if looks > 0.0 {
        sink.note(match &judges.lpips {
            Some(lpips) => format!("looks are judged by LPIPS ({})", lpips.backbone.name()),
            None => "looks are judged by what the lip-sync expert feels: no --lpips was given".into(),
        });
    }
    let balance = diff2lip::Balance {
        picture,
        variance,
        sync: training.sync.unwrap_or(published.sync),
        looks,
        adversary: diffusion.adversary.unwrap_or(published.adversary),
        lips: training.lips,
        told: training.told,
    };
    let average = training.average.unwrap_or(0.999);
    let manner = Manner { batch: training.batch, parts, average, steps };
    let settings = Settings { clip: training.clip.or(Some(1.0)), ..settings };
    Ok(diff2lip::Generator::new(set, weights, judges, balance, manner, settings, device)?)
}

/// Where one is wanted, a fresh discriminator of so many pictures in a row.
fn adversary(
    training: &Training,
    pictures: usize,
    settings: Settings,
    device: &Device,
) -> Result<Option<Adversary>, EngineError> {
    let made = |width| Adversary::new(disc_qual::Config { width, pictures }, training.seed, settings, device);
    Ok(training.quality.map(made).transpose()?)
}

/// Diffused Heads with the ears that were taught before.
fn heads(
    diffusion: &Diffusion,
    set: &Set,
    weights: Weights,
    batch: usize,
    settings: Settings,
    device: &Device,
) -> Result<diffused_heads::Generator, EngineError> {
    Ok(diffused_heads::Generator::new(
        set,
        weights,
        HEAD,
        &ears(diffusion, device)?,
        batch,
        settings,
        device,
    )?)
}

fn ears(diffusion: &Diffusion, device: &Device) -> Result<SoundGru, EngineError> {
    let file = diffusion.ear.as_deref().ok_or_else(|| {
        EngineError::Request(
            "diffused-heads hears through an encoder that has been taught before: name its file (audio_encoder.pt) \
             with --ear FILE"
                .into(),
        )
    })?;
    let (checkpoint, _) = zoo::open(file, Network::DiffusedHeadsAudio).map_err(EngineError::Network)?;
    SoundGru::of_checkpoint(&checkpoint, device).map_err(EngineError::Network)
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
    if network == Network::DiffusedHeads && training.diffusion.as_ref().is_some_and(|d| d.side != HEAD) {
        return refuse(format!("--side: pictures of diffused-heads have {HEAD} pixels"));
    }
    if !(0.0..=1.0).contains(&training.told) {
        return refuse("--told: give a share from 0 to 1".into());
    }
    let none = !generates || EARS.contains(&training.network.as_str());
    if none && of_generators {
        return refuse(format!(
            "--expert, --sync and --quality are for a generator; {} is none",
            training.network
        ));
    }
    if none && network != Network::LipsyncExpert && training.told > 0.0 {
        return refuse(format!("--told is for generators and the expert, not for {}", training.network));
    }
    if training.quality.is_some_and(|width| !(1..=256).contains(&width)) {
        return refuse("--quality: give 1 to 256 channels of the discriminator's first layer".into());
    }
    if training.clip.is_some_and(|clip| !(clip > 0.0 && clip.is_finite())) {
        return refuse("--clip: give the greatest length of a gradient, above 0, usually 1".into());
    }
    if training.adapter.is_some_and(|rank| !(1..=1024).contains(&rank)) {
        return refuse("--adapter: give a rank from 1, usually 4 to 16".into());
    }
    if training.average.is_some_and(|kept| !(0.0..1.0).contains(&kept)) {
        return refuse("--average: give 0 to below 1, usually 0.999".into());
    }
    if let Some(diffusion) = &training.diffusion {
        let Diffusion { side, depth, picture, variance, lpips, looks, adversary, parts, sampling, .. } =
            diffusion;
        if !(side.is_multiple_of(16) && (32..=512).contains(side) && (1..=8).contains(depth)) {
            return refuse("--side: give 32 to 512 pixels, a multiple of 16; --depth: 1 to 8 blocks".into());
        }
        let weights = [Some(*picture), Some(*variance), *looks, *adversary];
        if !weights.into_iter().flatten().all(|weight| weight.is_finite() && weight >= 0.0) {
            return refuse("--picture, --variance, --looks and --adversary: give a weight from 0".into());
        }
        if looks.is_some_and(|weight| weight > 0.0) && lpips.is_none() && training.expert.is_none() {
            return refuse(
                "--looks needs someone to judge them: give --lpips FILE, or an expert by whose features they are compared \
                 by --expert FILE"
                    .into(),
            );
        }
        if adversary.is_some() && training.quality.is_none() {
            return refuse(
                "--adversary weighs a discriminator's verdict: have one with --quality WIDTH".into(),
            );
        }
        if !(1..=training.batch).contains(parts) || !(1..=1000).contains(sampling) {
            return refuse("--parts: give 1 to --batch; --sampling: 1 to 1000 steps".into());
        }
    }
    let draft = training.diffusion.as_ref().and_then(|diffusion| diffusion.draft.as_ref());
    if draft.is_some() && (network != Network::Diff2Lip || training.from.is_some()) {
        return refuse("--draft is for a fresh diff2lip: leave out --from, whose file holds its own".into());
    }
    if training.warp && network != Network::Wav2Lip {
        return refuse(format!("--warp is for wav2lip, not for {}", training.network));
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
        (None, width) if diffusing(network) => {
            let width = width.unwrap_or(64);
            if !width.is_multiple_of(32) {
                return Err(EngineError::Request(format!("--width {width}: give a multiple of 32")));
            }
            Weights::made(network, variant(network, &diffusion, width, device)?, training.seed, device)?
        }
        (None, width) => {
            let published = if network == Network::LipsyncExpert { 32 } else { 16 };
            Weights::fresh(network, width.unwrap_or(published), training.seed, device)?
        }
    };
    let weights = if training.warp { weights.warping()? } else { weights };
    if let Some(file) = diffusion.ear.as_deref().filter(|_| network == Network::Diff2Lip) {
        let ears = ["audio_encoder.", "audio_encoder_to_style."];
        let ear = |name: &str| ears.iter().any(|begin| name.starts_with(begin));
        weights.adopt(&Weights::load(file, network, device)?, |name| Some(name).filter(|name| ear(name)))?;
    }
    if let Some(file) = &diffusion.draft {
        let draft = Weights::load(file, Network::Wav2Lip, device)?;
        weights.adopt(&draft, |name| name.strip_prefix("draft."))?;
    }
    if let Some(file) = diffusion.first_stage.as_deref().filter(|_| network == Network::DiffTalk) {
        let stage = Weights::load(file, Network::Vq, device)?;
        weights.adopt(&stage, |name| name.strip_prefix("first_stage_model."))?;
    }
    Ok(weights)
}

/// Networks with a U-Net, or that serve one.
fn diffusing(network: Network) -> bool {
    [Network::Diff2Lip, Network::DiffusedHeads, Network::DiffTalk, Network::Vq].contains(&network)
}

/// The form of a fresh network of a width.
fn variant(
    network: Network,
    diffusion: &Diffusion,
    width: usize,
    device: &Device,
) -> Result<Variant, EngineError> {
    let unet = |[in_channels, out_channels]: [usize; 2], attention_at: &[usize], head: usize| unet::Config {
        in_channels,
        out_channels,
        model_channels: width,
        channel_mult: vec![1, 2, 3],
        res_blocks_per_level: diffusion.depth,
        attention_at: attention_at.to_vec(),
        head_channels: (1 << width.trailing_zeros()).min(head),
    };
    Ok(match network {
        Network::DiffusedHeads => {
            let heard = lipsmith_nets::diffused_heads::HEARD * ears(diffusion, device)?.width();
            Variant::DiffusedHeads { unet: unet([12, 6], &[4], 64), motion_channels: 3, heard }
        }
        Network::Vq => Variant::FirstStage(vq::Config {
            channels: width,
            res_blocks_per_level: diffusion.depth,
            ..vq::Config::released()
        }),
        Network::DiffTalk => {
            let file = diffusion.first_stage.as_deref().ok_or_else(|| {
                EngineError::Request(
                    "difftalk paints in the latent space of an autoencoder: name its file (of `train vq`, or the \
                     published model.ckpt) with --first-stage FILE"
                        .into(),
                )
            })?;
            let (_, found) = zoo::open(file, Network::Vq).map_err(EngineError::Network)?;
            let Variant::FirstStage(first_stage) = found.variant else {
                return Err(EngineError::Request(format!("{}: its form is not known", file.display())));
            };
            let channels = [3 * first_stage.latent, first_stage.latent];
            Variant::DiffTalk { unet: unet(channels, &[2, 4], 32), first_stage, averaged: false }
        }
        _ => Variant::Diff2Lip(match &diffusion.draft {
            None => Config::compact(diffusion.side, width, diffusion.depth),
            Some(file) => Config::finishing(generator_in(file)?, width, diffusion.depth),
        }),
    })
}

/// The form of the generator in a file.
fn generator_in(file: &Path) -> Result<wav2lip::Config, EngineError> {
    match zoo::open(file, Network::Wav2Lip).map_err(EngineError::Network)?.1.variant {
        Variant::Wav2Lip(config) => Ok(config),
        _ => Err(EngineError::Request(format!("{}: its form is not known", file.display()))),
    }
}

/// What the networks say of themselves: on what they learned, from what they began, and whose terms hold.
fn words(training: &Training, weights: &Weights) -> HashMap<String, String> {
    let (network, data) = (&training.network, training.sets());
    let mut licence = format!("trained here on {data}: the terms of that footage");
    let mut ancestry = format!("{network} trained by lipsmith on {data}");
    if let Some(from) = &training.from {
        let before = |word: &str| weights.words().get(word).cloned();
        let network = weights.network().about();
        licence +=
            &format!("; and of what it began from: {}", before("licence").unwrap_or(network.licence.clone()));
        if let Some(rank) = training.adapter {
            ancestry += &format!(", by corrections of rank {rank}");
        }
        ancestry += &format!(", from {}", before("ancestry").unwrap_or(from.display().to_string()));
    }
    HashMap::from([("licence".into(), licence), ("ancestry".into(), ancestry)])
}

/// Writes a trained network in half precision, as networks are shipped, under the terms given or those it came with.
///
/// # Errors
/// A file that is no network trained here, or a place that cannot be written.
pub fn export(network: &str, file: &Path, out: &Path, terms: Option<&str>) -> Result<(), EngineError> {
    Ok(Weights::load(file, trained(network)?, &Device::Cpu)?.export(out, terms)?)
}

/// An expert that stands still.
pub(crate) fn expert(file: &Path, device: &Device) -> Result<SyncNetColor, EngineError> {
    let (checkpoint, found) = zoo::open(file, Network::LipsyncExpert).map_err(EngineError::Network)?;
    let weights = checkpoint.var_builder(&found.prefix, DType::F32, device);
    let network =
        syncnet_color::Config::of_checkpoint(&weights).and_then(|c| SyncNetColor::new(&c, &weights));
    network.map_err(EngineError::Network)
}

/// A measure of looks, from the user's weights.
pub(crate) fn lpips(file: &Path, device: &Device) -> Result<Lpips, EngineError> {
    let (checkpoint, found) = zoo::open(file, Network::Lpips).map_err(EngineError::Network)?;
    Lpips::new(&checkpoint.var_builder(&found.prefix, DType::F32, device)).map_err(EngineError::Network)
}

impl From<TrainError> for EngineError {
    fn from(error: TrainError) -> EngineError {
        match error {
            TrainError::Cancelled => EngineError::Cancelled,
            other => EngineError::Train(other),
        }
    }
}
