//! One stream of a file, decoded into an appsink from which it is pulled with a time limit. Video and sound
//! are read by one of these each.

use crate::error::MediaError;
use crate::pipeline::{Pipeline, make};
use crate::scan::{is_matroska, shown_at};
use crate::spared::spared;
use crate::video_reader::ReadOptions;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Decoded pictures or blocks that wait for their reader.
const QUEUE: u32 = 3;
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Decode {
    pipeline: Pipeline,
    sink: gst_app::AppSink,
    /// What the decoder itself delivers, in front of `tail`.
    pub native: Option<gst::Caps>,
    options: ReadOptions,
    parse: gst::Element,
    /// Container time in nanoseconds: pictures before it are not wanted.
    passing: Arc<AtomicI64>,
}

/// Which stream of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Video,
    Audio,
}

impl Wanted {
    fn accepts(self, media_type: &str) -> bool {
        match self {
            Wanted::Video => media_type.starts_with("video/") || media_type.starts_with("image/"),
            Wanted::Audio => media_type.starts_with("audio/"),
        }
    }
}

impl Decode {
    /// Decodes the first stream that is `wanted` through `tail` (elements not yet in a pipeline) into `caps`,
    /// and returns when the first buffer is there.
    pub fn open(
        path: &Path,
        wanted: Wanted,
        tail: &[gst::Element],
        caps: &gst::Caps,
        options: &ReadOptions,
    ) -> Result<Decode, MediaError> {
        let pipeline = Pipeline::reading(path)?;
        let (parse, _) = pipeline.add_source()?;
        let decode = pipeline.add("decodebin")?;
        link_first(&parse, &decode, wanted);
        if let Some(pad) = decode.static_pad("sink").filter(|_| wanted == Wanted::Audio) {
            cut_between_samples(&pad);
        }
        let passing = Arc::new(AtomicI64::new(i64::MIN));
        if let Some(pad) = decode.static_pad("sink").filter(|_| wanted == Wanted::Video) {
            pass_over_unwanted(&pad, &parse, passing.clone());
        }

        let sink: gst_app::AppSink = make("appsink")?
            .downcast()
            .map_err(|_| MediaError::GStreamer { cause: "appsink is not an appsink".into() })?;
        sink.set_property("sync", false);
        sink.set_caps(Some(caps));
        sink.set_max_buffers(QUEUE);
        let mut chain: Vec<&gst::Element> = tail.iter().collect();
        chain.push(sink.upcast_ref());
        for element in &chain {
            pipeline.gst.add(*element).map_err(|e| pipeline.failed(e.to_string()))?;
        }
        pipeline.link(&chain)?;
        let entry = chain[0].static_pad("sink");
        decode.connect_pad_added(move |_, pad| {
            // A second pad cannot come from one elementary stream; if it did, it would stay unlinked.
            if let Some(entry) = entry.as_ref().filter(|entry| !entry.is_linked()) {
                let _ = pad.link(entry);
            }
        });

        let mut opened = Decode { pipeline, sink, native: None, options: options.clone(), parse, passing };
        opened.pipeline.set_state(gst::State::Paused)?;
        opened.await_preroll()?;
        opened.native = chain_caps(&decode);
        opened.pipeline.set_state(gst::State::Playing)?;
        Ok(opened)
    }

    fn await_preroll(&self) -> Result<(), MediaError> {
        let begun = Instant::now();
        while self.pipeline.next_message(TICK)?.is_none() {
            self.give_up_after(begun, "opening it")?;
        }
        Ok(())
    }

    fn give_up_after(&self, begun: Instant, doing: &'static str) -> Result<(), MediaError> {
        if self.options.cancel.is_cancelled() {
            return Err(MediaError::Cancelled);
        }
        let patience = self.options.patience;
        if begun.elapsed() > patience {
            let file = self.pipeline.file().to_path_buf();
            return Err(MediaError::Stalled { file, seconds: patience.as_secs(), doing });
        }
        Ok(())
    }

    /// Caps of what is pulled.
    pub fn caps(&self) -> Option<gst::Caps> {
        self.sink.static_pad("sink").and_then(|pad| pad.current_caps())
    }

    /// The next buffer; `None` at the end.
    pub fn pull(&self) -> Result<Option<gst::Sample>, MediaError> {
        let begun = Instant::now();
        loop {
            let tick = gst::ClockTime::from_mseconds(TICK.as_millis() as u64);
            if let Some(sample) = self.sink.try_pull_sample(tick) {
                return Ok(Some(sample));
            }
            self.pipeline.check()?;
            if self.sink.is_eos() {
                return Ok(None);
            }
            self.give_up_after(begun, "decoding it")?;
        }
    }

    /// Container time of a sample in nanoseconds.
    pub fn time_of(&self, sample: &gst::Sample) -> Option<i64> {
        let buffer = sample.buffer()?;
        let segment = sample.segment().and_then(|s| s.downcast_ref::<gst::ClockTime>());
        shown_at(segment.filter(|_| !is_matroska(&self.parse)), buffer.pts()?, buffer.duration())
    }

    /// Continues at container time `nanos`; what is pulled next starts at or before it.
    pub fn seek(&self, nanos: i64) -> Result<(), MediaError> {
        self.seek_by(nanos, gst::SeekFlags::ACCURATE)
    }

    /// Continues at the key picture at or before container time `nanos`.
    pub fn seek_key(&self, nanos: i64) -> Result<(), MediaError> {
        self.seek_by(nanos, gst::SeekFlags::KEY_UNIT | gst::SeekFlags::SNAP_BEFORE)
    }

    /// Pictures that start before container time `nanos` are not wanted, until the next seek: those that others do not
    /// need are not decoded.
    pub fn pass_to(&self, nanos: i64) {
        self.passing.store(nanos, Ordering::Relaxed);
    }

    fn seek_by(&self, nanos: i64, how: gst::SeekFlags) -> Result<(), MediaError> {
        let to = gst::ClockTime::from_nseconds(nanos.max(0).unsigned_abs());
        let flags = gst::SeekFlags::FLUSH | how;
        self.pass_to(i64::MIN);
        self.pipeline.gst.seek_simple(flags, to).map_err(|e| self.pipeline.failed(e.to_string()))
    }
}

fn chain_caps(decode: &gst::Element) -> Option<gst::Caps> {
    decode.src_pads().first().and_then(|pad| pad.current_caps())
}

fn link_first(parse: &gst::Element, decode: &gst::Element, wanted: Wanted) {
    let taken = Arc::new(AtomicBool::new(false));
    let entry = decode.static_pad("sink");
    parse.connect_pad_added(move |_, pad| {
        let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
        let fits = caps.structure(0).is_some_and(|s| wanted.accepts(s.name()));
        if fits && !taken.swap(true, Ordering::Relaxed) {
            // A refused link shows as the demuxer's "not-linked" error on the bus.
            let _ = entry.as_ref().map(|entry| pad.link(entry));
        }
    });
}

/// Keeps from the decoder behind `pad` what nobody sees and no other picture needs: before the time `passing`, and
/// before the segment that a seek has asked for. Decoders would make all of it and throw it away.
fn pass_over_unwanted(pad: &gst::Pad, parse: &gst::Element, passing: Arc<AtomicI64>) {
    let parse = parse.clone();
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(gst::PadProbeData::Buffer(buffer)) = &info.data else { return gst::PadProbeReturn::Ok };
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let segment = segment.as_ref().and_then(|event| event.segment().downcast_ref::<gst::ClockTime>());
        let (Some(segment), Some(pts)) = (segment, buffer.pts()) else { return gst::PadProbeReturn::Ok };
        let until = passing.load(Ordering::Relaxed);
        let shown = || shown_at(Some(segment).filter(|_| !is_matroska(&parse)), pts, None);
        let passed = until > i64::MIN && shown().is_some_and(|at| at < until);
        let ends = buffer.duration().map(|length| pts + length);
        let before = ends.zip(segment.start()).is_some_and(|(ends, start)| ends <= start);
        if !passed && !before {
            return gst::PadProbeReturn::Ok;
        }
        let caps = pad.current_caps();
        let kind = caps.as_ref().and_then(|caps| caps.structure(0));
        let bytes = buffer.map_readable();
        if !kind.zip(bytes.as_ref().ok()).is_some_and(|(kind, bytes)| spared(kind, bytes)) {
            return gst::PadProbeReturn::Ok;
        }
        drop(bytes);
        info.data = None;
        gst::PadProbeReturn::Handled
    });
}

/// Decoders cut sound at a segment's start, in nanoseconds rounded down, and so keep one sample too many (of an
/// AAC encoder's priming, say) and shift the rest. Segments that enter by `pad` start a quarter of a sample later; their
/// start still means the same place in the film.
fn cut_between_samples(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |pad, info| {
        let Some(gst::PadProbeData::Event(event)) = &info.data else { return gst::PadProbeReturn::Ok };
        let gst::EventView::Segment(segment) = event.view() else { return gst::PadProbeReturn::Ok };
        let rate = pad.current_caps().and_then(|caps| caps.structure(0)?.get::<i32>("rate").ok());
        let quarter = rate.filter(|rate| *rate > 0).map(|rate| 250_000_000 / rate.unsigned_abs());
        let time = segment.segment().downcast_ref::<gst::ClockTime>().cloned();
        if let (Some(quarter), Some(mut moved)) = (quarter, time) {
            let quarter = gst::ClockTime::from_nseconds(u64::from(quarter));
            moved.set_start(moved.start().map(|start| start + quarter));
            moved.set_position(moved.start());
            let moved = gst::event::Segment::builder(&moved).seqnum(segment.seqnum()).build();
            info.data = Some(gst::PadProbeData::Event(moved));
        }
        gst::PadProbeReturn::Ok
    });
}
