//! Winograd's minimal filtering (Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(4×4, 3×3)):
//! a 3×3 convolution of stride 1 in a quarter of the products. Sixteen neighbouring outputs, a *tile*, come of 6×6
//! inputs; both are taken through small constant matrices, between which every one of 36 points is a matrix product
//! over the channels.

use std::ops::Range;

use rayon::prelude::*;

use super::Kernel;
use super::geometry::Planes;
use super::tile_f32::{Isa, planes};
use crate::ops::buffer::Buffer;
use lipsmith_base::vectorised;

/// Outputs of a tile a side, inputs it is made of, and points between.
const OUT: usize = 4;
const IN: usize = 6;
const POINTS: usize = IN * IN;

/// Tiles that are transformed together, each in its own lane.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// Transformed inputs in memory at a time, in samples: they are to stay in the last cache.
const HELD: usize = 2 << 20;
/// Output channels that one job makes of a block of tiles (whole panels of any width), and input channels that it
/// transforms.
const OUTS: usize = 48;
const INS: usize = 16;
/// Input channels whose samples stay in the first cache while the output channels go by.
const DEEP: usize = 160;

/// A kernel's points: `[point][panel][input channel][output channel of the panel]`, zeros behind the last channel.
pub struct WinogradKernel {
    points: Vec<f32>,
    outs: usize,
    ins: usize,
    isa: &'static Isa,
}

impl WinogradKernel {
    /// Of a 3×3 kernel in one group. `turned`: the kernel is walked backwards, as a transposed convolution does.
    pub fn new(kernel: &Kernel, turned: bool) -> Self {
        Self::with(Isa::best(), kernel, turned)
    }

    pub(super) fn with(isa: &'static Isa, kernel: &Kernel, turned: bool) -> Self {
        let Kernel { data, outs, ins, out_stride, in_stride, .. } = *kernel;
        let panel = isa.panel;
        let panels = outs.div_ceil(panel);
        let mut points = vec![0f32; POINTS * panels * ins * panel];
        let target = Shared(points.as_mut_ptr());
        (0..outs).into_par_iter().with_min_len(8).for_each(|o| {
            let target = &target;
            for i in 0..ins {
                let taps = &data[o * out_stride + i * in_stride..][..9];
                let tap = |y: usize, x: usize| if turned { taps[8 - 3 * y - x] } else { taps[3 * y + x] };
                let rows: [[f32; 3]; IN] =
                    transposed([0, 1, 2].map(|x| of_kernel([0, 1, 2].map(|y| tap(y, x)))));
                for (y, row) in rows.into_iter().enumerate() {
                    for (x, point) in of_kernel(row).into_iter().enumerate() {
                        let at = (((y * IN + x) * panels + o / panel) * ins + i) * panel + o % panel;
                        // SAFETY: within `points`; no other job has this output channel.
                        unsafe { target.0.add(at).write(point) };
                    }
                }
            }
        });
        Self { points, outs, ins, isa }
    }
}

/// Whether a convolution is of the kind that this does, and large enough for it to pay.
pub fn suits(outs: usize, ins: usize, images: usize, output: [usize; 2]) -> bool {
    /// Tiles below which reading the points takes longer than the products saved.
    const FEWEST: usize = 12;
    outs >= 16 && ins >= 16 && images * output[0].div_ceil(OUT) * output[1].div_ceil(OUT) >= FEWEST
}

/// What a convolution is asked for.
pub struct Job<'a> {
    pub images: usize,
    pub source: [usize; 2],
    pub output: [usize; 2],
    /// Zeros before the first row and column.
    pub pad: [usize; 2],
    /// `[outs]`, or that many for every image.
    pub bias: Option<&'a [f32]>,
}

impl WinogradKernel {
    /// `x` is `[images, ins, source]`; the result `[images, outs, output]`.
    pub fn run(&self, x: &[f32], job: &Job) -> Vec<f32> {
        let grid = Grid::new(job);
        let sources = planes(&grid.planes, x, 0);
        let len = job.images * self.outs * job.output[0] * job.output[1];
        let mut samples: Vec<f32> = Vec::with_capacity(len);
        let target = Shared(samples.as_mut_ptr());

        let (width, ins) = (self.isa.width, self.ins);
        let block = POINTS * ins * width;
        let blocks = grid.tiles.div_ceil(width);
        let held = (HELD / block).clamp(1, blocks);
        let mut buffer = Buffer::dirty(held * block);
        let points = Shared(buffer.f32().as_mut_ptr());
        for first in (0..blocks).step_by(held) {
            let here = held.min(blocks - first);
            let slices = ins.div_ceil(INS);
            (0..here * slices).into_par_iter().for_each(|unit| {
                let (at, slice) = (unit / slices, unit % slices);
                let channels = slice * INS..((slice + 1) * INS).min(ins);
                let tiles: Vec<usize> =
                    (0..width).map(|lane| grid.origin((first + at) * width + lane, ins)).collect();
                // SAFETY: no other unit writes this block's rows of these channels.
                unsafe {
                    let to = { &points }.0.add(at * block);
                    spread(sources.as_slice(), &grid.planes, &tiles, channels, ins, to);
                }
            });
            let slices = self.outs.div_ceil(OUTS);
            (0..here * slices).into_par_iter().for_each(|unit| {
                let (at, slice) = (unit / slices, unit % slices);
                let outs = slice * OUTS..((slice + 1) * OUTS).min(self.outs);
                // SAFETY: the block was filled above; no other unit writes these channels of its tiles.
                unsafe {
                    let from = { &points }.0.add(at * block);
                    let sums = self.products(from, &outs);
                    self.gather(sums.as_slice(), &grid, (first + at) * width, &outs, job, &target);
                }
            });
        }
        // SAFETY: the tiles cover the output, and every unit has written all channels of its own.
        unsafe { samples.set_len(len) };
        samples
    }

    /// `[point][output channel of `outs`][tile]`, of a block's `[point][input channel][tile]`.
    ///
    /// # Safety
    /// `from` holds a block. `outs` begins with a panel.
    unsafe fn products(&self, from: *const f32, outs: &Range<usize>) -> Buffer {
        let Isa { panel, width, .. } = *self.isa;
        let panels = outs.start / panel..outs.end.div_ceil(panel);
        let mut buffer = Buffer::dirty(POINTS * OUTS * width);
        let sums = buffer.f32();
        sums.fill(0.0);
        let all = self.outs.div_ceil(panel);
        for point in 0..POINTS {
            for begin in (0..self.ins).step_by(DEEP) {
                let channels = DEEP.min(self.ins - begin);
                for (i, number) in panels.clone().enumerate() {
                    // SAFETY: the points and the block hold `channels` channels from `begin`, the sums all rows.
                    unsafe {
                        let weights = ((point * all + number) * self.ins + begin) * panel;
                        self.isa.product(
                            self.points[weights..].as_ptr(),
                            from.add((point * self.ins + begin) * width),
                            channels,
                            sums[(point * OUTS + i * panel) * width..].as_mut_ptr(),
                        );
                    }
                }
            }
        }
        buffer
    }

    /// Writes the outputs of the tiles from `first` on.
    ///
    /// # Safety
    /// Nobody else writes these channels of these tiles.
    unsafe fn gather(
        &self,
        sums: &[f32],
        grid: &Grid,
        first: usize,
        outs: &Range<usize>,
        job: &Job,
        target: &Shared,
    ) {
        let (width, [height, breadth]) = (self.isa.width, job.output);
        for begin in (0..width).step_by(LANES) {
            let places: Vec<[usize; 3]> = (first + begin..(first + begin + LANES).min(grid.tiles))
                .map(|tile| grid.place(tile))
                .collect();
            let mut tiles = [[[0f32; OUT]; OUT]; LANES];
            for (i, out) in outs.clone().enumerate() {
                tiles_of(&sums[i * width + begin..], OUTS * width, &mut tiles);
                for (tile, [image, y, x]) in tiles.iter().zip(&places) {
                    let plane = image * self.outs + out;
                    let bias = job.bias.map_or(0.0, |bias| bias[plane % bias.len()]);
                    let (rows, columns) = ((height - y * OUT).min(OUT), (breadth - x * OUT).min(OUT));
                    for (r, row) in tile.iter().enumerate().take(rows) {
                        let at = (plane * height + y * OUT + r) * breadth + x * OUT;
                        for (c, value) in row.iter().enumerate().take(columns) {
                            // SAFETY: row and column lie in the output.
                            unsafe { target.0.add(at + c).write(value + bias) };
                        }
                    }
                }
            }
        }
    }
}

/// Where the tiles lie.
struct Grid {
    planes: Planes,
    /// Rows and columns of tiles in an image, and tiles in all.
    rows: usize,
    columns: usize,
    tiles: usize,
}

impl Grid {
    fn new(job: &Job) -> Self {
        let [rows, columns] = job.output.map(|size| size.div_ceil(OUT));
        let reach = |tiles: usize| tiles * OUT + IN - OUT;
        let planes = Planes::padded(job.source, job.pad, [reach(rows), reach(columns)]);
        Self { planes, rows, columns, tiles: job.images * rows * columns }
    }

    /// Image, row and column of a tile.
    fn place(&self, tile: usize) -> [usize; 3] {
        let within = tile % (self.rows * self.columns);
        [tile / (self.rows * self.columns), within / self.columns, within % self.columns]
    }

    /// Where a tile's inputs begin in the planes of `channels` channels; the last tile's behind the last.
    fn origin(&self, tile: usize, channels: usize) -> usize {
        let [image, y, x] = self.place(tile.min(self.tiles - 1));
        image * channels * self.planes.channel + (y * self.planes.pitch + x) * OUT
    }
}

/// Memory that many threads write at disjoint places.
struct Shared(*mut f32);
// SAFETY: see where it is written.
unsafe impl Sync for Shared {}

/// G on a line of the kernel.
fn of_kernel([a, b, c]: [f32; 3]) -> [f32; IN] {
    let (outer, double) = ((a + c) / 6.0, a / 24.0 + c / 6.0);
    [a / 4.0, -outer - b / 6.0, b / 6.0 - outer, double + b / 12.0, double - b / 12.0, c]
}

/// Bᵀ on a line of the inputs.
#[inline(always)]
fn of_input(d: [Lanes; IN]) -> [Lanes; IN] {
    let mut y = [[0f32; LANES]; IN];
    for l in 0..LANES {
        let (near, far) = (d[4][l] - 4.0 * d[2][l], d[3][l] - 4.0 * d[1][l]);
        let (even, odd) = (d[4][l] - d[2][l], 2.0 * (d[3][l] - d[1][l]));
        y[0][l] = 4.0 * d[0][l] - 5.0 * d[2][l] + d[4][l];
        y[1][l] = near + far;
        y[2][l] = near - far;
        y[3][l] = even + odd;
        y[4][l] = even - odd;
        y[5][l] = 4.0 * d[1][l] - 5.0 * d[3][l] + d[5][l];
    }
    y
}

/// Aᵀ on a line of the sums.
#[inline(always)]
fn of_sums(m: [Lanes; IN]) -> [Lanes; OUT] {
    let mut y = [[0f32; LANES]; OUT];
    for l in 0..LANES {
        let (near, turn) = (m[1][l] + m[2][l], m[1][l] - m[2][l]);
        let (far, twist) = (m[3][l] + m[4][l], m[3][l] - m[4][l]);
        y[0][l] = m[0][l] + near + far;
        y[1][l] = turn + 2.0 * twist;
        y[2][l] = near + 4.0 * far;
        y[3][l] = turn + 8.0 * twist + m[5][l];
    }
    y
}

#[inline(always)]
fn transposed<T: Copy, const ROWS: usize, const COLUMNS: usize>(
    from: [[T; COLUMNS]; ROWS],
) -> [[T; ROWS]; COLUMNS] {
    std::array::from_fn(|j| std::array::from_fn(|i| from[i][j]))
}

vectorised! {
    /// Takes the tiles at `origins` (as many as a block has) of some channels through Bᵀ·d·B, to
    /// `[point][channel of `ins`][tile]` at `to`, which holds a block.
    fn spread(
        from: &[f32],
        planes: &Planes,
        origins: &[usize],
        channels: Range<usize>,
        ins: usize,
        to: *mut f32,
    ) {
        let width = origins.len();
        for c in channels {
            for (group, origins) in origins.as_chunks::<LANES>().0.iter().enumerate() {
                let mut d = [[[0f32; LANES]; IN]; IN];
                for (l, origin) in origins.iter().enumerate() {
                    for y in 0..IN {
                        let line = &from[origin + c * planes.channel + y * planes.pitch..][..IN];
                        for x in 0..IN {
                            d[x][y][l] = line[x];
                        }
                    }
                }
                for column in &mut d {
                    *column = of_input(*column);
                }
                for y in 0..IN {
                    let row = of_input([d[0][y], d[1][y], d[2][y], d[3][y], d[4][y], d[5][y]]);
                    for x in 0..IN {
                        let at = ((y * IN + x) * ins + c) * width + group * LANES;
                        // SAFETY: the point's row of channel `c` lies in the block.
                        unsafe { to.add(at).cast::<Lanes>().write_unaligned(row[x]) };
                    }
                }
            }
        }
    }

    /// Takes eight tiles of one channel through Aᵀ·m·A; `step` from point to point.
    fn tiles_of(sums: &[f32], step: usize, tiles: &mut [[[f32; OUT]; OUT]; LANES]) {
        let mut columns = [[[0f32; LANES]; OUT]; IN];
        for (x, column) in columns.iter_mut().enumerate() {
            let mut line = [[0f32; LANES]; IN];
            for (y, point) in line.iter_mut().enumerate() {
                point.copy_from_slice(&sums[(y * IN + x) * step..][..LANES]);
            }
            *column = of_sums(line);
        }
        for y in 0..OUT {
            let c = &columns;
            let row = of_sums([c[0][y], c[1][y], c[2][y], c[3][y], c[4][y], c[5][y]]);
            for x in 0..OUT {
                for l in 0..LANES {
                    tiles[l][y][x] = row[x][l];
                }
            }
        }
    }
}
