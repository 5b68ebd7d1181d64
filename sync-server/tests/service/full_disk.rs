//! A disk that is really full under the program's own database: a small one that is filled where the machine allows that, else a
//! bound on the length of the program's files.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use futures_util::{SinkExt as _, StreamExt as _};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use sheaf_shared::replica::Replica;
use sheaf_shared::sync::facts::{PROVIDER, ServerFact};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::hocuspocus::{Address, Auth, Frame, From, Message};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite;

use crate::client::{Client, PATIENCE, Socket, Speaks, connect, insert, new_replica, text_of};
use crate::ending::status_line;
use crate::engines::disk::SmallDisk;
use crate::program::{Program, binary};

const DOC: &str = "page";
const DISK_MIB: u64 = 24;
/// Much more than is left free inside the files that are there.
const LONG: usize = 1024 * 1024;

/// Where the program keeps its things, and how room is taken from it.
enum Disk {
    Small(SmallDisk),
    /// Its files may not grow: what takes neither root nor a mount.
    Bounded,
}

impl Disk {
    fn new(folder: &Path) -> Self {
        let owner = (
            rustix::process::getuid().as_raw(),
            rustix::process::getgid().as_raw(),
        );
        SmallDisk::mount(folder, DISK_MIB, owner).map_or(Self::Bounded, Self::Small)
    }

    fn command(&self) -> Command {
        match self {
            Self::Small(disk) => disk.command(&binary()),
            Self::Bounded => {
                let mut command = Command::new("sh");
                // Else the kernel ends whoever writes beyond the bound.
                command.args(["-c", "trap '' XFSZ && exec \"$0\" \"$@\"", &binary()]);
                command
            }
        }
    }

    fn start(&self, folder: &Path) -> Program {
        let here = Ipv4Addr::LOCALHOST.into();
        let data = folder.join("data");
        Program::start_by(self.command(), here, &data, &[], &[])
    }

    fn fill(&self, program: &Program) {
        match self {
            Self::Small(disk) => disk.fill(),
            Self::Bounded => bound(program, Some(1)),
        }
    }

    fn free(&self, program: &Program) {
        match self {
            Self::Small(disk) => disk.free(),
            Self::Bounded => bound(program, getrlimit(Resource::Fsize).maximum),
        }
    }
}

/// From now on none of its files grows beyond so many bytes.
fn bound(program: &Program, current: Option<u64>) {
    let id = Pid::from_raw(i32::try_from(program.id()).unwrap());
    let maximum = getrlimit(Resource::Fsize).maximum;
    prlimit(id, Resource::Fsize, Rlimit { current, maximum }).unwrap();
}

/// Somebody with Sheaf's own client, who hears what the server says of its store.
struct Writer {
    socket: Socket,
    replica: Replica,
    stored: usize,
    refused: usize,
    facts: Vec<ServerFact>,
}

impl Writer {
    async fn join(address: SocketAddr) -> Self {
        let mut writer = Self {
            socket: connect(address, "/collab").await,
            replica: new_replica(),
            stored: 0,
            refused: 0,
            facts: Vec::new(),
        };
        let (token, provider) = ("", Some(PROVIDER));
        writer
            .say(Message::Auth(Auth::Token { token, provider }))
            .await;
        let version = writer.replica.version();
        writer
            .say(Message::Sync(SyncMessage::Step1(&version)))
            .await;
        writer
    }

    async fn say(&mut self, message: Message<'_>) {
        let frame = message.to(Address(DOC)).to_vec();
        let frame = tungstenite::Message::Binary(frame.into());
        self.socket.send(frame).await.unwrap();
    }

    async fn type_first(&mut self, text: &str) {
        let update = insert(&mut self.replica, 0, text);
        self.say(Message::Sync(SyncMessage::Update(&update))).await;
    }

    async fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !done(self) {
                self.take_one().await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(came.is_ok(), "waited in vain for: {what}");
    }

    async fn take_one(&mut self) {
        let next = self.socket.next().await.expect("cut off").unwrap();
        let tungstenite::Message::Binary(frame) = next else {
            return;
        };
        let Ok(Frame::Document { message, .. }) = Frame::decode(&frame, From::Server) else {
            return;
        };
        match message {
            Message::Sync(SyncMessage::Step1(version)) => {
                let missing = self.replica.missing_for(version).unwrap();
                self.say(Message::Sync(SyncMessage::Step2(&missing))).await;
            }
            Message::SyncStatus(true) => self.stored += 1,
            Message::SyncStatus(false) => self.refused += 1,
            Message::Stateless(payload) => self.facts.extend(ServerFact::decode(payload)),
            Message::Close(why) => panic!("put out: {why:?}"),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_acknowledges_nothing_says_so_and_stores_everything_once_there_is_room() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let disk = Disk::new(folder.path());
    let mut program = disk.start(folder.path());
    let mut ada = Writer::join(program.address).await;
    let mut ben = Client::join(program.address, DOC, Speaks::YWebsocket).await;
    ada.type_first("kept ").await;
    ada.until("the first words stored", |ada| ada.stored == 2)
        .await;
    disk.fill(&program);
    let long = "x".repeat(LONG);
    ada.type_first(&long).await;
    ada.type_first("safe ").await;
    ada.until("word that nothing is saved", |ada| {
        ada.facts.contains(&ServerFact::StoreStalled)
    })
    .await;
    assert_eq!((ada.stored, ada.refused), (2, 0), "without room");
    assert!(!ben.text().contains('x'), "shown without being stored");
    let limit = tokio::time::Instant::now() + PATIENCE;
    while !status_line(program.address, "/readyz").contains("503") {
        assert!(tokio::time::Instant::now() < limit, "it says it is ready");
    }
    // Who comes now reads what is there.
    let mut reader = Client::join(program.address, DOC, Speaks::YWebsocket).await;
    reader.until_text("kept ").await;
    disk.free(&program);
    ada.until("everything stored", |ada| ada.stored == 4).await;
    ada.until("word that all is well", |ada| {
        ada.facts.contains(&ServerFact::StoreBack)
    })
    .await;
    let whole = text_of(&ada.replica);
    ben.until("all of it", |ben| ben.text() == whole).await;
    ada.type_first("on ").await;
    ada.until("it goes on", |ada| ada.stored == 5).await;
    assert_eq!(ada.refused, 0);
    program.kill();
    let again = disk.start(folder.path());
    let whole = text_of(&ada.replica);
    let mut newcomer = Client::join(again.address, DOC, Speaks::YWebsocket).await;
    newcomer
        .until("all that was acknowledged", |newcomer| {
            newcomer.text() == whole
        })
        .await;
}
