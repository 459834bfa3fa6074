//! Every invariant of a project, in one place: what a loaded file must satisfy and no edit may break.

use crate::cue::{Cue, Take};
use crate::id::{ClipId, CueId, MediaId};
use crate::media::Media;
use crate::project::{Character, Project};
use crate::sequence::{Clip, LONGEST, Track};
use crate::take::{Method, Reach};
use lipsmith_base::{Rect, Time, TimeRange};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Greater numbers do not survive other programs' JSON.
const GREATEST_ID: u64 = 1 << 53;
const GAIN_DB: std::ops::RangeInclusive<f32> = -96.0..=24.0;
const LONGEST_HANDLES: Time = Time(10 * lipsmith_base::time::FLICKS);

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The thing, in the editor's words: `cue 12`.
    pub place: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl Project {
    /// All invariants that do not hold; empty for a sound project.
    pub fn check(&self) -> Vec<Violation> {
        let mut checker = Checker { project: self, voices: BTreeSet::new(), found: Vec::new() };
        checker.ids();
        checker.sequence();
        for (id, media) in &*self.media {
            checker.media(*id, media);
        }
        for (id, character) in &*self.characters {
            checker.character(&format_args!("person {id}"), character);
        }
        for (id, cue) in &*self.cues {
            checker.cue(*id, cue);
        }
        for (id, marker) in &*self.markers {
            checker.time(&format_args!("marker {id}"), "its time", marker.at);
        }
        checker.method(&"settings", &self.settings.method);
        checker.found
    }
}

struct Checker<'a> {
    project: &'a Project,
    /// Clips on voice tracks.
    voices: BTreeSet<ClipId>,
    found: Vec<Violation>,
}

impl<'a> Checker<'a> {
    /// The problem's text is made only when there is one.
    fn holds(&mut self, place: &dyn fmt::Display, fact: bool, problem: impl FnOnce() -> String) {
        if !fact {
            self.found.push(Violation { place: place.to_string(), problem: problem() });
        }
    }

    fn ids(&mut self) {
        let project = self.project;
        let tracks = || project.sequence.tracks();
        let ids = (project.media.keys().map(|id| id.0))
            .chain(tracks().map(|track| track.id.0))
            .chain(tracks().flat_map(|track| track.clips.iter().map(|clip| clip.id.0)))
            .chain(project.characters.keys().map(|id| id.0))
            .chain(project.cues.keys().map(|id| id.0))
            .chain(project.cues.values().flat_map(|cue| cue.takes.keys().map(|id| id.0)))
            .chain(project.markers.keys().map(|id| id.0));
        let mut ids: Vec<u64> = ids.collect();
        ids.sort_unstable();
        for pair in ids.windows(2) {
            self.holds(&"project", pair[0] < pair[1], || format!("the number {} names two things", pair[1]));
        }
        let greatest = ids.last().copied().unwrap_or(0);
        self.holds(&"project", greatest < project.next_id && project.next_id <= GREATEST_ID, || {
            format!("the next new number, {}, does not follow {greatest}, the last used", project.next_id)
        });
    }

    fn sequence(&mut self) {
        let sequence = &self.project.sequence;
        self.time(&"sequence", "its first timecode", sequence.start);
        let fps = sequence.rate.fps();
        self.holds(&"sequence", (1.0..=1000.0).contains(&fps), || {
            format!("{fps} frames a second are not usable")
        });
        for track in sequence.tracks() {
            let place = format!("track '{}'", track.name);
            self.gain(&place, track.gain_db);
            let picture = track.id == sequence.picture.id;
            track.clips.iter().for_each(|clip| self.clip(track, clip, picture));
            for pair in track.clips.windows(2) {
                if let [a, b] = pair {
                    self.holds(&place, a.end() <= b.start, || format!("clips {} and {} overlap", a.id, b.id));
                }
            }
            if !picture {
                self.voices.extend(track.clips.iter().map(|clip| clip.id));
            }
        }
    }

    fn clip(&mut self, track: &Track, clip: &Clip, picture: bool) {
        let place = format_args!("clip {} on track '{}'", clip.id, track.name);
        self.time(&place, "its start", clip.start);
        self.time(&place, "its end", clip.end());
        self.gain(&place, clip.gain_db);
        let fades = [clip.fade_in, clip.fade_out];
        let fit = fades.iter().all(|&fade| (Time::ZERO..=LONGEST).contains(&fade))
            && clip.fade_in + clip.fade_out <= clip.duration();
        self.holds(&place, fit, || "its fades are longer than itself, or negative".into());
        if let Some(media) = self.known_media(&place, clip.media) {
            self.stretch(&place, "it", clip.source, media);
            let usable = if picture { media.video.is_some() } else { media.sound.is_some() };
            self.holds(&place, usable, || {
                format!("'{}' has no {}", media.name, if picture { "picture" } else { "sound" })
            });
        }
    }

    fn media(&mut self, id: MediaId, media: &Media) {
        let place = format_args!("media {id} '{}'", media.name);
        self.time(&place, "its duration", media.duration);
        self.holds(&place, media.duration > Time::ZERO, || "it has no duration".into());
        let usable = media.video.is_some() || media.sound.is_some();
        self.holds(&place, usable, || "it has neither picture nor sound".into());
    }

    fn character(&mut self, place: &dyn fmt::Display, character: &Character) {
        let mut bound: BTreeMap<MediaId, Vec<TimeRange>> = BTreeMap::new();
        for face in &character.faces {
            if let Some(media) = self.known_media(place, face.media) {
                self.stretch(place, "a bound face", face.range, media);
            }
            bound.entry(face.media).or_default().push(face.range);
        }
        for ranges in bound.values_mut() {
            ranges.sort();
            let apart = ranges.windows(2).all(|pair| !pair[0].overlaps(pair[1]));
            self.holds(place, apart, || "two faces are bound over the same stretch of a film".into());
        }
        let mut keys = BTreeSet::new();
        for reference in &character.references {
            let once = keys.insert((reference.media, reference.from));
            self.holds(place, once, || "two references begin at the same time".into());
            if let Some(media) = self.known_media(place, reference.media) {
                let film = TimeRange::new(Time::ZERO, media.duration);
                let inside = film.contains(reference.from) && film.contains(reference.picture);
                self.holds(place, inside, || format!("a reference lies outside '{}'", media.name));
            }
        }
        for (media, _) in &character.footage {
            self.known_media(place, *media);
        }
    }

    fn cue(&mut self, id: CueId, cue: &Cue) {
        let place = format_args!("cue {id}");
        self.time(&place, "its start", cue.range.start());
        self.time(&place, "its end", cue.range.end());
        self.holds(&place, !cue.range.is_empty(), || "it has no duration".into());
        self.holds(&place, (Time::ZERO..=LONGEST_HANDLES).contains(&cue.handles), || {
            format!("its handles, {}, are not within 0 and {LONGEST_HANDLES}", cue.handles)
        });
        if let Some(character) = cue.character {
            let known = self.project.characters.contains_key(&character);
            self.holds(&place, known, || format!("its speaker, person {character}, does not exist"));
        }
        if let Some(voice) = cue.voice {
            let known = self.voices.contains(&voice);
            self.holds(&place, known, || format!("its voice, clip {voice}, is on no voice track"));
        }
        if let Some(method) = &cue.method {
            self.method(&place, method);
        }
        for (take_id, take) in &cue.takes {
            self.take(&format_args!("take {take_id} of cue {id}"), take);
        }
        for take in cue.chosen.iter().chain(cue.comp.iter().map(|span| &span.take)) {
            self.holds(&place, cue.takes.contains_key(take), || {
                format!("it shows take {take}, which does not exist")
            });
        }
        for place_of_face in &cue.faces {
            self.known_media(&place, place_of_face.media);
        }
        let places: Vec<_> = cue.faces.iter().map(|face| (face.media, face.at)).collect();
        self.holds(&place, places.windows(2).all(|pair| pair[0] < pair[1]), || {
            "its corrected faces are out of order".into()
        });
        self.holds(&place, cue.faces.iter().all(|face| is_place(face.rect)), || {
            "a corrected face is smaller than a pixel or outside any picture".into()
        });
        let room = cue.comp_room();
        let inside = |range: TimeRange| !range.is_empty() && range.intersect(room) == range;
        let sound = cue.comp.iter().all(|span| inside(span.range))
            && cue.comp.windows(2).all(|pair| pair[0].range.end() <= pair[1].range.start());
        self.holds(&place, sound, || "its comp spans overlap, are out of order or lie outside it".into());
    }

    fn take(&mut self, place: &dyn fmt::Display, take: &Take) {
        self.holds(place, take.rating <= 5, || format!("{} stars, where 5 are the most", take.rating));
        self.holds(place, !take.parts.is_empty(), || "it has no parts".into());
        for part in &take.parts {
            self.holds(place, !part.range.is_empty(), || "a part has no duration".into());
            self.method(place, &part.method);
        }
    }

    fn method(&mut self, place: &dyn fmt::Display, method: &Method) {
        let Method {
            family,
            preset: _,
            checkpoint: _,
            sampler,
            steps,
            eta,
            seed: _,
            in_betweens: _,
            half_precision: _,
            inner_every,
            emphasis,
            feather,
            reach,
        } = method;
        self.holds(place, !family.is_empty() && !sampler.is_empty(), || {
            "family or sampler has no name".into()
        });
        self.holds(place, (1..=1000).contains(steps), || format!("{steps} steps are not within 1 and 1000"));
        self.holds(place, (1..=Method::MOST_INNER_EVERY).contains(inner_every), || {
            format!(
                "inner levels every {inner_every} steps are not within 1 and {}",
                Method::MOST_INNER_EVERY
            )
        });
        self.holds(place, (0.0..=1.0).contains(eta), || format!("eta {eta} is not within 0 and 1"));
        self.holds(place, (0.0..=Method::MOST_EMPHASIS).contains(emphasis), || {
            format!("emphasis {emphasis} is not within 0 and {}", Method::MOST_EMPHASIS)
        });
        let feather = feather.unwrap_or(0.0);
        self.holds(place, (0.0..=0.5).contains(&feather), || {
            format!("feather {feather} is not within 0 and 0.5")
        });
        let reaches = [reach.up, reach.side, reach.down];
        self.holds(place, reaches.iter().all(|reach| (Reach::LEAST..=Reach::MOST).contains(reach)), || {
            format!("the mask's reach {reaches:?} is not within {} and {}", Reach::LEAST, Reach::MOST)
        });
    }

    fn known_media(&mut self, place: &dyn fmt::Display, id: MediaId) -> Option<&'a Media> {
        let media = self.project.media.get(&id);
        self.holds(place, media.is_some(), || format!("media {id} is not in the pool"));
        media
    }

    fn stretch(&mut self, place: &dyn fmt::Display, what: &str, range: TimeRange, media: &Media) {
        self.holds(place, !range.is_empty(), || format!("{what} has no duration"));
        self.holds(place, range.start() >= Time::ZERO && range.end() <= media.duration, || {
            format!("{what} reaches outside '{}', which lasts {}", media.name, media.duration)
        });
    }

    fn time(&mut self, place: &dyn fmt::Display, what: &str, time: Time) {
        self.holds(place, (Time::ZERO..=LONGEST).contains(&time), || {
            format!("{what}, {time}, is not within 0 and {LONGEST}")
        });
    }

    fn gain(&mut self, place: &dyn fmt::Display, gain_db: f32) {
        self.holds(place, GAIN_DB.contains(&gain_db), || {
            format!("a gain of {gain_db} dB is not within {} and {} dB", GAIN_DB.start(), GAIN_DB.end())
        });
    }
}

/// Whether a face could be there in some film: faces may lie partly outside the picture.
fn is_place(rect: Rect) -> bool {
    const FAR: f32 = 100_000.0;
    let near = [rect.x0, rect.y0, rect.x1, rect.y1].iter().all(|v| v.abs() <= FAR);
    near && rect.width() >= 1.0 && rect.height() >= 1.0
}
