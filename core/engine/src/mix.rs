//! The sound of a project: the films' own sound and the voices over it, sample-exact from any start. Playing, the
//! export and the command line hear the same.

use crate::error::EngineError;
use lipsmith_base::{Audio, Time, TimeRange};
use lipsmith_media::{AudioReader, AudioSpec, MediaError, ReadOptions};
use lipsmith_project::{Clip, ClipId, MediaId, Original, Project, Track, TrackId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How loud the original stays under a line. Ducked: 18 dB down, as under a voice-over.
fn floor(original: Original) -> f32 {
    match original {
        Original::Mute => 0.0,
        Original::Duck => 0.125_892_54,
        Original::Keep => 1.0,
    }
}

/// Length of every fade that nobody asked for: long enough not to click, too short to hear.
const FADE: Time = Time(lipsmith_base::time::FLICKS / 100);

/// Files held open: as many as a cut back and forth between a few films with a few voices needs.
const OPEN_FILES: usize = 12;

/// Yields a project's sound block by block.
///
/// The picture track's clips are the original sound. It is muted, ducked or kept, as the settings say, under every
/// cue whose voice is heard; a cue without a voice leaves it alone. Voices fade in and out over 10 ms at least. A
/// stereo voice keeps its sides in a stereo mix; any other is one voice, in the centre of a surround mix.
pub struct Mixer {
    project: Arc<Project>,
    spec: AudioSpec,
    options: ReadOptions,
    /// Sample frames of the sequence: the next one, and where the sound ends.
    position: i64,
    end: i64,
    /// Where the original dips, in sample frames.
    dips: Vec<Range<i64>>,
    /// Most recently used last.
    open: Vec<OpenFile>,
    /// Media that could not be read, if that is forgiven.
    lost: Option<BTreeMap<MediaId, String>>,
}

struct OpenFile {
    /// Two tracks may be at different places of one file.
    track: TrackId,
    path: PathBuf,
    channels: u16,
    cursor: Cursor,
}

impl Mixer {
    /// The sound of `range` (sequence time), to the nearest sample. Opens nothing yet.
    pub fn new(project: Arc<Project>, range: TimeRange, spec: AudioSpec, options: &ReadOptions) -> Mixer {
        let AudioSpec { rate, .. } = spec;
        let dips = dips(&project, rate);
        let options = options.clone();
        let mut mixer =
            Mixer { project, spec, options, position: 0, end: 0, dips, open: Vec::new(), lost: None };
        mixer.go(range);
        mixer
    }

    /// Files that cannot be read are silent from now on, and [`Mixer::lost`] tells of them: an editor goes on.
    pub fn forgiving(mut self) -> Mixer {
        self.lost = Some(BTreeMap::new());
        self
    }

    /// Media that could not be read, each with the reason.
    pub fn lost(&self) -> impl Iterator<Item = (MediaId, &str)> {
        self.lost.iter().flatten().map(|(id, why)| (*id, why.as_str()))
    }

    /// Another version of the project, from the next block on. Files that it still plays stay open.
    pub fn load(&mut self, project: Arc<Project>) {
        self.dips = dips(&project, self.spec.rate);
        if let Some(lost) = &mut self.lost {
            // A relinked or returned medium gets another chance.
            lost.clear();
        }
        self.project = project;
    }

    /// Yields the sound of `range` (sequence time) next.
    pub fn go(&mut self, range: TimeRange) {
        let rate = i64::from(self.spec.rate);
        (self.position, self.end) = (range.start().round_units(rate), range.end().round_units(rate));
    }

    /// What [`Mixer::next`] yields.
    pub fn spec(&self) -> AudioSpec {
        self.spec
    }

    /// Sequence time of the next sample.
    pub fn position(&self) -> Time {
        Time::from_units(self.position, i64::from(self.spec.rate))
    }

    /// The next block of at most `frames` sample frames; `None` at the end.
    ///
    /// # Errors
    /// When a file cannot be read, unless that is forgiven.
    #[allow(clippy::should_implement_trait, reason = "an iterator over results would hide that go moves it")]
    pub fn next(&mut self, frames: usize) -> Result<Option<Audio>, EngineError> {
        let from = self.position;
        let to = from.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX)).min(self.end);
        if to <= from {
            return Ok(None);
        }
        let AudioSpec { rate, channels } = self.spec;
        let mut out = Audio::silence(rate, channels, (to - from) as usize);
        let time = |sample| Time::from_units(sample, i64::from(rate));
        // A sample more: a clip that begins between two samples is rounded to either.
        let around = TimeRange::new(time(from - 1), time(to + 1));
        let project = self.project.clone();
        for track in project.heard() {
            for clip in track.clips_in(around) {
                self.add(track, clip, from..to, &mut out.samples)?;
            }
        }
        self.position = to;
        Ok(Some(out))
    }

    /// Adds what `clip` sounds like within `window`.
    fn add(
        &mut self,
        track: &Track,
        clip: &Clip,
        window: Range<i64>,
        out: &mut [f32],
    ) -> Result<(), EngineError> {
        let rate = i64::from(self.spec.rate);
        let project = self.project.clone();
        let Some(media) = project.media.get(&clip.media).filter(|media| media.sound.is_some()) else {
            return Ok(());
        };
        let original = track.id == project.sequence.picture.id;
        let sounds = clip.start.round_units(rate)..clip.end().round_units(rate);
        let common = sounds.start.max(window.start)..sounds.end.min(window.end);
        if common.is_empty() {
            return Ok(());
        }
        let width = usize::from(self.spec.channels);
        let channels = match self.spec.channels {
            all if original => all,
            2 => 2,
            _ => 1,
        };
        let first = clip.source.start().round_units(rate) + common.start - sounds.start;
        let count = (common.end - common.start) as usize;
        let block = match self.read(track.id, clip.media, &media.path, channels, first, count) {
            Ok(block) => block,
            Err(error @ EngineError::Cancelled) => return Err(error),
            Err(error) => match &mut self.lost {
                None => return Err(error),
                Some(lost) => {
                    lost.insert(clip.media, error.to_string());
                    return Ok(());
                }
            },
        };

        let unasked = if original { Time::ZERO } else { FADE };
        let fades = [clip.fade_in, clip.fade_out].map(|fade| fade.max(unasked).round_units(rate));
        let level = decibels(track.gain_db + clip.gain_db);
        let gain = |at| level * edges(at, &sounds, fades);
        let dip = FADE.round_units(rate).max(1);
        let near = |range: &&Range<i64>| range.start - dip < common.end && common.start < range.end + dip;
        let dips: Vec<_> = self.dips.iter().filter(|_| original).filter(near).cloned().collect();
        let floor = floor(project.settings.original);
        let depth = |at| dips.iter().map(|range| inside(at, range, dip)).fold(0.0, f32::max) * (1.0 - floor);

        let out = out[(common.start - window.start) as usize * width..].chunks_exact_mut(width);
        let frames = out.zip(block.chunks_exact(usize::from(channels)));
        for (at, (frame, samples)) in (common.start..).zip(frames) {
            let gain = gain(at) * (1.0 - depth(at));
            match (original, width) {
                (true, _) | (_, 2) => frame.iter_mut().zip(samples).for_each(|(o, v)| *o += v * gain),
                // Front left, front right, centre, …: dialogue belongs in the centre.
                (_, 3..) => frame[2] += samples[0] * gain,
                _ => frame[0] += samples[0] * gain,
            }
        }
        Ok(())
    }

    /// `count` sample frames of a file from its sample frame `first` on.
    fn read(
        &mut self,
        track: TrackId,
        media: MediaId,
        path: &Path,
        channels: u16,
        first: i64,
        count: usize,
    ) -> Result<Vec<f32>, EngineError> {
        if let Some(why) = self.lost.as_ref().and_then(|lost| lost.get(&media)) {
            return Err(EngineError::Request(why.clone()));
        }
        let fits = |file: &OpenFile| file.track == track && file.path == path && file.channels == channels;
        let mut file = match self.open.iter().position(fits) {
            Some(at) => self.open.remove(at),
            None => {
                let cursor = Cursor::open(path, self.spec.rate, channels, &self.options)?;
                OpenFile { track, path: path.to_path_buf(), channels, cursor }
            }
        };
        // A file that failed is not kept.
        let block = file.cursor.read(first, count)?;
        let surplus = (self.open.len() + 1).saturating_sub(OPEN_FILES);
        self.open.drain(..surplus);
        self.open.push(file);
        Ok(block)
    }
}

/// The cues whose voice is heard, in sample frames.
fn dips(project: &Project, rate: u32) -> Vec<Range<i64>> {
    let voices = project.heard().filter(|track| track.id != project.sequence.picture.id);
    let heard: BTreeSet<ClipId> = voices.flat_map(|track| &track.clips).map(|clip| clip.id).collect();
    let spoken = project.cues.values().filter(|cue| cue.voice.is_some_and(|voice| heard.contains(&voice)));
    let samples = |time: Time| time.round_units(i64::from(rate));
    spoken.map(|cue| samples(cue.range.start())..samples(cue.range.end())).collect()
}

fn decibels(db: f32) -> f32 {
    10f32.powf(db / 20.0)
}

/// 1 inside the line, 0 a fade's length away from it.
fn inside(at: i64, line: &Range<i64>, fade: i64) -> f32 {
    let before = (at - line.start) as f32 / fade as f32 + 1.0;
    let after = (line.end - at) as f32 / fade as f32 + 1.0;
    before.min(after).clamp(0.0, 1.0)
}

/// Rises from 0 at the first sample over the first fade, falls to 0 at the last over the second; a fade of no length
/// is none.
fn edges(at: i64, sounds: &Range<i64>, [rise, fall]: [i64; 2]) -> f32 {
    let part = |distance: i64, fade: i64| if fade > 0 { distance as f32 / fade as f32 } else { 1.0 };
    part(at - sounds.start, rise).min(part(sounds.end - 1 - at, fall)).clamp(0.0, 1.0)
}

/// Exact numbers of sample frames out of a reader's blocks; silence after the end.
struct Cursor {
    reader: AudioReader,
    channels: usize,
    /// The sample frame that comes next.
    next: i64,
    pending: Vec<f32>,
    taken: usize,
}

impl Cursor {
    fn open(path: &Path, rate: u32, channels: u16, options: &ReadOptions) -> Result<Cursor, MediaError> {
        let reader = AudioReader::open(path, rate, Some(channels), options)?;
        Ok(Cursor { reader, channels: usize::from(channels), next: 0, pending: Vec::new(), taken: 0 })
    }

    /// `count` sample frames from `first` on.
    fn read(&mut self, first: i64, count: usize) -> Result<Vec<f32>, MediaError> {
        if first != self.next {
            self.go(first)?;
        }
        let wanted = count * self.channels;
        let mut out = Vec::with_capacity(wanted);
        while out.len() < wanted {
            if self.taken == self.pending.len() {
                let Some(block) = self.reader.next()? else { break };
                (self.pending, self.taken) = (block.samples, 0);
            }
            let some = (wanted - out.len()).min(self.pending.len() - self.taken);
            out.extend_from_slice(&self.pending[self.taken..self.taken + some]);
            self.taken += some;
        }
        out.resize(wanted, 0.0);
        self.next += count as i64;
        Ok(out)
    }

    fn go(&mut self, first: i64) -> Result<(), MediaError> {
        let ahead =
            usize::try_from(first - self.next).ok().and_then(|ahead| ahead.checked_mul(self.channels));
        match ahead.filter(|ahead| *ahead <= self.pending.len() - self.taken) {
            Some(ahead) => self.taken += ahead,
            None => {
                (self.pending, self.taken) = (Vec::new(), 0);
                self.reader.seek(Time::from_units(first, i64::from(self.reader.rate())))?;
            }
        }
        self.next = first;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fades_and_dips_reach_their_ends() {
        let line = 100..200;
        assert_eq!((inside(90, &line, 10), inside(100, &line, 10), inside(150, &line, 10)), (0.0, 1.0, 1.0));
        assert_eq!((inside(95, &line, 10), inside(205, &line, 10), inside(210, &line, 10)), (0.5, 0.5, 0.0));
        assert_eq!((edges(100, &line, [10, 20]), edges(105, &line, [10, 20])), (0.0, 0.5));
        assert_eq!((edges(199, &line, [10, 20]), edges(189, &line, [10, 20])), (0.0, 0.5));
        assert_eq!((edges(100, &line, [0, 0]), edges(199, &line, [0, 0])), (1.0, 1.0));
        assert_eq!(decibels(0.0), 1.0);
    }
}
