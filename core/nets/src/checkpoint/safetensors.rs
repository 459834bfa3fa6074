//! safetensors: a length, a JSON header, the numbers. What `models import` converts everything into.
//!
//! Read by hand rather than by the crate: a tensor of a kind that is not read is named, and does not
//! take the whole file down with it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::error::Fault;
use super::{Element, Source, TensorInfo};

/// The format's own limit is 100 MB; the largest network here describes itself in 300 kB.
const MAX_HEADER: usize = 16 << 20;
const MAX_TENSORS: usize = 1 << 16;
const MAX_RANK: usize = 8;

pub fn is_safetensors(bytes: &[u8]) -> bool {
    header_len(bytes).is_some_and(|len| len >= 2) && bytes.get(8) == Some(&b'{')
}

fn header_len(bytes: &[u8]) -> Option<usize> {
    let len = u64::from_le_bytes(*bytes.first_chunk::<8>()?);
    usize::try_from(len).ok().filter(|len| *len <= MAX_HEADER)
}

pub fn read(bytes: &[u8]) -> Result<Vec<TensorInfo>, Fault> {
    let header_end = header_len(bytes).map(|len| 8 + len).filter(|end| *end <= bytes.len());
    let header_end =
        header_end.ok_or_else(|| Fault::at_byte(0, "the header reaches beyond the end of the file"))?;
    let header: Map<String, Value> = serde_json::from_slice(&bytes[8..header_end])
        .map_err(|error| Fault::at_byte(8, format!("the header is not the JSON it should be: {error}")))?;
    if header.len() > MAX_TENSORS {
        return Err(Fault::at_byte(8, format!("the header names more than {MAX_TENSORS} tensors")));
    }
    let tensors = header.into_iter().filter(|(name, _)| name != "__metadata__");
    tensors.map(|(name, entry)| tensor(name, &entry, header_end, bytes.len())).collect()
}

/// The header's free words.
pub fn words(bytes: &[u8]) -> BTreeMap<String, String> {
    let header = header_len(bytes).and_then(|len| bytes.get(8..8 + len));
    let header = header.and_then(|header| serde_json::from_slice::<Value>(header).ok());
    let words = header.as_ref().and_then(|header| header["__metadata__"].as_object());
    let word = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    words.into_iter().flatten().filter_map(word).collect()
}

fn tensor(name: String, entry: &Value, data_start: usize, file_len: usize) -> Result<TensorInfo, Fault> {
    let fault = |reason: String| Fault::at_key(&name, reason);
    let dtype = entry["dtype"].as_str().unwrap_or("?");
    let element = Element::of_safetensors(dtype);
    let element = element.ok_or_else(|| fault(format!("its kind of number, {dtype}, is not read")))?;
    let numbers = |key: &str| -> Option<Vec<usize>> {
        let list = entry[key].as_array().filter(|list| list.len() <= MAX_RANK)?;
        list.iter().map(|number| usize::try_from(number.as_u64()?).ok()).collect()
    };
    let shape = numbers("shape").ok_or_else(|| fault("its shape makes no sense".into()))?;
    let (start, end) = match numbers("data_offsets").as_deref() {
        Some(&[start, end]) if start <= end && end <= file_len - data_start => (start, end),
        _ => return Err(fault(format!("its place is outside the file of {file_len} bytes"))),
    };
    let needed = super::count(&shape).and_then(|elements| elements.checked_mul(element.size()));
    if needed != Some(end - start) {
        return Err(fault(format!("its shape {shape:?} does not fill its {} bytes", end - start)));
    }
    let mut stride = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        stride[axis - 1] = stride[axis] * shape[axis].max(1);
    }
    let source = Source::Mapped(data_start + start..data_start + end);
    Ok(TensorInfo { name, element, shape, stride, source })
}

impl Element {
    fn of_safetensors(name: &str) -> Option<Element> {
        Some(match name {
            "F64" => Element::F64,
            "F32" => Element::F32,
            "F16" => Element::F16,
            "BF16" => Element::BF16,
            "I64" => Element::I64,
            "I32" => Element::I32,
            "I16" => Element::I16,
            "I8" => Element::I8,
            "U8" => Element::U8,
            "BOOL" => Element::Bool,
            _ => return None,
        })
    }
    fn safetensors_name(self) -> &'static str {
        match self {
            Element::F64 => "F64",
            Element::F32 => "F32",
            Element::F16 => "F16",
            Element::BF16 => "BF16",
            Element::I64 => "I64",
            Element::I32 => "I32",
            Element::I16 => "I16",
            Element::I8 => "I8",
            Element::U8 => "U8",
            Element::Bool => "BOOL",
        }
    }
}

/// Writes tensors of `checkpoint` under new names: `(new name, tensor)` in the order of the file to be.
/// `each` is told the bytes written so far of how many, and may stop the writing by an error.
pub fn write(
    out: &mut impl Write,
    checkpoint: &super::Checkpoint,
    tensors: &[(&str, &TensorInfo)],
    each: &mut dyn FnMut(u64, u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut header = Map::new();
    let mut end = 0;
    for (name, info) in tensors {
        let start = end;
        end += info.elements() * info.element.size();
        let dtype = info.element.safetensors_name();
        let entry = json!({ "dtype": dtype, "shape": info.shape, "data_offsets": [start, end] });
        header.insert(name.to_string(), entry);
    }
    let mut header = serde_json::to_vec(&header)?;
    // The format wants the numbers aligned to 8 bytes, the header padded with blanks.
    header.resize(header.len().next_multiple_of(8), b' ');
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)?;
    let mut done = 0;
    for (_, info) in tensors {
        let data = checkpoint.data(info).map_err(io::Error::other)?;
        for piece in data.chunks(4 << 20) {
            each(done, end as u64)?;
            out.write_all(piece)?;
            done += piece.len() as u64;
        }
    }
    each(done, end as u64)
}
