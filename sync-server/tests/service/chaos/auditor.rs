//! Reads the database itself, past all servers, while none of them reaches it: what was acknowledged must be in it at every moment. Later
//! would be too late to see: whoever still has an edit that is lost sends it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use sheaf_server::adapters::postgres::{Options, PostgresStore};
use sheaf_server::ports::Store as _;
use sheaf_shared::ids::{DocName, ReplicaId};
use sheaf_shared::replica::Ordered;

use crate::client::text_of;

/// What must be stored, as others may look it up at any time.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<BTreeSet<String>>>);

impl Ledger {
    /// The words of this moment.
    pub(crate) fn words(&self) -> BTreeSet<String> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn note(&self, word: String) {
        self.0.lock().unwrap().insert(word);
    }

    pub(super) fn strike_out(&self, word: &str) {
        self.0.lock().unwrap().remove(word);
    }
}

/// The ledgers of everyone.
#[derive(Default)]
pub(super) struct Auditor {
    ledgers: Vec<(DocName, Ledger)>,
}

/// What must be stored.
pub(super) struct Expected(BTreeMap<DocName, BTreeSet<String>>);

impl Auditor {
    pub(super) fn watch(&mut self, ledgers: Vec<(DocName, Ledger)>) {
        self.ledgers.extend(ledgers);
    }

    /// What has been acknowledged by now, and not been begun to take away. Nothing may reach the database any more.
    pub(super) fn expect(&self) -> Expected {
        let mut words: BTreeMap<DocName, BTreeSet<String>> = BTreeMap::new();
        for (doc, ledger) in &self.ledgers {
            words.entry(doc.clone()).or_default().extend(ledger.words());
        }
        Expected(words)
    }
}

impl Expected {
    /// Looks it up.
    pub(super) async fn look_up(self, database_url: &str) {
        let store = PostgresStore::open(database_url, Options::default())
            .await
            .unwrap();
        for (doc, words) in self.0 {
            let text = match store.load(&doc).await.unwrap() {
                Some(stored) => {
                    let rows = stored.log.iter().map(|entry| &entry.update);
                    let snapshot = stored.snapshot.as_deref();
                    let document = Ordered::of_log(ReplicaId(1), snapshot, rows).unwrap();
                    text_of(document.replica())
                }
                None => String::new(),
            };
            let lost: Vec<_> = words.iter().filter(|word| !text.contains(*word)).collect();
            assert!(
                lost.is_empty(),
                "acknowledged and not stored in {doc}: {lost:?}"
            );
        }
    }
}
