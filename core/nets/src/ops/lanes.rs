//! Loops over samples that the compiler turns into vector code.
//!
//! The functions here are `inline(always)`: they become part of a function that [`lipsmith_base::vectorised!`] defines,
//! and take its instruction set.

const LANES: usize = 16;

/// Σ f(x), in lanes within short blocks and in f64 between them, so that it stays exact for any length.
#[inline(always)]
pub fn sum(samples: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut total = 0f64;
    for block in samples.chunks(64 * LANES) {
        let mut lanes = [0f32; LANES];
        let (chunks, rest) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for i in 0..LANES {
                lanes[i] += f(chunk[i]);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rest) {
            *lane += f(x);
        }
        total += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
    }
    total
}

/// eˣ to 2·10⁻⁷ of itself: 2ⁿ·eʳ with |r| ≤ ½·ln 2 (Cody & Waite's reduction, Taylor to r⁷).
/// Beyond f32's range it saturates at its ends instead of reaching 0 and infinity.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding 1.5·2²³ rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first exact when multiplied by n.
    const LN2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2[0]) - n * LN2[1];
    let p = 1.0 / 720.0 + r * (1.0 / 5040.0);
    let p = 1.0 / 24.0 + r * (1.0 / 120.0 + r * p);
    let p = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * p)));
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// d silu(x) / dx.
#[inline(always)]
pub fn silu_slope(x: f32) -> f32 {
    let s = sigmoid(x);
    s * (1.0 + x * (1.0 - s))
}

#[cfg(test)]
mod tests {
    use super::{exp, sum};

    #[test]
    fn exp_is_exact_to_single_precision() {
        for i in -86_000..88_000 {
            let x = i as f32 * 1e-3;
            let wanted = f64::from(x).exp();
            assert!((f64::from(exp(x)) / wanted - 1.0).abs() < 3e-7, "{x}");
        }
        assert!(exp(-1e9) < 1e-37 && exp(1e9) > 1e38);
    }

    #[test]
    fn a_sum_takes_every_sample_once() {
        for len in [0, 1, 15, 16, 17, 1024, 1025, 5000] {
            let samples: Vec<f32> = (0..len).map(|i| i as f32).collect();
            assert_eq!(sum(&samples, |x| x), (len * len.max(1) - len) as f64 / 2.0);
        }
    }
}
