//! How far a made picture is from the true one, in numbers that others use too.

/// Peak signal-to-noise ratio in decibels of values in 0..=1; `None` when nothing differs.
pub fn psnr(made: &[f32], truth: &[f32]) -> Option<f64> {
    let error = mean(made.iter().zip(truth).map(|(a, b)| f64::from(a - b).powi(2)));
    (error > 0.0).then(|| -10.0 * error.log10())
}

/// Mean absolute difference.
pub fn apart(made: &[f32], truth: &[f32]) -> f64 {
    mean(made.iter().zip(truth).map(|(a, b)| f64::from((a - b).abs())))
}

/// Pixels along a window of [`ssim`], and between the starts of two.
const WINDOW: usize = 8;
const STEP: usize = 4;

/// Structural similarity (Wang et al. 2004) of two grey pictures in 0..=1, `width` wide, by the mean over even
/// 8×8 windows; 1 when they are the same.
pub fn ssim(made: &[f32], truth: &[f32], width: usize) -> f64 {
    let height = made.len() / width.max(1);
    let (c1, c2) = (0.01f64.powi(2), 0.03f64.powi(2));
    let starts = |length: usize| (0..(length + 1).saturating_sub(WINDOW)).step_by(STEP);
    let windows = starts(height).flat_map(|y| starts(width).map(move |x| (x, y)));
    mean(windows.map(|(x0, y0)| {
        let pixels = (0..WINDOW * WINDOW).map(|i| (y0 + i / WINDOW) * width + x0 + i % WINDOW);
        let (mut a, mut b, mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for i in pixels {
            let (p, q) = (f64::from(made[i]), f64::from(truth[i]));
            (a, b, aa, bb, ab) = (a + p, b + q, aa + p * p, bb + q * q, ab + p * q);
        }
        let n = (WINDOW * WINDOW) as f64;
        let (a, b) = (a / n, b / n);
        let (va, vb, vab) = (aa / n - a * a, bb / n - b * b, ab / n - a * b);
        (2.0 * a * b + c1) * (2.0 * vab + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    }))
}

/// How two courses go together (Pearson), -1 to 1; 0 where one of them stands still.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (of_a, of_b) = (mean(a.iter().copied()), mean(b.iter().copied()));
    let product = |x: &[f64], mx: f64, y: &[f64], my: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum()
    };
    let spread = (product(a, of_a, a, of_a) * product(b, of_b, b, of_b)).sqrt();
    if spread > 0.0 { product(a, of_a, b, of_b) / spread } else { 0.0 }
}

/// Standard deviation.
pub fn spread(values: &[f64]) -> f64 {
    let middle = mean(values.iter().copied());
    mean(values.iter().map(|v| (v - middle).powi(2))).sqrt()
}

/// 0 of nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), v| (sum + v, count + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(phase: f32) -> Vec<f32> {
        (0..32 * 24)
            .map(|i| 0.5 + 0.4 * ((i % 32) as f32 * 0.5 + phase + (i / 32) as f32 * 0.3).sin())
            .collect()
    }

    #[test]
    fn a_known_error_gives_its_decibels() {
        let off: Vec<f32> = picture(0.0).iter().map(|v| v + 0.1).collect();
        assert!((psnr(&off, &picture(0.0)).expect("differs") - 20.0).abs() < 1e-3);
        assert_eq!(psnr(&off, &off), None);
        assert!((apart(&off, &picture(0.0)) - 0.1).abs() < 1e-6);
    }

    #[test]
    fn courses_that_go_together_correlate() {
        let a: Vec<f64> = (0..20).map(|i| f64::from(i).sin()).collect();
        let scaled = |by: f64| -> Vec<f64> { a.iter().map(|v| 3.0 + by * v).collect() };
        assert!((correlation(&a, &scaled(2.0)) - 1.0).abs() < 1e-9);
        assert!((correlation(&a, &scaled(-0.1)) + 1.0).abs() < 1e-9);
        assert_eq!(correlation(&a, &[7.0; 20]), 0.0);
    }

    #[test]
    fn structure_counts_more_than_brightness() {
        let (truth, brighter) = (picture(0.0), picture(0.0).iter().map(|v| v + 0.05).collect::<Vec<_>>());
        let moved = picture(1.5);
        assert!((ssim(&truth, &truth, 32) - 1.0).abs() < 1e-9);
        let (brighter, moved) = (ssim(&brighter, &truth, 32), ssim(&moved, &truth, 32));
        assert!(brighter > 0.95 && moved < 0.5, "{brighter} {moved}");
    }
}
