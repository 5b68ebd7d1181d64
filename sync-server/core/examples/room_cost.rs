//! What a room costs by itself: no sockets, a store that answers at once. One figure a line.
//!
//! `cargo run --release -p sheaf-core --example room_cost`
#![expect(clippy::print_stdout, reason = "it prints figures")]
#![expect(clippy::unwrap_used, reason = "a failing measurement should stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sheaf_core::room::{
    ClientKind, Effect, Input, Joining, MemberId, Room, RoomConfig, Said, Speaks,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{Holder, ReplicaId, Seq};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::time::MonotonicMs;
use yrs::{Text, WriteTxn};

const CONFIG: RoomConfig = RoomConfig {
    outgoing_bytes_soft: 1024 * 1024,
    waiting_bytes_soft: 64 * 1024 * 1024,
    messages_per_s: u32::MAX,
    bytes_per_s: u32::MAX,
    work_ms_per_s: 1_000,
    compact_rows: u64::MAX,
    compact_bytes: usize::MAX,
};

struct Bench {
    room: Room,
    now: MonotonicMs,
    out: Vec<Effect>,
    seq: u64,
    sent: u64,
}

impl Bench {
    fn new(members: u64, speaks: &Speaks) -> Self {
        let mut bench = Self {
            room: Room::new(CONFIG),
            now: MonotonicMs(1),
            out: Vec::new(),
            seq: 0,
            sent: 0,
        };
        for id in 0..members {
            bench.put(Input::Join(Joining {
                member: MemberId(id),
                speaks: speaks.clone(),
                role: Role::Editor,
                whose: Holder::ANYONE,
                visit: None,
            }));
            if id == 0 {
                bench.put(Input::NeverExisted);
            }
            bench.say(id, Said::Step1(Bytes::from_static(&[0])));
        }
        bench.settle();
        bench.sent = 0;
        bench
    }

    fn put(&mut self, input: Input) {
        self.room.handle(input, self.now, &mut self.out);
    }

    fn say(&mut self, id: u64, said: Said) {
        let member = MemberId(id);
        self.put(Input::Said { member, said });
    }

    /// Commits and delivers until nothing is left to do.
    fn settle(&mut self) {
        while !self.out.is_empty() {
            let mut drained: Vec<(MemberId, usize)> = Vec::new();
            for effect in std::mem::take(&mut self.out) {
                match effect {
                    Effect::Send { to, frame, .. } => {
                        self.sent += 1;
                        match drained.last_mut() {
                            Some((last, bytes)) if *last == to => *bytes += frame.len(),
                            _ => drained.push((to, frame.len())),
                        }
                    }
                    Effect::Append { ticket, rows } => {
                        self.seq += rows.len() as u64;
                        let last = Seq(self.seq);
                        self.put(Input::Appended { ticket, last });
                    }
                    _ => {}
                }
            }
            for (member, bytes) in drained {
                self.put(Input::Drained { member, bytes });
            }
        }
    }
}

/// So many single letters of one writer, each an update.
fn letters(id: u32, count: u32) -> Vec<Bytes> {
    let mut replica = Replica::new(ReplicaId(id));
    let mut edits = Vec::with_capacity(count as usize);
    for place in 0..count {
        let edit = replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            text.insert(txn, place, "a");
        });
        edits.push(edit.unwrap().into());
    }
    edits
}

fn hocuspocus() -> Speaks {
    Speaks::Hocuspocus {
        address: Arc::from("page"),
        kind: ClientKind::Stock,
    }
}

/// One writer types, each letter committed before the next.
fn one_by_one(members: u64, speaks: &Speaks, name: &str) {
    let edits = letters(7, 5_000);
    let mut bench = Bench::new(members, speaks);
    let start = Instant::now();
    for edit in &edits {
        bench.say(0, Said::Update(edit.clone()));
        bench.settle();
    }
    let took = start.elapsed();
    println!(
        "{name}, {members} members, one letter at a time: {:.2} µs an edit, {:.0} ns a delivery",
        took.as_secs_f64() * 1e6 / edits.len() as f64,
        took.as_secs_f64() * 1e9 / bench.sent as f64,
    );
}

/// Many writers at once: so many letters gather while a commit is under way.
fn gathered(writers: u32, at_once: usize, speaks: &Speaks) {
    let all: Vec<Vec<Bytes>> = (1..=writers).map(|id| letters(id, 1_000)).collect();
    let mut bench = Bench::new(100, speaks);
    let start = Instant::now();
    let mut edits = 0;
    for place in (0..1_000).step_by(at_once) {
        for nth in place..(place + at_once).min(1_000) {
            for (writer, of_writer) in all.iter().enumerate() {
                edits += 1;
                bench.say(writer as u64, Said::Update(of_writer[nth].clone()));
            }
        }
        bench.settle();
    }
    let took = start.elapsed();
    println!(
        "{writers} writers of 100 members, {} edits a commit: {:.2} µs an edit",
        at_once * writers as usize,
        took.as_secs_f64() * 1e6 / f64::from(edits),
    );
}

/// A fresh client on a large document.
fn fresh(edits: u32) {
    let mut replica = Replica::new(ReplicaId(7));
    for place in 0..edits / 10 {
        replica.transact(Origin::Local, |txn| {
            let text = txn.get_or_insert_text("content");
            let at = if place % 7 == 0 { 0 } else { text.len(txn) / 2 };
            text.insert(txn, at, "abcdefghij");
        });
    }
    let mut bench = Bench::new(1, &hocuspocus());
    bench.say(0, Said::Step2(replica.encode().into()));
    bench.settle();
    for round in ["first", "second"] {
        bench.put(Input::Join(Joining {
            member: MemberId(bench.sent + 10),
            speaks: Speaks::YWebsocket,
            role: Role::Editor,
            whose: Holder::ANYONE,
            visit: None,
        }));
        let member = bench.sent + 10;
        let start = Instant::now();
        bench.say(member, Said::Step1(Bytes::from_static(&[0])));
        let took = start.elapsed();
        println!(
            "{round} fresh client, {} bytes: {:.3} ms",
            bench
                .out
                .iter()
                .map(|effect| match effect {
                    Effect::Send { frame, .. } => frame.len(),
                    _ => 0,
                })
                .sum::<usize>(),
            took.as_secs_f64() * 1e3
        );
        bench.settle();
    }
}

fn main() {
    one_by_one(10, &Speaks::YWebsocket, "y-websocket");
    one_by_one(10, &hocuspocus(), "Hocuspocus");
    one_by_one(100, &Speaks::YWebsocket, "y-websocket");
    one_by_one(200, &hocuspocus(), "Hocuspocus");
    for at_once in [1, 5, 20] {
        gathered(20, at_once, &Speaks::YWebsocket);
    }
    fresh(260_000);
    let bench = Bench::new(1, &Speaks::YWebsocket);
    println!(
        "an idle empty room with one member: {} bytes",
        bench.room.bytes()
    );
    black_box(bench);
}
