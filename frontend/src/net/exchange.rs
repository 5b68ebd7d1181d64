//! Carries out what a line of exchanges (`shared::sync::exchanges`) asks for: requests and a timer. To the session it looks
//! like a socket.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sheaf_shared::sync::exchanges::{Effect, Exchanges, Input, PostId};
use sheaf_shared::time::MonotonicMs;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, RequestInit, Response};

use super::session::{OpenReplicas, Replicas};
use super::socket::SocketEvent;
use crate::platform;

/// Where exchanges go.
const PATH: &str = "/collab/exchange";
/// Longest body, in bytes, that browsers send to the end for a page that is being left.
const KEPT_ALIVE_BYTES_MAX: usize = 48 * 1024;

/// One line. Dropping it hangs up and nothing more is heard of it.
pub struct ExchangeLine {
    inner: Rc<Inner>,
}

struct Inner {
    line: RefCell<Exchanges>,
    replicas: Replicas,
    under_way: RefCell<Vec<(PostId, AbortController)>>,
    wake: Cell<MonotonicMs>,
    is_over: Cell<bool>,
    will_go_on: Cell<bool>,
    tell: Box<dyn Fn(SocketEvent)>,
}

impl ExchangeLine {
    /// Begins a line; calls `tell` with whatever happens, never before this returns.
    pub fn dial(replicas: Replicas, tell: impl Fn(SocketEvent) + 'static) -> Self {
        let seed = u64::from_le_bytes(platform::random());
        let inner = Rc::new(Inner {
            line: RefCell::new(Exchanges::new(seed)),
            replicas,
            under_way: RefCell::default(),
            wake: Cell::default(),
            is_over: Cell::new(false),
            will_go_on: Cell::new(false),
            tell: Box::new(tell),
        });
        inner.handle(Input::Start);
        Self { inner }
    }

    /// Sends one binary message, with what else is sent in this task.
    pub fn send(&self, message: &[u8]) {
        self.inner.handle(Input::Send(message));
        if !self.inner.will_go_on.replace(true) {
            let inner = Rc::clone(&self.inner);
            spawn_local(async move {
                inner.will_go_on.set(false);
                inner.handle(Input::Tick);
            });
        }
    }

    /// The page is being left: says goodbye, and what is still to be said. The line is over then.
    pub fn leave(&self) {
        let last = self.inner.line.borrow_mut().last_words();
        if let Some(mut last) = last {
            let navigator = platform::window().navigator();
            let _ = navigator.send_beacon_with_opt_u8_array(PATH, Some(&mut last));
        }
    }
}

impl Drop for ExchangeLine {
    fn drop(&mut self) {
        self.inner.is_over.set(true);
        for (_, request) in self.inner.under_way.borrow_mut().drain(..) {
            request.abort();
        }
    }
}

impl Inner {
    fn handle(self: &Rc<Self>, input: Input<'_>) {
        if self.is_over.get() {
            return;
        }
        let mut effects = Vec::new();
        self.line.borrow_mut().handle(
            input,
            platform::now(),
            &mut OpenReplicas(&self.replicas, None),
            &mut effects,
        );
        for effect in effects {
            // What was told before may have ended it.
            if self.is_over.get() {
                return;
            }
            match effect {
                Effect::Post { post, body, says } => self.post(post, &body, says),
                Effect::Abort(post) => {
                    if let Some(request) = self.take_request(post) {
                        request.abort();
                    }
                }
                Effect::Opened => (self.tell)(SocketEvent::Opened),
                Effect::Received(frame) => (self.tell)(SocketEvent::Received(frame)),
                Effect::Closed(code) => (self.tell)(SocketEvent::Closed(code)),
                Effect::WakeAt(at) => self.wake_at(at),
            }
        }
    }

    fn take_request(&self, post: PostId) -> Option<AbortController> {
        let mut under_way = self.under_way.borrow_mut();
        let place = under_way.iter().position(|(one, _)| *one == post)?;
        Some(under_way.remove(place).1)
    }

    fn post(self: &Rc<Self>, post: PostId, body: &[u8], says: bool) {
        let request = AbortController::new();
        let asked = request
            .as_ref()
            .ok()
            .map(|request| ask(body, says, request));
        if let Ok(request) = request {
            self.under_way.borrow_mut().push((post, request));
        }
        let inner = Rc::clone(self);
        spawn_local(async move {
            let answered = match asked {
                Some(asked) => read(asked).await,
                None => None,
            };
            let is_wanted = inner.take_request(post).is_some();
            match answered {
                _ if !is_wanted => {}
                Some((status, body)) => inner.handle(Input::Answered {
                    post,
                    status,
                    body: &body,
                }),
                None => inner.handle(Input::Failed(post)),
            }
        });
    }

    fn wake_at(self: &Rc<Self>, at: MonotonicMs) {
        self.wake.set(at);
        let inner = Rc::clone(self);
        platform::after_ms(at.ms_since(platform::now()) + 1, move || {
            // A later wish replaced this one.
            if inner.wake.get() == at {
                inner.handle(Input::Tick);
            }
        });
    }
}

/// Sends a request; the promise is its answer. One that `says` something arrives though the page is left meanwhile.
fn ask(body: &[u8], says: bool, request: &AbortController) -> js_sys::Promise {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&js_sys::Uint8Array::from(body));
    init.set_signal(Some(&request.signal()));
    if says && body.len() <= KEPT_ALIVE_BYTES_MAX {
        let _ = js_sys::Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE);
    }
    platform::window().fetch_with_str_and_init(PATH, &init)
}

async fn read(asked: js_sys::Promise) -> Option<(u16, Vec<u8>)> {
    let response: Response = JsFuture::from(asked).await.ok()?.unchecked_into();
    let body = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some((response.status(), js_sys::Uint8Array::new(&body).to_vec()))
}
