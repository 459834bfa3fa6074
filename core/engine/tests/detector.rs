//! Which detector is taken, and that what each finds is kept apart.
#![allow(clippy::unwrap_used)]

use lipsmith_base::{Cancel, ColourSpec, FrameRate, PixelFormat, Rect};
use lipsmith_engine::analysis::Analyst;
use lipsmith_engine::files::fingerprint;
use lipsmith_engine::models::Registry;
use lipsmith_engine::{Detector, Paths};
use lipsmith_media::{MovieWriter, Profile, Timing, VideoSpec, synthetic};
use std::path::{Path, PathBuf};

fn paths(folder: &Path) -> Paths {
    Paths { data: folder.join("data"), cache: folder.join("cache") }
}

/// Narrow, with random weights.
fn import_s3fd(paths: &Paths) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/narrow/s3fd_narrow.pth");
    Registry::open(&paths.data).unwrap().import(&file, &(), &Cancel::new()).unwrap();
}

fn refused(detector: Detector, paths: &Paths) -> String {
    detector.choose(paths).err().expect("refused").to_string()
}

#[test]
fn auto_takes_the_best_that_is_there_and_the_others_are_taken_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let paths = paths(folder.path());
    let name = |detector: Detector| detector.choose(&paths).unwrap().name();
    assert!(name(Detector::Auto).contains("rustface"));
    let said = refused(Detector::S3fd, &paths);
    assert!(said.contains("--detector s3fd") && said.contains("models import"), "{said}");
    let said = refused(Detector::MediaPipe, &paths);
    assert!(said.contains("--detector mediapipe") && said.contains("fetch-face-models"), "{said}");

    import_s3fd(&paths);
    let boxes = name(Detector::Auto);
    assert!(boxes.starts_with("s3fd") && boxes.contains("boxes only"), "{boxes}");
    std::fs::create_dir_all(paths.face_models()).unwrap();
    let [detector, mesh] = ["face_detection_full_range_sparse.tflite", "face_landmark.tflite"];
    std::fs::write(paths.face_models().join(mesh), b"no network").unwrap();
    let points = name(Detector::Auto);
    assert!(points.starts_with("s3fd") && points != boxes, "what the mesh adds is kept apart: {points}");

    std::fs::write(paths.face_models().join(detector), b"no network").unwrap();
    assert!(name(Detector::Auto).contains("MediaPipe"));
    assert_eq!(name(Detector::S3fd), points);
    assert!(name(Detector::Rustface).contains("rustface"));
    let opened = Detector::Auto.choose(&paths).unwrap().open("cpu");
    let said = opened.err().expect("damaged files are not passed over").to_string();
    assert!(said.contains(detector) && said.contains("fetch-face-models"), "{said}");
}

fn film(folder: &Path) -> PathBuf {
    let path = folder.join("film.mkv");
    let (format, colour, rate) = (PixelFormat::I420, ColourSpec::BT709, FrameRate::FPS_25);
    let timing = Timing::constant(rate);
    let video = VideoSpec { width: 192, height: 108, format, colour, pixel_aspect: (1, 1), timing };
    let mut writer = MovieWriter::create(&path, Profile::Ffv1Mkv, video, None).unwrap();
    for number in 0..4 {
        let picture = synthetic::picture(number, 192, 108, format, colour).unwrap();
        writer.write_picture(&picture, rate.frame_start(number as i64), rate.frame_duration()).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn an_analysis_belongs_to_its_detector() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, film, cancel) = (paths(folder.path()), film(folder.path()), Cancel::new());
    import_s3fd(&paths);
    let print = fingerprint(&film).unwrap();
    let analyst = |detector| Analyst::new(&paths, &(), &cancel).using(detector, "cpu");
    let found = analyst(Detector::Rustface).analyse(&film, print).unwrap();
    assert_eq!(found.times().count(), 4);
    // Auto is S3FD here.
    for other in [Detector::Auto, Detector::S3fd] {
        assert!(analyst(other).recall(&film, print).unwrap().is_none(), "{other:?}");
    }
    let again = analyst(Detector::Rustface).recall(&film, print).unwrap().expect("is kept");
    assert_eq!(again.key(), found.key());
}

/// What random weights take for faces does not matter; a film of it would be full of them.
#[test]
fn imported_weights_look_at_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let paths = paths(folder.path());
    import_s3fd(&paths);
    let mut finder = Detector::S3fd.choose(&paths).unwrap().open("cpu").unwrap();
    let picture = synthetic::picture(0, 192, 108, PixelFormat::I420, ColourSpec::BT709).unwrap();
    let found = finder.detector.detect(&picture, Rect::new(0.0, 0.0, 192.0, 108.0), 0.0).unwrap();
    assert!(found.iter().all(|face| face.score.is_finite() && face.rect.area() > 0.0));
    assert!(finder.mesh.is_none());
}
