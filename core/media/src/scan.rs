//! Takes a file apart without decoding it: which streams it has and when each picture is shown. This is what
//! makes frame numbers exact in every container, and what refuses a hostile file before any picture memory is
//! taken. It reads the whole file once.

use crate::error::MediaError;
use crate::pipeline::{Pipeline, set};
use gstreamer as gst;
use gstreamer::prelude::*;
use lipsmith_base::Cancel;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// 74 hours at 60 pictures a second; 128 MB of times.
const MAX_PICTURES: usize = 16_000_000;
/// The first packet of a readable file comes sooner, also from a slow disk.
const FIRST_PACKET: Duration = Duration::from_secs(8);
/// Pixels a side.
pub(crate) const MAX_SIDE: i32 = 16_384;

/// One elementary stream, as its packets tell it. Times are nanoseconds of the container's timeline.
#[derive(Clone)]
pub(crate) struct Track {
    pub caps: gst::Caps,
    pub orientation: Option<String>,
    /// When each picture is shown (video only), in presentation order; `None` if the container does not say.
    pub shown: Option<Arc<[i64]>>,
    /// Those of them from which decoding can begin.
    pub keys: Arc<[i64]>,
    /// First time and end of the last packet.
    pub first: Option<i64>,
    pub end: i64,
    /// Sum of the packets' lengths.
    pub length: i64,
    /// Length of the last picture in presentation order.
    pub last_length: Option<i64>,
    pub packets: u64,
    pub bytes: u64,
}

#[derive(Clone)]
pub(crate) struct Scan {
    /// Media type of the whole file, e.g. `video/quicktime`.
    pub container: String,
    pub container_words: String,
    pub video: Option<Track>,
    pub audio: Option<Track>,
    /// Streams of picture or sound beyond the first of each.
    pub extra_streams: usize,
    /// The file is one still image.
    pub still: bool,
    /// Length that the container claims.
    pub claimed: Option<i64>,
}

impl Scan {
    /// Packets do not carry trustworthy times (MPEG program streams, AVI, elementary streams): pictures and
    /// samples are counted from the start instead, and there is no seeking but from the start.
    pub fn counted(&self) -> bool {
        let program_stream = self.container == "video/mpeg" || self.container == "video/x-cdxa";
        program_stream || self.video.as_ref().is_some_and(|v| v.shown.is_none())
    }

    /// Container time of the first picture: time 0 of the film.
    pub fn origin(&self) -> i64 {
        self.video.as_ref().and_then(|v| v.shown.as_ref()?.first().copied().or(v.first)).unwrap_or(0)
    }
}

/// # Errors
/// Whatever is wrong with the file as a file, and [`MediaError::TooLarge`].
pub(crate) fn scan(path: &Path, patience: Duration, cancel: &Cancel) -> Result<Scan, MediaError> {
    if cancel.is_cancelled() {
        return Err(MediaError::Cancelled);
    }
    check_file(path)?;
    let pipeline = Pipeline::reading(path)?;
    let (parse, corrected) = pipeline.add_source()?;

    let logs: Arc<Mutex<Vec<Arc<Mutex<Log>>>>> = Arc::default();
    let packets = Arc::new(AtomicU64::new(0));
    let failure: Arc<Mutex<Option<MediaError>>> = Arc::default();
    let (weak, all, counter, failed) =
        (pipeline.gst.downgrade(), Arc::clone(&logs), Arc::clone(&packets), Arc::clone(&failure));
    parse.connect_pad_added(move |parse, pad| {
        let Some(pipeline) = weak.upgrade() else { return };
        let log = Log { matroska: is_matroska(parse), ..Log::default() };
        let log = Arc::new(Mutex::new(log));
        lock(&all).push(Arc::clone(&log));
        watch(pad, log, Arc::clone(&counter));
        if let Err(error) = discard(&pipeline, pad) {
            lock(&failed).get_or_insert(error);
        }
    });

    pipeline.set_state(gst::State::Playing)?;
    let mut seen = 0;
    let mut moved = Instant::now();
    while pipeline.next_message(Duration::from_millis(50))? != Some(true) {
        if cancel.is_cancelled() {
            return Err(MediaError::Cancelled);
        }
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        if let Some(error) = lock(&logs).iter().find_map(|log| lock(log).problem(path)) {
            return Err(error);
        }
        let now = packets.load(Ordering::Relaxed);
        if now != seen {
            (seen, moved) = (now, Instant::now());
        } else if now == 0 && moved.elapsed() > patience.min(FIRST_PACKET) {
            // Demuxers end silently when the tables of a file are cut off.
            let cause = "nothing in it can be reached".into();
            return Err(MediaError::Damaged { file: path.to_path_buf(), cause });
        } else if moved.elapsed() > patience {
            let file = path.to_path_buf();
            return Err(MediaError::Stalled {
                file,
                seconds: patience.as_secs(),
                doing: "looking through it",
            });
        }
    }
    let told = pipeline.gst.query_duration::<gst::ClockTime>().map(|d| d.nseconds() as i64);
    let claimed = corrected.or(told);
    let container = container_of(&parse);
    drop(pipeline);

    let logs = std::mem::take(&mut *lock(&logs));
    assemble(path, container, claimed, logs)
}

/// The media type that parsebin's own typefind has found.
fn container_of(parse: &gst::Element) -> Option<gst::Caps> {
    let typefind = parse.downcast_ref::<gst::Bin>()?.by_name("typefind")?;
    typefind.property::<Option<gst::Caps>>("caps")
}

/// Matroska's packets carry the film's own time and no edits. Its segments say otherwise where a film does not begin
/// at 0: GStreamer 1.22 first announces one from the first picture on, then one from 0 on.
pub(crate) fn is_matroska(parse: &gst::Element) -> bool {
    let name = |caps: gst::Caps| Some(caps.structure(0)?.name().to_string());
    let name = container_of(parse).and_then(name).unwrap_or_default();
    name.ends_with("/webm") || name.ends_with("/x-matroska")
}

fn assemble(
    path: &Path,
    container: Option<gst::Caps>,
    claimed: Option<i64>,
    logs: Vec<Arc<Mutex<Log>>>,
) -> Result<Scan, MediaError> {
    let file = path.to_path_buf();
    let Some(container) = container else { return Err(MediaError::NotMedia { file }) };
    let (mut video, mut audio, mut extra_streams) = (None, None, 0);
    for log in logs {
        let log = std::mem::take(&mut *lock(&log));
        if let Some(error) = log.problem(path) {
            return Err(error);
        }
        let slot = match log.kind() {
            Some(Kind::Video) => &mut video,
            Some(Kind::Audio) => &mut audio,
            None => continue,
        };
        match (slot.is_some(), log.finish()) {
            (false, Some(track)) => *slot = Some(track),
            (true, Some(_)) => extra_streams += 1,
            (_, None) => {}
        }
    }
    if video.is_none() && audio.is_none() {
        return Err(MediaError::Damaged { file, cause: "it holds no picture and no sound".into() });
    }
    let name = container.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    let still = name.starts_with("image/") && video.as_ref().is_some_and(|v: &Track| v.packets <= 1);
    Ok(Scan {
        container_words: words(&container),
        container: name,
        video,
        audio,
        extra_streams,
        still,
        claimed,
    })
}

/// What a media type is called.
pub(crate) fn words(caps: &gst::Caps) -> String {
    let described = gstreamer_pbutils::pb_utils_get_codec_description(caps);
    described.to_string()
}

fn check_file(path: &Path) -> Result<(), MediaError> {
    let file = path.to_path_buf();
    let metadata = std::fs::metadata(path).map_err(|e| MediaError::reading(path, &e))?;
    if metadata.is_dir() {
        return Err(MediaError::Folder { file });
    }
    if !metadata.is_file() {
        return Err(MediaError::Unsupported { file, what: "a device or pipe".into() });
    }
    if metadata.len() == 0 {
        return Err(MediaError::Empty { file });
    }
    std::fs::File::open(path).map(drop).map_err(|e| MediaError::reading(path, &e))
}

fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), MediaError> {
    let sink = crate::pipeline::make("fakesink")?;
    set(&sink, "sync", "false")?;
    set(&sink, "async", "false")?;
    let broken = |cause: String| MediaError::GStreamer { cause };
    pipeline.add(&sink).map_err(|e| broken(e.to_string()))?;
    sink.sync_state_with_parent().map_err(|e| broken(e.to_string()))?;
    let target = sink.static_pad("sink").ok_or_else(|| broken("a fakesink without a pad".into()))?;
    pad.link(&target).map(drop).map_err(|e| broken(e.to_string()))
}

/// A poisoned lock only means that a streaming thread has panicked; what it had written is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Kind {
    Video,
    Audio,
}

#[derive(Default)]
struct Log {
    matroska: bool,
    caps: Option<gst::Caps>,
    orientation: Option<String>,
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    shown: Vec<(i64, Option<i64>)>,
    keys: Vec<i64>,
    untimed: bool,
    first: Option<i64>,
    end: i64,
    length: i64,
    packets: u64,
    bytes: u64,
}

fn watch(pad: &gst::Pad, log: Arc<Mutex<Log>>, counter: Arc<AtomicU64>) {
    let wanted =
        gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST | gst::PadProbeType::EVENT_DOWNSTREAM;
    pad.sticky_events_foreach(|event| {
        lock(&log).event(event);
        std::ops::ControlFlow::Continue(gst::EventForeachAction::Keep)
    });
    pad.add_probe(wanted, move |_, info| {
        let mut log = lock(&log);
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => log.packet(buffer),
            Some(gst::PadProbeData::BufferList(list)) => list.iter().for_each(|buffer| log.packet(buffer)),
            Some(gst::PadProbeData::Event(event)) => log.event(event),
            _ => {}
        }
        counter.fetch_add(1, Ordering::Relaxed);
        gst::PadProbeReturn::Ok
    });
}

impl Log {
    fn event(&mut self, event: &gst::EventRef) {
        match event.view() {
            gst::EventView::Caps(caps) => self.caps = Some(caps.caps_owned()),
            gst::EventView::Segment(segment) => {
                self.segment = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
            }
            gst::EventView::Tag(tags) => {
                if let Some(tag) = tags.tag().get::<gst::tags::ImageOrientation>() {
                    self.orientation = Some(tag.get().to_owned());
                }
            }
            _ => {}
        }
    }

    fn packet(&mut self, buffer: &gst::BufferRef) {
        if buffer.flags().contains(gst::BufferFlags::DECODE_ONLY) {
            return;
        }
        self.bytes += buffer.size() as u64;
        let length = buffer.duration().map(|d| d.nseconds() as i64);
        self.length = self.length.saturating_add(length.unwrap_or(0));
        let Some(pts) = buffer.pts() else {
            self.untimed = true;
            self.packets += 1;
            return;
        };
        // Packets that an edit list cuts away are decoded but never shown.
        let segment = self.segment.as_ref().filter(|_| !self.matroska);
        let Some(start) = shown_at(segment, pts, buffer.duration()) else { return };
        self.packets += 1;
        self.first = Some(self.first.map_or(start, |first| first.min(start)));
        self.end = self.end.max(shown_until(segment, pts, buffer.duration()).unwrap_or(start));
        if matches!(self.kind(), Some(Kind::Video)) && self.shown.len() <= MAX_PICTURES {
            self.shown.push((start, length));
            if !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
                self.keys.push(start);
            }
        }
    }

    fn kind(&self) -> Option<Kind> {
        let name = self.caps.as_ref()?.structure(0)?.name();
        if name.starts_with("video/") || name.starts_with("image/") {
            return Some(Kind::Video);
        }
        name.starts_with("audio/").then_some(Kind::Audio)
    }

    /// What must stop the reading at once.
    fn problem(&self, path: &Path) -> Option<MediaError> {
        let file = path.to_path_buf();
        if self.shown.len() > MAX_PICTURES {
            return Some(MediaError::Unsupported {
                file,
                what: format!("more than {MAX_PICTURES} pictures"),
            });
        }
        let structure = self.caps.as_ref()?.structure(0)?;
        let side = |name: &str| structure.get::<i32>(name).unwrap_or(0);
        let (width, height) = (side("width"), side("height"));
        (width > MAX_SIDE || height > MAX_SIDE).then_some(MediaError::TooLarge {
            file,
            width: width.unsigned_abs(),
            height: height.unsigned_abs(),
        })
    }

    fn finish(mut self) -> Option<Track> {
        let caps = self.caps?;
        if self.packets == 0 {
            return None;
        }
        self.shown.sort_unstable_by_key(|(start, _)| *start);
        // Two fields of one frame, or two slices, carry the same time.
        self.shown.dedup_by_key(|(start, _)| *start);
        self.keys.sort_unstable();
        let last_length = self.shown.last().and_then(|(_, length)| *length);
        let shown = (!self.untimed).then(|| self.shown.iter().map(|(start, _)| *start).collect());
        Some(Track {
            caps,
            orientation: self.orientation,
            shown,
            keys: self.keys.into(),
            first: self.first,
            end: self.end,
            length: self.length,
            last_length,
            packets: self.packets,
            bytes: self.bytes,
        })
    }
}

/// Place on the container's timeline of what starts at `pts`, cut to the segment as decoders cut it.
pub(crate) fn shown_at(
    segment: Option<&gst::FormattedSegment<gst::ClockTime>>,
    pts: gst::ClockTime,
    length: Option<gst::ClockTime>,
) -> Option<i64> {
    let Some(segment) = segment else { return i64::try_from(pts.nseconds()).ok() };
    let (start, _) = segment.clip(pts, length.map(|l| pts + l))?;
    i64::try_from(segment.to_stream_time(start)?.nseconds()).ok()
}

fn shown_until(
    segment: Option<&gst::FormattedSegment<gst::ClockTime>>,
    pts: gst::ClockTime,
    length: Option<gst::ClockTime>,
) -> Option<i64> {
    let end = pts + length?;
    let end = match segment {
        Some(segment) => segment.to_stream_time(segment.clip(pts, end)?.1?)?,
        None => end,
    };
    i64::try_from(end.nseconds()).ok()
}
