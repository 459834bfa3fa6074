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

/// A kernel in the order in which the tiles go through it: read as it lies in its tensor, its lines would push one
/// another out of the first-level cache.
pub struct F32Kernel {
    /// For each (pass, group): `[panel][input channel][tap][output channel of the panel]`, zeros behind the last.
    weights: Vec<f32>,
    /// Where each (pass, group) begins.
    begins: Vec<usize>,
    groups: usize,
    ins: usize,
    isa: &'static Isa,
}

impl F32Kernel {
    pub fn new(plan: &Plan, kernel: &Kernel, groups: usize) -> Self {
        Self::with(Isa::best(), plan, kernel, groups)
    }

    fn with(isa: &'static Isa, plan: &Plan, kernel: &Kernel, groups: usize) -> Self {
        let Kernel { data, outs, ins, out_stride, in_stride, group_stride } = *kernel;
        let (panel, panels) = (isa.panel, outs.div_ceil(isa.panel));
        let (mut begins, mut len) = (Vec::new(), 0);
        for pass in &plan.passes {
            for _ in 0..groups {
                begins.push(len);
                len += panels * ins * pass.taps.len() * panel;
            }
        }
        let mut weights = vec![0f32; len];
        for (i, begin) in begins.iter().enumerate() {
            let (taps, group) = (&plan.passes[i / groups].taps, i % groups);
            let size = ins * taps.len() * panel;
            if size == 0 {
                continue;
            }
            let parts = weights[*begin..*begin + panels * size].par_chunks_exact_mut(size);
            parts.enumerate().for_each(|(number, to)| {
                for row in 0..panel.min(outs - number * panel) {
                    let from = group * group_stride + (number * panel + row) * out_stride;
                    for channel in 0..ins {
                        for (t, tap) in taps.iter().enumerate() {
                            to[(channel * taps.len() + t) * panel + row] =
                                data[from + channel * in_stride + tap.index];
                        }
                    }
                }
            });
        }
        Self { weights, begins, groups, ins, isa }
    }

    #[cfg(test)]
    pub fn of_every_kind(plan: &Plan, kernel: &Kernel, groups: usize) -> impl Iterator<Item = Self> {
        Isa::every_kind().into_iter().map(move |isa| Self::with(isa, plan, kernel, groups))
    }
}

/// Planes of all images in f32, and the kernel.
pub struct F32Tiles<'a> {
    plan: &'a Plan,
    kernel: &'a F32Kernel,
    planes: Buffer,
}

impl<'a> F32Tiles<'a> {
    pub fn new(plan: &'a Plan, kernel: &'a F32Kernel, x: &[f32]) -> Self {
        Self { plan, kernel, planes: planes(&plan.planes, x, kernel.isa.width) }
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
        self.kernel.isa.panel
    }

    fn width(&self) -> usize {
        self.kernel.isa.width
    }

    fn origin(&self, image: usize, group: usize) -> usize {
        (image * self.kernel.groups + group) * self.kernel.ins * self.plan.planes.channel
    }

    fn accumulate(
        &self,
        pass: usize,
        group: usize,
        panels: Range<usize>,
        origins: &[usize],
        sums: &mut [f32],
    ) {
        let F32Kernel { weights, begins, groups, ins, isa } = self.kernel;
        let (begin, Isa { panel, width, tile }) = (begins[pass * groups + group], isa);
        let taps = &self.plan.passes[pass].taps;
        // So many channels that what a tile reads of the planes stays in the first-level cache while the
        // panels go by.
        let block = (288 / taps.len()).clamp(4, 112);
        let row = origins.len() * width;
        for first in (0..*ins).step_by(block) {
            for (number, origin) in origins.iter().enumerate() {
                for (i, p) in panels.clone().enumerate() {
                    let at = Operands {
                        taps,
                        channels: block.min(ins - first),
                        weights: weights[begin + (p * ins + first) * taps.len() * panel..].as_ptr(),
                        // SAFETY: an origin and the channels after it lie in the planes.
                        samples: unsafe {
                            self.planes.as_ptr::<f32>().add(origin + first * self.plan.planes.channel)
                        },
                        channel: self.plan.planes.channel,
                        sums: sums[i * panel * row + number * width..].as_mut_ptr(),
                        row,
                    };
                    // SAFETY: the processor has what `isa` needs (`Isa::best`). Weights: the block's input channels of
                    // the panel are there. Samples: the furthest tap of the last position lies in the planes, a
                    // tile's width beyond it in their slack. Sums: a panel's rows from the i-th panel's first.
                    unsafe { tile(&at) };
                }
            }
        }
    }
}

/// What a tile reads and adds to.
struct Operands<'a> {
    taps: &'a [Tap],
    channels: usize,
    /// `[channel][tap][row]`.
    weights: *const f32,
    samples: *const f32,
    channel: usize,
    sums: *mut f32,
    row: usize,
}

type Tile = unsafe fn(&Operands);

/// A tile's shape and code.
pub struct Isa {
    /// Output channels.
    pub panel: usize,
    /// Neighbouring positions.
    pub width: usize,
    tile: Tile,
}

impl Isa {
    /// A tile as a matrix product: `sums[i][j] += Σ over c < channels of weights[c][i] · samples[c][j]`, rows of
    /// `panel` weights, `width` samples and sums.
    ///
    /// # Safety
    /// All three lie in memory.
    pub unsafe fn product(&self, weights: *const f32, samples: *const f32, channels: usize, sums: *mut f32) {
        let taps = &[Tap { offset: 0, index: 0 }];
        let (channel, row) = (self.width, self.width);
        let at = Operands { taps, channels, weights, samples, channel, sums, row };
        // SAFETY: the processor has what this needs (`Isa::best`); addresses are the caller's word.
        unsafe { (self.tile)(&at) };
    }

    /// Every instruction set that this processor has.
    #[cfg(test)]
    pub fn every_kind() -> Vec<&'static Self> {
        let mut kinds = vec![&PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            kinds.extend(Isa::has_avx2().then_some(&AVX2));
            kinds.extend(Isa::has_avx512().then_some(&AVX512));
        }
        kinds
    }

    pub fn best() -> &'static Self {
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
            let weights = at.weights.add(c * at.taps.len() * ROWS);
            for (t, tap) in at.taps.iter().enumerate() {
                let samples = samples.add(tap.offset).cast::<[f32; WIDTH]>().read_unaligned();
                for (i, sums) in sums.iter_mut().enumerate() {
                    let weight = *weights.add(t * ROWS + i);
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
macro_rules! tile {
    ($feature:literal, $rows:literal by $vectors:literal of $lanes:literal,
     $zero:ident $load:ident $store:ident $splat:ident $fma:ident) => {{
        #[target_feature(enable = $feature)]
        unsafe fn tile(at: &Operands) {
            // SAFETY: as for the portable one.
            unsafe {
                let mut sums = [[$zero(); $vectors]; $rows];
                for i in 0..$rows {
                    for v in 0..$vectors {
                        sums[i][v] = $load(at.sums.add(i * at.row + v * $lanes));
                    }
                }
                let mut weights = at.weights;
                for c in 0..at.channels {
                    let channel = at.samples.add(c * at.channel);
                    for tap in at.taps {
                        let from = channel.add(tap.offset);
                        let mut samples = [$zero(); $vectors];
                        for v in 0..$vectors {
                            samples[v] = $load(from.add(v * $lanes));
                        }
                        for i in 0..$rows {
                            let weight = $splat(*weights.add(i));
                            for v in 0..$vectors {
                                sums[i][v] = $fma(weight, samples[v], sums[i][v]);
                            }
                        }
                        weights = weights.add($rows);
                    }
                }
                for i in 0..$rows {
                    for v in 0..$vectors {
                        $store(at.sums.add(i * at.row + v * $lanes), sums[i][v]);
                    }
                }
            }
        }
        Isa { panel: $rows, width: $vectors * $lanes, tile }
    }};
}

#[cfg(target_arch = "x86_64")]
static AVX512: Isa = tile!(
    "avx512f", 8 by 3 of 16,
    _mm512_setzero_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_set1_ps _mm512_fmadd_ps
);
// With 4 by 3 all 16 registers would be taken: one sum would go through memory at every step, which doubles the time.
#[cfg(target_arch = "x86_64")]
static AVX2: Isa = tile!(
    "avx2,fma", 6 by 2 of 8,
    _mm256_setzero_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_set1_ps _mm256_fmadd_ps
);

/// Where multiply-add is not sure to be one instruction, `mul_add` would be a library call.
const FUSED: bool = cfg!(target_arch = "aarch64");
static PORTABLE: Isa = Isa { panel: 4, width: 16, tile: tile::<4, 16, FUSED> };
