//! Lines of dialogue as blocks, each with its render bar above, and the takes of the selected line below each other.

use super::hit::{Ground, cue_rect};
use super::layout::{BAR, Row};
use super::lines::States;
use super::paint::{self, Pattern};
use crate::window::ctx::Ctx;
use crate::window::status::{self, LineState};
use crate::window::sync::InSync;
use egui::{Color32, Mesh, Painter, Rect, Stroke, StrokeKind, pos2};
use lipsmith_project::{CueId, TakeId};

/// Narrower lines are drawn as render bars only.
const THIN: f32 = 3.0;
const WORDY: f32 = 26.0;
/// Height of the strip that shows how well a line is in sync, and the fit that fills it.
const STRIP: f32 = 7.0;
const FULL: f32 = 0.45;

pub fn show(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, states: &mut States) {
    let painter = painter.with_clip_rect(ground.layout.lanes);
    let mut thin = Mesh::default();
    for line in ground.lines.within(ground.axis.visible()) {
        let rect = cue_rect(ground.rect(row, line.range), line.row);
        let colour = states.of(ctx, line.id).map_or(ctx.theme.edge, |state| look(ctx, state).1);
        if rect.width() < THIN {
            let rect = rect.with_max_x(rect.right().max(rect.left() + 1.0));
            thin.add_colored_rect(rect.with_max_y(rect.top() + BAR), colour);
            thin.add_colored_rect(rect.with_min_y(rect.top() + BAR + 1.0), ctx.theme.cue);
            continue;
        }
        block(&painter, ctx, line.id, rect, states);
    }
    painter.add(thin);
}

fn block(painter: &Painter, ctx: &Ctx, id: CueId, rect: Rect, states: &mut States) {
    let Some(cue) = ctx.project.cues.get(&id) else { return };
    let body = rect.with_min_y(rect.top() + BAR + 1.0);
    painter.rect_filled(body.intersect(painter.clip_rect().expand(2.0)), 2.0, ctx.theme.cue);
    let person = cue.character.and_then(|id| ctx.project.characters.get(&id));
    if let Some(person) = person {
        let side = body.with_max_x((body.left() + 4.0).min(body.right()));
        painter.rect_filled(side, 0.0, ctx.theme.person(person.colour));
    }
    let state = states.of(ctx, id);
    if let Some(state) = state {
        bar(painter, ctx, rect.with_max_y(rect.top() + BAR), state);
    }
    if rect.width() >= WORDY {
        let sign = state.map_or("", LineState::sign);
        let name = person.map_or(String::new(), |person| format!("{}: ", person.name));
        let at = pos2(body.left().max(painter.clip_rect().left()) + 7.0, body.top() + 3.0);
        let words = format!("{sign} {name}{}", cue.text);
        paint::text(painter, body, at, &words, 11.0, ctx.theme.text);
    }
    if rect.width() >= WORDY {
        strip(painter, ctx, id, body);
    }
    let selected = ctx.session.selection.cues.contains(&id);
    let (width, line) = if selected { (2.0, ctx.theme.selection) } else { (1.0, ctx.theme.ground) };
    painter.rect_stroke(body, 2.0, Stroke::new(width, line), StrokeKind::Inside);
}

/// How well each stretch of a judged line is in sync: by the height of its bar, by its pattern, and by colour.
fn strip(painter: &Painter, ctx: &Ctx, id: CueId, body: Rect) {
    let (Some(cue), Some((score, fresh))) = (ctx.project.cues.get(&id), ctx.news.score(ctx.project, id))
    else {
        return;
    };
    let strip = body.with_min_y(body.bottom() - STRIP);
    painter.rect_filled(strip.intersect(painter.clip_rect()), 0.0, ctx.theme.ground);
    let seconds = cue.range.duration().secs_f64();
    let x = |at: lipsmith_base::Time| {
        strip.left() + strip.width() * (at.secs_f64() / seconds).clamp(0.0, 1.0) as f32
    };
    for fit in &score.fits {
        let (pattern, colour) = match InSync::of(fit.fit) {
            _ if !fresh => (Pattern::Outline, ctx.theme.faint),
            InSync::Well => (Pattern::Solid, ctx.theme.success),
            InSync::Roughly => (Pattern::Hatch, ctx.theme.warning),
            InSync::Not => (Pattern::Cross, ctx.theme.failure),
        };
        // What is well in sync fills two thirds and more; nothing is lower than can be seen.
        let height = STRIP * (fit.fit / FULL).clamp(0.25, 1.0);
        let across = x(fit.range.start())..=x(fit.range.end());
        paint::fill(
            painter,
            Rect::from_x_y_ranges(across, strip.bottom() - height..=strip.bottom()),
            pattern,
            colour,
        );
    }
}

/// The pattern alone tells the states apart; the colour helps.
fn look(ctx: &Ctx, state: &LineState) -> (Pattern, Color32) {
    let theme = ctx.theme;
    match state {
        LineState::Rendered => (Pattern::Solid, theme.success),
        LineState::Draft => (Pattern::Dashes, theme.draft),
        LineState::Stale => (Pattern::Hatch, theme.stale),
        LineState::Lost => (Pattern::Dots, theme.warning),
        LineState::Failed(_) => (Pattern::Cross, theme.failure),
        LineState::Empty => (Pattern::Outline, theme.failure),
        LineState::Waiting => (Pattern::Outline, theme.accent),
        LineState::Rendering(_) => (Pattern::Solid, theme.accent),
        LineState::Excluded => (Pattern::Hatch, theme.excluded),
    }
}

fn bar(painter: &Painter, ctx: &Ctx, rect: Rect, state: &LineState) {
    let (pattern, colour) = look(ctx, state);
    if let LineState::Rendering(share) = state {
        let done = rect.with_max_x(rect.left() + rect.width() * share.clamp(0.0, 1.0));
        paint::fill(painter, done, Pattern::Solid, colour);
        paint::fill(painter, rect, Pattern::Outline, colour);
    } else {
        paint::fill(painter, rect, pattern, colour);
    }
}

/// A take's lane: where the line shows it, it is filled.
pub fn take(painter: &Painter, ctx: &Ctx, ground: &Ground, row: &Row, id: CueId, take_id: TakeId) {
    let Some(cue) = ctx.project.cues.get(&id) else { return };
    let Some(take) = cue.takes.get(&take_id) else { return };
    let painter = painter.with_clip_rect(ground.layout.lanes);
    let whole = ground.rect(row, cue.rendered());
    painter.rect_filled(whole, 2.0, ctx.theme.raised);
    let shown = ctx.theme.accent.gamma_multiply(0.6);
    if cue.chosen == Some(take_id) {
        painter.rect_filled(ground.rect(row, cue.rendered()), 2.0, shown);
        let elsewhere = cue.comp.iter().filter(|span| span.take != take_id);
        for span in elsewhere {
            let rect = ground.rect(row, span.range.shifted(cue.range.start()));
            painter.rect_filled(rect, 0.0, ctx.theme.raised);
        }
    }
    for span in cue.comp.iter().filter(|span| span.take == take_id) {
        let rect = ground.rect(row, span.range.shifted(cue.range.start()));
        painter.rect_filled(rect, 2.0, shown);
    }
    if !status::take_is_whole(take, ctx.news) {
        paint::fill(&painter, whole, Pattern::Outline, ctx.theme.warning);
    }
    let at = pos2(whole.left().max(painter.clip_rect().left()) + 5.0, whole.top() + 2.0);
    let stars = "★".repeat(usize::from(take.rating));
    paint::text(&painter, whole, at, &format!("{} {stars}", take.name), 10.5, ctx.theme.text);
}
