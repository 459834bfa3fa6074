//! The loudspeaker, and the clock it keeps: what is heard now is where playing is. A machine without one plays into
//! the void at the same pace.

use crate::error::MediaError;
use crate::pipeline::{make, set, sound_caps};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use lipsmith_base::{Audio, Time};

pub struct AudioOutput {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    volume: gst::Element,
    rate: u32,
    channels: u16,
    audible: bool,
    /// Sample frames handed over since the last [`AudioOutput::stop`].
    pushed: u64,
}

impl AudioOutput {
    /// The system's loudspeaker; where there is none, a silent one with a clock ([`AudioOutput::audible`] tells).
    ///
    /// # Errors
    /// When GStreamer lacks the elements for either.
    pub fn open(rate: u32, channels: u16) -> Result<AudioOutput, MediaError> {
        match Self::build("autoaudiosink", rate, channels) {
            Ok(output) if output.audible => Ok(output),
            _ => Self::silent(rate, channels),
        }
    }

    /// Heard by nobody, in step with the machine's clock.
    ///
    /// # Errors
    /// As [`AudioOutput::open`].
    pub fn silent(rate: u32, channels: u16) -> Result<AudioOutput, MediaError> {
        Self::build("fakesink", rate, channels)
    }

    fn build(sink: &str, rate: u32, channels: u16) -> Result<AudioOutput, MediaError> {
        gst::init().map_err(|e| MediaError::GStreamer { cause: e.to_string() })?;
        let source: gst_app::AppSrc = make("appsrc")?
            .downcast()
            .map_err(|_| MediaError::GStreamer { cause: "appsrc is not an appsrc".into() })?;
        let caps = sound_caps(rate, channels);
        source.set_caps(Some(&caps));
        source.set_format(gst::Format::Time);
        source.set_max_bytes(0);
        let (convert, resample, volume) = (make("audioconvert")?, make("audioresample")?, make("volume")?);
        let end = make(sink)?;
        if sink == "fakesink" {
            set(&end, "sync", "true")?;
        }
        let pipeline = gst::Pipeline::new();
        let chain = [source.upcast_ref(), &convert, &resample, &volume, &end];
        let made = pipeline.add_many(chain).and_then(|()| gst::Element::link_many(chain));
        made.map_err(|e| lost(e.to_string()))?;
        let mut output = AudioOutput { pipeline, source, volume, rate, channels, audible: false, pushed: 0 };
        // Opens the device, which then stays open between playings.
        output.set_state(gst::State::Ready)?;
        output.audible = sink != "fakesink" && !chose_nothing(&end);
        // The source takes nothing before that.
        output.set_state(gst::State::Paused)?;
        Ok(output)
    }

    /// Whether there is a device behind it.
    pub fn audible(&self) -> bool {
        self.audible
    }

    /// Hands a block over, in the rate and channels of [`AudioOutput::open`]; it follows the one before.
    ///
    /// # Errors
    /// [`MediaError::Loudspeaker`].
    pub fn push(&mut self, block: &Audio) -> Result<(), MediaError> {
        let bytes: Vec<u8> = block.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let time = |frames: u64| gst::ClockTime::from_nseconds(self.time(frames).nanos().unsigned_abs());
        let end = self.pushed + block.frames() as u64;
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(time(self.pushed));
            buffer.set_duration(time(end) - time(self.pushed));
        }
        self.pushed = end;
        self.source.push_buffer(buffer).map(drop).map_err(|e| lost(e.to_string()))
    }

    /// Lets it be heard. A few blocks should have been pushed.
    ///
    /// # Errors
    /// As [`AudioOutput::push`].
    pub fn play(&self) -> Result<(), MediaError> {
        self.set_state(gst::State::Playing)
    }

    /// Silent at once; what was pushed is forgotten, and counting begins anew.
    ///
    /// # Errors
    /// As [`AudioOutput::push`].
    pub fn stop(&mut self) -> Result<(), MediaError> {
        self.pushed = 0;
        self.set_state(gst::State::Ready)?;
        self.set_state(gst::State::Paused)
    }

    /// How much of what was pushed has been heard; `None` until the first of it is.
    ///
    /// # Errors
    /// When the device has gone.
    pub fn heard(&self) -> Result<Option<Time>, MediaError> {
        self.check()?;
        let (_, state, _) = self.pipeline.state(gst::ClockTime::ZERO);
        let position = self.pipeline.query_position::<gst::ClockTime>();
        let position = position.filter(|_| state == gst::State::Playing);
        Ok(position.map(|at| Time::from_nanos(at.nseconds() as i64)))
    }

    /// Length of all that was pushed.
    pub fn pushed(&self) -> Time {
        self.time(self.pushed)
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// Linear gain, 0..=1.
    pub fn set_volume(&self, gain: f32) {
        self.volume.set_property("volume", f64::from(gain.clamp(0.0, 1.0)));
    }

    fn time(&self, frames: u64) -> Time {
        Time::from_units(i64::try_from(frames).unwrap_or(i64::MAX), i64::from(self.rate))
    }

    fn set_state(&self, state: gst::State) -> Result<(), MediaError> {
        match self.pipeline.set_state(state) {
            Ok(_) => Ok(()),
            // The bus knows why.
            Err(e) => self.check().and_then(|()| Err(lost(e.to_string()))),
        }
    }

    fn check(&self) -> Result<(), MediaError> {
        let Some(bus) = self.pipeline.bus() else { return Ok(()) };
        while let Some(message) = bus.pop() {
            if let gst::MessageView::Error(error) = message.view() {
                return Err(lost(error.error().message().to_owned()));
            }
        }
        Ok(())
    }
}

fn lost(cause: String) -> MediaError {
    MediaError::Loudspeaker { cause }
}

/// Whether `autoaudiosink` has found no device and holds a stand-in.
fn chose_nothing(auto: &gst::Element) -> bool {
    let Some(bin) = auto.downcast_ref::<gst::Bin>() else { return false };
    let children = bin.children();
    let stand_in = |e: &gst::Element| e.factory().is_some_and(|f| f.name().starts_with("fake"));
    children.is_empty() || children.iter().any(stand_in)
}

impl Drop for AudioOutput {
    fn drop(&mut self) {
        // Nothing more can be done about a device that does not close.
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
