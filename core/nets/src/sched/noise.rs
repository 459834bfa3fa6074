//! Normal noise that is the same on every machine and device.
//!
//! It reproduces what the published scripts draw by `torch.manual_seed(seed); torch.randn(shape)` on the
//! CPU: MT19937 (Matsumoto & Nishimura 1998), 24 bits a uniform number, Box and Muller in runs of sixteen.
//! The seed thus names the same noise here as there.

use candle_core::{Device, Tensor};

use crate::error::Result;

/// A stream of normal noise.
#[derive(Debug, Clone)]
pub struct Noise(MersenneTwister);

impl Noise {
    pub fn new(seed: u32) -> Self {
        Self(MersenneTwister::new(seed))
    }

    /// f32, mean 0, variance 1.
    ///
    /// Sixteen or more numbers are what torch draws; of fewer, torch makes its numbers in another way.
    pub fn draw(&mut self, shape: &[usize], device: &Device) -> Result<Tensor> {
        let count: usize = shape.iter().product();
        let mut values: Vec<f32> = (0..count.max(RUN)).map(|_| self.0.uniform()).collect();
        values.chunks_exact_mut(RUN).for_each(normalise);
        if !values.len().is_multiple_of(RUN) {
            // The rest is drawn anew together with the numbers before it.
            let last = values.len() - RUN;
            values[last..].fill_with(|| self.0.uniform());
            normalise(&mut values[last..]);
        }
        values.truncate(count);
        Ok(Tensor::from_vec(values, shape, device)?)
    }
}

const RUN: usize = 16;

/// Box-Muller on a run: number j with number j + 8.
fn normalise(run: &mut [f32]) {
    let (first, second) = run.split_at_mut(RUN / 2);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * (1.0 - *a).ln()).sqrt();
        let angle = std::f32::consts::TAU * *b;
        (*a, *b) = (radius * angle.cos(), radius * angle.sin());
    }
}

const N: usize = 624;
const M: usize = 397;

#[derive(Clone)]
struct MersenneTwister {
    state: [u32; N],
    next: usize,
}

impl std::fmt::Debug for MersenneTwister {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("MersenneTwister").field("next", &self.next).finish_non_exhaustive()
    }
}

impl MersenneTwister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; N];
        for i in 1..N {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(i as u32);
        }
        Self { state, next: N }
    }

    fn uniform(&mut self) -> f32 {
        (self.bits() & 0x00ff_ffff) as f32 / (1 << 24) as f32
    }

    fn bits(&mut self) -> u32 {
        if self.next == N {
            self.twist();
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn twist(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ odd;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C++ standard §[rand.predef]: the 10,000th number of the default generator.
    #[test]
    fn mersenne_twister_is_the_standard_one() {
        let mut twister = MersenneTwister::new(5489);
        let last = (0..10_000).map(|_| twister.bits()).last();
        assert_eq!(last, Some(4_123_659_995));
    }
}
