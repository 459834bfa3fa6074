//! Which keys do what: two presets that editors know, and a file of their own over them.

use super::command::Command;
use egui::{Key, KeyboardShortcut, Modifiers};
use std::collections::BTreeMap;

/// The presets, by name; the first is the one to begin with.
pub const PRESETS: [(&str, &str); 2] = [
    ("Premiere", include_str!("../../../resources/keymaps/premiere.toml")),
    ("Resolve", include_str!("../../../resources/keymaps/resolve.toml")),
];

/// Keys of commands. A command may have several, a key has one command.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    keys: BTreeMap<Command, Vec<KeyboardShortcut>>,
}

impl Keymap {
    /// A preset with the editor's own file over it.
    ///
    /// # Errors
    /// In words, with the line that is wrong.
    pub fn new(preset: &str, own: Option<&str>) -> Result<Keymap, String> {
        let (_, text) = PRESETS.iter().find(|(name, _)| *name == preset).unwrap_or(&PRESETS[0]);
        let mut keymap = Keymap::default();
        keymap.read(text)?;
        if let Some(own) = own {
            keymap.read(own)?;
        }
        Ok(keymap)
    }

    /// Reads `command = "Ctrl+K"`, `command = ["K", "Space"]` or `command = []` lines. A key that is given anew is
    /// taken from the command that had it.
    fn read(&mut self, text: &str) -> Result<(), String> {
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
        for (id, value) in table {
            let command = Command::ALL.iter().copied().find(|command| command.id() == id);
            let command = command.ok_or_else(|| format!("there is no command '{id}'"))?;
            let texts = match &value {
                toml::Value::String(one) => vec![one.as_str()],
                toml::Value::Array(several) => several.iter().filter_map(toml::Value::as_str).collect(),
                _ => return Err(format!("{id}: write \"Ctrl+K\" or [\"K\", \"Space\"]")),
            };
            let keys =
                texts.into_iter().map(|text| parse(text).ok_or_else(|| format!("{id}: '{text}' is no key")));
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            for others in self.keys.values_mut() {
                others.retain(|key| !keys.contains(key));
            }
            self.keys.insert(command, keys);
        }
        Ok(())
    }

    pub fn keys(&self, command: Command) -> &[KeyboardShortcut] {
        self.keys.get(&command).map_or(&[], Vec::as_slice)
    }

    /// For menus and the manual.
    pub fn label(&self, command: Command) -> String {
        self.keys(command).iter().map(name).collect::<Vec<_>>().join(", ")
    }

    /// The first key only, where there is little room.
    pub fn short(&self, command: Command) -> String {
        self.keys(command).first().map(name).unwrap_or_default()
    }

    /// What was pressed. While a text is being written, only keys that no text can want count.
    pub fn pressed(&self, ctx: &egui::Context) -> Vec<Command> {
        let writing = ctx.text_edit_focused();
        let mut pressed = Vec::new();
        // In the order they came: a slow frame may hold several.
        ctx.input_mut(|input| {
            input.events.retain(|event| {
                let command = match event {
                    // The system tells of these three by their meaning.
                    egui::Event::Copy => (!writing).then_some(Command::Copy),
                    egui::Event::Cut => (!writing).then_some(Command::Cut),
                    egui::Event::Paste(_) => (!writing).then_some(Command::Paste),
                    egui::Event::Key { key, modifiers, pressed: true, .. } => {
                        self.command(*key, *modifiers, writing)
                    }
                    _ => None,
                };
                pressed.extend(command);
                command.is_none()
            });
        });
        pressed
    }

    /// Exact modifiers, unlike egui's own, which takes Shift+I for I.
    fn command(&self, pressed: Key, held: Modifiers, writing: bool) -> Option<Command> {
        // Whether these take Shift to be typed is the keyboard's affair.
        let shifted = matches!(pressed, Key::Plus | Key::Questionmark);
        let held = if shifted { Modifiers { shift: false, ..held } } else { held };
        let means = |key: &KeyboardShortcut| {
            key.logical_key == pressed
                && held.matches_exact(key.modifiers)
                && !(writing && belongs_to_text(key))
        };
        self.keys.iter().find(|(_, keys)| keys.iter().any(means)).map(|(command, _)| *command)
    }
}

/// Text fields have their own meaning for letters, arrows, Enter and the usual Ctrl keys.
fn belongs_to_text(key: &KeyboardShortcut) -> bool {
    let usual =
        [Key::A, Key::C, Key::V, Key::X, Key::Z, Key::Y, Key::ArrowLeft, Key::ArrowRight, Key::Backspace];
    let function_key = key.logical_key.name().len() > 1 && key.logical_key.name().starts_with('F');
    !function_key && (!key.modifiers.command || usual.contains(&key.logical_key))
}

fn parse(text: &str) -> Option<KeyboardShortcut> {
    let mut modifiers = Modifiers::NONE;
    let mut key = None;
    // "Ctrl++" ends in the plus key.
    let (parts, plus) = match text.strip_suffix("++") {
        Some(rest) => (rest, true),
        None if text == "+" => ("", true),
        None => (text, false),
    };
    for part in parts.split('+').filter(|part| !part.is_empty()) {
        match part {
            "Ctrl" | "Cmd" => modifiers |= Modifiers::COMMAND,
            "Shift" => modifiers |= Modifiers::SHIFT,
            "Alt" => modifiers |= Modifiers::ALT,
            name => key = Some(Key::from_name(name)?),
        }
    }
    if plus {
        key = Some(Key::Plus);
    }
    Some(KeyboardShortcut::new(modifiers, key?))
}

/// As the window shows it.
pub fn name(key: &KeyboardShortcut) -> String {
    let mut text = String::new();
    for (held, word) in [
        (key.modifiers.command, if cfg!(target_os = "macos") { "Cmd+" } else { "Ctrl+" }),
        (key.modifiers.alt, "Alt+"),
        (key.modifiers.shift, "Shift+"),
    ] {
        if held {
            text.push_str(word);
        }
    }
    text + key.logical_key.symbol_or_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_read_and_no_key_stands_twice() {
        for (preset, text) in PRESETS {
            let keymap = Keymap::new(preset, None).expect(preset);
            let written: usize = text.matches("\"").count() / 2;
            let kept: usize = Command::ALL.iter().map(|command| keymap.keys(*command).len()).sum();
            assert_eq!(written, kept, "{preset}: a key stands twice in the file");
        }
    }

    #[test]
    fn an_own_file_takes_keys_over() {
        let keymap = Keymap::new("Premiere", Some("split = \"Space\"")).expect("reads");
        assert_eq!(keymap.label(Command::Split), "Space");
        assert!(!keymap.label(Command::PlayStop).contains("Space"));
        assert!(Keymap::new("Premiere", Some("splitt = \"K\"")).is_err());
        assert!(Keymap::new("Premiere", Some("split = \"Hyper+K\"")).is_err());
    }
}
