//! Spaces and their members.

use sheaf_shared::access::Role;
use sheaf_shared::ids::SpaceId;

use super::*;
use crate::app::directory::people::TheirLinks;
use crate::app::directory::spaces::SpaceError;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    a_member_may_what_the_role_says_from_the_moment_it_is_given(&fresh().await).await;
    the_last_owner_of_a_space_stays_one(&fresh().await).await;
    of_two_owners_who_leave_at_once_one_stays(&fresh().await).await;
    a_private_space_is_one_persons_alone(&fresh().await).await;
    a_space_is_given_away_only_when_nobody_who_can_decides_about_it(&fresh().await).await;
    a_deleted_space_opens_to_nobody_and_comes_back_as_it_was(&fresh().await).await;
    members_are_listed_in_pages(&fresh().await).await;
}

async fn a_member_may_what_the_role_says_from_the_moment_it_is_given(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .claim(&page("page"), space, ADA, NOW)
        .await
        .unwrap();
    let eve = house.sign_in(EVE, 1).await;
    assert_eq!(house.most(eve, "page").await, "nothing");
    for (role, may) in [
        (Role::Viewer, "read"),
        (Role::Commenter, "comment"),
        (Role::Editor, "share"),
        (Role::Owner, "share"),
    ] {
        let version = house.version().await;
        directory
            .set_member(&space_of(space), EVE, role, &by(ADA))
            .await
            .unwrap();
        assert!(house.version().await > version);
        assert_eq!(house.most(eve, "page").await, may);
        let tree = DocName::of_space(space);
        let about = house.facts(eve, tree.as_str()).await.space().unwrap();
        assert_eq!((about.space, about.role), (space, Some(role)));
    }
    directory
        .leave_space(&own(EVE), space, &by(EVE))
        .await
        .unwrap();
    assert_eq!(house.most(eve, "page").await, "nothing");
    assert_eq!(
        directory
            .remove_member(&space_of(space), EVE, &by(ADA))
            .await,
        Err(SpaceError::NoSuchMember)
    );
    let nowhere = SpaceId::from_bits(77);
    assert_eq!(
        directory
            .set_member(&space_of(nowhere), EVE, Role::Viewer, &by(ADA))
            .await,
        Err(SpaceError::NoSuchSpace)
    );
}

async fn the_last_owner_of_a_space_stays_one(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .set_member(&space_of(space), EVE, Role::Owner, &by(ADA))
        .await
        .unwrap();
    directory
        .disable_person(&person(EVE), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    // An owner whose account is not in use decides about nothing.
    let last = Err(SpaceError::LastOwner);
    assert_eq!(
        directory
            .remove_member(&space_of(space), ADA, &by(ADA))
            .await,
        last
    );
    for role in [Role::Editor, Role::Commenter, Role::Viewer] {
        assert_eq!(
            directory
                .set_member(&space_of(space), ADA, role, &by(ADA))
                .await,
            last
        );
    }
    directory
        .set_member(&space_of(space), BOB, Role::Viewer, &by(ADA))
        .await
        .unwrap();
    directory
        .set_member(&space_of(space), BOB, Role::Owner, &by(ADA))
        .await
        .unwrap();
    directory
        .set_member(&space_of(space), ADA, Role::Viewer, &by(ADA))
        .await
        .unwrap();
    assert_eq!(
        directory
            .remove_member(&space_of(space), BOB, &by(BOB))
            .await,
        last
    );
}

async fn of_two_owners_who_leave_at_once_one_stays(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let everyone = [ADA, BOB, EVE];
    for _ in 0..5 {
        for user in everyone {
            directory
                .set_member(&space_of(space), user, Role::Owner, &operator())
                .await
                .unwrap();
        }
        let left = at_once(3, |number| {
            let (store, user) = (subject.store(), everyone[usize::from(number) - 1]);
            async move {
                let directory = Directory::of(&*store).unwrap();
                let left = directory.leave_space(&own(user), space, &by(user)).await;
                left.map_err(|error| error.to_string())
            }
        });
        assert_eq!(left.await.len(), 2);
        let members = directory.members(&space_of(space), None, 10).await.unwrap();
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].role, Role::Owner);
    }
}

async fn a_private_space_is_one_persons_alone(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = private_of(BOB);
    let private = Err(SpaceError::Private);
    assert_eq!(
        directory
            .set_member(&space_of(space), EVE, Role::Viewer, &by(BOB))
            .await,
        private
    );
    assert_eq!(
        directory
            .set_member(&space_of(space), BOB, Role::Viewer, &by(BOB))
            .await,
        private
    );
    assert_eq!(
        directory
            .remove_member(&space_of(space), BOB, &by(BOB))
            .await,
        private
    );
    assert_eq!(
        directory.delete_space(&space_of(space), &by(BOB)).await,
        private
    );
    directory
        .disable_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    assert_eq!(
        directory
            .give_space(&the_house(), space, ADA, &by(ADA))
            .await,
        private
    );
    assert_eq!(
        directory
            .orphaned_spaces(&read_people(), None, 10)
            .await
            .unwrap(),
        []
    );
}

async fn a_space_is_given_away_only_when_nobody_who_can_decides_about_it(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = SpaceId::from_bits(600);
    directory
        .add_space(space, name("Bob's"), &own(BOB), &by(BOB))
        .await
        .unwrap();
    directory
        .set_member(&space_of(space), EVE, Role::Editor, &by(BOB))
        .await
        .unwrap();
    assert_eq!(
        directory
            .give_space(&the_house(), space, ADA, &by(ADA))
            .await,
        Err(SpaceError::Owned)
    );
    directory
        .disable_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    let orphans = directory
        .orphaned_spaces(&read_people(), None, 10)
        .await
        .unwrap();
    assert_eq!(orphans.len(), 1);
    assert_eq!(orphans[0].space, space);
    assert_eq!(
        directory
            .give_space(&the_house(), space, BOB, &by(ADA))
            .await,
        Err(SpaceError::NoSuchPerson),
        "not to one whose account is not in use"
    );
    directory
        .give_space(&the_house(), space, EVE, &by(ADA))
        .await
        .unwrap();
    let spaces = directory.spaces_of(&own(EVE)).await.unwrap();
    let given = spaces.iter().find(|it| it.space == space).unwrap();
    assert_eq!(given.role, Some(Role::Owner));
}

async fn a_deleted_space_opens_to_nobody_and_comes_back_as_it_was(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .claim(&page("page"), space, BOB, NOW)
        .await
        .unwrap();
    let bob = house.sign_in(BOB, 1).await;
    directory
        .delete_space(&space_of(space), &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(bob, "page").await, "nothing");
    let tree = DocName::of_space(space);
    assert_eq!(house.facts(bob, tree.as_str()).await.space(), None);
    // Its pages are not there to be taken.
    let claimed = directory
        .claim(&page("page"), private_of(BOB), BOB, NOW)
        .await;
    assert_eq!(claimed, Ok(space));
    let gone = Err(SpaceError::NoSuchSpace);
    assert_eq!(
        directory
            .rename_space(&space_of(space), name("New"), &by(ADA))
            .await,
        gone
    );
    assert_eq!(
        directory
            .set_member(&space_of(space), EVE, Role::Owner, &by(ADA))
            .await,
        gone
    );
    assert_eq!(
        directory.delete_space(&space_of(space), &by(ADA)).await,
        gone
    );
    assert!(
        !directory
            .spaces_of(&own(BOB))
            .await
            .unwrap()
            .iter()
            .any(|it| it.space == space)
    );
    directory
        .restore_space(&the_house(), space, &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(bob, "page").await, "share");
    assert_eq!(
        directory.restore_space(&the_house(), space, &by(ADA)).await,
        gone
    );
}

async fn members_are_listed_in_pages(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .set_member(&space_of(space), EVE, Role::Viewer, &by(ADA))
        .await
        .unwrap();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let some = directory.members(&space_of(space), after, 2).await.unwrap();
        let Some(last) = some.last() else { break };
        after = Some(last.user);
        listed.extend(some.into_iter().map(|member| (member.user, member.role)));
    }
    let expected = [(ADA, Role::Owner), (BOB, Role::Editor), (EVE, Role::Viewer)];
    assert_eq!(listed, expected);
}
