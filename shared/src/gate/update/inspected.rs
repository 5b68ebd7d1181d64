//! What an update holds, as far as a server asks: told without decoding it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::order::{LeftOut, Walk};
use super::{Refusal, Section, in_strides, inspect};
use crate::ids::ClientId;

/// An update that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) facts: Facts,
}

/// An update that passed, and need not be asked again wherever it goes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checked {
    bytes: Bytes,
    facts: Arc<Facts>,
}

/// What is in an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) blocks: u32,
    /// How many of them go on where the one before ends.
    pub(super) joins: u32,
    pub(super) deletions: u32,
    pub(super) types: u32,
    pub(super) runs: Vec<Run>,
    /// Where each writer's blocks begin.
    pub(super) sections: Vec<Section>,
    /// Offset of the deleted ranges.
    pub(super) deleted_at: usize,
    /// Of other writers: the clock up to which they must be known.
    pub(super) needs: BTreeMap<ClientId, u32>,
}

/// What a document lacks: so much of a writer must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacks {
    /// Whose.
    pub client: ClientId,
    /// The first clock that has not come.
    pub clock: u32,
}

/// Clocks of one writer that an update brings, without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Who wrote them.
    pub client: ClientId,
    /// The first clock.
    pub from: u32,
    /// The clock behind the last.
    pub until: u32,
}

impl<'a> Inspected<'a> {
    /// The update as it came.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Nothing is inserted and nothing deleted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facts.blocks == 0 && self.facts.deletions == 0
    }

    /// How many blocks there are.
    #[must_use]
    pub const fn blocks(&self) -> u32 {
        self.facts.blocks
    }

    /// How many deleted ranges there are.
    #[must_use]
    pub const fn deletions(&self) -> u32 {
        self.facts.deletions
    }

    /// How many shared types there are that can hold others.
    #[must_use]
    pub const fn types(&self) -> u32 {
        self.facts.types
    }

    /// Which clocks of which writers it brings; a writer's runs stand together, in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.facts.runs
    }

    /// As [`Checked::strides`].
    pub(crate) fn strides(&self) -> Option<Vec<Vec<u8>>> {
        in_strides(self.bytes, &self.facts)
    }

    /// As [`Checked::is_ready_for`].
    pub fn is_ready_for(&self, clock_of: impl Fn(ClientId) -> u32) -> bool {
        self.facts.is_ready_for(self.bytes, clock_of)
    }
}

impl Checked {
    /// Asks the gate.
    ///
    /// # Errors
    /// As [`inspect`].
    pub fn of(update: Bytes) -> Result<Self, Refusal> {
        let facts = Arc::new(inspect(&update)?.facts);
        let bytes = update;
        Ok(Self { bytes, facts })
    }

    /// The update as it came.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Nothing is inserted and nothing deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.facts.blocks == 0 && self.facts.deletions == 0
    }

    /// How many shared types there are that can hold others.
    #[must_use]
    pub fn types(&self) -> u32 {
        self.facts.types
    }

    /// Which clocks of which writers it brings; a writer's runs stand together, in order.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.facts.runs
    }

    /// What to apply instead, one after the other, if to apply it whole would take time with the square of its length.
    pub(crate) fn strides(&self) -> Option<Vec<Vec<u8>>> {
        in_strides(&self.bytes, &self.facts)
    }

    /// Whether a document can take it whole: every writer's clocks go on where the document's end, and all that
    /// is referred to or deleted is there, in the document or in the update itself.
    ///
    /// `clock_of` says how many clocks of a writer the document holds without a gap. What is not ready waits for
    /// its predecessors, and better outside of `yrs`: 0.28.1 can keep it waiting after they came, and can panic
    /// on what it had put aside.
    pub fn is_ready_for(&self, clock_of: impl Fn(ClientId) -> u32) -> bool {
        self.facts.is_ready_for(&self.bytes, clock_of)
    }

    /// Something that must come before a document can take it whole; one of several perhaps. That its blocks wait for
    /// each other is not told here.
    pub fn lacks(&self, clock_of: impl Fn(ClientId) -> u32) -> Option<Lacks> {
        self.facts.lacks(clock_of)
    }
}

impl Facts {
    /// `bytes` are the update's.
    fn is_ready_for(&self, bytes: &[u8], clock_of: impl Fn(ClientId) -> u32) -> bool {
        // One writer's blocks refer to earlier ones of its own, and to what is there already.
        self.lacks(&clock_of).is_none()
            && (self.sections.len() < 2
                || Walk::new(bytes, &self.sections, clock_of, LeftOut::Lacks).reaches_all())
    }

    fn lacks(&self, clock_of: impl Fn(ClientId) -> u32) -> Option<Lacks> {
        let mut until = BTreeMap::new();
        for run in &self.runs {
            let known = until
                .entry(run.client)
                .or_insert_with(|| clock_of(run.client));
            if run.from > *known {
                let (client, clock) = (run.client, *known);
                return Some(Lacks { client, clock });
            }
            *known = run.until.max(*known);
        }
        self.needs.iter().find_map(|(client, needed)| {
            let known = until.get(client).copied();
            let clock = known.unwrap_or_else(|| clock_of(*client));
            let client = *client;
            (*needed > clock).then_some(Lacks { client, clock })
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::gate::update::inspect;
    use crate::ids::ClientId;
    use crate::testing::Bytes;

    /// A document that holds so many clocks of the writers 7 and 9.
    fn holding(seven: u32, nine: u32) -> impl Fn(ClientId) -> u32 {
        move |client| match client.0 {
            7 => seven,
            9 => nine,
            _ => 0,
        }
    }

    #[test]
    fn an_update_is_ready_when_it_goes_on_where_the_document_ends() {
        // Writer 7 types from clock 5, beside what writer 9 wrote at clock 2.
        let update = Bytes::new()
            .raw(&[1, 1, 7, 5, 0x84, 9, 2])
            .text("ab")
            .num(0)
            .0;
        let inspected = inspect(&update).unwrap();
        assert!(inspected.is_ready_for(holding(5, 3)));
        assert!(
            inspected.is_ready_for(holding(9, 9)),
            "it may be known already"
        );
        assert!(!inspected.is_ready_for(holding(4, 3)), "a gap");
        assert!(
            !inspected.is_ready_for(holding(5, 2)),
            "a neighbour that has not come"
        );
    }

    #[test]
    fn what_an_update_brings_itself_is_not_missing() {
        // Writer 9 brings clocks 0 to 3; writer 7 stands beside the last of them, and one of both is deleted.
        let nine = Bytes::new().raw(&[1, 9, 0, 4, 1]).text("t").text("abc").0;
        let seven = Bytes::new().raw(&[1, 7, 0, 0x84, 9, 2]).text("x").0;
        let update = Bytes::new()
            .num(2)
            .raw(&nine)
            .raw(&seven)
            .raw(&[2, 9, 1, 2, 1, 7, 1, 0, 1])
            .0;
        let inspected = inspect(&update).unwrap();
        assert!(inspected.is_ready_for(holding(0, 0)));
    }

    #[test]
    fn blocks_that_wait_for_each_other_are_never_ready() {
        // Each writer's first block stands beside the other's first.
        let nine = Bytes::new().raw(&[1, 9, 0, 0x84, 7, 0]).text("abc").0;
        let seven = Bytes::new().raw(&[1, 7, 0, 0x84, 9, 2]).text("x").0;
        let update = Bytes::new().num(2).raw(&nine).raw(&seven).num(0).0;
        let inspected = inspect(&update).unwrap();
        assert!(!inspected.is_ready_for(holding(0, 0)));
        assert!(
            inspected.is_ready_for(holding(1, 0)),
            "one of them is known"
        );
    }

    #[test]
    fn writers_who_answered_each_other_are_ready_together() {
        // 9 writes, 7 answers beside it, 9 goes on beside the answer, 7 beside that.
        let nine = Bytes::new()
            .raw(&[2, 9, 0, 4, 1])
            .text("t")
            .text("a")
            .raw(&[0x84, 7, 0])
            .text("c");
        let seven = Bytes::new()
            .raw(&[2, 7, 0, 0x84, 9, 0])
            .text("b")
            .raw(&[0x84, 9, 1])
            .text("d");
        let update = Bytes::new().num(2).raw(&nine.0).raw(&seven.0).num(0).0;
        assert!(inspect(&update).unwrap().is_ready_for(holding(0, 0)));
    }

    #[test]
    fn a_deletion_of_what_has_not_come_is_not_ready() {
        let update = [0, 1, 9, 1, 4, 2];
        let inspected = inspect(&update).unwrap();
        assert!(inspected.is_ready_for(holding(0, 6)));
        assert!(!inspected.is_ready_for(holding(0, 5)));
    }

    #[test]
    fn a_skipped_stretch_must_be_known_already() {
        let update = Bytes::new().raw(&[1, 3, 7, 0, 0, 2, 10, 3, 0, 1, 0]).0;
        let inspected = inspect(&update).unwrap();
        assert!(!inspected.is_ready_for(holding(0, 0)));
        assert!(!inspected.is_ready_for(holding(4, 0)));
        assert!(inspected.is_ready_for(holding(5, 0)));
    }
}
