//! Links by which somebody makes an account, or sets a new password. Each is used once.

use sheaf_core::access::{InvitePeople, ManagePerson, ManageSpace, Office, ReadPeople};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, SpaceId, UserId};
use sheaf_shared::people::Email;
use sheaf_shared::time::UnixMs;

use super::audit::{Deed, Thing};
use super::cells::{Cells, values};
use super::change::Change;
use super::confirmed::confirmed_by;
use super::granted::older;
use super::people::{NewPerson, with_private_space};
use super::secret::{InvitationSecret, PasswordHash};
use super::{By, Directory, Granted, LIST_MAX, Undone};
use crate::ports::StorageFault;

/// What an invitation is to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invitation {
    /// To make an account.
    Join {
        /// The address it will have; `None`: whatever is given.
        email: Option<Email>,
        /// What it will be to the installation.
        office: Office,
        /// A space it will be a member of, and as what.
        space: Option<(SpaceId, Role)>,
    },
    /// To set another password of this account.
    Reset(UserId),
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationRecord {
    /// Its id.
    pub id: InvitationId,
    /// What it is to.
    pub to: Invitation,
    /// Who made it; `None`: whoever runs the server.
    pub made_by: Option<UserId>,
    /// When.
    pub made_at: UnixMs,
    /// When it ends.
    pub ends_at: UnixMs,
}

/// Why an invitation was not made, used or taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// Nothing was wrong with the request.
    #[error(transparent)]
    Undone(#[from] Undone),
    /// There is none, or it was used, taken back, or has ended.
    #[error("this invitation is used up, or there never was one")]
    NoSuchInvitation,
    /// There is no such account, or none that has a password to set.
    #[error("there is no such person")]
    NoSuchPerson,
    /// There is no such space to be invited to.
    #[error("there is no such space")]
    NoSuchSpace,
    /// Another account has the address.
    #[error("there is an account with this address already")]
    EmailTaken,
}

impl Directory<'_> {
    /// Invites somebody to the office that `may` be given, and into `space` if it is one that may be managed, until
    /// `ends_at`.
    ///
    /// # Errors
    /// [`InvitationError`]
    pub async fn invite(
        &self,
        may: &Granted<InvitePeople>,
        (id, secret): (InvitationId, &InvitationSecret),
        email: Option<Email>,
        space: Option<(&Granted<ManageSpace>, Role)>,
        ends_at: UnixMs,
        by: &By,
    ) -> Result<(), InvitationError> {
        let detail = email.as_ref().map_or("", Email::as_str).to_owned();
        let (manages, role) = space.unzip();
        let decided_at = manages.map_or(may.decided_at(), |manages| {
            older(may.decided_at(), manages.decided_at())
        });
        let space = manages.map(|manages| *manages.id());
        let mut change = Change::of_rights(decided_at);
        if let Some(space) = space {
            change = change.needs(CAN_BE_JOINED, values![space], InvitationError::NoSuchSpace);
        }
        let values = values![
            secret.hash(),
            id,
            email,
            *may.id(),
            space,
            role,
            by.actor.user(),
            by.at,
            ends_at,
        ];
        change
            .also(
                "INSERT INTO invitation (secret_hash, invitation_id, email, office, space_id, role, made_by, made_ms, ends_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                values,
            )
            .noted(by, Deed::Invited, &Thing::Invitation(id), &detail)
            .make(self)
            .await
    }

    /// Makes a link by which a person sets another password until `ends_at`, and takes back those made before. Somebody hands it
    /// over, who knows it too.
    ///
    /// # Errors
    /// [`InvitationError`]
    pub async fn offer_reset(
        &self,
        may: &Granted<ManagePerson>,
        made: (InvitationId, &InvitationSecret),
        ends_at: UnixMs,
        by: &By,
    ) -> Result<(), InvitationError> {
        self.make_reset(may, made, None, ends_at, by).await
    }

    /// The same, to be sent to `email` and nowhere else: whoever uses it has that address.
    ///
    /// # Errors
    /// [`InvitationError`]
    pub async fn send_reset(
        &self,
        may: &Granted<ManagePerson>,
        made: (InvitationId, &InvitationSecret),
        email: Email,
        ends_at: UnixMs,
        by: &By,
    ) -> Result<(), InvitationError> {
        self.make_reset(may, made, Some(email), ends_at, by).await
    }

    async fn make_reset(
        &self,
        may: &Granted<ManagePerson>,
        (id, secret): (InvitationId, &InvitationSecret),
        email: Option<Email>,
        ends_at: UnixMs,
        by: &By,
    ) -> Result<(), InvitationError> {
        let user = *may.id();
        Change::of_rights(may.decided_at())
            .also(
                "DELETE FROM invitation WHERE person_id = $1 AND used_ms IS NULL",
                values![user],
            )
            .needs(
                "INSERT INTO invitation (secret_hash, invitation_id, person_id, email, office, made_by, made_ms, ends_ms)
                 SELECT $1, $2, person_id, $3, 0, $4, $5, $6 FROM person WHERE person_id = $7 AND standing = 0",
                values![secret.hash(), id, email, by.actor.user(), by.at, ends_at, user],
                InvitationError::NoSuchPerson,
            )
            .noted(by, Deed::ResetOffered, &Thing::Person(user), "")
            .make(self)
            .await
    }

    /// What `secret` invites to at `now`; `None` if it was used or has ended.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn invitation(
        &self,
        secret: &InvitationSecret,
        now: UnixMs,
    ) -> Result<Option<InvitationRecord>, StorageFault> {
        let sql = "SELECT invitation_id, person_id, email, office, space_id, role, made_by, made_ms, ends_ms
                   FROM invitation WHERE secret_hash = $1 AND used_ms IS NULL AND ends_ms > $2";
        self.one(sql, values![secret.hash(), now], record).await
    }

    /// The invitations to join that can still be used, by id after `after`; at most `limit`.
    ///
    /// # Errors
    /// [`StorageFault`]
    pub async fn open_invitations(
        &self,
        _may: &Granted<ReadPeople>,
        after: Option<InvitationId>,
        limit: u32,
        now: UnixMs,
    ) -> Result<Vec<InvitationRecord>, StorageFault> {
        let sql = "SELECT invitation_id, person_id, email, office, space_id, role, made_by, made_ms, ends_ms
                   FROM invitation WHERE ($1 IS NULL OR invitation_id > $1)
                     AND person_id IS NULL AND used_ms IS NULL AND ends_ms > $2
                   ORDER BY invitation_id LIMIT $3";
        self.list(sql, values![after, now, limit.min(LIST_MAX)], record)
            .await
    }

    /// Takes an invitation back that is to no greater office than `may` be given.
    ///
    /// # Errors
    /// [`InvitationError::NoSuchInvitation`] also if it was used.
    pub async fn revoke_invitation(
        &self,
        may: &Granted<InvitePeople>,
        id: InvitationId,
        by: &By,
    ) -> Result<(), InvitationError> {
        Change::of_rights(may.decided_at())
            .needs(
                "DELETE FROM invitation WHERE invitation_id = $1 AND office <= $2 AND used_ms IS NULL",
                values![id, *may.id()],
                InvitationError::NoSuchInvitation,
            )
            .noted(by, Deed::InvitationRevoked, &Thing::Invitation(id), "")
            .make(self)
            .await
    }

    /// Makes the account that `secret` invites to make, with the office, the space and, if it names one, the address that
    /// the invitation says.
    ///
    /// # Errors
    /// [`InvitationError`]; of several who try at once, one succeeds.
    pub async fn join(
        &self,
        secret: &InvitationSecret,
        new: NewPerson,
        by: &By,
    ) -> Result<(), InvitationError> {
        let NewPerson { user, private, .. } = new;
        let (hash, name) = (secret.hash(), new.name.clone());
        let change = Change::of_rights(None)
            .needs(
                "UPDATE invitation SET used_ms = $1 WHERE secret_hash = $2
                   AND person_id IS NULL AND used_ms IS NULL AND ends_ms > $1",
                values![by.at, hash],
                InvitationError::NoSuchInvitation,
            )
            .needs(
                "INSERT INTO person (person_id, email, name, colour, office, standing, password, created_ms)
                 SELECT $1, COALESCE(email, $2), $3, $4, office, 0, $5, $6 FROM invitation
                 WHERE secret_hash = $7",
                values![user, new.email, new.name, new.colour, new.password, by.at, hash],
                InvitationError::EmailTaken,
            );
        let change = with_private_space(change, user, private, &name, by);
        confirmed_by(change, user, hash, by)
            // It may have been deleted since: then there is nothing to be a member of.
            .also(
                "INSERT INTO space_member (space_id, person_id, role, since_ms)
                 SELECT space.space_id, $1, role, $2 FROM invitation
                 JOIN space ON space.space_id = invitation.space_id
                 WHERE secret_hash = $3 AND deleted_ms IS NULL",
                values![user, by.at, hash],
            )
            .noted(
                by,
                Deed::InvitationUsed,
                &Thing::Person(user),
                name.as_str(),
            )
            .make(self)
            .await
    }

    /// Sets the password that `secret` lets set, ends every session of the account, and answers whose it is.
    ///
    /// # Errors
    /// [`InvitationError`]; of several who try at once, one succeeds.
    pub async fn reset_password(
        &self,
        secret: &InvitationSecret,
        password: PasswordHash,
        by: &By,
    ) -> Result<UserId, InvitationError> {
        let hash = secret.hash();
        // Whose it is never changes, so it may be read before.
        let found = self
            .invitation(secret, by.at)
            .await
            .map_err(Undone::Storage)?;
        let Some(Invitation::Reset(user)) = found.map(|record| record.to) else {
            return Err(InvitationError::NoSuchInvitation);
        };
        let change = Change::of_rights(None)
            .needs(
                "UPDATE invitation SET used_ms = $1 WHERE secret_hash = $2
                   AND person_id IS NOT NULL AND used_ms IS NULL AND ends_ms > $1",
                values![by.at, hash],
                InvitationError::NoSuchInvitation,
            )
            .needs(
                "UPDATE person SET password = $1 WHERE person_id = $2 AND standing = 0",
                values![password, user],
                InvitationError::NoSuchPerson,
            )
            .also("DELETE FROM session WHERE person_id = $1", values![user]);
        confirmed_by(change, user, hash, by)
            .noted(by, Deed::PasswordSet, &Thing::Person(user), "")
            .make(self)
            .await?;
        Ok(user)
    }

    /// Removes invitations that were used or ended before `until`.
    ///
    /// # Errors
    /// [`Undone`]
    pub async fn sweep_invitations(&self, until: UnixMs) -> Result<(), Undone> {
        Change::beside()
            .also(
                "DELETE FROM invitation WHERE ends_ms < $1 OR used_ms < $1",
                values![until],
            )
            .make(self)
            .await
    }
}

/// The space is there, and nobody's alone.
const CAN_BE_JOINED: &str = "UPDATE space SET name = name
     WHERE space_id = $1 AND deleted_ms IS NULL AND private_of IS NULL";

fn record(row: &mut Cells<'_>) -> Result<InvitationRecord, StorageFault> {
    let id = row.need()?;
    let of_account: Option<UserId> = row.may()?;
    let (email, office) = (row.may()?, row.need()?);
    let (space, role) = (row.may()?, row.may()?);
    let join = Invitation::Join {
        email,
        office,
        space: space.zip(role),
    };
    Ok(InvitationRecord {
        id,
        to: of_account.map_or(join, Invitation::Reset),
        made_by: row.may()?,
        made_at: row.need()?,
        ends_at: row.need()?,
    })
}
