//! The sample project: the film and the line of `resources/sample`, which the program carries, laid out ready to
//! render.

use super::disk::look_at;
use crate::error::EngineError;
use crate::files::write_atomically;
use crate::sample::{FILM, LINE};
use lipsmith_base::{FrameRate, Time, TimeRange};
use lipsmith_project::edit::{ClipEdit, CueEdit, MediaEdit, Ripple};
use lipsmith_project::{ClipId, Edit, MediaId, Project};
use std::path::Path;

const FILES: [(&str, &[u8]); 2] = [
    (FILM, include_bytes!("../../../../resources/sample/presenter.mp4")),
    (LINE, include_bytes!("../../../../resources/sample/line.wav")),
];

/// Unpacks the sample into `folder` and lays it out.
pub fn project(folder: &Path) -> Result<Project, EngineError> {
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if !std::fs::metadata(&path).is_ok_and(|meta| meta.len() == bytes.len() as u64) {
            write_atomically(&path, bytes)?;
        }
    }
    let (film, line) = (look_at(&folder.join(FILM))?, look_at(&folder.join(LINE))?);
    let rate = film.video.map_or(FrameRate::FPS_25, |video| video.rate);
    let empty = Project::new("Sample", rate);
    let (picture, voice) = (empty.sequence.picture.id, empty.sequence.voices[0].id);
    let next = empty.next_id;
    let (film_id, line_id, clip) = (MediaId(next), MediaId(next + 1), ClipId(next + 3));
    let whole = |duration| TimeRange::new(Time::ZERO, duration);
    let place = |track, media, source| {
        Edit::from(ClipEdit::Place { track, media, source, at: Time::ZERO, ripple: Ripple::Off })
    };
    let line_range = whole(line.duration.min(film.duration));
    let edits = vec![
        place(picture, film_id, whole(film.duration)),
        place(voice, line_id, line_range),
        CueEdit::Add {
            range: line_range,
            text: crate::sample::DUBBED.into(),
            character: None,
            voice: Some(clip),
        }
        .into(),
    ];
    let media = vec![MediaEdit::Add(film).into(), MediaEdit::Add(line).into()];
    let all = Edit::Several { label: "Sample".into(), edits: media.into_iter().chain(edits).collect() };
    all.apply(&empty).map_err(|e| EngineError::Request(e.to_string()))
}
