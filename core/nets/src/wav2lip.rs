//! Wav2Lip's generator: "A Lip Sync Expert Is All You Need for Speech to Lip Generation In the Wild"
//! (Prajwal et al. 2020; repository Rudrabha/Wav2Lip): two encoders, one of the face and one of the sound,
//! and a decoder that joins them level by level into a 96×96 face.
//!
//! Ours may end in three channels more, which the published one does not have: where in the reference each pixel is to
//! be fetched, and how much of it. What is carried over by a warp is as sharp as the film and the actor's own, so a small
//! network need not learn to paint skin; it learns how faces move (Zhou et al. 2016, "View Synthesis by Appearance Flow").

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{
    BatchNorm, Conv2d, ConvTranspose2d, Mode, Walk, append, check_width, relu, relu_of_sum, sigmoid, telltale,
};
use crate::error::Result;

/// Side of the square face picture.
pub const FACE: usize = 96;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Channels of the face encoder's first layer; all others follow. 16 in the published network.
    pub width: usize,
    /// Whether the picture is warped from the reference where that has it, and painted elsewhere.
    pub warps: bool,
}

impl Config {
    /// The published network: 36,298,035 parameters in 352 tensors.
    pub fn released() -> Self {
        Self { width: 16, warps: false }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let first = telltale(vb, "face_encoder_blocks.0.0.conv_block.0.weight")?;
        let last = telltale(vb, "output_block.1.weight")?;
        Ok(Self { width: first.dims4()?.0, warps: last.dims4()?.0 == Self::WARPING })
    }

    /// Channels of the last layer when it warps: the painted picture, the flow, the share of it.
    pub(crate) const WARPING: usize = 6;

    /// Numbers in which the ear says what it heard.
    pub fn embedding_channels(&self) -> usize {
        32 * self.width
    }

    pub fn channels_out(&self) -> usize {
        if self.warps { Self::WARPING } else { 3 }
    }
}

/// A convolution, batch normalisation, the shortcut, if any; ReLU after it.
#[derive(Debug, Clone)]
pub(crate) struct ConvBlock {
    layer: Layer,
    /// In training; for inference it is folded into the layer.
    norm: Option<BatchNorm>,
    residual: bool,
}

#[derive(Debug, Clone)]
enum Layer {
    Plain(Conv2d),
    Transposed(ConvTranspose2d),
}

impl ConvBlock {
    pub(crate) fn new(
        vb: &VarBuilder,
        [c_in, c_out, kernel]: [usize; 3],
        walk: Walk,
        mode: Mode,
    ) -> Result<Self> {
        let vb = vb.pp("conv_block");
        let conv = Conv2d::new(&vb.pp("0"), c_in, c_out, [kernel, kernel], walk)?;
        Self::normed(&vb, Layer::Plain(conv), c_out, mode)
    }

    /// 3×3 with a shortcut.
    pub(crate) fn residual(vb: &VarBuilder, channels: usize, mode: Mode) -> Result<Self> {
        Ok(Self { residual: true, ..Self::new(vb, [channels, channels, 3], Walk::same(3), mode)? })
    }

    /// Transposed 3×3; `steps`: stride, padding, output padding.
    fn transposed(vb: &VarBuilder, [c_in, c_out]: [usize; 2], steps: [usize; 3], mode: Mode) -> Result<Self> {
        let vb = vb.pp("conv_block");
        let conv = ConvTranspose2d::new(&vb.pp("0"), c_in, c_out, 3, steps)?;
        Self::normed(&vb, Layer::Transposed(conv), c_out, mode)
    }

    fn normed(vb: &VarBuilder, layer: Layer, channels: usize, mode: Mode) -> Result<Self> {
        let norm = BatchNorm::new(&vb.pp("1"), channels)?;
        Ok(match (mode, layer) {
            (Mode::Inference, Layer::Plain(conv)) => {
                Self { layer: Layer::Plain(conv.folding(&norm)?), norm: None, residual: false }
            }
            (Mode::Inference, Layer::Transposed(conv)) => {
                Self { layer: Layer::Transposed(conv.folding(&norm)?), norm: None, residual: false }
            }
            // The batch's mean takes every bias off again, so its gradient is zero and not worth a sweep.
            (Mode::Training, Layer::Plain(mut conv)) => {
                conv.bias = conv.bias.map(|bias| bias.detach());
                Self { layer: Layer::Plain(conv), norm: Some(norm), residual: false }
            }
            (Mode::Training, Layer::Transposed(mut conv)) => {
                conv.bias = conv.bias.map(|bias| bias.detach());
                Self { layer: Layer::Transposed(conv), norm: Some(norm), residual: false }
            }
        })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match &self.layer {
            Layer::Plain(conv) => conv.forward(x)?,
            Layer::Transposed(conv) => conv.forward(x)?,
        };
        match (&self.norm, self.residual) {
            (Some(norm), residual) => norm.train_relu(&y, residual.then_some(x)),
            (None, true) => relu_of_sum(&y, x),
            (None, false) => relu(&y),
        }
    }
}

pub(crate) fn run(blocks: &[ConvBlock], x: Tensor) -> Result<Tensor> {
    blocks.iter().try_fold(x, |x, block| block.forward(&x))
}

#[derive(Debug, Clone)]
pub struct Wav2Lip {
    face_encoder: Vec<Vec<ConvBlock>>,
    audio_encoder: Vec<ConvBlock>,
    face_decoder: Vec<Vec<ConvBlock>>,
    output: ConvBlock,
    output_point: Conv2d,
    embedding: usize,
    warps: bool,
    dtype: DType,
}

impl Wav2Lip {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        Self::build(cfg, vb, Mode::Inference)
    }

    /// For training; the tensors of `vb` must be variables.
    pub fn trainable(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        Self::build(cfg, vb, Mode::Training)
    }

    fn build(cfg: &Config, vb: &VarBuilder, mode: Mode) -> Result<Self> {
        let w = cfg.width;
        check_width("Wav2Lip's generator", w)?;
        let output = vb.pp("output_block");
        Ok(Self {
            face_encoder: face_encoder(&vb.pp("face_encoder_blocks"), w, mode)?,
            audio_encoder: audio_encoder(&vb.pp("audio_encoder"), w, 1, mode)?,
            face_decoder: face_decoder(&vb.pp("face_decoder_blocks"), w, mode)?,
            output: ConvBlock::new(&output.pp("0"), [5 * w, 2 * w, 3], Walk::same(3), mode)?,
            output_point: Conv2d::point(&output.pp("1"), 2 * w, cfg.channels_out())?,
            embedding: cfg.embedding_channels(),
            warps: cfg.warps,
            dtype: vb.dtype(),
        })
    }

    /// Numbers in which the ear says what it heard.
    pub fn embedding_channels(&self) -> usize {
        self.embedding
    }

    /// `mel`: `[n, 1, 80, 16]` in [-4, 4]; `faces`: `[n, 6, 96, 96]`, BGR in [0, 1], first the frame with its
    /// lower half black, then a whole face of the same person → `[n, 3, 96, 96]`, BGR in [0, 1], f32.
    pub fn forward(&self, mel: &Tensor, faces: &Tensor) -> Result<Tensor> {
        Ok(self.paint(self.audio_embedding(mel)?, faces)?.picture)
    }

    /// What [`forward`](Self::forward) does once it has listened; `embedding`: `[n, 32·width, 1, 1]`, not negative.
    pub fn paint(&self, embedding: Tensor, faces: &Tensor) -> Result<Painted> {
        let mut features = Vec::with_capacity(self.face_encoder.len());
        let mut face = faces.to_dtype(self.dtype)?;
        for level in &self.face_encoder {
            face = run(level, face)?;
            features.push(face.clone());
        }
        let mut x = embedding;
        for (level, feature) in self.face_decoder.iter().zip(features.iter().rev()) {
            x = append(&run(level, x)?, feature)?;
        }
        let pixels = self.output_point.forward(&self.output.forward(&x)?)?.to_dtype(DType::F32)?;
        if !self.warps {
            return Ok(Painted { picture: sigmoid(&pixels)?, warp: None });
        }
        let painted = sigmoid(&pixels.narrow(1, 0, 3)?)?;
        let flow = (pixels.narrow(1, 3, 2)? * REACH)?;
        // A layer of zeros begins by carrying over nearly all of the reference.
        let share = sigmoid(&(pixels.narrow(1, 5, 1)? + 2.0)?)?;
        let reference = faces.narrow(1, 3, 3)?.to_dtype(DType::F32)?;
        let carried = warp(&reference, &flow)?;
        let picture = ((carried - &painted)?.broadcast_mul(&share)? + &painted)?;
        Ok(Painted { picture, warp: Some(Warp { flow, share, painted }) })
    }

    /// Whether its pictures are warped from the reference.
    pub fn warps(&self) -> bool {
        self.warps
    }

    /// The audio encoder alone, `[n, 1, 80, 16]` → `[n, 32·width, 1, 1]`.
    pub fn audio_embedding(&self, mel: &Tensor) -> Result<Tensor> {
        run(&self.audio_encoder, mel.to_dtype(self.dtype)?)
    }
}

/// What the decoder makes of a face.
pub struct Painted {
    /// `[n, 3, 96, 96]`, BGR in [0, 1], f32.
    pub picture: Tensor,
    /// Of a network that warps.
    pub warp: Option<Warp>,
}

/// What the picture is composed of, beside the reference.
pub struct Warp {
    /// How many pixels to the right and down in the reference that lies which is seen here, `[n, 2, 96, 96]`.
    pub flow: Tensor,
    /// How much of that there is in the picture, 0 to 1, `[n, 1, 96, 96]`.
    pub share: Tensor,
    /// What is put where the reference does not serve, everywhere; as the picture.
    pub painted: Tensor,
}

/// Pixels of flow to which one in the last layer amounts.
const REACH: f64 = 8.0;

/// Pictures `[n, c, h, w]` seen `flow` pixels further right and down, `[n, 2, h, w]`; bilinear, beyond the border as at it.
/// The flow has a gradient wherever it points into the picture.
pub fn warp(pictures: &Tensor, flow: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = pictures.dims4()?;
    let device = pictures.device();
    // Upper left pixel and how far beyond it, along one axis; `at` counts pixels.
    let taps = |axis: usize, at: Tensor, size: usize| -> Result<(Tensor, Tensor)> {
        let last = (size - 1) as f64;
        let at = flow.narrow(1, axis, 1)?.broadcast_add(&at)?.relu()?;
        let at = (at.affine(-1.0, last)?.relu()?.affine(-1.0, last))?;
        let first = at.detach().floor()?.clamp(0.0, last - 1.0)?;
        Ok((first.clone(), (at - first)?))
    };
    let (left, along) = taps(0, Tensor::arange(0f32, w as f32, device)?.reshape((1, 1, 1, w))?, w)?;
    let (top, down) = taps(1, Tensor::arange(0f32, h as f32, device)?.reshape((1, 1, h, 1))?, h)?;
    let corner = ((top * w as f64)? + left)?.to_dtype(DType::U32)?.reshape((n, 1, h * w))?;
    let flat = pictures.contiguous()?.flatten_from(2)?;
    let fetch = |beyond: usize| -> Result<Tensor> {
        let beyond = Tensor::new(beyond as u32, device)?;
        let index = corner.broadcast_add(&beyond)?.broadcast_as((n, c, h * w))?.contiguous()?;
        Ok(flat.gather(&index, 2)?.reshape((n, c, h, w))?)
    };
    let between =
        |a: Tensor, b: Tensor, part: &Tensor| -> Result<Tensor> { Ok(((b - &a)?.broadcast_mul(part)? + a)?) };
    let upper = between(fetch(0)?, fetch(1)?, &along)?;
    let lower = between(fetch(w)?, fetch(w + 1)?, &along)?;
    between(upper, lower, &down)
}

/// 96 → 48 → 24 → 12 → 6 → 3 → 1, a feature map from each.
fn face_encoder(vb: &VarBuilder, w: usize, mode: Mode) -> Result<Vec<Vec<ConvBlock>>> {
    const RESIDUALS: [usize; 5] = [2, 3, 2, 2, 1];
    let mut levels = vec![vec![ConvBlock::new(&vb.pp("0.0"), [6, w, 7], Walk::same(7), mode)?]];
    let mut channels = w;
    for residuals in RESIDUALS {
        let vb = vb.pp(levels.len());
        let mut level =
            vec![ConvBlock::new(&vb.pp("0"), [channels, 2 * channels, 3], Walk::strided(2, 1), mode)?];
        channels *= 2;
        for _ in 0..residuals {
            level.push(ConvBlock::residual(&vb.pp(level.len()), channels, mode)?);
        }
        levels.push(level);
    }
    let vb = vb.pp(levels.len());
    levels.push(vec![
        ConvBlock::new(&vb.pp("0"), [channels, channels, 3], Walk::UNIT, mode)?,
        ConvBlock::new(&vb.pp("1"), [channels, channels, 1], Walk::UNIT, mode)?,
    ]);
    Ok(levels)
}

/// `[n, 1, 80, 16]` → `[n, 32·w, 1, 1]`; the generator has one shortcut layer at its last strided level
/// (`residuals_at_16w`), the expert two.
pub(crate) fn audio_encoder(
    vb: &VarBuilder,
    w: usize,
    residuals_at_16w: usize,
    mode: Mode,
) -> Result<Vec<ConvBlock>> {
    let strided = |rows, columns| Walk { stride: [rows, columns], ..Walk::same(3) };
    let mut blocks = Vec::new();
    let mut channels = 1;
    for (width, residuals, walk) in [
        (2 * w, 2, Walk::same(3)),
        (4 * w, 2, strided(3, 1)),
        (8 * w, 2, strided(3, 3)),
        (16 * w, residuals_at_16w, strided(3, 2)),
    ] {
        blocks.push(ConvBlock::new(&vb.pp(blocks.len()), [channels, width, 3], walk, mode)?);
        channels = width;
        for _ in 0..residuals {
            blocks.push(ConvBlock::residual(&vb.pp(blocks.len()), channels, mode)?);
        }
    }
    blocks.push(ConvBlock::new(&vb.pp(blocks.len()), [channels, 32 * w, 3], Walk::UNIT, mode)?);
    blocks.push(ConvBlock::new(&vb.pp(blocks.len()), [32 * w, 32 * w, 1], Walk::UNIT, mode)?);
    Ok(blocks)
}

/// 1 → 1 → 3 → 6 → 12 → 24 → 48 → 96; after each level the encoder's map of that size is appended.
fn face_decoder(vb: &VarBuilder, w: usize, mode: Mode) -> Result<Vec<Vec<ConvBlock>>> {
    let point = ConvBlock::new(&vb.pp("0.0"), [32 * w, 32 * w, 1], Walk::UNIT, mode)?;
    let mut levels = vec![vec![point]];
    for (c_in, c_out, residuals) in [
        (64 * w, 32 * w, 1),
        (64 * w, 32 * w, 2),
        (48 * w, 24 * w, 2),
        (32 * w, 16 * w, 2),
        (20 * w, 8 * w, 2),
        (10 * w, 4 * w, 2),
    ] {
        let vb = vb.pp(levels.len());
        // The second level grows 1×1 to 3×3, each later one doubles: [stride, padding, output padding].
        let steps = if levels.len() == 1 { [1, 0, 0] } else { [2, 1, 1] };
        let mut level = vec![ConvBlock::transposed(&vb.pp("0"), [c_in, c_out], steps, mode)?];
        for i in 1..=residuals {
            level.push(ConvBlock::residual(&vb.pp(i), c_out, mode)?);
        }
        levels.push(level);
    }
    Ok(levels)
}
