//! Long work, on a thread that claims less of the processor than those that serve everybody else.
//!
//! How long a replica takes to apply an update is not known before it has. One document may keep a thread busy for
//! seconds, lawfully or not; where all processors are, others are served first. So many threads at most do such work at a
//! time; what is beyond that waits for its turn (`aside/turns.rs`), and keeps no thread waiting with it.

mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use sheaf_shared::ids::DocName;
use sheaf_shared::time::MonotonicMs;
use tokio::sync::oneshot;

use crate::STACK_BYTES;
use crate::adapters::system::monotonic_now;
use turns::{Ask, Turns};

/// Least number of documents that are worked on at a time: where one thing takes long, there is room beside it.
const PLACES_MIN: usize = 2;

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

/// Where long work is done, and who waits for it.
pub(crate) struct Bulkhead {
    turns: Mutex<Turns<oneshot::Sender<()>>>,
}

/// The process has its processors once.
static BULKHEAD: LazyLock<Bulkhead> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    Bulkhead::new(processors.max(PLACES_MIN))
});

/// Waits until long work for this document may begin.
pub(crate) async fn enter(doc: &DocName) -> Place<'static> {
    BULKHEAD.enter(doc).await
}

/// How many documents wait for that.
pub(crate) fn waiting() -> usize {
    BULKHEAD.turns().waiting()
}

/// One who may work. Gives the place free when dropped.
pub(crate) struct Place<'a> {
    bulkhead: &'a Bulkhead,
    doc: DocName,
    since: MonotonicMs,
}

/// One who waits.
struct Waiting<'a> {
    bulkhead: &'a Bulkhead,
    ask: Ask,
    called: oneshot::Receiver<()>,
    is_over: bool,
}

impl Bulkhead {
    fn new(places: usize) -> Self {
        Self {
            turns: Mutex::new(Turns::new(places)),
        }
    }

    fn turns(&self) -> MutexGuard<'_, Turns<oneshot::Sender<()>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn enter(&self, doc: &DocName) -> Place<'_> {
        let (call, called) = oneshot::channel();
        let asked = self.turns().ask(doc, call);
        if let Some(ask) = asked {
            let mut waiting = Waiting {
                bulkhead: self,
                ask,
                called,
                is_over: false,
            };
            // Whoever gives a place free calls the next, and only that drops the other end.
            let _ = (&mut waiting.called).await;
            waiting.is_over = true;
        }
        Place {
            bulkhead: self,
            doc: doc.clone(),
            since: monotonic_now(),
        }
    }

    /// Gives a place to the next who still waits.
    fn call_next(&self) {
        let mut turns = self.turns();
        while let Some(call) = turns.pass_on() {
            if call.send(()).is_ok() {
                return;
            }
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let took_ms = monotonic_now().ms_since(self.since);
        self.bulkhead.turns().took(&self.doc, took_ms);
        self.bulkhead.call_next();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let was_waiting = self.bulkhead.turns().withdraw(self.ask);
        if !was_waiting {
            // It was called, and does not come.
            self.bulkhead.call_next();
        }
    }
}

/// Runs `work` and waits for it.
///
/// # Errors
/// What it panicked with.
pub(crate) fn run<T: Send>(_: &Place<'_>, work: impl FnOnce() -> T + Send) -> thread::Result<T> {
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

    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;
    use std::time::Duration;

    fn doc(name: &str) -> DocName {
        DocName::parse(name).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn long_work_claims_less_of_the_processor_than_what_it_was_taken_from() {
        let place = enter(&doc("page")).await;
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let (here, there) = (niceness(), run(&place, niceness).unwrap());
        assert_eq!(there, (here + NICENESS).min(19));
        assert_eq!(niceness(), here, "others pay for it");
    }

    #[tokio::test]
    async fn a_panic_in_long_work_comes_back_as_an_answer() {
        let place = enter(&doc("page")).await;
        let panicked = run(&place, || panic!("as it was asked to"));
        let _: Box<dyn std::any::Any + Send> = panicked.map(|(): ()| ()).unwrap_err();
        assert_eq!(run(&place, || 7).unwrap(), 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn so_many_documents_are_worked_on_at_a_time_and_all_of_them_some_day() {
        static BULKHEAD: LazyLock<Bulkhead> = LazyLock::new(|| Bulkhead::new(3));
        static AT_WORK: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let work = async |name: String| {
            let _place = BULKHEAD.enter(&doc(&name)).await;
            MOST.fetch_max(AT_WORK.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            AT_WORK.fetch_sub(1, Ordering::SeqCst);
        };
        let all: Vec<_> = (0..60)
            .map(|number| tokio::spawn(work(format!("page-{}", number % 20))))
            .collect();
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(MOST.load(Ordering::SeqCst), 3);
        assert_eq!(BULKHEAD.turns().waiting(), 0);
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_its_place_to_the_next() {
        let bulkhead = Bulkhead::new(1);
        let first = bulkhead.enter(&doc("first")).await;
        let (second, third) = (doc("second"), doc("third"));
        let mut gives_up = Box::pin(bulkhead.enter(&second));
        let mut waits = Box::pin(bulkhead.enter(&third));
        for waiting in [&mut gives_up, &mut waits] {
            let polled = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
            assert!(polled.is_pending());
        }
        // It is called, and is gone before it hears that.
        drop(first);
        drop(gives_up);
        drop(waits.await);
        drop(bulkhead.enter(&second).await);
    }
}
