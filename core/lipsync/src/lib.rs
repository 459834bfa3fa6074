//! Recipes that make a face speak: faces, speech, families. Images and samples in, patches out.
