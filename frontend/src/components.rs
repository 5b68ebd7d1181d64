//! Parts of screens.

pub mod avatars;
pub mod chip;
pub mod dialogs;
pub mod icon;
pub mod identity;
pub mod page_menu;
pub mod popover;
pub mod sidebar;
pub mod switcher;
pub mod title;
pub mod toasts;
pub mod top;
pub mod tree;
pub mod tree_row;
