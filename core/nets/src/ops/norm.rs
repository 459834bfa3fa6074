//! Group normalisation with the activation that follows it, in one sweep over the samples.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::lanes;
use super::{native, samples, with_samples};
use lipsmith_base::vectorised;

/// What follows a normalisation at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Silu,
}

/// Group normalisation of `[n, c, …]` (Wu & He 2018): every group of c/`groups` channels of a sample gets mean
/// 0 and variance 1, then channel i is scaled by `weight[i]`, shifted by `bias[i]` and activated.
pub fn group_norm(
    x: &Tensor,
    groups: usize,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let channels = x.dim(1)?;
    if groups == 0 || channels % groups != 0 || weight.dims() != [channels] || bias.dims() != [channels] {
        bail!("{channels} channels in {groups} groups, weight {:?}, bias {:?}", weight.shape(), bias.shape())
    }
    let op = GroupNorm { groups, eps, activation };
    if native([x, weight, bias]) {
        x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)
    } else {
        op.by_candle(x, weight, bias)
    }
}

struct GroupNorm {
    groups: usize,
    eps: f64,
    activation: Activation,
}

/// What turns a group's samples into unit ones: (x − mean)·scale.
struct Moments {
    mean: f32,
    scale: f32,
}

impl Moments {
    #[inline(always)]
    fn of(samples: &[f32], eps: f64) -> Self {
        let mean = lanes::sum(samples, |x| x) / samples.len() as f64;
        let centre = mean as f32;
        let variance = lanes::sum(samples, |x| (x - centre) * (x - centre)) / samples.len() as f64;
        Self { mean: centre, scale: (1.0 / (variance + eps).sqrt()) as f32 }
    }
}

impl GroupNorm {
    /// Channels a group, samples a channel. `dims` are x's.
    fn sizes(&self, dims: &[usize]) -> (usize, usize) {
        (dims[1] / self.groups, dims[2..].iter().product())
    }

    fn run(&self, x: &[f32], weight: &[f32], bias: &[f32], dims: &[usize]) -> Vec<f32> {
        let (channels, area) = self.sizes(dims);
        if x.is_empty() {
            return Vec::new();
        }
        let mut y: Vec<f32> = Vec::with_capacity(x.len());
        let group = channels * area;
        let targets = y.spare_capacity_mut()[..x.len()].par_chunks_mut(group);
        targets.zip(x.par_chunks(group)).enumerate().for_each(|(i, (y, x))| {
            let own = i % self.groups * channels..(i % self.groups + 1) * channels;
            normalise(x, &weight[own.clone()], &bias[own], self.eps, self.activation, y);
        });
        // SAFETY: the groups cover `y` and every sample of each has been written.
        unsafe { y.set_len(x.len()) };
        y
    }

    /// Gradients of x, weight and bias.
    fn gradients(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        grad: &[f32],
        dims: &[usize],
    ) -> [Vec<f32>; 3] {
        let (channels, area) = self.sizes(dims);
        let all_channels = dims[1];
        let (mut dx, mut dw, mut db) = (grad.to_vec(), vec![0f32; all_channels], vec![0f32; all_channels]);
        if x.is_empty() {
            return [dx, dw, db];
        }
        let group = channels * area;
        // [n · groups][channels of the group][Σ g·u, Σ g]
        let mut sums = vec![[0f64; 2]; dims[0] * all_channels];
        let work = dx.par_chunks_mut(group).zip(x.par_chunks(group)).zip(sums.par_chunks_mut(channels));
        work.enumerate().for_each(|(i, ((g, x), sums))| {
            let own = i % self.groups * channels..(i % self.groups + 1) * channels;
            gradient(x, &weight[own.clone()], &bias[own], self.eps, self.activation, g, sums);
        });
        for (i, [gu, g]) in sums.into_iter().enumerate() {
            dw[i % all_channels] += gu as f32;
            db[i % all_channels] += g as f32;
        }
        [dx, dw, db]
    }

    /// Candle's own operations, for other devices and dtypes; in f32 in between, which half precision needs.
    fn by_candle(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let inner = if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let grouped = x.to_dtype(inner)?.reshape((x.dim(0)?, self.groups, ()))?;
        let centred = grouped.broadcast_sub(&grouped.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let unit = centred.broadcast_div(&(variance + self.eps)?.sqrt()?)?.reshape(x.shape())?;
        let mut per_channel = vec![1; x.rank()];
        per_channel[1] = x.dim(1)?;
        let y = unit
            .broadcast_mul(&weight.to_dtype(inner)?.reshape(per_channel.as_slice())?)?
            .broadcast_add(&bias.to_dtype(inner)?.reshape(per_channel.as_slice())?)?;
        match self.activation {
            Activation::None => y.to_dtype(x.dtype()),
            Activation::Silu => y.silu()?.to_dtype(x.dtype()),
        }
    }
}

vectorised! {
    /// One group, a channel per weight.
    fn normalise(
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        eps: f64,
        activation: Activation,
        y: &mut [MaybeUninit<f32>],
    ) {
        let moments = Moments::of(x, eps);
        let area = x.len() / weight.len();
        let channels = y.chunks_exact_mut(area).zip(x.chunks_exact(area));
        for ((y, x), (weight, bias)) in channels.zip(weight.iter().zip(bias)) {
            let scale = weight * moments.scale;
            let shift = bias - moments.mean * scale;
            let pairs = y.iter_mut().zip(x);
            match activation {
                Activation::None => pairs.for_each(|(y, x)| _ = y.write(x * scale + shift)),
                Activation::Silu => pairs.for_each(|(y, x)| _ = y.write(lanes::silu(x * scale + shift))),
            }
        }
    }

    /// Turns one group's gradient `g` into that of x, and writes each channel's [Σ g·u, Σ g].
    ///
    /// With u the unit samples, w the weights and g the gradient before scale and shift,
    /// dx = scale·(w·g − mean(w·g) − u·mean(w·g·u)), dw = Σ g·u, db = Σ g.
    fn gradient(
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        eps: f64,
        activation: Activation,
        g: &mut [f32],
        sums: &mut [[f64; 2]],
    ) {
        let Moments { mean, scale } = Moments::of(x, eps);
        let size = x.len() as f64;
        let area = x.len() / weight.len();
        let (mut mean_g, mut mean_gu) = (0f64, 0f64);
        for (c, (g, x)) in g.chunks_exact_mut(area).zip(x.chunks_exact(area)).enumerate() {
            if activation == Activation::Silu {
                for (g, x) in g.iter_mut().zip(x) {
                    *g *= lanes::silu_slope((x - mean) * scale * weight[c] + bias[c]);
                }
            }
            sums[c] = products(g, x, mean, scale);
            mean_gu += sums[c][0] * f64::from(weight[c]) / size;
            mean_g += sums[c][1] * f64::from(weight[c]) / size;
        }
        let (mean_g, mean_gu) = (mean_g as f32, mean_gu as f32);
        for (c, (g, x)) in g.chunks_exact_mut(area).zip(x.chunks_exact(area)).enumerate() {
            for (g, x) in g.iter_mut().zip(x) {
                *g = scale * (weight[c] * *g - mean_g - (x - mean) * scale * mean_gu);
            }
        }
    }
}

/// [Σ g·u, Σ g] of one channel, u = (x − mean)·scale.
#[inline(always)]
fn products(g: &[f32], x: &[f32], mean: f32, scale: f32) -> [f64; 2] {
    const LANES: usize = 16;
    let mut total = [0f64; 2];
    for (g, x) in g.chunks(64 * LANES).zip(x.chunks(64 * LANES)) {
        let mut lanes = [[0f32; LANES]; 2];
        for (g, x) in g.chunks(LANES).zip(x.chunks(LANES)) {
            for (i, (g, x)) in g.iter().zip(x).enumerate() {
                lanes[0][i] += g * ((x - mean) * scale);
                lanes[1][i] += g;
            }
        }
        for (total, lanes) in total.iter_mut().zip(lanes) {
            *total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        }
    }
    total
}

impl CustomOp3 for GroupNorm {
    fn name(&self) -> &'static str {
        "group norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        weight: &CpuStorage,
        wl: &Layout,
        bias: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.run(samples(x, xl)?, samples(weight, wl)?, samples(bias, bl)?, xl.dims());
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, dw, db] = with_samples(x, |xs| {
            with_samples(weight, |ws| {
                with_samples(bias, |bs| with_samples(grad, |gs| Ok(self.gradients(xs, ws, bs, gs, x.dims()))))
            })
        })?;
        let tensor = |samples, like: &Tensor| Tensor::from_vec(samples, like.shape(), like.device());
        Ok((Some(tensor(dx, x)?), Some(tensor(dw, weight)?), Some(tensor(db, bias)?)))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Result, Tensor};

    use super::{Activation, group_norm};
    use crate::ops::testing::{check_gradients, distance, noise};

    #[test]
    fn equals_the_same_in_f64() -> Result<()> {
        for (shape, groups) in [(vec![2, 64, 9, 7], 32), (vec![1, 6, 40, 40], 2), (vec![3, 32, 16], 32)] {
            let x = ((noise(1, &shape) * 3.0)? + 5.0)?;
            let (w, b) = (noise(2, &[shape[1]]), noise(3, &[shape[1]]));
            let wide = |t: &Tensor| t.to_dtype(DType::F64);
            for activation in [Activation::None, Activation::Silu] {
                let ours = group_norm(&x, groups, &w, &b, 1e-5, activation)?;
                let exact = group_norm(&wide(&x)?, groups, &wide(&w)?, &wide(&b)?, 1e-5, activation)?;
                let d = distance(&ours, &exact.to_dtype(DType::F32)?);
                assert!(d < 2e-6, "{shape:?}: {d}");
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_equal_finite_differences() -> Result<()> {
        for activation in [Activation::None, Activation::Silu] {
            let inputs = [noise(1, &[2, 12, 5, 7]), noise(2, &[12]), noise(3, &[12])];
            check_gradients(&inputs, |t| group_norm(&t[0], 4, &t[1], &t[2], 1e-5, activation))?;
        }
        Ok(())
    }

    #[test]
    fn channels_must_divide_into_the_groups() {
        let per_channel = noise(1, &[10]);
        assert!(
            group_norm(&noise(2, &[1, 10, 4]), 4, &per_channel, &per_channel, 1e-5, Activation::None)
                .is_err()
        );
    }
}
