//! A line of exchanges and a server that is told what to answer.

use super::*;
use crate::ids::{ClientId, DocName, ReplicaId, Seq};
use crate::presence::OwnPresence;
use crate::replica::ReplicaError;
use crate::sync::facts::ServerFact;
use crate::wire::SyncMessage;
use crate::wire::exchange::encode_answer;
use crate::wire::hocuspocus::{Address, Auth, Frame, Message};

const PAGE: Address<'_> = Address("page");

struct OneVersion;

impl Documents for OneVersion {
    fn version(&mut self, _: &DocName) -> Vec<u8> {
        vec![1, 7, 3]
    }

    fn missing_for(&mut self, _: &DocName, _: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        Ok(Vec::new())
    }
}

struct Stage {
    line: Exchanges,
    now: MonotonicMs,
    done: Vec<Effect>,
}

impl Stage {
    fn dialled() -> Self {
        let mut stage = Self {
            line: Exchanges::new(11),
            now: MonotonicMs(1_000),
            done: Vec::new(),
        };
        stage.give(Input::Start);
        stage
    }

    /// Exchanges work, and one document was asked about and answered.
    fn following() -> Self {
        let mut stage = Self::dialled();
        stage.answer_last(&[]);
        for message in [token(), step1()] {
            stage.give(Input::Send(&message));
        }
        stage.answer_last(&[step2(), place(5)]);
        stage
    }

    fn give(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.line.handle(input, self.now, &mut OneVersion, &mut out);
        if let Input::Send(_) = input {
            assert!(out.is_empty(), "it waits for what else is sent");
            let tick = Input::Tick;
            self.line.handle(tick, self.now, &mut OneVersion, &mut out);
        }
        self.done.extend(out);
    }

    fn pass(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
        self.give(Input::Tick);
    }

    /// What was posted and not looked at, the oldest first.
    fn posts(&self) -> Vec<(PostId, Vec<u8>)> {
        let posts = self.done.iter().filter_map(|effect| match effect {
            Effect::Post { post, body, .. } => Some((*post, body.clone())),
            _ => None,
        });
        posts.collect()
    }

    fn last_post(&self) -> (PostId, Vec<u8>) {
        self.posts().pop().expect("something was posted")
    }

    fn answer(&mut self, post: PostId, frames: &[Vec<u8>]) {
        let body = encode_answer(None, frames);
        self.give(Input::Answered {
            post,
            status: 200,
            body: &body,
        });
    }

    fn answer_last(&mut self, frames: &[Vec<u8>]) {
        let (post, _) = self.last_post();
        self.answer(post, frames);
    }

    fn has_closed(&self) -> bool {
        self.done.contains(&Effect::Closed(CUT))
    }

    fn received(&self) -> Vec<Vec<u8>> {
        let received = self.done.iter().filter_map(|effect| match effect {
            Effect::Received(frame) => Some(frame.clone()),
            _ => None,
        });
        received.collect()
    }
}

fn frame(message: Message<'_>) -> Vec<u8> {
    message.to(PAGE).to_vec()
}

fn token() -> Vec<u8> {
    frame(Message::Auth(Auth::Token {
        token: "",
        provider: Some("sheaf/1"),
    }))
}

fn step1() -> Vec<u8> {
    frame(Message::Sync(SyncMessage::Step1(&[0])))
}

fn step2() -> Vec<u8> {
    frame(Message::Sync(SyncMessage::Step2(&[0, 0])))
}

fn edit(name: u8) -> Vec<u8> {
    frame(Message::Sync(SyncMessage::Update(&[name])))
}

fn stored() -> Vec<u8> {
    frame(Message::SyncStatus(true))
}

fn place(at: u64) -> Vec<u8> {
    frame(Message::Stateless(&ServerFact::Place(Seq(at)).encode()))
}

/// What a body says of documents and how many frames follow.
fn read(body: &[u8]) -> Request<'_> {
    Request::decode(body).unwrap()
}

#[test]
fn what_is_said_outlives_the_page_and_what_waits_does_not() {
    let mut stage = Stage::following();
    stage.pass(WAIT_EVERY_MS);
    stage.give(Input::Send(&edit(1)));
    let posts = stage.done.iter().filter_map(|effect| match effect {
        Effect::Post { body, says, .. } => Some((*says, read(body).hold_ms == 0)),
        _ => None,
    });
    let posts: Vec<(bool, bool)> = posts.collect();
    assert!(posts.iter().all(|(says, is_short)| says == is_short));
    assert!(posts.contains(&(true, true)) && posts.contains(&(false, false)));
}

#[test]
fn the_line_is_open_when_an_exchange_is_answered_and_not_before() {
    let mut stage = Stage::dialled();
    assert!(!stage.done.contains(&Effect::Opened));
    let (post, body) = stage.last_post();
    assert!(read(&body).frames.is_empty());
    stage.answer(post, &[]);
    assert!(stage.done.contains(&Effect::Opened));
}

#[test]
fn a_page_of_something_on_the_way_is_no_answer() {
    let mut stage = Stage::dialled();
    let (post, _) = stage.last_post();
    stage.give(Input::Answered {
        post,
        status: 200,
        body: b"<html>please sign in to this network</html>",
    });
    assert!(stage.has_closed());
    assert!(!stage.done.contains(&Effect::Opened));
}

#[test]
fn each_exchange_carries_the_token_and_a_wait_says_how_far_the_document_is() {
    let mut stage = Stage::following();
    stage.pass(WAIT_EVERY_MS);
    let (_, body) = stage.last_post();
    let waiting = read(&body);
    assert_eq!(waiting.hold_ms, EXCHANGE_HOLD_MS_MAX);
    assert_eq!(waiting.followed[0].place, Some(Seq(5)));
    let version = frame(Message::Sync(SyncMessage::Step1(&[1, 7, 3])));
    assert_eq!(waiting.frames, [&token()[..], &version]);
    stage.give(Input::Send(&edit(1)));
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).frames, [&token()[..], &edit(1)]);
    assert_eq!(read(&body).hold_ms, 0);
    // What comes while that is on its way goes together, in order.
    stage.give(Input::Send(&edit(2)));
    stage.give(Input::Send(&edit(3)));
    stage.answer_last(&[stored()]);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).frames, [&token()[..], &edit(2), &edit(3)]);
}

#[test]
fn what_has_no_status_in_its_answer_ends_the_line() {
    let mut stage = Stage::following();
    stage.give(Input::Send(&edit(1)));
    stage.give(Input::Send(&edit(2)));
    stage.answer_last(&[stored()]);
    stage.answer_last(&[]);
    assert!(stage.has_closed(), "nobody knows whether it is stored");
}

#[test]
fn the_place_is_for_the_line_and_all_else_for_the_client_in_order() {
    let mut stage = Stage::following();
    assert_eq!(stage.received(), [step2()]);
    stage.pass(WAIT_EVERY_MS);
    stage.answer_last(&[edit(9), place(7), edit(8), place(6)]);
    assert_eq!(stage.received(), [step2(), edit(9), edit(8)]);
    stage.pass(WAIT_EVERY_MS);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).followed[0].place, Some(Seq(7)), "never back");
}

#[test]
fn whom_it_knows_it_says_and_of_itself_only_the_last() {
    let mut stage = Stage::following();
    stage.pass(WAIT_EVERY_MS);
    let (waiting, _) = stage.last_post();
    let mut own = OwnPresence::new(ClientId::from(ReplicaId(7)));
    stage.give(Input::Send(&edit(1)));
    for state in ["1", "2"] {
        let payload = own.set(Some(state.to_owned()));
        stage.give(Input::Send(&frame(Message::Awareness(&payload))));
    }
    stage.answer_last(&[stored()]);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).frames.len(), 2, "the token and the later one");
    let mut other = OwnPresence::new(ClientId(3));
    let theirs = other.set(Some("{}".into()));
    stage.answer(waiting, &[frame(Message::Awareness(&theirs))]);
    stage.pass(WAIT_EVERY_MS);
    let (_, body) = stage.last_post();
    let known = &read(&body).followed[0].known;
    let known: Vec<_> = known.iter().map(|one| (one.client.0, one.clock)).collect();
    assert_eq!(known, [(3, 1), (7, 2)]);
    let last = stage.line.last_words().unwrap();
    let said = read(&last).frames;
    let goodbye = presence_of(said.last().unwrap());
    assert_eq!(goodbye, [(7, 2, false)]);
}

fn presence_of(frame: &[u8]) -> Vec<(u64, u32, bool)> {
    let Ok(Frame::Document {
        message: Message::Awareness(payload),
        ..
    }) = Frame::decode(frame, crate::wire::hocuspocus::From::Client)
    else {
        panic!("no presence");
    };
    let payload = crate::presence::Payload::parse(payload).unwrap();
    let entries = payload.entries();
    entries
        .map(|entry| (entry.client.0, entry.clock, entry.state.is_some()))
        .collect()
}

#[test]
fn what_was_not_answered_is_said_again_and_then_the_line_ends() {
    let mut stage = Stage::following();
    stage.give(Input::Send(&edit(1)));
    let (first, body) = stage.last_post();
    stage.give(Input::Failed(first));
    stage.pass(1_000);
    let (second, again) = stage.last_post();
    assert_ne!(first, second);
    assert_eq!(body, again);
    // The old answer comes after all, too late.
    stage.answer(first, &[stored()]);
    assert!(stage.received().iter().all(|frame| *frame != stored()));
    stage.answer(second, &[stored()]);
    assert_eq!(stage.received().last(), Some(&stored()));
    stage.give(Input::Send(&edit(2)));
    for _ in 0..FAILURES_MAX {
        let saying = stage.line.saying.as_ref().map(|saying| saying.post);
        stage.give(Input::Failed(saying.unwrap()));
        stage.pass(10_000);
    }
    assert!(stage.has_closed());
}

#[test]
fn a_server_that_goes_away_is_no_reason_to_end_the_line_if_another_answers() {
    let mut stage = Stage::following();
    stage.give(Input::Send(&edit(1)));
    let (post, _) = stage.last_post();
    stage.give(Input::Answered {
        post,
        status: 503,
        body: b"the server is going away\n",
    });
    stage.pass(1_000);
    stage.answer_last(&[stored()]);
    assert!(!stage.has_closed());
}

#[test]
fn where_something_cuts_off_what_is_silent_the_line_asks_more_often_and_holds() {
    let mut stage = Stage::following();
    for expected in [12_500, 5_000, 2_500] {
        stage.pass(WAIT_EVERY_MS);
        let (post, _) = stage.last_post();
        stage.now = stage.now.plus_ms(expected * 2);
        stage.give(Input::Failed(post));
        stage.pass(1_000);
        let (_, body) = stage.last_post();
        // It waited a little longer than what cut it off.
        assert!(read(&body).hold_ms <= expected + WAIT_EVERY_MS);
    }
    assert!(!stage.has_closed());
    let (post, body) = stage.last_post();
    let short_ms = read(&body).hold_ms;
    stage.now = stage.now.plus_ms(short_ms);
    stage.answer(post, &[]);
    stage.pass(1);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).hold_ms, short_ms + HOLD_GROWS_MS, "carefully");
}

#[test]
fn who_leaves_a_document_and_comes_back_at_once_is_in_it() {
    let mut stage = Stage::following();
    let leave = frame(Message::Close(None));
    for message in [leave.clone(), token(), step1()] {
        stage.give(Input::Send(&message));
    }
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).frames, [&token()[..], &leave]);
    stage.answer_last(&[]);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).frames, [&token()[..], &step1()]);
    stage.answer_last(&[step2()]);
    stage.pass(WAIT_EVERY_MS);
    let (_, body) = stage.last_post();
    assert_eq!(read(&body).followed.len(), 1);
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let mut stage = Stage::dialled();
    stage.pass(START_DEADLINE_MS);
    assert!(stage.has_closed());
    let mut stage = Stage::following();
    stage.pass(WAIT_EVERY_MS);
    stage.give(Input::Send(&edit(1)));
    let (post, _) = stage.last_post();
    let waits = |(_, body): &(PostId, Vec<u8>)| !read(body).followed.is_empty();
    let (waiting, _) = stage.posts().into_iter().rfind(waits).expect("it waits");
    stage.done.clear();
    stage.pass(SAY_FIRST_MS);
    for given_up in [post, waiting] {
        assert!(stage.done.contains(&Effect::Abort(given_up)));
    }
    assert!(!stage.has_closed(), "it is said again first");
    stage.pass(1_000);
    let is_it = |(_, body): &(PostId, Vec<u8>)| read(body).frames.contains(&&edit(1)[..]);
    assert!(stage.posts().iter().any(is_it), "in a few seconds");
}
