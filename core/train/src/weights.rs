//! A network's tensors as variables: made fresh, read from any checkpoint, written under the network's own names.

use crate::TrainError;
use crate::state;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use lipsmith_base::Random;
use lipsmith_nets::zoo::{self, Network, Variant};
use std::collections::HashMap;
use std::path::Path;

/// All tensors of one network, those that learn and those that only follow (running statistics).
pub struct Weights {
    network: Network,
    variant: Variant,
    /// In the network's own order.
    vars: Vec<(String, Var)>,
    /// What the file that they came from says of itself.
    words: HashMap<String, String>,
}

impl Weights {
    /// [`Weights::made`] for a network whose widths all follow from its first layer's.
    pub fn fresh(
        network: Network,
        channels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Weights, TrainError> {
        Self::made(network, Variant::of_width(network, channels), seed, device)
    }

    /// As PyTorch begins: weights and biases uniform in ±1/√(inputs of the layer), normalisation neutral; in a
    /// U-Net the last layer of each block and of the whole is 0, as in guided diffusion.
    ///
    /// # Errors
    /// A network that is not trained here.
    pub fn made(
        network: Network,
        variant: Variant,
        seed: u64,
        device: &Device,
    ) -> Result<Weights, TrainError> {
        let layout = zoo::tensors_of(network, &variant).ok_or(TrainError::NotTrained { network })?;
        let unet = !matches!(variant, Variant::Width { .. } | Variant::Wav2Lip(_));
        let silent = |layer: &str| {
            unet && ["out_layers.3", "proj_out", "out.2"].iter().any(|last| {
                layer.strip_suffix(last).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })
        };
        let shapes: HashMap<&str, &[usize]> =
            layout.iter().map(|(n, s)| (n.as_str(), s.as_slice())).collect();
        let mut random = Random::new(seed);
        let mut vars = Vec::with_capacity(layout.len());
        for (name, shape) in &layout {
            let (layer, kind) = name.rsplit_once('.').unwrap_or(("", name));
            let constant = match (kind, shapes.get(format!("{layer}.weight").as_str()).map(|s| s.len())) {
                ("running_mean", _) => Some(0.0),
                ("running_var", _) => Some(1.0),
                // Of a normalisation: its weight is a vector.
                ("weight", Some(1)) => Some(1.0),
                ("bias", Some(1)) | ("position", _) => Some(0.0),
                _ if silent(layer) => Some(0.0),
                _ => None,
            };
            let count = shape.iter().product();
            let values: Vec<f32> = match constant {
                Some(value) => vec![value; count],
                None => {
                    let weight = shapes.get(format!("{layer}.weight").as_str()).copied().unwrap_or(shape);
                    let inputs: usize = weight.iter().skip(1).product();
                    let reach = 1.0 / (inputs.max(1) as f32).sqrt();
                    (0..count).map(|_| random.within(-reach, reach)).collect()
                }
            };
            let tensor = Tensor::from_vec(values, shape.as_slice(), device)?;
            vars.push((name.clone(), Var::from_tensor(&tensor)?));
        }
        Ok(Weights { network, variant, vars, words: HashMap::new() })
    }

    /// From a checkpoint of any container.
    ///
    /// # Errors
    /// What the file is instead, or lacks.
    pub fn load(file: &Path, network: Network, device: &Device) -> Result<Weights, TrainError> {
        let (checkpoint, found) = zoo::open(file, network)?;
        let layout = zoo::tensors_of(network, &found.variant).ok_or(TrainError::NotTrained { network })?;
        let source = checkpoint.var_builder(&found.prefix, DType::F32, device);
        let var = |(name, shape): (String, Vec<usize>)| {
            let tensor = source.get(shape.as_slice(), &name)?;
            Ok((name, Var::from_tensor(&tensor)?))
        };
        let vars = layout.into_iter().map(var).collect::<Result<_, TrainError>>()?;
        let words = checkpoint.words().into_iter().collect();
        Ok(Weights { network, variant: found.variant, vars, words })
    }

    /// A Wav2Lip that paints becomes one that warps, and paints what it painted where it does not.
    ///
    /// # Errors
    /// Another network.
    pub fn warping(mut self) -> Result<Weights, TrainError> {
        let Variant::Wav2Lip(config) = &mut self.variant else {
            return Err(TrainError::NotTrained { network: self.network });
        };
        if config.warps {
            return Ok(self);
        }
        let before = config.channels_out();
        config.warps = true;
        let more = config.channels_out() - before;
        for (_, var) in self.vars.iter_mut().filter(|(name, _)| name.starts_with("output_block.1.")) {
            let mut dims = var.dims().to_vec();
            dims[0] = more;
            let silent = Tensor::zeros(dims, var.dtype(), var.device())?;
            *var = Var::from_tensor(&Tensor::cat(&[var.as_tensor(), &silent], 0)?)?;
        }
        Ok(self)
    }

    /// Takes over tensors of another network. `called`: what it calls the tensor of a name, where it is to be taken.
    ///
    /// # Errors
    /// It lacks one, or has it in another shape.
    pub fn adopt(&self, other: &Weights, called: impl Fn(&str) -> Option<&str>) -> Result<(), TrainError> {
        let theirs: HashMap<_, _> = other.vars.iter().map(|(name, var)| (name.as_str(), var)).collect();
        for (name, var) in &self.vars {
            let Some(their_name) = called(name) else { continue };
            match theirs.get(their_name).filter(|their| their.shape() == var.shape()) {
                Some(their) => var.set(&their.as_detached_tensor())?,
                None => return Err(TrainError::State { lack: format!("{their_name} in its shape") }),
            }
        }
        Ok(())
    }

    /// What learns instead of the weights where only corrections of a rank are wanted: of each matrix, `[out, in]` (a
    /// kernel's positions count as inputs), that is larger than its correction, a factor down to the rank and one up from
    /// it. All is 0 in the beginning.
    pub fn corrections(&self, rank: usize, seed: u64) -> Result<Weights, TrainError> {
        let mut random = Random::new(seed);
        let mut vars = Vec::new();
        for (name, var) in &self.vars {
            let [outputs, inputs] = matrix(var.dims());
            if var.rank() < 2 || outputs.min(inputs) <= rank {
                continue;
            }
            let reach = 1.0 / (inputs as f32).sqrt();
            let values: Vec<f32> = (0..rank * inputs).map(|_| random.within(-reach, reach)).collect();
            let down = Tensor::from_vec(values, (rank, inputs), var.device())?;
            let up = Tensor::zeros((outputs, rank), DType::F32, var.device())?;
            vars.push((format!("{name}{DOWN}"), Var::from_tensor(&down)?));
            vars.push((format!("{name}{UP}"), Var::from_tensor(&up)?));
        }
        let (network, variant) = (self.network, self.variant.clone());
        Ok(Weights { network, variant, vars, words: HashMap::new() })
    }

    /// The weights with corrections, by name those of [`Weights::corrections`]. Statistics stay variables that follow;
    /// nothing else has a gradient but through the corrections.
    pub fn corrected(&self, by: &HashMap<String, Tensor>) -> Result<Vec<(String, Tensor)>, TrainError> {
        let corrected = |(name, var): &(String, Var)| {
            let factors = by.get(&format!("{name}{UP}")).zip(by.get(&format!("{name}{DOWN}")));
            let tensor = match factors {
                Some((up, down)) => (var.as_detached_tensor() + up.matmul(down)?.reshape(var.shape())?)?,
                None if name.contains("running_") => var.as_tensor().clone(),
                None => var.as_detached_tensor(),
            };
            Ok((name.clone(), tensor))
        };
        self.vars.iter().map(corrected).collect()
    }

    /// Writes them in half precision, as networks are shipped, with the words of their file; the terms under which they are
    /// given on may be others than those of the file.
    pub fn export(&self, file: &Path, terms: Option<&str>) -> Result<(), TrainError> {
        let tensor = |(name, var): &(String, Var)| (name.clone(), var.as_detached_tensor());
        let tensors: Vec<_> = self.vars.iter().map(tensor).collect();
        let mut words = self.words.clone();
        words.extend(terms.map(|terms| ("licence".into(), terms.into())));
        state::write(file, &tensors, words, true)
    }

    /// What the file that they came from says of itself.
    pub fn words(&self) -> &HashMap<String, String> {
        &self.words
    }

    pub fn network(&self) -> Network {
        self.network
    }

    pub fn variant(&self) -> &Variant {
        &self.variant
    }

    /// Channels of the first layer.
    pub fn channels(&self) -> usize {
        match &self.variant {
            Variant::Width { channels, .. } => *channels,
            _ => self.vars.first().map_or(0, |(_, var)| var.dims().first().copied().unwrap_or(0)),
        }
    }

    pub fn vars(&self) -> &[(String, Var)] {
        &self.vars
    }

    pub fn parameters(&self) -> usize {
        self.vars.iter().map(|(_, var)| var.elem_count()).sum()
    }

    /// The variables themselves, to build a network that learns.
    pub fn builder(&self) -> VarBuilder<'static> {
        self.with(|var| var.as_tensor().clone())
    }

    /// The values as they are now, to build a network that only computes. They must not be kept beyond the next
    /// step: the memory is shared.
    pub fn frozen(&self) -> VarBuilder<'static> {
        self.with(|var| var.as_tensor().detach())
    }

    fn with(&self, tensor: impl Fn(&Var) -> Tensor) -> VarBuilder<'static> {
        let tensors = self.vars.iter().map(|(name, var)| (name.clone(), tensor(var))).collect();
        VarBuilder::from_tensors(tensors, DType::F32, &self.device())
    }

    pub fn device(&self) -> Device {
        self.vars.first().map_or(Device::Cpu, |(_, var)| var.device().clone())
    }

    /// Sets every tensor to that called `prefix` and its name.
    ///
    /// # Errors
    /// One is lacking or has another shape.
    pub fn restore(&self, prefix: &str, from: &HashMap<String, Tensor>) -> Result<(), TrainError> {
        for (name, var) in &self.vars {
            let key = format!("{prefix}{name}");
            let tensor = from.get(&key).ok_or_else(|| TrainError::State { lack: key })?;
            var.set(&tensor.to_device(var.device())?)?;
        }
        Ok(())
    }
}

/// Endings of the names of corrections.
const DOWN: &str = ".down";
const UP: &str = ".up";

/// Outputs and inputs of a weight.
fn matrix(dims: &[usize]) -> [usize; 2] {
    [dims.first().copied().unwrap_or(0), dims.iter().skip(1).product()]
}
