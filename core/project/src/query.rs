//! What is where: the questions that the viewer, the mixer and the renderer ask of a project.

use crate::cue::{Cue, Treatment};
use crate::id::{CharacterId, ClipId, CueId, MediaId, TakeId};
use crate::media::Media;
use crate::project::{Character, Project};
use crate::sequence::{Clip, Track};
use crate::take::{Footage, Method, ReferenceKey, TakeSpec};
use lipsmith_base::{Digest, Time, TimeRange};
use std::collections::{BTreeMap, BTreeSet};

/// An unbroken stretch of one film, as a range of the sequence shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch<'a> {
    pub clip: &'a Clip,
    /// Film time.
    pub film: TimeRange,
}

/// A take's picture laid over the film's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer<'a> {
    pub cue: CueId,
    pub part: &'a TakeSpec,
    /// Film time inside `part.range`.
    pub film_time: Time,
    /// 0..=1; less than 1 in the line's handles.
    pub opacity: f32,
}

/// What the engine knows and a project does not: what has been analysed and installed.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Digests of the finished face analyses.
    pub analyses: &'a BTreeMap<MediaId, Digest>,
    /// Digest of the weights installed for a family; families without networks are not in it.
    pub checkpoints: &'a BTreeMap<String, Digest>,
    /// See [`TakeSpec::engine`].
    pub engine: u32,
}

/// Why a line cannot be rendered as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTake {
    #[error("cue {0} does not exist")]
    NoCue(CueId),
    #[error("the line is set to leave the picture as it is; set it to sync")]
    Left,
    #[error("nobody speaks the line; bind it to a person")]
    NoCharacter,
    #[error("the line has no voice; put one on a voice track and bind it")]
    NoVoice,
    #[error("there is no picture under the line; move it over film")]
    NoPicture,
    #[error("'{film}' shows no face of {character} under the line; bind one by clicking it in the viewer")]
    NoFace { character: String, film: String },
    #[error(
        "the faces of '{film}' are not analysed yet; wait for the analysis, or relink the film if it is offline"
    )]
    NotAnalysed { film: String },
}

impl Project {
    /// End of the last clip or cue.
    pub fn duration(&self) -> Time {
        let clips = self.sequence.tracks().map(|track| track.end());
        clips.chain(self.cues.values().map(|cue| cue.range.end())).max().unwrap_or(Time::ZERO)
    }

    pub fn clip(&self, id: ClipId) -> Option<(&Track, &Clip)> {
        self.sequence
            .tracks()
            .find_map(|track| Some((&**track, track.clips.iter().find(|clip| clip.id == id)?)))
    }

    /// The film on screen, and the film time.
    pub fn picture_at(&self, time: Time) -> Option<(&Clip, Time)> {
        self.sequence.picture.clip_at(time).map(|clip| (clip, time + clip.offset()))
    }

    /// What lies over the film's picture, bottom first: a line that begins later covers one that began before.
    pub fn layers_at(&self, time: Time) -> Vec<Layer<'_>> {
        let Some((clip, film_time)) = self.picture_at(time) else { return Vec::new() };
        let Some(film) = self.media.get(&clip.media) else { return Vec::new() };
        let mut cues: Vec<_> = self.cues.iter().filter(|(_, cue)| cue.rendered().contains(time)).collect();
        cues.sort_by_key(|(id, cue)| (cue.range.start(), **id));
        let fits = |part: &&TakeSpec| part.film == film.fingerprint && part.range.contains(film_time);
        let mut layers = Vec::new();
        for (id, cue) in cues {
            let part = cue.take_at(time).and_then(|take| take.parts.iter().find(fits));
            layers.extend(part.map(|part| Layer {
                cue: *id,
                part,
                film_time,
                opacity: cue.opacity_at(time),
            }));
        }
        layers
    }

    /// The cues that share time with `range`, by start.
    pub fn cues_in(&self, range: TimeRange) -> Vec<(CueId, &Cue)> {
        let shared = self.cues.iter().filter(|(_, cue)| cue.range.overlaps(range));
        let mut cues: Vec<_> = shared.map(|(id, cue)| (*id, &**cue)).collect();
        cues.sort_by_key(|(id, cue)| (cue.range.start(), *id));
        cues
    }

    /// Who speaks at a time.
    pub fn speakers_at(&self, time: Time) -> Vec<CharacterId> {
        let speaking = self.cues.values().filter(|cue| cue.range.contains(time));
        speaking.filter_map(|cue| cue.character).collect()
    }

    /// The tracks that are heard: not muted, and soloed if any is.
    pub fn heard(&self) -> impl Iterator<Item = &Track> {
        let solo = self.sequence.tracks().any(|track| track.solo);
        self.sequence
            .tracks()
            .map(|track| &**track)
            .filter(move |track| !track.muted && (track.solo || !solo))
    }

    /// The film that a range of the sequence shows, cut where the sequence cuts.
    pub fn stretches(&self, range: TimeRange) -> Vec<Stretch<'_>> {
        let clips = self.sequence.picture.clips_in(range).iter();
        let film = |clip: &Clip| range.intersect(clip.range()).shifted(clip.offset());
        clips
            .map(|clip| Stretch { clip, film: film(clip) })
            .filter(|stretch| !stretch.film.is_empty())
            .collect()
    }

    /// The specs of the take that rendering a line now would make, one for each stretch of film that shows the
    /// speaker; stretches that do not are left out. A kept take is stale when its parts differ from these.
    pub fn take_specs(&self, cue: CueId, known: &Known) -> Result<Vec<TakeSpec>, NoTake> {
        let cue = self.cues.get(&cue).ok_or(NoTake::NoCue(cue))?;
        if cue.treatment == Treatment::Leave {
            return Err(NoTake::Left);
        }
        let character = cue.character.and_then(|id| self.characters.get(&id)).ok_or(NoTake::NoCharacter)?;
        let voice_clip = self.voice_of(cue).ok_or(NoTake::NoVoice)?;
        let voice = self.media.get(&voice_clip.media).ok_or(NoTake::NoVoice)?;
        let method = self.method_of(cue, known);
        let footage = self.footage_of(character, known)?;

        let stretches = self.stretches(cue.rendered());
        let mut film_seen = None;
        let mut specs = Vec::new();
        for stretch in stretches {
            let media = stretch.clip.media;
            let Some(film) = self.media.get(&media) else { continue };
            film_seen = Some(film);
            for (range, person) in character.faces_in(media, stretch.film) {
                specs.push(TakeSpec {
                    film: film.fingerprint,
                    range,
                    analysis: analysis(media, film, known)?,
                    person,
                    voice: voice.fingerprint,
                    voice_range: voice_clip.source,
                    voice_at: stretch.clip.offset() - voice_clip.offset(),
                    method: method.clone(),
                    references: character.references_in(media, range),
                    footage: footage.clone(),
                    faces: cue.faces_in(media, range),
                    engine: known.engine,
                });
            }
        }
        match film_seen {
            None => Err(NoTake::NoPicture),
            Some(film) if specs.is_empty() => {
                Err(NoTake::NoFace { character: character.name.clone(), film: film.name.clone() })
            }
            Some(_) => Ok(specs),
        }
    }

    /// Whether rendering the line again would give other pictures than the take has. Of a film whose faces are not known,
    /// since it is offline perhaps, they are taken to be those that the take was made with.
    pub fn is_stale(&self, cue: CueId, take: TakeId, known: &Known) -> bool {
        let parts = self.cues.get(&cue).and_then(|cue| cue.takes.get(&take)).map(|take| &take.parts);
        let specs = match (self.take_specs(cue, known), parts) {
            (Err(NoTake::NotAnalysed { .. }), Some(parts)) => {
                let mut analyses = known.analyses.clone();
                self.media.iter().for_each(|(id, film)| {
                    let seen = parts.iter().find_map(|part| part.seen_in(film.fingerprint));
                    analyses
                        .extend(seen.filter(|_| !known.analyses.contains_key(id)).map(|seen| (*id, seen)));
                });
                self.take_specs(cue, &Known { analyses: &analyses, ..*known })
            }
            (specs, _) => specs,
        };
        specs.ok().as_ref() != parts
    }

    /// The clip that is to be seen spoken. It nearly always lies by its line: that is looked at first, since this is
    /// asked of every line of a long film.
    pub fn voice_of(&self, cue: &Cue) -> Option<&Clip> {
        let id = cue.voice?;
        let near = self.sequence.voices.iter().flat_map(|track| track.clips_in(cue.range));
        near.into_iter().find(|clip| clip.id == id).or_else(|| self.clip(id).map(|(_, clip)| clip))
    }

    /// The lines in which one of these clips is to be seen spoken.
    pub fn spoken_by(&self, voices: &BTreeSet<ClipId>) -> impl Iterator<Item = (CueId, &Cue)> {
        let spoken = |cue: &Cue| cue.voice.is_some_and(|voice| voices.contains(&voice));
        self.cues.iter().filter(move |(_, cue)| spoken(cue)).map(|(id, cue)| (*id, &**cue))
    }

    /// The line's own method, else the project's.
    pub fn method<'a>(&'a self, cue: &'a Cue) -> &'a Method {
        cue.method.as_ref().unwrap_or(&self.settings.method)
    }

    /// The line's method with the weights named.
    fn method_of(&self, cue: &Cue, known: &Known) -> Method {
        let mut method = self.method(cue).clone();
        method.checkpoint = method.checkpoint.or_else(|| known.checkpoints.get(&method.family).copied());
        method
    }

    fn footage_of(&self, character: &Character, known: &Known) -> Result<Vec<Footage>, NoTake> {
        let films =
            character.footage.iter().filter_map(|(id, person)| Some((*id, self.media.get(id)?, *person)));
        films
            .map(|(id, film, person)| {
                Ok(Footage { film: film.fingerprint, analysis: analysis(id, film, known)?, person })
            })
            .collect()
    }
}

fn analysis(id: MediaId, film: &Media, known: &Known) -> Result<Digest, NoTake> {
    known.analyses.get(&id).copied().ok_or_else(|| NoTake::NotAnalysed { film: film.name.clone() })
}

impl Character {
    /// Where in a stretch of film the character is which person of its analysis, by time.
    pub fn faces_in(&self, media: MediaId, film: TimeRange) -> Vec<(TimeRange, u32)> {
        let bound = self.faces.iter().filter(|face| face.media == media);
        let mut faces: Vec<_> = bound.map(|face| (face.range.intersect(film), face.person)).collect();
        faces.retain(|(range, _)| !range.is_empty());
        faces.sort();
        faces
    }

    /// The reference keys that hold in a stretch of film: the last one before it and those inside.
    fn references_in(&self, media: MediaId, film: TimeRange) -> Vec<ReferenceKey> {
        let of_film = self.references.iter().filter(|key| key.media == media && key.from < film.end());
        let mut keys: Vec<_> =
            of_film.map(|key| ReferenceKey { from: key.from, picture: key.picture }).collect();
        keys.sort_by_key(|key| key.from);
        let before = keys.iter().filter(|key| key.from <= film.start()).count();
        keys.split_off(before.saturating_sub(1))
    }
}
