//! The networks that tell whether a mouth and a voice belong together, as they look and listen: which part of the
//! picture, which features of the sound. Where there is no lip-sync expert an ear that was taught what mouths do to a
//! sound, and a mesh that shows what this one does, serve.

use crate::error::LipsyncError;
use crate::face::{Mesh, Region};
use crate::families::Crop;
use crate::families::network::{lift, to_tensor};
use crate::mouth::{DISTANCES, SCALE, distances, told};
use crate::score::{Distances, RATE};
use crate::speech::Speech;
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Rect, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::mel::{self, Mel, Padding};
use lipsmith_nets::mfcc::{COEFFICIENTS, mfcc};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::syncnet_v2::{CEPSTRA, CEPSTRA_PER_PICTURE, FACE, PICTURES, SyncNetV2};
use lipsmith_nets::wav2lip::{self, Wav2Lip};
use lipsmith_nets::zoo;
use std::sync::{Mutex, PoisonError};

/// Windows that are looked at together.
const BATCH: usize = 8;
/// Samples of 16 kHz to a picture.
const SAMPLES: usize = 640;
/// Room that the published pipeline leaves around a face, in half its side.
const ROOM: f32 = 0.4;

// One is held at a time.
#[allow(clippy::large_enum_variant)]
enum Network {
    SyncNet(SyncNetV2),
    Expert(SyncNetColor),
    /// A generator's ear that speaks the words of [`told`], and what finds the mouth's points.
    Ear {
        ear: Wav2Lip,
        mesh: Mutex<Mesh>,
    },
}

/// A network with its way of looking.
pub struct Judge {
    network: Network,
    device: Device,
}

impl Judge {
    /// SyncNet v2: what the papers' scores are measured with.
    pub fn syncnet(network: SyncNetV2, device: Device) -> Judge {
        Judge { network: Network::SyncNet(network), device }
    }

    /// An expert made like Wav2Lip's.
    pub fn expert(network: SyncNetColor, device: Device) -> Judge {
        Judge { network: Network::Expert(network), device }
    }

    /// The ear of a generator that was taught here, and the face mesh.
    pub fn ear(ear: Wav2Lip, mesh: Mesh, device: Device) -> Judge {
        Judge { network: Network::Ear { ear, mesh: Mutex::new(mesh) }, device }
    }

    /// What it wants to see of a picture in which the detector found a face at `face`.
    pub fn crop(&self, face: Rect) -> Crop {
        if let Network::Ear { .. } = &self.network {
            let map = Region::around(face, None).map_to(Mesh::SIDE);
            return Crop { map, width: Mesh::SIDE, height: Mesh::SIDE };
        }
        let (side, rect) = match &self.network {
            Network::SyncNet(_) => {
                let half = face.width().max(face.height()) / 2.0;
                let (centre, across) = (face.centre(), half * (1.0 + ROOM));
                let top = centre.y - half;
                (FACE, Rect::new(centre.x - across, top, centre.x + across, top + 2.0 * across))
            }
            // Ten pixels below a face of 200, as Wav2Lip's script pads it.
            _ => (wav2lip::FACE, Rect::new(face.x0, face.y0, face.x1, face.y1 + 0.05 * face.height())),
        };
        let here = Rect::new(0.0, 0.0, side as f32, side as f32);
        Crop { map: Affine::rect_to_rect(here, rect), width: side, height: side }
    }

    /// Windows that so many pictures, at 25 a second, and so much sound have in common: the published script counts
    /// one less than there are.
    pub fn windows(&self, pictures: usize, speech: &Speech) -> usize {
        pictures.min(speech.samples.len() / SAMPLES).saturating_sub(PICTURES)
    }

    /// A point for each window of five of the pictures, cut as [`Judge::crop`] says.
    pub fn see(&self, pictures: &[Rgb]) -> Result<Vec<Vec<f32>>, LipsyncError> {
        let seen = match &self.network {
            Network::Ear { mesh, .. } => {
                return watch(&mut mesh.lock().unwrap_or_else(PoisonError::into_inner), pictures);
            }
            Network::SyncNet(network) => each_batch(pictures, |pictures| {
                let pictures = to_tensor(pictures, FACE, true, (255.0, 0.0), &self.device)?;
                network.faces(&windows_of(&pictures, |five| five.transpose(0, 1))?.contiguous()?)
            }),
            Network::Expert(network) => each_batch(pictures, |pictures| {
                let side = wav2lip::FACE;
                let pictures = to_tensor(pictures, side, true, (1.0, 0.0), &self.device)?;
                let lower = pictures.narrow(2, side / 2, side / 2)?;
                network.faces(&windows_of(&lower, |five| five.flatten(0, 1))?)
            }),
        };
        seen.map_err(lift(&self.device))
    }

    /// A point for each of the first `windows` windows of the sound.
    pub fn hear(&self, speech: &Speech, windows: usize) -> Result<Vec<Vec<f32>>, LipsyncError> {
        self.listen(speech, windows).map_err(lift(&self.device))
    }

    fn listen(&self, speech: &Speech, windows: usize) -> Result<Vec<Vec<f32>>, NetsError> {
        let mut points = Vec::with_capacity(windows);
        let starts = |windows: usize| -> Vec<i64> {
            (0..windows as i64).map(|at| at * mel::RATE as i64 / RATE).collect()
        };
        match &self.network {
            Network::Ear { ear, .. } => {
                let mel = Mel::new(&speech.samples, Padding::Reflect);
                let mut said = Vec::with_capacity(windows + PICTURES - 1);
                for starts in starts(windows + PICTURES - 1).chunks(BATCH) {
                    let heard = mel.windows(starts, &self.device)?.unsqueeze(1)?;
                    said.extend(ear.audio_embedding(&heard)?.flatten_from(1)?.to_vec2::<f32>()?);
                }
                points.extend(said.windows(PICTURES).map(<[_]>::concat));
            }
            Network::SyncNet(network) => {
                let sixteen_bits = |v: &f32| (v * 32_768.0).clamp(-32_768.0, 32_767.0) as i16;
                let samples: Vec<i16> = speech.samples.iter().map(sixteen_bits).collect();
                let rows = mfcc(&samples);
                let value = |window: usize, k: usize, t: usize| {
                    rows.get(CEPSTRA_PER_PICTURE * window + t).map_or(0.0, |row| row[k])
                };
                for first in (0..windows).step_by(BATCH) {
                    let count = BATCH.min(windows - first);
                    let mut values = Vec::with_capacity(count * COEFFICIENTS * CEPSTRA);
                    for window in first..first + count {
                        let rows = (0..COEFFICIENTS).flat_map(|k| (0..CEPSTRA).map(move |t| (k, t)));
                        values.extend(rows.map(|(k, t)| value(window, k, t)));
                    }
                    let cepstra = Tensor::from_vec(values, (count, 1, COEFFICIENTS, CEPSTRA), &self.device)?;
                    points.extend(network.sound(&cepstra)?.to_vec2::<f32>()?);
                }
            }
            Network::Expert(network) => {
                let mel = Mel::new(&speech.samples, Padding::Reflect);
                for starts in starts(windows).chunks(BATCH) {
                    let heard = mel.windows(starts, &self.device)?.unsqueeze(1)?;
                    points.extend(network.sound(&heard)?.to_vec2::<f32>()?);
                }
            }
        }
        Ok(points)
    }

    /// How far the points of the windows of an unbroken stretch are apart, by shift of the sound.
    pub fn distances(
        &self,
        mut seen: Vec<Vec<f32>>,
        mut heard: Vec<Vec<f32>>,
    ) -> Result<Distances, LipsyncError> {
        if let (Network::Ear { .. }, false) = (&self.network, seen.is_empty()) {
            let channels = heard.first().map_or(0, |point| point.len() / PICTURES);
            seen = in_words(seen, channels).map_err(|e| lift(&self.device)(e.into()))?;
            [&mut seen, &mut heard].into_iter().for_each(|points| standardise(points));
        }
        Ok(Distances::between(&seen, &heard))
    }
}

/// Points of the windows of the pictures, some at a time.
fn each_batch(
    pictures: &[Rgb],
    look: impl Fn(&[Rgb]) -> Result<Tensor, NetsError>,
) -> Result<Vec<Vec<f32>>, NetsError> {
    let mut points = Vec::new();
    let windows = (pictures.len() + 1).saturating_sub(PICTURES);
    for first in (0..windows).step_by(BATCH) {
        let count = BATCH.min(windows - first);
        points.extend(look(&pictures[first..first + count + PICTURES - 1])?.to_vec2::<f32>()?);
    }
    Ok(points)
}

/// Each five pictures in a row of `[n, …]`, made one by `join`.
fn windows_of(
    pictures: &Tensor,
    join: impl Fn(Tensor) -> candle_core::Result<Tensor>,
) -> Result<Tensor, NetsError> {
    let count = pictures.dim(0)? + 1 - PICTURES;
    let windows = (0..count).map(|at| join(pictures.narrow(0, at, PICTURES)?));
    Ok(Tensor::stack(&windows.collect::<Result<Vec<_>, _>>()?, 0)?)
}

/// The distances of the mouth in each five pictures in a row; those of a picture without a face are no numbers.
fn watch(mesh: &mut Mesh, pictures: &[Rgb]) -> Result<Vec<Vec<f32>>, LipsyncError> {
    let mut mouths = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let face = mesh.look(picture, Affine::IDENTITY)?;
        let points = face.landmarks.filter(|_| face.score > Mesh::PRESENT).map(|landmarks| landmarks.points);
        let mouth = points.map(|points| distances(|i| [points[i].x, points[i].y]));
        mouths.push(mouth.unwrap_or([f32::NAN; DISTANCES.len()]));
    }
    Ok(mouths.windows(PICTURES).map(<[_]>::concat).collect())
}

/// What a perfect ear would say of mouths, given the distances of five in a row each; those of the stretch's mean where
/// no face was found.
fn in_words(seen: Vec<Vec<f32>>, channels: usize) -> candle_core::Result<Vec<Vec<f32>>> {
    let count = seen.len() * PICTURES;
    let mut mouths = seen.concat();
    for distance in 0..DISTANCES.len() {
        let all = || mouths.iter().skip(distance).step_by(DISTANCES.len()).filter(|v| v.is_finite());
        let usual = all().sum::<f32>() / all().count().max(1) as f32;
        for value in mouths.iter_mut().skip(distance).step_by(DISTANCES.len()) {
            *value = if value.is_finite() { SCALE * (*value - usual) } else { 0.0 };
        }
    }
    let shapes = Tensor::from_vec(mouths, (count, DISTANCES.len()), &Device::Cpu)?;
    let words = told(zoo::Network::Wav2Lip, &shapes, channels)?;
    words.reshape((seen.len(), PICTURES * channels))?.to_vec2()
}

/// Each number of the points less its mean and by its spread over the stretch, and all of a length near 1: the square of
/// the distance of two is then 2 less twice their correlation.
fn standardise(points: &mut [Vec<f32>]) {
    let width = points.first().map_or(0, Vec::len);
    let count = points.len() as f32;
    for at in 0..width {
        let mean = points.iter().map(|point| point[at]).sum::<f32>() / count;
        let spread = (points.iter().map(|point| (point[at] - mean).powi(2)).sum::<f32>() / count).sqrt();
        // What never changes tells nothing.
        let scale = if spread > 1e-4 { 1.0 / (spread * (width as f32).sqrt()) } else { 0.0 };
        points.iter_mut().for_each(|point| point[at] = (point[at] - mean) * scale);
    }
}
