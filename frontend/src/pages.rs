//! Screens.

pub mod bin;
pub mod home;
pub mod page;
pub mod states;
