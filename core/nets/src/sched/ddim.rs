//! "Denoising Diffusion Implicit Models" (Song, Meng & Ermon 2021).

use candle_core::Tensor;

use super::{Hooks, Schedule, Step};
use crate::error::Result;

/// From noise to a picture in [-1, 1].
///
/// `eta` 0 adds no noise, so that the picture depends on `start` alone; 1 adds as much as DDPM. The network
/// may return more channels than the picture has: those after the noise (a learned variance) are not used.
pub fn sample(schedule: &Schedule, start: &Tensor, eta: f64, mut hooks: Hooks) -> Result<Tensor> {
    hooks.walk(schedule, start, |hooks, i, x, output| {
        let eps = output.narrow(1, 0, x.dim(1)?)?;
        let noise = (eta > 0.0 && i > 0).then(|| (hooks.noise)(x)).transpose()?;
        step(schedule, i, x, &eps, eta, noise.as_ref())
    })
}

/// Step `i` of [`sample`], equation 12: `eps` is the noise that the network sees in `x`.
pub fn step(
    schedule: &Schedule,
    i: usize,
    x: &Tensor,
    eps: &Tensor,
    eta: f64,
    noise: Option<&Tensor>,
) -> Result<Step> {
    let (kept, kept_next) = (schedule.alphas_cumprod[i], schedule.alphas_cumprod_prev[i]);
    let clean = schedule.clean(i, x, eps)?;
    // Clamping changed what is clean: the noise is the rest.
    let eps = (((x * (1.0 / kept).sqrt())? - &clean)? * (1.0 / (1.0 / kept - 1.0).sqrt()))?;
    let sigma = eta * ((1.0 - kept_next) / (1.0 - kept)).sqrt() * (1.0 - kept / kept_next).sqrt();
    let direction = (eps * (1.0 - kept_next - sigma * sigma).max(0.0).sqrt())?;
    let mean = ((&clean * kept_next.sqrt())? + direction)?;
    let sample = match noise {
        Some(noise) => (mean + (noise * sigma)?)?,
        None => mean,
    };
    Ok(Step { sample, clean })
}
