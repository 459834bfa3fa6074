//! The samplers by name: what a person can choose between.

use candle_core::Tensor;

use super::{Hooks, Respacing, Schedule, ddim, ddpm, dpm_solver, unipc};
use crate::error::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// First order, deterministic unless eta is over 0.
    Ddim,
    /// Ancestral: fresh noise in every step.
    Ddpm,
    /// Second order, deterministic: DDIM's picture in about half the steps.
    DpmSolver,
    /// Third order, deterministic: the quickest.
    UniPc,
}

impl Sampler {
    pub const ALL: [Self; 4] = [Self::Ddim, Self::Ddpm, Self::DpmSolver, Self::UniPc];
    pub const NAMES: [&str; 4] = ["ddim", "ddpm", "dpm++", "unipc"];

    pub fn by_name(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self::ALL[index])
    }

    /// `process` in `steps` steps: for DDIM every k-th where a whole k gives exactly so many, as the published
    /// scripts have it; else, and for all others, from the first step to the last.
    ///
    /// # Errors
    /// When there are not that many steps, or none are asked for.
    pub fn schedule(self, process: &Schedule, steps: usize) -> Result<Schedule> {
        match self {
            Self::Ddim => process
                .respaced(Respacing::Stride(steps))
                .or_else(|_| process.respaced(Respacing::Spread(steps))),
            _ => process.respaced(Respacing::Spread(steps)),
        }
    }

    /// From noise to a picture. `eta`: see [`ddim::sample`]; the others have none.
    pub fn sample(self, schedule: &Schedule, start: &Tensor, eta: f64, hooks: Hooks) -> Result<Tensor> {
        match self {
            Self::Ddim => ddim::sample(schedule, start, eta, hooks),
            Self::Ddpm => ddpm::sample(schedule, start, hooks),
            Self::DpmSolver => dpm_solver::sample(schedule, start, hooks),
            Self::UniPc => unipc::sample(schedule, start, hooks),
        }
    }
}
