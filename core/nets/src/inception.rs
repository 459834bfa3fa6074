//! Inception v3 as the Fréchet distance of pictures is measured with it: "Rethinking the Inception Architecture" (Szegedy et al.
//! 2016) in TensorFlow's weights of 2015-12-05, as the package pytorch-fid has them (`pt_inception-2015-12-05-6726825d.pth`).
//! It differs from torchvision's: averages leave out what lies beyond the border, and the last block takes the largest
//! instead. Its 1008 classes are not used; what it feels before them is.

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;

use crate::blocks::{BatchNorm, Conv2d, Walk, max_pool, param, relu};
use crate::error::{NetsError, Result};

/// Side to which pictures are brought.
const SIDE: usize = 299;
/// Numbers in what is felt of a picture.
pub const FEATURES: usize = 2048;

/// A convolution without bias, batch normalisation, ReLU: name, channels out, kernel, stride, padding.
pub(crate) type Unit = (&'static str, usize, [usize; 2], usize, [usize; 2]);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Pool {
    None,
    /// Of 3×3 about each position.
    Average,
    Largest,
    /// Of 3×3, every second.
    Halving,
}

/// A pooling, units one after another, then the last ones side by side.
#[derive(Debug)]
pub(crate) struct Branch {
    pool: Pool,
    chain: Vec<Unit>,
    ends: Vec<Unit>,
}

impl Branch {
    fn pooled(&self, x: &Tensor) -> Result<Tensor> {
        match self.pool {
            Pool::None => Ok(x.clone()),
            Pool::Average => average(x),
            // Nothing here is negative: a border of zeros is never the largest.
            Pool::Largest => max_pool(&bordered(x)?, 3, [1, 1]),
            Pool::Halving => max_pool(x, 3, [2, 2]),
        }
    }
}

/// Blocks by name, in order; each block's branches are stacked. `""`: its units stand at the top.
type Blocks = Vec<(&'static str, Vec<Branch>)>;

fn blocks() -> Blocks {
    const POINT: [usize; 2] = [1, 1];
    let point = |name, out| -> Unit { (name, out, POINT, 1, [0, 0]) };
    let three = |name, out| -> Unit { (name, out, [3, 3], 1, [1, 1]) };
    let valid = |name, out, stride| -> Unit { (name, out, [3, 3], stride, [0, 0]) };
    let row = |name, out, reach: usize| -> Unit { (name, out, [1, reach], 1, [0, reach / 2]) };
    let column = |name, out, reach: usize| -> Unit { (name, out, [reach, 1], 1, [reach / 2, 0]) };
    let chain = |chain| Branch { pool: Pool::None, chain, ends: Vec::new() };
    let pooled = |pool, chain| Branch { pool, chain, ends: Vec::new() };

    let a = |pool_out| {
        vec![
            chain(vec![point("branch1x1", 64)]),
            chain(vec![point("branch5x5_1", 48), ("branch5x5_2", 64, [5, 5], 1, [2, 2])]),
            chain(vec![
                point("branch3x3dbl_1", 64),
                three("branch3x3dbl_2", 96),
                three("branch3x3dbl_3", 96),
            ]),
            pooled(Pool::Average, vec![point("branch_pool", pool_out)]),
        ]
    };
    let c = |width| {
        vec![
            chain(vec![point("branch1x1", 192)]),
            chain(vec![
                point("branch7x7_1", width),
                row("branch7x7_2", width, 7),
                column("branch7x7_3", 192, 7),
            ]),
            chain(vec![
                point("branch7x7dbl_1", width),
                column("branch7x7dbl_2", width, 7),
                row("branch7x7dbl_3", width, 7),
                column("branch7x7dbl_4", width, 7),
                row("branch7x7dbl_5", 192, 7),
            ]),
            pooled(Pool::Average, vec![point("branch_pool", 192)]),
        ]
    };
    let e = |pool| {
        let both = |chain, ends| Branch { pool: Pool::None, chain, ends };
        vec![
            chain(vec![point("branch1x1", 320)]),
            both(
                vec![point("branch3x3_1", 384)],
                vec![row("branch3x3_2a", 384, 3), column("branch3x3_2b", 384, 3)],
            ),
            both(
                vec![point("branch3x3dbl_1", 448), three("branch3x3dbl_2", 384)],
                vec![row("branch3x3dbl_3a", 384, 3), column("branch3x3dbl_3b", 384, 3)],
            ),
            pooled(pool, vec![point("branch_pool", 192)]),
        ]
    };
    vec![
        (
            "",
            vec![chain(vec![
                valid("Conv2d_1a_3x3", 32, 2),
                valid("Conv2d_2a_3x3", 32, 1),
                three("Conv2d_2b_3x3", 64),
            ])],
        ),
        ("", vec![pooled(Pool::Halving, vec![point("Conv2d_3b_1x1", 80), valid("Conv2d_4a_3x3", 192, 1)])]),
        ("", vec![pooled(Pool::Halving, vec![])]),
        ("Mixed_5b", a(32)),
        ("Mixed_5c", a(64)),
        ("Mixed_5d", a(64)),
        (
            "Mixed_6a",
            vec![
                chain(vec![valid("branch3x3", 384, 2)]),
                chain(vec![
                    point("branch3x3dbl_1", 64),
                    three("branch3x3dbl_2", 96),
                    valid("branch3x3dbl_3", 96, 2),
                ]),
                pooled(Pool::Halving, vec![]),
            ],
        ),
        ("Mixed_6b", c(128)),
        ("Mixed_6c", c(160)),
        ("Mixed_6d", c(160)),
        ("Mixed_6e", c(192)),
        (
            "Mixed_7a",
            vec![
                chain(vec![point("branch3x3_1", 192), valid("branch3x3_2", 320, 2)]),
                chain(vec![
                    point("branch7x7x3_1", 192),
                    row("branch7x7x3_2", 192, 7),
                    column("branch7x7x3_3", 192, 7),
                    valid("branch7x7x3_4", 192, 2),
                ]),
                pooled(Pool::Halving, vec![]),
            ],
        ),
        ("Mixed_7b", e(Pool::Average)),
        ("Mixed_7c", e(Pool::Largest)),
    ]
}

/// A block that is built: each branch with what stands for its chain's units and its ends'.
type Built<T> = Vec<(Branch, Vec<T>, Vec<T>)>;

pub struct Inception {
    blocks: Vec<Built<Conv2d>>,
}

/// Calls `layer` with the whole name, the channels in and the unit, for each unit in the network's own order.
pub(crate) fn walk<T>(mut layer: impl FnMut(&str, usize, &Unit) -> Result<T>) -> Result<Vec<Built<T>>> {
    let mut channels = 3;
    let mut walked = Vec::new();
    for (block, branches) in blocks() {
        let mut built = Vec::new();
        let mut all = 0;
        for branch in branches {
            let mut inside = channels;
            let mut unit = |inside: usize, unit: &Unit| {
                let dot = if block.is_empty() { "" } else { "." };
                layer(&format!("{block}{dot}{}", unit.0), inside, unit)
            };
            let mut chain = Vec::new();
            for one in &branch.chain {
                chain.push(unit(inside, one)?);
                inside = one.1;
            }
            let ends = branch.ends.iter().map(|one| unit(inside, one)).collect::<Result<Vec<_>>>()?;
            all += if ends.is_empty() { inside } else { branch.ends.iter().map(|one| one.1).sum() };
            built.push((branch, chain, ends));
        }
        channels = all;
        walked.push(built);
    }
    Ok(walked)
}

impl Inception {
    pub fn new(vb: &VarBuilder) -> Result<Self> {
        let conv = |name: &str, c_in: usize, &(_, c_out, [rows, columns], stride, padding): &Unit| {
            let vb = vb.pp(name);
            let weight = param(&vb.pp("conv"), &[c_out, c_in, rows, columns], "weight")?;
            let norm = BatchNorm { eps: 1e-3, ..BatchNorm::new(&vb.pp("bn"), c_out)? };
            let walk = Walk { stride: [stride; 2], padding, dilation: 1 };
            Conv2d::of_tensors(weight, None, walk).folding(&norm)
        };
        Ok(Self { blocks: walk(conv)? })
    }

    /// What is felt of pictures, `[n, 3, h, w]`, red, green and blue in [0, 1] → `[n, 2048]`.
    ///
    /// # Errors
    /// Pictures without pixels.
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut x = resized(pictures, SIDE)?.affine(2.0, -1.0)?;
        for block in &self.blocks {
            let mut made = Vec::new();
            for (branch, chain, ends) in block {
                let inside = chain.iter().try_fold(branch.pooled(&x)?, |x, conv| relu(&conv.forward(&x)?))?;
                match ends[..] {
                    [] => made.push(inside),
                    _ => {
                        for end in ends {
                            made.push(relu(&end.forward(&inside)?)?);
                        }
                    }
                }
            }
            x = Tensor::cat(&made, 1)?;
        }
        Ok(x.mean((2, 3))?)
    }
}

/// `[n, c, h, w] → [n, c, side, side]`, between the four nearest pixels, as PyTorch does without aligned corners and without
/// looking further where it shrinks.
fn resized(x: &Tensor, side: usize) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    if h.min(w) == 0 {
        return Err(NetsError::Invalid("a picture without pixels".to_owned()));
    }
    // A row for each pixel that is made: what the old ones are to it.
    let between = |size: usize| -> Result<Tensor> {
        let mut rows = vec![0f32; side * size];
        for made in 0..side {
            let at = ((made as f64 + 0.5) * size as f64 / side as f64 - 0.5).max(0.0);
            let first = (at as usize).min(size - 1);
            let beyond = (at - first as f64) as f32;
            rows[made * size + first] += 1.0 - beyond;
            rows[made * size + (first + 1).min(size - 1)] += beyond;
        }
        Ok(Tensor::from_vec(rows, (side, size), x.device())?)
    };
    let x = x.to_dtype(DType::F32)?;
    let wide = x.contiguous()?.reshape((n * c * h, w))?.matmul(&between(w)?.t()?)?;
    let wide = wide.reshape((n * c, h, side))?;
    let rows = between(h)?.broadcast_as((n * c, side, h))?.contiguous()?;
    Ok(rows.matmul(&wide)?.reshape((n, c, side, side))?)
}

fn bordered(x: &Tensor) -> Result<Tensor> {
    Ok(x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?)
}

/// The mean of 3×3 about each position, of what lies within.
fn average(x: &Tensor) -> Result<Tensor> {
    let mean = |x: &Tensor| -> Result<Tensor> { Ok(bordered(x)?.avg_pool2d_with_stride((3, 3), (1, 1))?) };
    let (_, _, h, w) = x.dims4()?;
    let within = mean(&Tensor::ones((1, 1, h, w), DType::F32, x.device())?)?;
    Ok(mean(x)?.broadcast_div(&within)?)
}
