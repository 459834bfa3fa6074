//! Published networks are told by names and shapes: the goldens' containers and key lists, whole and not.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use lipsmith_nets::checkpoint::Checkpoint;
use lipsmith_nets::procedural;
use lipsmith_nets::wav2lip;
use lipsmith_nets::zoo::{Network, Variant, open, recognise};

/// The folder of goldens, or `None` (and a line that says so) where it is not.
fn golden(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LIPSMITH_GOLDEN").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden"));
    if folder.join("keys").is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {test}: there are no goldens at {}", folder.display());
    None
}

/// Checkpoints below `folder`, by their endings.
fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let ending = entry.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if entry.is_dir() {
            found.extend(checkpoints(&entry));
        } else if ["pt", "pth", "ckpt", "model"].contains(&ending) {
            found.push(entry);
        }
    }
    found.sort();
    found
}

fn network_of(path: &Path) -> Network {
    let text = path.to_string_lossy();
    let has = |part: &str| text.contains(part);
    match () {
        () if has("diff2lip") => Network::Diff2Lip,
        () if has("difftalk_") => Network::DiffTalk,
        () if has("first_stage") => Network::Vq,
        () if has("diffused_heads") => Network::DiffusedHeads,
        () if has("wav2lip_disc") => Network::QualityDiscriminator,
        () if has("wav2lip_generator") => Network::Wav2Lip,
        () if has("s3fd_face_alignment") => Network::S3fdFaceAlignment,
        () if has("s3fd_syncnet") => Network::S3fdSyncnet,
        () if has("expert") => Network::LipsyncExpert,
        () if has("syncnet_v2") => Network::SyncnetV2,
        () => panic!("which network is {text}?"),
    }
}

#[test]
fn golden_containers_are_recognised_and_hold_the_procedural_weights() {
    let Some(folder) = golden("golden_containers") else { return };
    let mut ran = 0;
    for path in checkpoints(&folder) {
        let name = path.display();
        let checkpoint = Checkpoint::open(&path).unwrap();
        checkpoint.check_integrity().unwrap();
        let found = recognise(&checkpoint).unwrap_or_else(|words| panic!("{name}: {words}"));
        assert_eq!(found.network, network_of(&path), "{name}");
        assert_eq!(found.defect(), None, "{name}");
        assert!(found.unexpected.is_empty(), "{name}: {:?}", found.unexpected);
        println!("{name}: {}, {}, prefix '{}'", found.network, found.variant, found.prefix);

        let size = path.parent().unwrap();
        if size.join("weights.tsv").is_file() {
            let expected = procedural::weights(size).unwrap();
            let counts = |name: &String| name.ends_with("num_batches_tracked");
            for (key, tensor) in expected.iter().filter(|(key, _)| !counts(key)) {
                let weights = checkpoint.var_builder(&found.prefix, DType::F32, &Device::Cpu);
                assert_equal(&format!("{name}: {key}"), &weights.get(tensor.dims(), key).unwrap(), tensor);
            }
        }
        ran += 1;
    }
    println!("golden: {ran} containers");
    assert!(ran > 0, "no container in {}", folder.display());
}

/// Bit by bit: the rule of the weights ends in f32.
fn assert_equal(name: &str, found: &Tensor, expected: &Tensor) {
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(found.dims(), expected.dims(), "{name}");
    assert!(numbers(found) == numbers(expected), "{name}: other numbers");
}

/// A file with tensors of these shapes, all zero: sparse, one byte a number, so that the largest networks
/// take no room on the disk.
fn file_with(path: &Path, tensors: &BTreeMap<String, Vec<usize>>) -> Checkpoint {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += shape.iter().product::<usize>();
        header.insert(
            name.clone(),
            serde_json::json!({"dtype": "BOOL", "shape": shape, "data_offsets": [start, end]}),
        );
    }
    let header = serde_json::to_vec(&header).unwrap();
    let file = std::fs::File::create(path).unwrap();
    std::io::Write::write_all(&mut &file, &[&(header.len() as u64).to_le_bytes()[..], &header].concat())
        .unwrap();
    file.set_len(8 + header.len() as u64 + end as u64).unwrap();
    Checkpoint::open(path).unwrap()
}

fn keys(path: &Path) -> BTreeMap<String, Vec<usize>> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    let shape = |text: &str| text.split(',').filter_map(|side| side.parse().ok()).collect();
    lines.map(|columns| (columns[0].to_owned(), shape(columns[1]))).collect()
}

fn scratch(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("lipsmith-zoo-{}-{test}.safetensors", std::process::id()))
}

#[test]
fn golden_key_lists_are_complete_networks() {
    let Some(folder) = golden("golden_key_lists") else { return };
    let path = scratch("keys");
    for (file, network) in [
        ("diff2lip_unet", Network::Diff2Lip),
        ("difftalk_full_lightning", Network::DiffTalk),
        ("diffused_heads_unet_rgbmotion", Network::DiffusedHeads),
        ("s3fd_face_alignment", Network::S3fdFaceAlignment),
        ("s3fd_syncnet_sfd_face", Network::S3fdSyncnet),
        ("syncnet_v2", Network::SyncnetV2),
        ("wav2lip_disc_qual", Network::QualityDiscriminator),
        ("wav2lip_generator", Network::Wav2Lip),
        ("wav2lip_syncnet_color_expert", Network::LipsyncExpert),
    ] {
        let all = keys(&folder.join("keys").join(format!("{file}.tsv")));
        let found = recognise(&file_with(&path, &all)).unwrap();
        assert_eq!((found.network, found.defect()), (network, None), "{file}");
        assert!(found.unexpected.is_empty(), "{file}: {:?}", found.unexpected);
        match &found.variant {
            Variant::Width { channels, published } => assert_eq!(channels, published, "{file}"),
            Variant::Wav2Lip(config) => assert_eq!(*config, wav2lip::Config::released()),
            Variant::Critic { channels, pictures } => assert_eq!((*channels, *pictures), (32, 1)),
            Variant::DiffusedHeads { motion_channels, .. } => assert_eq!(*motion_channels, 3),
            Variant::DiffTalk { averaged, first_stage, .. } => {
                assert!(*averaged && first_stage.codes == 8192)
            }
            _ => {}
        }
        // Each tensor in its turn is noticed when it is not there. (A network's sign tells it at all.)
        for (index, key) in all.keys().enumerate().step_by(37) {
            let mut fewer = all.clone();
            fewer.remove(key);
            let Ok(found) = recognise(&file_with(&path, &fewer)) else { continue };
            let by_product =
                key.ends_with("num_batches_tracked") || key.starts_with("model_ema") || !key.contains('.');
            if found.network == network && !by_product {
                assert!(!found.is_complete(), "{file}: line {index}, {key} is not missed");
            }
        }
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn strangers_are_described() {
    let path = scratch("strangers");
    let tensors = |names: &[&str]| names.iter().map(|name| (name.to_string(), vec![2, 2])).collect();
    for (names, words) in [
        (&["optimizer.state.0.exp_avg", "optimizer.state.0.step"][..], "optimiser's state only"),
        (&["model.diffusion_model.input_blocks.0.0.weight"], "Stable Diffusion"),
        (&["input_blocks.0.0.weight", "out.2.weight"], "without anything that hears"),
        (&["layer1.0.conv1.weight"], "'layer1.0.conv1.weight'"),
        (&[], "no tensors"),
    ] {
        let said = recognise(&file_with(&path, &tensors(names))).unwrap_err();
        assert!(said.contains(words), "'{words}' is not in: {said}");
    }
    // Only a piece of one: named, with what is missing.
    let piece: BTreeMap<_, _> = [
        ("face_decoder_blocks.0.0.conv_block.0.weight".to_owned(), vec![512, 512, 1, 1]),
        ("face_encoder_blocks.0.0.conv_block.0.weight".to_owned(), vec![16, 6, 7, 7]),
    ]
    .into();
    let found = recognise(&file_with(&path, &piece)).unwrap();
    assert_eq!(found.network, Network::Wav2Lip);
    assert!(found.defect().unwrap().contains("lacks"));
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_discriminator_is_no_generator() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/narrow");
    let path = folder.join("visual_quality_disc_narrow.pth");
    let said = open(&path, Network::Wav2Lip).unwrap_err().to_string();
    assert!(said.contains("quality discriminator") && said.contains("wav2lip_gan.pth"), "{said}");
    assert!(open(&path, Network::QualityDiscriminator).is_ok());
}
