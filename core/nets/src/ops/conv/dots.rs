//! Sums of products along positions, which a weight's gradient is made of: for each of a few rows and each of a
//! few columns, their dot product. A block of them stays in registers, and nothing is packed or transposed.

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
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512(factors: &Factors) -> [[f32; COLUMNS]; ROWS] {
                // SAFETY: the caller's.
                unsafe { factors.block::<true>() }
            }
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2(factors: &Factors) -> [[f32; COLUMNS]; ROWS] {
                // SAFETY: the caller's.
                unsafe { factors.block::<true>() }
            }
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has it; addresses are the caller's word.
                return unsafe { avx512(self) };
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // SAFETY: as above.
                return unsafe { avx2(self) };
            }
        }
        // SAFETY: the caller's.
        unsafe { self.block::<{ cfg!(target_arch = "aarch64") }>() }
    }

    #[inline(always)]
    unsafe fn block<const FUSED: bool>(&self) -> [[f32; COLUMNS]; ROWS] {
        let mut sums = [[[0f32; LANES]; COLUMNS]; ROWS];
        for stretch in self.stretches {
            for block in 0..stretch.blocks {
                // SAFETY: the caller vouches for every stretch.
                let (rows, columns) = unsafe {
                    let rows = self.rows.0.add(stretch.rows + block * LANES);
                    let columns = self.columns.0.add(stretch.columns + block * LANES);
                    (
                        self.rows.1.map(|at| rows.add(at).cast::<[f32; LANES]>().read_unaligned()),
                        self.columns.1.map(|at| columns.add(at).cast::<[f32; LANES]>()),
                    )
                };
                for (j, column) in columns.iter().enumerate() {
                    // SAFETY: as above.
                    let column = unsafe { column.read_unaligned() };
                    for (sums, row) in sums.iter_mut().zip(&rows) {
                        for ((sum, a), b) in sums[j].iter_mut().zip(row).zip(&column) {
                            *sum = if FUSED { a.mul_add(*b, *sum) } else { *sum + a * b };
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
