//! Which way a browser goes: where WebSockets are blocked, where the server is away, and back.

use super::*;
use crate::sync::client::way::{CARRIES_WITHIN_MS, OPENS_WITHIN_MS};

/// The last thing that was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialled {
    WebSocket(SocketId),
    Exchanges(SocketId),
    Look(SocketId),
}

fn with_both() -> Stage {
    let mut stage = Stage::new();
    let config = ClientConfig {
        token: "key".into(),
        seed: 1,
    };
    stage.client = Client::new(config).with_exchanges();
    stage.effects.clear();
    let doc = stage.doc.clone();
    stage.put(Input::Open {
        doc: &doc,
        waiting: 0,
    });
    stage
}

impl Stage {
    fn last_dialled(&self) -> Option<Dialled> {
        let mut dialled = self.effects.iter().filter_map(|effect| match effect {
            Effect::Dial(socket) => Some(Dialled::WebSocket(*socket)),
            Effect::Exchange(socket) => Some(Dialled::Exchanges(*socket)),
            Effect::Look(socket) => Some(Dialled::Look(*socket)),
            _ => None,
        });
        dialled.next_back()
    }

    fn closes(&mut self, socket: SocketId, code: u16) {
        self.put(Input::SocketClosed { socket, code });
    }

    fn exchanges_dialled(&self) -> Option<SocketId> {
        match self.last_dialled()? {
            Dialled::Exchanges(socket) => Some(socket),
            _ => None,
        }
    }

    /// On a line of exchanges, saved.
    fn on_exchanges() -> Self {
        let mut stage = with_both();
        stage.cut(1006);
        stage.socket = stage.exchanges_dialled().expect("an exchange right behind");
        stage.connect();
        stage.exchange();
        stage.status(true);
        assert_eq!(stage.shown(), DocStatus::Saved);
        stage
    }

    fn waits_for_look(&mut self) -> SocketId {
        self.effects.clear();
        for _ in 0..4_000 {
            self.now = self.now.plus_ms(100);
            self.put(Input::Tick);
            // The line itself says something all the time.
            let socket = self.socket;
            let pong = Frame::Pong.to_vec();
            self.put(Input::Received {
                socket,
                frame: &pong,
            });
            if let Some(Dialled::Look(socket)) = self.last_dialled() {
                return socket;
            }
        }
        panic!("it does not look");
    }
}

#[test]
fn a_web_socket_that_is_refused_is_followed_by_an_exchange_at_once() {
    let stage = Stage::on_exchanges();
    assert!(stage.effects.contains(&Effect::Goes(Way::Exchanges)));
}

#[test]
fn so_is_one_that_hangs_while_it_opens_one_that_is_cut_once_open_and_one_that_carries_nothing() {
    let mut stage = with_both();
    stage.wait(OPENS_WITHIN_MS);
    assert!(stage.exchanges_dialled().is_some(), "it hangs");
    let mut stage = with_both();
    stage.connect();
    stage.cut(1006);
    assert!(stage.exchanges_dialled().is_some(), "it is cut");
    let mut stage = with_both();
    stage.connect();
    stage.wait(CARRIES_WITHIN_MS);
    assert!(stage.exchanges_dialled().is_some(), "it carries nothing");
    let mut stage = with_both();
    stage.connect();
    let said = stage.sent();
    assert!(said.contains(&Sent::Ping), "there is always an answer");
}

#[test]
fn a_server_that_is_away_is_not_called_a_network_that_blocks() {
    let mut stage = with_both();
    for _ in 0..6 {
        stage.cut(1006);
        let exchange = stage.exchanges_dialled().expect("tried each time");
        stage.closes(exchange, 1006);
        stage.effects.clear();
        while stage.last_dialled().is_none() {
            stage.wait(100);
        }
        assert!(
            matches!(stage.last_dialled(), Some(Dialled::WebSocket(_))),
            "first the usual way: {:?}",
            stage.last_dialled()
        );
        assert!(!stage.effects.contains(&Effect::Goes(Way::Exchanges)));
    }
    assert!(matches!(stage.shown(), DocStatus::CannotReach { .. }));
    stage.connect();
    assert!(stage.effects.contains(&Effect::Goes(Way::WebSocket)));
}

#[test]
fn where_a_web_socket_has_worked_one_failure_is_the_servers() {
    let mut stage = with_both();
    stage.connect();
    stage.exchange();
    stage.effects.clear();
    stage.cut(1006);
    stage.wait(1_000);
    assert!(matches!(stage.last_dialled(), Some(Dialled::WebSocket(_))));
    stage.cut(1006);
    assert_eq!(stage.exchanges_dialled(), None, "once is a restart");
    stage.wait(2_000);
    stage.cut(1006);
    assert!(stage.exchanges_dialled().is_some(), "twice is worth a try");
}

#[test]
fn what_the_server_says_itself_has_come_through() {
    for code in [1012, 1013, 4429] {
        let mut stage = with_both();
        stage.connect();
        stage.cut(code);
        assert_eq!(stage.exchanges_dialled(), None, "{code}");
    }
}

#[test]
fn a_web_socket_that_works_again_is_taken_and_nobody_notices() {
    let mut stage = Stage::on_exchanges();
    let look = stage.waits_for_look();
    stage.put(Input::SocketOpened(look));
    assert!(stage.effects.contains(&Effect::Ping(look)));
    assert_eq!(stage.shown(), DocStatus::Saved, "nothing moved yet");
    stage.effects.clear();
    let old = stage.socket;
    let pong = Frame::Pong.to_vec();
    stage.put(Input::Received {
        socket: look,
        frame: &pong,
    });
    assert!(stage.effects.contains(&Effect::HangUp(old)));
    assert!(stage.effects.contains(&Effect::Goes(Way::WebSocket)));
    let lost = |effect: &Effect| matches!(effect, Effect::PresenceLost { .. });
    assert!(!stage.effects.iter().any(lost), "nobody vanishes");
    assert_eq!(stage.sent(), [Sent::Token, Sent::Step1]);
    stage.socket = look;
    stage.exchange();
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn it_looks_ever_more_seldom_and_never_gives_up_what_it_has() {
    let mut stage = Stage::on_exchanges();
    let mut pauses = Vec::new();
    for round in 0..7 {
        let before = stage.now;
        let look = stage.waits_for_look();
        pauses.push(stage.now.ms_since(before));
        if round % 2 == 0 {
            stage.closes(look, 1006);
        } else {
            stage.put(Input::SocketOpened(look));
            stage.wait(10_000);
            assert!(stage.effects.contains(&Effect::HangUp(look)), "it hangs");
        }
        assert_eq!(stage.shown(), DocStatus::Saved);
    }
    assert!(pauses[0] <= 3_100, "{pauses:?}");
    assert!(pauses[6] >= 150_000, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= 300_100), "{pauses:?}");
}

#[test]
fn a_line_of_exchanges_that_is_cut_is_tried_again_first_and_what_was_looked_for_is_dropped() {
    let mut stage = Stage::on_exchanges();
    let look = stage.waits_for_look();
    stage.edit();
    stage.cut(1006);
    assert!(stage.effects.contains(&Effect::HangUp(look)));
    stage.effects.clear();
    stage.wait(1_000);
    let again = stage.exchanges_dialled().expect("the way that worked");
    stage.closes(again, 1006);
    stage.effects.clear();
    stage.wait(2_000);
    assert!(matches!(stage.last_dialled(), Some(Dialled::WebSocket(_))));
    assert!(matches!(
        stage.shown(),
        DocStatus::CannotReach { waiting: 1, .. }
    ));
}

#[test]
fn on_another_network_nothing_is_held_against_web_sockets() {
    let mut stage = Stage::on_exchanges();
    stage.put(Input::NetworkGone);
    assert!(matches!(stage.shown(), DocStatus::Offline { .. }));
    stage.effects.clear();
    stage.put(Input::NetworkBack);
    assert!(matches!(stage.last_dialled(), Some(Dialled::WebSocket(_))));
}

#[test]
fn a_server_that_drains_moves_nobody_whose_exchanges_find_another_by_themselves() {
    let mut stage = Stage::on_exchanges();
    stage.effects.clear();
    stage.fact(ServerFact::Draining { within_ms: 1_000 });
    stage.wait(3_000);
    assert_eq!(stage.shown(), DocStatus::Saved);
    let hung_up = Effect::HangUp(stage.socket);
    assert!(!stage.effects.contains(&hung_up));
}
