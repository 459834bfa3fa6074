use std::path::PathBuf;

use candle_core::Device;
use lipsmith_nets::Result;
use lipsmith_nets::sched::{Precision, Respacing, Schedule, betas};
use lipsmith_nets::unet::timestep_embedding;

use crate::support::{Tensors, assert_close, assert_ran, json, root, skip};

fn folder() -> PathBuf {
    root().join("schedules")
}

/// Every step agrees to the last bits of an f64.
#[track_caller]
fn assert_same(what: &str, found: &[f64], expected: &[f64], bound: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= bound * b.abs().max(1e-300), "{what}[{i}]: {a:e} is not {b:e}");
    }
}

fn process(betas: &str) -> Result<Schedule> {
    Schedule::new(match betas {
        "linear" => betas::linear(1000),
        "cosine" => betas::cosine(1000),
        other => panic!("no betas are called {other}"),
    })
}

/// "full1000", "ddim25" or "25".
fn respaced(full: &Schedule, name: &str) -> Result<Schedule> {
    match name.strip_prefix("full") {
        Some(_) => Ok(full.clone()),
        None => full.respaced(name.parse()?),
    }
}

#[test]
fn golden_tables() -> Result<()> {
    let mut count = 0;
    for betas in ["linear", "cosine"] {
        let file = Tensors::load(&folder().join(format!("guided_diffusion_{betas}.safetensors")));
        let full = process(betas)?;
        for key in file.map.keys() {
            let (name, table) = key.split_once('.').unwrap();
            let schedule = respaced(&full, name)?;
            let kept = |f: fn(f64) -> f64| schedule.alphas_cumprod.iter().copied().map(f).collect::<Vec<_>>();
            let found = match table {
                "timestep_map" => schedule.timesteps.iter().map(|&t| t as f64).collect(),
                "betas" => schedule.betas.clone(),
                "alphas_cumprod" => schedule.alphas_cumprod.clone(),
                "alphas_cumprod_prev" => schedule.alphas_cumprod_prev.clone(),
                "posterior_variance" => schedule.posterior_variance.clone(),
                "posterior_log_variance_clipped" => schedule.posterior_log_variance_clipped.clone(),
                "posterior_mean_coef1" => schedule.posterior_mean_coef1.clone(),
                "posterior_mean_coef2" => schedule.posterior_mean_coef2.clone(),
                "sqrt_alphas_cumprod" => kept(f64::sqrt),
                "sqrt_one_minus_alphas_cumprod" => kept(|kept| (1.0 - kept).sqrt()),
                "sqrt_recip_alphas_cumprod" => kept(|kept| (1.0 / kept).sqrt()),
                "sqrt_recipm1_alphas_cumprod" => kept(|kept| (1.0 / kept - 1.0).sqrt()),
                other => panic!("no table is called {other}"),
            };
            assert_same(&format!("{betas} {key}"), &found, &file.doubles(key), 1e-12);
            count += 1;
        }
    }
    assert_ran("schedule tables", count);
    Ok(())
}

#[test]
fn golden_timestep_maps() -> Result<()> {
    let maps = json(&folder().join("guided_diffusion_timestep_maps.json"));
    let mut count = 0;
    for betas in ["linear", "cosine"] {
        let full = process(betas)?;
        for (name, expected) in maps[betas].as_object().unwrap() {
            let expected: Vec<usize> = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(respaced(&full, name)?.timesteps, expected, "{betas} {name}");
            count += 1;
        }
    }
    for (steps, answer) in maps["ddimN_feasible"].as_object().unwrap() {
        let found = Respacing::Stride(steps.parse().unwrap()).timesteps(1000);
        assert_eq!(found.is_ok(), answer == "ok", "ddim{steps}");
        count += 1;
    }
    assert_ran("timestep maps", count);
    Ok(())
}

/// Latent diffusion keeps its tables in f32.
#[test]
fn golden_sqrt_linear_betas() -> Result<()> {
    let path = folder().join("difftalk.safetensors");
    if !path.is_file() {
        skip("golden_sqrt_linear_betas", "there is no schedules/difftalk.safetensors");
        return Ok(());
    }
    let file = Tensors::load(&path);
    let schedule = Schedule::new(betas::sqrt_linear(1000, 0.0015, 0.0195))?;
    assert_same("betas", &schedule.betas, &file.doubles("linear_sqrt.betas"), 1e-6);
    let expected = file.doubles("linear_sqrt.alphas_cumprod");
    assert_same("alphas_cumprod", &schedule.alphas_cumprod, &expected, 1e-6);
    for steps in [50, 200] {
        let found = schedule.respaced(Respacing::Latent(steps))?;
        let table = |name: &str| file.doubles(&format!("ddim{steps}.{name}"));
        let timesteps: Vec<f64> = found.timesteps.iter().map(|&t| t as f64).collect();
        assert_eq!(timesteps, table("timesteps"));
        assert_same("alphas", &found.alphas_cumprod, &table("alphas"), 1e-6);
        assert_same("alphas_prev", &found.alphas_cumprod_prev, &table("alphas_prev"), 1e-6);
    }
    Ok(())
}

/// Diffused Heads keeps its tables in f32, and its cosine process's end shows it.
#[test]
fn golden_cosine_tables_in_f32() -> Result<()> {
    let path = folder().join("diffused_heads_f32.safetensors");
    if !path.is_file() {
        skip("golden_cosine_tables_in_f32", "there is no schedules/diffused_heads_f32.safetensors");
        return Ok(());
    }
    let file = Tensors::load(&path);
    let full = Schedule::in_precision(betas::cosine(1000), Precision::Single)?;
    for key in file.map.keys() {
        let (name, table) = key.split_once('.').unwrap();
        let schedule = match name.strip_prefix("space") {
            Some(steps) => full.respaced(Respacing::Spread(steps.parse().unwrap()))?,
            None => full.clone(),
        };
        let found = match table {
            "timesteps" => schedule.timesteps.iter().map(|&t| t as f64).collect(),
            "beta" => schedule.betas.clone(),
            "alpha_bar" => schedule.alphas_cumprod.clone(),
            "log_beta_tilde_clipped" => schedule.posterior_log_variance_clipped.clone(),
            other => panic!("no table is called {other}"),
        };
        assert_same(key, &found, &file.doubles(key), 1e-6);
    }
    assert_ran("tables in f32", file.map.len());
    Ok(())
}

#[test]
fn golden_timestep_embeddings() -> Result<()> {
    let file = Tensors::load(&folder().join("timestep_embeddings.safetensors"));
    let times: Vec<f32> = file.get("t").to_vec1()?;
    let mut count = 0;
    for (prefix, fall) in
        [("gd_dim", |dim| dim / 2), ("diffused_heads_dim", |dim| 2 * dim)] as [(&str, fn(usize) -> usize); 2]
    {
        for (dim, expected) in file.after(prefix) {
            let dim = dim.parse().unwrap();
            let found = timestep_embedding(&times, dim, fall(dim), &Device::Cpu)?;
            assert_close(&format!("{prefix}{dim}"), &found, expected, 1e-4);
            count += 1;
        }
    }
    assert_ran("timestep embeddings", count);
    Ok(())
}
