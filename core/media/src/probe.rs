//! What a file holds, in plain values.

use crate::decode::{Decode, Wanted};
use crate::error::MediaError;
use crate::known;
use crate::orientation::Orientation;
use crate::pixels;
use crate::scan::{self, Scan, Track};
use crate::timing::{FrameTimes, Timing};
use crate::video_reader::{ReadOptions, VideoReader};
use gstreamer as gst;
use gstreamer_video as gst_video;
use lipsmith_base::{ColourSpec, FrameRate, PixelFormat, Time};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A media file. Time 0 is the first picture (of a sound file: the first sample).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MediaInfo {
    pub path: PathBuf,
    /// The container in words, e.g. `ISO MP4/M4A`.
    pub container: String,
    /// To the end of the picture or of the sound, whichever is later; zero for a still.
    pub duration: Time,
    pub video: Option<VideoInfo>,
    pub audio: Option<AudioInfo>,
    /// One still image: its picture has no length of its own.
    pub still: bool,
    /// What a person should know about the file: guessed rates, further streams, woven fields, …
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VideoInfo {
    pub codec: String,
    /// Size of the pictures that are read: upright, in their own (perhaps not square) pixels.
    pub width: usize,
    pub height: usize,
    /// Size as coded, before turning upright.
    pub coded: (usize, usize),
    /// Size on a screen of square pixels: the width stretched by the pixel aspect.
    pub display: (usize, usize),
    /// Width : height of one pixel of the upright picture.
    pub pixel_aspect: (u32, u32),
    /// Clockwise turn that made the pictures upright: 0, 90, 180 or 270 degrees.
    pub rotation: u16,
    pub format: PixelFormat,
    pub colour: ColourSpec,
    pub timing: Timing,
    /// Number of pictures.
    pub frames: u64,
    /// To the end of the last picture.
    pub duration: Time,
    /// Pictures are two fields woven into each other; they are read so.
    pub interlaced: bool,
    /// Mean bits a second.
    pub bitrate: u64,
    /// Start and length of every picture.
    #[serde(skip)]
    pub times: FrameTimes,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AudioInfo {
    pub codec: String,
    pub rate: u32,
    pub channels: u16,
    /// `mono`, `stereo`, `5.1`, …
    pub layout: String,
    /// When the sound starts against the first picture.
    pub start: Time,
    /// From time 0 to the end of the sound.
    pub duration: Time,
}

/// Looks into a file: reads it through once without decoding, and decodes its first picture.
///
/// # Errors
/// Any [`MediaError`] about reading.
pub fn probe(path: &Path) -> Result<MediaInfo, MediaError> {
    let options = ReadOptions::default();
    let scan = known::scan(path, options.patience, &options.cancel)?;
    if scan.video.is_some() {
        return Ok(VideoReader::from_scan(path, scan, &options)?.into_info());
    }
    let mut info = describe(path, &scan);
    info.audio = audio_info(path, &scan, &options)?;
    info.duration = info.audio.as_ref().map_or(Time::ZERO, |a| a.duration);
    Ok(info)
}

/// What holds for any file; streams and duration are left to the caller.
pub(crate) fn describe(path: &Path, scan: &Scan) -> MediaInfo {
    let mut notes = Vec::new();
    if scan.extra_streams > 0 {
        notes.push(format!("{} further stream(s) of picture or sound are not read", scan.extra_streams));
    }
    let end = [&scan.video, &scan.audio].into_iter().flatten().map(|t| t.end).max().unwrap_or(0);
    if let Some(claimed) = scan.claimed.filter(|claimed| !scan.counted() && claimed - end > 1_000_000_000) {
        let (claimed, end) = (Time::from_nanos(claimed), Time::from_nanos(end));
        notes.push(format!("the file claims {claimed} but ends after {end}: it is incomplete"));
    }
    MediaInfo {
        path: path.to_path_buf(),
        container: scan.container_words.clone(),
        duration: Time::ZERO,
        video: None,
        audio: None,
        still: scan.still,
        notes,
    }
}

/// Start and length of every picture of `track`.
pub(crate) fn frame_times(scan: &Scan, track: &Track, notes: &mut Vec<String>) -> FrameTimes {
    let claimed = track
        .caps
        .structure(0)
        .and_then(|s| s.get::<gst::Fraction>("framerate").ok())
        .and_then(|f| FrameRate::new(u32::try_from(f.numer()).ok()?, u32::try_from(f.denom()).ok()?))
        // Clocks dressed up as frame rates (90000/1 and the like) claim nothing.
        .filter(|rate| rate.fps() <= 480.0);
    match track.shown.as_ref().filter(|_| !scan.counted()) {
        Some(shown) => {
            // Matroska gives every picture the nominal length, but knows when the film ends.
            let last = shown.last().copied().unwrap_or(0);
            let to_end = scan.claimed.filter(|_| scan.audio.is_none()).map(|end| end - last);
            FrameTimes::from_container(shown, track.last_length.max(to_end), claimed)
        }
        None => {
            let rate = claimed.unwrap_or(FrameRate::FPS_25);
            if claimed.is_none() && !scan.still {
                notes.push("the file does not say its frame rate; 25 is assumed".into());
            }
            FrameTimes::constant(rate, track.packets)
        }
    }
}

/// The picture's part of [`MediaInfo`]; `raw` are the caps of decoded pictures.
pub(crate) fn video_info(
    scan: &Scan,
    track: &Track,
    raw: &gst::CapsRef,
    notes: &mut Vec<String>,
) -> Option<VideoInfo> {
    let info = gst_video::VideoInfo::from_caps(raw).ok()?;
    let times = frame_times(scan, track, notes);
    let turn = track.orientation.as_deref().map(Orientation::from_tag).unwrap_or_default();
    let coded = (info.width() as usize, info.height() as usize);
    let swap = |(a, b)| if turn.transpose { (b, a) } else { (a, b) };
    let (width, height) = swap(coded);
    let par = (info.par().numer().max(1).unsigned_abs(), info.par().denom().max(1).unsigned_abs());
    let pixel_aspect = if turn.transpose { (par.1, par.0) } else { par };
    let interlaced = info.is_interlaced();
    if interlaced {
        notes.push("the pictures are interlaced; both fields are read woven into one picture".into());
    }
    if info.has_alpha() {
        notes.push("the transparency of the pictures is left out".into());
    }
    let mut format = pixels::format_of(&info);
    if turn.transpose && format.chroma == lipsmith_base::Chroma::C422 {
        format.chroma = lipsmith_base::Chroma::C444;
    }
    let mut colour = pixels::colour_of(raw, &info, &codec_key(&track.caps));
    colour.chroma_left &= !turn.transpose && !turn.flip_x;
    let duration = times.end();
    Some(VideoInfo {
        codec: scan::words(&track.caps),
        width,
        height,
        coded,
        display: (width * pixel_aspect.0 as usize / pixel_aspect.1 as usize, height),
        pixel_aspect,
        rotation: turn.degrees(),
        format,
        colour,
        timing: times.timing(),
        frames: times.count(),
        duration,
        interlaced,
        bitrate: (track.bytes as f64 * 8.0 / duration.secs_f64().max(1e-3)) as u64,
        times,
    })
}

/// GStreamer's version, for people.
pub fn version() -> String {
    let (major, minor, micro, _) = gst::version();
    format!("{major}.{minor}.{micro}")
}

/// Media type, with the MPEG version where rules differ: `video/mpeg1`.
pub(crate) fn codec_key(caps: &gst::Caps) -> String {
    let Some(structure) = caps.structure(0) else { return String::new() };
    match structure.get::<i32>("mpegversion") {
        Ok(version) => format!("{}{version}", structure.name()),
        Err(_) => structure.name().to_string(),
    }
}

/// The sound's part of [`MediaInfo`].
pub(crate) fn audio_info(
    path: &Path,
    scan: &Scan,
    options: &ReadOptions,
) -> Result<Option<AudioInfo>, MediaError> {
    let Some(track) = &scan.audio else { return Ok(None) };
    let said = |caps: &gst::Caps, field: &str| {
        caps.structure(0).and_then(|s| s.get::<i32>(field).ok()).filter(|v| *v > 0)
    };
    let (mut rate, mut channels) = (said(&track.caps, "rate"), said(&track.caps, "channels"));
    if rate.is_none() || channels.is_none() {
        let any = gst::Caps::new_empty_simple("audio/x-raw");
        let raw = Decode::open(path, Wanted::Audio, &[], &any, options)?.caps();
        rate = raw.as_ref().and_then(|caps| said(caps, "rate"));
        channels = raw.as_ref().and_then(|caps| said(caps, "channels"));
    }
    let (Some(rate), Some(channels)) = (rate, channels) else {
        let what = format!("sound in {}", scan::words(&track.caps));
        return Err(MediaError::Unsupported { file: path.to_path_buf(), what });
    };
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let origin = scan.origin();
    let end = if scan.counted() { track.first.unwrap_or(0) + track.length } else { track.end };
    // FLAC's parser gives the last block full length; the header knows better.
    let end = scan.claimed.filter(|claimed| scan.video.is_none() && *claimed > 0).map_or(end, |c| c.min(end));
    Ok(Some(AudioInfo {
        codec: scan::words(&track.caps),
        rate: rate.unsigned_abs(),
        channels,
        layout: layout(channels),
        start: Time::from_nanos(track.first.unwrap_or(origin).saturating_sub(origin)),
        duration: Time::from_nanos(end.saturating_sub(origin).max(0)),
    }))
}

fn layout(channels: u16) -> String {
    match channels {
        1 => "mono".into(),
        2 => "stereo".into(),
        6 => "5.1".into(),
        8 => "7.1".into(),
        n => format!("{n} channels"),
    }
}
