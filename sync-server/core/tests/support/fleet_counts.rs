//! How much came to pass in a run of several servers, and how often the rare things did.

/// How often things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Inputs that rooms were given beside mere time, and effects that were carried out for them.
    pub(crate) operations: u64,
    pub(crate) edits: u64,
    pub(crate) crashes: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) store_failures: u64,
    pub(crate) stalls: u64,
    pub(crate) stops: u64,
    pub(crate) compactions: u64,
    pub(crate) outrun: u64,
    /// Rooms that began anew because what they lacked was in a snapshot.
    pub(crate) folded_gaps: u64,
}

impl Counts {
    fn all(&mut self) -> [(&'static str, &mut u64); 11] {
        [
            ("operations", &mut self.operations),
            ("edits", &mut self.edits),
            ("crashes", &mut self.crashes),
            ("messages lost", &mut self.lost),
            ("messages doubled", &mut self.doubled),
            ("store failures", &mut self.store_failures),
            ("store stalls", &mut self.stalls),
            ("servers standing still", &mut self.stops),
            ("compactions", &mut self.compactions),
            ("compactions outrun", &mut self.outrun),
            ("gaps already folded", &mut self.folded_gaps),
        ]
    }

    pub(crate) fn add(&mut self, mut other: Self) {
        for ((_, mine), (_, theirs)) in self.all().into_iter().zip(other.all()) {
            *mine += *theirs;
        }
    }

    /// What never happened.
    pub(crate) fn missed(mut self) -> Vec<&'static str> {
        let never = |(name, count): (&'static str, &mut u64)| (*count == 0).then_some(name);
        self.all().into_iter().filter_map(never).collect()
    }
}
