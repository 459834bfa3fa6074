//! How far a film's faces are from those of a set, as crowds of pictures: the Fréchet distance by Inception's features.

use crate::analysis::Analysis;
use crate::error::EngineError;
use crate::film::FilmReader;
use crate::models::Registry;
use crate::paths::Paths;
use crate::take;
use candle_core::{DType, Device, Tensor};
use lipsmith_base::{Affine, Cancel, Progress, Rect, Sink, Time, TimeRange};
use lipsmith_lipsync::families::{network::padded, wav2lip};
use lipsmith_lipsync::metrics::frechet;
use lipsmith_nets::device;
use lipsmith_nets::inception::Inception;
use lipsmith_nets::zoo::{self, Network};
use lipsmith_train::dataset::Set;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Pictures of the film, and of the set, at most, spread over all of it.
const MOST: u64 = 2048;
const AT_ONCE: usize = 8;

/// What is measured, and with what.
#[derive(Clone, Debug, Serialize)]
pub struct CrowdApart {
    pub set: PathBuf,
    /// 0 where both are distributed alike. It falls as there are more pictures: compare only where there are as many.
    pub fid: f64,
    /// Of the film, of the set.
    pub pictures: [usize; 2],
    pub weights: PathBuf,
}

/// A set, and who feels.
pub struct Crowd {
    folder: PathBuf,
    set: Set,
    weights: PathBuf,
    feels: Feels,
}

impl Crowd {
    /// # Errors
    /// Weights of Inception that are not installed, a set that cannot be read.
    pub fn open(paths: &Paths, device: &str, folder: &Path) -> Result<Crowd, EngineError> {
        let weights = Registry::open(&paths.data)?.installed(Network::Inception.name()).ok_or_else(|| {
            let mut files = zoo::ZOO.published.iter().filter(|file| file.network == Network::Inception);
            let file = files.next().map_or("its file", |file| &file.file);
            EngineError::Request(format!(
                "--set: FID is measured by Inception v3, whose weights are missing; import {file}, which the package \
                 pytorch-fid publishes"
            ))
        })?;
        let feels = Feels::open(&weights, device)?;
        Ok(Crowd { folder: folder.to_path_buf(), set: Set::open(folder)?, weights, feels })
    }

    /// Compares the faces of one person of a film, cut as sets are, with the set's.
    ///
    /// # Errors
    /// Fewer than two pictures.
    pub fn apart(
        mut self,
        (film, analysis, person): (&Path, &Analysis, u32),
        sink: &dyn Sink,
        cancel: &Cancel,
    ) -> Result<CrowdApart, EngineError> {
        self.feels.of_set(&self.set, sink, cancel)?;
        let theirs = std::mem::take(&mut self.feels.felt);
        self.feels.of_film(film, analysis, person, self.set.side(), sink, cancel)?;
        let ours = self.feels.felt;
        let fid = frechet(&ours, &theirs).ok_or_else(|| {
            EngineError::Request("FID needs two pictures of the film's face and two of the set".into())
        })?;
        Ok(CrowdApart { set: self.folder, fid, pictures: [ours.len(), theirs.len()], weights: self.weights })
    }
}

/// Pictures that wait, and what is felt of those before them.
struct Feels {
    network: Inception,
    device: Device,
    /// `3 × side × side` each, in 0..=1.
    waiting: Vec<f32>,
    felt: Vec<Vec<f32>>,
}

impl Feels {
    fn open(weights: &Path, device: &str) -> Result<Feels, EngineError> {
        let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
        let (checkpoint, found) = zoo::open(weights, Network::Inception).map_err(EngineError::Network)?;
        let network = Inception::new(&checkpoint.var_builder(&found.prefix, DType::F32, &device));
        Ok(Feels {
            network: network.map_err(EngineError::Network)?,
            device,
            waiting: Vec::new(),
            felt: Vec::new(),
        })
    }

    fn of_set(&mut self, set: &Set, sink: &dyn Sink, cancel: &Cancel) -> Result<(), EngineError> {
        let all: u64 = set.clips().iter().map(|clip| clip.frames as u64).sum();
        let size = 3 * set.side() * set.side();
        let (mut before, mut spread) = (0, Spread::over(all));
        for clip in set.clips() {
            for frame in 0..clip.frames {
                if spread.takes(before + frame as u64) {
                    cancel.check()?;
                    self.look(clip.face(frame).iter().map(|&v| f32::from(v) / 255.0), size)?;
                    let done = before + frame as u64 + 1;
                    sink.progress(Progress { stage: "set", done, total: Some(all) });
                }
            }
            before += clip.frames as u64;
        }
        self.feel(size)
    }

    fn of_film(
        &mut self,
        film: &Path,
        analysis: &Analysis,
        person: u32,
        side: usize,
        sink: &dyn Sink,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let mut reader = FilmReader::open(film, cancel)?;
        let size = 3 * side * side;
        let here = Rect::new(0.0, 0.0, side as f32, side as f32);
        let whole = TimeRange::new(Time::ZERO, analysis.times().end());
        let segments = take::stretches(analysis, person, whole).segments;
        let all: u64 = segments.iter().map(|segment| segment.end - segment.start).sum();
        let (mut before, mut spread) = (0, Spread::over(all));
        for segment in segments {
            let faces = analysis.faces(person, &segment)?;
            for (frame, face) in segment.clone().zip(&faces) {
                let at = before + frame - segment.start;
                let Some(face) = face.as_ref().filter(|_| spread.takes(at)) else { continue };
                cancel.check()?;
                sink.progress(Progress { stage: "faces", done: at + 1, total: Some(all) });
                let Some(picture) = reader.picture(frame)? else { continue };
                let window = padded(face.rect, wav2lip::PADS);
                let image = picture.sample(Affine::rect_to_rect(here, window), side, side);
                let plane = |c: usize| image.pixels().iter().map(move |p| p[c].clamp(0.0, 1.0));
                self.look((0..3).flat_map(plane), size)?;
            }
            before += segment.end - segment.start;
        }
        self.feel(size)
    }

    fn look(&mut self, picture: impl Iterator<Item = f32>, size: usize) -> Result<(), EngineError> {
        self.waiting.extend(picture);
        if self.waiting.len() < AT_ONCE * size { Ok(()) } else { self.feel(size) }
    }

    fn feel(&mut self, size: usize) -> Result<(), EngineError> {
        let (count, side) = (self.waiting.len() / size, (size / 3).isqrt());
        if count == 0 {
            return Ok(());
        }
        let network = |error: candle_core::Error| EngineError::Network(error.into());
        let pictures =
            Tensor::from_vec(std::mem::take(&mut self.waiting), (count, 3, side, side), &self.device);
        let felt = self.network.forward(&pictures.map_err(network)?).map_err(EngineError::Network)?;
        self.felt.extend(felt.to_vec2::<f32>().map_err(network)?);
        Ok(())
    }
}

/// Chooses [`MOST`] of so many, evenly.
struct Spread {
    all: u64,
    taken: u64,
}

impl Spread {
    fn over(all: u64) -> Spread {
        Spread { all: all.max(1), taken: 0 }
    }

    /// Asked about each in order.
    fn takes(&mut self, at: u64) -> bool {
        let due = self.taken * self.all / MOST.min(self.all);
        let takes = at >= due && self.taken < MOST;
        self.taken += u64::from(takes);
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_chosen_evenly() {
        let chosen = |all: u64| -> Vec<u64> {
            let mut spread = Spread::over(all);
            (0..all).filter(|&at| spread.takes(at)).collect()
        };
        assert_eq!(chosen(5), [0, 1, 2, 3, 4]);
        let many = chosen(3 * MOST + 5);
        assert_eq!(many.len() as u64, MOST);
        assert!(many.windows(2).all(|pair| (3..=4).contains(&(pair[1] - pair[0]))));
    }
}
