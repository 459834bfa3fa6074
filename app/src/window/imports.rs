//! What becomes of files that are brought in: pure functions from what was found to the edit that lays it down.

use super::words::Words;
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::desk::FilmFaces;
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, MediaEdit, Ripple, TrackEdit};
use lipsmith_project::{
    Character, CharacterId, ClipId, Edit, FaceBinding, Media, MediaId, Method, Project, Settings, TrackId,
};

/// People of a film that become characters by themselves; of a crowd the most seen.
const MOST_PEOPLE: usize = 8;
/// Okabe and Ito's colours, told apart also by those who see few; yellow left out, it is the selection's.
const COLOURS: [[u8; 3]; 6] =
    [[230, 159, 0], [86, 180, 233], [0, 158, 115], [204, 121, 167], [213, 94, 0], [0, 114, 178]];

/// Adds a medium to the pool and lays it down: a film behind the picture, a sound at the playhead, with a line over
/// it. The first film gives the sequence its rate, and a project whose method nobody has chosen the `best` family of those
/// installed. A medium that is in the pool already is laid down again.
pub fn lay_down(
    project: &Project,
    media: Media,
    playhead: Time,
    speaker: Option<CharacterId>,
    best: Option<&str>,
    words: &Words,
) -> Edit {
    let known = project.media.iter().find(|(_, known)| known.fingerprint == media.fingerprint);
    let mut next = project.next_id;
    let mut edits = Vec::new();
    let id = match known {
        Some((id, _)) => *id,
        None => {
            edits.push(MediaEdit::Add(media.clone()).into());
            take(&mut next).into()
        }
    };
    let source = TimeRange::new(Time::ZERO, media.duration);
    let label = match media.video {
        Some(video) => {
            let track = &project.sequence.picture;
            if track.clips.is_empty() {
                let labels = lipsmith_base::Timecode::drop_where_usual(video.rate);
                let drop_frame = labels != lipsmith_base::Timecode::non_drop(video.rate);
                let start = project.sequence.start;
                edits.push(Edit::Labels { rate: video.rate, drop_frame, start });
                let chosen = &project.settings.method;
                if let Some(family) =
                    best.filter(|best| *chosen == Method::default() && *best != chosen.family)
                {
                    let method = Method { family: family.into(), ..chosen.clone() };
                    edits.push(Edit::Settings(Settings { method, ..project.settings.clone() }));
                }
            }
            edits.push(place(track.id, id, source, track.end()));
            format!("Import {}", media.name)
        }
        None => {
            let range = TimeRange::with_duration(playhead, media.duration);
            let free = project
                .sequence
                .voices
                .iter()
                .find(|track| !track.locked && track.clips_in(range).is_empty());
            let track = match free {
                Some(track) => track.id,
                None => {
                    let name = words.numbered("track-voice", project.sequence.voices.len() + 1);
                    edits.push(TrackEdit::Add { name }.into());
                    TrackId(take(&mut next))
                }
            };
            edits.push(place(track, id, source, playhead));
            let voice = Some(ClipId(take(&mut next)));
            let text = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem).to_string();
            edits.push(CueEdit::Add { range, text, character: speaker, voice }.into());
            format!("Lay down {}", media.name)
        }
    };
    Edit::Several { label, edits }
}

/// The people of a film that nobody plays yet become characters; with one alone, lines without a speaker are theirs.
pub fn cast(project: &Project, media: MediaId, faces: &FilmFaces, words: &Words) -> Option<Edit> {
    let bound = project.characters.values().any(|c| c.faces.iter().any(|face| face.media == media));
    let film = project.media.get(&media)?;
    if bound || faces.key.is_none() || faces.people.is_empty() {
        return None;
    }
    let seen = |spans: &[(TimeRange, _)]| -> i64 { spans.iter().map(|(range, _)| range.duration().0).sum() };
    let mut people: Vec<_> = faces.people.iter().map(|p| (seen(&p.spans), p.person)).collect();
    people.sort_by_key(|(seen, person)| (std::cmp::Reverse(*seen), *person));
    people.truncate(MOST_PEOPLE);
    people.sort_by_key(|(_, person)| *person);
    let first = project.next_id;
    let whole = TimeRange::new(Time::ZERO, film.duration);
    let mut edits: Vec<Edit> = Vec::new();
    for (_, person) in &people {
        let count = project.characters.len() + edits.len();
        let name = words.numbered("character-unnamed", count + 1);
        let mut character = Character::new(name, COLOURS[count % COLOURS.len()]);
        character.faces.push(FaceBinding { media, range: whole, person: *person });
        edits.push(CastEdit::AddCharacter(character).into());
    }
    if people.len() == 1 {
        let orphans = project.cues.iter().filter(|(_, cue)| cue.character.is_none());
        let speaker = Some(CharacterId(first));
        edits.extend(orphans.map(|(cue, _)| CueEdit::Bind { cue: *cue, character: speaker }.into()));
    }
    Some(Edit::Several { label: "Find people".into(), edits })
}

fn place(track: TrackId, media: MediaId, source: TimeRange, at: Time) -> Edit {
    ClipEdit::Place { track, media, source, at, ripple: Ripple::Off }.into()
}

fn take(next: &mut u64) -> u64 {
    *next += 1;
    *next - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipsmith_base::{Digest, FrameRate};
    use lipsmith_engine::desk::{PersonSeen, Seen};
    use lipsmith_project::{Sound, Video};

    fn film() -> Media {
        let rate = FrameRate::new(30_000, 1001).expect("positive");
        Media {
            name: "shot.mov".into(),
            path: "/films/shot.mov".into(),
            fingerprint: Digest::of(b"film"),
            duration: rate.frame_start(300),
            video: Some(Video { rate, width: 1920, height: 1080 }),
            sound: Some(Sound { rate: 48_000, channels: 2 }),
        }
    }

    fn voice(name: &str) -> Media {
        Media { name: name.into(), fingerprint: Digest::of(name.as_bytes()), video: None, ..film() }
    }

    #[test]
    fn a_film_and_a_voice_become_a_line_that_can_be_rendered() {
        let words = Words::of("en");
        let mut project = Project::new("new", FrameRate::FPS_25);
        project = lay_down(&project, film(), Time::ZERO, None, None, &words).apply(&project).expect("laid");
        assert_eq!(project.sequence.rate, film().video.expect("a film").rate);
        assert!(project.sequence.drop_frame);
        project =
            lay_down(&project, voice("line.wav"), Time(7), None, None, &words).apply(&project).expect("laid");
        let cue = project.cues.values().next().expect("a line");
        assert_eq!((cue.range.start(), cue.text.as_str()), (Time(7), "line"));
        assert!(project.clip(cue.voice.expect("bound")).is_some());

        let media = *project.media.keys().next().expect("a film");
        let whole = TimeRange::new(Time::ZERO, film().duration);
        let seen = PersonSeen { person: 3, spans: vec![(whole, Seen::Well)] };
        let faces = FilmFaces { key: Some(Digest::of(b"a")), shots: vec![whole], people: vec![seen] };
        project = cast(&project, media, &faces, &words).expect("people").apply(&project).expect("cast");
        let character = project.cues.values().next().and_then(|cue| cue.character).expect("bound");
        assert_eq!(project.characters[&character].faces[0].person, 3);
        assert!(cast(&project, media, &faces, &words).is_none(), "nobody is cast twice");
    }

    #[test]
    fn the_first_film_brings_the_best_family_unless_one_was_chosen() {
        let words = Words::of("en");
        let laid = |project: &Project, film: Media| {
            let edit = lay_down(project, film, Time::ZERO, None, Some("wav2lip"), &words);
            edit.apply(project).expect("laid")
        };
        let fresh = laid(&Project::new("new", FrameRate::FPS_25), film());
        assert_eq!(fresh.settings.method.family, "wav2lip");
        let mut chosen = Project::new("new", FrameRate::FPS_25);
        chosen.settings.method.seed += 1;
        assert_eq!(laid(&chosen, film()).settings, chosen.settings);
    }

    #[test]
    fn a_voice_over_another_gets_its_own_track() {
        let words = Words::of("en");
        let mut project = Project::new("new", FrameRate::FPS_25);
        for name in ["one.wav", "two.wav", "three.wav"] {
            project = lay_down(&project, voice(name), Time::ZERO, None, None, &words)
                .apply(&project)
                .expect("laid");
        }
        assert_eq!(project.sequence.voices.len(), 3);
        assert!(project.sequence.voices.iter().all(|track| track.clips.len() == 1));
    }
}
