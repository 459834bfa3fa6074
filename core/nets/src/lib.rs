//! The published networks in Candle, under their checkpoints' own names, and what feeds them.

pub mod blocks;
pub mod checkpoint;
pub mod device;
pub mod diff2lip;
pub mod difftalk;
pub mod diffused_heads;
pub mod disc_qual;
pub mod error;
pub mod inception;
pub mod lpips;
pub mod mel;
pub mod mfcc;
pub mod ops;
pub mod procedural;
pub mod s3fd;
pub mod sched;
pub mod sound_gru;
pub mod syncnet_color;
pub mod syncnet_v2;
pub mod tflite;
pub mod transformer;
pub mod unet;
pub mod vq;
pub mod wav2lip;
pub mod zoo;

pub use error::{NetsError, Result};
