//! Magnetism: what is moved sticks to edges, marks, the playhead, shot changes and frames.

use super::hit::Ground;
use crate::window::news::News;
use crate::window::session::Selection;
use lipsmith_base::{FrameRate, Time};

/// Points within which something sticks.
const REACH: f32 = 8.0;

#[derive(Clone, Debug)]
pub struct Snap {
    /// Off while a modifier suspends it.
    pub on: bool,
    pub rate: FrameRate,
    pub reach: Time,
    /// Ascending.
    pub targets: Vec<Time>,
}

impl Snap {
    /// What is in sight, except what moves itself. `playhead`: `None` while it is what moves.
    pub fn new(ground: &Ground, news: &News, moving: &Selection, playhead: Option<Time>, on: bool) -> Snap {
        let mut targets = Vec::new();
        if on {
            targets.extend(playhead);
            targets.extend(ground.marks.iter().flatten());
            targets.push(Time::ZERO);
            clip_edges(ground, moving, &mut targets);
            shot_changes(ground, news, &mut targets);
            let lines = ground.lines.within(ground.axis.visible());
            let still = lines.filter(|line| !moving.cues.contains(&line.id));
            targets.extend(still.flat_map(|line| [line.range.start(), line.range.end()]));
            let markers = ground.project.markers.iter().filter(|(id, _)| !moving.markers.contains(id));
            targets.extend(markers.map(|(_, marker)| marker.at));
            targets.sort_unstable();
            targets.dedup();
        }
        let reach = ground.axis.span(REACH);
        Snap { on, rate: ground.project.sequence.rate, reach, targets }
    }

    /// By how much things with these edges move when the pointer asks for `by`, and what they stick to. `whole`: only
    /// by whole frames from where the first edge is on one.
    pub fn shift(&self, edges: &[Time], by: Time, whole: bool) -> (Time, Option<Time>) {
        let near = edges.iter().filter_map(|edge| {
            let target = self.nearest(*edge + by)?;
            Some((target - *edge, target))
        });
        let best = near.min_by_key(|(shift, _)| (*shift - by).0.abs());
        let (shift, guide) = best.map_or((by, None), |(shift, target)| (shift, Some(target)));
        let Some(first) = edges.first().filter(|_| whole || (self.on && guide.is_none())) else {
            return (shift, guide);
        };
        let onto = self.frame(*first + shift) - *first;
        // A guide that the frames do not meet would lie.
        (onto, guide.filter(|_| onto == shift))
    }

    /// A time that follows the pointer.
    pub fn time(&self, at: Time, whole: bool) -> (Time, Option<Time>) {
        let (by, guide) = self.shift(&[at], Time::ZERO, whole);
        ((at + by).max(Time::ZERO), guide)
    }

    /// The nearest start of a frame.
    pub fn frame(&self, at: Time) -> Time {
        let half = Time(self.rate.frame_duration().0 / 2);
        self.rate.frame_start(self.rate.frame_at(at + half))
    }

    fn nearest(&self, at: Time) -> Option<Time> {
        let after = self.targets.partition_point(|target| *target < at);
        let around = self.targets[after.saturating_sub(1)..].iter().take(2);
        let distance = |target: &Time| (*target - at).0.abs();
        around
            .copied()
            .filter(|target| distance(target) <= self.reach.0)
            .min_by_key(|target| distance(target))
    }
}

fn clip_edges(ground: &Ground, moving: &Selection, targets: &mut Vec<Time>) {
    for track in ground.project.sequence.tracks() {
        let clips = track.clips_in(ground.axis.visible()).iter();
        let still = clips.filter(|clip| !moving.clips.contains(&clip.id));
        targets.extend(still.flat_map(|clip| [clip.start, clip.end()]));
    }
}

/// Where the film itself cuts, as far as its analysis knows.
fn shot_changes(ground: &Ground, news: &News, targets: &mut Vec<Time>) {
    for clip in ground.project.sequence.picture.clips_in(ground.axis.visible()) {
        let Some(faces) = news.faces_in(ground.project, clip) else { continue };
        let film = ground.axis.visible().shifted(clip.offset()).intersect(clip.source);
        let from = faces.shots.partition_point(|shot| shot.start() <= film.start());
        let inside = faces.shots[from..].iter().take_while(|shot| shot.start() < film.end());
        targets.extend(inside.map(|shot| shot.start() - clip.offset()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: f64) -> Time {
        Time::from_secs_f64(seconds)
    }

    fn snap(on: bool) -> Snap {
        let targets = if on { vec![secs(1.0), secs(2.0), secs(5.0)] } else { Vec::new() };
        Snap { on, rate: FrameRate::FPS_25, reach: secs(0.1), targets }
    }

    #[test]
    fn the_nearest_edge_sticks_and_shows_its_guide() {
        // The tail (3.0) would come to 5.03, the head (2.6) to 4.63.
        let (by, guide) = snap(true).shift(&[secs(2.6), secs(3.0)], secs(2.03), true);
        assert_eq!((by, guide), (secs(2.0), Some(secs(5.0))));
    }

    #[test]
    fn out_of_reach_it_goes_by_frames() {
        let (by, guide) = snap(true).shift(&[secs(2.0)], secs(0.493), true);
        assert_eq!((by, guide), (secs(0.48), None));
        let (at, guide) = snap(true).time(secs(3.301), true);
        assert_eq!((at, guide), (secs(3.32), None));
    }

    #[test]
    fn suspended_only_pictures_keep_to_frames() {
        let (by, guide) = snap(false).shift(&[secs(2.0)], secs(2.97), true);
        assert_eq!((by, guide), (secs(2.96), None));
        assert_eq!(snap(false).shift(&[secs(2.0)], secs(2.973), false).0, secs(2.973));
    }

    #[test]
    fn pictures_do_not_stick_between_frames() {
        let mut between = snap(true);
        between.targets = vec![secs(1.013)];
        let (by, guide) = between.shift(&[Time::ZERO], secs(1.0), true);
        assert_eq!((by, guide), (secs(1.0), None));
        let (by, guide) = between.shift(&[Time::ZERO], secs(1.0), false);
        assert_eq!((by, guide), (secs(1.013), Some(secs(1.013))), "a voice may");
    }
}
