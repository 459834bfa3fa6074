//! Harness of the whole-product tests.
