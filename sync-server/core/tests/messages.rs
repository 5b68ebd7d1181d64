//! Promises about what servers tell each other: the bytes stay as they are, and nothing else is taken for a message.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use sheaf_core::audit::{DIGEST_BYTES, StateDigest};
use sheaf_core::servers::ServerId;
use sheaf_core::servers::message::{
    Asks, HEADS_MAX, HeardPresence, HeardRows, MESSAGE_BYTES_MAX, Message, NoMessage, ROWS_MAX,
    Said,
};
use sheaf_shared::ids::{DocName, Holder, Seq};

fn doc() -> DocName {
    DocName::parse("page").unwrap()
}

fn from_someone(said: Said) -> Message {
    let from = ServerId(0x0102_0304_0506_0708);
    Message { from, said }
}

/// One of each kind, and the bytes it has had since version 1.
fn golden() -> Vec<(Message, &'static str)> {
    let rows = |rows: &[&'static [u8]], through| Said::Rows {
        doc: doc(),
        rows: HeardRows {
            after: Seq(300),
            through: Seq(through),
            rows: rows.iter().map(|row| Bytes::from_static(row)).collect(),
        },
    };
    let presence_of = |whose: &[u64], asks| Said::Presence {
        doc: doc(),
        presence: HeardPresence {
            payload: Bytes::from_static(&[0]),
            whose: whose.iter().copied().map(Holder).collect(),
            asks,
        },
    };
    let presence = |asks| presence_of(&[], asks);
    [
        (
            rows(&[&[7, 8], &[]], 302),
            "010108070605040302010470616765ac02ae02020207080 0",
        ),
        (rows(&[], 305), "010108070605040302010470616765ac02b10200"),
        (
            presence(Asks::ForOthers),
            "010208070605040302010104706167650100",
        ),
        (
            presence(Asks::Nothing),
            "010208070605040302010004706167650100",
        ),
        (
            Said::Heads(vec![(doc(), Seq(1))]),
            "01030807060504030201010470616765 01",
        ),
        (
            presence_of(&[0x0807_0605_0403_0201, 0], Asks::Nothing),
            "0108080706050403020100047061676501000201020304050607080000000000000000",
        ),
        (Said::Beat(128), "010408070605040302018001"),
        (Said::Goodbye, "01050807060504030201"),
        (Said::Rights(300), "01070807060504030201ac02"),
        (
            Said::State {
                doc: doc(),
                seq: Seq(300),
                digest: StateDigest::from_parts(1, [0xab; DIGEST_BYTES]),
            },
            "0106080706050403020104 70616765 ac02 01 abababababababababababababababab",
        ),
    ]
    .map(|(said, hex)| (from_someone(said), hex))
    .to_vec()
}

fn unhex(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|digit| Some(digit.to_digit(16)? as u8))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

#[test]
fn every_kind_of_message_has_the_bytes_it_always_had() {
    for (message, hex) in golden() {
        assert_eq!(Bytes::from(message.encode()), unhex(hex), "{message:?}");
        assert_eq!(Message::decode(&unhex(hex)), Ok(message));
    }
}

#[test]
fn a_message_of_another_version_is_told_from_a_broken_one() {
    let mut bytes = from_someone(Said::Goodbye).encode();
    bytes[0] = 2;
    assert_eq!(
        Message::decode(&bytes.into()),
        Err(NoMessage::OtherVersion(2))
    );
}

#[test]
fn rows_that_do_not_fill_the_places_they_claim_are_refused() {
    let rows = |after, through, count: usize| {
        let rows = HeardRows {
            after: Seq(after),
            through: Seq(through),
            rows: vec![Bytes::from_static(&[0, 0]); count],
        };
        let said = Said::Rows { doc: doc(), rows };
        Message::decode(&from_someone(said).encode().into())
    };
    assert!(rows(5, 7, 2).is_ok());
    assert!(
        rows(5, 7, 0).is_ok(),
        "how far it reaches, without the rows"
    );
    for (after, through, count) in [(5, 8, 2), (5, 6, 2), (7, 5, 0)] {
        assert_eq!(rows(after, through, count), Err(NoMessage::Contradictory));
    }
    let many = ROWS_MAX + 1;
    assert_eq!(rows(0, many as u64, many), Err(NoMessage::Contradictory));
}

#[test]
fn counts_and_lengths_beyond_the_bytes_that_came_cost_nothing() {
    let head = "01080706050403020104706167 65";
    for hex in [
        // Lists of 2^52 entries and of one too many, and a row and a payload of 2^52 bytes.
        "0103 0807060504030201 8080808080808008".to_owned(),
        format!("01{head} 00 01 01 8080808080808008"),
        "0102 0807060504030201 00 0470616765 8080808080808008".to_owned(),
        "0103 0807060504030201 ffff03".to_owned(),
    ] {
        assert!(Message::decode(&unhex(&hex)).is_err(), "{hex}");
    }
    let long = Bytes::from(vec![1; MESSAGE_BYTES_MAX + 1]);
    assert_eq!(Message::decode(&long), Err(NoMessage::TooLong));
    let heads = Said::Heads(vec![(doc(), Seq(1)); HEADS_MAX + 1]);
    assert_eq!(
        Message::decode(&from_someone(heads).encode().into()),
        Err(NoMessage::Contradictory)
    );
}

#[test]
fn whatever_bytes_come_nothing_panics_and_what_is_taken_is_written_back_the_same() {
    let mut chance = fastrand::Rng::with_seed(0x5EED);
    let golden = golden();
    let mut taken = 0;
    for round in 0..200_000 {
        let mut bytes = if round % 4 == 0 {
            (0..chance.usize(..40)).map(|_| chance.u8(..)).collect()
        } else {
            golden[chance.usize(..golden.len())].0.encode()
        };
        for _ in 0..chance.usize(..4) {
            match chance.u8(..3) {
                0 if !bytes.is_empty() => {
                    let at = chance.usize(..bytes.len());
                    bytes[at] = chance.u8(..);
                }
                1 => bytes.truncate(chance.usize(..=bytes.len())),
                _ => bytes.insert(chance.usize(..=bytes.len()), chance.u8(..)),
            }
        }
        if let Ok(message) = Message::decode(&bytes.into()) {
            taken += 1;
            assert_eq!(Message::decode(&message.encode().into()), Ok(message));
        }
    }
    assert!(taken > 10_000, "the search met too few messages: {taken}");
}
