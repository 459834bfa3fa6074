//! A picture seen through an affine map: what networks are shown of a film.

use super::{Codec, Picture, Plane, mix};
use crate::geom::{Affine, Point, Rect};
use crate::rgb::Rgb;
use crate::vectorised;
use std::ops::Range;

/// Pixels that are worked out side by side.
const LANES: usize = 16;

impl Picture {
    /// An image of `width` × `height` whose pixel centre `q` shows this picture's point `map(q)`. Bilinear
    /// in the picture's own samples; when the map shrinks, of their means over about one step (area filter).
    /// Outside the picture its edge repeats.
    pub fn sample(&self, map: Affine, width: usize, height: usize) -> Rgb {
        if let Some((x, y)) = map.whole_shift() {
            return self.region(x, y, width, height);
        }
        // Longest step in the picture for one step in the image, along either axis.
        let step = map.a.hypot(map.d).max(map.b.hypot(map.e));
        let (right, bottom) = (width as f32, height as f32);
        let corners = [(0.0, 0.0), (right, 0.0), (0.0, bottom), (right, bottom)];
        let seen = Rect::around(corners.map(|(x, y)| map.apply(Point::new(x, y)))).unwrap_or_default();
        let sheets = [0, 1, 2].map(|plane| Sheet::new(self, plane, seen, step));
        let mut out = Rgb::black(width, height);
        fill(out.pixels_mut(), width, &sheets, map, &Codec::new(self.format, self.colour));
        out
    }
}

vectorised! {
    /// Pixels of rows of `width`, in each plane the mean of the places within a pixel that its sheet asks for.
    fn fill(pixels: &mut [[f32; 3]], width: usize, sheets: &[Sheet; 3], map: Affine, codec: &Codec) {
        for (row, line) in pixels.chunks_exact_mut(width.max(1)).enumerate() {
            for (block, pixels) in line.chunks_mut(LANES).enumerate() {
                let mut codes = [[0.0f32; LANES]; 3];
                for (codes, sheet) in codes.iter_mut().zip(sheets) {
                    let taps = sheet.taps;
                    let within = |tap: usize| (tap as f32 + 0.5) / taps as f32;
                    for tap in 0..taps * taps {
                        let (right, down) = (within(tap % taps), row as f32 + within(tap / taps));
                        let (mut x, mut y) = ([0.0f32; LANES], [0.0f32; LANES]);
                        for i in 0..LANES {
                            let right = (block * LANES + i) as f32 + right;
                            x[i] = map.a * right + map.b * down + map.c;
                            y[i] = map.d * right + map.e * down + map.f;
                        }
                        sheet.add(&x, &y, codes);
                    }
                    codes.iter_mut().for_each(|code| *code /= (taps * taps) as f32);
                }
                for (i, pixel) in pixels.iter_mut().enumerate() {
                    *pixel = codec.decode(codes[0][i], codes[1][i], codes[2][i]);
                }
            }
        }
    }
}

/// A window of a plane in f32, each value the mean of a block of samples.
struct Sheet {
    /// The last of each row and the last row stand twice, for what reads on behind them.
    values: Vec<f32>,
    width: usize,
    height: usize,
    /// Picture coordinates ↦ the sheet's, along each axis: scale and offset.
    x: (f32, f32),
    y: (f32, f32),
    /// Places within a pixel of the image that are looked at, each way.
    taps: usize,
}

impl Sheet {
    /// Of what is in and around `seen` (picture coordinates), for an image whose pixels are `step` luma samples apart: in
    /// blocks of about that size, and what is coarser than they are is made up for by taps.
    fn new(picture: &Picture, plane: usize, seen: Rect, step: f32) -> Sheet {
        let block = (step.round() as usize).max(1);
        let (sx, sy) = if plane == 0 { (0, 0) } else { picture.format.subsampling() };
        let left = if sx == 1 && picture.colour.chroma_left { 0.25 } else { 0.0 };
        let (columns, rows) = picture.format.plane_size(plane, picture.width, picture.height);
        let axis = |from: f32, to: f32, shift: u32, offset: f32, extent: usize| {
            let (block, scale) = ((block >> shift).max(1), 1.0 / (1u32 << shift) as f32);
            // A block more on both sides: what bilinear interpolation reads at the rim.
            let first = ((from * scale + offset) as usize).saturating_sub(block + 1).min(extent - 1);
            let end =
                ((to * scale + offset).ceil() as usize).saturating_add(block + 1).clamp(first + 1, extent);
            let map = (scale / block as f32, (offset - first as f32) / block as f32);
            (first..end, block, map)
        };
        let (x_range, x_block, x) = axis(seen.x0, seen.x1, sx, left, columns);
        let (y_range, y_block, y) = axis(seen.y0, seen.y1, sy, 0.0, rows);
        let (width, height) = (x_range.len().div_ceil(x_block), y_range.len().div_ceil(y_block));
        let coarse = step * x.0.max(y.0);
        let taps = ((coarse - 0.2).ceil() as usize).max(1);
        let mut values = Vec::with_capacity((width + 1) * (height + 1));
        for top in y_range.clone().step_by(y_block) {
            let lines = top..(top + y_block).min(y_range.end);
            match &picture.planes[plane] {
                Plane::U8(samples) => {
                    block_means(samples, columns, lines, x_range.clone(), x_block, &mut values)
                }
                Plane::U16(samples) => {
                    block_means(samples, columns, lines, x_range.clone(), x_block, &mut values)
                }
            }
            values.extend(values.last().copied());
        }
        values.extend_from_within((height - 1) * (width + 1)..);
        Sheet { values, width, height, x, y, taps }
    }

    /// Adds what is seen at places of the picture.
    #[inline(always)]
    fn add(&self, x: &[f32; LANES], y: &[f32; LANES], sums: &mut [f32; LANES]) {
        let stride = self.width + 1;
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let (mut at, mut fx, mut fy) = ([0i32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
        for i in 0..LANES {
            let x = (x[i] * self.x.0 + self.x.1 - 0.5).clamp(0.0, right);
            let y = (y[i] * self.y.0 + self.y.1 - 0.5).clamp(0.0, bottom);
            let (x0, y0) = (x as i32, y as i32);
            (fx[i], fy[i]) = (x - x0 as f32, y - y0 as f32);
            at[i] = y0 * stride as i32 + x0;
        }
        let mut corners = [[0.0f32; LANES]; 4];
        for i in 0..LANES {
            let above = at[i] as usize;
            let ([a, b], [c, d]) = (self.pair(above), self.pair(above + stride));
            (corners[0][i], corners[1][i], corners[2][i], corners[3][i]) = (a, b, c, d);
        }
        let [a, b, c, d] = &corners;
        for i in 0..LANES {
            sums[i] += mix(mix(a[i], b[i], fx[i]), mix(c[i], d[i], fx[i]), fy[i]);
        }
    }

    #[inline(always)]
    fn pair(&self, at: usize) -> [f32; 2] {
        let pair = &self.values[at..at + 2];
        [pair[0], pair[1]]
    }
}

/// Appends the means of the blocks that `lines` and each `block` columns of `range` make.
fn block_means<T: Copy + Into<f32>>(
    samples: &[T],
    columns: usize,
    lines: Range<usize>,
    range: Range<usize>,
    block: usize,
    means: &mut Vec<f32>,
) {
    let mut sums = vec![0.0f32; range.len()];
    for line in lines.clone() {
        let row = &samples[line * columns..][range.clone()];
        sums.iter_mut().zip(row).for_each(|(sum, &sample)| *sum += sample.into());
    }
    means.extend(sums.chunks(block).map(|sums| sums.iter().sum::<f32>() / (sums.len() * lines.len()) as f32));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::{formats, gradient};
    use crate::picture::{ColourSpec, PixelFormat};

    #[test]
    fn sampling_by_the_identity_is_the_region() {
        let picture = Picture::from_rgb(&gradient(32, 32), PixelFormat::I420, ColourSpec::BT709);
        let (a, b) = (picture.sample(Affine::IDENTITY, 32, 32), picture.region(0, 0, 32, 32));
        for i in 0..32 * 32 {
            assert!((a.at(i)[1] - b.at(i)[1]).abs() < 1e-5);
        }
    }

    #[test]
    fn shrinking_keeps_places_and_averages() {
        let picture = Picture::from_rgb(&gradient(320, 240), PixelFormat::I420, ColourSpec::BT709);
        for scale in [1.5, 2.0, 3.3, 5.0] {
            let (sin, cos) = 0.2f32.sin_cos();
            let map =
                Affine { a: scale * cos, b: -scale * sin, c: 60.0, d: scale * sin, e: scale * cos, f: 20.0 };
            let small = picture.sample(map, 30, 30);
            for (x, y) in [(3, 4), (15, 15), (27, 20)] {
                let p = map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                let expected = [0.2 + 0.6 * p.x / 320.0, 0.3 + 0.4 * p.y / 240.0, 0.7 - 0.5 * p.x / 320.0];
                for (found, expected) in small.get(x, y).into_iter().zip(expected) {
                    assert!((found - expected).abs() < 0.01, "{scale} {x} {y}: {found} {expected}");
                }
            }
        }
        let outside = picture.sample(Affine { c: 1e6, f: -1e6, ..Affine::IDENTITY }, 2, 2);
        assert!((outside.get(0, 0)[0] - 0.8).abs() < 0.01, "the corner repeats");
    }

    /// Written again without lanes: each pixel by itself, the neighbours looked up one by one.
    #[test]
    fn every_pixel_is_what_the_rule_says_to_the_bit() {
        for (format, colour) in formats() {
            let picture = Picture::from_rgb(&gradient(61, 47), format, colour);
            let codec = Codec::new(format, colour);
            // Turned, near and far, beyond every edge; with the blocks and taps that its steps ask for.
            for (scale, turn, x, y) in
                [(0.37, 0.3, 20.0, 11.0), (1.3, -0.7, -9.0, 30.0), (2.6, 2.0, 50.0, -20.0)]
            {
                let (sin, cos) = f32::sin_cos(turn);
                let map =
                    Affine { a: scale * cos, b: -scale * sin, c: x, d: scale * sin, e: scale * cos, f: y };
                let (width, height) = (35, 18);
                let found = picture.sample(map, width, height);
                let corners = [(0, 0), (width, 0), (0, height), (width, height)];
                let corners = corners.map(|(x, y)| map.apply(Point::new(x as f32, y as f32)));
                let seen = Rect::around(corners).expect("four");
                let sheets = [0, 1, 2].map(|plane| Sheet::new(&picture, plane, seen, scale));
                let subsampled = format.subsampling();
                for (i, pixel) in found.pixels().iter().enumerate() {
                    let codes = [0, 1, 2].map(|plane| {
                        let sheet: &Sheet = &sheets[plane];
                        let taps = match (plane, subsampled) {
                            // Blocks of three samples, of one where there are half as many; steps of 1.3 between them.
                            (1 | 2, (1, _)) if scale == 2.6 => 2,
                            (1 | 2, (1, 1)) => 1,
                            _ if scale == 1.3 => 2,
                            _ => 1,
                        };
                        let tap = |tap: usize| (tap as f32 + 0.5) / taps as f32;
                        let places = (0..taps * taps).map(|n| {
                            Point::new((i % width) as f32 + tap(n % taps), (i / width) as f32 + tap(n / taps))
                        });
                        let sum = places.fold(0.0, |sum, q| sum + plain(sheet, map.apply(q)));
                        sum / (taps * taps) as f32
                    });
                    assert_eq!(*pixel, codec.decode(codes[0], codes[1], codes[2]), "{format:?} {scale} {i}");
                }
            }
        }
    }

    fn plain(sheet: &Sheet, p: Point) -> f32 {
        let place = |v: f32, map: (f32, f32), n: usize| (v * map.0 + map.1 - 0.5).clamp(0.0, (n - 1) as f32);
        let (x, y) = (place(p.x, sheet.x, sheet.width), place(p.y, sheet.y, sheet.height));
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(sheet.width - 1), (y0 + 1).min(sheet.height - 1));
        let at = |x: usize, y: usize| sheet.values[y * (sheet.width + 1) + x];
        let (fx, fy) = (x.fract(), y.fract());
        mix(mix(at(x0, y0), at(x1, y0), fx), mix(at(x0, y1), at(x1, y1), fx), fy)
    }
}
