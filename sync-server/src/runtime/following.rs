//! Following a store that other servers write to: how far each open document has come is asked for again and again,
//! so that what another server stored is found even if nothing else tells of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sheaf_shared::ids::{DocName, Seq};

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};

/// Shortest and longest pause, in milliseconds, between two rounds. It differs from round to round, so that servers
/// that started together do not ask together.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 300..=500;
/// Longest pause after rounds that failed.
const PAUSE_MS_MAX: u64 = 5_000;
/// Most documents in one question.
const AT_A_TIME: usize = 1_000;

/// Goes round until the program has closed. A store that is not shared is not asked at all.
pub(crate) async fn follow(hub: Arc<Hub>, shutdown: Shutdown) {
    if !hub.store.is_shared() {
        return;
    }
    let mut seen = HashMap::new();
    let mut failures = 0_u32;
    let closed = shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        let pause = (fastrand::u64(PAUSE_MS) << failures.min(6)).min(PAUSE_MS_MAX);
        tokio::select! {
            () = &mut closed => return,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
        }
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
