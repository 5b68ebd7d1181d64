//! A server with people, and what they come in by.

use std::net::SocketAddr;
use std::sync::Arc;

use sheaf_core::access::{
    Account, InvitePeople, ManageOwnAccount, ManagePerson, ManageSpace, Office, Page, Reach,
    Resident, Seat, SharePage, Space,
};
use sheaf_server::adapters::postgres::{Options, PostgresStore};
use sheaf_server::app::directory::links::{Extent, Lets, LinkTerms};
use sheaf_server::app::directory::people::{NewPerson, TheirLinks};
use sheaf_server::app::directory::secret::{LinkSecret, SessionSecret, TokenSecret};
use sheaf_server::app::directory::sessions::{NewSession, Shown};
use sheaf_server::app::directory::tokens::TokenTerms;
use sheaf_server::app::directory::{Actor, By, Directory, Granted};
use sheaf_server::ports::Store;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, LinkId, SessionId, SpaceId, TokenId, UserId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::time::UnixMs;

use crate::program::Program;
use crate::server::TestServer;

/// Owns the installation and the first space.
pub(crate) const ADA: UserId = UserId::from_bits(1);
/// A space that nobody but Ada is in.
const OTHER: SpaceId = SpaceId::from_bits(77);
/// How long a session lasts.
const SESSION_MS: u64 = 30 * 24 * 3_600 * 1_000;

/// Those who hold a server.
pub(crate) enum Servers {
    One(#[expect(dead_code, reason = "kept running")] Box<TestServer>),
    Many(
        Vec<Program>,
        #[expect(dead_code, reason = "kept")] Vec<tempfile::TempDir>,
    ),
}

/// People, and the store through which their rights are changed: as another server would, which tells nobody.
pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) address: SocketAddr,
    pub(crate) servers: Servers,
}

pub(crate) fn name(raw: &str) -> Name {
    Name::parse(raw).unwrap()
}

pub(crate) fn now() -> UnixMs {
    sheaf_server::adapters::system::unix_now()
}

pub(crate) fn by() -> By {
    By {
        actor: Actor::Operator,
        address: None,
        at: now(),
    }
}

/// What the browser of session `number` sends.
pub(crate) fn cookie(number: u8) -> String {
    format!(
        "sheaf={}",
        SessionSecret::from_random([number; 32]).reveal()
    )
}

pub(crate) fn token(number: u8) -> String {
    TokenSecret::from_random([number; 32]).reveal()
}

pub(crate) fn person(user: UserId) -> NewPerson {
    NewPerson {
        user,
        email: Email::parse(&format!("p{}@example.org", user.to_bits())).unwrap(),
        name: name("Somebody"),
        colour: Colour([1, 2, 3]),
        password: None,
        private: SpaceId::from_bits(1_000 + user.to_bits()),
    }
}

fn own(user: UserId) -> Granted<ManageOwnAccount> {
    Granted::to_operator(&Account { user }).unwrap()
}

fn new_session(number: u8) -> NewSession {
    NewSession {
        session: SessionId::from_bits(number.into()),
        secret: SessionSecret::from_random([number; 32]),
        agent: String::new(),
    }
}

impl House {
    pub(crate) async fn on_sqlite() -> Self {
        Self::at(TestServer::start().await)
    }

    /// At this server.
    pub(crate) fn at(server: TestServer) -> Self {
        Self {
            store: Arc::clone(server.store()),
            address: server.address,
            servers: Servers::One(Box::new(server)),
        }
    }

    pub(crate) async fn on_postgres(url: &str, servers: usize, more: &[&str]) -> Self {
        let mut programs = Vec::new();
        let mut folders = Vec::new();
        for _ in 0..servers {
            let folder = tempfile::tempdir().unwrap();
            let arguments = ["--database-url", url, "--drain-seconds", "0"];
            let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
            programs.push(Program::start(folder.path(), &arguments));
            folders.push(folder);
        }
        let store = PostgresStore::open(url, Options::default()).await.unwrap();
        Self {
            store: Arc::new(store),
            address: programs[0].address,
            servers: Servers::Many(programs, folders),
        }
    }

    pub(crate) fn directory(&self) -> Directory<'_> {
        Directory::of(self.store.as_ref()).unwrap()
    }

    /// Ada makes the first account, and comes by session 1.
    pub(crate) async fn found(&self) {
        self.directory()
            .found(person(ADA), name("Home"), &by())
            .await
            .unwrap();
        self.sign_in(ADA, 1, by()).await;
    }

    /// Somebody with an account; in the first space if there is a role, and by the session of their number.
    pub(crate) async fn add(&self, number: u8, role: Option<Role>) -> UserId {
        let user = UserId::from_bits(number.into());
        let office = Office::Member;
        let seat = Granted::<InvitePeople>::to_operator(&Seat { office }).unwrap();
        self.directory()
            .add_person(&seat, person(user), &by())
            .await
            .unwrap();
        if let Some(role) = role {
            self.set_role(user, role).await;
        }
        self.sign_in(user, number, by()).await;
        user
    }

    pub(crate) async fn sign_in(&self, user: UserId, number: u8, by: By) {
        self.directory()
            .sign_in(user, Shown::Identity, new_session(number), &by)
            .await
            .unwrap();
    }

    /// A session that is over in so many milliseconds.
    pub(crate) async fn sign_in_for(&self, user: UserId, number: u8, ms: u64) {
        let at = UnixMs(now().0 + ms - SESSION_MS);
        self.sign_in(user, number, By { at, ..by() }).await;
    }

    pub(crate) async fn sign_out(&self, number: u8) {
        let secret = SessionSecret::from_random([number; 32]);
        self.directory().sign_out(&secret, &by()).await.unwrap();
    }

    fn home() -> Granted<ManageSpace> {
        let (space, role) = (SpaceId::HOME, None);
        Granted::to_operator(&Space { space, role }).unwrap()
    }

    pub(crate) async fn set_role(&self, user: UserId, role: Role) {
        self.directory()
            .set_member(&Self::home(), user, role, &by())
            .await
            .unwrap();
    }

    pub(crate) async fn remove(&self, user: UserId) {
        self.directory()
            .remove_member(&Self::home(), user, &by())
            .await
            .unwrap();
    }

    pub(crate) async fn disable(&self, user: UserId) {
        let office = Office::Member;
        let may = Granted::<ManagePerson>::to_operator(&Resident { user, office }).unwrap();
        self.directory()
            .disable_person(&may, TheirLinks::Stay, &by())
            .await
            .unwrap();
    }

    /// A page of the first space.
    pub(crate) async fn page(&self, raw: &str) {
        let doc = DocName::parse(raw).unwrap();
        self.directory()
            .claim(&doc, SpaceId::HOME, ADA, now())
            .await
            .unwrap();
    }

    /// A page of a space in which nobody else is.
    pub(crate) async fn page_elsewhere(&self, raw: &str) {
        let own = own(ADA);
        let directory = self.directory();
        directory
            .add_space(OTHER, name("Other"), &own, &by())
            .await
            .unwrap();
        let doc = DocName::parse(raw).unwrap();
        directory.claim(&doc, OTHER, ADA, now()).await.unwrap();
    }

    /// A guest who came by a link to `page`, and holds the session of `number`.
    pub(crate) async fn guest(&self, page: &str, number: u8, lets: Lets) {
        self.guest_of(page, Extent::Page, number, lets).await;
    }

    /// The same, to so much.
    pub(crate) async fn guest_of(&self, page: &str, extent: Extent, number: u8, lets: Lets) {
        let page = Page {
            doc: DocName::parse(page).unwrap(),
            space: SpaceId::HOME,
            role: None,
            is_linked: false,
        };
        let may = Granted::<SharePage>::to_operator(&page).unwrap();
        let link = LinkId::from_bits(number.into());
        let terms = LinkTerms {
            extent,
            lets,
            password: None,
            ends_at: None,
        };
        let secret = LinkSecret::from_random([number; 16]);
        let directory = self.directory();
        directory
            .add_link(&may, (link, &secret), terms, ADA, &by())
            .await
            .unwrap();
        directory
            .enter_by_link(
                link,
                name("Guest"),
                Shown::Secret,
                new_session(number),
                &by(),
            )
            .await
            .unwrap();
    }

    /// A token of somebody.
    pub(crate) async fn token(
        &self,
        user: UserId,
        number: u8,
        reach: Reach,
        space: Option<SpaceId>,
    ) {
        let own = own(user);
        let terms = TokenTerms {
            label: name("Robot"),
            space,
            reach,
            ends_at: None,
        };
        let id = TokenId::from_bits(number.into());
        let secret = TokenSecret::from_random([number; 32]);
        self.directory()
            .add_token(&own, (id, &secret), terms, &by())
            .await
            .unwrap();
    }

    pub(crate) async fn revoke_token(&self, user: UserId, number: u8) {
        let own = own(user);
        self.directory()
            .revoke_token(&own, TokenId::from_bits(number.into()), &by())
            .await
            .unwrap();
    }
}
