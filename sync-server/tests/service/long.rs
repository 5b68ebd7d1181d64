//! Documents longer than any one message: written offline and sent, folded into a snapshot, opened by newcomers.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_server::app::compact::{CompactFault, Compactor, compact};
use sheaf_shared::gate;
use sheaf_shared::ids::{DocName, Seq};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::sync::client::{
    self, ClientConfig, DocStatus, Documents, Effect, Input, SocketId,
};
use sheaf_shared::time::MonotonicMs;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use yrs::{Any, Array as _, Out, ReadTxn as _, Text as _, WriteTxn as _};

use crate::client::{Client, Socket, Speaks, connect, insert, new_replica, text_of};
use crate::server::TestServer;

/// Longest wait for so much to be sent, stored and applied by a build without optimization.
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// Sheaf's own client on a real socket, with one document.
struct Sheaf {
    client: client::Client,
    copy: OwnCopy,
    doc: DocName,
    started: Instant,
    /// The longest message it sent, in bytes.
    longest: usize,
    is_synced: bool,
}

struct OwnCopy(Replica);

impl Documents for OwnCopy {
    fn version(&mut self, _: &DocName) -> Vec<u8> {
        self.0.version()
    }

    fn missing_for(&mut self, _: &DocName, version: &[u8]) -> Result<Vec<u8>, ReplicaError> {
        self.0.missing_for(version)
    }
}

impl Sheaf {
    fn new(doc: &DocName, replica: Replica) -> Self {
        Self {
            client: client::Client::new(ClientConfig {
                token: String::new(),
                seed: 1,
            }),
            copy: OwnCopy(replica),
            doc: doc.clone(),
            started: Instant::now(),
            longest: 0,
            is_synced: false,
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Vec<Effect> {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap();
        let mut out = Vec::new();
        self.client
            .handle(input, MonotonicMs(since), &mut self.copy, &mut out);
        out
    }

    /// Connects and goes on until it has all of the server's and the server all of its own.
    async fn meet(&mut self, server: &TestServer, edits_waiting: usize) {
        let doc = self.doc.clone();
        let dialled = self.handle(Input::Open {
            doc: &doc,
            waiting: edits_waiting,
        });
        let Some(Effect::Dial(id)) = dialled
            .iter()
            .find(|effect| matches!(effect, Effect::Dial(_)))
        else {
            panic!("it does not dial: {dialled:?}");
        };
        let mut socket = connect(server.address, "/collab").await;
        let opened = self.handle(Input::SocketOpened(*id));
        self.carry_out(opened, &mut socket).await;
        while !self.is_synced || self.client.status(&doc) != Some(DocStatus::Saved) {
            let next = tokio::time::timeout(LONG_PATIENCE, socket.next()).await;
            let Message::Binary(frame) = next.unwrap().unwrap().unwrap() else {
                continue;
            };
            let heard = self.handle(Input::Received {
                socket: *id,
                frame: &frame,
            });
            self.carry_out(heard, &mut socket).await;
        }
    }

    async fn carry_out(&mut self, effects: Vec<Effect>, socket: &mut Socket) {
        for effect in effects {
            match effect {
                Effect::Send(frame) => {
                    self.longest = self.longest.max(frame.len());
                    socket.send(Message::Binary(frame.into())).await.unwrap();
                }
                // Its own gate stands before the copy.
                Effect::Apply { update, .. } => {
                    let applied = self.copy.0.apply(&update, Origin::Remote).unwrap();
                    assert!(!applied.has_missing, "a part came before its predecessor");
                }
                Effect::Synced { .. } => self.is_synced = true,
                Effect::Refused { why, .. } => panic!("refused: {why:?}"),
                // A second one, dialled because the first was long silent, may be.
                Effect::HangUp(SocketId(1)) => panic!("it hung up"),
                _ => {}
            }
        }
    }
}

/// Bytes that stand in the list `pictures`, and the text, by which two copies are compared.
fn contents(replica: &Replica) -> (Vec<usize>, String, Vec<u8>) {
    let txn = replica.read();
    let pictures = txn.get_array("pictures").map_or_else(Vec::new, |pictures| {
        let lengths = pictures.iter(&txn).map(|picture| match picture {
            Out::Any(Any::Buffer(bytes)) => bytes.len(),
            other => panic!("no picture: {other:?}"),
        });
        lengths.collect()
    });
    drop(txn);
    (pictures, text_of(replica), replica.version())
}

/// More than one message may hold: pictures, a long text, and edits by two people who answer each other.
fn long_document() -> Replica {
    let (mut ann, mut ben) = (new_replica(), new_replica());
    for picture in 0..16_u8 {
        ann.transact(Origin::Local, |txn| {
            let bytes = vec![picture; 1024 * 1024 + usize::from(picture)];
            let pictures = txn.get_or_insert_array("pictures");
            pictures.push_back(txn, Any::Buffer(bytes.into()));
        });
        let update = ann.missing_for(&ben.version()).unwrap();
        ben.apply(&update, Origin::Remote).unwrap();
        let answer = insert(&mut ben, 0, &format!("what is {picture}? "));
        ann.apply(&answer, Origin::Remote).unwrap();
    }
    insert(&mut ann, 5, &"a long text ß🎉 ".repeat(40_000));
    ann.transact(Origin::Local, |txn| {
        let text = txn.get_or_insert_text("content");
        text.remove_range(txn, 3, 40);
    });
    ann
}

/// Folds the document's log. The server does so by itself too, and may be at it or have been faster with a part of it.
async fn fold_all(server: &TestServer, doc: &DocName) {
    let limit = Instant::now() + LONG_PATIENCE;
    loop {
        let compactor = Compactor::new(std::sync::Arc::clone(server.store()));
        let done = compact(&compactor, doc, Seq(0)).await;
        assert!(
            matches!(done, Ok(_) | Err(CompactFault::Outrun)),
            "{done:?}"
        );
        let stored = server.store().load(doc).await.unwrap().unwrap();
        let snapshot = stored.snapshot.map_or(0, |snapshot| snapshot.len());
        if stored.log.is_empty() && snapshot > UPDATE_BYTES_MAX {
            return;
        }
        assert!(Instant::now() < limit, "{snapshot} bytes are folded");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_offline_arrives_and_opens_however_long_it_is() {
    let mut server = TestServer::start().await;
    let doc = DocName::parse("long").unwrap();
    let replica = long_document();
    let expected = contents(&replica);
    let whole = replica.missing_for(&[0]).unwrap();
    assert!(whole.len() > UPDATE_BYTES_MAX && gate::update::check(&whole).is_err());

    let mut ann = Sheaf::new(&doc, replica);
    ann.meet(&server, 3).await;
    assert!(ann.longest < 2 * 1024 * 1024, "{}", ann.longest);
    let stored = server.store().load(&doc).await.unwrap().unwrap();
    // Some of it may be folded already.
    let folded = server.store().history_since(&doc, Seq(0)).await.unwrap();
    let rows = folded.iter().chain(&stored.log);
    let longest = rows.map(|entry| entry.update.len()).max();
    assert!(longest.unwrap() < 4 * 1024 * 1024);

    for is_folded in [false, true] {
        if is_folded {
            fold_all(&server, &doc).await;
            server = server.restart().await;
        }
        let mut newcomer = Sheaf::new(&doc, new_replica());
        newcomer.meet(&server, 0).await;
        assert!(contents(&newcomer.copy.0) == expected, "{is_folded}");
        let mut stock = Client::join(server.address, doc.as_str(), Speaks::YWebsocket).await;
        let version = newcomer.copy.0.version();
        stock
            .until("all of it", |client| client.replica.version() == version)
            .await;
        // A copy that is in step is asked for nothing and sent nothing.
        let mut again = Sheaf::new(&doc, newcomer.copy.0);
        again.meet(&server, 0).await;
        assert!(again.longest < 1_000, "{}", again.longest);
    }
    server.stop().await;
}
