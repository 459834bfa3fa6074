//! A film onto disk. The file appears under its name only when it is whole: until then it grows under a
//! temporary name beside it, and an unfinished one vanishes.

use crate::error::MediaError;
use crate::ledger::{self, Ledger};
use crate::pipeline::{Pipeline, make, set};
use crate::pixels;
use crate::profile::{Encoder, Profile, Recipe, Ticks};
use crate::timing::Timing;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;
use gstreamer_video as gst_video;
use lipsmith_base::{Audio, Chroma, ColourSpec, Matrix, Picture, PixelFormat, Time};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the pictures are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoSpec {
    pub width: usize,
    pub height: usize,
    pub format: PixelFormat,
    pub colour: ColourSpec,
    /// Width : height of a pixel; `(1, 1)` for square ones.
    pub pixel_aspect: (u32, u32),
    pub timing: Timing,
}

/// What the sound is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpec {
    pub rate: u32,
    pub channels: u16,
}

/// Raw pictures that wait for the encoder.
const PICTURES: u64 = 4;
/// Encoded pictures may run so far ahead of the sound (and the other way round) before writing stops.
const AHEAD_BYTES: u32 = 256 << 20;
/// Raw sound that may wait: three minutes of 48 kHz stereo.
const SOUND_BYTES: u64 = 64 << 20;
/// An encoder that takes nothing for so long has died.
const PATIENCE: Duration = Duration::from_secs(120);

/// Writes pictures and sound alternately by time: either may run ahead of the other by seconds, but the
/// container holds both in step, so a caller that writes all pictures before any sound of a long film gets
/// [`MediaError::Misuse`] once 256 MB wait.
pub struct MovieWriter {
    target: PathBuf,
    temporary: Temporary,
    pipeline: Pipeline,
    video: gst_app::AppSrc,
    audio: Option<gst_app::AppSrc>,
    layout: gst_video::VideoInfo,
    spec: VideoSpec,
    audio_spec: Option<AudioSpec>,
    /// End of the last picture.
    end: Time,
    samples: u64,
    ledger: Arc<Mutex<Ledger>>,
    notes: Vec<String>,
}

/// A file that is removed unless it was kept.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // If it cannot be removed there is nobody left to tell.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl MovieWriter {
    /// # Errors
    /// [`MediaError::CannotCreate`], [`MediaError::Misuse`] for a format that cannot be carried at all,
    /// [`MediaError::MissingElement`].
    pub fn create(
        path: &Path,
        profile: Profile,
        spec: VideoSpec,
        audio: Option<AudioSpec>,
    ) -> Result<MovieWriter, MediaError> {
        let misuse = |problem: String| MediaError::Misuse { file: path.to_path_buf(), problem };
        let pipeline = Pipeline::writing(path)?;
        let temporary = temporary_beside(path)?;
        let location = temporary.0.clone().unwrap_or_default();
        let recipe = profile.recipe();
        let layout = layout(&spec).ok_or_else(|| {
            misuse(format!(
                "pictures of {}×{} in {:?} cannot be written",
                spec.width, spec.height, spec.format
            ))
        })?;
        let mut notes = Vec::new();

        let muxer = pipeline.add(recipe.muxer)?;
        let sink = pipeline.add("filesink")?;
        sink.set_property("location", &location);
        pipeline.link(&[&muxer, &sink])?;

        let video = source(&pipeline, &video_caps(&layout, &spec))?;
        video.set_max_bytes(0);
        let carried = profile.accepted_format(spec.format);
        if carried != spec.format {
            notes.push(format!(
                "{} carries {}; the pictures ({}) are converted",
                recipe.name,
                words(carried),
                words(spec.format)
            ));
        }
        let raw = carried_caps(recipe, carried, &spec).ok_or_else(|| misuse("no such format".into()))?;
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let variable = matches!(spec.timing, Timing::Variable { .. });
        let pad = Branch {
            source: &video,
            converter: "videoconvert",
            raw,
            encoder: &recipe.video,
            in_order: variable,
            shift: 0,
        }
        .plug(&pipeline, &muxer)?;
        ledger::watch(&pad, Arc::clone(&ledger), variable);
        set_ticks(&muxer, &pad, recipe, spec.timing)?;

        let audio_source = match audio {
            None => None,
            Some(sound) => {
                let caps = audio_caps(sound).ok_or_else(|| {
                    misuse(format!(
                        "sound of {} channels at {} Hz cannot be written",
                        sound.channels, sound.rate
                    ))
                })?;
                let source = source(&pipeline, &caps)?;
                let encoder =
                    recipe.surround.as_ref().filter(|_| sound.channels > 2).unwrap_or(&recipe.audio);
                if recipe.surround.is_some() && sound.channels > 2 {
                    notes.push(format!("{} carries sound of more than two channels as AAC", recipe.name));
                }
                // The channels are named so that an encoder which knows fewer refuses instead of mixing them.
                let mut raw = gst::Caps::builder("audio/x-raw").field("channels", i32::from(sound.channels));
                if !encoder.sample_format.is_empty() {
                    raw = raw.field("format", encoder.sample_format);
                }
                let early = i64::from(encoder.priming) * 1_000_000_000 / i64::from(sound.rate);
                Branch {
                    source: &source,
                    converter: "audioconvert",
                    raw: raw.build(),
                    encoder,
                    in_order: false,
                    shift: -early,
                }
                .plug(&pipeline, &muxer)?;
                Some(source)
            }
        };
        pipeline.set_state(gst::State::Playing)?;
        Ok(MovieWriter {
            target: path.to_path_buf(),
            temporary,
            pipeline,
            video,
            audio: audio_source,
            layout,
            spec,
            audio_spec: audio,
            end: Time::ZERO,
            samples: 0,
            ledger,
            notes,
        })
    }

    /// Where the file differs from what was asked for.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Waits while the encoder is busy. Pictures come in order of time, without overlap.
    ///
    /// # Errors
    /// [`MediaError::Misuse`], [`MediaError::DiskFull`], [`MediaError::Writing`].
    pub fn write_picture(&mut self, picture: &Picture, pts: Time, duration: Time) -> Result<(), MediaError> {
        let spec = &self.spec;
        let (is, wants) =
            ((picture.width(), picture.height(), picture.format()), (spec.width, spec.height, spec.format));
        if is != wants {
            return Err(self.misuse(format!("a picture of {is:?} was given to a film of {wants:?}")));
        }
        if pts < self.end || duration <= Time::ZERO {
            let end = self.end;
            return Err(
                self.misuse(format!("a picture at {pts} for {duration} follows one that ends at {end}"))
            );
        }
        let mut buffer = pixels::buffer(picture, &self.layout)
            .ok_or_else(|| self.pipeline.failed("no memory for a picture".into()))?;
        stamp(&mut buffer, pts, pts + duration);
        if let (Some(start), Some(length)) = (buffer.pts(), buffer.duration()) {
            ledger::lock(&self.ledger).enter(start.nseconds(), length.nseconds());
        }
        self.push(&self.video, buffer, |source| source.current_level_buffers() < PICTURES)?;
        self.end = pts + duration;
        Ok(())
    }

    /// Appends sound; the first sample sounds at time 0.
    ///
    /// # Errors
    /// As [`MovieWriter::write_picture`].
    pub fn write_audio(&mut self, audio: &Audio) -> Result<(), MediaError> {
        let (Some(source), Some(spec)) = (&self.audio, self.audio_spec) else {
            return Err(self.misuse("sound was given to a film without sound".into()));
        };
        if (audio.rate, audio.channels) != (spec.rate, spec.channels) {
            let (rate, channels) = (audio.rate, audio.channels);
            return Err(
                self.misuse(format!("sound of {channels} channels at {rate} Hz, not {spec:?}, was given"))
            );
        }
        if audio.frames() == 0 {
            return Ok(());
        }
        let bytes: Vec<u8> = audio.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        let at = |samples: u64| Time::from_units(samples as i64, i64::from(spec.rate));
        let end = self.samples + audio.frames() as u64;
        stamp(&mut buffer, at(self.samples), at(end));
        self.push(source, buffer, |source| source.current_level_bytes() < SOUND_BYTES)?;
        self.samples = end;
        Ok(())
    }

    /// Writes the rest, makes sure that every picture is in it once and that it is on the disk, and gives the
    /// file its name.
    ///
    /// # Errors
    /// As [`MovieWriter::write_picture`], and when the encoder lost or doubled a picture; the file does not exist
    /// then.
    pub fn finish(mut self) -> Result<(), MediaError> {
        for source in std::iter::once(&self.video).chain(&self.audio) {
            source.end_of_stream().map_err(|e| self.pipeline.failed(e.to_string()))?;
        }
        let mut watch = Watch::new(&self);
        while self.pipeline.next_message(Duration::from_millis(50))? != Some(true) {
            watch.still_moving(&self, "finishing it")?;
        }
        self.pipeline.set_state(gst::State::Null)?;
        if let Some(cause) = ledger::lock(&self.ledger).disagreement() {
            return Err(self.pipeline.failed(cause));
        }
        let Some(temporary) = self.temporary.0.clone() else { return Ok(()) };
        let failed = |e: std::io::Error| MediaError::writing(&self.target, &e);
        File::open(&temporary).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(&temporary, &self.target).map_err(failed)?;
        self.temporary.0 = None;
        Ok(())
    }

    fn push(
        &self,
        source: &gst_app::AppSrc,
        buffer: gst::Buffer,
        has_room: impl Fn(&gst_app::AppSrc) -> bool,
    ) -> Result<(), MediaError> {
        self.pipeline.check()?;
        let mut watch = Watch::new(self);
        while !has_room(source) {
            std::thread::sleep(Duration::from_millis(1));
            self.pipeline.check()?;
            watch.still_moving(self, "encoding")?;
        }
        // A refused buffer has its reason on the bus.
        let pushed = source.push_buffer(buffer);
        pushed.map(drop).or_else(|e| self.pipeline.check().and(Err(self.pipeline.failed(e.to_string()))))
    }

    fn misuse(&self, problem: String) -> MediaError {
        MediaError::Misuse { file: self.target.clone(), problem }
    }
}

/// Tells an encoder at work from one that waits for ever.
struct Watch {
    seen: (u64, u64, u64),
    since: Instant,
}

impl Watch {
    fn new(writer: &MovieWriter) -> Watch {
        Watch { seen: Watch::levels(writer), since: Instant::now() }
    }

    fn levels(writer: &MovieWriter) -> (u64, u64, u64) {
        let written =
            writer.temporary.0.as_ref().and_then(|p| std::fs::metadata(p).ok()).map_or(0, |m| m.len());
        let sound = writer.audio.as_ref().map_or(0, gst_app::AppSrc::current_level_bytes);
        (written, writer.video.current_level_buffers(), sound)
    }

    fn still_moving(&mut self, writer: &MovieWriter, doing: &'static str) -> Result<(), MediaError> {
        let now = Watch::levels(writer);
        if now != self.seen {
            *self = Watch { seen: now, since: Instant::now() };
        }
        let pictures = writer.end;
        let sound =
            Time::from_units(writer.samples as i64, writer.audio_spec.map_or(1, |s| i64::from(s.rate)));
        let apart = (pictures - sound).secs_f64().abs();
        if doing == "encoding"
            && writer.audio.is_some()
            && apart > 10.0
            && self.since.elapsed().as_secs() >= 5
        {
            return Err(writer.misuse(format!(
                "pictures up to {pictures} but sound up to {sound} were given: write them alternately by time"
            )));
        }
        if self.since.elapsed() > PATIENCE {
            let file = writer.target.clone();
            return Err(MediaError::Stalled { file, seconds: PATIENCE.as_secs(), doing });
        }
        Ok(())
    }
}

/// `name.mp4` → `.name.mp4.123-0.part` in the same folder, so that the last rename is atomic.
fn temporary_beside(path: &Path) -> Result<Temporary, MediaError> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let file = path.to_path_buf();
    let Some(name) = path.file_name().filter(|_| !path.is_dir()) else {
        return Err(MediaError::CannotCreate { file, cause: "it is a folder".into() });
    };
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let hidden = format!(".{}.{}-{number}.part", name.to_string_lossy(), std::process::id());
    let temporary = path.with_file_name(hidden);
    match File::create_new(&temporary) {
        Ok(_) => Ok(Temporary(Some(temporary))),
        Err(e) if e.kind() == std::io::ErrorKind::StorageFull => Err(MediaError::DiskFull { file }),
        Err(e) => Err(MediaError::CannotCreate { file, cause: e.to_string() }),
    }
}

/// One stream's way: appsrc → converter → `raw` → encoder → parser → queue → muxer.
struct Branch<'a> {
    source: &'a gst_app::AppSrc,
    converter: &'static str,
    raw: gst::Caps,
    encoder: &'static Encoder,
    /// Pictures are encoded in the order in which they are shown.
    in_order: bool,
    /// Moves the encoder's output in time, ns.
    shift: i64,
}

impl Branch<'_> {
    /// Returns the muxer's pad.
    fn plug(self, pipeline: &Pipeline, muxer: &gst::Element) -> Result<gst::Pad, MediaError> {
        let Branch { source, converter, raw, encoder, in_order, shift } = self;
        let convert = pipeline.add(converter)?;
        let mut chain = vec![source.clone().upcast(), convert];
        if converter == "audioconvert" {
            // For encoders that know few rates; it passes the others through.
            let resample = pipeline.add("audioresample")?;
            set(&resample, "quality", "10")?;
            chain.push(resample);
        }
        let filter = pipeline.add("capsfilter")?;
        filter.set_property("caps", &raw);
        chain.push(filter);
        let made = pipeline.add(encoder.element)?;
        let in_order = if in_order { encoder.in_order } else { &[] };
        for (property, value) in encoder.options.iter().chain(in_order) {
            set(&made, property, value)?;
        }
        chain.push(made);
        if let Some(parser) = encoder.parser {
            chain.push(pipeline.add(parser)?);
        }
        if let Some(pad) = chain.last().and_then(|last| last.static_pad("src")) {
            pad.set_offset(shift);
        }
        let queue = pipeline.add("queue")?;
        set(&queue, "max-size-buffers", "0")?;
        set(&queue, "max-size-time", "0")?;
        queue.set_property("max-size-bytes", AHEAD_BYTES);
        chain.push(queue.clone());
        chain.push(muxer.clone());
        pipeline.link(&chain.iter().collect::<Vec<_>>())?;
        let pad = queue.static_pad("src").and_then(|pad| pad.peer());
        pad.ok_or_else(|| pipeline.failed("the container has no place for this stream".into()))
    }
}

fn source(pipeline: &Pipeline, caps: &gst::Caps) -> Result<gst_app::AppSrc, MediaError> {
    let source: gst_app::AppSrc = make("appsrc")?
        .downcast()
        .map_err(|_| MediaError::GStreamer { cause: "appsrc is not an appsrc".into() })?;
    source.set_caps(Some(caps));
    source.set_format(gst::Format::Time);
    // Levels are watched here, so that a wait can end in an error.
    source.set_block(false);
    pipeline.gst.add(&source).map_err(|e| pipeline.failed(e.to_string()))?;
    Ok(source)
}

/// Times in nanoseconds, each rounded by itself so that nothing adds up.
fn stamp(buffer: &mut gst::Buffer, start: Time, end: Time) {
    let clock = |time: Time| gst::ClockTime::from_nseconds(time.nanos().max(0).unsigned_abs());
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(clock(start));
        buffer.set_duration(clock(end).saturating_sub(clock(start)));
    }
}

/// Ticks a second of the container so that every picture starts on one.
fn set_ticks(
    muxer: &gst::Element,
    pad: &gst::Pad,
    recipe: &Recipe,
    timing: Timing,
) -> Result<(), MediaError> {
    match (recipe.ticks, timing) {
        (Ticks::Free, _) => {
            let base = timing.base().num();
            // At least 10,000, so that edits fit; at most what 32 bits of a long film hold.
            let scale = base.saturating_mul(10_000_u32.div_ceil(base)).min(10_000_000);
            set(muxer, "movie-timescale", &scale.to_string())?;
            // Of the picture alone: a PCM track counts samples.
            if pad.find_property("trak-timescale").is_some() {
                pad.set_property("trak-timescale", scale);
            }
            Ok(())
        }
        // A reader recovers a constant rate from milliseconds; a variable one needs finer ticks.
        (Ticks::Decimal, Timing::Constant { .. }) => Ok(()),
        (Ticks::Decimal, Timing::Variable { .. }) => set(muxer, "timecodescale", "10000"),
    }
}

fn layout(spec: &VideoSpec) -> Option<gst_video::VideoInfo> {
    let format = pixels::layout_of(spec.format)?;
    let (width, height) = (u32::try_from(spec.width).ok()?, u32::try_from(spec.height).ok()?);
    let par = |v: u32| i32::try_from(v).ok();
    let (num, den) = (par(spec.pixel_aspect.0)?, par(spec.pixel_aspect.1)?);
    gst_video::VideoInfo::builder(format, width, height)
        .colorimetry(&pixels::colorimetry(spec.format, spec.colour))
        .par(gst::Fraction::new(num.max(1), den.max(1)))
        .build()
        .ok()
}

fn video_caps(layout: &gst_video::VideoInfo, spec: &VideoSpec) -> gst::Caps {
    let mut caps = layout.to_caps().unwrap_or_else(|_| gst::Caps::new_empty_simple("video/x-raw"));
    let base = spec.timing.base();
    if let Some(structure) = caps.get_mut().and_then(|caps| caps.structure_mut(0)) {
        let rate = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        structure.set("framerate", gst::Fraction::new(rate(base.num()), rate(base.den())));
        if spec.format.subsampling() != (0, 0) {
            structure.set("chroma-site", if spec.colour.chroma_left { "mpeg2" } else { "jpeg" });
        }
    }
    caps
}

/// What goes into the encoder. R'G'B' that becomes Y'CbCr becomes the field's own kind: BT.709, video range.
fn carried_caps(recipe: &Recipe, carried: PixelFormat, spec: &VideoSpec) -> Option<gst::Caps> {
    let mut format = pixels::layout_of(carried)?;
    if recipe.profile == Profile::Ffv1Mkv && carried == PixelFormat::GBR8 {
        // FFV1 knows 8-bit R'G'B' only interleaved; the samples are the same.
        format = gst_video::VideoFormat::Bgrx;
    }
    let mut caps = gst::Caps::builder("video/x-raw").field("format", format.to_str().as_str());
    if carried.chroma != Chroma::Gbr && spec.format.chroma == Chroma::Gbr {
        let colour = ColourSpec { matrix: Matrix::Bt709, full_range: false, ..spec.colour };
        caps = caps.field("colorimetry", pixels::colorimetry(carried, colour).to_string());
    }
    Some(caps.build())
}

fn audio_caps(sound: AudioSpec) -> Option<gst::Caps> {
    let channels = u32::from(sound.channels);
    if channels == 0 || !(8_000..=192_000).contains(&sound.rate) {
        return None;
    }
    // The usual places for so many channels; encoders refuse channels without a place.
    let mut places = vec![gst_audio::AudioChannelPosition::None; usize::from(sound.channels)];
    let usual = gst_audio::AudioChannelPosition::fallback_mask(channels);
    if channels > 2 {
        gst_audio::AudioChannelPosition::positions_from_mask(usual, &mut places).ok()?;
    }
    let info = gst_audio::AudioInfo::builder(gst_audio::AudioFormat::F32le, sound.rate, channels);
    let info = if channels > 2 && usual != 0 { info.positions(&places) } else { info };
    info.build().ok()?.to_caps().ok()
}

fn words(format: PixelFormat) -> String {
    let kind = match format.chroma {
        Chroma::C420 => "4:2:0",
        Chroma::C422 => "4:2:2",
        Chroma::C444 => "4:4:4",
        Chroma::Gbr => "R'G'B'",
    };
    format!("{kind} {} bit", format.depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::PROFILES;
    use crate::synthetic;
    use lipsmith_base::FrameRate;

    /// The film's encoder loses its fourth picture.
    #[test]
    fn a_lost_picture_is_told_and_no_film_is_left() {
        let folder = tempfile::tempdir().expect("folder");
        let rate = FrameRate::FPS_25;
        for profile in PROFILES {
            let path = folder.path().join(profile.name());
            let spec = VideoSpec {
                width: 128,
                height: 64,
                format: PixelFormat::I420,
                colour: ColourSpec::BT709,
                pixel_aspect: (1, 1),
                timing: Timing::constant(rate),
            };
            let mut writer = MovieWriter::create(&path, profile, spec, None).expect("create");
            let leak = writer.video.static_pad("src").expect("a pad");
            let seen = AtomicU32::new(0);
            leak.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
                let lost = seen.fetch_add(1, Ordering::Relaxed) == 3;
                if lost { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Ok }
            });
            for number in 0..12 {
                let picture =
                    synthetic::picture(number, 128, 64, spec.format, spec.colour).expect("a picture");
                let start = rate.frame_start(number as i64);
                writer.write_picture(&picture, start, rate.frame_duration()).expect("written");
            }
            let error = writer.finish().expect_err("a picture is missing").to_string();
            assert!(error.contains("lost 1 of 12 pictures") && error.contains("0.120"), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0, "{error}");
        }
    }
}
