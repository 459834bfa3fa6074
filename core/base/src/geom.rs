//! Plane geometry in pixels. Coordinates are continuous: pixel (i, j) covers `[i, i+1) × [j, j+1)`
//! and its centre is `(i + 0.5, j + 0.5)`.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    pub fn new(x: f32, y: f32) -> Point {
        Point { x, y }
    }
    pub fn distance(self, other: Point) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
    pub fn lerp(self, other: Point, t: f32) -> Point {
        Point::new(self.x + (other.x - self.x) * t, self.y + (other.y - self.y) * t)
    }
}

/// Axis-aligned, `x0 <= x1`, `y0 <= y1` by convention of its makers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    pub x0: f32,
    pub y0: f32,
    pub x1: f32,
    pub y1: f32,
}

impl Rect {
    pub fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Rect {
        Rect { x0, y0, x1, y1 }
    }
    pub fn width(self) -> f32 {
        self.x1 - self.x0
    }
    pub fn height(self) -> f32 {
        self.y1 - self.y0
    }
    pub fn area(self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }
    pub fn centre(self) -> Point {
        Point::new((self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0)
    }
    pub fn contains(self, p: Point) -> bool {
        p.x >= self.x0 && p.x < self.x1 && p.y >= self.y0 && p.y < self.y1
    }
    /// The point of the rectangle that is nearest to `p`.
    pub fn nearest(self, p: Point) -> Point {
        Point::new(p.x.max(self.x0).min(self.x1), p.y.max(self.y0).min(self.y1))
    }
    pub fn intersect(self, o: Rect) -> Rect {
        let (x0, y0) = (self.x0.max(o.x0), self.y0.max(o.y0));
        Rect::new(x0, y0, self.x1.min(o.x1).max(x0), self.y1.min(o.y1).max(y0))
    }
    pub fn union(self, o: Rect) -> Rect {
        Rect::new(self.x0.min(o.x0), self.y0.min(o.y0), self.x1.max(o.x1), self.y1.max(o.y1))
    }
    /// Intersection over union, 0..=1.
    pub fn iou(self, o: Rect) -> f32 {
        let common = self.intersect(o).area();
        let all = self.area() + o.area() - common;
        if all > 0.0 { common / all } else { 0.0 }
    }
    /// Smallest rectangle around the points; `None` for none.
    pub fn around(points: impl IntoIterator<Item = Point>) -> Option<Rect> {
        points.into_iter().fold(None, |acc: Option<Rect>, p| {
            let here = Rect::new(p.x, p.y, p.x, p.y);
            Some(acc.map_or(here, |r| r.union(here)))
        })
    }
    /// Grown by `x` left and right and `y` above and below.
    pub fn grown(self, x: f32, y: f32) -> Rect {
        Rect::new(self.x0 - x, self.y0 - y, self.x1 + x, self.y1 + y)
    }
}

/// `(x, y) ↦ (a·x + b·y + c, d·x + e·y + f)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    pub a: f32,
    pub b: f32,
    pub c: f32,
    pub d: f32,
    pub e: f32,
    pub f: f32,
}

impl Affine {
    pub const IDENTITY: Affine = Affine { a: 1.0, b: 0.0, c: 0.0, d: 0.0, e: 1.0, f: 0.0 };

    pub fn apply(self, p: Point) -> Point {
        Point::new(self.a * p.x + self.b * p.y + self.c, self.d * p.x + self.e * p.y + self.f)
    }

    /// First `self`, then `next`.
    pub fn then(self, next: Affine) -> Affine {
        Affine {
            a: next.a * self.a + next.b * self.d,
            b: next.a * self.b + next.b * self.e,
            c: next.a * self.c + next.b * self.f + next.c,
            d: next.d * self.a + next.e * self.d,
            e: next.d * self.b + next.e * self.e,
            f: next.d * self.c + next.e * self.f + next.f,
        }
    }

    /// `None` when the map flattens the plane.
    pub fn inverse(self) -> Option<Affine> {
        let det = self.a * self.e - self.b * self.d;
        if !det.is_finite() || det.abs() < 1e-12 {
            return None;
        }
        let (a, b, d, e) = (self.e / det, -self.b / det, -self.d / det, self.a / det);
        Some(Affine { a, b, c: -(a * self.c + b * self.f), d, e, f: -(d * self.c + e * self.f) })
    }

    /// The shift, when the map does nothing but shift by whole pixels.
    pub fn whole_shift(self) -> Option<(i32, i32)> {
        let (x, y) = (self.c as i32, self.f as i32);
        (self == Affine { c: x as f32, f: y as f32, ..Affine::IDENTITY }).then_some((x, y))
    }

    /// Maps the whole of `from` onto the whole of `to`.
    pub fn rect_to_rect(from: Rect, to: Rect) -> Affine {
        let (sx, sy) = (to.width() / from.width(), to.height() / from.height());
        Affine { a: sx, b: 0.0, c: to.x0 - from.x0 * sx, d: 0.0, e: sy, f: to.y0 - from.y0 * sy }
    }

    /// Length by which the map stretches, geometric mean of both directions.
    pub fn scale(self) -> f32 {
        (self.a * self.e - self.b * self.d).abs().sqrt()
    }

    /// The similarity (rotation, uniform scale, shift; no mirroring) that brings `from` nearest to `to` in
    /// least squares (Umeyama 1991, in its closed 2-D form). `None` for fewer than two distinct points.
    pub fn similarity(from: &[Point], to: &[Point]) -> Option<Affine> {
        let n = from.len().min(to.len());
        if n < 2 {
            return None;
        }
        let mean = |ps: &[Point]| {
            let (sx, sy) =
                ps[..n].iter().fold((0.0f64, 0.0f64), |s, p| (s.0 + f64::from(p.x), s.1 + f64::from(p.y)));
            (sx / n as f64, sy / n as f64)
        };
        let ((fx, fy), (tx, ty)) = (mean(from), mean(to));
        let (mut cos, mut sin, mut norm) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (f64::from(p.x) - fx, f64::from(p.y) - fy);
            let (qx, qy) = (f64::from(q.x) - tx, f64::from(q.y) - ty);
            cos += px * qx + py * qy;
            sin += px * qy - py * qx;
            norm += px * px + py * py;
        }
        if norm < 1e-12 {
            return None;
        }
        let (c, s) = (cos / norm, sin / norm);
        Some(Affine {
            a: c as f32,
            b: -s as f32,
            c: (tx - c * fx + s * fy) as f32,
            d: s as f32,
            e: c as f32,
            f: (ty - s * fx - c * fy) as f32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_recovers_a_known_one() {
        let truth = Affine { a: 0.6, b: -0.8, c: 5.0, d: 0.8, e: 0.6, f: -3.0 };
        let from = [Point::new(0.0, 0.0), Point::new(10.0, 1.0), Point::new(3.0, 8.0)];
        let found = Affine::similarity(&from, &from.map(|p| truth.apply(p))).expect("three points");
        for (x, y) in [(found.a, truth.a), (found.b, truth.b), (found.c, truth.c), (found.f, truth.f)] {
            assert!((x - y).abs() < 1e-4, "{found:?}");
        }
        let back = truth.then(truth.inverse().expect("regular"));
        assert!((back.a - 1.0).abs() < 1e-6 && back.c.abs() < 1e-5);
    }
}
