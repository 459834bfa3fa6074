//! "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models" (Zhao et al. 2023), of
//! order 2 with B(h) = e^h − 1, predicting the clean picture. Each step is taken a second time, better, when the
//! network has looked at where it led; the network is asked no more often for it.

use candle_core::Tensor;

use super::{Hooks, Level, Schedule, Step};
use crate::error::Result;

/// From noise to a picture; no noise is added, so that the picture depends on `start` alone. Channels of the
/// network's output after the noise (a learned variance) are not used.
pub fn sample(schedule: &Schedule, start: &Tensor, mut hooks: Hooks) -> Result<Tensor> {
    // The step that led here, and before it what the network saw one step earlier.
    let mut last: Option<Seen> = None;
    let mut before: Option<Seen> = None;
    hooks.walk(schedule, start, |_, i, predicted, output| {
        let here = schedule.level(i);
        let clean = schedule.clean(i, predicted, &output.narrow(1, 0, predicted.dim(1)?)?)?;
        let x = match &last {
            Some(last) => last.correct(here, before.as_ref(), &clean)?,
            None => predicted.clone(),
        };
        before = last.take();
        let now = Seen { x, level: here, clean: clean.clone() };
        let sample = now.predict(schedule.level_after(i), before.as_ref())?;
        last = Some(now);
        Ok(Step { sample, clean })
    })
}

/// A point of the way: the noisy picture, how noisy, and the clean picture seen in it.
struct Seen {
    x: Tensor,
    level: Level,
    clean: Tensor,
}

impl Seen {
    /// UniP: from here to the noise of `next`.
    fn predict(&self, next: Level, before: Option<&Seen>) -> Result<Tensor> {
        let h = next.lambda - self.level.lambda;
        let first = self.first_order(next, h)?;
        // The last step ends without noise, infinitely far away: of first order.
        let Some(before) = before.filter(|_| h.is_finite()) else { return Ok(first) };
        let slope = (self.slope(before, h)? * 0.5)?;
        Ok((first - (slope * (next.alpha * (-h).exp_m1()))?)?)
    }

    /// UniC: the same step to `next`, knowing the clean picture that was seen there.
    fn correct(&self, next: Level, before: Option<&Seen>, seen: &Tensor) -> Result<Tensor> {
        let h = next.lambda - self.level.lambda;
        let ahead = (seen - &self.clean)?;
        let bend = match before {
            None => (ahead * 0.5)?,
            Some(before) => {
                // ρ of equation 13 for two differences, at `r` < 0 and 1 in units of h.
                let r = (before.level.lambda - self.level.lambda) / h;
                let b = (-h).exp_m1();
                let phi_2 = b / -h - 1.0;
                let phi_3 = phi_2 / -h - 0.5;
                let (first, second) = (phi_2 / b, 2.0 * phi_3 / b);
                let rho_ahead = (second - r * first) / (1.0 - r);
                let rho_behind = first - rho_ahead;
                ((self.slope(before, h)? * rho_behind)? + (ahead * rho_ahead)?)?
            }
        };
        Ok((self.first_order(next, h)? - (bend * (next.alpha * (-h).exp_m1()))?)?)
    }

    /// DDIM's step.
    fn first_order(&self, next: Level, h: f64) -> Result<Tensor> {
        let kept = (&self.x * (next.sigma / self.level.sigma))?;
        Ok((kept - (&self.clean * (next.alpha * (-h).exp_m1()))?)?)
    }

    /// How the clean picture changed since `before`, for a step of `h`.
    fn slope(&self, before: &Seen, h: f64) -> Result<Tensor> {
        let r = (before.level.lambda - self.level.lambda) / h;
        Ok(((&before.clean - &self.clean)? / r)?)
    }
}
