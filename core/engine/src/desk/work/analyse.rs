//! Face analyses: found in the cache, or made in the background, once for each film of the project.

use super::faces::{Sightings, film_faces};
use super::queue::Lane;
use super::{Errand, Shop, Work};
use crate::analysis::{Analysis, Analyst};
use crate::desk::event::{Event, FilmFaces, JobId, JobKind, Weight};
use crate::error::EngineError;
use crate::material::present;
use lipsmith_base::{Cancel, Progress, Sink};
use lipsmith_lipsync::face::Shot;
use lipsmith_media::FrameTimes;
use lipsmith_project::{Media, MediaId, Project};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is known so far is told at most this often.
const TELL_EVERY: Duration = Duration::from_secs(1);

impl Shop {
    /// Takes up the project as it now is.
    pub fn follow(&self, project: Arc<Project>) {
        let fresh = {
            let mut findings = self.findings();
            let films = findings.project().is_none_or(|before| !same_films(&before, &project));
            findings.follow(project.clone());
            if films { findings.seek(&films_of(&project)) } else { Vec::new() }
        };
        fresh.into_iter().for_each(|(id, media)| self.errand(Errand::Recall(id, media)));
    }

    pub fn recall(&self, id: MediaId, media: &Media) {
        // A film that is offline is told of elsewhere, and looked for again when it is relinked.
        if !media.path.exists() {
            return;
        }
        let found = present(media).and_then(|path| {
            let analysis = Analyst::new(&self.paths, &(), &self.closing).recall(&path, media.fingerprint)?;
            analysis.map(|analysis| Ok((film_faces(&analysis)?, analysis))).transpose()
        });
        match found {
            Ok(Some((faces, analysis))) => self.analysed(media, analysis, faces),
            Ok(None) => self.order_analysis(id, media),
            Err(EngineError::Cancelled) => {}
            Err(error) => {
                self.port.say(Weight::Failed, error.to_string());
                let work = Work::Analyse(media.clone());
                self.give_up(&work, "failed");
            }
        }
    }

    /// Puts the analysis on the list, unless it is there.
    pub fn order_analysis(&self, id: MediaId, media: &Media) {
        let of_film =
            |work: &Work| matches!(work, Work::Analyse(other) if other.fingerprint == media.fingerprint);
        let wanted = |work: &Work| work.needs().is_some_and(|films| films.contains(&media.fingerprint));
        if !self.queue.any(of_film) {
            let work = Work::Analyse(media.clone());
            self.order(Lane::Faces, JobKind::Analyse(id), media.name.clone(), work, false);
        }
        if self.queue.any(wanted) {
            self.queue.prefer(of_film);
        }
    }

    pub fn analyse(&self, job: JobId, media: &Media, cancel: &Cancel) -> Result<(), EngineError> {
        let path = present(media)?;
        let sink = Yielding { shop: self, job };
        let so_far = RefCell::new((Sightings::default(), None::<Instant>));
        let watch = |shot: &Shot, times: &FrameTimes| {
            let (sightings, told) = &mut *so_far.borrow_mut();
            sightings.add(shot, times);
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                *told = Some(Instant::now());
                self.port
                    .tell(Event::Faces { film: media.fingerprint, faces: Arc::new(sightings.faces(None)) });
            }
        };
        let analyst = Analyst::new(&self.paths, &sink, cancel).watched(&watch);
        let analysis = analyst.analyse(&path, media.fingerprint)?;
        let faces = film_faces(&analysis)?;
        self.analysed(media, analysis, faces);
        Ok(())
    }

    fn analysed(&self, media: &Media, analysis: Analysis, faces: FilmFaces) {
        self.findings().analysed(media.fingerprint, analysis, faces);
        // Lines may have waited for it.
        self.queue.wake();
    }
}

/// The films whose people matter: on the picture track, or shown to families as an actor's footage.
fn films_of(project: &Project) -> BTreeMap<MediaId, &Media> {
    let seen = project.sequence.picture.clips.iter().map(|clip| clip.media);
    let footage = project.characters.values().flat_map(|c| c.footage.iter().map(|(media, _)| *media));
    let media = seen.chain(footage).filter_map(|id| Some((id, project.media.get(&id)?)));
    media.filter(|(_, media)| media.video.is_some()).collect()
}

/// Whether no edit between the two can have changed [`films_of`].
fn same_films(a: &Project, b: &Project) -> bool {
    Arc::ptr_eq(&a.media, &b.media)
        && Arc::ptr_eq(&a.sequence.picture, &b.sequence.picture)
        && Arc::ptr_eq(&a.characters, &b.characters)
}

/// Tells of an analysis, and holds it up while a line is rendered.
struct Yielding<'a> {
    shop: &'a Shop,
    job: JobId,
}

impl Sink for Yielding<'_> {
    fn progress(&self, progress: Progress) {
        self.shop.queue.give_way(self.job, Lane::Lines);
        self.shop.queue.progress(self.job, &progress);
    }
    fn note(&self, text: String) {
        self.shop.port.say(Weight::Note, text);
    }
}
