//! Which steps of a long process a short one keeps.

use std::str::FromStr;

use crate::error::{NetsError, Result};

/// How `n` steps are spread over a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Respacing {
    /// Every k-th step from 0, for the smallest k that gives exactly `n` of them ("ddim25" in the
    /// reference; Song et al. 2021). Not every `n` has one.
    Stride(usize),
    /// As [`Self::Stride`], each step one later: latent diffusion's, which ends not without noise but with that of
    /// the process's first step. Only whole strides that fit have it.
    Latent(usize),
    /// From the first step to the last at equal, rounded distances ("25" in the reference).
    Spread(usize),
}

impl Respacing {
    pub fn timesteps(self, steps: usize) -> Result<Vec<usize>> {
        match self {
            Self::Stride(n) => (1..steps.max(2))
                .find(|&stride| steps.div_ceil(stride) == n)
                .map(|stride| (0..steps).step_by(stride).collect())
                .ok_or_else(|| {
                    NetsError::Invalid(format!(
                        "no whole stride takes exactly {n} of {steps} steps; {} do",
                        nearest_strides(n, steps)
                    ))
                }),
            Self::Latent(n) => {
                let steps = Self::Stride(n).timesteps(steps.saturating_sub(1))?;
                Ok(steps.into_iter().map(|step| step + 1).collect())
            }
            Self::Spread(n) if n == 0 || n > steps => {
                Err(NetsError::Invalid(format!("cannot spread {n} steps over {steps}: ask for 1 to {steps}")))
            }
            Self::Spread(n) => {
                let stride = if n == 1 { 1.0 } else { (steps - 1) as f64 / (n - 1) as f64 };
                // Accumulated, not multiplied: the reference's rounding is part of the result.
                let mut at = 0.0f64;
                let next = |_| {
                    let step = at.round_ties_even() as usize;
                    at += stride;
                    step
                };
                Ok((0..n).map(next).collect())
            }
        }
    }
}

/// The counts next to `n` that a whole stride can give.
fn nearest_strides(n: usize, steps: usize) -> String {
    let counts = || (1..steps).map(|stride| steps.div_ceil(stride));
    let (fewer, more) = (counts().filter(|&c| c < n).max(), counts().filter(|&c| c > n).min());
    let named: Vec<String> = fewer.into_iter().chain(more).map(|count| count.to_string()).collect();
    named.join(" and ")
}

impl FromStr for Respacing {
    type Err = NetsError;

    fn from_str(text: &str) -> Result<Self> {
        let (make, number): (fn(usize) -> Self, _) = match text.strip_prefix("ddim") {
            Some(number) => (Self::Stride, number),
            None => (Self::Spread, text),
        };
        number.parse().map(make).map_err(|_| {
            NetsError::Invalid(format!(
                "`{text}` is no respacing: write a number of steps, or ddim before it"
            ))
        })
    }
}
