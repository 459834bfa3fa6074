//! Cuts a convolution into units of work that fit in a core's cache and spreads them over the threads.

use std::mem::MaybeUninit;
use std::ops::Range;

use rayon::prelude::*;

use super::geometry::{Pass, Plan};
use crate::ops::buffer::Buffer;

/// What computes sums of products for a tile: `panel()` output channels by `width()` neighbouring positions.
pub trait Tiles: Sync {
    fn panel(&self) -> usize;
    fn width(&self) -> usize;

    /// Where image `image`, group `group`, position 0 begins in this kind's planes.
    fn origin(&self, image: usize, group: usize) -> usize;

    /// Adds to `sums` the products over all input channels of `group` and all taps of pass `pass`.
    ///
    /// `sums` is `[panels · panel()][origins · width()]`; a tile's positions start at its origin.
    fn accumulate(
        &self,
        pass: usize,
        group: usize,
        panels: Range<usize>,
        origins: &[usize],
        sums: &mut [f32],
    );
}

/// What a convolution writes to: `[images, groups · channels, height, width]`, and the bias it starts from.
pub struct Output<'a> {
    pub images: usize,
    pub groups: usize,
    /// A group's.
    pub channels: usize,
    /// `[groups · channels]`, or that many for every image.
    pub bias: Option<&'a [f32]>,
}

/// A unit's sums take at most this many samples: half of a small second-level cache.
const SUMS: usize = 128 * 1024;
const MAX_ROWS: usize = 128;
/// So many units per thread at least, so that no thread waits long for another.
const UNITS_PER_THREAD: usize = 3;

struct Unit {
    pass: usize,
    group: usize,
    panels: Range<usize>,
    /// Tiles, counted through all images.
    tiles: Range<usize>,
}

/// The whole output, every sample written once.
pub fn run(plan: &Plan, tiles: &impl Tiles, output: &Output) -> Vec<f32> {
    let len = output.images * output.groups * output.channels * plan.output[0] * plan.output[1];
    let mut samples: Vec<f32> = Vec::with_capacity(len);
    let target = Target(samples.as_mut_ptr());
    let units = units(plan, tiles, output);
    units.par_iter().for_each(|unit| {
        let pass = &plan.passes[unit.pass];
        let per_image = pass.positions(plan.planes.pitch).div_ceil(tiles.width());
        let origins: Vec<usize> = (unit.tiles.clone())
            .map(|tile| tiles.origin(tile / per_image, unit.group) + tile % per_image * tiles.width())
            .collect();
        let mut buffer = Buffer::dirty(unit.panels.len() * tiles.panel() * origins.len() * tiles.width());
        let sums = buffer.f32();
        sums.fill(0.0);
        if !pass.taps.is_empty() {
            tiles.accumulate(unit.pass, unit.group, unit.panels.clone(), &origins, sums);
        }
        // SAFETY: units are disjoint in (pass, group, panels, tiles), hence in the samples they write.
        unsafe { store(plan, tiles, output, unit, sums, &target) };
    });
    // SAFETY: the passes' strided grids cover the output, so that the units have written every sample.
    unsafe { samples.set_len(len) };
    samples
}

fn units(plan: &Plan, tiles: &impl Tiles, output: &Output) -> Vec<Unit> {
    let panels = output.channels.div_ceil(tiles.panel());
    let mut units = Vec::new();
    let lanes = plan.passes.len() * output.groups;
    for (index, pass) in plan.passes.iter().enumerate() {
        let total = output.images * pass.positions(plan.planes.pitch).div_ceil(tiles.width());
        let mut rows = panels.min((MAX_ROWS / tiles.panel()).max(1));
        let mut strip = (SUMS / (rows * tiles.panel() * tiles.width())).clamp(1, total.max(1));
        let wanted = (UNITS_PER_THREAD * rayon::current_num_threads()).div_ceil(lanes);
        while panels.div_ceil(rows) * total.div_ceil(strip) < wanted && (rows > 1 || strip > 1) {
            // Halving the positions costs another reading of the weights, halving the rows one of the planes.
            if strip * tiles.width() > 256 || rows == 1 {
                strip = strip.div_ceil(2);
            } else {
                rows = rows.div_ceil(2);
            }
        }
        for group in 0..output.groups {
            for tiles in pieces(total, strip) {
                units.extend(pieces(panels, rows).map(|panels| Unit {
                    pass: index,
                    group,
                    panels,
                    tiles: tiles.clone(),
                }));
            }
        }
    }
    units
}

/// `0..total` in pieces of about the same length, none longer than `longest`.
fn pieces(total: usize, longest: usize) -> impl Iterator<Item = Range<usize>> {
    let count = total.div_ceil(longest);
    (0..count).map(move |i| i * total / count..(i + 1) * total / count)
}

/// The output's memory, written by many threads at disjoint places.
struct Target(*mut f32);
// SAFETY: see `run`: no sample is written by two units.
unsafe impl Sync for Target {}

/// Puts a unit's sums, less what lies between the rows, where they belong.
///
/// # Safety
/// No other thread may write the samples of `unit`; `target` must hold the whole output.
unsafe fn store(
    plan: &Plan,
    tiles: &impl Tiles,
    output: &Output,
    unit: &Unit,
    sums: &[f32],
    target: &Target,
) {
    let pass = &plan.passes[unit.pass];
    let [height, width] = plan.output;
    let row_len = unit.tiles.len() * tiles.width();
    let first = unit.panels.start * tiles.panel();
    let last = (unit.panels.end * tiles.panel()).min(output.channels);
    for (sums, channel) in sums.chunks_exact(row_len).zip(first..last) {
        let channel = unit.group * output.channels + channel;
        for run in runs(plan, pass, unit, tiles.width()) {
            let plane = run.image * output.groups * output.channels + channel;
            let bias = output.bias.map_or(0.0, |bias| bias[plane % bias.len()]);
            let row = plane * height + pass.start[0] + run.y * pass.step[0];
            let at = row * width + pass.start[1] + run.x * pass.step[1];
            let sums = &sums[run.at..run.at + run.len];
            if pass.step[1] == 1 {
                // SAFETY: within the image's channel, for y < count[0] and x + len ≤ count[1]; ours alone.
                let to = unsafe {
                    std::slice::from_raw_parts_mut(target.0.add(at).cast::<MaybeUninit<f32>>(), run.len)
                };
                to.iter_mut().zip(sums).for_each(|(to, sum)| _ = to.write(sum + bias));
            } else {
                for (i, &sum) in sums.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { target.0.add(at + i * pass.step[1]).write(sum + bias) };
                }
            }
        }
    }
}

/// A stretch of a row of the pass's grid, and where its sums are.
struct Run {
    image: usize,
    y: usize,
    x: usize,
    len: usize,
    at: usize,
}

fn runs<'a>(plan: &'a Plan, pass: &'a Pass, unit: &'a Unit, tile: usize) -> impl Iterator<Item = Run> + 'a {
    let pitch = plan.planes.pitch;
    let positions = pass.positions(pitch);
    let per_image = positions.div_ceil(tile);
    let images = unit.tiles.start / per_image..unit.tiles.end.div_ceil(per_image);
    images.flat_map(move |image| {
        // This image's positions in the unit, and the place of its position 0 in a row of sums.
        let tiles = unit.tiles.start.max(image * per_image)..unit.tiles.end.min((image + 1) * per_image);
        let begin = (tiles.start - image * per_image) * tile;
        let end = ((tiles.end - image * per_image) * tile).min(positions);
        let base = (tiles.start - unit.tiles.start) * tile;
        (begin / pitch..end.div_ceil(pitch)).filter_map(move |y| {
            let x = begin.saturating_sub(y * pitch);
            let until = (end - y * pitch).min(pass.count[1]);
            (x < until).then(|| Run { image, y, x, len: until - x, at: base + y * pitch + x - begin })
        })
    })
}
