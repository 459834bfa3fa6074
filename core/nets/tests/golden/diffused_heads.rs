use candle_core::Tensor;
use candle_nn::VarBuilder;
use lipsmith_nets::Result;
use lipsmith_nets::diffused_heads::{Condition, Config, DiffusedHeads, Motion, process, window};
use lipsmith_nets::sched::{Hooks, Respacing, ddpm};

use crate::support::{Case, ONE_FORWARD, SAMPLED, Tensors, assert_close, assert_ran, cases, skip};

const NETWORK: &str = "diffused_heads_unet";

/// The network that the reference's own configuration describes; it must be what the weights tell as well.
fn network(case: &Case, vars: &VarBuilder) -> Result<DiffusedHeads> {
    let flags = case.json("config.json");
    let number = |key: &str| flags[key].as_u64().unwrap() as usize;
    let config = Config { image_size: number("image_size"), ..Config::of_checkpoint(vars)? };
    let unet = &config.unet;
    assert_eq!(unet.model_channels, number("model_channels"));
    assert_eq!(unet.out_channels, number("out_channels"));
    assert_eq!(unet.res_blocks_per_level, number("num_res_blocks"));
    assert_eq!(unet.head_channels, number("num_head_channels"));
    let mult: Vec<usize> = serde_json::from_value(flags["channel_mult"].clone()).unwrap();
    assert_eq!(unet.channel_mult, mult);
    let sides: Vec<usize> = serde_json::from_value(flags["attention_resolutions"].clone()).unwrap();
    let factors: Vec<usize> = sides.iter().map(|side| config.image_size / side).collect();
    assert_eq!(unet.attention_at, factors);
    assert_eq!(config.motion_channels == 1, flags["grayscale_motion"] == true);
    DiffusedHeads::new(&config, vars)
}

fn forwards(wanted: fn(&str) -> bool) -> Result<usize> {
    let mut count = 0;
    for case in cases(NETWORK, wanted) {
        let io = case.tensors("io_forward.safetensors");
        for (source, vars) in case.sources() {
            let network = network(&case, &vars)?;
            let given = Condition {
                motion: io.get("motion_frames").clone(),
                person: io.get("x_cond").clone(),
                sound: network.hear(io.get("audio_emb_window"))?,
            };
            for (t, expected) in io.after("out_t") {
                let out = network.forward(io.get("x"), t.parse().unwrap(), &given)?;
                assert_close(&format!("{} {source} t={t}", case.name), &out, expected, ONE_FORWARD);
                count += 1;
            }
        }
    }
    Ok(count)
}

#[test]
fn golden_forward() -> Result<()> {
    assert_ran("Diffused Heads passes", forwards(|size| size != "full")?);
    Ok(())
}

#[test]
fn golden_forward_full_size() -> Result<()> {
    forwards(|size| size == "full")?;
    Ok(())
}

/// Frame after frame, each with the noise that the reference drew.
#[test]
fn golden_talking() -> Result<()> {
    let mut count = 0;
    for case in cases(NETWORK, |_| true).iter().filter(|case| case.has("io_sample.safetensors")) {
        let network = network(case, &case.vars(candle_core::DType::F32))?;
        let io = case.tensors("io_sample.safetensors");
        let steps = io.integers("timesteps");
        let schedule = process()?.respaced(Respacing::Spread(steps.len()))?;
        assert_eq!(schedule.timesteps.iter().map(|&t| t as i64).collect::<Vec<_>>(), steps);
        let heard = io.get("audio_emb").squeeze(0)?;
        let person = io.get("id_frame");
        let mut motion = Motion::new(&network.config, person)?;
        for frame in 0..heard.dim(0)? {
            let given = Condition {
                motion: motion.frames()?,
                person: person.clone(),
                sound: network.hear(&window(&heard, frame)?)?,
            };
            let start = io.get("x_T").narrow(0, frame, 1)?;
            let mut left = steps.len();
            let hooks = Hooks {
                network: &mut |x, t| network.forward(x, t as f32, &given),
                should_stop: &mut |_| false,
                noise: &mut |_| {
                    left -= 1;
                    noise_of(&io, frame, left)
                },
                known: None,
            };
            let painted = ddpm::sample(&schedule, &start, hooks)?;
            let expected = io.get("frames").narrow(0, frame, 1)?;
            assert_close(&format!("{} frame {frame}", case.name), &painted, &expected, SAMPLED);
            motion.push(&painted)?;
            count += 1;
        }
    }
    match count {
        0 => skip("golden_talking", "there is no io_sample.safetensors"),
        _ => assert_ran("frames of Diffused Heads", count),
    }
    Ok(())
}

fn noise_of(io: &Tensors, frame: usize, step: usize) -> Result<Tensor> {
    Ok(io.get("noise_frame_step").get(frame)?.narrow(0, step, 1)?)
}
