//! Work memory that is used again: fresh pages from the system would cost a small convolution as much as
//! its arithmetic.

use std::sync::{Mutex, MutexGuard, PoisonError};

const LINE: usize = 16;
/// What is larger is given back to the system at once, so that one huge picture is not paid for ever after.
const KEEP_SAMPLES: usize = 16 << 20;
const KEEP_BUFFERS: usize = 16;

/// A cache line of samples.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u32; LINE]);

static POOL: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

fn pool() -> MutexGuard<'static, Vec<Vec<Line>>> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Samples of 32 bits, aligned to a cache line, holding whatever the last user left.
pub struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    pub fn dirty(len: usize) -> Self {
        let wanted = len.div_ceil(LINE);
        let mut lines = {
            let mut pool = pool();
            let fitting = (0..pool.len()).filter(|&i| pool[i].len() >= wanted).min_by_key(|&i| pool[i].len());
            fitting.or(pool.len().checked_sub(1)).map(|i| pool.swap_remove(i)).unwrap_or_default()
        };
        if lines.len() < wanted {
            // Not `resize`, which would copy what nobody wants.
            lines = vec![Line([0; LINE]); wanted];
        }
        Self { lines, len }
    }

    pub fn f32(&mut self) -> &mut [f32] {
        // SAFETY: the lines hold at least `len` samples (`dirty`), and any 32 bits are a valid f32.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub fn u32(&mut self) -> &mut [u32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    pub fn as_ptr<T>(&self) -> *const T {
        self.lines.as_ptr().cast()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut pool = pool();
        if self.len <= KEEP_SAMPLES && pool.len() < KEEP_BUFFERS {
            pool.push(std::mem::take(&mut self.lines));
        }
    }
}
