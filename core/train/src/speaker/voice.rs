//! Speech with known phoneme times, by espeak-ng. The library is opened at run time, so that Lipsmith builds
//! and runs where it is absent; only making new speech needs it.

use crate::TrainError;
use libloading::Library;
use lipsmith_base::{Audio, Time};
use std::ffi::{CString, c_char, c_int, c_short, c_uint, c_void};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Who speaks, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// A file or voice name of `espeak-ng --voices` without its folder, with an optional variant: `en`, `de+f3`.
    pub name: String,
    /// Words per minute, 80..=450.
    pub rate: u32,
    /// Pitch and its liveliness, 0..=100.
    pub pitch: u32,
    pub range: u32,
}

impl Voice {
    pub fn new(name: &str) -> Voice {
        Voice { name: name.into(), rate: 160, pitch: 45, range: 55 }
    }
}

/// One sound of speech. The IPA text of a pause is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Phoneme {
    pub ipa: String,
    pub start: Time,
    /// Never before `start`; the start of the next one.
    pub end: Time,
}

/// Sound, and what is said in it when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    /// One channel.
    pub audio: Audio,
    /// In order, without gaps or overlaps, inside the sound.
    pub phonemes: Vec<Phoneme>,
}

impl Speech {
    pub fn silence(rate: u32, length: Time) -> Speech {
        let frames = length.round_units(i64::from(rate)).max(0) as usize;
        let audio = Audio::silence(rate, 1, frames);
        let phonemes = vec![Phoneme { ipa: String::new(), start: Time::default(), end: audio.duration() }];
        Speech { audio, phonemes }
    }

    /// `next` after this one. Both are of one rate when one process's espeak-ng made them.
    pub fn then(mut self, next: Speech) -> Speech {
        let offset = self.audio.duration();
        // One of the two may be nothing at all, which has no rate.
        self.audio.rate = self.audio.rate.max(next.audio.rate);
        self.audio.channels = 1;
        self.audio.samples.extend(next.audio.samples);
        self.phonemes.extend(next.phonemes.into_iter().map(|p| Phoneme {
            start: p.start + offset,
            end: p.end + offset,
            ..p
        }));
        self
    }
}

/// Speaks `text`.
///
/// espeak-ng keeps one global state, so calls from several threads wait for each other.
pub fn speak(text: &str, voice: &Voice) -> Result<Speech, TrainError> {
    static ESPEAK: OnceLock<Mutex<Option<Espeak>>> = OnceLock::new();
    let cell = ESPEAK.get_or_init(Mutex::default);
    let mut slot = cell.lock().unwrap_or_else(PoisonError::into_inner);
    let espeak = match slot.take() {
        Some(espeak) => espeak,
        None => Espeak::open()?,
    };
    slot.insert(espeak).speak(text, voice)
}

/// `espeak_EVENT` of speak_lib.h.
#[repr(C)]
struct Event {
    kind: c_int,
    unique_identifier: c_uint,
    text_position: c_int,
    length: c_int,
    audio_position: c_int,
    sample: c_int,
    user_data: *mut c_void,
    /// The union's `string` member: IPA of a phoneme, zero-terminated when shorter.
    id: [c_char; 8],
}

const EVENT_LIST_TERMINATED: c_int = 0;
const EVENT_PHONEME: c_int = 7;
const OUTPUT_SYNCHRONOUS: c_int = 2;
/// Phoneme events, as IPA, and errors returned instead of ending the process.
const OPTIONS: c_int = 0x0001 | 0x0002 | 0x8000;
const PARAMETER_RATE: c_int = 1;
const PARAMETER_PITCH: c_int = 3;
const PARAMETER_RANGE: c_int = 4;
const CHARS_UTF8: c_uint = 1;
/// More speech than this in one call (20 minutes at 22 kHz) is a mistake.
const MOST_SAMPLES: usize = 22_050 * 1200;

type Initialize = unsafe extern "C" fn(c_int, c_int, *const c_char, c_int) -> c_int;
type SetVoice = unsafe extern "C" fn(*const c_char) -> c_int;
type SetParameter = unsafe extern "C" fn(c_int, c_int, c_int) -> c_int;
type Callback = unsafe extern "C" fn(*mut c_short, c_int, *mut Event) -> c_int;
type SetCallback = unsafe extern "C" fn(Callback);
type Synth = unsafe extern "C" fn(
    *const c_void,
    usize,
    c_uint,
    c_int,
    c_uint,
    c_uint,
    *mut c_uint,
    *mut c_void,
) -> c_int;

struct Espeak {
    rate: u32,
    set_voice: SetVoice,
    set_parameter: SetParameter,
    set_callback: SetCallback,
    synth: Synth,
    /// Keeps the functions above where they are.
    _library: Library,
}

/// What the callback gathers.
#[derive(Default)]
struct Gathered {
    samples: Vec<c_short>,
    /// IPA and first sample.
    phonemes: Vec<(String, i64)>,
}

unsafe extern "C" fn gather(samples: *mut c_short, count: c_int, mut event: *mut Event) -> c_int {
    // SAFETY: espeak-ng passes `count` samples or null, and an event list that ends with a terminator; every
    // event carries the `user_data` of the call, which `Espeak::speak` keeps alive and unborrowed meanwhile.
    unsafe {
        if event.is_null() || (*event).user_data.is_null() {
            return 0;
        }
        let gathered = &mut *(*event).user_data.cast::<Gathered>();
        if !samples.is_null() && count > 0 {
            gathered.samples.extend_from_slice(std::slice::from_raw_parts(samples, count as usize));
        }
        while (*event).kind != EVENT_LIST_TERMINATED {
            if (*event).kind == EVENT_PHONEME {
                let bytes: Vec<u8> = (*event).id.iter().map(|&c| c as u8).take_while(|&b| b != 0).collect();
                let ipa = String::from_utf8_lossy(&bytes).into_owned();
                // `(en)` says that a foreign word's language begins; it is no sound.
                if !ipa.starts_with('(') {
                    gathered.phonemes.push((ipa, i64::from((*event).sample)));
                }
            }
            event = event.add(1);
        }
        c_int::from(gathered.samples.len() > MOST_SAMPLES)
    }
}

impl Espeak {
    fn open() -> Result<Espeak, TrainError> {
        // SAFETY: loading runs the library's initialisers; espeak-ng has none with preconditions.
        let library = unsafe { Library::new("libespeak-ng.so.1") }
            .map_err(|e| TrainError::NoSpeechLibrary { cause: e.to_string() })?;
        // SAFETY: the types above are those of speak_lib.h, whose interface has been stable since 1.49.
        let (initialize, set_voice, set_parameter, set_callback, synth) = unsafe {
            (
                function::<Initialize>(&library, "espeak_Initialize")?,
                function::<SetVoice>(&library, "espeak_SetVoiceByName")?,
                function::<SetParameter>(&library, "espeak_SetParameter")?,
                function::<SetCallback>(&library, "espeak_SetSynthCallback")?,
                function::<Synth>(&library, "espeak_Synth")?,
            )
        };
        // SAFETY: a null path means the installed voice data.
        let code = unsafe { initialize(OUTPUT_SYNCHRONOUS, 0, std::ptr::null(), OPTIONS) };
        let rate =
            u32::try_from(code).ok().filter(|&rate| rate > 0).ok_or(TrainError::NoSpeechData { code })?;
        Ok(Espeak { rate, set_voice, set_parameter, set_callback, synth, _library: library })
    }

    fn speak(&mut self, text: &str, voice: &Voice) -> Result<Speech, TrainError> {
        let no_voice = || TrainError::NoVoice { voice: voice.name.clone() };
        let name = CString::new(voice.name.as_str()).map_err(|_| no_voice())?;
        let line = CString::new(text).map_err(|_| TrainError::Unspeakable { text: text.into(), code: -1 })?;
        let mut gathered = Gathered::default();
        // SAFETY: the strings are zero-terminated and outlive the calls; in synchronous mode `espeak_Synth`
        // returns only after the last callback, so nothing keeps the pointer to `gathered`.
        let code = unsafe {
            if (self.set_voice)(name.as_ptr()) != 0 {
                return Err(no_voice());
            }
            let parameters = [
                (PARAMETER_RATE, voice.rate),
                (PARAMETER_PITCH, voice.pitch),
                (PARAMETER_RANGE, voice.range),
            ];
            for (parameter, value) in parameters {
                (self.set_parameter)(parameter, c_int::try_from(value).unwrap_or(c_int::MAX), 0);
            }
            (self.set_callback)(gather);
            let size = line.as_bytes_with_nul().len();
            let data = (&raw mut gathered).cast::<c_void>();
            (self.synth)(line.as_ptr().cast(), size, 0, 0, 0, CHARS_UTF8, std::ptr::null_mut(), data)
        };
        if code != 0 {
            return Err(TrainError::Unspeakable { text: text.into(), code });
        }
        if gathered.samples.iter().all(|&s| s == 0) {
            return Err(TrainError::Silent { text: text.into() });
        }
        Ok(self.speech(gathered))
    }

    /// Orders what was gathered: every phoneme lasts until the next one begins.
    fn speech(&self, gathered: Gathered) -> Speech {
        let length = gathered.samples.len() as i64;
        let at = |sample: i64| Time::from_units(sample.clamp(0, length), i64::from(self.rate));
        let mut phonemes: Vec<Phoneme> = Vec::with_capacity(gathered.phonemes.len() + 1);
        let mut begin = |ipa: String, start: Time| {
            let start = phonemes.last().map_or(start, |last| start.max(last.start));
            if let Some(last) = phonemes.last_mut() {
                last.end = start;
            }
            phonemes.push(Phoneme { ipa, start, end: at(length) });
        };
        begin(String::new(), Time::default());
        gathered.phonemes.into_iter().for_each(|(ipa, sample)| begin(ipa, at(sample)));
        phonemes.retain(|p| p.start < p.end);
        let samples = gathered.samples.into_iter().map(|s| f32::from(s) / 32768.0).collect();
        Speech { audio: Audio { rate: self.rate, channels: 1, samples }, phonemes }
    }
}

/// # Safety
/// `F` must be the type of the library's function `name`.
unsafe fn function<F: Copy>(library: &Library, name: &'static str) -> Result<F, TrainError> {
    // SAFETY: passed on to the caller.
    unsafe { library.get::<F>(name.as_bytes()) }
        .map(|symbol| *symbol)
        .map_err(|e| TrainError::SpeechLibraryTooOld { name, cause: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speech_has_phonemes_in_order_inside_the_sound() {
        let speech = match speak("Maybe five wolves jump.", &Voice::new("en")) {
            Ok(speech) => speech,
            Err(error @ (TrainError::NoSpeechLibrary { .. } | TrainError::NoSpeechData { .. })) => {
                println!("SKIPPED: speech_has_phonemes_in_order_inside_the_sound: {error}");
                return;
            }
            Err(error) => panic!("{error}"),
        };
        let seconds = speech.audio.duration().secs_f64();
        assert!((1.0..4.0).contains(&seconds), "{seconds} s");
        let text: String = speech.phonemes.iter().map(|p| p.ipa.as_str()).collect();
        for sound in ["m", "b", "f", "v", "w"] {
            assert!(text.contains(sound), "no {sound} in {text}");
        }
        assert_eq!(speech.phonemes[0].start, Time::default());
        assert_eq!(speech.phonemes.last().map(|p| p.end), Some(speech.audio.duration()));
        for pair in speech.phonemes.windows(2) {
            assert!(pair[0].start < pair[0].end && pair[0].end == pair[1].start, "{pair:?}");
        }
        let longest =
            speech.phonemes.iter().filter(|p| p.ipa.contains('m')).map(|p| (p.end - p.start).secs_f64());
        assert!(longest.clone().all(|d| (0.02..0.3).contains(&d)), "{:?}", longest.collect::<Vec<_>>());
    }

    #[test]
    fn an_unknown_voice_is_named() {
        match speak("hello", &Voice::new("no-such-voice")) {
            Err(TrainError::NoVoice { voice }) => assert_eq!(voice, "no-such-voice"),
            Err(error @ (TrainError::NoSpeechLibrary { .. } | TrainError::NoSpeechData { .. })) => {
                println!("SKIPPED: an_unknown_voice_is_named: {error}");
            }
            other => panic!("{other:?}"),
        }
    }
}
