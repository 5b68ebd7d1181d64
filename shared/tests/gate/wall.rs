//! Applying updates as the program does: behind a wall that no panic passes.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use yrs::updates::decoder::Decode;
use yrs::{Doc, Transact, Update};

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `risky`; none if it panicked, of which nothing is printed.
pub(crate) fn catch<T>(risky: impl FnOnce() -> T) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                usual(panic);
            }
        }));
    });
    IS_QUIET.set(true);
    let result = catch_unwind(AssertUnwindSafe(risky)).ok();
    IS_QUIET.set(false);
    result
}

/// Whether yrs took the update. After a no the document must not be touched again, nor dropped.
pub(crate) fn apply(doc: &Doc, update: &[u8]) -> bool {
    let Some(Ok(update)) = catch(|| Update::decode_v1(update)) else {
        return false;
    };
    let mut txn = ManuallyDrop::new(doc.transact_mut());
    let applied = catch(|| txn.apply_update(update).map(|()| txn.commit()));
    if !matches!(applied, Some(Ok(()))) {
        return false;
    }
    drop(ManuallyDrop::into_inner(txn));
    true
}
