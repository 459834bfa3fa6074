//! Which processor the networks run on.

use candle_core::Device;

use crate::error::{NetsError, Result};

/// Names a person may give; `auto` takes the first that works, graphics processors first.
pub const NAMES: [&str; 4] = ["auto", "cpu", "cuda", "metal"];

/// Opens the device called `name`, one of [`NAMES`].
///
/// # Errors
/// When the name is unknown, this build lacks the device, or the machine does.
pub fn open(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "cuda" => cuda(),
        "metal" => metal(),
        "auto" => Ok(cuda().or_else(|_| metal()).unwrap_or(Device::Cpu)),
        other => {
            Err(NetsError::Invalid(format!("there is no device '{other}': choose {}", NAMES.join(", "))))
        }
    }
}

/// As the status line and the reports call it.
pub fn describe(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "CPU",
        Device::Cuda(_) => "CUDA",
        Device::Metal(_) => "Metal",
    }
}

fn cuda() -> Result<Device> {
    if !candle_core::utils::cuda_is_available() {
        return Err(absent("cuda", "an NVIDIA card and a build with `--features cuda`"));
    }
    Ok(Device::new_cuda(0)?)
}

fn metal() -> Result<Device> {
    if !candle_core::utils::metal_is_available() {
        return Err(absent("metal", "a Mac"));
    }
    Ok(Device::new_metal(0)?)
}

fn absent(name: &str, needs: &str) -> NetsError {
    NetsError::Invalid(format!("the device '{name}' needs {needs}; choose cpu or auto here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_always_finds_one_and_unknown_names_are_refused() {
        assert!(open("auto").is_ok() && open("cpu").is_ok());
        let error = open("abacus").expect_err("no such device").to_string();
        assert!(error.contains("abacus") && error.contains("cuda"), "{error}");
    }
}
