//! What all diffusion trainings share: noisy pictures, clean ones recovered from them, and the variational term that
//! teaches a variance (Ho et al. 2020; Nichol & Dhariwal 2021). Pictures are `[n, c, h, w]`, each at its own time.

use candle_core::{D, Device, Result, Tensor};
use lipsmith_nets::sched::Schedule;

/// A process's tables at the times of a batch's pictures, each `[n, 1, 1, 1]`.
pub struct Times {
    /// How much of the clean picture is left, and how much noise there is.
    alpha: Tensor,
    sigma: Tensor,
    /// What clean and noisy picture weigh in the mean of the next one.
    clean: Tensor,
    noisy: Tensor,
    /// Logarithms of the posterior's variance and of beta, between which a learned variance lies.
    least: Tensor,
    most: Tensor,
    /// 1 in the last step of sampling, which leads to bytes.
    last: Tensor,
    any_last: bool,
}

impl Times {
    pub fn new(schedule: &Schedule, times: &[usize], device: &Device) -> Result<Times> {
        let table = |f: &dyn Fn(usize) -> f64| {
            let values: Vec<f32> = times.iter().map(|&t| f(t) as f32).collect();
            Tensor::from_vec(values, (times.len(), 1, 1, 1), device)
        };
        Ok(Times {
            alpha: table(&|t| schedule.alphas_cumprod[t].sqrt())?,
            sigma: table(&|t| (1.0 - schedule.alphas_cumprod[t]).sqrt())?,
            clean: table(&|t| schedule.posterior_mean_coef1[t])?,
            noisy: table(&|t| schedule.posterior_mean_coef2[t])?,
            least: table(&|t| schedule.posterior_log_variance_clipped[t])?,
            most: table(&|t| schedule.betas[t].ln())?,
            last: table(&|t| f64::from(u8::from(t == 0)))?,
            any_last: times.contains(&0),
        })
    }

    /// A clean picture with its noise.
    pub fn noisy(&self, clean: &Tensor, noise: &Tensor) -> Result<Tensor> {
        clean.broadcast_mul(&self.alpha)? + noise.broadcast_mul(&self.sigma)?
    }

    /// The clean picture that `x` hides if it holds the noise `eps`; unbounded.
    pub fn recovered(&self, x: &Tensor, eps: &Tensor) -> Result<Tensor> {
        (x - eps.broadcast_mul(&self.sigma)?)?.broadcast_div(&self.alpha)
    }

    /// The variational bound's term in bits of each value: how far the step that the network would take is from the
    /// true one. Only the variance learns from it: the noise `eps` is taken as it is. `between`: the network's
    /// variance, from -1 (the posterior's) to 1 (beta).
    pub fn variational(&self, clean: &Tensor, x: &Tensor, eps: &Tensor, between: &Tensor) -> Result<Tensor> {
        let guessed = self.recovered(x, &eps.detach())?.clamp(-1f32, 1f32)?;
        let rest = x.broadcast_mul(&self.noisy)?;
        let mean = (guessed.broadcast_mul(&self.clean)? + &rest)?;
        let truth = (clean.broadcast_mul(&self.clean)? + &rest)?;
        let share = between.affine(0.5, 0.5)?;
        let room = (&self.most - &self.least)?;
        let log_variance = share.broadcast_mul(&room)?.broadcast_add(&self.least)?;
        let apart = gaussians_apart(&truth, &self.least, &mean, &log_variance)?;
        let nats = match self.any_last {
            false => apart,
            true => {
                let bytes = byte_surprise(clean, &mean, &(log_variance * 0.5)?)?;
                let others = self.last.affine(-1.0, 1.0)?;
                (apart.broadcast_mul(&others)? + bytes.broadcast_mul(&self.last)?)?
            }
        };
        nats / std::f64::consts::LN_2
    }
}

/// Times of a process of `steps` for a batch, spread evenly over it (Kingma et al. 2021): with a random `offset`, 0 to 1,
/// each alone is still uniform.
pub fn spread(batch: usize, offset: f32, steps: usize) -> Vec<usize> {
    let share = |item: usize| (item as f32 / batch as f32 + offset).fract();
    (0..batch).map(|item| ((share(item) * steps as f32) as usize).min(steps - 1)).collect()
}

/// Kullback-Leibler divergence of one normal distribution from another, value by value, in nats.
fn gaussians_apart(
    mean: &Tensor,
    log_variance: &Tensor,
    other: &Tensor,
    other_log: &Tensor,
) -> Result<Tensor> {
    let wider = other_log.broadcast_sub(log_variance)?;
    let spread = wider.neg()?.exp()?;
    let distance = ((mean - other)?.sqr()? * other_log.neg()?.exp()?)?;
    ((wider + spread)? + distance)?.affine(0.5, -0.5)
}

/// −ln of the probability that a normal distribution gives to the byte at `x` (the pictures' 256 levels in [-1, 1]).
fn byte_surprise(x: &Tensor, mean: &Tensor, log_deviation: &Tensor) -> Result<Tensor> {
    const LEAST: f64 = 1e-12;
    let narrowness = log_deviation.neg()?.exp()?;
    let centred = (x - mean)?;
    let below = |edge: f64| normal_cdf(&((&centred + edge)? * &narrowness)?);
    let (upper, lower) = (below(1.0 / 255.0)?, below(-1.0 / 255.0)?);
    let within = (&upper - &lower)?;
    // The first and the last level reach to infinity.
    let (first, last) = (x.le(-0.999f32)?, x.ge(0.999f32)?);
    let mass = last.where_cond(&lower.affine(-1.0, 1.0)?, &first.where_cond(&upper, &within)?)?;
    mass.clamp(LEAST, 1.0)?.log()?.neg()
}

/// The reference's approximation by a hyperbolic tangent.
fn normal_cdf(x: &Tensor) -> Result<Tensor> {
    let inner = (x + (x.powf(3.0)? * 0.044715)?)?;
    (inner * (2.0 / std::f64::consts::PI).sqrt())?.tanh()?.affine(0.5, 0.5)
}

/// Mean of (a − b)² by what each pixel counts, `counts` `[n, 1, h, w]`.
pub fn mean_square(a: &Tensor, b: &Tensor, counts: &Tensor) -> Result<Tensor> {
    weighed(&(a - b)?.sqr()?, counts)
}

/// Mean of `[n, c, h, w]` by what each pixel counts.
pub fn weighed(values: &Tensor, counts: &Tensor) -> Result<Tensor> {
    let all = (counts.sum_all()? * values.dim(1)? as f64)?;
    values.broadcast_mul(counts)?.sum_all()?.div(&all)
}

/// Bilinear scaling of `[…, h, w]` as two matrix products, whose gradient is right (Candle has none of its own).
pub fn scaled(x: &Tensor, side: usize) -> Result<Tensor> {
    let (h, w) = (x.dim(D::Minus2)?, x.dim(D::Minus1)?);
    if [h, w] == [side; 2] {
        return Ok(x.clone());
    }
    let rows = mixing(h, side, x.device())?;
    let columns = mixing(w, side, x.device())?.t()?.contiguous()?;
    rows.broadcast_matmul(&x.broadcast_matmul(&columns)?)
}

/// `[to, from]`: what each new sample takes of the old ones.
fn mixing(from: usize, to: usize, device: &Device) -> Result<Tensor> {
    let mut matrix = vec![0f32; from * to];
    for (i, row) in matrix.chunks_exact_mut(from).enumerate() {
        let at = ((i as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        let first = at as usize;
        row[first] += 1.0 - at.fract();
        row[(first + 1).min(from - 1)] += at.fract();
    }
    Tensor::from_vec(matrix, (to, from), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Var};
    use lipsmith_nets::sched::betas;

    fn number(t: &Tensor) -> f64 {
        t.to_dtype(DType::F64).and_then(|t| t.to_scalar()).unwrap()
    }

    fn tables(times: &[usize]) -> Times {
        Times::new(&Schedule::new(betas::linear(1000)).unwrap(), times, &Device::Cpu).unwrap()
    }

    #[test]
    fn what_was_made_noisy_is_recovered() {
        let times = tables(&[3, 700]);
        let clean = Tensor::rand(-1f32, 1.0, (2, 3, 4, 4), &Device::Cpu).unwrap();
        let noise = Tensor::randn(0f32, 1.0, (2, 3, 4, 4), &Device::Cpu).unwrap();
        let x = times.noisy(&clean, &noise).unwrap();
        let apart =
            (times.recovered(&x, &noise).unwrap() - &clean).unwrap().abs().unwrap().max_all().unwrap();
        assert!(number(&apart) < 1e-4);
    }

    #[test]
    fn normal_distributions_are_apart_by_the_formula() {
        let t = |v: f32| Tensor::new(&[[[[v]]]], &Device::Cpu).unwrap();
        let apart = gaussians_apart(&t(0.3), &t(-1.0), &t(0.1), &t(-0.5)).unwrap().flatten_all().unwrap();
        let by_hand = 0.5 * (-1.0 + 0.5 + (-0.5f64).exp() + 0.04 * 0.5f64.exp());
        assert!((number(&apart.get(0).unwrap()) - by_hand).abs() < 1e-6);
    }

    /// All 256 levels together are certain, and what lies at the mean is the likeliest.
    #[test]
    fn the_surprises_of_all_bytes_are_a_distribution() {
        let levels: Vec<f32> = (0..256).map(|i| i as f32 / 127.5 - 1.0).collect();
        let x = Tensor::from_vec(levels, (1, 1, 16, 16), &Device::Cpu).unwrap();
        let mean = x.affine(0.0, 0.2).unwrap();
        let surprise = byte_surprise(&x, &mean, &x.affine(0.0, -2.0).unwrap()).unwrap();
        let sum = number(&surprise.neg().unwrap().exp().unwrap().sum_all().unwrap());
        assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    }

    /// The slope of the variational term along the variance, beside finite differences; the noise learns nothing.
    #[test]
    fn only_the_variance_learns_from_the_variational_term() {
        let times = tables(&[0, 500]);
        let shape = (2, 3, 4, 4);
        let clean = Tensor::rand(-1f32, 1.0, shape, &Device::Cpu).unwrap();
        let noise = Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap();
        let x = times.noisy(&clean, &noise).unwrap();
        let eps = Var::from_tensor(&(&noise * 0.9).unwrap()).unwrap();
        let between = Var::from_tensor(&Tensor::rand(-0.5f32, 0.5, shape, &Device::Cpu).unwrap()).unwrap();
        let term = |between: &Tensor| times.variational(&clean, &x, eps.as_tensor(), between)?.mean_all();
        let grads = term(between.as_tensor()).unwrap().backward().unwrap();
        assert!(grads.get(&eps).is_none());
        let along = number(&grads.get(&between).unwrap().sum_all().unwrap());
        let moved = |step: f64| number(&term(&(between.as_detached_tensor() + step).unwrap()).unwrap());
        let slope = (moved(0.02) - moved(-0.02)) / 0.04;
        assert!((slope - along).abs() < 0.02 * along.abs().max(1e-3), "{slope} {along}");
    }

    #[test]
    fn scaling_keeps_means_and_has_a_right_gradient() {
        let x = Var::from_tensor(&Tensor::rand(-1f32, 1.0, (1, 2, 8, 8), &Device::Cpu).unwrap()).unwrap();
        let half = scaled(x.as_tensor(), 4).unwrap();
        assert!((number(&half.mean_all().unwrap()) - number(&x.mean_all().unwrap())).abs() < 1e-6);
        let grads = half.sum_all().unwrap().backward().unwrap();
        let each = grads.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(each.iter().all(|g| (g - 0.25).abs() < 1e-6));
    }
}
