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

// The loops below keep four tiles of sums in tmm0 to tmm3, 32 rows by 32 columns; tmm4 and tmm5 hold two tiles of rows (lines
// of 64 bytes, `{rows}`), tmm6 and tmm7 two of columns. `{line}` is 64.

/// The tiles of rows of one part.
macro_rules! rows {
    ($part:literal) => {
        concat!(
            "tileloadd tmm4, [{rows} + {line} + 2048*",
            $part,
            "]\n",
            "tileloadd tmm5, [{rows} + {line} + 2048*",
            $part,
            " + 1024]"
        )
    };
}

/// The tiles of columns that begin at an address, lines a register apart.
macro_rules! columns {
    ($at:literal, $apart:literal) => {
        concat!(
            "tileloadd tmm6, [",
            $at,
            " + {",
            $apart,
            "}]\n",
            "tileloadd tmm7, [",
            $at,
            " + {",
            $apart,
            "} + 64]"
        )
    };
}

/// Adds the products of rows and columns to the sums.
macro_rules! multiply {
    () => {
        "tdpbf16ps tmm0, tmm4, tmm6\ntdpbf16ps tmm1, tmm4, tmm7\n\
         tdpbf16ps tmm2, tmm5, tmm6\ntdpbf16ps tmm3, tmm5, tmm7"
    };
}

/// All sums, from memory or into it.
macro_rules! sums {
    (load) => {
        "tileloadd tmm0, [{upper} + {row}]\ntileloadd tmm1, [{upper} + {row} + 64]\n\
         tileloadd tmm2, [{lower} + {row}]\ntileloadd tmm3, [{lower} + {row} + 64]"
    };
    (store) => {
        "tilestored [{upper} + {row}], tmm0\ntilestored [{upper} + {row} + 64], tmm1\n\
         tilestored [{lower} + {row}], tmm2\ntilestored [{lower} + {row} + 64], tmm3"
    };
}

/// The assembly of a loop; sums lie `$row` numbers apart, and the tile registers are overwritten.
macro_rules! tiles {
    ($($code:expr),+; sums = $sums:ident, row = $row:expr; $($operands:tt)*) => {
        asm!(
            sums!(load),
            "2:",
            $($code,)+
            "jnz 2b",
            sums!(store),
            upper = in(reg) $sums,
            lower = in(reg) $sums.add(ROWS * $row),
            row = in(reg) $row * size_of::<f32>(),
            line = in(reg) 64usize,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack),
            $($operands)*
        )
    };
}

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
    unsafe {
        tiles!(
            "mov {offset}, [{steps}]",
            "lea {at}, [{third} + {offset}*4]",
            rows!(0), columns!("{at}", "channel"), multiply!(),
            "lea {at}, [{second} + {offset}*4]",
            columns!("{at}", "channel"), multiply!(),
            rows!(1), multiply!(),
            "lea {at}, [{first} + {offset}*4]",
            columns!("{at}", "channel"), multiply!(),
            rows!(2), multiply!(),
            rows!(0), multiply!(),
            "add {rows}, 6144",
            "add {steps}, 8",
            "cmp {steps}, {end}";
            sums = sums, row = row;
            rows = inout(reg) weights => _,
            first = in(reg) planes[0],
            second = in(reg) planes[1],
            third = in(reg) planes[2],
            channel = in(reg) channel * size_of::<u32>(),
            steps = inout(reg) steps.as_ptr() => _,
            end = in(reg) steps.as_ptr_range().end,
            offset = out(reg) _,
            at = out(reg) _,
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
        tiles!(
            "mov {at}, [{steps}]",
            "lea {at}, [{plane} + {at}*4]",
            rows!(0), columns!("{at}", "channel"), multiply!(),
            "add {rows}, 2048",
            "add {steps}, 8",
            "cmp {steps}, {end}";
            sums = sums, row = row;
            rows = inout(reg) weights => _,
            plane = in(reg) plane,
            channel = in(reg) channel * size_of::<u32>(),
            steps = inout(reg) steps.as_ptr() => _,
            end = in(reg) steps.as_ptr_range().end,
            at = out(reg) _,
        );
    }
}

/// Adds the products of 32 narrow channels and 32 wide ones over `steps` times 32 positions: the same six of the nine
/// products of parts as [`add`].
///
/// # Safety
/// The tile registers are configured; `steps` is not 0; 6 KB of rows a step; 384 bytes of columns a position; 32 rows of
/// 32 sums.
pub unsafe fn dots(steps: usize, rows: *const u8, columns: *const u8, sums: *mut f32) {
    unsafe {
        tiles!(
            rows!(0), columns!("{columns} + 256", "pair"), multiply!(),
            columns!("{columns} + 128", "pair"), multiply!(),
            rows!(1), multiply!(),
            columns!("{columns}", "pair"), multiply!(),
            rows!(2), multiply!(),
            rows!(0), multiply!(),
            "add {rows}, 6144",
            "add {columns}, 12288",
            "dec {steps}";
            sums = sums, row = 2 * ROWS;
            rows = inout(reg) rows => _,
            columns = inout(reg) columns => _,
            pair = in(reg) 768usize,
            steps = inout(reg) steps => _,
        );
    }
}

/// [`dots`] with the first parts alone.
///
/// # Safety
/// As there, but for 2 KB of rows a step and 128 bytes of columns a position.
pub unsafe fn dots_rounded(steps: usize, rows: *const u8, columns: *const u8, sums: *mut f32) {
    unsafe {
        tiles!(
            rows!(0), columns!("{columns}", "pair"), multiply!(),
            "add {rows}, 2048",
            "add {columns}, 4096",
            "dec {steps}";
            sums = sums, row = 2 * ROWS;
            rows = inout(reg) rows => _,
            columns = inout(reg) columns => _,
            pair = in(reg) 256usize,
            steps = inout(reg) steps => _,
        );
    }
}
