//! Playing, stepping and going to places.

use super::Dispatch;
use crate::window::ctx::Act;
use lipsmith_base::{Time, TimeRange};
use lipsmith_engine::desk::Request;

/// J and L go through these speeds.
const SPEEDS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];
/// Frames of a leap.
pub(super) const LEAP: i64 = 10;
/// Watched before and after a line by play-around.
const AROUND: Time = Time(lipsmith_base::time::FLICKS);

impl Dispatch<'_> {
    pub(super) fn seek(&mut self, to: Time) {
        self.acts.push(Act::Seek { to, scrub: false });
    }

    pub(super) fn step(&mut self, frames: i64) {
        if self.playing.is_some() {
            self.stop();
        }
        let rate = self.project.sequence.rate;
        let to = rate.frame_start((rate.frame_at(self.now()) + frames).max(0));
        self.acts.push(Act::Seek { to, scrub: true });
    }

    pub(super) fn stop(&mut self) {
        let at = self.now();
        self.session.speed = 0.0;
        self.ask(Request::Stop);
        self.seek(at);
    }

    pub(super) fn play(&mut self, speed: f64, within: Option<TimeRange>) {
        let end = self.project.duration();
        if end <= Time::ZERO {
            return;
        }
        let within = within.or_else(|| {
            self.session
                .looping
                .then(|| self.session.marked(self.project).unwrap_or(TimeRange::new(Time::ZERO, end)))
        });
        let now = self.now();
        let from = match within {
            Some(range) if !range.contains(now) => range.start(),
            // Playing from the end begins anew.
            None if speed > 0.0 && now + self.frame() >= end => Time::ZERO,
            _ => now,
        };
        (self.session.speed, self.session.within) = (speed, within);
        self.ask(Request::Play { from, speed, within });
    }

    /// Each press doubles the speed; the other direction first halves it.
    pub(super) fn shuttle(&mut self, direction: f64) {
        let speed = if self.playing.is_some() { self.session.speed * direction } else { 0.0 };
        let next = if speed <= 0.0 && speed > -2.0 {
            1.0
        } else if speed < 0.0 {
            speed / 2.0
        } else {
            SPEEDS.into_iter().find(|s| *s > speed).unwrap_or(speed)
        };
        self.play(next * direction, None);
    }

    pub(super) fn play_around(&mut self) {
        let line = self.session.cue(self.project).and_then(|id| self.project.cues.get(&id));
        let Some(range) = line.map(|cue| cue.range).or_else(|| self.session.marked(self.project)) else {
            return self.play(1.0, None);
        };
        let from = (range.start() - AROUND).max(Time::ZERO);
        self.play(1.0, Some(TimeRange::new(from, (range.end() + AROUND).min(self.project.duration()))));
    }

    pub(super) fn seek_among(&mut self, mut places: Vec<Time>, forward: bool) {
        let now = self.now();
        places.sort();
        let next = if forward {
            places.into_iter().find(|at| *at > now)
        } else {
            places.into_iter().rev().find(|at| *at < now)
        };
        next.into_iter().for_each(|at| self.seek(at));
    }

    /// Where clips and lines begin and end.
    pub(super) fn edges(&self) -> Vec<Time> {
        let clips = self.project.sequence.tracks().flat_map(|track| track.clips.iter());
        let clips = clips.flat_map(|clip| [clip.start, clip.end()]);
        clips.chain(self.project.cues.values().flat_map(|cue| [cue.range.start(), cue.range.end()])).collect()
    }

    pub(super) fn markers(&self) -> Vec<Time> {
        self.project.markers.values().map(|marker| marker.at).collect()
    }
}
