//! The project that is open: its history, its file, and the one way to change it.

use super::words::Words;
use lipsmith_base::FrameRate;
use lipsmith_engine::desk::{Desk, Request};
use lipsmith_project::{Edit, EditError, History, Project};
use std::path::PathBuf;
use std::sync::Arc;

pub struct Document {
    pub history: History,
    pub path: Option<PathBuf>,
    /// What the desk was last given.
    sent: Option<(Arc<Project>, Option<u64>)>,
    /// A gesture is going on.
    gesture: bool,
}

impl Document {
    /// An empty project whose parts are called by `words`.
    pub fn new(words: &Words) -> Document {
        let mut project = Project::new(words.text("untitled"), FrameRate::FPS_25);
        let sequence = &mut project.sequence;
        Arc::make_mut(&mut sequence.picture).name = words.text("track-picture");
        for (i, voice) in sequence.voices.iter_mut().enumerate() {
            Arc::make_mut(voice).name = words.numbered("track-voice", i + 1);
        }
        let mut history = History::new(project, "New project");
        // There is nothing in it that could be lost.
        history.mark_saved(history.revision());
        Document { history, path: None, sent: None, gesture: false }
    }

    /// A project from a file; `dirty` when the file does not hold it as it is.
    pub fn opened(project: Project, path: Option<PathBuf>, dirty: bool) -> Document {
        let mut history = History::new(project, if dirty { "Recover" } else { "Open" });
        if !dirty {
            history.mark_saved(history.revision());
        }
        Document { history, path, sent: None, gesture: false }
    }

    pub fn project(&self) -> &Arc<Project> {
        self.history.project()
    }

    pub fn edit(&mut self, edit: &Edit) -> Result<(), EditError> {
        self.gesture = false;
        self.history.apply(edit)
    }

    pub fn drag(&mut self, edit: &Edit) -> Result<(), EditError> {
        self.gesture = true;
        self.history.drag(edit)
    }

    pub fn release(&mut self) {
        self.gesture = false;
        self.history.release();
    }

    pub fn abandon(&mut self) {
        self.gesture = false;
        self.history.abandon();
    }

    /// Gives the desk the project whenever it is another than the last.
    pub fn send(&mut self, desk: &Desk) {
        let project = self.history.project();
        let settled = (!self.gesture).then(|| self.history.revision());
        let same = |(sent, of): &(Arc<Project>, Option<u64>)| Arc::ptr_eq(sent, project) && *of == settled;
        if !self.sent.as_ref().is_some_and(same) {
            let project = project.clone();
            let unsaved = self.history.is_dirty();
            desk.send(Request::Project { project: project.clone(), settled, unsaved });
            self.sent = Some((project, settled));
        }
    }

    /// For the window's title: the project goes by its file's name once it has one.
    pub fn title(&self) -> String {
        let dirty = if self.history.is_dirty() { "• " } else { "" };
        let file =
            self.path.as_deref().and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
        format!("{dirty}{} — Lipsmith", file.unwrap_or_else(|| self.project().name.clone()))
    }
}
