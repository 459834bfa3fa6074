//! The face's own coordinates: what "below the nose" and "near the jaw" mean in numbers, whatever the size and
//! tilt of the face in the film.

use super::{Face, Landmarks};
use lipsmith_base::{Affine, Point};

/// In face coordinates of an average face: the middle of the mouth and the chin.
pub const MOUTH: Point = Point { x: 0.0, y: 1.2 };
pub const CHIN: f32 = 1.85;

/// Face coordinates ↦ film pixels. The origin lies between the eyes, x runs towards the eye on the picture's
/// right, y down the face; the unit is the distance between the eyes' centres when the head faces the camera.
/// Without landmarks it is guessed from the rectangle, upright.
pub fn frame(face: &Face) -> Affine {
    match face.landmarks.as_deref().and_then(from_landmarks) {
        Some(map) => map,
        None => from_rect(face),
    }
}

/// Where the middle of the mouth is, in face coordinates; `map` as by [`frame`].
pub fn mouth(face: &Face, map: Affine) -> Point {
    let points = face.landmarks.as_deref().map_or(&[][..], |landmarks| &landmarks.points);
    match (points.get(51), points.get(57), map.inverse()) {
        (Some(upper), Some(lower), Some(inverse)) => inverse.apply(upper.lerp(*lower, 0.5)),
        _ => MOUTH,
    }
}

/// Centres of the eyes on the picture's left and right.
fn eyes(landmarks: &Landmarks) -> Option<(Point, Point)> {
    let mean = |points: &[Point]| {
        let n = points.len() as f32;
        Point::new(points.iter().map(|p| p.x).sum::<f32>() / n, points.iter().map(|p| p.y).sum::<f32>() / n)
    };
    Some((mean(landmarks.points.get(36..42)?), mean(landmarks.points.get(42..48)?)))
}

fn from_landmarks(landmarks: &Landmarks) -> Option<Affine> {
    let (left, right) = eyes(landmarks)?;
    let seen = left.distance(right);
    // Beyond 60 degrees the cosine says more about the error of the yaw than about the distance.
    let unit = seen / landmarks.pose.yaw.to_radians().cos().max(0.5);
    if !(unit.is_finite() && seen > 0.5) {
        return None;
    }
    let (cos, sin) = ((right.x - left.x) / seen * unit, (right.y - left.y) / seen * unit);
    let middle = left.lerp(right, 0.5);
    Some(Affine { a: cos, b: -sin, c: middle.x, d: sin, e: cos, f: middle.y })
}

fn from_rect(face: &Face) -> Affine {
    let rect = face.rect;
    // Measured on 28 boxes of rustface against the mesh: eyes 0.40 of the width apart, 0.35 below the top.
    let unit = (rect.width() * 0.40).max(1.0);
    Affine { a: unit, b: 0.0, c: rect.centre().x, d: 0.0, e: unit, f: rect.y0 + 0.35 * rect.height() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Rect;

    #[test]
    fn eyes_lie_on_the_axis_half_a_unit_out() {
        let mut points = vec![Point::default(); 68];
        points[36..42].fill(Point::new(100.0, 200.0));
        points[42..48].fill(Point::new(160.0, 280.0));
        let landmarks = Landmarks { points, oval: Vec::new(), pose: Default::default(), lip_opening: 0.0 };
        let rect = Rect::new(0.0, 0.0, 300.0, 400.0);
        let face = Face { rect, score: 1.0, landmarks: Some(Box::new(landmarks)), interpolated: false };
        let map = frame(&face);
        let right = map.apply(Point::new(0.5, 0.0));
        assert!(right.distance(Point::new(160.0, 280.0)) < 1e-3, "{right:?}");
        assert!((map.scale() - 100.0).abs() < 1e-3);
    }

    #[test]
    fn odd_landmarks_fall_back_on_the_rectangle() {
        let landmarks = Landmarks {
            points: vec![Point::default(); 3],
            oval: Vec::new(),
            pose: Default::default(),
            lip_opening: f32::NAN,
        };
        let rect = Rect::new(10.0, 10.0, 110.0, 110.0);
        let face = Face { rect, score: 1.0, landmarks: Some(Box::new(landmarks)), interpolated: false };
        let without = Face { landmarks: None, ..face.clone() };
        assert_eq!(frame(&face), frame(&without));
    }
}
