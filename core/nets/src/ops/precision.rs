//! How exactly convolutions are multiplied on a matrix unit, chosen by whoever runs a network.

use std::cell::Cell;

/// Chosen for a stretch of work with [`Precision::within`]. What is stored, summed and normalised stays f32 in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// As exact as f32 on every processor.
    #[default]
    Full,
    /// Factors rounded to bfloat16 (8 bits) where the processor has a matrix unit for it (AMX), elsewhere as [`Full`](Self::Full):
    /// for drafts and training, where a 500th of a value is small beside noise and step.
    Half,
}

thread_local! {
    static CHOSEN: Cell<Precision> = const { Cell::new(Precision::Full) };
}

impl Precision {
    /// Runs `f` at this precision: all operations that it starts on this thread, however many threads each then takes.
    pub fn within<R>(self, f: impl FnOnce() -> R) -> R {
        struct Before(Precision);
        impl Drop for Before {
            fn drop(&mut self) {
                CHOSEN.set(self.0);
            }
        }
        let _before = Before(CHOSEN.replace(self));
        f()
    }

    /// That of the work now going on on this thread.
    pub(super) fn chosen() -> Self {
        CHOSEN.get()
    }
}

#[cfg(test)]
mod tests {
    use super::Precision::{self, Full, Half};

    #[test]
    fn it_ends_with_the_work_even_where_that_fails() {
        Half.within(|| {
            assert_eq!(Precision::chosen(), Half);
            Full.within(|| assert_eq!(Precision::chosen(), Full));
            assert_eq!(Precision::chosen(), Half);
        });
        let failed = std::panic::catch_unwind(|| Half.within(|| panic!("as meant")));
        assert!(failed.is_err());
        assert_eq!(Precision::chosen(), Full);
    }
}
