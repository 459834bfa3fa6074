//! The project is a value: what the editor intends, and pure functions that edit it.
