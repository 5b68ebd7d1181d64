//! What a browser is told of its edits, line by line.

mod doubt;
mod parts;
mod roles;
mod tokens;
mod ways;

use super::*;
use crate::presence::{self, Entry};
use crate::wire::SyncMessage;
use crate::wire::hocuspocus::{Address, Frame, From, Message};

/// A replica that always lacks nothing, and of which the server always lacks the same.
struct Replicas {
    missing: Vec<u8>,
    token: Option<String>,
}

impl Documents for Replicas {
    fn version(&mut self, _: &DocName) -> Vec<u8> {
        vec![0]
    }

    fn missing_for(&mut self, _: &DocName, _: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        Ok(self.missing.clone())
    }

    fn token(&mut self, _: &DocName) -> Option<String> {
        self.token.clone()
    }
}

/// What is longer than 1,000 bytes goes in parts.
const PART_BYTES: PartBytes = PartBytes {
    whole_max: 1_000,
    part_max: UNDER_WAY_BYTES_MAX / 4,
};
/// So many bytes make five parts, of which four may be under way.
const LONG: usize = UNDER_WAY_BYTES_MAX + 1_000;

/// A client and the server's end of its line, under the hand of a test.
struct Stage {
    client: Client,
    now: MonotonicMs,
    doc: DocName,
    socket: SocketId,
    effects: Vec<Effect>,
    replicas: Replicas,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Sent {
    Token,
    Step1,
    Step2,
    Update,
    Awareness(Vec<u8>),
    Ping,
    Other,
}

impl Stage {
    fn new() -> Self {
        let config = ClientConfig {
            token: "key".into(),
            seed: 1,
        };
        let mut stage = Self {
            client: Client::new(config).with_parts_of(PART_BYTES),
            now: MonotonicMs(50_000),
            doc: DocName::parse("page").unwrap(),
            socket: SocketId(0),
            effects: Vec::new(),
            replicas: Replicas {
                missing: vec![0, 0],
                token: None,
            },
        };
        let doc = stage.doc.clone();
        stage.put(Input::Open {
            doc: &doc,
            waiting: 0,
        });
        stage
    }

    /// On a line, everything exchanged, saved.
    fn live() -> Self {
        let mut stage = Self::new();
        stage.connect();
        stage.exchange();
        stage.status(true);
        assert_eq!(stage.shown(), DocStatus::Saved);
        stage.effects.clear();
        stage
    }

    fn put(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.client
            .handle(input, self.now, &mut self.replicas, &mut out);
        for effect in &out {
            if let Effect::Dial(socket) = effect {
                self.socket = *socket;
            }
        }
        self.effects.extend(out);
    }

    fn connect(&mut self) {
        self.put(Input::SocketOpened(self.socket));
    }

    fn hear(&mut self, message: Message<'_>) {
        let doc = self.doc.clone();
        let frame = message.to(Address(doc.as_str())).to_vec();
        let socket = self.socket;
        self.put(Input::Received {
            socket,
            frame: &frame,
        });
    }

    /// The server's step 1 and step 2.
    fn exchange(&mut self) {
        self.hear(Message::Sync(SyncMessage::Step1(&[0])));
        self.hear(Message::Sync(SyncMessage::Step2(&[0, 0])));
    }

    fn status(&mut self, stored: bool) {
        self.hear(Message::SyncStatus(stored));
    }

    fn fact(&mut self, fact: ServerFact) {
        self.hear(Message::Stateless(&fact.encode()));
    }

    fn edit(&mut self) {
        let doc = self.doc.clone();
        self.put(Input::Edited {
            doc: &doc,
            update: &[1, 2, 3],
        });
    }

    fn cut(&mut self, code: u16) {
        let socket = self.socket;
        self.put(Input::SocketClosed { socket, code });
    }

    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now = self.now.plus_ms(100);
            self.put(Input::Tick);
        }
    }

    fn wait_until_dialled(&mut self, within_ms: u64) {
        self.effects.clear();
        for _ in 0..=within_ms / 100 {
            self.wait(100);
            if self.dialled() {
                return;
            }
        }
        panic!("not dialled within {within_ms} ms");
    }

    fn shown(&self) -> DocStatus {
        self.client.status(&self.doc).unwrap()
    }

    fn sent(&mut self) -> Vec<Sent> {
        let effects = std::mem::take(&mut self.effects);
        let read = |effect| match effect {
            Effect::Send(frame) => Some(match Frame::decode(&frame, From::Client).unwrap() {
                Frame::Ping => Sent::Ping,
                Frame::Pong => Sent::Other,
                Frame::Document { message, .. } => match message {
                    Message::Auth(_) => Sent::Token,
                    Message::Sync(SyncMessage::Step1(_)) => Sent::Step1,
                    Message::Sync(SyncMessage::Step2(_)) => Sent::Step2,
                    Message::Sync(SyncMessage::Update(_)) => Sent::Update,
                    Message::Awareness(payload) => Sent::Awareness(payload.to_vec()),
                    _ => Sent::Other,
                },
            }),
            _ => None,
        };
        effects.into_iter().filter_map(read).collect()
    }

    fn dialled(&self) -> bool {
        self.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Dial(_)))
    }
}

#[test]
fn saved_is_shown_only_after_both_exchanges_and_the_status_of_our_own() {
    let mut stage = Stage::new();
    assert_eq!(stage.shown(), DocStatus::Connecting { waiting: 0 });
    stage.connect();
    assert_eq!(stage.sent(), [Sent::Token, Sent::Step1]);
    stage.hear(Message::Sync(SyncMessage::Step1(&[0])));
    assert_eq!(stage.sent(), [Sent::Step2]);
    stage.hear(Message::Sync(SyncMessage::Step2(&[0, 0])));
    assert_eq!(
        stage.shown(),
        DocStatus::Connecting { waiting: 0 },
        "a step 2 may hold edits no count knows of"
    );
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn each_edit_is_counted_until_its_own_status_came() {
    let mut stage = Stage::live();
    stage.edit();
    stage.edit();
    assert_eq!(stage.sent(), [Sent::Update, Sent::Update]);
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saving { waiting: 1 });
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved, "one too many is ignored");
}

#[test]
fn edits_under_way_on_a_line_that_breaks_count_as_waiting_and_go_out_again() {
    let mut stage = Stage::live();
    for _ in 0..3 {
        stage.edit();
    }
    stage.status(true);
    stage.cut(1006);
    stage.edit();
    assert_eq!(stage.shown(), DocStatus::Connecting { waiting: 3 });
    stage.wait(4_000);
    assert!(matches!(
        stage.shown(),
        DocStatus::CannotReach { waiting: 3, .. }
    ));
    stage.connect();
    stage.sent();
    stage.exchange();
    assert_eq!(stage.sent(), [Sent::Step2], "all of them in one");
    assert_eq!(stage.shown(), DocStatus::Saving { waiting: 3 });
    stage.effects.clear();
    stage.status(true);
    let acknowledged = Effect::Acknowledged {
        doc: stage.doc.clone(),
        edits: 3,
        waiting: 0,
    };
    assert!(stage.effects.contains(&acknowledged));
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn a_month_offline_costs_no_memory_and_is_shown_as_it_is() {
    let mut stage = Stage::live();
    stage.put(Input::NetworkGone);
    for _ in 0..100_000 {
        stage.edit();
    }
    assert!(matches!(
        stage.shown(),
        DocStatus::Offline {
            waiting: 100_000,
            ..
        }
    ));
    stage.effects.clear();
    stage.put(Input::NetworkBack);
    assert!(stage.dialled(), "at once");
}

#[test]
fn a_device_that_says_it_has_no_network_is_not_believed_for_long() {
    let mut stage = Stage::live();
    stage.put(Input::NetworkGone);
    assert!(stage.effects.contains(&Effect::HangUp(SocketId(1))));
    for _ in 0..20 {
        stage.wait_until_dialled(crate::sync::backoff::CAP_MS);
        assert!(matches!(stage.shown(), DocStatus::Offline { .. }));
        let socket = stage.socket;
        stage.put(Input::SocketClosed { socket, code: 1006 });
        assert!(matches!(stage.shown(), DocStatus::Offline { .. }));
    }
    stage.wait_until_dialled(crate::sync::backoff::CAP_MS);
    stage.connect();
    stage.exchange();
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
    let socket = stage.socket;
    stage.put(Input::SocketClosed { socket, code: 1006 });
    assert!(matches!(stage.shown(), DocStatus::Connecting { .. }));
}

#[test]
fn a_server_on_this_machine_is_found_though_the_device_has_no_network() {
    let mut stage = Stage::new();
    stage.put(Input::NetworkGone);
    stage.wait_until_dialled(crate::sync::backoff::FIRST_MS);
    stage.connect();
    stage.exchange();
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn a_server_that_stops_answering_is_not_flooded_and_gets_the_rest_in_one() {
    let mut stage = Stage::live();
    for _ in 0..1_000 {
        stage.edit();
    }
    let sent = stage.sent();
    assert_eq!(sent.len(), UNDER_WAY_MESSAGES_MAX);
    for _ in 0..UNDER_WAY_MESSAGES_MAX {
        stage.status(true);
    }
    assert_eq!(stage.sent(), [Sent::Step1]);
    let left = 1_000 - UNDER_WAY_MESSAGES_MAX;
    stage.exchange();
    assert_eq!(stage.shown(), DocStatus::Saving { waiting: left });
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn a_code_that_says_stop_is_obeyed_until_the_person_asks() {
    let mut stage = Stage::live();
    stage.cut(4403);
    stage.effects.clear();
    stage.wait(120_000);
    assert!(!stage.dialled());
    assert_eq!(
        stage.shown(),
        DocStatus::Shut {
            waiting: 0,
            why: CloseReason::Forbidden
        }
    );
    stage.put(Input::TryAgain);
    assert!(stage.dialled());
}

#[test]
fn one_document_closed_for_now_is_opened_again_on_the_same_line() {
    let mut stage = Stage::live();
    stage.hear(Message::Close(Some(CloseReason::Unreadable.text())));
    stage.wait(1_000);
    let sent = stage.sent();
    assert_eq!(sent, [Sent::Token, Sent::Step1]);
    assert!(!stage.dialled());
}

#[test]
fn a_server_that_accepts_and_drops_at_once_is_dialled_ever_more_rarely() {
    let mut stage = Stage::new();
    let mut dials = 0;
    for _ in 0..600 {
        if stage.dialled() {
            dials += 1;
            stage.effects.clear();
            stage.connect();
            stage.cut(1006);
        }
        stage.wait(100);
    }
    assert!((5..25).contains(&dials), "{dials} dials in a minute");
}

#[test]
fn a_line_that_is_silent_is_asked_and_then_given_up() {
    let mut stage = Stage::live();
    stage.wait(10_000);
    assert_eq!(stage.sent(), [Sent::Ping]);
    stage.wait(20_000);
    assert!(stage.effects.contains(&Effect::HangUp(SocketId(1))));
    assert!(matches!(stage.shown(), DocStatus::Connecting { .. }));
}

#[test]
fn a_laptop_that_wakes_finds_out_in_seconds_whether_its_line_lives() {
    let mut stage = Stage::live();
    stage.put(Input::NetworkBack);
    assert_eq!(stage.sent(), [Sent::Ping]);
    stage.wait(2_100);
    let second = SocketId(2);
    assert!(stage.effects.contains(&Effect::Look(second)));
    stage.put(Input::SocketOpened(second));
    let frame = &Frame::Pong.to_vec();
    let socket = second;
    stage.put(Input::Received { socket, frame });
    assert!(stage.effects.contains(&Effect::HangUp(SocketId(1))));
}

#[test]
fn a_server_that_drains_is_left_within_its_time() {
    let mut stage = Stage::live();
    stage.fact(ServerFact::Draining { within_ms: 4_000 });
    stage.wait(2_100);
    assert!(stage.effects.contains(&Effect::HangUp(SocketId(1))));
}

#[test]
fn what_an_older_socket_still_says_is_ignored() {
    let mut stage = Stage::live();
    let old = stage.socket;
    stage.cut(1006);
    stage.wait(1_000);
    stage.connect();
    stage.exchange();
    stage.status(true);
    stage.put(Input::SocketClosed {
        socket: old,
        code: 4403,
    });
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn presence_is_shown_again_on_a_new_line_and_when_others_think_us_gone() {
    let mut stage = Stage::live();
    let doc = stage.doc.clone();
    let entry = |clock, state| {
        presence::encode(&[Entry {
            client: ReplicaId(7).into(),
            clock,
            state,
        }])
    };
    stage.put(Input::Announce {
        doc: &doc,
        who: ReplicaId(7),
        state: Some("{}"),
    });
    assert_eq!(stage.sent(), [Sent::Awareness(entry(1, Some("{}")))]);
    stage.hear(Message::Awareness(&entry(1, None)));
    assert_eq!(stage.sent(), [Sent::Awareness(entry(2, Some("{}")))]);
    stage.cut(1006);
    stage.wait(1_000);
    stage.effects.clear();
    stage.connect();
    assert_eq!(
        stage.sent().last(),
        Some(&Sent::Awareness(entry(3, Some("{}"))))
    );
}

#[test]
fn strange_frames_and_facts_never_panic() {
    let mut chance = crate::testing::Chance::new(3);
    for _ in 0..20_000 {
        let mut stage = Stage::live();
        let length = chance.index_below(20);
        let mut frame = vec![4, b'p', b'a', b'g', b'e'];
        frame.extend(chance.bytes(length));
        let socket = stage.socket;
        stage.put(Input::Received {
            socket,
            frame: &frame,
        });
        stage.hear(Message::Stateless("{\"sheaf\":\"tomorrow\"}"));
    }
}
