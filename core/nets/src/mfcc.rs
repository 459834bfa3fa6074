//! Mel-frequency cepstra as SyncNet hears them: `python_speech_features.mfcc` with its defaults, on 16-bit
//! samples at 16 kHz; 100 frames of 13 coefficients a second.

use realfft::RealFftPlanner;

pub const COEFFICIENTS: usize = 13;

const SAMPLE_RATE: f64 = 16_000.0;
const FRAME: usize = 400;
const STEP: usize = 160;
const FFT: usize = 512;
const BINS: usize = FFT / 2 + 1;
const FILTERS: usize = 26;
const PRE_EMPHASIS: f64 = 0.97;
const LIFTER: f64 = 22.0;

/// One row a frame; the first value is the frame's log energy. A last frame that is not full is filled with
/// zeros.
pub fn mfcc(samples: &[i16]) -> Vec<[f32; COEFFICIENTS]> {
    let emphasised = pre_emphasis(samples);
    let filters = filter_bank();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(FFT);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let frames = 1 + emphasised.len().saturating_sub(FRAME).div_ceil(STEP);
    let mut rows = Vec::with_capacity(frames);
    for frame in 0..frames {
        let rest = &emphasised[(frame * STEP).min(emphasised.len())..];
        input.fill(0.0);
        for (value, sample) in input.iter_mut().zip(rest.iter().take(FRAME)) {
            *value = *sample;
        }
        // The buffers were made by the plan itself, which is all that it could object to.
        if fft.process(&mut input, &mut output).is_ok() {
            let power: Vec<f64> = output.iter().map(|value| value.norm_sqr() / FFT as f64).collect();
            rows.push(cepstrum(&power, &filters));
        }
    }
    rows
}

fn pre_emphasis(samples: &[i16]) -> Vec<f64> {
    let mut last = 0.0;
    let lifted = samples.iter().map(|&sample| {
        let sample = f64::from(sample);
        sample - PRE_EMPHASIS * std::mem::replace(&mut last, sample)
    });
    lifted.collect()
}

fn cepstrum(power: &[f64], filters: &[Vec<f64>]) -> [f32; COEFFICIENTS] {
    let log = |energy: f64| if energy == 0.0 { f64::EPSILON.ln() } else { energy.ln() };
    let bands: Vec<f64> =
        filters.iter().map(|filter| log(filter.iter().zip(power).map(|(w, p)| w * p).sum())).collect();
    std::array::from_fn(|k| match k {
        0 => log(power.iter().sum()) as f32,
        _ => (lifter(k) * cosine_transform(&bands, k)) as f32,
    })
}

/// Coefficient k > 0 of the orthonormal DCT-II.
fn cosine_transform(bands: &[f64], k: usize) -> f64 {
    let n = bands.len() as f64;
    let angle = |i: usize| std::f64::consts::PI * k as f64 * (2 * i + 1) as f64 / (2.0 * n);
    let sum: f64 = bands.iter().enumerate().map(|(i, band)| band * angle(i).cos()).sum();
    sum * (2.0 / n).sqrt()
}

/// Raises the high coefficients to the size of the low ones.
fn lifter(k: usize) -> f64 {
    1.0 + LIFTER / 2.0 * (std::f64::consts::PI * k as f64 / LIFTER).sin()
}

/// Triangles between whole bins, equally spaced in mel from 0 Hz to half the sample rate.
fn filter_bank() -> Vec<Vec<f64>> {
    let mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let hertz = |mel: f64| 700.0 * (10f64.powf(mel / 2595.0) - 1.0);
    let corner = |i: usize| {
        let at = hertz(mel(SAMPLE_RATE / 2.0) * i as f64 / (FILTERS + 1) as f64);
        ((FFT + 1) as f64 * at / SAMPLE_RATE).floor()
    };
    let filter = |band: usize| {
        let (left, centre, right) = (corner(band), corner(band + 1), corner(band + 2));
        let weight = |bin: usize| match bin as f64 {
            bin if bin >= left && bin < centre => (bin - left) / (centre - left),
            bin if bin >= centre && bin < right => (right - bin) / (right - centre),
            _ => 0.0,
        };
        (0..BINS).map(weight).collect()
    };
    (0..FILTERS).map(filter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_has_a_frame() {
        for (length, frames) in [(0, 1), (400, 1), (401, 2), (560, 2), (561, 3)] {
            assert_eq!(mfcc(&vec![0; length]).len(), frames, "{length} samples");
        }
    }
}
