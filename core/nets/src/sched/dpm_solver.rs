//! DPM-Solver++(2M): "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (Lu et al.
//! 2022, algorithm 2). DDIM's equation, solved to second order by what the step before found: as good in about
//! half the steps.

use candle_core::Tensor;

use super::{Hooks, Schedule, Step};
use crate::error::Result;

/// From noise to a picture; no noise is added, so that the picture depends on `start` alone. Channels of the
/// network's output after the noise (a learned variance) are not used.
pub fn sample(schedule: &Schedule, start: &Tensor, mut hooks: Hooks) -> Result<Tensor> {
    let mut before: Option<(f64, Tensor)> = None;
    hooks.walk(schedule, start, |_, i, x, output| {
        let (here, next) = (schedule.level(i), schedule.level_after(i));
        let clean = schedule.clean(i, x, &output.narrow(1, 0, x.dim(1)?)?)?;
        let h = next.lambda - here.lambda;
        // The last step ends without noise, infinitely far away: of first order, as everywhere.
        let towards = match &before {
            Some((lambda, last)) if h.is_finite() => {
                let half = h / (2.0 * (here.lambda - lambda));
                ((&clean * (1.0 + half))? - (last * half)?)?
            }
            _ => clean.clone(),
        };
        let sample = ((x * (next.sigma / here.sigma))? - (towards * (next.alpha * (-h).exp_m1()))?)?;
        before = Some((here.lambda, clean.clone()));
        Ok(Step { sample, clean })
    })
}
