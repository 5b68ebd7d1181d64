//! How long the byte gate takes to refuse what is known to hurt a CRDT, and how long the worst that passes takes. One case a
//! line; the slowest last.
//!
//! `cargo run --release -p sheaf-bench --bin gate`
#![expect(clippy::print_stdout, reason = "it prints figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sheaf_bench::updates::{Turn, neighbours, turns};
use sheaf_shared::gate::{presence, state_vector, update};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::testing::bytes::Bytes;

/// Each case is judged so many times; the fastest counts, as the others were disturbed.
const TIMES: usize = 20;

#[derive(Clone, Copy)]
enum Kind {
    Update,
    StateVector,
    Presence,
}

struct Case {
    name: String,
    kind: Kind,
    bytes: Vec<u8>,
}

impl Case {
    fn new(name: impl Into<String>, kind: Kind, bytes: Vec<u8>) -> Self {
        Self {
            name: name.into(),
            kind,
            bytes,
        }
    }

    fn is_refused(&self) -> bool {
        match self.kind {
            Kind::Update => update::check(&self.bytes).is_err(),
            Kind::StateVector => state_vector::check(&self.bytes).is_err(),
            Kind::Presence => presence::check(&self.bytes).is_err(),
        }
    }

    fn fastest(&self) -> Duration {
        let judge = |_| {
            let started = Instant::now();
            black_box(self.is_refused());
            started.elapsed()
        };
        (0..TIMES).map(judge).min().unwrap_or_default()
    }
}

fn main() {
    println!("known attacks");
    report(known_attacks());
    println!("\nas long as a message may be ({UPDATE_BYTES_MAX} bytes), made to be slow");
    report(long_ones());
    if let Some(peak) = peak_memory() {
        println!("\npeak memory of all of it, the cases themselves among it: {peak}");
    }
}

fn report(cases: Vec<Case>) {
    let mut figures: Vec<(Duration, Case)> = cases
        .into_iter()
        .map(|case| (case.fastest(), case))
        .collect();
    figures.sort_by_key(|(took, _)| *took);
    for (took, case) in figures {
        let verdict = if case.is_refused() {
            "refused"
        } else {
            "passes"
        };
        println!(
            "{:>12.1} µs  {:>9} bytes  {verdict}  {}",
            took.as_nanos() as f64 / 1_000.0,
            case.bytes.len(),
            case.name
        );
    }
}

fn known_attacks() -> Vec<Case> {
    use Kind::{Presence, StateVector, Update};
    let claim = Bytes::new().num(268_000_000).0;
    let mut cases = vec![
        Case::new(
            "legacy JSON",
            Update,
            vec![1, 1, 7, 0, 2, 1, 2, 0x74, 0x32, 0, 1, 0x63, 0],
        ),
        Case::new(
            "legacy JSON without its parent",
            Update,
            vec![1, 1, 0xcb, 1, 0x6a, 2, 0x44, 0xcb, 0x62, 1, 0, 1, 0x63, 0],
        ),
        Case::new(
            "a writer listed twice",
            Update,
            vec![
                2, 1, 7, 0, 4, 1, 1, 0x74, 1, 0x61, 2, 7, 0, 4, 1, 1, 0x74, 3, 0x61, 0x61, 0x61,
                0x84, 7, 0, 3, 0x61, 0x61, 0x61, 0,
            ],
        ),
        Case::new("millions of writers claimed", Update, claim.clone()),
        Case::new("millions of clocks claimed", StateVector, claim.clone()),
        Case::new("millions of people claimed", Presence, claim),
        Case::new(
            "a clock from the future",
            Update,
            Bytes::new()
                .raw(&[1, 1, 9])
                .num(1_000_000)
                .raw(&[4, 1, 1, 0x74, 1, 0x78, 0])
                .0,
        ),
        Case::new(
            "a fresh writer",
            Update,
            vec![1, 1, 9, 0, 4, 1, 1, 0x74, 1, 0x78, 0],
        ),
    ];
    for bits in [27, 30, 31, 32] {
        let run = Bytes::new()
            .raw(&[1, 1])
            .num(4_000_000_001)
            .num(6)
            .raw(&[0]);
        let run = run.num((1_u64 << bits) - 1).num(0).0;
        cases.push(Case::new(
            format!("a forged run of 2^{bits} clocks"),
            Update,
            run,
        ));
    }
    cases.extend(nested_ones());
    cases
}

/// Nesting, as deep as it was found and deeper.
fn nested_ones() -> Vec<Case> {
    use Kind::Update;
    let mut cases = Vec::new();
    for depth in [7_000, 60_000] {
        cases.push(Case::new(
            format!("a value nested {depth} deep"),
            Update,
            nested_value(depth),
        ));
    }
    for depth in [7_000, 60_000, 1_000_000] {
        cases.push(Case::new(
            format!("elements nested {depth} deep"),
            Update,
            nested_elements(depth),
        ));
    }
    for depth in [200, 60_000] {
        cases.push(Case::new(
            format!("elements nested {depth} deep by two writers in turns"),
            Update,
            turns(depth / 2, Turn::Inside),
        ));
    }
    cases
}

fn nested_value(depth: usize) -> Vec<u8> {
    let mut bytes = vec![1, 1, 1, 0, 8, 1, 1, 0x74, 1];
    bytes.extend([0x75, 1].repeat(depth));
    bytes.extend([0x7e, 0]);
    bytes
}

fn nested_elements(levels: u64) -> Vec<u8> {
    let mut update = Bytes::new()
        .num(1)
        .num(levels)
        .raw(&[1, 0, 7, 1, 1, 0x74, 3, 1, 0x70]);
    for level in 1..levels {
        update = update.raw(&[7, 0, 1]).num(level - 1).raw(&[3, 1, 0x70]);
    }
    update.num(0).0
}

/// Cases that can only be judged by reading them to the end.
fn long_ones() -> Vec<Case> {
    use Kind::Update;
    let room = UPDATE_BYTES_MAX - 64;
    let text_of = |text: &[u8]| {
        let head = Bytes::new()
            .raw(&[1, 1, 7, 0, 4, 1, 1, 0x74])
            .num(text.len() as u64);
        head.raw(text).num(0).0
    };
    let mut broken = vec![b'a'; room];
    if let Some(last) = broken.last_mut() {
        *last = 0xff;
    }
    let json = format!("[{}0]", "0,".repeat((room - 16) / 2));
    let embed = Bytes::new()
        .raw(&[1, 1, 7, 0, 5, 1, 1, 0x74])
        .text(&json)
        .num(0)
        .0;
    let values = Bytes::new().raw(&[1, 1, 7, 0, 8, 1, 1, 0x74]).num(4 << 20);
    let values = values.raw(&vec![126; 4 << 20]).num(0).0;
    vec![
        Case::new(
            "a text that is not UTF-8 at its end",
            Update,
            text_of(&broken),
        ),
        Case::new("a text", Update, text_of(&vec![b'a'; room])),
        Case::new(
            "a text of emoji",
            Update,
            text_of("🎉".repeat(room / 4).as_bytes()),
        ),
        Case::new("eight million values as JSON", Update, embed),
        Case::new("four million values", Update, values),
        Case::new("a million neighbours", Update, neighbours(1_000_000, b'a')),
        Case::new("262,144 writers", Update, many_writers(|nth| nth * 7_919)),
        Case::new(
            "262,144 writers who are alike",
            Update,
            many_writers(|nth| nth << 16),
        ),
        Case::new(
            "a million types in two writers' turns",
            Update,
            turns(500_000, Turn::Beside),
        ),
        Case::new(
            "a million types, each two deep somewhere",
            Update,
            scattered(),
        ),
        Case::new("a million deleted ranges", Update, deleted()),
    ]
}

fn many_writers(id: impl Fn(u64) -> u64) -> Vec<u8> {
    let mut update = Bytes::new().num(262_144);
    for nth in (0..262_144).rev() {
        update = update.raw(&[1]).num(id(nth)).raw(&[0, 0, 1]);
    }
    update.num(0).0
}

/// One writer's types, at the top and inside one of those before by turns, so that no two neighbours are as deep, and
/// each stands somewhere else than the one before.
fn scattered() -> Vec<u8> {
    let mut update = Bytes::new().num(1).num(1_000_000).raw(&[7, 0]);
    update = update.raw(&[7, 1]).text("t").raw(&[2]);
    for clock in 1..1_000_000_u64 {
        let inside = clock.wrapping_mul(0x9e37_79b9_7f4a_7c15) % clock / 2 * 2;
        update = match clock % 2 {
            0 => update.raw(&[7, 1]).text("t").raw(&[2]),
            _ => update.raw(&[7, 0, 7]).num(inside).raw(&[2]),
        };
    }
    update.num(0).0
}

fn deleted() -> Vec<u8> {
    let mut update = Bytes::new().raw(&[0, 1, 7]).num(1_000_000);
    for range in 0..1_000_000_u64 {
        update = update.num(range * 3).num(1);
    }
    update.0
}

/// As the system counts it, where it does.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(
        line.split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" "),
    )
}
