//! How fast a job goes and how long it will still take, from what it told lately.

use lipsmith_base::Progress;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Older marks say little of the present speed.
const WINDOW: Duration = Duration::from_secs(8);
/// Marks kept however old they are: slow work tells of itself once in many seconds.
const AT_LEAST: usize = 3;
/// Marks nearer to each other than this are one.
const STEP: Duration = Duration::from_millis(100);

/// Follows one job through its stages.
#[derive(Clone, Debug, Default)]
pub struct Rate {
    stage: &'static str,
    /// Units done at each time, the oldest first. What was there when the stage began says nothing of the speed.
    marks: VecDeque<(Instant, u64)>,
    latest: Option<(Instant, u64)>,
    total: Option<u64>,
}

impl Rate {
    pub fn note(&mut self, now: Instant, progress: &Progress) {
        let back = self.latest.is_some_and(|(_, done)| progress.done < done);
        if progress.stage != self.stage || back {
            *self = Rate { stage: progress.stage, ..Rate::default() };
        }
        self.total = progress.total;
        self.latest = Some((now, progress.done));
        if self.marks.back().is_none_or(|(last, _)| now.duration_since(*last) >= STEP) {
            self.marks.push_back((now, progress.done));
        }
        let old = |mark: &(Instant, u64)| now.duration_since(mark.0) > WINDOW;
        while self.marks.len() > AT_LEAST && self.marks.get(1).is_some_and(old) {
            self.marks.pop_front();
        }
    }

    /// Units a second over the last seconds; `None` until something was done.
    pub fn per_second(&self) -> Option<f64> {
        let ((from, first), (to, last)) = (*self.marks.front()?, self.latest?);
        let seconds = to.duration_since(from).as_secs_f64();
        (last > first && seconds > 0.0).then(|| (last - first) as f64 / seconds)
    }

    /// Seconds to the end of the stage.
    pub fn remaining(&self) -> Option<f64> {
        let (_, done) = self.latest?;
        Some(self.total?.saturating_sub(done) as f64 / self.per_second()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rate: &mut Rate, start: Instant, stage: &'static str, at: f64, done: u64) {
        let progress = Progress { stage, done, total: Some(1_000) };
        rate.note(start + Duration::from_secs_f64(at), &progress);
    }

    #[test]
    fn only_the_last_seconds_count() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        for second in 0..=60 {
            // Ten a second at first, two a second later.
            let done = if second <= 30 { 10 * second } else { 300 + 2 * (second - 30) };
            told(&mut rate, start, "sync", second as f64, done);
        }
        let (speed, left) = (rate.per_second().expect("known"), rate.remaining().expect("known"));
        assert!((speed - 2.0).abs() < 1e-6 && (left - 320.0).abs() < 1e-6, "{speed} {left}");
    }

    #[test]
    fn what_was_there_before_and_other_stages_say_nothing() {
        let (mut rate, start) = (Rate::default(), Instant::now());
        told(&mut rate, start, "collect", 0.0, 0);
        told(&mut rate, start, "collect", 1.0, 500);
        told(&mut rate, start, "sync", 1.5, 900);
        assert_eq!((rate.per_second(), rate.remaining()), (None, None));
        told(&mut rate, start, "sync", 21.5, 920);
        assert!((rate.remaining().expect("known") - 80.0).abs() < 1e-6);
    }
}
