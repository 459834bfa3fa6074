//! A network's tensors as variables: made fresh, read from any checkpoint, written under the network's own names.

use crate::TrainError;
use crate::speaker::math::Random;
use crate::state;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use lipsmith_nets::zoo::{self, Network, Variant};
use std::collections::HashMap;
use std::path::Path;

/// All tensors of one network, those that learn and those that only follow (running statistics).
pub struct Weights {
    network: Network,
    /// Channels of the first layer.
    channels: usize,
    /// In the network's own order.
    vars: Vec<(String, Var)>,
    /// What the file that they came from says of itself.
    words: HashMap<String, String>,
}

impl Weights {
    /// As PyTorch begins: weights and biases uniform in ±1/√(inputs of the layer), normalisation neutral.
    ///
    /// # Errors
    /// A network that is not trained here.
    pub fn fresh(
        network: Network,
        channels: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Weights, TrainError> {
        let layout = zoo::tensors(network, channels).ok_or(TrainError::NotTrained { network })?;
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
                ("bias", Some(1)) => Some(0.0),
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
        Ok(Weights { network, channels, vars, words: HashMap::new() })
    }

    /// From a checkpoint of any container.
    ///
    /// # Errors
    /// What the file is instead, or lacks.
    pub fn load(file: &Path, network: Network, device: &Device) -> Result<Weights, TrainError> {
        let (checkpoint, found) = zoo::open(file, network)?;
        let Variant::Width { channels, .. } = found.variant else {
            return Err(TrainError::NotTrained { network });
        };
        let layout = zoo::tensors(network, channels).ok_or(TrainError::NotTrained { network })?;
        let source = checkpoint.var_builder(&found.prefix, DType::F32, device);
        let var = |(name, shape): (String, Vec<usize>)| {
            let tensor = source.get(shape.as_slice(), &name)?;
            Ok((name, Var::from_tensor(&tensor)?))
        };
        let vars = layout.into_iter().map(var).collect::<Result<_, TrainError>>()?;
        let words = checkpoint.words().into_iter().collect();
        Ok(Weights { network, channels, vars, words })
    }

    /// Writes them in half precision, as networks are shipped, with the words of their file.
    pub fn export(&self, file: &Path) -> Result<(), TrainError> {
        let tensor = |(name, var): &(String, Var)| (name.clone(), var.as_detached_tensor());
        let tensors: Vec<_> = self.vars.iter().map(tensor).collect();
        state::write(file, &tensors, self.words.clone(), true)
    }

    /// What the file that they came from says of itself.
    pub fn words(&self) -> &HashMap<String, String> {
        &self.words
    }

    pub fn network(&self) -> Network {
        self.network
    }

    /// Channels of the first layer, from which all widths follow.
    pub fn channels(&self) -> usize {
        self.channels
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
        let device = self.vars.first().map_or(Device::Cpu, |(_, var)| var.device().clone());
        VarBuilder::from_tensors(tensors, DType::F32, &device)
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
