//! The denoising U-Net of "Diffusion Models Beat GANs on Image Synthesis" (Dhariwal & Nichol 2021,
//! appendix; repository openai/guided-diffusion), in the variant whose residual blocks resample.
//!
//! Diff2Lip builds its picture network from it, and its audio encoder from the same residual blocks.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{
    Conv1d, Conv2d, GroupNorm, Linear, avg_pool, check_width, qkv_attention, silu, upsample_nearest2,
};
use crate::error::{NetsError, Result};

const GROUPS: usize = 32;
const EPS: f64 = 1e-5;

pub(crate) fn group_norm(vb: &VarBuilder, channels: usize) -> Result<GroupNorm> {
    GroupNorm::new(vb, GROUPS, channels, EPS)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub in_channels: usize,
    pub out_channels: usize,
    /// Width of the first level; each level is this times its entry of `channel_mult`.
    pub model_channels: usize,
    pub channel_mult: Vec<usize>,
    pub res_blocks_per_level: usize,
    /// Down-sampling factors at which the blocks attend (image size ÷ the reference's
    /// `attention_resolutions`).
    pub attention_at: Vec<usize>,
    pub head_channels: usize,
}

impl Config {
    pub fn embedding_channels(&self) -> usize {
        4 * self.model_channels
    }

    /// Width, height and batch aside: what each side of an input must be a multiple of.
    pub fn side_multiple(&self) -> usize {
        1 << (self.channel_mult.len() - 1)
    }

    fn check(&self) -> Result<()> {
        check_width("a U-Net", self.model_channels)?;
        let divides = |mult: &usize| *mult > 0 && (mult * self.model_channels).is_multiple_of(GROUPS);
        if !self.channel_mult.is_empty() && self.channel_mult.iter().all(divides) && self.head_channels > 0 {
            return Ok(());
        }
        Err(NetsError::Invalid(format!("{self:?} is no U-Net: every width must be a multiple of {GROUPS}")))
    }
}

/// Sinusoids of a diffusion time, `[timesteps, dim]`: cosines first, then sines, from frequency 1 down to
/// 1/10000 (Vaswani et al. 2017 §3.5).
pub fn timestep_embedding(timesteps: &[f32], dim: usize, device: &Device) -> Result<Tensor> {
    let half = dim / 2;
    let frequency = |i: usize| (-(10_000f64.ln() as f32) * i as f32 / half as f32).exp();
    let angles = |t: f32| (0..half).map(move |i| t * frequency(i));
    let row = |&t: &f32| angles(t).map(f32::cos).chain(angles(t).map(f32::sin)).collect::<Vec<_>>();
    let values: Vec<f32> = timesteps.iter().flat_map(row).collect();
    Ok(Tensor::from_vec(values, (timesteps.len(), 2 * half), device)?)
}

/// Diffusion time → embedding: sinusoids through a two-layer perceptron, f32.
#[derive(Debug, Clone)]
pub struct TimeEmbed {
    dim: usize,
    first: Linear,
    second: Linear,
}

impl TimeEmbed {
    pub fn new(vb: &VarBuilder, dim: usize, out: usize) -> Result<Self> {
        let vb = vb.to_dtype(DType::F32);
        Ok(Self {
            dim,
            first: Linear::new(&vb.pp("0"), dim, out)?,
            second: Linear::new(&vb.pp("2"), out, out)?,
        })
    }

    /// `[timesteps, out]`.
    pub fn forward(&self, timesteps: &[f32]) -> Result<Tensor> {
        let sinusoids = timestep_embedding(timesteps, self.dim, self.first.weight.device())?;
        self.second.forward(&silu(&self.first.forward(&sinusoids)?)?)
    }
}

/// What a residual block does to the size, before its first convolution and on its shortcut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resample {
    Keep,
    Double,
    /// Mean over windows of `[rows, columns]`.
    Shrink([usize; 2]),
}

impl Resample {
    fn apply(self, x: Tensor) -> Result<Tensor> {
        match self {
            Self::Keep => Ok(x),
            Self::Double => upsample_nearest2(&x),
            Self::Shrink(window) => avg_pool(&x, window),
        }
    }
}

/// Norm, SiLU, convolution; plus the embedding; norm, SiLU, convolution; plus the shortcut.
#[derive(Debug, Clone)]
pub struct ResBlock {
    in_norm: GroupNorm,
    in_conv: Conv2d,
    embed: Linear,
    out_norm: GroupNorm,
    out_conv: Conv2d,
    skip: Option<Conv2d>,
    resample: Resample,
}

impl ResBlock {
    pub fn new(vb: &VarBuilder, c_in: usize, c_out: usize, emb: usize, resample: Resample) -> Result<Self> {
        let embed = Linear::new(&vb.pp("emb_layers.1").to_dtype(DType::F32), emb, c_out)?;
        let skip = (c_in != c_out).then(|| Conv2d::point(&vb.pp("skip_connection"), c_in, c_out));
        Ok(Self {
            in_norm: group_norm(&vb.pp("in_layers.0"), c_in)?,
            in_conv: Conv2d::same3(&vb.pp("in_layers.2"), c_in, c_out)?,
            embed,
            out_norm: group_norm(&vb.pp("out_layers.0"), c_out)?,
            out_conv: Conv2d::same3(&vb.pp("out_layers.3"), c_out, c_out)?,
            skip: skip.transpose()?,
            resample,
        })
    }

    /// `x`: `[n, c_in, h, w]`; `emb`: SiLU of the embedding, `[n or 1, emb]` f32 → `[n, c_out, h', w']`.
    pub fn forward(&self, x: &Tensor, emb: &Tensor) -> Result<Tensor> {
        let h = self.resample.apply(self.in_norm.forward_silu(x)?)?;
        let shift = self.embed.forward(emb)?.to_dtype(h.dtype())?;
        let h = self.in_conv.forward_shifted(&h, &shift)?;
        let h = self.out_norm.forward_silu(&h)?;
        let h = self.out_conv.forward(&h)?;
        let x = self.resample.apply(x.clone())?;
        let x = match &self.skip {
            Some(skip) => skip.forward(&x)?,
            None => x,
        };
        Ok((x + h)?)
    }
}

/// Self-attention over all positions of a feature map, with a shortcut.
#[derive(Debug, Clone)]
pub struct AttentionBlock {
    norm: GroupNorm,
    qkv: Conv1d,
    proj_out: Conv1d,
    heads: usize,
}

impl AttentionBlock {
    pub fn new(vb: &VarBuilder, channels: usize, head_channels: usize) -> Result<Self> {
        if !channels.is_multiple_of(head_channels) {
            return Err(NetsError::Invalid(format!(
                "{channels} channels do not divide into attention heads of {head_channels}"
            )));
        }
        Ok(Self {
            norm: group_norm(&vb.pp("norm"), channels)?,
            qkv: Conv1d::point(&vb.pp("qkv"), channels, 3 * channels)?,
            proj_out: Conv1d::point(&vb.pp("proj_out"), channels, channels)?,
            heads: channels / head_channels,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let positions = x.flatten_from(2)?; // [n, c, h·w]
        let qkv = self.qkv.forward(&self.norm.forward(&positions)?)?;
        let attended = self.proj_out.forward(&qkv_attention(&qkv, self.heads)?)?;
        Ok((positions + attended)?.reshape(x.shape())?)
    }
}

#[derive(Debug, Clone)]
enum Layer {
    Conv(Conv2d),
    Res(ResBlock),
    Attention(AttentionBlock),
}

#[derive(Debug, Clone)]
struct Block(Vec<Layer>);

impl Block {
    fn forward(&self, x: &Tensor, emb: &Tensor) -> Result<Tensor> {
        self.0.iter().try_fold(x.clone(), |x, layer| match layer {
            Layer::Conv(conv) => conv.forward(&x),
            Layer::Res(block) => block.forward(&x, emb),
            Layer::Attention(block) => block.forward(&x),
        })
    }
}

#[derive(Debug, Clone)]
pub struct UNet {
    input_blocks: Vec<Block>,
    middle_block: Block,
    output_blocks: Vec<Block>,
    out_norm: GroupNorm,
    out_conv: Conv2d,
    dtype: DType,
}

impl UNet {
    /// Without the time embedding, which each family completes in its own way.
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        cfg.check()?;
        let emb = cfg.embedding_channels();
        let res = |vb: VarBuilder, c_in, c_out, resample| {
            Ok::<_, NetsError>(Layer::Res(ResBlock::new(&vb, c_in, c_out, emb, resample)?))
        };
        let attention = |vb: VarBuilder, channels| {
            Ok::<_, NetsError>(Layer::Attention(AttentionBlock::new(&vb, channels, cfg.head_channels)?))
        };

        let levels = cfg.channel_mult.len();
        let vb_in = vb.pp("input_blocks");
        let mut channels = cfg.channel_mult[0] * cfg.model_channels;
        let stem = Conv2d::same3(&vb_in.pp("0.0"), cfg.in_channels, channels)?;
        let mut input_blocks = vec![Block(vec![Layer::Conv(stem)])];
        let mut skips = vec![channels];
        for (level, mult) in cfg.channel_mult.iter().enumerate() {
            for _ in 0..cfg.res_blocks_per_level {
                let vb = vb_in.pp(input_blocks.len());
                let width = mult * cfg.model_channels;
                let mut layers = vec![res(vb.pp("0"), channels, width, Resample::Keep)?];
                channels = width;
                if cfg.attention_at.contains(&(1 << level)) {
                    layers.push(attention(vb.pp("1"), channels)?);
                }
                input_blocks.push(Block(layers));
                skips.push(channels);
            }
            if level + 1 < levels {
                let vb = vb_in.pp(input_blocks.len()).pp("0");
                input_blocks.push(Block(vec![res(vb, channels, channels, Resample::Shrink([2, 2]))?]));
                skips.push(channels);
            }
        }

        let vb_mid = vb.pp("middle_block");
        let middle_block = Block(vec![
            res(vb_mid.pp("0"), channels, channels, Resample::Keep)?,
            attention(vb_mid.pp("1"), channels)?,
            res(vb_mid.pp("2"), channels, channels, Resample::Keep)?,
        ]);

        let vb_out = vb.pp("output_blocks");
        let mut output_blocks = Vec::with_capacity(skips.len());
        for (level, mult) in cfg.channel_mult.iter().enumerate().rev() {
            for i in 0..=cfg.res_blocks_per_level {
                let vb = vb_out.pp(output_blocks.len());
                let width = mult * cfg.model_channels;
                let skip = skips.pop().unwrap_or_default();
                let mut layers = vec![res(vb.pp("0"), channels + skip, width, Resample::Keep)?];
                channels = width;
                if cfg.attention_at.contains(&(1 << level)) {
                    layers.push(attention(vb.pp("1"), channels)?);
                }
                if level > 0 && i == cfg.res_blocks_per_level {
                    layers.push(res(vb.pp(layers.len()), channels, channels, Resample::Double)?);
                }
                output_blocks.push(Block(layers));
            }
        }

        Ok(Self {
            input_blocks,
            middle_block,
            output_blocks,
            out_norm: group_norm(&vb.pp("out.0"), channels)?,
            // The last layer decides the result's precision: f32, as in the reference's half mode.
            out_conv: Conv2d::same3(&vb.pp("out.2").to_dtype(DType::F32), channels, cfg.out_channels)?,
            dtype: vb.dtype(),
        })
    }

    /// `x`: `[n, in, h, w]`, sides a multiple of [`Config::side_multiple`]; `emb`: `[n or 1, 4·model]` →
    /// `[n, out, h, w]`, f32.
    pub fn forward(&self, x: &Tensor, emb: &Tensor) -> Result<Tensor> {
        let emb = silu(emb)?; // every block begins with it
        let mut x = x.to_dtype(self.dtype)?;
        let mut skips = Vec::with_capacity(self.input_blocks.len());
        for block in &self.input_blocks {
            x = block.forward(&x, &emb)?;
            skips.push(x.clone());
        }
        x = self.middle_block.forward(&x, &emb)?;
        for (block, skip) in self.output_blocks.iter().zip(skips.iter().rev()) {
            x = block.forward(&Tensor::cat(&[&x, skip], 1)?, &emb)?;
        }
        self.out_conv.forward(&self.out_norm.forward_silu(&x.to_dtype(DType::F32)?)?)
    }
}
