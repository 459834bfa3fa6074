//! The lip-sync expert (Prajwal et al. 2020, section 3.1): five pictures of a mouth and 0.2 s of sound, together
//! or from different moments of the same clip, told apart by the cosine of their embeddings.

use super::crops::{Clips, Framing, Look, below, picture, sound, stream};
use super::mouths::{DISTANCES, shape, told_of_motion};
use super::{Exam, Recipe, Scores, scalar};
use crate::TrainError;
use crate::dataset::{Clip, Set, Split};
use crate::learner::Learner;
use crate::losses::{agreement, sync};
use crate::optim::Settings;
use crate::plot::{BLUE, ORANGE, Panel, Series, plot};
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use lipsmith_base::Random;
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::syncnet_color::{Config, SyncNetColor};
use lipsmith_nets::wav2lip::FACE;
use std::sync::Arc;

/// Pictures that the expert looks at together.
pub const LOOK: usize = 5;
/// Other moments of the clip that each mouth is compared with. The sound's tower is cheap beside the face's.
const OTHERS: usize = 3;
/// Sounds nearer than this many pictures are not wrong enough to be called so.
const APART: usize = 3;
const EXAMINED: usize = 192;

pub struct SyncNet {
    learner: Learner,
    /// How much of the loss is how far both towers are from the truth, see [`told_of_motion`]; else it is the paper's.
    told: f64,
    sampler: Arc<Sampler>,
    exam: Pairs,
    device: Device,
}

pub struct Sampler {
    clips: Clips,
    batch: usize,
}

/// `faces`: `[n, 15, 48, 96]`; `sounds`: `[n·(1 + OTHERS), 1, 80, 16]`, each mouth's own first; `shapes`:
/// `[n, 5·distances]`, what the mouth does.
pub struct Pairs {
    faces: Tensor,
    sounds: Tensor,
    shapes: Tensor,
}

/// What the towers give.
struct Embedded {
    /// `[n, 1, d]` and `[n, 1 + OTHERS, d]`.
    faces: Tensor,
    sounds: Tensor,
}

impl SyncNet {
    /// Continues from `weights`; `batch` mouths a step. `told`, 0 to 1: how much of the loss is what each tower has to
    /// say by itself of the mouth's motion. Told apart from other moments alone, fresh towers for a long time give
    /// the same for everything.
    pub fn new(
        set: &Set,
        weights: Weights,
        batch: usize,
        told: f64,
        settings: Settings,
        device: &Device,
    ) -> Result<SyncNet, TrainError> {
        let exam = Clips::of(set, Split::Validation, LOOK + APART)?;
        let exam = {
            let mut drawing = Drawing::default();
            for (item, (clip, first)) in exam.fixed(EXAMINED).into_iter().enumerate() {
                drawing.add(clip, first, &Look::plain(), |_| Framing::PLAIN, &mut stream(0, 0, item));
            }
            drawing.pairs()?
        };
        Ok(SyncNet {
            learner: Learner::new(weights, settings, Some(0.998))?,
            told,
            sampler: Arc::new(Sampler { clips: Clips::of(set, Split::Train, LOOK + APART)?, batch }),
            exam,
            device: device.clone(),
        })
    }

    fn config(&self) -> Config {
        Config { width: self.learner.weights.channels() / 2 }
    }

    fn embed(&self, network: &SyncNetColor, pairs: &Pairs) -> Result<Embedded, TrainError> {
        let faces = network.faces(&pairs.faces.to_device(&self.device)?)?;
        let sounds = network.sound(&pairs.sounds.to_device(&self.device)?)?;
        let (n, d) = faces.dims2()?;
        Ok(Embedded { faces: faces.reshape((n, 1, d))?, sounds: sounds.reshape((n, 1 + OTHERS, d))? })
    }
}

impl Embedded {
    /// `[n]` for the mouths with their own sounds, and `[n, OTHERS]` with the others.
    fn agreements(&self) -> Result<(Tensor, Tensor), TrainError> {
        let (n, all, d) = self.sounds.dims3()?;
        let rows = |t: &Tensor| t.broadcast_as((n, all, d))?.reshape((n * all, d));
        let all = agreement(&rows(&self.faces)?, &rows(&self.sounds)?)?.reshape((n, all))?;
        Ok((all.narrow(1, 0, 1)?.flatten_all()?, all.narrow(1, 1, OTHERS)?))
    }

    /// How far the faces' and the sounds' tower are from the truth, each 0 to 1.
    fn astray(&self, pairs: &Pairs) -> Result<[Tensor; 2], TrainError> {
        let truth = told_of_motion(&pairs.shapes.to_device(self.faces.device())?, self.faces.dim(2)?)?;
        let astray = |said: &Tensor| agreement(&said.squeeze(1)?, &truth)?.mean_all()?.affine(-1.0, 1.0);
        Ok([astray(&self.faces)?, astray(&self.sounds.narrow(1, 0, 1)?)?])
    }
}

fn told_apart((own, others): (&Tensor, &Tensor)) -> Result<Tensor, TrainError> {
    Ok(((sync(own, true)? + sync(others, false)?)? * 0.5)?)
}

/// Agreement with the own sound and with others, each sorted: the farther the two lines lie apart, the better.
fn lines(own: &[f32], others: &[Vec<f32>]) -> Result<Vec<u8>, TrainError> {
    let series = |ink, mut values: Vec<f32>| {
        values.sort_by(f32::total_cmp);
        let last = values.len().saturating_sub(1).max(1) as f64;
        let point = |(rank, value): (usize, f32)| [rank as f64 / last, f64::from(value)];
        Series { ink, points: values.into_iter().enumerate().map(point).collect(), joined: true }
    };
    plot(&[Panel {
        title: "agreement with own sound, with others".into(),
        series: vec![series(BLUE, own.to_vec()), series(ORANGE, others.concat())],
    }])
}

impl Recipe for SyncNet {
    type Batch = Pairs;
    type Sampler = Arc<Sampler>;

    fn sampler(&self) -> Arc<Sampler> {
        self.sampler.clone()
    }

    fn batch(sampler: &Arc<Sampler>, seed: u64, step: u64) -> Result<Pairs, TrainError> {
        let mut drawing = Drawing::default();
        for item in 0..sampler.batch {
            let mut random = stream(seed, step, item);
            let (clip, first) = sampler.clips.pick(&mut random);
            let look = Look::random(&mut random);
            let framing = Framing::random(&mut random);
            drawing.add(clip, first, &look, |random| framing.shaken(random), &mut random);
        }
        drawing.pairs()
    }

    fn learn(&mut self, batch: Pairs) -> Result<Scores, TrainError> {
        let network = SyncNetColor::trainable(&self.config(), &self.learner.builder()?)?;
        let embedded = self.embed(&network, &batch)?;
        let (own, others) = embedded.agreements()?;
        let mut loss = told_apart((&own, &others))?;
        let mut scores = vec![("loss", scalar(&loss)?)];
        if self.told > 0.0 {
            let [faces, sounds] = embedded.astray(&batch)?;
            scores.extend([("faces_astray", scalar(&faces)?), ("sounds_astray", scalar(&sounds)?)]);
            loss = ((loss * (1.0 - self.told))? + ((faces + sounds)? * self.told)?)?;
        }
        scores.push(("gradient", self.learner.step(&loss.backward()?)?));
        Ok(scores)
    }

    fn examine(&mut self) -> Result<Exam, TrainError> {
        let network = SyncNetColor::new(&self.config(), &self.learner.averaged_builder(&self.device)?)?;
        let embedded = self.embed(&network, &self.exam)?;
        let (own, others) = embedded.agreements()?;
        let loss = scalar(&told_apart((&own, &others))?)?;
        let [faces, sounds] = embedded.astray(&self.exam)?;
        let [faces, sounds] = [scalar(&faces)?, scalar(&sounds)?];
        let (own, others) = (own.to_vec1::<f32>()?, others.to_vec2::<f32>()?);
        let pairs =
            || own.iter().zip(&others).flat_map(|(own, others)| others.iter().map(move |o| (*own, *o)));
        let share = |right: usize, of: usize| right as f64 / of.max(1) as f64;
        let ranked = share(pairs().filter(|(own, other)| own > other).count(), pairs().count());
        let told = own.iter().filter(|own| **own > 0.5).count() * OTHERS;
        let refused = others.iter().flatten().filter(|other| **other <= 0.5).count();
        let right = share(told + refused, own.len() * 2 * OTHERS);
        Ok(Exam {
            scores: vec![
                ("loss", loss),
                ("right", right),
                ("ranked", ranked),
                ("faces_astray", faces),
                ("sounds_astray", sounds),
            ],
            judged: if self.told >= 1.0 { faces + sounds } else { loss },
            picture: lines(&own, &others)?,
        })
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
    mouths: usize,
    faces: Vec<f32>,
    sounds: Vec<f32>,
    shapes: Vec<f32>,
}

impl Drawing {
    fn add(
        &mut self,
        clip: &Clip,
        first: usize,
        look: &Look,
        framing: impl Fn(&mut Random) -> Framing,
        random: &mut Random,
    ) {
        for frame in first..first + LOOK {
            let framing = framing(random);
            picture(clip, frame, look, framing, FACE, FACE / 2..FACE, &mut self.faces);
            self.shapes.extend(shape(clip, frame));
        }
        sound(clip, first, &look.room, &mut self.sounds);
        // Anywhere else in the clip, the moments around `first` left out.
        let starts = clip.frames - LOOK + 1;
        let near = first.saturating_sub(APART - 1)..(first + APART).min(starts);
        for _ in 0..OTHERS {
            let other = below(random, starts - near.len());
            let other = if other < near.start { other } else { other + near.len() };
            sound(clip, other, &look.room, &mut self.sounds);
        }
        self.mouths += 1;
    }

    fn pairs(self) -> Result<Pairs, TrainError> {
        let faces = (self.mouths, 3 * LOOK, FACE / 2, FACE);
        let sounds = (self.mouths * (1 + OTHERS), 1, BANDS, WINDOW);
        Ok(Pairs {
            faces: Tensor::from_vec(self.faces, faces, &Device::Cpu)?,
            sounds: Tensor::from_vec(self.sounds, sounds, &Device::Cpu)?,
            shapes: Tensor::from_vec(self.shapes, (self.mouths, LOOK * DISTANCES.len()), &Device::Cpu)?,
        })
    }
}
