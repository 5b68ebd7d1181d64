//! `sheaf user` and `sheaf invite`: accounts, from where the store is.

use std::process::ExitCode;
use std::sync::Arc;

use sheaf_core::access::{
    Act, House, InvitePeople, ManagePerson, ManageSpace, Office, ReadPeople, Resident, Seat, Space,
    Standing,
};
use sheaf_server::adapters::http::api::{HOME_NAME, RESET_MS, new_person};
use sheaf_server::adapters::random::Drawn as _;
use sheaf_server::adapters::system::unix_now;
use sheaf_server::app::directory::people::{PersonRecord, TheirLinks};
use sheaf_server::app::directory::secret::InvitationSecret;
use sheaf_server::app::directory::{Actor, By, Directory, Granted, LIST_MAX};
use sheaf_server::cli::DataArgs;
use sheaf_server::cli::people::{InviteArgs, OfficeWord, UserArgs, UserCommand, WithArgs};
use sheaf_server::ports::Store;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, UserId};
use sheaf_shared::people::{Email, Name};
use sheaf_shared::time::UnixMs;

use super::FAILED;

const MEANWHILE: &str = "A server is using this folder. While it runs, people are looked after in the browser, at /admin; \
    or stop it for this moment. With PostgreSQL, this works beside the servers.";

const DAY_MS: u64 = 24 * 3_600 * 1_000;

type Failure = Box<dyn std::error::Error>;
/// What to say when it is done.
type Said = Result<String, Failure>;

/// Does something about people.
pub(crate) fn user(args: UserArgs) -> ExitCode {
    match args.command {
        UserCommand::Add {
            email,
            name,
            office,
            with,
        } => on_store(&with.data, async |directory| {
            add(directory, email, name, office_of(office), &with).await
        }),
        UserCommand::List { data } => on_store(&data, async |directory| list(directory).await),
        UserCommand::Disable {
            email,
            revoke_links,
            data,
        } => on_store(&data, async |directory| {
            let links = if revoke_links {
                TheirLinks::Revoke
            } else {
                TheirLinks::Stay
            };
            let (_, may) = resident(directory, email).await?;
            directory.disable_person(&may, links, &by()).await?;
            Ok("The account is out of use.".to_owned())
        }),
        UserCommand::Enable { email, data } => on_store(&data, async |directory| {
            let (_, may) = resident(directory, email).await?;
            directory.enable_person(&may, &by()).await?;
            Ok("The account is in use again.".to_owned())
        }),
        UserCommand::Reset { email, with } => on_store(&with.data, async |directory| {
            let (person, may) = resident(directory, email).await?;
            offer_reset(directory, &person, &may, &with).await
        }),
        UserCommand::Confirm { email, data } => on_store(&data, async |directory| {
            let (_, may) = resident(directory, email.clone()).await?;
            directory.confirm_address(&may, &email, &by()).await?;
            Ok("The address is confirmed.".to_owned())
        }),
        UserCommand::Office {
            email,
            office,
            data,
        } => on_store(&data, async |directory| {
            let (_, may) = resident(directory, email).await?;
            let seat = seat(office_of(office))?;
            directory.set_office(&may, &seat, &by()).await?;
            Ok("Done.".to_owned())
        }),
    }
}

/// Makes an invitation.
pub(crate) fn invite(args: &InviteArgs) -> ExitCode {
    on_store(&args.with.data, async |directory| {
        if !directory.is_founded().await? {
            return Err(
                "nobody has an account yet: make the first one with `sheaf user add`".into(),
            );
        }
        let (id, secret) = (InvitationId::draw()?, drawn()?);
        let ends = UnixMs(unix_now().0 + args.days * DAY_MS);
        let manages: Option<Granted<ManageSpace>> = match args.space {
            Some(space) => Some(granted(&Space { space, role: None })?),
            None => None,
        };
        let into = manages.as_ref().map(|manages| (manages, Role::Editor));
        let seat = seat(office_of(args.office))?;
        directory
            .invite(&seat, (id, &secret), args.email.clone(), into, ends, &by())
            .await?;
        let address = args.with.address.trim_end_matches('/');
        Ok(format!("{address}/join/{}", secret.reveal()))
    })
}

fn on_store(data: &DataArgs, work: impl AsyncFnOnce(&Directory<'_>) -> Said) -> ExitCode {
    let (runtime, store): (_, Arc<dyn Store>) = match super::open(data, MEANWHILE) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let said = runtime.block_on(async {
        let directory = Directory::of(store.as_ref()).ok_or("no accounts are kept here")?;
        work(&directory).await
    });
    match said {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            super::fail(error.as_ref());
            ExitCode::from(FAILED)
        }
    }
}

fn by() -> By {
    By {
        actor: Actor::Operator,
        address: None,
        at: unix_now(),
    }
}

fn granted<A: Act>(object: &A::To) -> Result<Granted<A>, Failure> {
    Ok(Granted::to_operator(object)?)
}

fn seat(office: Office) -> Result<Granted<InvitePeople>, Failure> {
    granted(&Seat { office })
}

fn drawn() -> Result<InvitationSecret, Failure> {
    Ok(InvitationSecret::from_random(<[u8; 32]>::draw()?))
}

const fn office_of(word: OfficeWord) -> Office {
    match word {
        OfficeWord::Member => Office::Member,
        OfficeWord::Admin => Office::Admin,
        OfficeWord::Owner => Office::Owner,
    }
}

const fn word_of(office: Office) -> &'static str {
    match office {
        Office::Member => "member",
        Office::Admin => "admin",
        Office::Owner => "owner",
    }
}

async fn resident(
    directory: &Directory<'_>,
    email: Email,
) -> Result<(PersonRecord, Granted<ManagePerson>), Failure> {
    let found = directory.person_by_email(email).await?;
    let person = found.ok_or("nobody has an account with this address")?;
    let may = manage(person.user, person.office)?;
    Ok((person, may))
}

fn manage(user: UserId, office: Office) -> Result<Granted<ManagePerson>, Failure> {
    granted(&Resident { user, office })
}

async fn add(
    directory: &Directory<'_>,
    email: Email,
    name: Name,
    office: Office,
    with: &WithArgs,
) -> Said {
    let new = new_person(email.clone(), name, None)?;
    if directory.is_founded().await? {
        directory.add_person(&seat(office)?, new, &by()).await?;
    } else {
        directory.found(new, Name::parse(HOME_NAME)?, &by()).await?;
    }
    let (person, may) = resident(directory, email).await?;
    offer_reset(directory, &person, &may, with).await
}

async fn offer_reset(
    directory: &Directory<'_>,
    person: &PersonRecord,
    may: &Granted<ManagePerson>,
    with: &WithArgs,
) -> Said {
    let (id, secret) = (InvitationId::draw()?, drawn()?);
    let ends = UnixMs(unix_now().0 + RESET_MS);
    directory
        .offer_reset(may, (id, &secret), ends, &by())
        .await?;
    let address = with.address.trim_end_matches('/');
    Ok(format!(
        "{} sets a password here, once, within a day:\n{address}/reset/{}",
        person.name,
        secret.reveal()
    ))
}

async fn list(directory: &Directory<'_>) -> Said {
    let may: Granted<ReadPeople> = granted(&House)?;
    let mut lines = vec![format!(
        "{:<8}  {:<8}  {:<32}  NAME",
        "OFFICE", "STATE", "EMAIL"
    )];
    let mut after = None;
    loop {
        let found = directory.people(&may, after, LIST_MAX).await?;
        for person in &found {
            let state = match person.standing {
                Standing::Active => "in use",
                Standing::Disabled => "disabled",
                Standing::Deleted => "deleted",
            };
            let email = person.email.as_ref().map_or("", Email::as_str);
            let office = word_of(person.office);
            let name = &person.name;
            lines.push(format!("{office:<8}  {state:<8}  {email:<32}  {name}"));
        }
        after = found.last().and_then(|person| person.email.clone());
        if found.len() < LIST_MAX as usize {
            return Ok(lines.join("\n"));
        }
    }
}
