//! Scores: is a film in sync with its voice, and how far is it from another film of the same pictures. Every score
//! names the weights it was measured with; without weights there is none.

mod crowd;
mod judge;
mod line;
mod looks;

use crowd::Crowd;
pub use crowd::CrowdApart;
pub use judge::{JudgeName, installed, open as open_judge};
pub use line::{Bench, Fit, LineScore, is_as_judged, score_line};
pub use lipsmith_lipsync::score::SyncScore;
pub use looks::LooksApart;

use crate::analysis::{Analysis, Analyst, FilmSound};
use crate::detector::Detector;
use crate::dub::{FaceChoice, choose};
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::film::FilmReader;
use crate::paths::Paths;
use crate::score::looks::Looks;
use crate::take;
use lipsmith_base::{Affine, Cancel, FrameRate, Picture, Progress, Rect, Rgb, Sink, Time, TimeRange};
use lipsmith_lipsync::families::Crop;
use lipsmith_lipsync::judge::Judge;
use lipsmith_lipsync::metrics::{landmark_distance, psnr, squared_error, ssim};
use lipsmith_lipsync::score::{Distances, RATE};
use lipsmith_lipsync::{Face, Speech};
use lipsmith_project::Project;
use lipsmith_project::interchange::Format;
use serde::Serialize;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Windows that are looked at before their pictures are let go.
const AT_ONCE: usize = 16;
/// A voice without any sample above this says nothing.
const SILENT: f32 = 1e-3;
/// Side of the face's picture on which two films are compared.
const COMPARED: usize = 256;

pub struct ScoreRequest {
    pub film: PathBuf,
    /// The sound to judge the pictures by; `None`: the film's own. It begins with the film.
    pub voice: Option<PathBuf>,
    /// The same pictures before they were changed.
    pub against: Option<PathBuf>,
    /// A set with whose faces the film's are compared as a crowd.
    pub set: Option<PathBuf>,
    /// A script whose lines are scored one by one, and nothing but them.
    pub lines: Option<PathBuf>,
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
    /// Of the script, in its order; empty without one.
    pub lines: Vec<Line>,
    pub against: Option<Likeness>,
    pub crowd: Option<CrowdApart>,
}

/// An unbroken stretch of a shot in which the person is seen.
#[derive(Clone, Debug, Serialize)]
pub struct Stretch {
    /// Film time, seconds.
    pub from: f64,
    pub to: f64,
    pub score: SyncScore,
}

/// A line of the script.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Film time, seconds.
    pub from: f64,
    pub to: f64,
    pub text: String,
    /// `None` where the person is not seen for six pictures at 25 a second.
    pub score: Option<SyncScore>,
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
    /// How different the faces look; `None` without the user's weights of LPIPS.
    pub looks_face: Option<LooksApart>,
    /// Of the mouth, in hundredths of the distance between the eyes; `None` without a landmark detector.
    pub landmarks: Option<f64>,
}

impl fmt::Display for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scored { film, person, judge, whole, stretches, lines, against, crowd } = self;
        write!(f, "{}, person {person}, by {} ({})", film.display(), judge.title, judge.weights.display())?;
        if !judge.papers_own {
            write!(f, "\n  these numbers do not compare with the papers', which SyncNet v2 measured")?;
        }
        match whole {
            Some(score) => write!(f, "\n  whole: {}", Words(score))?,
            None => write!(
                f,
                "\n  no stretch is long enough to be scored: six pictures at 25 a second are needed"
            )?,
        }
        for Line { from, to, text, score } in lines {
            write!(f, "\n  {from:.2}–{to:.2} s “{text}”: ")?;
            match score {
                Some(score) => write!(f, "{}", Words(score))?,
                None => write!(f, "too short, or the face is not seen")?,
            }
        }
        let several = stretches.len() > 1 && lines.is_empty();
        for Stretch { from, to, score } in stretches.iter().filter(|_| several) {
            write!(f, "\n  {from:.2}–{to:.2} s: {}", Words(score))?;
        }
        if let Some(CrowdApart { set, fid, pictures: [ours, theirs], weights }) = crowd {
            write!(
                f,
                "\n  against the set {}: FID {fid:.2} of {ours} pictures to {theirs} ({})",
                set.display(),
                weights.display()
            )?;
        }
        let Some(likeness) = against else { return Ok(()) };
        let Likeness { original, frames, psnr_picture, psnr_face, ssim_face, looks_face, landmarks } =
            likeness;
        let decibels = |psnr: &Option<f64>| psnr.map_or("equal".to_owned(), |psnr| format!("{psnr:.2} dB"));
        write!(f, "\n  against {} in {frames} frames: ", original.display())?;
        write!(f, "picture {}, face {}, SSIM {ssim_face:.4}", decibels(psnr_picture), decibels(psnr_face))?;
        match looks_face {
            Some(LooksApart { backbone, lpips, .. }) => write!(f, ", LPIPS ({backbone}) {lpips:.4}")?,
            None => write!(
                f,
                ", no LPIPS: its weights are missing; import what Python's \
                 `torch.save(lpips.LPIPS(net=\"alex\").state_dict(), \"lpips_alex.pth\")` writes"
            )?,
        }
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
    let crowd = request.set.as_deref().map(|set| Crowd::open(paths, &request.device, set)).transpose()?;
    let (judge, name) = judge::open(paths, request.checkpoint.as_deref(), &request.device)?;
    let analyst = Analyst::new(paths, sink, cancel).using(request.detector, &request.device);
    let analysis = analyst.analyse(&request.film, fingerprint(&request.film)?)?;
    let whole = TimeRange::new(Time::ZERO, analysis.times().end());
    let script = request.lines.as_deref().map(|file| script(file, whole)).transpose()?;
    if analysis.people().is_empty() {
        let film = request.film.display();
        return Err(EngineError::Request(format!("{film} shows no face, so there is no mouth to score")));
    }
    let ranges = match &script {
        Some(lines) => lines.iter().map(|(range, _)| *range).collect(),
        None => vec![whole],
    };
    let person = choose(request.face, &analysis, &ranges, sink)?;
    let path = request.voice.as_deref().unwrap_or(&request.film);
    let Some(mut sound) = FilmSound::open_if_any(path, cancel)? else {
        return Err(EngineError::Request(format!("{} has no sound; give one by --voice", path.display())));
    };
    let mut film = FilmReader::open(&request.film, cancel)?;
    let parts: Vec<_> =
        ranges.iter().map(|range| take::stretches(&analysis, person, *range).segments).collect();
    let total = parts.iter().flatten().map(|s| s.end - s.start).sum();
    let (mut all, mut stretches, mut lines) = (Distances::none(), Vec::new(), Vec::new());
    let (mut done, mut loudest) = (0, 0f32);
    for (number, segments) in parts.iter().enumerate() {
        let mut of_line = Distances::none();
        for segment in segments {
            let span = analysis.span(segment);
            let faces = analysis.faces(person, segment)?;
            let speech = sound.speech(span)?;
            loudest = speech.samples.iter().fold(loudest, |most, v| most.max(v.abs()));
            let seen = Seen { analysis: &analysis, segment, faces: &faces };
            let tell = |frame| {
                let frames = done + frame - segment.start;
                sink.progress(Progress { stage: "score", done: frames, total: Some(total) });
            };
            let distances =
                seen.distances(&judge, &mut |frame| film.picture(frame), &speech, &tell, cancel)?;
            done += segment.end - segment.start;
            if let Some(score) = distances.score() {
                let (from, to) = (span.start().secs_f64(), span.end().secs_f64());
                stretches.push(Stretch { from, to, score });
            }
            of_line.add(&distances);
        }
        all.add(&of_line);
        if let Some((range, text)) = script.as_ref().and_then(|lines| lines.get(number)) {
            let (from, to) = (range.start().secs_f64(), range.end().secs_f64());
            lines.push(Line { from, to, text: text.clone(), score: of_line.score() });
        }
    }
    if loudest < SILENT {
        return Err(EngineError::Request(format!(
            "{} is silent where the face is seen: there is nothing to judge the mouth by; give the voice by --voice",
            path.display()
        )));
    }
    let against = match &request.against {
        None => None,
        Some(original) => {
            let looks = Looks::installed(paths, &request.device)?;
            Some(likeness(&analyst, request, original, (&analysis, person), looks, sink, cancel)?)
        }
    };
    let crowd = crowd.map(|crowd| crowd.apart((&request.film, &analysis, person), sink, cancel));
    let (film, crowd) = (request.film.clone(), crowd.transpose()?);
    Ok(Scored { film, person, judge: name, whole: all.score(), stretches, lines, against, crowd })
}

/// The lines of a script within the film, by start.
fn script(file: &Path, film: TimeRange) -> Result<Vec<(TimeRange, String)>, EngineError> {
    let refused = |why: String| EngineError::Request(format!("--lines {}: {why}", file.display()));
    let ending = file.extension().unwrap_or_default().to_string_lossy();
    let format = Format::by_extension(&ending)
        .ok_or_else(|| refused("its ending names no script format; give .srt, .vtt, .csv or .edl".into()))?;
    let bytes = fs::read(file).map_err(EngineError::file("open", file))?;
    let project = Project::new("script", FrameRate::FPS_25);
    let edit = (format.read)(&project, &bytes).map_err(|why| refused(why.to_string()))?;
    let project = edit.apply(&project).map_err(|why| refused(why.to_string()))?;
    let cues = project.cues_in(film).into_iter();
    let lines: Vec<_> = cues.map(|(_, cue)| (cue.range.intersect(film), cue.text.clone())).collect();
    if lines.is_empty() {
        return Err(refused("none of its lines lies within the film".into()));
    }
    Ok(lines)
}

/// A film's frames by number; `None` for one that cannot be decoded.
type Pictures<'a> = dyn FnMut(u64) -> Result<Option<Picture>, EngineError> + 'a;

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

    /// Between what is seen and what is heard of the stretch. `film` gives frames by number, `tell` is told of them as
    /// they are looked at.
    fn distances(
        &self,
        judge: &Judge,
        film: &mut Pictures,
        speech: &Speech,
        tell: &dyn Fn(u64),
        cancel: &Cancel,
    ) -> Result<Distances, EngineError> {
        let windows = judge.windows(self.pictures(), speech);
        let mut points = Vec::with_capacity(windows);
        let mut pictures = Vec::new();
        for at in 0..if windows > 0 { windows + 4 } else { 0 } {
            cancel.check()?;
            pictures.push(self.picture(judge, film, at)?);
            if pictures.len() == AT_ONCE + 4 || at + 1 == windows + 4 {
                points.extend(judge.see(&pictures)?);
                pictures.drain(..pictures.len() - 4);
                tell(self.frame(at));
            }
        }
        Ok(judge.distances(points, judge.hear(speech, windows)?)?)
    }

    fn picture(&self, judge: &Judge, film: &mut Pictures, at: usize) -> Result<Rgb, EngineError> {
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
        let picture = film(frame)?;
        // A picture that cannot be decoded is black, and scores badly.
        Ok(picture.map_or_else(|| Rgb::black(width, height), |picture| picture.sample(map, width, height)))
    }
}

/// Compares the film with `original` frame by frame, where the person's face is in the film.
fn likeness(
    analyst: &Analyst,
    request: &ScoreRequest,
    original: &Path,
    (analysis, person): (&Analysis, u32),
    looks: Option<Looks>,
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
    let [mut whole, mut face_error, mut similar, mut apart, mut lips] =
        std::array::from_fn(|_| Mean::default());
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
            if let Some(looks) = &looks {
                apart.add(looks.apart(&ours, &theirs)?);
            }
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
        looks_face: looks.zip(apart.value()).map(|(looks, lpips)| looks.tell(lpips)),
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
