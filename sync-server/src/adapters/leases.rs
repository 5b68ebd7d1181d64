//! Leases inside one process: for stores that have one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sheaf_shared::ids::DocName;
use sheaf_shared::time::MonotonicMs;

use super::system::monotonic_now;
use crate::ports::{Acquired, Fence, Lease, Leases, Renewed, StorageFault};

/// Documents whose numbers are remembered although nobody holds their lease. A holder that stood still for so long that
/// its document was forgotten is kept out by the snapshot's generation alone.
const REMEMBERED_MAX: usize = 10_000;

/// See the module. Holders die with the process, and so do their leases.
#[derive(Debug, Default)]
pub(super) struct InProcessLeases {
    given: Mutex<Given>,
    /// Milliseconds by which its clock is ahead: tests let time pass.
    ahead_ms: AtomicU64,
}

#[derive(Debug, Default)]
struct Given {
    last: u64,
    leases: BTreeMap<DocName, Entry>,
}

#[derive(Debug)]
struct Entry {
    fence: Fence,
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    by: String,
    until: MonotonicMs,
}

impl Given {
    fn acquire(
        &mut self,
        doc: &DocName,
        holder: &str,
        for_ms: u64,
        now: MonotonicMs,
    ) -> Option<Fence> {
        let held = self.leases.get(doc).and_then(|entry| entry.held.as_ref());
        if held.is_some_and(|held| held.by != holder && now < held.until) {
            return None;
        }
        if self.leases.len() >= REMEMBERED_MAX {
            self.leases.retain(|_, entry| entry.held.is_some());
        }
        self.last += 1;
        let fence = Fence(self.last);
        let held = Some(Held {
            by: holder.to_owned(),
            until: now.plus_ms(for_ms),
        });
        self.leases.insert(doc.clone(), Entry { fence, held });
        Some(fence)
    }

    fn entry(&mut self, lease: &Lease) -> Option<&mut Entry> {
        let entry = self.leases.get_mut(&lease.doc)?;
        (entry.fence == lease.fence && entry.held.is_some()).then_some(entry)
    }
}

impl InProcessLeases {
    /// Whether nobody has got a newer lease of the document than the one of this number.
    pub(super) fn lets_through(&self, doc: &DocName, fence: Fence) -> bool {
        let given = self.given();
        given
            .leases
            .get(doc)
            .is_none_or(|entry| entry.fence <= fence)
    }

    /// Lets time pass.
    pub(super) fn pass_ms(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    fn now(&self) -> MonotonicMs {
        monotonic_now().plus_ms(self.ahead_ms.load(Ordering::Relaxed))
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Leases for InProcessLeases {
    async fn acquire(
        &self,
        doc: &DocName,
        holder: &str,
        for_ms: u64,
    ) -> Result<Acquired, StorageFault> {
        let fence = self.given().acquire(doc, holder, for_ms, self.now());
        Ok(fence.map_or(Acquired::HeldElsewhere, |fence| {
            Acquired::Lease(Lease {
                doc: doc.clone(),
                holder: holder.to_owned(),
                fence,
            })
        }))
    }

    async fn renew(&self, lease: &Lease, for_ms: u64) -> Result<Renewed, StorageFault> {
        let until = self.now().plus_ms(for_ms);
        let mut given = self.given();
        let held = given.entry(lease).and_then(|entry| entry.held.as_mut());
        Ok(held.map_or(Renewed::Lost, |held| {
            held.until = until;
            Renewed::Held
        }))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StorageFault> {
        if let Some(entry) = self.given().entry(lease) {
            entry.held = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_of_documents_does_not_fill_memory_and_no_lease_that_is_held_is_forgotten() {
        let mut given = Given::default();
        let now = MonotonicMs(1);
        let doc = |number: usize| DocName::parse(&format!("page-{number}")).unwrap();
        assert!(given.acquire(&doc(0), "one", 1_000, now).is_some());
        for number in 1..3 * REMEMBERED_MAX {
            let fence = given.acquire(&doc(number), "one", 1_000, now).unwrap();
            let lease = Lease {
                doc: doc(number),
                holder: "one".to_owned(),
                fence,
            };
            given.entry(&lease).unwrap().held = None;
        }
        assert!(given.leases.len() <= REMEMBERED_MAX);
        assert_eq!(given.acquire(&doc(0), "other", 1_000, now), None);
    }
}
