//! A shared database that is killed and comes back.

use std::time::{Duration, Instant};

use sheaf_server::adapters::postgres::PostgresStore;
use sheaf_server::ports::{ReadFault, Seq, StorageFault, Store as _, StoredDocument};

use crate::engines::postgres::Postgres;
use crate::{connect, doc, update};

/// It finds by itself, and within a moment, that the database is back.
async fn load_when_it_is_back(store: &PostgresStore) -> StoredDocument {
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        match store.load(&doc("page")).await {
            Err(ReadFault::Storage(StorageFault::Away)) if Instant::now() < limit => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            loaded => return loaded.unwrap().unwrap(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_killed_is_used_again_by_itself_and_has_every_commit() {
    let mut database = Postgres::start(&[]);
    let store = connect(&database.url()).await;
    let mut stored = 0_u64;
    for round in 0..3 {
        for count in 0..20 {
            let text = format!("{round}:{count}");
            stored = store
                .append(&doc("page"), vec![update(&text)])
                .await
                .unwrap()
                .last
                .0;
        }
        database.kill();
        let refused = store.append(&doc("page"), vec![update("nowhere")]).await;
        assert!(refused.is_err(), "acknowledged without a database");
        assert!(
            store.load(&doc("page")).await.is_err(),
            "absence is no answer"
        );
        database.start_again();
        let read = load_when_it_is_back(&store).await;
        assert!(read.head() >= Seq(stored), "a commit is lost");
    }
    assert!(
        store
            .append(&doc("page"), vec![update("goes on")])
            .await
            .unwrap()
            .first
            > Seq(stored)
    );
}
