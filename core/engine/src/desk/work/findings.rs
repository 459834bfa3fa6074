//! What the jobs have found out and share, and what of it the window has been told.

use super::stock::Stock;
use crate::analysis::Analysis;
use crate::desk::event::{Event, FilmFaces, Knowledge, Ready};
use crate::desk::port::Port;
use crate::desk::request::TakeKey;
use crate::paths::Paths;
use crate::recipe::best;
use crate::take;
use candle_core::Device;
use lipsmith_base::Digest;
use lipsmith_nets::device;
use lipsmith_project::{Media, MediaId, Project, TakeSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

pub struct Findings {
    port: Port,
    project: Option<Arc<Project>>,
    /// By the film's fingerprint.
    analyses: BTreeMap<Digest, (Arc<Analysis>, Arc<FilmFaces>)>,
    /// Films that have been taken care of, and where they were.
    sought: BTreeMap<Digest, PathBuf>,
    /// By family; `None` before anybody has looked.
    checkpoints: Option<BTreeMap<String, Digest>>,
    /// What judges sync, in words.
    judge: Option<String>,
    /// A name of `lipsmith_nets::device`, and the device in words.
    device: (String, String),
    /// It is more than the processor.
    accelerated: bool,
    stock: Stock,
    told_faces: BTreeSet<Digest>,
    told: Option<Arc<Knowledge>>,
}

impl Findings {
    pub fn new(paths: &Paths, port: Port) -> Findings {
        Findings {
            port,
            project: None,
            analyses: BTreeMap::new(),
            sought: BTreeMap::new(),
            checkpoints: None,
            judge: None,
            device: ("auto".into(), String::new()),
            accelerated: false,
            stock: Stock::new(paths),
            told_faces: BTreeSet::new(),
            told: None,
        }
    }

    pub fn project(&self) -> Option<Arc<Project>> {
        self.project.clone()
    }

    pub fn device(&self) -> String {
        self.device.0.clone()
    }

    pub fn analysis_of(&self, film: Digest) -> Option<Arc<Analysis>> {
        self.analyses.get(&film).map(|(analysis, _)| analysis.clone())
    }

    /// By the analysis' own key.
    pub fn analysis(&self, key: Digest) -> Option<Arc<Analysis>> {
        let analyses = self.analyses.values().map(|(analysis, _)| analysis);
        analyses.into_iter().find(|analysis| analysis.key() == key).cloned()
    }

    /// `films`: fingerprints.
    pub fn has_analysed(&self, films: &BTreeSet<Digest>) -> bool {
        films.iter().all(|film| self.analyses.contains_key(film))
    }

    /// The films that nobody has taken care of yet, at the place where they now are.
    pub fn seek(&mut self, films: &BTreeMap<MediaId, &Media>) -> Vec<(MediaId, Media)> {
        let mut fresh = Vec::new();
        for (id, media) in films {
            let known = self.analyses.contains_key(&media.fingerprint);
            if !known
                && self.sought.insert(media.fingerprint, media.path.clone()).as_ref() != Some(&media.path)
            {
                fresh.push((*id, (*media).clone()));
            }
        }
        fresh
    }

    /// Takes up the project as it now is.
    pub fn follow(&mut self, project: Arc<Project>) {
        let analyses = &self.analyses;
        let of_film = |film: Digest| analyses.get(&film).map(|(analysis, _)| &**analysis);
        if self.stock.follow(&project, &of_film) {
            self.port.tell(Event::Takes(self.stock.ready().clone()));
        }
        self.project = Some(project);
        self.tell_faces();
        self.tell_knowledge();
    }

    pub fn analysed(&mut self, film: Digest, analysis: Analysis, faces: FilmFaces) {
        self.analyses.insert(film, (Arc::new(analysis), Arc::new(faces)));
        let analyses = &self.analyses;
        self.stock.look_for_unknown(&|film| analyses.get(&film).map(|(analysis, _)| &**analysis));
        self.port.tell(Event::Takes(self.stock.ready().clone()));
        self.tell_faces();
        self.tell_knowledge();
    }

    pub fn installed(&mut self, checkpoints: BTreeMap<String, Digest>, judge: Option<String>) {
        (self.checkpoints, self.judge) = (Some(checkpoints), judge);
        self.tell_knowledge();
    }

    pub fn use_device(&mut self, name: &str, device: &Device) {
        self.device = (name.into(), device::describe(device).into());
        self.accelerated = !device.is_cpu();
        self.tell_knowledge();
    }

    /// A take is on its way that is not in the project yet.
    pub fn begun(&mut self, parts: &[TakeSpec]) {
        let analyses = &self.analyses;
        let of_film = |film: Digest| analyses.get(&film).map(|(analysis, _)| &**analysis);
        if self.stock.add(parts, &of_film) {
            self.port.tell(Event::Takes(self.stock.ready().clone()));
        }
    }

    /// A take has grown.
    pub fn grown(&mut self, key: TakeKey, ready: Ready) {
        if self.stock.grown(key, ready) {
            self.port.tell(Event::Takes(self.stock.ready().clone()));
        }
    }

    /// Looks at the cache anew.
    pub fn count_again(&mut self) {
        let analyses = &self.analyses;
        self.stock.count_again(&|film| analyses.get(&film).map(|(analysis, _)| &**analysis));
        self.port.tell(Event::Takes(self.stock.ready().clone()));
    }

    /// Everything is told anew with the next project.
    pub fn tell_again(&mut self) {
        self.told_faces.clear();
        self.told = None;
        self.stock.forget_cues();
    }

    /// What a line's specs are made from besides the project.
    pub fn knowledge(&self) -> Knowledge {
        let media = self.project.iter().flat_map(|project| project.media.iter());
        let analysed = |(id, media): (&MediaId, &Media)| {
            Some((*id, self.analyses.get(&media.fingerprint).map(|(analysis, _)| analysis.key())?))
        };
        Knowledge {
            analyses: media.filter_map(analysed).collect(),
            checkpoints: self.checkpoints.clone().unwrap_or_default(),
            engine: take::VERSION,
            judge: self.judge.clone(),
            device: self.device.1.clone(),
            best: self.checkpoints.as_ref().map(|installed| best(installed, self.accelerated)),
        }
    }

    fn tell_knowledge(&mut self) {
        let now = self.knowledge();
        if self.told.as_deref() != Some(&now) {
            let now = Arc::new(now);
            self.told = Some(now.clone());
            self.port.tell(Event::Knows(now));
        }
    }

    /// Of each film once, and again when it has come back into the project.
    fn tell_faces(&mut self) {
        let Some(project) = &self.project else { return };
        let present: BTreeSet<_> = project.media.values().map(|media| media.fingerprint).collect();
        self.told_faces.retain(|film| present.contains(film));
        for film in present {
            if let Some((_, faces)) = self.analyses.get(&film)
                && self.told_faces.insert(film)
            {
                self.port.tell(Event::Faces { film, faces: faces.clone() });
            }
        }
    }
}
