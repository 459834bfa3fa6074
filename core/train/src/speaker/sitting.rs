//! One person sitting for a training set: who it is, what is said in which room, how the head is held, and the
//! face's window of every frame with the truth in its pixels. All follows from a seed, but for the breath in
//! espeak-ng's voices, which is never the same twice.

use super::bake::Baked;
use super::close_up::close_up;
use super::film::{Film, Shot};
use super::flite;
use super::head::Figure;
use super::lens::Lens;
use super::look::Look;
use super::math::{Vec3, bell, mix3, noise, smoothstep, v3};
use super::render::Camera;
use super::room::{Room, at_rate, resized};
use super::voice::{Speech, Voice, speak};
use super::words::Talker;
use crate::TrainError;
use lipsmith_base::Random;
use lipsmith_base::{FrameRate, Point, Rect, Time};

/// Pictures a second.
const RATE: u32 = crate::dataset::PICTURES;
/// Samples a second of what is recorded.
pub const SOUND_RATE: u32 = 16_000;

pub struct Sitting {
    film: Film,
    baked: Baked,
    camera: Camera,
    lens: Lens,
    backdrop: Backdrop,
    sound: Vec<f32>,
    side: usize,
    /// On the camera's plane, one a frame.
    landmarks: Vec<[Point; 68]>,
    windows: Vec<Rect>,
}

/// A frame's window: `3 × side × side` bytes, and the landmarks in its pixels.
pub struct Portrait {
    pub face: Vec<u8>,
    pub landmarks: [Point; 68],
}

impl Sitting {
    /// `frames` pictures of somebody, `side` pixels wide, who speaks by flite with this likelihood, else by espeak-ng.
    ///
    /// # Errors
    /// When espeak-ng, or flite where that is wanted, is not installed.
    pub fn new(seed: u64, frames: usize, side: usize, flite: f32) -> Result<Sitting, TrainError> {
        let mut r = Random::new(seed ^ 0x5177_1e55);
        let length = Time::from_units(frames as i64, i64::from(RATE));
        let speech = speech(&mut r, length, flite)?;
        let lean = |r: &mut Random, most: f32| {
            let lean = r.within(-1.0, 1.0);
            most * lean * lean.abs()
        };
        let mut look = Look::random(seed);
        expose(&mut look, r.within(0.8, 1.2));
        let shot = Shot {
            width: side,
            height: side,
            rate: FrameRate::FPS_25,
            seed,
            liveliness: r.within(0.2, 1.9),
            effort: r.within(0.65, 1.45),
            bearing: [lean(&mut r, 0.7), lean(&mut r, 0.25), lean(&mut r, 0.28)],
            look,
        };
        let room = Room::random(&mut r);
        let film = Film::new(shot, &speech);
        let sound = room.record(&at_rate(film.audio(), SOUND_RATE), SOUND_RATE, &mut r);
        let camera = Camera::plane(r.within(60.0, 220.0));
        let (lens, backdrop) = (Lens::random(&mut r, side), Backdrop::random(&mut r));
        let baked = Baked::new(&film.shot().look);
        let mut sitting = Sitting {
            film,
            baked,
            camera,
            lens,
            backdrop,
            sound,
            side,
            landmarks: Vec::with_capacity(frames),
            windows: Vec::new(),
        };
        let framing = Framing::random(&mut r, sitting.film.shot().bearing[0]);
        let mut boxes = Vec::with_capacity(frames);
        for frame in 0..frames {
            let (figure, _) = sitting.film.figure(frame as u64);
            let figure = figure.with(&sitting.baked);
            let points = figure.landmarks().map(|p| sitting.camera.project(p));
            boxes.push(framing.face(&points, &figure, &sitting.camera));
            sitting.landmarks.push(points);
        }
        sitting.windows = framing.windows(&boxes);
        Ok(sitting)
    }

    pub fn frames(&self) -> usize {
        self.windows.len()
    }
    pub fn look(&self) -> &Look {
        &self.film.shot().look
    }
    /// One channel, [`SOUND_RATE`], as long as the frames.
    pub fn sound(&self) -> &[f32] {
        &self.sound
    }

    pub fn landmarks(&self, frame: usize) -> [Point; 68] {
        let (window, side) = (self.windows[frame], self.side as f32);
        self.landmarks[frame].map(|p| {
            Point::new((p.x - window.x0) / window.width() * side, (p.y - window.y0) / window.height() * side)
        })
    }

    /// `frame` below [`Sitting::frames`].
    pub fn portrait(&self, frame: usize) -> Portrait {
        let (figure, _) = self.film.figure(frame as u64);
        let window = self.windows[frame];
        let behind = |u: f32, v: f32| {
            let at = window.centre();
            self.backdrop.light(at.x + u * window.width(), v * window.height() - at.y)
        };
        let camera = self.camera.window(window, self.side);
        let light = close_up(&figure.with(&self.baked), &camera, &behind);
        let seed = self.film.shot().seed ^ (frame as u64).wrapping_mul(0x9e37_79b9);
        Portrait { face: self.lens.take(&light, self.side, seed), landmarks: self.landmarks(frame) }
    }
}

/// As a camera does it: a fair face gets less light and a dark one more, though not so much that they look alike.
fn expose(look: &mut Look, by: f32) {
    let [red, green, blue] = look.skin;
    let skin = 0.3 * red + 0.6 * green + 0.1 * blue;
    let light = 0.55 * look.key_strength * (1.0 + 0.5 * look.fill) + 0.2 * look.room[1];
    let factor = by * (0.22 / (skin * light)).powf(0.65).clamp(0.4, 1.8);
    look.key_strength *= factor;
    look.room = look.room.map(|c| c * factor);
}

/// Somebody talking for `length`, with pauses.
fn speech(r: &mut Random, length: Time, flite: f32) -> Result<Speech, TrainError> {
    let talker = Talker::random(r, flite);
    let voice = Voice {
        name: talker.voice.clone(),
        rate: r.within(110.0, 230.0) as u32,
        pitch: r.within(15.0, 85.0) as u32,
        range: r.within(20.0, 90.0) as u32,
    };
    // A throat longer or shorter than the voice's by a sixth.
    let throat = r.within(0.86, 1.17);
    let mut speech = Speech::default();
    while speech.audio.duration() < length {
        let speak = if talker.flite { flite::speak } else { speak };
        let said = match speak(&talker.next(r), &voice) {
            // A voice that this installation lacks, or words that a language cannot say: in plain English then.
            Err(TrainError::NoVoice { .. } | TrainError::Silent { .. } | TrainError::Unspeakable { .. }) => {
                let name = if talker.flite { voice.name.clone() } else { "en".into() };
                speak(&talker.next(r), &Voice { name, ..voice.clone() })?
            }
            said => said?,
        };
        let pause = Time::from_units((r.unit() * r.unit() * 1200.0) as i64, 1000);
        let rate = said.audio.rate;
        speech = speech.then(Speech::silence(rate, pause)).then(resized(said, throat));
    }
    let samples = length.round_units(i64::from(speech.audio.rate)).max(0) as usize;
    speech.audio.samples.truncate(samples);
    Ok(speech)
}

/// How the face's box is drawn: as the mesh does it, round all its points, or as the cascade does it, a square
/// that hangs on the eyes. Clips differ in size and place by a little, and the box lags and trembles.
struct Framing {
    cascade: bool,
    grow: [f32; 2],
    shift: [f32; 2],
    tremble: f32,
    seed: f32,
}

/// Room below the box, in parts of its height: what the recipes of Wav2Lip's kind leave.
const BELOW: f32 = 10.0 / 200.0;

impl Framing {
    /// `yaw` is the head's on average: the cascade knows faces from the front only.
    fn random(r: &mut Random, yaw: f32) -> Framing {
        Framing {
            cascade: r.unit() < 0.3 && yaw.abs() < 0.25,
            grow: [r.within(0.95, 1.06), r.within(0.95, 1.06)],
            shift: [r.within(-0.03, 0.03), r.within(-0.03, 0.03)],
            tremble: r.within(0.0, 0.006),
            seed: r.within(0.0, 100.0),
        }
    }

    fn face(&self, points: &[Point; 68], figure: &Figure, camera: &Camera) -> Rect {
        if self.cascade {
            let mean = |range: std::ops::Range<usize>| {
                let n = range.len() as f32;
                let sum = points[range].iter().fold((0.0, 0.0), |s, p| (s.0 + p.x, s.1 + p.y));
                Point::new(sum.0 / n, sum.1 / n)
            };
            let (left, right) = (mean(36..42), mean(42..48));
            // As `face::frame` has measured it: eyes 0.40 of the width apart, 0.35 below the top.
            let width = left.distance(right) / figure.pose.yaw.cos().max(0.5) / 0.40;
            let middle = left.lerp(right, 0.5);
            let nose = points[30];
            let (x, y) = (0.5 * (middle.x + nose.x) - width / 2.0, middle.y - 0.35 * width);
            return Rect::new(x, y, x + width, y + width);
        }
        // The mesh goes up to the forehead's upper edge and out to the ears.
        let oval = [(0.0, 5.5, 8.8), (3.2, 5.0, 8.1), (5.6, 3.4, 6.0), (6.9, 1.0, 2.6)];
        let oval = oval.iter().flat_map(|&(x, y, z)| [v3(x, y, z), v3(-x, y, z)]);
        let oval = oval.map(|p| camera.project(figure.to_world(p)));
        Rect::around(points.iter().copied().chain(oval)).unwrap_or_default()
    }

    /// The boxes followed smoothly, as tracks are, and grown to windows.
    fn windows(&self, boxes: &[Rect]) -> Vec<Rect> {
        (0..boxes.len())
            .map(|i| {
                let (mut sum, mut total) = ([0.0; 4], 0.0);
                for k in -3..=3i32 {
                    let at = (i as i32 + k).clamp(0, boxes.len() as i32 - 1) as usize;
                    let weight = 4.0 - k.abs() as f32;
                    let Rect { x0, y0, x1, y1 } = boxes[at];
                    sum.iter_mut().zip([x0, y0, x1, y1]).for_each(|(s, v)| *s += weight * v);
                    total += weight;
                }
                let [x0, y0, x1, y1] = sum.map(|s| s / total);
                let (w, h) = (x1 - x0, y1 - y0);
                let wobble = |channel: f32| self.tremble * noise(v3(i as f32 * 0.8, channel, self.seed));
                let x = (x0 + x1) / 2.0 + w * (self.shift[0] + wobble(0.0));
                let y = (y0 + y1) / 2.0 + h * (self.shift[1] + wobble(7.0));
                let (w, h) = (w * (self.grow[0] + wobble(14.0)), h * (self.grow[1] + wobble(21.0)));
                Rect::new(x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0 + h * BELOW)
            })
            .collect()
    }
}

/// A room out of focus behind the head: light falling off, patches of colour, a bright edge.
struct Backdrop {
    colours: [Vec3; 3],
    /// Patches a centimetre, and how sharp they are.
    scale: f32,
    sharp: f32,
    window: f32,
    seed: f32,
}

impl Backdrop {
    fn random(r: &mut Random) -> Backdrop {
        let mut colour = || {
            let level = r.unit() * r.unit() * 0.8 + 0.01;
            Vec3::from([0; 3].map(|_| level * r.within(0.6, 1.4)))
        };
        Backdrop {
            colours: [colour(), colour(), colour()],
            scale: r.within(0.03, 0.35),
            sharp: r.within(0.05, 1.0),
            window: r.within(-40.0, 40.0),
            seed: r.within(0.0, 100.0),
        }
    }

    /// Centimetres on the camera's plane, right and up.
    fn light(&self, x: f32, y: f32) -> Vec3 {
        let patch = noise(v3(x * self.scale, y * self.scale, self.seed));
        let patch = smoothstep(-self.sharp, self.sharp, patch);
        let wall = mix3(self.colours[0], self.colours[1], patch);
        mix3(wall, self.colours[2], bell(x - self.window, 9.0)) * (1.0 + 0.01 * y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sitting(seed: u64, frames: usize) -> Option<Sitting> {
        match Sitting::new(seed, frames, 64, 0.0) {
            Ok(sitting) => Some(sitting),
            Err(error @ (TrainError::NoSpeechLibrary { .. } | TrainError::NoSpeechData { .. })) => {
                println!("SKIPPED: a sitting needs a voice: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_seed_is_a_sitting() {
        let (Some(one), Some(again), Some(other)) = (sitting(5, 4), sitting(5, 4), sitting(6, 4)) else {
            return;
        };
        assert_eq!((one.look(), one.sound().len()), (again.look(), 4 * 640));
        assert_ne!(one.look(), other.look());
        let apart = |a: &Sitting, b: &Sitting| -> f32 {
            a.landmarks(2).iter().zip(b.landmarks(2)).map(|(a, b)| a.distance(b)).fold(0.0, f32::max)
        };
        assert!(apart(&one, &again) < 0.5 && apart(&one, &other) > 1.0);
        assert_eq!(one.portrait(2).face, one.portrait(2).face);
        assert_ne!(one.portrait(2).face, one.portrait(3).face);
    }

    #[test]
    fn faces_fill_their_windows_as_the_recipes_cut_them() {
        for seed in 0..12 {
            let Some(sitting) = sitting(seed, 2) else { return };
            let l = sitting.landmarks(1);
            let mean = |r: std::ops::Range<usize>| {
                let n = r.len() as f32;
                l[r].iter().fold((0.0, 0.0), |s, p| (s.0 + p.x / n / 64.0, s.1 + p.y / n / 64.0))
            };
            let (eyes, mouth) = (mean(36..48), mean(48..68));
            assert!((0.25..0.45).contains(&eyes.1), "{seed}: eyes at {eyes:?}");
            assert!((0.62..0.85).contains(&mouth.1), "{seed}: mouth at {mouth:?}");
            let chin = l[8].y / 64.0;
            assert!((0.80..1.02).contains(&chin), "{seed}: chin at {chin}");
        }
    }

    /// The truth is where the picture shows it: the lips' contour divides what is red from what is not.
    #[test]
    fn landmarks_lie_on_the_lips_that_are_seen() {
        let mut agreed = 0;
        for seed in 0..12 {
            let Some(mut sitting) = sitting(seed, 1) else { return };
            let look = Look { lips: [0.02, 0.02, 0.6], skin: [0.5; 3], ..Look::random(seed) };
            let look = Look { beard: 0.0, moustache: 0.0, goatee: 0.0, glasses: None, ..look };
            sitting.film = Film::new(
                Shot { look, ..sitting.film.shot().clone() },
                &Speech::silence(16_000, Time::from_units(1, 25)),
            );
            sitting.baked = Baked::new(&sitting.film.shot().look);
            sitting.lens = Lens::clear(64);
            let face = sitting.portrait(0).face;
            let l = sitting.landmarks(0);
            let blueness = |x: f32, y: f32| {
                let at = |c: usize| f32::from(face[c * 64 * 64 + y as usize * 64 + x as usize]);
                at(2) - at(0)
            };
            // In the middle of each lip, and beyond both.
            let upper = blueness(l[51].x, 0.5 * (l[51].y + l[62].y));
            let lower = blueness(l[57].x, 0.5 * (l[57].y + l[66].y));
            let (above, below) = (blueness(l[51].x, l[51].y - 3.0), blueness(l[57].x, l[57].y + 3.0));
            agreed += u32::from(upper.min(lower) > above.max(below) + 10.0);
        }
        assert!(agreed >= 11, "{agreed} of 12");
    }
}
