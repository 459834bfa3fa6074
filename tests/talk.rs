//! Talking heads, comparison sheets and scores as a person asks for them. The networks are narrow ones with weights by a rule:
//! they paint noise, but exactly as much of it, of the right size, at the right times.

mod harness;

use candle_core::{Device, Tensor};
use harness::{Bench, shared, write_voice};
use lipsmith_base::Audio;
use lipsmith_media::{AudioReader, ReadOptions, VideoReader, synthetic};
use lipsmith_nets::procedural;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const UNET: &str = "golden/diffused_heads_unet/small";

/// A sound encoder of the published family, as narrow as the narrow U-Net's ears.
fn ears(path: &Path) {
    let mut tensors = HashMap::new();
    let mut put = |name: String, shape: &[usize]| {
        let value = |i: usize| 0.2 * ((i * 37 + name.len() * 11) as f32 * 0.7).sin();
        let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
        tensors.insert(name, Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor"));
    };
    let mut channels = 1;
    for (layer, (to, kernel)) in [(8, 80), (8, 4), (8, 4), (8, 4), (8, 10), (16, 5)].into_iter().enumerate() {
        put(format!("encoder.{layer}.conv.weight"), &[to, channels, kernel]);
        put(format!("encoder.{layer}.conv.bias"), &[to]);
        channels = to;
    }
    for (layer, from) in [16, 32].into_iter().enumerate() {
        put(format!("rnn.weight_ih_l{layer}"), &[96, from]);
        put(format!("rnn.weight_hh_l{layer}"), &[96, 32]);
        put(format!("rnn.bias_ih_l{layer}"), &[96]);
        put(format!("rnn.bias_hh_l{layer}"), &[96]);
    }
    for layer in 0..5 {
        let ones = Tensor::ones(8, candle_core::DType::F32, &Device::Cpu).expect("a tensor");
        for part in ["weight", "running_var"] {
            tensors.insert(format!("encoder.{layer}.norm.{part}"), ones.clone());
        }
        let zeros = ones.zeros_like().expect("a tensor");
        for part in ["bias", "running_mean"] {
            tensors.insert(format!("encoder.{layer}.norm.{part}"), zeros.clone());
        }
    }
    candle_core::safetensors::save(&tensors, path).expect("saved");
}

/// The narrow networks, imported.
fn networks(test: &str, bench: &Bench) -> Option<()> {
    let folder = PathBuf::from(shared(test, UNET)?);
    let (unet, sound) = (bench.path("unet.safetensors"), bench.path("ears.safetensors"));
    candle_core::safetensors::save(&procedural::weights(&folder).expect("weights"), &unet).expect("saved");
    ears(&sound);
    for file in [unet, sound] {
        bench.result(&["models", "import", &file.to_string_lossy()]);
    }
    Some(())
}

fn refusal(bench: &Bench, arguments: &[&str]) -> String {
    let output = bench.run(arguments);
    assert!(!output.status.success(), "{arguments:?} worked");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_photo_talks_and_a_broken_off_talk_goes_on_the_same() {
    let name = "a_photo_talks_and_a_broken_off_talk_goes_on_the_same";
    let Some(photo) = shared(name, "footage/photo/astronaut_512.png") else { return };
    let bench = Bench::new();
    let Some(()) = networks(name, &bench) else { return };
    let text = |name: &str| bench.path(name).to_string_lossy().into_owned();
    let (voice, out) = (text("voice.wav"), text("talk.mkv"));
    write_voice(Path::new(&voice), 0.3);
    let talk = ["talk", &photo, &voice, "-o", &out, "--steps", "2", "--stabilise", "3", "--device", "cpu"];
    let result = bench.result(&talk);
    assert_eq!((result["frames"].as_u64(), result["size"].as_u64()), (Some(8), Some(256)), "{result}");
    let pictures = || {
        let mut film = VideoReader::open(Path::new(&out), &ReadOptions::default()).expect("a film");
        assert_eq!((film.video().width, film.video().height), (256, 256));
        let pictures: Vec<_> =
            std::iter::from_fn(|| film.next().expect("a frame")).map(|f| f.picture).collect();
        pictures
    };
    let first = pictures();
    assert_eq!(first.len(), 8);
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]), "each frame has noise of its own");
    // As if it had been stopped after five frames.
    let folder =
        std::fs::read_dir(bench.path("cache/talks")).expect("kept").flatten().next().expect("a talk");
    for frame in 5..8 {
        std::fs::remove_file(folder.path().join(format!("{frame:06}.frame"))).expect("removed");
    }
    bench.result(&talk);
    assert!(pictures() == first, "what goes on is what would have been");
}

#[test]
fn what_cannot_talk_says_why() {
    let name = "what_cannot_talk_says_why";
    let Some(photo) = shared(name, "footage/photo/astronaut_512.png") else { return };
    let Some(two) = shared(name, "footage/photo/cisco_two_people_320x180.png") else { return };
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let bench = Bench::new();
    let text = |name: &str| bench.path(name).to_string_lossy().into_owned();
    let (voice, silence, out) = (text("voice.wav"), text("silence.wav"), text("talk.mkv"));
    write_voice(Path::new(&voice), 0.2);
    let samples = vec![0.0; 4_000];
    let quiet = lipsmith_base::Audio { rate: 16_000, channels: 1, samples };
    std::fs::write(&silence, lipsmith_media::synthetic::wav(&quiet)).expect("written");
    let talk =
        |photo: &str, voice: &str| refusal(&bench, &["talk", photo, voice, "-o", &out, "--device", "cpu"]);

    assert!(talk(&photo, &voice).contains("diffused-heads needs weights"));
    let Some(folder) = shared(name, UNET) else { return };
    let unet = text("unet.safetensors");
    let weights = procedural::weights(Path::new(&folder)).expect("weights");
    candle_core::safetensors::save(&weights, &unet).expect("saved");
    bench.result(&["models", "import", &unet]);
    assert!(talk(&photo, &voice).contains("audio encoder, published beside it, and it is not installed"));
    let sound = text("ears.safetensors");
    ears(Path::new(&sound));
    bench.result(&["models", "import", &sound]);
    let faces = talk(&two, &voice);
    assert!(faces.contains("faces; choose who talks by --face") || faces.contains("no face"), "{faces}");
    assert!(talk(&film, &voice).contains("is a film"));
    let wall = text("wall.png");
    let drawn = ["-v", "error", "-f", "lavfi", "-i", "gradients=s=320x240:seed=1", "-frames:v", "1", &wall];
    assert!(std::process::Command::new("ffmpeg").args(drawn).status().expect("ffmpeg").success());
    let nobody = talk(&wall, &voice);
    assert!(nobody.contains("wall.png") && nobody.contains("no face was found in it"), "{nobody}");
    assert!(talk(&photo, &silence).contains("it is silent"));
    assert!(!Path::new(&out).exists());
}

#[test]
fn four_frames_are_too_few_to_tell_sync() {
    let name = "four_frames_are_too_few_to_tell_sync";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(judge) = shared(name, "golden/syncnet_v2/small") else { return };
    let bench = Bench::new();
    let text = |name: &str| bench.path(name).to_string_lossy().into_owned();
    let (short, weights) = (text("short.mkv"), text("syncnet.safetensors"));
    let how = "-frames:v 4 -t 0.16 -c:v ffv1 -c:a pcm_s16le".split(' ');
    let mut cut = std::process::Command::new("ffmpeg");
    cut.args(["-v", "error", "-i", &film]).args(how).arg(&short);
    assert!(cut.status().expect("ffmpeg").success());
    let tensors = procedural::weights(Path::new(&judge)).expect("weights");
    candle_core::safetensors::save(&tensors, &weights).expect("saved");
    bench.result(&["models", "import", &weights]);
    let output = bench.run(&["score", &short, "--device", "cpu"]);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && words.contains("no stretch is long enough"), "{words}");
}

#[test]
fn our_own_ear_finds_how_far_a_voice_is_off_on_a_real_film() {
    let name = "our_own_ear_finds_how_far_a_voice_is_off_on_a_real_film";
    let film = "footage/video/latentsync_demo1_woman_10s_25fps_1080x1920_hevc.mp4";
    let Some(film) = shared(name, film) else { return };
    let bench = Bench::new();
    bench.result(&["track", &film]);
    if !bench.path("data/models/faces").exists() {
        println!("SKIPPED: {name}: the face mesh is not installed");
        return;
    }
    let options = ReadOptions::default();
    let mut sound = AudioReader::open(Path::new(&film), 16_000, Some(1), &options).expect("a voice");
    let samples: Vec<f32> =
        std::iter::from_fn(|| sound.next().expect("a block")).flat_map(|block| block.samples).collect();
    for late in [-8i64, -3, 0, 5, 8] {
        let shift = 640 * late.unsigned_abs() as usize;
        let samples = match late {
            ..0 => samples[shift..].to_vec(),
            _ => std::iter::repeat_n(0.0, shift).chain(samples.iter().copied()).collect(),
        };
        let voice = bench.path("voice.wav");
        std::fs::write(&voice, synthetic::wav(&Audio { rate: 16_000, channels: 1, samples }))
            .expect("written");
        let scored = bench.result(&["score", &film, "--voice", &voice.to_string_lossy()]);
        assert_eq!(scored["judge"]["network"], "wav2lip", "{scored}");
        let found = scored["whole"]["offset_frames"].as_i64().expect("a score");
        assert!((found - late).abs() <= 1, "{late} frames late, found {found}: {scored}");
    }
}

#[test]
fn families_are_compared_on_one_sheet() {
    let name = "families_are_compared_on_one_sheet";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let bench = Bench::new();
    let text = |name: &str| bench.path(name).to_string_lossy().into_owned();
    let (voice, out) = (text("voice.wav"), text("sheet.mp4"));
    write_voice(Path::new(&voice), 0.6);
    let compare = |families: &str| {
        ["compare", &film, &voice, "--families", families, "-o", &out, "--device", "cpu"].map(String::from)
    };
    let lacking = compare("lipsmith-w,diff2lip");
    let words = refusal(&bench, &lacking.each_ref().map(String::as_str));
    assert!(words.contains("diff2lip needs weights") && !Path::new(&out).exists(), "{words}");
    assert!(!bench.path("cache/takes").exists(), "nothing is rendered before all is known to be there");
    let result = bench.result(&compare("lipsmith-w,rewrite").each_ref().map(String::as_str));
    assert_eq!(result["rows"].as_array().map(Vec::len), Some(3), "{result}");
    let mut sheet = VideoReader::open(Path::new(&out), &ReadOptions::default()).expect("a sheet");
    assert_eq!((sheet.video().width, sheet.video().height), (512, 608));
    assert_eq!(std::iter::from_fn(|| sheet.next().expect("a frame")).count(), 75);
    let contact = VideoReader::open(&bench.path("sheet.png"), &ReadOptions::default()).expect("a picture");
    assert_eq!((contact.video().width, contact.video().height), (2048, 912));
    let table = std::fs::read_to_string(bench.path("sheet.md")).expect("a table");
    assert!(table.contains("| rewrite |") && table.contains("| lipsmith-w |"), "{table}");
}

/// Two real people, each also with the other's voice.
#[test]
fn families_are_judged_on_films() {
    let name = "families_are_judged_on_films";
    let Some(film) = shared(name, "footage/video/grid_s1_3s_mpeg1.mpg") else { return };
    let Some(other) = shared(name, "footage/video/retalking_1_man_6s_vfr_700.mp4") else { return };
    let bench = Bench::new();
    let table =
        bench.result(&["proof", &film, &other, "--families", "rewrite,lipsmith-w", "--device", "cpu"]);
    let row = |at: usize| &table["rows"][at];
    let names: Vec<_> = (0..3).map(|at| row(at)["method"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["unchanged film", "rewrite", "lipsmith-w"], "{table}");
    let number = |at: usize, of: &str| row(at)[of].as_f64();
    assert!(number(1, "psnr").is_none(), "what shows the film's own mouths is not asked for them: {table}");
    assert!(number(2, "psnr").is_some_and(|db| (20.0..45.0).contains(&db)), "{table}");
    // Without the mesh nobody knows where lips are.
    if let Some(points) = number(2, "points") {
        assert!((0.2..10.0).contains(&points), "{table}");
        let opens = number(2, "opens").expect("mouths move");
        assert!((0.1..3.0).contains(&opens), "{table}");
        let follows = |at: usize, voice: usize| row(at)["follows"][voice].as_f64().expect("seen");
        assert!(follows(0, 0) > 0.999 && follows(2, 0) > follows(0, 1), "{table}");
    }
    let alone = bench.run(&["proof", &film]);
    assert!(!alone.status.success() && String::from_utf8_lossy(&alone.stderr).contains("two films"));
}
