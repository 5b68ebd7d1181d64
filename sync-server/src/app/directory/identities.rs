//! Accounts elsewhere by which people sign in here.

use sheaf_core::access::{ManageOwnAccount, Office};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, SpaceId, UserId};
use sheaf_shared::people::Email;

use super::audit::{Deed, Thing};
use super::cells::values;
use super::change::Change;
use super::confirmed::{IS_CONFIRMED, confirmed};
use super::people::{NewPerson, with_private_space};
use super::{By, Directory, Granted, LIST_MAX, Undone, Whose};
use crate::ports::StorageFault;

/// Longest issuer or subject, in bytes.
const TEXT_BYTES_MAX: usize = 512;

/// An account elsewhere: who vouches for it, and what it is called there. Both are compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    issuer: String,
    subject: String,
}

/// An identity is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an issuer and a subject have 1 to {TEXT_BYTES_MAX} bytes")]
pub struct IdentityTextError;

impl Identity {
    /// Takes both as they are.
    ///
    /// # Errors
    /// [`IdentityTextError`] when one is empty, longer than 512 bytes, or holds a control character.
    pub fn parse(issuer: &str, subject: &str) -> Result<Self, IdentityTextError> {
        let is_right = |text: &str| {
            (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
        };
        if !is_right(issuer) || !is_right(subject) {
            return Err(IdentityTextError);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// Who vouches for it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it is called there.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// Who gets an account by an account elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// Whoever was invited at the address that the provider vouches for.
    Invited,
    /// Whoever the provider knows.
    Anyone,
}

/// Why an identity was not tied or untied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// The account is not in use.
    #[error("there is no such person")]
    NoSuchPerson,
    /// It is tied to an account already.
    #[error("this account elsewhere belongs to somebody here already")]
    Taken,
    /// It is not tied to this person.
    #[error("this account elsewhere is not yours")]
    NotTied,
    /// Nobody has confirmed that the account's address is that of who has it.
    #[error("nobody has confirmed the address of this account")]
    Unconfirmed,
    /// Another account has the address.
    #[error("there is an account with this address already")]
    EmailTaken,
    /// They could not sign in any more.
    #[error("set a password first: there would be no other way to sign in")]
    LastWayIn,
}

impl Directory<'_> {
    /// Lets a person sign in by `identity`.
    ///
    /// # Errors
    /// [`IdentityError`]
    pub async fn tie_identity(
        &self,
        may: &Granted<ManageOwnAccount>,
        identity: &Identity,
        by: &By,
    ) -> Result<(), IdentityError> {
        let user = *may.id();
        Change::of_rights(may.decided_at())
            .needs(
                "UPDATE person SET standing = standing WHERE person_id = $1 AND standing = 0",
                values![user],
                IdentityError::NoSuchPerson,
            )
            .needs(
                "INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3)",
                values![identity.issuer.clone(), identity.subject.clone(), user],
                IdentityError::Taken,
            )
            .noted(
                by,
                Deed::IdentityTied,
                &Thing::Person(user),
                &identity.issuer,
            )
            .make(self)
            .await
    }

    /// Lets the person sign in by `identity` whose account has the address `email`, which the provider vouches for, if it was
    /// confirmed here. Answers whose account it is.
    ///
    /// # Errors
    /// [`IdentityError`]
    pub async fn tie_by_email(
        &self,
        identity: &Identity,
        email: &Email,
        by: &By,
    ) -> Result<UserId, IdentityError> {
        let found = self
            .person_by_email(email.clone())
            .await
            .map_err(Undone::Storage)?;
        let user = found.ok_or(IdentityError::NoSuchPerson)?.user;
        Change::of_rights(None)
            // By the address once more: it may be somebody else's by now.
            .needs(
                "UPDATE person SET standing = standing WHERE person_id = $1 AND email = $2 AND standing = 0",
                values![user, email.clone()],
                IdentityError::NoSuchPerson,
            )
            .needs(IS_CONFIRMED, values![user], IdentityError::Unconfirmed)
            .needs(
                "INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3)",
                values![identity.issuer.clone(), identity.subject.clone(), user],
                IdentityError::Taken,
            )
            .noted(by, Deed::IdentityTied, &Thing::Person(user), &identity.issuer)
            .make(self)
            .await?;
        Ok(user)
    }

    /// The same for somebody who is signed in to that account, so that it need not be confirmed; it is now.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchPerson`] also if the account has another address.
    pub async fn tie_own_by_email(
        &self,
        may: &Granted<ManageOwnAccount>,
        identity: &Identity,
        email: &Email,
        by: &By,
    ) -> Result<UserId, IdentityError> {
        let user = *may.id();
        let change = Change::of_rights(may.decided_at())
            .needs(
                "UPDATE person SET standing = standing WHERE person_id = $1 AND email = $2 AND standing = 0",
                values![user, email.clone()],
                IdentityError::NoSuchPerson,
            )
            .needs(
                "INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3)",
                values![identity.issuer.clone(), identity.subject.clone(), user],
                IdentityError::Taken,
            );
        confirmed(change, user, by)
            .noted(
                by,
                Deed::IdentityTied,
                &Thing::Person(user),
                &identity.issuer,
            )
            .make(self)
            .await?;
        Ok(user)
    }

    /// Makes an account for who has `identity`: by an invitation to their address, which is used up, or, if `welcome` says
    /// so, by nothing else.
    ///
    /// # Errors
    /// [`IdentityError::NoSuchPerson`] if nobody invited them; of several who try at once, one succeeds.
    pub async fn join_by_identity(
        &self,
        identity: &Identity,
        welcome: Welcome,
        new: NewPerson,
        by: &By,
    ) -> Result<(), IdentityError> {
        let NewPerson { user, private, .. } = new;
        let name = new.name.clone();
        // The oldest that still counts. None: then anyone is a member of nothing but their own space.
        let invitation = "SELECT invitation_id, office, space_id, role FROM invitation
             WHERE email = $1 AND person_id IS NULL AND used_ms IS NULL AND ends_ms > $2
             ORDER BY made_ms, invitation_id LIMIT 1";
        let values = values![new.email.clone(), by.at];
        let found = self.one(invitation, values, |row| {
            let id: InvitationId = row.need()?;
            let office: Office = row.need()?;
            let space: Option<SpaceId> = row.may()?;
            let role: Option<Role> = row.may()?;
            Ok((id, office, space, role))
        });
        let found = found.await.map_err(Undone::Storage)?;
        if found.is_none() && welcome == Welcome::Invited {
            return Err(IdentityError::NoSuchPerson);
        }
        let mut change = Change::of_rights(None);
        let mut office = Office::Member;
        let mut into = None;
        if let Some((id, invited_as, space, role)) = found {
            office = invited_as;
            into = space.zip(role);
            change = change.needs(
                "UPDATE invitation SET used_ms = $1 WHERE invitation_id = $2 AND used_ms IS NULL AND ends_ms > $1",
                values![by.at, id],
                IdentityError::NoSuchPerson,
            );
        }
        change = change
            .needs(
                // The first account owns the installation, and is made in another way.
                "INSERT INTO person (person_id, email, name, colour, office, standing, password, created_ms)
                 SELECT $1, $2, $3, $4, $5, 0, NULL, $6 WHERE EXISTS (SELECT 1 FROM person)",
                values![user, new.email, new.name, new.colour, office, by.at],
                IdentityError::EmailTaken,
            )
            .needs(
                "INSERT INTO identity (issuer, subject, person_id) VALUES ($1, $2, $3)",
                values![identity.issuer.clone(), identity.subject.clone(), user],
                IdentityError::Taken,
            );
        change = with_private_space(change, user, private, &name, by);
        change = confirmed(change, user, by);
        if let Some((space, role)) = into {
            // It may have been deleted since: then there is nothing to be a member of.
            change = change.also(
                "INSERT INTO space_member (space_id, person_id, role, since_ms)
                 SELECT space_id, $1, $2, $3 FROM space WHERE space_id = $4 AND deleted_ms IS NULL",
                values![user, role, by.at, space],
            );
        }
        change
            .noted(by, Deed::PersonAdded, &Thing::Person(user), name.as_str())
            .make(self)
            .await
    }

    /// Ends that, if there is another way for them to sign in.
    ///
    /// # Errors
    /// [`IdentityError`]
    pub async fn untie_identity(
        &self,
        may: &Granted<ManageOwnAccount>,
        identity: &Identity,
        by: &By,
    ) -> Result<(), IdentityError> {
        let user = *may.id();
        Change::of_rights(may.decided_at())
            .needs(
                "DELETE FROM identity WHERE issuer = $1 AND subject = $2 AND person_id = $3",
                values![identity.issuer.clone(), identity.subject.clone(), user],
                IdentityError::NotTied,
            )
            .needs(
                "UPDATE person SET standing = standing WHERE person_id = $1 AND (password IS NOT NULL
                     OR EXISTS (SELECT 1 FROM identity WHERE identity.person_id = $1))",
                values![user],
                IdentityError::LastWayIn,
            )
            .noted(by, Deed::IdentityUntied, &Thing::Person(user), &identity.issuer)
            .make(self)
            .await
    }

    /// Whose account `identity` is tied to, in use or not.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn person_by_identity(
        &self,
        identity: &Identity,
    ) -> Result<Option<UserId>, StorageFault> {
        let sql = "SELECT person_id FROM identity WHERE issuer = $1 AND subject = $2";
        let values = values![identity.issuer.clone(), identity.subject.clone()];
        self.one(sql, values, |row| row.need()).await
    }

    /// Those of a person; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn identities_of(
        &self,
        whose: impl Into<Whose>,
    ) -> Result<Vec<Identity>, StorageFault> {
        let Whose { user, .. } = whose.into();
        let sql = "SELECT issuer, subject FROM identity WHERE person_id = $1
                   ORDER BY issuer, subject LIMIT $2";
        self.list(sql, values![user, LIST_MAX], |row| {
            Ok(Identity {
                issuer: row.need()?,
                subject: row.need()?,
            })
        })
        .await
    }
}
