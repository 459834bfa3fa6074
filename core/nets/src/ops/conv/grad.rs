//! Gradients of a convolution's weight and bias.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::amx;
use super::dots::{self, COLUMNS, Factors, ROWS, Stretch};
use super::geometry::{Conv2dSpec, Plan, Planes};
use super::grad_amx;
use super::tile_f32::planes;
use crate::ops::lanes;
use crate::ops::{Precision, with_samples};
use lipsmith_base::vectorised;

/// Σ over images and positions p of `narrow[a, p] · wide[b, stride·p + dilation·k − padding]`, as
/// `[groups · a, b, k]` in the shape of `weight`.
///
/// `wide` is what the convolution strides over (its input, or the gradient of a transposed one's output),
/// `narrow` what it reaches. In planes every tap is a matrix product of the two, one of them shifted, and read where
/// it lies.
pub fn of_weight(wide: &Tensor, narrow: &Tensor, weight: &Tensor, spec: &Conv2dSpec) -> Result<Tensor> {
    let (n, wide_channels, h, w) = wide.dims4()?;
    let (_, narrow_channels, oh, ow) = narrow.dims4()?;
    let (_, _, kh, kw) = weight.dims4()?;
    let plan = Plan::forward([h, w], [oh, ow], [kh, kw], spec);
    let spread = Planes::spread([oh, ow], plan.planes.pitch);
    let (groups, mut gradient) = (spec.groups, vec![0f32; weight.elem_count()]);
    let (a, b) = (narrow_channels / groups, wide_channels / groups);
    let pass = &plan.passes[0];
    let positions = pass.positions(plan.planes.pitch);
    // With fewer channels vectors are quicker: they multiply no zeros.
    let precision = Precision::chosen();
    let least = match precision {
        Precision::Full => 32,
        Precision::Half => 16,
    };
    if amx::available() && a.min(b) >= least {
        with_samples(wide, |wide_samples| {
            with_samples(narrow, |narrow_samples| {
                let factors = grad_amx::Factors {
                    images: n,
                    groups,
                    narrow: a,
                    wide: b,
                    narrow_samples,
                    wide_samples,
                    narrow_planes: &spread,
                    wide_planes: &plan.planes,
                    positions,
                    taps: &pass.taps,
                };
                factors.multiply(precision, &mut gradient);
                Ok(())
            })
        })?;
        return Tensor::from_vec(gradient, weight.shape(), weight.device());
    }
    let wide = with_samples(wide, |samples| Ok(planes(&plan.planes, samples, dots::SLACK)))?;
    let narrow = with_samples(narrow, |samples| Ok(planes(&spread, samples, dots::SLACK)))?;

    let taps = kh * kw;
    let runs = runs(n, positions, narrow_channels * spread.channel, wide_channels * plan.planes.channel);
    let target = Shared(gradient.as_mut_ptr());
    // Jobs: a few rows of a group, a range of (wide channel, tap) pairs.
    let pairs = b * taps;
    let ranges =
        (3 * rayon::current_num_threads()).div_ceil(a.div_ceil(ROWS) * groups).min(pairs.div_ceil(COLUMNS));
    let rows_of = a.div_ceil(ROWS);
    (0..groups * rows_of * ranges).into_par_iter().for_each(|job| {
        let (group, first, range) = (job / ranges / rows_of, job / ranges % rows_of * ROWS, job % ranges);
        let blocks = pairs.div_ceil(COLUMNS);
        let pairs_of =
            range * blocks / ranges * COLUMNS..((range + 1) * blocks / ranges * COLUMNS).min(pairs);
        let target = &target;
        let mut sums = vec![[0f32; ROWS]; pairs_of.len()];
        let row_offsets = std::array::from_fn(|i| (group * a + (first + i).min(a - 1)) * spread.channel);
        for stretches in &runs {
            for (sums, at) in sums.chunks_mut(COLUMNS).zip(pairs_of.clone().step_by(COLUMNS)) {
                let column_offsets = std::array::from_fn(|j| {
                    let pair = (at + j).min(pairs - 1);
                    (group * b + pair / taps) * plan.planes.channel + pass.taps[pair % taps].offset
                });
                let factors = Factors {
                    rows: (narrow.as_ptr(), row_offsets),
                    columns: (wide.as_ptr(), column_offsets),
                    stretches,
                };
                // SAFETY: `positions` from a tap's offset stay within a channel's planes, and the spread rows are
                // `positions` long; a last block reads into the next channel or the slack behind the last, where
                // the spread rows are zero.
                let found = unsafe { factors.sums() };
                for (j, sums) in sums.iter_mut().enumerate() {
                    sums.iter_mut().zip(found).for_each(|(sum, row)| *sum += row[j]);
                }
            }
        }
        for (pair, sums) in pairs_of.zip(&sums) {
            let index = pair / taps * taps + pass.taps[pair % taps].index;
            for (i, sum) in sums.iter().enumerate().take(a - first) {
                // SAFETY: jobs write disjoint (row, pair)s.
                unsafe { target.0.add((group * a + first + i) * pairs + index).write(*sum) };
            }
        }
    });
    Tensor::from_vec(gradient, weight.shape(), weight.device())
}

/// All positions of all images in runs of at most so many samples that what a job reads of them stays in a core's
/// cache while the taps go by.
fn runs(images: usize, positions: usize, narrow: usize, wide: usize) -> Vec<Vec<Stretch>> {
    const RUN: usize = 2048;
    let mut runs = vec![Vec::new()];
    let mut filled = 0;
    for image in 0..images {
        for begin in (0..positions).step_by(RUN) {
            let blocks = dots::blocks(RUN.min(positions - begin));
            if filled + blocks > dots::blocks(RUN) {
                runs.push(Vec::new());
                filled = 0;
            }
            filled += blocks;
            let stretch = Stretch { rows: image * narrow + begin, columns: image * wide + begin, blocks };
            if let Some(run) = runs.last_mut() {
                run.push(stretch);
            }
        }
    }
    runs
}

/// A gradient written by several jobs, each at its own rows and taps.
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
