//! What the program counts about itself, in Prometheus's text form. Names and numbers only.

mod exchanges;
mod render;
mod rights;

pub use exchanges::ExchangeMetrics;
pub use rights::RightsMetrics;

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// Only goes up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `by` more.
    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// One more.
    pub fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// So many now.
    pub fn set(&self, now: usize) {
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.0.store(now, Ordering::Relaxed);
    }

    /// What it stands at.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper edges of a histogram's buckets, in microseconds.
const EDGES_US: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// How long something took.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; EDGES_US.len()],
    count: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one that took `took`.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(index) = EDGES_US.iter().position(|edge| us <= *edge) {
            self.buckets[index].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }
}

/// Whether something works that has a circuit breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreakerState {
    /// There is none.
    #[default]
    None,
    /// It is away, and left alone for a while.
    Away,
    /// It is being tried.
    Trying,
    /// It works.
    Up,
}

/// Holds a [`BreakerState`].
#[derive(Debug, Default)]
pub struct BreakerGauge(AtomicU8);

impl BreakerGauge {
    const STATES: [BreakerState; 4] = [
        BreakerState::None,
        BreakerState::Away,
        BreakerState::Trying,
        BreakerState::Up,
    ];

    /// It is so from now on.
    pub fn store(&self, state: BreakerState) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    /// What it is.
    #[must_use]
    pub fn get(&self) -> BreakerState {
        let state = usize::from(self.0.load(Ordering::Relaxed));
        Self::STATES.get(state).copied().unwrap_or_default()
    }
}

/// Everything that is counted. One for the process.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Open TCP connections.
    pub connections: Gauge,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Connections refused because their address opened too many in a short time.
    pub connections_too_fast: Counter,
    /// Open WebSockets.
    pub sockets: Gauge,
    /// Requests to the API.
    pub api_requests: Counter,
    /// Those of them that were answered with what is wrong with them.
    pub api_refused: Counter,
    /// Sessions of people that began.
    pub sign_ins: Counter,
    /// Passwords that were wrong.
    pub sign_ins_failed: Counter,
    /// Passwords that were not looked at, as too many were tried.
    pub sign_ins_held_back: Counter,
    /// Passwords that were not looked at, as too many others waited.
    pub passwords_busy: Counter,
    /// Exchanges with those who can't open WebSockets.
    pub exchanges: ExchangeMetrics,
    /// Who may be here.
    pub rights: RightsMetrics,
    /// Documents in memory.
    pub rooms: Gauge,
    /// Bytes of memory they take, about.
    pub rooms_bytes: Gauge,
    /// Documents that wait for a place to work long.
    pub rooms_waiting: Gauge,
    /// WebSocket messages received.
    pub frames_in: Counter,
    /// Bytes of WebSocket messages received.
    pub bytes_in: Counter,
    /// WebSocket messages sent.
    pub frames_out: Counter,
    /// Bytes of WebSocket messages sent.
    pub bytes_out: Counter,
    /// Updates stored.
    pub updates_stored: Counter,
    /// Sockets closed by us because of what they sent.
    pub closed_for_cause: Counter,
    /// Rooms thrown away because something in them panicked.
    pub room_panics: Counter,
    /// Updates put aside.
    pub quarantined: Counter,
    /// Documents in which stored updates waited too long for what they build on.
    pub rows_waiting: Counter,
    /// Documents that could not be loaded.
    pub load_faults: Counter,
    /// Groups of writes that failed.
    pub store_faults: Counter,
    /// Whether a shared database is there.
    pub database_state: BreakerGauge,
    /// Times it turned out to be away.
    pub database_faults: Counter,
    /// What was not asked of the database because it was away.
    pub database_refused: Counter,
    /// Snapshots stored.
    pub compactions: Counter,
    /// Snapshots that were not stored: outrun, refused by the check, or failed.
    pub compaction_faults: Counter,
    /// Leases of documents that were taken.
    pub leases_taken: Counter,
    /// Times work was left to another server that held the lease.
    pub leases_elsewhere: Counter,
    /// Leases that another server took over while they were in use.
    pub leases_lost: Counter,
    /// Snapshots that the store refused as they were made under a lease that was lost.
    pub snapshots_fenced: Counter,
    /// Times an open document was compared with what is stored, and times that could not be done.
    pub audits: Counter,
    /// See [`Metrics::audits`].
    pub audit_faults: Counter,
    /// Times another server said that it has another copy of a document.
    pub audit_disagreements: Counter,
    /// Times an open document was not what is stored.
    pub audit_mismatches: Counter,
    /// Updates that the store had lost and were stored again.
    pub rows_put_back: Counter,
    /// Rounds of asking a shared store about open documents that got no answer.
    pub following_faults: Counter,
    /// Whether the place of pictures and files did not answer when it was looked at last.
    pub blobs_away: Gauge,
    /// Times it did not.
    pub blobs_faults: Counter,
    /// Servers that share the store and were heard of lately, this one among them.
    pub servers: Gauge,
    /// Servers that share the store and have fallen silent.
    pub servers_silent: Gauge,
    /// Signs of life that the shared store did not take.
    pub membership_faults: Counter,
    /// Messages to other servers that the bus took.
    pub bus_sent: Counter,
    /// Messages of other servers that arrived.
    pub bus_received: Counter,
    /// Messages to other servers that were dropped because too many waited.
    pub bus_dropped: Counter,
    /// Times messages of other servers were dropped because they came too fast.
    pub bus_lost: Counter,
    /// What arrived and was no message of a server of this store.
    pub bus_refused: Counter,
    /// Times the bus failed.
    pub bus_faults: Counter,
    /// Whether the bus works.
    pub bus_state: BreakerGauge,
    /// Other servers that are heard.
    pub bus_servers: Gauge,
    /// Times rows of other servers were read from the store.
    pub rows_read_late: Counter,
    /// Times a shared store was asked how far open documents have come.
    pub following_rounds: Counter,
    /// How long a message took by the bus, there and back.
    pub bus_round_trip: Histogram,
    /// How long a group of writes took until it was on the disk.
    pub store_commit: Histogram,
    /// How long a room worked on what waited for it.
    pub room_turn: Histogram,
    /// How long loading a document took.
    pub load: Histogram,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_each_bucket_with_all_below_it() {
        let metrics = Metrics::default();
        metrics.load.observe(Duration::from_micros(100));
        metrics.load.observe(Duration::from_millis(3));
        metrics.load.observe(Duration::from_secs(60));
        let text = metrics.render();
        assert!(
            text.contains("sheaf_load_seconds_bucket{le=\"0.000100\"} 1\n"),
            "{text}"
        );
        assert!(text.contains("sheaf_load_seconds_bucket{le=\"0.005000\"} 2\n"));
        assert!(text.contains("sheaf_load_seconds_bucket{le=\"5.000000\"} 2\n"));
        assert!(text.contains("sheaf_load_seconds_bucket{le=\"+Inf\"} 3\n"));
        assert!(text.contains("sheaf_load_seconds_sum 60.003100\n"));
    }

    #[test]
    fn the_manual_tells_of_every_metric_and_of_no_other() {
        let manual = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATIONS.md");
        let manual = std::fs::read_to_string(manual).unwrap();
        let (_, table) = manual.split_once("\nEvery metric:\n\n").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let rows = table.lines().skip(2);
        let mut told: Vec<(String, String)> = rows
            .flat_map(|row| {
                let mut columns = row.split('|').skip(1);
                let (names, kind) = (columns.next().unwrap(), columns.next().unwrap());
                names
                    .split(',')
                    .map(|name| {
                        (
                            name.trim().trim_matches('`').to_owned(),
                            kind.trim().to_owned(),
                        )
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        told.sort();
        let text = Metrics::default().render();
        let mut printed: Vec<(String, String)> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect();
        printed.sort();
        assert_eq!(told, printed);
    }
}
