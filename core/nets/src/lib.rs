//! The published networks in Candle, under their checkpoints' own names, and what feeds them.
