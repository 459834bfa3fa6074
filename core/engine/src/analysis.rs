//! What is known of a film's pictures: when each is on screen, where the shots are, who is in them. Made once a
//! film and detector, kept in the cache a shot a file (a long one a piece a file), so a cancelled run goes on after
//! the last of them.

use crate::cache::{self, Cache};
use crate::detector::{Chosen, Detector};
use crate::error::EngineError;
use crate::files::write_atomically;
use crate::film::reading;
use crate::paths::Paths;
use lipsmith_base::{Cancel, Digest, Progress, Rect, Sink, Time, TimeRange};
use lipsmith_lipsync::face::detect::Finder;
use lipsmith_lipsync::face::track::{Shot, Tracker};
use lipsmith_lipsync::families::advisor;
use lipsmith_lipsync::speech::SPEECH_RATE;
use lipsmith_lipsync::{Face, Speech};
use lipsmith_media::{AudioReader, FrameTimes, MediaError, VideoReader};
use lipsmith_project::FaceKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Changes whenever the same film would be analysed differently.
const VERSION: u32 = 3;

/// Faces by which it is told whether someone speaks: six minutes.
const ENOUGH: usize = 9_000;

/// One film's analysis. Holds a line for each shot; faces are read from the cache when asked for.
pub struct Analysis {
    folder: PathBuf,
    key: Digest,
    times: FrameTimes,
    shots: Vec<ShotSummary>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShotSummary {
    pub frames: Range<u64>,
    /// The next one is its next piece.
    pub runs_on: bool,
    /// By person number.
    pub people: BTreeMap<u32, Presence>,
}

/// How much of a person a shot shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// Frames in which the face is known.
    pub frames: u64,
    /// Mean area of the face's box in pixels.
    pub area: f32,
}

impl ShotSummary {
    pub fn shows(&self, person: u32) -> bool {
        self.people.contains_key(&person)
    }

    fn of(shot: &Shot) -> ShotSummary {
        let mut people = BTreeMap::new();
        for track in &shot.tracks {
            let faces = track.faces.iter().flatten();
            let frames = faces.clone().count() as u64;
            let area = faces.map(|f| f.rect.area()).sum::<f32>() / frames.max(1) as f32;
            if frames > 0 {
                people.insert(track.person, Presence { frames, area });
            }
        }
        let start = shot.start as u64;
        ShotSummary { frames: start..start + shot.length as u64, runs_on: shot.runs_on, people }
    }
}

/// What it takes to analyse films.
pub struct Analyst<'a> {
    paths: Paths,
    detector: Detector,
    device: String,
    cache: Cache,
    sink: &'a dyn Sink,
    cancel: &'a Cancel,
    watch: &'a dyn Fn(&Shot, &FrameTimes),
}

impl<'a> Analyst<'a> {
    /// With the best detector that is installed, on the best device.
    pub fn new(paths: &Paths, sink: &'a dyn Sink, cancel: &'a Cancel) -> Analyst<'a> {
        let (detector, device, cache) = (Detector::Auto, "auto".into(), Cache::new(&paths.cache));
        Analyst { paths: paths.clone(), detector, device, cache, sink, cancel, watch: &|_, _| () }
    }

    /// With the detector that was asked for; a large one runs on `device`, a name of `lipsmith_nets::device`.
    pub fn using(self, detector: Detector, device: &str) -> Analyst<'a> {
        Analyst { detector, device: device.into(), ..self }
    }

    /// Has `watch` called with each shot as soon as it is known, from the film's first on, while a film is analysed.
    pub fn watched(self, watch: &'a dyn Fn(&Shot, &FrameTimes)) -> Analyst<'a> {
        Analyst { watch, ..self }
    }

    /// From the cache alone; `None` when the film must be read.
    pub fn recall(&self, film: &Path, fingerprint: Digest) -> Result<Option<Analysis>, EngineError> {
        let (key, folder) = self.place(&self.detector.choose(&self.paths)?, fingerprint);
        let Some(shots) = kept_shots(&folder)? else { return Ok(None) };
        let times = VideoReader::open(film, &reading(self.cancel))?.times().clone();
        Ok(Some(Analysis { folder, key, times, shots }))
    }

    /// From the cache, or by reading the whole film.
    pub fn analyse(&self, film: &Path, fingerprint: Digest) -> Result<Analysis, EngineError> {
        let detector = self.detector.choose(&self.paths)?;
        let (key, folder) = self.place(&detector, fingerprint);
        let reader = VideoReader::open(film, &reading(self.cancel))?;
        let times = reader.times().clone();
        let shots = match kept_shots(&folder)? {
            Some(shots) => shots,
            None => {
                self.sink.note(format!("faces are found by {}", detector.name()));
                let finder = detector.open(&self.device)?;
                let shots = self.track(reader, finder, &folder)?;
                let manifest = serde_json::to_vec(&shots).unwrap_or_default();
                write_atomically(&manifest_path(&folder), &manifest)?;
                shots
            }
        };
        Ok(Analysis { folder, key, times, shots })
    }

    /// The analysis' name and folder.
    fn place(&self, detector: &Chosen, fingerprint: Digest) -> (Digest, PathBuf) {
        let key = Digest::of(format!("analysis {VERSION} {} {fingerprint}", detector.name()).as_bytes());
        (key, self.cache.folder("analysis", key))
    }

    /// Tracks the film from the first shot that is not in `folder` yet.
    fn track(
        &self,
        mut reader: VideoReader,
        finder: Finder,
        folder: &Path,
    ) -> Result<Vec<ShotSummary>, EngineError> {
        let times = reader.times().clone();
        let total = times.count();
        let mut shots: Vec<ShotSummary> = Vec::new();
        let mut tracker = Tracker::new(finder, reader.video().timing.base());
        while let Some(bytes) = cache::read(&shot_path(folder, shots.len()))? {
            let Ok(shot) = Shot::decode(&bytes) else { break };
            shots.push(ShotSummary::of(&shot));
            (self.watch)(&shot, &times);
            tracker.resume(&shot);
        }
        let mut done = shots.last().map_or(0, |shot| shot.frames.end);
        let mut keep = |shot: Shot| {
            write_atomically(&shot_path(folder, shots.len()), &shot.encode())?;
            shots.push(ShotSummary::of(&shot));
            (self.watch)(&shot, &times);
            Ok::<(), EngineError>(())
        };
        reader.seek(reader.times().start(done))?;
        while let Some(frame) = reader.next()? {
            // A picture that could not be decoded counts as its successor.
            while done <= frame.index {
                self.cancel.check()?;
                if let Some(shot) = tracker.push(&frame.picture)? {
                    keep(shot)?;
                }
                done += 1;
            }
            self.sink.progress(Progress { stage: "track", done, total: Some(total) });
        }
        for shot in tracker.finish()? {
            keep(shot)?;
        }
        for note in reader.notes() {
            self.sink.note(note.clone());
        }
        Ok(shots)
    }
}

impl Analysis {
    /// Names this analysis among the things that make a take.
    pub fn key(&self) -> Digest {
        self.key
    }
    pub fn shots(&self) -> &[ShotSummary] {
        &self.shots
    }
    pub fn times(&self) -> &FrameTimes {
        &self.times
    }

    /// First frames of the shots; pieces of a long one do not count.
    pub fn cuts(&self) -> impl Iterator<Item = u64> {
        let first = self.shots.first().map(|shot| shot.frames.start);
        let later = self.shots.iter().filter(|shot| !shot.runs_on).map(|shot| shot.frames.end);
        first.into_iter().chain(later).filter(|&frame| frame < self.times.count())
    }

    pub fn span(&self, frames: &Range<u64>) -> TimeRange {
        TimeRange::new(self.times.start(frames.start), self.times.start(frames.end))
    }

    /// The frames that start within `range`.
    pub fn frames_in(&self, range: TimeRange) -> Range<u64> {
        let at_or_after = |time: Time| {
            let shown = self.times.index_at(time);
            if self.times.start(shown) < time { shown + 1 } else { shown }
        };
        let end = at_or_after(range.end()).min(self.times.count());
        at_or_after(range.start()).min(end)..end
    }

    /// Where a person has put a face, for those of `frames` of which something is said, counted from the first.
    pub fn places(&self, keys: &[FaceKey], frames: &Range<u64>) -> Vec<(usize, Rect)> {
        let place = |key: &FaceKey| {
            let frame = self.times.index_at(key.at);
            frames.contains(&frame).then(|| ((frame - frames.start) as usize, key.rect))
        };
        keys.iter().filter_map(place).collect()
    }

    /// Everything known of one shot.
    pub fn shot(&self, index: usize) -> Result<Shot, EngineError> {
        let path = shot_path(&self.folder, index);
        cache::read(&path)?.and_then(|bytes| Shot::decode(&bytes).ok()).ok_or_else(|| {
            // Without its manifest the folder is analysed again, from this shot on.
            let _ = std::fs::remove_file(manifest_path(&self.folder));
            EngineError::Request(format!(
                "{} is missing or broken; run again to make it anew",
                path.display()
            ))
        })
    }

    /// Whether the person's mouth ever opens: [`advisor::opens`] over shots of some minutes.
    ///
    /// # Errors
    /// When the faces cannot be read.
    pub fn opens(&self, person: u32) -> Result<bool, EngineError> {
        let mut seen = Vec::new();
        for shot in self.shots.iter().filter(|shot| shot.shows(person)) {
            seen.extend(self.faces(person, &shot.frames)?.into_iter().flatten());
            if seen.len() >= ENOUGH {
                break;
            }
        }
        Ok(advisor::opens(&seen))
    }

    /// A person's faces in a stretch of film, one entry a frame.
    pub fn faces(&self, person: u32, frames: &Range<u64>) -> Result<Vec<Option<Face>>, EngineError> {
        let mut faces = vec![None; (frames.end - frames.start) as usize];
        for (index, summary) in self.shots.iter().enumerate() {
            let common = summary.frames.start.max(frames.start)..summary.frames.end.min(frames.end);
            if common.is_empty() || !summary.shows(person) {
                continue;
            }
            for track in self.shot(index)?.tracks.into_iter().filter(|t| t.person == person) {
                for (frame, face) in (summary.frames.start..).zip(track.faces) {
                    if let (true, Some(face)) = (common.contains(&frame), face) {
                        faces[(frame - frames.start) as usize] = Some(face);
                    }
                }
            }
        }
        Ok(faces)
    }
}

/// Written beside the shots once all are there.
fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

fn kept_shots(folder: &Path) -> Result<Option<Vec<ShotSummary>>, EngineError> {
    Ok(cache::read(&manifest_path(folder))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn shot_path(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("{index:06}.shot"))
}

/// The sound of a file as speech, read in stretches.
pub struct FilmSound(AudioReader);

impl FilmSound {
    pub fn open(path: &Path, cancel: &Cancel) -> Result<FilmSound, EngineError> {
        Ok(FilmSound(AudioReader::open(path, SPEECH_RATE, Some(1), &reading(cancel))?))
    }

    /// `None` for a film without sound.
    pub fn open_if_any(path: &Path, cancel: &Cancel) -> Result<Option<FilmSound>, EngineError> {
        match AudioReader::open(path, SPEECH_RATE, Some(1), &reading(cancel)) {
            Ok(reader) => Ok(Some(FilmSound(reader))),
            Err(MediaError::NoSound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The samples of `range`, fewer where the sound ends.
    pub fn speech(&mut self, range: TimeRange) -> Result<Speech, EngineError> {
        let rate = i64::from(SPEECH_RATE);
        let wanted = (range.end().round_units(rate) - range.start().round_units(rate)).max(0) as usize;
        self.0.seek(range.start())?;
        let mut samples = Vec::new();
        while samples.len() < wanted {
            let Some(block) = self.0.next()? else { break };
            samples.extend(block.samples);
        }
        samples.truncate(wanted);
        Ok(Speech { samples })
    }
}
