//! Finding cases, building their networks, comparing tensors.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::checkpoint::Checkpoint;
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

    /// The weights by their rule.
    pub fn vars(&self, dtype: DType) -> VarBuilder<'static> {
        VarBuilder::from_tensors(procedural::weights(&self.folder).unwrap(), dtype, &Device::Cpu)
    }

    /// The weights by their rule and out of every checkpoint in the folder; each with its name.
    pub fn sources(&self) -> Vec<(String, VarBuilder<'static>)> {
        let mut sources = vec![("by rule".to_owned(), self.vars(DType::F32))];
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            if ["pt", "pth", "ckpt", "model"].contains(&extension) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let checkpoint = Checkpoint::open(&path).unwrap();
                let prefix = self.prefix(&checkpoint);
                sources.push((name, checkpoint.var_builder(&prefix, DType::F32, &Device::Cpu)));
            }
        }
        sources
    }

    /// Where in a checkpoint the network lies: what stands before the first key of the rule.
    fn prefix(&self, checkpoint: &Checkpoint) -> String {
        let table = std::fs::read_to_string(self.folder.join("weights.tsv")).unwrap();
        let first = table.lines().find(|line| line.contains("\tproc\t")).unwrap();
        let key = first.split('\t').next().unwrap();
        let prefixes = checkpoint.tensors().iter().filter_map(|tensor| tensor.name.strip_suffix(key));
        prefixes.min_by_key(|prefix| prefix.len()).unwrap().to_owned()
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

/// Says why a test compared nothing.
pub fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {why} in {}", root().display());
}

/// Says how many `kind`s a test compared, and that there were any.
#[track_caller]
pub fn assert_ran(kind: &str, count: usize) {
    let _ = writeln!(std::io::stderr(), "golden: {count} {kind} in {}", root().display());
    assert!(count > 0, "no {kind} in {}", root().display());
}
