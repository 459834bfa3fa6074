//! Following everyone's face through a film, shot by shot, in one pass over its pictures.
//!
//! The detector looks at the first picture of a shot and about once a second; in between each face is followed
//! by laying the mesh where it was in the picture before. Who is lost is searched where he was last seen.

use super::detect::{Detection, Finder, detect_all};
use super::look::Look;
use super::shots::{AHEAD, Cuts, Glance};
use super::smooth::steady;
use super::{Face, Landmarks, Pose};
use crate::error::LipsyncError;
use lipsmith_base::{FrameRate, Picture, Point, Rect};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A stretch of film between two cuts; a long one comes in pieces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// Number of its first frame in the film.
    pub start: usize,
    /// Its frames.
    pub length: usize,
    /// No cut ends it: the next one is its next piece.
    pub runs_on: bool,
    /// By person.
    pub tracks: Vec<Track>,
}

/// One person in one shot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Counted from 1 in the order of appearance, the larger face first; the same person keeps the number from
    /// shot to shot where the likeness leaves no doubt.
    pub person: u32,
    /// One for each frame of the shot; `None` where the person is not seen. Short gaps are filled in and
    /// marked as [`Face::interpolated`].
    pub faces: Vec<Option<Face>>,
    pub look: Look,
}

/// A shot that runs for more seconds is given in pieces of this length, so that its keeper loses little when the
/// tracking is broken off, and its beginning can be worked with before its end is seen.
const PIECE: f64 = 20.0;
/// Gaps up to this many seconds are filled in.
const GAP: f64 = 0.4;
/// Seconds between two looks of the detector.
const INTERVAL: f64 = 1.0;
/// The same while nobody is in the picture.
const WAITING: f64 = 0.25;
/// Tracks seen for less than this many seconds are taken for mistakes.
const GLIMPSE: f64 = 0.2;
/// Likeness above which a face that comes up in a shot is one that was lost in it.
const AGAIN: f32 = 0.6;
/// The same between shots, where light and background differ and a mistake costs more.
const SAME: f32 = 0.8;
/// A mesh less sure than this is checked by the detector.
const UNSURE: f32 = 0.9;
/// Faces smaller than this share of the picture's longer side call for tiles.
const SMALL: f32 = 0.06;

/// Takes the pictures of a film in order and gives its shots as they end.
pub struct Tracker {
    finder: Finder,
    fps: f64,
    cuts: Cuts,
    /// Pictures not yet judged: a cut is seen only when the pictures after it are known.
    waiting: VecDeque<(Picture, Glance)>,
    running: Option<Running>,
    people: People,
    /// Number of the next picture to be judged.
    next: usize,
    /// Where everyone was, by number, at the end of the piece that the running shot goes on from.
    left: Vec<(u32, Rect)>,
}

impl Tracker {
    pub fn new(finder: Finder, rate: FrameRate) -> Tracker {
        Tracker {
            finder,
            fps: rate.fps(),
            cuts: Cuts::default(),
            waiting: VecDeque::new(),
            running: None,
            people: People::default(),
            next: 0,
            left: Vec::new(),
        }
    }

    /// Takes up a film where an earlier run ended: `shot` was given then. To be called with each such shot in order,
    /// before the first picture after the last of them.
    pub fn resume(&mut self, shot: &Shot) {
        self.next = shot.start + shot.length;
        self.left = left_by(shot);
        for track in &shot.tracks {
            self.people.remember((track.person as usize).saturating_sub(1), &track.look);
        }
    }

    /// The next picture of the film. Answers with a shot when one has ended, [`AHEAD`] pictures after it did.
    pub fn push(&mut self, picture: &Picture) -> Result<Option<Shot>, LipsyncError> {
        self.waiting.push_back((picture.clone(), Glance::of(picture)));
        if self.waiting.len() <= AHEAD { Ok(None) } else { self.advance() }
    }

    /// The film is over: the shots not yet given.
    pub fn finish(mut self) -> Result<Vec<Shot>, LipsyncError> {
        let mut shots = Vec::new();
        while !self.waiting.is_empty() {
            shots.extend(self.advance()?);
        }
        shots.extend(self.end(false));
        Ok(shots)
    }

    fn advance(&mut self) -> Result<Option<Shot>, LipsyncError> {
        let ahead: Vec<&Glance> = self.waiting.iter().map(|(_, glance)| glance).collect();
        let cut = self.cuts.begins(&ahead);
        let Some((picture, _)) = self.waiting.pop_front() else { return Ok(None) };
        let long = self.running.as_ref().is_some_and(|shot| shot.length as f64 >= PIECE * self.fps);
        let ended = if cut || long { self.end(!cut) } else { None };
        if ended.as_ref().is_some_and(|shot| shot.runs_on) {
            // As one who takes up the film here sees it.
            self.cuts.forget();
        }
        let running = self.running.get_or_insert_with(|| Running::new(self.next));
        running.picture(&mut self.finder, &picture, self.fps)?;
        self.next += 1;
        Ok(ended)
    }

    /// Ends the running shot, if there is one.
    fn end(&mut self, runs_on: bool) -> Option<Shot> {
        let shot = self.running.take()?.end(self.fps, &mut self.people, &self.left, runs_on);
        self.left = left_by(&shot);
        Some(shot)
    }
}

/// Who is in the last frame of a piece, and where.
fn left_by(piece: &Shot) -> Vec<(u32, Rect)> {
    let last = |track: &Track| Some((track.person, track.faces.last()?.as_ref()?.rect));
    if piece.runs_on { piece.tracks.iter().filter_map(last).collect() } else { Vec::new() }
}

/// The shot that is being followed.
struct Running {
    start: usize,
    length: usize,
    tracks: Vec<Open>,
    /// Frames since the detector last looked at the whole picture.
    unchecked: usize,
}

/// A track that may go on.
struct Open {
    /// From the shot's first frame on.
    faces: Vec<Option<Face>>,
    last: Face,
    /// How far the face's centre moved in the last frame.
    motion: Point,
    /// Frames since it was last seen.
    lost: usize,
    look: Look,
    /// How well the look was seen: frontal faces count most.
    look_weight: f32,
}

impl Running {
    fn new(start: usize) -> Running {
        Running { start, length: 0, tracks: Vec::new(), unchecked: 0 }
    }

    fn picture(&mut self, finder: &mut Finder, picture: &Picture, fps: f64) -> Result<(), LipsyncError> {
        let patience = (GAP * fps).round() as usize;
        let mut seen: Vec<Option<Face>> = Vec::with_capacity(self.tracks.len());
        for track in &self.tracks {
            let followed = if track.lost <= patience { track.follow(finder, picture)? } else { None };
            seen.push(followed);
        }
        self.part(&mut seen, picture);
        self.search(finder, picture, &mut seen, fps)?;
        for (track, face) in self.tracks.iter_mut().zip(seen) {
            track.note(face, picture, fps);
        }
        self.length += 1;
        Ok(())
    }

    /// Where two tracks have run onto one face, it stays with the one that looks like it.
    fn part(&self, seen: &mut [Option<Face>], picture: &Picture) {
        for a in 0..seen.len() {
            for b in a + 1..seen.len() {
                let (Some(first), Some(second)) = (&seen[a], &seen[b]) else { continue };
                if same_place(first.rect, second.rect) {
                    let look = Look::of(picture, first);
                    let alike = |track: usize| self.tracks[track].look.likeness(&look);
                    let loser = if alike(a) >= alike(b) { b } else { a };
                    seen[loser] = None;
                }
            }
        }
    }

    /// Lets the detector look for who is lost and for who is new.
    fn search(
        &mut self,
        finder: &mut Finder,
        picture: &Picture,
        seen: &mut Vec<Option<Face>>,
        fps: f64,
    ) -> Result<(), LipsyncError> {
        let interval = if seen.iter().any(Option::is_some) { INTERVAL } else { WAITING };
        let mut found: Vec<Detection> = Vec::new();
        self.unchecked += 1;
        if self.length == 0 || self.unchecked as f64 >= interval * fps {
            self.unchecked = 0;
            let longer = picture.width().max(picture.height()) as f32;
            let small = |face: &Face| face.rect.width() < SMALL * longer;
            let on_the_second = self.length.is_multiple_of((INTERVAL * fps).round().max(1.0) as usize);
            let fine = self.length == 0
                || seen.iter().flatten().any(small)
                || (on_the_second && seen.iter().all(Option::is_none));
            found = detect_all(finder.detector.as_mut(), picture, fine)?;
        } else {
            for (track, face) in self.tracks.iter().zip(seen.iter()) {
                let due = match face {
                    Some(face) => face.score < UNSURE && self.length.is_multiple_of(3),
                    None => track.lost < 3 || (track.lost % 5 == 0 && track.lost as f64 <= INTERVAL * fps),
                };
                if due {
                    let rect = track.last.rect;
                    let reach = 1.5 * rect.width().max(rect.height());
                    found.extend(finder.detector.detect(
                        picture,
                        rect.grown(reach, reach),
                        rect.width() / 2.0,
                    )?);
                }
            }
        }
        for detection in &found {
            if seen.iter().flatten().any(|face| face.rect.iou(detection.rect) > 0.4) {
                continue;
            }
            let Some(face) = finder.look(picture, detection)? else { continue };
            if seen.iter().flatten().any(|other| face.rect.iou(other.rect) > 0.5) {
                continue;
            }
            let look = Look::of(picture, &face);
            // A mesh that no detection agrees with may have slipped off the face that was just found.
            let slipped = |other: &Face| {
                let apart = face.rect.centre().distance(other.rect.centre());
                let agreed = found.iter().any(|d| d.rect.iou(other.rect) > 0.4);
                !agreed && apart < 1.2 * face.rect.width().max(other.rect.width())
            };
            let open = |i: &usize| seen[*i].as_ref().is_none_or(slipped);
            let returned = (0..self.tracks.len())
                .filter(open)
                .map(|i| (i, self.tracks[i].resemblance(&face, &look)))
                .filter(|(_, resemblance)| *resemblance > AGAIN)
                .max_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((track, _)) = returned {
                seen[track] = Some(face);
            } else if !seen.iter().flatten().any(|other| same_place(other.rect, face.rect)) {
                self.tracks.push(Open::new(self.length, face.clone(), look));
                seen.push(Some(face));
            }
        }
        Ok(())
    }

    fn end(self, fps: f64, people: &mut People, left: &[(u32, Rect)], runs_on: bool) -> Shot {
        let Running { start, length, tracks, .. } = self;
        let enough = ((GLIMPSE * fps).ceil() as usize).min(length.div_ceil(2));
        let mut tracks: Vec<Track> = tracks
            .into_iter()
            .filter(|track| track.faces.iter().flatten().count() >= enough)
            .map(|track| Track { person: 0, faces: track.faces, look: track.look })
            .collect();
        unite(&mut tracks);
        for track in &mut tracks {
            fill_gaps(&mut track.faces, (GAP * fps).round() as usize);
            steady(&mut track.faces);
        }
        people.number(&mut tracks, left);
        Shot { start, length, runs_on, tracks }
    }
}

impl Open {
    fn new(frame: usize, face: Face, look: Look) -> Open {
        let look_weight = frontality(&face);
        Open { faces: vec![None; frame], last: face, motion: Point::default(), lost: 0, look, look_weight }
    }

    fn follow(&self, finder: &mut Finder, picture: &Picture) -> Result<Option<Face>, LipsyncError> {
        let mut expected = self.last.clone();
        // One step further as it moved before; who has been lost for longer may be anywhere near.
        let (step, limit) = (self.motion, expected.rect.width() / 2.0);
        if self.lost == 0 && step.x.hypot(step.y) < limit {
            let rect = &mut expected.rect;
            *rect = Rect::new(rect.x0 + step.x, rect.y0 + step.y, rect.x1 + step.x, rect.y1 + step.y);
        }
        let Some(face) = finder.follow(picture, &expected)? else { return Ok(None) };
        let growth = face.rect.width() / expected.rect.width();
        Ok((face.rect.iou(expected.rect) > 0.25 && (0.6..1.6).contains(&growth)).then_some(face))
    }

    /// How surely `face` is this track's, 1 for certain.
    fn resemblance(&self, face: &Face, look: &Look) -> f32 {
        let apart = face.rect.centre().distance(self.last.rect.centre()) / self.last.rect.width().max(1.0);
        let growth = face.rect.width() / self.last.rect.width().max(1.0);
        // Found where it was lost a moment ago: hardly anyone else.
        let nearby = if apart < 1.0 && (0.6..1.6).contains(&growth) {
            0.5 / (1.0 + self.lost as f32 / 10.0)
        } else {
            0.0
        };
        self.look.likeness(look) + nearby
    }

    fn note(&mut self, face: Option<Face>, picture: &Picture, fps: f64) {
        match &face {
            Some(face) => {
                let (now, then) = (face.rect.centre(), self.last.rect.centre());
                self.motion = if self.lost == 0 {
                    Point::new(now.x - then.x, now.y - then.y)
                } else {
                    Point::default()
                };
                let due = self.faces.len().is_multiple_of((fps / 2.0).round().max(1.0) as usize);
                let weight = frontality(face);
                if due && self.lost == 0 && weight > 0.5 * self.look_weight {
                    self.look.blend(&Look::of(picture, face), weight / (weight + 4.0 * self.look_weight));
                    self.look_weight = self.look_weight.max(weight);
                }
                self.last = face.clone();
                self.lost = 0;
            }
            None => self.lost += 1,
        }
        self.faces.push(face);
    }
}

/// Makes one track of two that are never seen together and look the same: somebody who was gone for a while.
fn unite(tracks: &mut Vec<Track>) {
    let apart = |a: &Track, b: &Track| a.faces.iter().zip(&b.faces).all(|(a, b)| a.is_none() || b.is_none());
    loop {
        let pairs = (0..tracks.len()).flat_map(|a| (a + 1..tracks.len()).map(move |b| (a, b)));
        let best = pairs
            .filter(|&(a, b)| apart(&tracks[a], &tracks[b]))
            .map(|(a, b)| (a, b, tracks[a].look.likeness(&tracks[b].look)))
            .max_by(|p, q| p.2.total_cmp(&q.2));
        let Some((a, b, _)) = best.filter(|(_, _, likeness)| *likeness > SAME) else { return };
        let other = tracks.swap_remove(b);
        tracks[a].look.blend(&other.look, 0.5);
        for (face, theirs) in tracks[a].faces.iter_mut().zip(other.faces) {
            *face = face.take().or(theirs);
        }
    }
}

/// 1 for a face that looks into the camera, towards 0 for a profile.
fn frontality(face: &Face) -> f32 {
    face.landmarks.as_ref().map_or(1.0, |landmarks| landmarks.pose.yaw.to_radians().cos().max(0.05).powi(3))
}

fn same_place(a: Rect, b: Rect) -> bool {
    a.intersect(b).area() > 0.4 * a.area().min(b.area())
}

/// Fills gaps of at most `longest` frames between two sightings.
fn fill_gaps(faces: &mut [Option<Face>], longest: usize) {
    let mut last: Option<usize> = None;
    for i in 0..faces.len() {
        if faces[i].is_none() {
            continue;
        }
        if let Some(before) = last.filter(|&before| i - before > 1 && i - before - 1 <= longest)
            && let (Some(a), Some(b)) = (faces[before].clone(), faces[i].clone())
        {
            for (k, face) in faces[before + 1..i].iter_mut().enumerate() {
                *face = Some(between(&a, &b, (k + 1) as f32 / (i - before) as f32));
            }
        }
        last = Some(i);
    }
}

fn between(a: &Face, b: &Face, t: f32) -> Face {
    let mix = |a: f32, b: f32| a + (b - a) * t;
    let points = |a: &[Point], b: &[Point]| a.iter().zip(b).map(|(a, b)| a.lerp(*b, t)).collect();
    let landmarks = a.landmarks.as_deref().zip(b.landmarks.as_deref()).map(|(a, b)| {
        Box::new(Landmarks {
            points: points(&a.points, &b.points),
            oval: points(&a.oval, &b.oval),
            pose: Pose {
                yaw: mix(a.pose.yaw, b.pose.yaw),
                pitch: mix(a.pose.pitch, b.pose.pitch),
                roll: mix(a.pose.roll, b.pose.roll),
            },
            lip_opening: mix(a.lip_opening, b.lip_opening),
        })
    });
    let (p, q) = (a.rect, b.rect);
    Face {
        rect: Rect::new(mix(p.x0, q.x0), mix(p.y0, q.y0), mix(p.x1, q.x1), mix(p.y1, q.y1)),
        score: a.score.min(b.score),
        landmarks,
        interpolated: true,
    }
}

/// Everyone seen so far, by number less one, each with the looks they had in their shots.
#[derive(Default)]
struct People {
    looks: Vec<Vec<Look>>,
}

impl People {
    /// Looks kept of one person: the newest.
    const LOOKS: usize = 8;

    /// Whoever stands where somebody `left` a frame ago is he; all others are known by their looks.
    fn number(&mut self, tracks: &mut [Track], left: &[(u32, Rect)]) {
        tracks.sort_by(|a, b| {
            let key = |track: &Track| {
                let first = track.faces.iter().position(Option::is_some);
                (first, -track.faces.iter().flatten().next().map_or(0.0, |face| face.rect.area()))
            };
            let ((first_a, size_a), (first_b, size_b)) = (key(a), key(b));
            first_a.cmp(&first_b).then(size_a.total_cmp(&size_b))
        });
        let mut taken = vec![false; self.looks.len()];
        let stayed = |track: &Track| {
            let first = track.faces.first()?.as_ref()?.rect;
            let near = left.iter().filter(|(_, rect)| same_place(first, *rect));
            near.max_by(|a, b| a.1.iou(first).total_cmp(&b.1.iou(first)))
                .map(|(person, _)| *person as usize - 1)
        };
        let stayed: Vec<Option<usize>> = tracks.iter().map(stayed).collect();
        stayed.iter().flatten().for_each(|&person| taken[person] = true);
        for (track, stayed) in tracks.iter_mut().zip(stayed) {
            let alike = |looks: &Vec<Look>| {
                looks.iter().map(|look| look.likeness(&track.look)).fold(f32::NEG_INFINITY, f32::max)
            };
            let best = (0..taken.len())
                .filter(|&person| !taken[person])
                .map(|person| (person, alike(&self.looks[person])))
                .filter(|(_, likeness)| *likeness > SAME)
                .max_by(|a, b| a.1.total_cmp(&b.1));
            let person = match stayed.or(best.map(|(person, _)| person)) {
                Some(person) => {
                    taken[person] = true;
                    person
                }
                None => {
                    self.looks.push(Vec::new());
                    self.looks.len() - 1
                }
            };
            self.remember(person, &track.look);
            track.person = person as u32 + 1;
        }
        tracks.sort_by_key(|track| track.person);
    }

    /// `person` counts from 0.
    fn remember(&mut self, person: usize, look: &Look) {
        if self.looks.len() <= person {
            self.looks.resize(person + 1, Vec::new());
        }
        let looks = &mut self.looks[person];
        if looks.len() == Self::LOOKS {
            looks.remove(0);
        }
        looks.push(look.clone());
    }
}
