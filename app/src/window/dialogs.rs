//! Choosing files. The desktop's own dialog comes by its portal, on a thread of its own; where there is no portal the
//! window asks for a path instead.

use lipsmith_project::MediaId;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// What a file is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    OpenProject,
    SaveProject,
    Import,
    ImportScript,
    ExportScript,
    ImportModel,
    Identify,
    Relink(MediaId),
    /// A photograph that is to speak a sound.
    TalkPhoto(MediaId),
    /// The film that becomes of it.
    TalkFilm(MediaId, PathBuf),
    ExportTo(String),
    ExportMatte(String),
}

/// What goes on once unsaved edits are saved or given up.
#[derive(Clone, Debug, PartialEq)]
pub enum Leaving {
    New,
    Open(PathBuf),
    /// A crashed session's journal.
    Recover(PathBuf),
    Sample,
    Quit,
}

/// A portal that answers "nothing" sooner than anybody could is not there.
const TOO_SOON: Duration = Duration::from_millis(400);

pub enum Answer {
    Chosen(Vec<PathBuf>),
    Nothing,
    /// There is no dialog on this desktop.
    NoPortal,
}

pub struct Asking {
    pub wish: Wish,
    /// With how long it took, which a window that draws slowly hears of later.
    answer: Receiver<(Vec<PathBuf>, Duration)>,
}

impl Asking {
    /// Opens the dialog and calls `wake` when it is answered.
    pub fn begin(wish: Wish, title: &str, name: &str, wake: impl Fn() + Send + 'static) -> Asking {
        let mut dialog = rfd::AsyncFileDialog::new().set_title(title);
        if !name.is_empty() {
            dialog = dialog.set_file_name(name);
        }
        dialog = match &wish {
            Wish::OpenProject | Wish::SaveProject => dialog.add_filter("Lipsmith", &["lipsmith"]),
            Wish::ImportScript | Wish::ExportScript => {
                dialog.add_filter("SRT, VTT, CSV, EDL", &["srt", "vtt", "csv", "edl"])
            }
            Wish::ImportModel => {
                dialog.add_filter("Checkpoint", &["pth", "pt", "ckpt", "tar", "safetensors"])
            }
            _ => dialog,
        };
        let (send, answer) = mpsc::channel();
        let kind = wish.clone();
        let ask = async move {
            let one =
                |file: Option<rfd::FileHandle>| file.map(|f| f.path().to_path_buf()).into_iter().collect();
            match kind {
                Wish::Import => {
                    let files = dialog.pick_files().await.unwrap_or_default();
                    files.iter().map(|file| file.path().to_path_buf()).collect()
                }
                saved if saved.saves() => one(dialog.save_file().await),
                Wish::Relink(_) => one(dialog.pick_folder().await),
                _ => one(dialog.pick_file().await),
            }
        };
        let thread = std::thread::Builder::new().name("file-dialog".into());
        // Without the thread the channel is closed, which reads as a desktop without dialogs.
        let _ = thread.spawn(move || {
            let begun = Instant::now();
            let paths = pollster::block_on(ask);
            let _ = send.send((paths, begun.elapsed()));
            wake();
        });
        Asking { wish, answer }
    }

    /// What was answered, once it is.
    pub fn poll(&self) -> Option<Answer> {
        match self.answer.try_recv() {
            Ok((paths, _)) if !paths.is_empty() => Some(Answer::Chosen(paths)),
            Ok((_, took)) if took < TOO_SOON => Some(Answer::NoPortal),
            Ok(_) => Some(Answer::Nothing),
            Err(mpsc::TryRecvError::Disconnected) => Some(Answer::NoPortal),
            Err(mpsc::TryRecvError::Empty) => None,
        }
    }
}

impl Wish {
    /// A file name to begin with.
    pub fn suggestion(&self, project: &str) -> String {
        match self {
            Wish::SaveProject => format!("{project}.lipsmith"),
            Wish::ExportScript => format!("{project}.srt"),
            Wish::ExportTo(name) | Wish::ExportMatte(name) => name.clone(),
            Wish::TalkFilm(_, photo) => {
                format!("{}.mp4", photo.file_stem().unwrap_or_default().to_string_lossy())
            }
            _ => String::new(),
        }
    }

    /// What is asked for, in the languages' files.
    pub fn title(&self) -> &'static str {
        match self {
            Wish::TalkPhoto(_) => "path-photo",
            Wish::TalkFilm(..) => "path-talk",
            wish if wish.saves() => "path-save",
            _ => "path-open",
        }
    }

    pub fn saves(&self) -> bool {
        use Wish::{ExportMatte, ExportScript, ExportTo, SaveProject, TalkFilm};
        matches!(self, SaveProject | ExportScript | ExportTo(_) | ExportMatte(_) | TalkFilm(..))
    }
}
