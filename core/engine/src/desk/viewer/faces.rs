//! Whose faces are in a frame, out of the film's finished analysis in the cache, and what of them is painted.

use crate::analysis::{Analysis, Analyst};
use crate::desk::event::FaceBox;
use crate::paths::Paths;
use crate::recipe::mask;
use lipsmith_base::{Cancel, Digest, Rect, Time, TimeRange};
use lipsmith_lipsync::blend::{Matte, lower_face_matte};
use lipsmith_lipsync::face::correct::correct;
use lipsmith_lipsync::face::{self, Face, Shot};
use lipsmith_project::{Cue, CueId, FaceBinding, FaceKey, Media, MediaId, Project, Treatment};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

/// An analysis that is not there yet is looked for again after this time.
const AGAIN: Duration = Duration::from_secs(3);

pub struct Faces {
    paths: Paths,
    /// By the film's fingerprint.
    films: BTreeMap<Digest, Film>,
}

struct Film {
    analysis: Option<Analysis>,
    looked: Instant,
    /// The shot last looked at.
    held: Option<(usize, Shot)>,
    /// The face last corrected.
    corrected: Option<Corrected>,
}

/// A person's faces as an editor has put them right.
struct Corrected {
    person: u32,
    frames: Range<u64>,
    places: Vec<(usize, Rect)>,
    faces: Vec<Option<Face>>,
}

impl Faces {
    pub fn new(paths: Paths) -> Faces {
        Faces { paths, films: BTreeMap::new() }
    }

    /// The faces in frame `frame` of film `id`, which is seen at sequence time `at`; none while the film is not
    /// analysed.
    pub fn at(
        &mut self,
        project: &Project,
        at: Time,
        id: MediaId,
        media: &Media,
        frame: u64,
    ) -> Vec<FaceBox> {
        let fresh = |film: &Film| film.analysis.is_some() || film.looked.elapsed() < AGAIN;
        if !self.films.get(&media.fingerprint).is_some_and(fresh) {
            let cancel = Cancel::new();
            // What cannot be read counts as not there: whoever analyses tells why.
            let analysis = Analyst::new(&self.paths, &(), &cancel).recall(&media.path, media.fingerprint);
            let analysis = analysis.ok().flatten();
            let film = Film { analysis, looked: Instant::now(), held: None, corrected: None };
            self.films.insert(media.fingerprint, film);
        }
        let Some(film) = self.films.get_mut(&media.fingerprint) else { return Vec::new() };
        let people: BTreeSet<u32> = film
            .shot(frame)
            .into_iter()
            .flat_map(|shot| shot.tracks.iter().map(|track| track.person))
            .collect();
        let boxed = people.into_iter().filter_map(|person| film.boxed(project, at, id, person, frame));
        boxed.collect()
    }
}

impl Film {
    fn shot(&mut self, frame: u64) -> Option<&Shot> {
        let analysis = self.analysis.as_ref()?;
        let index = analysis.shots().partition_point(|shot| shot.frames.end <= frame);
        analysis.shots().get(index)?;
        if self.held.as_ref().is_none_or(|(held, _)| *held != index) {
            self.held = Some((index, analysis.shot(index).ok()?));
        }
        self.held.as_ref().map(|(_, shot)| shot)
    }

    fn boxed(
        &mut self,
        project: &Project,
        at: Time,
        media: MediaId,
        person: u32,
        frame: u64,
    ) -> Option<FaceBox> {
        let line = line_of(project, at, media, person);
        let keys = line.as_ref().map_or(Vec::new(), |line| line.cue.faces_in(media, line.film));
        let (face, placed) = match &line {
            Some(line) if !keys.is_empty() => self.corrected(line.film, person, keys, frame)?,
            _ => (face_of(self.shot(frame)?, person, frame)?.clone(), false),
        };
        let method = line.as_ref().map_or(&project.settings.method, |line| project.method(line.cue));
        let (outline, feather) = match lower_face_matte(&face, &mask(method)) {
            Matte::Polygon { outline, feather } => (outline, feather),
            Matte::Whole => (Vec::new(), 0.0),
        };
        let Face { rect, interpolated, .. } = face;
        let (line, map) = (line.map(|line| line.id), face::frame::frame(&face));
        let mouth = map.apply(face::frame::mouth(&face, map));
        Some(FaceBox { media, person, rect, interpolated, line, placed, outline, feather, mouth, map })
    }

    /// The person's face as the editor's places correct it, and whether one of them is in this very frame.
    fn corrected(
        &mut self,
        film: TimeRange,
        person: u32,
        keys: Vec<FaceKey>,
        frame: u64,
    ) -> Option<(Face, bool)> {
        let shot = self.shot(frame)?;
        let whole = shot.start as u64..(shot.start + shot.length) as u64;
        let analysis = self.analysis.as_ref()?;
        let seen = analysis.frames_in(film);
        let frames = seen.start.max(whole.start)..seen.end.min(whole.end);
        let index = usize::try_from(frame.checked_sub(frames.start)?).ok()?;
        let places = analysis.places(&keys, &frames);
        let placed = places.iter().any(|(place, _)| *place == index);
        let known = |of: &Corrected| (of.person, &of.frames, &of.places) == (person, &frames, &places);
        if !self.corrected.as_ref().is_some_and(known) {
            let shot = self.shot(frame)?;
            let mut faces: Vec<_> = frames.clone().map(|f| face_of(shot, person, f).cloned()).collect();
            correct(&mut faces, &places);
            self.corrected = Some(Corrected { person, frames, places, faces });
        }
        let face = self.corrected.as_ref()?.faces.get(index)?.clone()?;
        Some((face, placed))
    }
}

fn face_of(shot: &Shot, person: u32, frame: u64) -> Option<&Face> {
    let index = usize::try_from(frame).ok()?.checked_sub(shot.start)?;
    let tracks = shot.tracks.iter().filter(|track| track.person == person);
    tracks.filter_map(|track| track.faces.get(index)?.as_ref()).next()
}

/// What is painted on a person.
struct Line<'a> {
    id: CueId,
    cue: &'a Cue,
    /// What of the film it covers.
    film: TimeRange,
}

/// The line at sequence time `at` that a person of a film speaks; the last to begin, which lies on top.
fn line_of(project: &Project, at: Time, media: MediaId, person: u32) -> Option<Line<'_>> {
    let (clip, film_time) = project.picture_at(at)?;
    let speaks = |cue: &Cue| {
        let character = cue.character.and_then(|id| project.characters.get(&id));
        let plays = |face: &FaceBinding| {
            face.media == media && face.person == person && face.range.contains(film_time)
        };
        cue.treatment == Treatment::Sync && character.is_some_and(|c| c.faces.iter().any(plays))
    };
    let lines = project.cues.iter().filter(|(_, cue)| cue.rendered().contains(at) && speaks(cue));
    let (id, cue) = lines.max_by_key(|(id, cue)| (cue.range.start(), **id))?;
    let film = cue.rendered().intersect(clip.range()).shifted(clip.offset());
    Some(Line { id: *id, cue, film })
}
