//! The simplest project: one film, one voice, one speaker. What the command line dubs, and where an editor's first
//! drop of a film and a voice begins.

use crate::edit::{CastEdit, ClipEdit, CueEdit, Edit, EditError, MediaEdit, Ripple};
use crate::id::{CharacterId, ClipId, MediaId};
use crate::media::Media;
use crate::project::{Character, FaceBinding, Project, Reference, Settings};
use lipsmith_base::{FrameRate, Time, TimeRange};

#[derive(Clone, Debug, PartialEq)]
pub struct Dub {
    pub film: Media,
    pub voice: Media,
    /// Film time at which the voice begins.
    pub at: Time,
    /// Film time to dub; inside the film and the voice.
    pub ranges: Vec<TimeRange>,
    /// The speaker's number in the film's face analysis.
    pub person: u32,
    /// Film time of the reference picture; `None` leaves it to the family.
    pub reference: Option<Time>,
    /// Other films of the same actor, with the person's number in each.
    pub footage: Vec<(Media, u32)>,
    pub settings: Settings,
}

impl Project {
    /// The film from sequence time zero on, so that sequence time is film time, and a line with its piece of the
    /// voice for each range.
    pub fn for_dub(dub: Dub) -> Result<Project, EditError> {
        let Dub { film, voice, at, ranges, person, reference, footage, settings } = dub;
        let rate = film.video.map_or(FrameRate::FPS_25, |video| video.rate);
        let (whole, voice_whole) =
            (TimeRange::new(Time::ZERO, film.duration), TimeRange::new(at, at + voice.duration));
        let mut project = Project::new(film.name.clone(), rate);
        project.settings = settings;
        let (picture, voices) = (project.sequence.picture.id, project.sequence.voices[0].id);

        let film_id = MediaId(project.add(MediaEdit::Add(film))?);
        let voice_id = MediaId(project.add(MediaEdit::Add(voice))?);
        let mut speaker = Character::new("Speaker", crate::edit::COLOURS[0]);
        speaker.faces = vec![FaceBinding { media: film_id, range: whole, person }];
        speaker.references.extend(reference.map(|picture| Reference {
            media: film_id,
            from: Time::ZERO,
            picture,
        }));
        for (media, person) in footage {
            speaker.footage.push((MediaId(project.add(MediaEdit::Add(media))?), person));
        }
        let speaker = CharacterId(project.add(CastEdit::AddCharacter(speaker))?);
        let place =
            |track, media, source, at| ClipEdit::Place { track, media, source, at, ripple: Ripple::Off };
        project.add(place(picture, film_id, whole, Time::ZERO))?;
        for range in ranges {
            let source = range.intersect(voice_whole).shifted(-at);
            let voice = ClipId(project.add(place(voices, voice_id, source, range.start().max(at)))?);
            let (character, voice) = (Some(speaker), Some(voice));
            project.add(CueEdit::Add { range, text: String::new(), character, voice })?;
        }
        Ok(project)
    }

    /// Applies an edit that makes something new; that thing's number.
    fn add(&mut self, edit: impl Into<Edit>) -> Result<u64, EditError> {
        let id = self.next_id;
        *self = edit.into().apply(self)?;
        Ok(id)
    }
}
