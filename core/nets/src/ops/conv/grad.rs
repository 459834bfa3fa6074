//! Gradients of a convolution's weight and bias.

use candle_core::{Result, Tensor};
use gemm::Parallelism;
use rayon::prelude::*;

use super::geometry::{Conv2dSpec, Plan, Planes};
use super::tile_f32::planes;
use crate::ops::buffer::Buffer;
use crate::ops::lanes::{self, vectorised};
use crate::ops::with_samples;

/// Σ over images and positions p of `narrow[a, p] · wide[b, stride·p + dilation·k − padding]`, as
/// `[groups · a, b, k]` in the shape of `weight`.
///
/// `wide` is what the convolution strides over (its input, or the gradient of a transposed one's output),
/// `narrow` what it reaches. In planes every tap is a matrix product of the two, one of them shifted.
pub fn of_weight(wide: &Tensor, narrow: &Tensor, weight: &Tensor, spec: &Conv2dSpec) -> Result<Tensor> {
    let (n, wide_channels, h, w) = wide.dims4()?;
    let (_, narrow_channels, oh, ow) = narrow.dims4()?;
    let (_, _, kh, kw) = weight.dims4()?;
    let plan = Plan::forward([h, w], [oh, ow], [kh, kw], spec);
    let spread = Planes::spread([oh, ow], plan.planes.pitch);
    let wide = with_samples(wide, |samples| Ok(planes(&plan.planes, samples, 0)))?;
    let narrow = with_samples(narrow, |samples| Ok(planes(&spread, samples, 0)))?;

    let pass = &plan.passes[0];
    let positions = pass.positions(plan.planes.pitch);
    let groups = spec.groups;
    let (a, b, taps) = (narrow_channels / groups, wide_channels / groups, kh * kw);
    let mut gradient = vec![0f32; weight.elem_count()];
    let target = Shared(gradient.as_mut_ptr());
    (0..groups * taps).into_par_iter().for_each(|job| {
        let (group, tap) = (job / taps, &pass.taps[job % taps]);
        let target = &target;
        // Products go to a matrix of their own: the gradient's taps lie between its columns, where the product's
        // inner loop would write them one by one.
        let mut products = Buffer::dirty(a * b);
        let products = products.f32();
        for image in 0..n {
            let narrow_at = (image * narrow_channels + group * a) * spread.channel;
            let wide_at = (image * wide_channels + group * b) * plan.planes.channel + tap.offset;
            // SAFETY: `positions` from a tap's offset stay within a channel's planes; the spread rows are
            // `positions` long.
            unsafe {
                gemm::gemm(
                    a,
                    b,
                    positions,
                    products.as_mut_ptr(),
                    1,
                    b as isize,
                    image > 0,
                    narrow.as_ptr::<f32>().add(narrow_at),
                    1,
                    spread.channel as isize,
                    wide.as_ptr::<f32>().add(wide_at),
                    plan.planes.channel as isize,
                    1,
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
        }
        if n > 0 {
            for (i, product) in products.iter().enumerate() {
                // SAFETY: jobs write disjoint weights, `taps` apart.
                unsafe { target.0.add((group * a * b + i) * taps + tap.index).write(*product) };
            }
        }
    });
    Tensor::from_vec(gradient, weight.shape(), weight.device())
}

/// A gradient written by several jobs, each at its own tap.
struct Shared(*mut f32);
// SAFETY: see `of_weight`.
unsafe impl Sync for Shared {}

/// Sum over positions, and over images unless each has its own: `[n, c, h, w]` → the shape of `bias`.
pub fn of_bias(grad: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = grad.dims4()?;
    let mut sums = vec![0f64; bias.elem_count()];
    with_samples(grad, |samples| {
        let planes: Vec<f64> = (samples.par_chunks(h * w).with_min_len(8)).map(sum).collect();
        let channels = sums.len();
        planes.iter().enumerate().for_each(|(i, sum)| sums[i % channels] += sum);
        Ok(())
    })?;
    let sums: Vec<f32> = sums.into_iter().map(|sum| sum as f32).collect();
    Tensor::from_vec(sums, bias.shape(), bias.device())
}

vectorised! {
    fn sum(samples: &[f32]) -> f64 {
        lanes::sum(samples, |x| x)
    }
}
