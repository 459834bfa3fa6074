//! Which picture of a person serves best as the reference from which a network paints: frontal, large, sharp,
//! well lit, the mouth closed to half open; and which serves one that carries the reference's own pixels over.

use crate::face::{Face, Landmarks, Pose};
use lipsmith_base::Rgb;
use lipsmith_base::rgb::to_linear;

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

/// Frames with a face, the best reference first, each with its score in 0..=1. `looks` may be shorter than
/// `faces` or hold `None`: what was not measured does not count.
pub fn rank(faces: &[Option<Face>], looks: &[Option<Look>]) -> Vec<(usize, f32)> {
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
            (i, face.score.clamp(0.0, 1.0) * manner(face) * size.sqrt() * sharp.sqrt() * lit)
        })
        .filter(|(_, score)| score.is_finite())
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked
}

/// The frame of an actor's `faces` from which a network paints a line best that carries the reference's own pixels over:
/// what is not seen there it cannot show. The head as it is mostly held in the line, the mouth half open: from a closed one
/// it makes no teeth, and a wide open one it does not close. `None` where no face was found.
pub fn to_carry(faces: &[Option<Face>], line: &[Option<Face>]) -> Option<usize> {
    let pose = |of: &dyn Fn(Pose) -> f32| usual(line, 0.5, |landmarks| of(landmarks.pose));
    let held = Pose { yaw: pose(&|p| p.yaw), pitch: pose(&|p| p.pitch), roll: pose(&|p| p.roll) };
    // Better on three actors than 0.9 and than the first of `rank` (resources/models/lipsmith-w.md).
    let open = usual(faces, 0.7, |landmarks| landmarks.lip_opening);
    // A mouth that is itself wider than usual is a laugh.
    let width = usual(faces, 0.5, mouth_width);
    let largest = faces.iter().flatten().map(|face| face.rect.height()).fold(1.0, f32::max);
    let fit = |face: &Face| {
        let size = (face.rect.height() / largest).clamp(0.0, 1.0).sqrt();
        let manner = face.landmarks.as_ref().map_or(1.0, |landmarks| {
            let Pose { yaw, pitch, roll } = landmarks.pose;
            let turned = bell((yaw - held.yaw) / 8.0) * bell((pitch - held.pitch) / 8.0);
            let smile = (mouth_width(landmarks) / width.max(f32::MIN_POSITIVE)).max(1.0).ln();
            turned
                * bell((roll - held.roll) / 12.0)
                * bell((landmarks.lip_opening - open) / 0.07)
                * bell(smile / 0.08)
        });
        face.score.clamp(0.0, 1.0) * size * manner
    };
    let seen = faces.iter().enumerate().filter_map(|(i, face)| Some((i, face.as_ref()?)));
    let fits = seen.filter(|(_, face)| !face.interpolated).map(|(i, face)| (i, fit(face)));
    // The first of equals.
    fits.rev().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
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

/// Frontal and calm: 1; turned away or with the mouth wide open: towards 0.
fn manner(face: &Face) -> f32 {
    let Some(landmarks) = &face.landmarks else { return 1.0 };
    let pose = landmarks.pose;
    let open = (landmarks.lip_opening - 0.25).max(0.0);
    bell(pose.yaw / 20.0) * bell(pose.pitch / 20.0) * bell(pose.roll / 30.0) * bell(open / 0.2)
}

fn bell(x: f32) -> f32 {
    (-0.5 * x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Rect;

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
        let order: Vec<usize> = rank(&faces, &[]).iter().map(|r| r.0).collect();
        assert_eq!(order[0], 3);
        assert!(!order.contains(&1) && order.len() == 4);
    }

    #[test]
    fn what_is_carried_over_is_open_and_held_like_the_line() {
        // Opens up to 0.3 as a rule, once to 0.8; the line looks aside.
        let openings = [0.0, 0.05, 0.1, 0.3, 0.3, 0.8];
        let faces: Vec<_> =
            openings.iter().flat_map(|&open| [face(0.0, open, 100.0), face(20.0, open, 100.0)]).collect();
        let line = [face(18.0, 0.0, 100.0), None, face(20.0, 0.0, 100.0), face(60.0, 0.0, 100.0)];
        assert_eq!(to_carry(&faces, &line), Some(7), "0.3 open, turned by 20");
        assert_eq!(to_carry(&[None, face(0.0, 0.0, 50.0)], &[None]), Some(1));
        assert_eq!(to_carry(&[None], &line), None);
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
        assert_eq!(rank(&faces, &looks)[0].0, 1);
    }

    #[test]
    fn what_was_filled_in_is_no_reference() {
        let faces = [face(0.0, 0.1, 100.0).map(|face| Face { interpolated: true, ..face })];
        assert!(rank(&faces, &[]).is_empty());
        Look::of(&Rgb::black(0, 0));
    }
}
