//! Wav2Lip as a recipe: a 96×96 face from the frame with its lower half hidden, a reference and 0.2 s of sound.

use super::network::{Pads, Preset, Windows, from_tensor, lift, to_tensor};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::blend::Mask;
use crate::error::LipsyncError;
use crate::face::Face;
use crate::mouth;
use candle_core::{Device, Tensor};
use lipsmith_base::{Cancel, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::mel::{Mel, Padding, RATE, wav2lip_starts};
use lipsmith_nets::wav2lip::{FACE, Painted, Wav2Lip};

/// The script's default: ten pixels below the box, to have the chin in.
pub const PADS: Pads = [0, 10, 0, 0];

pub struct Wav2LipRecipe {
    network: Wav2Lip,
    /// How many times what is heard the mouth does; other than 1 only where an ear speaks our words, see [`mouth`].
    emphasis: f64,
    device: Device,
    preset: Preset,
    mask: Mask,
    windows: Windows,
    /// Mel frame at which each picture's window begins.
    starts: Vec<i64>,
    mel: Option<Mel>,
    has_reference: bool,
}

impl Wav2LipRecipe {
    pub fn new(network: Wav2Lip, emphasis: f64, device: Device, preset: Preset, mask: Mask) -> Wav2LipRecipe {
        let windows = Windows::new(preset, FACE);
        Wav2LipRecipe {
            network,
            emphasis,
            device,
            preset,
            mask,
            windows,
            starts: Vec::new(),
            mel: None,
            has_reference: false,
        }
    }

    fn run(
        &self,
        mel: &Mel,
        inputs: Vec<Rgb>,
        reference: Option<Rgb>,
        starts: &[i64],
    ) -> Result<Vec<Rgb>, NetsError> {
        let unit = (1.0, 0.0);
        let faces = to_tensor(&inputs, FACE, true, unit, &self.device)?;
        // Without a chosen reference the very same frame, as the script has it.
        let reference = match reference {
            None => faces.clone(),
            Some(image) => to_tensor(&vec![image; inputs.len()], FACE, true, unit, &self.device)?,
        };
        let mel = mel.windows(starts, &self.device)?;
        let made = painted(&self.network, self.emphasis, &mel, &faces, &reference)?;
        from_tensor(&made.picture, true, unit)
    }
}

/// What the network makes of `faces`, `[n, 3, 96, 96]`, BGR in [0, 1], whose lower halves it is not shown, beside a `reference` of
/// each, hearing `mel`, `[n, 80, 16]`, `emphasis` times.
pub(super) fn painted(
    network: &Wav2Lip,
    emphasis: f64,
    mel: &Tensor,
    faces: &Tensor,
    reference: &Tensor,
) -> Result<Painted, NetsError> {
    let upper = faces.narrow(2, 0, FACE / 2)?;
    let hidden = Tensor::cat(&[&upper, &upper.zeros_like()?], 2)?;
    let said = mouth::emphasised(&network.audio_embedding(&mel.unsqueeze(1)?)?, emphasis)?;
    network.paint(said, &Tensor::cat(&[&hidden, reference], 1)?)
}

impl Recipe for Wav2LipRecipe {
    fn plan(&mut self, line: &Line, _: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        self.windows.plan(line, PADS);
        let mel = Mel::new(&line.voice.samples, Padding::Reflect);
        self.starts = match (self.preset, line.rate) {
            (Preset::Reference, Some(rate)) => {
                let starts = wav2lip_starts(mel.frames(), rate.fps());
                let last = starts.last().copied().unwrap_or_default();
                line.times
                    .iter()
                    .map(|&t| starts.get(rate.frame_at(t).max(0) as usize).copied().unwrap_or(last))
                    .collect()
            }
            _ => line.times.iter().map(|t| t.floor_units(RATE as i64)).collect(),
        };
        self.mel = Some(mel);
        let reference = self.windows.reference(line);
        self.has_reference = reference.is_some();
        Ok(reference.into_iter().collect())
    }

    fn crop(&self, frame: usize, face: &Face) -> Crop {
        self.windows.crop(frame, face)
    }

    fn render(
        &mut self,
        _: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError> {
        cancel.check()?;
        let Some(mel) = &self.mel else {
            return Err(LipsyncError::Unfit("wav2lip renders after it has planned".into()));
        };
        let reference = if self.has_reference { Some(self.windows.input(&sources.image(0)?)) } else { None };
        let inputs = targets.iter().map(|t| self.windows.input(&t.image)).collect();
        let starts: Vec<_> = targets.iter().map(|t| self.starts[t.frame]).collect();
        let made = self.run(mel, inputs, reference, &starts).map_err(lift(&self.device))?;
        Ok(self.windows.patches(targets, made, &self.mask))
    }
}
