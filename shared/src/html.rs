//! HTML out and in.
