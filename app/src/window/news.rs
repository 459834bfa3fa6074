//! What the desk has told so far: jobs, faces, waveforms, thumbnails, the state of takes. Panels read it; only
//! [`News::take_in`] writes it.

use lipsmith_base::{Digest, Time};
use lipsmith_engine::Peaks;
use lipsmith_engine::desk::{
    Advised, Desk, Event, FilmFaces, Frame, Job, JobId, JobKind, JobState, Knowledge, Ready, Recovery,
    Screen, TakeKey, Weight,
};
use lipsmith_engine::models::{FamilyState, Model, Report};
use lipsmith_engine::score::{LineScore, is_as_judged};
use lipsmith_project::{Clip, CueId, MediaId, Project};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

/// Lines kept in the log.
const LOG: usize = 2_000;
/// Thumbnails kept as textures.
const THUMBS: usize = 600;

#[derive(Default)]
pub struct News {
    pub jobs: Vec<Job>,
    pub faces: BTreeMap<Digest, Arc<FilmFaces>>,
    pub peaks: BTreeMap<Digest, Arc<Peaks>>,
    pub offline: BTreeSet<MediaId>,
    pub takes: BTreeMap<TakeKey, Ready>,
    pub knows: Arc<Knowledge>,
    pub recoverable: Vec<Recovery>,
    pub models: Vec<Model>,
    pub families: Vec<FamilyState>,
    pub identified: Option<(PathBuf, Result<Box<Report>, String>)>,
    pub advice: Option<(CueId, Vec<(Advised, egui::TextureHandle)>)>,
    pub tested: Option<(CueId, Time, egui::TextureHandle)>,
    /// Curves and pictures of the last examination of each lesson.
    pub lessons: BTreeMap<JobId, [egui::TextureHandle; 2]>,
    pub scores: BTreeMap<CueId, Judged>,
    pub log: VecDeque<(Weight, String)>,
    /// The frame on screen.
    pub frame: Option<Shown>,
    thumbs: HashMap<(Digest, Time), egui::TextureHandle>,
}

/// How well a line was in sync, and the project in which it was judged.
pub struct Judged {
    pub score: Arc<LineScore>,
    project: Arc<Project>,
}

/// A frame as textures.
pub struct Shown {
    pub frame: Frame,
    pub sides: Vec<egui::TextureHandle>,
}

impl News {
    /// Keeps an event; gives back what the document or the window must act on.
    pub fn take_in(&mut self, event: Event, ctx: &egui::Context) -> Option<Event> {
        match event {
            Event::Jobs(jobs) => {
                self.lessons.retain(|lesson, _| jobs.iter().any(|job| job.id == *lesson));
                self.jobs = jobs;
            }
            Event::Faces { film, faces } => {
                self.faces.insert(film, faces.clone());
                return Some(Event::Faces { film, faces });
            }
            Event::Peaks { media, peaks } => {
                self.peaks.insert(media, peaks);
            }
            Event::Thumb { film, at, image } => {
                if self.thumbs.len() >= THUMBS {
                    self.thumbs.clear();
                }
                self.thumbs.insert((film, at), texture(ctx, "thumb", &image));
            }
            Event::Offline(media) => self.offline = media,
            Event::Takes(takes) => self.takes = takes,
            Event::Knows(knowledge) => self.knows = knowledge,
            Event::Recoverable(left) => self.recoverable.extend(left),
            Event::Models { models, families } => (self.models, self.families) = (models, families),
            Event::Identified { path, report } => self.identified = Some((path, report)),
            Event::Advice { cue, pictures } => {
                let shown = pictures.into_iter().map(|picture| {
                    let texture = texture(ctx, "advice", &picture.image);
                    (picture, texture)
                });
                self.advice = Some((cue, shown.collect()));
            }
            Event::Tested { cue, at, image } => {
                self.tested = Some((cue, at, texture(ctx, "test", &image)));
            }
            Event::Learning { job, curve, picture } => {
                let pictures = [&curve, &picture].map(|screen| texture(ctx, "lesson", screen));
                self.lessons.insert(job, pictures);
            }
            Event::Scored { cue, project, score } => {
                self.scores.insert(cue, Judged { score, project });
            }
            other => return Some(other),
        }
        None
    }

    /// A line's score, and whether the line still is as it was judged.
    pub fn score(&self, project: &Project, cue: CueId) -> Option<(&LineScore, bool)> {
        let judged = self.scores.get(&cue)?;
        Some((&judged.score, is_as_judged(&judged.project, project, cue)))
    }

    pub fn log(&mut self, weight: Weight, text: String) {
        self.log.push_back((weight, text));
        if self.log.len() > LOG {
            self.log.pop_front();
        }
    }

    /// Uploads the desk's newest frame, if there is one.
    pub fn take_frame(&mut self, desk: &Desk, ctx: &egui::Context) {
        let Some(mut frame) = desk.frame() else { return };
        let mut textures = self.frame.take().map(|shown| shown.sides).unwrap_or_default();
        textures.truncate(frame.sides.len());
        for (at, side) in frame.sides.iter_mut().enumerate() {
            let image = picture(side);
            // The pixels live on the screen's side from here on.
            side.rgba = Vec::new();
            match textures.get_mut(at) {
                Some(texture) => texture.set(image, egui::TextureOptions::LINEAR),
                None => textures.push(ctx.load_texture("frame", image, egui::TextureOptions::LINEAR)),
            }
        }
        self.frame = Some(Shown { frame, sides: textures });
    }

    /// Who is seen in the film of a clip.
    pub fn faces_in(&self, project: &Project, clip: &Clip) -> Option<&FilmFaces> {
        let film = project.media.get(&clip.media)?;
        self.faces.get(&film.fingerprint).map(|faces| &**faces)
    }

    pub fn thumb(&self, film: Digest, at: Time) -> Option<&egui::TextureHandle> {
        self.thumbs.get(&(film, at))
    }

    /// The job that renders a line now or soon.
    pub fn render_job(&self, cue: CueId) -> Option<&Job> {
        let of_cue = |job: &&Job| matches!(&job.kind, JobKind::Render { cue: of, .. } if *of == cue);
        let mut jobs = self.jobs.iter().rev().filter(of_cue);
        let last = jobs.next()?;
        let active = |job: &&Job| matches!(job.state, JobState::Running | JobState::Waiting);
        Some(std::iter::once(last).chain(jobs).find(active).unwrap_or(last))
    }

    /// Forgets what belonged to another project.
    pub fn forget_project(&mut self) {
        self.takes.clear();
        self.offline.clear();
        self.scores.clear();
        (self.advice, self.tested, self.frame) = (None, None, None);
    }
}

fn picture(screen: &Screen) -> egui::ColorImage {
    if screen.rgba.len() == screen.width * screen.height * 4 && screen.width > 0 && screen.height > 0 {
        egui::ColorImage::from_rgba_unmultiplied([screen.width, screen.height], &screen.rgba)
    } else {
        egui::ColorImage::filled([1, 1], egui::Color32::BLACK)
    }
}

fn texture(ctx: &egui::Context, name: &str, screen: &Screen) -> egui::TextureHandle {
    ctx.load_texture(name, picture(screen), egui::TextureOptions::LINEAR)
}
