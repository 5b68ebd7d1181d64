//! Inline attributes: which there are, and how they read.
