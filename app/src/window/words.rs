//! The words of the window, by language (Project Fluent). English stands in where a language lacks one.

use super::command::Command;
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// Languages by code, with their own name for themselves; the first is complete by test.
pub const LANGUAGES: [(&str, &str, &str); 5] = [
    ("en", "English", include_str!("../../../resources/lang/en.ftl")),
    ("de", "Deutsch", include_str!("../../../resources/lang/de.ftl")),
    ("fr", "Français", include_str!("../../../resources/lang/fr.ftl")),
    ("ko", "한국어", include_str!("../../../resources/lang/ko.ftl")),
    ("zh", "中文", include_str!("../../../resources/lang/zh.ftl")),
];

pub struct Words {
    /// The chosen language, then English.
    bundles: Vec<FluentBundle<FluentResource>>,
}

impl Words {
    /// An unknown code gives English.
    pub fn of(code: &str) -> Words {
        let chosen = LANGUAGES.iter().find(|(of, ..)| *of == code);
        let english = &LANGUAGES[0];
        let wanted = chosen.into_iter().chain(std::iter::once(english));
        Words { bundles: wanted.filter_map(|(code, _, text)| bundle(code, text)).collect() }
    }

    /// A missing word shows its key: seen at once, and found by test.
    pub fn text(&self, key: &str) -> String {
        self.with(key, &[])
    }

    pub fn with(&self, key: &str, values: &[(&str, FluentValue<'_>)]) -> String {
        let args: FluentArgs = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        for bundle in &self.bundles {
            if let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) {
                return bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned();
            }
        }
        key.to_string()
    }

    pub fn command(&self, command: Command) -> String {
        self.text(&format!("command-{}", command.id()))
    }
}

fn bundle(code: &str, text: &str) -> Option<FluentBundle<FluentResource>> {
    let language: LanguageIdentifier = code.parse().ok()?;
    // What could be read of a damaged file is better than nothing; the test sees the damage.
    let resource = FluentResource::try_new(text.to_string()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = FluentBundle::new(vec![language]);
    // Direction marks around values show as boxes in egui.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    Some(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(text: &str) -> BTreeSet<String> {
        let read = FluentResource::try_new(text.to_string());
        read.unwrap_or_else(|(_, errors)| panic!("damaged: {errors:?}"));
        let written = text.lines().filter(|line| line.starts_with(|c: char| c.is_alphabetic()));
        let named = written.filter_map(|line| Some(line.split_once('=')?.0.trim().to_string()));
        named.collect()
    }

    #[test]
    fn every_language_says_what_english_says() {
        let english = keys(LANGUAGES[0].2);
        for (code, _, text) in LANGUAGES {
            let theirs = keys(text);
            let missing: Vec<_> = english.difference(&theirs).collect();
            assert!(missing.is_empty(), "{code} lacks {missing:?}");
            let odd: Vec<_> = theirs.difference(&english).collect();
            assert!(odd.is_empty(), "{code} has {odd:?}, which English has not");
        }
    }

    #[test]
    fn every_command_and_menu_has_a_name() {
        let english = keys(LANGUAGES[0].2);
        for command in Command::ALL {
            assert!(english.contains(&format!("command-{}", command.id())), "{command:?}");
        }
        for menu in super::super::command::Menu::ALL {
            assert!(english.contains(menu.key()), "{menu:?}");
        }
    }
}
