//! Self-attention, a block of queries at a time: the weights of all pairs of positions never exist at once.

use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, D, DType, Layout, Result, Shape, Tensor, bail};
use gemm::Parallelism;
use rayon::prelude::*;

use super::buffer::Buffer;
use super::lanes;
use super::{native, samples, with_samples};
use lipsmith_base::vectorised;

/// Multi-head self-attention on `[n, heads·3·d, t]` → `[n, heads·d, t]`.
///
/// Heads are outermost, each with its own q, k, v in a row (guided diffusion's `QKVAttentionLegacy`). The
/// products of q and k are scaled by d^-½; the softmax runs in f32.
pub fn attention_qkv(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (_, width, _) = qkv.dims3()?;
    if heads == 0 || width == 0 || width % (3 * heads) != 0 {
        bail!("{width} channels are not q, k and v of {heads} heads")
    }
    if native([qkv]) { qkv.contiguous()?.apply_op1(Attention { heads }) } else { by_candle(qkv, heads) }
}

/// Candle's own operations, for other devices and dtypes: q and k are each scaled by d^-¼, which keeps half
/// precision in range.
fn by_candle(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, width, t) = qkv.dims3()?;
    let d = width / (3 * heads);
    let split = qkv.reshape((n * heads, 3, d, t))?;
    let scale = (d as f64).powf(-0.25);
    let q = (split.narrow(1, 0, 1)?.squeeze(1)? * scale)?;
    let k = (split.narrow(1, 1, 1)?.squeeze(1)? * scale)?;
    let v = split.narrow(1, 2, 1)?.squeeze(1)?;
    let scores = q.transpose(1, 2)?.contiguous()?.matmul(&k.contiguous()?)?;
    let inner = if scores.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let weights = candle_nn::ops::softmax(&scores.to_dtype(inner)?, D::Minus1)?.to_dtype(v.dtype())?;
    // [n·heads, d, t_key] × [n·heads, t_key, t_query]
    let mixed = v.contiguous()?.matmul(&weights.transpose(1, 2)?.contiguous()?)?;
    mixed.reshape((n, heads * d, t))
}

/// Queries at a time: their weights against 1,024 positions fill a quarter of a core's second-level cache.
const QUERIES: usize = 128;

struct Attention {
    heads: usize,
}

/// One head: q, k and v, each `[d, t]`.
struct Head<'a> {
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    d: usize,
    t: usize,
}

/// A matrix inside a slice: from one row and one column to the next.
#[derive(Clone, Copy)]
struct Stride {
    row: usize,
    column: usize,
}

/// `out = keep·out + scale·left·right` for `[m, k]·[k, n]`.
fn product(
    [m, n, k]: [usize; 3],
    keep: bool,
    scale: f32,
    (left, l): (&[f32], Stride),
    (right, r): (&[f32], Stride),
    (out, o): (&mut [f32], Stride),
) {
    let end = |rows: usize, columns: usize, s: Stride| (rows - 1) * s.row + (columns - 1) * s.column;
    assert!(end(m, k, l) < left.len() && end(k, n, r) < right.len() && end(m, n, o) < out.len());
    // SAFETY: the last element of each matrix lies in its slice, just checked.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            o.column as isize,
            o.row as isize,
            keep,
            left.as_ptr(),
            l.column as isize,
            l.row as isize,
            right.as_ptr(),
            r.column as isize,
            r.row as isize,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

impl<'a> Head<'a> {
    fn new(qkv: &'a [f32], d: usize, t: usize) -> Self {
        let (q, rest) = qkv.split_at(d * t);
        let (k, v) = rest.split_at(d * t);
        Self { q, k, v, d, t }
    }

    fn scale(&self) -> f32 {
        (self.d as f32).sqrt().recip()
    }

    /// `[d, t]` as it lies, and seen as `[t, d]`.
    fn flat(&self) -> (Stride, Stride) {
        (Stride { row: self.t, column: 1 }, Stride { row: 1, column: self.t })
    }

    /// The softmax of some queries' products with all keys, `[queries, t]`, each row still times its sum;
    /// returns 1 ÷ those sums.
    fn weights(&self, queries: &Range<usize>, weights: &mut [f32]) -> Vec<f32> {
        let (along, across) = self.flat();
        let rows = Stride { row: self.t, column: 1 };
        let size = [queries.len(), self.t, self.d];
        product(
            size,
            false,
            self.scale(),
            (&self.q[queries.start..], across),
            (self.k, along),
            (weights, rows),
        );
        exponentials(weights, self.t)
    }

    /// What some queries take from all values, `[d, queries]`.
    fn mixed(&self, queries: &Range<usize>) -> Buffer {
        let n = queries.len();
        let mut weights = Buffer::dirty(n * self.t);
        let norms = self.weights(queries, weights.f32());
        let mut mixed = Buffer::dirty(self.d * n);
        let columns = Stride { row: 1, column: self.t };
        let (along, _) = self.flat();
        let out = (mixed.f32(), Stride { row: n, column: 1 });
        product([self.d, n, self.t], false, 1.0, (self.v, along), (weights.f32(), columns), out);
        for row in mixed.f32().chunks_exact_mut(n) {
            row.iter_mut().zip(&norms).for_each(|(x, norm)| *x *= norm);
        }
        mixed
    }
}

vectorised! {
    /// Turns each row of `t` into its exponentials, the largest being 1; returns 1 ÷ each row's sum.
    fn exponentials(rows: &mut [f32], t: usize) -> Vec<f32> {
        let mut norms = Vec::with_capacity(rows.len() / t);
        for row in rows.chunks_exact_mut(t) {
            let most = greatest(row);
            for x in row.iter_mut() {
                *x = lanes::exp(*x - most);
            }
            norms.push((1.0 / lanes::sum(row, |x| x)) as f32);
        }
        norms
    }

    /// The softmax's gradient: row by row p∘(s − Σ p∘s) in place of s, p being `weights · norm`, which is
    /// written back.
    fn softmax_gradient(weights: &mut [f32], norms: &[f32], slopes: &mut [f32], t: usize) {
        for ((p, s), norm) in weights.chunks_exact_mut(t).zip(slopes.chunks_exact_mut(t)).zip(norms) {
            let mut mean = 0f64;
            for (p, s) in p.chunks_mut(1024).zip(s.chunks(1024)) {
                let mut lanes = [0f32; 16];
                for (p, s) in p.chunks_mut(16).zip(s.chunks(16)) {
                    for (lane, (p, s)) in lanes.iter_mut().zip(p.iter_mut().zip(s)) {
                        *p *= norm;
                        *lane += *p * s;
                    }
                }
                mean += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            }
            let mean = mean as f32;
            s.iter_mut().zip(p.iter()).for_each(|(s, p)| *s = p * (*s - mean));
        }
    }
}

#[inline(always)]
fn greatest(row: &[f32]) -> f32 {
    let mut most = [f32::NEG_INFINITY; 16];
    let (chunks, rest) = row.as_chunks::<16>();
    for chunk in chunks {
        most.iter_mut().zip(chunk).for_each(|(m, x)| *m = if *x > *m { *x } else { *m });
    }
    most.iter().chain(rest).fold(f32::NEG_INFINITY, |m, x| m.max(*x))
}

impl Attention {
    /// Channels of a head; `dims` are those of q, k and v.
    fn head_channels(&self, dims: &[usize]) -> usize {
        dims[1] / (3 * self.heads)
    }

    fn run(&self, qkv: &[f32], dims: &[usize]) -> Vec<f32> {
        let (d, t) = (self.head_channels(dims), dims[2]);
        let mut output = vec![0f32; qkv.len() / 3];
        if output.is_empty() {
            return output;
        }
        let heads = output.par_chunks_exact_mut(d * t).zip(qkv.par_chunks_exact(3 * d * t));
        heads.for_each(|(output, qkv)| {
            let head = Head::new(qkv, d, t);
            let blocks = t.div_ceil(QUERIES);
            let mixed: Vec<(Range<usize>, Buffer)> = (0..blocks)
                .into_par_iter()
                .map(|i| {
                    let queries = i * QUERIES..t.min((i + 1) * QUERIES);
                    let mixed = head.mixed(&queries);
                    (queries, mixed)
                })
                .collect();
            for (queries, mut mixed) in mixed {
                let rows = mixed.f32().chunks_exact(queries.len());
                output
                    .chunks_exact_mut(t)
                    .zip(rows)
                    .for_each(|(to, from)| to[queries.clone()].copy_from_slice(from));
            }
        });
        output
    }

    /// The gradient of q, k and v. With P the weights, o = v·Pᵀ and g the gradient of o:
    /// dv = g·P, dP = gᵀ·v, dS = P∘(dP − Σ P∘dP), dq = k·dSᵀ·scale, dk = q·dS·scale.
    fn gradient(&self, qkv: &[f32], grad: &[f32], dims: &[usize]) -> Vec<f32> {
        let (d, t) = (self.head_channels(dims), dims[2]);
        let mut result = vec![0f32; qkv.len()];
        if result.is_empty() {
            return result;
        }
        let heads = result.par_chunks_exact_mut(3 * d * t).zip(qkv.par_chunks_exact(3 * d * t));
        heads.zip(grad.par_chunks_exact(d * t)).for_each(|((result, qkv), grad)| {
            let head = Head::new(qkv, d, t);
            let (dq, rest) = result.split_at_mut(d * t);
            let (dk, dv) = rest.split_at_mut(d * t);
            let (along, across) = head.flat();
            let rows = Stride { row: t, column: 1 };
            let columns = Stride { row: 1, column: t };
            for begin in (0..t).step_by(QUERIES) {
                let queries = begin..t.min(begin + QUERIES);
                let n = queries.len();
                let (mut weights, mut slopes) = (Buffer::dirty(n * t), Buffer::dirty(n * t));
                let (weights, slopes) = (weights.f32(), slopes.f32());
                let norms = head.weights(&queries, weights);
                let g = &grad[begin..];
                product([n, t, d], false, 1.0, (g, across), (head.v, along), (slopes, rows));
                softmax_gradient(weights, &norms, slopes, t);
                product([d, t, n], true, 1.0, (g, along), (weights, rows), (dv, along));
                product(
                    [d, n, t],
                    false,
                    head.scale(),
                    (head.k, along),
                    (slopes, columns),
                    (&mut dq[begin..], along),
                );
                product(
                    [d, t, n],
                    true,
                    head.scale(),
                    (&head.q[begin..], along),
                    (slopes, rows),
                    (dk, along),
                );
            }
        });
        result
    }
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, width, t) = layout.shape().dims3()?;
        let output = self.run(samples(qkv, layout)?, layout.dims());
        Ok((CpuStorage::F32(output), (n, width / 3, t).into()))
    }

    fn bwd(&self, qkv: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let gradient = with_samples(qkv, |samples| {
            with_samples(grad, |grad| Ok(self.gradient(samples, grad, qkv.dims())))
        })?;
        Ok(Some(Tensor::from_vec(gradient, qkv.shape(), qkv.device())?))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Result};

    use super::{attention_qkv, by_candle};
    use crate::ops::testing::{check_gradients, distance, noise};

    #[test]
    fn equals_the_same_in_f64() -> Result<()> {
        for (n, heads, d, t) in [(1, 2, 64, 256), (2, 3, 16, 63), (1, 1, 8, 1), (1, 1, 40, 300)] {
            let qkv = (noise(1, &[n, heads * 3 * d, t]) * 2.0)?;
            let exact = by_candle(&qkv.to_dtype(DType::F64)?, heads)?.to_dtype(DType::F32)?;
            let d = distance(&attention_qkv(&qkv, heads)?, &exact);
            assert!(d < 2e-6, "{d}");
        }
        Ok(())
    }

    #[test]
    fn gradients_equal_finite_differences() -> Result<()> {
        check_gradients(&[noise(1, &[2, 2 * 3 * 4, 9])], |t| attention_qkv(&t[0], 2))?;
        check_gradients(&[noise(1, &[1, 3 * 8, 150])], |t| attention_qkv(&t[0], 1))
    }

    #[test]
    fn channels_must_be_whole_heads() {
        assert!(attention_qkv(&noise(1, &[1, 20, 4]), 2).is_err());
        assert!(attention_qkv(&noise(1, &[1, 12, 4]), 0).is_err());
    }
}
