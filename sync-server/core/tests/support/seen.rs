//! What a run came across: a fingerprint of all of it, and how often the rare things happened.

/// How often the rare things happened, so that a run which reached nothing is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Things that came to pass, of any kind.
    pub(crate) events: u64,
    pub(crate) edits: u64,
    pub(crate) acknowledgements: u64,
    pub(crate) refusals: u64,
    pub(crate) crashes: u64,
    pub(crate) drains: u64,
    pub(crate) cuts: u64,
    /// Second sockets that were dialled beside silent ones.
    pub(crate) doubts: u64,
    pub(crate) lags: u64,
    pub(crate) stops: u64,
    pub(crate) lost_answers: u64,
    pub(crate) store_failures: u64,
    pub(crate) gatherings: u64,
    pub(crate) gaps: u64,
    pub(crate) folded_gaps: u64,
    pub(crate) compactions: u64,
    pub(crate) outrun: u64,
    pub(crate) bad_rows: u64,
    pub(crate) retired: u64,
    pub(crate) reloads: u64,
    pub(crate) role_changes: u64,
    pub(crate) mischief: u64,
    pub(crate) put_out: u64,
    pub(crate) early_rows: u64,
    pub(crate) frames: u64,
}

impl Seen {
    fn counts(&mut self) -> [(&'static str, &mut u64); 25] {
        [
            ("events", &mut self.events),
            ("edits", &mut self.edits),
            ("acknowledgements", &mut self.acknowledgements),
            ("refusals", &mut self.refusals),
            ("crashes", &mut self.crashes),
            ("drains", &mut self.drains),
            ("cuts", &mut self.cuts),
            ("doubts", &mut self.doubts),
            ("lags", &mut self.lags),
            ("stops", &mut self.stops),
            ("lost answers", &mut self.lost_answers),
            ("store failures", &mut self.store_failures),
            ("gatherings", &mut self.gatherings),
            ("gaps", &mut self.gaps),
            ("gaps already folded", &mut self.folded_gaps),
            ("compactions", &mut self.compactions),
            ("compactions outrun", &mut self.outrun),
            ("bad rows", &mut self.bad_rows),
            ("rooms retired", &mut self.retired),
            ("reloads", &mut self.reloads),
            ("role changes", &mut self.role_changes),
            ("mischief", &mut self.mischief),
            ("put out", &mut self.put_out),
            ("rows that wait", &mut self.early_rows),
            ("frames", &mut self.frames),
        ]
    }

    pub(crate) fn add(&mut self, mut other: Self) {
        for ((_, mine), (_, theirs)) in self.counts().into_iter().zip(other.counts()) {
            *mine += *theirs;
        }
    }

    /// What never happened.
    pub(crate) fn missed(mut self) -> Vec<&'static str> {
        let never = |(name, count): (&'static str, &mut u64)| (*count == 0).then_some(name);
        self.counts().into_iter().filter_map(never).collect()
    }

    /// What happened although nothing was to go wrong.
    pub(crate) const fn mishaps(self) -> u64 {
        self.crashes + self.drains + self.cuts + self.gaps + self.store_failures + self.put_out
    }
}

/// A fingerprint of everything that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace(u64);

impl Trace {
    pub(crate) const NEW: Self = Self(0xcbf2_9ce4_8422_2325);

    pub(crate) fn note(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.note(&number.to_le_bytes());
    }
}
