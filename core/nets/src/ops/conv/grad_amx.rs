//! The gradient of a convolution's weight on the matrix unit: for every tap a matrix product over positions of the narrow
//! channels and the wide ones, which lie so far beside them as the tap says.
//!
//! As in `tile_amx`, an f32 is three bfloat16 and a product six of theirs, or at half precision one of one. The unit wants
//! two neighbouring positions in 32 bits: of the wide channels every position stands there with its next, so that a tap may
//! begin at any.

use std::ops::Range;

use rayon::prelude::*;

use super::amx::{self, PARTS, ROWS};
use super::geometry::{Planes, Tap};
use super::pack;
use super::tile_amx::{nearest, parts, split};
use crate::ops::Precision;
use crate::ops::buffer::Buffer;
use lipsmith_base::vectorised;

/// Channels of either kind that one job multiplies: two registers each way.
const PANEL: usize = 2 * ROWS;
/// Positions a step goes through.
const BLOCK: usize = 32;
/// Steps in a row for a tap before the next tap's turn: what they read stays in a core's cache.
const RUN: usize = 16;
/// What is laid out at a time takes at most so many numbers of 32 bits, or one picture's.
const ROOM: usize = 8 << 20;

/// What is multiplied: channels `[images, groups · narrow, …]` as planes that are [spread](Planes::spread), and
/// `[images, groups · wide, …]` as planes in which every tap is an offset.
pub struct Factors<'a> {
    pub images: usize,
    pub groups: usize,
    /// A group's channels.
    pub narrow: usize,
    pub wide: usize,
    pub narrow_samples: &'a [f32],
    pub wide_samples: &'a [f32],
    pub narrow_planes: &'a Planes,
    pub wide_planes: &'a Planes,
    /// From an image's first position to behind its last.
    pub positions: usize,
    pub taps: &'a [Tap],
}

/// Sums for all taps of a job, `[tap][narrow][wide]`.
type Sums = Vec<f32>;

impl Factors<'_> {
    /// `gradient[group · narrow + a][b][tap.index]`.
    pub fn multiply(&self, precision: Precision, gradient: &mut [f32]) {
        let layout = Layout::new(self, parts(precision));
        let panels = layout.narrow_panels * layout.wide_panels * self.groups;
        let shares = (3 * rayon::current_num_threads()).div_ceil(panels);
        let mut sums: Vec<Sums> = vec![vec![0.0; self.taps.len() * PANEL * PANEL]; panels * shares];
        let at_once = (ROOM / layout.image()).clamp(1, self.images);
        for first in (0..self.images).step_by(at_once) {
            let images = first..self.images.min(first + at_once);
            let (rows, columns) = (self.rows(&layout, images.clone()), self.columns(&layout, images.clone()));
            sums.par_iter_mut().enumerate().for_each(|(job, sums)| {
                let (panel, share) = (job / shares, job % shares);
                let runs = images.len() * layout.runs();
                let _registers = amx::Registers::new();
                for run in share * runs / shares..(share + 1) * runs / shares {
                    let (image, begin) = (run / layout.runs(), run % layout.runs() * RUN);
                    let steps = RUN.min(layout.blocks - begin);
                    let narrow = panel / layout.wide_panels;
                    let wide =
                        narrow / layout.narrow_panels * layout.wide_panels + panel % layout.wide_panels;
                    let row = (narrow * images.len() + image) * layout.blocks + begin;
                    let line = (wide * images.len() + image) * layout.lines + begin * BLOCK;
                    for (tap, sums) in self.taps.iter().zip(sums.chunks_exact_mut(PANEL * PANEL)) {
                        // SAFETY: the unit is there and configured; `steps` blocks of rows lie in `rows`, and the lines
                        // that they meet, the tap's offset and one position further, in `columns` (`Layout::lines`).
                        unsafe {
                            let rows = rows.as_ptr::<u32>().add(row * layout.step()).cast();
                            let line = (line + tap.offset) * layout.line();
                            let columns = columns.as_ptr::<u32>().add(line).cast();
                            match precision {
                                Precision::Full => amx::dots(steps, rows, columns, sums.as_mut_ptr()),
                                Precision::Half => amx::dots_rounded(steps, rows, columns, sums.as_mut_ptr()),
                            }
                        }
                    }
                }
            });
        }
        self.store(&layout, &sums, shares, gradient);
    }

    /// `[group · narrow panel][image][block][part][channel][32 positions]`, two positions in 32 bits; zero beyond the
    /// channels and the positions.
    fn rows(&self, layout: &Layout, images: Range<usize>) -> Buffer {
        let panels = self.groups * layout.narrow_panels;
        let mut rows = Buffer::dirty(panels * images.len() * layout.blocks * layout.step());
        let planes = self.narrow_planes;
        let picture = planes.source[0] * planes.source[1];
        let chunk = layout.blocks * layout.step();
        rows.u32().par_chunks_exact_mut(chunk).enumerate().for_each_init(
            || Buffer::dirty(planes.channel.max(layout.blocks * BLOCK)),
            |work, (i, target)| {
                let (panel, image) = (i / images.len(), images.start + i % images.len());
                let (group, first) = (panel / layout.narrow_panels, panel % layout.narrow_panels * PANEL);
                let line = work.f32();
                for channel in 0..PANEL {
                    match first + channel < self.narrow {
                        true => {
                            let channel = (image * self.groups + group) * self.narrow + first + channel;
                            let source = &self.narrow_samples[channel * picture..][..picture];
                            pack::channel(planes, source, &mut line[..planes.channel]);
                            let end = self.positions.min(line.len());
                            line[end..].fill(0.0);
                        }
                        false => line.fill(0.0),
                    }
                    lay_row(line, target, channel, layout.parts);
                }
            },
        );
        rows
    }

    /// `[group · wide panel][image][position][part][channel]`, each with its next position; zero beyond the channels.
    fn columns(&self, layout: &Layout, images: Range<usize>) -> Buffer {
        let panels = self.groups * layout.wide_panels;
        let mut columns = Buffer::dirty(panels * images.len() * layout.lines * layout.line());
        let planes = self.wide_planes;
        let picture = planes.source[0] * planes.source[1];
        columns.u32().par_chunks_exact_mut(layout.lines * layout.line()).enumerate().for_each_init(
            || Buffer::dirty(ROWS * (layout.lines + ROWS)),
            |work, (i, target)| {
                let (panel, image) = (i / images.len(), images.start + i % images.len());
                let (group, first) = (panel / layout.wide_panels, panel % layout.wide_panels * PANEL);
                let length = layout.lines + ROWS;
                for half in 0..2 {
                    for (j, line) in work.f32().chunks_exact_mut(length).enumerate() {
                        let channel = first + half * ROWS + j;
                        let (used, rest) = line.split_at_mut(planes.channel);
                        rest.fill(0.0);
                        if channel < self.wide {
                            let channel = (image * self.groups + group) * self.wide + channel;
                            pack::channel(planes, &self.wide_samples[channel * picture..][..picture], used);
                        } else {
                            used.fill(0.0);
                        }
                    }
                    lay_columns(work.f32(), length, target, half, layout.parts);
                }
            },
        );
        columns
    }

    fn store(&self, layout: &Layout, sums: &[Sums], shares: usize, gradient: &mut [f32]) {
        let taps = self.taps.len();
        for (panel, sums) in sums.chunks_exact(shares).enumerate() {
            let (narrow, wide) = (panel / layout.wide_panels, panel % layout.wide_panels * PANEL);
            let (group, first) = (narrow / layout.narrow_panels, narrow % layout.narrow_panels * PANEL);
            for a in first..self.narrow.min(first + PANEL) {
                for b in wide..self.wide.min(wide + PANEL) {
                    let to = &mut gradient[((group * self.narrow + a) * self.wide + b) * taps..][..taps];
                    for (tap, at) in self.taps.iter().enumerate() {
                        let from = (tap * PANEL + a - first) * PANEL + b - wide;
                        to[at.index] = sums.iter().map(|sums| sums[from]).sum();
                    }
                }
            }
        }
    }
}

/// How both factors lie in memory.
struct Layout {
    parts: usize,
    narrow_panels: usize,
    wide_panels: usize,
    /// Steps of an image.
    blocks: usize,
    /// Positions of an image in the columns: its planes, and what the last step reads beyond them, which meets zeros.
    lines: usize,
    groups: usize,
}

impl Layout {
    fn new(factors: &Factors, parts: usize) -> Self {
        Self {
            parts,
            narrow_panels: factors.narrow.div_ceil(PANEL),
            wide_panels: factors.wide.div_ceil(PANEL),
            blocks: factors.positions.div_ceil(BLOCK),
            lines: factors.wide_planes.channel + BLOCK + ROWS,
            groups: factors.groups,
        }
    }

    /// Runs of an image.
    fn runs(&self) -> usize {
        self.blocks.div_ceil(RUN)
    }

    /// Numbers of 32 bits that a step of rows takes, a line of columns, and an image of both.
    fn step(&self) -> usize {
        self.parts * PANEL * BLOCK / 2
    }
    fn line(&self) -> usize {
        self.parts * PANEL
    }
    fn image(&self) -> usize {
        let rows = self.narrow_panels * self.blocks * self.step();
        self.groups * (rows + self.wide_panels * self.lines * self.line())
    }
}

vectorised! {
    /// A channel's positions into the registers of all steps.
    fn lay_row(positions: &[f32], steps: &mut [u32], channel: usize, parts: usize) {
        let steps = steps.chunks_exact_mut(parts * PANEL * BLOCK / 2);
        for (positions, step) in positions.as_chunks::<BLOCK>().0.iter().zip(steps) {
            let pairs = positions.as_chunks::<2>().0;
            let pairs = paired(parts, |i| pairs[i][0], |i| pairs[i][1]);
            for (part, pairs) in pairs.iter().enumerate().take(parts) {
                step[(part * PANEL + channel) * (BLOCK / 2)..][..BLOCK / 2].copy_from_slice(pairs);
            }
        }
    }

    /// Sixteen channels' samples, `length` of each, into every line's `half`.
    fn lay_columns(samples: &[f32], length: usize, lines: &mut [u32], half: usize, parts: usize) {
        let line = parts * PANEL;
        for (block, lines) in lines.chunks_exact_mut(ROWS * line).enumerate() {
            let channels: [_; ROWS] = std::array::from_fn(|j| {
                let from = &samples[j * length + block * ROWS..][..ROWS + 1];
                paired(parts, |i| from[i], |i| from[i + 1])
            });
            for (i, line) in lines.chunks_exact_mut(line).enumerate() {
                for part in 0..parts {
                    let to = &mut line[part * PANEL + half * ROWS..][..ROWS];
                    for j in 0..ROWS {
                        to[j] = channels[j][part][i];
                    }
                }
            }
        }
    }
}

/// Sixteen pairs of samples, a pair in 32 bits, for each part.
#[inline(always)]
fn paired(parts: usize, first: impl Fn(usize) -> f32, second: impl Fn(usize) -> f32) -> [[u32; ROWS]; PARTS] {
    let mut pairs = [[0; ROWS]; PARTS];
    if parts == 1 {
        for i in 0..ROWS {
            pairs[0][i] = nearest(first(i)) | nearest(second(i)) << 16;
        }
        return pairs;
    }
    for i in 0..ROWS {
        let (a, b) = (split(first(i)), split(second(i)));
        for part in 0..PARTS {
            pairs[part][i] = a[part] | b[part] << 16;
        }
    }
    pairs
}
