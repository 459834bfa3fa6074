//! Carries out commands: what each means for the project, for how it is looked at, or for the desk.

use super::command::Command;
use super::ctx::{Act, Dialog};
use super::dialogs::{Leaving, Wish};
use super::news::News;
use super::session::{Compare, Selection, Session};
use super::status;
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::desk::{JobState, Request, Side};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, Ripple, TakeEdit, TrackEdit};
use lipsmith_project::{Clip, Cue, CueId, Edit, Marker, Project, Reference, Track, Treatment};

/// J and L go through these speeds.
const SPEEDS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// Frames of a leap.
const LEAP: i64 = 10;
/// Watched before and after a line by play-around.
const AROUND: Time = Time(lipsmith_base::time::FLICKS);
/// Length of a line that is made where nothing says how long it is.
const NEW_LINE: Time = Time(2 * lipsmith_base::time::FLICKS);
const MARKER: [u8; 3] = [240, 199, 94];

/// What was cut or copied: clips with their tracks, at their distance from the first, and lines without takes.
#[derive(Clone, Debug, Default)]
pub struct Clipboard {
    clips: Vec<(lipsmith_project::TrackId, Clip)>,
    cues: Vec<Cue>,
}

/// All that a command may look at and change by itself; edits and requests go out as acts.
pub struct Dispatch<'a> {
    pub project: &'a Project,
    pub session: &'a mut Session,
    pub news: &'a News,
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
            Settings => self.open(Dialog::Settings),
            Palette => self.open(Dialog::Palette),
            Shortcuts => self.open(Dialog::Shortcuts),
            About => self.open(Dialog::About),
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
            Loop => self.session.looping = !self.session.looping,

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
                self.clips_at_playhead("Split", |clip| ClipEdit::Split { clip: clip.id, at });
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
                let name = format!("Voice {}", self.project.sequence.voices.len() + 1);
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
                for (id, cue) in self.project.cues.iter() {
                    if status::of_line(self.project, *id, cue, self.news).needs_rendering() {
                        self.ask(Request::Render { cue: *id, draft: false });
                    }
                }
            }
            TestFrame => match self.session.cue(self.project) {
                Some(cue) => self.ask(Request::Test { cue, at: self.now() }),
                None => self.say("toast-no-line"),
            },
            CancelJobs => {
                let active = |state: &JobState| matches!(state, JobState::Running | JobState::Waiting);
                for job in self.news.jobs.iter().filter(|job| active(&job.state)) {
                    self.acts.push(Act::Ask(Request::Cancel(job.id)));
                }
            }
            SetReference => self.set_reference(),
            ClearReferences => self.clear_references(),
            Advise => match self.session.cue(self.project) {
                Some(cue) => self.ask(Request::Advise { cue }),
                None => self.say("toast-no-line"),
            },
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

    fn seek(&mut self, to: Time) {
        self.acts.push(Act::Seek { to, scrub: false });
    }

    fn step(&mut self, frames: i64) {
        if self.playing.is_some() {
            self.stop();
        }
        let rate = self.project.sequence.rate;
        let to = rate.frame_start((rate.frame_at(self.now()) + frames).max(0));
        self.acts.push(Act::Seek { to, scrub: true });
    }

    fn stop(&mut self) {
        let at = self.now();
        self.session.speed = 0.0;
        self.ask(Request::Stop);
        self.seek(at);
    }

    fn play(&mut self, speed: f64, within: Option<TimeRange>) {
        let end = self.project.duration();
        if end <= Time::ZERO {
            return;
        }
        let within = within.or_else(|| {
            self.session
                .looping
                .then(|| self.session.marked(self.project).unwrap_or(TimeRange::new(Time::ZERO, end)))
        });
        let now = self.now();
        let from = match within {
            Some(range) if !range.contains(now) => range.start(),
            // Playing from the end begins anew.
            None if speed > 0.0 && now + self.frame() >= end => Time::ZERO,
            _ => now,
        };
        self.session.speed = speed;
        self.ask(Request::Play { from, speed, within });
    }

    /// Each press doubles the speed; the other direction first halves it.
    fn shuttle(&mut self, direction: f64) {
        let speed = if self.playing.is_some() { self.session.speed * direction } else { 0.0 };
        let next = if speed <= 0.0 && speed > -2.0 {
            1.0
        } else if speed < 0.0 {
            speed / 2.0
        } else {
            SPEEDS.into_iter().find(|s| *s > speed).unwrap_or(speed)
        };
        self.play(next * direction, None);
    }

    fn play_around(&mut self) {
        let line = self.session.cue(self.project).and_then(|id| self.project.cues.get(&id));
        let Some(range) = line.map(|cue| cue.range).or_else(|| self.session.marked(self.project)) else {
            return self.play(1.0, None);
        };
        let from = (range.start() - AROUND).max(Time::ZERO);
        self.play(1.0, Some(TimeRange::new(from, (range.end() + AROUND).min(self.project.duration()))));
    }

    fn seek_among(&mut self, mut places: Vec<Time>, forward: bool) {
        let now = self.now();
        places.sort();
        let next = if forward {
            places.into_iter().find(|at| *at > now)
        } else {
            places.into_iter().rev().find(|at| *at < now)
        };
        next.into_iter().for_each(|at| self.seek(at));
    }

    /// Where clips and lines begin and end.
    fn edges(&self) -> Vec<Time> {
        let clips = self.project.sequence.tracks().flat_map(|track| track.clips.iter());
        let clips = clips.flat_map(|clip| [clip.start, clip.end()]);
        clips.chain(self.project.cues.values().flat_map(|cue| [cue.range.start(), cue.range.end()])).collect()
    }

    fn markers(&self) -> Vec<Time> {
        self.project.markers.values().map(|marker| marker.at).collect()
    }

    /// Selected clips that are not locked, with their tracks.
    fn selected(&self) -> Vec<(&Track, &Clip)> {
        let tracks = self.project.sequence.tracks().filter(|track| !track.locked);
        let clips = tracks.flat_map(|track| track.clips.iter().map(move |clip| (&**track, clip)));
        clips.filter(|(_, clip)| self.session.selection.clips.contains(&clip.id)).collect()
    }

    fn selected_range(&self) -> Option<TimeRange> {
        let clips = self.selected().into_iter().map(|(_, clip)| clip.range());
        let cues = self.session.selection.cues.iter().filter_map(|id| Some(self.project.cues.get(id)?.range));
        let ranges: Vec<_> = clips.chain(cues).collect();
        let start = ranges.iter().map(|range| range.start()).min()?;
        let end = ranges.iter().map(|range| range.end()).max()?;
        Some(TimeRange::new(start, end))
    }

    fn selected_end(&self) -> Option<Time> {
        self.selected_range().map(TimeRange::end)
    }

    fn select_all(&mut self) {
        let clips = self.project.sequence.tracks().flat_map(|track| track.clips.iter().map(|clip| clip.id));
        self.session.selection.clips = clips.collect();
        self.session.selection.cues = self.project.cues.keys().copied().collect();
        self.session.selection.markers = self.project.markers.keys().copied().collect();
    }

    fn copy(&mut self) {
        let clips: Vec<_> =
            self.selected().into_iter().map(|(track, clip)| (track.id, clip.clone())).collect();
        let cues = self.session.selection.cues.iter().filter_map(|id| self.project.cues.get(id));
        let cues: Vec<_> = cues.map(|cue| (**cue).clone()).collect();
        if !clips.is_empty() || !cues.is_empty() {
            *self.clipboard = Clipboard { clips, cues };
        }
    }

    fn paste(&mut self) {
        let Clipboard { clips, cues } = self.clipboard.clone();
        let starts = clips.iter().map(|(_, clip)| clip.start).chain(cues.iter().map(|cue| cue.range.start()));
        let Some(first) = starts.min() else { return };
        let by = self.now() - first;
        let here = |track: &lipsmith_project::TrackId| {
            self.project.sequence.tracks().any(|known| known.id == *track && !known.locked)
        };
        let clips =
            clips.iter().filter(|(track, clip)| here(track) && self.project.media.contains_key(&clip.media));
        let clips = clips.map(|(track, clip)| {
            Edit::from(ClipEdit::Place {
                track: *track,
                media: clip.media,
                source: clip.source,
                at: clip.start + by,
                ripple: Ripple::Off,
            })
        });
        let cues = cues.iter().map(|cue| {
            let character = cue.character.filter(|id| self.project.characters.contains_key(id));
            let range = cue.range.shifted(by);
            Edit::from(CueEdit::Add { range, text: cue.text.clone(), character, voice: None })
        });
        let edits: Vec<_> = clips.chain(cues).collect();
        self.several("Paste", edits);
    }

    fn delete(&mut self, ripple: Ripple, label: &str) {
        // From the end, so that a ripple does not move what is still to go.
        let mut clips = self.selected();
        clips.sort_by_key(|(_, clip)| std::cmp::Reverse(clip.start));
        let clips = clips.into_iter().map(|(_, clip)| Edit::from(ClipEdit::Remove { clip: clip.id, ripple }));
        let cues = self.session.selection.cues.iter().map(|cue| Edit::from(CueEdit::Remove(*cue)));
        let markers = self.session.selection.markers.iter().map(|id| Edit::from(CastEdit::RemoveMarker(*id)));
        let edits: Vec<_> = clips.chain(cues).chain(markers).collect();
        self.several(label, edits);
    }

    /// The selected clips under the playhead, or all that are there and not locked.
    fn clips_at_playhead(&mut self, label: &str, edit: impl Fn(&Clip) -> ClipEdit) {
        let at = self.now();
        let inside = |clip: &Clip| clip.start < at && at < clip.end();
        let mut clips: Vec<_> = self.selected().into_iter().filter(|(_, clip)| inside(clip)).collect();
        if clips.is_empty() {
            let tracks = self.project.sequence.tracks().filter(|track| !track.locked);
            clips = tracks.filter_map(|track| Some((&**track, track.clip_at(at)?))).collect();
            clips.retain(|(_, clip)| inside(clip));
        }
        let edits = clips.into_iter().map(|(_, clip)| edit(clip).into()).collect();
        self.several(label, edits);
    }

    fn trim(&mut self, edge: Edge, ripple: Ripple) {
        let to = self.now();
        self.clips_at_playhead("Trim", |clip| ClipEdit::Trim { clip: clip.id, edge, to, ripple });
    }

    fn nudge(&mut self, frames: i64) {
        let rate = self.project.sequence.rate;
        let by = if frames < 0 { -rate.frame_start(-frames) } else { rate.frame_start(frames) };
        let mut clips = self.selected();
        // The one in front makes room for the next.
        clips.sort_by_key(|(_, clip)| if frames < 0 { clip.start } else { -clip.start });
        let clips = clips.into_iter().map(|(track, clip)| {
            Edit::from(ClipEdit::Move { clip: clip.id, track: track.id, to: clip.start + by, insert: false })
        });
        let cues = self.session.selection.cues.iter().filter_map(|id| {
            let cue = self.project.cues.get(id)?;
            Some(Edit::from(CueEdit::Move { cue: *id, range: cue.range.shifted(by) }))
        });
        let edits: Vec<_> = clips.chain(cues).collect();
        self.several("Nudge", edits);
    }

    /// About the playhead.
    fn zoom(&mut self, factor: f64) {
        let look = &mut self.session.timeline;
        let offset = (self.session.playhead - look.from).secs_f64();
        let scale = (look.scale * factor).clamp(1e-5, 60.0);
        let kept = offset * scale / look.scale;
        look.from = (self.session.playhead - Time::from_secs_f64(kept)).max(Time::ZERO);
        look.scale = scale;
    }

    fn new_cue(&mut self) {
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
    fn cues(&mut self) -> Vec<(CueId, Cue)> {
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

    fn each_cue(&mut self, label: &str, edit: impl Fn(CueId, &Cue) -> Option<Edit>) {
        let edits = self.cues().iter().filter_map(|(id, cue)| edit(*id, cue)).collect();
        self.several(label, edits);
    }

    fn render(&mut self, draft: bool) {
        for (cue, _) in self.cues() {
            self.ask(Request::Render { cue, draft });
        }
    }

    fn take(&mut self, index: usize) {
        self.each_cue("Choose take", |cue, line| {
            let take = line.takes.keys().nth(index).copied()?;
            Some(TakeEdit::Choose { cue, take: Some(take) }.into())
        });
    }

    /// Shows the take after the chosen one over the marked part of the line.
    fn comp(&mut self) {
        let Some(marked) = self.session.marked(self.project) else { return self.say("toast-no-marks") };
        self.each_cue("Comp takes", |cue, line| {
            let range = marked.intersect(line.range).shifted(-line.range.start());
            let chosen = line.chosen?;
            let next = line.takes.keys().copied().find(|id| *id > chosen);
            let take = next.or_else(|| line.takes.keys().copied().find(|id| *id != chosen))?;
            (!range.is_empty()).then(|| TakeEdit::Comp { cue, range, take: Some(take) }.into())
        });
    }

    /// The frame on screen becomes the reference of the line's speaker, from the line's beginning on.
    fn set_reference(&mut self) {
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
        let from = (cue.range.start().max(clip.start) + clip.offset()).max(clip.source.start());
        character.references.retain(|key| key.media != clip.media || key.from != from);
        character.references.push(Reference { media: clip.media, from, picture });
        self.edit(CastEdit::SetCharacter(id, character));
        self.say("toast-reference-set");
    }

    fn clear_references(&mut self) {
        let speakers: std::collections::BTreeSet<_> =
            self.cues().iter().filter_map(|(_, cue)| cue.character).collect();
        let edits = speakers.into_iter().filter_map(|id| {
            let mut character = self.project.characters.get(&id)?.clone();
            character.references.clear();
            Some(CastEdit::SetCharacter(id, character).into())
        });
        let edits = edits.collect();
        self.several("Clear references", edits);
    }

    fn line(&mut self, forward: bool, wanted: impl Fn(&Self, CueId) -> bool) {
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

    fn look(&mut self, compare: Compare, sides: [Side; 2]) {
        let viewer = &mut self.session.viewer;
        let again = viewer.compare == compare && viewer.sides[0] == sides[0];
        // A second press goes back to the dub.
        (viewer.compare, viewer.sides) =
            if again { (Compare::Alone, [Side::Dub, Side::Film]) } else { (compare, sides) };
    }

    fn compare(&mut self, compare: Compare) {
        let viewer = &mut self.session.viewer;
        viewer.compare = if viewer.compare == compare { Compare::Alone } else { compare };
        if viewer.sides[0] == viewer.sides[1] || matches!(viewer.sides[0], Side::Difference | Side::Matte) {
            viewer.sides = [Side::Dub, Side::Film];
        }
    }

    fn view_zoom(&mut self, factor: f32) {
        let viewer = &mut self.session.viewer;
        viewer.zoom = Some((viewer.zoom.unwrap_or(0.5) * factor).clamp(0.05, 16.0));
    }
}
