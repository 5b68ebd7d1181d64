//! One document's log in the model of the store: what survives every crash.
//!
//! Asserts I3 at each step: a row goes only when a committed snapshot, read back, holds it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails here should stop here"
)]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sheaf_core::audit::StateDigest;
use sheaf_core::room::{Input, Rows, Stored, Verdict};
use sheaf_shared::gate::update::{self, Run};
use sheaf_shared::ids::{ClientId, ReplicaId, Seq};
use sheaf_shared::replica::{EMPTY_UPDATE, Ordered};

pub(crate) struct Log {
    generation: u64,
    snapshot: Option<Bytes>,
    snapshot_through: u64,
    /// Rows by their place. Those a snapshot holds stay until they are trimmed.
    rows: BTreeMap<u64, Bytes>,
    head: u64,
    bytes_ever: usize,
    /// Places of rows that cannot be applied and were not put aside yet.
    bad: BTreeSet<u64>,
    /// Places of all rows that could not be applied when they were stored.
    spoiled: BTreeSet<u64>,
    /// Everything ever committed, applied as it came: what acknowledgements are checked against.
    oracle: Ordered,
    /// Every clock of every writer that was committed, also those whose predecessors are still to come.
    clocks: BTreeSet<(ClientId, u32)>,
    /// Writers who may not write here.
    shut_out: BTreeSet<ClientId>,
}

/// A snapshot on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    made_from: u64,
    through: u64,
    bytes: Bytes,
}

fn empty() -> Ordered {
    Ordered::of_log(ReplicaId(0), None, []).unwrap()
}

impl Log {
    pub(crate) fn new() -> Self {
        Self {
            generation: 0,
            snapshot: None,
            snapshot_through: 0,
            rows: BTreeMap::new(),
            head: 0,
            bytes_ever: 0,
            bad: BTreeSet::new(),
            spoiled: BTreeSet::new(),
            oracle: empty(),
            clocks: BTreeSet::new(),
            shut_out: BTreeSet::new(),
        }
    }

    /// From now on, a row with something of this writer is a fault.
    pub(crate) fn shut_out(&mut self, writer: ClientId) {
        self.shut_out.insert(writer);
    }

    /// Whether everything in `update` is committed.
    pub(crate) fn has(&self, update: &[u8]) -> bool {
        let is_committed = |run: &Run| {
            (run.from..run.until).all(|clock| self.clocks.contains(&(run.client, clock)))
        };
        self.oracle.replica().holds(update).unwrap()
            || (self.oracle.waiting() > 0
                && update::inspect(update)
                    .unwrap()
                    .runs()
                    .iter()
                    .all(is_committed))
    }

    /// Rows that wait for what has not come.
    pub(crate) fn waiting(&self) -> usize {
        self.oracle.waiting()
    }

    /// Bytes of everything that was ever stored.
    pub(crate) const fn bytes_ever(&self) -> usize {
        self.bytes_ever
    }

    /// The document as a newcomer would read it from disk, through this row.
    pub(crate) fn reopen(&self, through: u64) -> Ordered {
        let mut copy = Ordered::of_log(ReplicaId(0), self.snapshot.as_deref(), []).unwrap();
        for (place, row) in self.after_snapshot() {
            if place <= through {
                // A row that cannot be applied is passed over, whoever reads.
                let taken = copy.take(row, |_| {});
                assert_eq!(
                    taken.is_err(),
                    self.bad.contains(&place),
                    "row {place}: {taken:?}"
                );
            }
        }
        copy
    }

    /// Whether a room that is at this place has what is stored.
    pub(crate) fn compare(&self, seq: Seq, digest: StateDigest) -> Verdict {
        if self.head < seq.0 {
            return Verdict::Differs;
        }
        if self.snapshot_through > seq.0 {
            return Verdict::Unknown;
        }
        let mut copy = Ordered::of_log(ReplicaId(0), self.snapshot.as_deref(), []).unwrap();
        for (place, row) in self.after_snapshot().filter(|(place, _)| *place <= seq.0) {
            // A row that cannot be applied is passed over, whoever reads.
            let _ = copy.take_row(Seq(place), row, |_| {});
        }
        if StateDigest::of(&copy) == digest {
            Verdict::Same
        } else {
            Verdict::Differs
        }
    }

    fn after_snapshot(&self) -> impl Iterator<Item = (u64, &Bytes)> {
        let after = self.rows.range(self.snapshot_through + 1..);
        after.map(|(place, row)| (*place, row))
    }

    pub(crate) fn append(&mut self, rows: &[Bytes]) -> Seq {
        for row in rows {
            self.oracle.take(row, |_| {}).unwrap();
            for run in update::inspect(row).unwrap().runs() {
                assert!(
                    !self.shut_out.contains(&run.client),
                    "an edit of someone who may only read was stored: {run:?}"
                );
                self.clocks
                    .extend((run.from..run.until).map(|clock| (run.client, clock)));
            }
            self.push(row.clone());
        }
        Seq(self.head)
    }

    fn push(&mut self, row: Bytes) {
        self.head += 1;
        self.bytes_ever += row.len();
        self.rows.insert(self.head, row);
    }

    /// A row that an older program might have stored, and no replica can apply.
    pub(crate) fn spoil(&mut self) {
        self.push(Bytes::from_static(&[1, 1, 7]));
        self.bad.insert(self.head);
        self.spoiled.insert(self.head);
    }

    /// A bad row is kept elsewhere; an empty one stands in its place.
    pub(crate) fn put_aside(&mut self, at: Seq) {
        assert!(
            self.spoiled.contains(&at.0),
            "row {at:?} is called bad, and nothing is wrong with it"
        );
        if self.bad.remove(&at.0) {
            self.rows.insert(at.0, Bytes::from_static(EMPTY_UPDATE));
        }
    }

    pub(crate) fn stored(&self) -> Input {
        if self.head == 0 {
            return Input::NeverExisted;
        }
        Input::Loaded(Stored {
            snapshot: self.snapshot.clone(),
            snapshot_through: Seq(self.snapshot_through),
            rows: self.after_snapshot().map(|(_, row)| row.clone()).collect(),
        })
    }

    /// The rows after this place; `None` if some of them are trimmed.
    pub(crate) fn since(&self, after: Seq) -> Option<Input> {
        let rows: Vec<Bytes> = self
            .rows
            .range(after.0 + 1..)
            .map(|(_, row)| row.clone())
            .collect();
        let is_whole = rows.len() as u64 == self.head.saturating_sub(after.0);
        is_whole.then_some(Input::Read(Rows { after, rows }))
    }

    /// Reads all there is and makes a snapshot of it; `None` if it cannot be made. The log is as it was.
    pub(crate) fn fold(&self) -> Option<Folded> {
        let is_readable = self.bad.range(self.snapshot_through + 1..).next().is_none();
        if !is_readable || self.head == self.snapshot_through {
            return None;
        }
        let folded = self.reopen(self.head);
        (folded.waiting() == 0).then(|| Folded {
            made_from: self.generation,
            through: self.head,
            bytes: folded.replica().encode().into(),
        })
    }

    /// Compare and swap: `None` if another snapshot was faster.
    pub(crate) fn swap(&mut self, folded: Folded) -> Option<Input> {
        if folded.made_from != self.generation {
            return None;
        }
        let before = self.state();
        let snapshot_bytes = folded.bytes.len();
        self.generation += 1;
        self.snapshot = Some(folded.bytes);
        self.snapshot_through = folded.through;
        assert_eq!(self.state(), before, "the snapshot lost something");
        Some(Input::Compacted {
            through: Seq(folded.through),
            snapshot_bytes,
        })
    }

    /// Rows that the snapshot holds go to the history.
    pub(crate) fn trim(&mut self) {
        let before = self.state();
        self.rows = self.rows.split_off(&(self.snapshot_through + 1));
        assert_eq!(self.state(), before, "trimming lost something");
        assert!(
            self.has(&self.reopen(u64::MAX).replica().encode()),
            "the log holds what was never committed"
        );
    }

    pub(crate) fn state(&self) -> String {
        self.reopen(u64::MAX).replica().canonical()
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        self.reopen(u64::MAX).replica().encode()
    }

    /// I3: everything that was ever committed is still read.
    pub(crate) fn check_nothing_is_lost(&self) {
        assert_eq!(
            self.state(),
            self.oracle.replica().canonical(),
            "something that was committed is not read any more"
        );
    }
}
