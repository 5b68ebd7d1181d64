//! Frames as the npm packages write them: each reads as what it means, and is written again byte for byte.
//!
//! `npm run fixtures` in e2e/clients records them anew.

// On wasm32 `#[test]` is wasm-bindgen's, so that every test below runs there as well.
#[cfg(target_arch = "wasm32")]
#[macro_use]
extern crate sheaf_test_in_wasm;

use serde_json::{Value, json};
use sheaf_shared::presence::Payload;
use sheaf_shared::wire::hocuspocus::{Auth, Frame, From, Message};
use sheaf_shared::wire::{SyncMessage, y_websocket};

const RECORDED: &str = include_str!("fixtures/wire.json");

fn records() -> Vec<Value> {
    let Ok(Value::Array(records)) = serde_json::from_str(RECORDED) else {
        panic!("the fixtures are a list")
    };
    records
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} in {record}"))
}

fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap_or_default());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap_or_default())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told_sync(sync: SyncMessage<'_>, key: &str) -> Value {
    let (name, payload) = match sync {
        SyncMessage::Step1(version) => ("step1", version),
        SyncMessage::Step2(update) => ("step2", update),
        SyncMessage::Update(update) => ("update", update),
    };
    json!({ key: name, "payload": hex(payload) })
}

fn told_awareness(payload: &[u8]) -> Value {
    assert!(
        Payload::parse(payload).is_ok(),
        "presence of stock clients passes the gate"
    );
    json!({ "awareness": hex(payload) })
}

fn told_auth(auth: Auth<'_>) -> Value {
    match auth {
        Auth::Token {
            token,
            provider: None,
        } => json!({ "auth": "token", "token": token }),
        Auth::Token { token, provider } => {
            json!({ "auth": "token", "token": token, "provider": provider })
        }
        Auth::TokenWanted => json!({ "auth": "tokenWanted" }),
        Auth::Denied(reason) => json!({ "auth": "denied", "reason": reason }),
        Auth::Granted { read_only } => json!({ "auth": "granted", "readOnly": read_only }),
    }
}

fn told(frame: &Frame<'_>) -> Value {
    let (address, message) = match *frame {
        Frame::Ping => return json!({ "ping": true }),
        Frame::Pong => return json!({ "pong": true }),
        Frame::Document { address, message } => (address, message),
    };
    let mut told = match message {
        Message::Sync(sync) => told_sync(sync, "sync"),
        Message::SyncReply(sync) => told_sync(sync, "syncReply"),
        Message::Awareness(payload) => told_awareness(payload),
        Message::Auth(auth) => told_auth(auth),
        Message::QueryAwareness => json!({ "queryAwareness": true }),
        Message::Stateless(words) => json!({ "stateless": words }),
        Message::BroadcastStateless(words) => json!({ "broadcastStateless": words }),
        Message::Close(reason) => json!({ "close": reason }),
        Message::SyncStatus(stored) => json!({ "syncStatus": stored }),
    };
    told["address"] = json!(address.0);
    told
}

fn told_y_websocket(message: y_websocket::Message<'_>) -> Value {
    match message {
        y_websocket::Message::Sync(sync) => told_sync(sync, "sync"),
        y_websocket::Message::Awareness(payload) => told_awareness(payload),
        y_websocket::Message::PermissionDenied(reason) => json!({ "denied": reason }),
        y_websocket::Message::QueryAwareness => json!({ "queryAwareness": true }),
    }
}

#[test]
fn y_websocket_frames_of_the_npm_packages_read_and_write_to_the_byte() {
    let mut seen = 0;
    for record in records()
        .iter()
        .filter(|record| record["dialect"] == "y-websocket")
    {
        let bytes = unhex(text(record, "hex"));
        let message = y_websocket::Message::decode(&bytes).unwrap();
        assert_eq!(told_y_websocket(message), record["expect"], "{record}");
        assert_eq!(message.to_vec(), bytes, "{record}");
        let all: Vec<_> = y_websocket::messages(&bytes).collect();
        assert_eq!(all, [Ok(message)]);
        seen += 1;
    }
    assert!(seen >= 23, "{seen} frames");
}

#[test]
fn hocuspocus_frames_of_the_npm_packages_read_and_write_to_the_byte() {
    let mut seen = 0;
    for record in records()
        .iter()
        .filter(|record| record["dialect"] == "hocuspocus")
    {
        let bytes = unhex(text(record, "hex"));
        let from = if record["wrote"] == "client" {
            From::Client
        } else {
            From::Server
        };
        let frame = Frame::decode(&bytes, from).unwrap();
        assert_eq!(told(&frame), record["expect"], "{record}");
        assert_eq!(frame.to_vec(), bytes, "{record}");
        seen += 1;
    }
    assert!(seen >= 70, "{seen} frames");
}

#[test]
fn every_version_that_is_promised_was_recorded() {
    let records = records();
    for promised in [
        "y-websocket 1.5",
        "y-websocket 2.1",
        "y-websocket 3.",
        "@hocuspocus/provider 2.",
        "@hocuspocus/provider 3.",
        "@hocuspocus/provider 4.",
        "@hocuspocus/server 2.",
        "@hocuspocus/server 3.",
        "@hocuspocus/server 4.",
    ] {
        assert!(
            records
                .iter()
                .any(|record| text(record, "by").starts_with(promised)),
            "{promised}"
        );
    }
}

#[test]
fn updates_inside_the_recorded_frames_pass_the_gate() {
    for record in records() {
        let expect = &record["expect"];
        let Some(payload) = expect["payload"].as_str().map(unhex) else {
            continue;
        };
        let is_version = expect["sync"] == "step1" || expect["syncReply"] == "step1";
        let verdict = match is_version {
            true => sheaf_shared::gate::state_vector::check(&payload),
            false => sheaf_shared::gate::update::check(&payload),
        };
        assert_eq!(verdict, Ok(()), "{record}");
    }
}
