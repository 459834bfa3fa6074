//! Activations over whole tensors.

use std::mem::MaybeUninit;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::lanes;
use super::{native, samples, with_samples};
use lipsmith_base::vectorised;

/// x·σ(x).
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if !native([x]) { x.silu() } else { x.contiguous()?.apply_op1(Silu) }
}

struct Silu;

impl CustomOp1 for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = in_pieces([samples(x, layout)?], |[x], y| silu_of(x, y));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let dx = with_samples(x, |x| {
            with_samples(grad, |grad| Ok(in_pieces([x, grad], |[x, g], dx| silu_gradient(x, g, dx))))
        })?;
        Ok(Some(Tensor::from_vec(dx, x.shape(), x.device())?))
    }
}

/// What one thread takes at a time: 64 KB of each side.
const PIECE: usize = 1 << 14;

vectorised! {
    fn silu_of(x: &[f32], y: &mut [MaybeUninit<f32>]) {
        y.iter_mut().zip(x).for_each(|(y, x)| _ = y.write(lanes::silu(*x)));
    }

    fn silu_gradient(x: &[f32], g: &[f32], dx: &mut [MaybeUninit<f32>]) {
        dx.iter_mut().zip(x.iter().zip(g)).for_each(|(dx, (x, g))| _ = dx.write(g * lanes::silu_slope(*x)));
    }
}

/// What `f` makes of the inputs, which have the same length; it must fill every piece it is handed.
pub(super) fn in_pieces<const N: usize>(
    inputs: [&[f32]; N],
    f: impl Fn([&[f32]; N], &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    let len = inputs[0].len();
    let mut output: Vec<f32> = Vec::with_capacity(len);
    output.spare_capacity_mut()[..len].par_chunks_mut(PIECE).enumerate().for_each(|(i, piece)| {
        f(inputs.map(|input| &input[i * PIECE..][..piece.len()]), piece);
    });
    // SAFETY: the pieces cover the first `len` samples, and each has been filled.
    unsafe { output.set_len(len) };
    output
}

#[cfg(test)]
mod tests {
    use candle_core::Result;

    use super::silu;
    use crate::ops::testing::{check_gradients, distance, noise};

    #[test]
    fn silu_equals_candle_and_its_slope() -> Result<()> {
        let x = (noise(1, &[3, 70, 301]) * 12.0)?;
        assert!(distance(&silu(&x)?, &x.silu()?) < 1e-6);
        check_gradients(&[(noise(2, &[5, 37]) * 3.0)?], |t| silu(&t[0]))
    }
}
