//! How one comes in: sessions, accounts elsewhere, tokens.

use sheaf_core::access::{Office, Reach, Who};
use sheaf_shared::ids::TokenId;

use super::*;
use crate::app::directory::identities::{Identity, IdentityError};
use crate::app::directory::secret::{SecretHash, TokenSecret};
use crate::app::directory::sessions::{
    SESSION_HELD_EVERY_MS, SESSION_MS, SESSION_TOUCH_EVERY_MS, SessionError,
};
use crate::app::directory::tokens::{TokenError, TokenTerms};

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    a_session_tells_who_it_is_and_none_tells_a_stranger(&fresh().await).await;
    use_prolongs_a_session_now_and_then_and_never_one_that_is_over(&fresh().await).await;
    a_socket_that_stays_open_prolongs_its_session_now_and_then_and_none_that_was_ended(
        &fresh().await,
    )
    .await;
    sessions_are_listed_and_ended_by_whose_they_are(&fresh().await).await;
    no_session_begins_by_a_password_that_is_just_being_changed(&fresh().await).await;
    sessions_that_are_over_are_swept_and_the_others_stay(&fresh().await).await;
    an_account_elsewhere_opens_one_here_and_never_is_the_last_way_taken(&fresh().await).await;
    a_token_is_as_wide_as_it_says_until_it_is_taken_back(&fresh().await).await;
}

async fn a_session_tells_who_it_is_and_none_tells_a_stranger(subject: &impl Subject) {
    let house = House::of(subject).await;
    house.sign_in(BOB, 1).await;
    let bob = house.directory().who_of_session(&secret(1)).await.unwrap();
    let Who::Person(person) = &bob.who else {
        panic!("{bob:?}")
    };
    assert_eq!((person.user, person.office), (BOB, Office::Member));
    assert_eq!(person.until, later(SESSION_MS));
    assert_eq!(bob.name, Some(name("Person 2")));
    let nobody = house.directory().who_of_session(&secret(2)).await.unwrap();
    assert_eq!((nobody.who, nobody.name), (Who::Stranger, None));
    // A session's secret is no token, whatever it is shown as.
    let as_token = TokenSecret::from_random([1; 32]);
    let nobody = house.directory().who_of_token(&as_token).await.unwrap();
    assert_eq!(nobody.who, Who::Stranger);
}

async fn use_prolongs_a_session_now_and_then_and_never_one_that_is_over(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    house.sign_in(BOB, 1).await;
    let version = house.version().await;
    let due = later(SESSION_TOUCH_EVERY_MS);
    for (at, is_written) in [(later(1), false), (due, true), (due, false)] {
        let written = directory.touch_session(&secret(1), at).await.unwrap();
        assert_eq!(written, is_written, "{at:?}");
    }
    let session = directory
        .sessions_of(&own(BOB), due)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((session.created_at, session.used_at), (NOW, due));
    assert_eq!(session.ends_at, UnixMs(due.0 + SESSION_MS));
    let over = session.ends_at;
    assert!(!directory.touch_session(&secret(1), over).await.unwrap());
    assert_eq!(directory.sessions_of(&own(BOB), over).await.unwrap(), []);
    assert_eq!(house.version().await, version, "nobody's rights changed");
}

async fn a_socket_that_stays_open_prolongs_its_session_now_and_then_and_none_that_was_ended(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    for number in 1..=3 {
        house.sign_in(BOB, number).await;
    }
    let version = house.version().await;
    let all: Vec<SecretHash> = (1..=200).map(|number| secret(number).hash()).collect();
    let ends = async || -> Vec<(u128, UnixMs)> {
        let listed = directory.sessions_of(&own(BOB), NOW).await.unwrap();
        let ends = listed
            .iter()
            .map(|one| (one.session.to_bits(), one.ends_at));
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        ends
    };
    let begun = ends().await;
    let early = later(SESSION_HELD_EVERY_MS - 1);
    directory.hold_sessions(&all, early).await.unwrap();
    assert_eq!(ends().await, begun, "it was used a moment ago");
    directory.sign_out(&secret(3), &by(BOB)).await.unwrap();
    let due = later(SESSION_HELD_EVERY_MS);
    directory.hold_sessions(&all, due).await.unwrap();
    let end = UnixMs(due.0 + SESSION_MS);
    assert_eq!(ends().await, [(1, end), (2, end)]);
    // One that is over stays over.
    directory.hold_sessions(&all, end).await.unwrap();
    assert_eq!(ends().await, [(1, end), (2, end)]);
    assert!(house.version().await > version, "somebody signed out");
}

async fn sessions_are_listed_and_ended_by_whose_they_are(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    for (user, number) in [(BOB, 1), (BOB, 2), (BOB, 3), (EVE, 4)] {
        house.sign_in(user, number).await;
    }
    let listed = async |user| -> Vec<u128> {
        let listed = directory.sessions_of(&own(user), NOW).await.unwrap();
        listed.iter().map(|it| it.session.to_bits()).collect()
    };
    assert_eq!(listed(BOB).await, [1, 2, 3]);
    let of_eve = SessionId::from_bits(4);
    let version = house.version().await;
    assert_eq!(
        directory.end_session(&own(BOB), of_eve, &by(BOB)).await,
        Err(SessionError::NoSuchSession)
    );
    assert_eq!(house.version().await, version);
    directory
        .end_session(&own(BOB), SessionId::from_bits(2), &by(BOB))
        .await
        .unwrap();
    assert!(
        house.version().await > version,
        "open sockets are looked at again"
    );
    let keep = Some(SessionId::from_bits(3));
    directory
        .end_other_sessions(&own(BOB), keep, &by(BOB))
        .await
        .unwrap();
    assert_eq!((listed(BOB).await, listed(EVE).await), (vec![3], vec![4]));
    directory.sign_out(&secret(3), &by(BOB)).await.unwrap();
    assert_eq!(listed(BOB).await, []);
    assert_eq!(
        directory.sign_out(&secret(3), &by(BOB)).await,
        Err(SessionError::NoSuchSession)
    );
}

async fn no_session_begins_by_a_password_that_is_just_being_changed(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    for round in 0..8 {
        let passwords = [
            password(&format!("{round}")),
            password(&format!("{}", round + 1)),
        ];
        let [old, new] = passwords;
        directory
            .set_password(&own(BOB), old.clone(), None, &by(BOB))
            .await
            .unwrap();
        at_once(2, |number| {
            let (store, old, new) = (subject.store(), old.clone(), new.clone());
            async move {
                let directory = Directory::of(&*store).unwrap();
                if number == 1 {
                    directory
                        .set_password(&own(BOB), new, None, &by(BOB))
                        .await
                        .unwrap();
                    return Ok(());
                }
                let (shown, new) = (Shown::Password(old), new_session(round));
                let begun = directory.sign_in(BOB, shown, new, &by(BOB)).await;
                begun.map_err(|error| error.to_string())
            }
        })
        .await;
        assert_eq!(directory.sessions_of(&own(BOB), NOW).await.unwrap(), []);
    }
}

async fn sessions_that_are_over_are_swept_and_the_others_stay(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    house.sign_in(BOB, 1).await;
    house.sign_in(BOB, 2).await;
    directory
        .touch_session(&secret(2), later(SESSION_TOUCH_EVERY_MS))
        .await
        .unwrap();
    directory.sweep_sessions(later(SESSION_MS)).await.unwrap();
    let left = directory.sessions_of(&own(BOB), NOW).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].session, SessionId::from_bits(2));
}

async fn an_account_elsewhere_opens_one_here_and_never_is_the_last_way_taken(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let identity = Identity::parse("https://id.example.org", "bob").unwrap();
    directory
        .tie_identity(&own(BOB), &identity, &by(BOB))
        .await
        .unwrap();
    assert_eq!(
        directory.tie_identity(&own(EVE), &identity, &by(EVE)).await,
        Err(IdentityError::Taken)
    );
    assert_eq!(
        directory.person_by_identity(&identity).await.unwrap(),
        Some(BOB)
    );
    assert_eq!(
        directory
            .untie_identity(&own(EVE), &identity, &by(EVE))
            .await,
        Err(IdentityError::NotTied)
    );
    let without = NewPerson {
        password: None,
        ..new_person(INVITED)
    };
    directory
        .add_person(&seat(Office::Member), without, &by(ADA))
        .await
        .unwrap();
    let only = Identity::parse("https://id.example.org", "invited").unwrap();
    directory
        .tie_identity(&own(INVITED), &only, &by(INVITED))
        .await
        .unwrap();
    assert_eq!(
        directory
            .untie_identity(&own(INVITED), &only, &by(INVITED))
            .await,
        Err(IdentityError::LastWayIn)
    );
    assert_eq!(
        directory.identities_of(&own(INVITED)).await.unwrap(),
        [only]
    );
    directory
        .untie_identity(&own(BOB), &identity, &by(BOB))
        .await
        .unwrap();
    assert_eq!(directory.person_by_identity(&identity).await.unwrap(), None);
}

async fn a_token_is_as_wide_as_it_says_until_it_is_taken_back(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .claim(&page("page"), space, BOB, NOW)
        .await
        .unwrap();
    directory
        .claim(&page("diary"), private_of(BOB), BOB, NOW)
        .await
        .unwrap();
    let add = async |number: u8, space, reach| {
        let secret = TokenSecret::from_random([number; 32]);
        let terms = TokenTerms {
            label: name("Robot"),
            space,
            reach,
            ends_at: Some(later(100)),
        };
        let id = TokenId::from_bits(number.into());
        let added = directory
            .add_token(&own(BOB), (id, &secret), terms, &by(BOB))
            .await;
        added.map(|()| Key::from(&secret))
    };
    let everywhere = add(1, None, Reach::Write).await.unwrap();
    let here = add(2, Some(space), Reach::Read).await.unwrap();
    let foreign = add(3, Some(private_of(ADA)), Reach::Read).await;
    assert_eq!(foreign, Err(TokenError::NoSuchSpace));
    assert_eq!(house.most(everywhere, "page").await, "write");
    assert_eq!(house.most(everywhere, "diary").await, "write");
    assert_eq!(house.most(here, "page").await, "read");
    assert_eq!(house.most(here, "diary").await, "nothing");
    let facts = house.facts(everywhere, "page").await;
    let ended = most(&facts, facts.page(&BTreeSet::new()), later(100));
    assert_eq!(ended, "nothing");
    let first = TokenId::from_bits(1);
    assert_eq!(
        directory.revoke_token(&own(EVE), first, &by(EVE)).await,
        Err(TokenError::NoSuchToken)
    );
    directory
        .touch_token(&TokenSecret::from_random([2; 32]), later(5))
        .await
        .unwrap();
    directory
        .revoke_token(&own(BOB), first, &by(BOB))
        .await
        .unwrap();
    assert_eq!(house.most(everywhere, "page").await, "nothing");
    let left = directory.tokens_of(&own(BOB)).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].token, left[0].used_at),
        (TokenId::from_bits(2), Some(later(5)))
    );
    directory
        .remove_member(&space_of(space), BOB, &by(ADA))
        .await
        .unwrap();
    assert_eq!(
        house.most(here, "page").await,
        "nothing",
        "no more than its maker"
    );
}
