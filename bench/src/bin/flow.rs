//! How long do the document's own verbs take on a long page? No server, no browser: one replica, one core.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use sheaf_bench::{report, trace};
use sheaf_shared::flow::anchor::{Anchor, Stick};
use sheaf_shared::flow::block::{self, Block, BlockKind, Inline};
use sheaf_shared::flow::delta::{self, DeltaOp};
use sheaf_shared::flow::{self, apply_delta};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};

/// Times a page's verbs: building, loading, reading, editing.
#[derive(Parser)]
struct Args {
    /// Blocks of the page.
    #[arg(long, default_value_t = 10_000)]
    blocks: usize,
    /// A recorded writing to load as well.
    #[arg(long, default_value = "bench/data/automerge-paper.json.gz")]
    trace: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    report::head("How long do the verbs of a page take?", "the library");
    let mut problems = Vec::new();
    page(&args, &mut problems);
    if let Err(problem) = recorded(&args) {
        problems.push(problem);
    }
    report::verdict(&problems)
}

fn page(args: &Args, problems: &mut Vec<String>) {
    let body = block::to_delta(&(0..args.blocks).map(mixed_block).collect::<Vec<_>>());
    let name = |what: &str| format!("{} blocks: {what}", args.blocks);

    let mut replica = Replica::new(ReplicaId(1));
    let started = Instant::now();
    let built = apply_delta(&mut replica, Origin::Local, &body);
    report::figure(&name("build in one change"), ms_since(started), "ms");
    if built.is_err() {
        return problems.push("the page could not be built".to_owned());
    }
    let state = replica.encode();
    report::figure(&name("stored size"), state.len() as f64 / 1024.0, "KiB");
    report::figure(
        &name("encode"),
        median(20, |_| drop(replica.encode())),
        "ms",
    );
    let load = median(20, |_| {
        let mut fresh = Replica::new(ReplicaId(2));
        let _ = fresh.apply(&state, Origin::Remote);
    });
    report::figure(&name("load"), load, "ms");
    report::figure(
        &name("read as blocks"),
        median(20, |_| drop(flow::read(&replica))),
        "ms",
    );
    let length = flow::length(&replica);
    let at = |turn: u32| turn.wrapping_mul(2_654_435_761) % length;
    let range = median(50, |turn| {
        drop(flow::read_range(&replica, at(turn)..at(turn)))
    });
    report::figure(&name("read the block at a place"), range, "ms");
    let anchors = median(200, |turn| {
        let _ = Anchor::at(&replica, at(turn), Stick::Right).resolve(&replica);
    });
    report::figure(&name("anchor a caret and find it again"), anchors, "ms");

    edits(args, &mut replica, &state, problems);
}

fn edits(args: &Args, replica: &mut Replica, state: &[u8], problems: &mut Vec<String>) {
    let name = |what: &str| format!("{} blocks: {what}", args.blocks);
    let length = flow::length(replica);
    let at = |turn: u32| turn.wrapping_mul(2_654_435_761) % length;
    let mut other = Replica::new(ReplicaId(3));
    let _ = other.apply(state, Origin::Remote);
    let mut updates = Vec::new();
    let typed = median(500, |turn| {
        let key = [DeltaOp::skip(at(turn)), DeltaOp::text("x")];
        updates.extend(apply_delta(replica, Origin::Local, &key).ok().flatten());
    });
    report::figure(&name("type a character"), typed, "ms");
    let deleted = median(200, |turn| {
        let key = [DeltaOp::skip(at(turn)), DeltaOp::Delete(1)];
        updates.extend(apply_delta(replica, Origin::Local, &key).ok().flatten());
    });
    report::figure(&name("delete a character"), deleted, "ms");
    let mut updates = updates.into_iter();
    let received = median(700, |_| {
        if let Some(update) = updates.next() {
            let _ = other.apply(&update, Origin::Remote);
        }
    });
    report::figure(&name("receive a character"), received, "ms");
    if other.canonical() != replica.canonical() {
        problems.push("the two copies differ".to_owned());
    }
    let retyped = median(200, |turn| {
        let kind = if turn.is_multiple_of(2) {
            BlockKind::Heading(2)
        } else {
            BlockKind::Bullet
        };
        let _ = flow::edit::set_kind(replica, Origin::Local, at(turn)..at(turn), &kind);
    });
    report::figure(
        &name("change a block's kind, finding it by reading"),
        retyped,
        "ms",
    );
}

/// Headings, lists, tasks, code and paragraphs with some bold words and links, some 60 characters each.
fn mixed_block(number: usize) -> Block {
    let kind = match number % 10 {
        0 => BlockKind::Heading(2),
        1 | 2 => BlockKind::Bullet,
        3 => BlockKind::Task {
            done: number % 20 == 3,
        },
        4 => BlockKind::Code {
            language: "rust".to_owned(),
            fence: None,
        },
        _ => BlockKind::Paragraph,
    };
    let mut content = vec![Inline::text(format!(
        "Block {number} holds a line of words, "
    ))];
    if number.is_multiple_of(5) {
        let attrs = delta::attrs([("bold", true.into())]);
        content.push(Inline::Text {
            text: "some of them bold".to_owned(),
            attrs,
        });
        content.push(Inline::text(" and some not."));
    } else {
        content.push(Inline::text("about as long as most are."));
    }
    Block::new(kind, content)
}

fn recorded(args: &Args) -> Result<(), String> {
    let history = trace::replay(&args.trace, 1)?;
    let mut replica = Replica::new(ReplicaId(5));
    let started = Instant::now();
    for update in &history.updates {
        replica
            .apply(update, Origin::Remote)
            .map_err(|error| error.to_string())?;
    }
    let edits = history.updates.len();
    report::figure(
        &format!("{edits} recorded edits, one update each"),
        ms_since(started),
        "ms",
    );
    let state = replica.encode();
    report::figure("the same, stored size", state.len() as f64 / 1024.0, "KiB");
    let load = median(20, |_| {
        let mut fresh = Replica::new(ReplicaId(6));
        let _ = fresh.apply(&state, Origin::Remote);
    });
    report::figure("the same, load from one state", load, "ms");
    report::figure(
        "the same, encode",
        median(20, |_| drop(replica.encode())),
        "ms",
    );
    Ok(())
}

fn ms_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

/// The median time of `turns` runs, in milliseconds.
fn median(turns: u32, mut run: impl FnMut(u32)) -> f64 {
    let mut times: Vec<f64> = (0..turns)
        .map(|turn| {
            let started = Instant::now();
            run(turn);
            ms_since(started)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
