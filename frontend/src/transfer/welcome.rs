//! The first page: a short tour that is itself a page to write on.

use sheaf_shared::ids::PageId;

use crate::router::Route;
use crate::stores::shell::Shell;

/// Title of the tour.
const TITLE: &str = "Welcome to Sheaf";

/// What the tour says. Its tasks can be ticked while one tries them.
const TOUR: &str = include_str!("welcome.md");

/// Makes the tour and shows it. Only called when a person asks for it, and only while no page exists, so that
/// nobody finds it twice.
pub fn start_with_tour(shell: Shell) -> PageId {
    let content = super::convert::of_markdown(TOUR).unwrap_or_default();
    let page = super::new_page_with(shell, None, TITLE, content);
    shell.go(Route::Page(page));
    page
}
