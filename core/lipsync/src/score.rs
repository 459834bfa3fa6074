//! LSE-D, LSE-C and the offset between picture and sound ("Out of Time", Chung & Zisserman 2016; "A Lip Sync Expert
//! Is All You Need", Prajwal et al. 2020; the procedure of repository joonson/syncnet_python): how far the points of
//! picture windows are from those of sound windows, the sound shifted by up to 15 pictures either way.

use serde::Serialize;

/// Pictures by which the sound is shifted either way.
pub const REACH: usize = 15;
/// Pictures a second of everything in here.
pub const RATE: i64 = 25;

const SHIFTS: usize = 2 * REACH + 1;
/// Torch's pairwise distance adds this to every difference.
const EPS: f64 = 1e-6;
/// Of the median that smooths the confidence picture by picture.
const SMOOTHED: usize = 9;

/// How well a stretch of film is in sync.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SyncScore {
    /// Pictures at 25 a second by which the sound is late; negative when it is early. The published script prints
    /// the negative of it.
    pub offset_frames: i64,
    pub offset_ms: i64,
    /// Distance at the best shift; lower is better.
    pub lse_d: f64,
    /// Its median over all shifts less its least; higher is better.
    pub lse_c: f64,
    /// Windows of five pictures it was measured over.
    pub windows: usize,
}

/// Distances by shift, summed over windows: what stretches add up to a film with.
#[derive(Clone, Debug, PartialEq)]
pub struct Distances {
    /// A row a window: `[w][k]` with the sound of `k - 15` pictures later.
    rows: Vec<[f32; SHIFTS]>,
    sums: [f64; SHIFTS],
    windows: usize,
}

impl Distances {
    pub fn none() -> Distances {
        Distances { rows: Vec::new(), sums: [0.0; SHIFTS], windows: 0 }
    }

    /// `pictures` and `sounds`: a point a window, a window a picture, of equal width; what one has more than the
    /// other does not count. Beyond its ends the sound is zero.
    pub fn between(pictures: &[Vec<f32>], sounds: &[Vec<f32>]) -> Distances {
        let windows = pictures.len().min(sounds.len());
        let (pictures, sounds) = (&pictures[..windows], &sounds[..windows]);
        let silence = vec![0.0; sounds.first().map_or(0, Vec::len)];
        let row = |(window, picture): (usize, &Vec<f32>)| {
            std::array::from_fn(|k| {
                let sound = (window + k).checked_sub(REACH).and_then(|at| sounds.get(at)).unwrap_or(&silence);
                distance(picture, sound)
            })
        };
        let rows: Vec<[f32; SHIFTS]> = pictures.iter().enumerate().map(row).collect();
        let sums = std::array::from_fn(|k| rows.iter().map(|row| f64::from(row[k])).sum());
        Distances { rows, sums, windows }
    }

    /// Takes in those of another stretch, without its course picture by picture.
    pub fn add(&mut self, other: &Distances) {
        self.rows.clear();
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
        self.windows += other.windows;
    }

    /// Mean over the windows by shift, from the sound 15 pictures early to as many late.
    pub fn curve(&self) -> [f64; SHIFTS] {
        self.sums.map(|sum| sum / self.windows.max(1) as f64)
    }

    /// `None` without windows.
    pub fn score(&self) -> Option<SyncScore> {
        let curve = self.curve();
        let (best, least) = self.best(&curve)?;
        let offset_frames = best as i64 - REACH as i64;
        Some(SyncScore {
            offset_frames,
            offset_ms: offset_frames * 1000 / RATE,
            lse_d: least,
            lse_c: median(&curve) - least,
            windows: self.windows,
        })
    }

    /// How sure each window is of the stretch's offset, smoothed over nine; low where the mouth does not fit. Empty
    /// for stretches that were added up.
    pub fn course(&self) -> Vec<f64> {
        let curve = self.curve();
        let Some((best, _)) = self.best(&curve) else { return Vec::new() };
        let middle = median(&curve);
        let raw: Vec<f64> = self.rows.iter().map(|row| middle - f64::from(row[best])).collect();
        let around = |at: usize| -> [f64; SMOOTHED] {
            // Zero beyond the ends, as scipy's median filter has it.
            std::array::from_fn(|i| {
                (at + i).checked_sub(SMOOTHED / 2).and_then(|i| raw.get(i)).copied().unwrap_or(0.0)
            })
        };
        (0..raw.len()).map(|at| median(&around(at))).collect()
    }

    /// How much nearer each window's sound is, where it lies, than sounds that do not belong to it: 0 is no nearer, 1 is
    /// the same point. Smoothed over nine; empty for stretches that were added up. Other than
    /// [`course`](Self::course), it does not forgive a shift of the whole: as much nearer as another shift would be, as much
    /// worse is every window.
    pub fn fit(&self) -> Vec<f32> {
        let curve = self.curve();
        let middle = median(&curve).max(f64::MIN_POSITIVE);
        let shifted = self.best(&curve).map_or(0.0, |(_, least)| curve[REACH] - least);
        let raw: Vec<f64> =
            self.rows.iter().map(|row| 1.0 - (f64::from(row[REACH]) + shifted) / middle).collect();
        let around = |at: usize| -> [f64; SMOOTHED] {
            std::array::from_fn(|i| raw[(at + i).saturating_sub(SMOOTHED / 2).min(raw.len() - 1)])
        };
        (0..raw.len()).map(|at| median(&around(at)).clamp(0.0, 1.0) as f32).collect()
    }

    fn best(&self, curve: &[f64; SHIFTS]) -> Option<(usize, f64)> {
        let least = curve.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        least.filter(|_| self.windows > 0)
    }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b) + EPS).powi(2));
    squares.sum::<f64>().sqrt() as f32
}

/// Of an odd number of values.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points that differ from window to window.
    fn points(count: usize) -> Vec<Vec<f32>> {
        let value = |window: usize, i: usize| ((window * 37 + i * 101) as f32 * 0.7).sin();
        (0..count).map(|window| (0..16).map(|i| value(window, i)).collect()).collect()
    }

    #[test]
    fn every_shift_within_reach_is_found() {
        let all = points(120);
        let pictures = &all[20..100];
        for late in -(REACH as i64)..=REACH as i64 {
            // What is seen in window w is heard in window w + late.
            let sounds = &all[(20 - late) as usize..(100 - late) as usize];
            let score = Distances::between(pictures, sounds).score().expect("windows");
            assert_eq!(score.offset_frames, late);
            assert_eq!(score.offset_ms, 40 * late);
        }
    }

    #[test]
    fn the_fit_is_low_where_another_sound_lies() {
        let pictures = points(90);
        let mut sounds = pictures.clone();
        sounds[40..60].iter_mut().for_each(|point| point.iter_mut().for_each(|v| *v = -*v));
        let fit = Distances::between(&pictures, &sounds).fit();
        assert_eq!(fit.len(), 90);
        assert!(fit[..36].iter().chain(&fit[64..]).all(|fit| *fit > 0.9), "{fit:?}");
        assert!(fit[44..56].iter().all(|fit| *fit < 0.1), "{fit:?}");
        // As a whole it is in time for the eye of the script, but every window is three off here.
        let late = Distances::between(&pictures[3..], &pictures[..87]);
        assert!(late.fit().iter().all(|fit| *fit < 0.5) && late.course().iter().all(|sure| *sure > 0.0));
        assert!(Distances::none().fit().is_empty());
    }

    #[test]
    fn stretches_add_up_to_their_film() {
        let all = points(90);
        let (pictures, sounds) = (&all[3..83], &all[..80]);
        let whole = Distances::between(pictures, sounds);
        let mut sum = Distances::none();
        assert!(sum.score().is_none() && sum.course().is_empty());
        for part in [0..40, 40..80] {
            sum.add(&Distances::between(&pictures[part.clone()], &sounds[part]));
        }
        let (sum, whole) = (sum.score().expect("windows"), whole.score().expect("windows"));
        // What is seen in a window is heard three later.
        assert_eq!((sum.offset_frames, sum.windows), (3, 80));
        assert_eq!(sum.offset_frames, whole.offset_frames);
    }
}
