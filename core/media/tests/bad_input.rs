//! Everything that is not a good film gets one clear error, and leaves nothing behind.

use lipsmith_base::{Audio, ColourSpec, FrameRate, PixelFormat, Time};
use lipsmith_media::synthetic::{picture, tone};
use lipsmith_media::{
    AudioReader, AudioSpec, MediaError, MovieWriter, Profile, ReadOptions, Timing, VideoReader, VideoSpec,
    probe, synthetic,
};
use std::path::Path;

const SPEC: VideoSpec = VideoSpec {
    width: 128,
    height: 64,
    format: PixelFormat::I420,
    colour: ColourSpec::BT709,
    pixel_aspect: (1, 1),
    timing: Timing::Constant { rate: FrameRate::FPS_25 },
};

fn film(path: &Path, profile: Profile, pictures: u64, sound: bool) {
    let spec = AudioSpec { rate: 48_000, channels: 2 };
    let mut writer = MovieWriter::create(path, profile, SPEC, sound.then_some(spec)).expect("create");
    for number in 0..pictures {
        let drawn = picture(number, SPEC.width, SPEC.height, SPEC.format, SPEC.colour).expect("a picture");
        let start = FrameRate::FPS_25.frame_start(number as i64);
        writer.write_picture(&drawn, start, FrameRate::FPS_25.frame_duration()).expect("write");
        if sound {
            writer.write_audio(&tone(48_000, 2, number * 1920, 1920, 440.0)).expect("write");
        }
    }
    writer.finish().expect("finish");
}

/// The message names the file and says more than one thing.
fn told(error: &MediaError, path: &Path) {
    let message = error.to_string();
    println!("{message}");
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    assert!(message.contains(": "), "{message}");
}

#[test]
fn what_is_no_film_is_refused_in_words() {
    let folder = tempfile::tempdir().expect("folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("write");
        path
    };
    let mut noise = 12_345_u32;
    let garbage: Vec<u8> = std::iter::repeat_with(|| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 24) as u8
    })
    .take(200_000)
    .collect();
    // A whole PNG, checksums and all, that claims 60,000 × 60,000 and holds next to nothing.
    let huge = b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\xea`\x00\x00\xea`\x08\x02\x00\x00\x00\x0f\xb0\xe2\x15\x00\x00\x00\x11IDATx\x9cc`\x18\x05\xa3`\x14\x0cw\x00\x00\x03\xe8\x00\x01\xb3\xa6\xd3F\x00\x00\x00\x00IEND\xaeB`\x82";

    type Expected = fn(&MediaError) -> bool;
    let missing = folder.path().join("nothing.mp4");
    let cases: [(std::path::PathBuf, Expected); 6] = [
        (missing, |e| matches!(e, MediaError::Missing { .. })),
        (folder.path().to_path_buf(), |e| matches!(e, MediaError::Folder { .. })),
        (file("empty.mp4", b""), |e| matches!(e, MediaError::Empty { .. })),
        (file("garbage.mp4", &garbage), |e| {
            matches!(e, MediaError::NotMedia { .. } | MediaError::Damaged { .. })
        }),
        (file("text.mov", b"This is a letter, not a film.\n"), |e| {
            matches!(e, MediaError::NotMedia { .. } | MediaError::Damaged { .. })
        }),
        (file("huge.png", huge), |e| matches!(e, MediaError::TooLarge { .. } | MediaError::NoSound { .. })),
    ];
    for (path, expected) in cases {
        let options = ReadOptions::default();
        let errors = [
            probe(&path).err(),
            VideoReader::open(&path, &options).err(),
            AudioReader::open(&path, 48_000, None, &options).err(),
        ];
        for error in errors {
            let error = error.expect("an error");
            told(&error, &path);
            assert!(expected(&error), "{error:?}");
        }
    }
}

#[test]
fn truncated_films_give_what_they_have_or_an_error() {
    let folder = tempfile::tempdir().expect("folder");
    for profile in [Profile::H264Mp4, Profile::Ffv1Mkv, Profile::Vp9Webm, Profile::ProresMov] {
        let whole = folder.path().join("whole");
        film(&whole, profile, 50, true);
        let bytes = std::fs::read(&whole).expect("read");
        for part in [0.01, 0.7] {
            let path = folder.path().join(format!("{part}.{}", profile.extension()));
            std::fs::write(&path, &bytes[..(bytes.len() as f64 * part) as usize]).expect("write");
            match VideoReader::open(&path, &ReadOptions::default()) {
                Err(error) => told(&error, &path),
                Ok(mut reader) => {
                    let mut count = 0;
                    while reader.next().expect("what is there decodes").is_some() {
                        count += 1;
                    }
                    assert!(count <= 50);
                    println!("{} {part}: {count} pictures, {:?}", profile.name(), reader.notes());
                }
            }
        }
    }
}

#[test]
fn a_hole_in_a_film_is_bridged_and_told() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("film.mkv");
    film(&path, Profile::Ffv1Mkv, 50, false);
    let mut bytes = std::fs::read(&path).expect("read");
    let (from, to) = (bytes.len() * 2 / 5, bytes.len() * 2 / 5 + bytes.len() / 10);
    bytes[from..to].fill(0x55);
    std::fs::write(&path, &bytes).expect("write");
    let mut reader = VideoReader::open(&path, &ReadOptions::default()).expect("open");
    let (mut count, mut last) = (0, 0);
    while let Some(frame) = reader.next().expect("the rest decodes") {
        assert!(count == 0 || frame.index > last, "order");
        (count, last) = (count + 1, frame.index);
    }
    println!("{count} pictures, {:?}", reader.notes());
    assert!((15..50).contains(&count) && !reader.notes().is_empty(), "{count}");
}

#[test]
fn sound_is_not_picture_and_picture_is_not_sound() {
    let folder = tempfile::tempdir().expect("folder");
    let silent = folder.path().join("silent.mp4");
    film(&silent, Profile::H264Mp4, 5, false);
    let error = AudioReader::open(&silent, 48_000, None, &ReadOptions::default()).err().expect("an error");
    told(&error, &silent);
    assert!(matches!(error, MediaError::NoSound { .. }));

    let wav = folder.path().join("voice.wav");
    std::fs::write(&wav, synthetic::wav(&Audio::silence(16_000, 1, 1_600))).expect("write");
    let error = VideoReader::open(&wav, &ReadOptions::default()).err().expect("an error");
    told(&error, &wav);
    assert!(matches!(error, MediaError::NoPicture { .. }));
    let info = probe(&wav).expect("probe");
    assert_eq!(info.duration, Time::from_units(1, 10));
    assert!(info.video.is_none() && !info.still);
}

#[test]
fn where_nothing_can_be_written_nothing_is_left() {
    let folder = tempfile::tempdir().expect("folder");
    let occupied = folder.path().join("a folder");
    std::fs::create_dir(&occupied).expect("a folder");
    for path in [folder.path().join("no/such/folder.mp4"), occupied, "/proc/film.mp4".into()] {
        let error = MovieWriter::create(&path, Profile::H264Mp4, SPEC, None).err().expect("an error");
        told(&error, &path);
        assert!(matches!(error, MediaError::CannotCreate { .. }), "{error:?}");
    }
    // Dropped unfinished; an older film of that name stays as it was.
    let path = folder.path().join("film.mp4");
    std::fs::write(&path, b"old").expect("write");
    let mut writer = MovieWriter::create(&path, Profile::H264Mp4, SPEC, None).expect("create");
    let drawn = picture(0, SPEC.width, SPEC.height, SPEC.format, SPEC.colour).expect("a picture");
    writer.write_picture(&drawn, Time::ZERO, FrameRate::FPS_25.frame_duration()).expect("write");
    assert!(matches!(
        writer.write_picture(&drawn, Time::ZERO, FrameRate::FPS_25.frame_duration()),
        Err(MediaError::Misuse { .. })
    ));
    drop(writer);
    assert_eq!(std::fs::read(&path).expect("read"), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 2);
}

#[test]
fn cancelling_and_dropping_end_at_once() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("film.mp4");
    film(&path, Profile::H264Mp4, 60, true);
    for frames in [0, 1, 20, 60] {
        let mut reader = VideoReader::open(&path, &ReadOptions::default()).expect("open");
        let sound = AudioReader::open(&path, 16_000, Some(1), &ReadOptions::default()).expect("open");
        for _ in 0..frames {
            reader.next().expect("next").expect("a picture");
        }
        drop((reader, sound));
    }
    let options = ReadOptions::default();
    options.cancel.cancel();
    assert!(matches!(VideoReader::open(&path, &options).err(), Some(MediaError::Cancelled)));
}
/// Needs a small file system of its own, which only root may mount.
#[test]
fn a_full_disk_is_told_and_left_clean() {
    let folder = tempfile::tempdir().expect("folder");
    let mount = |arguments: &[&str], program: &str| {
        let ran = std::process::Command::new(program).args(arguments).arg(folder.path()).output();
        ran.is_ok_and(|output| output.status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=256k", "tmpfs"], "mount") {
        println!("SKIPPED: a_full_disk_is_told_and_left_clean: no file system can be mounted here");
        return;
    }
    let path = folder.path().join("film.mkv");
    let spec = VideoSpec { width: 640, height: 360, ..SPEC };
    let mut writer = MovieWriter::create(&path, Profile::Ffv1Mkv, spec, None).expect("create");
    let wrote = (0..200).try_for_each(|number| {
        let drawn = picture(number, 640, 360, SPEC.format, SPEC.colour).expect("a picture");
        let start = FrameRate::FPS_25.frame_start(number as i64);
        writer.write_picture(&drawn, start, FrameRate::FPS_25.frame_duration())
    });
    let error = wrote.and_then(|()| writer.finish()).err();
    let left = std::fs::read_dir(folder.path()).map(Iterator::count);
    assert!(mount(&[], "umount"), "umount");
    let error = error.expect("an error");
    told(&error, &path);
    assert!(matches!(error, MediaError::DiskFull { .. }), "{error:?}");
    assert_eq!(left.expect("list"), 0);
}
