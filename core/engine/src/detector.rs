//! What finds the faces: as asked, or the best that this installation has.

use crate::error::EngineError;
use crate::models::{ModelsError, Registry};
use crate::paths::Paths;
use candle_core::{DType, Device};
use lipsmith_lipsync::face::{Finder, SingleShot, detect};
use lipsmith_nets::s3fd::{Config, Flavour, S3fd};
use lipsmith_nets::zoo::{self, Network};
use lipsmith_nets::{NetsError, device};
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detector {
    /// The first of the others, in their order, that is installed.
    #[default]
    Auto,
    /// MediaPipe's full-range detector and its mesh.
    MediaPipe,
    /// S³FD, which finds smaller and more hidden faces at many times the cost; with the mesh if that is there.
    S3fd,
    /// The cascade inside the program: boxes only.
    Rustface,
}

/// The networks that serve as [`Detector::S3fd`], the better known first.
const SINGLE_SHOT: [Network; 2] = [Network::S3fdFaceAlignment, Network::S3fdSyncnet];

/// A detector that is installed, not opened yet.
pub struct Chosen {
    faces: PathBuf,
    which: Which,
}

enum Which {
    MediaPipe,
    S3fd { network: Network, weights: PathBuf },
    Rustface,
}

impl Detector {
    /// Looks for the detector and opens nothing.
    ///
    /// # Errors
    /// [`EngineError::Request`] when what was asked for is not installed.
    pub fn choose(self, paths: &Paths) -> Result<Chosen, EngineError> {
        let faces = paths.face_models();
        let wanted = |detector| self == Detector::Auto || self == detector;
        if wanted(Detector::MediaPipe) && faces.join(detect::DETECTOR_FILE).exists() && has_mesh(&faces) {
            return Ok(Chosen { faces, which: Which::MediaPipe });
        }
        if wanted(Detector::S3fd) {
            let registry = Registry::open(&paths.data)?;
            let weights = |network: Network| Some((network, registry.installed(network.name())?));
            if let Some((network, weights)) = SINGLE_SHOT.into_iter().find_map(weights) {
                return Ok(Chosen { faces, which: Which::S3fd { network, weights } });
            }
        }
        let lacks = |what: &str| Err(EngineError::Request(format!("--detector {what}, or choose auto")));
        match self {
            Detector::Auto | Detector::Rustface => Ok(Chosen { faces, which: Which::Rustface }),
            Detector::MediaPipe => {
                lacks("mediapipe: its files are not installed; run packaging/fetch-face-models")
            }
            Detector::S3fd => {
                lacks("s3fd: its weights are not installed; run `lipsmith models import FILE` (s3fd.pth)")
            }
        }
    }
}

impl Chosen {
    /// For people, and for what is kept of its findings: tells all that changes them.
    pub fn name(&self) -> String {
        match &self.which {
            Which::MediaPipe => "MediaPipe full range".into(),
            Which::Rustface => "rustface (built in, boxes only)".into(),
            Which::S3fd { weights, .. } => {
                // The file is named by its network and its digest.
                let weights = weights.file_stem().unwrap_or_default().to_string_lossy();
                let mesh = if has_mesh(&self.faces) { "with the mesh" } else { "boxes only" };
                format!("{weights} ({mesh})")
            }
        }
    }

    /// `device`, a name of `lipsmith_nets::device`, is where a large network runs.
    ///
    /// # Errors
    /// The device's and the files' own.
    pub fn open(&self, device: &str) -> Result<Finder, EngineError> {
        Ok(match &self.which {
            Which::MediaPipe => Finder::media_pipe(&self.faces)?,
            Which::Rustface => Finder::built_in()?,
            Which::S3fd { network, weights } => {
                let device =
                    device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
                let (net, flavour) = single_shot(weights, *network, &device)?;
                let mesh = has_mesh(&self.faces).then(|| Finder::mesh_in(&self.faces)).transpose()?;
                Finder { detector: Box::new(SingleShot::new(net, flavour, device)), mesh }
            }
        })
    }
}

fn has_mesh(faces: &Path) -> bool {
    faces.join(detect::MESH_FILE).exists()
}

fn single_shot(file: &Path, network: Network, device: &Device) -> Result<(S3fd, Flavour), EngineError> {
    let (checkpoint, found) = zoo::open(file, network).map_err(EngineError::Network)?;
    let weights = checkpoint.var_builder(&found.prefix, DType::F32, device);
    let net = Config::of_checkpoint(&weights)
        .and_then(|config| Ok((S3fd::new(&config, &weights)?, config.flavour)));
    net.map_err(|error: NetsError| {
        EngineError::Models(ModelsError::Unfit { path: file.to_path_buf(), why: error.to_string() })
    })
}
