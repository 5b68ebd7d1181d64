//! Spaces: which there are for whoever asks, made, named, deleted; and whom one could take into them.

use sheaf_core::access::{DeleteSpace, ManageSpace, ReadSpace, Who};
use sheaf_shared::access::Role;
use sheaf_shared::api::spaces::{NameSpace, PersonName, Space};
use sheaf_shared::api::{ErrorWord, List};
use sheaf_shared::ids::{SpaceId, UserId};

use super::super::answers::{Done, Problem, json, nothing, part_of};
use super::me::{home, spaces_of};
use super::{Call, Route, Takes, again, routes};
use crate::adapters::random::Drawn as _;
use crate::app::directory::LIST_MAX;
use crate::app::directory::names::NameRecord;
use crate::app::directory::spaces::SpaceRecord;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/people/names" Someone Takes::Nothing => names;
    GET "/spaces" Someone Takes::Nothing => list;
    POST "/spaces" Someone Takes::Json => make;
    GET "/spaces/{id}" Someone Takes::Nothing => show;
    PATCH "/spaces/{id}" Someone Takes::Json => rename;
    DELETE "/spaces/{id}" Someone Takes::Nothing => delete;
};

/// People one could make members: for whoever decides about some space.
async fn names(call: Call) -> Done {
    let after = call.asked("after", |raw| UserId::parse(raw).ok())?;
    let (_, person) = call.person()?;
    let mine = spaces_of(&call, person, None).await?;
    let managed = mine
        .iter()
        .find(|space| space.role == Role::Owner && !space.private);
    let managed = managed.ok_or_else(|| Problem::of(ErrorWord::Forbidden))?;
    let may = call
        .site
        .gate
        .space::<ManageSpace>(&call.keys, managed.id, call.now)
        .await?;
    let found = call.directory()?.names(&may, after, LIST_MAX).await?;
    let cursor = |person: &NameRecord| person.user.to_string();
    Ok(part_of(found, LIST_MAX, cursor, |person| {
        Some(PersonName {
            id: person.user,
            name: person.name,
            colour: person.colour,
        })
    }))
}

async fn list(call: Call) -> Done {
    let spaces = match call.caller().map(|caller| &caller.who) {
        Some(Who::Local) => vec![home()?],
        Some(Who::Person(person)) => spaces_of(&call, person, None).await?,
        Some(Who::Program(program)) => {
            let only = Some((program.space, program.reach));
            spaces_of(&call, &program.of, only).await?
        }
        Some(Who::Guest(_) | Who::Stranger) | None => Vec::new(),
    };
    Ok(json(&List::whole(spaces)))
}

async fn make(call: Call) -> Done {
    let NameSpace { name } = call.json()?;
    call.person()?;
    let space = SpaceId::draw()?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let own = call.own().await?;
        Ok(directory.add_space(space, name.clone(), &own, &by).await?)
    })?;
    call.site.gate.changed();
    answer(&call, space).await
}

async fn show(call: Call) -> Done {
    let space = call.named("id")?;
    answer(&call, space).await
}

/// A space, as whoever asks sees it.
async fn answer(call: &Call, space: SpaceId) -> Done {
    let may = call
        .site
        .gate
        .space::<ReadSpace>(&call.keys, space, call.now)
        .await?;
    let record = match call.directory()?.space(space).await? {
        Some(record) => record,
        None if space == SpaceId::HOME => of_home()?,
        None => return Err(Problem::of(ErrorWord::NotFound)),
    };
    Ok(json(&Space {
        id: record.space,
        name: record.name,
        role: may.role(),
        private: record.private_of.is_some(),
        created: record.created_at,
    }))
}

fn of_home() -> Result<SpaceRecord, Problem> {
    Ok(SpaceRecord {
        space: SpaceId::HOME,
        name: home()?.name,
        private_of: None,
        created_at: Default::default(),
        deleted_at: None,
        role: None,
    })
}

async fn rename(call: Call) -> Done {
    let NameSpace { name } = call.json()?;
    let space: SpaceId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = call
            .site
            .gate
            .space::<ManageSpace>(&call.keys, space, call.now)
            .await?;
        Ok(directory.rename_space(&may, name.clone(), &by).await?)
    })?;
    call.site.gate.changed();
    answer(&call, space).await
}

async fn delete(call: Call) -> Done {
    let space: SpaceId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = call
            .site
            .gate
            .space::<DeleteSpace>(&call.keys, space, call.now)
            .await?;
        Ok(directory.delete_space(&may, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}
