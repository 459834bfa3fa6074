//! Which pictures went into an encoder and have not come out: encoders may drop pictures to keep a bit rate, or
//! repeat them, and say nothing. Holds what is inside the encoder, however long the film is.

use gstreamer as gst;
use lipsmith_base::Time;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Times in nanoseconds.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Start → length of the pictures inside the encoder.
    inside: BTreeMap<u64, u64>,
    entered: u64,
    /// Came out without having gone in: out a second time.
    doubled: u64,
    /// Encoders may move all times by a constant; the first picture out is the first in.
    shift: Option<u64>,
}

impl Ledger {
    pub fn enter(&mut self, start: u64, length: u64) {
        self.inside.insert(start, length);
        self.entered += 1;
    }

    /// The length with which the picture that comes out at `start` went in.
    fn leave(&mut self, start: u64) -> Option<u64> {
        let first = self.inside.keys().next().copied().unwrap_or(0);
        let shift = *self.shift.get_or_insert(start.saturating_sub(first));
        let length = self.inside.remove(&start.saturating_sub(shift));
        self.doubled += u64::from(length.is_none());
        length
    }

    /// Once the encoder has given everything: what is wrong, in words.
    pub fn disagreement(&self) -> Option<String> {
        let all = self.entered;
        match (self.inside.first_key_value(), self.doubled) {
            (None, 0) => None,
            (None, doubled) => Some(format!("the encoder doubled {doubled} of {all} pictures")),
            (Some((first, _)), _) => {
                let (lost, at) =
                    (self.inside.len(), Time::from_nanos(i64::try_from(*first).unwrap_or(i64::MAX)));
                Some(format!("the encoder lost {lost} of {all} pictures, the first at {at}"))
            }
        }
    }
}

/// A poisoned lock only means that a streaming thread has panicked; the ledger is whole.
pub(crate) fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes every picture that passes `pad`. `restore`: give each the length with which it went in, because encoders
/// give all of them that of the nominal rate; only the last one's is ever looked at, but that ends the film.
pub(crate) fn watch(pad: &gst::Pad, ledger: Arc<Mutex<Ledger>>, restore: bool) {
    use gstreamer::prelude::PadExtManual;
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut()
            && let Some(start) = buffer.pts()
            && let Some(length) = lock(&ledger).leave(start.nseconds())
            && restore
        {
            buffer.make_mut().set_duration(gst::ClockTime::from_nseconds(length));
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_in_any_order_and_moved_by_a_constant_agree() {
        let mut ledger = Ledger::default();
        (0..4).for_each(|n| ledger.enter(n * 40, 40 + n));
        assert_eq!([0, 3, 1, 2].map(|n| ledger.leave(1_000 + n * 40)), [40, 43, 41, 42].map(Some));
        assert_eq!(ledger.disagreement(), None);
    }

    #[test]
    fn lost_and_doubled_pictures_are_told() {
        let mut ledger = Ledger::default();
        (0..4).for_each(|n| ledger.enter(n * 40_000_000, 40_000_000));
        for n in 0..4 {
            assert_eq!(ledger.leave(n * 40_000_000), Some(40_000_000));
        }
        ledger.leave(120_000_000);
        assert_eq!(ledger.disagreement().as_deref(), Some("the encoder doubled 1 of 4 pictures"));
        ledger.enter(160_000_000, 40_000_000);
        assert!(ledger.disagreement().is_some_and(|said| said.contains("lost 1 of 5 pictures")));
    }
}
