//! progress and cancelling. No I/O, no threads, no codecs, no networks.

pub mod audio;
pub mod digest;
pub mod geom;
pub mod picture;
pub mod progress;
pub mod random;
pub mod rgb;
pub mod time;
pub mod timecode;
mod vectorised;

pub use audio::Audio;
pub use digest::Digest;
pub use geom::{Affine, Point, Rect};
pub use picture::{Chroma, ColourSpec, Matrix, Picture, PixelFormat, Plane};
pub use progress::{Cancel, Cancelled, Progress, Sink};
pub use random::Random;
pub use rgb::Rgb;
pub use time::{FrameRate, Time, TimeRange};
pub use timecode::Timecode;
