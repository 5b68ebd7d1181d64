//! The facts the screens show, and the only functions that change them.

pub mod document;
mod keeping;
pub mod listeners;
pub mod outbox;
pub mod save_state;
pub mod workspace;
