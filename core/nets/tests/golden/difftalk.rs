use candle_core::{DType, Device, Tensor};
use lipsmith_nets::Result;
use lipsmith_nets::difftalk::{Condition, Config, DiffTalk, averaged, has_averages, process};
use lipsmith_nets::sched::{Hooks, Known, Respacing, ddim};
use lipsmith_nets::vq::{self, Vq};
use lipsmith_nets::zoo::{Network, open};

use crate::support::{ONE_FORWARD, SAMPLED, Tensors, assert_close, assert_ran, root, skip};

const FOLDER: &str = "difftalk/small";

/// The small network, with its weights as they were trained last and as they were averaged.
fn networks() -> Option<(Tensors, DiffTalk, DiffTalk)> {
    let folder = root().join(FOLDER);
    let file = folder.join("difftalk_small_lightning.ckpt");
    if !file.is_file() {
        skip("golden_difftalk", &format!("there is no {FOLDER}"));
        return None;
    }
    let (checkpoint, found) = open(&file, Network::DiffTalk).unwrap();
    let weights = checkpoint.var_builder(&found.prefix, DType::F32, &Device::Cpu);
    assert!(has_averages(&weights));
    let mut config = Config::of_checkpoint(&weights).unwrap();
    let described = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let heads = described.lines().find_map(|line| line.trim().strip_prefix("num_head_channels: "));
    config.unet.head_channels = heads.unwrap().parse().unwrap();
    let network = |weights| DiffTalk::new(&config, weights).unwrap();
    let io = Tensors::load(&folder.join("io.safetensors"));
    Some((io, network(&weights), network(&averaged(&weights))))
}

fn given(network: &DiffTalk, io: &Tensors) -> Result<Condition> {
    Ok(Condition {
        masked: io.get("c_masked_latent").clone(),
        reference: io.get("c_reference_latent").clone(),
        context: network.context(io.get("audio_smooth"), io.get("landmarks"))?,
    })
}

#[test]
fn golden_difftalk() -> Result<()> {
    let Some((io, last, mean)) = networks() else { return Ok(()) };
    let heard = last.hear(io.get("audio_smooth"))?;
    assert_close("DiffTalk's sound", &heard, io.get("c_audio"), ONE_FORWARD);
    let placed = last.place(io.get("landmarks"))?;
    assert_close("DiffTalk's landmarks", &placed, io.get("c_landmark"), ONE_FORWARD);
    for (name, latent) in [("image", "z"), ("masked", "c_masked_latent"), ("reference", "c_reference_latent")]
    {
        let picture = io.get(&format!("{name}_nhwc")).permute((0, 3, 1, 2))?.contiguous()?;
        assert_close(name, &last.first_stage.encode(&picture)?, io.get(latent), ONE_FORWARD);
    }
    let decoded = last.first_stage.decode(io.get("z"))?;
    assert_close("DiffTalk's first stage", &decoded, io.get("xrec"), ONE_FORWARD);
    let mut count = 0;
    for (prefix, network) in [("eps_raw_t", &last), ("eps_ema_t", &mean)] {
        let given = given(network, &io)?;
        for (t, expected) in io.after(prefix) {
            let out = network.forward(io.get("probe_x"), t.parse().unwrap(), &given)?;
            assert_close(&format!("DiffTalk {prefix}{t}"), &out, expected, ONE_FORWARD);
            count += 1;
        }
    }
    assert_ran("DiffTalk passes", count);
    Ok(())
}

/// Ten steps with the part outside the mask put back in before each.
#[test]
fn golden_difftalk_painting() -> Result<()> {
    let Some((io, _, network)) = networks() else { return Ok(()) };
    let given = given(&network, &io)?;
    let mut drawn = 0;
    let hooks = Hooks {
        network: &mut |x, t| network.forward(x, t as f32, &given),
        should_stop: &mut |_| false,
        noise: &mut |_| {
            drawn += 1;
            Ok(io.get("ddim10_qsample_noises_in_order").get(drawn - 1)?)
        },
        known: Some(Known { clean: io.get("z"), mask: io.get("ddim10_mask") }),
    };
    let schedule = process()?.respaced(Respacing::Latent(10))?;
    let found = ddim::sample(&schedule, io.get("ddim10_x_T"), 0.0, hooks)?;
    assert_close("DiffTalk DDIM-10", &found, io.get("ddim10_samples"), SAMPLED);
    let decoded = network.first_stage.decode(io.get("ddim10_samples"))?;
    assert_close("DiffTalk's picture", &decoded, io.get("decoded"), SAMPLED);
    Ok(())
}

#[test]
fn golden_first_stage_alone() -> Result<()> {
    let Some((io, _, _)) = networks() else { return Ok(()) };
    let file = root().join(FOLDER).join("first_stage_model_small.ckpt");
    let (checkpoint, found) = open(&file, Network::Vq)?;
    let weights = checkpoint.var_builder(&found.prefix, DType::F32, &Device::Cpu);
    let network = Vq::new(&vq::Config::of_checkpoint(&weights)?, &weights)?;
    let picture: Tensor = io.get("image_nhwc").permute((0, 3, 1, 2))?.contiguous()?;
    let latent = network.encode(&picture)?;
    assert_close("first stage, encoded", &latent, io.get("z"), ONE_FORWARD);
    assert_close("first stage, decoded", &network.decode(&latent)?, io.get("xrec"), ONE_FORWARD);
    Ok(())
}
