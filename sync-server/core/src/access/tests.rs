//! The whole matrix: everyone who can ask, every action, every relation to what it is done to.

use sheaf_shared::ids::{DocName, LinkId, SpaceId, UserId};

use super::*;

const NOW: UnixMs = UnixMs(1_000);
const LATER: UnixMs = UnixMs(2_000);
const EARLIER: UnixMs = UnixMs(999);
const HERE: SpaceId = SpaceId::from_bits(1);
const ELSEWHERE: SpaceId = SpaceId::from_bits(2);
const ROLES: [Option<Role>; 5] = [
    None,
    Some(Role::Viewer),
    Some(Role::Commenter),
    Some(Role::Editor),
    Some(Role::Owner),
];

fn person(office: Office) -> Person {
    Person {
        user: UserId::from_bits(7),
        standing: Standing::Active,
        office,
        until: LATER,
    }
}

fn guest(role: Role) -> Guest {
    Guest {
        link: LinkId::from_bits(3),
        role,
        is_revoked: false,
        until: LATER,
    }
}

fn program(reach: Reach) -> Program {
    Program {
        of: person(Office::Owner),
        space: None,
        reach,
        is_revoked: false,
        until: LATER,
    }
}

fn page(role: Option<Role>, is_linked: bool) -> Page {
    Page {
        doc: DocName::parse("page").unwrap(),
        space: HERE,
        role,
        is_linked,
    }
}

/// What `who` may with a page: the most of nothing, knowing that it is, reading, commenting, writing, sharing.
fn most(who: &Who, page: &Page) -> &'static str {
    let read = decide::<ReadPage>(who, page, NOW).map(drop);
    let comment = decide::<CommentOnPage>(who, page, NOW).map(drop);
    let write = decide::<WritePage>(who, page, NOW).map(drop);
    let share = decide::<SharePage>(who, page, NOW).map(drop);
    match (read, comment, write, share) {
        (Ok(()), Ok(()), Ok(()), Ok(())) => "share",
        (Ok(()), Ok(()), Ok(()), Err(Refusal::Known)) => "write",
        (Ok(()), Ok(()), Err(Refusal::Known), Err(Refusal::Known)) => "comment",
        (Ok(()), Err(Refusal::Known), Err(Refusal::Known), Err(Refusal::Known)) => "read",
        (Err(Refusal::Unknown), ..) => {
            assert_eq!([comment, write, share], [Err(Refusal::Unknown); 3]);
            "nothing"
        }
        odd => panic!("{odd:?} makes no ladder"),
    }
}

#[test]
fn a_member_may_what_the_role_in_the_pages_space_says_and_others_find_nothing() {
    let expected = ["nothing", "read", "comment", "share", "share"];
    for office in [Office::Member, Office::Admin, Office::Owner] {
        for (role, expected) in ROLES.into_iter().zip(expected) {
            let who = Who::Person(person(office));
            assert_eq!(
                most(&who, &page(role, false)),
                expected,
                "{office:?} {role:?}"
            );
            // A link that leads there is nothing to one who did not come by it.
            assert_eq!(
                most(&who, &page(role, true)),
                expected,
                "{office:?} {role:?}"
            );
        }
    }
}

#[test]
fn who_is_disabled_or_whose_session_is_over_finds_nothing_whatever_the_role() {
    for role in ROLES {
        let mut disabled = person(Office::Owner);
        disabled.standing = Standing::Disabled;
        let mut over = person(Office::Owner);
        over.until = NOW;
        for who in [disabled, over] {
            assert_eq!(
                most(&Who::Person(who.clone()), &page(role, true)),
                "nothing"
            );
            let who = Who::Person(who);
            assert_eq!(
                decide::<ManageHouse>(&who, &House, NOW).map(drop),
                Err(Refusal::Unknown)
            );
        }
    }
}

#[test]
fn a_stranger_finds_nothing_and_whoever_sits_alone_at_the_machine_may_all() {
    for role in ROLES {
        for is_linked in [false, true] {
            assert_eq!(most(&Who::Stranger, &page(role, is_linked)), "nothing");
            assert_eq!(most(&Who::Local, &page(role, is_linked)), "share");
        }
    }
    assert!(decide::<ManageHouse>(&Who::Local, &House, NOW).is_ok());
}

#[test]
fn a_guest_may_what_the_link_says_where_it_leads_never_shares_and_sees_no_space() {
    let expected = [
        (Role::Viewer, "read"),
        (Role::Commenter, "comment"),
        (Role::Editor, "write"),
        (Role::Owner, "write"),
    ];
    for (role, expected) in expected {
        let who = Who::Guest(guest(role));
        assert_eq!(most(&who, &page(None, true)), expected);
        assert_eq!(most(&who, &page(Some(Role::Owner), false)), "nothing");
        let space = Space {
            space: HERE,
            role: Some(Role::Owner),
        };
        assert_eq!(
            decide::<ReadSpace>(&who, &space, NOW).map(drop),
            Err(Refusal::Unknown)
        );
    }
}

#[test]
fn a_link_that_was_revoked_or_has_ended_leads_nowhere() {
    let mut revoked = guest(Role::Editor);
    revoked.is_revoked = true;
    let mut ended = guest(Role::Editor);
    ended.until = EARLIER;
    for who in [revoked, ended] {
        assert_eq!(most(&Who::Guest(who), &page(None, true)), "nothing");
    }
}

#[test]
fn a_program_may_never_more_than_its_token_nor_more_than_who_made_it() {
    let ladder = |reach| match reach {
        Reach::Read => ["nothing", "read", "read", "read", "read"],
        Reach::Write | Reach::Manage => ["nothing", "read", "comment", "write", "write"],
    };
    for reach in [Reach::Read, Reach::Write, Reach::Manage] {
        for (role, expected) in ROLES.into_iter().zip(ladder(reach)) {
            let who = Who::Program(program(reach));
            assert_eq!(
                most(&who, &page(role, false)),
                expected,
                "{reach:?} {role:?}"
            );
            let space = Space { space: HERE, role };
            let manages = decide::<ManageSpace>(&who, &space, NOW).is_ok();
            assert_eq!(
                manages,
                reach == Reach::Manage && role == Some(Role::Owner),
                "{reach:?} {role:?}"
            );
            assert!(decide::<DeleteSpace>(&who, &space, NOW).is_err());
        }
        let who = Who::Program(program(reach));
        assert!(decide::<ReadPeople>(&who, &House, NOW).is_err());
    }
}

#[test]
fn a_token_for_one_space_a_revoked_one_an_old_one_and_one_of_a_disabled_person_open_nothing_else() {
    let mut elsewhere = program(Reach::Manage);
    elsewhere.space = Some(ELSEWHERE);
    let mut revoked = program(Reach::Manage);
    revoked.is_revoked = true;
    let mut old = program(Reach::Manage);
    old.until = NOW;
    let mut orphan = program(Reach::Manage);
    orphan.of.standing = Standing::Disabled;
    for who in [elsewhere, revoked, old, orphan] {
        let who = Who::Program(who);
        assert_eq!(most(&who, &page(Some(Role::Owner), true)), "nothing");
    }
    let mut here = program(Reach::Write);
    here.space = Some(HERE);
    assert_eq!(
        most(&Who::Program(here), &page(Some(Role::Owner), false)),
        "write"
    );
    // The session in which a token was made may be over long since.
    let mut lone = program(Reach::Write);
    lone.of.until = EARLIER;
    assert_eq!(
        most(&Who::Program(lone), &page(Some(Role::Owner), false)),
        "write"
    );
}

#[test]
fn only_an_office_decides_about_people_and_only_oneself_about_ones_account() {
    let expected = [
        (Office::Member, [false, false]),
        (Office::Admin, [true, false]),
        (Office::Owner, [true, true]),
    ];
    for (office, expected) in expected {
        let who = Who::Person(person(office));
        let may = [
            decide::<ReadPeople>(&who, &House, NOW).is_ok(),
            decide::<ManageHouse>(&who, &House, NOW).is_ok(),
        ];
        assert_eq!(may, expected, "{office:?}");
        let own = Account {
            user: UserId::from_bits(7),
        };
        let other = Account {
            user: UserId::from_bits(8),
        };
        assert!(decide::<ManageOwnAccount>(&who, &own, NOW).is_ok());
        assert_eq!(
            decide::<ManageOwnAccount>(&who, &other, NOW).map(drop),
            Err(Refusal::Known)
        );
    }
}

#[test]
fn nobody_decides_about_who_holds_a_greater_office_or_gives_one_greater_than_their_own() {
    let offices = [Office::Member, Office::Admin, Office::Owner];
    for office in offices {
        let who = Who::Person(person(office));
        for of_theirs in offices {
            let may = office >= Office::Admin && office >= of_theirs;
            let theirs = Resident {
                user: UserId::from_bits(8),
                office: of_theirs,
            };
            let seat = Seat { office: of_theirs };
            for decided in [
                decide::<ManagePerson>(&who, &theirs, NOW).map(drop),
                decide::<InvitePeople>(&who, &seat, NOW).map(drop),
            ] {
                let expected = if may { Ok(()) } else { Err(Refusal::Known) };
                assert_eq!(decided, expected, "{office:?} {of_theirs:?}");
            }
        }
    }
}

#[test]
fn the_proof_names_what_was_asked_about_and_as_what_it_was_allowed() {
    let who = Who::Person(person(Office::Member));
    let allowed = decide::<ReadPage>(&who, &page(Some(Role::Editor), false), NOW).unwrap();
    assert_eq!(allowed.id().as_str(), "page");
    assert_eq!(allowed.role(), Role::Editor);
}
