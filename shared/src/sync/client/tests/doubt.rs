//! A line that is silent while it owes something: it is asked, doubted, and another one dialled beside it.

use super::*;
use crate::limits::SILENCE_DEADLINE_MS;
use crate::sync::backoff::CAP_MS;

impl Stage {
    fn looks(&self) -> Vec<SocketId> {
        let looks = self.effects.iter().filter_map(|effect| match effect {
            Effect::Look(socket) => Some(*socket),
            _ => None,
        });
        looks.collect()
    }

    fn says_something(&mut self, socket: SocketId) {
        let frame = &Frame::Pong.to_vec();
        self.put(Input::Received { socket, frame });
    }

    /// An edit has no acknowledgement, and a second socket is being dialled.
    fn doubting() -> (Self, SocketId) {
        let mut stage = Self::live();
        stage.edit();
        stage.wait(4_000);
        let looks = stage.looks();
        assert_eq!(looks.len(), 1, "one, and in a few seconds");
        (stage, looks[0])
    }

    fn hung_up(&self, socket: SocketId) -> bool {
        self.effects.contains(&Effect::HangUp(socket))
    }
}

#[test]
fn a_line_that_owes_an_acknowledgement_is_asked_first_and_then_another_is_dialled_beside_it() {
    let mut stage = Stage::live();
    stage.edit();
    stage.sent();
    stage.wait(1_500);
    assert_eq!(stage.looks(), []);
    assert_eq!(stage.sent(), [Sent::Ping]);
    stage.wait(2_100);
    assert_eq!(stage.looks().len(), 1);
    assert!(!stage.hung_up(stage.socket), "it may still come back");
}

#[test]
fn the_old_line_stays_if_it_answers_first() {
    let (mut stage, second) = Stage::doubting();
    stage.put(Input::SocketOpened(second));
    assert!(stage.effects.contains(&Effect::Ping(second)));
    stage.status(true);
    assert!(stage.hung_up(second));
    assert_eq!(stage.shown(), DocStatus::Saved);
    stage.effects.clear();
    stage.says_something(second);
    stage.wait(9_000);
    assert_eq!(stage.looks(), [], "no doubt is left");
}

#[test]
fn the_new_line_takes_over_if_it_answers_first_and_brings_what_is_owed() {
    let (mut stage, second) = Stage::doubting();
    let old = stage.socket;
    stage.put(Input::SocketOpened(second));
    stage.effects.clear();
    stage.says_something(second);
    assert!(stage.hung_up(old));
    assert_eq!(stage.sent(), [Sent::Token, Sent::Step1]);
    // What the old one would still say belongs to edits that go out again.
    stage.status(true);
    assert_ne!(stage.shown(), DocStatus::Saved);
    stage.socket = second;
    stage.exchange();
    assert_eq!(stage.sent(), [Sent::Step2]);
    assert_eq!(stage.shown(), DocStatus::Saving { waiting: 1 });
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
}

#[test]
fn a_store_that_takes_long_is_no_reason_to_doubt_the_line() {
    let mut stage = Stage::live();
    stage.edit();
    for _ in 0..60 {
        stage.wait(1_000);
        if stage.sent().contains(&Sent::Ping) {
            stage.says_something(stage.socket);
        }
        assert_eq!(stage.looks(), []);
    }
    assert_eq!(stage.shown(), DocStatus::Saving { waiting: 1 });
}

#[test]
fn typing_on_a_line_that_answers_costs_no_pings() {
    let mut stage = Stage::live();
    for _ in 0..100 {
        stage.edit();
        stage.wait(200);
        stage.status(true);
        stage.wait(1_000);
    }
    let pings = stage.sent().into_iter().filter(|sent| *sent == Sent::Ping);
    assert_eq!(pings.count(), 0);
}

#[test]
fn seconds_that_hang_are_given_up_soon_and_dialled_ever_more_rarely_until_the_line_counts_as_dead()
{
    let mut stage = Stage::live();
    let old = stage.socket;
    stage.edit();
    stage.wait(SILENCE_DEADLINE_MS + 100);
    let looks = stage.looks();
    assert!((3..=8).contains(&looks.len()), "{looks:?}");
    assert!(
        looks.iter().all(|look| stage.hung_up(*look)),
        "none is left"
    );
    assert!(stage.hung_up(old));
    assert!(matches!(
        stage.shown(),
        DocStatus::Connecting { waiting: 1 }
    ));
}

#[test]
fn a_slow_line_is_not_left_again_and_again_before_its_work_is_done() {
    let mut stage = Stage::live();
    stage.edit();
    let mut moves = 0;
    for _ in 0..300 {
        stage.effects.clear();
        stage.wait(100);
        if let Some(second) = stage.looks().first().copied() {
            moves += 1;
            stage.put(Input::SocketOpened(second));
            stage.says_something(second);
            stage.socket = second;
            stage.exchange();
        }
    }
    assert!((2..=4).contains(&moves), "{moves} moves in half a minute");
    stage.status(true);
    assert_eq!(stage.shown(), DocStatus::Saved);
    stage.effects.clear();
    stage.edit();
    stage.wait(4_000);
    assert_eq!(stage.looks().len(), 1, "what is done is done");
}

#[test]
fn who_writes_without_a_line_is_not_kept_waiting_when_the_network_is_back() {
    let mut stage = Stage::live();
    let mut longest = 0;
    for _ in 0..30 {
        stage.cut(1006);
        let since = stage.now;
        stage.effects.clear();
        while !stage.dialled() {
            stage.edit();
            stage.wait(100);
        }
        longest = longest.max(stage.now.ms_since(since));
    }
    assert!((1_000..=3_200).contains(&longest), "{longest} ms");
}

#[test]
fn a_server_that_is_busy_is_not_hurried_and_neither_are_those_who_only_read() {
    for (code, writes) in [(1013, true), (1006, false)] {
        let mut stage = Stage::live();
        let mut longest = 0;
        for _ in 0..30 {
            stage.cut(code);
            let since = stage.now;
            stage.effects.clear();
            while !stage.dialled() {
                if writes {
                    stage.edit();
                }
                stage.wait(100);
            }
            longest = longest.max(stage.now.ms_since(since));
        }
        assert!(
            (CAP_MS / 2..=CAP_MS + 100).contains(&longest),
            "{longest} ms"
        );
    }
}
