//! When each picture of a film is shown. A container stores rounded times; here they become exact again: a
//! constant rate if one explains them, else the coarsest grid that all of them lie on.

use lipsmith_base::{FrameRate, Time};
use serde::Serialize;

/// How a film's pictures follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Timing {
    Constant {
        rate: FrameRate,
    },
    /// Pictures of different lengths: `mean` pictures a second, all of them starting on a grid of `base` a second.
    Variable {
        mean: f64,
        base: FrameRate,
    },
}

impl Timing {
    pub fn constant(rate: FrameRate) -> Timing {
        Timing::Constant { rate }
    }

    /// The constant rate, or the grid of a variable one.
    pub fn base(self) -> FrameRate {
        match self {
            Timing::Constant { rate } => rate,
            Timing::Variable { base, .. } => base,
        }
    }
}

/// Start and length of every picture; picture 0 starts at time 0.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameTimes {
    timing: Timing,
    count: u64,
    /// Empty when the rate is constant.
    starts: Vec<Time>,
    end: Time,
}

impl FrameTimes {
    pub fn constant(rate: FrameRate, count: u64) -> FrameTimes {
        let end = rate.frame_start(saturate(count));
        FrameTimes { timing: Timing::constant(rate), count, starts: Vec::new(), end }
    }

    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Number of pictures.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// End of the last picture.
    pub fn end(&self) -> Time {
        self.end
    }

    /// Start of picture `index`; the film's end for an index past the last.
    pub fn start(&self, index: u64) -> Time {
        match self.timing {
            _ if index >= self.count => self.end,
            Timing::Constant { rate } => rate.frame_start(saturate(index)),
            Timing::Variable { .. } => self.starts.get(index as usize).copied().unwrap_or(self.end),
        }
    }

    pub fn duration(&self, index: u64) -> Time {
        self.start(index.saturating_add(1)) - self.start(index)
    }

    /// The picture on screen at `time`: the first before the film begins, `count()` from its end on.
    pub fn index_at(&self, time: Time) -> u64 {
        if time >= self.end {
            return self.count;
        }
        let index = match self.timing {
            Timing::Constant { rate } => u64::try_from(rate.frame_at(time)).unwrap_or(0),
            Timing::Variable { .. } => self.starts.partition_point(|s| *s <= time).saturating_sub(1) as u64,
        };
        index.min(self.count.saturating_sub(1))
    }

    /// From the container's own times in nanoseconds (strictly increasing), the length of the last picture if
    /// known, and the rate which the stream claims for itself.
    pub(crate) fn from_container(raw: &[i64], last: Option<i64>, claimed: Option<FrameRate>) -> FrameTimes {
        let count = raw.len() as u64;
        let (Some(first), Some(final_start)) = (raw.first(), raw.last()) else {
            return FrameTimes::constant(claimed.unwrap_or(FrameRate::FPS_25), 0);
        };
        let starts: Vec<i64> = raw.iter().map(|t| t.saturating_sub(*first)).collect();
        let quantum = quantum(raw);
        if raw.len() == 1 {
            let rate = claimed.or_else(|| last.and_then(rate_of_length)).unwrap_or(FrameRate::FPS_25);
            return FrameTimes::constant(rate, 1);
        }
        if let Some(rate) = constant_rate(&starts, quantum, claimed) {
            return FrameTimes::constant(rate, count);
        }
        let base = grid(&starts, quantum, claimed);
        let exact = |nanos: i64| {
            let units = Time::from_nanos(nanos).0 as i128 * i128::from(base.num());
            let step = i128::from(lipsmith_base::time::FLICKS) * i128::from(base.den());
            base.frame_start(saturate_i128((2 * units + step).div_euclid(2 * step)))
        };
        let span = final_start.saturating_sub(*first).max(1);
        let mean_length = span / (raw.len() as i64 - 1);
        let last = last.filter(|l| *l > 0).unwrap_or(mean_length);
        let end = exact(span.saturating_add(last)).max(exact(span) + Time(1));
        let mean = count as f64 / end.secs_f64();
        let starts = starts.into_iter().map(exact).collect();
        FrameTimes { timing: Timing::Variable { mean, base }, count, starts, end }
    }
}

fn saturate(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn saturate_i128(value: i128) -> i64 {
    value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// The step, in nanoseconds, to which the container rounded (1 ms in Matroska as most write it).
fn quantum(raw: &[i64]) -> i64 {
    let all = |step: i64| raw.iter().all(|t| t % step == 0);
    [1_000_000, 100_000, 10_000, 1_000].into_iter().find(|step| all(*step)).unwrap_or(1)
}

const USUAL: [(u32, u32); 14] = [
    (24000, 1001),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (48000, 1001),
    (48, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (12, 1),
    (15, 1),
    (100, 1),
    (120, 1),
];

/// Clocks of containers and tools, coarse to fine, on whose ticks variable rates lie.
const CLOCKS: [u32; 12] =
    [600, 1000, 10_000, 12_800, 15_360, 24_000, 30_000, 60_000, 90_000, 100_000, 120_000, 1_000_000];

fn usual() -> impl Iterator<Item = FrameRate> {
    USUAL.iter().filter_map(|(num, den)| FrameRate::new(*num, *den))
}

/// The rate that explains all `starts` to within the container's rounding: the claimed one if it does, else
/// the usual one that does best, else the mean if that does.
fn constant_rate(starts: &[i64], quantum: i64, claimed: Option<FrameRate>) -> Option<FrameRate> {
    // 90 kHz clocks (MPEG) round to 11.1 µs.
    let tolerance = quantum.max(11_200);
    let error = |rate: FrameRate| {
        let deviation = |(i, t): (usize, &i64)| (rate.frame_start(i as i64).nanos() - t).abs();
        starts.iter().enumerate().map(deviation).max().unwrap_or(0)
    };
    if let Some(rate) = claimed.filter(|rate| error(*rate) <= tolerance) {
        return Some(rate);
    }
    let best = usual().min_by_key(|rate| error(*rate)).filter(|rate| error(*rate) <= tolerance);
    best.or_else(|| {
        let mean = rate_of_length(starts.last()? / (starts.len() as i64 - 1))?;
        (error(mean) <= tolerance).then_some(mean)
    })
}

/// `1 / nanos` as a fraction of thousandths.
fn rate_of_length(nanos: i64) -> Option<FrameRate> {
    let thousandths = (1e12 / nanos as f64).round();
    (nanos > 0 && thousandths <= f64::from(u32::MAX))
        .then(|| FrameRate::new(thousandths as u32, 1000))
        .flatten()
}

/// The coarsest grid on which all `starts` lie: the claimed rate, a usual one, or a container clock; at worst
/// the microsecond.
fn grid(starts: &[i64], quantum: i64, claimed: Option<FrameRate>) -> FrameRate {
    let on = |rate: FrameRate| {
        // Nothing lies off a grid whose step is near the container's own rounding.
        let step = rate.frame_start(1).nanos();
        let tolerance = if quantum > 1 { quantum } else { 2 };
        step > 4 * tolerance
            && starts.iter().all(|t| {
                let nearest = rate.frame_at(Time::from_nanos(t.saturating_add(step / 2)));
                (rate.frame_start(nearest).nanos() - t).abs() <= tolerance
            })
    };
    let clocks = CLOCKS.iter().filter_map(|clock| FrameRate::new(*clock, 1));
    let finest = FrameRate::new(1_000_000, 1).unwrap_or(FrameRate::FPS_25);
    claimed.into_iter().chain(usual()).chain(clocks).find(|rate| on(*rate)).unwrap_or(match quantum {
        1 | 1_000 => finest,
        coarse => FrameRate::new((1_000_000_000 / coarse) as u32, 1).unwrap_or(finest),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a container with a clock of `clock` ticks a second makes of exact times.
    fn rounded(times: impl Iterator<Item = Time>, clock: i64, offset: i64) -> Vec<i64> {
        times.map(|t| Time::from_units(t.round_units(clock) + offset, clock).nanos()).collect()
    }

    #[test]
    fn every_usual_rate_is_recovered_from_every_clock() {
        for rate in usual() {
            for (clock, offset) in
                [(1000, 0), (1000, 80), (90_000, 126_000), (i64::from(rate.num()) * 16, 512)]
            {
                for count in [2, 3, 10, 500] {
                    let raw = rounded((0..count).map(|i| rate.frame_start(i)), clock, offset);
                    let claimed = (clock == 1000).then_some(rate);
                    let times = FrameTimes::from_container(&raw, None, claimed);
                    assert_eq!(
                        times,
                        FrameTimes::constant(rate, count as u64),
                        "{rate} on {clock} × {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_dropped_frame_makes_the_rate_variable_and_times_stay_exact() {
        for (num, den) in [(30, 1), (24000, 1001), (25, 1)] {
            let rate = FrameRate::new(num, den).expect("positive");
            let kept: Vec<i64> = (0..100).filter(|i| i % 7 != 3).collect();
            for clock in [1000, 90_000, i64::from(num)] {
                let raw = rounded(kept.iter().map(|i| rate.frame_start(*i)), clock, 0);
                let times = FrameTimes::from_container(&raw, None, Some(rate));
                assert!(
                    matches!(times.timing(), Timing::Variable { base, .. } if base == rate || clock == 90_000)
                );
                for (index, i) in kept.iter().enumerate() {
                    let index = index as u64;
                    let off = (times.start(index) - rate.frame_start(*i)).nanos().abs();
                    assert!(off <= if clock == 90_000 { 5600 } else { 0 }, "{rate} on {clock}: {off} ns");
                    assert_eq!(times.index_at(times.start(index)), index);
                    assert_eq!(times.index_at(times.start(index + 1) - Time(1)), index);
                }
            }
        }
    }

    #[test]
    fn the_ends_of_a_film() {
        let times = FrameTimes::constant(FrameRate::FPS_25, 10);
        assert_eq!(times.index_at(Time(-5)), 0);
        assert_eq!(times.index_at(times.end() - Time(1)), 9);
        assert_eq!(times.index_at(times.end()), 10);
        assert_eq!(times.duration(9), FrameRate::FPS_25.frame_duration());
    }
}
