//! The actor's own mouths, each with what was heard when it was seen: the units that are selected from.

use crate::face::{Face, frame};
use crate::families::{Footage, Source};
use crate::speech::Context;
use lipsmith_base::{Point, Time};
use std::sync::Arc;

/// Numbers of a [`State`].
pub const STATE: usize = 5;

/// The look of a mouth in face coordinates: gap between the inner lips, width, height between the outer
/// edges of the lips, how far the chin lies below the nose, and how much lower the corner on the picture's
/// right hangs than the other.
pub type State = [f32; STATE];
/// Which of a [`State`] is the gap between the lips.
pub const GAP: usize = 0;

/// `None` without landmarks.
pub fn state(face: &Face) -> Option<State> {
    let landmarks = face.landmarks.as_deref().filter(|l| l.points.len() == 68)?;
    let p = &landmarks.points;
    let map = frame::frame(face);
    let unit = map.scale();
    let turned = landmarks.pose.yaw.to_radians().cos().max(0.5);
    let gap = (p[61].distance(p[67]) + p[62].distance(p[66]) + p[63].distance(p[65])) / 3.0;
    let local = map.inverse()?;
    let down = |i: usize| local.apply(p[i]).y;
    let chin = (down(7) + down(8) + down(9)) / 3.0 - down(33);
    let (width, height) = (p[48].distance(p[54]) / unit / turned, p[51].distance(p[57]) / unit);
    let state = [gap / unit, width, height, chin, down(54) - down(48)];
    state.iter().all(|v| v.is_finite()).then_some(state)
}

/// Head pose for comparing pictures: degrees of yaw, pitch and roll, and the size of the face in film pixels.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    pub angles: [f32; 3],
    pub size: f32,
}

impl View {
    pub fn of(face: &Face) -> View {
        let map = frame::frame(face);
        let angles = face.landmarks.as_deref().map_or([0.0; 3], |l| [l.pose.yaw, l.pose.pitch, l.pose.roll]);
        View { angles, size: map.scale() }
    }
}

/// A picture of the actor that a mouth can be taken from.
#[derive(Clone, Debug)]
pub struct Unit {
    pub source: Source,
    pub time: Time,
    /// Units of one unbroken shot share it.
    pub shot: usize,
    pub view: View,
    pub state: Option<State>,
    /// Change of state in a second.
    pub motion: State,
    pub context: Box<Context>,
    /// What is heard here comes from this mouth, as far as can be told.
    pub audible: bool,
    /// Nobody speaks here.
    pub quiet: bool,
    /// The mouth moves here or within half a second.
    pub lively: bool,
    pub place: Point,
}

/// All units, in the order of the footage; a shot's units lie next to one another in time.
pub fn collect(footage: &[Arc<Footage>]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut shot = 0;
    for (number, stretch) in footage.iter().enumerate() {
        let features = stretch.features();
        let speaks = features.has_speech();
        shot += 1;
        for (index, (face, &time)) in stretch.faces.iter().zip(&stretch.times).enumerate() {
            let Some(face) = face.as_ref().filter(|face| !face.interpolated && sound(face)) else {
                shot += 1;
                continue;
            };
            let (view, place) = (View::of(face), frame::frame(face).apply(Point::default()));
            if let Some(last) = units.last()
                && last.shot == shot
                && (last.place.distance(place) > 0.7 * view.size
                    || (last.view.size / view.size).ln().abs() > 0.2
                    || (time - last.time).secs_f64() > 0.25)
            {
                shot += 1;
            }
            units.push(Unit {
                source: Source { footage: number, frame: index },
                time,
                shot,
                view,
                state: state(face),
                motion: [0.0; STATE],
                context: Box::new(features.context(time)),
                audible: speaks,
                quiet: features.is_quiet(time),
                lively: true,
                place,
            });
        }
    }
    set_motion(&mut units);
    mark_still(&mut units);
    units
}

/// Something to take a picture of.
fn sound(face: &Face) -> bool {
    let rect = face.rect;
    let finite = [rect.x0, rect.y0, rect.x1, rect.y1].iter().all(|v| v.is_finite());
    finite && rect.width() >= 8.0 && rect.height() >= 8.0
}

fn set_motion(units: &mut [Unit]) {
    for i in 0..units.len() {
        let same = |j: usize| units.get(j).filter(|u| u.shot == units[i].shot);
        let before = i.checked_sub(1).and_then(same).unwrap_or(&units[i]);
        let after = same(i + 1).unwrap_or(&units[i]);
        let seconds = (after.time - before.time).secs_f64() as f32;
        if let (Some(a), Some(b)) = (before.state, after.state)
            && seconds > 0.0
        {
            units[i].motion = std::array::from_fn(|k| (b[k] - a[k]) / seconds);
        }
    }
}

/// Finds mouths that keep still for a second; speech over one is somebody else's.
fn mark_still(units: &mut [Unit]) {
    let spans: Vec<(f32, bool)> = (0..units.len())
        .map(|i| {
            let near = |u: &&Unit| u.shot == units[i].shot && (u.time - units[i].time).secs_f64().abs() < 0.5;
            let around = || {
                let before = units[..i].iter().rev().take_while(near);
                before.chain(units[i..].iter().take_while(near))
            };
            let gaps = || around().filter_map(|u| u.state).map(|s| s[GAP]);
            let span = gaps().fold(0.0, f32::max) - gaps().fold(f32::INFINITY, f32::min);
            let spoken = around().filter(|u| !u.quiet).count() * 2 > around().count();
            (span.max(0.0), spoken)
        })
        .collect();
    let mut sorted: Vec<f32> = spans.iter().map(|(span, _)| *span).collect();
    sorted.sort_by(f32::total_cmp);
    let Some(usual) = sorted.get(sorted.len() * 8 / 10) else { return };
    let still = (usual * 0.25).max(0.015);
    for (unit, (span, spoken)) in units.iter_mut().zip(&spans) {
        if unit.state.is_some() && *span < still {
            unit.lively = false;
            unit.audible &= !*spoken;
        }
    }
}
