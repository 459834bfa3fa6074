//! SubRip. There is no standard; what is read is what players read: blocks behind a line with an arrow, counters
//! and blank lines or not, a comma or a dot before the milliseconds.

use super::text::{self, block, clock, format_clock, split_speaker};
use super::{Format, ImportError};
use crate::edit::{Edit, ScriptLine};
use crate::project::Project;

pub(super) const FORMAT: Format = Format {
    name: "SubRip",
    extension: "srt",
    summary: "subtitles; NAME: before a text gives the speaker",
    read,
    write,
};

fn read(project: &Project, bytes: &[u8]) -> Result<Edit, ImportError> {
    let text = text::decode(bytes)?;
    let rows: Vec<&str> = text.lines().collect();
    let arrows: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].contains("-->")).collect();
    let ends = arrows.iter().skip(1).copied().chain([rows.len()]);
    let mut lines = Vec::new();
    for (&at, end) in arrows.iter().zip(ends) {
        let (start, rest) = rows[at].split_once("-->").unwrap_or_default();
        // Players' own extensions follow the time: `X1:…`.
        let stop = rest.split_whitespace().next().unwrap_or_default();
        let time = |text: &str| {
            let problem = || format!("'{}' is no time; write 00:01:02,345 --> 00:01:04,000", text.trim());
            clock(text).ok_or_else(|| ImportError::Line { line: at + 1, problem: problem() })
        };
        let range = text::range(project, at + 1, time(start)?, time(stop)?)?;
        let spoken = without_next_counter(&rows[at + 1..end], end < rows.len());
        let spoken = spoken.join("\n");
        let (speaker, spoken) = split_speaker(spoken.trim());
        lines.push(ScriptLine { range, speaker, text: without_tags(spoken) });
    }
    text::import(lines)
}

/// The rows of a block, without the counter of the block behind it.
fn without_next_counter<'a>(rows: &'a [&'a str], another: bool) -> &'a [&'a str] {
    match rows {
        [rows @ .., last]
            if another && !last.is_empty() && last.trim().bytes().all(|b| b.is_ascii_digit()) =>
        {
            rows
        }
        _ => rows,
    }
}

/// Without `<i>`, `<00:01.000>` and their like and without `{\an8}`; other uses of the brackets stay.
pub(super) fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let close = if tag.starts_with('<') { '>' } else { '}' };
        let opens = |c: char| c.is_ascii_alphanumeric() || c == '/';
        let is_tag = tag.starts_with("{\\") || (tag.starts_with('<') && tag[1..].starts_with(opens));
        match tag.find(close).filter(|_| is_tag) {
            Some(end) => rest = &tag[end + 1..],
            None => {
                out.push_str(&tag[..1]);
                rest = &tag[1..];
            }
        }
    }
    out.push_str(rest);
    out.trim().to_string()
}

fn write(project: &Project) -> Vec<u8> {
    let mut out = String::new();
    for (number, (cue, speaker)) in text::lines(project).enumerate() {
        let speaker = speaker.map(|name| format!("{}: ", name.to_uppercase())).unwrap_or_default();
        let (start, end) = (format_clock(cue.range.start(), ','), format_clock(cue.range.end(), ','));
        out += &format!("{}\n{start} --> {end}\n{speaker}{}\n\n", number + 1, block(&cue.text));
    }
    out.into_bytes()
}
