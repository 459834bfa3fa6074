//! Sums of products along positions, which a weight's gradient is made of: for each of a few rows and each of a
//! few columns, their dot product. A block of them stays in registers, and nothing is packed or transposed.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Rows and columns of a block: as many sums as registers hold beside what is multiplied.
pub const ROWS: usize = 4;
pub const COLUMNS: usize = 6;

const LANES: usize = 16;

/// A run of positions that one call goes through: where it begins, and how many blocks of [`LANES`] samples.
#[derive(Clone, Copy)]
pub struct Stretch {
    pub rows: usize,
    pub columns: usize,
    pub blocks: usize,
}

/// What is multiplied: `rows[i]` and `columns[j]` are offsets from the bases plus those of each stretch.
pub struct Factors<'a> {
    pub rows: (*const f32, [usize; ROWS]),
    pub columns: (*const f32, [usize; COLUMNS]),
    pub stretches: &'a [Stretch],
}

impl Factors<'_> {
    /// `sums[i][j] = Σ over all stretches of row i · column j`.
    ///
    /// # Safety
    /// Every stretch of every row and column lies in memory that may be read.
    pub unsafe fn sums(&self) -> [[f32; COLUMNS]; ROWS] {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has it; addresses are the caller's word.
                return unsafe { self.avx512() };
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // SAFETY: as above.
                return unsafe { self.avx2() };
            }
        }
        // SAFETY: the caller's.
        unsafe { self.portable() }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512(&self) -> [[f32; COLUMNS]; ROWS] {
        let mut sums = [[_mm512_setzero_ps(); COLUMNS]; ROWS];
        for stretch in self.stretches {
            for block in 0..stretch.blocks {
                // SAFETY: the caller vouches for every stretch.
                unsafe {
                    let rows = self.rows.0.add(stretch.rows + block * LANES);
                    let columns = self.columns.0.add(stretch.columns + block * LANES);
                    let mut row = [_mm512_setzero_ps(); ROWS];
                    for i in 0..ROWS {
                        row[i] = _mm512_loadu_ps(rows.add(self.rows.1[i]));
                    }
                    for j in 0..COLUMNS {
                        let column = _mm512_loadu_ps(columns.add(self.columns.1[j]));
                        for i in 0..ROWS {
                            sums[i][j] = _mm512_fmadd_ps(row[i], column, sums[i][j]);
                        }
                    }
                }
            }
        }
        let mut totals = [[0f32; COLUMNS]; ROWS];
        for i in 0..ROWS {
            for j in 0..COLUMNS {
                totals[i][j] = _mm512_reduce_add_ps(sums[i][j]);
            }
        }
        totals
    }

    /// In two sweeps of half the rows: there are 16 registers.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2(&self) -> [[f32; COLUMNS]; ROWS] {
        const HALF: usize = 2;
        let mut totals = [[0f32; COLUMNS]; ROWS];
        for first in (0..ROWS).step_by(HALF) {
            let mut sums = [[_mm256_setzero_ps(); COLUMNS]; HALF];
            for stretch in self.stretches {
                for block in 0..2 * stretch.blocks {
                    // SAFETY: the caller vouches for every stretch.
                    unsafe {
                        let rows = self.rows.0.add(stretch.rows + block * LANES / 2);
                        let columns = self.columns.0.add(stretch.columns + block * LANES / 2);
                        let mut row = [_mm256_setzero_ps(); HALF];
                        for i in 0..HALF {
                            row[i] = _mm256_loadu_ps(rows.add(self.rows.1[first + i]));
                        }
                        for j in 0..COLUMNS {
                            let column = _mm256_loadu_ps(columns.add(self.columns.1[j]));
                            for i in 0..HALF {
                                sums[i][j] = _mm256_fmadd_ps(row[i], column, sums[i][j]);
                            }
                        }
                    }
                }
            }
            for i in 0..HALF {
                for j in 0..COLUMNS {
                    let mut lanes = [0f32; LANES / 2];
                    // SAFETY: eight samples of its own.
                    unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), sums[i][j]) };
                    totals[first + i][j] = lanes.iter().sum();
                }
            }
        }
        totals
    }

    unsafe fn portable(&self) -> [[f32; COLUMNS]; ROWS] {
        let mut sums = [[[0f32; LANES]; COLUMNS]; ROWS];
        for stretch in self.stretches {
            for block in 0..stretch.blocks {
                // SAFETY: the caller vouches for every stretch.
                let (rows, columns) = unsafe {
                    let rows = self.rows.0.add(stretch.rows + block * LANES);
                    let columns = self.columns.0.add(stretch.columns + block * LANES);
                    (
                        self.rows.1.map(|at| rows.add(at).cast::<[f32; LANES]>().read_unaligned()),
                        self.columns.1.map(|at| columns.add(at).cast::<[f32; LANES]>().read_unaligned()),
                    )
                };
                for (sums, row) in sums.iter_mut().zip(&rows) {
                    for (sums, column) in sums.iter_mut().zip(&columns) {
                        for ((sum, a), b) in sums.iter_mut().zip(row).zip(column) {
                            *sum += a * b;
                        }
                    }
                }
            }
        }
        sums.map(|row| row.map(|lanes| lanes.iter().sum()))
    }
}

/// `len` samples as blocks.
pub fn blocks(len: usize) -> usize {
    len.div_ceil(LANES)
}

/// Samples that a last block may read beyond its stretch.
pub const SLACK: usize = LANES;

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Factors, LANES, ROWS, Stretch};

    #[test]
    fn every_kind_of_processor_sums_the_same() {
        let samples =
            |seed: usize| -> Vec<f32> { (0..512).map(|i| ((i * 37 + seed) % 23) as f32 - 11.0).collect() };
        let (a, b) = (samples(1), samples(5));
        let stretches =
            [Stretch { rows: 3, columns: 7, blocks: 2 }, Stretch { rows: 60, columns: 41, blocks: 1 }];
        let (rows, columns) = (std::array::from_fn(|i| i * 100), std::array::from_fn(|j| j * 70 + 1));
        let factors =
            Factors { rows: (a.as_ptr(), rows), columns: (b.as_ptr(), columns), stretches: &stretches };
        let mut wanted = [[0f32; COLUMNS]; ROWS];
        for s in &stretches {
            for k in 0..s.blocks * LANES {
                for i in 0..ROWS {
                    for j in 0..COLUMNS {
                        wanted[i][j] += a[rows[i] + s.rows + k] * b[columns[j] + s.columns + k];
                    }
                }
            }
        }
        // SAFETY: the furthest sample read is 300 + 60 + 16 of 512. Small whole numbers: every order is exact.
        unsafe {
            assert_eq!(factors.portable(), wanted);
            assert_eq!(factors.sums(), wanted);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                assert_eq!(factors.avx2(), wanted);
            }
        }
    }
}
