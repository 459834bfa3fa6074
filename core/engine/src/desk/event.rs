//! What the desk tells the window. Pictures do not come this way: see [`Desk::frame`](super::Desk::frame).

use super::request::TakeKey;
use crate::models::{FamilyState, Model, Report};
use crate::score::LineScore;
use lipsmith_base::{Affine, Digest, Point, Rect, Rgb, Time, TimeRange};
use lipsmith_media::Peaks;
use lipsmith_project::{CueId, Edit, Known, Media, MediaId, Project, TakeSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

pub enum Event {
    /// A project was read; `path` is `None` when it was recovered and had never been saved. `dirty` when it holds
    /// edits that are not in its file.
    Opened {
        project: Box<Project>,
        path: Option<PathBuf>,
        dirty: bool,
    },
    Saved {
        path: PathBuf,
        revision: u64,
    },
    /// Why a project could not be written, in words.
    NotSaved(String),
    /// The journal on disk holds this revision.
    Journaled {
        revision: u64,
    },
    /// Sessions that did not end well.
    Recoverable(Vec<Recovery>),
    /// What a file is; `Err` says why it cannot be used.
    Imported {
        path: PathBuf,
        media: Result<Media, String>,
    },
    /// A script, as the edit that adds its lines.
    Scripted {
        path: PathBuf,
        edit: Result<Edit, String>,
    },
    /// The media whose files are not where they were.
    Offline(BTreeSet<MediaId>),
    /// A relink's outcome.
    Found {
        media: MediaId,
        file: Result<Media, String>,
    },

    /// A film's face analysis, finished or as far as it got.
    Faces {
        /// The film's fingerprint: numbers of media are another project's soon.
        film: Digest,
        faces: Arc<FilmFaces>,
    },
    /// A medium's waveform; comes again as it gets finer.
    Peaks {
        /// The medium's fingerprint.
        media: Digest,
        peaks: Arc<Peaks>,
    },
    Thumb {
        film: Digest,
        at: Time,
        image: Screen,
    },

    /// All jobs, whenever one changes.
    Jobs(Vec<Job>),
    /// A line's take is on its way: keep it among the line's takes.
    Begun {
        cue: CueId,
        parts: Vec<TakeSpec>,
        draft: bool,
    },
    /// How much of each take of the project is in the cache.
    Takes(BTreeMap<TakeKey, Ready>),
    /// What a line's specs are made from besides the project.
    Knows(Arc<Knowledge>),
    Tested {
        cue: CueId,
        at: Time,
        image: Screen,
    },
    /// Best first.
    Advice {
        cue: CueId,
        pictures: Vec<Advised>,
    },
    /// How well a line is in sync, as it was in this project.
    Scored {
        cue: CueId,
        project: Arc<Project>,
        score: Arc<LineScore>,
    },
    /// An examination of a lesson: its curves, and what the network makes beside the truth.
    Learning {
        job: JobId,
        curve: Screen,
        picture: Screen,
    },
    /// A photograph's film is written.
    Talked(PathBuf),
    Exported {
        output: PathBuf,
        frames: u64,
    },

    Models {
        models: Vec<Model>,
        families: Vec<FamilyState>,
    },
    Identified {
        path: PathBuf,
        report: Result<Box<Report>, String>,
    },

    Told {
        weight: Weight,
        text: String,
    },
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For the log.
    Note,
    /// Something finished that somebody waits for.
    Done,
    /// Something did not work, or not as it should.
    Failed,
}

/// A journal without its session.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    pub journal: PathBuf,
    /// The project file it belongs to.
    pub path: Option<PathBuf>,
    pub name: String,
    /// Seconds since 1970.
    pub written: u64,
}

/// Pixels for the screen: sRGB with alpha, eight bits, row by row.
#[derive(Clone, PartialEq)]
pub struct Screen {
    pub width: usize,
    pub height: usize,
    /// `4 × width × height` bytes.
    pub rgba: Vec<u8>,
}

impl Screen {
    /// Opaque.
    pub fn of(image: &Rgb) -> Screen {
        let byte = |v: &f32| (v.clamp(0.0, 1.0) * 255.0).round() as u8;
        let rgba = image.pixels().iter().flat_map(|[r, g, b]| [byte(r), byte(g), byte(b), 255]);
        Screen { width: image.width(), height: image.height(), rgba: rgba.collect() }
    }
}

/// How like the film's picture in a frame is to the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It.
    Exact,
    /// It, with a third of its detail or less; the exact one comes next.
    Rough,
    /// A neighbour, while it is being decoded.
    Near,
}

/// A frame for the viewer.
pub struct Frame {
    /// The sequence time that was asked for, or that is being played.
    pub at: Time,
    pub likeness: Likeness,
    /// As many as were asked for. Empty where no film is.
    pub sides: Vec<Screen>,
    pub faces: Vec<FaceBox>,
    /// Film pixels that the faces' places count in.
    pub film: (usize, usize),
    /// Why a side shows less than was asked for, for people.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FaceBox {
    pub media: MediaId,
    pub person: u32,
    pub rect: Rect,
    /// Filled in between two sightings.
    pub interpolated: bool,
    /// The line that is painted on it, whose method says what of it.
    pub line: Option<CueId>,
    /// The line's editor has put it here.
    pub placed: bool,
    /// Outline of the region that is painted, in film pixels, and over how many of them it fades inwards.
    pub outline: Vec<Point>,
    pub feather: f32,
    /// The middle of the mouth, in film pixels.
    pub mouth: Point,
    /// Face coordinates (x to the picture's right, y to the chin, in distances between the eyes) ↦ film pixels.
    pub map: Affine,
}

/// Where a film's people are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilmFaces {
    /// Names the analysis among what makes a take; `None` while it is going on.
    pub key: Option<Digest>,
    /// Film time; end to end.
    pub shots: Vec<TimeRange>,
    pub people: Vec<PersonSeen>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PersonSeen {
    pub person: u32,
    /// Film time, in order; where nothing is said the person is not in the shot.
    pub spans: Vec<(TimeRange, Seen)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Well,
    /// Too few pixels for a mouth to be painted well.
    Small,
    /// More than 45° from the camera.
    Turned,
    /// In the shot, but not found.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub kind: JobKind,
    pub title: String,
    pub state: JobState,
    /// Of the present stage.
    pub stage: &'static str,
    pub done: u64,
    pub total: Option<u64>,
    /// Frames per second, once it is known.
    pub rate: Option<f64>,
    /// Seconds to its end, once it is known.
    pub remaining: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JobKind {
    Analyse(MediaId),
    Render { cue: CueId, takes: Vec<TakeKey> },
    Test(CueId),
    Advise(CueId),
    Score(CueId),
    Export(PathBuf),
    ImportModel(PathBuf),
    Learn(PathBuf),
    Talk(PathBuf),
}

impl JobKind {
    /// Whether the one asks for what the other does, however much is known of it yet.
    pub fn is_for_the_same(&self, other: &JobKind) -> bool {
        match (self, other) {
            (JobKind::Render { cue: a, .. }, JobKind::Render { cue: b, .. }) => a == b,
            _ => self == other,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    Waiting,
    Running,
    Done,
    Cancelled,
    /// What, why, what to do.
    Failed(String),
}

/// Frames of a take in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    pub done: u64,
    pub total: u64,
}

/// The engine's half of a take's name, owned: see [`Known`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Knowledge {
    pub analyses: BTreeMap<MediaId, Digest>,
    pub checkpoints: BTreeMap<String, Digest>,
    pub engine: u32,
    /// What judges sync, in words; `None` where nothing is installed that can.
    pub judge: Option<String>,
    /// The device that renders, in words.
    pub device: String,
    /// The best family of what is installed here; `None` before anybody has looked.
    pub best: Option<&'static str>,
}

impl Knowledge {
    pub fn known(&self) -> Known<'_> {
        Known { analyses: &self.analyses, checkpoints: &self.checkpoints, engine: self.engine }
    }
}

/// A picture that would serve as a reference.
#[derive(Clone, PartialEq)]
pub struct Advised {
    pub media: MediaId,
    /// Film time.
    pub at: Time,
    /// 0..=1.
    pub score: f32,
    pub image: Screen,
}
