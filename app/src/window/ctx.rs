//! What a panel sees and how it says what the editor wants. A panel changes nothing itself except how the project is
//! looked at ([`Session`]); everything else is an [`Act`], carried out after all panels are drawn.

use super::command::Command;
use super::dialogs::{Leaving, Wish};
use super::keymap::Keymap;
use super::modals::About;
use super::news::News;
use super::session::Session;
use super::settings::Settings;
use super::theme::Theme;
use super::words::Words;
use lipsmith_base::Time;
use lipsmith_engine::desk::Request;
use lipsmith_project::{CueId, Edit, History, MediaId, Project};
use std::path::PathBuf;

pub enum Act {
    Do(Command),
    Edit(Edit),
    /// A gesture's edit as it now stands, applied to the project before the gesture.
    Drag(Edit),
    Release,
    Abandon,
    Ask(Request),
    /// Moves the playhead; `scrub` lets a grain of sound be heard.
    Seek {
        to: Time,
        scrub: bool,
    },
    Open(Dialog),
    /// A short message, by its key in the languages' files.
    Say(&'static str),
    /// A wish for files, fulfilled.
    Grant(Wish, Vec<PathBuf>),
    /// Goes on although edits are not saved.
    Leave(Leaving),
    SaveThen(Leaving),
    /// A recovery that was answered.
    Forgotten(PathBuf),
    /// Files to take in, as if they had been dropped.
    Bring(Vec<PathBuf>),
    /// Goes to a step of the history.
    Jump(usize),
}

/// Windows over the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Dialog {
    Palette,
    Settings,
    Shortcuts,
    About,
    Export,
    /// A network is taught who is seen in a film.
    Learn(MediaId),
    Timecode,
    /// A file or folder by its path, where the desktop offers no dialog.
    Path(Wish),
    /// Before unsaved edits are lost.
    Unsaved(Leaving),
    Recovery,
    FirstSteps,
}

pub struct Ctx<'a> {
    pub project: &'a Project,
    pub history: &'a History,
    pub session: &'a mut Session,
    pub news: &'a News,
    pub settings: &'a mut Settings,
    pub words: &'a Words,
    pub keymap: &'a Keymap,
    pub theme: &'a Theme,
    pub about: &'a About,
    pub acts: &'a mut Vec<Act>,
    /// Where playing is; `None` while stopped.
    pub playing: Option<Time>,
    pub levels: [f32; 2],
}

impl Ctx<'_> {
    pub fn act(&mut self, act: Act) {
        self.acts.push(act);
    }

    pub fn command(&mut self, command: Command) {
        self.acts.push(Act::Do(command));
    }

    pub fn edit(&mut self, edit: impl Into<Edit>) {
        self.acts.push(Act::Edit(edit.into()));
    }

    /// While dragging; [`Act::Release`] keeps it.
    pub fn drag(&mut self, edit: impl Into<Edit>) {
        self.acts.push(Act::Drag(edit.into()));
    }

    pub fn seek(&mut self, to: Time) {
        self.acts.push(Act::Seek { to, scrub: false });
    }

    pub fn text(&self, key: &str) -> String {
        self.words.text(key)
    }

    /// A command's button, with its name, keys and, when it can do nothing now, why.
    pub fn button(&mut self, ui: &mut egui::Ui, command: Command, icon: &str) -> egui::Response {
        let name = self.words.command(command);
        let keys = self.keymap.short(command);
        let hint = if keys.is_empty() { name.clone() } else { format!("{name}  ({keys})") };
        let button = egui::Button::new(if icon.is_empty() { name.as_str() } else { icon });
        let response = ui.add(button).on_hover_text(hint);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if response.clicked() {
            self.command(command);
        }
        response
    }

    /// The selected line, else that under the playhead.
    pub fn cue(&self) -> Option<CueId> {
        self.session.cue(self.project)
    }

    pub fn timecode(&self, at: Time) -> String {
        let sequence = &self.project.sequence;
        sequence.labels().format(at + sequence.start)
    }
}
