//! Markdown in and out.
