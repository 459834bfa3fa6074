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

    /// The name of one of several: "Voice 2".
    pub fn numbered(&self, key: &str, number: usize) -> String {
        self.with(key, &[("number", number.into())])
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
    use std::collections::{BTreeMap, BTreeSet};

    /// The keys of a file, each with the names of the values that are put into it.
    fn said(code: &str, text: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource = FluentResource::try_new(text.to_string());
        let resource = resource.unwrap_or_else(|(_, errors)| panic!("{code} is damaged: {errors:?}"));
        let mut bundle = FluentBundle::<FluentResource>::default();
        bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{code} says it twice: {errors:?}"));
        let mut said = BTreeMap::<_, BTreeSet<_>>::new();
        let mut key = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                assert!(bundle.has_message(name), "{code}: {name}");
                key = name.to_string();
            }
            let values = said.entry(key.clone()).or_default();
            let names = line.split('$').skip(1).map(|rest| rest.split([' ', '}']).next().unwrap_or_default());
            values.extend(names.map(String::from));
        }
        said
    }

    #[test]
    fn every_language_says_what_english_says() {
        let english = said("en", LANGUAGES[0].2);
        for (code, _, text) in LANGUAGES {
            let theirs = said(code, text);
            let missing: Vec<_> = english.keys().filter(|key| !theirs.contains_key(*key)).collect();
            assert!(missing.is_empty(), "{code} lacks {missing:?}");
            for (key, values) in &theirs {
                assert_eq!(Some(values), english.get(key), "{code}: {key} puts in other values than English");
            }
        }
    }

    #[test]
    fn every_command_and_menu_has_a_name() {
        let english = said("en", LANGUAGES[0].2);
        for command in Command::ALL {
            assert!(english.contains_key(&format!("command-{}", command.id())), "{command:?}");
        }
        for menu in super::super::command::Menu::ALL {
            assert!(english.contains_key(menu.key()), "{menu:?}");
        }
    }
}
