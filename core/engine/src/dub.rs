//! The main job: a film and a voice in, a finished film whose actor speaks the voice out.

use crate::analysis::{Analysis, Analyst};
use crate::cache::Cache;
use crate::error::EngineError;
use crate::export::{Movie, profile_for};
use crate::files::fingerprint;
use crate::film::reading;
use crate::mix::{self, Mixer};
use crate::paths::Paths;
use crate::recipe::Prepared;
use crate::take::{self, ActorFootage, TakeJob, TakeReader};
use lipsmith_base::{Cancel, Sink, Time, TimeRange, Timecode};
use lipsmith_media::{AudioSpec, MediaInfo, Profile, Timing, probe};
use lipsmith_project::{Footage, Method, Original, ReferenceKey, TakeSpec};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// The sound of a film that had none before.
const NEW_SOUND: AudioSpec = AudioSpec { rate: 48_000, channels: 2 };

pub struct DubRequest {
    pub film: PathBuf,
    pub voice: PathBuf,
    pub output: PathBuf,
    /// Film time at which the voice begins; `None`: at the first range, else at the film's start.
    pub at: Option<Time>,
    /// Film time to dub; empty: as long as the voice lasts.
    pub ranges: Vec<TimeRange>,
    pub face: FaceChoice,
    /// Film time of the reference picture; `None` leaves it to the family.
    pub reference: Option<Time>,
    pub method: Method,
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

pub fn dub(
    paths: &Paths,
    request: &DubRequest,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Dubbed, EngineError> {
    let film = probe(&request.film)?;
    let Some(video) = &film.video else {
        return Err(EngineError::Request(format!("{} has no picture; give a film", request.film.display())));
    };
    let voice = probe(&request.voice)?;
    check_outputs(request)?;
    let line = place(request, &film, &voice)?;
    if line.cut > Time::ZERO {
        sink.note(format!(
            "the voice goes on for {} after the film's end; that much of it is not heard",
            line.cut
        ));
    }
    let recipe = Prepared::new(&request.method, request.checkpoint.as_deref(), &request.device, paths)?;
    sink.note(recipe.describe());

    let analyst = Analyst::new(paths, sink, cancel)?;
    let film_print = fingerprint(&request.film)?;
    let analysis = analyst.analyse(&request.film, film_print)?;
    let person = choose(request.face, &analysis, &line.ranges, sink)?;
    let footage = request
        .actor_footage
        .iter()
        .map(|path| actor_footage(&analyst, path))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(time) = request.reference
        && (time < Time::ZERO || time >= video.duration)
    {
        return Err(outside("--reference", time, &film));
    }

    let mut takes = Vec::new();
    let voice_print = fingerprint(&request.voice)?;
    for &range in &line.ranges {
        let spec = TakeSpec {
            film: film_print,
            range,
            analysis: analysis.key(),
            person,
            voice: voice_print,
            voice_range: range.shifted(-line.at),
            voice_at: line.at,
            method: recipe.method().clone(),
            references: request
                .reference
                .map(|picture| ReferenceKey { from: Time::ZERO, picture })
                .into_iter()
                .collect(),
            footage: footage.iter().map(|f| f.spec).collect(),
            engine: take::VERSION,
        };
        let job = TakeJob {
            film: &request.film,
            analysis: &analysis,
            size: (video.width, video.height),
            rate: match video.timing {
                Timing::Constant { rate } => Some(rate),
                Timing::Variable { .. } => None,
            },
            voice: &request.voice,
            more_footage: &footage,
            spec: &spec,
        };
        let folder = Cache::new(&paths.cache).folder("takes", spec.key());
        let layout = take::render(&job, &folder, &|on_cpu| recipe.open(on_cpu), sink, cancel)?;
        takes.push(TakeReader::new(folder, layout));
    }

    let sound = film.audio.as_ref().map_or(NEW_SOUND, |a| AudioSpec { rate: a.rate, channels: a.channels });
    let lines: Vec<_> =
        line.ranges.iter().map(|&range| mix::Line { voice: &request.voice, at: line.at, range }).collect();
    let film_sound = film.audio.is_some().then_some(request.film.as_path());
    let movie = Movie {
        film: &request.film,
        takes,
        mixer: Some(Mixer::open(
            film_sound,
            &lines,
            request.original,
            sound,
            video.duration,
            &reading(cancel),
        )?),
        profile: request.profile,
        output: &request.output,
        matte: request.matte.as_deref().map(|path| (path, profile_for(path).unwrap_or(request.profile))),
    };
    let written = movie.write(sink, cancel)?;
    let (synced, untouched) = count_faces(&analysis, person, &line.ranges)?;
    Ok(Dubbed {
        output: request.output.clone(),
        frames: written.frames,
        seconds: written.duration.secs_f64(),
        person,
        synced,
        untouched,
        family: request.method.family.clone(),
    })
}

/// Another clip of the actor: whoever is seen most in it.
fn actor_footage(analyst: &Analyst, path: &Path) -> Result<ActorFootage, EngineError> {
    let film = fingerprint(path)?;
    let analysis = analyst.analyse(path, film)?;
    let whole = TimeRange::new(Time::ZERO, analysis.times().end());
    let person = choose(FaceChoice::Auto, &analysis, &[whole], &())?;
    let spec = Footage { film, analysis: analysis.key(), person };
    Ok(ActorFootage { path: path.to_path_buf(), analysis, spec })
}

/// Sources are never touched: an output must be another file, in a folder that is there.
fn check_outputs(request: &DubRequest) -> Result<(), EngineError> {
    let outputs = std::iter::once(&request.output).chain(&request.matte);
    for output in outputs {
        let folder = output.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(EngineError::Request(format!(
                "cannot write {}: the folder {} does not exist; make it first",
                output.display(),
                folder.display()
            )));
        }
        if output.is_dir() {
            return Err(EngineError::Request(format!(
                "cannot write {}: it is a folder; name a file",
                output.display()
            )));
        }
        let sources = [&request.film, &request.voice].into_iter().chain(&request.actor_footage);
        for source in sources {
            if same_file(output, source) {
                return Err(EngineError::Request(format!(
                    "{} is one of the sources; write to another file",
                    output.display()
                )));
            }
        }
    }
    match &request.matte {
        Some(matte) if matte == &request.output => {
            Err(EngineError::Request("film and matte cannot be the same file".into()))
        }
        _ => Ok(()),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
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
fn choose(
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
            let mut weights = std::collections::BTreeMap::<u32, f64>::new();
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
