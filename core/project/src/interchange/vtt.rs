//! WebVTT (W3C). Cues with `<v Name>` voices are read; styles, regions, notes and positions are passed over.

use super::srt::without_tags;
use super::text::{self, block, clock, format_clock};
use super::{Format, ImportError};
use crate::edit::{Edit, ScriptLine};
use crate::project::Project;

pub(super) const FORMAT: Format = Format {
    name: "WebVTT",
    extension: "vtt",
    summary: "web subtitles; <v Name> gives the speaker",
    read,
    write,
};

fn read(project: &Project, bytes: &[u8]) -> Result<Edit, ImportError> {
    let text = text::decode(bytes)?;
    if !text.starts_with("WEBVTT") {
        let problem = "a WebVTT file begins with WEBVTT".to_string();
        return Err(ImportError::Line { line: 1, problem });
    }
    let mut lines = Vec::new();
    let mut rows = text.lines().enumerate();
    while let Some((at, row)) = rows.next() {
        let Some((start, rest)) = row.split_once("-->") else { continue };
        let time = |text: &str| {
            let problem = || format!("'{}' is no time; write 00:01:02.345 --> 00:01:04.000", text.trim());
            clock(text).ok_or_else(|| ImportError::Line { line: at + 1, problem: problem() })
        };
        let stop = rest.split_whitespace().next().unwrap_or_default();
        let range = text::range(project, at + 1, time(start)?, time(stop)?)?;
        let payload: Vec<&str> =
            rows.by_ref().map(|(_, row)| row).take_while(|row| !row.trim().is_empty()).collect();
        let payload = payload.join("\n");
        let text = unescape(&without_tags(&payload));
        lines.push(ScriptLine { range, speaker: voice(&payload), text });
    }
    text::import(lines)
}

/// The name in the first `<v Name>` or `<v.loud Name>`.
fn voice(payload: &str) -> Option<String> {
    let (_, tag) = payload.split_once("<v")?;
    let (tag, _) = tag.split_once('>')?;
    let (classes, name) = tag.split_once(char::is_whitespace)?;
    let name = unescape(name.trim());
    ((classes.is_empty() || classes.starts_with('.')) && !name.is_empty()).then_some(name)
}

const ENTITIES: [(&str, &str); 3] = [("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")];

/// `&amp;` last, lest `&amp;lt;` become `<`.
fn unescape(text: &str) -> String {
    let plain = text.replace("&nbsp;", "\u{a0}").replace("&lrm;", "").replace("&rlm;", "");
    ENTITIES.iter().fold(plain, |text, (plain, entity)| text.replace(entity, plain))
}

/// `&` first.
fn escape(text: &str) -> String {
    ENTITIES.iter().rev().fold(text.to_string(), |text, (plain, entity)| text.replace(plain, entity))
}

fn write(project: &Project) -> Vec<u8> {
    let mut out = String::from("WEBVTT\n\n");
    for (cue, speaker) in text::lines(project) {
        let speaker = speaker.map(|name| format!("<v {}>", escape(name))).unwrap_or_default();
        let (start, end) = (format_clock(cue.range.start(), '.'), format_clock(cue.range.end(), '.'));
        out += &format!("{start} --> {end}\n{speaker}{}\n\n", escape(&block(&cue.text)));
    }
    out.into_bytes()
}
