//! Finding cases, building their networks, comparing tensors.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::procedural;

/// Bounds on the relative L2 distance.
pub const ONE_FORWARD: f64 = 1e-4;
pub const SAMPLED: f64 = 1e-3;

pub fn root() -> PathBuf {
    if let Some(folder) = std::env::var_os("LIPSMITH_GOLDEN") {
        return folder.into();
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = repository.join("../shared/golden");
    let folder = if shared.is_dir() { shared } else { repository.join("tests/golden") };
    folder.canonicalize().unwrap_or(folder)
}

/// One size of one network: a folder with the rule of its weights.
pub struct Case {
    pub folder: PathBuf,
    pub name: String,
}

/// The cases of `network`; `wanted` is asked about the size's name.
pub fn cases(network: &str, wanted: impl Fn(&str) -> bool) -> Vec<Case> {
    let folder = root().join(network);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut cases: Vec<Case> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.join("weights.tsv").is_file())
        .filter_map(|folder| {
            let size = folder.file_name()?.to_str()?.to_owned();
            wanted(&size).then(|| Case { name: format!("{network}/{size}"), folder })
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    pub fn tensors(&self, file: &str) -> Tensors {
        Tensors::load(&self.folder.join(file))
    }

    pub fn has(&self, file: &str) -> bool {
        self.folder.join(file).is_file()
    }

    pub fn json(&self, file: &str) -> serde_json::Value {
        json(&self.folder.join(file))
    }

    pub fn weights(&self) -> HashMap<String, Tensor> {
        procedural::weights(&self.folder).unwrap()
    }

    pub fn vars(&self, dtype: DType) -> VarBuilder<'static> {
        VarBuilder::from_tensors(self.weights(), dtype, &Device::Cpu)
    }
}

pub fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

pub struct Tensors {
    file: PathBuf,
    pub map: HashMap<String, Tensor>,
}

impl Tensors {
    pub fn load(file: &Path) -> Self {
        let map = candle_core::safetensors::load(file, &Device::Cpu)
            .unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        Self { file: file.to_owned(), map }
    }

    pub fn get(&self, name: &str) -> &Tensor {
        self.map.get(name).unwrap_or_else(|| panic!("{} has no {name}", self.file.display()))
    }

    /// Names that begin with `prefix`, with what follows it.
    pub fn after<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.map.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)))
    }

    pub fn integers(&self, name: &str) -> Vec<i64> {
        self.get(name).flatten_all().unwrap().to_dtype(DType::I64).unwrap().to_vec1().unwrap()
    }

    pub fn doubles(&self, name: &str) -> Vec<f64> {
        values(self.get(name))
    }
}

pub fn values(x: &Tensor) -> Vec<f64> {
    x.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// ‖found − expected‖ / ‖expected‖; the batch of `expected` may be a part of `found`'s.
pub fn distance(found: &Tensor, expected: &Tensor) -> f64 {
    let found = found.narrow(0, 0, expected.dim(0).unwrap()).unwrap();
    assert_eq!(found.dims(), expected.dims());
    let (found, expected) = (values(&found), values(expected));
    let difference: f64 = found.iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| b * b).sum();
    (difference / norm.max(f64::MIN_POSITIVE)).sqrt()
}

#[track_caller]
pub fn assert_close(what: &str, found: &Tensor, expected: &Tensor, bound: f64) {
    let distance = distance(found, expected);
    // Written past the test harness, which shows what a passing test prints to no one.
    let _ = writeln!(std::io::stderr(), "golden {what}: relative L2 {distance:.1e}");
    assert!(distance <= bound, "{what}: relative L2 {distance:.2e} is over {bound:.0e}");
}

/// Says how many `kind`s a test compared, and that there were any.
#[track_caller]
pub fn assert_ran(kind: &str, count: usize) {
    let _ = writeln!(std::io::stderr(), "golden: {count} {kind} in {}", root().display());
    assert!(count > 0, "no {kind} in {}", root().display());
}
