//! Foreign formats, one a file: bytes become an [`Edit`], so that an import has a label, is checked and undone like
//! any other; a project becomes bytes.

mod csv_script;
mod edl;
mod srt;
mod text;
mod vtt;

use crate::edit::Edit;
use crate::project::Project;

/// An entry of the one list of formats.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub name: &'static str,
    /// In small letters, without the dot.
    pub extension: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// What reading the bytes into this project would do.
    pub read: fn(&Project, &[u8]) -> Result<Edit, ImportError>,
    pub write: fn(&Project) -> Vec<u8>,
}

pub const FORMATS: &[Format] = &[csv_script::FORMAT, edl::FORMAT, srt::FORMAT, vtt::FORMAT];

impl Format {
    /// By the ending of a file's name, in either case.
    pub fn by_extension(extension: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.extension.eq_ignore_ascii_case(extension))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        problem: String,
    },
    #[error("the file has nothing to import: {0}")]
    Empty(&'static str),
    #[error("the file is {0} bytes long, more than such a list can be; is it the right one?")]
    TooLarge(usize),
    #[error("the file is not text; save it as UTF-8")]
    NotText,
}
