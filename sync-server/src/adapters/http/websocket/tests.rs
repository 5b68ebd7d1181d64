//! Frames as browsers write them, and as nobody should.

use super::*;

const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0xF4];

/// A client's frame.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, 0, payload.len());
    out[0] = first;
    out[1] |= 0x80;
    out.extend_from_slice(&MASK);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    out
}

/// Reads `bytes` in pieces of `step`.
fn read(bytes: &[u8], step: usize) -> Result<Vec<Event>, Violation> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in bytes.chunks(step) {
        decoder.feed(&mut piece.to_vec(), &mut events)?;
    }
    Ok(events)
}

fn message(payload: &[u8]) -> Event {
    Event::Message(Bytes::copy_from_slice(payload))
}

#[test]
fn messages_of_every_length_are_read_in_pieces_of_any_size() {
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for length in [0, 1, 2, 3, 4, 5, 125, 126, 127, 65_535, 65_536, 70_001] {
        let payload: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        bytes.extend(frame(0x82, &payload));
        expected.push(message(&payload));
    }
    for step in [1, 2, 3, 7, 13, 4_096, 65_536, bytes.len()] {
        assert_eq!(
            read(&bytes, step).as_ref(),
            Ok(&expected),
            "in pieces of {step}"
        );
    }
}

#[test]
fn a_message_in_fragments_is_one_message_and_pings_may_stand_between() {
    let bytes = [
        frame(0x02, b"one "),
        frame(0x89, b"you there?"),
        frame(0x00, b""),
        frame(0x80, b"message"),
        frame(0x8A, b""),
        frame(0x88, &[0x03, 0xE8]),
    ]
    .concat();
    let expected = [
        Event::Ping(Bytes::from_static(b"you there?")),
        message(b"one message"),
        Event::Pong,
        Event::Close,
    ];
    for step in 1..bytes.len() {
        assert_eq!(read(&bytes, step).unwrap(), expected);
    }
}

#[test]
fn what_the_standard_forbids_ends_the_connection() {
    let unmasked = vec![0x82, 0x01, 0x00];
    let mut text = frame(0x81, b"hello");
    assert_eq!(read(&text, 100), Err(Violation::Text));
    text[0] = 0x01;
    assert_eq!(read(&text, 1), Err(Violation::Text));
    for (what, bytes) in [
        ("not masked", unmasked),
        ("a reserved bit", frame(0xC2, b"")),
        ("a reserved kind", frame(0x83, b"")),
        ("a reserved control", frame(0x8B, b"")),
        ("a ping in pieces", frame(0x09, b"")),
        ("a long ping", frame(0x89, &[0; 126])),
        ("a continuation of nothing", frame(0x80, b"")),
        (
            "a message in a message",
            [frame(0x02, b"a"), frame(0x82, b"b")].concat(),
        ),
    ] {
        let read = read(&bytes, 3);
        assert!(
            matches!(read, Err(Violation::Malformed(_))),
            "{what}: {read:?}"
        );
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_by_its_header_and_reserves_little() {
    let announced = |length: u64| {
        let mut bytes = vec![0x82, 0xFF];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&MASK);
        bytes
    };
    assert_eq!(
        read(&announced(FRAME_BYTES_MAX as u64 + 1), 1),
        Err(Violation::TooLong)
    );
    assert_eq!(read(&announced(u64::MAX), 1), Err(Violation::TooLong));
    let mut decoder = Decoder::default();
    decoder
        .feed(&mut announced(FRAME_BYTES_MAX as u64), &mut Vec::new())
        .unwrap();
    assert!(decoder.message.capacity() <= RESERVED_BYTES_MAX);
    let mut pieces = frame(0x02, &vec![0; FRAME_BYTES_MAX]);
    pieces.extend(frame(0x80, b"x"));
    assert_eq!(read(&pieces, 65_536), Err(Violation::TooLong));
}

#[test]
fn nothing_is_held_between_messages() {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    decoder
        .feed(&mut frame(0x82, &[7; 50_000]), &mut events)
        .unwrap();
    decoder
        .feed(&mut frame(0x89, b"ping"), &mut events)
        .unwrap();
    assert_eq!(decoder.message.capacity() + decoder.control.capacity(), 0);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 0x5EED_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..40)
            .map(|at| if at == 1 { next() | 0x80 } else { next() })
            .collect();
        let _ = read(&bytes, 1 + usize::from(next() % 40));
    }
}
