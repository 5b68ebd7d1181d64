//! Accounts elsewhere: to whom they are tied, and who gets an account by one.

use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, UserId};

use super::*;
use crate::app::directory::identities::{Identity, IdentityError, Welcome};
use crate::app::directory::people::PersonError;
use crate::app::directory::secret::InvitationSecret;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    tokio::join!(
        an_address_that_is_vouched_for_ties_once(fresh),
        an_address_is_confirmed_by_who_can_know_and_no_longer_than_the_account_has_it(fresh),
        who_is_signed_in_ties_an_account_elsewhere_with_their_own_address(fresh),
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

/// What comes of showing elsewhere that one has this person's address.
async fn arrives(house: &House, user: UserId, number: u128) -> Result<UserId, IdentityError> {
    let directory = house.directory();
    let person = directory.person(user).await.unwrap().unwrap();
    let identity = identity(&format!("{number}"));
    let email = person.email.unwrap();
    let tied = directory.tie_by_email(&identity, &email, &by(user)).await;
    assert_eq!(tied.is_ok(), person.is_confirmed);
    tied
}

async fn an_address_is_confirmed_by_who_can_know_and_no_longer_than_the_account_has_it<
    S: Subject,
>(
    fresh: &impl AsyncFn() -> S,
) {
    let subject = fresh().await;
    let house = House::of(&subject).await;
    let directory = house.directory();
    assert_eq!(
        arrives(&house, ADA, 1).await,
        Ok(ADA),
        "she runs the installation"
    );
    // Set by Bob himself, to what may be somebody else's.
    let other = email("somebody@example.org");
    directory
        .readdress_person(&own(BOB), other.clone(), &by(BOB))
        .await
        .unwrap();
    let doubted = Err(IdentityError::Unconfirmed);
    assert_eq!(arrives(&house, BOB, 2).await, doubted);
    // A way to set a password that somebody handed over says nothing of the address; a letter to it does.
    for (number, sent_to, expected) in [
        (1, None, &doubted),
        (2, Some(email("else@example.org")), &doubted),
        (3, Some(other.clone()), &Ok(BOB)),
    ] {
        let secret = InvitationSecret::from_random([number; 32]);
        let (may, made) = (
            person(BOB),
            (InvitationId::from_bits(number.into()), &secret),
        );
        let (until, by) = (later(100), operator());
        match sent_to {
            None => directory.offer_reset(&may, made, until, &by).await,
            Some(to) => directory.send_reset(&may, made, to, until, &by).await,
        }
        .unwrap();
        directory
            .reset_password(&secret, password("new"), &by)
            .await
            .unwrap();
        assert_eq!(&arrives(&house, BOB, number.into()).await, expected);
    }
    // Another address is another question, and so is the same one after that.
    for new in ["third@example.org", "somebody@example.org"] {
        directory
            .readdress_person(&own(BOB), email(new), &by(BOB))
            .await
            .unwrap();
        assert_eq!(arrives(&house, BOB, 10).await, doubted, "{new}");
    }
    let wrong = directory
        .confirm_address(&person(BOB), &email("third@example.org"), &by(ADA))
        .await;
    assert_eq!(wrong, Err(PersonError::NoSuchPerson));
    directory
        .confirm_address(&person(BOB), &other, &by(ADA))
        .await
        .unwrap();
    assert_eq!(arrives(&house, BOB, 11).await, Ok(BOB));
}

async fn who_is_signed_in_ties_an_account_elsewhere_with_their_own_address<S: Subject>(
    fresh: &impl AsyncFn() -> S,
) {
    let subject = fresh().await;
    let house = House::of(&subject).await;
    let directory = house.directory();
    let theirs = email("somebody@example.org");
    directory
        .readdress_person(&own(BOB), theirs.clone(), &by(BOB))
        .await
        .unwrap();
    let tie = async |user, number: &str| {
        let (may, by) = (own(user), by(user));
        directory
            .tie_own_by_email(&may, &identity(number), &theirs, &by)
            .await
    };
    assert_eq!(tie(EVE, "b").await, Err(IdentityError::NoSuchPerson));
    assert_eq!(tie(BOB, "b").await, Ok(BOB));
    assert_eq!(tie(BOB, "b").await, Err(IdentityError::Taken));
    assert_eq!(arrives(&house, BOB, 5).await, Ok(BOB));
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
