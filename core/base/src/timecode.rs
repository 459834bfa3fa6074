//! SMPTE ST 12 timecode text, for people only: everything else counts in [`Time`] or in frames.
//!
//! Drop-frame skips the numbers 00 and 01 (00–03 at 59.94) at each minute that ten does not divide,
//! so that 29.97 and 59.94 fps labels stay with the wall clock.

use crate::time::{FrameRate, Time};
use std::fmt;

/// How frames of one rate are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timecode {
    rate: FrameRate,
    drop_frame: bool,
}

/// Why a text is not a time in the film.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{text}' is not a timecode: {reason}; write HH:MM:SS:FF, HH:MM:SS;FF (drop-frame) or seconds such as 12.5s"
)]
pub struct TimecodeError {
    text: String,
    reason: String,
}

impl Timecode {
    /// Non-drop labels for any rate.
    pub fn non_drop(rate: FrameRate) -> Timecode {
        Timecode { rate, drop_frame: false }
    }

    /// Drop-frame labels where the rate has them (29.97, 59.94), else non-drop.
    pub fn drop_where_usual(rate: FrameRate) -> Timecode {
        let drop_frame = rate.den() == 1001 && matches!(rate.num(), 30_000 | 60_000);
        Timecode { rate, drop_frame }
    }

    pub fn rate(self) -> FrameRate {
        self.rate
    }

    /// Frames in a labelled second: 24 for 23.976, 30 for 29.97, …
    pub fn frames_per_second(self) -> i64 {
        let (num, den) = (i64::from(self.rate.num()), i64::from(self.rate.den()));
        ((num + den / 2) / den).max(1)
    }

    fn dropped_per_minute(self) -> i64 {
        if self.drop_frame { self.frames_per_second() / 15 } else { 0 }
    }

    /// Label of frame `index`; negative frames get a leading minus.
    pub fn format_frame(self, index: i64) -> String {
        let fps = self.frames_per_second();
        let number = self.label_number(index.abs());
        let (seconds, frames) = (number / fps, number % fps);
        let sign = if index < 0 { "-" } else { "" };
        let mark = if self.drop_frame { ';' } else { ':' };
        let width = if fps > 100 { 3 } else { 2 };
        format!(
            "{sign}{:02}:{:02}:{:02}{mark}{frames:0width$}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    pub fn format(self, time: Time) -> String {
        self.format_frame(self.rate.frame_at(time))
    }

    /// Adds the skipped numbers to a running frame count.
    fn label_number(self, index: i64) -> i64 {
        let dropped = self.dropped_per_minute();
        if dropped == 0 {
            return index;
        }
        let per_minute = self.frames_per_second() * 60 - dropped;
        let per_ten = per_minute * 10 + dropped;
        let (tens, rest) = (index / per_ten, index % per_ten);
        let minutes = if rest < per_minute + dropped { 0 } else { (rest - dropped) / per_minute };
        index + dropped * (9 * tens + minutes)
    }

    /// Reads what an editor types while the playhead is at `now`: all that [`Timecode::parse`] reads; digits alone
    /// fill the fields from the right (`1215` is 12 seconds and 15 frames); `+` and `-` count from `now`.
    ///
    /// # Errors
    /// As [`Timecode::parse`]; also when the result lies before zero.
    pub fn enter(self, text: &str, now: Time) -> Result<Time, TimecodeError> {
        let typed = text.trim();
        let (sign, rest) = match typed.split_at_checked(1) {
            Some(("+", rest)) => (1, rest.trim()),
            Some(("-", rest)) => (-1, rest.trim()),
            _ => (0, typed),
        };
        let fields = packed(rest);
        if sign == 0 {
            return self.parse(&fields);
        }
        // A distance has no dropped numbers.
        let distance = Timecode::non_drop(self.rate).parse(&fields)?;
        let frames = self.rate.frame_at(now) + sign * self.rate.frame_at(distance);
        if frames < 0 {
            let reason = "it lies before the beginning".into();
            return Err(TimecodeError { text: text.to_string(), reason });
        }
        Ok(self.rate.frame_start(frames))
    }

    /// `HH:MM:SS:FF` (any of the separators `: ; .` before the frames, leading fields may be missing),
    /// or seconds with an `s` behind them. A bare number is frames.
    pub fn parse(self, text: &str) -> Result<Time, TimecodeError> {
        self.parse_frame_or_seconds(text.trim())
            .map_err(|reason| TimecodeError { text: text.to_string(), reason })
    }

    fn parse_frame_or_seconds(self, text: &str) -> Result<Time, String> {
        if let Some(seconds) = text.strip_suffix('s') {
            let value: f64 = seconds.parse().map_err(|_| format!("'{seconds}' is no number of seconds"))?;
            if !value.is_finite() || value.abs() > 1e7 {
                return Err(format!("{seconds} seconds is outside any film"));
            }
            return Ok(Time::from_secs_f64(value));
        }
        let drop_mark = text.contains(';');
        let fields = text
            .split([':', ';', '.'])
            .map(|field| field.parse::<u32>().map(i64::from).map_err(|_| format!("'{field}' is no number")))
            .collect::<Result<Vec<_>, _>>()?;
        if fields.len() > 4 {
            return Err("it has more than four fields".into());
        }
        let mut hmsf = [0; 4];
        hmsf[4 - fields.len()..].copy_from_slice(&fields);
        if fields.len() == 1 {
            return Ok(self.rate.frame_start(hmsf[3]));
        }
        let fps = self.frames_per_second();
        let [hours, minutes, seconds, frames] = hmsf;
        for (value, limit, name) in
            [(minutes, 60, "minutes"), (seconds, 60, "seconds"), (frames, fps, "frames")]
        {
            if value >= limit {
                return Err(format!("{value} {name}, where {} is the most", limit - 1));
            }
        }
        let labels = if drop_mark { Timecode::drop_where_usual(self.rate) } else { self };
        let dropped = labels.dropped_per_minute();
        let total_minutes = hours * 60 + minutes;
        if dropped > 0 && minutes % 10 != 0 && seconds == 0 && frames < dropped {
            return Err(format!("drop-frame counting skips frames 0 to {} of this minute", dropped - 1));
        }
        let number = ((total_minutes * 60) + seconds) * fps + frames;
        let index = number - dropped * (total_minutes - total_minutes / 10);
        Ok(self.rate.frame_start(index))
    }
}

/// `1215` as `12:15`; anything but three to eight digits stays as it is.
fn packed(text: &str) -> String {
    if !(3..=8).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_string();
    }
    let head = text.len() % 2;
    let pairs = text.as_bytes()[head..].chunks(2).map(String::from_utf8_lossy);
    let first = (head > 0).then(|| text[..1].into());
    first.into_iter().chain(pairs).collect::<Vec<_>>().join(":")
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fps{}", self.rate, if self.drop_frame { " drop-frame" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).expect("positive")
    }

    #[test]
    fn drop_frame_follows_the_wall_clock() {
        let tc = Timecode::drop_where_usual(rate(30_000, 1001));
        assert_eq!(tc.format_frame(1799), "00:00:59;29");
        assert_eq!(tc.format_frame(1800), "00:01:00;02");
        assert_eq!(tc.format_frame(17_982), "00:10:00;00");
        let tc = Timecode::drop_where_usual(rate(60_000, 1001));
        assert_eq!(tc.format_frame(3600), "00:01:00;04");
    }

    #[test]
    fn typed_as_editors_type() {
        let tc = Timecode::non_drop(FrameRate::FPS_25);
        let at = |frames| FrameRate::FPS_25.frame_start(frames);
        for (typed, frames) in [
            ("12", 12),
            ("1215", 12 * 25 + 15),
            ("10203", 3600 / 60 * 25 + 2 * 25 + 3),
            ("01000000", 3600 * 25),
            ("+12", 112),
            ("-1:00", 75),
            ("+ 100", 125),
            ("2s", 50),
        ] {
            assert_eq!(tc.enter(typed, at(100)).ok(), Some(at(frames)), "{typed}");
        }
        for wrong in ["", "+", "-9:00", "12a", "1299"] {
            assert!(tc.enter(wrong, at(100)).is_err(), "{wrong}");
        }
        let drop = Timecode::drop_where_usual(rate(30_000, 1001));
        assert!(drop.enter("00:01:00;00", Time::ZERO).is_err());
        assert_eq!(drop.enter("10000", Time::ZERO).ok(), None, "dropped numbers are refused packed too");
    }

    #[test]
    fn text_and_frame_are_inverse_at_every_rate() {
        for (num, den) in
            [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)]
        {
            for tc in [Timecode::non_drop(rate(num, den)), Timecode::drop_where_usual(rate(num, den))] {
                for index in (0..40_000).step_by(7).chain(1_790..1_810).chain(3_590..3_610) {
                    let text = tc.format_frame(index);
                    assert_eq!(tc.parse(&text), Ok(tc.rate().frame_start(index)), "{tc} {text}");
                }
            }
        }
    }

    #[test]
    fn bad_texts_say_why() {
        let tc = Timecode::drop_where_usual(rate(30_000, 1001));
        for (text, word) in [
            ("1:2:3:4:5", "four"),
            ("00:61:00:00", "minutes"),
            ("00:00:00:30", "frames"),
            ("abc", "number"),
            ("00:01:00;00", "skips"),
            ("1e99s", "outside"),
            ("", "number"),
        ] {
            let error = tc.parse(text).expect_err(text).to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn short_forms() {
        let tc = Timecode::non_drop(rate(25, 1));
        assert_eq!(tc.parse("50"), Ok(Time::from_units(2, 1)));
        assert_eq!(tc.parse("2.5s"), Ok(Time::from_units(5, 2)));
        assert_eq!(tc.parse("01:00"), Ok(Time::from_units(1, 1)));
    }
}
