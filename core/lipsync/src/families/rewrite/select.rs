//! Which of the actor's mouths is seen when: costs, candidates, and the cuts between runs.

use super::desire::{Desire, Wish};
use super::search::{Step, cheapest};
use super::units::{self, GAP, State, Unit, View};
use crate::blend::smoothstep;
use crate::error::LipsyncError;
use crate::face::Face;
use crate::families::Line;
use crate::speech::{Features, distance};
use lipsmith_base::{Cancel, Time};
use rayon::prelude::*;
use std::collections::HashMap;

/// Candidates of a moment.
const BEST: usize = 40;
/// Best candidates whose successors stay candidates, so that runs can go on.
const FOLLOWED: usize = 16;
/// Cost of any join, before what is seen of it.
const JOIN: f32 = 0.5;
/// What the frame's own mouth is ahead of any other when it says the same: nothing need be laid on.
const OWN: f32 = 0.1;
/// A join is spread over this long.
const FADE: f64 = 0.12;

/// A mouth that goes into a frame, and its share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// `None`: the frame's own mouth.
    pub unit: Option<usize>,
    pub weight: f32,
}

/// What is seen in a frame of the line; shares sum to 1. Empty: the frame stays as it is.
pub type Mix = Vec<Share>;

/// A moment of the line that has a face.
struct Moment {
    frame: usize,
    time: Time,
    view: View,
    own: Option<State>,
    wish: Option<Wish>,
    quiet: bool,
    context: Box<crate::speech::Context>,
    /// Unit that shows this very frame.
    same: Option<usize>,
}

/// The mix for every frame of the line.
pub fn select(line: &Line, units: &[Unit], cancel: &Cancel) -> Result<Vec<Mix>, LipsyncError> {
    let voice = Features::of(line.voice);
    let desire = Desire::learn(units);
    let moments = moments(line, units, &voice, desire.as_ref());
    let frames = line.faces.len().min(line.times.len());
    let mut picks: Vec<Option<Option<usize>>> = vec![None; frames];
    for stretch in stretches(&moments) {
        let chosen = best_path(stretch, units, desire.as_ref(), cancel)?;
        for (moment, choice) in stretch.iter().zip(chosen) {
            picks[moment.frame] = Some(choice);
        }
    }
    Ok(mixes(&picks, line.times, units))
}

fn moments(line: &Line, units: &[Unit], voice: &Features, desire: Option<&Desire>) -> Vec<Moment> {
    let seen: HashMap<[u32; 4], usize> =
        units.iter().enumerate().filter_map(|(i, u)| Some((print(face_of(line, u)?), i))).collect();
    let found = line.faces.iter().zip(line.times).enumerate();
    found
        .filter_map(|(frame, (face, &time))| {
            let face = face.as_ref()?;
            let context = Box::new(voice.context(time));
            Some(Moment {
                frame,
                time,
                view: View::of(face),
                own: units::state(face),
                wish: desire.map(|d| d.wish(voice, time, &context)),
                quiet: voice.is_quiet(time),
                same: seen.get(&print(face)).copied(),
                context,
            })
        })
        .collect()
}

fn face_of<'a>(line: &'a Line, unit: &Unit) -> Option<&'a Face> {
    line.footage.get(unit.source.footage)?.faces.get(unit.source.frame)?.as_ref()
}

/// Two faces with the same rectangle to the bit were measured in the same picture.
fn print(face: &Face) -> [u32; 4] {
    [face.rect.x0, face.rect.y0, face.rect.x1, face.rect.y1].map(f32::to_bits)
}

/// Parts of the line in which the face is seen without a break or a cut.
fn stretches(moments: &[Moment]) -> impl Iterator<Item = &[Moment]> {
    moments.chunk_by(|a, b| b.frame == a.frame + 1 && (b.view.size / a.view.size).ln().abs() < 0.2)
}

/// For each moment a unit, or `None` for the frame's own mouth.
fn best_path(
    moments: &[Moment],
    units: &[Unit],
    desire: Option<&Desire>,
    cancel: &Cancel,
) -> Result<Vec<Option<usize>>, LipsyncError> {
    let shortlists: Vec<Vec<(usize, f32)>> = moments
        .par_iter()
        .map(|moment| {
            if cancel.is_cancelled() {
                return Vec::new();
            }
            shortlist(moment, units, desire)
        })
        .collect();
    cancel.check()?;
    let mut candidates: Vec<Vec<Option<usize>>> = Vec::with_capacity(moments.len());
    let mut costs: Vec<Vec<f32>> = Vec::with_capacity(moments.len());
    for (t, moment) in moments.iter().enumerate() {
        let mut here: Vec<(Option<usize>, f32)> =
            shortlists[t].iter().map(|&(unit, cost)| (Some(unit), cost)).collect();
        let before =
            t.checked_sub(1).map_or(&[][..], |t| &shortlists[t][..shortlists[t].len().min(FOLLOWED)]);
        for &(unit, _) in before {
            let Some(next) = following(units, unit, moment.time - moments[t - 1].time) else { continue };
            if here.iter().all(|(known, _)| *known != Some(next)) {
                here.push((Some(next), target_cost(moment, next, units, desire)));
            }
        }
        if let Some(same) = moment.same
            && here.iter().all(|(known, _)| *known != Some(same))
        {
            here.push((Some(same), target_cost(moment, same, units, desire)));
        }
        for (unit, cost) in here.iter_mut().filter(|(unit, _)| unit.is_some() && *unit == moment.same) {
            let says_this = |unit: usize| distance(&moment.context, &units[unit].context) < 0.1;
            if unit.is_some_and(says_this) {
                // The film's own sound: nothing fits it better than the film's own mouth.
                *cost = -OWN;
            } else if moment.quiet {
                *cost -= OWN;
            }
        }
        if let Some(cost) = own_cost(moment, desire) {
            here.push((None, cost));
        }
        candidates.push(here.iter().map(|(unit, _)| *unit).collect());
        costs.push(here.iter().map(|(_, cost)| *cost).collect());
    }
    let path = cheapest(&costs, |t, from, to| {
        step(&moments[t - 1], candidates[t - 1][from], &moments[t], candidates[t][to], units, desire)
    });
    let chosen = path.iter().enumerate().map(|(t, &c)| candidates[t][c]);
    Ok(chosen.zip(moments).map(|(unit, moment)| unit.filter(|_| unit != moment.same)).collect())
}

/// The best units for a moment, best first.
fn shortlist(moment: &Moment, units: &[Unit], desire: Option<&Desire>) -> Vec<(usize, f32)> {
    let mut all: Vec<(usize, f32)> =
        (0..units.len()).map(|unit| (unit, target_cost(moment, unit, units, desire))).collect();
    if all.len() > BEST {
        all.select_nth_unstable_by(BEST, |a, b| a.1.total_cmp(&b.1));
        all.truncate(BEST);
    }
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    all
}

/// How ill a unit fits a moment: sound, mouth, head and size.
fn target_cost(moment: &Moment, unit: usize, units: &[Unit], desire: Option<&Desire>) -> f32 {
    let same = moment.same.map(|same| &units[same]);
    let unit = &units[unit];
    let mut cost = view_cost(&moment.view, &unit.view);
    if let Some(same) = same.filter(|same| same.state.is_none()) {
        cost += away_cost(same, unit);
    }
    match (&moment.wish, unit.state, desire) {
        (Some(wish), Some(state), Some(desire)) => {
            cost += state_cost(wish, &state, &unit.motion, desire);
            if !wish.quiet {
                let heard = if unit.audible { distance(&moment.context, &unit.context) } else { 1.0 };
                // Sound that tells nothing of this mouth must not choose it.
                cost += 1.4 * heard * desire.skill()[GAP];
            }
        }
        _ if unit.audible || unit.quiet => cost += 1.5 * distance(&moment.context, &unit.context),
        _ => cost += 1.5,
    }
    cost
}

fn state_cost(wish: &Wish, state: &State, motion: &State, desire: &Desire) -> f32 {
    let mut cost = 0.0;
    for k in 0..state.len() {
        let off = (state[k] - wish.state[k]) / desire.spread[k];
        cost += wish.trust[k] * off * off / (1.0 + 0.1 * off * off);
    }
    if wish.quiet {
        // In silence the mouth is closed and still.
        let restless = motion[GAP] / desire.spread[GAP] / 10.0;
        return 2.0 * cost + restless.powi(2).min(2.0);
    }
    cost
}

/// Turned away by so many degrees, a mouth looks wrong.
const TURN: [f32; 3] = [7.0, 7.0, 15.0];

fn view_cost(wanted: &View, given: &View) -> f32 {
    let turned: f32 = (0..3).map(|k| ((wanted.angles[k] - given.angles[k]) / TURN[k]).powi(2)).sum();
    // Enlarging blurs; shrinking only wastes.
    let zoom = (wanted.size / given.size.max(1.0)).ln();
    let size = if zoom > 0.0 { (zoom / 0.4).powi(2) } else { 0.1 * zoom * zoom };
    0.7 * (1.0 + turned).ln() + 0.5 * size
}

/// Without landmarks nothing tells which way a head looks but that it mostly looks where it just did.
fn away_cost(here: &Unit, unit: &Unit) -> f32 {
    /// Seconds in which a head turns.
    const TURNS: f32 = 1.0;
    let away = match here.source.footage == unit.source.footage {
        true => (here.time - unit.time).secs_f64() as f32 / TURNS,
        false => 10.0,
    };
    0.7 * (1.0 + away * away).ln()
}

/// The frame's own mouth will do while nobody speaks, if it is closed; `None` when it will not.
fn own_cost(moment: &Moment, desire: Option<&Desire>) -> Option<f32> {
    let (own, wish, desire) = (moment.own?, moment.wish.as_ref()?, desire?);
    let open = (own[GAP] - desire.closed()[GAP]) / desire.spread[GAP];
    (moment.quiet && open < 0.8).then(|| state_cost(wish, &own, &[0.0; units::STATE], desire) - OWN)
}

/// The unit seen about `dt` after `unit` in the same shot.
fn following(units: &[Unit], unit: usize, dt: Time) -> Option<usize> {
    let wanted = units[unit].time + dt;
    let shot = units[unit].shot;
    let later = units[unit + 1..].iter().take_while(|u| u.shot == shot).take(8).enumerate();
    let off = |u: &Unit| (u.time - wanted).0.abs();
    let (ahead, next) = later.min_by_key(|(_, u)| off(u))?;
    (off(next) <= off(&units[unit])).then_some(unit + 1 + ahead)
}

/// The unit seen about `dt` before `unit` in the same shot.
fn preceding(units: &[Unit], unit: usize, dt: Time) -> Option<usize> {
    let wanted = units[unit].time - dt;
    let shot = units[unit].shot;
    let earlier = units[..unit].iter().rev().take_while(|u| u.shot == shot).take(8).enumerate();
    let off = |u: &Unit| (u.time - wanted).0.abs();
    let (behind, before) = earlier.min_by_key(|(_, u)| off(u))?;
    (off(before) <= off(&units[unit])).then_some(unit - 1 - behind)
}

fn step(
    before: &Moment,
    from: Option<usize>,
    after: &Moment,
    to: Option<usize>,
    units: &[Unit],
    desire: Option<&Desire>,
) -> Step {
    let flow = |cost| Step { cost, flows: true };
    match (from, to) {
        (None, None) => return flow(0.0),
        (Some(a), Some(b)) => {
            if let Some(cost) = flow_cost(&units[a], &units[b], after.time - before.time, units, a, b) {
                return flow(cost);
            }
        }
        _ => {}
    }
    let look = |pick: Option<usize>, moment: &Moment| match pick {
        Some(unit) => (units[unit].state, units[unit].motion, units[unit].view),
        None => (moment.own, [0.0; units::STATE], moment.view),
    };
    let ((sa, ma, va), (sb, mb, vb)) = (look(from, before), look(to, after));
    let mut cost = JOIN;
    if let (Some(sa), Some(sb), Some(desire)) = (sa, sb, desire) {
        let dt = (after.time - before.time).secs_f64() as f32;
        for k in 0..sa.len() {
            // Where the mouth would have gone on to, against where it is.
            let jump = (sb[k] - sa[k] - 0.5 * (ma[k] + mb[k]) * dt) / desire.spread[k];
            let kink = (mb[k] - ma[k]) * dt / desire.spread[k];
            cost += 0.35 * jump * jump + 0.2 * kink * kink;
        }
    }
    let turned: f32 = (0..3).map(|k| ((va.angles[k] - vb.angles[k]) / TURN[k]).powi(2)).sum();
    Step { cost: cost + 0.5 * (1.0 + turned).ln(), flows: false }
}

/// Cost of going on within a shot when `dt` passes in the line; `None` when the step is no going on. Half a
/// picture's length off is free, for rates that differ.
fn flow_cost(from: &Unit, to: &Unit, dt: Time, units: &[Unit], a: usize, b: usize) -> Option<f32> {
    if from.shot != to.shot || b < a || b - a > 8 {
        return None;
    }
    let picture = units.get(a + 1).filter(|u| u.shot == from.shot).map_or(dt, |next| next.time - from.time);
    let step = (to.time - from.time).secs_f64();
    let (dt, picture) = (dt.secs_f64().max(1e-3), picture.secs_f64());
    let off = ((step - dt).abs() - picture / 2.0).max(0.0) / dt;
    (off < 0.8).then_some((1.2 * off * off) as f32 + if a == b { 0.05 } else { 0.0 })
}

/// Spreads each join over [`FADE`], letting both runs go on beyond it.
fn mixes(picks: &[Option<Option<usize>>], times: &[Time], units: &[Unit]) -> Vec<Mix> {
    let flows = |t: usize| match (picks[t - 1], picks[t]) {
        (Some(Some(a)), Some(Some(b))) => {
            flow_cost(&units[a], &units[b], times[t] - times[t - 1], units, a, b).is_some()
        }
        (Some(None), Some(None)) => true,
        // Nothing is faded in from a frame without a face.
        (None, _) | (_, None) => true,
        _ => false,
    };
    let joins: Vec<usize> = (1..picks.len()).filter(|&t| !flows(t)).collect();
    let middle = |join: usize| (times[join].secs_f64() + times[join - 1].secs_f64()) / 2.0;
    (0..picks.len())
        .map(|t| {
            let Some(pick) = picks[t] else { return Vec::new() };
            let here = times[t].secs_f64();
            let near = joins.partition_point(|&j| j <= t);
            let around = [near.checked_sub(1), Some(near)];
            let join = around
                .into_iter()
                .flatten()
                .filter_map(|i| joins.get(i).copied())
                .min_by(|&a, &b| (middle(a) - here).abs().total_cmp(&(middle(b) - here).abs()));
            let alone = if pick.is_none() { Vec::new() } else { vec![Share { unit: pick, weight: 1.0 }] };
            let Some(join) = join else { return alone };
            let past = smoothstep(((here - middle(join)) / FADE + 0.5) as f32);
            let other_weight = if t >= join { 1.0 - past } else { past };
            let other = if t >= join {
                // The run before the join, gone on to now.
                picks[join - 1].map(|p| p.map(|unit| following(units, unit, times[t] - times[join - 1])))
            } else {
                picks[join].map(|p| p.map(|unit| preceding(units, unit, times[join] - times[t])))
            };
            let other = match other {
                Some(None) => None,
                Some(Some(Some(unit))) => Some(unit),
                _ => return alone,
            };
            if other_weight < 0.02 || other == pick {
                return alone;
            }
            vec![
                Share { unit: pick, weight: 1.0 - other_weight },
                Share { unit: other, weight: other_weight },
            ]
        })
        .collect()
}
