//! From a film and a voice to specs, takes and what is on screen.

use crate::sketch::{f, media, span};
use lipsmith_base::Digest;
use lipsmith_project::edit::{CastEdit, ClipEdit, CueEdit, Edge, MediaEdit, Ripple, TakeEdit};
use lipsmith_project::{
    Dub, Edit, Known, MediaId, NoTake, Project, ReferenceKey, Settings, TakeId, Treatment,
};
use std::collections::BTreeMap;

fn dub() -> Project {
    Project::for_dub(Dub {
        film: media("a"),
        voice: media("x"),
        at: f(4),
        ranges: vec![span(4, 10), span(20, 30)],
        person: 2,
        reference: Some(f(7)),
        footage: vec![(media("b"), 1)],
        settings: Settings::default(),
    })
    .expect("a sound project")
}

/// Everything is analysed.
fn analyses(project: &Project) -> BTreeMap<MediaId, Digest> {
    project.media.iter().map(|(id, media)| (*id, Digest::of(media.name.as_bytes()))).collect()
}

fn apply(project: &Project, edit: impl Into<Edit>) -> Project {
    edit.into().apply(project).expect("applied")
}

#[test]
fn a_dub_is_a_line_for_each_range() {
    let project = dub();
    assert_eq!(project.check(), []);
    let (analyses, checkpoints) =
        (analyses(&project), BTreeMap::from([("rewrite".to_string(), Digest::of(b"w"))]));
    let known = Known { analyses: &analyses, checkpoints: &checkpoints, engine: 3 };
    let cues: Vec<_> = project.cues.keys().copied().collect();
    assert_eq!(cues.len(), 2);
    for (cue, range) in cues.iter().zip([span(4, 10), span(20, 30)]) {
        let specs = project.take_specs(*cue, &known).expect("renderable");
        let [spec] = specs.as_slice() else { panic!("one stretch of film") };
        assert_eq!((spec.film, spec.range, spec.person), (media("a").fingerprint, range, 2));
        assert_eq!((spec.voice_at, spec.voice_range), (f(4), range.shifted(-f(4))));
        assert_eq!(spec.references, [ReferenceKey { from: f(0), picture: f(7) }]);
        assert_eq!((spec.footage.len(), spec.engine), (1, 3));
        assert_eq!(spec.method.checkpoint, Some(Digest::of(b"w")));
    }
}

#[test]
fn the_voice_of_a_clip_with_an_offset_falls_at_the_right_film_time() {
    let project = dub();
    let film = project.sequence.picture.clips[0].id;
    // The film now begins at its frame 1 and lies two frames later: sequence time is film time plus one.
    let project = apply(
        &project,
        Edit::Several {
            label: "shift".into(),
            edits: vec![
                ClipEdit::Trim { clip: film, edge: Edge::Head, to: f(1), ripple: Ripple::Off }.into(),
                ClipEdit::Move { clip: film, track: project.sequence.picture.id, to: f(2), insert: false }
                    .into(),
            ],
        },
    );
    let analyses = analyses(&project);
    let known = Known { analyses: &analyses, checkpoints: &BTreeMap::new(), engine: 1 };
    let spec =
        &project.take_specs(*project.cues.keys().next().expect("a cue"), &known).expect("renderable")[0];
    assert_eq!((spec.range, spec.voice_at), (span(3, 9), f(3)), "all a frame earlier in the film");
}

#[test]
fn takes_are_seen_comped_and_found_stale() {
    let project = dub();
    let analyses = analyses(&project);
    let checkpoints = BTreeMap::new();
    let known = |engine| Known { analyses: &analyses, checkpoints: &checkpoints, engine };
    let cue = *project.cues.keys().next().expect("a cue");
    let add = |project: &Project, engine| {
        let parts = project.take_specs(cue, &known(engine)).expect("renderable");
        (apply(project, TakeEdit::Add { cue, name: engine.to_string(), parts }), TakeId(project.next_id))
    };
    assert_eq!(project.layers_at(f(5)), []);
    let (project, first) = add(&project, 1);
    let (project, second) = add(&project, 2);
    let (same, _) = add(&project, 1);
    assert_eq!(same.cues[&cue].takes.len(), 2, "the same parts are not kept twice");
    assert_eq!(same.cues[&cue].chosen, Some(first));

    let seen = |project: &Project, frame| {
        project.layers_at(f(frame)).first().map(|layer| (layer.part.engine, layer.film_time))
    };
    assert_eq!(seen(&project, 5), Some((2, f(5))));
    assert_eq!((seen(&project, 3), seen(&project, 10)), (None, None));
    let comped = apply(&project, TakeEdit::Comp { cue, range: span(2, 4), take: Some(first) });
    assert_eq!(
        [5, 6, 7, 8].map(|frame| seen(&comped, frame).map(|(engine, _)| engine)),
        [2, 1, 1, 2].map(Some)
    );
    let wider = apply(&comped, TakeEdit::Comp { cue, range: span(3, 6), take: Some(second) });
    assert_eq!(
        wider.cues[&cue].comp.iter().map(|span| span.range).collect::<Vec<_>>(),
        [span(2, 3), span(3, 6)]
    );
    let moved = apply(&comped, CueEdit::Move { cue, range: span(5, 11) });
    assert_eq!(moved.cues[&cue].comp, comped.cues[&cue].comp, "a moved line takes its comp along");
    let trimmed = apply(&comped, CueEdit::Move { cue, range: span(7, 10) });
    assert_eq!(
        trimmed.cues[&cue].comp[0].range,
        span(0, 1),
        "a trimmed one leaves it where it is in the film"
    );
    let without = apply(&comped, TakeEdit::Remove { cue, take: first });
    assert_eq!(without.cues[&cue].comp, []);

    assert!(!project.is_stale(cue, second, &known(2)) && project.is_stale(cue, first, &known(2)));
    assert!(moved.is_stale(cue, second, &known(2)));
    // Of a film that is offline nobody can tell the faces: its takes are as good as they were.
    let nothing = BTreeMap::new();
    let offline = Known { analyses: &nothing, ..known(2) };
    assert!(!project.is_stale(cue, second, &offline) && moved.is_stale(cue, second, &offline));
    let faded = apply(&project, CueEdit::Handles { cue, handles: f(2) });
    assert_eq!(
        [2, 3, 4, 9, 10, 11, 12].map(|frame| faded.cues[&cue].opacity_at(f(frame))),
        [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
    );
    let left = apply(&project, CueEdit::Treat { cue, treatment: Treatment::Leave });
    assert_eq!(seen(&left, 5), None);
    let relinked = apply(&project, MediaEdit::Relink { media: MediaId(3), to: media("c") });
    assert_eq!(seen(&relinked, 5), None, "another film's pictures are not laid over this one");
    assert_eq!(relinked.media[&MediaId(3)].name, "a");
}

#[test]
fn a_line_that_cannot_be_rendered_says_why() {
    let project = dub();
    let all = analyses(&project);
    let none = BTreeMap::new();
    let why = |project: &Project, analyses| {
        let known = Known { analyses, checkpoints: &BTreeMap::new(), engine: 1 };
        project.take_specs(*project.cues.keys().next().expect("a cue"), &known).expect_err("not renderable")
    };
    let cue = *project.cues.keys().next().expect("a cue");
    assert_eq!(why(&project, &none), NoTake::NotAnalysed { film: "b".into() });
    let changed = |edit: CueEdit| apply(&project, edit);
    assert_eq!(why(&changed(CueEdit::Treat { cue, treatment: Treatment::Leave }), &all), NoTake::Left);
    assert_eq!(why(&changed(CueEdit::Bind { cue, character: None }), &all), NoTake::NoCharacter);
    assert_eq!(why(&changed(CueEdit::Voice { cue, voice: None }), &all), NoTake::NoVoice);
    assert_eq!(why(&changed(CueEdit::Move { cue, range: span(50, 60) }), &all), NoTake::NoPicture);
    let mut faceless =
        (**project.characters.values().next().map(Box::new).expect("a character").as_ref()).clone();
    faceless.faces.clear();
    let id = *project.characters.keys().next().expect("a character");
    let faceless = apply(&project, CastEdit::SetCharacter(id, faceless));
    assert_eq!(why(&faceless, &all), NoTake::NoFace { character: "Speaker".into(), film: "a".into() });
}
