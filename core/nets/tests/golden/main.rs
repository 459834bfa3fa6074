//! The networks, and what feeds them, against numbers from the reference implementations.
//!
//! The cases lie in the folder named by `LIPSMITH_GOLDEN`, else in `../shared/golden` beside the repository,
//! else in its own `tests/golden`, a small part of the same. What a case holds is read from it: nothing here
//! knows a seed, a size or a count.
#![allow(clippy::unwrap_used)]

mod critics;
mod diff2lip;
mod difftalk;
mod diffused_heads;
mod keys;
mod s3fd;
mod schedules;
mod speech;
mod support;
mod wav2lip;
