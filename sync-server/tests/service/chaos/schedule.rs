//! What goes wrong, and when: all of it follows from one seed, before anything is started.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bad_line::Manners;

/// Most milliseconds of quiet before a fault.
const QUIET_MS: u64 = 500;

/// One thing that goes wrong. Times are in milliseconds, servers and people by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    ServerKilled {
        server: usize,
        down: u64,
    },
    ServerDrained {
        server: usize,
    },
    ServerStopped {
        server: usize,
        time: u64,
    },
    DatabaseKilled {
        down: u64,
    },
    DatabaseRestarted {
        down: u64,
    },
    DatabaseFull {
        time: u64,
    },
    DatabaseWalled {
        time: u64,
    },
    DatabaseLine {
        server: usize,
        manners: Manners,
        time: u64,
    },
    RedisKilled {
        down: u64,
    },
    RedisEmptied,
    RedisStopped {
        time: u64,
    },
    RedisPaused {
        time: u64,
    },
    RedisWalled {
        time: u64,
    },
    RedisLine {
        server: usize,
        manners: Manners,
        time: u64,
    },
    /// Nothing passes between a server and the rest of the world; afterwards it is seen how long copies take to be equal.
    Partition {
        server: usize,
        time: u64,
    },
    /// The same, but its people reach it.
    CutFromOthers {
        server: usize,
        time: u64,
    },
    PersonsLine {
        person: usize,
        manners: Manners,
    },
}

/// How many kinds there are.
const KINDS: usize = 17;
/// Those of them that are measured.
const PARTITIONS: [usize; 2] = [14, 15];

/// Which faults there are in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinds {
    All,
    /// Servers are cut off, from everything or from database and Redis, and nothing else goes wrong.
    Partitions,
}

impl Fault {
    /// One of the `kind`th kind.
    fn of_kind(kind: usize, scale: &Scale, chance: &mut fastrand::Rng) -> Self {
        let server = chance.usize(..scale.servers);
        let person = chance.usize(..scale.people);
        let manners = any_manners(chance);
        let mut ms = |range: std::ops::Range<u64>| chance.u64(range);
        match kind {
            0 => Self::ServerKilled {
                server,
                down: ms(0..800),
            },
            1 => Self::ServerDrained { server },
            2 => Self::ServerStopped {
                server,
                time: ms(100..3_000),
            },
            3 => Self::DatabaseKilled { down: ms(0..800) },
            4 => Self::DatabaseRestarted { down: ms(0..800) },
            5 => Self::DatabaseFull {
                time: ms(100..1_500),
            },
            6 => Self::DatabaseWalled {
                time: ms(100..2_000),
            },
            7 => Self::DatabaseLine {
                server,
                manners,
                time: ms(100..3_000),
            },
            8 => Self::RedisKilled { down: ms(0..2_000) },
            9 => Self::RedisEmptied,
            10 => Self::RedisStopped {
                time: ms(100..3_000),
            },
            11 => Self::RedisPaused {
                time: ms(100..2_000),
            },
            12 => Self::RedisWalled {
                time: ms(100..2_000),
            },
            13 => Self::RedisLine {
                server,
                manners,
                time: ms(100..3_000),
            },
            14 => Self::Partition {
                server,
                time: ms(500..scale.partition_ms),
            },
            15 => Self::CutFromOthers {
                server,
                time: ms(500..scale.partition_ms),
            },
            _ => Self::PersonsLine { person, manners },
        }
    }

    /// What a report calls it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::ServerKilled { .. } => "server killed",
            Self::ServerDrained { .. } => "server drained",
            Self::ServerStopped { .. } => "server stopped for a while",
            Self::DatabaseKilled { .. } => "database killed",
            Self::DatabaseRestarted { .. } => "database restarted",
            Self::DatabaseFull { .. } => "database's disk full",
            Self::DatabaseWalled { .. } => "database behind a wall",
            Self::DatabaseLine { .. } => "line to the database bad for a while",
            Self::RedisKilled { .. } => "Redis killed",
            Self::RedisEmptied => "Redis emptied and its connections cut",
            Self::RedisStopped { .. } => "Redis stopped for a while",
            Self::RedisPaused { .. } => "Redis paused",
            Self::RedisWalled { .. } => "Redis behind a wall",
            Self::RedisLine { .. } => "line to Redis bad for a while",
            Self::Partition { .. } => "server cut off from everything",
            Self::CutFromOthers { .. } => "server cut off from database and Redis",
            Self::PersonsLine { .. } => "line of a person changed",
        }
    }

    /// Milliseconds it lasts, about.
    const fn lasts(&self) -> u64 {
        match *self {
            Self::ServerKilled { down: time, .. }
            | Self::ServerStopped { time, .. }
            | Self::DatabaseKilled { down: time }
            | Self::DatabaseRestarted { down: time }
            | Self::DatabaseFull { time }
            | Self::DatabaseWalled { time }
            | Self::DatabaseLine { time, .. }
            | Self::RedisKilled { down: time }
            | Self::RedisStopped { time }
            | Self::RedisPaused { time }
            | Self::RedisWalled { time }
            | Self::RedisLine { time, .. }
            | Self::Partition { time, .. }
            | Self::CutFromOthers { time, .. } => time,
            Self::ServerDrained { .. } => 2_000,
            Self::RedisEmptied | Self::PersonsLine { .. } => 0,
        }
    }
}

fn any_manners(chance: &mut fastrand::Rng) -> Manners {
    match chance.u32(..6) {
        0 => Manners::Good,
        1 => Manners::Slow(chance.u64(5..120)),
        2 => Manners::Chopped,
        3 => Manners::Stalled,
        _ => Manners::Cut,
    }
}

/// How much there is to break.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) servers: usize,
    pub(super) people: usize,
    /// Longest time, in milliseconds, that a server is cut off.
    pub(super) partition_ms: u64,
    pub(super) kinds: Kinds,
}

/// A fault, and the milliseconds of quiet before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) quiet: u64,
    pub(super) fault: Fault,
}

/// A schedule of about so many seconds. Every kind of fault comes once before any comes again, in an order of its own each
/// time.
pub(super) fn schedule(seed: u64, seconds: u64, scale: &Scale) -> Vec<Strike> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut strikes = Vec::new();
    let mut kinds: Vec<usize> = Vec::new();
    let mut left = Duration::from_secs(seconds);
    while !left.is_zero() {
        if kinds.is_empty() && scale.kinds == Kinds::Partitions {
            kinds = PARTITIONS.to_vec();
            chance.shuffle(&mut kinds);
        }
        if kinds.is_empty() {
            // People's lines change more often than anything else does.
            kinds = (0..KINDS).chain([KINDS - 1; 4]).collect();
            chance.shuffle(&mut kinds);
        }
        let kind = kinds.pop().unwrap_or(0);
        let fault = Fault::of_kind(kind, scale, &mut chance);
        let quiet = chance.u64(50..QUIET_MS);
        left = left.saturating_sub(Duration::from_millis(quiet + fault.lasts()));
        strikes.push(Strike { quiet, fault });
    }
    strikes
}

/// What struck how often, in words.
pub(super) fn told(struck: &BTreeMap<&'static str, usize>) -> String {
    let told = struck
        .iter()
        .map(|(what, count)| format!("{count} × {what}"));
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn one_seed_gives_one_schedule_and_a_longer_one_begins_like_a_shorter_one() {
    let scale = Scale {
        servers: 3,
        people: 6,
        partition_ms: 4_000,
        kinds: Kinds::All,
    };
    let short = schedule(7, 60, &scale);
    assert_eq!(short, schedule(7, 60, &scale));
    assert_ne!(short, schedule(8, 60, &scale));
    let long = schedule(7, 600, &scale);
    assert_eq!(short, long[..short.len()]);
    let kinds: std::collections::BTreeSet<_> = short.iter().map(|one| one.fault.name()).collect();
    assert_eq!(kinds.len(), KINDS, "a minute has all of them: {kinds:?}");
    let kinds = Kinds::Partitions;
    let cuts = schedule(7, 600, &Scale { kinds, ..scale });
    let is_cut = |fault| matches!(fault, Fault::Partition { .. } | Fault::CutFromOthers { .. });
    assert!(cuts.iter().all(|one| is_cut(one.fault)));
}
