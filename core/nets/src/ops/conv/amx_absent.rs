//! Where there is no matrix unit: what `amx` offers, never reached.

pub const ROWS: usize = 16;
pub const PARTS: usize = 3;

pub fn available() -> bool {
    false
}

pub struct Registers(());

impl Registers {
    pub fn new() -> Self {
        unreachable!("asked for without being available")
    }
}

/// # Safety
/// Never to be called.
pub unsafe fn add(_: &[usize], _: *const u8, _: [*const u32; PARTS], _: usize, _: *mut f32, _: usize) {
    unreachable!("asked for without being available")
}

/// # Safety
/// Never to be called.
pub unsafe fn add_rounded(_: &[usize], _: *const u8, _: *const u32, _: usize, _: *mut f32, _: usize) {
    unreachable!("asked for without being available")
}

/// # Safety
/// Never to be called.
pub unsafe fn dots(_: usize, _: *const u8, _: *const u8, _: *mut f32) {
    unreachable!("asked for without being available")
}

/// # Safety
/// Never to be called.
pub unsafe fn dots_rounded(_: usize, _: *const u8, _: *const u8, _: *mut f32) {
    unreachable!("asked for without being available")
}
