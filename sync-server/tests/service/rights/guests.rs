//! What becomes of guests who are in while the store is silent, or while what they were led to by moves away.

use sheaf_server::app::directory::links::{Extent, Lets};
use sheaf_server::ports::{Statement, Touches};
use sheaf_shared::ids::{DocName, PageId, ReplicaId, SpaceId};
use sheaf_shared::replica::{Origin, Replica};
use sheaf_shared::space::edit::{self, NewPage, Place};
use sheaf_shared::sync::close::CloseReason;

use super::house::{House, cookie, now};
use super::ways::{Shows, enter};
use super::{until_noticed, until_put_out};
use crate::client::{Client, Speaks};
use crate::server::TestServer;

/// The guest of this number, at a page.
async fn guest_at(house: &House, page: &str, number: u8) -> Client {
    let cookie = cookie(number).replace("sheaf=", "sheaf-guest=");
    let mut guest = enter(
        house.address,
        page,
        Speaks::Hocuspocus,
        &Shows::Cookie(cookie),
    )
    .await;
    type_and_see_it_stored(&mut guest).await;
    guest
}

async fn type_and_see_it_stored(client: &mut Client) {
    client
        .until("what was before", |client| client.stored > 0)
        .await;
    let stored = client.stored;
    client.type_at(0, "x").await;
    client.until("it is stored", |it| it.stored > stored).await;
}

/// Does something with the tables of who may what, past all rules.
async fn do_to_tables(house: &House, sql: &'static str) {
    let statement = Statement {
        sql,
        values: Vec::new(),
        touches: Touches::Any,
    };
    let tables = house.store.tables().unwrap();
    tables.write(vec![statement]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guests_are_put_out_when_the_store_has_not_said_for_long_who_may_and_people_stay() {
    let house = House::at(TestServer::tuned(|config| config.guests_stay_ms = 1_000).await);
    house.found().await;
    house.page("page").await;
    house.guest("page", 20, Lets::Edit).await;
    until_noticed(&house).await;
    let mut guest = guest_at(&house, "page", 20).await;
    let hers = Shows::Cookie(cookie(1));
    let mut ada = enter(house.address, "page", Speaks::Hocuspocus, &hers).await;
    type_and_see_it_stored(&mut ada).await;
    do_to_tables(&house, "ALTER TABLE authority RENAME TO away").await;
    assert_eq!(until_put_out(&mut guest).await, CloseReason::Unreadable);
    // Pages are kept elsewhere, and hers goes on.
    type_and_see_it_stored(&mut ada).await;
    do_to_tables(&house, "ALTER TABLE away RENAME TO authority").await;
    guest_at(&house, "page", 20).await;
    type_and_see_it_stored(&mut ada).await;
}

/// A tree with the second page below the first, as it is stored.
async fn plant(house: &House, pages: [PageId; 2]) -> Replica {
    let mut tree = Replica::new(ReplicaId(1));
    let mut updates = Vec::new();
    for (id, parent) in [(pages[0], None), (pages[1], Some(pages[0]))] {
        let new = NewPage {
            id,
            title: "Page".to_owned(),
            parent,
            place: Place::Last,
            created_by: "Ada".to_owned(),
            created_at: now(),
        };
        let made = edit::create(&mut tree, Origin::Local, &new).unwrap();
        updates.push(made.unwrap().into());
    }
    let doc = DocName::of_space(SpaceId::HOME);
    house.store.append(&doc, updates).await.unwrap();
    tree
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_moved_out_of_a_shared_tree_is_closed_to_the_guests_who_have_it_open() {
    let house = House::on_sqlite().await;
    house.found().await;
    let pages = [1, 2].map(PageId::from_bits);
    let names = pages.map(|page| page.to_string());
    let mut tree = plant(&house, pages).await;
    for name in &names {
        house.page(name).await;
    }
    house
        .guest_of(&names[0], Extent::Below, 20, Lets::Edit)
        .await;
    until_noticed(&house).await;
    let mut above = guest_at(&house, &names[0], 20).await;
    let mut below = guest_at(&house, &names[1], 20).await;
    let moved = edit::move_page(&mut tree, Origin::Local, pages[1], None, Place::Last);
    let moved = vec![moved.unwrap().unwrap().into()];
    let doc = DocName::of_space(SpaceId::HOME);
    house.store.append(&doc, moved).await.unwrap();
    assert_eq!(until_put_out(&mut below).await, CloseReason::Revoked);
    type_and_see_it_stored(&mut above).await;
}
