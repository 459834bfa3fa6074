//! Everything that can go wrong with a media file, in the words an editor can act on.

use std::path::{Path, PathBuf};

/// Each message names the file, the cause and what to do.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("{} does not exist: check the path", .file.display())]
    Missing { file: PathBuf },
    #[error("{} is a folder, not a media file: name a file in it", .file.display())]
    Folder { file: PathBuf },
    #[error("{} cannot be read ({cause}): check its permissions and that the disk is still there", .file.display())]
    Unreadable { file: PathBuf, cause: String },
    #[error("{} is empty (0 bytes): copy or export it again", .file.display())]
    Empty { file: PathBuf },
    #[error("{} is not a film, sound or picture file that can be recognised: choose another file", .file.display())]
    NotMedia { file: PathBuf },
    #[error("{} is damaged or incomplete ({cause}): copy or export it again", .file.display())]
    Damaged { file: PathBuf, cause: String },
    #[error("{} has no picture: choose a film or a still image", .file.display())]
    NoPicture { file: PathBuf },
    #[error("{} has no sound: choose a file with sound", .file.display())]
    NoSound { file: PathBuf },
    #[error(
        "{} claims pictures of {width}×{height}; at most 16384×16384 is read: check the file, or scale it down first",
        .file.display()
    )]
    TooLarge { file: PathBuf, width: u32, height: u32 },
    #[error("{}: {what} is not supported: convert the file first", .file.display())]
    Unsupported { file: PathBuf, what: String },
    #[error(
        "{} needs a decoder for {codec}, which is not installed: install the packages gstreamer1.0-libav, \
         gstreamer1.0-plugins-bad and gstreamer1.0-plugins-ugly",
        .file.display()
    )]
    MissingDecoder { file: PathBuf, codec: String },
    #[error("the GStreamer element `{element}` is not installed: install the package {package}")]
    MissingElement { element: String, package: &'static str },
    #[error("{}: no answer for {seconds} s while {doing}: check the disk, or try a copy of the file", .file.display())]
    Stalled { file: PathBuf, seconds: u64, doing: &'static str },
    #[error("{} cannot be created ({cause}): choose a folder that exists and can be written", .file.display())]
    CannotCreate { file: PathBuf, cause: String },
    #[error("{} could not be written: the disk is full; free some space or choose another disk", .file.display())]
    DiskFull { file: PathBuf },
    #[error("{} could not be written ({cause}): try another profile or folder", .file.display())]
    Writing { file: PathBuf, cause: String },
    #[error("{}: {problem}", .file.display())]
    Misuse { file: PathBuf, problem: String },
    #[error(
        "GStreamer could not be started ({cause}): install gstreamer1.0-plugins-base, -good, -bad, -ugly and -libav"
    )]
    GStreamer { cause: String },
    #[error("the loudspeaker cannot be used ({cause}): check the system's sound settings")]
    Loudspeaker { cause: String },
    #[error("cancelled")]
    Cancelled,
}

impl MediaError {
    /// What `io` means for reading `file`.
    pub(crate) fn reading(file: &Path, io: &std::io::Error) -> MediaError {
        let file = file.to_path_buf();
        match io.kind() {
            std::io::ErrorKind::NotFound => MediaError::Missing { file },
            _ => MediaError::Unreadable { file, cause: io.to_string() },
        }
    }

    /// What `io` means for writing `file`.
    pub(crate) fn writing(file: &Path, io: &std::io::Error) -> MediaError {
        let file = file.to_path_buf();
        match io.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                MediaError::DiskFull { file }
            }
            _ => MediaError::Writing { file, cause: io.to_string() },
        }
    }
}
