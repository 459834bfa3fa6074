//! The lane that makes waveforms and thumbnails: one small piece of work at a time, thumbnails first since somebody
//! looks at their place, and slowly while something is played.

mod thumbs;
mod waves;

use super::event::{Event, Weight};
use super::port::Port;
use super::request::Request;
use crate::cache::Cache;
use crate::paths::Paths;
use lipsmith_base::Digest;
use lipsmith_project::Project;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use thumbs::Thumbs;
use waves::Wave;

/// Between two pieces of work while something is played.
const REST: Duration = Duration::from_millis(60);

pub fn run(paths: Paths, port: Port, inbox: Receiver<Request>) {
    let cache = Cache::new(&paths.cache);
    let (thumbs, told) = (Thumbs::default(), BTreeMap::new());
    Overview { port, cache, project: None, thumbs, wave: None, told }.run(&inbox);
}

struct Overview {
    port: Port,
    cache: Cache,
    project: Option<Arc<Project>>,
    thumbs: Thumbs,
    /// The waveform in the making.
    wave: Option<(Digest, Wave)>,
    /// Media whose waveform the window has, or that have none to give, and where they were.
    told: BTreeMap<Digest, PathBuf>,
}

impl Overview {
    fn run(mut self, inbox: &Receiver<Request>) {
        loop {
            let rest = if self.port.shared.clock.now().is_some() { REST } else { Duration::ZERO };
            let request = match self.idle() {
                true => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => inbox.recv_timeout(rest),
            };
            match request {
                Ok(Request::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Request::Project { project, .. }) => self.project = Some(project),
                Ok(Request::Thumbs { film, times, height }) => {
                    self.thumbs.want(&film, &times, height, &self.port);
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => self.work(),
            }
        }
    }

    fn idle(&mut self) -> bool {
        if self.wave.is_none() {
            self.wave = self.next_wave();
        }
        self.wave.is_none() && self.thumbs.done()
    }

    fn work(&mut self) {
        if !self.thumbs.done() {
            return self.thumbs.make_one(&self.port);
        }
        let Some((media, mut wave)) = self.wave.take() else { return };
        match wave.step() {
            Ok(news) => {
                if let Some(peaks) = news {
                    self.port.tell(Event::Peaks { media, peaks });
                }
                if !wave.done() {
                    self.wave = Some((media, wave));
                }
            }
            Err(error) => self.port.say(Weight::Note, format!("no waveform: {error}")),
        }
    }

    /// The first medium with sound whose waveform the window does not have.
    fn next_wave(&mut self) -> Option<(Digest, Wave)> {
        let project = self.project.clone()?;
        loop {
            let media = project.media.values().find(|media| {
                media.sound.is_some() && self.told.get(&media.fingerprint) != Some(&media.path)
            })?;
            // Told or failed, it is not tried again until it lies elsewhere.
            self.told.insert(media.fingerprint, media.path.clone());
            match Wave::begin(media, &self.cache) {
                Ok(wave) => return Some((media.fingerprint, wave)),
                Err(error) => self.port.say(Weight::Note, format!("no waveform: {error}")),
            }
        }
    }
}
