//! What is over is removed now and then: sessions, invitations, old lines of the record. Every server of a shared store does
//! it; what one has removed the next one does not find.

use std::sync::Arc;
use std::time::Duration;

use sheaf_shared::time::UnixMs;

use super::shutdown::{Phase, Shutdown};
use crate::adapters::system::unix_now;
use crate::app::directory::sessions::SessionError;
use crate::app::directory::{Directory, Undone};
use crate::ports::{StorageFault, Store};

/// Pause, in milliseconds, between two rounds.
const EVERY_MS: u64 = 3_600_000;
/// Longest time, in milliseconds, until the first one: servers that start together do not sweep together.
const FIRST_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 3_600_000;
/// How long, in milliseconds, invitations are kept that were used or have ended.
const INVITATIONS_KEPT_MS: u64 = 30 * DAY_MS;

/// Sweeps until the program ends. What was done longer than `audit_days` ago is forgotten; with 0, never.
pub async fn sweep(store: Arc<dyn Store>, audit_days: usize, shutdown: Shutdown) {
    let mut pause = Duration::from_millis(fastrand::u64(0..FIRST_MS));
    loop {
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = Duration::from_millis(EVERY_MS);
        let Some(directory) = Directory::of(store.as_ref()) else {
            return;
        };
        if let Err(fault) = sweep_once(&directory, audit_days, unix_now()).await {
            tracing::debug!(%fault, "Could not remove what is over; the next round will");
        }
    }
}

/// One round.
///
/// # Errors
/// [`StorageFault`]; the rest of the round was not done.
pub async fn sweep_once(
    directory: &Directory<'_>,
    audit_days: usize,
    now: UnixMs,
) -> Result<(), StorageFault> {
    let before = |ms: u64| UnixMs(now.0.saturating_sub(ms));
    if let Err(SessionError::Undone(undone)) = directory.sweep_sessions(now).await {
        fault_of(undone)?;
    }
    let invitations = directory.sweep_invitations(before(INVITATIONS_KEPT_MS));
    invitations.await.or_else(fault_of)?;
    if audit_days > 0 {
        let days = u64::try_from(audit_days).unwrap_or(u64::MAX);
        let until = before(days.saturating_mul(DAY_MS));
        directory.sweep_audit(until).await.or_else(fault_of)?;
    }
    Ok(())
}

/// Nothing here was decided, so nothing can have moved.
fn fault_of(undone: Undone) -> Result<(), StorageFault> {
    match undone {
        Undone::Storage(fault) => Err(fault),
        Undone::Moved => Ok(()),
    }
}
