//! The pictures of a range of a project, one after the other.

use super::fit::{black, fit};
use super::like;
use crate::cache::Cache;
use crate::compose::{self, Laid, Takes};
use crate::error::EngineError;
use crate::film::{AT_ONCE, FilmReader};
use crate::material::present;
use lipsmith_base::{Cancel, FrameRate, Picture, Time, TimeRange};
use lipsmith_media::{FrameTimes, Timing, VideoSpec};
use lipsmith_project::{MediaId, Project};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Films open at a time: neighbouring clips cut back and forth between few.
const OPEN_FILMS: usize = 4;

pub struct Pictures<'a> {
    project: &'a Project,
    range: TimeRange,
    schedule: Schedule,
    spec: VideoSpec,
    films: BTreeMap<MediaId, FilmReader>,
    takes: Takes,
    next: u64,
    undecodable: u64,
}

/// When each frame is shown.
enum Schedule {
    /// One film's own frames from `first` on; film time minus sequence time is `offset`.
    Film { times: FrameTimes, first: u64, count: u64, offset: Time },
    /// The sequence's frames from `first` on.
    Sequence { rate: FrameRate, first: i64, count: u64 },
}

/// A picture as it is written.
pub struct Finished {
    /// Counted from the first frame.
    pub at: Time,
    pub duration: Time,
    pub picture: Picture,
    /// Where it was painted on, if that was asked for.
    pub matte: Option<Picture>,
}

/// What a frame is made from; without a picture it is black.
struct Parts {
    at: Time,
    duration: Time,
    picture: Option<(Picture, (u32, u32))>,
    laid: Vec<Laid>,
}

impl<'a> Pictures<'a> {
    /// # Errors
    /// When the range shows no film, or its first film is not there.
    pub fn open(
        project: &'a Project,
        range: TimeRange,
        cache: Cache,
        cancel: &Cancel,
    ) -> Result<Pictures<'a>, EngineError> {
        let stretches = project.stretches(range);
        let Some(first) = stretches.first() else {
            return Err(EngineError::Request(
                "there is no film in the range; put one on the picture track".into(),
            ));
        };
        let (media, offset) = (first.clip.media, first.clip.offset());
        let film = open(project, media, cancel)?;
        let mut spec = like(film.video());
        let shown: i64 = stretches.iter().map(|stretch| stretch.film.duration().0).sum();
        let unbroken = stretches.iter().all(|s| (s.clip.media, s.clip.offset()) == (media, offset));
        let schedule = if unbroken && Time(shown) == range.duration() {
            Schedule::of_film(film.video().times.clone(), range, offset)
        } else {
            spec.timing = Timing::constant(project.sequence.rate);
            Schedule::of_sequence(project.sequence.rate, range)
        };
        let (films, takes) = (BTreeMap::from([(media, film)]), Takes::new(cache));
        Ok(Pictures { project, range, schedule, spec, films, takes, next: 0, undecodable: 0 })
    }

    pub fn spec(&self) -> VideoSpec {
        self.spec
    }

    /// Frames.
    pub fn count(&self) -> u64 {
        match self.schedule {
            Schedule::Film { count, .. } | Schedule::Sequence { count, .. } => count,
        }
    }

    /// Sequence time of the first frame's start, where the written film's time is zero.
    pub fn origin(&self) -> Time {
        self.schedule.start(0)
    }

    pub fn duration(&self) -> Time {
        self.schedule.start(self.count()) - self.origin()
    }

    /// What went less than perfectly.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let lost = (self.undecodable > 0)
            .then(|| format!("{} picture(s) could not be decoded and were left out", self.undecodable));
        lost.into_iter()
    }

    /// The next few frames, composed side by side; none at the end.
    pub fn next_few(&mut self, mattes: bool, cancel: &Cancel) -> Result<Vec<Finished>, EngineError> {
        let mut some = Vec::with_capacity(AT_ONCE);
        while some.len() < AT_ONCE && self.next < self.count() {
            cancel.check()?;
            some.extend(self.parts(self.next, cancel)?);
            self.next += 1;
        }
        let spec = self.spec;
        Ok(some.into_par_iter().map(|parts| parts.finish(mattes, &spec)).collect())
    }

    /// `None` for a frame whose picture cannot be decoded: the one before it is shown longer.
    fn parts(&mut self, frame: u64, cancel: &Cancel) -> Result<Option<Parts>, EngineError> {
        let start = self.schedule.start(frame);
        let (at, duration) = (start - self.origin(), self.schedule.start(frame + 1) - start);
        // The first frame may begin before the range, which need not be cut at frames.
        let Some(plan) = compose::plan(self.project, start.max(self.range.start())) else {
            return Ok(Some(Parts { at, duration, picture: None, laid: Vec::new() }));
        };
        if !self.films.contains_key(&plan.media) {
            if self.films.len() >= OPEN_FILMS {
                self.films.clear();
            }
            self.films.insert(plan.media, open(self.project, plan.media, cancel)?);
        }
        let Some(film) = self.films.get_mut(&plan.media) else { return Ok(None) };
        let times = &film.video().times;
        let index = times.index_at(plan.film_time).min(times.count().saturating_sub(1));
        let aspect = film.video().pixel_aspect;
        let Some(picture) = film.picture(index)? else {
            self.undecodable += 1;
            return Ok(None);
        };
        let laid = self.takes.all(&plan, index)?;
        Ok(Some(Parts { at, duration, picture: Some((picture, aspect)), laid }))
    }
}

impl Parts {
    fn finish(self, mattes: bool, spec: &VideoSpec) -> Finished {
        let Parts { at, duration, picture, laid } = self;
        let Some((picture, aspect)) = picture else {
            let matte = mattes.then(|| black(spec));
            return Finished { at, duration, picture: black(spec), matte };
        };
        let matte = mattes.then(|| fit(compose::matte_at(&picture, &laid), aspect, spec));
        Finished { at, duration, picture: fit(compose::frame_at(picture, &laid), aspect, spec), matte }
    }
}

impl Schedule {
    fn of_film(times: FrameTimes, range: TimeRange, offset: Time) -> Schedule {
        let last = times.count().saturating_sub(1);
        let first = times.index_at(range.start() + offset).min(last);
        let end = times.index_at(range.end() + offset - Time(1)).min(last) + 1;
        Schedule::Film { times, first, count: end - first, offset }
    }

    fn of_sequence(rate: FrameRate, range: TimeRange) -> Schedule {
        let first = rate.frame_at(range.start());
        let count = (rate.frame_at(range.end() - Time(1)) + 1 - first).max(0).unsigned_abs();
        Schedule::Sequence { rate, first, count }
    }

    /// Sequence time.
    fn start(&self, frame: u64) -> Time {
        match self {
            Schedule::Film { times, first, offset, .. } => times.start(first + frame) - *offset,
            Schedule::Sequence { rate, first, .. } => rate.frame_start(first + frame as i64),
        }
    }
}

fn open(project: &Project, media: MediaId, cancel: &Cancel) -> Result<FilmReader, EngineError> {
    let missing = || EngineError::Request("a film of the sequence is not in the project".into());
    FilmReader::open(&present(project.media.get(&media).ok_or_else(missing)?)?, cancel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(schedule: &Schedule) -> Vec<i64> {
        let (Schedule::Film { count, .. } | Schedule::Sequence { count, .. }) = schedule;
        (0..=*count).map(|frame| schedule.start(frame).round_units(1_000)).collect()
    }

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(Time::from_units(from, 1_000), Time::from_units(to, 1_000))
    }

    #[test]
    fn every_frame_that_shares_time_with_the_range_is_written_once() {
        let rate = FrameRate::FPS_25;
        assert_eq!(starts(&Schedule::of_sequence(rate, range(80, 200))), [80, 120, 160, 200]);
        assert_eq!(starts(&Schedule::of_sequence(rate, range(90, 201))), [80, 120, 160, 200, 240]);
        let film = |range, offset| {
            let times = FrameTimes::constant(rate, 5);
            starts(&Schedule::of_film(times, range, Time::from_units(offset, 1_000)))
        };
        // The film begins a second into the sequence.
        assert_eq!(film(range(1_080, 1_160), -1_000), [1_080, 1_120, 1_160]);
        assert_eq!(film(range(1_000, 1_200), -1_000), [1_000, 1_040, 1_080, 1_120, 1_160, 1_200]);
        // Its clip begins and ends within frames.
        assert_eq!(film(range(50, 130), 0), [40, 80, 120, 160]);
    }
}
