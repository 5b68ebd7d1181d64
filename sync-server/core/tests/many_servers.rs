//! Promises when several servers have one document open: they share nothing but the store's log.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/desk.rs"]
mod desk;

use bytes::Bytes;
use desk::{ANN, BEN, Desk, Heard, Writer, hocuspocus, y_websocket};
use sheaf_core::room::{ClientKind, Effect, Input, Rows, StoreFault};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, ReplicaId, Seq};
use sheaf_shared::replica::Ordered;

/// What the room asks of the store, oldest first, taken from its effects.
fn asked_of_store(desk: &mut Desk) -> Vec<Effect> {
    let is_asked =
        |effect: &Effect| matches!(effect, Effect::Append { .. } | Effect::ReadSince { .. });
    let asked = desk
        .effects
        .iter()
        .filter(|effect| is_asked(effect))
        .cloned()
        .collect();
    desk.effects.retain(|effect| !is_asked(effect));
    asked
}

fn read(desk: &mut Desk, after: Seq, log: &[Bytes]) {
    let rows = log[after.0 as usize..].to_vec();
    desk.put(Input::Read(Rows { after, rows }));
}

#[test]
fn what_another_server_stored_is_read_and_told_as_soon_as_it_is_known_of() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    let elsewhere = Writer::new(9).types("from elsewhere");
    desk.put(Input::Head(Seq(1)));
    let asked = asked_of_store(&mut desk);
    assert_eq!(asked, [Effect::ReadSince { after: Seq(0) }]);
    desk.put(Input::Head(Seq(1)));
    assert_eq!(asked_of_store(&mut desk), [], "it is asked for once");
    read(&mut desk, Seq(0), std::slice::from_ref(&elsewhere));
    assert_eq!(desk.heard(ANN), [Heard::Update(elsewhere.to_vec())]);
    desk.put(Input::Head(Seq(1)));
    assert_eq!(asked_of_store(&mut desk), [], "it is here");
}

#[test]
fn an_append_that_came_behind_anothers_is_acknowledged_once_the_others_is_here() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.seat(BEN, y_websocket());
    let ours = Writer::new(1).types("ours");
    let theirs = Writer::new(9).types("theirs");
    desk.edit(ANN, &ours);
    let (ticket, _) = desk.asked().unwrap();
    desk.effects.clear();
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    assert_eq!(desk.heard(ANN), [], "what came before is not here");
    assert_eq!(
        asked_of_store(&mut desk),
        [Effect::ReadSince { after: Seq(0) }]
    );
    // The store answers with what it had when it was asked: only theirs.
    read(&mut desk, Seq(0), std::slice::from_ref(&theirs));
    assert_eq!(
        desk.heard(BEN),
        [Heard::Update(theirs.to_vec()), Heard::Update(ours.to_vec())]
    );
    assert!(desk.heard(ANN).contains(&Heard::Stored));
}

#[test]
fn an_answer_that_overtakes_the_append_it_holds_counts_once() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    let theirs = Writer::new(9).types("theirs");
    let ours = Writer::new(1).types("ours");
    desk.put(Input::Head(Seq(1)));
    desk.edit(ANN, &ours);
    let (ticket, _) = desk.asked().unwrap();
    desk.effects.clear();
    read(&mut desk, Seq(0), &[theirs.clone(), ours.clone()]);
    assert!(
        !desk.heard(ANN).contains(&Heard::Stored),
        "the store has not said so"
    );
    let last = Seq(2);
    desk.put(Input::Appended { ticket, last });
    assert_eq!(desk.heard(ANN), [Heard::Stored]);
    assert_eq!(asked_of_store(&mut desk), [], "nothing is missing");
}

#[test]
fn what_was_known_while_the_document_was_loading_is_read_afterwards() {
    let mut desk = Desk::new();
    desk.join(ANN, y_websocket(), Role::Editor);
    desk.put(Input::Head(Seq(1)));
    desk.put(Input::NeverExisted);
    assert_eq!(
        asked_of_store(&mut desk),
        [Effect::ReadSince { after: Seq(0) }],
        "the load was older than what was known"
    );
}

#[test]
fn what_was_known_during_an_append_that_stored_nothing_is_read_afterwards() {
    let mut desk = Desk::new();
    desk.seat(ANN, hocuspocus(ClientKind::Stock));
    desk.edit(ANN, &Writer::new(1).types("ours"));
    let (ticket, _) = desk.asked().unwrap();
    desk.effects.clear();
    desk.put(Input::Head(Seq(1)));
    assert_eq!(asked_of_store(&mut desk), [], "it may be ours");
    let fault = StoreFault::Full;
    desk.put(Input::AppendFailed { ticket, fault });
    assert_eq!(
        asked_of_store(&mut desk),
        [Effect::ReadSince { after: Seq(0) }]
    );
}

#[test]
fn a_reading_that_failed_is_tried_again() {
    let mut desk = Desk::new();
    desk.seat(ANN, y_websocket());
    desk.put(Input::Head(Seq(1)));
    asked_of_store(&mut desk);
    desk.put(Input::ReadFailed);
    assert_eq!(asked_of_store(&mut desk), [], "not at once");
    desk.wait(5_000);
    assert_eq!(
        asked_of_store(&mut desk),
        [Effect::ReadSince { after: Seq(0) }]
    );
}

/// Servers with one log between them, whose answers come late, in any order, or not at all.
struct Fleet {
    log: Vec<Bytes>,
    desks: Vec<Desk>,
    /// Answers on their way, by server.
    answers: Vec<Vec<Input>>,
    chance: fastrand::Rng,
    /// The document the first rows of the log make, and how many those are.
    truth: Ordered,
    true_rows: usize,
}

impl Fleet {
    fn new(servers: usize, seed: u64) -> Self {
        let mut desks: Vec<Desk> = (0..servers).map(|_| Desk::new()).collect();
        for desk in &mut desks {
            desk.seat(ANN, hocuspocus(ClientKind::Stock));
            desk.seat(BEN, y_websocket());
        }
        Self {
            log: Vec::new(),
            answers: desks.iter().map(|_| Vec::new()).collect(),
            desks,
            chance: fastrand::Rng::with_seed(seed),
            truth: Ordered::keeping_all(ReplicaId(99)),
            true_rows: 0,
        }
    }

    /// The store does what a server asks: at once, but the answer takes its time, or is lost.
    fn serve(&mut self, server: usize) {
        for asked in asked_of_store(&mut self.desks[server]) {
            let answer = match asked {
                Effect::Append { ticket, rows } => {
                    let is_refused = self.chance.u8(..) < 20;
                    if !is_refused {
                        self.log.extend(rows);
                    }
                    if is_refused || self.chance.u8(..) < 20 {
                        let fault = StoreFault::Unavailable;
                        Input::AppendFailed { ticket, fault }
                    } else {
                        let last = Seq(self.log.len() as u64);
                        Input::Appended { ticket, last }
                    }
                }
                Effect::ReadSince { .. } if self.chance.u8(..) < 20 => Input::ReadFailed,
                Effect::ReadSince { after } => {
                    let rows = self.log[after.0 as usize..].to_vec();
                    Input::Read(Rows { after, rows })
                }
                _ => continue,
            };
            self.answers[server].push(answer);
        }
    }

    fn deliver(&mut self, server: usize) {
        let waiting = &mut self.answers[server];
        if !waiting.is_empty() {
            let answer = waiting.swap_remove(self.chance.usize(..waiting.len()));
            self.desks[server].put(answer);
        }
    }

    fn tell_head(&mut self, server: usize) {
        self.desks[server].put(Input::Head(Seq(self.log.len() as u64)));
    }

    /// How many letters of a writer are in the log.
    fn stored_of(&mut self, writer: u32) -> usize {
        for row in &self.log[self.true_rows..] {
            self.truth.take(row, |_| ()).unwrap();
        }
        self.true_rows = self.log.len();
        self.truth.clock_of(ClientId(writer.into())) as usize
    }

    /// Everything comes through, and time passes.
    fn settle(&mut self) {
        for _ in 0..200 {
            for server in 0..self.desks.len() {
                self.serve(server);
                self.deliver(server);
                self.tell_head(server);
                self.desks[server].wait(500);
            }
        }
    }
}

#[test]
fn servers_that_share_only_a_log_tell_everyone_everything_and_acknowledge_what_is_in_it() {
    for seed in 0..300 {
        let mut fleet = Fleet::new(1 + seed as usize % 4, seed);
        let mut writers: Vec<Writer> = (0..fleet.desks.len())
            .map(|server| Writer::new(server as u32 + 1))
            .collect();
        let mut readers: Vec<Writer> = (0..fleet.desks.len())
            .map(|server| Writer::new(server as u32 + 100))
            .collect();
        let mut written = vec![0_usize; fleet.desks.len()];
        let mut acknowledged = vec![0_usize; fleet.desks.len()];
        for step in 0..400 {
            let server = fleet.chance.usize(..fleet.desks.len());
            match fleet.chance.u8(..6) {
                0 | 1 if step < 300 => {
                    let edit = writers[server].types("a");
                    written[server] += 1;
                    fleet.desks[server].edit(ANN, &edit);
                }
                2 => fleet.tell_head(server),
                3 => fleet.desks[server].wait(100),
                4 => fleet.serve(server),
                _ => fleet.deliver(server),
            }
            if step == 399 {
                fleet.settle();
            }
            for (server, desk) in fleet.desks.iter_mut().enumerate() {
                let stored = desk
                    .heard(ANN)
                    .iter()
                    .filter(|heard| **heard == Heard::Stored)
                    .count();
                acknowledged[server] += stored;
                let heard = desk.heard(BEN);
                readers[server].hears(&heard);
            }
            for (server, count) in acknowledged.iter().enumerate() {
                let stored = fleet.stored_of(server as u32 + 1);
                assert!(
                    stored >= *count,
                    "seed {seed}: acknowledged and not in the log"
                );
            }
        }
        assert_eq!(acknowledged, written, "seed {seed}: everything is answered");
        for reader in &readers {
            let truth = fleet.truth.replica().canonical();
            assert_eq!(reader.0.canonical(), truth, "seed {seed}");
        }
    }
}
