//! A picture in few bytes: what it looks like, without its finest detail.

use lipsmith_base::{ColourSpec, Picture, PixelFormat, Plane};

/// Nothing is lost of a picture that fits into this.
const FIT: (usize, usize) = (640, 360);

pub struct Rough {
    /// Means of squares of `step` samples, the last ones of what is left of them.
    planes: [Plane; 3],
    step: usize,
    format: PixelFormat,
    colour: ColourSpec,
    width: usize,
    height: usize,
}

impl Rough {
    pub fn of(picture: &Picture) -> Rough {
        let (width, height, format) = (picture.width(), picture.height(), picture.format());
        let step = step(width, height);
        let planes = [0, 1, 2].map(|p| {
            let (w, _) = format.plane_size(p, width, height);
            match &picture.planes()[p] {
                Plane::U8(samples) => Plane::U8(reduced(samples, w, step)),
                Plane::U16(samples) => Plane::U16(reduced(samples, w, step)),
            }
        });
        Rough { planes, step, format, colour: picture.colour(), width, height }
    }

    /// At the film's size again, straight lines between the means; `None` never happens to planes that were reduced here.
    pub fn picture(&self) -> Option<Picture> {
        let planes = [0, 1, 2].map(|p| {
            let size = self.format.plane_size(p, self.width, self.height);
            match &self.planes[p] {
                Plane::U8(samples) => Plane::U8(enlarged(samples, size, self.step)),
                Plane::U16(samples) => Plane::U16(enlarged(samples, size, self.step)),
            }
        });
        Picture::new(self.format, self.width, self.height, self.colour, planes).ok()
    }
}

/// Bytes of one that is made of such a picture.
pub fn bytes(format: PixelFormat, width: usize, height: usize) -> usize {
    let step = step(width, height);
    let sample = if format.depth > 8 { 2 } else { 1 };
    let plane = |p| {
        let (w, h) = format.plane_size(p, width, height);
        w.div_ceil(step) * h.div_ceil(step)
    };
    (0..3).map(plane).sum::<usize>().max(1) * sample
}

fn step(width: usize, height: usize) -> usize {
    width.div_ceil(FIT.0).max(height.div_ceil(FIT.1)).max(1)
}

trait Sample: Copy + Into<u32> {
    fn from_mean(mean: u32) -> Self;
}

impl Sample for u8 {
    fn from_mean(mean: u32) -> u8 {
        mean as u8
    }
}

impl Sample for u16 {
    fn from_mean(mean: u32) -> u16 {
        mean as u16
    }
}

fn reduced<T: Sample>(samples: &[T], width: usize, step: usize) -> Vec<T> {
    if step == 1 {
        return samples.to_vec();
    }
    let mut out = Vec::with_capacity(samples.len() / (step * step) + width);
    let mut sums = vec![0u32; width.div_ceil(step)];
    for rows in samples.chunks(width * step) {
        sums.fill(0);
        for row in rows.chunks_exact(width) {
            for (sum, square) in sums.iter_mut().zip(row.chunks(step)) {
                *sum += square.iter().map(|&v| v.into()).sum::<u32>();
            }
        }
        let lines = rows.len() / width;
        out.extend(sums.iter().enumerate().map(|(x, sum)| {
            let count = (lines * step.min(width - x * step)) as u32;
            T::from_mean((sum + count / 2) / count)
        }));
    }
    out
}

fn enlarged<T: Sample>(samples: &[T], (width, height): (usize, usize), step: usize) -> Vec<T> {
    if step == 1 {
        return samples.to_vec();
    }
    let few = width.div_ceil(step);
    let columns = taps(width, step);
    let mut out = Vec::with_capacity(width * height);
    let mut line = vec![0u32; few];
    for (above, below, down) in taps(height, step) {
        let [above, below] = [above, below].map(|y| &samples[y * few..][..few]);
        for ((mixed, &a), &b) in line.iter_mut().zip(above).zip(below) {
            *mixed = a.into() * (ONE - down) + b.into() * down;
        }
        // Two factors of at most ONE and 16 bits of sample: in 32 bits where ONE is 256.
        out.extend(columns.iter().map(|&(left, right, along)| {
            let mixed = (line[left] >> 4) * (ONE - along) + (line[right] >> 4) * along;
            T::from_mean((mixed + (1 << 11)) >> 12)
        }));
    }
    out
}

const ONE: u32 = 256;

/// Between which two means each sample lies, and how much of the later one it is, of [`ONE`].
fn taps(extent: usize, step: usize) -> Vec<(usize, usize, u32)> {
    let last = extent.div_ceil(step) - 1;
    let tap = |at: usize| {
        // In halves of a sample, from the middle of the first mean.
        let from = (2 * at + 1).saturating_sub(step);
        let (first, beyond) = (from / (2 * step), from % (2 * step));
        let first = first.min(last);
        (first, (first + 1).min(last), (beyond * ONE as usize / (2 * step)) as u32)
    };
    (0..extent).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::Chroma;

    #[test]
    fn what_is_smooth_comes_back() {
        for (depth, chroma, size) in [(8, Chroma::C420, (1921, 1081)), (10, Chroma::C422, (3840, 2160))] {
            let format = PixelFormat { depth, chroma };
            let top = (1usize << depth) - 1;
            let planes = [0, 1, 2].map(|p| {
                let (w, h) = format.plane_size(p, size.0, size.1);
                let ramp = (0..w * h).map(|i| top * (i % w + i / w) / (w + h));
                match depth {
                    8 => Plane::U8(ramp.map(|v| v as u8).collect()),
                    _ => Plane::U16(ramp.map(|v| v as u16).collect()),
                }
            });
            let picture = Picture::new(format, size.0, size.1, ColourSpec::SRGB, planes).expect("a picture");
            let rough = Rough::of(&picture);
            let kept: usize = rough.planes.iter().map(Plane::len).sum();
            assert_eq!(kept * if depth > 8 { 2 } else { 1 }, bytes(format, size.0, size.1));
            let again = rough.picture().expect("a picture");
            let far = |a: &Plane, b: &Plane| match (a, b) {
                (Plane::U8(a), Plane::U8(b)) => a.iter().zip(b).map(|(a, b)| a.abs_diff(*b).into()).max(),
                (Plane::U16(a), Plane::U16(b)) => a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max(),
                _ => None,
            };
            for (a, b) in picture.planes().iter().zip(again.planes()) {
                let far = far(a, b).expect("as it was");
                assert!(far <= 3, "{depth} bits: {far}");
            }
        }
    }

    #[test]
    fn a_small_picture_loses_nothing() {
        let format = PixelFormat { depth: 8, chroma: Chroma::C444 };
        let plane = |seed: usize| Plane::U8((0..35).map(|i| (i * seed % 251) as u8).collect());
        let planes = [plane(7), plane(31), plane(77)];
        let picture = Picture::new(format, 7, 5, ColourSpec::SRGB, planes).expect("a picture");
        assert_eq!(Rough::of(&picture).picture(), Some(picture));
    }
}
