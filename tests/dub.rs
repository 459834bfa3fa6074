//! The main job on real footage and on the sample: the program is run, its film opened again and compared with the
//! source frame by frame.

mod harness;

use harness::{Bench, root, shared};
use lipsmith_base::{Audio, Cancel, Picture, Time, TimeRange};
use lipsmith_engine::Paths;
use lipsmith_engine::analysis::Analyst;
use lipsmith_engine::files::fingerprint;
use lipsmith_media::{AudioReader, Frame, ReadOptions, VideoReader, synthetic};
use lipsmith_nets::procedural;
use std::path::Path;

fn frames(path: &Path) -> impl Iterator<Item = Frame> {
    let mut reader = VideoReader::open(path, &ReadOptions::default()).expect("a film");
    std::iter::from_fn(move || reader.next().expect("a frame"))
}

/// The dubbed film shows the same frames at the same times, differs from the source only where the matte is not black,
/// and does differ there. The times of the frames that do.
fn differs_only_in_the_matte(film: &Path, dubbed: &Path, matte: &Path) -> Vec<Time> {
    let (mut painted, mut count) = (Vec::new(), 0);
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
                    if painted.last() != Some(&source.pts) {
                        painted.push(source.pts);
                    }
                    assert!(plane > 0 || m[i] > m[0], "frame {count}, sample {i}: changed outside the matte");
                }
            }
        }
        count += 1;
    }
    assert_eq!(count, frames(film).count(), "every frame is there");
    assert_eq!(count, frames(dubbed).count());
    assert!(!painted.is_empty(), "the mouth was painted");
    painted
}

fn samples(plane: &lipsmith_base::picture::Plane) -> Vec<u16> {
    match plane {
        lipsmith_base::picture::Plane::U8(s) => s.iter().map(|&v| u16::from(v)).collect(),
        lipsmith_base::picture::Plane::U16(s) => s.clone(),
    }
}

/// The times of the frames that were painted.
fn dub_losslessly(film: &str, voice: &str, more: &[&str]) -> Vec<Time> {
    let bench = Bench::new();
    let (out, matte) = (bench.path("out.mkv"), bench.path("matte.mkv"));
    let (out_text, matte_text) = (out.to_string_lossy(), matte.to_string_lossy());
    let arguments = ["dub", film, voice, "-o", &out_text, "--matte", &matte_text];
    let result = bench.result(&[&arguments[..], more].concat());
    assert!(result["synced"].as_u64() > Some(0), "{result}");
    differs_only_in_the_matte(Path::new(film), &out, &matte)
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
        let lines = ["--range", "1s-1.6s", "--range", "2.2s-3s"];
        let painted = dub_losslessly(&film, &voice, &[&["--face", person][..], &lines].concat());
        let within = |[start, end]: [i64; 2]| {
            let line = TimeRange::new(Time::from_units(start, 10), Time::from_units(end, 10));
            painted.iter().filter(|&&time| line.contains(time)).count()
        };
        let counts = [[10, 16], [22, 30]].map(within);
        assert!(counts.iter().all(|count| *count > 5), "both lines are painted: {counts:?}");
        assert_eq!(counts.iter().sum::<usize>(), painted.len(), "and nothing between them: {painted:?}");
    }
}

/// The film's pictures after a dub of its first half second.
fn half_a_second(bench: &Bench, film: &str, voice: &str, more: &[&str]) -> Vec<Picture> {
    let out = bench.path("half.mkv");
    let out_text = out.to_string_lossy();
    bench.result(&[&["dub", film, voice, "-o", &out_text, "--range", "0s-0.5s"][..], more].concat());
    frames(&out).take(12).map(|frame| frame.picture).collect()
}

/// What one line leaves for the next (its footage) changes nothing.
#[test]
fn a_line_behind_another_is_what_it_is_alone() {
    let name = "a_line_behind_another_is_what_it_is_alone";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(voice) = shared(name, "footage/dub/en_ljspeech_0005.flac") else { return };
    let second = |ranges: &[&str]| {
        // A cache of its own: nothing is found there.
        let bench = Bench::new();
        let out = bench.path("out.mkv");
        let arguments = ["dub", &film, &voice, "-o", &*out.to_string_lossy(), "--at", "0s"];
        bench.result(&[&arguments[..], ranges].concat());
        let read = || frames(&out).skip(40).map(|frame| frame.picture).collect::<Vec<_>>();
        let (pictures, again) = (read(), read());
        for (frame, (picture, again)) in pictures.iter().zip(&again).enumerate() {
            assert!(picture == again, "frame {frame} was read in two ways: {}", apart(picture, again));
        }
        pictures
    };
    let (first, later) = (["--range", "0.4s-1.2s"], ["--range", "2s-2.8s"]);
    let alone = second(&later);
    let clean: Vec<Picture> = frames(Path::new(&film)).skip(40).map(|frame| frame.picture).collect();
    assert!(alone != clean, "something was painted");
    let behind = second(&[first, later].concat());
    assert_eq!(behind.len(), alone.len());
    for (frame, (behind, alone)) in behind.iter().zip(&alone).enumerate() {
        assert!(behind == alone, "frame {frame} of the line: {}", apart(behind, alone));
    }
}

/// How two pictures differ, in words.
fn apart(picture: &Picture, other: &Picture) -> String {
    let values = |picture: &Picture| picture.planes().iter().flat_map(samples).collect::<Vec<_>>();
    let (a, b) = (values(picture), values(other));
    let apart = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).filter(|by| *by > 0);
    format!("{} samples by up to {:?}", apart.clone().count(), apart.max())
}

#[test]
fn more_film_of_the_actor_is_taken_from() {
    let name = "more_film_of_the_actor_is_taken_from";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(more) = shared(name, "footage/video/grid_s1_36s_25fps_288p.mp4") else { return };
    let Some(voice) = shared(name, "footage/dub/en_ljspeech_0005.flac") else { return };
    let bench = Bench::new();
    let alone = half_a_second(&bench, &film, &voice, &[]);
    let with_more = half_a_second(&bench, &film, &voice, &["--actor-footage", &more]);
    assert!(alone != with_more, "36 s of the same actor hold better mouths than 3 s");
}

/// Wav2Lip with few channels and weights by a rule paints no mouth, but what it is shown decides what it paints.
#[test]
fn the_chosen_reference_is_what_the_network_is_shown() {
    let name = "the_chosen_reference_is_what_the_network_is_shown";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(voice) = shared(name, "footage/dub/en_ljspeech_0005.flac") else { return };
    let bench = Bench::new();
    let checkpoint = bench.path("narrow.safetensors");
    let weights = procedural::weights(&root().join("tests/golden/wav2lip_generator/small")).expect("weights");
    candle_core::safetensors::save(&weights, &checkpoint).expect("saved");
    let checkpoint = checkpoint.to_string_lossy();
    let network = ["--family", "wav2lip", "--checkpoint", &checkpoint, "--device", "cpu"];
    let shown = |reference| half_a_second(&bench, &film, &voice, &[&network[..], reference].concat());
    let (early, late) = (shown(&["--reference", "0.4s"]), shown(&["--reference", "2.4s"]));
    assert!(early != late, "another reference, another picture");
    let clean: Vec<Picture> = frames(Path::new(&film)).take(12).map(|frame| frame.picture).collect();
    assert!(early.iter().zip(&clean).all(|(painted, clean)| painted != clean), "every frame was painted");
    assert!(shown(&["--reference", "00:00:00:10"]) == early, "the same picture, named by its timecode");
}

/// Half as many frames are painted: those are the same as ever, and those between lie between them.
#[test]
fn frames_between_are_carried_over_from_their_neighbours() {
    let name = "frames_between_are_carried_over_from_their_neighbours";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(voice) = shared(name, "footage/dub/en_ljspeech_0005.flac") else { return };
    let bench = Bench::new();
    let checkpoint = bench.path("narrow.safetensors");
    let weights = procedural::weights(&root().join("tests/golden/diff2lip_unet/small")).expect("weights");
    candle_core::safetensors::save(&weights, &checkpoint).expect("saved");
    let checkpoint = checkpoint.to_string_lossy();
    let network = ["--family", "diff2lip", "--checkpoint", &checkpoint, "--device", "cpu", "--steps", "2"];
    let dubbed = |more: &[&str]| half_a_second(&bench, &film, &voice, &[&network[..], more].concat());
    let (all, half) = (dubbed(&[]), dubbed(&["--in-betweens"]));
    let clean: Vec<Picture> = frames(Path::new(&film)).take(12).map(|frame| frame.picture).collect();
    for at in 0..8 {
        assert_eq!(all[at] == half[at], at % 2 == 0 || at == 7, "frame {at}");
        assert!(half[at] != clean[at], "frame {at} is left as it was");
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
fn the_mouth_is_closed_while_the_voice_is_silent() {
    let name = "the_mouth_is_closed_while_the_voice_is_silent";
    let Some(film) = shared(name, "footage/video/grid_s1_36s_25fps_288p.mp4") else { return };
    let Some(line) = shared(name, "footage/dub/en_ljspeech_0001.wav") else { return };
    let bench = Bench::new();
    let mut reader =
        AudioReader::open(Path::new(&line), 16_000, Some(1), &ReadOptions::default()).expect("a voice");
    let spoken = std::iter::from_fn(|| reader.next().expect("a block")).flat_map(|block| block.samples);
    // 2 s of silence, 4 s of speech, 2 s of silence.
    let silence = || std::iter::repeat_n(0.0, 32_000);
    let samples: Vec<f32> = silence().chain(spoken.take(64_000)).chain(silence()).collect();
    let (voice, out) = (bench.path("voice.wav"), bench.path("out.mkv"));
    let voice_bytes = synthetic::wav(&Audio { rate: 16_000, channels: 1, samples });
    std::fs::write(&voice, voice_bytes).expect("written");
    bench.result(&["dub", &film, &voice.to_string_lossy(), "-o", &out.to_string_lossy()]);
    let (before, after) = (lip_openings(&bench, Path::new(&film)), lip_openings(&bench, &out));
    if before.iter().flatten().count() == 0 {
        println!("SKIPPED: {name}: the face mesh is not installed");
        return;
    }
    let mean = |openings: &[Option<f32>], seconds: [std::ops::Range<f64>; 2]| {
        let frames = seconds.into_iter().flat_map(|s| (s.start * 25.0) as usize..(s.end * 25.0) as usize);
        let seen: Vec<f32> = frames.filter_map(|frame| openings[frame]).collect();
        seen.iter().sum::<f32>() / seen.len().max(1) as f32
    };
    let silent = mean(&after, [0.3..1.7, 6.3..7.7]);
    let speaking = mean(&after, [2.2..4.0, 4.0..5.8]);
    let film = mean(&before, [0.3..1.7, 6.3..7.7]);
    // Measured: 0.020 silent, 0.067 speaking, 0.053 in the film.
    assert!(
        silent < 0.6 * film && silent < 0.5 * speaking,
        "{silent} silent, {speaking} speaking, {film} in the film"
    );
}

#[test]
fn who_never_opens_his_mouth_is_given_one_that_opens() {
    let name = "who_never_opens_his_mouth_is_given_one_that_opens";
    let Some(film) = shared(name, "footage/video/liveportrait_s18_woman_9s_30fps_720p_silent.mp4") else {
        return;
    };
    let Some(voice) = shared(name, "footage/dub/de_kerstin_2197.flac") else { return };
    let bench = Bench::new();
    let out = bench.path("out.mkv");
    let out_text = out.to_string_lossy();
    let dub = ["dub", &film, &voice, "-o", &out_text, "--range", "00:00:00:00-00:00:02:00"];
    let result = bench.result(&dub);
    let before = lip_openings(&bench, Path::new(&film));
    if before.iter().flatten().count() == 0 {
        println!("SKIPPED: {name}: the face mesh is not installed");
        return;
    }
    assert_eq!(result["family"], "lipsmith-w");
    let widest = |openings: Vec<Option<f32>>| openings.into_iter().flatten().fold(0.0, f32::max);
    let (before, after) = (widest(before), widest(lip_openings(&bench, &out)));
    // Measured: 0.045 in the film, 0.092 dubbed.
    assert!(after > 0.07 && after > 1.5 * before, "{before} in the film, {after} dubbed");

    // Asked for by name, rewrite does what it can and says what it cannot.
    std::fs::remove_file(&out).expect("written before");
    let output = bench.run(&[&dub[..], &["--family", "rewrite"]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("never opens"), "{told}");
}

/// How far the lips of the film's first person stand apart, over the mouth's width, frame by frame.
fn lip_openings(bench: &Bench, film: &Path) -> Vec<Option<f32>> {
    let paths = Paths { data: bench.path("data"), cache: bench.path("cache") };
    let cancel = Cancel::new();
    let analyst = Analyst::new(&paths, &(), &cancel);
    let analysis = analyst.analyse(film, fingerprint(film).expect("a file")).expect("an analysis");
    let faces = analysis.faces(1, &(0..analysis.times().count())).expect("faces");
    faces.into_iter().map(|face| Some(face?.landmarks?.lip_opening)).collect()
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
