//! The page: everything a browser runs.
//!
//! `stores` hold the facts, `components` and `pages` show them, `net` and `local` reach what is outside this
//! tab. `binding` and `surface` (beside `src`) are the editor's two halves.

pub mod app;
pub mod editor;
pub mod local;
pub mod net;
pub mod platform;
pub mod stores;
