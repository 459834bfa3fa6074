//! The first stage of latent diffusion (Rombach et al. 2022; repository CompVis/latent-diffusion, `VQModel`): an
//! autoencoder whose latent pictures are, for decoding, made of the entries of a code book ("Taming Transformers",
//! Esser et al. 2021). DiffTalk paints in its latent space.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::blocks::{Conv2d, GroupNorm, Walk, check_width, param, qkv_attention, upsample_nearest2};
use crate::error::{NetsError, Result};
use crate::zoo;

/// Positions whose nearest code is looked for at a time: the distances to all codes are held for so many.
const POSITIONS: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Width of the first level; each level is this times its entry of `channel_mult`.
    pub channels: usize,
    pub channel_mult: Vec<usize>,
    pub res_blocks_per_level: usize,
    /// Channels of the latent picture.
    pub latent: usize,
    /// Entries of the code book.
    pub codes: usize,
    /// Whether positions attend to each other after every block of the coarsest level too, not in the middle only.
    pub coarsest_attends: bool,
}

impl Config {
    /// The published VQ-f4: 55,322,782 parameters in 205 tensors.
    pub fn released() -> Self {
        Self {
            channels: 128,
            channel_mult: vec![1, 2, 4],
            res_blocks_per_level: 2,
            latent: 3,
            codes: 8192,
            coarsest_attends: false,
        }
    }

    /// The published VQ-f8 (CompVis/latent-diffusion, models/first_stage_models/vq-f8): pictures of 512 pixels have
    /// latent pictures of 64 as those of 256 have by VQ-f4.
    pub fn released_f8() -> Self {
        Self {
            channels: 128,
            channel_mult: vec![1, 2, 2, 4],
            res_blocks_per_level: 2,
            latent: 4,
            codes: 16_384,
            coarsest_attends: true,
        }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        zoo::read_vq(vb, "").ok_or_else(|| {
            NetsError::Invalid("the checkpoint holds no VQ autoencoder of latent diffusion".to_owned())
        })
    }

    /// Pixels of the picture in a row and column to one of the latent picture.
    pub fn shrinks(&self) -> usize {
        1 << (self.channel_mult.len() - 1)
    }

    fn attends(&self, level: usize) -> bool {
        self.coarsest_attends && level + 1 == self.channel_mult.len()
    }

    fn widths(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.channel_mult.iter().map(|mult| mult * self.channels)
    }

    fn check(&self) -> Result<()> {
        check_width("a VQ autoencoder", self.channels)?;
        if !self.channel_mult.is_empty() && self.widths().all(|width| width > 0 && width.is_multiple_of(32)) {
            return Ok(());
        }
        Err(NetsError::Invalid(format!(
            "{self:?} is no VQ autoencoder: every width must be a multiple of 32"
        )))
    }
}

fn norm(vb: &VarBuilder, channels: usize) -> Result<GroupNorm> {
    GroupNorm::new(vb, 32, channels, 1e-6)
}

/// Twice norm, SiLU and convolution; plus the shortcut.
#[derive(Debug, Clone)]
struct ResBlock {
    norms: [GroupNorm; 2],
    convs: [Conv2d; 2],
    shortcut: Option<Conv2d>,
}

impl ResBlock {
    fn new(vb: &VarBuilder, c_in: usize, c_out: usize) -> Result<Self> {
        let shortcut = (c_in != c_out).then(|| Conv2d::point(&vb.pp("nin_shortcut"), c_in, c_out));
        Ok(Self {
            norms: [norm(&vb.pp("norm1"), c_in)?, norm(&vb.pp("norm2"), c_out)?],
            convs: [
                Conv2d::same3(&vb.pp("conv1"), c_in, c_out)?,
                Conv2d::same3(&vb.pp("conv2"), c_out, c_out)?,
            ],
            shortcut: shortcut.transpose()?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.convs;
        let h = first.forward(&self.norms[0].forward_silu(x)?)?;
        let h = second.forward(&self.norms[1].forward_silu(&h)?)?;
        Ok(match &self.shortcut {
            Some(shortcut) => (shortcut.forward(x)? + h)?,
            None => (x + h)?,
        })
    }
}

/// Positions attend to each other, in one head.
#[derive(Debug, Clone)]
struct Attention {
    norm: GroupNorm,
    qkv: Conv2d,
    proj_out: Conv2d,
}

impl Attention {
    fn new(vb: &VarBuilder, channels: usize) -> Result<Self> {
        let shape = [channels, channels, 1, 1];
        let weight = |name: &str| param(&vb.pp(name), &shape, "weight");
        let bias = |name: &str| param(&vb.pp(name), &shape[..1], "bias");
        let weights = Tensor::cat(&[weight("q")?, weight("k")?, weight("v")?], 0)?;
        let biases = Tensor::cat(&[bias("q")?, bias("k")?, bias("v")?], 0)?;
        Ok(Self {
            norm: norm(&vb.pp("norm"), channels)?,
            qkv: Conv2d::of_tensors(weights, Some(biases), Walk::UNIT),
            proj_out: Conv2d::point(&vb.pp("proj_out"), channels, channels)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let qkv = self.qkv.forward(&self.norm.forward(x)?)?.flatten_from(2)?;
        let attended = qkv_attention(&qkv, 1)?.reshape(x.shape())?;
        Ok((self.proj_out.forward(&attended)? + x)?)
    }
}

#[derive(Debug, Clone)]
struct Middle(ResBlock, Attention, ResBlock);

impl Middle {
    fn new(vb: &VarBuilder, channels: usize) -> Result<Self> {
        Ok(Self(
            ResBlock::new(&vb.pp("block_1"), channels, channels)?,
            Attention::new(&vb.pp("attn_1"), channels)?,
            ResBlock::new(&vb.pp("block_2"), channels, channels)?,
        ))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Self(first, attention, second) = self;
        second.forward(&attention.forward(&first.forward(x)?)?)
    }
}

/// Blocks of one size, what attends after each of them if anything does, and the convolution that changes the size
/// after them.
#[derive(Debug, Clone)]
struct Level {
    blocks: Vec<ResBlock>,
    attention: Vec<Attention>,
    resample: Option<Conv2d>,
}

impl Level {
    /// `blocks` blocks from `from` channels to `to`.
    fn new(vb: &VarBuilder, from: usize, to: usize, blocks: usize, attends: bool) -> Result<Self> {
        let block = |n: usize| ResBlock::new(&vb.pp("block").pp(n), if n == 0 { from } else { to }, to);
        let attention = |n: usize| Attention::new(&vb.pp("attn").pp(n), to);
        Ok(Self {
            blocks: (0..blocks).map(block).collect::<Result<_>>()?,
            attention: (0..blocks).filter(|_| attends).map(attention).collect::<Result<_>>()?,
            resample: None,
        })
    }

    /// All but the change of size.
    fn forward(&self, mut x: Tensor) -> Result<Tensor> {
        for (n, block) in self.blocks.iter().enumerate() {
            x = block.forward(&x)?;
            if let Some(attention) = self.attention.get(n) {
                x = attention.forward(&x)?;
            }
        }
        Ok(x)
    }
}

/// The way down and the way up are the same but for this and their order.
#[derive(Debug, Clone)]
struct Tower {
    conv_in: Conv2d,
    levels: Vec<Level>,
    middle: Middle,
    norm_out: GroupNorm,
    conv_out: Conv2d,
}

impl Tower {
    fn down(vb: &VarBuilder, cfg: &Config) -> Result<Self> {
        let mut c = cfg.channels;
        let conv_in = Conv2d::same3(&vb.pp("conv_in"), 3, c)?;
        let mut levels = Vec::new();
        for (level, width) in cfg.widths().enumerate() {
            let vb = vb.pp("down").pp(level);
            let level = Level::new(&vb, c, width, cfg.res_blocks_per_level, cfg.attends(level))?;
            c = width;
            // Its padding is on one side: see `forward_down`.
            let halve = || Conv2d::new(&vb.pp("downsample.conv"), c, c, [3, 3], Walk::strided(2, 0));
            let resample = (levels.len() + 1 < cfg.channel_mult.len()).then(halve).transpose()?;
            levels.push(Level { resample, ..level });
        }
        Ok(Self {
            conv_in,
            levels,
            middle: Middle::new(&vb.pp("mid"), c)?,
            norm_out: norm(&vb.pp("norm_out"), c)?,
            conv_out: Conv2d::same3(&vb.pp("conv_out"), c, cfg.latent)?,
        })
    }

    fn up(vb: &VarBuilder, cfg: &Config) -> Result<Self> {
        let mut c = cfg.widths().next_back().unwrap_or(cfg.channels);
        let conv_in = Conv2d::same3(&vb.pp("conv_in"), cfg.latent, c)?;
        let middle = Middle::new(&vb.pp("mid"), c)?;
        let mut levels = Vec::new();
        for (level, width) in cfg.widths().enumerate().collect::<Vec<_>>().into_iter().rev() {
            let vb = vb.pp("up").pp(level);
            let double = || Conv2d::same3(&vb.pp("upsample.conv"), width, width);
            let resample = (level > 0).then(double).transpose()?;
            let level = Level::new(&vb, c, width, cfg.res_blocks_per_level + 1, cfg.attends(level))?;
            c = width;
            levels.push(Level { resample, ..level });
        }
        Ok(Self {
            conv_in,
            levels,
            middle,
            norm_out: norm(&vb.pp("norm_out"), c)?,
            conv_out: Conv2d::same3(&vb.pp("conv_out"), c, 3)?,
        })
    }

    fn forward_down(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.conv_in.forward(x)?;
        for level in &self.levels {
            x = level.forward(x)?;
            if let Some(halve) = &level.resample {
                x = halve.forward(&x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)?)?;
            }
        }
        self.end(&self.middle.forward(&x)?)
    }

    fn forward_up(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = self.middle.forward(&self.conv_in.forward(x)?)?;
        for level in &self.levels {
            x = level.forward(x)?;
            if let Some(conv) = &level.resample {
                x = conv.forward(&upsample_nearest2(&x)?)?;
            }
        }
        self.end(&x)
    }

    fn end(&self, x: &Tensor) -> Result<Tensor> {
        self.conv_out.forward(&self.norm_out.forward_silu(x)?)
    }
}

#[derive(Debug, Clone)]
pub struct Vq {
    encoder: Tower,
    decoder: Tower,
    /// `[codes, latent]`.
    codes: Tensor,
    quant_conv: Conv2d,
    post_quant_conv: Conv2d,
    pub config: Config,
}

impl Vq {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        cfg.check()?;
        let point = |name: &str| Conv2d::point(&vb.pp(name), cfg.latent, cfg.latent);
        Ok(Self {
            encoder: Tower::down(&vb.pp("encoder"), cfg)?,
            decoder: Tower::up(&vb.pp("decoder"), cfg)?,
            codes: param(&vb.pp("quantize.embedding"), &[cfg.codes, cfg.latent], "weight")?,
            quant_conv: point("quant_conv")?,
            post_quant_conv: point("post_quant_conv")?,
            config: cfg.clone(),
        })
    }

    /// `[n, 3, h, w]`, RGB in [-1, 1], sides multiples of [`Config::shrinks`] → `[n, latent, h', w']`, not yet
    /// made of codes.
    pub fn encode(&self, pictures: &Tensor) -> Result<Tensor> {
        self.quant_conv.forward(&self.encoder.forward_down(pictures)?)
    }

    /// The inverse of [`Self::encode`]; each position becomes its nearest code first. About [-1, 1].
    pub fn decode(&self, latent: &Tensor) -> Result<Tensor> {
        self.decoder.forward_up(&self.post_quant_conv.forward(&self.quantise(latent)?)?)
    }

    /// What [`Self::decode`] makes of [`Self::encode`], for training: the encoder gets the decoder's gradient as if there
    /// were no codes between them (straight through); and how far codes are from the latent pictures, which moves the
    /// codes, and latent pictures from the codes, which moves the encoder (van den Oord et al. 2017, eq. 3).
    pub fn trained(&self, pictures: &Tensor) -> Result<(Tensor, [Tensor; 2])> {
        let latent = self.encode(pictures)?;
        let codes = self.quantise(&latent.detach())?;
        let to_latent = (&codes - latent.detach())?.sqr()?.mean_all()?;
        let to_codes = (codes.detach() - &latent)?.sqr()?.mean_all()?;
        let passed = (&latent + (codes - &latent)?.detach())?;
        let made = self.decoder.forward_up(&self.post_quant_conv.forward(&passed)?)?;
        Ok((made, [to_latent, to_codes]))
    }

    fn quantise(&self, latent: &Tensor) -> Result<Tensor> {
        let (n, c, h, w) = latent.dims4()?;
        let positions = latent.permute((0, 2, 3, 1))?.contiguous()?.reshape((n * h * w, c))?;
        let lengths = self.codes.sqr()?.sum(1)?.unsqueeze(0)?;
        let ahead = (self.codes.t()?.contiguous()? * 2.0)?;
        let mut nearest = Vec::new();
        for start in (0..n * h * w).step_by(POSITIONS) {
            let some = positions.narrow(0, start, POSITIONS.min(n * h * w - start))?;
            let distances = lengths.broadcast_sub(&some.matmul(&ahead)?)?;
            nearest.push(self.codes.index_select(&distances.argmin(1)?, 0)?);
        }
        let made = Tensor::cat(&nearest, 0)?.reshape((n, h, w, c))?;
        Ok(made.permute((0, 3, 1, 2))?.contiguous()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use candle_nn::VarMap;

    #[test]
    fn a_first_stage_that_shrinks_by_eight_is_told_by_its_names() {
        let config = Config { channels: 32, codes: 16, ..Config::released_f8() };
        let map = VarMap::new();
        let fresh = Vq::new(&config, &VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu)).unwrap();
        let picture = Tensor::zeros((1, 3, 32, 64), DType::F32, &Device::Cpu).unwrap();
        let latent = fresh.encode(&picture).unwrap();
        assert_eq!((config.shrinks(), latent.dims()), (8, &[1, 4, 4, 8][..]));
        assert_eq!(fresh.decode(&latent).unwrap().dims(), picture.dims());

        let tensors = map.data().lock().unwrap();
        let tensors = tensors.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone()));
        let file = VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu);
        assert_eq!(Config::of_checkpoint(&file).unwrap(), config);
        let four = Config { channels: 32, codes: 16, ..Config::released() };
        assert!(Vq::new(&four, &file).is_err(), "is not taken for the other one");
    }
}
