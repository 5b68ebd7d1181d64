//! Invitations: to make an account, or to set another password.

use sheaf_core::access::Office;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{InvitationId, SpaceId, UserId};

use super::*;
use crate::app::directory::invitations::{Invitation, InvitationError};
use crate::app::directory::people::TheirLinks;
use crate::app::directory::secret::InvitationSecret;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    an_invitation_gives_what_it_says_and_once(&fresh().await).await;
    of_many_who_use_an_invitation_at_once_one_does(&fresh().await).await;
    an_invitation_that_ended_or_was_taken_back_or_whose_maker_is_out_gives_nothing(&fresh().await)
        .await;
    a_link_to_set_a_password_sets_it_once_and_ends_every_session(&fresh().await).await;
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
            .open_invitations(&read_people(), None, 10, NOW)
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
    let spaces = directory.spaces_of(&own(INVITED)).await.unwrap();
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
    assert_eq!(
        directory
            .open_invitations(&read_people(), None, 10, NOW)
            .await
            .unwrap(),
        []
    );
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
    assert_eq!(
        house
            .directory()
            .people(&read_people(), None, 200)
            .await
            .unwrap()
            .len(),
        4
    );
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
    assert_eq!(
        directory
            .revoke_invitation(&seat(Office::Member), id, &by(ADA))
            .await,
        Err(InvitationError::NoSuchInvitation),
        "it is to a greater office"
    );
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
    assert_eq!(directory.sessions_of(&own(BOB), NOW).await.unwrap(), []);
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
