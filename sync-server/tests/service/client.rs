//! A person's program at the other end of a real socket: a replica, and one of the two dialects.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_shared::ids::ReplicaId;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::hocuspocus::{self, Address, Auth};
use sheaf_shared::wire::y_websocket;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use yrs::{GetString as _, Text as _, WriteTxn as _};

/// Longest wait for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Statuses of a Hocuspocus client that came in with nothing and had its answer to the first step 1 confirmed too.
pub(crate) const FIRST: usize = 1;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    YWebsocket,
    Hocuspocus,
}

pub(crate) struct Client {
    pub(crate) socket: Socket,
    pub(crate) replica: Replica,
    doc: String,
    speaks: Speaks,
    /// Updates the server confirmed as stored, and those it refused.
    pub(crate) stored: usize,
    pub(crate) refused: usize,
    /// Updates whose echo came back (y-websocket).
    pub(crate) echoed: Vec<Vec<u8>>,
    pub(crate) presence: Vec<Vec<u8>>,
}

pub(crate) async fn connect(address: SocketAddr, path: &str) -> Socket {
    connect_async(format!("ws://{address}{path}"))
        .await
        .unwrap()
        .0
}

pub(crate) fn new_replica() -> Replica {
    Replica::new(ReplicaId(fastrand::u32(1..)))
}

pub(crate) fn insert(replica: &mut Replica, at: u32, text: &str) -> Vec<u8> {
    let update = replica.transact(Origin::Local, |txn| {
        let content = txn.get_or_insert_text("content");
        content.insert(txn, at, text);
    });
    update.unwrap()
}

pub(crate) fn text_of(replica: &Replica) -> String {
    let txn = replica.read();
    yrs::ReadTxn::get_text(&txn, "content").map_or_else(String::new, |text| text.get_string(&txn))
}

impl Client {
    /// Comes in and says what it has; the answers are still on their way.
    pub(crate) async fn join(address: SocketAddr, doc: &str, speaks: Speaks) -> Self {
        Self::join_with(address, doc, speaks, new_replica()).await
    }

    pub(crate) async fn join_with(
        address: SocketAddr,
        doc: &str,
        speaks: Speaks,
        replica: Replica,
    ) -> Self {
        let path = match speaks {
            Speaks::YWebsocket => format!("/sync/{doc}"),
            Speaks::Hocuspocus => "/collab".to_owned(),
        };
        let socket = connect(address, &path).await;
        Self::join_over(socket, doc, speaks, replica).await
    }

    /// The same over a socket that is open.
    pub(crate) async fn join_over(
        socket: Socket,
        doc: &str,
        speaks: Speaks,
        replica: Replica,
    ) -> Self {
        Self::join_showing(socket, doc, speaks, replica, "").await
    }

    /// The same with this token message.
    pub(crate) async fn join_showing(
        socket: Socket,
        doc: &str,
        speaks: Speaks,
        replica: Replica,
        token: &str,
    ) -> Self {
        let mut client = Self {
            socket,
            replica,
            doc: doc.to_owned(),
            speaks,
            stored: 0,
            refused: 0,
            echoed: Vec::new(),
            presence: Vec::new(),
        };
        if speaks == Speaks::Hocuspocus {
            let token = Auth::Token {
                token,
                provider: None,
            };
            let frame = hocuspocus::Message::Auth(token).to(Address(doc)).to_vec();
            client.send(frame).await;
        }
        let version = client.replica.version();
        client.say(SyncMessage::Step1(&version)).await;
        client
    }

    pub(crate) async fn send(&mut self, frame: Vec<u8>) {
        self.socket
            .send(Message::Binary(frame.into()))
            .await
            .unwrap();
    }

    pub(crate) async fn say(&mut self, message: SyncMessage<'_>) {
        let frame = match self.speaks {
            Speaks::YWebsocket => y_websocket::Message::Sync(message).to_vec(),
            Speaks::Hocuspocus => hocuspocus::Message::Sync(message)
                .to(Address(&self.doc))
                .to_vec(),
        };
        self.send(frame).await;
    }

    /// Says something of who is here.
    pub(crate) async fn announce(&mut self, payload: &[u8]) {
        let frame = match self.speaks {
            Speaks::YWebsocket => y_websocket::Message::Awareness(payload).to_vec(),
            Speaks::Hocuspocus => hocuspocus::Message::Awareness(payload)
                .to(Address(&self.doc))
                .to_vec(),
        };
        self.send(frame).await;
    }

    pub(crate) async fn type_at(&mut self, at: u32, text: &str) -> Vec<u8> {
        let update = insert(&mut self.replica, at, text);
        self.say(SyncMessage::Update(&update)).await;
        update
    }

    pub(crate) fn text(&self) -> String {
        text_of(&self.replica)
    }

    /// The next thing on the socket; `None` when it is over.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.socket.next());
        next.await.expect("nothing came").and_then(Result::ok)
    }

    /// Takes in one frame. `false` when the socket is over.
    pub(crate) async fn take_one(&mut self) -> bool {
        match self.next().await {
            Some(Message::Binary(frame)) => {
                match self.speaks {
                    Speaks::YWebsocket => self.take_y_websocket(&frame).await,
                    Speaks::Hocuspocus => self.take_hocuspocus(&frame).await,
                }
                true
            }
            Some(Message::Close(_)) | None => false,
            Some(_) => true,
        }
    }

    /// Takes in all that is here by now. To be done now and then by whoever has nothing to wait for: a server that hears nothing
    /// for half a minute counts its client as gone, and its pings are answered only by one who reads.
    pub(crate) async fn keep_up(&mut self) {
        while let Ok(more) = tokio::time::timeout(Duration::ZERO, self.take_one()).await {
            assert!(more, "sent away");
        }
    }

    /// Takes frames in until `done`.
    pub(crate) async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let limit = tokio::time::Instant::now() + PATIENCE;
        while !done(self) {
            assert!(
                tokio::time::Instant::now() < limit,
                "waited in vain for: {what}"
            );
            assert!(self.take_one().await, "closed while waiting for: {what}");
        }
    }

    pub(crate) async fn until_text(&mut self, text: &str) {
        self.until(text, |client| client.text() == text).await;
    }

    /// Takes frames in until the server closes, and answers with what it said.
    pub(crate) async fn until_closed(&mut self) -> Option<CloseFrame> {
        loop {
            match self.next().await {
                Some(Message::Close(frame)) => return frame,
                None => return None,
                Some(_) => {}
            }
        }
    }

    /// Takes frames in until the server closes its socket, then comes back with what it has.
    pub(crate) async fn until_sent_away_and_back(mut self, address: SocketAddr) -> Self {
        let limit = tokio::time::Instant::now() + PATIENCE;
        while self.take_one().await {
            assert!(tokio::time::Instant::now() < limit, "it was not sent away");
        }
        Self::join_with(address, &self.doc, self.speaks, self.replica).await
    }

    async fn take_y_websocket(&mut self, frame: &[u8]) {
        match y_websocket::Message::decode(frame).unwrap() {
            y_websocket::Message::Sync(message) => self.take_sync(message).await,
            y_websocket::Message::Awareness(payload) => self.presence.push(payload.to_vec()),
            other => panic!("unexpected: {other:?}"),
        }
    }

    async fn take_hocuspocus(&mut self, frame: &[u8]) {
        let decoded = hocuspocus::Frame::decode(frame, hocuspocus::From::Server).unwrap();
        let hocuspocus::Frame::Document { address, message } = decoded else {
            panic!("unexpected: {decoded:?}");
        };
        assert_eq!(address.0, self.doc);
        match message {
            hocuspocus::Message::Sync(message) => self.take_sync(message).await,
            hocuspocus::Message::Awareness(payload) => self.presence.push(payload.to_vec()),
            hocuspocus::Message::Auth(Auth::Granted { .. }) => {}
            hocuspocus::Message::SyncStatus(true) => self.stored += 1,
            hocuspocus::Message::SyncStatus(false) => self.refused += 1,
            other => panic!("unexpected: {other:?}"),
        }
    }

    async fn take_sync(&mut self, message: SyncMessage<'_>) {
        match message {
            SyncMessage::Step1(version) => {
                let missing = self.replica.missing_for(version).unwrap();
                self.say(SyncMessage::Step2(&missing)).await;
            }
            SyncMessage::Step2(update) => {
                self.replica.apply(update, Origin::Remote).unwrap();
            }
            SyncMessage::Update(update) => {
                self.replica.apply(update, Origin::Remote).unwrap();
                self.echoed.push(update.to_vec());
            }
        }
    }
}
