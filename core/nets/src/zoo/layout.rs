//! Which tensors each published network has, by name and shape, as functions of what varies: the width of
//! the plain convolutional networks, the configuration of the U-Nets. What is read off a file's shapes
//! ([`read`]) and what follows from it ([`Layout`]) are compared by [`super::recognise`].

use crate::diff2lip;
use crate::difftalk;
use crate::diffused_heads;
use crate::inception;
use crate::lpips;
use crate::unet::{self, GUIDED, Style};
use crate::vq::Config as Vq;
use crate::wav2lip;

/// Names and shapes in the network's own order. Counters (`num_batches_tracked`) are left out: no network
/// computes with them, and published files have them or not.
#[derive(Debug, Default)]
pub struct Layout {
    pub tensors: Vec<(String, Vec<usize>)>,
}

impl Layout {
    fn put(&mut self, name: String, shape: &[usize]) {
        self.tensors.push((name, shape.to_vec()));
    }
    /// A convolution or a linear layer, `[out, in, kernel…]`, with its bias.
    fn layer(&mut self, name: &str, shape: &[usize]) {
        self.put(format!("{name}.weight"), shape);
        self.put(format!("{name}.bias"), &shape[..1]);
    }
    fn norm(&mut self, name: &str, channels: usize) {
        self.layer(name, &[channels]);
    }
    fn batch_norm(&mut self, name: &str, channels: usize) {
        self.norm(name, channels);
        self.put(format!("{name}.running_mean"), &[channels]);
        self.put(format!("{name}.running_var"), &[channels]);
    }
    /// Wav2Lip's block: a square convolution and its batch normalisation.
    fn conv_block(&mut self, name: &str, from: usize, to: usize, kernel: usize) {
        self.layer(&format!("{name}.conv_block.0"), &[to, from, kernel, kernel]);
        self.batch_norm(&format!("{name}.conv_block.1"), to);
    }
    /// A row of such blocks, `name.0`, `name.1`, …, as `(to, kernel)`.
    fn conv_blocks(&mut self, name: &str, from: usize, blocks: &[(usize, usize)]) {
        let mut from = from;
        for (index, &(to, kernel)) in blocks.iter().enumerate() {
            self.conv_block(&format!("{name}.{index}"), from, to, kernel);
            from = to;
        }
    }
}

/// Wav2Lip's audio tower; the expert's has one more residual block at 256 channels.
fn audio_tower(layout: &mut Layout, c: impl Fn(usize) -> usize, blocks_at_256: usize) {
    let mut blocks = vec![(c(32), 3); 3];
    blocks.extend([(c(64), 3); 3]);
    blocks.extend([(c(128), 3); 3]);
    blocks.extend(vec![(c(256), 3); blocks_at_256]);
    blocks.extend([(c(512), 3), (c(512), 1)]);
    layout.conv_blocks("audio_encoder", 1, &blocks);
}

pub fn wav2lip(config: &wav2lip::Config) -> Layout {
    let c = |channels: usize| channels * config.width / 16;
    let mut layout = Layout::default();
    let mut from = 6;
    for (stage, (to, kernel, blocks)) in
        [(16, 7, 1), (32, 3, 3), (64, 3, 4), (128, 3, 3), (256, 3, 3), (512, 3, 2)].into_iter().enumerate()
    {
        layout.conv_blocks(&format!("face_encoder_blocks.{stage}"), from, &vec![(c(to), kernel); blocks]);
        from = c(to);
    }
    layout.conv_blocks("face_encoder_blocks.6", from, &[(c(512), 3), (c(512), 1)]);
    audio_tower(&mut layout, c, 2);
    layout.conv_block("face_decoder_blocks.0.0", c(512), c(512), 1);
    for (stage, (from, to, residuals)) in
        [(1024, 512, 1), (1024, 512, 2), (768, 384, 2), (512, 256, 2), (320, 128, 2), (160, 64, 2)]
            .into_iter()
            .enumerate()
    {
        let name = format!("face_decoder_blocks.{}", stage + 1);
        // Transposed: its weight has the input first.
        layout.put(format!("{name}.0.conv_block.0.weight"), &[c(from), c(to), 3, 3]);
        layout.put(format!("{name}.0.conv_block.0.bias"), &[c(to)]);
        layout.batch_norm(&format!("{name}.0.conv_block.1"), c(to));
        for block in 1..=residuals {
            layout.conv_block(&format!("{name}.{block}"), c(to), c(to), 3);
        }
    }
    layout.conv_block("output_block.0", c(80), c(32), 3);
    layout.layer("output_block.1", &[config.channels_out(), c(32), 1, 1]);
    layout
}

/// `width`: channels of the first layer, 32 as published.
pub fn lipsync_expert(width: usize) -> Layout {
    let c = |channels: usize| channels * width / 32;
    let mut layout = Layout::default();
    let mut blocks = vec![(c(32), 7), (c(64), 5), (c(64), 3), (c(64), 3)];
    blocks.extend([(c(128), 3); 4]);
    blocks.extend([(c(256), 3); 3]);
    blocks.extend([(c(512), 3); 5]);
    blocks.push((c(512), 1));
    layout.conv_blocks("face_encoder", 15, &blocks);
    audio_tower(&mut layout, c, 3);
    layout
}

/// `width`: channels of the first layer, 32 as published; `pictures`: looked at together. No normalisation.
pub fn quality_discriminator(width: usize, pictures: usize) -> Layout {
    let c = |channels: usize| channels * width / 32;
    let mut layout = Layout::default();
    let mut from = 3 * pictures;
    let stages: [&[(usize, usize)]; 7] = [
        &[(32, 7)],
        &[(64, 5), (64, 5)],
        &[(128, 5), (128, 5)],
        &[(256, 5), (256, 5)],
        &[(512, 3), (512, 3)],
        &[(512, 3), (512, 3)],
        &[(512, 3), (512, 1)],
    ];
    for (stage, blocks) in stages.into_iter().enumerate() {
        for (block, &(to, kernel)) in blocks.iter().enumerate() {
            let name = format!("face_encoder_blocks.{stage}.{block}.conv_block.0");
            layout.layer(&name, &[c(to), from, kernel, kernel]);
            from = c(to);
        }
    }
    layout.layer("binary_pred.0", &[1, from, 1, 1]);
    layout
}

/// LPIPS: a classifier's slices, and what each of their channels counts.
pub fn lpips(backbone: lpips::Backbone) -> Layout {
    let mut layout = Layout::default();
    let (mut from, mut widths) = (3, [0; lpips::SLICES]);
    for &([slice, at], to, kernel, _) in backbone.layers() {
        layout.layer(&format!("net.slice{slice}.{at}"), &[to, from, kernel, kernel]);
        (from, widths[slice - 1]) = (to, to);
    }
    for (slice, width) in widths.into_iter().enumerate() {
        layout.put(format!("lin{slice}.model.1.weight"), &[1, width, 1, 1]);
    }
    layout
}

/// S3FD's convolutions in order, as `(to, kernel)`: VGG-16, its two converted layers, four more.
const S3FD: [(usize, usize); 19] = [
    (64, 3),
    (64, 3),
    (128, 3),
    (128, 3),
    (256, 3),
    (256, 3),
    (256, 3),
    (512, 3),
    (512, 3),
    (512, 3),
    (512, 3),
    (512, 3),
    (512, 3),
    (1024, 3),
    (1024, 1),
    (256, 1),
    (512, 3),
    (128, 1),
    (256, 3),
];
/// Channels of the six feature maps that faces are looked for in.
const S3FD_MAPS: [usize; 6] = [256, 512, 512, 1024, 512, 256];

/// The flavour of the face-alignment package; `width`: channels of the first layer, 64 as published.
pub fn s3fd_face_alignment(width: usize) -> Layout {
    let convs = [
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1", "conv4_2",
        "conv4_3", "conv5_1", "conv5_2", "conv5_3", "fc6", "fc7", "conv6_1", "conv6_2", "conv7_1", "conv7_2",
    ];
    let maps = ["conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2"];
    let heads = |map: usize| [format!("{}_mbox_conf", maps[map]), format!("{}_mbox_loc", maps[map])];
    s3fd(width, convs.map(str::to_owned), ["conv3_3_norm", "conv4_3_norm", "conv5_3_norm"], heads)
}

/// The flavour of syncnet_python.
pub fn s3fd_syncnet(width: usize) -> Layout {
    let vgg = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28, 31, 33].map(|layer| format!("vgg.{layer}"));
    let extras = [0, 1, 2, 3].map(|layer| format!("extras.{layer}"));
    let convs =
        std::array::from_fn(|i| if i < vgg.len() { vgg[i].clone() } else { extras[i - vgg.len()].clone() });
    let heads = |map: usize| [format!("conf.{map}"), format!("loc.{map}")];
    s3fd(width, convs, ["L2Norm3_3", "L2Norm4_3", "L2Norm5_3"], heads)
}

fn s3fd(width: usize, convs: [String; 19], norms: [&str; 3], heads: impl Fn(usize) -> [String; 2]) -> Layout {
    let c = |channels: usize| channels * width / 64;
    let mut layout = Layout::default();
    let mut from = 3;
    for (name, (to, kernel)) in convs.iter().zip(S3FD) {
        layout.layer(name, &[c(to), from, kernel, kernel]);
        from = c(to);
    }
    for (norm, channels) in norms.into_iter().zip(S3FD_MAPS) {
        layout.put(format!("{norm}.weight"), &[c(channels)]);
    }
    for (map, channels) in S3FD_MAPS.into_iter().enumerate() {
        let [conf, loc] = heads(map);
        // The finest map tells three kinds of background from a face ("max-out").
        layout.layer(&conf, &[if map == 0 { 4 } else { 2 }, c(channels), 3, 3]);
        layout.layer(&loc, &[4, c(channels), 3, 3]);
    }
    layout
}

/// `width`: channels of the audio tower's first layer, 64 as published.
pub fn syncnet_v2(width: usize) -> Layout {
    let c = |channels: usize| channels * width / 64;
    let mut layout = Layout::default();
    let mut tower = |name: &str, from: usize, convs: [(usize, &[usize]); 6]| {
        let mut from = from;
        for (at, (to, kernel)) in [0, 4, 8, 11, 14, 18].into_iter().zip(convs) {
            layout.layer(&format!("{name}.{at}"), &[&[c(to), from], kernel].concat());
            layout.batch_norm(&format!("{name}.{}", at + 1), c(to));
            from = c(to);
        }
    };
    let k3 = &[3, 3][..];
    tower("netcnnaud", 1, [(64, k3), (192, k3), (384, k3), (256, k3), (256, k3), (512, &[5, 4])]);
    let flat = &[1, 3, 3][..];
    let first = &[5, 7, 7][..];
    tower(
        "netcnnlip",
        3,
        [(96, first), (256, &[1, 5, 5]), (256, flat), (256, flat), (256, flat), (512, &[1, 6, 6])],
    );
    for name in ["netfcaud", "netfclip"] {
        layout.layer(&format!("{name}.0"), &[c(512), c(512)]);
        layout.batch_norm(&format!("{name}.1"), c(512));
        layout.layer(&format!("{name}.3"), &[c(1024), c(512)]);
    }
    layout
}

impl Layout {
    fn res_block(&mut self, style: &Style, name: &str, from: usize, to: usize, emb: usize) {
        self.norm(&format!("{name}.in_layers.0"), from);
        self.layer(&format!("{name}.in_layers.2"), &[to, from, 3, 3]);
        let times = if style.modulates { 2 } else { 1 };
        for embedding in style.embeddings {
            self.layer(&format!("{name}.{embedding}.1"), &[times * to, emb]);
        }
        self.norm(&format!("{name}.out_layers.0"), to);
        self.layer(&format!("{name}.out_layers.3"), &[to, to, 3, 3]);
        if from != to {
            self.layer(&format!("{name}.skip_connection"), &[to, from, 1, 1]);
        }
    }

    fn attention(&mut self, style: &Style, name: &str, channels: usize) {
        let c = channels;
        self.norm(&format!("{name}.norm"), c);
        let Some(context) = style.context else {
            self.layer(&format!("{name}.qkv"), &[3 * c, c, 1]);
            self.layer(&format!("{name}.proj_out"), &[c, c, 1]);
            return;
        };
        self.layer(&format!("{name}.proj_in"), &[c, c, 1, 1]);
        self.layer(&format!("{name}.proj_out"), &[c, c, 1, 1]);
        let name = format!("{name}.transformer_blocks.0");
        for (attention, keys) in [("attn1", c), ("attn2", context)] {
            for (part, from) in [("to_q", c), ("to_k", keys), ("to_v", keys)] {
                self.put(format!("{name}.{attention}.{part}.weight"), &[c, from]);
            }
            self.layer(&format!("{name}.{attention}.to_out.0"), &[c, c]);
        }
        self.layer(&format!("{name}.ff.net.0.proj"), &[8 * c, c]);
        self.layer(&format!("{name}.ff.net.2"), &[c, 4 * c]);
        (1..=3).for_each(|norm| self.norm(&format!("{name}.norm{norm}"), c));
    }

    /// The guided-diffusion U-Net (input, middle and output blocks, `out`) below `prefix`.
    pub fn unet(&mut self, prefix: &str, cfg: &unet::Config, style: &Style) {
        let emb = cfg.embedding_channels();
        let width = cfg.model_channels;
        let last = cfg.channel_mult.len() - 1;
        self.layer(&format!("{prefix}input_blocks.0.0"), &[width, cfg.in_channels, 3, 3]);
        let (mut c, mut block, mut skips) = (width, 1, vec![width]);
        for (level, mult) in cfg.channel_mult.iter().enumerate() {
            for _ in 0..cfg.res_blocks_per_level {
                self.res_block(style, &format!("{prefix}input_blocks.{block}.0"), c, mult * width, emb);
                c = mult * width;
                if cfg.attention_at.contains(&(1 << level)) {
                    self.attention(style, &format!("{prefix}input_blocks.{block}.1"), c);
                }
                skips.push(c);
                block += 1;
            }
            if level < last {
                match style.resblock_updown {
                    true => self.res_block(style, &format!("{prefix}input_blocks.{block}.0"), c, c, emb),
                    false => self.layer(&format!("{prefix}input_blocks.{block}.0.op"), &[c, c, 3, 3]),
                }
                skips.push(c);
                block += 1;
            }
        }
        self.res_block(style, &format!("{prefix}middle_block.0"), c, c, emb);
        self.attention(style, &format!("{prefix}middle_block.1"), c);
        self.res_block(style, &format!("{prefix}middle_block.2"), c, c, emb);
        block = 0;
        for (level, mult) in cfg.channel_mult.iter().enumerate().rev() {
            for repeat in 0..=cfg.res_blocks_per_level {
                let name = format!("{prefix}output_blocks.{block}");
                let from = c + skips.pop().unwrap_or(0);
                c = mult * width;
                self.res_block(style, &format!("{name}.0"), from, c, emb);
                let attends = cfg.attention_at.contains(&(1 << level));
                if attends {
                    self.attention(style, &format!("{name}.1"), c);
                }
                if level > 0 && repeat == cfg.res_blocks_per_level {
                    let up = format!("{name}.{}", 1 + usize::from(attends));
                    match style.resblock_updown {
                        true => self.res_block(style, &up, c, c, emb),
                        false => self.layer(&format!("{up}.conv"), &[c, c, 3, 3]),
                    }
                }
                block += 1;
            }
        }
        self.norm(&format!("{prefix}out.0"), width);
        self.layer(&format!("{prefix}out.2"), &[cfg.out_channels, width, 3, 3]);
    }
}

pub fn diff2lip(network: &diff2lip::Config) -> Layout {
    let mut layout = Layout::default();
    let cfg = &network.unet;
    if let Some(positions) = network.positions() {
        layout.put("position".into(), &positions);
    }
    let (width, emb) = (cfg.model_channels, cfg.embedding_channels());
    layout.layer("time_embed.0", &[emb, width]);
    layout.layer("time_embed.2", &[emb, emb]);
    layout.unet("", cfg, network.style());
    if let Some(draft) = &network.draft {
        let own = wav2lip(draft).tensors.into_iter();
        layout.tensors.extend(own.map(|(name, shape)| (format!("draft.{name}"), shape)));
        layout.layer("draft_to_style", &[emb, draft.embedding_channels()]);
        return layout;
    }
    // The audio encoder has one size whatever the U-Net's.
    let name = |part: &str| format!("audio_encoder.{part}");
    layout.layer(&name("time_embed.0"), &[32, 32]);
    layout.layer(&name("time_embed.2"), &[32, 32]);
    layout.layer(&name("input_block.0"), &[64, 80, 3]);
    layout.norm(&name("input_block.1"), 64);
    layout.layer(&name("encoder_blocks.0.0"), &[32, 1, 3, 3]);
    let mut from = 32;
    for (index, to) in [32, 32, 32, 64, 64, 64, 96, 96, 96, 128, 128].into_iter().enumerate() {
        layout.res_block(&GUIDED, &name(&format!("encoder_blocks.{}.0", index + 1)), from, to, 32);
        from = to;
    }
    layout.res_block(&GUIDED, &name("middle_block.0"), 128, 128, 32);
    layout.norm("audio_encoder_to_style.0", 128);
    layout.layer("audio_encoder_to_style.3", &[emb, 128, 1, 1]);
    layout
}

pub fn inception() -> Layout {
    let mut layout = Layout::default();
    let put = inception::walk(|name, c_in, &(_, c_out, [rows, columns], ..)| {
        layout.put(format!("{name}.conv.weight"), &[c_out, c_in, rows, columns]);
        layout.batch_norm(&format!("{name}.bn"), c_out);
        Ok(())
    });
    put.unwrap_or_else(|_| unreachable!("naming tensors cannot fail"));
    layout
}

/// `audio`: width of the concatenated sound embeddings, 5 · 256 as published.
pub fn diffused_heads(cfg: &unet::Config, audio: usize) -> Layout {
    let mut layout = Layout::default();
    let (width, emb) = (cfg.model_channels, cfg.embedding_channels());
    layout.layer("time_embed.fc.0", &[emb, width]);
    layout.layer("time_embed.fc.2", &[emb, emb]);
    layout.layer("audio_embed.0", &[emb, audio]);
    layout.layer("audio_embed.2", &[emb, emb]);
    layout.unet("", cfg, &diffused_heads::STYLE);
    layout
}

impl Layout {
    fn vq_res_block(&mut self, name: &str, from: usize, to: usize) {
        self.norm(&format!("{name}.norm1"), from);
        self.layer(&format!("{name}.conv1"), &[to, from, 3, 3]);
        self.norm(&format!("{name}.norm2"), to);
        self.layer(&format!("{name}.conv2"), &[to, to, 3, 3]);
        if from != to {
            self.layer(&format!("{name}.nin_shortcut"), &[to, from, 1, 1]);
        }
    }
    fn vq_attention(&mut self, name: &str, channels: usize) {
        self.norm(&format!("{name}.norm"), channels);
        for part in ["q", "k", "v", "proj_out"] {
            self.layer(&format!("{name}.{part}"), &[channels, channels, 1, 1]);
        }
    }
    fn vq_middle(&mut self, name: &str, channels: usize) {
        self.vq_res_block(&format!("{name}.block_1"), channels, channels);
        self.vq_attention(&format!("{name}.attn_1"), channels);
        self.vq_res_block(&format!("{name}.block_2"), channels, channels);
    }

    pub fn vq(&mut self, prefix: &str, cfg: &Vq) {
        let Vq { channels, channel_mult, res_blocks_per_level, latent, codes, coarsest_attends } = cfg;
        let last = channel_mult.len() - 1;
        let encoder = format!("{prefix}encoder");
        self.layer(&format!("{encoder}.conv_in"), &[*channels, 3, 3, 3]);
        let mut c = *channels;
        for (level, mult) in channel_mult.iter().enumerate() {
            for block in 0..*res_blocks_per_level {
                self.vq_res_block(&format!("{encoder}.down.{level}.block.{block}"), c, mult * channels);
                c = mult * channels;
                if *coarsest_attends && level == last {
                    self.vq_attention(&format!("{encoder}.down.{level}.attn.{block}"), c);
                }
            }
            if level < last {
                self.layer(&format!("{encoder}.down.{level}.downsample.conv"), &[c, c, 3, 3]);
            }
        }
        self.vq_middle(&format!("{encoder}.mid"), c);
        self.norm(&format!("{encoder}.norm_out"), c);
        self.layer(&format!("{encoder}.conv_out"), &[*latent, c, 3, 3]);
        let decoder = format!("{prefix}decoder");
        self.layer(&format!("{decoder}.conv_in"), &[c, *latent, 3, 3]);
        self.vq_middle(&format!("{decoder}.mid"), c);
        for (level, mult) in channel_mult.iter().enumerate().rev() {
            for block in 0..=*res_blocks_per_level {
                self.vq_res_block(&format!("{decoder}.up.{level}.block.{block}"), c, mult * channels);
                c = mult * channels;
                if *coarsest_attends && level == last {
                    self.vq_attention(&format!("{decoder}.up.{level}.attn.{block}"), c);
                }
            }
            if level > 0 {
                self.layer(&format!("{decoder}.up.{level}.upsample.conv"), &[c, c, 3, 3]);
            }
        }
        self.norm(&format!("{decoder}.norm_out"), c);
        self.layer(&format!("{decoder}.conv_out"), &[3, c, 3, 3]);
        self.put(format!("{prefix}quantize.embedding.weight"), &[*codes, *latent]);
        self.layer(&format!("{prefix}quant_conv"), &[*latent, *latent, 1, 1]);
        self.layer(&format!("{prefix}post_quant_conv"), &[*latent, *latent, 1, 1]);
    }
}

pub fn vq(cfg: &Vq) -> Layout {
    let mut layout = Layout::default();
    layout.vq("", cfg);
    layout
}

pub fn difftalk(cfg: &unet::Config, first_stage: &Vq) -> Layout {
    let mut layout = Layout::default();
    let net = "model.diffusion_model.";
    let (width, emb) = (cfg.model_channels, cfg.embedding_channels());
    layout.layer(&format!("{net}time_embed.0"), &[emb, width]);
    layout.layer(&format!("{net}time_embed.2"), &[emb, emb]);
    layout.unet(net, cfg, &difftalk::STYLE);
    layout.vq("first_stage_model.", first_stage);
    let mut from = 29;
    for (layer, to) in [(0, 32), (2, 32), (4, 64), (6, 64)] {
        layout.layer(&format!("cond_stage_model_for_audio.encoder_conv.{layer}"), &[to, from, 3]);
        from = to;
    }
    layout.layer("cond_stage_model_for_audio.encoder_fc1.0", &[64, 64]);
    layout.layer("cond_stage_model_for_audio.encoder_fc1.2", &[64, 64]);
    from = 32;
    for (layer, to) in [(0, 16), (2, 8), (4, 4), (6, 2), (8, 1)] {
        layout.layer(&format!("cond_stage_model_for_audio_smooth.attentionConvNet.{layer}"), &[to, from, 3]);
        from = to;
    }
    layout.layer("cond_stage_model_for_audio_smooth.attentionNet.0", &[8, 8]);
    layout.layer("cond_stage_model_for_ldm.encoder_fc1.0", &[128, 78]);
    layout.layer("cond_stage_model_for_ldm.encoder_fc1.2", &[64, 128]);
    layout.layer("cond_stage_model_for_ldm.encoder_fc1.4", &[64, 64]);
    layout
}

/// What a file's shapes tell of a network's configuration. `shape` answers the shape of a tensor by its
/// name in the network. Numbers are kept small: they come from outside and are multiplied.
pub mod read {
    use super::{Vq, unet};

    const MOST_BLOCKS: usize = 64;
    const MOST_CHANNELS: usize = 1 << 16;

    pub fn unet(shape: &dyn Fn(&str) -> Option<Vec<usize>>, head_channels: usize) -> Option<unet::Config> {
        let has = |name: &str| shape(name).is_some();
        let [width, in_channels, ..] = shape("input_blocks.0.0.weight")?[..] else { return None };
        let out_channels = *shape("out.2.weight")?.first()?;
        let is_block = |i: &usize| {
            has(&format!("input_blocks.{i}.0.in_layers.0.weight"))
                || has(&format!("input_blocks.{i}.0.op.weight"))
        };
        let blocks = 1 + (1..MOST_BLOCKS).take_while(is_block).count();
        let ends_level = |i: &usize| {
            [1, 2].iter().any(|part| {
                let name = format!("output_blocks.{i}.{part}");
                has(&format!("{name}.in_layers.0.weight")) || has(&format!("{name}.conv.weight"))
            })
        };
        let levels = 1 + (0..MOST_BLOCKS).filter(ends_level).count();
        let per_level = blocks / levels;
        if width == 0 || width > MOST_CHANNELS || per_level < 2 || blocks % levels != 0 {
            return None;
        }
        let first = |level: usize| 1 + level * per_level;
        let channels = |level| shape(&format!("input_blocks.{}.0.out_layers.3.weight", first(level)));
        let mult = |level| Some(channels(level)?.first()?.min(&MOST_CHANNELS) / width);
        let attends = |level: &usize| has(&format!("input_blocks.{}.1.norm.weight", first(*level)));
        Some(unet::Config {
            in_channels,
            out_channels,
            model_channels: width,
            channel_mult: (0..levels).map(mult).collect::<Option<_>>()?,
            res_blocks_per_level: per_level - 1,
            attention_at: (0..levels).filter(attends).map(|level| 1 << level).collect(),
            // Leaves no trace in the shapes: the published width, or what a narrower network can have.
            head_channels: (1 << width.trailing_zeros()).min(head_channels),
        })
    }

    pub fn vq(shape: &dyn Fn(&str) -> Option<Vec<usize>>) -> Option<Vq> {
        let has = |name: String| shape(&name).is_some();
        let channels = *shape("encoder.conv_in.weight")?.first()?;
        let [codes, latent] = shape("quantize.embedding.weight")?[..] else { return None };
        let block = |level: usize, block: usize| format!("encoder.down.{level}.block.{block}.conv1.weight");
        let levels = (0..MOST_BLOCKS).take_while(|&level| has(block(level, 0))).count();
        let res_blocks_per_level = (0..MOST_BLOCKS).take_while(|&index| has(block(0, index))).count();
        if channels == 0 || channels > MOST_CHANNELS || levels == 0 {
            return None;
        }
        let mult = |level| Some(shape(&block(level, 0))?.first()?.min(&MOST_CHANNELS) / channels);
        let channel_mult = (0..levels).map(mult).collect::<Option<_>>()?;
        let coarsest_attends = has(format!("encoder.down.{}.attn.0.norm.weight", levels - 1));
        Some(Vq { channels, channel_mult, res_blocks_per_level, latent, codes, coarsest_attends })
    }
}
