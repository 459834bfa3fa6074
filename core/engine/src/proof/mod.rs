//! What networks are worth on a set's validation people, as a table; and what families are on films.

mod films;

pub use films::{FilmsProof, FilmsRow, FilmsTable, films_proof};

use crate::error::EngineError;
use crate::files::write_atomically;
use crate::paths::Paths;
use crate::train::expert;
use candle_core::{DType, Device};
use lipsmith_base::{Cancel, ColourSpec, Picture, PixelFormat, Point, Rgb, Sink};
use lipsmith_lipsync::face::{Finder, Mesh, Region, detect};
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::device;
use lipsmith_nets::diff2lip::{self, Diff2Lip};
use lipsmith_nets::ops::Precision;
use lipsmith_nets::sched::Sampler;
use lipsmith_nets::wav2lip::{Config, FACE, Wav2Lip};
use lipsmith_nets::zoo::{self, Network};
use lipsmith_train::dataset::Set;
pub use lipsmith_train::proof::Row;
use lipsmith_train::proof::{Hears, Jury, Lips, Method, Sampling, judge};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What to judge, and by whom.
#[derive(Clone, Debug)]
pub struct Proof {
    pub set: PathBuf,
    /// Checkpoints of Wav2Lip or Diff2Lip.
    pub networks: Vec<PathBuf>,
    /// How Diff2Lip's pictures are sampled, [`Proof::SAMPLING`]; of several ways each is also set beside the first.
    pub sampling: Vec<String>,
    /// What mouths do, as a multiple of what networks of ours hear.
    pub emphasis: f64,
    /// Whether networks of ours are also judged told the true mouths: what their painting is worth without their ear.
    pub told: bool,
    /// A lip-sync expert's checkpoint. One that taught a network likes it better than a stranger would.
    pub expert: Option<PathBuf>,
    /// Validation clips, at most.
    pub clips: usize,
    /// Where a PNG with examples goes.
    pub pictures: Option<PathBuf>,
    pub device: String,
}

impl Proof {
    /// How a way of sampling is written.
    pub const SAMPLING: &str = "SAMPLER:STEPS[:half][:inner=N]";
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    pub rows: Vec<Row>,
}

/// Judges the unchanged film, a frozen mouth and the networks.
///
/// # Errors
/// Files that cannot be used, a set with too few people for validation.
pub fn proof(paths: &Paths, proof: &Proof, sink: &dyn Sink, cancel: &Cancel) -> Result<Table, EngineError> {
    let ways = proof.sampling.iter().map(|way| sampling(way)).collect::<Result<Vec<_>, _>>()?;
    if !(0.0..=4.0).contains(&proof.emphasis) {
        return Err(EngineError::Request(format!("--emphasis {}: give 0 to 4", proof.emphasis)));
    }
    let device = device::open(&proof.device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
    let set = Set::open(&proof.set)?;
    let mut methods = vec![Method::Unchanged, Method::Frozen];
    for file in &proof.networks {
        methods.extend(methods_of(file, proof, &ways, &device)?);
    }
    let expert = proof.expert.as_deref().map(|file| expert(file, &device)).transpose()?;
    let faces = paths.face_models();
    let mut mesh = match faces.join(detect::MESH_FILE).exists() {
        true => Some(Finder::mesh_in(&faces)?),
        false => {
            sink.note("the face mesh is not installed: the lips' points are not compared".into());
            None
        }
    };
    let mut find = mesh.as_mut().map(|mesh| |picture: &Rgb| lips(mesh, picture));
    let lips = find.as_mut().map(|find| find as Lips);
    let mut jury = Jury { expert, lips, device };
    let (rows, sheet) = judge(&set, &methods, &mut jury, proof.clips, sink, cancel)?;
    if let Some(file) = &proof.pictures {
        write_atomically(file, &sheet)?;
    }
    Ok(Table { rows })
}

/// The file of a run is called after the run too.
fn name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let folder = file.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy());
    match folder {
        Some(folder) if stem == "network" || stem == "best" => format!("{folder} {stem}"),
        _ => stem.into_owned(),
    }
}

/// See [`Proof::SAMPLING`].
fn sampling(way: &str) -> Result<Sampling, EngineError> {
    let mut parts = way.split(':');
    let found =
        parts.next().and_then(Sampler::by_name).zip(parts.next().and_then(|steps| steps.parse().ok()));
    let found = found.filter(|(_, steps)| (1..=1000).contains(steps)).and_then(|(sampler, steps)| {
        let plain = Sampling { sampler, ..Sampling::ddim(steps) };
        parts.try_fold(plain, |so_far, part| match part.strip_prefix("inner=").map(str::parse) {
            None if part == "half" => Some(Sampling { precision: Precision::Half, ..so_far }),
            Some(Ok(inner_every)) if inner_every > 0 => Some(Sampling { inner_every, ..so_far }),
            _ => None,
        })
    });
    found.ok_or_else(|| {
        let (form, names) = (Proof::SAMPLING, Sampler::NAMES.join(", "));
        EngineError::Request(format!(
            "--sampling {way}: give {form}, where SAMPLER is one of {names} and STEPS 1 to 1000, as unipc:10:half"
        ))
    })
}

fn methods_of(
    file: &Path,
    proof: &Proof,
    ways: &[Sampling],
    device: &Device,
) -> Result<Vec<Method>, EngineError> {
    let checkpoint = Checkpoint::open(file).map_err(|error| EngineError::Network(error.into()))?;
    let found = zoo::recognise(&checkpoint);
    let wanted = found.as_ref().map_or(Network::Wav2Lip, |found| found.network);
    let (checkpoint, found) = zoo::open(file, wanted).map_err(EngineError::Network)?;
    let vb = checkpoint.var_builder(&found.prefix, DType::F32, device);
    let name = name(file);
    let methods = match found.network {
        Network::Wav2Lip => {
            Config::of_checkpoint(&vb).and_then(|config| Wav2Lip::new(&config, &vb)).map(|network| {
                let told = proof.told.then(|| Method::Wav2Lip {
                    name: format!("{name}, told the mouth"),
                    network: network.clone(),
                    hears: Hears::Mouth,
                });
                let heard = Method::Wav2Lip { name, network, hears: Hears::Voice(proof.emphasis) };
                [heard].into_iter().chain(told).collect()
            })
        }
        Network::Diff2Lip => diff2lip::Config::of_checkpoint(&vb)
            .and_then(|config| Diff2Lip::new(&config, &vb))
            .map(|network| {
                let by = proof.sampling.iter().zip(ways).flat_map(|(way, &sampling)| {
                    let name = format!("{name}, {way}");
                    let told = proof.told.then(|| Method::Diff2Lip {
                        name: format!("{name}, told the mouth"),
                        network: network.clone(),
                        hears: Hears::Mouth,
                        sampling,
                    });
                    let hears = Hears::Voice(proof.emphasis);
                    [Method::Diff2Lip { name, network: network.clone(), hears, sampling }]
                        .into_iter()
                        .chain(told)
                });
                by.collect()
            }),
        other => {
            return Err(EngineError::Request(format!(
                "{} is {}, which makes no mouths here; give a checkpoint of wav2lip or diff2lip",
                file.display(),
                other.about().title
            )));
        }
    };
    methods.map_err(EngineError::Network)
}

/// The lips of a face that fills the picture.
fn lips(mesh: &mut Mesh, picture: &Rgb) -> Option<Vec<Point>> {
    let film = Picture::from_rgb(picture, PixelFormat::GBR8, ColourSpec::SRGB);
    let side = FACE as f32;
    // The face's box fills the window but for the room below it; the mesh wants half as much again around it.
    let region = Region { centre: Point::new(side * 0.5, side * 0.48), side: 1.45 * side, angle: 0.0 };
    let face = mesh.fit(&film, region).ok().filter(|face| face.score > Mesh::PRESENT)?;
    Some(face.landmarks?.points.get(48..68)?.to_vec())
}

/// Markdown.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| method | PSNR | SSIM | lips | points % | opens | follows own / other | perceptual | agreement own / other | in sync own / other | dB beside the first sampling | ms a picture |"
        )?;
        write!(f, "|---|---|---|---|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let one =
                |value: Option<f64>, digits: usize| value.map_or("–".into(), |v| format!("{v:.digits$}"));
            let pair = |value: Option<[f64; 2]>, scale: f64, digits: usize, unit: &str| {
                value.map_or("–".into(), |[own, other]| {
                    format!("{:.digits$}{unit} / {:.digits$}{unit}", own * scale, other * scale)
                })
            };
            write!(
                f,
                "\n| {} | {} | {:.3} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {:.0} |",
                row.method,
                row.psnr.map_or("∞".into(), |v| format!("{v:.1}")),
                row.ssim,
                row.lips,
                one(row.points, 2),
                one(row.opens, 2),
                pair(row.follows, 1.0, 2, ""),
                one(row.perceptual, 3),
                pair(row.agreement, 1.0, 3, ""),
                pair(row.in_sync, 100.0, 0, " %"),
                one(row.beside, 1),
                row.seconds * 1e3
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_of_sampling_are_read_or_refused() {
        assert_eq!(sampling("ddim:25").expect("a way"), Sampling::ddim(25));
        let short = Sampling {
            sampler: Sampler::UniPc,
            precision: Precision::Half,
            inner_every: 2,
            ..Sampling::ddim(10)
        };
        assert_eq!(sampling("unipc:10:half:inner=2").expect("a way"), short);
        for wrong in ["", "ddim", "ddim:0", "ddim:x", "euler:8", "ddim:8:inner=0", "ddim:8:quick"] {
            let told = sampling(wrong).expect_err(wrong).to_string();
            assert!(told.contains(wrong) && told.contains("unipc"), "{told}");
        }
    }
}
