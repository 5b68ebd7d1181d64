//! How long a replica takes to apply what passes the gate, made to be slow; and by how much that grows when it is twice as
//! much. 2 is fair; 4 is quadratic.
//!
//! `cargo run --release -p sheaf-bench --bin apply [blocks]`
#![expect(clippy::print_stdout, reason = "it prints figures")]

use std::path::Path;
use std::time::{Duration, Instant};

use sheaf_bench::trace;
use sheaf_bench::updates::{
    Turn, backwards, deletions, fan, flock, into_a_text, neighbours, one_key, pairs_and_marks,
    turns, values,
};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{self, Origin, Replica};

/// Blocks of the longer update, unless told.
const BLOCKS: u64 = 40_000;

/// The recorded writing.
const TRACE: &str = "bench/data/automerge-paper.json.gz";

/// A series of updates, from how many blocks it is to have.
type Series = fn(u64) -> Vec<Vec<u8>>;

const CASES: [(&str, Series); 11] = [
    ("letters typed one by one", |n| vec![neighbours(n, b'a')]),
    ("values written one by one", |n| vec![values(n)]),
    ("two letters and a mark by turns", |n| {
        vec![pairs_and_marks(n)]
    }),
    ("letters written backwards", |n| vec![backwards(n)]),
    ("letters all over one long text", |n| vec![into_a_text(n)]),
    ("two writers' types by turns", |n| {
        vec![turns(n / 2, Turn::Beside)]
    }),
    ("letters, and then two of each three deleted", |n| {
        vec![neighbours(n, b'a'), deletions(n)]
    }),
    ("one key set again and again by one who forgets", |n| {
        vec![one_key(n)]
    }),
    ("a flock of writers at one place", |n| {
        vec![flock(n, |nth| nth * 7_919)]
    }),
    ("a flock of writers after another at one place", |n| {
        vec![
            flock(n / 2, |nth| nth * 7_919),
            flock(n / 2, |nth| (1 << 40) + nth * 7_919),
        ]
    }),
    ("letters at one place, each before another", |n| {
        vec![fan(n)]
    }),
];

fn main() {
    let asked = std::env::args().nth(1);
    let blocks = asked.and_then(|blocks| blocks.parse().ok());
    let blocks: u64 = blocks.unwrap_or(BLOCKS);
    println!("{blocks} blocks; as it is applied, how that grows, and in one transaction");
    for (name, series) in CASES {
        let (half, whole) = (series(blocks / 2), series(blocks));
        let bytes: usize = whole.last().map_or(0, Vec::len);
        let figures = (took(&half, sent), took(&whole, sent), took(&whole, at_once));
        let (Some(half), Some(whole), Some(at_once)) = figures else {
            println!("  refused  {name}");
            continue;
        };
        println!(
            "{:>9.1} ms  x {:.1} {:>9.1} ms  {bytes:>8} bytes  {name}",
            whole.as_secs_f64() * 1_000.0,
            whole.as_secs_f64() / half.as_secs_f64(),
            at_once.as_secs_f64() * 1_000.0,
        );
    }
    if let Err(problem) = recorded() {
        println!("  {problem}");
    }
}

/// A recorded writing: its updates of 100 edits each as one update, and what a newcomer is sent of it.
fn recorded() -> Result<(), String> {
    let updates = trace::replay(Path::new(TRACE), 100)?.updates;
    let merged = replica::merge(&updates).map_err(|error| error.to_string())?;
    let mut replica = Replica::new(ReplicaId(1));
    for update in &updates {
        let applied = replica.apply(update, Origin::Remote);
        applied.map_err(|error| error.to_string())?;
    }
    for (what, update) in [("all its edits", merged), ("its state", replica.encode())] {
        let series = [update];
        let ms = |took: Option<Duration>| took.unwrap_or_default().as_secs_f64() * 1_000.0;
        println!(
            "{:>9.1} ms        {:>9.1} ms  {:>8} bytes  a recorded writing: {what}",
            ms((0..5).filter_map(|_| took(&series, sent)).min()),
            ms(took(&series, at_once)),
            series[0].len(),
        );
    }
    Ok(())
}

/// As whatever comes from others is applied.
fn sent(replica: &mut Replica, update: &[u8]) -> bool {
    replica.apply(update, Origin::Remote).is_ok()
}

/// As our own snapshots are.
fn at_once(replica: &mut Replica, update: &[u8]) -> bool {
    replica.apply_stored(update).is_ok()
}

/// How long the last of the updates takes, after those before it. None if one is refused.
fn took(updates: &[Vec<u8>], apply: impl Fn(&mut Replica, &[u8]) -> bool) -> Option<Duration> {
    let mut replica = Replica::new(ReplicaId(1));
    let mut took = None;
    for update in updates {
        let started = Instant::now();
        if !apply(&mut replica, update) {
            return None;
        }
        took = Some(started.elapsed());
    }
    took
}
