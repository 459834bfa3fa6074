//! Pictures along the film. They stand at film times that do not change with the view's place, so that panning asks
//! for few new ones, and a coarser zoom's pictures stand in until the right ones are there.

use super::hit::Ground;
use crate::window::ctx::{Act, Ctx};
use egui::{Color32, Painter, Rect, pos2};
use lipsmith_base::time::FLICKS;
use lipsmith_base::{Digest, Time};
use lipsmith_engine::desk::Request;
use lipsmith_project::{Clip, MediaId};

/// The finest distance; each coarser one is twice the last.
const FINEST: Time = Time(FLICKS / 8);
/// Coarser pictures that may stand in.
const STAND_INS: u32 = 6;
/// Not more is asked for at once.
const ASKED: usize = 64;
/// Seconds after which what has not come is asked for once more.
const PATIENCE: f64 = 2.0;

#[derive(Clone, Debug, Default)]
pub struct Thumbs {
    /// Missing in this frame.
    missing: Vec<(MediaId, Time)>,
    asked: Option<(MediaId, Vec<Time>)>,
    asked_at: f64,
}

impl Thumbs {
    /// Draws the part of a clip that is in sight.
    pub fn strip(&mut self, painter: &Painter, ctx: &Ctx, ground: &Ground, clip: &Clip, rect: Rect) {
        let Some(media) = ctx.project.media.get(&clip.media) else { return };
        let Some(video) = media.video else { return };
        let aspect = video.width as f32 / video.height.max(1) as f32;
        let full = (rect.height() * aspect).max(8.0);
        let step = distance(ground.axis.span(full));
        let film = ground.axis.visible().intersect(clip.range()).shifted(clip.offset());
        let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
        for number in film.start().0.div_euclid(step.0)..=film.end().0.div_euclid(step.0) {
            let at = Time(number * step.0);
            if at >= film.end() {
                break;
            }
            let start = at - clip.offset();
            let x = ground.axis.x(start)..=ground.axis.x(start + step);
            let tile = Rect::from_x_y_ranges(x, rect.y_range());
            let wanted = at.max(clip.source.start());
            let shown = ctx.news.thumb(media.fingerprint, wanted).or_else(|| {
                self.missing.push((clip.media, wanted));
                stand_in(ctx, media.fingerprint, at, step)
            });
            let Some(texture) = shown else { continue };
            // The middle of the picture, as much as the tile is wide.
            let share = (tile.width() / full).clamp(0.05, 1.0) / 2.0;
            let part = Rect::from_min_max(pos2(0.5 - share, 0.0), pos2(0.5 + share, 1.0));
            painter.image(texture.id(), tile, part, Color32::WHITE);
        }
    }

    /// Asks for what was missing. Only the desk's newest call is worked on, so one film at a time.
    pub fn ask(&mut self, ctx: &mut Ctx, now: f64, height: f32) {
        let missing = std::mem::take(&mut self.missing);
        let mut media = missing.iter().map(|(id, _)| *id).filter(|id| !ctx.news.offline.contains(id));
        let Some(first) = media.next() else { return };
        let late = now - self.asked_at > PATIENCE;
        // What does not come must not keep other films from coming.
        let tried = self.asked.as_ref().map(|(id, _)| *id).filter(|_| late);
        let media = std::iter::once(first).chain(media).find(|id| Some(*id) != tried).unwrap_or(first);
        let of_media = missing.iter().filter(|(id, _)| *id == media);
        let times: Vec<_> = of_media.map(|(_, at)| *at).take(ASKED).collect();
        let more = self
            .asked
            .as_ref()
            .is_none_or(|(id, asked)| *id != media || times.iter().any(|time| !asked.contains(time)));
        if more || late {
            self.asked = Some((media, times.clone()));
            self.asked_at = now;
            let Some(film) = ctx.project.media.get(&media).cloned() else { return };
            ctx.act(Act::Ask(Request::Thumbs { film, times, height: height as usize }));
        }
    }
}

/// The largest distance of the series that is not larger than a whole picture.
fn distance(full: Time) -> Time {
    let mut step = FINEST;
    while step.0 * 2 <= full.0 && step.0 < i64::MAX / 4 {
        step = Time(step.0 * 2);
    }
    step
}

fn stand_in<'a>(ctx: &'a Ctx, film: Digest, at: Time, step: Time) -> Option<&'a egui::TextureHandle> {
    (1..=STAND_INS).find_map(|times| {
        let step = step.0.checked_shl(times)?;
        ctx.news.thumb(film, Time(at.0.div_euclid(step) * step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_of_one_series() {
        let second = Time::from_secs_f64(1.0);
        assert_eq!(distance(Time(1)), FINEST);
        assert_eq!(distance(second), second);
        assert_eq!(distance(Time::from_secs_f64(3.9)), Time::from_secs_f64(2.0));
        assert!(distance(Time::MAX).0 > 0);
    }
}
