//! The program is killed again and again while robots type. Every edit it acknowledged must be there afterwards.
//!
//! `SHEAF_LONG=1` kills it many times; `SHEAF_SEED` repeats the pauses of an earlier run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::hocuspocus::{self, Address, Auth};
use sheaf_shared::wire::y_websocket;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use yrs::updates::decoder::Decode as _;
use yrs::{GetString as _, ReadTxn as _, Transact as _};

use crate::client::{Client, PATIENCE, Socket, Speaks, insert, new_replica, text_of};
use crate::program::Program;

const DOCS: [&str; 3] = ["killed/one", "killed/two", "killed/three"];
const ROBOTS: usize = 6;
/// The robots type about so often, in milliseconds.
const PAUSE_MS: u64 = 3;
/// Edits that are acknowledged for each kill, at least.
const ACKNOWLEDGED_A_KILL: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_an_acknowledged_edit() {
    let kills = if std::env::var_os("SHEAF_LONG").is_some() {
        250
    } else {
        10
    };
    let seed = std::env::var("SHEAF_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SHEAF_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let robot = |index| Robot::new(index, Arc::clone(&acknowledged));
    let mut robots: Vec<Robot> = (0..ROBOTS).map(robot).collect();
    for kill in 1..=kills {
        let mut program = Program::start(folder.path(), &[]);
        let typing: Vec<_> = robots
            .into_iter()
            .map(|robot| tokio::spawn(robot.type_until_cut(program.address)))
            .collect();
        tokio::time::sleep(Duration::from_millis(chance.u64(20..400))).await;
        // It may die before anything is stored; but where the machine is slow, every second time it is waited for.
        let enough = kill * ACKNOWLEDGED_A_KILL;
        let limit = Instant::now() + PATIENCE;
        while kill % 2 == 0 && acknowledged.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < limit, "the robots hardly type");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        program.kill();
        robots = Vec::new();
        for robot in typing {
            robots.push(robot.await.unwrap());
        }
    }
    let mut acknowledged: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for robot in &robots {
        acknowledged
            .entry(robot.doc)
            .or_default()
            .extend(robot.acknowledged.iter().cloned());
    }
    let count: usize = acknowledged.values().map(BTreeSet::len).sum();
    println!("{kills} kills, {count} edits acknowledged");
    assert!(count >= kills * ACKNOWLEDGED_A_KILL, "{count} edits");
    // First what lies on the disk, read without a line of the store's own code.
    for (doc, words) in &acknowledged {
        let disk = read_disk(folder.path(), doc);
        assert_all_there(words, &disk.bytes, "on the disk", doc);
        // An edit that was stored before the one it follows shows when that one comes, with its writer.
        if !disk.awaits_more {
            assert_all_there(words, disk.text.as_bytes(), "to be read from the disk", doc);
        }
    }
    let program = Program::start(folder.path(), &[]);
    assert_shown(&program, robots, &acknowledged).await;
    drop(program);
    let verified = std::process::Command::new(env!("CARGO_BIN_EXE_sheaf"))
        .args(["verify", "--data-dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}

/// A newcomer is shown every acknowledged edit; and every robot, back once more, has the same text.
async fn assert_shown(
    program: &Program,
    robots: Vec<Robot>,
    acknowledged: &BTreeMap<&str, BTreeSet<String>>,
) {
    let mut back = Vec::new();
    for robot in robots {
        let speaks = robot.speaks;
        let mut client = Client::join_with(program.address, robot.doc, speaks, robot.replica).await;
        if speaks == Speaks::Hocuspocus {
            client
                .until("its own edits are stored", |client| client.stored == 1)
                .await;
        }
        back.push((robot.doc, robot.name, client));
    }
    for (doc, words) in acknowledged {
        let mut newcomer = Client::join(program.address, doc, Speaks::YWebsocket).await;
        let all = |text: &str| {
            let there = words_in(text.as_bytes());
            words.iter().all(|word| there.contains(word.as_bytes()))
        };
        newcomer
            .until("every acknowledged edit", |client| all(&client.text()))
            .await;
        for (_, name, client) in back.iter_mut().filter(|(of, _, _)| of == doc) {
            while client.text() != newcomer.text() {
                // Whoever is behind hears more; both are told everything in the end.
                tokio::select! {
                    more = client.take_one() => assert!(more, "{name}"),
                    more = newcomer.take_one() => assert!(more, "the newcomer"),
                }
            }
        }
    }
}

fn assert_all_there(words: &BTreeSet<String>, among: &[u8], place: &str, doc: &str) {
    let there = words_in(among);
    let lost: Vec<_> = words
        .iter()
        .filter(|word| !there.contains(word.as_bytes()))
        .collect();
    assert!(
        lost.is_empty(),
        "acknowledged and not {place}, in {doc}: {lost:?}"
    );
}

/// Every word of a robot that stands anywhere in `bytes`: `r1-23;`.
fn words_in(bytes: &[u8]) -> BTreeSet<&[u8]> {
    let ends = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b';')
        .map(|(at, _)| at);
    ends.filter_map(|end| {
        let start = bytes[..end].iter().rposition(|byte| *byte == b'r')?;
        Some(&bytes[start..=end])
    })
    .collect()
}

/// Types one word after the other and keeps account of what was acknowledged.
struct Robot {
    name: String,
    doc: &'static str,
    speaks: Speaks,
    replica: Replica,
    typed: usize,
    acknowledged: BTreeSet<String>,
    /// Words typed and not acknowledged.
    open: BTreeSet<String>,
    /// How many words of all robots were acknowledged.
    of_all: Arc<AtomicUsize>,
}

impl Robot {
    fn new(index: usize, of_all: Arc<AtomicUsize>) -> Self {
        let speaks = if index.is_multiple_of(2) {
            Speaks::Hocuspocus
        } else {
            Speaks::YWebsocket
        };
        Self {
            name: format!("r{index}"),
            doc: DOCS[index % DOCS.len()],
            speaks,
            replica: new_replica(),
            typed: 0,
            acknowledged: BTreeSet::new(),
            open: BTreeSet::new(),
            of_all,
        }
    }

    fn acknowledge(&mut self, word: String) {
        self.open.remove(&word);
        if self.acknowledged.insert(word) {
            self.of_all.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn type_until_cut(mut self, address: SocketAddr) -> Self {
        let path = match self.speaks {
            Speaks::Hocuspocus => "/collab".to_owned(),
            Speaks::YWebsocket => format!("/sync/{}", self.doc),
        };
        if let Ok((socket, _)) = connect_async(format!("ws://{address}{path}")).await {
            let mut line = Line {
                socket,
                greeted: false,
                expected: VecDeque::new(),
            };
            while self.step(&mut line).await.is_some() {}
        }
        self
    }

    /// Does one thing; `None` when the line is cut.
    async fn step(&mut self, line: &mut Line) -> Option<()> {
        if !line.greeted {
            line.greeted = true;
            if self.speaks == Speaks::Hocuspocus {
                let token = Auth::Token {
                    token: "",
                    provider: None,
                };
                line.send(
                    hocuspocus::Message::Auth(token)
                        .to(Address(self.doc))
                        .to_vec(),
                )
                .await?;
            }
            let version = self.replica.version();
            self.say(line, SyncMessage::Step1(&version)).await?;
        }
        tokio::select! {
            frame = line.socket.next() => match frame?.ok()? {
                Message::Binary(frame) => self.take(line, &frame).await,
                Message::Close(_) => None,
                _ => Some(()),
            },
            () = tokio::time::sleep(Duration::from_millis(PAUSE_MS)) => {
                let word = format!("{}-{};", self.name, self.typed);
                self.typed += 1;
                self.open.insert(word.clone());
                let update = insert(&mut self.replica, 0, &word);
                line.expected.push_back([word].into());
                self.say(line, SyncMessage::Update(&update)).await
            }
        }
    }

    async fn say(&self, line: &mut Line, message: SyncMessage<'_>) -> Option<()> {
        line.send(match self.speaks {
            Speaks::Hocuspocus => hocuspocus::Message::Sync(message)
                .to(Address(self.doc))
                .to_vec(),
            Speaks::YWebsocket => y_websocket::Message::Sync(message).to_vec(),
        })
        .await
    }

    async fn take(&mut self, line: &mut Line, frame: &[u8]) -> Option<()> {
        let message = match self.speaks {
            Speaks::YWebsocket => match y_websocket::Message::decode(frame).unwrap() {
                y_websocket::Message::Sync(message) => message,
                _ => return Some(()),
            },
            Speaks::Hocuspocus => {
                match hocuspocus::Frame::decode(frame, hocuspocus::From::Server).unwrap() {
                    hocuspocus::Frame::Document { message, .. } => match message {
                        hocuspocus::Message::Sync(message) => message,
                        hocuspocus::Message::SyncStatus(stored) => {
                            assert!(stored, "an honest edit was refused");
                            self.take_status(line);
                            return Some(());
                        }
                        _ => return Some(()),
                    },
                    _ => return Some(()),
                }
            }
        };
        match message {
            SyncMessage::Step1(version) => {
                let missing = self.replica.missing_for(version).unwrap();
                // All that is open goes with it, and is acknowledged with it.
                line.expected.push_back(self.open.clone());
                self.say(line, SyncMessage::Step2(&missing)).await
            }
            SyncMessage::Step2(update) => {
                self.replica.apply(update, Origin::Remote).unwrap();
                Some(())
            }
            SyncMessage::Update(update) => {
                self.replica.apply(update, Origin::Remote).unwrap();
                if self.speaks == Speaks::YWebsocket {
                    self.take_echo(update);
                }
                Some(())
            }
        }
    }

    /// Hocuspocus: one status for each message, in order.
    fn take_status(&mut self, line: &mut Line) {
        let words = line.expected.pop_front().expect("a status for nothing");
        for word in words {
            self.acknowledge(word);
        }
    }

    /// y-websocket: what was stored comes back.
    fn take_echo(&mut self, update: &[u8]) {
        let echoed = words_in(update);
        let is_stored = |word: &&String| echoed.contains(word.as_bytes());
        let stored: Vec<String> = self.open.iter().filter(is_stored).cloned().collect();
        for word in stored {
            self.acknowledge(word);
        }
    }
}

struct Line {
    socket: Socket,
    greeted: bool,
    /// The words of each message that was sent and asks for a status, in order.
    expected: VecDeque<BTreeSet<String>>,
}

impl Line {
    async fn send(&mut self, frame: Vec<u8>) -> Option<()> {
        self.socket.send(Message::Binary(frame.into())).await.ok()
    }
}

/// A document as it lies in the file.
struct OnDisk {
    text: String,
    /// Every stored update, one after the other.
    bytes: Vec<u8>,
    /// Some of it follows edits that were not stored yet.
    awaits_more: bool,
}

/// Reads rows by hand and applies them with the CRDT alone: nothing of the store's code.
fn read_disk(folder: &Path, name: &str) -> OnDisk {
    let database = rusqlite::Connection::open(folder.join("sheaf.db")).unwrap();
    let doc = yrs::Doc::new();
    let content = doc.get_or_insert_text("content");
    let mut all = Vec::new();
    let mut apply = |update: &[u8]| {
        all.extend_from_slice(update);
        let update = yrs::Update::decode_v1(update).unwrap();
        doc.transact_mut().apply_update(update).unwrap();
    };
    let mut select = database
        .prepare("SELECT through_seq, bytes FROM snapshot JOIN doc USING (doc_id) WHERE name = ?1")
        .unwrap();
    let snapshot = select
        .query_map([name], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .unwrap()
        .next();
    let mut next = 1;
    if let Some(snapshot) = snapshot {
        let (through, bytes) = snapshot.unwrap();
        apply(&bytes);
        next = through + 1;
    }
    let mut select = database
        .prepare(
            "SELECT first_seq, last_seq, updates FROM log JOIN doc USING (doc_id)
             WHERE name = ?1 AND last_seq >= ?2 ORDER BY first_seq",
        )
        .unwrap();
    let mut rows = select.query((name, next)).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (first, last): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        let bytes: Vec<u8> = row.get(2).unwrap();
        assert_eq!(first, next, "a gap in the log of {name}");
        next = last + 1;
        let mut rest = &bytes[..];
        for _ in first..=last {
            let mut length = 0_usize;
            let mut shift = 0;
            loop {
                let byte = rest[0];
                rest = &rest[1..];
                length |= usize::from(byte & 127) << shift;
                shift += 7;
                if byte < 128 {
                    break;
                }
            }
            apply(&rest[..length]);
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }
    let awaits_more = doc.transact().has_missing_updates();
    OnDisk {
        text: content.get_string(&doc.transact()),
        bytes: all,
        awaits_more,
    }
}

#[test]
fn the_checker_sees_a_missing_word() {
    let mut replica = new_replica();
    insert(&mut replica, 0, "r1-1;");
    let words: BTreeSet<String> = ["r1-1;".to_owned(), "r1-2;".to_owned()].into();
    let text = text_of(&replica);
    assert!(
        std::panic::catch_unwind(|| assert_all_there(&words, text.as_bytes(), "there", "doc"))
            .is_err()
    );
}
