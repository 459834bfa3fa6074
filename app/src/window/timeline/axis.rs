//! Sequence time across the screen: where a time lies, what lies under the pointer, and how that changes when the
//! editor zooms and pans.

use crate::window::session::TimelineLook;
use lipsmith_base::{Time, TimeRange};

/// Seconds per point: from a frame as wide as the screen to a thousand hours on it.
const SCALE: std::ops::RangeInclusive<f64> = 1e-5..=4000.0;
/// Farther from the left edge than this nothing is drawn; egui's `f32` would lose the points.
const FAR: f64 = 1e5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Screen x of `from`.
    pub left: f32,
    /// Points.
    pub width: f32,
    pub from: Time,
    /// Seconds per point.
    pub scale: f64,
}

impl Axis {
    pub fn new(left: f32, width: f32, look: &TimelineLook) -> Axis {
        Axis { left, width: width.max(1.0), from: look.from, scale: clamped(look.scale) }
    }

    pub fn keep(&self, look: &mut TimelineLook) {
        (look.from, look.scale) = (self.from, self.scale);
    }

    /// Screen x of a time; far off the screen only the side is right.
    pub fn x(&self, time: Time) -> f32 {
        self.left + ((time - self.from).secs_f64() / self.scale).clamp(-FAR, FAR) as f32
    }

    pub fn time(&self, x: f32) -> Time {
        self.from + self.span(x - self.left)
    }

    /// How long so many points are.
    pub fn span(&self, points: f32) -> Time {
        Time::from_secs_f64(f64::from(points) * self.scale)
    }

    pub fn points(&self, span: Time) -> f32 {
        (span.secs_f64() / self.scale).clamp(-FAR, FAR) as f32
    }

    pub fn visible(&self) -> TimeRange {
        TimeRange::with_duration(self.from, self.span(self.width))
    }

    /// `factor` > 1 shows less, larger; what is at screen x `about` stays there unless time zero is reached.
    pub fn zoomed(self, about: f32, factor: f64) -> Axis {
        let under = self.time(about);
        let scale = clamped(self.scale / factor);
        let before = Time::from_secs_f64(f64::from(about - self.left) * scale);
        Axis { scale, from: (under - before).max(Time::ZERO), ..self }
    }

    /// Later times come in from the right for positive `points`.
    pub fn panned(self, points: f32) -> Axis {
        Axis { from: (self.from + self.span(points)).max(Time::ZERO), ..self }
    }

    /// Shows everything up to `end`, with a little room behind.
    pub fn fitting(self, end: Time) -> Axis {
        let seconds = if end > Time::ZERO { end.secs_f64() } else { 60.0 };
        Axis { from: Time::ZERO, scale: clamped(seconds * 1.04 / f64::from(self.width)), ..self }
    }

    /// Turns the page when a time is not to be seen, so that it comes to stand near the left edge.
    pub fn showing(self, time: Time) -> Axis {
        if self.visible().contains(time) {
            return self;
        }
        Axis { from: (time - self.span(self.width * 0.05)).max(Time::ZERO), ..self }
    }
}

fn clamped(scale: f64) -> f64 {
    if scale.is_finite() { scale.clamp(*SCALE.start(), *SCALE.end()) } else { 0.02 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: f64, scale: f64) -> Axis {
        Axis { left: 150.0, width: 1000.0, from: Time::from_secs_f64(from), scale }
    }

    #[test]
    fn every_point_is_a_time_and_back() {
        for scale in [1e-5, 0.0004, 0.02, 1.0, 60.0, 3600.0] {
            for from in [0.0, 12.34, 7200.0, 360_000.0] {
                let axis = axis(from, scale);
                for x in (150..=1150).step_by(37) {
                    let x = x as f32;
                    assert!((axis.x(axis.time(x)) - x).abs() < 0.01, "{x} at {scale} from {from}");
                }
            }
        }
    }

    #[test]
    fn zooming_keeps_what_is_under_the_cursor() {
        let before = axis(100.0, 0.1);
        let mut now = before;
        let under = before.time(700.0);
        for factor in [1.5, 2.0, 0.25, 1.1, 1.0 / (1.5 * 2.0 * 0.25 * 1.1)] {
            now = now.zoomed(700.0, factor);
            assert!((now.x(under) - 700.0).abs() < 0.05);
        }
        assert!((now.scale - before.scale).abs() < 1e-9);
        // Nothing lies before zero: there the picture moves instead.
        assert_eq!(axis(1.0, 0.1).zoomed(700.0, 0.5).from, Time::ZERO);
    }

    #[test]
    fn fitting_shows_all_and_pages_show_the_playhead() {
        let film = Time::from_secs_f64(7200.0);
        let fitted = axis(55.0, 0.1).fitting(film);
        assert!(fitted.visible().contains(Time::ZERO) && fitted.visible().contains(film));
        let here = axis(0.0, 0.01);
        assert_eq!(here.showing(Time::from_secs_f64(9.0)), here);
        let turned = here.showing(Time::from_secs_f64(10.0));
        assert!(turned.visible().contains(Time::from_secs_f64(10.0)));
        assert!(turned.x(Time::from_secs_f64(10.0)) < turned.left + 0.1 * turned.width);
    }

    #[test]
    fn nonsense_scales_are_usable() {
        for scale in [0.0, f64::NAN, f64::INFINITY, -1.0] {
            let look =
                TimelineLook { from: Time::ZERO, scale, scroll: 0.0, snap: true, fit: false, fitted: None };
            let axis = Axis::new(0.0, 0.0, &look);
            assert!(axis.x(Time::MAX).is_finite() && axis.scale > 0.0);
        }
    }
}
