//! Panics of `yrs`, turned into answers where the platform can.

/// Runs `work`; `None` if it panicked.
///
/// What `work` touched is in an unknown state after a panic, and the caller must not use it again.
/// In the browser a panic ends the page's program whatever is written here; the gate stands before it.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}
