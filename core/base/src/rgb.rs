//! Images as networks and painters see them: interleaved gamma-coded R'G'B' in f32, nominally 0..=1.

use crate::geom::{Affine, Point};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rgb {
    width: usize,
    height: usize,
    /// `width * height` pixels, row by row.
    pixels: Vec<[f32; 3]>,
}

impl Rgb {
    pub fn black(width: usize, height: usize) -> Rgb {
        Rgb { width, height, pixels: vec![[0.0; 3]; width * height] }
    }

    /// `None` unless there are exactly `width * height` pixels.
    pub fn from_pixels(width: usize, height: usize, pixels: Vec<[f32; 3]>) -> Option<Rgb> {
        (width.checked_mul(height) == Some(pixels.len())).then_some(Rgb { width, height, pixels })
    }

    /// Interleaved bytes, 255 = 1. `None` unless there are exactly `3 * width * height`.
    pub fn from_bytes(width: usize, height: usize, bytes: &[u8]) -> Option<Rgb> {
        let pixels = bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]].map(|v| f32::from(v) / 255.0));
        let fits = width.checked_mul(height).and_then(|n| n.checked_mul(3)) == Some(bytes.len());
        fits.then(|| Rgb { width, height, pixels: pixels.collect() })
    }

    /// Interleaved bytes, rounded.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pixels.iter().flatten().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }

    pub fn width(&self) -> usize {
        self.width
    }
    pub fn height(&self) -> usize {
        self.height
    }
    pub fn pixels(&self) -> &[[f32; 3]] {
        &self.pixels
    }
    pub fn pixels_mut(&mut self) -> &mut [[f32; 3]] {
        &mut self.pixels
    }
    #[inline]
    pub fn at(&self, index: usize) -> [f32; 3] {
        self.pixels[index]
    }
    #[inline]
    pub fn get(&self, x: usize, y: usize) -> [f32; 3] {
        self.pixels[y * self.width + x]
    }
    #[inline]
    pub fn set(&mut self, x: usize, y: usize, value: [f32; 3]) {
        self.pixels[y * self.width + x] = value;
    }

    /// Bilinear value at a continuous position (pixel centres at .5), edges repeated.
    #[inline]
    pub fn bilinear(&self, p: Point) -> [f32; 3] {
        let x = (p.x - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (p.y - 0.5).clamp(0.0, (self.height - 1) as f32);
        let (x0, y0) = (x as usize, y as usize);
        let (x1, y1) = ((x0 + 1).min(self.width - 1), (y0 + 1).min(self.height - 1));
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let (p00, p10, p01, p11) = (self.get(x0, y0), self.get(x1, y0), self.get(x0, y1), self.get(x1, y1));
        std::array::from_fn(|c| {
            let top = p00[c] + (p10[c] - p00[c]) * fx;
            let bottom = p01[c] + (p11[c] - p01[c]) * fx;
            top + (bottom - top) * fy
        })
    }

    /// Catmull-Rom value (cubic, a = -1/2) at a continuous position: sharper than bilinear when enlarging.
    #[inline]
    pub fn bicubic(&self, p: Point) -> [f32; 3] {
        let (x, y) = (p.x - 0.5, p.y - 0.5);
        let inside = x >= 1.0 && y >= 1.0 && x + 3.0 < self.width as f32 && y + 3.0 < self.height as f32;
        if !inside {
            return self.bicubic_at_the_edge(x, y);
        }
        let (x0, y0) = (x as usize, y as usize);
        let (wx, wy) = (catmull_rom(x - x0 as f32), catmull_rom(y - y0 as f32));
        // Four pixels side by side, summed over their rows.
        let mut column = [0.0f32; 12];
        for (j, wy) in wy.iter().enumerate() {
            let start = (y0 + j - 1) * self.width + x0 - 1;
            let row = self.pixels[start..start + 4].as_flattened();
            column.iter_mut().zip(row).for_each(|(sum, value)| *sum += wy * value);
        }
        std::array::from_fn(|c| {
            wx[0] * column[c] + wx[1] * column[3 + c] + wx[2] * column[6 + c] + wx[3] * column[9 + c]
        })
    }

    /// [`Rgb::bicubic`] wherever there may be no pixel to read, from pixel centres at whole numbers.
    fn bicubic_at_the_edge(&self, x: f32, y: f32) -> [f32; 3] {
        let (x0, y0) = (x.floor(), y.floor());
        let (wx, wy) = (catmull_rom(x - x0), catmull_rom(y - y0));
        let mut sum = [0.0; 3];
        for (j, wy) in wy.iter().enumerate() {
            let py = (y0 + j as f32 - 1.0).clamp(0.0, (self.height - 1) as f32) as usize;
            for (i, wx) in wx.iter().enumerate() {
                let px = (x0 + i as f32 - 1.0).clamp(0.0, (self.width - 1) as f32) as usize;
                let value = self.get(px, py);
                for c in 0..3 {
                    sum[c] += wx * wy * value[c];
                }
            }
        }
        sum
    }

    /// Image of `width` × `height` whose pixel centre `q` shows `map(q)` of this one: Catmull-Rom where the map
    /// enlarges, averaged taps where it shrinks.
    pub fn warp(&self, map: Affine, width: usize, height: usize) -> Rgb {
        let step = map.a.hypot(map.d).max(map.b.hypot(map.e));
        let taps = (step.ceil() as usize).clamp(1, 32);
        let mut out = Rgb::black(width, height);
        for row in 0..height {
            for col in 0..width {
                let at = |tx: usize, ty: usize| {
                    map.apply(Point::new(
                        col as f32 + (tx as f32 + 0.5) / taps as f32,
                        row as f32 + (ty as f32 + 0.5) / taps as f32,
                    ))
                };
                let value = if taps == 1 {
                    self.bicubic(at(0, 0))
                } else {
                    let mut sum = [0.0; 3];
                    for ty in 0..taps {
                        for tx in 0..taps {
                            let v = self.bilinear(at(tx, ty));
                            (0..3).for_each(|c| sum[c] += v[c]);
                        }
                    }
                    sum.map(|v| v / (taps * taps) as f32)
                };
                out.set(col, row, value);
            }
        }
        out
    }
}

/// Weights of the four samples around fraction `t`.
fn catmull_rom(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}

/// ITU-R BT.709 / BT.601 camera curve inverted (also what sRGB footage is near enough to for matching
/// colours): coded 0..=1 to scene-linear 0..=1.
pub fn to_linear(v: f32) -> f32 {
    if v < 0.081 { v / 4.5 } else { ((v + 0.099) / 1.099).powf(1.0 / 0.45) }
}

/// Inverse of [`to_linear`].
pub fn from_linear(v: f32) -> f32 {
    if v < 0.018 { v * 4.5 } else { 1.099 * v.powf(0.45) - 0.099 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_and_its_inverse_agree() {
        for i in 0..=1000 {
            let v = i as f32 / 1000.0;
            // The standard rounds its constants, so the two branches miss each other by 3e-4 where they meet.
            assert!((from_linear(to_linear(v)) - v).abs() < 5e-4, "{v}");
        }
    }

    #[test]
    fn warping_by_whole_pixels_moves_them() {
        let mut image = Rgb::black(8, 8);
        image.set(3, 4, [1.0, 0.5, 0.25]);
        let moved = image.warp(Affine { c: 1.0, f: -2.0, ..Affine::IDENTITY }, 8, 8);
        assert_eq!(moved.get(2, 6).map(|v| (v * 1000.0).round()), [1000.0, 500.0, 250.0]);
    }

    #[test]
    fn cubic_values_inside_are_those_of_the_edge_rule() {
        let mut image = Rgb::black(9, 8);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            *pixel = [0, 1, 2].map(|c| ((i * 37 + c * 11) % 23) as f32 / 23.0);
        }
        for i in 0..400 {
            let p = Point::new((i % 20) as f32 * 0.5 - 0.3, (i / 20) as f32 * 0.45 - 0.3);
            let (a, b) = (image.bicubic(p), image.bicubic_at_the_edge(p.x - 0.5, p.y - 0.5));
            (0..3).for_each(|c| assert!((a[c] - b[c]).abs() < 1e-5, "{p:?}: {a:?} {b:?}"));
        }
    }

    #[test]
    fn bytes_of_the_wrong_length_are_refused() {
        assert!(Rgb::from_bytes(2, 2, &[0; 11]).is_none());
        assert!(Rgb::from_bytes(usize::MAX, 2, &[0; 12]).is_none());
    }
}
