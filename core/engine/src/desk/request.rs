//! What the window asks of the desk. A request is sent and forgotten; whatever comes of it comes as an
//! [`Event`](super::Event).

use super::JobId;
pub use crate::export::Export;
use lipsmith_base::{Digest, Time, TimeRange};
use lipsmith_project::{CueId, Media, MediaId, Method, Project, TakeId};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub enum Request {
    /// The project as it now is, after each edit and during gestures: what is shown, heard, analysed and rendered
    /// from here on. `settled` is its revision once the gesture is over; only then it is journaled, and only while it
    /// is `unsaved`: what its file holds, or an empty beginning, is nothing to recover.
    Project {
        project: Arc<Project>,
        settled: Option<u64>,
        unsaved: bool,
    },

    // Files
    /// Begins a project that has no file: what is journaled from here on belongs to none.
    New,
    /// Reads a project file. Answered by `Opened`.
    Open(PathBuf),
    /// Writes a project file; from here on the journal belongs to it. Answered by `Saved`.
    Save {
        path: PathBuf,
        project: Arc<Project>,
        revision: u64,
    },
    /// Opens what a crashed session left. Answered by `Opened`.
    Recover(PathBuf),
    /// Throws a crashed session's journal away.
    Forget(PathBuf),
    /// Looks at media files. Each is answered by `Imported`.
    Import(Vec<PathBuf>),
    /// Opens the sample that the program carries. Answered by `Opened`.
    OpenSample,
    /// Reads a script in a foreign format. Answered by `Scripted`.
    ImportScript {
        path: PathBuf,
        project: Arc<Project>,
    },
    /// Writes the lines in the foreign format that the path's ending names.
    ExportScript {
        path: PathBuf,
        project: Arc<Project>,
    },
    /// Keeps the window's settings under this name for [`Desk::kept`](super::Desk::kept).
    Keep {
        name: &'static str,
        bytes: Vec<u8>,
    },
    /// Looks for an offline medium: at a file, or in a folder and those below it, by name, duration and
    /// fingerprint. Answered by `Found`.
    Relink {
        media: MediaId,
        at: PathBuf,
    },

    // Picture and sound
    /// Only the newest is answered, through [`Desk::frame`](super::Desk::frame).
    Show(Show),
    /// Plays from `from` on, sound as the clock. `speed` 1 is film speed, negative plays backwards; sound is heard
    /// at 1 only. With `within` it goes round in that range.
    Play {
        from: Time,
        speed: f64,
        within: Option<TimeRange>,
    },
    Stop,
    /// A short grain of sound at a time, as when dragging the playhead.
    Scrub(Time),
    /// Linear gain of the loudspeaker, 0..=1.
    Volume(f32),
    /// Pictures of a film at film times, about `height` pixels high; only the newest call is worked on. Each is
    /// answered by `Thumb`.
    Thumbs {
        film: Media,
        times: Vec<Time>,
        height: usize,
    },

    // Jobs
    /// Renders a line as the project has it. `draft` takes few steps.
    Render {
        cue: CueId,
        draft: bool,
    },
    /// Renders one frame of a line. Answered by `Tested`.
    Test {
        cue: CueId,
        at: Time,
    },
    /// Ranks pictures of a line's speaker as references. Answered by `Advice`.
    Advise {
        cue: CueId,
    },
    /// Judges how well a line is in sync, as it is seen and heard. Answered by `Scored`.
    Score {
        cue: CueId,
    },
    Export(Export),
    /// Teaches a network an actor; the result is installed. Its examinations are told by `Learning`.
    Learn(Lesson),
    /// Makes a photograph talk. Answered by `Talked`.
    Talk(Talking),
    Cancel(JobId),
    /// Puts a waiting job to a place among those waiting.
    Reorder {
        job: JobId,
        to: usize,
    },
    /// Takes ended jobs off the list.
    ClearJobs,
    /// A name of `lipsmith_nets::device`.
    Device(String),

    // Models
    ImportModel(PathBuf),
    /// Says what a file is. Answered by `Identified`.
    Identify(PathBuf),
    RemoveModel {
        sha256: String,
    },

    /// The session ends well: nothing is left to recover.
    Close,
}

/// An actor to be learned from the film that shows them most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub film: PathBuf,
    /// The family whose weights are the beginning.
    pub base: String,
    /// Only corrections of this rank to the weights are learned.
    pub adapter: Option<usize>,
    pub steps: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Talking {
    pub photo: PathBuf,
    pub voice: PathBuf,
    pub output: PathBuf,
    /// Of the family diffused-heads.
    pub method: Method,
}

/// What the viewer wants to see.
#[derive(Clone, Debug, PartialEq)]
pub struct Show {
    /// Sequence time.
    pub at: Time,
    /// One or two, for comparing.
    pub sides: Vec<Side>,
    /// The most pixels that are of use; a larger film is reduced to fit.
    pub fit: (usize, usize),
}

/// One way of looking at a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The film as it is.
    Film,
    /// As it is exported.
    Dub,
    /// A certain take of a line.
    Take(CueId, TakeId),
    /// How far the dub is from the film, amplified.
    Difference,
    /// Where the dub is painted, white.
    Matte,
}

/// A take's name in the cache and the frames it has.
pub type TakeKey = Digest;
