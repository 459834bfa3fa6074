//! Where the ruler has its marks and what they say.

use super::axis::Axis;
use lipsmith_base::{Time, Timecode};

/// Labels stand at least so many points apart.
const APART: f32 = 96.0;
/// Seconds between two labels, of which the finest that leaves room is taken; below one second it is frames.
const SECONDS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 36_000];
const FRAMES: [i64; 5] = [1, 2, 5, 10, 15];

#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Sequence time.
    pub at: Time,
    /// `None` for the small marks between.
    pub label: Option<String>,
}

/// The marks to be seen. `start`: what the timecode shows at sequence time zero.
pub fn ticks(axis: &Axis, labels: Timecode, start: Time) -> Vec<Tick> {
    let fps = labels.frames_per_second();
    let room = axis.span(APART);
    let rate = labels.rate();
    let frames = FRAMES.into_iter().filter(|n| *n < fps).find(|n| rate.frame_start(*n) >= room);
    match frames {
        Some(step) => by_frames(axis, labels, start, step),
        None => {
            let step = SECONDS.into_iter().find(|n| Time::from_units(*n, 1) >= room);
            by_seconds(axis, labels, start, step.unwrap_or(360_000))
        }
    }
}

fn by_frames(axis: &Axis, labels: Timecode, start: Time, step: i64) -> Vec<Tick> {
    let rate = labels.rate();
    let shown = axis.visible();
    let first = rate.frame_at(shown.start() + start);
    let last = rate.frame_at(shown.end() + start);
    let narrow = axis.points(rate.frame_duration()) < 4.0;
    (first.div_euclid(step) * step..=last)
        .filter(|frame| frame % step == 0 || !narrow)
        .map(|frame| Tick {
            at: rate.frame_start(frame) - start,
            label: (frame % step == 0).then(|| labels.format_frame(frame)),
        })
        .collect()
}

/// Whole seconds as they are labelled: at 29.97 these are not seconds of the clock.
fn by_seconds(axis: &Axis, labels: Timecode, start: Time, step: i64) -> Vec<Tick> {
    let small = match step {
        1 | 5 | 15 => 5,
        30 | 900 | 1800 => 3,
        _ => 4,
    };
    let shown = axis.visible();
    // Labelled and real seconds drift apart by a thousandth at most: look that much farther, then cut.
    let slack = shown.end().secs_f64().abs() * 0.002 + step as f64;
    let second = |at: Time, by: f64| ((at + start).secs_f64() + by).floor() as i64;
    let from = second(shown.start(), -slack).max(0).div_euclid(step) * step;
    let to = second(shown.end(), slack);
    let mut ticks = Vec::new();
    for label in (from..=to).step_by(step as usize) {
        let (Some(at), Some(next)) = (labelled(labels, label), labelled(labels, label + step)) else {
            continue;
        };
        let text = labels.format(at);
        ticks.push(Tick { at: at - start, label: Some(text) });
        let between = (1..small).map(|part| Time(at.0 + (next - at).0 / small * part) - start);
        ticks.extend(between.map(|at| Tick { at, label: None }));
    }
    // A label reaches to the right of its mark.
    let kept = axis.span(-APART);
    ticks.retain(|tick| tick.at >= shown.start() + kept && tick.at < shown.end());
    ticks
}

/// When a labelled second begins; drop-frame skips the first numbers of most minutes.
fn labelled(labels: Timecode, second: i64) -> Option<Time> {
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    (0..=4).step_by(2).find_map(|frame| labels.parse(&format!("{h}:{m}:{s}:{frame:02}")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::FrameRate;

    fn axis(from: f64, scale: f64) -> Axis {
        Axis { left: 0.0, width: 1000.0, from: Time::from_secs_f64(from), scale }
    }

    fn labels(num: u32, den: u32) -> Timecode {
        Timecode::drop_where_usual(FrameRate::new(num, den).expect("positive"))
    }

    #[test]
    fn labels_have_room_and_stand_where_they_say() {
        let hour = Time::from_units(3600, 1);
        for tc in [labels(25, 1), labels(24_000, 1001), labels(30_000, 1001), labels(60_000, 1001)] {
            for scale in [1e-5, 1e-4, 0.001, 0.01, 0.1, 1.0, 10.0] {
                for from in [0.0, 59.5, 599.0] {
                    let axis = axis(from, scale);
                    let ticks = ticks(&axis, tc, hour);
                    assert!(ticks.len() < 400, "{} at {scale}", ticks.len());
                    let named: Vec<_> = ticks.iter().filter(|tick| tick.label.is_some()).collect();
                    for pair in named.windows(2) {
                        assert!(axis.points(pair[1].at - pair[0].at) > APART * 0.95, "{tc} at {scale}");
                    }
                    for tick in named {
                        let text = tick.label.as_deref().expect("named");
                        assert_eq!(tc.parse(text), Ok(tick.at + hour), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn round_labels() {
        let ticks = ticks(&axis(0.0, 0.05), labels(30_000, 1001), Time::ZERO);
        let named: Vec<_> = ticks.into_iter().filter_map(|tick| tick.label).take(3).collect();
        assert_eq!(named, ["00:00:00;00", "00:00:05;00", "00:00:10;00"]);
    }
}
