//! What may be known of everybody: their names; and how much there is of everything.

use sheaf_core::access::{ManageSpace, ReadPeople};
use sheaf_shared::ids::UserId;
use sheaf_shared::people::{Colour, Name};

use super::cells::values;
use super::{Directory, Granted, LIST_MAX};
use crate::ports::StorageFault;

/// Somebody, as everyone may see them who could take them into a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRecord {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: Name,
    /// Their caret's colour.
    pub colour: Colour,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accounts that were not deleted.
    pub people: u64,
    /// Spaces that were not deleted.
    pub spaces: u64,
    /// Documents, trees among them.
    pub documents: u64,
    /// Bytes that the store takes.
    pub bytes: u64,
}

impl Directory<'_> {
    /// Those whose accounts are in use, by id, after `after`; at most `limit`. For whoever decides about a space.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn names(
        &self,
        _may: &Granted<ManageSpace>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<NameRecord>, StorageFault> {
        let sql = "SELECT person_id, name, colour FROM person
                   WHERE standing = 0 AND ($1 IS NULL OR person_id > $1) ORDER BY person_id LIMIT $2";
        self.list(sql, values![after, limit.min(LIST_MAX)], |row| {
            Ok(NameRecord {
                user: row.need()?,
                name: row.need()?,
                colour: row.need()?,
            })
        })
        .await
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn counts(&self, _may: &Granted<ReadPeople>) -> Result<Counts, StorageFault> {
        let sql = "SELECT (SELECT COUNT(*) FROM person WHERE standing <> 2),
                          (SELECT COUNT(*) FROM space WHERE deleted_ms IS NULL),
                          (SELECT COUNT(*) FROM doc)";
        let counted = self.one(sql, Vec::new(), |row| {
            Ok(Counts {
                people: row.need()?,
                spaces: row.need()?,
                documents: row.need()?,
                bytes: 0,
            })
        });
        let counted = counted.await?.unwrap_or_default();
        let bytes = self.list(self.tables.bytes_sql(), Vec::new(), |row| row.need());
        let bytes = bytes.await?.first().copied().unwrap_or(0);
        Ok(Counts { bytes, ..counted })
    }
}
