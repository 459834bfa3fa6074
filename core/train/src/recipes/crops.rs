//! Windows of clips as networks see them: faces shrunk to their picture, changed in place and colour so that no
//! camera and no framing is learned by heart, and the sound that belongs to them.

use super::rooms::Room;
use crate::TrainError;
use crate::dataset::{Clip, LIPS, PICTURES, Set, Split};
use lipsmith_base::Random;
use lipsmith_nets::mel;
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
    /// Clockwise, radians.
    pub turn: f32,
    /// Above 1 faces become narrower and longer: no two heads have one shape.
    pub slim: f32,
}

impl Framing {
    pub const PLAIN: Framing = Framing { size: 1.0, shift: [0.0; 2], turn: 0.0, slim: 1.0 };

    pub fn random(random: &mut Random) -> Framing {
        Framing {
            size: random.within(0.92, 1.06),
            shift: [random.within(-0.04, 0.04), random.within(-0.04, 0.04)],
            turn: random.within(-0.1, 0.1),
            slim: random.within(0.9, 1.1),
        }
    }

    /// Almost this one: a tracker is never quite steady.
    pub fn shaken(self, random: &mut Random) -> Framing {
        let mut tiny = || random.within(-0.012, 0.012);
        let (size, shift) = (self.size * (1.0 + tiny()), [self.shift[0] + tiny(), self.shift[1] + tiny()]);
        Framing { size, shift, ..self }
    }

    /// From a place in the picture to that in the clip's crop, both in sides from the middle.
    fn source(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.turn.sin_cos();
        let (x, y) = (x * self.size * self.slim, y * self.size / self.slim);
        [x * cos - y * sin + self.shift[0], x * sin + y * cos + self.shift[1]]
    }

    /// The way back from [`source`](Self::source).
    fn target(self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.turn.sin_cos();
        let (x, y) = (x - self.shift[0], y - self.shift[1]);
        let (x, y) = (x * cos + y * sin, y * cos - x * sin);
        [x / (self.size * self.slim), y * self.slim / self.size]
    }
}

/// What camera and light make of all pictures of one person, and what room and microphone of the voice.
pub struct Look {
    mirror: bool,
    /// For each byte of red, green and blue.
    curves: [[f32; 256]; 3],
    /// By how much it is brighter a side further right and down.
    light: [f32; 2],
    /// How far out of focus, in pixels of the crop.
    blur: f32,
    pub room: Room,
}

impl Look {
    pub fn plain() -> Look {
        Look {
            mirror: false,
            curves: [curve(1.0, 1.0, 0.0); 3],
            light: [0.0; 2],
            blur: 0.0,
            room: Room::plain(),
        }
    }

    pub fn random(random: &mut Random) -> Look {
        let mirror = random.unit() < 0.5;
        let gamma = random.within(0.75, 1.35);
        let gain = random.within(0.75, 1.15);
        let lift = random.within(0.0, 0.08);
        let curves =
            [0; 3].map(|_| curve(gamma * random.within(0.95, 1.05), gain * random.within(0.92, 1.08), lift));
        let light = [random.within(-0.5, 0.5), random.within(-0.3, 0.3)];
        // Half of all films are sharp.
        let blur = random.within(-1.0, 1.0).max(0.0);
        Look { mirror, curves, light, blur, room: Room::random(random) }
    }

    /// For networks that are shown where the points of the face lie: mirrored, each would be another's.
    pub fn unmirrored(self) -> Look {
        Look { mirror: false, ..self }
    }

    fn mirrored(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        [if self.mirror { -x } else { x }, y]
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
    let middle = |i: usize| (i as f32 + 0.5) / side as f32 - 0.5;
    // Of each pixel: where it is fetched, in pixels of the crop, and how bright it is there.
    let pixels = rows.flat_map(|y| (0..side).map(move |x| [middle(x), middle(y)]));
    let fetched: Vec<([f32; 2], f32)> = pixels
        .map(|at| {
            let [x, y] = framing.source(look.mirrored(at));
            let light = 1.0 + look.light[0] * x + look.light[1] * y;
            ([x, y].map(|v| (v + 0.5) * from as f32 - 0.5), light)
        })
        .collect();
    for colour in [2, 1, 0] {
        let plane = &face[colour * from * from..(colour + 1) * from * from];
        let curve = &look.curves[colour];
        let sharp = |[x, y]: [f32; 2]| -> f32 {
            // Pixel, next pixel and how far towards it.
            let [(left, right, along), (top, bottom, down)] = [x, y].map(|at| {
                let at = at.clamp(0.0, (from - 1) as f32);
                let first = at as usize;
                (first, (first + 1).min(from - 1), at - first as f32)
            });
            let line = |y: usize| {
                let [a, b] = [left, right].map(|x| curve[plane[y * from + x] as usize]);
                a + (b - a) * along
            };
            let (a, b) = (line(top), line(bottom));
            a + (b - a) * down
        };
        let r = look.blur;
        out.extend(fetched.iter().map(|&([x, y], light)| {
            let value = match r > 0.0 {
                true => {
                    let around = [[x - r, y], [x + r, y], [x, y - r], [x, y + r]];
                    around.map(sharp).iter().sum::<f32>() / 4.0
                }
                false => sharp([x, y]),
            };
            (value * light).clamp(0.0, 1.0)
        }));
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
pub fn placed(point: [f32; 2], clip: &Clip, look: &Look, framing: Framing, side: usize) -> [f32; 2] {
    let at = framing.target(point.map(|v| v / clip.side as f32 - 0.5));
    look.mirrored(at).map(|v| (v + 0.5) * side as f32)
}

/// The pixels between the lips, counted along the rows of a picture that [`picture`] made: those inside the line of the inner
/// lips.
pub fn between_lips(clip: &Clip, frame: usize, look: &Look, framing: Framing, side: usize) -> Vec<usize> {
    const INNER: Range<usize> = 60..68;
    let points = &clip.landmarks()[frame][INNER];
    let line: Vec<_> = points.iter().map(|&point| placed(point, clip, look, framing, side)).collect();
    let crosses = |y: f32, at: usize| -> Option<f32> {
        let ([ax, ay], [bx, by]) = (line[at], line[(at + 1) % line.len()]);
        ((ay <= y) != (by <= y)).then(|| ax + (y - ay) / (by - ay) * (bx - ax))
    };
    let row = |y: usize| {
        let mut ends: Vec<f32> = (0..line.len()).filter_map(|at| crosses(y as f32 + 0.5, at)).collect();
        ends.sort_by(f32::total_cmp);
        let whole = |x: f32| (x - 0.5).ceil().clamp(0.0, side as f32) as usize;
        let runs: Vec<_> = ends.as_chunks().0.iter().map(|&[from, to]| whole(from)..whole(to)).collect();
        runs.into_iter().flatten().map(move |x| y * side + x)
    };
    (0..side).flat_map(row).collect()
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
pub fn sound(clip: &Clip, frame: usize, room: &Room, out: &mut Vec<f32>) {
    room.hear(clip.mel(), mel::start(frame as i64, (PICTURES, 1)) as usize, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{POINTS, Record, Writer};
    use lipsmith_nets::mel::BANDS;
    use std::path::Path;

    /// A point of the face is found where the picture shows it, however it was framed and lit.
    #[test]
    fn points_lie_where_they_are_seen() -> Result<(), TrainError> {
        const SIDE: usize = 64;
        const AT: [usize; 2] = [23, 40];
        let spot = |i: usize| {
            let (x, y) = (i % SIDE, i / SIDE % SIDE);
            if x.abs_diff(AT[0]) < 3 && y.abs_diff(AT[1]) < 3 { 255 } else { 0 }
        };
        // The inner lips run around the spot.
        let around = [[-1, -1], [0, -1], [1, -1], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0]];
        let landmarks: [_; POINTS] = std::array::from_fn(|i| {
            let away = i.checked_sub(60).map_or([0, 0], |i| around[i]);
            [0, 1].map(|axis| AT[axis] as f32 + 0.5 + 2.5 * away[axis] as f32)
        });
        let folder = tempfile::tempdir().map_err(TrainError::file("make", Path::new("a folder")))?;
        let mut writer = Writer::open(folder.path(), SIDE)?;
        writer.push(Record {
            name: "spot".into(),
            person: 1,
            split: Split::Train,
            faces: (0..3 * SIDE * SIDE).map(spot).collect(),
            mel: vec![0.0; (1 + 640 / 200) * BANDS],
            landmarks: vec![landmarks],
            sound: vec![0; 640],
        })?;
        writer.finish()?;
        let set = Set::open(folder.path())?;
        let clip = &set.clips()[0];
        let mut random = Random::new(3);
        random.unit();
        for _ in 0..20 {
            let (look, framing) = (Look::random(&mut random), Framing::random(&mut random));
            let mut planes = Vec::new();
            picture(clip, 0, &look, framing, 96, 0..96, &mut planes);
            let green = &planes[96 * 96..2 * 96 * 96];
            let ground = green.iter().copied().fold(1.0, f32::min);
            let bright: Vec<usize> = (0..96 * 96).filter(|&i| green[i] > ground + 0.3).collect();
            let middle = |of: fn(usize) -> usize| {
                bright.iter().map(|&i| of(i) as f32).sum::<f32>() / bright.len() as f32 + 0.5
            };
            let seen = [middle(|i| i % 96), middle(|i| i / 96)];
            let said = placed(clip.landmarks()[0][0], clip, &look, framing, 96);
            let apart = (seen[0] - said[0]).hypot(seen[1] - said[1]);
            assert!(apart < 0.6, "seen at {seen:?}, said to be at {said:?}");
            let between = between_lips(clip, 0, &look, framing, 96);
            let both = between.iter().filter(|&i| bright.contains(i)).count();
            let either = between.len() + bright.len() - both;
            assert!(both * 10 > either * 7, "{both} of {either} pixels are both bright and between the lips");
        }
        Ok(())
    }
}
