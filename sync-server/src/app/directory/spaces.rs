//! Spaces and their members. A space has an owner whose account is in use, or waits for one of the installation's owners to
//! give it one.

use sheaf_core::access::{
    DeleteSpace, ManageHouse, ManageOwnAccount, ManageSpace, ReadPeople, ReadSpace, Standing,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{SpaceId, UserId};
use sheaf_shared::people::{Colour, Name};
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::{Cells, values};
use super::change::Change;
use super::{By, Directory, Granted, LIST_MAX, Undone, Whose};
use crate::ports::StorageFault;

/// A space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpaceRecord {
    /// Its id.
    pub space: SpaceId,
    /// What it is called.
    pub name: Name,
    /// Whose private space it is, or was.
    pub private_of: Option<UserId>,
    /// When it was made.
    pub created_at: UnixMs,
    /// When it was deleted; its pages are still there.
    pub deleted_at: Option<UnixMs>,
    /// The role of whoever it was listed for.
    pub role: Option<Role>,
}

/// A member of a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Who.
    pub user: UserId,
    /// What they are called.
    pub name: Name,
    /// Their caret's colour.
    pub colour: Colour,
    /// Whether their account may be used.
    pub standing: Standing,
    /// What they may.
    pub role: Role,
    /// Since when they are a member.
    pub since: UnixMs,
}

/// Why a space was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// There is no such space, or it is deleted, or not deleted, as the case may be.
    #[error("there is no such space")]
    NoSuchSpace,
    /// There is no such person whose account is in use.
    #[error("there is no such person")]
    NoSuchPerson,
    /// They are no member.
    #[error("they are no member of this space")]
    NoSuchMember,
    /// A private space has one member, and lives as long as their account.
    #[error("a private space is one person's alone")]
    Private,
    /// Nobody who can would decide about the space any more.
    #[error("somebody has to own the space: make somebody else an owner first")]
    LastOwner,
    /// Somebody decides about the space already.
    #[error("the space has an owner")]
    Owned,
}

/// There is such a space, and it is not deleted.
const IS_THERE: &str = "UPDATE space SET name = name WHERE space_id = $1 AND deleted_ms IS NULL";
/// It is nobody's private space whose account there still is.
const IS_SHARED: &str = "UPDATE space SET name = name WHERE space_id = $1 AND NOT EXISTS (
     SELECT 1 FROM person WHERE person.person_id = space.private_of AND person.standing <> 2)";
/// There is such a person, and the account is in use.
const IS_ACTIVE: &str =
    "UPDATE person SET standing = standing WHERE person_id = $1 AND standing = 0";

impl Directory<'_> {
    /// Makes a space that `owner` owns.
    ///
    /// # Errors
    /// [`SpaceError::NoSuchPerson`] if the account is not in use.
    pub async fn add_space(
        &self,
        space: SpaceId,
        name: Name,
        owner: impl Into<Whose>,
        by: &By,
    ) -> Result<(), SpaceError> {
        let Whose {
            user: owner,
            decided_at,
        } = owner.into();
        let detail = name.as_str().to_owned();
        Change::of_rights(decided_at)
            .needs(IS_ACTIVE, values![owner], SpaceError::NoSuchPerson)
            .also(
                "INSERT INTO space (space_id, name, created_ms) VALUES ($1, $2, $3)",
                values![space, name, by.at],
            )
            .also(
                "INSERT INTO space_member (space_id, person_id, role, since_ms) VALUES ($1, $2, 3, $3)",
                values![space, owner, by.at],
            )
            .noted(by, Deed::SpaceMade, &Thing::Space(space), &detail)
            .make(self)
            .await
    }

    /// The space named so, deleted ones too.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn space(&self, space: SpaceId) -> Result<Option<SpaceRecord>, StorageFault> {
        let sql = "SELECT space_id, name, private_of, created_ms, deleted_ms, NULL FROM space
                   WHERE space_id = $1";
        self.one(sql, values![space], record).await
    }

    /// The spaces of a person, the private one first, then by name; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn spaces_of(
        &self,
        whose: impl Into<Whose>,
    ) -> Result<Vec<SpaceRecord>, StorageFault> {
        let Whose { user, .. } = whose.into();
        let sql = "SELECT space.space_id, name, private_of, created_ms, deleted_ms, role
                   FROM space_member JOIN space ON space.space_id = space_member.space_id
                   WHERE person_id = $1 AND deleted_ms IS NULL
                   ORDER BY CASE WHEN private_of = $1 THEN 0 ELSE 1 END, name, space.space_id LIMIT $2";
        self.list(sql, values![user, LIST_MAX], record).await
    }

    /// Every space, deleted ones too, by id after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn spaces(
        &self,
        _may: &Granted<ReadPeople>,
        after: Option<SpaceId>,
        limit: u32,
    ) -> Result<Vec<SpaceRecord>, StorageFault> {
        let sql = "SELECT space_id, name, private_of, created_ms, deleted_ms, NULL FROM space
                   WHERE $1 IS NULL OR space_id > $1 ORDER BY space_id LIMIT $2";
        self.list(sql, values![after, limit.min(LIST_MAX)], record)
            .await
    }

    /// Spaces that wait for an owner: the accounts of those they had are disabled or deleted. The private space of a
    /// disabled account waits for its person. By id after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn orphaned_spaces(
        &self,
        _may: &Granted<ReadPeople>,
        after: Option<SpaceId>,
        limit: u32,
    ) -> Result<Vec<SpaceRecord>, StorageFault> {
        let sql = "SELECT space_id, name, private_of, created_ms, deleted_ms, NULL FROM space
                   WHERE ($1 IS NULL OR space_id > $1) AND deleted_ms IS NULL AND NOT EXISTS (
                       SELECT 1 FROM space_member JOIN person ON person.person_id = space_member.person_id
                       WHERE space_member.space_id = space.space_id AND role = 3 AND standing = 0)
                     AND NOT EXISTS (
                       SELECT 1 FROM person WHERE person.person_id = space.private_of AND standing = 1)
                   ORDER BY space_id LIMIT $2";
        self.list(sql, values![after, limit.min(LIST_MAX)], record)
            .await
    }

    /// Names a space anew.
    ///
    /// # Errors
    /// [`SpaceError`]
    pub async fn rename_space(
        &self,
        may: &Granted<ManageSpace>,
        name: Name,
        by: &By,
    ) -> Result<(), SpaceError> {
        let space = *may.id();
        let detail = name.as_str().to_owned();
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE space SET name = $1 WHERE space_id = $2 AND deleted_ms IS NULL",
                values![name, space],
                SpaceError::NoSuchSpace,
            )
            .noted(by, Deed::SpaceRenamed, &Thing::Space(space), &detail)
            .make(self)
            .await
    }

    /// Deletes a space: its pages and members stay for [`Directory::restore_space`], and open to nobody.
    ///
    /// # Errors
    /// [`SpaceError`]
    pub async fn delete_space(
        &self,
        may: &Granted<DeleteSpace>,
        by: &By,
    ) -> Result<(), SpaceError> {
        let space = *may.id();
        Change::of_rights(may.decided_at())
            .needs(IS_THERE, values![space], SpaceError::NoSuchSpace)
            .needs(IS_SHARED, values![space], SpaceError::Private)
            .also(
                "UPDATE space SET deleted_ms = $1 WHERE space_id = $2",
                values![by.at, space],
            )
            .noted(by, Deed::SpaceDeleted, &Thing::Space(space), "")
            .make(self)
            .await
    }

    /// Brings a deleted space back, with the members it had.
    ///
    /// # Errors
    /// [`SpaceError::NoSuchSpace`] if there is none, or it is not deleted.
    pub async fn restore_space(
        &self,
        may: &Granted<ManageHouse>,
        space: SpaceId,
        by: &By,
    ) -> Result<(), SpaceError> {
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE space SET deleted_ms = NULL WHERE space_id = $1 AND deleted_ms IS NOT NULL",
                values![space],
                SpaceError::NoSuchSpace,
            )
            .noted(by, Deed::SpaceRestored, &Thing::Space(space), "")
            .make(self)
            .await
    }

    /// Gives a space that nobody decides about to `heir`. What was private is no longer.
    ///
    /// # Errors
    /// [`SpaceError::Owned`] if somebody whose account is in use owns it; [`SpaceError::Private`] if it is the private
    /// space of an account that is only disabled.
    pub async fn give_space(
        &self,
        may: &Granted<ManageHouse>,
        space: SpaceId,
        heir: UserId,
        by: &By,
    ) -> Result<(), SpaceError> {
        Change::of_rights(may.decided_at())
            .needs(IS_THERE, values![space], SpaceError::NoSuchSpace)
            .needs(
                "UPDATE space SET name = name WHERE space_id = $1 AND NOT EXISTS (
                     SELECT 1 FROM space_member JOIN person ON person.person_id = space_member.person_id
                     WHERE space_member.space_id = $1 AND role = 3 AND standing = 0)",
                values![space],
                SpaceError::Owned,
            )
            .needs(IS_SHARED, values![space], SpaceError::Private)
            .needs(IS_ACTIVE, values![heir], SpaceError::NoSuchPerson)
            .also(
                "UPDATE space SET private_of = NULL WHERE space_id = $1",
                values![space],
            )
            .also(SET_MEMBER, values![space, heir, Role::Owner, by.at])
            .noted(by, Deed::SpaceGiven, &Thing::Space(space), &heir.to_string())
            .make(self)
            .await
    }

    /// The members of a space by id, after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn members(
        &self,
        may: &Granted<ReadSpace>,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<MemberRecord>, StorageFault> {
        let space = *may.id();
        let sql = "SELECT person.person_id, name, colour, standing, role, since_ms
                   FROM space_member JOIN person ON person.person_id = space_member.person_id
                   WHERE space_id = $1 AND ($2 IS NULL OR person.person_id > $2)
                   ORDER BY person.person_id LIMIT $3";
        self.list(sql, values![space, after, limit.min(LIST_MAX)], |row| {
            Ok(MemberRecord {
                user: row.need()?,
                name: row.need()?,
                colour: row.need()?,
                standing: row.need()?,
                role: row.need()?,
                since: row.need()?,
            })
        })
        .await
    }

    /// Makes somebody a member, or gives a member another role.
    ///
    /// # Errors
    /// [`SpaceError`]
    pub async fn set_member(
        &self,
        may: &Granted<ManageSpace>,
        user: UserId,
        role: Role,
        by: &By,
    ) -> Result<(), SpaceError> {
        let space = *may.id();
        let detail = format!("{user} {}", word(role));
        let change = Change::of_rights(may.decided_at())
            .needs(IS_THERE, values![space], SpaceError::NoSuchSpace)
            .needs(IS_SHARED, values![space], SpaceError::Private)
            .needs(IS_ACTIVE, values![user], SpaceError::NoSuchPerson);
        let change = match role {
            Role::Owner => change,
            Role::Editor | Role::Commenter | Role::Viewer => change.needs(
                HAS_ANOTHER_OWNER,
                values![space, user],
                SpaceError::LastOwner,
            ),
        };
        change
            .also(SET_MEMBER, values![space, user, role, by.at])
            .noted(by, Deed::MemberSet, &Thing::Space(space), &detail)
            .make(self)
            .await
    }

    /// Takes somebody out of a space.
    ///
    /// # Errors
    /// [`SpaceError`]
    pub async fn remove_member(
        &self,
        may: &Granted<ManageSpace>,
        user: UserId,
        by: &By,
    ) -> Result<(), SpaceError> {
        let change = Change::of_rights(may.decided_at());
        without_member(change, *may.id(), user, by).make(self).await
    }

    /// Leaves a space.
    ///
    /// # Errors
    /// [`SpaceError`]
    pub async fn leave_space(
        &self,
        may: &Granted<ManageOwnAccount>,
        space: SpaceId,
        by: &By,
    ) -> Result<(), SpaceError> {
        let change = Change::of_rights(may.decided_at());
        without_member(change, space, *may.id(), by)
            .make(self)
            .await
    }
}

fn without_member(
    change: Change<SpaceError>,
    space: SpaceId,
    user: UserId,
    by: &By,
) -> Change<SpaceError> {
    change
        .needs(IS_THERE, values![space], SpaceError::NoSuchSpace)
        .needs(IS_SHARED, values![space], SpaceError::Private)
        .needs(
            HAS_ANOTHER_OWNER,
            values![space, user],
            SpaceError::LastOwner,
        )
        .needs(
            "DELETE FROM space_member WHERE space_id = $1 AND person_id = $2",
            values![space, user],
            SpaceError::NoSuchMember,
        )
        .noted(
            by,
            Deed::MemberGone,
            &Thing::Space(space),
            &user.to_string(),
        )
}

/// The space keeps an owner whose account is in use without this person, or they are none anyway.
const HAS_ANOTHER_OWNER: &str = "UPDATE space SET name = name WHERE space_id = $1 AND (
     EXISTS (SELECT 1 FROM space_member JOIN person ON person.person_id = space_member.person_id
             WHERE space_member.space_id = $1 AND role = 3 AND standing = 0
               AND space_member.person_id <> $2)
     OR NOT EXISTS (SELECT 1 FROM space_member
                    WHERE space_member.space_id = $1 AND person_id = $2 AND role = 3))";

const SET_MEMBER: &str = "INSERT INTO space_member (space_id, person_id, role, since_ms)
     VALUES ($1, $2, $3, $4) ON CONFLICT (space_id, person_id) DO UPDATE SET role = excluded.role";

/// A role as the record calls it.
pub(super) const fn word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Commenter => "commenter",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

fn record(row: &mut Cells<'_>) -> Result<SpaceRecord, StorageFault> {
    Ok(SpaceRecord {
        space: row.need()?,
        name: row.need()?,
        private_of: row.may()?,
        created_at: row.need()?,
        deleted_at: row.may()?,
        role: row.may()?,
    })
}
