//! Accounts elsewhere by which people sign in here.

use sheaf_core::access::ManageOwnAccount;
use sheaf_shared::ids::UserId;

use super::audit::{Deed, Thing};
use super::cells::values;
use super::change::Change;
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
