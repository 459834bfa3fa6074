//! A checkpoint as Candle's source of weights: read when a network asks, by the name it asks for.

use candle_core::{DType, Device, Error, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};

use super::{Checkpoint, CheckpointError};

struct Backend {
    checkpoint: Checkpoint,
    prefix: String,
}

impl Checkpoint {
    /// The weights below `prefix` (such as `state_dict.`; empty: all), read as `dtype` to `device` when a
    /// network asks for them. Failures are Candle's `CannotFindTensor` and `UnexpectedShape`, with the
    /// file's path.
    pub fn var_builder(&self, prefix: &str, dtype: DType, device: &Device) -> VarBuilder<'static> {
        let backend = Backend { checkpoint: self.clone(), prefix: prefix.to_owned() };
        VarBuilder::from_backend(Box::new(backend), dtype, device.clone())
    }
}

impl SimpleBackend for Backend {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let key = format!("{}{name}", self.prefix);
        // Before the read: a wrong network's tensor may be of any size.
        if let Some(info) = self.checkpoint.get(&key).filter(|info| info.shape != shape.dims()) {
            let got = Shape::from_dims(&info.shape);
            let wrong = Error::UnexpectedShape { msg: format!("shape of '{key}'"), expected: shape, got };
            return Err(wrong.with_path(self.checkpoint.path()));
        }
        self.get_unchecked(name, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        let key = format!("{}{name}", self.prefix);
        let error = match self.checkpoint.tensor(&key, device, dtype) {
            Ok(tensor) => return Ok(tensor),
            Err(CheckpointError::MissingKey { key, .. }) => Error::CannotFindTensor { path: key },
            Err(CheckpointError::Tensor { source, .. }) => *source,
            Err(other) => return Err(Error::wrap(other)),
        };
        Err(error.with_path(self.checkpoint.path()))
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.checkpoint.get(&format!("{}{name}", self.prefix)).is_some()
    }
}
