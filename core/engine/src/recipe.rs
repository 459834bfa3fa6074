//! A method made ready on this machine: its family looked up, its weights found, its device opened.

use crate::error::EngineError;
use crate::files::fingerprint;
use crate::models::{ModelsError, Registry};
use crate::paths::Paths;
use crate::shipped;
use candle_core::{DType, Device};
use lipsmith_base::Digest;
use lipsmith_lipsync::FAMILIES;
use lipsmith_lipsync::blend::Mask;
use lipsmith_lipsync::families::diff2lip::{Diff2LipRecipe, Sampling};
use lipsmith_lipsync::families::difftalk::DiffTalkRecipe;
use lipsmith_lipsync::families::diffused_heads::DiffusedHeadsRecipe;
use lipsmith_lipsync::families::in_between::InBetween;
use lipsmith_lipsync::families::network::Preset;
use lipsmith_lipsync::families::rewrite::Rewrite;
use lipsmith_lipsync::families::rounded::Rounded;
use lipsmith_lipsync::families::warped::WarpedRecipe;
use lipsmith_lipsync::families::wav2lip::Wav2LipRecipe;
use lipsmith_lipsync::families::{Family, Pace, Recipe};
use lipsmith_lipsync::talk::Talker;
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::sched::Sampler;
use lipsmith_nets::sound_gru::SoundGru;
use lipsmith_nets::zoo::{self, Network};
use lipsmith_nets::{NetsError, device, diff2lip, difftalk, diffused_heads, wav2lip};
use lipsmith_project::{self as project, Method, Reach};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How diffusion families may sample, by name.
pub const SAMPLERS: &[&str] = &Sampler::NAMES;

/// Softness of the mask's edge in distances between the eyes, where the editor does not say.
const FEATHER: f32 = 0.15;

/// The ear that we ship, or what was taught from it, says the mean of what such sounds do, which is less than each does, and
/// its painter heeds it little on real faces: this makes up for it (measured in resources/models/lipsmith-w.md).
const CALM: f64 = 2.0;

pub struct Prepared {
    method: Method,
    family: Family,
    weights: Option<PathBuf>,
    companion: Option<PathBuf>,
    sampler: Sampler,
    device: Device,
}

impl Prepared {
    /// Checks everything that can be checked without opening the weights.
    pub fn new(
        method: &Method,
        file: Option<&Path>,
        device: &str,
        paths: &Paths,
    ) -> Result<Prepared, EngineError> {
        let family = FAMILIES.iter().find(|f| f.name == method.family).copied();
        let family =
            family.ok_or_else(|| unknown("family", &method.family, FAMILIES.iter().map(|f| f.name)))?;
        let sampler = Sampler::by_name(&method.sampler)
            .ok_or_else(|| unknown("sampler", &method.sampler, Sampler::NAMES.into_iter()))?;
        if let Some(feather) = method.feather.filter(|f| !(0.0..=0.5).contains(f)) {
            return Err(EngineError::Request(format!(
                "--feather {feather}: give 0 to 0.5 distances between the eyes"
            )));
        }
        if method.in_betweens && !family.in_betweens {
            let able = FAMILIES.iter().filter(|family| family.in_betweens).map(|family| family.name);
            return Err(EngineError::Request(format!(
                "--in-betweens: {} paints every frame; {} can leave some to their neighbours",
                family.name,
                able.collect::<Vec<_>>().join(" and ")
            )));
        }
        let (every, most) = (method.inner_every, Method::MOST_INNER_EVERY);
        if !(1..=most).contains(&every) {
            return Err(EngineError::Request(format!("--inner-every {every}: give 1 to {most}")));
        }
        if every > 1 && family.name != Network::Diff2Lip.name() {
            return Err(EngineError::Request(format!(
                "--inner-every {every}: only diff2lip can take steps without its network's inner levels"
            )));
        }
        let emphasis = method.emphasis;
        let most = Method::MOST_EMPHASIS;
        if !(0.0..=most).contains(&emphasis) {
            return Err(EngineError::Request(format!("--emphasis {emphasis}: give 0 to {most}")));
        }
        let may_be_ours = [Network::Wav2Lip, Network::Diff2Lip].map(|network| Some(network.name()));
        if emphasis != 1.0 && !may_be_ours.contains(&family.network) {
            return Err(only_ours(emphasis));
        }
        if !(0.0..=1.0).contains(&method.eta) {
            return Err(EngineError::Request(format!("--eta {}: give 0 to 1", method.eta)));
        }
        let weights = match (family.network, file) {
            (None, None) => None,
            (None, Some(file)) => {
                return Err(EngineError::Request(format!(
                    "{} needs no weights: leave out --checkpoint {} or choose another --family",
                    family.name,
                    file.display()
                )));
            }
            (Some(_), Some(file)) => Some(file.to_path_buf()),
            (Some(_), None) if family.shipped => carried(family.name, method.checkpoint, paths)?,
            (Some(network), None) => Some(installed(&family, network, method.checkpoint, paths)?),
        };
        let companion = family.companion.map(|network| companion(family.name, network, paths)).transpose()?;
        let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
        let checkpoint = weights.as_deref().map(|file| identity(file, companion.as_deref())).transpose()?;
        Ok(Prepared {
            method: Method { checkpoint, ..method.clone() },
            family,
            weights,
            companion,
            sampler,
            device,
        })
    }

    /// Opens the weights once: that they do not fit is better known now than after a film was tracked.
    pub fn check(&self) -> Result<(), EngineError> {
        if self.weights.is_some() { self.open(true).map(drop) } else { Ok(()) }
    }

    /// The method with its checkpoint named.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Who will do the work, for people.
    pub fn describe(&self) -> String {
        match &self.weights {
            None => format!("{}: {}", self.family.name, self.family.summary),
            Some(file) => {
                format!("{} with {} on {}", self.family.name, file.display(), device::describe(&self.device))
            }
        }
    }

    /// A fresh recipe, on the chosen device or on the CPU.
    pub fn open(&self, on_cpu: bool) -> Result<Box<dyn Recipe>, EngineError> {
        let mut recipe = self.painter(on_cpu)?;
        if self.method.half_precision {
            recipe = Box::new(Rounded(recipe));
        }
        if self.method.in_betweens {
            recipe = Box::new(InBetween(recipe));
        }
        Ok(recipe)
    }

    fn painter(&self, on_cpu: bool) -> Result<Box<dyn Recipe>, EngineError> {
        let device = if on_cpu { Device::Cpu } else { self.device.clone() };
        let mask = mask(&self.method);
        let preset = match self.method.preset {
            project::Preset::Film => Preset::Film,
            project::Preset::Reference => Preset::Reference,
        };
        let network = self.family.network.and_then(Network::by_name);
        let Some((file, network)) = self.weights.as_ref().zip(network) else {
            return Ok(Box::new(Rewrite::new(mask)));
        };
        let (checkpoint, found) = zoo::open(file, network).map_err(EngineError::Network)?;
        let weights = checkpoint.var_builder(&found.prefix, DType::F32, &device);
        let misfit = |error: NetsError| self.misfit(file, &error.to_string());
        let sampling = self.sampling();
        Ok(match network {
            Network::Wav2Lip => {
                let config = wav2lip::Config::of_checkpoint(&weights).map_err(misfit)?;
                let network = wav2lip::Wav2Lip::new(&config, &weights).map_err(misfit)?;
                let emphasis = self.emphasis(config.warps)?;
                match preset {
                    Preset::Film if network.warps() => {
                        Box::new(WarpedRecipe::new(network, emphasis, device, mask))
                    }
                    _ => Box::new(Wav2LipRecipe::new(network, emphasis, device, preset, mask)),
                }
            }
            Network::DiffusedHeads => {
                let config = diffused_heads::Config::of_checkpoint(&weights).map_err(misfit)?;
                let network = diffused_heads::DiffusedHeads::new(&config, &weights).map_err(misfit)?;
                let ears = self.ears(&device)?;
                Box::new(DiffusedHeadsRecipe::new(network, ears, device, preset, sampling, mask)?)
            }
            Network::DiffTalk => {
                let config = difftalk::Config::of_checkpoint(&weights).map_err(misfit)?;
                let averaged = difftalk::has_averages(&weights).then(|| difftalk::averaged(&weights));
                let weights = averaged.unwrap_or(weights);
                let network = difftalk::DiffTalk::new(&config, &weights).map_err(misfit)?;
                Box::new(DiffTalkRecipe::new(network, device, preset, sampling, mask)?)
            }
            _ => {
                let config = diff2lip::Config::of_checkpoint(&weights).map_err(misfit)?;
                let network = diff2lip::Diff2Lip::new(&config, &weights).map_err(misfit)?;
                let emphasis = self.emphasis(config.draft.is_some())?;
                Box::new(Diff2LipRecipe::new(network, device, preset, sampling, emphasis, mask)?)
            }
        })
    }

    /// Diffused Heads as what it was made to be: see [`Talker`].
    ///
    /// # Errors
    /// When the method is of another family, or its weights cannot be used.
    pub fn talker(&self, steady: Option<usize>) -> Result<Talker, EngineError> {
        let Some(file) = self.weights.as_ref().filter(|_| self.family.name == "diffused-heads") else {
            return Err(EngineError::Request(format!(
                "{} paints no whole heads: choose diffused-heads",
                self.family.name
            )));
        };
        let (checkpoint, found) = zoo::open(file, Network::DiffusedHeads).map_err(EngineError::Network)?;
        let weights = checkpoint.var_builder(&found.prefix, DType::F32, &self.device);
        let network = diffused_heads::Config::of_checkpoint(&weights)
            .and_then(|config| diffused_heads::DiffusedHeads::new(&config, &weights))
            .map_err(|error| self.misfit(file, &error.to_string()))?;
        let ears = self.ears(&self.device)?;
        Ok(Talker::new(network, ears, self.device.clone(), self.sampling(), steady)?)
    }

    /// How many times what it hears a network's mouth does, whose ear is ours or not.
    fn emphasis(&self, ours: bool) -> Result<f64, EngineError> {
        match self.method.emphasis {
            emphasis if ours => Ok(CALM * f64::from(emphasis)),
            1.0 => Ok(1.0),
            emphasis => Err(only_ours(emphasis)),
        }
    }

    fn sampling(&self) -> Sampling {
        let Method { steps, eta, seed, inner_every, .. } = self.method;
        Sampling {
            sampler: self.sampler,
            steps: steps as usize,
            eta: f64::from(eta),
            seed: seed as u32,
            inner_every: inner_every as usize,
        }
    }

    /// The sound encoder of Diffused Heads.
    fn ears(&self, device: &Device) -> Result<SoundGru, EngineError> {
        let Some(file) = &self.companion else {
            return Err(EngineError::Request(format!(
                "{} has no sound encoder to hear with",
                self.family.name
            )));
        };
        let (checkpoint, _) = zoo::open(file, Network::DiffusedHeadsAudio).map_err(EngineError::Network)?;
        SoundGru::of_checkpoint(&checkpoint, device).map_err(|error| self.misfit(file, &error.to_string()))
    }

    fn misfit(&self, file: &Path, why: &str) -> EngineError {
        let path = file.to_path_buf();
        EngineError::Models(ModelsError::Unfit {
            path,
            why: format!("{why} (wanted for {})", self.family.name),
        })
    }
}

/// Of networks that have learned elsewhere nobody knows in which words they say what a mouth does.
fn only_ours(emphasis: f32) -> EngineError {
    EngineError::Request(format!(
        "--emphasis {emphasis}: only lipsmith-w, and what is taught from it, can do more or less than it hears; leave it at 1"
    ))
}

/// The second network that a family needs, as imported last.
fn companion(family: &str, network: &str, paths: &Paths) -> Result<PathBuf, EngineError> {
    let title = Network::by_name(network).map_or(network, |network| &network.about().title);
    Registry::open(&paths.data)?.installed(network).ok_or_else(|| {
        EngineError::Request(format!(
            "{family} also needs the {title}, published beside it, and it is not installed: run `lipsmith models \
             import FILE`"
        ))
    })
}

/// The weights that the program carries, where they are those that a method asks for, if it asks.
fn carried(family: &str, wanted: Option<Digest>, paths: &Paths) -> Result<Option<PathBuf>, EngineError> {
    let file = shipped::weights(family, &paths.data)?;
    let found = file.as_deref().map(fingerprint).transpose()?;
    if wanted.is_some() && wanted != found {
        return Err(EngineError::Request(format!(
            "the line asks for the weights that another version of Lipsmith carries for {family}; choose the \
             family again to take this version's"
        )));
    }
    Ok(file)
}

/// The weights that a method asks for, or those imported last.
fn installed(
    family: &Family,
    network: &str,
    checkpoint: Option<Digest>,
    paths: &Paths,
) -> Result<PathBuf, EngineError> {
    let registry = Registry::open(&paths.data)?;
    let Some(wanted) = checkpoint else {
        return registry.installed(network).ok_or_else(|| {
            EngineError::Request(format!(
                "{} needs weights and none are installed: run `lipsmith models import FILE`, give --checkpoint FILE, \
                 or use --family rewrite, which needs none",
                family.name
            ))
        });
    };
    let companion = family.companion.and_then(|network| registry.installed(network));
    let of_network = registry.models().filter(|model| model.network.name() == network);
    let mut files = of_network.map(|model| registry.path(model));
    let is_wanted = |file: &PathBuf| identity(file, companion.as_deref()).is_ok_and(|found| found == wanted);
    files.find(is_wanted).ok_or_else(|| {
        EngineError::Request(format!(
            "the weights that the line asks {} for are not installed; import them or choose the installed ones",
            family.name
        ))
    })
}

/// What names the weights of a family: the fingerprint of its file, or of both where it needs two.
fn identity(weights: &Path, companion: Option<&Path>) -> Result<Digest, EngineError> {
    let own = fingerprint(weights)?;
    let Some(companion) = companion else { return Ok(own) };
    Ok(Digest::of(format!("{own} {}", fingerprint(companion)?).as_bytes()))
}

/// The weights installed for each family that needs any, by what names them; a family of two files has none until
/// both are there.
pub fn checkpoints(registry: &Registry, paths: &Paths) -> Result<BTreeMap<String, Digest>, EngineError> {
    let mut found = BTreeMap::new();
    for family in FAMILIES {
        let weights = match family.network {
            Some(_) if family.shipped => shipped::weights(family.name, &paths.data)?,
            Some(network) => registry.installed(network),
            None => None,
        };
        let Some(weights) = weights else { continue };
        let companion = family.companion.map(|network| registry.installed(network));
        if let Some(None) = companion {
            continue;
        }
        found.insert(family.name.to_string(), identity(&weights, companion.flatten().as_deref())?);
    }
    Ok(found)
}

/// The name under which the [`best`] family is asked for.
pub const AUTO: &str = "auto";

/// The family that needs no weights.
pub const REWRITE: &str = "rewrite";

/// Families that make a whole film, better ones first.
const BEST: [&str; 3] = ["diff2lip", "wav2lip", REWRITE];

/// The best family of those whose weights are installed (`checkpoints`, see [`checkpoints`]). One that takes many seconds
/// a frame is it only where a graphics card computes: who wants it elsewhere asks for it by name.
pub fn best(checkpoints: &BTreeMap<String, Digest>, accelerated: bool) -> &'static str {
    let ready = |family: &Family| family.network.is_none() || checkpoints.contains_key(family.name);
    let quick = |family: &Family| accelerated || family.pace != Pace::Slow;
    let named = BEST.iter().filter_map(|name| FAMILIES.iter().find(|family| family.name == *name));
    named.filter(|family| ready(family) && quick(family)).map(|family| family.name).next().unwrap_or(REWRITE)
}

/// The family that a name stands for: itself, or for [`AUTO`] that of the weights in `file`, or without them the best one.
///
/// # Errors
/// A file that holds no family's network, a device that is not there, a registry that cannot be read.
pub fn choose(name: &str, file: Option<&Path>, device: &str, paths: &Paths) -> Result<String, EngineError> {
    if name != AUTO {
        return Ok(name.to_string());
    }
    let Some(file) = file else {
        let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
        let installed = checkpoints(&Registry::open(&paths.data)?, paths)?;
        return Ok(best(&installed, !device.is_cpu()).to_string());
    };
    let refused = |why: String| EngineError::Network(NetsError::bad_checkpoint(file, why));
    let checkpoint = Checkpoint::open(file).map_err(|e| EngineError::Network(e.into()))?;
    let network = zoo::recognise(&checkpoint).map_err(refused)?.network;
    let family = FAMILIES.iter().find(|family| family.network == Some(network.name()));
    let family = family
        .ok_or_else(|| refused(format!("it is {}, with which no family paints", network.about().title)))?;
    Ok(family.name.to_string())
}

/// What the method paints of a face.
pub fn mask(method: &Method) -> Mask {
    let Reach { up, side, down } = method.reach;
    Mask { feather: method.feather.unwrap_or(FEATHER), up, side, down }
}

/// How a draft is sampled: so few steps that its pictures are within a decibel of DDIM's usual 25, by the sampler that needs
/// fewest for it, its networks at half precision (`cargo bench --workspace --bench steps`; the tables are in
/// core/nets/benches/README.md).
const DRAFT: (&str, u32) = ("unipc", 10);

/// The same method, quicker and rougher where the family allows that. The published scripts know one sampler only, and
/// so does their preset's draft.
pub fn draft(method: &Method) -> Method {
    let denoises = FAMILIES.iter().any(|family| family.name == method.family && family.denoises);
    let (sampler, steps) = DRAFT;
    match method.preset {
        _ if !denoises => method.clone(),
        project::Preset::Film if method.steps <= steps => Method { half_precision: true, ..method.clone() },
        project::Preset::Film => {
            Method { sampler: sampler.into(), steps, half_precision: true, ..method.clone() }
        }
        project::Preset::Reference => Method { steps: method.steps.min(10), ..method.clone() },
    }
}

fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> EngineError {
    let known = known.collect::<Vec<_>>().join(", ");
    EngineError::Request(format!("--{what} {name}: there is no such {what}; choose {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_family_is_one_that_is_installed_and_quick_enough_here() {
        let installed = |names: &[&str]| -> BTreeMap<String, Digest> {
            names.iter().map(|name| (name.to_string(), Digest::of(name.as_bytes()))).collect()
        };
        let fresh = installed(&["lipsmith-w"]);
        assert_eq!([best(&fresh, false), best(&fresh, true)], ["rewrite"; 2]);
        let all = installed(&["lipsmith-w", "wav2lip", "diff2lip", "difftalk"]);
        assert_eq!([best(&all, false), best(&all, true)], ["wav2lip", "diff2lip"]);
        assert_eq!(best(&installed(&["diff2lip"]), false), "rewrite");
    }

    #[test]
    fn a_draft_takes_few_steps_where_there_are_any() {
        let of = |family: &str, steps| Method { family: family.into(), steps, ..Method::default() };
        let quick = draft(&of("diff2lip", 25));
        assert!(quick.steps * 2 < 25 && quick.sampler == "unipc" && quick.half_precision, "{quick:?}");
        assert_eq!(draft(&quick), quick);
        let few = of("diff2lip", 4);
        assert_eq!(draft(&few), Method { half_precision: true, ..few.clone() });
        assert_eq!(draft(&of("rewrite", 25)), of("rewrite", 25));
        let published = Method { preset: project::Preset::Reference, ..of("diff2lip", 25) };
        assert_eq!(draft(&published), Method { steps: 10, ..published.clone() });
    }
}
