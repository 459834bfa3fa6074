//! The embedded default: the actor's own mouths, put in a new order. After Video Rewrite (Bregler, Covell,
//! Slaney 1997): the footage is an index from sound to mouth pictures; the new voice is spelt with them so that
//! sound, head and neighbours fit, and each mouth is laid on the film's face. No weights are needed.

mod desire;
mod search;
mod select;
#[cfg(test)]
pub(super) mod tests;
mod units;

use super::lay::{self, Mouth};
use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target, advisor};
use crate::blend::Mask;
use crate::error::LipsyncError;
use crate::face::Face;
use lipsmith_base::{Cancel, Rgb};
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
    /// The actor's mouth opens somewhere.
    opens: bool,
}

impl Default for Rewrite {
    fn default() -> Rewrite {
        Rewrite::new(Mask::usual(lay::usual_feather()))
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
            opens: true,
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
        self.opens = advisor::opens(line.footage.iter().flat_map(|stretch| &stretch.faces).flatten());
        self.mixes = select::select(line, &self.units, cancel)?;
        self.planned = self.mixes.iter().flatten().filter_map(|share| share.unit).collect();
        self.planned.sort_unstable();
        self.planned.dedup();
        let pictures = self.planned.iter().filter_map(|&unit| {
            let unit = &self.units[unit];
            Some((unit.source, lay::crop(line.face(unit.source)?)))
        });
        Ok(pictures.collect())
    }

    fn doubt(&self) -> Option<String> {
        let closed = "the actor's mouth never opens in the film, so that rewrite has no open one to show: choose \
                      lipsmith-w, or add footage in which he speaks";
        (!self.opens).then(|| closed.into())
    }

    fn looks_at(&self, frames: Range<usize>) -> Option<Vec<usize>> {
        let mixes = self.mixes.iter().skip(frames.start).take(frames.len());
        let units = mixes.flatten().filter_map(|share| share.unit);
        Some(units.filter_map(|unit| self.planned.binary_search(&unit).ok()).collect())
    }

    fn crop(&self, _frame: usize, face: &Face) -> Crop {
        lay::crop(face)
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
            let (pictures, own) = self.pictures(line, target.frame, sources)?;
            if pictures.is_empty() {
                return Ok(None);
            }
            let mouths = pictures.iter().map(|(image, face, share)| {
                (Mouth { image, face, crop: lay::crop(face), spoken: None }, *share)
            });
            let mouths: Vec<_> = mouths.collect();
            Ok(lay::patch(&target.image, target.face, target.crop, &mouths, own, &self.mask))
        });
        patches.collect()
    }
}

impl Rewrite {
    /// The actor's pictures of which a frame is made with their shares, and the share of the frame's own.
    fn pictures<'a>(
        &self,
        line: &'a Line,
        frame: usize,
        sources: &dyn SourceImages,
    ) -> Result<(Vec<(Rgb, &'a Face, f32)>, f32), LipsyncError> {
        let (mut pictures, mut own) = (Vec::new(), 0.0);
        for share in self.mixes.get(frame).map_or(&[][..], Vec::as_slice) {
            let Some(unit) = share.unit else {
                own += share.weight;
                continue;
            };
            let source = self.units[unit].source;
            if let (Ok(index), Some(face)) = (self.planned.binary_search(&unit), line.face(source)) {
                pictures.push((sources.image(index)?, face, share.weight));
            }
        }
        Ok((pictures, own))
    }
}
