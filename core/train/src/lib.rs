//! What networks learn from: data sets, losses, loops, and the procedural speaker.
