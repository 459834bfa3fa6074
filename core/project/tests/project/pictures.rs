//! What each edit does, drawn before and after.

use crate::sketch::{check, clip, cue, draw, f, span};
use lipsmith_base::Digest;
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, MediaEdit, Ripple, TakeEdit};
use lipsmith_project::{Character, CharacterId, ClipId, Edit, FaceBinding, Known, Project, TrackId};
use std::collections::BTreeMap;

const V: TrackId = TrackId(1);

/// Lays film `a` (already in the project) down.
fn place(project: &Project, from: i64, to: i64, at: i64, ripple: Ripple) -> Edit {
    let (media, _) = project.media.iter().find(|(_, media)| media.name == "a").expect("film a");
    ClipEdit::Place { track: V, media: *media, source: span(from, to), at: f(at), ripple }.into()
}

fn trim(project: &Project, track: &str, column: i64, edge: Edge, to: i64, ripple: Ripple) -> Edit {
    ClipEdit::Trim { clip: clip(project, track, column), edge, to: f(to), ripple }.into()
}

fn remove(project: &Project, column: i64, ripple: Ripple) -> Edit {
    ClipEdit::Remove { clip: clip(project, "V", column), ripple }.into()
}

fn shift(project: &Project, column: i64, to: i64, insert: bool) -> Edit {
    ClipEdit::Move { clip: clip(project, "V", column), track: V, to: f(to), insert }.into()
}

#[test]
fn a_sketch_is_drawn_back() {
    check(
        "V [a0--]..[b3-]\n1! ..[x2-----]\nC {one-}{two}\nM ...m",
        |_| Edit::Rename("x".into()),
        "V  [a0--]..[b3-]
        1! ..[x2-----]
        C  {one-}{two}
        M  ...m",
    );
}

#[test]
fn overwrite_replaces_what_is_there() {
    check("V [a0------------]", |p| place(p, 20, 24, 5, Ripple::Off), "V  [a0-][ak][a9---]");
    check("V [a0--][b3------]", |p| place(p, 20, 25, 4, Ripple::Off), "V  [a0][ak-][b6---]");
    check("V [a0--]", |p| place(p, 20, 24, 9, Ripple::Off), "V  [a0--]...[ak]");
}

#[test]
fn insert_splits_and_makes_room() {
    check(
        "V [a0------][b0--]
         1 [x0---][y0----][z0--]
         C {one---}{two----}{go-}
         M ......m",
        |p| place(p, 20, 24, 5, Ripple::All),
        "V  [a0-][ak][a5-][b0--]
         1  [x0---]....[y0----][z0--]
         C  {one-------}{two----}{go-}
         M  ..........m",
    );
}

#[test]
fn insert_on_one_track_leaves_the_others() {
    check(
        "V [a0------][b0--]
         1 ......[x0---]
         C ......{one--}",
        |p| place(p, 20, 24, 5, Ripple::Track),
        "V  [a0-][ak][a5-][b0--]
         1  ......[x0---]
         C  ......{one--}",
    );
}

#[test]
fn trimming_leaves_a_gap_or_takes_one() {
    check("V [a0------][b0--]", |p| trim(p, "V", 2, Edge::Tail, 6, Ripple::Off), "V  [a0--]....[b0--]");
    check("V [a0--]....[b4--]", |p| trim(p, "V", 12, Edge::Head, 8, Ripple::Off), "V  [a0--]..[b2----]");
    check("V [a0--]....[b4--]", |p| trim(p, "V", 0, Edge::Tail, 10, Ripple::Off), "V  [a0------][b4--]");
}

#[test]
fn ripple_trim_takes_the_rest_along() {
    check(
        "V [a0------][b0--][a9-]
         1 ............[x0--]
         C ..{one----}.{two-}
         M ...........m",
        |p| trim(p, "V", 2, Edge::Tail, 6, Ripple::All),
        "V  [a0--][b0--][a9-]
         1  ........[x0--]
         C  ..{one}.{two-}
         M  .......m",
    );
    check(
        "V [a5------][b0--]
         1! ..........[x0--]
         C ..........{one-}",
        |p| trim(p, "V", 2, Edge::Head, -3, Ripple::All),
        "V  [a2---------][b0--]
         1! ..........[x0--]
         C  .............{one-}",
    );
    check("V [a0--][b5----]", |p| trim(p, "V", 7, Edge::Head, 10, Ripple::Track), "V  [a0--][b9]");
    check("V [a0--][b5----]", |p| trim(p, "V", 2, Edge::Tail, 9, Ripple::Track), "V  [a0-----][b5----]");
}

#[test]
fn ripple_delete_cuts_all_unlocked_tracks() {
    check(
        "V [a0--][b0------][a9--]
         1 [x0----------------]
         C .{one--}.{two-}.{six-}
         M .......m",
        |p| remove(p, 8, Ripple::All),
        "V  [a0--][a9--]
         1  [x0--][xg]
         C  .{one}{six-}
         M  ......m",
    );
}

#[test]
fn delete_leaves_a_gap_and_closing_it_undoes_that() {
    check("V [a0--][b0--][a9-]", |p| remove(p, 8, Ripple::Off), "V  [a0--]......[a9-]");
    let close = |at| Edit::from(ClipEdit::CloseGap { track: V, at: f(at), ripple: Ripple::All });
    check("V [a0--]......[a9-]\n1 ...............[x0-]", |_| close(8), "V  [a0--][a9-]\n1  .........[x0-]");
    check("V ....[a9-]", |_| close(0), "V  [a9-]");
}

#[test]
fn moving_overwrites_or_inserts() {
    check("V [a0--][b0--][a9-]", |p| shift(p, 2, 20, false), "V  ......[b0--][a9-]...[a0--]");
    check("V [a0--][b0------]", |p| shift(p, 2, 10, false), "V  ......[b0][a0--]");
    check("V [a0--][b0--][a9-]", |p| shift(p, 2, 12, true), "V  [b0--][a0--][a9-]");
    check("V [a0--][b0--][a9-]", |p| shift(p, 12, 0, true), "V  [a9-][a0--][b0--]");
}

#[test]
fn slip_and_split_keep_the_place() {
    check("V [a0--][b4--]", |p| ClipEdit::Slip { clip: clip(p, "V", 7), by: f(3) }.into(), "V  [a0--][b7--]");
    check("V [a0------]", |p| ClipEdit::Split { clip: clip(p, "V", 0), at: f(4) }.into(), "V  [a0][a4--]");
}

#[test]
fn a_line_moves_and_is_trimmed() {
    check(
        "C {one---}",
        |p| CueEdit::Move { cue: cue(p, "one"), range: span(3, 11) }.into(),
        "C  ...{one---}",
    );
    check(
        "C {one---}",
        |p| CueEdit::Move { cue: cue(p, "one"), range: span(2, 12) }.into(),
        "C  ..{one-----}",
    );
}

#[test]
fn a_line_is_split_and_each_half_keeps_its_takes() {
    check("C {one-----}", |p| CueEdit::Split { cue: cue(p, "one"), at: f(5) }.into(), "C  {one}{one}");
    let project = draw("V [a0------]\n1 [x0------]\nC {one-----}");
    let (line, voice) = (cue(&project, "one"), clip(&project, "1", 0));
    let make = |project: &Project, edit: Edit| edit.apply(project).expect("an edit");
    let media = clip(&project, "V", 0);
    let media = project.clip(media).expect("film a").1.media;
    let mut eve = Character::new("Eve", [0; 3]);
    eve.faces.push(FaceBinding { media, range: span(0, 36), person: 1 });
    let character = Some(CharacterId(project.next_id));
    let cast = make(&project, CastEdit::AddCharacter(eve).into());
    let spoken = make(&cast, CueEdit::Bind { cue: line, character }.into());
    let bound = make(&spoken, CueEdit::Voice { cue: line, voice: Some(voice) }.into());
    let analyses = BTreeMap::from([(media, Digest::of(b"faces"))]);
    let known = Known { analyses: &analyses, checkpoints: &BTreeMap::new(), engine: 1 };
    let parts = bound.take_specs(line, &known).expect("renderable");
    let taken = make(&bound, TakeEdit::Add { cue: line, name: "good".into(), parts }.into());
    let take = *taken.cues[&line].takes.keys().next().expect("a take");
    let chosen = make(&taken, TakeEdit::Choose { cue: line, take: Some(take) }.into());

    let split = make(&chosen, CueEdit::Split { cue: line, at: f(4) }.into());
    assert_eq!(split.check(), []);
    let halves: Vec<_> = split.cues.values().map(|half| (half.range, half.voice)).collect();
    assert_eq!(halves, [(span(0, 4), Some(voice)), (span(4, 10), Some(voice))]);
    for half in split.cues.values() {
        assert_eq!(half.take_at(half.range.start()).map(|take| &*take.name), Some("good"));
    }

    // With its voice: the later half is spoken by the later clip.
    let cut = make(&chosen, ClipEdit::Split { clip: voice, at: f(4) }.into());
    let split = make(&cut, CueEdit::Split { cue: line, at: f(4) }.into());
    let voices: Vec<_> = split.cues.values().map(|half| half.voice).collect();
    assert_eq!(voices, [Some(voice), Some(clip(&cut, "1", 4))]);
}

#[test]
fn a_voice_that_is_cut_away_is_forgotten() {
    let project = draw("1 [x0--]\nC {one-}");
    let (line, voice) = (cue(&project, "one"), clip(&project, "1", 0));
    let bound = Edit::from(CueEdit::Voice { cue: line, voice: Some(voice) }).apply(&project).expect("bound");
    let split = Edit::from(ClipEdit::Split { clip: voice, at: f(3) }).apply(&bound).expect("split");
    assert_eq!(split.cues[&line].voice, Some(voice), "the first half keeps the name");
    let cut =
        Edit::from(ClipEdit::Remove { clip: voice, ripple: Ripple::Off }).apply(&split).expect("removed");
    assert_eq!(cut.cues[&line].voice, None);
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let unknown = |project: &Project| ClipId(project.next_id);
    let voice = |project: &Project| project.sequence.voices[0].clips[0].media;
    let on_picture = |p: &Project, source| {
        Edit::from(ClipEdit::Place { track: V, media: voice(p), source, at: f(20), ripple: Ripple::Off })
    };
    let project = draw("V [a0--][b0--]\n1! [x0--]");
    let p = &project;
    for (words, edit) in [
        ("overlap", trim(p, "V", 2, Edge::Tail, 8, Ripple::Off)),
        ("reaches outside 'a'", trim(p, "V", 2, Edge::Head, -2, Ripple::All)),
        ("nothing would be left", trim(p, "V", 2, Edge::Tail, 0, Ripple::All)),
        ("locked", trim(p, "1", 2, Edge::Tail, 5, Ripple::Off)),
        ("has no duration", place(p, 0, 0, 20, Ripple::Off)),
        ("has no picture", on_picture(p, span(0, 4))),
        ("reaches outside 'x'", on_picture(p, span(30, 40))),
        ("does not exist", ClipEdit::Slip { clip: unknown(p), by: f(1) }.into()),
        ("no gap", ClipEdit::CloseGap { track: V, at: f(3), ripple: Ripple::All }.into()),
        ("inside it", ClipEdit::Split { clip: clip(p, "V", 0), at: f(6) }.into()),
        ("is not within", ClipEdit::Gain { clip: clip(p, "V", 0), gain_db: f32::NAN }.into()),
        ("its fades", ClipEdit::Fade { clip: clip(p, "V", 0), fade_in: f(4), fade_out: f(3) }.into()),
        ("is used", MediaEdit::Remove(voice(p)).into()),
    ] {
        let error = edit.apply(p).map(|_| ()).expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}
