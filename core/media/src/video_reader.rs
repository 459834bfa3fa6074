//! The pictures of a film one after the other, from any place, each with its exact number and time.

use crate::decode::{Decode, Wanted};
use crate::error::MediaError;
use crate::known;
use crate::orientation::Orientation;
use crate::pipeline::{make, set};
use crate::probe::{self, MediaInfo};
use crate::scan::{self, Scan};
use crate::timing::FrameTimes;
use crate::{VideoInfo, pixels};
use gstreamer_video as gst_video;
use lipsmith_base::{Cancel, Picture, Time};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How reading may be interrupted.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    pub cancel: Cancel,
    /// A file that gives nothing for so long is given up.
    pub patience: Duration,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { cancel: Cancel::new(), patience: Duration::from_secs(30) }
    }
}

/// One picture of a film.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Counted from the film's first picture.
    pub index: u64,
    /// When it appears; the first picture at 0.
    pub pts: Time,
    /// How long it is shown; 0 for a still.
    pub duration: Time,
    pub picture: Picture,
}

/// Skipping so many pictures forward is quicker than a seek.
const NEAR: u64 = 16;

/// Streams pictures in presentation order, upright, in the film's own samples. At most a handful of pictures
/// are held; dropping the reader stops its threads.
///
/// Interlaced pictures come with both fields woven ([`VideoInfo::interlaced`] says so); transparency is left
/// out; the pixel aspect is reported, not applied.
pub struct VideoReader {
    path: PathBuf,
    options: ReadOptions,
    info: MediaInfo,
    video: VideoInfo,
    /// Container time of each picture; empty when pictures are counted instead.
    shown: Arc<[i64]>,
    /// Of these, the pictures from which decoding can begin.
    keys: Arc<[i64]>,
    orientation: Orientation,
    codec: String,
    decode: Decode,
    /// Number of the next picture out of the decoder, when counted.
    counter: u64,
    /// The picture that [`VideoReader::next`] owes.
    wanted: u64,
    /// Pictures before this one may be missing.
    passed: u64,
    /// A seek has just been made: the decoder's first picture shows whether it landed.
    sought: bool,
    /// The same after a seek to a key picture: whichever comes is the wanted one.
    anywhere: bool,
    notes: Vec<String>,
}

impl VideoReader {
    /// # Errors
    /// Any [`MediaError`] about reading; [`MediaError::NoPicture`] for a sound file.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<VideoReader, MediaError> {
        let scan = known::scan(path, options.patience, &options.cancel)?;
        VideoReader::from_scan(path, scan, options)
    }

    pub(crate) fn from_scan(
        path: &Path,
        scan: Scan,
        options: &ReadOptions,
    ) -> Result<VideoReader, MediaError> {
        let file = path.to_path_buf();
        let Some(track) = &scan.video else { return Err(MediaError::NoPicture { file }) };
        let decode = open_decoder(path, options)?;
        let mut info = probe::describe(path, &scan);
        let raw = decode.caps();
        let video = raw.and_then(|caps| probe::video_info(&scan, track, &caps, &mut info.notes));
        let Some(video) = video else {
            let what = format!("the picture format of {}", scan::words(&track.caps));
            return Err(MediaError::Unsupported { file, what });
        };
        if let (Some(native), Some(read)) = (&decode.native, decode.caps()) {
            let format = |caps: &gstreamer::Caps| {
                caps.structure(0).and_then(|s| s.get::<String>("format").ok()).unwrap_or_default()
            };
            if format(native) != format(&read) {
                info.notes.push(format!(
                    "pictures are converted from {} to {}",
                    format(native),
                    format(&read)
                ));
            }
        }
        info.audio = probe::audio_info(path, &scan, options)?;
        let sound = info.audio.as_ref().map_or(Time::ZERO, |a| a.duration);
        info.duration = if scan.still { Time::ZERO } else { video.duration.max(sound) };
        info.video = Some(video.clone());
        let orientation = track.orientation.as_deref().map(Orientation::from_tag).unwrap_or_default();
        let codec = probe::codec_key(&track.caps);
        let counted = scan.counted();
        let keys = track.keys.clone();
        let shown = scan.video.and_then(|v| v.shown).filter(|_| !counted).unwrap_or_default();
        Ok(VideoReader {
            path: file,
            options: options.clone(),
            notes: info.notes.clone(),
            info,
            video,
            shown,
            keys,
            orientation,
            codec,
            decode,
            counter: 0,
            wanted: 0,
            passed: 0,
            sought: false,
            anywhere: false,
        })
    }

    pub(crate) fn into_info(self) -> MediaInfo {
        self.info
    }

    /// The whole file.
    pub fn info(&self) -> &MediaInfo {
        &self.info
    }

    /// Its picture.
    pub fn video(&self) -> &VideoInfo {
        &self.video
    }

    /// Start and length of every picture.
    pub fn times(&self) -> &FrameTimes {
        &self.video.times
    }

    /// What went less than perfectly, so far: the file's own notes and pictures that could not be decoded.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The next picture; `None` at the end.
    ///
    /// A picture that the decoder cannot make is left out (its successor has the number it should have) and
    /// [`VideoReader::notes`] tells of it.
    ///
    /// # Errors
    /// [`MediaError::Stalled`], [`MediaError::Cancelled`], or a change of picture size within the film.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator over results would hide that seek moves it"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, MediaError> {
        let Some((index, sample)) = self.next_sample()? else { return Ok(None) };
        let times = &self.video.times;
        let duration = if self.info.still { Time::ZERO } else { times.duration(index) };
        let (pts, picture) = (times.start(index), self.picture(&sample)?);
        Ok(Some(Frame { index, pts, duration, picture }))
    }

    /// Passes over the next picture without unpacking it; its number, `None` at the end.
    ///
    /// # Errors
    /// As [`VideoReader::next`].
    pub fn skip(&mut self) -> Result<Option<u64>, MediaError> {
        Ok(self.next_sample()?.map(|(index, _)| index))
    }

    /// Number of the picture that [`VideoReader::next`] would give, unless it cannot be decoded.
    pub fn position(&self) -> u64 {
        self.wanted
    }

    /// The last picture at or before picture `index` from which decoding can begin; 0 where the file does not say.
    pub fn key_before(&self, index: u64) -> u64 {
        let Some(time) = self.shown.get(index as usize) else { return 0 };
        let keys = self.keys.partition_point(|key| key <= time);
        keys.checked_sub(1).and_then(|at| self.keys.get(at)).map_or(0, |key| self.index_of(*key))
    }

    /// The most pictures that have to be decoded to have one.
    pub fn longest_way(&self) -> u64 {
        let keys = self.keys.iter().map(|key| self.index_of(*key)).chain([self.video.frames]);
        let begins = [0].into_iter().chain(self.keys.iter().map(|key| self.index_of(*key)));
        begins.zip(keys).map(|(begin, end)| end.saturating_sub(begin)).max().unwrap_or(0)
    }

    fn next_sample(&mut self) -> Result<Option<(u64, gstreamer::Sample)>, MediaError> {
        loop {
            let Some(sample) = self.pull()? else {
                self.note_gap(self.video.frames);
                self.wanted = self.video.frames;
                return Ok(None);
            };
            let index = match self.decode.time_of(&sample) {
                _ if self.shown.is_empty() => self.counter,
                Some(time) => self.index_of(time),
                // Cut away by an edit list.
                None => continue,
            };
            self.counter = index + 1;
            if std::mem::take(&mut self.anywhere) {
                self.wanted = index;
            }
            if index < self.wanted {
                self.sought = false;
                continue;
            }
            if index > self.wanted && std::mem::take(&mut self.sought) {
                self.restart()?;
                continue;
            }
            self.sought = false;
            self.note_gap(index);
            self.wanted = index + 1;
            return Ok(Some((index, sample)));
        }
    }

    /// Makes the picture on screen at `time` the next one: the first for a time before the film, none from its
    /// end on.
    ///
    /// # Errors
    /// As [`VideoReader::next`].
    pub fn seek(&mut self, time: Time) -> Result<(), MediaError> {
        let target = self.video.times.index_at(time);
        let ahead = target.checked_sub(self.wanted);
        self.wanted = target;
        (self.passed, self.sought, self.anywhere) = (0, false, false);
        if ahead.is_some_and(|pictures| pictures <= NEAR) || target >= self.video.frames {
            return Ok(());
        }
        match self.shown.get(target as usize) {
            // Counted pictures can only be counted from the start.
            None if ahead.is_some() => Ok(()),
            None => self.restart(),
            Some(start) => {
                // Into the picture rather than to its edge, which rounding may put on either side.
                let next = self.shown.get(target as usize + 1).copied().unwrap_or(start + 2_000_000);
                self.sought = true;
                self.decode.seek(start + (next - start) / 2)
            }
        }
    }

    /// Makes the key picture at or before `time` the next one: what can be had soonest near there. The film's first
    /// picture where the file cannot be entered in the middle.
    ///
    /// # Errors
    /// As [`VideoReader::next`].
    pub fn seek_key(&mut self, time: Time) -> Result<(), MediaError> {
        let last = self.video.frames.saturating_sub(1);
        let target = self.video.times.index_at(time).min(last);
        let Some(start) = self.shown.get(target as usize).copied() else { return self.seek(Time::ZERO) };
        (self.wanted, self.sought, self.anywhere) = (self.key_before(target), false, true);
        self.passed = 0;
        self.decode.seek_key(start)
    }

    /// Until the next seek, pictures before picture `index` are not wanted: of these, the ones that no other picture is
    /// decoded from may be left out, which brings a later one nearer.
    pub fn pass_to(&mut self, index: u64) {
        let Some(start) = self.shown.get(index as usize) else { return };
        self.passed = index;
        // Containers may round times.
        self.decode.pass_to(start - 1_000);
    }

    fn pull(&self) -> Result<Option<gstreamer::Sample>, MediaError> {
        if self.wanted >= self.video.frames {
            return Ok(None);
        }
        self.decode.pull()
    }

    fn restart(&mut self) -> Result<(), MediaError> {
        self.decode = open_decoder(&self.path, &self.options)?;
        self.counter = 0;
        self.anywhere = false;
        Ok(())
    }

    fn index_of(&self, time: i64) -> u64 {
        // Decoders may hand times on rounded to the microsecond.
        self.shown.partition_point(|start| *start <= time.saturating_add(1_000)).saturating_sub(1) as u64
    }

    fn note_gap(&mut self, next: u64) {
        let first = self.wanted.max(self.passed);
        if next > first {
            let last = next - 1;
            self.notes.push(format!("pictures {first} to {last} could not be decoded"));
        }
    }

    fn picture(&self, sample: &gstreamer::Sample) -> Result<Picture, MediaError> {
        let file = || self.path.clone();
        let bad = |cause: &str| MediaError::Damaged { file: file(), cause: cause.into() };
        let caps = sample.caps().ok_or_else(|| bad("a picture without a format"))?;
        let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| bad("a picture without a format"))?;
        if (info.width() as usize, info.height() as usize) != self.video.coded {
            let what = format!(
                "a change of picture size within the film, from {}×{} to {}×{},",
                self.video.coded.0,
                self.video.coded.1,
                info.width(),
                info.height()
            );
            return Err(MediaError::Unsupported { file: file(), what });
        }
        let colour = pixels::colour_of(caps, &info, &self.codec);
        let buffer = sample.buffer().ok_or_else(|| bad("an empty picture"))?;
        let picture = pixels::picture(buffer, &info, colour).ok_or_else(|| bad("an incomplete picture"))?;
        Ok(self.orientation.upright(picture))
    }
}

fn open_decoder(path: &Path, options: &ReadOptions) -> Result<Decode, MediaError> {
    // Passes every usual layout through untouched; unpacks the rare ones without dithering.
    let convert = make("videoconvert")?;
    set(&convert, "dither", "none")?;
    Decode::open(path, Wanted::Video, &[convert], &pixels::readable_caps(), options)
}
