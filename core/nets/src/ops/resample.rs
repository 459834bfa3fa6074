//! Twice the size, and half of it: each the other's gradient, up to a factor.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::{native, samples};
use lipsmith_base::vectorised;

/// Each pixel twice in both directions, `[n, c, h, w] → [n, c, 2h, 2w]`. Not Candle's own, whose gradient is
/// lost where its input also feeds something else.
pub fn upsample_nearest2x(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if native([x]) {
        return x.contiguous()?.apply_op1(Twice { gain: 1.0 });
    }
    let pixels = x.reshape((n, c, h, 1, w, 1))?;
    pixels.broadcast_as((n, c, h, 2, w, 2))?.reshape((n, c, 2 * h, 2 * w))
}

/// Mean of each 2×2, `[n, c, h, w] → [n, c, h/2, w/2]`; an odd last row or column is dropped.
pub fn avg_pool2(x: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    if native([x]) && h % 2 == 0 && w % 2 == 0 {
        return x.contiguous()?.apply_op1(Half { gain: 0.25 });
    }
    x.avg_pool2d(2)
}

/// Spreads each sample, times `gain`, over a 2×2.
struct Twice {
    gain: f32,
}

/// Adds up each 2×2, times `gain`.
struct Half {
    gain: f32,
}

vectorised! {
    /// Each sample twice.
    fn widen(x: &[f32], gain: f32, y: &mut [f32]) {
        for (pair, x) in y.as_chunks_mut::<2>().0.iter_mut().zip(x) {
            *pair = [x * gain; 2];
        }
    }

    /// Sums of 2×2 in two rows.
    fn narrow(first: &[f32], second: &[f32], gain: f32, y: &mut [f32]) {
        let pairs = first.as_chunks::<2>().0.iter().zip(second.as_chunks::<2>().0);
        for (y, (a, b)) in y.iter_mut().zip(pairs) {
            *y = (a[0] + a[1] + b[0] + b[1]) * gain;
        }
    }
}

/// Rows of `wide` samples a thread takes at a time.
fn rows_per_job(wide: usize) -> usize {
    ((1 << 14) / wide.max(1)).max(1)
}

impl CustomOp1 for Twice {
    fn name(&self) -> &'static str {
        "twice the size"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let x = samples(x, layout)?;
        let mut y = vec![0f32; 4 * x.len()];
        if !y.is_empty() {
            let jobs = y.par_chunks_exact_mut(4 * w).zip(x.par_chunks_exact(w));
            jobs.with_min_len(rows_per_job(4 * w)).for_each(|(rows, x)| {
                let (first, second) = rows.split_at_mut(2 * w);
                widen(x, self.gain, first);
                second.copy_from_slice(first);
            });
        }
        Ok((CpuStorage::F32(y), (n, c, 2 * h, 2 * w).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.contiguous()?.apply_op1_no_bwd(&Half { gain: self.gain })?))
    }
}

impl CustomOp1 for Half {
    fn name(&self) -> &'static str {
        "half the size"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = layout.shape().dims4()?;
        let x = samples(x, layout)?;
        let mut y = vec![0f32; x.len() / 4];
        if !y.is_empty() {
            let jobs = y.par_chunks_exact_mut(w / 2).zip(x.par_chunks_exact(2 * w));
            jobs.with_min_len(rows_per_job(2 * w)).for_each(|(y, rows)| {
                let (first, second) = rows.split_at(w);
                narrow(first, second, self.gain, y);
            });
        }
        Ok((CpuStorage::F32(y), (n, c, h / 2, w / 2).into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(grad.contiguous()?.apply_op1_no_bwd(&Twice { gain: self.gain })?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Result, Var};

    use super::{avg_pool2, upsample_nearest2x};
    use crate::ops::testing::{check_gradients, distance, flat, noise};

    #[test]
    fn forward_equals_candle() -> Result<()> {
        let x = noise(1, &[2, 3, 6, 10]);
        assert_eq!(flat(&upsample_nearest2x(&x)?), flat(&x.upsample_nearest2d(12, 20)?));
        assert!(distance(&avg_pool2(&x)?, &x.avg_pool2d(2)?) < 1e-6);
        assert_eq!(avg_pool2(&noise(1, &[1, 2, 5, 7]))?.dims(), [1, 2, 2, 3]);
        Ok(())
    }

    #[test]
    fn gradients_equal_finite_differences() -> Result<()> {
        check_gradients(&[noise(1, &[2, 3, 4, 6])], |t| upsample_nearest2x(&t[0]))?;
        check_gradients(&[noise(1, &[2, 3, 4, 6])], |t| avg_pool2(&t[0]))
    }

    #[test]
    fn a_shared_input_keeps_both_gradients() -> Result<()> {
        // Candle's own upsampling loses one of them.
        let x = Var::from_tensor(&noise(1, &[1, 1, 2, 2]))?;
        let loss = (upsample_nearest2x(&x)?.sum_all()? + x.sum_all()?)?;
        let grads = loss.backward()?;
        assert_eq!(grads.get(&x).map(flat), Some(vec![5.0; 4]));
        Ok(())
    }
}
