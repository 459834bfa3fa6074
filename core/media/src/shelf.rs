//! Scans as bytes that outlive the process: a long film is looked through once, not once a session. Where the bytes
//! lie is left to whoever keeps them.

use crate::scan::{Scan, Track};
use gstreamer as gst;
use lipsmith_base::Digest;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Keeps bytes by name between sessions. What it keeps may vanish or rot at any moment.
pub trait Shelf: Send + Sync {
    /// `None` when nothing of that name can be had.
    fn fetch(&self, name: Digest) -> Option<Vec<u8>>;
    /// Failing costs time in the next session and nothing else.
    fn keep(&self, name: Digest, bytes: &[u8]);
}

/// Part of the names: raised whenever a file would be taken apart or written down differently.
pub(crate) const VERSION: u32 = 1;

/// [`Scan`] without GStreamer's types.
#[derive(Serialize, Deserialize)]
struct Kept {
    container: String,
    container_words: String,
    video: Option<KeptTrack>,
    audio: Option<KeptTrack>,
    extra_streams: usize,
    still: bool,
    claimed: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct KeptTrack {
    caps: String,
    orientation: Option<String>,
    shown: Option<Vec<i64>>,
    keys: Vec<i64>,
    first: Option<i64>,
    end: i64,
    length: i64,
    last_length: Option<i64>,
    packets: u64,
    bytes: u64,
}

/// The digest of what follows it, as hexadecimal digits, and JSON.
pub(crate) fn encode(scan: &Scan) -> Option<Vec<u8>> {
    let Scan { container, container_words, video, audio, extra_streams, still, claimed } = scan;
    let kept = Kept {
        container: container.clone(),
        container_words: container_words.clone(),
        video: video.as_ref().map(KeptTrack::of),
        audio: audio.as_ref().map(KeptTrack::of),
        extra_streams: *extra_streams,
        still: *still,
        claimed: *claimed,
    };
    let body = serde_json::to_vec(&kept).ok()?;
    Some([Digest::of(&body).hex().into_bytes(), body].concat())
}

/// `None` unless the bytes are whole. GStreamer must have been started.
pub(crate) fn decode(bytes: &[u8]) -> Option<Scan> {
    let (digest, body) = bytes.split_at_checked(64)?;
    if Digest::of(body).hex().as_bytes() != digest {
        return None;
    }
    let kept: Kept = serde_json::from_slice(body).ok()?;
    let Kept { container, container_words, video, audio, extra_streams, still, claimed } = kept;
    let track = |kept: Option<KeptTrack>| match kept {
        Some(kept) => Some(Some(kept.track()?)),
        None => Some(None),
    };
    let (video, audio) = (track(video)?, track(audio)?);
    Some(Scan { container, container_words, video, audio, extra_streams, still, claimed })
}

impl KeptTrack {
    fn of(track: &Track) -> KeptTrack {
        let Track { caps, orientation, shown, keys, first, end, length, last_length, packets, bytes } = track;
        KeptTrack {
            caps: caps.to_string(),
            orientation: orientation.clone(),
            shown: shown.as_deref().map(steps),
            keys: steps(keys),
            first: *first,
            end: *end,
            length: *length,
            last_length: *last_length,
            packets: *packets,
            bytes: *bytes,
        }
    }

    fn track(self) -> Option<Track> {
        let KeptTrack { caps, orientation, shown, keys, first, end, length, last_length, packets, bytes } =
            self;
        Some(Track {
            caps: caps.parse::<gst::Caps>().ok()?,
            orientation,
            shown: shown.as_deref().map(times),
            keys: times(&keys),
            first,
            end,
            length,
            last_length,
            packets,
            bytes,
        })
    }
}

/// From each time to the next: half the digits.
fn steps(times: &[i64]) -> Vec<i64> {
    let mut last = 0;
    times.iter().map(|&time| time.wrapping_sub(std::mem::replace(&mut last, time))).collect()
}

fn times(steps: &[i64]) -> Arc<[i64]> {
    let sum = |last: &mut i64, step: &i64| {
        *last = last.wrapping_add(*step);
        Some(*last)
    };
    steps.iter().scan(0, sum).collect()
}
