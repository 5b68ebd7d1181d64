//! What those see and do who look after people and the installation. None of it shows what is in a space.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use sheaf_core::access::{ManageHouse, ReadAudit, ReadPeople, Seat, Standing};
use sheaf_shared::api::Secret;
use sheaf_shared::api::admin::{
    AnySpace, AuditLine, ConfirmAddress, GiveSpace, House, LetGo, Person, SetOffice,
};
use sheaf_shared::api::invitations::MadePath;
use sheaf_shared::ids::{InvitationId, SpaceId, UserId};
use sheaf_shared::people::Email;
use sheaf_shared::time::UnixMs;

use super::super::answers::{Done, Problem, json, nothing, part_of};
use super::invitations::RESET_MS;
use super::me::{office_said, office_told};
use super::{Call, Route, Takes, again, letters, routes};
use crate::adapters::random::Drawn;
use crate::app::directory::audit::{self, AuditId};
use crate::app::directory::people::{PersonRecord, TheirLinks};
use crate::app::directory::secret::InvitationSecret;
use crate::app::directory::spaces::SpaceRecord;
use crate::app::directory::{Granted, LIST_MAX};
use crate::app::letters::Occasion;

pub(super) const ROUTES: &[Route] = routes! {
    GET "/admin/people" Someone Takes::Nothing => people;
    POST "/admin/people/{id}/disable" Someone Takes::Json => disable;
    POST "/admin/people/{id}/enable" Someone Takes::Nothing => enable;
    POST "/admin/people/{id}/reset" Someone Takes::Nothing => reset;
    POST "/admin/people/{id}/office" Someone Takes::Json => set_office;
    POST "/admin/people/{id}/confirm" Someone Takes::Json => confirm;
    DELETE "/admin/people/{id}" Someone Takes::Json => delete;
    GET "/admin/spaces" Someone Takes::Nothing => spaces;
    POST "/admin/spaces/{id}/restore" Someone Takes::Nothing => restore;
    POST "/admin/spaces/{id}/give" Someone Takes::Json => give;
    GET "/admin/house" Someone Takes::Nothing => house;
    GET "/admin/audit" Someone Takes::Nothing => lines;
    GET "/admin/audit.json" Someone Takes::Nothing => all_lines;
};

fn said(record: PersonRecord) -> Person {
    Person {
        id: record.user,
        name: record.name,
        email: record.email,
        colour: record.colour,
        office: office_said(record.office),
        disabled: record.standing == Standing::Disabled,
        created: record.created_at,
        confirmed: record.is_confirmed,
    }
}

/// Whoever looks after people reads their addresses; in the address of a request they are not shown all the same.
fn cursor(email: &Email) -> String {
    URL_SAFE_NO_PAD.encode(email.as_str())
}

fn email_of(cursor: &str) -> Option<Email> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    Email::parse(std::str::from_utf8(&bytes).ok()?).ok()
}

async fn people(call: Call) -> Done {
    let after = call.asked("after", email_of)?;
    let may = call.reads_people().await?;
    let found = call.directory()?.people(&may, after, LIST_MAX).await?;
    let end = |person: &PersonRecord| person.email.as_ref().map(cursor).unwrap_or_default();
    Ok(part_of(found, LIST_MAX, end, |person| Some(said(person))))
}

/// Whom the path names, for those who look after people: nobody else learns who there is.
async fn named(call: &Call) -> Result<UserId, Problem> {
    let _may: Granted<ReadPeople> = call.reads_people().await?;
    call.named("id")
}

const fn links(keep: bool) -> TheirLinks {
    if keep {
        TheirLinks::Stay
    } else {
        TheirLinks::Revoke
    }
}

async fn disable(call: Call) -> Done {
    let LetGo { keep_links } = call.json()?;
    let user = named(&call).await?;
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        Ok(directory
            .disable_person(&may, links(keep_links), &by)
            .await?)
    })?;
    gate.changed();
    Ok(nothing())
}

async fn enable(call: Call) -> Done {
    let user = named(&call).await?;
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        Ok(directory.enable_person(&may, &by).await?)
    })?;
    gate.changed();
    Ok(nothing())
}

async fn reset(call: Call) -> Done {
    let user = named(&call).await?;
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    let ends = UnixMs(call.now.0 + RESET_MS);
    let (id, secret) = (
        InvitationId::draw()?,
        InvitationSecret::from_random(Drawn::draw()?),
    );
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        Ok(directory
            .offer_reset(&may, (id, &secret), ends, &by)
            .await?)
    })?;
    gate.changed();
    let path = Secret::from_text(format!("/reset/{}", secret.reveal()));
    let person = directory.person(user).await?;
    let mailed = match person.and_then(|person| person.email) {
        Some(to) => letters::send(&call.site, to, &Occasion::Reset, path.reveal()).await,
        None => false,
    };
    Ok(json(&MadePath {
        path,
        id,
        ends,
        mailed,
    }))
}

async fn set_office(call: Call) -> Done {
    let SetOffice { office } = call.json()?;
    let user = named(&call).await?;
    let office = office_told(office);
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        let seat = gate.seat(&call.keys, Seat { office }, call.now).await?;
        Ok(directory.set_office(&may, &seat, &by).await?)
    })?;
    gate.changed();
    Ok(nothing())
}

/// Says of the address that an account has that it is that of who has the account.
async fn confirm(call: Call) -> Done {
    let ConfirmAddress { email } = call.json()?;
    let user = named(&call).await?;
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        Ok(directory.confirm_address(&may, &email, &by).await?)
    })?;
    gate.changed();
    Ok(nothing())
}

async fn delete(call: Call) -> Done {
    let LetGo { keep_links } = call.json()?;
    let user = named(&call).await?;
    let (gate, directory, by) = (&call.site.gate, call.directory()?, call.by());
    again!({
        let may = gate.resident(&call.keys, user, call.now).await?;
        Ok(directory
            .delete_person(&may, links(keep_links), &by)
            .await?)
    })?;
    gate.changed();
    Ok(nothing())
}

async fn spaces(call: Call) -> Done {
    let after = call.asked("after", |raw| SpaceId::parse(raw).ok())?;
    let may = call.reads_people().await?;
    let directory = call.directory()?;
    let found = directory.spaces(&may, after, LIST_MAX).await?;
    // Both lists are in the same order and equally long at most, so none of these is missed.
    let orphaned = directory.orphaned_spaces(&may, after, LIST_MAX).await?;
    let orphaned: BTreeSet<SpaceId> = orphaned.into_iter().map(|space| space.space).collect();
    let end = |space: &SpaceRecord| space.space.to_string();
    Ok(part_of(found, LIST_MAX, end, |space| {
        Some(AnySpace {
            id: space.space,
            name: space.name,
            private_of: space.private_of,
            created: space.created_at,
            deleted: space.deleted_at,
            orphaned: orphaned.contains(&space.space),
        })
    }))
}

async fn manages_house(call: &Call) -> Result<Granted<ManageHouse>, Problem> {
    let gate = &call.site.gate;
    Ok(gate.house(&call.keys, call.now).await?)
}

async fn restore(call: Call) -> Done {
    let _may = manages_house(&call).await?;
    let space: SpaceId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = manages_house(&call).await?;
        Ok(directory.restore_space(&may, space, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn give(call: Call) -> Done {
    let GiveSpace { to } = call.json()?;
    let _may = manages_house(&call).await?;
    let space: SpaceId = call.named("id")?;
    let (directory, by) = (call.directory()?, call.by());
    again!({
        let may = manages_house(&call).await?;
        Ok(directory.give_space(&may, space, to, &by).await?)
    })?;
    call.site.gate.changed();
    Ok(nothing())
}

async fn house(call: Call) -> Done {
    let may = call.reads_people().await?;
    let counts = call.directory()?.counts(&may).await?;
    let servers = call.site.metrics.servers.get().max(1);
    Ok(json(&House {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        people: counts.people,
        spaces: counts.spaces,
        documents: counts.documents,
        storage_bytes: counts.bytes,
        servers: u64::try_from(servers).unwrap_or(1),
        mail: call.site.mail.is_some(),
        oidc: call.site.oidc.is_some(),
    }))
}

fn line(line: audit::AuditLine) -> AuditLine {
    AuditLine {
        id: line.id.0,
        at: line.at,
        by: line.by,
        by_name: line.by_name,
        deed: line.deed,
        thing: line.thing,
        detail: line.detail,
        address: line.address,
    }
}

/// The proof is asked for anew for each part: who may not any more hears no more.
async fn lines_before(
    call: &Call,
    before: Option<AuditId>,
    limit: u32,
) -> Result<Vec<audit::AuditLine>, Problem> {
    let gate = &call.site.gate;
    let may = gate.house::<ReadAudit>(&call.keys, call.now).await?;
    Ok(call.directory()?.audit_lines(&may, before, limit).await?)
}

async fn lines(call: Call) -> Done {
    let number = |raw: &str| {
        raw.parse::<u64>()
            .ok()
            .filter(|id| i64::try_from(*id).is_ok())
    };
    let before = call.asked("before", number)?;
    let limit = call.asked("limit", |raw| raw.parse::<u32>().ok())?;
    let limit = limit.unwrap_or(LIST_MAX).clamp(1, LIST_MAX);
    let found = lines_before(&call, before.map(AuditId), limit).await?;
    let end = |line: &audit::AuditLine| line.id.0.to_string();
    Ok(part_of(found, limit, end, |found| Some(line(found))))
}

/// How far the record was told.
enum Told {
    Nothing,
    Before(AuditId),
    All,
}

/// The whole record, newest first, part by part: one that was cut short is no JSON.
async fn all_lines(call: Call) -> Done {
    // Whoever may not hears so in an answer of its own.
    lines_before(&call, None, 1).await?;
    let parts = stream::try_unfold((call, Told::Nothing), |(call, told)| async move {
        let (before, begins) = match told {
            Told::Nothing => (None, "["),
            Told::Before(id) => (Some(id), ","),
            Told::All => return Ok(None),
        };
        let found = lines_before(&call, before, LIST_MAX).await;
        let found = found.map_err(|_| std::io::Error::other("the record could not be read"))?;
        let last = found.last().map(|line| line.id);
        let is_last = found.len() < LIST_MAX as usize;
        let texts: Result<Vec<String>, _> = found
            .into_iter()
            .map(|found| serde_json::to_string(&line(found)))
            .collect();
        let mut part = texts?.join(",\n");
        if !part.is_empty() || begins == "[" {
            part.insert_str(0, begins);
        }
        let told = match last {
            Some(id) if !is_last => Told::Before(id),
            _ => {
                part.push_str("]\n");
                Told::All
            }
        };
        Ok::<_, std::io::Error>(Some((Bytes::from(part), (call, told))))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"sheaf-audit.json\"",
        ),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}
