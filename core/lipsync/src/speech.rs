//! Speech as the families hear it: 16 kHz mono, and the features by which one voice is matched with another.
//!
//! Two voices are compared by mel cepstra, normalised for each recording over its speech alone (cepstral mean
//! and variance normalisation), so that microphone, room and much of the speaker drop out. Silence is told from
//! speech by level against the recording's own noise floor.

use lipsmith_base::Time;
use lipsmith_nets::mfcc::{COEFFICIENTS, mfcc};
use std::f32::consts::PI;

/// Samples a second of everything in this crate that listens.
pub const SPEECH_RATE: u32 = 16_000;

/// A stretch of speech, 16 kHz mono, nominally in `[-1, 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    pub samples: Vec<f32>,
}

/// Feature frames a second.
const HZ: usize = 100;
const HOP: usize = SPEECH_RATE as usize / HZ;
const WINDOW: usize = 400;
/// Cepstra kept, the zeroth (loudness) left out.
const CEPSTRA: usize = 12;
/// Where the context of a moment is looked at, in seconds: the mouth moves before it sounds.
const TAPS: [f32; 7] = [-0.12, -0.08, -0.04, 0.0, 0.04, 0.08, 0.12];
/// How much each tap counts when two moments are compared.
const TAP_WEIGHTS: [f32; 7] = [0.3, 0.6, 0.9, 1.0, 0.9, 0.6, 0.3];
const TAP: usize = CEPSTRA + 1;
/// Values of a context: for each tap 12 cepstra and a level.
pub const CONTEXT: usize = TAPS.len() * TAP;

/// A pause shorter than this is a stop consonant, not silence.
const PAUSE: usize = 14;
/// Speech shorter than this is a click.
const SYLLABLE: usize = 4;

/// What is heard at a moment and around it; the scale is such that a squared distance per value of about 1
/// separates two random moments of speech.
pub type Context = [f32; CONTEXT];

/// The features of a recording.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Per 10 ms: normalised cepstra, faded to zero in silence, and the level, 0 at the noise floor to 1 loud.
    frames: Vec<[f32; TAP]>,
    /// Per 10 ms: nobody speaks, and has not just stopped for a consonant.
    quiet: Vec<bool>,
    /// Per 10 ms: how open the voice sounds, 0..=1.
    openness: Vec<f32>,
}

impl Features {
    pub fn of(speech: &Speech) -> Features {
        let Analysis { cepstra, energy, vowel } = analyse(&speech.samples);
        let Some(gate) = Gate::of(&energy) else {
            let n = energy.len();
            return Features { frames: vec![[0.0; TAP]; n], quiet: vec![true; n], openness: vec![0.0; n] };
        };
        let quiet = gate.quiet(&energy);
        let openness = openness(&vowel, &quiet);
        let (mean, scale) = moments(&cepstra, &quiet);
        let frames = cepstra.iter().zip(&energy).map(|(c, &e)| {
            let level = gate.level(e);
            // Below a fifth of the way up to speech the spectrum is that of the room.
            let presence = (level * 5.0).min(1.0);
            let mut frame = [0.0; TAP];
            for k in 0..CEPSTRA {
                frame[k] = (c[k] - mean[k]) * scale[k] * presence;
            }
            frame[CEPSTRA] = level;
            frame
        });
        Features { frames: frames.collect(), quiet, openness }
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether any speech was heard at all.
    pub fn has_speech(&self) -> bool {
        self.quiet.iter().any(|quiet| !quiet)
    }

    /// Nobody speaks at `time`; true outside the recording.
    pub fn is_quiet(&self, time: Time) -> bool {
        let index = (time.secs_f64() * HZ as f64).round();
        index < 0.0 || self.quiet.get(index as usize).copied().unwrap_or(true)
    }

    /// 0 at the noise floor and outside the recording, about 1 at the loudest.
    pub fn level(&self, time: Time) -> f32 {
        self.frame(time.secs_f64() as f32)[CEPSTRA]
    }

    /// How open the voice sounds around `time`: the share of this recording's speech that sounds less open,
    /// 0..=1; 0 while nobody speaks. Of GRID's opening lips it explains a correlation of 0.65 by itself.
    pub fn openness(&self, time: Time) -> f32 {
        let centre = (time.secs_f64() * HZ as f64).round() as i64;
        let around = (centre - 4..=centre + 4)
            .map(|i| usize::try_from(i).ok().and_then(|i| self.openness.get(i)).copied().unwrap_or(0.0));
        around.sum::<f32>() / 9.0
    }

    /// The context of a moment, ready to be compared by squared distance; zero outside the recording.
    pub fn context(&self, time: Time) -> Context {
        let mut out = [0.0; CONTEXT];
        for (tap, offset) in TAPS.iter().enumerate() {
            let frame = self.frame(time.secs_f64() as f32 + offset);
            let weight = TAP_WEIGHTS[tap];
            for (value, o) in frame.iter().zip(&mut out[tap * TAP..]) {
                *o = value * weight;
            }
            // One level tells as much as several cepstra.
            out[tap * TAP + CEPSTRA] *= 6.0;
        }
        out
    }

    /// Linear between feature frames, zero outside.
    fn frame(&self, seconds: f32) -> [f32; TAP] {
        let at = seconds * HZ as f32;
        let below = at.floor();
        let pick = |i: f32| {
            if i < 0.0 { [0.0; TAP] } else { self.frames.get(i as usize).copied().unwrap_or([0.0; TAP]) }
        };
        let (a, b, t) = (pick(below), pick(below + 1.0), at - below);
        std::array::from_fn(|k| a[k] + (b[k] - a[k]) * t)
    }
}

/// Mean squared difference of two contexts: 0 the same, about 1 for random moments.
pub fn distance(a: &Context, b: &Context) -> f32 {
    let sum: f32 = a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum();
    sum / CONTEXT as f32
}

/// What was measured every 10 ms.
struct Analysis {
    /// Numbers 1..=12.
    cepstra: Vec<[f32; CEPSTRA]>,
    /// About dB of full scale, high frequencies raised.
    energy: Vec<f32>,
    /// dB between 500 and 3000 Hz, where open vowels sound and closed lips do not.
    vowel: Vec<f32>,
}

fn analyse(samples: &[f32]) -> Analysis {
    let frames = samples.len().div_ceil(HOP);
    // The cepstra's windows start at their frame; half a window in front centres them on it.
    let full_scale = f32::from(i16::MAX);
    let lead = std::iter::repeat_n(0, WINDOW / 2);
    // `as` takes what is no number to 0 and clips what is too loud.
    let centred: Vec<i16> = lead.chain(samples.iter().map(|s| (s * full_scale) as i16)).collect();
    let rows = mfcc(&centred);
    let row = |i: usize| rows.get(i).copied().unwrap_or([0.0; COEFFICIENTS]);
    let log_full = (full_scale * full_scale * WINDOW as f32 / 2.0).ln();
    let vowel = band(samples);
    let level = |i: usize| {
        let window = &vowel[(i * HOP).saturating_sub(WINDOW / 2)..(i * HOP + WINDOW / 2).min(vowel.len())];
        10.0 * (window.iter().map(|v| v * v).sum::<f32>() / WINDOW as f32 + 1e-12).log10()
    };
    Analysis {
        cepstra: (0..frames).map(|i| std::array::from_fn(|k| row(i)[k + 1])).collect(),
        energy: (0..frames).map(|i| (row(i)[0] - log_full) * 10.0 / std::f32::consts::LN_10).collect(),
        vowel: (0..frames).map(level).collect(),
    }
}

/// What lies between 500 and 3000 Hz: a high pass and a low pass of second order (Butterworth, by the bilinear
/// transform).
fn band(samples: &[f32]) -> Vec<f32> {
    let (high, low) = (filter(500.0, true), filter(3000.0, false));
    let mut out: Vec<f32> =
        samples.iter().map(|s| if s.is_finite() { s.clamp(-1.0, 1.0) } else { 0.0 }).collect();
    for [b0, b1, b2, a1, a2] in [high, low] {
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for value in &mut out {
            let y = b0 * *value + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
            (x2, x1, y2, y1) = (x1, *value, y1, y);
            *value = y;
        }
    }
    out
}

/// Coefficients b0, b1, b2, a1, a2.
fn filter(corner: f32, high: bool) -> [f32; 5] {
    let w = 2.0 * PI * corner / SPEECH_RATE as f32;
    let (alpha, cos) = (w.sin() * std::f32::consts::FRAC_1_SQRT_2, w.cos());
    let side = if high { -1.0 } else { 1.0 };
    let (a0, edge) = (1.0 + alpha, (1.0 - side * cos) / 2.0);
    [edge / a0, side * 2.0 * edge / a0, edge / a0, -2.0 * cos / a0, (1.0 - alpha) / a0]
}

/// The rank of each frame's vowel level among the recording's speech, 0..=1; 0 in silence.
fn openness(vowel: &[f32], quiet: &[bool]) -> Vec<f32> {
    let spoken = vowel.iter().zip(quiet).filter(|(_, quiet)| !**quiet).map(|(v, _)| *v);
    let mut sorted: Vec<f32> = spoken.collect();
    sorted.sort_by(f32::total_cmp);
    let rank = |v: f32| sorted.partition_point(|s| *s < v) as f32 / sorted.len().max(1) as f32;
    vowel.iter().zip(quiet).map(|(&v, &quiet)| if quiet { 0.0 } else { rank(v) }).collect()
}

/// Per cepstrum: mean over speech and the factor to unit deviation.
fn moments(cepstra: &[[f32; CEPSTRA]], quiet: &[bool]) -> ([f32; CEPSTRA], [f32; CEPSTRA]) {
    let spoken = || cepstra.iter().zip(quiet).filter(|(_, quiet)| !**quiet).map(|(c, _)| c);
    let n = spoken().count().max(1) as f32;
    let mean: [f32; CEPSTRA] = std::array::from_fn(|k| spoken().map(|c| c[k]).sum::<f32>() / n);
    let scale = std::array::from_fn(|k| {
        let variance = spoken().map(|c| (c[k] - mean[k]).powi(2)).sum::<f32>() / n;
        1.0 / variance.sqrt().max(0.05)
    });
    (mean, scale)
}

/// Tells speech from silence by level.
struct Gate {
    /// dB under which nobody speaks.
    threshold: f32,
    floor: f32,
    loud: f32,
}

impl Gate {
    /// `None` when nobody ever speaks: digital silence, or an even noise without the ups and downs of speech.
    fn of(energy: &[f32]) -> Option<Gate> {
        let mut sorted: Vec<f32> = energy.to_vec();
        sorted.sort_by(f32::total_cmp);
        let rank = |q: f32| sorted.get(((sorted.len() as f32 - 1.0) * q).round() as usize).copied();
        let (floor, loud) = (rank(0.1)?, rank(0.95)?);
        // Half a second and more of speech has pauses or at least consonants; a short cry need not.
        let even = loud - floor < 6.0 && energy.len() > HZ / 2;
        if loud < -75.0 || even {
            return None;
        }
        // A quiet room lies far below; never count what is 35 dB under the loudest, nor what the noise reaches.
        let threshold = (loud - 35.0).max((floor + 8.0).min(loud - 12.0));
        Some(Gate { threshold, floor: floor.max(loud - 45.0), loud })
    }

    fn level(&self, energy: f32) -> f32 {
        ((energy - self.floor) / (self.loud - self.floor).max(6.0)).clamp(0.0, 1.2)
    }

    /// Frames in which nobody speaks: short clicks do not count as speech nor short stops as silence.
    fn quiet(&self, energy: &[f32]) -> Vec<bool> {
        let mut quiet: Vec<bool> = energy.iter().map(|&e| e < self.threshold).collect();
        absorb(&mut quiet, false, SYLLABLE.min(energy.len() / 4));
        absorb(&mut quiet, true, PAUSE);
        quiet
    }
}

/// Turns runs of `what` shorter than `least` around, except at the very ends.
fn absorb(flags: &mut [bool], what: bool, least: usize) {
    let mut start = 0;
    while start < flags.len() {
        let end = (start..flags.len()).find(|&i| flags[i] != flags[start]).unwrap_or(flags.len());
        let inner = start > 0 && end < flags.len();
        if flags[start] == what && inner && end - start < least {
            flags[start..end].fill(!what);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Harmonics of 120 Hz through one resonance: a crude vowel.
    fn vowel(seconds: f32, formant: f32, gain: f32) -> Vec<f32> {
        let n = (seconds * SPEECH_RATE as f32) as usize;
        let voice = |i: usize| {
            let t = i as f32 / SPEECH_RATE as f32;
            let harmonic = |h: usize| {
                let f = 120.0 * h as f32;
                (2.0 * PI * f * t).sin() / (1.0 + ((f - formant) / 150.0).powi(2))
            };
            (1..40).map(harmonic).sum::<f32>() * gain
        };
        (0..n).map(voice).collect()
    }

    fn spoken() -> Speech {
        let parts = [
            vec![0.0; 8000],
            vowel(0.4, 700.0, 0.2),
            vowel(0.4, 400.0, 0.2),
            vec![0.0; 8000],
            vowel(0.4, 700.0, 0.2),
        ];
        Speech { samples: parts.concat() }
    }

    fn at(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    #[test]
    fn the_same_vowel_is_nearer_than_another() {
        let features = Features::of(&spoken());
        let (a, i, a_again) =
            (features.context(at(0.7)), features.context(at(1.1)), features.context(at(2.0)));
        let (same, other) = (distance(&a, &a_again), distance(&a, &i));
        assert!(same < 0.3 * other, "{same} {other}");
    }

    #[test]
    fn silence_is_told_from_speech() {
        let features = Features::of(&spoken());
        for (seconds, quiet) in
            [(-1.0, true), (0.2, true), (0.7, false), (1.2, false), (1.5, true), (9.0, true)]
        {
            assert_eq!(features.is_quiet(at(seconds)), quiet, "{seconds}");
        }
        assert!(features.level(at(0.2)) < 0.05 && features.level(at(0.7)) > 0.7);
    }

    #[test]
    fn a_closed_vowel_sounds_less_open() {
        let features = Features::of(&spoken());
        assert_eq!(features.openness(at(0.2)), 0.0);
        assert!(features.openness(at(0.7)) > features.openness(at(1.1)) + 0.2);
    }

    #[test]
    fn a_noisy_room_does_not_count_as_speech() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let noisy: Vec<f32> = spoken().samples.iter().map(|s| s + 0.01 * noise()).collect();
        let features = Features::of(&Speech { samples: noisy });
        assert!(features.is_quiet(at(0.2)) && features.is_quiet(at(1.5)));
        assert!(!features.is_quiet(at(0.7)) && !features.is_quiet(at(2.0)));
        let room = Speech { samples: (0..32_000).map(|_| 0.01 * noise()).collect() };
        assert!(!Features::of(&room).has_speech());
    }

    #[test]
    fn a_stop_consonant_is_not_silence() {
        let parts = [vowel(0.4, 700.0, 0.2), vec![0.0; 1280], vowel(0.4, 700.0, 0.2), vec![0.0; 8000]];
        let features = Features::of(&Speech { samples: parts.concat() });
        assert!(!features.is_quiet(at(0.44)) && features.is_quiet(at(1.1)));
    }

    #[test]
    fn nothing_and_odd_samples_are_borne() {
        for samples in [vec![], vec![0.3], vec![0.0; 70_000], vec![f32::NAN; 900], vec![1.0; 500]] {
            let features = Features::of(&Speech { samples });
            for seconds in [-1e9, -0.1, 0.0, 0.02, 3.0, 1e9] {
                let context = features.context(at(seconds));
                assert!(context.iter().all(|v| v.is_finite()));
                features.is_quiet(at(seconds));
            }
        }
        assert!(!Features::of(&Speech { samples: vec![0.0; 70_000] }).has_speech());
    }

    #[test]
    fn loudness_does_not_matter() {
        let loud = Features::of(&spoken());
        let soft = Features::of(&Speech { samples: spoken().samples.iter().map(|s| s * 0.1).collect() });
        assert!(distance(&loud.context(at(0.7)), &soft.context(at(0.7))) < 0.05);
    }
}
