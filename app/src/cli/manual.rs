//! `lipsmith manual`: the manual's page of shortcuts, written from the commands and the keymaps themselves.

use super::{Failure, Session};
use crate::window::command::{Command, Menu};
use crate::window::keymap::{self, Keymap, PRESETS};
use crate::window::words::Words;
use clap::Args;
use serde_json::json;
use std::fmt::Write;

#[derive(Args)]
pub struct Manual {}

impl Manual {
    pub fn run(self, session: &Session) -> Result<(), Failure> {
        let page = page().map_err(Failure::Unsound)?;
        session.report.result(json!({"page": page}), || page.trim_end().to_string());
        Ok(())
    }
}

/// Every command with its keys in each preset, as Markdown, by menu.
///
/// # Errors
/// In words, when a preset that was built in is damaged.
fn page() -> Result<String, String> {
    let words = Words::of("en");
    let presets = PRESETS.map(|(name, _)| Keymap::new(name, None).map(|keymap| (name, keymap)));
    let presets = presets.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut page = String::from(HEAD);
    for menu in Menu::ALL {
        let names: Vec<_> = presets.iter().map(|(name, _)| *name).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\n## {}\n\n| Command | {} |", words.text(menu.key()), names.join(" | "));
        let _ = writeln!(page, "|---|{}", "---|".repeat(names.len()));
        for command in menu.commands() {
            let keys: Vec<_> = presets.iter().map(|(_, keymap)| keys(keymap, command)).collect();
            let _ = writeln!(page, "| {} | {} |", words.command(command), keys.join(" | "));
        }
    }
    Ok(page)
}

const HEAD: &str = "\
# Keyboard shortcuts

Written by `lipsmith manual`; do not edit by hand. Choose the preset in the settings. On a Mac, Ctrl is Cmd. A command
without a key is in its menu and in the command palette. `keymap.toml` gives keys of your own: see
[the manual](README.md#keys-of-your-own).
";

/// The same on every system and in every font, unlike the window's labels.
fn keys(keymap: &Keymap, command: Command) -> String {
    let plain = |name: String| {
        let signs = [("Cmd+", "Ctrl+"), ("⏴", "←"), ("⏵", "→"), ("⏶", "↑"), ("⏷", "↓"), ("−", "-")];
        signs.into_iter().fold(name, |name, (sign, plain)| name.replace(sign, plain))
    };
    let keys = keymap.keys(command).iter().map(|key| format!("`{}`", plain(keymap::name(key))));
    keys.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_shortcut_as_it_is() {
        let kept = include_str!("../../../resources/manual/shortcuts.md");
        let renew = "cargo run -p lipsmith -- manual > shortcuts.md && mv shortcuts.md resources/manual/";
        assert!(kept == page().expect("the presets read"), "renew the page of shortcuts: {renew}");
    }
}
