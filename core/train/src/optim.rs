//! Adam (Kingma & Ba 2015) with decoupled weight decay (AdamW, Loshchilov & Hutter 2019), and the moving
//! average of the weights. On the CPU a step is one sweep over a weight and its moments.

use crate::TrainError;
use crate::weights::Weights;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, InplaceOp2, Layout, Tensor, Var};
use rayon::prelude::*;
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub rate: f64,
    pub betas: [f64; 2],
    /// Decoupled; 0 is plain Adam.
    pub decay: f64,
    /// Gradients longer than this, all of them together, are shortened to it.
    pub clip: Option<f64>,
    /// Not the weights themselves learn but corrections to them of this rank (LoRA, Hu et al. 2022): fewer numbers, that
    /// cannot lead far away from what the network knew.
    pub rank: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 1e-4, betas: [0.9, 0.999], decay: 0.0, clip: None, rank: None }
    }
}

const EPS: f64 = 1e-8;

/// The optimiser of one network's weights.
pub struct Adam {
    pub settings: Settings,
    /// Steps taken.
    steps: u64,
    /// `[2, …]`: first and second moment of each weight, in the order of [`Weights::vars`].
    moments: Vec<Tensor>,
}

impl Adam {
    pub fn new(weights: &Weights, settings: Settings) -> Result<Adam, TrainError> {
        let moments = weights.vars().iter().map(|(_, var)| {
            let dims: Vec<usize> = std::iter::once(2).chain(var.dims().iter().copied()).collect();
            Ok(Tensor::zeros(dims, candle_core::DType::F32, var.device())?)
        });
        Ok(Adam { settings, steps: 0, moments: moments.collect::<Result<_, TrainError>>()? })
    }

    /// Moves every weight that has a gradient. Answers the gradients' length before clipping; where that is not
    /// finite nothing is moved.
    pub fn step(&mut self, weights: &Weights, grads: &GradStore) -> Result<f64, TrainError> {
        let mut found: Vec<(&Var, &Tensor, Tensor)> = Vec::new();
        for ((_, var), moments) in weights.vars().iter().zip(&self.moments) {
            if let Some(grad) = grads.get(var) {
                found.push((var, moments, grad.contiguous()?));
            }
        }
        let squares = found
            .iter()
            .map(|(_, _, grad)| Ok(f64::from(grad.detach().sqr()?.sum_all()?.to_scalar::<f32>()?)));
        let length = squares.sum::<Result<f64, TrainError>>()?.sqrt();
        if !length.is_finite() {
            return Ok(length);
        }
        let clip = self.settings.clip.map_or(1.0, |clip| (clip / length.max(EPS)).min(1.0));
        self.steps += 1;
        let update = Update::new(&self.settings, self.steps, clip);
        for (var, moments, grad) in found {
            update.apply(var, moments, &grad.detach())?;
        }
        Ok(length)
    }

    /// The state as named tensors.
    pub fn state(&self, prefix: &str, weights: &Weights) -> Result<Vec<(String, Tensor)>, TrainError> {
        let named = weights.vars().iter().zip(&self.moments);
        let mut state: Vec<_> = named.map(|((name, _), m)| (format!("{prefix}{name}"), m.clone())).collect();
        let steps = Tensor::new(&[self.steps as i64], &candle_core::Device::Cpu)?;
        state.push((format!("{prefix}steps"), steps));
        Ok(state)
    }

    pub fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        from: &HashMap<String, Tensor>,
    ) -> Result<(), TrainError> {
        let get = |name: &str| {
            let key = format!("{prefix}{name}");
            from.get(&key).ok_or(TrainError::State { lack: key })
        };
        for ((name, var), moments) in weights.vars().iter().zip(&mut self.moments) {
            let saved = get(name)?.to_device(var.device())?;
            if saved.dims() != moments.dims() {
                return Err(TrainError::State { lack: format!("{prefix}{name} in its shape") });
            }
            *moments = saved;
        }
        self.steps = get("steps")?.to_vec1::<i64>()?.first().map_or(0, |&steps| steps as u64);
        Ok(())
    }
}

/// One step's numbers: w ← w·keep − pace·m / (√v·spread + ε).
struct Update {
    betas: [f32; 2],
    clip: f32,
    keep: f32,
    pace: f32,
    spread: f32,
}

impl Update {
    fn new(settings: &Settings, steps: u64, clip: f64) -> Update {
        let [b1, b2] = settings.betas;
        let correction = |beta: f64| 1.0 - beta.powf(steps as f64);
        Update {
            betas: settings.betas.map(|b| b as f32),
            clip: clip as f32,
            keep: (1.0 - settings.rate * settings.decay) as f32,
            pace: (settings.rate / correction(b1)) as f32,
            spread: (1.0 / correction(b2).sqrt()) as f32,
        }
    }

    fn apply(&self, var: &Var, moments: &Tensor, grad: &Tensor) -> Result<(), TrainError> {
        if var.device().is_cpu() {
            moments.inplace_op2(grad, &Remember(self))?;
            var.inplace_op2(moments, self)?;
            return Ok(());
        }
        let grad = (grad * f64::from(self.clip))?;
        let [b1, b2] = self.betas.map(f64::from);
        let first = ((moments.get(0)? * b1)? + (&grad * (1.0 - b1))?)?;
        let second = ((moments.get(1)? * b2)? + (grad.sqr()? * (1.0 - b2))?)?;
        let divisor = ((second.sqrt()? * f64::from(self.spread))? + EPS)?;
        let stride = (first.div(&divisor)? * f64::from(self.pace))?;
        var.set(&((var.as_detached_tensor() * f64::from(self.keep))? - stride)?)?;
        moments.slice_set(&Tensor::stack(&[first, second], 0)?, 0, 0)?;
        Ok(())
    }
}

/// Moments take in a gradient.
struct Remember<'a>(&'a Update);

const PIECE: usize = 1 << 14;

impl InplaceOp2 for Remember<'_> {
    fn name(&self) -> &'static str {
        "Adam's moments"
    }

    fn cpu_fwd(
        &self,
        moments: &mut CpuStorage,
        ml: &Layout,
        grad: &CpuStorage,
        gl: &Layout,
    ) -> candle_core::Result<()> {
        let Update { betas: [b1, b2], clip, .. } = *self.0;
        let grad = whole(grad.as_slice::<f32>()?, gl)?;
        let (first, second) = halves(moments, ml, grad.len())?;
        let pieces = first.par_chunks_mut(PIECE).zip(second.par_chunks_mut(PIECE));
        pieces.zip(grad.par_chunks(PIECE)).for_each(|((first, second), grad)| {
            for ((m, v), g) in first.iter_mut().zip(second).zip(grad) {
                let g = g * clip;
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * g * g;
            }
        });
        Ok(())
    }
}

impl InplaceOp2 for Update {
    fn name(&self) -> &'static str {
        "Adam's step"
    }

    fn cpu_fwd(
        &self,
        weight: &mut CpuStorage,
        wl: &Layout,
        moments: &CpuStorage,
        ml: &Layout,
    ) -> candle_core::Result<()> {
        let moments = whole(moments.as_slice::<f32>()?, ml)?;
        let weight = whole_mut(weight, wl)?;
        let (first, second) = moments.split_at(weight.len());
        let pieces = weight.par_chunks_mut(PIECE).zip(first.par_chunks(PIECE));
        pieces.zip(second.par_chunks(PIECE)).for_each(|((weight, first), second)| {
            for ((w, m), v) in weight.iter_mut().zip(first).zip(second) {
                *w = *w * self.keep - self.pace * m / (v.sqrt() * self.spread + EPS as f32);
            }
        });
        Ok(())
    }
}

/// Moving average of all tensors of a network, what is examined and shipped: it is smoother than any one step.
pub struct Average {
    values: Vec<Tensor>,
    decay: f64,
    steps: u64,
}

impl Average {
    pub fn new(weights: &Weights, decay: f64) -> Result<Average, TrainError> {
        let copy = |(_, var): &(String, Var)| Ok(var.as_detached_tensor().copy()?);
        Ok(Average {
            values: weights.vars().iter().map(copy).collect::<Result<_, TrainError>>()?,
            decay,
            steps: 0,
        })
    }

    /// Follows the weights; faster in the beginning, where they have far to go.
    pub fn follow(&mut self, weights: &Weights) -> Result<(), TrainError> {
        self.steps += 1;
        let steps = self.steps as f64;
        let decay = self.decay.min((1.0 + steps) / (10.0 + steps));
        for ((_, var), value) in weights.vars().iter().zip(&mut self.values) {
            if var.device().is_cpu() {
                value.inplace_op2(&var.as_detached_tensor(), &Follow(decay as f32))?;
            } else {
                *value = ((&*value * decay)? + (var.as_detached_tensor() * (1.0 - decay))?)?;
            }
        }
        Ok(())
    }

    /// The averaged tensors under the network's own names.
    pub fn named(&self, weights: &Weights) -> Vec<(String, Tensor)> {
        let names = weights.vars().iter().map(|(name, _)| name.clone());
        names.zip(self.values.iter().cloned()).collect()
    }

    pub fn state(&self, prefix: &str, weights: &Weights) -> Result<Vec<(String, Tensor)>, TrainError> {
        let named = self.named(weights).into_iter();
        let mut state: Vec<_> = named.map(|(name, value)| (format!("{prefix}{name}"), value)).collect();
        let steps = Tensor::new(&[self.steps as i64], &candle_core::Device::Cpu)?;
        state.push((format!("{prefix}steps"), steps));
        Ok(state)
    }

    pub fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        from: &HashMap<String, Tensor>,
    ) -> Result<(), TrainError> {
        let get = |name: &str| {
            let key = format!("{prefix}{name}");
            from.get(&key).ok_or(TrainError::State { lack: key })
        };
        for ((name, var), value) in weights.vars().iter().zip(&mut self.values) {
            *value = get(name)?.to_device(var.device())?;
        }
        self.steps = get("steps")?.to_vec1::<i64>()?.first().map_or(0, |&steps| steps as u64);
        Ok(())
    }
}

struct Follow(f32);

impl InplaceOp2 for Follow {
    fn name(&self) -> &'static str {
        "moving average"
    }

    fn cpu_fwd(
        &self,
        value: &mut CpuStorage,
        vl: &Layout,
        weight: &CpuStorage,
        wl: &Layout,
    ) -> candle_core::Result<()> {
        let weight = whole(weight.as_slice::<f32>()?, wl)?;
        let value = whole_mut(value, vl)?;
        value.par_chunks_mut(PIECE).zip(weight.par_chunks(PIECE)).for_each(|(value, weight)| {
            value.iter_mut().zip(weight).for_each(|(v, w)| *v += (1.0 - self.0) * (w - *v));
        });
        Ok(())
    }
}

fn whole<'a>(samples: &'a [f32], layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((begin, end)) => Ok(&samples[begin..end]),
        None => candle_core::bail!("an optimiser needs contiguous tensors"),
    }
}

fn whole_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> candle_core::Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(samples), Some((begin, end))) => Ok(&mut samples[begin..end]),
        _ => candle_core::bail!("an optimiser needs contiguous tensors of f32"),
    }
}

fn halves<'a>(
    storage: &'a mut CpuStorage,
    layout: &Layout,
    len: usize,
) -> candle_core::Result<(&'a mut [f32], &'a mut [f32])> {
    let both = whole_mut(storage, layout)?;
    if both.len() != 2 * len {
        candle_core::bail!("a gradient of {len} samples for moments of {}", both.len() / 2)
    }
    Ok(both.split_at_mut(len))
}
