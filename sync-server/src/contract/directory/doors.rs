//! How one comes in: sessions, invitations, accounts elsewhere, tokens.

use sheaf_core::access::{Office, Reach, Who};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, SpaceId, TokenId, UserId};

use super::*;
use crate::app::directory::identities::{Identity, IdentityError};
use crate::app::directory::invitations::{Invitation, InvitationError};
use crate::app::directory::people::TheirLinks;
use crate::app::directory::secret::{InvitationSecret, TokenSecret};
use crate::app::directory::sessions::{SESSION_MS, SESSION_TOUCH_EVERY_MS, SessionError};
use crate::app::directory::tokens::{TokenError, TokenTerms};

const INVITED: UserId = UserId::from_bits(50);

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    a_session_tells_who_it_is_and_none_tells_a_stranger(&fresh().await).await;
    use_prolongs_a_session_now_and_then_and_never_one_that_is_over(&fresh().await).await;
    sessions_are_listed_and_ended_by_whose_they_are(&fresh().await).await;
    no_session_begins_by_a_password_that_is_just_being_changed(&fresh().await).await;
    sessions_that_are_over_are_swept_and_the_others_stay(&fresh().await).await;
    an_invitation_gives_what_it_says_and_once(&fresh().await).await;
    of_many_who_use_an_invitation_at_once_one_does(&fresh().await).await;
    an_invitation_that_ended_or_was_taken_back_or_whose_maker_is_out_gives_nothing(&fresh().await)
        .await;
    a_link_to_set_a_password_sets_it_once_and_ends_every_session(&fresh().await).await;
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
    let session = directory.sessions_of(BOB, due).await.unwrap().remove(0);
    assert_eq!((session.created_at, session.used_at), (NOW, due));
    assert_eq!(session.ends_at, UnixMs(due.0 + SESSION_MS));
    let over = session.ends_at;
    assert!(!directory.touch_session(&secret(1), over).await.unwrap());
    assert_eq!(directory.sessions_of(BOB, over).await.unwrap(), []);
    assert_eq!(house.version().await, version, "nobody's rights changed");
}

async fn sessions_are_listed_and_ended_by_whose_they_are(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    for (user, number) in [(BOB, 1), (BOB, 2), (BOB, 3), (EVE, 4)] {
        house.sign_in(user, number).await;
    }
    let listed = async |user| -> Vec<u128> {
        let listed = directory.sessions_of(user, NOW).await.unwrap();
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
        assert_eq!(directory.sessions_of(BOB, NOW).await.unwrap(), []);
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
    let left = directory.sessions_of(BOB, NOW).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].session, SessionId::from_bits(2));
}

fn to_join(space: Option<(SpaceId, Role)>) -> Invitation {
    Invitation::Join {
        email: Some(email("invited@example.org")),
        office: Office::Admin,
        space,
    }
}

fn invitation(number: u8) -> (InvitationId, InvitationSecret) {
    let id = InvitationId::from_bits(number.into());
    (id, InvitationSecret::from_random([number; 32]))
}

impl House {
    async fn invite(&self, number: u8, to: Invitation, maker: UserId) -> InvitationSecret {
        let (id, secret) = invitation(number);
        let (directory, by, until) = (self.directory(), by(maker), later(100));
        match to {
            Invitation::Join {
                email,
                office,
                space,
            } => {
                let manages = space.map(|(space, role)| (space_of(space), role));
                let space = manages.as_ref().map(|(manages, role)| (manages, *role));
                let (seat, door) = (seat(office), (id, &secret));
                let invited = directory.invite(&seat, door, email, space, until, &by);
                invited.await.unwrap();
            }
            Invitation::Reset(user) => {
                let offered = directory
                    .offer_reset(&person(user), (id, &secret), until, &by)
                    .await;
                offered.unwrap();
            }
        }
        secret
    }
}

async fn an_invitation_gives_what_it_says_and_once(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let to = to_join(Some((space, Role::Commenter)));
    let secret = house.invite(1, to.clone(), ADA).await;
    let read = directory.invitation(&secret, NOW).await.unwrap().unwrap();
    assert_eq!((read.to, read.made_by), (to, Some(ADA)));
    assert_eq!(
        directory
            .open_invitations(None, 10, NOW)
            .await
            .unwrap()
            .len(),
        1
    );
    let new = new_person(INVITED);
    directory
        .join(&secret, new.clone(), &operator())
        .await
        .unwrap();
    let person = directory.person(INVITED).await.unwrap().unwrap();
    assert_eq!(person.office, Office::Admin);
    assert_eq!(
        person.email,
        Some(email("invited@example.org")),
        "not what was given"
    );
    let spaces = directory.spaces_of(INVITED).await.unwrap();
    let spaces: Vec<_> = spaces.iter().map(|it| (it.space, it.role)).collect();
    let expected = [
        (private_of(INVITED), Some(Role::Owner)),
        (space, Some(Role::Commenter)),
    ];
    assert_eq!(spaces, expected);
    let again = NewPerson {
        user: UserId::from_bits(51),
        ..new
    };
    let refused = Err(InvitationError::NoSuchInvitation);
    assert_eq!(directory.join(&secret, again, &operator()).await, refused);
    assert_eq!(directory.invitation(&secret, NOW).await.unwrap(), None);
    assert_eq!(directory.open_invitations(None, 10, NOW).await.unwrap(), []);
}

async fn of_many_who_use_an_invitation_at_once_one_does(subject: &impl Subject) {
    let house = House::of(subject).await;
    let to = Invitation::Join {
        email: None,
        office: Office::Member,
        space: None,
    };
    let secret = house.invite(1, to, ADA).await;
    let joined = at_once(8, |number| {
        let (store, secret) = (subject.store(), secret.clone());
        async move {
            let new = new_person(UserId::from_bits(100 + u128::from(number)));
            let directory = Directory::of(&*store).unwrap();
            let joined = directory.join(&secret, new, &operator()).await;
            joined.map_err(|error| error.to_string())
        }
    });
    assert_eq!(joined.await.len(), 1);
    assert_eq!(house.directory().people(None, 200).await.unwrap().len(), 4);
}

async fn an_invitation_that_ended_or_was_taken_back_or_whose_maker_is_out_gives_nothing(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    directory
        .set_office(&person(BOB), &seat(Office::Admin), &by(ADA))
        .await
        .unwrap();
    directory
        .set_office(&person(EVE), &seat(Office::Admin), &by(ADA))
        .await
        .unwrap();
    let ended = house.invite(1, to_join(None), ADA).await;
    let taken_back = house.invite(2, to_join(None), ADA).await;
    let of_disabled = house.invite(3, to_join(None), BOB).await;
    let of_demoted = house.invite(4, to_join(None), EVE).await;
    let id = InvitationId::from_bits(2);
    directory
        .revoke_invitation(&seat(Office::Admin), id, &by(ADA))
        .await
        .unwrap();
    let refused = Err(InvitationError::NoSuchInvitation);
    assert_eq!(
        directory
            .revoke_invitation(&seat(Office::Admin), id, &by(ADA))
            .await,
        refused
    );
    directory
        .disable_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    directory
        .set_office(&person(EVE), &seat(Office::Member), &by(ADA))
        .await
        .unwrap();
    let too_late = By {
        at: later(100),
        ..operator()
    };
    for (secret, by) in [
        (&ended, &too_late),
        (&taken_back, &operator()),
        (&of_disabled, &operator()),
        (&of_demoted, &operator()),
    ] {
        assert_eq!(directory.invitation(secret, by.at).await.unwrap(), None);
        assert_eq!(
            directory.join(secret, new_person(INVITED), by).await,
            refused
        );
    }
    let last_moment = By {
        at: later(99),
        ..operator()
    };
    directory
        .join(&ended, new_person(INVITED), &last_moment)
        .await
        .unwrap();
}

async fn a_link_to_set_a_password_sets_it_once_and_ends_every_session(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    house.sign_in(BOB, 1).await;
    let first = house.invite(1, Invitation::Reset(BOB), ADA).await;
    let second = house.invite(2, Invitation::Reset(BOB), ADA).await;
    let used_up = InvitationError::NoSuchInvitation;
    let refused = Err(used_up.clone());
    let new = || password("new");
    assert_eq!(
        directory.reset_password(&first, new(), &operator()).await,
        refused
    );
    // It makes no account either.
    assert_eq!(
        directory
            .join(&second, new_person(INVITED), &operator())
            .await,
        Err(used_up)
    );
    assert_eq!(
        directory.reset_password(&second, new(), &operator()).await,
        Ok(BOB)
    );
    assert_eq!(
        directory.reset_password(&second, new(), &operator()).await,
        refused
    );
    assert_eq!(directory.sessions_of(BOB, NOW).await.unwrap(), []);
    let bob = directory.person(BOB).await.unwrap().unwrap();
    assert_eq!(bob.password.unwrap().as_text(), "new");
    let to_old_address = house.invite(4, Invitation::Reset(BOB), ADA).await;
    let elsewhere = email("elsewhere@example.org");
    directory
        .readdress_person(&own(BOB), elsewhere, &by(BOB))
        .await
        .unwrap();
    assert_eq!(
        directory
            .reset_password(&to_old_address, new(), &operator())
            .await,
        refused
    );
    // One to join sets nobody's password.
    let to_join = house.invite(3, to_join(None), ADA).await;
    assert_eq!(
        directory.reset_password(&to_join, new(), &operator()).await,
        refused
    );
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
    assert_eq!(directory.identities_of(INVITED).await.unwrap(), [only]);
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
    let left = directory.tokens_of(BOB).await.unwrap();
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
