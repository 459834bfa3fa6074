//! How different two faces look, by LPIPS: measured where the user has imported its weights, and never guessed.

use crate::error::EngineError;
use crate::models::Registry;
use crate::paths::Paths;
use crate::train::lpips;
use candle_core::{Device, Tensor};
use lipsmith_base::Rgb;
use lipsmith_nets::device;
use lipsmith_nets::lpips::Lpips;
use lipsmith_nets::zoo::Network;
use serde::Serialize;
use std::path::PathBuf;

/// A mean over frames, and with what it was measured.
#[derive(Clone, Debug, Serialize)]
pub struct LooksApart {
    /// 0 where all are the same.
    pub lpips: f64,
    /// The classifier whose features were compared.
    pub backbone: &'static str,
    pub weights: PathBuf,
}

pub struct Looks {
    network: Lpips,
    weights: PathBuf,
    device: Device,
}

impl Looks {
    /// `None` when no weights are installed.
    ///
    /// # Errors
    /// Weights that cannot be used, a device that is not there.
    pub fn installed(paths: &Paths, device: &str) -> Result<Option<Looks>, EngineError> {
        let Some(weights) = Registry::open(&paths.data)?.installed(Network::Lpips.name()) else {
            return Ok(None);
        };
        let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
        Ok(Some(Looks { network: lpips(&weights, &device)?, weights, device }))
    }

    /// Two pictures of one size.
    pub fn apart(&self, a: &Rgb, b: &Rgb) -> Result<f64, EngineError> {
        let planes = |picture: &Rgb| {
            let of = |colour: usize| picture.pixels().iter().map(move |pixel| 2.0 * pixel[colour] - 1.0);
            let values: Vec<f32> = (0..3).flat_map(of).collect();
            Tensor::from_vec(values, (1, 3, picture.height(), picture.width()), &self.device)
        };
        let measured = |error: candle_core::Error| EngineError::Network(error.into());
        let (a, b) = (planes(a).map_err(measured)?, planes(b).map_err(measured)?);
        let apart = self.network.forward(&a, &b).map_err(EngineError::Network)?;
        Ok(apart.mean_all().and_then(|mean| mean.to_scalar::<f32>()).map_err(measured)?.into())
    }

    pub fn tell(self, lpips: f64) -> LooksApart {
        LooksApart { lpips, backbone: self.network.backbone.name(), weights: self.weights }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Cancel;
    use lipsmith_nets::lpips::Backbone;
    use lipsmith_nets::zoo::{self, Variant};
    use std::collections::HashMap;

    #[test]
    fn looks_are_measured_with_imported_weights_and_with_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let paths = Paths { data: at("data"), cache: at("cache") };
        assert!(Looks::installed(&paths, "cpu").expect("asked").is_none());

        let layout = zoo::tensors_of(Network::Lpips, &Variant::Lpips(Backbone::Alex)).expect("its form");
        let tensor = |(at, (name, shape)): (usize, (String, Vec<usize>))| {
            let value = |i: usize| 0.05 * (((i * 31 + at * 7) % 13) as f32 - 5.0);
            let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
            (name, Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor"))
        };
        let tensors: HashMap<_, _> = layout.into_iter().enumerate().map(tensor).collect();
        let file = at("lpips.safetensors");
        candle_core::safetensors::save(&tensors, &file).expect("written");
        let mut registry = Registry::open(&paths.data).expect("a registry");
        registry.import(&file, &(), &Cancel::new()).expect("imported");

        let looks = Looks::installed(&paths, "cpu").expect("asked").expect("there");
        let picture = |shift: usize| {
            let pixel = |i: usize| [0.2, 0.5, 0.1].map(|v: f32| v + 0.004 * (((i + shift) * 5) % 97) as f32);
            Rgb::from_pixels(48, 48, (0..48 * 48).map(pixel).collect()).expect("a picture")
        };
        assert_eq!(looks.apart(&picture(0), &picture(0)).expect("measured"), 0.0);
        assert!(looks.apart(&picture(0), &picture(7)).expect("measured").abs() > 1e-6);
        let told = looks.tell(0.25);
        assert_eq!((told.backbone, told.lpips), ("alex", 0.25));
        assert!(told.weights.starts_with(&paths.data));
    }
}
