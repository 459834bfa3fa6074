//! Whose faces are in a frame, out of the film's finished analysis in the cache.

use crate::analysis::{Analysis, Analyst};
use crate::desk::event::FaceBox;
use crate::paths::Paths;
use lipsmith_base::{Cancel, Digest};
use lipsmith_lipsync::Face;
use lipsmith_lipsync::blend::{Matte, lower_face_matte};
use lipsmith_lipsync::face::Shot;
use lipsmith_project::{Media, MediaId};
use std::collections::BTreeMap;
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
}

impl Faces {
    pub fn new(paths: Paths) -> Faces {
        Faces { paths, films: BTreeMap::new() }
    }

    /// The faces in film frame `frame`; none while the film is not analysed.
    pub fn at(&mut self, id: MediaId, media: &Media, frame: u64) -> Vec<FaceBox> {
        let fresh = |film: &Film| film.analysis.is_some() || film.looked.elapsed() < AGAIN;
        if !self.films.get(&media.fingerprint).is_some_and(fresh) {
            let cancel = Cancel::new();
            // What cannot be read counts as not there: whoever analyses tells why.
            let analysis = Analyst::new(&self.paths, &(), &cancel).recall(&media.path, media.fingerprint);
            let analysis = analysis.ok().flatten();
            self.films.insert(media.fingerprint, Film { analysis, looked: Instant::now(), held: None });
        }
        let shot = self.films.get_mut(&media.fingerprint).and_then(|film| film.shot(frame));
        let tracks = shot.iter().flat_map(|shot| &shot.tracks);
        let seen = tracks.filter_map(|track| {
            let index = usize::try_from(frame).ok()?.checked_sub(shot?.start)?;
            let face = track.faces.get(index)?.as_ref()?;
            let Face { rect, interpolated, .. } = *face;
            Some(FaceBox { media: id, person: track.person, rect, interpolated, outline: outline(face) })
        });
        seen.collect()
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
}

/// Of the region that is painted.
fn outline(face: &Face) -> Vec<lipsmith_base::Point> {
    match lower_face_matte(face, 0.0) {
        Matte::Polygon { outline, .. } if face.landmarks.is_some() => outline,
        _ => Vec::new(),
    }
}
