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
        let planned = || analysis().map(|analysis| take::layout(analysis, spec.person, spec.range));
        // A take that cannot be read is as good as none.
        if let Some(layout) = Layout::kept(&folder).ok().flatten().or_else(planned) {
            self.ready.insert(key, Ready { done: layout.ready(&folder), total: layout.frames() });
        }
    }
}
