//! A disk that fails, a stored row that cannot be applied, a log that was folded into a snapshot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sheaf_server::adapters::sqlite::{CommitFault, Options, SqliteStore};
use sheaf_server::app;
use sheaf_server::config::RawConfig;
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::{Seq, StorageFault, Store};
use sheaf_shared::gate::update::Lacks;
use sheaf_shared::ids::DocName;

use crate::client::{Client, PATIENCE, Speaks, insert, new_replica};
use crate::server::TestServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_acknowledges_nothing_and_all_is_stored_when_it_is_back() {
    for fault in [
        StorageFault::Full,
        StorageFault::Busy,
        StorageFault::Failed("sync".into()),
    ] {
        let failing = CommitFault::default();
        let options = Options {
            commit_fault: Arc::clone(&failing),
            ..Options::default()
        };
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let server = TestServer::open(folder, RawConfig::default(), options).await;
        let mut ada = Client::join(server.address, "page", Speaks::Hocuspocus).await;
        let mut ben = Client::join(server.address, "page", Speaks::YWebsocket).await;
        ada.until("the first status", |client| client.stored == 1)
            .await;
        *failing.lock().unwrap() = Some(fault.clone());
        ada.type_at(0, "kept").await;
        ben.type_at(0, "safe").await;
        let quiet = tokio::time::timeout(Duration::from_millis(700), async {
            ada.until("a status", |client| client.stored == 2).await;
        });
        assert!(quiet.await.is_err(), "{fault}: acknowledged without a disk");
        assert!(
            !ben.text().contains("kept"),
            "{fault}: shown to others without a disk"
        );
        assert!(server.store().probe().await.is_err(), "{fault}: not ready");
        *failing.lock().unwrap() = None;
        ada.until("a status", |client| client.stored == 2).await;
        ada.until("the other's edit", |client| client.text().contains("safe"))
            .await;
        ben.until("the other's edit", |client| client.text().contains("kept"))
            .await;
        let server = server.restart().await;
        let mut newcomer = Client::join(server.address, "page", Speaks::YWebsocket).await;
        let all = |text: &str| text.contains("kept") && text.contains("safe");
        newcomer
            .until("both edits", |client| all(&client.text()))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stored_row_that_cannot_be_applied_is_put_aside_and_the_rest_is_served() {
    let server = TestServer::start().await;
    let doc = DocName::parse("poisoned").unwrap();
    let mut replica = new_replica();
    let first = insert(&mut replica, 0, "before ");
    let last = insert(&mut replica, 7, "after");
    // Past the gate, as from an older release whose gate let it through.
    let poison = Bytes::from_static(&[1, 1, 7, 0, 2, 1, 2, b't', b'2', 0, 1, b'c', 0]);
    let rows = vec![Bytes::from(first), poison.clone(), Bytes::from(last)];
    server.store().append(&doc, rows).await.unwrap();
    let mut ada = Client::join(server.address, doc.as_str(), Speaks::YWebsocket).await;
    ada.until_text("before after").await;
    let until = Instant::now() + PATIENCE;
    let aside = loop {
        let aside = server.store().quarantined(&doc).await.unwrap();
        if let Some(aside) = aside.into_iter().next() {
            break aside;
        }
        assert!(Instant::now() < until, "it was not put aside");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((aside.seq, aside.update), (Some(Seq(2)), poison));
    ada.type_at(0, "and ").await;
    ada.until("the echo", |client| !client.echoed.is_empty())
        .await;
    let server = server.restart().await;
    let mut ben = Client::join(server.address, doc.as_str(), Speaks::Hocuspocus).await;
    ben.until_text("and before after").await;
    assert_eq!(
        server.store().quarantined(&doc).await.unwrap().len(),
        1,
        "once is enough"
    );
    let report = app::verify::verify(&**server.store()).await.unwrap();
    assert_eq!((report.quarantined, report.damages), (1, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_log_becomes_a_snapshot_that_holds_every_word_and_the_past_is_kept() {
    const WORDS: usize = 1_200;
    let server = TestServer::start().await;
    let doc = DocName::parse("long").unwrap();
    let mut ada = Client::join(server.address, doc.as_str(), Speaks::Hocuspocus).await;
    ada.until("the first status", |client| client.stored == 1)
        .await;
    for count in 0..WORDS {
        ada.type_at(0, "word ").await;
        ada.until("a status", |client| client.stored == count + 2)
            .await;
    }
    let expected = ada.text();
    let until = Instant::now() + PATIENCE;
    let stored = loop {
        let stored = server.store().load(&doc).await.unwrap().unwrap();
        if stored.snapshot.is_some() {
            break stored;
        }
        assert!(Instant::now() < until, "no snapshot came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(
        stored.snapshot_through >= Seq(500),
        "{:?}",
        stored.snapshot_through
    );
    let server = server.restart().await;
    let mut ben = Client::join(server.address, doc.as_str(), Speaks::YWebsocket).await;
    ben.until_text(&expected).await;
    let past = server.store().history_since(&doc, Seq(0)).await.unwrap();
    assert!(past.len() >= 500, "{}", past.len());
    assert_eq!(past[0].seq, Seq(1));
    let report = app::verify::verify(&**server.store()).await.unwrap();
    assert_eq!(report.damages, vec![]);
    assert_eq!(
        report.updates, WORDS as u64,
        "history and log together hold each update once"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_that_comes_too_late_replaces_nothing() {
    let server = TestServer::start().await;
    let store = server.store();
    let doc = DocName::parse("raced").unwrap();
    let mut replica = new_replica();
    let first = insert(&mut replica, 0, "one");
    store.append(&doc, vec![first.into()]).await.unwrap();
    let compactor = app::compact::Compactor::new(Arc::clone(store));
    let done = app::compact::compact(&compactor, &doc, Seq(0))
        .await
        .unwrap();
    assert!(
        matches!(done, app::compact::Compaction::Done(done) if done.through == Seq(1)),
        "{done:?}"
    );
    let second = insert(&mut replica, 3, " two");
    store.append(&doc, vec![second.into()]).await.unwrap();
    let rest = store.load(&doc).await.unwrap().unwrap();
    assert_eq!((rest.snapshot_through, rest.log.len()), (Seq(1), 1));
    let (one, other) = tokio::join!(
        app::compact::compact(&compactor, &doc, Seq(1)),
        app::compact::compact(&compactor, &doc, Seq(1)),
    );
    for done in [one, other] {
        assert!(
            !matches!(done, Ok(app::compact::Compaction::UnderWayElsewhere)),
            "one server works on one document at a time: {done:?}"
        );
    }
    let stored = store.load(&doc).await.unwrap().unwrap();
    assert_eq!(stored.head(), Seq(2));
    let again = app::compact::replay(&stored).unwrap();
    assert_eq!(again.replica().canonical(), replica.canonical());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_came_before_what_it_builds_on_is_never_folded_away() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = Arc::new(Metrics::default());
    let opened = SqliteStore::open(folder.path(), Options::default(), metrics).unwrap();
    let store: Arc<dyn Store> = Arc::new(opened);
    let doc = DocName::parse("early").unwrap();
    let mut ada = new_replica();
    let first = insert(&mut ada, 0, "one");
    let lost = insert(&mut ada, 3, " two");
    let early = insert(&mut ada, 7, " three");
    for update in [first, early] {
        store.append(&doc, vec![update.into()]).await.unwrap();
    }
    let compactor = app::compact::Compactor::new(Arc::clone(&store));
    let refused = app::compact::compact(&compactor, &doc, Seq(0)).await;
    assert!(
        matches!(refused, Err(app::compact::CompactFault::Waiting(1))),
        "{refused:?}"
    );
    let stored = store.load(&doc).await.unwrap().unwrap();
    assert_eq!((stored.log.len(), stored.snapshot), (2, None));
    let report = app::verify::verify(&*store).await.unwrap();
    assert_eq!(report.damages, vec![]);
    let lacks = Lacks {
        client: ada.id().into(),
        clock: 3,
    };
    let waits = app::verify::Waiting {
        seq: Seq(2),
        lacks: Some(lacks),
    };
    assert_eq!(report.waiting, vec![(doc.clone(), waits)]);

    store.append(&doc, vec![lost.into()]).await.unwrap();
    app::compact::compact(&compactor, &doc, Seq(0))
        .await
        .unwrap();
    let stored = store.load(&doc).await.unwrap().unwrap();
    assert_eq!((stored.log.len(), stored.snapshot_through), (0, Seq(3)));
    let again = app::compact::replay(&stored).unwrap();
    assert_eq!(again.replica().canonical(), ada.canonical());
    let report = app::verify::verify(&*store).await.unwrap();
    assert_eq!((report.damages, report.waiting), (vec![], vec![]));
}
