//! The layers every network here is made of.
//!
//! Each layer is built from a `VarBuilder` standing at the layer's own name in its checkpoint, keeps the
//! checkpoint's layout, and computes in the dtype of its weights; normalisation always runs in f32.
//! Networks call these and nothing below them, so that a faster kernel is put in at one place.

use candle_core::{DType, Tensor, Var};
use candle_nn::VarBuilder;

use crate::error::{NetsError, Result};
use crate::ops::{self, Activation, Conv2dSpec, Prepared};

/// Reads `vb`'s tensor `name`, which must have this shape.
pub fn param(vb: &VarBuilder, shape: &[usize], name: &str) -> Result<Tensor> {
    vb.get(shape, name).map_err(|error| NetsError::lookup(key(vb, name), error))
}

/// Reads the tensor called `key` whatever its shape: what tells a network's size.
pub(crate) fn telltale(vb: &VarBuilder, key: &str) -> Result<Tensor> {
    vb.get_unchecked(key).map_err(|error| NetsError::lookup(key.to_owned(), error))
}

/// Refuses a width that no network has: a checkpoint's shapes are not to be trusted with arithmetic.
pub(crate) fn check_width(network: &str, width: usize) -> Result<()> {
    if (1..=1 << 12).contains(&width) {
        return Ok(());
    }
    Err(NetsError::Invalid(format!("{network} is not made {width} channels wide: the checkpoint is damaged")))
}

fn key(vb: &VarBuilder, name: &str) -> String {
    match vb.prefix() {
        prefix if prefix.is_empty() => name.to_owned(),
        prefix => format!("{prefix}.{name}"),
    }
}

/// How a kernel walks over its input: `[rows, columns]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: usize,
}

impl Walk {
    pub const UNIT: Self = Self { stride: [1, 1], padding: [0, 0], dilation: 1 };

    /// Stride 1 and the padding that keeps the size under an odd `kernel`.
    pub const fn same(kernel: usize) -> Self {
        Self::padded(kernel / 2)
    }

    pub const fn padded(padding: usize) -> Self {
        Self { padding: [padding, padding], ..Self::UNIT }
    }

    pub const fn strided(stride: usize, padding: usize) -> Self {
        Self { stride: [stride, stride], padding: [padding, padding], dilation: 1 }
    }
}

/// Convolution `[n, in, h, w] → [n, out, h', w']`; weight `[out, in, kernel rows, kernel columns]`.
#[derive(Debug, Clone)]
pub struct Conv2d {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub walk: Walk,
    prepared: Prepared,
}

impl Conv2d {
    pub fn new(vb: &VarBuilder, c_in: usize, c_out: usize, kernel: [usize; 2], walk: Walk) -> Result<Self> {
        let weight = param(vb, &[c_out, c_in, kernel[0], kernel[1]], "weight")?;
        Ok(Self::of_tensors(weight, Some(param(vb, &[c_out], "bias")?), walk))
    }

    pub(crate) fn of_tensors(weight: Tensor, bias: Option<Tensor>, walk: Walk) -> Self {
        Self { weight, bias, walk, prepared: Prepared::default() }
    }

    /// The usual 3×3 of stride 1 that keeps the size.
    pub fn same3(vb: &VarBuilder, c_in: usize, c_out: usize) -> Result<Self> {
        Self::new(vb, c_in, c_out, [3, 3], Walk::same(3))
    }

    pub fn point(vb: &VarBuilder, c_in: usize, c_out: usize) -> Result<Self> {
        Self::new(vb, c_in, c_out, [1, 1], Walk::UNIT)
    }

    /// Takes over the batch normalisation that follows this layer, in its inference form.
    pub fn folding(self, norm: &BatchNorm) -> Result<Self> {
        let (scale, shift) = norm.scale_and_shift()?;
        let channels = scale.elem_count();
        let weight = in_f32(&self.weight, |w| w.broadcast_mul(&scale.reshape((channels, 1, 1, 1))?))?;
        Ok(Self {
            bias: Some(fold_bias(self.bias.as_ref(), &scale, &shift, weight.dtype())?),
            weight,
            ..self
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.run(x, self.bias.as_ref())
    }

    /// Plus `shift`, `[n or 1, out]`, in every position.
    pub fn forward_shifted(&self, x: &Tensor, shift: &Tensor) -> Result<Tensor> {
        match &self.bias {
            Some(bias) => self.run(x, Some(&shift.broadcast_add(bias)?)),
            None => self.run(x, Some(shift)),
        }
    }

    fn run(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let Walk { stride, padding, dilation } = self.walk;
        let spec = Conv2dSpec { stride, padding, dilation: [dilation; 2], groups: 1 };
        Ok(self.prepared.conv2d(x, &self.weight, bias, spec)?)
    }
}

/// Transposed convolution; weight `[in, out, kernel, kernel]`.
#[derive(Debug, Clone)]
pub struct ConvTranspose2d {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub stride: usize,
    pub padding: usize,
    pub output_padding: usize,
    prepared: Prepared,
}

impl ConvTranspose2d {
    pub fn new(
        vb: &VarBuilder,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        [stride, padding, output_padding]: [usize; 3],
    ) -> Result<Self> {
        Ok(Self {
            weight: param(vb, &[c_in, c_out, kernel, kernel], "weight")?,
            bias: Some(param(vb, &[c_out], "bias")?),
            stride,
            padding,
            output_padding,
            prepared: Prepared::default(),
        })
    }

    /// Takes over the batch normalisation that follows this layer, in its inference form.
    pub fn folding(self, norm: &BatchNorm) -> Result<Self> {
        let (scale, shift) = norm.scale_and_shift()?;
        let channels = scale.elem_count();
        let weight = in_f32(&self.weight, |w| w.broadcast_mul(&scale.reshape((1, channels, 1, 1))?))?;
        Ok(Self {
            bias: Some(fold_bias(self.bias.as_ref(), &scale, &shift, weight.dtype())?),
            weight,
            ..self
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Self { weight, bias, stride, padding, output_padding, prepared } = self;
        let spec = Conv2dSpec { stride: [*stride; 2], padding: [*padding; 2], ..Conv2dSpec::default() };
        Ok(prepared.conv_transpose2d(x, weight, bias.as_ref(), spec, [*output_padding; 2])?)
    }
}

/// Convolution along time, `[n, in, t] → [n, out, t']`; weight `[out, in, kernel]`.
///
/// Computed as a picture one row high: Candle's own 1-D convolution is wrong with kernels that are not
/// contiguous, and so is its weight gradient for batches.
#[derive(Debug, Clone)]
pub struct Conv1d {
    row: Conv2d,
}

impl Conv1d {
    pub fn new(
        vb: &VarBuilder,
        c_in: usize,
        c_out: usize,
        kernel: usize,
        [stride, padding]: [usize; 2],
    ) -> Result<Self> {
        let weight = param(vb, &[c_out, c_in, kernel], "weight")?.unsqueeze(2)?;
        let walk = Walk { stride: [1, stride], padding: [0, padding], dilation: 1 };
        Ok(Self { row: Conv2d::of_tensors(weight, Some(param(vb, &[c_out], "bias")?), walk) })
    }

    pub fn point(vb: &VarBuilder, c_in: usize, c_out: usize) -> Result<Self> {
        Self::new(vb, c_in, c_out, 1, [1, 0])
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.row.forward(&x.unsqueeze(2)?)?.squeeze(2)?)
    }
}

/// `[…, in] → […, out]`; weight `[out, in]`.
#[derive(Debug, Clone)]
pub struct Linear {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
}

impl Linear {
    pub fn new(vb: &VarBuilder, n_in: usize, n_out: usize) -> Result<Self> {
        Ok(Self { weight: param(vb, &[n_out, n_in], "weight")?, bias: Some(param(vb, &[n_out], "bias")?) })
    }

    /// Takes over the batch normalisation that follows this layer, in its inference form.
    pub fn folding(self, norm: &BatchNorm) -> Result<Self> {
        let (scale, shift) = norm.scale_and_shift()?;
        let weight = in_f32(&self.weight, |w| w.broadcast_mul(&scale.unsqueeze(1)?))?;
        Ok(Self { bias: Some(fold_bias(self.bias.as_ref(), &scale, &shift, weight.dtype())?), weight })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.broadcast_matmul(&self.weight.t()?)?;
        Ok(match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        })
    }
}

/// Group normalisation over `[n, c, …]` (Wu & He 2018), in f32 whatever comes in and goes out.
#[derive(Debug, Clone)]
pub struct GroupNorm {
    pub weight: Tensor,
    pub bias: Tensor,
    pub groups: usize,
    pub eps: f64,
}

impl GroupNorm {
    pub fn new(vb: &VarBuilder, groups: usize, channels: usize, eps: f64) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(NetsError::Invalid(format!(
                "{channels} channels do not divide into {groups} groups"
            )));
        }
        let vb = vb.to_dtype(DType::F32);
        Ok(Self {
            weight: param(&vb, &[channels], "weight")?,
            bias: param(&vb, &[channels], "bias")?,
            groups,
            eps,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.run(x, Activation::None)?)
    }

    /// SiLU of the normalised input: the pair that opens almost every block.
    pub fn forward_silu(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.run(x, Activation::Silu)?)
    }

    fn run(&self, x: &Tensor, activation: Activation) -> candle_core::Result<Tensor> {
        ops::group_norm(x, self.groups, &self.weight, &self.bias, self.eps, activation)
    }
}

/// Normalisation over the last dimension (Ba et al. 2016), in f32 whatever comes in and goes out.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    const EPS: f32 = 1e-5;

    pub fn new(vb: &VarBuilder, channels: usize) -> Result<Self> {
        let vb = vb.to_dtype(DType::F32);
        Ok(Self { weight: param(&vb, &[channels], "weight")?, bias: param(&vb, &[channels], "bias")? })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        // The fused form has no gradient, and does not say so.
        let learns = x.track_op() || self.weight.track_op();
        let norm = if learns { candle_nn::ops::layer_norm_slow } else { candle_nn::ops::layer_norm };
        in_f32(x, |x| norm(&x.contiguous()?, &self.weight, &self.bias, Self::EPS))
    }
}

/// What a network is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Batch normalisation by its running statistics, folded into the layer before it.
    Inference,
    /// Batch normalisation by the batch's statistics, which the running ones (variables) follow.
    Training,
}

/// Batch normalisation, f32.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    pub weight: Tensor,
    pub bias: Tensor,
    pub running_mean: Tensor,
    pub running_var: Tensor,
    pub eps: f64,
}

/// How far the running statistics go towards a batch's: PyTorch's, which all published networks had.
const MOMENTUM: f64 = 0.1;

impl BatchNorm {
    pub fn new(vb: &VarBuilder, channels: usize) -> Result<Self> {
        let vb = vb.to_dtype(DType::F32);
        Ok(Self {
            weight: param(&vb, &[channels], "weight")?,
            bias: param(&vb, &[channels], "bias")?,
            running_mean: param(&vb, &[channels], "running_mean")?,
            running_var: param(&vb, &[channels], "running_var")?,
            eps: 1e-5,
        })
    }

    /// ReLU(BN(x) + shortcut) by the batch's own statistics, which the running ones then follow.
    pub fn train_relu(&self, x: &Tensor, shortcut: Option<&Tensor>) -> Result<Tensor> {
        let (y, moments) = ops::batch_norm_relu(x, &self.weight, &self.bias, shortcut, self.eps)?;
        let count = (x.elem_count() / x.dim(1)?.max(1)) as f64;
        // Running averages are of the unbiased variance; a single sample has none.
        let unbiased = (moments.variance * (count / (count - 1.0).max(1.0)))?;
        follow(&self.running_mean, &moments.mean)?;
        follow(&self.running_var, &unbiased)?;
        Ok(y)
    }

    /// `y = scale·x + shift`, each `[c]`.
    fn scale_and_shift(&self) -> Result<(Tensor, Tensor)> {
        let scale = (&self.weight / (&self.running_var + self.eps)?.sqrt()?)?;
        let shift = (&self.bias - (&self.running_mean * &scale)?)?;
        Ok((scale, shift))
    }
}

fn follow(running: &Tensor, found: &Tensor) -> Result<()> {
    if !running.is_variable() {
        return Err(NetsError::Invalid("training needs weights that are variables".into()));
    }
    let next = ((running.detach() * (1.0 - MOMENTUM))? + (found * MOMENTUM)?)?;
    Ok(Var::from_tensor(running)?.set(&next)?)
}

fn fold_bias(bias: Option<&Tensor>, scale: &Tensor, shift: &Tensor, dtype: DType) -> Result<Tensor> {
    let folded = match bias {
        Some(bias) => ((bias.to_dtype(DType::F32)? * scale)? + shift)?,
        None => shift.clone(),
    };
    Ok(folded.to_dtype(dtype)?)
}

fn in_f32(x: &Tensor, f: impl FnOnce(&Tensor) -> candle_core::Result<Tensor>) -> Result<Tensor> {
    Ok(f(&x.to_dtype(DType::F32)?)?.to_dtype(x.dtype())?)
}

/// x·σ(x).
pub fn silu(x: &Tensor) -> Result<Tensor> {
    Ok(ops::silu(x)?)
}

pub fn relu(x: &Tensor) -> Result<Tensor> {
    Ok(ops::relu(x)?)
}

/// ReLU(x + shortcut).
pub fn relu_of_sum(x: &Tensor, shortcut: &Tensor) -> Result<Tensor> {
    Ok(ops::relu_of_sum(x, shortcut)?)
}

/// The channels of `a`, then those of `b`.
pub fn append(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    Ok(ops::append(a, b)?)
}

pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok(candle_nn::ops::sigmoid(x)?)
}

pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    Ok(candle_nn::ops::leaky_relu(x, slope)?)
}

/// Multi-head self-attention on `[n, heads·3·d, t]` → `[n, heads·d, t]`; see [`ops::attention_qkv`].
pub fn qkv_attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    Ok(ops::attention_qkv(qkv, heads)?)
}

/// Each pixel twice in both directions.
pub fn upsample_nearest2(x: &Tensor) -> Result<Tensor> {
    Ok(ops::upsample_nearest2x(x)?)
}

/// Mean over non-overlapping windows; what does not fill a window is dropped.
pub fn avg_pool(x: &Tensor, window: [usize; 2]) -> Result<Tensor> {
    match window {
        [2, 2] => Ok(ops::avg_pool2(x)?),
        [rows, columns] => Ok(x.avg_pool2d((rows, columns))?),
    }
}

/// The largest of each 2×2 pixels; an odd last row and column makes windows of its own if `to_ceiling`, else
/// it is dropped. For inference: Candle's gradient of it is wrong.
pub fn max_pool2(x: &Tensor, to_ceiling: bool) -> Result<Tensor> {
    let (_, _, h, w) = x.dims4()?;
    let x = match to_ceiling {
        true => x.pad_with_same(2, 0, h % 2)?.pad_with_same(3, 0, w % 2)?,
        false => x.clone(),
    };
    Ok(x.max_pool2d(2)?)
}

/// The largest of each window of `side`×`side` pixels, a window every `[rows, columns]`. For inference.
pub fn max_pool(x: &Tensor, side: usize, stride: [usize; 2]) -> Result<Tensor> {
    Ok(x.max_pool2d_with_stride((side, side), stride.into())?)
}
