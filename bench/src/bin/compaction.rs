//! What does it cost to fold the rows of a log into a snapshot, and to read that back and compare it?
//!
//! As the server does it, without the store: `cargo xtask bench compaction`.
#![expect(clippy::print_stdout, reason = "figures go to standard output")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use sheaf_bench::setup::Problem;
use sheaf_bench::{report, trace};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Ordered, Origin, Replica};
use yrs::{Text as _, WriteTxn as _};

/// Folds a document of each size, several times; the fastest counts.
#[derive(Parser)]
struct Arguments {
    /// The writing that makes the document
    #[arg(long, default_value = "bench/data/automerge-paper.json.gz")]
    trace: PathBuf,
    /// Rows that are folded in: the server does it each 500
    #[arg(long, default_value_t = 500)]
    rows: usize,
    /// Times each size is folded
    #[arg(long, default_value_t = 7)]
    repeat: usize,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    measure(&arguments).map_or_else(
        |problem| {
            println!("failed: {problem}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn measure(arguments: &Arguments) -> Result<(), Problem> {
    report::head("folding a log", "no server");
    let history = trace::replay(&arguments.trace, 100)?;
    for share in [0, 10, 100] {
        let some = history.updates.len() * share / 100;
        let mut writer = Replica::new(ReplicaId(7));
        for update in &history.updates[..some] {
            let applied = writer.apply(update, Origin::Remote);
            applied.map_err(|error| error.to_string())?;
        }
        let snapshot = writer.encode();
        let rows = typed(&mut writer, arguments.rows)?;
        let mut fastest = Duration::MAX;
        let mut bytes = 0;
        for _ in 0..arguments.repeat {
            let started = Instant::now();
            bytes = fold(&snapshot, &rows)?;
            fastest = fastest.min(started.elapsed());
        }
        let edits = some * 100;
        let ms = fastest.as_secs_f64() * 1e3;
        report::figure(&format!("{edits} edits: snapshot"), bytes as f64, "bytes");
        report::figure(
            &format!("{edits} edits: fold, read back, compare"),
            ms,
            "ms",
        );
        let each = ms * 1e3 / arguments.rows.max(1) as f64;
        report::figure(&format!("{edits} edits: the same for each row"), each, "us");
    }
    Ok(())
}

/// Letters typed one by one, each a row.
fn typed(writer: &mut Replica, rows: usize) -> Result<Vec<Bytes>, Problem> {
    let letters = (0..rows).map(|_| {
        let typed = writer.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.insert(txn, 0, "x");
        });
        let typed = typed.ok_or_else(|| "nothing was typed".to_owned())?;
        Ok(Bytes::from(typed))
    });
    letters.collect()
}

/// Answers the length of the new snapshot.
fn fold(snapshot: &[u8], rows: &[Bytes]) -> Result<usize, Problem> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let id = ReplicaId(0);
    let mut log = Ordered::of_log(id, Some(snapshot), []).map_err(|error| say(&error))?;
    for row in rows {
        log.take(row, |_| {}).map_err(|error| say(&error))?;
    }
    let folded = log.replica().encode();
    let back = Ordered::of_log(id, Some(&folded), []).map_err(|error| say(&error))?;
    if back.replica().canonical() == log.replica().canonical() {
        Ok(folded.len())
    } else {
        Err("the snapshot is not the document".to_owned().into())
    }
}
