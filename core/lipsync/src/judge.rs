//! The networks that tell whether a mouth and a voice belong together, as they look and listen: which part of the
//! picture, which features of the sound.

use crate::error::LipsyncError;
use crate::families::Crop;
use crate::families::network::{lift, to_tensor};
use crate::score::RATE;
use crate::speech::Speech;
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Rect, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::mel::{self, Mel, Padding};
use lipsmith_nets::mfcc::{COEFFICIENTS, mfcc};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::syncnet_v2::{CEPSTRA, CEPSTRA_PER_PICTURE, FACE, PICTURES, SyncNetV2};
use lipsmith_nets::wav2lip;

/// Windows that are looked at together.
const BATCH: usize = 8;
/// Samples of 16 kHz to a picture.
const SAMPLES: usize = 640;
/// Room that the published pipeline leaves around a face, in half its side.
const ROOM: f32 = 0.4;

enum Network {
    SyncNet(SyncNetV2),
    Expert(SyncNetColor),
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

    /// What it wants to see of a picture in which the detector found a face at `face`.
    pub fn crop(&self, face: Rect) -> Crop {
        let (side, rect) = match &self.network {
            Network::SyncNet(_) => {
                let half = face.width().max(face.height()) / 2.0;
                let (centre, across) = (face.centre(), half * (1.0 + ROOM));
                let top = centre.y - half;
                (FACE, Rect::new(centre.x - across, top, centre.x + across, top + 2.0 * across))
            }
            // Ten pixels below a face of 200, as Wav2Lip's script pads it.
            Network::Expert(_) => {
                (wav2lip::FACE, Rect::new(face.x0, face.y0, face.x1, face.y1 + 0.05 * face.height()))
            }
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
        let mut points = Vec::new();
        let windows = (pictures.len() + 1).saturating_sub(PICTURES);
        for first in (0..windows).step_by(BATCH) {
            let count = BATCH.min(windows - first);
            let seen = self.look(&pictures[first..first + count + PICTURES - 1]);
            points.extend(seen.map_err(lift(&self.device))?);
        }
        Ok(points)
    }

    fn look(&self, pictures: &[Rgb]) -> Result<Vec<Vec<f32>>, NetsError> {
        let count = pictures.len() + 1 - PICTURES;
        let points = match &self.network {
            Network::SyncNet(network) => {
                let pictures = to_tensor(pictures, FACE, true, (255.0, 0.0), &self.device)?;
                let windows = (0..count).map(|at| pictures.narrow(0, at, PICTURES)?.transpose(0, 1));
                let windows = windows.collect::<Result<Vec<_>, _>>()?;
                network.faces(&Tensor::stack(&windows, 0)?.contiguous()?)?
            }
            Network::Expert(network) => {
                let side = wav2lip::FACE;
                let pictures = to_tensor(pictures, side, true, (1.0, 0.0), &self.device)?;
                let lower = pictures.narrow(2, side / 2, side / 2)?;
                let windows = (0..count).map(|at| lower.narrow(0, at, PICTURES)?.flatten(0, 1));
                let windows = windows.collect::<Result<Vec<_>, _>>()?;
                network.faces(&Tensor::stack(&windows, 0)?)?
            }
        };
        Ok(points.to_vec2()?)
    }

    /// A point for each of the first `windows` windows of the sound.
    pub fn hear(&self, speech: &Speech, windows: usize) -> Result<Vec<Vec<f32>>, LipsyncError> {
        self.listen(speech, windows).map_err(lift(&self.device))
    }

    fn listen(&self, speech: &Speech, windows: usize) -> Result<Vec<Vec<f32>>, NetsError> {
        let mut points = Vec::with_capacity(windows);
        match &self.network {
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
                let starts: Vec<i64> = (0..windows as i64).map(|at| at * mel::RATE as i64 / RATE).collect();
                for starts in starts.chunks(BATCH) {
                    let heard = mel.windows(starts, &self.device)?.unsqueeze(1)?;
                    points.extend(network.sound(&heard)?.to_vec2::<f32>()?);
                }
            }
        }
        Ok(points)
    }
}
