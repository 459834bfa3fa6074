//! What the application talks to: jobs, cache, compose, export.

pub mod models;
pub mod sample;
