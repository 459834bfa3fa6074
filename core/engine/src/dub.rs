//! The main job: a film and a voice in, a finished film whose actor speaks the voice out.

use crate::analysis::{Analysis, Analyst};
use crate::cache::Cache;
use crate::detector::Detector;
use crate::error::EngineError;
use crate::export::{Export, check_outputs, export};
use crate::material::{Material, pool_entry};
use crate::paths::Paths;
use crate::recipe::{Prepared, REWRITE};
use crate::shipped;
use crate::take::{self, Held};
use lipsmith_base::{Cancel, Digest, Sink, Time, TimeRange, Timecode};
use lipsmith_media::{MediaInfo, Profile, probe};
use lipsmith_project::edit::TakeEdit;
use lipsmith_project::{Dub, Edit, Known, Media, Method, Original, Project, Settings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub struct DubRequest {
    pub film: PathBuf,
    pub voice: PathBuf,
    pub output: PathBuf,
    /// Film time at which the voice begins; `None`: at the first range, else at the film's start.
    pub at: Option<Time>,
    /// Film time to dub; empty: as long as the voice lasts.
    pub ranges: Vec<TimeRange>,
    /// What finds the faces.
    pub detector: Detector,
    pub face: FaceChoice,
    /// Film time of the reference picture; `None` leaves it to the family.
    pub reference: Option<Time>,
    pub method: Method,
    /// The family was nobody's wish: another may take its place when the film is known.
    pub any_family: bool,
    /// Weights to use instead of the imported ones.
    pub checkpoint: Option<PathBuf>,
    /// A name of `lipsmith_nets::device`.
    pub device: String,
    pub profile: Profile,
    pub original: Original,
    pub matte: Option<PathBuf>,
    /// Other clips of the same actor.
    pub actor_footage: Vec<PathBuf>,
}

impl DubRequest {
    /// The whole voice from the film's start on, spoken by the most prominent person; losslessly written, the original muted.
    pub fn new(film: &Path, voice: &Path, output: PathBuf, method: &Method) -> DubRequest {
        DubRequest {
            film: film.to_path_buf(),
            voice: voice.to_path_buf(),
            output,
            at: None,
            ranges: Vec::new(),
            detector: Detector::Auto,
            face: FaceChoice::Auto,
            reference: None,
            method: method.clone(),
            any_family: false,
            checkpoint: None,
            device: "auto".into(),
            profile: Profile::Ffv1Mkv,
            original: Original::Mute,
            matte: None,
            actor_footage: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaceChoice {
    /// Whoever fills most of the picture over the ranges.
    Auto,
    /// A number from [`crate::track`].
    Person(u32),
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Dubbed {
    pub output: PathBuf,
    pub frames: u64,
    pub seconds: f64,
    pub person: u32,
    /// Frames whose mouth was synced or already fitted.
    pub synced: u64,
    /// Frames in the ranges left as they are because the face is not found.
    pub untouched: u64,
    pub family: String,
}

impl fmt::Display for Dubbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dubbed { output, frames, seconds, person, synced, untouched, family } = self;
        write!(
            f,
            "{}: {frames} frames, {seconds:.3} s; person {person} synced by {family} in {synced} frames",
            output.display()
        )?;
        if *untouched > 0 {
            write!(f, "; {untouched} frames without a face left as they are")?;
        }
        Ok(())
    }
}

/// A project whose line is rendered, before any film is written.
pub struct Rendered {
    pub project: Project,
    family: String,
    person: u32,
    ranges: Vec<TimeRange>,
    analysis: Arc<Analysis>,
}

/// Dubs a film.
///
/// # Errors
/// Files, times and people that are not there, a method that cannot be had, a full disk; no output is left then.
pub fn dub(
    paths: &Paths,
    request: &DubRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Dubbed, EngineError> {
    let Rendered { project, family, person, ranges, analysis } = render(paths, request, sink, cancel)?;
    let order = Export {
        project: Arc::new(project),
        output: request.output.clone(),
        profile: request.profile,
        range: None,
        original: None,
        matte: request.matte.clone(),
    };
    let written = export(paths, &order, sink, cancel)?;
    let (synced, untouched) = count_faces(&analysis, person, &ranges)?;
    Ok(Dubbed {
        output: request.output.clone(),
        frames: written.frames,
        seconds: written.duration.secs_f64(),
        person,
        synced,
        untouched,
        family,
    })
}

/// All of a [`dub`] but its export.
pub fn render(
    paths: &Paths,
    request: &DubRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Rendered, EngineError> {
    let film = probe(&request.film)?;
    let Some(video) = &film.video else {
        return Err(EngineError::Request(format!("{} has no picture; give a film", request.film.display())));
    };
    let voice = probe(&request.voice)?;
    let sources = [&request.film, &request.voice].into_iter().chain(&request.actor_footage);
    check_outputs(&request.output, request.matte.as_deref(), sources.map(PathBuf::as_path))?;
    let line = place(request, &film, &voice)?;
    if line.cut > Time::ZERO {
        sink.note(format!(
            "the voice goes on for {} after the film's end; that much of it is not heard",
            line.cut
        ));
    }
    let mut recipe = Prepared::new(&request.method, request.checkpoint.as_deref(), &request.device, paths)?;
    recipe.check()?;
    sink.note(recipe.describe());

    let analyst = Analyst::new(paths, sink, cancel).using(request.detector, &request.device);
    let film_entry = pool_entry(&request.film, &film)?;
    let analysis = Arc::new(analyst.analyse(&request.film, film_entry.fingerprint)?);
    let person = choose(request.face, &analysis, &line.ranges, sink)?;
    let rewrites = request.any_family && request.method.family == REWRITE;
    if rewrites && request.actor_footage.is_empty() && !analysis.opens(person)? {
        let method = Method { family: shipped::GENERATOR.into(), ..request.method.clone() };
        recipe = Prepared::new(&method, None, &request.device, paths)?;
        sink.note(format!(
            "the actor's mouth never opens in the film and {REWRITE} would have nothing to open it with; instead {}",
            recipe.describe()
        ));
    }
    if let Some(time) = request.reference
        && (time < Time::ZERO || time >= video.duration)
    {
        return Err(outside("--reference", time, &film));
    }
    let mut analyses = BTreeMap::from([(film_entry.fingerprint, Arc::clone(&analysis))]);
    let mut footage = Vec::new();
    for path in &request.actor_footage {
        let entry = pool_entry(path, &probe(path)?)?;
        let analysis = analyst.analyse(path, entry.fingerprint)?;
        let whole = TimeRange::new(Time::ZERO, analysis.times().end());
        footage.push((entry.clone(), choose(FaceChoice::Auto, &analysis, &[whole], &())?));
        analyses.insert(entry.fingerprint, Arc::new(analysis));
    }
    let project = Project::for_dub(Dub {
        film: film_entry,
        voice: voice_entry(&request.voice, &voice)?,
        at: line.at,
        ranges: line.ranges.clone(),
        person,
        reference: request.reference,
        footage,
        settings: Settings { method: recipe.method().clone(), original: request.original },
    });
    let project = project.map_err(|why| EngineError::Request(why.to_string()))?;
    let project = render_lines(paths, project, &recipe, &analyses, sink, cancel)?;
    let family = recipe.method().family.clone();
    Ok(Rendered { project, family, person, ranges: line.ranges, analysis })
}

/// Makes a take of every line and chooses it. `analyses`: by the film's fingerprint.
fn render_lines(
    paths: &Paths,
    project: Project,
    recipe: &Prepared,
    analyses: &BTreeMap<Digest, Arc<Analysis>>,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Project, EngineError> {
    let refused = |why: &dyn fmt::Display| EngineError::Request(why.to_string());
    let by_media =
        project.media.iter().filter_map(|(id, media)| Some((*id, analyses.get(&media.fingerprint)?.key())));
    let (by_media, none) = (by_media.collect(), BTreeMap::new());
    let known = Known { analyses: &by_media, checkpoints: &none, engine: take::VERSION };
    let by_key = |key| analyses.values().find(|analysis| analysis.key() == key).cloned();
    let (mut rendered, mut held) = (project.clone(), Held::default());
    for &cue in project.cues.keys() {
        let parts = project.take_specs(cue, &known).map_err(|why| refused(&why))?;
        for spec in &parts {
            let material = Material::find(spec, &project, &by_key)?;
            let folder = Cache::new(&paths.cache).folder("takes", spec.key());
            take::render(
                &material.job(spec),
                &folder,
                &|on_cpu| recipe.open(on_cpu),
                &mut held,
                sink,
                cancel,
            )?;
        }
        let kept = Edit::from(TakeEdit::Add { cue, name: "Dub".into(), parts });
        rendered = kept.apply(&rendered).map_err(|why| refused(&why))?;
    }
    Ok(rendered)
}

/// Of the voice only what is heard counts, also when it comes with a picture.
fn voice_entry(path: &Path, info: &MediaInfo) -> Result<Media, EngineError> {
    let duration = info.audio.as_ref().map_or(info.duration, |audio| audio.duration);
    Ok(Media { duration, video: None, ..pool_entry(path, info)? })
}

/// Where the voice lies in the film.
struct Placement {
    at: Time,
    ranges: Vec<TimeRange>,
    /// How much of the voice lies behind the film's end.
    cut: Time,
}

/// The stated rule for lengths: the film keeps its length. Without ranges the line lasts as long as the voice, cut at
/// the film's end; with ranges, the voice is heard and seen only in them, and no longer than it lasts.
fn place(request: &DubRequest, film: &MediaInfo, voice: &MediaInfo) -> Result<Placement, EngineError> {
    let spoken = voice.audio.as_ref().map(|audio| audio.duration).ok_or_else(|| {
        EngineError::Request(format!("{} has no sound; give the dubbed voice", request.voice.display()))
    })?;
    let length = film_length(film);
    for range in &request.ranges {
        if range.start() < Time::ZERO || range.start() >= length || range.end() > length {
            return Err(outside("--range", range.end(), film));
        }
    }
    let first = request.ranges.iter().map(|r| r.start()).min();
    let at = request.at.or(first).unwrap_or(Time::ZERO);
    if at < Time::ZERO || at >= length {
        return Err(outside("--at", at, film));
    }
    let heard = TimeRange::with_duration(at, spoken);
    let visible = heard.intersect(TimeRange::new(Time::ZERO, length));
    let ranges = match request.ranges.as_slice() {
        [] => vec![visible],
        chosen => merged(chosen.iter().map(|r| r.intersect(visible)).filter(|r| !r.is_empty()).collect()),
    };
    if ranges.iter().all(|r| r.is_empty()) {
        return Err(EngineError::Request(format!(
            "the voice lasts {spoken} from {at} on and is not heard in any --range; move it by --at"
        )));
    }
    Ok(Placement { at, ranges, cut: (heard.end() - length).max(Time::ZERO) })
}

/// The picture's length: sound that runs on behind it is not part of the film.
fn film_length(film: &MediaInfo) -> Time {
    film.video.as_ref().map_or(film.duration, |video| video.duration)
}

/// Overlapping and touching ranges become one.
fn merged(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.sort();
    let mut out: Vec<TimeRange> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start() <= last.end() => {
                *last = TimeRange::new(last.start(), last.end().max(range.end()));
            }
            _ => out.push(range),
        }
    }
    out
}

fn outside(option: &str, time: Time, film: &MediaInfo) -> EngineError {
    let label = |time| match &film.video {
        Some(video) => Timecode::non_drop(video.timing.base()).format(time),
        None => time.to_string(),
    };
    EngineError::Request(format!(
        "{option}: {} is outside the film, which lasts from {} to {}",
        label(time),
        label(Time::ZERO),
        label(film_length(film))
    ))
}

/// The person to sync: as asked, or whoever fills most of the picture over `ranges`.
pub(crate) fn choose(
    face: FaceChoice,
    analysis: &Analysis,
    ranges: &[TimeRange],
    sink: &dyn Sink,
) -> Result<u32, EngineError> {
    let people = analysis.people();
    let known = || people.iter().map(|p| p.number.to_string()).collect::<Vec<_>>().join(", ");
    match face {
        _ if people.is_empty() => {
            sink.note("no face was found; the picture stays as it is and only the sound is dubbed".into());
            Ok(0)
        }
        FaceChoice::Person(number) if people.iter().any(|p| p.number == number) => Ok(number),
        FaceChoice::Person(number) => Err(EngineError::Request(format!(
            "--face {number}: the film shows {} (see `lipsmith track`)",
            match people.len() {
                1 => format!("one person, number {}", known()),
                n => format!("{n} people, numbers {}", known()),
            }
        ))),
        FaceChoice::Auto => {
            let mut weights = BTreeMap::<u32, f64>::new();
            for shot in analysis.shots() {
                let span = analysis.span(&shot.frames);
                let share: f64 = ranges.iter().map(|r| r.intersect(span).duration().secs_f64()).sum();
                let share = share / span.duration().secs_f64().max(1e-9);
                for (&person, presence) in &shot.people {
                    *weights.entry(person).or_default() +=
                        share * presence.frames as f64 * f64::from(presence.area);
                }
            }
            let chosen = weights.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(&person, _)| person);
            let chosen = chosen.unwrap_or(people[0].number);
            if people.len() > 1 {
                sink.note(format!(
                    "person {chosen} of {} speaks (numbers {}); choose another by --face",
                    people.len(),
                    known()
                ));
            }
            Ok(chosen)
        }
    }
}

/// Frames of the ranges with and without the person's face.
fn count_faces(analysis: &Analysis, person: u32, ranges: &[TimeRange]) -> Result<(u64, u64), EngineError> {
    let mut counts = (0, 0);
    for range in ranges {
        let frames = analysis.frames_in(*range);
        let seen = analysis.faces(person, &frames)?.iter().flatten().count() as u64;
        counts = (counts.0 + seen, counts.1 + (frames.end - frames.start) - seen);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_ranges_become_one() {
        let range = |a, b| TimeRange::new(Time(a), Time(b));
        assert_eq!(
            merged(vec![range(5, 9), range(0, 2), range(2, 4), range(8, 12)]),
            [range(0, 4), range(5, 12)]
        );
    }
}
