//! Importing and verifying models: what is kept, what is refused, and that nothing is left behind.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lipsmith_base::{Cancel, Progress, Sink};
use lipsmith_engine::models::{ModelsError, Registry, verify};
use lipsmith_nets::checkpoint::{Checkpoint, Container};
use lipsmith_nets::zoo::{self, Network};

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden").join(file)
}
fn s3fd() -> PathBuf {
    golden("narrow/s3fd_narrow.pth")
}
fn discriminator() -> PathBuf {
    golden("narrow/visual_quality_disc_narrow.pth")
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap()).collect());
    let mut names: Vec<String> = entries
        .unwrap_or_else(|_| Vec::new())
        .iter()
        .map(|entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn an_imported_model_is_found_again_and_equals_its_origin() {
    let data = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(data.path()).unwrap();
    assert!(registry.installed("s3fd").is_none());
    let model = registry.import(&discriminator(), &(), &Cancel::new()).unwrap();
    assert_eq!(model.network, Network::QualityDiscriminator);
    assert_eq!(model.published, None, "random weights are no published file");
    assert!(model.licence.contains("research only"), "{}", model.licence);
    assert_eq!(model.origin, discriminator().canonicalize().unwrap());
    registry.import(&s3fd(), &(), &Cancel::new()).unwrap();

    let again = Registry::open(data.path()).unwrap();
    assert_eq!(again.models().count(), 2);
    let path = again.installed("wav2lip-quality-disc").unwrap();
    let (kept, found) = zoo::open(&path, Network::QualityDiscriminator).unwrap();
    assert_eq!((kept.container(), found.prefix.as_str()), (Container::Safetensors, ""));
    let (origin, theirs) = zoo::open(&discriminator(), Network::QualityDiscriminator).unwrap();
    assert_eq!(kept.tensors().len(), theirs.tensors(&origin).len(), "no optimiser comes along");
    for (name, info) in theirs.tensors(&origin) {
        assert_eq!(kept.data(kept.get(name).unwrap()).unwrap(), origin.data(info).unwrap(), "{name}");
    }
}

#[test]
fn importing_twice_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(data.path()).unwrap();
    let first = registry.import(&s3fd(), &(), &Cancel::new()).unwrap();
    let record = fs::read(data.path().join("models/registry.json")).unwrap();
    let copy = data.path().join("renamed.pth");
    fs::copy(s3fd(), &copy).unwrap();
    assert_eq!(registry.import(&copy, &(), &Cancel::new()).unwrap(), first, "the same bytes by another name");
    let own = registry.path(&first);
    assert_eq!(registry.import(&own, &(), &Cancel::new()).unwrap(), first, "what was imported already");
    assert_eq!(fs::read(data.path().join("models/registry.json")).unwrap(), record);
    assert_eq!(files(&data.path().join("models")).len(), 3, "the model, the registry and its lock");
}

#[test]
fn a_model_whose_file_was_lost_is_imported_anew() {
    let data = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(data.path()).unwrap();
    let model = registry.import(&s3fd(), &(), &Cancel::new()).unwrap();
    fs::write(registry.path(&model), b"cut off").unwrap();
    assert!(registry.installed("s3fd").is_none());
    registry.import(&s3fd(), &(), &Cancel::new()).unwrap();
    assert!(registry.installed("s3fd").is_some());
    assert_eq!(Registry::open(data.path()).unwrap().models().count(), 1);
}

#[test]
fn families_say_what_they_lack() {
    let data = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(data.path()).unwrap();
    let state = |registry: &Registry, family: &str| {
        registry.families().into_iter().find(|state| state.family == family).unwrap()
    };
    assert!(state(&registry, "rewrite").is_ready());
    let wav2lip = state(&registry, "wav2lip");
    assert!(!wav2lip.is_ready() && wav2lip.lacks[0].files.contains(&"wav2lip_gan.pth"));
    assert_eq!(wav2lip.would_gain.len(), 1);
    registry.import(&s3fd(), &(), &Cancel::new()).unwrap();
    assert!(state(&registry, "wav2lip").would_gain.is_empty());
}

#[test]
fn what_cannot_be_used_is_refused_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(&data.path().join("data")).unwrap();
    let mut refuse = |bytes: &[u8], words: &str| {
        let file = data.path().join("file.pth");
        fs::write(&file, bytes).unwrap();
        let error = registry.import(&file, &(), &Cancel::new()).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("file.pth"), "'{words}' is not in: {error}");
        assert_eq!(files(&data.path().join("data/models")), [""; 0], "{words}");
        // Whether verify reports it or fails to read it at all, it says the same and writes nothing.
        match verify(&file, &(), &Cancel::new()) {
            Ok(report) => assert!(report.defects.iter().any(|defect| defect.contains(words)), "{report:?}"),
            Err(error) => assert!(error.to_string().contains(words), "{error}"),
        }
    };
    refuse(b"<!DOCTYPE html>", "web page");
    refuse(&fs::read(golden("containers/zip.pth")).unwrap(), "does not know");
    let whole = fs::read(s3fd()).unwrap();
    refuse(&whole[..whole.len() - 5], "bytes of weights are announced");
    // A weight that is not a number: the last four bytes of the last storage.
    let mut rotten = whole.clone();
    let end = rotten.len();
    rotten[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    refuse(&rotten, "NaN");
    // Another name for one of its tensors.
    let name = b"conv4_2.weight";
    let at = whole.windows(name.len()).position(|window| window == name).unwrap();
    let mut lacking = whole.clone();
    lacking[at..at + name.len()].copy_from_slice(b"conv4_9.weight");
    refuse(&lacking, "lacks 1 of the tensors");
    // One flipped bit in a zip, which has checksums.
    let mut flipped = fs::read(discriminator()).unwrap();
    let origin = Checkpoint::open(discriminator()).unwrap();
    let info = origin.get("state_dict.face_encoder_blocks.0.0.conv_block.0.weight").unwrap();
    let weights = origin.data(info).unwrap();
    let at = flipped.windows(weights.len()).position(|window| window == &*weights).unwrap();
    flipped[at] ^= 1;
    refuse(&flipped, "checksum");
}

/// Cancels at the first word of a stage.
struct CancelAt(&'static str, Cancel, Mutex<Vec<&'static str>>);

impl Sink for CancelAt {
    fn progress(&self, progress: Progress) {
        self.2.lock().unwrap().push(progress.stage);
        if progress.stage == self.0 {
            self.1.cancel();
        }
    }
    fn note(&self, _: String) {}
}

#[test]
fn cancelling_leaves_nothing() {
    for stage in ["digest", "check", "convert"] {
        let data = tempfile::tempdir().unwrap();
        let mut registry = Registry::open(data.path()).unwrap();
        let sink = CancelAt(stage, Cancel::new(), Mutex::default());
        let error = registry.import(&s3fd(), &sink, &sink.1).unwrap_err();
        assert!(matches!(error, ModelsError::Cancelled), "{stage}: {error}");
        assert!(sink.2.lock().unwrap().contains(&stage));
        assert_eq!(files(&data.path().join("models")), [""; 0], "{stage}");
    }
}

#[test]
fn verify_reports_a_sound_file_in_full() {
    let report = verify(&discriminator(), &(), &Cancel::new()).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.network, Some(Network::QualityDiscriminator));
    assert_eq!((report.tensors, report.used), (31, 28));
    assert_eq!(report.container, "torch zip file");
    assert_eq!(report.variant.as_deref(), Some("width 1 (published: 32)"));
}

#[test]
fn a_damaged_registry_is_named_and_not_overwritten() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("models/registry.json");
    fs::create_dir(path.parent().unwrap()).unwrap();
    for text in ["{\"schema\": 1, \"mod", "{\"schema\": 9, \"models\": []}"] {
        fs::write(&path, text).unwrap();
        let error = Registry::open(data.path()).unwrap_err().to_string();
        assert!(error.contains("registry.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let data = tempfile::tempdir().unwrap();
    // A file where the folder should be: not even the administrator can write below it.
    let data = data.path().join("data");
    fs::write(&data, b"").unwrap();
    let mut registry = match Registry::open(&data) {
        Ok(registry) => registry,
        Err(error) => return assert!(error.to_string().contains("data"), "{error}"),
    };
    let error = registry.import(&s3fd(), &(), &Cancel::new()).unwrap_err().to_string();
    assert!(error.contains("data/models"), "{error}");
}
