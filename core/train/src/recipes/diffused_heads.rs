//! Diffused Heads (Stypułkowski et al. 2023, section 3): the noise in a whole head, given one picture of the person, the
//! two pictures before and what is heard around it; judged by the noise itself, once more around the lips, and by the
//! variance of the next step. The sound's encoder stands still, as in the published code; its dropout is left out.

use super::crops::{Clips, Framing, Look, count, lips, signed, stream, widened};
use super::mouths::other_moment;
use super::sheet::sheet;
use super::{Exam, Recipe, Scores, scalar};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::denoising::{Times, mean_square, spread};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_base::Random;
use lipsmith_nets::diffused_heads::{
    Condition, Config, DiffusedHeads, HEARD, MOTION_FRAMES, Motion, process, window,
};
use lipsmith_nets::sched::Schedule;
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sound_gru::SoundGru;
use lipsmith_nets::zoo::Variant;
use std::collections::HashMap;
use std::sync::Arc;

/// What the variational term (in bits) and the noise around the lips count beside the noise everywhere, and the room
/// around the lips in a picture of 128 pixels: the published code's.
const VARIANCE: f64 = 1e-4;
const LIPS: f64 = 0.2;
const ROOM: f32 = 5.0 / 128.0;
const EXAMINED: usize = 16;
const SHOWN: usize = 8;

pub struct Generator {
    learner: Learner,
    process: Schedule,
    sampler: Arc<Sampler>,
    exam: Heads,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    /// What is heard in each clip of the set, `[frames, sound]`.
    heard: Arc<HashMap<String, Tensor>>,
    config: Config,
    batch: usize,
    /// Of the process.
    steps: usize,
}

/// `n` pictures, red, green and blue in [-1, 1].
pub struct Heads {
    /// `[n, 3, s, s]`.
    clean: Tensor,
    noise: Tensor,
    person: Tensor,
    /// `[n, 2·motion channels, s, s]`.
    motion: Tensor,
    /// `[n, 5, sound]`.
    heard: Tensor,
    /// `[n, 1, s, s]`: 1 around the lips.
    lips: Tensor,
    times: Vec<usize>,
}

impl Generator {
    /// Continues from `weights`, with pictures of `side` pixels; `ears` have been taught before.
    pub fn new(
        set: &Set,
        weights: Weights,
        side: usize,
        ears: &SoundGru,
        batch: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Generator, TrainError> {
        let Variant::DiffusedHeads { unet, motion_channels, heard } = weights.variant().clone() else {
            return Err(TrainError::NotTrained { network: weights.network() });
        };
        if heard != HEARD * ears.width() {
            let lack = format!("an ear of {heard} numbers, not {HEARD} times {},", ears.width());
            return Err(TrainError::State { lack });
        }
        let config = Config { image_size: side, unet, motion_channels, sound: ears.width() };
        let mut heard = HashMap::new();
        for clip in set.clips() {
            let samples: Vec<f32> = clip.sound().iter().map(|&v| f32::from(v) / 32768.0).collect();
            let heard_there = ears.forward(&samples, clip.frames)?.detach().to_device(&Device::Cpu)?;
            heard.insert(clip.name.clone(), heard_there);
        }
        let heard = Arc::new(heard);
        let process = process()?;
        let steps = process.betas.len();
        let clips = |split| Clips::of(set, split, 1 + MOTION_FRAMES);
        let sampler = |clips| Sampler { clips, heard: heard.clone(), config: config.clone(), batch, steps };
        let exam = {
            let examined = sampler(clips(Split::Validation)?);
            let mut drawing = Drawing::default();
            for (item, (clip, first)) in examined.clips.fixed(EXAMINED).into_iter().enumerate() {
                let plain = [Framing::PLAIN; 2];
                examined.add(&mut drawing, clip, first, &Look::plain(), plain, &mut stream(0, 0, item))?;
            }
            drawing.heads(config.image_size, spread(EXAMINED, 0.5, steps), &mut Noise::new(7))?
        };
        Ok(Generator {
            learner: Learner::new(weights, settings, Some(0.999))?,
            sampler: Arc::new(sampler(clips(Split::Train)?)),
            process,
            exam,
            device: device.clone(),
        })
    }

    /// The losses by name, weight and value, and the recovered pictures.
    fn losses(
        &self,
        vb: &VarBuilder,
        heads: &Heads,
    ) -> Result<([(&'static str, f64, Tensor); 3], Tensor), TrainError> {
        let moved = |t: &Tensor| t.to_device(&self.device);
        let network = DiffusedHeads::new(&self.sampler.config, vb)?;
        let (clean, noise) = (moved(&heads.clean)?, moved(&heads.noise)?);
        let given = Condition {
            motion: moved(&heads.motion)?,
            person: moved(&heads.person)?,
            sound: network.hear(&moved(&heads.heard)?)?,
        };
        let times = Times::new(&self.process, &heads.times, &self.device)?;
        let x = times.noisy(&clean, &noise)?;
        let at: Vec<f32> = heads.times.iter().map(|&t| t as f32).collect();
        let made = network.forward_at(&x, &at, &given)?;
        let (eps, between) = (made.narrow(1, 0, 3)?, made.narrow(1, 3, 3)?);
        let everywhere = (&eps - &noise)?.sqr()?.mean_all()?;
        let lips = mean_square(&eps, &noise, &moved(&heads.lips)?)?;
        let bits = times.variational(&clean, &x, &eps, &between)?.mean_all()?;
        let recovered = times.recovered(&x, &eps.detach())?.clamp(-1f32, 1f32)?;
        Ok(([("noise", 1.0, everywhere), ("variance", VARIANCE, bits), ("lips", LIPS, lips)], recovered))
    }
}

impl Sampler {
    fn add(
        &self,
        drawing: &mut Drawing,
        clip: &Clip,
        first: usize,
        look: &Look,
        [framing, of_person]: [Framing; 2],
        random: &mut Random,
    ) -> Result<(), TrainError> {
        let side = self.config.image_size;
        let shown = |frame: usize, framing: Framing| -> Result<Tensor, TrainError> {
            let mut planes = Vec::new();
            signed(clip, frame, look, framing, side, &mut planes);
            Ok(Tensor::from_vec(planes, (1, 3, side, side), &Device::Cpu)?)
        };
        let frame = first + MOTION_FRAMES;
        let other = other_moment(random, clip.frames, first, 1 + MOTION_FRAMES);
        let mut motion = Motion::new(&self.config, &shown(first, framing)?)?;
        for before in first + 1..frame {
            motion.push(&shown(before, framing)?)?;
        }
        drawing.clean.push(shown(frame, framing)?);
        drawing.person.push(shown(other, of_person)?);
        drawing.motion.push(motion.frames()?);
        let heard =
            self.heard.get(&clip.name).ok_or_else(|| TrainError::State { lack: clip.name.clone() })?;
        drawing.heard.push(window(heard, frame)?);
        let reach = widened(lips(clip, frame, look, framing, side), ROOM * side as f32, side);
        count(reach, side, 1.0, 0.0, &mut drawing.lips);
        Ok(())
    }
}

impl Recipe for Generator {
    type Batch = Heads;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Heads, TrainError> {
        let mut drawing = Drawing::default();
        for item in 0..sampler.batch {
            let mut random = stream(seed, step, item);
            let (clip, first) = sampler.clips.pick(&mut random);
            let look = Look::random(&mut random);
            let framing = Framing::random(&mut random);
            let framings = [framing, framing.shaken(&mut random)];
            sampler.add(&mut drawing, clip, first, &look, framings, &mut random)?;
        }
        let offset = stream(seed, step, sampler.batch).unit();
        let times = spread(sampler.batch, offset, sampler.steps);
        drawing.heads(sampler.config.image_size, times, &mut Noise::new(super::mixed(seed, step, 0)))
    }

    fn learn(&mut self, batch: Heads) -> Result<Scores, TrainError> {
        let (losses, _) = self.losses(&self.learner.builder()?, &batch)?;
        let mut scores = Vec::new();
        let mut sum = Tensor::zeros((), candle_core::DType::F32, &self.device)?;
        for (name, weight, loss) in losses {
            scores.push((name, scalar(&loss)?));
            sum = (sum + (loss * weight)?)?;
        }
        scores.push(("gradient", self.learner.step(&sum.backward()?)?));
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let vb = self.learner.averaged_builder(&self.device)?;
        let ([noise, variance, lips], recovered) = self.losses(&vb, &self.exam)?;
        let number =
            |(name, _, loss): (&'static str, f64, Tensor)| Ok::<_, TrainError>((name, scalar(&loss)?));
        let scores = vec![number(noise)?, number(variance)?, number(lips)?];
        let judged = scores[0].1 + LIPS * scores[2].1;
        let times = Times::new(&self.process, &self.exam.times, &Device::Cpu)?;
        let seen = times.noisy(&self.exam.clean, &self.exam.noise)?;
        let rows = [&self.exam.person, &seen, &recovered.to_device(&Device::Cpu)?, &self.exam.clean];
        let rows = rows.map(|row| row.affine(0.5, 0.5)).into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Exam { scores, judged, picture: sheet(&rows, SHOWN)? })
    }

    fn learner(&self) -> &Learner {
        &self.learner
    }

    fn learner_mut(&mut self) -> &mut Learner {
        &mut self.learner
    }
}

#[derive(Default)]
struct Drawing {
    clean: Vec<Tensor>,
    person: Vec<Tensor>,
    motion: Vec<Tensor>,
    heard: Vec<Tensor>,
    lips: Vec<f32>,
}

impl Drawing {
    fn heads(self, side: usize, times: Vec<usize>, noise: &mut Noise) -> Result<Heads, TrainError> {
        let n = self.clean.len();
        Ok(Heads {
            clean: Tensor::cat(&self.clean, 0)?,
            noise: noise.draw(&[n, 3, side, side], &Device::Cpu)?,
            person: Tensor::cat(&self.person, 0)?,
            motion: Tensor::cat(&self.motion, 0)?,
            heard: Tensor::cat(&self.heard, 0)?,
            lips: Tensor::from_vec(self.lips, (n, 1, side, side), &Device::Cpu)?,
            times,
        })
    }
}
