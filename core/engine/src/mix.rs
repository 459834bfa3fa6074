//! The sound of the finished film: the voice at its time over the original, sample-exact from the first
//! sample to the last.

use crate::error::EngineError;
use lipsmith_base::{Audio, Time, TimeRange};
use lipsmith_media::{AudioReader, AudioSpec, MediaError, ReadOptions};
use lipsmith_project::Original;
use std::path::Path;

/// How loud the original stays under the voice. Ducked: 18 dB down, as under a voice-over.
fn gain(original: Original) -> f32 {
    match original {
        Original::Mute => 0.0,
        Original::Duck => 0.125_892_54,
        Original::Keep => 1.0,
    }
}

/// Length of every fade: long enough not to click, too short to hear.
const FADE: Time = Time(lipsmith_base::time::FLICKS / 100);

/// A voice, and where in the film it is heard.
pub struct Line<'a> {
    pub voice: &'a Path,
    /// Film time at which the voice file begins.
    pub at: Time,
    /// Film time in which it is heard; lies within the voice's length.
    pub range: TimeRange,
}

/// Yields the film's sound from its start, block by block.
pub struct Mixer {
    rate: u32,
    channels: u16,
    /// Sample frames still to come.
    remaining: u64,
    position: i64,
    film: Option<Cursor>,
    lines: Vec<Voice>,
    original: Original,
}

struct Voice {
    cursor: Cursor,
    at: i64,
    start: i64,
    end: i64,
}

impl Mixer {
    /// The result lasts `duration` to the nearest sample.
    pub fn open(
        film: Option<&Path>,
        lines: &[Line],
        original: Original,
        AudioSpec { rate, channels }: AudioSpec,
        duration: Time,
        options: &ReadOptions,
    ) -> Result<Mixer, EngineError> {
        let film = film.map(|path| Cursor::open(path, rate, channels, options)).transpose()?;
        let samples = |time: Time| time.round_units(i64::from(rate));
        let lines = lines
            .iter()
            .map(|line| {
                // A stereo voice keeps its sides in a stereo film; any other is one voice at one place.
                let voice_channels = if channels == 2 { 2 } else { 1 };
                let mut cursor = Cursor::open(line.voice, rate, voice_channels, options)?;
                cursor.skip((samples(line.range.start()) - samples(line.at)).max(0) as u64)?;
                Ok(Voice {
                    cursor,
                    at: samples(line.at),
                    start: samples(line.range.start()),
                    end: samples(line.range.end()),
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let remaining = samples(duration).max(0) as u64;
        Ok(Mixer { rate, channels, remaining, position: 0, film, lines, original })
    }

    /// What [`Mixer::next`] yields.
    pub fn spec(&self) -> AudioSpec {
        AudioSpec { rate: self.rate, channels: self.channels }
    }

    /// The next block of at most `frames` sample frames; `None` at the end.
    pub fn next(&mut self, frames: usize) -> Result<Option<Audio>, EngineError> {
        let frames = (frames as u64).min(self.remaining) as usize;
        if frames == 0 {
            return Ok(None);
        }
        let width = usize::from(self.channels);
        let mut out = match &mut self.film {
            Some(film) => film.read(frames)?,
            None => vec![0.0; frames * width],
        };
        let fade = FADE.round_units(i64::from(self.rate)).max(1) as f32;
        let floor = gain(self.original);
        for (i, frame) in out.chunks_exact_mut(width).enumerate() {
            let at = self.position + i as i64;
            // The deepest of the lines' dips, each reached over a fade outside its range.
            let dip = self.lines.iter().map(|line| inside(at, line, fade)).fold(0.0, f32::max);
            frame.iter_mut().for_each(|v| *v *= 1.0 + (floor - 1.0) * dip);
        }
        for line in &mut self.lines {
            line.add(&mut out, width, self.position, fade)?;
        }
        self.position += frames as i64;
        self.remaining -= frames as u64;
        Ok(Some(Audio { rate: self.rate, channels: self.channels, samples: out }))
    }
}

/// 1 inside the line, 0 a fade's length away from it.
fn inside(at: i64, line: &Voice, fade: f32) -> f32 {
    let before = (at - line.start) as f32 / fade + 1.0;
    let after = (line.end - at) as f32 / fade + 1.0;
    before.min(after).clamp(0.0, 1.0)
}

impl Voice {
    fn add(&mut self, out: &mut [f32], width: usize, position: i64, fade: f32) -> Result<(), EngineError> {
        let frames = (out.len() / width) as i64;
        let (from, to) = (self.start.max(position).max(self.at), self.end.min(position + frames));
        if from >= to {
            return Ok(());
        }
        let block = self.cursor.read((to - from) as usize)?;
        let voice_width = usize::from(self.cursor.channels);
        for (i, voice) in block.chunks_exact(voice_width).enumerate() {
            let at = from + i as i64;
            let gain =
                ((at - self.start) as f32 / fade).min((self.end - 1 - at) as f32 / fade).clamp(0.0, 1.0);
            let frame = &mut out[(at - position) as usize * width..][..width];
            match width {
                2 => frame.iter_mut().zip(voice).for_each(|(o, v)| *o += v * gain),
                // Front left, front right, centre, …: dialogue belongs in the centre.
                3.. => frame[2] += voice[0] * gain,
                _ => frame[0] += voice[0] * gain,
            }
        }
        Ok(())
    }
}

/// Exact numbers of sample frames out of a reader's blocks; silence after the end.
struct Cursor {
    reader: AudioReader,
    channels: u16,
    pending: Vec<f32>,
    taken: usize,
}

impl Cursor {
    fn open(path: &Path, rate: u32, channels: u16, options: &ReadOptions) -> Result<Cursor, MediaError> {
        let reader = AudioReader::open(path, rate, Some(channels), options)?;
        Ok(Cursor { reader, channels, pending: Vec::new(), taken: 0 })
    }

    fn read(&mut self, frames: usize) -> Result<Vec<f32>, MediaError> {
        let wanted = frames * usize::from(self.channels);
        let mut out = Vec::with_capacity(wanted);
        while out.len() < wanted {
            if self.taken == self.pending.len() {
                let Some(block) = self.reader.next()? else { break };
                (self.pending, self.taken) = (block.samples, 0);
            }
            let count = (wanted - out.len()).min(self.pending.len() - self.taken);
            out.extend_from_slice(&self.pending[self.taken..self.taken + count]);
            self.taken += count;
        }
        out.resize(wanted, 0.0);
        Ok(out)
    }

    fn skip(&mut self, mut frames: u64) -> Result<(), MediaError> {
        while frames > 0 {
            let count = frames.min(1 << 16);
            self.read(count as usize)?;
            frames -= count;
        }
        Ok(())
    }
}
