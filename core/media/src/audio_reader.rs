//! The sound of a file at the rate and channel count one wants, each sample at its place.

use crate::decode::{Decode, Wanted};
use crate::error::MediaError;
use crate::known;
use crate::pipeline::{make, set};
use crate::probe::{self, AudioInfo};
use crate::video_reader::ReadOptions;
use gstreamer as gst;
use lipsmith_base::{Audio, Time};
use std::path::{Path, PathBuf};

/// Timestamps that stray less than this are rounding, not gaps.
const JITTER_SECONDS: f64 = 0.04;
/// A file that leaves more silence than this between two blocks is broken.
const MAX_GAP_SECONDS: f64 = 24.0 * 3600.0;
/// Decoders and the resampler settle in this time after a seek.
const SETTLE: Time = Time(lipsmith_base::time::FLICKS / 2);
/// Containers in which a seek lands where it should.
const SEEKABLE: [&str; 8] = [
    "video/quicktime",
    "video/x-matroska",
    "video/webm",
    "audio/x-matroska",
    "audio/webm",
    "audio/x-wav",
    "audio/x-flac",
    "audio/x-m4a",
];

/// Streams sound as blocks of interleaved samples. Sample 0 sounds when the film's first picture appears; what
/// the file has before that is cut, and where it has nothing there is silence.
pub struct AudioReader {
    path: PathBuf,
    options: ReadOptions,
    info: AudioInfo,
    rate: u32,
    channels: u16,
    decode: Decode,
    /// Container time of the first picture, ns.
    origin: i64,
    /// Sample frames already handed out.
    position: i64,
    /// Where the decoder stands, once it has said so.
    decoded: Option<i64>,
    /// Sound that waits for silence in front of it to be handed out.
    pending: Option<Audio>,
    seekable: bool,
    counted: bool,
    notes: Vec<String>,
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
        let decode = open_decoder(path, rate, channels, options)?;
        let seekable = !scan.counted() && SEEKABLE.contains(&scan.container.as_str());
        Ok(AudioReader {
            path: file,
            options: options.clone(),
            info,
            rate,
            channels,
            decode,
            origin: scan.origin(),
            position: 0,
            decoded: None,
            pending: None,
            seekable,
            counted: scan.counted(),
            notes: Vec::new(),
        })
    }

    /// The sound as it is in the file.
    pub fn info(&self) -> &AudioInfo {
        &self.info
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Whether [`AudioReader::seek`] is quick; otherwise the file is read from its start each time.
    pub fn seekable(&self) -> bool {
        self.seekable
    }

    /// Gaps that were filled with silence.
    pub fn notes(&self) -> &[String] {
        &self.notes
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
        loop {
            let (start, block) = match self.pending.take() {
                Some(block) => (self.decoded.unwrap_or(self.position) - block.frames() as i64, block),
                None => match self.pull()? {
                    Some(placed) => placed,
                    None => return Ok(None),
                },
            };
            let channels = usize::from(self.channels);
            if start > self.position {
                let silence = (start - self.position).min(i64::from(self.rate));
                self.pending = Some(block);
                self.position += silence;
                return Ok(Some(Audio::silence(self.rate, self.channels, silence as usize)));
            }
            let late = usize::try_from(self.position - start).unwrap_or(usize::MAX);
            if late >= block.frames() {
                continue;
            }
            let samples = if late == 0 { block.samples } else { block.samples[late * channels..].to_vec() };
            let block = Audio { samples, ..block };
            self.position += block.frames() as i64;
            return Ok(Some(block));
        }
    }

    /// All that is left.
    ///
    /// # Errors
    /// As [`AudioReader::next`].
    pub fn read_all(mut self) -> Result<Audio, MediaError> {
        let mut all = Audio { rate: self.rate, channels: self.channels, samples: Vec::new() };
        while let Some(block) = self.next()? {
            all.samples.extend_from_slice(&block.samples);
        }
        Ok(all)
    }

    /// Makes the sample at `time` the next one. Resampled sound after a seek may lie up to half a sample off the
    /// same sound read from the start.
    ///
    /// # Errors
    /// As [`AudioReader::next`].
    pub fn seek(&mut self, time: Time) -> Result<(), MediaError> {
        let target = time.round_units(i64::from(self.rate)).max(0);
        let ahead = target - self.position;
        if (0..i64::from(self.rate)).contains(&ahead) {
            self.position = target;
            return Ok(());
        }
        let start = Time::from_units(target, i64::from(self.rate)) - SETTLE;
        if self.seekable && start > self.info.start {
            // To a sample of the file's own.
            let native = i64::from(self.info.rate);
            let sample = (start - self.info.start).floor_units(native);
            let start = self.info.start + Time::from_units(sample, native);
            self.decode.seek(start.nanos().saturating_add(self.origin))?;
        } else {
            self.decode = open_decoder(&self.path, self.rate, self.channels, &self.options)?;
        }
        (self.position, self.decoded, self.pending) = (target, None, None);
        Ok(())
    }

    /// The decoder's next block and the place of its first sample.
    fn pull(&mut self) -> Result<Option<(i64, Audio)>, MediaError> {
        loop {
            let Some(sample) = self.decode.pull()? else { return Ok(None) };
            let Some(block) = self.block(&sample) else { continue };
            let start = self.place(&sample)?;
            self.decoded = Some(start + block.frames() as i64);
            return Ok(Some((start, block)));
        }
    }

    fn place(&mut self, sample: &gst::Sample) -> Result<i64, MediaError> {
        let rate = f64::from(self.rate);
        let told = self.decode.time_of(sample).map(|nanos| {
            Time::from_nanos(nanos.saturating_sub(self.origin)).round_units(i64::from(self.rate))
        });
        let (Some(told), Some(expected)) = (told, self.decoded) else {
            return Ok(told.or(self.decoded).unwrap_or(0));
        };
        let gap = (told - expected) as f64 / rate;
        if self.counted || gap.abs() < JITTER_SECONDS {
            return Ok(expected);
        }
        if gap > MAX_GAP_SECONDS {
            let cause = format!("its sound stops for {:.0} hours", gap / 3600.0);
            return Err(MediaError::Damaged { file: self.path.clone(), cause });
        }
        let at = Time::from_units(expected, i64::from(self.rate));
        let what = if gap > 0.0 { "is missing and was filled with silence" } else { "overlaps and was cut" };
        self.notes.push(format!("at {at}, {:.3} s of sound {what}", gap.abs()));
        Ok(told)
    }

    fn block(&self, sample: &gst::Sample) -> Option<Audio> {
        let map = sample.buffer()?.map_readable().ok()?;
        let samples: Vec<f32> =
            map.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let whole = samples.len().is_multiple_of(usize::from(self.channels)) && !samples.is_empty();
        whole.then_some(Audio { rate: self.rate, channels: self.channels, samples })
    }
}

fn open_decoder(path: &Path, rate: u32, channels: u16, options: &ReadOptions) -> Result<Decode, MediaError> {
    let convert = make("audioconvert")?;
    let resample = make("audioresample")?;
    set(&resample, "quality", "10")?;
    let caps = gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", i32::try_from(rate).unwrap_or(i32::MAX))
        .field("channels", i32::from(channels))
        .build();
    Decode::open(path, Wanted::Audio, &[convert, resample], &caps, options)
}
