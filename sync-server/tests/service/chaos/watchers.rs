//! Who is shown at each server: everyone who is there, and nobody who is not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sheaf_shared::ids::DocName;
use sheaf_shared::presence::{Payload, Roster};
use sheaf_shared::time::MonotonicMs;

use crate::client::{Client, Speaks};

/// Longest time until the right people are shown: a killed server is found out after six seconds, and what a client said is
/// repeated every fifteen. Who comes over plain HTTP and says no goodbye is gone after 75.
const RIGHT_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One who only looks, at one document of one server.
struct Watcher {
    client: Client,
    doc: DocName,
    server: usize,
    roster: Roster<()>,
}

/// Watchers of every document.
#[derive(Default)]
pub(super) struct Watchers(Vec<Watcher>);

/// Who is there, by document.
pub(super) type People = BTreeMap<DocName, BTreeSet<u64>>;

impl Watchers {
    /// More of them at this server.
    pub(super) async fn come_to(&mut self, server: usize, address: SocketAddr, people: &People) {
        for doc in people.keys() {
            let client = Client::join(address, doc.as_str(), Speaks::YWebsocket).await;
            let (doc, roster) = (doc.clone(), Roster::default());
            self.0.push(Watcher {
                client,
                doc,
                server,
                roster,
            });
        }
    }

    /// Those at this server go.
    pub(super) fn leave(&mut self, server: usize) {
        self.0.retain(|watcher| watcher.server != server);
    }

    /// Waits until each sees exactly these.
    pub(super) async fn until_they_see(&mut self, people: &People) {
        let limit = Instant::now() + RIGHT_WITHIN;
        loop {
            let mut wrong = Vec::new();
            for watcher in &mut self.0 {
                watcher.client.keep_up().await;
                let expected = &people[&watcher.doc];
                let seen = watcher.sees();
                if seen != *expected {
                    let ghosts: Vec<_> = seen.difference(expected).collect();
                    let missing: Vec<_> = expected.difference(&seen).collect();
                    wrong.push(format!(
                        "in {} at server {} ghosts {ghosts:?} are shown, and {missing:?} are not",
                        watcher.doc, watcher.server
                    ));
                }
            }
            if wrong.is_empty() {
                return;
            }
            assert!(Instant::now() < limit, "{wrong:#?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Watcher {
    fn sees(&mut self) -> BTreeSet<u64> {
        for payload in self.client.presence.drain(..) {
            let payload = Payload::parse(&payload).unwrap();
            self.roster.take(payload, (), MonotonicMs(0));
        }
        self.roster.present().map(|entry| entry.client.0).collect()
    }
}
