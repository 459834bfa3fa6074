//! DiffTalk as a recipe: the lower face painted by latent diffusion, given the rest of it, a reference, its landmarks
//! and the sound; each painted picture is the next one's reference.
//!
//! It was made to hear through DeepSpeech, whose network nobody can be asked to install: in its place stand 29 bands
//! of log-mel energy at the same 50 a second. Weights trained on DeepSpeech's outputs do not understand them; no such
//! weights are published.

use super::diff2lip::Sampling;
use super::network::{Preset, Windows, from_tensor, lift, to_tensor};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::blend::{Mask, polygon_alpha};
use crate::error::LipsyncError;
use crate::face::Face;
use candle_core::{Device, Tensor};
use lipsmith_base::{Cancel, Point, Rgb};
use lipsmith_nets::NetsError;
use lipsmith_nets::difftalk::{Condition, DiffTalk, SHOWN, SOUND_SHAPE, process};
use lipsmith_nets::mel::{self, BANDS, Mel, Padding};
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Known, Respacing, Sampler, Schedule};

/// Side of the latent picture that it was trained on: of pictures of 256 pixels by VQ-f4, of 512 by VQ-f8. Its
/// landmarks are in the picture's pixels.
pub const LATENT_SIDE: usize = 64;
const PADS: [i64; 4] = [30, 20, 25, 25];
/// Windows of sound a second, one a picture, and what they are made of.
const RATE: i64 = 25;
const SYMBOL_RATE: i64 = 50;
/// The landmark below which everything is blanked, and the outline of what is painted.
const NOSE: usize = 33;
const OUTLINE: std::ops::RangeInclusive<usize> = 2..=14;

pub struct DiffTalkRecipe {
    network: DiffTalk,
    device: Device,
    sampling: Sampling,
    schedule: Schedule,
    mask: Mask,
    windows: Windows,
    heard: Heard,
    has_reference: bool,
}

impl DiffTalkRecipe {
    /// # Errors
    /// When the sampler cannot take that number of steps.
    pub fn new(
        network: DiffTalk,
        device: Device,
        preset: Preset,
        sampling: Sampling,
        mask: Mask,
    ) -> Result<DiffTalkRecipe, LipsyncError> {
        let process = process().map_err(lift(&device))?;
        // Its own steps where they fit, for they end as it was trained.
        let latent = process.respaced(Respacing::Latent(sampling.steps)).ok();
        let schedule = match latent.filter(|_| sampling.sampler == Sampler::Ddim) {
            Some(schedule) => schedule,
            None => sampling.schedule(&process, preset)?,
        };
        let windows = Windows::new(preset, LATENT_SIDE * network.first_stage.config.shrinks());
        Ok(DiffTalkRecipe {
            network,
            device,
            sampling,
            schedule,
            mask,
            windows,
            heard: Heard::default(),
            has_reference: false,
        })
    }

    fn run(&self, faces: &[Seen], reference: Option<Rgb>, cancel: &Cancel) -> Result<Vec<Rgb>, NetsError> {
        let (device, signed, side) = (&self.device, (2.0, -1.0), self.windows.side());
        let stage = &self.network.first_stage;
        let mut reference = match (reference, faces.first()) {
            (Some(image), _) => to_tensor(&[image], side, false, signed, device)?,
            (None, Some(first)) => {
                to_tensor(std::slice::from_ref(&first.image), side, false, signed, device)?
            }
            (None, None) => return Ok(Vec::new()),
        };
        let mut made = Vec::with_capacity(faces.len());
        for face in faces {
            let picture = to_tensor(std::slice::from_ref(&face.image), side, false, signed, device)?;
            let upper = picture.narrow(2, 0, face.blank_from)?;
            // Black, as the published loader blanks it before it scales to [-1, 1].
            let blank = picture.narrow(2, face.blank_from, side - face.blank_from)?.zeros_like()?;
            let masked = Tensor::cat(&[&upper, &(blank - 1.0)?], 2)?;
            let own = stage.encode(&picture)?;
            let landmarks =
                Tensor::from_vec(face.landmarks.clone(), (1, face.landmarks.len() / 2, 2), device)?;
            let sound = Tensor::from_vec(
                face.sound.clone(),
                (1, SOUND_SHAPE[0], SOUND_SHAPE[1], SOUND_SHAPE[2]),
                device,
            )?;
            let given = Condition {
                masked: stage.encode(&masked)?,
                reference: stage.encode(&reference)?,
                context: self.network.context(&sound, &landmarks)?,
            };
            let (_, _, height, width) = own.dims4()?;
            let outline = face
                .outline
                .iter()
                .map(|p| Point::new(p.x * width as f32 / side as f32, p.y * height as f32 / side as f32));
            let painted = polygon_alpha(&outline.collect::<Vec<_>>(), 0.0, width, height);
            let kept = Tensor::from_vec(painted, (1, 1, height, width), device)?.affine(-1.0, 1.0)?;
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
            let latent = sampler.sample(&self.schedule, &start, eta, hooks)?;
            reference = stage.decode(&latent)?.clamp(-1f32, 1f32)?;
            made.push(reference.clone());
        }
        from_tensor(&Tensor::cat(&made, 0)?, false, signed)
    }

    fn seen(&self, line: &Line, target: &Target) -> Option<Seen> {
        let landmarks = target.face.landmarks.as_deref().filter(|l| l.points.len() == 68)?;
        let image = self.windows.input(&target.image);
        let side = self.windows.side() as f32;
        let (across, down) = (side / target.crop.width as f32, side / target.crop.height as f32);
        let inwards = target.crop.map.inverse()?;
        let place = |p: &Point| {
            let p = inwards.apply(*p);
            Point::new(p.x * across, p.y * down)
        };
        let points: Vec<Point> = landmarks.points.iter().map(place).collect();
        let shown = SHOWN.into_iter().flatten().flat_map(|i| [points[i].x, points[i].y]);
        let blank_from = (points[NOSE].y.clamp(1.0, side - 1.0)) as usize;
        let outline = OUTLINE.chain([NOSE]).map(|i| points[i]).collect();
        let sound = self.heard.at(line.times[target.frame].floor_units(RATE));
        Some(Seen { image, landmarks: shown.collect(), blank_from, outline, sound })
    }
}

/// A face of the line as the network is shown it; positions in its pixels.
struct Seen {
    image: Rgb,
    landmarks: Vec<f32>,
    /// Rows from here on are hidden.
    blank_from: usize,
    outline: Vec<Point>,
    sound: Vec<f32>,
}

impl Recipe for DiffTalkRecipe {
    fn plan(&mut self, line: &Line, _: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        if line.faces.iter().flatten().all(|face| face.landmarks.is_none()) {
            let why =
                "difftalk needs the landmarks of the face: run packaging/fetch-face-models and track anew";
            return Err(LipsyncError::Unfit(why.into()));
        }
        self.windows.plan(line, PADS);
        self.heard = Heard::of(Mel::new(&line.voice.samples, Padding::Zero).values().as_chunks().0);
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
        let reference = if self.has_reference { Some(self.windows.input(&sources.image(0)?)) } else { None };
        let seen: Vec<Option<Seen>> = targets.iter().map(|target| self.seen(line, target)).collect();
        let whole: Vec<bool> = seen.iter().map(Option::is_some).collect();
        let faces: Vec<Seen> = seen.into_iter().flatten().collect();
        let mut made = match faces.is_empty() {
            true => Vec::new(),
            false => self.run(&faces, reference, cancel).map_err(lift(&self.device))?,
        }
        .into_iter();
        // A face without landmarks stays as it is.
        let patch = |(target, whole): (&Target, bool)| {
            let image = if whole { made.next() } else { None };
            image.map(|image| self.windows.patch(target, image, &self.mask))
        };
        Ok(targets.iter().zip(whole).map(patch).collect())
    }
}

/// What it hears: 29 bands of log-mel energy, 50 rows a second, about [-1, 1].
#[derive(Default)]
pub struct Heard(Vec<[f32; SOUND_SHAPE[2]]>);

impl Heard {
    /// Of frames as [`mel`] makes them, 80 a second.
    pub fn of(frames: &[[f32; BANDS]]) -> Heard {
        let count = frames.len() as i64 * SYMBOL_RATE / mel::RATE as i64;
        let row = |at: i64| -> [f32; SOUND_SHAPE[2]] {
            let frame = (at * mel::RATE as i64 / SYMBOL_RATE) as usize;
            std::array::from_fn(|symbol| {
                let group = symbol * BANDS / SOUND_SHAPE[2]..(symbol + 1) * BANDS / SOUND_SHAPE[2];
                let count = group.len() as f32;
                frames[frame][group].iter().sum::<f32>() / count / 4.0
            })
        };
        Heard((0..count).map(row).collect())
    }

    /// What is heard around a picture: eight windows, each of 16 rows of symbols, the fifth around the picture itself.
    pub fn at(&self, picture: i64) -> Vec<f32> {
        let [windows, rows, symbols] = SOUND_SHAPE;
        let mut values = Vec::with_capacity(windows * rows * symbols);
        for window in 0..windows as i64 {
            let centre = (picture + window - windows as i64 / 2) * SYMBOL_RATE / RATE;
            for row in 0..rows as i64 {
                let at = usize::try_from(centre + row - rows as i64 / 2).ok();
                let silence = [0.0; SOUND_SHAPE[2]];
                values.extend(at.and_then(|at| self.0.get(at)).unwrap_or(&silence));
            }
        }
        values
    }
}
