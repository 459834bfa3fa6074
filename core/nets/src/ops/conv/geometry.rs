//! Convolution as shifts: where every sample lies so that a kernel tap is one constant offset.
//!
//! A picture is copied once into *planes* that already hold the padding. With `pitch` samples a row, output
//! position `(y, x)` is the flat position `p = y·pitch + x`, and the sample that tap `t` needs for it lies at
//! `p + offset(t)`: the same offset for every position. So nothing is gathered per tap (no im2col): a kernel
//! reads runs of neighbouring positions straight from the planes. The positions between a row's last column
//! and the pitch are computed as well and thrown away.
//!
//! Strides fit in as well. A convolution of stride s reads its input as s phases, each its own sub-plane. A
//! transposed convolution *writes* s phases: one pass each, with the taps that reach that phase.

/// How a kernel walks over its input: `[rows, columns]` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dSpec {
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
    pub groups: usize,
}

impl Default for Conv2dSpec {
    fn default() -> Self {
        Self { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 }
    }
}

impl Conv2dSpec {
    /// Size of the convolution's result, `None` where the kernel does not fit in the padded input or stands
    /// still.
    pub fn output(&self, input: [usize; 2], kernel: [usize; 2]) -> Option<[usize; 2]> {
        let along = |d: usize| {
            if input[d] == 0 || !self.moves(d) {
                return None;
            }
            let reach = self.dilation[d] * kernel[d].checked_sub(1)? + 1;
            Some((input[d] + 2 * self.padding[d]).checked_sub(reach)? / self.stride[d] + 1)
        };
        Some([along(0)?, along(1)?])
    }

    /// Size of the transposed convolution's result, `None` where the padding leaves nothing of it.
    pub fn transposed_output(
        &self,
        input: [usize; 2],
        kernel: [usize; 2],
        output_padding: [usize; 2],
    ) -> Option<[usize; 2]> {
        let along = |d: usize| {
            if !self.moves(d) {
                return None;
            }
            let reach =
                input[d].checked_sub(1)? * self.stride[d] + self.dilation[d] * kernel[d].checked_sub(1)? + 1;
            (reach + output_padding[d]).checked_sub(2 * self.padding[d]).filter(|&size| size > 0)
        };
        Some([along(0)?, along(1)?])
    }

    fn moves(&self, d: usize) -> bool {
        self.stride[d] > 0 && self.dilation[d] > 0
    }
}

/// A kernel tap as the tiles see it: how far from the output position its sample lies, and which of the
/// kernel's weights (row-major over its height and width) it is.
#[derive(Debug, Clone, Copy)]
pub struct Tap {
    pub offset: usize,
    pub index: usize,
}

/// How one channel of the source is laid out in memory.
#[derive(Debug, Clone)]
pub struct Planes {
    /// Height and width of what is copied in.
    pub source: [usize; 2],
    /// Row q, column j of sub-plane (a, b) holds source sample (phases·(q, j) + (a, b) − pad), or zero
    /// outside the source.
    pub phases: [usize; 2],
    pub pad: [isize; 2],
    pub rows: usize,
    pub pitch: usize,
    /// Samples from one channel to the next: at least all sub-planes, and such that the same position of
    /// neighbouring channels does not fall into the same cache sets.
    pub channel: usize,
}

impl Planes {
    fn new(source: [usize; 2], phases: [usize; 2], pad: [isize; 2], rows: usize, pitch: usize) -> Self {
        const LINE: usize = 16; // samples a cache line
        let lines = (phases[0] * phases[1] * rows * pitch).div_ceil(LINE) | 1;
        Self { source, phases, pad, rows, pitch, channel: lines * LINE }
    }

    /// A picture of `source` in one plane of `size`, `pad` zeros before it and as many behind as there is room for.
    pub fn padded(source: [usize; 2], pad: [usize; 2], size: [usize; 2]) -> Self {
        Self::new(source, [1, 1], pad.map(|pad| pad as isize), size[0], size[1])
    }

    /// A picture as it is, its rows set apart by `pitch` and followed by zeros.
    pub fn spread(source: [usize; 2], pitch: usize) -> Self {
        Self::new(source, [1, 1], [0, 0], source[0], pitch)
    }
}

/// One sweep over the planes, which fills a (strided) part of the output.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The output samples it fills: rows `start[0], start[0] + step[0], …`, `count[0]` of them; same for columns.
    pub start: [usize; 2],
    pub count: [usize; 2],
    pub step: [usize; 2],
    pub taps: Vec<Tap>,
}

impl Pass {
    /// Flat positions to be computed.
    pub fn positions(&self, pitch: usize) -> usize {
        match self.count {
            [0, _] | [_, 0] => 0,
            [rows, columns] => (rows - 1) * pitch + columns,
        }
    }
}

/// Everything about a convolution that depends on sizes only.
#[derive(Debug, Clone)]
pub struct Plan {
    pub planes: Planes,
    pub passes: Vec<Pass>,
    pub output: [usize; 2],
}

impl Plan {
    /// `output[o] = Σ_k w[k]·source[stride·o + dilation·k − padding]`.
    pub fn forward(source: [usize; 2], output: [usize; 2], kernel: [usize; 2], spec: &Conv2dSpec) -> Self {
        let axis =
            |d: usize| Axis::forward(output[d], kernel[d], spec.stride[d], spec.padding[d], spec.dilation[d]);
        Self::product(source, output, &axis(0), &axis(1))
    }

    /// `output[stride·s + dilation·k − padding] += w[k]·source[s]`: the adjoint of [`Plan::forward`].
    pub fn transposed(source: [usize; 2], output: [usize; 2], kernel: [usize; 2], spec: &Conv2dSpec) -> Self {
        let axis = |d: usize| {
            Axis::transposed(output[d], kernel[d], spec.stride[d], spec.padding[d], spec.dilation[d])
        };
        Self::product(source, output, &axis(0), &axis(1))
    }

    fn product(source: [usize; 2], output: [usize; 2], y: &Axis, x: &Axis) -> Self {
        let planes =
            Planes::new(source, [y.phases, x.phases], [y.pad, x.pad], y.extent.max(1), x.extent.max(1));
        let sub_plane = planes.rows * planes.pitch;
        let pass = |a: &AxisPass, b: &AxisPass| Pass {
            start: [a.start, b.start],
            count: [a.count, b.count],
            step: [y.step, x.step],
            taps: (a.taps.iter())
                .flat_map(|r| b.taps.iter().map(move |c| (r, c)))
                .map(|(r, c)| Tap {
                    offset: (r.phase * x.phases + c.phase) * sub_plane + r.shift * planes.pitch + c.shift,
                    index: r.index * x.kernel + c.index,
                })
                .collect(),
        };
        let passes = y.passes.iter().flat_map(|a| x.passes.iter().map(move |b| pass(a, b))).collect();
        Self { planes, passes, output }
    }
}

/// A plan along one direction; the plan of a picture is the product of two.
struct Axis {
    kernel: usize,
    phases: usize,
    pad: isize,
    /// Length of a sub-plane.
    extent: usize,
    step: usize,
    passes: Vec<AxisPass>,
}

struct AxisPass {
    start: usize,
    count: usize,
    taps: Vec<AxisTap>,
}

struct AxisTap {
    phase: usize,
    shift: usize,
    index: usize,
}

impl Axis {
    fn forward(output: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Self {
        let taps: Vec<AxisTap> = (0..kernel)
            .map(|k| AxisTap { phase: k * dilation % stride, shift: k * dilation / stride, index: k })
            .collect();
        let furthest = taps.iter().map(|tap| tap.shift).max().unwrap_or(0);
        Self {
            kernel,
            phases: stride,
            pad: padding as isize,
            extent: output + furthest,
            step: 1,
            passes: vec![AxisPass { start: 0, count: output, taps }],
        }
    }

    fn transposed(output: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Self {
        // Output sample stride·q + r takes source sample q + (r + padding − dilation·k)/stride, where whole.
        let shift_of = |r: usize, k: usize| {
            let reach = (r + padding) as isize - (dilation * k) as isize;
            (reach % stride as isize == 0).then_some(reach / stride as isize)
        };
        let reaching = |r: usize| (0..kernel).filter_map(move |k| Some((k, shift_of(r, k)?)));
        let nearest = (0..stride).flat_map(reaching).map(|(_, shift)| shift).min().unwrap_or(0);
        let passes: Vec<AxisPass> = (0..stride)
            .map(|r| AxisPass {
                start: r,
                count: output.saturating_sub(r).div_ceil(stride),
                taps: reaching(r)
                    .map(|(k, shift)| AxisTap { phase: 0, shift: (shift - nearest) as usize, index: k })
                    .collect(),
            })
            .collect();
        let extent = (passes.iter())
            .map(|pass| pass.count + pass.taps.iter().map(|tap| tap.shift).max().unwrap_or(0))
            .max()
            .unwrap_or(0);
        Self { kernel, phases: 1, pad: -nearest, extent, step: stride, passes }
    }
}
