//! Every store honours the contract of leases; and what PostgreSQL alone promises of them, and of the list of servers.

use std::sync::Arc;

use sheaf_server::adapters::postgres::PostgresStore;
use sheaf_server::contract::leases::honoured_by;
use sheaf_server::ports::{Acquired, Beat, MemberState, Store as _};

use crate::engines::postgres::Postgres;
use crate::{InMemory, InPostgres, InSqlite, connect, doc};

#[tokio::test]
async fn the_memory_store_honours_the_contract_of_leases() {
    honoured_by(async || InMemory(Arc::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_honours_the_contract_of_leases() {
    honoured_by(async || InSqlite::fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_honours_the_contract_of_leases() {
    honoured_by(InPostgres::fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_loses_its_leases_before_their_time_and_no_other_does() {
    const LONG_MS: u64 = 3_600_000;
    let url = Postgres::shared().fresh_url().await;
    let schema = url.rsplit_once("%3D").unwrap().1.to_owned();
    let store = connect(&url).await;
    let leases = store.leases().unwrap();
    for name in ["silent", "heard"] {
        let beat = Beat {
            name: name.to_owned(),
            address: "127.0.0.1:1".to_owned(),
            place: name.to_owned(),
            up_ms: 0,
            version: "0".to_owned(),
            state: MemberState::Serving,
        };
        store.membership().unwrap().beat(&beat).await.unwrap();
        leases.acquire(&doc(name), name, LONG_MS).await.unwrap();
    }
    // One that is on no list may have to be waited for.
    leases
        .acquire(&doc("unknown"), "unknown", LONG_MS)
        .await
        .unwrap();
    let sql = format!(
        "UPDATE {schema}.member SET seen_at = seen_at - INTERVAL '1 minute' WHERE name = 'silent'"
    );
    Postgres::shared().execute(&sql).await;
    for (name, is_given) in [("silent", true), ("heard", false), ("unknown", false)] {
        let acquired = leases.acquire(&doc(name), "other", LONG_MS).await.unwrap();
        assert_eq!(matches!(acquired, Acquired::Lease(_)), is_given, "{name}");
    }
}

/// Names on the list after `name` gave a sign of life at `place`.
async fn beat(store: &PostgresStore, name: &str, place: &str, up_ms: u64) -> Vec<String> {
    let beat = Beat {
        name: name.to_owned(),
        address: "127.0.0.1:1".to_owned(),
        place: place.to_owned(),
        up_ms,
        version: "0".to_owned(),
        state: MemberState::Serving,
    };
    let members = store.membership().unwrap().beat(&beat).await.unwrap();
    members.into_iter().map(|member| member.name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_runs_where_another_was_killed_takes_its_place_on_the_list_at_once() {
    let url = Postgres::shared().fresh_url().await;
    let store = connect(&url).await;
    beat(&store, "killed", "here", 0).await;
    assert_eq!(
        beat(&store, "elsewhere", "there", 0).await,
        ["killed", "elsewhere"],
        "at the same address of another machine"
    );
    assert_eq!(
        beat(&store, "next", "here", 0).await,
        ["elsewhere", "next"],
        "only one can run there"
    );
    // Two that claim the same place and both live, as clones of one machine might, stay both.
    for _ in 0..3 {
        assert_eq!(beat(&store, "killed", "here", 60_000).await.len(), 3);
        assert_eq!(beat(&store, "next", "here", 0).await.len(), 3);
    }
}
