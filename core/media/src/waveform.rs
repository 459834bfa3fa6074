//! What a waveform is drawn from: the lowest and highest sample of every stretch of sound, in levels each four times
//! coarser than the one below, so that drawing costs the same at every zoom.

use lipsmith_base::{Time, TimeRange};

/// Sample frames in a stretch of the finest level.
const FINEST: i64 = 256;
/// Stretches that become one on the next level.
const FACTOR: usize = 4;

/// Lowest and highest sample of a stretch, all channels together, in 1/127 of full scale.
type Extent = [i8; 2];

#[derive(Clone, Debug, PartialEq)]
pub struct Peaks {
    /// Sample frames per second.
    rate: u32,
    /// Finest first; the last has one stretch.
    levels: Vec<Vec<Extent>>,
}

impl Peaks {
    /// From the extents of consecutive stretches of 256 sample frames.
    pub fn new(rate: u32, finest: Vec<Extent>) -> Peaks {
        let mut levels = vec![finest];
        while let Some(last) = levels.last().filter(|level| level.len() > 1) {
            let coarser = last.chunks(FACTOR).map(|some| some.iter().copied().fold([0, 0], join)).collect();
            levels.push(coarser);
        }
        Peaks { rate, levels }
    }

    /// `columns` equal parts of `range` (media time): lowest and highest sample of each, -1..=1. Outside the sound
    /// it is silent.
    pub fn columns(&self, range: TimeRange, columns: usize) -> Vec<[f32; 2]> {
        let at = |column: usize| {
            let offset = i128::from(range.duration().0) * column as i128 / columns.max(1) as i128;
            Time(range.start().0 + offset as i64).floor_units(i64::from(self.rate))
        };
        let stretch = (at(1) - at(0)).max(1);
        let mut level = 0;
        let mut size = FINEST;
        while level + 1 < self.levels.len() && size * FACTOR as i64 <= stretch {
            (level, size) = (level + 1, size * FACTOR as i64);
        }
        let extents = &self.levels[level];
        // The last stretch of a coarse level reaches beyond it.
        let end = self.finest().len() as i64 * FINEST;
        (0..columns)
            .map(|column| {
                if at(column) >= end {
                    return [0.0, 0.0];
                }
                let first = at(column).div_euclid(size).clamp(0, extents.len() as i64) as usize;
                let last = (at(column + 1) - 1).div_euclid(size) + 1;
                let last = last.clamp(first as i64, extents.len() as i64) as usize;
                let extent = extents[first..last].iter().copied().fold([0, 0], join);
                extent.map(|v| f32::from(v) / 127.0)
            })
            .collect()
    }

    /// The finest level.
    pub fn finest(&self) -> &[Extent] {
        &self.levels[0]
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }
}

fn join(a: Extent, b: Extent) -> Extent {
    [a[0].min(b[0]), a[1].max(b[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zoom_shows_the_same_peak() {
        let mut finest = vec![[-1, 1]; 10_000];
        finest[7_777] = [-100, 90];
        let peaks = Peaks::new(48_000, finest);
        let whole = TimeRange::new(Time::ZERO, Time::from_units(10_000 * FINEST, 48_000));
        for columns in [1, 10, 333, 10_000] {
            let drawn = peaks.columns(whole, columns);
            assert_eq!(drawn.len(), columns);
            let low = drawn.iter().map(|c| c[0]).fold(0.0, f32::min);
            let high = drawn.iter().map(|c| c[1]).fold(0.0, f32::max);
            assert_eq!([low, high], [-100.0 / 127.0, 90.0 / 127.0], "{columns} columns");
        }
        let outside = TimeRange::new(whole.end(), whole.end() + whole.end());
        assert!(peaks.columns(outside, 7).iter().all(|c| *c == [0.0, 0.0]));
    }
}
