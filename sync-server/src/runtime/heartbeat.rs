//! Telling the store that this server is there, and hearing which others are.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hub::Hub;
use super::shutdown::{Phase, Shutdown};
use crate::ports::{Beat, MEMBER_BEAT_EVERY_MS, Member, MemberState};

/// Longest wait for the store to take our name off the list at the end.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// Goes on until the program has closed. A store that is not shared keeps no list.
pub(crate) async fn beat(hub: Arc<Hub>, address: SocketAddr, shutdown: Shutdown) {
    let Some(membership) = hub.store.membership() else {
        return;
    };
    let mut beat = Beat {
        name: hub.courier.name(),
        address: told(address),
        place: place(address),
        up_ms: 0,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        state: MemberState::Serving,
    };
    let began = Instant::now();
    let mut suspected = BTreeSet::new();
    let closed = shutdown.reached(Phase::Closed);
    let draining = shutdown.reached(Phase::Draining);
    tokio::pin!(closed, draining);
    loop {
        beat.up_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match membership.beat(&beat).await {
            Ok(members) => {
                let silent = members.iter().filter(|member| member.is_silent()).count();
                hub.metrics.servers.set(members.len() - silent);
                hub.metrics.servers_silent.set(silent);
                warn_of(&members, &mut suspected);
            }
            Err(fault) => {
                hub.metrics.membership_faults.add(1);
                tracing::debug!(%fault, "The list of servers could not be written");
            }
        }
        let pause = fastrand::u64(MEMBER_BEAT_EVERY_MS / 2..=MEMBER_BEAT_EVERY_MS);
        tokio::select! {
            () = &mut closed => break,
            () = &mut draining, if beat.state == MemberState::Serving => beat.state = MemberState::Draining,
            () = tokio::time::sleep(Duration::from_millis(pause)) => {}
        }
    }
    // If it fails, the others see a server fall silent, which is nearly the truth.
    drop(tokio::time::timeout(LEAVE_WITHIN, membership.leave(&beat.name)).await);
}

/// Where it listens, by this machine's name if that is everywhere: elsewhere `0.0.0.0` says nothing.
fn told(address: SocketAddr) -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        name if address.ip().is_unspecified() && !name.is_empty() => {
            format!("{name}:{}", address.port())
        }
        _ => address.to_string(),
    }
}

/// Names the place where it runs. An address alone would not do: `127.0.0.1:8080` is one on every machine, and so is the
/// name of a container. Where a machine does not say which it is, the place is another one after it was started anew.
fn place(address: SocketAddr) -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let machine = ["/etc/machine-id", "/proc/sys/kernel/random/boot_id"]
        .map(read)
        .into_iter()
        .find(|id| !id.trim().is_empty());
    let host = read("/proc/sys/kernel/hostname");
    // Elsewhere than on Linux nothing tells two machines apart: no server takes another's place there.
    let machine = machine.unwrap_or_else(|| format!("{:016x}", fastrand::u64(..)));
    format!("{}/{}/{address}", machine.trim(), host.trim())
}

/// One line in the log for each server that falls silent, not one for each look.
fn warn_of(members: &[Member], suspected: &mut BTreeSet<String>) {
    for member in members {
        if !member.is_silent() {
            suspected.remove(&member.name);
        } else if suspected.insert(member.name.clone()) {
            tracing::warn!(
                server = member.name,
                address = member.address,
                silent_ms = member.silent_ms,
                "Another server has fallen silent. If it was killed, nothing is to be done"
            );
        }
    }
    suspected.retain(|name| members.iter().any(|member| member.name == *name));
}
