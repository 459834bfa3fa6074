//! From phonemes to mouths. Every sound has a target and a dominance that fades before and after it; the mouth at
//! a moment is the mean of the targets by dominance (Cohen and Massaro, "Modeling coarticulation in synthetic
//! visual speech", 1993). What the eye must see is then enforced: lips touch on p, b and m, the lower lip meets the
//! teeth on f and v, and the mouth closes in a pause.

use super::math::smoothstep;
use super::voice::Phoneme;
use lipsmith_base::Time;

/// A mouth. Every number is in `0..=1`, but `wide` in `-1..=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Viseme {
    /// How far the jaw has dropped.
    pub jaw: f32,
    /// Gap between the lips.
    pub open: f32,
    /// Corners drawn apart (1) or rounded together (-1).
    pub wide: f32,
    /// Upper lip raised.
    pub upper: f32,
    /// Lips pushed forward.
    pub protrude: f32,
    /// Lips pressed on each other.
    pub press: f32,
    /// Lower lip at the upper teeth.
    pub contact: f32,
    /// Tip of the tongue raised to the teeth.
    pub tongue: f32,
}

impl Viseme {
    const NUMBERS: usize = 8;

    pub fn to_array(self) -> [f32; Viseme::NUMBERS] {
        [self.jaw, self.open, self.wide, self.upper, self.protrude, self.press, self.contact, self.tongue]
    }
    pub fn from_array(
        [jaw, open, wide, upper, protrude, press, contact, tongue]: [f32; Viseme::NUMBERS],
    ) -> Viseme {
        Viseme { jaw, open, wide, upper, protrude, press, contact, tongue }
    }
}

/// What a sound asks of the mouth.
#[derive(Clone, Copy, Debug)]
struct Target {
    viseme: Viseme,
    /// How strongly: a k lets its neighbours shape the lips, a w does not.
    dominance: f32,
    hold: Hold,
}

/// What must be seen while a sound lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Hold {
    Nothing,
    LipsTouch,
    LipOnTeeth,
    Rest,
}

/// A target and when.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: f32,
    end: f32,
    target: Target,
}

/// Seconds over which a target's dominance falls to 1/e: ahead of the sound, and after it.
const AHEAD: f32 = 0.060;
const AFTER: f32 = 0.045;
/// Seconds the lips take to a closure and from it.
const CLOSING: f32 = 0.065;
/// A pause shorter than this leaves the mouth as it is.
const SHORTEST_REST: f32 = 0.12;
/// Seconds a mouth takes to close after speech and to open before it, inside the pause.
const RESTING: f32 = 0.10;
/// Seconds before and after any speech.
const LONG: f32 = 1000.0;

/// The mouth of a stretch of speech over time.
#[derive(Clone, Debug, Default)]
pub struct MouthTrack {
    segments: Vec<Segment>,
    effort: f32,
}

impl MouthTrack {
    /// `effort` scales how far the mouth goes: 0.6 mumbles, 1 speaks, 1.3 declaims.
    pub fn new(phonemes: &[Phoneme], effort: f32) -> MouthTrack {
        let mut segments: Vec<Segment> = Vec::new();
        for phoneme in phonemes {
            // A diphthong or affricate is its letters one after the other.
            let mut targets: Vec<Target> = phoneme.ipa.chars().filter_map(target).collect();
            let (start, end) = (phoneme.start.secs_f64() as f32, phoneme.end.secs_f64() as f32);
            if targets.is_empty() {
                // Pauses that follow each other are one pause.
                if let Some(Segment { end: last, target: Target { hold: Hold::Rest, .. }, .. }) =
                    segments.last_mut()
                {
                    *last = end;
                    continue;
                }
                targets.push(REST);
            }
            let step = (end - start).max(0.0) / targets.len() as f32;
            segments.extend(targets.into_iter().enumerate().map(|(i, target)| {
                let start = start + i as f32 * step;
                Segment { start, end: start + step, target }
            }));
        }
        // Before the first word and after the last nobody is about to speak.
        if let Some(first) = segments.first_mut().filter(|s| s.target.hold == Hold::Rest) {
            first.start -= LONG;
        }
        if let Some(last) = segments.last_mut().filter(|s| s.target.hold == Hold::Rest) {
            last.end += LONG;
        }
        MouthTrack { segments, effort }
    }

    pub fn at(&self, time: Time) -> Viseme {
        let t = time.secs_f64() as f32;
        let (mut sum, mut total) = ([0.0; Viseme::NUMBERS], 0.0);
        for s in &self.segments {
            let away = if t < s.start { (s.start - t) / AHEAD } else { (t - s.end).max(0.0) / AFTER };
            if away < 10.0 {
                let weight = s.target.dominance * (-away).exp();
                total += weight;
                s.target.viseme.to_array().iter().zip(&mut sum).for_each(|(v, sum)| *sum += weight * v);
            }
        }
        if total < 1e-6 {
            return REST.viseme;
        }
        let mut mouth = Viseme::from_array(sum.map(|v| v / total));
        for v in [&mut mouth.jaw, &mut mouth.open, &mut mouth.upper, &mut mouth.protrude] {
            *v = (*v * self.effort).clamp(0.0, 1.0);
        }
        mouth.wide = (mouth.wide * self.effort).clamp(-1.0, 1.0);
        self.enforce(mouth, t)
    }

    fn enforce(&self, mut mouth: Viseme, t: f32) -> Viseme {
        let held = |hold: Hold, before: f32, inside: f32| {
            self.segments
                .iter()
                .filter(|s| s.target.hold == hold && (hold != Hold::Rest || s.end - s.start >= SHORTEST_REST))
                .map(|s| {
                    let closing = smoothstep(s.start - before, s.start + inside, t);
                    closing * smoothstep(s.end + before, s.end - inside, t)
                })
                .fold(0.0, f32::max)
        };
        let rest = held(Hold::Rest, 0.0, RESTING);
        let contact = held(Hold::LipOnTeeth, CLOSING, 0.0);
        let touch = held(Hold::LipsTouch, CLOSING, 0.0);
        mouth.contact = contact * (1.0 - touch);
        mouth.open += (0.10 - mouth.open) * contact;
        mouth.open *= (1.0 - touch) * (1.0 - rest);
        mouth.upper *= (1.0 - touch) * (1.0 - rest);
        mouth.press = mouth.press.max(0.7 * touch);
        mouth
    }
}

const fn sound(
    jaw: f32,
    open: f32,
    wide: f32,
    upper: f32,
    protrude: f32,
    tongue: f32,
    dominance: f32,
) -> Target {
    let viseme = Viseme { jaw, open, wide, upper, protrude, press: 0.0, contact: 0.0, tongue };
    Target { viseme, dominance, hold: Hold::Nothing }
}

const REST: Target = Target { hold: Hold::Rest, ..sound(0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.9) };

/// The target of one IPA letter; `None` for marks of stress, length and the like.
fn target(letter: char) -> Option<Target> {
    //                                                                  jaw   open  wide  upper protr tongue dominance
    Some(match letter {
        'p' | 'b' | 'm' | 'ɓ' | 'ɸ' | 'β' => {
            Target { hold: Hold::LipsTouch, ..sound(0.10, 0.0, 0.0, 0.0, 0.05, 0.2, 1.6) }
        }
        'f' | 'v' | 'ɱ' | 'ʋ' => {
            Target { hold: Hold::LipOnTeeth, ..sound(0.10, 0.10, 0.15, 0.35, 0.0, 0.2, 1.5) }
        }
        'θ' | 'ð' => sound(0.18, 0.22, 0.10, 0.20, 0.0, 1.0, 1.0),
        't' | 'd' | 'n' | 'l' | 'ɫ' | 'ɖ' | 'ʈ' | 'ɳ' | 'ɭ' => {
            sound(0.16, 0.22, 0.10, 0.15, 0.0, 0.8, 0.7)
        }
        's' | 'z' | 'ɕ' | 'ʑ' => sound(0.06, 0.17, 0.35, 0.30, 0.0, 0.5, 1.1),
        'ʃ' | 'ʒ' | 'ʂ' | 'ʐ' => sound(0.10, 0.27, -0.50, 0.45, 0.75, 0.4, 1.2),
        'r' | 'ɹ' | 'ɾ' | 'ɻ' => sound(0.16, 0.24, -0.30, 0.15, 0.35, 0.5, 0.7),
        'k' | 'g' | 'ɡ' | 'ŋ' | 'x' | 'ɣ' | 'q' | 'ʁ' | 'ʀ' | 'χ' | 'c' | 'ɟ' | 'ɲ' | 'ç' | 'ʎ' => {
            sound(0.24, 0.26, 0.05, 0.05, 0.0, 0.1, 0.45)
        }
        'h' | 'ɦ' | 'ʔ' | 'ħ' => sound(0.28, 0.30, 0.0, 0.0, 0.0, 0.1, 0.25),
        'j' => sound(0.12, 0.22, 0.50, 0.10, 0.0, 0.4, 0.8),
        'w' | 'ʍ' | 'ɥ' => sound(0.14, 0.13, -0.90, 0.0, 0.95, 0.1, 1.5),
        'i' | 'ɪ' | 'ɨ' | 'ᵻ' => sound(0.16, 0.26, 0.75, 0.20, 0.0, 0.3, 1.0),
        'e' | 'ɛ' => sound(0.38, 0.44, 0.50, 0.20, 0.0, 0.1, 1.0),
        'æ' | 'a' => sound(0.72, 0.72, 0.35, 0.25, 0.0, 0.0, 1.1),
        'ɑ' | 'ʌ' | 'ɐ' => sound(0.80, 0.72, 0.0, 0.10, 0.0, 0.0, 1.1),
        'ɒ' | 'ɔ' => sound(0.62, 0.58, -0.45, 0.05, 0.45, 0.0, 1.1),
        'o' | 'ɤ' => sound(0.42, 0.40, -0.65, 0.0, 0.70, 0.0, 1.1),
        'u' | 'ʊ' | 'ʉ' | 'ɯ' => sound(0.18, 0.18, -0.85, 0.0, 0.90, 0.0, 1.2),
        'y' | 'ʏ' => sound(0.14, 0.17, -0.75, 0.05, 0.85, 0.3, 1.2),
        'ø' | 'œ' => sound(0.34, 0.34, -0.55, 0.05, 0.65, 0.1, 1.1),
        'ə' | 'ɜ' | 'ɚ' | 'ɝ' | 'ɘ' | 'ɵ' => sound(0.32, 0.34, 0.0, 0.05, 0.10, 0.1, 0.6),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Phonemes of 80 ms each.
    fn phonemes(ipa: &[&str]) -> Vec<Phoneme> {
        let at = |i: usize| Time::from_units(i as i64 * 80, 1000);
        ipa.iter()
            .enumerate()
            .map(|(i, s)| Phoneme { ipa: s.to_string(), start: at(i), end: at(i + 1) })
            .collect()
    }

    fn at(track: &MouthTrack, milliseconds: i64) -> Viseme {
        track.at(Time::from_units(milliseconds, 1000))
    }

    #[test]
    fn lips_touch_on_p_b_m_between_open_vowels() {
        for closure in ["p", "b", "m"] {
            let track = MouthTrack::new(&phonemes(&["ɑː", closure, "ɑː"]), 1.3);
            for ms in [85, 120, 155] {
                assert!(at(&track, ms).open < 0.01, "{closure} at {ms} ms: {:?}", at(&track, ms));
            }
            assert!(at(&track, 30).open > 0.3 && at(&track, 220).open > 0.3);
        }
    }

    #[test]
    fn the_lower_lip_meets_the_teeth_on_f_and_v() {
        let track = MouthTrack::new(&phonemes(&["a", "f", "a"]), 1.0);
        assert!(at(&track, 120).contact > 0.95 && at(&track, 120).open < 0.12, "{:?}", at(&track, 120));
        assert!(at(&track, 20).contact < 0.2);
    }

    #[test]
    fn a_pause_closes_the_mouth_and_a_breath_does_not() {
        let track = MouthTrack::new(&phonemes(&["a", "", "", "", "a"]), 1.0);
        assert!(at(&track, 200).open < 0.05, "{:?}", at(&track, 200));
        assert!(at(&track, 40).open > 0.4);
        assert!(at(&MouthTrack::default(), 40).open == 0.0);
    }

    #[test]
    fn rounding_begins_before_its_vowel() {
        let track = MouthTrack::new(&phonemes(&["s", "t", "u"]), 1.0);
        assert!(at(&track, 150).wide < at(&track, 20).wide - 0.2);
    }

    proptest! {
        #[test]
        fn any_speech_gives_bounded_mouths(
            sounds in prop::collection::vec(("[a-zɑəʃθʊɪ ːˈ_]{0,4}", 0i64..400), 0..30),
            effort in 0.0f32..2.0,
            ms in -500i64..10_000,
        ) {
            let mut end = Time::default();
            let phonemes: Vec<Phoneme> = sounds.into_iter().map(|(ipa, length)| {
                let start = end;
                end = start + Time::from_units(length, 1000);
                Phoneme { ipa, start, end }
            }).collect();
            let mouth = at(&MouthTrack::new(&phonemes, effort), ms);
            prop_assert!((-1.0..=1.0).contains(&mouth.wide), "{mouth:?}");
            for value in (Viseme { wide: 0.0, ..mouth }).to_array() {
                prop_assert!((0.0..=1.0).contains(&value), "{mouth:?}");
            }
        }
    }
}
