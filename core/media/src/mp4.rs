//! A correction to MP4 and QuickTime files on their way into GStreamer.
//!
//! GStreamer 1.22 compares the *media* time of a track with the length of the *movie* to find the end. A film
//! that was trimmed without re-encoding has an edit list that begins late in the media, and loses its end
//! (measured: 271 of 485 pictures read). The movie's length in its header is therefore raised, in memory, to
//! that of its longest track; edit lists still decide what is shown.
//! Boxes: ISO/IEC 14496-12, 4.2, 8.2.2 (`mvhd`) and 8.4.2 (`mdhd`).

use gstreamer as gst;
use gstreamer::prelude::*;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// More boxes than this in one level is not a film.
const MAX_BOXES: usize = 4_096;

/// Where the movie's length stands in the file, and what should stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Longer {
    offset: u64,
    bytes: Vec<u8>,
    /// What stands there, in nanoseconds.
    pub claimed: i64,
}

impl Longer {
    /// `None` for a file that needs no correction, or is no MP4.
    pub fn find(path: &Path) -> Option<Longer> {
        let mut file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        if boxes(&mut file, 0, length).first()?.kind != *b"ftyp" {
            return None;
        }
        let moov = child(&mut file, 0, length, b"moov")?;
        let mvhd = child(&mut file, moov.start, moov.end, b"mvhd")?;
        let movie = Header::read(&mut file, &mvhd)?;
        let tracks = boxes(&mut file, moov.start, moov.end).into_iter().filter(|b| b.kind == *b"trak");
        let longest = tracks
            .filter_map(|trak| {
                let mdia = child(&mut file, trak.start, trak.end, b"mdia")?;
                let mdhd = child(&mut file, mdia.start, mdia.end, b"mdhd")?;
                let media = Header::read(&mut file, &mdhd)?;
                media.duration.checked_mul(movie.timescale)?.checked_div(media.timescale)
            })
            .max()?;
        if longest <= movie.duration || movie.duration == 0 {
            return None;
        }
        let bytes = match movie.width {
            4 => u32::try_from(longest).ok().filter(|d| *d < u32::MAX)?.to_be_bytes().to_vec(),
            _ => u64::try_from(longest).ok()?.to_be_bytes().to_vec(),
        };
        let claimed = i64::try_from(movie.duration * 1_000_000_000 / movie.timescale).ok()?;
        Some(Longer { offset: movie.duration_at, bytes, claimed })
    }

    /// Corrects what `source`, a filesrc, delivers.
    pub fn apply(self, source: &gst::Element) {
        let Some(pad) = source.static_pad("src") else { return };
        let kind = gst::PadProbeType::PULL | gst::PadProbeType::BUFFER;
        pad.add_probe(kind, move |_, info| {
            let start = info.offset;
            if let Some(buffer) = info.buffer_mut() {
                let end = start + buffer.size() as u64;
                if start < self.offset + self.bytes.len() as u64 && self.offset < end {
                    self.overwrite(start, buffer.make_mut());
                }
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn overwrite(&self, start: u64, buffer: &mut gst::BufferRef) {
        let Ok(mut map) = buffer.map_writable() else { return };
        for (at, byte) in (self.offset..).zip(&self.bytes) {
            let place = at.checked_sub(start).and_then(|i| usize::try_from(i).ok());
            if let Some(out) = place.and_then(|i| map.get_mut(i)) {
                *out = *byte;
            }
        }
    }
}

struct Atom {
    kind: [u8; 4],
    /// Of its contents, in the file.
    start: u64,
    end: u64,
}

/// The boxes in `[start, end)`, as far as they are whole.
fn boxes(file: &mut File, start: u64, end: u64) -> Vec<Atom> {
    let mut found = Vec::new();
    let mut at = start;
    while found.len() < MAX_BOXES && end.saturating_sub(at) >= 8 {
        let Some(head) = read::<16>(file, at, end) else { break };
        let size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let long = u64::from_be_bytes([
            head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15],
        ]);
        let (header, size) = match size {
            0 => (8, end - at),
            1 => (16, long),
            size => (8, size),
        };
        let Some(next) = at.checked_add(size).filter(|next| *next <= end && size >= header) else { break };
        found.push(Atom { kind: [head[4], head[5], head[6], head[7]], start: at + header, end: next });
        at = next;
    }
    found
}

fn child(file: &mut File, start: u64, end: u64, kind: &[u8; 4]) -> Option<Atom> {
    boxes(file, start, end).into_iter().find(|b| b.kind == *kind)
}

/// `N` bytes at `at`; zeros past `end`.
fn read<const N: usize>(file: &mut File, at: u64, end: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let there = usize::try_from(end.checked_sub(at)?.min(N as u64)).ok()?;
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut bytes[..there]).ok()?;
    Some(bytes)
}

/// What `mvhd` and `mdhd` have in common.
struct Header {
    timescale: u128,
    duration: u128,
    duration_at: u64,
    /// Bytes of the duration.
    width: u64,
}

impl Header {
    fn read(file: &mut File, header: &Atom) -> Option<Header> {
        let bytes = read::<32>(file, header.start, header.end)?;
        let word = |at: usize| {
            u128::from(u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
        };
        // Version 1 has times and durations of 64 bits.
        let (timescale, duration, at, width) = match bytes[0] {
            0 => (word(12), word(16), 16, 4),
            1 => (word(20), word(24) << 32 | word(28), 24, 8),
            _ => return None,
        };
        (timescale > 0 && header.end - header.start >= at + width).then_some(Header {
            timescale,
            duration,
            duration_at: header.start + at,
            width,
        })
    }
}
