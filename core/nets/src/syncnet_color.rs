//! The lip-sync expert of Wav2Lip (Prajwal et al. 2020; repository Rudrabha/Wav2Lip, `SyncNet_color`): tells
//! whether five pictures of a mouth and 0.2 s of sound belong together.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::blocks::{Mode, Walk, check_width, telltale};
use crate::error::Result;
use crate::wav2lip::{ConvBlock, audio_encoder, run};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Half the channels of the first layer; all others follow. 16 in the published network.
    pub width: usize,
}

impl Config {
    /// The published network: 16,435,072 parameters in 217 tensors.
    pub fn released() -> Self {
        Self { width: 16 }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let first = telltale(vb, "face_encoder.0.conv_block.0.weight")?;
        Ok(Self { width: first.dims4()?.0 / 2 })
    }
}

#[derive(Debug, Clone)]
pub struct SyncNetColor {
    face_encoder: Vec<ConvBlock>,
    audio_encoder: Vec<ConvBlock>,
}

impl SyncNetColor {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        Self::build(cfg, vb, Mode::Inference)
    }

    /// For training; the tensors of `vb` must be variables.
    pub fn trainable(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        Self::build(cfg, vb, Mode::Training)
    }

    fn build(cfg: &Config, vb: &VarBuilder, mode: Mode) -> Result<Self> {
        check_width("the lip-sync expert", cfg.width)?;
        Ok(Self {
            face_encoder: face_encoder(&vb.pp("face_encoder"), cfg.width, mode)?,
            audio_encoder: audio_encoder(&vb.pp("audio_encoder"), cfg.width, 2, mode)?,
        })
    }

    /// `faces`: `[n, 15, 48, 96]`, the lower halves of five consecutive BGR pictures in [0, 1], picture after
    /// picture → `[n, 512]`, of length 1, no component negative.
    pub fn faces(&self, faces: &Tensor) -> Result<Tensor> {
        unit(&run(&self.face_encoder, faces.clone())?)
    }

    /// What the face's tower feels on its way, the last `[n, c, h, w]` of each size: pictures that look alike to it feel
    /// alike.
    pub fn features(&self, faces: &Tensor) -> Result<Vec<Tensor>> {
        let mut felt: Vec<Tensor> = Vec::new();
        for block in &self.face_encoder {
            let next = block.forward(felt.last().unwrap_or(faces))?;
            if felt.last().is_some_and(|last| last.dims() == next.dims()) {
                felt.pop();
            }
            felt.push(next);
        }
        Ok(felt)
    }

    /// `mel`: `[n, 1, 80, 16]` in [-4, 4] → `[n, 512]`, of length 1, no component negative: its product with
    /// [`Self::faces`] is how well both agree, from 0 to 1.
    pub fn sound(&self, mel: &Tensor) -> Result<Tensor> {
        unit(&run(&self.audio_encoder, mel.clone())?)
    }
}

fn unit(x: &Tensor) -> Result<Tensor> {
    let x = x.flatten_from(1)?;
    let length = x.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-12)?;
    Ok(x.broadcast_div(&length)?)
}

/// 48×96 → 1×1.
fn face_encoder(vb: &VarBuilder, w: usize, mode: Mode) -> Result<Vec<ConvBlock>> {
    let mut blocks = vec![ConvBlock::new(&vb.pp("0"), [15, 2 * w, 7], Walk::same(7), mode)?];
    let mut channels = 2 * w;
    // Padding 1 under a 5×5 kernel: two rows are lost, while the columns halve.
    let second = Walk { stride: [1, 2], ..Walk::padded(1) };
    for (width, kernel, residuals, walk) in [
        (4 * w, 5, 2, second),
        (8 * w, 3, 3, Walk::strided(2, 1)),
        (16 * w, 3, 2, Walk::strided(2, 1)),
        (32 * w, 3, 2, Walk::strided(2, 1)),
        (32 * w, 3, 0, Walk::strided(2, 1)),
        (32 * w, 3, 0, Walk::UNIT),
        (32 * w, 1, 0, Walk::UNIT),
    ] {
        blocks.push(ConvBlock::new(&vb.pp(blocks.len()), [channels, width, kernel], walk, mode)?);
        channels = width;
        for _ in 0..residuals {
            blocks.push(ConvBlock::residual(&vb.pp(blocks.len()), channels, mode)?);
        }
    }
    Ok(blocks)
}
