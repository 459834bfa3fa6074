//! Tiles on the matrix unit of newer Intel processors (AMX), which multiplies bfloat16 only, sixteen times as
//! fast as vectors do f32.
//!
//! Each f32 is split into three bfloat16, which hold all of its bits, and a product takes six of theirs, summed
//! in f32: as exact as f32, for six times the work. At half precision ([`Precision::Half`]) the first part alone
//! stands for the value, and one product for six. Denormals count as zero.

use std::ops::Range;

use rayon::prelude::*;

use super::amx::{self, PARTS, ROWS};
use super::drive::Tiles;
use super::geometry::{Plan, Tap};
use super::{Kernel, pack};
use crate::ops::Precision;
use crate::ops::buffer::Buffer;
use lipsmith_base::vectorised;

/// Output channels and positions of a tile: two registers each way.
const PANEL: usize = 2 * ROWS;
const WIDTH: usize = 2 * ROWS;
/// Input channels a register holds: two bfloat16 in each 32 bits.
const BLOCK: usize = 2 * ROWS;

/// x as the nearest bfloat16.
#[inline(always)]
pub fn nearest(x: f32) -> u32 {
    let bits = x.to_bits();
    bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16
}

/// x as the nearest bfloat16, what is missing as another, and what is still missing as a third.
#[inline(always)]
pub fn split(x: f32) -> [u32; PARTS] {
    let value = |part: u32| f32::from_bits(part << 16);
    let first = nearest(x);
    let second = nearest(x - value(first));
    [first, second, nearest(x - value(first) - value(second))]
}

/// Parts that stand for a value.
pub fn parts(precision: Precision) -> usize {
    match precision {
        Precision::Full => PARTS,
        Precision::Half => 1,
    }
}

/// One register's worth of weights: `[output channel][input channel]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Weights([[u16; BLOCK]; ROWS]);

/// A kernel in the order in which the tiles go through it.
pub struct AmxKernel {
    /// For each (pass, group): `[panel][block][tap][part]`, two registers' channels each.
    weights: Vec<[Weights; 2]>,
    /// Parts kept of each weight: all, or the first.
    parts: usize,
    /// Where each (pass, group) begins, in steps of `parts`.
    begins: Vec<usize>,
    groups: usize,
    ins: usize,
}

impl AmxKernel {
    pub fn new(plan: &Plan, kernel: &Kernel, groups: usize, precision: Precision) -> Self {
        let parts = parts(precision);
        let (panels, blocks) = (kernel.outs.div_ceil(PANEL), kernel.ins.div_ceil(BLOCK));
        let mut begins = Vec::new();
        let mut len = 0;
        for pass in &plan.passes {
            for _ in 0..groups {
                begins.push(len);
                len += panels * blocks * pass.taps.len();
            }
        }
        let mut weights = vec![[Weights([[0; BLOCK]; ROWS]); 2]; len * parts];
        let mut rest = weights.as_mut_slice();
        for pass in &plan.passes {
            for group in 0..groups {
                let taps = pass.taps.len();
                let (part, after) = rest.split_at_mut(panels * blocks * taps * parts);
                rest = after;
                let of_group = Kernel { data: &kernel.data[group * kernel.group_stride..], ..*kernel };
                let chunks = part.par_chunks_mut((taps * parts).max(1)).enumerate();
                chunks.for_each_init(Vec::new, |work, (i, block)| {
                    let first = [i / blocks * PANEL, i % blocks * BLOCK];
                    lay_weights(&of_group, first, &pass.taps, work, block);
                });
            }
        }
        Self { weights, parts, begins, groups, ins: kernel.ins }
    }

    pub fn precision(&self) -> Precision {
        if self.parts == PARTS { Precision::Full } else { Precision::Half }
    }
}

/// One group's weights from the first output and input channel on, as many as a block takes, into `[tap][part]`; `work` is
/// for its own use.
fn lay_weights(
    kernel: &Kernel,
    [out, input]: [usize; 2],
    taps: &[Tap],
    work: &mut Vec<u16>,
    block: &mut [[Weights; 2]],
) {
    let parts = block.len() / taps.len();
    let outs = PANEL.min(kernel.outs - out);
    let ins = BLOCK.min(kernel.ins - input);
    // Along one kind of channels the weights lie side by side.
    let area = kernel.out_stride.min(kernel.in_stride);
    let along_ins = kernel.in_stride == area;
    let (across, along) = if along_ins { (outs, ins) } else { (ins, outs) };
    let far_stride = kernel.out_stride.max(kernel.in_stride);
    let begin = out * kernel.out_stride + input * kernel.in_stride;
    work.resize(parts * area * along, 0);
    for far in 0..across {
        split_run(&kernel.data[begin + far * far_stride..][..area * along], work);
        for (tap, registers) in taps.iter().zip(block.chunks_exact_mut(parts)) {
            for (registers, run) in registers.iter_mut().zip(work.chunks_exact(area * along)) {
                for near in 0..along {
                    let (o, c) = if along_ins { (far, near) } else { (near, far) };
                    registers[o / ROWS].0[o % ROWS][c] = run[near * area + tap.index];
                }
            }
        }
    }
}

/// Planes of all images in pairs of channels, a pair in 32 bits: first everyone's first parts, then, where the kernel has
/// them, the second, then the third.
pub struct AmxTiles<'a> {
    plan: &'a Plan,
    kernel: &'a AmxKernel,
    planes: Buffer,
    /// Samples of one part.
    len: usize,
}

impl<'a> AmxTiles<'a> {
    pub fn new(plan: &'a Plan, kernel: &'a AmxKernel, x: &[f32]) -> Self {
        let layout = &plan.planes;
        let picture = layout.source[0] * layout.source[1];
        let pairs = kernel.ins.div_ceil(BLOCK) * ROWS;
        let groups = x.len() / (picture * kernel.ins);
        let len = groups * pairs * layout.channel;
        let mut planes = Buffer::dirty(kernel.parts * len + WIDTH);
        let (first, rest) = planes.u32().split_at_mut(len);
        let (rest, slack) = rest.split_at_mut((kernel.parts - 1) * len);
        slack.fill(0);
        let of_pairs = |part| <[u32]>::par_chunks_exact_mut(part, layout.channel);
        let work = || Buffer::dirty(2 * layout.channel);
        // Both channels of pair `i`, laid out; one that does not exist is zero.
        let pair = |work: &mut Buffer, i: usize, split: &mut dyn FnMut(&[f32], &[f32])| {
            let (group, c) = (i / pairs, i % pairs * 2);
            let channels = &x[group * kernel.ins * picture..][..kernel.ins * picture];
            let (a, b) = work.f32().split_at_mut(layout.channel);
            for (c, target) in [(c, &mut *a), (c + 1, &mut *b)] {
                match channels.get(c * picture..(c + 1) * picture) {
                    Some(source) => pack::channel(layout, source, target),
                    None => target.fill(0.0),
                }
            }
            split(a, b);
        };
        match kernel.precision() {
            Precision::Full => {
                let (second, third) = rest.split_at_mut(len);
                let targets = of_pairs(first).zip(of_pairs(second)).zip(of_pairs(third));
                targets.enumerate().with_min_len(4).for_each_init(
                    work,
                    |work, (i, ((first, second), third))| {
                        pair(work, i, &mut |a, b| split_pairs(a, b, first, second, third));
                    },
                );
            }
            Precision::Half => {
                let targets = of_pairs(first).enumerate().with_min_len(4);
                targets.for_each_init(work, |work, (i, first)| {
                    pair(work, i, &mut |a, b| round_pairs(a, b, first));
                });
            }
        }
        Self { plan, kernel, planes, len }
    }
}
vectorised! {
    /// All first parts of a run of samples, then all second ones, as many parts as there is room for.
    fn split_run(samples: &[f32], split_samples: &mut [u16]) {
        if split_samples.len() == samples.len() {
            samples.iter().zip(split_samples).for_each(|(x, to)| *to = nearest(*x) as u16);
            return;
        }
        let (first, rest) = split_samples.split_at_mut(samples.len());
        let (second, third) = rest.split_at_mut(samples.len());
        for (((x, first), second), third) in samples.iter().zip(first).zip(second).zip(third) {
            let parts = split(*x);
            (*first, *second, *third) = (parts[0] as u16, parts[1] as u16, parts[2] as u16);
        }
    }
}

vectorised! {
    fn round_pairs(a: &[f32], b: &[f32], rounded: &mut [u32]) {
        for (rounded, (a, b)) in rounded.iter_mut().zip(a.iter().zip(b.iter())) {
            *rounded = nearest(*a) | nearest(*b) << 16;
        }
    }
}

vectorised! {
    fn split_pairs(a: &[f32], b: &[f32], first: &mut [u32], second: &mut [u32], third: &mut [u32]) {
        let parts = first.iter_mut().zip(second).zip(third);
        for (((first, second), third), (a, b)) in parts.zip(a.iter().zip(b.iter())) {
            let (a, b) = (split(*a), split(*b));
            (*first, *second, *third) = (a[0] | b[0] << 16, a[1] | b[1] << 16, a[2] | b[2] << 16);
        }
    }
}

impl Tiles for AmxTiles<'_> {
    fn panel(&self) -> usize {
        PANEL
    }

    fn width(&self) -> usize {
        WIDTH
    }

    fn origin(&self, image: usize, group: usize) -> usize {
        let pairs = self.kernel.ins.div_ceil(BLOCK) * ROWS;
        (image * self.kernel.groups + group) * pairs * self.plan.planes.channel
    }

    fn accumulate(
        &self,
        pass: usize,
        group: usize,
        panels: Range<usize>,
        origins: &[usize],
        sums: &mut [f32],
    ) {
        /// Steps between loading and storing a tile's sums: what they read of the planes stays in the
        /// first-level cache while the panels go by.
        const STEPS: usize = 9;
        let channel = self.plan.planes.channel;
        let blocks = self.kernel.ins.div_ceil(BLOCK);
        let taps = &self.plan.passes[pass].taps;
        let steps: Vec<usize> = (0..blocks)
            .flat_map(|block| taps.iter().map(move |tap| block * ROWS * channel + tap.offset))
            .collect();
        let parts = self.kernel.parts;
        let begin = self.kernel.begins[pass * self.kernel.groups + group];
        let row = origins.len() * WIDTH;
        let _registers = amx::Registers::new();
        for (chunk, steps_now) in steps.chunks(STEPS).enumerate() {
            for (tile, origin) in origins.iter().enumerate() {
                for (i, panel) in panels.clone().enumerate() {
                    let step = begin + panel * steps.len() + chunk * STEPS;
                    let weights = &self.kernel.weights[step * parts..];
                    let sums = &mut sums[i * PANEL * row + tile * WIDTH..];
                    assert!(weights.len() >= steps_now.len() * parts && sums.len() > (PANEL - 1) * row);
                    let (weights, sums) = (weights.as_ptr().cast(), sums.as_mut_ptr());
                    // SAFETY: the unit is there and configured. A step's samples, 16 channel pairs by 32
                    // positions, lie in the planes or their slack; weights and sums were just checked.
                    unsafe {
                        let first = self.planes.as_ptr::<u32>().add(*origin);
                        match self.kernel.precision() {
                            Precision::Full => {
                                let planes = std::array::from_fn(|part| first.add(part * self.len));
                                amx::add(steps_now, weights, planes, channel, sums, row);
                            }
                            Precision::Half => {
                                amx::add_rounded(steps_now, weights, first, channel, sums, row);
                            }
                        }
                    }
                }
            }
        }
    }
}
