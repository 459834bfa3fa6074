//! THE frame function: what is seen at a frame of the film, on screen and in the export alike.

use crate::error::EngineError;
use crate::take::TakeReader;
use lipsmith_base::Picture;
use lipsmith_lipsync::blend;

/// Film frame `frame`, decoded as `picture`, with every take's patch pasted in.
pub fn frame_at(picture: Picture, frame: u64, takes: &mut [TakeReader]) -> Result<Picture, EngineError> {
    let mut composed = picture;
    for take in takes {
        if let Some(patch) = take.patch(frame)? {
            blend::paste(&mut composed, patch);
        }
    }
    Ok(composed)
}

/// Where [`frame_at`] would paint, white on black, in the film's own format.
pub fn matte_at(picture: &Picture, frame: u64, takes: &mut [TakeReader]) -> Result<Picture, EngineError> {
    let mut patches = Vec::new();
    for take in takes {
        patches.extend(take.patch(frame)?);
    }
    Ok(blend::matte_picture(&patches, picture))
}
