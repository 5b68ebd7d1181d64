//! The facts the screens show, and the only functions that change them.

pub mod document;
pub mod listeners;
