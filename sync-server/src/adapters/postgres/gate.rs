//! Whether the database is asked at all: nothing is while it is away. What was slow or cut off is cause to find out, over a
//! connection made for that.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use sheaf_core::servers::absence::{Absence, Order, Outcome};
use sheaf_core::servers::breaker::State;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::watch;

use super::connection::set_up;
use super::fault;
use crate::adapters::system::monotonic_now;
use crate::metrics::{BreakerState, Metrics};

/// Longest wait for the answer to the question whether it is there.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// See the module. Clones are the same gate.
#[derive(Clone, Debug)]
pub(super) struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: PgConnectOptions,
    absence: Mutex<Absence>,
    is_open: watch::Sender<bool>,
    metrics: OnceLock<Arc<Metrics>>,
}

impl Gate {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self(Arc::new(Inner {
            options,
            absence: Mutex::default(),
            is_open: watch::Sender::new(true),
            metrics: OnceLock::new(),
        }))
    }

    /// From now on its state is shown there.
    pub(super) fn count_in(&self, metrics: &Arc<Metrics>) {
        if self.0.metrics.set(Arc::clone(metrics)).is_ok() {
            self.show(self.absence().state());
        }
    }

    fn absence(&self) -> MutexGuard<'_, Absence> {
        self.0
            .absence
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the database is there, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        *self.0.is_open.borrow()
    }

    /// One was turned away.
    pub(super) fn note_refused(&self) {
        if let Some(metrics) = self.0.metrics.get() {
            metrics.database_refused.add(1);
        }
    }

    /// Waits until the database is there.
    pub(super) async fn opened(&self) {
        let mut is_open = self.0.is_open.subscribe();
        // The sender lives as long as this.
        let _ = is_open.wait_for(|is_open| *is_open).await;
    }

    /// It answered something.
    pub(super) fn note_answer(&self) {
        self.change(|absence| {
            absence.answered(monotonic_now());
            Order::Nothing
        });
    }

    /// Something was slow, cut off, or got no connection.
    pub(super) fn doubt(&self) {
        self.change(|absence| absence.doubted(monotonic_now()));
    }

    fn change(&self, change: impl FnOnce(&mut Absence) -> Order) {
        let (order, before, now) = {
            let mut absence = self.absence();
            let before = absence.state();
            let order = change(&mut absence);
            let now = absence.state();
            // Under the lock, so that what is shown is what came last.
            if before != now {
                self.show(now);
            }
            (order, before, now)
        };
        match (before == State::Closed, now == State::Closed) {
            (true, false) => {
                if let Some(metrics) = self.0.metrics.get() {
                    metrics.database_faults.add(1);
                }
                tracing::error!(
                    "The database is away: it takes no connection; nothing is stored until it does"
                );
            }
            (false, true) => tracing::info!("The database is there again"),
            _ => {}
        }
        match order {
            Order::Nothing => {}
            Order::Ask => self.ask_after(None),
            Order::AskIn(ms) => self.ask_after(Some(Duration::from_millis(ms))),
        }
    }

    fn show(&self, state: State) {
        self.0.is_open.send_replace(state == State::Closed);
        let Some(metrics) = self.0.metrics.get() else {
            return;
        };
        metrics.database_state.store(match state {
            State::Closed => BreakerState::Up,
            State::HalfOpen => BreakerState::Trying,
            State::Open { .. } => BreakerState::Away,
        });
    }

    fn ask_after(&self, pause: Option<Duration>) {
        let gate = self.clone();
        // Where there is no runtime any more, the program is going down.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
                return gate.change(|absence| absence.begin_try(monotonic_now()));
            }
            let outcome = ask(&gate.0.options).await;
            gate.change(|absence| absence.asked(outcome, monotonic_now()));
        });
    }
}

/// Asks whether it is there.
async fn ask(options: &PgConnectOptions) -> Outcome {
    let asking = async {
        let mut connection = PgConnection::connect_with(options).await?;
        set_up(&mut connection).await?;
        // Answered is answered, whether or not the goodbye arrives.
        let _ = connection.close().await;
        Ok(())
    };
    match tokio::time::timeout(ANSWER_WITHIN, asking).await {
        Ok(Ok(())) => Outcome::Answered,
        Ok(Err(error)) if fault::is_an_answer(&error) => Outcome::Answered,
        Ok(Err(_)) | Err(_) => Outcome::Unanswered,
    }
}
