//! Accounts elsewhere: to whom they are tied, and who gets an account by one.

use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, UserId};

use super::*;
use crate::app::directory::identities::{Identity, IdentityError, Welcome};
use crate::app::directory::secret::InvitationSecret;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    tokio::join!(
        an_address_that_is_vouched_for_ties_once(fresh),
        an_invitation_at_the_address_makes_the_account_once(fresh),
        anyone_is_welcome_where_that_is_said_and_never_as_the_first(fresh),
    );
}

fn identity(subject: &str) -> Identity {
    Identity::parse("https://accounts.example", subject).unwrap()
}

fn without_password(user: UserId) -> NewPerson {
    NewPerson {
        password: None,
        ..new_person(user)
    }
}

async fn an_address_that_is_vouched_for_ties_once<S: Subject>(fresh: &impl AsyncFn() -> S) {
    let subject = fresh().await;
    let house = House::of(&subject).await;
    let directory = house.directory();
    let (bobs, by) = (new_person(BOB).email, by(BOB));
    let tied = directory.tie_by_email(&identity("b"), &bobs, &by).await;
    assert_eq!(tied, Ok(BOB));
    let found = directory.person_by_identity(&identity("b")).await;
    assert_eq!(found, Ok(Some(BOB)));
    let eves = new_person(EVE).email;
    let again = directory.tie_by_email(&identity("b"), &eves, &by).await;
    assert_eq!(again, Err(IdentityError::Taken));
    let nobodys = email("nobody@example.org");
    let none = directory.tie_by_email(&identity("n"), &nobodys, &by).await;
    assert_eq!(none, Err(IdentityError::NoSuchPerson));
    // One that is out of use is nobody's way in.
    let links = crate::app::directory::people::TheirLinks::Stay;
    directory
        .disable_person(&person(EVE), links, &super::by(ADA))
        .await
        .unwrap();
    let disabled = directory.tie_by_email(&identity("e"), &eves, &by).await;
    assert_eq!(disabled, Err(IdentityError::NoSuchPerson));
}

async fn an_invitation_at_the_address_makes_the_account_once<S: Subject>(
    fresh: &impl AsyncFn() -> S,
) {
    let subject = fresh().await;
    let house = House::of(&subject).await;
    let directory = house.directory();
    let new = without_password(INVITED);
    let join = |subject: &'static str, new: NewPerson| async move {
        let identity = identity(subject);
        directory
            .join_by_identity(&identity, Welcome::Invited, new, &operator())
            .await
    };
    let uninvited = join("i", new.clone()).await;
    assert_eq!(uninvited, Err(IdentityError::NoSuchPerson));
    let space = house.shared_space().await;
    let made = (
        InvitationId::from_bits(9),
        &InvitationSecret::from_random([9; 32]),
    );
    let into = space_of(space);
    directory
        .invite(
            &seat(Office::Admin),
            made,
            Some(new.email.clone()),
            Some((&into, Role::Commenter)),
            later(1_000),
            &by(ADA),
        )
        .await
        .unwrap();
    assert_eq!(join("i", new.clone()).await, Ok(()));
    let person = directory.person(INVITED).await.unwrap().unwrap();
    assert_eq!((person.office, person.password), (Office::Admin, None));
    let session = new_session(77);
    directory
        .sign_in(INVITED, Shown::Identity, session, &by(INVITED))
        .await
        .unwrap();
    let about = About::Space(space);
    let facts = directory
        .facts(Key::from(&secret(77)), about)
        .await
        .unwrap();
    assert_eq!(
        facts.space().and_then(|space| space.role),
        Some(Role::Commenter)
    );
    // It is used up, and so is its secret.
    let other = without_password(UserId::from_bits(51));
    let other = NewPerson {
        email: new.email,
        ..other
    };
    assert_eq!(join("j", other).await, Err(IdentityError::NoSuchPerson));
    let left = directory.invitation(made.1, NOW).await.unwrap();
    assert_eq!(left, None);
}

async fn anyone_is_welcome_where_that_is_said_and_never_as_the_first<S: Subject>(
    fresh: &impl AsyncFn() -> S,
) {
    let empty = fresh().await;
    let store = empty.store();
    let directory = Directory::of(&*store).unwrap();
    let new = without_password(INVITED);
    let first = directory
        .join_by_identity(&identity("i"), Welcome::Anyone, new.clone(), &operator())
        .await;
    assert!(first.is_err(), "the first account owns the installation");
    assert_eq!(directory.is_founded().await, Ok(false));

    let subject = fresh().await;
    let house = House::of(&subject).await;
    let directory = house.directory();
    let welcome = directory
        .join_by_identity(&identity("i"), Welcome::Anyone, new.clone(), &operator())
        .await;
    assert_eq!(welcome, Ok(()));
    let person = directory.person(INVITED).await.unwrap().unwrap();
    assert_eq!(person.office, Office::Member);
    let twice = NewPerson {
        user: UserId::from_bits(51),
        private: private_of(UserId::from_bits(51)),
        ..new
    };
    let taken = directory
        .join_by_identity(&identity("j"), Welcome::Anyone, twice, &operator())
        .await;
    assert_eq!(taken, Err(IdentityError::EmailTaken));
}
