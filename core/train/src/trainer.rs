//! The loop of every training: batches made on another thread, steps, the curve, examinations with pictures,
//! and a state on the disk from which the same run goes on, bit for bit.
//!
//! A run is a folder: `run.json` (its settings), `state.safetensors` (all that a step depends on),
//! `network.safetensors` and `best.safetensors` (averaged weights, ready for use), `curve.csv`, `pictures/`.

use crate::TrainError;
use crate::recipes::{Exam, Recipe, Scores};
use crate::state;
use candle_core::Tensor;
use lipsmith_base::{Cancel, Progress, Sink};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// How long and how often; what is learned is the [`Recipe`]'s.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub folder: PathBuf,
    /// Steps in all, those of earlier sessions of the run counted in.
    pub steps: u64,
    pub seed: u64,
    /// The state is written so often; what a killed process loses at most.
    pub save_every: u64,
    pub examine_every: u64,
    /// Stop when so many examinations in a row brought nothing better.
    pub patience: Option<u32>,
    pub resume: bool,
    /// What the networks' files say of themselves: `licence`, `ancestry`.
    pub words: HashMap<String, String>,
    /// Settings as the user gave them, for `run.json`; a run is resumed with the same ones only.
    pub settings: serde_json::Value,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    pub step: u64,
    /// What the best examination was judged by; smaller is better.
    pub best: Option<f64>,
    pub best_step: u64,
    pub stopped_early: bool,
    pub network: PathBuf,
}

/// The loop's own part of the state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    step: u64,
    best: Option<f64>,
    best_step: u64,
    without_gain: u32,
}

/// Trains until the steps are done, nothing gets better, or someone cancels; the state is kept in every case.
///
/// # Errors
/// [`TrainError::Diverged`] when a loss is no number: the last good state is on the disk. [`TrainError::Cancelled`]
/// with the state of the last whole step on the disk.
pub fn run<R: Recipe>(
    recipe: &mut R,
    run: &Run,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Outcome, TrainError> {
    let mut place = begin(recipe, run)?;
    let mut curve = Curve::open(&run.folder.join("curve.csv"), place.step)?;
    let sampler = recipe.sampler();
    let (first, seed) = (place.step, run.seed);
    let (send, batches) = sync_channel(2);
    std::thread::scope(|scope| {
        let feeder = std::thread::Builder::new().name("batches".into());
        let made = move || {
            for step in first..run.steps {
                // Nobody takes it: the loop has ended.
                if send.send(R::batch(&sampler, seed, step)).is_err() {
                    return;
                }
            }
        };
        feeder.spawn_scoped(scope, made).map_err(TrainError::file("start a thread for", &run.folder))?;
        let mut pace = Pace::new(place.step);
        let mut saved = place.step;
        let ended = loop {
            if place.step >= run.steps {
                break Ok(false);
            }
            if cancel.is_cancelled() {
                break Err(TrainError::Cancelled);
            }
            let batch = match batches.recv() {
                Ok(batch) => batch?,
                Err(_) => break Err(TrainError::Batches),
            };
            let scores = recipe.learn(batch)?;
            if let Some((name, _)) = scores.iter().find(|(_, value)| !value.is_finite()) {
                // The weights may be spoilt: what is on the disk is from before.
                let (step, folder) = (place.step + 1, run.folder.clone());
                break Err(TrainError::Diverged { step, saved, name, folder });
            }
            place.step += 1;
            curve.add("train", place.step, &scores);
            sink.progress(Progress { stage: "train", done: place.step, total: Some(run.steps) });
            if let Some(rate) = pace.tell(place.step) {
                sink.note(told(&place, run.steps, rate, &scores));
            }
            let mut stop = false;
            if place.step.is_multiple_of(run.examine_every) || place.step == run.steps {
                let exam = recipe.examine()?;
                curve.add("exam", place.step, &exam.scores);
                stop = judge(recipe, run, &mut place, &exam, sink)?;
                pace = Pace::new(place.step);
            }
            if stop || place.step.is_multiple_of(run.save_every) || place.step == run.steps {
                save(recipe, run, &place, &mut curve)?;
                saved = place.step;
            }
            if stop {
                break Ok(true);
            }
        };
        drop(batches);
        if let Err(TrainError::Cancelled) = &ended {
            save(recipe, run, &place, &mut curve)?;
        }
        let stopped_early = ended?;
        let Place { step, best, best_step, .. } = place;
        let network =
            run.folder.join(if best.is_some() { "best.safetensors" } else { "network.safetensors" });
        Ok(Outcome { step, best, best_step, stopped_early, network })
    })
}

/// The place from which to go on: the beginning, or where the folder's state is.
fn begin<R: Recipe>(recipe: &mut R, run: &Run) -> Result<Place, TrainError> {
    let folder = &run.folder;
    let (settings, state) = (folder.join("run.json"), folder.join("state.safetensors"));
    if !run.resume {
        if state.exists() {
            return Err(TrainError::RunExists { folder: folder.clone() });
        }
        fs::create_dir_all(folder.join("pictures")).map_err(TrainError::file("make the folder", folder))?;
        state::replace(&settings, format!("{:#}\n", run.settings).as_bytes())?;
        return Ok(Place::default());
    }
    let text = fs::read(&settings).map_err(TrainError::file("read", &settings))?;
    let earlier: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|e| TrainError::DamagedState { path: settings.clone(), cause: e.to_string() })?;
    if earlier != run.settings {
        return Err(TrainError::OtherSettings { folder: folder.clone() });
    }
    if !state.exists() {
        return Ok(Place::default());
    }
    let (tensors, words) = state::read(&state)?;
    recipe.restore(&tensors)?;
    let place = words.get("place").map(|text| serde_json::from_str(text));
    match place {
        Some(Ok(place)) => Ok(place),
        _ => Err(TrainError::State { lack: "its place in the run".into() }),
    }
}

/// Keeps pictures and, where it is better than all before, the network. Answers whether to stop.
fn judge<R: Recipe>(
    recipe: &R,
    run: &Run,
    place: &mut Place,
    exam: &Exam,
    sink: &dyn Sink,
) -> Result<bool, TrainError> {
    let mut words = format!("step {}: examined:", place.step);
    for (name, value) in &exam.scores {
        let _ = write!(words, " {name} {value:.4}");
    }
    sink.note(words);
    if let Some(picture) = &exam.picture {
        state::replace(&run.folder.join(format!("pictures/{:07}.png", place.step)), picture)?;
    }
    if place.best.is_some_and(|best| exam.judged >= best) {
        place.without_gain += 1;
        return Ok(run.patience.is_some_and(|patience| place.without_gain >= patience));
    }
    (place.best, place.best_step, place.without_gain) = (Some(exam.judged), place.step, 0);
    network(recipe, run, "best.safetensors", place.step)?;
    Ok(false)
}

fn save<R: Recipe>(recipe: &R, run: &Run, place: &Place, curve: &mut Curve) -> Result<(), TrainError> {
    let tensors: Vec<(String, Tensor)> = recipe.state()?;
    let place_words =
        serde_json::to_string(place).map_err(|e| TrainError::Format { cause: e.to_string() })?;
    // The curve first: a state never is ahead of it.
    curve.flush()?;
    let words = HashMap::from([("place".to_string(), place_words)]);
    state::write(&run.folder.join("state.safetensors"), &tensors, words, false)?;
    network(recipe, run, "network.safetensors", place.step)
}

fn network<R: Recipe>(recipe: &R, run: &Run, name: &str, step: u64) -> Result<(), TrainError> {
    let mut words = run.words.clone();
    words.insert("step".into(), step.to_string());
    state::write(&run.folder.join(name), &recipe.network(), words, false)
}

fn told(place: &Place, steps: u64, rate: f64, scores: &Scores) -> String {
    let left = Duration::from_secs_f64((steps - place.step) as f64 / rate.max(1e-9));
    let mut words =
        format!("step {} of {steps}, {rate:.2} steps/s, {} min left:", place.step, left.as_secs() / 60);
    for (name, value) in scores {
        let _ = write!(words, " {name} {value:.4}");
    }
    words
}

/// Steps a second since it last told.
struct Pace {
    since: Instant,
    step: u64,
}

impl Pace {
    const EVERY: Duration = Duration::from_secs(30);

    fn new(step: u64) -> Pace {
        Pace { since: Instant::now(), step }
    }

    fn tell(&mut self, step: u64) -> Option<f64> {
        let time = self.since.elapsed();
        if time < Self::EVERY {
            return None;
        }
        let rate = (step - self.step) as f64 / time.as_secs_f64();
        *self = Pace::new(step);
        Some(rate)
    }
}

/// Rows of `what,step,name,value`, in the file up to the last saved state.
struct Curve {
    path: PathBuf,
    rows: String,
}

impl Curve {
    /// Rows beyond `step` come from a process that was killed before it saved: they will come again.
    fn open(path: &Path, step: u64) -> Result<Curve, TrainError> {
        let mut kept = "what,step,name,value\n".to_string();
        if let Some(text) = Some(path).filter(|path| path.exists()) {
            let text = fs::read_to_string(text).map_err(TrainError::file("read", path))?;
            let of_step = |row: &str| row.split(',').nth(1).and_then(|step| step.parse::<u64>().ok());
            for row in text.lines().filter(|row| of_step(row).is_some_and(|of| of <= step)) {
                kept.push_str(row);
                kept.push('\n');
            }
        }
        state::replace(path, kept.as_bytes())?;
        Ok(Curve { path: path.to_path_buf(), rows: String::new() })
    }

    fn add(&mut self, what: &str, step: u64, scores: &Scores) {
        for (name, value) in scores {
            // Writing to a String cannot fail.
            let _ = writeln!(self.rows, "{what},{step},{name},{value}");
        }
    }

    fn flush(&mut self) -> Result<(), TrainError> {
        let file = OpenOptions::new().append(true).open(&self.path);
        let written = file.and_then(|mut file: File| {
            file.write_all(self.rows.as_bytes())?;
            file.sync_all()
        });
        written.map_err(TrainError::file("write", &self.path))?;
        self.rows.clear();
        Ok(())
    }
}
