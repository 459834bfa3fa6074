//! The recipe on faces and voices whose mouths are known.

use super::*;
use crate::face::{Landmarks, Pose};
use crate::families::Footage;
use crate::speech::Speech;
use lipsmith_base::{Point, Rect, Rgb, Time};
use std::sync::Arc;
use units::GAP;

const RATE: usize = 16_000;
const FPS: usize = 25;

/// A frontal face of 100 pixels between the eyes, its lips `gap` apart (in distances between the eyes).
pub fn face(gap: f32, jitter: f32) -> Face {
    let at = |x: f32, y: f32| Point::new(400.0 + jitter + 100.0 * x, 300.0 + 100.0 * y);
    let mut points = Vec::new();
    for i in 0..17 {
        let angle = std::f32::consts::PI * i as f32 / 16.0;
        points.push(at(-angle.cos(), 0.4 + (1.45 + 0.8 * gap) * angle.sin()));
    }
    (0..10).for_each(|i| points.push(at(-0.9 + 0.2 * i as f32, -0.35)));
    (0..4).for_each(|i| points.push(at(0.0, 0.15 * i as f32)));
    (0..5).for_each(|i| points.push(at(-0.2 + 0.1 * i as f32, 0.7)));
    for eye in [-0.5, 0.5] {
        for k in 0..6 {
            let angle = std::f32::consts::PI * (1.0 + k as f32 / 3.0);
            points.push(at(eye + 0.15 * angle.cos(), 0.06 * angle.sin()));
        }
    }
    for k in 0..12 {
        let angle = std::f32::consts::PI * (1.0 + k as f32 / 6.0);
        points.push(at(0.42 * angle.cos(), 1.15 + (0.12 + gap / 2.0) * angle.sin() + gap / 2.0));
    }
    for k in 0..8 {
        let angle = std::f32::consts::PI * (1.0 + k as f32 / 4.0);
        points.push(at(0.3 * angle.cos(), 1.15 + gap / 2.0 * angle.sin() + gap / 2.0));
    }
    let oval = vec![at(0.0, 0.5); 36];
    let landmarks = Landmarks { points, oval, pose: Pose::default(), lip_opening: gap };
    Face {
        rect: Rect::new(290.0 + jitter, 210.0, 510.0 + jitter, 490.0),
        score: 1.0,
        landmarks: Some(Box::new(landmarks)),
        interpolated: false,
    }
}

/// A tone complex where `open`, silence elsewhere; one entry a frame.
fn voice(open: &[bool]) -> Speech {
    let samples = (0..open.len() * RATE / FPS).map(|i| {
        let t = i as f32 / RATE as f32;
        let tone: f32 =
            (1..12).map(|h| (t * 140.0 * h as f32 * std::f32::consts::TAU).sin() / h as f32).sum();
        if open[i * FPS / RATE] { tone * 0.2 * (1.0 + 0.5 * (t * 31.0).sin()) } else { 0.0 }
    });
    Speech { samples: samples.collect() }
}

fn times(n: usize) -> Vec<Time> {
    (0..n).map(|i| Time::from_units(i as i64, FPS as i64)).collect()
}

/// Words of 0.4 to 1 s with pauses between.
fn words(n: usize, seed: usize) -> Vec<bool> {
    let mut out = Vec::new();
    let mut k = seed;
    while out.len() < n {
        k = (k * 1103 + 12_345) % 65_536;
        let run = 10 + k % 15;
        let open = (out.len() / 7 + k).is_multiple_of(2) || out.last() == Some(&false);
        out.extend(std::iter::repeat_n(open && out.last() != Some(&true), run));
    }
    out.truncate(n);
    out
}

fn spoken(open: &[bool]) -> Footage {
    let faces = open.iter().enumerate().map(|(i, &open)| {
        let wobble = (i as f32 * 0.9).sin();
        Some(face(if open { 0.22 + 0.05 * wobble } else { 0.0 }, wobble))
    });
    Footage::new(faces.collect(), times(open.len()), voice(open))
}

fn line<'a>(
    faces: &'a [Option<Face>],
    times: &'a [Time],
    voice: &'a Speech,
    footage: &'a [Arc<Footage>],
) -> Line<'a> {
    Line { faces, times, size: (800, 600), rate: None, voice, footage, reference: None }
}

/// The gap between the lips that each frame of the line would show.
fn gaps(recipe: &Rewrite, own: &[Option<Face>]) -> Vec<f32> {
    let gap_of = |face: &Face| units::state(face).map_or(0.0, |s| s[GAP]);
    recipe
        .mixes
        .iter()
        .zip(own)
        .map(|(mix, own)| {
            let own = own.as_ref().map_or(0.0, gap_of);
            if mix.is_empty() {
                return own;
            }
            let gap = |unit: Option<usize>| unit.and_then(|u| recipe.units[u].state).map_or(own, |s| s[GAP]);
            mix.iter().map(|share| share.weight * gap(share.unit)).sum()
        })
        .collect()
}

#[test]
fn the_mouth_opens_when_the_voice_sounds_and_closes_when_it_stops() {
    let footage = [Arc::new(spoken(&words(600, 3)))];
    let line_open = words(150, 11);
    // The film's own mouth stands half open all the time.
    let faces = vec![Some(face(0.1, 0.3)); 150];
    let voice = voice(&line_open);
    let times = times(150);
    let line = line(&faces, &times, &voice, &footage);
    let mut recipe = Rewrite::default();
    recipe.plan(&line, &Cancel::new()).expect("footage");
    let gaps = gaps(&recipe, &faces);
    // Frames well inside a word or a pause.
    let steady = |t: usize| (t.saturating_sub(4)..(t + 5).min(150)).all(|k| line_open[k] == line_open[t]);
    let (mut wrong, mut all) = (0, 0);
    for t in (0..150).filter(|&t| steady(t)) {
        all += 1;
        let right = if line_open[t] { gaps[t] > 0.12 } else { gaps[t] < 0.04 };
        wrong += usize::from(!right);
    }
    assert!(all > 40 && wrong * 20 < all, "{wrong} of {all}");
}

/// As p and b are spoken: every half second the voice stops for two frames and opens again.
#[test]
fn the_lips_meet_where_the_voice_stops_for_a_consonant() {
    let stops = |n: usize, first: usize| (0..n).map(|i| (i + first) % 13 > 1).collect::<Vec<_>>();
    let footage = [Arc::new(spoken(&stops(600, 0)))];
    let faces = vec![Some(face(0.1, 0.3)); 150];
    let (open, times) = (stops(150, 5), times(150));
    let voice = voice(&open);
    let line = line(&faces, &times, &voice, &footage);
    let mut recipe = Rewrite::default();
    recipe.plan(&line, &Cancel::new()).expect("footage");
    let gaps = gaps(&recipe, &faces);
    let least = |t: usize| gaps[t - 1..t + 3].iter().copied().fold(f32::INFINITY, f32::min);
    let stops: Vec<usize> = (5..145).filter(|&t| !open[t] && open[t - 1]).collect();
    let met = stops.iter().filter(|&&t| least(t) < 0.06).count();
    assert!(stops.len() >= 10 && met * 10 >= stops.len() * 9, "{met} of {}", stops.len());
    let apart = (5..145).filter(|&t| open[t - 2..t + 3].iter().all(|o| *o));
    let wide = apart.clone().filter(|&t| gaps[t] > 0.12).count();
    assert!(wide * 10 > apart.count() * 9, "{wide} wide open");
}

#[test]
fn the_original_voice_leaves_the_film_as_it_is() {
    let footage = [Arc::new(spoken(&words(300, 5)))];
    let faces = footage[0].faces.clone();
    let times = times(300);
    let line = line(&faces, &times, &footage[0].speech, &footage);
    let mut recipe = Rewrite::default();
    recipe.plan(&line, &Cancel::new()).expect("footage");
    let untouched = recipe.mixes.iter().filter(|mix| mix.is_empty()).count();
    assert!(untouched > 280, "{untouched} of 300");
}

#[test]
fn a_closed_mouth_in_silence_is_left_alone() {
    let footage = [Arc::new(spoken(&words(300, 9)))];
    let faces = vec![Some(face(0.0, 0.5)); 50];
    let (voice, times) = (Speech::default(), times(50));
    let line = line(&faces, &times, &voice, &footage);
    let mut recipe = Rewrite::default();
    assert_eq!(recipe.plan(&line, &Cancel::new()).expect("footage"), []);
}

#[test]
fn film_at_24_plays_mouths_shot_at_25_in_runs() {
    let footage = [Arc::new(spoken(&words(600, 3)))];
    let faces = vec![Some(face(0.1, 0.3)); 120];
    let times: Vec<Time> = (0..120).map(|i| Time::from_units(i * 1001, 24_000)).collect();
    let voice = voice(&words(130, 21));
    let line = line(&faces, &times, &voice, &footage);
    let mut recipe = Rewrite::default();
    recipe.plan(&line, &Cancel::new()).expect("footage");
    let heaviest = |mix: &Mix| mix.iter().max_by(|a, b| a.weight.total_cmp(&b.weight)).and_then(|s| s.unit);
    let joins = recipe
        .mixes
        .windows(2)
        .filter(|pair| match (heaviest(&pair[0]), heaviest(&pair[1])) {
            (Some(a), Some(b)) => b < a || b > a + 2,
            _ => false,
        })
        .count();
    assert!(joins < 30, "{joins} joins in 120 frames");
}

struct Pictures(Vec<Crop>);

impl SourceImages for Pictures {
    fn image(&self, index: usize) -> Result<Rgb, LipsyncError> {
        let crop = self.0.get(index).ok_or_else(|| LipsyncError::Unfit("no such picture".into()))?;
        let mut image = Rgb::black(crop.width, crop.height);
        for (i, pixel) in image.pixels_mut().iter_mut().enumerate() {
            *pixel = [0.4 + 0.1 * ((i % 37) as f32 / 37.0), 0.4, 0.3];
        }
        Ok(image)
    }
}

fn run(
    faces: &[Option<Face>],
    voice: &Speech,
    footage: &[Arc<Footage>],
) -> Result<Vec<Option<Patch>>, LipsyncError> {
    let times = times(faces.len());
    let line = line(faces, &times, voice, footage);
    let mut recipe = Rewrite::default();
    let plan = recipe.plan(&line, &Cancel::new())?;
    let pictures = Pictures(plan.iter().map(|(_, crop)| *crop).collect());
    let mut targets = Vec::new();
    for (frame, face) in faces.iter().enumerate() {
        let Some(face) = face else { continue };
        let crop = recipe.crop(frame, face);
        targets.push(Target { frame, face, crop, image: Rgb::black(crop.width, crop.height) });
    }
    recipe.render(&line, &targets, &pictures, &Cancel::new())
}

#[test]
fn any_pattern_of_missing_faces_is_borne() {
    let mut seed = 1usize;
    for round in 0..12 {
        let mut random = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let mut footage = spoken(&words(20 + random(60), round));
        for face in &mut footage.faces {
            if random(3) == 0 {
                *face = None;
            } else if random(4) == 0
                && let Some(face) = face
            {
                face.landmarks = None;
            }
        }
        if random(3) == 0 {
            footage.speech = Speech::default();
        }
        let faces: Vec<Option<Face>> = (0..random(12))
            .map(|_| (random(3) > 0).then(|| face(random(3) as f32 * 0.1, random(9) as f32)))
            .collect();
        let voice = if random(2) == 0 { Speech::default() } else { voice(&words(1 + random(14), round)) };
        match run(&faces, &voice, &[Arc::new(footage)]) {
            Ok(patches) => assert_eq!(patches.len(), faces.iter().flatten().count()),
            Err(error) => assert!(matches!(error, LipsyncError::Unfit(_)), "{error}"),
        }
    }
}

#[test]
fn boxes_alone_still_give_a_dub() {
    let mut footage = spoken(&words(200, 4));
    footage.faces.iter_mut().flatten().for_each(|face| face.landmarks = None);
    let faces = vec![Some(Face { landmarks: None, ..face(0.1, 0.0) }); 30];
    let patches = run(&faces, &voice(&words(30, 8)), &[Arc::new(footage)]).expect("sound tells mouths apart");
    assert!(patches.iter().flatten().count() > 20);
}

#[test]
fn without_an_actor_it_says_so() {
    let faces = vec![Some(face(0.1, 0.0)); 3];
    for footage in [vec![], vec![Arc::new(Footage::new(vec![None; 4], times(4), Speech::default()))]] {
        assert!(matches!(run(&faces, &Speech::default(), &footage), Err(LipsyncError::Unfit(_))));
    }
}

#[test]
fn cancelled_is_cancelled() {
    let footage = [Arc::new(spoken(&words(50, 1)))];
    let faces = vec![Some(face(0.1, 0.0)); 3];
    let (times, voice) = (times(3), Speech::default());
    let line = line(&faces, &times, &voice, &footage);
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(Rewrite::default().plan(&line, &cancel), Err(LipsyncError::Cancelled(_))));
}
