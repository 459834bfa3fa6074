//! Timelines as pictures, one column a frame at 25 fps:
//!
//! ```text
//! V  [a0---][b3--]..[a8-]     the picture track: film a from its frame 0, film b from its frame 3, a gap, …
//! 1  ..[x0--]                 a voice track: voice x; `1!` is a locked one
//! C  ..{one-}                 cues with their text
//! M  .....m                   markers
//! ```
//!
//! `a` to `m` are films, `n` to `z` voices, each 36 frames long; a start in the media is a digit to base 36. What
//! cannot be drawn (a clip of less than four frames) panics.

use lipsmith_base::{Digest, FrameRate, Time, TimeRange};
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, MediaEdit, Ripple, TrackEdit};
use lipsmith_project::{ClipId, CueId, Edit, Marker, Media, MediaId, Project, Sound, TrackId, Video};

/// Start of a frame, or so many frames.
pub fn f(frames: i64) -> Time {
    FrameRate::FPS_25.frame_start(frames)
}

pub fn span(from: i64, to: i64) -> TimeRange {
    TimeRange::new(f(from), f(to))
}

pub fn media(name: &str) -> Media {
    let film = name < "n";
    Media {
        name: name.into(),
        path: format!("/footage/{name}.mov").into(),
        fingerprint: Digest::of(name.as_bytes()),
        duration: f(36),
        video: film.then_some(Video { rate: FrameRate::FPS_25, width: 1920, height: 1080 }),
        sound: Some(Sound { rate: 48_000, channels: 2 }),
    }
}

/// The project that a picture shows. Things are numbered in the picture's order.
pub fn draw(picture: &str) -> Project {
    let mut project = Project::new("sketch", FrameRate::FPS_25);
    let mut add = |edit: Edit| project = edit.apply(&project).unwrap_or_else(|e| panic!("{e}: {picture}"));
    let mut locked = Vec::new();
    let mut known = Vec::<(char, MediaId)>::new();
    let mut next = 3;
    let mut add_numbered = |edit: Edit| {
        add(edit);
        next += 1;
        next - 1
    };
    for line in picture.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (label, row) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let row: Vec<char> = row.trim().chars().collect();
        for (start, _) in row.iter().enumerate().filter(|(_, c)| !matches!(c, '.' | '-' | ']' | '}')) {
            let text =
                |close: char| -> String { row[start + 1..].iter().take_while(|c| **c != close).collect() };
            match row[start] {
                '[' => {
                    let text = text(']');
                    let [name, from] =
                        [0, 1].map(|n| text.chars().nth(n).expect("a medium and where it starts"));
                    let known_media = known.iter().find(|(known, _)| *known == name).map(|(_, id)| *id);
                    let media = known_media.unwrap_or_else(|| {
                        let id = MediaId(add_numbered(MediaEdit::Add(media(&name.to_string())).into()));
                        known.push((name, id));
                        id
                    });
                    let from = i64::from(from.to_digit(36).expect("a digit to base 36"));
                    let source = span(from, from + text.len() as i64 + 2);
                    let track = track_id(label);
                    let at = f(start as i64);
                    add_numbered(ClipEdit::Place { track, media, source, at, ripple: Ripple::Off }.into());
                }
                '{' => {
                    let (text, to) = (text('}'), start + text('}').len() + 2);
                    let (range, text) =
                        (span(start as i64, to as i64), text.trim_end_matches('-').to_string());
                    add_numbered(CueEdit::Add { range, text, character: None, voice: None }.into());
                }
                name if label == "M" => {
                    let marker = Marker { at: f(start as i64), name: name.into(), colour: [255, 0, 0] };
                    add_numbered(CastEdit::AddMarker(marker).into());
                }
                _ => {}
            }
        }
        if label.ends_with('!') {
            locked.push(track_id(label));
        }
    }
    for track in locked {
        add(TrackEdit::Lock { track, locked: true }.into());
    }
    project
}

fn track_id(label: &str) -> TrackId {
    match label.trim_end_matches('!') {
        "V" => TrackId(1),
        "1" => TrackId(2),
        other => panic!("no track {other} in sketches"),
    }
}

/// The picture of a project; rows without anything on them are left out.
pub fn picture(project: &Project) -> String {
    let mut rows = Vec::new();
    for track in project.sequence.tracks() {
        let mut row = Row::default();
        for clip in &track.clips {
            let from = char::from_digit(frame(clip.source.start()) as u32, 36).expect("an early start");
            row.draw(clip.range(), &format!("[{}{from}", project.media[&clip.media].name), "]");
        }
        let label = if track.id == TrackId(1) { "V" } else { "1" };
        rows.push((if track.locked { format!("{label}!") } else { label.into() }, row));
    }
    let (mut cues, mut markers) = (Row::default(), Row::default());
    for (_, cue) in project.cues_in(TimeRange::new(Time::ZERO, Time::MAX)) {
        cues.draw(cue.range, &format!("{{{}", cue.text), "}");
    }
    let mut by_time: Vec<_> = project.markers.values().collect();
    by_time.sort_by_key(|marker| marker.at);
    for marker in by_time {
        markers.draw(TimeRange::with_duration(marker.at, f(1)), &marker.name, "");
    }
    rows.extend([("C".into(), cues), ("M".into(), markers)]);
    let drawn = rows.iter().filter(|(_, row)| !row.0.is_empty());
    drawn.map(|(label, row)| format!("{label:<3}{}\n", row.0)).collect()
}

#[derive(Default)]
struct Row(String);

impl Row {
    fn draw(&mut self, range: TimeRange, opening: &str, closing: &str) {
        let (start, length) = (frame(range.start()) as usize, frame(range.duration()) as usize);
        assert!(start >= self.0.len(), "'{opening}' at {start} is drawn over {}", self.0);
        let dashes = length
            .checked_sub(opening.len() + closing.len())
            .unwrap_or_else(|| panic!("{opening} is too short"));
        let gap = start - self.0.len();
        self.0 += &format!("{}{opening}{}{closing}", ".".repeat(gap), "-".repeat(dashes));
    }
}

fn frame(time: Time) -> i64 {
    let frame = FrameRate::FPS_25.frame_at(time);
    assert_eq!(f(frame), time, "between two frames");
    frame
}

/// The clip at a column of the picture track (`V`) or the voice track (`1`).
pub fn clip(project: &Project, track: &str, column: i64) -> ClipId {
    let id = track_id(track);
    let track = project.sequence.tracks().find(|track| track.id == id).expect("a track");
    track.clip_at(f(column)).expect("a clip there").id
}

pub fn cue(project: &Project, text: &str) -> CueId {
    *project.cues.iter().find(|(_, cue)| cue.text == text).expect("a cue with this text").0
}

/// Applies an edit to one picture and expects another.
#[track_caller]
pub fn check(before: &str, edit: impl FnOnce(&Project) -> Edit, after: &str) {
    let project = draw(before);
    let edited = edit(&project).apply(&project).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(edited.check(), []);
    let expected = after.lines().map(|line| format!("{}\n", line.trim())).collect::<String>();
    let expected = expected.trim_start().trim_end_matches('\n');
    let got = picture(&edited);
    assert_eq!(got.trim_end(), expected, "\n{got}\ninstead of\n{expected}\n");
}
