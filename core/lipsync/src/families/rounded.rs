//! Any family at half precision, where the processor is quicker so: a draft's networks.

use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::error::LipsyncError;
use crate::face::Face;
use lipsmith_base::Cancel;
use lipsmith_nets::ops::Precision;
use std::ops::Range;

pub struct Rounded(pub Box<dyn Recipe>);

impl Recipe for Rounded {
    fn plan(&mut self, line: &Line, cancel: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        Precision::Half.within(|| self.0.plan(line, cancel))
    }

    fn doubt(&self) -> Option<String> {
        self.0.doubt()
    }

    fn looks_at(&self, frames: Range<usize>) -> Option<Vec<usize>> {
        self.0.looks_at(frames)
    }

    fn crop(&self, frame: usize, face: &Face) -> Crop {
        self.0.crop(frame, face)
    }

    fn render(
        &mut self,
        line: &Line,
        targets: &[Target],
        sources: &dyn SourceImages,
        cancel: &Cancel,
    ) -> Result<Vec<Option<Patch>>, LipsyncError> {
        Precision::Half.within(|| self.0.render(line, targets, sources, cancel))
    }
}
