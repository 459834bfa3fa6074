//! What the kernels' tests share: repeatable samples, comparisons, finite differences.

use candle_core::{Device, Result, Tensor, Var};

/// Uniform in [-1, 1), the same for the same seed.
pub fn noise(seed: u64, shape: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D;
    let next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    let len = shape.iter().product();
    let samples: Vec<f32> = std::iter::repeat_with(next).take(len).collect();
    Tensor::from_vec(samples, shape, &Device::Cpu).expect("a tensor of its own size")
}

pub fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().and_then(|t| t.to_vec1()).expect("f32 samples")
}

/// Largest difference, over the largest magnitude of `wanted`.
pub fn distance(got: &Tensor, wanted: &Tensor) -> f32 {
    assert_eq!(got.dims(), wanted.dims());
    let (got, wanted) = (flat(got), flat(wanted));
    let scale = wanted.iter().fold(0f32, |m, x| m.max(x.abs())).max(f32::MIN_POSITIVE);
    got.iter().zip(&wanted).fold(0f32, |m, (a, b)| {
        assert!(a.is_finite(), "{a} where {b} was wanted");
        m.max((a - b).abs())
    }) / scale
}

/// Compares the gradients of Σ f(inputs)·noise with the slope between two nearby points, along random
/// directions: one number per input, each relative to the gradient's length.
pub fn check_gradients(inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Result<Tensor>) -> Result<()> {
    let weights = noise(99, f(inputs)?.dims());
    let loss = |at: &[Tensor]| -> Result<f64> {
        let y = flat(&f(at)?);
        Ok(y.iter().zip(flat(&weights)).map(|(y, w)| f64::from(*y) * f64::from(w)).sum())
    };
    let vars: Vec<Var> = inputs.iter().map(Var::from_tensor).collect::<Result<_>>()?;
    let tracked: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let grads = (f(&tracked)? * &weights)?.sum_all()?.backward()?;
    for (i, var) in vars.iter().enumerate() {
        let grad = grads.get(var).unwrap_or_else(|| panic!("input {i} has no gradient"));
        assert_eq!(grad.dims(), inputs[i].dims());
        for seed in 0..3 {
            let direction = noise(1000 + seed, inputs[i].dims());
            let slope = |step: f64| -> Result<f64> {
                let mut at = inputs.to_vec();
                at[i] = (&inputs[i] + (&direction * step)?)?;
                loss(&at)
            };
            let h = 2f64.powi(-7);
            // Fourth order, so that the step can be long enough for f32.
            let measured =
                (8.0 * (slope(h)? - slope(-h)?) - (slope(2.0 * h)? - slope(-2.0 * h)?)) / (12.0 * h);
            let claimed: f64 =
                flat(grad).iter().zip(flat(&direction)).map(|(g, d)| f64::from(*g) * f64::from(d)).sum();
            let length = flat(grad).iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            assert!(
                (measured - claimed).abs() < 3e-3 * length.max(1e-6),
                "input {i}: slope {measured}, gradient {claimed} of length {length}"
            );
        }
    }
    Ok(())
}
