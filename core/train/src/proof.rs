//! What a method of making mouths is worth on people that no network has learned from: how near its pictures come
//! to the true ones when the actor's own voice is to be spoken, and how well lips and sound agree then and with
//! somebody else's voice. Faces as the networks see them, [`FACE`] pixels; two methods need no network and say
//! what the numbers are worth: the film unchanged, and a mouth that stands still.

use crate::TrainError;
use crate::dataset::{Clip, LIPS, POINTS, Set, Split};
use crate::denoising::scaled;
use crate::losses::agreement;
use crate::measure::{apart, correlation, mean, psnr, spread, ssim};
use crate::recipes::crops::{Framing, Look, mouth, picture, sound};
pub use crate::recipes::diff2lip::Sampling;
use crate::recipes::diff2lip::{late, sample, true_words};
use crate::recipes::mouths::shape;
use crate::recipes::rooms::Room;
use crate::recipes::sheet::png;
use crate::recipes::syncnet::LOOK;
use candle_core::{Device, Tensor};
use lipsmith_base::{Affine, Cancel, Point, Progress, Rgb, Sink};
use lipsmith_lipsync::mouth::{DISTANCES, emphasised, told};
use lipsmith_nets::diff2lip::Diff2Lip;
use lipsmith_nets::mel::{BANDS, WINDOW};
use lipsmith_nets::syncnet_color::SyncNetColor;
use lipsmith_nets::wav2lip::{FACE, Wav2Lip};
use lipsmith_nets::zoo::Network;
use serde::Serialize;
use std::ops::Range;
use std::time::Instant;

/// A way to make mouths.
#[allow(clippy::large_enum_variant)]
pub enum Method {
    /// The film as it is, whatever the voice says.
    Unchanged,
    /// The mouth of one picture, carried along with the head.
    Frozen,
    Wav2Lip {
        name: String,
        network: Wav2Lip,
        hears: Hears,
    },
    Diff2Lip {
        name: String,
        network: Diff2Lip,
        hears: Hears,
        sampling: Sampling,
    },
}

/// What a network goes by; of those of Diff2Lip's that have no draft none does more or less than it hears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hears {
    /// The voice, its mouth moving so many times as much as it hears, see [`emphasised`].
    Voice(f64),
    /// What the mouth of the one who spoke really did: what its painter is worth without its ear.
    Mouth,
}

impl Method {
    fn name(&self) -> &str {
        match self {
            Method::Unchanged => "unchanged film",
            Method::Frozen => "frozen mouth",
            Method::Wav2Lip { name, .. } | Method::Diff2Lip { name, .. } => name,
        }
    }
}

/// The lips' points (48..68 of the 68) of a face that fills the picture, if one is seen.
pub type Lips<'a> = &'a mut dyn FnMut(&Rgb) -> Option<Vec<Point>>;

/// A line of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    pub method: String,
    /// Lower half of the face, own voice: decibels (`None`: no difference), structural similarity.
    pub psnr: Option<f64>,
    pub ssim: f64,
    /// Mean difference around the lips, own voice, in coded values of 255.
    pub lips: f64,
    /// Mean distance of the lips' points, own voice, in percent of the distance between the eyes; `None` without
    /// a mesh to find them.
    pub points: Option<f64>,
    /// How the lips' opening goes with that of the person who said it, correlation from -1 to 1: with the own voice and with
    /// another's. `None` without a mesh.
    pub follows: Option<[f64; 2]>,
    /// How much the lips' opening varies with the own voice, as a share of how much the true one does. `None` without a mesh.
    pub opens: Option<f64>,
    /// By the expert, `None` without one: 1 − cosine of the embeddings of made and true pictures (a perceptual
    /// distance by its own features), and the agreement of pictures and sound, with the own and another voice.
    pub perceptual: Option<f64>,
    pub agreement: Option<[f64; 2]>,
    /// Lower half of the face, own voice, beside what the first method that denoises makes: decibels. `None` for that itself and
    /// those that do not denoise.
    pub beside: Option<f64>,
    /// For a picture, on this machine.
    pub seconds: f64,
    /// Share of the comparisons in which the sound in sync agrees better than one 2 to 15 pictures off; half is
    /// chance. With the own and another voice.
    pub in_sync: Option<[f64; 2]>,
}

/// Pictures by which the wrong sounds are off.
const OFFSETS: [i32; 8] = [-15, -9, -5, -2, 2, 5, 9, 15];
/// The reference is a clip's first picture; what is judged begins later.
const FIRST: usize = 2 * LOOK;
/// Clips in the sheet.
const SHOWN: usize = 10;
/// Pictures judged of a clip, at most.
const MOST: usize = 20 * LOOK;
const PLANE: usize = FACE * FACE;
const HALF: usize = PLANE / 2;
/// Points that move with the skull: bridge and wings of the nose, corners of the eyes.
const RIGID: [usize; 11] = [27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45];

/// Who judges beside the truth, and where networks are computed.
pub struct Jury<'a> {
    pub expert: Option<SyncNetColor>,
    pub lips: Option<Lips<'a>>,
    pub device: Device,
}

/// Judges all methods on at most `count` validation clips. Also a sheet of examples as a PNG: a row of true
/// pictures, then one a method with another voice.
///
/// # Errors
/// A set without two validation clips that are long enough.
pub fn judge(
    set: &Set,
    methods: &[Method],
    jury: &mut Jury,
    count: usize,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<(Vec<Row>, Vec<u8>), TrainError> {
    let long = set.split(Split::Validation).filter(|clip| clip.frames >= FIRST + 4 * LOOK);
    let all: Vec<&Clip> = long.collect();
    if all.len() < 2 {
        return Err(TrainError::TooFewClips { split: "validation".into(), length: FIRST });
    }
    // Spread over the set, and each with a voice that is not its own.
    let count = count.clamp(2, all.len());
    let clips: Vec<&Clip> = (0..count).map(|i| all[i * all.len() / count]).collect();
    let mut sheet = Vec::new();
    let mut found: Vec<Vec<Row>> = methods.iter().map(|_| Vec::new()).collect();
    for (at, &clip) in clips.iter().enumerate() {
        let other = clips[(at + 1) % count];
        let scene = Scene::new(clip, other)?;
        let mut column = vec![rgb(&scene.truth[scene.shown() * 3 * PLANE..])];
        let mut first_denoised: Option<Vec<f32>> = None;
        for (method, rows) in methods.iter().zip(&mut found) {
            cancel.check().map_err(|_| TrainError::Cancelled)?;
            let begun = Instant::now();
            let own = scene.make(method, &scene.own, &jury.device)?;
            let seconds = begun.elapsed().as_secs_f64() / scene.frames as f64;
            let cross = scene.make(method, &scene.other, &jury.device)?;
            column.push(rgb(&cross[scene.shown() * 3 * PLANE..]));
            let mut row = Row { seconds, ..scene.judge(method.name(), [&own, &cross], jury)? };
            if let Method::Diff2Lip { .. } = method {
                row.beside = first_denoised.as_ref().and_then(|first| psnr(&halves(&own), &halves(first)));
                first_denoised.get_or_insert(own);
            }
            rows.push(row);
        }
        if at < SHOWN {
            sheet.push(column);
        }
        sink.progress(Progress { stage: "clips", done: at as u64 + 1, total: Some(count as u64) });
    }
    Ok((found.iter().map(|rows| average(rows)).collect(), contact(&sheet)?))
}

/// Columns of pictures as one PNG.
fn contact(columns: &[Vec<Rgb>]) -> Result<Vec<u8>, TrainError> {
    let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
    let mut whole = Rgb::black(columns.len() * FACE, rows * FACE);
    for (x0, column) in columns.iter().enumerate() {
        for (y0, picture) in column.iter().enumerate() {
            for pixel in 0..PLANE {
                whole.set(x0 * FACE + pixel % FACE, y0 * FACE + pixel / FACE, picture.at(pixel));
            }
        }
    }
    let made = png(whole.width(), whole.height(), &whole.to_bytes());
    made.map_err(|e| TrainError::Format { cause: e.to_string() })
}

fn average(rows: &[Row]) -> Row {
    let number = |of: &dyn Fn(&Row) -> f64| mean(rows.iter().map(of));
    let some = |of: &dyn Fn(&Row) -> Option<f64>| {
        let values: Vec<f64> = rows.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| mean(values.into_iter()))
    };
    let both = |of: &dyn Fn(&Row) -> Option<[f64; 2]>| {
        Some([some(&|row| of(row).map(|v| v[0]))?, some(&|row| of(row).map(|v| v[1]))?])
    };
    Row {
        method: rows.first().map_or(String::new(), |row| row.method.clone()),
        psnr: some(&|row| row.psnr),
        ssim: number(&|row| row.ssim),
        lips: number(&|row| row.lips),
        points: some(&|row| row.points),
        follows: both(&|row| row.follows),
        opens: some(&|row| row.opens),
        perceptual: some(&|row| row.perceptual),
        agreement: both(&|row| row.agreement),
        in_sync: both(&|row| row.in_sync),
        beside: some(&|row| row.beside),
        seconds: number(&|row| row.seconds),
    }
}

/// A clip as the networks see it: planes of blue, green and red, from [`FIRST`] on.
struct Scene<'a> {
    clip: &'a Clip,
    frames: usize,
    truth: Vec<f32>,
    reference: Vec<f32>,
    /// The clip's own voice and another's.
    own: Voice<'a>,
    other: Voice<'a>,
}

/// Who speaks, and the sound that goes with each picture, `[80, 16]`.
struct Voice<'a> {
    clip: &'a Clip,
    sounds: Vec<f32>,
}

impl<'a> Voice<'a> {
    fn new(clip: &'a Clip, frames: usize) -> Voice<'a> {
        let mut sounds = Vec::new();
        (FIRST..FIRST + frames).for_each(|frame| sound(clip, frame, &Room::plain(), &mut sounds));
        Voice { clip, sounds }
    }
}

impl<'a> Scene<'a> {
    fn new(clip: &'a Clip, other: &'a Clip) -> Result<Scene<'a>, TrainError> {
        let frames = (clip.frames.min(other.frames) - FIRST).min(MOST);
        let look = Look::plain();
        let (mut truth, mut reference) = (Vec::new(), Vec::new());
        picture(clip, 0, &look, Framing::PLAIN, FACE, 0..FACE, &mut reference);
        for frame in FIRST..FIRST + frames {
            picture(clip, frame, &look, Framing::PLAIN, FACE, 0..FACE, &mut truth);
        }
        let [own, other] = [clip, other].map(|clip| Voice::new(clip, frames));
        Ok(Scene { clip, frames, truth, reference, own, other })
    }

    /// The frame that people are shown.
    fn shown(&self) -> usize {
        self.frames / 2
    }

    /// All pictures by a method, for a voice: the lower halves, under the true upper ones as a dub leaves them.
    fn make(&self, method: &Method, voice: &Voice, device: &Device) -> Result<Vec<f32>, TrainError> {
        let mut made = self.paint(method, voice, device)?;
        for (made, truth) in made.chunks_exact_mut(PLANE).zip(self.truth.chunks_exact(PLANE)) {
            made[..HALF].copy_from_slice(&truth[..HALF]);
        }
        Ok(made)
    }

    fn paint(&self, method: &Method, voice: &Voice, device: &Device) -> Result<Vec<f32>, TrainError> {
        const BATCH: usize = 16;
        match method {
            Method::Unchanged => Ok(self.truth.clone()),
            Method::Frozen => Ok(self.frozen()),
            Method::Wav2Lip { network, hears, .. } => {
                let mut made = Vec::with_capacity(self.truth.len());
                for first in (0..self.frames).step_by(BATCH) {
                    let n = BATCH.min(self.frames - first);
                    let mut faces = Vec::with_capacity(n * 6 * PLANE);
                    for frame in
                        self.truth[first * 3 * PLANE..(first + n) * 3 * PLANE].chunks_exact(3 * PLANE)
                    {
                        for plane in frame.chunks_exact(PLANE) {
                            faces.extend_from_slice(&plane[..HALF]);
                            faces.resize(faces.len() + HALF, 0.0);
                        }
                        faces.extend_from_slice(&self.reference);
                    }
                    let faces = Tensor::from_vec(faces, (n, 6, FACE, FACE), device)?;
                    let said = match hears {
                        Hears::Voice(emphasis) => {
                            let size = BANDS * WINDOW;
                            let heard = &voice.sounds[first * size..(first + n) * size];
                            let heard = Tensor::from_slice(heard, (n, 1, BANDS, WINDOW), device)?;
                            emphasised(&network.audio_embedding(&heard)?, *emphasis)?
                        }
                        Hears::Mouth => {
                            let shapes = shapes(voice, first..first + n, device)?;
                            told(Network::Wav2Lip, &shapes, network.embedding_channels())?
                                .unsqueeze(2)?
                                .unsqueeze(3)?
                        }
                    };
                    made.extend(network.paint(said, &faces)?.picture.flatten_all()?.to_vec1::<f32>()?);
                }
                Ok(made)
            }
            Method::Diff2Lip { network, hears, sampling, .. } => {
                let side = network.config.image_size;
                let turned = Tensor::new(&[2u32, 1, 0], device)?;
                let turn = |x: &Tensor| x.index_select(&turned, 1);
                let mut made = Vec::with_capacity(self.truth.len());
                for first in (0..self.frames).step_by(BATCH) {
                    let n = BATCH.min(self.frames - first);
                    let shape = (n, 3, FACE, FACE);
                    let truth = &self.truth[first * 3 * PLANE..(first + n) * 3 * PLANE];
                    let seen = |planes: &[f32]| -> Result<Tensor, TrainError> {
                        let planes = Tensor::from_slice(planes, shape, device)?;
                        Ok(scaled(&turn(&planes)?, side)?.affine(2.0, -1.0)?)
                    };
                    let mut heard = Vec::new();
                    let late = late(&network.config);
                    (0..n).for_each(|i| {
                        sound(voice.clip, FIRST + first + i - late, &Room::plain(), &mut heard)
                    });
                    let heard = || network.listen(&Tensor::from_vec(heard, (n, BANDS, WINDOW), device)?);
                    let said = match hears {
                        Hears::Mouth => {
                            true_words(&network.config, &shapes(voice, first..first + n, device)?)?
                        }
                        Hears::Voice(emphasis) if network.config.draft.is_some() => {
                            emphasised(&heard()?, *emphasis)?
                        }
                        Hears::Voice(_) => heard()?,
                    };
                    let reference = seen(&self.reference.repeat(n))?;
                    let painted = sample(network, &seen(truth)?, &reference, &said, sampling)?;
                    let painted = turn(&scaled(&painted.affine(0.5, 0.5)?, FACE)?)?;
                    made.extend(painted.flatten_all()?.to_vec1::<f32>()?);
                }
                Ok(made)
            }
        }
    }

    /// The reference's lower half, moved as the skull has moved since.
    fn frozen(&self) -> Vec<f32> {
        let scale = FACE as f32 / self.clip.side as f32;
        let rigid = |frame: usize| -> Vec<Point> {
            let points: &[[f32; 2]; POINTS] = &self.clip.landmarks()[frame];
            RIGID.iter().map(|&i| Point::new(points[i][0] * scale, points[i][1] * scale)).collect()
        };
        let reference = rgb(&self.reference);
        let mut made = self.truth.clone();
        for (i, frame) in made.chunks_exact_mut(3 * PLANE).enumerate() {
            // Where only boxes are known the window itself follows the head.
            let map = Affine::similarity(&rigid(FIRST + i), &rigid(0));
            let map = map.filter(|map| map.scale().is_finite()).unwrap_or(Affine::IDENTITY);
            for pixel in HALF..PLANE {
                let at = Point::new((pixel % FACE) as f32 + 0.5, (pixel / FACE) as f32 + 0.5);
                let colour = reference.bilinear(map.apply(at));
                (0..3).for_each(|c| frame[c * PLANE + pixel] = colour[2 - c]);
            }
        }
        made
    }

    fn judge(&self, name: &str, [own, cross]: [&Vec<f32>; 2], jury: &mut Jury) -> Result<Row, TrainError> {
        let grey = |frame: &[f32]| -> Vec<f32> {
            (HALF..PLANE)
                .map(|i| 0.114 * frame[i] + 0.587 * frame[PLANE + i] + 0.299 * frame[2 * PLANE + i])
                .collect()
        };
        let frames = || own.chunks_exact(3 * PLANE).zip(self.truth.chunks_exact(3 * PLANE));
        let mut row = Row {
            method: name.into(),
            psnr: psnr(&halves(own), &halves(&self.truth)),
            ssim: mean(frames().map(|(made, truth)| ssim(&grey(made), &grey(truth), FACE))),
            lips: mean(frames().enumerate().map(|(i, (made, truth))| self.around_lips(i, made, truth))),
            points: jury.lips.as_mut().and_then(|lips| self.points(own, lips)),
            ..Row::default()
        };
        row.follows = jury.lips.as_mut().and_then(|lips| {
            Some([self.follows(own, &self.own, lips)?, self.follows(cross, &self.other, lips)?])
        });
        row.opens = jury.lips.as_mut().and_then(|lips| {
            let [made, truth] = [own, &self.truth].map(|planes| spread(&self.openings(planes, lips)));
            (truth > 0.0).then(|| made / truth)
        });
        if let Some(expert) = &jury.expert {
            let device = &jury.device;
            let size = BANDS * WINDOW;
            let sound = |sounds: &[f32], picture: i32| -> Vec<f32> {
                let picture = picture.clamp(0, self.frames as i32 - 1) as usize;
                sounds[picture * size..(picture + 1) * size].to_vec()
            };
            let embed = |planes: &[f32]| -> Result<Tensor, TrainError> {
                let windows = planes.chunks_exact(3 * PLANE * LOOK);
                let n = windows.len();
                let lower: Vec<f32> = windows.flat_map(halves).collect();
                Ok(expert.faces(&Tensor::from_vec(lower, (n, 3 * LOOK, FACE / 2, FACE), device)?)?)
            };
            let verdict = |faces: &Tensor, sounds: &[f32], off: i32| -> Result<Vec<f32>, TrainError> {
                let n = faces.dim(0)?;
                let heard: Vec<f32> = (0..n).flat_map(|i| sound(sounds, (i * LOOK) as i32 + off)).collect();
                let heard = expert.sound(&Tensor::from_vec(heard, (n, 1, BANDS, WINDOW), device)?)?;
                Ok(agreement(faces, &heard)?.to_vec1::<f32>()?)
            };
            let (of_own, of_cross, of_truth) = (embed(own)?, embed(cross)?, embed(&self.truth)?);
            let mut verdicts = [[0.0; 2]; 2];
            for (i, (faces, sounds)) in
                [(&of_own, &self.own.sounds), (&of_cross, &self.other.sounds)].into_iter().enumerate()
            {
                let right = verdict(faces, sounds, 0)?;
                let mut better = Vec::new();
                for off in OFFSETS {
                    let wrong = verdict(faces, sounds, off)?;
                    // Not where the clip has no sound so far off.
                    let inside =
                        |window: usize| (0..self.frames as i32).contains(&((window * LOOK) as i32 + off));
                    let pairs = right.iter().zip(wrong).enumerate().filter(|(window, _)| inside(*window));
                    better.extend(pairs.map(|(_, (right, wrong))| f64::from(u8::from(*right > wrong))));
                }
                verdicts[i] = [mean(right.iter().map(|&v| f64::from(v))), mean(better.into_iter())];
            }
            let near = agreement(&of_own, &of_truth)?.to_vec1::<f32>()?;
            row.perceptual = Some(mean(near.iter().map(|&v| 1.0 - f64::from(v))));
            row.agreement = Some([verdicts[0][0], verdicts[1][0]]);
            row.in_sync = Some([verdicts[0][1], verdicts[1][1]]);
        }
        Ok(row)
    }

    /// In coded values of 255.
    fn around_lips(&self, frame: usize, made: &[f32], truth: &[f32]) -> f64 {
        let [x0, y0, x1, y1] = mouth(self.clip, FIRST + frame, &Look::plain(), Framing::PLAIN, FACE);
        let cut = |planes: &[f32]| -> Vec<f32> {
            let rows = (0..3).flat_map(|c| (y0..y1).map(move |y| c * PLANE + y * FACE));
            rows.flat_map(|row| planes[row + x0..row + x1].iter().copied()).collect()
        };
        255.0 * apart(&cut(made), &cut(truth))
    }

    /// Of every second picture; `None` where too few faces are seen, or nothing that is said opens the lips.
    fn follows(&self, made: &[f32], voice: &Voice, lips: &mut Lips) -> Option<f64> {
        let (mut seen, mut said) = (Vec::new(), Vec::new());
        for frame in (0..self.frames).step_by(2) {
            let Some(found) = lips(&rgb(&made[frame * 3 * PLANE..])) else { continue };
            let points = &voice.clip.landmarks()[FIRST + frame];
            let truth = |i: usize| Point::new(points[i][0], points[i][1]);
            let eyes = truth(36).distance(truth(45)).max(1.0);
            let (here, there) = (opening(&|i| found[i - LIPS]), opening(&truth));
            seen.push(f64::from(here));
            said.push(f64::from(there / eyes));
        }
        (seen.len() >= 2 * LOOK).then(|| correlation(&seen, &said))
    }

    /// How far the lips are open in every second picture in which they are seen.
    fn openings(&self, made: &[f32], lips: &mut Lips) -> Vec<f64> {
        let seen = made.chunks_exact(3 * PLANE).step_by(2).filter_map(|frame| lips(&rgb(frame)));
        seen.map(|found| opening(&|i| found[i - LIPS]).into()).collect()
    }

    /// Of every fifth picture; `None` where no face is seen.
    fn points(&self, made: &[f32], lips: &mut Lips) -> Option<f64> {
        let mut apart = Vec::new();
        for frame in (0..self.frames).step_by(LOOK) {
            let at = frame * 3 * PLANE;
            let Some(found) = lips(&rgb(&made[at..])).zip(lips(&rgb(&self.truth[at..]))) else { continue };
            let points = &self.clip.landmarks()[FIRST + frame];
            let [left, right] = [36, 45].map(|i| Point::new(points[i][0], points[i][1]));
            let eyes = left.distance(right) * FACE as f32 / self.clip.side as f32;
            let distances = found.0.iter().zip(&found.1).map(|(a, b)| f64::from(a.distance(*b) / eyes));
            apart.push(100.0 * mean(distances));
        }
        (!apart.is_empty()).then(|| mean(apart.into_iter()))
    }
}

/// The lower halves of planes.
fn halves(planes: &[f32]) -> Vec<f32> {
    planes.chunks_exact(PLANE).flat_map(|plane| &plane[HALF..]).copied().collect()
}

/// What the mouth of the one who speaks did, `[n, distances]`.
fn shapes(voice: &Voice, frames: Range<usize>, device: &Device) -> Result<Tensor, TrainError> {
    let n = frames.len();
    let shapes: Vec<f32> = frames.flat_map(|frame| shape(voice.clip, FIRST + frame)).collect();
    Ok(Tensor::from_vec(shapes, (n, DISTANCES.len()), device)?)
}

/// Across the inner lips, at three places.
fn opening(at: &dyn Fn(usize) -> Point) -> f32 {
    DISTANCES[..3].iter().map(|&(a, b)| at(a).distance(at(b))).sum()
}

/// The first picture of planes of blue, green and red.
fn rgb(planes: &[f32]) -> Rgb {
    let pixels = (0..PLANE).map(|i| [2, 1, 0].map(|c| planes[c * PLANE + i].clamp(0.0, 1.0))).collect();
    Rgb::from_pixels(FACE, FACE, pixels).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Record, Writer};
    use crate::weights::Weights;
    use lipsmith_nets::diff2lip;
    use lipsmith_nets::wav2lip::Config;
    use lipsmith_nets::zoo::{Network, Variant};

    const SIDE: usize = 96;
    const FRAMES: usize = 40;

    /// A face that moves to the right; its mouth, a dark bar, opens and closes when `talks`.
    fn record(name: &str, talks: bool) -> Record {
        let mut faces = Vec::new();
        let mut landmarks = Vec::new();
        for t in 0..FRAMES {
            let shift = t as f32 * 0.2;
            let open = if talks { 2.0 + (t % 5) as f32 } else { 3.0 };
            for c in 0..3 {
                faces.extend((0..SIDE * SIDE).map(|i| {
                    let (x, y) = ((i % SIDE) as f32 - shift, (i / SIDE) as f32);
                    let lips = (35.0..60.0).contains(&x) && (y - 70.0).abs() < open;
                    if lips { 40 } else { 120 + 20 * c as u8 + (x * 0.3).sin().abs() as u8 }
                }));
            }
            // A skull that moves as the face does; lips around the bar.
            landmarks.push(std::array::from_fn(|i| match i {
                48.. => [35.0 + shift + (i - 48) as f32, 70.0],
                _ => [10.0 + shift + (i * 7 % 40) as f32, 20.0 + (i * 5 % 30) as f32],
            }));
        }
        let sound = FRAMES * 640;
        Record {
            name: name.into(),
            person: name.len() as u32,
            split: Split::Validation,
            faces,
            mel: vec![0.0; (1 + sound / 200) * BANDS],
            landmarks,
            sound: vec![0; sound],
        }
    }

    #[test]
    fn the_order_of_methods_is_what_it_must_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = Writer::open(folder.path(), SIDE).expect("a set");
        for (name, talks) in [("talks", true), ("is silent", false)] {
            writer.push(record(name, talks)).expect("pushed");
        }
        writer.finish().expect("finished");
        let set = Set::open(folder.path()).expect("opened");
        let device = Device::Cpu;
        let weights = Weights::fresh(Network::Wav2Lip, 2, 1, &device).expect("weights");
        let network = Wav2Lip::new(&Config { width: 2, warps: false }, &weights.frozen()).expect("a network");
        let variant = Variant::Diff2Lip(diff2lip::Config::compact(64, 32, 1));
        let weights = Weights::made(Network::Diff2Lip, variant, 1, &device).expect("weights");
        let config = diff2lip::Config::of_checkpoint(&weights.frozen()).expect("a config");
        let painter = Diff2Lip::new(&config, &weights.frozen()).expect("a network");
        let methods = [
            Method::Unchanged,
            Method::Frozen,
            Method::Wav2Lip { hears: Hears::Voice(1.0), name: "untaught".into(), network },
            Method::Diff2Lip {
                name: "painter".into(),
                network: painter,
                hears: Hears::Voice(1.0),
                sampling: Sampling::ddim(2),
            },
        ];
        let weights = Weights::fresh(Network::LipsyncExpert, 4, 2, &device).expect("weights");
        let config = lipsmith_nets::syncnet_color::Config { width: 2 };
        let expert = SyncNetColor::new(&config, &weights.frozen()).expect("an expert");
        let mut corner = |picture: &Rgb| Some(vec![Point::new(picture.get(48, 70)[0], 0.0); 20]);
        let mut jury = Jury { expert: Some(expert), lips: Some(&mut corner), device };
        let (rows, sheet) = judge(&set, &methods, &mut jury, 9, &(), &Cancel::new()).expect("judged");
        let [unchanged, frozen, untaught, painter] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((unchanged.psnr, unchanged.lips, unchanged.points), (None, 0.0, Some(0.0)));
        assert!((unchanged.ssim - 1.0).abs() < 1e-9 && unchanged.perceptual.is_some_and(|d| d.abs() < 1e-4));
        // The frozen mouth of the silent face is right, since it moves with the head.
        assert!(
            frozen.psnr.is_some_and(|v| v > 20.0) && frozen.lips < 30.0 && frozen.lips > 0.5,
            "{frozen:?}"
        );
        assert!(untaught.psnr < frozen.psnr && untaught.lips > frozen.lips, "{untaught:?} {frozen:?}");
        assert!(painter.psnr < frozen.psnr && painter.lips > frozen.lips, "{painter:?} {frozen:?}");
        // All sounds but the last, which ends in silence, are alike: nothing agrees better than anything else.
        assert!(unchanged.in_sync.is_some_and(|share| share.iter().all(|&v| v < 0.1)), "{unchanged:?}");
        assert!(sheet.starts_with(b"\x89PNG"));
    }
}
