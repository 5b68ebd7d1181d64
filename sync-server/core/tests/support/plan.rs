//! What a run is made of: who is there, how long, what may go wrong. A plan reads back from its own text, so that
//! a failing one is run again with one command.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::fmt;

/// Something that may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Lines break; what is on them is lost.
    Cuts,
    /// People lose their network, and find it again.
    Offline,
    /// People read slowly, or not at all for a while.
    SlowReaders,
    /// The store takes its time.
    Stalls,
    /// The store says no.
    StoreFails,
    /// The store does it, and the answer is lost.
    LostAnswers,
    /// The server is killed.
    Crashes,
    /// Tabs are closed and opened again.
    Reloads,
    /// The server is asked to go, and another takes over.
    Drains,
    /// People may write at one moment and only read at another.
    Roles,
    /// The log holds a row that cannot be applied.
    BadRows,
    /// Somebody else compacts, or stores rows, at the same time.
    Rivals,
}

const FAULTS: [(Fault, &str); 12] = [
    (Fault::Cuts, "cuts"),
    (Fault::Offline, "offline"),
    (Fault::SlowReaders, "slow-readers"),
    (Fault::Stalls, "stalls"),
    (Fault::StoreFails, "store-fails"),
    (Fault::LostAnswers, "lost-answers"),
    (Fault::Crashes, "crashes"),
    (Fault::Reloads, "reloads"),
    (Fault::Drains, "drains"),
    (Fault::Roles, "roles"),
    (Fault::BadRows, "bad-rows"),
    (Fault::Rivals, "rivals"),
];

/// A set of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Faults(u16);

impl Faults {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self((1 << FAULTS.len()) - 1);

    pub(crate) const fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u16) != 0
    }

    pub(crate) const fn with(self, fault: Fault) -> Self {
        Self(self.0 | (1 << fault as u16))
    }

    pub(crate) const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault as u16))
    }
}

/// One run. The same plan gives the same run, on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// People with Sheaf's own client, who may write.
    pub(crate) people: usize,
    /// People with a y-websocket client, who may write.
    pub(crate) stock: usize,
    /// People with Sheaf's client who write although they may not.
    pub(crate) readers: usize,
    /// Programs that mean harm.
    pub(crate) hostile: usize,
    /// Those among others who speak and write under others' ids.
    pub(crate) forgers: usize,
    pub(crate) docs: usize,
    /// Things people and fate do.
    pub(crate) steps: usize,
    pub(crate) faults: Faults,
}

/// As `Plan::parse` reads it.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed={} people={} stock={} readers={} hostile={} forgers={} docs={} steps={} faults=",
            self.seed,
            self.people,
            self.stock,
            self.readers,
            self.hostile,
            self.forgers,
            self.docs,
            self.steps
        )?;
        let names: Vec<&str> = FAULTS
            .iter()
            .filter(|(fault, _)| self.faults.has(*fault))
            .map(|(_, name)| *name)
            .collect();
        f.write_str(&names.join("+"))
    }
}

impl Plan {
    pub(crate) fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let found = text
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_else(|| panic!("a plan says {name}=…; this one does not: {text}"))
        };
        let number = |name: &str| value(name).parse::<usize>().unwrap();
        let faults = value("faults").split('+').filter(|name| !name.is_empty());
        Self {
            seed: value("seed").parse().unwrap(),
            people: number("people"),
            stock: number("stock"),
            readers: number("readers"),
            hostile: number("hostile"),
            forgers: number("forgers"),
            docs: number("docs"),
            steps: number("steps"),
            faults: faults.fold(Faults::NONE, |faults, name| {
                let known = FAULTS.iter().find(|(_, known)| *known == name);
                faults.with(
                    known
                        .unwrap_or_else(|| panic!("no fault is called {name}"))
                        .0,
                )
            }),
        }
    }

    /// Looks for a smaller plan that fails too.
    pub(crate) fn shorten(self, fails: impl Fn(Self) -> bool) -> Self {
        let mut shortest = self;
        for smaller in self.smaller() {
            let tried = smaller(shortest);
            if tried != shortest && tried.people + tried.stock > 0 && fails(tried) {
                shortest = tried;
            }
        }
        shortest
    }

    fn smaller(self) -> Vec<Box<dyn Fn(Self) -> Self>> {
        let mut tries: Vec<Box<dyn Fn(Self) -> Self>> = Vec::new();
        for (fault, _) in FAULTS {
            tries.push(Box::new(move |plan| Self {
                faults: plan.faults.without(fault),
                ..plan
            }));
        }
        tries.push(Box::new(|plan| Self { hostile: 0, ..plan }));
        tries.push(Box::new(|plan| Self { forgers: 0, ..plan }));
        tries.push(Box::new(|plan| Self { readers: 0, ..plan }));
        tries.push(Box::new(|plan| Self { stock: 0, ..plan }));
        tries.push(Box::new(|plan| Self { docs: 1, ..plan }));
        for most in [2, 1] {
            tries.push(Box::new(move |plan| Self {
                people: plan.people.min(most),
                ..plan
            }));
        }
        for _ in 0..8 {
            tries.push(Box::new(|plan| Self {
                steps: plan.steps / 2,
                ..plan
            }));
            tries.push(Box::new(|plan| Self {
                steps: plan.steps - plan.steps / 4,
                ..plan
            }));
        }
        tries
    }
}
