//! What the text formats share: characters, clock times and who speaks.

use super::ImportError;
use crate::cue::Cue;
use crate::edit::{CueEdit, Edit, ScriptLine};
use crate::project::Project;
use lipsmith_base::{FrameRate, Time, TimeRange};

/// A script of a whole season is smaller.
const LARGEST: usize = 64 << 20;

/// UTF-8 or UTF-16 with a byte-order mark, or plain UTF-8; else Windows-1252, in which old subtitle files are
/// written. All line ends become `\n`.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ImportError> {
    if bytes.len() > LARGEST {
        return Err(ImportError::TooLarge(bytes.len()));
    }
    let utf16 = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| ImportError::NotText)
    };
    let text = match bytes {
        [0xFF, 0xFE, ..] => utf16(u16::from_le_bytes)?,
        [0xFE, 0xFF, ..] => utf16(u16::from_be_bytes)?,
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_string(),
            Err(_) => bytes.iter().map(|byte| windows_1252(*byte)).collect(),
        },
    };
    if text.contains('\0') {
        return Err(ImportError::NotText);
    }
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Bytes 0x80..0xA0 are punctuation where Latin-1 has control characters.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xA0 => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// `HH:MM:SS,mmm` or with a dot; hours and all of the fraction may be missing.
pub(super) fn clock(text: &str) -> Option<Time> {
    let (whole, fraction) = text.trim().split_once([',', '.']).unwrap_or((text.trim(), "0"));
    let fields: Vec<i64> = whole.split(':').map(digits).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match fields[..] {
        [minutes, seconds] => (0, minutes, seconds),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    if hours > 999 || minutes > 59 || seconds > 59 || fraction.len() > 9 {
        return None;
    }
    let scale = 10i64.pow(fraction.len() as u32);
    Some(Time::from_units(((hours * 60 + minutes) * 60 + seconds) * scale + digits(fraction)?, scale))
}

/// A number of digits only: no sign, no spaces.
fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// `HH:MM:SS` + `separator` + `mmm`, to the nearest millisecond.
pub(super) fn format_clock(time: Time, separator: char) -> String {
    let millis = time.round_units(1000).max(0);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}{separator}{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Subtitles mark who speaks as `NAME: text`, the name in capitals.
pub(super) fn split_speaker(text: &str) -> (Option<String>, &str) {
    let Some((name, rest)) = text.split_once(':') else { return (None, text) };
    let name = name.trim();
    let capitals = name.chars().any(char::is_alphabetic) && !name.chars().any(char::is_lowercase);
    if capitals && name.chars().count() <= 40 && !name.contains('\n') && !rest.trim().is_empty() {
        (Some(name.to_string()), rest.trim_start())
    } else {
        (None, text)
    }
}

/// The edit that adds the lines; none at all is an error.
pub(super) fn import(lines: Vec<ScriptLine>) -> Result<Edit, ImportError> {
    if lines.is_empty() {
        return Err(ImportError::Empty("no line of dialogue was found; is it the right format?"));
    }
    Ok(CueEdit::Import(lines).into())
}

/// A line's range on whole frames of the sequence, one at the least; or what is wrong with it.
pub(super) fn range(
    project: &Project,
    line: usize,
    start: Time,
    end: Time,
) -> Result<TimeRange, ImportError> {
    if end <= start {
        return Err(ImportError::Line {
            line,
            problem: format!("it ends ({end}) before it begins ({start})"),
        });
    }
    let rate = project.sequence.rate;
    let first = nearest_frame(rate, start);
    let behind = nearest_frame(rate, end).max(first + 1);
    Ok(TimeRange::new(rate.frame_start(first), rate.frame_start(behind)))
}

/// Milliseconds are no frames: the one whose start is nearest.
pub(super) fn nearest_frame(rate: FrameRate, time: Time) -> i64 {
    rate.frame_at(time + Time(rate.frame_duration().0 / 2))
}

/// A text for a format whose blocks end at a blank row and begin with an arrow.
pub(super) fn block(text: &str) -> String {
    let rows = text.lines().filter(|row| !row.trim().is_empty());
    rows.collect::<Vec<_>>().join("\n").replace("-->", "→")
}

/// All lines in order, with their speakers' names.
pub(super) fn lines(project: &Project) -> impl Iterator<Item = (&Cue, Option<&str>)> {
    let name =
        |cue: &Cue| cue.character.and_then(|id| project.characters.get(&id)).map(|it| it.name.as_str());
    let all = project.cues_in(TimeRange::new(Time::ZERO, Time::MAX));
    all.into_iter().map(move |(_, cue)| (cue, name(cue)))
}
