//! What a running command says: a bar and words on a terminal, or one JSON event a line.

use indicatif::{ProgressBar, ProgressStyle};
use lipsmith_engine::rate::Rate;
use lipsmith_engine::{Progress, Sink};
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// JSON progress at most this often.
const EVENT_EVERY: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub struct Report {
    json: bool,
    bar: ProgressBar,
    stage: Arc<Mutex<Option<Stage>>>,
}

struct Stage {
    name: &'static str,
    rate: Rate,
    told: Option<Instant>,
}

impl Report {
    pub fn new(json: bool) -> Report {
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        Report { json, bar, stage: Arc::default() }
    }

    /// The command's result: an event, or nothing beside what `words` prints.
    pub fn result(&self, event: Value, words: impl FnOnce() -> String) {
        self.bar.finish_and_clear();
        if self.json {
            say(tagged("result", event));
        } else {
            say(words());
        }
    }

    pub fn failure(&self, words: &str) {
        self.bar.finish_and_clear();
        if self.json {
            say(json!({"event": "error", "message": words}));
        }
        let _ = writeln!(io::stderr(), "lipsmith: {words}");
    }

    pub fn close(&self) {
        self.bar.finish_and_clear();
    }

    fn show_bar(&self, progress: &Progress, entered: bool) {
        if entered {
            let template = match progress.total {
                Some(_) => "{prefix:>10} {wide_bar} {pos}/{len}  {per_sec}  {eta} left",
                None => "{prefix:>10} {spinner} {pos}  {per_sec}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
            self.bar.reset();
            self.bar.set_prefix(progress.stage);
            self.bar.set_position(progress.done);
            self.bar.reset_eta();
        }
        if let Some(total) = progress.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(progress.done);
    }
}

/// A line for whoever listens. A reader that has gone away (`lipsmith … | head -1`) does not stop the work.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn tagged(name: &str, event: Value) -> Value {
    let mut tagged = json!({"event": name});
    if let (Some(fields), Value::Object(more)) = (tagged.as_object_mut(), event) {
        fields.extend(more);
    }
    tagged
}

impl Sink for Report {
    fn progress(&self, progress: Progress) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let entered = stage.as_ref().is_none_or(|s| s.name != progress.stage);
        if entered {
            *stage = Some(Stage { name: progress.stage, rate: Rate::default(), told: None });
        }
        let Some(stage) = stage.as_mut() else { return };
        stage.rate.note(Instant::now(), &progress);
        if !self.json {
            return self.show_bar(&progress, entered);
        }
        let finished = progress.total == Some(progress.done);
        if !finished && stage.told.is_some_and(|told| told.elapsed() < EVENT_EVERY) {
            return;
        }
        stage.told = Some(Instant::now());
        say(json!({
            "event": "progress", "stage": progress.stage, "done": progress.done, "total": progress.total,
            "per_second": stage.rate.per_second().map(|rate| (rate * 10.0).round() / 10.0),
            "remaining_s": stage.rate.remaining().map(f64::ceil),
        }));
    }

    fn note(&self, text: String) {
        if self.json {
            say(json!({"event": "note", "message": text}));
        } else {
            self.bar.suspend(|| {
                let _ = writeln!(io::stderr(), "note: {text}");
            });
        }
    }
}
