//! Connections to the database: how many, how they are set up, and when one is given up.

use std::ops::{Deref, DerefMut};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Postgres, Row as _};

use super::fault::{self, OpenError};
use super::gate::Gate;
use crate::ports::{ReadFault, StorageFault};

/// Longest wait for a free connection, or for a new one.
const TAKE_WITHIN: Duration = Duration::from_secs(3);
/// Connections without work for so long are asked whether they are still there before they are used.
const ASK_AFTER_IDLE: Duration = Duration::from_secs(5);
/// Connections beyond the first that have had no work for so long are closed.
const IDLE_MAX: Duration = Duration::from_secs(120);
/// A connection is replaced after so long, so that servers spread again after a failover.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);

/// What the database itself ends, in its words and milliseconds: longer than our own deadlines would be pointless.
/// And how soon it notices that one of our servers is gone: what that one held locked, the others wait for.
const LIMITS: [(&str, &str); 7] = [
    ("statement_timeout", "60000"),
    ("lock_timeout", "4000"),
    ("idle_in_transaction_session_timeout", "20000"),
    ("tcp_user_timeout", "8000"),
    ("tcp_keepalives_idle", "4"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
];

/// A bounded number of connections.
#[derive(Debug)]
pub(super) struct Connections {
    pool: PgPool,
    pub(super) gate: Gate,
    broke_at: Arc<Mutex<Option<Instant>>>,
}

impl Connections {
    /// Nothing is connected yet.
    pub(super) fn open(url: &str, connections_max: u32) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(OpenError::Address)?
            .application_name("sheaf")
            .options(LIMITS)
            .disable_statement_logging();
        let gate = Gate::new(options.clone());
        let broke_at = Arc::new(Mutex::new(None));
        let last_break = Arc::clone(&broke_at);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .min_connections(1)
            .acquire_timeout(TAKE_WITHIN)
            .idle_timeout(IDLE_MAX)
            .max_lifetime(AGE_MAX)
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(set_up(connection)))
            .before_acquire(move |connection, known| {
                // When one broke, those as old as it are likely broken too: a restart ends them all.
                let since_break = lock(&last_break).map(|at: Instant| at.elapsed());
                let is_suspect = since_break.is_some_and(|since| known.age > since);
                let must_ask = is_suspect || known.idle_for > ASK_AFTER_IDLE;
                Box::pin(async move {
                    if must_ask {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            gate,
            broke_at,
        })
    }

    /// The first connection, with the reason in full if there is none.
    pub(super) async fn first(&self) -> Result<Lease, OpenError> {
        match tokio::time::timeout(TAKE_WITHIN * 2, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok(self.lease(connection)),
            Ok(Err(error)) => Err(OpenError::Unreachable(error)),
            Err(_) => Err(OpenError::Unreachable(sqlx::Error::PoolTimedOut)),
        }
    }

    /// A connection that works as far as is known; at once none if the database is away.
    pub(super) async fn take(&self) -> Result<Lease, StorageFault> {
        if !self.gate.is_open() {
            self.gate.note_refused();
            return Err(StorageFault::Away);
        }
        match self.pool.acquire().await {
            Ok(connection) => Ok(self.lease(connection)),
            Err(error) => {
                self.gate.doubt();
                Err(fault::of_storage(&error))
            }
        }
    }

    fn lease(&self, connection: PoolConnection<Postgres>) -> Lease {
        Lease {
            connection: Some(connection),
            gate: self.gate.clone(),
            broke_at: Arc::clone(&self.broke_at),
        }
    }
}

/// Every new connection. One to a standby is refused: after a failover the old primary may still answer.
pub(super) async fn set_up(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // A commit that is not flushed is not a commit. Stronger settings (waiting for a standby) are left as they are.
    let row = sqlx::query(
        "SELECT pg_is_in_recovery(),
                CASE WHEN current_setting('synchronous_commit') = 'off'
                     THEN set_config('synchronous_commit', 'on', false) END",
    )
    .fetch_one(connection)
    .await?;
    if row.try_get::<bool, _>(0)? {
        return Err(sqlx::Error::Configuration(
            "the database is a standby and takes no edits".into(),
        ));
    }
    Ok(())
}

/// A connection in use. Unless its work [settles](Lease::settle) well it is closed, not put back: after an error or
/// in the middle of an answer nobody knows what it would say next.
#[derive(Debug)]
pub(super) struct Lease {
    connection: Option<PoolConnection<Postgres>>,
    gate: Gate,
    broke_at: Arc<Mutex<Option<Instant>>>,
}

impl Lease {
    /// Puts the connection back.
    pub(super) fn keep(mut self) {
        self.gate.note_answer();
        drop(self.connection.take());
    }

    /// Puts the connection back if all went well.
    pub(super) fn settle<T>(self, answer: Result<T, sqlx::Error>) -> Result<T, StorageFault> {
        match answer {
            Ok(answer) => {
                self.keep();
                Ok(answer)
            }
            Err(error) => {
                if fault::is_an_answer(&error) {
                    self.gate.note_answer();
                }
                Err(fault::of_storage(&error))
            }
        }
    }

    /// The same for a question whose answer may be that something is damaged.
    pub(super) fn settle_read<T>(self, answer: Result<T, ReadFault>) -> Result<T, ReadFault> {
        if answer.is_ok() {
            self.keep();
        }
        answer
    }
}

impl Deref for Lease {
    type Target = PgConnection;

    #[expect(
        clippy::expect_used,
        reason = "it is taken only by what consumes the lease"
    )]
    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect("the connection is here")
    }
}

impl DerefMut for Lease {
    #[expect(
        clippy::expect_used,
        reason = "it is taken only by what consumes the lease"
    )]
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("the connection is here")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            *lock(&self.broke_at) = Some(Instant::now());
            // Closed without a goodbye that nobody may be there to hear.
            drop(connection.detach());
            self.gate.doubt();
        }
    }
}

fn lock(broke_at: &Mutex<Option<Instant>>) -> std::sync::MutexGuard<'_, Option<Instant>> {
    broke_at.lock().unwrap_or_else(PoisonError::into_inner)
}
