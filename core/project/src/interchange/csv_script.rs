//! Dialogue lists as tables (RFC 4180; comma, semicolon or tab), as spreadsheets and ADR programs write them. The
//! first row names the columns; times are timecodes as the sequence shows them, clock times with a fraction, or
//! seconds (`12.5s`).

use super::text;
use super::{Format, ImportError};
use crate::edit::{Edit, ScriptLine};
use crate::project::Project;
use lipsmith_base::Time;

pub(super) const FORMAT: Format = Format {
    name: "Dialogue list",
    extension: "csv",
    summary: "a table with the columns in, out, character and text",
    read,
    write,
};

/// What other programs call the columns, in small letters.
const IN: &[&str] = &["in", "start", "tc in", "timecode in", "time in", "cue in", "start time"];
const OUT: &[&str] = &["out", "end", "tc out", "timecode out", "time out", "cue out", "end time"];
const CHARACTER: &[&str] = &["character", "speaker", "name", "role", "actor"];
const TEXT: &[&str] = &["text", "dialogue", "dialog", "line", "translation", "dubbed text"];

fn read(project: &Project, bytes: &[u8]) -> Result<Edit, ImportError> {
    let rows = table(&text::decode(bytes)?)?;
    let Some(((_, head), rows)) = rows.split_first() else {
        return Err(ImportError::Empty("the table has no rows"));
    };
    let column =
        |names: &[&str]| head.iter().position(|cell| names.contains(&cell.trim().to_lowercase().as_str()));
    let required = |names: &[&str]| {
        let problem = || format!("no column is called {}; name it in the first row", names[0]);
        column(names).ok_or_else(|| ImportError::Line { line: 1, problem: problem() })
    };
    let (start, end, spoken) = (required(IN)?, required(OUT)?, required(TEXT)?);
    let character = column(CHARACTER);
    let mut lines = Vec::new();
    for (line, row) in rows {
        let cell = |column: usize| row.get(column).map_or("", |cell| cell.trim());
        let time = |column| {
            time(project, cell(column)).map_err(|problem| ImportError::Line { line: *line, problem })
        };
        let range = text::range(project, *line, time(start)?, time(end)?)?;
        let speaker = character.map(cell).filter(|name| !name.is_empty()).map(String::from);
        lines.push(ScriptLine { range, speaker, text: cell(spoken).to_string() });
    }
    text::import(lines)
}

/// Sequence time; a timecode counts from the sequence's first one.
fn time(project: &Project, text: &str) -> Result<Time, String> {
    let sequence = &project.sequence;
    let is_clock = text.matches(':').count() == 2 && text.contains(['.', ',']);
    if let Some(time) = text::clock(text).filter(|_| is_clock) {
        return Ok(time);
    }
    let time = sequence.labels().parse(text).map_err(|e| e.to_string())?;
    if text.ends_with('s') {
        return Ok(time);
    }
    if time < sequence.start {
        return Err(format!("{text} lies before the sequence's first timecode; change that first"));
    }
    Ok(time - sequence.start)
}

/// The rows that are not empty, each with the line it begins in.
fn table(text: &str) -> Result<Vec<(usize, Vec<String>)>, ImportError> {
    let separator = separator(text.lines().next().unwrap_or_default());
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut row_line, mut quote_line) = (1, 1, None);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match (quote_line, c) {
            (Some(_), '"') if chars.next_if_eq(&'"').is_some() => cell.push('"'),
            (Some(_), '"') => quote_line = None,
            (Some(_), c) => cell.push(c),
            (None, '"') if cell.is_empty() => quote_line = Some(line),
            (None, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push((row_line, std::mem::take(&mut row)));
                row_line = line;
            }
            (None, c) if c == separator => row.push(std::mem::take(&mut cell)),
            (None, c) => cell.push(c),
        }
    }
    if let Some(line) = quote_line {
        return Err(ImportError::Line { line, problem: "a quotation mark is never closed".into() });
    }
    row.push(cell);
    rows.push((row_line, row));
    rows.retain(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

/// Whichever stands most often in the first row.
fn separator(head: &str) -> char {
    let count = |c: &char| head.matches(*c).count();
    [',', ';', '\t'].into_iter().rev().max_by_key(count).unwrap_or(',')
}

fn write(project: &Project) -> Vec<u8> {
    let sequence = &project.sequence;
    let label = |time| sequence.labels().format(time + sequence.start);
    let mut out = String::from("in,out,character,text\r\n");
    for (cue, speaker) in text::lines(project) {
        let (start, end) = (label(cue.range.start()), label(cue.range.end()));
        out += &format!("{start},{end},{},{}\r\n", quoted(speaker.unwrap_or_default()), quoted(&cue.text));
    }
    out.into_bytes()
}

fn quoted(cell: &str) -> String {
    let plain = !cell.contains(['"', ',', ';', '\t', '\n', '\r']) && cell.trim() == cell;
    if plain { cell.to_string() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
}
