//! The sound of a file at the rate and channel count one wants, each sample at its place.

use crate::error::MediaError;
use crate::known;
use crate::placed_sound::PlacedSound;
use crate::probe::{self, AudioInfo};
use crate::resample::Resampler;
use crate::video_reader::ReadOptions;
use lipsmith_base::{Audio, Time};
use std::path::Path;

/// Streams sound as blocks of interleaved samples. Sample 0 sounds when the film's first picture appears; what
/// the file has before that is cut, and where it has nothing there is silence.
pub struct AudioReader {
    info: AudioInfo,
    rate: u32,
    sound: PlacedSound,
    /// `None` at the file's own rate.
    resampler: Option<Resampler>,
    /// Sample frames already handed out.
    position: i64,
    /// Resampled: what of the sound later samples need, its first frame, and whether nothing comes behind it.
    heard: Vec<f32>,
    first: i64,
    ended: bool,
}

impl AudioReader {
    /// Resamples to `rate` (8,000 to 192,000) and mixes to `channels` (the file's own if `None`).
    ///
    /// # Errors
    /// Any [`MediaError`] about reading; [`MediaError::NoSound`] for a silent film or a still.
    pub fn open(
        path: &Path,
        rate: u32,
        channels: Option<u16>,
        options: &ReadOptions,
    ) -> Result<AudioReader, MediaError> {
        let file = path.to_path_buf();
        if !(8_000..=192_000).contains(&rate) || channels == Some(0) {
            let problem = format!("sound cannot be read at {rate} Hz with {channels:?} channels");
            return Err(MediaError::Misuse { file, problem });
        }
        let scan = known::scan(path, options.patience, &options.cancel)?;
        let Some(info) = probe::audio_info(path, &scan, options)? else {
            return Err(MediaError::NoSound { file });
        };
        let channels = channels.unwrap_or(info.channels);
        let sound = PlacedSound::open(path, &scan, &info, channels, options)?;
        let resampler = Resampler::new(info.rate, rate);
        let (position, heard, first, ended) = (0, Vec::new(), 0, false);
        Ok(AudioReader { info, rate, sound, resampler, position, heard, first, ended })
    }

    /// The sound as it is in the file.
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    pub fn channels(&self) -> u16 {
        self.sound.channels
    }

    /// Whether [`AudioReader::seek`] is quick; otherwise the file is read from its start each time.
    pub fn seekable(&self) -> bool {
        self.sound.seekable
    }

    /// Gaps that were filled with silence.
    pub fn notes(&self) -> &[String] {
        &self.sound.notes
    }

    /// Place of the next sample, counted from the first picture.
    pub fn position(&self) -> u64 {
        self.position.unsigned_abs()
    }

    /// The next block, at most a second; `None` at the end.
    ///
    /// # Errors
    /// [`MediaError::Damaged`], [`MediaError::Stalled`], [`MediaError::Cancelled`].
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator over results would hide that seek moves it"
    )]
    pub fn next(&mut self) -> Result<Option<Audio>, MediaError> {
        let Some(samples) = self.next_samples()? else { return Ok(None) };
        let block = Audio { rate: self.rate, channels: self.channels(), samples };
        self.position += block.frames() as i64;
        Ok(Some(block))
    }

    fn next_samples(&mut self) -> Result<Option<Vec<f32>>, MediaError> {
        let Some(resampler) = &self.resampler else { return self.sound.next() };
        let channels = usize::from(self.sound.channels);
        loop {
            let heard = self.first + (self.heard.len() / channels) as i64;
            let made = resampler.made_of(heard, self.ended).min(self.position + i64::from(self.rate));
            if made > self.position {
                let samples = resampler.samples(&self.heard, self.first, channels, self.position..made);
                let done = (resampler.first_of(made) - self.first).clamp(0, heard - self.first);
                self.heard.drain(..done as usize * channels);
                self.first += done;
                return Ok(Some(samples));
            }
            if self.ended {
                return Ok(None);
            }
            match self.sound.next()? {
                Some(samples) => self.heard.extend(samples),
                None => self.ended = true,
            }
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`AudioReader::next`].
    pub fn read_all(mut self) -> Result<Audio, MediaError> {
        let mut all = Audio { rate: self.rate, channels: self.channels(), samples: Vec::new() };
        while let Some(block) = self.next()? {
            all.samples.extend_from_slice(&block.samples);
        }
        Ok(all)
    }

    /// Makes the sample at `time` the next one: of sound that was kept whole the very one that reading from the start gives.
    /// Matroska rounds its times to milliseconds, and so its samples' places.
    ///
    /// # Errors
    /// As [`AudioReader::next`].
    pub fn seek(&mut self, time: Time) -> Result<(), MediaError> {
        self.position = time.round_units(i64::from(self.rate)).max(0);
        let Some(resampler) = &self.resampler else { return self.sound.seek(self.position) };
        let channels = usize::from(self.sound.channels);
        let first = resampler.first_of(self.position).max(0);
        match usize::try_from(first - self.first).ok().filter(|past| past * channels <= self.heard.len()) {
            Some(past) => drop(self.heard.drain(..past * channels)),
            None => {
                self.sound.seek(first)?;
                (self.heard, self.ended) = (Vec::new(), false);
            }
        }
        self.first = first;
        Ok(())
    }
}
