//! The matrix unit itself: asking for it, its registers, and the one loop that uses them. In assembly, since
//! Rust's intrinsics for it are not stable yet.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

/// A tile register: 16 rows of 64 bytes.
pub const ROWS: usize = 16;

/// Whether this processor has the unit and the system lets this process use it.
pub fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const BF16: u32 = 1 << 22;
        const TILE: u32 = 1 << 24;
        let features = __cpuid_count(7, 0).edx;
        features & BF16 != 0 && features & TILE != 0 && permitted()
    })
}

/// Asks Linux for the tile registers, which it keeps from processes that have not asked (arch_prctl(2),
/// `ARCH_REQ_XCOMP_PERM`).
fn permitted() -> bool {
    const ARCH_PRCTL: usize = 158;
    const REQUEST: usize = 0x1023;
    const TILE_DATA: usize = 18;
    let answer: isize;
    // SAFETY: a system call that touches no memory of ours.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => answer, in("rdi") REQUEST, in("rsi") TILE_DATA,
            out("rcx") _, out("r11") _, options(nostack));
    }
    answer == 0
}

/// The tile registers in use on this thread, all 16 rows of 64 bytes; given back on drop, since the system
/// saves them at every switch while they are in use.
pub struct Registers(());

impl Registers {
    pub fn new() -> Self {
        #[repr(C, align(64))]
        struct Config {
            palette: u8,
            start_row: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        let all = |n: u8| std::array::from_fn(|register| if register < 8 { n } else { 0 });
        let config = Config {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: all(64).map(u16::from),
            rows: all(ROWS as u8),
        };
        // SAFETY: only reached where `available()`; the configuration is the 64 bytes the processor expects.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &config, options(nostack, readonly)) };
        Self(())
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Parts of an f32, largest first: three bfloat16 hold its 24 bits.
pub const PARTS: usize = 3;

/// Adds one tile of 32 output channels by 32 positions over `steps`: six of the nine products of parts, those
/// that reach f32's last bit, smaller ones first.
///
/// # Safety
/// The tile registers are configured; `steps` is not empty; 6 KB of weights a step; at each step's offset from
/// all planes 16 rows, `channel` apart, of 32 positions; 32 rows of sums, `row` apart.
pub unsafe fn add(
    steps: &[usize],
    weights: *const u8,
    planes: [*const u32; PARTS],
    channel: usize,
    sums: *mut f32,
    row: usize,
) {
    // tmm0–3: sums; 4, 5: weights of 16 output channels each; 6, 7: samples of 16 positions each.
    unsafe {
        asm!(
            "tileloadd tmm0, [{upper} + {row}]",
            "tileloadd tmm1, [{upper} + {row} + 64]",
            "tileloadd tmm2, [{lower} + {row}]",
            "tileloadd tmm3, [{lower} + {row} + 64]",
            "2:",
            "mov {offset}, [{steps}]",
            // weights 0 · samples 2
            "lea {at}, [{third} + {offset}*4]",
            "tileloadd tmm4, [{weights} + {line}]",
            "tileloadd tmm6, [{at} + {channel}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{at} + {channel} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{weights} + {line} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            // weights 0 · samples 1
            "lea {at}, [{second} + {offset}*4]",
            "tileloadd tmm6, [{at} + {channel}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tileloadd tmm7, [{at} + {channel} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm3, tmm5, tmm7",
            // weights 1 · samples 1
            "tileloadd tmm4, [{weights} + {line} + 2048]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{weights} + {line} + 3072]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            // weights 1 · samples 0
            "lea {at}, [{first} + {offset}*4]",
            "tileloadd tmm6, [{at} + {channel}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tileloadd tmm7, [{at} + {channel} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm3, tmm5, tmm7",
            // weights 2 · samples 0
            "tileloadd tmm4, [{weights} + {line} + 4096]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{weights} + {line} + 5120]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            // weights 0 · samples 0
            "tileloadd tmm4, [{weights} + {line}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{weights} + {line} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {weights}, 6144",
            "add {steps}, 8",
            "cmp {steps}, {end}",
            "jne 2b",
            "tilestored [{upper} + {row}], tmm0",
            "tilestored [{upper} + {row} + 64], tmm1",
            "tilestored [{lower} + {row}], tmm2",
            "tilestored [{lower} + {row} + 64], tmm3",
            upper = in(reg) sums,
            lower = in(reg) sums.add(ROWS * row),
            row = in(reg) row * size_of::<f32>(),
            steps = inout(reg) steps.as_ptr() => _,
            end = in(reg) steps.as_ptr_range().end,
            weights = inout(reg) weights => _,
            first = in(reg) planes[0],
            second = in(reg) planes[1],
            third = in(reg) planes[2],
            channel = in(reg) channel * size_of::<u32>(),
            line = in(reg) 64usize,
            offset = out(reg) _,
            at = out(reg) _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// [`add`] with the first parts alone: one product of the nine, for what may be as rough as bfloat16.
///
/// # Safety
/// As there, but for 2 KB of weights a step and one plane.
pub unsafe fn add_rounded(
    steps: &[usize],
    weights: *const u8,
    plane: *const u32,
    channel: usize,
    sums: *mut f32,
    row: usize,
) {
    unsafe {
        asm!(
            "tileloadd tmm0, [{upper} + {row}]",
            "tileloadd tmm1, [{upper} + {row} + 64]",
            "tileloadd tmm2, [{lower} + {row}]",
            "tileloadd tmm3, [{lower} + {row} + 64]",
            "2:",
            "mov {at}, [{steps}]",
            "lea {at}, [{plane} + {at}*4]",
            "tileloadd tmm4, [{weights} + {line}]",
            "tileloadd tmm6, [{at} + {channel}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{at} + {channel} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{weights} + {line} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {weights}, 2048",
            "add {steps}, 8",
            "cmp {steps}, {end}",
            "jne 2b",
            "tilestored [{upper} + {row}], tmm0",
            "tilestored [{upper} + {row} + 64], tmm1",
            "tilestored [{lower} + {row}], tmm2",
            "tilestored [{lower} + {row} + 64], tmm3",
            upper = in(reg) sums,
            lower = in(reg) sums.add(ROWS * row),
            row = in(reg) row * size_of::<f32>(),
            steps = inout(reg) steps.as_ptr() => _,
            end = in(reg) steps.as_ptr_range().end,
            weights = inout(reg) weights => _,
            plane = in(reg) plane,
            channel = in(reg) channel * size_of::<u32>(),
            line = in(reg) 64usize,
            at = out(reg) _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// Adds the products of 32 narrow channels and 32 wide ones over `steps` times 32 positions: the same six of the nine products of
/// parts as [`add`].
///
/// # Safety
/// The tile registers are configured; `steps` is not 0; 6 KB of rows a step; 384 bytes of columns a position; 32 rows of 32
/// sums.
pub unsafe fn dots(steps: usize, rows: *const u8, columns: *const u8, sums: *mut f32) {
    unsafe {
        asm!(
            "tileloadd tmm0, [{sums} + {two}]",
            "tileloadd tmm1, [{sums} + {two} + 64]",
            "tileloadd tmm2, [{sums} + {two} + 2048]",
            "tileloadd tmm3, [{sums} + {two} + 2112]",
            "2:",
            "tileloadd tmm4, [{rows} + {one}]",
            "tileloadd tmm6, [{columns} + {pair} + 256]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{columns} + {pair} + 320]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{rows} + {one} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm6, [{columns} + {pair} + 128]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{columns} + {pair} + 192]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm4, [{rows} + {one} + 2048]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{rows} + {one} + 3072]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm6, [{columns} + {pair}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{columns} + {pair} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm4, [{rows} + {one} + 4096]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{rows} + {one} + 5120]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm4, [{rows} + {one}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{rows} + {one} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {rows}, 6144",
            "add {columns}, 12288",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {two}], tmm0",
            "tilestored [{sums} + {two} + 64], tmm1",
            "tilestored [{sums} + {two} + 2048], tmm2",
            "tilestored [{sums} + {two} + 2112], tmm3",
            sums = in(reg) sums,
            two = in(reg) 128usize,
            one = in(reg) 64usize,
            pair = in(reg) 768usize,
            rows = inout(reg) rows => _,
            columns = inout(reg) columns => _,
            steps = inout(reg) steps => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}

/// [`dots`] with the first parts alone.
///
/// # Safety
/// As there, but for 2 KB of rows a step and 128 bytes of columns a position.
pub unsafe fn dots_rounded(steps: usize, rows: *const u8, columns: *const u8, sums: *mut f32) {
    unsafe {
        asm!(
            "tileloadd tmm0, [{sums} + {two}]",
            "tileloadd tmm1, [{sums} + {two} + 64]",
            "tileloadd tmm2, [{sums} + {two} + 2048]",
            "tileloadd tmm3, [{sums} + {two} + 2112]",
            "2:",
            "tileloadd tmm4, [{rows} + {one}]",
            "tileloadd tmm6, [{columns} + {pair}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{columns} + {pair} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{rows} + {one} + 1024]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {rows}, 2048",
            "add {columns}, 4096",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{sums} + {two}], tmm0",
            "tilestored [{sums} + {two} + 64], tmm1",
            "tilestored [{sums} + {two} + 2048], tmm2",
            "tilestored [{sums} + {two} + 2112], tmm3",
            sums = in(reg) sums,
            two = in(reg) 128usize,
            one = in(reg) 64usize,
            pair = in(reg) 256usize,
            rows = inout(reg) rows => _,
            columns = inout(reg) columns => _,
            steps = inout(reg) steps => _,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
        );
    }
}
