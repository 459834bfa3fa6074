//! The sound of the finished film, sample by sample: steady levels make every gain visible.

use lipsmith_base::{Audio, Digest, FrameRate, Time, TimeRange};
use lipsmith_engine::mix::Mixer;
use lipsmith_media::{AudioSpec, ReadOptions, probe, synthetic};
use lipsmith_project::{Dub, Media, Original, Project, Settings, Sound, Video};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const RATE: u32 = 48_000;
/// 10 ms.
const FADE: usize = 480;
/// Steps of 16 bits, and the fades' rounding.
const NEAR: f32 = 1e-4;

/// A WAV file that is `level` throughout, one value a channel.
fn steady(folder: &Path, name: &str, frames: usize, level: &[f32]) -> PathBuf {
    let path = folder.join(name);
    let audio = Audio { rate: RATE, channels: level.len() as u16, samples: level.repeat(frames) };
    std::fs::write(&path, synthetic::wav(&audio)).expect("written");
    path
}

fn samples(count: i64) -> Time {
    Time::from_units(count, i64::from(RATE))
}

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(samples(start), samples(end))
}

/// A film and the lines that are spoken in it.
struct Scene<'a> {
    /// `None`: a silent film.
    film: Option<&'a Path>,
    /// Sample frames that the film lasts.
    length: Time,
    voice: &'a Path,
    /// Sample frame at which the voice begins.
    at: i64,
    lines: &'a [TimeRange],
    original: Original,
}

impl Scene<'_> {
    fn project(&self) -> Arc<Project> {
        let media = |path: &Path, duration, sound| Media {
            name: path.display().to_string(),
            path: path.to_path_buf(),
            fingerprint: Digest::of(path.as_os_str().as_encoded_bytes()),
            duration,
            video: None,
            sound,
        };
        let sound_of = |path: &Path| probe(path).expect("probed").audio.expect("sound");
        let heard = |path: &Path| Some(sound_of(path)).map(|s| Sound { rate: s.rate, channels: s.channels });
        let video = Video { rate: FrameRate::FPS_25, width: 64, height: 64 };
        let film = self.film.unwrap_or(Path::new("silent"));
        let dub = Dub {
            film: Media { video: Some(video), ..media(film, self.length, self.film.and_then(heard)) },
            voice: media(self.voice, sound_of(self.voice).duration, heard(self.voice)),
            at: samples(self.at),
            ranges: self.lines.to_vec(),
            person: 0,
            reference: None,
            footage: Vec::new(),
            settings: Settings { original: self.original, ..Settings::default() },
        };
        Arc::new(Project::for_dub(dub).expect("a project"))
    }

    /// The sound of all, in blocks of a prime length so that their edges fall anywhere.
    fn mixed(&self, channels: u16) -> Vec<Vec<f32>> {
        self.part(TimeRange::new(Time::ZERO, self.length), channels)
    }

    fn part(&self, range: TimeRange, channels: u16) -> Vec<Vec<f32>> {
        let spec = AudioSpec { rate: RATE, channels };
        let mut mixer = Mixer::new(self.project(), range, spec, &ReadOptions::default());
        let mut out = Vec::new();
        while let Some(block) = mixer.next(997).expect("mixed") {
            assert_eq!((block.rate, block.channels), (RATE, channels));
            out.extend(block.samples.chunks(usize::from(channels)).map(<[f32]>::to_vec));
        }
        out
    }
}

/// A second of film whose sound is muted under the lines, which begin where the voice does: at zero.
fn dubbed(film: &Path) -> Scene<'_> {
    let (length, original) = (samples(48_000), Original::Mute);
    Scene { film: Some(film), length, voice: film, at: 0, lines: &[], original }
}

#[track_caller]
fn near(found: f32, expected: f32) {
    assert!((found - expected).abs() < NEAR, "{found} instead of {expected}");
}

#[test]
fn mute_duck_and_keep_set_the_original_under_the_voice_only() {
    let folder = tempfile::tempdir().expect("folder");
    let film = steady(folder.path(), "film.wav", 48_000, &[0.5, 0.25]);
    let voice = steady(folder.path(), "voice.wav", 24_000, &[0.125]);
    for (original, under) in [(Original::Mute, 0.0), (Original::Duck, 0.125_892_5), (Original::Keep, 1.0)] {
        let lines = [range(12_000, 36_000)];
        let scene = Scene { voice: &voice, at: 12_000, lines: &lines, original, ..dubbed(&film) };
        let mix = scene.mixed(2);
        assert_eq!(mix.len(), 48_000);
        for (at, frame) in mix.iter().enumerate() {
            match at {
                // More than a fade away: the original's own bits.
                0..=11_519 | 36_481.. => assert_eq!(frame, &[0.5, 0.25], "{original:?} {at}"),
                12_480..=35_519 => {
                    near(frame[0], 0.5 * under + 0.125);
                    near(frame[1], 0.25 * under + 0.125);
                }
                // Between them nothing is louder than both.
                _ => assert!(frame[0] <= 0.5 + 0.125 + NEAR && frame[0] >= 0.125 * under - NEAR),
            }
        }
    }
}

#[test]
fn every_edge_fades_and_none_clicks() {
    let folder = tempfile::tempdir().expect("folder");
    let film = steady(folder.path(), "film.wav", 48_000, &[0.5]);
    // The voice goes on where the range ends, and has begun before it starts.
    let voice = steady(folder.path(), "voice.wav", 48_000, &[0.25]);
    let mix = Scene { voice: &voice, lines: &[range(10_000, 30_000)], ..dubbed(&film) }.mixed(1);
    let (start, end) = (10_000, 30_000);
    // The original falls over the fade before the range, the voice rises over the fade at its beginning.
    near(mix[start - FADE][0], 0.5);
    near(mix[start - FADE / 2][0], 0.25);
    near(mix[start][0], 0.0);
    near(mix[start + FADE / 2][0], 0.125);
    near(mix[start + FADE][0], 0.25);
    near(mix[end - 1 - FADE][0], 0.25);
    near(mix[end - 1][0], 0.0);
    near(mix[end + FADE / 2][0], 0.25);
    near(mix[end + FADE][0], 0.5);
    let steepest = mix.windows(2).map(|w| (w[1][0] - w[0][0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 1.01 * 0.5 / FADE as f32, "{steepest}");
}

#[test]
fn a_voice_shorter_than_its_range_leaves_silence_and_a_longer_one_is_cut() {
    let folder = tempfile::tempdir().expect("folder");
    let voice = steady(folder.path(), "voice.wav", 8_000, &[0.25]);
    // The rest of the range stays silent: the original was muted for it.
    let film = steady(folder.path(), "film.wav", 48_000, &[0.5]);
    let mix = Scene { voice: &voice, at: 5_000, lines: &[range(5_000, 30_000)], ..dubbed(&film) }.mixed(1);
    near(mix[12_999 - FADE][0], 0.25);
    assert!(mix[12_999..30_000].iter().all(|frame| frame[0] == 0.0));
    near(mix[31_000][0], 0.5);
    // A range that the voice outlasts ends it, in a film without sound too.
    let mix = Scene { film: None, voice: &voice, at: 1_000, lines: &[range(3_000, 6_000)], ..dubbed(&film) }
        .mixed(1);
    assert!(mix[..=3_000].iter().chain(&mix[5_999..]).all(|frame| frame[0] == 0.0));
    assert!(mix[3_000 + FADE..6_000 - FADE - 1].iter().all(|frame| (frame[0] - 0.25).abs() < NEAR));
}

#[test]
fn the_voice_begins_at_its_sample_and_the_mix_ends_at_its() {
    let folder = tempfile::tempdir().expect("folder");
    // A ramp: each sample says which one it is, by more than `NEAR`.
    let ramp: Vec<f32> = (0..4_000).map(|n| n as f32 / 8_192.0).collect();
    let voice = folder.path().join("voice.wav");
    std::fs::write(&voice, synthetic::wav(&Audio { rate: RATE, channels: 1, samples: ramp.clone() }))
        .expect("written");
    // 1001/24000 s is 2002 samples of 48 kHz a frame: 3.5 frames end between two samples of nothing.
    let duration = Time::from_units(1_001 * 7, 48_000) + Time::from_units(1, 96_000);
    let lines = [range(2_000, 5_001)];
    let scene =
        Scene { film: None, length: duration, voice: &voice, at: 1_001, lines: &lines, ..dubbed(&voice) };
    let mix = scene.mixed(1);
    assert_eq!(mix.len() as i64, duration.round_units(i64::from(RATE)));
    for at in 2_000 + FADE..5_000 - FADE {
        near(mix[at][0], ramp[at - 1_001]);
    }
}

#[test]
fn two_lines_sound_and_dip_each_in_its_own_range() {
    let folder = tempfile::tempdir().expect("folder");
    let film = steady(folder.path(), "film.wav", 48_000, &[0.5]);
    let voice = steady(folder.path(), "voice.wav", 48_000, &[0.25]);
    let lines = [range(5_000, 15_000), range(25_000, 35_000)];
    let scene = Scene { voice: &voice, lines: &lines, ..dubbed(&film) };
    let mix = scene.mixed(1);
    for (at, expected) in [(2_000, 0.5), (10_000, 0.25), (20_000, 0.5), (30_000, 0.25), (40_000, 0.5)] {
        near(mix[at][0], expected);
    }
    // From any start the same samples come.
    for start in [0, 4_777, 9_999, 15_200, 24_901, 40_000] {
        let part = scene.part(range(start, start + 2_500), 1);
        assert_eq!(part, mix[start as usize..][..2_500], "from {start}");
    }
}

#[test]
fn in_surround_the_voice_is_in_the_centre() {
    let folder = tempfile::tempdir().expect("folder");
    let voice = steady(folder.path(), "voice.wav", 8_000, &[0.25]);
    let mix = Scene { film: None, voice: &voice, lines: &[range(0, 8_000)], ..dubbed(&voice) }.mixed(6);
    assert!(mix[FADE..8_000 - FADE - 1].iter().all(|frame| {
        (frame[2] - 0.25).abs() < NEAR && [0, 1, 3, 4, 5].iter().all(|&channel| frame[channel] == 0.0)
    }));
}
