//! What hears for Diffused Heads: windows of a raw waveform, each through convolutions to a vector, then in order
//! through a recurrent network that keeps its state from picture to picture. The family of "Realistic Speech-Driven
//! Facial Animation" (Vougioukas et al. 2020; repository DinoMan/speech-driven-animation).
//!
//! The published module's names are not known, so layers are told by their shapes, in the order of the file.

use candle_core::{DType, Device, Tensor};

use crate::blocks::{Conv2d, Walk, relu, sigmoid};
use crate::checkpoint::Checkpoint;
use crate::error::{NetsError, Result};

/// Samples of 16 kHz in a window, and from one window to the next: a window a picture at 25 a second.
pub const WINDOW: usize = 3200;
pub const STEP: usize = 640;

/// Kernel and stride of each convolution, as its paper has them.
const CONVS: [[usize; 2]; 6] = [[80, 16], [4, 2], [4, 2], [4, 2], [10, 5], [5, 5]];
const EPS: f64 = 1e-5;

#[derive(Debug, Clone)]
pub struct SoundGru {
    convs: Vec<Conv2d>,
    layers: [Gru; 2],
}

impl SoundGru {
    /// # Errors
    /// When the file's layers are not those of the paper: it names the first that differs.
    pub fn of_checkpoint(checkpoint: &Checkpoint, device: &Device) -> Result<Self> {
        let other =
            |what: String| NetsError::Invalid(format!("the sound encoder is not the known one: {what}"));
        let read = |name: &str| -> Result<Tensor> {
            let tensor = checkpoint.tensor(name, device, DType::F32);
            tensor.map_err(|error| NetsError::bad_checkpoint(checkpoint.path(), error.to_string()))
        };
        let kernels: Vec<_> = checkpoint.tensors().iter().filter(|info| info.shape.len() == 3).collect();
        let norms = checkpoint.tensors().iter().filter_map(|info| info.name.strip_suffix("running_mean"));
        let norms: Vec<&str> = norms.collect();
        if kernels.len() != CONVS.len() || norms.len() + 1 < kernels.len() {
            let (convs, norms) = (kernels.len(), norms.len());
            return Err(other(format!("{convs} convolutions and {norms} normalisations, not 6 and 5")));
        }
        let mut convs = Vec::new();
        let (mut length, mut channels) = (WINDOW, 1);
        for (at, (info, [kernel, stride])) in kernels.iter().zip(CONVS).enumerate() {
            if info.shape[1..] != [channels, kernel] {
                return Err(other(format!("'{}' is {:?}", info.name, info.shape)));
            }
            channels = info.shape[0];
            // So much that the stride divides the length.
            let padding = if kernel > stride { (kernel - stride).div_ceil(2) } else { 0 };
            length = (length + 2 * padding - kernel) / stride + 1;
            let bias = info.name.strip_suffix("weight").map(|layer| format!("{layer}bias"));
            let bias = bias.filter(|name| checkpoint.get(name).is_some());
            let bias = match bias {
                Some(name) => read(&name)?,
                None => Tensor::zeros(channels, DType::F32, device)?,
            };
            let (mut weight, mut shift) = (read(&info.name)?, bias);
            if let Some(norm) = norms.get(at) {
                let part = |name: &str| read(&format!("{norm}{name}"));
                let scale = (part("weight")? / (part("running_var")? + EPS)?.sqrt()?)?;
                weight = weight.broadcast_mul(&scale.reshape((channels, 1, 1))?)?;
                shift = (((shift - part("running_mean")?)? * &scale)? + part("bias")?)?;
            }
            let walk = Walk { stride: [1, stride], padding: [0, padding], dilation: 1 };
            convs.push(Conv2d::of_tensors(weight.unsqueeze(2)?, Some(shift), walk));
        }
        if length != 1 {
            return Err(other(format!("its convolutions leave {length} vectors of a window")));
        }
        let prefix = checkpoint.tensors().iter().find_map(|info| info.name.strip_suffix("weight_ih_l0"));
        let prefix = prefix.ok_or_else(|| other("it has no recurrent layers".to_owned()))?;
        let layer = |layer: usize| -> Result<Gru> {
            let part = |name: &str| read(&format!("{prefix}{name}_l{layer}"));
            Gru::new([part("weight_ih")?, part("weight_hh")?], [part("bias_ih")?, part("bias_hh")?])
        };
        let layers = [layer(0)?, layer(1)?];
        match layers[0].input.dim(1)? == channels {
            true => Ok(Self { convs, layers }),
            false => Err(other(format!("its recurrent layers do not take {channels} numbers"))),
        }
    }

    /// Numbers of an embedding.
    pub fn width(&self) -> usize {
        self.layers[1].hidden
    }

    /// 16 kHz samples → `[pictures, width]`; silent around its ends.
    pub fn forward(&self, samples: &[f32], pictures: usize) -> Result<Tensor> {
        let device = self.layers[0].input.device();
        let before = (WINDOW - STEP) / 2;
        let mut state = [None, None];
        let mut rows = Vec::with_capacity(pictures);
        for picture in 0..pictures {
            let at = |i: usize| (picture * STEP + i).checked_sub(before).and_then(|i| samples.get(i));
            let window: Vec<f32> = (0..WINDOW).map(|i| at(i).copied().unwrap_or(0.0)).collect();
            let mut x = Tensor::from_vec(window, (1, 1, 1, WINDOW), device)?;
            for (index, conv) in self.convs.iter().enumerate() {
                x = conv.forward(&x)?;
                x = if index + 1 < self.convs.len() { relu(&x)? } else { x.tanh()? };
            }
            let mut x = x.flatten_from(1)?;
            for (layer, state) in self.layers.iter().zip(&mut state) {
                x = layer.step(&x, state.as_ref())?;
                *state = Some(x.clone());
            }
            rows.push(x);
        }
        Ok(Tensor::cat(&rows, 0)?)
    }
}

/// A gated recurrent layer (Cho et al. 2014, as torch has it): reset, update and candidate, one below the other.
#[derive(Debug, Clone)]
struct Gru {
    input: Tensor,
    state: Tensor,
    biases: [Tensor; 2],
    hidden: usize,
}

impl Gru {
    fn new([input, state]: [Tensor; 2], biases: [Tensor; 2]) -> Result<Self> {
        let (gates, hidden) = state.dims2()?;
        let fits = gates == 3 * hidden && input.dim(0)? == gates;
        if !fits || biases.iter().any(|bias| bias.dims() != [gates]) {
            return Err(NetsError::Invalid(
                "the sound encoder's recurrent layers do not fit together".to_owned(),
            ));
        }
        Ok(Self { input, state, biases, hidden })
    }

    /// `x`: `[1, in]`; `before`: `[1, hidden]`, zero at the start → `[1, hidden]`.
    fn step(&self, x: &Tensor, before: Option<&Tensor>) -> Result<Tensor> {
        let zero = Tensor::zeros((1, self.hidden), DType::F32, x.device())?;
        let before = before.unwrap_or(&zero);
        let [seen, kept] = [(x, &self.input, 0), (before, &self.state, 1)]
            .map(|(x, weight, bias)| x.matmul(&weight.t()?)?.broadcast_add(&self.biases[bias])?.chunk(3, 1));
        let (seen, kept) = (seen?, kept?);
        let reset = sigmoid(&(&seen[0] + &kept[0])?)?;
        let update = sigmoid(&(&seen[1] + &kept[1])?)?;
        let candidate = (&seen[2] + (reset * &kept[2])?)?.tanh()?;
        Ok(((before * &update)? + (candidate * update.affine(-1.0, 1.0)?)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor<const N: usize>(values: [f32; N], shape: &[usize]) -> Result<Tensor> {
        Ok(Tensor::from_slice(&values, shape, &Device::Cpu)?)
    }

    /// One number in, one kept: torch's equations by hand.
    #[test]
    fn a_step_follows_the_equations() -> Result<()> {
        let input = tensor([0.5, -0.3, 0.8], &[3, 1])?;
        let state = tensor([0.2, 0.4, -0.6], &[3, 1])?;
        let biases = [tensor([0.1, 0.0, -0.2], &[3])?, tensor([0.0, 0.3, 0.1], &[3])?];
        let gru = Gru::new([input, state], biases)?;
        let mut kept = 0.0f32;
        let mut found = None;
        for x in [1.0f32, -0.5, 2.0] {
            let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
            let reset = sigmoid(0.5 * x + 0.1 + 0.2 * kept);
            let update = sigmoid(-0.3 * x + 0.4 * kept + 0.3);
            let candidate = (0.8 * x - 0.2 + reset * (-0.6 * kept + 0.1)).tanh();
            kept = (1.0 - update) * candidate + update * kept;
            found = Some(gru.step(&tensor([x], &[1, 1])?, found.as_ref())?);
            let value = found.as_ref().map(|h| h.flatten_all()?.to_vec1::<f32>()).transpose()?;
            assert!(value.is_some_and(|value| (value[0] - kept).abs() < 1e-6));
        }
        Ok(())
    }

    #[test]
    fn layers_that_do_not_fit_are_refused() -> Result<()> {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu);
        let made = Gru::new([zeros(&[6, 4])?, zeros(&[5, 2])?], [zeros(&[6])?, zeros(&[6])?]);
        assert!(made.is_err());
        Ok(())
    }
}
