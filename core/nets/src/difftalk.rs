//! DiffTalk: "Crafting Diffusion Models for Generalized Audio-Driven Portraits Animation" (Shen et al. 2023; repository
//! sstzal/DiffTalk): latent diffusion paints the lower half of a face in the space of [`crate::vq`], given the rest of
//! it, another picture of the person, its landmarks above the mouth and DeepSpeech's view of the sound.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Conv1d, Linear, leaky_relu, telltale};
use crate::error::{NetsError, Result};
use crate::sched::{Schedule, betas};
use crate::unet::{self, Style, TimeEmbed, UNet};
use crate::vq::{self, Vq};
use crate::zoo;

/// Latent diffusion's: what is heard and where the face is are a context to attend to.
pub const STYLE: Style = Style {
    embeddings: &["emb_layers"],
    modulates: false,
    context: Some(SOUND + LANDMARKS),
    resblock_updown: false,
};

/// Windows of sound around a frame, symbols' log-probabilities in each, and what they are of.
pub const SOUND_SHAPE: [usize; 3] = [8, 16, 29];
/// The landmarks that are shown, of the 68: those that do not tell what the mouth does.
pub const SHOWN: [std::ops::Range<usize>; 2] = [0..4, 13..48];

const POINTS: usize = 39;
const SOUND: usize = 64;
const LANDMARKS: usize = 64;
const SLOPE: f64 = 0.02;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub unet: unet::Config,
    pub first_stage: vq::Config,
}

impl Config {
    /// The network that its repository describes: 585 million parameters without the averages. No trained weights
    /// of it are published but those of the first stage.
    pub fn released() -> Self {
        let unet = unet::Config {
            in_channels: 9,
            out_channels: 3,
            model_channels: 256,
            channel_mult: vec![1, 2, 3, 4],
            res_blocks_per_level: 2,
            attention_at: vec![2, 4, 8],
            head_channels: 32,
        };
        Self { unet, first_stage: vq::Config::released() }
    }

    /// What the shapes tell. The width of an attention head leaves no trace there; it is 32 as published.
    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let unet = zoo::read_unet(vb, "model.diffusion_model.", 32);
        let first_stage = zoo::read_vq(vb, "first_stage_model.");
        match unet.zip(first_stage) {
            Some((unet, first_stage)) => Ok(Self { unet, first_stage }),
            None => {
                telltale(vb, "first_stage_model.quantize.embedding.weight")?;
                Err(NetsError::Invalid("the checkpoint holds no DiffTalk".to_owned()))
            }
        }
    }
}

/// The process it was trained with, on latent pictures, which know no bounds.
pub fn process() -> Result<Schedule> {
    Ok(Schedule::new(betas::sqrt_linear(1000, 0.0015, 0.0195))?.unconfined())
}

/// The same file's averages of the U-Net's weights over training, under the names of the weights themselves: what
/// the published scripts paint with. Other names lead where they did.
pub fn averaged(vb: &VarBuilder<'static>) -> VarBuilder<'static> {
    let rename = |name: &str| match name.strip_prefix("model.") {
        Some(own) => format!("model_ema.{own}"),
        None => name.to_owned(),
    };
    vb.clone().rename_f(rename)
}

/// Whether a file has averages.
pub fn has_averages(vb: &VarBuilder) -> bool {
    vb.contains_tensor("model_ema.diffusion_model.out.2.weight")
}

#[derive(Debug, Clone)]
pub struct DiffTalk {
    time_embed: TimeEmbed,
    unet: UNet,
    sound: SoundNet,
    smooth: SmoothNet,
    landmarks: [Linear; 3],
    pub first_stage: Vq,
    pub config: Config,
}

/// What the network sees besides the noisy latent picture, for `n` frames.
#[derive(Debug, Clone)]
pub struct Condition {
    /// `[n, 3, h, w]`: the face with what is to be painted blanked out, encoded.
    pub masked: Tensor,
    /// `[n, 3, h, w]`: another picture of the person, encoded.
    pub reference: Tensor,
    /// `[n, 1, 128]`: [`DiffTalk::context`].
    pub context: Tensor,
}

impl DiffTalk {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let net = vb.pp("model.diffusion_model");
        let (width, emb) = (cfg.unet.model_channels, cfg.unet.embedding_channels());
        let f32 = vb.to_dtype(DType::F32);
        let fc = f32.pp("cond_stage_model_for_ldm.encoder_fc1");
        Ok(Self {
            time_embed: TimeEmbed::new(&net.pp("time_embed"), width, emb)?,
            unet: UNet::new(&cfg.unet, &STYLE, &net)?,
            sound: SoundNet::new(&f32.pp("cond_stage_model_for_audio"))?,
            smooth: SmoothNet::new(&f32.pp("cond_stage_model_for_audio_smooth"))?,
            landmarks: [
                Linear::new(&fc.pp("0"), 2 * POINTS, 128)?,
                Linear::new(&fc.pp("2"), 128, LANDMARKS)?,
                Linear::new(&fc.pp("4"), LANDMARKS, LANDMARKS)?,
            ],
            first_stage: Vq::new(&cfg.first_stage, &vb.pp("first_stage_model"))?,
            config: cfg.clone(),
        })
    }

    /// `sound`: `[n, 8, 16, 29]`, DeepSpeech's outputs around each frame; `landmarks`: `[n, 39, 2]`, x and y in
    /// pixels of the 256 px picture, those of [`SHOWN`] → `[n, 1, 128]`.
    pub fn context(&self, sound: &Tensor, landmarks: &Tensor) -> Result<Tensor> {
        let heard = self.hear(sound)?;
        let placed = self.place(landmarks)?;
        Ok(Tensor::cat(&[heard, placed], 1)?.unsqueeze(1)?)
    }

    /// `[n, 8, 16, 29]` → `[n, 64]`.
    pub fn hear(&self, sound: &Tensor) -> Result<Tensor> {
        let (n, windows, time, symbols) = sound.dims4()?;
        if [windows, time, symbols] != SOUND_SHAPE {
            return Err(NetsError::Invalid(format!(
                "the sound of a frame is {SOUND_SHAPE:?} numbers, not {:?}",
                [windows, time, symbols]
            )));
        }
        let each = self.sound.forward(&sound.reshape((n * windows, time, symbols))?)?;
        self.smooth.forward(&each.reshape((n, windows, SOUND))?)
    }

    /// `[n, 39, 2]` → `[n, 64]`.
    pub fn place(&self, landmarks: &Tensor) -> Result<Tensor> {
        let [first, second, third] = &self.landmarks;
        let x = leaky_relu(&first.forward(&landmarks.flatten_from(1)?)?, SLOPE)?;
        third.forward(&leaky_relu(&second.forward(&x)?, SLOPE)?)
    }

    /// One denoising step: `x`, `[n, 3, h, w]` at the original process's time `timestep` → the noise in it.
    pub fn forward(&self, x: &Tensor, timestep: f32, given: &Condition) -> Result<Tensor> {
        self.forward_at(x, &[timestep], given)
    }

    /// [`Self::forward`] with a time for each picture, or one for all.
    pub fn forward_at(&self, x: &Tensor, timesteps: &[f32], given: &Condition) -> Result<Tensor> {
        let stack = Tensor::cat(&[x, &given.masked, &given.reference], 1)?;
        let time = self.time_embed.forward(timesteps)?;
        self.unet.forward(&stack, &[&time], Some(&given.context))
    }
}

/// A window of sound, `[n, 16, 29]` → `[n, 64]` (AD-NeRF's `AudioNet`).
#[derive(Debug, Clone)]
struct SoundNet {
    convs: [Conv1d; 4],
    linears: [Linear; 2],
}

impl SoundNet {
    fn new(vb: &VarBuilder) -> Result<Self> {
        let conv =
            |at: usize, c_in, c_out| Conv1d::new(&vb.pp("encoder_conv").pp(at), c_in, c_out, 3, [2, 1]);
        let fc = vb.pp("encoder_fc1");
        Ok(Self {
            convs: [conv(0, SOUND_SHAPE[2], 32)?, conv(2, 32, 32)?, conv(4, 32, 64)?, conv(6, 64, 64)?],
            linears: [Linear::new(&fc.pp("0"), 64, 64)?, Linear::new(&fc.pp("2"), 64, SOUND)?],
        })
    }

    fn forward(&self, windows: &Tensor) -> Result<Tensor> {
        let start = windows.transpose(1, 2)?.contiguous()?;
        let conv = |x, conv: &Conv1d| leaky_relu(&conv.forward(&x)?, SLOPE);
        let x = self.convs.iter().try_fold(start, conv)?; // [n, 64, 1]
        let [first, second] = &self.linears;
        second.forward(&leaky_relu(&first.forward(&x.squeeze(2)?)?, SLOPE)?)
    }
}

/// Eight windows' embeddings weighed into one, `[n, 8, 64]` → `[n, 64]` (AD-NeRF's `AudioAttNet`).
#[derive(Debug, Clone)]
struct SmoothNet {
    convs: Vec<Conv1d>,
    weigh: Linear,
}

impl SmoothNet {
    /// Of each embedding only so many numbers decide its weight.
    const LOOKED_AT: usize = 32;

    fn new(vb: &VarBuilder) -> Result<Self> {
        let mut convs = Vec::new();
        let mut c_in = Self::LOOKED_AT;
        for c_out in [16, 8, 4, 2, 1] {
            let vb = vb.pp("attentionConvNet").pp(2 * convs.len());
            convs.push(Conv1d::new(&vb, c_in, c_out, 3, [1, 1])?);
            c_in = c_out;
        }
        Ok(Self { convs, weigh: Linear::new(&vb.pp("attentionNet.0"), SOUND_SHAPE[0], SOUND_SHAPE[0])? })
    }

    fn forward(&self, windows: &Tensor) -> Result<Tensor> {
        let looked_at = windows.narrow(2, 0, Self::LOOKED_AT)?.transpose(1, 2)?.contiguous()?;
        let conv = |x, conv: &Conv1d| leaky_relu(&conv.forward(&x)?, SLOPE);
        let scores = self.convs.iter().try_fold(looked_at, conv)?.squeeze(1)?; // [n, 8]
        let weights = candle_nn::ops::softmax(&self.weigh.forward(&scores)?, 1)?;
        Ok(windows.broadcast_mul(&weights.unsqueeze(2)?)?.sum(1)?)
    }
}
