//! How much of each take of the project is in the cache. Looked up once for a take; from then on it is told by
//! whoever renders.

use crate::analysis::Analysis;
use crate::cache::Cache;
use crate::desk::event::Ready;
use crate::desk::request::TakeKey;
use crate::paths::Paths;
use crate::take::{self, Layout};
use lipsmith_base::Digest;
use lipsmith_project::{Cue, CueId, Project, TakeSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A film's analysis by its fingerprint.
type Analyses<'a> = dyn Fn(Digest) -> Option<&'a Analysis> + 'a;

pub struct Stock {
    cache: Cache,
    /// As last looked at: edits share what they do not touch.
    cues: Arc<BTreeMap<CueId, Arc<Cue>>>,
    /// Of every take seen in this session: undo may bring it back.
    specs: BTreeMap<TakeKey, TakeSpec>,
    ready: BTreeMap<TakeKey, Ready>,
}

impl Stock {
    pub fn new(paths: &Paths) -> Stock {
        let cache = Cache::new(&paths.cache);
        Stock { cache, cues: Arc::default(), specs: BTreeMap::new(), ready: BTreeMap::new() }
    }

    /// Takes without an entry are of a film whose analysis is not known.
    pub fn ready(&self) -> &BTreeMap<TakeKey, Ready> {
        &self.ready
    }

    /// Whether the project has takes that were not looked at before.
    pub fn follow(&mut self, project: &Project, analyses: &Analyses) -> bool {
        let before = std::mem::replace(&mut self.cues, project.cues.clone());
        if Arc::ptr_eq(&before, &project.cues) {
            return false;
        }
        let mut fresh = false;
        let same = |id: &CueId, cue| before.get(id).is_some_and(|before| Arc::ptr_eq(before, cue));
        for (_, cue) in project.cues.iter().filter(|(id, cue)| !same(id, cue)) {
            for take in cue.takes.values() {
                self.add(&take.parts, analyses);
                fresh = true;
            }
        }
        fresh
    }

    /// Whether any of it was not looked at before.
    pub fn add(&mut self, parts: &[TakeSpec], analyses: &Analyses) -> bool {
        let mut fresh = false;
        for part in parts {
            let key = part.key();
            if !self.specs.contains_key(&key) {
                self.look(key, part, analyses);
                self.specs.insert(key, part.clone());
                fresh = true;
            }
        }
        fresh
    }

    /// Looks once more for takes of which nothing was known.
    pub fn look_for_unknown(&mut self, analyses: &Analyses) {
        let unknown = self.specs.iter().filter(|(key, _)| !self.ready.contains_key(key));
        for (key, spec) in unknown.map(|(key, spec)| (*key, spec.clone())).collect::<Vec<_>>() {
            self.look(key, &spec, analyses);
        }
    }

    pub fn count_again(&mut self, analyses: &Analyses) {
        self.ready.clear();
        self.look_for_unknown(analyses);
    }

    /// Whether that is news.
    pub fn grown(&mut self, key: TakeKey, ready: Ready) -> bool {
        self.ready.insert(key, ready) != Some(ready)
    }

    /// The next project counts as a new one.
    pub fn forget_cues(&mut self) {
        self.cues = Arc::default();
    }

    fn look(&mut self, key: TakeKey, spec: &TakeSpec, analyses: &Analyses) {
        let folder = self.cache.folder("takes", key);
        let analysis = || analyses(spec.film).filter(|analysis| analysis.key() == spec.analysis);
        let planned = || analysis().map(|analysis| take::layout(analysis, spec));
        // A take that cannot be read is as good as none.
        if let Some(layout) = Layout::kept(&folder).ok().flatten().or_else(planned) {
            self.ready.insert(key, Ready { done: layout.ready(&folder), total: layout.frames() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{FrameRate, Time, TimeRange};
    use lipsmith_project::{Method, Take, TakeId};
    use std::fs;

    fn spec(seed: u64) -> TakeSpec {
        let range = TimeRange::new(Time(0), Time(1_000));
        TakeSpec {
            film: Digest::of(b"film"),
            range,
            analysis: Digest::of(b"faces"),
            person: 1,
            voice: Digest::of(b"voice"),
            voice_range: range,
            voice_at: Time::ZERO,
            method: Method { seed, ..Method::default() },
            references: Vec::new(),
            footage: Vec::new(),
            faces: Vec::new(),
            engine: take::VERSION,
        }
    }

    fn line(seed: u64) -> Arc<Cue> {
        let take = Take { name: "A".into(), rating: 0, parts: vec![spec(seed)] };
        let cue = Cue::new(TimeRange::new(Time(0), Time(1_000)), "");
        Arc::new(Cue { takes: BTreeMap::from([(TakeId(1), take)]), ..cue })
    }

    #[test]
    fn a_take_is_looked_up_once_and_again_when_asked() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let paths = Paths { data: folder.path().join("data"), cache: folder.path().join("cache") };
        let take = Cache::new(&paths.cache).folder("takes", spec(0).key());
        fs::create_dir_all(&take).expect("a folder");
        let layout =
            serde_json::to_vec(&Layout { segments: std::iter::once(0..40).collect() }).expect("written");
        fs::write(take.join("manifest.json"), layout).expect("written");
        let chunk = take.join("00000000-00000008.chunk");
        fs::write(&chunk, b"whole").expect("written");

        let mut project = Project::new("film", FrameRate::FPS_25);
        project.cues = Arc::new(BTreeMap::from([(CueId(10), line(0))]));
        let mut stock = Stock::new(&paths);
        assert!(stock.follow(&project, &|_| None));
        let part = BTreeMap::from([(spec(0).key(), Ready { done: 8, total: 40 })]);
        assert_eq!(stock.ready(), &part);
        assert!(!stock.follow(&project, &|_| None), "nothing has changed");

        fs::remove_file(&chunk).expect("removed");
        Arc::make_mut(&mut project.cues).insert(CueId(11), line(1));
        assert!(stock.follow(&project, &|_| None), "a line with a take has come");
        assert_eq!(stock.ready(), &part, "of the new one nothing is known, the old one is not looked at");
        stock.count_again(&|_| None);
        assert_eq!(stock.ready()[&spec(0).key()].done, 0);
    }
}
