//! Documents, links to them, and the facts about many at once.

use sheaf_shared::access::Role;
use sheaf_shared::ids::{LinkId, PageId, SpaceId};

use super::*;
use crate::app::directory::belonging::BelongingError;
use crate::app::directory::facts::Found;
use crate::app::directory::links::{Extent, Lets, LinkError, LinkTerms};
use crate::app::directory::people::TheirLinks;
use crate::app::directory::secret::LinkSecret;
use crate::app::directory::sessions::SessionError;

pub(super) async fn honoured_by<S: Subject>(fresh: &impl AsyncFn() -> S) {
    a_document_that_lies_nowhere_is_the_first_ones_who_may_write_where_it_is_put(&fresh().await)
        .await;
    of_many_who_claim_a_document_at_once_one_gets_it_and_all_are_told_where_it_lies(&fresh().await)
        .await;
    a_tree_cannot_be_claimed_or_shared(&fresh().await).await;
    a_page_that_moves_is_judged_by_where_it_lies(&fresh().await).await;
    a_link_leads_to_its_page_and_below_it_and_nowhere_else(&fresh().await).await;
    a_link_ends_when_it_is_taken_back_or_its_time_is_over(&fresh().await).await;
    a_link_lets_do_what_it_says_now_and_takes_the_password_it_has_now(&fresh().await).await;
    only_who_may_write_a_page_makes_a_link_to_it(&fresh().await).await;
    what_becomes_of_links_is_decided_when_their_maker_goes(&fresh().await).await;
    many_questions_at_once_are_answered_like_one_at_a_time(&fresh().await).await;
}

async fn a_document_that_lies_nowhere_is_the_first_ones_who_may_write_where_it_is_put(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    directory
        .set_member(&space_of(space), EVE, Role::Commenter, &by(ADA))
        .await
        .unwrap();
    let bob = house.sign_in(BOB, 1).await;
    assert_eq!(house.facts(bob, "new").await.found, Found::Unclaimed);
    assert_eq!(house.most(bob, "new").await, "nothing");
    let nowhere = Err(BelongingError::NoSuchSpace);
    let new = page("new");
    for (space, user) in [
        (space, EVE),
        (private_of(ADA), BOB),
        (SpaceId::from_bits(77), BOB),
    ] {
        assert_eq!(directory.claim(&new, space, user, NOW).await, nowhere);
    }
    let version = house.version().await;
    assert_eq!(directory.claim(&new, space, BOB, NOW).await, Ok(space));
    assert_eq!(
        house.version().await,
        version,
        "nobody had rights to it before"
    );
    assert_eq!(house.most(bob, "new").await, "share");
    assert_eq!(
        directory.claim(&new, private_of(EVE), EVE, NOW).await,
        Ok(space)
    );
    let listed = directory
        .documents_of(&space_of(space), None, 10)
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(&new));
    assert_eq!(
        directory
            .documents_of(&space_of(space), Some(&new), 10)
            .await
            .unwrap(),
        []
    );
}

async fn of_many_who_claim_a_document_at_once_one_gets_it_and_all_are_told_where_it_lies(
    subject: &impl Subject,
) {
    let house = House::of(subject).await;
    for round in 0..5 {
        let doc = page(&format!("page {round}"));
        let got_it = at_once(8, |number| {
            let (store, doc) = (subject.store(), doc.clone());
            async move {
                let user = [ADA, BOB, EVE][usize::from(number) % 3];
                let directory = Directory::of(&*store).unwrap();
                let lies = directory
                    .claim(&doc, private_of(user), user, NOW)
                    .await
                    .unwrap();
                let read = directory.belonging(&doc).await.unwrap().unwrap();
                assert_eq!(lies, read.space);
                if read.made_by == Some(user) {
                    Ok(())
                } else {
                    Err(String::new())
                }
            }
        });
        let got_it = got_it.await;
        assert!(!got_it.is_empty());
        let whose: BTreeSet<_> = got_it.iter().map(|number| number % 3).collect();
        assert_eq!(whose.len(), 1, "{got_it:?}");
    }
    assert_eq!(house.deeds(0).await.len(), 3, "a page more is no line");
}

async fn a_tree_cannot_be_claimed_or_shared(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let eve = house.sign_in(EVE, 1).await;
    for raw in [DocName::of_space(space).as_str(), "space:", "space:plans"] {
        let doc = page(raw);
        let claimed = directory.claim(&doc, private_of(EVE), EVE, NOW).await;
        assert_eq!(claimed, Err(BelongingError::Tree));
        let facts = house.facts(eve, raw).await;
        assert_eq!(facts.page(&BTreeSet::new()), None);
        let about = facts.space();
        assert!(about.is_none_or(|about| about.role.is_none()), "{raw}");
        let link = LinkId::from_bits(1);
        let secret = LinkSecret::from_random([1; 16]);
        let terms = terms(Extent::Page);
        let added = directory
            .add_link(&share(&doc), (link, &secret), terms, ADA, &by(ADA))
            .await;
        assert_eq!(added, Err(LinkError::NoSuchPage));
    }
}

async fn a_page_that_moves_is_judged_by_where_it_lies(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let (doc, private) = (page("page"), private_of(ADA));
    directory.claim(&doc, space, ADA, NOW).await.unwrap();
    let bob = house.sign_in(BOB, 1).await;
    assert_eq!(house.most(bob, "page").await, "share");
    directory
        .move_document(&doc, &space_of(space), &space_of(private), &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(bob, "page").await, "nothing");
    assert_eq!(
        directory
            .move_document(&doc, &space_of(space), &space_of(private), &by(ADA))
            .await,
        Err(BelongingError::LiesElsewhere),
        "who decided about it decided about another space"
    );
    assert_eq!(
        directory
            .move_document(
                &doc,
                &space_of(private),
                &space_of(SpaceId::from_bits(77)),
                &by(ADA)
            )
            .await,
        Err(BelongingError::NoSuchSpace)
    );
}

fn terms(extent: Extent) -> LinkTerms {
    LinkTerms {
        extent,
        lets: Lets::Edit,
        password: None,
        ends_at: None,
    }
}

impl House {
    /// A link to a page of the shared space, and the key of a guest who came by it.
    async fn guest(&self, number: u8, doc: &DocName, terms: LinkTerms) -> (LinkId, Key) {
        let (link, link_secret) = (
            LinkId::from_bits(number.into()),
            LinkSecret::from_random([number; 16]),
        );
        let directory = self.directory();
        let shown = terms
            .password
            .clone()
            .map_or(Shown::Secret, Shown::Password);
        directory
            .add_link(&share(doc), (link, &link_secret), terms, BOB, &by(BOB))
            .await
            .unwrap();
        let found = directory
            .link_of_secret(&link_secret)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.link, &found.doc, found.made_by), (link, doc, BOB));
        directory
            .enter_by_link(link, name("Guest"), shown, new_session(number), &operator())
            .await
            .unwrap();
        (link, Key::from(&secret(number)))
    }
}

async fn a_link_leads_to_its_page_and_below_it_and_nowhere_else(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let pages = [1, 2, 3, 4].map(PageId::from_bits);
    let [root, below, beside, elsewhere] = pages.map(DocName::of_page);
    for doc in [&root, &below, &beside] {
        directory.claim(doc, space, BOB, NOW).await.unwrap();
    }
    directory
        .claim(&elsewhere, private_of(ADA), ADA, NOW)
        .await
        .unwrap();
    let (_, one) = house.guest(1, &root, terms(Extent::Page)).await;
    let (_, all) = house.guest(2, &root, terms(Extent::Below)).await;
    // What an editor may have written into the tree: a page of another space, too.
    let tree: BTreeSet<_> = [pages[1], pages[3]].into();
    let may = async |key, doc: &DocName| {
        let facts = house.facts(key, doc.as_str()).await;
        let is_needed = facts.needs_tree() == Some((space, pages[0]));
        (most(&facts, facts.page(&tree), NOW), is_needed)
    };
    assert_eq!(may(one, &root).await, ("write", false));
    assert_eq!(may(one, &below).await, ("nothing", false));
    assert_eq!(may(all, &root).await, ("write", false));
    assert_eq!(may(all, &below).await, ("write", true));
    assert_eq!(may(all, &beside).await, ("nothing", true));
    assert_eq!(may(all, &elsewhere).await, ("nothing", false));
    let facts = house.facts(all, DocName::of_space(space).as_str()).await;
    assert_eq!(facts.space().unwrap().role, None);
    assert_eq!(facts.caller.name, Some(name("Guest")));
    directory
        .delete_space(&space_of(space), &by(ADA))
        .await
        .unwrap();
    assert_eq!(may(all, &root).await, ("nothing", false));
}

async fn a_link_ends_when_it_is_taken_back_or_its_time_is_over(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let doc = page("page");
    directory.claim(&doc, space, BOB, NOW).await.unwrap();
    let until = LinkTerms {
        ends_at: Some(later(100)),
        ..terms(Extent::Page)
    };
    let (link, guest) = house.guest(1, &doc, until).await;
    let facts = house.facts(guest, "page").await;
    let may = |now| most(&facts, facts.page(&BTreeSet::new()), now);
    assert_eq!((may(later(99)), may(later(100))), ("write", "nothing"));
    let late = By {
        at: later(100),
        ..operator()
    };
    let enter = async |number, by: &By| {
        let guest = name("Guest");
        directory
            .enter_by_link(link, guest, Shown::Secret, new_session(number), by)
            .await
    };
    assert_eq!(enter(2, &late).await, Err(SessionError::Refused));
    assert_eq!(enter(3, &operator()).await, Ok(()));
    let version = house.version().await;
    assert_eq!(
        directory
            .revoke_link(&share(&page("other")), link, &by(ADA))
            .await,
        Err(LinkError::NoSuchLink),
        "who may share a page decides about the links to that one"
    );
    directory
        .revoke_link(&share(&doc), link, &by(ADA))
        .await
        .unwrap();
    assert!(house.version().await > version);
    assert_eq!(house.most(guest, "page").await, "nothing");
    assert_eq!(house.most(Key::from(&secret(3)), "page").await, "nothing");
    assert_eq!(enter(4, &operator()).await, Err(SessionError::Refused));
    assert_eq!(
        directory.revoke_link(&share(&doc), link, &by(ADA)).await,
        Err(LinkError::NoSuchLink)
    );
    assert_eq!(directory.links_of_document(&share(&doc)).await.unwrap(), []);
    assert!(!directory.link(link).await.unwrap().unwrap().is_open(NOW));
}

async fn a_link_lets_do_what_it_says_now_and_takes_the_password_it_has_now(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let doc = page("page");
    directory.claim(&doc, space, BOB, NOW).await.unwrap();
    let locked = LinkTerms {
        password: Some(password("first")),
        ..terms(Extent::Page)
    };
    let (link, guest) = house.guest(1, &doc, locked.clone()).await;
    for (lets, may) in [(Lets::Comment, "comment"), (Lets::View, "read")] {
        let changed = LinkTerms {
            lets,
            ..locked.clone()
        };
        directory
            .change_link(&share(&doc), link, changed, &by(BOB))
            .await
            .unwrap();
        assert_eq!(house.most(guest, "page").await, may);
    }
    let relocked = LinkTerms {
        password: Some(password("second")),
        ..locked
    };
    directory
        .change_link(&share(&doc), link, relocked, &by(BOB))
        .await
        .unwrap();
    let enter = async |number, shown| {
        let guest = name("Guest");
        directory
            .enter_by_link(link, guest, shown, new_session(number), &operator())
            .await
    };
    let first = Shown::Password(password("first"));
    assert_eq!(enter(2, first).await, Err(SessionError::Refused));
    assert_eq!(enter(3, Shown::Secret).await, Err(SessionError::Refused));
    assert_eq!(enter(4, Shown::Password(password("second"))).await, Ok(()));
}

async fn only_who_may_write_a_page_makes_a_link_to_it(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let doc = page("page");
    directory.claim(&doc, space, BOB, NOW).await.unwrap();
    let add = async |doc: &DocName, user| {
        let (link, secret) = (LinkId::from_bits(9), LinkSecret::from_random([9; 16]));
        let terms = terms(Extent::Page);
        directory
            .add_link(&share(doc), (link, &secret), terms, user, &by(user))
            .await
    };
    let refused = Err(LinkError::NoSuchPage);
    assert_eq!(add(&doc, EVE).await, refused);
    directory
        .set_member(&space_of(space), EVE, Role::Commenter, &by(ADA))
        .await
        .unwrap();
    assert_eq!(add(&doc, EVE).await, refused);
    assert_eq!(add(&page("nowhere"), BOB).await, refused);
    assert_eq!(add(&doc, BOB).await, Ok(()));
    let of_space = directory
        .links_of_space(&space_of(space), None, 10)
        .await
        .unwrap();
    assert_eq!(
        of_space,
        directory.links_of_document(&share(&doc)).await.unwrap()
    );
    assert_eq!(of_space.len(), 1);
}

async fn what_becomes_of_links_is_decided_when_their_maker_goes(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let (shared, diary) = (page("shared"), page("diary"));
    directory.claim(&shared, space, BOB, NOW).await.unwrap();
    directory
        .claim(&diary, private_of(BOB), BOB, NOW)
        .await
        .unwrap();
    let (_, of_shared) = house.guest(1, &shared, terms(Extent::Page)).await;
    let (_, of_diary) = house.guest(2, &diary, terms(Extent::Page)).await;
    assert_eq!(house.most(of_diary, "diary").await, "write");
    directory
        .delete_person(&person(BOB), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    assert_eq!(house.most(of_shared, "shared").await, "write");
    assert_eq!(
        house.most(of_diary, "diary").await,
        "nothing",
        "nobody could take it back"
    );
    let house = House(subject.store());
    directory
        .set_member(&space_of(space), EVE, Role::Editor, &by(ADA))
        .await
        .unwrap();
    let (link, link_secret) = (LinkId::from_bits(7), LinkSecret::from_random([7; 16]));
    directory
        .add_link(
            &share(&shared),
            (link, &link_secret),
            terms(Extent::Page),
            EVE,
            &by(EVE),
        )
        .await
        .unwrap();
    directory
        .disable_person(&person(EVE), TheirLinks::Revoke, &by(ADA))
        .await
        .unwrap();
    let link = house.directory().link(link).await.unwrap().unwrap();
    assert_eq!(link.revoked_at, Some(NOW));
}

async fn many_questions_at_once_are_answered_like_one_at_a_time(subject: &impl Subject) {
    let house = House::of(subject).await;
    let directory = house.directory();
    let space = house.shared_space().await;
    let doc = page("page");
    directory.claim(&doc, space, BOB, NOW).await.unwrap();
    let (_, guest) = house.guest(9, &doc, terms(Extent::Page)).await;
    let keys = [
        house.sign_in(ADA, 1).await,
        house.sign_in(EVE, 2).await,
        guest,
        Key::Nothing,
    ];
    let about = [
        About::Document(doc),
        About::Document(page("nowhere")),
        About::Document(DocName::of_space(space)),
        About::Space(private_of(ADA)),
        About::Nobody,
    ];
    let some: Vec<_> = keys
        .iter()
        .flat_map(|key| about.iter().map(|about| (*key, about.clone())))
        .collect();
    let mut expected = Vec::new();
    for (key, about) in &some {
        expected.push(directory.facts(*key, about.clone()).await.unwrap());
    }
    // More than one question holds, and a number that leaves the last one open.
    let many = some.iter().cycle().take(261).cloned().collect();
    let found = directory.facts_of(many).await.unwrap();
    assert_eq!(found.len(), 261);
    for (found, expected) in found.iter().zip(expected.iter().cycle()) {
        assert_eq!(found, expected);
    }
    assert_eq!(directory.facts_of(Vec::new()).await.unwrap(), []);
}
