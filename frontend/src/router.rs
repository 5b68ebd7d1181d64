//! Addresses and screens. Small enough that a routing library would be larger than all routes.

use leptos::prelude::{GetUntracked as _, RwSignal, Set as _};
use sheaf_shared::ids::PageId;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Element, MouseEvent};

use crate::platform;

/// What an address shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The start: the page last read, or the welcome.
    Home,
    /// One page.
    Page(PageId),
    /// What was thrown away.
    Bin,
    /// No such address.
    Nowhere,
}

impl Route {
    /// Reads the path of an address.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        match path.trim_end_matches('/') {
            "" => Self::Home,
            "/bin" => Self::Bin,
            path => path
                .strip_prefix("/p/")
                .and_then(|id| PageId::parse(id).ok())
                .map_or(Self::Nowhere, Self::Page),
        }
    }

    /// The path of its address.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Self::Home | Self::Nowhere => "/".to_owned(),
            Self::Page(id) => format!("/p/{id}"),
            Self::Bin => "/bin".to_owned(),
        }
    }
}

/// Shows `to`, as a new step of the browser's history.
pub fn go(route: RwSignal<Route>, to: Route) {
    if route.get_untracked() != to {
        let history = platform::window().history();
        let _ = history
            .and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(&to.path())));
        route.set(to);
    }
}

/// Shows `to` in place of the present step.
pub fn go_instead(route: RwSignal<Route>, to: Route) {
    let history = platform::window().history();
    let _ = history
        .and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&to.path())));
    route.set(to);
}

/// The present address as a signal that follows the browser's buttons and clicks on links of the page.
#[must_use]
pub fn watch() -> RwSignal<Route> {
    let route = RwSignal::new(here());
    platform::listen(&platform::window(), "popstate", move |_| route.set(here()));
    platform::listen(&platform::document(), "click", move |event| {
        let event: &MouseEvent = event.unchecked_ref();
        let is_plain = event.button() == 0
            && !(event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key());
        if !is_plain || event.default_prevented() {
            return;
        }
        let Some(target) = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
        else {
            return;
        };
        // Only the page's own links, and never those inside a document that somebody wrote.
        let Ok(Some(link)) = target.closest("a[data-route]") else {
            return;
        };
        if let Some(path) = link.get_attribute("href") {
            event.prevent_default();
            go(route, Route::of_path(&path));
        }
    });
    route
}

fn here() -> Route {
    Route::of_path(&platform::window().location().pathname().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_and_a_wrong_one_leads_nowhere() {
        for route in [Route::Home, Route::Bin, Route::Page(PageId::from_bits(7))] {
            assert_eq!(Route::of_path(&route.path()), route);
        }
        for path in ["/p/short", "/p/", "/else", "/p/../bin"] {
            assert_eq!(Route::of_path(path), Route::Nowhere, "{path}");
        }
    }
}
