//! The service worker that opens the page without a network: registering it, and hearing of a newer release.
//!
//! A newer release is never swapped in by itself: its worker waits until the person says "reload".

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration};

use crate::platform;

/// Where it lies: beside the page, so that it serves all of it.
const WORKER: &str = "/service-worker.js";
/// What the worker is told when it may take over.
const TAKE_OVER: &str = "take-over";
/// Milliseconds between looks for a newer release while the page stays open.
const LOOK_EVERY_MS: u64 = 30 * 60 * 1000;

/// A newer release that waits.
#[derive(Clone)]
pub struct Update {
    waiting: ServiceWorker,
}

impl Update {
    /// Lets it take over; the page reloads when it has.
    pub fn accept(&self) {
        let _ = self.waiting.post_message(&TAKE_OVER.into());
    }
}

/// The browser's door to service workers; `None` on plain HTTP beyond this machine.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = platform::window().navigator();
    let container = js_sys::Reflect::get(&navigator, &"serviceWorker".into()).ok()?;
    container.dyn_into().ok()
}

/// Whether this page can be opened here without a network.
#[must_use]
pub fn can_start_offline() -> bool {
    container().is_some()
}

/// Registers the worker; calls `ready` when a newer release waits. Without service workers nothing happens.
pub fn register(ready: impl Fn(Update) + 'static) {
    let Some(container) = container() else { return };
    // The first worker of a visit takes over a page that is up to date; every other one is a newer release.
    let is_first = Cell::new(container.controller().is_none());
    platform::listen(&container, "controllerchange", move |_| {
        if !is_first.replace(false) {
            let _ = platform::window().location().reload();
        }
    });
    let ready: Rc<dyn Fn(Update)> = Rc::new(ready);
    spawn_local(async move {
        let promise = container.register(WORKER);
        let Ok(registration) = JsFuture::from(promise).await else {
            return;
        };
        let registration: ServiceWorkerRegistration = registration.unchecked_into();
        offer(&registration, &ready);
        let found = registration.clone();
        platform::listen(&registration, "updatefound", move |_| {
            let Some(installing) = found.installing() else {
                return;
            };
            let (found, ready) = (found.clone(), Rc::clone(&ready));
            platform::listen(&installing, "statechange", move |_| offer(&found, &ready));
        });
        look_again(registration);
    });
}

/// Tells of a worker that waits, unless it is the first one here.
fn offer(registration: &ServiceWorkerRegistration, ready: &Rc<dyn Fn(Update)>) {
    if let (Some(waiting), Some(_)) = (registration.waiting(), registration.active()) {
        ready(Update { waiting });
    }
}

fn look_again(registration: ServiceWorkerRegistration) {
    platform::after_ms(LOOK_EVERY_MS, move || {
        let _ = registration.update();
        look_again(registration);
    });
}
