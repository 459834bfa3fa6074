//! Named tensors and a few words as a safetensors file, written whole or not at all.

use crate::TrainError;
use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes under a temporary name, syncs, renames.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let temporary = path.with_extension("tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|error| {
        // What went wrong is told; that the rest could not be removed either would only hide it.
        let _ = fs::remove_file(&temporary);
        TrainError::file("write", path)(error)
    })
}

/// Writes tensors in their own order as f32, or as f16 if `half`; integers stay what they are.
pub fn write(
    path: &Path,
    tensors: &[(String, Tensor)],
    words: HashMap<String, String>,
    half: bool,
) -> Result<(), TrainError> {
    let kept: Vec<Kept> =
        tensors.iter().map(|(_, t)| Kept::of(t, half)).collect::<Result<_, TrainError>>()?;
    let views = tensors.iter().zip(&kept).map(|((name, _), kept)| {
        let view = TensorView::new(kept.dtype, kept.shape.clone(), &kept.bytes);
        Ok((name.as_str(), view.map_err(|e| TrainError::Format { cause: e.to_string() })?))
    });
    let views: Vec<_> = views.collect::<Result<_, TrainError>>()?;
    let bytes = safetensors::serialize(views, Some(words)).map_err(|e| e.to_string());
    replace(path, &bytes.and_then(in_order).map_err(|cause| TrainError::Format { cause })?)
}

/// The words sorted: the same network is the same file, bit for bit, and has the same digest. The library writes
/// them in the order of a hash map, which is another in every process.
fn in_order(mut file: Vec<u8>) -> Result<Vec<u8>, String> {
    let length = file.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes) as usize);
    let head = file.get_mut(8..8 + length).ok_or("its head is not whole")?;
    let mut json: serde_json::Value = serde_json::from_slice(head).map_err(|e| e.to_string())?;
    if let Some(words) = json.get_mut("__metadata__").and_then(serde_json::Value::as_object_mut) {
        words.sort_keys();
    }
    let sorted = serde_json::to_vec(&json).map_err(|e| e.to_string())?;
    head.fill(b' ');
    head.get_mut(..sorted.len()).ok_or("its head grew")?.copy_from_slice(&sorted);
    Ok(file)
}

struct Kept {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Kept {
    fn of(tensor: &Tensor, half: bool) -> Result<Kept, TrainError> {
        let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
        let (dtype, bytes) = match tensor.dtype() {
            DType::I64 => (Dtype::I64, flat.to_vec1::<i64>()?.iter().flat_map(|v| v.to_le_bytes()).collect()),
            _ if half => {
                let values = flat.to_dtype(DType::F16)?.to_vec1::<half::f16>()?;
                (Dtype::F16, values.iter().flat_map(|v| v.to_le_bytes()).collect())
            }
            _ => {
                let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
                (Dtype::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
            }
        };
        Ok(Kept { dtype, shape: tensor.dims().to_vec(), bytes })
    }
}

/// All tensors, on the CPU, and the words.
pub fn read(path: &Path) -> Result<(HashMap<String, Tensor>, HashMap<String, String>), TrainError> {
    let bytes = fs::read(path).map_err(TrainError::file("read", path))?;
    let damaged = |cause: String| TrainError::DamagedState { path: path.to_owned(), cause };
    let (_, about) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string()))?;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu);
    Ok((tensors.map_err(|e| damaged(e.to_string()))?, about.metadata().clone().unwrap_or_default()))
}
