//! Every container gives the tensors that were put into it; no file, however damaged, does more harm than
//! an error.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use lipsmith_nets::checkpoint::{Checkpoint, CheckpointError, Container};

fn containers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/containers")
}

/// What the tensors of the module containers are called in `expected.safetensors`.
const MODULE: &str = "sequential.";

fn expected() -> HashMap<String, Tensor> {
    let checkpoint = Checkpoint::open(containers().join("expected.safetensors")).unwrap();
    let tensor = |name: &str| checkpoint.tensor(name, &Device::Cpu, DType::F64).unwrap();
    checkpoint.tensors().iter().map(|info| (info.name.clone(), tensor(&info.name))).collect()
}

fn assert_same(name: &str, found: &Tensor, expected: &Tensor) {
    assert_eq!(found.dims(), expected.dims(), "{name}");
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(numbers(found), numbers(expected), "{name}");
}

#[test]
fn every_container_gives_what_was_put_in() {
    let expected = expected();
    let is_module = |name: &str| name.starts_with(MODULE);
    for (file, container, prefix, modules) in [
        ("legacy.pth", Container::TorchLegacy, "state_dict.", false),
        ("zip.pth", Container::TorchZip, "state_dict.", false),
        ("zip_protocol4.pth", Container::TorchZip, "state_dict.", false),
        ("deflated.pth", Container::TorchZip, "state_dict.", false),
        ("lightning.ckpt", Container::Lightning, "state_dict.model.net.", false),
        ("lightning.ckpt", Container::Lightning, "state_dict.model_ema.net.", false),
        ("module.pth", Container::TorchZip, "", true),
        ("torchscript.pt", Container::TorchScript, "", true),
        ("expected.safetensors", Container::Safetensors, "", false),
        ("expected.safetensors", Container::Safetensors, MODULE, true),
    ] {
        let checkpoint = Checkpoint::open(containers().join(file)).unwrap();
        assert_eq!(checkpoint.container(), container, "{file}");
        checkpoint.check_integrity().unwrap();
        let weights = checkpoint.var_builder(prefix, DType::F64, &Device::Cpu);
        for (name, tensor) in expected.iter().filter(|(name, _)| is_module(name) == modules) {
            let name = name.trim_start_matches(MODULE);
            let found = weights.get(tensor.dims(), name).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert_same(&format!("{file}: {name}"), &found, tensor);
        }
    }
}

#[test]
fn shared_weights_are_known_as_shared() {
    let checkpoint = Checkpoint::open(containers().join("lightning.ckpt")).unwrap();
    let get = |name: &str| checkpoint.get(&format!("state_dict.{name}")).unwrap();
    assert!(get("model.net.f32").is_alias_of(get("model_ema.net.f32")));
    assert!(!get("model.net.window.a").is_alias_of(get("model.net.window.b")));
}

#[test]
fn a_wrong_key_or_shape_is_named_with_the_file() {
    let checkpoint = Checkpoint::open(containers().join("zip.pth")).unwrap();
    let missing = checkpoint.tensor("net.window.a", &Device::Cpu, DType::F32).unwrap_err().to_string();
    assert!(missing.contains("zip.pth") && missing.contains("'net.window.a'"), "{missing}");
    assert!(missing.contains("nearest is 'state_dict.window.a'"), "{missing}");
    let weights = checkpoint.var_builder("state_dict.", DType::F32, &Device::Cpu);
    let wrong = weights.get((7, 7), "f32").unwrap_err().to_string();
    assert!(wrong.contains("zip.pth") && wrong.contains("state_dict.f32"), "{wrong}");
    let absent = weights.get(1, "nothing").unwrap_err().to_string();
    assert!(absent.contains("zip.pth") && absent.contains("state_dict.nothing"), "{absent}");
}

/// A file of its own for one test, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Scratch {
        let name = format!("lipsmith-checkpoints-{}-{test}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }
    /// Opens `bytes` as a file and reads all of it that can be read.
    fn read(&self, bytes: &[u8]) -> Result<(), CheckpointError> {
        std::fs::write(&self.0, bytes).unwrap();
        let checkpoint = Checkpoint::open(&self.0)?;
        for info in checkpoint.tensors() {
            checkpoint.data(info)?;
            checkpoint.non_finite(info)?;
            checkpoint.tensor(&info.name, &Device::Cpu, DType::F32)?;
        }
        checkpoint.check_integrity()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn small_containers() -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(containers()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| !path.ends_with("README.md")).collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.into_iter().map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn a_cut_off_file_is_an_error_wherever_it_is_cut() {
    let scratch = Scratch::new("cut");
    for (name, bytes) in small_containers() {
        // The last byte of a storage may be missing without harm only if no tensor needs it: never here.
        for cut in (0..bytes.len()).step_by(13).chain(bytes.len().saturating_sub(40)..bytes.len()) {
            let error = scratch.read(&bytes[..cut]).expect_err(&format!("{name} cut at {cut}")).to_string();
            assert!(error.contains("lipsmith-checkpoints"), "the file is not named: {error}");
        }
    }
}

/// SplitMix64: the same damage in every run.
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize
}

#[test]
fn damaged_files_never_panic() {
    let scratch = Scratch::new("damaged");
    let mut state = 2;
    for (name, bytes) in small_containers() {
        let mut errors = 0;
        for round in 0..500 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + round % 4 {
                let at = random(&mut state) % damaged.len();
                match random(&mut state) % 4 {
                    0 => damaged[at] ^= 1 << (random(&mut state) % 8),
                    1 => damaged[at] = [0, 0x7f, 0x80, 0xff][random(&mut state) % 4],
                    2 => {
                        let len = (random(&mut state) % 8).min(damaged.len() - at);
                        damaged[at..at + len].fill(0xff);
                    }
                    _ => {
                        let from = random(&mut state) % damaged.len();
                        let len = (random(&mut state) % 64).min(damaged.len() - at).min(damaged.len() - from);
                        damaged.copy_within(from..from + len, at);
                    }
                }
            }
            errors += usize::from(scratch.read(&damaged).is_err());
        }
        assert!(errors > 50, "{name}: only {errors} of 500 damaged files were noticed");
    }
}

#[test]
fn a_flipped_weight_in_a_zip_is_found_by_its_checksum() {
    let scratch = Scratch::new("flip");
    let mut bytes = std::fs::read(containers().join("zip.pth")).unwrap();
    let weight = 3.5f32.to_le_bytes();
    let at = bytes.windows(4).position(|window| window == weight).unwrap();
    bytes[at] ^= 1;
    let error = scratch.read(&bytes).unwrap_err().to_string();
    assert!(error.contains("checksum"), "{error}");
}

/// A zip archive of one deflated or stored member, as an attacker would write it: `len` is announced.
fn zip_of(name: &str, packed: &[u8], method: u8, len: u32, entries: u16) -> Vec<u8> {
    let sizes = [&0u32.to_le_bytes()[..], &(packed.len() as u32).to_le_bytes(), &len.to_le_bytes()].concat();
    let name_len = (name.len() as u16).to_le_bytes();
    let local = [
        b"PK\x03\x04\x14\0\0\0",
        &[method, 0][..],
        &[0; 4],
        &sizes,
        &name_len,
        &[0; 2],
        name.as_bytes(),
        packed,
    ]
    .concat();
    let central = [
        b"PK\x01\x02\x14\0\x14\0\0\0",
        &[method, 0][..],
        &[0; 4],
        &sizes,
        &name_len,
        &[0; 16],
        name.as_bytes(),
    ]
    .concat();
    let count = entries.to_le_bytes();
    let end = [
        b"PK\x05\x06\0\0\0\0",
        &count[..],
        &count,
        &(central.len() as u32).to_le_bytes(),
        &(local.len() as u32).to_le_bytes(),
        &[0; 2],
    ]
    .concat();
    [local, central, end].concat()
}

#[test]
fn bombs_and_boasts_are_refused() {
    let scratch = Scratch::new("bombs");
    let refused = |bytes: &[u8], words: &str| {
        let error = scratch.read(bytes).expect_err(words).to_string();
        assert!(error.contains(words), "'{words}' is not in: {error}");
    };
    // 1 GiB of zeros for a pickle: too long; 60 MB from 100 bytes: a bomb.
    refused(&zip_of("a/data.pkl", &[0; 100], 8, 1 << 30, 1), "bytes long");
    refused(&zip_of("a/data.pkl", &[0; 100], 8, 60 << 20, 1), "unpack from 100");
    refused(&zip_of("a/data.pkl", &[0; 100], 8, 4000, 1), "does not unpack");
    refused(&zip_of("a/data.pkl", b"N.", 0, 2, 60_000), "directory");
    refused(&zip_of("a/data.pkl", b"N.", 12, 2, 1), "method 12");
    refused(&zip_of("a/something.txt", b"N.", 0, 2, 1), "without torch's 'data.pkl'");
    // A tensor that announces 2^40 elements over a storage of the same boast, with none of its bytes.
    let boast = b"ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu\
        \x8a\x06\0\0\0\0\0\x01tQK\0\x8a\x06\0\0\0\0\0\x01\x85K\x01\x85\x89NtR.";
    refused(&zip_of("a/data.pkl", boast, 0, boast.len() as u32, 1), "not in the file");
    // The same in a legacy file, after a real one's first three pickles.
    let legacy = std::fs::read(containers().join("legacy.pth")).unwrap();
    let machine_end = 2 + legacy.windows(2).position(|window| window == b"u.").unwrap();
    let keys = b"]U\x010a.";
    let mut bytes = [&legacy[..machine_end], boast, keys, &(1u64 << 40).to_le_bytes()].concat();
    refused(&bytes, "4398046511104 bytes of weights are announced, 0 are there");
    bytes.truncate(bytes.len() - 8);
    refused(&bytes, "ends before all weights");
    // A header of safetensors that reaches beyond the file, and one whose tensor does.
    refused(&[&(1u64 << 20).to_le_bytes()[..], b"{\"a\":1}"].concat(), "beyond the end");
    let header = br#"{"a":{"dtype":"F32","shape":[1099511627776,4194304],"data_offsets":[0,8]}}"#;
    refused(&[&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat(), "'a'");
}

#[test]
fn other_files_are_called_what_they_are() {
    let scratch = Scratch::new("other");
    for (bytes, words) in [
        (&b""[..], "empty"),
        (b"\n<!DOCTYPE html><html>Sign in", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS"),
        (b"{\"error\": \"not found\"}", "JSON"),
        (b"\x1f\x8b\x08\x00\x00", "unpack it"),
        (&[0; 4000], "nothing but zeros"),
        (b"RIFF....AVI LIST", "none of the kinds"),
        (b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00K\x01.", "not one of torch's"),
    ] {
        let error = scratch.read(bytes).unwrap_err();
        assert!(matches!(error, CheckpointError::NotACheckpoint { .. }), "{error}");
        assert!(error.to_string().contains(words), "'{words}' is not in: {error}");
    }
    assert!(Checkpoint::open(containers()).unwrap_err().to_string().contains("folder"));
    assert!(matches!(Checkpoint::open("/nowhere/x.pth"), Err(CheckpointError::Io { .. })));
}
