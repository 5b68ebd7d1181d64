//! When to try again: full-jitter exponential backoff.
