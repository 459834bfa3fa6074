//! The published networks: what they are called, what they are for, under which terms, and how to tell
//! from the names and shapes in a file which of them it is, whole or not.

mod layout;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use candle_nn::VarBuilder;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, TensorInfo};
use crate::vq::Config as Vq;
use crate::{NetsError, diff2lip, lpips, unet, wav2lip};
use layout::{Layout, read};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    #[serde(rename = "diff2lip")]
    Diff2Lip,
    #[serde(rename = "wav2lip")]
    Wav2Lip,
    LipsyncExpert,
    #[serde(rename = "wav2lip-quality-disc")]
    QualityDiscriminator,
    /// S3FD as the face-alignment package has it.
    #[serde(rename = "s3fd")]
    S3fdFaceAlignment,
    S3fdSyncnet,
    SyncnetV2,
    DiffusedHeads,
    DiffusedHeadsAudio,
    #[serde(rename = "difftalk")]
    DiffTalk,
    /// Registries of earlier versions know no other than VQ-f4.
    #[serde(alias = "vq-f4")]
    Vq,
    Lpips,
    Inception,
}

impl Network {
    /// As the zoo, the registry and the command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Network::Diff2Lip => "diff2lip",
            Network::Wav2Lip => "wav2lip",
            Network::LipsyncExpert => "lipsync-expert",
            Network::QualityDiscriminator => "wav2lip-quality-disc",
            Network::S3fdFaceAlignment => "s3fd",
            Network::S3fdSyncnet => "s3fd-syncnet",
            Network::SyncnetV2 => "syncnet-v2",
            Network::DiffusedHeads => "diffused-heads",
            Network::DiffusedHeadsAudio => "diffused-heads-audio",
            Network::DiffTalk => "difftalk",
            Network::Vq => "vq",
            Network::Lpips => "lpips",
            Network::Inception => "inception",
        }
    }
    pub fn by_name(name: &str) -> Option<Network> {
        ZOO.networks.iter().map(|about| about.network).find(|network| network.name() == name)
    }
    pub fn about(self) -> &'static About {
        let about = ZOO.networks.iter().find(|about| about.network == self);
        about.unwrap_or_else(|| unreachable!("zoo.json describes every network"))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.about().title)
    }
}

/// What `resources/models/zoo.json` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoo {
    pub networks: Vec<About>,
    pub families: Vec<Family>,
    pub published: Vec<Published>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    pub network: Network,
    pub title: String,
    pub role: String,
    pub licence: String,
}

/// What someone wants to do, and the networks it takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    pub family: String,
    pub title: String,
    pub needs: Vec<Network>,
    /// Not needed, but used when there.
    pub helps: Vec<Network>,
    /// The terms, where those of the networks are not all.
    #[serde(default)]
    pub licence: Option<String>,
}

/// A file that its authors give out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    pub file: String,
    pub network: Network,
    /// As far as it is known: `prefix…suffix` in hexadecimal.
    pub sha256: Option<String>,
    pub bytes: Option<u64>,
    #[serde(default)]
    pub note: String,
}

pub static ZOO: LazyLock<Zoo> = LazyLock::new(|| {
    let text = include_str!("../../../../resources/models/zoo.json");
    serde_json::from_str(text)
        .unwrap_or_else(|error| unreachable!("zoo.json is part of the program: {error}"))
});

/// The published file with this SHA-256 (hexadecimal).
pub fn published(sha256: &str) -> Option<&'static Published> {
    ZOO.published.iter().find(|file| {
        let known = file.sha256.as_ref().and_then(|known| known.split_once('…'));
        known.is_some_and(|(prefix, suffix)| sha256.starts_with(prefix) && sha256.ends_with(suffix))
    })
}

/// Copies of one network in one file that are looked at; Lightning makes two or three.
const MAX_COPIES: usize = 16;

/// Which network a checkpoint holds, and whether all of it.
#[derive(Clone, Debug)]
pub struct Recognised {
    pub network: Network,
    pub variant: Variant,
    /// What stands before the network's own names in this file.
    pub prefix: String,
    /// Tensors the network has and the file lacks (own names).
    pub missing: Vec<String>,
    pub misshapen: Vec<Misshapen>,
    /// Tensors below the prefix that the network does not have (own names).
    pub unexpected: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misshapen {
    pub name: String,
    pub expected: Vec<usize>,
    pub found: Vec<usize>,
}

/// What varies within one network, read off the shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Channels of the first layer, and those of the published network.
    Width {
        channels: usize,
        published: usize,
    },
    Wav2Lip(wav2lip::Config),
    Diff2Lip(diff2lip::Config),
    /// A discriminator's channels of the first layer, and the pictures it looks at together.
    Critic {
        channels: usize,
        pictures: usize,
    },
    /// Motion frames are RGB (3 channels) or grey (1); `heard`: numbers of the five embeddings of sound together.
    DiffusedHeads {
        unet: unet::Config,
        motion_channels: usize,
        heard: usize,
    },
    /// `averaged`: the moving average of the weights is there too.
    DiffTalk {
        unet: unet::Config,
        first_stage: Vq,
        averaged: bool,
    },
    FirstStage(Vq),
    Lpips(lpips::Backbone),
    Inception,
    /// Width of the recurrent layers' state.
    Recurrent {
        hidden: usize,
    },
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unet = |unet: &unet::Config| {
            let unet::Config { model_channels, channel_mult, res_blocks_per_level, .. } = unet;
            format!("width {model_channels}, levels {channel_mult:?}, {res_blocks_per_level} blocks a level")
        };
        let width =
            |f: &mut fmt::Formatter<'_>, channels: usize, published: usize| match channels == published {
                true => f.write_str("published size"),
                false => write!(f, "width {channels} (published: {published})"),
            };
        match self {
            Variant::Width { channels, published } => width(f, *channels, *published),
            Variant::Wav2Lip(config) => {
                width(f, config.width, wav2lip::Config::released().width)?;
                f.write_str(if config.warps { ", warps the reference" } else { "" })
            }
            Variant::Critic { channels, pictures: 1 } => write!(f, "width {channels} (published: 32)"),
            Variant::Critic { channels, pictures } => {
                write!(f, "width {channels}, {pictures} pictures in a row")
            }
            Variant::Diff2Lip(config) if config.patch == 1 => f.write_str(&unet(&config.unet)),
            Variant::Diff2Lip(config) => {
                let draft = if config.draft.is_some() { ", finishes a draft" } else { "" };
                write!(f, "compact, {} pixels, {}{draft}", config.image_size, unet(&config.unet))
            }
            Variant::DiffusedHeads { unet: config, motion_channels, .. } => {
                write!(f, "{}, {motion_channels}-channel motion frames", unet(config))
            }
            Variant::DiffTalk { unet: config, averaged, .. } => {
                write!(f, "{}, {} averaged weights", unet(config), if *averaged { "with" } else { "without" })
            }
            Variant::FirstStage(vq) => {
                write!(f, "f{}, width {}, {} codes", vq.shrinks(), vq.channels, vq.codes)
            }
            Variant::Lpips(backbone) => f.write_str(backbone.name()),
            Variant::Inception => f.write_str("as pytorch-fid has it"),
            Variant::Recurrent { hidden } => write!(f, "state of {hidden}"),
        }
    }
}

impl Variant {
    /// Of a network whose widths all follow from its first layer's `channels`.
    pub fn of_width(network: Network, channels: usize) -> Variant {
        match network {
            Network::Wav2Lip => Variant::Wav2Lip(wav2lip::Config { width: channels, warps: false }),
            _ => Variant::Width { channels, published: channels },
        }
    }
}

impl Recognised {
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty()
    }
    /// The network's tensors in `checkpoint`, with their own names: all of them, and of what training left
    /// beside them only what someone may want (averages, counters).
    pub fn tensors<'a>(&self, checkpoint: &'a Checkpoint) -> Vec<(&'a str, &'a TensorInfo)> {
        let unexpected: HashSet<&str> = self.unexpected.iter().map(String::as_str).collect();
        let of_training = |name: &str| self.network == Network::Vq && name.starts_with("loss.");
        let own = checkpoint
            .tensors()
            .iter()
            .filter_map(|info| Some((info.name.strip_prefix(&self.prefix)?, info)));
        own.filter(|(name, _)| !unexpected.contains(name) && !of_training(name)).collect()
    }
    /// What is wrong with it, in one sentence; `None` if it is whole.
    pub fn defect(&self) -> Option<String> {
        if let Some(name) = self.missing.first() {
            let count = self.missing.len();
            return Some(format!(
                "it lacks {count} of the tensors of {}, the first being '{name}'",
                self.network
            ));
        }
        let Misshapen { name, expected, found } = self.misshapen.first()?;
        let count = self.misshapen.len();
        Some(format!(
            "{count} of its tensors have a wrong shape, the first being '{name}': {found:?}, not {expected:?}"
        ))
    }
    /// Why it cannot serve as `wanted`; `None` if it can.
    pub fn refusal(&self, wanted: Network) -> Option<String> {
        if self.network == wanted {
            return self.defect();
        }
        let files = ZOO.published.iter().filter(|file| file.network == wanted);
        let files: Vec<_> = files.map(|file| file.file.as_str()).collect();
        let advice = if files.is_empty() { String::new() } else { format!(" ({})", files.join(", ")) };
        let About { title, role, .. } = self.network.about();
        Some(format!("it is {title}, which {role}; {wanted} is needed{advice}"))
    }
}

/// A tensor whose name gives a network away: every file of it has one, and no other network's does.
const SIGNS: [(&str, Network); 13] = [
    ("cond_stage_model_for_ldm.encoder_fc1.0.weight", Network::DiffTalk),
    ("audio_encoder_to_style.0.weight", Network::Diff2Lip),
    // With a draft; the generator in it has its own sign.
    ("draft_to_style.weight", Network::Diff2Lip),
    ("face_decoder_blocks.0.0.conv_block.0.weight", Network::Wav2Lip),
    ("face_encoder.0.conv_block.0.weight", Network::LipsyncExpert),
    ("binary_pred.0.weight", Network::QualityDiscriminator),
    ("conv3_3_norm_mbox_conf.weight", Network::S3fdFaceAlignment),
    ("L2Norm3_3.weight", Network::S3fdSyncnet),
    ("netcnnlip.0.weight", Network::SyncnetV2),
    ("audio_embed.0.weight", Network::DiffusedHeads),
    ("quantize.embedding.weight", Network::Vq),
    // The first stage's full checkpoint carries one too, as a part of its loss: it comes before.
    ("lin0.model.1.weight", Network::Lpips),
    ("Mixed_7c.branch3x3dbl_3b.conv.weight", Network::Inception),
];

/// Names and shapes of the tensors of a network whose widths all follow from its first layer's `channels`, in
/// the network's own order; `None` for the others.
pub fn tensors(network: Network, channels: usize) -> Option<Vec<(String, Vec<usize>)>> {
    tensors_of(network, &Variant::of_width(network, channels))
}

/// [`tensors`] of a network of this variant, where it is one that is trained here, or judges training.
pub fn tensors_of(network: Network, variant: &Variant) -> Option<Vec<(String, Vec<usize>)>> {
    match variant {
        Variant::Width { channels, .. } => match network {
            Network::LipsyncExpert => Some(layout::lipsync_expert(*channels).tensors),
            Network::QualityDiscriminator => Some(layout::quality_discriminator(*channels, 1).tensors),
            _ => None,
        },
        Variant::Wav2Lip(config) => Some(layout::wav2lip(config).tensors),
        Variant::Diff2Lip(config) => Some(layout::diff2lip(config).tensors),
        Variant::DiffusedHeads { unet, heard, .. } => Some(layout::diffused_heads(unet, *heard).tensors),
        Variant::DiffTalk { unet, first_stage, .. } => Some(layout::difftalk(unet, first_stage).tensors),
        Variant::FirstStage(config) => Some(layout::vq(config).tensors),
        Variant::Lpips(backbone) => Some(layout::lpips(*backbone).tensors),
        Variant::Inception => Some(layout::inception().tensors),
        Variant::Critic { channels, pictures } => {
            Some(layout::quality_discriminator(*channels, *pictures).tensors)
        }
        _ => None,
    }
}

/// Opens a file that must hold all of `wanted`; its weights are below the answer's prefix.
///
/// # Errors
/// What the file is instead, or lacks, and which published files would do.
pub fn open(path: &Path, wanted: Network) -> crate::Result<(Checkpoint, Recognised)> {
    let checkpoint = Checkpoint::open(path)?;
    let found = recognise(&checkpoint).map_err(|what| NetsError::bad_checkpoint(path, what))?;
    match found.refusal(wanted) {
        Some(reason) => Err(NetsError::bad_checkpoint(path, reason)),
        None => Ok((checkpoint, found)),
    }
}

/// Which network it is, or in words what the file seems to be instead.
///
/// Where a file has a network more than once (Lightning saves a module under every name it goes by), the
/// most complete is taken, then the one with the shortest prefix.
pub fn recognise(checkpoint: &Checkpoint) -> Result<Recognised, String> {
    let by_sign = SIGNS.iter().find_map(|(sign, network)| {
        let prefixes = prefixes(checkpoint, sign);
        let candidates = prefixes.into_iter().filter_map(|prefix| examine(checkpoint, *network, prefix));
        candidates.min_by_key(|found| (found.missing.len() + found.misshapen.len(), found.prefix.len()))
    });
    by_sign.or_else(|| audio_encoder(checkpoint)).ok_or_else(|| looks_like(checkpoint))
}

/// What stands before `sign` wherever it ends a tensor's name; a hostile file could have it thousands of times.
fn prefixes<'a>(checkpoint: &'a Checkpoint, sign: &str) -> Vec<&'a str> {
    let names = checkpoint.tensors().iter().map(|tensor| tensor.name.as_str());
    let prefix = names.filter_map(|name| name.strip_suffix(sign));
    prefix.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')).take(MAX_COPIES).collect()
}

/// Compares what is below `prefix` with the network's layout. `None`: not even its size can be read.
fn examine(checkpoint: &Checkpoint, network: Network, prefix: &str) -> Option<Recognised> {
    let shape = |name: &str| checkpoint.get(&format!("{prefix}{name}")).map(|info| info.shape.clone());
    let (variant, layout) = match network {
        Network::Wav2Lip => {
            let config = generator(&shape)?;
            (Variant::Wav2Lip(config), layout::wav2lip(&config))
        }
        Network::LipsyncExpert => {
            plain(&shape, "face_encoder.0.conv_block.0.weight", 32, layout::lipsync_expert)?
        }
        Network::QualityDiscriminator => {
            let first = shape("face_encoder_blocks.0.0.conv_block.0.weight")?;
            let [channels, inputs, ..] = first[..] else { return None };
            let pictures = inputs / 3;
            // Beyond this it is another network, and the multiples would overflow.
            if !(1..=64 * 32).contains(&channels) || !(1..=64).contains(&pictures) {
                return None;
            }
            let layout = layout::quality_discriminator(channels, pictures);
            (Variant::Critic { channels, pictures }, layout)
        }
        Network::S3fdFaceAlignment => plain(&shape, "conv1_1.weight", 64, layout::s3fd_face_alignment)?,
        Network::S3fdSyncnet => plain(&shape, "vgg.0.weight", 64, layout::s3fd_syncnet)?,
        Network::SyncnetV2 => plain(&shape, "netcnnaud.0.weight", 64, layout::syncnet_v2)?,
        Network::Diff2Lip => {
            let positions = shape("position");
            let draft = generator(&|name| shape(&format!("draft.{name}")));
            let config = diff2lip::Config::of_shapes(read::unet(&shape, 64)?, positions.as_deref(), draft)?;
            let layout = layout::diff2lip(&config);
            (Variant::Diff2Lip(config), layout)
        }
        Network::DiffusedHeads => {
            let unet = read::unet(&shape, 64)?;
            let heard = *shape("audio_embed.0.weight")?.get(1)?;
            let layout = layout::diffused_heads(&unet, heard);
            // The noisy picture, two motion frames, the identity frame.
            let motion_channels = unet.in_channels.checked_sub(6)? / 2;
            (Variant::DiffusedHeads { unet, motion_channels, heard }, layout)
        }
        Network::DiffTalk => {
            let unet = read::unet(&|name| shape(&format!("model.diffusion_model.{name}")), 32)?;
            let first_stage = read::vq(&|name| shape(&format!("first_stage_model.{name}")))?;
            let averaged = shape("model_ema.diffusion_model.out.2.weight").is_some();
            let layout = layout::difftalk(&unet, &first_stage);
            (Variant::DiffTalk { unet, first_stage, averaged }, layout)
        }
        Network::Vq => {
            let vq = read::vq(&shape)?;
            let layout = layout::vq(&vq);
            (Variant::FirstStage(vq), layout)
        }
        Network::Lpips => {
            // The package's own small files hold what the channels count, but not the classifier.
            let first = shape(lpips::FIRST);
            let alex = || shape("lin0.model.1.weight").zip(shape("lin1.model.1.weight"));
            let backbone = match first {
                Some(first) => lpips::Backbone::of_shape(&first)?,
                None if alex()?.1.get(1) == Some(&192) => lpips::Backbone::Alex,
                None => lpips::Backbone::Vgg,
            };
            (Variant::Lpips(backbone), layout::lpips(backbone))
        }
        Network::Inception => (Variant::Inception, layout::inception()),
        Network::DiffusedHeadsAudio => return audio_encoder(checkpoint),
    };
    Some(compare(checkpoint, network, variant, prefix, &layout))
}

/// The configuration of the U-Net below `prefix`, as far as shapes tell it.
pub(crate) fn read_unet(vb: &VarBuilder, prefix: &str, head_channels: usize) -> Option<unet::Config> {
    read::unet(&|name| shape_of(vb, &format!("{prefix}{name}")), head_channels)
}

/// The configuration of the first stage below `prefix`.
pub(crate) fn read_vq(vb: &VarBuilder, prefix: &str) -> Option<Vq> {
    read::vq(&|name| shape_of(vb, &format!("{prefix}{name}")))
}

fn shape_of(vb: &VarBuilder, name: &str) -> Option<Vec<usize>> {
    vb.contains_tensor(name).then(|| vb.get_unchecked(name).ok()).flatten().map(|x| x.dims().to_vec())
}

/// The configuration of Wav2Lip's generator.
fn generator(shape: &dyn Fn(&str) -> Option<Vec<usize>>) -> Option<wav2lip::Config> {
    let width = width(shape, "face_encoder_blocks.0.0.conv_block.0.weight", 16)?;
    let warps = shape("output_block.1.bias").is_some_and(|bias| bias == [wav2lip::Config::WARPING]);
    Some(wav2lip::Config { width, warps })
}

/// A network whose widths all follow from its first layer's.
fn plain(
    shape: &dyn Fn(&str) -> Option<Vec<usize>>,
    first: &str,
    published: usize,
    layout: impl Fn(usize) -> Layout,
) -> Option<(Variant, Layout)> {
    let channels = width(shape, first, published)?;
    Some((Variant::Width { channels, published }, layout(channels)))
}

/// Channels of the layer `first`; beyond what is believed it is another network, and the multiples would overflow.
fn width(shape: &dyn Fn(&str) -> Option<Vec<usize>>, first: &str, published: usize) -> Option<usize> {
    shape(first)?.first().copied().filter(|channels| (1..=64 * published).contains(channels))
}

fn compare(
    checkpoint: &Checkpoint,
    network: Network,
    variant: Variant,
    prefix: &str,
    layout: &Layout,
) -> Recognised {
    let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
    for (name, expected) in &layout.tensors {
        match checkpoint.get(&format!("{prefix}{name}")) {
            None => missing.push(name.clone()),
            Some(info) if info.shape != *expected => misshapen.push(Misshapen {
                name: name.clone(),
                expected: expected.clone(),
                found: info.shape.clone(),
            }),
            Some(_) => {}
        }
    }
    let known: HashSet<&str> = layout.tensors.iter().map(|(name, _)| name.as_str()).collect();
    let own = checkpoint.tensors().iter().filter_map(|tensor| tensor.name.strip_prefix(prefix));
    let unexpected = own.filter(|name| !known.contains(name) && !is_by_product(network, name));
    let unexpected = unexpected.map(str::to_owned).collect();
    Recognised { network, variant, prefix: prefix.to_owned(), missing, misshapen, unexpected }
}

/// What training leaves in a file beside the network.
fn is_by_product(network: Network, name: &str) -> bool {
    name.ends_with("num_batches_tracked")
        || match network {
            Network::Vq => name.starts_with("loss."),
            // Constants, and the weights once more under a list's names.
            Network::Lpips => name.starts_with("scaling_layer.") || name.starts_with("lins."),
            // The classes, and torchvision's second exit.
            Network::Inception => name.starts_with("fc.") || name.starts_with("AuxLogits."),
            // The averaged weights, and the noise schedule's tables: the names without a dot.
            Network::DiffTalk => name.starts_with("model_ema.") || !name.contains('.'),
            _ => false,
        }
}

/// The published file's exact layers are not documented: a recurrent network over a raw waveform, with
/// two layers, is told by its shapes and cannot be checked for completeness.
fn audio_encoder(checkpoint: &Checkpoint) -> Option<Recognised> {
    let recurrent = checkpoint.tensors().iter().find_map(|tensor| {
        let prefix = tensor.name.strip_suffix("weight_ih_l0")?;
        let second = checkpoint.get(&format!("{prefix}weight_hh_l1"))?;
        // Reset, update and candidate gates of a GRU, each square.
        matches!(second.shape[..], [gates, hidden] if gates == 3 * hidden).then(|| second.shape[1])
    })?;
    let waveform = |info: &TensorInfo| matches!(info.shape[..], [_, 1, kernel] if kernel > 1);
    checkpoint.tensors().iter().any(waveform).then(|| Recognised {
        network: Network::DiffusedHeadsAudio,
        variant: Variant::Recurrent { hidden: recurrent },
        prefix: String::new(),
        missing: Vec::new(),
        misshapen: Vec::new(),
        unexpected: Vec::new(),
    })
}

/// What an unknown file seems to be.
fn looks_like(checkpoint: &Checkpoint) -> String {
    let names: Vec<&str> = checkpoint.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
    let any = |part: &str| names.iter().any(|name| name.contains(part));
    let is_moment = |name: &&str| {
        let last = name.rsplit('.').next().unwrap_or(name);
        matches!(last, "exp_avg" | "exp_avg_sq" | "max_exp_avg_sq" | "momentum_buffer" | "step")
    };
    if names.is_empty() {
        "it holds no tensors: settings or a dictionary without weights".to_owned()
    } else if names.iter().all(is_moment) {
        "it holds an optimiser's state only; the weights were saved in another file".to_owned()
    } else if any("cond_stage_model.transformer.") || any("model.diffusion_model.") {
        "it is a latent diffusion model, but none that dubs (Stable Diffusion or a relative)".to_owned()
    } else if any("input_blocks.0.0.weight") {
        "it is a guided-diffusion U-Net without anything that hears: an image model, or another project's"
            .to_owned()
    } else {
        let first = names.iter().take(3).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        format!("its {} tensors ({first}, …) are of a network that Lipsmith does not know", names.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zoo_is_whole() {
        for about in &ZOO.networks {
            assert_eq!(about.network.about().title, about.title);
            assert_eq!(serde_json::to_value(about.network).unwrap(), about.network.name());
            assert_eq!(Network::by_name(about.network.name()), Some(about.network));
        }
        for (_, network) in SIGNS {
            assert!(!network.about().licence.is_empty());
        }
        let known = |network: &Network| ZOO.networks.iter().any(|about| about.network == *network);
        assert!(ZOO.families.iter().flat_map(|family| family.needs.iter().chain(&family.helps)).all(known));
        assert!(ZOO.published.iter().all(|file| known(&file.network)));
    }

    #[test]
    fn published_digests_match_on_both_ends() {
        let digest = |prefix: &str, suffix: &str| {
            format!("{prefix}{}{suffix}", "0".repeat(64 - prefix.len() - suffix.len()))
        };
        assert_eq!(
            published(&digest("b78b681b", "ef63c37")).map(|file| file.file.as_str()),
            Some("wav2lip.pth")
        );
        assert_eq!(
            published(&digest("619a316812", "")).map(|file| file.network),
            Some(Network::S3fdFaceAlignment)
        );
        assert!(published(&digest("b78b681b", "ef63c38")).is_none());
    }
}
