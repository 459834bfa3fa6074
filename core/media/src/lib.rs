//! Films and sound in and out, by GStreamer. No GStreamer type leaves this crate.
//!
//! Time 0 of a film is its first picture; sound is placed against that, whatever the container's own clock
//! says. Pictures come out in the film's own samples, in presentation order, upright.

mod audio_output;
mod audio_reader;
mod decode;
mod error;
mod known;
mod ledger;
mod mp4;
mod orientation;
mod pipeline;
mod pixels;
mod placed_sound;
mod probe;
mod profile;
mod resample;
mod scan;
mod shelf;
mod spared;
pub mod synthetic;
mod timing;
mod video_reader;
mod waveform;
mod writer;

pub use audio_output::AudioOutput;
pub use audio_reader::AudioReader;
pub use error::MediaError;
pub use known::keep_scans_on;
pub use probe::{AudioInfo, MediaInfo, VideoInfo, probe, version};
pub use profile::{PROFILES, Profile};
pub use shelf::Shelf;
pub use timing::{FrameTimes, Timing};
pub use video_reader::{Frame, ReadOptions, VideoReader};
pub use waveform::Peaks;
pub use writer::{AudioSpec, MovieWriter, VideoSpec};
