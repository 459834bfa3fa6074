//! Timelines as text, a character a second: `[A--]` is a clip of five seconds named A, `(a-)` a line of four. Tracks are
//! `P` (picture), `V1`, `V2`, …; `C` are the lines.

use lipsmith_base::{Digest, FrameRate, Time, TimeRange};
use lipsmith_project::edit::{ClipEdit, CueEdit, MediaEdit, Ripple, TakeEdit, TrackEdit};
use lipsmith_project::{
    ClipId, CueId, Edit, Media, MediaId, Method, Project, Sound, TakeId, TakeSpec, Track, Video,
};
use std::path::PathBuf;

/// How long the media are, in seconds; clips begin ten seconds into them.
const MEDIA: i64 = 100;
const LEAD: i64 = 10;

pub fn secs(seconds: f64) -> Time {
    Time::from_secs_f64(seconds)
}

pub fn film_and_voice(project: &Project, seconds: i64) -> Project {
    let media = |name: &str, video: Option<Video>| {
        MediaEdit::Add(Media {
            name: name.into(),
            path: PathBuf::from(name),
            fingerprint: Digest::of(name.as_bytes()),
            duration: Time::from_units(seconds, 1),
            video,
            sound: Some(Sound { rate: 48_000, channels: 1 }),
        })
    };
    let video = Video { rate: FrameRate::FPS_25, width: 1920, height: 1080 };
    let edits = vec![media("film.mov", Some(video)).into(), media("voice.wav", None).into()];
    Edit::Several { label: "media".into(), edits }.apply(project).expect("sound")
}

#[derive(Clone)]
pub struct Scene {
    pub project: Project,
    clips: Vec<(char, ClipId)>,
    cues: Vec<(char, CueId)>,
    /// The rows that are drawn, by their names.
    rows: Vec<String>,
}

impl Scene {
    pub fn new(rows: &[&str]) -> Scene {
        let project = film_and_voice(&Project::new("scene", FrameRate::FPS_25), MEDIA);
        let mut scene = Scene { project, clips: Vec::new(), cues: Vec::new(), rows: Vec::new() };
        for row in rows {
            let (name, drawn) = row.split_at(3);
            let name = name.trim();
            scene.rows.push(name.to_string());
            let number = name.strip_prefix('V').map_or(0, |n| n.parse().expect("a number"));
            while scene.project.sequence.voices.len() < number {
                scene.apply(TrackEdit::Add { name: name.into() });
            }
            scene.lay(number, drawn);
        }
        scene
    }

    fn lay(&mut self, number: usize, drawn: &str) {
        let (film, voice) = self.media();
        let mut start = 0;
        let mut letter = ' ';
        for (at, mark) in drawn.chars().enumerate() {
            let range = |start: usize| {
                TimeRange::new(Time::from_units(start as i64, 1), Time::from_units(at as i64 + 1, 1))
            };
            match mark {
                '[' | '(' => start = at,
                'a'..='z' | 'A'..='Z' => letter = mark,
                ']' => {
                    let range = range(start);
                    let track = self.project.sequence.tracks().nth(number).expect("a track").id;
                    let media = if number == 0 { film } else { voice };
                    let source = TimeRange::with_duration(Time::from_units(LEAD, 1), range.duration());
                    self.clips.push((letter, ClipId(self.project.next_id)));
                    let ripple = Ripple::Off;
                    self.apply(ClipEdit::Place { track, media, source, at: range.start(), ripple });
                }
                ')' => {
                    self.cues.push((letter, CueId(self.project.next_id)));
                    let text = letter.to_string();
                    self.apply(CueEdit::Add { range: range(start), text, character: None, voice: None });
                }
                _ => {}
            }
        }
    }

    fn apply(&mut self, edit: impl Into<Edit>) {
        self.project = edit.into().apply(&self.project).expect("sound");
    }

    pub fn locked(&self, number: usize) -> Scene {
        let mut scene = self.clone();
        let track = scene.project.sequence.tracks().nth(number).expect("a track").id;
        scene.apply(TrackEdit::Lock { track, locked: true });
        scene
    }

    /// Takes of a line, in the order they were made.
    pub fn with_takes(&self, cue: CueId, count: u32) -> (Scene, Vec<TakeId>) {
        let mut scene = self.clone();
        let nothing = Digest::of(b"");
        for number in 1..=count {
            let range = TimeRange::new(Time::ZERO, secs(1.0));
            let part = TakeSpec {
                film: nothing,
                range,
                analysis: nothing,
                person: number,
                voice: nothing,
                voice_range: range,
                voice_at: Time::ZERO,
                method: Method::default(),
                references: Vec::new(),
                footage: Vec::new(),
                faces: Vec::new(),
                engine: 0,
            };
            scene.apply(TakeEdit::Add { cue, name: format!("Take {number}"), parts: vec![part] });
        }
        let takes = scene.project.cues[&cue].takes.keys().copied().collect();
        (scene, takes)
    }

    pub fn clip(&self, letter: char) -> Option<ClipId> {
        self.clips.iter().find(|(name, _)| *name == letter).map(|(_, id)| *id)
    }

    pub fn cue(&self, letter: char) -> Option<CueId> {
        self.cues.iter().find(|(name, _)| *name == letter).map(|(_, id)| *id)
    }

    /// Film and voice.
    pub fn media(&self) -> (MediaId, MediaId) {
        let mut ids = self.project.media.keys().copied();
        (ids.next().expect("film"), ids.next().expect("voice"))
    }

    /// A later project in this scene's rows and letters. A row is as long as its last thing and the free seconds that
    /// were behind it.
    pub fn of(&self, project: &Project) -> String {
        let rows = self.rows.iter().map(|name| {
            let drawn = |project: &Project| match name.as_str() {
                "C" => self.cues_of(project),
                "P" => self.clips_of(&project.sequence.picture),
                voice => {
                    let number: usize = voice[1..].parse().expect("a number");
                    self.clips_of(&project.sequence.voices[number - 1])
                }
            };
            format!("{name:<3}{}", drawn(project))
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    fn clips_of(&self, track: &Track) -> String {
        let name = |id| self.clips.iter().find(|(_, of)| *of == id).map_or('n', |(letter, _)| *letter);
        draw(track.clips.iter().map(|clip| (clip.range(), name(clip.id))), ['[', ']'])
    }

    fn cues_of(&self, project: &Project) -> String {
        let name = |id| self.cues.iter().find(|(_, of)| *of == id).map_or('n', |(letter, _)| *letter);
        draw(project.cues.iter().map(|(id, cue)| (cue.range, name(*id))), ['(', ')'])
    }
}

fn draw(things: impl Iterator<Item = (TimeRange, char)>, ends: [char; 2]) -> String {
    let mut row = Vec::new();
    for (range, letter) in things {
        let at = |time: Time| time.round_units(1) as usize;
        let (from, to) = (at(range.start()), at(range.end()));
        row.resize(row.len().max(to), '.');
        row[from..to].fill('-');
        row[from] = ends[0];
        row[to - 1] = ends[1];
        if to - from > 2 {
            row[from + 1] = letter;
        }
    }
    row.into_iter().collect()
}
