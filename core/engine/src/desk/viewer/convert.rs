//! A picture's planar samples as pixels for the screen, reduced to the size that is of use. Each plane is brought to
//! the screen's size by itself (area means downwards, straight lines upwards), a few rows at a time, side by side.

use crate::desk::event::Screen;
use lipsmith_base::{Chroma, ColourSpec, Picture, PixelFormat, Plane};
use rayon::prelude::*;

/// Rows that one thread takes at a time.
const ROWS: usize = 16;

/// `display` (the film's size on square pixels) reduced to fit into `fit`, its shape kept; never enlarged, never 0.
pub fn fitted(display: (usize, usize), fit: (usize, usize)) -> (usize, usize) {
    let ((w, h), (fw, fh)) = (display, fit);
    let (w, h, fw, fh) = (w.max(1), h.max(1), fw.max(1), fh.max(1));
    if w <= fw && h <= fh {
        return (w, h);
    }
    // The tighter side decides.
    if w * fh > h * fw { (fw, (h * fw / w).max(1)) } else { ((w * fh / h).max(1), fh) }
}

/// `picture` at `size` pixels.
pub fn to_screen(picture: &Picture, (width, height): (usize, usize)) -> Screen {
    let format = picture.format();
    let planes = [0, 1, 2].map(|plane| Scaler::new(picture, plane, width, height));
    let codes = Codes::new(format, picture.colour());
    let mut rgba = vec![255; width * height * 4];
    rgba.par_chunks_mut(width * 4 * ROWS).enumerate().for_each(|(block, rows)| {
        let mut lines = [vec![0.0; width], vec![0.0; width], vec![0.0; width]];
        let mut sums = Vec::new();
        for (row, out) in rows.chunks_exact_mut(width * 4).enumerate() {
            for (plane, line) in planes.iter().zip(&mut lines) {
                plane.line(block * ROWS + row, &mut sums, line);
            }
            codes.paint(&lines, out);
        }
    });
    Screen { width, height, rgba }
}

/// How far `a` and `b` are apart, eight times amplified; black where they are the same.
pub fn difference(a: &Screen, b: &Screen) -> Screen {
    let pixels = a.rgba.chunks_exact(4).zip(b.rgba.chunks_exact(4));
    let apart = |(a, b): (&[u8], &[u8])| {
        let channel = |c: usize| a[c].abs_diff(b[c]).saturating_mul(8);
        [channel(0), channel(1), channel(2), 255]
    };
    Screen { width: a.width, height: a.height, rgba: pixels.flat_map(apart).collect() }
}

/// One plane on its way to the screen's size.
struct Scaler<'a> {
    plane: &'a Plane,
    stride: usize,
    columns: Axis,
    rows: Axis,
}

impl Scaler<'_> {
    fn new(picture: &Picture, plane: usize, width: usize, height: usize) -> Scaler<'_> {
        let format = picture.format();
        let (w, h) = format.plane_size(plane, picture.width(), picture.height());
        let (sx, sy) = if plane == 0 { (0, 0) } else { format.subsampling() };
        // Chroma on the left luma column stands a quarter of a chroma sample further left.
        let left = if sx == 1 && picture.colour().chroma_left { 0.25 } else { 0.0 };
        let step_x = picture.width() as f32 / width as f32 / (1 << sx) as f32;
        let step_y = picture.height() as f32 / height as f32 / (1 << sy) as f32;
        Scaler {
            plane: &picture.planes()[plane],
            stride: w,
            columns: Axis::new(width, step_x, left, w),
            rows: Axis::new(height, step_y, 0.0, h),
        }
    }

    /// Row `row` of the screen. `sums` is working space.
    fn line(&self, row: usize, sums: &mut Vec<f32>, out: &mut [f32]) {
        match self.plane {
            Plane::U8(samples) => self.line_of(samples, row, sums, out),
            Plane::U16(samples) => self.line_of(samples, row, sums, out),
        }
    }

    fn line_of<T: Copy + Into<f32>>(&self, samples: &[T], row: usize, sums: &mut Vec<f32>, out: &mut [f32]) {
        let source = |row: usize| &samples[row * self.stride..][..self.stride];
        let (first, weights) = self.rows.taps(row);
        sums.clear();
        sums.extend(source(first).iter().map(|&v| v.into() * weights[0]));
        for (i, &weight) in weights.iter().enumerate().skip(1).filter(|(_, weight)| **weight != 0.0) {
            sums.iter_mut().zip(source(first + i)).for_each(|(sum, &v)| *sum += v.into() * weight);
        }
        self.columns.apply(sums, out);
    }
}

/// Which samples make each pixel along one axis, and how much of each.
struct Axis {
    /// Taps a pixel.
    taps: usize,
    firsts: Vec<usize>,
    /// `taps` for each pixel.
    weights: Vec<f32>,
    /// Every pixel is one sample, in order.
    straight: bool,
}

impl Axis {
    /// `pixels` of the screen, `step` samples apart, from `extent` samples; `offset` samples are added to each place.
    fn new(pixels: usize, step: f32, offset: f32, extent: usize) -> Axis {
        // Downwards a window as wide as the step; upwards the straight line between two neighbours.
        let half = (step.max(1.0)) / 2.0;
        let taps = ((2.0 * half).ceil() as usize + 1).min(extent.max(1));
        let (mut firsts, mut weights) = (Vec::with_capacity(pixels), Vec::with_capacity(pixels * taps));
        for pixel in 0..pixels {
            let centre = (pixel as f32 + 0.5) * step + offset;
            let first = ((centre - half).floor().max(0.0) as usize).min(extent - taps);
            // The window's share of each sample; what lies beyond the edge falls to the sample at the edge.
            let covered = |i: usize| {
                let (from, to) = ((first + i) as f32, (first + i + 1) as f32);
                let from = if first + i == 0 { f32::NEG_INFINITY } else { from };
                let to = if first + i + 1 == extent { f32::INFINITY } else { to };
                ((centre + half).min(to) - (centre - half).max(from)).max(0.0) / (2.0 * half)
            };
            firsts.push(first);
            weights.extend((0..taps).map(covered));
        }
        let straight = pixels == extent && step == 1.0 && offset == 0.0;
        Axis { taps, firsts, weights, straight }
    }

    fn taps(&self, pixel: usize) -> (usize, &[f32]) {
        (self.firsts[pixel], &self.weights[pixel * self.taps..][..self.taps])
    }

    fn apply(&self, samples: &[f32], out: &mut [f32]) {
        if self.straight {
            out.copy_from_slice(samples);
            return;
        }
        match self.taps {
            2 => self.apply_taps::<2>(samples, out),
            3 => self.apply_taps::<3>(samples, out),
            4 => self.apply_taps::<4>(samples, out),
            _ => {
                for (pixel, out) in out.iter_mut().enumerate() {
                    let (first, weights) = self.taps(pixel);
                    *out = weights.iter().zip(&samples[first..]).map(|(w, v)| w * v).sum();
                }
            }
        }
    }

    /// The same with the number of taps known, which unrolls the sum.
    fn apply_taps<const N: usize>(&self, samples: &[f32], out: &mut [f32]) {
        let (weights, _) = self.weights.as_chunks::<N>();
        for ((out, weights), &first) in out.iter_mut().zip(weights).zip(&self.firsts) {
            let samples = &samples[first..first + N];
            let mut sum = 0.0;
            for i in 0..N {
                sum += weights[i] * samples[i];
            }
            *out = sum;
        }
    }
}

/// Sample codes to bytes of R'G'B'.
struct Codes {
    gbr: bool,
    black: f32,
    grey: f32,
    luma: f32,
    red_of_cr: f32,
    green_of_cb: f32,
    green_of_cr: f32,
    blue_of_cb: f32,
}

impl Codes {
    fn new(format: PixelFormat, colour: ColourSpec) -> Codes {
        let (kr, kb) = colour.matrix.weights();
        let kg = 1.0 - kr - kb;
        let unit = (1u32 << (format.depth - 8)) as f32;
        let max = ((1u32 << format.depth) - 1) as f32;
        let (black, luma, chroma) =
            if colour.full_range { (0.0, max, max) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
        let (red, blue) = (255.0 / chroma * 2.0 * (1.0 - kr), 255.0 / chroma * 2.0 * (1.0 - kb));
        Codes {
            gbr: format.chroma == Chroma::Gbr,
            black,
            grey: 128.0 * unit,
            luma: 255.0 / luma,
            red_of_cr: red,
            green_of_cb: -kb / kg * blue,
            green_of_cr: -kr / kg * red,
            blue_of_cb: blue,
        }
    }

    /// One row of pixels; alpha is left as it is.
    fn paint(&self, [first, second, third]: &[Vec<f32>; 3], out: &mut [u8]) {
        let byte = |value: f32| (value + 0.5) as u8;
        let (pixels, _) = out.as_chunks_mut::<4>();
        let samples = first.iter().zip(second).zip(third);
        if self.gbr {
            for (pixel, ((g, b), r)) in pixels.iter_mut().zip(samples) {
                let [r, g, b] = [r, g, b].map(|code| byte((code - self.black) * self.luma));
                *pixel = [r, g, b, 255];
            }
            return;
        }
        for (pixel, ((y, cb), cr)) in pixels.iter_mut().zip(samples) {
            let (y, cb, cr) = ((y - self.black) * self.luma, cb - self.grey, cr - self.grey);
            *pixel = [
                byte(y + self.red_of_cr * cr),
                byte(y + self.green_of_cb * cb + self.green_of_cr * cr),
                byte(y + self.blue_of_cb * cb),
                255,
            ];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{Affine, Matrix, Rgb};

    fn colours(width: usize, height: usize) -> Rgb {
        let mut image = Rgb::black(width, height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            let (x, y) = ((i % width) as f32 / width as f32, (i / width) as f32 / height as f32);
            *pixel = [0.1 + 0.8 * x, 0.9 - 0.7 * y, 0.3 + 0.4 * x * y];
        }
        image
    }

    fn worst(screen: &Screen, image: &Rgb) -> u8 {
        let pixels = screen.rgba.chunks_exact(4).zip(image.pixels());
        let apart = pixels.map(|(a, b)| {
            (0..3).map(|c| a[c].abs_diff((b[c].clamp(0.0, 1.0) * 255.0).round() as u8)).max().unwrap_or(0)
        });
        apart.max().unwrap_or(0)
    }

    #[test]
    fn every_layout_shows_the_same_colours_at_every_size() {
        let image = colours(160, 90);
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Gbr] {
            for depth in [8, 10, 16] {
                for (matrix, full_range, chroma_left) in [
                    (Matrix::Bt709, false, true),
                    (Matrix::Bt601, true, false),
                    (Matrix::Bt2020, false, true),
                ] {
                    let colour = ColourSpec { matrix, full_range, chroma_left, ..ColourSpec::BT709 };
                    let picture = Picture::from_rgb(&image, PixelFormat { chroma, depth }, colour);
                    let whole = to_screen(&picture, (160, 90));
                    assert!(worst(&whole, &image) <= 4, "{chroma:?} {depth} {matrix:?}");
                    for size in [(80, 45), (64, 36), (101, 57), (1, 1)] {
                        let small = to_screen(&picture, size);
                        let step = (160.0 / size.0 as f32, 90.0 / size.1 as f32);
                        let map = Affine { a: step.0, e: step.1, ..Affine::IDENTITY };
                        let wanted = picture.sample(map, size.0, size.1);
                        let worst = worst(&small, &wanted);
                        assert!(worst <= 4, "{chroma:?} {depth} {matrix:?} {size:?}: {worst}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_film_fits_and_is_never_enlarged() {
        assert_eq!(fitted((1920, 1080), (1280, 1280)), (1280, 720));
        assert_eq!(fitted((1080, 1920), (1280, 720)), (405, 720));
        assert_eq!(fitted((320, 180), (1280, 720)), (320, 180));
        assert_eq!(fitted((1920, 1), (100, 100)), (100, 1));
        assert_eq!(fitted((10, 10), (0, 0)), (1, 1));
    }

    #[test]
    fn the_difference_is_black_where_nothing_changed() {
        let a = Screen { width: 2, height: 1, rgba: vec![10, 20, 30, 255, 0, 0, 0, 255] };
        let mut b = a.clone();
        assert_eq!(difference(&a, &b).rgba, [0, 0, 0, 255, 0, 0, 0, 255]);
        b.rgba[1] = 23;
        b.rgba[6] = 200;
        assert_eq!(difference(&a, &b).rgba, [0, 24, 0, 255, 0, 0, 255, 255]);
    }
}
