//! Diffusion processes: how much noise each step holds, and how a sampler walks back through them.
//!
//! Names and numbers follow "Denoising Diffusion Probabilistic Models" (Ho et al. 2020) and "Improved
//! Denoising Diffusion Probabilistic Models" (Nichol & Dhariwal 2021; repository openai/improved-diffusion):
//! step 0 is the least noisy; tables are f64.

pub mod betas;
pub mod ddim;
pub mod ddpm;
pub mod noise;
mod respacing;

pub use respacing::Respacing;

use candle_core::Tensor;

use crate::error::{NetsError, Result};

/// The tables of one process, and the steps of the original process that its own stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The time given to the network at each step.
    pub timesteps: Vec<usize>,
    pub betas: Vec<f64>,
    pub alphas_cumprod: Vec<f64>,
    /// 1 before the first step.
    pub alphas_cumprod_prev: Vec<f64>,
    pub posterior_variance: Vec<f64>,
    /// The first step's variance is 0: its logarithm is replaced by the second's.
    pub posterior_log_variance_clipped: Vec<f64>,
    pub posterior_mean_coef1: Vec<f64>,
    pub posterior_mean_coef2: Vec<f64>,
}

impl Schedule {
    pub fn new(betas: Vec<f64>) -> Result<Self> {
        let timesteps = (0..betas.len()).collect();
        Self::with_timesteps(betas, timesteps)
    }

    /// The same process in fewer steps: those of `respacing`, their betas taken from this process's
    /// cumulated alphas.
    pub fn respaced(&self, respacing: Respacing) -> Result<Self> {
        let timesteps = respacing.timesteps(self.len())?;
        let mut last = 1.0;
        let betas = timesteps.iter().map(|&t| {
            let kept = self.alphas_cumprod[t];
            1.0 - kept / std::mem::replace(&mut last, kept)
        });
        let betas = betas.collect();
        Self::with_timesteps(betas, timesteps)
    }

    fn with_timesteps(betas: Vec<f64>, timesteps: Vec<usize>) -> Result<Self> {
        if betas.is_empty() || betas.iter().any(|beta| !(*beta > 0.0 && *beta <= 1.0)) {
            return Err(NetsError::Invalid("a noise schedule needs betas, each in (0, 1]".to_owned()));
        }
        let mut product = 1.0;
        let alphas_cumprod: Vec<f64> = betas
            .iter()
            .map(|beta| {
                product *= 1.0 - beta;
                product
            })
            .collect();
        let alphas_cumprod_prev: Vec<f64> =
            std::iter::once(1.0).chain(alphas_cumprod.iter().copied()).take(betas.len()).collect();

        let per_step = |f: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
            let rows = betas.iter().zip(&alphas_cumprod).zip(&alphas_cumprod_prev);
            rows.map(|((&beta, &all), &prev)| f(beta, all, prev)).collect()
        };
        let posterior_variance = per_step(&|beta, all, prev| beta * (1.0 - prev) / (1.0 - all));
        let posterior_mean_coef1 = per_step(&|beta, all, prev| beta * prev.sqrt() / (1.0 - all));
        let posterior_mean_coef2 =
            per_step(&|beta, all, prev| (1.0 - prev) * (1.0 - beta).sqrt() / (1.0 - all));
        let clipped_first = *posterior_variance.get(1).unwrap_or(&posterior_variance[0]);
        let posterior_log_variance_clipped = std::iter::once(clipped_first)
            .chain(posterior_variance.iter().skip(1).copied())
            .map(f64::ln)
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

    /// The clean picture that `x` at step `i` hides if it holds the noise `eps`, clamped to [-1, 1].
    fn clean(&self, i: usize, x: &Tensor, eps: &Tensor) -> Result<Tensor> {
        let kept = self.alphas_cumprod[i];
        let clean = ((x * (1.0 / kept).sqrt())? - (eps * (1.0 / kept - 1.0).sqrt())?)?;
        Ok(clean.clamp(-1f32, 1f32)?)
    }
}

/// What a step of a sampler leaves.
#[derive(Debug, Clone)]
pub struct Step {
    /// The picture one step less noisy.
    pub sample: Tensor,
    /// What the network takes the clean picture to be, in [-1, 1].
    pub clean: Tensor,
}

/// What a sampler calls while it walks.
pub struct Hooks<'a> {
    /// The network: a noisy picture and the original process's time → its output.
    pub network: &'a mut dyn FnMut(&Tensor, usize) -> Result<Tensor>,
    /// Asked before each step, with the number of steps done.
    pub should_stop: &'a mut dyn FnMut(usize) -> bool,
    /// Unit noise shaped like the picture; never called by a sampler that adds none.
    pub noise: &'a mut dyn FnMut(&Tensor) -> Result<Tensor>,
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
            let output = (self.network)(&x, schedule.timesteps[i])?;
            x = step(self, i, &x, &output)?.sample;
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    fn process() -> Result<Schedule> {
        Schedule::new(betas::linear(1000))?.respaced(Respacing::Stride(25))
    }

    fn noise(seed: u32, channels: usize) -> Result<Tensor> {
        noise::Noise::new(seed).draw(&[1, channels, 4, 4], &Device::Cpu)
    }

    fn distance(a: &Tensor, b: &Tensor) -> Result<f32> {
        Ok((a - b)?.abs()?.max_all()?.to_scalar()?)
    }

    #[test]
    fn cancelling_stops_between_steps() -> Result<()> {
        let mut calls = 0;
        let hooks = Hooks {
            network: &mut |x, _| {
                calls += 1;
                Ok(x.clone())
            },
            should_stop: &mut |done| done == 2,
            noise: &mut |_| unreachable!("eta is 0"),
        };
        let result = ddim::sample(&process()?, &noise(1, 3)?, 0.0, hooks);
        assert!(matches!(result, Err(NetsError::Cancelled)));
        assert_eq!(calls, 2);
        Ok(())
    }

    /// Song et al. 2021 §4.1: with eta 1, DDIM is DDPM with the smaller of its two variances, which a network
    /// asks for by -1.
    #[test]
    fn ddim_with_eta_1_is_ddpm() -> Result<()> {
        let schedule = process()?;
        let (x, eps, unit) = (noise(2, 3)?, noise(3, 3)?, noise(4, 3)?);
        let output = Tensor::cat(&[&eps, &eps.affine(0.0, -1.0)?], 1)?;
        for i in 1..schedule.len() {
            let ddim = ddim::step(&schedule, i, &x, &eps, 1.0, Some(&unit))?;
            let ddpm = ddpm::step(&schedule, i, &x, &output, Some(&unit))?;
            assert!(distance(&ddim.sample, &ddpm.sample)? < 1e-5, "step {i}");
        }
        Ok(())
    }

    /// A network that sees the noise exactly leads back to the clean picture.
    #[test]
    fn seeing_the_noise_is_seeing_the_picture() -> Result<()> {
        let schedule = process()?;
        let (clean, eps) = (noise(5, 3)?.tanh()?, noise(6, 3)?);
        let last = schedule.len() - 1;
        let start = schedule.add_noise(last, &clean, &eps)?;
        let hooks = Hooks {
            network: &mut |_, _| Ok(eps.clone()),
            should_stop: &mut |_| false,
            noise: &mut |_| unreachable!("eta is 0"),
        };
        let found = ddim::sample(&schedule, &start, 0.0, hooks)?;
        assert!(distance(&found, &clean)? < 1e-3);
        Ok(())
    }

    #[test]
    fn impossible_processes_are_refused() -> Result<()> {
        assert!(Schedule::new(vec![]).is_err());
        assert!(Schedule::new(vec![0.1, f64::NAN]).is_err());
        let full = Schedule::new(betas::cosine(10))?;
        for text in ["0", "11", "ddim7", "ddim0", "many", "ddim"] {
            assert!(text.parse().and_then(|respacing| full.respaced(respacing)).is_err(), "{text}");
        }
        let error = full.respaced(Respacing::Stride(7)).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("5 and 10"), "{error}");
        Ok(())
    }
}
