//! Following a store that other servers write to: how far each open document has come is asked for again and again,
//! so that what another server stored is found even if nothing else tells of it. Seldom while the servers hear each other,
//! often while they don't.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sheaf_shared::ids::{DocName, Seq};

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};

/// Shortest and longest pause, in milliseconds, between two rounds while other servers can't be heard. It differs from
/// round to round, so that servers that started together do not ask together.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 300..=500;
/// The same while they can: only what was lost on the way is found by a round.
const PAUSE_IN_REACH_MS: std::ops::RangeInclusive<u64> = 4_000..=6_000;
/// Longest pause after rounds that failed.
const PAUSE_MS_MAX: u64 = 5_000;
/// Shortest pause, in milliseconds, before a round that was not due: what is lost is seldom lost alone.
const SOON_MS: u64 = 50;
/// Most documents in one question.
const AT_A_TIME: usize = 1_000;

/// Goes round until the program has closed. A store that is not shared is not asked at all.
pub(crate) async fn follow(hub: Arc<Hub>, shutdown: Shutdown) {
    if !hub.store.is_shared() {
        return;
    }
    let mut seen = HashMap::new();
    let mut failures = 0_u32;
    let mut in_reach = hub.courier.watch();
    let closed = shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        let pause = pause_ms(*in_reach.borrow_and_update(), failures);
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

/// Asks once about every open document and tells the rooms whose log has grown.
async fn round(
    hub: &Hub,
    seen: &mut HashMap<DocName, Seq>,
) -> Result<(), crate::ports::StorageFault> {
    let docs = hub.open_documents();
    let mut now = HashMap::with_capacity(docs.len());
    for some in docs.chunks(AT_A_TIME) {
        let heads = hub.store.heads(some).await?;
        for (doc, head) in some.iter().zip(heads) {
            let Some(head) = head else { continue };
            if seen.get(doc) != Some(&head.seq) {
                hub.reaches(doc, head.seq);
            }
            now.insert(doc.clone(), head.seq);
        }
    }
    *seen = now;
    Ok(())
}
