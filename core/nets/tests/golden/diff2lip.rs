use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use lipsmith_nets::diff2lip::{Condition, Config, Diff2Lip, blend, lower_half_mask, masked_face};
use lipsmith_nets::sched::{Hooks, Respacing, Schedule, betas, ddim, ddpm};
use lipsmith_nets::{Result, unet};

use crate::support::{
    Case, ONE_FORWARD, SAMPLED, Tensors, assert_close, assert_ran, cases, distance, root, skip,
};

const NETWORK: &str = "diff2lip_unet";

fn small(size: &str) -> bool {
    size != "full"
}

fn full(size: &str) -> bool {
    size == "full"
}

/// The network that the reference's own flags describe; they must be what the weights tell as well.
fn network(case: &Case, vars: &VarBuilder) -> Result<Diff2Lip> {
    let flags = case.json("config.json");
    let number = |key: &str| flags[key].as_u64().unwrap() as usize;
    let image_size = number("image_size");
    let sides = flags["attention_resolutions"].as_str().unwrap().split(',');
    let config = Config {
        image_size,
        patch: 1,
        unet: unet::Config {
            in_channels: 6 + 3 * number("nrefer"),
            out_channels: if flags["learn_sigma"] == true { 6 } else { 3 },
            model_channels: number("num_channels"),
            channel_mult: vec![1, 1, 2, 3, 4],
            res_blocks_per_level: number("num_res_blocks"),
            attention_at: sides.map(|side| image_size / side.parse::<usize>().unwrap()).collect(),
            head_channels: number("num_head_channels"),
        },
        draft: None,
    };
    assert_eq!(config, Config::of_checkpoint(vars)?, "read off the checkpoint");
    Diff2Lip::new(&config, vars)
}

struct Scene {
    picture: Tensor,
    start: Tensor,
    given: Condition,
}

impl Scene {
    fn new(network: &Diff2Lip, io: &Tensors) -> Result<Self> {
        let signed = |name| io.get(name).affine(2.0, -1.0);
        let (picture, reference) = (signed("image01_rgb")?, signed("ref01_rgb")?);
        let start = io.get("x_T").broadcast_as(picture.shape())?.contiguous()?;
        let mask = lower_half_mask(network.config.image_size, &picture)?;
        let face = masked_face(&picture, &mask, &start)?;
        let style = network.listen(&io.get("mels").squeeze(1)?)?;
        Ok(Self { given: Condition { face, mask, reference, style }, picture, start })
    }

    fn first(&self, n: usize) -> Result<Condition> {
        let Condition { face, mask, reference, style } = &self.given;
        Ok(Condition {
            face: face.narrow(0, 0, n)?,
            mask: mask.clone(),
            reference: reference.narrow(0, 0, n)?,
            style: style.narrow(0, 0, n)?,
        })
    }
}

/// Every forward pass with the weights by their rule, and one with each checkpoint's.
fn forwards(wanted: fn(&str) -> bool) -> Result<()> {
    let mut count = 0;
    for case in cases(NETWORK, wanted) {
        for (i, (source, vars)) in case.sources().into_iter().enumerate() {
            let what = |part: &str| format!("{} {source} {part}", case.name);
            let network = network(&case, &vars)?;
            let io = case.tensors("io_forward.safetensors");
            let scene = Scene::new(&network, &io)?;
            for (name, made) in [("cond_img", &scene.given.face), ("mask", &scene.given.mask)] {
                if let Some(expected) = io.map.get(name) {
                    assert_eq!(distance(made, expected), 0.0, "{name} is assembled exactly");
                }
            }
            assert_close(&what("style"), &scene.given.style, io.get("mid_audio_style"), ONE_FORWARD);
            let outputs: Vec<_> = io.after("out_t").collect();
            for (t, expected) in outputs.iter().take(if i == 0 { outputs.len() } else { 1 }) {
                let n = expected.dim(0)?;
                let x = io.get("probe_x").narrow(0, 0, n)?;
                let out = network.forward(&x, t.parse().unwrap(), &scene.first(n)?)?;
                assert_close(&what(&format!("t={t}")), &out, expected, ONE_FORWARD);
                count += 1;
            }
        }
    }
    assert_ran("Diff2Lip forward passes", count);
    Ok(())
}

#[test]
fn golden_forward() -> Result<()> {
    forwards(small)
}

#[test]
fn golden_forward_full_size() -> Result<()> {
    if cases(NETWORK, full).is_empty() {
        skip("golden_forward_full_size", "there are only small networks");
        return Ok(());
    }
    forwards(full)
}

#[test]
fn golden_half_precision() -> Result<()> {
    let mut count = 0;
    for case in cases(NETWORK, small).iter().filter(|case| case.has("io_fp16.safetensors")) {
        let network = network(case, &case.vars(DType::F16))?;
        let io = case.tensors("io_forward.safetensors");
        let scene = Scene::new(&network, &io)?;
        for (t, expected) in case.tensors("io_fp16.safetensors").after("out_t") {
            let out = network.forward(io.get("probe_x"), t.parse().unwrap(), &scene.given)?;
            let worst = (out - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(worst <= 3e-2, "{} t={t}: off by {worst}", case.name);
            count += 1;
        }
    }
    match count {
        0 => skip("golden_half_precision", "there is no io_fp16.safetensors"),
        _ => assert_ran("Diff2Lip passes in half precision", count),
    }
    Ok(())
}

/// All DDIM samples of the cases, step for step.
fn ddim_samples(wanted: fn(&str) -> bool, file: &str) -> Result<usize> {
    let mut count = 0;
    for case in cases(NETWORK, wanted).iter().filter(|case| case.has(file)) {
        let network = network(case, &case.vars(DType::F32))?;
        let scene = Scene::new(&network, &case.tensors("io_forward.safetensors"))?;
        let io = case.tensors(file);
        let expected_steps: Vec<usize> = io.integers("timestep_map").iter().map(|&t| t as usize).collect();
        let schedule =
            Schedule::new(betas::linear(1000))?.respaced(Respacing::Stride(expected_steps.len()))?;
        assert_eq!(schedule.timesteps, expected_steps);

        let mut seen = Vec::new();
        let sample = ddim::sample(
            &schedule,
            &scene.start,
            0.0,
            Hooks {
                network: &mut |x, t| {
                    seen.push(x.clone());
                    network.forward(x, t as f32, &scene.given)
                },
                should_stop: &mut |_| false,
                noise: &mut |_| unreachable!("eta is 0"),
                known: None,
            },
        )?;
        seen.push(sample.clone());
        let mut steps: Vec<(usize, &Tensor)> =
            io.after("sample_after_step").map(|(step, x)| (step.parse().unwrap(), x)).collect();
        steps.sort_by_key(|(step, _)| *step);
        for (step, expected) in steps {
            let what = format!("{} DDIM-{} after step {step}", case.name, schedule.len());
            assert_close(&what, &seen[step + 1], expected, SAMPLED);
        }
        let what = format!("{} DDIM-{}", case.name, schedule.len());
        assert_close(&what, &sample, io.get("final_sample"), SAMPLED);

        let picture = blend(&scene.given.mask, &sample, &scene.picture)?;
        let bytes = picture.affine(0.5, 0.5)?.clamp(0f32, 1f32)?.affine(255.0, 0.0)?.to_dtype(DType::U8)?;
        let bytes = bytes.permute((0, 2, 3, 1))?.to_dtype(DType::F32)?;
        let expected = io.get("recon_u8_nhwc_rgb").to_dtype(DType::F32)?;
        let worst = (bytes - expected)?.abs()?.max_all()?.to_scalar::<f32>()?;
        assert!(worst <= 1.0, "{what}: a pixel is off by {worst}");
        count += 1;
    }
    Ok(count)
}

#[test]
fn golden_ddim() -> Result<()> {
    let count = ddim_samples(small, "io_ddim5.safetensors")? + ddim_samples(small, "io_ddim25.safetensors")?;
    assert_ran("Diff2Lip DDIM samples", count);
    Ok(())
}

#[test]
fn golden_ddim_5_full_size() -> Result<()> {
    let count = ddim_samples(full, "io_ddim5.safetensors")?;
    if count == 0 {
        skip("golden_ddim_5_full_size", "there are only small networks");
    }
    Ok(())
}

#[test]
fn golden_ddim_25_full_size() -> Result<()> {
    let count = ddim_samples(full, "io_ddim25.safetensors")?;
    if count == 0 {
        skip("golden_ddim_25_full_size", "there are only small networks");
    }
    Ok(())
}

#[test]
fn golden_ddpm_step() -> Result<()> {
    let mut count = 0;
    for case in cases(NETWORK, small).iter().filter(|case| case.has("io_ddpm_step.safetensors")) {
        let network = network(case, &case.vars(DType::F32))?;
        let scene = Scene::new(&network, &case.tensors("io_forward.safetensors"))?;
        let io = case.tensors("io_ddpm_step.safetensors");
        let (timesteps, i) = (io.integers("timestep_map_25"), io.integers("index")[0] as usize);
        let schedule = Schedule::new(betas::linear(1000))?.respaced(Respacing::Spread(timesteps.len()))?;

        let noisy = schedule.add_noise(i, &scene.picture, io.get("noise"))?;
        assert_close("q(x_t | x_0)", &noisy, io.get("q_sample_of_img"), ONE_FORWARD);

        let x = io.get("x");
        let output = network.forward(x, schedule.timesteps[i] as f32, &scene.given)?;
        let posterior = ddpm::posterior(&schedule, i, x, &output)?;
        assert_close("DDPM mean", &posterior.mean, io.get("mean"), ONE_FORWARD);
        assert_close("DDPM log variance", &posterior.log_variance, io.get("log_variance"), ONE_FORWARD);
        assert_close("DDPM x_0", &posterior.clean, io.get("pred_xstart"), ONE_FORWARD);
        let step = ddpm::step(&schedule, i, x, &output, Some(io.get("noise")))?;
        assert_close("DDPM sample", &step.sample, io.get("sample"), ONE_FORWARD);
        count += 1;
    }
    match count {
        0 => skip("golden_ddpm_step", "there is no io_ddpm_step.safetensors"),
        _ => assert_ran("DDPM steps", count),
    }
    Ok(())
}

#[test]
fn golden_noise_of_the_published_scripts() -> Result<()> {
    let folder = root().join(NETWORK);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let seed = name.strip_prefix("x_T_torch_manual_seed_").and_then(|rest| rest.split('.').next());
        let Some(seed) = seed.and_then(|seed| seed.parse().ok()) else { continue };
        let expected = Tensors::load(&entry.path());
        let expected = expected.get("x_T");
        let mut noise = lipsmith_nets::sched::noise::Noise::new(seed);
        let drawn = noise.draw(expected.dims(), expected.device())?;
        assert_close(&format!("randn of seed {seed}"), &drawn, expected, 1e-5);
        count += 1;
    }
    assert_ran("noises of torch", count);
    Ok(())
}
