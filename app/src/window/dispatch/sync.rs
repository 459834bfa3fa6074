//! Commands on how well lines are in sync.

use super::Dispatch;
use crate::window::sync::{frames, nudge, ranked};
use lipsmith_engine::desk::Request;
use lipsmith_project::CueId;
use lipsmith_project::edit::ClipEdit;

impl Dispatch<'_> {
    /// Has the selected lines judged; without any, all that are not judged as they now are.
    pub(super) fn score(&mut self) {
        if self.news.knows.judge.is_none() {
            return self.say("sync-no-judge");
        }
        let selected = &self.session.selection.cues;
        let wanted: Vec<CueId> = if selected.is_empty() {
            let is_judged = |id: &CueId| self.news.score(self.project, *id).is_some_and(|(_, fresh)| fresh);
            self.project.cues.keys().copied().filter(|id| !is_judged(id)).collect()
        } else {
            selected.iter().copied().collect()
        };
        if wanted.is_empty() {
            return self.say("toast-nothing-to-judge");
        }
        self.spoken(&wanted, |this, cue| {
            if this.project.cues.get(&cue).is_some_and(|line| line.voice.is_some()) {
                this.ask(Request::Score { cue });
            } else {
                this.say("toast-no-voice");
            }
        });
    }

    /// The worst line after the selected one; behind the best, the very worst again.
    pub(super) fn next_worst(&mut self) {
        let ranked = ranked(self.project, self.news);
        if ranked.is_empty() {
            if self.news.knows.judge.is_some() && !self.project.cues.is_empty() {
                self.say("toast-judged-first");
            }
            return self.score();
        }
        let now = self.session.selection.cues.first();
        let now = now.and_then(|selected| ranked.iter().position(|(_, id)| id == selected));
        let (_, next) = ranked[now.map_or(0, |at| (at + 1) % ranked.len())];
        if let Some(cue) = self.project.cues.get(&next) {
            self.session.selection.only_cue(next);
            self.seek(cue.range.start());
        }
    }

    /// Lays the voice of a judged line where it fits the mouth best.
    pub(super) fn nudge_voice(&mut self) {
        let Some(id) = self.session.cue(self.project) else { return self.say("toast-no-line") };
        let rate = self.project.sequence.rate;
        let by = self.news.score(self.project, id).filter(|(_, fresh)| *fresh);
        let by = by.and_then(|(score, _)| nudge(score, rate));
        let voice = self.project.cues.get(&id).and_then(|cue| self.project.voice_of(cue));
        let voice = voice.and_then(|clip| self.project.clip(clip.id));
        let (Some(by), Some((track, clip))) = (by, voice) else { return self.say("toast-no-nudge") };
        let (clip, track, to) = (clip.id, track.id, clip.start + frames(rate, by));
        self.edit(ClipEdit::Move { clip, track, to, insert: false });
    }
}
