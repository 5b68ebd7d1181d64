//! Effects: what is done again whenever the facts it was done for change.

use leptos::prelude::Effect;

/// Does `f` now, and again when a signal that it read has changed, until the owner under which it was begun goes.
///
/// Whatever `f` is, the machinery is made once; `Effect::new` makes it once for each `f`, and it is a kilobyte.
pub fn effect(f: impl FnMut() + 'static) {
    let f: Box<dyn FnMut()> = Box::new(f);
    Effect::new(f);
}
