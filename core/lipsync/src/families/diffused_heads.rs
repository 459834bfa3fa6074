//! Diffused Heads as a recipe. It was made to paint a whole head from one picture; on film only the lower face is
//! wanted, where the film's head is. So the film's upper half is put in before every step, and what the network sees
//! as the frames before are the film's own with the mouths it painted.

use super::diff2lip::Sampling;
use super::network::{Preset, Windows, from_tensor, lift, to_tensor};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::blend::Mask;
use crate::error::LipsyncError;
use crate::face::Face;
use candle_core::{Device, Tensor};
use lipsmith_base::{Cancel, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::diff2lip::lower_half_mask;
use lipsmith_nets::diffused_heads::{Condition, DiffusedHeads, Motion, process, window};
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Known, Schedule};
use lipsmith_nets::sound_gru::SoundGru;

/// Its training pictures show hair and chin: room around the detector's box, for a face of 200 pixels.
pub(crate) const PADS: [i64; 4] = [60, 20, 40, 40];
/// Pictures a second that it hears.
pub(crate) const RATE: i64 = 25;

pub struct DiffusedHeadsRecipe {
    network: DiffusedHeads,
    ears: SoundGru,
    device: Device,
    sampling: Sampling,
    schedule: Schedule,
    mask: Mask,
    windows: Windows,
    /// A row for each 25th of a second of the voice.
    heard: Option<Tensor>,
    has_reference: bool,
}

impl DiffusedHeadsRecipe {
    /// # Errors
    /// When the sampler cannot take that number of steps, the two networks do not fit each other, or the reference
    /// preset is asked for: there is no published script that dubs.
    pub fn new(
        network: DiffusedHeads,
        ears: SoundGru,
        device: Device,
        preset: Preset,
        sampling: Sampling,
        mask: Mask,
    ) -> Result<DiffusedHeadsRecipe, LipsyncError> {
        if preset == Preset::Reference {
            let why =
                "Diffused Heads' own scripts make heads from photos and dub no film: take --preset film";
            return Err(LipsyncError::Unfit(why.into()));
        }
        check_pair(&network, &ears)?;
        let schedule = sampling.schedule(&process().map_err(lift(&device))?, preset)?;
        let windows = Windows::new(preset, network.config.image_size);
        Ok(DiffusedHeadsRecipe {
            network,
            ears,
            device,
            sampling,
            schedule,
            mask,
            windows,
            heard: None,
            has_reference: false,
        })
    }

    /// The head of each target, one after the other, in [-1, 1].
    fn run(
        &self,
        heard: &Tensor,
        inputs: &[Rgb],
        reference: Option<Rgb>,
        pictures: &[usize],
        cancel: &Cancel,
    ) -> Result<Vec<Rgb>, NetsError> {
        let (side, device, signed) = (self.network.config.image_size, &self.device, (2.0, -1.0));
        let film = to_tensor(inputs, side, false, signed, device)?;
        let person = match reference {
            Some(image) => to_tensor(&[image], side, false, signed, device)?,
            None => film.narrow(0, 0, 1)?,
        };
        let made = lower_half_mask(side, &film)?;
        let kept = made.affine(-1.0, 1.0)?;
        // Where the rendering begins, the film's own picture has to do as the frames before.
        let mut motion = Motion::new(&self.network.config, &film.narrow(0, 0, 1)?)?;
        let mut heads = Vec::with_capacity(inputs.len());
        for (index, &picture) in pictures.iter().enumerate() {
            let own = film.narrow(0, index, 1)?;
            let given = Condition {
                motion: motion.frames()?,
                person: person.clone(),
                sound: self.network.hear(&window(heard, picture)?)?,
            };
            // The same noise in every frame keeps neighbours alike.
            let mut noise = Noise::new(self.sampling.seed);
            let start = noise.draw(own.dims(), device)?;
            let hooks = Hooks {
                network: &mut |x, t| self.network.forward(x, t as f32, &given),
                should_stop: &mut |_| cancel.is_cancelled(),
                noise: &mut |x| noise.draw(x.dims(), device),
                known: Some(Known { clean: &own, mask: &kept }),
            };
            let Sampling { sampler, eta, .. } = self.sampling;
            let painted = sampler.sample(&self.schedule, &start, eta, hooks)?;
            let whole = (painted.broadcast_mul(&made)? + own.broadcast_mul(&kept)?)?;
            motion.push(&whole)?;
            heads.push(whole);
        }
        from_tensor(&Tensor::cat(&heads, 0)?, false, signed)
    }
}

/// # Errors
/// When the sound encoder does not speak the U-Net's language.
pub(crate) fn check_pair(network: &DiffusedHeads, ears: &SoundGru) -> Result<(), LipsyncError> {
    let (makes, takes) = (ears.width(), network.config.sound);
    if makes == takes {
        return Ok(());
    }
    Err(LipsyncError::Unfit(format!(
        "the sound encoder makes {makes} numbers a picture and the U-Net takes {takes}: import the two files \
         that were published together"
    )))
}

impl Recipe for DiffusedHeadsRecipe {
    fn plan(&mut self, line: &Line, cancel: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        self.windows.plan(line, PADS);
        let last = line.times.last().map_or(0, |t| t.floor_units(RATE).max(0)) as usize;
        cancel.check()?;
        // Two more are heard ahead.
        let heard = self.ears.forward(&line.voice.samples, last + 3).map_err(lift(&self.device))?;
        self.heard = Some(heard);
        let reference = self.windows.reference(line);
        self.has_reference = reference.is_some();
        Ok(reference.into_iter().collect())
    }

    fn crop(&self, frame: usize, face: &Face) -> Crop {
        self.windows.crop(frame, face)
    }

    fn render(
        &mut self,
        line: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError> {
        let Some(heard) = &self.heard else {
            return Err(LipsyncError::Unfit("diffused-heads renders after it has planned".into()));
        };
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let reference = if self.has_reference { Some(self.windows.input(&sources.image(0)?)) } else { None };
        let inputs: Vec<_> = targets.iter().map(|t| self.windows.input(&t.image)).collect();
        let picture = |t: &Target| line.times[t.frame].floor_units(RATE).max(0) as usize;
        let pictures: Vec<_> = targets.iter().map(picture).collect();
        let made = self.run(heard, &inputs, reference, &pictures, cancel).map_err(lift(&self.device))?;
        Ok(self.windows.patches(targets, made, &self.mask))
    }
}
