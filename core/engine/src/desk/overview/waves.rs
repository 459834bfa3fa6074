//! Waveforms. Of long sound a coarse one first, from short stretches all over the file; then every sample, from the
//! start. What is finished is kept in the cache by the file's fingerprint.

use crate::cache::{self, Cache};
use crate::error::EngineError;
use crate::files::write_atomically;
use lipsmith_base::{Audio, Digest, Time};
use lipsmith_media::{AudioReader, Peaks, ReadOptions};
use lipsmith_project::Media;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sample frames of one extent, as [`Peaks::new`] wants them.
const STRETCH: usize = 256;
/// Shorter sound is read whole sooner than it is probed.
const LONG: Time = Time(180 * lipsmith_base::time::FLICKS);
/// Heard at each place of a coarse waveform.
const PROBE: Time = Time(lipsmith_base::time::FLICKS / 8);
/// The coarse waveform takes so long, whatever it has by then; no more places than a wide screen has columns.
const COARSE: Duration = Duration::from_millis(1_200);
const PLACES: usize = 1_024;
/// Between two tellings of how far the fine waveform has come.
const NEWS: Duration = Duration::from_secs(2);

type Extent = [i8; 2];

pub struct Wave {
    path: PathBuf,
    rate: u32,
    extents: Vec<Extent>,
    stage: Stage,
}

enum Stage {
    /// Was in the cache.
    Kept,
    Coarse {
        reader: AudioReader,
        begun: Instant,
        places: Vec<Option<Extent>>,
        next: usize,
    },
    Fine {
        reader: AudioReader,
        done: usize,
        rest: Vec<f32>,
        told: Instant,
    },
    Done,
}

impl Wave {
    pub fn begin(media: &Media, cache: &Cache) -> Result<Wave, EngineError> {
        let key = Digest::of(format!("peaks 1 {}", media.fingerprint).as_bytes());
        let path = cache.folder("peaks", key).join("peaks");
        if let Some((rate, extents)) = cache::read(&path)?.as_deref().and_then(decode) {
            return Ok(Wave { path, rate, extents, stage: Stage::Kept });
        }
        let rate = media.sound.map_or(48_000, |sound| sound.rate).clamp(8_000, 192_000);
        let reader = AudioReader::open(&media.path, rate, None, &ReadOptions::default())?;
        let duration = reader.info().duration.max(Time::ZERO);
        let stretches = duration.round_units(i64::from(rate)) as usize / STRETCH + 1;
        let stage = if duration > LONG && reader.seekable() {
            Stage::Coarse { reader, begun: Instant::now(), places: vec![None; PLACES], next: 0 }
        } else {
            fine(reader)
        };
        Ok(Wave { path, rate, extents: vec![[0, 0]; stretches], stage })
    }

    pub fn done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// A little more of it; the waveform when there is something new to see.
    pub fn step(&mut self) -> Result<Option<Arc<Peaks>>, EngineError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => Ok(None),
            Stage::Kept => Ok(Some(self.peaks())),
            Stage::Coarse { mut reader, begun, mut places, next } => {
                if next == PLACES || begun.elapsed() > COARSE {
                    self.spread(&places);
                    reader.seek(Time::ZERO)?;
                    self.stage = fine(reader);
                    return Ok(Some(self.peaks()));
                }
                // Each bisects what the ones before have left.
                let place = next.reverse_bits() >> (usize::BITS - PLACES.trailing_zeros());
                let length = reader.info().duration;
                places[place] = Some(probe(&mut reader, Time(length.0 / PLACES as i64 * place as i64))?);
                self.stage = Stage::Coarse { reader, begun, places, next: next + 1 };
                Ok(None)
            }
            Stage::Fine { mut reader, mut done, mut rest, mut told } => {
                let Some(block) = reader.next()? else {
                    self.put(&mut done, &rest);
                    self.extents.truncate(done.max(1));
                    write_atomically(&self.path, &encode(self.rate, &self.extents))?;
                    return Ok(Some(self.peaks()));
                };
                let width = usize::from(reader.channels()) * STRETCH;
                rest.extend_from_slice(&block.samples);
                let whole = rest.len() / width * width;
                rest[..whole].chunks_exact(width).for_each(|stretch| self.put(&mut done, stretch));
                rest.drain(..whole);
                let news = (told.elapsed() > NEWS).then(|| self.peaks());
                if news.is_some() {
                    told = Instant::now();
                }
                self.stage = Stage::Fine { reader, done, rest, told };
                Ok(news)
            }
        }
    }

    fn put(&mut self, done: &mut usize, samples: &[f32]) {
        if samples.is_empty() {
            return;
        }
        let extent = extent(samples);
        match self.extents.get_mut(*done) {
            Some(place) => *place = extent,
            None => self.extents.push(extent),
        }
        *done += 1;
    }

    /// Each stretch takes the extent of the nearest place before it that was probed.
    fn spread(&mut self, places: &[Option<Extent>]) {
        let count = self.extents.len();
        let mut last = [0, 0];
        for (place, probed) in places.iter().enumerate() {
            last = probed.unwrap_or(last);
            self.extents[count * place / PLACES..count * (place + 1) / PLACES].fill(last);
        }
    }

    fn peaks(&self) -> Arc<Peaks> {
        Arc::new(Peaks::new(self.rate, self.extents.clone()))
    }
}

fn fine(reader: AudioReader) -> Stage {
    Stage::Fine { reader, done: 0, rest: Vec::new(), told: Instant::now() }
}

fn probe(reader: &mut AudioReader, at: Time) -> Result<Extent, EngineError> {
    reader.seek(at)?;
    let mut heard = Time::ZERO;
    let mut found = [0, 0];
    while heard < PROBE {
        let Some(block): Option<Audio> = reader.next()? else { break };
        heard += block.duration();
        let [low, high] = extent(&block.samples);
        found = [found[0].min(low), found[1].max(high)];
    }
    Ok(found)
}

/// Lowest and highest sample, in 1/127 of full scale.
fn extent(samples: &[f32]) -> Extent {
    let (low, high) = samples.iter().fold((0.0f32, 0.0f32), |(low, high), v| (low.min(*v), high.max(*v)));
    [(low * 127.0).floor() as i8, (high * 127.0).ceil() as i8]
}

/// Rate, extents, and the BLAKE3 digest of both.
fn encode(rate: u32, extents: &[Extent]) -> Vec<u8> {
    let mut bytes = rate.to_le_bytes().to_vec();
    bytes.extend(extents.iter().flatten().map(|v| *v as u8));
    bytes.extend(blake3::hash(&bytes).as_bytes());
    bytes
}

/// `None` for anything that [`encode`] did not write whole.
fn decode(bytes: &[u8]) -> Option<(u32, Vec<Extent>)> {
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
    let (rate, extents) = body.split_first_chunk::<4>()?;
    let rate = u32::from_le_bytes(*rate);
    let (pairs, rest) = extents.as_chunks::<2>();
    let whole = blake3::hash(body).as_bytes() == digest && rest.is_empty() && !pairs.is_empty() && rate > 0;
    whole.then(|| (rate, pairs.iter().map(|pair| pair.map(|v| v as i8)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_come_back_whole_or_not_at_all() {
        let extents = vec![[-128, 127], [0, 0], [-3, 90]];
        let bytes = encode(44_100, &extents);
        assert_eq!(decode(&bytes), Some((44_100, extents)));
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
        let mut bent = bytes;
        bent[6] ^= 1;
        assert_eq!(decode(&bent), None);
    }

    #[test]
    fn full_scale_and_beyond_is_the_highest_extent() {
        assert_eq!(extent(&[0.5, -1.0, 0.0]), [-127, 64]);
        assert_eq!(extent(&[7.0, -7.0, f32::NAN]), [-128, 127]);
        assert_eq!(extent(&[]), [0, 0]);
    }
}
