//! Training from outside, on a tiny set: it lowers the loss, a run goes on exactly where it stopped, and what
//! goes wrong leaves the last good state.

use candle_core::Device;
use lipsmith_base::Cancel;
use lipsmith_nets::diff2lip::Config;
use lipsmith_nets::mel::BANDS;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::zoo::{self, Network, Variant};
use lipsmith_train::TrainError;
use lipsmith_train::dataset::{POINTS, Record, Set, Split, Writer};
use lipsmith_train::optim::Settings;
use lipsmith_train::recipes::Recipe;
use lipsmith_train::recipes::ear::Ear;
use lipsmith_train::recipes::syncnet::SyncNet;
use lipsmith_train::recipes::wav2lip::{Balance, Generator, Judges};
use lipsmith_train::recipes::{diff2lip, diff2lip_ear};
use lipsmith_train::trainer::{self, Run};
use lipsmith_train::weights::Weights;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

const SIDE: usize = 32;
const FRAMES: usize = 40;

/// Grey people whose mouths are as bright as their sound is loud.
fn set(folder: &Path) -> Set {
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
        words: HashMap::from([("licence".into(), "nobody's".into())]),
        settings: serde_json::json!({"test": true}),
    }
}

fn expert(set: &Set, rate: f64) -> SyncNet {
    let weights = Weights::fresh(Network::LipsyncExpert, 4, 1, &Device::Cpu).unwrap();
    SyncNet::new(set, weights, 6, Settings { rate, ..Settings::default() }, &Device::Cpu).unwrap()
}

fn generator(set: &Set) -> Generator {
    let fresh = |network, width| Weights::fresh(network, width, 1, &Device::Cpu).unwrap();
    let config = syncnet_color::Config { width: 1 };
    let expert = SyncNetColor::new(&config, &fresh(Network::LipsyncExpert, 2).frozen()).unwrap();
    let judges = Judges { expert: Some(expert), quality: Some(fresh(Network::QualityDiscriminator, 2)) };
    let balance = Balance::published(true);
    Generator::new(set, fresh(Network::Wav2Lip, 1), judges, 2, balance, Settings::default(), &Device::Cpu)
        .unwrap()
}

fn go(recipe: &mut impl Recipe, run: &Run) -> Result<trainer::Outcome, TrainError> {
    trainer::run(recipe, run, &(), &Cancel::new())
}

#[test]
fn a_resumed_run_ends_where_a_straight_one_does_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (straight, halves) = (folder.path().join("straight"), folder.path().join("halves"));
    go(&mut generator(&set), &run(&straight, 4, false)).unwrap();
    go(&mut generator(&set), &run(&halves, 2, false)).unwrap();
    // Killed later without having saved: its rows and half-written files must not stay.
    let curve = halves.join("curve.csv");
    let mut text = fs::read_to_string(&curve).unwrap();
    text.push_str("train,3,picture,99\n");
    fs::write(&curve, text).unwrap();
    fs::write(halves.join("state.tmp"), b"half a state").unwrap();
    go(&mut generator(&set), &run(&halves, 4, true)).unwrap();
    for file in ["state.safetensors", "network.safetensors", "curve.csv"] {
        assert!(fs::read(straight.join(file)).unwrap() == fs::read(halves.join(file)).unwrap(), "{file}");
    }
    assert!(halves.join("pictures/0000004.png").exists());
    // What comes out is the network, whole, as any published file of it.
    let outcome = go(&mut generator(&set), &run(&halves, 4, true)).unwrap();
    let (_, found) = zoo::open(&outcome.network, Network::Wav2Lip).unwrap();
    assert!(found.is_complete());
    // In half precision it is half as long, and says the same of itself.
    let half = folder.path().join("half.safetensors");
    Weights::load(&outcome.network, Network::Wav2Lip, &Device::Cpu).unwrap().export(&half).unwrap();
    let (checkpoint, found) = zoo::open(&half, Network::Wav2Lip).unwrap();
    assert!(found.is_complete() && checkpoint.words()["licence"] == "nobody's");
    assert!(fs::metadata(&half).unwrap().len() * 3 < fs::metadata(&outcome.network).unwrap().len() * 2);
}

#[test]
fn the_expert_learns_what_belongs_together() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let mut recipe = expert(&set, 2e-3);
    let before = recipe.examine().unwrap();
    let mut run = run(&folder.path().join("run"), 60, false);
    run.examine_every = 60;
    let outcome = go(&mut recipe, &run).unwrap();
    assert!(outcome.best.unwrap() < before.judged.min(0.69), "{:?} after {}", outcome, before.judged);
}

#[test]
fn a_led_generator_paints_while_its_ear_rests() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let weights = || Weights::fresh(Network::Wav2Lip, 1, 1, &Device::Cpu).unwrap();
    let balance = Balance { led: true, ..Balance::published(false) };
    let (judges, settings) = (Judges::default(), Settings { rate: 2e-3, ..Settings::default() });
    let mut recipe = Generator::new(&set, weights(), judges, 2, balance, settings, &Device::Cpu).unwrap();
    go(&mut recipe, &run(&folder.path().join("run"), 2, false)).unwrap();
    let learned = recipe.network();
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

#[test]
fn the_ear_hears_how_far_lips_are_apart() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let weights = Weights::fresh(Network::Wav2Lip, 2, 1, &Device::Cpu).unwrap();
    let settings = Settings { rate: 2e-3, ..Settings::default() };
    let mut recipe = Ear::new(&set, weights, 16, settings, &Device::Cpu).unwrap();
    let mut run = run(&folder.path().join("run"), 80, false);
    run.examine_every = 80;
    go(&mut recipe, &run).unwrap();
    let exam = recipe.examine().unwrap();
    let explained = exam.scores.iter().find(|(name, _)| *name == "explained").unwrap().1;
    assert!(explained > 0.5, "{explained}");
}

fn painter(set: &Set, told: f64, with_expert: bool) -> diff2lip::Generator {
    let variant = Variant::Diff2Lip(Config::compact(SIDE, 32, 1));
    let weights = Weights::made(Network::Diff2Lip, variant, 1, &Device::Cpu).unwrap();
    let expert = with_expert.then(|| {
        let frozen = Weights::fresh(Network::LipsyncExpert, 2, 1, &Device::Cpu).unwrap().frozen();
        SyncNetColor::new(&syncnet_color::Config { width: 1 }, &frozen).unwrap()
    });
    let balance = diff2lip::Balance { told, lips: 4.0, ..diff2lip::Balance::published() };
    let manner = diff2lip::Manner { batch: 4, parts: 2, average: 0.8, steps: 2 };
    let settings = Settings { rate: 2e-3, clip: Some(1.0), ..Settings::default() };
    diff2lip::Generator::new(set, weights, expert, balance, manner, settings, &Device::Cpu).unwrap()
}

#[test]
fn a_painter_goes_on_where_it_stopped_and_its_network_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let (straight, halves) = (folder.path().join("straight"), folder.path().join("halves"));
    let each = |folder: &Path, steps, resume| Run { examine_every: 1, ..run(folder, steps, resume) };
    let outcome = go(&mut painter(&set, 0.5, true), &each(&straight, 2, false)).unwrap();
    go(&mut painter(&set, 0.5, true), &each(&halves, 1, false)).unwrap();
    go(&mut painter(&set, 0.5, true), &each(&halves, 2, true)).unwrap();
    assert!(
        fs::read(straight.join("state.safetensors")).unwrap()
            == fs::read(halves.join("state.safetensors")).unwrap()
    );
    let curve = fs::read_to_string(straight.join("curve.csv")).unwrap();
    for score in
        ["train,1,noise", "train,1,variance", "train,1,sync", "train,1,ear", "exam,2,lips_of_true_mouth"]
    {
        assert!(curve.contains(score), "{score} is missing: {curve}");
    }
    let (_, found) = zoo::open(&outcome.network, Network::Diff2Lip).unwrap();
    assert_eq!(found.variant, Variant::Diff2Lip(Config::compact(SIDE, 32, 1)));
    // Its ear can be taken over, and it can be gone on with.
    let weights = Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap();
    weights
        .adopt(&Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap(), &["audio"])
        .unwrap();
}

#[test]
fn a_painter_learns_from_true_mouths_and_its_ear_from_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let mut recipe = painter(&set, 1.0, false);
    let before = recipe.examine().unwrap().judged;
    let mut once = run(&folder.path().join("run"), 40, false);
    once.examine_every = 40;
    let outcome = go(&mut recipe, &once).unwrap();
    assert!(outcome.best.unwrap() < 0.85 * before, "{outcome:?} after {before}");

    let weights = Weights::load(&outcome.network, Network::Diff2Lip, &Device::Cpu).unwrap();
    let settings = Settings { rate: 2e-3, ..Settings::default() };
    let mut ear = diff2lip_ear::Ear::new(&set, weights, 6, settings, &Device::Cpu).unwrap();
    let mut once = run(&folder.path().join("ear"), 40, false);
    once.examine_every = 40;
    go(&mut ear, &once).unwrap();
    let explained = ear.examine().unwrap().scores[1].1;
    assert!(explained > 0.3, "{explained}");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let at = folder.path().join("run");
    go(&mut expert(&set, 1e-4), &run(&at, 2, false)).unwrap();
    let good = fs::read(at.join("state.safetensors")).unwrap();
    // Steps so long that the weights leave f32's range.
    let ended = go(&mut expert(&set, 1e38), &run(&at, 50, true));
    assert!(matches!(ended, Err(TrainError::Diverged { saved: 2, .. })), "{ended:?}");
    assert!(fs::read(at.join("state.safetensors")).unwrap() == good);
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let set = set(&folder.path().join("set"));
    let at = folder.path().join("run");
    let cancel = Cancel::new();
    cancel.cancel();
    let ended = trainer::run(&mut expert(&set, 1e-4), &run(&at, 9, false), &(), &cancel);
    assert!(matches!(ended, Err(TrainError::Cancelled)));
    let again = go(&mut expert(&set, 1e-4), &run(&at, 9, false)).unwrap_err().to_string();
    assert!(again.contains("--resume"), "{again}");
    let mut other = run(&at, 9, true);
    other.settings = serde_json::json!({"test": false});
    let other = go(&mut expert(&set, 1e-4), &other).unwrap_err().to_string();
    assert!(other.contains("run.json"), "{other}");
    let foreign = go(&mut generator(&set), &run(&at, 9, true)).unwrap_err().to_string();
    assert!(foreign.contains("lacks"), "{foreign}");
}
