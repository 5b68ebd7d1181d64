//! Whom the gate lets in, to what, and what it says to the others.

use sheaf_core::access::{
    InvitePeople, ManageSpace, Office, Reach, ReadPage, SharePage, WritePage,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{LinkId, ReplicaId, SessionId, TokenId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::space::edit;
use tempfile::TempDir;

use super::*;
use crate::adapters::sqlite::{FILE_NAME, Options, SqliteStore};
use crate::app::directory::links::{Extent, Lets, LinkTerms};
use crate::app::directory::people::NewPerson;
use crate::app::directory::secret::{LinkSecret, SessionSecret, TokenSecret};
use crate::app::directory::sessions::{NewSession, Shown};
use crate::app::directory::spaces::SpaceError;
use crate::app::directory::tokens::TokenTerms;
use crate::app::directory::{Actor, By};
use crate::metrics::Metrics;

const ADA: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);
const NOW: UnixMs = UnixMs(1_700_000_000_000);
const SOON: MonotonicMs = MonotonicMs(1_000);

struct House {
    gate: Gate,
    store: Arc<dyn Store>,
    folder: TempDir,
}

fn name(raw: &str) -> Name {
    Name::parse(raw).unwrap()
}

fn doc(raw: &str) -> DocName {
    DocName::parse(raw).unwrap()
}

fn by() -> By {
    By {
        actor: Actor::Operator,
        address: None,
        at: NOW,
    }
}

fn person(user: UserId) -> NewPerson {
    NewPerson {
        user,
        email: Email::parse(&format!("p{}@example.org", user.to_bits())).unwrap(),
        name: name("Somebody"),
        colour: Colour([1, 2, 3]),
        password: None,
        private: SpaceId::from_bits(100 + user.to_bits()),
    }
}

fn session(number: u8) -> SessionSecret {
    SessionSecret::from_random([number; 32])
}

fn key(number: u8) -> Key {
    (&session(number)).into()
}

fn keys<const N: usize>(keys: [Key; N]) -> Keys {
    Keys::new(keys.to_vec())
}

impl House {
    /// Nobody lives here.
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::default());
        let store = SqliteStore::open(folder.path(), Options::default(), metrics).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        Self {
            gate: Gate::new(Arc::clone(&store)),
            store,
            folder,
        }
    }

    /// Ada owns it and came by session 1; Bob is a viewer of the first space and came by session 2.
    async fn of_two() -> Self {
        let house = Self::empty();
        let directory = house.directory();
        directory
            .found(person(ADA), name("Home"), &by())
            .await
            .unwrap();
        let seat = Granted::<InvitePeople>::to_operator(&Seat {
            office: Office::Member,
        });
        directory
            .add_person(&seat.unwrap(), person(BOB), &by())
            .await
            .unwrap();
        house.set_role(BOB, Role::Viewer).await;
        for (user, number) in [(ADA, 1), (BOB, 2)] {
            let new = NewSession {
                session: SessionId::from_bits(number.into()),
                secret: session(number),
                agent: String::new(),
            };
            directory
                .sign_in(user, Shown::Identity, new, &by())
                .await
                .unwrap();
        }
        house
    }

    fn directory(&self) -> Directory<'_> {
        Directory::of(self.store.as_ref()).unwrap()
    }

    async fn set_role(&self, user: UserId, role: Role) {
        let space = Space {
            space: SpaceId::HOME,
            role: None,
        };
        let may = Granted::<ManageSpace>::to_operator(&space).unwrap();
        self.directory()
            .set_member(&may, user, role, &by())
            .await
            .unwrap();
    }

    async fn judge(&self, keys: Keys, doc: &DocName, claim: Option<SpaceId>) -> Result<Role, Shut> {
        let doc = doc.clone();
        let asks = [Ask { keys, doc, claim }];
        let mut judged = self.gate.judge(&asks, NOW).await.unwrap();
        judged.remove(0).map(|judged| judged.role)
    }
}

#[tokio::test]
async fn the_first_key_that_opens_a_page_counts_and_a_known_refusal_before_an_unknown_one() {
    let house = House::of_two().await;
    let page = doc("page");
    house
        .directory()
        .claim(&page, SpaceId::HOME, ADA, NOW)
        .await
        .unwrap();
    let write = async |keys| {
        let granted = house.gate.page::<WritePage>(&keys, &page, None, NOW).await;
        granted.map(|granted| granted.role())
    };
    assert_eq!(write(keys([key(9), key(2), key(1)])).await, Ok(Role::Owner));
    let known = Err(Denied::Refused(Refusal::Known));
    assert_eq!(write(keys([key(9), key(2)])).await, known);
    assert_eq!(write(keys([key(2), key(9)])).await, known);
    let unknown = Err(Denied::Refused(Refusal::Unknown));
    assert_eq!(write(keys([key(9)])).await, unknown);
    assert_eq!(write(keys([])).await, unknown);
}

#[tokio::test]
async fn a_page_that_nobody_has_is_claimed_where_one_may_write_and_by_nobody_else() {
    let house = House::of_two().await;
    let page = doc("new");
    let home = Some(SpaceId::HOME);
    for (keys, claim) in [
        (keys([key(1)]), None),
        (keys([key(2)]), home),
        (keys([key(9)]), home),
        (keys([Key::Local]), home),
    ] {
        assert!(house.judge(keys, &page, claim).await.is_err());
    }
    assert_eq!(house.directory().belonging(&page).await, Ok(None));
    assert_eq!(
        house.judge(keys([key(1)]), &page, home).await,
        Ok(Role::Owner)
    );
    // The first claim decides; a later one is judged by what is stored.
    let hers = Some(SpaceId::from_bits(102));
    assert_eq!(
        house.judge(keys([key(2)]), &page, hers).await,
        Ok(Role::Viewer)
    );
}

#[tokio::test]
async fn a_token_brings_unknown_documents_to_life_in_its_space_if_it_is_for_writing() {
    let house = House::of_two().await;
    let account = house.gate.own_account(&keys([key(1)]), NOW).await.unwrap();
    for (number, reach) in [(1, Reach::Read), (2, Reach::Write)] {
        let terms = TokenTerms {
            label: name("Robot"),
            space: Some(SpaceId::HOME),
            reach,
            ends_at: None,
        };
        let secret = TokenSecret::from_random([number; 32]);
        let id = TokenId::from_bits(number.into());
        // The version moved with the first.
        let may = if number == 1 {
            &account
        } else {
            &house.gate.own_account(&keys([key(1)]), NOW).await.unwrap()
        };
        house
            .directory()
            .add_token(may, (id, &secret), terms, &by())
            .await
            .unwrap();
    }
    let token = |number| keys([(&TokenSecret::from_random([number; 32])).into()]);
    let page = doc("stock");
    assert_eq!(house.judge(token(1), &page, None).await, Err(Shut::Unknown));
    assert_eq!(house.judge(token(2), &page, None).await, Ok(Role::Editor));
    assert_eq!(house.judge(token(1), &page, None).await, Ok(Role::Viewer));
}

#[tokio::test]
async fn a_guest_is_led_below_a_page_by_the_stored_tree_and_nowhere_else() {
    let house = House::of_two().await;
    let pages = [1, 2, 3, 4].map(PageId::from_bits);
    let docs = pages.map(DocName::of_page);
    let mut tree = Replica::new(ReplicaId(1));
    let mut updates = Vec::new();
    for (page, parent) in [
        (pages[0], None),
        (pages[1], Some(pages[0])),
        (pages[2], None),
        (pages[3], Some(pages[0])),
    ] {
        let new = edit::NewPage {
            id: page,
            title: "Page".to_owned(),
            parent,
            place: edit::Place::Last,
            created_by: "Ada".to_owned(),
            created_at: NOW,
        };
        let made = edit::create(&mut tree, Origin::Local, &new).unwrap();
        updates.push(made.unwrap().into());
    }
    let binned = edit::bin(&mut tree, Origin::Local, pages[3], NOW).unwrap();
    updates.push(binned.unwrap().into());
    let of_home = DocName::of_space(SpaceId::HOME);
    house.store.append(&of_home, updates).await.unwrap();
    for doc in &docs {
        house
            .directory()
            .claim(doc, SpaceId::HOME, ADA, NOW)
            .await
            .unwrap();
    }
    let may = house
        .gate
        .page::<SharePage>(&keys([key(1)]), &docs[0], None, NOW)
        .await
        .unwrap();
    let link = LinkId::from_bits(1);
    let terms = LinkTerms {
        extent: Extent::Below,
        lets: Lets::Comment,
        password: None,
        ends_at: None,
    };
    let secret = LinkSecret::from_random([1; 16]);
    house
        .directory()
        .add_link(&may, (link, &secret), terms, ADA, &by())
        .await
        .unwrap();
    let new = NewSession {
        session: SessionId::from_bits(7),
        secret: session(7),
        agent: String::new(),
    };
    house
        .directory()
        .enter_by_link(link, name("Guest"), Shown::Secret, new, &by())
        .await
        .unwrap();
    let mut judged = Vec::new();
    for doc in docs.iter().chain([&of_home, &doc("elsewhere")]) {
        judged.push(house.judge(keys([key(7)]), doc, None).await.ok());
    }
    let let_in = Some(Role::Commenter);
    assert_eq!(judged, [let_in, let_in, None, None, None, None]);
}

#[tokio::test]
async fn who_sits_at_the_machine_is_let_in_without_asking_until_somebody_has_an_account() {
    let house = House::empty();
    let local = keys([Key::Local]);
    let page = doc("page");
    assert_eq!(house.gate.judge_now(&local, &page, SOON), None, "not known");
    assert_eq!(
        house.judge(local.clone(), &page, None).await,
        Ok(Role::Owner)
    );
    house.gate.look(SOON).await.unwrap();
    let judged = house.gate.judge_now(&local, &page, SOON).unwrap().unwrap();
    assert_eq!(judged.role, Role::Owner);
    // What is known that way is forgotten when the store can't be asked for long.
    let late = SOON.plus_ms(NOBODY_FOR_MS + 1);
    assert_eq!(house.gate.judge_now(&local, &page, late), None);
    house
        .directory()
        .found(person(ADA), name("Home"), &by())
        .await
        .unwrap();
    house.gate.look(SOON).await.unwrap();
    assert_eq!(house.gate.judge_now(&local, &page, SOON), None);
    assert_eq!(house.judge(local, &page, None).await, Err(Shut::Stranger));
    let nothing = house.gate.judge_now(&keys([]), &page, SOON);
    assert_eq!(nothing, Some(Err(Shut::Stranger)), "nothing need be asked");
}

#[tokio::test]
async fn what_was_decided_by_facts_that_changed_is_decided_again_and_not_for_ever() {
    let mut tries = 0;
    let done: Result<(), SpaceError> = again(async || {
        tries += 1;
        match tries {
            1 => Err(Undone::Moved.into()),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!((done, tries), (Ok(()), 2));
    let mut tries = 0;
    let done: Result<(), SpaceError> = again(async || {
        tries += 1;
        Err(Undone::Moved.into())
    })
    .await;
    assert_eq!((done, tries), (Err(Undone::Moved.into()), TRIES_MAX));
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_never_a_no() {
    let house = House::of_two().await;
    let database = rusqlite::Connection::open(house.folder.path().join(FILE_NAME)).unwrap();
    database
        .execute_batch("ALTER TABLE session RENAME TO elsewhere")
        .unwrap();
    let granted = house
        .gate
        .page::<ReadPage>(&keys([key(1)]), &doc("page"), None, NOW)
        .await;
    assert!(matches!(granted, Err(Denied::TryAgain(_))));
}
