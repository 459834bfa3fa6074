//! Diff2Lip: "Audio Conditioned Diffusion Models for Lip-Synchronization" (Mukhopadhyay et al. 2023;
//! repository soumik-kanad/diff2lip), `TFGModel`: a guided-diffusion U-Net that repaints the lower half of
//! a 128×128 face, given the rest of the face, a reference picture and 0.2 s of sound.
//!
//! Our own compact form may work on a draft: a small Wav2Lip listens and warps the reference to what it hears, and the U-Net
//! finishes what that left undone. Where everything lies in its place already, a few steps of a small network do: they begin
//! with noise over the draft, and the network sees and says, in units of its own, only what the draft lacks. It says that and not
//! the noise: a picture is simple, noise is not, and need not pass through a narrow network ("Back to Basics: Let Denoising
//! Generative Models Denoise", Li & He 2025).

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Conv1d, Conv2d, GroupNorm, Linear, Walk, param, silu, telltale};
use crate::error::{NetsError, Result};
use crate::sched::{Schedule, betas};
use crate::unet::{self, GUIDED, Levels, ResBlock, Resample, Style, TimeEmbed, UNet, group_norm};
use crate::wav2lip::{self, FACE, Wav2Lip};
use crate::zoo;

/// Mel bands and frames of the sound that belongs to one picture.
pub const MEL: [usize; 2] = [80, 16];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Side of the square face picture.
    pub image_size: usize,
    /// Side of the squares of pixels that the U-Net takes for one position. 1 as published; more makes the compact
    /// form, see [`Config::compact`].
    pub patch: usize,
    pub unet: unet::Config,
    /// The generator, within the compact form's file, that listens for it and makes its references.
    pub draft: Option<wav2lip::Config>,
}

impl Config {
    /// Noisy picture, face, reference; noise and its variance: channels a pixel.
    const SEEN: usize = 9;
    const MADE: usize = 6;
    const PATCH: usize = 4;

    /// The released network: 101,670,630 parameters in 632 tensors.
    pub fn released() -> Self {
        let unet = unet::Config {
            in_channels: Self::SEEN,
            out_channels: Self::MADE,
            model_channels: 128,
            channel_mult: vec![1, 1, 2, 3, 4],
            res_blocks_per_level: 2,
            attention_at: vec![4, 8, 16],
            head_channels: 64,
        };
        Self { image_size: 128, patch: 1, unet, draft: None }
    }

    /// A form of our own that learns and paints some fifty times faster: the U-Net walks over patches of 4×4 pixels
    /// ("Improving Diffusion Model Efficiency Through Patching", Luhman & Luhman 2022), knows by an embedding where
    /// each lies, and says the velocity of the picture (Salimans & Ho 2022), from which the noise follows without
    /// the hundredfold errors of a picture recovered from almost pure noise.
    ///
    /// `image_size`: a multiple of 16; `width`: channels of the first level, a multiple of 32.
    pub fn compact(image_size: usize, width: usize, res_blocks: usize) -> Self {
        let pixels = Self::PATCH * Self::PATCH;
        let unet = unet::Config {
            in_channels: Self::SEEN * pixels,
            out_channels: Self::MADE * pixels,
            model_channels: width,
            channel_mult: vec![1, 2, 2],
            res_blocks_per_level: res_blocks,
            attention_at: vec![2, 4],
            head_channels: (1 << width.trailing_zeros()).min(64),
        };
        Self { image_size, patch: Self::PATCH, unet, draft: None }
    }

    /// The compact form of [`FACE`] pixels that finishes what `draft` begins.
    pub fn finishing(draft: wav2lip::Config, width: usize, res_blocks: usize) -> Self {
        Self { draft: Some(draft), ..Self::compact(FACE, width, res_blocks) }
    }

    /// Reads off the checkpoint what its shapes tell: width and depth, and of the compact form, which alone has
    /// positions, patches and size.
    ///
    /// The width of an attention head leaves no trace there; the published one is 64, and narrower networks
    /// are taken to use the widest power of two that divides them.
    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        telltale(vb, "time_embed.0.weight")?;
        let unet = zoo::read_unet(vb, "", 64);
        let positions = vb.contains_tensor("position").then(|| telltale(vb, "position")).transpose()?;
        let draft = vb.contains_tensor(DRAFT_STYLE).then(|| wav2lip::Config::of_checkpoint(&vb.pp("draft")));
        let draft = draft.transpose()?;
        let config = unet.and_then(|unet| Self::of_shapes(unet, positions.as_ref().map(|t| t.dims()), draft));
        config.ok_or_else(|| NetsError::Invalid("the checkpoint holds no Diff2Lip U-Net".to_owned()))
    }

    /// `positions`: the shape of the compact form's embedding of positions.
    pub(crate) fn of_shapes(
        unet: unet::Config,
        positions: Option<&[usize]>,
        draft: Option<wav2lip::Config>,
    ) -> Option<Self> {
        let Some(positions) = positions else {
            return draft.is_none().then_some(Self { image_size: 128, patch: 1, unet, draft });
        };
        let &[channels, rows, columns] = positions else { return None };
        let patch = (unet.in_channels / Self::SEEN).isqrt();
        let fits = patch > 1
            && (1..=1 << 10).contains(&rows)
            && rows == columns
            && rows.is_multiple_of(unet.side_multiple())
            && [channels, unet.in_channels] == [Self::SEEN * patch * patch; 2]
            && unet.out_channels == Self::MADE * patch * patch;
        let image_size = patch.saturating_mul(rows);
        (fits && (draft.is_none() || image_size == FACE)).then_some(Self { image_size, patch, unet, draft })
    }

    /// The noise that the network takes away: of a draft only as much as hides how its mouth stands.
    pub fn process(&self) -> Result<Schedule> {
        let betas = betas::linear(1000);
        let steps = if self.draft.is_some() { DRAFT_STEPS } else { betas.len() };
        Schedule::new(betas[..steps].to_vec())
    }

    /// How embeddings come into the U-Net: in the compact form they scale and shift what is normalised, since a
    /// group of few channels loses what is added to it before.
    pub(crate) fn style(&self) -> &'static Style {
        const MODULATED: Style = Style { modulates: true, ..GUIDED };
        if self.patch > 1 { &MODULATED } else { &GUIDED }
    }

    /// Numbers of what [`Diff2Lip::listen`] says.
    pub fn said_channels(&self) -> usize {
        self.draft.map_or(self.unet.embedding_channels(), |draft| draft.embedding_channels())
    }

    /// Shape of the compact form's embedding of positions.
    pub(crate) fn positions(&self) -> Option<[usize; 3]> {
        let side = self.image_size / self.patch;
        (self.patch > 1).then_some([self.unet.in_channels, side, side])
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
    /// `[n, 512]` for the released network: what the sound adds to the time embedding.
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
    ear: Ear,
    compact: Option<Compact>,
    pub config: Config,
}

/// What listens.
#[derive(Debug, Clone)]
enum Ear {
    Own {
        encoder: Box<AudioEncoder>,
        to_style: ToStyle,
    },
    /// The draft's, whose words are only translated.
    Draft {
        generator: Box<Wav2Lip>,
        to_style: Linear,
    },
}

/// Of the 1000 steps, how many a draft goes through: at the last one noise of deviation 0.69 lies over 0.72 of it.
const DRAFT_STEPS: usize = 250;
/// Beside a picture of deviation 1: below this a network with a draft says less noise than there is.
const LEAST_NOISE: f64 = 0.1;
/// How far a draft is from the picture: root of the mean square in the lower half, pictures in [-1, 1] (lipsmith-w's, on the
/// people it learned from).
const LACKING: f64 = 0.1;

/// A tensor that only networks with a draft have.
const DRAFT_STYLE: &str = "draft_to_style.weight";

/// What the compact form has beside the U-Net.
#[derive(Debug, Clone)]
struct Compact {
    /// `[channels, rows, columns]` of the patches.
    position: Tensor,
    /// The share of the clean picture's variance in the noisy one, at each time of the process.
    kept: Vec<f64>,
}

impl Diff2Lip {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let emb = cfg.unet.embedding_channels();
        let compact = cfg.positions().map(|shape| {
            let kept = cfg.process()?.alphas_cumprod;
            Ok::<_, NetsError>(Compact { position: param(vb, &shape, "position")?, kept })
        });
        Ok(Self {
            time_embed: TimeEmbed::new(&vb.pp("time_embed"), cfg.unet.model_channels, emb)?,
            unet: UNet::new(&cfg.unet, cfg.style(), vb)?,
            ear: match &cfg.draft {
                None => Ear::Own {
                    encoder: Box::new(AudioEncoder::new(&vb.pp("audio_encoder"))?),
                    to_style: ToStyle::new(&vb.pp("audio_encoder_to_style"), emb)?,
                },
                Some(draft) => Ear::Draft {
                    generator: Box::new(Wav2Lip::new(draft, &vb.pp("draft"))?),
                    to_style: Linear::new(&vb.pp("draft_to_style"), draft.embedding_channels(), emb)?,
                },
            },
            compact: compact.transpose()?,
            config: cfg.clone(),
        })
    }

    /// What the sound says, `[n, 80, 16]` mel in [-4, 4] → `[n, 512]` for the released network; that of a draft's ear, whose
    /// numbers are not negative. It does not change from step to step: compute it once a frame.
    pub fn listen(&self, mel: &Tensor) -> Result<Tensor> {
        match &self.ear {
            Ear::Own { encoder, to_style } => to_style.forward(&encoder.forward(mel)?),
            // A draft is finished: whoever learns here learns to make the best of it.
            Ear::Draft { generator, .. } => {
                Ok(generator.audio_embedding(&mel.unsqueeze(1)?)?.flatten_from(1)?.detach())
            }
        }
    }

    /// What the network sees while it repaints the lower halves of `faces`: `said`, of [`listen`](Self::listen), or told in the
    /// same words; `reference`, of the same person; `veil`, the noise that sampling starts from. All `[n, 3, s, s]`, RGB in
    /// [-1, 1].
    pub fn condition(
        &self,
        said: &Tensor,
        faces: &Tensor,
        reference: &Tensor,
        veil: &Tensor,
    ) -> Result<Condition> {
        let mask = lower_half_mask(self.config.image_size, faces)?;
        let face = masked_face(faces, &mask, veil)?;
        let (style, reference) = match &self.ear {
            Ear::Own { .. } => (said.clone(), reference.clone()),
            Ear::Draft { generator, to_style } => {
                let unit = |rgb: &Tensor| turned(&rgb.affine(0.5, 0.5)?);
                let upper = unit(faces)?.broadcast_mul(&mask.affine(-1.0, 1.0)?)?;
                let stack = Tensor::cat(&[&upper, &unit(reference)?], 1)?;
                let drafted = generator.paint(said.unsqueeze(2)?.unsqueeze(3)?, &stack)?.picture.detach();
                (to_style.forward(said)?, turned(&drafted)?.affine(2.0, -1.0)?)
            }
        };
        Ok(Condition { face, mask, reference, style })
    }

    /// Where sampling begins, along a schedule of this network's [process](Config::process), in fewer steps or not: with
    /// `noise`, `[n, 3, s, s]`, or with its draft under it.
    pub fn begin(&self, schedule: &Schedule, noise: &Tensor, given: &Condition) -> Result<Tensor> {
        let last = schedule.alphas_cumprod.last().filter(|_| self.config.draft.is_some());
        let Some(kept) = last else { return Ok(noise.clone()) };
        Ok(((&given.reference * kept.sqrt())? + (noise * (1.0 - kept).sqrt())?)?)
    }

    /// One denoising step: `x`, `[n, 3, s, s]` at the original process's time `timestep` → `[n, 6, s, s]`:
    /// the noise in it, then the interpolation of its variance.
    pub fn forward(&self, x: &Tensor, timestep: f32, given: &Condition) -> Result<Tensor> {
        self.forward_at(x, &[timestep], given)
    }

    /// [`Self::forward`] with a time for each picture, or one for all.
    pub fn forward_at(&self, x: &Tensor, timesteps: &[f32], given: &Condition) -> Result<Tensor> {
        self.forward_through(x, timesteps, given, Levels::All)
    }

    /// [`Self::forward_at`], of which a step of sampling may leave out the U-Net's inner levels.
    pub fn forward_through(
        &self,
        x: &Tensor,
        timesteps: &[f32],
        given: &Condition,
        levels: Levels,
    ) -> Result<Tensor> {
        let known = blend(&given.mask, x, &given.face)?;
        let emb = self.time_embed.forward(timesteps)?.broadcast_add(&given.style)?;
        let Some(compact) = &self.compact else {
            let stack = Tensor::cat(&[&known, &given.face, &given.reference], 1)?;
            return self.unet.forward_through(&stack, &[&emb], None, levels);
        };
        let through = |seen: &Tensor| {
            // Noise in the condition would only have to be learned away.
            let face = given.face.broadcast_mul(&given.mask.affine(-1.0, 1.0)?)?;
            let stack = Tensor::cat(&[seen, &face, &given.reference], 1)?;
            let position = compact.position.to_dtype(x.dtype())?;
            let patches = to_patches(&stack, self.config.patch)?.broadcast_add(&position)?;
            of_patches(&self.unet.forward_through(&patches, &[&emb], None, levels)?, self.config.patch)
        };
        match self.config.draft {
            None => compact.by_velocity(x, &known, timesteps, through),
            Some(_) => compact.by_what_is_lacking(x, given, timesteps, through),
        }
    }
}

impl Compact {
    /// A number of the noise at each picture's time, from the share of the clean picture's variance: `[n or 1, 1, 1, 1]`.
    fn at(&self, timesteps: &[f32], of: impl Fn(f64) -> f64, device: &Device) -> Result<Tensor> {
        let last = self.kept.len() - 1;
        let values: Vec<f32> =
            timesteps.iter().map(|t| of(self.kept[(*t as usize).min(last)]) as f32).collect();
        Ok(Tensor::from_vec(values, (timesteps.len(), 1, 1, 1), device)?)
    }

    /// The network sees the picture as it is known and says its velocity, from which the noise follows.
    fn by_velocity(
        &self,
        x: &Tensor,
        known: &Tensor,
        timesteps: &[f32],
        network: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let level = |of: fn(f64) -> f64| self.at(timesteps, of, x.device());
        let made = network(known)?;
        let (clean, noisy) = (level(f64::sqrt)?, level(|kept| (1.0 - kept).sqrt())?);
        let noise = made.narrow(1, 0, 3)?.broadcast_mul(&clean)?;
        let noise = (noise + x.to_dtype(DType::F32)?.broadcast_mul(&noisy)?)?;
        Ok(Tensor::cat(&[&noise, &made.narrow(1, 3, 3)?], 1)?)
    }

    /// The network sees how far the noisy picture is from the draft, brought to a deviation of 1, and says what the draft lacks,
    /// as a multiple of [`LACKING`].
    fn by_what_is_lacking(
        &self,
        x: &Tensor,
        given: &Condition,
        timesteps: &[f32],
        network: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        /// Deviation of the noise beside a picture of deviation 1.
        fn noisy(kept: f64) -> f64 {
            ((1.0 - kept) / kept).sqrt()
        }
        let level = |of: fn(f64) -> f64| self.at(timesteps, of, x.device());
        let picture = x.to_dtype(DType::F32)?.broadcast_mul(&level(|kept| 1.0 / kept.sqrt())?)?;
        let far = (picture - given.reference.to_dtype(DType::F32)?)?;
        let seen = far.broadcast_mul(&level(|kept| 1.0 / noisy(kept).hypot(LACKING))?)?;
        let made = network(&seen.broadcast_mul(&given.mask)?)?;
        // What is left when what was lacking is taken off; where there is hardly any, it is not blown up.
        let left = (far - (made.narrow(1, 0, 3)? * LACKING)?)?;
        let noise = left.broadcast_mul(&level(|kept| 1.0 / noisy(kept).max(LEAST_NOISE))?)?;
        Ok(Tensor::cat(&[&noise, &made.narrow(1, 3, 3)?], 1)?)
    }
}

/// Blue, green, red from red, green, blue, and the other way.
fn turned(pictures: &Tensor) -> Result<Tensor> {
    Ok(pictures.index_select(&Tensor::new(&[2u32, 1, 0], pictures.device())?, 1)?)
}

/// Squares of pixels as channels, `[n, c, p·h, p·w] → [n, c·p², h, w]`.
fn to_patches(x: &Tensor, patch: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let squares = x.reshape(&[n, c, h / patch, patch, w / patch, patch][..])?;
    let patches = squares.permute([0, 1, 3, 5, 2, 4])?.contiguous()?;
    Ok(patches.reshape((n, c * patch * patch, h / patch, w / patch))?)
}

/// The inverse of [`to_patches`].
fn of_patches(x: &Tensor, patch: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let patches = x.reshape(&[n, c / (patch * patch), patch, patch, h, w][..])?;
    let squares = patches.permute([0, 1, 4, 2, 5, 3])?.contiguous()?;
    Ok(squares.reshape((n, c / (patch * patch), h * patch, w * patch))?)
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
