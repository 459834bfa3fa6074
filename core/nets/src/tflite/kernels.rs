//! The operations of a TFLite graph on NHWC f32 with batch 1. Shapes were checked when the graph was
//! built.

use gemm::Parallelism;
use lipsmith_base::vectorised;

/// Rows, columns and channels of a feature map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Map {
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// How a kernel walks: its size, its steps, and the rows and columns of padding before the first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub size: [usize; 2],
    pub stride: [usize; 2],
    pub before: [usize; 2],
}

impl Window {
    /// The input positions under the kernel along one axis at output position `at`: `(tap, position)`.
    #[inline(always)]
    fn taps(self, axis: usize, at: usize, extent: usize) -> impl Iterator<Item = (usize, usize)> {
        let first = self.first(axis, at);
        (0..self.size[axis]).filter_map(move |tap| {
            let position = usize::try_from(first + tap as isize).ok()?;
            (position < extent).then_some((tap, position))
        })
    }

    /// The input position under the kernel's first row or column, before the first sample where it is negative.
    #[inline(always)]
    fn first(self, axis: usize, at: usize) -> isize {
        (at * self.stride[axis]) as isize - self.before[axis] as isize
    }
}

/// What follows a layer, element by element.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    None,
    Relu,
    Relu6,
    /// Slope below zero, one a channel.
    Prelu(Vec<f32>),
}

impl Activation {
    /// On the values of whole pixels.
    #[inline(always)]
    pub fn apply(&self, values: &mut [f32]) {
        match self {
            Activation::None => {}
            Activation::Relu => values.iter_mut().for_each(|v| *v = v.max(0.0)),
            Activation::Relu6 => values.iter_mut().for_each(|v| *v = v.clamp(0.0, 6.0)),
            Activation::Prelu(slopes) => {
                for pixel in values.chunks_exact_mut(slopes.len()) {
                    for (v, slope) in pixel.iter_mut().zip(slopes) {
                        *v = v.max(0.0) + slope * v.min(0.0);
                    }
                }
            }
        }
    }
}

/// Weights of a convolution, `[kernel rows · kernel columns · input channels, output channels]`.
#[derive(Clone, Debug)]
pub struct Filter {
    pub weight: Vec<f32>,
    /// One an output channel.
    pub bias: Vec<f32>,
}

/// `columns` is scratch memory; it is not touched where the kernel is a single sample.
pub fn conv(
    from: Map,
    x: &[f32],
    filter: &Filter,
    window: Window,
    to: Map,
    out: &mut [f32],
    columns: &mut Vec<f32>,
) {
    let depth = window.size[0] * window.size[1] * from.channels;
    let single = window == Window { size: [1, 1], stride: [1, 1], before: [0, 0] };
    if !single {
        gather_columns(from, x, window, to, columns);
    }
    let left = if single { x } else { columns };
    let (rows, n) = (to.height * to.width, to.channels);
    assert!(left.len() == rows * depth && filter.weight.len() == depth * n && out.len() == rows * n);
    for pixel in out.chunks_exact_mut(n) {
        pixel.copy_from_slice(&filter.bias);
    }
    // SAFETY: the three matrices are row-major and, as just asserted, exactly as large as their slices.
    unsafe {
        gemm::gemm(
            rows,
            n,
            depth,
            out.as_mut_ptr(),
            1,
            n as isize,
            true,
            left.as_ptr(),
            1,
            depth as isize,
            filter.weight.as_ptr(),
            1,
            n as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// One row per output pixel: all samples under its kernel.
fn gather_columns(from: Map, x: &[f32], window: Window, to: Map, columns: &mut Vec<f32>) {
    let c = from.channels;
    let depth = window.size[0] * window.size[1] * c;
    columns.clear();
    columns.resize(to.height * to.width * depth, 0.0);
    for (pixel, row) in columns.chunks_exact_mut(depth).enumerate() {
        let (oy, ox) = (pixel / to.width, pixel % to.width);
        for (ky, y) in window.taps(0, oy, from.height) {
            for (kx, x_at) in window.taps(1, ox, from.width) {
                let (source, place) = ((y * from.width + x_at) * c, (ky * window.size[1] + kx) * c);
                row[place..place + c].copy_from_slice(&x[source..source + c]);
            }
        }
    }
}

/// Channels handled at once: two vector registers' worth with AVX2.
const LANES: usize = 16;

vectorised! {
    /// Each channel by its own kernel; `filter.weight` is `[kernel rows · kernel columns, channels]`.
    pub fn depthwise(from: Map, x: &[f32], filter: &Filter, window: Window, to: Map, out: &mut [f32]) {
        let c = from.channels;
        // Under the kernel of a pixel near no edge: from its first sample to each, and the weights there.
        let [rows, columns] = window.size;
        let all = (0..rows).flat_map(|ky| (0..columns).map(move |kx| (ky, kx)));
        let all: Vec<_> = all.map(|(ky, kx)| ((ky * from.width + kx) * c, (ky * columns + kx) * c)).collect();
        let mut some = Vec::with_capacity(all.len());
        for (pixel, values) in out.chunks_exact_mut(c).enumerate() {
            let (oy, ox) = (pixel / to.width, pixel % to.width);
            let (top, left) = (window.first(0, oy), window.first(1, ox));
            let inside = |first: isize, size: usize, extent: usize| {
                first >= 0 && first as usize + size <= extent
            };
            let (base, taps) = if inside(top, rows, from.height) && inside(left, columns, from.width) {
                ((top as usize * from.width + left as usize) * c, &all)
            } else {
                some.clear();
                for (ky, y) in window.taps(0, oy, from.height) {
                    let row = window.taps(1, ox, from.width);
                    some.extend(row.map(|(kx, x)| ((y * from.width + x) * c, (ky * columns + kx) * c)));
                }
                (0, &some)
            };
            let mut start = 0;
            while start < c {
                let lanes = LANES.min(c - start);
                let mut sum = [0.0; LANES];
                sum[..lanes].copy_from_slice(&filter.bias[start..start + lanes]);
                for &(sample, weight) in taps {
                    let sample = &x[base + sample + start..][..lanes];
                    multiply_add(&mut sum, sample, &filter.weight[weight + start..][..lanes]);
                }
                values[start..start + lanes].copy_from_slice(&sum[..lanes]);
                start += lanes;
            }
        }
    }
}

#[inline(always)]
fn multiply_add(sum: &mut [f32; LANES], a: &[f32], b: &[f32]) {
    match (<&[f32; LANES]>::try_from(a), <&[f32; LANES]>::try_from(b)) {
        (Ok(a), Ok(b)) => (0..LANES).for_each(|i| sum[i] += a[i] * b[i]),
        _ => sum.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b),
    }
}

pub fn max_pool(from: Map, x: &[f32], window: Window, to: Map, out: &mut [f32]) {
    let c = from.channels;
    out.fill(f32::NEG_INFINITY);
    for (pixel, values) in out.chunks_exact_mut(c).enumerate() {
        for (_, y) in window.taps(0, pixel / to.width, from.height) {
            for (_, x_at) in window.taps(1, pixel % to.width, from.width) {
                let source = &x[(y * from.width + x_at) * c..][..c];
                values.iter_mut().zip(source).for_each(|(v, s)| *v = v.max(*s));
            }
        }
    }
}

/// Zeros around `x`, `before` of rows, columns and channels on the near sides.
pub fn pad(from: Map, x: &[f32], before: [usize; 3], to: Map, out: &mut [f32]) {
    out.fill(0.0);
    for (pixel, values) in x.chunks_exact(from.channels).enumerate() {
        let (y, x_at) = (pixel / from.width + before[0], pixel % from.width + before[1]);
        let start = (y * to.width + x_at) * to.channels + before[2];
        out[start..start + from.channels].copy_from_slice(values);
    }
}

/// Bilinear with sample centres at half positions.
pub fn resize(from: Map, x: &[f32], to: Map, out: &mut [f32]) {
    let c = from.channels;
    let place = |at: usize, from: usize, to: usize| {
        let p = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        (p as usize, (p as usize + 1).min(from - 1), p.fract())
    };
    for (pixel, values) in out.chunks_exact_mut(c).enumerate() {
        let (y0, y1, fy) = place(pixel / to.width, from.height, to.height);
        let (x0, x1, fx) = place(pixel % to.width, from.width, to.width);
        let at = |y: usize, x_at: usize| &x[(y * from.width + x_at) * c..][..c];
        let corners = [at(y0, x0), at(y0, x1), at(y1, x0), at(y1, x1)];
        for (i, value) in values.iter_mut().enumerate() {
            let top = corners[0][i] + (corners[1][i] - corners[0][i]) * fx;
            let bottom = corners[2][i] + (corners[3][i] - corners[2][i]) * fx;
            *value = top + (bottom - top) * fy;
        }
    }
}

/// Each pixel's channels become a square of `block` × `block` pixels.
pub fn depth_to_space(from: Map, x: &[f32], block: usize, to: Map, out: &mut [f32]) {
    for (pixel, values) in out.chunks_exact_mut(to.channels).enumerate() {
        let (y, x_at) = (pixel / to.width, pixel % to.width);
        let source = (y / block * from.width + x_at / block) * from.channels
            + (y % block * block + x_at % block) * to.channels;
        values.copy_from_slice(&x[source..source + to.channels]);
    }
}
