//! Invitations to make an account.

use sheaf_core::access::{InvitePeople, ManageSpace, ReadPeople, Seat};
use sheaf_shared::access::Role;
use sheaf_shared::api::invitations::{Invitation as Said, MadePath, NewInvitation};
use sheaf_shared::api::{ErrorWord, Secret};
use sheaf_shared::ids::{InvitationId, SpaceId};
use sheaf_shared::time::UnixMs;

use super::super::answers::{Done, Problem, json, nothing, part_of};
use super::me::{office_said, office_told};
use super::{Call, Route, Takes, again, letters, routes};
use crate::adapters::random::Drawn;
use crate::app::directory::invitations::{Invitation, InvitationError, InvitationRecord};
use crate::app::directory::secret::InvitationSecret;
use crate::app::directory::{Granted, LIST_MAX};
use crate::app::letters::Occasion;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/invitations" Someone Takes::Nothing => list;
    POST "/invitations" Someone Takes::Json => make;
    DELETE "/invitations/{id}" Someone Takes::Nothing => revoke;
};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// How long, in milliseconds, an invitation can be used if nobody says otherwise.
pub const INVITATION_MS: u64 = 7 * DAY_MS;
/// And at most.
const INVITATION_MS_MAX: u64 = 30 * DAY_MS;
/// How long, in milliseconds, a new password can be set by a link that was made for it.
pub const RESET_MS: u64 = DAY_MS;

impl Call {
    /// That who asks looks after people.
    pub(super) async fn reads_people(&self) -> Result<Granted<ReadPeople>, Problem> {
        let gate = &self.site.gate;
        Ok(gate.house::<ReadPeople>(&self.keys, self.now).await?)
    }

    async fn invites(&self, seat: Seat) -> Result<Granted<InvitePeople>, Problem> {
        Ok(self.site.gate.seat(&self.keys, seat, self.now).await?)
    }
}

async fn list(call: Call) -> Done {
    let after = call.asked("after", |raw| InvitationId::parse(raw).ok())?;
    let may = call.reads_people().await?;
    let found = call
        .directory()?
        .open_invitations(&may, after, LIST_MAX, call.now)
        .await?;
    let cursor = |invitation: &InvitationRecord| invitation.id.to_string();
    Ok(part_of(found, LIST_MAX, cursor, |record| {
        let Invitation::Join {
            email,
            office,
            space,
        } = record.to
        else {
            return None;
        };
        let (space, role) = space.unzip();
        Some(Said {
            id: record.id,
            office: office_said(office),
            space,
            role,
            email,
            made_by: record.made_by,
            created: record.made_at,
            ends: record.ends_at,
        })
    }))
}

async fn make(call: Call) -> Done {
    let NewInvitation {
        office,
        space,
        role,
        email,
        ends,
    } = call.json()?;
    call.is_to_come(ends)?;
    if role.is_some() && space.is_none() {
        let message = "A role is one in a space: name the space, too.";
        return Err(Problem::new(ErrorWord::Invalid, message));
    }
    let ends = ends.unwrap_or(UnixMs(call.now.0 + INVITATION_MS));
    if ends.0 > call.now.0 + INVITATION_MS_MAX {
        let message = "An invitation can be used for at most thirty days.";
        return Err(Problem::new(ErrorWord::Invalid, message));
    }
    let office = office_told(office);
    let role = role.unwrap_or(Role::Editor);
    let (id, secret) = (
        InvitationId::draw()?,
        InvitationSecret::from_random(Drawn::draw()?),
    );
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = call.invites(Seat { office }).await?;
        call.person()?;
        let manages = match space {
            Some(space) => Some(manages(&call, space).await?),
            None => None,
        };
        let into = manages.as_ref().map(|manages| (manages, role));
        Ok(directory
            .invite(&may, (id, &secret), email.clone(), into, ends, &by)
            .await?)
    })?;
    call.site.gate.changed();
    let path = Secret::from_text(format!("/join/{}", secret.reveal()));
    let mailed = match email {
        Some(to) => {
            let by = call.caller().and_then(|caller| caller.name.clone());
            let into = match space {
                Some(space) => directory.space(space).await?.map(|space| space.name),
                None => None,
            };
            let occasion = Occasion::Invitation {
                by: by.as_ref(),
                space: into.as_ref(),
            };
            letters::send(&call.site, to, &occasion, path.reveal()).await
        }
        None => false,
    };
    Ok(json(&MadePath {
        path,
        id,
        ends,
        mailed,
    }))
}

async fn manages(call: &Call, space: SpaceId) -> Result<Granted<ManageSpace>, Problem> {
    Ok(call.site.gate.space(&call.keys, space, call.now).await?)
}

async fn revoke(call: Call) -> Done {
    // First whether they may at all, so that nobody else learns which there are.
    let _may = call.reads_people().await?;
    let (_, person) = call.person()?;
    let seat = Seat {
        office: person.office,
    };
    let id: InvitationId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = call.invites(seat).await?;
        let revoked = directory.revoke_invitation(&may, id, &by).await;
        revoked.map_err(|error| match error {
            InvitationError::NoSuchInvitation => Problem::of(ErrorWord::NotFound),
            other => other.into(),
        })
    })?;
    call.site.gate.changed();
    Ok(nothing())
}
