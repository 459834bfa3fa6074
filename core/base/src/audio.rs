//! Blocks of sound.

use crate::time::Time;

/// Interleaved f32 samples, nominally in `[-1, 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audio {
    /// Samples per second and channel; positive.
    pub rate: u32,
    /// Channels; positive.
    pub channels: u16,
    /// `frames() * channels` values.
    pub samples: Vec<f32>,
}

impl Audio {
    pub fn silence(rate: u32, channels: u16, frames: usize) -> Audio {
        Audio { rate, channels, samples: vec![0.0; frames * usize::from(channels)] }
    }

    /// Sample frames: one value per channel each.
    pub fn frames(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    pub fn duration(&self) -> Time {
        Time::from_units(self.frames() as i64, i64::from(self.rate.max(1)))
    }

    /// Mean over the channels.
    pub fn mono(&self) -> Vec<f32> {
        let channels = usize::from(self.channels.max(1));
        self.samples.chunks_exact(channels).map(|frame| frame.iter().sum::<f32>() / channels as f32).collect()
    }
}
