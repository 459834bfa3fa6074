//! The sync scores against those of the published script on the same points.
#![allow(clippy::unwrap_used)]

use candle_core::{DType, Device, Tensor};
use lipsmith_lipsync::score::Distances;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    if let Some(folder) = std::env::var_os("LIPSMITH_GOLDEN") {
        return folder.into();
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = repository.join("../shared/golden");
    if shared.is_dir() { shared } else { repository.join("tests/golden") }
}

fn values(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// Points, and the names of what the script made of them.
fn cases() -> Vec<(String, HashMap<String, Tensor>, [&'static str; 6])> {
    let folder = root().join("syncnet_v2");
    let sequence = |size: &str| {
        let names =
            ["seq_lip_feats", "seq_aud_feats", "mean_dist_31", "offset", "min_dist_LSE_D", "conf_LSE_C"];
        (format!("{size}/io.safetensors"), names)
    };
    let planted = ["lip_feats", "aud_feats", "mean_dist", "offset", "min_dist", "conf"];
    [("metric_only.safetensors".to_owned(), planted), sequence("small"), sequence("full")]
        .into_iter()
        .filter(|(file, _)| folder.join(file).is_file())
        .map(|(file, names)| {
            let tensors = candle_core::safetensors::load(folder.join(&file), &Device::Cpu).unwrap();
            (file, tensors, names)
        })
        .collect()
}

#[test]
fn golden_sync_scores() {
    let cases = cases();
    assert!(!cases.is_empty(), "no goldens in {}", root().display());
    for (file, tensors, [pictures, sounds, curve, offset, lse_d, lse_c]) in &cases {
        let points = |name: &str| tensors[name].to_vec2::<f32>().unwrap();
        let one = |name: &str| values(&tensors[name])[0];
        let distances = Distances::between(&points(pictures), &points(sounds));
        for (found, expected) in distances.curve().iter().zip(values(&tensors[*curve])) {
            assert!((found - expected).abs() < 1e-4 * expected, "{file}: {found} is not {expected}");
        }
        let score = distances.score().unwrap();
        // The script counts by how much the sound is early.
        assert_eq!(-score.offset_frames, one(offset) as i64, "{file}");
        assert!((score.lse_d - one(lse_d)).abs() < 1e-3, "{file}: LSE-D {}", score.lse_d);
        assert!((score.lse_c - one(lse_c)).abs() < 1e-3, "{file}: LSE-C {}", score.lse_c);
        if let Some(expected) = tensors.get("framewise_conf_medfilt9") {
            let course = distances.course();
            assert_eq!(course.len(), expected.elem_count());
            for (found, expected) in course.iter().zip(values(expected)) {
                assert!((found - expected).abs() < 1e-3, "{file}: {found} is not {expected}");
            }
        }
    }
}
