//! Faces in real pictures and films. These tests need the test footage and the two model files of
//! `packaging/fetch-face-models`; they say so when they are skipped.

use lipsmith_base::{ColourSpec, FrameRate, Picture, PixelFormat, Point, Rgb};
use lipsmith_lipsync::face::{Face, Finder, Shot, Tracker};
use lipsmith_media::{AudioReader, ReadOptions, VideoReader};
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
    let mut finder = Finder::media_pipe(&models).expect("models load");
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
    let mut finder = Finder::built_in().expect("built in");
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
    let error = Finder::media_pipe(folder.path()).err().expect("refused").to_string();
    assert!(error.contains(detector) && error.contains("fetch-face-models"), "{error}");
}

/// The shots of the first `most` pictures of a film; `None`, with a word, when something is missing.
fn tracked(test: &str, name: &str, most: usize) -> Option<Vec<Shot>> {
    let (Some(file), Some(models)) = (footage(&format!("video/{name}")), models()) else {
        println!("SKIPPED: {test}: no test footage, or packaging/fetch-face-models has not been run");
        return None;
    };
    let mut reader = VideoReader::open(&file, &ReadOptions::default()).expect("opens");
    let mut tracker = Tracker::new(Finder::media_pipe(&models).expect("loads"), FrameRate::FPS_25);
    let mut shots = Vec::new();
    let mut pictures = 0;
    while let Some(frame) = reader.next().expect("decodes") {
        shots.extend(tracker.push(&frame.picture).expect("runs"));
        pictures += 1;
        if pictures == most {
            break;
        }
    }
    shots.extend(tracker.finish().expect("runs"));
    // Whatever the film: shots lie end to end, tracks are as long as their shot, and persons are told apart.
    let mut next = 0;
    for shot in &shots {
        assert_eq!(shot.start, next);
        next += shot.length;
        assert!(shot.tracks.iter().all(|track| track.faces.len() == shot.length));
        assert!(shot.tracks.windows(2).all(|pair| pair[0].person < pair[1].person));
    }
    assert_eq!(next, pictures);
    Some(shots)
}

fn seen(faces: &[Option<Face>]) -> usize {
    faces.iter().flatten().count()
}

#[test]
fn two_speakers_are_two_persons_throughout() {
    let name = "grid_two_speakers_12s_25fps_1920x1080_derived.mp4";
    let Some(shots) = tracked("two speakers", name, usize::MAX) else { return };
    let [Shot { length: 300, tracks, .. }] = shots.as_slice() else { panic!("{} shots", shots.len()) };
    let [large, small] = tracks.as_slice() else { panic!("{} tracks", tracks.len()) };
    assert_eq!((large.person, small.person), (1, 2), "the larger face comes first");
    assert_eq!((seen(&large.faces), seen(&small.faces)), (300, 300));
    for (large, small) in large.faces.iter().flatten().zip(small.faces.iter().flatten()) {
        assert!(large.rect.x1 < 960.0 && small.rect.x0 > 960.0);
        assert!(large.rect.width() > 1.4 * small.rect.width());
    }
}

#[test]
fn a_turning_head_stays_one_person() {
    let Some(shots) = tracked("head turns", "liveportrait_d3_headturns_12s_30fps_512_silent.mp4", usize::MAX)
    else {
        return;
    };
    assert_eq!((shots.len(), shots[0].tracks.len()), (1, 1));
    let faces = &shots[0].tracks[0].faces;
    assert_eq!(seen(faces), faces.len());
    // Centres move without jumps: what the smoothing leaves of the second difference is small.
    let centres: Vec<Point> = faces.iter().flatten().map(|face| face.rect.centre()).collect();
    let width = faces.iter().flatten().map(|face| face.rect.width()).sum::<f32>() / faces.len() as f32;
    let jerk = centres.windows(3).map(|c| (c[0].x - 2.0 * c[1].x + c[2].x).powi(2)).sum::<f32>();
    let jerk = (jerk / centres.len() as f32).sqrt();
    assert!(jerk < 0.005 * width, "{jerk} px of {width}");
}

#[test]
fn cuts_are_found_where_they_are_and_people_known_again() {
    let Some(shots) = tracked("interview", "interview_two_faces_40s_2997fps_480x360.mp4", 700) else {
        return;
    };
    let starts: Vec<usize> = shots.iter().map(|shot| shot.start).collect();
    assert_eq!(starts, [0, 12, 341]);
    let person = |shot: usize| shots[shot].tracks[0].person;
    assert_ne!(person(0), person(1), "she, then he");
    assert_eq!(person(0), person(2), "she again, small in the wide shot");
    let wide = &shots[2].tracks[0].faces;
    assert!(seen(wide) * 100 >= 75 * wide.len(), "{} of {}", seen(wide), wide.len());
}

#[test]
fn a_face_that_leaves_is_gone_and_does_no_harm() {
    let Some(shots) = tracked("foreman", "foreman_12s_25fps_cif_silent.mp4", usize::MAX) else { return };
    let [Shot { tracks, .. }] = shots.as_slice() else { panic!("{} shots", shots.len()) };
    let [track] = tracks.as_slice() else { panic!("{} tracks", tracks.len()) };
    // He turns to profile by frame 184 and the camera leaves him.
    assert!(seen(&track.faces[..184]) >= 179, "{}", seen(&track.faces[..184]));
    assert_eq!(seen(&track.faces[200..]), 0);
}

#[test]
fn a_damaged_beginning_and_a_crowd_never_fail() {
    if let Some(shots) = tracked("damaged", "grid_s1_3s_damaged_gop_mpeg1.mpg", usize::MAX) {
        let whole = shots.last().expect("pictures");
        assert!(
            whole.length >= 60 && whole.tracks.len() == 1 && seen(&whole.tracks[0].faces) == whole.length
        );
        assert!(shots[..shots.len() - 1].iter().all(|shot| shot.tracks.is_empty()), "grey is nobody");
    }
    if let Some(shots) = tracked("crowd", "crowd_walking_4s_25fps_1920x1080.mp4", 30) {
        assert_eq!(shots.len(), 1);
        let most = (0..30).map(|i| shots[0].tracks.iter().filter(|t| t.faces[i].is_some()).count()).max();
        assert!(most >= Some(4), "{most:?} of about seven at a time");
    }
}

#[test]
fn one_speaker_through_joins_and_his_lips_move_with_his_voice() {
    let name = "grid_s1_36s_25fps_288p.mp4";
    let Some(shots) = tracked("one speaker", name, usize::MAX) else { return };
    // Joins of the same man before the same wall every three seconds are no cuts.
    let pieces: Vec<_> =
        shots.iter().map(|piece| (piece.length, piece.runs_on, piece.tracks.len())).collect();
    assert_eq!(pieces, [(500, true, 1), (400, false, 1)]);
    assert_eq!(shots[0].tracks[0].person, shots[1].tracks[0].person);
    let faces: Vec<_> = shots.iter().flat_map(|piece| piece.tracks[0].faces.clone()).collect();
    assert_eq!(seen(&faces), 900);

    let file = footage(&format!("video/{name}")).expect("was there");
    let mut reader = AudioReader::open(&file, 16_000, Some(1), &ReadOptions::default()).expect("opens");
    let mut samples = Vec::new();
    while let Some(block) = reader.next().expect("decodes") {
        samples.extend(block.mono());
    }
    let loudness = |frame: usize| {
        let frame = samples.get(frame * 640..(frame + 1) * 640).unwrap_or_default();
        (frame.iter().map(|s| s * s).sum::<f32>() + 1e-6).ln()
    };
    let opening = |i: usize| {
        faces[i]
            .as_ref()
            .and_then(|face| face.landmarks.as_ref())
            .map_or(0.0, |landmarks| landmarks.lip_opening)
    };
    let at = |lag: i32| {
        let pairs = (10..890).map(|i| (opening(i), loudness((i as i32 + lag) as usize)));
        correlation(&pairs.collect::<Vec<_>>())
    };
    let best = (-5..=5).max_by(|a, b| at(*a).total_cmp(&at(*b))).expect("lags");
    println!("lips and loudness: r {:.2} at no lag, {:.2} at {best} frames", at(0), at(best));
    assert!(at(0) > 0.4 && best.abs() <= 2);
    assert!(at(-5) < at(0) && at(5) < at(0));
}

fn correlation(pairs: &[(f32, f32)]) -> f32 {
    let n = pairs.len() as f32;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0 / n, s.1 + p.1 / n));
    let sums = pairs.iter().fold((0.0, 0.0, 0.0), |s, p| {
        (s.0 + (p.0 - a) * (p.1 - b), s.1 + (p.0 - a).powi(2), s.2 + (p.1 - b).powi(2))
    });
    sums.0 / (sums.1 * sums.2).sqrt()
}

#[test]
fn a_shot_survives_the_cache() {
    let Some(shots) = tracked("cache", "grid_s1_3s_mpeg1.mpg", usize::MAX) else { return };
    let bytes = shots[0].encode();
    assert_eq!(Shot::decode(&bytes).expect("our own").encode(), bytes);
    let each = bytes.len() / shots[0].length;
    println!("a face takes {each} bytes a frame");
    assert!(each < 400);
}
