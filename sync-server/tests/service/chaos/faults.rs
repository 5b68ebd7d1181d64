//! Lets happen what the schedule says.

use std::collections::BTreeMap;
use std::time::Duration;

use rustix::process::Signal;

use super::auditor::Auditor;
use super::fleet::Fleet;
use super::schedule::{Fault, Strike};
use super::settling::Settling;
use crate::bad_line::{Lines, Manners};

/// Longest time a drained server may take to end.
const DRAINED_WITHIN: Duration = Duration::from_secs(30);

/// What struck how often, and what could not be tried.
#[derive(Default)]
pub(super) struct Struck {
    pub(super) times: BTreeMap<&'static str, usize>,
    pub(super) left_out: usize,
}

/// What a server is cut off from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// The database, Redis, and people.
    Everyone,
    /// The database and Redis.
    Others,
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

impl Fleet {
    /// A moment of quiet, and then one fault, over when this returns unless it is one of a person's line.
    pub(super) async fn strike(
        &mut self,
        strike: &Strike,
        people: &[Lines],
        settling: &mut Settling,
        auditor: &Auditor,
        struck: &mut Struck,
    ) {
        pause(strike.quiet).await;
        if matches!(strike.fault, Fault::DatabaseFull { .. }) && !self.database.has_small_disk() {
            struck.left_out += 1;
            return;
        }
        match strike.fault {
            Fault::Partition { server, time } => {
                self.cut_off(server, From::Everyone, people, time, settling)
                    .await;
            }
            Fault::CutFromOthers { server, time } => {
                self.cut_off(server, From::Others, people, time, settling)
                    .await;
            }
            Fault::PersonsLine { person, manners } => people[person].behave(manners),
            Fault::DatabaseKilled { down } => self.kill_database(down, auditor).await,
            fault => self.befall(fault).await,
        }
        self.note_addresses();
        *struck.times.entry(strike.fault.name()).or_default() += 1;
    }

    async fn befall(&mut self, fault: Fault) {
        match fault {
            Fault::ServerKilled { server, down } => {
                self.servers[server].program.kill();
                pause(down).await;
                tokio::task::block_in_place(|| self.servers[server].start_again());
            }
            Fault::ServerDrained { server } => {
                let server = &mut self.servers[server];
                server.program.signal(Signal::TERM);
                tokio::task::block_in_place(|| {
                    let ended = server.program.ended_within(DRAINED_WITHIN);
                    assert!(ended.success(), "a drained server ended with {ended}");
                    server.start_again();
                });
            }
            Fault::ServerStopped { server, time } => {
                self.servers[server].program.signal(Signal::STOP);
                pause(time).await;
                self.servers[server].program.signal(Signal::CONT);
            }
            Fault::DatabaseRestarted { down } => {
                tokio::task::block_in_place(|| self.database.stop());
                pause(down).await;
                tokio::task::block_in_place(|| self.database.start_again());
            }
            Fault::DatabaseFull { time } => {
                tokio::task::block_in_place(|| self.database.fill_disk());
                pause(time).await;
                tokio::task::block_in_place(|| self.database.free_disk());
            }
            Fault::RedisKilled { down } => {
                self.redis.kill();
                pause(down).await;
                tokio::task::block_in_place(|| self.redis.start_again());
            }
            Fault::RedisEmptied => tokio::task::block_in_place(|| {
                self.redis.command(&["flushall"]);
                self.redis.command(&["client", "kill", "type", "pubsub"]);
            }),
            Fault::RedisStopped { time } => {
                self.redis.pause();
                pause(time).await;
                self.redis.go_on();
            }
            Fault::RedisPaused { time } => {
                let words = ["client", "pause", &time.to_string(), "all"];
                tokio::task::block_in_place(|| self.redis.command(&words));
                pause(time).await;
            }
            line => self.disturb_lines(line).await,
        }
    }

    /// The database dies, and is read when it is back, before anyone could mend what it lost.
    async fn kill_database(&mut self, down: u64, auditor: &Auditor) {
        for server in &self.servers {
            server.to_database.behave(Manners::Stalled);
        }
        let expected = auditor.expect();
        self.database.kill();
        pause(down).await;
        tokio::task::block_in_place(|| self.database.start_again());
        expected.look_up(&self.database_url()).await;
        for server in &self.servers {
            server.to_database.behave(Manners::Good);
        }
    }

    async fn disturb_lines(&self, fault: Fault) {
        let mut disturbed: Vec<(&Lines, Manners)> = Vec::new();
        let time = match fault {
            Fault::DatabaseLine {
                server,
                manners,
                time,
            } => {
                disturbed.push((&self.servers[server].to_database, manners));
                time
            }
            Fault::RedisLine {
                server,
                manners,
                time,
            } => {
                disturbed.push((&self.servers[server].to_redis, manners));
                time
            }
            Fault::DatabaseWalled { time } => {
                let lines = self.servers.iter().map(|server| &server.to_database);
                disturbed.extend(lines.map(|line| (line, Manners::Stalled)));
                time
            }
            Fault::RedisWalled { time } => {
                let lines = self.servers.iter().map(|server| &server.to_redis);
                disturbed.extend(lines.map(|line| (line, Manners::Stalled)));
                time
            }
            other => panic!("{other:?} is nothing of a line"),
        };
        for (line, manners) in &disturbed {
            line.behave(*manners);
        }
        pause(time).await;
        for (line, _) in &disturbed {
            line.behave(Manners::Good);
        }
    }

    /// Nothing passes between a server and those it is cut off from; then everyone stops typing, and it is measured how long the copies
    /// take to be equal of all whose lines were passing.
    async fn cut_off(
        &self,
        server: usize,
        from: From,
        people: &[Lines],
        time: u64,
        settling: &mut Settling,
    ) {
        let Fleet {
            servers, network, ..
        } = self;
        settling.begin(people);
        self.heal(people);
        let cut = &servers[server];
        match from {
            From::Everyone if network.has_plugs() => {
                network.pull_plug(server);
                pause(time).await;
                network.put_plug_back(server);
            }
            From::Everyone | From::Others => {
                let wall = (from == From::Everyone).then_some(cut.program.address);
                people.iter().for_each(|line| line.wall_off(wall));
                cut.to_database.behave(Manners::Stalled);
                cut.to_redis.behave(Manners::Stalled);
                pause(time).await;
                cut.to_database.behave(Manners::Good);
                cut.to_redis.behave(Manners::Good);
                people.iter().for_each(|line| line.wall_off(None));
            }
        }
        settling.measure().await;
    }

    /// Every line of a person is good again.
    pub(super) fn heal(&self, people: &[Lines]) {
        for line in people {
            line.behave(Manners::Good);
        }
    }
}
