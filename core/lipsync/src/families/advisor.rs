//! Which picture of a person serves best as a reference: frontal, large, sharp, well lit; the mouth closed to half open
//! where a network paints from it, and half open where its own pixels are carried over.

use crate::face::{Face, Landmarks, Pose};
use lipsmith_base::Rgb;
use lipsmith_base::rgb::to_linear;
use std::collections::BTreeMap;

/// What only the picture itself tells of a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Contrast between neighbouring pixels over the contrast of the whole, about 0 (blurred) to 1.
    pub sharpness: f32,
    /// Mean linear light, 0..=1.
    pub light: f32,
}

impl Look {
    /// Measures a picture of a face.
    pub fn of(image: &Rgb) -> Look {
        let (width, height) = (image.width(), image.height());
        let luma: Vec<f32> = image.pixels().iter().map(|[r, g, b]| 0.3 * r + 0.59 * g + 0.11 * b).collect();
        let n = luma.len().max(1) as f32;
        let mean = luma.iter().sum::<f32>() / n;
        let spread = luma.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n;
        let mut detail = 0.0;
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let at = |x: usize, y: usize| luma[y * width + x];
                let around = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1);
                detail += (at(x, y) - around / 4.0).powi(2);
            }
        }
        let light = luma.iter().map(|v| to_linear(v.clamp(0.0, 1.0))).sum::<f32>() / n;
        Look { sharpness: (detail / n / (spread + 1e-5)).sqrt(), light }
    }
}

/// What is done with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// A network paints from it: the mouth is calm.
    Painting,
    /// Its own pixels are shown, as [`to_carry`] wants them: the mouth is half open.
    Carrying,
}

/// Frames with a face, the best reference first, each with its score in 0..=1. `looks` may be shorter than
/// `faces` or hold `None`: what was not measured does not count.
pub fn rank(faces: &[Option<Face>], looks: &[Option<Look>], serves: Serves) -> Vec<(usize, f32)> {
    let open = usual(faces, HALF_OPEN, |landmarks| landmarks.lip_opening);
    let mouth = |landmarks: &Landmarks| match serves {
        Serves::Painting => bell((landmarks.lip_opening - 0.25).max(0.0) / 0.2),
        Serves::Carrying => bell((landmarks.lip_opening - open) / OPENING),
    };
    let largest = faces.iter().flatten().map(|face| face.rect.height()).fold(1.0, f32::max);
    let sharpest = looks.iter().flatten().map(|look| look.sharpness).fold(1e-6, f32::max);
    let seen = faces.iter().enumerate().filter_map(|(i, face)| Some((i, face.as_ref()?)));
    let mut ranked: Vec<(usize, f32)> = seen
        .filter(|(_, face)| !face.interpolated)
        .map(|(i, face)| {
            let look = looks.get(i).copied().flatten();
            let sharp = look.map_or(1.0, |look| look.sharpness / sharpest);
            // Half of full scale is a well-lit face; shadow and glare lose what makes a mouth.
            let lit = look.map_or(1.0, |look| bell((look.light.max(1e-3) / 0.25).ln() / 1.5));
            let size = (face.rect.height() / largest).clamp(0.0, 1.0);
            let manner = face.landmarks.as_ref().map_or(1.0, |l| frontal(l.pose) * mouth(l));
            (i, face.score.clamp(0.0, 1.0) * manner * size.sqrt() * sharp.sqrt() * lit)
        })
        .filter(|(_, score)| score.is_finite())
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

/// Whether the mouth ever opens in some of these pictures of an actor: whoever listens throughout has no mouths that another
/// line could be spoken with. As far as is known, that is without landmarks.
pub fn opens<'a>(faces: impl IntoIterator<Item = &'a Face>) -> bool {
    let openings = faces.into_iter().filter_map(|face| Some(face.landmarks.as_ref()?.lip_opening));
    let mut openings: Vec<f32> = openings.collect();
    openings.sort_by(f32::total_cmp);
    openings.get(openings.len() * 19 / 20).is_none_or(|&widest| widest >= OPEN)
}

/// Whoever speaks parts his lips so far in one picture of twenty: eleven films of speaking actors have 0.09 to 0.45 there, two
/// of silent ones 0.04.
const OPEN: f32 = 0.07;

/// For each frame of the line the one of the actor's `faces` that serves it best as a picture to carry pixels over from:
/// what is not seen there cannot be shown. The head held as in the line, the mouth half open and standing still: a closed
/// one has no teeth, and a wide open one is not closed any more. Empty where no face was found.
pub fn to_carry(faces: &[Option<Face>], line: &[Option<Face>]) -> Vec<usize> {
    let candidates = candidates(faces);
    if candidates.is_empty() {
        return Vec::new();
    }
    // The cheapest way to each candidate, frame by frame (Viterbi), and for each frame where it came from.
    let mut costs = vec![0.0; candidates.len()];
    let mut ways: Vec<Vec<usize>> = Vec::with_capacity(line.len());
    for face in line {
        let best = least(&costs);
        let change = costs[best] + CHANGE;
        ways.push(costs.iter().enumerate().map(|(c, &cost)| if cost <= change { c } else { best }).collect());
        let pose = face.as_ref().and_then(|face| Some(face.landmarks.as_ref()?.pose));
        for (cost, candidate) in costs.iter_mut().zip(&candidates) {
            *cost = cost.min(change) + pose.map_or(0.0, |pose| candidate.cost + turned(pose, candidate.pose));
        }
    }
    let mut candidate = least(&costs);
    let mut chosen: Vec<usize> = ways
        .iter()
        .rev()
        .map(|way| {
            let frame = candidates[candidate].frame;
            candidate = way[candidate];
            frame
        })
        .collect();
    chosen.reverse();
    chosen
}

/// What a change from one picture to another costs: as much as a second of a head turned by 8 degrees.
const CHANGE: f32 = 12.0;
/// Heads that are turned by less are held alike, in degrees.
const ALIKE: f32 = 4.0;

/// Wider than so many of an actor's mouths is half open, and so far from it one serves less.
const HALF_OPEN: f32 = 0.7;
const OPENING: f32 = 0.1;

/// A face that may be carried over.
struct Candidate {
    frame: usize,
    pose: Pose,
    /// How ill it serves, its pose aside: 0 not at all; what is e times as good costs one less.
    cost: f32,
}

/// Of all faces that are held alike the best. How open a mouth should be, how calm and how still is what served three
/// actors best (resources/models/lipsmith-w.md).
fn candidates(faces: &[Option<Face>]) -> Vec<Candidate> {
    let open = usual(faces, HALF_OPEN, |landmarks| landmarks.lip_opening);
    // A mouth that is itself wider than usual is a laugh.
    let width = usual(faces, 0.5, mouth_width);
    let largest = faces.iter().flatten().map(|face| face.rect.height()).fold(1.0, f32::max);
    let mut best: BTreeMap<[i32; 2], Candidate> = BTreeMap::new();
    for (frame, face) in faces.iter().enumerate() {
        let Some(face) = face.as_ref().filter(|face| !face.interpolated) else { continue };
        let manner = face.landmarks.as_ref().map_or(1.0, |landmarks| {
            let smile = (mouth_width(landmarks) / width.max(f32::MIN_POSITIVE)).max(1.0).ln();
            bell((landmarks.lip_opening - open) / OPENING)
                * bell(smile / 0.08)
                * bell(speed(faces, frame) / 0.02)
        });
        let size = (face.rect.height() / largest).clamp(0.0, 1.0).sqrt();
        let cost = -(face.score.clamp(0.0, 1.0) * size * manner).max(f32::MIN_POSITIVE).ln();
        let pose = face.landmarks.as_ref().map_or(Pose::default(), |landmarks| landmarks.pose);
        let cell = [pose.yaw, pose.pitch].map(|degrees| (degrees / ALIKE).round() as i32);
        if best.get(&cell).is_none_or(|known| cost < known.cost) {
            best.insert(cell, Candidate { frame, pose, cost });
        }
    }
    best.into_values().collect()
}

/// What it costs that a head is turned otherwise than another. A rolled one is rolled back.
fn turned(head: Pose, other: Pose) -> f32 {
    let apart =
        [(head.yaw - other.yaw) / 8.0, (head.pitch - other.pitch) / 8.0, (head.roll - other.roll) / 30.0];
    0.5 * apart.map(|a| a * a).iter().sum::<f32>()
}

/// How far the lips go in a frame, in widths of the mouth: what moves is blurred.
fn speed(faces: &[Option<Face>], frame: usize) -> f32 {
    let lips = |frame: usize| faces.get(frame)?.as_ref()?.landmarks.as_ref()?.points.get(48..60);
    let Some(here) = lips(frame) else { return 0.0 };
    let (before, after) = (frame.checked_sub(1).and_then(lips), lips(frame + 1));
    let frames = usize::from(before.is_some()) + usize::from(after.is_some());
    let way = before.unwrap_or(here).iter().zip(after.unwrap_or(here));
    let moved: f32 = way.map(|(a, b)| a.distance(*b)).sum();
    moved / (frames.max(1) * here.len()) as f32 / here[0].distance(here[6]).max(f32::MIN_POSITIVE)
}

/// Place of the least.
fn least(costs: &[f32]) -> usize {
    (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or_default()
}

/// Between the corners of the mouth, in distances between the outer corners of the eyes; 0 without points.
fn mouth_width(landmarks: &Landmarks) -> f32 {
    let apart = |a: usize, b: usize| Some(landmarks.points.get(a)?.distance(*landmarks.points.get(b)?));
    apart(48, 54).zip(apart(36, 45)).map_or(0.0, |(mouth, eyes)| mouth / eyes.max(f32::MIN_POSITIVE))
}

/// What `share` of the faces have at most; 0 where none was measured.
fn usual(faces: &[Option<Face>], share: f32, of: impl Fn(&Landmarks) -> f32) -> f32 {
    let measured = faces.iter().flatten().filter(|face| !face.interpolated);
    let mut values: Vec<f32> = measured.filter_map(|face| Some(of(face.landmarks.as_ref()?))).collect();
    values.sort_by(f32::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((share * last as f32).round() as usize).copied().unwrap_or_default()
}

/// Seen from the front: 1; turned away: towards 0.
fn frontal(pose: Pose) -> f32 {
    bell(pose.yaw / 20.0) * bell(pose.pitch / 20.0) * bell(pose.roll / 30.0)
}

fn bell(x: f32) -> f32 {
    (-0.5 * x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{Point, Rect};

    fn face(yaw: f32, lip_opening: f32, height: f32) -> Option<Face> {
        let pose = Pose { yaw, ..Pose::default() };
        let landmarks = Landmarks { points: Vec::new(), oval: Vec::new(), pose, lip_opening };
        Some(Face {
            rect: Rect::new(0.0, 0.0, height, height),
            score: 0.9,
            landmarks: Some(Box::new(landmarks)),
            interpolated: false,
        })
    }

    #[test]
    fn frontal_calm_and_large_come_first() {
        let faces = [
            face(30.0, 0.1, 200.0),
            None,
            face(2.0, 0.6, 200.0),
            face(2.0, 0.1, 200.0),
            face(2.0, 0.1, 60.0),
        ];
        let order: Vec<usize> = rank(&faces, &[], Serves::Painting).iter().map(|r| r.0).collect();
        assert_eq!(order[0], 3);
        assert!(!order.contains(&1) && order.len() == 4);
    }

    #[test]
    fn a_reference_whose_pixels_are_shown_has_its_mouth_half_open() {
        let openings = [0.0, 0.02, 0.3, 0.32, 0.9];
        let faces: Vec<_> = openings.map(|open| face(0.0, open, 100.0)).into();
        assert_eq!(rank(&faces, &[], Serves::Painting)[0].0, 0);
        assert_eq!(rank(&faces, &[], Serves::Carrying)[0].0, 3);
        // A head that is turned away serves neither.
        let turned = [face(40.0, 0.3, 100.0), face(0.0, 0.2, 100.0)];
        assert_eq!(rank(&turned, &[], Serves::Carrying)[0].0, 1);
    }

    #[test]
    fn what_is_carried_over_is_half_open_and_held_like_the_line() {
        // Opens up to 0.3 as a rule, once to 0.8; seen from the front and from aside.
        let openings = [0.0, 0.05, 0.1, 0.3, 0.3, 0.8];
        let faces: Vec<_> =
            openings.iter().flat_map(|&open| [face(0.0, open, 100.0), face(20.0, open, 100.0)]).collect();
        let front = |n: usize| vec![face(2.0, 0.0, 100.0); n];
        let aside = |n: usize| vec![face(18.0, 0.0, 100.0); n];
        assert_eq!(to_carry(&faces, &front(3)), [6; 3]);
        assert_eq!(to_carry(&faces, &[aside(2), vec![None], aside(1)].concat()), [7; 4]);
        // A turn of the head is followed, a glance aside is not.
        let turn = [front(40), aside(40)].concat();
        assert_eq!(to_carry(&faces, &turn), [[6; 40], [7; 40]].concat());
        let glance = [front(40), aside(3), front(40)].concat();
        assert_eq!(to_carry(&faces, &glance), [6; 83]);

        assert_eq!(to_carry(&[None, face(0.0, 0.0, 50.0)], &[None]), [1]);
        assert!(to_carry(&[None], &front(3)).is_empty());
    }

    #[test]
    fn a_mouth_that_opens_is_told_from_one_that_does_not() {
        let shown = |openings: &[f32]| -> Vec<Face> {
            openings.iter().filter_map(|&open| face(0.0, open, 100.0)).collect()
        };
        assert!(opens(&shown(&[0.02, 0.03, 0.2])));
        assert!(!opens(&shown(&[0.04; 50])));
        assert!(!opens(&shown(&[&[0.03; 40][..], &[0.3]].concat())), "a yawn is no speech");
        assert!(opens(&[]), "nothing is known");
    }

    #[test]
    fn what_moves_is_not_carried_over() {
        let lips = |shift: f32| {
            let mut face = face(0.0, 0.2, 100.0);
            let points = (0..68).map(|i| Point::new(shift + i as f32, 0.0)).collect();
            face.iter_mut()
                .for_each(|face| face.landmarks.iter_mut().for_each(|l| l.points = Vec::clone(&points)));
            face
        };
        let faces: Vec<_> = [0.0, 4.0, 8.0, 8.0, 8.0, 4.0].map(lips).into();
        assert_eq!(to_carry(&faces, &faces[..1]), [3]);
    }

    #[test]
    fn the_sharper_and_better_lit_of_two_wins() {
        let pattern = |contrast: f32, base: f32| {
            let mut image = Rgb::black(32, 32);
            for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
                let slope = (i % 32) as f32 / 32.0 * 0.2;
                *pixel = [base + slope + if (i / 32 + i) % 2 == 0 { contrast } else { 0.0 }; 3];
            }
            Look::of(&image)
        };
        let faces = [face(0.0, 0.1, 100.0), face(0.0, 0.1, 100.0), face(0.0, 0.1, 100.0)];
        let looks = [Some(pattern(0.01, 0.4)), Some(pattern(0.2, 0.4)), Some(pattern(0.2, 0.0))];
        assert_eq!(rank(&faces, &looks, Serves::Painting)[0].0, 1);
    }

    #[test]
    fn what_was_filled_in_is_no_reference() {
        let faces = [face(0.0, 0.1, 100.0).map(|face| Face { interpolated: true, ..face })];
        assert!(rank(&faces, &[], Serves::Painting).is_empty());
        Look::of(&Rgb::black(0, 0));
    }
}
