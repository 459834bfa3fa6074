//! Sound brought from one rate to another: a windowed sinc. Every sample depends on the sound around it alone, so that a
//! place sounds the same however one came to it. Resamplers that take block after block cannot promise that;
//! GStreamer's keeps its phase even across a seek.

use std::f64::consts::PI;
use std::ops::Range;

/// Half the window, in samples of the lower rate. With [`BETA`] all is lost above its Nyquist frequency and nothing below
/// 95 % of it.
const REACH: f64 = 64.0;
/// Kaiser's shape of the window: 100 dB.
const BETA: f64 = 10.0;
/// Where half is lost, as a share of the lower Nyquist frequency.
const CUTOFF: f64 = 0.95;
/// Places between two samples that are told apart. Usual rates need fewer and are exact.
const MOST_PHASES: u64 = 4_096;

pub(crate) struct Resampler {
    from: u64,
    to: u64,
    phases: u64,
    /// Samples of the source on either side of a place that are looked at.
    reach: i64,
    /// `[phases][2 · reach]`.
    taps: Vec<f32>,
}

impl Resampler {
    /// `None` between equal rates.
    pub fn new(from: u32, to: u32) -> Option<Resampler> {
        if from == to {
            return None;
        }
        let (from, to) = (u64::from(from.max(1)), u64::from(to.max(1)));
        let phases = (to / common(from, to)).min(MOST_PHASES);
        // In samples of the source, of which a lower rate has fewer.
        let lower = (to as f64 / from as f64).min(1.0);
        let reach = (REACH / lower).ceil() as i64;
        let tap = |phase: u64, i: i64| {
            let distance = (1 - reach + i) as f64 - phase as f64 / phases as f64;
            sinc(distance * lower * CUTOFF) * lower * CUTOFF * kaiser(distance / reach as f64)
        };
        let taps = (0..phases).flat_map(|phase| (0..2 * reach).map(move |i| tap(phase, i) as f32));
        Some(Resampler { from, to, phases, reach, taps: taps.collect() })
    }

    /// Samples made of the first `heard` of the source; of all of it when it has `ended` with them.
    pub fn made_of(&self, heard: i64, ended: bool) -> i64 {
        let known = if ended { heard } else { heard - self.reach };
        let made = (i128::from(known.max(0)) * i128::from(self.to)).div_euclid(i128::from(self.from));
        // What begins within the source's last sample is made of it too.
        let within = ended && made * i128::from(self.from) < i128::from(known) * i128::from(self.to);
        made as i64 + i64::from(within)
    }

    /// The first sample of the source that sample `place` is made of.
    pub fn first_of(&self, place: i64) -> i64 {
        self.nearest(place).0 - self.reach + 1
    }

    /// The samples of `wanted`, `channels` side by side. `source` begins with sample `first`; what it does not hold is silent.
    pub fn samples(&self, source: &[f32], first: i64, channels: usize, wanted: Range<i64>) -> Vec<f32> {
        let frames = (source.len() / channels) as i64;
        let width = 2 * self.reach as usize;
        let mut made = Vec::with_capacity((wanted.end - wanted.start).max(0) as usize * channels);
        for place in wanted {
            let (before, phase) = self.nearest(place);
            let begin = before - self.reach + 1 - first;
            let taps = &self.taps[phase * width..][..width];
            let held = begin.clamp(0, frames) as usize..(begin + width as i64).clamp(0, frames) as usize;
            let taps = &taps[(held.start as i64 - begin).clamp(0, width as i64) as usize..];
            let heard = &source[held.start * channels..held.end * channels];
            match channels {
                1 => made.push(dot(heard, taps)),
                _ => made.extend((0..channels).map(|channel| {
                    let channel = heard.iter().skip(channel).step_by(channels);
                    channel.zip(taps).map(|(v, tap)| v * tap).sum::<f32>()
                })),
            }
        }
        made
    }

    /// The sample of the source at or before sample `place`, and how far behind it that is, in phases.
    fn nearest(&self, place: i64) -> (i64, usize) {
        let at = i128::from(place) * i128::from(self.from);
        let (before, rest) = (at.div_euclid(i128::from(self.to)), at.rem_euclid(i128::from(self.to)));
        let phase = rest * i128::from(self.phases) / i128::from(self.to);
        (before as i64, phase as usize)
    }
}

/// In eight sums side by side, which the processor's vectors hold.
fn dot(heard: &[f32], taps: &[f32]) -> f32 {
    let whole = heard.len() - heard.len() % 8;
    let mut sums = [0.0; 8];
    for (heard, taps) in heard[..whole].chunks_exact(8).zip(taps.chunks_exact(8)) {
        (0..8).for_each(|i| sums[i] += heard[i] * taps[i]);
    }
    let rest = heard[whole..].iter().zip(&taps[whole..]).map(|(v, tap)| v * tap);
    sums.iter().sum::<f32>() + rest.sum::<f32>()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// Kaiser's window, 1 in the middle, over -1..=1.
fn kaiser(x: f64) -> f64 {
    let bell = (1.0 - x * x).max(0.0).sqrt();
    bessel(BETA * bell) / bessel(BETA)
}

/// The modified Bessel function of the first kind and order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..64 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

fn common(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, count: usize) -> Vec<f32> {
        (0..count).map(|i| (2.0 * PI * hertz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    /// Loudest departure from what it should be, away from the ends.
    fn departure(made: &[f32], wanted: &[f32]) -> f32 {
        let inner = 400..made.len().min(wanted.len()) - 400;
        made[inner.clone()].iter().zip(&wanted[inner]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn tones_stay_what_they_are_and_where_they_are() {
        for (from, to) in
            [(48_000, 16_000), (44_100, 16_000), (22_050, 16_000), (16_000, 48_000), (44_100, 48_000)]
        {
            let resampler = Resampler::new(from, to).expect("rates that differ");
            for hertz in [100.0, 1_000.0, 7_000.0] {
                let source = tone(from, hertz, from as usize / 4);
                let count = resampler.made_of(source.len() as i64, true);
                assert_eq!(count, i64::from(to) / 4, "{from} to {to}");
                let made = resampler.samples(&source, 0, 1, 0..count);
                let off = departure(&made, &tone(to, hertz, count as usize));
                assert!(off < 1e-4, "{from} to {to}, {hertz} Hz: {off}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let resampler = Resampler::new(48_000, 16_000).expect("rates that differ");
        for hertz in [8_100.0, 10_000.0, 15_000.0, 23_000.0] {
            let made = resampler.samples(&tone(48_000, hertz, 12_000), 0, 1, 0..4_000);
            let left = departure(&made, &[0.0; 4_000]);
            assert!(left < 1e-4, "{left} of {hertz} Hz");
        }
    }

    #[test]
    fn a_piece_is_as_in_the_whole() {
        let noise: Vec<f32> =
            (0..8_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 1.7e7).collect();
        for (from, to, channels) in [(22_050, 16_000, 1), (44_100, 48_000, 2), (44_056, 48_000, 1)] {
            let resampler = Resampler::new(from, to).expect("rates that differ");
            let whole = resampler.samples(&noise, 0, channels, 0..2_000);
            let first = resampler.first_of(1_000);
            let piece = &noise[first as usize * channels..];
            assert_eq!(
                resampler.samples(piece, first, channels, 1_000..1_100),
                whole[1_000 * channels..1_100 * channels]
            );
        }
    }

    #[test]
    fn nothing_is_made_before_all_of_it_is_heard() {
        let resampler = Resampler::new(22_050, 16_000).expect("rates that differ");
        for heard in [0, 50, 500, 5_000] {
            let made = resampler.made_of(heard, false);
            assert!(made == 0 || resampler.first_of(made - 1) + 2 * resampler.reach <= heard);
        }
        assert_eq!(resampler.made_of(22_050, true), 16_000);
        assert!(Resampler::new(48_000, 48_000).is_none());
    }
}
