//! The picture between two others, half-way along everything's motion: what is painted for every second frame of a line is
//! carried over to the frames between.
//!
//! Motion is sought where it is wanted, at each pixel of the middle picture, alike in both directions (bilateral motion
//! estimation, Choi et al. 2000): no pixel is left without one, from coarse to fine.

use lipsmith_base::{Point, Rgb};
use rayon::prelude::*;

/// Sides of the coarsest pictures are not below this.
const COARSEST: usize = 12;
/// What looks alike is judged over so many pixels around, and of equals the motion that was assumed is kept.
const AROUND: usize = 5;
const KEPT: f32 = 0.97;
/// What a pixel of motion costs, beside differences of all colours: little motion is likelier than much.
const MOVING: f32 = 0.02;
/// Motion is smoothed over so many pixels around.
const SMOOTH: usize = 2;
/// Steps tried about the motion that was assumed, in pixels of each size; at last halves of the finest.
const ROUNDS: usize = 2;

/// How far from the middle the same thing lies in the one picture, backwards, and in the other, forwards; pixels.
type Motion = Vec<[f32; 2]>;

/// `a` and `b` of one size.
pub fn between(a: &Rgb, b: &Rgb) -> Rgb {
    let mut sizes = vec![(a.clone(), b.clone())];
    while let Some((a, b)) = sizes.last().filter(|(a, _)| a.width().min(a.height()) >= 2 * COARSEST) {
        sizes.push((halved(a), halved(b)));
    }
    let mut motion: Motion = Vec::new();
    let mut before = (0, 0);
    for (level, (a, b)) in sizes.iter().enumerate().rev() {
        let size = (a.width(), a.height());
        motion = grown(&motion, before, size);
        for _ in 0..ROUNDS {
            motion = better(a, b, &motion, 1.0);
        }
        if level == 0 {
            motion = better(a, b, &motion, 0.5);
        }
        before = size;
    }
    let (width, height) = (a.width(), a.height());
    let pixel = |(at, &[x, y]): (usize, &[f32; 2])| {
        let (px, py) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
        let (a, b) = (a.bicubic(Point::new(px - x, py - y)), b.bicubic(Point::new(px + x, py + y)));
        std::array::from_fn(|c| 0.5 * (a[c] + b[c]))
    };
    Rgb::from_pixels(width, height, motion.par_iter().enumerate().map(pixel).collect())
        .unwrap_or_else(|| a.clone())
}

fn halved(picture: &Rgb) -> Rgb {
    let (width, height) = (picture.width() / 2, picture.height() / 2);
    let mean = |x: usize, y: usize| picture.bilinear(Point::new(2.0 * x as f32 + 1.0, 2.0 * y as f32 + 1.0));
    let mut half = Rgb::black(width, height);
    for y in 0..height {
        for x in 0..width {
            half.set(x, y, mean(x, y));
        }
    }
    half
}

/// The motion of a picture half as large; none where there is no such.
fn grown(motion: &Motion, (width, height): (usize, usize), size: (usize, usize)) -> Motion {
    let at = |i: usize| match (i % size.0 / 2, i / size.0 / 2) {
        _ if motion.is_empty() => [0.0; 2],
        (x, y) => motion[y.min(height - 1) * width + x.min(width - 1)].map(|v| 2.0 * v),
    };
    (0..size.0 * size.1).map(at).collect()
}

/// Of the motion and those a step beside it, for each pixel the one by which both pictures look most alike around it; smoothed.
fn better(a: &Rgb, b: &Rgb, motion: &Motion, step: f32) -> Motion {
    let (width, height) = (a.width(), a.height());
    let beside = (-1i32..=1).flat_map(|y| (-1i32..=1).map(move |x| [x as f32 * step, y as f32 * step]));
    let (mut best, mut chosen) = (vec![f32::MAX; motion.len()], motion.clone());
    for more in beside {
        let apart = |(at, &[x, y]): (usize, &[f32; 2])| {
            let (px, py) = ((at % width) as f32 + 0.5, (at / width) as f32 + 0.5);
            let (x, y) = (x + more[0], y + more[1]);
            let (a, b) = (a.bilinear(Point::new(px - x, py - y)), b.bilinear(Point::new(px + x, py + y)));
            (0..3).map(|c| (a[c] - b[c]).abs()).sum::<f32>()
        };
        let apart: Vec<f32> = motion.par_iter().enumerate().map(apart).collect();
        let favour = if more == [0.0; 2] { KEPT } else { 1.0 };
        let around = blurred(&apart, width, height, AROUND);
        for (at, cost) in around.into_iter().enumerate() {
            let [x, y] = [motion[at][0] + more[0], motion[at][1] + more[1]];
            let cost = favour * (cost + MOVING * x.hypot(y));
            if cost < best[at] {
                (best[at], chosen[at]) = (cost, [x, y]);
            }
        }
    }
    let [xs, ys] = [0, 1].map(|axis| {
        let along: Vec<f32> = chosen.iter().map(|motion| motion[axis]).collect();
        blurred(&along, width, height, SMOOTH)
    });
    xs.into_iter().zip(ys).map(|(x, y)| [x, y]).collect()
}

/// The mean of a square that reaches so far, of what lies within.
fn blurred(values: &[f32], width: usize, height: usize, reach: usize) -> Vec<f32> {
    let mean = |count: usize, at: usize, value: &dyn Fn(usize) -> f32| {
        let within = at.saturating_sub(reach)..(at + reach + 1).min(count);
        let size = within.len() as f32;
        within.map(value).sum::<f32>() / size
    };
    let across: Vec<f32> =
        (0..values.len()).map(|i| mean(width, i % width, &|x| values[i / width * width + x])).collect();
    (0..values.len()).map(|i| mean(height, i / width, &|y| across[y * width + i % width])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{psnr, squared_error};

    /// A picture without two places that look alike, seen `down` pixels further down.
    fn picture(down: f32) -> Rgb {
        let mut picture = Rgb::black(64, 64);
        for y in 0..64 {
            for x in 0..64 {
                let (u, v) = (x as f32, y as f32 - down);
                let wave = |of: f32, length: f32| (of * std::f32::consts::TAU / length).sin();
                let value = 0.5 + 0.2 * wave(u + 0.3 * v, 23.0) * wave(v, 31.0) + 0.1 * wave(u - v, 17.0);
                picture.set(x, y, [value, 0.8 * value, 1.0 - value]);
            }
        }
        picture
    }

    #[test]
    fn what_moves_is_found_half_way_and_what_stands_stays() {
        let (a, middle, b) = (picture(-3.0), picture(0.0), picture(3.0));
        let made = between(&a, &b);
        let quality = |one: &Rgb| psnr(squared_error(one, &middle)).unwrap_or(f64::MAX);
        let mut mean = a.clone();
        mean.pixels_mut().iter_mut().zip(b.pixels()).for_each(|(a, b)| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = 0.5 * (*a + b));
        });
        assert!(quality(&made) > quality(&mean) + 3.0, "{} beside {}", quality(&made), quality(&mean));
        // Nothing moves: nothing is invented.
        let still = between(&middle, &middle);
        assert!(quality(&still) > 50.0, "{}", quality(&still));
    }
}
