//! Carries out commands: what each means for the project, for how it is looked at, or for the desk.

mod clips;
mod lines;
mod looks;
mod playing;
mod sync;

use super::command::Command;
use super::ctx::{Act, Dialog};
use super::dialogs::{Leaving, Wish};
use super::news::News;
use super::session::{Compare, Selection, Session};
use super::status;
use super::words::Words;
pub use clips::Clipboard;
use lipsmith_base::Time;
use lipsmith_engine::desk::{JobState, Request, Side};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, Ripple, TakeEdit, TrackEdit};
use lipsmith_project::{Cue, CueId, Edit, Marker, Project, Treatment};
use playing::LEAP;
use std::sync::Arc;

const MARKER: [u8; 3] = [240, 199, 94];

/// All that a command may look at and change by itself; edits and requests go out as acts.
pub struct Dispatch<'a> {
    pub project: &'a Project,
    pub session: &'a mut Session,
    pub news: &'a News,
    pub words: &'a Words,
    pub clipboard: &'a mut Clipboard,
    pub acts: &'a mut Vec<Act>,
    pub playing: Option<Time>,
}

impl Dispatch<'_> {
    /// Commands of the window itself (dialogs, layout, undo) are the window's; it gets back those that are not here.
    pub fn run(&mut self, command: Command) -> Option<Command> {
        use Command::*;
        match command {
            Open => self.open(Dialog::Path(Wish::OpenProject)),
            SaveAs => self.open(Dialog::Path(Wish::SaveProject)),
            Import => self.open(Dialog::Path(Wish::Import)),
            ImportScript => self.open(Dialog::Path(Wish::ImportScript)),
            ExportScript => self.open(Dialog::Path(Wish::ExportScript)),
            New => self.open(Dialog::Unsaved(Leaving::New)),
            OpenSample => self.open(Dialog::Unsaved(Leaving::Sample)),
            Quit => self.open(Dialog::Unsaved(Leaving::Quit)),
            Relink => match self.news.offline.first() {
                Some(media) => self.open(Dialog::Path(Wish::Relink(*media))),
                None => self.say("toast-nothing-offline"),
            },
            Export => self.open(Dialog::Export),
            Talk => self.talk(),
            Learn => match self.project.picture_at(self.now()) {
                Some((clip, _)) => self.open(Dialog::Learn(clip.media)),
                None => self.say("toast-no-film"),
            },
            Settings => self.open(Dialog::Settings),
            Palette => self.open(Dialog::Palette),
            Shortcuts => self.open(Dialog::Shortcuts),
            About => self.open(Dialog::About),
            Manual => return Some(command),
            FirstSteps => self.open(Dialog::FirstSteps),
            EnterTimecode => self.open(Dialog::Timecode),

            Cut => {
                self.copy();
                self.delete(Ripple::Off, "Cut");
            }
            Copy => self.copy(),
            Paste => self.paste(),
            Duplicate => {
                self.copy();
                if let Some(end) = self.selected_end() {
                    self.session.playhead = end;
                }
                self.paste();
            }
            Delete => self.delete(Ripple::Off, "Delete"),
            RippleDelete => self.delete(Ripple::All, "Ripple delete"),
            SelectAll => self.select_all(),
            SelectNone => self.session.selection = Selection::default(),

            PlayStop if self.playing.is_some() => self.stop(),
            PlayStop => self.play(1.0, None),
            Halt => self.stop(),
            Forward => self.shuttle(1.0),
            Backward => self.shuttle(-1.0),
            StepBack => self.step(-1),
            StepForward => self.step(1),
            LeapBack => self.step(-LEAP),
            LeapForward => self.step(LEAP),
            ToStart => self.seek(Time::ZERO),
            ToEnd => self.seek(self.project.duration() - self.frame()),
            PreviousEdit => self.seek_among(self.edges(), false),
            NextEdit => self.seek_among(self.edges(), true),
            PlayAround => self.play_around(),
            Loop => {
                self.session.looping = !self.session.looping;
                if self.playing.is_some() {
                    self.play(self.session.speed, None);
                }
            }

            MarkIn => self.session.mark_in = Some(self.now()),
            MarkOut => self.session.mark_out = Some(self.now() + self.frame()),
            ToIn => self.session.mark_in.into_iter().for_each(|at| self.seek(at)),
            ToOut => self.session.mark_out.into_iter().for_each(|at| self.seek(at - self.frame())),
            ClearMarks => (self.session.mark_in, self.session.mark_out) = (None, None),
            MarkSelection => {
                if let Some(range) = self.selected_range() {
                    self.session.mark_in = Some(range.start());
                    self.session.mark_out = Some(range.end());
                }
            }
            AddMarker => {
                let name = format!("Marker {}", self.project.markers.len() + 1);
                self.edit(CastEdit::AddMarker(Marker { at: self.now(), name, colour: MARKER }));
            }
            NextMarker => self.seek_among(self.markers(), true),
            PreviousMarker => self.seek_among(self.markers(), false),

            Split => {
                let at = self.now();
                self.at_playhead(
                    "Split",
                    |clip| ClipEdit::Split { clip: clip.id, at }.into(),
                    |cue, _| Some(CueEdit::Split { cue, at }.into()),
                );
            }
            TrimHead => self.trim(Edge::Head, Ripple::Off),
            TrimTail => self.trim(Edge::Tail, Ripple::Off),
            RippleTrimHead => self.trim(Edge::Head, Ripple::All),
            RippleTrimTail => self.trim(Edge::Tail, Ripple::All),
            NudgeBack => self.nudge(-1),
            NudgeForward => self.nudge(1),
            CloseGap => {
                let (track, at) = (self.project.sequence.picture.id, self.now());
                self.edit(ClipEdit::CloseGap { track, at, ripple: Ripple::All });
            }
            AddTrack => {
                let name = self.words.numbered("track-voice", self.project.sequence.voices.len() + 1);
                self.edit(TrackEdit::Add { name });
            }
            Snap => self.session.timeline.snap = !self.session.timeline.snap,
            ZoomIn => self.zoom(0.5),
            ZoomOut => self.zoom(2.0),
            ZoomAll => self.session.timeline.fit = true,
            ZoomSelection => {
                if let Some(range) = self.selected_range().or_else(|| self.session.marked(self.project)) {
                    self.session.timeline.from = range.start();
                    self.session.timeline.scale = range.duration().secs_f64() / 800.0;
                }
            }

            NewCue => self.new_cue(),
            SyncOrLeave => self.each_cue("Sync or leave", |id, cue| {
                let treatment = match cue.treatment {
                    Treatment::Sync => Treatment::Leave,
                    Treatment::Leave => Treatment::Sync,
                };
                Some(CueEdit::Treat { cue: id, treatment }.into())
            }),
            Render => self.render(false),
            RenderDraft => self.render(true),
            RenderAll => {
                let lacks = |(id, cue): &(&CueId, &Arc<Cue>)| {
                    status::of_line(self.project, **id, cue, self.news).needs_rendering()
                };
                let lacking: Vec<_> = self.project.cues.iter().filter(lacks).map(|(id, _)| *id).collect();
                self.spoken(&lacking, |this, cue| this.ask(Request::Render { cue, draft: false }));
            }
            TestFrame => self.at_line(|this, cue| this.ask(Request::Test { cue, at: this.now() })),
            CancelJobs => {
                let active = |state: &JobState| matches!(state, JobState::Running | JobState::Waiting);
                for job in self.news.jobs.iter().filter(|job| active(&job.state)) {
                    self.acts.push(Act::Ask(Request::Cancel(job.id)));
                }
            }
            PlaceFace => self.place_face(),
            TrackFace => self.each_cue("Track face", |cue, line| {
                (!line.faces.is_empty()).then(|| CueEdit::TrackFace { cue, at: None }.into())
            }),
            SetReference => self.set_reference(false),
            ReferenceHere => self.set_reference(true),
            ClearReferences => self.clear_references(),
            Advise => self.at_line(|this, cue| this.ask(Request::Advise { cue })),
            Score => self.score(),
            NextWorst => self.next_worst(),
            NudgeVoice => self.nudge_voice(),
            NextLine => self.line(true, |_, _| true),
            PreviousLine => self.line(false, |_, _| true),
            NextUnsynced => self.line(true, |this, id| {
                let cue = &this.project.cues[&id];
                status::of_line(this.project, id, cue, this.news).needs_rendering()
            }),
            ShowOriginal => {
                self.each_cue("Show original", |cue, _| Some(TakeEdit::Choose { cue, take: None }.into()))
            }
            Take1 => self.take(0),
            Take2 => self.take(1),
            Take3 => self.take(2),
            Take4 => self.take(3),
            Take5 => self.take(4),
            Take6 => self.take(5),
            Take7 => self.take(6),
            Take8 => self.take(7),
            Take9 => self.take(8),
            CompTake => self.comp(),

            ShowDub => self.look(Compare::Alone, [Side::Dub, Side::Film]),
            ShowFilm => self.look(Compare::Alone, [Side::Film, Side::Dub]),
            Flip => self.session.viewer.sides.swap(0, 1),
            Wipe => self.compare(Compare::Wipe),
            SideBySide => self.compare(Compare::SideBySide),
            Difference => self.look(Compare::Alone, [Side::Difference, Side::Film]),
            Matte => self.look(Compare::Alone, [Side::Matte, Side::Film]),
            Boxes => self.session.viewer.boxes = !self.session.viewer.boxes,
            SafeAreas => self.session.viewer.safe_areas = !self.session.viewer.safe_areas,
            BurnIn => self.session.viewer.burn_in = !self.session.viewer.burn_in,
            ViewFit => (self.session.viewer.zoom, self.session.viewer.centre) = (None, [0.5, 0.5]),
            ViewOne => self.session.viewer.zoom = Some(1.0),
            ViewIn => self.view_zoom(1.25),
            ViewOut => self.view_zoom(0.8),

            Save | Undo | Redo | FullScreen | Larger | Smaller | ResetLayout | NextLanguage => {
                return Some(command);
            }
        }
        None
    }

    fn open(&mut self, dialog: Dialog) {
        self.acts.push(Act::Open(dialog));
    }

    fn ask(&mut self, request: Request) {
        self.acts.push(Act::Ask(request));
    }

    fn edit(&mut self, edit: impl Into<Edit>) {
        self.acts.push(Act::Edit(edit.into()));
    }

    fn several(&mut self, label: &str, edits: Vec<Edit>) {
        if !edits.is_empty() {
            self.edit(Edit::Several { label: label.into(), edits });
        }
    }

    fn say(&mut self, key: &'static str) {
        self.acts.push(Act::Say(key));
    }

    fn frame(&self) -> Time {
        self.project.sequence.rate.frame_duration()
    }

    /// Where the editor is: what is heard while playing, else the playhead.
    fn now(&self) -> Time {
        let rate = self.project.sequence.rate;
        let at = self.playing.unwrap_or(self.session.playhead);
        rate.frame_start(rate.frame_at(at))
    }
}
