//! Following a store that other servers write to: how far each open document has come is asked for again and again,
//! so that what another server stored is found even if nothing else tells of it. Seldom while the servers hear each other,
//! often while they don't. A database that is another one than before, or was started anew, may have lost what it had
//! committed: every open document is then compared with it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sheaf_shared::ids::{DocName, Seq};

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};
use crate::adapters::system::monotonic_now;
use crate::ports::StorageFault;

/// Shortest and longest pause, in milliseconds, between two rounds while other servers can't be heard. It differs from
/// round to round, so that servers that started together do not ask together.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 300..=500;
/// The same while all of them can: only what was lost on the way is found by a round.
const PAUSE_IN_REACH_MS: std::ops::RangeInclusive<u64> = 4_000..=6_000;
/// Longest pause after rounds that failed. It is what people wait for when the store is back, and costs a store that is not
/// there nothing.
const PAUSE_MS_MAX: u64 = 1_000;
/// Longest wait, in milliseconds, for an answer: a connection that lives through a cut is silent for longer and longer, and a
/// new one is not.
const ANSWER_MS: u64 = 4_000;
/// Shortest pause, in milliseconds, before a round that was not due: what is lost is seldom lost alone.
const SOON_MS: u64 = 50;
/// Documents that are compared with another run of the database at a time, and the pause, in milliseconds, before the next.
const DOUBTED_AT_A_TIME: usize = 16;
const DOUBT_PAUSE_MS: u64 = 20;
/// Most documents in one question.
const AT_A_TIME: usize = 1_000;

/// Goes round until the program has closed. A store that is not shared is not asked at all.
pub(crate) async fn follow(hub: Arc<Hub>, shutdown: Shutdown) {
    if !hub.store.is_shared() {
        return;
    }
    // Before any document is read from it, as far as can be.
    let mut seen = Seen {
        run: hub.store.run().await.ok().flatten(),
        heads: HashMap::new(),
    };
    let mut failures = 0_u32;
    let mut in_reach = hub.courier.watch();
    let closed = shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        let is_in_reach = *in_reach.borrow_and_update() && !hub.courier.misses_someone();
        let pause = pause_ms(is_in_reach, failures);
        tokio::select! {
            () = &mut closed => return,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            // What was said while nobody was heard is lost, and so may be what was under way when that began.
            _ = in_reach.changed() => {}
            () = lost(&hub) => {}
        }
        hub.metrics.following_rounds.add(1);
        match round(&hub, &mut seen).await {
            Ok(()) => failures = 0,
            Err(fault) => {
                failures += 1;
                hub.metrics.following_faults.add(1);
                if failures == 1 {
                    tracing::warn!(%fault, "Could not ask how far documents have come; edits of other servers are shown when the store is back");
                }
            }
        }
    }
}

fn pause_ms(is_in_reach: bool, failures: u32) -> u64 {
    if is_in_reach && failures == 0 {
        return fastrand::u64(PAUSE_IN_REACH_MS);
    }
    (fastrand::u64(PAUSE_MS) << failures.min(6)).min(PAUSE_MS_MAX)
}

async fn lost(hub: &Hub) {
    hub.courier.something_lost().await;
    tokio::time::sleep(Duration::from_millis(SOON_MS)).await;
}

/// What the store said the last time.
struct Seen {
    /// Which run of the database it was.
    run: Option<String>,
    heads: HashMap<DocName, Seq>,
}

/// Asks once about every open document and tells the rooms whose log has changed.
async fn round(hub: &Arc<Hub>, seen: &mut Seen) -> Result<(), StorageFault> {
    let docs = hub.open_documents();
    let mut now = HashMap::with_capacity(docs.len());
    for some in docs.chunks(AT_A_TIME) {
        let asked_at = monotonic_now();
        let asking = hub.store.heads(some);
        let heads = tokio::time::timeout(Duration::from_millis(ANSWER_MS), asking);
        let heads = heads.await.unwrap_or(Err(StorageFault::Busy))?;
        for (doc, head) in some.iter().zip(heads) {
            // One that had been there is gone: its log reaches nowhere.
            let seq = head.map_or(Seq(0), |head| head.seq);
            if seen.heads.get(doc) != Some(&seq) {
                hub.head_read(doc, seq, asked_at);
            }
            now.insert(doc.clone(), seq);
        }
    }
    seen.heads = now;
    let run = hub.store.run().await?;
    if seen.run.is_some() && seen.run != run {
        tracing::warn!(
            documents = docs.len(),
            "The database was started anew, or another has taken over; open documents are compared with it"
        );
        tokio::spawn(doubt(Arc::clone(hub), docs));
    }
    seen.run = run;
    Ok(())
}

/// Has rooms compared with the store, a few at a time: each looks at all of its copy.
async fn doubt(hub: Arc<Hub>, docs: Vec<DocName>) {
    for some in docs.chunks(DOUBTED_AT_A_TIME) {
        for doc in some {
            hub.doubts(doc);
        }
        tokio::time::sleep(Duration::from_millis(DOUBT_PAUSE_MS)).await;
    }
}
