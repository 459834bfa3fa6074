//! Diff2Lip as a recipe: the lower half of a 128×128 face painted by diffusion, from the same initial noise in every
//! frame, which is what keeps neighbouring frames alike.

use super::network::{Preset, Windows, from_tensor, lift, to_tensor};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target, wav2lip};
use crate::blend::Mask;
use crate::error::LipsyncError;
use crate::face::Face;
use crate::mouth::emphasised;
use candle_core::Device;
use lipsmith_base::{Cancel, Rgb, Time};
use lipsmith_nets::NetsError;
use lipsmith_nets::diff2lip::{Diff2Lip, blend};
use lipsmith_nets::mel::{Mel, Padding, RATE, diff2lip_starts};
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Respacing, Sampler, Schedule};
use lipsmith_nets::unet::Rhythm;

/// The scripts detect without extra room.
const PADS: [i64; 4] = [0, 0, 0, 0];
/// The network hears each picture with the sound of the frame before it, at the 25 frames a second of its training.
const LATENESS: Time = Time(lipsmith_base::time::FLICKS / 25);

/// How the pictures are sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    pub sampler: Sampler,
    pub steps: usize,
    /// Fresh noise in each step of DDIM: 0 to 1.
    pub eta: f64,
    pub seed: u32,
    /// See [`Rhythm`]; for Diff2Lip.
    pub inner_every: usize,
}

impl Sampling {
    /// `process` in the steps that were asked for. The published scripts refuse numbers that no whole stride
    /// gives, and so does the reference.
    ///
    /// # Errors
    /// When the sampler cannot take that number of steps.
    pub fn schedule(&self, process: &Schedule, preset: Preset) -> Result<Schedule, LipsyncError> {
        let schedule = match (preset, self.sampler) {
            (Preset::Reference, Sampler::Ddim) => process.respaced(Respacing::Stride(self.steps)),
            _ => self.sampler.schedule(process, self.steps),
        };
        schedule.map_err(|e| LipsyncError::Unfit(format!("--steps {}: {e}", self.steps)))
    }
}

pub struct Diff2LipRecipe {
    network: Diff2Lip,
    device: Device,
    preset: Preset,
    sampling: Sampling,
    /// As [`Wav2LipRecipe`](super::Wav2LipRecipe)'s; other than 1 only with a draft, which hears in our words.
    emphasis: f64,
    schedule: Schedule,
    mask: Mask,
    windows: Windows,
    starts: Vec<i64>,
    mel: Option<Mel>,
    has_reference: bool,
}

impl Diff2LipRecipe {
    /// # Errors
    /// When the sampler cannot take that number of steps.
    pub fn new(
        network: Diff2Lip,
        device: Device,
        preset: Preset,
        sampling: Sampling,
        emphasis: f64,
        mask: Mask,
    ) -> Result<Diff2LipRecipe, LipsyncError> {
        let process = network.config.process().map_err(lift(&device))?;
        let schedule = sampling.schedule(&process, preset)?;
        let windows = Windows::new(preset, network.config.image_size);
        Ok(Diff2LipRecipe {
            network,
            device,
            preset,
            sampling,
            emphasis,
            schedule,
            mask,
            windows,
            starts: Vec::new(),
            mel: None,
            has_reference: false,
        })
    }

    fn run(
        &self,
        mel: &Mel,
        inputs: &[Rgb],
        reference: Option<Rgb>,
        starts: &[i64],
        cancel: &Cancel,
    ) -> Result<Vec<Rgb>, NetsError> {
        let side = self.network.config.image_size;
        let signed = (2.0, -1.0);
        let device = &self.device;
        let faces = to_tensor(inputs, side, false, signed, device)?;
        let reference = match reference {
            None => faces.clone(),
            Some(image) => to_tensor(&vec![image; inputs.len()], side, false, signed, device)?,
        };
        let mut noise = Noise::new(self.sampling.seed);
        let first = noise.draw(&[1, 3, side, side], device)?.repeat((inputs.len(), 1, 1, 1))?;
        let said = emphasised(&self.network.listen(&mel.windows(starts, device)?)?, self.emphasis)?;
        let given = self.network.condition(&said, &faces, &reference, &first)?;
        let start = self.network.begin(&self.schedule, &first, &given)?;
        let mut rhythm = Rhythm::new(self.sampling.inner_every);
        let hooks = Hooks {
            network: &mut |x, t| self.network.forward_through(x, &[t as f32], &given, rhythm.step()),
            should_stop: &mut |_| cancel.is_cancelled(),
            // One draw for all frames: they are to stay alike here too.
            noise: &mut |x| {
                let (count, channels, height, width) = x.dims4()?;
                Ok(noise.draw(&[1, channels, height, width], device)?.repeat((count, 1, 1, 1))?)
            },
            known: None,
        };
        let Sampling { sampler, eta, .. } = self.sampling;
        let sample = sampler.sample(&self.schedule, &start, eta, hooks)?;
        from_tensor(&blend(&given.mask, &sample, &faces)?, false, signed)
    }
}

impl Recipe for Diff2LipRecipe {
    fn plan(&mut self, line: &Line, _: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        // The compact form learned from sets cut as for Wav2Lip.
        self.windows.plan(line, if self.network.config.patch > 1 { wav2lip::PADS } else { PADS });
        // With a draft it also hears as that does.
        let (padding, late) = match self.network.config.draft {
            None => (Padding::Zero, LATENESS),
            Some(_) => (Padding::Reflect, Time::ZERO),
        };
        let mel = Mel::new(&line.voice.samples, padding);
        self.starts = match self.preset {
            Preset::Reference => {
                let starts = diff2lip_starts(mel.frames());
                let last = starts.last().copied().unwrap_or_default();
                let at = |t: &Time| starts.get(t.floor_units(25).max(0) as usize).copied().unwrap_or(last);
                line.times.iter().map(at).collect()
            }
            Preset::Film => {
                line.times.iter().map(|&t| (t - late).max(Time::ZERO).floor_units(RATE as i64)).collect()
            }
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
        let Some(mel) = &self.mel else {
            return Err(LipsyncError::Unfit("diff2lip renders after it has planned".into()));
        };
        let reference = if self.has_reference { Some(self.windows.input(&sources.image(0)?)) } else { None };
        let inputs: Vec<_> = targets.iter().map(|t| self.windows.input(&t.image)).collect();
        let starts: Vec<_> = targets.iter().map(|t| self.starts[t.frame]).collect();
        let made = self.run(mel, &inputs, reference, &starts, cancel).map_err(lift(&self.device))?;
        Ok(self.windows.patches(targets, made, &self.mask))
    }
}
