//! The server's end of one connection, told frame by frame.

use super::*;

const START: MonotonicMs = MonotonicMs(1_000);

fn frame(address: &str, message: Message<'_>) -> Input {
    Input::Received(message.to(Address(address)).to_vec().into())
}

fn token(address: &str) -> Input {
    token_of(address, Some("4.0.0"))
}

fn token_of(address: &str, provider: Option<&str>) -> Input {
    let auth = Auth::Token {
        token: "key",
        provider,
    };
    frame(address, Message::Auth(auth))
}

fn update(address: &str, bytes: &[u8]) -> Input {
    frame(address, Message::Sync(SyncMessage::Update(bytes)))
}

fn take(peer: &mut Peer, input: Input) -> Vec<Effect> {
    let mut out = Vec::new();
    peer.handle(input, START, &mut out);
    out
}

fn granted(opening: u32) -> Input {
    Input::Judged {
        opening: OpeningId(opening),
        verdict: Verdict::Granted(Role::Editor),
    }
}

#[test]
fn what_is_said_before_the_token_is_judged_is_delivered_in_order_afterwards() {
    let mut peer = Peer::new(START);
    take(&mut peer, token("page"));
    assert_eq!(take(&mut peer, update("page", &[1])), []);
    assert_eq!(take(&mut peer, update("page", &[2])), []);
    let out = take(&mut peer, granted(0));
    let said: Vec<&Said> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Deliver { said, .. } => Some(said),
            _ => None,
        })
        .collect();
    assert_eq!(
        said,
        [
            &Said::Update(Bytes::from_static(&[1])),
            &Said::Update(Bytes::from_static(&[2]))
        ]
    );
    assert!(
        matches!(out[..], [Effect::Send(_), Effect::Join { .. }, ..]),
        "the grant goes out before anything the room may say: {out:?}"
    );
}

#[test]
fn a_denied_document_leaves_the_others_on_the_socket_alone_and_may_be_tried_again() {
    let mut peer = Peer::new(START);
    take(&mut peer, token("open"));
    take(&mut peer, granted(0));
    take(&mut peer, token("secret"));
    let denied = Input::Judged {
        opening: OpeningId(1),
        verdict: Verdict::Denied(CloseReason::Forbidden),
    };
    let out = take(&mut peer, denied);
    assert!(matches!(out[..], [Effect::Send(_)]), "{out:?}");
    assert_eq!(peer.joined().count(), 1);
    let out = take(&mut peer, token("secret"));
    assert!(
        out.iter()
            .any(|effect| matches!(effect, Effect::Judge { .. })),
        "{out:?}"
    );
}

#[test]
fn what_cannot_be_judged_now_is_closed_to_be_tried_again_and_whoever_is_in_stays_in() {
    let not_now = |opening| Input::Judged {
        opening: OpeningId(opening),
        verdict: Verdict::NotNow(CloseReason::Unreadable),
    };
    let mut peer = Peer::new(START);
    take(&mut peer, token("in"));
    take(&mut peer, granted(0));
    take(&mut peer, token("in"));
    assert_eq!(take(&mut peer, not_now(0)), []);
    take(&mut peer, token("late"));
    let closed = Message::Close(Some(CloseReason::Unreadable.text()));
    let closed = Effect::Send(closed.to(Address("late")).to_vec().into());
    assert_eq!(take(&mut peer, not_now(1)), [closed]);
    assert_eq!(peer.joined().count(), 1);
}

#[test]
fn what_is_shown_to_be_let_in_by_is_told_to_no_log() {
    let mut peer = Peer::new(START);
    let asked = format!("{:?}", take(&mut peer, token("page")));
    assert!(!asked.contains("key"), "{asked}");
}

#[test]
fn a_socket_that_talks_without_a_token_is_cut_at_every_bound() {
    let flood_of_bytes = |peer: &mut Peer| {
        let big = vec![0; EARLY_BYTES_MAX / 4];
        (0..5).flat_map(|_| take(peer, update("page", &big))).last()
    };
    let flood_of_messages = |peer: &mut Peer| {
        (0..=EARLY_MESSAGES_MAX)
            .flat_map(|_| take(peer, update("page", &[])))
            .last()
    };
    let flood_of_documents = |peer: &mut Peer| {
        (0..=EARLY_DOCUMENTS_MAX)
            .flat_map(|n| take(peer, token(&format!("page-{n}"))))
            .last()
    };
    let mut peer = Peer::new(START);
    assert_eq!(
        flood_of_bytes(&mut peer),
        Some(Effect::HangUp(CloseReason::TooMuch))
    );
    let mut peer = Peer::new(START);
    assert_eq!(
        flood_of_messages(&mut peer),
        Some(Effect::HangUp(CloseReason::TooMuch))
    );
    let mut peer = Peer::new(START);
    assert_eq!(
        flood_of_documents(&mut peer),
        Some(Effect::HangUp(CloseReason::TooMuch))
    );
}

#[test]
fn a_socket_that_says_nothing_is_cut_at_the_deadline_and_not_before() {
    let mut peer = Peer::new(START);
    let mut out = Vec::new();
    peer.handle(Input::Tick, START.plus_ms(AUTH_DEADLINE_MS - 1), &mut out);
    assert_eq!(out, []);
    peer.handle(Input::Tick, START.plus_ms(AUTH_DEADLINE_MS), &mut out);
    assert_eq!(out, [Effect::HangUp(CloseReason::AuthTimeout)]);
}

#[test]
fn words_that_only_servers_may_say_close_the_document() {
    let mut peer = Peer::new(START);
    take(&mut peer, token("page"));
    take(&mut peer, granted(0));
    let out = take(&mut peer, frame("page", Message::BroadcastStateless("hi")));
    assert!(
        matches!(out[..], [Effect::Leave { .. }, Effect::Send(_)]),
        "{out:?}"
    );
    assert_eq!(peer.joined().count(), 0);
}

#[test]
fn a_program_that_may_not_know_how_one_document_is_closed_has_its_socket_closed() {
    for (provider, kind) in [
        (None, ClientKind::Unnamed),
        (Some("4.8.0"), ClientKind::Stock),
        (Some("sheaf/1"), ClientKind::Sheaf),
    ] {
        let mut peer = Peer::new(START);
        take(&mut peer, token_of("page", provider));
        take(&mut peer, granted(0));
        assert_eq!(peer.kind_of(OpeningId(0)), Some(kind));
        let out = take(&mut peer, frame("page", Message::BroadcastStateless("hi")));
        let is_hung_up = out.contains(&Effect::HangUp(CloseReason::Malformed));
        assert_eq!(is_hung_up, !kind.understands_close(), "{provider:?}");
        let is_sent = out.iter().any(|effect| matches!(effect, Effect::Send(_)));
        assert_eq!(is_sent, kind.understands_close(), "{provider:?}");
    }
}

#[test]
fn random_bytes_never_panic_and_never_reach_a_room() {
    let mut chance = crate::testing::Chance::new(1);
    for _ in 0..20_000 {
        let mut peer = Peer::new(START);
        let length = chance.index_below(24);
        let bytes = chance.bytes(length);
        let out = take(&mut peer, Input::Received(bytes.into()));
        assert!(
            !out.iter()
                .any(|effect| matches!(effect, Effect::Deliver { .. } | Effect::Join { .. })),
            "{out:?}"
        );
    }
}
