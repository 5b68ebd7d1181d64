//! The members of a space.

use sheaf_core::access::{ManageSpace, ReadSpace, Standing};
use sheaf_shared::api::spaces::{Member, SetMember};
use sheaf_shared::ids::{SpaceId, UserId};

use super::super::answers::{Done, Problem, nothing, part_of};
use super::{Call, Route, Takes, again, routes};
use crate::app::directory::spaces::MemberRecord;
use crate::app::directory::{Granted, LIST_MAX};

pub(super) const ROUTES: &[Route] = routes! {
    GET "/spaces/{id}/members" Someone Takes::Nothing => list;
    PUT "/spaces/{id}/members/{user}" Someone Takes::Json => set;
    DELETE "/spaces/{id}/members/{user}" Someone Takes::Nothing => remove;
    POST "/spaces/{id}/leave" Someone Takes::Nothing => leave;
};

async fn list(call: Call) -> Done {
    let space: SpaceId = call.named("id")?;
    let after = call.asked("after", |raw| UserId::parse(raw).ok())?;
    let may: Granted<ReadSpace> = call.site.gate.space(&call.keys, space, call.now).await?;
    let found = call.directory()?.members(&may, after, LIST_MAX).await?;
    let cursor = |member: &MemberRecord| member.user.to_string();
    Ok(part_of(found, LIST_MAX, cursor, |member| {
        Some(Member {
            id: member.user,
            name: member.name,
            colour: member.colour,
            role: member.role,
            disabled: member.standing != Standing::Active,
            since: member.since,
        })
    }))
}

async fn manages(call: &Call, space: SpaceId) -> Result<Granted<ManageSpace>, Problem> {
    Ok(call.site.gate.space(&call.keys, space, call.now).await?)
}

async fn set(call: Call) -> Done {
    let SetMember { role } = call.json()?;
    let (space, user): (SpaceId, UserId) = (call.named("id")?, call.named("user")?);
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = manages(&call, space).await?;
        Ok(directory.set_member(&may, user, role, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn remove(call: Call) -> Done {
    let (space, user): (SpaceId, UserId) = (call.named("id")?, call.named("user")?);
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = manages(&call, space).await?;
        Ok(directory.remove_member(&may, user, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn leave(call: Call) -> Done {
    call.person()?;
    let space: SpaceId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        // Whoever is no member may not know of it.
        let _may: Granted<ReadSpace> = call.site.gate.space(&call.keys, space, call.now).await?;
        Ok(directory
            .leave_space(&call.own().await?, space, &by)
            .await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}
