//! The mel spectrogram that Wav2Lip and Diff2Lip hear (`audio.py` and `hparams.py` in both repositories),
//! and which part of it belongs to which picture.
//!
//! 16 kHz mono in, 80 frames of 80 bands a second out, in [-4, 4]; sixteen frames (0.2 s) go with a picture.

use candle_core::{Device, Tensor};
use realfft::RealFftPlanner;

use crate::error::Result;

pub const SAMPLE_RATE: usize = 16_000;
pub const BANDS: usize = 80;
/// Mel frames of one picture's window.
pub const WINDOW: usize = 16;
/// Mel frames a second.
pub const RATE: usize = SAMPLE_RATE / HOP;

const FFT: usize = 800;
const HOP: usize = 200;
const BINS: usize = FFT / 2 + 1;
const PRE_EMPHASIS: f64 = 0.97;
const LOWEST: f64 = 55.0;
const HIGHEST: f64 = 7600.0;
/// -100 dB, as an amplitude.
const FLOOR: f64 = 1e-5;
/// What silence looks like.
const SILENCE: f32 = -4.0;

/// What the first and last frames see beyond the ends of the sound. Everything else is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// The sound mirrored (librosa 0.7, which Wav2Lip used).
    Reflect,
    /// Silence (librosa 0.9, which Diff2Lip used).
    Zero,
}

/// Frames of [`BANDS`] values in [-4, 4], -4 where nothing is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Mel {
    /// `frames × BANDS`, frame after frame.
    values: Vec<f32>,
}

impl Mel {
    /// `samples`: 16 kHz mono in [-1, 1] → `1 + samples / 200` frames, frame i centred on sample 200·i.
    pub fn new(samples: &[f32], padding: Padding) -> Self {
        let emphasised = pre_emphasis(samples);
        let filters = filter_bank();
        let mut spectrum = Spectrum::new();
        let mut values = Vec::with_capacity((1 + samples.len() / HOP) * BANDS);
        for frame in 0..=samples.len() / HOP {
            let magnitudes = spectrum.magnitudes(&emphasised, frame, padding);
            values.extend(filters.iter().map(|filter| normalised(filter.apply(magnitudes))));
        }
        Self { values }
    }

    pub fn frames(&self) -> usize {
        self.values.len() / BANDS
    }

    /// `frames × BANDS`, frame after frame.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// `[80, frames]`.
    pub fn to_tensor(&self, device: &Device) -> Result<Tensor> {
        Ok(Tensor::from_slice(&self.values, (self.frames(), BANDS), device)?.t()?.contiguous()?)
    }

    /// The windows that begin at the mel frames `starts`, `[starts, 80, 16]`; silent beyond both ends.
    pub fn windows(&self, starts: &[i64], device: &Device) -> Result<Tensor> {
        let mut values = Vec::with_capacity(starts.len() * BANDS * WINDOW);
        for start in starts {
            for band in 0..BANDS {
                values.extend((0..WINDOW as i64).map(|i| self.value(start.saturating_add(i), band)));
            }
        }
        Ok(Tensor::from_vec(values, (starts.len(), BANDS, WINDOW), device)?)
    }

    fn value(&self, frame: i64, band: usize) -> f32 {
        usize::try_from(frame)
            .ok()
            .filter(|&frame| frame < self.frames())
            .map_or(SILENCE, |frame| self.values[frame * BANDS + band])
    }
}

/// Where picture `frame`'s window begins at `rate.0 / rate.1` pictures a second, exactly: the mel frame at or
/// before the picture's own time.
pub fn start(frame: i64, rate: (u32, u32)) -> i64 {
    let (pictures, seconds) = (i128::from(rate.0.max(1)), i128::from(rate.1));
    let exact = i128::from(frame) * RATE as i128 * seconds;
    i64::try_from(exact.div_euclid(pictures)).unwrap_or(if frame < 0 { i64::MIN } else { i64::MAX })
}

/// All windows of a sound as Wav2Lip's `inference.py` takes them: in floating point (at 23.976 this differs
/// from [`start`] now and then), and a last one moved to end with the sound.
pub fn wav2lip_starts(mel_frames: usize, rate: f64) -> Vec<i64> {
    let per_picture = RATE as f64 / rate;
    let starts = (0u32..).map(|i| (f64::from(i) * per_picture) as usize);
    let mut starts: Vec<i64> =
        starts.take_while(|start| start + WINDOW <= mel_frames).map(|start| start as i64).collect();
    starts.push(mel_frames.saturating_sub(WINDOW) as i64);
    starts
}

/// All windows of a sound as Diff2Lip's `generate.py` takes them: one picture late, at 25 a second, up to the
/// last that is whole.
pub fn diff2lip_starts(mel_frames: usize) -> Vec<i64> {
    let starts = (0u32..).map(|frame| (RATE as f64 * (f64::from(frame.saturating_sub(1)) / 25.0)) as usize);
    starts.take_while(|start| start + WINDOW <= mel_frames).map(|start| start as i64).collect()
}

fn pre_emphasis(samples: &[f32]) -> Vec<f64> {
    let mut last = 0.0;
    let lifted = samples.iter().map(|&sample| {
        let sample = f64::from(sample);
        sample - PRE_EMPHASIS * std::mem::replace(&mut last, sample)
    });
    lifted.collect()
}

/// Decibels over the floor, 100 of them on [-4, 4]; 20 dB below full scale is the reference level.
fn normalised(amplitude: f64) -> f32 {
    let decibels = 20.0 * amplitude.max(FLOOR).log10() - 20.0;
    (8.0 * ((decibels + 100.0) / 100.0) - 4.0).clamp(-4.0, 4.0) as f32
}

/// Short-time Fourier transform, with its buffers.
struct Spectrum {
    fft: std::sync::Arc<dyn realfft::RealToComplex<f64>>,
    window: Vec<f64>,
    input: Vec<f64>,
    output: Vec<realfft::num_complex::Complex<f64>>,
    magnitudes: Vec<f64>,
}

impl Spectrum {
    fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FFT);
        let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / FFT as f64).cos();
        Self {
            window: (0..FFT).map(hann).collect(),
            input: fft.make_input_vec(),
            output: fft.make_output_vec(),
            magnitudes: vec![0.0; BINS],
            fft,
        }
    }

    fn magnitudes(&mut self, samples: &[f64], frame: usize, padding: Padding) -> &[f64] {
        let first = (frame * HOP) as i64 - (FFT / 2) as i64;
        for (i, (value, weight)) in self.input.iter_mut().zip(&self.window).enumerate() {
            *value = weight * padded(samples, first + i as i64, padding);
        }
        // The buffers were made by the plan itself, which is all that it could object to.
        if self.fft.process(&mut self.input, &mut self.output).is_ok() {
            for (magnitude, value) in self.magnitudes.iter_mut().zip(&self.output) {
                *magnitude = value.norm();
            }
        }
        &self.magnitudes
    }
}

fn padded(samples: &[f64], at: i64, padding: Padding) -> f64 {
    let n = samples.len() as i64;
    let inside = match padding {
        _ if (0..n).contains(&at) => at,
        Padding::Reflect if n > 1 => {
            let period = at.rem_euclid(2 * (n - 1));
            period.min(2 * (n - 1) - period)
        }
        Padding::Reflect if n == 1 => 0,
        Padding::Reflect | Padding::Zero => return 0.0,
    };
    samples[inside as usize]
}

/// A triangle over neighbouring bins of the spectrum.
struct Filter {
    first_bin: usize,
    weights: Vec<f64>,
}

impl Filter {
    fn apply(&self, magnitudes: &[f64]) -> f64 {
        self.weights.iter().zip(&magnitudes[self.first_bin..]).map(|(weight, value)| weight * value).sum()
    }
}

/// Slaney's mel filters (Auditory Toolbox, 1998), each of unit area.
fn filter_bank() -> Vec<Filter> {
    let (low, high) = (hertz_to_mel(LOWEST), hertz_to_mel(HIGHEST));
    let corner = |i: usize| mel_to_hertz(low + (high - low) * i as f64 / (BANDS + 1) as f64);
    let filter = |band: usize| {
        let (left, centre, right) = (corner(band), corner(band + 1), corner(band + 2));
        let weight = |bin: usize| {
            let hertz = (bin * SAMPLE_RATE) as f64 / FFT as f64;
            let triangle =
                ((hertz - left) / (centre - left)).min((right - hertz) / (right - centre)).max(0.0);
            // Kept in f32 by the references.
            f64::from((triangle * 2.0 / (right - left)) as f32)
        };
        let first_bin = (0..BINS).find(|&bin| weight(bin) > 0.0).unwrap_or(BINS);
        Filter { first_bin, weights: (first_bin..BINS).map(weight).take_while(|w| *w > 0.0).collect() }
    };
    (0..BANDS).map(filter).collect()
}

/// Linear below 1 kHz, logarithmic above.
const LINEAR_HERTZ: f64 = 200.0 / 3.0;
const BREAK_MEL: f64 = 15.0;

fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

fn hertz_to_mel(hertz: f64) -> f64 {
    if hertz < 1000.0 { hertz / LINEAR_HERTZ } else { BREAK_MEL + (hertz / 1000.0).ln() / log_step() }
}

fn mel_to_hertz(mel: f64) -> f64 {
    if mel < BREAK_MEL { mel * LINEAR_HERTZ } else { 1000.0 * (log_step() * (mel - BREAK_MEL)).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_has_frames_and_silence_is_the_floor() {
        for length in [0, 1, 2, 199, 200, 399, 801] {
            for padding in [Padding::Reflect, Padding::Zero] {
                let mel = Mel::new(&vec![0.0; length], padding);
                assert_eq!(mel.frames(), 1 + length / HOP);
                assert!(mel.values.iter().all(|&value| value == SILENCE));
            }
        }
    }

    #[test]
    fn windows_beyond_the_ends_are_silent() -> Result<()> {
        let loud: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.3).sin()).collect();
        let mel = Mel::new(&loud, Padding::Zero);
        let windows = mel.windows(&[-16, 0, mel.frames() as i64, i64::MAX], &Device::Cpu)?;
        let means: Vec<f32> = windows.mean((1, 2))?.to_vec1()?;
        assert!(means[1] > SILENCE);
        assert_eq!([means[0], means[2], means[3]], [SILENCE; 3]);
        Ok(())
    }

    /// 23.976 pictures a second are exactly 24000/1001: after 1001 s the window begins 80,080 mel frames in.
    #[test]
    fn starts_are_exact_at_any_rate() {
        assert_eq!(start(24_000, (24_000, 1001)), 80_080);
        assert_eq!(start(23_999, (24_000, 1001)), 80_076);
        assert_eq!(start(-1, (25, 1)), -4);
        assert_eq!(start(i64::MAX, (1, u32::MAX)), i64::MAX);
        let thirty: Vec<i64> = (0..12).map(|frame| start(frame, (30_000, 1001))).collect();
        assert_eq!(thirty, [0, 2, 5, 8, 10, 13, 16, 18, 21, 24, 26, 29]);
    }

    #[test]
    fn a_sound_shorter_than_a_window_has_one() {
        assert_eq!(wav2lip_starts(7, 25.0), [0]);
        assert!(diff2lip_starts(7).is_empty());
    }
}
