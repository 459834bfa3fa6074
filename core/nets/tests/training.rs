//! The networks that are trained: gradients of whole networks against finite differences, at tiny width, and
//! the running statistics that inference lives on.

// Whatever fails here fails the test.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};
use candle_nn::VarBuilder;
use lipsmith_nets::diff2lip::{self, Condition, Diff2Lip};
use lipsmith_nets::difftalk;
use lipsmith_nets::diffused_heads;
use lipsmith_nets::disc_qual::{self, QualityDiscriminator};
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::wav2lip::{self, Wav2Lip};
use lipsmith_nets::zoo::{self, Network, Variant};
use lipsmith_nets::{unet, vq};

type Vars = HashMap<String, Var>;

/// Uniform in [-1, 1), the same for the same seed.
fn noise(seed: u64, shape: &[usize]) -> Tensor {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D;
    let next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    let values: Vec<f32> = std::iter::repeat_with(next).take(shape.iter().product()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Positive for images: [0, 1).
fn picture(seed: u64, shape: &[usize]) -> Tensor {
    ((noise(seed, shape) + 1.0).unwrap() * 0.5).unwrap()
}

fn vars(network: Network, channels: usize) -> Vars {
    vars_of(zoo::tensors(network, channels).unwrap())
}

fn vars_of(tensors: Vec<(String, Vec<usize>)>) -> Vars {
    let named = tensors.into_iter().enumerate().map(|(i, (name, shape))| {
        let inputs: usize = shape.iter().skip(1).product();
        let values = match name.rsplit('.').next() {
            Some("running_var") => Tensor::ones(shape.as_slice(), DType::F32, &Device::Cpu),
            Some("running_mean") => Tensor::zeros(shape.as_slice(), DType::F32, &Device::Cpu),
            // Normalisation: near 1; its bias so that ReLU mostly passes and its kink is seldom met.
            Some("weight") if shape.len() == 1 => (noise(i as u64, &shape) * 0.2).and_then(|t| t + 1.0),
            Some("bias") => (noise(i as u64, &shape) * 0.1).and_then(|t| t + 2.0),
            _ => noise(i as u64, &shape) * (2.0 / (inputs as f64).sqrt()),
        };
        (name, Var::from_tensor(&values.unwrap()).unwrap())
    });
    named.collect()
}

fn builder(vars: &Vars) -> VarBuilder<'static> {
    let tensors = vars.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu)
}

/// Along the gradient of each named tensor, Σ y·noise changes as fast as the gradient claims.
fn check(vars: &Vars, names: &[&str], y: impl Fn() -> Tensor) {
    let weights = noise(3, y().dims());
    let grads: GradStore = (y() * &weights).unwrap().sum_all().unwrap().backward().unwrap();
    let weights = flat(&weights);
    // In f64: the sum of so many numbers would drown what one weight changes.
    let value = || -> f64 { flat(&y()).iter().zip(&weights).map(|(y, w)| y * w).sum() };
    for name in names {
        let var = &vars[*name];
        let grad = grads.get(var).unwrap_or_else(|| panic!("{name} has no gradient")).copy().unwrap();
        let start = var.as_detached_tensor().copy().unwrap();
        let length = |t: &Tensor| flat(t).iter().map(|v| v * v).sum::<f64>().sqrt();
        let claimed = length(&grad);
        assert!(claimed > 0.0, "{name}: its gradient is zero");
        let uphill = (&grad / claimed).unwrap();
        let at = |step: f64| {
            var.set(&(&start + (&uphill * step).unwrap()).unwrap()).unwrap();
            value()
        };
        // Rounding drowns what a short step changes, the kinks of ReLU bend what a long one does; a wrong gradient
        // agrees with neither.
        let slopes = [1e-3, 3e-3].map(|part| {
            let step = part * length(&start);
            (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
        });
        var.set(&start).unwrap();
        let agrees = slopes.iter().any(|slope| (slope - claimed).abs() < 0.05 * claimed);
        assert!(agrees, "{name}: slopes {slopes:?}, gradient {claimed}");
    }
}

fn flat(t: &Tensor) -> Vec<f64> {
    t.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

#[test]
fn the_generator_learns_by_true_gradients() {
    let vars = vars(Network::Wav2Lip, 2);
    let network = Wav2Lip::trainable(&wav2lip::Config { width: 2, warps: false }, &builder(&vars)).unwrap();
    let (mel, faces) = (noise(1, &[16, 1, 80, 16]), picture(2, &[16, 6, 96, 96]));
    let names = [
        "face_encoder_blocks.0.0.conv_block.0.weight",
        "face_encoder_blocks.2.1.conv_block.1.weight",
        "face_encoder_blocks.5.0.conv_block.0.weight",
        "audio_encoder.0.conv_block.0.weight",
        "audio_encoder.6.conv_block.0.weight",
        "face_decoder_blocks.1.0.conv_block.0.weight",
        "face_decoder_blocks.4.0.conv_block.1.bias",
        "face_decoder_blocks.6.0.conv_block.0.weight",
        "face_decoder_blocks.6.2.conv_block.0.weight",
        "output_block.1.weight",
        "output_block.1.bias",
    ];
    check(&vars, &names, || network.forward(&mel, &faces).unwrap());
}

#[test]
fn a_generator_that_warps_learns_by_true_gradients() {
    let config = wav2lip::Config { width: 2, warps: true };
    let vars = vars_of(zoo::tensors_of(Network::Wav2Lip, &Variant::Wav2Lip(config)).unwrap());
    let network = Wav2Lip::trainable(&config, &builder(&vars)).unwrap();
    // Soft pictures: between the pixels of noise every warp has a kink.
    let soft = |i: usize| {
        let (plane, y, x) = (i / 9216, i / 96 % 96, i % 96);
        0.5 + 0.25 * (0.05 * (plane % 7 + 1) as f32 * y as f32).sin() + 0.25 * (0.11 * x as f32).cos()
    };
    let faces =
        Tensor::from_vec((0..8 * 6 * 9216).map(soft).collect(), (8, 6, 96, 96), &Device::Cpu).unwrap();
    let mel = noise(1, &[8, 1, 80, 16]);
    let names = [
        "face_encoder_blocks.2.1.conv_block.1.weight",
        "face_decoder_blocks.6.2.conv_block.0.weight",
        "output_block.1.weight",
        "output_block.1.bias",
    ];
    check(&vars, &names, || network.forward(&mel, &faces).unwrap());
}

/// A picture moved by whole pixels is the picture there; between them it is in between; beyond the border it is the
/// border's.
#[test]
fn warping_fetches_what_lies_where_the_flow_points() {
    let (h, w) = (5usize, 6usize);
    let picture = noise(3, &[2, 3, h, w]);
    let seen = |flow: [f32; 2]| {
        let flow = Tensor::new(&flow, &Device::Cpu).unwrap().reshape((1, 2, 1, 1)).unwrap();
        let flow = flow.broadcast_as((2, 2, h, w)).unwrap();
        wav2lip::warp(&picture, &flow).unwrap()
    };
    let at = |t: &Tensor, i: usize, c: usize, y: usize, x: usize| {
        t.get(i).unwrap().get(c).unwrap().get(y).unwrap().get(x).unwrap().to_scalar::<f32>().unwrap()
    };
    let (still, moved, between) = (seen([0.0, 0.0]), seen([2.0, -1.0]), seen([0.25, 0.5]));
    for (i, c, y, x) in (0..2 * 3 * h * w).map(|k| (k / (3 * h * w), k / (h * w) % 3, k / w % h, k % w)) {
        assert_eq!(at(&still, i, c, y, x), at(&picture, i, c, y, x));
        let there = at(&picture, i, c, y.saturating_sub(1), (x + 2).min(w - 1));
        assert!((at(&moved, i, c, y, x) - there).abs() < 1e-6);
        let pixel = |dx: usize, dy: usize| at(&picture, i, c, (y + dy).min(h - 1), (x + dx).min(w - 1));
        let mixed = [pixel(0, 0) * 0.75 + pixel(1, 0) * 0.25, pixel(0, 1) * 0.75 + pixel(1, 1) * 0.25];
        assert!((at(&between, i, c, y, x) - (mixed[0] + mixed[1]) / 2.0).abs() < 1e-5);
    }
}

#[test]
fn the_expert_learns_by_true_gradients_and_passes_them_to_pictures() {
    let vars = vars(Network::LipsyncExpert, 2);
    let config = syncnet_color::Config { width: 1 };
    let network = SyncNetColor::trainable(&config, &builder(&vars)).unwrap();
    let faces = Var::from_tensor(&picture(2, &[12, 15, 48, 96])).unwrap();
    let mel = noise(1, &[12, 1, 80, 16]);
    let agreement = || {
        (network.faces(faces.as_tensor()).unwrap() * network.sound(&mel).unwrap()).unwrap().sum(1).unwrap()
    };
    let names = [
        "face_encoder.0.conv_block.0.weight",
        "face_encoder.1.conv_block.0.weight",
        "face_encoder.9.conv_block.1.weight",
        "audio_encoder.3.conv_block.0.weight",
        "audio_encoder.12.conv_block.0.weight",
    ];
    check(&vars, &names, agreement);

    // As a judge: its weights stand still, what it judges moves.
    let still = vars.iter().map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect();
    let still = VarBuilder::from_tensors(still, DType::F32, &Device::Cpu);
    let judge = SyncNetColor::new(&config, &still).unwrap();
    let pictures = HashMap::from([("pictures".to_string(), faces.clone())]);
    check(&pictures, &["pictures"], || {
        (judge.faces(faces.as_tensor()).unwrap() * judge.sound(&mel).unwrap()).unwrap().sum(1).unwrap()
    });
}

#[test]
fn the_discriminator_learns_by_true_gradients() {
    let vars = vars(Network::QualityDiscriminator, 2);
    let network =
        QualityDiscriminator::new(&disc_qual::Config { width: 2, pictures: 1 }, &builder(&vars)).unwrap();
    let faces = Var::from_tensor(&picture(2, &[2, 3, 96, 96])).unwrap();
    let mut all = vars.clone();
    all.insert("faces".into(), faces.clone());
    let names = [
        "face_encoder_blocks.0.0.conv_block.0.weight",
        "face_encoder_blocks.4.1.conv_block.0.weight",
        "faces",
    ];
    check(&all, &names, || network.forward(faces.as_tensor()).unwrap());
}

/// The compact form, its ear included; each picture at a time of its own.
#[test]
fn the_painter_learns_by_true_gradients() {
    let config = diff2lip::Config::compact(32, 32, 1);
    let tensors = zoo::tensors_of(Network::Diff2Lip, &Variant::Diff2Lip(config.clone())).unwrap();
    let vars = vars_of(tensors);
    assert_eq!(diff2lip::Config::of_checkpoint(&builder(&vars)).unwrap(), config, "read off the shapes");
    let network = Diff2Lip::new(&config, &builder(&vars)).unwrap();
    let picture = |seed| noise(seed, &[2, 3, 32, 32]);
    let (x, sounds) = (picture(1), noise(4, &[2, 80, 16]));
    let names = [
        "position",
        "time_embed.0.weight",
        "input_blocks.0.0.weight",
        "input_blocks.2.0.in_layers.2.weight",
        "input_blocks.3.1.qkv.weight",
        "middle_block.1.proj_out.weight",
        "output_blocks.1.2.in_layers.2.weight",
        "output_blocks.4.0.emb_layers.1.weight",
        "out.2.weight",
        "audio_encoder.input_block.0.weight",
        "audio_encoder.encoder_blocks.3.0.in_layers.2.weight",
        "audio_encoder_to_style.3.weight",
    ];
    check(&vars, &names, || {
        let given = Condition {
            face: picture(2),
            mask: diff2lip::lower_half_mask(32, &x).unwrap(),
            reference: picture(3),
            style: network.listen(&sounds).unwrap(),
        };
        network.forward_at(&x, &[20.0, 700.0], &given).unwrap()
    });
}

/// A network that finishes a draft, before it has learned anything: it says that nothing is lacking.
#[test]
fn a_painter_with_a_draft_begins_as_its_draft() {
    let draft = wav2lip::Config { width: 2, warps: true };
    let config = diff2lip::Config::finishing(draft, 32, 1);
    let tensors = zoo::tensors_of(Network::Diff2Lip, &Variant::Diff2Lip(config.clone())).unwrap();
    let vars = vars_of(tensors);
    for (_, var) in vars.iter().filter(|(name, _)| name.starts_with("out.2.")) {
        var.set(&var.zeros_like().unwrap()).unwrap();
    }
    let vb = builder(&vars);
    assert_eq!(diff2lip::Config::of_checkpoint(&vb).unwrap(), config, "read off the shapes");
    let network = Diff2Lip::new(&config, &vb).unwrap();
    let picture = |seed| noise(seed, &[2, 3, wav2lip::FACE, wav2lip::FACE]);
    let (faces, reference, x, sounds) = (picture(1), picture(2), picture(3), noise(4, &[2, 80, 16]));
    let said = network.listen(&sounds).unwrap();
    let given = network.condition(&said, &faces, &reference, &x).unwrap();
    assert_eq!(given.style.dims(), [2, 128]);
    // The reference is what the generator makes of it, told the same.
    let generator = Wav2Lip::new(&draft, &vb.pp("draft")).unwrap();
    let seen = |rgb: &Tensor| {
        let planes: Vec<Tensor> = (0..3).rev().map(|c| rgb.narrow(1, c, 1).unwrap()).collect();
        Tensor::cat(&planes, 1).unwrap().affine(0.5, 0.5).unwrap()
    };
    let half = wav2lip::FACE / 2;
    let upper = seen(&faces).narrow(2, 0, half).unwrap();
    let hidden = Tensor::cat(&[&upper, &upper.zeros_like().unwrap()], 2).unwrap();
    let stack = Tensor::cat(&[&hidden, &seen(&reference)], 1).unwrap();
    let made = generator.forward(&sounds.unsqueeze(1).unwrap(), &stack).unwrap();
    let apart = |a: &Tensor, b: &Tensor| {
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap()
    };
    assert!(apart(&seen(&given.reference), &made) < 1e-5);
    let process = config.process().unwrap();
    let kept = &process.alphas_cumprod;
    let times = [60, kept.len() - 1];
    // At any time of its process the picture that its noise leaves is that.
    let noise = network.forward_at(&x, &times.map(|t| t as f32), &given).unwrap().narrow(1, 0, 3).unwrap();
    for (at, time) in times.into_iter().enumerate() {
        let of = |t: &Tensor| t.narrow(0, at, 1).unwrap();
        let left = (of(&x) - (of(&noise) * (1.0 - kept[time]).sqrt()).unwrap()).unwrap();
        assert!(apart(&(left / kept[time].sqrt()).unwrap(), &of(&given.reference)) < 1e-2, "at {time}");
    }
    // And sampling begins with it under the noise.
    let begun = network.begin(&process, &x, &given).unwrap();
    let noise = network.forward_at(&begun, &[times[1] as f32], &given).unwrap().narrow(1, 0, 3).unwrap();
    assert!(apart(&noise, &x) < 1e-3);
}

fn small_unet([in_channels, out_channels]: [usize; 2]) -> unet::Config {
    unet::Config {
        in_channels,
        out_channels,
        model_channels: 32,
        channel_mult: vec![1, 2],
        res_blocks_per_level: 1,
        attention_at: vec![2],
        head_channels: 32,
    }
}

fn small_vq() -> vq::Config {
    vq::Config {
        channels: 32,
        channel_mult: vec![1, 2],
        res_blocks_per_level: 1,
        latent: 3,
        codes: 8,
        coarsest_attends: false,
    }
}

#[test]
fn heads_learn_by_true_gradients() {
    let config =
        diffused_heads::Config { image_size: 16, unet: small_unet([12, 6]), motion_channels: 3, sound: 4 };
    let variant = Variant::DiffusedHeads { unet: config.unet.clone(), motion_channels: 3, heard: 20 };
    let vars = vars_of(zoo::tensors_of(Network::DiffusedHeads, &variant).unwrap());
    let picture = |seed, channels| noise(seed, &[2, channels, 16, 16]);
    let names = [
        "time_embed.fc.0.weight",
        "audio_embed.0.weight",
        "input_blocks.1.0.t_emb_layers.1.weight",
        "input_blocks.2.0.audio_emb_layers.1.weight",
        "middle_block.1.qkv.weight",
        "out.2.weight",
    ];
    check(&vars, &names, || {
        let network = diffused_heads::DiffusedHeads::new(&config, &builder(&vars)).unwrap();
        let sound = network.hear(&noise(4, &[2, 5, 4])).unwrap();
        let given = diffused_heads::Condition { motion: picture(2, 6), person: picture(3, 3), sound };
        network.forward_at(&picture(1, 3), &[20.0, 700.0], &given).unwrap()
    });
}

/// With its transformers, its ears and the points of the face. Networks are built anew for each look, as in training.
#[test]
fn difftalk_learns_by_true_gradients() {
    let config = difftalk::Config { unet: small_unet([9, 3]), first_stage: small_vq() };
    let (unet, first_stage) = (config.unet.clone(), config.first_stage.clone());
    let variant = Variant::DiffTalk { unet, first_stage, averaged: false };
    let vars = vars_of(zoo::tensors_of(Network::DiffTalk, &variant).unwrap());
    let latent = |seed| noise(seed, &[2, 3, 8, 8]);
    let inside = |part: &str| format!("model.diffusion_model.middle_block.1.transformer_blocks.0.{part}");
    let parts =
        ["norm1.weight", "norm3.bias", "attn1.to_q.weight", "attn2.to_v.weight", "ff.net.0.proj.weight"];
    let transformer = parts.map(inside);
    let names = [
        "model.diffusion_model.time_embed.0.weight",
        "model.diffusion_model.input_blocks.2.0.op.weight",
        "cond_stage_model_for_audio.encoder_conv.0.weight",
        "cond_stage_model_for_audio_smooth.attentionNet.0.weight",
        "cond_stage_model_for_ldm.encoder_fc1.2.weight",
    ];
    let names: Vec<&str> = names.into_iter().chain(transformer.iter().map(String::as_str)).collect();
    check(&vars, &names, || {
        let network = difftalk::DiffTalk::new(&config, &builder(&vars)).unwrap();
        let context = network.context(&noise(5, &[2, 8, 16, 29]), &noise(6, &[2, 39, 2])).unwrap();
        let given = difftalk::Condition { masked: latent(2), reference: latent(3), context };
        network.forward_at(&latent(1), &[20.0, 700.0], &given).unwrap()
    });
}

/// What leads through the codes is straight, and so not the slope; all else is.
#[test]
fn an_autoencoder_learns_by_true_gradients() {
    let vars = vars_of(zoo::tensors_of(Network::Vq, &Variant::FirstStage(small_vq())).unwrap());
    let pictures = noise(1, &[1, 3, 16, 16]);
    let trained = || vq::Vq::new(&small_vq(), &builder(&vars)).unwrap().trained(&pictures).unwrap();
    let decoder =
        ["decoder.conv_in.weight", "decoder.mid.attn_1.k.weight", "decoder.up.1.upsample.conv.weight"];
    check(&vars, &decoder, || trained().0);
    let one = |t: &Tensor| t.reshape(1).unwrap();
    check(&vars, &["quantize.embedding.weight"], || one(&trained().1[0]));
    let encoder = ["encoder.conv_in.weight", "encoder.down.0.downsample.conv.weight", "quant_conv.weight"];
    check(&vars, &encoder, || one(&trained().1[1]));
    // The encoder hears of the picture at all.
    let grads = trained().0.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    assert!(flat(grads.get(&vars["encoder.conv_in.weight"]).unwrap()).iter().any(|v| *v != 0.0));
}

/// With running statistics that have come to the batch's, the folded network computes what the trained one did.
#[test]
fn inference_goes_on_where_training_was() {
    let vars = vars(Network::LipsyncExpert, 2);
    let config = syncnet_color::Config { width: 1 };
    let trained = SyncNetColor::trainable(&config, &builder(&vars)).unwrap();
    let faces = picture(2, &[6, 15, 48, 96]);
    let mut last = trained.faces(&faces).unwrap();
    for _ in 0..150 {
        last = trained.faces(&faces).unwrap();
    }
    let folded = SyncNetColor::new(&config, &builder(&vars)).unwrap().faces(&faces).unwrap();
    let apart = (last - folded).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    // The running variance is the unbiased one, which tells at the narrow end (6 samples a channel).
    assert!(apart < 0.1, "{apart}");
}
