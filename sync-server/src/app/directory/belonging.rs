//! Which space a document lies in. A tree lies in its space by its name; everything else by what is written here.

use sheaf_core::access::{ReadSpace, WriteTree};
use sheaf_shared::ids::{DocName, SpaceId, UserId};
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::values;
use super::change::Change;
use super::granted::older;
use super::{By, Directory, Granted, LIST_MAX, Undone};
use crate::ports::StorageFault;

/// Why a document was not taken into a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BelongingError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// There is no such space, it is deleted, or this person may not write there.
    #[error("there is no such space to put it in")]
    NoSuchSpace,
    /// It does not lie where it was said to lie.
    #[error("the page lies elsewhere")]
    LiesElsewhere,
    /// Its name is that of a tree.
    #[error("a tree belongs to its own space")]
    Tree,
}

/// A document, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BelongingRecord {
    /// Its name.
    pub doc: DocName,
    /// Its space.
    pub space: SpaceId,
    /// Who claimed it; `None` if it was there before there were people.
    pub made_by: Option<UserId>,
    /// When.
    pub made_at: UnixMs,
}

impl Directory<'_> {
    /// Puts a document that lies nowhere into `space`, where `user` may write, and answers where it lies now: the first
    /// who claims it decides.
    ///
    /// That nobody has rights to it before makes this no change of rights. The space is looked at in the same statement,
    /// as nothing else keeps a member who is taken out at this moment from putting one more page there.
    ///
    /// # Errors
    /// [`BelongingError`]
    pub async fn claim(
        &self,
        doc: &DocName,
        space: SpaceId,
        user: UserId,
        at: UnixMs,
    ) -> Result<SpaceId, BelongingError> {
        if doc.is_like_a_tree() {
            return Err(BelongingError::Tree);
        }
        Change::<BelongingError>::beside()
            .also(
                "INSERT INTO belonging (name, space_id, made_by, made_ms)
                 SELECT $1, space.space_id, $2, $3 FROM space
                 JOIN space_member ON space_member.space_id = space.space_id
                 JOIN person ON person.person_id = space_member.person_id
                 WHERE space.space_id = $4 AND deleted_ms IS NULL
                   AND person.person_id = $2 AND standing = 0 AND role >= 2
                 ON CONFLICT (name) DO NOTHING",
                values![doc.clone(), user, at, space],
            )
            .make(self)
            .await?;
        let found = self.belonging(doc).await.map_err(Undone::Storage)?;
        found
            .map(|record| record.space)
            .ok_or(BelongingError::NoSuchSpace)
    }

    /// Where a document lies, be its space deleted or not; `None` if nobody has claimed it. A tree is never found here.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn belonging(&self, doc: &DocName) -> Result<Option<BelongingRecord>, StorageFault> {
        let sql = "SELECT name, space_id, made_by, made_ms FROM belonging WHERE name = $1";
        let found = self.one(sql, values![doc.clone()], |row| {
            Ok(BelongingRecord {
                doc: row.need()?,
                space: row.need()?,
                made_by: row.may()?,
                made_at: row.need()?,
            })
        });
        found.await
    }

    /// The documents of a space by name, after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn documents_of(
        &self,
        may: &Granted<ReadSpace>,
        after: Option<&DocName>,
        limit: u32,
    ) -> Result<Vec<DocName>, StorageFault> {
        let space = *may.id();
        let sql = "SELECT name FROM belonging WHERE space_id = $1 AND ($2 IS NULL OR name > $2)
                   ORDER BY name LIMIT $3";
        let values = values![space, after.cloned(), limit.min(LIST_MAX)];
        self.list(sql, values, |row| row.need()).await
    }

    /// Takes a document from one space to another. The links to it go with it.
    ///
    /// # Errors
    /// [`BelongingError`]
    pub async fn move_document(
        &self,
        doc: &DocName,
        from: &Granted<WriteTree>,
        to: &Granted<WriteTree>,
        by: &By,
    ) -> Result<(), BelongingError> {
        let decided_at = older(from.decided_at(), to.decided_at());
        let (from, to) = (*from.id(), *to.id());
        Change::of_rights(decided_at)
            .needs(
                "UPDATE space SET name = name WHERE space_id = $1 AND deleted_ms IS NULL",
                values![to],
                BelongingError::NoSuchSpace,
            )
            .needs(
                "UPDATE belonging SET space_id = $1 WHERE name = $2 AND space_id = $3",
                values![to, doc.clone(), from],
                BelongingError::LiesElsewhere,
            )
            .noted(
                by,
                Deed::PageMoved,
                &Thing::Document(doc.clone()),
                &format!("{from} {to}"),
            )
            .make(self)
            .await
    }
}
