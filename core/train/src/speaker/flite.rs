//! Speech with known phoneme times by flite, whose voices were cut from recordings of people: English alone and few of them,
//! but of real throats, which espeak-ng's formants are not. The program is run, so that Lipsmith builds and runs without.

use super::voice::{Phoneme, Speech, Voice};
use crate::TrainError;
use lipsmith_base::{Audio, Time};
use std::process::Command;

/// Voices that flite 2.2 has built in.
pub const VOICES: [&str; 4] = ["slt", "rms", "awb", "kal16"];
/// Words per minute at which it speaks by itself.
const USUAL_RATE: f32 = 165.0;

/// Speaks `text` with a voice of [`VOICES`]; pitch and liveliness are the voice's own.
pub fn speak(text: &str, voice: &Voice) -> Result<Speech, TrainError> {
    let no_flite = |cause: String| TrainError::NoFlite { cause };
    let file = tempfile::Builder::new().suffix(".wav").tempfile().map_err(|e| no_flite(e.to_string()))?;
    let stretch = (USUAL_RATE / voice.rate.max(1) as f32).clamp(0.6, 1.6);
    let said = Command::new("flite")
        .args(["-voice", &voice.name, "--setf", &format!("duration_stretch={stretch}"), "-psdur"])
        .args(["-t", text, "-o"])
        .arg(file.path())
        .output()
        .map_err(|e| no_flite(e.to_string()))?;
    let wave = std::fs::read(file.path()).map_err(|e| no_flite(e.to_string()))?;
    let audio = audio(&wave).ok_or_else(|| TrainError::Unspeakable { text: text.into(), code: -1 })?;
    if audio.samples.iter().all(|&sample| sample == 0.0) {
        return Err(TrainError::Silent { text: text.into() });
    }
    let phonemes = phonemes(&String::from_utf8_lossy(&said.stdout), audio.duration());
    Ok(Speech { audio, phonemes })
}

/// What `-psdur` prints: names and the seconds at which each ends, `pau:0.184 dh:0.246 …`.
fn phonemes(printed: &str, length: Time) -> Vec<Phoneme> {
    let mut start = Time::ZERO;
    let mut phonemes = Vec::new();
    for (name, end) in printed.split_whitespace().filter_map(|part| part.split_once(':')) {
        let Ok(end) = end.parse::<f64>() else { continue };
        let end = Time::from_secs_f64(end).clamp(start, length);
        phonemes.push(Phoneme { ipa: ipa(name).into(), start, end });
        start = end;
    }
    phonemes.push(Phoneme { ipa: String::new(), start, end: length });
    phonemes.retain(|p| p.start < p.end);
    phonemes
}

/// Of the names of CMU's dictionary, in which flite counts; a pause has none.
fn ipa(name: &str) -> &'static str {
    match name {
        "aa" => "ɑː",
        "ae" => "æ",
        "ah" => "ʌ",
        "ao" => "ɔː",
        "aw" => "aʊ",
        "ax" => "ə",
        "axr" | "er" => "ɜː",
        "ay" => "aɪ",
        "b" => "b",
        "ch" => "tʃ",
        "d" => "d",
        "dh" => "ð",
        "dx" => "ɾ",
        "eh" => "ɛ",
        "el" | "l" => "l",
        "em" | "m" => "m",
        "en" | "n" => "n",
        "ey" => "eɪ",
        "f" => "f",
        "g" => "ɡ",
        "hh" | "hv" => "h",
        "ih" => "ɪ",
        "iy" => "iː",
        "jh" => "dʒ",
        "k" => "k",
        "ng" => "ŋ",
        "ow" => "oʊ",
        "oy" => "ɔɪ",
        "p" => "p",
        "r" => "ɹ",
        "s" => "s",
        "sh" => "ʃ",
        "t" => "t",
        "th" => "θ",
        "uh" => "ʊ",
        "uw" => "uː",
        "v" => "v",
        "w" => "w",
        "y" => "j",
        "z" => "z",
        "zh" => "ʒ",
        _ => "",
    }
}

/// A RIFF file of 16 bits and one channel, as flite writes it.
fn audio(wave: &[u8]) -> Option<Audio> {
    let chunk = |name: &[u8; 4]| {
        let mut rest = wave.get(12..)?;
        while rest.len() >= 8 {
            let size = u32::from_le_bytes(rest[4..8].try_into().ok()?) as usize;
            let body = &rest[8..];
            if rest.starts_with(name) {
                return Some(&body[..size.min(body.len())]);
            }
            rest = body.get(size + size % 2..)?;
        }
        None
    };
    let rate = u32::from_le_bytes(chunk(b"fmt ")?.get(4..8)?.try_into().ok()?);
    let samples = chunk(b"data")?.as_chunks().0.iter();
    let samples = samples.map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32768.0).collect();
    Some(Audio { rate, channels: 1, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phonemes_follow_each_other_and_fill_the_sound() {
        let length = Time::from_units(1, 1);
        let found = phonemes("pau:0.2 m:0.3 ey:0.5 b:0.55 iy:0.9 pau:2.0 \n", length);
        let names: Vec<_> = found.iter().map(|p| p.ipa.as_str()).collect();
        assert_eq!(names, ["", "m", "eɪ", "b", "iː", ""]);
        assert_eq!((found[0].start, found[5].end), (Time::ZERO, length));
        assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
    }

    #[test]
    fn every_voice_speaks() {
        for name in VOICES {
            let speech = match speak("Maybe five wolves jump.", &Voice::new(name)) {
                Ok(speech) => speech,
                Err(error @ TrainError::NoFlite { .. }) => {
                    println!("SKIPPED: every_voice_speaks: {error}");
                    return;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            let seconds = speech.audio.duration().secs_f64();
            assert!((1.0..4.0).contains(&seconds), "{name}: {seconds} s");
            let text: String = speech.phonemes.iter().map(|p| p.ipa.as_str()).collect();
            assert!(
                ["m", "b", "f", "v", "w", "dʒ"].iter().all(|sound| text.contains(sound)),
                "{name}: {text}"
            );
            assert_eq!(speech.phonemes.last().map(|p| p.end), Some(speech.audio.duration()));
        }
    }
}
