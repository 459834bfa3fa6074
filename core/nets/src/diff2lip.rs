//! Diff2Lip: "Audio Conditioned Diffusion Models for Lip-Synchronization" (Mukhopadhyay et al. 2023;
//! repository soumik-kanad/diff2lip), `TFGModel`: a guided-diffusion U-Net that repaints the lower half of
//! a 128×128 face, given the rest of the face, a reference picture and 0.2 s of sound.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Conv1d, Conv2d, GroupNorm, Walk, silu, telltale};
use crate::error::{NetsError, Result};
use crate::unet::{self, GUIDED, ResBlock, Resample, TimeEmbed, UNet, group_norm};

/// Mel bands and frames of the sound that belongs to one picture.
pub const MEL: [usize; 2] = [80, 16];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Side of the square face picture.
    pub image_size: usize,
    pub unet: unet::Config,
}

impl Config {
    /// The released network: 101,670,630 parameters in 632 tensors.
    pub fn released() -> Self {
        Self::new(128, 2, &[32, 16, 8], 64)
    }

    /// `attention_resolutions` as the reference counts them: sides of the feature maps, for 128 px.
    fn new(model_channels: usize, res_blocks: usize, attention_resolutions: &[usize], heads: usize) -> Self {
        let image_size = 128;
        Self {
            image_size,
            unet: unet::Config {
                in_channels: 9,
                out_channels: 6,
                model_channels,
                channel_mult: vec![1, 1, 2, 3, 4],
                res_blocks_per_level: res_blocks,
                attention_at: attention_resolutions.iter().map(|side| image_size / side).collect(),
                head_channels: heads,
            },
        }
    }

    /// Reads off the checkpoint what its shapes tell: width and depth.
    ///
    /// The width of an attention head leaves no trace there; the published one is 64, and narrower networks
    /// are taken to use the widest power of two that divides them.
    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let time = telltale(vb, "time_embed.0.weight")?;
        let model_channels = time.dims2()?.1;
        let depth =
            (1..).take_while(|i| vb.contains_tensor(&format!("input_blocks.{i}.0.in_layers.0.weight")));
        // Five levels of `res_blocks` and four reductions in size.
        let res_blocks = depth.count().saturating_sub(4) / 5;
        if model_channels == 0 || res_blocks == 0 {
            return Err(NetsError::Invalid("the checkpoint holds no Diff2Lip U-Net".to_owned()));
        }
        let heads = (1usize << model_channels.trailing_zeros()).min(64);
        Ok(Self::new(model_channels, res_blocks, &[32, 16, 8], heads))
    }
}

/// What the network sees besides the noisy picture; all RGB in [-1, 1], `n` frames.
#[derive(Debug, Clone)]
pub struct Condition {
    /// `[n, 3, s, s]`: the face with the masked rows replaced by the initial noise (see [`masked_face`]).
    pub face: Tensor,
    /// `[n or 1, 1, s, s]`: 1 where the picture is to be made, 0 where `face` is kept.
    pub mask: Tensor,
    /// `[n, 3, s, s]`: a face of the same person, unmasked.
    pub reference: Tensor,
    /// `[n, 512]` for the released network: [`Diff2Lip::style`] of the frames' sound.
    pub style: Tensor,
}

/// `[1, 1, size, size]`: 0 in the upper half of the rows, 1 in the lower.
pub fn lower_half_mask(size: usize, like: &Tensor) -> Result<Tensor> {
    let rows = Tensor::arange(0u32, size as u32, like.device())?.ge((size / 2) as u32)?;
    Ok(rows
        .to_dtype(like.dtype())?
        .reshape((1, 1, size, 1))?
        .broadcast_as((1, 1, size, size))?
        .contiguous()?)
}

/// The `face` of a [`Condition`]: the initial noise where `mask` is 1. (Noise rather than grey, and the very
/// noise that sampling starts from: so the network was trained.)
pub fn masked_face(picture: &Tensor, mask: &Tensor, noise: &Tensor) -> Result<Tensor> {
    blend(mask, noise, picture)
}

/// `inside` where `mask` is 1, `outside` where it is 0.
pub fn blend(mask: &Tensor, inside: &Tensor, outside: &Tensor) -> Result<Tensor> {
    let kept = outside.broadcast_mul(&mask.affine(-1.0, 1.0)?)?;
    Ok(kept.broadcast_add(&inside.broadcast_mul(mask)?)?)
}

#[derive(Debug, Clone)]
pub struct Diff2Lip {
    time_embed: TimeEmbed,
    unet: UNet,
    audio_encoder: AudioEncoder,
    to_style: ToStyle,
    pub config: Config,
}

impl Diff2Lip {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let emb = cfg.unet.embedding_channels();
        Ok(Self {
            time_embed: TimeEmbed::new(&vb.pp("time_embed"), cfg.unet.model_channels, emb)?,
            unet: UNet::new(&cfg.unet, &GUIDED, vb)?,
            audio_encoder: AudioEncoder::new(&vb.pp("audio_encoder"))?,
            to_style: ToStyle::new(&vb.pp("audio_encoder_to_style"), emb)?,
            config: cfg.clone(),
        })
    }

    /// What the sound adds to the time embedding, `[n, 80, 16]` mel in [-4, 4] → `[n, 512]`.
    /// It does not change from step to step: compute it once a frame.
    pub fn style(&self, mel: &Tensor) -> Result<Tensor> {
        self.to_style.forward(&self.audio_encoder.forward(mel)?)
    }

    /// One denoising step: `x`, `[n, 3, s, s]` at the original process's time `timestep` → `[n, 6, s, s]`:
    /// the noise in it, then the interpolation of its variance.
    pub fn forward(&self, x: &Tensor, timestep: f32, given: &Condition) -> Result<Tensor> {
        let known = blend(&given.mask, x, &given.face)?;
        let stack = Tensor::cat(&[&known, &given.face, &given.reference], 1)?;
        let emb = self.time_embed.forward(&[timestep])?.broadcast_add(&given.style)?;
        self.unet.forward(&stack, &[&emb], None)
    }
}

/// 0.2 s of mel → `[n, 128, 8, 8]`: U-Net residual blocks over the time-frequency plane
/// (`TFGAudioEncoder`). They were built for a diffusion time, which here stays 0.
#[derive(Debug, Clone)]
struct AudioEncoder {
    time_embed: TimeEmbed,
    stem: Conv1d,
    stem_norm: GroupNorm,
    lift: Conv2d,
    blocks: Vec<ResBlock>,
    dtype: DType,
}

impl AudioEncoder {
    const WIDTHS: [usize; 4] = [32, 64, 96, 128];
    const REDUCTIONS: [[usize; 2]; 3] = [[2, 1], [2, 1], [2, 2]];
    const BANDS: usize = 64;
    const EMBEDDING: usize = 32;

    fn new(vb: &VarBuilder) -> Result<Self> {
        let res = |vb: VarBuilder, c_in, c_out, resample| {
            ResBlock::new(&vb, &GUIDED, [c_in, c_out, Self::EMBEDDING], resample)
        };
        let vb_blocks = vb.pp("encoder_blocks");
        let mut blocks = Vec::new();
        let mut channels = Self::WIDTHS[0];
        for (level, width) in Self::WIDTHS.into_iter().enumerate() {
            for _ in 0..2 {
                blocks.push(res(vb_blocks.pp(1 + blocks.len()).pp("0"), channels, width, Resample::Keep)?);
                channels = width;
            }
            if let Some(window) = Self::REDUCTIONS.get(level) {
                let vb = vb_blocks.pp(1 + blocks.len()).pp("0");
                blocks.push(res(vb, channels, channels, Resample::Shrink(*window))?);
            }
        }
        blocks.push(res(vb.pp("middle_block.0"), channels, channels, Resample::Keep)?);
        Ok(Self {
            time_embed: TimeEmbed::new(&vb.pp("time_embed"), Self::EMBEDDING, Self::EMBEDDING)?,
            stem: Conv1d::new(&vb.pp("input_block.0"), MEL[0], Self::BANDS, 3, [1, 1])?,
            stem_norm: group_norm(&vb.pp("input_block.1"), Self::BANDS)?,
            lift: Conv2d::new(&vb_blocks.pp("0.0"), 1, Self::WIDTHS[0], [3, 3], Walk::same(3))?,
            blocks,
            dtype: vb.dtype(),
        })
    }

    fn forward(&self, mel: &Tensor) -> Result<Tensor> {
        let emb = [silu(&self.time_embed.forward(&[0.0])?)?];
        let bands = self.stem_norm.forward_silu(&self.stem.forward(&mel.to_dtype(self.dtype)?)?)?;
        let plane = self.lift.forward(&bands.unsqueeze(1)?)?; // [n, 32, 64, 16]
        self.blocks.iter().try_fold(plane, |x, block| block.forward(&x, &emb))
    }
}

/// Norm, SiLU, mean over the plane, 1×1 convolution to the embedding's width.
#[derive(Debug, Clone)]
struct ToStyle {
    norm: GroupNorm,
    conv: Conv2d,
}

impl ToStyle {
    fn new(vb: &VarBuilder, out: usize) -> Result<Self> {
        let channels = AudioEncoder::WIDTHS[3];
        Ok(Self {
            norm: group_norm(&vb.pp("0"), channels)?,
            conv: Conv2d::point(&vb.pp("3"), channels, out)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let pooled = self.norm.forward_silu(x)?.mean_keepdim((2, 3))?;
        Ok(self.conv.forward(&pooled)?.flatten_from(1)?.to_dtype(DType::F32)?)
    }
}
