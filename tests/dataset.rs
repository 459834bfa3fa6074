//! Sets to train on: made of nobody and cut from films, stopped and continued, and what is refused.

mod harness;

use harness::{Bench, root, shared, write_film};
use lipsmith_train::dataset::{Set, Split};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Whether the program can speak here; says so when it cannot.
fn has_voice(test: &str, bench: &Bench) -> bool {
    let probe = text(&bench.path("probe"));
    let output =
        bench.run(&["dataset", "speaker", "-o", &probe, "--people", "1", "--seconds", "1", "--side", "32"]);
    let words = String::from_utf8_lossy(&output.stderr);
    if words.contains("espeak-ng") {
        println!("SKIPPED: {test}: {words}");
    }
    output.status.success()
}

#[test]
fn a_killed_run_of_the_speaker_goes_on() {
    let bench = Bench::new();
    if !has_voice("a_killed_run_of_the_speaker_goes_on", &bench) {
        return;
    }
    let set = text(&bench.path("set"));
    let people = |count: &'static str| {
        ["dataset", "speaker", "-o", &set, "--people", count, "--seconds", "1", "--side", "48"]
            .map(String::from)
    };
    let first = people("2");
    let counts = bench.result(&first.each_ref().map(String::as_str));
    assert_eq!((&counts["people"], &counts["frames"]), (&2.into(), &50.into()), "{counts}");
    let many = people("1000");
    let mut running = bench.command(&many.each_ref().map(String::as_str)).spawn().expect("started");
    std::thread::sleep(Duration::from_millis(400));
    running.kill().expect("killed");
    running.wait().expect("ended");
    let more = people("4");
    let counts = bench.result(&more.each_ref().map(String::as_str));
    assert_eq!((&counts["people"], &counts["clips"]), (&4.into(), &4.into()), "{counts}");
    let left = fs::read_dir(bench.path("set")).expect("listed").flatten();
    assert!(!left.map(|e| text(&e.path())).any(|name| name.ends_with(".tmp")));
    // Four people are too few for one of them to be kept for validation.
    let output = bench.run(&["proof", &set]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && words.contains("validation") && !words.contains("panicked"),
        "{words}"
    );
    assert_eq!(Set::open(Path::new(&set)).expect("whole").clips().len(), 4);
}

#[test]
fn films_are_cut_and_the_rest_is_named() {
    let Some(film) = shared("films_are_cut_and_the_rest_is_named", "footage/video/grid_s1_3s_mpeg1.mpg")
    else {
        return;
    };
    let bench = Bench::new();
    let folder = bench.path("films");
    fs::create_dir_all(folder.join("anna")).expect("a folder");
    fs::copy(&film, folder.join("anna/one.mpg")).expect("copied");
    write_film(&folder.join("bars.mp4"), 30, true);
    write_film(&folder.join("silent.mp4"), 30, false);
    fs::write(folder.join("broken.mov"), [7u8; 3000]).expect("written");
    fs::write(folder.join("notes.txt"), b"no film").expect("written");
    let (folder, set) = (text(&folder), text(&bench.path("set")));
    let arguments = ["dataset", "build", &folder, "-o", &set, "--side", "64"];
    let built = bench.result(&arguments);
    assert_eq!(
        (&built["films"], &built["clips"], &built["people"]),
        (&4.into(), &1.into(), &1.into()),
        "{built}"
    );
    let refused = built["refused"].to_string();
    for (film, why) in [("bars.mp4", "faceless"), ("silent.mp4", "silent"), ("broken.mov", "unreadable")] {
        assert!(refused.contains(film) && refused.contains(why), "{film}: {refused}");
    }

    let opened = Set::open(Path::new(&set)).expect("whole");
    let clip = &opened.clips()[0];
    assert_eq!((clip.frames, clip.sound().len(), clip.split), (75, 75 * 640, Split::Train));
    // The window is the recipes': eyes in the upper third, the mouth in the lower.
    if clip.landmarks().as_flattened().as_flattened().iter().all(|v| v.is_finite()) {
        let mean =
            |points: &[[f32; 2]]| points.iter().map(|p| p[1]).sum::<f32>() / points.len() as f32 / 64.0;
        let points = &clip.landmarks()[30];
        let (eyes, mouth) = (mean(&points[36..48]), mean(&points[48..]));
        assert!((0.2..0.4).contains(&eyes) && (0.62..0.82).contains(&mouth), "{eyes} {mouth}");
    }
    assert!(clip.mel().as_flattened().iter().any(|&v| v > -1.0), "somebody is heard");

    let again = bench.result(&arguments);
    assert_eq!(again, built, "nothing is cut twice, nothing forgotten");
}

#[test]
fn folders_without_faces_and_without_films() {
    let bench = Bench::new();
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = bench.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(
            words.iter().all(|word| said.contains(word)) && !said.contains("panicked"),
            "{arguments:?}: {said}"
        );
    };
    let (set, empty, bars) = (text(&bench.path("set")), bench.path("empty"), bench.path("bars"));
    fs::create_dir_all(&empty).expect("a folder");
    fs::create_dir_all(&bars).expect("a folder");
    write_film(&bars.join("bars.mp4"), 30, true);
    let missing = text(&root().join("no-such-folder"));
    refused(&["dataset", "build", &missing, "-o", &set], 1, &["no-such-folder", "check the path"]);
    refused(&["dataset", "build", &text(&empty), "-o", &set], 2, &["holds no films", "mp4"]);
    refused(&["dataset", "build", &text(&bars), "-o", &set], 2, &["none of the 1 films", "no face"]);
    refused(&["dataset", "speaker", "-o", &set, "--seconds", "0"], 2, &["seconds"]);
    fs::write(bench.path("file"), b"x").expect("written");
    let file = text(&bench.path("file"));
    refused(&["dataset", "speaker", "-o", &file, "--people", "1"], 1, &["file"]);
}

#[test]
fn a_network_is_taught_one_actor_and_installed() {
    const TEST: &str = "a_network_is_taught_one_actor_and_installed";
    let film = shared(TEST, "footage/video/grid_s1_3s_mpeg1.mpg");
    let other = shared(TEST, "footage/train/grid_s1/bbaz4n.mp4");
    let (Some(film), Some(other)) = (film, other) else { return };
    let bench = Bench::new();
    let run = text(&bench.path("run"));
    let refused = |arguments: &[&str], words: &str| {
        let output = bench.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(words), "{arguments:?}: {said}");
    };
    refused(&["finetune", &film, "--base", "diff2lip", "-o", &run], "no weights of it are installed");
    // Three seconds are one stretch.
    refused(&["finetune", &film, "-o", &run], "--held-out");
    let run = text(&bench.path("another"));
    let arguments = ["finetune", &film, "--held-out", &other, "-o", &run, "--steps", "1", "--batch", "1"]
        .map(String::from);
    let done = bench.result(&arguments.each_ref().map(String::as_str));
    assert_eq!(done["set"]["validation_frames"], 75, "{done}");
    let model = &done["model"];
    let says = |key: &str, word: &str| model[key].as_str().is_some_and(|text| text.contains(word));
    assert!(says("ancestry", "from ") && says("licence", "footage") && says("network", "wav2lip"), "{model}");
    assert!(String::from_utf8_lossy(&bench.run(&["models", "list"]).stdout).contains("wav2lip"));
}
