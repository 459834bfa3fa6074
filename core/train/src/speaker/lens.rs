//! What a camera and a film's way to the desk do to a face: soft focus, a small face enlarged, colour, noise,
//! and compression in blocks.

use super::math::{Vec3, mix};
use lipsmith_base::Random;
use std::f32::consts::PI;
use std::sync::LazyLock;

/// One film's camera. Sizes in pixels of the crop, values in coded 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// Standard deviation of the blur.
    blur: f32,
    /// Pixels the face had in the film before it was cut out: fewer than the crop's soften it.
    detail: usize,
    gain: [f32; 3],
    gamma: f32,
    contrast: f32,
    saturation: f32,
    noise: f32,
    /// Share of the noise that is alike in all channels.
    grey_noise: f32,
    /// Steps of the quantisation of luma, 0 for none; chroma's are twice that, at half the size.
    quantum: f32,
    sharpen: f32,
}

impl Lens {
    pub fn random(r: &mut Random, side: usize) -> Lens {
        let small = r.unit() < 0.4;
        Lens {
            blur: r.within(0.3, 0.6) + if r.unit() < 0.25 { r.within(0.0, 1.2) } else { 0.0 },
            detail: if small { r.within(0.45 * side as f32, side as f32) as usize } else { side },
            gain: [r.within(0.88, 1.12), r.within(0.94, 1.06), r.within(0.88, 1.12)],
            gamma: r.within(0.75, 1.3),
            contrast: r.within(0.75, 1.2),
            saturation: r.within(0.5, 1.25),
            noise: r.unit() * r.unit() * 0.04,
            grey_noise: r.within(0.3, 1.0),
            quantum: if r.unit() < 0.6 { r.unit() * r.unit() * 0.10 } else { 0.0 },
            sharpen: if r.unit() < 0.3 { r.within(0.2, 0.9) } else { 0.0 },
        }
    }

    /// Changes nothing.
    #[cfg(test)]
    pub fn clear(side: usize) -> Lens {
        Lens {
            blur: 0.0,
            detail: side,
            gain: [1.0; 3],
            gamma: 1.0,
            contrast: 1.0,
            saturation: 1.0,
            noise: 0.0,
            grey_noise: 0.0,
            quantum: 0.0,
            sharpen: 0.0,
        }
    }

    /// Display-linear light to bytes, plane after plane.
    pub fn take(&self, light: &[Vec3], side: usize, seed: u64) -> Vec<u8> {
        let mut planes: [Vec<f32>; 3] = [|v: &Vec3| v.x, |v: &Vec3| v.y, |v: &Vec3| v.z]
            .map(|channel| light.iter().map(|v| coded(channel(v))).collect());
        for plane in &mut planes {
            blur(plane, side, self.blur);
            if self.detail < side {
                let small = resize(plane, side, self.detail);
                *plane = resize(&small, self.detail, side);
            }
            if self.sharpen > 0.0 {
                let mut soft = plane.clone();
                blur(&mut soft, side, 1.0);
                plane.iter_mut().zip(soft).for_each(|(v, s)| *v += self.sharpen * (*v - s));
            }
        }
        self.grade(&mut planes, seed);
        if self.quantum > 0.0 {
            compress(&mut planes, side, self.quantum);
        }
        planes.into_iter().flatten().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }

    fn grade(&self, planes: &mut [Vec<f32>; 3], seed: u64) {
        let mut random = Random::new(seed);
        for i in 0..planes[0].len() {
            let mut colour = [0, 1, 2].map(|c| planes[c][i].clamp(0.0, 1.2) * self.gain[c]);
            let grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
            // Two uniforms: near enough to normal.
            let mut normal = || (random.unit() + random.unit() - 1.0) * 2.45 * self.noise;
            let shared = if self.noise > 0.0 { normal() } else { 0.0 };
            for c in &mut colour {
                let toned = mix(grey, *c, self.saturation).max(0.0).powf(self.gamma);
                let own = if self.noise > 0.0 { normal() } else { 0.0 };
                *c = 0.45 + (toned - 0.45) * self.contrast + mix(own, shared, self.grey_noise);
            }
            (0..3).for_each(|c| planes[c][i] = colour[c]);
        }
    }
}

/// Gamma 2.2 by table.
fn coded(linear: f32) -> f32 {
    static TABLE: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..=1024).map(|i| (i as f32 / 1024.0).powi(2).powf(1.0 / 2.2)).collect());
    // Even steps of the square root follow the curve closely where it is steep.
    let place = linear.clamp(0.0, 1.0).sqrt() * 1024.0;
    let i = (place as usize).min(1023);
    mix(TABLE[i], TABLE[i + 1], place - i as f32)
}

/// Gaussian, separable, edges repeated.
fn blur(plane: &mut [f32], side: usize, sigma: f32) {
    if sigma < 0.2 {
        return;
    }
    let reach = (2.5 * sigma).ceil() as usize;
    let mut kernel: Vec<f32> =
        (0..=2 * reach).map(|i| (-0.5 * ((i as f32 - reach as f32) / sigma).powi(2)).exp()).collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|k| *k /= sum);
    let mut line = vec![0.0; side + 2 * reach];
    let mut pass = |start: usize, step: usize| {
        for (i, v) in line.iter_mut().enumerate() {
            *v = plane[start + step * i.saturating_sub(reach).min(side - 1)];
        }
        for i in 0..side {
            plane[start + step * i] = kernel.iter().zip(&line[i..]).map(|(k, v)| k * v).sum();
        }
    };
    (0..side).for_each(|y| pass(y * side, 1));
    (0..side).for_each(|x| pass(x, side));
}

/// By bilinear interpolation between pixel centres: as players and cutters do it, averaging only by the blur.
fn resize(plane: &[f32], from: usize, to: usize) -> Vec<f32> {
    let scale = from as f32 / to as f32;
    let place = |i: usize| {
        let x = ((i as f32 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f32);
        let left = (x as usize).min(from.saturating_sub(2));
        (left, x - left as f32)
    };
    let columns: Vec<(usize, f32)> = (0..to).map(place).collect();
    (0..to)
        .flat_map(|y| {
            let (top, fy) = place(y);
            let (above, below) = (&plane[top * from..], &plane[(top + 1).min(from - 1) * from..]);
            columns
                .iter()
                .map(move |&(x, fx)| {
                    let right = (x + 1).min(from - 1);
                    mix(mix(above[x], above[right], fx), mix(below[x], below[right], fx), fy)
                })
                .collect::<Vec<f32>>()
        })
        .collect()
}

/// Luma at full size and colour differences at half, cosine-transformed in blocks of eight and rounded, the
/// coarser the finer the detail: what every film codec does.
fn compress(planes: &mut [Vec<f32>; 3], side: usize, quantum: f32) {
    let even = side / 2 * 2;
    let mut luma: Vec<f32> = (0..side * side)
        .map(|i| 0.299 * planes[0][i] + 0.587 * planes[1][i] + 0.114 * planes[2][i])
        .collect();
    let half = even / 2;
    let halved = |plane: &[f32]| -> Vec<f32> {
        (0..half * half)
            .map(|i| {
                let at = (i / half * 2) * side + i % half * 2;
                let mean = |p: &[f32]| (p[at] + p[at + 1] + p[at + side] + p[at + side + 1]) / 4.0;
                mean(plane) - mean(&luma)
            })
            .collect()
    };
    let mut differences = [halved(&planes[0]), halved(&planes[2])];
    quantise(&mut luma, side, quantum);
    for difference in &mut differences {
        quantise(difference, half, 2.0 * quantum);
    }
    for y in 0..side {
        for x in 0..side {
            let i = y * side + x;
            let c = (y / 2).min(half - 1) * half + (x / 2).min(half - 1);
            let (red, blue) = (luma[i] + differences[0][c], luma[i] + differences[1][c]);
            planes[1][i] = (luma[i] - 0.299 * red - 0.114 * blue) / 0.587;
            (planes[0][i], planes[2][i]) = (red, blue);
        }
    }
}

const BLOCK: usize = 8;

fn quantise(plane: &mut [f32], side: usize, quantum: f32) {
    static BASIS: LazyLock<[[f32; BLOCK]; BLOCK]> = LazyLock::new(|| {
        std::array::from_fn(|k| {
            let norm = if k == 0 { (1.0 / BLOCK as f32).sqrt() } else { (2.0 / BLOCK as f32).sqrt() };
            std::array::from_fn(|n| norm * (PI / BLOCK as f32 * (n as f32 + 0.5) * k as f32).cos())
        })
    });
    let basis = &*BASIS;
    for by in (0..side / BLOCK * BLOCK).step_by(BLOCK) {
        for bx in (0..side / BLOCK * BLOCK).step_by(BLOCK) {
            let block: [[f32; BLOCK]; BLOCK] =
                std::array::from_fn(|y| std::array::from_fn(|x| plane[(by + y) * side + bx + x]));
            let mut rows = [[0.0; BLOCK]; BLOCK];
            for y in 0..BLOCK {
                for k in 0..BLOCK {
                    rows[y][k] = (0..BLOCK).map(|n| basis[k][n] * block[y][n]).sum();
                }
            }
            let mut coded = [[0.0; BLOCK]; BLOCK];
            for j in 0..BLOCK {
                for k in 0..BLOCK {
                    let value: f32 = (0..BLOCK).map(|n| basis[j][n] * rows[n][k]).sum();
                    let step = quantum * (1.0 + 0.5 * (j + k) as f32);
                    coded[j][k] = (value / step).round() * step;
                }
            }
            let mut rows = [[0.0; BLOCK]; BLOCK];
            for n in 0..BLOCK {
                for k in 0..BLOCK {
                    rows[n][k] = (0..BLOCK).map(|j| basis[j][n] * coded[j][k]).sum();
                }
            }
            for y in 0..BLOCK {
                for x in 0..BLOCK {
                    plane[(by + y) * side + bx + x] = (0..BLOCK).map(|k| basis[k][x] * rows[y][k]).sum();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lens() -> Lens {
        Lens::clear(32)
    }

    fn picture(side: usize) -> Vec<Vec3> {
        let value = |i: usize| 0.5 + 0.4 * ((i % side) as f32 * 0.7).sin() * ((i / side) as f32 * 0.5).cos();
        (0..side * side).map(|i| Vec3 { x: value(i), y: value(i + 3), z: value(i + 40) }).collect()
    }

    fn error(a: &[u8], b: &[u8]) -> f32 {
        a.iter().zip(b).map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / a.len() as f32
    }

    #[test]
    fn a_clear_lens_only_codes() {
        let light = picture(32);
        let bytes = lens().take(&light, 32, 1);
        let expected = |v: f32| v.powf(1.0 / 2.2) * 255.0;
        for (i, v) in light.iter().enumerate() {
            for (c, v) in [v.x, v.y, v.z].into_iter().enumerate() {
                let byte = f32::from(bytes[c * 32 * 32 + i]);
                assert!((byte - expected(v)).abs() < 1.01, "{byte} {}", expected(v));
            }
        }
    }

    #[test]
    fn each_harm_harms_more_the_stronger_it_is() {
        let light = picture(32);
        let clear = lens().take(&light, 32, 1);
        let harm = |lens: Lens| error(&clear, &lens.take(&light, 32, 1));
        let pairs = [
            (Lens { blur: 0.5, ..lens() }, Lens { blur: 1.5, ..lens() }),
            (Lens { detail: 24, ..lens() }, Lens { detail: 12, ..lens() }),
            (Lens { noise: 0.01, ..lens() }, Lens { noise: 0.04, ..lens() }),
            (Lens { quantum: 0.05, ..lens() }, Lens { quantum: 0.3, ..lens() }),
        ];
        for (weak, strong) in pairs {
            let told = format!("{weak:?}");
            let (weak, strong) = (harm(weak), harm(strong));
            assert!(0.1 < weak && 1.5 * weak < strong, "{weak} {strong} {told}");
        }
    }

    #[test]
    fn fine_rounding_gives_the_picture_back() {
        let clear = lens().take(&picture(32), 32, 1);
        // Luma alone: the same in all channels, so that halved colour loses nothing.
        let grey: Vec<Vec3> = picture(32).iter().map(|v| Vec3 { x: v.x, y: v.x, z: v.x }).collect();
        let (plain, coded) = (lens().take(&grey, 32, 1), Lens { quantum: 1e-4, ..lens() }.take(&grey, 32, 1));
        assert!(error(&plain, &coded) < 0.05, "{}", error(&plain, &coded));
        assert_ne!(plain, clear);
    }
}
