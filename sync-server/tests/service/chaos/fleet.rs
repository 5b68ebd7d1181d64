//! The servers, what they share, and the lines between them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use crate::engines::postgres::Postgres;
use crate::engines::redis::Redis;
use crate::program::{Program, binary};

use super::network::Network;
use crate::bad_line::{Lines, Targets};

/// How many servers there are.
pub(super) const SERVERS: usize = 3;
/// Size, in MiB, of the database's disk: what it needs at first, and for each second of typing.
const DISK_MIB: u64 = 256;
const DISK_MIB_PER_SECOND: u64 = 1;

/// All that can break.
pub(super) struct Fleet {
    pub(super) servers: Vec<Server>,
    targets: Targets,
    pub(super) database: Postgres,
    pub(super) redis: Redis,
    pub(super) network: Arc<Network>,
}

pub(super) struct Server {
    number: usize,
    pub(super) program: Program,
    pub(super) to_database: Lines,
    pub(super) to_redis: Lines,
    folder: TempDir,
    network: Arc<Network>,
}

impl Server {
    /// Starts, and waits until it is ready. Blocks.
    fn start(number: usize, to_database: Lines, to_redis: Lines, network: Arc<Network>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            number,
            program: run(number, &to_database, &to_redis, &folder, &network),
            to_database,
            to_redis,
            folder,
            network,
        }
    }

    /// Starts again what was ended. Blocks.
    pub(super) fn start_again(&mut self) {
        let Self {
            to_database,
            to_redis,
            folder,
            network,
            ..
        } = self;
        self.program = run(self.number, to_database, to_redis, folder, network);
    }
}

fn run(
    number: usize,
    to_database: &Lines,
    to_redis: &Lines,
    folder: &TempDir,
    network: &Network,
) -> Program {
    let database = format!("postgres://sheaf@{}/postgres", to_database.address());
    let redis = format!("redis://{}", to_redis.address());
    let arguments = [
        "--database-url",
        &database,
        "--redis-url",
        &redis,
        "--drain-seconds",
        "2",
        // Nobody but us reaches the network of namespaces.
        "--open",
    ];
    let sheaf = network.command(number, &binary());
    Program::start_by(
        sheaf,
        network.address_of(number),
        folder.path(),
        &arguments,
        &[],
    )
}

/// Where the database of this address listens.
fn address_in(url: &str) -> SocketAddr {
    let behind = url.rsplit_once('@').unwrap().1;
    behind.split_once('/').unwrap().0.parse().unwrap()
}

impl Fleet {
    /// Starts everything, for so many seconds of typing.
    pub(super) async fn start(seed: u64, seconds: u64) -> Self {
        let disk_mib = DISK_MIB + DISK_MIB_PER_SECOND * seconds;
        let database = Postgres::on_small_disk(disk_mib);
        let redis = Redis::start(&[]);
        let network = Arc::new(Network::make(SERVERS));
        let ours = network.our_address();
        let mut servers = Vec::new();
        for number in 0..SERVERS {
            let seed = seed.wrapping_add(number as u64);
            let targets = Arc::new(Mutex::new(vec![address_in(&database.url())]));
            let to_database = Lines::open(ours, targets, seed).await;
            let targets = vec![([127, 0, 0, 1], redis.port()).into()];
            let to_redis = Lines::open(ours, Arc::new(Mutex::new(targets)), seed).await;
            let network = Arc::clone(&network);
            let starting = move || Server::start(number, to_database, to_redis, network);
            let server = tokio::task::spawn_blocking(starting).await.unwrap();
            servers.push(server);
        }
        let fleet = Self {
            servers,
            targets: Targets::default(),
            database,
            redis,
            network,
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

    /// What may be tried on this machine, in words.
    pub(super) fn told(&self) -> String {
        let disk = if self.database.has_small_disk() {
            "a small disk for PostgreSQL: it is filled"
        } else {
            "no disk that may be filled (it takes Linux and root): that fault is left out"
        };
        format!("{}; {disk}", self.network.told())
    }

    /// Whoever dials from now on finds this server alone.
    pub(super) fn leave_only(&self, server: usize) {
        *self.targets.lock().unwrap() = vec![self.servers[server].program.address];
    }

    /// Servers may listen elsewhere since they were started again.
    pub(super) fn note_addresses(&self) {
        *self.targets.lock().unwrap() = self.addresses();
    }
}
