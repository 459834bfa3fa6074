//! Weights made by a rule instead of training, so that networks of full size can be tested and timed
//! without their checkpoints.
//!
//! A table names every tensor with its shape, offset and scale; its values are offset + scale·u, where u in
//! [-1, 1) comes from SplitMix64 (Steele, Lea & Flood 2014) seeded with the FNV-1a hash of "seed/key".
//! Tensors that a rule would make degenerate (running variances, fitted last layers) lie beside the table
//! in `overrides.safetensors`.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::error::{NetsError, Result};

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub key: String,
    pub shape: Vec<usize>,
    pub dtype: DType,
    pub kind: Kind,
    pub offset: f64,
    pub scale: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// offset + scale·u.
    Procedural,
    /// `offset` everywhere.
    Constant,
    /// Taken from `overrides.safetensors`.
    Override,
}

/// All tensors of the table `weights.tsv` in `folder`, on the CPU.
pub fn weights(folder: &Path) -> Result<HashMap<String, Tensor>> {
    let path = folder.join("weights.tsv");
    let table = std::fs::read_to_string(&path).map_err(NetsError::io(&path))?;
    let (seed, rules) = parse(&table).map_err(|reason| NetsError::bad_checkpoint(&path, reason))?;
    let path = folder.join("overrides.safetensors");
    let mut overrides = match rules.iter().any(|rule| rule.kind == Kind::Override) {
        true => candle_core::safetensors::load(&path, &Device::Cpu)?,
        false => HashMap::new(),
    };
    let tensor = |rule: Rule| {
        let tensor = match rule.kind {
            Kind::Override => overrides
                .remove(&rule.key)
                .ok_or_else(|| NetsError::bad_checkpoint(&path, format!("it lacks `{}`", rule.key)))?,
            _ => rule.tensor(&seed)?,
        };
        Ok((rule.key, tensor))
    };
    rules.into_iter().map(tensor).collect()
}

impl Rule {
    fn tensor(&self, seed: &str) -> Result<Tensor> {
        let count = self.shape.iter().product();
        let values: Vec<f32> = match self.kind {
            Kind::Constant => vec![self.offset as f32; count],
            _ => uniform(&format!("{seed}/{}", self.key))
                .map(|u| (self.offset + self.scale * u) as f32)
                .take(count)
                .collect(),
        };
        Ok(Tensor::from_vec(values, self.shape.as_slice(), &Device::Cpu)?.to_dtype(self.dtype)?)
    }
}

/// The table's seed and its lines, or what is wrong with it.
fn parse(table: &str) -> Result<(String, Vec<Rule>), String> {
    let seed = table
        .lines()
        .find_map(|line| line.strip_prefix("# seed="))
        .ok_or("its first line does not name the seed (`# seed=…`)")?;
    let rows = table.lines().enumerate().filter(|(_, line)| !line.starts_with(['#']) && !line.is_empty());
    let rules = rows
        .skip(1) // the column names
        .map(|(i, line)| rule(line).ok_or_else(|| format!("line {} is not a rule: {line}", i + 1)))
        .collect::<Result<_, _>>()?;
    Ok((seed.trim().to_owned(), rules))
}

fn rule(line: &str) -> Option<Rule> {
    let [key, shape, dtype, kind, offset, scale] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
    let shape = match shape {
        "" | "scalar" => vec![],
        sides => sides.split(',').map(|side| side.parse().ok()).collect::<Option<_>>()?,
    };
    let dtype = match dtype {
        "float32" => DType::F32,
        "float16" => DType::F16,
        "int64" => DType::I64,
        _ => return None,
    };
    let kind = match kind {
        "proc" => Kind::Procedural,
        "const" => Kind::Constant,
        "override" => Kind::Override,
        _ => return None,
    };
    let number = |text: &str| if text.is_empty() { Some(0.0) } else { text.parse().ok() };
    Some(Rule { key: key.to_owned(), shape, dtype, kind, offset: number(offset)?, scale: number(scale)? })
}

/// Numbers in [-1, 1), 24 bits each, that depend on `name` only.
fn uniform(name: &str) -> impl Iterator<Item = f64> + use<> {
    split_mix_64(fnv1a_64(name.as_bytes())).map(|z| (z >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn split_mix_64(mut state: u64) -> impl Iterator<Item = u64> {
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(fnv1a_64(b"seedA/out.2.bias"), 0xb3c8_5d3f_06a9_8afb);
        let u: Vec<f64> = uniform("seedA/out.2.bias").take(4).collect();
        for (found, expected) in u.iter().zip([0.25394714, -0.87229562, -0.60223806, 0.45242691]) {
            assert!((found - expected).abs() < 1e-8, "{found} is not {expected}");
        }
    }

    #[test]
    fn a_damaged_line_is_named() {
        let table = "# seed=x\nkey\tshape\tdtype\tkind\toffset\tscale\na\t2,two\tfloat32\tproc\t0\t1\n";
        assert!(parse(table).is_err_and(|reason| reason.starts_with("line 3")));
        assert!(parse("a\t1\tfloat32\tproc\t0\t1").is_err());
    }
}
