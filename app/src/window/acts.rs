//! What comes of acts, news and files: the one place where the document changes.

use super::command::Command;
use super::ctx::{Act, Dialog};
use super::dialogs::{Answer, Asking, Leaving, Wish};
use super::dispatch::Dispatch;
use super::document::Document;
use super::manual::Manual;
use super::session::Session;
use super::words::LANGUAGES;
use super::{Window, imports, panels};
use lipsmith_base::Time;
use lipsmith_engine::desk::{Event, Request, Talking, Weight};
use lipsmith_project::Method;
use lipsmith_project::edit::{MediaEdit, TakeEdit};
use lipsmith_project::interchange::Format;
use std::path::{Path, PathBuf};

/// Endings of networks' weights, which are models and not media.
const CHECKPOINTS: [&str; 5] = ["pth", "pt", "ckpt", "tar", "safetensors"];
pub const PROJECT: &str = "lipsmith";
/// The family that makes photographs talk.
const HEADS: &str = "diffused-heads";

impl Window {
    pub(super) fn take_in_news(&mut self, ctx: &egui::Context) {
        let events: Vec<_> = self.desk.events().collect();
        for event in events {
            if let Some(event) = self.news.take_in(event, ctx) {
                self.act_on(ctx, event);
            }
        }
        self.news.take_frame(&self.desk, ctx);
        let free = self.dialog.is_none() && self.asking.is_none() && self.after_save.is_none();
        if free && !self.news.recoverable.is_empty() {
            self.dialog = Some(Dialog::Recovery);
        }
        if let Some(answer) = self.asking.as_ref().and_then(Asking::poll)
            && let Some(Asking { wish, .. }) = self.asking.take()
        {
            match answer {
                Answer::Chosen(paths) => self.grant(ctx, wish, paths),
                Answer::Nothing => {}
                Answer::NoPortal => self.dialog = Some(Dialog::Path(wish)),
            }
        }
    }

    fn act_on(&mut self, ctx: &egui::Context, event: Event) {
        match event {
            Event::Opened { project, path, dirty } => {
                self.document = Document::opened(*project, path.clone(), dirty);
                self.session = Session { viewer: self.session.viewer.clone(), ..Session::default() };
                self.news.forget_project();
                self.shown = None;
                path.into_iter().for_each(|path| self.settings.remember(path));
            }
            Event::Saved { path, revision } => {
                self.saving = false;
                self.document.history.mark_saved(revision);
                self.document.path = Some(path.clone());
                self.settings.remember(path);
                self.tell(ctx, Weight::Done, self.words.text("toast-saved"));
                self.after_save.take().into_iter().for_each(|leaving| self.leave(leaving));
            }
            Event::NotSaved(why) => {
                self.saving = false;
                self.tell(ctx, Weight::Failed, why);
            }
            Event::Imported { path, media: Err(why) } => {
                let name = path.display().to_string();
                let text = if why.contains(&name) { why } else { format!("{name}: {why}") };
                self.tell(ctx, Weight::Failed, text);
            }
            Event::Imported { media: Ok(media), .. } => {
                let project = self.document.project();
                let selected = self.session.selection.character;
                let only = project.characters.keys().next().filter(|_| project.characters.len() == 1);
                let speaker = selected.or(only.copied());
                let (playhead, best) = (self.session.playhead, self.news.knows.best);
                let edit = imports::lay_down(project, media, playhead, speaker, best, &self.words);
                let look = &mut self.session.timeline;
                let whole = look.fitted == Some((look.from, look.scale));
                look.fit |= whole || project.duration() == Time::ZERO;
                self.apply(ctx, &edit);
            }
            Event::Found { media, file: Ok(to) } => {
                self.apply(ctx, &MediaEdit::Relink { media, to }.into());
            }
            Event::Found { file: Err(why), .. } | Event::Scripted { edit: Err(why), .. } => {
                self.tell(ctx, Weight::Failed, why);
            }
            Event::Scripted { edit: Ok(edit), .. } => self.apply(ctx, &edit),
            Event::Faces { film, faces } => {
                let project = self.document.project();
                let media = project.media.iter().find(|(_, media)| media.fingerprint == film);
                let edit = media.and_then(|(id, _)| imports::cast(project, *id, &faces, &self.words));
                edit.into_iter().for_each(|edit| self.apply(ctx, &edit));
            }
            Event::Begun { cue, parts, draft } => {
                let takes = self.document.project().cues.get(&cue).map_or(0, |cue| cue.takes.len());
                let key = if draft { "draft-name" } else { "take-name" };
                let name = self.words.with(key, &[("number", (takes + 1).into())]);
                self.apply(ctx, &TakeEdit::Add { cue, name, parts }.into());
            }
            Event::Exported { output, frames } => {
                let values = [("path", output.display().to_string().into()), ("frames", frames.into())];
                self.tell(ctx, Weight::Done, self.words.with("toast-exported", &values));
            }
            Event::Talked(film) => self.bring_in(vec![film]),
            Event::Told { weight, text } => self.tell(ctx, weight, text),
            _ => {}
        }
    }

    pub(super) fn tell(&mut self, ctx: &egui::Context, weight: Weight, text: String) {
        self.news.log(weight, text.clone());
        self.toasts.add(ctx, weight, text);
    }

    fn apply(&mut self, ctx: &egui::Context, edit: &lipsmith_project::Edit) {
        if let Err(error) = self.document.edit(edit) {
            self.tell(ctx, Weight::Failed, error.to_string());
        }
    }

    /// Files that were dropped on the window.
    pub(super) fn take_in_files(&mut self, ctx: &egui::Context, _: &mut Vec<Act>) {
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        self.bring_in(dropped.iter().map(|file| file.path().to_path_buf()).collect());
    }

    /// Each file to where its kind belongs.
    pub(super) fn bring_in(&mut self, files: Vec<PathBuf>) {
        if !files.is_empty() && self.dialog == Some(Dialog::FirstSteps) {
            // The first of them has been taken.
            (self.dialog, self.settings.first_steps_seen) = (None, true);
        }
        let ending = |path: &Path| path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let mut media = Vec::new();
        for path in files {
            let kind = ending(&path);
            if kind == PROJECT {
                self.leave_or_ask(Leaving::Open(path));
            } else if CHECKPOINTS.contains(&kind.as_str()) {
                self.desk.send(Request::ImportModel(path));
            } else if Format::by_extension(&kind).is_some() {
                let project = self.document.project().clone();
                self.desk.send(Request::ImportScript { path, project });
            } else {
                media.push(path);
            }
        }
        if !media.is_empty() {
            self.desk.send(Request::Import(media));
        }
    }

    pub(super) fn carry_out(&mut self, ctx: &egui::Context, acts: Vec<Act>) {
        let mut acts: std::collections::VecDeque<_> = acts.into();
        while let Some(act) = acts.pop_front() {
            match act {
                // What a command asks for is done before the next command looks.
                Act::Do(command) => {
                    self.run(ctx, command).into_iter().rev().for_each(|act| acts.push_front(act));
                }
                Act::Edit(edit) => self.apply(ctx, &edit),
                // What cannot be dragged there stays where it last could.
                Act::Drag(edit) => drop(self.document.drag(&edit)),
                Act::Release => self.document.release(),
                Act::Abandon => self.document.abandon(),
                Act::Ask(request) => self.desk.send(request),
                Act::Seek { to, scrub } => self.seek(to, scrub),
                Act::Open(dialog) => self.open(ctx, dialog),
                Act::Grant(wish, paths) => self.grant(ctx, wish, paths),
                Act::Leave(leaving) => self.leave(leaving),
                Act::SaveThen(leaving) => {
                    self.after_save = Some(leaving);
                    self.save(ctx);
                }
                Act::Say(key) => {
                    let text = self.words.text(key);
                    self.news.log(Weight::Note, text.clone());
                    self.toasts.hint(ctx, text);
                }
                Act::Jump(step) => drop(self.document.history.jump(step)),
                Act::Forgotten(journal) => self.news.recoverable.retain(|left| left.journal != journal),
                Act::Bring(files) => self.bring_in(files),
            }
        }
        if self.quitting {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        } else if ctx.input(|i| i.viewport().close_requested()) {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.open(ctx, Dialog::Unsaved(Leaving::Quit));
        }
    }

    fn run(&mut self, ctx: &egui::Context, command: Command) -> Vec<Act> {
        let mut acts = Vec::new();
        let selection = &self.session.selection;
        let copies = matches!(command, Command::Copy | Command::Cut)
            && !(selection.clips.is_empty() && selection.cues.is_empty());
        let mut dispatch = Dispatch {
            project: self.document.history.project(),
            session: &mut self.session,
            news: &self.news,
            words: &self.words,
            clipboard: &mut self.clipboard,
            acts: &mut acts,
            playing: self.desk.playing(),
        };
        let left = dispatch.run(command);
        if copies {
            let text = self.clipboard.text(self.document.project());
            ctx.copy_text(text);
        }
        match left {
            Some(Command::Save) => self.save(ctx),
            Some(Command::Undo) => drop(self.document.history.undo()),
            Some(Command::Redo) => drop(self.document.history.redo()),
            Some(Command::FullScreen) => {
                let full = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(!full));
            }
            Some(Command::Manual) => self.manual = self.manual.is_none().then(Manual::default),
            Some(Command::Larger) => self.settings.scale = (self.settings.scale + 0.1).min(3.0),
            Some(Command::Smaller) => self.settings.scale = (self.settings.scale - 0.1).max(0.5),
            Some(Command::ResetLayout) => self.tiles = panels::layout(),
            Some(Command::NextLanguage) => {
                let now = self.settings.language();
                let at = LANGUAGES.iter().position(|(code, ..)| *code == now).unwrap_or(0);
                self.settings.language = LANGUAGES[(at + 1) % LANGUAGES.len()].0.into();
            }
            _ => {}
        }
        acts
    }

    fn seek(&mut self, to: Time, scrub: bool) {
        let project = self.document.project();
        let last = project.duration();
        let to = to.clamp(Time::ZERO, last.max(Time::ZERO));
        let rate = project.sequence.rate;
        self.session.playhead = rate.frame_start(rate.frame_at(to));
        if self.desk.playing().is_some() {
            let (from, speed) = (self.session.playhead, self.session.speed);
            // Whoever goes out of the loop leaves it.
            let within = self.session.within.filter(|range| range.contains(from));
            self.session.within = within;
            self.desk.send(Request::Play { from, speed, within });
        } else if scrub {
            self.desk.send(Request::Scrub(self.session.playhead));
        }
    }

    fn open(&mut self, ctx: &egui::Context, dialog: Dialog) {
        match dialog {
            Dialog::Path(wish) => {
                let title = self.words.text(wish.title());
                let name = wish.suggestion(&self.document.project().name);
                let wake = ctx.clone();
                self.asking = Some(Asking::begin(wish, &title, &name, move || wake.request_repaint()));
            }
            Dialog::Unsaved(leaving) => self.leave_or_ask(leaving),
            other => self.dialog = Some(other),
        }
    }

    /// A wish for a file, fulfilled.
    fn grant(&mut self, ctx: &egui::Context, wish: Wish, paths: Vec<PathBuf>) {
        let Some(path) = paths.first().cloned() else { return };
        let project = self.document.project().clone();
        match wish {
            Wish::OpenProject => self.leave_or_ask(Leaving::Open(path)),
            Wish::SaveProject => {
                let path = if path.extension().is_none() { path.with_extension(PROJECT) } else { path };
                self.send_save(path);
            }
            Wish::Import => self.bring_in(paths),
            Wish::ImportScript => self.desk.send(Request::ImportScript { path, project }),
            Wish::ExportScript => self.desk.send(Request::ExportScript { path, project }),
            Wish::ImportModel => self.desk.send(Request::ImportModel(path)),
            Wish::Identify => self.desk.send(Request::Identify(path)),
            Wish::Relink(media) => self.desk.send(Request::Relink { media, at: path }),
            Wish::TalkPhoto(voice) => self.open(ctx, Dialog::Path(Wish::TalkFilm(voice, path))),
            Wish::TalkFilm(voice, photo) => {
                // Weights belong to a family.
                let common = project.settings.method.clone();
                let method = Method { family: HEADS.into(), checkpoint: None, ..common };
                let voice = project.media.get(&voice).map(|media| media.path.clone());
                let talk = voice.map(|voice| Talking { photo, voice, output: path, method });
                talk.into_iter().for_each(|talk| self.desk.send(Request::Talk(talk)));
            }
            Wish::ExportTo(_) => {
                self.typed.output = path.display().to_string();
                self.dialog = Some(Dialog::Export);
            }
            Wish::ExportMatte(_) => {
                self.typed.matte = path.display().to_string();
                self.dialog = Some(Dialog::Export);
            }
        }
    }

    fn send_save(&mut self, path: PathBuf) {
        self.saving = true;
        let (project, revision) = (self.document.project().clone(), self.document.history.revision());
        self.desk.send(Request::Save { path, project, revision });
    }

    /// Asks only when there is something to lose.
    fn leave_or_ask(&mut self, leaving: Leaving) {
        if self.document.history.is_dirty() {
            self.dialog = Some(Dialog::Unsaved(leaving));
        } else {
            self.leave(leaving);
        }
    }

    fn save(&mut self, ctx: &egui::Context) {
        match &self.document.path {
            Some(path) => self.send_save(path.clone()),
            None => self.open(ctx, Dialog::Path(Wish::SaveProject)),
        }
    }

    fn leave(&mut self, leaving: Leaving) {
        self.dialog = None;
        match leaving {
            Leaving::New => {
                self.desk.send(Request::New);
                self.document = Document::new(&self.words);
                self.session = Session::default();
                self.news.forget_project();
            }
            Leaving::Open(path) => self.desk.send(Request::Open(path)),
            Leaving::Recover(journal) => {
                self.news.recoverable.retain(|left| left.journal != journal);
                self.desk.send(Request::Recover(journal));
            }
            Leaving::Sample => self.desk.send(Request::OpenSample),
            Leaving::Quit => {
                self.quitting = true;
            }
        }
    }
}
