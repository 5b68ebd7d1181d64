//! Who is in, by what they were let in, and what follows when someone's rights change: everyone in is judged again, told of
//! another role, or put out.
//!
//! That something changed is known at once where it was done, in a moment at other servers that are heard, and in any
//! case by asking every few seconds.

mod held;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::time::UnixMs;

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};
use crate::adapters::system::{monotonic_now, unix_now};
use crate::app::directory::Version;
use crate::app::gate::{Ask, Judged, Shut};
use crate::ports::StorageFault;

use held::Due;
pub(super) use held::Held;

/// Shortest and longest pause, in milliseconds, between two questions whether anything changed. With what it takes to ask,
/// nobody stays in for much longer than the longest.
const PAUSE_MS: std::ops::RangeInclusive<u64> = 3_500..=4_500;
/// Longest wait, in milliseconds, for the answer.
const ANSWER_MS: u64 = 4_000;
/// How many are judged by one question.
const AT_A_TIME: usize = 128;
/// Pause, in milliseconds, between two notes of the sessions by which somebody is in.
const NOTE_EVERY_MS: u64 = 1_800_000;
/// Longest pause, in milliseconds, after a round, so that many changes in a row do not keep the store busy.
const REST_MS_MAX: u64 = 1_000;

/// Why a member is put out.
pub(crate) const fn reason_to_put_out(shut: Shut) -> CloseReason {
    match shut {
        Shut::Stranger => CloseReason::Unauthorized,
        Shut::Unknown => CloseReason::Revoked,
    }
}

/// Goes on until the program has closed. Without an answer for `guests_stay_ms` guests are put out.
pub(crate) async fn watch(hub: Arc<Hub>, shutdown: Shutdown, guests_stay_ms: u64) {
    let mut answered_at = monotonic_now();
    let mut noted_at = answered_at;
    let closed = shutdown.reached(Phase::Closed);
    tokio::pin!(closed);
    loop {
        let pause = pause_ms(hub.held.next_end(), unix_now());
        tokio::select! {
            () = &mut closed => return,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
            () = hub.gate.woken() => {}
        }
        let began = Instant::now();
        match round(&hub).await {
            Ok(()) => answered_at = monotonic_now(),
            Err(fault) => {
                let silent_ms = monotonic_now().ms_since(answered_at);
                went_wrong(&hub, &fault, silent_ms >= guests_stay_ms);
            }
        }
        if monotonic_now().ms_since(noted_at) >= NOTE_EVERY_MS {
            noted_at = monotonic_now();
            note_use(&hub).await;
        }
        let rest = began.elapsed().min(Duration::from_millis(REST_MS_MAX));
        tokio::select! {
            () = &mut closed => return,
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Whoever stays in for weeks is not signed out in the middle of it.
async fn note_use(hub: &Hub) {
    let sessions = hub.held.sessions();
    let Some(directory) = hub.gate.directory().filter(|_| !sessions.is_empty()) else {
        return;
    };
    let noting = directory.hold_sessions(&sessions, unix_now());
    let limit = Duration::from_millis(ANSWER_MS);
    // What could not be noted now is noted the next time, long before any session ends.
    if !matches!(tokio::time::timeout(limit, noting).await, Ok(Ok(()))) {
        tracing::debug!("The use of sessions by open sockets was not noted");
    }
}

/// Until the next question, or the next end of a session, a link or a token.
fn pause_ms(next_end: Option<UnixMs>, now: UnixMs) -> u64 {
    let pause = fastrand::u64(PAUSE_MS);
    let end = next_end.map_or(u64::MAX, |end| end.0.saturating_sub(now.0));
    // One that is over and could not be judged is not asked about without a pause.
    pause.min(end.max(50))
}

fn went_wrong(hub: &Hub, fault: &StorageFault, is_long: bool) {
    hub.metrics.rights.faults.add(1);
    tracing::debug!(%fault, "Could not ask who may be here");
    if !is_long {
        return;
    }
    let guests = hub.held.take_guests();
    if !guests.is_empty() {
        tracing::warn!(
            guests = guests.len(),
            "Who may be here could not be asked for long; guests of share links are put out, people stay"
        );
    }
    for guest in guests {
        hub.metrics.rights.put_out.add(1);
        guest.put_out(CloseReason::Unreadable);
    }
}

/// Looks whether anything changed, and again at everyone whom that may concern.
async fn round(hub: &Arc<Hub>) -> Result<(), StorageFault> {
    let is_own = hub.gate.take_own_change();
    let looking = hub.gate.look(monotonic_now());
    let limit = Duration::from_millis(ANSWER_MS);
    let looked = tokio::time::timeout(limit, looking).await;
    let version = match looked.unwrap_or(Err(StorageFault::Busy)) {
        Ok(version) => version,
        Err(fault) => {
            if is_own {
                hub.gate.keep_own_change();
            }
            return Err(fault);
        }
    };
    if is_own {
        hub.courier.tell_rights(&hub.metrics, version);
    }
    let due = hub.held.due(version, unix_now());
    look_again(hub, due, version).await
}

async fn look_again(hub: &Arc<Hub>, due: Vec<Due>, version: Version) -> Result<(), StorageFault> {
    let mut to_ask = Vec::new();
    for due in due {
        // Where nobody has an account the same holds for all, and is known.
        match hub.gate.judge_now(&due.keys, &due.doc, monotonic_now()) {
            Some(judged) => carry_out(hub, &due, judged, version),
            None => to_ask.push(due),
        }
    }
    for some in to_ask.chunks(AT_A_TIME) {
        let asks: Vec<Ask> = some
            .iter()
            .map(|due| Ask {
                keys: due.keys.clone(),
                doc: due.doc.clone(),
                claim: None,
            })
            .collect();
        let asking = hub.gate.judge(&asks, unix_now());
        let limit = Duration::from_millis(ANSWER_MS);
        let answered = tokio::time::timeout(limit, asking).await;
        let answers = answered.unwrap_or(Err(StorageFault::Busy))?;
        for (due, judged) in some.iter().zip(answers) {
            carry_out(hub, due, judged, version);
        }
    }
    Ok(())
}

fn carry_out(hub: &Hub, due: &Due, judged: Result<Judged, Shut>, version: Version) {
    match judged {
        Ok(judged) => {
            let changed = hub.held.renew(&due.members, judged, version);
            hub.metrics.rights.roles_changed.add(changed);
        }
        Err(shut) => {
            for gone in hub.held.take(&due.members, &due.keys) {
                hub.metrics.rights.put_out.add(1);
                gone.put_out(reason_to_put_out(shut));
            }
        }
    }
}
