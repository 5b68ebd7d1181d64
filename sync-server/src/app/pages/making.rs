//! A page is made: where it lies first, then its text, then its place in the tree. So whenever the server stops between two of
//! these, no page shows without its text, and none that nobody may open.

use sheaf_core::access::WriteTree;
use sheaf_shared::access::Role;
use sheaf_shared::file;
use sheaf_shared::flow::delta::DeltaOp;
use sheaf_shared::flow::{apply_delta, facts};
use sheaf_shared::gate;
use sheaf_shared::ids::{DocName, PageId, ReplicaId, UserId};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::space::edit::{self, NewPage, Place};
use sheaf_shared::time::UnixMs;

use super::{Pages, PagesError};
use crate::app::directory::belonging::BelongingError;
use crate::app::directory::{Directory, Granted, Undone};
use crate::ports::UpdateBytes;
use crate::runtime::scribe::{Scribe, long};

/// A page to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Making {
    /// Its id, drawn by the caller from what nobody can guess.
    pub page: PageId,
    /// Its title; may be empty.
    pub title: String,
    /// The page it shall stand under.
    pub parent: Option<PageId>,
    /// What it says: inserts.
    pub content: Vec<DeltaOp>,
    /// Whose it is; `None` while nobody has an account.
    pub made_by: Option<UserId>,
    /// How they are called.
    pub name: String,
    /// When.
    pub at: UnixMs,
}

/// A page that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub page: PageId,
    /// Its title.
    pub title: String,
}

/// Why a page was not made. The tree is unchanged, unless it is [`PagesError::TryAgain`].
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// Something about the page or the tree.
    #[error(transparent)]
    Page(#[from] PagesError),
    /// They may not write in this space any more.
    #[error("there is no such space to put it in")]
    NoSuchSpace,
}

impl From<BelongingError> for MakeError {
    fn from(error: BelongingError) -> Self {
        match error {
            BelongingError::Undone(Undone::Storage(fault)) => Self::Page(fault.into()),
            BelongingError::Undone(Undone::Moved) => Self::Page(PagesError::TryAgain),
            BelongingError::NoSuchSpace | BelongingError::LiesElsewhere | BelongingError::Tree => {
                Self::NoSuchSpace
            }
        }
    }
}

impl Making {
    /// A page out of a file.
    ///
    /// # Errors
    /// [`file::ReadError`]
    pub fn of_file(imported: file::Imported, making: Self) -> Self {
        Self {
            title: imported.title,
            content: imported.content,
            ..making
        }
    }
}

impl Pages {
    /// Makes a page, last under its parent. Answers when all of it is stored.
    ///
    /// # Errors
    /// [`MakeError`]
    pub async fn make(&self, may: &Granted<WriteTree>, making: Making) -> Result<Made, MakeError> {
        let space = *may.id();
        let doc = DocName::of_page(making.page);
        let mut tree = Scribe::enter(&self.hub, &DocName::of_space(space), Role::Editor)
            .map_err(PagesError::from)?;
        let mut pages = tree.read().await.map_err(PagesError::from)?;

        // Tried before anything is stored: who names a parent that is gone leaves nothing behind.
        let new = NewPage {
            id: making.page,
            title: making.title.clone(),
            parent: making.parent,
            place: Place::Last,
            created_by: making.name.clone(),
            created_at: making.at,
        };
        let content = making.content.clone();
        let edits = long(&doc, move || -> Result<_, PagesError> {
            let body = body_of(&content)?;
            let entry = edit::create(&mut pages, Origin::Local, &new)?;
            Ok((body, entry))
        });
        let (body, entry) = edits.await.ok_or(PagesError::Damaged)??;

        if let (Some(user), Some(directory)) = (making.made_by, Directory::of(&*self.hub.store)) {
            let lies_in = directory.claim(&doc, space, user, making.at).await?;
            if lies_in != space {
                return Err(MakeError::NoSuchSpace);
            }
        }
        // Nobody can have it open: its id was drawn a moment ago.
        self.hub
            .store
            .append(&doc, body)
            .await
            .map_err(PagesError::from)?;
        if let Some(entry) = entry {
            tree.write(entry).await.map_err(PagesError::from)?;
        }
        Ok(Made {
            page: making.page,
            title: making.title,
        })
    }
}

/// The updates that a new page is made of.
fn body_of(content: &[DeltaOp]) -> Result<Vec<UpdateBytes>, PagesError> {
    let mut body = Replica::new(ReplicaId(fastrand::u32(1..)));
    let format = facts::write_format(&mut body, Origin::Local);
    let text = apply_delta(&mut body, Origin::Local, content)?;
    let updates: Vec<UpdateBytes> = format.into_iter().chain(text).map(Into::into).collect();
    for update in &updates {
        if update.len() > UPDATE_BYTES_MAX || gate::update::check(update).is_err() {
            return Err(PagesError::TooLarge);
        }
    }
    Ok(updates)
}
