//! Windows of clips as networks see them: faces shrunk to their picture, changed in place and colour so that no
//! camera and no framing is learned by heart, and the sound that belongs to them.

use crate::TrainError;
use crate::dataset::{Clip, LIPS, PICTURES, Set, Split};
use lipsmith_base::Random;
use lipsmith_nets::mel::{self, BANDS, WINDOW};
use std::ops::Range;

/// The clips of one part of a set that are long enough, each as likely as it is long.
pub struct Clips {
    clips: Vec<Clip>,
    /// Windows in all clips up to each.
    windows: Vec<usize>,
    /// Pictures of a window.
    length: usize,
}

impl Clips {
    /// # Errors
    /// No clip of that part is longer than a window.
    pub fn of(set: &Set, split: Split, length: usize) -> Result<Clips, TrainError> {
        Self::those(set, split, length, |_| true)
    }

    /// Those of [`Clips::of`] of which all points of the faces are known, not their boxes alone.
    pub fn with_points(set: &Set, split: Split, length: usize) -> Result<Clips, TrainError> {
        Self::those(set, split, length, Clip::has_points)
    }

    fn those(
        set: &Set,
        split: Split,
        length: usize,
        wanted: impl Fn(&Clip) -> bool,
    ) -> Result<Clips, TrainError> {
        // One picture more: a reference, or another time, is needed beside the window.
        let long = set.split(split).filter(|clip| clip.frames > 2 * length);
        let clips: Vec<Clip> = long.filter(|clip| wanted(clip)).cloned().collect();
        let mut all = 0;
        let counted = clips.iter().map(|clip| {
            all += clip.frames - length + 1;
            all
        });
        let windows: Vec<usize> = counted.collect();
        if clips.is_empty() {
            return Err(TrainError::TooFewClips { split: format!("{split:?}").to_lowercase(), length });
        }
        Ok(Clips { clips, windows, length })
    }

    /// A clip and the first picture of a window in it.
    pub fn pick(&self, random: &mut Random) -> (&Clip, usize) {
        let wanted = random.unit() * self.windows.last().copied().unwrap_or(0) as f32;
        let index = self.windows.partition_point(|&end| end as f32 <= wanted).min(self.clips.len() - 1);
        let clip = &self.clips[index];
        (clip, below(random, clip.frames - self.length + 1))
    }

    /// `count` windows, the same in every examination, spread over the clips.
    pub fn fixed(&self, count: usize) -> Vec<(&Clip, usize)> {
        let mut random = Random::new(0x5eed);
        let each = (0..count).map(|i| &self.clips[i * self.clips.len() / count.max(1) % self.clips.len()]);
        each.map(|clip| (clip, below(&mut random, clip.frames - self.length + 1))).collect()
    }
}

/// 0..`end`.
pub fn below(random: &mut Random, end: usize) -> usize {
    ((random.unit() * end as f32) as usize).min(end.saturating_sub(1))
}

/// A stream of its own for each item of each step.
pub fn stream(seed: u64, step: u64, item: usize) -> Random {
    let mut random = Random::new(seed ^ step.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ ((item as u64) << 48));
    // Neighbouring seeds differ in few bits; the first number mixes them.
    random.unit();
    random
}

/// Where a picture is cut, relative to the clip's own crop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// Of the crop's side; below 1 is closer.
    pub size: f32,
    /// In parts of the crop's side.
    pub shift: [f32; 2],
}

impl Framing {
    pub const PLAIN: Framing = Framing { size: 1.0, shift: [0.0; 2] };

    pub fn random(random: &mut Random) -> Framing {
        Framing {
            size: random.within(0.92, 1.06),
            shift: [random.within(-0.04, 0.04), random.within(-0.04, 0.04)],
        }
    }

    /// Almost this one: a tracker is never quite steady.
    pub fn shaken(self, random: &mut Random) -> Framing {
        let mut tiny = || random.within(-0.012, 0.012);
        let (size, shift) = (self.size * (1.0 + tiny()), [self.shift[0] + tiny(), self.shift[1] + tiny()]);
        Framing { size, shift }
    }
}

/// What camera and light make of all pictures of one person: mirrored or not, a curve for each colour.
pub struct Look {
    mirror: bool,
    /// For each byte of red, green and blue.
    curves: [[f32; 256]; 3],
}

impl Look {
    pub fn plain() -> Look {
        Look { mirror: false, curves: [curve(1.0, 1.0, 0.0); 3] }
    }

    pub fn random(random: &mut Random) -> Look {
        let mirror = random.unit() < 0.5;
        let gamma = random.within(0.75, 1.35);
        let gain = random.within(0.75, 1.15);
        let lift = random.within(0.0, 0.08);
        let curves =
            [0; 3].map(|_| curve(gamma * random.within(0.95, 1.05), gain * random.within(0.92, 1.08), lift));
        Look { mirror, curves }
    }

    /// For networks that are shown where the points of the face lie: mirrored, each would be another's.
    pub fn unmirrored(self) -> Look {
        Look { mirror: false, ..self }
    }
}

fn curve(gamma: f32, gain: f32, lift: f32) -> [f32; 256] {
    std::array::from_fn(|byte| {
        ((byte as f32 / 255.0).powf(gamma) * gain * (1.0 - lift) + lift).clamp(0.0, 1.0)
    })
}

/// Rows `rows` of a `side`×`side` picture of a frame, appended as blue, green and red planes in 0..=1.
pub fn picture(
    clip: &Clip,
    frame: usize,
    look: &Look,
    framing: Framing,
    side: usize,
    rows: Range<usize>,
    out: &mut Vec<f32>,
) {
    let face = clip.face(frame);
    let from = clip.side;
    // Bilinear: pixel, next pixel and how far towards it, along one side of the crop.
    let taps = |positions: Range<usize>, shift: f32, mirror: bool| -> Vec<(usize, usize, f32)> {
        let tap = |i: usize| {
            let at = (i as f32 + 0.5) / side as f32 - 0.5;
            let at = (if mirror { -at } else { at }) * framing.size + shift + 0.5;
            let at = (at * from as f32 - 0.5).clamp(0.0, (from - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(from - 1), at - first as f32)
        };
        positions.map(tap).collect()
    };
    let columns = taps(0..side, framing.shift[0], look.mirror);
    let lines = taps(rows, framing.shift[1], false);
    for colour in [2, 1, 0] {
        let plane = &face[colour * from * from..(colour + 1) * from * from];
        let curve = &look.curves[colour];
        for &(top, bottom, down) in &lines {
            let (upper, lower) =
                (&plane[top * from..(top + 1) * from], &plane[bottom * from..(bottom + 1) * from]);
            out.extend(columns.iter().map(|&(left, right, along)| {
                let mixed = |line: &[u8]| {
                    let (a, b) = (curve[line[left] as usize], curve[line[right] as usize]);
                    a + (b - a) * along
                };
                let (a, b) = (mixed(upper), mixed(lower));
                a + (b - a) * down
            }));
        }
    }
}

/// A picture as red, green and blue planes in [-1, 1], appended.
pub fn signed(clip: &Clip, frame: usize, look: &Look, framing: Framing, side: usize, out: &mut Vec<f32>) {
    let begin = out.len();
    picture(clip, frame, look, framing, side, 0..side, out);
    let planes = &mut out[begin..];
    planes.iter_mut().for_each(|v| *v = 2.0 * *v - 1.0);
    // Blue comes first.
    let (blue, rest) = planes.split_at_mut(side * side);
    blue.swap_with_slice(&mut rest[side * side..]);
}

/// The box of the lips and of the skin around them, which moves with them, in a picture that [`picture`] made,
/// `[x0, y0, x1, y1]` in its pixels.
pub fn mouth(clip: &Clip, frame: usize, look: &Look, framing: Framing, side: usize) -> [usize; 4] {
    let reach = lips(clip, frame, look, framing, side);
    widened(reach, 0.2 * (reach[2] - reach[0]).max(0.0), side)
}

/// Where a point of a clip's picture lies in one that [`picture`] made, in its pixels.
pub fn placed([x, y]: [f32; 2], clip: &Clip, look: &Look, framing: Framing, side: usize) -> [f32; 2] {
    let at = |v: f32, shift: f32| (v / clip.side as f32 - 0.5 - shift) / framing.size;
    let x = at(x, framing.shift[0]) * if look.mirror { -1.0 } else { 1.0 };
    [x, at(y, framing.shift[1])].map(|v| (v + 0.5) * side as f32)
}

/// The box of the lips alone.
pub fn lips(clip: &Clip, frame: usize, look: &Look, framing: Framing, side: usize) -> [f32; 4] {
    clip.landmarks()[frame][LIPS..].iter().fold([f32::MAX, f32::MAX, f32::MIN, f32::MIN], |reach, &point| {
        let [x, y] = placed(point, clip, look, framing, side);
        [reach[0].min(x), reach[1].min(y), reach[2].max(x), reach[3].max(y)]
    })
}

/// A box with `room` on all sides, within the picture.
pub fn widened(reach: [f32; 4], room: f32, side: usize) -> [usize; 4] {
    let whole = |v: f32| v.clamp(0.0, side as f32) as usize;
    [whole(reach[0] - room), whole(reach[1] - room), whole(reach[2] + room), whole(reach[3] + room)]
}

/// What each pixel of a `side`×`side` picture counts: `inside` in a box, else `outside`; appended.
pub fn count([x0, y0, x1, y1]: [usize; 4], side: usize, inside: f32, outside: f32, out: &mut Vec<f32>) {
    let is_inside = |i: usize| (x0..x1).contains(&(i % side)) && (y0..y1).contains(&(i / side));
    out.extend((0..side * side).map(|i| if is_inside(i) { inside } else { outside }));
}

/// The 0.2 s of sound that begin at a picture, appended as `[80, 16]`; silent beyond the clip.
pub fn sound(clip: &Clip, frame: usize, out: &mut Vec<f32>) {
    const SILENCE: f32 = -4.0;
    let start = mel::start(frame as i64, (PICTURES, 1)) as usize;
    let heard = clip.mel();
    for band in 0..BANDS {
        out.extend((start..start + WINDOW).map(|i| heard.get(i).map_or(SILENCE, |bands| bands[band])));
    }
}
