//! What went wrong and what to do about it: every failure carries its remedy.

use std::fmt;

/// A step that could not be done.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    what: String,
    remedy: String,
}

impl Failure {
    /// `what` happened, and one sentence on what the reader can do about it.
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "failed: {}\nremedy: {}", self.what, self.remedy)
    }
}
