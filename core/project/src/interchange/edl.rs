//! CMX 3600 edit decision lists, the cut of one picture track. Only cuts are written; of what is read, an effect
//! is refused, since leaving it out would show another picture than the list asks for. Source times count from the
//! beginning of the file, as Lipsmith knows no timecode of a file's own.

use super::{Format, ImportError, text};
use crate::edit::{ClipEdit, Edit, Ripple};
use crate::id::MediaId;
use crate::project::Project;
use crate::sequence::Clip;
use lipsmith_base::{Time, TimeRange, Timecode};
use std::collections::BTreeMap;

pub(super) const FORMAT: Format = Format {
    name: "EDL (CMX 3600)",
    extension: "edl",
    summary: "the cut of the picture track; films are found in the media pool by name",
    read,
    write,
};

/// A cut as the list has it.
struct Event<'a> {
    line: usize,
    reel: &'a str,
    /// From the comment `* FROM CLIP NAME:`.
    name: Option<&'a str>,
    /// Media time.
    source: TimeRange,
    /// Timecode of the sequence, not yet counted from its start.
    record: TimeRange,
}

fn read(project: &Project, bytes: &[u8]) -> Result<Edit, ImportError> {
    let text = text::decode(bytes)?;
    let events = events(project, &text)?;
    let first = events.iter().map(|event| event.record.start()).min();
    let first = first.ok_or(ImportError::Empty("no picture event was found; is it a CMX 3600 list?"))?;
    // A list made for another first timecode keeps its own.
    let zero = if first < project.sequence.start { first } else { project.sequence.start };
    let track = project.sequence.picture.id;
    let place = |event: &Event| {
        let media = find(project, event)?;
        let at = event.record.start() - zero;
        Ok(ClipEdit::Place { track, media, source: event.source, at, ripple: Ripple::Off }.into())
    };
    let edits = events.iter().map(place).collect::<Result<Vec<Edit>, ImportError>>()?;
    Ok(Edit::Several { label: "Import EDL".into(), edits })
}

fn events<'a>(project: &Project, text: &'a str) -> Result<Vec<Event<'a>>, ImportError> {
    let mut labels = project.sequence.labels();
    let mut events: Vec<Event> = Vec::new();
    let mut dropped = true;
    for (index, row) in text.lines().enumerate() {
        let line = index + 1;
        let refuse = |problem: String| ImportError::Line { line, problem };
        let row = row.trim();
        if let Some(mode) = row.strip_prefix("FCM:") {
            let rate = labels.rate();
            let non_drop = mode.trim().starts_with("NON");
            labels = if non_drop { Timecode::non_drop(rate) } else { Timecode::drop_where_usual(rate) };
        } else if let Some(name) = row.strip_prefix("* FROM CLIP NAME:") {
            if let Some(event) = events.last_mut().filter(|_| !dropped) {
                event.name = Some(name.trim());
            }
        } else if row.starts_with(|c: char| c.is_ascii_digit()) {
            let fields: Vec<&str> = row.split_whitespace().collect();
            let [_, reel, channels, effect, rest @ ..] = fields.as_slice() else {
                return Err(refuse("an event has a number, a reel, a channel and a transition".into()));
            };
            // Sound-only events and black are gaps in the picture.
            dropped = !channels.contains(['V', 'B']) || matches!(*reel, "BL" | "BLK");
            if dropped {
                continue;
            }
            if *effect != "C" {
                return Err(refuse(format!(
                    "the transition {effect} is not a cut; flatten it to cuts and export again"
                )));
            }
            let times = rest.iter().map(|text| labels.parse(text)).collect::<Result<Vec<_>, _>>();
            let times = times.map_err(|e| refuse(e.to_string()))?;
            let [source_in, source_out, record_in, record_out] = times[..] else {
                return Err(refuse(format!("{} timecodes, where an event has four", times.len())));
            };
            let source = text::range(project, line, source_in, source_out)?;
            let record = text::range(project, line, record_in, record_out)?;
            if source.duration() != record.duration() {
                return Err(refuse(
                    "source and record differ in length; speed changes are not supported".into(),
                ));
            }
            events.push(Event { line, reel, name: None, source, record });
        }
    }
    Ok(events)
}

/// The film of that clip name, else of that reel; with or without the ending, whatever the case.
fn find(project: &Project, event: &Event) -> Result<MediaId, ImportError> {
    let films = || project.media.iter().filter(|(_, media)| media.video.is_some());
    let named = |wanted: &str| {
        let wanted = stem(wanted).to_lowercase();
        let same = |name: &str| stem(name).to_lowercase() == wanted || reel(name).to_lowercase() == wanted;
        films().find(|(_, media)| same(&media.name)).map(|(id, _)| *id)
    };
    event.name.and_then(named).or_else(|| named(event.reel)).ok_or_else(|| {
        let name = event.name.unwrap_or(event.reel);
        let problem = format!("no film in the media pool is called '{name}'; add it first");
        ImportError::Line { line: event.line, problem }
    })
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A reel name has eight letters and digits at the most.
fn reel(name: &str) -> String {
    let plain: String = stem(name).chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if plain.is_empty() { "AX".into() } else { plain.to_uppercase() }
}

fn write(project: &Project) -> Vec<u8> {
    let sequence = &project.sequence;
    let labels = sequence.labels();
    let mode = if sequence.drop_frame { "DROP FRAME" } else { "NON-DROP FRAME" };
    let title = project.name.lines().next().unwrap_or_default();
    let mut out = format!("TITLE: {title}\r\nFCM: {mode}\r\n");
    let reels = reels(project);
    // Source and record get one length, whatever whole frames their starts are nearest to.
    let span = |clip: &Clip, start: Time| {
        let first = text::nearest_frame(sequence.rate, start);
        let frames = text::nearest_frame(sequence.rate, clip.duration()).max(1);
        (labels.format_frame(first), labels.format_frame(first + frames))
    };
    for (number, clip) in sequence.picture.clips.iter().enumerate() {
        let (source_in, source_out) = span(clip, clip.source.start());
        let (record_in, record_out) = span(clip, sequence.start + clip.start);
        let reel = reels.get(&clip.media).map_or("AX", String::as_str);
        out += &format!(
            "{:03}  {reel:<8} V     C        {source_in} {source_out} {record_in} {record_out}\r\n",
            number + 1
        );
        if let Some(media) = project.media.get(&clip.media) {
            out += &format!("* FROM CLIP NAME: {}\r\n", media.name.lines().next().unwrap_or_default());
        }
    }
    out.into_bytes()
}

/// A reel name for each film, no two alike.
fn reels(project: &Project) -> BTreeMap<MediaId, String> {
    let mut reels: BTreeMap<MediaId, String> = BTreeMap::new();
    for (id, media) in &*project.media {
        let plain = reel(&media.name);
        let taken = |name: &String| reels.values().any(|reel| reel == name);
        let numbered = (2..).map(|n| format!("{}{n}", &plain[..plain.len().min(5)]));
        let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken(name));
        reels.extend(free.map(|name| (*id, name)));
    }
    reels
}
