//! S³FD: "Single Shot Scale-invariant Face Detector" (Zhang et al. 2017): VGG-16 with detection heads on six
//! of its feature maps.
//!
//! Two sets of weights are about, from two re-implementations that differ in names and in details that
//! matter: 1adrianb/face-alignment's, which Wav2Lip and Diff2Lip use, and joonson/syncnet_python's, which
//! measures lip-sync.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{Conv2d, Walk, check_width, max_pool2, param, relu, telltale};
use crate::error::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    FaceAlignment,
    SyncNet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    pub flavour: Flavour,
    /// Channels of the first layer; all others follow. 64 in the published networks.
    pub width: usize,
}

impl Config {
    pub fn released(flavour: Flavour) -> Self {
        Self { flavour, width: 64 }
    }

    pub fn of_checkpoint(vb: &VarBuilder) -> Result<Self> {
        let flavour =
            if vb.contains_tensor("vgg.0.weight") { Flavour::SyncNet } else { Flavour::FaceAlignment };
        let first = telltale(vb, &format!("{}.weight", flavour.backbone(0)))?;
        Ok(Self { flavour, width: first.dims4()?.0 })
    }
}

/// Convolutions of VGG-16 by stage: name in face-alignment, index in syncnet_python.
const BACKBONE: [(&str, usize, usize); 15] = [
    ("conv1_1", 0, 1),
    ("conv1_2", 2, 1),
    ("conv2_1", 5, 2),
    ("conv2_2", 7, 2),
    ("conv3_1", 10, 4),
    ("conv3_2", 12, 4),
    ("conv3_3", 14, 4),
    ("conv4_1", 17, 8),
    ("conv4_2", 19, 8),
    ("conv4_3", 21, 8),
    ("conv5_1", 24, 8),
    ("conv5_2", 26, 8),
    ("conv5_3", 28, 8),
    ("fc6", 31, 16),
    ("fc7", 33, 16),
];
/// The last convolution of each stage: pooling follows.
const STAGE_ENDS: [usize; 5] = [1, 3, 6, 9, 12];
const EXTRAS: [&str; 4] = ["conv6_1", "conv6_2", "conv7_1", "conv7_2"];
const SOURCES: [&str; 6] = ["conv3_3_norm", "conv4_3_norm", "conv5_3_norm", "fc7", "conv6_2", "conv7_2"];
const LEVELS: usize = SOURCES.len();

impl Flavour {
    /// What is subtracted from the channels, in the order in which they are fed. Face-alignment's are the
    /// means of blue, green, red; Wav2Lip nevertheless feeds it red, green, blue.
    pub fn channel_means(self) -> [f32; 3] {
        match self {
            Self::FaceAlignment => [104.0, 117.0, 123.0],
            Self::SyncNet => [123.0, 117.0, 104.0],
        }
    }

    fn backbone(self, layer: usize) -> String {
        let (name, index, _) = BACKBONE[layer];
        match self {
            Self::FaceAlignment => name.to_owned(),
            Self::SyncNet => format!("vgg.{index}"),
        }
    }

    fn extra(self, i: usize) -> String {
        match self {
            Self::FaceAlignment => EXTRAS[i].to_owned(),
            Self::SyncNet => format!("extras.{i}"),
        }
    }

    fn norm(self, i: usize) -> String {
        match self {
            Self::FaceAlignment => SOURCES[i].to_owned(),
            Self::SyncNet => format!("L2Norm{}_3", i + 3),
        }
    }

    fn confidence(self, level: usize) -> String {
        match self {
            Self::FaceAlignment => format!("{}_mbox_conf", SOURCES[level]),
            Self::SyncNet => format!("conf.{level}"),
        }
    }

    fn location(self, level: usize) -> String {
        match self {
            Self::FaceAlignment => format!("{}_mbox_loc", SOURCES[level]),
            Self::SyncNet => format!("loc.{level}"),
        }
    }

    fn fc6(self) -> Walk {
        match self {
            Self::FaceAlignment => Walk::padded(3),
            Self::SyncNet => Walk { dilation: 6, ..Walk::padded(6) },
        }
    }

    /// Whether the third pooling keeps an odd last row and column.
    fn pools_to_ceiling(self, stage: usize) -> bool {
        self == Self::SyncNet && stage == 2
    }
}

/// What the heads of one feature map say.
#[derive(Debug, Clone)]
pub struct Level {
    /// `[n, 2, h, w]`: not a face, a face; before the softmax.
    pub confidence: Tensor,
    /// `[n, 4, h, w]`: offsets from the anchor: centre x and y in anchors' sizes over 0.1, logarithms of width
    /// and height over 0.2.
    pub location: Tensor,
}

#[derive(Debug, Clone)]
pub struct S3fd {
    flavour: Flavour,
    backbone: Vec<Conv2d>,
    extras: Vec<Conv2d>,
    norms: Vec<Tensor>,
    heads: Vec<(Conv2d, Conv2d)>,
    dtype: DType,
}

impl S3fd {
    pub fn new(cfg: &Config, vb: &VarBuilder) -> Result<Self> {
        let (flavour, w) = (cfg.flavour, cfg.width);
        check_width("S3FD", w)?;
        let mut channels = 3;
        let mut backbone = Vec::with_capacity(BACKBONE.len());
        for (layer, (name, _, times)) in BACKBONE.into_iter().enumerate() {
            let vb = vb.pp(flavour.backbone(layer));
            backbone.push(match name {
                "fc6" => Conv2d::new(&vb, channels, times * w, [3, 3], flavour.fc6())?,
                "fc7" => Conv2d::point(&vb, channels, times * w)?,
                _ => Conv2d::same3(&vb, channels, times * w)?,
            });
            channels = times * w;
        }
        let extra = |i: usize| vb.pp(flavour.extra(i));
        let extras = vec![
            Conv2d::point(&extra(0), 16 * w, 4 * w)?,
            Conv2d::new(&extra(1), 4 * w, 8 * w, [3, 3], Walk::strided(2, 1))?,
            Conv2d::point(&extra(2), 8 * w, 2 * w)?,
            Conv2d::new(&extra(3), 2 * w, 4 * w, [3, 3], Walk::strided(2, 1))?,
        ];
        let widths = [4 * w, 8 * w, 8 * w, 16 * w, 8 * w, 4 * w];
        let norm = |i: usize| param(&vb.pp(flavour.norm(i)).to_dtype(DType::F32), &[widths[i]], "weight");
        let head = |level: usize| {
            // The finest level has three ways of not being a face.
            let classes = if level == 0 { 4 } else { 2 };
            Ok((
                Conv2d::same3(&vb.pp(flavour.confidence(level)), widths[level], classes)?,
                Conv2d::same3(&vb.pp(flavour.location(level)), widths[level], 4)?,
            ))
        };
        Ok(Self {
            flavour,
            backbone,
            extras,
            norms: (0..3).map(norm).collect::<Result<_>>()?,
            heads: (0..LEVELS).map(head).collect::<Result<_>>()?,
            dtype: vb.dtype(),
        })
    }

    /// `pictures`: `[n, 3, h, w]`, 0 to 255 less [`Flavour::channel_means`] → six levels, fine to coarse.
    pub fn forward(&self, pictures: &Tensor) -> Result<Vec<Level>> {
        let mut x = pictures.to_dtype(self.dtype)?;
        let mut sources = Vec::with_capacity(LEVELS);
        for (layer, conv) in self.backbone.iter().enumerate() {
            x = relu(&conv.forward(&x)?)?;
            if let Some(stage) = STAGE_ENDS.iter().position(|&end| end == layer) {
                if let Some(norm) = stage.checked_sub(2).and_then(|i| self.norms.get(i)) {
                    sources.push(l2_norm(&x, norm)?);
                }
                x = max_pool2(&x, self.flavour.pools_to_ceiling(stage))?;
            }
        }
        sources.push(x.clone());
        for (i, conv) in self.extras.iter().enumerate() {
            x = relu(&conv.forward(&x)?)?;
            if i % 2 == 1 {
                sources.push(x.clone());
            }
        }
        let level = |(source, (confidence, location)): (&Tensor, &(Conv2d, Conv2d))| {
            Ok(Level {
                confidence: max_out(&confidence.forward(source)?.to_dtype(DType::F32)?)?,
                location: location.forward(source)?.to_dtype(DType::F32)?,
            })
        };
        sources.iter().zip(&self.heads).map(level).collect()
    }

    /// The faces in each picture, best first. `pictures`: `[n, 3, h, w]`, 0 to 255, channels in the order of
    /// [`Flavour::channel_means`].
    pub fn detect(&self, pictures: &Tensor, rule: &Rule) -> Result<Vec<Vec<Detection>>> {
        let means = Tensor::new(&self.flavour.channel_means(), pictures.device())?.reshape((1, 3, 1, 1))?;
        let levels = self.forward(&pictures.to_dtype(DType::F32)?.broadcast_sub(&means)?)?;
        (0..pictures.dim(0)?).map(|n| Ok(rule.choose(candidates(&levels, n, CANDIDATE)?))).collect()
    }
}

/// Every position's vector at the length given by its channel's `weight`.
fn l2_norm(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let full = x.to_dtype(DType::F32)?;
    let length = (full.sqr()?.sum_keepdim(1)?.sqrt()? + 1e-10)?;
    let unit = full.broadcast_div(&length)?;
    Ok(unit.broadcast_mul(&weight.reshape((1, (), 1, 1))?)?.to_dtype(x.dtype())?)
}

/// Of all classes but the last, which is the face, the likeliest.
fn max_out(confidence: &Tensor) -> Result<Tensor> {
    let others = confidence.dim(1)? - 1;
    let background = confidence.narrow(1, 0, others)?.max_keepdim(1)?;
    Ok(Tensor::cat(&[&background, &confidence.narrow(1, others, 1)?], 1)?)
}

/// Corners in pixels of the network's input: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    pub corners: [f32; 4],
    /// 0 to 1.
    pub score: f32,
}

/// Scores below this are not looked at.
pub const CANDIDATE: f32 = 0.05;

/// How detections are thinned out. Both published rules follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// Boxes that overlap a better one by more than this (intersection over union) are dropped.
    pub overlap: f32,
    /// Whether a box covers its last pixel row and column.
    pub inclusive: bool,
    /// Scores must be above this at the end.
    pub score: f32,
    /// A second, stricter thinning of what is left.
    pub final_overlap: Option<f32>,
}

impl Rule {
    /// What Wav2Lip and Diff2Lip do.
    pub const FACE_ALIGNMENT: Self = Self { overlap: 0.3, inclusive: true, score: 0.5, final_overlap: None };

    /// What syncnet_python's `run_pipeline.py` does.
    pub const SYNCNET: Self = Self { overlap: 0.3, inclusive: false, score: 0.9, final_overlap: Some(0.1) };

    /// What is left of `candidates`, best first.
    pub fn choose(&self, candidates: Vec<Detection>) -> Vec<Detection> {
        let mut kept = pick(&candidates, &suppress(&candidates, self.overlap, self.inclusive));
        kept.retain(|detection| detection.score > self.score);
        match self.final_overlap {
            Some(overlap) => pick(&kept, &suppress(&kept, overlap, self.inclusive)),
            None => kept,
        }
    }
}

fn pick(of: &[Detection], indices: &[usize]) -> Vec<Detection> {
    indices.iter().map(|&i| of[i]).collect()
}

/// Every position of picture `n` whose score is above `least`, decoded; level by level, row by row.
pub fn candidates(levels: &[Level], n: usize, least: f32) -> Result<Vec<Detection>> {
    let mut found = Vec::new();
    for (level, heads) in levels.iter().enumerate() {
        let (_, _, rows, columns) = heads.confidence.dims4()?;
        let flat = |x: &Tensor| x.get(n)?.flatten_from(1)?.to_vec2::<f32>();
        let (confidence, location) = (flat(&heads.confidence)?, flat(&heads.location)?);
        let stride = (4 << level) as f32;
        for at in 0..rows * columns {
            let score = 1.0 / (1.0 + (confidence[0][at] - confidence[1][at]).exp());
            if score > least {
                let centre = [at % columns, at / columns].map(|i| (i as f32 + 0.5) * stride);
                let offsets = [0, 1, 2, 3].map(|i| location[i][at]);
                found.push(Detection { corners: decode(centre, 4.0 * stride, offsets), score });
            }
        }
    }
    Ok(found)
}

/// An anchor of side `size` moved and stretched as SSD does it (Liu et al. 2016).
fn decode(centre: [f32; 2], size: f32, offsets: [f32; 4]) -> [f32; 4] {
    let [x, y] = [0, 1].map(|i| centre[i] + offsets[i] * 0.1 * size);
    let [w, h] = [2, 3].map(|i| size * (offsets[i] * 0.2).exp());
    [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]
}

/// Greedy non-maximum suppression: indices of what stays, best first.
pub fn suppress(boxes: &[Detection], overlap: f32, inclusive: bool) -> Vec<usize> {
    let edge = if inclusive { 1.0 } else { 0.0 };
    let area = |[x1, y1, x2, y2]: [f32; 4]| (x2 - x1 + edge).max(0.0) * (y2 - y1 + edge).max(0.0);
    let overlap_of = |a: [f32; 4], b: [f32; 4]| {
        let common = area([a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
        common / (area(a) + area(b) - common)
    };
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| boxes[b].score.total_cmp(&boxes[a].score));
    let mut kept: Vec<usize> = Vec::new();
    for i in order {
        if kept.iter().all(|&better| overlap_of(boxes[better].corners, boxes[i].corners) <= overlap) {
            kept.push(i);
        }
    }
    kept
}
