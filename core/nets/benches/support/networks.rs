//! The networks that are timed, at their published sizes, with noise for weights.

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder, VarMap};
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::diff2lip::{self, Condition, Diff2Lip};
use lipsmith_nets::unet::Rhythm;
use lipsmith_nets::wav2lip::{self, Wav2Lip};
use lipsmith_nets::{NetsError, Result};

/// A network with its inputs, ready to run.
pub type Forward = Box<dyn Fn() -> Result<Tensor>>;

pub fn forward(name: &str) -> Result<Forward> {
    match name {
        "diff2lip_unet" => diff2lip_unet(1),
        "diff2lip_unet_inner_every_2" => diff2lip_unet(2),
        "wav2lip_generator" => wav2lip_generator(1),
        "wav2lip_generator_b8" => wav2lip_generator(8),
        "wav2lip_gradients_b8" => wav2lip_gradients(8),
        "checkpoint_load" => checkpoint_load(),
        _ => Err(NetsError::Invalid(format!("no network `{name}` is timed here"))),
    }
}

/// One denoising step of one frame, its sound's part included; or so many, of which the first alone walks all levels.
fn diff2lip_unet(inner_every: usize) -> Result<Forward> {
    let network = Diff2Lip::new(&diff2lip::Config::released(), &weights())?;
    let (noise, face, reference) = (picture(1, 3, 128)?, picture(1, 3, 128)?, picture(1, 3, 128)?);
    let mask = diff2lip::lower_half_mask(128, &face)?;
    let mel = Tensor::randn(0f32, 1.0, (1, 80, 16), &Device::Cpu)?;
    Ok(Box::new(move || {
        let given = Condition {
            face: face.clone(),
            mask: mask.clone(),
            reference: reference.clone(),
            style: network.listen(&mel)?,
        };
        let mut rhythm = Rhythm::new(inner_every);
        let mut step = || network.forward_through(&noise, &[480.0], &given, rhythm.step());
        (1..inner_every).try_for_each(|_| step().map(drop))?;
        step()
    }))
}

fn wav2lip_generator(n: usize) -> Result<Forward> {
    let network = Wav2Lip::new(&wav2lip::Config::released(), &weights())?;
    let mel = Tensor::randn(0f32, 1.0, (n, 1, 80, 16), &Device::Cpu)?;
    let faces = picture(n, 6, wav2lip::FACE)?;
    Ok(Box::new(move || network.forward(&mel, &faces)))
}

/// A training step but for the optimiser: forward with the batch's own statistics, the mean difference, backward.
fn wav2lip_gradients(n: usize) -> Result<Forward> {
    let weights = VarMap::new();
    let vb = VarBuilder::from_varmap(&weights, DType::F32, &Device::Cpu);
    let network = Wav2Lip::trainable(&wav2lip::Config::released(), &vb)?;
    let mel = Tensor::randn(0f32, 1.0, (n, 1, 80, 16), &Device::Cpu)?;
    let (faces, truth) = (picture(n, 6, wav2lip::FACE)?, picture(n, 3, wav2lip::FACE)?);
    Ok(Box::new(move || {
        let loss = (network.forward(&mel, &faces)? - &truth)?.abs()?.mean_all()?;
        let gradients = loss.backward()?;
        let learned = weights.all_vars().into_iter().filter_map(|var| gradients.get(&var).cloned());
        learned.last().ok_or_else(|| NetsError::Invalid("nothing has a gradient".to_owned()))
    }))
}

/// All tensors of the checkpoint that `LIPSMITH_BENCH_CHECKPOINT` names, from the disk into memory.
fn checkpoint_load() -> Result<Forward> {
    let file = std::env::var("LIPSMITH_BENCH_CHECKPOINT");
    let file = file.map_err(|e| NetsError::Invalid(format!("LIPSMITH_BENCH_CHECKPOINT: {e}")))?;
    Ok(Box::new(move || {
        let checkpoint = Checkpoint::open(&file)?;
        let names = checkpoint.tensors().iter().map(|tensor| &tensor.name);
        let read = names.map(|name| Ok(checkpoint.tensor(name, &Device::Cpu, DType::F32)?));
        let read = read.collect::<Result<Vec<_>>>()?;
        read.into_iter().next_back().ok_or_else(|| NetsError::Invalid(format!("{file} holds nothing")))
    }))
}

fn picture(n: usize, channels: usize, side: usize) -> Result<Tensor> {
    Ok(Tensor::rand(-1f32, 1.0, (n, channels, side, side), &Device::Cpu)?)
}

fn weights() -> VarBuilder<'static> {
    VarBuilder::from_backend(Box::new(Noise), DType::F32, Device::Cpu)
}

/// Any tensor that is asked for: small noise, so that no sum overflows; variances are 1.
struct Noise;

impl SimpleBackend for Noise {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        if name.ends_with("running_var") {
            return Tensor::ones(shape, dtype, device);
        }
        Tensor::randn(0f32, 0.03, shape, device)?.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("`{name}` is asked for without its shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}
