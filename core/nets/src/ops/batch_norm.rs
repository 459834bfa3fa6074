//! Batch normalisation by the batch's own statistics, the shortcut and ReLU, as training needs them: three
//! sweeps over the samples (moments, result; gradient sums, gradients) where composed operations make a dozen.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp2, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::lanes;
use super::{native, samples, with_samples};
use lipsmith_base::vectorised;

/// A batch's mean and (biased) variance of each channel, `[c]` each, without a gradient of their own.
pub struct Moments {
    pub mean: Tensor,
    pub variance: Tensor,
}

/// ReLU(BN(x) + shortcut) of `[n, c, …]` (Ioffe & Szegedy 2015): every channel gets mean 0 and variance 1 over
/// the batch, is scaled by `weight[c]` and shifted by `bias[c]`.
///
/// The answer holds what the running averages are made of.
pub fn batch_norm_relu(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    shortcut: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Moments)> {
    let channels = x.dim(1)?;
    if weight.dims() != [channels] || bias.dims() != [channels] {
        bail!("{channels} channels, weight {:?}, bias {:?}", weight.shape(), bias.shape())
    }
    if let Some(shortcut) = shortcut.filter(|shortcut| shortcut.dims() != x.dims()) {
        bail!("a shortcut of {:?} beside {:?}", shortcut.shape(), x.shape())
    }
    if !native([x, weight, bias]) {
        return by_candle(x, weight, bias, shortcut, eps);
    }
    let x = x.contiguous()?;
    let area = x.dims()[2..].iter().product();
    let of_channels = with_samples(&x, |x| Ok(moments(x, channels, area)))?;
    let column = |f: fn(&[f64; 2]) -> f64| {
        let values: Vec<f32> = of_channels.iter().map(|moments| f(moments) as f32).collect();
        Tensor::from_vec(values, channels, x.device())
    };
    let found = Moments { mean: column(|m| m[0])?, variance: column(|m| m[1])? };
    let units = of_channels.iter().map(|m| Unit::of(m, eps)).collect();
    let op = BatchNorm { units, area };
    let affine = Tensor::stack(&[weight, bias], 0)?;
    let y = match shortcut {
        Some(shortcut) => x.apply_op3(&affine, &shortcut.contiguous()?, op)?,
        None => x.apply_op2(&affine, op)?,
    };
    Ok((y, found))
}

/// The same for other devices and dtypes.
fn by_candle(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    shortcut: Option<&Tensor>,
    eps: f64,
) -> Result<(Tensor, Moments)> {
    let inner = if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let channels = x.dim(1)?;
    let mut per_channel = vec![1; x.rank()];
    per_channel[1] = channels;
    let others: Vec<usize> = (0..x.rank()).filter(|&dim| dim != 1).collect();
    let wide = x.to_dtype(inner)?;
    let mean = wide.mean_keepdim(others.as_slice())?;
    let centred = wide.broadcast_sub(&mean)?;
    let variance = centred.sqr()?.mean_keepdim(others.as_slice())?;
    let unit = centred.broadcast_div(&(&variance + eps)?.sqrt()?)?;
    let y = unit
        .broadcast_mul(&weight.to_dtype(inner)?.reshape(per_channel.as_slice())?)?
        .broadcast_add(&bias.to_dtype(inner)?.reshape(per_channel.as_slice())?)?;
    let y = match shortcut {
        Some(shortcut) => (y + shortcut.to_dtype(inner)?)?,
        None => y,
    };
    let flat = |t: &Tensor| t.detach().reshape(channels)?.to_dtype(DType::F32);
    Ok((y.relu()?.to_dtype(x.dtype())?, Moments { mean: flat(&mean)?, variance: flat(&variance)? }))
}

/// What turns a channel's samples into unit ones: u = (x − mean)·scale.
#[derive(Clone, Copy)]
struct Unit {
    mean: f32,
    scale: f32,
}

impl Unit {
    fn of([mean, variance]: &[f64; 2], eps: f64) -> Self {
        Self { mean: *mean as f32, scale: (1.0 / (variance + eps).sqrt()) as f32 }
    }
}

/// So many samples at least go to a thread at a time.
const PIECE: usize = 1 << 14;

/// [mean, variance] of each channel of `[n, channels, area]`.
fn moments(x: &[f32], channels: usize, area: usize) -> Vec<[f64; 2]> {
    let count = (x.len() / channels.max(1)).max(1) as f64;
    let planes = |channel: usize| x.chunks_exact(area.max(1)).skip(channel).step_by(channels);
    (0..channels)
        .into_par_iter()
        .with_min_len(PIECE.div_ceil(x.len() / channels.max(1) + 1))
        .map(|channel| {
            let mean = planes(channel).map(sum).sum::<f64>() / count;
            let centre = mean as f32;
            // About the rounded mean; what the rounding leaves is taken off again.
            let spread = planes(channel).map(|plane| sum_of_squares(plane, centre)).sum::<f64>() / count;
            [mean, (spread - (mean - f64::from(centre)).powi(2)).max(0.0)]
        })
        .collect()
}

struct BatchNorm {
    /// One a channel.
    units: Vec<Unit>,
    /// Samples of one channel of one picture.
    area: usize,
}

impl BatchNorm {
    /// `affine`: all weights, then all biases.
    fn run(&self, x: &[f32], affine: &[f32], shortcut: Option<&[f32]>) -> Vec<f32> {
        let channels = self.units.len();
        let mut y: Vec<f32> = Vec::with_capacity(x.len());
        let area = self.area.max(1);
        let planes = y.spare_capacity_mut()[..x.len()].par_chunks_mut(area);
        planes.with_min_len(PIECE.div_ceil(area)).enumerate().for_each(|(plane, y)| {
            let channel = plane % channels;
            let Unit { mean, scale } = self.units[channel];
            let scale = affine[channel] * scale;
            let shift = affine[channels + channel] - mean * scale;
            let at = plane * area..(plane + 1) * area;
            match shortcut {
                Some(shortcut) => normalise_beside(&x[at.clone()], &shortcut[at], scale, shift, y),
                None => normalise(&x[at], scale, shift, y),
            }
        });
        // SAFETY: the planes cover `y` and every sample of each has been written.
        unsafe { y.set_len(x.len()) };
        y
    }

    /// Gradients of x and the affine pair, and of the shortcut if `beside`.
    fn gradients(
        &self,
        x: &[f32],
        affine: &[f32],
        y: &[f32],
        grad: &[f32],
        beside: bool,
    ) -> (Vec<f32>, Vec<f32>, Option<Vec<f32>>) {
        let channels = self.units.len();
        let area = self.area.max(1);
        let count = (x.len() / channels.max(1)).max(1) as f64;
        // [Σ g·u, Σ g] with g the gradient where ReLU let pass.
        let sums: Vec<[f64; 2]> = (0..channels)
            .into_par_iter()
            .with_min_len(PIECE.div_ceil(x.len() / channels.max(1) + 1))
            .map(|channel| {
                let Unit { mean, scale } = self.units[channel];
                let mut total = [0f64; 2];
                for plane in (channel..x.len() / area).step_by(channels) {
                    let at = plane * area..(plane + 1) * area;
                    let [gu, g] = products(&grad[at.clone()], &y[at.clone()], &x[at], mean, scale);
                    total = [total[0] + gu, total[1] + g];
                }
                total
            })
            .collect();
        let mut dx: Vec<f32> = Vec::with_capacity(x.len());
        let mut passed: Vec<f32> = Vec::with_capacity(if beside { x.len() } else { 0 });
        let one = |plane: usize, dx: &mut [MaybeUninit<f32>], passed: Option<&mut [MaybeUninit<f32>]>| {
            let channel = plane % channels;
            let Unit { mean, scale } = self.units[channel];
            let [gu, g] = sums[channel].map(|sum| (sum / count) as f32);
            let at = plane * area..(plane + 1) * area;
            // dx = w·scale·(g − mean g − u·mean gu), as a·g + b·x + c.
            let a = affine[channel] * scale;
            let b = -a * gu * scale;
            let c = -a * g - b * mean;
            let (grad, y, x) = (&grad[at.clone()], &y[at.clone()], &x[at]);
            match passed {
                Some(passed) => gradient_beside(grad, y, x, [a, b, c], dx, passed),
                None => gradient(grad, y, x, [a, b, c], dx),
            }
        };
        let planes = dx.spare_capacity_mut()[..x.len()].par_chunks_mut(area);
        let planes = planes.with_min_len(PIECE.div_ceil(area));
        if beside {
            let others = passed.spare_capacity_mut()[..x.len()].par_chunks_mut(area);
            planes.zip(others).enumerate().for_each(|(plane, (dx, passed))| one(plane, dx, Some(passed)));
            // SAFETY: as below.
            unsafe { passed.set_len(x.len()) };
        } else {
            planes.enumerate().for_each(|(plane, dx)| one(plane, dx, None));
        }
        // SAFETY: the planes cover it and every sample of each has been written.
        unsafe { dx.set_len(x.len()) };
        let of_affine = (sums.iter().map(|s| s[0] as f32)).chain(sums.iter().map(|s| s[1] as f32)).collect();
        (dx, of_affine, beside.then_some(passed))
    }

    fn backward(
        &self,
        x: &Tensor,
        affine: &Tensor,
        y: &Tensor,
        grad: &Tensor,
        beside: bool,
    ) -> Result<[Option<Tensor>; 3]> {
        let (dx, da, ds) = with_samples(x, |x| {
            with_samples(affine, |affine| {
                with_samples(y, |y| with_samples(grad, |grad| Ok(self.gradients(x, affine, y, grad, beside))))
            })
        })?;
        let tensor = |samples, like: &Tensor| Tensor::from_vec(samples, like.shape(), like.device());
        Ok([Some(tensor(dx, x)?), Some(tensor(da, affine)?), ds.map(|ds| tensor(ds, x)).transpose()?])
    }
}

vectorised! {
    fn sum(x: &[f32]) -> f64 {
        lanes::sum(x, |x| x)
    }

    fn sum_of_squares(x: &[f32], centre: f32) -> f64 {
        lanes::sum(x, |x| (x - centre) * (x - centre))
    }

    fn normalise(x: &[f32], scale: f32, shift: f32, y: &mut [MaybeUninit<f32>]) {
        y.iter_mut().zip(x).for_each(|(y, x)| _ = y.write((x * scale + shift).max(0.0)));
    }

    fn normalise_beside(x: &[f32], shortcut: &[f32], scale: f32, shift: f32, y: &mut [MaybeUninit<f32>]) {
        let inputs = x.iter().zip(shortcut);
        y.iter_mut().zip(inputs).for_each(|(y, (x, s))| _ = y.write((x * scale + shift + s).max(0.0)));
    }

    /// [Σ g·u, Σ g] of a plane, where ReLU let pass.
    fn products(grad: &[f32], y: &[f32], x: &[f32], mean: f32, scale: f32) -> [f64; 2] {
        const LANES: usize = 16;
        let mut total = [0f64; 2];
        let blocks = grad.chunks(64 * LANES).zip(y.chunks(64 * LANES)).zip(x.chunks(64 * LANES));
        for ((grad, y), x) in blocks {
            let (mut of_gu, mut of_g) = ([0f32; LANES], [0f32; LANES]);
            let ((grad, grads), (y, ys), (x, xs)) =
                (grad.as_chunks::<LANES>(), y.as_chunks::<LANES>(), x.as_chunks::<LANES>());
            for ((grad, y), x) in grad.iter().zip(y).zip(x) {
                for i in 0..LANES {
                    let g = if y[i] > 0.0 { grad[i] } else { 0.0 };
                    of_gu[i] += g * ((x[i] - mean) * scale);
                    of_g[i] += g;
                }
            }
            for (i, ((g, y), x)) in grads.iter().zip(ys).zip(xs).enumerate() {
                let g = if *y > 0.0 { *g } else { 0.0 };
                of_gu[i] += g * ((x - mean) * scale);
                of_g[i] += g;
            }
            total[0] += of_gu.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            total[1] += of_g.iter().map(|&lane| f64::from(lane)).sum::<f64>();
        }
        total
    }

    fn gradient(grad: &[f32], y: &[f32], x: &[f32], abc: [f32; 3], dx: &mut [MaybeUninit<f32>]) {
        let [a, b, c] = abc;
        for (dx, ((g, y), x)) in dx.iter_mut().zip(grad.iter().zip(y).zip(x)) {
            let g = if *y > 0.0 { *g } else { 0.0 };
            dx.write(a * g + b * x + c);
        }
    }

    fn gradient_beside(
        grad: &[f32],
        y: &[f32],
        x: &[f32],
        abc: [f32; 3],
        dx: &mut [MaybeUninit<f32>],
        passed: &mut [MaybeUninit<f32>],
    ) {
        let [a, b, c] = abc;
        let targets = dx.iter_mut().zip(passed);
        for ((dx, passed), ((g, y), x)) in targets.zip(grad.iter().zip(y).zip(x)) {
            let g = if *y > 0.0 { *g } else { 0.0 };
            dx.write(a * g + b * x + c);
            passed.write(g);
        }
    }
}

impl CustomOp2 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch norm, ReLU"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        affine: &CpuStorage,
        al: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.run(samples(x, xl)?, samples(affine, al)?, None);
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        affine: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [dx, da, _] = self.backward(x, affine, y, grad, false)?;
        Ok((dx, da))
    }
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch norm, shortcut, ReLU"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        affine: &CpuStorage,
        al: &Layout,
        shortcut: &CpuStorage,
        sl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = self.run(samples(x, xl)?, samples(affine, al)?, Some(samples(shortcut, sl)?));
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        affine: &Tensor,
        _: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, da, ds] = self.backward(x, affine, y, grad, true)?;
        Ok((dx, da, ds))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Result, Tensor};

    use super::batch_norm_relu;
    use crate::ops::testing::{check_gradients, distance, noise};

    #[test]
    fn equals_the_same_in_f64() -> Result<()> {
        for shape in [[2, 5, 9, 7], [3, 1, 40, 40], [16, 33, 1, 1]] {
            let x = ((noise(1, &shape) * 3.0)? + 5.0)?;
            let (w, b, s) = (noise(2, &shape[1..2]), noise(3, &shape[1..2]), noise(4, &shape));
            let wide = |t: &Tensor| t.to_dtype(DType::F64);
            for shortcut in [None, Some(&s)] {
                let (ours, moments) = batch_norm_relu(&x, &w, &b, shortcut, 1e-5)?;
                let wide_shortcut = shortcut.map(wide).transpose()?;
                let (exact, wanted) =
                    batch_norm_relu(&wide(&x)?, &wide(&w)?, &wide(&b)?, wide_shortcut.as_ref(), 1e-5)?;
                assert!(distance(&ours, &exact.to_dtype(DType::F32)?) < 3e-6, "{shape:?}");
                assert!(distance(&moments.mean, &wanted.mean) < 1e-6);
                assert!(distance(&moments.variance, &wanted.variance) < 1e-5);
            }
        }
        Ok(())
    }

    #[test]
    fn gradients_equal_finite_differences() -> Result<()> {
        // Biases far from zero: near it ReLU's kink would spoil the differences.
        let bias = Tensor::new(&[9f32, -9., 8., 9.], &candle_core::Device::Cpu)?;
        let inputs = [noise(1, &[3, 4, 5, 7]), noise(2, &[4]), bias, noise(3, &[3, 4, 5, 7])];
        check_gradients(&inputs, |t| Ok(batch_norm_relu(&t[0], &t[1], &t[2], Some(&t[3]), 1e-5)?.0))?;
        check_gradients(&inputs[..3], |t| Ok(batch_norm_relu(&t[0], &t[1], &t[2], None, 1e-5)?.0))
    }
}
