//! Every store honours the contract of the port; and what SQLite alone promises.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

#[path = "stores/directory.rs"]
mod directory;
#[path = "support/engines.rs"]
mod engines;
#[path = "stores/killed.rs"]
mod killed;
#[path = "stores/leases.rs"]
mod leases;

use std::path::Path;
use std::sync::Arc;

use sheaf_server::adapters::memory::MemoryStore;
use sheaf_server::adapters::postgres::{self, PostgresStore};
use sheaf_server::adapters::sqlite::{CommitFault, FILE_NAME, OpenError, Options, SqliteStore};
use sheaf_server::contract::store::{Subject, honoured_by};
use sheaf_server::metrics::Metrics;
use sheaf_server::ports::{NewSnapshot, ReadFault, Seq, StorageFault, Store, UpdateBytes};
use sheaf_shared::ids::DocName;
use tempfile::TempDir;

use engines::postgres::Postgres;

struct InMemory(Arc<MemoryStore>);

#[async_trait::async_trait]
impl Subject for InMemory {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0) as Arc<dyn Store>
    }

    async fn restart(&mut self) {}
}

struct InSqlite {
    store: Option<Arc<SqliteStore>>,
    folder: TempDir,
}

impl InSqlite {
    fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Some(Arc::new(open(folder.path()).unwrap())),
            folder,
        }
    }
}

#[async_trait::async_trait]
impl Subject for InSqlite {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store.as_ref().unwrap()) as Arc<dyn Store>
    }

    async fn restart(&mut self) {
        self.store = None;
        self.store = Some(Arc::new(open(self.folder.path()).unwrap()));
    }
}

struct InPostgres {
    store: Arc<PostgresStore>,
    url: String,
}

impl InPostgres {
    async fn fresh() -> Self {
        let url = Postgres::shared().fresh_url().await;
        Self {
            store: connect(&url).await,
            url,
        }
    }
}

#[async_trait::async_trait]
impl Subject for InPostgres {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    async fn restart(&mut self) {
        self.store = connect(&self.url).await;
    }
}

async fn connect(url: &str) -> Arc<PostgresStore> {
    let store = PostgresStore::open(url, postgres::Options::default()).await;
    Arc::new(store.unwrap())
}

fn open(folder: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(folder, Options::default(), Arc::new(Metrics::default()))
}

fn doc(name: &str) -> DocName {
    DocName::parse(name).unwrap()
}

fn update(text: &str) -> UpdateBytes {
    UpdateBytes::copy_from_slice(text.as_bytes())
}

#[tokio::test]
async fn the_memory_store_honours_the_contract() {
    honoured_by(async || InMemory(Arc::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sqlite_store_honours_the_contract() {
    honoured_by(async || InSqlite::fresh()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_postgres_store_honours_the_contract() {
    honoured_by(InPostgres::fresh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_together_set_up_one_set_of_tables() {
    let url = Postgres::shared().fresh_url().await;
    let starting: Vec<_> = (0..6)
        .map(|_| {
            tokio::spawn({
                let url = url.clone();
                async move { connect(&url).await }
            })
        })
        .collect();
    let mut servers = Vec::new();
    for started in starting {
        servers.push(started.await.unwrap());
    }
    for (count, server) in servers.iter().enumerate() {
        let appended = server
            .append(&doc("page"), vec![update("x")])
            .await
            .unwrap();
        assert_eq!(appended.first, Seq(count as u64 + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_of_many_servers_lie_in_one_row_of_places() {
    let url = Postgres::shared().fresh_url().await;
    let mut writing = Vec::new();
    for server in 0..4 {
        let store = connect(&url).await;
        writing.push(tokio::spawn(async move {
            let mut given = Vec::new();
            for count in 0..50 {
                let text = format!("{server}:{count}");
                let appended = store
                    .append(&doc("page"), vec![update(&text)])
                    .await
                    .unwrap();
                // Whoever sees a place has seen every place before it: the order of commits.
                let seen = store
                    .read_since(&doc("page"), Seq(0))
                    .await
                    .unwrap()
                    .unwrap();
                assert!(seen.len() as u64 >= appended.last.0);
                given.push((appended.first, text));
            }
            given
        }));
    }
    let mut given = Vec::new();
    for writer in writing {
        given.extend(writer.await.unwrap());
    }
    given.sort();
    let stored = connect(&url)
        .await
        .load(&doc("page"))
        .await
        .unwrap()
        .unwrap();
    let stored: Vec<_> = stored
        .log
        .into_iter()
        .map(|entry| (entry.seq, String::from_utf8(entry.update.to_vec()).unwrap()))
        .collect();
    assert_eq!(stored, given);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_sync_is_refused() {
    let database = Postgres::start(&["fsync=off"]);
    let opened = PostgresStore::open(&database.url(), postgres::Options::default()).await;
    let Err(error) = opened else {
        panic!("it was taken")
    };
    assert!(error.to_string().contains("fsync"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_the_database_that_was_changed_or_moved_is_found() {
    let url = Postgres::shared().fresh_url().await;
    let schema = url.rsplit_once("%3D").unwrap().1.to_owned();
    let store = connect(&url).await;
    for name in ["changed", "moved", "gone", "cut", "sound"] {
        for text in ["one", "two", "three"] {
            store.append(&doc(name), vec![update(text)]).await.unwrap();
        }
    }
    let of =
        |name: &str| format!("doc_id = (SELECT doc_id FROM {schema}.doc WHERE name = '{name}')");
    for sql in [
        format!(
            "UPDATE {schema}.log SET updates = '\x03747779' WHERE first_seq = 2 AND {}",
            of("changed")
        ),
        format!(
            "UPDATE {schema}.log SET first_seq = 9, last_seq = 9 WHERE first_seq = 3 AND {}",
            of("moved")
        ),
        format!(
            "DELETE FROM {schema}.log WHERE first_seq = 2 AND {}",
            of("gone")
        ),
        // Those before it are as they were, and would make a shorter document.
        format!(
            "DELETE FROM {schema}.log WHERE first_seq = 3 AND {}",
            of("cut")
        ),
    ] {
        Postgres::shared().execute(&sql).await;
    }
    for name in ["changed", "moved", "gone", "cut"] {
        let read = store.load(&doc(name)).await;
        assert!(
            matches!(read, Err(ReadFault::Damaged(_))),
            "{name}: {read:?}"
        );
    }
    assert_eq!(
        store.load(&doc("sound")).await.unwrap().unwrap().log.len(),
        3
    );
    let listed = store.list(None, 10).await.unwrap();
    let troubled: Vec<_> = listed
        .iter()
        .filter(|line| line.trouble.is_some())
        .map(|line| line.doc.as_str())
        .collect();
    assert_eq!(troubled, ["changed", "cut", "gone", "moved"]);
}

#[tokio::test]
async fn two_processes_cannot_open_one_data_directory() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(OpenError::InUse(_))));
    drop(first);
    assert!(open(folder.path()).is_ok());
}

#[tokio::test]
async fn a_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let theirs = rusqlite::Connection::open(&path).unwrap();
    theirs
        .execute_batch("CREATE TABLE theirs (id INTEGER)")
        .unwrap();
    drop(theirs);
    assert!(matches!(open(folder.path()), Err(OpenError::NotOurs)));
}

#[tokio::test]
async fn tables_of_a_newer_release_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let database = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    database
        .execute(
            "INSERT INTO migration (version, name) VALUES (999, 'later')",
            [],
        )
        .unwrap();
    drop(database);
    assert!(matches!(
        open(folder.path()),
        Err(OpenError::TooNew { found: 999, .. })
    ));
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        pages_max: Some(100),
        ..Options::default()
    };
    let store = SqliteStore::open(folder.path(), options, Arc::default()).unwrap();
    let name = doc("a");
    store.append(&name, vec![update("before")]).await.unwrap();
    let huge = UpdateBytes::from(vec![1_u8; 1024 * 1024]);
    let other = doc("b");
    let (refused, fits) = tokio::join!(
        store.append(&name, vec![huge]),
        store.append(&other, vec![update("small, and in the same group")]),
    );
    assert_eq!(refused, Err(StorageFault::Full));
    fits.unwrap();
    assert_eq!(
        store
            .append(&name, vec![update("after")])
            .await
            .unwrap()
            .first,
        Seq(2)
    );
    let stored = store.load(&name).await.unwrap().unwrap();
    assert_eq!(
        stored.updates().cloned().collect::<Vec<_>>(),
        [update("before"), update("after")]
    );
}

#[tokio::test]
async fn a_failed_commit_acknowledges_nothing_until_the_database_was_reopened() {
    let folder = tempfile::tempdir().unwrap();
    let fault = CommitFault::default();
    let options = Options {
        commit_fault: Arc::clone(&fault),
        ..Options::default()
    };
    let store = SqliteStore::open(folder.path(), options, Arc::default()).unwrap();
    store.append(&doc("a"), vec![update("1")]).await.unwrap();
    *fault.lock().unwrap() = Some(StorageFault::Failed("a sync failed".to_owned()));
    assert!(store.append(&doc("a"), vec![update("lost")]).await.is_err());
    assert!(store.probe().await.is_err());
    *fault.lock().unwrap() = None;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let appended = loop {
        match store.append(&doc("a"), vec![update("2")]).await {
            Ok(appended) => break appended,
            Err(StorageFault::Failed(_)) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(fault) => panic!("{fault}"),
        }
    };
    assert_eq!(appended.first, Seq(2));
}

/// Each way a stored document can be damaged from outside.
const DAMAGES: [(&str, &str); 7] = [
    (
        "a bit of the log",
        "UPDATE log SET updates = CAST('x' || substr(updates, 2) AS BLOB) WHERE first_seq = 4",
    ),
    (
        "a row of the log gone",
        "DELETE FROM log WHERE first_seq = 4",
    ),
    (
        "the first row after the snapshot gone",
        "DELETE FROM log WHERE first_seq = 3",
    ),
    (
        "a row that says it stands elsewhere",
        "UPDATE log SET first_seq = 6, last_seq = 6 WHERE first_seq = 5",
    ),
    (
        "a row of another document",
        "UPDATE log SET updates = (SELECT updates FROM log AS other WHERE other.doc_id != log.doc_id), checksum = (SELECT checksum FROM log AS other WHERE other.doc_id != log.doc_id) WHERE first_seq = 4",
    ),
    (
        "a bit of the snapshot",
        "UPDATE snapshot SET bytes = CAST('x' || substr(bytes, 2) AS BLOB)",
    ),
    (
        "a snapshot that says it holds more",
        "UPDATE snapshot SET through_seq = 4",
    ),
];

#[tokio::test]
async fn a_damaged_document_is_never_an_empty_or_a_shortened_one() {
    for (what, sql) in DAMAGES {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).unwrap();
        let name = doc("a");
        store
            .append(&name, vec![update("1"), update("2")])
            .await
            .unwrap();
        let bytes = update("1+2");
        let snapshot = NewSnapshot {
            made_from: Default::default(),
            fence: Default::default(),
            through: Seq(2),
            bytes,
        };
        store.put_snapshot(&name, snapshot).await.unwrap();
        store.trim(&name, Seq(2)).await.unwrap();
        for text in ["3", "4", "5"] {
            store.append(&name, vec![update(text)]).await.unwrap();
        }
        store
            .append(&doc("healthy"), vec![update("4")])
            .await
            .unwrap();
        let database = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
        assert_eq!(database.execute(sql, []).unwrap(), 1, "{what}");
        let loaded = store.load(&name).await;
        assert!(
            matches!(loaded, Err(ReadFault::Damaged(_))),
            "{what}: {loaded:?}"
        );
        assert!(
            store.load(&doc("healthy")).await.unwrap().is_some(),
            "{what}"
        );
        let listed = store.list(None, 10).await.unwrap();
        assert!(listed[0].trouble.is_some(), "{what}: it is noted");
    }
}

#[tokio::test]
async fn a_row_of_the_log_that_is_damaged_does_not_become_history() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let name = doc("a");
    for text in ["1", "2", "3"] {
        store.append(&name, vec![update(text)]).await.unwrap();
    }
    let snapshot = NewSnapshot {
        made_from: Default::default(),
        fence: Default::default(),
        through: Seq(3),
        bytes: update("1+2+3"),
    };
    store.put_snapshot(&name, snapshot).await.unwrap();
    let database = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    database
        .execute(
            "UPDATE log SET updates = CAST('x' || substr(updates, 2) AS BLOB) WHERE first_seq = 2",
            [],
        )
        .unwrap();
    assert_eq!(store.trim(&name, Seq(3)).await.unwrap(), 1);
    let left: u32 = database
        .query_row("SELECT COUNT(*) FROM log", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 2);
}
