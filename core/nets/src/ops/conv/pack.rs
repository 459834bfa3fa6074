//! Copies pictures into planes (see `geometry`).

use super::geometry::Planes;

/// Writes one row of a sub-plane: zeros where it lies outside the source.
///
/// `row` of `pitch` samples; `source` is one channel, row-major.
pub fn row(planes: &Planes, source: &[f32], phase: [usize; 2], q: usize, row: &mut [f32]) {
    let [height, width] = planes.source;
    let y = (planes.phases[0] * q + phase[0]) as isize - planes.pad[0];
    if y < 0 || y as usize >= height {
        return row.fill(0.0);
    }
    let line = &source[y as usize * width..][..width];
    let (stride, first) = (planes.phases[1] as isize, phase[1] as isize - planes.pad[1]);
    // Columns j with 0 ≤ stride·j + first < width.
    let bound = |x: isize| ((x + stride - 1).div_euclid(stride).max(0) as usize).min(row.len());
    let (begin, end) = (bound(-first), bound(width as isize - first));
    row[..begin].fill(0.0);
    row[end.max(begin)..].fill(0.0);
    if begin >= end {
        return;
    }
    let from = (stride * begin as isize + first) as usize;
    let (row, line) = (&mut row[begin..end], &line[from..]);
    match stride {
        1 => row.copy_from_slice(&line[..row.len()]),
        _ => row.iter_mut().zip(line.iter().step_by(stride as usize)).for_each(|(to, from)| *to = *from),
    }
}

/// Writes all of a channel's sub-planes, and zeros up to the next channel.
pub fn channel(planes: &Planes, source: &[f32], target: &mut [f32]) {
    let mut rows = target.chunks_exact_mut(planes.pitch);
    for a in 0..planes.phases[0] {
        for b in 0..planes.phases[1] {
            for (q, to) in rows.by_ref().take(planes.rows).enumerate() {
                row(planes, source, [a, b], q, to);
            }
        }
    }
    let used = planes.phases[0] * planes.phases[1] * planes.rows * planes.pitch;
    target[used..].fill(0.0);
}
