//! The contract of [`Leases`], and of the store that keeps late holders out.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a contract is a test: a fault it did not ask for is a failure"
)]

use std::time::{Duration, Instant};

use sheaf_shared::ids::DocName;

use super::store::Subject;
use crate::ports::{
    Acquired, Fence, Generation, Lease, Leases, NewSnapshot, PutSnapshot, Renewed, Seq, Store,
    UpdateBytes,
};

/// Longer than any test.
const LONG_MS: u64 = 3_600_000;
/// Longest wait for a lease to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs every clause, each on a subject of its own.
pub async fn honoured_by<S: Subject>(fresh: impl AsyncFn() -> S) {
    one_holder_at_a_time(&fresh().await).await;
    each_lease_has_a_greater_number_than_the_one_before(&fresh().await).await;
    a_lease_that_is_not_renewed_ends(&fresh().await).await;
    a_lease_that_is_renewed_goes_on(&fresh().await).await;
    who_has_lost_a_lease_can_neither_renew_nor_give_back_the_next_ones(&fresh().await).await;
    a_snapshot_made_under_a_lost_lease_is_refused(&fresh().await).await;
    of_many_who_ask_at_once_one_gets_it(&fresh().await).await;
}

fn page() -> DocName {
    DocName::parse("page").unwrap()
}

async fn ask(leases: &dyn Leases, holder: &str, for_ms: u64) -> Option<Lease> {
    match leases.acquire(&page(), holder, for_ms).await.unwrap() {
        Acquired::Lease(lease) => Some(lease),
        Acquired::HeldElsewhere => None,
    }
}

async fn take(leases: &dyn Leases, holder: &str, for_ms: u64) -> Lease {
    let Some(lease) = ask(leases, holder, for_ms).await else {
        panic!("{holder} does not get the lease")
    };
    lease
}

async fn one_holder_at_a_time(subject: &impl Subject) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let one = take(leases, "one", LONG_MS).await;
    assert_eq!(ask(leases, "other", LONG_MS).await, None);
    let elsewhere = DocName::parse("elsewhere").unwrap();
    let of_other_page = leases.acquire(&elsewhere, "other", LONG_MS).await.unwrap();
    assert!(matches!(of_other_page, Acquired::Lease(_)));
    leases.release(&one).await.unwrap();
    take(leases, "other", LONG_MS).await;
    assert_eq!(ask(leases, "one", LONG_MS).await, None);
}

async fn each_lease_has_a_greater_number_than_the_one_before(subject: &impl Subject) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let mut last = Fence::default();
    for holder in ["one", "one", "other", "one"] {
        let lease = take(leases, holder, LONG_MS).await;
        assert!(lease.fence > last, "{lease:?} after {last:?}");
        last = lease.fence;
        // The first is asked for again by its own holder.
        if last > Fence(1) {
            leases.release(&lease).await.unwrap();
        }
    }
}

async fn a_lease_that_is_not_renewed_ends(subject: &impl Subject) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let one = take(leases, "one", 20).await;
    let limit = Instant::now() + PATIENCE;
    let other = loop {
        if let Some(other) = ask(leases, "other", LONG_MS).await {
            break other;
        }
        assert!(Instant::now() < limit, "it never ends");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(other.fence > one.fence);
    assert_eq!(leases.renew(&one, LONG_MS).await.unwrap(), Renewed::Lost);
}

async fn a_lease_that_is_renewed_goes_on(subject: &impl Subject) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let one = take(leases, "one", 1).await;
    assert_eq!(
        leases.renew(&one, LONG_MS).await.unwrap(),
        Renewed::Held,
        "nobody has got it meanwhile"
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(ask(leases, "other", LONG_MS).await, None);
}

async fn who_has_lost_a_lease_can_neither_renew_nor_give_back_the_next_ones(
    subject: &impl Subject,
) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let old = take(leases, "one", LONG_MS).await;
    leases.release(&old).await.unwrap();
    assert_eq!(leases.renew(&old, LONG_MS).await.unwrap(), Renewed::Lost);
    let newer = take(leases, "one", LONG_MS).await;
    assert_eq!(leases.renew(&old, 0).await.unwrap(), Renewed::Lost);
    leases.release(&old).await.unwrap();
    assert_eq!(ask(leases, "other", LONG_MS).await, None);
    assert_eq!(leases.renew(&newer, LONG_MS).await.unwrap(), Renewed::Held);
}

async fn put(store: &dyn Store, made_from: u64, fence: Fence) -> PutSnapshot {
    let snapshot = NewSnapshot {
        made_from: Generation(made_from),
        fence,
        through: Seq(1),
        bytes: UpdateBytes::from_static(b"all"),
    };
    store.put_snapshot(&page(), snapshot).await.unwrap()
}

async fn a_snapshot_made_under_a_lost_lease_is_refused(subject: &impl Subject) {
    let store = subject.store();
    let leases = store.leases().unwrap();
    let row = UpdateBytes::from_static(b"1");
    store.append(&page(), vec![row]).await.unwrap();
    let late = take(leases, "one", 0).await;
    // Its time is over, and nobody has taken it: what was made under it is as good as ever.
    assert_eq!(
        put(&*store, 0, late.fence).await,
        PutSnapshot::Stored(Generation(1))
    );
    leases.release(&late).await.unwrap();
    let newer = take(leases, "other", LONG_MS).await;
    assert_eq!(put(&*store, 1, late.fence).await, PutSnapshot::Fenced);
    leases.release(&newer).await.unwrap();
    assert_eq!(
        put(&*store, 1, late.fence).await,
        PutSnapshot::Fenced,
        "the one that came after it was there"
    );
    assert_eq!(put(&*store, 1, Fence::default()).await, PutSnapshot::Fenced);
    let heads = store.heads(&[page()]).await.unwrap();
    assert_eq!(heads[0].unwrap().generation, Generation(1));
    assert_eq!(
        put(&*store, 1, newer.fence).await,
        PutSnapshot::Stored(Generation(2))
    );
}

async fn of_many_who_ask_at_once_one_gets_it(subject: &impl Subject) {
    let asking: Vec<_> = (0..8)
        .map(|number| {
            let store = subject.store();
            let holder = format!("server-{number}");
            tokio::spawn(async move { ask(store.leases().unwrap(), &holder, LONG_MS).await })
        })
        .collect();
    let mut given = Vec::new();
    for asked in asking {
        given.extend(asked.await.unwrap());
    }
    assert_eq!(given.len(), 1, "{given:?}");
}
