//! Commands on lines, their takes and references.

use super::Dispatch;
use crate::window::ctx::Dialog;
use crate::window::dialogs::Wish;
use lipsmith_base::{Rect, Time, TimeRange};
use lipsmith_engine::desk::{JobKind, JobState, Request};
use lipsmith_project::edit::{CastEdit, CueEdit, TakeEdit};
use lipsmith_project::{Clip, Cue, CueId, Edit, FacePlace, Reference};
use std::collections::BTreeSet;

/// Length of a line that is made where nothing says how long it is.
const NEW_LINE: Time = Time(2 * lipsmith_base::time::FLICKS);

impl Dispatch<'_> {
    pub(super) fn new_cue(&mut self) {
        let at = self.now();
        let selected = self.selected();
        let voice_at = |at: Time| {
            let voices = self.project.sequence.voices.iter();
            voices.filter_map(|track| track.clip_at(at)).next()
        };
        let picture = self.project.sequence.picture.id;
        let voice =
            selected.iter().find(|(track, _)| track.id != picture).map(|(_, clip)| *clip).or(voice_at(at));
        let range = self
            .session
            .marked(self.project)
            .or_else(|| voice.map(Clip::range))
            .unwrap_or(TimeRange::with_duration(at, NEW_LINE));
        let only =
            (self.project.characters.len() == 1).then(|| self.project.characters.keys().next().copied());
        let character = self.session.selection.character.or(only.flatten());
        let voice = voice.filter(|clip| clip.range().overlaps(range)).map(|clip| clip.id);
        let id = CueId(self.project.next_id);
        self.edit(CueEdit::Add { range, text: String::new(), character, voice });
        self.session.selection.only_cue(id);
    }

    /// The selected lines, or the one under the playhead.
    pub(super) fn cues(&mut self) -> Vec<(CueId, Cue)> {
        let selected = self.session.selection.cues.iter().copied();
        let mut ids: Vec<_> = selected.filter(|id| self.project.cues.contains_key(id)).collect();
        if ids.is_empty() {
            ids.extend(self.session.cue(self.project));
        }
        if ids.is_empty() {
            self.say("toast-no-line");
        }
        ids.into_iter().map(|id| (id, (*self.project.cues[&id]).clone())).collect()
    }

    pub(super) fn each_cue(&mut self, label: &str, edit: impl Fn(CueId, &Cue) -> Option<Edit>) {
        let edits = self.cues().iter().filter_map(|(id, cue)| edit(*id, cue)).collect();
        self.several(label, edits);
    }

    /// A photograph is to speak the voice of the line.
    pub(super) fn talk(&mut self) {
        let voice = self.cues().first().and_then(|(_, cue)| cue.voice);
        match voice.and_then(|voice| self.project.clip(voice)) {
            Some((_, clip)) => self.open(Dialog::Path(Wish::TalkPhoto(clip.media))),
            None => self.say("toast-no-voice"),
        }
    }

    pub(super) fn render(&mut self, draft: bool) {
        let lines: Vec<_> = self.cues().into_iter().map(|(id, _)| id).collect();
        self.spoken(&lines, |this, cue| this.ask(Request::Render { cue, draft }));
    }

    /// Does something with the selected line or that under the playhead, if somebody speaks it.
    pub(super) fn at_line(&mut self, act: impl Fn(&mut Self, CueId)) {
        match self.session.cue(self.project) {
            Some(line) => self.spoken(&[line], act),
            None => self.say("toast-no-line"),
        }
    }

    /// Lines that nobody speaks yet would only fail: they are left out, which is said. While faces are still being
    /// found, the speaker comes by itself.
    pub(super) fn spoken(&mut self, lines: &[CueId], act: impl Fn(&mut Self, CueId)) {
        let has_speaker = |id: &CueId| self.project.cues.get(id).is_some_and(|cue| cue.character.is_some());
        let (spoken, unspoken): (Vec<_>, Vec<_>) = lines.iter().copied().partition(has_speaker);
        spoken.iter().for_each(|id| act(self, *id));
        let active = |state: &JobState| matches!(state, JobState::Running | JobState::Waiting);
        let mut jobs = self.news.jobs.iter();
        let finding = jobs.any(|job| matches!(job.kind, JobKind::Analyse(_)) && active(&job.state));
        match (unspoken.is_empty(), finding, spoken.is_empty()) {
            (true, ..) => {}
            (false, true, _) => self.say("toast-faces-first"),
            (false, false, true) => self.say("toast-no-speaker"),
            (false, false, false) => self.say("toast-some-no-speaker"),
        }
    }

    pub(super) fn take(&mut self, index: usize) {
        self.each_cue("Choose take", |cue, line| {
            let take = line.takes.keys().nth(index).copied()?;
            Some(TakeEdit::Choose { cue, take: Some(take) }.into())
        });
    }

    /// Shows the take after the chosen one over the marked part of the line.
    pub(super) fn comp(&mut self) {
        let Some(marked) = self.session.marked(self.project) else { return self.say("toast-no-marks") };
        self.each_cue("Comp takes", |cue, line| {
            let range = marked.intersect(line.range).shifted(-line.range.start());
            let chosen = line.chosen?;
            let next = line.takes.keys().copied().find(|id| *id > chosen);
            let take = next.or_else(|| line.takes.keys().copied().find(|id| *id != chosen))?;
            (!range.is_empty()).then(|| TakeEdit::Comp { cue, range, take: Some(take) }.into())
        });
    }

    /// Puts the box of the line's speaker where it can be dragged from: where it is, else where it last was put, else
    /// in the middle of the picture.
    pub(super) fn place_face(&mut self) {
        let now = self.now();
        let line = self.session.cue(self.project);
        let Some((id, cue)) = line.and_then(|id| Some((id, self.project.cues.get(&id)?))) else {
            return self.say("toast-no-line");
        };
        if cue.character.is_none() {
            return self.say("toast-no-speaker");
        }
        let shown = self.news.frame.as_ref().map(|shown| &shown.frame);
        let (Some((clip, at)), Some(frame)) = (self.project.picture_at(now), shown) else {
            return self.say("toast-no-picture");
        };
        let tracked = frame.faces.iter().find(|face| face.line == Some(id)).map(|face| face.rect);
        let before = cue.faces.iter().rev().find(|place| place.media == clip.media && place.at <= at);
        let (width, height) = (frame.film.0 as f32, frame.film.1 as f32);
        let side = (height / 3.0).max(1.0);
        let (x, y) = ((width - side) / 2.0, (height - side) / 2.0);
        let middle = Rect::new(x, y, x + side, y + side);
        let rect = tracked.or(before.map(|place| place.rect)).unwrap_or(middle);
        self.session.viewer.boxes = true;
        self.edit(CueEdit::PlaceFace { cue: id, place: FacePlace { media: clip.media, at, rect } });
    }

    /// The frame on screen becomes the reference of the line's speaker, from here or from the line's beginning on.
    pub(super) fn set_reference(&mut self, here: bool) {
        let now = self.now();
        let Some(cue) = self.session.cue(self.project).and_then(|id| self.project.cues.get(&id)) else {
            return self.say("toast-no-line");
        };
        let Some((clip, picture)) = self.project.picture_at(now) else { return self.say("toast-no-picture") };
        let Some((id, mut character)) =
            cue.character.and_then(|id| Some((id, self.project.characters.get(&id)?.clone())))
        else {
            return self.say("toast-no-speaker");
        };
        // Keyed in film time: from where the line begins in this film.
        let begins = (cue.range.start().max(clip.start) + clip.offset()).max(clip.source.start());
        let from = if here { picture } else { begins };
        character.references.retain(|key| key.media != clip.media || key.from != from);
        character.references.push(Reference { media: clip.media, from, picture });
        self.edit(CastEdit::SetCharacter(id, character));
        self.say(if here { "toast-reference-here" } else { "toast-reference-set" });
    }

    pub(super) fn clear_references(&mut self) {
        let speakers: BTreeSet<_> = self.cues().iter().filter_map(|(_, cue)| cue.character).collect();
        let edits = speakers.into_iter().filter_map(|id| {
            let mut character = self.project.characters.get(&id)?.clone();
            character.references.clear();
            Some(CastEdit::SetCharacter(id, character).into())
        });
        let edits = edits.collect();
        self.several("Clear references", edits);
    }

    pub(super) fn line(&mut self, forward: bool, wanted: impl Fn(&Self, CueId) -> bool) {
        let now = self.session.selection.cues.first().and_then(|id| self.project.cues.get(id));
        let now = now.map_or(self.now(), |cue| cue.range.start());
        let mut lines: Vec<_> = self.project.cues.iter().map(|(id, cue)| (cue.range.start(), *id)).collect();
        lines.sort();
        let next = |at: &&(Time, CueId)| if forward { at.0 > now } else { at.0 < now };
        let found = if forward {
            lines.iter().filter(next).find(|(_, id)| wanted(self, *id))
        } else {
            lines.iter().rev().filter(next).find(|(_, id)| wanted(self, *id))
        };
        if let Some(&(at, id)) = found {
            self.session.selection.only_cue(id);
            self.seek(at);
        }
    }
}
