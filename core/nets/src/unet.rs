//! The denoising U-Net of "Diffusion Models Beat GANs on Image Synthesis" (Dhariwal & Nichol 2021,
//! appendix; repository openai/guided-diffusion), in the variant whose residual blocks resample.
//!
//! Diff2Lip builds its picture network from it, and its audio encoder from the same residual blocks; Diffused Heads
//! lets two embeddings scale and shift in each block; DiffTalk takes latent diffusion's variant, whose attention is
//! a transformer's that also looks at a context. [`Style`] is where they differ.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{
    Conv1d, Conv2d, GroupNorm, Linear, Walk, avg_pool, check_width, qkv_attention, silu, upsample_nearest2,
};
use crate::error::{NetsError, Result};
use crate::transformer::SpatialTransformer;

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

/// Where the published U-Nets differ from each other beyond their sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Layers that bring embeddings into a residual block, in the order in which they work.
    pub embeddings: &'static [&'static str],
    /// Embeddings scale and shift what is normalised; else they are added to it before.
    pub modulates: bool,
    /// `None`: plain attention; else a transformer block that also attends to context of this width.
    pub context: Option<usize>,
    /// Resolution changes inside residual blocks, not by a convolution of its own.
    pub resblock_updown: bool,
}

/// As openai/guided-diffusion has it without `use_scale_shift_norm`.
pub const GUIDED: Style =
    Style { embeddings: &["emb_layers"], modulates: false, context: None, resblock_updown: true };

/// Sinusoids of a diffusion time, `[timesteps, dim]`: cosines first, then sines (Vaswani et al. 2017 §3.5).
/// Frequency `i` is 10000^(-i/`fall`); with `fall` half of `dim` they go down to 1/10000.
pub fn timestep_embedding(timesteps: &[f32], dim: usize, fall: usize, device: &Device) -> Result<Tensor> {
    let half = dim / 2;
    let frequency = |i: usize| (-(10_000f64.ln() as f32) * i as f32 / fall as f32).exp();
    let angles = |t: f32| (0..half).map(move |i| t * frequency(i));
    let row = |&t: &f32| angles(t).map(f32::cos).chain(angles(t).map(f32::sin)).collect::<Vec<_>>();
    let values: Vec<f32> = timesteps.iter().flat_map(row).collect();
    Ok(Tensor::from_vec(values, (timesteps.len(), 2 * half), device)?)
}

/// Diffusion time → embedding: sinusoids through a two-layer perceptron, f32.
#[derive(Debug, Clone)]
pub struct TimeEmbed {
    dim: usize,
    fall: usize,
    first: Linear,
    second: Linear,
}

impl TimeEmbed {
    pub fn new(vb: &VarBuilder, dim: usize, out: usize) -> Result<Self> {
        Self::falling(vb, dim, out, dim / 2)
    }

    /// With other frequencies than the usual: see [`timestep_embedding`].
    pub fn falling(vb: &VarBuilder, dim: usize, out: usize, fall: usize) -> Result<Self> {
        let vb = vb.to_dtype(DType::F32);
        Ok(Self {
            dim,
            fall,
            first: Linear::new(&vb.pp("0"), dim, out)?,
            second: Linear::new(&vb.pp("2"), out, out)?,
        })
    }

    /// `[timesteps, out]`.
    pub fn forward(&self, timesteps: &[f32]) -> Result<Tensor> {
        let sinusoids = timestep_embedding(timesteps, self.dim, self.fall, self.first.weight.device())?;
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

/// Norm, SiLU, convolution; the embeddings, norm, SiLU, convolution; plus the shortcut.
#[derive(Debug, Clone)]
pub struct ResBlock {
    in_norm: GroupNorm,
    in_conv: Conv2d,
    embeds: Vec<Linear>,
    modulates: bool,
    out_norm: GroupNorm,
    out_conv: Conv2d,
    skip: Option<Conv2d>,
    resample: Resample,
}

impl ResBlock {
    pub fn new(
        vb: &VarBuilder,
        style: &Style,
        [c_in, c_out, emb]: [usize; 3],
        resample: Resample,
    ) -> Result<Self> {
        let widths = if style.modulates { 2 * c_out } else { c_out };
        let embed = |name: &&str| Linear::new(&vb.pp(*name).pp("1").to_dtype(DType::F32), emb, widths);
        let skip = (c_in != c_out).then(|| Conv2d::point(&vb.pp("skip_connection"), c_in, c_out));
        Ok(Self {
            in_norm: group_norm(&vb.pp("in_layers.0"), c_in)?,
            in_conv: Conv2d::same3(&vb.pp("in_layers.2"), c_in, c_out)?,
            embeds: style.embeddings.iter().map(embed).collect::<Result<_>>()?,
            modulates: style.modulates,
            out_norm: group_norm(&vb.pp("out_layers.0"), c_out)?,
            out_conv: Conv2d::same3(&vb.pp("out_layers.3"), c_out, c_out)?,
            skip: skip.transpose()?,
            resample,
        })
    }

    /// `x`: `[n, c_in, h, w]`; `embs`: SiLU of the embeddings in the style's order, each `[n or 1, emb]` f32 →
    /// `[n, c_out, h', w']`.
    pub fn forward(&self, x: &Tensor, embs: &[Tensor]) -> Result<Tensor> {
        let h = self.resample.apply(self.in_norm.forward_silu(x)?)?;
        let h = if self.modulates { self.modulated(&h, embs)? } else { self.shifted(&h, embs)? };
        let h = self.out_conv.forward(&h)?;
        let x = self.resample.apply(x.clone())?;
        let x = match &self.skip {
            Some(skip) => skip.forward(&x)?,
            None => x,
        };
        Ok((x + h)?)
    }

    fn shifted(&self, h: &Tensor, embs: &[Tensor]) -> Result<Tensor> {
        let mut shifts = self.embeds.iter().zip(embs).map(|(embed, emb)| embed.forward(emb));
        let Some(first) = shifts.next() else { return self.out_norm.forward_silu(&self.in_conv.forward(h)?) };
        let shift = shifts.try_fold(first?, |sum, more| Ok::<_, NetsError>(sum.broadcast_add(&more?)?))?;
        let h = self.in_conv.forward_shifted(h, &shift.to_dtype(h.dtype())?)?;
        self.out_norm.forward_silu(&h)
    }

    /// Each embedding is a scale, as its difference from 1, and then a shift.
    fn modulated(&self, h: &Tensor, embs: &[Tensor]) -> Result<Tensor> {
        let h = self.out_norm.forward(&self.in_conv.forward(h)?)?;
        let h = self.embeds.iter().zip(embs).try_fold(h, |h, (embed, emb)| {
            let both = embed.forward(emb)?.to_dtype(h.dtype())?.unsqueeze(2)?.unsqueeze(3)?;
            let halves = both.chunk(2, 1)?;
            Ok::<_, NetsError>(h.broadcast_mul(&(&halves[0] + 1.0)?)?.broadcast_add(&halves[1])?)
        })?;
        silu(&h)
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
    Transformer(SpatialTransformer),
    /// Twice the size, then a convolution.
    Up(Conv2d),
}

/// What every block is given besides the picture.
struct Given<'a> {
    embs: Vec<Tensor>,
    context: Option<&'a Tensor>,
}

#[derive(Debug, Clone, Default)]
struct Block(Vec<Layer>);

impl Block {
    fn forward(&self, x: &Tensor, given: &Given) -> Result<Tensor> {
        self.0.iter().try_fold(x.clone(), |x, layer| match layer {
            Layer::Conv(conv) => conv.forward(&x),
            Layer::Res(block) => block.forward(&x, &given.embs),
            Layer::Attention(block) => block.forward(&x),
            Layer::Transformer(block) => block.forward(&x, given.context),
            Layer::Up(conv) => conv.forward(&upsample_nearest2(&x)?),
        })
    }
}

/// What a U-Net's inner levels made in one step of sampling, for those after it: they change little from step to step, and
/// what does change passes the first level's last block ("DeepCache: Accelerating Diffusion Models for Free", Ma et al.
/// 2024, section 3.2, at its shallowest branch).
#[derive(Debug, Clone, Default)]
pub struct Inner(Option<Tensor>);

/// Which of the levels a step walks.
#[derive(Debug)]
pub enum Levels<'a> {
    All,
    /// All, of which the inner ones' result is kept.
    Keeping(&'a mut Inner),
    /// The outer blocks alone, around what was kept.
    Outer(&'a Inner),
}

/// Which levels the steps of one sampling walk: every so many-th all, those between do with what that made.
#[derive(Debug)]
pub struct Rhythm {
    every: usize,
    walked: usize,
    inner: Inner,
}

impl Rhythm {
    /// `every`: steps from one that walks all levels to the next; 1: all do.
    pub fn new(every: usize) -> Self {
        Self { every: every.max(1), walked: 0, inner: Inner::default() }
    }

    /// Of the next step.
    pub fn step(&mut self) -> Levels<'_> {
        let walks_all = self.walked.is_multiple_of(self.every);
        self.walked += 1;
        match walks_all {
            _ if self.every == 1 => Levels::All,
            true => Levels::Keeping(&mut self.inner),
            false => Levels::Outer(&self.inner),
        }
    }
}

#[derive(Debug, Clone)]
pub struct UNet {
    input_blocks: Vec<Block>,
    middle_block: Block,
    /// All but the last.
    output_blocks: Vec<Block>,
    last_block: Block,
    out_norm: GroupNorm,
    out_conv: Conv2d,
    dtype: DType,
}

impl UNet {
    /// Without the time embedding, which each family completes in its own way.
    pub fn new(cfg: &Config, style: &Style, vb: &VarBuilder) -> Result<Self> {
        cfg.check()?;
        let emb = cfg.embedding_channels();
        let res = |vb: VarBuilder, c_in, c_out, resample| {
            Ok::<_, NetsError>(Layer::Res(ResBlock::new(&vb, style, [c_in, c_out, emb], resample)?))
        };
        let attention = |vb: VarBuilder, channels| {
            Ok::<_, NetsError>(match style.context {
                None => Layer::Attention(AttentionBlock::new(&vb, channels, cfg.head_channels)?),
                Some(width) => {
                    Layer::Transformer(SpatialTransformer::new(&vb, channels, cfg.head_channels, width)?)
                }
            })
        };
        let down = |vb: VarBuilder, channels| match style.resblock_updown {
            true => res(vb, channels, channels, Resample::Shrink([2, 2])),
            false => {
                let halving = Walk::strided(2, 1);
                Ok(Layer::Conv(Conv2d::new(&vb.pp("op"), channels, channels, [3, 3], halving)?))
            }
        };
        let up = |vb: VarBuilder, channels| match style.resblock_updown {
            true => res(vb, channels, channels, Resample::Double),
            false => Ok(Layer::Up(Conv2d::same3(&vb.pp("conv"), channels, channels)?)),
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
                input_blocks.push(Block(vec![down(vb, channels)?]));
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
                    layers.push(up(vb.pp(layers.len()), channels)?);
                }
                output_blocks.push(Block(layers));
            }
        }

        Ok(Self {
            input_blocks,
            middle_block,
            last_block: output_blocks.pop().unwrap_or_default(),
            output_blocks,
            out_norm: group_norm(&vb.pp("out.0"), channels)?,
            // The last layer decides the result's precision: f32, as in the reference's half mode.
            out_conv: Conv2d::same3(&vb.pp("out.2").to_dtype(DType::F32), channels, cfg.out_channels)?,
            dtype: vb.dtype(),
        })
    }

    /// `x`: `[n, in, h, w]`, sides a multiple of [`Config::side_multiple`]; `embs`: the style's embeddings, each
    /// `[n or 1, 4·model]`; `context`: `[n, 1, width]` if the style has one → `[n, out, h, w]`, f32.
    pub fn forward(&self, x: &Tensor, embs: &[&Tensor], context: Option<&Tensor>) -> Result<Tensor> {
        self.forward_through(x, embs, context, Levels::All)
    }

    /// [`Self::forward`], of which a step may leave out the inner levels. Where nothing was kept yet it walks all.
    pub fn forward_through(
        &self,
        x: &Tensor,
        embs: &[&Tensor],
        context: Option<&Tensor>,
        levels: Levels,
    ) -> Result<Tensor> {
        // Every block begins with it.
        let embs = embs.iter().map(|emb| silu(emb)).collect::<Result<_>>()?;
        let given = Given { embs, context };
        let x = x.to_dtype(self.dtype)?;
        let x = match levels {
            Levels::Outer(Inner(Some(inner))) => {
                let skip = self.input_blocks[0].forward(&x, &given)?;
                self.last_block.forward(&Tensor::cat(&[inner, &skip], 1)?, &given)?
            }
            levels => {
                let (inner, skip) = self.inner(x, &given)?;
                let x = self.last_block.forward(&Tensor::cat(&[&inner, &skip], 1)?, &given)?;
                if let Levels::Keeping(kept) = levels {
                    kept.0 = Some(inner);
                }
                x
            }
        };
        self.out_conv.forward(&self.out_norm.forward_silu(&x.to_dtype(DType::F32)?)?)
    }

    /// What comes to the last block, and what the first one passes to it across all others.
    fn inner(&self, mut x: Tensor, given: &Given) -> Result<(Tensor, Tensor)> {
        let mut skips = Vec::with_capacity(self.input_blocks.len());
        for block in &self.input_blocks {
            x = block.forward(&x, given)?;
            skips.push(x.clone());
        }
        x = self.middle_block.forward(&x, given)?;
        for (block, skip) in self.output_blocks.iter().zip(skips.drain(1..).rev()) {
            x = block.forward(&Tensor::cat(&[&x, &skip], 1)?, given)?;
        }
        Ok((x, skips.swap_remove(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_nn::VarMap;

    #[test]
    fn a_step_without_the_inner_levels_goes_on_from_what_they_made() {
        let cfg = Config {
            in_channels: 3,
            out_channels: 3,
            model_channels: 32,
            channel_mult: vec![1, 2],
            res_blocks_per_level: 1,
            attention_at: vec![2],
            head_channels: 32,
        };
        let weights = VarMap::new();
        let vb = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
        // Made once for the names and shapes, which are all zero, and again with numbers.
        UNet::new(&cfg, &GUIDED, &vb).expect("a network");
        for var in weights.all_vars() {
            let numbers = Tensor::randn(0f32, 0.1, var.shape(), &Device::Cpu).expect("numbers");
            var.set(&numbers).expect("set");
        }
        let network = UNet::new(&cfg, &GUIDED, &vb).expect("a network");
        let picture = || Tensor::randn(0f32, 1.0, (1, 3, 8, 8), &Device::Cpu).expect("a picture");
        let emb = Tensor::randn(0f32, 1.0, (1, 128), &Device::Cpu).expect("an embedding");
        let (x, next) = (picture(), picture());
        struct Walk<'a>(&'a UNet, &'a Tensor);
        impl Walk<'_> {
            fn through(&self, x: &Tensor, levels: Levels) -> Tensor {
                self.0.forward_through(x, &[self.1], None, levels).expect("walked")
            }
        }
        let walk = Walk(&network, &emb);
        let apart = |a: &Tensor, b: &Tensor| {
            let apart = (a - b).and_then(|d| d.abs()?.max_all()?.to_scalar::<f32>());
            apart.expect("compared")
        };
        let mut rhythm = Rhythm::new(2);
        assert!(matches!(Rhythm::new(1).step(), Levels::All));
        let mut inner = Inner::default();
        let whole = network.forward(&x, &[&emb], None).expect("walked");
        // Nothing is kept yet.
        assert_eq!(apart(&whole, &walk.through(&x, Levels::Outer(&inner))), 0.0);
        assert_eq!(apart(&whole, &walk.through(&x, Levels::Keeping(&mut inner))), 0.0);
        assert_eq!(apart(&whole, &walk.through(&x, Levels::Outer(&inner))), 0.0);
        let (short, long) = (walk.through(&next, Levels::Outer(&inner)), walk.through(&next, Levels::All));
        assert!(apart(&short, &whole) > 1e-3 && apart(&short, &long) > 1e-3);
        // The same by turns.
        for wanted in [&whole, &whole, &whole] {
            assert_eq!(apart(wanted, &walk.through(&x, rhythm.step())), 0.0);
        }
        assert_eq!(apart(&short, &walk.through(&next, rhythm.step())), 0.0);
    }
}
