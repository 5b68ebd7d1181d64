//! The servers, their database, the lines between them, and what befalls them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::engines::postgres::Postgres;
use crate::program::Program;

use super::bad_line::{Lines, Manners, Targets};

/// How many servers there are.
pub(super) const SERVERS: usize = 3;
/// Longest time a drained server may take to end.
const DRAINED_WITHIN: Duration = Duration::from_secs(30);

/// Where the database of this address listens.
fn address_in(url: &str) -> SocketAddr {
    let behind = url.rsplit_once('@').unwrap().1;
    behind.split_once('/').unwrap().0.parse().unwrap()
}

/// All that can break.
pub(super) struct Fleet {
    servers: Vec<Server>,
    targets: Targets,
    database: Postgres,
    chance: fastrand::Rng,
    /// How often each kind of fault struck.
    pub(super) struck: BTreeMap<&'static str, usize>,
}

struct Server {
    program: Program,
    to_database: Lines,
    folder: TempDir,
}

impl Server {
    fn run(to_database: &Lines, folder: &TempDir) -> Program {
        let port = to_database.address().port();
        let url = format!("postgres://sheaf@127.0.0.1:{port}/postgres");
        Program::start(
            folder.path(),
            &["--database-url", &url, "--drain-seconds", "2"],
        )
    }

    fn start_again(&mut self) {
        self.program = Self::run(&self.to_database, &self.folder);
    }
}

impl Fleet {
    pub(super) async fn start(database: Postgres, seed: u64) -> Self {
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            let to_database =
                Lines::open(Arc::new(Mutex::new(vec![address_in(&database.url())]))).await;
            let folder = tempfile::tempdir().unwrap();
            let (program, to_database, folder) = tokio::task::spawn_blocking(move || {
                (Server::run(&to_database, &folder), to_database, folder)
            })
            .await
            .unwrap();
            servers.push(Server {
                program,
                to_database,
                folder,
            });
        }
        let fleet = Self {
            servers,
            targets: Targets::default(),
            database,
            chance: fastrand::Rng::with_seed(seed),
            struck: BTreeMap::new(),
        };
        fleet.note_addresses();
        fleet
    }

    /// The servers as clients find them.
    pub(super) fn targets(&self) -> Targets {
        Arc::clone(&self.targets)
    }

    /// The servers one by one.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let servers = self.servers.iter();
        servers.map(|server| server.program.address).collect()
    }

    /// Where the database is, past the bad lines.
    pub(super) fn database_url(&self) -> String {
        self.database.url()
    }

    /// What struck how often, in words.
    pub(super) fn told(&self) -> String {
        let told = self
            .struck
            .iter()
            .map(|(what, count)| format!("{count} × {what}"));
        told.collect::<Vec<_>>().join(", ")
    }

    fn note_addresses(&self) {
        *self.targets.lock().unwrap() = self.addresses();
    }

    /// A moment of quiet, and then one fault, over when this returns unless it is one of a line.
    pub(super) async fn strike(&mut self, lines: &[Lines]) {
        self.pause(50..700).await;
        let at = self.chance.usize(..SERVERS);
        let what = match self.chance.u32(..12) {
            0 | 1 => {
                self.servers[at].program.kill();
                self.pause(0..800).await;
                tokio::task::block_in_place(|| self.servers[at].start_again());
                "server killed"
            }
            2 => {
                self.servers[at].program.signal(Signal::TERM);
                tokio::task::block_in_place(|| {
                    let ended = self.servers[at].program.ended_within(DRAINED_WITHIN);
                    assert!(ended.success(), "a drained server ended with {ended}");
                    self.servers[at].start_again();
                });
                "server drained"
            }
            3 | 4 => {
                self.servers[at].program.signal(Signal::STOP);
                self.pause(100..4_000).await;
                self.servers[at].program.signal(Signal::CONT);
                "server stopped for a while"
            }
            5 => {
                self.database.kill();
                self.pause(0..800).await;
                tokio::task::block_in_place(|| self.database.start_again());
                "database killed"
            }
            6 | 7 => {
                let manners = self.manners();
                self.servers[at].to_database.behave(manners);
                self.pause(100..5_000).await;
                self.servers[at].to_database.behave(Manners::Good);
                "line to the database bad for a while"
            }
            8 => {
                for server in &self.servers {
                    server.to_database.behave(Manners::Stalled);
                }
                self.pause(100..3_000).await;
                for server in &self.servers {
                    server.to_database.behave(Manners::Good);
                }
                "database behind a wall"
            }
            _ => {
                let manners = self.manners();
                lines[self.chance.usize(..lines.len())].behave(manners);
                "line of a person changed"
            }
        };
        self.note_addresses();
        *self.struck.entry(what).or_default() += 1;
    }

    fn manners(&mut self) -> Manners {
        match self.chance.u32(..6) {
            0 => Manners::Good,
            1 => Manners::Slow(self.chance.u64(5..120)),
            2 => Manners::Chopped,
            3 => Manners::Stalled,
            _ => Manners::Cut,
        }
    }

    async fn pause(&mut self, ms: std::ops::Range<u64>) {
        let ms = self.chance.u64(ms);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Every line is good again.
    pub(super) async fn heal(&mut self, lines: &[Lines]) {
        for line in lines {
            line.behave(Manners::Good);
        }
    }
}
