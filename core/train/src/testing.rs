//! Gradients against finite differences.

use candle_core::{Device, Tensor, Var};

/// Uniform in [-1, 1), the same for the same seed.
pub fn noise(seed: u64, shape: &[usize]) -> Tensor {
    let mut random = lipsmith_base::Random::new(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.within(-1.0, 1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor of its own size")
}

pub fn number(t: &Tensor) -> f64 {
    f64::from(t.to_scalar::<f32>().expect("a number"))
}

/// Along its gradient a loss of `x` changes as fast as the gradient claims.
pub fn check_slope(x: &Tensor, loss: impl Fn(&Tensor) -> Tensor) {
    let var = Var::from_tensor(x).expect("a variable");
    let grads = loss(var.as_tensor()).backward().expect("a gradient");
    let grad = grads.get(&var).expect("a gradient of x");
    let length = |t: &Tensor| number(&t.sqr().and_then(|t| t.sum_all()).expect("a sum")).sqrt();
    let claimed = length(grad);
    assert!(claimed > 0.0, "the gradient is zero");
    let at = |step: f64| number(&loss(&(x + (grad * (step / claimed)).expect("a step")).expect("a place")));
    // Rounding drowns what a short step changes, kinks bend what a long one does; a wrong gradient agrees with neither.
    let slopes = [5e-5, 2e-4, 1e-3].map(|part| {
        let step = part * length(x);
        (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
    });
    let agrees = slopes.iter().any(|slope| (slope - claimed).abs() < 0.03 * claimed);
    assert!(agrees, "slopes {slopes:?}, gradient {claimed}");
}
