//! Speech as the families hear it: 16 kHz mono.

/// Samples a second of everything in this crate that listens.
pub const SPEECH_RATE: u32 = 16_000;

/// A stretch of speech, 16 kHz mono, nominally in `[-1, 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speech {
    pub samples: Vec<f32>,
}
