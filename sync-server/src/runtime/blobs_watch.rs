//! Looks now and then whether the place of pictures and files answers, and says so when that changes. No edit waits for it,
//! so it never makes a server unready.

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Metrics;
use crate::ports::Blobs;

/// Pause, in milliseconds, between two looks.
const LOOK_EVERY_MS: u64 = 30_000;

/// Looks until it is dropped.
pub async fn watch(blobs: Arc<dyn Blobs>, metrics: Arc<Metrics>) {
    let mut was_away = false;
    loop {
        let looked = blobs.list(None, 1).await;
        let is_away = looked.is_err();
        metrics.blobs_away.set(usize::from(is_away));
        if let Err(fault) = looked {
            metrics.blobs_faults.add(1);
            if !was_away {
                tracing::warn!(%fault, "The place of pictures and files does not answer");
            }
        } else if was_away {
            tracing::info!("The place of pictures and files answers again");
        }
        was_away = is_away;
        tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
    }
}
