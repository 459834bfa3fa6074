//! A head that talks, from one picture and a voice: Diffused Heads as it was published ("Diffused Heads: Diffusion
//! Models Beat GANs on Talking-Face Generation", Stypułkowski et al. 2023), the whole picture painted frame after
//! frame at 25 a second.

use crate::error::LipsyncError;
use crate::families::Crop;
use crate::families::diff2lip::Sampling;
use crate::families::diffused_heads::{PADS, RATE, check_pair};
use crate::families::network::{Preset, from_tensor, lift, padded, to_tensor};
use crate::speech::{SPEECH_RATE, Speech};
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Cancel, Rect, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::diffused_heads::{Condition, DiffusedHeads, MOTION_FRAMES, Motion, process, window};
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Schedule};
use lipsmith_nets::sound_gru::SoundGru;

/// The two networks, ready for one picture.
pub struct Talker {
    network: DiffusedHeads,
    ears: SoundGru,
    device: Device,
    sampling: Sampling,
    schedule: Schedule,
    /// Every so many frames the person's picture takes the oldest motion frame's place.
    steady: Option<usize>,
}

impl Talker {
    /// # Errors
    /// When the sampler cannot take that number of steps, or the two networks do not fit each other.
    pub fn new(
        network: DiffusedHeads,
        ears: SoundGru,
        device: Device,
        sampling: Sampling,
        steady: Option<usize>,
    ) -> Result<Talker, LipsyncError> {
        check_pair(&network, &ears)?;
        let schedule = sampling.schedule(&process().map_err(lift(&device))?, Preset::Film)?;
        Ok(Talker { network, ears, device, sampling, schedule, steady })
    }

    /// What it wants to see of a picture in which a face is at `face`: the head in a square.
    pub fn crop(&self, face: Rect) -> Crop {
        let (side, head) = (self.network.config.image_size, padded(face, PADS));
        let (centre, half) = (head.centre(), head.width().max(head.height()) / 2.0);
        let seen = Rect::new(centre.x - half, centre.y - half, centre.x + half, centre.y + half);
        let here = Rect::new(0.0, 0.0, side as f32, side as f32);
        Crop { map: Affine::rect_to_rect(here, seen), width: side, height: side }
    }

    /// Frames of its own that the network looks at before it paints the next.
    pub const LOOKS_BACK: usize = MOTION_FRAMES;

    /// Frames of a talk as long as the voice.
    pub fn frames(voice: &Speech) -> usize {
        voice.samples.len().div_ceil(SPEECH_RATE as usize / RATE as usize)
    }

    /// `person`: cut as [`Talker::crop`] says. `painted`: how many frames an earlier, broken-off talk has, and the last
    /// [`Talker::LOOKS_BACK`] of them; what comes after them is as if it had not been broken off.
    ///
    /// # Errors
    /// The networks' own.
    pub fn begin(
        &self,
        person: &Rgb,
        voice: &Speech,
        (painted, last): (usize, &[Rgb]),
    ) -> Result<Talk<'_>, LipsyncError> {
        let begin = || {
            let mut talk = Talk {
                of: self,
                heard: self.ears.forward(&voice.samples, Self::frames(voice))?,
                person: self.tensor(person)?,
                motion: Motion::new(&self.network.config, &self.tensor(person)?)?,
                next: painted - last.len().min(painted),
            };
            for frame in last {
                talk.took(&self.tensor(frame)?)?;
            }
            Ok(talk)
        };
        begin().map_err(lift(&self.device))
    }

    fn tensor(&self, picture: &Rgb) -> Result<Tensor, NetsError> {
        to_tensor(
            std::slice::from_ref(picture),
            self.network.config.image_size,
            false,
            (2.0, -1.0),
            &self.device,
        )
    }
}

/// A talk going on.
pub struct Talk<'a> {
    of: &'a Talker,
    heard: Tensor,
    person: Tensor,
    motion: Motion,
    next: usize,
}

impl Talk<'_> {
    /// The next frame.
    ///
    /// # Errors
    /// Also [`LipsyncError::Cancelled`], between two steps.
    pub fn paint(&mut self, cancel: &Cancel) -> Result<Rgb, LipsyncError> {
        let device = &self.of.device;
        let painted = self.sample(cancel).map_err(lift(device))?;
        let mut pictures = from_tensor(&painted, false, (2.0, -1.0)).map_err(lift(device))?;
        let picture = pictures.pop();
        let picture = picture.ok_or_else(|| LipsyncError::Network("no picture came of a frame".into()))?;
        // As it is kept, whose last bits are not the network's own.
        let kept = self.of.tensor(&picture).map_err(lift(device))?;
        self.took(&kept).map_err(lift(device))?;
        Ok(picture)
    }

    fn sample(&self, cancel: &Cancel) -> Result<Tensor, NetsError> {
        let Talker { network, device, sampling, schedule, .. } = self.of;
        let given = Condition {
            motion: self.motion.frames()?,
            person: self.person.clone(),
            sound: network.hear(&window(&self.heard, self.next)?)?,
        };
        // Each frame its own noise, as published; by its number, so that a broken-off talk goes on the same.
        let mut noise = Noise::new(sampling.seed.wrapping_add(self.next as u32));
        let start = noise.draw(self.person.dims(), device)?;
        let hooks = Hooks {
            network: &mut |x, t| network.forward(x, t as f32, &given),
            should_stop: &mut |_| cancel.is_cancelled(),
            noise: &mut |x| noise.draw(x.dims(), device),
            known: None,
        };
        sampling.sampler.sample(schedule, &start, sampling.eta, hooks)
    }

    /// Takes in a painted frame.
    fn took(&mut self, painted: &Tensor) -> Result<(), NetsError> {
        self.motion.push(&painted.clamp(-1f32, 1f32)?)?;
        self.next += 1;
        if self.of.steady.is_some_and(|every| every > 0 && self.next.is_multiple_of(every)) {
            self.motion.steady(&self.person)?;
        }
        Ok(())
    }
}
