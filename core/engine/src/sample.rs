//! The sample: a film of a presenter who is nobody and a line to dub it with, made by the procedural speaker.
//! `resources/sample` holds what this makes, so that Lipsmith can be tried with nothing else at hand.

use lipsmith_base::{Cancel, Cancelled, ColourSpec, FrameRate, Picture, PixelFormat, Progress, Sink, Time};
use lipsmith_media::{AudioSpec, MediaError, MovieWriter, Profile, Timing, VideoSpec, synthetic};
use lipsmith_train::TrainError;
use lipsmith_train::speaker::{Film, Look, Shot, Speech, Voice, speak};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Names of the two files in the folder.
pub const FILM: &str = "presenter.mp4";
pub const LINE: &str = "line.wav";

/// What the presenter says in English: a pause in milliseconds, and what follows it.
const SAYS: [(i64, &str); 3] = [
    (600, "Good evening, and welcome. Every film begins with a voice,"),
    (300, "and every voice moves a mouth. Please watch my lips: two blue moons, five big apples."),
    (600, ""),
];
/// What the presenter will have said, in German.
pub(crate) const DUBBED: &str =
    "Guten Abend und willkommen. Mein Mund spricht jetzt Deutsch, und Sie sehen selbst, ob das passt.";

#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    #[error("cancelled")]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Speaker(#[from] TrainError),
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error("{} cannot be written ({source}): choose a folder you may write to", .path.display())]
    File { path: PathBuf, source: io::Error },
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub film: PathBuf,
    pub line: PathBuf,
}

/// Renders both files into `folder`, which is made when it is missing; existing ones are replaced when the new
/// ones are whole. Takes about four seconds of one core per frame.
///
/// # Errors
/// Where espeak-ng is missing, the folder cannot be written, or the work was cancelled.
pub fn render_sample(folder: &Path, sink: &dyn Sink, cancel: &Cancel) -> Result<Sample, SampleError> {
    let film = presenter()?;
    let line = speak(DUBBED, &Voice { rate: 150, pitch: 38, ..Voice::new("de") })?.audio;
    let sample = Sample { film: folder.join(FILM), line: folder.join(LINE) };
    let wrong = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SampleError::File { path, source }
    };
    fs::create_dir_all(folder).map_err(wrong(folder))?;
    let unfinished = sample.line.with_extension("wav.part");
    fs::write(&unfinished, synthetic::wav(&line)).map_err(wrong(&unfinished))?;
    fs::rename(&unfinished, &sample.line).map_err(wrong(&sample.line))?;
    write_film(&sample.film, &film, sink, cancel)?;
    Ok(sample)
}

/// The presenter's film; nothing is rendered before its frames are asked for.
pub fn presenter() -> Result<Film, TrainError> {
    let voice = Voice { rate: 165, ..Voice::new("en") };
    let mut speech = Speech::default();
    for (pause, text) in SAYS {
        let words = if text.is_empty() { Speech::default() } else { speak(text, &voice)? };
        let rate = speech.audio.rate.max(words.audio.rate);
        speech = speech.then(Speech::silence(rate, Time::from_units(pause, 1000))).then(words);
    }
    let shot = Shot {
        look: Look::default(),
        width: 1280,
        height: 720,
        rate: FrameRate::FPS_24,
        seed: 4,
        liveliness: 1.0,
        bearing: [0.0; 3],
        effort: 1.15,
    };
    Ok(Film::new(shot, &speech))
}

fn write_film(path: &Path, film: &Film, sink: &dyn Sink, cancel: &Cancel) -> Result<(), SampleError> {
    let shot = film.shot();
    let spec = VideoSpec {
        width: shot.width,
        height: shot.height,
        format: PixelFormat::I420,
        colour: ColourSpec::BT709,
        pixel_aspect: (1, 1),
        timing: Timing::constant(shot.rate),
    };
    let sound = AudioSpec { rate: film.audio().rate, channels: film.audio().channels };
    let mut writer = MovieWriter::create(path, Profile::H264Mp4, spec, Some(sound))?;
    writer.write_audio(film.audio())?;
    for (index, frame) in film.frames().enumerate() {
        cancel.check()?;
        sink.progress(Progress { stage: "rendering", done: index as u64, total: Some(film.frame_count()) });
        let [start, end] = [index, index + 1].map(|i| shot.rate.frame_start(i as i64));
        let picture = Picture::from_rgb(&frame.picture, spec.format, spec.colour);
        writer.write_picture(&picture, start, end - start)?;
    }
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_leaves_no_film() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cancel = Cancel::new();
        cancel.cancel();
        match render_sample(folder.path(), &(), &cancel) {
            Err(SampleError::Cancelled(_)) => {
                assert!(!folder.path().join(FILM).exists());
                assert!(folder.path().join(LINE).metadata().is_ok_and(|m| m.len() > 100_000));
                assert_eq!(fs::read_dir(folder.path()).map(Iterator::count).ok(), Some(1));
            }
            Err(SampleError::Speaker(error)) => println!("SKIPPED: cancelling_leaves_no_film: {error}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_presenter_speaks_for_ten_seconds_with_closed_and_open_lips() {
        let film = match presenter() {
            Ok(film) => film,
            Err(error) => {
                println!("SKIPPED: the_presenter_speaks_for_ten_seconds_with_closed_and_open_lips: {error}");
                return;
            }
        };
        let seconds = film.audio().duration().secs_f64();
        assert!((10.0..12.0).contains(&seconds), "{seconds} s");
        let gaps: Vec<f32> = (0..film.frame_count()).map(|i| film.truth(i).lip_gap).collect();
        assert!(gaps[..10].iter().all(|&gap| gap < 0.01), "{:?}", &gaps[..10]);
        assert!(gaps.iter().filter(|&&gap| gap > 0.8).count() > 20);
    }
}
