//! Everything that the directory keeps, made by the use cases that make it.

use sheaf_core::access::{
    Account, InvitePeople, ManageOwnAccount, ManagePerson, ManageSpace, Office, Page, Reach,
    Resident, Seat, SharePage, Space,
};
use sheaf_server::app::directory::identities::Identity;
use sheaf_server::app::directory::links::{Extent, Lets, LinkTerms};
use sheaf_server::app::directory::people::{NewPerson, TheirLinks};
use sheaf_server::app::directory::secret::{
    InvitationSecret, LinkSecret, PasswordHash, SessionSecret, TokenSecret,
};
use sheaf_server::app::directory::sessions::{NewSession, Shown};
use sheaf_server::app::directory::tokens::TokenTerms;
use sheaf_server::app::directory::{Actor, By, Directory, Granted};
use sheaf_server::ports::{Statement, Store, Touches};
use sheaf_shared::access::Role;
use sheaf_shared::ids::{DocName, InvitationId, LinkId, SessionId, SpaceId, TokenId, UserId};
use sheaf_shared::people::{Colour, Email, Name};
use sheaf_shared::time::UnixMs;

const ADA: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(0xffee_0000_0000_0000_0000_0000_0000_0002);
const EVE: UserId = UserId::from_bits(3);
const TEAM: SpaceId = SpaceId::from_bits(9);
const AT: UnixMs = UnixMs(1_700_000_000_123);

fn name(raw: &str) -> Name {
    Name::parse(raw).unwrap()
}

fn person(user: UserId, called: &str, has_password: bool) -> NewPerson {
    let password = has_password.then(|| PasswordHash::from_text("$argon2id$x".to_owned()));
    NewPerson {
        user,
        email: Email::parse(&format!("{called}@example.org")).unwrap(),
        name: name(called),
        colour: Colour([1, 2, 3]),
        password,
        private: SpaceId::from_bits(100 + user.to_bits() % 100),
    }
}

fn by(user: UserId) -> By {
    By {
        actor: Actor::Person(user, name("Ünal")),
        address: Some([192, 0, 2, 7].into()),
        at: AT,
    }
}

fn own(user: UserId) -> Granted<ManageOwnAccount> {
    Granted::to_operator(&Account { user }).unwrap()
}

fn resident(user: UserId) -> Granted<ManagePerson> {
    let office = Office::Member;
    Granted::to_operator(&Resident { user, office }).unwrap()
}

fn seat(office: Office) -> Granted<InvitePeople> {
    Granted::to_operator(&Seat { office }).unwrap()
}

fn team() -> Granted<ManageSpace> {
    let (space, role) = (TEAM, None);
    Granted::to_operator(&Space { space, role }).unwrap()
}

fn share(doc: &DocName) -> Granted<SharePage> {
    Granted::to_operator(&Page {
        doc: doc.clone(),
        space: TEAM,
        role: None,
        is_linked: false,
    })
    .unwrap()
}

/// The session of a person who signed in.
fn session() -> SessionSecret {
    SessionSecret::from_random([1; 32])
}

/// The link by which a guest came.
fn link() -> LinkSecret {
    LinkSecret::from_random([2; 16])
}

/// Makes a row in every table of the directory that says something, and in most columns both something and nothing.
pub(crate) async fn settle(store: &dyn Store, page: &DocName) {
    let directory = Directory::of(store).unwrap();
    let operator = By {
        actor: Actor::Operator,
        ..by(ADA)
    };
    directory
        .found(person(ADA, "ada", true), name("Home"), &operator)
        .await
        .unwrap();
    for (user, called) in [(BOB, "bob"), (EVE, "äve")] {
        directory
            .add_person(
                &seat(Office::Member),
                person(user, called, user == BOB),
                &by(ADA),
            )
            .await
            .unwrap();
    }
    directory
        .add_space(TEAM, name("Équipe"), &own(ADA), &by(ADA))
        .await
        .unwrap();
    directory
        .set_member(&team(), BOB, Role::Commenter, &by(ADA))
        .await
        .unwrap();
    let other = DocName::parse("Ärger").unwrap();
    directory.claim(&other, TEAM, ADA, AT).await.unwrap();
    for (number, doc, password, ends_at) in [
        (1, page, Some("$argon2id$y"), Some(UnixMs(u64::MAX >> 1))),
        (2, &other, None, None),
    ] {
        let terms = LinkTerms {
            extent: Extent::Below,
            lets: Lets::Comment,
            password: password.map(|it| PasswordHash::from_text(it.to_owned())),
            ends_at,
        };
        let secret = if number == 2 {
            link()
        } else {
            LinkSecret::from_random([1; 16])
        };
        let id = LinkId::from_bits(number);
        directory
            .add_link(&share(doc), (id, &secret), terms, ADA, &by(ADA))
            .await
            .unwrap();
    }
    settle_doors(&directory).await;
    directory
        .delete_person(&resident(EVE), TheirLinks::Stay, &by(ADA))
        .await
        .unwrap();
    let setting = Statement {
        sql: "INSERT INTO setting (name, value) VALUES ('colour', 'blue')",
        values: Vec::new(),
        touches: Touches::One,
    };
    store.tables().unwrap().write(vec![setting]).await.unwrap();
}

async fn settle_doors(directory: &Directory<'_>) {
    for (number, space, ends_at) in [(1_u8, Some(TEAM), Some(AT)), (2, None, None)] {
        let terms = TokenTerms {
            label: name("Robot"),
            space,
            reach: Reach::Write,
            ends_at,
        };
        let (id, secret) = (
            TokenId::from_bits(number.into()),
            TokenSecret::from_random([number; 32]),
        );
        directory
            .add_token(&own(BOB), (id, &secret), terms, &by(BOB))
            .await
            .unwrap();
    }
    let until = UnixMs(AT.0 + 9);
    let secrets = [1, 2].map(|number| InvitationSecret::from_random([number; 32]));
    let space = Some((&team(), Role::Editor));
    let join = (InvitationId::from_bits(1), &secrets[0]);
    directory
        .invite(&seat(Office::Admin), join, None, space, until, &by(ADA))
        .await
        .unwrap();
    let reset = (InvitationId::from_bits(2), &secrets[1]);
    directory
        .offer_reset(&resident(BOB), reset, until, &by(ADA))
        .await
        .unwrap();
    let identity = Identity::parse("https://id.example.org", "bob").unwrap();
    directory
        .tie_identity(&own(BOB), &identity, &by(BOB))
        .await
        .unwrap();
    let new = NewSession {
        session: SessionId::from_bits(1),
        secret: session(),
        agent: "Browser".to_owned(),
    };
    directory
        .sign_in(BOB, Shown::Identity, new, &by(BOB))
        .await
        .unwrap();
}
