//! A GStreamer pipeline that always ends: every wait has a limit, every error becomes a [`MediaError`], and
//! dropping it stops its threads.

use crate::error::MediaError;
use crate::mp4::Longer;
use gstreamer as gst;
use gstreamer::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Once, mpsc};
use std::time::{Duration, Instant};

/// How long a drop waits for GStreamer's threads before it leaves them to end by themselves.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Larger pictures are not read in one piece.
const MAX_STILL: u32 = 1 << 30;

pub(crate) struct Pipeline {
    pub gst: gst::Pipeline,
    bus: gst::Bus,
    file: PathBuf,
    writes: bool,
}

impl Pipeline {
    pub fn reading(file: &Path) -> Result<Pipeline, MediaError> {
        Pipeline::new(file, false)
    }

    pub fn writing(file: &Path) -> Result<Pipeline, MediaError> {
        Pipeline::new(file, true)
    }

    fn new(file: &Path, writes: bool) -> Result<Pipeline, MediaError> {
        let no_gstreamer = |cause: String| MediaError::GStreamer { cause };
        gst::init().map_err(|e| no_gstreamer(e.to_string()))?;
        prefer_exact_decoders();
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or_else(|| no_gstreamer("a pipeline without a bus".into()))?;
        Ok(Pipeline { gst: pipeline, bus, file: file.to_path_buf(), writes })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Makes an element and adds it.
    pub fn add(&self, element: &str) -> Result<gst::Element, MediaError> {
        let made = make(element)?;
        self.gst.add(&made).map_err(|e| self.failed(e.to_string()))?;
        Ok(made)
    }

    /// The file as it lies on disk, into a parsebin; the movie length that it claims where that was corrected.
    pub fn add_source(&self) -> Result<(gst::Element, Option<i64>), MediaError> {
        let source = self.add("filesrc")?;
        source.set_property("location", &self.file);
        let longer = Longer::find(&self.file);
        let claimed = longer.as_ref().map(|longer| longer.claimed);
        if let Some(longer) = longer {
            longer.apply(&source);
        }
        let parse = self.add("parsebin")?;
        match still_without_parser(&self.file) {
            Some(length) => {
                source.set_property("blocksize", length);
                // A queue pushes; without it the file would be pulled in small pieces after all.
                let queue = self.add("queue")?;
                set(&queue, "max-size-bytes", "0")?;
                self.link(&[&source, &queue, &parse])?;
            }
            None => self.link(&[&source, &parse])?,
        }
        Ok((parse, claimed))
    }

    pub fn link(&self, chain: &[&gst::Element]) -> Result<(), MediaError> {
        gst::Element::link_many(chain.iter().copied()).map_err(|e| self.failed(e.to_string()))
    }

    pub fn set_state(&self, state: gst::State) -> Result<(), MediaError> {
        match self.gst.set_state(state) {
            Ok(_) => Ok(()),
            // The bus knows why.
            Err(e) => self.check().and_then(|()| Err(self.failed(e.to_string()))),
        }
    }

    /// The first error that any element has posted.
    pub fn check(&self) -> Result<(), MediaError> {
        self.next_message(Duration::ZERO).map(|_| ())
    }

    /// The next end-of-stream (`true`) or preroll (`false`) message, `None` if none comes within `wait`.
    pub fn next_message(&self, wait: Duration) -> Result<Option<bool>, MediaError> {
        // Not the filtered pop: asked without waiting, it was seen to pass over an error for good.
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = gst::ClockTime::from_mseconds(left.as_millis() as u64);
            let Some(message) = self.bus.timed_pop(left) else { return Ok(None) };
            match message.view() {
                gst::MessageView::Error(error) => return Err(self.translate(error)),
                gst::MessageView::Eos(_) => return Ok(Some(true)),
                gst::MessageView::AsyncDone(_) => return Ok(Some(false)),
                _ => {}
            }
        }
    }

    pub fn failed(&self, cause: String) -> MediaError {
        let file = self.file.clone();
        if self.writes { MediaError::Writing { file, cause } } else { MediaError::Damaged { file, cause } }
    }

    fn translate(&self, message: &gst::message::Error) -> MediaError {
        let file = self.file.clone();
        let error = message.error();
        if let Some(kind) = error.kind::<gst::ResourceError>() {
            match kind {
                gst::ResourceError::NoSpaceLeft => return MediaError::DiskFull { file },
                gst::ResourceError::OpenWrite => {
                    return MediaError::CannotCreate { file, cause: error.message().to_string() };
                }
                gst::ResourceError::OpenRead | gst::ResourceError::NotFound if !self.writes => {
                    return MediaError::Unreadable { file, cause: error.message().to_string() };
                }
                _ => {}
            }
        }
        if let Some(kind) = error.kind::<gst::StreamError>() {
            match kind {
                gst::StreamError::TypeNotFound | gst::StreamError::WrongType if !self.writes => {
                    return MediaError::NotMedia { file };
                }
                gst::StreamError::CodecNotFound => {
                    let codec = error.message().to_string();
                    return MediaError::MissingDecoder { file, codec };
                }
                _ => {}
            }
        }
        if error.kind::<gst::CoreError>() == Some(gst::CoreError::MissingPlugin) && !self.writes {
            let codec = message.debug().map(|d| d.lines().last().unwrap_or_default().to_owned());
            return MediaError::MissingDecoder { file, codec: codec.unwrap_or_default() };
        }
        // The debug text ends with the element's own reason: "…: streaming stopped, reason error (-5)".
        let detail = message.debug().and_then(|d| d.lines().last().map(str::to_owned)).unwrap_or_default();
        let said = error.message().trim_end_matches('.').to_owned();
        self.failed(if detail.is_empty() { said } else { format!("{said}; {detail}") })
    }
}

/// GStreamer's own JPEG decoder makes 4:2:0 of everything and takes a short cut in its cosine transform (measured:
/// off by up to four of 255); libav's keeps the picture's own samples, behind the parser, which also reads how a
/// photograph is to be turned and which GStreamer leaves out by itself.
fn prefer_exact_decoders() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for element in ["jpegparse", "avdec_mjpeg"] {
            if let Some(feature) = gst::Registry::get().lookup_feature(element) {
                feature.set_rank(gst::Rank::PRIMARY + 1);
            }
        }
    });
}

/// Length of a file that is a BMP, TIFF or WebP picture: their decoders want it in one piece, and GStreamer has
/// nothing that puts the pieces of a file together for them.
fn still_without_parser(file: &Path) -> Option<u32> {
    let mut head = [0; 12];
    let mut opened = File::open(file).ok()?;
    opened.read_exact(&mut head).ok()?;
    let known = head.starts_with(b"BM")
        || head.starts_with(b"II*\0")
        || head.starts_with(b"MM\0*")
        || (head.starts_with(b"RIFF") && head.ends_with(b"WEBP"));
    let length = opened.metadata().ok()?.len();
    u32::try_from(length).ok().filter(|length| known && *length <= MAX_STILL)
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let pipeline = self.gst.clone();
        let (done, stopped) = mpsc::channel();
        let stop = move || {
            // Failing to stop leaves nothing more to try.
            let _ = pipeline.set_state(gst::State::Null);
            let _ = done.send(());
        };
        if std::thread::Builder::new().name("media-stop".into()).spawn(stop).is_ok() {
            let _ = stopped.recv_timeout(STOP_PATIENCE);
        }
    }
}

/// Makes an element that is not in a pipeline yet.
pub(crate) fn make(element: &str) -> Result<gst::Element, MediaError> {
    let missing = || MediaError::MissingElement { element: element.to_owned(), package: package_of(element) };
    gst::ElementFactory::make(element).build().map_err(|_| missing())
}

/// Sound as it is handed over in here: interleaved floating-point samples.
pub(crate) fn sound_caps(rate: u32, channels: u16) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "F32LE")
        .field("layout", "interleaved")
        .field("rate", i32::try_from(rate).unwrap_or(i32::MAX))
        .field("channels", i32::from(channels))
        .build()
}

/// Sets a property from text, as in `gst-launch`.
pub(crate) fn set(element: &gst::Element, property: &str, value: &str) -> Result<(), MediaError> {
    if element.find_property(property).is_none() {
        let name = element.factory().map(|f| f.name().to_string()).unwrap_or_default();
        return Err(MediaError::GStreamer { cause: format!("this version of {name} has no {property}") });
    }
    element.set_property_from_str(property, value);
    Ok(())
}

/// Debian's package of an element.
fn package_of(element: &str) -> &'static str {
    match element {
        e if e.starts_with("avenc_") || e.starts_with("avdec_") => "gstreamer1.0-libav",
        "x264enc" => "gstreamer1.0-plugins-ugly",
        "x265enc" | "h265parse" | "h264parse" => "gstreamer1.0-plugins-bad",
        "vp9enc" | "flacenc" | "matroskamux" | "webmmux" | "mp4mux" | "qtmux" | "aacparse" | "flacparse" => {
            "gstreamer1.0-plugins-good"
        }
        _ => "gstreamer1.0-plugins-base",
    }
}
