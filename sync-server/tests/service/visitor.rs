//! A person's program that comes by exchanges over plain HTTP: a replica, and what a socket would remember for it.

use std::net::SocketAddr;

use sheaf_shared::ids::{ClientId, ReplicaId, Seq};
use sheaf_shared::presence::{OwnPresence, Payload};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::sync::facts::ServerFact;
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::exchange::{Answer, Followed, Known, LineKey, Request};
use sheaf_shared::wire::hocuspocus::{Address, Auth, Frame, From, Message};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{PATIENCE, insert, new_replica, text_of};

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Sends a request; its answer is for [`read`].
pub(crate) async fn post(address: SocketAddr, headers: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "POST /collab/exchange HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    // One that is refused may be cut off before all of it is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
    stream
}

pub(crate) async fn read(mut stream: TcpStream) -> Answered {
    let mut answer = Vec::new();
    let whole = async {
        // A server that refuses a body may cut the line behind its answer.
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(PATIENCE, whole).await.unwrap();
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("an answer");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Answered {
        status: head[9..12].parse().unwrap(),
        head,
        body: answer[end + 4..].to_vec(),
    }
}

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// To say something, and hear what is answered to that.
    Saying,
    /// To hear what is new, now.
    Hearing,
    /// To hear what is new, and to wait for it.
    Waiting,
}

pub(crate) struct Visitor {
    pub(crate) replica: Replica,
    pub(crate) line: LineKey,
    doc: String,
    pub(crate) place: Option<Seq>,
    pub(crate) known: Vec<Known>,
    pub(crate) stored: usize,
    pub(crate) refused: usize,
    /// The server asked for what it lacks.
    pub(crate) wanted: Option<Vec<u8>>,
    /// How often the whole was compared by state vectors.
    pub(crate) compared: usize,
    /// Payloads of presence that came.
    pub(crate) presence: Vec<Vec<u8>>,
    pub(crate) draining: bool,
}

impl Visitor {
    pub(crate) fn new(doc: &str) -> Self {
        Self {
            replica: new_replica(),
            line: LineKey(fastrand::u64(..)),
            doc: doc.to_owned(),
            place: None,
            known: Vec::new(),
            stored: 0,
            refused: 0,
            wanted: None,
            compared: 0,
            presence: Vec::new(),
            draining: false,
        }
    }

    pub(crate) fn text(&self) -> String {
        text_of(&self.replica)
    }

    pub(crate) fn who(&self) -> ReplicaId {
        self.replica.id()
    }

    fn frame(&self, message: Message<'_>) -> Vec<u8> {
        message.to(Address(&self.doc)).to_vec()
    }

    pub(crate) fn update(&self, update: &[u8]) -> Vec<u8> {
        self.frame(Message::Sync(SyncMessage::Update(update)))
    }

    pub(crate) fn awareness(&self, payload: &[u8]) -> Vec<u8> {
        self.frame(Message::Awareness(payload))
    }

    /// The body of an exchange in which `frames` are said.
    pub(crate) fn body(&self, purpose: For, frames: &[Vec<u8>]) -> Vec<u8> {
        let token = self.frame(Message::Auth(Auth::Token {
            token: "",
            provider: Some("sheaf/1"),
        }));
        let version = self.replica.version();
        let step1 = self.frame(Message::Sync(SyncMessage::Step1(&version)));
        let hears = purpose != For::Saying;
        let mut all = vec![&token[..]];
        all.extend(hears.then_some(&step1[..]));
        all.extend(frames.iter().map(Vec::as_slice));
        let followed = Followed {
            address: &self.doc,
            place: self.place,
            known: self.known.clone(),
        };
        let request = Request {
            line: self.line,
            hold_ms: if purpose == For::Waiting { 25_000 } else { 0 },
            followed: if hears { vec![followed] } else { Vec::new() },
            frames: all,
        };
        request.encode()
    }

    pub(crate) async fn exchange(
        &mut self,
        address: SocketAddr,
        purpose: For,
        frames: &[Vec<u8>],
    ) -> usize {
        let answered = read(post(address, "", &self.body(purpose, frames)).await).await;
        self.take(&answered)
    }

    /// Comes in for the first time, and gives what the server lacks.
    pub(crate) async fn come(&mut self, address: SocketAddr) {
        self.exchange(address, For::Hearing, &[]).await;
        let wanted = self.wanted.take().expect("a first visit is asked");
        let missing = self.replica.missing_for(&wanted).unwrap();
        let step2 = self.frame(Message::Sync(SyncMessage::Step2(&missing)));
        self.exchange(address, For::Saying, &[step2]).await;
    }

    /// Types something, and says it in an exchange of its own.
    pub(crate) async fn type_at(&mut self, address: SocketAddr, at: u32, text: &str) {
        let update = insert(&mut self.replica, at, text);
        let frame = self.update(&update);
        self.exchange(address, For::Saying, &[frame]).await;
    }

    pub(crate) fn announce(&mut self, own: &mut OwnPresence, state: Option<&str>) -> Vec<u8> {
        let payload = own.set(state.map(str::to_owned));
        for entry in Payload::parse(&payload).unwrap().entries() {
            self.know(entry.client, entry.clock, entry.state.is_some());
        }
        self.awareness(&payload)
    }

    /// Waits in exchanges, at each of the servers in turn, until `done`.
    pub(crate) async fn until(
        &mut self,
        servers: &[SocketAddr],
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) {
        let limit = tokio::time::Instant::now() + PATIENCE;
        for address in servers.iter().cycle() {
            if done(self) {
                return;
            }
            assert!(
                tokio::time::Instant::now() < limit,
                "waited in vain for: {what}; it has {:?}",
                self.text()
            );
            self.exchange(*address, For::Waiting, &[]).await;
        }
    }

    /// Takes an answer in; gives how many frames it had.
    pub(crate) fn take(&mut self, answered: &Answered) -> usize {
        assert_eq!(answered.status, 200, "{answered:?}");
        let answer = Answer::decode(&answered.body).unwrap();
        assert_eq!(answer.closed, None);
        for frame in &answer.frames {
            let Ok(Frame::Document { message, address }) = Frame::decode(frame, From::Server)
            else {
                panic!("no frame: {frame:?}");
            };
            assert_eq!(address.0, self.doc);
            self.take_message(message);
        }
        answer.frames.len()
    }

    fn take_message(&mut self, message: Message<'_>) {
        match message {
            Message::Sync(SyncMessage::Step1(version)) => self.wanted = Some(version.to_vec()),
            Message::Sync(SyncMessage::Step2(update)) => {
                self.compared += 1;
                self.replica.apply(update, Origin::Remote).unwrap();
            }
            Message::Sync(SyncMessage::Update(update)) => {
                self.replica.apply(update, Origin::Remote).unwrap();
            }
            Message::Awareness(payload) => self.hear(payload),
            Message::SyncStatus(true) => self.stored += 1,
            Message::SyncStatus(false) => self.refused += 1,
            Message::Auth(Auth::Granted { .. }) => {}
            Message::Stateless(payload) => match ServerFact::decode(payload) {
                Some(ServerFact::Place(place)) => self.place = self.place.max(Some(place)),
                Some(ServerFact::Draining { .. }) => self.draining = true,
                Some(ServerFact::StoreStalled | ServerFact::StoreBack) => {}
                other => panic!("unexpected: {other:?}"),
            },
            other => panic!("unexpected: {other:?}"),
        }
    }

    fn hear(&mut self, payload: &[u8]) {
        for entry in Payload::parse(payload).unwrap().entries() {
            self.know(entry.client, entry.clock, entry.state.is_some());
        }
        self.presence.push(payload.to_vec());
    }

    pub(crate) fn know(&mut self, client: ClientId, clock: u32, is_here: bool) {
        self.known.retain(|known| known.client != client);
        self.known.push(Known {
            client,
            clock,
            is_here,
        });
        self.known.sort_by_key(|known| known.client);
    }
}
