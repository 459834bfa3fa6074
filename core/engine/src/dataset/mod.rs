//! Sets to train on: the procedural speaker's, and those cut from films. A film is analysed as for dubbing (and
//! the analysis kept), every unbroken stretch of a face is cut by the windows that the recipes use, and what each
//! film gave is written down, so that a run goes on where it was stopped.

mod cut;

use crate::analysis::Analyst;
use crate::error::EngineError;
use crate::files::{fingerprint, write_atomically};
use crate::paths::Paths;
use cut::{Cutter, LEAST_WIDTH};
use lipsmith_base::{Cancel, Digest, Progress, Sink};
use lipsmith_train::TrainError;
pub use lipsmith_train::dataset::{Counts, Procedural};
use lipsmith_train::dataset::{Record, Writer, make};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Adds the procedural people of `plan` to the set in `folder`.
pub fn speaker(
    folder: &Path,
    plan: &Procedural,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Counts, EngineError> {
    Ok(make(folder, plan, sink, cancel)?)
}

/// What set to build from films.
#[derive(Clone, Debug)]
pub struct Build {
    /// A folder; the films of one subfolder show the same person, a film right in it somebody of its own. Or one film.
    pub films: PathBuf,
    /// Only who is seen most in each film; of a film that no other is kept for, the last stretch is for validation.
    pub actor: bool,
    /// All films show one person.
    pub same_person: bool,
    /// Films kept for validation beside the people whom the split chooses.
    pub validation: Vec<PathBuf>,
    /// Pixels of the square pictures.
    pub side: usize,
}

/// What became of the films.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Built {
    #[serde(flatten)]
    pub counts: Counts,
    pub films: usize,
    pub refused: Vec<Refused>,
}

/// A film, or a person of it, that gave no clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    pub film: String,
    /// As the analysis numbers them; `None` for the whole film.
    pub person: Option<u32>,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// In the reader's words.
    Unreadable(String),
    Faceless,
    Silent,
    /// Widest in pixels.
    Small(u32),
    Brief,
    /// In the words of whoever examined it.
    Unfit(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Unreadable(words) => write!(f, "cannot be read: {words}"),
            Why::Faceless => write!(f, "no face is found in it"),
            Why::Silent => write!(f, "nobody is heard in it"),
            Why::Small(width) => write!(f, "the face is {width} pixels wide; {LEAST_WIDTH} are needed"),
            Why::Brief => write!(f, "the face is never seen for a second without a cut"),
            Why::Unfit(words) => write!(f, "{words}"),
        }
    }
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { clips, frames, hours, people, validation_people, .. } = self.counts;
        write!(
            f,
            "{} films: {clips} clips, {frames} pictures, {hours:.2} hours, {people} people, {validation_people} of \
             them for validation",
            self.films
        )?;
        for Refused { film, person, why } in &self.refused {
            let who = person.map_or(String::new(), |number| format!(", person {number}"));
            write!(f, "\n  left out: {film}{who}: {why}")?;
        }
        if validation_people == 0 {
            write!(f, "\n  nobody is kept for validation: name films with --validation")?;
        }
        Ok(())
    }
}

/// Looks at a clip that is ready to be written and may say why it is of no use: that its sound and its lips do
/// not belong together, say.
pub type Examine<'a> = &'a dyn Fn(&Record) -> Result<(), String>;

const ENDINGS: [&str; 15] = [
    "mp4", "mov", "mkv", "webm", "avi", "mpg", "mpeg", "m4v", "mxf", "ts", "m2ts", "mts", "ogv", "wmv", "flv",
];

/// Cuts the clips of all films into the set in `folder`.
///
/// # Errors
/// A folder without films, or films that give nothing at all; single films are refused with their reasons.
pub fn build(
    paths: &Paths,
    folder: &Path,
    build: &Build,
    examine: Examine,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Built, EngineError> {
    let films = films(build)?;
    let mut cutter = Cutter {
        analyst: Analyst::new(paths, &(), cancel),
        writer: Writer::open(folder, build.side)?,
        side: build.side,
        actor: build.actor,
        keep_last: build.actor && build.validation.is_empty(),
        examine,
        cancel,
    };
    let ledger_path = folder.join("films.json");
    let mut ledger = Ledger::read(&ledger_path);
    let mut refused = Vec::new();
    let total = Some(films.len() as u64);
    for (done, film) in films.iter().enumerate() {
        sink.progress(Progress { stage: "films", done: done as u64, total });
        let entry = match ledger.kept(film, &cutter.writer)? {
            Some(entry) => entry,
            None => match cutter.film(film) {
                // What is cut already is worth a shard.
                Err(EngineError::Cancelled) => {
                    cutter.writer.flush()?;
                    return Err(EngineError::Cancelled);
                }
                entry => entry?,
            },
        };
        for one in &entry.refused {
            sink.note(format!("{}: {}", one.film, one.why));
        }
        refused.extend(entry.refused.iter().cloned());
        ledger.0.insert(film.name.clone(), entry);
        write_atomically(&ledger_path, &serde_json::to_vec_pretty(&ledger.0).unwrap_or_default())?;
    }
    sink.progress(Progress { stage: "films", done: films.len() as u64, total });
    match cutter.writer.finish() {
        Ok(counts) => Ok(Built { counts, films: films.len(), refused }),
        Err(TrainError::EmptySet { .. }) => {
            let why = refused.first().map_or(String::new(), |r| format!(", {}: {}", r.film, r.why));
            let (count, films) = (films.len(), build.films.display());
            Err(EngineError::Request(format!("none of the {count} films in {films} gives a clip{why}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// A film to cut.
struct FilmFile {
    path: PathBuf,
    /// Names it in the set and in the report.
    name: String,
    /// Who is seen most in it.
    person: String,
    validation: bool,
}

fn films(build: &Build) -> Result<Vec<FilmFile>, EngineError> {
    let mut found = Vec::new();
    gather(&build.films, &mut found)?;
    found.sort();
    let mut films: Vec<FilmFile> = found
        .into_iter()
        .map(|path| {
            let within = match path.strip_prefix(&build.films) {
                Ok(within) if within.as_os_str().is_empty() => {
                    Path::new(path.file_name().unwrap_or_default())
                }
                within => within.unwrap_or(&path),
            };
            let name = within.to_string_lossy().into_owned();
            let folder = within.parent().filter(|folder| !folder.as_os_str().is_empty());
            let person = match folder {
                _ if build.same_person => String::new(),
                Some(folder) => folder.to_string_lossy().into_owned(),
                None => name.clone(),
            };
            FilmFile { path, name, person, validation: false }
        })
        .collect();
    for path in &build.validation {
        match films.iter_mut().find(|film| film.path == *path) {
            Some(film) => film.validation = true,
            None => {
                let name = path.to_string_lossy().into_owned();
                let person = if build.same_person { String::new() } else { name.clone() };
                films.push(FilmFile { path: path.clone(), name, person, validation: true });
            }
        }
    }
    if films.is_empty() {
        let (folder, endings) = (build.films.display(), ENDINGS.join(", "));
        return Err(EngineError::Request(format!("{folder} holds no films; they end in {endings}")));
    }
    Ok(films)
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), EngineError> {
    if folder.is_file() {
        found.push(folder.to_path_buf());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(EngineError::file("read the folder", folder))? {
        let path = entry.map_err(EngineError::file("read the folder", folder))?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_dir() {
            gather(&path, found)?;
        } else if ENDINGS.contains(&ending.as_str()) {
            found.push(path);
        }
    }
    Ok(())
}

/// What each film gave, by its name.
struct Ledger(BTreeMap<String, Entry>);

#[derive(Serialize, Deserialize)]
struct Entry {
    /// Of the film's contents; `None` when it could not be read.
    digest: Option<Digest>,
    clips: Vec<String>,
    refused: Vec<Refused>,
}

impl Ledger {
    /// A broken one counts as absent: the films are looked at again.
    fn read(path: &Path) -> Ledger {
        let bytes = std::fs::read(path).unwrap_or_default();
        Ledger(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// What is known of a film, if that still holds: the film is the same, and its clips reached the disk.
    fn kept(&mut self, film: &FilmFile, writer: &Writer) -> Result<Option<Entry>, EngineError> {
        let Some(entry) = self.0.remove(&film.name) else { return Ok(None) };
        let same = entry.digest.is_some() && fingerprint(&film.path).ok() == entry.digest;
        Ok((same && entry.clips.iter().all(|clip| writer.has(clip))).then_some(entry))
    }
}

impl FilmFile {
    fn refused(&self, person: Option<u32>, why: Why) -> Refused {
        Refused { film: self.name.clone(), person, why }
    }
}
