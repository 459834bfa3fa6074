//! THE frame function: what is seen at a frame of the film, on screen and in the export alike.

use crate::error::EngineError;
use crate::take::TakeReader;
use lipsmith_base::Picture;
use lipsmith_lipsync::blend;
use lipsmith_lipsync::families::Patch;

/// What the takes lay over film frame `frame`, in their order.
pub fn patches_at(frame: u64, takes: &mut [TakeReader]) -> Result<Vec<Patch>, EngineError> {
    let patches =
        takes.iter_mut().filter_map(|take| take.patch(frame).map(|patch| patch.cloned()).transpose());
    patches.collect()
}

/// A film frame, decoded as `picture`, with `patches` laid over it.
pub fn frame_at(picture: Picture, patches: &[Patch]) -> Picture {
    let mut composed = picture;
    patches.iter().for_each(|patch| blend::paste(&mut composed, patch));
    composed
}

/// Where [`frame_at`] paints, white on black, in the film's own format.
pub fn matte_at(picture: &Picture, patches: &[Patch]) -> Picture {
    blend::matte_picture(&patches.iter().collect::<Vec<_>>(), picture)
}
