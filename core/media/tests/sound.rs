//! Sound keeps its place to the sample through every profile, through what other programs write, and from any
//! number of channels to any other.

mod ffmpeg;

use ffmpeg::{ffmpeg, heard, picture_start, source};
use lipsmith_base::{Audio, ColourSpec, FrameRate, PixelFormat, Time};
use lipsmith_media::{
    AudioReader, AudioSpec, MovieWriter, PROFILES, ReadOptions, Timing, VideoSpec, probe, synthetic,
};
use std::path::Path;

const SECONDS: usize = 2;

/// Silence, and one burst of noise `LENGTH` samples long: found again to the sample, unlike a tone.
fn burst(rate: u32, start: usize) -> Vec<f32> {
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    });
    let mut samples = vec![0.0; SECONDS * rate as usize];
    // Two taps of a mean: codecs throw the highest tones away.
    let noise: Vec<f32> = noise.take(LENGTH + 1).collect();
    for (i, pair) in noise.windows(2).enumerate() {
        samples[start + i] = pair[0] + pair[1];
    }
    samples
}

const LENGTH: usize = 3_000;
/// Samples searched on either side.
const REACH: i64 = 2_500;

/// By how many samples `found` lies behind `original`, whose burst begins at `start`: where they agree best.
fn lag(original: &[f32], found: &[f32], start: usize) -> i64 {
    let agreement = |lag: i64| -> f32 {
        let there =
            |i: usize| usize::try_from(i as i64 + lag).ok().and_then(|i| found.get(i)).unwrap_or(&0.0);
        (start..start + LENGTH).map(|i| original[i] * there(i)).sum()
    };
    (-REACH..=REACH).max_by(|a, b| agreement(*a).total_cmp(&agreement(*b))).unwrap_or(0)
}

fn read(path: &Path, rate: u32, channels: Option<u16>) -> Audio {
    let reader = AudioReader::open(path, rate, channels, &ReadOptions::default()).expect("open");
    reader.read_all().expect("read")
}

fn channel(audio: &Audio, channel: usize) -> Vec<f32> {
    audio.samples.chunks(usize::from(audio.channels)).map(|frame| frame[channel]).collect()
}

#[test]
fn a_burst_stays_at_its_sample_in_every_profile() {
    let folder = tempfile::tempdir().expect("folder");
    let (format, colour, fps) = (PixelFormat::I420, ColourSpec::BT709, FrameRate::FPS_25);
    let timing = Timing::constant(fps);
    let spec = VideoSpec { width: 128, height: 64, format, colour, pixel_aspect: (1, 1), timing };
    for profile in PROFILES {
        for (rate, channels) in [(48_000, 2), (44_100, 1), (48_000, 6)] {
            let what = format!("{} {rate} {channels}", profile.name());
            let path = folder.path().join(format!("{rate}-{channels}.{}", profile.extension()));
            let start = rate as usize / 2 + 137;
            let original = burst(rate, start);
            let sound = Some(AudioSpec { rate, channels });
            let mut writer = MovieWriter::create(&path, profile, spec, sound).expect("create");
            let frame = rate as usize / 25;
            for number in 0..SECONDS * 25 {
                let drawn = synthetic::picture(number as u64, 128, 64, format, colour).expect("a picture");
                let at = fps.frame_start(number as i64);
                writer.write_picture(&drawn, at, fps.frame_duration()).expect("picture");
                let block = &original[number * frame..(number + 1) * frame];
                let samples = block.iter().flat_map(|v| std::iter::repeat_n(*v, usize::from(channels)));
                let block = Audio { rate, channels, samples: samples.collect() };
                writer.write_audio(&block).expect("sound");
            }
            writer.finish().expect("finish");

            let back = read(&path, rate, None);
            assert_eq!(back.channels, channels, "{what}");
            let ours = lag(&original, &channel(&back, 0), start);
            let theirs: Vec<f32> =
                heard(&path, rate).iter().step_by(usize::from(channels)).copied().collect();
            let theirs =
                lag(&original, &theirs, start) - (picture_start(&path) * f64::from(rate)).round() as i64;
            println!(
                "{what}: {ours} samples late, by ffmpeg {theirs}; {} of {} frames",
                back.frames(),
                original.len()
            );
            // A millisecond at most; ours is meant to be exact.
            let millisecond = i64::from(rate) / 1_000;
            assert!(ours.abs() <= 1, "{what}: {ours} samples late");
            assert!(theirs.abs() <= millisecond, "{what}: {theirs} samples late in ffmpeg");
            let off = back.frames() as i64 - original.len() as i64;
            // Opus has 48 kHz only; MP4 rounds the last packet up to its clock.
            assert!(off.abs() <= 1, "{what}: {off} samples too many");
        }
    }
}

#[test]
fn what_others_write_is_heard_where_they_hear_it() {
    let folder = tempfile::tempdir().expect("folder");
    let film = source(folder.path(), 50);
    let rate = 48_000;
    let start = 30_011;
    let original = burst(rate, start);
    let voice = folder.path().join("voice.wav");
    std::fs::write(&voice, synthetic::wav(&Audio { rate, channels: 1, samples: original.clone() }))
        .expect("wav");
    let voice = voice.to_string_lossy();
    for (name, how) in [
        ("aac.mp4", "-c:v libx264 -c:a aac -b:a 192k"),
        ("aac.mov", "-c:v libx264 -c:a aac -b:a 192k"),
        ("opus.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -b:a 128k"),
        ("opus.mkv", "-c:v libx264 -c:a libopus -b:a 128k"),
        ("flac.mkv", "-c:v libx264 -c:a flac"),
        ("pcm.mov", "-c:v libx264 -c:a pcm_s16le"),
        ("ac3.mkv", "-c:v libx264 -c:a ac3"),
    ] {
        let path = folder.path().join(name);
        ffmpeg(&film, &format!("-i {voice} -map 0:v -map 1:a {how}"), &path);
        let timing = probe(&path).expect("probe").video.expect("pictures").timing;
        assert_eq!(timing, Timing::constant(FrameRate::FPS_25), "{name}");
        let back = read(&path, rate, Some(1));
        let ours = lag(&original, &back.samples, start);
        let pictures = (picture_start(&path) * f64::from(rate)).round() as i64;
        let theirs = lag(&original, &heard(&path, rate), start) - pictures;
        println!("{name}: {ours} samples late, by ffmpeg {theirs}");
        assert!((ours - theirs).abs() <= i64::from(rate) / 1_000, "{name}: {ours}, by ffmpeg {theirs}");
    }
}

/// One speaker after the other of a 5.1 film, heard in stereo and in mono.
#[test]
fn surround_is_mixed_down() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, how) in
        [("six.wav", "-c:a pcm_s16le"), ("six.flac", "-c:a flac"), ("six.mkv", "-c:a ac3 -b:a 640k")]
    {
        let path = folder.path().join(name);
        // Front left, right, centre, low, back left, right, each a third of a second.
        let place = |n: usize| format!("if(between(t\\,{n}*0.3\\,{n}*0.3+0.2)\\,0.5*sin(2*PI*500*t)\\,0)");
        let voices: Vec<String> = (0..6).map(place).collect();
        ffmpeg::tone(&format!("aevalsrc={}:c=5.1:s=48000:d=1.8", voices.join("|")), how, &path);
        let loud = |audio: &Audio, side: usize, n: usize| {
            let samples = channel(audio, side);
            let span = &samples[(n * 14_400 + 2_400)..(n * 14_400 + 7_200)];
            (span.iter().map(|v| v * v).sum::<f32>() / span.len() as f32).sqrt()
        };
        let six = read(&path, 48_000, None);
        assert_eq!(six.channels, 6, "{name}");
        for n in 0..6 {
            let loudest = (0..6).max_by(|a, b| loud(&six, *a, n).total_cmp(&loud(&six, *b, n)));
            assert_eq!(loudest, Some(n), "{name}");
        }
        let (stereo, mono) = (read(&path, 48_000, Some(2)), read(&path, 48_000, Some(1)));
        let sides: Vec<(f32, f32)> = (0..6).map(|n| (loud(&stereo, 0, n), loud(&stereo, 1, n))).collect();
        println!("{name}: {sides:.3?}");
        for left in [0, 4] {
            assert!(sides[left].0 > 0.03 && sides[left].1 < 0.1 * sides[left].0, "{name}: {sides:?}");
            assert!((sides[left].0 - sides[left + 1].1).abs() < 0.01, "{name}: {sides:?}");
        }
        // Dialogue: equally on both sides, and nowhere lost.
        assert!((sides[2].0 - sides[2].1).abs() < 1e-3 && sides[2].0 > 0.05, "{name}: {sides:?}");
        assert!(loud(&mono, 0, 2) > 0.05 && loud(&mono, 0, 0) > 0.03, "{name}");
        assert!(stereo.samples.iter().chain(&mono.samples).all(|v| v.abs() <= 1.0), "{name}");
        assert!((stereo.duration() - Time::from_units(18, 10)).secs_f64().abs() < 0.04, "{name}");
    }
}

/// However a place is come to, it sounds the same: a line behind another is heard as it is alone.
#[test]
fn after_a_seek_every_sample_is_what_it_is_in_the_whole() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, rate, how) in [
        ("voice.flac", 22_050, "-c:a flac"),
        ("voice.wav", 44_100, "-c:a pcm_s16le"),
        ("voice.mov", 48_000, "-c:a pcm_s24le"),
    ] {
        let path = folder.path().join(name);
        ffmpeg::tone(&format!("anoisesrc=a=0.5:c=pink:seed=3:r={rate}:d=6"), how, &path);
        for wanted in [48_000, 16_000] {
            let whole = read(&path, wanted, Some(1));
            let off = (whole.duration() - Time::from_units(6, 1)).secs_f64();
            assert!(off.abs() < 1e-4, "{name} at {wanted}: {off} s too long");
            let mut reader =
                AudioReader::open(&path, wanted, Some(1), &ReadOptions::default()).expect("open");
            // On a little, far on, back, back to the start, behind the end.
            for milliseconds in [301, 350, 4_100, 1_777, 1_600, 0, 5_990, 7_000, 2_345] {
                let at = wanted as usize * milliseconds / 1_000;
                reader.seek(Time::from_units(milliseconds as i64, 1_000)).expect("seek");
                assert_eq!(reader.position(), at as u64, "{name} at {wanted}");
                let mut heard = Vec::new();
                while let Some(block) = reader.next().expect("next").filter(|_| heard.len() < 9_000) {
                    heard.extend(block.samples);
                }
                let there = &whole.samples[at.min(whole.samples.len())..];
                let there = &there[..there.len().min(heard.len())];
                assert!(heard == there, "{name} at {wanted} Hz from {milliseconds} ms on");
                assert_eq!(heard.is_empty(), milliseconds > 6_000, "{name} from {milliseconds} ms on");
            }
        }
    }
}
