//! Training from outside, on a tiny set: it lowers the loss, a run goes on exactly where it stopped, and what
//! goes wrong leaves the last good state.

// Whatever fails here fails the test.
#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use lipsmith_base::Cancel;
use lipsmith_nets::diff2lip::Config;
use lipsmith_nets::disc_qual;
use lipsmith_nets::mel::BANDS;
use lipsmith_nets::ops::Precision;
use lipsmith_nets::sound_gru::SoundGru;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::wav2lip;
use lipsmith_nets::zoo::{self, Network, Variant};
use lipsmith_nets::{unet, vq};
use lipsmith_train::TrainError;
use lipsmith_train::dataset::{POINTS, Record, Set, Split, Writer};
use lipsmith_train::optim::Settings;
use lipsmith_train::recipes::Recipe;
use lipsmith_train::recipes::ear::Ear;
use lipsmith_train::recipes::judges::{Adversary, Judges};
use lipsmith_train::recipes::syncnet::SyncNet;
use lipsmith_train::recipes::vq::Autoencoder;
use lipsmith_train::recipes::wav2lip::{Balance, Generator};
use lipsmith_train::recipes::{diff2lip, difftalk, diffused_heads};
use lipsmith_train::trainer::{self, Run};
use lipsmith_train::weights::Weights;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const SIDE: usize = 32;
const FRAMES: usize = 40;

/// Grey people whose mouths are as bright as their sound is loud.
fn set(folder: &Path) -> Set {
    people(folder, true)
}

/// Without their points only the boxes of their faces are known.
fn people(folder: &Path, with_points: bool) -> Set {
    let mut writer = Writer::open(folder, SIDE).unwrap();
    for person in 0..5u32 {
        let loud = |second: f32| ((second * 2.3 + person as f32) * 5.0).sin() * 0.5 + 0.5;
        let mut faces = Vec::new();
        for frame in 0..FRAMES {
            let mouth = (loud(frame as f32 / 25.0) * 255.0) as u8;
            let pixel = |i: usize| {
                let (x, y) = (i % SIDE, i / SIDE % SIDE);
                let inside = (10..22).contains(&x) && (20..28).contains(&y);
                if inside { mouth } else { 60 + 20 * person as u8 + y as u8 }
            };
            faces.extend((0..3 * SIDE * SIDE).map(pixel));
        }
        let heard = FRAMES * 80 / 25;
        let mel = (0..heard * BANDS).map(|i| loud((i / BANDS) as f32 / 80.0) * 8.0 - 4.0).collect();
        let mut points = [[16.0, 16.0]; POINTS];
        points[36][0] = 6.0;
        points[45][0] = 26.0;
        points[48..].iter_mut().enumerate().for_each(|(i, p)| *p = [10.0 + (i % 10) as f32, 24.0]);
        if !with_points {
            points = [[f32::NAN; 2]; POINTS];
        }
        let split = if person < 3 { Split::Train } else { Split::Validation };
        let record = Record {
            name: format!("person {person}"),
            person,
            split,
            faces,
            mel,
            landmarks: (0..FRAMES).map(|frame| open(points, loud(frame as f32 / 25.0))).collect(),
            sound: vec![0; FRAMES * 640],
        };
        writer.push(record).unwrap();
    }
    writer.finish().unwrap();
    Set::open(folder).unwrap()
}

/// The lower lip hangs as low as the sound is loud.
fn open(mut points: [[f32; 2]; POINTS], loud: f32) -> [[f32; 2]; POINTS] {
    for lower in [57, 65, 66, 67] {
        points[lower][1] += 6.0 * loud;
    }
    points
}

fn run(folder: &Path, steps: u64, resume: bool) -> Run {
    Run {
        folder: folder.to_path_buf(),
        steps,
        seed: 7,
        save_every: 100,
        examine_every: 2,
        patience: None,
        resume,
        precision: Precision::Full,
        words: HashMap::from([("licence".into(), "nobody's".into())]),
        settings: serde_json::json!({"test": true}),
    }
}

fn expert(set: &Set, told: f64, rate: f64) -> SyncNet {
    let weights = Weights::fresh(Network::LipsyncExpert, 4, 1, &Device::Cpu).unwrap();
    SyncNet::new(set, weights, 6, told, Settings { rate, ..Settings::default() }, &Device::Cpu).unwrap()
}

fn fresh(network: Network, width: usize) -> Weights {
    Weights::fresh(network, width, 1, &Device::Cpu).unwrap()
}

/// An untaught expert, and a discriminator of so many pictures.
fn judges(pictures: usize) -> Judges {
    let config = syncnet_color::Config { width: 1 };
    let expert = SyncNetColor::new(&config, &fresh(Network::LipsyncExpert, 2).frozen()).unwrap();
    let config = disc_qual::Config { width: 2, pictures };
    let adversary = Adversary::new(config, 1, Settings::default(), &Device::Cpu).unwrap();
    Judges { expert: Some(expert), adversary: Some(adversary), lpips: None }
}

fn generator(set: &Set, told: f64) -> Generator {
    let balance = Balance { told, ..Balance::published(true) };
    let weights = fresh(Network::Wav2Lip, 1);
    Generator::new(set, weights, judges(1), 2, balance, Settings::default(), &Device::Cpu).unwrap()
}

fn go(recipe: &mut impl Recipe, run: &Run) -> Result<trainer::Outcome, TrainError> {
    trainer::run(recipe, run, &(), &Cancel::new())
}

#[test]
fn a_resumed_run_ends_where_a_straight_one_does_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (straight, halves) = (folder.path().join("straight"), folder.path().join("halves"));
    go(&mut generator(&set, 0.5), &run(&straight, 4, false)).unwrap();
    go(&mut generator(&set, 0.5), &run(&halves, 2, false)).unwrap();
    // Killed later without having saved: its rows and half-written files must not stay.
    let curve = halves.join("curve.csv");
    let mut text = fs::read_to_string(&curve).unwrap();
    text.push_str("train,3,picture,99\ntrain,1");
    fs::write(&curve, text).unwrap();
    fs::write(halves.join("state.tmp"), b"half a state").unwrap();
    go(&mut generator(&set, 0.5), &run(&halves, 4, true)).unwrap();
    for file in ["state.safetensors", "network.safetensors", "curve.csv"] {
        assert!(fs::read(straight.join(file)).unwrap() == fs::read(halves.join(file)).unwrap(), "{file}");
    }
    for picture in ["pictures/0000004.png", "curve.png"] {
        assert!(fs::read(halves.join(picture)).unwrap().starts_with(b"\x89PNG"));
    }
    // What comes out is the network, whole, as any published file of it.
    let outcome = go(&mut generator(&set, 0.5), &run(&halves, 4, true)).unwrap();
    let (_, found) = zoo::open(&outcome.network, Network::Wav2Lip).unwrap();
    assert!(found.is_complete());
    // In half precision it is half as long, and says the same of itself.
    let half = folder.path().join("half.safetensors");
    Weights::load(&outcome.network, Network::Wav2Lip, &Device::Cpu).unwrap().export(&half, None).unwrap();
    let (checkpoint, found) = zoo::open(&half, Network::Wav2Lip).unwrap();
    assert!(found.is_complete() && checkpoint.words()["licence"] == "nobody's");
    assert!(fs::metadata(&half).unwrap().len() * 3 < fs::metadata(&outcome.network).unwrap().len() * 2);
}

#[test]
fn the_expert_learns_what_belongs_together_at_either_precision() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    for precision in [Precision::Full, Precision::Half] {
        let mut recipe = expert(&set, 0.0, 2e-3);
        let before = recipe.examine().unwrap();
        let run = Run {
            examine_every: 50,
            precision,
            ..run(&folder.path().join(format!("{precision:?}")), 200, false)
        };
        let outcome = go(&mut recipe, &run).unwrap();
        assert!(outcome.best.unwrap() < before.judged.min(0.69), "{outcome:?} after {}", before.judged);
    }
}

#[test]
fn both_towers_of_an_expert_learn_what_the_mouth_does() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let mut recipe = expert(&set, 1.0, 2e-3);
    let before = recipe.examine().unwrap().scores;
    let mut run = run(&folder.path().join("run"), 100, false);
    run.examine_every = 100;
    go(&mut recipe, &run).unwrap();
    let after = recipe.examine().unwrap().scores;
    for tower in ["faces_astray", "sounds_astray"] {
        let of = |scores: &[(&str, f64)]| scores.iter().find(|(name, _)| *name == tower).unwrap().1;
        assert!(of(&after) < 0.7 * of(&before), "{tower}: {} after {}", of(&after), of(&before));
    }
}

#[test]
fn a_generator_that_is_told_all_paints_while_its_ear_rests() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let weights = || fresh(Network::Wav2Lip, 1);
    let balance = Balance { told: 1.0, ..Balance::published(false) };
    let (judges, settings) = (Judges::default(), Settings { rate: 2e-3, ..Settings::default() });
    let mut recipe = Generator::new(&set, weights(), judges, 2, balance, settings, &Device::Cpu).unwrap();
    go(&mut recipe, &run(&folder.path().join("run"), 2, false)).unwrap();
    let learned = recipe.network().unwrap();
    let moved = |(name, before): &(String, candle_core::Var)| {
        let (_, after) = learned.iter().find(|(other, _)| other == name).unwrap();
        let apart = (after - before.as_tensor()).unwrap().abs().unwrap().sum_all().unwrap();
        apart.to_scalar::<f32>().unwrap() > 0.0
    };
    let before = weights();
    let ear = |name: &str| name.starts_with("audio_encoder.");
    assert!(before.vars().iter().filter(|(name, _)| ear(name)).all(|var| !moved(var)));
    assert!(before.vars().iter().filter(|(name, _)| name == "output_block.1.weight").all(moved));
}

/// A painting network becomes one that warps, is told from it by its shape, and its flow learns.
#[test]
fn a_generator_that_warps_is_one_by_its_shape_and_learns_where_to_fetch() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let weights = fresh(Network::Wav2Lip, 2).warping().unwrap();
    let flow = |named: &[(String, candle_core::Tensor)]| {
        let (_, last) = named.iter().find(|(name, _)| name == "output_block.1.weight").unwrap();
        let rows = last.narrow(0, 3, 2).unwrap().abs().unwrap().sum_all().unwrap();
        rows.to_scalar::<f32>().unwrap()
    };
    let balance = Balance { told: 1.0, lips: 4.0, ..Balance::published(false) };
    let settings = Settings { rate: 2e-3, ..Settings::default() };
    let mut recipe =
        Generator::new(&set, weights, Judges::default(), 2, balance, settings, &Device::Cpu).unwrap();
    assert_eq!(flow(&recipe.network().unwrap()), 0.0, "it begins by carrying all over as it lies");
    let outcome = go(&mut recipe, &run(&folder.path().join("run"), 2, false)).unwrap();
    assert!(flow(&recipe.network().unwrap()) > 0.0);
    let exam = recipe.examine().unwrap();
    assert!(exam.scores.iter().any(|(name, beside)| *name == "points" && beside.is_finite()));
    let (_, found) = zoo::open(&outcome.network, Network::Wav2Lip).unwrap();
    assert_eq!(found.variant, Variant::Wav2Lip(wav2lip::Config { width: 2, warps: true }));
    let again = Weights::load(&outcome.network, Network::Wav2Lip, &Device::Cpu).unwrap();
    assert_eq!(again.warping().unwrap().variant(), &found.variant, "it warps already");
    assert!(fresh(Network::LipsyncExpert, 4).warping().is_err());
}

#[test]
fn people_whose_faces_are_boxes_are_judged_by_the_whole_picture() {
    let folder = tempfile::tempdir().unwrap();
    let exam = generator(&people(folder.path(), false), 0.0).examine().unwrap();
    assert!(exam.scores.iter().all(|(_, score)| score.is_finite()), "{:?}", exam.scores);
    let picture = exam.scores.iter().find(|(name, _)| *name == "picture").unwrap().1;
    assert_eq!(exam.judged, picture);
}

#[test]
fn the_ear_hears_how_far_lips_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let weights = Weights::fresh(Network::Wav2Lip, 2, 1, &Device::Cpu).unwrap();
    let settings = Settings { rate: 2e-3, ..Settings::default() };
    let mut recipe = Ear::new(&set, weights, 16, settings, &Device::Cpu).unwrap();
    let mut run = run(&folder.path().join("run"), 120, false);
    run.examine_every = 120;
    go(&mut recipe, &run).unwrap();
    let exam = recipe.examine().unwrap();
    let explained = exam.scores.iter().find(|(name, _)| *name == "explained").unwrap().1;
    assert!(explained > 0.5, "{explained}");
}

fn painter(set: &Set, told: f64, judges: Judges) -> diff2lip::Generator {
    let variant = Variant::Diff2Lip(Config::compact(SIDE, 32, 1));
    let weights = Weights::made(Network::Diff2Lip, variant, 1, &Device::Cpu).unwrap();
    let balance = diff2lip::Balance { told, lips: 4.0, ..diff2lip::Balance::published() };
    let manner = diff2lip::Manner { batch: 4, parts: 2, average: 0.8, steps: 2 };
    let settings = Settings { rate: 2e-3, clip: Some(1.0), ..Settings::default() };
    diff2lip::Generator::new(set, weights, judges, balance, manner, settings, &Device::Cpu).unwrap()
}

#[test]
fn a_painter_goes_on_where_it_stopped_and_its_network_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (straight, halves) = (folder.path().join("straight"), folder.path().join("halves"));
    let each = |folder: &Path, steps, resume| Run { examine_every: 1, ..run(folder, steps, resume) };
    let outcome = go(&mut painter(&set, 0.5, judges(5)), &each(&straight, 2, false)).unwrap();
    go(&mut painter(&set, 0.5, judges(5)), &each(&halves, 1, false)).unwrap();
    go(&mut painter(&set, 0.5, judges(5)), &each(&halves, 2, true)).unwrap();
    assert!(
        fs::read(straight.join("state.safetensors")).unwrap()
            == fs::read(halves.join("state.safetensors")).unwrap()
    );
    let curve = fs::read_to_string(straight.join("curve.csv")).unwrap();
    for score in [
        "noise",
        "picture",
        "variance",
        "sync",
        "felt_by_expert",
        "fooled",
        "filmed",
        "made",
        "ear",
        "gradient",
    ] {
        let score = format!("train,1,{score},");
        assert!(curve.contains(&score), "{score} is missing: {curve}");
    }
    assert!(curve.contains("exam,2,lips_of_true_mouth"), "{curve}");
    let (_, found) = zoo::open(&outcome.network, Network::Diff2Lip).unwrap();
    assert_eq!(found.variant, Variant::Diff2Lip(Config::compact(SIDE, 32, 1)));
    // Its ear can be taken over, and it can be gone on with.
    let weights = Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap();
    let other = Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap();
    weights.adopt(&other, |name| name.starts_with("audio").then_some(name)).unwrap();
}

#[test]
fn a_painter_learns_from_true_mouths_and_its_ear_from_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let mut recipe = painter(&set, 1.0, Judges::default());
    let before = recipe.examine().unwrap().judged;
    let mut once = run(&folder.path().join("run"), 40, false);
    once.examine_every = 40;
    let outcome = go(&mut recipe, &once).unwrap();
    assert!(outcome.best.unwrap() < 0.85 * before, "{outcome:?} after {before}");

    let weights = Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap();
    let settings = Settings { rate: 4e-3, ..Settings::default() };
    let mut ear = Ear::new(&set, weights, 6, settings, &Device::Cpu).unwrap();
    let mut once = run(&folder.path().join("ear"), 300, false);
    once.examine_every = 300;
    go(&mut ear, &once).unwrap();
    let explained = ear.examine().unwrap().scores[1].1;
    assert!(explained > 0.3, "{explained}");
}

#[test]
fn corrections_stay_of_their_rank_go_on_exactly_and_are_merged_into_a_plain_network() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let settings = Settings { rate: 1e-2, rank: Some(1), ..Settings::default() };
    let base = || fresh(Network::Wav2Lip, 2);
    let made = || {
        let balance = Balance::published(true);
        Generator::new(&set, base(), judges(1), 2, balance, settings, &Device::Cpu).unwrap()
    };
    let (straight, halves) = (folder.path().join("straight"), folder.path().join("halves"));
    let outcome = go(&mut made(), &run(&straight, 4, false)).unwrap();
    go(&mut made(), &run(&halves, 2, false)).unwrap();
    go(&mut made(), &run(&halves, 4, true)).unwrap();
    for file in ["state.safetensors", "network.safetensors"] {
        assert!(fs::read(straight.join(file)).unwrap() == fs::read(halves.join(file)).unwrap(), "{file}");
    }
    let merged = Weights::load(&outcome.network, Network::Wav2Lip, &Device::Cpu).unwrap();
    let mut moved = 0;
    for ((name, before), (_, after)) in base().vars().iter().zip(merged.vars()) {
        let apart = (after.as_tensor() - before.as_tensor()).unwrap();
        let dims = apart.dims().to_vec();
        if dims.len() < 2 {
            // Only statistics follow.
            let still = apart.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap() == 0.0;
            assert!(still || name.contains("running_"), "{name}");
            continue;
        }
        let rows =
            apart.reshape((dims[0], dims[1..].iter().product::<usize>())).unwrap().to_vec2::<f32>().unwrap();
        let largest = rows.iter().flatten().fold(0f32, |most, v| most.max(v.abs()));
        moved += usize::from(largest > 0.0);
        // All rows point the same way.
        let pivot = rows.iter().max_by(|a, b| a[0].abs().total_cmp(&b[0].abs())).unwrap();
        for row in &rows {
            for (a, b) in row.iter().zip(pivot) {
                assert!((a * pivot[0] - b * row[0]).abs() < 1e-2 * largest * largest + 1e-12, "{name}");
            }
        }
    }
    assert!(moved > 30, "{moved}");
}

/// Teaches for some steps: what the examination judges falls, the file that comes out is whole.
fn teach(folder: &Path, recipe: &mut impl Recipe, steps: u64, falls_to: f64, network: Network) -> Weights {
    let before = recipe.examine().unwrap();
    assert!(before.picture.starts_with(b"\x89PNG"));
    let outcome = go(recipe, &Run { examine_every: steps, ..run(folder, steps, false) }).unwrap();
    assert!(outcome.best.unwrap() < falls_to * before.judged, "{outcome:?} after {}", before.judged);
    let (_, found) = zoo::open(&outcome.network, network).unwrap();
    assert!(found.is_complete());
    Weights::load(&outcome.network, network, &Device::Cpu).unwrap()
}

fn small_unet([in_channels, out_channels]: [usize; 2]) -> unet::Config {
    unet::Config {
        in_channels,
        out_channels,
        model_channels: 32,
        channel_mult: vec![1, 2],
        res_blocks_per_level: 1,
        attention_at: vec![2],
        head_channels: 32,
    }
}

#[test]
fn an_autoencoder_learns_and_difftalk_learns_in_its_latent_space() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let settings = Settings { rate: 1e-3, ..Settings::default() };
    let config = vq::Config {
        channels: 32,
        channel_mult: vec![1, 2],
        res_blocks_per_level: 1,
        latent: 3,
        codes: 64,
        coarsest_attends: false,
    };
    let variant = Variant::FirstStage(config.clone());
    let weights = Weights::made(Network::Vq, variant.clone(), 1, &Device::Cpu).unwrap();
    let mut recipe = Autoencoder::new(&set, weights, None, 4, SIDE, settings, &Device::Cpu).unwrap();
    let at = folder.path().join("vq");
    let outcome = go(&mut recipe, &Run { examine_every: 60, ..run(&at, 60, false) }).unwrap();
    let curve = fs::read_to_string(at.join("curve.csv")).unwrap();
    let picture = |row: &str| row.strip_prefix("train,")?.split_once(",picture,")?.1.parse::<f64>().ok();
    let losses: Vec<f64> = curve.lines().filter_map(picture).collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    // The codes of three grey people do not reach to the other two: what it learned is seen in training.
    let (first, last) = (mean(&losses[..10]), mean(&losses[50..]));
    assert!(last < 0.8 * first, "{first} {last}");
    let stage = Weights::load(&outcome.network, Network::Vq, &Device::Cpu).unwrap();
    assert_eq!(*stage.variant(), variant);

    let form = Variant::DiffTalk { unet: small_unet([9, 3]), first_stage: config, averaged: false };
    let weights = Weights::made(Network::DiffTalk, form, 1, &Device::Cpu).unwrap();
    weights.adopt(&stage, |name| name.strip_prefix("first_stage_model.")).unwrap();
    let mut recipe = difftalk::Generator::new(&set, weights, 4, SIDE, settings, &Device::Cpu).unwrap();
    let taught = teach(&folder.path().join("difftalk"), &mut recipe, 40, 0.9, Network::DiffTalk);
    // The first stage stood still.
    let again = Weights::made(Network::Vq, variant, 2, &Device::Cpu).unwrap();
    let theirs: HashMap<_, _> = taught.vars().iter().cloned().collect();
    for (name, var) in again.vars() {
        var.set(&theirs[&format!("first_stage_model.{name}")]).unwrap();
    }
    let total = |weights: &Weights| -> f32 {
        let sum = |(_, var): &(String, candle_core::Var)| var.sqr().unwrap().sum_all().unwrap();
        weights.vars().iter().map(|var| sum(var).to_scalar::<f32>().unwrap()).sum()
    };
    assert!((total(&again) - total(&stage)).abs() < 1e-3 * total(&stage));
}

/// A sound encoder of the published form, as small as can be.
fn ears(file: &Path) -> SoundGru {
    let mut random = 1u32;
    let mut tensor = |shape: &[usize]| {
        let mut next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    };
    let mut tensors = HashMap::new();
    for (at, kernel) in [80, 4, 4, 4, 10, 5].into_iter().enumerate() {
        tensors.insert(format!("c{at}.weight"), tensor(&[4, if at == 0 { 1 } else { 4 }, kernel]));
        if at < 5 {
            for part in ["weight", "bias", "running_mean"] {
                tensors.insert(format!("n{at}.{part}"), tensor(&[4]));
            }
            tensors.insert(format!("n{at}.running_var"), (tensor(&[4]) + 1.0).unwrap());
        }
    }
    for (layer, inputs) in [(0, 4), (1, 6)] {
        tensors.insert(format!("rnn.weight_ih_l{layer}"), tensor(&[18, inputs]));
        tensors.insert(format!("rnn.weight_hh_l{layer}"), tensor(&[18, 6]));
        tensors.insert(format!("rnn.bias_ih_l{layer}"), tensor(&[18]));
        tensors.insert(format!("rnn.bias_hh_l{layer}"), tensor(&[18]));
    }
    candle_core::safetensors::save(&tensors, file).unwrap();
    let (checkpoint, _) = zoo::open(file, Network::DiffusedHeadsAudio).unwrap();
    SoundGru::of_checkpoint(&checkpoint, &Device::Cpu).unwrap()
}

#[test]
fn diffused_heads_learn() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let ears = ears(&folder.path().join("ears.safetensors"));
    let form = |heard| Variant::DiffusedHeads { unet: small_unet([12, 6]), motion_channels: 3, heard };
    let weights = |heard| Weights::made(Network::DiffusedHeads, form(heard), 1, &Device::Cpu).unwrap();
    let settings = Settings { rate: 2e-3, ..Settings::default() };
    let made =
        |heard| diffused_heads::Generator::new(&set, weights(heard), SIDE, &ears, 4, settings, &Device::Cpu);
    let deaf = made(35).map(|_| ()).unwrap_err().to_string();
    assert!(deaf.contains("an ear of 35 numbers, not 5 times 6"), "{deaf}");
    teach(&folder.path().join("heads"), &mut made(30).unwrap(), 40, 0.9, Network::DiffusedHeads);
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let at = folder.path().join("run");
    go(&mut expert(&set, 0.0, 1e-4), &run(&at, 2, false)).unwrap();
    let good = fs::read(at.join("state.safetensors")).unwrap();
    // Steps so long that the weights leave f32's range.
    let ended = go(&mut expert(&set, 0.0, 1e38), &run(&at, 50, true));
    assert!(matches!(ended, Err(TrainError::Diverged { saved: 2, .. })), "{ended:?}");
    assert!(fs::read(at.join("state.safetensors")).unwrap() == good);
}

const KILLED: &str = "LIPSMITH_KILLED_RUN";

/// No test of its own: what the next one starts and kills.
#[test]
#[ignore = "a process for another test to kill"]
fn trains_until_it_is_killed() {
    let folder = std::env::var_os(KILLED).expect("it is started by another test");
    let set = Set::open(&Path::new(&folder).join("set")).unwrap();
    let killed = Run { save_every: 2, ..run(&Path::new(&folder).join("killed"), 10_000, false) };
    go(&mut generator(&set, 0.5), &killed).unwrap();
}

#[test]
fn a_run_that_is_killed_goes_on_as_if_it_had_not_been_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (killed, straight) = (folder.path().join("killed"), folder.path().join("straight"));
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "trains_until_it_is_killed"])
        .env(KILLED, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let state = killed.join("state.safetensors");
    let patience = std::time::Instant::now();
    while !state.exists() {
        assert!(
            patience.elapsed().as_secs() < 120 && child.try_wait().unwrap().is_none(),
            "it saves nothing"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    // In the middle of something.
    std::thread::sleep(std::time::Duration::from_millis(70));
    child.kill().unwrap();
    child.wait().unwrap();
    let words = lipsmith_nets::checkpoint::Checkpoint::open(&state).unwrap().words();
    let place: serde_json::Value = serde_json::from_str(&words["place"]).unwrap();
    let steps = place["step"].as_u64().unwrap() + 3;
    go(&mut generator(&set, 0.5), &Run { save_every: 2, ..run(&killed, steps, true) }).unwrap();
    go(&mut generator(&set, 0.5), &Run { save_every: 2, ..run(&straight, steps, false) }).unwrap();
    for file in ["state.safetensors", "network.safetensors", "best.safetensors", "curve.csv", "curve.png"] {
        assert!(fs::read(straight.join(file)).unwrap() == fs::read(killed.join(file)).unwrap(), "{file}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_in_clear_words_and_the_last_good_state_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (full, straight) = (folder.path().join("full"), folder.path().join("straight"));
    go(&mut expert(&set, 0.0, 1e-4), &run(&full, 2, false)).unwrap();
    let good = fs::read(full.join("state.safetensors")).unwrap();
    // Where the next state is written, the kernel has no room for a single byte.
    std::os::unix::fs::symlink("/dev/full", full.join("state.tmp")).unwrap();
    let words = go(&mut expert(&set, 0.0, 1e-4), &run(&full, 4, true)).unwrap_err().to_string();
    assert!(words.contains("state.safetensors") && words.contains("No space left on device"), "{words}");
    assert!(fs::read(full.join("state.safetensors")).unwrap() == good);
    // With room again it goes on as if nothing had been.
    go(&mut expert(&set, 0.0, 1e-4), &run(&full, 4, true)).unwrap();
    go(&mut expert(&set, 0.0, 1e-4), &run(&straight, 4, false)).unwrap();
    for file in ["state.safetensors", "curve.csv"] {
        assert!(fs::read(straight.join(file)).unwrap() == fs::read(full.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let at = folder.path().join("run");
    let cancel = Cancel::new();
    cancel.cancel();
    let ended = trainer::run(&mut expert(&set, 0.0, 1e-4), &run(&at, 9, false), &(), &cancel);
    assert!(matches!(ended, Err(TrainError::Cancelled)));
    let again = go(&mut expert(&set, 0.0, 1e-4), &run(&at, 9, false)).unwrap_err().to_string();
    assert!(again.contains("--resume"), "{again}");
    let mut other = run(&at, 9, true);
    other.settings = serde_json::json!({"test": false});
    let other = go(&mut expert(&set, 0.0, 1e-4), &other).unwrap_err().to_string();
    assert!(other.contains("run.json"), "{other}");
    let foreign = go(&mut generator(&set, 0.5), &run(&at, 9, true)).unwrap_err().to_string();
    assert!(foreign.contains("lacks"), "{foreign}");
}
