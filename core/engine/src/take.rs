//! A take: one person's mouth over one stretch of film, made chunk by chunk into the cache and read back frame
//! by frame. Whatever chunk is already there is not made again, so a cancelled or crashed run goes on.

use crate::analysis::{Analysis, FilmSound};
use crate::cache::{self, chunk, spool::Spool};
use crate::error::EngineError;
use crate::files::write_atomically;
use crate::film::{AT_ONCE, FilmReader};
use lipsmith_base::{Cancel, FrameRate, Progress, Sink, Time, TimeRange};
use lipsmith_lipsync::families::{Crop, Footage, Line, Patch, Recipe, Source, Target};
use lipsmith_lipsync::{LipsyncError, Speech};
use lipsmith_project::TakeSpec;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Frames in a chunk: what a crash loses, and what is in memory at a time.
const CHUNK: u64 = 32;
/// A longer shot is planned in pieces, so that a plan's size is bounded.
const SEGMENT: u64 = 1_500;
/// Voice heard around a segment, for context and for what is loud and quiet in this recording.
const VOICE_CONTEXT: Time = Time(30 * lipsmith_base::time::FLICKS);
/// As much of the actor as a recipe is shown; taken nearest to the line first.
const FOOTAGE: Time = Time(360 * lipsmith_base::time::FLICKS);

/// Raised whenever the same [`TakeSpec`](lipsmith_project::TakeSpec) would give other pictures.
pub const VERSION: u32 = 1;

/// A take to make: what its spec names by digests, as files and analyses.
pub struct TakeJob<'a> {
    pub spec: &'a TakeSpec,
    pub film: &'a Path,
    pub analysis: &'a Analysis,
    /// Width and height of the film's pictures.
    pub size: (usize, usize),
    /// `None` when it varies.
    pub rate: Option<FrameRate>,
    pub voice: &'a Path,
    pub more_footage: &'a [ActorFootage],
}

/// Another clip of the actor.
pub struct ActorFootage {
    pub path: PathBuf,
    pub analysis: Analysis,
    pub spec: lipsmith_project::Footage,
}

/// The file in a take's folder that holds its [`Layout`].
const MANIFEST: &str = "manifest.json";

/// Which frames a take covers, rendered yet or not. Serialised as the take's manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Film frames, in order, never across a cut.
    pub segments: Vec<Range<u64>>,
}

impl Layout {
    fn chunks(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.segments.iter().flat_map(chunks_of)
    }

    /// The chunk that holds `frame`.
    fn chunk_at(&self, frame: u64) -> Option<Range<u64>> {
        let segment = self.segments.iter().find(|s| s.contains(&frame))?;
        let start = segment.start + (frame - segment.start) / CHUNK * CHUNK;
        Some(start..(start + CHUNK).min(segment.end))
    }
}

fn chunks_of(segment: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let Range { start, end } = *segment;
    (start..end).step_by(CHUNK as usize).map(move |first| first..(first + CHUNK).min(end))
}

fn chunk_path(folder: &Path, chunk: &Range<u64>) -> PathBuf {
    folder.join(format!("{:08}-{:08}.chunk", chunk.start, chunk.end))
}

/// Every unbroken stretch of `range` within a shot in which `person` is seen.
pub fn layout(analysis: &Analysis, person: u32, range: TimeRange) -> Layout {
    let frames = analysis.frames_in(range);
    let shots = analysis.shots().iter().filter(|shot| shot.shows(person));
    let stretches = shots.flat_map(|shot| {
        let (start, end) = (frames.start.max(shot.frames.start), frames.end.min(shot.frames.end));
        (start..end).step_by(SEGMENT as usize).map(move |first| first..(first + SEGMENT).min(end))
    });
    Layout { segments: stretches.collect() }
}

/// Makes every missing chunk of the take in `folder`. `open` gives a fresh recipe; asked for a second time, it
/// gives one on the CPU.
pub fn render(
    job: &TakeJob,
    folder: &Path,
    open: &dyn Fn(bool) -> Result<Box<dyn Recipe>, EngineError>,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Layout, EngineError> {
    let layout = layout(job.analysis, job.spec.person, job.spec.range);
    let total = layout.chunks().map(|c| c.end - c.start).sum();
    // First, so that a take can be looked at while it grows.
    let manifest = serde_json::to_vec(&layout).map_err(|e| EngineError::Request(format!("manifest: {e}")))?;
    write_atomically(&folder.join(MANIFEST), &manifest)?;
    let film = FilmReader::open(job.film, cancel)?;
    let mut renderer =
        Renderer { job, folder, open, film, recipe: None, on_cpu: false, done: 0, total, sink, cancel };
    for segment in &layout.segments {
        renderer.segment(segment)?;
    }
    Ok(layout)
}

struct Renderer<'a> {
    job: &'a TakeJob<'a>,
    folder: &'a Path,
    open: &'a dyn Fn(bool) -> Result<Box<dyn Recipe>, EngineError>,
    film: FilmReader,
    /// Opened when the first missing chunk is found: a finished take needs no weights.
    recipe: Option<Box<dyn Recipe>>,
    on_cpu: bool,
    done: u64,
    total: u64,
    sink: &'a dyn Sink,
    cancel: &'a Cancel,
}

impl Renderer<'_> {
    fn segment(&mut self, segment: &Range<u64>) -> Result<(), EngineError> {
        let missing: Vec<_> = chunks_of(segment).filter(|chunk| !is_whole(self.folder, chunk)).collect();
        self.advance(segment.end - segment.start - missing.iter().map(|c| c.end - c.start).sum::<u64>());
        if missing.is_empty() {
            return Ok(());
        }
        let (analysis, job) = (self.job.analysis, self.job);
        let faces = analysis.faces(job.spec.person, segment)?;
        let (voice, voice_start) = voice_around(job, analysis.span(segment), self.cancel)?;
        let times: Vec<_> = segment.clone().map(|f| analysis.times().start(f) - voice_start).collect();
        let gathered = gather_footage(job, segment, self.cancel)?;
        let line = Line {
            faces: &faces,
            times: &times,
            rate: job.rate,
            size: job.size,
            voice: &voice,
            footage: &gathered.footage,
            reference: gathered.reference(job, segment),
        };
        if self.recipe.is_none() {
            self.recipe = Some((self.open)(self.on_cpu)?);
        }
        let Some(recipe) = self.recipe.as_mut() else { return Ok(()) };
        let wanted = recipe.plan(&line, self.cancel)?;
        let spool = gathered.collect(&wanted, &self.folder.join("sources.spool"), self.sink, self.cancel)?;
        for chunk in missing {
            self.chunk(&line, segment.start, &chunk, &spool)?;
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        line: &Line,
        first: u64,
        chunk: &Range<u64>,
        spool: &Spool,
    ) -> Result<(), EngineError> {
        let targets = self.targets(line, first, chunk)?;
        let mut rendered = self.patches(line, &targets, spool)?.into_iter();
        let mut patches: Vec<Option<Patch>> = vec![None; (chunk.end - chunk.start) as usize];
        for target in &targets {
            patches[target.frame - (chunk.start - first) as usize] = rendered.next().flatten();
        }
        write_atomically(&chunk_path(self.folder, chunk), &chunk::encode(&patches))?;
        self.advance(chunk.end - chunk.start);
        Ok(())
    }

    /// The chunk's pictures as the recipe wants them; only frames with a face.
    fn targets<'l>(
        &mut self,
        line: &'l Line,
        first: u64,
        chunk: &Range<u64>,
    ) -> Result<Vec<Target<'l>>, EngineError> {
        let Some(recipe) = self.recipe.as_ref() else { return Ok(Vec::new()) };
        let seen = chunk.clone().map(|frame| (frame - first) as usize);
        let seen: Vec<_> = seen.filter_map(|index| Some((index, line.faces[index].as_ref()?))).collect();
        let mut targets = Vec::with_capacity(seen.len());
        for some in seen.chunks(AT_ONCE) {
            let mut pictures = Vec::with_capacity(AT_ONCE);
            for &(frame, face) in some {
                self.cancel.check()?;
                let picture = self.film.picture(first + frame as u64)?;
                pictures.extend(picture.map(|picture| (frame, face, recipe.crop(frame, face), picture)));
            }
            targets.par_extend(pictures.into_par_iter().map(|(frame, face, crop, picture)| {
                let image = picture.sample(crop.map, crop.width, crop.height);
                Target { frame, face, crop, image }
            }));
        }
        Ok(targets)
    }

    /// Renders in batches, halved each time the device has too little memory; from the last batch of one the
    /// work goes on on the CPU.
    fn patches(
        &mut self,
        line: &Line,
        targets: &[Target],
        spool: &Spool,
    ) -> Result<Vec<Option<Patch>>, EngineError> {
        let mut batch = targets.len().max(1);
        let mut patches = Vec::with_capacity(targets.len());
        while patches.len() < targets.len() {
            let Some(recipe) = self.recipe.as_mut() else { break };
            let next = &targets[patches.len()..(patches.len() + batch).min(targets.len())];
            match recipe.render(line, next, spool, self.cancel) {
                Ok(more) => patches.extend(more),
                Err(LipsyncError::OutOfMemory { device }) if batch > 1 => {
                    batch /= 2;
                    self.sink.note(format!(
                        "{device} has too little memory; going on with {batch} frames at a time"
                    ));
                }
                Err(LipsyncError::OutOfMemory { device }) if !self.on_cpu => {
                    self.sink.note(format!(
                        "{device} has too little memory for a single frame; going on on the CPU"
                    ));
                    self.on_cpu = true;
                    let mut recipe = (self.open)(true)?;
                    recipe.plan(line, self.cancel)?;
                    self.recipe = Some(recipe);
                    batch = targets.len();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(patches)
    }

    fn advance(&mut self, frames: u64) {
        self.done += frames;
        self.sink.progress(Progress { stage: "sync", done: self.done, total: Some(self.total) });
    }
}

/// Whether the chunk is there. Only its name is looked at: it got its name when it was whole. Rot is found when
/// it is read.
fn is_whole(folder: &Path, chunk: &Range<u64>) -> bool {
    chunk_path(folder, chunk).exists()
}

/// The voice around `span`, and the film time of its first sample. Begins at a whole second of the voice, so that
/// its spectrogram's frames fall where those of the whole file would.
fn voice_around(job: &TakeJob, span: TimeRange, cancel: &Cancel) -> Result<(Speech, Time), EngineError> {
    let from = (span.start() - VOICE_CONTEXT - job.spec.voice_at).floor_units(1).max(0);
    let start = Time::from_units(from, 1);
    let end = span.end() + VOICE_CONTEXT - job.spec.voice_at;
    let speech = FilmSound::open(job.voice, cancel)?.speech(TimeRange::new(start, end))?;
    Ok((speech, job.spec.voice_at + start))
}

/// The actor's footage and where its frames lie.
struct Gathered<'a> {
    footage: Vec<Footage>,
    /// File and first frame of each stretch.
    places: Vec<(&'a Path, u64)>,
}

/// The stretches in which the person is seen: of the film, nearest to the segment first, then of the other clips.
fn gather_footage<'a>(
    job: &TakeJob<'a>,
    segment: &Range<u64>,
    cancel: &Cancel,
) -> Result<Gathered<'a>, EngineError> {
    let mut gathered = Gathered { footage: Vec::new(), places: Vec::new() };
    let mut room = FOOTAGE;
    let film = std::iter::once((job.film, job.analysis, job.spec.person, segment.start));
    let more = job.more_footage.iter().map(|f| (f.path.as_path(), &f.analysis, f.spec.person, 0));
    for (path, analysis, person, near) in film.chain(more) {
        let mut shots: Vec<_> = analysis.shots().iter().filter(|s| s.shows(person)).collect();
        shots.sort_by_key(|s| if s.frames.contains(&near) { 0 } else { 1 + s.frames.start.abs_diff(near) });
        let mut sound = FilmSound::open_if_any(path, cancel)?;
        for shot in shots {
            if room <= Time::ZERO {
                break;
            }
            let room_left = TimeRange::with_duration(analysis.span(&shot.frames).start(), room);
            let frames = shot.frames.start..analysis.frames_in(room_left).end.min(shot.frames.end);
            let span = analysis.span(&frames);
            room -= span.duration();
            let speech = match &mut sound {
                Some(sound) => sound.speech(span)?,
                None => Speech::default(),
            };
            gathered.footage.push(Footage {
                faces: analysis.faces(person, &frames)?,
                times: frames.clone().map(|f| analysis.times().start(f) - span.start()).collect(),
                speech,
            });
            gathered.places.push((path, frames.start));
        }
    }
    Ok(gathered)
}

impl Gathered<'_> {
    /// The last reference that the editor set at or before the segment, as a frame of the footage.
    fn reference(&self, job: &TakeJob, segment: &Range<u64>) -> Option<Source> {
        let start = job.analysis.times().start(segment.start);
        let key = job.spec.references.iter().rev().find(|key| key.from <= start)?;
        let (film, frame) = (job.film, job.analysis.times().index_at(key.picture));
        self.places.iter().zip(&self.footage).enumerate().find_map(|(footage, ((path, first), stretch))| {
            let index = frame.checked_sub(*first)? as usize;
            (*path == film && index < stretch.faces.len()).then_some(Source { footage, frame: index })
        })
    }

    /// Reads the wanted pictures in one pass over each file.
    fn collect(
        &self,
        wanted: &[(Source, Crop)],
        spool_path: &Path,
        sink: &dyn Sink,
        cancel: &Cancel,
    ) -> Result<Spool, EngineError> {
        let mut spool = Spool::create(spool_path, wanted.len())?;
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|&i| wanted[i].0);
        let mut film: Option<(&Path, FilmReader)> = None;
        let mut done = 0;
        for some in order.chunks(AT_ONCE) {
            let mut pictures = Vec::with_capacity(AT_ONCE);
            for &i in some {
                cancel.check()?;
                let (source, crop) = wanted[i];
                let (path, first) = self.places[source.footage];
                if film.as_ref().is_none_or(|(open, _)| *open != path) {
                    film = Some((path, FilmReader::open(path, cancel)?));
                }
                let Some((_, reader)) = film.as_mut() else { continue };
                let picture = reader.picture(first + source.frame as u64)?;
                pictures.extend(picture.map(|picture| (i, crop, picture)));
            }
            let sampled = pictures
                .into_par_iter()
                .map(|(i, crop, picture)| (i, picture.sample(crop.map, crop.width, crop.height)));
            for (i, image) in sampled.collect::<Vec<_>>() {
                spool.put(i, &image)?;
            }
            done += some.len() as u64;
            sink.progress(Progress { stage: "collect", done, total: Some(order.len() as u64) });
        }
        Ok(spool)
    }
}

/// Reads a take's patches, keeping the chunk it looked at last.
pub struct TakeReader {
    folder: PathBuf,
    layout: Layout,
    held: Option<(Range<u64>, Vec<Option<Patch>>)>,
}

impl TakeReader {
    pub fn new(folder: PathBuf, layout: Layout) -> TakeReader {
        TakeReader { folder, layout, held: None }
    }

    /// Of a take that has been begun.
    ///
    /// # Errors
    /// When nothing of the take is in the cache.
    pub fn open(folder: PathBuf) -> Result<TakeReader, EngineError> {
        let manifest = cache::read(&folder.join(MANIFEST))?;
        let layout = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
            EngineError::Request("the take is not in the cache; render the line again".into())
        })?;
        Ok(TakeReader::new(folder, layout))
    }

    /// The patch of a film frame; `None` where the frame stays as it is.
    ///
    /// # Errors
    /// When a chunk is missing or broken: the take must be rendered again.
    pub fn patch(&mut self, frame: u64) -> Result<Option<&Patch>, EngineError> {
        let Some(wanted) = self.layout.chunk_at(frame) else { return Ok(None) };
        if self.held.as_ref().is_none_or(|(held, _)| *held != wanted) {
            let path = chunk_path(&self.folder, &wanted);
            let patches = cache::read(&path)?.as_deref().and_then(chunk::decode).ok_or_else(|| {
                // Broken bytes must not be found again by their name.
                let _ = std::fs::remove_file(&path);
                EngineError::Request(format!(
                    "{} is missing or broken; run again to make it anew",
                    path.display()
                ))
            })?;
            self.held = Some((wanted.clone(), patches));
        }
        let index = (frame - wanted.start) as usize;
        Ok(self.held.as_ref().and_then(|(_, patches)| patches.get(index)?.as_ref()))
    }
}
