//! The main job on real footage and on the sample: the program is run, its film opened again and compared with the
//! source frame by frame.

mod harness;

use harness::{Bench, root, shared};
use lipsmith_media::{Frame, ReadOptions, VideoReader};
use std::path::Path;

fn frames(path: &Path) -> impl Iterator<Item = Frame> {
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("a film");
    std::iter::from_fn(move || reader.next().expect("a frame"))
}

/// The dubbed film shows the same frames at the same times, differs from the source only where the matte is not black,
/// and does differ there.
fn differs_only_in_the_matte(film: &Path, dubbed: &Path, matte: &Path) {
    let (mut painted, mut count) = (0, 0);
    for ((source, result), matte) in frames(film).zip(frames(dubbed)).zip(frames(matte)) {
        assert_eq!(source.picture.format(), result.picture.format());
        let time_error = (source.pts - result.pts).secs_f64().abs();
        assert!(time_error < 0.0011, "frame {count}: {} became {}", source.pts, result.pts);
        let black = matte.picture.region(0, 0, 1, 1).at(0)[0];
        assert!(black < 0.02, "the corner is never painted");
        for plane in 0..3 {
            let [a, b, m] = [&source, &result, &matte].map(|f| samples(&f.picture.planes()[plane]));
            let m = if plane == 0 { m } else { Vec::new() };
            for i in 0..a.len() {
                if a[i] != b[i] {
                    painted += 1;
                    assert!(plane > 0 || m[i] > m[0], "frame {count}, sample {i}: changed outside the matte");
                }
            }
        }
        count += 1;
    }
    assert_eq!(count, frames(film).count(), "every frame is there");
    assert_eq!(count, frames(dubbed).count());
    assert!(painted > 0, "the mouth was painted");
}

fn samples(plane: &lipsmith_base::picture::Plane) -> Vec<u16> {
    match plane {
        lipsmith_base::picture::Plane::U8(s) => s.iter().map(|&v| u16::from(v)).collect(),
        lipsmith_base::picture::Plane::U16(s) => s.clone(),
    }
}

fn dub_losslessly(film: &str, voice: &str, more: &[&str]) {
    let bench = Bench::new();
    let (out, matte) = (bench.path("out.mkv"), bench.path("matte.mkv"));
    let (out_text, matte_text) = (out.to_string_lossy(), matte.to_string_lossy());
    let arguments = ["dub", film, voice, "-o", &out_text, "--matte", &matte_text];
    let result = bench.result(&[&arguments[..], more].concat());
    assert!(result["synced"].as_u64() > Some(0), "{result}");
    differs_only_in_the_matte(Path::new(film), &out, &matte);
}

#[test]
fn the_sample() {
    let sample = |name: &str| root().join("resources/sample").join(name).to_string_lossy().into_owned();
    dub_losslessly(&sample("presenter.mp4"), &sample("line.wav"), &[]);
}

#[test]
fn an_mpeg1_clip_with_a_french_voice() {
    let Some(film) = shared("an_mpeg1_clip_with_a_french_voice", "footage/video/grid_s1_3s_mpeg1.mpg") else {
        return;
    };
    let Some(voice) = shared("an_mpeg1_clip_with_a_french_voice", "footage/dub/fr_june_demo-congrats.wav")
    else {
        return;
    };
    dub_losslessly(&film, &voice, &[]);
}

#[test]
fn a_variable_rate_clip_with_a_german_voice() {
    let name = "a_variable_rate_clip_with_a_german_voice";
    let Some(film) = shared(name, "footage/video/retalking_1_man_6s_vfr_700.mp4") else { return };
    let Some(voice) = shared(name, "footage/dub/de_kerstin_2197.flac") else { return };
    dub_losslessly(&film, &voice, &["--at", "1s"]);
}

#[test]
fn each_of_two_speakers() {
    let name = "each_of_two_speakers";
    let Some(film) = shared(name, "footage/video/grid_two_speakers_12s_25fps_1920x1080_derived.mp4") else {
        return;
    };
    let Some(voice) = shared(name, "footage/dub/en_ljspeech_0005.flac") else { return };
    let people = Bench::new().result(&["track", &film]);
    assert_eq!(people["people"].as_array().map(Vec::len), Some(2), "{people}");
    for person in ["1", "2"] {
        dub_losslessly(&film, &voice, &["--face", person, "--range", "1s-3s"]);
    }
}

#[test]
fn a_film_in_which_the_face_leaves_is_dubbed_as_far_as_it_is_there() {
    let name = "a_film_in_which_the_face_leaves_is_dubbed_as_far_as_it_is_there";
    let Some(film) = shared(name, "footage/video/foreman_12s_25fps_cif_silent.mp4") else { return };
    let Some(voice) = shared(name, "footage/dub/de_kerstin_0965.flac") else { return };
    let bench = Bench::new();
    let out = bench.path("out.mp4");
    let result = bench.result(&["dub", &film, &voice, "-o", &out.to_string_lossy()]);
    assert!(result["untouched"].as_u64() > Some(10), "{result}");
    assert_eq!(frames(Path::new(&film)).count(), frames(&out).count());
}

#[test]
fn a_cancelled_dub_leaves_no_output_and_goes_on_from_its_chunks() {
    let name = "a_cancelled_dub_leaves_no_output_and_goes_on_from_its_chunks";
    let Some(film) = shared(name, "footage/video/grid_s1_36s_25fps_288p.mp4") else { return };
    let Some(voice) = shared(name, "footage/dub/de_kerstin_1422.wav") else { return };
    let bench = Bench::new();
    let out = bench.path("out.mp4");
    let arguments = ["dub", &film, &voice, "-o", &*out.to_string_lossy()];
    bench.result(&["track", &film]);
    let chunks =
        || walk(&bench.path("cache/takes")).into_iter().filter(|p| p.ends_with(".chunk")).collect::<Vec<_>>();

    let mut child = bench.command(&arguments).spawn().expect("started");
    while chunks().len() < 2 {
        assert!(child.try_wait().expect("asked").is_none(), "it ended before two chunks were seen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let status = child.wait().expect("ended");
    assert_eq!(status.code(), Some(130));
    assert!(!out.exists());
    let kept = chunks();
    let times: Vec<_> =
        kept.iter().map(|p| std::fs::metadata(p).and_then(|m| m.modified()).expect("a time")).collect();

    bench.result(&arguments);
    for (path, time) in kept.iter().zip(times) {
        let now = std::fs::metadata(path).and_then(|m| m.modified()).expect("still there");
        assert_eq!(now, time, "{path} was made again");
    }
    assert!(out.exists() && chunks().len() > kept.len());
}

/// All files below a folder.
fn walk(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p.to_string_lossy().into_owned()] }).collect()
}
