//! What throats, rooms and microphones make of a voice. A set may have been spoken by few of them, by synthesisers at worst,
//! whose way of speaking nobody is to learn by heart.

use lipsmith_base::Random;
use lipsmith_nets::mel::{BANDS, WINDOW};

/// A mel value of one is so many decibels.
const DECIBELS: f32 = 12.5;
const SILENCE: f32 = -4.0;
/// Mel frames before a window whose echo is heard in it: 0.3 s.
const LEAD: usize = 24;

/// All of it in mel values, see [`DECIBELS`], and mel frames of 12.5 ms.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// Bands above 1 come from so many times lower ones: a shorter throat.
    throat: f32,
    /// What the microphone adds to each band.
    microphone: [f32; BANDS],
    /// What a frame's echo has lost after another frame, and at once.
    decay: f32,
    depth: f32,
    /// How loud each band of the room itself is, and by how much that wavers.
    noise: [f32; BANDS],
    grain: f32,
}

impl Room {
    /// Changes nothing.
    pub fn plain() -> Room {
        Room {
            throat: 1.0,
            microphone: [0.0; BANDS],
            decay: 8.0,
            depth: 8.0,
            noise: [2.0 * SILENCE; BANDS],
            grain: 0.0,
        }
    }

    /// From a studio to a kitchen.
    pub fn random(random: &mut Random) -> Room {
        let much = random.unit();
        let mut curve = |level: f32, swing: f32| -> [f32; BANDS] {
            let waves = [1.0, 2.0, 3.0].map(|n| (n, random.within(-swing, swing) * much));
            std::array::from_fn(|band| {
                let at = std::f32::consts::PI * (band as f32 + 0.5) / BANDS as f32;
                level + waves.iter().map(|(n, swing)| swing * (n * at).cos()).sum::<f32>()
            })
        };
        let (microphone, noise) = (curve(0.0, 0.45), curve(0.0, 0.4));
        let level = random.within(-0.8, 0.5) * much;
        let hum = SILENCE + 3.0 * much * random.unit();
        Room {
            throat: 1.0 + random.within(-0.15, 0.15) * much,
            microphone: microphone.map(|v| v + level),
            // 60 dB in 0.2 to 0.8 s.
            decay: 4.8 / random.within(16.0, 64.0),
            depth: random.within(0.3, 1.5) + 2.0 * (1.0 - much),
            noise: noise.map(|v| v + hum),
            grain: 0.4 * much,
        }
    }

    /// The 0.2 s of a voice that begin at mel frame `start`, appended as `[80, 16]`; silent beyond its ends.
    pub fn hear(&self, voice: &[[f32; BANDS]], start: usize, out: &mut Vec<f32>) {
        let mut heard = [[0.0; BANDS]; WINDOW];
        let mut tail = [SILENCE; BANDS];
        for step in 0..LEAD + WINDOW {
            let frame = (start + step).checked_sub(LEAD);
            let spoken = frame.and_then(|frame| Some((frame, voice.get(frame)?)));
            for band in 0..BANDS {
                let direct = spoken.map_or(SILENCE, |(_, spoken)| self.said(spoken, band));
                let echoed = sum(direct, tail[band] - self.depth);
                tail[band] = direct.max(tail[band] - self.decay);
                if let Some(at) = step.checked_sub(LEAD) {
                    let noise = self.noise[band] + self.grain * wavering(start + at, band);
                    heard[at][band] = sum(echoed, noise).clamp(SILENCE, -SILENCE);
                }
            }
        }
        (0..BANDS).for_each(|band| out.extend(heard.iter().map(|frame| frame[band])));
    }

    fn said(&self, spoken: &[f32; BANDS], band: usize) -> f32 {
        let from = (band as f32 * self.throat).min((BANDS - 1) as f32);
        let (first, along) = (from as usize, from.fract());
        let next = (first + 1).min(BANDS - 1);
        let value = spoken[first] + (spoken[next] - spoken[first]) * along;
        // Silence stays silent behind any microphone.
        if value <= SILENCE { SILENCE } else { value + self.microphone[band] }
    }
}

/// Two sounds at once.
fn sum(a: f32, b: f32) -> f32 {
    const NEPERS: f32 = DECIBELS * std::f32::consts::LN_10 / 10.0;
    let (louder, softer) = (a.max(b), a.min(b));
    let apart = (louder - softer) * NEPERS;
    // What is 60 dB softer is not heard.
    if apart > 14.0 { louder } else { louder + (-apart).exp().ln_1p() / NEPERS }
}

/// From -1 to 1, the same for the same place: windows overlap.
fn wavering(frame: usize, band: usize) -> f32 {
    let mixed = ((frame * BANDS + band) as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f32 / (1 << 23) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice() -> Vec<[f32; BANDS]> {
        let value =
            |frame: usize, band: usize| if frame % 40 < 20 { 1.5 - band as f32 / 20.0 } else { SILENCE };
        (0..80).map(|frame| std::array::from_fn(|band| value(frame, band))).collect()
    }

    #[test]
    fn a_plain_room_changes_nothing() {
        let (voice, mut heard) = (voice(), Vec::new());
        for start in [0, 15, 70] {
            heard.clear();
            Room::plain().hear(&voice, start, &mut heard);
            for (i, &value) in heard.iter().enumerate() {
                let (band, frame) = (i / WINDOW, start + i % WINDOW);
                let said = voice.get(frame).map_or(SILENCE, |frame| frame[band]);
                assert!((value - said).abs() < 1e-3, "frame {frame}, band {band}: {value}, said {said}");
            }
        }
    }

    #[test]
    fn rooms_differ_echo_and_agree_where_windows_overlap() {
        let (voice, mut random) = (voice(), Random::new(5));
        random.unit();
        let mut silences = Vec::new();
        for _ in 0..10 {
            let room = Room::random(&mut random);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            room.hear(&voice, 10, &mut one);
            room.hear(&voice, 14, &mut other);
            for band in 0..BANDS {
                for at in 4..WINDOW {
                    let (a, b) = (one[band * WINDOW + at], other[band * WINDOW + at - 4]);
                    assert!((SILENCE..=-SILENCE).contains(&a));
                    // The later window has heard less of what was before both.
                    assert!((a - b).abs() < 0.05, "{a} and {b}");
                }
            }
            silences.push(one[10 * WINDOW + WINDOW - 1]);
        }
        // Six frames after the voice has ended no room is silent, and no two are alike.
        silences.sort_by(f32::total_cmp);
        assert!(silences[0] > SILENCE && silences.windows(2).all(|pair| pair[1] > pair[0]), "{silences:?}");
    }
}
