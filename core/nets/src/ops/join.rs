//! Joining and leaving: ReLU of a sum, and channels appended, each in one sweep forward and one back.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::activation::in_pieces;
use super::{native, samples, with_samples};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};
use lipsmith_base::vectorised;

/// max(x, 0).
pub fn relu(x: &Tensor) -> Result<Tensor> {
    if native([x]) { x.contiguous()?.apply_op1(Relu) } else { x.relu() }
}

/// max(x + shortcut, 0), of equal shapes.
pub fn relu_of_sum(x: &Tensor, shortcut: &Tensor) -> Result<Tensor> {
    if !native([x, shortcut]) || x.dims() != shortcut.dims() {
        return (x + shortcut)?.relu();
    }
    x.contiguous()?.apply_op2(&shortcut.contiguous()?, Relu)
}

/// The channels of `a`, then those of `b`: `[n, c, …]` and `[n, d, …]` → `[n, c + d, …]`.
pub fn append(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if !native([a, b]) {
        return Tensor::cat(&[a, b], 1);
    }
    a.contiguous()?.apply_op2(&b.contiguous()?, Append)
}

struct Relu;

vectorised! {
    fn relu_of(x: &[f32], y: &mut [MaybeUninit<f32>]) {
        y.iter_mut().zip(x).for_each(|(y, x)| _ = y.write(x.max(0.0)));
    }

    fn relu_of_pair(x: &[f32], s: &[f32], y: &mut [MaybeUninit<f32>]) {
        y.iter_mut().zip(x.iter().zip(s)).for_each(|(y, (x, s))| _ = y.write((x + s).max(0.0)));
    }

    fn passed(y: &[f32], g: &[f32], dx: &mut [MaybeUninit<f32>]) {
        let inputs = y.iter().zip(g);
        dx.iter_mut().zip(inputs).for_each(|(dx, (y, g))| _ = dx.write(if *y > 0.0 { *g } else { 0.0 }));
    }
}

impl Relu {
    fn backward(y: &Tensor, grad: &Tensor) -> Result<Tensor> {
        let dx = with_samples(y, |y| {
            with_samples(grad, |grad| Ok(in_pieces([y, grad], |[y, g], dx| passed(y, g, dx))))
        })?;
        Tensor::from_vec(dx, y.shape(), y.device())
    }
}

impl CustomOp1 for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let y = in_pieces([samples(x, layout)?], |[x], y| relu_of(x, y));
        Ok((CpuStorage::F32(y), layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, y: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        Self::backward(y, grad).map(Some)
    }
}

impl CustomOp2 for Relu {
    fn name(&self) -> &'static str {
        "relu of a sum"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        s: &CpuStorage,
        sl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let y = in_pieces([samples(x, xl)?, samples(s, sl)?], |[x, s], y| relu_of_pair(x, s, y));
        Ok((CpuStorage::F32(y), xl.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        s: &Tensor,
        y: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let passed = Self::backward(y, grad)?;
        Ok((x.track_op().then(|| passed.clone()), s.track_op().then_some(passed)))
    }
}

struct Append;

impl CustomOp2 for Append {
    fn name(&self) -> &'static str {
        "append channels"
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        al: &Layout,
        b: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (mut dims, others) = (al.dims().to_vec(), bl.dims());
        if dims.len() < 2 || dims.len() != others.len() || dims[0] != others[0] || dims[2..] != others[2..] {
            bail!("channels of {others:?} do not follow those of {dims:?}")
        }
        let (a, b) = (samples(a, al)?, samples(b, bl)?);
        let lens = [a.len(), b.len()].map(|len| (len / dims[0].max(1)).max(1));
        let mut joined = Vec::with_capacity(a.len() + b.len());
        for (a, b) in a.chunks_exact(lens[0]).zip(b.chunks_exact(lens[1])) {
            joined.extend_from_slice(a);
            joined.extend_from_slice(b);
        }
        dims[1] += others[1];
        Ok((CpuStorage::F32(joined), Shape::from_dims(&dims)))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let own = a.elem_count() / a.dim(0)?.max(1);
        let whole = own + b.elem_count() / a.dim(0)?.max(1);
        with_samples(grad, |grad| {
            let part = |like: &Tensor, range: Range<usize>| {
                let mut samples = Vec::with_capacity(like.elem_count());
                grad.chunks_exact(whole.max(1)).for_each(|g| samples.extend_from_slice(&g[range.clone()]));
                like.track_op().then(|| Tensor::from_vec(samples, like.shape(), like.device())).transpose()
            };
            Ok((part(a, 0..own)?, part(b, own..whole)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Result, Tensor};

    use super::{append, relu, relu_of_sum};
    use crate::ops::testing::{check_gradients, distance, noise};

    #[test]
    fn relu_equals_candle_and_its_slope() -> Result<()> {
        let (x, s) = (noise(1, &[3, 70, 301]), noise(2, &[3, 70, 301]));
        assert_eq!(distance(&relu(&x)?, &x.relu()?), 0.0);
        assert_eq!(distance(&relu_of_sum(&x, &s)?, &(&x + &s)?.relu()?), 0.0);
        // Away from the kink: +2 passes, −2 does not.
        for shift in [2.0, -2.0] {
            let inputs = [(noise(1, &[5, 37]) + shift)?, (noise(2, &[5, 37]) * 0.5)?];
            check_gradients(&inputs, |t| relu_of_sum(&t[0], &t[1]))?;
            check_gradients(&inputs[..1], |t| relu(&t[0]))?;
        }
        Ok(())
    }

    #[test]
    fn appended_channels_go_back_to_where_they_came_from() -> Result<()> {
        let inputs = [noise(1, &[3, 2, 4, 5]), noise(2, &[3, 7, 4, 5])];
        assert_eq!(distance(&append(&inputs[0], &inputs[1])?, &Tensor::cat(&inputs, 1)?), 0.0);
        assert!(append(&inputs[0], &noise(3, &[2, 7, 4, 5])).is_err());
        check_gradients(&inputs, |t| append(&t[0], &t[1]))
    }
}
