//! What judges: the weights that were named, else the imported ones, else the expert that the program carries, else the
//! ear of the generator that it carries and the face mesh.

use crate::error::EngineError;
use crate::models::Registry;
use crate::paths::Paths;
use crate::shipped;
use candle_core::DType;
use lipsmith_lipsync::face::{Finder, detect};
use lipsmith_lipsync::judge::Judge;
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::device;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::syncnet_v2::{self, SyncNetV2};
use lipsmith_nets::wav2lip::{self, Wav2Lip};
use lipsmith_nets::zoo::{self, Network};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What can judge, the papers' own first.
const JUDGES: [Network; 2] = [Network::SyncnetV2, Network::LipsyncExpert];

/// With what sync was measured.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeName {
    pub network: &'static str,
    pub title: &'static str,
    pub weights: PathBuf,
    /// The weights are those that the program carries.
    pub carried: bool,
    /// The scores compare with those in the papers: they are SyncNet v2's.
    pub papers_own: bool,
    /// How much nearer than the others, as a share of their distance, a sound at least is whose nearness says something.
    pub sure: f64,
}

/// Of the experts, by the distances that are published for SyncNet.
pub const SURE: f64 = 0.15;
/// Of an ear and a mesh, which agree less: on four clips of real films in sync 0.06 to 0.13, with six voices that did not
/// belong to them 0.02 to 0.06 at the best shift.
const SURE_BY_EAR: f64 = 0.06;

/// What would judge if nothing else is asked for, in words; `None` where nothing is installed that can.
pub fn installed(paths: &Paths) -> Option<String> {
    let (network, _, carried) = find(paths).ok()?;
    Some(title(network, carried).to_owned())
}

fn title(network: Network, carried: bool) -> &'static str {
    match (network, carried) {
        (Network::Wav2Lip, _) => "Lipsmith's own ear and the face mesh",
        (_, true) => "Lipsmith's own compact expert",
        _ => &network.about().title,
    }
}

fn find(paths: &Paths) -> Result<Choice, EngineError> {
    let registry = Registry::open(&paths.data)?;
    let installed = |network: Network| Some((network, registry.installed(network.name())?, false));
    let ear = match paths.face_models().join(detect::MESH_FILE).exists() {
        true => shipped::weights(shipped::GENERATOR, &paths.data)?,
        false => None,
    };
    choose(installed, shipped::weights(shipped::EXPERT, &paths.data)?, ear)
}

/// # Errors
/// When nothing can judge, or the file cannot be used.
pub fn open(paths: &Paths, file: Option<&Path>, device: &str) -> Result<(Judge, JudgeName), EngineError> {
    let (network, weights, carried) = match file {
        Some(file) => {
            let checkpoint =
                Checkpoint::open(file).map_err(|e| EngineError::Request(format!("--checkpoint: {e}")))?;
            let found = zoo::recognise(&checkpoint)
                .map_err(|what| EngineError::Request(format!("--checkpoint {}: {what}", file.display())))?;
            (found.network, file.to_path_buf(), false)
        }
        None => find(paths)?,
    };
    let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
    // A generator's ear judges only if it was taught to here, and that of another file may not have been.
    let wanted = if JUDGES.contains(&network) || carried { network } else { JUDGES[0] };
    let (checkpoint, found) = zoo::open(&weights, wanted).map_err(EngineError::Network)?;
    let vars = checkpoint.var_builder(&found.prefix, DType::F32, &device);
    let built = match network {
        Network::Wav2Lip => {
            let mesh = Finder::mesh_in(&paths.face_models())?;
            wav2lip::Config::of_checkpoint(&vars)
                .and_then(|config| Wav2Lip::new(&config, &vars))
                .map(|network| Judge::ear(network, mesh, device))
        }
        Network::LipsyncExpert => syncnet_color::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetColor::new(&config, &vars))
            .map(|network| Judge::expert(network, device)),
        _ => syncnet_v2::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetV2::new(&config, &vars))
            .map(|network| Judge::syncnet(network, device)),
    };
    let papers_own = network == Network::SyncnetV2;
    let sure = if network == Network::Wav2Lip { SURE_BY_EAR } else { SURE };
    let (title, network) = (title(network, carried), network.name());
    let name = JudgeName { network, title, weights, carried, papers_own, sure };
    Ok((built.map_err(EngineError::Network)?, name))
}

type Choice = (Network, PathBuf, bool);

fn choose(
    installed: impl Fn(Network) -> Option<Choice>,
    expert: Option<PathBuf>,
    ear: Option<PathBuf>,
) -> Result<Choice, EngineError> {
    let carried = |network: Network| move |file: PathBuf| (network, file, true);
    let expert = || expert.map(carried(Network::LipsyncExpert));
    let ear = || ear.map(carried(Network::Wav2Lip));
    JUDGES.into_iter().find_map(installed).or_else(expert).or_else(ear).ok_or_else(|| {
        EngineError::Request(
            "a score needs weights that judge, and none are installed: run `lipsmith models import FILE` with \
             syncnet_v2.model or lipsync_expert.pth, or give --checkpoint FILE; or run packaging/fetch-face-models, \
             whose face mesh Lipsmith's own ear can judge by"
                .into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_own_judges_first_and_ours_where_there_is_no_other() {
        let with = |there: &[Network], expert: Option<&str>, ear: Option<&str>| {
            let file = |network: Network| Some((network, network.name().into(), false));
            let [expert, ear] = [expert, ear].map(|own| own.map(PathBuf::from));
            let chosen = choose(|n| file(n).filter(|_| there.contains(&n)), expert, ear);
            chosen.map(|(network, _, carried)| (network, carried))
        };
        let both = [Network::LipsyncExpert, Network::SyncnetV2];
        let (own, ear) = (Some("own"), Some("ear"));
        assert_eq!(with(&both, own, ear).ok(), Some((Network::SyncnetV2, false)));
        assert_eq!(with(&both[..1], own, ear).ok(), Some((Network::LipsyncExpert, false)));
        assert_eq!(with(&[], own, ear).ok(), Some((Network::LipsyncExpert, true)));
        assert_eq!(with(&[], None, ear).ok(), Some((Network::Wav2Lip, true)));
        let refused = with(&[], None, None).expect_err("nobody judges").to_string();
        assert!(refused.contains("models import"), "{refused}");
    }
}
