//! The contract of [`Directory`], over any store that has tables: what it promises whoever asks at the same moment.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a contract is a test: a fault it did not ask for is a failure"
)]

mod doors;
mod elsewhere;
mod invitations;
mod pages;
mod people;
mod spaces;

use std::collections::BTreeSet;
use std::sync::Arc;

use sheaf_core::access::{
    Account, Act, CommentOnPage, InvitePeople, ManageOwnAccount, ManagePerson, Office, Page,
    ReadPage, ReadPeople, Resident, Seat, SharePage, Space, WritePage, decide,
};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, SessionId, SpaceId, UserId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::time::UnixMs;

use super::store::Subject;
use crate::app::directory::facts::{About, Facts, Key};
use crate::app::directory::people::NewPerson;
use crate::app::directory::secret::{PasswordHash, SessionSecret};
use crate::app::directory::sessions::{NewSession, Shown};
use crate::app::directory::{Actor, By, Directory, Granted, Version};
use crate::ports::Store;

/// Runs every clause, each on a subject of its own.
pub async fn honoured_by<S: Subject>(fresh: impl AsyncFn() -> S) {
    // Side by side, as most of it is waiting for a disk.
    tokio::join!(
        people::honoured_by(&fresh),
        doors::honoured_by(&fresh),
        elsewhere::honoured_by(&fresh),
        invitations::honoured_by(&fresh),
        spaces::honoured_by(&fresh),
        pages::honoured_by(&fresh),
    );
}

const NOW: UnixMs = UnixMs(1_700_000_000_000);
const ADA: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);
const EVE: UserId = UserId::from_bits(3);
/// Who has no account yet.
const INVITED: UserId = UserId::from_bits(50);

fn later(ms: u64) -> UnixMs {
    UnixMs(NOW.0 + ms)
}

fn name(raw: &str) -> Name {
    Name::parse(raw).unwrap()
}

fn email(raw: &str) -> Email {
    Email::parse(raw).unwrap()
}

fn page(raw: &str) -> DocName {
    DocName::parse(raw).unwrap()
}

fn password(text: &str) -> PasswordHash {
    PasswordHash::from_text(text.to_owned())
}

/// The private space of a person of these tests.
fn private_of(user: UserId) -> SpaceId {
    SpaceId::from_bits(1_000 + user.to_bits())
}

fn new_person(user: UserId) -> NewPerson {
    let number = user.to_bits();
    NewPerson {
        user,
        email: email(&format!("person{number}@example.org")),
        name: name(&format!("Person {number}")),
        colour: Colour([1, 2, 3]),
        password: Some(password("old")),
        private: private_of(user),
    }
}

fn operator() -> By {
    By {
        actor: Actor::Operator,
        address: None,
        at: NOW,
    }
}

fn by(user: UserId) -> By {
    By {
        actor: Actor::Person(user, name("Somebody")),
        address: Some([192, 0, 2, 7].into()),
        ..operator()
    }
}

/// Proof that whatever it is may be done, as whoever runs the server gets it.
fn may<A: Act>(object: &A::To) -> Granted<A> {
    Granted::to_operator(object).unwrap()
}

fn own(user: UserId) -> Granted<ManageOwnAccount> {
    may(&Account { user })
}

fn person(user: UserId) -> Granted<ManagePerson> {
    let office = Office::Member;
    may(&Resident { user, office })
}

fn seat(office: Office) -> Granted<InvitePeople> {
    may(&Seat { office })
}

fn space_of<A: Act<To = Space>>(space: SpaceId) -> Granted<A> {
    may(&Space { space, role: None })
}

fn share(doc: &DocName) -> Granted<SharePage> {
    may(&Page {
        doc: doc.clone(),
        space: SpaceId::HOME,
        role: None,
        is_linked: false,
    })
}

fn the_house<A: Act<To = sheaf_core::access::House>>() -> Granted<A> {
    may(&sheaf_core::access::House)
}

fn read_people() -> Granted<ReadPeople> {
    the_house()
}

fn new_session(number: u8) -> NewSession {
    NewSession {
        session: SessionId::from_bits(number.into()),
        secret: secret(number),
        agent: "Browser".to_owned(),
    }
}

fn secret(number: u8) -> SessionSecret {
    SessionSecret::from_random([number; 32])
}

/// A store with Ada, who owns it, and Bob and Eve, who are members.
struct House(Arc<dyn Store>);

impl House {
    async fn of(subject: &impl Subject) -> Self {
        let house = Self(subject.store());
        let directory = house.directory();
        let home = name("Home");
        directory
            .found(new_person(ADA), home, &operator())
            .await
            .unwrap();
        for user in [BOB, EVE] {
            directory
                .add_person(&seat(Office::Member), new_person(user), &by(ADA))
                .await
                .unwrap();
        }
        house
    }

    fn directory(&self) -> Directory<'_> {
        Directory::of(&*self.0).unwrap()
    }

    /// Signs in, in the session of that number.
    async fn sign_in(&self, user: UserId, number: u8) -> Key {
        let shown = Shown::Password(password("old"));
        let (directory, new) = (self.directory(), new_session(number));
        directory
            .sign_in(user, shown, new, &by(user))
            .await
            .unwrap();
        Key::from(&secret(number))
    }

    /// A space that Ada owns and Bob writes in.
    async fn shared_space(&self) -> SpaceId {
        let (space, directory) = (SpaceId::from_bits(500), self.directory());
        directory
            .add_space(space, name("Team"), &own(ADA), &by(ADA))
            .await
            .unwrap();
        directory
            .set_member(&space_of(space), BOB, Role::Editor, &by(ADA))
            .await
            .unwrap();
        space
    }

    async fn facts(&self, key: Key, doc: &str) -> Facts {
        let about = About::Document(page(doc));
        self.directory().facts(key, about).await.unwrap()
    }

    /// The most that somebody may with a page.
    async fn most(&self, key: Key, doc: &str) -> &'static str {
        let facts = self.facts(key, doc).await;
        most(&facts, facts.page(&BTreeSet::new()), NOW)
    }

    async fn version(&self) -> Version {
        self.directory().version().await.unwrap()
    }

    /// What was done since there were `before` lines, oldest first.
    async fn deeds(&self, before: usize) -> Vec<String> {
        let lines = self
            .directory()
            .audit_lines(&the_house(), None, 200)
            .await
            .unwrap();
        lines
            .into_iter()
            .rev()
            .skip(before)
            .map(|line| line.deed)
            .collect()
    }
}

fn most(facts: &Facts, page: Option<Page>, now: UnixMs) -> &'static str {
    let Some(page) = page else {
        return "nothing";
    };
    let who = &facts.caller.who;
    let may = [
        decide::<ReadPage>(who, &page, now).is_ok(),
        decide::<CommentOnPage>(who, &page, now).is_ok(),
        decide::<WritePage>(who, &page, now).is_ok(),
        decide::<SharePage>(who, &page, now).is_ok(),
    ];
    match may {
        [false, false, false, false] => "nothing",
        [true, false, false, false] => "read",
        [true, true, false, false] => "comment",
        [true, true, true, false] => "write",
        [true, true, true, true] => "share",
        odd => panic!("{odd:?} makes no ladder"),
    }
}

/// Starts several attempts at once, each with its number, and answers which ones succeeded.
async fn at_once<F, T>(count: u8, attempt: impl Fn(u8) -> F) -> Vec<u8>
where
    F: Future<Output = Result<T, String>> + Send + 'static,
    T: Send + 'static,
{
    let running: Vec<_> = (1..=count)
        .map(|number| tokio::spawn(attempt(number)))
        .collect();
    let mut succeeded = Vec::new();
    for (number, task) in (1..=count).zip(running) {
        if task.await.unwrap().is_ok() {
            succeeded.push(number);
        }
    }
    succeeded
}
