//! The sound of a file at its own rate, each sample at its place: cut, filled and sought to the sample.

use crate::decode::{Decode, Wanted};
use crate::error::MediaError;
use crate::pipeline::{make, set, sound_caps};
use crate::probe::AudioInfo;
use crate::scan::Scan;
use crate::video_reader::ReadOptions;
use gstreamer as gst;
use lipsmith_base::Time;
use std::path::{Path, PathBuf};

/// Timestamps that stray less than this are rounding, not gaps.
const JITTER_SECONDS: f64 = 0.04;
/// A file that leaves more silence than this between two blocks is broken.
const MAX_GAP_SECONDS: f64 = 24.0 * 3600.0;
/// Decoders settle in this time after a seek.
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

/// Sample frame 0 sounds when the film's first picture appears, whatever the file has before that.
pub(crate) struct PlacedSound {
    path: PathBuf,
    options: ReadOptions,
    pub channels: u16,
    /// Gaps that were filled with silence.
    pub notes: Vec<String>,
    /// Whether a seek is quick.
    pub seekable: bool,
    rate: u32,
    /// Where the file's sound begins.
    start: Time,
    decode: Decode,
    /// Container time of the first picture, ns.
    origin: i64,
    /// Sample frames already handed out.
    position: i64,
    /// Where the decoder stands, once it has said so.
    decoded: Option<i64>,
    /// Samples that wait for silence in front of them to be handed out.
    pending: Option<Vec<f32>>,
    counted: bool,
}

impl PlacedSound {
    pub fn open(
        path: &Path,
        scan: &Scan,
        info: &AudioInfo,
        channels: u16,
        options: &ReadOptions,
    ) -> Result<PlacedSound, MediaError> {
        Ok(PlacedSound {
            path: path.to_path_buf(),
            options: options.clone(),
            channels,
            notes: Vec::new(),
            seekable: !scan.counted() && SEEKABLE.contains(&scan.container.as_str()),
            rate: info.rate,
            start: info.start,
            decode: open_decoder(path, info.rate, channels, options)?,
            origin: scan.origin(),
            position: 0,
            decoded: None,
            pending: None,
            counted: scan.counted(),
        })
    }

    /// The next samples, at most a second of silence; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Vec<f32>>, MediaError> {
        let channels = usize::from(self.channels);
        loop {
            let (start, block) = match self.pending.take() {
                Some(block) => (self.decoded.unwrap_or(self.position) - self.frames(&block), block),
                None => match self.pull()? {
                    Some(placed) => placed,
                    None => return Ok(None),
                },
            };
            if start > self.position {
                let silence = (start - self.position).min(i64::from(self.rate));
                self.pending = Some(block);
                self.position += silence;
                return Ok(Some(vec![0.0; silence as usize * channels]));
            }
            let late = self.position - start;
            if late >= self.frames(&block) {
                continue;
            }
            let samples = if late == 0 { block } else { block[late as usize * channels..].to_vec() };
            self.position += self.frames(&samples);
            return Ok(Some(samples));
        }
    }

    /// Makes sample frame `target` the next one.
    pub fn seek(&mut self, target: i64) -> Result<(), MediaError> {
        let ahead = target - self.position;
        if (0..i64::from(self.rate)).contains(&ahead) {
            self.position = target;
            return Ok(());
        }
        let rate = i64::from(self.rate);
        let start = Time::from_units(target, rate) - SETTLE;
        if self.seekable && start > self.start {
            // To a sample of the file's own, and to the nanosecond behind its beginning: the one before is the sample before it.
            let start = self.start + Time::from_units((start - self.start).floor_units(rate), rate);
            self.decode.seek(start.nanos().saturating_add(self.origin + 1))?;
        } else {
            self.decode = open_decoder(&self.path, self.rate, self.channels, &self.options)?;
        }
        (self.position, self.decoded, self.pending) = (target, None, None);
        Ok(())
    }

    /// The decoder's next block and the place of its first sample.
    fn pull(&mut self) -> Result<Option<(i64, Vec<f32>)>, MediaError> {
        loop {
            let Some(sample) = self.decode.pull()? else { return Ok(None) };
            let Some(block) = self.block(&sample) else { continue };
            let start = self.place(&sample)?;
            self.decoded = Some(start + self.frames(&block));
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

    fn block(&self, sample: &gst::Sample) -> Option<Vec<f32>> {
        let map = sample.buffer()?.map_readable().ok()?;
        let samples: Vec<f32> =
            map.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let whole = samples.len().is_multiple_of(usize::from(self.channels)) && !samples.is_empty();
        whole.then_some(samples)
    }

    fn frames(&self, samples: &[f32]) -> i64 {
        (samples.len() / usize::from(self.channels)) as i64
    }
}

fn open_decoder(path: &Path, rate: u32, channels: u16, options: &ReadOptions) -> Result<Decode, MediaError> {
    let convert = make("audioconvert")?;
    // Idle unless the decoder gives another rate than the container says.
    let resample = make("audioresample")?;
    set(&resample, "quality", "10")?;
    let caps = sound_caps(rate, channels);
    Decode::open(path, Wanted::Audio, &[convert, resample], &caps, options)
}
