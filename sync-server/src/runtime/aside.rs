//! Long work, on a thread that claims less of the processor than those that serve everybody else.
//!
//! How long a replica takes to apply an update is not known before it has. One document may keep a thread busy for
//! seconds, lawfully or not; where all processors are, others are served first.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crate::STACK_BYTES;

/// How much less the thread claims: a tenth of a usual one's share, where both want the same processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Bytes a room is told from which on nothing else may wait while it looks at them.
const HEARD_BYTES: usize = 128 * 1024;
/// The same where updates are applied. One that was made for it takes 200 ns for each two of its blocks: 50 ms at this
/// length, and 10 s at the other.
const APPLIED_BYTES: usize = 8 * 1024;

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Light,
    /// So long that nothing else may wait for it.
    Heavy,
}

impl Weight {
    /// Of looking at so many bytes.
    pub(crate) const fn of_heard(bytes: usize) -> Self {
        Self::of(bytes, HEARD_BYTES)
    }

    /// Of applying so many bytes.
    pub(crate) const fn of_applied(bytes: usize) -> Self {
        Self::of(bytes, APPLIED_BYTES)
    }

    const fn of(bytes: usize, heavy_from: usize) -> Self {
        if bytes < heavy_from {
            Self::Light
        } else {
            Self::Heavy
        }
    }
}

/// Runs `work` and waits for it.
///
/// # Errors
/// What it panicked with.
pub(crate) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> thread::Result<T> {
    // A thread that can't be started does not get it.
    let mut work = Some(AssertUnwindSafe(work));
    let started = thread::scope(|scope| {
        let work = &mut work;
        let thread = thread::Builder::new()
            .name("room-aside".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                claim_less();
                work.take().map(|work| catch_unwind(work))
            });
        thread.ok()?.join().ok().flatten()
    });
    match (started, work) {
        (Some(done), _) => done,
        (None, Some(work)) => catch_unwind(work),
        (None, None) => Err(Box::new("the thread ended without an answer")),
    }
}

fn claim_less() {
    // Elsewhere this is the whole program's, or the thread could not be asked alone.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "A thread could not be made to claim less of the processor");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn long_work_claims_less_of_the_processor_than_what_it_was_taken_from() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let (here, there) = (niceness(), run(niceness).unwrap());
        assert_eq!(there, (here + NICENESS).min(19));
        assert_eq!(niceness(), here, "others pay for it");
    }

    #[test]
    fn a_panic_in_long_work_comes_back_as_an_answer() {
        let panicked = run(|| panic!("as it was asked to"));
        let _: Box<dyn std::any::Any + Send> = panicked.map(|(): ()| ()).unwrap_err();
        assert_eq!(run(|| 7).unwrap(), 7);
    }
}
