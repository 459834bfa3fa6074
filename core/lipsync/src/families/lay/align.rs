//! Lays one picture of a face on another to a fraction of a pixel, so that a mouth taken from elsewhere sits
//! still. Inverse-compositional Lucas–Kanade (Baker and Matthews 2004) on pictures whose local brightness and
//! contrast are evened out, robust against what moves in one of them alone.

use lipsmith_base::{Affine, Point, Rgb};

/// A single channel.
#[derive(Clone, Debug)]
pub struct Grey {
    pub width: usize,
    pub height: usize,
    pub values: Vec<f32>,
}

impl Grey {
    pub fn of(image: &Rgb) -> Grey {
        let values = image.pixels().iter().map(|[r, g, b]| 0.3 * r + 0.59 * g + 0.11 * b).collect();
        Grey { width: image.width(), height: image.height(), values }
    }

    /// Half the size, each pixel the mean of four (an odd last row or column is dropped).
    fn halved(&self) -> Grey {
        let (width, height) = ((self.width / 2).max(1), (self.height / 2).max(1));
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let at = |dx: usize, dy: usize| {
                    let (x, y) = ((2 * x + dx).min(self.width - 1), (2 * y + dy).min(self.height - 1));
                    self.values[y * self.width + x]
                };
                values.push((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0);
            }
        }
        Grey { width, height, values }
    }

    /// Local mean 0, local deviation 1 (over about `reach` pixels either way); flat parts stay near 0.
    fn evened(&self, reach: usize) -> Grey {
        let mean = self.smooth(reach);
        let detail: Vec<f32> = self.values.iter().zip(&mean.values).map(|(v, m)| v - m).collect();
        let squares = self.with(detail.iter().map(|d| d * d).collect()).smooth(reach);
        let evened = detail.iter().zip(&squares.values).map(|(d, v)| d / (v.max(0.0).sqrt() + 0.012));
        self.with(evened.collect())
    }

    /// A picture of this size with other values.
    fn with(&self, values: Vec<f32>) -> Grey {
        Grey { width: self.width, height: self.height, values }
    }

    /// Two box filters of `2 reach + 1`, edges repeated.
    fn smooth(&self, reach: usize) -> Grey {
        let mut values = self.values.clone();
        let mut copy = Vec::new();
        for _ in 0..2 {
            for row in values.chunks_exact_mut(self.width) {
                box_filter(row, reach, &mut copy);
            }
        }
        for _ in 0..2 {
            box_filter_down(&mut values, self.width, reach, &mut copy);
        }
        self.with(values)
    }

    /// Bilinear value at a continuous position; `None` outside.
    #[inline]
    fn at(&self, x: f32, y: f32) -> Option<f32> {
        let (x, y) = (x - 0.5, y - 0.5);
        if !(x >= 0.0 && y >= 0.0 && x < (self.width - 1) as f32 && y < (self.height - 1) as f32) {
            return None;
        }
        let (x0, y0) = (x as usize, y as usize);
        let (fx, fy) = (x - x0 as f32, y - y0 as f32);
        let i = y0 * self.width + x0;
        let (top, bottom) = (&self.values[i..i + 2], &self.values[i + self.width..i + self.width + 2]);
        let above = top[0] + (top[1] - top[0]) * fx;
        let below = bottom[0] + (bottom[1] - bottom[0]) * fx;
        Some(above + (below - above) * fy)
    }
}

fn box_filter(line: &mut [f32], reach: usize, copy: &mut Vec<f32>) {
    copy.clear();
    copy.extend_from_slice(line);
    let last = copy.len() - 1;
    let width = (2 * reach + 1) as f32;
    let mut sum: f32 = (0..=2 * reach).map(|i| copy[i.saturating_sub(reach).min(last)]).sum();
    for i in 0..copy.len() {
        line[i] = sum / width;
        sum += copy[(i + reach + 1).min(last)] - copy[i.saturating_sub(reach)];
    }
}

/// [`box_filter`] of all columns side by side.
fn box_filter_down(values: &mut [f32], width: usize, reach: usize, copy: &mut Vec<f32>) {
    copy.clear();
    copy.extend_from_slice(values);
    let last = copy.len() / width - 1;
    let row = |y: usize| &copy[y.min(last) * width..][..width];
    let mut sums = vec![0.0f32; width];
    for i in 0..=2 * reach {
        sums.iter_mut().zip(row(i.saturating_sub(reach))).for_each(|(sum, v)| *sum += v);
    }
    let share = 1.0 / (2 * reach + 1) as f32;
    for (y, line) in values.chunks_exact_mut(width).enumerate() {
        let (enters, leaves) = (row(y + reach + 1), row(y.saturating_sub(reach)));
        for (((v, sum), enters), leaves) in line.iter_mut().zip(&mut sums).zip(enters).zip(leaves) {
            *v = *sum * share;
            *sum += enters - leaves;
        }
    }
}

/// Pictures of one crop from fine to coarse, evened out.
pub struct Pyramid {
    levels: Vec<Grey>,
}

/// The coarsest level's longer side is about this.
const COARSEST: usize = 56;

impl Pyramid {
    /// Levels from the first of at most `finest` pixels a side downwards.
    pub fn of(image: &Rgb, finest: usize) -> Pyramid {
        let mut grey = Grey::of(image);
        while grey.width.max(grey.height) > finest.max(COARSEST) {
            grey = grey.halved();
        }
        let mut plain = vec![grey];
        while let Some(last) = plain.last().filter(|g| g.width.max(g.height) >= 2 * COARSEST) {
            let next = last.halved();
            plain.push(next);
        }
        let levels = plain.iter().map(|g| g.evened((g.width.max(g.height) / 14).max(2))).collect();
        Pyramid { levels }
    }
}

/// How far the map may leave the first guess: standard deviations of what a similarity can do (zoom and turn), of
/// what it cannot (shear and unequal stretch), and of the shift in shares of the picture's width.
pub struct Trust {
    pub zoom: f32,
    pub shear: f32,
    pub shift: f32,
}

impl Trust {
    /// The quadratic form that holds the parameters, in units of half the width, to the first guess, against unit
    /// noise of an evened picture.
    fn prior(&self) -> [[f32; 6]; 6] {
        let strength = |deviation: f32| 1.0 / (deviation * deviation).max(1e-9);
        let (shift, zoom, shear) = (strength(self.shift * 2.0), strength(self.zoom), strength(self.shear));
        let mut form = [[0.0; 6]; 6];
        (form[0][0], form[1][1]) = (shift, shift);
        // The stretches' sum is a zoom and their difference a shear; of the cross terms it is the other way round.
        for ([i, j], [even, odd]) in [([2, 5], [zoom, shear]), ([3, 4], [shear, zoom])] {
            (form[i][i], form[j][j]) = ((even + odd) / 2.0, (even + odd) / 2.0);
            (form[i][j], form[j][i]) = ((even - odd) / 2.0, (even - odd) / 2.0);
        }
        form
    }
}

/// The map target pixel ↦ source pixel (of the full-size crops) that lays the source on the target where
/// `weights` (target's size, 0..=1) say, starting from `start`, and how ill it lies there: the usual residual between
/// the evened pictures, whose deviation is 1. `None` when nothing there holds on to anything.
pub fn register(
    target: &Pyramid,
    target_width: usize,
    weights: &[f32],
    source: &Pyramid,
    source_width: usize,
    start: Affine,
    trust: &Trust,
) -> Option<(Affine, f32)> {
    let (mut map, mut misfit) = (start, 0.0);
    let coarsest = target.levels.len().min(source.levels.len());
    for level in (0..coarsest).rev() {
        let (t, s) = (&target.levels[level], &source.levels[level]);
        let (down, up) = (target_width as f32 / t.width as f32, source_width as f32 / s.width as f32);
        let to_level = |map: Affine| scaled(down).then(map).then(scaled(1.0 / up));
        let from_level = |map: Affine| scaled(1.0 / down).then(map).then(scaled(up));
        let problem = Problem::new(t, weights, target_width, to_level(start), trust)?;
        let (found, noise) = problem.solve(s, to_level(map), if level == 0 { 6 } else { 10 })?;
        // The coarsest level's: finer ones differ by grain and focus as well.
        misfit = if level + 1 == coarsest { noise } else { misfit };
        map = from_level(found);
    }
    Some((map, misfit))
}

fn scaled(by: f32) -> Affine {
    Affine { a: by, e: by, ..Affine::IDENTITY }
}

/// A pixel of the target that counts.
struct Pixel {
    at: Point,
    value: f32,
    /// Change of the value with each parameter.
    steps: [f32; 6],
    weight: f32,
}

/// Pixels that count at one level, about. From so many the tests' known shifts are still found to a twentieth of a pixel.
const ENOUGH: usize = 4_000;

/// Least squares at one level.
struct Problem {
    start: Affine,
    pixels: Vec<Pixel>,
    centre: Point,
    /// Pixels to a unit of the linear parameters, so that all six weigh alike.
    size: f32,
    prior: [[f32; 6]; 6],
}

impl Problem {
    fn new(
        target: &Grey,
        weights: &[f32],
        full_width: usize,
        start: Affine,
        trust: &Trust,
    ) -> Option<Problem> {
        let (w, h) = (target.width, target.height);
        let scale = full_width as f32 / w as f32;
        let full_height = weights.len() / full_width.max(1);
        let centre = Point::new(w as f32 / 2.0, h as f32 / 2.0);
        let size = w as f32 / 2.0;
        let weight = |x: usize, y: usize| {
            let (fx, fy) = ((x as f32 + 0.5) * scale, (y as f32 + 0.5) * scale);
            let at = (fy as usize).min(full_height.saturating_sub(1)) * full_width
                + (fx as usize).min(full_width - 1);
            weights.get(at).copied().filter(|weight| *weight > 0.05)
        };
        let inner = |step: usize| {
            let rows = (1..h.saturating_sub(1)).step_by(step);
            // Every other row half a step on: no column of the face goes unseen.
            rows.enumerate()
                .flat_map(move |(n, y)| (1 + n % 2 * (step / 2)..w - 1).step_by(step).map(move |x| (x, y)))
        };
        let many = inner(1).filter(|&(x, y)| weight(x, y).is_some()).count();
        let step = (many as f32 / ENOUGH as f32).sqrt().round().max(1.0) as usize;
        // Each stands for those left out, or the first guess would weigh more than before.
        let share = (step * step) as f32;
        let mut pixels = Vec::with_capacity(many / (step * step));
        for (x, y) in inner(step) {
            if let Some(weight) = weight(x, y) {
                let i = y * w + x;
                let v = &target.values;
                let (gx, gy) = ((v[i + 1] - v[i - 1]) / 2.0, (v[i + w] - v[i - w]) / 2.0);
                let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
                let (u, t) = ((px - centre.x) / size, (py - centre.y) / size);
                let steps = [gx, gy, gx * u, gx * t, gy * u, gy * t].map(|d| d * size);
                pixels.push(Pixel { at: Point::new(px, py), value: v[i], steps, weight: weight * share });
            }
        }
        if pixels.len() < 30 {
            return None;
        }
        Some(Problem { start, pixels, centre, size, prior: trust.prior() })
    }

    /// The warp of the target's plane with the given parameters.
    fn warp(&self, p: [f32; 6]) -> Affine {
        let (cx, cy, k) = (self.centre.x, self.centre.y, self.size);
        Affine {
            a: 1.0 + p[2],
            b: p[3],
            c: p[0] * k - p[2] * cx - p[3] * cy,
            d: p[4],
            e: 1.0 + p[5],
            f: p[1] * k - p[4] * cx - p[5] * cy,
        }
    }

    /// Inverse of [`Problem::warp`].
    fn parameters(&self, warp: Affine) -> [f32; 6] {
        let (cx, cy, k) = (self.centre.x, self.centre.y, self.size);
        let p = [0.0, 0.0, warp.a - 1.0, warp.b, warp.d, warp.e - 1.0];
        [(warp.c + p[2] * cx + p[3] * cy) / k, (warp.f + p[4] * cx + p[5] * cy) / k, p[2], p[3], p[4], p[5]]
    }

    fn solve(&self, source: &Grey, mut map: Affine, rounds: usize) -> Option<(Affine, f32)> {
        let unstart = self.start.inverse()?;
        let mut usual = 0.0;
        for _ in 0..rounds {
            let residuals: Vec<Option<f32>> = (self.pixels.iter())
                .map(|pixel| {
                    let p = map.apply(pixel.at);
                    Some(source.at(p.x, p.y)? - pixel.value)
                })
                .collect();
            let mut sizes: Vec<f32> = residuals.iter().flatten().map(|r| r.abs()).collect();
            if sizes.len() < 30 {
                return None;
            }
            let middle = sizes.len() / 2;
            usual = 1.48 * *sizes.select_nth_unstable_by(middle, f32::total_cmp).1;
            let noise = usual.clamp(0.02, 1.5);
            let (mut hessian, mut slope) = self.normal(&residuals, noise);
            // How far the warp stands from the first guess, in the target's plane.
            let away = self.parameters(map.then(unstart));
            for i in 0..6 {
                for j in 0..6 {
                    hessian[i][j] += f64::from(self.prior[i][j]);
                    slope[i] += f64::from(self.prior[i][j] * away[j]);
                }
            }
            let step = solve6(hessian, slope)?.map(|v| v as f32);
            let undo = self.warp(step).inverse()?;
            map = undo.then(map);
            let moved = step.iter().fold(0.0f32, |m, s| m.max(s.abs())) * self.size;
            if moved < 0.004 {
                break;
            }
        }
        [map.a, map.b, map.c, map.d, map.e, map.f].iter().all(|v| v.is_finite()).then_some((map, usual))
    }

    /// Normal equations, each pixel by its weight and by Tukey's for its residual, over the noise's variance.
    fn normal(&self, residuals: &[Option<f32>], noise: f32) -> ([[f64; 6]; 6], [f64; 6]) {
        let (mut h, mut b) = ([[0.0f32; 6]; 6], [0.0f32; 6]);
        let cut = 4.0 * noise;
        let scale = 1.0 / (noise * noise);
        for (Pixel { steps, weight, .. }, residual) in self.pixels.iter().zip(residuals) {
            let Some(r) = residual else { continue };
            let q = r / cut;
            if q.abs() >= 1.0 {
                continue;
            }
            let w = weight * (1.0 - q * q).powi(2) * scale;
            for i in 0..6 {
                let wi = w * steps[i];
                b[i] += wi * r;
                for j in i..6 {
                    h[i][j] += wi * steps[j];
                }
            }
        }
        let full = std::array::from_fn(|i| {
            std::array::from_fn(|j| f64::from(if i <= j { h[i][j] } else { h[j][i] }))
        });
        (full, b.map(f64::from))
    }
}

/// Cholesky on six unknowns; `None` when they are not determined.
fn solve6(mut a: [[f64; 6]; 6], b: [f64; 6]) -> Option<[f64; 6]> {
    for j in 0..6 {
        for k in 0..j {
            let l = a[j][k];
            for row in a.iter_mut().skip(j) {
                row[j] -= row[k] * l;
            }
        }
        let d = a[j][j];
        if d.is_nan() || d <= 1e-9 {
            return None;
        }
        let root = d.sqrt();
        for row in a.iter_mut().skip(j) {
            row[j] /= root;
        }
    }
    let mut x = b;
    for i in 0..6 {
        let sum: f64 = (0..i).map(|k| a[i][k] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i][i];
    }
    for i in (0..6).rev() {
        let sum: f64 = (i + 1..6).map(|k| a[k][i] * x[k]).sum();
        x[i] = (x[i] - sum) / a[i][i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth random texture, so that any sub-pixel shift of it can be drawn exactly.
    fn texture(width: usize, height: usize, map: Affine) -> Rgb {
        let mut image = Rgb::black(width, height);
        for y in 0..height {
            for x in 0..width {
                let p = map.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5));
                let mut v = 0.5;
                for k in 1..9 {
                    let f = 0.02 * k as f32;
                    let (c, s) = ((k as f32 * 2.4).cos(), (k as f32 * 2.4).sin());
                    v += 0.06 * ((p.x * c + p.y * s) * f * 6.0 + k as f32).sin();
                }
                image.set(x, y, [v; 3]);
            }
        }
        image
    }

    fn worst(a: Affine, b: Affine, width: usize, height: usize) -> f32 {
        let (w, h) = (width as f32, height as f32);
        [(0.2 * w, 0.2 * h), (0.8 * w, 0.2 * h), (0.2 * w, 0.8 * h), (0.8 * w, 0.8 * h)]
            .map(|(x, y)| a.apply(Point::new(x, y)).distance(b.apply(Point::new(x, y))))
            .into_iter()
            .fold(0.0, f32::max)
    }

    const FREE: Trust = Trust { zoom: 0.5, shear: 0.5, shift: 0.5 };

    #[test]
    fn a_known_shift_is_found_to_a_twentieth_of_a_pixel() {
        let truth = Affine { c: 3.37, f: -2.61, ..Affine::IDENTITY };
        let (target, source) = (texture(160, 140, truth), texture(160, 140, Affine::IDENTITY));
        let (t, s) = (Pyramid::of(&target, 256), Pyramid::of(&source, 256));
        let weights = vec![1.0; 160 * 140];
        let (found, misfit) =
            register(&t, 160, &weights, &s, 160, Affine::IDENTITY, &FREE).expect("textured");
        assert!(misfit < 0.2, "{misfit}");
        assert!(worst(found, truth, 160, 140) < 0.05, "{found:?}");
    }

    #[test]
    fn a_turn_and_a_zoom_are_found_in_another_light() {
        let truth = Affine { a: 1.03, b: -0.04, c: 4.0, d: 0.04, e: 1.03, f: -6.0 };
        let mut target = texture(160, 140, truth);
        for (i, pixel) in target.pixels_mut().iter_mut().enumerate() {
            let slope = 0.4 + 0.4 * (i % 160) as f32 / 160.0;
            *pixel = pixel.map(|v| v * slope + 0.1);
        }
        let source = texture(160, 140, Affine::IDENTITY);
        let (t, s) = (Pyramid::of(&target, 256), Pyramid::of(&source, 256));
        let (found, _) =
            register(&t, 160, &vec![1.0; 160 * 140], &s, 160, Affine::IDENTITY, &FREE).expect("textured");
        assert!(worst(found, truth, 160, 140) < 0.15, "{found:?}");
    }

    #[test]
    fn what_moves_in_one_picture_alone_does_not_count() {
        let truth = Affine { c: 1.5, f: 0.7, ..Affine::IDENTITY };
        let mut target = texture(160, 140, truth);
        for y in 40..80 {
            for x in 50..110 {
                target.set(x, y, [((x * 7 + y * 13) % 17) as f32 / 17.0; 3]);
            }
        }
        let source = texture(160, 140, Affine::IDENTITY);
        let (t, s) = (Pyramid::of(&target, 256), Pyramid::of(&source, 256));
        let (found, _) =
            register(&t, 160, &vec![1.0; 160 * 140], &s, 160, Affine::IDENTITY, &FREE).expect("textured");
        assert!(worst(found, truth, 160, 140) < 0.12, "{found:?}");
    }

    #[test]
    fn who_trusts_no_shear_gets_none() {
        let truth = Affine { a: 1.06, b: 0.05, c: 2.0, d: 0.0, e: 1.0, f: -3.0 };
        let (target, source) = (texture(160, 140, truth), texture(160, 140, Affine::IDENTITY));
        let (t, s) = (Pyramid::of(&target, 256), Pyramid::of(&source, 256));
        let found = |shear: f32| {
            let trust = Trust { shear, ..FREE };
            let weights = vec![1.0; 160 * 140];
            register(&t, 160, &weights, &s, 160, Affine::IDENTITY, &trust).expect("textured").0
        };
        let bent = |map: Affine| (map.a - map.e).abs() + (map.b + map.d).abs();
        assert!(bent(found(0.5)) > 0.1 && bent(found(1e-4)) < 0.003, "{:?}", found(1e-4));
    }

    #[test]
    fn pictures_of_different_things_do_not_fit() {
        let (target, source) = (texture(160, 140, Affine::IDENTITY), {
            let mut other = Rgb::black(160, 140);
            let noise = |x: usize, y: usize| ((x / 9 * 7 + y / 9 * 13) % 17) as f32 / 17.0;
            (0..160 * 140).for_each(|i| other.set(i % 160, i / 160, [noise(i % 160, i / 160); 3]));
            other
        });
        let (t, s) = (Pyramid::of(&target, 256), Pyramid::of(&source, 256));
        let near = Trust { zoom: 0.05, shear: 0.01, shift: 0.05 };
        let found = register(&t, 160, &vec![1.0; 160 * 140], &s, 160, Affine::IDENTITY, &near);
        assert!(found.is_none_or(|(_, misfit)| misfit > 0.8), "{found:?}");
    }

    #[test]
    fn a_flat_picture_stays_where_it_was_put() {
        let flat = Rgb::black(100, 100);
        let p = Pyramid::of(&flat, 128);
        let start = Affine { c: 2.0, ..Affine::IDENTITY };
        let trust = Trust { zoom: 0.05, shear: 0.05, shift: 0.05 };
        if let Some((found, _)) = register(&p, 100, &vec![1.0; 10_000], &p, 100, start, &trust) {
            assert!(worst(found, start, 100, 100) < 1e-3, "{found:?}");
        }
        assert!(register(&p, 100, &vec![0.0; 10_000], &p, 100, start, &trust).is_none());
    }
}
