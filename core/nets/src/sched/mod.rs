//! Diffusion processes: how much noise each step holds, and how a sampler walks back through them.
//!
//! Names and numbers follow "Denoising Diffusion Probabilistic Models" (Ho et al. 2020) and "Improved
//! Denoising Diffusion Probabilistic Models" (Nichol & Dhariwal 2021; repository openai/improved-diffusion):
//! step 0 is the least noisy; tables are f64.

pub mod betas;
pub mod ddim;
pub mod ddpm;
pub mod dpm_solver;
pub mod noise;
mod respacing;
mod sampler;
pub mod unipc;

pub use respacing::Respacing;
pub use sampler::Sampler;

use candle_core::Tensor;

use crate::error::{NetsError, Result};

/// The tables of one process, and the steps of the original process that its own stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The time given to the network at each step.
    pub timesteps: Vec<usize>,
    pub betas: Vec<f64>,
    pub alphas_cumprod: Vec<f64>,
    /// 1 before the first step, but with [`Respacing::Latent`].
    pub alphas_cumprod_prev: Vec<f64>,
    pub posterior_variance: Vec<f64>,
    /// The first step's variance is 0: its logarithm is replaced by the second's.
    pub posterior_log_variance_clipped: Vec<f64>,
    pub posterior_mean_coef1: Vec<f64>,
    pub posterior_mean_coef2: Vec<f64>,
    /// What each table entry is rounded to.
    precision: Precision,
    /// Clean pictures are confined to [-1, 1].
    confined: bool,
}

/// How exact a process's tables are. Where noise is all there is (a cosine process's end), it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Double,
    /// Every operation in f32, as a script does that keeps its tables in torch's default type.
    Single,
}

impl Precision {
    fn round(self, value: f64) -> f64 {
        match self {
            Self::Double => value,
            Self::Single => f64::from(value as f32),
        }
    }

    /// The greatest number below 1.
    fn below_one(self) -> f64 {
        match self {
            Self::Double => 1.0 - f64::EPSILON / 2.0,
            Self::Single => 1.0 - f64::from(f32::EPSILON) / 2.0,
        }
    }
}

/// How much of the clean picture (`alpha`) and of noise (`sigma`) is left at a step, and the logarithm of
/// their ratio, which is infinite without noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    pub alpha: f64,
    pub sigma: f64,
    pub lambda: f64,
}

impl Level {
    fn of(kept: f64) -> Self {
        let (alpha, sigma) = (kept.sqrt(), (1.0 - kept).sqrt());
        Self { alpha, sigma, lambda: (alpha / sigma).ln() }
    }
}

impl Schedule {
    pub fn new(betas: Vec<f64>) -> Result<Self> {
        Self::in_precision(betas, Precision::Double)
    }

    pub fn in_precision(betas: Vec<f64>, precision: Precision) -> Result<Self> {
        let timesteps = (0..betas.len()).collect();
        let betas = betas.into_iter().map(|beta| precision.round(beta)).collect();
        Self::with_timesteps(betas, timesteps, precision)
    }

    /// For latent pictures, which know no bounds: what a network takes for clean is not clamped.
    pub fn unconfined(self) -> Self {
        Self { confined: false, ..self }
    }

    /// The same process in fewer steps: those of `respacing`, their betas taken from this process's
    /// cumulated alphas.
    pub fn respaced(&self, respacing: Respacing) -> Result<Self> {
        let timesteps = respacing.timesteps(self.len())?;
        let round = |value| self.precision.round(value);
        let mut last = 1.0;
        let betas = timesteps.iter().map(|&t| {
            let kept = self.alphas_cumprod[t];
            // Few steps of a cosine process leave less than the last bit of 1: a beta of 1 would divide by nothing.
            round(1.0 - round(kept / std::mem::replace(&mut last, kept))).min(self.precision.below_one())
        });
        let betas = betas.collect();
        let mut fewer = Self::with_timesteps(betas, timesteps, self.precision)?;
        if let Respacing::Latent(_) = respacing {
            fewer.alphas_cumprod_prev[0] = self.alphas_cumprod[0];
        }
        Ok(Self { confined: self.confined, ..fewer })
    }

    fn with_timesteps(betas: Vec<f64>, timesteps: Vec<usize>, precision: Precision) -> Result<Self> {
        if betas.is_empty() || betas.iter().any(|beta| !(*beta > 0.0 && *beta <= 1.0)) {
            return Err(NetsError::Invalid("a noise schedule needs betas, each in (0, 1]".to_owned()));
        }
        let round = |value| precision.round(value);
        let mut product = 1.0;
        let alphas_cumprod: Vec<f64> = betas
            .iter()
            .map(|beta| {
                // Torch multiplies up in f64 whatever it stores.
                product *= round(1.0 - beta);
                round(product)
            })
            .collect();
        let alphas_cumprod_prev: Vec<f64> =
            std::iter::once(1.0).chain(alphas_cumprod.iter().copied()).take(betas.len()).collect();

        let per_step = |f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
            let rows = betas.iter().zip(&alphas_cumprod).zip(&alphas_cumprod_prev);
            rows.map(|((&beta, &all), &prev)| round(f(beta, all, prev))).collect()
        };
        // What is left of 1 decides: the other roundings are of the last bit.
        let rest = |value: f64| round(1.0 - value);
        let posterior_variance = per_step(&|beta, all, prev| beta * rest(prev) / rest(all));
        let posterior_mean_coef1 = per_step(&|beta, all, prev| beta * prev.sqrt() / rest(all));
        let posterior_mean_coef2 = per_step(&|beta, all, prev| rest(prev) * rest(beta).sqrt() / rest(all));
        let clipped_first = *posterior_variance.get(1).unwrap_or(&posterior_variance[0]);
        let posterior_log_variance_clipped = std::iter::once(clipped_first)
            .chain(posterior_variance.iter().skip(1).copied())
            .map(|variance| round(variance.ln()))
            .collect();
        Ok(Self {
            timesteps,
            betas,
            alphas_cumprod,
            alphas_cumprod_prev,
            posterior_variance,
            posterior_log_variance_clipped,
            posterior_mean_coef1,
            posterior_mean_coef2,
            precision,
            confined: true,
        })
    }

    pub fn len(&self) -> usize {
        self.betas.len()
    }

    pub fn is_empty(&self) -> bool {
        self.betas.is_empty()
    }

    /// A picture at step `i`: `clean` (`x_0`) with the `noise` of that step.
    pub fn add_noise(&self, i: usize, clean: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let kept = self.alphas_cumprod[i];
        Ok(((clean * kept.sqrt())? + (noise * (1.0 - kept).sqrt())?)?)
    }

    pub fn level(&self, i: usize) -> Level {
        Level::of(self.alphas_cumprod[i])
    }

    /// Where step `i` leads to.
    pub fn level_after(&self, i: usize) -> Level {
        Level::of(self.alphas_cumprod_prev[i])
    }

    /// The clean picture that `x` at step `i` hides if it holds the noise `eps`; in [-1, 1], unless the
    /// process is [unconfined](Self::unconfined).
    fn clean(&self, i: usize, x: &Tensor, eps: &Tensor) -> Result<Tensor> {
        let kept = self.alphas_cumprod[i];
        let clean = ((x * (1.0 / kept).sqrt())? - (eps * (1.0 / kept - 1.0).sqrt())?)?;
        Ok(if self.confined { clean.clamp(-1f32, 1f32)? } else { clean })
    }
}

/// What a step of a sampler leaves.
#[derive(Debug, Clone)]
pub struct Step {
    /// The picture one step less noisy.
    pub sample: Tensor,
    /// What the network takes the clean picture to be.
    pub clean: Tensor,
}

/// What a sampler calls while it walks.
pub struct Hooks<'a> {
    /// The network: a noisy picture and the original process's time → its output.
    pub network: &'a mut dyn FnMut(&Tensor, usize) -> Result<Tensor>,
    /// Asked before each step, with the number of steps done.
    pub should_stop: &'a mut dyn FnMut(usize) -> bool,
    /// Unit noise shaped like the picture; never called by a sampler that adds none, when nothing is known.
    pub noise: &'a mut dyn FnMut(&Tensor) -> Result<Tensor>,
    /// The part of the picture that is not to be made up.
    pub known: Option<Known<'a>>,
}

/// Part of a picture that is given: before each step it is put in, with fresh noise of that step ("RePaint",
/// Lugmayr et al. 2022, without its resampling).
pub struct Known<'a> {
    /// The clean picture.
    pub clean: &'a Tensor,
    /// 1 where it is given, 0 where it is to be made; broadcast over what it lacks.
    pub mask: &'a Tensor,
}

impl Known<'_> {
    fn put_in(&self, x: &Tensor, schedule: &Schedule, i: usize, noise: &Tensor) -> Result<Tensor> {
        let given = schedule.add_noise(i, self.clean, noise)?.broadcast_mul(self.mask)?;
        Ok((given + x.broadcast_mul(&self.mask.affine(-1.0, 1.0)?)?)?)
    }
}

impl Hooks<'_> {
    /// Walks from the noisiest step to the cleanest.
    ///
    /// # Errors
    /// [`NetsError::Cancelled`] when `should_stop` says so; whatever the network returns.
    fn walk(
        &mut self,
        schedule: &Schedule,
        start: &Tensor,
        mut step: impl FnMut(&mut Self, usize, &Tensor, &Tensor) -> Result<Step>,
    ) -> Result<Tensor> {
        let mut x = start.clone();
        for (done, i) in (0..schedule.len()).rev().enumerate() {
            if (self.should_stop)(done) {
                return Err(NetsError::Cancelled);
            }
            if let Some(known) = &self.known {
                let noise = (self.noise)(&x)?;
                x = known.put_in(&x, schedule, i, &noise)?;
            }
            let output = (self.network)(&x, schedule.timesteps[i])?;
            x = step(self, i, &x, &output)?.sample;
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests;
