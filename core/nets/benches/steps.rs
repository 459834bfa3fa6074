//! What fewer steps cost: every sampler in 4 to 25 steps from the same noise, beside DDIM in 25 steps and beside the
//! process's own 1000. The network is the ideal one of a world of few pictures (a mixture of Gaussians, whose
//! posterior is known), so that what differs is the sampler's error alone; no trained weights are needed. Then the same
//! with the network's answers as far beside the exact ones as Diff2Lip's are at half precision (measured first, with
//! noise for weights).
//!
//!     cargo bench --workspace --bench steps

#[path = "support/networks.rs"]
mod networks;

use candle_core::{Device, Tensor};
use lipsmith_nets::Result;
use lipsmith_nets::ops::Precision;
use lipsmith_nets::sched::noise::Noise;
use lipsmith_nets::sched::{Hooks, Sampler, Schedule, betas};
use std::time::Instant;

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
/// Pictures in the world, and the deviation of a pixel around each.
const PICTURES: usize = 24;
const SPREAD: f64 = 0.08;

fn main() -> Result<()> {
    let betas = betas::linear(1000);
    let kept: Vec<f64> = betas
        .iter()
        .scan(1.0, |all, beta| {
            *all *= 1.0 - beta;
            Some(*all)
        })
        .collect();
    let (process, world) = (Schedule::new(betas)?, world());
    // `beside`: how far the network's answers are from the exact ones, as a share of them.
    let run = |sampler: Sampler, steps: usize, beside: f64, seed: u32| -> Result<Tensor> {
        let (mut noise, mut fault) = (Noise::new(seed), Noise::new(seed + 1000));
        let start = noise.draw(&[1, 3, SIDE, SIDE], &Device::Cpu)?;
        let hooks = Hooks {
            network: &mut |x, t| {
                let exact = noise_in(x, kept[t], &world)?;
                let size = squares(&exact, &exact.zeros_like()?)?.sqrt();
                Ok((&exact + (fault.draw(exact.dims(), &Device::Cpu)? * (beside * size))?)?)
            },
            should_stop: &mut |_| false,
            noise: &mut |x| noise.draw(x.dims(), &Device::Cpu),
            known: None,
        };
        sampler.sample(&sampler.schedule(&process, steps)?, &start, 0.0, hooks)
    };
    println!("{:8} {:>5} {:>8} {:>22} {:>22}", "", "steps", "speed", "dB to DDIM 25", "dB to DDIM 1000");
    let seeds = 1..=12;
    let reference =
        |steps| seeds.clone().map(|seed| run(Sampler::Ddim, steps, 0.0, seed)).collect::<Result<Vec<_>>>();
    let (usual, limit) = (reference(25)?, reference(1000)?);
    let tell = |sampler: Sampler, name: &str, steps: usize, beside: f64| -> Result<()> {
        let (mut to_usual, mut to_limit) = (0.0, 0.0);
        for (i, seed) in seeds.clone().enumerate() {
            let found = run(sampler, steps, beside, seed)?;
            to_usual += squares(&found, &usual[i])? / seeds.clone().count() as f64;
            to_limit += squares(&found, &limit[i])? / seeds.clone().count() as f64;
        }
        let speed = 25.0 / steps as f64;
        let [a, b] = [to_usual, to_limit].map(decibels);
        println!("{name:8} {steps:5} {speed:7.1}× {a:>22.1} {b:>22.1}");
        Ok(())
    };
    for (sampler, name) in Sampler::ALL.into_iter().zip(Sampler::NAMES).filter(|(s, _)| *s != Sampler::Ddpm) {
        for steps in [4, 5, 6, 8, 10, 12, 25] {
            tell(sampler, name, steps, 0.0)?;
        }
    }
    let quickest = |name: &str| -> Result<f64> {
        let run = networks::forward(name)?;
        let times = (0..5).map(|_| {
            let begun = Instant::now();
            run().map(|_| begun.elapsed().as_secs_f64())
        });
        times.collect::<Result<Vec<f64>>>().map(|times| times.into_iter().fold(f64::INFINITY, f64::min))
    };
    let (one, two) = (quickest("diff2lip_unet")?, quickest("diff2lip_unet_inner_every_2")?);
    println!("Diff2Lip: two steps, the second without the inner levels: {:.2} of two", two / (2.0 * one));
    let network = networks::forward("diff2lip_unet")?;
    let (exact, rounded) = (network()?, Precision::Half.within(&network)?);
    let beside = (squares(&rounded, &exact)? / squares(&exact, &exact.zeros_like()?)?).sqrt();
    println!("Diff2Lip at half precision: {:.2} % beside itself; answers as far beside:", 100.0 * beside);
    for steps in [6, 25] {
        tell(Sampler::UniPc, "unipc", steps, beside)?;
    }
    Ok(())
}

/// The noise that is most likely in `x`, of which the share `kept` is picture.
fn noise_in(x: &Tensor, kept: f64, world: &[Vec<f64>]) -> Result<Tensor> {
    let x: Vec<f64> = x.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect();
    let (scale, width) = (kept.sqrt(), kept * SPREAD * SPREAD + 1.0 - kept);
    let distances = world
        .iter()
        .map(|mean| x.iter().zip(mean).map(|(x, m)| (x - scale * m).powi(2)).sum::<f64>() / (2.0 * width));
    let distances: Vec<f64> = distances.collect();
    let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let shares: Vec<f64> = distances.iter().map(|d| (nearest - d).exp()).collect();
    let total: f64 = shares.iter().sum();
    let gain = scale * SPREAD * SPREAD / width;
    let noise: Vec<f32> = (0..PIXELS)
        .map(|i| {
            let clean: f64 = (world.iter().zip(&shares))
                .map(|(mean, share)| share / total * (mean[i] + gain * (x[i] - scale * mean[i])))
                .sum();
            ((x[i] - scale * clean) / (1.0 - kept).sqrt()) as f32
        })
        .collect();
    Ok(Tensor::from_vec(noise, (1, 3, SIDE, SIDE), &Device::Cpu)?)
}

/// Smooth pictures in -0.8..=0.8 that resemble one another, as a face's do.
fn world() -> Vec<Vec<f64>> {
    let value = |picture: usize, i: usize| {
        let (channel, x, y) = (i / (SIDE * SIDE), i % SIDE, i / SIDE % SIDE);
        let (x, y) = (x as f64 / SIDE as f64, y as f64 / SIDE as f64);
        let own = picture as f64 * 1.7 + channel as f64;
        0.5 * (5.0 * x + 3.0 * y + channel as f64).sin() + 0.3 * (9.0 * x + own).sin() * (7.0 * y - own).cos()
    };
    (0..PICTURES).map(|picture| (0..PIXELS).map(|i| value(picture, i)).collect()).collect()
}

/// Mean squared difference.
fn squares(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(f64::from((a - b)?.sqr()?.mean_all()?.to_scalar::<f32>()?))
}

/// Peak signal to noise of pictures in -1..=1.
fn decibels(squares: f64) -> f64 {
    10.0 * (4.0 / squares.max(1e-12)).log10()
}
