//! Jobs at a line: rendering it, and rendering one frame of it to look at.

use super::queue::{Lane, Order, Ticket};
use super::{JobSink, Shop, Work};
use crate::cache::Cache;
use crate::compose::{self, Laid};
use crate::desk::event::{Event, JobKind, Ready, Screen, Weight};
use crate::desk::request::TakeKey;
use crate::error::EngineError;
use crate::material::Material;
use crate::recipe::{Prepared, draft};
use crate::score;
use crate::take::{self, Held};
use crate::trial::trial;
use lipsmith_base::{Cancel, Progress, Sink, Time};
use lipsmith_project::{CueId, Media, MediaId, NoTake, Project, TakeSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is wanted of a line.
pub enum Task {
    /// A take; what it is made of follows once its films are analysed.
    Render { draft: bool },
    /// A take of which the window has been told.
    Begun { parts: Vec<TakeSpec> },
    /// The frame at a sequence time.
    Test { at: Time },
    /// Pictures that would serve as references.
    Advise,
    /// How well it is in sync.
    Score,
}

impl Shop {
    pub fn ask(&self, cue: CueId, task: Task) {
        let Some(project) = self.findings().project() else { return };
        let unanalysed: BTreeMap<_, _> = {
            let findings = self.findings();
            let films = films_of(&project, cue).into_iter();
            films.filter(|(_, media)| findings.analysis_of(media.fingerprint).is_none()).collect()
        };
        let specs = self.specs(&project, cue);
        let needs: BTreeSet<_> = unanalysed.values().map(|media| media.fingerprint).collect();
        let refused = match (&specs, &task) {
            (Err(NoTake::NotAnalysed { .. }), _) | (Ok(_), _) => None,
            // A line is advised on before it has a voice.
            (Err(NoTake::NoVoice | NoTake::Left), Task::Advise) => None,
            // What is left as it is can be judged too.
            (Err(NoTake::Left), Task::Score) => None,
            (Err(why), _) => Some(why.to_string()),
        };
        let offline = unanalysed.values().find(|media| !media.path.exists());
        let refused = refused.or(offline
            .map(|media| format!("'{}' is not at {}; relink it first", media.name, media.path.display())));
        let task = match (task, specs) {
            (Task::Render { draft: rough }, Ok(parts)) if refused.is_none() => {
                Task::Begun { parts: self.begin(cue, parts, rough) }
            }
            (task, _) => task,
        };
        if self.is_under_way(&project, cue, &task) {
            return self.port.say(Weight::Note, "that is on its way already");
        }
        let kind = match &task {
            Task::Render { .. } => JobKind::Render { cue, takes: Vec::new() },
            Task::Begun { parts } => render_of(cue, parts),
            Task::Test { .. } => JobKind::Test(cue),
            Task::Advise => JobKind::Advise(cue),
            Task::Score => JobKind::Score(cue),
        };
        let urgent = matches!(task, Task::Test { .. } | Task::Advise);
        let title = title(&project, cue);
        let work = Work::Line { cue, project: project.clone(), task, needs };
        if let Some(why) = refused {
            self.port.say(Weight::Failed, format!("{title}: {why}"));
            return self.queue.add_failed(Order { lane: Lane::Lines, kind, title, work, urgent }, why);
        }
        self.order(Lane::Lines, kind, title, work, urgent);
        for (id, media) in unanalysed {
            self.order_analysis(id, media);
        }
    }

    fn specs(&self, project: &Project, cue: CueId) -> Result<Vec<TakeSpec>, NoTake> {
        project.take_specs(cue, &self.findings().knowledge().known())
    }

    /// Tells the window of a take, so that it is kept from now on.
    fn begin(&self, cue: CueId, mut parts: Vec<TakeSpec>, rough: bool) -> Vec<TakeSpec> {
        if rough {
            parts.iter_mut().for_each(|part| part.method = draft(&part.method));
        }
        self.port.tell(Event::Begun { cue, parts: parts.clone(), draft: rough });
        self.findings().begun(&parts);
        parts
    }

    fn is_under_way(&self, now: &Arc<Project>, cue: CueId, task: &Task) -> bool {
        self.queue.any(|work| match (work, task) {
            (Work::Line { task: Task::Begun { parts: a }, .. }, Task::Begun { parts: b }) => a == b,
            (Work::Line { cue: other, task: Task::Render { draft: a }, .. }, Task::Render { draft: b }) => {
                *other == cue && a == b
            }
            // Of another project it would be another score.
            (Work::Line { cue: other, project, task: Task::Score, .. }, Task::Score) => {
                *other == cue && Arc::ptr_eq(project, now)
            }
            _ => false,
        })
    }

    /// Renders a line whose films were not analysed when it was asked for.
    pub fn render(
        &self,
        ticket: &Ticket<Work>,
        project: &Project,
        cue: CueId,
        rough: bool,
        held: &mut Held,
    ) -> Result<(), EngineError> {
        let parts = self.specs(project, cue).map_err(|why| EngineError::Request(why.to_string()))?;
        let parts = self.begin(cue, parts, rough);
        self.queue.specify(ticket.id, render_of(cue, &parts));
        self.render_parts(ticket, project, &parts, held)
    }

    pub fn render_parts(
        &self,
        ticket: &Ticket<Work>,
        project: &Project,
        parts: &[TakeSpec],
        held: &mut Held,
    ) -> Result<(), EngineError> {
        let device = self.findings().device();
        let materials =
            parts.iter().map(|spec| self.material(spec, project)).collect::<Result<Vec<_>, _>>()?;
        let cache = Cache::new(&self.paths.cache);
        let frames = |(spec, material): (&TakeSpec, &Material)| {
            take::layout(material.job(spec).analysis, spec).frames()
        };
        let frames: Vec<_> = parts.iter().zip(&materials).map(frames).collect();
        let total = frames.iter().sum();
        if total == 0 {
            return Err(EngineError::Request(
                "the speaker's face is not seen anywhere under the line; set it to leave the picture as it is".into(),
            ));
        }
        let mut before = 0;
        for ((spec, material), frames) in parts.iter().zip(&materials).zip(frames) {
            let key = spec.key();
            let recipe = Prepared::new(&spec.method, None, &device, &self.paths)?;
            let sink = Growth { job: JobSink { shop: self, id: ticket.id }, key, before, total };
            let folder = cache.folder("takes", key);
            let open = |on_cpu| recipe.open(on_cpu);
            take::render(&material.job(spec), &folder, &open, held, &sink, &ticket.cancel)?;
            self.findings().grown(key, Ready { done: frames, total: frames });
            before += frames;
        }
        self.port.say(Weight::Done, format!("{}: rendered", ticket.title));
        Ok(())
    }

    pub fn test(
        &self,
        project: &Project,
        cue: CueId,
        at: Time,
        held: &mut Held,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let nothing = |why: &str| EngineError::Request(why.to_string());
        let specs = self.specs(project, cue).map_err(|why| nothing(&why.to_string()))?;
        let shown = project.picture_at(at).ok_or_else(|| nothing("there is no film at the playhead"))?;
        let film = project.media.get(&shown.0.media).map(|media| media.fingerprint);
        let spec = specs.iter().find(|spec| Some(spec.film) == film && spec.range.contains(shown.1));
        let spec = spec.ok_or_else(|| nothing("the playhead is not over the line; move it there"))?;
        let material = self.material(spec, project)?;
        let job = material.job(spec);
        // Not in one statement: the others must get at the findings while the device is opened.
        let device = self.findings().device();
        let recipe = Prepared::new(&spec.method, None, &device, &self.paths)?;
        let frame = job.analysis.times().index_at(shown.1);
        let tried = trial(&job, frame, &|on_cpu| recipe.open(on_cpu), held, cancel)?;
        let laid: Vec<_> = tried.patch.into_iter().map(|patch| Laid { patch, opacity: 1.0 }).collect();
        let composed = compose::frame_at(tried.picture, &laid);
        let image = Screen::of(&composed.region(0, 0, composed.width(), composed.height()));
        self.port.tell(Event::Tested { cue, at, image });
        Ok(())
    }

    pub fn score(
        &self,
        project: &Arc<Project>,
        cue: CueId,
        sink: &JobSink,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let device = self.findings().device();
        let (judge, name) = score::open_judge(&self.paths, None, &device)?;
        let bench = score::Bench {
            judge: &judge,
            name: &name,
            cache: Cache::new(&self.paths.cache),
            analysis: &|film| self.findings().analysis_of(film),
        };
        let score = Arc::new(score::score_line(&bench, project, cue, sink, cancel)?);
        self.port.tell(Event::Scored { cue, project: project.clone(), score });
        Ok(())
    }

    fn material(&self, spec: &TakeSpec, project: &Project) -> Result<Material, EngineError> {
        Material::find(spec, project, &|key| self.findings().analysis(key))
    }
}

/// The films that a take of a line is made from.
fn films_of(project: &Project, cue: CueId) -> BTreeMap<MediaId, &Media> {
    let line = project.cues.get(&cue);
    let speaker = line.and_then(|line| project.characters.get(&line.character?));
    let Some((line, speaker)) = line.zip(speaker) else { return BTreeMap::new() };
    let stretches = project.stretches(line.rendered()).into_iter();
    let shown =
        stretches.filter(|s| !speaker.faces_in(s.clip.media, s.film).is_empty()).map(|s| s.clip.media);
    let ids = shown.chain(speaker.footage.iter().map(|(id, _)| *id));
    ids.filter_map(|id| Some((id, project.media.get(&id)?))).collect()
}

fn render_of(cue: CueId, parts: &[TakeSpec]) -> JobKind {
    JobKind::Render { cue, takes: parts.iter().map(TakeSpec::key).collect() }
}

/// What the job is called.
fn title(project: &Project, cue: CueId) -> String {
    let Some(line) = project.cues.get(&cue) else { return format!("Line {cue}") };
    let start = project.sequence.labels().format(project.sequence.start + line.range.start());
    let words: String = line.text.trim().chars().take(40).collect();
    if words.is_empty() { format!("Line at {start}") } else { format!("{start} {words}") }
}

/// Tells of a part of a take, as it grows, as of a share of the whole.
struct Growth<'a> {
    job: JobSink<'a>,
    key: TakeKey,
    /// Frames of the parts before it, and of all.
    before: u64,
    total: u64,
}

impl Sink for Growth<'_> {
    fn progress(&self, progress: Progress) {
        let Progress { stage, done, total } = progress;
        if stage != take::STAGE {
            return self.job.progress(progress);
        }
        if let Some(total) = total {
            self.job.shop.findings().grown(self.key, Ready { done, total });
        }
        self.job.progress(Progress { stage, done: self.before + done, total: Some(self.total) });
    }
    fn note(&self, text: String) {
        self.job.note(text);
    }
    fn doubt(&self, text: String) {
        self.job.doubt(text);
    }
}
