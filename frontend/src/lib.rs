//! The page: everything a browser runs.
//!
//! `stores` hold the facts, `components` and `pages` show them, `net` and `local` reach what is outside this
//! tab. `binding` and `surface` (beside `src`) are the editor's two halves.

pub mod app;
pub mod components;
pub mod converter;
pub mod editor;
pub mod effect;
pub mod local;
pub mod net;
pub mod pages;
pub mod panic;
pub mod platform;
pub mod router;
pub mod stores;
pub mod transfer;
pub mod who;
