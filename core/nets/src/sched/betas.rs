//! Noise added at each step of the training process.

/// From 1e-4 to 2e-2 in equal steps, for 1000 steps; scaled to add as much noise in any other number
/// (Ho et al. 2020 §4).
pub fn linear(steps: usize) -> Vec<f64> {
    let scale = 1000.0 / steps as f64;
    line(scale * 1e-4, scale * 2e-2, steps)
}

/// α̅ falls like cos² (Nichol & Dhariwal 2021 §3.2).
pub fn cosine(steps: usize) -> Vec<f64> {
    let kept = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    let beta = |i: usize| {
        let (from, to) = (i as f64 / steps as f64, (i + 1) as f64 / steps as f64);
        (1.0 - kept(to) / kept(from)).min(0.999)
    };
    (0..steps).map(beta).collect()
}

/// Square roots from √`from` to √`to` in equal steps (the "linear" of CompVis/latent-diffusion).
pub fn sqrt_linear(steps: usize, from: f64, to: f64) -> Vec<f64> {
    line(from.sqrt(), to.sqrt(), steps).into_iter().map(|root| root * root).collect()
}

fn line(from: f64, to: f64, steps: usize) -> Vec<f64> {
    let step = (to - from) / steps.saturating_sub(1).max(1) as f64;
    (0..steps).map(|i| if i > 0 && i + 1 == steps { to } else { from + i as f64 * step }).collect()
}
