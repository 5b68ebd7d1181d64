//! What the program counts about itself, in Prometheus's text form. Names and numbers only.

use std::fmt::Write as _;
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

/// Whether the bus between servers works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BusState {
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

/// Holds a [`BusState`].
#[derive(Debug, Default)]
pub struct BusGauge(AtomicU8);

impl BusGauge {
    const STATES: [BusState; 4] = [
        BusState::None,
        BusState::Away,
        BusState::Trying,
        BusState::Up,
    ];

    /// It is so from now on.
    pub fn store(&self, state: BusState) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    /// What it is.
    #[must_use]
    pub fn get(&self) -> BusState {
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
    /// Open WebSockets.
    pub sockets: Gauge,
    /// Documents in memory.
    pub rooms: Gauge,
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
    /// Snapshots stored.
    pub compactions: Counter,
    /// Snapshots that were not stored: outrun, refused by the check, or failed.
    pub compaction_faults: Counter,
    /// Rounds of asking a shared store about open documents that got no answer.
    pub following_faults: Counter,
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
    pub bus_state: BusGauge,
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

/// Its name, what it counts, and itself.
type NamedCounter<'a> = (&'static str, &'static str, &'a Counter);

impl Metrics {
    /// All of it in Prometheus's text form.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        let gauges: [(&str, &str, &Gauge); 6] = [
            (
                "sheaf_bus_servers",
                "Other servers that are heard.",
                &self.bus_servers,
            ),
            (
                "sheaf_connections",
                "Open TCP connections.",
                &self.connections,
            ),
            ("sheaf_sockets", "Open WebSockets.", &self.sockets),
            ("sheaf_rooms", "Documents in memory.", &self.rooms),
            (
                "sheaf_servers",
                "Servers of a shared store that were heard of lately.",
                &self.servers,
            ),
            (
                "sheaf_servers_silent",
                "Servers of a shared store that have fallen silent.",
                &self.servers_silent,
            ),
        ];
        for (name, help, gauge) in gauges {
            head(&mut out, name, help, "gauge");
            line(&mut out, name, gauge.get());
        }
        self.render_bus_state(&mut out);
        let counters = self.traffic().into_iter().chain(self.troubles());
        for (name, help, counter) in counters.chain(self.bus()) {
            head(&mut out, name, help, "counter");
            line(&mut out, name, counter.get());
        }
        let histograms: [(&str, &str, &Histogram); 4] = [
            (
                "sheaf_bus_round_trip_seconds",
                "Time a message took by the bus, there and back.",
                &self.bus_round_trip,
            ),
            (
                "sheaf_store_commit_seconds",
                "Time until a group of writes was on the disk.",
                &self.store_commit,
            ),
            (
                "sheaf_room_turn_seconds",
                "Time a room worked on what waited.",
                &self.room_turn,
            ),
            ("sheaf_load_seconds", "Time to load a document.", &self.load),
        ];
        for (name, help, histogram) in histograms {
            head(&mut out, name, help, "histogram");
            render_histogram(&mut out, name, histogram);
        }
        out
    }

    /// 1 beside the state the bus is in, 0 beside the others.
    fn render_bus_state(&self, out: &mut String) {
        let name = "sheaf_bus_state";
        head(out, name, "Whether the bus between servers works.", "gauge");
        let now = self.bus_state.get();
        for (label, state) in [
            ("none", BusState::None),
            ("open", BusState::Away),
            ("half_open", BusState::Trying),
            ("closed", BusState::Up),
        ] {
            let labelled = format!("{name}{{breaker=\"{label}\"}}");
            line(out, &labelled, u8::from(now == state));
        }
    }

    fn bus(&self) -> [NamedCounter<'_>; 8] {
        [
            (
                "sheaf_bus_sent_total",
                "Messages to other servers that the bus took.",
                &self.bus_sent,
            ),
            (
                "sheaf_bus_received_total",
                "Messages of other servers that arrived.",
                &self.bus_received,
            ),
            (
                "sheaf_bus_dropped_total",
                "Messages to other servers dropped because too many waited.",
                &self.bus_dropped,
            ),
            (
                "sheaf_bus_lost_total",
                "Times messages of other servers were dropped because they came too fast.",
                &self.bus_lost,
            ),
            (
                "sheaf_bus_refused_total",
                "Arrivals that were no message of a server of this store.",
                &self.bus_refused,
            ),
            (
                "sheaf_bus_faults_total",
                "Times the bus failed.",
                &self.bus_faults,
            ),
            (
                "sheaf_rows_read_late_total",
                "Times edits of other servers were read from the store.",
                &self.rows_read_late,
            ),
            (
                "sheaf_following_rounds_total",
                "Times a shared store was asked how far documents have come.",
                &self.following_rounds,
            ),
        ]
    }

    fn traffic(&self) -> [NamedCounter<'_>; 6] {
        [
            (
                "sheaf_connections_refused_total",
                "Connections refused because there were too many.",
                &self.connections_refused,
            ),
            (
                "sheaf_frames_in_total",
                "WebSocket messages received.",
                &self.frames_in,
            ),
            (
                "sheaf_bytes_in_total",
                "Bytes of WebSocket messages received.",
                &self.bytes_in,
            ),
            (
                "sheaf_frames_out_total",
                "WebSocket messages sent.",
                &self.frames_out,
            ),
            (
                "sheaf_bytes_out_total",
                "Bytes of WebSocket messages sent.",
                &self.bytes_out,
            ),
            (
                "sheaf_updates_stored_total",
                "Updates on the disk.",
                &self.updates_stored,
            ),
        ]
    }

    fn troubles(&self) -> [NamedCounter<'_>; 10] {
        [
            (
                "sheaf_closed_for_cause_total",
                "Sockets or documents closed because of what was sent.",
                &self.closed_for_cause,
            ),
            (
                "sheaf_room_panics_total",
                "Rooms thrown away and loaded again after a panic.",
                &self.room_panics,
            ),
            (
                "sheaf_quarantined_total",
                "Updates put aside.",
                &self.quarantined,
            ),
            (
                "sheaf_waiting_documents_total",
                "Documents found to hold updates that wait for one that never came.",
                &self.rows_waiting,
            ),
            (
                "sheaf_load_faults_total",
                "Documents that could not be read.",
                &self.load_faults,
            ),
            (
                "sheaf_store_faults_total",
                "Groups of writes that failed.",
                &self.store_faults,
            ),
            (
                "sheaf_compactions_total",
                "Snapshots stored.",
                &self.compactions,
            ),
            (
                "sheaf_compaction_faults_total",
                "Snapshots that were not stored.",
                &self.compaction_faults,
            ),
            (
                "sheaf_following_faults_total",
                "Times a shared store did not say how far documents have come.",
                &self.following_faults,
            ),
            (
                "sheaf_membership_faults_total",
                "Signs of life that a shared store did not take.",
                &self.membership_faults,
            ),
        ]
    }
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{name} {value}");
}

fn render_histogram(out: &mut String, name: &str, histogram: &Histogram) {
    let mut below = 0;
    for (edge, bucket) in EDGES_US.iter().zip(&histogram.buckets) {
        below += bucket.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {below}", seconds(*edge));
    }
    let count = histogram.count.load(Ordering::Relaxed);
    let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
    let _ = writeln!(
        out,
        "{name}_sum {}",
        seconds(histogram.sum_us.load(Ordering::Relaxed))
    );
    let _ = writeln!(out, "{name}_count {count}");
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
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
