//! The trees of spaces as they are stored: what lies below a shared page.

use std::sync::{Arc, Mutex, PoisonError};

use sheaf_shared::ids::{DocName, SpaceId};
use sheaf_shared::space::{self, Tree};
use sheaf_shared::time::MonotonicMs;

use crate::adapters::system::monotonic_now;
use crate::app::compact::replay;
use crate::ports::{Head, ReadFault, StorageFault, Store};

/// How old, in milliseconds, a tree may be.
const AGE_MS_MAX: u64 = 5_000;
/// Most trees that are remembered.
const TREES_MAX: usize = 64;

/// A tree, and when it was what is stored.
struct Known {
    read_at: MonotonicMs,
    head: Option<Head>,
    tree: Arc<Tree>,
}

type Place = Arc<tokio::sync::Mutex<Option<Known>>>;

/// See the module.
pub(super) struct Trees {
    store: Arc<dyn Store>,
    /// The one that was asked for last is the last.
    places: Mutex<Vec<(SpaceId, Place)>>,
}

impl Trees {
    pub(super) const fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            places: Mutex::new(Vec::new()),
        }
    }

    /// The tree of `space`, read once for all who ask at the same time.
    pub(super) async fn tree(&self, space: SpaceId) -> Result<Arc<Tree>, StorageFault> {
        let place = self.place(space);
        let mut known = place.lock().await;
        let now = monotonic_now();
        if let Some(known) = &*known
            && now.ms_since(known.read_at) < AGE_MS_MAX
        {
            return Ok(Arc::clone(&known.tree));
        }
        let doc = DocName::of_space(space);
        let heads = self.store.heads(std::slice::from_ref(&doc)).await?;
        let head = heads.into_iter().next().flatten();
        if let Some(known) = &mut *known
            && known.head == head
        {
            known.read_at = now;
            return Ok(Arc::clone(&known.tree));
        }
        let tree = Arc::new(self.read(&doc).await?);
        *known = Some(Known {
            read_at: now,
            head,
            tree: Arc::clone(&tree),
        });
        Ok(tree)
    }

    fn place(&self, space: SpaceId) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let found = places.iter().position(|(known, _)| *known == space);
        let entry = match found {
            Some(at) => places.remove(at),
            None => (space, Place::default()),
        };
        if places.len() >= TREES_MAX {
            places.remove(0);
        }
        let place = Arc::clone(&entry.1);
        places.push(entry);
        place
    }

    async fn read(&self, doc: &DocName) -> Result<Tree, StorageFault> {
        let stored = self.store.load(doc).await.map_err(|fault| match fault {
            ReadFault::Storage(fault) => fault,
            ReadFault::Damaged(what) => StorageFault::Failed(what),
        })?;
        let stored = stored.unwrap_or_default();
        // Opening a document may take a while, and descends into what it is given.
        let opening = tokio::task::spawn_blocking(move || {
            let document = replay(&stored).map_err(|error| error.to_string())?;
            Ok(space::read(document.replica()))
        });
        let opened = opening.await.map_err(|error| error.to_string());
        opened.and_then(|tree| tree).map_err(StorageFault::Failed)
    }
}
