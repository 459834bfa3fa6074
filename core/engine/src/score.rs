//! Scores: is a film in sync with its voice, and how far is it from another film of the same pictures. Every score
//! names the weights it was measured with; without weights there is none.

use crate::analysis::{Analysis, Analyst, FilmSound};
use crate::detector::Detector;
use crate::dub::{FaceChoice, choose};
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::film::FilmReader;
use crate::models::Registry;
use crate::paths::Paths;
use crate::take;
use candle_core::DType;
use lipsmith_base::{Affine, Cancel, Progress, Rect, Rgb, Sink, Time, TimeRange};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::families::Crop;
use lipsmith_lipsync::judge::Judge;
use lipsmith_lipsync::metrics::{landmark_distance, psnr, squared_error, ssim};
use lipsmith_lipsync::score::{Distances, RATE, SyncScore};
use lipsmith_nets::device;
use lipsmith_nets::syncnet_color::{self, SyncNetColor};
use lipsmith_nets::syncnet_v2::{self, SyncNetV2};
use lipsmith_nets::zoo::{self, Network};
use serde::Serialize;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What can judge, the papers' own first.
const JUDGES: [Network; 2] = [Network::SyncnetV2, Network::LipsyncExpert];
/// Windows that are looked at before their pictures are let go.
const AT_ONCE: usize = 16;
/// Side of the face's picture on which two films are compared.
const COMPARED: usize = 256;

pub struct ScoreRequest {
    pub film: PathBuf,
    /// The sound to judge the pictures by; `None`: the film's own. It begins with the film.
    pub voice: Option<PathBuf>,
    /// The same pictures before they were changed.
    pub against: Option<PathBuf>,
    pub face: FaceChoice,
    pub detector: Detector,
    /// Weights to judge with instead of the imported ones.
    pub checkpoint: Option<PathBuf>,
    /// A name of `lipsmith_nets::device`.
    pub device: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    pub film: PathBuf,
    pub person: u32,
    pub judge: JudgeName,
    /// Over all stretches; `None` when none is long enough.
    pub whole: Option<SyncScore>,
    pub stretches: Vec<Stretch>,
    pub against: Option<Likeness>,
}

/// With what sync was measured.
#[derive(Clone, Debug, Serialize)]
pub struct JudgeName {
    pub network: &'static str,
    pub title: &'static str,
    pub weights: PathBuf,
}

/// An unbroken stretch of a shot in which the person is seen.
#[derive(Clone, Debug, Serialize)]
pub struct Stretch {
    /// Film time, seconds.
    pub from: f64,
    pub to: f64,
    pub score: SyncScore,
}

/// How like the film is to the other, over the person's face.
#[derive(Clone, Debug, Serialize)]
pub struct Likeness {
    pub original: PathBuf,
    /// Frames compared.
    pub frames: u64,
    /// dB over the whole picture; `None` where nothing differs at all.
    pub psnr_picture: Option<f64>,
    /// dB over the face.
    pub psnr_face: Option<f64>,
    pub ssim_face: f64,
    /// Of the mouth, in hundredths of the distance between the eyes; `None` without a landmark detector.
    pub landmarks: Option<f64>,
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scored { film, person, judge, whole, stretches, against } = self;
        write!(f, "{}, person {person}, by {} ({})", film.display(), judge.title, judge.weights.display())?;
        match whole {
            Some(score) => write!(f, "\n  whole: {}", Words(score))?,
            None => write!(
                f,
                "\n  no stretch is long enough to be scored: six pictures at 25 a second are needed"
            )?,
        }
        for Stretch { from, to, score } in stretches.iter().filter(|_| stretches.len() > 1) {
            write!(f, "\n  {from:.2}–{to:.2} s: {}", Words(score))?;
        }
        let Some(Likeness { original, frames, psnr_picture, psnr_face, ssim_face, landmarks }) = against
        else {
            return Ok(());
        };
        let decibels = |psnr: &Option<f64>| psnr.map_or("equal".to_owned(), |psnr| format!("{psnr:.2} dB"));
        write!(f, "\n  against {} in {frames} frames: ", original.display())?;
        write!(f, "picture {}, face {}, SSIM {ssim_face:.4}", decibels(psnr_picture), decibels(psnr_face))?;
        match landmarks {
            Some(distance) => write!(f, ", mouth landmarks {distance:.2} % of the distance of the eyes"),
            None => write!(f, "; no landmarks: run packaging/fetch-face-models"),
        }
    }
}

struct Words<'a>(&'a SyncScore);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SyncScore { offset_frames, offset_ms, lse_d, lse_c, windows } = self.0;
        write!(f, "LSE-D {lse_d:.3}, LSE-C {lse_c:.3}, ")?;
        match offset_frames.signum() {
            0 => write!(f, "in time")?,
            1 => write!(f, "the sound is {offset_frames} frames ({offset_ms} ms) late")?,
            _ => write!(f, "the sound is {} frames ({} ms) early", -offset_frames, -offset_ms)?,
        }
        write!(f, " ({windows} windows)")
    }
}

/// Measures a film.
///
/// # Errors
/// Without weights that can judge, a face or sound, in words that say what to do.
pub fn score(
    paths: &Paths,
    request: &ScoreRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Scored, EngineError> {
    let (judge, name) = judge(paths, request.checkpoint.as_deref(), &request.device)?;
    let analyst = Analyst::new(paths, sink, cancel).using(request.detector, &request.device);
    let analysis = analyst.analyse(&request.film, fingerprint(&request.film)?)?;
    let whole = TimeRange::new(Time::ZERO, analysis.times().end());
    if analysis.people().is_empty() {
        let film = request.film.display();
        return Err(EngineError::Request(format!("{film} shows no face, so there is no mouth to score")));
    }
    let person = choose(request.face, &analysis, &[whole], sink)?;
    let sound = request.voice.as_deref().unwrap_or(&request.film);
    let Some(mut sound) = FilmSound::open_if_any(sound, cancel)? else {
        return Err(EngineError::Request(format!("{} has no sound; give one by --voice", sound.display())));
    };
    let mut film = FilmReader::open(&request.film, cancel)?;
    let segments = take::stretches(&analysis, person, whole).segments;
    let total = segments.iter().map(|s| s.end - s.start).sum();
    let (mut all, mut stretches, mut done) = (Distances::none(), Vec::new(), 0);
    for segment in segments {
        let span = analysis.span(&segment);
        let faces = analysis.faces(person, &segment)?;
        let speech = sound.speech(span)?;
        let seen = Seen { analysis: &analysis, segment: &segment, faces: &faces };
        let windows = judge.windows(seen.pictures(), &speech);
        let mut points = Vec::with_capacity(windows);
        let mut pictures = Vec::new();
        for at in 0..if windows > 0 { windows + 4 } else { 0 } {
            cancel.check()?;
            pictures.push(seen.picture(&judge, &mut film, at)?);
            if pictures.len() == AT_ONCE + 4 || at + 1 == windows + 4 {
                points.extend(judge.see(&pictures)?);
                pictures.drain(..pictures.len() - 4);
                let frames = done + seen.frame(at) - segment.start;
                sink.progress(Progress { stage: "score", done: frames, total: Some(total) });
            }
        }
        done += segment.end - segment.start;
        let distances = Distances::between(&points, &judge.hear(&speech, windows)?);
        if let Some(score) = distances.score() {
            let (from, to) = (span.start().secs_f64(), span.end().secs_f64());
            stretches.push(Stretch { from, to, score });
        }
        all.add(&distances);
    }
    let against = match &request.against {
        None => None,
        Some(original) => Some(likeness(&analyst, request, original, &analysis, person, sink, cancel)?),
    };
    let film = request.film.clone();
    Ok(Scored { film, person, judge: name, whole: all.score(), stretches, against })
}

/// The one place that knows what judges: the weights that were named, else the imported ones.
fn judge(paths: &Paths, file: Option<&Path>, device: &str) -> Result<(Judge, JudgeName), EngineError> {
    let (network, weights) = match file {
        Some(file) => {
            let checkpoint = lipsmith_nets::checkpoint::Checkpoint::open(file)
                .map_err(|e| EngineError::Request(format!("--checkpoint: {e}")))?;
            let found = zoo::recognise(&checkpoint)
                .map_err(|what| EngineError::Request(format!("--checkpoint {}: {what}", file.display())))?;
            (found.network, file.to_path_buf())
        }
        None => {
            let registry = Registry::open(&paths.data)?;
            let installed = |network: Network| Some((network, registry.installed(network.name())?));
            JUDGES.into_iter().find_map(installed).ok_or_else(|| {
                EngineError::Request(
                    "a score needs weights that judge, and none are installed: run `lipsmith models import FILE` \
                     with syncnet_v2.model or lipsync_expert.pth, or give --checkpoint FILE"
                        .into(),
                )
            })?
        }
    };
    let device = device::open(device).map_err(|e| EngineError::Request(format!("--device: {e}")))?;
    let wanted = if JUDGES.contains(&network) { network } else { JUDGES[0] };
    let (checkpoint, found) = zoo::open(&weights, wanted).map_err(EngineError::Network)?;
    let vars = checkpoint.var_builder(&found.prefix, DType::F32, &device);
    let built = match network {
        Network::LipsyncExpert => syncnet_color::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetColor::new(&config, &vars))
            .map(|network| Judge::expert(network, device)),
        _ => syncnet_v2::Config::of_checkpoint(&vars)
            .and_then(|config| SyncNetV2::new(&config, &vars))
            .map(|network| Judge::syncnet(network, device)),
    };
    let about = network.about();
    let name = JudgeName { network: network.name(), title: &about.title, weights };
    Ok((built.map_err(EngineError::Network)?, name))
}

/// A stretch of film, as pictures at 25 a second.
struct Seen<'a> {
    analysis: &'a Analysis,
    segment: &'a Range<u64>,
    faces: &'a [Option<Face>],
}

impl Seen<'_> {
    fn pictures(&self) -> usize {
        self.analysis.span(self.segment).duration().floor_units(RATE).max(0) as usize
    }

    /// The film's frame that is on screen at picture `at`.
    fn frame(&self, at: usize) -> u64 {
        let time = self.analysis.times().start(self.segment.start) + Time::from_units(at as i64, RATE);
        self.analysis.times().index_at(time).clamp(self.segment.start, self.segment.end - 1)
    }

    fn picture(&self, judge: &Judge, film: &mut FilmReader, at: usize) -> Result<Rgb, EngineError> {
        let frame = self.frame(at);
        let index = (frame - self.segment.start) as usize;
        // Where the face is not found it is taken to be where it was, or where it will be.
        let before = self.faces[..=index].iter().rev().flatten().next();
        let face = before.or_else(|| self.faces.iter().flatten().next());
        let crop = face.map(|face| judge.crop(face.rect)).ok_or_else(|| {
            EngineError::Request(
                "the person is not seen in a stretch that shows them; track the film anew".into(),
            )
        })?;
        let Crop { map, width, height } = crop;
        let picture = film.picture(frame)?;
        // A picture that cannot be decoded is black, and scores badly.
        Ok(picture.map_or_else(|| Rgb::black(width, height), |picture| picture.sample(map, width, height)))
    }
}

/// Compares the film with `original` frame by frame, where the person's face is in the film.
fn likeness(
    analyst: &Analyst,
    request: &ScoreRequest,
    original: &Path,
    analysis: &Analysis,
    person: u32,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Likeness, EngineError> {
    let theirs = analyst.analyse(original, fingerprint(original)?)?;
    let (mut film, mut other) =
        (FilmReader::open(&request.film, cancel)?, FilmReader::open(original, cancel)?);
    let size = |film: &FilmReader| (film.video().width, film.video().height);
    let (ours, frames) = (size(&film), analysis.times().count());
    if ours != size(&other) || frames != theirs.times().count() {
        return Err(EngineError::Request(format!(
            "--against {}: it has {} frames of {:?} pixels, the film {frames} of {ours:?}; give the film it was made of",
            original.display(),
            theirs.times().count(),
            size(&other)
        )));
    }
    let (width, height) = ours;
    let picture = Rect::new(0.0, 0.0, width as f32, height as f32);
    let same_place = |theirs: &Face, face: &Face| theirs.rect.iou(face.rect) > 0.3;
    let (mut whole, mut face_error, mut similar, mut lips) =
        (Mean::default(), Mean::default(), Mean::default(), Mean::default());
    let span = TimeRange::new(Time::ZERO, analysis.times().end());
    for segment in take::stretches(analysis, person, span).segments {
        let faces = analysis.faces(person, &segment)?;
        let people: Vec<u32> = theirs.people().iter().map(|person| person.number).collect();
        let others =
            people.iter().map(|&person| theirs.faces(person, &segment)).collect::<Result<Vec<_>, _>>()?;
        for (index, frame) in segment.clone().enumerate() {
            cancel.check()?;
            sink.progress(Progress { stage: "compare", done: frame, total: Some(frames) });
            let (Some(face), Some(a), Some(b)) = (&faces[index], film.picture(frame)?, other.picture(frame)?)
            else {
                continue;
            };
            let seen = |rect: Rect, width: usize, height: usize| {
                let here = Rect::new(0.0, 0.0, width as f32, height as f32);
                let map = Affine::rect_to_rect(here, rect);
                (a.sample(map, width, height), b.sample(map, width, height))
            };
            let (ours, theirs) = seen(picture, width, height);
            whole.add(squared_error(&ours, &theirs));
            let (ours, theirs) = seen(face.rect, COMPARED, COMPARED);
            face_error.add(squared_error(&ours, &theirs));
            ssim(&ours, &theirs).into_iter().for_each(|value| similar.add(value));
            let their_face = others.iter().filter_map(|faces| faces[index].as_ref());
            let their_face = their_face.into_iter().find(|other| same_place(other, face));
            let points = |face: &Face| face.landmarks.as_ref().map(|landmarks| landmarks.points.clone());
            if let Some((ours, theirs)) = points(face).zip(their_face.and_then(points)) {
                landmark_distance(&ours, &theirs).into_iter().for_each(|value| lips.add(value));
            }
        }
    }
    Ok(Likeness {
        original: original.to_path_buf(),
        frames: whole.count,
        psnr_picture: whole.value().and_then(psnr),
        psnr_face: face_error.value().and_then(psnr),
        ssim_face: similar.value().unwrap_or(1.0),
        landmarks: lips.value(),
    })
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
