//! Who may open what, by every way, on both databases; and what becomes of those who are in when that changes.

mod guests;
pub(crate) mod house;
mod ids;
pub(crate) mod ways;

use sheaf_core::access::Reach;
use sheaf_server::app::directory::links::Lets;
use sheaf_server::app::directory::people::PersonError;
use sheaf_shared::access::Role;
use sheaf_shared::ids::SpaceId;
use sheaf_shared::sync::close::CloseReason::{self, Forbidden, Revoked, Unauthorized};

use crate::client::{Client, FIRST, PATIENCE, Speaks};
use crate::engines::postgres::Postgres;
use crate::engines::redis::Redis;
use house::{ADA, House, Servers, cookie, token};
use ways::{Came, Shows, WAYS, enter, try_to_write};

/// Somebody, what they show, and what comes of it at a page of the first space.
type Someone = (&'static str, Shows, Came);

/// Everyone there can be.
async fn everyone(house: &House) -> Vec<Someone> {
    house.found().await;
    house.page("page").await;
    house.page_elsewhere("elsewhere").await;
    let out = Came::Out(Unauthorized);
    let made_up = Shows::Cookie(cookie(99));
    let mut all = vec![
        ("nobody", Shows::Nothing, out),
        ("someone with a made-up cookie", made_up, out),
        ("the owner", Shows::Cookie(cookie(1)), Came::Writes),
    ];
    all.extend(people(house).await);
    house.sign_in_for(ADA, 8, 0).await;
    all.push(("a session that is over", Shows::Cookie(cookie(8)), out));
    all.extend(guests(house).await);
    all.extend(programs(house).await);
    all
}

async fn people(house: &House) -> Vec<Someone> {
    let mut people = Vec::new();
    for (number, who, role, came) in [
        (2, "an editor", Some(Role::Editor), Came::Writes),
        (3, "a commenter", Some(Role::Commenter), Came::Reads),
        (4, "a viewer", Some(Role::Viewer), Came::Reads),
        (5, "a member of nothing", None, Came::Out(Forbidden)),
        (
            6,
            "one who is disabled",
            Some(Role::Editor),
            Came::Out(Unauthorized),
        ),
        (
            7,
            "one who signed out",
            Some(Role::Editor),
            Came::Out(Unauthorized),
        ),
    ] {
        let user = house.add(number, role).await;
        match number {
            6 => house.disable(user).await,
            7 => house.sign_out(7).await,
            _ => {}
        }
        people.push((who, Shows::Cookie(cookie(number)), came));
    }
    people
}

async fn guests(house: &House) -> Vec<Someone> {
    let mut guests = Vec::new();
    for (number, who, lets, came) in [
        (20, "a guest who may view", Lets::View, Came::Reads),
        (21, "a guest who may comment", Lets::Comment, Came::Reads),
        (22, "a guest who may edit", Lets::Edit, Came::Writes),
    ] {
        house.guest("page", number, lets).await;
        let cookie = cookie(number).replace("sheaf=", "sheaf-guest=");
        guests.push((who, Shows::Cookie(cookie), came));
    }
    guests
}

async fn programs(house: &House) -> Vec<Someone> {
    let (home, other) = (SpaceId::HOME, SpaceId::from_bits(77));
    let mut programs = Vec::new();
    for (number, who, reach, space, came) in [
        (30, "a token to read", Reach::Read, None, Came::Reads),
        (
            31,
            "a token to write",
            Reach::Write,
            Some(home),
            Came::Writes,
        ),
        (
            32,
            "a token for elsewhere",
            Reach::Write,
            Some(other),
            Came::Out(Forbidden),
        ),
        (
            33,
            "a token that was revoked",
            Reach::Write,
            None,
            Came::Out(Unauthorized),
        ),
    ] {
        house.token(ADA, number, reach, space).await;
        if number == 33 {
            house.revoke_token(ADA, number).await;
        }
        programs.push((who, Shows::Token(token(number)), came));
    }
    let made_up = Shows::Token("abc".to_owned());
    programs.push(("a made-up token", made_up, Came::Out(Unauthorized)));
    programs
}

/// The server has noticed that there are accounts.
async fn until_noticed(house: &House) {
    until_noticed_at(house.address).await;
}

async fn until_noticed_at(address: std::net::SocketAddr) {
    let limit = tokio::time::Instant::now() + PATIENCE;
    loop {
        let came = try_to_write(ways::Way::Exchange, address, "page", &Shows::Nothing, "?").await;
        if came == Came::Out(Unauthorized) {
            return;
        }
        assert!(
            tokio::time::Instant::now() < limit,
            "everyone is still let in"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

async fn everyone_gets_what_is_theirs(house: House) {
    let everyone = everyone(&house).await;
    until_noticed(&house).await;
    for (number, (who, shows, came)) in everyone.iter().enumerate() {
        for way in WAYS {
            let word = format!("<{number}{way:?}>");
            let found = try_to_write(way, house.address, "page", shows, &word).await;
            assert_eq!(found, *came, "{who} by {way:?}");
            // Who may not know of a page is told the same about one that is not there.
            let may_bring_to_life = *who == "a token for elsewhere";
            if matches!(came, Came::Out(_)) && !may_bring_to_life {
                let found = try_to_write(way, house.address, "nothing", shows, &word).await;
                assert_eq!(found, *came, "{who} by {way:?} at nothing");
            }
        }
    }
    // A role in one space, or a link to one page, opens nothing else.
    for (number, (who, shows, _)) in everyone.iter().enumerate() {
        if matches!(number, 3..=5 | 10..=12) {
            for way in WAYS {
                let found = try_to_write(way, house.address, "elsewhere", shows, "x").await;
                assert_eq!(found, Came::Out(Forbidden), "{who} by {way:?} elsewhere");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_gets_what_is_theirs_by_every_way_with_sqlite() {
    everyone_gets_what_is_theirs(House::on_sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_gets_what_is_theirs_by_every_way_with_postgres() {
    let url = Postgres::shared().fresh_url().await;
    everyone_gets_what_is_theirs(House::on_postgres(&url, 1, &[]).await).await;
}

/// Why a client was closed, in either dialect.
async fn until_put_out(client: &mut Client) -> CloseReason {
    let frame = client.until_closed().await.expect("a reason");
    CloseReason::of_text(&frame.reason).unwrap()
}

async fn in_at(house: &House, server: usize, speaks: Speaks, number: u8) -> Client {
    let address = match &house.servers {
        Servers::One(_) => house.address,
        Servers::Many(programs, _) => programs[server].address,
    };
    let mut client = enter(address, "page", speaks, &Shows::Cookie(cookie(number))).await;
    client.type_at(0, "x").await;
    match speaks {
        Speaks::Hocuspocus => {
            client
                .until("a status", |it| it.stored + it.refused > 0)
                .await
        }
        Speaks::YWebsocket => client.until("an echo", |it| !it.echoed.is_empty()).await,
    }
    client
}

/// People at two servers lose their rights through a third that tells nobody.
async fn whoever_loses_a_right_is_put_out_everywhere(house: House) {
    house.found().await;
    house.page("page").await;
    for number in 2..=4 {
        house.add(number, Some(Role::Editor)).await;
    }
    until_noticed(&house).await;
    let mut removed = in_at(&house, 0, Speaks::Hocuspocus, 2).await;
    let mut removed_there = in_at(&house, 1, Speaks::YWebsocket, 2).await;
    let mut disabled = in_at(&house, 1, Speaks::Hocuspocus, 3).await;
    let mut signed_out = in_at(&house, 1, Speaks::YWebsocket, 4).await;
    let mut stays = in_at(&house, 1, Speaks::Hocuspocus, 1).await;
    house.remove(sheaf_shared::ids::UserId::from_bits(2)).await;
    house.disable(sheaf_shared::ids::UserId::from_bits(3)).await;
    house.sign_out(4).await;
    assert_eq!(until_put_out(&mut removed).await, Revoked);
    assert_eq!(until_put_out(&mut removed_there).await, Revoked);
    assert_eq!(until_put_out(&mut disabled).await, Unauthorized);
    assert_eq!(until_put_out(&mut signed_out).await, Unauthorized);
    let stored = stays.stored;
    stays.type_at(0, "still here").await;
    stays.until("a status", |it| it.stored > stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_a_right_is_put_out_of_every_server_without_redis() {
    let url = Postgres::shared().fresh_url().await;
    let house = House::on_postgres(&url, 2, &[]).await;
    whoever_loses_a_right_is_put_out_everywhere(house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_a_right_is_put_out_of_every_server_with_redis_and_when_it_is_gone() {
    let mut redis = Redis::start(&[]);
    let url = Postgres::shared().fresh_url().await;
    let house = House::on_postgres(&url, 2, &["--redis-url", &redis.url()]).await;
    redis.kill();
    whoever_loses_a_right_is_put_out_everywhere(house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_read_from_now_on_keeps_what_was_acknowledged_and_is_told_of_the_rest() {
    let house = House::on_sqlite().await;
    house.found().await;
    house.page("page").await;
    let ben = house.add(2, Some(Role::Editor)).await;
    until_noticed(&house).await;
    let mut ben_types = in_at(&house, 0, Speaks::Hocuspocus, 2).await;
    house.set_role(ben, Role::Viewer).await;
    let limit = tokio::time::Instant::now() + PATIENCE;
    let mut typed = 1;
    while ben_types.refused == 0 {
        assert!(tokio::time::Instant::now() < limit, "everything is stored");
        ben_types.type_at(0, "y").await;
        typed += 1;
        ben_types
            .until("all answers", |it| it.stored + it.refused == FIRST + typed)
            .await;
    }
    // What he was told is stored is there, and what was refused is not.
    let acknowledged = ben_types.text().len() - ben_types.refused;
    let mut ada = enter(
        house.address,
        "page",
        Speaks::YWebsocket,
        &Shows::Cookie(cookie(1)),
    )
    .await;
    ada.until("what was acknowledged", |it| {
        it.text().len() == acknowledged
    })
    .await;
    // He is still in, reads on, and may write again when he is let.
    ada.type_at(0, "hers ").await;
    ben_types
        .until("her words", |it| it.text().contains("hers "))
        .await;
    house.set_role(ben, Role::Editor).await;
    let stored = ben_types.stored;
    while ben_types.stored == stored {
        assert!(tokio::time::Instant::now() < limit, "nothing is stored");
        let answered = ben_types.stored + ben_types.refused;
        ben_types.type_at(0, "z").await;
        ben_types
            .until("an answer", |it| it.stored + it.refused > answered)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_by_itself_ends_its_sockets_though_nobody_changes_anything() {
    let house = House::on_sqlite().await;
    house.found().await;
    house.page("page").await;
    house.sign_in_for(ADA, 9, 4_000).await;
    until_noticed(&house).await;
    let by_short = Shows::Cookie(cookie(9));
    let mut ada = enter(house.address, "page", Speaks::YWebsocket, &by_short).await;
    assert_eq!(until_put_out(&mut ada).await, Unauthorized);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_account_puts_out_whoever_came_in_before_there_was_one() {
    let house = House::on_sqlite().await;
    let mut early = Vec::new();
    for speaks in [Speaks::YWebsocket, Speaks::Hocuspocus] {
        let mut client = Client::join(house.address, "page", speaks).await;
        client.type_at(0, "early ").await;
        client
            .until("it is stored", |it| it.stored > 0 || !it.echoed.is_empty())
            .await;
        early.push(client);
    }
    house.found().await;
    for client in &mut early {
        assert_eq!(until_put_out(client).await, Unauthorized);
    }
    // What was written before is hers.
    let hers = Shows::Cookie(cookie(1));
    let mut ada = enter(house.address, "page", Speaks::Hocuspocus, &hers).await;
    ada.until("what was written", |it| it.text().contains("early"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_waits_ends_when_its_right_does() {
    let house = House::on_sqlite().await;
    house.found().await;
    house.page("page").await;
    let ben = house.add(2, Some(Role::Editor)).await;
    until_noticed(&house).await;
    let mut visitor = crate::visitor::Visitor::new("page");
    let headers = format!("Cookie: {}\r\n", cookie(2));
    let exchange = async |body: &[u8]| {
        let answered = crate::visitor::post(house.address, &headers, body).await;
        let answered = crate::visitor::read(answered).await;
        sheaf_shared::wire::exchange::Answer::decode(&answered.body)
            .map(|answer| {
                answer
                    .frames
                    .iter()
                    .map(|frame| frame.to_vec())
                    .collect::<Vec<_>>()
            })
            .unwrap()
    };
    let first = crate::visitor::post(
        house.address,
        &headers,
        &visitor.body(crate::visitor::For::Hearing, &[]),
    )
    .await;
    visitor.take(&crate::visitor::read(first).await);
    let body = visitor.body(crate::visitor::For::Waiting, &[]);
    let (frames, ()) = tokio::join!(exchange(&body), house.remove(ben));
    let said: Vec<u8> = frames.concat();
    let said = String::from_utf8_lossy(&said);
    let is_told = [Revoked, Forbidden]
        .iter()
        .any(|reason| said.contains(reason.text()));
    assert!(is_told, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_account_is_made_beside_a_server_that_lets_everyone_in_and_none_starts_afterwards()
{
    let url = Postgres::shared().fresh_url().await;
    let house = House::on_postgres(&url, 1, &[]).await;
    let schema = url.rsplit_once("%3D").unwrap().1;
    let execute = async |sql: String| Postgres::shared().execute(&sql).await;
    execute(format!(
        "INSERT INTO {schema}.member (name, address, version, state, started_at, seen_at)
         VALUES ('old', '127.0.0.1:1', '0.1.0', 'serving', clock_timestamp(), clock_timestamp())"
    ))
    .await;
    let (new, home) = (house::person(ADA), house::name("Home"));
    let refused = house.directory().found(new, home, &house::by()).await;
    assert_eq!(refused, Err(PersonError::EarlierRelease));
    assert_eq!(house.directory().is_founded().await, Ok(false));
    execute(format!(
        "UPDATE {schema}.member SET seen_at = seen_at - INTERVAL '11 minutes' WHERE name = 'old'"
    ))
    .await;
    house.found().await;
    // A release starts only if it knows the highest floor.
    execute(format!(
        "DO $$ BEGIN ASSERT (SELECT MAX(floor) FROM {schema}.migration) >= 8, 'the floor is low'; END $$"
    ))
    .await;
}
