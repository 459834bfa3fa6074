//! Single operations at the sizes in which Diff2Lip's network uses them, ours and Candle's own.

use candle_core::{Device, Result, Tensor, Var};
use lipsmith_nets::ops::{self, Activation, Conv2dSpec, Prepared};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Us,
    Candle,
}

/// An operation with its inputs, ready to run; `None` where the name is of none.
pub fn operation(name: &str, by: By) -> Option<Box<dyn Fn() -> Result<Tensor>>> {
    let ours = by == By::Us;
    let same = Conv2dSpec { padding: [1, 1], ..Default::default() };
    match name {
        "conv3_128_at_64" => Some(conv(by, [1, 128, 64], 3, same)),
        "conv3_256_at_32" => Some(conv(by, [1, 256, 32], 3, same)),
        "conv3_512_at_16" => Some(conv(by, [1, 512, 16], 3, same)),
        "conv3_stride2_128_at_64" => Some(conv(by, [1, 128, 64], 3, Conv2dSpec { stride: [2, 2], ..same })),
        "conv1_512_at_16" => Some(conv(by, [1, 512, 16], 1, Conv2dSpec::default())),
        "conv_transpose4_256_at_32" => {
            let (x, weight) = (noise(&[1, 256, 32, 32]), noise(&[256, 128, 4, 4]));
            let (spec, prepared) = (Conv2dSpec { stride: [2, 2], ..same }, Prepared::default());
            Some(Box::new(move || match by {
                By::Us => prepared.conv_transpose2d(&x, &weight, None, spec, [0, 0]),
                By::Candle => x.conv_transpose2d(&weight, 1, 0, 2, 1),
            }))
        }
        "group_norm_silu_128_at_64" => {
            let (x, per_channel) = (noise(&[1, 128, 64, 64]), noise(&[128]));
            let candle =
                candle_nn::GroupNorm::new(per_channel.clone(), per_channel.clone(), 128, 32, 1e-5).ok()?;
            Some(Box::new(move || match by {
                By::Us => ops::group_norm(&x, 32, &per_channel, &per_channel, 1e-5, Activation::Silu),
                By::Candle => candle_nn::Module::forward(&candle, &x)?.silu(),
            }))
        }
        "silu_256_at_64" => {
            let x = noise(&[1, 256, 64, 64]);
            Some(Box::new(move || if ours { ops::silu(&x) } else { x.silu() }))
        }
        "attention_256_at_16" => {
            let qkv = noise(&[1, 3 * 256, 256]);
            Some(Box::new(move || if ours { ops::attention_qkv(&qkv, 4) } else { candle_attention(&qkv, 4) }))
        }
        "upsample_256_at_32" => {
            let x = noise(&[1, 256, 32, 32]);
            Some(Box::new(
                move || if ours { ops::upsample_nearest2x(&x) } else { x.upsample_nearest2d(64, 64) },
            ))
        }
        "avg_pool_128_at_64" => {
            let x = noise(&[1, 128, 64, 64]);
            Some(Box::new(move || if ours { ops::avg_pool2(&x) } else { x.avg_pool2d(2) }))
        }
        "conv3_gradients_64_at_32_b4" => {
            let x = Var::from_tensor(&noise(&[4, 64, 32, 32])).ok()?;
            let weight = Var::from_tensor(&noise(&[64, 64, 3, 3])).ok()?;
            Some(Box::new(move || {
                let y =
                    if ours { ops::conv2d(&x, &weight, None, same)? } else { x.conv2d(&weight, 1, 1, 1, 1)? };
                let grads = y.sum_all()?.backward()?;
                grads.get(&weight).cloned().ok_or_else(|| candle_core::Error::Msg("no gradient".to_owned()))
            }))
        }
        _ => None,
    }
}

fn conv(
    by: By,
    [n, channels, side]: [usize; 3],
    kernel: usize,
    spec: Conv2dSpec,
) -> Box<dyn Fn() -> Result<Tensor>> {
    let (x, weight) = (noise(&[n, channels, side, side]), noise(&[channels, channels, kernel, kernel]));
    let prepared = Prepared::default();
    Box::new(move || match by {
        By::Us => prepared.conv2d(&x, &weight, None, spec),
        By::Candle => x.conv2d(&weight, spec.padding[0], spec.stride[0], 1, 1),
    })
}

fn candle_attention(qkv: &Tensor, heads: usize) -> Result<Tensor> {
    let (n, width, t) = qkv.dims3()?;
    let d = width / (3 * heads);
    let split = qkv.reshape((n * heads, 3, d, t))?;
    let part = |i| split.narrow(1, i, 1)?.squeeze(1);
    let scores = (part(0)?.t()?.contiguous()?.matmul(&part(1)?.contiguous()?)? * (d as f64).powf(-0.5))?;
    let weights = candle_nn::ops::softmax_last_dim(&scores)?;
    part(2)?.contiguous()?.matmul(&weights.t()?.contiguous()?)?.reshape((n, heads * d, t))
}

fn noise(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu).expect("noise of any shape")
}
