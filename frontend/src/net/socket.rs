//! One WebSocket: bytes in, bytes out. It knows nothing of what they mean.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

/// What a socket says.
pub enum SocketEvent {
    /// It is open.
    Opened,
    /// One binary message came.
    Received(Vec<u8>),
    /// It is closed, or never opened; the close code, 1006 if there was none.
    Closed(u16),
}

/// One connection. Dropping it hangs up and nothing more is heard of it.
pub struct Socket {
    socket: WebSocket,
    _callbacks: [Closure<dyn FnMut(Event)>; 3],
}

impl Socket {
    /// Dials `url`; calls `f` with whatever happens, never before this returns.
    ///
    /// # Errors
    /// When the browser does not even try: a forbidden port or a content policy.
    pub fn dial(url: &str, f: impl Fn(SocketEvent) + 'static) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let f = Rc::new(f);
        let opened = Closure::<dyn FnMut(Event)>::new({
            let f = Rc::clone(&f);
            move |_| f(SocketEvent::Opened)
        });
        let received = Closure::<dyn FnMut(Event)>::new({
            let f = Rc::clone(&f);
            move |event: Event| {
                let event: MessageEvent = event.unchecked_into();
                // Text has no meaning here.
                if let Ok(buffer) = event.data().dyn_into::<js_sys::ArrayBuffer>() {
                    f(SocketEvent::Received(
                        js_sys::Uint8Array::new(&buffer).to_vec(),
                    ));
                }
            }
        });
        let closed = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let event: CloseEvent = event.unchecked_into();
            f(SocketEvent::Closed(event.code()));
        });
        socket.set_onopen(Some(opened.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(received.as_ref().unchecked_ref()));
        socket.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Ok(Self {
            socket,
            _callbacks: [opened, received, closed],
        })
    }

    /// Sends one binary message. A socket that is closing drops it; the next connection makes up for it.
    pub fn send(&self, message: &[u8]) {
        let _ = self.socket.send_with_u8_array(message);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}
