//! How well a line of a project is in sync as it is seen and heard: the film with what is chosen laid over it, against
//! the line's voice where it lies. Stretch by stretch, so that an editor sees where it goes wrong.

use super::judge::SURE;
use super::{JudgeName, SILENT, Seen, SyncScore};
use crate::analysis::{Analysis, FilmSound};
use crate::cache::Cache;
use crate::compose::{self, Takes};
use crate::error::EngineError;
use crate::film::FilmReader;
use crate::material::present;
use crate::take;
use lipsmith_base::{Cancel, Digest, Picture, Progress, Sink, Time, TimeRange};
use lipsmith_lipsync::Speech;
use lipsmith_lipsync::face::correct::correct;
use lipsmith_lipsync::judge::Judge;
use lipsmith_lipsync::score::{Distances, RATE};
use lipsmith_lipsync::speech::SPEECH_RATE;
use lipsmith_project::{Clip, Cue, CueId, Media, Project, Stretch};
use std::ops::Range;
use std::sync::Arc;

/// Windows, one a picture at 25 a second, that are told of together: a fifth of a second, about a syllable.
const TOGETHER: usize = 5;

#[derive(Clone, Debug)]
pub struct LineScore {
    pub judge: JudgeName,
    /// Of all its stretches; `None` where the face is nowhere seen for six pictures at 25 a second.
    pub whole: Option<SyncScore>,
    /// By time.
    pub fits: Vec<Fit>,
}

/// How well a short stretch is in sync.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Counted from the start of the line.
    pub range: TimeRange,
    /// 0: the sound is no nearer to the mouth than sounds that do not belong to it; 1: it could not be nearer. What is
    /// in sync seldom has more than 0.6. By a judge that is less sure than the experts it is stretched to their scale.
    pub fit: f32,
}

impl LineScore {
    /// Mean of the line where its face is seen; `None` where it is not.
    pub fn fit(&self) -> Option<f32> {
        let length: f64 = self.fits.iter().map(|fit| fit.range.duration().secs_f64()).sum();
        let sum: f64 = self.fits.iter().map(|fit| f64::from(fit.fit) * fit.range.duration().secs_f64()).sum();
        (length > 0.0).then(|| (sum / length) as f32)
    }

    /// How much later the voice is to lie to be in sync; negative for earlier. `None` when it is in time, or when no
    /// shift fits well enough to say so.
    pub fn nudge(&self) -> Option<Time> {
        let SyncScore { offset_frames, lse_d, lse_c, .. } = self.whole?;
        let sure = lse_c / (lse_c + lse_d).max(f64::MIN_POSITIVE) >= self.judge.sure;
        (sure && offset_frames != 0).then(|| Time::from_units(-offset_frames, RATE))
    }
}

/// What a line's score depends on, besides the files.
#[derive(PartialEq)]
struct Sight<'a> {
    range: TimeRange,
    voice: Option<&'a Clip>,
    seen: Vec<(Digest, TimeRange)>,
    film: Vec<Stretch<'a>>,
    faces: Vec<(TimeRange, u32)>,
}

/// Whether a line of `now` is seen and heard as it was in `then`, when it was judged.
pub fn is_as_judged(then: &Project, now: &Project, cue: CueId) -> bool {
    std::ptr::eq(then, now) || sight(then, cue) == sight(now, cue)
}

fn sight(project: &Project, cue: CueId) -> Option<Sight<'_>> {
    let line = project.cues.get(&cue)?;
    let speaker = project.characters.get(&line.character?)?;
    let film = project.stretches(line.range);
    let faces = film.iter().flat_map(|stretch| speaker.faces_in(stretch.clip.media, stretch.film));
    // Where the one take gives way to the other.
    let mut cuts: Vec<_> = line.comp.iter().flat_map(|span| [span.range.start(), span.range.end()]).collect();
    cuts.extend([Time::ZERO, line.range.duration()]);
    cuts.sort();
    cuts.dedup();
    let shown = cuts.windows(2).flat_map(|cut| {
        let span = TimeRange::new(cut[0], cut[1]);
        let take = line.take_at(line.range.start() + span.start());
        take.into_iter().flat_map(move |take| take.parts.iter().map(move |part| (part.key(), span)))
    });
    Some(Sight {
        range: line.range,
        voice: project.voice_of(line),
        seen: shown.collect(),
        faces: faces.collect(),
        film,
    })
}

/// What it takes to judge lines.
pub struct Bench<'a> {
    pub judge: &'a Judge,
    pub name: &'a JudgeName,
    pub cache: Cache,
    /// A film's finished analysis, by the film's fingerprint.
    pub analysis: &'a dyn Fn(Digest) -> Option<Arc<Analysis>>,
}

/// A stretch of a shot in which the speaker is seen.
struct Piece<'a> {
    stretch: Stretch<'a>,
    film: &'a Media,
    analysis: Arc<Analysis>,
    person: u32,
    /// Frames of the film.
    segment: Range<u64>,
}

/// Judges a line.
///
/// # Errors
/// Without a speaker, a voice, an analysis, or what is chosen in the cache; when the voice is silent.
pub fn score_line(
    bench: &Bench,
    project: &Project,
    cue: CueId,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<LineScore, EngineError> {
    let lacks = |what: &str| EngineError::Request(what.to_owned());
    let line = project.cues.get(&cue).ok_or_else(|| lacks("the line is not in the project any more"))?;
    let clip = project.voice_of(line);
    let clip = clip.ok_or_else(|| lacks("the line has no voice; put one on a voice track and bind it"))?;
    let media = project.media.get(&clip.media);
    let media = media.ok_or_else(|| lacks("the line's voice is not in the project any more"))?;
    let mut voice = FilmSound::open(&present(media)?, cancel)?;
    let pieces = pieces(bench, project, line)?;
    let total = pieces.iter().map(|piece| piece.segment.end - piece.segment.start).sum();
    let (mut takes, mut reader) = (Takes::new(bench.cache.clone()), None);
    let (mut all, mut fits, mut loudest, mut done) = (Distances::none(), Vec::new(), 0f32, 0);
    for Piece { stretch, film, analysis, person, segment } in &pieces {
        let (span, offset) = (analysis.span(segment), stretch.clip.offset());
        let mut faces = analysis.faces(*person, segment)?;
        correct(&mut faces, &analysis.places(&line.faces_in(stretch.clip.media, span), segment));
        let speech = heard(&mut voice, clip, span.shifted(-offset))?;
        loudest = speech.samples.iter().fold(loudest, |most, v| most.max(v.abs()));
        let reader = match &mut reader {
            Some((of, reader)) if *of == film.fingerprint => reader,
            other => {
                let opened = FilmReader::open(&present(film)?, cancel)?;
                &mut other.insert((film.fingerprint, opened)).1
            }
        };
        // As the export makes it.
        let mut picture = |frame: u64| -> Result<Option<Picture>, EngineError> {
            let Some(picture) = reader.picture(frame)? else { return Ok(None) };
            let plan = compose::plan(project, analysis.times().start(frame) - offset);
            let laid = plan.map_or(Ok(Vec::new()), |plan| takes.all(&plan, frame))?;
            Ok(Some(compose::frame_at(picture, &laid)))
        };
        let tell = |frame: u64| {
            let done = done + frame - segment.start;
            sink.progress(Progress { stage: "score", done, total: Some(total) });
        };
        let seen = Seen { analysis, segment, faces: &faces };
        let distances = seen.distances(bench.judge, &mut picture, &speech, &tell, cancel)?;
        done += segment.end - segment.start;
        let scale = (SURE / bench.name.sure) as f32;
        fits.extend(fits_of(&distances, scale, span.shifted(-offset - line.range.start())));
        all.add(&distances);
    }
    if !pieces.is_empty() && loudest < SILENT {
        return Err(lacks("the line's voice is silent where the face is seen: there is nothing to judge by"));
    }
    fits.sort_by_key(|fit| fit.range.start());
    Ok(LineScore { judge: bench.name.clone(), whole: all.score(), fits })
}

fn pieces<'a>(bench: &Bench, project: &'a Project, line: &Cue) -> Result<Vec<Piece<'a>>, EngineError> {
    let speaker = line
        .character
        .and_then(|id| project.characters.get(&id))
        .ok_or_else(|| EngineError::Request("nobody speaks the line; bind it to a person".into()))?;
    let mut pieces = Vec::new();
    for stretch in project.stretches(line.range) {
        let media = stretch.clip.media;
        let Some(film) = project.media.get(&media) else { continue };
        for (range, person) in speaker.faces_in(media, stretch.film) {
            let analysis = (bench.analysis)(film.fingerprint).ok_or_else(|| {
                EngineError::Request(format!("the faces of '{}' are not analysed yet", film.name))
            })?;
            let segments = take::stretches(&analysis, person, range).segments.into_iter();
            let piece = |segment| Piece { stretch, film, analysis: analysis.clone(), person, segment };
            pieces.extend(segments.map(piece));
        }
    }
    Ok(pieces)
}

/// The voice in a stretch of the sequence, silent where its clip is not.
fn heard(voice: &mut FilmSound, clip: &Clip, range: TimeRange) -> Result<Speech, EngineError> {
    let wanted = range.shifted(clip.offset());
    let there = wanted.intersect(clip.source);
    let rate = i64::from(SPEECH_RATE);
    let mut samples = Vec::new();
    if !there.is_empty() {
        let before = (there.start() - wanted.start()).round_units(rate).max(0);
        samples.resize(before as usize, 0.0);
        samples.extend(voice.speech(there)?.samples);
    }
    samples.resize(wanted.duration().round_units(rate).max(0) as usize, 0.0);
    Ok(Speech { samples })
}

/// The windows' fit, a fifth of a second each, over all of `span`: what lies before the first window's middle and
/// behind the last one's is told with them. `scale`: what makes the judge's fits comparable with an expert's.
fn fits_of(distances: &Distances, scale: f32, span: TimeRange) -> Vec<Fit> {
    let fits = distances.fit();
    let groups = fits.chunks(TOGETHER).enumerate();
    let last = fits.len().div_ceil(TOGETHER).saturating_sub(1);
    let fit = |(at, group): (usize, &[f32])| {
        let edge = |at: usize| span.start() + Time::from_units((at * TOGETHER) as i64, RATE);
        let end = if at == last { span.end() } else { edge(at + 1) };
        let mean = group.iter().sum::<f32>() / group.len() as f32;
        Fit { range: TimeRange::new(edge(at), end), fit: (scale * mean).min(1.0) }
    };
    groups.map(fit).filter(|fit| !fit.range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::JudgeName;

    fn score(whole: Option<SyncScore>, fits: &[(i64, i64, f32)]) -> LineScore {
        let time = |tenths| Time::from_units(tenths, 10);
        let fit =
            |&(from, to, fit): &(i64, i64, f32)| Fit { range: TimeRange::new(time(from), time(to)), fit };
        let (network, title) = ("test", "test");
        let judge =
            JudgeName { network, title, weights: "w".into(), carried: false, papers_own: false, sure: SURE };
        LineScore { judge, whole, fits: fits.iter().map(fit).collect() }
    }

    #[test]
    fn a_line_is_as_good_as_its_stretches_by_their_length() {
        assert_eq!(score(None, &[]).fit(), None);
        let mean = score(None, &[(0, 2, 0.5), (2, 8, 0.1)]).fit().expect("fits");
        assert!((mean - 0.2).abs() < 1e-6, "{mean}");
    }

    #[test]
    fn a_nudge_is_advised_only_where_a_shift_fits() {
        let whole = |offset_frames, lse_d, lse_c| {
            let offset_ms = offset_frames * 40;
            score(Some(SyncScore { offset_frames, offset_ms, lse_d, lse_c, windows: 50 }), &[])
        };
        // The sound is late: earlier with it.
        assert_eq!(whole(3, 7.0, 6.0).nudge(), Some(Time::from_units(-3, 25)));
        assert_eq!(whole(-2, 7.0, 6.0).nudge(), Some(Time::from_units(2, 25)));
        assert_eq!(whole(0, 7.0, 6.0).nudge(), None);
        assert_eq!(whole(-11, 12.0, 0.9).nudge(), None, "no shift fits");
    }

    #[test]
    fn the_fits_lie_end_to_end_over_their_stretch() {
        let points: Vec<Vec<f32>> =
            (0..23).map(|at| (0..8).map(|i| ((at * 31 + i * 17) as f32).sin()).collect()).collect();
        let span = TimeRange::new(Time::from_units(1, 1), Time::from_units(53, 25));
        let fits = fits_of(&Distances::between(&points, &points), 1.0, span);
        assert_eq!((fits.len(), fits[0].range.start(), fits[4].range.end()), (5, span.start(), span.end()));
        assert!(fits.windows(2).all(|pair| pair[0].range.end() == pair[1].range.start()));
        assert!(fits.iter().all(|fit| fit.fit > 0.99));
        assert!(fits_of(&Distances::none(), 1.0, span).is_empty());
    }
}
