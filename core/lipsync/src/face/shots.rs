//! Where one shot ends and the next begins.
//!
//! A cut is a moment when no picture just before resembles any picture just after. Asking for several on both
//! sides is what tells a cut from a flash, a dropped frame or a single damaged picture; comparing within a few
//! cells of shift, and after levelling brightness and contrast, what tells it from a pan or a fade.

use lipsmith_base::{Picture, Plane};
use std::collections::VecDeque;

/// Cells of the grid that a picture is reduced to.
const WIDTH: usize = 32;
const HEIGHT: usize = 18;
/// Samples read along each side of a cell.
const TAPS: usize = 4;
/// Cells by which two pictures may be shifted against each other.
const SHIFT: isize = 2;
const BINS: usize = 16;

/// Pictures compared before and after a moment. The judgement of a picture waits for those after it.
const BEFORE: usize = 2;
pub const AHEAD: usize = 2;

/// Unlikeness above which two pictures belong to different shots; see the tests for what footage gives.
const CUT: f32 = 0.22;

/// A picture reduced to what tells shots apart.
#[derive(Clone)]
pub struct Glance {
    luma: [f32; WIDTH * HEIGHT],
    /// Shares of the picture by luma, then by each chroma; each third sums to one.
    histogram: [f32; 3 * BINS],
}

impl Glance {
    pub fn of(picture: &Picture) -> Glance {
        let format = picture.format();
        let top = ((1u32 << format.depth) - 1) as f32;
        let mut luma = [0.0; WIDTH * HEIGHT];
        let mut histogram = [0.0; 3 * BINS];
        for (number, plane) in picture.planes().iter().enumerate() {
            let (width, height) = format.plane_size(number, picture.width(), picture.height());
            let samples = WIDTH * HEIGHT * TAPS * TAPS;
            for y in 0..HEIGHT * TAPS {
                for x in 0..WIDTH * TAPS {
                    let (px, py) = (
                        (2 * x + 1) * width / (2 * WIDTH * TAPS),
                        (2 * y + 1) * height / (2 * HEIGHT * TAPS),
                    );
                    let value = match plane {
                        Plane::U8(samples) => f32::from(samples[py * width + px]),
                        Plane::U16(samples) => f32::from(samples[py * width + px]),
                    } / top;
                    if number == 0 {
                        luma[y / TAPS * WIDTH + x / TAPS] += value / (TAPS * TAPS) as f32;
                    }
                    // Chroma lives near the middle of its range: bins over the middle half.
                    let spread = if number == 0 { value } else { value * 2.0 - 0.5 };
                    let bin = (spread.clamp(0.0, 0.999) * BINS as f32) as usize;
                    histogram[number * BINS + bin] += 1.0 / samples as f32;
                }
            }
        }
        Glance { luma, histogram }
    }

    /// 0 for the same picture to about 1 for pictures with nothing in common.
    pub fn unlikeness(&self, other: &Glance) -> f32 {
        let common: f32 = self.histogram.iter().zip(&other.histogram).map(|(a, b)| a.min(*b)).sum();
        let colour = 1.0 - common / 3.0;
        (self.structure(other) * colour).sqrt()
    }

    /// One minus the best correlation of the luma grids over small shifts.
    fn structure(&self, other: &Glance) -> f32 {
        let mut best = -1.0f32;
        for dy in -SHIFT..=SHIFT {
            for dx in -SHIFT..=SHIFT {
                best = best.max(self.correlation(other, dx, dy));
            }
        }
        1.0 - best
    }

    fn correlation(&self, other: &Glance, dx: isize, dy: isize) -> f32 {
        let overlap =
            |shift: isize, length: usize| shift.max(0) as usize..(length as isize + shift.min(0)) as usize;
        let (mut n, mut a, mut b, mut aa, mut bb, mut ab) = (0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32, 0.0f32);
        for y in overlap(dy, HEIGHT) {
            for x in overlap(dx, WIDTH) {
                let p = self.luma[y * WIDTH + x];
                let q = other.luma[(y as isize - dy) as usize * WIDTH + (x as isize - dx) as usize];
                n += 1.0;
                a += p;
                b += q;
                aa += p * p;
                bb += q * q;
                ab += p * q;
            }
        }
        let (va, vb, vab) = (aa / n - a / n * a / n, bb / n - b / n * b / n, ab / n - a / n * b / n);
        // A picture without structure (black, grey) resembles another such, and nothing else.
        const FLAT: f32 = 1e-4;
        match (va < FLAT, vb < FLAT) {
            (true, true) => 1.0,
            (true, false) | (false, true) => 0.0,
            (false, false) => (vab / (va * vb).sqrt()).clamp(-1.0, 1.0),
        }
    }
}

/// Judges picture after picture, [`AHEAD`] behind the newest.
#[derive(Default)]
pub struct Cuts {
    /// The last pictures of the shot that is running.
    before: VecDeque<Glance>,
}

impl Cuts {
    /// Whether a shot begins with the first of `ahead`: it and what follows it, up to [`AHEAD`] more.
    pub fn begins(&mut self, ahead: &[&Glance]) -> bool {
        let Some(first) = ahead.first() else { return false };
        let nearest = self
            .before
            .iter()
            .flat_map(|old| ahead.iter().map(|new| old.unlikeness(new)))
            .fold(f32::INFINITY, f32::min);
        let cut = self.before.is_empty() || nearest > CUT;
        if cut {
            self.before.clear();
        }
        self.before.push_back((*first).clone());
        if self.before.len() > BEFORE {
            self.before.pop_front();
        }
        cut
    }

    /// Forgets all but the newest picture.
    pub fn forget(&mut self) {
        self.before.drain(..self.before.len().saturating_sub(1));
    }
}
