//! Accounts. There is one that owns the installation as long as there is any.

use sheaf_core::access::{InvitePeople, ManagePerson, Office, ReadPeople, Standing};
use sheaf_shared::ids::{SessionId, SpaceId, UserId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::{Cells, values};
use super::change::Change;
use super::confirmed::{FORGET_CONFIRMED, confirmed};
use super::granted::older;
use super::secret::PasswordHash;
use super::set_up::FORGET_SET_UP_CODE;
use super::{By, Directory, Granted, LIST_MAX, Undone, Whose};
use crate::ports::StorageFault;

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Its id, drawn by the caller.
    pub user: UserId,
    /// Who signs in by it.
    pub email: Email,
    /// What they are called.
    pub name: Name,
    /// Their caret's colour.
    pub colour: Colour,
    /// `None`: they sign in some other way.
    pub password: Option<PasswordHash>,
    /// The id of the space that will be theirs alone, drawn by the caller.
    pub private: SpaceId,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// Its id.
    pub user: UserId,
    /// `None`: it was deleted.
    pub email: Option<Email>,
    /// What they are called.
    pub name: Name,
    /// Their caret's colour.
    pub colour: Colour,
    /// What they are to the installation.
    pub office: Office,
    /// Whether it may be used.
    pub standing: Standing,
    /// What their password is checked against; `None`: they have none.
    pub password: Option<PasswordHash>,
    /// When it was made.
    pub created_at: UnixMs,
    /// Whether it is known that the address is theirs.
    pub is_confirmed: bool,
}

/// What becomes of the links somebody made when their account goes out of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TheirLinks {
    /// They go on: what was shared stays shared. (Never those into a private space that is deleted with its person.)
    Stay,
    /// They are taken back.
    Revoke,
}

/// Why an account was not made or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// There are accounts already.
    #[error("somebody has made the first account already")]
    FoundedAlready,
    /// Another account has this address.
    #[error("there is an account with this address already")]
    EmailTaken,
    /// There is no such account in use, or none that could be changed so.
    #[error("there is no such account")]
    NoSuchPerson,
    /// A server of an earlier release is at work, which knows no accounts and would go on letting everyone in.
    #[error("a server of an earlier release still runs on this database: stop it first")]
    EarlierRelease,
    /// Nobody would own the installation any more.
    #[error("somebody has to own the installation: make somebody else an owner first")]
    LastOwner,
}

/// Every document that was written before there were people, but no tree: those belong to their space by their name.
const ADOPT_DOCUMENTS: &str = "INSERT INTO belonging (name, space_id, made_by, made_ms)
     SELECT name, $1, NULL, created_at_ms FROM doc WHERE substr(name, 1, 6) <> 'space:'
     ON CONFLICT (name) DO NOTHING";

/// Whether the account is one that can be changed at all.
pub(super) const IS_THERE: &str =
    "UPDATE person SET standing = standing WHERE person_id = $1 AND standing <> 2";

macro_rules! person_where {
    ($rest:literal) => {
        concat!(
            "SELECT person_id, email, name, colour, office, standing, password, created_ms, (
                 SELECT count(*) FROM confirmed_address AS known
                 WHERE known.person_id = person.person_id AND known.email = person.email)
             FROM person ",
            $rest
        )
    };
}

impl Directory<'_> {
    /// Whether there is any account.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn is_founded(&self) -> Result<bool, StorageFault> {
        let sql = "SELECT person_id FROM person LIMIT 1";
        let found = self.one(sql, Vec::new(), |row| row.need::<UserId>()).await;
        Ok(found?.is_some())
    }

    /// Makes the first account, which owns the installation. The first space, named `home`, becomes theirs with every
    /// document that was written before.
    ///
    /// # Errors
    /// [`PersonError`]; of several who try at once, one succeeds.
    pub async fn found(&self, new: NewPerson, home: Name, by: &By) -> Result<(), PersonError> {
        let NewPerson { user, private, .. } = new;
        let name = new.name.clone();
        let mut founded = Change::of_rights(None);
        if let Some(closing) = self.tables.closing_to_earlier() {
            founded = founded.needs(closing.sql, closing.values, PersonError::EarlierRelease);
        }
        let founded = founded.needs(
            "INSERT INTO person (person_id, email, name, colour, office, standing, password, created_ms)
             SELECT $1, $2, $3, $4, 2, 0, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM person)",
            values![user, new.email, new.name, new.colour, new.password, by.at],
            PersonError::FoundedAlready,
        );
        let founded = with_private_space(founded, user, private, &name, by)
            .also(
                "INSERT INTO space (space_id, name, created_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (space_id) DO NOTHING",
                values![SpaceId::HOME, home, by.at],
            )
            .also(
                "INSERT INTO space_member (space_id, person_id, role, since_ms) VALUES ($1, $2, 3, $3)",
                values![SpaceId::HOME, user, by.at],
            )
            .also(ADOPT_DOCUMENTS, values![SpaceId::HOME])
            .also(FORGET_SET_UP_CODE, Vec::new());
        // Whoever makes it runs the installation.
        confirmed(founded, user, by)
            .noted(by, Deed::Founded, &Thing::Person(user), name.as_str())
            .make(self)
            .await
    }

    /// Makes an account with the office that `may` be given, and its private space, for somebody whose address is known.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn add_person(
        &self,
        may: &Granted<InvitePeople>,
        new: NewPerson,
        by: &By,
    ) -> Result<(), PersonError> {
        let office = *may.id();
        let NewPerson { user, private, .. } = new;
        let name = new.name.clone();
        let added = Change::of_rights(may.decided_at())
            // An id that is there already would look like a taken address.
            .needs(
                "INSERT INTO person (person_id, email, name, colour, office, standing, password, created_ms)
                 VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
                values![user, new.email, new.name, new.colour, office, new.password, by.at],
                PersonError::EmailTaken,
            );
        let added = with_private_space(added, user, private, &name, by);
        confirmed(added, user, by)
            .noted(by, Deed::PersonAdded, &Thing::Person(user), name.as_str())
            .make(self)
            .await
    }

    /// The account named so, deleted ones too.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn person(&self, user: UserId) -> Result<Option<PersonRecord>, StorageFault> {
        self.one(person_where!("WHERE person_id = $1"), values![user], record)
            .await
    }

    /// The account with this address.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn person_by_email(
        &self,
        email: Email,
    ) -> Result<Option<PersonRecord>, StorageFault> {
        self.one(person_where!("WHERE email = $1"), values![email], record)
            .await
    }

    /// At most `limit` accounts that were not deleted, by address, after `after`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn people(
        &self,
        _may: &Granted<ReadPeople>,
        after: Option<Email>,
        limit: u32,
    ) -> Result<Vec<PersonRecord>, StorageFault> {
        let sql = person_where!(
            "WHERE standing <> 2 AND ($1 IS NULL OR email > $1) ORDER BY email LIMIT $2"
        );
        self.list(sql, values![after, limit.min(LIST_MAX)], record)
            .await
    }

    /// Names a person anew.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn rename_person(
        &self,
        whose: impl Into<Whose>,
        name: Name,
        by: &By,
    ) -> Result<(), PersonError> {
        let Whose { user, decided_at } = whose.into();
        let detail = name.as_str().to_owned();
        Change::of_rights(decided_at)
            .needs(
                "UPDATE person SET name = $1 WHERE person_id = $2 AND standing <> 2",
                values![name, user],
                PersonError::NoSuchPerson,
            )
            .noted(by, Deed::PersonChanged, &Thing::Person(user), &detail)
            .make(self)
            .await
    }

    /// Gives a person another colour.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn recolour_person(
        &self,
        whose: impl Into<Whose>,
        colour: Colour,
        by: &By,
    ) -> Result<(), PersonError> {
        let Whose { user, decided_at } = whose.into();
        Change::of_rights(decided_at)
            .needs(
                "UPDATE person SET colour = $1 WHERE person_id = $2 AND standing <> 2",
                values![colour, user],
                PersonError::NoSuchPerson,
            )
            .noted(
                by,
                Deed::PersonChanged,
                &Thing::Person(user),
                &colour.to_string(),
            )
            .make(self)
            .await
    }

    /// Sets a password, and ends every session of the person but `keep`, with whatever was on its way to set another.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn set_password(
        &self,
        whose: impl Into<Whose>,
        password: PasswordHash,
        keep: Option<SessionId>,
        by: &By,
    ) -> Result<(), PersonError> {
        let Whose { user, decided_at } = whose.into();
        Change::of_rights(decided_at)
            .needs(
                "UPDATE person SET password = $1 WHERE person_id = $2 AND standing <> 2",
                values![password, user],
                PersonError::NoSuchPerson,
            )
            .also(
                "DELETE FROM session WHERE person_id = $1 AND ($2 IS NULL OR session_id <> $2)",
                values![user, keep],
            )
            .also(FORGET_RESETS, values![user])
            .noted(by, Deed::PasswordSet, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// Gives a person the office that `seat` says. Who becomes a mere member takes back the invitations they made.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn set_office(
        &self,
        may: &Granted<ManagePerson>,
        seat: &Granted<InvitePeople>,
        by: &By,
    ) -> Result<(), PersonError> {
        let (user, office) = (*may.id(), *seat.id());
        let decided_at = older(may.decided_at(), seat.decided_at());
        let detail = match office {
            Office::Member => "member",
            Office::Admin => "admin",
            Office::Owner => "owner",
        };
        let mut change = Change::of_rights(decided_at)
            .needs(IS_THERE, values![user], PersonError::NoSuchPerson)
            .needs(
                "UPDATE person SET office = $1 WHERE person_id = $2 AND ($1 = 2 OR EXISTS (
                     SELECT 1 FROM person AS other
                     WHERE other.office = 2 AND other.standing = 0 AND other.person_id <> $2))",
                values![office, user],
                PersonError::LastOwner,
            );
        if office == Office::Member {
            change = change.also(FORGET_INVITATIONS, values![user]);
        }
        change
            .noted(by, Deed::OfficeSet, &Thing::Person(user), detail)
            .make(self)
            .await
    }

    /// Takes an account out of use: its sessions end, its tokens open nothing, its invitations are gone.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn disable_person(
        &self,
        may: &Granted<ManagePerson>,
        links: TheirLinks,
        by: &By,
    ) -> Result<(), PersonError> {
        let user = *may.id();
        let change = Change::of_rights(may.decided_at())
            .needs(IS_THERE, values![user], PersonError::NoSuchPerson)
            .needs(
                "UPDATE person SET standing = 1 WHERE person_id = $1 AND EXISTS (
                     SELECT 1 FROM person AS other
                     WHERE other.office = 2 AND other.standing = 0 AND other.person_id <> $1)",
                values![user],
                PersonError::LastOwner,
            );
        shut_out(change, user, links, by)
            .noted(by, Deed::PersonDisabled, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// Puts a disabled account to use again.
    ///
    /// # Errors
    /// [`PersonError`]; [`PersonError::NoSuchPerson`] also if it is not disabled.
    pub async fn enable_person(
        &self,
        may: &Granted<ManagePerson>,
        by: &By,
    ) -> Result<(), PersonError> {
        let user = *may.id();
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE person SET standing = 0 WHERE person_id = $1 AND standing = 1",
                values![user],
                PersonError::NoSuchPerson,
            )
            .noted(by, Deed::PersonEnabled, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// Deletes an account. Its name stays with what bears it and its pages stay where they are; its address is free; it is
    /// a member nowhere, so its private space, and any that it alone owned, wait for [`Directory::give_space`].
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn delete_person(
        &self,
        whose: impl Into<Whose>,
        links: TheirLinks,
        by: &By,
    ) -> Result<(), PersonError> {
        let Whose { user, decided_at } = whose.into();
        let change = Change::of_rights(decided_at)
            .needs(IS_THERE, values![user], PersonError::NoSuchPerson)
            .needs(
                "UPDATE person SET standing = 2, office = 0, email = NULL, password = NULL
                 WHERE person_id = $1 AND EXISTS (SELECT 1 FROM person AS other
                     WHERE other.office = 2 AND other.standing = 0 AND other.person_id <> $1)",
                values![user],
                PersonError::LastOwner,
            );
        shut_out(change, user, links, by)
            .also(
                "UPDATE token SET revoked_ms = $1 WHERE person_id = $2 AND revoked_ms IS NULL",
                values![by.at, user],
            )
            .also("DELETE FROM identity WHERE person_id = $1", values![user])
            .also(FORGET_CONFIRMED, values![user])
            .also("DELETE FROM space_member WHERE person_id = $1", values![user])
            // Nobody could see or take back what still leads into a space without people.
            .also(
                "UPDATE share_link SET revoked_ms = $1 WHERE revoked_ms IS NULL AND name IN (
                     SELECT belonging.name FROM belonging JOIN space ON space.space_id = belonging.space_id
                     WHERE space.private_of = $2)",
                values![by.at, user],
            )
            .noted(by, Deed::PersonDeleted, &Thing::Person(user), "")
            .make(self)
            .await
    }
}

/// What was on its way to a person to set a password.
pub(super) const FORGET_RESETS: &str =
    "DELETE FROM invitation WHERE person_id = $1 AND used_ms IS NULL";

/// Those that a person made and nobody used.
const FORGET_INVITATIONS: &str = "DELETE FROM invitation WHERE made_by = $1 AND used_ms IS NULL";

fn shut_out(
    change: Change<PersonError>,
    user: UserId,
    links: TheirLinks,
    by: &By,
) -> Change<PersonError> {
    let change = change
        .also("DELETE FROM session WHERE person_id = $1", values![user])
        .also(FORGET_INVITATIONS, values![user])
        .also(FORGET_RESETS, values![user]);
    match links {
        TheirLinks::Stay => change,
        TheirLinks::Revoke => change.also(
            "UPDATE share_link SET revoked_ms = $1 WHERE made_by = $2 AND revoked_ms IS NULL",
            values![by.at, user],
        ),
    }
}

/// The space that is one person's alone.
pub(super) fn with_private_space<E: From<Undone>>(
    change: Change<E>,
    user: UserId,
    private: SpaceId,
    name: &Name,
    by: &By,
) -> Change<E> {
    change
        .also(
            "INSERT INTO space (space_id, name, private_of, created_ms) VALUES ($1, $2, $3, $4)",
            values![private, name.clone(), user, by.at],
        )
        .also(
            "INSERT INTO space_member (space_id, person_id, role, since_ms) VALUES ($1, $2, 3, $3)",
            values![private, user, by.at],
        )
}

fn record(row: &mut Cells<'_>) -> Result<PersonRecord, StorageFault> {
    Ok(PersonRecord {
        user: row.need()?,
        email: row.may()?,
        name: row.need()?,
        colour: row.need()?,
        office: row.need()?,
        standing: row.need()?,
        password: row.may()?,
        created_at: row.need()?,
        is_confirmed: row.need::<u32>()? > 0,
    })
}
