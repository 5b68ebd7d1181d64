//! Who has written in the document: how many may, and how much alike their ids.
//!
//! Every copy keeps a list of writers, names all of them in each state vector, and finds them by the low bits of their ids.
//! A page that is opened draws a new id when it first writes, by chance; forged ids could make all of that slow, for good.

use std::collections::{BTreeMap, BTreeSet};

use sheaf_shared::gate::update::Checked;
use sheaf_shared::ids::ClientId;
use sheaf_shared::limits::{DOCUMENT_WRITERS_MAX, LIKE_WRITERS_MAX};

/// The writers of a document, those whose edits are not stored yet among them.
#[derive(Debug, Default)]
pub(super) struct Writers {
    known: BTreeSet<ClientId>,
    /// How many have these low bits in their ids.
    alike: BTreeMap<u16, u32>,
}

/// Why an update's writers may not write here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotAdmitted {
    /// The document has as many as it may.
    TooMany,
    /// Their ids agree too much with others'.
    TooMuchAlike,
}

impl Writers {
    /// They are in the document already.
    pub(super) fn note(&mut self, clients: impl IntoIterator<Item = ClientId>) {
        for client in clients {
            if self.known.insert(client) {
                *self.alike.entry(low_bits(client)).or_insert(0) += 1;
            }
        }
    }

    /// Lets those write who brought `update`; says how many are new.
    ///
    /// # Errors
    /// [`NotAdmitted`]; then nobody is.
    pub(super) fn admit(&mut self, update: &Checked) -> Result<usize, NotAdmitted> {
        let clients = update.runs().iter().map(|run| run.client);
        let new: BTreeSet<ClientId> = clients
            .filter(|client| !self.known.contains(client))
            .collect();
        if new.is_empty() {
            return Ok(0);
        }
        if self.known.len() + new.len() > DOCUMENT_WRITERS_MAX {
            return Err(NotAdmitted::TooMany);
        }
        let mut alike: BTreeMap<u16, u32> = BTreeMap::new();
        for client in &new {
            let low = low_bits(*client);
            let count = alike
                .entry(low)
                .or_insert_with(|| self.alike.get(&low).copied().unwrap_or(0));
            *count += 1;
            if *count as usize > LIKE_WRITERS_MAX {
                return Err(NotAdmitted::TooMuchAlike);
            }
        }
        let count = new.len();
        self.note(new);
        Ok(count)
    }

    /// An estimate of the memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.known.len() * 16 + self.alike.len() * 12
    }
}

const fn low_bits(client: ClientId) -> u16 {
    client.0 as u16
}
