//! From a film to clips: its faces by the engine's analysis, its pictures by the recipes' own windows.

use super::{Entry, Examine, FilmFile, Why};
use crate::analysis::{Analysis, Analyst, FilmSound};
use crate::error::EngineError;
use crate::files::fingerprint;
use crate::film::FilmReader;
use crate::track::Person;
use lipsmith_base::{Affine, Cancel, Rect, Time, TimeRange};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::families::{network::padded, wav2lip};
use lipsmith_nets::mel::{Mel, Padding};
use lipsmith_train::dataset::{PICTURES, POINTS, Record, Split, VALIDATION, Writer};
use std::ops::Range;

/// Narrower faces are blurs at the size of any network.
pub const LEAST_WIDTH: u32 = 40;
/// Pictures of the shortest and of the longest clip: a second, and what is held in memory at once.
const SHORTEST: usize = PICTURES as usize;
const LONGEST: usize = 10 * SHORTEST;
/// Root mean square of the samples under which nobody speaks.
const QUIET: f32 = 1e-3;
const SOUND_RATE: i64 = 16_000;

pub struct Cutter<'a> {
    pub analyst: Analyst<'a>,
    pub writer: Writer,
    pub side: usize,
    /// Only who is seen most.
    pub actor: bool,
    /// The last stretch of each film is for validation.
    pub keep_last: bool,
    pub examine: Examine<'a>,
    pub cancel: &'a Cancel,
}

impl Cutter<'_> {
    /// All clips of a film; what is wrong with the film itself is a reason to refuse it.
    pub fn film(&mut self, film: &FilmFile) -> Result<Entry, EngineError> {
        let mut entry =
            Entry { digest: fingerprint(&film.path).ok(), clips: Vec::new(), refused: Vec::new() };
        match self.people(film, &mut entry) {
            Ok(()) => {}
            Err(error @ (EngineError::Media(_) | EngineError::File { .. })) => {
                self.cancel.check()?;
                entry.refused.push(film.refused(None, Why::Unreadable(error.to_string())));
            }
            Err(error) => return Err(error),
        }
        Ok(entry)
    }

    fn people(&mut self, film: &FilmFile, entry: &mut Entry) -> Result<(), EngineError> {
        let digest = fingerprint(&film.path)?;
        let Some(sound) = FilmSound::open_if_any(&film.path, self.cancel)? else {
            entry.refused.push(film.refused(None, Why::Silent));
            return Ok(());
        };
        let analysis = self.analyst.analyse(&film.path, digest)?;
        let mut people = analysis.people();
        if people.is_empty() {
            entry.refused.push(film.refused(None, Why::Faceless));
        }
        people.sort_by_key(|person| std::cmp::Reverse(person.frames));
        if self.actor {
            people.truncate(1);
        }
        let pictures = FilmReader::open(&film.path, self.cancel)?;
        let mut open = Open { analysis: &analysis, pictures, sound };
        for (rank, person) in people.iter().enumerate() {
            let who =
                if rank == 0 { film.person.clone() } else { format!("{} {}", film.name, person.number) };
            let before = entry.clips.len();
            let mut why = None;
            let stretches = stretches(&analysis, person)?;
            let last = if self.keep_last && stretches.len() > 1 { stretches.len() - 1 } else { usize::MAX };
            for (i, stretch) in stretches.into_iter().enumerate() {
                let kept = film.validation || i == last;
                let name = format!("{} {} {}", film.name, person.number, stretch.start.0);
                if !self.writer.has(&name) {
                    match self.cut(&mut open, &stretch, kept, &who, name.clone())? {
                        Ok(record) => self.writer.push(record)?,
                        Err(reason) => {
                            why = Some(reason);
                            continue;
                        }
                    }
                }
                entry.clips.push(name);
            }
            if entry.clips.len() == before {
                entry.refused.push(film.refused(Some(person.number), why.unwrap_or(Why::Brief)));
            }
        }
        Ok(())
    }

    /// One clip, or why it is none.
    fn cut(
        &self,
        open: &mut Open,
        stretch: &Stretch,
        kept: bool,
        who: &str,
        name: String,
    ) -> Result<Result<Record, Why>, EngineError> {
        let width =
            stretch.faces.iter().map(|face| face.rect.width()).sum::<f32>() / stretch.faces.len() as f32;
        if width < LEAST_WIDTH as f32 {
            return Ok(Err(Why::Small(width as u32)));
        }
        let length = Time::from_units(stretch.pictures as i64, i64::from(PICTURES));
        let samples = open.sound.speech(TimeRange::new(stretch.start, stretch.start + length))?.samples;
        let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
        if power.sqrt() < QUIET {
            return Ok(Err(Why::Silent));
        }
        let mut samples = samples;
        samples.resize(length.round_units(SOUND_RATE).max(0) as usize, 0.0);
        let (mut faces, mut landmarks) = (Vec::new(), Vec::with_capacity(stretch.pictures));
        for picture in 0..stretch.pictures {
            self.cancel.check()?;
            let at = stretch.start + Time::from_units(picture as i64, i64::from(PICTURES));
            let frame =
                open.analysis.times().index_at(at).clamp(stretch.frames.start, stretch.frames.end - 1);
            let face = &stretch.faces[(frame - stretch.frames.start) as usize];
            let window = padded(face.rect, wav2lip::PADS);
            let here = Rect::new(0.0, 0.0, self.side as f32, self.side as f32);
            let Some(image) = open.pictures.picture(frame)? else {
                return Ok(Err(Why::Unreadable(format!("frame {frame} cannot be decoded"))));
            };
            let image = image.sample(Affine::rect_to_rect(here, window), self.side, self.side);
            for channel in 0..3 {
                faces.extend(
                    image.pixels().iter().map(|p| (p[channel].clamp(0.0, 1.0) * 255.0).round() as u8),
                );
            }
            landmarks.push(points(face, Affine::rect_to_rect(window, here)));
        }
        // The same in every run, whatever films come to the folder.
        let digest = blake3::hash(who.as_bytes());
        let number = u32::from_le_bytes([0, 1, 2, 3].map(|i| digest.as_bytes()[i]));
        // Of one actor it is not left to chance.
        let validation = kept || (!self.actor && number.is_multiple_of(VALIDATION));
        let record = Record {
            name,
            person: number,
            split: if validation { Split::Validation } else { Split::Train },
            faces,
            mel: Mel::new(&samples, Padding::Reflect).values().to_vec(),
            landmarks,
            sound: samples.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect(),
        };
        Ok(match (self.examine)(&record) {
            Ok(()) => Ok(record),
            Err(words) => Err(Why::Unfit(words)),
        })
    }
}

/// A film being cut.
struct Open<'a> {
    analysis: &'a Analysis,
    pictures: FilmReader,
    sound: FilmSound,
}

/// A face without a gap.
struct Stretch {
    start: Time,
    pictures: usize,
    frames: Range<u64>,
    /// One a frame.
    faces: Vec<Face>,
}

/// All stretches of a person that are long enough, none longer than a clip may be.
fn stretches(analysis: &Analysis, person: &Person) -> Result<Vec<Stretch>, EngineError> {
    let mut found = Vec::new();
    for shot in analysis.shots().iter().filter(|shot| shot.shows(person.number)) {
        let faces = analysis.faces(person.number, &shot.frames)?;
        let mut first = shot.frames.start;
        for run in faces.split(Option::is_none) {
            let frames = first..first + run.len() as u64;
            first = frames.end + 1;
            let span = analysis.span(&frames);
            let pictures = (span.end() - span.start()).floor_units(i64::from(PICTURES)).max(0) as usize;
            let mut done = 0;
            while pictures - done >= SHORTEST {
                let count = (pictures - done).min(LONGEST);
                let start = span.start() + Time::from_units(done as i64, i64::from(PICTURES));
                let end = start + Time::from_units(count as i64, i64::from(PICTURES));
                let within = analysis.times().index_at(start)..analysis.times().index_at(end) + 1;
                let within = within.start.max(frames.start)..within.end.min(frames.end);
                let offset = (within.start - frames.start) as usize;
                let length = (within.end - within.start) as usize;
                let faces = run[offset..offset + length].iter().flatten().cloned().collect();
                found.push(Stretch { start, pictures: count, frames: within, faces });
                done += count;
            }
        }
    }
    Ok(found)
}

/// In the crop's pixels; not numbers where only a box is known.
fn points(face: &Face, map: Affine) -> [[f32; 2]; POINTS] {
    let points = face.landmarks.as_deref().map(|l| l.points.as_slice()).unwrap_or_default();
    std::array::from_fn(|i| {
        points.get(i).map_or([f32::NAN; 2], |&p| {
            let p = map.apply(p);
            [p.x, p.y]
        })
    })
}
