//! Where a film's people are, as the timeline shows it.

use crate::analysis::Analysis;
use crate::desk::event::{FilmFaces, PersonSeen, Seen};
use crate::error::EngineError;
use lipsmith_base::{Digest, TimeRange};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::face::Shot;
use lipsmith_media::FrameTimes;
use std::collections::BTreeMap;

/// Pixels of width below which a mouth has too few to be painted well.
const SMALL: f32 = 64.0;
/// Degrees from the camera beyond which half of the mouth is hidden.
const TURNED: f32 = 45.0;

/// Grows shot by shot.
#[derive(Default)]
pub struct Sightings {
    shots: Vec<TimeRange>,
    /// The last of them goes on in the next piece.
    runs_on: bool,
    people: BTreeMap<u32, Vec<(TimeRange, Seen)>>,
}

impl Sightings {
    pub fn add(&mut self, shot: &Shot, times: &FrameTimes) {
        let start = shot.start as u64;
        let frames = start..start + shot.length as u64;
        let range = TimeRange::new(times.start(frames.start), times.start(frames.end));
        match self.shots.last_mut().filter(|_| self.runs_on) {
            Some(begun) => *begun = TimeRange::new(begun.start(), range.end()),
            None => self.shots.push(range),
        }
        let mut people = BTreeMap::<u32, Vec<Option<Seen>>>::new();
        for track in &shot.tracks {
            let seen = people.entry(track.person).or_insert_with(|| vec![None; shot.length]);
            for (seen, face) in seen.iter_mut().zip(&track.faces) {
                *seen = face.as_ref().map(how).or(*seen);
            }
        }
        for (person, seen) in people {
            let spans = self.people.entry(person).or_default();
            let mut first = 0;
            for alike in seen.chunk_by(PartialEq::eq) {
                let (from, to) = (start + first, start + first + alike.len() as u64);
                let range = TimeRange::new(times.start(from), times.start(to));
                let seen = alike[0].unwrap_or(Seen::Lost);
                let goes_on = |(span, before): &&mut (TimeRange, Seen)| {
                    self.runs_on && *before == seen && span.end() == range.start()
                };
                match spans.last_mut().filter(goes_on) {
                    Some((span, _)) => *span = TimeRange::new(span.start(), range.end()),
                    None => spans.push((range, seen)),
                }
                first += alike.len() as u64;
            }
        }
        self.runs_on = shot.runs_on;
    }

    /// `key`: of the analysis, once it is finished.
    pub fn faces(&self, key: Option<Digest>) -> FilmFaces {
        let people = self.people.iter().map(|(&person, spans)| PersonSeen { person, spans: spans.clone() });
        FilmFaces { key, shots: self.shots.clone(), people: people.collect() }
    }
}

/// Of a finished analysis: reads all its shots.
pub fn film_faces(analysis: &Analysis) -> Result<FilmFaces, EngineError> {
    let mut sightings = Sightings::default();
    for index in 0..analysis.shots().len() {
        sightings.add(&analysis.shot(index)?, analysis.times());
    }
    Ok(sightings.faces(Some(analysis.key())))
}

fn how(face: &Face) -> Seen {
    let yaw = face.landmarks.as_ref().map_or(0.0, |landmarks| landmarks.pose.yaw);
    if yaw.abs() > TURNED {
        Seen::Turned
    } else if face.rect.width() < SMALL {
        Seen::Small
    } else {
        Seen::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{ColourSpec, FrameRate, Picture, PixelFormat, Rect, Rgb, Time};
    use lipsmith_lipsync::face::{Landmarks, Look, Pose, Track};

    fn face(width: f32, yaw: f32) -> Option<Face> {
        let pose = Pose { yaw, ..Pose::default() };
        let landmarks = Landmarks { points: Vec::new(), oval: Vec::new(), pose, lip_opening: 0.0 };
        let rect = Rect::new(0.0, 0.0, width, width);
        Some(Face { rect, score: 1.0, landmarks: Some(Box::new(landmarks)), interpolated: false })
    }

    #[test]
    fn spans_cover_the_shots_in_which_a_person_is() {
        let times = FrameTimes::constant(FrameRate::FPS_25, 6);
        let range = |from: u64, to: u64| TimeRange::new(times.start(from), times.start(to));
        let black = Picture::from_rgb(&Rgb::black(8, 8), PixelFormat::I420, ColourSpec::BT709);
        let look = Look::of(&black, &face(8.0, 0.0).expect("a face"));
        let faces = vec![face(100.0, 0.0), face(100.0, -50.0), None, face(40.0, 10.0)];
        let mut sightings = Sightings::default();
        sightings.add(
            &Shot { start: 0, length: 4, runs_on: false, tracks: vec![Track { person: 2, faces, look }] },
            &times,
        );
        sightings.add(&Shot { start: 4, length: 2, runs_on: false, tracks: Vec::new() }, &times);
        let FilmFaces { key, shots, people } = sightings.faces(None);
        assert_eq!((key, shots), (None, vec![range(0, 4), range(4, 6)]));
        let spans = vec![
            (range(0, 1), Seen::Well),
            (range(1, 2), Seen::Turned),
            (range(2, 3), Seen::Lost),
            (range(3, 4), Seen::Small),
        ];
        assert_eq!(people, [PersonSeen { person: 2, spans }]);
        assert_eq!(times.end(), Time::from_units(6, 25));
    }
}
