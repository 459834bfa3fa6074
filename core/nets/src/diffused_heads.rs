//! Diffused Heads: "Diffusion Models Beat GANs on Talking-Face Generation" (Stypułkowski et al. 2023; repository
//! MStypulkowski/diffused-heads): a guided-diffusion U-Net paints a whole head, frame after frame, given one picture
//! of it, the frames it painted last and five embeddings of sound.

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Linear, silu, telltale};
use crate::error::{NetsError, Result};
use crate::sched::{Precision, Schedule, betas};
use crate::unet::{self, Style, TimeEmbed, UNet};
use crate::zoo;

/// Time, then sound, scale and shift what is normalised in each block (`double_pre_gn`).
pub const STYLE: Style = Style {
    embeddings: &["t_emb_layers", "audio_emb_layers"],
    modulates: true,
    context: None,
    resblock_updown: true,
};

/// Frames painted last that the network looks at.
pub const MOTION_FRAMES: usize = 2;
/// Embeddings of sound before and after a frame's own.
const SOUND_AROUND: usize = 2;
/// Embeddings of sound that a frame is given.
pub const HEARD: usize = 2 * SOUND_AROUND + 1;
/// Steps of the process it was trained with.
const STEPS: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Side of the square picture.
    pub image_size: usize,
    pub unet: unet::Config,
    /// Of the frames painted last: 3, or 1 if the network sees them grey. Both are published.
    pub motion_channels: usize,
    /// Numbers of one embedding of sound.
    pub sound: usize,
}

impl Config {
    /// The published network with coloured motion frames: 215,748,614 parameters in 324 tensors.
    pub fn released() -> Self {
        let unet = unet::Config {
            in_channels: 12,
            out_channels: 6,
            model_channels: 256,
            channel_mult: vec![1, 2, 3],
            res_blocks_per_level: 2,
            attention_at: vec![4],
            head_channels: 64,
        };
        Self { image_size: 128, unet, motion_channels: 3, sound: 256 }
    }

    /// What the shapes tell; the side of the picture leaves no trace there and is taken to be the published one.
    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let unet = zoo::read_unet(vb, "", 64).ok_or_else(|| {
            NetsError::Invalid("the checkpoint holds no U-Net of Diffused Heads".to_owned())
        })?;
        let (_, sound) = telltale(vb, "audio_embed.0.weight")?.dims2()?;
        // The noisy picture and the one of the person are coloured.
        let motion_channels = unet.in_channels.saturating_sub(6) / MOTION_FRAMES;
        if 6 + MOTION_FRAMES * motion_channels != unet.in_channels || ![1, 3].contains(&motion_channels) {
            return Err(NetsError::Invalid(format!(
                "a U-Net with {} input channels is no Diffused Heads: 12 with coloured motion frames, 8 with grey",
                unet.in_channels
            )));
        }
        Ok(Self { image_size: 128, unet, motion_channels, sound: sound / HEARD })
    }
}

/// The process it was trained with: cosine, its tables in f32 as in the published code, where near the end 1 − β is
/// but a few of its last bits.
pub fn process() -> Result<Schedule> {
    Schedule::in_precision(betas::cosine(STEPS), Precision::Single)
}

#[derive(Debug, Clone)]
pub struct DiffusedHeads {
    time_embed: TimeEmbed,
    sound_embed: [Linear; 2],
    unet: UNet,
    pub config: Config,
}

impl DiffusedHeads {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let (width, emb) = (cfg.unet.model_channels, cfg.unet.embedding_channels());
        let vb_sound = vb.pp("audio_embed").to_dtype(candle_core::DType::F32);
        let window = HEARD * cfg.sound;
        Ok(Self {
            // Its frequencies fall four times slower than usual.
            time_embed: TimeEmbed::falling(&vb.pp("time_embed.fc"), width, emb, 2 * width)?,
            sound_embed: [
                Linear::new(&vb_sound.pp("0"), window, emb)?,
                Linear::new(&vb_sound.pp("2"), emb, emb)?,
            ],
            unet: UNet::new(&cfg.unet, &STYLE, vb)?,
            config: cfg.clone(),
        })
    }

    /// What a frame is given of the sound; the same in every step. `window`: [`window`] → `[n, 4·model]`.
    pub fn hear(&self, window: &Tensor) -> Result<Tensor> {
        let [first, second] = &self.sound_embed;
        second.forward(&silu(&first.forward(&window.flatten_from(1)?)?)?)
    }

    /// One denoising step: `x`, `[n, 3, s, s]` at the original process's time `timestep` → `[n, 6, s, s]`: the noise
    /// in it, then the interpolation of its variance.
    pub fn forward(&self, x: &Tensor, timestep: f32, given: &Condition) -> Result<Tensor> {
        self.forward_at(x, &[timestep], given)
    }

    /// [`Self::forward`] with a time for each picture, or one for all.
    pub fn forward_at(&self, x: &Tensor, timesteps: &[f32], given: &Condition) -> Result<Tensor> {
        let stack = Tensor::cat(&[x, &given.motion, &given.person], 1)?;
        let time = self.time_embed.forward(timesteps)?;
        self.unet.forward(&stack, &[&time, &given.sound], None)
    }
}

/// What the network sees besides the noisy picture; RGB in [-1, 1], `n` frames.
#[derive(Debug, Clone)]
pub struct Condition {
    /// `[n, 2·motion channels, s, s]`: [`Motion::frames`].
    pub motion: Tensor,
    /// `[n, 3, s, s]`: the picture of the person.
    pub person: Tensor,
    /// [`DiffusedHeads::hear`].
    pub sound: Tensor,
}

/// The embeddings that frame `frame` hears, its own and two on either side, from `[t, sound]` → `[1, 5, sound]`; the
/// first and the last are held beyond the ends.
pub fn window(embeddings: &Tensor, frame: usize) -> Result<Tensor> {
    let last = embeddings.dim(0)?.saturating_sub(1);
    let at = |i: usize| (frame + i).saturating_sub(SOUND_AROUND).min(last) as u32;
    let indices: Vec<u32> = (0..HEARD).map(at).collect();
    let indices = Tensor::new(indices, embeddings.device())?;
    Ok(embeddings.index_select(&indices, 0)?.unsqueeze(0)?)
}

/// The frames painted last, oldest first: at the start all are the person's picture.
#[derive(Debug, Clone)]
pub struct Motion {
    frames: Vec<Tensor>,
    channels: usize,
}

impl Motion {
    /// `person`: `[1, 3, s, s]`, RGB in [-1, 1].
    pub fn new(config: &Config, person: &Tensor) -> Result<Self> {
        let frame = seen(person, config.motion_channels)?;
        Ok(Self { frames: vec![frame; MOTION_FRAMES], channels: config.motion_channels })
    }

    /// `[1, 2·motion channels, s, s]`.
    pub fn frames(&self) -> Result<Tensor> {
        Ok(Tensor::cat(&self.frames, 1)?)
    }

    /// Takes in the frame painted last, `[1, 3, s, s]`.
    pub fn push(&mut self, painted: &Tensor) -> Result<()> {
        self.frames.remove(0);
        self.frames.push(seen(painted, self.channels)?);
        Ok(())
    }

    /// Puts the person's picture in the oldest frame's place: done every few frames, it keeps the painted head from
    /// drifting away from it (the published sampler's `stabilize`).
    pub fn steady(&mut self, person: &Tensor) -> Result<()> {
        self.frames[0] = seen(person, self.channels)?;
        Ok(())
    }
}

/// As the network sees a frame of motion: coloured, or its luma (ITU-R BT.601, as torchvision has it).
fn seen(picture: &Tensor, channels: usize) -> Result<Tensor> {
    if channels == 3 {
        return Ok(picture.clone());
    }
    let weights = Tensor::new(&[0.2989f32, 0.587, 0.114], &Device::Cpu)?.to_device(picture.device())?;
    Ok(picture.broadcast_mul(&weights.reshape((1, 3, 1, 1))?)?.sum_keepdim(1)?)
}
