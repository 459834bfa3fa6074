//! What a mouth does, in six numbers read off its points, and how a generator is told of it in the words that its ear
//! will use: its painting half learns from true mouths, its ear to say the same of their sound, and neither waits for
//! the other. Together they otherwise learn for a long time to paint a mean mouth before they begin to listen.

use super::crops::below;
use crate::TrainError;
use crate::dataset::Clip;
use candle_core::Tensor;
use lipsmith_base::Random;
pub use lipsmith_lipsync::mouth::{DISTANCES, told};
use lipsmith_lipsync::mouth::{SCALE, distances};

/// How far the mouth's distances are from this person's usual ones, which sound cannot tell.
pub fn shape(clip: &Clip, frame: usize) -> [f32; DISTANCES.len()] {
    let of = |frame: usize| distances(|point| clip.landmarks()[frame][point]);
    let mut usual = [0f32; DISTANCES.len()];
    let every = (clip.frames / 25).max(1);
    let sampled: Vec<_> = (0..clip.frames).step_by(every).map(of).collect();
    for distances in &sampled {
        usual.iter_mut().zip(distances).for_each(|(sum, d)| *sum += d / sampled.len() as f32);
    }
    let here = of(frame);
    // Of a face that only a box is known of: the usual mouth.
    std::array::from_fn(|i| Some(SCALE * (here[i] - usual[i])).filter(|d| d.is_finite()).unwrap_or(0.0))
}

/// What both towers of a lip-sync expert would say of mouths in motion if they saw and heard perfectly, `[n, distances of
/// each picture]` → `[n, channels]`, of length 1 and never negative, as theirs are.
pub fn told_of_motion(shapes: &Tensor, channels: usize) -> Result<Tensor, TrainError> {
    let mut random = Random::new(0x65_7870);
    let numbers = shapes.dim(1)?;
    let mixture = (0..numbers * channels).map(|_| random.within(-1.0, 1.0)).collect();
    let mixed = shapes.matmul(&Tensor::from_vec(mixture, (numbers, channels), shapes.device())?)?.relu()?;
    let length = mixed.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-6)?;
    Ok(mixed.broadcast_div(&length)?)
}

/// What a painter is given of the sound, `[n, channels]`: what its ear says, or the `truth` where `told`, `[n, 1]`, is
/// 1; and how far the ear is from saying the truth itself, where it is told some and hears some. `share` of windows
/// that are told: at 0 nothing is, at 1 the ear rests.
pub fn listened(
    share: f64,
    told: &Tensor,
    truth: Tensor,
    hear: impl FnOnce() -> lipsmith_nets::Result<Tensor>,
) -> Result<(Tensor, Option<Tensor>), TrainError> {
    if share >= 1.0 {
        return Ok((truth, None));
    }
    let heard = hear()?;
    if share <= 0.0 {
        return Ok((heard, None));
    }
    let apart = (&heard - &truth)?.sqr()?.mean_all()?;
    // Where it is told, what is heard does not count.
    let given = (heard.broadcast_mul(&told.affine(-1.0, 1.0)?)? + truth.broadcast_mul(told)?)?;
    Ok((given, Some(apart)))
}

/// 1 for the share of windows that are told, else 0.
pub fn draw(random: &mut Random, share: f64) -> f32 {
    f32::from(u8::from(f64::from(random.unit()) < share))
}

/// A number of each window for each of its pictures.
pub fn each(windows: &[f32], length: usize) -> Vec<f32> {
    windows.iter().flat_map(|&value| vec![value; length]).collect()
}

/// The first picture of another moment of a clip of `frames`, so that no network finds the answer to `first..first +
/// length` in its reference.
pub fn other_moment(random: &mut Random, frames: usize, first: usize, length: usize) -> usize {
    let other = below(random, frames - length);
    if other < first { other } else { other + length }
}
