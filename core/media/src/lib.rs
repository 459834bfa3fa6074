//! Films and sound in and out, by GStreamer. No GStreamer type leaves this crate.
