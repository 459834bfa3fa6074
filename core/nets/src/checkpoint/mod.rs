//! Published checkpoints as named tensors, whatever container they come in: torch's legacy files, its zip
//! files (plain, Lightning, TorchScript) and safetensors.
//!
//! A file from outside is taken as hostile. Nothing in it is executed (`pickle.rs`); sizes, counts and
//! offsets are checked against the bytes that are there before memory is taken. Opening reads only the
//! descriptions; weights are read from the map when asked for, tensor by tensor.

mod backend;
mod error;
mod legacy;
mod names;
mod pickle;
mod safetensors;
mod torch;
mod zip;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use memmap2::{Advice, Mmap};

pub use error::{CheckpointError, Result};
pub use safetensors::write as write_safetensors;

use error::Fault;
use pickle::Graph;
use torch::TensorRef;

/// A pickle holds descriptions, never weights: DiffTalk's whole training state describes itself in 1 MB.
const MAX_PICKLE: usize = 64 << 20;
/// A view may repeat its storage's numbers (stride 0); more than this many times over is an attack.
const MAX_REPEATED: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// torch.save before 1.6: pickles, then raw storages.
    TorchLegacy,
    /// torch.save since 1.6.
    TorchZip,
    /// The same with PyTorch Lightning's training state around the weights.
    Lightning,
    /// torch.jit.save: weights hang on a tree of scripted modules.
    TorchScript,
    Safetensors,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Container::TorchLegacy => "legacy torch file",
            Container::TorchZip => "torch zip file",
            Container::Lightning => "PyTorch Lightning checkpoint",
            Container::TorchScript => "TorchScript file",
            Container::Safetensors => "safetensors file",
        })
    }
}

/// The kinds of numbers that checkpoints hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Element {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Element::F64 | Element::I64 => 8,
            Element::F32 | Element::I32 => 4,
            Element::F16 | Element::BF16 | Element::I16 => 2,
            Element::I8 | Element::U8 | Element::Bool => 1,
        }
    }
    pub fn is_float(self) -> bool {
        matches!(self, Element::F64 | Element::F32 | Element::F16 | Element::BF16)
    }
    fn of_storage_class(name: &str) -> Option<Element> {
        Some(match name {
            "DoubleStorage" => Element::F64,
            "FloatStorage" => Element::F32,
            "HalfStorage" => Element::F16,
            "BFloat16Storage" => Element::BF16,
            "LongStorage" => Element::I64,
            "IntStorage" => Element::I32,
            "ShortStorage" => Element::I16,
            "CharStorage" => Element::I8,
            "ByteStorage" => Element::U8,
            "BoolStorage" => Element::Bool,
            _ => return None,
        })
    }
    fn of_torch_dtype(name: &str) -> Option<Element> {
        Some(match name {
            "float64" | "double" => Element::F64,
            "float32" | "float" => Element::F32,
            "float16" | "half" => Element::F16,
            "bfloat16" => Element::BF16,
            "int64" | "long" => Element::I64,
            "int32" | "int" => Element::I32,
            "int16" | "short" => Element::I16,
            "int8" => Element::I8,
            "uint8" => Element::U8,
            "bool" => Element::Bool,
            _ => return None,
        })
    }
}

/// What a checkpoint says of one of its tensors.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    pub name: String,
    pub element: Element,
    pub shape: Vec<usize>,
    /// In elements.
    stride: Vec<usize>,
    source: Source,
}

/// Where a tensor's first element lies.
#[derive(Clone, Debug)]
enum Source {
    /// From here to the storage's end in the file.
    Mapped(Range<usize>),
    /// `skip` bytes into a deflated member.
    Packed { member: Arc<zip::Member>, skip: usize },
}

impl TensorInfo {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether both are the same numbers in the file: Lightning saves a module under every attribute
    /// that refers to it.
    pub fn is_alias_of(&self, other: &TensorInfo) -> bool {
        let same = match (&self.source, &other.source) {
            (Source::Mapped(a), Source::Mapped(b)) => a.start == b.start,
            (Source::Packed { member: a, skip: x }, Source::Packed { member: b, skip: y }) => {
                Arc::ptr_eq(a, b) && x == y
            }
            _ => false,
        };
        same && self.shape == other.shape && self.stride == other.stride
    }
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.stride).rev().all(|(&dim, &stride)| {
            let fits = dim == 1 || stride == expected;
            expected *= dim;
            fits
        })
    }
}

/// An open checkpoint; cheap to clone. The file must not be changed while it is open: it is mapped.
#[derive(Clone)]
pub struct Checkpoint(Arc<Inner>);

struct Inner {
    path: PathBuf,
    container: Container,
    map: Mmap,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<String, usize>,
    members: Vec<Arc<zip::Member>>,
}

/// What a container's reader finds in the bytes.
struct Contents {
    container: Container,
    tensors: Vec<TensorInfo>,
    members: Vec<Arc<zip::Member>>,
}

impl Checkpoint {
    /// Reads the descriptions of a checkpoint's tensors, not the tensors.
    pub fn open(path: impl AsRef<Path>) -> Result<Checkpoint> {
        let path = path.as_ref();
        let map = map_file(path)?;
        // Opening hops from header to header through what may be gigabytes: no read-ahead. Advice only.
        let _ = map.advise(Advice::Random);
        let contents = read(&map, path)?;
        let _ = map.advise(Advice::Normal);
        Checkpoint::new(path, map, contents).map_err(|fault| fault.in_file(path))
    }

    fn new(path: &Path, map: Mmap, contents: Contents) -> Result<Checkpoint, Fault> {
        let Contents { container, mut tensors, members } = contents;
        let mut tidied: Vec<String> = tensors.iter().map(|tensor| tensor.name.clone()).collect();
        names::tidy(&mut tidied);
        let mut by_name = HashMap::with_capacity(tensors.len());
        for (index, (tensor, name)) in tensors.iter_mut().zip(tidied).enumerate() {
            if by_name.insert(name.clone(), index).is_some() {
                return Err(Fault::at_key(name, "two tensors have this name"));
            }
            tensor.name = name;
        }
        Ok(Checkpoint(Arc::new(Inner { path: path.to_owned(), container, map, tensors, by_name, members })))
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }
    pub fn container(&self) -> Container {
        self.0.container
    }
    /// The whole file, as it is: for its digest.
    pub fn bytes(&self) -> &[u8] {
        &self.0.map
    }
    /// What the file says of itself in words, for people: never to be relied on. Only safetensors can.
    pub fn words(&self) -> BTreeMap<String, String> {
        match self.0.container {
            Container::Safetensors => safetensors::words(&self.0.map),
            _ => BTreeMap::new(),
        }
    }
    /// All tensors in the file's order; `DataParallel`'s `module.` is taken out of the names.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.0.tensors
    }
    pub fn get(&self, name: &str) -> Option<&TensorInfo> {
        self.0.by_name.get(name).map(|&index| &self.0.tensors[index])
    }

    /// Reads one tensor, made contiguous, as `dtype` on `device`. Integers narrower than 64 bits come by
    /// way of i64, truth values as 0 and 1.
    pub fn tensor(&self, name: &str, device: &Device, dtype: DType) -> Result<Tensor> {
        let info = self.get(name).ok_or_else(|| self.missing(name))?;
        let bytes = self.data(info)?;
        let tensor = to_tensor(info, &bytes).and_then(|tensor| tensor.to_dtype(dtype)?.to_device(device));
        tensor.map_err(|source| CheckpointError::Tensor {
            path: self.path().to_owned(),
            key: name.to_owned(),
            source: Box::new(source),
        })
    }

    /// A tensor's numbers: little endian, row-major, without gaps.
    pub fn data(&self, info: &TensorInfo) -> Result<Cow<'_, [u8]>> {
        self.data_of(info).map_err(|fault| fault.in_file(self.path()))
    }

    fn data_of(&self, info: &TensorInfo) -> Result<Cow<'_, [u8]>, Fault> {
        let map: &[u8] = &self.0.map;
        let storage = match &info.source {
            Source::Mapped(range) => map.get(range.clone()).map(Cow::Borrowed),
            Source::Packed { member, skip } => match member.contents(map)? {
                Cow::Borrowed(bytes) => bytes.get(*skip..).map(Cow::Borrowed),
                Cow::Owned(bytes) => bytes.get(*skip..).map(|rest| Cow::Owned(rest.to_vec())),
            },
        };
        let outside = || Fault::at_key(&info.name, "it reaches beyond its storage");
        let storage = storage.ok_or_else(outside)?;
        if !info.is_contiguous() {
            return gather(info, &storage).map(Cow::Owned).ok_or_else(outside);
        }
        let len = info.elements() * info.element.size();
        match storage {
            Cow::Borrowed(bytes) => bytes.get(..len).map(Cow::Borrowed).ok_or_else(outside),
            Cow::Owned(mut bytes) if bytes.len() >= len => {
                bytes.truncate(len);
                Ok(Cow::Owned(bytes))
            }
            Cow::Owned(_) => Err(outside()),
        }
    }

    /// How many of a tensor's numbers are NaN or infinite.
    pub fn non_finite(&self, info: &TensorInfo) -> Result<usize> {
        let bytes = self.data(info)?;
        // All ones in the exponent: infinite or not a number.
        let count = |width: usize, exponent: u64| {
            let number = |raw: &[u8]| raw.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
            bytes.chunks_exact(width).filter(|raw| number(raw) & exponent == exponent).count()
        };
        Ok(match info.element {
            Element::F64 => count(8, 0x7ff0_0000_0000_0000),
            Element::F32 => count(4, 0x7f80_0000),
            Element::F16 => count(2, 0x7c00),
            Element::BF16 => count(2, 0x7f80),
            _ => 0,
        })
    }

    /// Compares the stored checksums with the bytes, where the container has any (zip).
    pub fn check_integrity(&self) -> Result<()> {
        let damaged = |fault: Fault| fault.in_file(self.path());
        self.0.members.iter().try_for_each(|member| member.check(&self.0.map)).map_err(damaged)
    }

    fn missing(&self, key: &str) -> CheckpointError {
        // Most often the prefix is wrong: the longest common tail is the likely one.
        let tail = |name: &str| name.bytes().rev().zip(key.bytes().rev()).take_while(|(a, b)| a == b).count();
        let nearest = self.tensors().iter().map(|tensor| &tensor.name).max_by_key(|name| tail(name));
        let similar = nearest.filter(|name| tail(name) * 2 > key.len()).cloned();
        CheckpointError::MissingKey { path: self.path().to_owned(), key: key.to_owned(), similar }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Checkpoint({}, {}, {} tensors)",
            self.path().display(),
            self.container(),
            self.tensors().len()
        )
    }
}

fn map_file(path: &Path) -> Result<Mmap> {
    let io = |source| CheckpointError::Io { path: path.to_owned(), source };
    let nothing =
        |what: &str| CheckpointError::NotACheckpoint { path: path.to_owned(), what: what.to_owned() };
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if about.is_dir() {
        return Err(nothing("it is a folder; name the file in it"));
    }
    if !about.is_file() {
        return Err(nothing("it is not an ordinary file"));
    }
    if about.len() == 0 {
        return Err(nothing("it is empty; download it again"));
    }
    // SAFETY: the map is only read. A program that cuts the file off meanwhile makes reading it fail
    // with a bus error, as for every mapped file; checkpoints are written once.
    unsafe { Mmap::map(&file) }.map_err(io)
}

fn read(bytes: &[u8], path: &Path) -> Result<Contents> {
    let contents = if bytes.starts_with(zip::SIGNATURE) {
        read_zip(bytes)
    } else if legacy::is_legacy(bytes) {
        read_legacy(bytes)
    } else if safetensors::is_safetensors(bytes) {
        let tensors = safetensors::read(bytes);
        tensors.map(|tensors| Contents { container: Container::Safetensors, tensors, members: Vec::new() })
    } else {
        Err(Fault::another_kind(looks_like(bytes)))
    };
    contents.map_err(|fault| fault.in_file(path))
}

fn read_legacy(bytes: &[u8]) -> Result<Contents, Fault> {
    let (graph, storages) = legacy::read(bytes)?;
    let tensors = torch::tensors(&graph)?.into_iter().map(|tensor| {
        let storage = storages.get(tensor.storage.key).cloned();
        let storage =
            storage.ok_or_else(|| Fault::at_key(&tensor.name, "its weights are not in the file"))?;
        place(tensor, Source::Mapped(storage.clone()), storage.len())
    });
    let tensors = tensors.collect::<Result<_, Fault>>()?;
    Ok(Contents { container: Container::TorchLegacy, tensors, members: Vec::new() })
}

fn read_zip(bytes: &[u8]) -> Result<Contents, Fault> {
    let members: Vec<_> = zip::members(bytes)?.into_iter().map(Arc::new).collect();
    let by_name: HashMap<&str, &Arc<zip::Member>> =
        members.iter().map(|member| (member.name.as_str(), member)).collect();
    let description = members.iter().find(|member| {
        member
            .name
            .strip_suffix("data.pkl")
            .is_some_and(|root| root.is_empty() || root.find('/') == Some(root.len() - 1))
    });
    let Some(description) = description else {
        let what = "it is a zip archive without torch's 'data.pkl'; unpack it and name the checkpoint inside";
        return Err(Fault::another_kind(what));
    };
    let root = description.name.trim_end_matches("data.pkl");
    if let Some(order) = by_name.get(format!("{root}byteorder").as_str())
        && order.contents(bytes)?.starts_with(b"big")
    {
        return Err(Fault::another_kind("it was written by a big-endian machine; convert it there"));
    }
    if description.len > MAX_PICKLE {
        let reason = format!("its description is {} bytes long; {MAX_PICKLE} are read", description.len);
        return Err(Fault::at_byte(description.data.start, reason));
    }
    let pickled = description.contents(bytes)?;
    let graph = Graph::read(&pickled, 0).map_err(|fault| fault.within(&description.name))?;
    let container = if by_name.contains_key(format!("{root}constants.pkl").as_str()) {
        Container::TorchScript
    } else if graph.get(graph.root, "pytorch-lightning_version").is_some() {
        Container::Lightning
    } else {
        Container::TorchZip
    };
    let tensors = torch::tensors(&graph)?.into_iter().map(|tensor| {
        let member = by_name.get(format!("{root}data/{}", tensor.storage.key).as_str());
        let member = *member.ok_or_else(|| Fault::at_key(&tensor.name, "its weights are not in the file"))?;
        let source = match member.deflated {
            true => Source::Packed { member: member.clone(), skip: 0 },
            false => Source::Mapped(member.data.clone()),
        };
        place(tensor, source, member.len)
    });
    let tensors = tensors.collect::<Result<_, Fault>>()?;
    Ok(Contents { container, tensors, members })
}

/// Puts a described tensor upon its storage of `available` bytes, or says why it does not fit there.
fn place(tensor: TensorRef<'_>, storage: Source, available: usize) -> Result<TensorInfo, Fault> {
    let TensorRef { name, storage: described, element, offset, shape, stride } = tensor;
    let fault = |reason: String| Err(Fault::at_key(&name, reason));
    let width = described.element.map_or(1, Element::size);
    if described.len.checked_mul(width) != Some(available) {
        return fault(format!(
            "its storage has {available} bytes where {} × {width} are announced",
            described.len
        ));
    }
    if shape.len() != stride.len() {
        return fault(format!("it has {} dimensions but {} strides", shape.len(), stride.len()));
    }
    let elements = count(&shape);
    // One past the last element that the strides reach.
    let reach = shape.iter().zip(&stride).try_fold(1usize, |reach, (&dim, &stride)| {
        dim.saturating_sub(1).checked_mul(stride).and_then(|step| reach.checked_add(step))
    });
    let skip = described.start.checked_mul(width).zip(offset.checked_mul(element.size()));
    let skip = skip.and_then(|(window, offset)| window.checked_add(offset));
    let needed = match elements {
        Some(0) => Some(0),
        _ => reach.and_then(|reach| reach.checked_mul(element.size())),
    };
    let end = skip.zip(needed).and_then(|(skip, needed)| skip.checked_add(needed));
    let (Some(elements), Some(skip), Some(_)) = (elements, skip, end.filter(|end| *end <= available)) else {
        return fault(format!(
            "its shape {shape:?} at {offset} does not lie within its storage of {available} bytes"
        ));
    };
    if elements > MAX_REPEATED && elements.saturating_mul(element.size()) > available {
        return fault(format!("its shape {shape:?} repeats the numbers of a storage of {available} bytes"));
    }
    let source = match storage {
        Source::Mapped(range) => Source::Mapped(range.start + skip..range.end),
        Source::Packed { member, .. } => Source::Packed { member, skip },
    };
    Ok(TensorInfo { name, element, shape, stride, source })
}

/// The number of elements of a shape; `None` where it, or the part of it without zeros, is absurd.
fn count(shape: &[usize]) -> Option<usize> {
    let product = shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim.max(1)));
    let product = product.filter(|product| *product <= isize::MAX as usize)?;
    Some(if shape.contains(&0) { 0 } else { product })
}

/// The elements of a strided view one after another; `None` if one lies outside of `storage`.
fn gather(info: &TensorInfo, storage: &[u8]) -> Option<Vec<u8>> {
    let width = info.element.size();
    let elements = info.elements();
    let mut dense = Vec::with_capacity(elements * width);
    let mut index = vec![0; info.shape.len()];
    for _ in 0..elements {
        let at: usize = index.iter().zip(&info.stride).map(|(i, stride)| i * stride).sum();
        dense.extend_from_slice(storage.get(at * width..(at + 1) * width)?);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < info.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Some(dense)
}

fn to_tensor(info: &TensorInfo, bytes: &[u8]) -> candle_core::Result<Tensor> {
    fn numbers<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|raw| number(*raw)).collect()
    }
    let shape = info.shape.as_slice();
    let on = &Device::Cpu;
    match info.element {
        Element::F64 => Tensor::from_vec(numbers(bytes, f64::from_le_bytes), shape, on),
        Element::F32 => Tensor::from_vec(numbers(bytes, f32::from_le_bytes), shape, on),
        Element::F16 => Tensor::from_vec(numbers(bytes, half::f16::from_le_bytes), shape, on),
        Element::BF16 => Tensor::from_vec(numbers(bytes, half::bf16::from_le_bytes), shape, on),
        Element::I64 => Tensor::from_vec(numbers(bytes, i64::from_le_bytes), shape, on),
        Element::I32 => Tensor::from_vec(numbers(bytes, |raw| i64::from(i32::from_le_bytes(raw))), shape, on),
        Element::I16 => Tensor::from_vec(numbers(bytes, |raw| i64::from(i16::from_le_bytes(raw))), shape, on),
        Element::I8 => Tensor::from_vec(numbers(bytes, |raw| i64::from(i8::from_le_bytes(raw))), shape, on),
        Element::U8 => Tensor::from_vec(bytes.to_vec(), shape, on),
        Element::Bool => Tensor::from_vec(numbers(bytes, |[byte]| u8::from(byte != 0)), shape, on),
    }
}

/// What a file that is no checkpoint seems to be, and what to do about it.
fn looks_like(bytes: &[u8]) -> &'static str {
    let head = bytes[..bytes.len().min(512)].trim_ascii_start().to_ascii_lowercase();
    let begins = |signs: &[&[u8]]| signs.iter().any(|sign| head.starts_with(sign));
    if begins(&[b"<!doctype", b"<html", b"<?xml", b"<head"]) {
        "it is a web page, saved in the checkpoint's place: a sign-in or download page; \
         download the file itself"
    } else if begins(&[b"version https://git-lfs"]) {
        "it is a Git LFS pointer, not the file it points to; fetch it with 'git lfs pull'"
    } else if begins(&[b"{", b"["]) {
        "it is a JSON text, perhaps a server's error message; download the checkpoint again"
    } else if begins(&[b"\x1f\x8b", b"7z\xbc\xaf", b"rar!", b"\xfd7zxz", b"bzh", b"\x28\xb5\x2f\xfd"]) {
        "it is a packed archive; unpack it and name the checkpoint inside"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "it is a tar archive; unpack it (torch's own tar format of 2016 is not read)"
    } else if begins(&[b"\x89hdf"]) {
        "it is an HDF5 file (Keras or MATLAB); the network's PyTorch checkpoint is needed"
    } else if begins(&[b"gguf"]) {
        "it is a GGUF file; the network's PyTorch checkpoint is needed"
    } else if head.starts_with(b"\x80") {
        "it is a Python pickle but not one of torch's, or it was cut off at its beginning"
    } else if head.is_empty() || bytes.iter().take(4096).all(|&byte| byte == 0) {
        "it holds nothing but zeros or blanks; download it again"
    } else {
        "it is none of the kinds that are read: torch (.pt, .pth, .ckpt, .model), TorchScript, safetensors"
    }
}
