//! Tiles on the matrix unit of newer Intel processors (AMX), which multiplies bfloat16 only, sixteen times as
//! fast as vectors do f32.
//!
//! Each f32 is split into two bfloat16, x = hi + lo to 2⁻¹⁷ of x, and a product takes three of theirs
//! (hi·hi + hi·lo + lo·hi), summed in f32. The result differs from plain f32 by about 3·10⁻⁶ of its largest
//! sample: a few times what the order of summation changes anyhow, and a hundredth of the TF32 in which graphics
//! cards convolve by default. Denormals count as zero.

use std::ops::Range;

use rayon::prelude::*;

use super::amx::{self, ROWS};
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

/// x as the nearest bfloat16, and what is missing as another.
#[inline(always)]
fn split(x: f32) -> (u32, u32) {
    let nearest = |x: f32| {
        let bits = x.to_bits();
        (bits.wrapping_add(0x7fff + ((bits >> 16) & 1))) >> 16
    };
    let hi = nearest(x);
    (hi, nearest(x - f32::from_bits(hi << 16)))
}

/// One register's worth of weights: `[output channel][input channel]`.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Weights([[u16; BLOCK]; ROWS]);

/// A kernel in the order in which the tiles go through it.
pub struct AmxKernel {
    /// For each (pass, group): `[panel][block][tap]`, each hi and hi, lo and lo of two registers' channels.
    weights: Vec<[Weights; 4]>,
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
        let mut weights = vec![[Weights([[0; BLOCK]; ROWS]); 4]; len];
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
                                let (hi, lo) = split(kernel.data[at + tap.index]);
                                let (half, row) = ((o - out) / ROWS, (o - out) % ROWS);
                                registers[half].0[row][c - input] = hi as u16;
                                registers[2 + half].0[row][c - input] = lo as u16;
                            }
                        }
                    }
                });
            }
        }
        Self { weights, begins, groups, ins: kernel.ins }
    }
}

/// Planes of all images in pairs of channels, a pair in 32 bits: first all `hi`, then all `lo`.
pub struct AmxTiles<'a> {
    plan: &'a Plan,
    kernel: &'a AmxKernel,
    planes: Buffer,
    half: usize,
}

impl<'a> AmxTiles<'a> {
    pub fn new(plan: &'a Plan, kernel: &'a AmxKernel, x: &[f32]) -> Self {
        let layout = &plan.planes;
        let picture = layout.source[0] * layout.source[1];
        let pairs = kernel.ins.div_ceil(BLOCK) * ROWS;
        let groups = x.len() / (picture * kernel.ins);
        let half = groups * pairs * layout.channel;
        let mut planes = Buffer::dirty(2 * half + WIDTH);
        let (hi, rest) = planes.u32().split_at_mut(half);
        let (lo, slack) = rest.split_at_mut(half);
        slack.fill(0);
        let targets = hi.par_chunks_exact_mut(layout.channel).zip(lo.par_chunks_exact_mut(layout.channel));
        targets.enumerate().with_min_len(4).for_each_init(
            || Buffer::dirty(2 * layout.channel),
            |work, (i, (hi, lo))| {
                let (group, first) = (i / pairs, i % pairs * 2);
                let channels = &x[group * kernel.ins * picture..][..kernel.ins * picture];
                let channel = |c: usize| channels.get(c * picture..(c + 1) * picture);
                pair(layout, [channel(first), channel(first + 1)], work.f32(), hi, lo);
            },
        );
        Self { plan, kernel, planes, half }
    }
}

/// Lays out two channels and splits them; one that does not exist is zero.
fn pair(layout: &Planes, channels: [Option<&[f32]>; 2], work: &mut [f32], hi: &mut [u32], lo: &mut [u32]) {
    let (first, second) = work.split_at_mut(layout.channel);
    for (channel, target) in channels.into_iter().zip([&mut *first, &mut *second]) {
        match channel {
            Some(source) => pack::channel(layout, source, target),
            None => target.fill(0.0),
        }
    }
    vectorised(|| {
        for ((hi, lo), (a, b)) in hi.iter_mut().zip(lo).zip(first.iter().zip(second.iter())) {
            let (a, b) = (split(*a), split(*b));
            (*hi, *lo) = (a.0 | b.0 << 16, a.1 | b.1 << 16);
        }
    });
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
                        let hi = self.planes.as_ptr::<u32>().add(*origin);
                        let lo = hi.add(self.half);
                        amx::add(
                            steps_now,
                            weights.as_ptr().cast(),
                            [hi, lo],
                            channel,
                            sums.as_mut_ptr(),
                            row,
                        );
                    }
                }
            }
        }
    }
}
