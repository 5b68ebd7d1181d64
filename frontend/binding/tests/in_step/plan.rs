//! What people do, as numbers that make sense in any document: so that a failing plan can be shortened and kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::world::World;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Edit {
        who: usize,
        what: u8,
        a: u32,
        b: u32,
        c: u32,
    },
    Foreign {
        who: usize,
        what: u8,
        a: u32,
        b: u32,
    },
    Deliver {
        who: usize,
        which: usize,
    },
    Show {
        who: usize,
    },
    ShowWhileComposing {
        who: usize,
        at: u32,
    },
    Undo {
        who: usize,
    },
    Redo {
        who: usize,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) writers: usize,
    pub(crate) actions: Vec<Action>,
    seed: u64,
}

/// Chance from a seed: SplitMix64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

impl Plan {
    pub(crate) fn random(seed: u64, writers: usize, actions: usize) -> Self {
        let mut plan = Self {
            writers,
            actions: Vec::new(),
            seed,
        };
        let mut chance = Chance(seed);
        for _ in 0..actions {
            let who = chance.below(writers as u64) as usize;
            let n = |chance: &mut Chance| chance.below(1 << 20) as u32;
            plan.actions.push(match chance.below(10) {
                0..=5 => Action::Edit {
                    who,
                    what: chance.below(64) as u8,
                    a: n(&mut chance),
                    b: n(&mut chance),
                    c: n(&mut chance),
                },
                6 | 7 => Action::Deliver {
                    who,
                    which: chance.below(64) as usize,
                },
                8 => Action::Show { who },
                _ => Action::ShowWhileComposing {
                    who,
                    at: n(&mut chance),
                },
            });
        }
        plan
    }

    /// The same with every fourth action replaced.
    fn mixed(mut self, make: impl Fn(&mut Chance, usize) -> Action) -> Self {
        let mut chance = Chance(self.seed ^ 0xA5A5);
        for action in self.actions.iter_mut().step_by(4) {
            let who = chance.below(self.writers as u64) as usize;
            *action = make(&mut chance, who);
        }
        self
    }

    pub(crate) fn with_foreign_edits(self) -> Self {
        self.mixed(|chance, who| Action::Foreign {
            who,
            what: chance.below(64) as u8,
            a: chance.below(1 << 20) as u32,
            b: chance.below(1 << 20) as u32,
        })
    }

    pub(crate) fn with_undo(self) -> Self {
        self.mixed(|chance, who| {
            if chance.below(3) == 0 {
                Action::Redo { who }
            } else {
                Action::Undo { who }
            }
        })
    }

    fn run(&self) {
        let mut world = World::new(self.writers);
        for action in &self.actions {
            world.act(*action);
        }
        world.settle();
    }

    fn fails(&self) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.run())).is_err()
    }

    /// The shortest plan found that still fails.
    fn shortened(mut self) -> Self {
        let mut chunk = self.actions.len() / 2;
        while chunk > 0 {
            let mut at = 0;
            while at < self.actions.len() {
                let mut shorter = self.clone();
                shorter
                    .actions
                    .drain(at..(at + chunk).min(self.actions.len()));
                if shorter.fails() {
                    self = shorter;
                } else {
                    at += chunk;
                }
            }
            chunk /= 2;
        }
        self
    }
}

/// Runs plans; a failing one is shortened, printed and run once more for its message.
pub(crate) fn find_failure(make: impl Fn(u64) -> Plan, rounds: u64) {
    // The panic hook is the whole process's, so searches take turns.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for round in 0..rounds {
        let plan = make(round);
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        let failing = plan.fails().then(|| plan.shortened());
        std::panic::set_hook(hook);
        if let Some(plan) = failing {
            println!(
                "seed {:#x}, {} writers: {:#?}",
                plan.seed, plan.writers, plan.actions
            );
            plan.run();
            unreachable!("the shortened plan failed before");
        }
    }
}
