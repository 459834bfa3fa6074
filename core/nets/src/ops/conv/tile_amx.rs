//! Tiles on the matrix unit of newer Intel processors (AMX), which multiplies bfloat16 only, sixteen times as
//! fast as vectors do f32.
//!
//! Each f32 is split into three bfloat16, which hold all of its bits, and a product takes six of theirs, summed
//! in f32: as exact as f32, for six times the work. Denormals count as zero.

use std::ops::Range;

use rayon::prelude::*;

use super::amx::{self, PARTS, ROWS};
use super::drive::Tiles;
use super::geometry::{Plan, Planes};
use super::{Kernel, pack};
use crate::ops::buffer::Buffer;
use crate::ops::lanes::vectorised;

/// Output channels and positions of a tile: two registers each way.
const PANEL: usize = 2 * ROWS;
const WIDTH: usize = 2 * ROWS;
/// Input channels a register holds: two bfloat16 in each 32 bits.
const BLOCK: usize = 2 * ROWS;

/// x as the nearest bfloat16, what is missing as another, and what is still missing as a third.
#[inline(always)]
fn split(x: f32) -> [u32; PARTS] {
    let nearest = |x: f32| {
        let bits = x.to_bits();
        (bits.wrapping_add(0x7fff + ((bits >> 16) & 1))) >> 16
    };
    let value = |part: u32| f32::from_bits(part << 16);
    let first = nearest(x);
    let second = nearest(x - value(first));
    [first, second, nearest(x - value(first) - value(second))]
}

/// One register's worth of weights: `[output channel][input channel]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Weights([[u16; BLOCK]; ROWS]);

/// A kernel in the order in which the tiles go through it.
pub struct AmxKernel {
    /// For each (pass, group): `[panel][block][tap]`, for each part two registers' channels.
    weights: Vec<[[Weights; 2]; PARTS]>,
    /// Where each (pass, group) begins.
    begins: Vec<usize>,
    groups: usize,
    ins: usize,
}

impl AmxKernel {
    pub fn new(plan: &Plan, kernel: &Kernel, groups: usize) -> Self {
        let (panels, blocks) = (kernel.outs.div_ceil(PANEL), kernel.ins.div_ceil(BLOCK));
        let mut begins = Vec::new();
        let mut len = 0;
        for pass in &plan.passes {
            for _ in 0..groups {
                begins.push(len);
                len += panels * blocks * pass.taps.len();
            }
        }
        let mut weights = vec![[[Weights([[0; BLOCK]; ROWS]); 2]; PARTS]; len];
        let mut rest = weights.as_mut_slice();
        for pass in &plan.passes {
            for group in 0..groups {
                let taps = pass.taps.len();
                let (part, after) = rest.split_at_mut(panels * blocks * taps);
                rest = after;
                part.par_chunks_mut(taps.max(1)).enumerate().for_each(|(i, block)| {
                    let (out, input) = (i / blocks * PANEL, i % blocks * BLOCK);
                    for o in out..kernel.outs.min(out + PANEL) {
                        for c in input..kernel.ins.min(input + BLOCK) {
                            let at =
                                group * kernel.group_stride + o * kernel.out_stride + c * kernel.in_stride;
                            for (tap, registers) in pass.taps.iter().zip(block.iter_mut()) {
                                let (half, row) = ((o - out) / ROWS, (o - out) % ROWS);
                                for (registers, part) in
                                    registers.iter_mut().zip(split(kernel.data[at + tap.index]))
                                {
                                    registers[half].0[row][c - input] = part as u16;
                                }
                            }
                        }
                    }
                });
            }
        }
        Self { weights, begins, groups, ins: kernel.ins }
    }
}

/// Planes of all images in pairs of channels, a pair in 32 bits: first everyone's first parts, then the
/// second, then the third.
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
        let mut planes = Buffer::dirty(PARTS * len + WIDTH);
        let (first, rest) = planes.u32().split_at_mut(len);
        let (second, rest) = rest.split_at_mut(len);
        let (third, slack) = rest.split_at_mut(len);
        slack.fill(0);
        let of_pairs = |part| <[u32]>::par_chunks_exact_mut(part, layout.channel);
        let targets = of_pairs(first).zip(of_pairs(second)).zip(of_pairs(third));
        targets.enumerate().with_min_len(4).for_each_init(
            || Buffer::dirty(2 * layout.channel),
            |work, (i, ((first, second), third))| {
                let (group, c) = (i / pairs, i % pairs * 2);
                let channels = &x[group * kernel.ins * picture..][..kernel.ins * picture];
                let channel = |c: usize| channels.get(c * picture..(c + 1) * picture);
                pair(layout, [channel(c), channel(c + 1)], work.f32(), [first, second, third]);
            },
        );
        Self { plan, kernel, planes, len }
    }
}

/// Lays out two channels and splits them; one that does not exist is zero.
fn pair(
    layout: &Planes,
    channels: [Option<&[f32]>; 2],
    work: &mut [f32],
    [first, second, third]: [&mut [u32]; PARTS],
) {
    let (a, b) = work.split_at_mut(layout.channel);
    for (channel, target) in channels.into_iter().zip([&mut *a, &mut *b]) {
        match channel {
            Some(source) => pack::channel(layout, source, target),
            None => target.fill(0.0),
        }
    }
    split_pairs(a, b, first, second, third);
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
        let begin = self.kernel.begins[pass * self.kernel.groups + group];
        let row = origins.len() * WIDTH;
        let _registers = amx::Registers::new();
        for (chunk, steps_now) in steps.chunks(STEPS).enumerate() {
            for (tile, origin) in origins.iter().enumerate() {
                for (i, panel) in panels.clone().enumerate() {
                    let weights = &self.kernel.weights[begin + panel * steps.len() + chunk * STEPS..];
                    let sums = &mut sums[i * PANEL * row + tile * WIDTH..];
                    assert!(weights.len() >= steps_now.len() && sums.len() > (PANEL - 1) * row);
                    // SAFETY: the unit is there and configured. A step's samples, 16 channel pairs by 32
                    // positions, lie in the planes or their slack; weights and sums were just checked.
                    unsafe {
                        let first = self.planes.as_ptr::<u32>().add(*origin);
                        let planes = std::array::from_fn(|part| first.add(part * self.len));
                        amx::add(steps_now, weights.as_ptr().cast(), planes, channel, sums.as_mut_ptr(), row);
                    }
                }
            }
        }
    }
}
