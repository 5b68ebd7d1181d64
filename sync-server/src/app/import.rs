//! A file becomes a page of the home space: its body first, then its place in the tree, so that no page shows without its text.

use sheaf_shared::file::{self, Form};
use sheaf_shared::flow::facts;
use sheaf_shared::flow::{EditError, apply_delta};
use sheaf_shared::gate::{self, Refusal};
use sheaf_shared::ids::{DocName, PageId, ReplicaId, SpaceId};
use sheaf_shared::limits::UPDATE_BYTES_MAX;
use sheaf_shared::replica::{Origin, Replica, ReplicaError};
use sheaf_shared::space::edit::{self, NewPage, Place, SpaceError};
use sheaf_shared::time::UnixMs;

use super::compact::replay;
use crate::ports::{ReadFault, StorageFault, Store, UpdateBytes};

/// A file to import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// Its name without folder and ending: the title if the text has none.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
    /// How to read it.
    pub form: Form,
}

/// A page that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its id.
    pub page: PageId,
    /// Its title.
    pub title: String,
}

/// Why a file was not imported. The tree is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It was not read.
    #[error(transparent)]
    File(#[from] file::ReadError),
    /// Too much for one page.
    #[error("the page would not fit into one update of {UPDATE_BYTES_MAX} bytes; split the file")]
    TooLarge,
    /// What was made of it cannot be stored.
    #[error("the page could not be made")]
    Edit(#[from] EditError),
    /// What was made of it would be refused by every server.
    #[error("the page could not be made")]
    Refused(#[from] Refusal),
    /// The page tree did not take it.
    #[error("the page could not be put into the tree")]
    Tree(#[from] SpaceError),
    /// The page tree could not be read.
    #[error("the page tree could not be read")]
    Read(#[from] ReadFault),
    /// The page tree could not be opened.
    #[error("the page tree could not be opened")]
    Open(#[from] ReplicaError),
    /// It could not be written.
    #[error("the page could not be stored")]
    Store(#[from] StorageFault),
}

/// Makes a page named `page` out of `source`, last at the top of the home space.
///
/// Answers when it is on the disk.
///
/// # Errors
/// [`ImportError`]; the tree is unchanged.
pub async fn import(
    store: &dyn Store,
    source: Source<'_>,
    page: PageId,
    now: UnixMs,
) -> Result<Imported, ImportError> {
    let file::Imported { title, content } = file::read(source.name, source.text, source.form)?;

    let mut body = Replica::new(ReplicaId(fastrand::u32(1..)));
    let format = facts::write_format(&mut body, Origin::Local);
    let text = apply_delta(&mut body, Origin::Local, &content)?;
    let home = DocName::of_space(SpaceId::HOME);
    let stored = store.load(&home).await?.unwrap_or_default();
    let mut tree = replay(&stored)?.into_replica();
    let new = NewPage {
        id: page,
        title: title.clone(),
        parent: None,
        place: Place::Last,
        created_by: String::new(),
        created_at: now,
    };
    let entry = edit::create(&mut tree, Origin::Local, &new)?;
    let body: Vec<UpdateBytes> = format.into_iter().chain(text).map(Into::into).collect();
    let entry: Vec<UpdateBytes> = entry.into_iter().map(Into::into).collect();
    for (doc, updates) in [(DocName::of_page(page), body), (home, entry)] {
        for update in &updates {
            if update.len() > UPDATE_BYTES_MAX {
                return Err(ImportError::TooLarge);
            }
            gate::update::check(update)?;
        }
        store.append(&doc, updates).await?;
    }
    Ok(Imported { page, title })
}
