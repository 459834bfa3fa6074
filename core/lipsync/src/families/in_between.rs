//! Every second frame painted, those between from their neighbours: DiffTalk's interpolation of frames as an afterwork for
//! any family that paints frames one by one, in half the time. What a mouth does within one frame (the closing of a p) is lost
//! where that frame is not painted.

use super::{Crop, Line, Patch, Recipe, Source, SourceImages, Target};
use crate::between::between;
use crate::blend::Matte;
use crate::error::LipsyncError;
use crate::face::Face;
use lipsmith_base::{Affine, Cancel, Rgb};
use std::ops::Range;

pub struct InBetween(pub Box<dyn Recipe>);

impl Recipe for InBetween {
    fn plan(&mut self, line: &Line, cancel: &Cancel) -> Result<Vec<(Source, Crop)>, LipsyncError> {
        self.0.plan(line, cancel)
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
        let key = keys(&targets.iter().map(|target| target.frame).collect::<Vec<_>>());
        let painted: Vec<Target> =
            targets.iter().zip(&key).filter(|(_, key)| **key).map(|(target, _)| target.clone()).collect();
        let mut made = self.0.render(line, &painted, sources, cancel)?.into_iter();
        let mut patches: Vec<Option<Patch>> =
            key.iter().map(|key| if *key { made.next().flatten() } else { None }).collect();
        for at in (0..targets.len()).filter(|&at| !key[at]) {
            cancel.check()?;
            let beside = patches[at - 1].as_ref().zip(patches[at + 1].as_ref());
            // Where a neighbour was left as it is, so is this one.
            patches[at] = beside.and_then(|(before, after)| {
                let image = between(&before.image, &after.image);
                laid(image, before, &targets[at - 1].crop, &targets[at].crop)
            });
        }
        Ok(patches)
    }
}

/// Which of these frames are painted: of those in a row every second, and the last.
fn keys(frames: &[usize]) -> Vec<bool> {
    let follows = |at: usize| at > 0 && frames[at] == frames[at - 1] + 1;
    let mut run = 0;
    (0..frames.len())
        .map(|at| {
            run = if follows(at) { run + 1 } else { 0 };
            let last = at + 1 == frames.len() || !follows(at + 1);
            run % 2 == 0 || last
        })
        .collect()
}

/// A picture laid over the face of one frame as a patch lies over that of another.
fn laid(image: Rgb, patch: &Patch, from: &Crop, to: &Crop) -> Option<Patch> {
    let there: Affine = from.map.inverse()?.then(to.map);
    let matte = match &patch.matte {
        Matte::Whole => Matte::Whole,
        Matte::Polygon { outline, feather } => Matte::Polygon {
            outline: outline.iter().map(|&p| there.apply(p)).collect(),
            feather: feather * there.scale(),
        },
    };
    Some(Patch { image, map: patch.map.then(there), matte })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_of_a_row_is_painted_and_both_its_ends() {
        let painted = |frames: &[usize]| -> Vec<usize> {
            frames.iter().zip(keys(frames)).filter(|(_, key)| *key).map(|(frame, _)| *frame).collect()
        };
        assert_eq!(painted(&[4, 5, 6, 7, 8]), [4, 6, 8]);
        assert_eq!(painted(&[4, 5, 6, 7]), [4, 6, 7]);
        // A frame without a face parts the rows.
        assert_eq!(painted(&[0, 1, 2, 4, 5, 9]), [0, 2, 4, 5, 9]);
        assert_eq!(painted(&[]), [] as [usize; 0]);
    }
}
