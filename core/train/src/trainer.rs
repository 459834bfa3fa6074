//! The loop of every training: batches made on another thread, steps, the curve, examinations with pictures,
//! and a state on the disk from which the same run goes on, bit for bit.
//!
//! A run is a folder: `run.json` (its settings), `state.safetensors` (all that a step depends on),
//! `network.safetensors` and `best.safetensors` (averaged weights, ready for use), `curve.csv` and `curve.png`,
//! `pictures/` (of some examinations: the longer the run, the farther apart).

use crate::TrainError;
use crate::plot::{BLUE, ORANGE, Panel, Series, plot};
use crate::recipes::{Exam, Recipe, Scores};
use crate::state;
use candle_core::Tensor;
use lipsmith_base::{Cancel, Progress, Sink};
use lipsmith_nets::ops::Precision;
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
    /// Of steps; examinations are at full precision.
    pub precision: Precision,
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
            let scores = run.precision.within(|| recipe.learn(batch))?;
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
                curve.draw()?;
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
    let pictures = run.folder.join("pictures");
    state::replace(&pictures.join(format!("{:07}.png", place.step)), &exam.picture)?;
    thin(&pictures)?;
    if place.best.is_some_and(|best| exam.judged >= best) {
        place.without_gain += 1;
        return Ok(run.patience.is_some_and(|patience| place.without_gain >= patience));
    }
    (place.best, place.best_step, place.without_gain) = (Some(exam.judged), place.step, 0);
    network(recipe, run, "best.safetensors", place.step)?;
    Ok(false)
}

/// Pictures of examinations that are kept.
const PICTURES: usize = 64;

/// Takes every second picture away where there are too many; first and last stay.
fn thin(folder: &Path) -> Result<(), TrainError> {
    let listing = fs::read_dir(folder).map_err(TrainError::file("read the folder", folder))?;
    let mut pictures = Vec::new();
    for entry in listing {
        let path = entry.map_err(TrainError::file("read the folder", folder))?.path();
        if path.extension().is_some_and(|ending| ending == "png") {
            pictures.push(path);
        }
    }
    pictures.sort();
    if pictures.len() > PICTURES {
        pictures.pop();
        for path in pictures.iter().skip(1).step_by(2) {
            fs::remove_file(path).map_err(TrainError::file("remove", path))?;
        }
    }
    Ok(())
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
    state::write(&run.folder.join(name), &recipe.network()?, words, false)
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

/// A whole row of a curve. A process that was killed, or a full disk, may leave a broken one at the end.
fn parsed(row: &str) -> Option<(&str, u64, &str, f64)> {
    let mut fields = row.split(',');
    let mut field = || fields.next();
    Some((field()?, field()?.parse().ok()?, field()?, field()?.parse().ok()?))
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
            for row in text.lines().filter(|row| parsed(row).is_some_and(|(_, of, _, _)| of <= step)) {
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

    /// All of it as a picture beside the file: a panel for each score, training and examinations in it.
    fn draw(&self) -> Result<(), TrainError> {
        let text = fs::read_to_string(&self.path).map_err(TrainError::file("read", &self.path))?;
        let mut panels: Vec<Panel> = Vec::new();
        for (what, step, name, value) in text.lines().chain(self.rows.lines()).filter_map(parsed) {
            let at = panels.iter().position(|panel| panel.title == name).unwrap_or_else(|| {
                let series = [BLUE, ORANGE].map(|ink| Series { ink, points: Vec::new(), joined: true });
                panels.push(Panel { title: name.into(), series: series.into() });
                panels.len() - 1
            });
            panels[at].series[usize::from(what == "exam")].points.push([step as f64, value]);
        }
        for Panel { title, series } in &mut panels {
            for (what, series) in ["train", "exam"].iter().zip(series) {
                if let Some([_, value]) = series.points.last() {
                    let _ = write!(title, "  {what} {value:.4}");
                }
            }
        }
        state::replace(&self.path.with_extension("png"), &plot(&panels)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_few_and_the_first_and_the_last_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let picture = |step: u64| folder.path().join(format!("{step:07}.png"));
        for step in 1..=1000 {
            state::replace(&picture(step), b"a picture").expect("written");
            thin(folder.path()).expect("thinned");
            assert!(picture(1).exists() && picture(step).exists(), "step {step}");
        }
        let kept = fs::read_dir(folder.path()).expect("a listing").count();
        assert!((PICTURES / 2..=PICTURES).contains(&kept), "{kept}");
    }

    #[test]
    fn broken_rows_of_a_curve_are_no_rows() {
        assert_eq!(parsed("exam,12,lips,0.5"), Some(("exam", 12, "lips", 0.5)));
        for broken in ["what,step,name,value", "train,1", "train,12,pic", "train,12,picture,", ""] {
            assert_eq!(parsed(broken), None, "{broken}");
        }
    }
}
