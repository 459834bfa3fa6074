//! A procedural talking presenter with known truth: a head modelled as a distance field, a voice whose phonemes
//! have times, and mouth shapes that follow them. Its films need no actor and no licence; the sample film is one,
//! and training sets grow from it by [`Look::random`].
//!
//! [`speak`] makes sound and phonemes, [`Film`] makes pictures and truth from them. A [`Sitting`] is a film of
//! somebody random, of which only the face's window is rendered, at a fraction of the cost.

mod bake;
mod close_up;
mod dress;
mod film;
mod flite;
mod head;
mod lens;
mod look;
pub(crate) mod math;
mod mouth;
mod render;
mod room;
mod sitting;
mod skin;
mod visemes;
mod voice;
mod words;

pub use film::{Film, Frame, Shot, Truth};
pub use look::{Glasses, Look};
pub use sitting::{Portrait, SOUND_RATE, Sitting};
pub use visemes::{MouthTrack, Viseme};
pub use voice::{Phoneme, Speech, Voice, speak};

/// How head, eyes and face are held, the mouth's speech aside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Radians: to the picture's right, down, and counter-clockwise.
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
    /// Shift of the head to the picture's right and up, centimetres.
    pub sway: [f32; 2],
    /// The eyes' turn in the head to the picture's right and up, radians.
    pub gaze: [f32; 2],
    /// 1 is shut.
    pub blink: f32,
    /// Brows raised, -1..=1.
    pub brows: f32,
    /// 0..=1.
    pub smile: f32,
}
