//! A decoded picture in the film's own samples: planar, 8 to 16 bits, Y'CbCr or R'G'B'. Pictures stay in
//! this form from decoder to encoder; only what is shown to a network or painted by one becomes
//! [`Rgb`], so everything else comes out bit for bit as it went in.

mod sample;

use crate::geom::Rect;
use crate::rgb::Rgb;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// How the second and third plane relate to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chroma {
    /// Y', Cb, Cr; chroma halved both ways.
    C420,
    /// Y', Cb, Cr; chroma halved horizontally.
    C422,
    /// Y', Cb, Cr at full size.
    C444,
    /// G', B', R' at full size (the planes' order in every planar RGB format of the field).
    Gbr,
}

/// Sample layout. `depth` is 8 (stored in bytes) or 9..=16 (stored in the low bits of `u16`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PixelFormat {
    pub chroma: Chroma,
    pub depth: u8,
}

impl PixelFormat {
    pub const I420: PixelFormat = PixelFormat { chroma: Chroma::C420, depth: 8 };
    pub const GBR8: PixelFormat = PixelFormat { chroma: Chroma::Gbr, depth: 8 };

    /// Right-shifts `(x, y)` from luma to chroma coordinates.
    pub fn subsampling(self) -> (u32, u32) {
        match self.chroma {
            Chroma::C420 => (1, 1),
            Chroma::C422 => (1, 0),
            Chroma::C444 | Chroma::Gbr => (0, 0),
        }
    }

    /// Size of plane 0, 1 or 2 of a picture, odd sizes rounded up.
    pub fn plane_size(self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        if plane == 0 {
            return (width, height);
        }
        let (sx, sy) = self.subsampling();
        (width.div_ceil(1 << sx), height.div_ceil(1 << sy))
    }
}

/// Y'CbCr ↔ R'G'B' coefficients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Matrix {
    Bt601,
    Bt709,
    Bt2020,
}

impl Matrix {
    /// `(K_R, K_B)` of ITU-R BT.601 / BT.709 / BT.2020.
    pub fn weights(self) -> (f32, f32) {
        match self {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Bt2020 => (0.2627, 0.0593),
        }
    }
}

/// What the sample values mean. Transfer and primaries are code points of ITU-T H.273 (2 = unspecified),
/// carried through unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ColourSpec {
    pub matrix: Matrix,
    /// 0..=255 instead of 16..=235 (scaled with depth).
    pub full_range: bool,
    pub transfer: u8,
    pub primaries: u8,
    /// Chroma samples sit on the left luma column (MPEG-2 and later) instead of between the columns (MPEG-1, JPEG).
    pub chroma_left: bool,
}

impl ColourSpec {
    pub const BT709: ColourSpec =
        ColourSpec { matrix: Matrix::Bt709, full_range: false, transfer: 1, primaries: 1, chroma_left: true };
    /// What stills carry: sRGB, full range.
    pub const SRGB: ColourSpec = ColourSpec {
        matrix: Matrix::Bt709,
        full_range: true,
        transfer: 13,
        primaries: 1,
        chroma_left: false,
    };
}

/// One plane, rows without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plane {
    U8(Vec<u8>),
    U16(Vec<u16>),
}

impl Plane {
    pub fn len(&self) -> usize {
        match self {
            Plane::U8(samples) => samples.len(),
            Plane::U16(samples) => samples.len(),
        }
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Cheap to clone: the planes are shared until one copy is painted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    format: PixelFormat,
    width: usize,
    height: usize,
    colour: ColourSpec,
    planes: Arc<[Plane; 3]>,
}

/// A picture whose planes do not have the size its format asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {width}×{height} picture of {format:?} cannot have planes of {lengths:?} samples")]
pub struct PictureError {
    format: PixelFormat,
    width: usize,
    height: usize,
    lengths: [usize; 3],
}

impl Picture {
    /// # Errors
    /// When a plane's length or sample type does not fit `format` and size, or the size is zero.
    pub fn new(
        format: PixelFormat,
        width: usize,
        height: usize,
        colour: ColourSpec,
        planes: [Plane; 3],
    ) -> Result<Picture, PictureError> {
        let fits = (0..3).all(|p| {
            let (w, h) = format.plane_size(p, width, height);
            planes[p].len() == w * h && matches!(planes[p], Plane::U8(_)) == (format.depth == 8)
        });
        if !fits || width == 0 || height == 0 || !(8..=16).contains(&format.depth) {
            let lengths = [planes[0].len(), planes[1].len(), planes[2].len()];
            return Err(PictureError { format, width, height, lengths });
        }
        Ok(Picture { format, width, height, colour, planes: Arc::new(planes) })
    }

    /// Paints an [`Rgb`] image into a new picture of `format`.
    pub fn from_rgb(image: &Rgb, format: PixelFormat, colour: ColourSpec) -> Picture {
        let (width, height) = (image.width(), image.height());
        let planes = [0, 1, 2].map(|p| {
            let (w, h) = format.plane_size(p, width, height);
            if format.depth == 8 { Plane::U8(vec![0; w * h]) } else { Plane::U16(vec![0; w * h]) }
        });
        let mut picture = Picture { format, width, height, colour, planes: Arc::new(planes) };
        picture.composite(0, 0, image, &vec![1.0; width * height]);
        picture
    }

    pub fn format(&self) -> PixelFormat {
        self.format
    }
    pub fn width(&self) -> usize {
        self.width
    }
    pub fn height(&self) -> usize {
        self.height
    }
    pub fn colour(&self) -> ColourSpec {
        self.colour
    }
    pub fn planes(&self) -> &[Plane; 3] {
        &self.planes
    }

    /// The window `[x, x + width) × [y, y + height)` in gamma-coded R'G'B', chroma interpolated; what lies
    /// outside the picture repeats its edge.
    pub fn region(&self, x: i32, y: i32, width: usize, height: usize) -> Rgb {
        let codec = Codec::new(self.format, self.colour);
        let mut rows = [0, 1, 2].map(|plane| Rows::new(self, plane, x, width));
        let mut out = Rgb::black(width, height);
        for (row, line) in out.pixels_mut().chunks_exact_mut(width.max(1)).enumerate() {
            let py = (i64::from(y) + row as i64).clamp(0, self.height as i64 - 1);
            rows.iter_mut().for_each(|rows| rows.read(py as usize));
            let [p0, p1, p2] = &rows;
            for (((pixel, &p0), &p1), &p2) in line.iter_mut().zip(&p0.row).zip(&p1.row).zip(&p2.row) {
                *pixel = codec.decode(p0, p1, p2);
            }
        }
        out
    }

    /// The part of the picture in and around `seen` (picture coordinates; what lies outside is left off), in its
    /// own samples, and which pixel of this picture its corner is. It begins at a chroma sample.
    pub fn window(&self, seen: Rect) -> (Picture, usize, usize) {
        let axis = |from: f32, to: f32, shift: u32, extent: usize| {
            let first = (from.max(0.0) as usize).min(extent - 1) >> shift << shift;
            let end = (to.max(0.0).ceil() as usize).clamp(first + 1, extent);
            first..(end.div_ceil(1 << shift) << shift).min(extent)
        };
        let (sx, sy) = self.format.subsampling();
        let (columns, lines) =
            (axis(seen.x0, seen.x1, sx, self.width), axis(seen.y0, seen.y1, sy, self.height));
        let (width, height) = (columns.len(), lines.len());
        let planes = [0, 1, 2].map(|plane| {
            let (sx, sy) = if plane == 0 { (0, 0) } else { (sx, sy) };
            let stride = self.format.plane_size(plane, self.width, self.height).0;
            let (w, h) = self.format.plane_size(plane, width, height);
            let starts = (0..h).map(|line| ((lines.start >> sy) + line) * stride + (columns.start >> sx));
            match &self.planes[plane] {
                Plane::U8(all) => Plane::U8(joined(starts.map(|at| &all[at..at + w]))),
                Plane::U16(all) => Plane::U16(joined(starts.map(|at| &all[at..at + w]))),
            }
        });
        let part = Picture { width, height, planes: Arc::new(planes), ..*self };
        (part, columns.start, lines.start)
    }

    /// Lays `image` at `(x, y)` over the picture, `alpha` (one value a pixel, 0..=1) of it. A luma sample
    /// with alpha 0 keeps its bits; a subsampled chroma sample keeps them if any pixel it covers has alpha 0.
    pub fn composite(&mut self, x: i32, y: i32, image: &Rgb, alpha: &[f32]) {
        let codec = Codec::new(self.format, self.colour);
        let subsampling = self.format.subsampling();
        let chroma_width = self.format.plane_size(1, self.width, self.height).0;
        let laid = Laid::new(self, x, y, image, alpha);
        let [luma, cb, cr] = Arc::make_mut(&mut self.planes);
        match (luma, cb, cr) {
            (Plane::U8(luma), Plane::U8(cb), Plane::U8(cr)) => {
                laid.on_luma(&codec, luma, self.width);
                laid.on_chroma(&codec, [cb, cr], chroma_width, subsampling);
            }
            (Plane::U16(luma), Plane::U16(cb), Plane::U16(cr)) => {
                laid.on_luma(&codec, luma, self.width);
                laid.on_chroma(&codec, [cb, cr], chroma_width, subsampling);
            }
            _ => unreachable!("all planes hold samples of one type"),
        }
    }
}

/// Rows one behind the other, each copied as a whole.
fn joined<'a, T: Copy + 'a>(rows: impl ExactSizeIterator<Item = &'a [T]>) -> Vec<T> {
    rows.collect::<Vec<_>>().concat()
}

#[inline(always)]
fn mix(old: f32, new: f32, a: f32) -> f32 {
    old + (new - old) * a
}

/// A sample as it is stored.
trait Code: Copy {
    fn value(self) -> f32;
    /// The nearest code within `0..=max`.
    fn nearest(value: f32, max: f32) -> Self;
}

impl Code for u8 {
    #[inline]
    fn value(self) -> f32 {
        f32::from(self)
    }
    #[inline]
    fn nearest(value: f32, max: f32) -> u8 {
        (value.clamp(0.0, max) + 0.5) as u8
    }
}

impl Code for u16 {
    #[inline]
    fn value(self) -> f32 {
        f32::from(self)
    }
    #[inline]
    fn nearest(value: f32, max: f32) -> u16 {
        (value.clamp(0.0, max) + 0.5) as u16
    }
}

/// An image over a picture, and how much of it is seen at each of its pixels.
struct Laid<'a> {
    image: &'a Rgb,
    alpha: &'a [f32],
    /// The image's corner in the picture.
    x: i64,
    y: i64,
    /// What of the picture it covers.
    columns: Range<usize>,
    lines: Range<usize>,
    picture_size: (usize, usize),
}

impl<'a> Laid<'a> {
    fn new(picture: &Picture, x: i32, y: i32, image: &'a Rgb, alpha: &'a [f32]) -> Laid<'a> {
        let (x, y) = (i64::from(x), i64::from(y));
        let cut = |from: i64, length: usize, extent: usize| {
            let end = (from + length as i64).clamp(0, extent as i64) as usize;
            (from.max(0) as usize).min(end)..end
        };
        let (columns, lines) = (cut(x, image.width(), picture.width), cut(y, image.height(), picture.height));
        Laid { image, alpha, x, y, columns, lines, picture_size: (picture.width, picture.height) }
    }

    /// Which of the image's pixels lies on the picture's pixel, one that it covers.
    #[inline]
    fn index(&self, column: usize, line: usize) -> usize {
        (line as i64 - self.y) as usize * self.image.width() + (column as i64 - self.x) as usize
    }

    fn on_luma<T: Code>(&self, codec: &Codec, samples: &mut [T], stride: usize) {
        for line in self.lines.clone() {
            let first = self.index(self.columns.start, line);
            let row = &mut samples[line * stride..][self.columns.clone()];
            let (alpha, pixels) = (&self.alpha[first..], &self.image.pixels()[first..]);
            for ((sample, &a), &pixel) in row.iter_mut().zip(alpha).zip(pixels) {
                if a > 0.0 {
                    *sample = T::nearest(mix(sample.value(), codec.encode(pixel)[0], a), codec.max);
                }
            }
        }
    }

    /// Only chroma samples all of whose pixels are covered change.
    fn on_chroma<T: Code>(
        &self,
        codec: &Codec,
        [cb, cr]: [&mut [T]; 2],
        stride: usize,
        (sx, sy): (u32, u32),
    ) {
        // A sample at the picture's odd edge stands for fewer pixels, and there the image ends with the picture.
        let whole = |range: &Range<usize>, shift: u32, extent: usize| {
            let end = if range.end == extent { range.end.div_ceil(1 << shift) } else { range.end >> shift };
            range.start.div_ceil(1 << shift)..end
        };
        let (width, height) = self.picture_size;
        for line in whole(&self.lines, sy, height) {
            let lines = line << sy..((line + 1) << sy).min(height);
            for column in whole(&self.columns, sx, width) {
                let columns = column << sx..((column + 1) << sx).min(width);
                let (mut new, mut weight, mut covered) = ([0.0f32; 2], 0.0, true);
                for py in lines.clone() {
                    for i in self.index(columns.start, py)..self.index(columns.end - 1, py) + 1 {
                        let a = self.alpha[i];
                        covered &= a > 0.0;
                        let [_, b, r] = codec.encode(self.image.at(i));
                        new[0] += b * a;
                        new[1] += r * a;
                        weight += a;
                    }
                }
                if covered {
                    let a = weight / (lines.len() * columns.len()) as f32;
                    let at = line * stride + column;
                    for (sample, new) in [&mut cb[at], &mut cr[at]].into_iter().zip(new) {
                        *sample = T::nearest(mix(sample.value(), new / weight, a), codec.max);
                    }
                }
            }
        }
    }
}

/// A plane read row by row at luma resolution, chroma interpolated with its siting honoured.
struct Rows<'a> {
    plane: &'a Plane,
    /// Samples in the plane, across and down.
    size: (usize, usize),
    down: u32,
    /// What of a row of the plane is read.
    read: Range<usize>,
    /// For each pixel of a row the sample it lies at or behind, counted in `read`, and how near the next one is; empty
    /// where the pixels are the samples read.
    columns: Vec<(u32, f32)>,
    /// One row of the plane, between two of its lines, its last sample twice.
    line: Vec<f32>,
    /// The row last read, a value a pixel.
    row: Vec<f32>,
}

impl<'a> Rows<'a> {
    /// Of the `width` pixels from `x` on.
    fn new(picture: &'a Picture, plane: usize, x: i32, width: usize) -> Rows<'a> {
        let (across, down) = if plane == 0 { (0, 0) } else { picture.format.subsampling() };
        let size = picture.format.plane_size(plane, picture.width, picture.height);
        let left = if across == 1 && picture.colour.chroma_left { 0.25 } else { 0.0 };
        let places = (0..width).map(|column| {
            let px = (i64::from(x) + column as i64).clamp(0, picture.width as i64 - 1);
            between((px as f32 + 0.5) / (1 << across) as f32 + left - 0.5, size.0)
        });
        let places: Vec<_> = places.collect();
        let first = places.first().map_or(0, |place| place.0);
        let read = first..places.last().map_or(first, |place| place.1 + 1);
        let mut columns: Vec<_> = places.iter().map(|place| ((place.0 - first) as u32, place.2)).collect();
        if columns.iter().enumerate().all(|(pixel, &column)| column == (pixel as u32, 0.0)) {
            columns.clear();
        }
        let plane = &picture.planes[plane];
        Rows { plane, size, down, read, columns, line: Vec::new(), row: vec![0.0; width] }
    }

    fn read(&mut self, line: usize) {
        let (above, below, share) = between((line as f32 + 0.5) / (1 << self.down) as f32 - 0.5, self.size.1);
        let [above, below] = [above, below].map(|line| {
            let start = line * self.size.0;
            start + self.read.start..start + self.read.end
        });
        self.line.clear();
        match self.plane {
            Plane::U8(samples) => blend_lines(&samples[above], &samples[below], share, &mut self.line),
            Plane::U16(samples) => blend_lines(&samples[above], &samples[below], share, &mut self.line),
        }
        if self.columns.is_empty() {
            let width = self.row.len();
            self.row.copy_from_slice(&self.line[..width]);
            return;
        }
        self.line.extend(self.line.last().copied());
        for (value, &(left, share)) in self.row.iter_mut().zip(&self.columns) {
            let pair = &self.line[left as usize..left as usize + 2];
            *value = mix(pair[0], pair[1], share);
        }
    }
}

/// The samples that a continuous place (centres at whole numbers) lies between, and the share of the second.
fn between(at: f32, extent: usize) -> (usize, usize, f32) {
    let at = at.clamp(0.0, (extent - 1) as f32);
    let first = at as usize;
    (first, (first + 1).min(extent - 1), at - first as f32)
}

fn blend_lines<T: Code>(above: &[T], below: &[T], share: f32, line: &mut Vec<f32>) {
    match share {
        0.0 => line.extend(above.iter().map(|a| a.value())),
        _ => line.extend(above.iter().zip(below).map(|(a, b)| mix(a.value(), b.value(), share))),
    }
}

/// Sample codes ↔ R'G'B' in 0..=1 (nominal; footroom and headroom go below and above).
struct Codec {
    gbr: bool,
    kr: f32,
    kb: f32,
    /// Code of black and of zero chroma; codes per unit of luma and of chroma.
    black: f32,
    grey: f32,
    luma: f32,
    chroma: f32,
    max: f32,
}

impl Codec {
    fn new(format: PixelFormat, colour: ColourSpec) -> Codec {
        let (kr, kb) = colour.matrix.weights();
        let unit = (1u32 << (format.depth - 8)) as f32;
        let max = ((1u32 << format.depth) - 1) as f32;
        let (black, luma, chroma) =
            if colour.full_range { (0.0, max, max) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
        Codec { gbr: format.chroma == Chroma::Gbr, kr, kb, black, grey: 128.0 * unit, luma, chroma, max }
    }

    #[inline(always)]
    fn decode(&self, p0: f32, p1: f32, p2: f32) -> [f32; 3] {
        if self.gbr {
            return [p2, p0, p1].map(|code| (code - self.black) / self.luma);
        }
        let y = (p0 - self.black) / self.luma;
        let (cb, cr) = ((p1 - self.grey) / self.chroma, (p2 - self.grey) / self.chroma);
        let r = y + 2.0 * (1.0 - self.kr) * cr;
        let b = y + 2.0 * (1.0 - self.kb) * cb;
        [r, (y - self.kr * r - self.kb * b) / (1.0 - self.kr - self.kb), b]
    }

    #[inline]
    fn encode(&self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        if self.gbr {
            return [g, b, r].map(|value| value * self.luma + self.black);
        }
        let y = self.kr * r + (1.0 - self.kr - self.kb) * g + self.kb * b;
        [
            y * self.luma + self.black,
            (b - y) / (2.0 * (1.0 - self.kb)) * self.chroma + self.grey,
            (r - y) / (2.0 * (1.0 - self.kr)) * self.chroma + self.grey,
        ]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::geom::Affine;

    pub fn gradient(width: usize, height: usize) -> Rgb {
        let mut image = Rgb::black(width, height);
        for y in 0..height {
            for x in 0..width {
                let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
                image.set(x, y, [0.2 + 0.6 * u, 0.3 + 0.4 * v, 0.7 - 0.5 * u]);
            }
        }
        image
    }

    pub fn formats() -> impl Iterator<Item = (PixelFormat, ColourSpec)> {
        let chromas = [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Gbr];
        chromas.into_iter().flat_map(|chroma| {
            [8, 10, 12].into_iter().flat_map(move |depth| {
                [
                    ColourSpec::BT709,
                    ColourSpec::SRGB,
                    ColourSpec { matrix: Matrix::Bt601, ..ColourSpec::BT709 },
                ]
                .map(|colour| (PixelFormat { chroma, depth }, colour))
            })
        })
    }

    #[test]
    fn rgb_survives_the_picture() {
        let image = gradient(37, 23);
        for (format, colour) in formats() {
            let picture = Picture::from_rgb(&image, format, colour);
            let back = picture.region(0, 0, 37, 23);
            let tolerance = if format.subsampling() == (0, 0) { 0.008 } else { 0.03 };
            for i in 0..37 * 23 {
                for c in 0..3 {
                    let (a, b) = (image.at(i)[c], back.at(i)[c]);
                    assert!((a - b).abs() < tolerance, "{format:?} {colour:?} pixel {i}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn nothing_changes_where_alpha_is_zero() {
        let image = gradient(40, 30);
        for (format, colour) in formats() {
            let before = Picture::from_rgb(&image, format, colour);
            let mut after = before.clone();
            let mut alpha = vec![0.0; 9 * 7];
            alpha[4 * 9 + 4] = 1.0;
            after.composite(11, 13, &Rgb::black(9, 7), &alpha);
            let changed = (0..3).map(|p| differing(&before.planes[p], &after.planes[p])).collect::<Vec<_>>();
            assert_eq!(changed[0], 1, "{format:?}");
            let chroma = if format.subsampling() == (0, 0) { 1 } else { 0 };
            assert_eq!(changed[1..], [chroma, chroma], "{format:?} {colour:?}");
        }
    }

    fn differing(a: &Plane, b: &Plane) -> usize {
        match (a, b) {
            (Plane::U8(a), Plane::U8(b)) => a.iter().zip(b).filter(|(a, b)| a != b).count(),
            (Plane::U16(a), Plane::U16(b)) => a.iter().zip(b).filter(|(a, b)| a != b).count(),
            _ => panic!("planes of two types"),
        }
    }

    #[test]
    fn a_window_shows_what_the_whole_picture_shows_there() {
        for (format, colour) in formats() {
            let picture = Picture::from_rgb(&gradient(61, 47), format, colour);
            for seen in [Rect::new(11.0, 9.0, 40.0, 33.0), Rect::new(-9.0, 20.0, 30.0, 90.0)] {
                let (part, x, y) = picture.window(seen.grown(4.0, 4.0));
                let map = Affine { a: 0.8, b: 0.1, c: seen.x0 + 2.0, d: -0.1, e: 0.8, f: seen.y0 + 4.0 };
                let back = Affine { c: -(x as f32), f: -(y as f32), ..Affine::IDENTITY };
                let (whole, part) = (picture.sample(map, 20, 20), part.sample(map.then(back), 20, 20));
                for (a, b) in whole.pixels().iter().flatten().zip(part.pixels().iter().flatten()) {
                    assert!((a - b).abs() < 1e-4, "{format:?} {colour:?} {seen:?}: {a} {b}");
                }
            }
            let (corner, x, y) = picture.window(Rect::new(500.0, 500.0, 600.0, 600.0));
            assert_eq!((corner.width(), corner.height(), x, y), (1, 1, 60, 46));
        }
    }

    #[test]
    fn wrong_planes_are_refused() {
        let planes = [Plane::U8(vec![0; 15]), Plane::U8(vec![0; 4]), Plane::U8(vec![0; 4])];
        assert!(Picture::new(PixelFormat::I420, 4, 4, ColourSpec::BT709, planes).is_err());
    }
}
