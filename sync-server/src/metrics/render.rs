//! The metrics as Prometheus reads them: names, help and numbers.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::{BreakerState, Counter, EDGES_US, Gauge, Histogram, Metrics};

/// Its name, what it counts, and itself.
type NamedCounter<'a> = (&'static str, &'static str, &'a Counter);

impl Metrics {
    /// All of it in Prometheus's text form.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(8 * 1024);
        for (name, help, gauge) in self.gauges() {
            head(&mut out, name, help, "gauge");
            line(&mut out, name, gauge.get());
        }
        self.exchanges.render(&mut out);
        self.rights.render(&mut out);
        self.render_breakers(&mut out);
        let counters = self.traffic().into_iter().chain(self.troubles());
        for (name, help, counter) in counters
            .chain(self.bus())
            .chain(self.upkeep())
            .chain(self.people())
        {
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

    fn gauges(&self) -> [(&'static str, &'static str, &Gauge); 9] {
        [
            (
                "sheaf_blobs_away",
                "1 while the place of pictures and files does not answer.",
                &self.blobs_away,
            ),
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
                "sheaf_rooms_bytes",
                "Bytes of memory of documents.",
                &self.rooms_bytes,
            ),
            (
                "sheaf_rooms_waiting",
                "Documents with long work that waits for a place.",
                &self.rooms_waiting,
            ),
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
        ]
    }

    /// 1 beside the state a thing with a breaker is in, 0 beside the others.
    fn render_breakers(&self, out: &mut String) {
        let breakers = [
            (
                "sheaf_bus_state",
                "Whether the bus between servers works.",
                self.bus_state.get(),
            ),
            (
                "sheaf_database_state",
                "Whether the shared database is there.",
                self.database_state.get(),
            ),
        ];
        for (name, help, now) in breakers {
            head(out, name, help, "gauge");
            for (label, state) in [
                ("none", BreakerState::None),
                ("open", BreakerState::Away),
                ("half_open", BreakerState::Trying),
                ("closed", BreakerState::Up),
            ] {
                let labelled = format!("{name}{{breaker=\"{label}\"}}");
                line(out, &labelled, u8::from(now == state));
            }
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

    fn upkeep(&self) -> [NamedCounter<'_>; 9] {
        [
            (
                "sheaf_leases_taken_total",
                "Leases of documents taken.",
                &self.leases_taken,
            ),
            (
                "sheaf_leases_elsewhere_total",
                "Times work was left to another server that held the lease.",
                &self.leases_elsewhere,
            ),
            (
                "sheaf_leases_lost_total",
                "Leases that another server took over while they were in use.",
                &self.leases_lost,
            ),
            (
                "sheaf_snapshots_fenced_total",
                "Snapshots refused because their lease was lost.",
                &self.snapshots_fenced,
            ),
            (
                "sheaf_audits_total",
                "Open documents compared with what is stored.",
                &self.audits,
            ),
            (
                "sheaf_audit_faults_total",
                "Comparisons with what is stored that could not be made.",
                &self.audit_faults,
            ),
            (
                "sheaf_audit_disagreements_total",
                "Times another server had another copy of a document.",
                &self.audit_disagreements,
            ),
            (
                "sheaf_audit_mismatches_total",
                "Open documents that were not what is stored.",
                &self.audit_mismatches,
            ),
            (
                "sheaf_rows_put_back_total",
                "Updates that the store had lost, stored again.",
                &self.rows_put_back,
            ),
        ]
    }

    fn people(&self) -> [NamedCounter<'_>; 6] {
        [
            (
                "sheaf_api_requests_total",
                "Requests to the API.",
                &self.api_requests,
            ),
            (
                "sheaf_api_refused_total",
                "Requests to the API answered with what is wrong with them.",
                &self.api_refused,
            ),
            (
                "sheaf_sign_ins_total",
                "Sessions of people that began.",
                &self.sign_ins,
            ),
            (
                "sheaf_sign_ins_failed_total",
                "Passwords that were wrong.",
                &self.sign_ins_failed,
            ),
            (
                "sheaf_sign_ins_held_back_total",
                "Passwords not looked at, as too many were tried.",
                &self.sign_ins_held_back,
            ),
            (
                "sheaf_passwords_busy_total",
                "Passwords not looked at, as too many others waited.",
                &self.passwords_busy,
            ),
        ]
    }

    fn traffic(&self) -> [NamedCounter<'_>; 7] {
        [
            (
                "sheaf_connections_refused_total",
                "Connections refused because there were too many.",
                &self.connections_refused,
            ),
            (
                "sheaf_connections_too_fast_total",
                "Connections refused because their address opened too many in a short time.",
                &self.connections_too_fast,
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

    fn troubles(&self) -> [NamedCounter<'_>; 13] {
        [
            (
                "sheaf_blobs_faults_total",
                "Times the place of pictures and files did not answer.",
                &self.blobs_faults,
            ),
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
                "sheaf_database_faults_total",
                "Times the shared database turned out to be away.",
                &self.database_faults,
            ),
            (
                "sheaf_database_refused_total",
                "Requests to the shared database that were not made because it was away.",
                &self.database_refused,
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

pub(super) fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn line(out: &mut String, name: &str, value: impl std::fmt::Display) {
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
