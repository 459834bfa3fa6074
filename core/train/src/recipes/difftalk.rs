//! DiffTalk (Shen et al. 2023, section 3): the noise in a face's latent picture, given the latent picture of the face with
//! everything below the nose blanked, that of another moment, the points above the mouth, and the sound; judged by the
//! noise. The first stage stands still. The paper hears through DeepSpeech; here as in dubbing, by bands of mel
//! ([`Heard`]).

use super::crops::{Clips, Framing, Look, placed, signed, stream};
use super::mouths::other_moment;
use super::sheet::sheet;
use super::{Exam, Recipe, Scores, scalar};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::denoising::{Times, spread};
use crate::learner::Learner;
use crate::optim::Settings;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_base::Random;
use lipsmith_lipsync::families::difftalk::{Heard, LATENT_SIDE};
use lipsmith_nets::difftalk::{Condition, Config, DiffTalk, SHOWN as POINTS, SOUND_SHAPE, process};
use lipsmith_nets::sched::Schedule;
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::zoo::Variant;
use std::collections::HashMap;
use std::sync::Arc;

/// In training everything below this point of the nose is blanked.
const BLANK_FROM: usize = 30;
const EXAMINED: usize = 16;
const SHOWN: usize = 8;

pub struct Generator {
    learner: Learner,
    config: Config,
    process: Schedule,
    sampler: Arc<Sampler>,
    exam: Faces,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    /// Of each clip of the set.
    heard: Arc<HashMap<String, Heard>>,
    batch: usize,
    side: usize,
    /// Pixels of a picture as dubbing shows it.
    dubbed: usize,
    /// Of the latent pictures, `[channels, s, s]`.
    latent: [usize; 3],
    /// Of the process.
    steps: usize,
}

/// `n` pictures, red, green and blue in [-1, 1].
pub struct Faces {
    /// `[n, 3, s, s]`: whole, blanked, and of another moment.
    clean: Tensor,
    masked: Tensor,
    reference: Tensor,
    /// `[n, latent, s', s']`.
    noise: Tensor,
    /// `[n, 8, 16, 29]`.
    sounds: Tensor,
    /// `[n, 39, 2]`, in pixels of a picture as dubbing shows it.
    points: Tensor,
    times: Vec<usize>,
}

impl Generator {
    /// Continues from `weights`, whose first stage has been taught before, with pictures of `side` pixels; dubbing shows
    /// it as many as make latent pictures of [`LATENT_SIDE`].
    pub fn new(
        set: &Set,
        weights: Weights,
        batch: usize,
        side: usize,
        settings: Settings,
        device: &Device,
    ) -> Result<Generator, TrainError> {
        let Variant::DiffTalk { unet, first_stage, .. } = weights.variant().clone() else {
            return Err(TrainError::NotTrained { network: weights.network() });
        };
        let config = Config { unet, first_stage };
        let heard = set.clips().iter().map(|clip| (clip.name.clone(), Heard::of(clip.mel())));
        let heard = Arc::new(heard.collect::<HashMap<_, _>>());
        let process = process()?;
        let steps = process.betas.len();
        let dubbed = LATENT_SIDE * config.first_stage.shrinks();
        let shrunk = side / config.first_stage.shrinks();
        let latent = [config.first_stage.latent, shrunk, shrunk];
        let sampler = |split| {
            let clips = Clips::with_points(set, split, 1)?;
            Ok::<_, TrainError>(Sampler { clips, heard: heard.clone(), batch, side, dubbed, latent, steps })
        };
        let exam = {
            let examined = sampler(Split::Validation)?;
            let mut drawing = Drawing::default();
            for (item, (clip, frame)) in examined.clips.fixed(EXAMINED).into_iter().enumerate() {
                let plain = [Framing::PLAIN; 2];
                examined.add(&mut drawing, clip, frame, &Look::plain(), plain, &mut stream(0, 0, item))?;
            }
            drawing.faces(&examined, spread(EXAMINED, 0.5, steps), &mut Noise::new(7))?
        };
        Ok(Generator {
            learner: Learner::new(weights, settings, Some(0.9999))?,
            config,
            process,
            sampler: Arc::new(sampler(Split::Train)?),
            exam,
            device: device.clone(),
        })
    }

    /// The loss, and the recovered latent pictures.
    fn loss(
        &self,
        vb: &VarBuilder<'static>,
        faces: &Faces,
    ) -> Result<(Tensor, Tensor, DiffTalk), TrainError> {
        let moved = |t: &Tensor| t.to_device(&self.device);
        let network = DiffTalk::new(&self.config, vb)?;
        let encoded = |pictures: &Tensor| -> Result<Tensor, TrainError> {
            Ok(network.first_stage.encode(&moved(pictures)?)?.detach())
        };
        let given = Condition {
            masked: encoded(&faces.masked)?,
            reference: encoded(&faces.reference)?,
            context: network.context(&moved(&faces.sounds)?, &moved(&faces.points)?)?,
        };
        let (clean, noise) = (encoded(&faces.clean)?, moved(&faces.noise)?);
        let times = Times::new(&self.process, &faces.times, &self.device)?;
        let x = times.noisy(&clean, &noise)?;
        let at: Vec<f32> = faces.times.iter().map(|&t| t as f32).collect();
        let eps = network.forward_at(&x, &at, &given)?;
        let loss = (&eps - &noise)?.sqr()?.mean_all()?;
        Ok((loss, times.recovered(&x, &eps.detach())?, network))
    }
}

impl Sampler {
    fn add(
        &self,
        drawing: &mut Drawing,
        clip: &Clip,
        frame: usize,
        look: &Look,
        [framing, of_reference]: [Framing; 2],
        random: &mut Random,
    ) -> Result<(), TrainError> {
        let side = self.side;
        let begin = drawing.clean.len();
        signed(clip, frame, look, framing, side, &mut drawing.clean);
        let place =
            |point: usize, side: usize| placed(clip.landmarks()[frame][point], clip, look, framing, side);
        let blank_from = place(BLANK_FROM, side)[1].clamp(1.0, side as f32 - 1.0) as usize;
        for plane in drawing.clean[begin..].chunks_exact(side * side) {
            drawing.masked.extend_from_slice(&plane[..blank_from * side]);
            // Black, as dubbing blanks it.
            drawing.masked.extend(std::iter::repeat_n(-1.0, (side - blank_from) * side));
        }
        let other = other_moment(random, clip.frames, frame, 1);
        signed(clip, other, look, of_reference, side, &mut drawing.reference);
        let heard =
            self.heard.get(&clip.name).ok_or_else(|| TrainError::State { lack: clip.name.clone() })?;
        drawing.sounds.extend(heard.at(frame as i64));
        drawing.points.extend(POINTS.into_iter().flatten().flat_map(|point| place(point, self.dubbed)));
        drawing.count += 1;
        Ok(())
    }
}

impl Recipe for Generator {
    type Batch = Faces;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Faces, TrainError> {
        let mut drawing = Drawing::default();
        for item in 0..sampler.batch {
            let mut random = stream(seed, step, item);
            let (clip, frame) = sampler.clips.pick(&mut random);
            let look = Look::random(&mut random).unmirrored();
            let framing = Framing::random(&mut random);
            let framings = [framing, framing.shaken(&mut random)];
            sampler.add(&mut drawing, clip, frame, &look, framings, &mut random)?;
        }
        let offset = stream(seed, step, sampler.batch).unit();
        let times = spread(sampler.batch, offset, sampler.steps);
        drawing.faces(sampler, times, &mut Noise::new(super::mixed(seed, step, 0)))
    }

    fn learn(&mut self, batch: Faces) -> Result<Scores, TrainError> {
        let (loss, _, _) = self.loss(&self.learner.builder()?, &batch)?;
        let noise = scalar(&loss)?;
        Ok(vec![("noise", noise), ("gradient", self.learner.step(&loss.backward()?)?)])
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let (loss, recovered, network) =
            self.loss(&self.learner.averaged_builder(&self.device)?, &self.exam)?;
        let noise = scalar(&loss)?;
        let recovered =
            network.first_stage.decode(&recovered)?.clamp(-1f32, 1f32)?.to_device(&Device::Cpu)?;
        let rows = [&self.exam.masked, &self.exam.reference, &recovered, &self.exam.clean];
        let rows = rows.map(|row| row.affine(0.5, 0.5)).into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(Exam { scores: vec![("noise", noise)], judged: noise, picture: sheet(&rows, SHOWN)? })
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
    count: usize,
    clean: Vec<f32>,
    masked: Vec<f32>,
    reference: Vec<f32>,
    sounds: Vec<f32>,
    points: Vec<f32>,
}

impl Drawing {
    fn faces(self, sampler: &Sampler, times: Vec<usize>, noise: &mut Noise) -> Result<Faces, TrainError> {
        let (n, side, [channels, height, width]) = (self.count, sampler.side, sampler.latent);
        let [windows, rows, symbols] = SOUND_SHAPE;
        let pictures = |planes| Tensor::from_vec(planes, (n, 3, side, side), &Device::Cpu);
        let points = self.points.len() / 2 / n.max(1);
        Ok(Faces {
            clean: pictures(self.clean)?,
            masked: pictures(self.masked)?,
            reference: pictures(self.reference)?,
            noise: noise.draw(&[n, channels, height, width], &Device::Cpu)?,
            sounds: Tensor::from_vec(self.sounds, (n, windows, rows, symbols), &Device::Cpu)?,
            points: Tensor::from_vec(self.points, (n, points, 2), &Device::Cpu)?,
            times,
        })
    }
}
