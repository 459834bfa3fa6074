//! A take: one person's mouth over one stretch of film, made chunk by chunk into the cache and read back frame
//! by frame. Whatever chunk is already there is not made again, so a cancelled or crashed run goes on.

mod voice;

use crate::analysis::{Analysis, FilmSound};
use crate::cache::{self, chunk, spool::Spool};
use crate::error::EngineError;
use crate::files::write_atomically;
use crate::film::FilmReader;
use lipsmith_base::{Cancel, Digest, FrameRate, Progress, Rgb, Sink, Time, TimeRange};
use lipsmith_lipsync::face::correct::correct;
use lipsmith_lipsync::families::{Crop, Footage, Line, Patch, Recipe, Source, Target};
use lipsmith_lipsync::{FAMILIES, Face, LipsyncError, Speech};
use lipsmith_media::Timing;
use lipsmith_project::TakeSpec;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Frames in a chunk: what a crash loses, and what is in memory at a time.
const CHUNK: u64 = 32;
/// Frames in the first chunk of a stretch: someone waits for it.
const FIRST: u64 = 8;
/// How many times as many chunks each reading of the footage serves as the one before: a take's first frames wait for
/// their own pictures alone, and yet its first stretch is read three times at most and those behind it once.
const READINGS: usize = 8;
/// A longer shot is planned in pieces, so that a plan's size is bounded.
const SEGMENT: u64 = 1_500;
/// As much of the actor as a recipe is shown; taken nearest to the line first.
const FOOTAGE: Time = Time(360 * lipsmith_base::time::FLICKS);

/// Raised whenever the same [`TakeSpec`](lipsmith_project::TakeSpec) would give other pictures.
pub const VERSION: u32 = 12;

/// The stage of rendering, whose progress counts frames of the take.
pub const STAGE: &str = "sync";

/// A take to make: what its spec names by digests, as files and analyses.
pub struct TakeJob<'a> {
    pub spec: &'a TakeSpec,
    pub film: &'a Path,
    pub analysis: &'a Analysis,
    pub voice: &'a Path,
    pub more_footage: &'a [ActorFootage],
}

/// Another clip of the actor.
pub struct ActorFootage {
    pub path: PathBuf,
    pub analysis: Arc<Analysis>,
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

    /// Of the take in `folder`, if it has been begun.
    pub fn kept(folder: &Path) -> Result<Option<Layout>, EngineError> {
        Ok(cache::read(&folder.join(MANIFEST))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// All frames.
    pub fn frames(&self) -> u64 {
        self.segments.iter().map(|segment| segment.end - segment.start).sum()
    }

    /// Frames that are rendered in `folder`.
    pub fn ready(&self, folder: &Path) -> u64 {
        self.chunks().filter(|chunk| is_whole(folder, chunk)).map(|chunk| chunk.end - chunk.start).sum()
    }

    /// The chunk that holds `frame`.
    fn chunk_at(&self, frame: u64) -> Option<Range<u64>> {
        let segment = self.segments.iter().find(|s| s.contains(&frame))?;
        chunks_of(segment).find(|chunk| chunk.contains(&frame))
    }
}

fn chunks_of(segment: &Range<u64>) -> impl Iterator<Item = Range<u64>> + use<> {
    let Range { start, end } = *segment;
    let first = (start + FIRST).min(end);
    let others = (first..end).step_by(CHUNK as usize).map(move |begin| begin..(begin + CHUNK).min(end));
    std::iter::once(start..first).chain(others)
}

fn chunk_path(folder: &Path, chunk: &Range<u64>) -> PathBuf {
    folder.join(format!("{:08}-{:08}.chunk", chunk.start, chunk.end))
}

/// What a take covers: the [`stretches`] of its person, cut where another reference begins for a family that looks at
/// one.
pub fn layout(analysis: &Analysis, spec: &TakeSpec) -> Layout {
    let Layout { segments } = stretches(analysis, spec.person, spec.range);
    // A family without a network looks at no reference, and a line is best planned whole.
    let looks = FAMILIES.iter().any(|family| family.name == spec.method.family && family.network.is_some());
    let keys = spec.references.iter().filter(|_| looks).map(|key| key.from);
    let keys: Vec<u64> =
        keys.map(|from| analysis.frames_in(TimeRange::new(from, spec.range.end())).start).collect();
    Layout { segments: split(segments.into_iter(), &keys) }
}

/// Every unbroken stretch of `range` within a shot in which `person` is seen.
pub fn stretches(analysis: &Analysis, person: u32, range: TimeRange) -> Layout {
    let frames = analysis.frames_in(range);
    let pieces =
        analysis.shots().chunk_by(|piece, next| piece.runs_on && piece.shows(person) == next.shows(person));
    let stretches = pieces.filter(|pieces| pieces[0].shows(person)).flat_map(|pieces| {
        let end = pieces[pieces.len() - 1].frames.end.min(frames.end);
        let start = frames.start.max(pieces[0].frames.start);
        (start..end).step_by(SEGMENT as usize).map(move |first| first..(first + SEGMENT).min(end))
    });
    Layout { segments: stretches.collect() }
}

/// The stretches, cut before each of the frames `at` that lies inside one.
fn split(stretches: impl Iterator<Item = Range<u64>>, at: &[u64]) -> Vec<Range<u64>> {
    let pieces = stretches.flat_map(|stretch| {
        let mut ends: Vec<u64> = at.iter().copied().filter(|at| stretch.contains(at)).collect();
        ends.push(stretch.end);
        ends.sort_unstable();
        let mut start = stretch.start;
        ends.into_iter().map(move |end| std::mem::replace(&mut start, end)..end).collect::<Vec<_>>()
    });
    pieces.filter(|piece| !piece.is_empty()).collect()
}

/// Makes every missing chunk of the take in `folder`. `open` gives a fresh recipe; asked for a second time, it
/// gives one on the CPU. What the take before left in `held` is not read again.
pub fn render(
    job: &TakeJob,
    folder: &Path,
    open: &dyn Fn(bool) -> Result<Box<dyn Recipe>, EngineError>,
    held: &mut Held,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Layout, EngineError> {
    let layout = layout(job.analysis, job.spec);
    let total = layout.frames();
    // First, so that a take can be looked at while it grows.
    let manifest = serde_json::to_vec(&layout).map_err(|e| EngineError::Request(format!("manifest: {e}")))?;
    write_atomically(&folder.join(MANIFEST), &manifest)?;
    let clips = Clips::new(job, held, cancel);
    let mut renderer = Renderer {
        job,
        folder,
        open,
        clips,
        recipe: None,
        on_cpu: false,
        served: 1,
        doubt: None,
        done: 0,
        total,
        sink,
        cancel,
    };
    for segment in &layout.segments {
        renderer.segment(segment)?;
    }
    Ok(layout)
}

struct Renderer<'a> {
    job: &'a TakeJob<'a>,
    folder: &'a Path,
    open: &'a dyn Fn(bool) -> Result<Box<dyn Recipe>, EngineError>,
    clips: Clips<'a>,
    /// Opened when the first missing chunk is found: a finished take needs no weights.
    recipe: Option<Box<dyn Recipe>>,
    on_cpu: bool,
    /// Chunks that the next reading of the footage serves.
    served: usize,
    /// What the editor was told last of the plan.
    doubt: Option<String>,
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
        let scene = self.clips.scene(self.job, segment)?;
        let line = scene.line();
        if self.recipe.is_none() {
            self.recipe = Some((self.open)(self.on_cpu)?);
        }
        let Some(recipe) = self.recipe.as_mut() else { return Ok(()) };
        let planned = recipe.plan(&line, self.cancel)?;
        if let Some(doubt) = recipe.doubt().filter(|doubt| self.doubt.as_ref() != Some(doubt)) {
            self.sink.doubt(doubt.clone());
            self.doubt = Some(doubt);
        }
        let mut wanted: Vec<Wanted> =
            planned.iter().map(|&(source, crop)| scene.gathered.wanted(source, crop)).collect();
        // The line's own pictures behind the plan's: mostly the same ones, and one reading gives both.
        let mut shown = Vec::new();
        for frame in missing.iter().cloned().flatten() {
            let index = (frame - segment.start) as usize;
            if let Some(face) = &line.faces[index] {
                let crop = recipe.crop(index, face);
                shown.push(Shown { frame: index, face, crop, picture: wanted.len() });
                wanted.push(Wanted { clip: FILM, frame, crop });
            }
        }
        let mut spool = Spool::create(&self.folder.join("pictures.spool"), wanted.len())?;
        let mut left = &missing[..];
        while !left.is_empty() {
            let (next, later) = left.split_at(self.served.min(left.len()));
            let within =
                |chunk: &Range<u64>, shown: &Shown| chunk.contains(&(segment.start + shown.frame as u64));
            let Some(recipe) = self.recipe.as_ref() else { break };
            let mut needed: Vec<usize> = Vec::new();
            for chunk in next {
                let frames = [chunk.start, chunk.end].map(|frame| (frame - segment.start) as usize);
                needed.extend(
                    recipe.looks_at(frames[0]..frames[1]).unwrap_or_else(|| (0..planned.len()).collect()),
                );
                needed.extend(shown.iter().filter(|shown| within(chunk, shown)).map(|shown| shown.picture));
            }
            self.clips.collect(&wanted, needed, &mut spool, self.sink)?;
            for chunk in next {
                let shown: Vec<&Shown> = shown.iter().filter(|shown| within(chunk, shown)).collect();
                self.chunk(&line, segment.start, chunk, &shown, &spool)?;
            }
            left = later;
            self.served = self.served.saturating_mul(READINGS);
        }
        Ok(())
    }

    fn chunk(
        &mut self,
        line: &Line,
        first: u64,
        chunk: &Range<u64>,
        shown: &[&Shown],
        spool: &Spool,
    ) -> Result<(), EngineError> {
        let targets = shown.par_iter().filter_map(|&&Shown { frame, face, crop, picture }| {
            // A picture that cannot be decoded stays as it is.
            let image = spool.get(picture).transpose()?;
            Some(image.map(|image| Target { frame, face, crop, image }))
        });
        let targets = targets.collect::<Result<Vec<_>, EngineError>>()?;
        let mut rendered = self.patches(line, &targets, spool)?.into_iter();
        let mut patches: Vec<Option<Patch>> = vec![None; (chunk.end - chunk.start) as usize];
        for target in &targets {
            patches[target.frame - (chunk.start - first) as usize] = rendered.next().flatten();
        }
        let bytes = chunk::encode(&patches, self.clips.film()?.video().format.depth);
        write_atomically(&chunk_path(self.folder, chunk), &bytes)?;
        self.advance(chunk.end - chunk.start);
        Ok(())
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
        self.sink.progress(Progress { stage: STAGE, done: self.done, total: Some(self.total) });
    }
}

/// Whether the chunk is there. Only its name is looked at: it got its name when it was whole. Rot is found when
/// it is read.
fn is_whole(folder: &Path, chunk: &Range<u64>) -> bool {
    chunk_path(folder, chunk).exists()
}

/// A picture of the line that is to be synced.
struct Shown<'a> {
    /// Index into the line's frames.
    frame: usize,
    face: &'a Face,
    crop: Crop,
    /// Its number in the spool.
    picture: usize,
}

/// A crop of a frame of one of the clips.
struct Wanted {
    clip: usize,
    frame: u64,
    crop: Crop,
}

/// The film is the first of the clips.
const FILM: usize = 0;

/// All that a recipe is told of a segment.
pub(crate) struct Scene {
    faces: Vec<Option<Face>>,
    times: Vec<Time>,
    rate: Option<FrameRate>,
    size: (usize, usize),
    voice: Speech,
    pub gathered: Gathered,
    reference: Option<Source>,
}

impl Scene {
    pub fn line(&self) -> Line<'_> {
        let Scene { faces, times, rate, size, voice, gathered, reference } = self;
        let footage = &gathered.footage;
        Line { faces, times, rate: *rate, size: *size, voice, footage, reference: *reference }
    }
}

/// The files that a take is made from, each opened when it is first read and kept open.
pub(crate) struct Clips<'a> {
    clips: Vec<Clip<'a>>,
    voice: Option<FilmSound>,
    held: &'a mut Held,
    cancel: &'a Cancel,
}

/// The footage of the last segment, which the next, of the same take or of another, mostly needs again: by its analysis,
/// person and frames. As much of it as [`FOOTAGE`].
#[derive(Default)]
pub struct Held(HashMap<(Digest, u32, Range<u64>), Arc<Footage>>);

struct Clip<'a> {
    path: &'a Path,
    analysis: &'a Analysis,
    person: u32,
    pictures: Option<FilmReader>,
    sound: Option<Option<FilmSound>>,
}

/// The actor's footage and where its frames lie.
pub(crate) struct Gathered {
    footage: Vec<Arc<Footage>>,
    /// Clip and first frame of each stretch.
    places: Vec<(usize, u64)>,
}

impl<'a> Clips<'a> {
    pub fn new(job: &TakeJob<'a>, held: &'a mut Held, cancel: &'a Cancel) -> Clips<'a> {
        let film = (job.film, job.analysis, job.spec.person);
        let more = job.more_footage.iter().map(|f| (f.path.as_path(), &*f.analysis, f.spec.person));
        let clips = std::iter::once(film).chain(more);
        let clip = |(path, analysis, person)| Clip { path, analysis, person, pictures: None, sound: None };
        Clips { clips: clips.map(clip).collect(), voice: None, held, cancel }
    }

    pub fn scene(&mut self, job: &TakeJob, segment: &Range<u64>) -> Result<Scene, EngineError> {
        let analysis = job.analysis;
        let (voice, voice_start) = self.voice_around(job, analysis.span(segment))?;
        let gathered = self.gather(segment.start)?;
        let mut faces = analysis.faces(job.spec.person, segment)?;
        correct(&mut faces, &analysis.places(&job.spec.faces, segment));
        let video = self.film()?.video();
        Ok(Scene {
            faces,
            times: segment.clone().map(|f| analysis.times().start(f) - voice_start).collect(),
            rate: match video.timing {
                Timing::Constant { rate } => Some(rate),
                Timing::Variable { .. } => None,
            },
            size: (video.width, video.height),
            voice,
            reference: gathered.reference(job, segment),
            gathered,
        })
    }

    pub fn film(&mut self) -> Result<&mut FilmReader, EngineError> {
        self.clips[FILM].pictures(self.cancel)
    }

    /// What a crop of the footage shows; `None` where the picture cannot be decoded.
    pub fn image(
        &mut self,
        gathered: &Gathered,
        source: Source,
        crop: Crop,
    ) -> Result<Option<Rgb>, EngineError> {
        let Wanted { clip, frame, crop } = gathered.wanted(source, crop);
        let picture = self.clips[clip].pictures(self.cancel)?.picture(frame)?;
        Ok(picture.map(|picture| picture.sample(crop.map, crop.width, crop.height)))
    }

    /// The voice around `span` as far as it is heard there, and the film time of its first sample.
    fn voice_around(&mut self, job: &TakeJob, span: TimeRange) -> Result<(Speech, Time), EngineError> {
        let TakeSpec { voice_at: at, voice_range: heard, .. } = *job.spec;
        let window = voice::window(span.shifted(-at), heard);
        let mut sound = match self.voice.take() {
            Some(sound) => sound,
            None => FilmSound::open(job.voice, self.cancel)?,
        };
        let mut speech = sound.speech(window)?;
        self.voice = Some(sound);
        voice::cut(&mut speech.samples, window.start(), heard);
        Ok((speech, at + window.start()))
    }

    /// The stretches in which the person is seen: of the film, nearest to frame `near` first, then of the other
    /// clips.
    fn gather(&mut self, near: u64) -> Result<Gathered, EngineError> {
        let mut gathered = Gathered { footage: Vec::new(), places: Vec::new() };
        let mut held = HashMap::new();
        let mut room = FOOTAGE;
        for (number, clip) in self.clips.iter_mut().enumerate() {
            let near = if number == FILM { near } else { 0 };
            let mut shots: Vec<_> = clip.analysis.shots().iter().filter(|s| s.shows(clip.person)).collect();
            shots.sort_by_key(
                |s| if s.frames.contains(&near) { 0 } else { 1 + s.frames.start.abs_diff(near) },
            );
            for shot in shots {
                if room <= Time::ZERO {
                    break;
                }
                let room_left = TimeRange::with_duration(clip.analysis.span(&shot.frames).start(), room);
                let frames = shot.frames.start..clip.analysis.frames_in(room_left).end.min(shot.frames.end);
                room -= clip.analysis.span(&frames).duration();
                gathered.places.push((number, frames.start));
                let stretch = (clip.analysis.key(), clip.person, frames.clone());
                let footage = match self.held.0.remove(&stretch) {
                    Some(footage) => footage,
                    None => Arc::new(clip.footage(frames, self.cancel)?),
                };
                held.insert(stretch, Arc::clone(&footage));
                gathered.footage.push(footage);
            }
        }
        self.held.0 = held;
        Ok(gathered)
    }

    /// Reads those of the wanted crops that are needed and not yet in the spool, in one pass over each clip.
    fn collect(
        &mut self,
        wanted: &[Wanted],
        needed: Vec<usize>,
        spool: &mut Spool,
        sink: &dyn Sink,
    ) -> Result<(), EngineError> {
        let mut order: Vec<usize> = needed.into_iter().filter(|&i| !spool.holds(i)).collect();
        order.sort_by_key(|&i| (wanted[i].clip, wanted[i].frame, i));
        order.dedup();
        let pictures: Vec<&[usize]> = order
            .chunk_by(|&a, &b| (wanted[a].clip, wanted[a].frame) == (wanted[b].clip, wanted[b].frame))
            .collect();
        for (done, crops) in pictures.iter().enumerate() {
            self.cancel.check()?;
            let &Wanted { clip, frame, .. } = &wanted[crops[0]];
            if let Some(picture) = self.clips[clip].pictures(self.cancel)?.picture(frame)? {
                for (n, &i) in crops.iter().enumerate() {
                    match crops[..n].iter().find(|&&known| wanted[known].crop == wanted[i].crop) {
                        Some(&known) => spool.put_again(i, known),
                        None => spool.put(i, &picture, wanted[i].crop)?,
                    }
                }
            }
            let total = Some(pictures.len() as u64);
            sink.progress(Progress { stage: "collect", done: done as u64 + 1, total });
        }
        Ok(())
    }
}

impl Clip<'_> {
    fn pictures(&mut self, cancel: &Cancel) -> Result<&mut FilmReader, EngineError> {
        let reader = match self.pictures.take() {
            Some(reader) => reader,
            None => FilmReader::open(self.path, cancel)?,
        };
        Ok(self.pictures.insert(reader))
    }

    fn footage(&mut self, frames: Range<u64>, cancel: &Cancel) -> Result<Footage, EngineError> {
        let sound = match self.sound.take() {
            Some(sound) => sound,
            None => FilmSound::open_if_any(self.path, cancel)?,
        };
        let span = self.analysis.span(&frames);
        let speech = match self.sound.insert(sound) {
            Some(sound) => sound.speech(span)?,
            None => Speech::default(),
        };
        let times = frames.clone().map(|f| self.analysis.times().start(f) - span.start()).collect();
        Ok(Footage::new(self.analysis.faces(self.person, &frames)?, times, speech))
    }
}

impl Gathered {
    fn wanted(&self, source: Source, crop: Crop) -> Wanted {
        let (clip, first) = self.places[source.footage];
        Wanted { clip, frame: first + source.frame as u64, crop }
    }

    /// The last reference that the editor set at or before the segment, as a frame of the footage.
    fn reference(&self, job: &TakeJob, segment: &Range<u64>) -> Option<Source> {
        let start = job.analysis.times().start(segment.start);
        let key = job.spec.references.iter().rev().find(|key| key.from <= start)?;
        let frame = job.analysis.times().index_at(key.picture);
        self.places.iter().zip(&self.footage).enumerate().find_map(|(footage, (&(clip, first), stretch))| {
            let index = frame.checked_sub(first)? as usize;
            (clip == FILM && index < stretch.faces.len()).then_some(Source { footage, frame: index })
        })
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
        let layout = Layout::kept(&folder)?.ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_cut_where_another_reference_begins() {
        let stretches = || [10..20, 30..40].into_iter();
        assert_eq!(split(stretches(), &[]), [10..20, 30..40]);
        assert_eq!(
            split(stretches(), &[34, 5, 10, 15, 25, 40, 32]),
            [10..15, 15..20, 30..32, 32..34, 34..40]
        );
    }
}
