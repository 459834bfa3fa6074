//! The visual quality discriminator of Wav2Lip's second training (Prajwal et al. 2020; repository
//! Rudrabha/Wav2Lip, `Wav2Lip_disc_qual`): tells whether the lower half of a face was made or filmed. One that looks at several pictures in a row also tells how
//! they follow each other: Diff2Lip's sequential adversarial loss (Mukhopadhyay et al. 2023, section 3), whose own
//! layers are not published.

use candle_core::Tensor;
use candle_nn::VarBuilder;

use crate::blocks::{Conv2d, Walk, check_width, leaky_relu, sigmoid, telltale};
use crate::error::Result;

const SLOPE: f64 = 0.01;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Channels of the first layer; all others follow. 32 in the published network.
    pub width: usize,
    /// Pictures that it looks at together; 1 in the published network.
    pub pictures: usize,
}

impl Config {
    /// The published network: 14,113,793 parameters in 28 tensors.
    pub fn released() -> Self {
        Self { width: 32, pictures: 1 }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let first = telltale(vb, "face_encoder_blocks.0.0.conv_block.0.weight")?;
        let (width, channels, _, _) = first.dims4()?;
        Ok(Self { width, pictures: channels / 3 })
    }
}

#[derive(Debug, Clone)]
pub struct QualityDiscriminator {
    layers: Vec<Conv2d>,
    verdict: Conv2d,
}

impl QualityDiscriminator {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let w = cfg.width;
        check_width("the quality discriminator", w)?;
        let vb_layers = vb.pp("face_encoder_blocks");
        let mut channels = 3 * cfg.pictures;
        let mut layers = Vec::new();
        for (name, width, kernel, walk) in [
            ("0.0", w, 7, Walk::same(7)),
            ("1.0", 2 * w, 5, Walk { stride: [1, 2], ..Walk::same(5) }),
            ("1.1", 2 * w, 5, Walk::same(5)),
            ("2.0", 4 * w, 5, Walk::strided(2, 2)),
            ("2.1", 4 * w, 5, Walk::same(5)),
            ("3.0", 8 * w, 5, Walk::strided(2, 2)),
            ("3.1", 8 * w, 5, Walk::same(5)),
            ("4.0", 16 * w, 3, Walk::strided(2, 1)),
            ("4.1", 16 * w, 3, Walk::same(3)),
            ("5.0", 16 * w, 3, Walk::strided(2, 1)),
            ("5.1", 16 * w, 3, Walk::same(3)),
            ("6.0", 16 * w, 3, Walk::UNIT),
            ("6.1", 16 * w, 1, Walk::UNIT),
        ] {
            let vb = vb_layers.pp(name).pp("conv_block.0");
            layers.push(Conv2d::new(&vb, channels, width, [kernel, kernel], walk)?);
            channels = width;
        }
        Ok(Self { layers, verdict: Conv2d::point(&vb.pp("binary_pred.0"), channels, 1)? })
    }

    /// `faces`: `[n, 3, 96, 96]`, BGR in [0, 1] → `[n, 1]`, from 0 (made) to 1 (filmed).
    pub fn forward(&self, faces: &Tensor) -> Result<Tensor> {
        let half = faces.dim(2)? / 2;
        self.judge(&faces.narrow(2, half, half)?.contiguous()?)
    }

    /// The lower halves alone, picture after picture, `[n, 3·pictures, 48, 96]` → `[n, 1]`.
    pub fn judge(&self, lower: &Tensor) -> Result<Tensor> {
        let judge = |x: Tensor, layer: &Conv2d| leaky_relu(&layer.forward(&x)?, SLOPE);
        let features = self.layers.iter().try_fold(lower.clone(), judge)?;
        Ok(sigmoid(&self.verdict.forward(&features)?)?.flatten_from(1)?)
    }
}
