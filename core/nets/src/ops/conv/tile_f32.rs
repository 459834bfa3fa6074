//! Tiles in f32, for every processor: in vector instructions where they are known (left to itself the compiler
//! splits a tile's rows over registers of several widths and spills them), chosen at run time.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::ops::Range;

use rayon::prelude::*;

use super::drive::Tiles;
use super::geometry::{Plan, Tap};
use super::{Kernel, pack};
use crate::ops::buffer::Buffer;

/// Planes of all images in f32, and the kernel as it lies in its tensor.
pub struct F32Tiles<'a> {
    plan: &'a Plan,
    kernel: &'a Kernel<'a>,
    groups: usize,
    planes: Buffer,
    isa: &'static Isa,
}

impl<'a> F32Tiles<'a> {
    pub fn new(plan: &'a Plan, kernel: &'a Kernel<'a>, groups: usize, x: &[f32]) -> Self {
        Self::with(Isa::best(), plan, kernel, groups, x)
    }

    fn with(isa: &'static Isa, plan: &'a Plan, kernel: &'a Kernel<'a>, groups: usize, x: &[f32]) -> Self {
        Self { plan, kernel, groups, planes: planes(&plan.planes, x, isa.width), isa }
    }
}

#[cfg(test)]
impl<'a> F32Tiles<'a> {
    /// In every instruction set that this processor has.
    pub fn of_every_kind(
        plan: &'a Plan,
        kernel: &'a Kernel<'a>,
        groups: usize,
        x: &[f32],
    ) -> impl Iterator<Item = Self> {
        let mut kinds = vec![&PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            kinds.extend(Isa::has_avx2().then_some(&AVX2));
            kinds.extend(Isa::has_avx512().then_some(&AVX512));
        }
        kinds.into_iter().map(move |isa| Self::with(isa, plan, kernel, groups, x))
    }
}

/// All channels of all images as planes, and `slack` samples more, since a last tile reads beyond its rows.
pub fn planes(planes: &super::geometry::Planes, x: &[f32], slack: usize) -> Buffer {
    let picture = planes.source[0] * planes.source[1];
    let len = x.len() / picture * planes.channel;
    let mut buffer = Buffer::dirty(len + slack);
    let (channels, rest) = buffer.f32().split_at_mut(len);
    rest.fill(0.0);
    (channels.par_chunks_exact_mut(planes.channel).zip(x.par_chunks_exact(picture)).with_min_len(4))
        .for_each(|(target, source)| pack::channel(planes, source, target));
    buffer
}

impl Tiles for F32Tiles<'_> {
    fn panel(&self) -> usize {
        self.isa.panel
    }

    fn width(&self) -> usize {
        self.isa.width
    }

    fn origin(&self, image: usize, group: usize) -> usize {
        (image * self.groups + group) * self.kernel.ins * self.plan.planes.channel
    }

    fn accumulate(
        &self,
        pass: usize,
        group: usize,
        panels: Range<usize>,
        origins: &[usize],
        sums: &mut [f32],
    ) {
        let Kernel { data, outs, ins, out_stride, in_stride, group_stride } = *self.kernel;
        let Isa { panel, width, tiles, .. } = *self.isa;
        let taps = &self.plan.passes[pass].taps;
        // So many channels that what a tile reads of the planes stays in the first-level cache while the
        // panels go by.
        let block = (288 / taps.len()).clamp(4, 112);
        let row = origins.len() * width;
        for begin in (0..ins).step_by(block) {
            for (tile, origin) in origins.iter().enumerate() {
                for (i, first) in panels.clone().map(|p| p * panel).enumerate() {
                    let rows = panel.min(outs - first);
                    let weights = group * group_stride + first * out_stride + begin * in_stride;
                    let at = Operands {
                        taps,
                        channels: block.min(ins - begin),
                        weights: data[weights..].as_ptr(),
                        strides: [out_stride, in_stride],
                        // SAFETY: an origin and the channels after it lie in the planes.
                        samples: unsafe {
                            self.planes.as_ptr::<f32>().add(origin + begin * self.plan.planes.channel)
                        },
                        channel: self.plan.planes.channel,
                        sums: sums[i * panel * row + tile * width..].as_mut_ptr(),
                        row,
                    };
                    // SAFETY: the processor has what `isa` needs (`Isa::best`). Weights: `rows` output channels
                    // from `first` and the block's input channels are in `data`. Samples: the furthest tap of
                    // the last position lies in the planes, a tile's width beyond it in their slack.
                    // Sums: `rows` rows from the i-th panel's first.
                    unsafe { tiles[rows - 1](&at) };
                }
            }
        }
    }
}

/// What a tile reads and adds to.
struct Operands<'a> {
    taps: &'a [Tap],
    channels: usize,
    weights: *const f32,
    /// From one output channel's weights to the next's, and from one input channel's.
    strides: [usize; 2],
    samples: *const f32,
    channel: usize,
    sums: *mut f32,
    row: usize,
}

type Tile = unsafe fn(&Operands);

/// A tile shape, and the code for each number of output channels up to a whole panel.
struct Isa {
    panel: usize,
    width: usize,
    tiles: &'static [Tile],
}

impl Isa {
    fn best() -> &'static Self {
        #[cfg(target_arch = "x86_64")]
        {
            if Self::has_avx512() {
                return &AVX512;
            }
            if Self::has_avx2() {
                return &AVX2;
            }
        }
        &PORTABLE
    }

    #[cfg(target_arch = "x86_64")]
    fn has_avx512() -> bool {
        is_x86_feature_detected!("avx512f")
    }

    #[cfg(target_arch = "x86_64")]
    fn has_avx2() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
    }
}

/// Adds one tile. Sums stay in `ROWS · WIDTH / lanes` vector registers.
#[inline(always)]
unsafe fn tile<const ROWS: usize, const WIDTH: usize, const FUSED: bool>(at: &Operands) {
    // SAFETY: the caller vouches for every address (`Tiles::accumulate`).
    unsafe {
        let mut sums = [[0f32; WIDTH]; ROWS];
        for (i, sums) in sums.iter_mut().enumerate() {
            *sums = at.sums.add(i * at.row).cast::<[f32; WIDTH]>().read_unaligned();
        }
        for c in 0..at.channels {
            let samples = at.samples.add(c * at.channel);
            let weights = at.weights.add(c * at.strides[1]);
            for tap in at.taps {
                let samples = samples.add(tap.offset).cast::<[f32; WIDTH]>().read_unaligned();
                for (i, sums) in sums.iter_mut().enumerate() {
                    let weight = *weights.add(tap.index + i * at.strides[0]);
                    for (sum, sample) in sums.iter_mut().zip(samples) {
                        *sum = if FUSED { weight.mul_add(sample, *sum) } else { *sum + weight * sample };
                    }
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            at.sums.add(i * at.row).cast::<[f32; WIDTH]>().write_unaligned(*sums);
        }
    }
}

/// The same tile in a processor's own vectors.
#[cfg(target_arch = "x86_64")]
macro_rules! tiles {
    ($feature:literal, $panel:literal by $vectors:literal of $lanes:literal,
     $zero:ident $load:ident $store:ident $splat:ident $fma:ident, [$($rows:literal)*]) => {
        Isa {
            panel: $panel,
            width: $vectors * $lanes,
            tiles: &[$({
                #[target_feature(enable = $feature)]
                unsafe fn rows(at: &Operands) {
                    // SAFETY: as for `tile`.
                    unsafe {
                        let mut sums = [[$zero(); $vectors]; $rows];
                        for i in 0..$rows {
                            for v in 0..$vectors {
                                sums[i][v] = $load(at.sums.add(i * at.row + v * $lanes));
                            }
                        }
                        for c in 0..at.channels {
                            let channel = at.samples.add(c * at.channel);
                            let weights = at.weights.add(c * at.strides[1]);
                            for tap in at.taps {
                                let from = channel.add(tap.offset);
                                let mut samples = [$zero(); $vectors];
                                for v in 0..$vectors {
                                    samples[v] = $load(from.add(v * $lanes));
                                }
                                for i in 0..$rows {
                                    let weight = $splat(*weights.add(tap.index + i * at.strides[0]));
                                    for v in 0..$vectors {
                                        sums[i][v] = $fma(weight, samples[v], sums[i][v]);
                                    }
                                }
                            }
                        }
                        for i in 0..$rows {
                            for v in 0..$vectors {
                                $store(at.sums.add(i * at.row + v * $lanes), sums[i][v]);
                            }
                        }
                    }
                }
                rows
            }),*],
        }
    };
}

#[cfg(target_arch = "x86_64")]
static AVX512: Isa = tiles!(
    "avx512f", 8 by 3 of 16,
    _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_fmadd_ps,
    [1 2 3 4 5 6 7 8]
);
#[cfg(target_arch = "x86_64")]
static AVX2: Isa = tiles!(
    "avx2,fma", 4 by 3 of 8,
    _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_fmadd_ps,
    [1 2 3 4]
);

/// Where multiply-add is not sure to be one instruction, `mul_add` would be a library call.
const FUSED: bool = cfg!(target_arch = "aarch64");
static PORTABLE: Isa = Isa {
    panel: 4,
    width: 16,
    tiles: &[tile::<1, 16, FUSED>, tile::<2, 16, FUSED>, tile::<3, 16, FUSED>, tile::<4, 16, FUSED>],
};
