//! Bringing a patch into the light of the picture it is laid on.

use lipsmith_base::Rgb;
use lipsmith_base::rgb::to_linear;

/// Cells along the longer side of the field of gains.
const CELLS: usize = 24;
/// Reach of a cell's light into its neighbourhood, in cells.
const REACH: f32 = 3.5;

/// Multiplies `image` by a smooth field of gains that brings it to `to` (see [`Light`]). `weights`: one a
/// pixel, both images' size; positive where the two may be compared.
pub fn match_colour(image: &mut Rgb, to: &Rgb, weights: &[f32]) {
    let (width, height) = (image.width(), image.height());
    if to.width() != width || to.height() != height || weights.len() < width * height {
        return;
    }
    let Some(light) = Light::between(|x, y| Some(image.get(x, y)), to, weights) else { return };
    for y in 0..height {
        for x in 0..width {
            image.set(x, y, light.on(x, y, image.get(x, y)));
        }
    }
}

/// A smooth field of gains, one a channel and in linear light. Where nothing was compared it is carried on
/// from where something was.
pub struct Light {
    /// For each cell the gains as powers on the camera curve (see [`lit`]).
    powers: Vec<[f32; 3]>,
    cols: usize,
    rows: usize,
    cell: f32,
}

impl Light {
    /// What brings the picture `from` (its value at a pixel, if it has one) to `to` where `weights`, one a
    /// pixel of `to`, are positive. Pixels that differ in more than light (a beard against skin) are left out.
    /// `None` when there is nothing to compare.
    pub fn between(
        from: impl Fn(usize, usize) -> Option<[f32; 3]>,
        to: &Rgb,
        weights: &[f32],
    ) -> Option<Light> {
        let (width, height) = (to.width(), to.height());
        let cell = (width.max(height)).div_ceil(CELLS).max(2);
        let (cols, rows) = (width.div_ceil(cell), height.div_ceil(cell));
        let step = (cell / 5).max(1);
        let linear = |v: [f32; 3]| v.map(|v| to_linear(v.max(0.0)));
        // One sample for every few pixels: linear light of both images.
        let samples: Vec<Sample> = (0..height)
            .step_by(step)
            .flat_map(|y| (0..width).step_by(step).map(move |x| (x, y)))
            .filter_map(|(x, y)| {
                let weight = weights.get(y * width + x).copied().filter(|w| *w > 0.0)?;
                let (from, to) = (linear(from(x, y)?), linear(to.get(x, y)));
                Some(Sample { cell: y / cell * cols + x / cell, weight, from, to })
            })
            .collect();
        let mut ratios: Vec<f32> = samples.iter().map(Sample::ratio).collect();
        if ratios.is_empty() {
            return None;
        }
        let middle = ratios.len() / 2;
        let median = *ratios.select_nth_unstable_by(middle, f32::total_cmp).1;
        let mut sums = vec![[0.0f32; 6]; cols * rows];
        let mut all = [0.0f32; 6];
        for sample in &samples {
            let odd = (sample.ratio() - median) / 0.4;
            let weight = sample.weight * (-odd * odd).exp();
            for c in 0..3 {
                for (slot, value) in [(c, sample.from[c]), (3 + c, sample.to[c])] {
                    sums[sample.cell][slot] += weight * value;
                    all[slot] += weight * value;
                }
            }
        }
        // Far from every sample the mean of all of them holds.
        let (share, dark) = (0.02 / samples.len() as f32, 1e-6);
        let power = |s: &[f32; 6]| {
            std::array::from_fn(|c| {
                let gain = (s[3 + c] + all[3 + c] * share + dark) / (s[c] + all[c] * share + dark);
                gain.clamp(0.4, 2.5).powf(0.45)
            })
        };
        let powers = blur(&sums, cols, rows).iter().map(power).collect();
        Some(Light { powers, cols, rows, cell: cell as f32 })
    }

    /// The coded value `v` of pixel `(x, y)` in this light.
    #[inline]
    pub fn on(&self, x: usize, y: usize, v: [f32; 3]) -> [f32; 3] {
        let power = self.at(x as f32 + 0.5, y as f32 + 0.5);
        std::array::from_fn(|c| lit(v[c], power[c]))
    }

    /// Between the cells' centres.
    #[inline]
    fn at(&self, x: f32, y: f32) -> [f32; 3] {
        let u = (x / self.cell - 0.5).clamp(0.0, (self.cols - 1) as f32);
        let v = (y / self.cell - 0.5).clamp(0.0, (self.rows - 1) as f32);
        let (u0, v0) = (u as usize, v as usize);
        let (u1, v1) = ((u0 + 1).min(self.cols - 1), (v0 + 1).min(self.rows - 1));
        let (fu, fv) = (u - u0 as f32, v - v0 as f32);
        let corners = [(u0, v0), (u1, v0), (u0, v1), (u1, v1)];
        let [a, b, c, d] = corners.map(|(u, v)| &self.powers[v * self.cols + u]);
        std::array::from_fn(|k| {
            let (top, bottom) = (a[k] + (b[k] - a[k]) * fu, c[k] + (d[k] - c[k]) * fu);
            top + (bottom - top) * fv
        })
    }
}

/// A place where both pictures are seen, in linear light.
struct Sample {
    cell: usize,
    weight: f32,
    from: [f32; 3],
    to: [f32; 3],
}

impl Sample {
    /// Logarithm of how much lighter the place is to become.
    fn ratio(&self) -> f32 {
        ((self.to.iter().sum::<f32>() + 0.003) / (self.from.iter().sum::<f32>() + 0.003)).ln()
    }
}

/// A coded value after its linear light was multiplied by `power^(1/0.45)`. The camera curve being
/// `1.099 L^0.45 - 0.099`, that is linear in the coded value, but for the toe where the curve is straight.
#[inline]
fn lit(v: f32, power: f32) -> f32 {
    let curve = (v + 0.099) * power - 0.099;
    if v >= 0.081 { curve } else { v * (0.18 * power - 0.099) / 0.081 }
}

/// Gaussian of [`REACH`] cells over a small grid, nothing beyond its edges.
fn blur(grid: &[[f32; 6]], cols: usize, rows: usize) -> Vec<[f32; 6]> {
    let pass = |grid: &[[f32; 6]], count: usize, stride: usize| {
        let mut out = vec![[0.0f32; 6]; grid.len()];
        for (i, out) in out.iter_mut().enumerate() {
            let here = i / stride % count;
            for other in 0..count {
                let d = (other as f32 - here as f32) / REACH;
                let weight = (-0.5 * d * d).exp();
                let value = &grid[i + other * stride - here * stride];
                (0..6).for_each(|c| out[c] += weight * value[c]);
            }
        }
        out
    };
    let across = pass(grid, cols, 1);
    pass(&across, rows, cols)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::rgb::from_linear;

    fn scene(width: usize, height: usize) -> Rgb {
        let mut image = Rgb::black(width, height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            let v = 0.35 + 0.15 * (x / 11.0).sin() * (y / 13.0).cos();
            *pixel = [v, v * 0.8, v * 0.6];
        }
        image
    }

    fn relit(image: &Rgb, gains: impl Fn(usize) -> [f32; 3]) -> Rgb {
        let mut out = image.clone();
        for (i, pixel) in out.pixels_mut().iter_mut().enumerate() {
            let gain = gains(i);
            *pixel = std::array::from_fn(|c| from_linear(to_linear(pixel[c]) * gain[c]));
        }
        out
    }

    #[test]
    fn a_known_gain_is_recovered_where_nothing_was_compared() {
        let to = scene(120, 100);
        let gains = [1.4, 0.8, 1.1];
        let mut image = relit(&to, |_| gains.map(|g| 1.0 / g));
        // Only a frame around the middle may be compared.
        let weights: Vec<f32> = (0..120 * 100)
            .map(|i| if (30..90).contains(&(i % 120)) && (30..100).contains(&(i / 120)) { 0.0 } else { 1.0 })
            .collect();
        match_colour(&mut image, &to, &weights);
        for (a, b) in image.pixels().iter().zip(to.pixels()) {
            (0..3).for_each(|c| assert!((a[c] - b[c]).abs() < 0.01, "{a:?} {b:?}"));
        }
    }

    #[test]
    fn light_that_changes_across_the_face_is_followed() {
        let to = scene(120, 100);
        let mut image = relit(&to, |i| [0.7 + 0.6 * (i % 120) as f32 / 120.0; 3]);
        match_colour(&mut image, &to, &vec![1.0; 120 * 100]);
        let off = image.pixels().iter().zip(to.pixels()).map(|(a, b)| (a[0] - b[0]).abs());
        assert!(off.sum::<f32>() / 12_000.0 < 0.01);
    }

    #[test]
    fn a_beard_against_skin_does_not_shift_the_light() {
        let to = scene(120, 100);
        let mut image = to.clone();
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            if i / 120 > 85 {
                *pixel = [0.05; 3];
            }
        }
        match_colour(&mut image, &to, &vec![1.0; 120 * 100]);
        for i in 0..120 * 60 {
            assert!((image.at(i)[0] - to.at(i)[0]).abs() < 0.01);
        }
    }

    #[test]
    fn nothing_to_compare_changes_nothing() {
        let before = scene(30, 30);
        for weights in [vec![0.0; 900], vec![1.0; 5]] {
            let mut image = before.clone();
            match_colour(&mut image, &scene(30, 30), &weights);
            assert_eq!(image, before);
        }
        match_colour(&mut Rgb::black(0, 0), &Rgb::black(0, 0), &[]);
    }
}
