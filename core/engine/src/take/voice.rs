//! What of a voice is given to a recipe for a stretch of film.

use lipsmith_base::{Time, TimeRange};
use lipsmith_lipsync::speech::SPEECH_RATE;

/// Voice heard around a segment, for context and for what is loud and quiet in this recording.
const CONTEXT: Time = Time(30 * lipsmith_base::time::FLICKS);
/// The voice's spectrograms step by 12.5 ms, its features by 10 ms: from a multiple of 1/20 s on, the frames of both
/// fall where those of the whole file would.
const GRID: i64 = 20;
/// Takes the click out of a cut in the voice.
const FADE: Time = Time(lipsmith_base::time::FLICKS / 100);

/// What to read of the voice for `span`, all in voice time. Ends with what is `heard`, a fade later so that
/// [`cut`] sees whether the file goes on there: seconds of silence around a short line would pass for its
/// noise floor and for its loudest part.
pub fn window(span: TimeRange, heard: TimeRange) -> TimeRange {
    let start = (span.start() - CONTEXT).max(heard.start() - FADE);
    let end = (span.end() + CONTEXT).min(heard.end() + FADE);
    TimeRange::new(Time::from_units(start.floor_units(GRID).max(0), GRID), end)
}

/// Silences what lies before `heard`, ends with it, and fades both cuts. `first` is the voice time of the first
/// sample. An edge that is also the file's own stays as it is.
pub fn cut(samples: &mut Vec<f32>, first: Time, heard: TimeRange) {
    let rate = i64::from(SPEECH_RATE);
    let place = |time: Time, length: usize| (time - first).round_units(rate).clamp(0, length as i64) as usize;
    let (start, end) = (place(heard.start(), samples.len()), place(heard.end(), samples.len()));
    let fade = FADE.round_units(rate) as usize;
    let gain = |i: usize| (i as f32 + 0.5) / fade as f32;
    if end < samples.len() {
        samples.truncate(end);
        for (i, sample) in samples[start..].iter_mut().rev().take(fade).enumerate() {
            *sample *= gain(i);
        }
    }
    if start > 0 {
        samples[..start].fill(0.0);
        for (i, sample) in samples[start..].iter_mut().take(fade).enumerate() {
            *sample *= gain(i);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64) -> TimeRange {
        TimeRange::new(Time::from_secs_f64(from), Time::from_secs_f64(to))
    }

    /// What is given to a recipe of a voice that is 1 throughout its `seconds`, and the voice time where it starts.
    fn given(seconds: usize, span: TimeRange, heard: TimeRange) -> (Vec<f32>, f64) {
        let window = window(span, heard);
        let rate = i64::from(SPEECH_RATE);
        let (from, to) = (window.start().round_units(rate), window.end().round_units(rate));
        let mut samples = vec![1.0; (to.min(seconds as i64 * rate) - from).max(0) as usize];
        cut(&mut samples, window.start(), heard);
        (samples, window.start().secs_f64())
    }

    #[test]
    fn a_trimmed_voice_is_silent_beyond_its_trim() {
        let (samples, first) = given(60, range(9.0, 13.0), range(10.013, 12.0));
        assert_eq!(first, 10.0, "on the grid, before the trim");
        let heard = (0.013 * 16_000.0) as usize;
        assert!(samples[..heard].iter().all(|s| *s == 0.0));
        assert!(samples[heard] > 0.0 && samples[heard + 80] < 0.6 && samples[heard + 160] == 1.0);
        assert_eq!(samples.len(), 2 * 16_000, "ends with the trim");
        assert!(samples[samples.len() - 1] < 0.01 && samples[samples.len() - 161] == 1.0);
        assert!(samples.windows(2).all(|s| (s[0] - s[1]).abs() < 0.01), "without a step");
    }

    #[test]
    fn a_trim_on_the_grid_is_faded_too() {
        let (samples, first) = given(60, range(10.0, 12.0), range(10.0, 12.0));
        assert_eq!(first, 9.95);
        assert!(samples[..800].iter().all(|s| *s == 0.0) && samples[800] < 0.01);
    }

    #[test]
    fn a_whole_voice_stays_as_it_is() {
        let (samples, first) = given(2, range(-1.0, 3.0), range(0.0, 2.0));
        assert_eq!((samples, first), (vec![1.0; 32_000], 0.0));
    }

    #[test]
    fn context_ends_where_the_trim_does() {
        let (samples, first) = given(600, range(300.0, 310.0), range(290.0, 500.0));
        assert_eq!(first, 289.95);
        assert_eq!(samples.len(), (50.05 * 16_000.0) as usize);
        assert_eq!(samples.last(), Some(&1.0), "only the window ends there, not what is heard");
        let (nothing, _) = given(600, range(400.0, 410.0), range(100.0, 200.0));
        assert!(nothing.is_empty());
    }
}
