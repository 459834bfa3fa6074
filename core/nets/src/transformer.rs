//! The transformer that latent diffusion puts where others attend ("High-Resolution Image Synthesis with Latent
//! Diffusion Models", Rombach et al. 2022, `SpatialTransformer`): positions of a feature map attend to each other,
//! then to a context, then pass a gated perceptron.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Conv2d, GroupNorm, LayerNorm, Linear, param, qkv_attention};
use crate::error::{NetsError, Result};

#[derive(Debug, Clone)]
pub struct SpatialTransformer {
    norm: GroupNorm,
    proj_in: Conv2d,
    block: Block,
    proj_out: Conv2d,
}

impl SpatialTransformer {
    pub fn new(vb: &VarBuilder, channels: usize, head_channels: usize, context: usize) -> Result<Self> {
        Ok(Self {
            norm: GroupNorm::new(&vb.pp("norm"), 32, channels, 1e-6)?,
            proj_in: Conv2d::point(&vb.pp("proj_in"), channels, channels)?,
            block: Block::new(&vb.pp("transformer_blocks.0"), channels, head_channels, context)?,
            proj_out: Conv2d::point(&vb.pp("proj_out"), channels, channels)?,
        })
    }

    /// `x`: `[n, c, h, w]`; `context`: `[n or 1, 1, width]`.
    pub fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let Some(context) = context else {
            return Err(NetsError::Invalid("this network needs a context to attend to".to_owned()));
        };
        let y = self.proj_in.forward(&self.norm.forward(x)?)?;
        let positions = y.flatten_from(2)?.transpose(1, 2)?.contiguous()?; // [n, h·w, c]
        let y = self.block.forward(&positions, context)?;
        let y = y.transpose(1, 2)?.contiguous()?.reshape(x.shape())?;
        Ok((self.proj_out.forward(&y)? + x)?)
    }
}

#[derive(Debug, Clone)]
struct Block {
    norms: [LayerNorm; 3],
    within: SelfAttention,
    context: TokenAttention,
    gated: Linear,
    out: Linear,
}

impl Block {
    fn new(vb: &VarBuilder, channels: usize, head_channels: usize, context: usize) -> Result<Self> {
        let norm = |name| LayerNorm::new(&vb.pp(name), channels);
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?, norm("norm3")?],
            within: SelfAttention::new(&vb.pp("attn1"), channels, head_channels)?,
            context: TokenAttention::new(&vb.pp("attn2"), channels, context)?,
            gated: Linear::new(&vb.pp("ff.net.0.proj"), channels, 8 * channels)?,
            out: Linear::new(&vb.pp("ff.net.2"), 4 * channels, channels)?,
        })
    }

    /// `x`: `[n, t, c]`.
    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor> {
        let [first, _, third] = &self.norms;
        let x = (self.within.forward(&first.forward(x)?)? + x)?;
        let x = x.broadcast_add(&self.context.forward(context, x.dtype())?)?;
        let both = self.gated.forward(&third.forward(&x)?)?.chunk(2, 2)?;
        let gated = (&both[0] * both[1].gelu_erf()?)?;
        Ok((self.out.forward(&gated)? + x)?)
    }
}

#[derive(Debug, Clone)]
struct SelfAttention {
    /// Queries, keys and values of each head, head after head, as [`qkv_attention`] takes them.
    qkv: Linear,
    out: Linear,
    heads: usize,
}

impl SelfAttention {
    fn new(vb: &VarBuilder, channels: usize, head_channels: usize) -> Result<Self> {
        if head_channels == 0 || !channels.is_multiple_of(head_channels) {
            return Err(NetsError::Invalid(format!(
                "{channels} channels do not divide into attention heads of {head_channels}"
            )));
        }
        let heads = channels / head_channels;
        let by_head = |name: &str| -> Result<Tensor> {
            let weight = param(&vb.pp(name), &[channels, channels], "weight")?;
            Ok(weight.reshape((heads, head_channels, channels))?)
        };
        let parts = [by_head("to_q")?, by_head("to_k")?, by_head("to_v")?];
        let weight = Tensor::cat(&parts, 1)?.reshape((3 * channels, channels))?;
        let out = Linear::new(&vb.pp("to_out.0"), channels, channels)?;
        Ok(Self { qkv: Linear { weight, bias: None }, out, heads })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.forward(x)?.transpose(1, 2)?.contiguous()?; // [n, 3·c, t]
        let attended = qkv_attention(&qkv, self.heads)?.transpose(1, 2)?.contiguous()?;
        self.out.forward(&attended)
    }
}

/// Attention to a context of a single token: each position attends to it wholly, whatever it asks, so that what it
/// learns is the token's value, the same everywhere.
#[derive(Debug, Clone)]
struct TokenAttention {
    value: Tensor,
    out: Linear,
    width: usize,
}

impl TokenAttention {
    fn new(vb: &VarBuilder, channels: usize, width: usize) -> Result<Self> {
        // Asked for, so that a file without them is told; what they compute cancels out, and so does the norm.
        param(&vb.pp("to_q"), &[channels, channels], "weight")?;
        param(&vb.pp("to_k"), &[channels, width], "weight")?;
        Ok(Self {
            value: param(&vb.pp("to_v"), &[channels, width], "weight")?,
            out: Linear::new(&vb.pp("to_out.0"), channels, channels)?,
            width,
        })
    }

    /// `context`: `[n or 1, 1, width]` → `[n or 1, 1, c]`.
    fn forward(&self, context: &Tensor, dtype: DType) -> Result<Tensor> {
        let (_, tokens, width) = context.dims3()?;
        if tokens != 1 || width != self.width {
            return Err(NetsError::Invalid(format!(
                "the context is one token of {} numbers, not {tokens} of {width}",
                self.width
            )));
        }
        self.out.forward(&context.to_dtype(dtype)?.broadcast_matmul(&self.value.t()?)?)
    }
}
