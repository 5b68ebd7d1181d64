//! HTML out and in.

pub(crate) mod entity;
pub(crate) mod tags;
pub(crate) mod token;
