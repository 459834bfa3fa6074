//! THE frame function: what is seen at a time of the sequence, on screen and in the export alike. [`plan`] says
//! what a project shows, [`Takes`] fetches it from the cache, [`frame_at`] draws it.

use crate::cache::Cache;
use crate::error::EngineError;
use crate::take::TakeReader;
use lipsmith_base::{Digest, Picture, Time};
use lipsmith_lipsync::blend;
use lipsmith_lipsync::families::Patch;
use lipsmith_project::{CueId, MediaId, Project, TakeSpec};
use std::collections::BTreeMap;

/// What a project shows at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The film under everything.
    pub media: MediaId,
    pub film_time: Time,
    /// Bottom first.
    pub layers: Vec<Layer>,
}

/// A take laid over the film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    pub cue: CueId,
    /// Names the take in the cache.
    pub take: Digest,
    /// 0..=1.
    pub opacity: f32,
}

/// What `project` shows at sequence time `at`; `None` where no film is.
pub fn plan(project: &Project, at: Time) -> Option<Plan> {
    let (clip, film_time) = project.picture_at(at)?;
    let layers = project.layers_at(at).into_iter();
    let layer = |l: lipsmith_project::Layer| Layer { cue: l.cue, take: l.part.key(), opacity: l.opacity };
    Some(Plan { media: clip.media, film_time, layers: layers.map(layer).collect() })
}

/// The same with `part` of a take as its only layer, whatever is chosen: for looking at one take by itself.
pub fn plan_of_take(project: &Project, at: Time, cue: CueId, parts: &[TakeSpec]) -> Option<Plan> {
    let (clip, film_time) = project.picture_at(at)?;
    let film = project.media.get(&clip.media)?;
    let rendered = project.cues.get(&cue).is_some_and(|cue| cue.rendered().contains(at));
    let part = parts.iter().find(|p| p.film == film.fingerprint && p.range.contains(film_time));
    let layers = part.filter(|_| rendered).map(|part| Layer { cue, take: part.key(), opacity: 1.0 });
    Some(Plan { media: clip.media, film_time, layers: layers.into_iter().collect() })
}

/// A patch and how much of it is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Laid {
    pub patch: Patch,
    /// 0..=1.
    pub opacity: f32,
}

/// The takes of a project in the cache, each opened when it is first seen.
pub struct Takes {
    cache: Cache,
    open: BTreeMap<Digest, TakeReader>,
}

/// Each holds a chunk: a few dozen patches. Neighbouring lines and the takes compared fit in.
const OPEN_TAKES: usize = 4;

impl Takes {
    pub fn new(cache: Cache) -> Takes {
        Takes { cache, open: BTreeMap::new() }
    }

    /// What `layer` lays over film frame `frame`; `None` where the take leaves the frame as it is.
    ///
    /// # Errors
    /// When that part of the take is not in the cache.
    pub fn laid(&mut self, layer: &Layer, frame: u64) -> Result<Option<Laid>, EngineError> {
        if !self.open.contains_key(&layer.take) {
            let reader = TakeReader::open(self.cache.folder("takes", layer.take))?;
            if self.open.len() >= OPEN_TAKES {
                self.open.clear();
            }
            self.open.insert(layer.take, reader);
        }
        let Some(reader) = self.open.get_mut(&layer.take) else { return Ok(None) };
        let patch = reader.patch(frame)?;
        Ok(patch.map(|patch| Laid { patch: patch.clone(), opacity: layer.opacity }))
    }

    /// Everything that `plan` lays over film frame `frame`, bottom first.
    ///
    /// # Errors
    /// When any of it is not in the cache: an export must not leave a mouth out.
    pub fn all(&mut self, plan: &Plan, frame: u64) -> Result<Vec<Laid>, EngineError> {
        plan.layers.iter().filter_map(|layer| self.laid(layer, frame).transpose()).collect()
    }
}

/// A film frame, decoded as `picture`, with `laid` over it. Where nothing is laid it keeps its bits.
pub fn frame_at(picture: Picture, laid: &[Laid]) -> Picture {
    let mut composed = picture;
    laid.iter().for_each(|laid| blend::paste(&mut composed, &laid.patch, laid.opacity));
    composed
}

/// Where [`frame_at`] paints and how much, white on black, in the film's own format.
pub fn matte_at(picture: &Picture, laid: &[Laid]) -> Picture {
    let patches: Vec<_> = laid.iter().map(|laid| (&laid.patch, laid.opacity)).collect();
    blend::matte_picture(&patches, picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{Affine, ColourSpec, FrameRate, PixelFormat, Plane, Rgb, TimeRange};
    use lipsmith_lipsync::blend::Matte;
    use lipsmith_project::{Cue, Dub, Media, Method, Settings, Sound, Take, TakeId, Video};
    use std::sync::Arc;

    fn seconds(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    fn media(name: &str, length: f64) -> Media {
        Media {
            name: name.into(),
            path: name.into(),
            fingerprint: Digest::of(name.as_bytes()),
            duration: seconds(length),
            video: Some(Video { rate: FrameRate::FPS_25, width: 64, height: 32 }),
            sound: Some(Sound { rate: 48_000, channels: 2 }),
        }
    }

    fn spec(film: &str, range: TimeRange) -> TakeSpec {
        TakeSpec {
            film: Digest::of(film.as_bytes()),
            range,
            analysis: Digest::of(b"faces"),
            person: 1,
            voice: Digest::of(b"voice"),
            voice_range: range,
            voice_at: Time::ZERO,
            method: Method::default(),
            references: Vec::new(),
            footage: Vec::new(),
            faces: Vec::new(),
            engine: 1,
        }
    }

    /// Ten seconds of film; a line from 2 s to 4 s with handles of 1 s and a take.
    fn project() -> (Project, CueId, TakeSpec) {
        let mut project = Project::for_dub(Dub {
            film: media("film", 10.0),
            voice: media("voice", 10.0),
            at: Time::ZERO,
            ranges: vec![TimeRange::new(seconds(2.0), seconds(4.0))],
            person: 1,
            reference: None,
            footage: Vec::new(),
            settings: Settings::default(),
        })
        .expect("a project");
        let id = *project.cues.keys().next().expect("a cue");
        let part = spec("film", TimeRange::new(seconds(1.0), seconds(5.0)));
        let mut cue = Cue::clone(&project.cues[&id]);
        cue.handles = seconds(1.0);
        let take = Take { name: "1".into(), rating: 0, parts: vec![part.clone()] };
        cue.takes.insert(TakeId(900), take);
        cue.chosen = Some(TakeId(900));
        Arc::make_mut(&mut project.cues).insert(id, Arc::new(cue));
        (project, id, part)
    }

    #[test]
    fn the_plan_follows_the_line() {
        let (project, cue, part) = project();
        assert_eq!(plan(&project, seconds(11.0)), None, "behind the film");
        let bare = plan(&project, seconds(0.5)).expect("film");
        assert!(bare.layers.is_empty() && bare.film_time == seconds(0.5));
        let inside = plan(&project, seconds(3.0)).expect("film");
        assert_eq!(inside.layers, [Layer { cue, take: part.key(), opacity: 1.0 }]);
        let handle = plan(&project, seconds(1.25)).expect("film");
        assert!((handle.layers[0].opacity - 0.25).abs() < 1e-6, "{:?}", handle.layers);
        let alone = plan_of_take(&project, seconds(1.25), cue, &[part]).expect("film");
        assert_eq!(alone.layers[0].opacity, 1.0, "a take by itself is seen whole");
    }

    fn grey(level: f32) -> Rgb {
        Rgb::from_pixels(16, 16, vec![[level; 3]; 256]).expect("fits")
    }

    fn luma(picture: &Picture, x: usize, y: usize) -> u8 {
        let Plane::U8(samples) = &picture.planes()[0] else { panic!("8 bits") };
        samples[y * picture.width() + x]
    }

    #[test]
    fn half_opacity_is_half_way_and_none_keeps_the_bits() {
        let black = Picture::from_rgb(&Rgb::black(64, 32), PixelFormat::GBR8, ColourSpec::SRGB);
        let map = Affine { c: 8.0, f: 8.0, ..Affine::IDENTITY };
        let patch = Patch { image: grey(200.0 / 255.0), map, matte: Matte::Whole };
        let at = |opacity| frame_at(black.clone(), &[Laid { patch: patch.clone(), opacity }]);
        assert_eq!(luma(&at(1.0), 16, 16), 200);
        assert_eq!(luma(&at(0.5), 16, 16), 100);
        assert_eq!(luma(&at(0.5), 40, 16), 0, "outside the patch");
        assert_eq!(at(0.0), black);
        let matte = matte_at(&black, &[Laid { patch: patch.clone(), opacity: 0.5 }]);
        assert_eq!((luma(&matte, 16, 16), luma(&matte, 40, 16)), (128, 0));
    }

    #[test]
    fn a_take_outside_the_cache_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (project, _, _) = project();
        let shown = plan(&project, seconds(3.0)).expect("film");
        let error = Takes::new(Cache::new(folder.path())).all(&shown, 75).expect_err("no take is there");
        assert!(error.to_string().contains("render"), "{error}");
    }
}
