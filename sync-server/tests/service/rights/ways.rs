//! The three ways to open a document, and what comes of each: in or out, and whether what is written is stored.

use std::net::SocketAddr;

use futures_util::StreamExt as _;
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::wire::exchange::Answer;
use sheaf_shared::wire::hocuspocus::{Auth, Frame, From, Message as Said};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::{Client, PATIENCE, Socket, Speaks, insert, new_replica, text_of};
use crate::visitor::{For, Visitor, post, read};

/// What somebody shows.
#[derive(Clone, Debug)]
pub(crate) enum Shows {
    Nothing,
    /// A header that says this.
    Cookie(String),
    Token(String),
}

/// What came of opening a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// In, and what is written is stored.
    Writes,
    /// In, and what is written is not stored.
    Reads,
    /// Out.
    Out(CloseReason),
}

/// The three ways.
pub(crate) const WAYS: [Way; 3] = [Way::YWebsocket, Way::Hocuspocus, Way::Exchange];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    YWebsocket,
    Hocuspocus,
    Exchange,
}

/// Opens a socket with what is shown.
pub(crate) async fn socket(address: SocketAddr, path: &str, shows: &Shows) -> Socket {
    let path = match shows {
        Shows::Token(token) if path.starts_with("/sync/") => format!("{path}?token={token}"),
        _ => path.to_owned(),
    };
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    if let Shows::Cookie(cookie) = shows {
        request
            .headers_mut()
            .insert("cookie", cookie.parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

/// Comes in by a socket, and stays.
pub(crate) async fn enter(address: SocketAddr, doc: &str, speaks: Speaks, shows: &Shows) -> Client {
    let path = match speaks {
        Speaks::YWebsocket => format!("/sync/{doc}"),
        Speaks::Hocuspocus => "/collab".to_owned(),
    };
    let socket = socket(address, &path, shows).await;
    let token = match shows {
        Shows::Token(token) => token,
        _ => "",
    };
    Client::join_showing(socket, doc, speaks, new_replica(), token).await
}

/// Opens `doc`, writes `word`, and leaves.
pub(crate) async fn try_to_write(
    way: Way,
    address: SocketAddr,
    doc: &str,
    shows: &Shows,
    word: &str,
) -> Came {
    match way {
        Way::YWebsocket => by_y_websocket(address, doc, shows, word).await,
        Way::Hocuspocus => by_hocuspocus(address, doc, shows, word).await,
        Way::Exchange => by_exchange(address, doc, shows, word).await,
    }
}

async fn by_y_websocket(address: SocketAddr, doc: &str, shows: &Shows, word: &str) -> Came {
    let mut client = enter(address, doc, Speaks::YWebsocket, shows).await;
    // Its own edit is told to it when it is stored; one that is not is followed by nothing but the answer to a question.
    let update = insert(&mut client.replica, 0, word);
    let blank = new_replica();
    client
        .say(sheaf_shared::wire::SyncMessage::Update(&update))
        .await;
    let version = blank.version();
    client
        .say(sheaf_shared::wire::SyncMessage::Step1(&version))
        .await;
    let limit = tokio::time::Instant::now() + PATIENCE;
    let mut answers = 0;
    loop {
        assert!(tokio::time::Instant::now() < limit, "no answer");
        match client.next().await {
            Some(Message::Close(Some(frame))) => {
                return Came::Out(CloseReason::of_text(&frame.reason).unwrap());
            }
            None | Some(Message::Close(None)) => panic!("cut off without a reason"),
            Some(Message::Binary(frame)) => {
                use sheaf_shared::wire::{SyncMessage, y_websocket};
                match y_websocket::Message::decode(&frame).unwrap() {
                    y_websocket::Message::Sync(SyncMessage::Update(found)) if found == update => {
                        return Came::Writes;
                    }
                    // The first answers the question at the beginning.
                    y_websocket::Message::Sync(SyncMessage::Step2(found)) => {
                        answers += 1;
                        let mut copy = new_replica();
                        copy.apply(found, sheaf_shared::replica::Origin::Remote)
                            .unwrap();
                        if text_of(&copy).contains(word) {
                            return Came::Writes;
                        }
                        if answers == 2 {
                            let is_stored = is_told_later(&mut client, &update).await;
                            return if is_stored { Came::Writes } else { Came::Reads };
                        }
                    }
                    _ => {}
                }
            }
            Some(_) => {}
        }
    }
}

/// Whether an edit still comes back after all that was asked was answered: it may be on its way to the disk.
async fn is_told_later(client: &mut Client, update: &[u8]) -> bool {
    let told = async {
        while client.take_one().await {
            if client.echoed.iter().any(|echoed| echoed == update) {
                return true;
            }
        }
        false
    };
    let limit = std::time::Duration::from_millis(300);
    tokio::time::timeout(limit, told).await.unwrap_or(false)
}

async fn by_hocuspocus(address: SocketAddr, doc: &str, shows: &Shows, word: &str) -> Came {
    let mut client = enter(address, doc, Speaks::Hocuspocus, shows).await;
    client.type_at(0, word).await;
    let mut statuses = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, client.socket.next());
        let Some(Ok(Message::Binary(frame))) = next.await.unwrap() else {
            panic!("closed without a reason");
        };
        let Ok(Frame::Document { message, .. }) = Frame::decode(&frame, From::Server) else {
            panic!("no frame");
        };
        match message {
            Said::Auth(Auth::Denied(reason)) => {
                return Came::Out(CloseReason::of_text(reason).unwrap());
            }
            Said::SyncStatus(stored) => statuses.push(stored),
            _ => {}
        }
        // The one edit.
        if let [stored] = statuses[..] {
            return if stored { Came::Writes } else { Came::Reads };
        }
    }
}

async fn by_exchange(address: SocketAddr, doc: &str, shows: &Shows, word: &str) -> Came {
    let headers = match shows {
        Shows::Nothing => String::new(),
        Shows::Cookie(cookie) => format!("Cookie: {cookie}\r\n"),
        Shows::Token(token) => format!("Authorization: Bearer {token}\r\n"),
    };
    let mut visitor = Visitor::new(doc);
    let update = insert(&mut visitor.replica, 0, word);
    let body = visitor.body(For::Saying, &[visitor.update(&update)]);
    let answered = read(post(address, &headers, &body).await).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let answer = Answer::decode(&answered.body).unwrap();
    for frame in &answer.frames {
        let Ok(Frame::Document { message, .. }) = Frame::decode(frame, From::Server) else {
            panic!("no frame");
        };
        match message {
            Said::Auth(Auth::Denied(reason)) => {
                return Came::Out(CloseReason::of_text(reason).unwrap());
            }
            // Let in by what held a moment ago, and put out again.
            Said::Close(Some(reason)) => return Came::Out(CloseReason::of_text(reason).unwrap()),
            Said::SyncStatus(true) => return Came::Writes,
            Said::SyncStatus(false) => return Came::Reads,
            _ => {}
        }
    }
    panic!("neither in nor out: {answer:?}");
}
