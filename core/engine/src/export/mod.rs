//! A finished film: the pictures that a project shows, by the one frame function, its sound from
//! [`mix`](crate::mix), in step, into the writer.

mod fit;
mod pictures;

use crate::cache::Cache;
use crate::error::EngineError;
use crate::film::reading;
use crate::mix::Mixer;
use crate::paths::Paths;
use crate::take::Layout;
use lipsmith_base::{Cancel, Progress, Sink, Time, TimeRange};
use lipsmith_media::{AudioSpec, MovieWriter, PROFILES, Profile, VideoInfo, VideoSpec};
use lipsmith_project::{Cue, Original, Project};
pub use pictures::Pictures;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A film to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    pub project: Arc<Project>,
    pub output: PathBuf,
    pub profile: Profile,
    /// Sequence time; `None` is all.
    pub range: Option<TimeRange>,
    /// `None` as the project's settings say.
    pub original: Option<Original>,
    pub matte: Option<PathBuf>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub frames: u64,
    /// End of the last frame.
    pub duration: Time,
}

/// The profile that a file's ending stands for, the most usual first.
pub fn profile_for(path: &Path) -> Option<Profile> {
    let ending = path.extension()?.to_string_lossy().to_ascii_lowercase();
    PROFILES.into_iter().find(|profile| profile.extension() == ending)
}

/// Pictures like those of a film.
pub fn like(video: &VideoInfo) -> VideoSpec {
    let &VideoInfo { width, height, format, colour, pixel_aspect, timing, .. } = video;
    VideoSpec { width, height, format, colour, pixel_aspect, timing }
}

/// The sound of a film that had none before.
const NEW_SOUND: AudioSpec = AudioSpec { rate: 48_000, channels: 2 };
/// Sample frames mixed at a time.
const BLOCK: usize = 4_096;

/// Writes a project's pictures and sound. An unbroken stretch of one film keeps that film's own frame times; all
/// else has the sequence's rate. The first film says what the pictures are like; others are scaled to fit.
///
/// # Errors
/// When an output is a source or cannot be written, a medium is not there, or a line's take is not in the cache
/// whole. Nothing is left at the outputs' paths unless all was written.
pub fn export(
    paths: &Paths,
    order: &Export,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Written, EngineError> {
    let project = &*order.project;
    let sources = project.media.values().map(|media| media.path.as_path());
    check_outputs(&order.output, order.matte.as_deref(), sources)?;
    let cache = Cache::new(&paths.cache);
    let whole = TimeRange::new(Time::ZERO, project.duration());
    let range = order.range.unwrap_or(whole).intersect(whole);
    check_takes(project, range, &cache)?;
    let mut pictures = Pictures::open(project, range, cache, cancel)?;
    let mut mixer = mixer(order, &pictures, cancel);
    let mut writer = MovieWriter::create(&order.output, order.profile, pictures.spec(), Some(mixer.spec()))?;
    let mut matte = match &order.matte {
        Some(path) => {
            let profile = profile_for(path).unwrap_or(order.profile);
            Some(MovieWriter::create(path, profile, pictures.spec(), None)?)
        }
        None => None,
    };
    for note in writer.notes() {
        sink.note(note.clone());
    }
    let total = Some(pictures.count());
    let mut written = Written { frames: 0, duration: Time::ZERO };
    let mut heard = Time::ZERO;
    loop {
        let some = pictures.next_few(matte.is_some(), cancel)?;
        if some.is_empty() {
            break;
        }
        for finished in some {
            cancel.check()?;
            let (pts, duration) = (finished.at, finished.duration);
            if let (Some(matte), Some(white)) = (&mut matte, finished.matte) {
                matte.write_picture(&white, pts, duration)?;
            }
            writer.write_picture(&finished.picture, pts, duration)?;
            written = Written { frames: written.frames + 1, duration: pts + duration };
            while heard < written.duration {
                let Some(block) = mixer.next(BLOCK)? else { break };
                heard += block.duration();
                writer.write_audio(&block)?;
            }
            sink.progress(Progress { stage: "export", done: written.frames, total });
        }
    }
    while let Some(block) = mixer.next(BLOCK)? {
        writer.write_audio(&block)?;
    }
    pictures.notes().for_each(|note| sink.note(note));
    // The matte first: when its disk is full, no finished film stands beside a missing matte.
    if let Some(matte) = matte {
        matte.finish()?;
    }
    writer.finish()?;
    Ok(written)
}

/// Sources are never touched: an output must be another file, in a folder that is there.
pub fn check_outputs<'a>(
    output: &Path,
    matte: Option<&Path>,
    sources: impl Iterator<Item = &'a Path> + Clone,
) -> Result<(), EngineError> {
    for output in std::iter::once(output).chain(matte) {
        let cannot = |why: String| EngineError::Request(format!("cannot write {}: {why}", output.display()));
        let folder = output.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(cannot(format!("the folder {} does not exist; make it first", folder.display())));
        }
        if output.is_dir() {
            return Err(cannot("it is a folder; name a file".into()));
        }
        if sources.clone().any(|source| same_file(output, source)) {
            return Err(EngineError::Request(format!(
                "{} is one of the sources; write to another file",
                output.display()
            )));
        }
    }
    if matte == Some(output) {
        return Err(EngineError::Request("film and matte cannot be the same file".into()));
    }
    Ok(())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Better known now than after an hour: every take that is seen is there whole.
fn check_takes(project: &Project, range: TimeRange, cache: &Cache) -> Result<(), EngineError> {
    let mut lacking = Vec::new();
    for cue in project.cues.values().filter(|cue| cue.rendered().overlaps(range)) {
        let (mut ready, mut frames) = (0, 0);
        for take in takes_seen(cue) {
            for part in &take.parts {
                let folder = cache.folder("takes", part.key());
                let Some(layout) = Layout::kept(&folder)? else {
                    // Not begun; at least a frame of it is lacking.
                    frames += 1;
                    continue;
                };
                ready += layout.ready(&folder);
                frames += layout.frames();
            }
        }
        if ready < frames {
            let start = project.sequence.start + cue.range.start();
            lacking.push(format!("at {}", project.sequence.labels().format(start)));
        }
    }
    if lacking.is_empty() {
        return Ok(());
    }
    let (count, some) = (lacking.len(), lacking[..lacking.len().min(5)].join(", "));
    let and_more = if count > 5 { ", …" } else { "" };
    Err(EngineError::Request(format!(
        "{count} line(s) are not rendered to their end ({some}{and_more}); render them, or choose another take or none"
    )))
}

fn takes_seen(cue: &Cue) -> impl Iterator<Item = &lipsmith_project::Take> {
    let synced = cue.treatment == lipsmith_project::Treatment::Sync;
    let seen = cue.chosen.iter().chain(cue.comp.iter().map(|span| &span.take));
    let seen: std::collections::BTreeSet<_> = seen.filter(|_| synced).collect();
    seen.into_iter().filter_map(|id| cue.takes.get(id))
}

/// The sound beside `pictures`: as the first film's, if any has sound.
fn mixer(order: &Export, pictures: &Pictures, cancel: &Cancel) -> Mixer {
    let mut project = Project::clone(&order.project);
    project.settings.original = order.original.unwrap_or(project.settings.original);
    let films = project.sequence.picture.clips.iter();
    let sound = films.filter_map(|clip| project.media.get(&clip.media)?.sound).next();
    let spec = sound.map_or(NEW_SOUND, |s| AudioSpec { rate: s.rate, channels: s.channels });
    let range = TimeRange::with_duration(pictures.origin(), pictures.duration());
    Mixer::new(Arc::new(project), range, spec, &reading(cancel))
}
