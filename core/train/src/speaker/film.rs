//! A film of somebody speaking, with the truth of every frame. Nothing is stored: frame `n` is a function of the
//! film and `n`, so frames may be asked for in any order and from several threads.

use super::Pose;
use super::head::Figure;
use super::look::Look;
use super::math::{bell, noise, smoothstep, v3};
use super::render::{Camera, picture};
use super::visemes::{MouthTrack, Viseme};
use super::voice::Speech;
use lipsmith_base::Random;
use lipsmith_base::{Audio, FrameRate, Point, Rgb, Time};

/// How a film is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub look: Look,
    /// Pixels.
    pub width: usize,
    pub height: usize,
    pub rate: FrameRate,
    /// Chooses the motion of head and eyes and the sensor's noise.
    pub seed: u64,
    /// 0 keeps the head still, 1 moves it as a presenter does, 2 is agitated.
    pub liveliness: f32,
    /// Yaw, pitch and roll about which the head moves, radians; see [`Pose`].
    pub bearing: [f32; 3],
    /// How far the mouth goes: 0.6 mumbles, 1 speaks, 1.3 declaims.
    pub effort: f32,
}

/// What is known of a frame without looking at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    pub viseme: Viseme,
    pub pose: Pose,
    /// The 68-point layout, in pixels, from the picture's left to its right.
    pub landmarks: [Point; 68],
    /// Gap between the lips in the middle, centimetres on an average head.
    pub lip_gap: f32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub picture: Rgb,
    pub truth: Truth,
}

pub struct Film {
    shot: Shot,
    camera: Camera,
    mouth: MouthTrack,
    blinks: Vec<f32>,
    audio: Audio,
    frames: u64,
}

impl Film {
    /// As long as the speech, rounded up to whole frames and padded with silence to exactly their length.
    pub fn new(shot: Shot, speech: &Speech) -> Film {
        let mut audio = speech.audio.clone();
        let length = audio.duration();
        let last = shot.rate.frame_at(length);
        let frames = if shot.rate.frame_start(last) < length { last + 1 } else { last };
        let samples = shot.rate.frame_start(frames).round_units(i64::from(audio.rate)).max(0) as usize;
        audio.samples.resize(samples * usize::from(audio.channels), 0.0);
        Film {
            camera: Camera::new(shot.width, shot.height, &shot.look),
            mouth: MouthTrack::new(&speech.phonemes, shot.effort),
            blinks: blinks(shot.seed, length.secs_f64() as f32),
            audio,
            frames: frames.max(0) as u64,
            shot,
        }
    }

    pub fn audio(&self) -> &Audio {
        &self.audio
    }
    pub fn frame_count(&self) -> u64 {
        self.frames
    }
    pub fn shot(&self) -> &Shot {
        &self.shot
    }

    /// All frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame> + '_ {
        (0..self.frames).map(|index| self.frame(index))
    }

    pub fn frame(&self, index: u64) -> Frame {
        let (figure, viseme) = self.figure(index);
        let noise_seed = self.shot.seed ^ index.wrapping_mul(0x9e37_79b9);
        Frame { picture: picture(&figure, &self.camera, noise_seed), truth: self.truth_of(&figure, viseme) }
    }

    /// What [`Film::frame`] knows, without the work of rendering.
    pub fn truth(&self, index: u64) -> Truth {
        let (figure, viseme) = self.figure(index);
        self.truth_of(&figure, viseme)
    }

    /// The speaker in a frame.
    pub(super) fn figure(&self, index: u64) -> (Figure<'_>, Viseme) {
        let time = self.time_of(index);
        let viseme = self.mouth.at(time);
        (Figure::new(&self.shot.look, &viseme, &self.pose_at(time)), viseme)
    }

    fn truth_of(&self, figure: &Figure, viseme: Viseme) -> Truth {
        Truth {
            viseme,
            pose: figure.pose,
            landmarks: figure.landmarks().map(|p| self.camera.project(p)),
            lip_gap: figure.mouth.gap,
        }
    }

    /// A frame shows the middle of the time it is on the screen.
    fn time_of(&self, index: u64) -> Time {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.shot.rate.frame_start(index) + Time(self.shot.rate.frame_duration().0 / 2)
    }

    /// Slow drift of the head, nods with the voice, glances and blinks.
    fn pose_at(&self, time: Time) -> Pose {
        let t = time.secs_f64() as f32;
        let offset = (self.shot.seed % 1009) as f32 * 1.37;
        // Two slow waves that never repeat together.
        let drift = |channel: f32, per_second: f32| {
            noise(v3(t * per_second + offset, channel * 7.3, 0.5))
                + 0.4 * noise(v3(t * per_second * 2.3, channel * 3.1, offset))
        };
        let live = self.shot.liveliness;
        let voice = self.loudness(t);
        // The eyes jump, then rest.
        let glance = |channel: i32| {
            let hop = |k: f32| 0.10 * (super::math::hash01(k as i32, channel, self.shot.seed as i32) - 0.5);
            let beat = t * 0.9;
            let k = beat.floor();
            let jump = smoothstep(0.0, 0.05, beat - k);
            hop(k - 1.0) + (hop(k) - hop(k - 1.0)) * jump
        };
        let (yaw, pitch) = (0.12 * drift(1.0, 0.45), 0.045 * drift(2.0, 0.55) + 0.05 * voice - 0.01);
        Pose {
            yaw: live * yaw + self.shot.bearing[0],
            pitch: live * pitch + self.shot.bearing[1],
            roll: live * 0.05 * drift(3.0, 0.4) + self.shot.bearing[2],
            sway: [live * 0.7 * drift(4.0, 0.3), live * 0.25 * drift(5.0, 0.35)],
            // Eyes stay with the camera while the head turns, as far as they go.
            gaze: [
                (glance(1) - 0.85 * live * yaw - 0.8 * self.shot.bearing[0]).clamp(-0.5, 0.5),
                0.4 * glance(2) + 0.6 * live * pitch + 0.5 * self.shot.bearing[1],
            ],
            blink: self
                .blinks
                .iter()
                .map(|b| bell((t - b) / 0.055, 1.0))
                .fold(0.0, f32::max)
                .mul_add(1.15, -0.02)
                .clamp(0.0, 1.0),
            brows: (live * (0.5 * drift(6.0, 0.6) + 0.8 * voice)).clamp(-0.5, 1.0),
            smile: (0.15 + 0.25 * drift(7.0, 0.3)).clamp(0.0, 0.4),
        }
    }

    /// Smoothed loudness of the sound around `t`, 0 to about 1.
    fn loudness(&self, t: f32) -> f32 {
        let rate = self.audio.rate as f32;
        let at = |seconds: f32| (seconds.max(0.0) * rate) as usize;
        let samples = &self.audio.samples;
        let window =
            samples.get(at(t - 0.2).min(samples.len())..at(t + 0.2).min(samples.len())).unwrap_or_default();
        let power = window.iter().step_by(8).map(|s| s * s).sum::<f32>() / (window.len() / 8).max(1) as f32;
        (power.sqrt() * 5.0).min(1.2)
    }
}

/// Times of the blinks: every two to five seconds.
fn blinks(seed: u64, length: f32) -> Vec<f32> {
    let mut random = Random::new(seed ^ 0xb11c);
    let mut next = random.within(0.8, 2.5);
    std::iter::from_fn(|| {
        let this = next;
        next += random.within(2.0, 5.0);
        (this < length).then_some(this)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::voice::Phoneme;
    use super::*;
    use lipsmith_base::Digest;

    fn speech() -> Speech {
        let sounds = ["", "m", "ɑː", "p", "a", "b", "iː", ""];
        let at = |i: usize| Time::from_units(i as i64 * 150, 1000);
        let phonemes = sounds.iter().enumerate().map(|(i, s)| Phoneme {
            ipa: s.to_string(),
            start: at(i),
            end: at(i + 1),
        });
        let audio = Audio { rate: 22_050, channels: 1, samples: vec![0.1; 22_050 * 12 / 10] };
        Speech { audio, phonemes: phonemes.collect() }
    }

    fn film(seed: u64) -> Film {
        let rate = FrameRate::new(24_000, 1001).expect("positive");
        let shot = Shot {
            look: Look::random(seed),
            width: 64,
            height: 48,
            rate,
            seed,
            liveliness: 1.0,
            bearing: [0.0; 3],
            effort: 1.0,
        };
        Film::new(shot, &speech())
    }

    fn digest(frame: &Frame) -> Digest {
        Digest::of(&frame.picture.to_bytes())
    }

    #[test]
    fn a_seed_is_a_film() {
        let (one, again, other) = (film(7).frame(9), film(7).frame(9), film(8).frame(9));
        assert_eq!(digest(&one), digest(&again));
        assert_eq!(one.truth, again.truth);
        assert_ne!(digest(&one), digest(&other));
        assert_ne!(digest(&one), digest(&film(7).frame(10)));
        assert_eq!(one.truth, film(7).truth(9));
    }

    #[test]
    fn sound_is_as_long_as_the_picture() {
        let film = film(1);
        let picture = film.shot().rate.frame_start(film.frame_count() as i64);
        assert_eq!(film.audio().frames() as i64, picture.round_units(22_050));
        assert!(film.audio().duration() >= speech().audio.duration());
        assert_eq!(film.frames().take(2).count(), 2);
    }

    #[test]
    fn truth_closes_on_closures_and_opens_on_vowels() {
        let film = film(3);
        let gap_at =
            |ms: i64| film.truth(film.shot().rate.frame_at(Time::from_units(ms, 1000)) as u64).lip_gap;
        for (ms, sound) in [(225, "m"), (525, "p"), (825, "b"), (1150, "silence")] {
            assert!(gap_at(ms) < 0.02, "{sound}: {}", gap_at(ms));
        }
        assert!(gap_at(375) > 0.7 && gap_at(675) > 0.7, "{} {}", gap_at(375), gap_at(675));
    }

    #[test]
    fn landmarks_lie_in_order_on_the_face() {
        let shot = Shot {
            look: Look::default(),
            width: 640,
            height: 360,
            liveliness: 0.0,
            ..film(3).shot().clone()
        };
        let film = Film::new(shot, &speech());
        let lips = |frame: u64| {
            let l = film.truth(frame).landmarks;
            l[66].y - l[62].y
        };
        assert!(lips(5) < 1.0 && lips(9) > 4.0, "closed {} open {}", lips(5), lips(9));
        let l = film.truth(5).landmarks;
        for (left, right) in [(0, 16), (36, 39), (42, 45), (39, 42), (31, 35), (48, 54), (60, 64), (17, 26)] {
            assert!(l[left].x < l[right].x, "{left} {right}");
        }
        for (above, below) in [(19, 37), (37, 41), (27, 30), (30, 33), (33, 51), (51, 62), (66, 57), (57, 8)]
        {
            assert!(l[above].y < l[below].y + 0.01, "{above} {below}: {:?} {:?}", l[above], l[below]);
        }
    }
}
