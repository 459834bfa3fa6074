//! The embedded default: the actor's own mouths, put in a new order. After Video Rewrite (Bregler, Covell,
//! Slaney 1997): the footage is an index from sound to mouth pictures; the new voice is spelt with them so that
//! sound, head and neighbours fit, and each mouth is laid on the film's face. No weights are needed.

mod align;
mod desire;
mod render;
mod search;
mod select;
#[cfg(test)]
mod tests;
mod units;

use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::blend::Mask;
use crate::error::LipsyncError;
use crate::face::Face;
use lipsmith_base::Cancel;
use rayon::prelude::*;
use select::Mix;
use std::ops::Range;
use units::Unit;

/// The recipe with what it chose for its line.
pub struct Rewrite {
    mask: Mask,
    units: Vec<Unit>,
    mixes: Vec<Mix>,
    /// Planned pictures: unit, in the plan's order.
    planned: Vec<usize>,
}

impl Default for Rewrite {
    fn default() -> Rewrite {
        Rewrite::new(Mask::usual(render::usual_feather()))
    }
}

impl Rewrite {
    /// The mask's feather is kept within 0.05 and 0.3.
    pub fn new(mask: Mask) -> Rewrite {
        Rewrite {
            mask: Mask { feather: mask.feather.clamp(0.05, 0.3), ..mask },
            units: Vec::new(),
            mixes: Vec::new(),
            planned: Vec::new(),
        }
    }
}

impl Recipe for Rewrite {
    fn plan(&mut self, line: &Line, cancel: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        self.units = units::collect(line.footage);
        if self.units.is_empty() {
            return Err(LipsyncError::Unfit(
                "rewrite has no picture of the actor's face to take mouths from: widen the range or add footage \
                 of the same actor"
                    .into(),
            ));
        }
        if self.units.iter().all(|unit| unit.state.is_none() && !unit.audible) {
            return Err(LipsyncError::Unfit(
                "the actor's footage has neither sound nor face landmarks, so nothing tells one mouth from \
                 another: install the face mesh or add footage with sound"
                    .into(),
            ));
        }
        self.mixes = select::select(line, &self.units, cancel)?;
        self.planned = self.mixes.iter().flatten().filter_map(|share| share.unit).collect();
        self.planned.sort_unstable();
        self.planned.dedup();
        let pictures = self.planned.iter().filter_map(|&unit| {
            let unit = &self.units[unit];
            Some((unit.source, render::crop(source_face(line, unit.source)?)))
        });
        Ok(pictures.collect())
    }

    fn looks_at(&self, frames: Range<usize>) -> Option<Vec<usize>> {
        let mixes = self.mixes.iter().skip(frames.start).take(frames.len());
        let units = mixes.flatten().filter_map(|share| share.unit);
        Some(units.filter_map(|unit| self.planned.binary_search(&unit).ok()).collect())
    }

    fn crop(&self, _frame: usize, face: &Face) -> Crop {
        render::crop(face)
    }

    fn render(
        &mut self,
        line: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError> {
        let patches = targets.par_iter().map(|target| {
            cancel.check()?;
            let (mouths, own) = self.mouths(line, target.frame, sources)?;
            if mouths.is_empty() {
                return Ok(None);
            }
            Ok(render::patch(&target.image, target.face, target.crop, &mouths, own, &self.mask))
        });
        patches.collect()
    }
}

impl Rewrite {
    /// The mouths of a frame with their shares, and the share of the frame's own.
    fn mouths<'a>(
        &self,
        line: &'a Line,
        frame: usize,
        sources: &dyn SourceImages,
    ) -> Result<(Vec<(render::Mouth<'a>, f32)>, f32), LipsyncError> {
        let (mut mouths, mut own) = (Vec::new(), 0.0);
        for share in self.mixes.get(frame).map_or(&[][..], Vec::as_slice) {
            let Some(unit) = share.unit else {
                own += share.weight;
                continue;
            };
            let source = self.units[unit].source;
            if let (Ok(index), Some(face)) = (self.planned.binary_search(&unit), source_face(line, source)) {
                let image = sources.image(index)?;
                mouths.push((render::Mouth { image, face, crop: render::crop(face) }, share.weight));
            }
        }
        Ok((mouths, own))
    }
}

fn source_face<'a>(line: &'a Line, source: Source) -> Option<&'a Face> {
    line.footage.get(source.footage)?.faces.get(source.frame)?.as_ref()
}
