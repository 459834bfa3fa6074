//! The published networks in Candle, under their checkpoints' own names, and what feeds them.

pub mod blocks;
pub mod error;

pub use error::{NetsError, Result};
