//! Which pictures of a line's speaker would serve best as references.

use super::{JobSink, Shop};
use crate::analysis::Analysis;
use crate::desk::event::{Advised, Event, Screen};
use crate::error::EngineError;
use crate::film::FilmReader;
use crate::material::present;
use crate::shipped;
use lipsmith_base::{Affine, Cancel, Progress, Rect, Rgb, Sink, Time};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::families::advisor::{Look, Serves, rank};
use lipsmith_project::{CueId, MediaId, Project};
use std::collections::BTreeSet;

/// Pictures whose sharpness and light are measured.
const MEASURED: usize = 24;
/// Pictures told of.
const TOLD: usize = 8;
/// Of one shot at most so many, and no two nearer to each other than this: alike ones are no choice.
const OF_A_SHOT: usize = 6;
const APART: Time = Time(lipsmith_base::time::FLICKS / 2);
/// Side of what is shown, in pixels.
const SIDE: usize = 160;

/// A frame with the speaker's face.
struct Candidate {
    frame: u64,
    face: Face,
}

impl Shop {
    pub fn advise(
        &self,
        project: &Project,
        cue: CueId,
        sink: &JobSink,
        cancel: &Cancel,
    ) -> Result<(), EngineError> {
        let mut pictures = Vec::new();
        for media in films_under(project, cue) {
            pictures.extend(self.advise_on(project, cue, media, sink, cancel)?);
        }
        pictures.sort_by(|a, b| b.score.total_cmp(&a.score));
        pictures.truncate(TOLD);
        if pictures.is_empty() {
            return Err(EngineError::Request(
                "the speaker's face is not found in the film under the line; bind another one in the viewer"
                    .into(),
            ));
        }
        self.port.tell(Event::Advice { cue, pictures });
        Ok(())
    }

    fn advise_on(
        &self,
        project: &Project,
        cue: CueId,
        media: MediaId,
        sink: &JobSink,
        cancel: &Cancel,
    ) -> Result<Vec<Advised>, EngineError> {
        let film = project.media.get(&media);
        let analysis = film.and_then(|film| self.findings().analysis_of(film.fingerprint));
        let Some((film, analysis)) = film.zip(analysis) else { return Ok(Vec::new()) };
        let serves = serves(project, cue);
        let mut candidates = candidates(project, cue, media, &analysis, serves, cancel)?;
        keep_best(&mut candidates, MEASURED, serves);
        candidates.sort_by_key(|candidate| candidate.frame);
        let mut reader = FilmReader::open(&present(film)?, cancel)?;
        let (mut images, mut looks) = (Vec::new(), Vec::new());
        for (done, candidate) in candidates.iter().enumerate() {
            cancel.check()?;
            let picture = reader.picture(candidate.frame)?;
            let image = picture.map(|picture| picture.sample(window(candidate.face.rect), SIDE, SIDE));
            looks.push(image.as_ref().map(Look::of));
            images.push(image);
            let total = Some(candidates.len() as u64);
            sink.progress(Progress { stage: "look", done: done as u64 + 1, total });
        }
        let faces: Vec<_> = candidates.iter().map(|candidate| Some(candidate.face.clone())).collect();
        let ranked = rank(&faces, &looks, serves).into_iter();
        let advised = ranked.filter_map(|(index, score)| {
            let at = analysis.times().start(candidates[index].frame);
            let image: &Rgb = images[index].as_ref()?;
            Some(Advised { media, at, score, image: Screen::of(image) })
        });
        Ok(advised.take(TOLD).collect())
    }
}

/// Our own network shows the reference's pixels; others paint from it.
fn serves(project: &Project, cue: CueId) -> Serves {
    let line = project.cues.get(&cue);
    let family = line.map(|line| &project.method(line).family);
    if family.is_some_and(|family| family == shipped::GENERATOR) {
        Serves::Carrying
    } else {
        Serves::Painting
    }
}

/// The films that show the speaker under the line.
fn films_under(project: &Project, cue: CueId) -> BTreeSet<MediaId> {
    let Some(line) = project.cues.get(&cue) else { return BTreeSet::new() };
    project.stretches(line.rendered()).into_iter().map(|stretch| stretch.clip.media).collect()
}

/// The best of every shot of the film in which the speaker is seen.
fn candidates(
    project: &Project,
    cue: CueId,
    media: MediaId,
    analysis: &Analysis,
    serves: Serves,
    cancel: &Cancel,
) -> Result<Vec<Candidate>, EngineError> {
    let speaker = project.cues.get(&cue).and_then(|line| project.characters.get(&line.character?));
    let bound = speaker.into_iter().flat_map(|speaker| speaker.faces.iter().filter(|f| f.media == media));
    let mut found: Vec<Candidate> = Vec::new();
    for binding in bound {
        let within = analysis.frames_in(binding.range);
        for shot in analysis.shots().iter().filter(|shot| shot.shows(binding.person)) {
            cancel.check()?;
            let frames = within.start.max(shot.frames.start)..within.end.min(shot.frames.end);
            if frames.is_empty() {
                continue;
            }
            let mut faces = analysis.faces(binding.person, &frames)?;
            let mut chosen: Vec<u64> = Vec::new();
            for (index, _) in rank(&faces, &[], serves) {
                let frame = frames.start + index as u64;
                let start = |frame| analysis.times().start(frame);
                let near = |other: &u64| Time((start(frame) - start(*other)).0.abs()) < APART;
                if chosen.len() < OF_A_SHOT && !chosen.iter().any(near) {
                    chosen.push(frame);
                    found.extend(faces[index].take().map(|face| Candidate { frame, face }));
                }
            }
            // A long film has more shots than are worth keeping.
            if found.len() > 16 * MEASURED {
                keep_best(&mut found, 4 * MEASURED, serves);
            }
        }
    }
    Ok(found)
}

/// By pose and size alone.
fn keep_best(candidates: &mut Vec<Candidate>, count: usize, serves: Serves) {
    let mut faces: Vec<_> = candidates.iter().map(|candidate| Some(candidate.face.clone())).collect();
    let order = rank(&faces, &[], serves).into_iter().take(count);
    let best = order.filter_map(|(index, _)| {
        Some(Candidate { frame: candidates[index].frame, face: faces[index].take()? })
    });
    *candidates = best.collect();
}

/// The head, from a square of [`SIDE`] pixels to the film's.
fn window(face: Rect) -> Affine {
    let (centre, half) = (face.centre(), 0.8 * face.width().max(face.height()));
    let seen = Rect::new(centre.x - half, centre.y - half, centre.x + half, centre.y + half);
    Affine::rect_to_rect(Rect::new(0.0, 0.0, SIDE as f32, SIDE as f32), seen)
}
