//! IndexedDB's requests and transactions as futures; nothing here knows what is stored.
//!
//! A transaction closes itself as soon as nothing is asked of it. So between its requests never await anything
//! but its own requests.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget, IdbDatabase, IdbRequest, IdbTransaction};

use super::db::StorageFault;

/// What a request or a transaction came to, once it has.
struct Slot<T> {
    outcome: Option<Result<T, StorageFault>>,
    waker: Option<Waker>,
    callbacks: Vec<Closure<dyn FnMut(Event)>>,
}

/// The outcome of a request or a transaction, later. Dropping it does not undo anything.
pub struct Answer<T> {
    slot: Rc<RefCell<Slot<T>>>,
}

impl<T> Future for Answer<T> {
    type Output = Result<T, StorageFault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.slot.borrow_mut();
        if let Some(outcome) = slot.outcome.take() {
            slot.callbacks.clear();
            return Poll::Ready(outcome);
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

type Reading<T> = fn(&EventTarget) -> Result<T, StorageFault>;

/// Waits for the first of `events`; each says how the outcome is read from `target`.
fn answer<T: 'static>(target: &EventTarget, events: &[(&str, Reading<T>)]) -> Answer<T> {
    let slot = Rc::new(RefCell::new(Slot {
        outcome: None,
        waker: None,
        callbacks: Vec::new(),
    }));
    for (name, read) in events {
        let read = *read;
        let weak = Rc::downgrade(&slot);
        let source = target.clone();
        let callback = Closure::<dyn FnMut(Event)>::new(move |_| {
            let Some(slot) = weak.upgrade() else { return };
            let waker = {
                let mut slot = slot.borrow_mut();
                if slot.outcome.is_none() {
                    slot.outcome = Some(read(&source));
                }
                slot.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        let _ = target.add_event_listener_with_callback(name, callback.as_ref().unchecked_ref());
        slot.borrow_mut().callbacks.push(callback);
    }
    Answer { slot }
}

/// The result of `request`.
///
/// # Errors
/// [`StorageFault`] when the browser could not do it.
pub async fn result_of(request: &IdbRequest) -> Result<JsValue, StorageFault> {
    answer(
        request,
        &[
            ("success", |target| {
                let request: &IdbRequest = target.unchecked_ref();
                request
                    .result()
                    .map_err(|fault| StorageFault::of_js(&fault))
            }),
            ("error", |target| {
                let request: &IdbRequest = target.unchecked_ref();
                Err(fault_of(
                    request.error().ok().flatten().as_ref().map(AsRef::as_ref),
                ))
            }),
            ("blocked", |_| Err(StorageFault::Busy)),
        ],
    )
    .await
}

/// Waits until everything done in `transaction` is on the disk (as far as the browser says).
///
/// # Errors
/// [`StorageFault`] when it was rolled back; nothing of it is kept then.
pub fn committed(transaction: &IdbTransaction) -> Answer<()> {
    answer(
        transaction,
        &[
            ("complete", |_| Ok(())),
            ("abort", |target| {
                let transaction: &IdbTransaction = target.unchecked_ref();
                Err(fault_of(transaction.error().as_ref().map(AsRef::as_ref)))
            }),
        ],
    )
}

fn fault_of(exception: Option<&JsValue>) -> StorageFault {
    exception.map_or(StorageFault::Broken, StorageFault::of_js)
}

/// How soon a commit must be on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before it is reported: for what exists nowhere else.
    Strict,
    /// When the system likes: for what a server has too.
    Relaxed,
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = IdbDatabase)]
    type DatabaseWithDurability;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction_with_options(
        this: &DatabaseWithDurability,
        stores: &JsValue,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;

    #[wasm_bindgen(extends = IdbTransaction)]
    type TransactionWithCommit;

    #[wasm_bindgen(method, catch)]
    fn commit(this: &TransactionWithCommit) -> Result<(), JsValue>;
}

/// Says that nothing more is asked in `transaction`. Without it the browser commits once it has told the page of each
/// request, and rolls back if the page is gone by then. A browser that does not know this goes on as without it.
pub fn close(transaction: &IdbTransaction) {
    let transaction: &TransactionWithCommit = transaction.unchecked_ref();
    // One that is over already says so by its end.
    let _ = transaction.commit();
}

/// Opens a transaction that may write.
///
/// # Errors
/// [`StorageFault`] when the database is closed or a store is missing.
pub fn writing(
    database: &IdbDatabase,
    stores: &[&str],
    durability: Durability,
) -> Result<IdbTransaction, StorageFault> {
    let names: js_sys::Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
    let options = js_sys::Object::new();
    let word = match durability {
        Durability::Strict => "strict",
        Durability::Relaxed => "relaxed",
    };
    let _ = js_sys::Reflect::set(&options, &"durability".into(), &word.into());
    database
        .unchecked_ref::<DatabaseWithDurability>()
        .transaction_with_options(&names, "readwrite", &options)
        .map_err(|fault| StorageFault::of_js(&fault))
}

/// Opens a transaction that only reads.
///
/// # Errors
/// [`StorageFault`] when the database is closed or a store is missing.
pub fn reading(database: &IdbDatabase, stores: &[&str]) -> Result<IdbTransaction, StorageFault> {
    let names: js_sys::Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
    database
        .transaction_with_str_sequence(&names)
        .map_err(|fault| StorageFault::of_js(&fault))
}
