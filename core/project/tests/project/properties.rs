//! Thousands of random edits: whatever they are, the project stays sound, undo gives back what was, a file gives back
//! what was saved.

use crate::sketch::{draw, f, media, span};
use lipsmith_base::{Digest, Rect, Time, TimeRange};
use lipsmith_project::edit::{
    CastEdit, ClipEdit, CueEdit, Edge, MediaEdit, Ripple, ScriptLine, TakeEdit, TrackEdit,
};
use lipsmith_project::{
    Character, CharacterId, ClipId, CueId, Edit, FaceBinding, FacePlace, History, Known, Marker, MediaId,
    Method, Project, Reach, Reference, Settings, TakeId, TrackId, Treatment, file,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Numbers from which an edit of whatever project is there is made.
type Dice = (u8, u8, u8, i64, i64);

fn dice() -> impl Strategy<Value = Dice> {
    // Mostly whole frames of a short film, sometimes nonsense.
    let time = prop_oneof![20 => -4i64..60, 1 => any::<i64>()];
    (any::<u8>(), any::<u8>(), any::<u8>(), time.clone(), time)
}

/// An element of a list, or mostly; now and then something that is not in it.
fn pick<T: Copy>(things: impl Iterator<Item = T>, die: u8, nothing: T) -> T {
    let things: Vec<T> = things.collect();
    if things.is_empty() || die == 255 { nothing } else { things[usize::from(die) % things.len()] }
}

fn edit(project: &Project, (kind, a, b, x, y): Dice) -> Edit {
    let clip = |die| {
        pick(
            project.sequence.tracks().flat_map(|track| track.clips.iter().map(|clip| clip.id)),
            die,
            ClipId(u64::MAX),
        )
    };
    let track = |die| pick(project.sequence.tracks().map(|track| track.id), die, TrackId(0));
    let medium = |die| pick(project.media.keys().copied(), die, MediaId(0));
    let cue = pick(project.cues.keys().copied(), a, CueId(0));
    let take =
        pick(project.cues.get(&cue).into_iter().flat_map(|cue| cue.takes.keys().copied()), b, TakeId(0));
    let character = |die| pick(project.characters.keys().copied(), die, CharacterId(0));
    let ripple = [Ripple::Off, Ripple::Track, Ripple::All][usize::from(b) % 3];
    let edge = if x % 2 == 0 { Edge::Head } else { Edge::Tail };
    let range = TimeRange::new(f(x), f(y));
    let some = |die: u8| !die.is_multiple_of(4);
    match kind % 36 {
        0..3 => ClipEdit::Place {
            track: track(a),
            media: medium(b),
            source: span(0, 5 + y % 30),
            at: f(x),
            ripple,
        }
        .into(),
        3..5 => ClipEdit::Move { clip: clip(a), track: track(b), to: f(x), insert: some(b) }.into(),
        5..8 => ClipEdit::Trim { clip: clip(a), edge, to: f(y), ripple }.into(),
        8 => ClipEdit::Slip { clip: clip(a), by: f(x) }.into(),
        9..11 => ClipEdit::Split { clip: clip(a), at: f(x) }.into(),
        11 => ClipEdit::Remove { clip: clip(a), ripple }.into(),
        12 => ClipEdit::CloseGap { track: track(a), at: f(x), ripple }.into(),
        13 => ClipEdit::Gain { clip: clip(a), gain_db: x as f32 }.into(),
        14 => ClipEdit::Fade { clip: clip(a), fade_in: f(x / 4), fade_out: f(y / 4) }.into(),
        15 => TrackEdit::Add { name: format!("voice {x}") }.into(),
        16 => match b % 6 {
            0 => TrackEdit::Remove(track(a)).into(),
            1 => TrackEdit::Reorder { track: track(a), to: usize::from(b) }.into(),
            2 => TrackEdit::Lock { track: track(a), locked: true }.into(),
            3 => TrackEdit::Lock { track: track(a), locked: false }.into(),
            4 => TrackEdit::Solo { track: track(a), solo: some(a) }.into(),
            _ => TrackEdit::Gain { track: track(a), gain_db: y as f32 }.into(),
        },
        17..19 => {
            let (character, voice) = (some(b).then(|| character(b)), some(a).then(|| clip(a)));
            CueEdit::Add { range, text: format!("line {x}"), character, voice }.into()
        }
        19 => CueEdit::Move { cue, range }.into(),
        20 => CueEdit::Split { cue, at: f(x) }.into(),
        21 => CueEdit::Handles { cue, handles: f(x) }.into(),
        22 => CueEdit::Bind { cue, character: some(b).then(|| character(b)) }.into(),
        23 => match b % 6 {
            0 => CueEdit::Remove(cue).into(),
            1 => CueEdit::Treat { cue, treatment: Treatment::Leave }.into(),
            2 => CueEdit::Voice { cue, voice: some(b).then(|| clip(b)) }.into(),
            3 => {
                let rect = Rect::new(x as f32, f32::from(a), y as f32, 200.0);
                CueEdit::PlaceFace { cue, place: FacePlace { media: medium(a), at: f(x), rect } }.into()
            }
            4 => CueEdit::TrackFace { cue, at: some(a).then(|| (medium(a), f(x))) }.into(),
            _ => {
                let reach = Reach { down: y as f32 / 8.0, ..Reach::USUAL };
                let method = Method { eta: x as f32 / 8.0, reach, ..Method::default() };
                CueEdit::Method { cue, method: Some(method) }.into()
            }
        },
        24 => {
            let line =
                |speaker: &str| ScriptLine { range, speaker: Some(speaker.into()), text: "…".into() };
            CueEdit::Import(vec![line("Ann"), line("BOB"), line("ann")]).into()
        }
        25..27 => {
            let analyses: BTreeMap<_, _> =
                project.media.keys().map(|id| (*id, Digest::of(b"faces"))).collect();
            let known = Known { analyses: &analyses, checkpoints: &BTreeMap::new(), engine: u32::from(b) };
            let parts = project.take_specs(cue, &known).unwrap_or_default();
            TakeEdit::Add { cue, name: format!("take {y}"), parts }.into()
        }
        27 => TakeEdit::Choose { cue, take: some(a).then_some(take) }.into(),
        28 => TakeEdit::Rate { cue, take, rating: a % 8 }.into(),
        29 => {
            TakeEdit::Comp { cue, range: TimeRange::new(f(x / 4), f(y / 4)), take: some(a).then_some(take) }
                .into()
        }
        30 => TakeEdit::Remove { cue, take }.into(),
        31 => match b % 3 {
            0 => MediaEdit::Add(media(if a % 2 == 0 { "c" } else { "y" })).into(),
            1 => MediaEdit::Relink { media: medium(a), to: media(if a % 2 == 0 { "d" } else { "z" }) }.into(),
            _ => MediaEdit::Remove(medium(a)).into(),
        },
        32..34 => {
            let id = character(a);
            let mut changed =
                project.characters.get(&id).cloned().unwrap_or_else(|| Character::new("Eve", [a, b, 0]));
            changed.faces.push(FaceBinding { media: medium(b), range, person: u32::from(b) });
            changed.references.push(Reference { media: medium(b), from: f(x), picture: f(y) });
            match a % 4 {
                0 => CastEdit::AddCharacter(changed).into(),
                1 => CastEdit::RemoveCharacter(id).into(),
                _ => CastEdit::SetCharacter(id, changed).into(),
            }
        }
        34 => CastEdit::AddMarker(Marker { at: f(x), name: "m".into(), colour: [a, b, 0] }).into(),
        _ => Edit::Several {
            label: "Settings and name".into(),
            edits: vec![
                Edit::Rename(format!("film {x}")),
                Edit::Settings(Settings {
                    method: Method { steps: x as u32, ..Method::default() },
                    ..Settings::default()
                }),
            ],
        },
    }
}

fn start() -> Project {
    let mut project = draw(
        "V [a0-------------][b3-----].....[a8-----]
         1 ..[x0-------]...[y4---]
         C ..{one-----}....{two-}",
    );
    let film = *project.media.keys().next().expect("film a");
    let mut ann = Character::new("Ann", [1, 2, 3]);
    ann.faces.push(FaceBinding { media: film, range: span(0, 36), person: 1 });
    let id = CharacterId(project.next_id);
    project = Edit::from(CastEdit::AddCharacter(ann)).apply(&project).expect("added");
    let voice = project.sequence.voices[0].clips[0].id;
    for cue in project.clone().cues.keys() {
        for edit in [
            CueEdit::Bind { cue: *cue, character: Some(id) },
            CueEdit::Voice { cue: *cue, voice: Some(voice) },
        ] {
            project = Edit::from(edit).apply(&project).expect("bound");
        }
    }
    project
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_keep_the_project_sound(dice in prop::collection::vec(dice(), 1..60)) {
        let mut history = History::new(start(), "Open");
        let mut states = vec![history.project().clone()];
        for dice in dice {
            let edit = edit(history.project(), dice);
            let before = history.project().clone();
            match history.apply(&edit) {
                Ok(()) => {
                    prop_assert_eq!(history.project().check(), vec![], "{:?}", edit);
                    prop_assert!(!edit.label().is_empty());
                    if *history.project() != before {
                        states.push(history.project().clone());
                    }
                }
                Err(refused) => {
                    prop_assert!(!refused.to_string().is_empty());
                    prop_assert!(Arc::ptr_eq(history.project(), &before), "a refused edit changes nothing");
                }
            }
        }
        let last = history.project().clone();
        let saved = file::write(&last).expect("written");
        prop_assert_eq!(&file::read(&saved).expect("read back"), &*last);

        let kept: Vec<_> = history.steps().iter().map(|step| step.project.clone()).collect();
        prop_assert_eq!(&kept, &states);
        for state in states.iter().rev().skip(1) {
            prop_assert!(history.undo());
            prop_assert_eq!(history.project(), state);
        }
        prop_assert!(!history.undo());
        while history.redo() {}
        prop_assert_eq!(history.project(), &last);
    }

    /// Bytes of a project, damaged: never a panic, never an unsound project.
    #[test]
    fn damaged_files_are_refused_or_sound(
        dice in prop::collection::vec(dice(), 1..12),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..5),
    ) {
        let mut project = start();
        for dice in dice {
            project = edit(&project, dice).apply(&project).unwrap_or(project);
        }
        let mut bytes = file::write(&project).expect("written");
        for (at, byte, kind) in damage {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] = b"0123456789-.,:{}[]\"e"[usize::from(byte) % 20],
                2 => bytes.truncate(at.max(1)),
                _ => drop(bytes.remove(at)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        match file::read(&bytes) {
            Ok(read) => {
                prop_assert_eq!(read.check(), vec![]);
                let again = file::read(&file::write(&read).expect("written")).expect("read back");
                prop_assert_eq!(again, read);
            }
            Err(error) => prop_assert!(error.to_string().len() > 20, "{error}"),
        }
    }
}

/// A drag is one step however many moves it had, and none if it is abandoned.
#[test]
fn a_gesture_is_one_step() {
    let mut history = History::new(start(), "Open");
    let clip = history.project().sequence.picture.clips[0].id;
    let slip = |frames| Edit::from(ClipEdit::Slip { clip, by: f(frames) });
    history.mark_saved(history.revision());
    for frames in 1..5 {
        history.drag(&slip(frames)).expect("inside the media");
    }
    let dragged = history.project().clone();
    assert!(history.drag(&slip(1000)).is_err(), "refused");
    assert_eq!(*history.project(), dragged, "and stays as it was");
    history.release();
    assert_eq!((history.steps().len(), history.at()), (2, 1));
    assert_eq!(
        dragged.sequence.picture.clips[0].source.start(),
        f(4),
        "each move starts from before the drag"
    );
    assert!(history.is_dirty());
    history.drag(&slip(2)).expect("inside the media");
    history.abandon();
    assert_eq!(*history.project(), dragged);
    assert!(history.undo() && !history.is_dirty(), "back at what is saved");
    assert!(history.redo() && history.is_dirty());
    assert!(history.undo());
    history.apply(&slip(1)).expect("inside the media");
    assert!(history.undo() && history.redo() && !history.redo(), "what was undone is forgotten");
    assert!(history.jump(0) && !history.jump(7));
    assert_eq!(history.steps()[1].label, "Slip clip");
    assert_eq!(history.project().sequence.picture.clips[0].source.start(), Time::ZERO);
}
