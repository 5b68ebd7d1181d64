//! Pages for programs: read, written, listed and made, one at a time, by who holds the proof that they may.
//!
//! What is read is what is stored. What is written goes through the document's room, like every edit: it is merged with
//! what others write at that moment, acknowledged when it is stored, and told to everyone who has the page open.

pub mod archive;
mod content;
mod making;
mod names;

use std::sync::Arc;

use sheaf_core::access::{ReadPage, ReadSpace, WritePage};
use sheaf_shared::access::Role;
use sheaf_shared::file::{Body, Form, ReadError};
use sheaf_shared::flow::{self, EditError};
use sheaf_shared::ids::{DocName, PageId, SpaceId};
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::space::{self, SpaceError, Tree};
use sheaf_shared::sync::facts::Refused;

use super::compact::replay;
use super::directory::Granted;
use crate::ports::{ReadFault, StorageFault, Store};
use crate::runtime::hub::Hub;
use crate::runtime::scribe::{Scribe, ScribeFault, long};

pub use content::{As, Content, Tag};
pub use making::{Made, MakeError, Making};

/// Pages, by way of the rooms of this server.
#[derive(Clone)]
pub struct Pages {
    hub: Arc<Hub>,
}

/// A page as it stands in the tree of its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub page: PageId,
    /// Its title; may be empty.
    pub title: String,
    /// Its icon, if it has one.
    pub icon: Option<String>,
    /// The page it stands under; `None` at the top.
    pub parent: Option<PageId>,
}

/// What the page must say for a write to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly what one of these was the tag of.
    One(Vec<Tag>),
    /// Anything: what is written is merged with whatever is there.
    Anything,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What the page says now.
    pub tag: Tag,
    /// Whether anything was different.
    pub changed: bool,
}

/// Why a page was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// Nothing was ever stored under this name.
    #[error("there is no such page")]
    NoSuchPage,
    /// It says something else by now.
    #[error("the page was changed meanwhile")]
    Moved {
        /// What it says.
        now: Tag,
    },
    /// What was to be written can't be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// It can't be stored as one edit.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The page is as large as one may be, or the edit is.
    #[error("this would be too much for one page")]
    TooLarge,
    /// Nothing was wrong: to be tried again. The edit, if there was one, may be stored.
    #[error("the page can't be worked on right now")]
    TryAgain,
    /// The store could not be asked.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// What is stored does not make a document.
    #[error("the stored page is damaged")]
    Damaged,
    /// The tree does not take it.
    #[error(transparent)]
    Tree(#[from] SpaceError),
}

impl From<ScribeFault> for PagesError {
    fn from(fault: ScribeFault) -> Self {
        match fault {
            ScribeFault::Refused(Refused::DocumentFull | Refused::TooLarge) => Self::TooLarge,
            ScribeFault::Out(_) | ScribeFault::Refused(_) => Self::TryAgain,
            ScribeFault::Unusable => Self::Damaged,
        }
    }
}

impl From<ReadFault> for PagesError {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Storage(fault) => Self::Storage(fault),
            ReadFault::Damaged(_) => Self::Damaged,
        }
    }
}

impl From<ReplicaError> for PagesError {
    fn from(_: ReplicaError) -> Self {
        Self::Damaged
    }
}

impl Pages {
    /// Those that the rooms of `hub` hold, and its store.
    #[must_use]
    pub const fn of(hub: Arc<Hub>) -> Self {
        Self { hub }
    }

    /// What a page says, as it is stored.
    ///
    /// # Errors
    /// [`PagesError`]
    pub async fn read(&self, may: &Granted<ReadPage>, form: As) -> Result<Content, PagesError> {
        let content = stored(&*self.hub.store, may.id(), move |page| {
            Content::of(page, form)
        });
        content.await?.ok_or(PagesError::NoSuchPage)
    }

    /// Makes a page say what `source` says, by changing only what differs.
    ///
    /// The page is compared as it stands in its room at that moment, with edits that are not stored yet. What somebody writes
    /// between that look and the commit is merged, as between any two who write at once.
    ///
    /// # Errors
    /// [`PagesError`]; nothing was written, unless it is [`PagesError::TryAgain`].
    pub async fn write(
        &self,
        may: &Granted<WritePage>,
        source: String,
        form: Form,
        expected: Expected,
    ) -> Result<Written, PagesError> {
        let doc = may.id();
        let wanted = long(doc, move || Body::read(&source, form))
            .await
            .ok_or(PagesError::Damaged)??;
        let mut scribe = Scribe::enter(&self.hub, doc, Role::Editor)?;
        let mut page = scribe.read().await?;
        let edit = long(doc, move || -> Result<_, PagesError> {
            let now = Tag::of(&page);
            match expected {
                Expected::One(tags) if !tags.contains(&now) => {
                    return Err(PagesError::Moved { now });
                }
                Expected::One(_) | Expected::Anything => {}
            }
            let update = wanted.write_over(&mut page, Origin::Local)?;
            let tag = Tag::of(&page);
            Ok((update, tag))
        });
        let (update, tag) = edit.await.ok_or(PagesError::Damaged)??;
        let changed = update.is_some();
        if let Some(update) = update {
            scribe.write(update).await?;
        }
        Ok(Written { tag, changed })
    }

    /// The pages of a space outside the bin, from top to bottom as they are drawn.
    ///
    /// # Errors
    /// [`PagesError`]
    pub async fn list(&self, may: &Granted<ReadSpace>) -> Result<Vec<Listed>, PagesError> {
        let tree = self.tree(*may.id()).await?;
        let drawn = tree.walk().into_iter();
        Ok(drawn.filter_map(|(_, page)| listed(&tree, page)).collect())
    }

    /// A page as it stands in the tree of `space`, where it lies; `None` if that does not name it.
    ///
    /// # Errors
    /// [`PagesError`]
    pub async fn look(
        &self,
        may: &Granted<ReadPage>,
        space: SpaceId,
    ) -> Result<Option<Listed>, PagesError> {
        let Some(page) = may.id().page() else {
            return Ok(None);
        };
        let tree = self.tree(space).await?;
        Ok(listed(&tree, page))
    }

    /// Whether anything was ever stored of a page.
    ///
    /// # Errors
    /// [`PagesError`]
    pub async fn is_stored(&self, may: &Granted<ReadPage>) -> Result<bool, PagesError> {
        let heads = self.hub.store.heads(std::slice::from_ref(may.id())).await?;
        Ok(matches!(heads.first(), Some(Some(_))))
    }

    async fn tree(&self, space: SpaceId) -> Result<Tree, PagesError> {
        let doc = DocName::of_space(space);
        let tree = stored(&*self.hub.store, &doc, space::read).await?;
        Ok(tree.unwrap_or_default())
    }
}

fn listed(tree: &Tree, page: PageId) -> Option<Listed> {
    let found = tree.page(page)?;
    Some(Listed {
        page,
        title: found.title.clone(),
        icon: found.icon.clone(),
        parent: found.parent,
    })
}

/// Opens a stored document, away from what others wait for, and gives what `look` sees in it; `None` if there is none.
async fn stored<T: Send + 'static>(
    store: &dyn Store,
    doc: &DocName,
    look: impl FnOnce(&Replica) -> T + Send + 'static,
) -> Result<Option<T>, PagesError> {
    let Some(found) = store.load(doc).await? else {
        return Ok(None);
    };
    let opened = long(doc, move || replay(&found).map(|page| look(page.replica())));
    Ok(Some(opened.await.ok_or(PagesError::Damaged)??))
}

/// What the blocks of a page are, for who writes it as a file.
fn blocks(page: &Replica) -> Vec<flow::block::Block> {
    flow::read(page)
}

#[cfg(test)]
mod tests;
