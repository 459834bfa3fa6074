//! Ancestral sampling (Ho et al. 2020, algorithm 2), with a learned variance where the network has one (Nichol &
//! Dhariwal 2021 §3.1).

use candle_core::Tensor;

use super::{Hooks, Schedule, Step};
use crate::error::{NetsError, Result};

/// From noise to a picture; each step but the last adds the noise that its variance asks for.
pub fn sample(schedule: &Schedule, start: &Tensor, mut hooks: Hooks) -> Result<Tensor> {
    hooks.walk(schedule, start, |hooks, i, x, output| {
        let noise = (i > 0).then(|| (hooks.noise)(x)).transpose()?;
        step(schedule, i, x, output, noise.as_ref())
    })
}

/// Where step `i` leads to: the next picture is `mean` + e^(½·`log_variance`)·noise.
#[derive(Debug, Clone)]
pub struct Posterior {
    pub mean: Tensor,
    pub log_variance: Tensor,
    pub clean: Tensor,
}

/// `output`: the network's, `[n, 2c, …]` for a picture `[n, c, …]`: noise, then where between its two bounds
/// the logarithm of the variance lies, from -1 (posterior variance) to 1 (beta). With `[n, c, …]`, noise alone,
/// the variance is the posterior's.
pub fn posterior(schedule: &Schedule, i: usize, x: &Tensor, output: &Tensor) -> Result<Posterior> {
    let channels = x.dim(1)?;
    let learned = output.dim(1)? > channels;
    if learned && output.dim(1)? != 2 * channels {
        return Err(NetsError::Invalid(format!(
            "a network that paints {channels} channels puts out as many, or with their variance {}; not {}",
            2 * channels,
            output.dim(1)?
        )));
    }
    let eps = output.narrow(1, 0, channels)?;
    let clean = schedule.clean(i, x, &eps)?;
    let mean = ((&clean * schedule.posterior_mean_coef1[i])? + (x * schedule.posterior_mean_coef2[i])?)?;
    let (least, most) = (schedule.posterior_log_variance_clipped[i], schedule.betas[i].ln());
    let log_variance = match learned {
        true => output.narrow(1, channels, channels)?.affine((most - least) / 2.0, (most + least) / 2.0)?,
        false => eps.affine(0.0, least)?,
    };
    Ok(Posterior { mean, log_variance, clean })
}

/// Step `i` of [`sample`].
pub fn step(
    schedule: &Schedule,
    i: usize,
    x: &Tensor,
    output: &Tensor,
    noise: Option<&Tensor>,
) -> Result<Step> {
    let Posterior { mean, log_variance, clean } = posterior(schedule, i, x, output)?;
    let sample = match noise {
        Some(noise) => (mean + ((log_variance * 0.5)?.exp()? * noise)?)?,
        None => mean,
    };
    Ok(Step { sample, clean })
}
