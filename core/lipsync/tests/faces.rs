//! Faces on real pictures. These tests need the test footage and the two model files of
//! `packaging/fetch-face-models`; they say so when they are skipped.

use lipsmith_base::{ColourSpec, Picture, PixelFormat, Point, Rgb};
use lipsmith_lipsync::face::{Face, Finder};
use std::path::{Path, PathBuf};

fn footage(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("LIPSMITH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    Some(shared.join("footage").join(name)).filter(|path| path.exists())
}

fn models() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let data = variable("LIPSMITH_DATA")
        .or_else(|| Some(variable("XDG_DATA_HOME")?.join("lipsmith")))
        .or_else(|| Some(variable("HOME")?.join(".local/share/lipsmith")))?;
    Some(data.join("models/faces")).filter(|folder| folder.join("face_landmark.tflite").exists())
}

macro_rules! need {
    ($test:literal, $what:expr, $why:literal) => {
        match $what {
            Some(found) => found,
            None => {
                println!("SKIPPED: {}: {}", $test, $why);
                return;
            }
        }
    };
}

fn still(file: &Path) -> Picture {
    let mut reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(file).expect("opens")))
        .read_info()
        .expect("is a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("fits in memory")];
    let info = reader.next_frame(&mut bytes).expect("decodes");
    let image = Rgb::from_bytes(info.width as usize, info.height as usize, &bytes).expect("is RGB");
    Picture::from_rgb(&image, PixelFormat::I420, ColourSpec::BT709)
}

#[test]
fn a_portrait_has_one_face_with_its_points_in_place() {
    let file = need!("portrait", footage("photo/astronaut_512.png"), "no test footage");
    let models = need!("portrait", models(), "packaging/fetch-face-models has not been run");
    let mut finder = Finder::installed(&models).expect("models load");
    let faces = finder.find(&still(&file)).expect("runs");
    let [Face { rect, score, landmarks: Some(landmarks), interpolated: false }] = faces.as_slice() else {
        panic!("{faces:?}");
    };
    assert!(*score > 0.9);
    // Read off the picture by eye: middles of the eyes, tip of the nose, corners of the mouth.
    let middle = |a: usize, b: usize| landmarks.points[a].lerp(landmarks.points[b], 0.5);
    for (found, (x, y)) in [
        (middle(36, 39), (203.5, 100.5)),
        (middle(42, 45), (246.5, 103.0)),
        (landmarks.points[30], (222.5, 127.0)),
        (landmarks.points[48], (202.0, 139.5)),
        (landmarks.points[54], (243.5, 141.0)),
    ] {
        assert!(found.distance(Point::new(x, y)) < 4.0, "{found:?} instead of {x}, {y}");
    }
    assert!(landmarks.points.len() == 68 && landmarks.oval.len() == 36);
    assert!((170.0..200.0).contains(&rect.x0) && (260.0..290.0).contains(&rect.x1), "{rect:?}");
    assert!(landmarks.pose.yaw.abs() < 10.0 && landmarks.pose.roll.abs() < 10.0, "{:?}", landmarks.pose);
    assert!((0.1..0.3).contains(&landmarks.lip_opening), "she smiles: {}", landmarks.lip_opening);
}

#[test]
fn the_built_in_detector_finds_the_portrait_too() {
    let file = need!("built-in portrait", footage("photo/astronaut_512.png"), "no test footage");
    let mut finder = Finder::installed(Path::new("/nonexistent")).expect("built in");
    assert!(finder.name().contains("rustface"));
    let faces = finder.find(&still(&file)).expect("runs");
    assert_eq!(faces.len(), 1, "{faces:?}");
    assert!(faces[0].landmarks.is_none());
    assert!(faces[0].rect.contains(Point::new(222.0, 120.0)), "{:?}", faces[0].rect);
}

#[test]
fn a_damaged_model_file_is_named() {
    let models = need!("damaged model", models(), "packaging/fetch-face-models has not been run");
    let folder = tempfile::tempdir().expect("a folder");
    let [detector, mesh] = ["face_detection_full_range_sparse.tflite", "face_landmark.tflite"];
    std::fs::copy(models.join(mesh), folder.path().join(mesh)).expect("copies");
    std::fs::write(folder.path().join(detector), b"????TFL3 and then nothing").expect("writes");
    let error = Finder::installed(folder.path()).err().expect("refused").to_string();
    assert!(error.contains(detector) && error.contains("fetch-face-models"), "{error}");
}
