use candle_core::{DType, Device, Tensor};

use super::*;

fn process() -> Result<Schedule> {
    Schedule::new(betas::linear(1000))?.respaced(Respacing::Stride(25))
}

fn noise(seed: u32, channels: usize) -> Result<Tensor> {
    noise::Noise::new(seed).draw(&[1, channels, 4, 4], &Device::Cpu)
}

fn distance(a: &Tensor, b: &Tensor) -> Result<f32> {
    Ok((a - b)?.abs()?.max_all()?.to_scalar()?)
}

#[test]
fn cancelling_stops_between_steps() -> Result<()> {
    let mut calls = 0;
    let hooks = Hooks {
        network: &mut |x, _| {
            calls += 1;
            Ok(x.clone())
        },
        should_stop: &mut |done| done == 2,
        noise: &mut |_| unreachable!("eta is 0"),
        known: None,
    };
    let result = ddim::sample(&process()?, &noise(1, 3)?, 0.0, hooks);
    assert!(matches!(result, Err(NetsError::Cancelled)));
    assert_eq!(calls, 2);
    Ok(())
}

/// Song et al. 2021 §4.1: with eta 1, DDIM is DDPM with the smaller of its two variances, which a network
/// asks for by -1.
#[test]
fn ddim_with_eta_1_is_ddpm() -> Result<()> {
    let schedule = process()?;
    let (x, eps, unit) = (noise(2, 3)?, noise(3, 3)?, noise(4, 3)?);
    let output = Tensor::cat(&[&eps, &eps.affine(0.0, -1.0)?], 1)?;
    for i in 1..schedule.len() {
        let ddim = ddim::step(&schedule, i, &x, &eps, 1.0, Some(&unit))?;
        let ddpm = ddpm::step(&schedule, i, &x, &output, Some(&unit))?;
        assert!(distance(&ddim.sample, &ddpm.sample)? < 1e-5, "step {i}");
    }
    Ok(())
}

/// A network that sees the noise exactly leads back to the clean picture.
#[test]
fn seeing_the_noise_is_seeing_the_picture() -> Result<()> {
    let schedule = process()?;
    let (clean, eps) = (noise(5, 3)?.tanh()?, noise(6, 3)?);
    let last = schedule.len() - 1;
    let start = schedule.add_noise(last, &clean, &eps)?;
    let hooks = Hooks {
        network: &mut |_, _| Ok(eps.clone()),
        should_stop: &mut |_| false,
        noise: &mut |_| unreachable!("eta is 0"),
        known: None,
    };
    let found = ddim::sample(&schedule, &start, 0.0, hooks)?;
    assert!(distance(&found, &clean)? < 1e-3);
    Ok(())
}

#[test]
fn impossible_processes_are_refused() -> Result<()> {
    assert!(Schedule::new(vec![]).is_err());
    assert!(Schedule::new(vec![0.1, f64::NAN]).is_err());
    let full = Schedule::new(betas::cosine(10))?;
    for text in ["0", "11", "ddim7", "ddim0", "many", "ddim"] {
        assert!(text.parse().and_then(|respacing| full.respaced(respacing)).is_err(), "{text}");
    }
    let error = full.respaced(Respacing::Stride(7)).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("5 and 10"), "{error}");
    Ok(())
}

/// Pictures whose every pixel is normal, mean 0.2 and deviation 0.1: what a perfect network sees in a noisy one,
/// and where the noise-free way from it ends, can be written down.
const MEAN: f64 = 0.2;
const DEVIATION: f64 = 0.1;

/// 1000 steps of equal size in λ, from 4 to -4: the step that the solvers' orders are counted in.
fn even_process() -> Result<Schedule> {
    let kept = |i: usize| 1.0 / (1.0 + (-2.0 * (4.0 - 8.0 * i as f64 / 999.0)).exp());
    let beta = |i: usize| 1.0 - kept(i) / if i == 0 { 1.0 } else { kept(i - 1) };
    Schedule::new((0..1000).map(beta).collect())
}

fn spread(level: Level) -> f64 {
    (level.alpha * DEVIATION).hypot(level.sigma)
}

fn perfect_network(process: &Schedule) -> impl Fn(&Tensor, usize) -> Result<Tensor> {
    |x, t| {
        let level = process.level(t);
        Ok(x.affine(1.0, -level.alpha * MEAN)?.affine(level.sigma / spread(level).powi(2), 0.0)?)
    }
}

/// How far from the exact end a sampler of so many steps arrives, at the worst of some starts.
fn error_of(sampler: Sampler, steps: usize) -> Result<f64> {
    let process = even_process()?;
    let network = perfect_network(&process);
    let schedule = process.respaced(Respacing::Spread(steps))?;
    let start = Tensor::new(&[[-2.0, -0.5, 0.1, 1.0, 2.5]], &Device::Cpu)?;
    let hooks = Hooks {
        network: &mut |x, t| network(x, t),
        should_stop: &mut |_| false,
        noise: &mut |_| unreachable!("eta is 0"),
        known: None,
    };
    let found = sampler.sample(&schedule, &start, 0.0, hooks)?;
    let (first, last) = (schedule.level(steps - 1), schedule.level(0));
    let x = start.affine(1.0, -first.alpha * MEAN)?.affine(spread(last) / spread(first), 0.0)?;
    let exact = x.affine(last.alpha * (DEVIATION / spread(last)).powi(2), MEAN)?;
    Ok((found - exact)?.abs()?.max_all()?.to_scalar()?)
}

/// Steps of 27, 9 and 3: what a third of the step leaves of the error tells the order.
#[test]
fn deterministic_samplers_converge_with_their_order() -> Result<()> {
    for (sampler, order) in [(Sampler::Ddim, 1), (Sampler::DpmSolver, 2), (Sampler::UniPc, 3)] {
        let errors = [38, 112, 334].map(|steps| error_of(sampler, steps));
        let [coarse, middle, fine] = errors;
        let (coarse, middle, fine) = (coarse?, middle?, fine?);
        let found = (middle / fine).ln() / 3f64.ln();
        assert!(
            (found - f64::from(order)).abs() < 0.35,
            "{sampler:?}: order {found} ({coarse} {middle} {fine})"
        );
    }
    Ok(())
}

#[test]
fn higher_orders_need_fewer_steps() -> Result<()> {
    for steps in [8, 10, 20, 37, 50] {
        let [ddim, dpm, unipc] =
            [Sampler::Ddim, Sampler::DpmSolver, Sampler::UniPc].map(|sampler| error_of(sampler, steps));
        let (ddim, dpm, unipc) = (ddim?, dpm?, unipc?);
        assert!(2.0 * dpm < ddim && 2.0 * unipc < ddim, "{steps} steps: {ddim} {dpm} {unipc}");
    }
    Ok(())
}

/// With noise in every step what comes out is normal again.
#[test]
fn samplers_with_noise_keep_the_distribution() -> Result<()> {
    let process = even_process()?;
    let network = perfect_network(&process);
    for (sampler, eta) in [(Sampler::Ddpm, 0.0), (Sampler::Ddim, 1.0), (Sampler::Ddim, 0.5)] {
        let schedule = sampler.schedule(&process, 334)?;
        let mut source = noise::Noise::new(11);
        let start = source.draw(&[1, 1, 20_000], &Device::Cpu)?;
        let hooks = Hooks {
            network: &mut |x, t| network(x, t),
            should_stop: &mut |_| false,
            noise: &mut |x| source.draw(x.dims(), x.device()),
            known: None,
        };
        let found = sampler.sample(&schedule, &start, eta, hooks)?.flatten_all()?;
        let mean = f64::from(found.mean_all()?.to_scalar::<f32>()?);
        let deviation = f64::from(found.affine(1.0, -mean)?.sqr()?.mean_all()?.to_scalar::<f32>()?).sqrt();
        assert!((mean - MEAN).abs() < 0.005, "{sampler:?} {eta}: mean {mean}");
        assert!((deviation / DEVIATION - 1.0).abs() < 0.04, "{sampler:?} {eta}: deviation {deviation}");
    }
    Ok(())
}

/// What is known comes out as it is, and the rest as if it had been made together with it.
#[test]
fn known_parts_stay() -> Result<()> {
    let schedule = process()?;
    let (clean, eps) = (noise(7, 3)?.tanh()?, noise(8, 3)?);
    let upper = Tensor::ones((1, 1, 2, 4), DType::F32, &Device::Cpu)?;
    let mask = Tensor::cat(&[&upper, &upper.zeros_like()?], 2)?;
    for sampler in Sampler::ALL {
        let mut source = noise::Noise::new(3);
        let mut last = None;
        let hooks = Hooks {
            network: &mut |x, _| {
                last = Some(x.clone());
                Ok(eps.clone())
            },
            should_stop: &mut |_| false,
            noise: &mut |x| source.draw(x.dims(), x.device()),
            known: Some(Known { clean: &clean, mask: &mask }),
        };
        sampler.sample(&schedule, &noise(9, 3)?, 0.0, hooks)?;
        let seen = last.unwrap_or_else(|| unreachable!("there are steps"));
        // The least noisy step holds 1 % of noise.
        let upper = |x: &Tensor| x.narrow(2, 0, 2);
        assert!(distance(&upper(&seen)?, &upper(&clean)?)? < 0.06, "{sampler:?}");
    }
    Ok(())
}

#[test]
fn few_steps_of_a_cosine_process_have_numbers() -> Result<()> {
    let process = Schedule::in_precision(betas::cosine(1000), Precision::Single)?;
    for steps in 1..=12 {
        let few = process.respaced(Respacing::Spread(steps))?;
        assert!(few.alphas_cumprod.iter().all(|kept| *kept > 0.0), "{steps}: {:?}", few.alphas_cumprod);
        let x = noise(1, 3)?;
        let clean = few.clean(steps - 1, &x, &x)?;
        assert!(clean.abs()?.max_all()?.to_scalar::<f32>()? <= 1.0, "{steps} steps");
    }
    Ok(())
}

#[test]
fn any_number_of_steps_has_a_schedule() -> Result<()> {
    let process = Schedule::new(betas::linear(1000))?;
    for sampler in Sampler::ALL {
        for steps in [1, 2, 37, 41, 999, 1000] {
            assert_eq!(sampler.schedule(&process, steps)?.len(), steps, "{sampler:?}");
        }
        assert!(sampler.schedule(&process, 0).is_err() && sampler.schedule(&process, 1001).is_err());
    }
    assert_eq!(Sampler::NAMES.map(Sampler::by_name), Sampler::ALL.map(Some));
    assert_eq!(Sampler::by_name("euler"), None);
    Ok(())
}
