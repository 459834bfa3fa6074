//! Faces where a person says they are: tracking that is off is corrected as much as the person's places say, and
//! where tracking has lost the face it is put between them.

use super::Face;
use lipsmith_base::{Affine, Point, Rect};

/// Corrects the faces of one shot, one entry a frame. `places`: frames, in order, and where the face is in them.
///
/// A place where the face is tracked says how far tracking is off; between two of them the correction goes over
/// from one to the other, outside it stays. Frames without a face get one only in a gap that holds a place.
pub fn correct(faces: &mut [Option<Face>], places: &[(usize, Rect)]) {
    let off: Vec<(usize, Offset)> = places
        .iter()
        .filter_map(|&(frame, rect)| Some((frame, Offset::between(faces.get(frame)?.as_ref()?.rect, rect)?)))
        .collect();
    let gaps: Vec<usize> =
        places.iter().map(|place| place.0).filter(|&f| faces.get(f) == Some(&None)).collect();
    for (frame, face) in faces.iter_mut().enumerate() {
        if let (Some(face), Some(offset)) = (face, at(&off, frame, Offset::lerp)) {
            *face = face.moved(Affine::rect_to_rect(face.rect, offset.on(face.rect)));
        }
    }
    for &place in &gaps {
        fill(faces, places, place);
    }
}

/// Puts a face into every frame of the gap around `place`.
fn fill(faces: &mut [Option<Face>], places: &[(usize, Rect)], place: usize) {
    if faces[place].is_some() {
        return;
    }
    let first = faces[..place].iter().rposition(Option::is_some).map_or(0, |seen| seen + 1);
    let end = faces[place..].iter().position(Option::is_some).map_or(faces.len(), |seen| place + seen);
    let seen = |frame: usize| Some((frame, faces.get(frame)?.as_ref()?.rect));
    let before = first.checked_sub(1).and_then(seen);
    let inside = places.iter().copied().filter(|(frame, _)| (first..end).contains(frame));
    let known: Vec<_> = before.into_iter().chain(inside).chain(seen(end)).collect();
    for (frame, face) in faces.iter_mut().enumerate().take(end).skip(first) {
        *face = at(&known, frame, lerp).map(|rect| Face {
            rect,
            score: 1.0,
            landmarks: None,
            interpolated: true,
        });
    }
}

/// The value at `frame` of a row of frames in order: between two, their mean by distance; outside, the nearest.
fn at<T: Copy>(row: &[(usize, T)], frame: usize, lerp: impl Fn(T, T, f32) -> T) -> Option<T> {
    let after = row.partition_point(|(known, _)| *known <= frame);
    match (after.checked_sub(1).map(|before| row[before]), row.get(after)) {
        (Some((from, a)), Some(&(to, b))) => Some(lerp(a, b, (frame - from) as f32 / (to - from) as f32)),
        (Some((_, only)), None) | (None, Some(&(_, only))) => Some(only),
        (None, None) => None,
    }
}

fn lerp(a: Rect, b: Rect, t: f32) -> Rect {
    let value = |a: f32, b: f32| a + (b - a) * t;
    Rect::new(value(a.x0, b.x0), value(a.y0, b.y0), value(a.x1, b.x1), value(a.y1, b.y1))
}

/// How far a tracked rectangle is off, in its own sizes.
#[derive(Clone, Copy)]
struct Offset {
    shift: Point,
    /// Factors of width and height.
    stretch: (f32, f32),
}

impl Offset {
    /// `None` for a rectangle without area.
    fn between(tracked: Rect, right: Rect) -> Option<Offset> {
        let (from, to) = (tracked.centre(), right.centre());
        let (width, height) = (tracked.width(), tracked.height());
        let shift = Point::new((to.x - from.x) / width, (to.y - from.y) / height);
        let stretch = (right.width() / width, right.height() / height);
        let all = [shift.x, shift.y, stretch.0, stretch.1];
        all.iter().all(|v| v.is_finite()).then_some(Offset { shift, stretch })
    }

    fn on(self, tracked: Rect) -> Rect {
        let centre = tracked.centre();
        let (width, height) = (tracked.width(), tracked.height());
        let (x, y) = (centre.x + self.shift.x * width, centre.y + self.shift.y * height);
        let (w, h) = (width * self.stretch.0 / 2.0, height * self.stretch.1 / 2.0);
        Rect::new(x - w, y - h, x + w, y + h)
    }

    fn lerp(self, other: Offset, t: f32) -> Offset {
        let value = |a: f32, b: f32| a + (b - a) * t;
        let (a, b) = (self.stretch, other.stretch);
        Offset { shift: self.shift.lerp(other.shift, t), stretch: (value(a.0, b.0), value(a.1, b.1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::{Landmarks, Pose};

    fn face(x: f32) -> Option<Face> {
        let points = vec![Point::new(x + 5.0, 5.0); 68];
        let landmarks = Landmarks { points, oval: Vec::new(), pose: Pose::default(), lip_opening: 0.0 };
        let rect = Rect::new(x, 0.0, x + 10.0, 10.0);
        Some(Face { rect, score: 0.5, landmarks: Some(Box::new(landmarks)), interpolated: false })
    }

    fn lefts(faces: &[Option<Face>]) -> Vec<Option<f32>> {
        faces.iter().map(|face| face.as_ref().map(|face| face.rect.x0)).collect()
    }

    #[test]
    fn a_correction_goes_over_from_one_place_to_the_next() {
        let mut faces: Vec<_> = (0..5).map(|i| face(100.0 * i as f32)).collect();
        let right = |x: f32| Rect::new(x, 0.0, x + 10.0, 10.0);
        correct(&mut faces, &[(1, right(104.0)), (3, right(300.0))]);
        assert_eq!(lefts(&faces), [4.0, 104.0, 202.0, 300.0, 400.0].map(Some));
        let points = &faces[1].as_ref().expect("a face").landmarks.as_ref().expect("points").points;
        assert_eq!(points[0], Point::new(109.0, 5.0), "landmarks go along");
    }

    #[test]
    fn sizes_are_corrected_about_the_face() {
        let mut faces = vec![face(0.0), face(50.0)];
        correct(&mut faces, &[(0, Rect::new(-5.0, -5.0, 15.0, 15.0))]);
        assert_eq!(faces[1].as_ref().map(|face| face.rect), Some(Rect::new(45.0, -5.0, 65.0, 15.0)));
    }

    #[test]
    fn only_a_gap_with_a_place_in_it_is_filled() {
        let mut faces = vec![face(0.0), None, None, None, face(40.0), None, face(0.0)];
        correct(&mut faces, &[(2, Rect::new(30.0, 0.0, 40.0, 10.0))]);
        assert_eq!(
            lefts(&faces),
            [Some(0.0), Some(15.0), Some(30.0), Some(35.0), Some(40.0), None, Some(0.0)]
        );
        let filled = faces[2].as_ref().expect("filled");
        assert!(filled.interpolated && filled.landmarks.is_none());
        let mut none = vec![None, None];
        correct(&mut none, &[(1, Rect::new(1.0, 1.0, 9.0, 9.0)), (7, Rect::default())]);
        assert_eq!(lefts(&none), [Some(1.0), Some(1.0)]);
    }
}
