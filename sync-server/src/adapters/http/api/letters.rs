//! Letters: the way back in for who forgot a password, and invitations.

use sheaf_core::access::{ManagePerson, Resident, Standing};
use sheaf_shared::api::ErrorWord;
use sheaf_shared::api::entry::{Forgot, ForgotSays};
use sheaf_shared::ids::InvitationId;
use sheaf_shared::people::{Email, Name};
use sheaf_shared::time::UnixMs;

use super::super::Site;
use super::super::answers::{Done, Problem, json};
use super::invitations::RESET_MS;
use super::known::door_of;
use super::{Call, Route, Takes, routes};
use crate::adapters::random::Drawn;
use crate::app::directory::secret::InvitationSecret;
use crate::app::directory::{By, Granted};
use crate::app::letters::{Occasion, letter};
use crate::app::tries::{Door, From, Place};

pub(super) const ROUTES: &[Route] = routes! {
    POST "/forgot" Anyone Takes::Json => forgot;
};

/// Sends a way to set another password to whoever has an account with this address. The answer is the same whether there is
/// one, in its words and in its time.
async fn forgot(call: Call) -> Done {
    let Forgot { email } = call.json()?;
    let says = ForgotSays {
        mail: call.site.mail.is_some(),
    };
    if !says.mail {
        return Ok(json(&says));
    }
    let Door::Account(hash) = door_of(&email) else {
        return Ok(json(&says));
    };
    let door = Door::Letter(hash);
    call.site.known.begin(&door, call.place())?;
    // And from everywhere together: nobody's mailbox is to be filled by asking from many places.
    call.site.known.begin(&door, From::Place(Place::of(None)))?;
    let somebody = Name::parse("somebody").map_err(|_| Problem::of(ErrorWord::TryAgain))?;
    let (by, site, now) = (call.by_newcomer(&somebody), call.site.clone(), call.now);
    tokio::spawn(async move { send_way_back(&site, email, &by, now).await });
    Ok(json(&says))
}

async fn send_way_back(site: &Site, email: Email, by: &By, now: UnixMs) {
    let Some(directory) = site.gate.directory() else {
        return;
    };
    let Ok(Some(person)) = directory.person_by_email(email.clone()).await else {
        return;
    };
    if person.standing != Standing::Active {
        return;
    }
    let resident = Resident {
        user: person.user,
        office: person.office,
    };
    // Whoever reads the letter is the person: the letter is the proof, and it is not given to who asked for it.
    let Ok(may) = Granted::<ManagePerson>::to_operator(&resident) else {
        return;
    };
    let (Ok(id), Ok(random)) = (InvitationId::draw(), Drawn::draw()) else {
        tracing::error!("No secret could be drawn for a letter");
        return;
    };
    let secret = InvitationSecret::from_random(random);
    let ends = UnixMs(now.0 + RESET_MS);
    let sent = directory.send_reset(&may, (id, &secret), email.clone(), ends, by);
    match sent.await {
        Ok(()) => {
            let path = format!("/reset/{}", secret.reveal());
            send(site, email, &Occasion::Reset, &path).await;
        }
        Err(_) => tracing::warn!("A way to set another password could not be made"),
    }
}

/// Sends a letter in which `path` is the way to open, if letters are sent at all. Answers whether it is on its way.
pub(super) async fn send(site: &Site, to: Email, occasion: &Occasion<'_>, path: &str) -> bool {
    let (Some(mail), Some(public)) = (&site.mail, &site.config.outside.public_url) else {
        return false;
    };
    let letter = letter(to, occasion, &public.of(path));
    match mail.send(letter).await {
        Ok(()) => true,
        Err(fault) => {
            tracing::warn!(%fault, "A letter was not sent");
            false
        }
    }
}
