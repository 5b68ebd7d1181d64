//! The facts the screens show, and the only functions that change them.

pub mod document;
pub mod eviction;
pub mod finding;
mod keeping;
mod lagging;
pub mod listeners;
mod other_tabs;
pub mod outbox;
pub mod person;
mod refilling;
pub mod save_state;
pub mod shell;
pub mod text_edit;
pub mod tree;
pub mod tree_keys;
pub mod workspace;
