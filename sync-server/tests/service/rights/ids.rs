//! Nobody who may write on a page speaks or writes there for somebody else, by whatever way; and who is spoken for goes on as
//! if nothing had happened.

use std::net::SocketAddr;

use sheaf_server::app::directory::links::Lets;
use sheaf_shared::access::Role;
use sheaf_shared::ids::{ClientId, ReplicaId};
use sheaf_shared::limits::PRESENCE_CLOCK_MAX;
use sheaf_shared::presence::{Entry, OwnPresence, Payload, encode};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::sync::close::CloseReason;
use sheaf_shared::sync::facts::{Refused, ServerFact};
use sheaf_shared::wire::SyncMessage;
use sheaf_shared::wire::exchange::Answer;
use sheaf_shared::wire::hocuspocus::{Frame, From, Message as Said};

use super::house::{ADA, House, Servers, cookie, token};
use super::ways::{Shows, enter};
use super::{until_noticed, until_noticed_at, until_put_out};
use crate::client::{Client, Speaks, insert};
use crate::engines::postgres::Postgres;
use crate::engines::redis::Redis;
use crate::visitor::{For, Visitor, post, read};

const FORGED: &str = "forged";
/// The lowest clock of forged presence. She moves less often.
const FORGED_FROM: u32 = 1_000;

/// Somebody in a page, who says so, and what they are there by.
struct Victim {
    client: Client,
    presence: OwnPresence,
    typed: usize,
}

impl Victim {
    async fn enter(address: SocketAddr, shows: &Shows) -> Self {
        let client = enter(address, "page", Speaks::Hocuspocus, shows).await;
        let presence = OwnPresence::new(client.replica.id().into());
        let mut victim = Self {
            client,
            presence,
            typed: 0,
        };
        victim.moves().await;
        victim.types().await;
        victim
    }

    fn id(&self) -> ReplicaId {
        self.client.replica.id()
    }

    async fn moves(&mut self) {
        let said = self.presence.set(Some("{\"hers\":1}".to_owned()));
        self.client.announce(&said).await;
    }

    /// A letter, which is stored.
    async fn types(&mut self) {
        let stored = self.client.stored;
        self.client.type_at(0, "a").await;
        self.typed += 1;
        let answered = |it: &Client| it.stored + it.refused > stored;
        self.client.until("an answer", answered).await;
        assert_eq!(self.client.refused, 0, "the victim was refused");
    }

    /// What somebody could write in her place: it goes on where she stands.
    fn forged_edit(&self) -> Vec<u8> {
        let mut forged = Replica::new(self.id());
        let hers = self.client.replica.encode();
        forged.apply(&hers, Origin::Remote).unwrap();
        insert(&mut forged, 0, FORGED)
    }

    /// What somebody could say in her place: where she is, now and for ever, and that she is gone.
    fn forged_presence(&self) -> Vec<Vec<u8>> {
        let client = ClientId::from(self.id());
        [
            (FORGED_FROM, Some("{\"forged\":1}")),
            (PRESENCE_CLOCK_MAX, Some("{\"forged\":2}")),
            (PRESENCE_CLOCK_MAX, None),
        ]
        .map(|(clock, state)| {
            encode(&[Entry {
                client,
                clock,
                state,
            }])
        })
        .to_vec()
    }

    /// She moves and types, is heard, and nobody has heard or read anything else of her.
    async fn goes_on(&mut self, watcher: &mut Client) {
        self.types().await;
        self.moves().await;
        let id = ClientId::from(self.id());
        let heard = watcher.presence.len();
        let is_hers = move |payload: &Vec<u8>| {
            let payload = Payload::parse(payload).unwrap();
            payload.entries().any(|entry| entry.client == id)
        };
        watcher
            .until("where she is", |it| {
                it.presence[heard..].iter().any(is_hers)
            })
            .await;
        for payload in watcher.presence.iter().filter(|one| is_hers(one)) {
            let payload = Payload::parse(payload).unwrap();
            let about = payload.entries().filter(|entry| entry.client == id);
            for entry in about {
                assert!(entry.clock < FORGED_FROM, "she was spoken for: {entry:?}");
            }
        }
        let typed = self.typed;
        let letters = move |it: &Client| it.text().matches('a').count() == typed;
        watcher.until("all she typed", letters).await;
        assert!(letters(&self.client));
        for text in [watcher.text(), self.client.text()] {
            assert!(!text.contains(FORGED), "{text}");
        }
    }
}

/// By a socket: what is said of her comes to nothing, what is written as hers closes it.
async fn forges_on_a_socket(victim: &Victim, at: SocketAddr, speaks: Speaks, shows: &Shows) {
    let mut forger = enter(at, "page", speaks, shows).await;
    for payload in victim.forged_presence() {
        forger.announce(&payload).await;
    }
    forger.say(SyncMessage::Update(&victim.forged_edit())).await;
    let why = until_put_out(&mut forger).await;
    assert_eq!(why, CloseReason::NotYours, "{speaks:?} {shows:?}");
}

/// By an exchange, as Sheaf's own client: it is told why, so it keeps what it wrote.
async fn forges_by_an_exchange(victim: &Victim, at: SocketAddr, shows: &Shows) {
    let Shows::Cookie(cookie) = shows else {
        panic!("exchanges come with cookies");
    };
    let visitor = Visitor::new("page");
    let mut frames = vec![visitor.update(&victim.forged_edit())];
    let said = victim.forged_presence();
    frames.extend(said.iter().map(|payload| visitor.awareness(payload)));
    let headers = format!("Cookie: {cookie}\r\n");
    let answered = read(post(at, &headers, &visitor.body(For::Saying, &frames)).await).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let answer = Answer::decode(&answered.body).unwrap();
    let mut why = None;
    let mut statuses = Vec::new();
    for frame in &answer.frames {
        let Ok(Frame::Document { message, .. }) = Frame::decode(frame, From::Server) else {
            panic!("no frame");
        };
        match message {
            Said::Stateless(fact) => why = ServerFact::decode(fact),
            Said::SyncStatus(stored) => statuses.push(stored),
            _ => {}
        }
    }
    assert_eq!(why, Some(ServerFact::Refused(Refused::NotYours)));
    assert_eq!(statuses, [false]);
}

async fn forges_by_every_way(
    victim: &mut Victim,
    watcher: &mut Client,
    at: SocketAddr,
    shows: &Shows,
) {
    for speaks in [Speaks::YWebsocket, Speaks::Hocuspocus] {
        forges_on_a_socket(victim, at, speaks, shows).await;
        victim.goes_on(watcher).await;
    }
    forges_by_an_exchange(victim, at, shows).await;
    victim.goes_on(watcher).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_speaks_or_writes_for_somebody_else_by_any_way() {
    let house = House::on_sqlite().await;
    house.found().await;
    house.page("page").await;
    house.add(2, Some(Role::Editor)).await;
    house.guest("page", 22, Lets::Edit).await;
    until_noticed(&house).await;
    let hers = Shows::Cookie(cookie(1));
    let mut watcher = enter(house.address, "page", Speaks::YWebsocket, &hers).await;
    let mut ada = Victim::enter(house.address, &hers).await;
    let guest = Shows::Cookie(cookie(22).replace("sheaf=", "sheaf-guest="));
    for forger in [Shows::Cookie(cookie(2)), guest] {
        forges_by_every_way(&mut ada, &mut watcher, house.address, &forger).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_person_goes_on_under_an_id_by_another_line_and_by_a_token() {
    use sheaf_core::access::Reach;
    let house = House::on_sqlite().await;
    house.found().await;
    house.page("page").await;
    house.token(ADA, 30, Reach::Write, None).await;
    until_noticed(&house).await;
    let ada = Victim::enter(house.address, &Shows::Cookie(cookie(1))).await;
    // The first line still stands when the second begins, as after a network that went silent.
    let by_token = Shows::Token(token(30));
    for speaks in [Speaks::YWebsocket, Speaks::Hocuspocus] {
        let mut again = enter(house.address, "page", speaks, &by_token).await;
        again.say(SyncMessage::Update(&ada.forged_edit())).await;
        again
            .until("it is stored", |it| it.stored > 1 || !it.echoed.is_empty())
            .await;
        assert_eq!(again.refused, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_speaks_or_writes_for_somebody_who_is_at_another_server() {
    let redis = Redis::start(&[]);
    let url = Postgres::shared().fresh_url().await;
    let house = House::on_postgres(&url, 2, &["--redis-url", &redis.url()]).await;
    house.found().await;
    house.page("page").await;
    house.add(2, Some(Role::Editor)).await;
    until_noticed(&house).await;
    let Servers::Many(programs, _) = &house.servers else {
        panic!("two servers");
    };
    let there = programs[1].address;
    // Until it has, whoever comes is anybody.
    until_noticed_at(there).await;
    let hers = Shows::Cookie(cookie(1));
    let mut watcher = enter(there, "page", Speaks::YWebsocket, &hers).await;
    let mut ada = Victim::enter(house.address, &hers).await;
    // The other server knows of her.
    ada.goes_on(&mut watcher).await;
    let his = Shows::Cookie(cookie(2));
    forges_by_every_way(&mut ada, &mut watcher, there, &his).await;
    forges_by_every_way(&mut ada, &mut watcher, house.address, &his).await;
    // She moves there herself, under the same id.
    let Victim {
        client,
        mut presence,
        typed,
    } = ada;
    let socket = super::ways::socket(there, "/collab", &hers).await;
    let replica = client.replica;
    let mut client = Client::join_showing(socket, "page", Speaks::Hocuspocus, replica, "").await;
    client.announce(&presence.renew()).await;
    let mut ada = Victim {
        client,
        presence,
        typed,
    };
    ada.goes_on(&mut watcher).await;
}
