//! What judges: the weights that were named, else the imported ones, else the expert that the program carries.

use crate::error::EngineError;
use crate::models::Registry;
use crate::paths::Paths;
use crate::shipped;
use candle_core::DType;
use lipsmith_lipsync::judge::Judge;
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::device;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::syncnet_v2::{self, SyncNetV2};
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
}

/// What would judge if nothing else is asked for, in words; `None` where nothing is installed that can.
pub fn installed(paths: &Paths) -> Option<String> {
    let (network, _, carried) = find(paths).ok()?;
    Some(title(network, carried).to_owned())
}

fn title(network: Network, carried: bool) -> &'static str {
    if carried { "Lipsmith's own compact expert" } else { &network.about().title }
}

fn find(paths: &Paths) -> Result<Choice, EngineError> {
    let registry = Registry::open(&paths.data)?;
    let installed = |network: Network| Some((network, registry.installed(network.name())?, false));
    choose(installed, shipped::weights(shipped::EXPERT, &paths.data)?)
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
    let wanted = if JUDGES.contains(&network) { network } else { JUDGES[0] };
    let (checkpoint, found) = zoo::open(&weights, wanted).map_err(EngineError::Network)?;
    let vars = checkpoint.var_builder(&found.prefix, DType::F32, &device);
    let built = match network {
        Network::LipsyncExpert => syncnet_color::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetColor::new(&config, &vars))
            .map(|network| Judge::expert(network, device)),
        _ => syncnet_v2::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetV2::new(&config, &vars))
            .map(|network| Judge::syncnet(network, device)),
    };
    let papers_own = network == Network::SyncnetV2;
    let name =
        JudgeName { network: network.name(), title: title(network, carried), weights, carried, papers_own };
    Ok((built.map_err(EngineError::Network)?, name))
}

type Choice = (Network, PathBuf, bool);

fn choose(
    installed: impl Fn(Network) -> Option<Choice>,
    carried: Option<PathBuf>,
) -> Result<Choice, EngineError> {
    let own = || Some((Network::LipsyncExpert, carried.clone()?, true));
    JUDGES.into_iter().find_map(installed).or_else(own).ok_or_else(|| {
        EngineError::Request(
            "a score needs weights that judge, and none are installed: run `lipsmith models import FILE` with \
             syncnet_v2.model or lipsync_expert.pth, or give --checkpoint FILE"
                .into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_own_judges_first_and_ours_where_there_is_no_other() {
        let with = |there: &[Network], carried: Option<&str>| {
            let file = |network: Network| Some((network, network.name().into(), false));
            let chosen = choose(|n| file(n).filter(|_| there.contains(&n)), carried.map(PathBuf::from));
            chosen.map(|(network, _, carried)| (network, carried))
        };
        let both = [Network::LipsyncExpert, Network::SyncnetV2];
        assert_eq!(with(&both, Some("own")).ok(), Some((Network::SyncnetV2, false)));
        assert_eq!(with(&both[..1], Some("own")).ok(), Some((Network::LipsyncExpert, false)));
        assert_eq!(with(&[], Some("own")).ok(), Some((Network::LipsyncExpert, true)));
        let refused = with(&[], None).expect_err("nobody judges").to_string();
        assert!(refused.contains("models import"), "{refused}");
    }
}
