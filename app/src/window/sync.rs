//! How well lines are in sync: what the strip under a line, the inspector and the commands on it go by.

use super::ctx::Ctx;
use super::news::News;
use lipsmith_base::{FrameRate, Time};
use lipsmith_engine::score::LineScore;
use lipsmith_project::{CueId, Project};

/// Above these of [`LineScore::fit`] a stretch is well or roughly in sync. Set by the distances that are published for
/// SyncNet, not measured on films judged here.
const WELL: f32 = 0.3;
const ROUGHLY: f32 = 0.15;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InSync {
    Well,
    Roughly,
    Not,
}

impl InSync {
    pub fn of(fit: f32) -> InSync {
        if fit >= WELL {
            InSync::Well
        } else if fit >= ROUGHLY {
            InSync::Roughly
        } else {
            InSync::Not
        }
    }

    /// Its words in the languages' files.
    pub fn key(self) -> &'static str {
        match self {
            InSync::Well => "sync-well",
            InSync::Roughly => "sync-roughly",
            InSync::Not => "sync-not",
        }
    }
}

/// Frames of the sequence by which the voice of a judged line should lie later; negative for earlier. `None` where it is
/// in time, or nothing can be said.
pub fn nudge(score: &LineScore, rate: FrameRate) -> Option<i64> {
    let by = score.nudge()?;
    let frames = (by.secs_f64() * rate.fps()).round() as i64;
    (frames != 0).then_some(frames)
}

/// A number of frames as a time; negative ones too.
pub fn frames(rate: FrameRate, count: i64) -> Time {
    if count < 0 { -rate.frame_start(-count) } else { rate.frame_start(count) }
}

/// Lines judged as they now are, the worst first, each with its [`LineScore::fit`].
pub fn ranked(project: &Project, news: &News) -> Vec<(f32, CueId)> {
    let fit = |id: CueId| {
        let (score, fresh) = news.score(project, id)?;
        Some((score.fit().filter(|_| fresh)?, id))
    };
    let mut ranked: Vec<_> = news.scores.keys().filter_map(|id| fit(*id)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked
}

/// A line's score in words, with what judged it; `None` where it was not judged.
pub fn words(ctx: &Ctx, cue: CueId) -> Option<String> {
    let (score, fresh) = ctx.news.score(ctx.project, cue)?;
    let by = ctx.words.with("sync-by", &[("judge", score.judge.title.into())]);
    let found = match score.fit() {
        // A voice that lies wrong as a whole is out of sync, however well its syllables are spoken.
        Some(fit) => {
            let how = if score.nudge().is_some() { InSync::Not } else { InSync::of(fit) };
            format!("{} ({:.0} %)", ctx.text(how.key()), fit * 100.0)
        }
        None => ctx.text("sync-unseen"),
    };
    let stale = if fresh { String::new() } else { format!(" {}", ctx.text("sync-stale")) };
    Some(format!("{found}. {by}{stale}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_count_both_ways() {
        let rate = FrameRate::new(24_000, 1_001).expect("a rate");
        for count in [-7, -1, 0, 1, 7] {
            assert_eq!(rate.frame_at(rate.frame_start(10) + frames(rate, count)), 10 + count);
        }
        assert_eq!([0.5, 0.2, 0.0].map(InSync::of), [InSync::Well, InSync::Roughly, InSync::Not]);
    }
}
