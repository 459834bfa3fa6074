//! The models of this installation and the device that runs them, as the window sees them.

use super::Shop;
use crate::desk::event::{Event, Weight};
use crate::error::EngineError;
use crate::models::{self, Registry};
use crate::recipe::checkpoints;
use crate::score;
use lipsmith_base::{Cancel, Sink};
use lipsmith_nets::device;
use std::path::{Path, PathBuf};

impl Shop {
    pub fn import_model(&self, file: &Path, sink: &dyn Sink, cancel: &Cancel) -> Result<(), EngineError> {
        let model = Registry::open(&self.paths.data)?.import(file, sink, cancel)?;
        self.port.say(Weight::Done, format!("{} is installed ({})", model.network.name(), model.variant));
        self.tell_models();
        Ok(())
    }

    pub fn remove_model(&self, sha256: &str) {
        let removed = Registry::open(&self.paths.data).and_then(|mut registry| registry.remove(sha256));
        if let Err(error) = removed {
            self.port.say(Weight::Failed, error.to_string());
        }
        self.tell_models();
    }

    pub fn identify(&self, path: PathBuf) {
        let report = models::verify(&path, &(), &self.closing);
        let report = report.map(Box::new).map_err(|error| error.to_string());
        self.port.tell(Event::Identified { path, report });
    }

    /// What is installed, and what follows from it.
    pub fn tell_models(&self) {
        let told = Registry::open(&self.paths.data).map_err(EngineError::from).and_then(|registry| {
            let (models, families) = (registry.models().cloned().collect(), registry.families());
            self.port.tell(Event::Models { models, families });
            checkpoints(&registry, &self.paths)
        });
        match told {
            Ok(checkpoints) => {
                let judge = score::installed(&self.paths);
                self.findings().installed(checkpoints, judge);
            }
            Err(error) => self.port.say(Weight::Failed, error.to_string()),
        }
    }

    pub fn use_device(&self, name: &str) {
        match device::open(name) {
            Ok(opened) => self.findings().use_device(name, &opened),
            Err(error) => self.port.say(Weight::Failed, error.to_string()),
        }
    }
}
