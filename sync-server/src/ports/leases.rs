//! Who looks after a document for the time being, where several servers could: work that one of them does is not done by
//! the others beside it. What is stored is safe without this. A server may hold a lease that was given to another
//! meanwhile (it stood still, or its clock did); what it writes under it is refused by the number that each lease has.

use async_trait::async_trait;
use sheaf_shared::ids::DocName;

use super::StorageFault;

/// How long a lease is held without being renewed, in milliseconds. No shorter than the longest write that is made under
/// one.
pub const LEASE_MS: u64 = 60_000;
/// Pause, in milliseconds, between two renewals.
pub const LEASE_RENEW_EVERY_MS: u64 = 10_000;
const _: () = assert!(
    LEASE_RENEW_EVERY_MS * 3 < LEASE_MS,
    "two renewals may be lost"
);

/// The number of a lease: every lease of a document has a greater one than those before it. 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u64);

/// A lease that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Of this document.
    pub doc: DocName,
    /// To this server, by the name it has in the list of servers.
    pub holder: String,
    /// Its number.
    pub fence: Fence,
}

/// What came of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is given.
    Lease(Lease),
    /// Another holds it.
    HeldElsewhere,
}

/// What came of renewing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It goes on.
    Held,
    /// It was given to somebody else, or given back.
    Lost,
}

/// Leases of documents. Times are by the store's clock alone.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Gives the lease of a document, which need not exist, to `holder` for so many milliseconds: if nobody has it, if its
    /// time is over, if the one who has it is silent in the list of servers, or if it is `holder` already, who then has
    /// a newer one.
    ///
    /// # Errors
    /// [`StorageFault`] when it may or may not have been given. Its time passes.
    async fn acquire(
        &self,
        doc: &DocName,
        holder: &str,
        for_ms: u64,
    ) -> Result<Acquired, StorageFault>;

    /// Makes a lease last so many milliseconds from now on, if nobody else has got it meanwhile.
    ///
    /// # Errors
    /// [`StorageFault`] when it may not last longer than before.
    async fn renew(&self, lease: &Lease, for_ms: u64) -> Result<Renewed, StorageFault>;

    /// Gives a lease back. One that is lost already is left as it is.
    ///
    /// # Errors
    /// [`StorageFault`] when it may still be held. Its time passes.
    async fn release(&self, lease: &Lease) -> Result<(), StorageFault>;
}
