//! One still and a voice become a talking head. Painted frames are kept in the cache, so that a talk that was broken
//! off goes on with the next one.

use crate::analysis::FilmSound;
use crate::cache::{self, Cache};
use crate::detector::Detector;
use crate::error::EngineError;
use crate::export::check_outputs;
use crate::files::{fingerprint, write_atomically};
use crate::film::{FilmReader, reading};
use crate::paths::Paths;
use crate::recipe::Prepared;
use lipsmith_base::{
    Affine, Cancel, ColourSpec, Digest, FrameRate, Picture, PixelFormat, Progress, Rect, Rgb, Sink, Time,
    TimeRange,
};
use lipsmith_lipsync::Speech;
use lipsmith_lipsync::talk::Talker;
use lipsmith_media::{AudioReader, AudioSpec, MovieWriter, Profile, Timing, VideoSpec, probe};
use lipsmith_project::Method;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};

/// Raised whenever the same request would paint other frames.
const VERSION: u32 = 1;
/// A voice without any sample above this says nothing.
const SILENT: f32 = 1e-3;
/// Pixels of the finished film's side.
pub const SIZES: std::ops::RangeInclusive<usize> = 64..=1024;

pub struct TalkRequest {
    pub photo: PathBuf,
    pub voice: PathBuf,
    pub output: PathBuf,
    /// Of several faces the one to talk, counted from the left, from 1; `None` where there is one.
    pub face: Option<usize>,
    pub detector: Detector,
    /// Its family is `diffused-heads`.
    pub method: Method,
    /// The U-Net's weights instead of the imported ones.
    pub checkpoint: Option<PathBuf>,
    pub device: String,
    /// Every so many frames the head is reminded of the photo.
    pub steady: Option<usize>,
    /// Pixels of the film's side, of [`SIZES`]; even.
    pub size: usize,
    pub profile: Profile,
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Talked {
    pub output: PathBuf,
    pub frames: usize,
    pub seconds: f64,
    pub size: usize,
}

impl fmt::Display for Talked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Talked { output, frames, seconds, size } = self;
        write!(f, "{}: {frames} frames of {size}×{size}, {seconds:.3} s", output.display())
    }
}

/// # Errors
/// Photos without a face or with several, voices that say nothing, weights that are missing: in words that say what
/// to do. Nothing is left at the output's path unless all was written.
pub fn talk(
    paths: &Paths,
    request: &TalkRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Talked, EngineError> {
    let TalkRequest { photo, voice, output, size, .. } = request;
    check_outputs(output, None, [photo, voice].into_iter().map(PathBuf::as_path))?;
    if !SIZES.contains(size) || size % 2 == 1 {
        let (least, most) = (SIZES.start(), SIZES.end());
        return Err(EngineError::Request(format!("--size {size}: give an even number, {least} to {most}")));
    }
    let prepared = Prepared::new(&request.method, request.checkpoint.as_deref(), &request.device, paths)?;
    let talker = prepared.talker(request.steady)?;
    sink.note(prepared.describe());
    let picture = still(photo, cancel)?;
    let face = face(paths, request, &picture)?;
    let crop = talker.crop(face);
    let person = picture.sample(crop.map, crop.width, crop.height);
    let speech = spoken(voice, cancel)?;
    let folder = Cache::new(&paths.cache).folder("talks", key(request, &prepared, face)?);
    let frames = paint(&talker, &person, &speech, &folder, sink, cancel)?;
    write(request, &folder, (frames, crop.width), sink, cancel)?;
    Ok(Talked { output: output.clone(), frames, seconds: start(frames).secs_f64(), size: *size })
}

fn still(photo: &Path, cancel: &Cancel) -> Result<Picture, EngineError> {
    let info = probe(photo)?;
    let film = info.video.as_ref().is_some_and(|video| video.frames > 1);
    if film {
        return Err(EngineError::Request(format!(
            "{} is a film: give a still picture, or dub the film by `lipsmith dub`",
            photo.display()
        )));
    }
    FilmReader::open(photo, cancel)?.picture(0)?.ok_or_else(|| {
        EngineError::Request(format!("{} cannot be decoded; give another picture", photo.display()))
    })
}

fn face(paths: &Paths, request: &TalkRequest, picture: &Picture) -> Result<Rect, EngineError> {
    let mut finder = request.detector.choose(paths)?.open(&request.device)?;
    let mut faces: Vec<Rect> = finder.find(picture)?.iter().map(|face| face.rect).collect();
    faces.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let refused = |why: String| EngineError::Request(format!("{}: {why}", request.photo.display()));
    match (faces.as_slice(), request.face) {
        ([], _) => {
            Err(refused("no face was found in it; give a picture that shows one from the front".into()))
        }
        ([only], None) => Ok(*only),
        (several, None) => Err(refused(format!(
            "it shows {} faces; choose who talks by --face 1 to {}, counted from the left",
            several.len(),
            several.len()
        ))),
        (faces, Some(number)) => {
            number.checked_sub(1).and_then(|at| faces.get(at)).copied().ok_or_else(|| {
                refused(format!("--face {number}: it shows {}, counted from the left from 1", faces.len()))
            })
        }
    }
}

fn spoken(voice: &Path, cancel: &Cancel) -> Result<Speech, EngineError> {
    let refused = |why: &str| EngineError::Request(format!("{}: {why}", voice.display()));
    let duration = probe(voice)?.audio.map(|audio| audio.duration);
    let duration = duration.ok_or_else(|| refused("it has no sound; give the voice"))?;
    let speech = FilmSound::open(voice, cancel)?.speech(TimeRange::new(Time::ZERO, duration))?;
    if speech.samples.iter().all(|sample| sample.abs() < SILENT) {
        return Err(refused("it is silent; give a voice that speaks"));
    }
    Ok(speech)
}

/// All that decides how the frames are painted.
fn key(request: &TalkRequest, prepared: &Prepared, face: Rect) -> Result<Digest, EngineError> {
    let (photo, voice) = (fingerprint(&request.photo)?, fingerprint(&request.voice)?);
    let method = prepared.method();
    let words = format!("talk {VERSION} {photo} {voice} {face:?} {method:?} {:?}", request.steady);
    Ok(Digest::of(words.as_bytes()))
}

/// Paints every frame that is not in `folder` yet; how many there are.
fn paint(
    talker: &Talker,
    person: &Rgb,
    speech: &Speech,
    folder: &Path,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<usize, EngineError> {
    let (frames, side) = (Talker::frames(speech), person.width());
    let (mut first, mut last) = (0, VecDeque::new());
    while first < frames
        && let Some(frame) = kept(folder, first, side)?
    {
        first += 1;
        last.truncate(Talker::LOOKS_BACK - 1);
        last.push_front(frame);
    }
    let last = last.make_contiguous();
    last.reverse();
    let mut talk = talker.begin(person, speech, (first, last))?;
    for index in first..frames {
        sink.progress(Progress { stage: "paint", done: index as u64, total: Some(frames as u64) });
        let picture = talk.paint(cancel)?;
        let bytes: Vec<u8> = picture.pixels().iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
        write_atomically(&frame_path(folder, index), &bytes)?;
    }
    Ok(frames)
}

fn frame_path(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("{index:06}.frame"))
}

/// A painted frame, exactly; `None` where it is absent or broken.
fn kept(folder: &Path, index: usize, side: usize) -> Result<Option<Rgb>, EngineError> {
    let Some(bytes) = cache::read(&frame_path(folder, index))? else { return Ok(None) };
    let values: Vec<f32> = bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Ok(Rgb::from_pixels(side, side, values.as_chunks().0.to_vec()))
}

fn start(frame: usize) -> Time {
    Time::from_units(frame as i64, 25)
}

fn write(
    request: &TalkRequest,
    folder: &Path,
    (frames, side): (usize, usize),
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<(), EngineError> {
    let size = request.size;
    let spec = VideoSpec {
        width: size,
        height: size,
        format: PixelFormat::I420,
        colour: ColourSpec::BT709,
        pixel_aspect: (1, 1),
        timing: Timing::constant(FrameRate::FPS_25),
    };
    let mut sound = AudioReader::open(&request.voice, 48_000, None, &reading(cancel))?;
    let first = sound.next()?;
    let channels = first.as_ref().map_or(1, |block| block.channels);
    let mut writer = MovieWriter::create(
        &request.output,
        request.profile,
        spec,
        Some(AudioSpec { rate: 48_000, channels }),
    )?;
    let mut heard = Time::ZERO;
    let mut block = first;
    for index in 0..frames {
        cancel.check()?;
        let Some(frame) = kept(folder, index, side)? else {
            let path = frame_path(folder, index);
            return Err(EngineError::Request(format!(
                "{} is broken; delete it and run again",
                path.display()
            )));
        };
        let here = Rect::new(0.0, 0.0, size as f32, size as f32);
        let map = Affine::rect_to_rect(here, Rect::new(0.0, 0.0, side as f32, side as f32));
        let picture = Picture::from_rgb(&frame.warp(map, size, size), spec.format, spec.colour);
        writer.write_picture(&picture, start(index), start(index + 1) - start(index))?;
        while let Some(some) = block.take_if(|_| heard < start(index + 1)) {
            heard += some.duration();
            writer.write_audio(&some)?;
            block = sound.next()?;
        }
        sink.progress(Progress { stage: "export", done: index as u64 + 1, total: Some(frames as u64) });
    }
    while let Some(some) = block {
        writer.write_audio(&some)?;
        block = sound.next()?;
    }
    Ok(writer.finish()?)
}
