//! Kernels for the processor, where Candle's own are several times slower than what users run today.
//!
//! Plain functions on tensors, forward and backward. On the CPU in f32 they run the code in this folder; on
//! any other device or in any other dtype they are Candle's own operations, so a network calls them without
//! asking where it runs. Inputs that are not contiguous are copied first.
//!
//! Gradients are of first order: the gradient of a gradient is not tracked.

mod activation;
mod attention;
mod batch_norm;
mod buffer;
mod conv;
mod join;
mod lanes;
mod norm;
mod precision;
mod resample;

use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};

pub use activation::silu;
pub use attention::attention_qkv;
pub use batch_norm::{Moments, batch_norm_relu};
pub use conv::{Conv2dSpec, Prepared, conv_transpose2d, conv2d};
pub use join::{append, relu, relu_of_sum};
pub use norm::{Activation, group_norm};
pub use precision::Precision;
pub use resample::{avg_pool2, upsample_nearest2x};

/// Whether the kernels here, rather than Candle's, are to be used on these tensors.
fn native<const N: usize>(tensors: [&Tensor; N]) -> bool {
    tensors.iter().all(|t| t.device().is_cpu() && t.dtype() == DType::F32)
}

/// A contiguous tensor's samples, as a custom operation is handed them.
fn samples<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((begin, end)) = layout.contiguous_offsets() else {
        bail!("this kernel needs contiguous tensors")
    };
    Ok(&storage.as_slice::<f32>()?[begin..end])
}

/// Runs `f` on a tensor's samples in row-major order.
fn with_samples<R>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(samples(storage, layout)?),
        _ => bail!("this kernel needs tensors on the CPU"),
    }
}

#[cfg(test)]
pub(crate) mod testing;
