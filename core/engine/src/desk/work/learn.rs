//! What takes long and is asked for by few: a network is taught an actor, a photograph is made to talk.

use super::Shop;
use super::queue::Lane;
use crate::desk::event::{Event, JobId, Screen, Weight};
use crate::desk::request::{Lesson, Talking};
use crate::desk::viewer::{fitted, to_screen};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::film::FilmReader;
use crate::finetune::{Finetune, finetune};
use crate::models::Registry;
use crate::paths::Paths;
use crate::recipe::checkpoints;
use crate::talk::{TalkRequest, talk};
use crate::train::Schedule;
use lipsmith_base::{Cancel, Digest, Progress, Sink};
use lipsmith_media::PROFILES;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Steps between two examinations, whose pictures the window gets.
const EXAMINE_EVERY: u64 = 100;
/// Examinations in a row that bring nothing better end a lesson.
const PATIENCE: u32 = 5;
/// Pixels of the pictures that the window gets.
const SHOWN: (usize, usize) = (720, 720);

impl Shop {
    /// A lesson that was broken off goes on where it was.
    pub fn learn(&self, job: JobId, lesson: &Lesson, cancel: &Cancel) -> Result<(), EngineError> {
        let folder = self.paths.data.join("training").join(name(lesson, &self.paths)?);
        let wanted = Finetune {
            film: lesson.film.clone(),
            held_out: Vec::new(),
            base: lesson.base.clone(),
            expert: None,
            batch: 8,
            rate: 1e-4,
            seed: 1,
            lips: 2.0,
            adapter: lesson.adapter,
            half_precision: true,
        };
        let schedule = Schedule {
            resume: folder.join("run.json").exists(),
            steps: lesson.steps,
            save_every: EXAMINE_EVERY,
            examine_every: EXAMINE_EVERY,
            patience: Some(PATIENCE),
            device: self.findings().device(),
            folder,
        };
        let sink = Watching { shop: self, job, folder: schedule.folder.clone(), shown: Mutex::default() };
        let learned = finetune(&self.paths, &wanted, &schedule, &sink, cancel)?;
        sink.show();
        self.port.say(Weight::Done, format!("{} is installed", learned.model.file));
        self.tell_models();
        Ok(())
    }

    pub fn talk(&self, talking: &Talking, sink: &dyn Sink, cancel: &Cancel) -> Result<(), EngineError> {
        let request = TalkRequest {
            photo: talking.photo.clone(),
            voice: talking.voice.clone(),
            output: talking.output.clone(),
            face: None,
            detector: Detector::default(),
            method: talking.method.clone(),
            checkpoint: None,
            device: self.findings().device(),
            steady: None,
            size: 512,
            profile: PROFILES[0],
        };
        let talked = talk(&self.paths, &request, sink, cancel)?;
        self.port.tell(Event::Talked(talked.output));
        Ok(())
    }
}

/// Names a lesson's folder: the same one, from the same weights, asked for again finds what is there.
fn name(lesson: &Lesson, paths: &Paths) -> Result<String, EngineError> {
    let Lesson { film, base, adapter, .. } = lesson;
    let weights = checkpoints(&Registry::open(&paths.data)?, paths)?.remove(base);
    let whole = format!("{} {base} {weights:?} {adapter:?} half", fingerprint(film)?);
    let stem = film.file_stem().unwrap_or_default().to_string_lossy();
    let digest = Digest::of(whole.as_bytes()).to_string();
    Ok(format!("{stem}-{}", digest.get(..12).unwrap_or(&digest)))
}

/// Tells of a lesson, shows its pictures, and holds it up while a line is rendered.
struct Watching<'a> {
    shop: &'a Shop,
    job: JobId,
    folder: PathBuf,
    /// When the curves that the window has were drawn.
    shown: Mutex<Option<SystemTime>>,
}

impl Watching<'_> {
    /// Gives the window the pictures of an examination that it does not have yet: the curves are drawn last.
    fn show(&self) {
        let curve = self.folder.join("curve.png");
        let drawn = fs::metadata(&curve).and_then(|file| file.modified()).ok();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.is_none() || drawn == *shown {
            return;
        }
        *shown = drawn;
        let pictures = fs::read_dir(self.folder.join("pictures")).into_iter().flatten().flatten();
        let newest = pictures.map(|file| file.path()).filter(|path| path.extension().is_some()).max();
        if let Some((curve, picture)) = screen(&curve).zip(newest.and_then(|path| screen(&path))) {
            self.shop.port.tell(Event::Learning { job: self.job, curve, picture });
        }
    }
}

/// A picture that cannot be read is left out: the next one comes soon.
fn screen(file: &Path) -> Option<Screen> {
    let picture = FilmReader::open(file, &Cancel::new()).ok()?.picture(0).ok()??;
    Some(to_screen(&picture, fitted((picture.width(), picture.height()), SHOWN)))
}

impl Sink for Watching<'_> {
    fn progress(&self, progress: Progress) {
        self.show();
        self.shop.queue.give_way(self.job, Lane::Lines);
        self.shop.queue.progress(self.job, &progress);
    }
    fn note(&self, text: String) {
        self.shop.port.say(Weight::Note, text);
    }
}
