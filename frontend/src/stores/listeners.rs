//! Who wants to be told of something. Telling never happens while the list is borrowed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

type Callback = Rc<dyn Fn()>;

/// A list of callbacks without arguments. Cheap to clone; clones share the list.
#[derive(Clone, Default)]
pub struct Listeners {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    next: Cell<u64>,
    list: RefCell<Vec<(u64, Callback)>>,
}

/// Keeps a callback on its list; dropping it takes the callback off.
#[must_use = "dropping a subscription ends it"]
pub struct Subscription {
    id: u64,
    list: Weak<Inner>,
}

impl Listeners {
    /// Puts `callback` on the list until the subscription is dropped.
    pub fn add(&self, callback: impl Fn() + 'static) -> Subscription {
        let id = self.inner.next.get();
        self.inner.next.set(id + 1);
        let callback: Callback = Rc::new(callback);
        self.inner.list.borrow_mut().push((id, callback));
        Subscription {
            id,
            list: Rc::downgrade(&self.inner),
        }
    }

    /// Calls everyone on the list, in the order they came. A callback may add and drop subscriptions.
    pub fn tell(&self) {
        let callbacks = self.inner.list.borrow().clone();
        for (_, callback) in callbacks {
            callback();
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(list) = self.list.upgrade() {
            let mut callbacks = list.list.borrow_mut();
            let place = callbacks.iter().position(|(id, _)| *id == self.id);
            let removed = place.map(|place| callbacks.remove(place));
            drop(callbacks);
            // The callback may own other subscriptions to this list: it goes after the borrow.
            drop(removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_subscription_is_told_no_more() {
        let told = Rc::new(Cell::new(0));
        let listeners = Listeners::default();
        let subscription = listeners.add({
            let told = Rc::clone(&told);
            move || told.set(told.get() + 1)
        });
        listeners.tell();
        drop(subscription);
        listeners.tell();
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn a_callback_may_end_another_subscription_while_being_told() {
        let listeners = Listeners::default();
        let held = Rc::new(RefCell::new(None));
        let _first = listeners.add({
            let held = Rc::clone(&held);
            move || drop(held.borrow_mut().take())
        });
        *held.borrow_mut() = Some(listeners.add(|| ()));
        listeners.tell();
        assert_eq!(listeners.inner.list.borrow().len(), 1);
    }
}
