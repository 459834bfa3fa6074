//! What the editor has set up on this machine; kept by the desk between sessions.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The file's name under the data folder.
pub const FILE: &str = "settings.json";
/// Projects remembered.
const RECENT: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// A code of `words::LANGUAGES`; empty takes the system's.
    pub language: String,
    /// A name of `keymap::PRESETS`.
    pub keymap: String,
    /// Of the whole window, 1 is 100 %.
    pub scale: f32,
    /// A name of the engine's devices.
    pub device: String,
    pub volume: f32,
    /// Newest first.
    pub recent: Vec<PathBuf>,
    pub layout: Option<egui_tiles::Tree<super::panels::Panel>>,
    pub first_steps_seen: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            language: String::new(),
            keymap: "Premiere".into(),
            scale: 1.0,
            device: "auto".into(),
            volume: 1.0,
            recent: Vec::new(),
            layout: None,
            first_steps_seen: false,
        }
    }
}

impl Settings {
    /// Damaged settings are not worth a dead window: they count as absent, and `Err` says so.
    pub fn read(bytes: Option<&[u8]>) -> Result<Settings, String> {
        let Some(bytes) = bytes else { return Ok(Settings::default()) };
        let settings: Settings = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let (scale, volume) = (settings.scale.clamp(0.5, 3.0), settings.volume.clamp(0.0, 1.0));
        Ok(Settings { scale, volume, ..settings })
    }

    pub fn bytes(&self) -> Vec<u8> {
        // Strings and numbers always become JSON.
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    pub fn remember(&mut self, path: PathBuf) {
        self.recent.retain(|recent| *recent != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }

    /// The code to use: the chosen one, else the system's.
    pub fn language(&self) -> String {
        if !self.language.is_empty() {
            return self.language.clone();
        }
        let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let system = variables.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        system.map(|value| value.chars().take(2).collect()).unwrap_or_else(|| "en".into())
    }
}
