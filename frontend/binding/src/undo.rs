//! Undo and redo of one's own edits, and where the selection was before and after each.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::time::MonotonicMs;
use yrs::sync::Clock;
use yrs::undo::{Options, UndoManager};
use yrs::{Doc, TextRef};

use crate::caret::AnchoredSelection;

/// Edits less than this many milliseconds apart are undone together.
pub(crate) const CAPTURE_MS: u64 = 500;

/// Selections around one undoable edit.
#[derive(Clone, Debug, Default)]
struct Around {
    before: Option<AnchoredSelection>,
    after: Option<AnchoredSelection>,
}

/// What an item on the undo stack carries: shared, so that it can be filled in once its transaction is over.
#[derive(Clone, Debug, Default)]
struct Memo(Arc<Mutex<Around>>);

impl Memo {
    fn get(&self) -> Around {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut Around)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The last stack items that were made, grew and were taken.
#[derive(Default)]
struct Seen {
    added: Option<Memo>,
    updated: Option<Memo>,
    popped: Option<Memo>,
}

struct ToldClock(AtomicU64);

impl Clock for ToldClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Which way to go in one's own history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Take the last edit back.
    Undo,
    /// Make it again.
    Redo,
}

/// One's own edits, to be taken back. Must be [closed](Self::close).
pub(crate) struct History {
    /// Its destructor locks the document and panics if it can't: never run while a transaction may be open.
    manager: ManuallyDrop<UndoManager<Memo>>,
    clock: Arc<ToldClock>,
    seen: Arc<Mutex<Seen>>,
}

impl History {
    pub(crate) fn open(doc: &Doc, text: &TextRef) -> Self {
        // The first instant is 1, as the manager takes 0 for "never".
        let clock = Arc::new(ToldClock(AtomicU64::new(1)));
        let mut manager = UndoManager::with_options(Options {
            capture_timeout_millis: CAPTURE_MS,
            tracked_origins: [yrs::Origin::from(Origin::Local)].into_iter().collect(),
            capture_transaction: None,
            timestamp: Arc::clone(&clock) as Arc<dyn Clock>,
            init_undo_stack: Vec::new(),
            init_redo_stack: Vec::new(),
        });
        manager.expand_scope(doc, text);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let note = |seen: &Arc<Mutex<Seen>>, note: fn(&mut Seen, Memo)| {
            let seen = Arc::clone(seen);
            move |memo: &Memo| {
                note(
                    &mut seen.lock().unwrap_or_else(PoisonError::into_inner),
                    memo.clone(),
                );
            }
        };
        let added = note(&seen, |seen, memo| seen.added = Some(memo));
        let updated = note(&seen, |seen, memo| seen.updated = Some(memo));
        let popped = note(&seen, |seen, memo| seen.popped = Some(memo));
        manager.observe_item_added("binding", move |_, event| added(event.meta()));
        manager.observe_item_updated("binding", move |_, event| updated(event.meta()));
        manager.observe_item_popped("binding", move |_, event| popped(event.meta()));
        Self {
            manager: ManuallyDrop::new(manager),
            clock,
            seen,
        }
    }

    /// Tells the time; the next edit is captured at it. A clock that steps back stands still instead.
    pub(crate) fn tell(&self, now: MonotonicMs) {
        self.clock
            .0
            .fetch_max(now.0.saturating_add(1), Ordering::Relaxed);
    }

    /// The next edit begins a new item.
    pub(crate) fn stop_capturing(&mut self) {
        self.manager.reset();
    }

    /// Notes the selection around the edit that was just made.
    pub(crate) fn remember(
        &self,
        before: Option<AnchoredSelection>,
        after: Option<AnchoredSelection>,
    ) {
        let seen = self.take_seen();
        if let Some(memo) = seen.added {
            memo.change(|around| *around = Around { before, after });
        } else if let Some(memo) = seen.updated {
            memo.change(|around| around.after = after);
        }
    }

    /// Goes one item back or forth. Returns the updates for others and where the selection was, or `None` when
    /// there was nothing to do.
    pub(crate) fn go(
        &mut self,
        replica: &mut Replica,
        direction: Direction,
    ) -> Option<(Vec<Vec<u8>>, Option<AnchoredSelection>)> {
        drop(self.take_seen());
        let manager = &mut *self.manager;
        let (moved, updates) = replica.capture(|_| match direction {
            Direction::Undo => manager.undo_blocking(),
            Direction::Redo => manager.redo_blocking(),
        });
        let seen = self.take_seen();
        if !moved {
            return None;
        }
        let around = seen.popped.map(|memo| memo.get()).unwrap_or_default();
        let selection = match direction {
            Direction::Undo => around.before.clone(),
            Direction::Redo => around.after.clone(),
        };
        if let Some(opposite) = seen.added {
            opposite.change(|now| *now = around);
        }
        Some((updates, selection))
    }

    pub(crate) fn can_go(&self, direction: Direction) -> bool {
        match direction {
            Direction::Undo => self.manager.can_undo(),
            Direction::Redo => self.manager.can_redo(),
        }
    }

    fn take_seen(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets go of the document. A broken one is never unlocked again, so there the manager stays where it is.
    pub(crate) fn close(self, replica: &Replica) {
        if !replica.is_broken() {
            drop(ManuallyDrop::into_inner(self.manager));
        }
    }
}
