//! Laying a patch over a picture so that nobody sees where it begins.

use lipsmith_base::Point;

/// Where a patch covers the picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Matte {
    /// The whole patch, hard edge: what the published inference scripts do.
    Whole,
    /// Inside `outline` (film pixels, closed polygon), fading over `feather` film pixels inwards.
    Polygon { outline: Vec<Point>, feather: f32 },
}
