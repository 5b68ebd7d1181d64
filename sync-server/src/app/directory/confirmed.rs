//! The addresses by which people sign in, and of which it is known that they are those of who has the account.
//!
//! Everyone may set the address they sign in by, and nothing is sent there by that. So an address alone is no reason to let
//! somebody into an account who shows elsewhere that it is theirs: it must have been confirmed by somebody who can know, or they
//! show here that the account is theirs, too.

use sheaf_core::access::ManagePerson;
use sheaf_shared::ids::UserId;
use sheaf_shared::people::Email;

use super::audit::{Deed, Thing};
use super::cells::values;
use super::change::Change;
use super::people::{FORGET_RESETS, IS_THERE, PersonError};
use super::secret::SecretHash;
use super::{By, Directory, Granted, Undone, Whose};

/// Whether the account has the address that was confirmed.
pub(super) const IS_CONFIRMED: &str = "UPDATE person SET standing = standing WHERE person_id = $1
     AND EXISTS (SELECT 1 FROM confirmed_address AS known
         WHERE known.person_id = person.person_id AND known.email = person.email)";

/// The address that the account has now is confirmed.
const CONFIRM: &str = "INSERT INTO confirmed_address (person_id, email, confirmed_ms)
     SELECT person_id, email, $1 FROM person WHERE person_id = $2 AND email IS NOT NULL
     ON CONFLICT (person_id) DO UPDATE SET email = excluded.email, confirmed_ms = excluded.confirmed_ms";

/// The same, if it is the one that an invitation, or a letter to set a password, was made for.
const CONFIRM_INVITED: &str = "INSERT INTO confirmed_address (person_id, email, confirmed_ms)
     SELECT person.person_id, person.email, $1 FROM person
     JOIN invitation ON invitation.email = person.email
     WHERE person.person_id = $2 AND invitation.secret_hash = $3
     ON CONFLICT (person_id) DO UPDATE SET email = excluded.email, confirmed_ms = excluded.confirmed_ms";

/// An address that nobody has any more.
pub(super) const FORGET_CONFIRMED: &str = "DELETE FROM confirmed_address WHERE person_id = $1";

/// The address that `user` has by then is theirs.
pub(super) fn confirmed<E: From<Undone>>(change: Change<E>, user: UserId, by: &By) -> Change<E> {
    change.also(CONFIRM, values![by.at, user])
}

/// `user` has used an invitation, or a letter, that may have been for an address.
pub(super) fn confirmed_by<E: From<Undone>>(
    change: Change<E>,
    user: UserId,
    hash: SecretHash,
    by: &By,
) -> Change<E> {
    change.also(CONFIRM_INVITED, values![by.at, user, hash])
}

impl Directory<'_> {
    /// Changes the address by which a person signs in to one that nobody has confirmed, and takes back what was sent to the old one to set a password.
    ///
    /// # Errors
    /// [`PersonError`]
    pub async fn readdress_person(
        &self,
        whose: impl Into<Whose>,
        email: Email,
        by: &By,
    ) -> Result<(), PersonError> {
        let Whose { user, decided_at } = whose.into();
        let detail = email.as_str().to_owned();
        Change::of_rights(decided_at)
            .needs(IS_THERE, values![user], PersonError::NoSuchPerson)
            .needs(
                "UPDATE person SET email = $1 WHERE person_id = $2",
                values![email, user],
                PersonError::EmailTaken,
            )
            .also(FORGET_RESETS, values![user])
            .also(FORGET_CONFIRMED, values![user])
            .noted(by, Deed::PersonChanged, &Thing::Person(user), &detail)
            .make(self)
            .await
    }

    /// Somebody who looks after people says that `email` is the address of this account's person.
    ///
    /// # Errors
    /// [`PersonError::NoSuchPerson`] also if the account has another address by now.
    pub async fn confirm_address(
        &self,
        may: &Granted<ManagePerson>,
        email: &Email,
        by: &By,
    ) -> Result<(), PersonError> {
        let user = *may.id();
        let change = Change::of_rights(may.decided_at()).needs(
            "UPDATE person SET standing = standing WHERE person_id = $1 AND email = $2",
            values![user, email.clone()],
            PersonError::NoSuchPerson,
        );
        confirmed(change, user, by)
            .noted(
                by,
                Deed::AddressConfirmed,
                &Thing::Person(user),
                email.as_str(),
            )
            .make(self)
            .await
    }
}
