//! Convolution and transposed convolution, each the other's gradient.

#[cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), path = "amx_absent.rs")]
mod amx;
mod dots;
mod drive;
mod geometry;
mod grad;
mod grad_amx;
mod pack;
#[cfg(test)]
mod tests;
mod tile_amx;
mod tile_f32;
mod winograd;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, TensorId, bail};

pub use geometry::Conv2dSpec;

use super::{Precision, native, samples};
use drive::Output;
use geometry::Plan;
use tile_amx::{AmxKernel, AmxTiles};
use tile_f32::{F32Kernel, F32Tiles};
use winograd::WinogradKernel;

/// Convolution (cross-correlation, as in every network) `[n, in, h, w] → [n, out, h', w']`; weight
/// `[out, in / groups, kernel rows, kernel columns]`, bias `[out]`, or `[n, out]` for one of its own per picture.
///
/// Fails where the shapes do not belong together or the kernel does not fit in the padded input.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, spec: Conv2dSpec) -> Result<Tensor> {
    apply(x, weight, bias, Convolution::forward(x, weight, spec)?)
}

/// Transposed convolution `[n, in, h, w] → [n, out, h', w']` with h' = (h−1)·stride − 2·padding +
/// dilation·(kernel−1) + 1 + `output_padding`; weight `[in, out / groups, kernel rows, kernel columns]`.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    spec: Conv2dSpec,
    output_padding: [usize; 2],
) -> Result<Tensor> {
    apply(x, weight, bias, Convolution::transposed(x, weight, spec, output_padding)?)
}

/// A layer's weight in the order in which the kernels go through it, kept from the first use on.
///
/// It costs as much memory as the weight, or four times that where Winograd's points are kept. A weight that is
/// trained is not kept, and another tensor than the last takes its place; only a tensor that is overwritten in place
/// must not be used with it.
#[derive(Clone, Default)]
pub struct Prepared(Arc<Mutex<Option<Kept>>>);

struct Kept {
    of: TensorId,
    kernel: Arc<Ordered>,
}

/// A weight in a kernel's order.
enum Ordered {
    Amx(AmxKernel),
    Winograd(WinogradKernel),
    F32(F32Kernel),
}

impl Prepared {
    /// [`conv2d`], keeping the weight prepared.
    pub fn conv2d(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        spec: Conv2dSpec,
    ) -> Result<Tensor> {
        let op = Convolution::forward(x, weight, spec)?;
        apply(x, weight, bias, Convolution { kept: self.keeping(weight), ..op })
    }

    /// [`conv_transpose2d`], keeping the weight prepared.
    pub fn conv_transpose2d(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        spec: Conv2dSpec,
        output_padding: [usize; 2],
    ) -> Result<Tensor> {
        let op = Convolution::transposed(x, weight, spec, output_padding)?;
        apply(x, weight, bias, Convolution { kept: self.keeping(weight), ..op })
    }

    fn keeping(&self, weight: &Tensor) -> Option<(Self, TensorId)> {
        (!weight.track_op()).then(|| (self.clone(), weight.id()))
    }

    fn get(
        &self,
        id: TensorId,
        fits: impl Fn(&Ordered) -> bool,
        prepare: impl FnOnce() -> Ordered,
    ) -> Arc<Ordered> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(kept) if kept.of == id && fits(&kept.kernel) => kept.kernel.clone(),
            _ => slot.insert(Kept { of: id, kernel: Arc::new(prepare()) }).kernel.clone(),
        }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Prepared")
    }
}

fn apply(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, op: Convolution) -> Result<Tensor> {
    if !native([x, weight]) {
        return op.by_candle(x, weight, bias);
    }
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, op),
        None => x.apply_op2(&weight, op),
    }
}

/// A kernel as it lies in its tensor, seen as weights from `ins` to `outs` channels of each group.
#[derive(Clone, Copy)]
struct Kernel<'a> {
    data: &'a [f32],
    outs: usize,
    ins: usize,
    out_stride: usize,
    in_stride: usize,
    group_stride: usize,
}

struct Convolution {
    transposed: bool,
    output: [usize; 2],
    spec: Conv2dSpec,
    kept: Option<(Prepared, TensorId)>,
}

impl Convolution {
    fn forward(x: &Tensor, weight: &Tensor, spec: Conv2dSpec) -> Result<Self> {
        let (_, _, h, w) = x.dims4()?;
        let (_, _, kh, kw) = weight.dims4()?;
        let Some(output) = spec.output([h, w], [kh, kw]) else {
            bail!("a kernel of {kh}×{kw} does not fit in a picture of {h}×{w} ({spec:?})")
        };
        Ok(Self { transposed: false, output, spec, kept: None })
    }

    fn transposed(x: &Tensor, weight: &Tensor, spec: Conv2dSpec, output_padding: [usize; 2]) -> Result<Self> {
        let (_, _, h, w) = x.dims4()?;
        let (_, _, kh, kw) = weight.dims4()?;
        let Some(output) = spec.transposed_output([h, w], [kh, kw], output_padding) else {
            bail!("nothing is left of a transposed convolution of {h}×{w} by {kh}×{kw} ({spec:?})")
        };
        Ok(Self { transposed: true, output, spec, kept: None })
    }

    /// The convolution that carries gradients (or anything else) from this one's output to its input.
    fn adjoint(&self, input: [usize; 2]) -> Self {
        Self { transposed: !self.transposed, output: input, spec: self.spec, kept: None }
    }

    fn run(&self, x: &Picture, weight: &Picture, bias: Option<&[f32]>) -> Result<(CpuStorage, Shape)> {
        let groups = self.spec.groups;
        let [far, near, kh, kw] = weight.dims;
        let taps = kh * kw;
        let (ins, outs) =
            if self.transposed { (far / groups.max(1), near) } else { (near, far / groups.max(1)) };
        if groups == 0 || far % groups != 0 || x.dims[1] != ins * groups {
            bail!(
                "a kernel of shape {:?} in {groups} groups does not fit {} channels",
                weight.dims,
                x.dims[1]
            )
        }
        let biases = [outs * groups, x.dims[0] * outs * groups];
        if bias.is_some_and(|bias| !biases.contains(&bias.len())) || weight.data.is_empty() {
            bail!("a kernel of shape {:?} does not fit its bias, or is empty", weight.dims)
        }
        let (out_stride, in_stride) = if self.transposed { (taps, near * taps) } else { (near * taps, taps) };
        let group_stride = far / groups * near * taps;
        let kernel = Kernel { data: weight.data, outs, ins, out_stride, in_stride, group_stride };
        let source = [x.dims[2], x.dims[3]];
        let plan = match self.transposed {
            false => Plan::forward(source, self.output, [kh, kw], &self.spec),
            true => Plan::transposed(source, self.output, [kh, kw], &self.spec),
        };
        let output = Output { images: x.dims[0], groups, channels: outs, bias };
        let images = x.dims[0];
        // The matrix unit takes channels by the 32: with few it would mostly multiply zeros.
        let precision = Precision::chosen();
        let by_amx = amx::available() && ins.min(outs) >= 16;
        let padding =
            self.winograd_padding([kh, kw]).filter(|_| winograd::suits(outs, ins, images, self.output));
        let fits = |kernel: &Ordered| match kernel {
            Ordered::Amx(kernel) => by_amx && kernel.precision() == precision,
            Ordered::Winograd(_) => !by_amx && padding.is_some(),
            Ordered::F32(_) => !by_amx && padding.is_none(),
        };
        let prepare = || match padding {
            _ if by_amx => Ordered::Amx(AmxKernel::new(&plan, &kernel, groups, precision)),
            Some(_) => Ordered::Winograd(WinogradKernel::new(&kernel, self.transposed)),
            None => Ordered::F32(F32Kernel::new(&plan, &kernel, groups)),
        };
        let kernel = match &self.kept {
            Some((prepared, id)) => prepared.get(*id, fits, prepare),
            None => Arc::new(prepare()),
        };
        let samples = match &*kernel {
            _ if x.data.is_empty() => Vec::new(),
            Ordered::Amx(kernel) => drive::run(&plan, &AmxTiles::new(&plan, kernel, x.data), &output),
            Ordered::F32(kernel) => drive::run(&plan, &F32Tiles::new(&plan, kernel, x.data), &output),
            Ordered::Winograd(kernel) => {
                let pad = padding.unwrap_or_default();
                kernel.run(x.data, &winograd::Job { images, source, output: self.output, pad, bias })
            }
        };
        let shape = (x.dims[0], outs * groups, self.output[0], self.output[1]).into();
        Ok((CpuStorage::F32(samples), shape))
    }

    /// The padding with which Winograd's filtering does this convolution; `None` where it does not.
    fn winograd_padding(&self, kernel: [usize; 2]) -> Option<[usize; 2]> {
        let Conv2dSpec { stride, padding, dilation, groups } = self.spec;
        let plain = kernel == [3, 3] && stride == [1, 1] && dilation == [1, 1] && groups == 1;
        match self.transposed {
            _ if !plain => None,
            false => Some(padding),
            true => Some([2usize.checked_sub(padding[0])?, 2usize.checked_sub(padding[1])?]),
        }
    }

    /// Gradients of input, weight and bias; each only where something asks for it.
    fn gradients(
        &self,
        x: &Tensor,
        weight: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, _, h, w) = x.dims4()?;
        let of_x = match x.track_op() {
            true => Some(apply(&grad.detach(), &weight.detach(), None, self.adjoint([h, w]))?),
            false => None,
        };
        let of_weight = match weight.track_op() {
            // The kernel meets pairs of (wide, narrow) positions; which side is the input is all that differs.
            true if self.transposed => Some(grad::of_weight(grad, x, weight, &self.spec)?),
            true => Some(grad::of_weight(x, grad, weight, &self.spec)?),
            false => None,
        };
        Ok((of_x, of_weight))
    }

    /// Candle's own operations, for other devices and dtypes.
    fn by_candle(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let Conv2dSpec { stride, padding, dilation, groups } = self.spec;
        let even = |pair: [usize; 2]| pair[0] == pair[1];
        let y = if self.transposed {
            let (_, _, h, _) = x.dims4()?;
            let reach = (h - 1) * stride[0] + dilation[0] * (weight.dim(2)? - 1) + 1;
            if !(even(stride) && even(padding) && even(dilation) && groups == 1) {
                bail!("transposed convolution on this device walks rows and columns alike, in one group")
            }
            let output_padding = self.output[0] + 2 * padding[0] - reach;
            x.conv_transpose2d(weight, padding[0], output_padding, stride[0], dilation[0])?
        } else if !even(dilation) {
            bail!("convolution on this device dilates rows and columns alike")
        } else if even(stride) && even(padding) {
            x.conv2d(weight, padding[0], stride[0], dilation[0], groups)?
        } else {
            // Candle strides both directions alike: walk every position, keep the wanted ones.
            let x = x.pad_with_zeros(2, padding[0], padding[0])?.pad_with_zeros(3, padding[1], padding[1])?;
            let y = x.conv2d(weight, 0, 1, dilation[0], groups)?;
            every(&every(&y, 2, stride[0])?, 3, stride[1])?
        };
        match bias {
            Some(bias) => y.broadcast_add(&bias.reshape(((), y.dim(1)?, 1, 1))?),
            None => Ok(y),
        }
    }
}

/// Every `stride`-th slice of a dimension.
fn every(x: &Tensor, dim: usize, stride: usize) -> Result<Tensor> {
    if stride == 1 {
        return Ok(x.clone());
    }
    let wanted = Tensor::arange_step(0u32, x.dim(dim)? as u32, stride as u32, x.device())?;
    x.contiguous()?.index_select(&wanted, dim)
}

/// A contiguous tensor of four dimensions.
struct Picture<'a> {
    data: &'a [f32],
    dims: [usize; 4],
}

impl<'a> Picture<'a> {
    fn new(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let (n, c, h, w) = layout.shape().dims4()?;
        Ok(Self { data: samples(storage, layout)?, dims: [n, c, h, w] })
    }
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run(&Picture::new(x, xl)?, &Picture::new(w, wl)?, None)
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        self.gradients(x, w, grad)
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "convolution with bias"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        xl: &Layout,
        w: &CpuStorage,
        wl: &Layout,
        bias: &CpuStorage,
        bl: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.run(&Picture::new(x, xl)?, &Picture::new(w, wl)?, Some(samples(bias, bl)?))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        bias: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (of_x, of_weight) = self.gradients(x, w, grad)?;
        let of_bias = if bias.track_op() { Some(grad::of_bias(grad, bias)?) } else { None };
        Ok((of_x, of_weight, of_bias))
    }
}
