//! What carries a robot's frames: a WebSocket, or exchanges over plain HTTP. It runs beside the robot and tells it what happens,
//! as in a browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_shared::sync::client::{Documents, SocketId};
use sheaf_shared::sync::exchanges::{Effect, Exchanges, Input, PostId};
use sheaf_shared::time::MonotonicMs;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::client::Socket;

/// Longest wait for a call to be taken. Somebody else may answer in the end: a stopped server's kernel takes calls for it.
const TAKEN_WITHIN: Duration = Duration::from_secs(3);
/// Longest wait for an answer: more than an exchange may be held for.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// The code of a connection that ended without one.
const CUT: u16 = 1006;

/// What happens on a wire.
#[derive(Debug)]
pub(super) enum Event {
    Opened,
    Received(Bytes),
    Closed(u16),
    Answered {
        post: PostId,
        status: u16,
        body: Vec<u8>,
    },
    Failed(PostId),
}

/// Where wires tell it.
pub(super) type Ear = UnboundedSender<(SocketId, Event)>;

/// A task that ends with its owner.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) enum Wire {
    Socket(SocketWire),
    Exchanges(Box<ExchangeWire>),
}

/// A WebSocket.
pub(super) struct SocketWire {
    frames: UnboundedSender<Vec<u8>>,
    _task: Task,
}

impl SocketWire {
    /// Without an address it is refused: the network lets none through.
    pub(super) fn dial(id: SocketId, address: Option<SocketAddr>, ear: Ear) -> Self {
        let (frames, to_send) = unbounded_channel();
        let _task = Task(tokio::spawn(async move {
            let code = match address {
                Some(address) => run(id, address, to_send, &ear).await,
                None => CUT,
            };
            let _ = ear.send((id, Event::Closed(code)));
        }));
        Self { frames, _task }
    }

    pub(super) fn send(&self, frame: Vec<u8>) {
        // Whether it is closed is told another way.
        let _ = self.frames.send(frame);
    }
}

/// Answers the code it was closed with.
async fn run(
    id: SocketId,
    address: SocketAddr,
    mut to_send: UnboundedReceiver<Vec<u8>>,
    ear: &Ear,
) -> u16 {
    let dialling = connect_async(format!("ws://{address}/collab"));
    let Ok(Ok((mut socket, _))) = tokio::time::timeout(TAKEN_WITHIN, dialling).await else {
        return CUT;
    };
    let _ = ear.send((id, Event::Opened));
    loop {
        tokio::select! {
            frame = to_send.recv() => {
                let Some(frame) = frame else { return CUT };
                if send(&mut socket, frame).await.is_err() {
                    return CUT;
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Binary(frame))) => drop(ear.send((id, Event::Received(frame)))),
                Some(Ok(Message::Close(said))) => return said.map_or(1005, |said| said.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return CUT,
            },
        }
    }
}

async fn send(socket: &mut Socket, frame: Vec<u8>) -> Result<(), ()> {
    let sending = socket.send(Message::Binary(frame.into()));
    // A socket that does not take it for long is as good as cut.
    let sent = tokio::time::timeout(ANSWERED_WITHIN, sending).await;
    sent.map_err(drop)?.map_err(drop)
}

/// A line of exchanges, as `frontend/src/net/exchange.rs` has it.
pub(super) struct ExchangeWire {
    id: SocketId,
    address: SocketAddr,
    ear: Ear,
    line: Exchanges,
    under_way: BTreeMap<PostId, Task>,
    pub(super) wake_at: Option<MonotonicMs>,
}

impl ExchangeWire {
    pub(super) fn new(id: SocketId, address: SocketAddr, ear: Ear, seed: u64) -> Self {
        Self {
            id,
            address,
            ear,
            line: Exchanges::new(seed),
            under_way: BTreeMap::new(),
            wake_at: None,
        }
    }

    /// Tells the line what happened, and does what it asks for.
    pub(super) fn handle(
        &mut self,
        input: Input<'_>,
        now: MonotonicMs,
        documents: &mut dyn Documents,
    ) {
        if let Input::Answered { post, .. } | Input::Failed(post) = input
            && self.under_way.remove(&post).is_none()
        {
            return;
        }
        let mut effects = Vec::new();
        self.line.handle(input, now, documents, &mut effects);
        for effect in effects {
            let event = match effect {
                Effect::Post { post, body, .. } => {
                    self.post(post, body);
                    continue;
                }
                Effect::Abort(post) => {
                    self.under_way.remove(&post);
                    continue;
                }
                Effect::WakeAt(at) => {
                    self.wake_at = Some(at);
                    continue;
                }
                Effect::Opened => Event::Opened,
                Effect::Received(frame) => Event::Received(frame.into()),
                Effect::Closed(code) => Event::Closed(code),
            };
            let _ = self.ear.send((self.id, event));
        }
    }

    /// Says the last words.
    pub(super) async fn leave(mut self) {
        if let Some(body) = self.line.last_words() {
            let _ = tokio::time::timeout(TAKEN_WITHIN, ask(self.address, &body)).await;
        }
    }

    fn post(&mut self, post: PostId, body: Vec<u8>) {
        let (id, address, ear) = (self.id, self.address, self.ear.clone());
        let task = tokio::spawn(async move {
            let asked = tokio::time::timeout(ANSWERED_WITHIN, ask(address, &body)).await;
            let event = match asked.ok().flatten() {
                Some((status, body)) => Event::Answered { post, status, body },
                None => Event::Failed(post),
            };
            let _ = ear.send((id, event));
        });
        self.under_way.insert(post, Task(task));
    }
}

/// Posts it and reads status and body of the answer; `None` unless all of it came.
async fn ask(address: SocketAddr, body: &[u8]) -> Option<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let length = body.len();
    let head = format!(
        "POST /collab/exchange HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    })?;
    let body = answer.split_off(end + 4);
    (body.len() == length).then_some((status, body))
}
