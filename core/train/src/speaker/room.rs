//! What a room and a microphone do to a voice, so that what is learned from synthetic voices does not hang on
//! their clean timbre: the size of the throat, colouring, echo, hum and noise.

use super::voice::{Phoneme, Speech};
use lipsmith_base::Audio;
use lipsmith_base::Random;
use lipsmith_base::Time;
use std::f32::consts::PI;

/// Another length of the vocal tract: the whole speech played `factor` times as fast, pictures of mouths included.
pub fn resized(speech: Speech, factor: f32) -> Speech {
    let Audio { rate, channels, samples } = speech.audio;
    let length = (samples.len() as f32 / factor) as usize;
    let samples: Vec<f32> = (0..length).map(|i| between(&samples, i as f64 * f64::from(factor))).collect();
    let audio = Audio { rate, channels, samples };
    let end = audio.duration();
    let at = |time: Time| Time((time.0 as f64 / f64::from(factor)) as i64).min(end);
    let phonemes = speech.phonemes.into_iter();
    let phonemes = phonemes.map(|p| Phoneme { start: at(p.start), end: at(p.end), ..p }).collect();
    Speech { audio, phonemes }
}

/// The samples at `rate` instead, softened before fewer are taken.
pub fn at_rate(audio: &Audio, rate: u32) -> Vec<f32> {
    let step = f64::from(audio.rate) / f64::from(rate);
    let mut source = audio.samples.clone();
    if step > 1.0 {
        // A windowed sinc a little below the new Nyquist frequency.
        let cutoff = 0.45 / step as f32;
        let reach = 16i32;
        let kernel: Vec<f32> = (-reach..=reach)
            .map(|i| {
                let x = 2.0 * PI * cutoff * i as f32;
                let sinc = if i == 0 { 1.0 } else { x.sin() / x };
                sinc * 2.0 * cutoff * (0.54 + 0.46 * (PI * i as f32 / (reach + 1) as f32).cos())
            })
            .collect();
        source = filtered(&source, &kernel, reach as usize);
    }
    let length = (audio.samples.len() as f64 / step).round() as usize;
    (0..length).map(|i| between(&source, i as f64 * step)).collect()
}

fn between(samples: &[f32], place: f64) -> f32 {
    let i = place as usize;
    let value = |i: usize| samples.get(i).copied().unwrap_or(0.0);
    value(i) + (value(i + 1) - value(i)) * (place - i as f64) as f32
}

/// `samples` under a kernel whose middle is at `centre`.
fn filtered(samples: &[f32], kernel: &[f32], centre: usize) -> Vec<f32> {
    let mut padded = vec![0.0; centre];
    padded.extend_from_slice(samples);
    padded.resize(samples.len() + kernel.len(), 0.0);
    (0..samples.len())
        .map(|i| padded[i..i + kernel.len()].iter().zip(kernel.iter().rev()).map(|(s, k)| s * k).sum())
        .collect()
}

/// One room and microphone.
pub struct Room {
    level: f32,
    /// Resonances: frequency in Hz, sharpness, gain in decibels.
    bands: Vec<(f32, f32, f32)>,
    /// Delays in seconds and strengths.
    echoes: Vec<(f32, f32)>,
    /// Noise against the voice in amplitude, and how much of it is low.
    noise: f32,
    darkness: f32,
    hum: f32,
}

impl Room {
    pub fn random(r: &mut Random) -> Room {
        let bands = (0..4).map(|_| {
            let octave = r.within(6.5, 12.7);
            (octave.exp2(), r.within(0.4, 1.6), r.within(-9.0, 9.0))
        });
        let bands = bands.collect();
        let wet = if r.unit() < 0.6 { r.unit() * 0.5 } else { 0.0 };
        let decay = r.within(0.05, 0.35);
        let echoes = (0..if wet > 0.0 { 40 } else { 0 }).map(|_| {
            let delay = 0.002 + decay * 2.0 * r.unit() * r.unit();
            (delay, wet * (r.within(-1.0, 1.0)) * (-delay / decay).exp() * 0.6)
        });
        let echoes = echoes.collect();
        Room {
            level: r.within(0.15, 0.95),
            echoes,
            bands,
            noise: if r.unit() < 0.75 { 10f32.powf(r.within(-2.6, -0.7)) } else { 0.0 },
            darkness: r.within(0.0, 0.98),
            hum: if r.unit() < 0.2 { r.within(0.0, 0.05) } else { 0.0 },
        }
    }

    /// The voice as it is recorded there, `rate` samples a second.
    pub fn record(&self, voice: &[f32], rate: u32, r: &mut Random) -> Vec<f32> {
        let rate = rate as f32;
        let mut sound = voice.to_vec();
        for &(delay, strength) in &self.echoes {
            let lag = (delay * rate) as usize;
            voice.iter().zip(sound.iter_mut().skip(lag)).for_each(|(v, s)| *s += strength * v);
        }
        for &(frequency, sharpness, gain) in &self.bands {
            if frequency < 0.45 * rate {
                peak(&mut sound, frequency / rate, sharpness, gain);
            }
        }
        let power = sound.iter().map(|s| s * s).sum::<f32>() / sound.len().max(1) as f32;
        let loud = power.sqrt().max(1e-5);
        let (mut low, phase) = (0.0, r.within(0.0, 6.0));
        // Low noise is weaker by its filter; this gives it its strength back.
        let lift = (1.0 / (1.0 - self.darkness)).sqrt();
        for (i, s) in sound.iter_mut().enumerate() {
            low = self.darkness * low + (1.0 - self.darkness) * r.within(-1.0, 1.0);
            *s += loud * self.noise * 1.7 * lift * low;
            *s += loud * self.hum * (2.0 * PI * 50.0 * i as f32 / rate + phase).sin();
        }
        let highest = sound.iter().fold(1e-4f32, |m, s| m.max(s.abs()));
        sound.iter().map(|s| s * self.level / highest).collect()
    }
}

/// A second-order peak (Bristow-Johnson's cookbook).
fn peak(samples: &mut [f32], turns: f32, sharpness: f32, decibels: f32) {
    let a = 10f32.powf(decibels / 40.0);
    let (sin, cos) = (2.0 * PI * turns).sin_cos();
    let alpha = sin / (2.0 * sharpness);
    let norm = 1.0 / (1.0 + alpha / a);
    let (b0, b1, b2) = ((1.0 + alpha * a) * norm, -2.0 * cos * norm, (1.0 - alpha * a) * norm);
    let (a1, a2) = (-2.0 * cos * norm, (1.0 - alpha / a) * norm);
    let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
    for s in samples {
        let y = b0 * *s + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2;
        (x2, x1, y2, y1) = (x1, *s, y1, y);
        *s = y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, frequency: f32) -> Audio {
        let value = |i: usize| (2.0 * PI * frequency * i as f32 / rate as f32).sin();
        Audio { rate, channels: 1, samples: (0..rate as usize).map(value).collect() }
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn a_new_rate_keeps_what_it_can_hold_and_drops_the_rest() {
        for (frequency, kept) in [(300.0, true), (3000.0, true), (10_200.0, false)] {
            let samples = at_rate(&tone(22_050, frequency), 16_000);
            assert_eq!(samples.len(), 16_000);
            let power = power(&samples);
            assert!(if kept { (0.4..0.51).contains(&power) } else { power < 0.02 }, "{frequency}: {power}");
        }
    }

    #[test]
    fn a_longer_throat_slows_sound_and_phonemes_alike() {
        let at = |ms| Time::from_units(ms, 1000);
        let phonemes = vec![Phoneme { ipa: "a".into(), start: at(200), end: at(700) }];
        let slow = resized(Speech { audio: tone(22_050, 400.0), phonemes }, 0.8);
        assert!((slow.audio.duration().secs_f64() - 1.25).abs() < 1e-3);
        assert!((slow.phonemes[0].start.secs_f64() - 0.25).abs() < 1e-3);
        assert!((slow.phonemes[0].end.secs_f64() - 0.875).abs() < 1e-3);
    }

    #[test]
    fn rooms_never_clip_and_keep_the_length() {
        for seed in 0..30 {
            let mut r = Random::new(seed);
            let room = Room::random(&mut r);
            let sound = room.record(&tone(16_000, 200.0).samples, 16_000, &mut r);
            assert_eq!(sound.len(), 16_000);
            assert!(sound.iter().all(|s| s.is_finite() && s.abs() <= 0.9501), "{seed}");
            assert!(power(&sound) > 1e-4, "{seed}");
        }
    }
}
