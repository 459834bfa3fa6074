//! SyncNet: "Out of Time: Automated Lip Sync in the Wild" (Chung & Zisserman 2016; the weights "v2" of repository
//! joonson/syncnet_python, network `S`): five pictures of a face and the cepstra of their 0.2 s of sound, each as
//! a point, near each other when they belong together. LSE-D and LSE-C are measured with it.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{BatchNorm, Conv2d, Linear, Walk, check_width, max_pool, param, relu, telltale};
use crate::error::Result;

/// Side of the square face picture.
pub const FACE: usize = 224;
/// Pictures in a window.
pub const PICTURES: usize = 5;
/// Cepstra ([`crate::mfcc`]) in a window, and to a picture at 25 pictures a second.
pub const CEPSTRA: usize = 20;
pub const CEPSTRA_PER_PICTURE: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Channels of the sound tower's first layer, in eighths of the published 64. All others follow.
    pub eighths: usize,
}

impl Config {
    /// The published network: 13,631,616 parameters in 102 tensors.
    pub fn released() -> Self {
        Self { eighths: 8 }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let first = telltale(vb, "netcnnaud.0.weight")?;
        Ok(Self { eighths: first.dims4()?.0 / 8 })
    }
}

/// Convolution and batch normalisation, folded into one, ReLU.
#[derive(Debug, Clone)]
struct Layer(Conv2d);

impl Layer {
    /// `at`: the convolution's number in its tower. A `kernel` of `[pictures, rows, columns]` becomes one of rows
    /// and columns that takes the pictures as channels: it is as deep as what it walks over, or 1.
    fn new(
        vb: &VarBuilder,
        at: usize,
        [c_in, c_out]: [usize; 2],
        kernel: &[usize],
        walk: Walk,
    ) -> Result<Self> {
        let own = vb.pp(at);
        let weight = param(&own, &[&[c_out, c_in], kernel].concat(), "weight")?;
        let weight = if kernel.len() == 3 { weight.flatten(1, 2)? } else { weight };
        let conv = Conv2d::of_tensors(weight, Some(param(&own, &[c_out], "bias")?), walk);
        Ok(Self(conv.folding(&BatchNorm::new(&vb.pp(at + 1), c_out)?)?))
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        relu(&self.0.forward(x)?)
    }
}

/// Two linear layers with a normalisation and a ReLU between them.
#[derive(Debug, Clone)]
struct Head {
    first: Linear,
    second: Linear,
}

impl Head {
    fn new(vb: &VarBuilder, width: usize, out: usize) -> Result<Self> {
        let norm = BatchNorm::new(&vb.pp("1"), width)?;
        Ok(Self {
            first: Linear::new(&vb.pp("0"), width, width)?.folding(&norm)?,
            second: Linear::new(&vb.pp("3"), width, out)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.second.forward(&relu(&self.first.forward(&x.flatten_from(1)?)?)?)
    }
}

#[derive(Debug, Clone)]
pub struct SyncNetV2 {
    sound: [Layer; 6],
    sound_head: Head,
    face: [Layer; 6],
    face_head: Head,
    dtype: DType,
}

impl SyncNetV2 {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let e = cfg.eighths;
        check_width("SyncNet", 8 * e)?;
        let same = Walk::same(3);
        let vb_sound = vb.pp("netcnnaud");
        let sound = |at, channels: [usize; 2], kernel: [usize; 2], walk| {
            Layer::new(&vb_sound, at, channels, &kernel, walk)
        };
        let vb_face = vb.pp("netcnnlip");
        let face = |at, channels: [usize; 2], kernel: [usize; 3], walk| {
            Layer::new(&vb_face, at, channels, &kernel, walk)
        };
        Ok(Self {
            sound: [
                sound(0, [1, 8 * e], [3, 3], same)?,
                sound(4, [8 * e, 24 * e], [3, 3], same)?,
                sound(8, [24 * e, 48 * e], [3, 3], same)?,
                sound(11, [48 * e, 32 * e], [3, 3], same)?,
                sound(14, [32 * e, 32 * e], [3, 3], same)?,
                sound(18, [32 * e, 64 * e], [5, 4], Walk::UNIT)?,
            ],
            sound_head: Head::new(&vb.pp("netfcaud"), 64 * e, 128 * e)?,
            face: [
                face(0, [3, 12 * e], [PICTURES, 7, 7], Walk::strided(2, 0))?,
                face(4, [12 * e, 32 * e], [1, 5, 5], Walk::strided(2, 1))?,
                face(8, [32 * e, 32 * e], [1, 3, 3], same)?,
                face(11, [32 * e, 32 * e], [1, 3, 3], same)?,
                face(14, [32 * e, 32 * e], [1, 3, 3], same)?,
                face(18, [32 * e, 64 * e], [1, 6, 6], Walk::UNIT)?,
            ],
            face_head: Head::new(&vb.pp("netfclip"), 64 * e, 128 * e)?,
            dtype: vb.dtype(),
        })
    }

    /// `faces`: `[n, 3, 5, 224, 224]`, BGR in [0, 255], five consecutive pictures of a whole face →
    /// `[n, 1024]`, f32.
    pub fn faces(&self, faces: &Tensor) -> Result<Tensor> {
        let [first, second, third, fourth, fifth, last] = &self.face;
        let x = first.forward(&faces.to_dtype(self.dtype)?.flatten(1, 2)?)?; // 109×109
        let x = second.forward(&max_pool(&x, 3, [2, 2])?)?; // 26×26
        // After a ReLU nothing is less than the zeros around it.
        let x = x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
        let x = third.forward(&max_pool(&x, 3, [2, 2])?)?; // 13×13
        let x = fifth.forward(&fourth.forward(&x)?)?;
        let x = last.forward(&max_pool(&x, 3, [2, 2])?)?; // 1×1
        Ok(self.face_head.forward(&x)?.to_dtype(DType::F32)?)
    }

    /// `cepstra`: `[n, 1, 13, 20]` → `[n, 1024]`, f32.
    pub fn sound(&self, cepstra: &Tensor) -> Result<Tensor> {
        let [first, second, third, fourth, fifth, last] = &self.sound;
        let x = second.forward(&first.forward(&cepstra.to_dtype(self.dtype)?)?)?;
        let x = third.forward(&max_pool(&x, 3, [1, 2])?)?; // 11×9
        let x = fifth.forward(&fourth.forward(&x)?)?;
        let x = last.forward(&max_pool(&x, 3, [2, 2])?)?; // 1×1
        Ok(self.sound_head.forward(&x)?.to_dtype(DType::F32)?)
    }
}
