//! Exact time. One second is 705,600,000 flicks: every frame of 24, 25, 30, 48, 50, 60, 90, 100,
//! 120 fps and every sample of the usual audio rates falls on a whole flick, and so does every frame of the
//! 1000/1001 rates. Floating-point seconds exist only for people and networks.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// A point in time or a duration, in flicks (1/705,600,000 s). About ± 414 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

/// Flicks in one second.
pub const FLICKS: i64 = 705_600_000;

impl Time {
    pub const ZERO: Time = Time(0);
    pub const MAX: Time = Time(i64::MAX);

    /// `units / per_second` seconds, rounded to the nearest flick (halves up). `per_second` > 0.
    pub fn from_units(units: i64, per_second: i64) -> Time {
        let scaled = i128::from(units) * i128::from(FLICKS) * 2 + i128::from(per_second);
        Time(saturate(scaled.div_euclid(2 * i128::from(per_second))))
    }

    /// The whole number of units of `1 / per_second` seconds at or before this time.
    pub fn floor_units(self, per_second: i64) -> i64 {
        saturate((i128::from(self.0) * i128::from(per_second)).div_euclid(i128::from(FLICKS)))
    }

    /// The nearest whole number of units of `1 / per_second` seconds (halves up).
    pub fn round_units(self, per_second: i64) -> i64 {
        let scaled = i128::from(self.0) * i128::from(per_second) * 2 + i128::from(FLICKS);
        saturate(scaled.div_euclid(2 * i128::from(FLICKS)))
    }

    /// GStreamer's clock: nanoseconds.
    pub fn from_nanos(nanos: i64) -> Time {
        Time::from_units(nanos, 1_000_000_000)
    }

    /// Nearest nanosecond.
    pub fn nanos(self) -> i64 {
        self.round_units(1_000_000_000)
    }

    pub fn from_secs_f64(seconds: f64) -> Time {
        // `as` saturates and maps NaN to 0, which is what a point in time wants.
        Time((seconds * FLICKS as f64).round() as i64)
    }

    pub fn secs_f64(self) -> f64 {
        self.0 as f64 / FLICKS as f64
    }
}

fn saturate(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

impl Add for Time {
    type Output = Time;
    fn add(self, other: Time) -> Time {
        Time(self.0.saturating_add(other.0))
    }
}
impl Sub for Time {
    type Output = Time;
    fn sub(self, other: Time) -> Time {
        Time(self.0.saturating_sub(other.0))
    }
}
impl Neg for Time {
    type Output = Time;
    fn neg(self) -> Time {
        Time(self.0.saturating_neg())
    }
}
impl AddAssign for Time {
    fn add_assign(&mut self, other: Time) {
        *self = *self + other;
    }
}
impl SubAssign for Time {
    fn sub_assign(&mut self, other: Time) {
        *self = *self - other;
    }
}

/// Seconds with milliseconds, for messages.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", self.secs_f64())
    }
}

/// Half-open `[start, end)`; `end` is never before `start`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "(Time, Time)", into = "(Time, Time)")]
pub struct TimeRange {
    start: Time,
    end: Time,
}

impl TimeRange {
    /// `[start, end)`, or the empty range at `start` if `end` lies before it.
    pub fn new(start: Time, end: Time) -> TimeRange {
        TimeRange { start, end: end.max(start) }
    }

    pub fn with_duration(start: Time, duration: Time) -> TimeRange {
        TimeRange::new(start, start + duration)
    }

    pub fn start(self) -> Time {
        self.start
    }
    pub fn end(self) -> Time {
        self.end
    }
    pub fn duration(self) -> Time {
        self.end - self.start
    }
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
    pub fn contains(self, time: Time) -> bool {
        self.start <= time && time < self.end
    }
    pub fn overlaps(self, other: TimeRange) -> bool {
        self.start < other.end && other.start < self.end
    }
    /// The common part; empty (at the later start) when there is none.
    pub fn intersect(self, other: TimeRange) -> TimeRange {
        TimeRange::new(self.start.max(other.start), self.end.min(other.end))
    }
    pub fn shifted(self, by: Time) -> TimeRange {
        TimeRange::new(self.start + by, self.end + by)
    }
}

impl TryFrom<(Time, Time)> for TimeRange {
    type Error = String;
    fn try_from((start, end): (Time, Time)) -> Result<Self, String> {
        if end < start {
            return Err(format!("a range cannot end ({end}) before it starts ({start})"));
        }
        Ok(TimeRange { start, end })
    }
}
impl From<TimeRange> for (Time, Time) {
    fn from(range: TimeRange) -> Self {
        (range.start, range.end)
    }
}

/// Frames per second as an exact fraction in lowest terms: 24000/1001 stays what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    pub const FPS_24: FrameRate = FrameRate { num: 24, den: 1 };
    pub const FPS_25: FrameRate = FrameRate { num: 25, den: 1 };

    /// `None` unless both are positive.
    pub fn new(num: u32, den: u32) -> Option<FrameRate> {
        if num == 0 || den == 0 {
            return None;
        }
        let g = gcd(num, den);
        Some(FrameRate { num: num / g, den: den / g })
    }

    pub fn num(self) -> u32 {
        self.num
    }
    pub fn den(self) -> u32 {
        self.den
    }
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Start of frame `index` counted from zero.
    pub fn frame_start(self, index: i64) -> Time {
        Time::from_units(index.saturating_mul(i64::from(self.den)), i64::from(self.num))
    }

    /// The frame that is on screen at `time`. Exact inverse of [`FrameRate::frame_start`] even where a
    /// frame start had to be rounded to a flick.
    pub fn frame_at(self, time: Time) -> i64 {
        let scaled = i128::from(time.0) * i128::from(self.num);
        let unit = i128::from(FLICKS) * i128::from(self.den);
        let guess = saturate(scaled.div_euclid(unit));
        if self.frame_start(guess.saturating_add(1)) <= time { guess + 1 } else { guess }
    }

    /// Length of one frame, rounded to a flick.
    pub fn frame_duration(self) -> Time {
        self.frame_start(1)
    }
}

impl TryFrom<(u32, u32)> for FrameRate {
    type Error = String;
    fn try_from((num, den): (u32, u32)) -> Result<Self, String> {
        FrameRate::new(num, den).ok_or_else(|| format!("{num}/{den} is not a frame rate"))
    }
}
impl From<FrameRate> for (u32, u32) {
    fn from(rate: FrameRate) -> Self {
        (rate.num, rate.den)
    }
}

/// `25`, `23.976`, `29.97`, … as people write them.
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            return write!(f, "{}", self.num);
        }
        let text = format!("{:.3}", self.fps());
        write!(f, "{}", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [(u32, u32); 10] = [
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (48, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
        (120, 1),
    ];

    #[test]
    fn frame_start_and_frame_at_are_inverse() {
        for (num, den) in RATES {
            let rate = FrameRate::new(num, den).expect("positive");
            for index in (0..2000).chain([86_400 * 24, 10_000_001, -1, -1000]) {
                let start = rate.frame_start(index);
                assert_eq!(rate.frame_at(start), index, "{rate} {index}");
                assert_eq!(rate.frame_at(start - Time(1)), index - 1, "{rate} {index}");
            }
        }
    }

    #[test]
    fn units_round_to_the_nearest() {
        assert_eq!(Time::from_units(1, 3).0, 235_200_000);
        assert_eq!(Time::from_nanos(41_708_333).nanos(), 41_708_333);
        assert_eq!(Time(-1).floor_units(1), -1);
    }

    #[test]
    fn a_range_never_ends_before_it_starts() {
        let range = TimeRange::new(Time(5), Time(3));
        assert!(range.is_empty());
        assert!(serde_roundtrip_rejects_reversed());
    }

    fn serde_roundtrip_rejects_reversed() -> bool {
        TimeRange::try_from((Time(5), Time(3))).is_err()
    }
}
