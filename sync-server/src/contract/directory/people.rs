//! Accounts, offices, and the order of changes.

use sheaf_core::access::{Office, Standing};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{SpaceId, UserId};

use super::*;
use crate::app::directory::Undone;
use crate::app::directory::people::{PersonError, TheirLinks};
use crate::app::directory::set_up::SetUpCode;
use crate::ports::UpdateBytes;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    the_first_account_owns_the_house_and_whatever_was_written_before(&fresh().await).await;
    who_sits_at_the_machine_owns_all_until_there_is_an_account(&fresh().await).await;
    of_many_who_make_the_first_account_at_once_one_does(&fresh().await).await;
    every_server_tells_the_same_set_up_code_until_there_is_an_account(&fresh().await).await;
    an_address_belongs_to_one_account(&fresh().await).await;
    the_last_owner_stays_one(&fresh().await).await;
    of_two_owners_who_put_each_other_out_at_once_one_stays(&fresh().await).await;
    who_is_disabled_is_out_and_comes_back_to_what_was_theirs(&fresh().await).await;
    a_deleted_persons_pages_stay_and_the_private_space_waits_for_an_owner(&fresh().await).await;
    every_change_raises_the_version_and_leaves_a_line_and_one_that_fails_does_neither(
        &fresh().await,
    )
    .await;
    what_was_decided_before_rights_changed_is_not_done(&fresh().await).await;
    people_are_listed_in_pages(&fresh().await).await;
}

async fn the_first_account_owns_the_house_and_whatever_was_written_before(subject: &impl Subject) {
    let store = subject.store();
    let tree = DocName::of_space(SpaceId::HOME);
    for doc in [page("old"), tree.clone()] {
        let update = UpdateBytes::from_static(b"x");
        store.append(&doc, vec![update]).await.unwrap();
    }
    let directory = Directory::of(&*store).unwrap();
    assert!(!directory.is_founded().await.unwrap());
    let house = House::of(subject).await;
    assert!(directory.is_founded().await.unwrap());
    let ada = directory.person(ADA).await.unwrap().unwrap();
    assert_eq!(
        (ada.office, ada.standing),
        (Office::Owner, Standing::Active)
    );
    let spaces = directory.spaces_of(&own(ADA)).await.unwrap();
    let spaces: Vec<_> = spaces.iter().map(|it| (it.space, it.role)).collect();
    let owner = Some(Role::Owner);
    assert_eq!(spaces, [(private_of(ADA), owner), (SpaceId::HOME, owner)]);
    let (ada, bob) = (house.sign_in(ADA, 1).await, house.sign_in(BOB, 2).await);
    assert_eq!(house.most(ada, "old").await, "share");
    assert_eq!(house.most(bob, "old").await, "nothing");
    assert_eq!(directory.belonging(&tree).await.unwrap(), None);
    assert_eq!(
        directory
            .found(new_person(EVE), name("Home"), &operator())
            .await,
        Err(PersonError::FoundedAlready)
    );
}

async fn every_server_tells_the_same_set_up_code_until_there_is_an_account(subject: &impl Subject) {
    let store = subject.store();
    let directory = Directory::of(&*store).unwrap();
    let ask = async |number| {
        let drawn = SetUpCode::from_random([number; 10]);
        directory.set_up_code(drawn).await.unwrap()
    };
    let (first, second) = tokio::join!(ask(1), ask(2));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.reveal(), second.reveal());
    assert_eq!(ask(3).await.unwrap().reveal(), first.reveal());
    House::of(subject).await;
    assert!(ask(4).await.is_none());
}

async fn who_sits_at_the_machine_owns_all_until_there_is_an_account(subject: &impl Subject) {
    let house = House(subject.store());
    let tree = DocName::of_space(SpaceId::HOME);
    let elsewhere = DocName::of_space(private_of(ADA));
    let spaces = async || {
        let home = house.facts(Key::Local, tree.as_str()).await.space();
        let other = house.facts(Key::Local, elsewhere.as_str()).await.space();
        (home.map(|it| it.space), other)
    };
    assert_eq!(house.most(Key::Local, "page").await, "share");
    assert_eq!(house.most(Key::Nothing, "page").await, "nothing");
    assert_eq!(spaces().await, (Some(SpaceId::HOME), None));
    let version = house.version().await;
    let house = House::of(subject).await;
    assert!(
        house.version().await > version,
        "open sockets are looked at again"
    );
    let local = house.facts(Key::Local, "page").await;
    assert_eq!(local.caller.who, sheaf_core::access::Who::Stranger);
    assert_eq!(house.most(Key::Local, "page").await, "nothing");
}

async fn of_many_who_make_the_first_account_at_once_one_does(subject: &impl Subject) {
    let store = subject.store();
    let founders = at_once(8, |number| {
        let store = Arc::clone(&store);
        async move {
            let new = new_person(UserId::from_bits(number.into()));
            let directory = Directory::of(&*store).unwrap();
            let founded = directory.found(new, name("Home"), &operator()).await;
            if let Err(error) = &founded {
                assert_eq!(*error, PersonError::FoundedAlready);
            }
            founded.map_err(|error| error.to_string())
        }
    });
    let founders = founders.await;
    assert_eq!(founders.len(), 1, "{founders:?}");
    let directory = Directory::of(&*store).unwrap();
    let people = directory.people(&read_people(), None, 200).await.unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!(people[0].user, UserId::from_bits(founders[0].into()));
}

async fn an_address_belongs_to_one_account(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let taken = email("PERSON2@example.org");
    let new = NewPerson {
        email: taken.clone(),
        ..new_person(UserId::from_bits(9))
    };
    let added = directory
        .add_person(&seat(Office::Member), new, &by(ADA))
        .await;
    assert_eq!(added, Err(PersonError::EmailTaken));
    assert_eq!(directory.person(UserId::from_bits(9)).await.unwrap(), None);
    let readdressed = directory
        .readdress_person(&own(EVE), taken.clone(), &by(EVE))
        .await;
    assert_eq!(readdressed, Err(PersonError::EmailTaken));
    let found = directory.person_by_email(taken.clone()).await.unwrap();
    assert_eq!(found.unwrap().user, BOB);
    directory
        .delete_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    directory
        .readdress_person(&own(EVE), taken, &by(EVE))
        .await
        .unwrap();
}

async fn the_last_owner_stays_one(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let (stay, by_ada) = (TheirLinks::Stay, by(ADA));
    directory
        .set_office(&person(BOB), &seat(Office::Owner), &by_ada)
        .await
        .unwrap();
    directory
        .disable_person(&person(BOB), stay, &by_ada)
        .await
        .unwrap();
    // An owner whose account is not in use is no owner.
    let last = Err(PersonError::LastOwner);
    for office in [Office::Admin, Office::Member] {
        assert_eq!(
            directory
                .set_office(&person(ADA), &seat(office), &by_ada)
                .await,
            last
        );
    }
    assert_eq!(
        directory.disable_person(&person(ADA), stay, &by_ada).await,
        last
    );
    assert_eq!(
        directory.delete_person(&person(ADA), stay, &by_ada).await,
        last
    );
    directory
        .enable_person(&person(BOB), &by_ada)
        .await
        .unwrap();
    directory
        .delete_person(&person(ADA), stay, &by_ada)
        .await
        .unwrap();
    let bob = directory.person(BOB).await.unwrap().unwrap();
    assert_eq!(
        (bob.office, bob.standing),
        (Office::Owner, Standing::Active)
    );
    assert_eq!(
        directory
            .set_office(
                &person(UserId::from_bits(99)),
                &seat(Office::Admin),
                &by(BOB)
            )
            .await,
        Err(PersonError::NoSuchPerson)
    );
}

async fn of_two_owners_who_put_each_other_out_at_once_one_stays(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    for _ in 0..5 {
        for user in [ADA, BOB] {
            let standing = directory.person(user).await.unwrap().unwrap().standing;
            if standing == Standing::Disabled {
                directory
                    .enable_person(&person(user), &operator())
                    .await
                    .unwrap();
            }
            directory
                .set_office(&person(user), &seat(Office::Owner), &operator())
                .await
                .unwrap();
        }
        let out = at_once(2, |number| {
            let store = subject.store();
            async move {
                let (who, whom) = if number == 1 { (ADA, BOB) } else { (BOB, ADA) };
                let directory = Directory::of(&*store).unwrap();
                let stay = TheirLinks::Stay;
                let disabled = directory
                    .disable_person(&person(whom), stay, &by(who))
                    .await;
                disabled.map_err(|error| error.to_string())
            }
        });
        assert_eq!(out.await.len(), 1);
    }
}

async fn who_is_disabled_is_out_and_comes_back_to_what_was_theirs(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .claim(&page("page"), space, BOB, NOW)
        .await
        .unwrap();
    let bob = house.sign_in(BOB, 1).await;
    assert_eq!(house.most(bob, "page").await, "share");
    directory
        .disable_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(bob, "page").await, "nothing");
    let shown = Shown::Password(password("old"));
    let refused = directory
        .sign_in(BOB, shown, new_session(2), &by(BOB))
        .await;
    assert!(refused.is_err(), "{refused:?}");
    directory
        .enable_person(&person(BOB), &by(ADA))
        .await
        .unwrap();
    assert_eq!(
        house.most(bob, "page").await,
        "nothing",
        "the session is over"
    );
    let bob = house.sign_in(BOB, 3).await;
    assert_eq!(house.most(bob, "page").await, "share");
    assert_eq!(
        directory.enable_person(&person(BOB), &by(ADA)).await,
        Err(PersonError::NoSuchPerson),
        "nobody who is disabled"
    );
}

async fn a_deleted_persons_pages_stay_and_the_private_space_waits_for_an_owner(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .claim(&page("of the team"), space, BOB, NOW)
        .await
        .unwrap();
    directory
        .claim(&page("diary"), private_of(BOB), BOB, NOW)
        .await
        .unwrap();
    let ada = house.sign_in(ADA, 1).await;
    directory
        .delete_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(ada, "of the team").await, "share");
    let made_by = directory.belonging(&page("of the team")).await.unwrap();
    assert_eq!(made_by.unwrap().made_by, Some(BOB));
    let bob = directory.person(BOB).await.unwrap().unwrap();
    assert_eq!(
        bob.name,
        name("Person 2"),
        "what bears it can still be named"
    );
    assert_eq!(
        (bob.email, bob.password, bob.standing),
        (None, None, Standing::Deleted)
    );
    assert_eq!(house.most(ada, "diary").await, "nothing");
    let orphans = directory
        .orphaned_spaces(&read_people(), None, 10)
        .await
        .unwrap();
    let orphans: Vec<_> = orphans.iter().map(|it| (it.space, it.private_of)).collect();
    assert_eq!(orphans, [(private_of(BOB), Some(BOB))]);
    directory
        .give_space(&the_house(), private_of(BOB), ADA, &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(ada, "diary").await, "share");
    assert_eq!(
        directory
            .orphaned_spaces(&read_people(), None, 10)
            .await
            .unwrap(),
        []
    );
}

async fn every_change_raises_the_version_and_leaves_a_line_and_one_that_fails_does_neither(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let lines = house.deeds(0).await.len();
    let before = house.version().await;
    directory
        .rename_person(&own(BOB), name("Robert"), &by(BOB))
        .await
        .unwrap();
    assert_eq!(house.version().await, Version(before.0 + 1));
    assert_eq!(house.deeds(lines).await, ["person.changed"]);
    let refused = directory
        .disable_person(&person(ADA), TheirLinks::Stay, &by(ADA))
        .await;
    assert_eq!(refused, Err(PersonError::LastOwner));
    assert_eq!(house.version().await, Version(before.0 + 1));
    assert_eq!(house.deeds(lines).await.len(), 1);
    let newest = directory
        .audit_lines(&the_house(), None, 1)
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (newest.by, newest.by_name.as_str()),
        (Some(BOB), "Somebody")
    );
    assert_eq!(
        (newest.detail.as_str(), newest.address.as_str()),
        ("Robert", "192.0.2.7")
    );
    assert_eq!(newest.thing, format!("person:{BOB}"));
    let before_it = directory
        .audit_lines(&the_house(), Some(newest.id), 200)
        .await
        .unwrap();
    assert_eq!(before_it.len(), lines);
    assert!(before_it.iter().all(|line| line.id < newest.id));
}

async fn what_was_decided_before_rights_changed_is_not_done(subject: &impl Subject) {
    let house = House::of(subject).await;
    house.sign_in(ADA, 1).await;
    let bob = Resident {
        user: BOB,
        office: Office::Member,
    };
    let decide = async || -> Granted<ManagePerson> {
        let ada = house.directory().who_of_session(&secret(1)).await.unwrap();
        Granted::to(&ada, &bob, NOW).unwrap()
    };
    let decided = Arc::new(decide().await);
    let done = at_once(8, |number| {
        let (store, decided) = (subject.store(), Arc::clone(&decided));
        async move {
            let directory = Directory::of(&*store).unwrap();
            let name = name(&format!("Number {number}"));
            let renamed = directory.rename_person(&*decided, name, &by(ADA)).await;
            if let Err(error) = &renamed {
                assert_eq!(*error, PersonError::Undone(Undone::Moved));
            }
            renamed.map_err(|error| error.to_string())
        }
    });
    assert_eq!(done.await.len(), 1);
    let (directory, again) = (house.directory(), decide().await);
    directory
        .rename_person(&again, name("Bob"), &by(ADA))
        .await
        .unwrap();
    // Nor is what takes two proofs, the older of which is too old.
    let (old, new) = (decide().await, name("Robert"));
    directory
        .rename_person(&own(BOB), new, &by(BOB))
        .await
        .unwrap();
    assert_eq!(
        directory
            .set_office(&old, &seat(Office::Admin), &by(ADA))
            .await,
        Err(PersonError::Undone(Undone::Moved))
    );
}

async fn people_are_listed_in_pages(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    directory
        .delete_person(&person(EVE), TheirLinks::Revoke, &by(ADA))
        .await
        .unwrap();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let some = directory
            .people(&read_people(), after.clone(), 1)
            .await
            .unwrap();
        let Some(last) = some.last() else { break };
        after = last.email.clone();
        listed.extend(some.into_iter().map(|person| person.user));
    }
    assert_eq!(listed, [ADA, BOB]);
}
