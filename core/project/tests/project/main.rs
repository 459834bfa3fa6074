//! The project crate from outside: pictures of edits, properties over random ones, files, foreign formats.

mod dubbing;
mod files;
mod interchange;
mod pictures;
mod properties;
mod sketch;
